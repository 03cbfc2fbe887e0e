#include "api/closed_days.h"

#include "api/members.h"

bool pin_read(struct pin *pin, struct reader *reader, struct ledger_index *index, GError **error)
{
    struct finality finality;
    GArray *generations = members_generations(reader, error); /* after the index: what was counted since then is in these */
    if (generations == NULL)
        return false;
    bool ok = finality_read(&finality, reader, index, generations, error);
    g_array_free(generations, TRUE);
    if (!ok)
        return false;
    *pin = (struct pin){.n = index->n, .through = finality.through};
    finality_clear(&finality);
    return true;
}

/* ---- days ---- */

static struct closed_days *days_new(struct pin pin, int64_t first_day, int64_t last_day)
{
    g_assert(first_day >= 0 && last_day >= first_day && last_day < CLOSED_DAYS_MAX);
    struct closed_days *days = g_new0(struct closed_days, 1);
    days->pin = pin;
    days->first_day = first_day;
    days->days = g_array_sized_new(FALSE, TRUE, sizeof(struct closed_day), (guint)(last_day - first_day + 1));
    for (int64_t day = first_day; day <= last_day; day++) {
        const struct closed_day empty = {.day = day, .state = day <= pin.through ? DAY_EMPTY : DAY_NOT_CLOSED};
        g_array_append_val(days->days, empty);
    }
    return days;
}

void closed_days_free(struct closed_days *days)
{
    if (days == NULL)
        return;
    for (guint i = 0; i < days->days->len; i++)
        g_clear_pointer(&g_array_index(days->days, struct closed_day, i).sheets, g_ptr_array_unref);
    g_array_free(days->days, TRUE);
    g_free(days);
}

const struct closed_day *closed_days_get(const struct closed_days *days, int64_t day)
{
    if (day < days->first_day || day - days->first_day >= days->days->len)
        return NULL;
    return &g_array_index(days->days, struct closed_day, day - days->first_day);
}

/* Positions of the lines that count: of each day the last one that is not behind the pin. */
static GArray *positions_of(const struct ledger_index *index, struct pin pin, int64_t first_day, int64_t last_day)
{
    GArray *positions = g_array_new(FALSE, FALSE, sizeof(guint));
    const guint end = ledger_index_find(index, last_day + 1, 0);
    int64_t day = -1;
    for (guint i = ledger_index_find(index, first_day, 0); i < end; i++) {
        const struct ledger_line *line = ledger_index_at(index, i);
        if (line->n > pin.n)
            continue;
        if (line->day == day)
            g_array_set_size(positions, positions->len - 1);
        g_array_append_val(positions, i);
        day = line->day;
    }
    return positions;
}

static void close_day(struct closed_days *days, const struct ledger_closing *closing)
{
    struct closed_day *day = &g_array_index(days->days, struct closed_day, closing->summary.day - days->first_day);
    *day = (struct closed_day){
        .day = closing->summary.day,
        .state = DAY_CLOSED,
        .revision = closing->summary.revision,
        .complete = closing->summary.complete,
        .events = closing->summary.events,
        .entry = {.n = closing->summary.n, .partitions = closing->summary.partitions},
        .sheets = closing->sheets,
    };
    memcpy(day->entry.checksum, closing->summary.checksum, sizeof day->entry.checksum);
}

struct closed_days *closed_days_read(const struct ledger_place *place, struct pin pin, int64_t first_day, int64_t last_day,
                                     GError **error)
{
    if (pin.n > place->index->n) {
        g_set_error(error, READER_ERROR, READER_ERROR_CHANGED,
                    "The ledger has %" G_GUINT64_FORMAT " entries, and the answer was begun with %" G_GUINT64_FORMAT
                    ": Redis was put back, or is behind.",
                    place->index->n, pin.n);
        return NULL;
    }
    g_autoptr(GArray) positions = positions_of(place->index, pin, first_day, last_day);
    g_autofree struct ledger_closing *closings = g_new0(struct ledger_closing, positions->len + 1);
    const bool ok = ledger_read_closings(place, (const guint *)(gconstpointer)positions->data, positions->len, closings, error);
    struct closed_days *days = ok ? days_new(pin, first_day, last_day) : NULL;
    for (guint i = 0; i < positions->len; i++)
        if (ok)
            close_day(days, &closings[i]);
        else
            g_clear_pointer(&closings[i].sheets, g_ptr_array_unref);
    return days;
}

bool closed_days_bounds(const struct ledger_index *index, struct pin pin, int64_t *first, int64_t *last)
{
    bool found = false;
    for (guint i = 0; i < index->lines->len; i++) {
        const struct ledger_line *line = ledger_index_at(index, i);
        if (line->n > pin.n)
            continue;
        if (!found)
            *first = line->day;
        *last = line->day;
        found = true;
    }
    return found;
}
