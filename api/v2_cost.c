#include "api/v2_cost.h"

enum {
    SHEET_NS = 3000,       /* a sheet that has nothing of it; with a filter by client that is all there is to do with most */
    ROW_NS = 40,           /* a row that is added to one of a few groups */
    WIDE_ROW_NS = 500,     /* to one of as many groups as there are rows */
    COLD_SHEET_NS = 50000, /* one that is to be read and opened first */
    COLD_ROW_NS = 500,     /* a row of it */
    FILTER_CLIENTS = 16,   /* up to so many clients are looked up, rather than all rows looked at */
};

static bool is_in_memory(struct sheets *sheets, const struct sheet_want *want)
{
    struct sheets_hold *hold = sheets_acquire(sheets, want);
    if (hold != NULL)
        sheets_release(sheets, hold);
    return hold != NULL;
}

/* Users and combinations of names make many groups. */
static uint64_t row_ns(const struct report_question *question)
{
    const GPtrArray *clients = question->filter.names[0];
    uint32_t group = question->group;
    if (clients != NULL && clients->len <= FILTER_CLIENTS)
        return 1;
    bool wide = (group & REPORT_USER) != 0 || ((group & REPORT_CLIENT) != 0 && (group & REPORT_TEMPLATE) != 0);
    return wide ? WIDE_ROW_NS : ROW_NS;
}

uint64_t v2_cost_us(const struct report_question *question, struct sheets *sheets, uint64_t most_us)
{
    const GArray *days = question->days->days;
    uint64_t each_ns = row_ns(question), ns = 0;
    for (guint i = 0; i < days->len; i++) {
        const struct closed_day *day = &g_array_index(days, struct closed_day, i);
        for (guint k = 0; day->state == DAY_CLOSED && k < day->sheets->len && ns / 1000 < most_us; k++) {
            const struct sheet_want *want = day->sheets->pdata[k];
            ns += SHEET_NS + want->rows * each_ns;
            if (!is_in_memory(sheets, want))
                ns += COLD_SHEET_NS + want->rows * (uint64_t)COLD_ROW_NS;
        }
    }
    return MIN(ns / 1000, most_us);
}
