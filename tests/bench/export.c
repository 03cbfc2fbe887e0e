/* bench-export: exports of a large result: speed beside copying the same bytes with cat, and memory.
 *
 *   export [ROWS [DIRECTORY]]     rows as of a usage query by day, client, template and method; 10,000,000
 *
 * One core. Seconds are of CPU, those of the kernel included, so that other work on the machine does not show; each file is made
 * twice, and the better time counts, as it does for cat. Other formats than CSV are of a twentieth of the rows. */
#include "api/export.h"
#include "lib/civil.h"
#include "tests/bench/cpu.h"
#include "tests/bench/load.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SERIES = 40000, TRIES = 2, PART = 20, LAST_DAY = 20777 };

static const struct export_column columns[] = {
    {"clientId", EXPORT_CLIENT_ID},  {"clientName", EXPORT_CLIENT_NAME}, {"organizationId", EXPORT_ORGANIZATION},
    {"userId", EXPORT_USER},         {"templateUri", EXPORT_TEMPLATE},   {"httpMethod", EXPORT_METHOD},
    {"status200", EXPORT_STATUS200}, {"status300", EXPORT_STATUS300},    {"status400", EXPORT_STATUS400},
    {"status500", EXPORT_STATUS500}, {"status429", EXPORT_STATUS429},    {"requests", EXPORT_REQUESTS},
    {"date", EXPORT_PERIOD_FIRST},
};

G_NORETURN static void die(const GError *error)
{
    fprintf(stderr, "bench-export: %s\n", error != NULL ? error->message : "usage: export [ROWS [DIRECTORY]]");
    exit(error != NULL ? 1 : 2);
}

/* ---- rows ---- */

static GPtrArray *make_dates(guint n)
{
    GPtrArray *dates = g_ptr_array_new_with_free_func(g_free);
    for (guint i = 0; i < n; i++) {
        char day[CIVIL_TEXT_MAX];
        civil_format_day(day, LAST_DAY - (int64_t)n + 1 + i);
        g_ptr_array_add(dates, g_strconcat(day, "T00:00:00Z", NULL));
    }
    return dates;
}

/* The events' names live as long as the load. */
static struct report_row *make_series(struct load *load)
{
    struct report_row *series = g_new0(struct report_row, SERIES);
    for (guint i = 0; i < SERIES; i++) {
        struct event event;
        load_next(load, &event);
        const struct view names[REPORT_NAMES] = {event.client, event.organization, {0}, event.route, event.method, {0}};
        for (guint k = 0; k < REPORT_NAMES; k++)
            series[i].names[k] = view_make(names[k].size ? g_memdup2(names[k].data, names[k].size) : "", names[k].size);
        guint64 requests = 1 + g_random_int() % 5000;
        series[i].counts =
            (struct report_counts){requests, requests - requests / 50, 0, requests / 60, requests / 300, requests / 200};
    }
    return series;
}

static struct result *make_result(const struct report_row *series, guint64 rows, const char *directory)
{
    GError *error = NULL;
    struct result *result = result_new(directory, UINT64_C(1) << 40, &error);
    if (result == NULL)
        die(error);
    for (guint64 i = 0; i < rows; i++) {
        struct report_row row = series[i % SERIES];
        row.period = (uint32_t)(i / SERIES);
        result_add(&row, result);
    }
    if (!result_finish(result, &error))
        die(error);
    return result;
}

static struct registry_snapshot *make_registry(const struct report_row *series)
{
    struct registry_snapshot *registry = registry_snapshot_new(1);
    for (guint i = 0; i < SERIES; i++) {
        struct registry_client *client = g_new0(struct registry_client, 1);
        client->id = g_strndup(series[i].names[0].data, series[i].names[0].size);
        client->organization = g_strndup(series[i].names[1].data, series[i].names[1].size);
        client->name = g_strdup_printf("Application %u", i);
        client->platform = g_strdup("");
        client->plan = g_strdup("");
        registry_snapshot_add(registry, REGISTRY_CLIENTS, client); /* or it is there already */
    }
    registry_snapshot_seal(registry, NULL);
    return registry;
}

/* ---- measuring ---- */

static long memory_peak_kib(void)
{
    g_autofree char *status = NULL;
    g_file_get_contents("/proc/self/status", &status, NULL, NULL);
    const char *line = status != NULL ? strstr(status, "VmHWM:") : NULL;
    return line != NULL ? strtol(line + 6, NULL, 10) : 0;
}

/* Of cat, from the file to another in the same directory. */
static double copy_seconds(int fd, const char *directory)
{
    int to = open(directory, O_TMPFILE | O_WRONLY, 0600), status = 0;
    struct rusage usage;
    lseek(fd, 0, SEEK_SET);
    pid_t child = fork();
    if (child == 0) {
        dup2(fd, 0);
        dup2(to, 1);
        execlp("cat", "cat", (char *)NULL);
        _exit(1);
    }
    if (child < 0 || to < 0 || wait4(child, &status, 0, &usage) < 0 || status != 0)
        die(g_error_new_literal(EXPORT_ERROR, EXPORT_ERROR_FILE, "cat failed"));
    close(to);
    return seconds_of(&usage);
}

static void measure(const char *what, const struct export_spec *spec, const struct result *result, const char *directory)
{
    double best = 1e9, copy = 1e9;
    struct export_file file = {.fd = -1};
    for (int i = 0; i < TRIES; i++) {
        GError *error = NULL;
        if (file.fd >= 0)
            close(file.fd);
        double begin = cpu_seconds();
        if (!export_render(spec, result, directory, &file, &error))
            die(error);
        best = MIN(best, cpu_seconds() - begin);
        copy = MIN(copy, copy_seconds(file.fd, directory));
    }
    double megabytes = (double)file.size / 1e6;
    printf("export: %-10s %10.0f rows %8.1f MB %8.1f MB/s %7.0f ns a row, %5.2f of the speed of cat, peak %5.1f MiB\n", what,
           (double)result_rows(result), megabytes, megabytes / best, best * 1e9 / (double)result_rows(result), copy / best,
           (double)memory_peak_kib() / 1024);
    fflush(stdout);
    close(file.fd);
}

int main(int argc, char **argv)
{
    guint64 rows = argc > 1 ? g_ascii_strtoull(argv[1], NULL, 10) : 10000000;
    const char *directory = argc > 2 ? argv[2] : g_get_tmp_dir();
    if (rows < PART || argc > 3)
        die(NULL);
    struct load *load = load_new(&(struct load_settings){.seed = 1, .events = SERIES, .start_ms = 0});
    struct report_row *series = make_series(load);
    g_autoptr(GPtrArray) dates = make_dates((guint)(rows / SERIES) + 1);
    struct registry_snapshot *registry = make_registry(series);
    GPtrArray *const periods[] = {dates};
    struct export_spec spec = {.columns = columns, .n_columns = G_N_ELEMENTS(columns), .periods = periods, .registry = registry};
    spec.format = EXPORT_CSV;
    spec.by_organization = true;
    double begin = cpu_seconds();
    struct result *result = make_result(series, rows, directory);
    printf("export: the rows themselves: %.1f MB, %.0f ns a row to write, peak %.1f MiB\n", (double)result_bytes(result) / 1e6,
           (cpu_seconds() - begin) * 1e9 / (double)rows, (double)memory_peak_kib() / 1024);
    measure("CSV", &spec, result, directory);
    result_unref(result);
    result = make_result(series, rows / PART, directory);
    spec.gzip = true;
    measure("CSV, gzip", &spec, result, directory);
    spec.gzip = false;
    spec.format = EXPORT_JSONL;
    measure("JSON lines", &spec, result, directory);
    spec.format = EXPORT_XLSX;
    measure("XLSX", &spec, result, directory);
    result_unref(result);
    registry_snapshot_unref(registry);
    load_free(load);
    return 0;
}
