#include "api/live.h"

#include "api/buckets_read.h"
#include "api/closed_pieces.h"
#include "api/live_pieces.h"
#include "api/live_who.h"
#include "api/minutes_read.h"
#include "api/sheets_read.h"

enum {
    GROUP_GENERATIONS_MAX = 1024, /* read together at most */
    GROUP_CLIENTS_MAX = 100000,   /* a single generation may hold as many */
    READS_MAX = 20,               /* of the whole, while days are being closed */
    PAUSE_MS = 10,
};

/* One reading of everything. */
struct pass {
    const struct live_question *question;
    struct reader *reader; /* the question's, like the next */
    const struct scope *scope;
    struct live_base *base;
    uint64_t asked;      /* commands of the reader when there was the base */
    const GArray *all;   /* struct generation, the base's */
    GArray *generations; /* those of them whose buckets are read */
    struct live_days *days;
    const struct closed *closed; /* theirs: of the window's days; of all days for one from the first event on */
    struct closed *ever;         /* of all days, where it had to be known whether anything was ever counted */
    struct live_notes *notes;    /* NULL: nothing is kept */
    struct live_notes kept;      /* that are these */
    bool seen;                   /* a member was found anywhere */
};

static struct generation *generation_at(const GArray *generations, guint index)
{
    return &g_array_index(generations, struct generation, index);
}

/* How many generations from first on (before end) are read together. */
static guint group_size(const GArray *generations, guint first, guint end)
{
    uint64_t clients = 0;
    guint n = 0;
    for (; first + n < end && n < GROUP_GENERATIONS_MAX; n++) {
        clients += generation_at(generations, first + n)->clients;
        if (n > 0 && clients > GROUP_CLIENTS_MAX)
            break;
    }
    return n;
}

/* Generations of days first_day to last_day: [*first, returned end). */
static guint days(const GArray *generations, int64_t first_day, int64_t last_day, guint *first)
{
    guint end = 0;
    *first = 0;
    for (guint i = 0; i < generations->len; i++) {
        if (generation_at(generations, i)->day < first_day)
            *first = i + 1;
        if (generation_at(generations, i)->day <= last_day)
            end = i + 1;
    }
    return MAX(end, *first);
}

static int64_t day_of(int64_t slot)
{
    return civil_divide(slot, KEYS_SLOTS_PER_DAY);
}

/* Last day that a window from the first event on reads. */
static int64_t last_day(const struct pass *pass)
{
    return day_of(window_slot(pass->question->now_ms)) + WINDOW_DAYS_AHEAD;
}

/* Of a window that holds none, the first one, of which nothing is taken. */
static int64_t last_slot(const struct window *window)
{
    return window->first_slot + MAX(window->n_slots, 1) - 1;
}

/* ---- where a window from the first event on begins and ends ---- */

static void extend(struct window_extent *extent, const struct members *members)
{
    for (guint i = 0; i < members->list->len; i++) {
        const struct member *member = &g_array_index(members->list, struct member, i);
        int64_t midnight = generation_at(members->generations, member->generation)->day * KEYS_SLOTS_PER_DAY;
        for (int slot = 0; slot < KEYS_SLOTS_PER_DAY; slot++) {
            if (!member_is_active(member, slot))
                continue;
            extent->first_slot = MIN(extent->first_slot, midnight + slot);
            extent->last_slot = MAX(extent->last_slot, midnight + slot);
        }
    }
}

/* Looks through generations [first, end); with first_only it ends with the day on which the extent begins. */
static bool look(struct pass *pass, guint first, guint end, bool first_only, struct window_extent *extent, GError **error)
{
    static const struct slot_range ever = {0, INT64_MAX / 2};
    for (guint n; first < end; first += n) {
        if (first_only && generation_at(pass->generations, first)->day * KEYS_SLOTS_PER_DAY > extent->first_slot)
            return true;
        n = group_size(pass->generations, first, end);
        struct members *members = members_find(pass->reader, pass->generations, first, n, pass->scope, error);
        bool ok = members != NULL && members_see(members, pass->reader, &ever, 1, error);
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

static bool look_in_sheets(struct pass *pass, int64_t first, int64_t last, bool first_only, struct window_extent *extent,
                           GError **error)
{
    g_autoptr(GPtrArray) wanted = closed_between(pass->closed, first, last);
    const struct sheets_query query = {pass->question->sources->sheets, pass->reader, pass->scope};
    return sheets_extend(&query, wanted, first_only, extent, error);
}

static bool find_extent(struct pass *pass, struct window_extent *extent, GError **error)
{
    int64_t last = last_day(pass), recent = last - WINDOW_DAYS_AHEAD;
    *extent = (struct window_extent){.first_slot = INT64_MAX / 2, .last_slot = -1};
    guint first, end = days(pass->generations, 0, last, &first);
    if (!look(pass, first, end, true, extent, error) || !look_in_sheets(pass, 0, last, true, extent, error))
        return false;
    end = days(pass->generations, recent, last, &first);
    if (!look(pass, first, end, false, extent, error) || !look_in_sheets(pass, recent, last, false, extent, error))
        return false;
    if (extent->last_slot < 0)
        extent->first_slot = extent->last_slot = window_slot(pass->question->now_ms);
    return true;
}

/* ---- reading ---- */

static void add_names(GHashTable *names, const struct members *members)
{
    for (guint i = 0; i < members->list->len; i++)
        g_hash_table_add(names, g_strdup(g_array_index(members->list, struct member, i).name));
}

/* As read_buckets, for a series of minutes, single routes, or very many clients: all is read. */
static bool read_all_buckets(struct pass *pass, struct members *members, struct live *live, GError **error)
{
    struct slot_range range = {live->window.first_slot, last_slot(&live->window)};
    const struct slot_tables tables = slot_tables_whole(live->table);
    g_autoptr(GPtrArray) list = g_ptr_array_new();
    g_ptr_array_add(list, live->table);
    return members_see(members, pass->reader, &range, 1, error) &&
           buckets_read_slots(pass->reader, members, pass->scope->endpoints, &tables, pass->notes, error) &&
           (!live->window.has_minutes || minutes_read(pass->reader, members, list, error));
}

static bool read_buckets(struct pass *pass, struct members *members, struct live *live, GError **error)
{
    if (pass->notes != NULL && members->list->len <= LIVE_MEMBERS_MAX && live_pieces_suit(pass->scope, live->table))
        return live_pieces_read(pass->notes, pass->scope, members, live->table, error);
    return read_all_buckets(pass, members, live, error);
}

static bool read_group(struct pass *pass, struct live *live, guint first, guint n, GError **error)
{
    struct members *members = pass->notes != NULL ? live_who_find(pass->notes, pass->generations, first, n, pass->scope, error)
                                                  : members_find(pass->reader, pass->generations, first, n, pass->scope, error);
    bool ok = members != NULL;
    if (ok)
        pass->seen |= members->list->len > 0;
    if (ok && pass->question->names != NULL)
        add_names(pass->question->names, members);
    else
        ok = ok && read_buckets(pass, members, live, error);
    members_free(members);
    return ok;
}

static bool read_sheets(struct pass *pass, struct live *live, GError **error)
{
    g_autoptr(GPtrArray) wanted = closed_between(pass->closed, day_of(live->window.first_slot), day_of(last_slot(&live->window)));
    const struct live_sources *sources = pass->question->sources;
    const struct sheets_query query = {sources->sheets, pass->reader, pass->scope};
    const struct closed_place place = {query, sources->cache, sources->threads};
    if (pass->question->names != NULL)
        return sheets_names(&query, wanted, pass->question->names, error);
    return closed_pieces_sum(&place, wanted, live->table, &pass->seen, error);
}

static bool read_window(struct pass *pass, struct live *live, GError **error)
{
    const struct window *window = &live->window;
    guint first, end = days(pass->generations, day_of(window->first_slot), day_of(last_slot(window)), &first);
    for (guint n; first < end; first += n) {
        n = group_size(pass->generations, first, end);
        if (!read_group(pass, live, first, n, error))
            return false;
    }
    if (!read_sheets(pass, live, error))
        return false;
    live->settled = usage_table_settle(live->table);
    return true;
}

/* ---- was it ever seen? ---- */

static bool look_in_generations(struct pass *pass, GError **error)
{
    for (guint first = 0, n; first < pass->all->len && !pass->seen; first += n) {
        n = group_size(pass->all, first, pass->all->len);
        struct members *members = members_find(pass->reader, pass->all, first, n, pass->scope, error);
        if (members == NULL)
            return false;
        pass->seen |= members->list->len > 0;
        members_free(members);
    }
    return true;
}

static bool look_in_all_sheets(struct pass *pass, GError **error)
{
    pass->ever = closed_read(pass->reader, CLOSED_FIRST_DAY, CLOSED_LAST_DAY, error);
    if (pass->ever == NULL)
        return false;
    g_autoptr(GPtrArray) wanted = closed_between(pass->ever, CLOSED_FIRST_DAY, CLOSED_LAST_DAY);
    const struct sheets_query query = {pass->question->sources->sheets, pass->reader, pass->scope};
    if (pass->scope->key != NULL || pass->scope->organization != NULL)
        return sheets_look(&query, wanted, &pass->seen, error);
    pass->seen = wanted->len > 0;
    return true;
}

/* Was a member, not seen in the window, ever counted? */
static bool look_for_any(struct pass *pass, GError **error)
{
    bool anyone = pass->scope->key == NULL && pass->scope->organization == NULL;
    pass->seen |= anyone && pass->all->len > 0;
    if (!pass->seen && !look_in_generations(pass, error))
        return false;
    return pass->seen || look_in_all_sheets(pass, error);
}

static bool refuse_no_data(const struct scope *scope, struct refusal *refusal)
{
    if (scope->key != NULL)
        refusal_set(refusal, 404, "NO_USAGE_DATA", "No usage data found: no request of key '%s' was ever counted%s%s%s.",
                    scope->key, scope->organization ? " in organization '" : "", scope->organization ? scope->organization : "",
                    scope->organization ? "'" : "");
    else if (scope->organization != NULL)
        refusal_set(refusal, 404, "NO_USAGE_DATA", "No usage data found: no request of organization '%s' was ever counted.",
                    scope->organization);
    else
        refusal_set(refusal, 404, "NO_USAGE_DATA", "No usage data found: no request was counted yet.");
    return false;
}

/* ---- once ---- */

/* Of generations that are in a sheet only the minutes are wanted, as long as they are kept. */
static void choose_generations(struct pass *pass, bool has_minutes)
{
    int64_t minutes = (pass->question->now_ms - (int64_t)WINDOW_MINUTES_KEPT_H * 3600 * 1000) / CIVIL_DAY_MS;
    pass->generations = g_array_new(FALSE, TRUE, sizeof(struct generation));
    for (guint i = 0; i < pass->all->len; i++) {
        struct generation generation = *generation_at(pass->all, i);
        generation.in_sheet = generation.revision <= closed_revision(pass->closed, generation.partition, generation.day);
        if (!generation.in_sheet || (generation.day >= minutes && has_minutes))
            g_array_append_val(pass->generations, generation);
    }
}

static bool wants_minutes(const struct live_question *question)
{
    return (question->range == NULL || question->range->minutes) && question->scope.endpoints == NULL;
}

/* Of the window, or, where that is not known yet, all. */
static bool learn_days(struct pass *pass, const struct window *window, bool is_known, GError **error)
{
    int64_t first = CLOSED_FIRST_DAY, last = CLOSED_LAST_DAY;
    if (is_known) {
        first = day_of(window->first_slot);
        last = day_of(last_slot(window));
    }
    pass->days = live_base_days(pass->base, pass->question->sources->cache, pass->reader, first, last, error);
    if (pass->days == NULL)
        return false;
    pass->closed = pass->days->closed;
    choose_generations(pass, wants_minutes(pass->question));
    return true;
}

static bool begins_with_first(const struct live_question *question)
{
    return question->range != NULL ? question->range->from_first : question->params->timeframe == USAGE_ALL;
}

static bool init_window(const struct live_question *question, struct window *window, struct window_extent extent,
                        struct refusal *refusal)
{
    if (question->range != NULL)
        return window_init_range(window, question->range, question->now_ms, extent, refusal);
    return window_init(window, question->params, question->now_ms, extent, refusal);
}

static enum live_outcome read_all(struct pass *pass, struct live *live, struct refusal *refusal, GError **error)
{
    const struct live_question *question = pass->question;
    struct window_extent extent = {0, 0};
    bool all = begins_with_first(question);
    if (!all && !init_window(question, &live->window, extent, refusal))
        return LIVE_REFUSED;
    if (!learn_days(pass, &live->window, !all, error) || (all && !find_extent(pass, &extent, error)))
        return LIVE_FAILED;
    if (all && !init_window(question, &live->window, extent, refusal))
        return LIVE_REFUSED;
    live->table = usage_table_new(&live->window);
    if (!read_window(pass, live, error))
        return LIVE_FAILED;
    finality_look(&live->finality, pass->base->index, pass->all, pass->closed, day_of(live->window.first_slot),
                  day_of(last_slot(&live->window)));
    if (!question->known && !look_for_any(pass, error))
        return LIVE_FAILED;
    return question->known || pass->seen || refuse_no_data(pass->scope, refusal) ? LIVE_ANSWERED : LIVE_REFUSED;
}

static enum live_outcome read_once(struct pass *pass, struct live *live, struct refusal *refusal, GError **error)
{
    struct live_cache *cache = pass->question->sources->cache;
    pass->base = live_base_take(cache, pass->question->sources->ledger, pass->reader, error);
    if (pass->base == NULL)
        return LIVE_FAILED;
    pass->asked = reader_asked(pass->reader);
    pass->all = pass->base->generations;
    live->finality.through = pass->base->through;
    if (cache != NULL) {
        pass->notes = &pass->kept;
        live_notes_init(pass->notes, cache, pass->base, pass->reader);
    }
    return read_all(pass, live, refusal, error);
}

static void pass_clear(struct pass *pass)
{
    if (pass->generations != NULL)
        g_array_free(pass->generations, TRUE);
    live_days_release(pass->days);
    closed_free(pass->ever);
    live_notes_clear(&pass->kept);
    live_base_release(pass->base);
}

/* ---- until it belongs together ---- */

/* All was there already, and belongs to the stamps with which the question began. */
static bool is_of_base(const struct pass *pass)
{
    return pass->base != NULL && pass->base->serial > 0 && pass->asked == reader_asked(pass->reader);
}

/* Whether all that was read belongs together. failed: a sheet could not be had, which may have been replaced meanwhile. */
static bool compare(const struct pass *pass, bool failed, bool *same, GError **error)
{
    const GArray *generations = failed ? NULL : pass->all;
    bool torn = pass->closed != NULL && closed_torn(pass->closed) != NULL;
    *same = true;
    if (!torn && is_of_base(pass))
        return true;
    if (pass->notes != NULL && !failed)
        live_notes_ask_again(pass->notes);
    if (pass->closed != NULL && !closed_compare(pass->closed, pass->reader, generations, same, error))
        return false;
    if (pass->notes != NULL && !failed && *same)
        live_notes_keep(pass->notes);
    return !*same || pass->ever == NULL || closed_compare(pass->ever, pass->reader, generations, same, error);
}

/* Reads once. False: what was read does not belong together, and can be read again: no connection was lost. */
static bool try(struct pass *pass, struct live *live, enum live_outcome *outcome, struct refusal *refusal, GError **error)
{
    g_autoptr(GError) failure = NULL, lost = NULL;
    bool same = true;
    *outcome = read_once(pass, live, refusal, &failure);
    if ((failure == NULL || g_error_matches(failure, READER_ERROR, READER_ERROR_COPY)) &&
        !compare(pass, failure != NULL, &same, &lost)) {
        *outcome = LIVE_FAILED;
        g_propagate_error(error, failure != NULL ? g_steal_pointer(&failure) : g_steal_pointer(&lost));
        return true;
    }
    if (failure != NULL && same)
        g_propagate_error(error, g_steal_pointer(&failure));
    return same;
}

static void explain(const struct pass *pass, GError **error)
{
    const struct sheet_want *torn = pass->closed != NULL ? closed_torn(pass->closed) : NULL;
    if (torn != NULL)
        g_set_error(error, READER_ERROR, READER_ERROR_COPY,
                    "{p%d}:days says that revision %d of day %d has its sheet, but {p%d}:closed does not have its checksum.",
                    torn->name.partition, torn->name.revision, (int)torn->name.day, torn->name.partition);
    else
        g_set_error(error, READER_ERROR, READER_ERROR_CHANGED, "Days were closed while they were read, %d times.", READS_MAX);
}

enum live_outcome live_read(struct live *live, const struct live_question *question, struct refusal *refusal, GError **error)
{
    for (uint32_t repeats = 0;; repeats++) {
        struct pass pass = {.question = question, .reader = question->reader, .scope = &question->scope};
        enum live_outcome outcome;
        *live = (struct live){.repeats = repeats, .finality = {.through = FINALITY_NONE}};
        bool same = try(&pass, live, &outcome, refusal, error);
        if (!same && repeats + 1 == READS_MAX)
            explain(&pass, error);
        pass_clear(&pass);
        if (!same || outcome != LIVE_ANSWERED)
            live_clear(live);
        if (same)
            return outcome;
        refusal_clear(refusal);
        if (repeats + 1 == READS_MAX)
            return LIVE_FAILED;
        g_usleep(PAUSE_MS * 1000 * repeats);
    }
}

void live_clear(struct live *live)
{
    usage_table_free(live->table);
    live->table = NULL;
    finality_clear(&live->finality);
    window_clear(&live->window);
}
