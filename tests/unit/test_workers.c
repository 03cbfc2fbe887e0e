/* workers: order, fairness between owners, bounds, stopping. Jobs are numbers; no Redis is asked. */
#include "api/meters.h"
#include "api/workers.h"

struct world {
    struct metrics *metrics;
    struct workers *workers;
    GMutex lock;
    GCond changed;
    bool open;    /* under lock: jobs may end */
    guint begun;  /* under lock */
    GArray *done; /* int, under lock */
};

static void work(struct reader *reader, void *job, void *opaque)
{
    (void)reader;
    struct world *world = opaque;
    int number = GPOINTER_TO_INT(job);
    g_mutex_lock(&world->lock);
    world->begun++;
    g_cond_broadcast(&world->changed);
    while (!world->open)
        g_cond_wait(&world->changed, &world->lock);
    g_array_append_val(world->done, number);
    g_mutex_unlock(&world->lock);
}

/* One worker, which is busy with job 1 of owner "busy" until the world is opened. */
static void start(struct world *world, guint queue_max, guint owner_max)
{
    *world = (struct world){.metrics = metrics_new(api_meters, METER_N), .done = g_array_new(FALSE, FALSE, sizeof(int))};
    g_mutex_init(&world->lock);
    g_cond_init(&world->changed);
    const struct workers_settings settings = {.redis = {"redis://127.0.0.1:1", 100, 100},
                                              .partitions_fallback = 1,
                                              .n = 1,
                                              .queue_max = queue_max,
                                              .owner_max = owner_max,
                                              .metrics = world->metrics,
                                              .queue_meter = METER_QUEUE,
                                              .work = work,
                                              .opaque = world};
    world->workers = workers_start(&settings);
    g_assert_true(workers_submit(world->workers, "busy", GINT_TO_POINTER(1)));
    g_mutex_lock(&world->lock);
    while (world->begun == 0)
        g_cond_wait(&world->changed, &world->lock);
    g_mutex_unlock(&world->lock);
}

static void finish(struct world *world)
{
    g_mutex_lock(&world->lock);
    world->open = true;
    g_cond_broadcast(&world->changed);
    g_mutex_unlock(&world->lock);
    workers_stop(world->workers);
}

static void check_done(const struct world *world, const int *wanted, guint n)
{
    g_assert_cmpuint(world->done->len, ==, n);
    for (guint i = 0; i < n; i++)
        g_assert_cmpint(g_array_index(world->done, int, i), ==, wanted[i]);
}

static void clear(struct world *world)
{
    workers_free(world->workers);
    metrics_free(world->metrics);
    g_array_free(world->done, TRUE);
    g_mutex_clear(&world->lock);
    g_cond_clear(&world->changed);
}

static void test_turns(void)
{
    static const struct {
        const char *owner;
        int job;
    } jobs[] = {{"a", 10}, {"a", 11}, {"a", 12}, {"b", 20}, {"c", 30}, {"b", 21}};
    static const int wanted[] = {1, 10, 20, 30, 11, 21, 12};
    struct world world;
    start(&world, 100, 100);
    for (size_t i = 0; i < G_N_ELEMENTS(jobs); i++)
        g_assert_true(workers_submit(world.workers, jobs[i].owner, GINT_TO_POINTER(jobs[i].job)));
    finish(&world);
    check_done(&world, wanted, G_N_ELEMENTS(wanted));
    g_assert_cmpint(metrics_get(world.metrics, METER_QUEUE, NULL), ==, 0);
    clear(&world);
}

static void test_bounds(void)
{
    static const int wanted[] = {1, 10, 20, 11, 21};
    struct world world;
    start(&world, 4, 2);
    g_assert_true(workers_submit(world.workers, "a", GINT_TO_POINTER(10)));
    g_assert_true(workers_submit(world.workers, "a", GINT_TO_POINTER(11)));
    g_assert_false(workers_submit(world.workers, "a", GINT_TO_POINTER(12))); /* an owner's share */
    g_assert_true(workers_submit(world.workers, "b", GINT_TO_POINTER(20)));
    g_assert_true(workers_submit(world.workers, "b", GINT_TO_POINTER(21)));
    g_assert_false(workers_submit(world.workers, "c", GINT_TO_POINTER(30))); /* all of it */
    finish(&world);
    check_done(&world, wanted, G_N_ELEMENTS(wanted));
    g_assert_false(workers_submit(world.workers, "a", GINT_TO_POINTER(13))); /* stopped */
    clear(&world);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/workers/turns", test_turns);
    g_test_add_func("/workers/bounds", test_bounds);
    return g_test_run();
}
