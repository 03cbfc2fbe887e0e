#include "api/report.h"

#include "lib/keys.h"

GQuark report_error_quark(void)
{
    return g_quark_from_static_string("daybook-report-error");
}

bool report_counts_add(struct report_counts *into, const struct report_counts *from)
{
    bool over = __builtin_add_overflow(into->requests, from->requests, &into->requests);
    over |= __builtin_add_overflow(into->status200, from->status200, &into->status200);
    over |= __builtin_add_overflow(into->status300, from->status300, &into->status300);
    over |= __builtin_add_overflow(into->status400, from->status400, &into->status400);
    over |= __builtin_add_overflow(into->status500, from->status500, &into->status500);
    over |= __builtin_add_overflow(into->status429, from->status429, &into->status429);
    return !over;
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
