/* ledger: the records that close days (proto/usage.proto), and what Redis keeps of them.
 *
 * A seal ends a revision of a day in one partition; when all partitions have their sheet of it (lib/sheet.h), a ledger entry closes
 * it. Entries are a chain by the SHA-256 of their Kafka messages. Which keys hold what stands in lib/keys.h; this module knows the
 * bytes and texts in them. What is parsed owns its memory. */
#ifndef DAYBOOK_LEDGER_H
#define DAYBOOK_LEDGER_H

#include "lib/record.h"

enum {
    LEDGER_CHECKSUM_SIZE = 32,
    LEDGER_REVISION_MAX = 10000,     /* of a day; one less can be closed */
    LEDGER_ORGANIZATIONS_MAX = 5000, /* that an entry lists; the rest is summed up */
    LEDGER_DIFFERENCES_MAX = 2000,
    LEDGER_STREAMS_MAX = 2000, /* that a partition lists */
};

/* ---- the records of the log ---- */

GBytes *ledger_seal(const struct day_seal *seal);      /* Record{seal} */
GBytes *ledger_erasure(const struct erasure *erasure); /* Record{erasure} */

/* ---- what a partition says of a day ---- */

struct stream_day {
    uint8_t stream_id[STREAM_ID_SIZE];
    char *collector; /* "": no heartbeat was heard */
    bool import;
    uint64_t first_sequence, last_sequence, high_water;
    int64_t heard_ms;
    GArray *announced; /* uint64_t by partition; NULL: no heartbeat after the end of the day */
};

/* See PartitionDay of proto/usage.proto. */
struct partition_day {
    uint32_t partition;
    uint64_t seal_offset;
    int64_t sealed_at_ms;
    enum seal_reason reason;
    uint64_t first_offset, end_offset;
    uint64_t events, late, duplicates, gaps, gap_batches, quarantined, rows;
    bool incomplete; /* the log did not have the day's beginning */
    bool has_sheet;  /* rows, events and sheet_checksum are known */
    uint8_t sheet_checksum[LEDGER_CHECKSUM_SIZE];
    GPtrArray *streams; /* struct stream_day, ascending by stream_id; owned */
};

struct partition_day *partition_day_new(void);
void partition_day_free(struct partition_day *day);
struct stream_day *stream_day_new(void);
void stream_day_free(struct stream_day *stream);
/* The message PartitionDay. */
GBytes *partition_day_pack(const struct partition_day *day);
struct partition_day *partition_day_parse(struct view bytes, GError **error);

/* Brings the streams into the order in which they are packed. */
void partition_day_sort_streams(struct partition_day *day);
/* Of a later revision, given what came since: now what the whole day has. before: of the revision before, with its sheet. */
void partition_day_continue(struct partition_day *day, const struct partition_day *before);

/* ---- entries ---- */

struct organization_total {
    char *organization;
    uint64_t requests;
};

struct client_difference {
    char *organization, *client;
    int64_t requests;
};

/* See LedgerEntry of proto/usage.proto. */
struct ledger_entry {
    uint64_t n;
    bool has_previous;
    uint8_t previous_checksum[LEDGER_CHECKSUM_SIZE];
    uint32_t day, revision;
    enum seal_reason reason;
    int64_t closed_at_ms;
    uint64_t events, late, duplicates, gaps, gap_batches, quarantined;
    bool complete;
    GPtrArray *partitions;    /* struct partition_day, ascending */
    GPtrArray *organizations; /* struct organization_total, ascending */
    GPtrArray *differences;   /* struct client_difference, ascending */
    uint64_t differences_left_out, organizations_left_out, organization_requests_left_out;
    int64_t difference_left_out;
};

struct ledger_entry *ledger_entry_new(void);
void ledger_entry_free(struct ledger_entry *entry);
/* Sums up what the partitions say: reason, closed_at_ms, the counts, complete. (Reason: erasure if one of them says so, else that
 * of the first.) */
void ledger_entry_add_up(struct ledger_entry *entry);
/* Record{ledger}: what stands in the log, and in Redis and the archive too. */
GBytes *ledger_entry_pack(const struct ledger_entry *entry);
/* From the bytes of a Record. */
struct ledger_entry *ledger_entry_parse(struct view record, GError **error);
/* SHA-256 of the bytes of a Record; hex: 64 digits and a NUL. */
void ledger_checksum(struct view record, uint8_t checksum[LEDGER_CHECKSUM_SIZE]);
void ledger_hex(const uint8_t checksum[LEDGER_CHECKSUM_SIZE], char hex[2 * LEDGER_CHECKSUM_SIZE + 1]);
bool ledger_unhex(struct view hex, uint8_t checksum[LEDGER_CHECKSUM_SIZE]);
/* "day_end", "late", "requested", "erasure". */
const char *ledger_reason(enum seal_reason reason);

/* ---- texts in Redis ---- */

/* {pN}:days: how far a day is, in one partition. */
struct day_state {
    int sealed;         /* last revision whose seal counted; 0: none */
    int sheeted;        /* last revision whose sheet is there; at most sealed */
    int ledgered;       /* partition 0: last revision in the ledger */
    int64_t skip_below; /* records of the log below this offset: their events of the day are in the sheets (daybook restore) */
};
enum { DAY_TEXT_MAX = 96 };
size_t day_state_write(const struct day_state *state, char out[DAY_TEXT_MAX]); /* with a NUL */
bool day_state_read(struct view text, struct day_state *state);

/* {pN}:open: what came for a day since its last seal. */
struct open_day {
    uint64_t events, duplicates, gaps, gap_batches, quarantined;
    int64_t first_offset, end_offset; /* of records with events that were counted; equal: none */
    int64_t first_ms, last_ms;        /* log clock when the first and the last such event came */
};
enum { OPEN_TEXT_MAX = 224 };
size_t open_day_write(const struct open_day *open, char out[OPEN_TEXT_MAX]); /* with a NUL */
bool open_day_read(struct view text, struct open_day *open);

/* "20778.1": a generation, as in names of keys and fields. */
bool generation_read(struct view text, int64_t *day, int *revision);

#endif
