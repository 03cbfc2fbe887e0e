/* import_source: the second pass over a file to import: its lines as batches, always the same ones.
 *
 * Whatever decides the bytes of a batch comes from the file and the rules: batches are cut at the ends of blocks (import_plan.h)
 * and at IMPORT_BATCH_BYTES, counted by a rule of its own; sequences count up per partition; created_ms is 0. So a repeat sends the
 * same bytes under the same numbers, and what is in the log already is dropped by the aggregator as any duplicate is. A change of
 * these rules, or of how events (or what is told of refused ones, intake_list) are made from lines, must raise
 * IMPORT_RULES_VERSION: a repeat by another version is refused then.
 *
 * Belongs to one thread. */
#ifndef DAYBOOK_IMPORT_SOURCE_H
#define DAYBOOK_IMPORT_SOURCE_H

#include "collector/import_plan.h"
#include "collector/log_line.h"

enum {
    IMPORT_RULES_VERSION = 2,
    IMPORT_BATCH_BYTES = 256 * 1024, /* brokers take messages of 1 MiB */
    IMPORT_REFUSALS_MAX = 10,        /* rejected lines that are told one by one */
};

/* In whose name lines are refused: that of no collector, for a repeat may run anywhere. */
#define IMPORT_COLLECTOR "import"

struct import_batch {
    uint32_t partition;
    uint64_t sequence;
    GBytes *record; /* owned */
};
void import_batch_free(struct import_batch *batch);

struct import_refusal {
    uint64_t line; /* in the file, from 1 */
    struct intake_refusal why;
};

/* What was met: n_lines = blank + received, received = accepted + excluded + rejected. */
struct import_books {
    uint64_t n_lines, blank;
    struct intake_tally tally;
    struct import_refusal refusals[IMPORT_REFUSALS_MAX];
    size_t n_refusals;
};

struct import_source;

/* Borrows all; line->max_line_bytes is set to LOG_LINE_MAX. Errors: a wrong field map. */
struct import_source *import_source_new(const struct import_plan *plan, const struct log_line_settings *line,
                                        const struct intake *intake, uint32_t partition_count, GError **error);
void import_source_free(struct import_source *source);

/* SHA-256 over all that decides what the batches are, but for the file and the partition count. */
void import_source_rules(const struct import_source *source, uint8_t digest[32]);
/* The manifest: sequence 1 of partition 0. */
struct import_batch *import_source_manifest(const struct import_source *source);
/* Appends the batches of the next block to an array of struct import_batch (which owns them). *more is false when there was none
 * left. IMPORT_ERROR_CHANGED when the block is not what the plan saw; nothing of it is given out then. */
bool import_source_next(struct import_source *source, GPtrArray *batches, bool *more, GError **error);
const struct import_books *import_source_books(const struct import_source *source);
/* Sequence of the last batch so far, by partition. */
const uint64_t *import_source_sequences(const struct import_source *source);
/* Bytes of the file that are done with. */
uint64_t import_source_done(const struct import_source *source);

#endif
