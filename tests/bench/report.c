/* bench-report: the report engine on the closed days that are in Redis (bench-year puts them there).
 *
 *   report REDIS_URL rows                                  every row and status as CSV: what the peer reads
 *   report REDIS_URL ask CLIENT ORGANIZATION THREADS ROUNDS DIRECTORY
 *                                                          the questions, with nothing in memory and then with all sheets cached;
 *                                                          the answers go to DIRECTORY as CSV, the times to stdout as JSON
 */
#include "api/meters.h"
#include "api/report.h"
#include "api/result.h"
#include "lib/civil.h"
#include "lib/keys.h"
#include "lib/number.h"
#include <stdio.h>
#include <stdlib.h>

static const size_t cache_bytes = (size_t)4 << 30; /* more than enough */
enum { GROUPS_MAX = 1 << 22, BY_DAY = 1 << 16 };

struct bench {
    struct reader *reader;
    struct ledger_cache *ledger;
    struct sheets *sheets;
    struct metrics *metrics;
    guint threads;
    const char *client, *organization; /* whom the questions about one client are about */
};

struct ask {
    const char *name;
    uint32_t group; /* enum report_group, and BY_DAY */
    uint32_t top;
    bool of_client;
};

static const struct ask asks[] = {
    {"day_client", REPORT_CLIENT | BY_DAY, 0, false},
    {"client_template", REPORT_CLIENT | REPORT_TEMPLATE, 0, false},
    {"top_templates", REPORT_TEMPLATE, 5, true},
    {"client_by_day", BY_DAY, 0, true},
};

G_NORETURN static void die(const GError *error)
{
    fprintf(stderr, "bench-report: %s\n",
            error ? error->message : "usage: report REDIS_URL rows | ask CLIENT ORGANIZATION THREADS ROUNDS DIRECTORY");
    exit(error ? 1 : 2);
}

static void forget(struct bench *bench)
{
    ledger_cache_free(bench->ledger);
    sheets_free(bench->sheets);
    bench->ledger = ledger_cache_new();
    bench->sheets = sheets_new(cache_bytes, NULL, bench->metrics);
}

static struct closed_days *read_days(struct bench *bench)
{
    GError *error = NULL;
    struct pin pin;
    int64_t first, last;
    if (!reader_begin(bench->reader, g_get_monotonic_time() + 600 * G_TIME_SPAN_SECOND, &error))
        die(error);
    struct ledger_place place = {.reader = bench->reader, .index = ledger_cache_take(bench->ledger, bench->reader, &error)};
    if (place.index == NULL || !pin_read(&pin, bench->reader, place.index, &error))
        die(error);
    if (!closed_days_bounds(place.index, pin, &first, &last))
        die(NULL);
    struct closed_days *days = closed_days_read(&place, pin, first, last, &error);
    if (days == NULL)
        die(error);
    ledger_index_release(place.index);
    return days;
}

/* ---- rows ---- */

static void print_row(struct view day, const struct sheet_row *row)
{
    const struct view names[] = {row->organization, row->client, row->user, row->method, row->template, row->platform};
    for (uint32_t i = 0; i < row->measure.statuses.n; i++) {
        const struct tally *tally = &row->measure.statuses.items[i];
        printf("%.*s,%u", (int)day.size, day.data, row->slot);
        for (unsigned k = 0; k < G_N_ELEMENTS(names); k++)
            printf(",%.*s", (int)names[k].size, names[k].data);
        printf(",%u,%" G_GUINT64_FORMAT "\n", (unsigned)tally->key, (guint64)tally->count);
    }
}

static bool print_sheet(struct sheet_want *want, const struct sheet *sheet, void *opaque)
{
    (void)opaque;
    char day[CIVIL_TEXT_MAX];
    const size_t size = civil_format_day(day, want->name.day);
    struct sheet_rows rows = {0};
    struct sheet_row row;
    for (uint32_t client = 0; client < sheet_client_count(sheet); client++) {
        sheet_rows_read(&rows, sheet, client);
        for (uint32_t i = 0; i < rows.n_rows; i++) {
            sheet_rows_get(&rows, i, &row);
            print_row(view_make(day, size), &row);
        }
    }
    sheet_rows_clear(&rows);
    return true;
}

static void print_rows(struct bench *bench)
{
    GError *error = NULL;
    struct closed_days *days = read_days(bench);
    printf("day,slot,organization,client,user,method,template,platform,status,requests\n");
    for (guint i = 0; i < days->days->len; i++) {
        GPtrArray *sheets = g_array_index(days->days, struct closed_day, i).sheets;
        if (sheets != NULL && !sheets_visit(bench->sheets, bench->reader, sheets, (struct sheets_visit){print_sheet, NULL}, &error))
            die(error);
    }
    closed_days_free(days);
}

/* ---- questions ---- */

static void set_periods(struct report_question *question, bool by_day)
{
    question->periods = g_array_new(FALSE, FALSE, sizeof(struct report_period));
    const int64_t first = question->days->first_day, end = first + question->days->days->len;
    for (int64_t day = first; day < end; day += by_day ? 1 : end - first) {
        const struct report_period period = {day * KEYS_SLOTS_PER_DAY, (by_day ? day + 1 : end) * KEYS_SLOTS_PER_DAY};
        g_array_append_val(question->periods, period);
    }
}

static void filter(struct report_question *question, unsigned bit, const char *name)
{
    question->filter.names[bit] = g_ptr_array_new_with_free_func(g_free);
    g_ptr_array_add(question->filter.names[bit], g_strdup(name));
}

static struct result *answer(struct bench *bench, const struct ask *ask)
{
    GError *error = NULL;
    struct closed_days *days = read_days(bench);
    struct report_question question = {.group = ask->group & ~(uint32_t)BY_DAY, .top = ask->top, .groups_max = GROUPS_MAX};
    question.days = days;
    set_periods(&question, ask->group & BY_DAY);
    if (ask->of_client) {
        filter(&question, 0, bench->client);
        filter(&question, 1, bench->organization);
    }
    const struct report_place place = {.sheets = bench->sheets, .reader = bench->reader, .threads = bench->threads};
    struct result *result = result_new(g_get_tmp_dir(), UINT64_C(1) << 34, &error);
    if (result == NULL || !report_run(&question, &place, (struct report_sink){result_add, result}, &error) ||
        !result_finish(result, &error))
        die(error);
    report_question_clear(&question);
    closed_days_free(days);
    return result;
}

static void write_row(FILE *file, const struct report_row *row)
{
    const struct report_counts *counts = &row->counts;
    fprintf(file, "%u", row->period);
    for (unsigned k = 0; k < REPORT_NAMES; k++)
        fprintf(file, ",%.*s", (int)row->names[k].size, row->names[k].size > 0 ? row->names[k].data : "");
    fprintf(file,
            ",%" G_GUINT64_FORMAT ",%" G_GUINT64_FORMAT ",%" G_GUINT64_FORMAT ",%" G_GUINT64_FORMAT ",%" G_GUINT64_FORMAT
            ",%" G_GUINT64_FORMAT "\n",
            counts->requests, counts->status200, counts->status300, counts->status400, counts->status500, counts->status429);
}

static void write_answer(const struct result *result, const char *directory, const char *name)
{
    GError *error = NULL;
    g_autofree char *path = g_strdup_printf("%s/%s.csv", directory, name);
    FILE *file = fopen(path, "w");
    if (file == NULL)
        die(g_error_new(G_FILE_ERROR, 0, "%s cannot be written", path));
    struct result_cursor *cursor = result_cursor_new(result, 0);
    struct report_row row;
    fprintf(file, "period,client,organization,user,template,method,platform,requests,s200,s300,s400,s500,s429\n");
    while (result_cursor_next(cursor, &row, &error))
        write_row(file, &row);
    if (error != NULL || fclose(file) != 0)
        die(error);
    result_cursor_free(cursor);
}

struct taken {
    double seconds, cpu_seconds;
};

static double now(clockid_t clock)
{
    struct timespec time;
    clock_gettime(clock, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static struct taken time_one(struct bench *bench, const struct ask *ask, const char *directory)
{
    const struct taken begin = {now(CLOCK_MONOTONIC), now(CLOCK_PROCESS_CPUTIME_ID)};
    struct result *result = answer(bench, ask);
    const struct taken taken = {now(CLOCK_MONOTONIC) - begin.seconds, now(CLOCK_PROCESS_CPUTIME_ID) - begin.cpu_seconds};
    if (directory != NULL)
        write_answer(result, directory, ask->name);
    result_unref(result);
    return taken;
}

static void ask_all(struct bench *bench, guint64 rounds, const char *directory)
{
    printf("{");
    for (size_t i = 0; i < G_N_ELEMENTS(asks); i++) {
        forget(bench);
        const struct taken cold = time_one(bench, &asks[i], directory);
        time_one(bench, &asks[0], NULL); /* whatever the question left out is there now, too */
        struct taken best = cold;
        for (guint64 k = 0; k < rounds; k++) {
            const struct taken taken = time_one(bench, &asks[i], NULL);
            best = (struct taken){MIN(best.seconds, taken.seconds), MIN(best.cpu_seconds, taken.cpu_seconds)};
        }
        printf("%s\"%s\":{\"cold_s\":%.6f,\"cold_cpu_s\":%.6f,\"cached_s\":%.6f,\"cached_cpu_s\":%.6f}", i > 0 ? "," : "",
               asks[i].name, cold.seconds, cold.cpu_seconds, best.seconds, best.cpu_seconds);
    }
    printf(",\"sheets_bytes\":%" G_GINT64_FORMAT "}\n", metrics_get(bench->metrics, METER_SHEETS_BYTES, NULL));
}

int main(int argc, char **argv)
{
    guint64 threads = 1, rounds = 1;
    const bool ask = argc == 8 && g_str_equal(argv[2], "ask");
    if (!ask && (argc != 3 || !g_str_equal(argv[2], "rows")))
        die(NULL);
    if (ask && (!number_read(view_of(argv[5]), &threads) || !number_read(view_of(argv[6]), &rounds) || threads > 64))
        die(NULL);
    const struct redis_settings settings = {.url = argv[1], .connect_timeout_ms = 3000, .command_timeout_ms = 30000};
    struct bench bench = {.reader = reader_new(&settings, 1), .threads = (guint)threads};
    bench.metrics = metrics_new(api_meters, METER_N);
    bench.client = ask ? argv[3] : NULL;
    bench.organization = ask ? argv[4] : NULL;
    forget(&bench);
    if (ask)
        ask_all(&bench, rounds, argv[7]);
    else
        print_rows(&bench);
    ledger_cache_free(bench.ledger);
    sheets_free(bench.sheets);
    reader_free(bench.reader);
    metrics_free(bench.metrics);
    return 0;
}
