#include "api/usage_extras.h"

#include "lib/keys.h"

enum { QUOTAS_MAX = LIMIT_PERIOD_N + 2, WEEK_SLOTS = 7 * KEYS_SLOTS_PER_DAY + 1 /* the first is cut */ };

/* One question's. */
struct asking {
    struct usage_extras *extras;
    const struct usage_extras_place *place;
    const struct live_question *question;
    const struct usage_params *params;
    const struct usage_table *table;
    struct usage_past *past;
};

/* ---- what the client may use ---- */

static void find_limits(struct asking *asking)
{
    struct usage_extras *extras = asking->extras;
    struct registry_snapshot *snapshot = registry_take(asking->place->registry);
    if (usage_limits_asked(snapshot, asking->params, &extras->limits))
        extras->rates.limits = &extras->limits;
    registry_release(snapshot);
}

/* ---- what was used ---- */

/* Only a window up to a week is compared with the same one a week before: a longer one would be so with itself, mostly. */
static bool is_short(const struct asking *asking)
{
    const struct window *window = asking->table->window;
    return asking->params->timeframe != USAGE_ALL && window_end_slot(window) - window->first_slot <= WEEK_SLOTS;
}

/* What routes are called: of a method, with the state of the registry that says what it means. */
static char *endpoint_name(const struct asking *asking)
{
    if (!asking->params->by_method)
        return g_strdup(asking->params->endpoint);
    struct registry_snapshot *snapshot = registry_take(asking->place->registry);
    char *name = g_strdup_printf("%s %" G_GINT64_FORMAT, asking->params->endpoint, snapshot->version);
    registry_release(snapshot);
    return name;
}

static bool read_past(struct asking *asking, GError **error)
{
    const struct client_limits *limits = &asking->extras->limits;
    g_autofree char *endpoint = endpoint_name(asking);
    struct past_wants wants = {.question = asking->question,
                               .window = asking->table->window,
                               .endpoint = endpoint,
                               .week_before = is_short(asking),
                               .names = asking->params->key == NULL && asking->params->endpoint == NULL &&
                                        asking->params->timeframe != USAGE_ALL,
                               .periods = 1 << LIMIT_HOUR | 1 << LIMIT_DAY};
    if (limits->requests[LIMIT_WEEK] > 0)
        wants.periods |= 1 << LIMIT_WEEK;
    if (limits->requests[LIMIT_MONTH] > 0 || limits->included > 0 || limits->ceiling > 0)
        wants.periods |= 1 << LIMIT_MONTH;
    asking->past = usage_past_take(asking->question->sources->cache, &wants, error);
    return asking->past != NULL;
}

/* Requests of the period that holds now: what lies before the window, and what of it lies inside. Events from ahead of the clock
 * count as far as in every window that ends now: to the end of the slot. */
static uint64_t used(const struct asking *asking, enum limit_period period)
{
    const struct window *window = asking->table->window;
    int64_t from_ms, to_ms;
    limit_window(period, window->now_ms, &from_ms, &to_ms);
    to_ms = MIN(to_ms, window_slot_ms(window_slot(window->now_ms) + 1));
    return asking->past->before[period] + usage_table_between(asking->table, from_ms, to_ms, NULL);
}

static void count_rates(struct asking *asking)
{
    struct usage_rates *rates = &asking->extras->rates;
    const struct window *window = asking->table->window;
    rates->is_known[LIMIT_MINUTE] = window->has_minutes;
    rates->is_known[LIMIT_HOUR] = rates->is_known[LIMIT_DAY] = true;
    if (window->has_minutes)
        rates->used[LIMIT_MINUTE] = usage_table_minute(asking->table, window->now_ms / KEYS_MINUTE_MS);
    rates->used[LIMIT_HOUR] = used(asking, LIMIT_HOUR);
    rates->used[LIMIT_DAY] = used(asking, LIMIT_DAY);
}

/* ---- alerts ---- */

static void add_quota(struct advice_quota *quotas, size_t *n, struct advice_quota quota)
{
    if (quota.value > 0)
        quotas[(*n)++] = quota;
}

static size_t list_quotas(const struct asking *asking, struct advice_quota quotas[QUOTAS_MAX])
{
    const struct client_limits *limits = &asking->extras->limits;
    const struct usage_rates *rates = &asking->extras->rates;
    size_t n = 0;
    for (int i = 0; i < LIMIT_PERIOD_N; i++) {
        enum limit_period period = (enum limit_period)i;
        if (limits->requests[i] == 0 || (period == LIMIT_MINUTE && !rates->is_known[LIMIT_MINUTE]))
            continue;
        uint64_t count = period == LIMIT_MINUTE ? rates->used[period] : used(asking, period);
        add_quota(quotas, &n, (struct advice_quota){ADVICE_LIMIT, period, count, limits->requests[i]});
    }
    if (limits->included == 0 && limits->ceiling == 0)
        return n;
    uint64_t month = used(asking, LIMIT_MONTH);
    add_quota(quotas, &n, (struct advice_quota){ADVICE_INCLUDED, LIMIT_MONTH, month, limits->included});
    add_quota(quotas, &n, (struct advice_quota){ADVICE_CEILING, LIMIT_MONTH, month, limits->ceiling});
    return n;
}

static void advise(struct asking *asking)
{
    struct advice_quota quotas[QUOTAS_MAX];
    const struct advice_facts facts = {.table = asking->table,
                                       .past = &asking->past->advice,
                                       .quotas = quotas,
                                       .n_quotas = list_quotas(asking, quotas),
                                       .one_organization = asking->params->organization != NULL};
    asking->extras->advice = advice_make(&facts);
}

/* ---- all of it ---- */

static bool read_costs(struct asking *asking, GError **error)
{
    const struct live_question *question = asking->question;
    if (!asking->params->include_costs)
        return true;
    asking->extras->has_costs = costs_read_summary(&asking->extras->costs, asking->place->costs, question->reader, &question->scope,
                                                   question->now_ms, error);
    return asking->extras->has_costs;
}

/* What is about now, and can be said where the window holds it. */
static bool read_now(struct asking *asking, GError **error)
{
    if (!window_holds_now(asking->table->window)) {
        asking->extras->advice = g_ptr_array_new();
        return true;
    }
    if (!read_past(asking, error))
        return false;
    count_rates(asking);
    advise(asking);
    live_kept_unref(&asking->past->kept);
    return true;
}

bool usage_extras_read(struct usage_extras *extras, const struct usage_extras_place *place, const struct live_question *question,
                       const struct live *live, GError **error)
{
    struct asking asking = {.extras = extras, .place = place, .question = question, .params = question->params};
    asking.table = live->table;
    *extras = (struct usage_extras){.advice = NULL};
    find_limits(&asking);
    if (!read_now(&asking, error))
        return false;
    if (read_costs(&asking, error))
        return true;
    usage_extras_clear(extras);
    return false;
}

void usage_extras_clear(struct usage_extras *extras)
{
    if (extras->advice != NULL)
        g_ptr_array_free(extras->advice, TRUE);
    if (extras->has_costs)
        cost_summary_clear(&extras->costs);
    *extras = (struct usage_extras){.advice = NULL};
}
