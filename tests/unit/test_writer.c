#include "api/writer.h"

#include <jansson.h>
#include <math.h>

static struct writer writer;

static void begin(void)
{
    writer_init(&writer, g_string_new(NULL));
}

static void expect(const char *text)
{
    g_assert_cmpstr(writer.out->str, ==, text);
    g_string_free(writer.out, TRUE);
}

static void test_document(void)
{
    begin();
    writer_begin(&writer, NULL, '{');
    writer_bool(&writer, "yes", true);
    writer_begin(&writer, "list", '[');
    writer_count(&writer, NULL, 0);
    writer_count(&writer, NULL, UINT64_MAX);
    writer_digits(&writer, NULL, view_of("18446744073709551616"));
    writer_begin(&writer, NULL, '{');
    writer_end(&writer, '}');
    writer_begin(&writer, NULL, '[');
    writer_end(&writer, ']');
    writer_end(&writer, ']');
    writer_null(&writer, "none");
    writer_time(&writer, "at", INT64_C(1795219199999));
    writer_time_ms(&writer, "exactly", INT64_C(1795219199999));
    writer_end(&writer, '}');
    expect(
        "{\"yes\":true,\"list\":[0,18446744073709551615,18446744073709551616,{},[]],\"none\":null,\"at\":\"2026-11-20T23:59:59Z\","
        "\"exactly\":\"2026-11-20T23:59:59.999Z\"}");
}

static void test_text(void)
{
    static const char odd[] = "a\"b\\c\nd\te\x01\x7f\0\xc3\xa9\xff";
    begin();
    writer_text(&writer, NULL, view_make(odd, sizeof odd - 1));
    expect("\"a\\\"b\\\\c\\nd\\u0009e\\u0001\\u007f\xef\xbf\xbd\xc3\xa9\xef\xbf\xbd\"");
    begin();
    writer_text(&writer, NULL, view_make(NULL, 0));
    expect("\"\"");
}

/* Whatever the bytes, another library reads the document. */
static void test_random_text(void)
{
    for (int i = 0; i < 20000; i++) {
        char bytes[24];
        size_t size = (size_t)g_test_rand_int_range(0, sizeof bytes);
        for (size_t k = 0; k < size; k++)
            bytes[k] = (char)g_test_rand_int_range(0, 256);
        begin();
        writer_begin(&writer, NULL, '[');
        writer_text(&writer, NULL, view_make(bytes, size));
        writer_end(&writer, ']');
        json_error_t error;
        json_t *read = json_loadb(writer.out->str, writer.out->len, 0, &error);
        g_assert_nonnull(read);
        if (g_utf8_validate(bytes, (gssize)size, NULL))
            g_assert_true(memcmp(json_string_value(json_array_get(read, 0)), bytes, size) == 0);
        json_decref(read);
        g_string_free(writer.out, TRUE);
    }
}

static void expect_ratio(uint64_t numerator, uint32_t scale, uint64_t denominator, const char *text)
{
    begin();
    writer_ratio(&writer, NULL, numerator, scale, denominator);
    expect(text);
}

static void test_ratio(void)
{
    expect_ratio(0, 100, 0, "0");
    expect_ratio(5, 1, 0, "0");
    expect_ratio(1, 100, 2, "50");
    expect_ratio(1, 100, 3, "33.333");
    expect_ratio(2, 100, 3, "66.667");
    expect_ratio(1, 1, 2000, "0.001"); /* the half goes up */
    expect_ratio(1, 1, 2001, "0");
    expect_ratio(3, 1, 2000, "0.002");
    expect_ratio(2999, 1, 3000, "1");
    expect_ratio(12300, 1, 1000, "12.3");
    expect_ratio(10050, 1, 1000, "10.05");
    expect_ratio(UINT64_MAX, 1, 1, "18446744073709551615");
    expect_ratio(UINT64_MAX, 100, UINT64_MAX, "100");
    expect_ratio(UINT64_MAX - 1, 100, UINT64_MAX, "100");
}

/* Never more than half a step from the real quotient. */
static void test_ratio_error(void)
{
    for (int i = 0; i < 100000; i++) {
        uint64_t numerator = (uint64_t)g_test_rand_int_range(0, 1000000), denominator = (uint64_t)g_test_rand_int_range(1, 1000000);
        begin();
        writer_ratio(&writer, NULL, numerator, 100, denominator);
        double seen = g_ascii_strtod(writer.out->str, NULL);
        g_assert_true(fabs(seen - 100.0 * (double)numerator / (double)denominator) <= 0.0005000001);
        g_string_free(writer.out, TRUE);
    }
}

static void expect_change(uint64_t now, uint64_t before, const char *wanted)
{
    begin();
    writer_change(&writer, NULL, now, before);
    g_assert_cmpstr(writer.out->str, ==, wanted);
    g_string_free(writer.out, TRUE);
}

static void test_change(void)
{
    expect_change(0, 0, "0");
    expect_change(7, 0, "100");
    expect_change(0, 7, "-100");
    expect_change(3, 3, "0");
    expect_change(300, 100, "200");
    expect_change(340, 400, "-15");
    expect_change(4, 3, "33.333");
    expect_change(1, 3, "-66.667");
    expect_change(UINT64_C(1) << 53, 1, "900719925474099100");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/writer/document", test_document);
    g_test_add_func("/writer/text", test_text);
    g_test_add_func("/writer/random-text", test_random_text);
    g_test_add_func("/writer/change", test_change);
    g_test_add_func("/writer/ratio", test_ratio);
    g_test_add_func("/writer/ratio-error", test_ratio_error);
    return g_test_run();
}
