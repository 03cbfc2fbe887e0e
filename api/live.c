#include "api/live.h"

#include "api/buckets_read.h"
#include "api/members.h"
#include "api/minutes_read.h"

enum {
    GROUP_GENERATIONS_MAX = 1024, /* read together at most */
    GROUP_CLIENTS_MAX = 100000,   /* a single generation may hold as many */
    DAYS_AHEAD = 1,               /* how far beyond today timeframe all looks for events from ahead of the clock */
};

struct pass {
    struct reader *reader;
    const struct usage_params *params;
    int64_t now_ms;
    GArray *generations; /* struct generation */
    bool seen;           /* a member was found in any generation */
};

static struct generation *generation_at(const struct pass *pass, guint index)
{
    return &g_array_index(pass->generations, struct generation, index);
}

/* How many generations from first on (before end) are read together. */
static guint group_size(const struct pass *pass, guint first, guint end)
{
    uint64_t clients = 0;
    guint n = 0;
    for (; first + n < end && n < GROUP_GENERATIONS_MAX; n++) {
        clients += generation_at(pass, first + n)->clients;
        if (n > 0 && clients > GROUP_CLIENTS_MAX)
            break;
    }
    return n;
}

/* Generations of days first_day to last_day: [*first, returned end). */
static guint days(const struct pass *pass, int64_t first_day, int64_t last_day, guint *first)
{
    guint end = 0;
    *first = 0;
    for (guint i = 0; i < pass->generations->len; i++) {
        if (generation_at(pass, i)->day < first_day)
            *first = i + 1;
        if (generation_at(pass, i)->day <= last_day)
            end = i + 1;
    }
    return MAX(end, *first);
}

/* ---- where timeframe all begins and ends ---- */

static void extend(struct window_extent *extent, const struct members *members)
{
    for (guint i = 0; i < members->list->len; i++) {
        const struct member *member = &g_array_index(members->list, struct member, i);
        int64_t midnight = g_array_index(members->generations, struct generation, member->generation).day * KEYS_SLOTS_PER_DAY;
        for (int slot = 0; slot < KEYS_SLOTS_PER_DAY; slot++) {
            if (!member_is_active(member, slot))
                continue;
            extent->first_slot = MIN(extent->first_slot, midnight + slot);
            extent->last_slot = MAX(extent->last_slot, midnight + slot);
        }
    }
}

/* Looks through generations [first, end) and stops at the first group with activity, or, with `through`, at the end. */
static bool look(struct pass *pass, guint first, guint end, bool through, struct window_extent *extent, GError **error)
{
    static const struct slot_range ever = {0, INT64_MAX / 2};
    for (guint n; first < end && (through || extent->last_slot < 0); first += n) {
        n = group_size(pass, first, end);
        struct members *members = members_find(pass->reader, pass->generations, first, n, pass->params, error);
        bool ok = members != NULL && members_see(members, pass->reader, ever, error);
        if (ok) {
            pass->seen |= members->list->len > 0;
            extend(extent, members);
        }
        members_free(members);
        if (!ok)
            return false;
    }
    return true;
}

/* Last day that timeframe all reads. */
static int64_t last_day(const struct pass *pass)
{
    return window_slot(pass->now_ms) / KEYS_SLOTS_PER_DAY + DAYS_AHEAD;
}

static bool find_extent(struct pass *pass, struct window_extent *extent, GError **error)
{
    *extent = (struct window_extent){.first_slot = INT64_MAX, .last_slot = -1};
    guint first, end = days(pass, 0, last_day(pass), &first);
    if (!look(pass, first, end, false, extent, error))
        return false;
    end = days(pass, last_day(pass) - DAYS_AHEAD, last_day(pass), &first);
    if (!look(pass, first, end, true, extent, error))
        return false;
    if (extent->last_slot < 0)
        extent->first_slot = extent->last_slot = window_slot(pass->now_ms);
    return true;
}

/* ---- reading ---- */

static bool read_group(struct pass *pass, struct live *live, guint first, guint n, GError **error)
{
    const struct window *window = &live->window;
    struct slot_range range = {window->first_slot, window->first_slot + window->n_slots - 1};
    struct members *members = members_find(pass->reader, pass->generations, first, n, pass->params, error);
    bool ok = members != NULL;
    if (ok)
        pass->seen |= members->list->len > 0;
    ok = ok && members_see(members, pass->reader, range, error);
    ok = ok && buckets_read_slots(pass->reader, members, pass->params->endpoint, live->table, error);
    /* Minutes are not kept for each endpoint. */
    if (ok && pass->params->endpoint == NULL)
        ok = minutes_read(pass->reader, members, live->table, error);
    members_free(members);
    return ok;
}

static bool read_window(struct pass *pass, struct live *live, GError **error)
{
    const struct window *window = &live->window;
    int64_t last_slot = window->first_slot + window->n_slots - 1;
    guint first, end = days(pass, window->first_slot / KEYS_SLOTS_PER_DAY, last_slot / KEYS_SLOTS_PER_DAY, &first);
    for (guint n; first < end; first += n) {
        n = group_size(pass, first, end);
        if (!read_group(pass, live, first, n, error))
            return false;
    }
    live->settled = usage_table_settle(live->table);
    return true;
}

/* Was a member, not seen in the window, ever counted? */
static bool look_for_any(struct pass *pass, GError **error)
{
    for (guint first = 0, n; first < pass->generations->len && !pass->seen; first += n) {
        n = group_size(pass, first, pass->generations->len);
        struct members *members = members_find(pass->reader, pass->generations, first, n, pass->params, error);
        if (members == NULL)
            return false;
        pass->seen |= members->list->len > 0;
        members_free(members);
    }
    return true;
}

static bool refuse_no_data(const struct usage_params *params, struct refusal *refusal)
{
    if (params->key != NULL)
        refusal_set(refusal, 404, "NO_USAGE_DATA", "No usage data found: no request of key '%s' was ever counted%s%s%s.",
                    params->key, params->organization ? " in organization '" : "", params->organization ? params->organization : "",
                    params->organization ? "'" : "");
    else if (params->organization != NULL)
        refusal_set(refusal, 404, "NO_USAGE_DATA", "No usage data found: no request of organization '%s' was ever counted.",
                    params->organization);
    else
        refusal_set(refusal, 404, "NO_USAGE_DATA", "No usage data found: no request was counted yet.");
    return false;
}

static enum live_outcome read_all(struct pass *pass, struct live *live, struct refusal *refusal, GError **error)
{
    struct window_extent extent = {0, 0};
    if (!members_one(pass->params) && !members_count_clients(pass->reader, pass->generations, 0, pass->generations->len, error))
        return LIVE_FAILED;
    if (pass->params->timeframe == USAGE_ALL && !find_extent(pass, &extent, error))
        return LIVE_FAILED;
    if (!window_init(&live->window, pass->params, pass->now_ms, extent, refusal))
        return LIVE_REFUSED;
    live->table = usage_table_new(&live->window);
    if (!read_window(pass, live, error) || !look_for_any(pass, error))
        return LIVE_FAILED;
    return pass->seen || refuse_no_data(pass->params, refusal) ? LIVE_ANSWERED : LIVE_REFUSED;
}

enum live_outcome live_read(struct live *live, struct reader *reader, const struct usage_params *params, int64_t now_ms,
                            struct refusal *refusal, GError **error)
{
    *live = (struct live){0};
    struct pass pass = {.reader = reader, .params = params, .now_ms = now_ms};
    pass.seen = params->key == NULL && params->organization == NULL; /* then any generation will do */
    pass.generations = members_generations(reader, error);
    if (pass.generations == NULL)
        return LIVE_FAILED;
    enum live_outcome outcome = LIVE_REFUSED;
    if (pass.generations->len > 0)
        outcome = read_all(&pass, live, refusal, error);
    else
        refuse_no_data(params, refusal);
    g_array_free(pass.generations, TRUE);
    if (outcome != LIVE_ANSWERED)
        live_clear(live);
    return outcome;
}

void live_clear(struct live *live)
{
    usage_table_free(live->table);
    live->table = NULL;
    window_clear(&live->window);
}
