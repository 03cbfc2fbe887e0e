#include "lib/keys.h"
#include <string.h>

static void assert_key(size_t size, const char *key, const char *wanted)
{
    g_assert_cmpstr(key, ==, wanted);
    g_assert_cmpuint(size, ==, strlen(wanted));
}

static void test_names(void)
{
    char key[KEYS_MAX];
    assert_key(keys_plain(key, 3, "commit"), key, "{p3}:commit");
    assert_key(keys_ids(key, 3, 20778, 0x0f), key, "{p3}:ids:20778:0f");
    assert_key(keys_totals(key, 3, 20778, 1), key, "{p3}:t:20778.1");
    assert_key(keys_clients(key, 3, 20778, 1), key, "{p3}:c:20778.1");
    assert_key(keys_routes(key, 3, 20778, 1, 7), key, "{p3}:r:20778.1:7");
    assert_key(keys_users(key, 3, 20778, 2, 7), key, "{p3}:u:20778.2:7");
    assert_key(keys_slot(key, 3, 20778, 1, 95, 7), key, "{p3}:s:20778.1:95:7");
    assert_key(keys_slot_sums(key, 3, 20778, 1, 95), key, "{p3}:ss:20778.1:95");
    assert_key(keys_slot_clients(key, 3, 20778, 1, 95), key, "{p3}:zs:20778.1:95");
    assert_key(keys_slot_routes(key, 3, 20778, 1, 95), key, "{p3}:zr:20778.1:95");
    assert_key(keys_minute(key, 3, 29920636, 1, 2), key, "{p3}:m:29920636.1:2");
    assert_key(keys_minute_clients(key, 3, 29920636, 1), key, "{p3}:zm:29920636.1");
}

static void test_longest(void)
{
    char key[KEYS_MAX];
    g_assert_cmpuint(keys_slot(key, 999999, G_MAXINT64, G_MAXINT, 95, G_MAXUINT32), <, KEYS_MAX);
    g_assert_cmpuint(keys_minute(key, 999999, G_MAXINT64, G_MAXINT, G_MAXUINT32), <, KEYS_MAX);
    g_assert_cmpuint(keys_ids(key, 999999, G_MAXINT64, 255), <, KEYS_MAX);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/keys/names", test_names);
    g_test_add_func("/keys/longest", test_longest);
    return g_test_run();
}
