/* v2_question: what an execution asks the report engine, at its pin; and what the answer says about the days behind it.
 *
 * Periods are days, ISO weeks from Monday, months (UTC), or the whole; one that the interval cuts has only the days inside, and is
 * shown with the date on which it begins in the calendar. Days that are not closed at the pin are left out and named. What a caller
 * may not see is filtered here, and nowhere else. Owned by one thread. */
#ifndef DAYBOOK_V2_QUESTION_H
#define DAYBOOK_V2_QUESTION_H

#include "api/v2_execution.h"

struct v2_question {
    struct report_question report;
    struct closed_days *days; /* NULL: nothing of the interval is in the ledger, and there are no periods */
    GPtrArray *dates;         /* char *, by period; "2026-11-20T00:00:00Z", of jobs "2026-11-20"; "" of the whole */
    GString
        *about; /* members of a JSON object, without braces: interval, finalizedThrough, omittedDays, revisions, incompleteDays */
};

/* False with an error; the question is to be cleared either way. */
bool v2_question_init(struct v2_question *question, const struct v2_execution *execution, const struct ledger_place *place,
                      GError **error);
void v2_question_clear(struct v2_question *question);

#endif
