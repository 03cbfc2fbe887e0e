#include "api/local_time.h"

#include "lib/civil.h"

static int64_t utc(int month, int day, int hour, int minute)
{
    return civil_day((struct civil_date){2026, month, day}) * 86400 + hour * 3600 + minute * 60;
}

static struct local_time read_text(const char *text)
{
    struct local_time time;
    g_assert_true(local_time_read(&time, text));
    g_assert_true(time.given);
    g_assert_cmpstr(time.text, ==, text);
    return time;
}

static void test_read(void)
{
    struct local_time date = read_text("2026-02-28"), clock = read_text("2026-03-01 23:59:59"),
                      same = read_text("2026-03-01T23:59:59");
    g_assert_false(date.has_clock);
    g_assert_true(clock.has_clock);
    g_assert_cmpint(date.local_s, ==, utc(2, 28, 0, 0));
    g_assert_cmpint(clock.local_s, ==, utc(3, 2, 0, 0) - 1);
    g_assert_cmpint(clock.local_s, ==, same.local_s);
}

static void test_wrong(void)
{
    struct local_time time;
    static const char *const wrong[] = {"",
                                        "2026",
                                        "2026-1-01",
                                        "2026-13-01",
                                        "2026-02-29",
                                        "2026-00-10",
                                        "2026/01/01",
                                        "0000-01-01",
                                        "9999-12-31",
                                        "2026-01-01 10",
                                        "2026-01-01 24:00:00",
                                        "2026-01-01 10:60:00",
                                        "2026-01-01x10:00:00",
                                        "2026-01-01 10:00:00Z",
                                        "2026-01-01 10:00:60",
                                        "2026-01-01 1:00:000"};
    for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++)
        g_assert_false(local_time_read(&time, wrong[i]));
}

static void expect(const char *zone, const char *text, int64_t first, int64_t end)
{
    const struct tz *tz = tz_shared(zone, NULL);
    struct local_time time = read_text(text);
    g_assert_nonnull(tz);
    g_assert_cmpint(local_time_first(tz, time.local_s), ==, first);
    g_assert_cmpint(local_time_end(tz, &time), ==, end);
}

static void test_zones(void)
{
    expect("UTC", "2026-11-21", utc(11, 21, 0, 0), utc(11, 22, 0, 0));
    expect("UTC", "2026-11-21 10:30:00", utc(11, 21, 10, 30), utc(11, 21, 10, 30) + 1);
    expect("Asia/Kathmandu", "2026-11-21", utc(11, 20, 18, 15), utc(11, 21, 18, 15));
    expect("America/New_York", "2026-11-01", utc(11, 1, 4, 0), utc(11, 2, 5, 0));                /* 25 hours */
    expect("America/New_York", "2026-11-01 01:30:00", utc(11, 1, 5, 30), utc(11, 1, 6, 30) + 1); /* which comes twice */
    expect("America/New_York", "2026-03-08 02:30:00", utc(3, 8, 7, 0), utc(3, 8, 7, 0));         /* which is passed over */
}

static void test_order(void)
{
    struct refusal refusal = {0};
    struct local_time until = read_text("2026-11-21");
    g_assert_false(local_time_refuse_order(&until, &refusal));
    g_assert_cmpint(refusal.status, ==, 400);
    g_assert_cmpstr(refusal.field, ==, "until");
    g_assert_cmpstr(refusal.value, ==, "2026-11-21");
    refusal_clear(&refusal);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/local_time/read", test_read);
    g_test_add_func("/local_time/wrong", test_wrong);
    g_test_add_func("/local_time/zones", test_zones);
    g_test_add_func("/local_time/order", test_order);
    return g_test_run();
}
