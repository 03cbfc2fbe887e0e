#include "api/workers.h"

#include "api/meters.h"

struct workers {
    struct workers_settings settings;
    GPtrArray *threads;
    GMutex lock;
    GCond wake;
    GQueue jobs; /* under lock, like stopping */
    bool stopping;
};

/* NULL: there is none, and there will be none. */
static void *take_job(struct workers *workers)
{
    g_mutex_lock(&workers->lock);
    while (g_queue_is_empty(&workers->jobs) && !workers->stopping)
        g_cond_wait(&workers->wake, &workers->lock);
    void *job = g_queue_pop_head(&workers->jobs);
    guint waiting = g_queue_get_length(&workers->jobs);
    g_mutex_unlock(&workers->lock);
    metrics_set(workers->settings.metrics, METER_QUEUE, NULL, waiting);
    return job;
}

static void *run(void *opaque)
{
    struct workers *workers = opaque;
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
    g_queue_init(&workers->jobs);
    workers->threads = g_ptr_array_new();
    for (guint i = 0; i < settings->n; i++)
        g_ptr_array_add(workers->threads, g_thread_new("worker", run, workers));
    return workers;
}

bool workers_submit(struct workers *workers, void *job)
{
    g_mutex_lock(&workers->lock);
    guint waiting = g_queue_get_length(&workers->jobs);
    bool taken = waiting < workers->settings.queue_max && !workers->stopping;
    if (taken) {
        g_queue_push_tail(&workers->jobs, job);
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
    g_assert(workers->threads->len == 0 && g_queue_is_empty(&workers->jobs));
    g_ptr_array_free(workers->threads, TRUE);
    g_mutex_clear(&workers->lock);
    g_cond_clear(&workers->wake);
    g_free(workers);
}
