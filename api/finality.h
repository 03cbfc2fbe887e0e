/* finality: up to which day everything is closed, and which days of a window can still change.
 *
 * A day is closed when its last revision is in the ledger and nothing was counted for it since. Days before the first one of the
 * log that are not in the ledger, and for which nothing was counted, are closed and empty. Owned by one thread; plain data. */
#ifndef DAYBOOK_FINALITY_H
#define DAYBOOK_FINALITY_H

#include "api/closed.h"
#include "api/ledger_index.h"

#define FINALITY_NONE INT64_C(-1)

struct finality {
    int64_t through; /* last day up to which every day is in the ledger, or closed and empty; FINALITY_NONE: there is none */
    /* Of a window's days, from first_day on: */
    int64_t first_day;
    GArray *closed; /* bool; NULL: no day was looked at, none is closed */
};

void finality_clear(struct finality *finality);
/* Reads what `through` needs. The index must have been read before the generations (struct generation of members.h). */
bool finality_read(struct finality *finality, struct reader *reader, const struct ledger_index *index, const GArray *generations,
                   GError **error);
/* Looks at the days of a window. What is in the sheets, and counted, must have been read after the index. */
void finality_look(struct finality *finality, const struct ledger_index *index, const GArray *generations,
                   const struct closed *closed, int64_t first_day, int64_t last_day);
/* Whether all days that [from_ms, to_ms) touches are closed. */
bool finality_covers(const struct finality *finality, int64_t from_ms, int64_t to_ms);

/* The rule for `through`: open days (int64_t, in any order) are those with events that are not in the ledger; first_day is that of
 * the log, negative: not known. */
int64_t finality_through(const struct ledger_index *index, const GArray *open_days, int64_t first_day);

#endif
