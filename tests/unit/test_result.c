/* What was put in comes out, from any row on, by any number of readers; what cannot be kept is said. */
#include "api/result.h"

#include "lib/event.h"

#include <glib/gstdio.h>
#include <unistd.h>

static char *directory;

/* Row i of a result: a function of i alone. */
struct sample {
    struct report_row row;
    char names[REPORT_NAMES][EVENT_ROUTE_MAX];
};

static uint64_t mix(uint64_t i, unsigned k)
{
    uint64_t x = (i + 1) * UINT64_C(0x9E3779B97F4A7C15) + k;
    x ^= x >> 29;
    x *= UINT64_C(0xBF58476D1CE4E5B9);
    return x ^ (x >> 32);
}

static void make_row(uint64_t i, struct sample *sample)
{
    sample->row.period = (uint32_t)(i / 7);
    for (unsigned k = 0; k < REPORT_NAMES; k++) {
        const size_t size = mix(i, k) % 5 == 0 ? 0 : i % 101 == 0 ? EVENT_ROUTE_MAX : mix(i, k) % 30;
        for (size_t at = 0; at < size; at++)
            sample->names[k][at] = (char)('a' + (mix(i, k) + at) % 26);
        sample->row.names[k] = view_make(sample->names[k], size);
    }
    sample->row.counts = (struct report_counts){.requests = mix(i, 10) >> (20 + i % 40),
                                                .status200 = mix(i, 11) >> 30,
                                                .status300 = i,
                                                .status400 = mix(i, 12) >> 60,
                                                .status500 = 0,
                                                .status429 = mix(i, 13) % 2};
}

static struct result *fill(uint64_t n, uint64_t size_max)
{
    g_autoptr(GError) error = NULL;
    struct result *result = result_new(directory, size_max, &error);
    g_assert_no_error(error);
    struct sample sample;
    for (uint64_t i = 0; i < n; i++) {
        make_row(i, &sample);
        if (!result_add(&sample.row, result))
            break;
    }
    return result;
}

static void assert_same(const struct report_row *a, const struct report_row *b)
{
    g_assert_cmpuint(a->period, ==, b->period);
    for (unsigned k = 0; k < REPORT_NAMES; k++)
        g_assert_true(view_equal(a->names[k], b->names[k]));
    g_assert_true(memcmp(&a->counts, &b->counts, sizeof a->counts) == 0);
}

/* Reads at most `most` rows; returns how many there were. */
static uint64_t read_from(const struct result *result, uint64_t first, uint64_t most)
{
    g_autoptr(GError) error = NULL;
    struct result_cursor *cursor = result_cursor_new(result, first);
    struct report_row row;
    struct sample sample;
    uint64_t n = 0;
    for (; n < most && result_cursor_next(cursor, &row, &error); n++) {
        make_row(first + n, &sample);
        assert_same(&row, &sample.row);
    }
    g_assert_no_error(error);
    result_cursor_free(cursor);
    return n;
}

static void test_rows(void)
{
    static const uint64_t sizes[] = {0, 1, 2, 511, 512, 513, 20000};
    for (unsigned k = 0; k < G_N_ELEMENTS(sizes); k++) {
        g_autoptr(GError) error = NULL;
        struct result *result = fill(sizes[k], UINT64_C(1) << 30);
        struct report_counts totals = {0};
        struct sample sample;
        g_assert_true(result_finish(result, &error));
        g_assert_cmpuint(result_rows(result), ==, sizes[k]);
        g_assert_cmpuint(read_from(result, 0, UINT64_MAX), ==, sizes[k]);
        for (uint64_t i = 0; i < sizes[k]; i++) {
            make_row(i, &sample);
            g_assert_true(report_counts_add(&totals, &sample.row.counts));
        }
        g_assert_true(memcmp(&totals, result_totals(result), sizeof totals) == 0);
        for (uint64_t first = 0; first <= sizes[k] + 1; first += 1 + sizes[k] / 300)
            g_assert_cmpuint(read_from(result, first, 20), ==, MIN(20, sizes[k] - MIN(sizes[k], first)));
        result_unref(result);
    }
}

static void *read_all(void *opaque)
{
    g_assert_cmpuint(read_from(opaque, 3, UINT64_MAX), ==, 19997);
    result_unref(opaque);
    return NULL;
}

static void test_many_readers(void)
{
    GThread *threads[4];
    struct result *result = fill(20000, UINT64_C(1) << 30);
    g_assert_true(result_finish(result, NULL));
    for (unsigned i = 0; i < G_N_ELEMENTS(threads); i++)
        threads[i] = g_thread_new("reader", read_all, result_ref(result));
    result_unref(result); /* the last of them closes the file */
    for (unsigned i = 0; i < G_N_ELEMENTS(threads); i++)
        g_thread_join(threads[i]);
}

static void test_no_name(void)
{
    struct result *result = fill(5000, UINT64_C(1) << 30);
    g_autoptr(GDir) entries = g_dir_open(directory, 0, NULL);
    g_assert_null(g_dir_read_name(entries));
    result_unref(result);
}

static void test_limits(void)
{
    g_autoptr(GError) error = NULL;
    struct result *result = fill(20000, 100000);
    struct sample sample;
    g_assert_cmpuint(result_rows(result), <, 20000); /* it said stop */
    make_row(1, &sample);
    g_assert_false(result_add(&sample.row, result));
    g_assert_false(result_finish(result, &error));
    g_assert_error(error, REPORT_ERROR, REPORT_ERROR_LIMIT);
    result_unref(result);
    g_clear_error(&error);
    result = fill(1, 100000);
    sample.row.counts.requests = UINT64_MAX;
    g_assert_false(result_add(&sample.row, result));
    g_assert_false(result_finish(result, &error));
    g_assert_error(error, REPORT_ERROR, REPORT_ERROR_OVERFLOW);
    result_unref(result);
    g_clear_error(&error);
    g_assert_null(result_new("/no/such/directory", 100000, &error));
    g_assert_error(error, G_FILE_ERROR, G_FILE_ERROR_NOENT);
    g_assert_nonnull(strstr(error->message, "/no/such/directory"));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    directory = g_dir_make_tmp("daybook-result-XXXXXX", NULL);
    g_test_add_func("/result/rows", test_rows);
    g_test_add_func("/result/many-readers", test_many_readers);
    g_test_add_func("/result/no-name", test_no_name);
    g_test_add_func("/result/limits", test_limits);
    const int code = g_test_run();
    g_rmdir(directory);
    g_free(directory);
    return code;
}
