#include "api/receivers.h"

enum { PLACES = 8, EACH = 2 };

static void check(struct receivers *receivers, const char *id, gint64 now_us, enum receivers_answer wanted)
{
    g_assert_cmpint(receivers_try(receivers, id, now_us), ==, wanted);
}

static void fail(struct receivers *receivers, const char *id, gint64 now_us, gint64 until_us)
{
    check(receivers, id, now_us, RECEIVERS_GO);
    receivers_failed(receivers, id, "It is down.", until_us, now_us);
}

static void test_places(void)
{
    struct receivers *receivers = receivers_new(PLACES, EACH);
    static const char *const ids[PLACES] = {"a", "a", "b", "b", "c", "c", "d", "d"};
    for (int i = 0; i < PLACES; i++)
        check(receivers, ids[i], 0, RECEIVERS_GO);
    g_assert_cmpuint(receivers_busy(receivers), ==, PLACES);
    check(receivers, "z", 0, RECEIVERS_BUSY);
    receivers_well(receivers, "a");
    check(receivers, "z", 0, RECEIVERS_GO);
    receivers_cancel(receivers, "z");
    check(receivers, "a", 0, RECEIVERS_GO);
    receivers_free(receivers);
}

static void test_each(void)
{
    struct receivers *receivers = receivers_new(PLACES, EACH);
    check(receivers, "a", 0, RECEIVERS_GO);
    check(receivers, "a", 0, RECEIVERS_GO);
    check(receivers, "a", 0, RECEIVERS_BUSY);
    check(receivers, "b", 0, RECEIVERS_GO);
    receivers_free(receivers);
}

static void test_rest(void)
{
    struct receivers *receivers = receivers_new(PLACES, EACH);
    gint64 until_us;
    fail(receivers, "a", 10, 100);
    check(receivers, "a", 99, RECEIVERS_RESTS);
    g_assert_cmpstr(receivers_rest(receivers, "a", &until_us), ==, "It is down.");
    g_assert_cmpint(until_us, ==, 100);
    check(receivers, "b", 99, RECEIVERS_GO);
    fail(receivers, "a", 100, 200);
    g_assert_cmpuint(receivers_failures(receivers, "a"), ==, 2);
    check(receivers, "a", 200, RECEIVERS_GO);
    check(receivers, "a", 200, RECEIVERS_BUSY); /* one at a time, until it is well */
    receivers_well(receivers, "a");
    g_assert_cmpuint(receivers_failures(receivers, "a"), ==, 0);
    check(receivers, "a", 200, RECEIVERS_GO);
    check(receivers, "a", 200, RECEIVERS_GO);
    receivers_free(receivers);
}

/* Those that failed get half of the places, however many they are. */
static void test_unwell_ones_leave_places(void)
{
    struct receivers *receivers = receivers_new(PLACES, EACH);
    guint going = 0;
    char id[3] = "u0";
    for (id[1] = '0'; id[1] < '9'; id[1]++)
        fail(receivers, id, 0, 10);
    for (id[1] = '0'; id[1] < '9'; id[1]++)
        going += receivers_try(receivers, id, 10) == RECEIVERS_GO;
    g_assert_cmpuint(going, ==, PLACES / 2);
    check(receivers, "well", 10, RECEIVERS_GO);
    check(receivers, "well", 10, RECEIVERS_GO);
    receivers_well(receivers, "u0");
    check(receivers, "u8", 10, RECEIVERS_GO);
    receivers_free(receivers);
}

/* The second of two tries that were begun when all was well. */
static void test_two_fail_at_once(void)
{
    struct receivers *receivers = receivers_new(2, EACH);
    check(receivers, "a", 0, RECEIVERS_GO);
    check(receivers, "a", 0, RECEIVERS_GO);
    receivers_failed(receivers, "a", "x", 5, 0);
    receivers_failed(receivers, "a", "x", 5, 0);
    g_assert_cmpuint(receivers_busy(receivers), ==, 0);
    check(receivers, "a", 5, RECEIVERS_GO);
    receivers_well(receivers, "a");
    check(receivers, "b", 5, RECEIVERS_GO);
    receivers_failed(receivers, "b", "x", 6, 5);
    check(receivers, "b", 6, RECEIVERS_GO); /* none of the half is lost */
    receivers_free(receivers);
}

static void test_old_ones_are_forgotten(void)
{
    struct receivers *receivers = receivers_new(PLACES, EACH);
    fail(receivers, "a", 0, RECEIVERS_KEPT_US * 2);
    fail(receivers, "b", RECEIVERS_KEPT_US + 1, RECEIVERS_KEPT_US + 2);
    g_assert_cmpuint(receivers_failures(receivers, "a"), ==, 0);
    g_assert_cmpuint(receivers_failures(receivers, "b"), ==, 1);
    receivers_free(receivers);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/receivers/places", test_places);
    g_test_add_func("/receivers/each", test_each);
    g_test_add_func("/receivers/rest", test_rest);
    g_test_add_func("/receivers/unwell-ones-leave-places", test_unwell_ones_leave_places);
    g_test_add_func("/receivers/two-fail-at-once", test_two_fail_at_once);
    g_test_add_func("/receivers/old-ones-are-forgotten", test_old_ones_are_forgotten);
    return g_test_run();
}
