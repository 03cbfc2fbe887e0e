#include "api/alerter.h"

#include "api/meters.h"
#include "lib/hex.h"
#include "lib/log.h"
#include <gnutls/crypto.h>

#define LEASE_KEY "{daybook}:alerter"

enum {
    TOKEN_BYTES = 16,
    LOOK_MS = 1000,
    RENEW_MS = 5000,
    SWEEP_MS = 600 * 1000,
    SWEEP_AGE_MS = 2 * 3600 * 1000, /* after the end of a window its level matters to nobody */
    TIMEOUT_MS = 10 * 1000,         /* for the lease, and for what is tended */
    SWEEP_TIMEOUT_MS = 60 * 1000,
};

struct alerter {
    struct alerter_settings settings;
    GThread *thread;
    char token[2 * TOKEN_BYTES + 1];
    /* ---- the thread's own ---- */
    struct reader *reader; /* of the lease: it is renewed while the next one is asked */
    struct reader *asking;
    struct alert_check *check;               /* NULL: the lease is not held */
    gint64 renewed_us, checked_us, swept_us; /* monotonic; 0: not yet */
    bool was_failing;
    /* ---- under lock ---- */
    GMutex lock;
    GCond wake;
    bool stopping;
};

/* ---- the lease ---- */

/* ARGV: token, ms. */
static const char renew_script[] =
    "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('PEXPIRE', KEYS[1], ARGV[2]) end "
    "return 0";
static const char release_script[] =
    "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('UNLINK', KEYS[1]) end return 0";

static void take_renewed(struct reader *reader, const struct redis_reply *reply, void *opaque, size_t a, size_t b)
{
    (void)reader, (void)a, (void)b;
    *(bool *)opaque = redis_reply_integer(reply) == 1;
}

static void take_set(struct reader *reader, const struct redis_reply *reply, void *opaque, size_t a, size_t b)
{
    (void)reader, (void)a, (void)b;
    *(bool *)opaque |= redis_reply_kind(reply) == REDIS_STATUS;
}

static bool begin(struct reader *reader, int64_t timeout_ms, GError **error)
{
    return reader_begin(reader, g_get_monotonic_time() + timeout_ms * G_TIME_SPAN_MILLISECOND, error);
}

static void run_script(struct alerter *alerter, const char *script, bool *is_done)
{
    const struct view argv[] = {view_of("EVAL"),    view_of(script),         view_of("1"),
                                view_of(LEASE_KEY), view_of(alerter->token), view_of(G_STRINGIFY(20000))};
    G_STATIC_ASSERT(ALERTER_LEASE_MS == 20000);
    reader_ask(alerter->reader, READER_CONTROL, argv, G_N_ELEMENTS(argv),
               (struct reader_then){.take = take_renewed, .opaque = is_done});
}

/* Takes the lease, or keeps it. */
static bool hold(struct alerter *alerter, GError **error)
{
    bool is_held = false;
    const struct view argv[] = {view_of("SET"), view_of(LEASE_KEY), view_of(alerter->token),
                                view_of("NX"),  view_of("PX"),      view_of(G_STRINGIFY(20000))};
    if (!begin(alerter->reader, TIMEOUT_MS, error))
        return false;
    run_script(alerter, renew_script, &is_held);
    if (!reader_finish(alerter->reader, error))
        return false;
    if (!is_held)
        reader_ask(alerter->reader, READER_CONTROL, argv, G_N_ELEMENTS(argv),
                   (struct reader_then){.take = take_set, .opaque = &is_held});
    if (!reader_finish(alerter->reader, error))
        return false;
    alerter->renewed_us = g_get_monotonic_time();
    return is_held;
}

static void release(struct alerter *alerter)
{
    g_autoptr(GError) error = NULL;
    bool is_done;
    if (alerter->check == NULL || !begin(alerter->reader, TIMEOUT_MS, &error))
        return;
    run_script(alerter, release_script, &is_done);
    reader_finish(alerter->reader, &error);
}

static bool is_stopping(struct alerter *alerter)
{
    g_mutex_lock(&alerter->lock);
    bool stopping = alerter->stopping;
    g_mutex_unlock(&alerter->lock);
    return stopping;
}

/* Between two questions of a long check. That the lease is lost is seen after it: what is read is right all the same. */
static bool go_on(void *opaque)
{
    struct alerter *alerter = opaque;
    g_autoptr(GError) error = NULL;
    if (g_get_monotonic_time() - alerter->renewed_us >= RENEW_MS * G_TIME_SPAN_MILLISECOND)
        hold(alerter, &error);
    return !is_stopping(alerter);
}

/* ---- the work ---- */

static int64_t now_ms(void)
{
    return g_get_real_time() / G_TIME_SPAN_MILLISECOND;
}

/* What there is too much of may be much. */
static bool sweep(struct alerter *alerter, GError **error)
{
    gint64 now_us = g_get_monotonic_time();
    if (alerter->swept_us != 0 && now_us - alerter->swept_us < SWEEP_MS * G_TIME_SPAN_MILLISECOND)
        return true;
    if (!begin(alerter->asking, SWEEP_TIMEOUT_MS, error) ||
        !alert_check_sweep(alerter->check, alerter->asking, now_ms() - SWEEP_AGE_MS, error))
        return false;
    alerter->swept_us = now_us;
    return true;
}

/* Alerts are trimmed by each check, for as many may have been raised by it as there are limits; behind the system's, of which those
 * that last are kept. */
static bool tend(struct alerter *alerter, struct registry_snapshot *snapshot, GError **error)
{
    const struct alert_tend *tend = &alerter->settings.tend;
    struct reader *reader = alerter->asking;
    bool ok = begin(reader, TIMEOUT_MS, error) && alert_tend_limits(tend, reader, snapshot, now_ms(), error) &&
              alert_tend_system(tend, reader, snapshot, now_ms(), error);
    GError **rest = ok ? error : NULL;
    return begin(reader, TIMEOUT_MS, rest) && alert_tend_trim(tend, reader, now_ms(), rest) && sweep(alerter, rest) && ok;
}

/* Limits that cannot be checked do not keep anybody from looking after the rest; the first error is told. */
static bool work(struct alerter *alerter, struct registry_snapshot *snapshot, GError **error)
{
    bool ok = alert_check_run(alerter->check, alerter->asking, snapshot, now_ms(), error);
    return tend(alerter, snapshot, ok ? error : NULL) && ok;
}

static void renew_check(struct alerter *alerter)
{
    struct alert_check_settings settings = alerter->settings.check;
    settings.go_on = go_on;
    settings.opaque = alerter;
    alert_check_free(alerter->check);
    alerter->check = alert_check_new(&settings);
}

/* What answers again after a failure may be another Redis, or an earlier state of this one: everything is read anew. */
static void note_failure(struct alerter *alerter, const GError *error)
{
    if (error != NULL && error->domain == REDIS_ERROR && alerter->check != NULL)
        renew_check(alerter);
    if (error != NULL && !alerter->was_failing)
        log_warn("alerts_not_checked", "error=%s", error->message);
    else if (error == NULL && alerter->was_failing)
        log_info("alerts_checked_again", "limits=%u", alert_check_watchers(alerter->check)->len);
    alerter->was_failing = error != NULL;
}

static void check(struct alerter *alerter)
{
    g_autoptr(GError) error = NULL;
    struct registry_snapshot *snapshot = registry_take(alerter->settings.registry);
    if (snapshot->version != REGISTRY_NEVER_READ) {
        if (work(alerter, snapshot, &error))
            alerter->checked_us = g_get_monotonic_time();
        note_failure(alerter, error);
    }
    registry_release(snapshot);
}

static void begin_holding(struct alerter *alerter)
{
    renew_check(alerter);
    alerter->checked_us = g_get_monotonic_time();
    log_info("alerter_lease_taken", "lease_ms=%d", ALERTER_LEASE_MS);
}

static void end_holding(struct alerter *alerter)
{
    g_clear_pointer(&alerter->check, alert_check_free);
    log_info("alerter_lease_lost", "lease_ms=%d", ALERTER_LEASE_MS);
}

static void set_meters(const struct alerter *alerter)
{
    struct metrics *metrics = alerter->settings.check.metrics;
    bool is_held = alerter->check != NULL;
    gint64 behind_us = is_held ? g_get_monotonic_time() - alerter->checked_us : 0;
    metrics_set(metrics, METER_ALERTER_LEASE, NULL, is_held);
    metrics_set(metrics, METER_ALERTER_BEHIND, NULL, behind_us / G_TIME_SPAN_SECOND);
}

/* Keeps, takes or loses the lease. After an error it is not known whose it is: then nothing changes. */
static bool look_at_lease(struct alerter *alerter)
{
    g_autoptr(GError) error = NULL;
    bool is_held = hold(alerter, &error);
    if (error != NULL) {
        note_failure(alerter, error);
        return false;
    }
    if (is_held && alerter->check == NULL)
        begin_holding(alerter);
    else if (!is_held && alerter->check != NULL)
        end_holding(alerter);
    return is_held;
}

/* False: it is to end. */
static bool wait_until(struct alerter *alerter, gint64 until_us)
{
    g_mutex_lock(&alerter->lock);
    while (!alerter->stopping && g_cond_wait_until(&alerter->wake, &alerter->lock, until_us))
        continue;
    bool go = !alerter->stopping;
    g_mutex_unlock(&alerter->lock);
    return go;
}

static void *run(void *opaque)
{
    struct alerter *alerter = opaque;
    gint64 due_us = 0; /* monotonic: the next check */
    do {
        bool was_held = alerter->check != NULL;
        bool is_held = look_at_lease(alerter);
        if (is_held && (!was_held || g_get_monotonic_time() >= due_us)) {
            due_us = g_get_monotonic_time() + alerter->settings.check_ms * G_TIME_SPAN_MILLISECOND;
            check(alerter);
        }
        set_meters(alerter);
    } while (wait_until(alerter, g_get_monotonic_time() + LOOK_MS * G_TIME_SPAN_MILLISECOND));
    release(alerter);
    return NULL;
}

/* ---- life ---- */

struct alerter *alerter_start(const struct alerter_settings *settings)
{
    uint8_t random[TOKEN_BYTES];
    struct alerter *alerter = g_new0(struct alerter, 1);
    int failed = gnutls_rnd(GNUTLS_RND_NONCE, random, sizeof random);
    g_assert(failed == 0);
    hex_write(alerter->token, random, sizeof random);
    alerter->settings = *settings;
    alerter->reader = reader_new(&alerter->settings.redis, settings->partitions_fallback);
    alerter->asking = reader_new(&alerter->settings.redis, settings->partitions_fallback);
    g_mutex_init(&alerter->lock);
    g_cond_init(&alerter->wake);
    alerter->thread = g_thread_new("alerter", run, alerter);
    return alerter;
}

void alerter_stop(struct alerter *alerter)
{
    g_mutex_lock(&alerter->lock);
    alerter->stopping = true;
    g_cond_signal(&alerter->wake);
    g_mutex_unlock(&alerter->lock);
    g_thread_join(alerter->thread);
    alert_check_free(alerter->check);
    reader_free(alerter->reader);
    reader_free(alerter->asking);
    g_mutex_clear(&alerter->lock);
    g_cond_clear(&alerter->wake);
    g_free(alerter);
}
