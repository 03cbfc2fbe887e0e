/* log_chain: see log_chain.h. An entry counts if n is the last one + 1, it names the checksum of that one, and its revision is the
 * day's last one in the ledger + 1 and sealed in partition 0. */
#include "cli/log_chain.h"

#include <string.h>

struct log_chain {
    const struct chain *chain;
    bool begins_late;
    uint64_t first, last;
    uint8_t checksum[LEDGER_CHECKSUM_SIZE]; /* of the last one */
    GHashTable *sealed, *ledgered;          /* day -> revision */
};

struct log_chain *log_chain_new(const struct chain *chain, bool begins_late)
{
    struct log_chain *log_chain = g_new0(struct log_chain, 1);

    log_chain->chain = chain;
    log_chain->begins_late = begins_late;
    log_chain->sealed = g_hash_table_new(g_direct_hash, g_direct_equal);
    log_chain->ledgered = g_hash_table_new(g_direct_hash, g_direct_equal);
    return log_chain;
}

void log_chain_free(struct log_chain *log_chain)
{
    if (!log_chain)
        return;
    g_hash_table_destroy(log_chain->sealed);
    g_hash_table_destroy(log_chain->ledgered);
    g_free(log_chain);
}

static uint32_t revision_in(GHashTable *revisions, uint32_t day)
{
    return GPOINTER_TO_UINT(g_hash_table_lookup(revisions, GUINT_TO_POINTER(day)));
}

void log_chain_seal(struct log_chain *log_chain, int64_t day, int revision)
{
    g_hash_table_insert(log_chain->sealed, GUINT_TO_POINTER((guint)day), GINT_TO_POINTER(revision));
}

static const struct chain_link *known(const struct log_chain *log_chain, uint64_t n)
{
    return n >= 1 && n <= log_chain->chain->links->len ? g_ptr_array_index(log_chain->chain->links, n - 1) : NULL;
}

/* The first one behind a gone beginning: it counts if it goes on where the chain was. */
static bool goes_on(struct log_chain *log_chain, const struct ledger_link *link)
{
    const struct chain_link *before = known(log_chain, link->n - 1);

    return log_chain->begins_late && log_chain->last == 0 && link->has_previous && before &&
           memcmp(link->previous_checksum, before->checksum, sizeof before->checksum) == 0;
}

static bool counts(struct log_chain *log_chain, const struct ledger_link *link)
{
    if (goes_on(log_chain, link))
        return true;
    if (link->n != log_chain->last + 1 || link->has_previous != (log_chain->last > 0))
        return false;
    if (link->has_previous && memcmp(link->previous_checksum, log_chain->checksum, sizeof log_chain->checksum) != 0)
        return false;
    return log_chain->begins_late || (link->revision == revision_in(log_chain->ledgered, link->day) + 1 &&
                                      link->revision <= revision_in(log_chain->sealed, link->day));
}

struct finding *log_chain_entry(struct log_chain *log_chain, const struct ledger_link *link, struct view record)
{
    char in_log[2 * LEDGER_CHECKSUM_SIZE + 1], in_chain[2 * LEDGER_CHECKSUM_SIZE + 1];

    if (!counts(log_chain, link))
        return NULL;
    ledger_checksum(record, log_chain->checksum);
    log_chain->first = log_chain->first ? log_chain->first : link->n;
    log_chain->last = link->n;
    g_hash_table_insert(log_chain->ledgered, GUINT_TO_POINTER(link->day), GUINT_TO_POINTER(link->revision));
    const struct chain_link *said = known(log_chain, link->n);
    if (!said || memcmp(said->checksum, log_chain->checksum, sizeof said->checksum) == 0)
        return NULL; /* not there: it has come since */
    ledger_hex(log_chain->checksum, in_log);
    ledger_hex(said->checksum, in_chain);
    return finding_new(g_strdup_printf("entry %" G_GUINT64_FORMAT " of the ledger in Redis, {p0}:ledger", link->n),
                       "its SHA-256 (expected: that of the record in the log)", in_log, in_chain);
}

uint64_t log_chain_first(const struct log_chain *log_chain)
{
    return log_chain->first;
}

uint64_t log_chain_last(const struct log_chain *log_chain)
{
    return log_chain->last;
}
