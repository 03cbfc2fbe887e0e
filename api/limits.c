/* limits: a slot for each caller, in shards that each have a lock for a few hundred instructions; no lock is held while Redis is
 * asked.
 *
 * Why no more pass than is said: Redis grants at most the limit in any 60 s. What passes here was granted at most LIMITS_LEASE_MS
 * before; so what passes in some 60 s was granted in them, or it is what was left of a lease when they began, of which a replica
 * has one at a time: of several questions for one caller that are on their way at once, one asks for a lease, the others for one
 * request each. Why no fewer: what is granted and not used is what the others have left of their leases; our own was given back
 * with the question that was refused. */
#include "api/limits.h"

#include "api/limits_alone.h"
#include "api/limits_script.h"
#include "lib/number.h"

enum { SHARD_N = 16, ASK_MS = 2000, AWAY_MS = 2000, CLOCK_BACK_MS = 1000 };
static const int window_s[LIMITS_WINDOW_N] = {60, 86400};
static const char *const window_name[LIMITS_WINDOW_N] = {"minute", "day"};

struct slot {
    GList link; /* data is the slot; in the shard's queue, the one asked for last at the head */
    char *id;   /* the account */
    int tier;   /* of limits.tiers */
    int64_t seen_ms;
    struct limits_use uses[LIMITS_WINDOW_N]; /* as Redis said last, with all that was granted */
    uint64_t units;                          /* granted and not used */
    int64_t granted_redis_ms, units_end_ms;
    int64_t refused_until_ms; /* 0: not refused */
    bool asking;              /* for a lease */
    int64_t period_ms;        /* how many were handed out since then, and in the LIMITS_LEASE_MS before */
    uint64_t now_out, before_out;
    struct limits_alone *alone; /* NULL: Redis was there */
};

struct shard {
    GMutex lock;
    GHashTable *slots; /* id -> struct slot; under lock, like all below */
    GQueue order;
};

struct limits {
    struct limits_tier tiers[LIMITS_TIER_N];
    struct shard shards[SHARD_N];
    gint64 away_until_ms; /* atomic; 0: Redis is there. After it, one request asks whether it is there again. */
    bool given_time;
};

/* ---- slots ---- */

static void slot_free(void *opaque)
{
    struct slot *slot = opaque;
    g_free(slot->alone);
    g_free(slot->id);
    g_free(slot);
}

struct limits *limits_new(const struct limits_tier tiers[LIMITS_TIER_N])
{
    struct limits *limits = g_new0(struct limits, 1);
    memcpy(limits->tiers, tiers, sizeof limits->tiers);
    for (int i = 0; i < SHARD_N; i++) {
        g_mutex_init(&limits->shards[i].lock);
        limits->shards[i].slots = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, slot_free);
        g_queue_init(&limits->shards[i].order);
    }
    return limits;
}

void limits_free(struct limits *limits)
{
    if (limits == NULL)
        return;
    for (int i = 0; i < SHARD_N; i++) {
        g_hash_table_destroy(limits->shards[i].slots);
        g_mutex_clear(&limits->shards[i].lock);
    }
    g_free(limits);
}

void limits_set_given_time(struct limits *limits)
{
    limits->given_time = true;
}

static struct shard *shard_of(struct limits *limits, const char *id)
{
    return &limits->shards[(g_str_hash(id) >> 8) % SHARD_N];
}

static void forget_oldest(struct shard *shard)
{
    struct slot *oldest = g_queue_peek_tail(&shard->order);
    g_queue_unlink(&shard->order, &oldest->link);
    g_hash_table_remove(shard->slots, oldest->id);
}

/* The caller's slot, in front of the others. What a slot knows ends when its caller changes tier, or the clock goes back. */
static struct slot *slot_of(struct shard *shard, const struct caller *caller, int64_t now_ms)
{
    int tier = caller->is_session ? LIMITS_SESSION : (int)caller->tier;
    struct slot *slot = g_hash_table_lookup(shard->slots, caller->account);
    if (slot == NULL) {
        if (g_hash_table_size(shard->slots) == LIMITS_SLOTS_MAX / SHARD_N)
            forget_oldest(shard);
        slot = g_new0(struct slot, 1);
        slot->link.data = slot;
        slot->id = g_strdup(caller->account);
        slot->tier = tier;
        g_hash_table_insert(shard->slots, slot->id, slot);
    } else {
        g_queue_unlink(&shard->order, &slot->link);
    }
    g_queue_push_head_link(&shard->order, &slot->link);
    if (slot->tier != tier || now_ms < slot->seen_ms - CLOCK_BACK_MS)
        slot->units_end_ms = slot->refused_until_ms = 0;
    slot->tier = tier;
    slot->seen_ms = now_ms;
    return slot;
}

/* ---- how many a caller lately took ---- */

static void turn_period(struct slot *slot, int64_t now_ms)
{
    int64_t age_ms = now_ms - slot->period_ms;
    if (age_ms >= 0 && age_ms < LIMITS_LEASE_MS)
        return;
    slot->before_out = age_ms >= 0 && age_ms < 2 * LIMITS_LEASE_MS ? slot->now_out : 0;
    slot->now_out = 0;
    slot->period_ms = now_ms;
}

/* ---- what is said ---- */

static int seconds_until(int64_t then_ms, int64_t now_ms)
{
    return (int)((MAX(then_ms - now_ms, 1) + 999) / 1000);
}

/* Windows that refuse go before those that do not, later ones before earlier ones, then those of which less remains. */
static enum limits_window nearest(const struct limits_use uses[LIMITS_WINDOW_N])
{
    const struct limits_use *minute = &uses[LIMITS_MINUTE], *day = &uses[LIMITS_DAY];
    if (minute->remaining == 0 && day->remaining == 0)
        return day->reset_ms > minute->reset_ms ? LIMITS_DAY : LIMITS_MINUTE;
    return day->remaining < minute->remaining ? LIMITS_DAY : LIMITS_MINUTE;
}

static void say(struct limits_state *state, const struct limits_use uses[LIMITS_WINDOW_N], bool allowed, int64_t now_ms)
{
    memcpy(state->windows, uses, sizeof state->windows);
    enum limits_window window = nearest(uses);
    state->limit = uses[window].limit;
    state->used = uses[window].used;
    state->remaining = uses[window].remaining;
    state->reset_ms = uses[window].reset_ms;
    state->window_s = window_s[window];
    state->reset_after_s = seconds_until(state->reset_ms, now_ms);
    state->retry_after_s = allowed ? 0 : state->reset_after_s;
}

/* What Redis said last, less what is left of it here. */
static void say_slot(struct limits_state *state, const struct slot *slot, bool allowed, int64_t now_ms)
{
    struct limits_use uses[LIMITS_WINDOW_N];
    for (int w = 0; w < LIMITS_WINDOW_N; w++) {
        uses[w] = slot->uses[w];
        uses[w].used = MIN(uses[w].used - MIN(slot->units, uses[w].used), uses[w].limit);
        uses[w].remaining = uses[w].limit - uses[w].used;
        uses[w].reset_ms = MAX(uses[w].reset_ms, now_ms + 1);
    }
    say(state, uses, allowed, now_ms);
}

/* ---- while Redis is away ---- */

/* True for all but one request in AWAY_MS, which is to look whether it is there again. */
static bool is_away(struct limits *limits, int64_t now_ms)
{
    int64_t until_ms = __atomic_load_n(&limits->away_until_ms, __ATOMIC_RELAXED);
    if (until_ms == 0)
        return false;
    if (now_ms < until_ms && now_ms >= until_ms - AWAY_MS - CLOCK_BACK_MS)
        return true;
    return !__atomic_compare_exchange_n(&limits->away_until_ms, &until_ms, now_ms + AWAY_MS, false, __ATOMIC_RELAXED,
                                        __ATOMIC_RELAXED);
}

static enum limits_outcome take_alone(const struct limits *limits, struct slot *slot, int64_t now_ms, struct limits_state *state)
{
    const struct limits_tier *tier = &limits->tiers[slot->tier];
    struct limits_use uses[LIMITS_WINDOW_N] = {[LIMITS_MINUTE].limit = tier->per_minute, [LIMITS_DAY].limit = tier->per_day};
    if (slot->alone == NULL)
        slot->alone = g_new0(struct limits_alone, 1);
    bool allowed = limits_alone_take(slot->alone, now_ms, uses);
    say(state, uses, allowed, now_ms);
    return allowed ? LIMITS_ALLOWED : LIMITS_REFUSED;
}

/* ---- taking ---- */

static bool has_units(const struct slot *slot, int64_t now_ms)
{
    return slot->units > 0 && now_ms < slot->units_end_ms;
}

static enum limits_outcome take(struct limits *limits, struct slot *slot, int64_t now_ms, struct limits_state *state)
{
    if (has_units(slot, now_ms)) {
        turn_period(slot, now_ms);
        slot->units--;
        slot->now_out++;
        say_slot(state, slot, true, now_ms);
        return LIMITS_ALLOWED;
    }
    if (now_ms < slot->refused_until_ms) {
        say_slot(state, slot, false, now_ms);
        return LIMITS_REFUSED;
    }
    return is_away(limits, now_ms) ? take_alone(limits, slot, now_ms, state) : LIMITS_ASK;
}

enum limits_outcome limits_take(struct limits *limits, const struct caller *caller, int64_t now_ms, struct limits_state *state)
{
    struct shard *shard = shard_of(limits, caller->account);
    g_mutex_lock(&shard->lock);
    enum limits_outcome outcome = take(limits, slot_of(shard, caller, now_ms), now_ms, state);
    g_mutex_unlock(&shard->lock);
    return outcome;
}

/* ---- asking ---- */

/* False: another request of this caller asked meanwhile, and limits_take knows what to say. */
static bool prepare(struct limits *limits, struct slot *slot, int64_t now_ms, struct limits_question *question)
{
    if (has_units(slot, now_ms) || now_ms < slot->refused_until_ms)
        return false;
    turn_period(slot, now_ms);
    question->tier = limits->tiers[slot->tier];
    question->want = slot->asking ? 1 : MAX(1, MAX(slot->now_out, slot->before_out));
    question->back = slot->units;
    question->back_redis_ms = slot->granted_redis_ms;
    question->given_time_ms = limits->given_time ? now_ms : 0;
    slot->units = 0;
    slot->asking = true;
    return true;
}

static void apply(struct slot *slot, const struct limits_question *question, const struct limits_grant *grant, int64_t now_ms)
{
    const uint64_t limits[LIMITS_WINDOW_N] = {question->tier.per_minute, question->tier.per_day};
    int64_t wait_ms = 0;
    for (int w = 0; w < LIMITS_WINDOW_N; w++) {
        slot->uses[w] = (struct limits_use){limits[w], grant->windows[w].used, 0, now_ms + grant->windows[w].wait_ms};
        if (grant->windows[w].used >= limits[w])
            wait_ms = MAX(wait_ms, grant->windows[w].wait_ms);
    }
    g_clear_pointer(&slot->alone, g_free);
    slot->units += grant->granted;
    slot->granted_redis_ms = grant->redis_ms;
    slot->units_end_ms = now_ms + LIMITS_LEASE_MS;
    slot->refused_until_ms = grant->granted > 0 ? 0 : now_ms + wait_ms;
}

bool limits_ask(struct limits *limits, const struct caller *caller, struct reader *reader, int64_t now_ms, GError **error)
{
    struct shard *shard = shard_of(limits, caller->account);
    struct limits_question question = {.caller_id = caller->account};
    struct limits_grant grant = {0};
    g_mutex_lock(&shard->lock);
    struct slot *slot = slot_of(shard, caller, now_ms);
    bool for_lease = !slot->asking, needed = prepare(limits, slot, now_ms, &question);
    g_mutex_unlock(&shard->lock);
    if (!needed)
        return true;

    bool answered = reader_begin(reader, g_get_monotonic_time() + ASK_MS * G_TIME_SPAN_MILLISECOND, error) &&
                    limits_script_ask(reader, &question, &grant, error);
    __atomic_store_n(&limits->away_until_ms, answered ? 0 : now_ms + AWAY_MS, __ATOMIC_RELAXED);
    g_mutex_lock(&shard->lock);
    slot = slot_of(shard, caller, now_ms); /* it may be another one: forgotten meanwhile, and made again */
    if (for_lease)
        slot->asking = false;
    if (answered)
        apply(slot, &question, &grant, now_ms);
    g_mutex_unlock(&shard->lock);
    return answered;
}

/* ---- headers ---- */

static void set_number(struct http_request *request, const char *name, uint64_t value)
{
    char text[NUMBER_MAX + 1];
    text[number_write(text, value)] = '\0';
    http_response_header(request, name, text);
}

void limits_headers(const struct limits_state *state, struct http_request *request)
{
    char text[160];
    const struct limits_use *uses = state->windows;
    set_number(request, "inin-ratelimit-count", state->used);
    set_number(request, "inin-ratelimit-allowed", state->limit);
    set_number(request, "inin-ratelimit-reset", (uint64_t)state->reset_after_s);
    set_number(request, "X-RateLimit-Limit", state->limit);
    set_number(request, "X-RateLimit-Remaining", state->remaining);
    set_number(request, "X-RateLimit-Reset", (uint64_t)(state->reset_ms + 999) / 1000);
    g_snprintf(text, sizeof text, "\"%s\";r=%" G_GUINT64_FORMAT ";t=%d",
               window_name[state->window_s == window_s[LIMITS_DAY] ? LIMITS_DAY : LIMITS_MINUTE], state->remaining,
               state->reset_after_s);
    http_response_header(request, "RateLimit", text);
    g_snprintf(text, sizeof text, "\"%s\";q=%" G_GUINT64_FORMAT ";w=%d, \"%s\";q=%" G_GUINT64_FORMAT ";w=%d",
               window_name[LIMITS_MINUTE], uses[LIMITS_MINUTE].limit, window_s[LIMITS_MINUTE], window_name[LIMITS_DAY],
               uses[LIMITS_DAY].limit, window_s[LIMITS_DAY]);
    http_response_header(request, "RateLimit-Policy", text);
}
