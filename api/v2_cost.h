/* v2_cost: about how long a question will take, so that one for the pool of long queries is known before it is begun.
 *
 * Told from the rows of the sheets that it looks at, whether they are in memory, and how much is to be done with each row. The
 * figures are those of one slow core, rounded up: a question that is taken for long is answered a little later, but one that is
 * wrongly taken for short keeps others waiting. */
#ifndef DAYBOOK_V2_COST_H
#define DAYBOOK_V2_COST_H

#include "api/report.h"

/* In microseconds; counting stops at most_us. */
uint64_t v2_cost_us(const struct report_question *question, struct sheets *sheets, uint64_t most_us);

#endif
