/* recount: see recount.h; here are the command line and the two ways to print. */
#include "cli/recount.h"

#include "cli/options.h"
#include "cli/recount_run.h"
#include "cli/system_options.h"
#include "lib/civil.h"
#include "lib/keys.h"

#include <jansson.h>
#include <stdio.h>
#include <unistd.h>

enum { SHOWN_MAX = 40, DEFAULT_TIMEOUT_S = 120 };

struct arguments {
    struct system_options system;
    int timeout_s;
    gboolean wait, json;
};

static const char summary[] =
    "Reads the topic from its start, counts once more on a separate, simple path, and compares with what Redis holds: per\n"
    "client, route, status and UTC day; of closed days that is the newest sheet, and what came since.\n"
    "Exit code 0: equal, 1: different, 2: no comparison was possible.\n"
    "Where the system is comes from --dir, from the options, or from KAFKA_BROKERS, TOPIC and REDIS_URL in the environment.";

/* ---- for people ---- */

/* Sums of a day, in the order of the rows. */
struct day_sum {
    int64_t day;
    uint64_t log, redis;
};

static GArray *sum_days(const GArray *rows)
{
    GArray *days = g_array_new(FALSE, FALSE, sizeof(struct day_sum));

    for (guint i = 0; i < rows->len; i++) {
        const struct counts_row *row = &g_array_index(rows, struct counts_row, i);
        struct day_sum *last = days->len ? &g_array_index(days, struct day_sum, days->len - 1) : NULL;
        if (!last || last->day != row->key.day) {
            struct day_sum fresh = {.day = row->key.day};
            g_array_append_val(days, fresh);
            last = &g_array_index(days, struct day_sum, days->len - 1);
        }
        last->log += row->log;
        last->redis += row->redis;
    }
    return days;
}

static const char *mark(uint64_t log, uint64_t redis)
{
    return log == redis ? "" : "   <- different";
}

static void print_line(const char *name, uint64_t log, uint64_t redis)
{
    printf("%-28s %14" G_GUINT64_FORMAT " %14" G_GUINT64_FORMAT "%s\n", name, log, redis, mark(log, redis));
}

static void print_days(const struct recount *recount)
{
    g_autoptr(GArray) days = sum_days(recount->rows);

    for (guint i = 0; i < days->len; i++) {
        const struct day_sum *day = &g_array_index(days, struct day_sum, i);
        char text[CIVIL_TEXT_MAX];
        civil_format_day(text, day->day);
        print_line(text, day->log, day->redis);
    }
}

static int64_t series_start_ms(const struct series_key *key)
{
    bool is_minute = key->kind == SERIES_MINUTES || key->kind == SERIES_MINUTE_CLIENTS;

    return key->number * (is_minute ? KEYS_MINUTE_MS : KEYS_SLOT_MS);
}

static void print_differences(const struct recount *recount)
{
    size_t shown = 0, different = 0;

    for (guint i = 0; i < recount->rows->len; i++) {
        const struct counts_row *row = &g_array_index(recount->rows, struct counts_row, i);
        char day[CIVIL_TEXT_MAX];
        if (row->log == row->redis || ++different > SHOWN_MAX)
            continue;
        civil_format_day(day, row->key.day);
        printf("  %s  organization '%s'  client '%s'  %s  %u: log %" G_GUINT64_FORMAT ", Redis %" G_GUINT64_FORMAT "\n", day,
               row->key.organization, row->key.client, row->key.route, row->key.status, row->log, row->redis);
        shown++;
    }
    if (different > shown)
        printf("  … and %zu more (--json lists all)\n", different - shown);
    for (guint i = 0; i < MIN(recount->series->len, (guint)SHOWN_MAX); i++) {
        const struct series_difference *row = &g_array_index(recount->series, struct series_difference, i);
        char start[CIVIL_TEXT_MAX];
        civil_format(start, series_start_ms(&row->key));
        printf("  partition %d  %s  %s: log %" G_GUINT64_FORMAT ", Redis %" G_GUINT64_FORMAT "\n", row->key.partition, start,
               series_kind_name(row->key.kind), row->log, row->redis);
    }
    if (recount->series->len > (guint)SHOWN_MAX)
        printf("  … and %u more minutes and slots\n", recount->series->len - (guint)SHOWN_MAX);
}

static void print_text(const struct recount *recount)
{
    int64_t lag = lag_total(&recount->lag, recount->settings.topic);

    printf("%s: %" G_GUINT64_FORMAT " records in %d partitions; Redis: %" G_GUINT64_FORMAT
           " buckets, %zu sheets\n\n%-28s %14s %14s\n",
           recount->settings.topic, recount->records, recount->lag.n_partitions, recount->redis.buckets,
           recount_sheets_count(recount->redis.sheets), "", "log", "Redis");
    for (int i = 0; i < COUNTS_N_SUMS; i++) {
        if (i == COUNTS_EVENTS || recount->log->sums[i] || recount->redis.counts->sums[i])
            print_line(counts_sum_help((enum counts_sum)i), recount->log->sums[i], recount->redis.counts->sums[i]);
    }
    printf("\nper UTC day, from the buckets and sheets\n");
    print_days(recount);
    printf("\n%u combinations of client, route, status and day and %zu sums of minutes and slots compared; ", recount->rows->len,
           recount->n_series);
    if (recount->n_different == 0)
        printf("no difference.\n");
    else
        printf("%zu different:\n", recount->n_different);
    print_differences(recount);
    if (lag > 0)
        printf("%" G_GINT64_FORMAT " newer records of the log are not counted yet and were left out (--wait waits for them).\n",
               lag);
}

/* ---- for programs ---- */

static void print_json_object(bool first, json_t *object)
{
    fputs(first ? "\n" : ",\n", stdout);
    if (object)
        json_dumpf(object, stdout, JSON_COMPACT);
    json_decref(object);
}

static void print_json_head(const struct recount *recount)
{
    json_t *topic = json_string(recount->settings.topic);

    printf("{\"topic\":");
    json_dumpf(topic, stdout, JSON_ENCODE_ANY);
    json_decref(topic);
    printf(",\"equal\":%s,\"records\":%" G_GUINT64_FORMAT ",\"lag\":%" G_GINT64_FORMAT ",\"sums\":{",
           recount->n_different == 0 ? "true" : "false", recount->records, lag_total(&recount->lag, recount->settings.topic));
    for (int i = 0; i < COUNTS_N_SUMS; i++)
        printf("%s\"%s\":{\"log\":%" G_GUINT64_FORMAT ",\"redis\":%" G_GUINT64_FORMAT "}", i ? "," : "",
               counts_sum_field((enum counts_sum)i), recount->log->sums[i], recount->redis.counts->sums[i]);
    printf("}");
}

static void print_json_series(const struct recount *recount)
{
    printf(",\"seriesCompared\":%zu,\"seriesDifferent\":[", recount->n_series);
    for (guint i = 0; i < recount->series->len; i++) {
        const struct series_difference *row = &g_array_index(recount->series, struct series_difference, i);
        char start[CIVIL_TEXT_MAX];
        civil_format(start, series_start_ms(&row->key));
        print_json_object(i == 0, json_pack("{s:s,s:i,s:s,s:I,s:I}", "kept", series_kind_name(row->key.kind), "partition",
                                            row->key.partition, "start", start, "log", (json_int_t)row->log, "redis",
                                            (json_int_t)row->redis));
    }
    printf("]");
}

static void print_json_days(const struct recount *recount)
{
    g_autoptr(GArray) days = sum_days(recount->rows);

    printf(",\"days\":[");
    for (guint i = 0; i < days->len; i++) {
        const struct day_sum *day = &g_array_index(days, struct day_sum, i);
        char text[CIVIL_TEXT_MAX];
        civil_format_day(text, day->day);
        print_json_object(i == 0,
                          json_pack("{s:s,s:I,s:I}", "day", text, "log", (json_int_t)day->log, "redis", (json_int_t)day->redis));
    }
    printf("]");
}

/* Written piece by piece: there may be millions of rows. */
static void print_json(const struct recount *recount)
{
    print_json_head(recount);
    print_json_series(recount);
    print_json_days(recount);
    printf(",\"rows\":[");
    for (guint i = 0; i < recount->rows->len; i++) {
        const struct counts_row *row = &g_array_index(recount->rows, struct counts_row, i);
        char text[CIVIL_TEXT_MAX];
        civil_format_day(text, row->key.day);
        print_json_object(i == 0, json_pack("{s:s,s:s,s:s,s:s,s:i,s:I,s:I}", "day", text, "organization", row->key.organization,
                                            "client", row->key.client, "route", row->key.route, "status", (int)row->key.status,
                                            "log", (json_int_t)row->log, "redis", (json_int_t)row->redis));
    }
    printf("]}\n");
}

/* ---- the command ---- */

static int compare(struct arguments *arguments)
{
    g_autoptr(GError) error = NULL;

    if (!system_options_load(&arguments->system, SYSTEM_NEEDS_REDIS_AND_KAFKA, &error))
        return options_fail("%s", error->message);
    const struct recount_settings settings = {
        .brokers = arguments->system.brokers,
        .topic = arguments->system.topic,
        .redis_url = arguments->system.redis,
        .archive = arguments->system.archive,
        .properties = (const char *const *)arguments->system.properties,
        .wait = arguments->wait,
        .timeout_s = arguments->timeout_s,
        .progress = isatty(STDERR_FILENO),
    };
    struct recount *recount = recount_run(&settings, &error);
    if (!recount)
        return options_fail("%s", error->message);
    if (arguments->json)
        print_json(recount);
    else
        print_text(recount);
    int exit_code = recount->n_different ? EXIT_DIFFERENT : 0;
    recount_free(recount);
    return exit_code;
}

static bool parse(int argc, char **argv, struct arguments *arguments, int *exit_code)
{
    const GOptionEntry entries[] = {
        SYSTEM_OPTIONS_REDIS(&arguments->system),
        SYSTEM_OPTIONS_KAFKA(&arguments->system),
        SYSTEM_OPTIONS_ARCHIVE(&arguments->system),
        {"wait", 0, 0, G_OPTION_ARG_NONE, &arguments->wait, "First wait until all that is in the log now is counted", NULL},
        {"timeout", 0, 0, G_OPTION_ARG_INT, &arguments->timeout_s, "Longest wait, and search for a common point (120)", "SECONDS"},
        {"json", 0, 0, G_OPTION_ARG_NONE, &arguments->json, "Print everything as JSON", NULL},
        {NULL, 0, 0, G_OPTION_ARG_NONE, NULL, NULL, NULL},
    };

    if (!options_parse(entries, NULL, summary, &argc, argv, exit_code))
        return false;
    if (arguments->timeout_s < 0) {
        *exit_code = options_fail("--timeout must not be negative");
        return false;
    }
    return true;
}

int recount_command(int argc, char **argv)
{
    struct arguments arguments = {.timeout_s = DEFAULT_TIMEOUT_S};
    int exit_code = 0;

    if (parse(argc, argv, &arguments, &exit_code))
        exit_code = compare(&arguments);
    system_options_clear(&arguments.system);
    return exit_code;
}
