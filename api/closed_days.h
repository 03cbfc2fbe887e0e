/* closed_days: which days of a range are closed, at which revision, and what sheets hold them.
 *
 * A *pin* is a state of the ledger: the number of its last entry that counts, and the day through which everything was closed then.
 * It says for ever which revision of each day is meant, so an answer that names its pin can be computed again, by any replica. What
 * sheets a revision has, with their checksums, is read from its proved entry of the ledger (ledger_read.h) and remembered beside
 * the index. Owned by one thread; the pin is plain data. */
#ifndef DAYBOOK_CLOSED_DAYS_H
#define DAYBOOK_CLOSED_DAYS_H

#include "api/finality.h"
#include "api/ledger_read.h"
#include "api/sheets.h"

struct pin {
    uint64_t n;      /* entries of the ledger that count; 0: none */
    int64_t through; /* FINALITY_NONE, or the last day up to which all is closed, also days without events */
};

enum closed_state { DAY_NOT_CLOSED, DAY_EMPTY /* closed, nothing was counted, not in the ledger */, DAY_CLOSED };

/* The entry of the ledger that closed a day. */
struct closed_entry {
    uint64_t n;
    uint32_t partitions;
    uint8_t checksum[LEDGER_CHECKSUM_SIZE];
};

struct closed_day {
    int64_t day;
    enum closed_state state;
    int revision;  /* DAY_CLOSED */
    bool complete; /* what the entry says */
    uint64_t events;
    struct closed_entry entry;
    /* struct sheet_want, by partition, those with events only; shared with others and never changed. NULL unless DAY_CLOSED. */
    GPtrArray *sheets;
};

struct closed_days {
    struct pin pin;
    int64_t first_day;
    GArray *days; /* struct closed_day, one for each day from first_day on */
};

/* The newest pin: of an index that was taken just now. */
bool pin_read(struct pin *pin, struct reader *reader, struct ledger_index *index, GError **error);
/* Days first_day to last_day at a pin. NULL with an error: also when the pin is later than this index (READER_ERROR_CHANGED: a
 * Redis that was put back, or a copy that is behind). The range lies within 0 to CLOSED_DAYS_MAX - 1 (asserted); callers cut longer
 * ones to what the ledger has (closed_days_bounds). */
struct closed_days *closed_days_read(const struct ledger_place *place, struct pin pin, int64_t first_day, int64_t last_day,
                                     GError **error);
void closed_days_free(struct closed_days *days);
/* NULL: it is not in the range. */
const struct closed_day *closed_days_get(const struct closed_days *days, int64_t day);
/* First and last day that are in the ledger at a pin. False: none. */
bool closed_days_bounds(const struct ledger_index *index, struct pin pin, int64_t *first, int64_t *last);

enum { CLOSED_DAYS_MAX = 84007 };

#endif
