/* RFC 4648, section 10, and what only one text may stand for. */
#include "lib/base64url.h"

static void test_known(void)
{
    static const struct {
        const char *bytes, *text;
    } cases[] = {{"", ""},           {"f", "Zg"},          {"fo", "Zm8"},          {"foo", "Zm9v"},
                 {"foob", "Zm9vYg"}, {"fooba", "Zm9vYmE"}, {"foobar", "Zm9vYmFy"}, {"\xfb\xff\xfe", "-__-"}};
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        size_t size = 0;
        g_autofree char *text = base64url_write(cases[i].bytes, strlen(cases[i].bytes));
        g_autofree uint8_t *bytes = base64url_read(view_of(cases[i].text), &size);
        g_assert_cmpstr(text, ==, cases[i].text);
        g_assert_nonnull(bytes);
        g_assert_true(view_equal(view_make(bytes, size), view_of(cases[i].bytes)));
        g_assert_cmpint(bytes[size], ==, 0);
    }
}

static void test_round_trip(void)
{
    uint8_t given[100];
    for (size_t n = 0; n < sizeof given; n++) {
        size_t size = 0;
        for (size_t i = 0; i < n; i++)
            given[i] = (uint8_t)g_test_rand_int();
        g_autofree char *text = base64url_write(given, n);
        g_autofree uint8_t *bytes = base64url_read(view_of(text), &size);
        g_assert_true(view_equal(view_make(bytes, size), view_make(given, n)));
    }
}

static void test_refused(void)
{
    static const char *const texts[] = {"Z", "Zg==", "Zh", "Zm9", "Zm+v", "Zm/v", "Zm 9", "Zm9v\n", "Zm9vY", "\xc3\xa4"};
    size_t size = 0;
    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++)
        g_assert_null(base64url_read(view_of(texts[i]), &size));
    g_assert_null(base64url_read(view_make("Zm\0v", 4), &size));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/base64url/known", test_known);
    g_test_add_func("/base64url/round_trip", test_round_trip);
    g_test_add_func("/base64url/refused", test_refused);
    return g_test_run();
}
