#include "api/report_ask.h"

#include "api/report_table.h"

/* ---- questions ---- */

static struct report_question begin_question(const struct report_ask *ask, uint32_t group)
{
    struct report_question question = {.group = group, .days = ask->days, .groups_max = ask->groups_max};
    for (unsigned i = 0; i < REPORT_NAMES; i++)
        question.filter.names[i] = ask->filter.names[i] != NULL ? g_ptr_array_ref(ask->filter.names[i]) : NULL;
    return question;
}

static GArray *periods_of_days(const struct report_range *range)
{
    GArray *periods = g_array_sized_new(FALSE, FALSE, sizeof(struct report_period), range->days->len);
    for (guint i = 0; i < range->days->len; i++) {
        const struct zone_period *day = &g_array_index(range->days, struct zone_period, i);
        struct report_period period = {day->from_slot, day->to_slot};
        g_array_append_val(periods, period);
    }
    return periods;
}

uint64_t report_ask_cost(const struct report_ask *ask)
{
    if (ask->days == NULL)
        return 0;
    struct report_question question = begin_question(ask, 0);
    question.periods = g_array_ref(ask->range->runs);
    uint64_t cost = report_cost(&question);
    report_question_clear(&question);
    return cost;
}

/* ---- day by day ---- */

struct by_day {
    struct report_sink sink;
    uint32_t next; /* the day after the last that was handed out */
    bool stopped;
};

static bool hand_out_empty(struct by_day *by_day, uint32_t end)
{
    for (; by_day->next < end && !by_day->stopped; by_day->next++) {
        const struct report_row empty = {.period = by_day->next};
        by_day->stopped = !by_day->sink.row(&empty, by_day->sink.opaque);
    }
    return !by_day->stopped;
}

static bool take_day(const struct report_row *row, void *opaque)
{
    struct by_day *by_day = opaque;
    if (!hand_out_empty(by_day, row->period))
        return false;
    by_day->next = row->period + 1;
    by_day->stopped = !by_day->sink.row(row, by_day->sink.opaque);
    return !by_day->stopped;
}

bool report_ask_days(const struct report_ask *ask, struct report_sink sink, GError **error)
{
    struct by_day by_day = {.sink = sink};
    if (ask->range->days->len == 0)
        return true;
    struct report_question question = begin_question(ask, 0);
    question.periods = periods_of_days(ask->range);
    bool ok = report_run(&question, ask->place, (struct report_sink){take_day, &by_day}, error);
    report_question_clear(&question);
    if (ok)
        hand_out_empty(&by_day, ask->range->days->len);
    return ok;
}

/* ---- groups ---- */

struct groups {
    struct report_sink sink;
    uint32_t top;
    uint64_t n;
    bool stopped;
    struct report_table *table; /* of several runs */
    GError *error;
};

static bool hand_out(struct groups *groups, const struct report_row *row)
{
    groups->n++;
    if (!groups->stopped && (groups->top == 0 || groups->n <= groups->top))
        groups->stopped = !groups->sink.row(row, groups->sink.opaque);
    return !groups->stopped;
}

static bool take_group(const struct report_row *row, void *opaque)
{
    struct groups *groups = opaque;
    if (groups->table == NULL)
        return hand_out(groups, row);
    struct report_addend addend = {.counts = row->counts};
    for (unsigned i = 0; i < REPORT_NAMES; i++)
        addend.key.names[i] = report_table_name(groups->table, row->names[i]);
    return report_table_add(groups->table, &addend, 1, &groups->error);
}

static void hand_out_table(struct groups *groups)
{
    report_table_sort(groups->table, 0);
    for (uint32_t i = 0; i < report_table_rows(groups->table); i++) {
        struct report_row row = {.period = 0};
        report_table_get(groups->table, i, &row);
        if (!hand_out(groups, &row))
            return;
    }
}

bool report_ask_groups(const struct report_ask *ask, uint32_t group, uint32_t top, struct report_sink sink, uint64_t *n,
                       GError **error)
{
    struct groups groups = {.sink = sink, .top = top};
    *n = 0;
    if (ask->range->runs->len == 0)
        return true;
    struct report_question question = begin_question(ask, group);
    question.periods = g_array_ref(ask->range->runs);
    if (question.periods->len > 1)
        groups.table = report_table_new(ask->groups_max);
    bool ok = report_run(&question, ask->place, (struct report_sink){take_group, &groups}, error);
    report_question_clear(&question);
    if (groups.error != NULL) {
        g_propagate_error(error, groups.error);
        ok = false;
    }
    if (ok && groups.table != NULL)
        hand_out_table(&groups);
    report_table_free(groups.table);
    *n = groups.n;
    return ok;
}
