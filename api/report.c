/* report: walks the days of the periods, in order, and hands out each period as soon as no later day touches it. */
#include "api/report.h"

#include "api/report_scan.h"
#include "lib/keys.h"

GQuark report_error_quark(void)
{
    return g_quark_from_static_string("daybook-report-error");
}

bool report_counts_add(struct report_counts *into, const struct report_counts *from)
{
    return !(__builtin_add_overflow(into->requests, from->requests, &into->requests) |
             __builtin_add_overflow(into->status200, from->status200, &into->status200) |
             __builtin_add_overflow(into->status300, from->status300, &into->status300) |
             __builtin_add_overflow(into->status400, from->status400, &into->status400) |
             __builtin_add_overflow(into->status500, from->status500, &into->status500) |
             __builtin_add_overflow(into->status429, from->status429, &into->status429));
}

void report_question_clear(struct report_question *question)
{
    for (unsigned bit = 0; bit < REPORT_NAMES; bit++)
        g_clear_pointer(&question->filter.names[bit], g_ptr_array_unref);
    g_clear_pointer(&question->periods, g_array_unref);
}

/* ---- which sheets ---- */

static const struct report_period *period_at(const struct report_question *question, guint i)
{
    return &g_array_index(question->periods, struct report_period, i);
}

/* Sheets of the days that the periods touch, in order. */
static GPtrArray *sheets_of(const struct report_question *question)
{
    GPtrArray *sheets = g_ptr_array_new();
    guint period = 0;
    for (guint i = 0; i < question->days->days->len; i++) {
        const struct closed_day *day = &g_array_index(question->days->days, struct closed_day, i);
        const int64_t first_slot = day->day * KEYS_SLOTS_PER_DAY;
        while (period < question->periods->len && period_at(question, period)->to_slot <= first_slot)
            period++;
        if (period == question->periods->len)
            break;
        if (period_at(question, period)->from_slot >= first_slot + KEYS_SLOTS_PER_DAY || day->state != DAY_CLOSED)
            continue;
        for (guint k = 0; k < day->sheets->len; k++)
            g_ptr_array_add(sheets, g_ptr_array_index(day->sheets, k));
    }
    return sheets;
}

uint64_t report_cost(const struct report_question *question)
{
    g_autoptr(GPtrArray) sheets = sheets_of(question);
    uint64_t rows = 0;
    for (guint i = 0; i < sheets->len; i++)
        rows += ((const struct sheet_want *)g_ptr_array_index(sheets, i))->rows;
    return rows;
}

/* ---- running ---- */

struct run {
    const struct report_question *question;
    const struct report_place *place;
    struct report_sink sink;
    struct report_scan *scan;
    GPtrArray *tables; /* struct report_table, by period from `period` on */
    guint period;      /* the next to be handed out */
    bool stopped;
    GError *error;
};

static struct report_table *table_of(struct run *run, guint period)
{
    while (run->tables->len <= period - run->period)
        g_ptr_array_add(run->tables, report_table_new(run->question->groups_max));
    return g_ptr_array_index(run->tables, period - run->period);
}

static void hand_out(struct run *run)
{
    struct report_row row = {.period = run->period};
    if (run->tables->len > 0) {
        struct report_table *table = g_ptr_array_index(run->tables, 0);
        report_table_sort(table, run->question->top);
        for (uint32_t i = 0; !run->stopped && i < report_table_rows(table); i++) {
            report_table_get(table, i, &row);
            run->stopped = !run->sink.row(&row, run->sink.opaque);
        }
        g_ptr_array_remove_index(run->tables, 0);
    }
    run->period++;
}

static bool is_cancelled(struct run *run)
{
    if (run->place->cancelled == NULL || !g_atomic_int_get(run->place->cancelled))
        return false;
    g_set_error(&run->error, REPORT_ERROR, REPORT_ERROR_CANCELLED, "The question was cancelled.");
    return true;
}

static bool scan_sheet(struct sheet_want *want, const struct sheet *sheet, void *opaque)
{
    struct run *run = opaque;
    struct report_part parts[KEYS_SLOTS_PER_DAY];
    uint32_t n = 0;
    const int64_t first = want->name.day * KEYS_SLOTS_PER_DAY, end = first + KEYS_SLOTS_PER_DAY;
    while (!run->stopped && run->period < run->question->periods->len && period_at(run->question, run->period)->to_slot <= first)
        hand_out(run);
    if (run->stopped || is_cancelled(run))
        return false;
    for (guint i = run->period; i < run->question->periods->len && period_at(run->question, i)->from_slot < end; i++) {
        const struct report_period *period = period_at(run->question, i);
        parts[n++] = (struct report_part){.table = table_of(run, i),
                                          .from_slot = (uint32_t)(MAX(period->from_slot, first) - first),
                                          .to_slot = (uint32_t)(MIN(period->to_slot, end) - first)};
    }
    return report_scan_sheet(run->scan, sheet, parts, n, &run->error);
}

static void check_periods(const struct report_question *question)
{
    for (guint i = 0; i < question->periods->len; i++) {
        const struct report_period *period = period_at(question, i);
        g_assert(period->from_slot < period->to_slot);
        g_assert(i == 0 || period_at(question, i - 1)->to_slot <= period->from_slot);
    }
}

bool report_run(const struct report_question *question, const struct report_place *place, struct report_sink sink, GError **error)
{
    check_periods(question);
    g_autoptr(GPtrArray) sheets = sheets_of(question);
    struct run run = {.question = question, .place = place, .sink = sink};
    run.scan = report_scan_new(question);
    run.tables = g_ptr_array_new_with_free_func((GDestroyNotify)report_table_free);
    bool ok = sheets_visit(place->sheets, place->reader, sheets, (struct sheets_visit){scan_sheet, &run}, &run.error);
    while (ok && run.error == NULL && !run.stopped && run.period < question->periods->len)
        hand_out(&run);
    g_ptr_array_free(run.tables, TRUE);
    report_scan_free(run.scan);
    if (run.error == NULL)
        return true;
    g_propagate_error(error, run.error);
    return false;
}
