/* status: see status.h; the command line, and the document of status_read.h as tables. */
#include "cli/status.h"

#include "cli/options.h"
#include "cli/status_read.h"
#include "lib/civil.h"

#include <stdio.h>
#include <string.h>

enum { RECENT_MS = 3600000, STREAM_SHOWN = 8 };

struct arguments {
    char *dir, *brokers, *topic, *redis;
    char **properties;
    gboolean json, all;
};

static const char summary[] =
    "Shows what is counted and what waits: each partition's place in the log, each collector's run (a stream) with its\n"
    "sequences and spool, gaps in the sequences (proof of a loss before the log), records that could not be counted, and what\n"
    "came twice. Where the system is comes from --dir, from the options, or from KAFKA_BROKERS, TOPIC and REDIS_URL in the\n"
    "environment.";

static json_int_t number(const json_t *object, const char *name)
{
    return json_integer_value(json_object_get(object, name));
}

static const char *text(const json_t *object, const char *name)
{
    const char *value = json_string_value(json_object_get(object, name));

    return value ? value : "";
}

/* "12 s", "3 min", "5 h", "2 d". Caller frees. */
static char *age_text(json_int_t ms)
{
    json_int_t s = MAX(0, ms) / 1000;

    if (s < 120)
        return g_strdup_printf("%" JSON_INTEGER_FORMAT " s", s);
    if (s < 7200)
        return g_strdup_printf("%" JSON_INTEGER_FORMAT " min", s / 60);
    if (s < 172800)
        return g_strdup_printf("%" JSON_INTEGER_FORMAT " h", s / 3600);
    return g_strdup_printf("%" JSON_INTEGER_FORMAT " d", s / 86400);
}

/* ---- partitions ---- */

static void print_partition_row(const char *name, const json_int_t values[8], const char *state)
{
    printf("%-9s", name);
    for (size_t i = 0; i < 8; i++)
        printf(" %11" JSON_INTEGER_FORMAT, values[i]);
    printf("  %s\n", state);
}

static void print_partitions(const json_t *partitions)
{
    static const char *const fields[8] = {"next",        "end",       "lag", "events", "duplicates", "duplicateBatches",
                                          "quarantined", "gapBatches"};
    json_int_t totals[8] = {0};
    const json_t *partition;
    size_t index;

    printf("%-9s %11s %11s %11s %11s %11s %11s %11s %11s  %s\n", "partition", "counted to", "end of log", "lag", "events",
           "dup. events", "dup. batch.", "quarantined", "lost batch.", "state");
    json_array_foreach(partitions, index, partition)
    {
        json_int_t values[8];
        g_autofree char *name = g_strdup_printf("%" JSON_INTEGER_FORMAT, number(partition, "partition"));
        for (size_t i = 0; i < 8; i++) {
            values[i] = number(partition, fields[i]);
            totals[i] += values[i];
        }
        print_partition_row(name, values, text(partition, "state"));
    }
    print_partition_row("all", totals, "");
}

/* ---- streams ---- */

/* "0: 12  1: 7/9 (2 wait)": counted, or counted/cut where they differ. */
static char *sequences_text(const json_t *stream)
{
    GString *out = g_string_new(NULL);
    const json_t *partition;
    size_t index;

    json_array_foreach(json_object_get(stream, "partitions"), index, partition)
    {
        json_int_t waiting = number(partition, "waiting");
        if (number(partition, "cut") == 0)
            continue;
        g_string_append_printf(out, "%s%" JSON_INTEGER_FORMAT ": %" JSON_INTEGER_FORMAT, out->len ? "  " : "",
                               number(partition, "partition"), number(partition, "counted"));
        if (waiting > 0)
            g_string_append_printf(out, "/%" JSON_INTEGER_FORMAT, number(partition, "cut"));
    }
    return g_string_free(out, FALSE);
}

static void print_stream(const json_t *stream)
{
    g_autofree char *age = age_text(number(stream, "ageMs"));
    g_autofree char *spool = g_format_size_full((guint64)number(stream, "journalBytes"), G_FORMAT_SIZE_IEC_UNITS);
    g_autofree char *oldest = number(stream, "journalOldestMs") ? age_text(number(stream, "spoolAgeMs")) : g_strdup("-");
    g_autofree char *sequences = sequences_text(stream);

    printf("%-16s %-8.*s %8s %11" JSON_INTEGER_FORMAT " %11" JSON_INTEGER_FORMAT " %9" JSON_INTEGER_FORMAT " %9" JSON_INTEGER_FORMAT
           " %10s %7s  %s\n",
           text(stream, "collector"), STREAM_SHOWN, text(stream, "stream"), age, number(stream, "received"),
           number(stream, "accepted"), number(stream, "rejected"), number(stream, "excluded"), spool, oldest, sequences);
}

static void print_streams(const json_t *whole, bool all)
{
    const json_t *streams = json_object_get(whole, "streams");
    const json_t *stream;
    size_t index, hidden = 0;

    printf("\n%-16s %-8s %8s %11s %11s %9s %9s %10s %7s  %s\n", "collector", "stream", "heard", "received", "accepted", "rejected",
           "excluded", "spool", "oldest", "sequences by partition, counted/cut");
    json_array_foreach(streams, index, stream)
    {
        if (all || number(stream, "ageMs") < RECENT_MS || number(stream, "journalBytes") > 0)
            print_stream(stream);
        else
            hidden++;
    }
    if (hidden)
        printf("%zu streams were not heard of for an hour (--all shows them)\n", hidden);
    if (number(whole, "unannounced"))
        printf("%" JSON_INTEGER_FORMAT " streams without heartbeats: imports, and runs too short for one\n",
               number(whole, "unannounced"));
}

/* ---- what went wrong ---- */

static void print_troubles(const json_t *whole)
{
    const json_t *entry;
    size_t index;

    json_array_foreach(json_object_get(whole, "gaps"), index, entry)
    {
        if (index == 0)
            printf("\nNewest gaps (batches that never reached the log)\n");
        printf("  partition %" JSON_INTEGER_FORMAT " offset %s: stream %.*s went from %s to %s\n", number(entry, "partition"),
               text(entry, "offset"), STREAM_SHOWN, text(entry, "stream"), text(entry, "expected"), text(entry, "got"));
    }
    json_array_foreach(json_object_get(whole, "quarantine"), index, entry)
    {
        if (index == 0)
            printf("\nNewest quarantined records (in the log, not counted)\n");
        printf("  partition %" JSON_INTEGER_FORMAT " offset %s: %s\n", number(entry, "partition"), text(entry, "offset"),
               text(entry, "reason"));
    }
}

static void print_refused(const json_t *partitions)
{
    json_int_t refused = 0;
    const json_t *partition;
    size_t index;

    json_array_foreach(partitions, index, partition) refused += number(partition, "refused");
    if (refused > 0)
        printf("\nCollectors refused %" JSON_INTEGER_FORMAT " events and bodies: GET /api/v2/usage/integration-errors says why\n",
               refused);
}

static void print_text(const json_t *whole, bool all)
{
    char now[CIVIL_TEXT_MAX];

    civil_format(now, number(whole, "now"));
    printf("topic %s at %s\n\n", text(whole, "topic"), now);
    print_partitions(json_object_get(whole, "partitions"));
    print_refused(json_object_get(whole, "partitions"));
    print_streams(whole, all);
    print_troubles(whole);
}

/* ---- the command ---- */

static int show(const struct arguments *arguments)
{
    g_autoptr(GError) error = NULL;
    struct place *place = place_load(arguments->dir, &error);
    json_t *whole = NULL;

    if (place) {
        const struct status_settings settings = {
            .brokers = arguments->brokers ? arguments->brokers : place_need(place, "KAFKA_BROKERS", &error),
            .topic = arguments->topic ? arguments->topic : place_need(place, "TOPIC", error ? NULL : &error),
            .redis_url = arguments->redis ? arguments->redis : place_need(place, "REDIS_URL", error ? NULL : &error),
            .properties = (const char *const *)arguments->properties,
        };
        if (!error)
            whole = status_read(&settings, &error);
    }
    if (whole && arguments->json) {
        json_dumpf(whole, stdout, JSON_INDENT(1));
        printf("\n");
    } else if (whole) {
        print_text(whole, arguments->all);
    } else {
        options_fail("%s", error->message);
    }
    int exit_code = whole ? 0 : EXIT_USAGE;
    json_decref(whole);
    place_free(place);
    return exit_code;
}

int status_command(int argc, char **argv)
{
    struct arguments arguments = {0};
    const GOptionEntry entries[] = {
        {"dir", 0, 0, G_OPTION_ARG_FILENAME, &arguments.dir, "Directory of a running `daybook dev`", "DIR"},
        {"brokers", 0, 0, G_OPTION_ARG_STRING, &arguments.brokers, "Kafka's bootstrap addresses", "HOST:PORT,…"},
        {"topic", 0, 0, G_OPTION_ARG_STRING, &arguments.topic, "Topic with the usage events", "NAME"},
        {"property", 0, 0, G_OPTION_ARG_STRING_ARRAY, &arguments.properties, "A property for librdkafka (security and the like)",
         "NAME=VALUE"},
        {"redis", 0, 0, G_OPTION_ARG_STRING, &arguments.redis, "Redis that holds the counts", "URL"},
        {"all", 0, 0, G_OPTION_ARG_NONE, &arguments.all, "Also streams that were not heard of for an hour", NULL},
        {"json", 0, 0, G_OPTION_ARG_NONE, &arguments.json, "Print everything as JSON", NULL},
        {NULL, 0, 0, G_OPTION_ARG_NONE, NULL, NULL, NULL},
    };
    int exit_code = 0;

    if (options_parse(entries, NULL, summary, &argc, argv, &exit_code))
        exit_code = show(&arguments);
    g_free(arguments.dir);
    g_free(arguments.brokers);
    g_free(arguments.topic);
    g_strfreev(arguments.properties);
    g_free(arguments.redis);
    return exit_code;
}
