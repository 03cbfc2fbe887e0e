#include "api/executions_cache.h"

#include <glib/gstdio.h>

/* An outcome that says it takes about so many bytes. */
static struct v2_outcome *make_outcome(gsize bytes)
{
    g_autoptr(GError) error = NULL;
    struct v2_outcome *outcome = g_new0(struct v2_outcome, 1);
    *outcome = (struct v2_outcome){1, result_new(g_get_tmp_dir(), 1 << 20, &error), g_ptr_array_new(), g_string_sized_new(bytes)};
    g_assert_no_error(error);
    g_assert_true(result_finish(outcome->result, &error));
    return outcome;
}

static enum executions_state claim(struct executions_cache *cache, const char *id)
{
    struct v2_outcome *outcome;
    enum executions_state state = executions_cache_claim(cache, id, &outcome);
    g_assert_cmpint(outcome != NULL, ==, state == EXECUTION_DONE);
    v2_outcome_unref(outcome);
    return state;
}

static void done(struct executions_cache *cache, const char *id, gsize bytes)
{
    struct v2_outcome *outcome = make_outcome(bytes);
    executions_cache_done(cache, id, outcome);
    v2_outcome_unref(outcome);
}

static void test_life(void)
{
    struct executions_cache *cache = executions_cache_new(1 << 20);
    g_assert_cmpint(claim(cache, "a"), ==, EXECUTION_MINE);
    gint *flag = executions_cache_queue(cache, "a");
    g_assert_cmpint(claim(cache, "a"), ==, EXECUTION_QUEUED);
    executions_cache_run(cache, "a");
    g_assert_cmpint(claim(cache, "a"), ==, EXECUTION_RUNNING);
    done(cache, "a", 100);
    g_assert_cmpint(claim(cache, "a"), ==, EXECUTION_DONE);
    g_assert_cmpint(g_atomic_int_get(flag), ==, 0);
    executions_flag_unref(flag);
    g_assert_cmpint(claim(cache, "b"), ==, EXECUTION_MINE);
    executions_cache_done(cache, "b", NULL); /* came to nothing: the next one tries */
    g_assert_cmpint(claim(cache, "b"), ==, EXECUTION_MINE);
    done(cache, "b", 100);
    g_assert_cmpint(claim(cache, "b"), ==, EXECUTION_DONE);
    executions_cache_free(cache);
}

static void test_cancelled(void)
{
    struct executions_cache *cache = executions_cache_new(1 << 20);
    g_assert_cmpint(claim(cache, "a"), ==, EXECUTION_MINE);
    gint *flag = executions_cache_queue(cache, "a");
    executions_cache_cancel(cache, "a");
    g_assert_cmpint(g_atomic_int_get(flag), ==, 1);
    done(cache, "a", 100); /* too late: it is not kept */
    g_assert_cmpint(claim(cache, "a"), ==, EXECUTION_MINE);
    executions_flag_unref(flag);
    executions_cache_cancel(cache, "a"); /* between the claim and the queue */
    flag = executions_cache_queue(cache, "a");
    g_assert_cmpint(g_atomic_int_get(flag), ==, 1);
    executions_flag_unref(flag);
    executions_cache_cancel(cache, "unknown");
    g_assert_cmpint(claim(cache, "a"), ==, EXECUTION_MINE);
    done(cache, "a", 100);
    executions_cache_cancel(cache, "a");
    g_assert_cmpint(claim(cache, "a"), ==, EXECUTION_MINE);
    executions_cache_free(cache);
}

static void test_stopped(void)
{
    struct executions_cache *cache = executions_cache_new(1 << 20);
    g_assert_cmpint(claim(cache, "a"), ==, EXECUTION_MINE);
    g_assert_cmpint(claim(cache, "b"), ==, EXECUTION_MINE);
    gint *before = executions_cache_queue(cache, "a");
    executions_cache_stop(cache);
    gint *after = executions_cache_queue(cache, "b");
    g_assert_true(g_atomic_int_get(before) == 1 && g_atomic_int_get(after) == 1);
    executions_flag_unref(before);
    executions_flag_unref(after);
    executions_cache_free(cache);
}

/* What was used last stays; one that is larger than all there is room for stays until the next. */
static void test_bounds(void)
{
    enum { MAX = 100000, EACH = 30000 };
    struct executions_cache *cache = executions_cache_new(MAX);
    for (const char *id = "abcdef"; *id != '\0'; id++) {
        const char name[] = {*id, '\0'};
        g_assert_cmpint(claim(cache, name), ==, EXECUTION_MINE);
        done(cache, name, EACH);
        g_assert_cmpint(claim(cache, "a"), ==, EXECUTION_DONE);
    }
    g_assert_cmpint(claim(cache, "f"), ==, EXECUTION_DONE);
    g_assert_cmpint(claim(cache, "b"), ==, EXECUTION_MINE);
    executions_cache_done(cache, "b", NULL);
    g_assert_cmpint(claim(cache, "big"), ==, EXECUTION_MINE);
    done(cache, "big", 2 * MAX);
    g_assert_cmpint(claim(cache, "big"), ==, EXECUTION_DONE);
    g_assert_cmpint(claim(cache, "a"), ==, EXECUTION_MINE);
    done(cache, "a", EACH);
    g_assert_cmpint(claim(cache, "big"), ==, EXECUTION_MINE);
    executions_cache_free(cache);
}

static void test_many(void)
{
    struct executions_cache *cache = executions_cache_new(UINT64_MAX);
    struct v2_outcome *outcome = make_outcome(1);
    for (int i = 0; i < EXECUTIONS_CACHED_MAX + 10; i++) {
        g_autofree char *id = g_strdup_printf("%d", i);
        g_assert_cmpint(claim(cache, id), ==, EXECUTION_MINE);
        executions_cache_done(cache, id, outcome);
    }
    g_assert_cmpint(claim(cache, "10"), ==, EXECUTION_DONE);
    g_assert_cmpint(claim(cache, "9"), ==, EXECUTION_MINE);
    v2_outcome_unref(outcome);
    executions_cache_free(cache);
}

/* ---- threads ---- */

struct race {
    struct executions_cache *cache;
    gint made, seen;
};

static gpointer want(gpointer opaque)
{
    struct race *race = opaque;
    for (int i = 0; i < 200; i++) {
        g_autofree char *id = g_strdup_printf("%d", i);
        switch (claim(race->cache, id)) {
        case EXECUTION_MINE:
            g_atomic_int_inc(&race->made);
            done(race->cache, id, 10);
            break;
        case EXECUTION_DONE:
            g_atomic_int_inc(&race->seen);
            break;
        default:
            g_assert_not_reached(); /* it is there within the second that others wait */
        }
    }
    return NULL;
}

/* Each is made once, by whoever came first; the others wait for it and see it. */
static void test_race(void)
{
    enum { THREADS = 4 };
    struct race race = {.cache = executions_cache_new(UINT64_MAX)};
    GThread *threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        threads[i] = g_thread_new("want", want, &race);
    for (int i = 0; i < THREADS; i++)
        g_thread_join(threads[i]);
    g_assert_cmpint(race.made, ==, 200);
    g_assert_cmpint(race.seen, ==, 200 * (THREADS - 1));
    executions_cache_free(race.cache);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/executions_cache/life", test_life);
    g_test_add_func("/executions_cache/cancelled", test_cancelled);
    g_test_add_func("/executions_cache/stopped", test_stopped);
    g_test_add_func("/executions_cache/bounds", test_bounds);
    g_test_add_func("/executions_cache/many", test_many);
    g_test_add_func("/executions_cache/race", test_race);
    return g_test_run();
}
