/* closing_plan: which seals are to be sent, and which entries of the ledger are due. It only decides: no I/O, no clock of its own.
 *
 * What is to be done follows from what the partitions say of their days (lib/ledger.h) and from the time; a closer that is killed
 * leaves nothing behind that the next one has to know. What is kept here saves only work: what was sent a moment ago is not sent
 * again. A decision made twice, by two closers or from a state that has been overtaken, does no harm: a seal and an entry name
 * their revision, and count only where it is the next one.
 *
 * A day's revisions. R is the last one that any partition has sealed, L the last one in the ledger.
 *   R = 0       revision 1 is due when the day and its grace have passed. Of days before the log's first one only if events came
 *               (an import), and when no more come.
 *   L < R       every partition that is not there yet gets the seal after its own last one: R was decided, by whomever.
 *   late        events came behind a partition's seal R: revision R + 1 is due when no more come, for all partitions.
 * "No more come": the newest of them is restate_after old by its log clock, or the oldest 24 times as much, so that a trickle does
 * not hold a day for ever.
 * A partition that was added to the topic later has sealed nothing of days that are in the ledger; it is left alone there, but for
 * late events of its own: then the others are sealed first, and it follows by L < R, so that R + 1 is decided once and for all. A
 * partition whose Redis was put back looks the same until it has read its log again: its late events are no reason unless it is
 * known to have caught up.
 *
 * Owned by one thread. */
#ifndef DAYBOOK_CLOSING_PLAN_H
#define DAYBOOK_CLOSING_PLAN_H

#include "lib/ledger.h"

enum {
    CLOSING_RESEND_MS = 60000,       /* a seal that nobody has seen is sent again */
    CLOSING_SEALS_MAX = 256,         /* on their way to a partition */
    CLOSING_ENTRIES_MAX = 64,        /* on their way to the ledger */
    CLOSING_ENTRIES_WAIT_MS = 30000, /* for the ledger to move, before they are sent again */
};

struct closing_plan_settings {
    int64_t grace_ms, restate_after_ms;
};

/* ---- what is known ---- */

struct closing_day {
    int64_t day;
    struct day_state state;
};

struct closing_open {
    int64_t day;
    int revision;
    struct open_day open;
};

struct closing_partition {
    int64_t first_ms; /* log clock at its first record; -1: it had none */
    bool caught_up;   /* it is known to have read its log; false: it may not have */
    GArray *days;     /* struct closing_day, ascending; owned, as the next */
    GArray *open;     /* struct closing_open, ascending by day, one for a day */
};
struct closing_partition *closing_partition_new(void);
void closing_partition_free(struct closing_partition *partition);

/* All partitions of the topic, by number, and the n of the last entry of the ledger. */
struct closing_view {
    GPtrArray *partitions; /* struct closing_partition */
    uint64_t ledger;
};

/* Wall clock and monotonic clock. */
struct closing_time {
    int64_t wall_ms, monotonic_ms;
};

/* ---- what is to be done ---- */

struct closing_seal {
    int partition;
    struct day_seal seal;
    int peer; /* a partition that has this revision, whose reason the seal is to say too; -1: none */
};

struct closing_entry {
    int64_t day;
    int revision;
};

enum closing_step { CLOSING_WAITS_SEAL, CLOSING_WAITS_SHEET, CLOSING_WAITS_ENTRY };
/* A day that is due and not in the ledger, and what it waits for. */
struct closing_wait {
    int64_t day;
    int revision;
    enum closing_step step;
    int partition;   /* the first one that has not done the step */
    int partitions;  /* how many have not */
    int64_t due_ms;  /* since so long it was seen to be due */
    int64_t step_ms; /* since so long it waits for just this */
};

struct closing_round {
    GArray *seals;          /* struct closing_seal, ascending by day, then partition */
    GArray *entries;        /* struct closing_entry, ascending by day, then revision */
    GArray *waits;          /* struct closing_wait, ascending by day */
    GArray *doubtful;       /* int: partitions with late events of which it must be known whether they have caught up */
    int64_t closed_through; /* last day up to which every day is in the ledger, or before the log's first and without events; -1:
                               nothing was ever counted */
};
void closing_round_init(struct closing_round *round);
void closing_round_clear(struct closing_round *round);

struct closing_plan;
struct closing_plan *closing_plan_new(const struct closing_plan_settings *settings);
void closing_plan_free(struct closing_plan *plan);
/* Replaces what stands in the round. */
void closing_plan_decide(struct closing_plan *plan, const struct closing_view *view, const struct closing_time *now,
                         struct closing_round *round);
/* It was sent: not again for a while. */
void closing_plan_seal_sent(struct closing_plan *plan, const struct closing_seal *seal, const struct closing_time *now);
/* Entries up to n were sent. */
void closing_plan_entries_sent(struct closing_plan *plan, uint64_t n, const struct closing_time *now);
/* Something was sent, and nobody has seen it yet. */
bool closing_plan_busy(const struct closing_plan *plan);
/* What was sent may be lost: the producer died, or another closer was at work meanwhile. */
void closing_plan_forget(struct closing_plan *plan);

#endif
