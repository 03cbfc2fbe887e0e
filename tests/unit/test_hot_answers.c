#include "api/hot_answers.h"

enum {
    PERIOD_US = HOT_ANSWERS_PERIOD_MS * 1000,
    COOL_US = HOT_ANSWERS_COOL_MS * 1000,
    ANEW_US = HOT_ANSWERS_ANEW_MS * 1000,
    AGE_US = HOT_ANSWERS_AGE_MAX_MS * 1000,
    THREADS = 4
};
static const int64_t start_us = INT64_C(5000000000);

/* Asks and expects this answer; NULL: none. Whether it is to be read. */
static bool ask(struct hot_answers *hot, const char *question, int64_t now_us, const char *wanted)
{
    bool keep;
    struct hot_answer *answer = hot_answers_take(hot, question, now_us, &keep);
    g_assert_true((answer == NULL) == (wanted == NULL));
    if (answer != NULL)
        g_assert_true(view_is(answer->body, wanted));
    g_assert_false(keep && answer != NULL);
    hot_answer_release(answer);
    return keep;
}

/* Until it is hot, and somebody is sent to read it. */
static void make_hot(struct hot_answers *hot, const char *question, int64_t now_us)
{
    for (int i = 1; i < HOT_ANSWERS_ASKED; i++)
        g_assert_false(ask(hot, question, now_us, NULL));
    g_assert_true(ask(hot, question, now_us, NULL));
    g_assert_false(ask(hot, question, now_us, NULL)); /* one is enough */
}

static void test_seldom(void)
{
    struct hot_answers *hot = hot_answers_new();
    for (int i = 0; i < 1000; i++) /* less often than it takes to be hot */
        g_assert_false(ask(hot, "q", start_us + i * (PERIOD_US / HOT_ANSWERS_ASKED + 500), NULL));
    hot_answers_free(hot);
}

static void test_life(void)
{
    struct hot_answers *hot = hot_answers_new();
    make_hot(hot, "q", start_us);
    hot_answers_put(hot, "q", view_of("one"), start_us + 10);
    g_assert_false(ask(hot, "q", start_us + 20, "one"));
    g_assert_false(ask(hot, "other", start_us + 20, NULL));
    int64_t anew_us = start_us + 10 + ANEW_US;
    g_assert_true(ask(hot, "q", anew_us, NULL)); /* one reads it anew, the others have the one before */
    for (int i = 0; i < HOT_ANSWERS_ASKED; i++)
        g_assert_false(ask(hot, "q", anew_us, "one"));
    hot_answers_put(hot, "q", view_of("two"), anew_us);
    hot_answers_put(hot, "q", view_of("late"), anew_us - 1); /* began before the other */
    int64_t now_us = anew_us;
    for (; now_us < anew_us + AGE_US; now_us += PERIOD_US / HOT_ANSWERS_ASKED) { /* those who are sent do not come back */
        bool sent = (now_us - anew_us) % ANEW_US == 0 && now_us > anew_us;
        g_assert_true(ask(hot, "q", now_us, sent ? NULL : "two") == sent);
    }
    g_assert_true(ask(hot, "q", now_us, NULL)); /* never older */
    g_assert_false(ask(hot, "q", now_us, NULL));
    hot_answers_free(hot);
}

static void test_cools(void)
{
    struct hot_answers *hot = hot_answers_new();
    make_hot(hot, "q", start_us);
    hot_answers_put(hot, "q", view_of("one"), start_us);
    int64_t later_us = start_us + COOL_US - 1; /* asked by few, but still hot */
    g_assert_true(ask(hot, "q", later_us, NULL));
    hot_answers_put(hot, "q", view_of("two"), later_us);
    g_assert_false(ask(hot, "q", later_us, "two"));
    g_assert_false(ask(hot, "q", later_us + 1, NULL));
    hot_answers_free(hot);
}

static void test_bounds(void)
{
    struct hot_answers *hot = hot_answers_new();
    g_autofree char *large = g_strnfill(HOT_ANSWERS_SIZE_MAX + 1, 'x');
    make_hot(hot, "large", start_us);
    hot_answers_put(hot, "large", view_of(large), start_us);
    ask(hot, "large", start_us, NULL);
    make_hot(hot, "q", start_us);
    make_hot(hot, "forgotten", start_us);
    hot_answers_put(hot, "q", view_of("one"), start_us);
    hot_answers_put(hot, "forgotten", view_of("one"), start_us);
    for (int i = 0; i < 2 * HOT_ANSWERS_QUESTIONS; i++) {
        g_autofree char *question = g_strdup_printf("crowd %d", i);
        ask(hot, question, start_us, NULL);
        ask(hot, "q", start_us, "one");
    }
    ask(hot, "forgotten", start_us, NULL);
    hot_answers_free(hot);
}

static void test_tags(void)
{
    struct hot_answers *hot = hot_answers_new();
    char etag[ETAG_MAX];
    bool keep;
    make_hot(hot, "q", start_us);
    hot_answers_put(hot, "q", view_of("body"), start_us);
    struct hot_answer *answer = hot_answers_take(hot, "q", start_us, &keep);
    hot_answers_put(hot, "q", view_of("other"), start_us + 1);
    g_assert_true(view_is(answer->body, "body")); /* as long as it is held */
    etag_of(answer->body, false, etag);
    g_assert_cmpstr(answer->etag, ==, etag);
    etag_of(answer->body, true, etag);
    g_assert_cmpstr(answer->gzip_etag, ==, etag);
    hot_answer_release(answer);
    hot_answers_free(hot);
}

static void *ask_much(void *opaque)
{
    struct hot_answers *hot = opaque;
    for (int64_t i = 0; i < 50000; i++) {
        bool keep;
        struct hot_answer *answer = hot_answers_take(hot, i % 3 ? "q" : "p", start_us + i, &keep);
        if (answer != NULL)
            g_assert_true(view_is(answer->body, i % 3 ? "body of q" : "body of p"));
        if (keep)
            hot_answers_put(hot, i % 3 ? "q" : "p", view_of(i % 3 ? "body of q" : "body of p"), start_us + i);
        hot_answer_release(answer);
    }
    return NULL;
}

static void test_threads(void)
{
    struct hot_answers *hot = hot_answers_new();
    GThread *threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        threads[i] = g_thread_new("asker", ask_much, hot);
    for (int i = 0; i < THREADS; i++)
        g_thread_join(threads[i]);
    hot_answers_free(hot);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/hot-answers/seldom", test_seldom);
    g_test_add_func("/hot-answers/life", test_life);
    g_test_add_func("/hot-answers/cools", test_cools);
    g_test_add_func("/hot-answers/bounds", test_bounds);
    g_test_add_func("/hot-answers/tags", test_tags);
    g_test_add_func("/hot-answers/threads", test_threads);
    return g_test_run();
}
