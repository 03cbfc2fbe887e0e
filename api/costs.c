#include "api/costs.h"

#include "api/finality.h"
#include "api/forecast.h"
#include "lib/civil.h"

enum { MINUTE_MS = 60000 };

const char *cost_kind_name(enum cost_kind kind)
{
    static const char *const names[COST_KIND_N] = {NULL, "client", "organization", "member", "unpriced"};
    return names[kind];
}

/* ---- months ---- */

void cost_month_init(struct cost_month *month, int64_t day, int64_t now_ms)
{
    int64_t from_ms = civil_floor(day * CIVIL_DAY_MS, CIVIL_MONTH), to_ms = civil_next(from_ms, CIVIL_MONTH);
    *month = (struct cost_month){
        .first_day = from_ms / CIVIL_DAY_MS,
        .n_days = (int)((to_ms - from_ms) / CIVIL_DAY_MS),
        .finalized_through = FINALITY_NONE,
        .elapsed_ms = civil_align(CLAMP(now_ms, from_ms, to_ms) - from_ms, MINUTE_MS),
    };
    month->n_shown = (int)CLAMP(civil_divide(now_ms, CIVIL_DAY_MS) + 1 - month->first_day, 0, month->n_days);
    for (int i = 0; i < COST_DAYS_MAX; i++)
        month->provisional[i] = true;
}

bool cost_month_is_final(const struct cost_month *month)
{
    bool final = month->n_shown == month->n_days;
    for (int i = 0; i < month->n_shown; i++)
        final = final && !month->provisional[i];
    return final;
}

void cost_month_format(char out[COST_MONTH_TEXT], const struct cost_month *month)
{
    char day[CIVIL_TEXT_MAX];
    civil_format_day(day, month->first_day);
    g_strlcpy(out, day, COST_MONTH_TEXT);
}

/* ---- sums ---- */

static uint64_t beyond(uint64_t used, const struct plan *plan)
{
    return plan != NULL && used > plan->included ? used - plan->included : 0;
}

static money price_of(uint64_t overage, const struct plan *plan)
{
    return plan != NULL ? money_of(overage, plan->price_micros) : 0;
}

/* A day is what the month grew by: its own amount, rounded by itself, would not add up. */
static void add_day(struct cost_summary *summary, struct cost_day *day, uint64_t requests)
{
    uint64_t cumulative;
    const bool overflow = __builtin_add_overflow(summary->used, requests, &cumulative);
    g_assert(!overflow);
    uint64_t overage = beyond(cumulative, summary->plan);
    money amount = price_of(overage, summary->plan);
    *day = (struct cost_day){requests, cumulative, overage - summary->overage, amount - summary->amount};
    summary->used = cumulative;
    summary->overage = overage;
    summary->amount = amount;
}

static void project(struct cost_summary *summary)
{
    const struct cost_month *month = &summary->month;
    struct cost_projection *projected = &summary->projected;
    projected->used = forecast_end(summary->used, month->elapsed_ms, month->n_days * CIVIL_DAY_MS);
    projected->overage = beyond(projected->used, summary->plan);
    projected->amount = price_of(projected->overage, summary->plan);
}

void cost_summary_fill(struct cost_summary *summary, const struct cost_month *month, const struct plan *plan,
                       const uint64_t *requests)
{
    summary->month = *month;
    summary->plan = plan != NULL ? item_dup(&plan_shape, plan) : NULL;
    for (int i = 0; i < month->n_shown; i++)
        add_day(summary, &summary->days[i], requests[i]);
    summary->fair_use_exceeded = plan != NULL && plan->ceiling > 0 && summary->used > plan->ceiling;
    project(summary);
}

void cost_summary_clear(struct cost_summary *summary)
{
    item_free(&plan_shape, summary->plan);
    g_free(summary->organization);
    g_free(summary->client);
    g_free(summary->plan_name);
    *summary = (struct cost_summary){.kind = COST_NONE};
}

/* ---- writing ---- */

static void write_plan(struct writer *writer, const struct plan *plan)
{
    writer_begin(writer, "plan", '{');
    writer_text(writer, "name", view_of(plan->name));
    writer_text(writer, "title", view_of(plan->title));
    writer_text(writer, "currency", view_of(plan->currency));
    writer_count(writer, "included", plan->included);
    writer_count(writer, "priceMicros", plan->price_micros);
    writer_count(writer, "ceiling", plan->ceiling);
    writer_end(writer, '}');
}

static void write_fair_use(struct writer *writer, const struct cost_summary *summary)
{
    writer_begin(writer, "fairUse", '{');
    writer_count(writer, "ceiling", summary->plan->ceiling);
    writer_count(writer, "used", summary->used);
    writer_bool(writer, "exceeded", summary->fair_use_exceeded);
    writer_end(writer, '}');
}

static void write_projection(struct writer *writer, const struct cost_summary *summary)
{
    writer_begin(writer, "projected", '{');
    writer_count(writer, "used", summary->projected.used);
    if (summary->plan != NULL) {
        writer_count(writer, "overage", summary->projected.overage);
        money_write(writer, summary->projected.amount);
    }
    writer_end(writer, '}');
}

static void write_date(struct writer *writer, int64_t day)
{
    char text[CIVIL_TEXT_MAX];
    writer_text(writer, "date", view_make(text, civil_format_day(text, day)));
}

static void write_day(struct writer *writer, const struct cost_summary *summary, int i)
{
    const struct cost_day *day = &summary->days[i];
    writer_begin(writer, NULL, '{');
    write_date(writer, summary->month.first_day + i);
    writer_count(writer, "requests", day->requests);
    writer_count(writer, "cumulative", day->cumulative);
    if (summary->plan != NULL) {
        writer_count(writer, "overage", day->overage);
        money_write(writer, day->amount);
    }
    if (summary->month.provisional[i])
        writer_bool(writer, "provisional", true);
    else if (summary->month.revisions[i] > 0)
        writer_count(writer, "revision", (uint64_t)summary->month.revisions[i]);
    writer_end(writer, '}');
}

static void write_fields(struct writer *writer, const struct cost_summary *summary, const char *client_name)
{
    writer_text(writer, "kind", view_of(cost_kind_name(summary->kind)));
    writer_text(writer, "organization", view_of(summary->organization));
    if (summary->client != NULL)
        writer_text(writer, "clientId", view_of(summary->client));
    if (client_name != NULL)
        writer_text(writer, "clientName", view_of(client_name));
    if (summary->plan != NULL)
        write_plan(writer, summary->plan);
    else if (summary->kind == COST_UNPRICED && summary->plan_name != NULL)
        writer_text(writer, "unknownPlan", view_of(summary->plan_name));
    writer_count(writer, "used", summary->used);
    if (summary->plan != NULL) {
        writer_count(writer, "included", summary->plan->included);
        writer_count(writer, "overage", summary->overage);
        writer_text(writer, "currency", view_of(summary->plan->currency));
        money_write(writer, summary->amount);
    }
    if (summary->plan != NULL && summary->plan->ceiling > 0)
        write_fair_use(writer, summary);
    write_projection(writer, summary);
}

static void write_days(struct writer *writer, const struct cost_summary *summary)
{
    writer_begin(writer, "days", '[');
    for (int i = 0; i < summary->month.n_shown; i++)
        write_day(writer, summary, i);
    writer_end(writer, ']');
}

void costs_write_entity(struct writer *writer, const struct cost_summary *summary, const char *client_name, bool with_days)
{
    writer_begin(writer, NULL, '{');
    write_fields(writer, summary, client_name);
    if (with_days)
        write_days(writer, summary);
    writer_end(writer, '}');
}

void cost_month_write(struct writer *writer, const struct cost_month *month)
{
    char text[CIVIL_TEXT_MAX];
    int64_t from_ms = month->first_day * CIVIL_DAY_MS;
    cost_month_format(text, month);
    writer_text(writer, "month", view_of(text));
    writer_time(writer, "from", from_ms);
    writer_time(writer, "to", from_ms + month->n_days * CIVIL_DAY_MS);
    if (month->finalized_through != FINALITY_NONE)
        writer_text(writer, "finalizedThrough", view_make(text, civil_format_day(text, month->finalized_through)));
    else
        writer_null(writer, "finalizedThrough");
    writer_bool(writer, "provisional", !cost_month_is_final(month));
}

void costs_write(struct writer *writer, const char *key, const struct cost_summary *summary)
{
    if (summary->kind == COST_NONE) {
        writer_null(writer, key);
        return;
    }
    writer_begin(writer, key, '{');
    cost_month_write(writer, &summary->month);
    write_fields(writer, summary, NULL);
    write_days(writer, summary);
    writer_end(writer, '}');
}
