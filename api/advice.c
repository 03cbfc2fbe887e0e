#include "api/advice.h"

#include "api/forecast.h"
#include "api/measured.h"
#include "lib/civil.h"
#include "lib/keys.h"
#include "lib/number.h"

__extension__ typedef unsigned __int128 wide;

enum { PERCENT = 100, TENTHS = 1000 /* of a percent, in one */ };

static void advice_free(void *opaque)
{
    struct advice *advice = opaque;
    g_free(advice->message);
    g_free(advice);
}

static void add(GPtrArray *list, enum advice_priority priority, const char *type, char *message, const char *recommendation)
{
    struct advice *advice = g_new(struct advice, 1);
    *advice = (struct advice){type, priority, message, recommendation};
    g_ptr_array_add(list, advice);
}

const char *advice_priority_name(enum advice_priority priority)
{
    static const char *const names[] = {"low", "medium", "high", "critical"};
    return names[priority];
}

/* ---- errors ---- */

/* Requests, and how many of them failed. */
struct share {
    uint64_t requests, errors;
};

/* a/b ≥ percent, in hundredths. */
static bool is_share(struct share share, uint32_t percent)
{
    return share.requests > 0 && (wide)share.errors * PERCENT >= (wide)share.requests * percent;
}

static bool is_rising(struct share before, struct share now)
{
    return before.requests >= ADVICE_REQUESTS_MIN && now.requests >= ADVICE_REQUESTS_MIN && now.errors >= ADVICE_ERRORS_MIN &&
           is_share(now, ADVICE_ERRORS_PERCENT) && (wide)now.errors * before.requests >= 2 * (wide)before.errors * now.requests;
}

/* In percent, with one decimal. */
static void format_share(GString *out, struct share share)
{
    uint64_t tenths = (uint64_t)(((wide)share.errors * TENTHS + share.requests / 2) / share.requests);
    g_string_append_printf(out, "%" G_GUINT64_FORMAT ".%u %%", tenths / 10, (unsigned)(tenths % 10));
}

static void add_errors(GPtrArray *list, struct share before, struct share now, const char *then)
{
    enum advice_priority priority = ADVICE_LOW;
    if (is_share(now, 50))
        priority = ADVICE_CRITICAL;
    else if (is_share(now, 20))
        priority = ADVICE_HIGH;
    else if (is_share(now, 5))
        priority = ADVICE_MEDIUM;
    GString *text = g_string_new("The share of failed requests rose from ");
    format_share(text, before);
    g_string_append_printf(text, " %s to ", then);
    format_share(text, now);
    g_string_append_printf(text, " (%" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT " requests).", now.errors, now.requests);
    add(list, priority, "error_rate_rising", g_string_free(text, FALSE),
        "See errors.byStatusCode and errors.byEndpoint for what fails, and what was changed when it began.");
}

static void look_at_errors(GPtrArray *list, const struct advice_facts *facts)
{
    const struct usage_table *table = facts->table;
    const struct window *window = table->window;
    int64_t end_slot = window_end_slot(window);
    int64_t begin = window_slot_ms(window->first_slot), end = window_slot_ms(end_slot);
    int64_t middle = window_slot_ms(window->first_slot + (end_slot - window->first_slot) / 2);
    struct share first, second;
    first.requests = usage_table_between(table, begin, middle, &first.errors);
    second.requests = usage_table_between(table, middle, end, &second.errors);
    const struct share all = {first.requests + second.requests, first.errors + second.errors};
    if (is_rising(first, second)) {
        add_errors(list, first, second, "in the first half of the window");
        return;
    }
    if (facts->past == NULL)
        return;
    const struct share before = {facts->past->requests, facts->past->errors};
    if (is_rising(before, all))
        add_errors(list, before, all, "in the same window a week before");
}

/* ---- latency ---- */

static void append_ms(GString *out, uint64_t us)
{
    g_string_append_printf(out, "%" G_GUINT64_FORMAT ".%03u ms", us / 1000, (unsigned)(us % 1000));
}

static uint64_t p95(const struct usage_table *table, uint64_t *requests)
{
    struct measure total;
    uint64_t value;
    measure_init(&total);
    usage_table_total(table, &total);
    measured_percentile_us(&total, ADVICE_PERCENTILE, &value);
    *requests = total.requests;
    measure_clear(&total);
    return value;
}

static void look_at_latency(GPtrArray *list, const struct advice_facts *facts)
{
    uint64_t requests;
    if (facts->past == NULL || facts->past->requests < ADVICE_REQUESTS_MIN || facts->past->p95_us == 0)
        return;
    uint64_t before = facts->past->p95_us, now = p95(facts->table, &requests);
    if (requests < ADVICE_REQUESTS_MIN || now < before + ADVICE_LATENCY_US ||
        (wide)now * PERCENT < (wide)before * ADVICE_LATENCY_PERCENT)
        return;
    enum advice_priority priority = ADVICE_LOW;
    if (now / before >= 5)
        priority = ADVICE_HIGH;
    else if (now / before >= 2)
        priority = ADVICE_MEDIUM;
    GString *text = g_string_new("95 % of the requests took up to ");
    append_ms(text, now);
    g_string_append(text, "; in the same window a week before it was ");
    append_ms(text, before);
    g_string_append_c(text, '.');
    add(list, priority, "latency_regression", g_string_free(text, FALSE),
        "See breakdown.byEndpoint with sortBy=latency for the routes that became slow.");
}

/* ---- quotas ---- */

static const struct {
    const char *words, *recommendation;
    enum advice_priority exceeded; /* how urgent it is to have used it up */
} kinds[] = {
    [ADVICE_LIMIT] = {"the limit", "Ask for a higher limit, or make fewer requests until the period ends.", ADVICE_CRITICAL},
    [ADVICE_INCLUDED] = {"what the plan includes",
                         "Each request beyond is charged: see includeCosts=true, and whether a larger plan is cheaper.",
                         ADVICE_MEDIUM},
    [ADVICE_CEILING] = {"the fair use of the plan", "Ask for another plan, or make fewer requests until the month ends.",
                        ADVICE_CRITICAL},
};

static void append_quota(GString *text, const struct advice_quota *quota)
{
    g_string_append_printf(text, "%s of %" G_GUINT64_FORMAT " requests %s %s", kinds[quota->kind].words, quota->value,
                           quota->period == LIMIT_HOUR ? "an" : "a", limit_period_name(quota->period));
}

static void append_use(GString *text, const struct advice_quota *quota)
{
    g_string_append_printf(text, "%" G_GUINT64_FORMAT " requests were made of ", quota->used);
    append_quota(text, quota);
}

/* When it is used up if it goes on like this: before the period ends. */
static bool foresee(const struct advice_quota *quota, int64_t now_ms, int64_t *at_ms)
{
    int64_t from_ms, to_ms, after_ms;
    limit_window(quota->period, now_ms, &from_ms, &to_ms);
    int64_t elapsed_ms = now_ms - from_ms, length_ms = to_ms - from_ms;
    bool is_late = elapsed_ms >= length_ms / PERCENT * ADVICE_ELAPSED_PERCENT || quota->used >= quota->value / 2;
    if (quota->period < LIMIT_DAY || !is_late || !forecast_reach(quota->used, elapsed_ms, quota->value, &after_ms) ||
        after_ms >= length_ms)
        return false;
    *at_ms = from_ms + after_ms;
    return true;
}

static bool is_used(const struct advice_quota *quota, uint32_t percent)
{
    return (wide)quota->used * PERCENT >= (wide)quota->value * percent;
}

static void look_at_quota(GPtrArray *list, const struct advice_quota *quota, int64_t now_ms)
{
    int64_t at_ms;
    g_autoptr(GString) text = g_string_new(NULL);
    const char *type = "quota_near", *recommendation = kinds[quota->kind].recommendation;
    enum advice_priority priority = is_used(quota, 90) ? ADVICE_HIGH : ADVICE_MEDIUM;
    append_use(text, quota);
    if (is_used(quota, PERCENT)) {
        type = "quota_exceeded";
        priority = kinds[quota->kind].exceeded;
    } else if (foresee(quota, now_ms, &at_ms)) {
        char time[CIVIL_TEXT_MAX];
        civil_format(time, at_ms);
        g_string_append_printf(text, "; going on like this, it is used up at %s", time);
        type = "quota_exhaustion";
    } else if (!is_used(quota, ADVICE_NEAR_PERCENT)) {
        return;
    }
    g_string_append_c(text, '.');
    add(list, priority, type, g_strdup(text->str), recommendation);
}

/* ---- keys ---- */

/* What is over the cap of keys is none. */
static bool is_key(const char *name)
{
    const char *separator = strchr(name, KEYS_CLIENT_SEPARATOR);
    return separator != NULL && strcmp(separator + 1, KEYS_OTHER) != 0;
}

static void append_name(GString *text, const char *name, bool one_organization)
{
    const char *separator = strchr(name, KEYS_CLIENT_SEPARATOR);
    g_string_append(text, separator + 1);
    if (!one_organization)
        g_string_append_printf(text, " of '%.*s'", (int)(separator - name), name);
}

static void look_for_idle(GPtrArray *list, const struct advice_facts *facts)
{
    guint idle = 0;
    if (facts->past == NULL || facts->past->active == NULL)
        return;
    g_autoptr(GString) names = g_string_new(NULL);
    for (char **name = facts->past->active; *name != NULL; name++) {
        if (!is_key(*name) || g_hash_table_contains(facts->table->clients, *name))
            continue;
        if (idle++ >= ADVICE_NAMES_MAX)
            continue;
        g_string_append(names, idle > 1 ? ", " : "");
        append_name(names, *name, facts->one_organization);
    }
    if (idle == 0)
        return;
    if (idle > ADVICE_NAMES_MAX)
        g_string_append_printf(names, " and %u more", idle - ADVICE_NAMES_MAX);
    char *message = g_strdup_printf("%u key%s made requests in the week before this window, and none in it: %s.", idle,
                                    idle > 1 ? "s" : "", names->str);
    add(list, ADVICE_LOW, "idle_keys", message, "See whether they are meant to be idle; revoke keys that nobody needs any more.");
}

/* ---- all of it ---- */

static gint compare(gconstpointer a, gconstpointer b)
{
    const struct advice *x = *(const struct advice *const *)a, *y = *(const struct advice *const *)b;
    return (x->priority < y->priority) - (x->priority > y->priority);
}

GPtrArray *advice_make(const struct advice_facts *facts)
{
    GPtrArray *list = g_ptr_array_new_with_free_func(advice_free);
    look_at_errors(list, facts);
    look_at_latency(list, facts);
    for (size_t i = 0; i < facts->n_quotas; i++)
        look_at_quota(list, &facts->quotas[i], facts->table->window->now_ms);
    look_for_idle(list, facts);
    g_ptr_array_sort(list, compare); /* stable */
    return list;
}
