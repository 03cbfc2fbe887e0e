/* report_plan: which sheets a question has to look at, in order, and which periods each touches.
 *
 * A client's question passes over the sheets that surely have nothing of it (placement.h); of days of which that is not known yet
 * it is learned on the way. Owned by one thread; report_plan_learn is safe from any. */
#ifndef DAYBOOK_REPORT_PLAN_H
#define DAYBOOK_REPORT_PLAN_H

#include "api/placement.h"
#include "api/report.h"

struct report_unit {
    const struct sheet_want *want;
    guint first_period, end_period; /* that its day touches */
    guint unknown;                  /* report_plan.c's own */
};

struct report_plan {
    GArray *units;   /* struct report_unit */
    guint *n_units;  /* by period: units that touch it */
    GArray *unknown; /* report_plan.c's own */
    GMutex lock;     /* of unknown */
    struct placement *placement;
};

/* The question, and the days in it, are borrowed until the plan is cleared. */
void report_plan_init(struct report_plan *plan, const struct report_question *question, struct placement *placement);
void report_plan_clear(struct report_plan *plan);
/* A unit's sheet was opened: what it says of where its day's clients are. */
void report_plan_learn(struct report_plan *plan, const struct report_unit *unit, const struct sheet *sheet);

#endif
