/* day_table: see day_table.h. */
#include "cli/day_table.h"

#include "lib/civil.h"
#include "lib/keys.h"
#include "lib/number.h"

static void row_free(gpointer pointer)
{
    struct day_row *row = pointer;

    g_free(row->parts);
    g_free(row);
}

static int by_day(gconstpointer a, gconstpointer b)
{
    int64_t x = (*(const struct day_row *const *)a)->day;
    int64_t y = (*(const struct day_row *const *)b)->day;

    return x < y ? -1 : x > y;
}

/* ---- reading ---- */

struct table_reader {
    struct day_table *table;
    GHashTable *rows; /* day (int64_t *) -> struct day_row */
    int partition;
};

static struct day_part *part_of(struct table_reader *reader, int64_t day)
{
    struct day_row *row = g_hash_table_lookup(reader->rows, &day);

    if (!row) {
        row = g_new0(struct day_row, 1);
        row->day = day;
        row->parts = g_new0(struct day_part, (gsize)reader->table->n_partitions);
        g_hash_table_insert(reader->rows, &row->day, row);
        g_ptr_array_add(reader->table->rows, row);
    }
    return &row->parts[reader->partition];
}

static bool bad(const struct table_reader *reader, const char *kind, struct view field, struct view text, GError **error)
{
    g_set_error(error, REDIS_ERROR, REDIS_ERROR_REPLY, "field '%.*s' of {p%d}:%s in Redis is '%.*s': it cannot be understood",
                (int)field.size, field.data, reader->partition, kind, (int)text.size, text.data);
    return false;
}

static bool take_state(struct table_reader *reader, struct view field, struct view text, GError **error)
{
    struct day_state state;
    int64_t day;

    if (!number_read_signed(field, &day) || !day_state_read(text, &state))
        return bad(reader, "days", field, text, error);
    part_of(reader, day)->state = state;
    return true;
}

static bool take_open(struct table_reader *reader, struct view field, struct view text, GError **error)
{
    struct open_day open;
    int64_t day;
    int revision;

    if (!generation_read(field, &day, &revision) || !open_day_read(text, &open))
        return bad(reader, "open", field, text, error);
    if (open.events > 0)
        part_of(reader, day)->open_events += open.events;
    return true;
}

static bool take_all(struct table_reader *reader, struct shards *shards, const char *kind,
                     bool (*take)(struct table_reader *, struct view, struct view, GError **), GError **error)
{
    struct redis_reply *reply = shards_hash(shards, reader->partition, kind, error);
    bool ok = reply != NULL;

    for (size_t i = 0; ok && i + 1 < redis_reply_count(reply); i += 2)
        ok = take(reader, redis_reply_text(redis_reply_at(reply, i)), redis_reply_text(redis_reply_at(reply, i + 1)), error);
    redis_reply_free(reply);
    return ok;
}

static bool take_first(struct table_reader *reader, struct shards *shards, GError **error)
{
    struct redis *redis = shards_get(shards, reader->partition, error);
    char key[KEYS_MAX];
    int64_t first_ms;

    keys_plain(key, reader->partition, "meta");
    struct redis_reply *reply = redis ? redis_call(redis, error, "HGET %s first_ms", key) : NULL;
    if (!reply)
        return false;
    if (number_read_signed(redis_reply_text(reply), &first_ms)) {
        int64_t day = civil_divide(first_ms, KEYS_DAY_MS);
        int64_t *first = &reader->table->first_day;
        *first = *first < 0 ? day : MIN(*first, day);
    }
    redis_reply_free(reply);
    return true;
}

struct day_table *day_table_read(struct shards *shards, GError **error)
{
    struct day_table *table = g_new0(struct day_table, 1);
    g_autoptr(GHashTable) rows = g_hash_table_new(g_int64_hash, g_int64_equal);
    struct table_reader reader = {table, rows, 0};
    bool ok = true;

    table->n_partitions = shards_count(shards);
    table->rows = g_ptr_array_new_with_free_func(row_free);
    table->first_day = -1;
    /* Partition 0 last: what it says of the ledger is then no older than what the others say of their sheets. */
    for (reader.partition = table->n_partitions - 1; ok && reader.partition >= 0; reader.partition--)
        ok = take_all(&reader, shards, "open", take_open, error) && take_all(&reader, shards, "days", take_state, error) &&
             take_first(&reader, shards, error);
    g_ptr_array_sort(table->rows, by_day);
    if (ok)
        return table;
    day_table_free(table);
    return NULL;
}

void day_table_free(struct day_table *table)
{
    if (!table)
        return;
    g_ptr_array_unref(table->rows);
    g_free(table);
}

const struct day_row *day_table_find(const struct day_table *table, int64_t day)
{
    for (guint i = 0; i < table->rows->len; i++) {
        const struct day_row *row = g_ptr_array_index(table->rows, i);
        if (row->day == day)
            return row;
    }
    return NULL;
}

/* ---- what is closed ---- */

/* Events or seals: more than a line in the books, such as a record that was quarantined on that day. */
static bool has_content(const struct day_table *table, const struct day_row *row)
{
    for (int i = 0; i < table->n_partitions; i++) {
        if (row->parts[i].state.sealed > 0 || row->parts[i].open_events > 0)
            return true;
    }
    return false;
}

bool day_table_finalized(const struct day_table *table, int64_t *day)
{
    if (table->first_day < 0)
        return false;
    for (guint i = 0; i < table->rows->len; i++) {
        const struct day_row *row = g_ptr_array_index(table->rows, i);
        if (row->day >= table->first_day)
            break;
        if (day_row_ledgered(row) == 0 && has_content(table, row)) {
            *day = row->day - 1;
            return true;
        }
    }
    for (*day = table->first_day;; ++*day) {
        const struct day_row *row = day_table_find(table, *day);
        if (row && day_row_ledgered(row) > 0)
            continue;
        --*day;
        return true;
    }
}

int day_row_ledgered(const struct day_row *row)
{
    return row->parts[0].state.ledgered;
}

int day_row_sealed(const struct day_table *table, const struct day_row *row)
{
    int sealed = 0;

    for (int i = 0; i < table->n_partitions; i++)
        sealed = MAX(sealed, row->parts[i].state.sealed);
    return sealed;
}

int day_row_target(const struct day_table *table, const struct day_row *row)
{
    int sealed = day_row_sealed(table, row);
    /* What is on its way to the ledger takes in what came to the partitions that are behind. */
    bool decided = day_row_ledgered(row) < sealed;

    for (int i = 0; i < table->n_partitions; i++) {
        const struct day_part *part = &row->parts[i];
        if (part->open_events > 0 && (part->state.sealed == sealed || !decided))
            return sealed + 1;
    }
    return MAX(1, sealed);
}

/* "partition 2", "partitions 2, 5 and 3 more". */
static void append_partitions(GString *text, const GArray *partitions)
{
    enum { NAMED = 4 };

    g_string_append(text, partitions->len == 1 ? "partition" : "partitions");
    for (guint i = 0; i < MIN(partitions->len, (guint)NAMED); i++)
        g_string_append_printf(text, "%s %d", i ? "," : "", g_array_index(partitions, int, i));
    if (partitions->len > NAMED)
        g_string_append_printf(text, " and %u more", partitions->len - NAMED);
}

char *day_row_waits_for(const struct day_table *table, const struct day_row *row, int revision)
{
    g_autoptr(GArray) unsealed = g_array_new(FALSE, FALSE, sizeof(int));
    g_autoptr(GArray) unsheeted = g_array_new(FALSE, FALSE, sizeof(int));
    g_autoptr(GString) text = g_string_new(NULL);

    if (day_row_ledgered(row) >= revision)
        return NULL;
    for (int i = 0; i < table->n_partitions; i++) {
        const struct day_state *state = &row->parts[i].state;
        if (state->sealed < revision)
            g_array_append_val(unsealed, i);
        else if (state->sheeted < revision)
            g_array_append_val(unsheeted, i);
    }
    if (unsealed->len > 0) {
        g_string_append(text, "the seal in ");
        append_partitions(text, unsealed);
    } else if (unsheeted->len > 0) {
        g_string_append(text, "the sheet of ");
        append_partitions(text, unsheeted);
    } else {
        g_string_append(text, "its entry in the ledger");
    }
    return g_strdup(text->str);
}
