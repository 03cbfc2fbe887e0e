#include "lib/rejections.h"

static void add(struct rejections *list, const char *reason, const char *message, const char *sample, uint64_t count)
{
    rejections_add(list, &(struct rejection){7, count, view_of(reason), view_of(message), view_of(sample)});
}

static void assert_entry(const struct rejections *list, size_t index, const char *message, const char *sample, uint64_t count)
{
    const struct rejection *entry = rejections_get(list, index);
    g_assert_true(view_is(entry->message, message));
    g_assert_true(view_is(entry->sample, sample));
    g_assert_cmpuint(entry->count, ==, count);
    g_assert_cmpint(entry->time_ms, ==, 7);
}

static void test_like_ones_are_one(void)
{
    struct rejections *list = rejections_new();
    for (int i = 0; i < 1000; i++) {
        g_autofree char *sample = g_strdup_printf("sample %d", i);
        add(list, "missing_field", i % 3 ? "status is missing." : "method is missing.", sample, 1);
    }
    g_assert_cmpuint(rejections_count(list), ==, 2);
    assert_entry(list, 0, "method is missing.", "sample 0", 334);
    assert_entry(list, 1, "status is missing.", "sample 1", 666);
    g_assert_cmpuint(rejections_total(list), ==, 1000);
    rejections_free(list);
}

static void test_others_are_counted(void)
{
    struct rejections *list = rejections_new();
    for (int i = 0; i < 1000; i++) {
        g_autofree char *message = g_strdup_printf("after %d bytes", i % 100);
        add(list, "malformed", message, "{", 2);
    }
    add(list, "too_old", "old", "", 1);
    g_assert_cmpuint(rejections_count(list), ==, REJECTIONS_PER_REASON + 2);
    for (size_t i = 0; i < REJECTIONS_PER_REASON; i++) {
        g_autofree char *message = g_strdup_printf("after %zu bytes", i);
        assert_entry(list, i, message, "{", 20);
    }
    assert_entry(list, REJECTIONS_PER_REASON, "", "", 2000 - 20 * REJECTIONS_PER_REASON);
    assert_entry(list, REJECTIONS_PER_REASON + 1, "old", "", 1);
    g_assert_cmpuint(rejections_total(list), ==, 2001);
    rejections_free(list);
}

/* Two lists into one: as if all had been added to it, but for whose samples are kept. */
static void test_lists_are_added(void)
{
    struct rejections *one = rejections_new(), *two = rejections_new(), *all = rejections_new();
    uint64_t total = 0;
    for (int i = 0; i < 500; i++) {
        static const char *const reasons[] = {"a", "b_2", "c"};
        g_autofree char *message = g_strdup_printf("message %d", g_test_rand_int_range(0, 9));
        uint64_t n = (uint64_t)g_test_rand_int_range(1, 5);
        add(i % 2 ? one : two, reasons[g_test_rand_int_range(0, 3)], message, message, n);
        total += n;
    }
    rejections_add_all(all, one);
    rejections_add_all(all, two);
    g_assert_cmpuint(rejections_total(all), ==, total);
    g_assert_cmpuint(rejections_count(all), <=, 3 * (REJECTIONS_PER_REASON + 1));
    uint64_t sum = 0;
    for (size_t i = 0; i < rejections_count(all); i++)
        sum += rejections_get(all, i)->count;
    g_assert_cmpuint(sum, ==, total);
    rejections_clear(all);
    g_assert_cmpuint(rejections_count(all), ==, 0);
    g_assert_cmpuint(rejections_total(all), ==, 0);
    g_assert_cmpuint(rejections_size(all), ==, 0);
    add(all, "a", "m", "s", 1);
    assert_entry(all, 0, "m", "s", 1);
    rejections_free(all);
    rejections_free(one);
    rejections_free(two);
}

static void test_words(void)
{
    static const char *const right[] = {"a", "wrong_type", "http_2", "abcdefghijklmnopqrstuvwxyz012345"};
    static const char *const wrong[] = {"", "A", "a b", "a-b", "é", "abcdefghijklmnopqrstuvwxyz0123456"};
    for (size_t i = 0; i < G_N_ELEMENTS(right); i++)
        g_assert_true(rejection_reason_is_word(view_of(right[i])));
    for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++)
        g_assert_false(rejection_reason_is_word(view_of(wrong[i])));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/rejections/like-ones-are-one", test_like_ones_are_one);
    g_test_add_func("/rejections/others-are-counted", test_others_are_counted);
    g_test_add_func("/rejections/lists-are-added", test_lists_are_added);
    g_test_add_func("/rejections/words", test_words);
    return g_test_run();
}
