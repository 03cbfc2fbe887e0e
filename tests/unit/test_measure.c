#include "lib/histogram.h"
#include "lib/open_sum.h"
#include "lib/number.h"

static void test_buckets(void)
{
    uint32_t before = 0;
    for (uint32_t bucket = 0; bucket < HISTOGRAM_BUCKETS; bucket++) {
        uint64_t low = histogram_low(bucket);
        if (histogram_bucket(low) != bucket) {
            /* Some of the first octaves have fewer whole microseconds than sub-buckets: those stay empty. */
            g_assert_cmpuint(low, <, 64);
            continue;
        }
        g_assert_cmpuint(bucket, >=, before);
        g_assert_cmpuint(histogram_bucket(histogram_value(bucket)), ==, bucket);
        if (low > 0)
            g_assert_cmpuint(histogram_bucket(low - 1), <, bucket);
        before = bucket;
    }
    g_assert_cmpuint(histogram_bucket(UINT64_MAX), ==, HISTOGRAM_BUCKETS - 1);
}

static void test_error(void)
{
    for (int i = 0; i < 200000; i++) {
        uint64_t value = (((uint64_t)g_test_rand_int() << 32) | (uint32_t)g_test_rand_int()) >> g_test_rand_int_range(0, 63);
        uint64_t stands = histogram_value(histogram_bucket(value));
        double distance = value > stands ? (double)(value - stands) : (double)(stands - value);
        g_assert_cmpfloat(distance * 100, <=, HISTOGRAM_ERROR_PERCENT * (double)value + 100); /* and a whole microsecond */
    }
}

static void test_quantile(void)
{
    struct measure measure;
    measure_init(&measure);
    g_assert_cmpuint(histogram_quantile(&measure.latencies, 50, 100), ==, 0);
    for (uint64_t i = 1; i <= 1000; i++)
        measure_add(&measure, 200, i * 1000, 0, 0, true);
    const uint64_t percents[] = {50, 90, 95, 99, 100};
    for (size_t i = 0; i < G_N_ELEMENTS(percents); i++) {
        double found = (double)histogram_quantile(&measure.latencies, percents[i], 100), exact = (double)percents[i] * 10000;
        g_assert_cmpfloat(ABS(found - exact) / exact, <=, HISTOGRAM_ERROR_PERCENT / 100);
    }
    measure_clear(&measure);
}

static char *format(const struct measure *measure)
{
    GString *text = g_string_new(NULL);
    measure_format(measure, text);
    return g_string_free(text, FALSE);
}

static void test_text(void)
{
    struct measure measure, again;
    measure_init(&measure);
    measure_add(&measure, 404, 5, 1, 2, true);
    measure_add(&measure, 200, 7, 10, 20, true);
    measure_add(&measure, 200, 5, 100, 200, true);
    g_autofree char *text = format(&measure);
    g_assert_cmpstr(text, ==, "200:2,404:1 3 17 7 111 222 5:2,7:1");
    g_assert_true(measure_parse(&again, view_of(text)));
    g_autofree char *same = format(&again);
    g_assert_cmpstr(same, ==, text);
    measure_merge(&again, &measure);
    g_assert_cmpuint(again.requests, ==, 6);
    g_assert_cmpuint(measure_statuses(&again, 400, 499), ==, 2);
    g_assert_cmpuint(measure_status(&again, 200), ==, 4);
    measure_clear(&measure);
    measure_clear(&again);
}

static void test_short_text(void)
{
    for (unsigned histogram = 0; histogram < 2; histogram++) {
        struct measure measure, again;
        measure_init(&measure);
        measure_add(&measure, 404, 9001, 12, 530, histogram == 1);
        g_autofree char *text = format(&measure);
        g_assert_cmpstr(text, ==, histogram ? "404 9001 12 530" : "404 9001 12 530 -");
        g_assert_true(measure_parse(&again, view_of(text)));
        g_assert_cmpuint(again.requests, ==, 1);
        g_assert_cmpuint(again.latency_max_us, ==, 9001);
        g_assert_cmpuint(again.latencies.n, ==, histogram);
        g_autofree char *same = format(&again);
        g_assert_cmpstr(same, ==, text);
        measure_merge(&again, &measure);
        g_autofree char *twice = format(&again);
        g_assert_true(g_str_has_prefix(twice, "404:2 2 18002 9001 24 1060 "));
        measure_clear(&measure);
        measure_clear(&again);
    }
}

static void test_bad_text(void)
{
    static const char *const bad[] = {"",
                                      " ",
                                      "200:1",
                                      "200:1 1 1 1 1 1",
                                      "200:1 2 1 1 1 1 -",
                                      "404:1,200:1 2 1 1 1 1 -",
                                      "200:0 0 1 1 1 1 -",
                                      "200:1 1 1 1 1 1 -x",
                                      "200:1 1 x 1 1 1 -",
                                      "200:18446744073709551616 1 1 1 1 1 -",
                                      "200:1 1 1 1 1 1 496:1",
                                      "200:1 1 1 1 1 1 5:281474976710655",
                                      "65536:1 1 1 1 1 1 -",
                                      "65536 1 1 1",
                                      "200 1 1 1 1 1 -",
                                      "200:1  1 1 1 1 -",
                                      "200",
                                      "200 ",
                                      "200 1",
                                      "200 1 2",
                                      "200 1 2 3 ",
                                      "200 1 2 3 x",
                                      "200 1 2 3 --",
                                      "200  1 2 3"};
    struct measure measure;
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
        g_assert_false(measure_parse(&measure, view_of(bad[i])));
    g_assert_true(measure_parse(&measure, view_of("200:1 1 1 1 1 1 -")));
    measure_clear(&measure);
}

static void test_random_text(void)
{
    struct measure used;
    measure_init(&used);
    for (int i = 0; i < 2000; i++) {
        struct measure measure, again;
        measure_init(&measure);
        for (int n = g_test_rand_int_range(0, 50); n > 0; n--)
            measure_add(&measure, (uint32_t)g_test_rand_int_range(100, 600), (uint64_t)g_test_rand_int_range(0, 1 << 30),
                        (uint64_t)g_test_rand_int_range(0, 1 << 30), 0, i % 2);
        g_autofree char *text = format(&measure);
        g_assert_true(measure_parse(&again, view_of(text)));
        g_autofree char *same = format(&again);
        g_assert_cmpstr(same, ==, text);
        g_assert_true(measure_parse_again(&used, view_of(text)));
        g_autofree char *once_more = format(&used);
        g_assert_cmpstr(once_more, ==, text);
        measure_clear(&measure);
        measure_clear(&again);
    }
    g_assert_false(measure_parse_again(&used, view_of("200:1 1 1")));
    g_assert_cmpuint(used.requests, ==, 0);
    measure_clear(&used);
}

static void test_numbers(void)
{
    const struct {
        const char *text;
        bool ok;
        int64_t value;
    } cases[] = {{"0", true, 0},
                 {"9223372036854775807", true, INT64_MAX},
                 {"-9223372036854775808", true, INT64_MIN},
                 {"-1", true, -1},
                 {"9223372036854775808", false, 0},
                 {"", false, 0},
                 {"-", false, 0},
                 {"1x", false, 0},
                 {"+1", false, 0}};
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        int64_t value = 0;
        char out[NUMBER_MAX];
        g_assert_true(number_read_signed(view_of(cases[i].text), &value) == cases[i].ok);
        if (cases[i].ok) {
            g_assert_cmpint(value, ==, cases[i].value);
            g_assert_true(view_equal(view_make(out, number_write_signed(out, value)), view_of(cases[i].text)));
        }
    }
    uint64_t most = 0;
    g_assert_true(number_read(view_of("18446744073709551615"), &most) && most == UINT64_MAX);
    g_assert_false(number_read(view_of("18446744073709551616"), &most));
}

static void test_number_lists(void)
{
    uint64_t values[3] = {0, 0, 0};
    g_assert_true(number_read_list(view_of("0 18446744073709551615 7"), values, 3));
    g_assert_true(values[0] == 0 && values[1] == UINT64_MAX && values[2] == 7);
    static const char *const wrong[] = {
        "", "1", "1 2", "1 2 3 4", "1 2 3 ", " 1 2 3", "1  2 3", "1 2 -3", "1 2 18446744073709551616"};
    for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++)
        g_assert_false(number_read_list(view_of(wrong[i]), values, 3));
}

static void expect_sum(const struct open_sum *sum, const struct measure *wanted)
{
    struct tally closed[HISTOGRAM_BUCKETS];
    const struct measure whole = open_sum_close(sum, closed);
    g_autoptr(GString) text = g_string_new(NULL), wanted_text = g_string_new(NULL);
    if (wanted->requests == 0) {
        g_assert_true(whole.requests == 0 && whole.latency_sum_us == 0 && whole.statuses.n == 0 && whole.latencies.n == 0);
        return;
    }
    measure_format(&whole, text);
    measure_format(wanted, wanted_text);
    g_assert_cmpstr(text->str, ==, wanted_text->str);
}

/* Requests one by one, or measures of several. */
static void fill_sum(struct open_sum *sum, struct measure *wanted, GRand *source)
{
    const int n = g_rand_int_range(source, 0, 200);
    for (int i = 0; i < n; i++) {
        const uint32_t status = (uint32_t)g_rand_int_range(source, 0, 4) * 100 + 200;
        const uint64_t latency_us = g_rand_int(source) >> g_rand_int_range(source, 0, 31);
        struct measure more;
        measure_init(&more);
        measure_add(&more, status, latency_us, 3, (uint64_t)i, true);
        measure_add(&more, 503, latency_us / 2, 1, 1, true);
        if (i % 3 == 0)
            open_sum_add(sum, &more);
        else
            open_sum_count(sum, status, latency_us, 3, (uint64_t)i, true);
        if (i % 3 == 0)
            measure_merge(wanted, &more);
        else
            measure_add(wanted, status, latency_us, 3, (uint64_t)i, true);
        measure_clear(&more);
    }
}

static void test_open_sum(void)
{
    g_autoptr(GRand) source = g_rand_new_with_seed((guint32)g_test_rand_int());
    struct arena arena = {0};
    for (int i = 0; i < 300; i++) {
        struct open_sum sum;
        struct measure wanted;
        open_sum_init(&sum, i % 2 ? &arena : NULL);
        if (i % 4 < 2)
            open_sum_open(&sum);
        for (int again = 0; again < 3; again++) {
            measure_init(&wanted);
            fill_sum(&sum, &wanted, source);
            expect_sum(&sum, &wanted);
            measure_clear(&wanted);
            open_sum_empty(&sum);
        }
        open_sum_clear(&sum);
    }
    arena_clear(&arena);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/histogram/buckets", test_buckets);
    g_test_add_func("/histogram/error", test_error);
    g_test_add_func("/histogram/quantile", test_quantile);
    g_test_add_func("/measure/text", test_text);
    g_test_add_func("/measure/short-text", test_short_text);
    g_test_add_func("/measure/bad-text", test_bad_text);
    g_test_add_func("/measure/random-text", test_random_text);
    g_test_add_func("/number/limits", test_numbers);
    g_test_add_func("/number/lists", test_number_lists);
    g_test_add_func("/open_sum/as-measures", test_open_sum);
    return g_test_run();
}
