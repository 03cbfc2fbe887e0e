/* Each rule at its edges, and the order of what they say. */
#include "api/advice.h"

#include "lib/histogram.h"

#define CLIENT(name) "acme\x1f" name
static const int64_t now_ms = INT64_C(1795257421250); /* Saturday, 2026-11-21T10:37:01.250Z */

static struct window window;

static struct usage_table *table_new(enum usage_timeframe timeframe)
{
    struct refusal refusal = {0};
    const struct usage_params params = {.timeframe = (int)timeframe, .granularity = CIVIL_DAY};
    g_assert_true(window_init(&window, &params, now_ms, (struct window_extent){0, 0}, &refusal));
    return usage_table_new(&window);
}

static void table_free(struct usage_table *table)
{
    usage_table_free(table);
    window_clear(&window);
}

/* back: slots before the last one of the window. */
static void count(struct usage_table *table, int back, int requests, int errors, uint64_t latency_us)
{
    struct measure measure;
    measure_init(&measure);
    for (int i = 0; i < requests; i++)
        measure_add(&measure, i < errors ? 500 : 200, latency_us, 1, 1, true);
    usage_table_add_slot(table, window.first_slot + window.n_slots - 1 - back, &measure);
    measure_clear(&measure);
}

/* "type priority; …" */
static char *said(const struct advice_facts *facts)
{
    g_autoptr(GPtrArray) list = advice_make(facts);
    GString *text = g_string_new(NULL);
    for (guint i = 0; i < list->len; i++) {
        const struct advice *advice = g_ptr_array_index(list, i);
        g_string_append_printf(text, "%s%s %s", i > 0 ? "; " : "", advice->type, advice_priority_name(advice->priority));
        g_assert_true(strlen(advice->message) > 20 && strlen(advice->recommendation) > 20);
    }
    return g_string_free(text, FALSE);
}

static void expect(const struct advice_facts *facts, const char *wanted)
{
    g_autofree char *text = said(facts);
    g_assert_cmpstr(text, ==, wanted);
}

static void expect_message(const struct advice_facts *facts, const char *wanted)
{
    g_autoptr(GPtrArray) list = advice_make(facts);
    g_assert_cmpuint(list->len, ==, 1);
    g_assert_cmpstr(((const struct advice *)g_ptr_array_index(list, 0))->message, ==, wanted);
}

/* ---- errors ---- */

struct halves {
    int first, first_errors, second, second_errors;
    const char *wanted;
};

static void test_errors(void)
{
    static const struct halves cases[] = {
        {1000, 10, 1000, 20, "error_rate_rising low"}, /* twice */
        {1000, 10, 1000, 19, ""},                      /* not twice */
        {1000, 0, 1000, 20, "error_rate_rising low"},  /* from nothing */
        {1000, 0, 1000, 19, ""},                       /* too few to say */
        {1000, 0, 2001, 20, ""},                       /* under 1 % */
        {99, 0, 1000, 500, ""},                        /* too few before */
        {100, 0, 100, 100, "error_rate_rising critical"},
        {1000, 0, 99, 99, ""}, /* too few now */
        {1000, 10, 1000, 50, "error_rate_rising medium"},
        {1000, 10, 1000, 200, "error_rate_rising high"},
        {1000, 10, 1000, 499, "error_rate_rising high"},
        {1000, 10, 1000, 500, "error_rate_rising critical"},
        {1000, 500, 1000, 999, ""},
        {1000, 500, 1000, 10, ""},
        {1000, 20, 500, 20, "error_rate_rising low"}, /* of shares, not of numbers */
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct usage_table *table = table_new(USAGE_24H); /* 97 slots: the first half is the first 48 */
        count(table, 49, cases[i].first, cases[i].first_errors, 10);
        count(table, 48, cases[i].second, cases[i].second_errors, 10);
        expect(&(struct advice_facts){.table = table}, cases[i].wanted);
        table_free(table);
    }
}

static void test_errors_of_the_week_before(void)
{
    struct usage_table *table = table_new(USAGE_24H);
    struct advice_past past = {.requests = 100, .errors = 2};
    const struct advice_facts facts = {.table = table, .past = &past};
    count(table, 49, 250, 10, 10); /* the halves are equal */
    count(table, 48, 250, 10, 10);
    expect_message(&facts, "The share of failed requests rose from 2.0 % in the same window a week before to 4.0 % (20 of 500 "
                           "requests).");
    past.errors = 3;
    expect(&facts, "");
    past = (struct advice_past){.requests = 99, .errors = 0};
    expect(&facts, "");
    table_free(table);
}

/* ---- latency ---- */

/* What a table says of requests that all took so long. */
static uint64_t shown(uint64_t us)
{
    return MIN(histogram_value(histogram_bucket(us)), us);
}

static void test_latency(void)
{
    struct usage_table *table = table_new(USAGE_7D);
    const uint64_t now_us = shown(30000);
    struct advice_past past = {.requests = 100, .p95_us = now_us * 2 / 3};
    const struct advice_facts facts = {.table = table, .past = &past};
    g_autofree char *message = g_strdup_printf("95 %% of the requests took up to %u.%03u ms; in the same window a week before it "
                                               "was %u.%03u ms.",
                                               (unsigned)now_us / 1000, (unsigned)now_us % 1000, (unsigned)past.p95_us / 1000,
                                               (unsigned)past.p95_us % 1000);
    count(table, 3, 99, 0, 30000);
    expect(&facts, ""); /* too few */
    count(table, 3, 1, 0, 30000);
    expect_message(&facts, message);
    past.p95_us = now_us * 2 / 3 + 1;
    expect(&facts, "");
    past.p95_us = now_us / 2;
    expect(&facts, "latency_regression medium");
    past.p95_us = now_us / 5;
    expect(&facts, "latency_regression high");
    past.requests = 99;
    expect(&facts, "");
    past = (struct advice_past){.requests = 1000, .p95_us = 0};
    expect(&facts, "");
    table_free(table);
}

static void test_short_latency(void)
{
    struct usage_table *table = table_new(USAGE_1H);
    struct advice_past past = {.requests = 1000, .p95_us = shown(7000) - ADVICE_LATENCY_US + 1}; /* three times, but not by 5 ms */
    count(table, 0, 100, 0, 7000);
    expect(&(struct advice_facts){.table = table, .past = &past}, "");
    past.p95_us--;
    expect(&(struct advice_facts){.table = table, .past = &past}, "latency_regression medium");
    table_free(table);
}

/* ---- quotas ---- */

static void expect_quota(struct advice_quota quota, const char *wanted)
{
    struct usage_table *table = table_new(USAGE_1H);
    expect(&(struct advice_facts){.table = table, .quotas = &quota, .n_quotas = 1}, wanted);
    table_free(table);
}

static void test_quotas(void)
{
    expect_quota((struct advice_quota){ADVICE_LIMIT, LIMIT_MINUTE, 79, 100}, "");
    expect_quota((struct advice_quota){ADVICE_LIMIT, LIMIT_MINUTE, 80, 100}, "quota_near medium");
    expect_quota((struct advice_quota){ADVICE_LIMIT, LIMIT_HOUR, 90, 100}, "quota_near high");
    expect_quota((struct advice_quota){ADVICE_LIMIT, LIMIT_HOUR, 99, 100}, "quota_near high");
    expect_quota((struct advice_quota){ADVICE_LIMIT, LIMIT_HOUR, 100, 100}, "quota_exceeded critical");
    expect_quota((struct advice_quota){ADVICE_CEILING, LIMIT_MONTH, 101, 100}, "quota_exceeded critical");
    expect_quota((struct advice_quota){ADVICE_INCLUDED, LIMIT_MONTH, 100, 100}, "quota_exceeded medium");
    /* 10.617 of 24 hours have passed. */
    expect_quota((struct advice_quota){ADVICE_LIMIT, LIMIT_DAY, 4424, 10000}, "quota_exhaustion medium");
    expect_quota((struct advice_quota){ADVICE_LIMIT, LIMIT_DAY, 4423, 10000}, "");
    expect_quota((struct advice_quota){ADVICE_LIMIT, LIMIT_DAY, 9000, 10000}, "quota_exhaustion high");
    expect_quota((struct advice_quota){ADVICE_LIMIT, LIMIT_DAY, 0, 10000}, "");
    /* 5.44 of 7 days: going on like this, it is enough; but not much is left. */
    expect_quota((struct advice_quota){ADVICE_LIMIT, LIMIT_WEEK, 7700, 10000}, "");
    /* 20.44 of 30 days. */
    expect_quota((struct advice_quota){ADVICE_INCLUDED, LIMIT_MONTH, 6815, 10000}, "quota_exhaustion medium");
    expect_quota((struct advice_quota){ADVICE_INCLUDED, LIMIT_MONTH, 6814, 10000}, "");
}

/* Where hardly anything of the period has passed, a forecast says nothing, unless half is gone. */
static void test_early(void)
{
    struct refusal refusal = {0};
    const struct usage_params params = {.timeframe = USAGE_1H, .granularity = CIVIL_DAY};
    struct advice_quota quota = {ADVICE_LIMIT, LIMIT_DAY, 499, 1000};
    const int64_t midnight_ms = now_ms / 86400000 * 86400000;
    g_assert_true(window_init(&window, &params, midnight_ms + 8639999, (struct window_extent){0, 0}, &refusal));
    struct usage_table *table = usage_table_new(&window);
    const struct advice_facts facts = {.table = table, .quotas = &quota, .n_quotas = 1};
    expect(&facts, "");
    quota.used = 500;
    expect(&facts, "quota_exhaustion medium");
    quota.used = 499;
    window.now_ms = midnight_ms + 8640000;
    expect_message(&facts, "499 requests were made of the limit of 1000 requests a day; going on like this, it is used up at "
                           "2026-11-21T04:48:34Z.");
    table_free(table);
}

/* ---- keys ---- */

static void test_idle(void)
{
    struct usage_table *table = table_new(USAGE_24H);
    struct measure one;
    char *names[] = {(char *)(CLIENT("a")), (char *)(CLIENT("b")), (char *)"\x1f{other}", NULL};
    struct advice_past past = {.active = names};
    struct advice_facts facts = {.table = table, .past = &past, .one_organization = true};
    measure_init(&one);
    measure_add(&one, 200, 1, 1, 1, true);
    expect_message(&facts, "2 keys made requests in the week before this window, and none in it: a, b.");
    usage_table_add_client(table, CLIENT("a"), &one, window.first_slot);
    facts.one_organization = false;
    expect_message(&facts, "1 key made requests in the week before this window, and none in it: b of 'acme'.");
    usage_table_add_client(table, CLIENT("b"), &one, window.first_slot);
    expect(&facts, "");
    measure_clear(&one);
    table_free(table);
}

static void test_many_idle(void)
{
    struct usage_table *table = table_new(USAGE_24H);
    g_auto(GStrv) names = g_new0(char *, 13);
    for (int i = 0; i < 12; i++)
        names[i] = g_strdup_printf(CLIENT("c%d"), i);
    struct advice_past past = {.active = names};
    expect_message(&(struct advice_facts){.table = table, .past = &past, .one_organization = true},
                   "12 keys made requests in the week before this window, and none in it: c0, c1, c2, c3, c4, c5, c6, c7, c8, "
                   "c9 and 2 more.");
    table_free(table);
}

/* ---- all ---- */

static void test_order(void)
{
    struct usage_table *table = table_new(USAGE_24H);
    char *names[] = {(char *)(CLIENT("a")), NULL};
    struct advice_past past = {.active = names};
    const struct advice_quota quotas[] = {{ADVICE_LIMIT, LIMIT_MINUTE, 80, 100}, {ADVICE_LIMIT, LIMIT_HOUR, 100, 100}};
    const struct advice_facts facts = {table, &past, quotas, 2, true};
    count(table, 49, 100, 0, 10);
    count(table, 48, 1000, 50, 10);
    expect(&facts, "quota_exceeded critical; error_rate_rising medium; quota_near medium; idle_keys low");
    table_free(table);
}

static void test_nothing(void)
{
    struct usage_table *table = table_new(USAGE_90D);
    struct advice_past past = {0};
    expect(&(struct advice_facts){.table = table}, "");
    expect(&(struct advice_facts){.table = table, .past = &past}, "");
    table_free(table);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/advice/errors", test_errors);
    g_test_add_func("/advice/errors-of-the-week-before", test_errors_of_the_week_before);
    g_test_add_func("/advice/latency", test_latency);
    g_test_add_func("/advice/short-latency", test_short_latency);
    g_test_add_func("/advice/quotas", test_quotas);
    g_test_add_func("/advice/early", test_early);
    g_test_add_func("/advice/idle", test_idle);
    g_test_add_func("/advice/many-idle", test_many_idle);
    g_test_add_func("/advice/order", test_order);
    g_test_add_func("/advice/nothing", test_nothing);
    return g_test_run();
}
