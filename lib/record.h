/* record: the protobuf Records of proto/usage.proto; the only door to protobuf-c.
 *
 * Writing: a batch_builder takes valid events (lib/event.h) of one partition and seals them as the bytes of one Record. Reading:
 * record_parse() checks everything that a reader relies on (columns of equal length, indexes within the symbols, values in range),
 * so that code behind it need not. The records that close days are written by lib/ledger.h. Both work in columns (see tests/bench
 * for why). */
#ifndef DAYBOOK_RECORD_H
#define DAYBOOK_RECORD_H

#include "lib/event.h"
#include "lib/rejections.h"
#include <glib.h>

enum { STREAM_ID_SIZE = 16, RECORD_EVENTS_MAX = 65536 };

#define RECORD_ERROR record_error_quark()
GQuark record_error_quark(void);
enum record_error { RECORD_ERROR_MALFORMED, RECORD_ERROR_UNKNOWN_KIND };

/* ---- writing ---- */
struct batch_builder;

struct batch_header {
    uint8_t stream_id[STREAM_ID_SIZE];
    uint32_t partition;
    uint32_t partition_count;
    uint64_t sequence;
    int64_t created_ms;
    bool import;
};

struct batch_builder *batch_builder_new(void);
void batch_builder_free(struct batch_builder *builder);
/* Copies the event; asserts that it is valid. */
void batch_builder_add(struct batch_builder *builder, const struct event *event);
size_t batch_builder_count(const struct batch_builder *builder);
/* What the collector of this name (1 to 256 clean bytes) refused; like ones become one. */
void batch_builder_reject(struct batch_builder *builder, const char *collector, const struct rejections *rejections);
/* Neither events nor rejections. */
bool batch_builder_is_empty(const struct batch_builder *builder);
/* Close upper estimate of the sealed size in bytes. */
size_t batch_builder_size(const struct batch_builder *builder);
/* The bytes of the Record; the builder is empty again afterwards. Caller frees with g_bytes_unref. */
GBytes *batch_builder_seal(struct batch_builder *builder, const struct batch_header *header);

struct import_manifest {
    uint32_t partition_count;
    uint8_t rules_digest[32];
    uint8_t head_digest[32];
    const char *name; /* UTF-8, at most 256 bytes */
    uint64_t size_bytes;
    uint64_t first_line;
};
/* The first record (partition 0, sequence 1, no events) of an import stream. */
GBytes *record_manifest(const struct batch_header *header, const struct import_manifest *manifest);

struct heartbeat {
    uint8_t stream_id[STREAM_ID_SIZE];
    const char *collector;
    int64_t clock_ms;
    const uint64_t *last_sequence; /* by partition */
    size_t n_partitions;
    uint64_t journal_bytes;
    int64_t journal_oldest_ms;
    uint64_t received, accepted, rejected, excluded;
};
GBytes *record_heartbeat(const struct heartbeat *heartbeat);

/* ---- reading ---- */
enum record_kind { RECORD_BATCH, RECORD_HEARTBEAT, RECORD_SEAL, RECORD_LEDGER, RECORD_ERASURE };

enum seal_reason { SEAL_DAY_END, SEAL_LATE, SEAL_REQUESTED, SEAL_ERASURE };

struct day_seal {
    uint32_t day, revision; /* day below SHEET_DAY_END of lib/sheet.h, revision from 1 on */
    enum seal_reason reason;
};

struct erasure {
    struct view user, pseudonym;
};

/* What decides whether an entry of the ledger counts; lib/ledger.h reads the whole. */
struct ledger_link {
    uint64_t n; /* from 1 on */
    bool has_previous;
    uint8_t previous_checksum[32];
    uint32_t day, revision;
};

/* A column that was left out is NULL: all values are 0. */
struct batch {
    struct batch_header header;
    size_t n_events;
    size_t n_symbols;
    const struct view *symbols; /* valid UTF-8 */
    const int64_t *time_ms;     /* decoded: absolute */
    const uint32_t *organization, *client, *user, *method, *route, *platform;
    const uint32_t *status;
    const uint64_t *latency_us, *request_bytes, *response_bytes;
    size_t n_ids;
    const uint32_t *id_event;
    const struct view *ids;
    bool has_manifest;
    struct import_manifest manifest;
    struct view collector; /* of the rejections */
    size_t n_rejections;
    const struct rejection *rejections;
};

/* Reuses its memory from record to record; what a record hands out is valid until the next parse. */
struct record_parser;
struct record_parser *record_parser_new(void);
void record_parser_free(struct record_parser *parser);

struct record {
    enum record_kind kind;
    uint32_t crc; /* CRC32C of the bytes */
    struct batch batch;
    struct heartbeat heartbeat;
    struct day_seal seal;
    struct ledger_link ledger;
    struct erasure erasure;
};
bool record_parse(struct record_parser *parser, const void *data, size_t size, struct record *record, GError **error);

/* The batch's event at index, as views into the record. */
void batch_event(const struct batch *batch, size_t index, struct event *event);

/* Partition of an event: FNV-1a (64 bit, offset basis and prime of draft-eastlake-fnv) over organization, a zero byte, and client,
 * folded (high ^ low) modulo the partition count. */
uint32_t partition_of(struct view organization, struct view client, uint32_t partition_count);

#endif
