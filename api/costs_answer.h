/* costs_answer: the accounts of a month as JSON, CSV (RFC 4180) and JSON lines: the same numbers in each. Pure but for the writing.
 *
 *   {"month","from","to","finalizedThrough","provisional",
 *    "total":{"requests","priced","members","unpriced","accounts","amounts":[{"currency","amountMicros","amount","projected"}]},
 *    "entities":[…],"nextUri"?}
 *
 * The total is of all accounts that were asked for, not of the page. A row of a table is an account, or an account's day; what an
 * account does not have is empty (JSON lines: null). */
#ifndef DAYBOOK_COSTS_ANSWER_H
#define DAYBOOK_COSTS_ANSWER_H

#include "api/costs_accounts.h"
#include "api/costs_params.h"
#include "api/export_lines.h"

/* All borrowed. */
struct costs_answer {
    const struct costs_params *params;
    const struct cost_month *month;
    const GPtrArray *accounts; /* struct cost_account, sorted */
    const struct registry_snapshot *registry;
};

void costs_answer_json(GString *out, const struct costs_answer *answer);
/* Appends all rows; for CSV a header first. */
void costs_answer_lines(struct export_lines *lines, const struct costs_answer *answer, bool csv);
/* "usage-costs_2026-11_by-day.csv"; to be freed. */
char *costs_answer_file_name(const struct costs_answer *answer, bool csv);

#endif
