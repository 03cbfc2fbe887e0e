/* sheets: opened day sheets, shared by all workers.
 *
 * A sheet never changes, so what was opened once stays right: it is known by partition, day, revision and checksum, and the ones
 * longest unused go when all together hold more than a maximum. What is not there is read from Redis, or, where that copy is
 * missing or damaged, from the archive; a sheet whose SHA-256 is another than the partition's own books say is never handed out.
 * Thread-safe. */
#ifndef DAYBOOK_SHEETS_H
#define DAYBOOK_SHEETS_H

#include "api/reader.h"
#include "lib/archive.h"
#include "lib/metrics.h"
#include "lib/sheet.h"

/* A sheet that is asked for. */
struct sheet_want {
    struct sheet_name name;
    uint8_t checksum[SHEET_CHECKSUM_SIZE];
    uint64_t events, rows;
};

struct sheets;
struct placement;

/* archive may be NULL; it is borrowed, like metrics (METER_SHEETS_…). */
struct sheets *sheets_new(size_t bytes_max, struct archive *archive, struct metrics *metrics);
void sheets_free(struct sheets *sheets);
/* What all who read sheets have learned of where clients are (placement.h); borrowed. */
struct placement *sheets_placement(struct sheets *sheets);

struct sheets_visit {
    /* Returns whether to go on. */
    bool (*each)(struct sheet_want *want, const struct sheet *sheet, void *opaque);
    void *opaque;
};
/* Visits the sheets that are wanted (struct sheet_want), in their order; those not yet opened are read some at a time. False: one
 * is nowhere to be had (READER_ERROR_COPY, naming it, the places and the checksums), or the reader failed. */
bool sheets_visit(struct sheets *sheets, struct reader *reader, GPtrArray *wanted, struct sheets_visit visit, GError **error);

/* ---- one by one: for those who share the work among threads ----
 * The thread with the reader asks Redis; others open what it replied. */

struct sheets_hold;

/* The sheet, if it is in memory. NULL: it is not. */
struct sheets_hold *sheets_acquire(struct sheets *sheets, const struct sheet_want *want);
/* Asks for what is under its key: a string, or nil. */
void sheets_ask(struct reader *reader, const struct sheet_want *want, struct reader_then then);
/* Opens what Redis has under its key (NULL: nothing), or the archive's copy. NULL with an error, as sheets_visit. Its rows, as
 * those of a sheet that was acquired, may not have been checked: read them with sheet_columns_read, or check them. */
struct sheets_hold *sheets_open(struct sheets *sheets, const struct sheet_want *want, GBytes *packed, GError **error);
/* That its rows are sound, if nobody looked yet. False with an error that names it. */
bool sheets_hold_check(const struct sheets_hold *hold, GError **error);
const struct sheet *sheets_hold_get(const struct sheets_hold *hold);
void sheets_release(struct sheets *sheets, struct sheets_hold *hold);

#endif
