#include "api/warm.h"

#include "api/live_pieces.h"
#include "api/meters.h"
#include "lib/log.h"
#include <sys/resource.h>

enum {
    NICE = 19, /* setpriority(2) */
    AGAIN_S = 300,
    RETRY_S = 10,         /* after a failure */
    PART_SLOTS = 24,      /* the longest stretch that is kept as one (live_pieces.h), from a multiple of it on */
    DAYS = 90,            /* the longest timeframe that is asked for day by day, but for a year */
    PART_TIMEOUT_S = 120, /* for reading one part */
    REST_MS_MIN = 1,      /* each time */
    REST_MS_MAX = 250,
    LOG_COMMANDS_MIN = 1000, /* of a round that is worth a line of the log */
};

enum outcome { DONE, FULL, LEFT_OUT, STOPPED, FAILED };

/* What the days that are read are, as long as none is closed. */
struct days {
    int64_t first;
    uint64_t entries; /* of the ledger */
};

struct warm {
    struct warm_settings settings;
    GThread *thread;
    struct reader *reader; /* the thread's own */
    bool was_left_out;     /* the log says it once */
    struct days days;      /* that are there */
    GMutex lock;
    GCond wake;
    bool stopping; /* under lock */
};

/* ---- resting ---- */

/* False: it is stopping. */
static bool wait_ms(struct warm *warm, int64_t ms)
{
    const gint64 until = g_get_monotonic_time() + ms * G_TIME_SPAN_MILLISECOND;
    g_mutex_lock(&warm->lock);
    while (!warm->stopping && g_cond_wait_until(&warm->wake, &warm->lock, until))
        continue;
    const bool go_on = !warm->stopping;
    g_mutex_unlock(&warm->lock);
    return go_on;
}

static bool rest(int64_t busy_us, void *opaque)
{
    return wait_ms(opaque, CLAMP(busy_us / 1000, REST_MS_MIN, REST_MS_MAX));
}

/* ---- what there is ---- */

/* Clients of all generations of some days: as many as are looked at together; and entries of the ledger. */
static bool look(const struct warm *warm, int64_t first_day, int64_t last_day, uint64_t *clients, uint64_t *entries, GError **error)
{
    const struct live_sources *sources = warm->settings.sources;
    struct live_base *base = live_base_take(sources->cache, sources->ledger, warm->reader, error);
    *clients = 0;
    if (base == NULL)
        return false;
    for (guint i = 0; i < base->generations->len; i++) {
        const struct generation *generation = &g_array_index(base->generations, struct generation, i);
        if (generation->day >= first_day && generation->day <= last_day)
            *clients += generation->clients;
    }
    *entries = base->index->n;
    live_base_release(base);
    return true;
}

/* ---- a round ---- */

/* As Get Usage asks for timeframe 24h at this moment, and the days before it, which are read whole. */
struct round {
    int64_t now_ms, first_slot, end_slot;
    struct days days;
};

static struct round round_now(void)
{
    const int64_t now_ms = g_get_real_time() / G_TIME_SPAN_MILLISECOND;
    return (struct round){now_ms, window_slot(now_ms - CIVIL_DAY_MS), window_slot(now_ms) + 1, {now_ms / CIVIL_DAY_MS - DAYS, 0}};
}

static bool begin(struct reader *reader, GError **error)
{
    return reader_begin(reader, g_get_monotonic_time() + PART_TIMEOUT_S * G_TIME_SPAN_SECOND, error);
}

/* By its timeframe, or its range. */
static bool ask(struct warm *warm, int64_t now_ms, const struct usage_params *params, const struct window_range *range,
                GError **error)
{
    struct live_sources sources = *warm->settings.sources;
    sources.threads = 1;
    const struct live_question question = {
        .sources = &sources, .reader = warm->reader, .params = params, .range = range, .known = true, .now_ms = now_ms};
    struct refusal refusal = {0};
    struct live live;
    if (!begin(warm->reader, error))
        return false;
    const enum live_outcome outcome = live_read(&live, &question, &refusal, error);
    if (outcome == LIVE_ANSWERED)
        live_clear(&live);
    refusal_clear(&refusal);
    return outcome != LIVE_FAILED;
}

static bool read_part(struct warm *warm, int64_t now_ms, int64_t first_slot, int64_t end_slot, GError **error)
{
    const struct window_range range = {
        .from_ms = window_slot_ms(first_slot), .to_ms = window_slot_ms(end_slot), .unit = WINDOW_WHOLE, .minutes = true};
    return ask(warm, now_ms, NULL, &range, error);
}

/* Others need it; and more could only be put in the place of what is there. */
static bool is_full(const struct warm *warm)
{
    struct live_cache *cache = warm->settings.sources->cache;
    return live_cache_bytes(cache) > live_cache_bytes_max(cache) / 4 * 3;
}

static enum outcome read_last_day(struct warm *warm, const struct round *round, GError **error)
{
    for (int64_t end = round->end_slot, first; end > round->first_slot; end = first) {
        first = MAX((end - 1) / PART_SLOTS * PART_SLOTS, round->first_slot);
        if (is_full(warm))
            return FULL;
        if (!read_part(warm, round->now_ms, first, end, error))
            return FAILED;
        const int64_t percent = 100 * (round->end_slot - first) / (round->end_slot - round->first_slot);
        metrics_set(warm->settings.metrics, METER_WARM_PERCENT, NULL,
                    MAX(percent, metrics_get(warm->settings.metrics, METER_WARM_PERCENT, NULL)));
        log_debug("warming", "percent=%d", (int)percent);
        if (!wait_ms(warm, REST_MS_MIN))
            return STOPPED;
    }
    return DONE;
}

/* Sheets are scanned without asking Redis for much, so the rest is taken here. At the end the question itself is asked: what so
 * many days come to is kept as one. */
static enum outcome read_days(struct warm *warm, const struct round *round, GError **error)
{
    for (int64_t day = round->first_slot / KEYS_SLOTS_PER_DAY; day > round->days.first; day--) {
        const int64_t began_us = g_get_monotonic_time();
        if (is_full(warm))
            return FULL;
        if (!read_part(warm, round->now_ms, day * KEYS_SLOTS_PER_DAY, (day + 1) * KEYS_SLOTS_PER_DAY, error))
            return FAILED;
        if (!wait_ms(warm, MAX((g_get_monotonic_time() - began_us) / 1000, REST_MS_MIN)))
            return STOPPED;
    }
    const struct usage_params params = {.timeframe = USAGE_90D, .granularity = CIVIL_DAY};
    if (!ask(warm, round->now_ms, &params, NULL, error))
        return FAILED;
    warm->days = round->days;
    return DONE;
}

static bool is_same(struct days a, struct days b)
{
    return a.first == b.first && a.entries == b.entries;
}

static enum outcome read_round(struct warm *warm, GError **error)
{
    struct round round = round_now();
    uint64_t clients;
    if (!begin(warm->reader, error) || !look(warm, round.first_slot / KEYS_SLOTS_PER_DAY, round.end_slot / KEYS_SLOTS_PER_DAY,
                                             &clients, &round.days.entries, error))
        return FAILED;
    if (clients <= LIVE_MEMBERS_MAX) {
        const enum outcome outcome = read_last_day(warm, &round, error);
        return outcome == DONE && !is_same(warm->days, round.days) ? read_days(warm, &round, error) : outcome;
    }
    if (!warm->was_left_out)
        log_info("warm_left_out", "clients=%" G_GUINT64_FORMAT " max=%d", clients, LIVE_MEMBERS_MAX);
    warm->was_left_out = true;
    return LEFT_OUT;
}

/* Returns after how many seconds there is another one. */
static int do_round(struct warm *warm)
{
    static const char *const names[] = {"done", "full", "left_out", NULL, "failed"};
    g_autoptr(GError) error = NULL;
    const uint64_t before = reader_asked(warm->reader);
    const int64_t began_us = g_get_monotonic_time();
    enum outcome outcome = read_round(warm, &error);
    const uint64_t commands = reader_asked(warm->reader) - before;
    if (outcome == FAILED && !wait_ms(warm, 0))
        outcome = STOPPED;
    metrics_add(warm->settings.metrics, METER_WARM_COMMANDS, NULL, commands);
    if (names[outcome] != NULL)
        metrics_add(warm->settings.metrics, METER_WARM_ROUNDS, names[outcome], 1);
    if (outcome == FAILED)
        log_warn("warm_failed", "error=%s", error->message);
    else if (outcome == DONE && commands >= LOG_COMMANDS_MIN)
        log_info("warm", "ms=%d commands=%d bytes=%zu", (int)((g_get_monotonic_time() - began_us) / 1000), (int)commands,
                 live_cache_bytes(warm->settings.sources->cache));
    return outcome == FAILED ? RETRY_S : AGAIN_S;
}

static void *run(void *opaque)
{
    struct warm *warm = opaque;
    setpriority(PRIO_PROCESS, 0, NICE); /* in Linux that of this thread */
    warm->reader = reader_new(&warm->settings.redis, warm->settings.partitions_fallback);
    reader_set_pace(warm->reader, (struct reader_pace){rest, warm});
    while (wait_ms(warm, do_round(warm) * INT64_C(1000)))
        continue;
    reader_free(warm->reader);
    return NULL;
}

struct warm *warm_start(const struct warm_settings *settings)
{
    if (live_cache_bytes_max(settings->sources->cache) == 0)
        return NULL;
    struct warm *warm = g_new0(struct warm, 1);
    warm->settings = *settings;
    g_mutex_init(&warm->lock);
    g_cond_init(&warm->wake);
    warm->thread = g_thread_new("warm", run, warm);
    return warm;
}

void warm_stop(struct warm *warm)
{
    if (warm == NULL)
        return;
    g_mutex_lock(&warm->lock);
    warm->stopping = true;
    g_cond_broadcast(&warm->wake);
    g_mutex_unlock(&warm->lock);
    g_thread_join(warm->thread);
    g_mutex_clear(&warm->lock);
    g_cond_clear(&warm->wake);
    g_free(warm);
}
