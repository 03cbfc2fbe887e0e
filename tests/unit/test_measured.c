/* What all answers say of a measure. */
#include "api/measured.h"

static char *write_all(const struct measure *measure)
{
    GString *out = g_string_new(NULL);
    struct writer writer;
    writer_init(&writer, out);
    writer_begin(&writer, NULL, '{');
    measured_write_success_rate(&writer, measure->requests, measured_failed(measure));
    measured_write_percentile(&writer, "p50", measure, 50);
    writer_count(&writer, "bytes", measured_bytes(measure));
    writer_end(&writer, '}');
    return g_string_free(out, FALSE);
}

static void test_measured(void)
{
    struct measure measure;
    measure_init(&measure);
    g_autofree char *nothing = write_all(&measure);
    g_assert_cmpstr(nothing, ==, "{\"successRate\":100,\"p50\":0,\"bytes\":0}");
    measure_add(&measure, 200, 1700, 3, 5, true);
    measure_add(&measure, 399, 1700, 3, 5, true);
    measure_add(&measure, 400, 1700, 3, 5, true);
    g_autofree char *some = write_all(&measure);
    g_assert_cmpstr(some, ==, "{\"successRate\":66.667,\"p50\":1.648,\"bytes\":24}");
    measure_clear(&measure);
}

static void test_without_histogram(void)
{
    struct measure measure;
    uint64_t value;
    measure_init(&measure);
    measure_add(&measure, 500, 1700, 0, 0, false);
    g_autofree char *text = write_all(&measure);
    g_assert_cmpstr(text, ==, "{\"successRate\":0,\"p50\":null,\"bytes\":0}");
    g_assert_false(measured_percentile_us(&measure, 95, &value));
    measure_clear(&measure);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/measured/measured", test_measured);
    g_test_add_func("/measured/without-histogram", test_without_histogram);
    return g_test_run();
}
