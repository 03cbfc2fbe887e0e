#include "api/finality.h"

#include "api/members.h"
#include "lib/civil.h"
#include "lib/keys.h"
#include "lib/number.h"

void finality_clear(struct finality *finality)
{
    if (finality->closed != NULL)
        g_array_free(finality->closed, TRUE);
    *finality = (struct finality){.through = FINALITY_NONE};
}

/* ---- up to which day ---- */

int64_t finality_through(const struct ledger_index *index, const GArray *open_days, int64_t first_day)
{
    if (first_day < 0 && index->lines->len == 0)
        return FINALITY_NONE;
    if (first_day < 0)
        first_day = ledger_index_at(index, 0)->day;
    int64_t open = INT64_MAX;
    for (guint i = 0; i < open_days->len; i++) {
        int64_t day = g_array_index(open_days, int64_t, i);
        if (ledger_index_revision(index, day) == 0)
            open = MIN(open, day);
    }
    int64_t day = first_day;
    while (ledger_index_revision(index, day) > 0)
        day++;
    return MIN(day, open) - 1;
}

struct asking {
    struct reader *reader;
    int64_t first_ms; /* the least; -1: no partition has one */
    int64_t days_of_p0;
    GArray *open_days;
};

static void take_first(struct reader *reader, const struct redis_reply *reply, void *opaque, size_t partition, size_t b)
{
    (void)b;
    struct asking *asking = opaque;
    int64_t first_ms;
    if (redis_reply_kind(reply) == REDIS_NIL)
        return;
    if (!number_read_signed(redis_reply_text(reply), &first_ms) || first_ms < 0)
        reader_fail(reader, "The field first_ms of {p%zu}:meta is not a time in milliseconds.", partition);
    else if (asking->first_ms < 0 || first_ms < asking->first_ms)
        asking->first_ms = first_ms;
}

static void take_length(struct reader *reader, const struct redis_reply *reply, void *opaque, size_t a, size_t b)
{
    (void)reader, (void)a, (void)b;
    ((struct asking *)opaque)->days_of_p0 = redis_reply_integer(reply);
}

static void take_day(struct view name, struct view value, void *opaque, size_t a)
{
    (void)a;
    struct asking *asking = opaque;
    struct day_state state;
    uint64_t number;
    if (!number_read(name, &number) || number > (uint64_t)CLOSED_LAST_DAY || !day_state_read(value, &state)) {
        reader_fail(asking->reader, "A field of {p0}:days is not the state of a day.");
        return;
    }
    int64_t day = (int64_t)number;
    if (state.sealed > 0 && state.ledgered == 0)
        g_array_append_val(asking->open_days, day);
}

static void ask(struct asking *asking)
{
    struct reader *reader = asking->reader;
    char key[KEYS_MAX];
    for (int partition = 0; partition < reader_partitions(reader); partition++) {
        const struct view argv[] = {view_of("HGET"), view_make(key, keys_plain(key, partition, "meta")), view_of("first_ms")};
        reader_ask(reader, partition, argv, G_N_ELEMENTS(argv),
                   (struct reader_then){.take = take_first, .opaque = asking, .a = (size_t)partition});
    }
    const struct view argv[] = {view_of("HLEN"), view_make(key, keys_plain(key, 0, "days"))};
    reader_ask(reader, 0, argv, G_N_ELEMENTS(argv), (struct reader_then){.take = take_length, .opaque = asking});
}

static int64_t count_days(const struct ledger_index *index)
{
    int64_t n = 0;
    for (guint i = 0; i < index->lines->len; i++)
        n += i == 0 || ledger_index_at(index, i)->day != ledger_index_at(index, i - 1)->day;
    return n;
}

/* Days with events have buckets, until some time after their sheet; then they are in {p0}:days as well, which has every day of the
 * ledger: if it has no more than those, it need not be walked. */
bool finality_read(struct finality *finality, struct reader *reader, const struct ledger_index *index, const GArray *generations,
                   GError **error)
{
    g_autoptr(GArray) open_days = g_array_new(FALSE, FALSE, sizeof(int64_t));
    struct asking asking = {.reader = reader, .first_ms = -1, .open_days = open_days};
    *finality = (struct finality){.through = FINALITY_NONE};
    for (guint i = 0; i < generations->len; i++)
        g_array_append_val(open_days, g_array_index(generations, struct generation, i).day);
    ask(&asking);
    if (!reader_finish(reader, error))
        return false;
    if (asking.days_of_p0 != count_days(index)) {
        char key[KEYS_MAX];
        keys_plain(key, 0, "days");
        reader_scan(reader, 0, "HSCAN", key, NULL, (struct reader_pairs){.each = take_day, .opaque = &asking});
        if (!reader_finish(reader, error))
            return false;
    }
    finality->through = finality_through(index, open_days, asking.first_ms < 0 ? -1 : asking.first_ms / CIVIL_DAY_MS);
    return true;
}

/* ---- the days of a window ---- */

static void reopen(struct finality *finality, const struct ledger_index *index, int64_t day, int revision)
{
    if (day >= finality->first_day && day - finality->first_day < finality->closed->len &&
        revision > ledger_index_revision(index, day))
        g_array_index(finality->closed, bool, day - finality->first_day) = false;
}

void finality_look(struct finality *finality, const struct ledger_index *index, const GArray *generations,
                   const struct closed *closed, int64_t first_day, int64_t last_day)
{
    finality->first_day = first_day;
    finality->closed = g_array_new(FALSE, TRUE, sizeof(bool));
    for (int64_t day = first_day; day <= last_day; day++) {
        bool is_closed = day <= finality->through || ledger_index_revision(index, day) > 0;
        g_array_append_val(finality->closed, is_closed);
    }
    for (guint i = 0; i < generations->len; i++) {
        const struct generation *generation = &g_array_index(generations, struct generation, i);
        reopen(finality, index, generation->day, generation->revision);
    }
    for (guint i = 0; i < closed->sheets->len; i++) {
        const struct sheet_name *name = &g_array_index(closed->sheets, struct sheet_want, i).name;
        reopen(finality, index, name->day, name->revision);
    }
}

bool finality_covers(const struct finality *finality, int64_t from_ms, int64_t to_ms)
{
    int64_t first = civil_divide(from_ms, CIVIL_DAY_MS), last = civil_divide(to_ms - 1, CIVIL_DAY_MS);
    if (finality == NULL || finality->closed == NULL)
        return false;
    for (int64_t day = first; day <= last; day++)
        if (day < finality->first_day || day - finality->first_day >= finality->closed->len ||
            !g_array_index(finality->closed, bool, day - finality->first_day))
            return false;
    return true;
}
