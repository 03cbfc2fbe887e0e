/* days_answer: the ledger as JSON. Pure: no I/O, the same entries give the same bytes. */
#ifndef DAYBOOK_DAYS_ANSWER_H
#define DAYBOOK_DAYS_ANSWER_H

#include "api/ledger_index.h"
#include "api/days_params.h"

/* Revisions from `first` on; `n` of them are shown, those behind only tell which of these were erased. */
struct days_list {
    const struct ledger_summary *summaries; /* ascending by day, then revision */
    guint n, n_known;
    bool counts; /* whether to tell them: they are of all organizations */
};

/* finalized: FINALITY_NONE for none. more: there is another page. */
void days_answer_list(GString *out, const struct days_list *list, const struct days_params *params, int64_t finalized, bool more);
/* All revisions of a day. */
void days_answer_day(GString *out, const struct days_list *list);
void days_answer_revision(GString *out, const struct ledger_summary *summary, const struct ledger_entry *entry, bool erased);
/* Whether the revision at this place lies before a later one of its day that erased somebody. */
bool days_is_erased(const struct days_list *list, guint place);

#endif
