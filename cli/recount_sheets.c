/* recount_sheets: see recount_sheets.h. */
#include "cli/recount_sheets.h"

#include "lib/keys.h"
#include "lib/ledger.h"
#include "lib/number.h"
#include "lib/sheet.h"
#include "lib/sheet_fetch.h"

struct recount_sheets {
    int n_partitions;
    GHashTable **revisions; /* by partition: day (int64_t *) -> revision */
    size_t n;
    /* While it reads. */
    struct archive *archive;
    struct names *names;
    struct counts *counts;
    GString *scratch;
};

/* ---- one sheet ---- */

static const char *text_of(const struct recount_sheets *sheets, const struct sheet *sheet, uint32_t symbol)
{
    return names_get(sheets->names, sheet_symbol(sheet, symbol));
}

/* METHOD " " template; without a method the template alone, which is how KEYS_OTHER stands there. */
static const char *route_of(const struct recount_sheets *sheets, const struct sheet_rows *rows, uint32_t route)
{
    struct view method = sheet_symbol(rows->sheet, rows->method[route]);
    struct view template = sheet_symbol(rows->sheet, rows->template[route]);

    g_string_truncate(sheets->scratch, 0);
    if (method.size > 0) {
        g_string_append_len(sheets->scratch, method.data, (gssize)method.size);
        g_string_append_c(sheets->scratch, ' ');
    }
    g_string_append_len(sheets->scratch, template.data, (gssize) template.size);
    return names_get(sheets->names, view_make(sheets->scratch->str, sheets->scratch->len));
}

static void add_client(struct recount_sheets *sheets, struct sheet_rows *rows, const struct sheet *sheet, uint32_t number)
{
    sheet_rows_read(rows, sheet, number);
    g_autofree const char **routes = g_new(const char *, rows->n_routes + 1);
    struct counts_key key = {
        .day = sheet_header(sheet)->day,
        .organization = text_of(sheets, sheet, rows->organization),
        .client = text_of(sheets, sheet, rows->client),
    };

    for (uint32_t i = 0; i < rows->n_routes; i++)
        routes[i] = route_of(sheets, rows, i);
    for (uint32_t i = 0; i < rows->n_rows; i++) {
        key.route = routes[rows->route[i]];
        for (uint32_t k = rows->status_at[i]; k < rows->status_at[i + 1]; k++) {
            key.status = rows->statuses[k].key;
            counts_add(sheets->counts, &key, rows->statuses[k].count);
        }
    }
}

static bool add_sheet(struct recount_sheets *sheets, struct redis *redis, const struct sheet_name *name, const uint8_t *checksum,
                      GError **error)
{
    g_autoptr(GBytes) bytes = sheet_fetch(redis, sheets->archive, name, checksum, NULL, error);
    struct sheet *sheet = bytes ? sheet_open(bytes, error) : NULL;
    struct sheet_rows rows = {0};

    if (!sheet)
        return false;
    for (uint32_t i = 0; i < sheet_client_count(sheet); i++)
        add_client(sheets, &rows, sheet, i);
    sheet_rows_clear(&rows);
    sheet_free(sheet);
    sheets->n++;
    return true;
}

/* ---- one partition ---- */

/* What the partition says of a day and revision; NULL without an error: it has no sheet of it. */
static struct partition_day *read_closed(struct redis *redis, const struct sheet_name *name, GError **error)
{
    char key[KEYS_MAX];
    g_autofree char *generation = g_strdup_printf("%" G_GINT64_FORMAT ".%d", name->day, name->revision);

    keys_plain(key, name->partition, "closed");
    struct redis_reply *reply = redis_call(redis, error, "HGET %s %s", key, generation);
    if (!reply)
        return NULL;
    struct partition_day *said = redis_reply_kind(reply) == REDIS_NIL ? NULL : partition_day_parse(redis_reply_text(reply), error);
    redis_reply_free(reply);
    if (!said || said->has_sheet)
        return said;
    partition_day_free(said);
    return NULL;
}

/* The newest sheet of the day, if there is one. A flush writes the day's state before the checksum of its sheet: in between, the
 * sheet is not there yet, and its buckets are. */
static bool take_sheet(struct recount_sheets *sheets, struct redis *redis, struct sheet_name name, GError **error)
{
    struct partition_day *said = NULL;
    g_autoptr(GError) cause = NULL;

    for (; name.revision > 0 && !cause && !said; name.revision -= !said)
        said = read_closed(redis, &name, &cause);
    if (cause) {
        g_propagate_error(error, g_steal_pointer(&cause));
        return false;
    }
    if (!said)
        return true;
    int64_t *day = g_new(int64_t, 1);
    *day = name.day;
    g_hash_table_replace(sheets->revisions[name.partition], day, GINT_TO_POINTER(name.revision));
    bool ok = add_sheet(sheets, redis, &name, said->sheet_checksum, error);
    partition_day_free(said);
    return ok;
}

static bool take_day(struct recount_sheets *sheets, struct redis *redis, int partition, const struct redis_reply *days, size_t i,
                     GError **error)
{
    struct view field = redis_reply_text(redis_reply_at(days, i));
    struct view text = redis_reply_text(redis_reply_at(days, i + 1));
    struct day_state state;
    int64_t day;

    if (!number_read_signed(field, &day) || !day_state_read(text, &state)) {
        g_set_error(error, REDIS_ERROR, REDIS_ERROR_REPLY, "field '%.*s' of {p%d}:days in Redis cannot be understood",
                    (int)field.size, field.data, partition);
        return false;
    }
    return take_sheet(sheets, redis, (struct sheet_name){partition, day, state.sheeted}, error);
}

static bool take_partition(struct recount_sheets *sheets, struct shards *shards, int partition, GError **error)
{
    struct redis_reply *days = shards_hash(shards, partition, "days", error);
    struct redis *redis = days ? shards_get(shards, partition, error) : NULL;
    bool ok = redis != NULL;

    for (size_t i = 0; ok && i + 1 < redis_reply_count(days); i += 2)
        ok = take_day(sheets, redis, partition, days, i, error);
    redis_reply_free(days);
    return ok;
}

/* ---- life ---- */

struct recount_sheets *recount_sheets_read(struct shards *shards, struct archive *archive, struct names *names,
                                           struct counts *counts, GError **error)
{
    struct recount_sheets *sheets = g_new0(struct recount_sheets, 1);
    bool ok = true;

    sheets->n_partitions = shards_count(shards);
    sheets->revisions = g_new0(GHashTable *, (gsize)sheets->n_partitions);
    sheets->archive = archive;
    sheets->names = names;
    sheets->counts = counts;
    sheets->scratch = g_string_new(NULL);
    for (int i = 0; i < sheets->n_partitions; i++)
        sheets->revisions[i] = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
    for (int i = 0; ok && i < sheets->n_partitions; i++)
        ok = take_partition(sheets, shards, i, error);
    if (ok)
        return sheets;
    recount_sheets_free(sheets);
    return NULL;
}

void recount_sheets_free(struct recount_sheets *sheets)
{
    if (!sheets)
        return;
    for (int i = 0; i < sheets->n_partitions; i++)
        g_hash_table_destroy(sheets->revisions[i]);
    g_free(sheets->revisions);
    g_string_free(sheets->scratch, TRUE);
    g_free(sheets);
}

int recount_sheets_revision(const struct recount_sheets *sheets, int partition, int64_t day)
{
    return GPOINTER_TO_INT(g_hash_table_lookup(sheets->revisions[partition], &day));
}

size_t recount_sheets_count(const struct recount_sheets *sheets)
{
    return sheets->n;
}
