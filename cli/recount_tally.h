/* recount_tally: what `daybook recount` takes from the log: every event into counts and series. One thread. */
#ifndef DAYBOOK_CLI_RECOUNT_TALLY_H
#define DAYBOOK_CLI_RECOUNT_TALLY_H

#include "cli/recount_log.h"
#include "cli/series.h"

/* Both borrowed. */
struct recount_tally {
    struct counts *counts;
    struct series *series;
};

/* The tally is borrowed and must outlive the log. */
struct recount_listener recount_tally_listener(struct recount_tally *tally);

#endif
