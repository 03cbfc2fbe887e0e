#include "collector/route_segment.h"
#include <glib.h>

struct row {
    const char *segment;
    enum route_class class_;
};

static const struct row rows[] = {
    /* words */
    {"orders", ROUTE_LITERAL},
    {"v1", ROUTE_LITERAL},
    {"V2", ROUTE_LITERAL},
    {"v1.2", ROUTE_LITERAL},
    {"v1beta2", ROUTE_LITERAL},
    {"v3-rc1", ROUTE_LITERAL},
    {"oauth2", ROUTE_LITERAL},
    {"s3", ROUTE_LITERAL},
    {"sha256", ROUTE_LITERAL},
    {"base64", ROUTE_LITERAL},
    {"ipv4", ROUTE_LITERAL},
    {"getBase64Image", ROUTE_LITERAL},
    {"getUserByOAuth2Token", ROUTE_LITERAL},
    {"oauth2-authorization-server", ROUTE_LITERAL},
    {"facade", ROUTE_LITERAL},
    {"deadbeef", ROUTE_LITERAL}, /* letters alone are a word */
    {"users:batchGet", ROUTE_LITERAL},
    {"index.html", ROUTE_LITERAL},
    {"app.js", ROUTE_LITERAL},
    {"1.2.3", ROUTE_LITERAL},
    {"-", ROUTE_LITERAL},
    {".", ROUTE_LITERAL},
    {"..", ROUTE_LITERAL},
    {"~", ROUTE_LITERAL},
    {"", ROUTE_LITERAL},
    {"Zürich", ROUTE_LITERAL},
    {"@alice", ROUTE_LITERAL},
    {"a@b", ROUTE_LITERAL}, /* no domain */
    {"this-is-a-rather-long-slug-of-words-and-not-a-token", ROUTE_LITERAL},
    /* UUIDs */
    {"3f2504e0-4f89-11d3-9a0c-0305e82c3301", ROUTE_UUID},
    {"3F2504E0-4F89-11D3-9A0C-0305E82C3301", ROUTE_UUID},
    {"aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee", ROUTE_UUID},
    {"3f2504e0-4f89-11d3-9a0c-0305e82c330", ROUTE_TOKEN},
    {"3f2504e0-4f89-11d3-9a0c-0305e82c330g", ROUTE_TOKEN},
    /* numbers */
    {"0", ROUTE_N},
    {"17", ROUTE_N},
    {"007", ROUTE_N},
    {"-5", ROUTE_N},
    {"+49", ROUTE_N},
    {"48.137", ROUTE_N},
    {"-11.575", ROUTE_N},
    {"1,2,3", ROUTE_N},
    {"1,-2.5", ROUTE_N},
    {"12345678901234567890123456789012345678901234567890", ROUTE_N},
    {"1.", ROUTE_LITERAL},
    {"1,", ROUTE_LITERAL},
    {"1-2", ROUTE_LITERAL},
    /* dates */
    {"2026-11-20", ROUTE_DATE},
    {"2026-11", ROUTE_DATE},
    {"2026-11-20T10:00:00Z", ROUTE_DATE},
    {"2026-11-20 10:00", ROUTE_DATE},
    {"2026-99", ROUTE_LITERAL},
    {"20261120", ROUTE_N},
    /* e-mail */
    {"ann@example.com", ROUTE_EMAIL},
    {"a.b+c@mail.example.org", ROUTE_EMAIL},
    {"ü@exämple.de", ROUTE_EMAIL},
    {"@example.com", ROUTE_LITERAL},
    {"a@b@c.de", ROUTE_LITERAL},
    /* hexadecimal */
    {"deadbeef01", ROUTE_HEX},
    {"9a0c0305e82c3301", ROUTE_HEX},
    {"DA39A3EE5E6B4B0D3255BFEF95601890AFD80709", ROUTE_HEX},
    {"a1b2c3d", ROUTE_LITERAL}, /* too short to tell from a word */
    /* tokens */
    {"01ARZ3NDEKTSV4RRFFQ69G5FAV", ROUTE_TOKEN}, /* ULID */
    {"dQw4w9WgXcQ", ROUTE_TOKEN},
    {"cus_Nf3x9QkTa1", ROUTE_TOKEN},
    {"c-17", ROUTE_TOKEN},
    {"user_9", ROUTE_TOKEN},
    {"INV-2024-0001", ROUTE_TOKEN},
    {"app.3f9a2b7c.js", ROUTE_TOKEN},
    {"report_20261120", ROUTE_TOKEN},
    {"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0", ROUTE_TOKEN},
    {"a-word-that-never-ends-a-word-that-never-ends-a-word-that-never-ends", ROUTE_TOKEN},
};

static void test_table(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        size_t size = strlen(rows[i].segment);
        g_autofree char *copy = g_memdup2(rows[i].segment, size);
        g_test_message("%s", rows[i].segment);
        g_assert_cmpstr(route_class_word(route_segment_class(view_make(copy, size))), ==, route_class_word(rows[i].class_));
    }
}

static void test_words(void)
{
    g_assert_cmpint(route_class_named(view_of("uuid")), ==, ROUTE_UUID);
    g_assert_cmpint(route_class_named(view_of("token")), ==, ROUTE_TOKEN);
    g_assert_cmpint(route_class_named(view_of("id")), ==, ROUTE_LITERAL);
    g_assert_cmpint(route_class_named(view_of("")), ==, ROUTE_LITERAL);
    for (int i = ROUTE_LITERAL + 1; i < ROUTE_N_CLASSES; i++)
        g_assert_cmpint(route_class_named(view_of(route_class_word((enum route_class)i))), ==, i);
}

static void test_fits(void)
{
    g_assert_true(route_segment_fits(view_of("17"), ROUTE_N));
    g_assert_true(route_segment_fits(view_of("17"), ROUTE_HEX));
    g_assert_true(route_segment_fits(view_of("abc"), ROUTE_HEX));
    g_assert_true(route_segment_fits(view_of("17"), ROUTE_TOKEN));
    g_assert_false(route_segment_fits(view_of("17"), ROUTE_UUID));
    g_assert_false(route_segment_fits(view_of("orders"), ROUTE_HEX));
    g_assert_false(route_segment_fits(view_of("orders"), ROUTE_TOKEN));
    g_assert_false(route_segment_fits(view_of("17.5"), ROUTE_HEX));
}

static void test_extension(void)
{
    g_assert_cmpuint(route_segment_extension(view_of("17.json")), ==, 5);
    g_assert_cmpuint(route_segment_extension(view_of("a.b.csv")), ==, 4);
    g_assert_cmpuint(route_segment_extension(view_of("17.x9k2")), ==, 0);
    g_assert_cmpuint(route_segment_extension(view_of(".json")), ==, 0);
    g_assert_cmpuint(route_segment_extension(view_of("json")), ==, 0);
    g_assert_cmpuint(route_segment_extension(view_of("17.")), ==, 0);
    g_assert_cmpuint(route_segment_extension(view_make(NULL, 0)), ==, 0);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/route_segment/table", test_table);
    g_test_add_func("/route_segment/words", test_words);
    g_test_add_func("/route_segment/fits", test_fits);
    g_test_add_func("/route_segment/extension", test_extension);
    return g_test_run();
}
