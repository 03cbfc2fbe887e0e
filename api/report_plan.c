#include "api/report_plan.h"

#include "lib/keys.h"

enum { CLIENTS_MAX = 16 }; /* of whom it is worth asking where they are */
enum { KNOWN = 0 };        /* unit.unknown: where the clients of its day are is known */

/* A day of which it is to be learned where its clients are. */
struct unknown {
    const struct closed_entry *entry;
    guint left; /* sheets that were not looked at */
    bool fits;  /* the others */
};

struct planning {
    const struct report_question *question;
    struct report_plan *plan;
    bool of_clients;
};

static const struct report_period *period_at(const struct report_question *question, guint i)
{
    return &g_array_index(question->periods, struct report_period, i);
}

/* Whether the question is about few clients whose organization is known. */
static bool is_of_clients(const struct report_question *question)
{
    const GPtrArray *clients = question->filter.names[0], *organizations = question->filter.names[1];
    if (clients == NULL || organizations == NULL || (uint64_t)clients->len * organizations->len > CLIENTS_MAX)
        return false;
    for (guint i = 0; i < clients->len; i++)
        if (g_str_equal(g_ptr_array_index(clients, i), KEYS_OTHER))
            return false;
    return true;
}

/* Whether one of the clients can be in that sheet, of a day whose clients are where they belong. */
static bool may_have(const struct report_question *question, const struct sheet_want *want, uint32_t partitions)
{
    const GPtrArray *clients = question->filter.names[0], *organizations = question->filter.names[1];
    for (guint i = 0; i < clients->len; i++)
        for (guint k = 0; k < organizations->len; k++)
            if (partition_of(view_of(g_ptr_array_index(organizations, k)), view_of(g_ptr_array_index(clients, i)), partitions) ==
                (uint32_t)want->name.partition)
                return true;
    return false;
}

static void list_sheets(const struct planning *planning, const struct closed_day *day, struct report_unit unit)
{
    struct report_plan *plan = planning->plan;
    const bool known = placement_knows(plan->placement, &day->entry);
    if (!known) {
        const struct unknown unknown = {&day->entry, day->sheets->len, true};
        g_array_append_val(plan->unknown, unknown);
    }
    unit.unknown = known ? KNOWN : plan->unknown->len;
    for (guint i = 0; i < day->sheets->len; i++) {
        unit.want = g_ptr_array_index(day->sheets, i);
        if (known && planning->of_clients && !may_have(planning->question, unit.want, day->entry.partitions))
            continue;
        g_array_append_val(plan->units, unit);
        for (guint period = unit.first_period; period < unit.end_period; period++)
            plan->n_units[period]++;
    }
}

/* Days and periods both ascend. */
static void list_days(const struct planning *planning)
{
    const struct report_question *question = planning->question;
    const guint n_periods = question->periods->len;
    struct report_unit unit = {.want = NULL};
    for (guint i = 0; i < question->days->days->len; i++) {
        const struct closed_day *day = &g_array_index(question->days->days, struct closed_day, i);
        const int64_t first = day->day * KEYS_SLOTS_PER_DAY, end = first + KEYS_SLOTS_PER_DAY;
        while (unit.first_period < n_periods && period_at(question, unit.first_period)->to_slot <= first)
            unit.first_period++;
        while (unit.end_period < n_periods && period_at(question, unit.end_period)->from_slot < end)
            unit.end_period++;
        if (unit.first_period < unit.end_period && day->state == DAY_CLOSED)
            list_sheets(planning, day, unit);
    }
}

static void check_periods(const struct report_question *question)
{
    for (guint i = 0; i < question->periods->len; i++) {
        g_assert(period_at(question, i)->from_slot < period_at(question, i)->to_slot);
        g_assert(i == 0 || period_at(question, i - 1)->to_slot <= period_at(question, i)->from_slot);
    }
}

void report_plan_init(struct report_plan *plan, const struct report_question *question, struct placement *placement)
{
    const struct planning planning = {question, plan, is_of_clients(question)};
    check_periods(question);
    plan->units = g_array_new(FALSE, FALSE, sizeof(struct report_unit));
    plan->n_units = g_new0(guint, (gsize)question->periods->len + 1);
    plan->unknown = g_array_new(FALSE, FALSE, sizeof(struct unknown));
    plan->placement = placement;
    g_mutex_init(&plan->lock);
    list_days(&planning);
}

void report_plan_clear(struct report_plan *plan)
{
    g_array_free(plan->units, TRUE);
    g_array_free(plan->unknown, TRUE);
    g_free(plan->n_units);
    g_mutex_clear(&plan->lock);
}

void report_plan_learn(struct report_plan *plan, const struct report_unit *unit, const struct sheet *sheet)
{
    if (unit->unknown == KNOWN)
        return;
    struct unknown *unknown = &g_array_index(plan->unknown, struct unknown, unit->unknown - 1);
    const bool fits = placement_fits(sheet, unknown->entry->partitions);
    g_mutex_lock(&plan->lock);
    unknown->fits = unknown->fits && fits;
    const bool all_fit = --unknown->left == 0 && unknown->fits;
    g_mutex_unlock(&plan->lock);
    if (all_fit)
        placement_learn(plan->placement, unknown->entry);
}
