/* ledger_index: which entry of the ledger closed which revision of which day.
 *
 * The index is read once for each state of the ledger, which {p0}:meta names by the last entry's number and checksum, and then
 * shared by all workers: an index never changes. What is learned of its entries on the way (ledger_read) is kept beside it.
 * Thread-safe. */
#ifndef DAYBOOK_LEDGER_INDEX_H
#define DAYBOOK_LEDGER_INDEX_H

#include "api/reader.h"
#include "api/sheets.h"
#include "lib/ledger.h"

/* Sheets that are remembered beside an index, of all entries together: 80 bytes each. */
enum { LEDGER_INDEX_SHEETS_MAX = 1 << 18 };

struct ledger_line {
    int64_t day;
    int revision;
    uint64_t n;
};

/* What an entry says in short; it was checked. */
struct ledger_summary {
    uint64_t n;
    int64_t day;
    int revision;
    enum seal_reason reason;
    int64_t closed_at_ms;
    uint64_t events, late, duplicates, gaps, quarantined;
    bool complete, has_previous;
    uint32_t partitions; /* that the entry lists */
    uint8_t checksum[LEDGER_CHECKSUM_SIZE], previous[LEDGER_CHECKSUM_SIZE];
};

struct ledger_index {
    uint64_t n; /* of the last entry; 0: none */
    uint8_t checksum[LEDGER_CHECKSUM_SIZE];
    GArray *lines; /* struct ledger_line, ascending by day, then revision */
    /* ledger_index.c's own */
    gint users;
    GMutex lock;           /* of what is below */
    GHashTable *summaries; /* n -> struct ledger_summary */
    GHashTable *sheets;    /* n -> GPtrArray of struct sheet_want */
    guint n_sheets;        /* in them */
};

struct ledger_cache;

struct ledger_cache *ledger_cache_new(void);
void ledger_cache_free(struct ledger_cache *cache);
/* The index of the ledger as it is now; released by ledger_index_release. NULL with an error. */
struct ledger_index *ledger_cache_take(struct ledger_cache *cache, struct reader *reader, GError **error);
void ledger_index_release(struct ledger_index *index);

/* Position of the first line that is not before this one; the number of lines when there is none. */
guint ledger_index_find(const struct ledger_index *index, int64_t day, int revision);
const struct ledger_line *ledger_index_at(const struct ledger_index *index, guint position);
/* Last revision of the day; 0: it is not in the ledger. */
int ledger_index_revision(const struct ledger_index *index, int64_t day);

/* False: not known yet. */
bool ledger_index_recall(struct ledger_index *index, uint64_t n, struct ledger_summary *summary);
void ledger_index_learn(struct ledger_index *index, const struct ledger_summary *summary);
/* The sheets with events that an entry names, by partition: struct sheet_want, shared and never changed; g_ptr_array_unref it.
 * NULL: not known yet, or there was no room to remember them. */
GPtrArray *ledger_index_recall_sheets(struct ledger_index *index, uint64_t n);
void ledger_index_learn_sheets(struct ledger_index *index, uint64_t n, GPtrArray *sheets);

#endif
