#include "cli/impossible.h"

static void test_says_why(void)
{
    g_autoptr(GError) error = NULL;
    g_assert_false(impossible(&error, "partition %d is %s", 3, "away"));
    g_assert_error(error, IMPOSSIBLE_ERROR, IMPOSSIBLE_ERROR_STATE);
    g_assert_cmpstr(error->message, ==, "partition 3 is away");
    g_assert_false(impossible(NULL, "nobody asks"));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/impossible/says-why", test_says_why);
    return g_test_run();
}
