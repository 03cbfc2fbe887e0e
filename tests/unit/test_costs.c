#include "api/costs.h"

#include "api/finality.h"
#include "lib/civil.h"
#include <jansson.h>

enum { NOVEMBER = 20758 /* 2026-11-01 */, HOUR_MS = 3600000 };

static struct plan plan_of(uint64_t included, uint64_t price_micros, uint64_t ceiling)
{
    return (struct plan){.name = (char *)"gold",
                         .title = (char *)"Gold",
                         .currency = (char *)"EUR",
                         .included = included,
                         .price_micros = price_micros,
                         .ceiling = ceiling};
}

static int64_t at(int day, int hour)
{
    return (NOVEMBER + day - 1) * CIVIL_DAY_MS + hour * (int64_t)HOUR_MS;
}

static struct cost_summary sum(const struct cost_month *month, const struct plan *plan, const uint64_t *requests)
{
    struct cost_summary summary = {.kind = COST_CLIENT, .organization = g_strdup("acme"), .client = g_strdup("c-1")};
    cost_summary_fill(&summary, month, plan, requests);
    return summary;
}

/* ---- months ---- */

static void test_months(void)
{
    struct cost_month month;
    char text[COST_MONTH_TEXT];
    cost_month_init(&month, NOVEMBER + 20, at(21, 12));
    cost_month_format(text, &month);
    g_assert_cmpstr(text, ==, "2026-11");
    g_assert_cmpint(month.first_day, ==, NOVEMBER);
    g_assert_cmpint(month.n_days, ==, 30);
    g_assert_cmpint(month.n_shown, ==, 21);
    g_assert_cmpint(month.elapsed_ms, ==, at(21, 12) - at(1, 0));
    cost_month_init(&month, NOVEMBER + 20, at(21, 12) + 59999);
    g_assert_cmpint(month.elapsed_ms, ==, at(21, 12) - at(1, 0));
    cost_month_init(&month, NOVEMBER, at(1, 0) + 60000);
    g_assert_cmpint(month.elapsed_ms, ==, 60000);
    cost_month_init(&month, NOVEMBER + 20, at(21, 12));
    g_assert_false(cost_month_is_final(&month));
    cost_month_init(&month, NOVEMBER - 1, at(21, 12));
    g_assert_cmpint(month.n_days, ==, 31);
    g_assert_cmpint(month.n_shown, ==, 31);
    g_assert_cmpint(month.elapsed_ms, ==, 31 * CIVIL_DAY_MS);
    for (int i = 0; i < 31; i++) {
        g_assert_false(cost_month_is_final(&month));
        month.provisional[i] = false;
    }
    g_assert_true(cost_month_is_final(&month));
    cost_month_init(&month, NOVEMBER + 40, at(21, 12));
    g_assert_cmpint(month.n_shown, ==, 0);
    g_assert_cmpint(month.elapsed_ms, ==, 0);
    g_assert_false(cost_month_is_final(&month));
}

/* ---- sums ---- */

static void test_overage(void)
{
    const uint64_t requests[COST_DAYS_MAX] = {400, 500, 300, 0, 7};
    const struct plan plan = plan_of(1000, 1500, 1206);
    struct cost_month month;
    cost_month_init(&month, NOVEMBER, at(5, 0));
    struct cost_summary summary = sum(&month, &plan, requests);
    g_assert_cmpuint(summary.used, ==, 1207);
    g_assert_cmpuint(summary.overage, ==, 207);
    g_assert_true(summary.amount == 311); /* 310.5 */
    g_assert_true(summary.fair_use_exceeded);
    g_assert_cmpuint(summary.days[1].cumulative, ==, 900);
    g_assert_cmpuint(summary.days[1].overage, ==, 0);
    g_assert_cmpuint(summary.days[2].overage, ==, 200);
    g_assert_true(summary.days[2].amount == 300);
    g_assert_true(summary.days[3].amount == 0);
    g_assert_cmpuint(summary.days[4].overage, ==, 7);
    g_assert_true(summary.days[4].amount == 11);
    g_assert_cmpuint(summary.projected.used, ==, 9053); /* 1207 · 30 / 4 = 9052.5 */
    g_assert_cmpuint(summary.projected.overage, ==, 8053);
    g_assert_true(summary.projected.amount == 12080); /* 12079.5 */
    cost_summary_clear(&summary);
}

static void test_ceiling(void)
{
    const uint64_t requests[COST_DAYS_MAX] = {10};
    static const struct {
        uint64_t ceiling;
        bool exceeded;
    } cases[] = {{0, false}, {9, true}, {10, false}, {11, false}};
    struct cost_month month;
    cost_month_init(&month, NOVEMBER, at(1, 1));
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        const struct plan plan = plan_of(0, 1, cases[i].ceiling);
        struct cost_summary summary = sum(&month, &plan, requests);
        g_assert_cmpint(summary.fair_use_exceeded, ==, cases[i].exceeded);
        cost_summary_clear(&summary);
    }
}

static void test_past_month(void)
{
    uint64_t requests[COST_DAYS_MAX] = {0};
    const struct plan plan = plan_of(100, 1000, 0);
    struct cost_month month;
    requests[30] = 150;
    cost_month_init(&month, NOVEMBER - 5, at(5, 0));
    struct cost_summary summary = sum(&month, &plan, requests);
    g_assert_cmpuint(summary.projected.used, ==, 150);
    g_assert_cmpuint(summary.projected.overage, ==, summary.overage);
    g_assert_true(summary.projected.amount == summary.amount);
    cost_summary_clear(&summary);
}

static void test_no_plan(void)
{
    const uint64_t requests[COST_DAYS_MAX] = {10, 20};
    struct cost_month month;
    cost_month_init(&month, NOVEMBER, at(3, 0));
    struct cost_summary summary = sum(&month, NULL, requests);
    g_assert_cmpuint(summary.used, ==, 30);
    g_assert_cmpuint(summary.overage, ==, 0);
    g_assert_true(summary.amount == 0 && summary.projected.amount == 0);
    g_assert_cmpuint(summary.projected.used, ==, 450);
    cost_summary_clear(&summary);
}

/* The most that there can be. */
static void test_largest(void)
{
    const uint64_t requests[COST_DAYS_MAX] = {UINT64_C(1) << 63, (UINT64_C(1) << 63) - 1};
    const struct plan plan = plan_of(0, UINT64_MAX, 0);
    struct cost_month month;
    cost_month_init(&month, NOVEMBER, at(3, 0));
    struct cost_summary summary = sum(&month, &plan, requests);
    g_assert_cmpuint(summary.used, ==, UINT64_MAX);
    g_assert_true(summary.amount == money_of(UINT64_MAX, UINT64_MAX));
    g_assert_cmpuint(summary.projected.used, ==, UINT64_MAX);
    cost_summary_clear(&summary);
}

static uint64_t random_number(int bits)
{
    uint64_t number = (uint64_t)g_test_rand_int() << 32 | (uint32_t)g_test_rand_int();
    return number >> g_test_rand_int_range(64 - bits, 64);
}

/* Days add up to the month, whatever is rounded. */
static void test_random_days(void)
{
    for (int i = 0; i < 3000; i++) {
        uint64_t requests[COST_DAYS_MAX], used = 0, overage = 0, counted = 0;
        const struct plan plan = plan_of(random_number(50), random_number(40), 0);
        struct cost_month month;
        money amount = 0;
        for (int day = 0; day < COST_DAYS_MAX; day++)
            requests[day] = random_number(1 + i % 59);
        cost_month_init(&month, NOVEMBER, at(g_test_rand_int_range(1, 31), g_test_rand_int_range(0, 24)));
        struct cost_summary summary = sum(&month, &plan, requests);
        for (int day = 0; day < month.n_shown; day++) {
            counted += requests[day];
            used += summary.days[day].requests;
            overage += summary.days[day].overage;
            amount += summary.days[day].amount;
            g_assert_cmpuint(summary.days[day].cumulative, ==, used);
        }
        g_assert_cmpuint(used, ==, counted);
        g_assert_cmpuint(summary.used, ==, used);
        g_assert_cmpuint(overage, ==, used > plan.included ? used - plan.included : 0);
        g_assert_cmpuint(summary.overage, ==, overage);
        g_assert_true(amount == summary.amount && amount == money_of(overage, plan.price_micros));
        g_assert_cmpuint(summary.projected.used, >=, used);
        g_assert_true(summary.projected.amount >= amount);
        cost_summary_clear(&summary);
    }
}

/* ---- writing ---- */

static json_t *written(const struct cost_summary *summary)
{
    g_autoptr(GString) out = g_string_new(NULL);
    struct writer writer;
    writer_init(&writer, out);
    writer_begin(&writer, NULL, '{');
    costs_write(&writer, "costs", summary);
    writer_end(&writer, '}');
    json_t *document = json_loads(out->str, 0, NULL);
    g_assert_nonnull(document);
    return document;
}

static void test_written(void)
{
    const uint64_t requests[COST_DAYS_MAX] = {1000, 500};
    const struct plan plan = plan_of(500, 2000000, 900);
    struct cost_month month;
    const char *amount, *revised = NULL, *through;
    json_int_t used, micros, revision;
    int exceeded, provisional;
    cost_month_init(&month, NOVEMBER, at(2, 0));
    month.provisional[0] = false;
    month.revisions[0] = 2;
    month.finalized_through = NOVEMBER;
    struct cost_summary summary = sum(&month, &plan, requests);
    json_t *document = written(&summary);
    g_assert_cmpint(json_unpack(document, "{s:{s:s, s:I, s:I, s:s, s:{s:b}, s:[{s:I}, {s:b}], s?s}}", "costs", "finalizedThrough",
                                &through, "used", &used, "amountMicros", &micros, "amount", &amount, "fairUse", "exceeded",
                                &exceeded, "days", "revision", &revision, "provisional", &provisional, "unknownPlan", &revised),
                    ==, 0);
    g_assert_cmpstr(through, ==, "2026-11-01");
    g_assert_cmpint(used, ==, 1500);
    g_assert_cmpint(micros, ==, 2000000);
    g_assert_cmpstr(amount, ==, "2.000000");
    g_assert_true(exceeded && provisional && revision == 2 && revised == NULL);
    json_decref(document);
    cost_summary_clear(&summary);
    document = written(&summary);
    g_assert_true(json_is_null(json_object_get(document, "costs")));
    json_decref(document);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/costs/months", test_months);
    g_test_add_func("/costs/overage", test_overage);
    g_test_add_func("/costs/ceiling", test_ceiling);
    g_test_add_func("/costs/past_month", test_past_month);
    g_test_add_func("/costs/no_plan", test_no_plan);
    g_test_add_func("/costs/largest", test_largest);
    g_test_add_func("/costs/random_days", test_random_days);
    g_test_add_func("/costs/written", test_written);
    return g_test_run();
}
