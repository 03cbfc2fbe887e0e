#include "api/usage_past.h"

#include "api/measured.h"
#include "lib/civil.h"

enum { DAYS_OF_WEEK = 7 };

static const int64_t WEEK_MS = DAYS_OF_WEEK * CIVIL_DAY_MS, HOUR_MS = CIVIL_DAY_MS / 24;

static void past_free(struct live_kept *kept)
{
    struct usage_past *past = (struct usage_past *)(void *)kept;
    g_strfreev(past->advice.active);
    g_free(past);
}

/* ---- reading ---- */

/* All of [from_ms, to_ms) together. */
static bool read_range(const struct past_wants *wants, int64_t from_ms, int64_t to_ms, GHashTable *names, struct live *live,
                       GError **error)
{
    const struct window_range range = {.from_ms = from_ms, .to_ms = to_ms, .unit = WINDOW_WHOLE};
    struct live_question question = *wants->question;
    struct refusal refusal = {0};
    question.params = NULL;
    question.range = &range;
    question.names = names;
    question.known = true;
    enum live_outcome outcome = live_read(live, &question, &refusal, error);
    g_assert(outcome != LIVE_REFUSED); /* one point, of what is known */
    return outcome == LIVE_ANSWERED;
}

static int64_t begin_ms(const struct window *window)
{
    return window_slot_ms(window->first_slot);
}

static bool read_week_before(const struct past_wants *wants, struct advice_past *past, GError **error)
{
    struct live live;
    struct measure total;
    int64_t end_ms = window_slot_ms(window_end_slot(wants->window));
    if (!read_range(wants, begin_ms(wants->window) - WEEK_MS, end_ms - WEEK_MS, NULL, &live, error))
        return false;
    measure_init(&total);
    usage_table_total(live.table, &total);
    past->requests = total.requests;
    past->errors = measured_failed(&total);
    measured_percentile_us(&total, ADVICE_PERCENTILE, &past->p95_us);
    measure_clear(&total);
    live_clear(&live);
    return true;
}

static gint compare_names(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The set's strings, sorted, in an array of their own; the set is empty then. */
static char **steal_names(GHashTable *names, size_t *bytes)
{
    GHashTableIter iter;
    void *name;
    GPtrArray *list = g_ptr_array_sized_new(g_hash_table_size(names) + 1);
    g_hash_table_iter_init(&iter, names);
    while (g_hash_table_iter_next(&iter, &name, NULL)) {
        *bytes += strlen(name) + 32;
        g_ptr_array_add(list, name);
    }
    g_hash_table_steal_all(names);
    g_ptr_array_sort(list, compare_names);
    g_ptr_array_add(list, NULL);
    return (char **)g_ptr_array_free(list, FALSE);
}

static bool read_names(const struct past_wants *wants, struct usage_past *past, GError **error)
{
    struct live live;
    g_autoptr(GHashTable) names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    int64_t day_ms = civil_floor(begin_ms(wants->window), CIVIL_DAY);
    if (!read_range(wants, day_ms - WEEK_MS, day_ms, names, &live, error))
        return false;
    past->advice.active = steal_names(names, &past->kept.bytes);
    live_clear(&live);
    return true;
}

static bool read_period(const struct past_wants *wants, enum limit_period period, uint64_t *requests, GError **error)
{
    struct live live;
    int64_t from_ms, to_ms;
    limit_window(period, wants->window->now_ms, &from_ms, &to_ms);
    *requests = 0;
    if (from_ms >= begin_ms(wants->window))
        return true;
    if (!read_range(wants, from_ms, begin_ms(wants->window), NULL, &live, error))
        return false;
    *requests = usage_table_between(live.table, from_ms, begin_ms(wants->window), NULL);
    live_clear(&live);
    return true;
}

/* What only alerts depend on must not keep an answer back: where a sheet is nowhere to be had, which those who need it are told,
 * that part is left out. */
static bool pass_over(bool ok, GError **failure, bool *whole, GError **error)
{
    if (ok)
        return true;
    if (!g_error_matches(*failure, READER_ERROR, READER_ERROR_COPY)) {
        g_propagate_error(error, g_steal_pointer(failure));
        return false;
    }
    g_clear_error(failure);
    *whole = false;
    return true;
}

static bool read_all(const struct past_wants *wants, struct usage_past *past, bool *whole, GError **error)
{
    g_autoptr(GError) failure = NULL;
    for (int period = LIMIT_HOUR; period <= LIMIT_MONTH; period++)
        if ((wants->periods >> period & 1) != 0 && !read_period(wants, (enum limit_period)period, &past->before[period], error))
            return false;
    if (wants->week_before && !pass_over(read_week_before(wants, &past->advice, &failure), &failure, whole, error))
        return false;
    return !wants->names || pass_over(read_names(wants, past, &failure), &failure, whole, error);
}

/* ---- keeping ---- */

/* The periods that hold now change with a quarter of an hour, too. */
static char *key_of(const struct past_wants *wants)
{
    const struct window *window = wants->window;
    GString *key = g_string_new("past\x1e");
    live_cache_append_name(key, wants->question->scope.organization);
    live_cache_append_name(key, wants->question->scope.key);
    live_cache_append_name(key, wants->endpoint);
    g_string_append_printf(key, "%" G_GINT64_FORMAT " %u %" G_GINT64_FORMAT " %d%d%u", window->first_slot, window->n_slots,
                           window_slot(window->now_ms), wants->week_before, wants->names, wants->periods);
    return g_string_free(key, FALSE);
}

struct usage_past *usage_past_take(struct live_cache *cache, const struct past_wants *wants, GError **error)
{
    g_autofree char *key = key_of(wants);
    struct usage_past *past = (struct usage_past *)(void *)live_cache_take(cache, key);
    if (past != NULL)
        return past;
    past = g_new0(struct usage_past, 1);
    live_kept_init(&past->kept, sizeof *past, past_free);
    bool whole = true;
    if (!read_all(wants, past, &whole, error)) {
        live_kept_unref(&past->kept);
        return NULL;
    }
    if (whole && begin_ms(wants->window) + HOUR_MS <= wants->window->now_ms) /* what has just passed is still being counted */
        live_cache_put(cache, key, &past->kept);
    return past;
}
