#include "api/probe.h"

#include "api/meters.h"
#include "lib/log.h"

enum { INTERVAL_MS = 1000 };

struct probe {
    struct redis_settings settings;
    struct metrics *metrics;
    GThread *thread;
    GPtrArray *links; /* struct redis; the thread's own; NULL: not connected */
    GMutex lock;
    GCond wake;
    bool stopping; /* under lock, like trouble */
    char *trouble;
};

static bool ping(struct redis *redis, GError **error)
{
    struct redis_reply *reply = redis_call(redis, error, "PING");
    redis_reply_free(reply);
    return reply != NULL;
}

static bool ask_all(struct probe *probe, GError **error)
{
    if (probe->links == NULL)
        probe->links = redis_connect_all(&probe->settings, error);
    bool ok = probe->links != NULL;
    for (guint i = 0; ok && i < probe->links->len; i++)
        ok = ping(g_ptr_array_index(probe->links, i), error);
    if (!ok)
        g_clear_pointer(&probe->links, g_ptr_array_unref);
    return ok;
}

static void note(struct probe *probe, const char *trouble)
{
    g_mutex_lock(&probe->lock);
    bool changed = (trouble == NULL) != (probe->trouble == NULL);
    g_free(probe->trouble);
    probe->trouble = g_strdup(trouble);
    g_mutex_unlock(&probe->lock);
    metrics_set(probe->metrics, METER_REDIS_UP, NULL, trouble == NULL);
    if (changed && trouble == NULL)
        log_info("redis_up", "servers=%u", probe->links->len);
    else if (changed)
        log_warn("redis_down", "error=%s", trouble);
}

/* False: the probe is stopping. */
static bool wait_for_next(struct probe *probe)
{
    gint64 until = g_get_monotonic_time() + INTERVAL_MS * G_TIME_SPAN_MILLISECOND;
    g_mutex_lock(&probe->lock);
    while (!probe->stopping && g_cond_wait_until(&probe->wake, &probe->lock, until))
        continue;
    bool go_on = !probe->stopping;
    g_mutex_unlock(&probe->lock);
    return go_on;
}

static void *run(void *opaque)
{
    struct probe *probe = opaque;
    do {
        g_autoptr(GError) error = NULL;
        note(probe, ask_all(probe, &error) ? NULL : error->message);
    } while (wait_for_next(probe));
    g_clear_pointer(&probe->links, g_ptr_array_unref);
    return NULL;
}

struct probe *probe_start(const struct redis_settings *settings, struct metrics *metrics)
{
    struct probe *probe = g_new0(struct probe, 1);
    probe->settings = *settings;
    probe->metrics = metrics;
    probe->trouble = g_strdup("Redis has not been asked yet.");
    g_mutex_init(&probe->lock);
    g_cond_init(&probe->wake);
    probe->thread = g_thread_new("probe", run, probe);
    return probe;
}

void probe_stop(struct probe *probe)
{
    g_mutex_lock(&probe->lock);
    probe->stopping = true;
    g_cond_broadcast(&probe->wake);
    g_mutex_unlock(&probe->lock);
    g_thread_join(probe->thread);
    g_mutex_clear(&probe->lock);
    g_cond_clear(&probe->wake);
    g_free(probe->trouble);
    g_free(probe);
}

char *probe_trouble(struct probe *probe)
{
    g_mutex_lock(&probe->lock);
    char *trouble = g_strdup(probe->trouble);
    g_mutex_unlock(&probe->lock);
    return trouble;
}
