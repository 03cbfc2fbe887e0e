#include "lib/hex.h"
#include <glib.h>

static void test_written(void)
{
    char text[2 * 4 + 1];
    const uint8_t bytes[] = {0x00, 0x9a, 0xff, 0x10};
    hex_write(text, bytes, sizeof bytes);
    g_assert_cmpstr(text, ==, "009aff10");
    hex_write(text, bytes, 0);
    g_assert_cmpstr(text, ==, "");
}

static void test_read(void)
{
    static const char *const others[] = {"", "0", "00", "009aff1", "009aff100", "009aff1g", "009AFF10", "009aff1 ", "-09aff10"};
    uint8_t bytes[4] = {0};
    g_assert_true(hex_read(view_of("009aff10"), bytes, sizeof bytes));
    g_assert_cmpuint(bytes[0], ==, 0);
    g_assert_cmpuint(bytes[1], ==, 0x9a);
    g_assert_cmpuint(bytes[2], ==, 0xff);
    g_assert_cmpuint(bytes[3], ==, 0x10);
    for (size_t i = 0; i < G_N_ELEMENTS(others); i++)
        g_assert_false(hex_read(view_of(others[i]), bytes, sizeof bytes));
    g_assert_true(hex_read(view_of(""), bytes, 0));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/hex/written", test_written);
    g_test_add_func("/hex/read", test_read);
    return g_test_run();
}
