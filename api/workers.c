#include "api/workers.h"

#include "api/meters.h"
#include <sys/resource.h>

/* The jobs of one owner, while there are any. */
struct lane {
    char *owner;
    GQueue jobs;
};

struct workers {
    struct workers_settings settings;
    GPtrArray *threads;
    GMutex lock;
    GCond wake;
    GHashTable *lanes; /* owner -> struct lane; under lock, like all below */
    GQueue turns;      /* the same lanes, whose turn is first at the head */
    guint waiting;
    bool stopping;
};

static void lane_free(void *opaque)
{
    struct lane *lane = opaque;
    g_assert(g_queue_is_empty(&lane->jobs));
    g_free(lane->owner);
    g_free(lane);
}

static struct lane *lane_of(struct workers *workers, const char *owner)
{
    struct lane *lane = g_hash_table_lookup(workers->lanes, owner);
    if (lane != NULL)
        return lane;
    lane = g_new0(struct lane, 1);
    lane->owner = g_strdup(owner);
    g_queue_init(&lane->jobs);
    g_hash_table_insert(workers->lanes, lane->owner, lane);
    g_queue_push_tail(&workers->turns, lane);
    return lane;
}

static void *pop(struct workers *workers)
{
    struct lane *lane = g_queue_pop_head(&workers->turns);
    if (lane == NULL)
        return NULL;
    void *job = g_queue_pop_head(&lane->jobs);
    workers->waiting--;
    if (g_queue_is_empty(&lane->jobs))
        g_hash_table_remove(workers->lanes, lane->owner);
    else
        g_queue_push_tail(&workers->turns, lane);
    return job;
}

/* NULL: there is none, and there will be none. */
static void *take_job(struct workers *workers)
{
    g_mutex_lock(&workers->lock);
    while (workers->waiting == 0 && !workers->stopping)
        g_cond_wait(&workers->wake, &workers->lock);
    void *job = pop(workers);
    guint waiting = workers->waiting;
    g_mutex_unlock(&workers->lock);
    metrics_set(workers->settings.metrics, workers->settings.queue_meter, NULL, waiting);
    return job;
}

static void *run(void *opaque)
{
    struct workers *workers = opaque;
    setpriority(PRIO_PROCESS, 0, workers->settings.nice); /* in Linux that of this thread; if it cannot be set, it stays */
    struct reader *reader = reader_new(&workers->settings.redis, workers->settings.partitions_fallback);
    for (void *job; (job = take_job(workers)) != NULL;) {
        uint64_t before = reader_asked(reader);
        workers->settings.work(reader, job, workers->settings.opaque);
        metrics_add(workers->settings.metrics, METER_COMMANDS, NULL, reader_asked(reader) - before);
    }
    reader_free(reader);
    return NULL;
}

struct workers *workers_start(const struct workers_settings *settings)
{
    struct workers *workers = g_new0(struct workers, 1);
    workers->settings = *settings;
    g_mutex_init(&workers->lock);
    g_cond_init(&workers->wake);
    workers->lanes = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, lane_free);
    g_queue_init(&workers->turns);
    workers->threads = g_ptr_array_new();
    for (guint i = 0; i < settings->n; i++)
        g_ptr_array_add(workers->threads, g_thread_new("worker", run, workers));
    return workers;
}

bool workers_submit(struct workers *workers, const char *owner, void *job)
{
    g_mutex_lock(&workers->lock);
    const struct lane *present = g_hash_table_lookup(workers->lanes, owner);
    bool taken = workers->waiting < workers->settings.queue_max && !workers->stopping &&
                 (present == NULL || present->jobs.length < workers->settings.owner_max);
    if (taken) {
        g_queue_push_tail(&lane_of(workers, owner)->jobs, job);
        workers->waiting++;
        g_cond_signal(&workers->wake);
    }
    g_mutex_unlock(&workers->lock);
    return taken;
}

void workers_stop(struct workers *workers)
{
    g_mutex_lock(&workers->lock);
    workers->stopping = true;
    g_cond_broadcast(&workers->wake);
    g_mutex_unlock(&workers->lock);
    for (guint i = 0; i < workers->threads->len; i++)
        g_thread_join(g_ptr_array_index(workers->threads, i));
    g_ptr_array_set_size(workers->threads, 0);
}

void workers_free(struct workers *workers)
{
    g_assert(workers->threads->len == 0 && workers->waiting == 0);
    g_ptr_array_free(workers->threads, TRUE);
    g_hash_table_destroy(workers->lanes);
    g_mutex_clear(&workers->lock);
    g_cond_clear(&workers->wake);
    g_free(workers);
}
