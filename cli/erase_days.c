/* erase_days: see erase_days.h. The newest sheet is not enough: a revision that was sealed for another reason just behind the
 * erasure has no name in it any more, but nothing removes the sheets before. */
#include "cli/erase_days.h"

#include "cli/chain.h"
#include "lib/sheet.h"
#include "lib/sheet_fetch.h"

struct eraser {
    struct shards *shards;
    struct archive *archive;
    struct chain *chain;
    struct view user;
    GHashTable *naming; /* "partition day": sheets that stay name the user */
};

/* A user's name may be that of something else, too. */
static bool has_user(const struct sheet *sheet, uint32_t symbol)
{
    struct sheet_rows rows = {0};
    bool found = false;

    for (uint32_t i = 0; !found && i < sheet_client_count(sheet); i++) {
        sheet_rows_read(&rows, sheet, i);
        for (uint32_t k = 0; !found && k < rows.n_rows; k++)
            found = rows.user[k] == symbol;
    }
    sheet_rows_clear(&rows);
    return found;
}

/* *names: the sheet is there, and names the user. */
static bool read_sheet(struct eraser *eraser, const struct sheet_name *name, const uint8_t *checksum, bool *names, GError **error)
{
    struct redis *redis = shards_get(eraser->shards, name->partition, error);
    g_autoptr(GError) cause = NULL;
    g_autoptr(GBytes) bytes = redis ? sheet_fetch(redis, eraser->archive, name, checksum, NULL, &cause) : NULL;
    uint32_t symbol;

    *names = false;
    if (!redis)
        return false;
    if (g_error_matches(cause, ARCHIVE_ERROR, ARCHIVE_ERROR_MISSING) &&
        chain_is_erased(eraser->chain, name->day, (uint32_t)name->revision))
        return true; /* gone with an erasure before */
    struct sheet *sheet = bytes ? sheet_open(bytes, &cause) : NULL;
    if (!sheet) {
        g_propagate_error(error, g_steal_pointer(&cause));
        return false;
    }
    *names = sheet_find_symbol(sheet, eraser->user, &symbol) && has_user(sheet, symbol);
    sheet_free(sheet);
    return true;
}

static bool take_partition(struct eraser *eraser, const struct ledger_entry *entry, const struct partition_day *said,
                           GError **error)
{
    const struct sheet_name name = {(int)said->partition, entry->day, (int)entry->revision};
    g_autofree char *key = g_strdup_printf("%u %u", said->partition, entry->day);
    bool names;

    if (said->partition >= (uint32_t)shards_count(eraser->shards))
        return true;
    if (!read_sheet(eraser, &name, said->sheet_checksum, &names, error))
        return false;
    if (names)
        g_hash_table_add(eraser->naming, g_steal_pointer(&key));
    else if (said->reason == SEAL_ERASURE)
        g_hash_table_remove(eraser->naming, key);
    return true;
}

static bool take_entries(struct eraser *eraser, GError **error)
{
    for (guint i = 0; i < eraser->chain->links->len; i++) {
        const struct ledger_entry *entry = ((const struct chain_link *)g_ptr_array_index(eraser->chain->links, i))->entry;
        for (guint k = 0; k < entry->partitions->len; k++) {
            if (!take_partition(eraser, entry, g_ptr_array_index(entry->partitions, k), error))
                return false;
        }
    }
    return true;
}

static gint by_number(gconstpointer a, gconstpointer b)
{
    int64_t x = *(const int64_t *)a;
    int64_t y = *(const int64_t *)b;

    return x < y ? -1 : x > y;
}

static GArray *days_of(const struct eraser *eraser)
{
    GArray *days = g_array_new(FALSE, FALSE, sizeof(int64_t));

    for (guint i = 0; i < eraser->chain->links->len; i++) {
        const struct ledger_entry *entry = ((const struct chain_link *)g_ptr_array_index(eraser->chain->links, i))->entry;
        int64_t day = entry->day;
        bool naming = false;
        for (guint k = 0; entry->revision == 1 && !naming && k < (guint)shards_count(eraser->shards); k++) {
            g_autofree char *key = g_strdup_printf("%u %u", k, entry->day);
            naming = g_hash_table_contains(eraser->naming, key);
        }
        if (naming)
            g_array_append_val(days, day);
    }
    g_array_sort(days, by_number);
    return days;
}

GArray *erase_days_find(struct shards *shards, struct archive *archive, const char *user, GError **error)
{
    g_autoptr(GHashTable) naming = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    struct eraser eraser = {shards, archive, chain_read(shards, error), view_of(user), naming};
    GArray *days = NULL;

    if (eraser.chain && chain_check(eraser.chain, error) && take_entries(&eraser, error))
        days = days_of(&eraser);
    chain_free(eraser.chain);
    return days;
}
