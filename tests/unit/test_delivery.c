#include "api/delivery.h"

#define ALERT "0123456789abcdef0123456789abcdef"
#define CHANNEL "w-00000000000000000000000000000001"

static void test_id(void)
{
    struct delivery delivery = {.alert = ALERT, .event = DELIVERY_RECOVERED, .channel = CHANNEL}, read;
    g_autofree char *id = delivery_id(&delivery);
    g_assert_cmpstr(id, ==, ALERT ".recovered." CHANNEL);
    g_assert_true(delivery_parse(view_of(id), &read));
    g_assert_cmpstr(read.alert, ==, ALERT);
    g_assert_cmpstr(read.channel, ==, CHANNEL);
    g_assert_cmpint(read.event, ==, DELIVERY_RECOVERED);
    g_assert_true(delivery_parse(view_of(ALERT ".raised." CHANNEL), &read));
    g_assert_cmpint(read.event, ==, DELIVERY_RAISED);
}

static void test_not_an_id(void)
{
    static const char *const others[] = {
        "",
        ".",
        "..",
        ALERT,
        ALERT ".raised",
        ALERT ".raised.",
        ".raised." CHANNEL,
        ALERT ".fell." CHANNEL,
        ALERT "..raised." CHANNEL,
        ALERT ".raised." CHANNEL ".",
        ALERT "0.raised." CHANNEL,
        ALERT ".raised." CHANNEL "0000000",
        "../x.raised." CHANNEL,
        ALERT ".raised.w-\r\nX",
        ALERT ".Raised." CHANNEL,
    };
    struct delivery read;
    for (size_t i = 0; i < G_N_ELEMENTS(others); i++)
        g_assert_false(delivery_parse(view_of(others[i]), &read));
    g_autofree char *long_one = g_strnfill(DELIVERY_ID_MAX, '.');
    g_assert_false(delivery_parse(view_of(long_one), &read));
    g_assert_false(delivery_parse(view_make(ALERT ".raised.w\0x", sizeof ALERT ".raised.w\0x" - 1), &read));
}

static void test_tries(void)
{
    struct delivery_tries tries = {0}, read;
    delivery_tries_add(&tries, 1000, 0, "The connection was \"refused\".");
    delivery_tries_add(&tries, 5000, 503, "The receiver answered 503.");
    g_autofree char *json = delivery_tries_write(&tries);
    delivery_tries_read(view_of(json), &read);
    g_assert_cmpuint(read.attempts, ==, 2);
    g_assert_cmpint(read.first_ms, ==, 1000);
    g_assert_cmpint(read.last_ms, ==, 5000);
    g_assert_cmpint(read.status, ==, 503);
    g_assert_cmpstr(read.error, ==, "The receiver answered 503.");
}

static void test_long_errors_are_cut_between_letters(void)
{
    struct delivery_tries tries = {0};
    g_autoptr(GString) error = g_string_new("x");
    while (error->len < 2 * DELIVERY_ERROR_MAX)
        g_string_append(error, "日");
    delivery_tries_add(&tries, 1, 0, error->str);
    g_assert_true(g_utf8_validate(tries.error, -1, NULL));
    g_assert_cmpuint(strlen(tries.error), >, DELIVERY_ERROR_MAX - 5);
    g_assert_true(g_str_has_prefix(error->str, tries.error));
}

static void test_damaged_tries_are_none(void)
{
    static const char *const damaged[] = {"", "x", "[]", "3", "{\"attempts\":-1,\"lastError\":7}", "{\"attempts\":\"x\"}"};
    for (size_t i = 0; i < G_N_ELEMENTS(damaged); i++) {
        struct delivery_tries read = {.attempts = 7};
        delivery_tries_read(view_of(damaged[i]), &read);
        g_assert_cmpuint(read.attempts, ==, 0);
        g_assert_cmpstr(read.error, ==, "");
    }
}

static void test_backoff(void)
{
    const int64_t least = 10 * 1000, most = 3600 * 1000;
    for (uint32_t attempts = 1; attempts < 100; attempts++) {
        int64_t plain = attempts < 10 ? MIN(least << (attempts - 1), most) : most, before = 0;
        for (uint32_t chance = 0; chance < 1024; chance += 31) {
            int64_t ms = delivery_backoff_ms(attempts, least, most, chance);
            g_assert_cmpint(ms, >=, MAX(least, plain - plain / 4));
            g_assert_cmpint(ms, <=, MIN(most, plain + plain / 4));
            g_assert_cmpint(ms, >=, before);
            before = ms;
        }
    }
    g_assert_cmpint(delivery_backoff_ms(3, least, most, 0), <, delivery_backoff_ms(3, least, most, 1023));
    g_assert_cmpint(delivery_backoff_ms(DELIVERY_ATTEMPTS_MAX, least, most, 1023), ==, most);
    g_assert_cmpint(delivery_backoff_ms(5, 1000, 1000, 512), ==, 1000);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/delivery/id", test_id);
    g_test_add_func("/delivery/not-an-id", test_not_an_id);
    g_test_add_func("/delivery/tries", test_tries);
    g_test_add_func("/delivery/long-errors-are-cut-between-letters", test_long_errors_are_cut_between_letters);
    g_test_add_func("/delivery/damaged-tries-are-none", test_damaged_tries_are_none);
    g_test_add_func("/delivery/backoff", test_backoff);
    return g_test_run();
}
