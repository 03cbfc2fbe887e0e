/* archive_chain: see archive_chain.h. */
#include "cli/archive_chain.h"

#include <stdio.h>

G_DEFINE_QUARK(daybook - archive - chain - error - quark, archive_chain_error)

enum { PROGRESS_EVERY = 64 };

static struct view view_bytes(GBytes *bytes)
{
    gsize size;
    const void *data = g_bytes_get_data(bytes, &size);

    return view_make(data, size);
}

static bool broken(const struct archive_chain *chain, uint64_t n, const char *what, GError **error)
{
    g_autofree char *path = archive_entry_path(chain->archive, n);

    g_set_error(error, ARCHIVE_CHAIN_ERROR, ARCHIVE_CHAIN_ERROR_BROKEN, "the ledger in the archive is no chain at %s: %s", path,
                what);
    return false;
}

static bool check_previous(const struct archive_chain *chain, const struct ledger_entry *entry, GError **error)
{
    char is[2 * LEDGER_CHECKSUM_SIZE + 1], wanted[2 * LEDGER_CHECKSUM_SIZE + 1];

    if (chain->entries->len == 0) /* that the first one has none was checked when it was parsed */
        return true;
    const struct archived_entry *before = archive_chain_at(chain, chain->entries->len - 1);
    if (memcmp(entry->previous_checksum, before->checksum, LEDGER_CHECKSUM_SIZE) == 0)
        return true;
    ledger_hex(entry->previous_checksum, is);
    ledger_hex(before->checksum, wanted);
    g_autofree char *what =
        g_strdup_printf("it says that the SHA-256 of the entry before is %s, but that of the file before is %s", is, wanted);
    return broken(chain, entry->n, what, error);
}

/* Revisions of a day count 1, 2, 3, …; last: day -> revision. */
static bool check_revision(const struct archive_chain *chain, const struct ledger_entry *entry, GHashTable *last, GError **error)
{
    gpointer day = GUINT_TO_POINTER(entry->day + 1);
    guint before = GPOINTER_TO_UINT(g_hash_table_lookup(last, day));

    if (entry->revision != before + 1)
        return broken(chain, entry->n, "its revision is not the day's last one in the ledger + 1", error);
    g_hash_table_insert(last, day, GUINT_TO_POINTER(entry->revision));
    return true;
}

static bool read_entry(struct archive_chain *chain, uint64_t n, GHashTable *last, GError **error)
{
    g_autoptr(GBytes) record = archive_get_entry(chain->archive, n, error);
    struct ledger_entry *entry = record ? ledger_entry_parse(view_bytes(record), error) : NULL;
    struct archived_entry kept;

    if (!entry)
        return false;
    bool ok = check_previous(chain, entry, error) && check_revision(chain, entry, last, error);
    kept = (struct archived_entry){entry->day, entry->revision, entry->reason, entry->closed_at_ms, {0}};
    ledger_checksum(view_bytes(record), kept.checksum);
    g_array_append_val(chain->entries, kept);
    ledger_entry_free(entry);
    return ok;
}

struct archive_chain *archive_chain_read(struct archive *archive, bool progress, GError **error)
{
    struct archive_chain *chain = g_new0(struct archive_chain, 1);
    g_autoptr(GHashTable) last = g_hash_table_new(NULL, NULL);
    uint64_t n;

    chain->archive = archive;
    chain->entries = g_array_new(FALSE, FALSE, sizeof(struct archived_entry));
    bool ok = archive_last_entry(archive, &n, error);
    for (uint64_t i = 1; ok && i <= n; i++) {
        ok = read_entry(chain, i, last, error);
        if (progress && i % PROGRESS_EVERY == 0)
            fprintf(stderr, "\r\033[Kthe ledger in the archive: %" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT " entries", i, n);
    }
    if (progress)
        fputs("\r\033[K", stderr);
    if (ok)
        return chain;
    archive_chain_free(chain);
    return NULL;
}

void archive_chain_free(struct archive_chain *chain)
{
    if (!chain)
        return;
    g_array_unref(chain->entries);
    g_free(chain);
}

guint archive_chain_count(const struct archive_chain *chain)
{
    return chain->entries->len;
}

const struct archived_entry *archive_chain_at(const struct archive_chain *chain, guint i)
{
    return &g_array_index(chain->entries, struct archived_entry, i);
}

GBytes *archive_chain_record(const struct archive_chain *chain, guint i, GError **error)
{
    uint8_t checksum[LEDGER_CHECKSUM_SIZE];
    GBytes *record = archive_get_entry(chain->archive, i + 1, error);

    if (!record)
        return NULL;
    ledger_checksum(view_bytes(record), checksum);
    if (memcmp(checksum, archive_chain_at(chain, i)->checksum, sizeof checksum) == 0)
        return record;
    broken(chain, i + 1, "it changed while it was read", error);
    g_bytes_unref(record);
    return NULL;
}

bool archive_chain_is_erased(const struct archive_chain *chain, int64_t day, int revision)
{
    for (guint i = 0; i < chain->entries->len; i++) {
        const struct archived_entry *entry = archive_chain_at(chain, i);
        if (entry->day == day && (int64_t)entry->revision > revision && entry->reason == SEAL_ERASURE)
            return true;
    }
    return false;
}
