/* interval: ISO 8601 intervals, as whole days.
 *
 * "start/end", each end a year, month, day or date-time; a partial end covers its whole unit: 2020-01/2020-06 is January through
 * June. A date-time end at midnight UTC leaves that day out; one inside a day takes the whole day in. "start/P1M" and "P7D/end"
 * work too (years, months, weeks, days, hours; months are those of the calendar). Days are those of the calendar that the caller
 * means: UTC, or a zone's. Pure functions. */
#ifndef DAYBOOK_INTERVAL_H
#define DAYBOOK_INTERVAL_H

#include "api/refusal.h"
#include "lib/civil.h"

struct interval {
    int64_t first_day, last_day; /* both included */
};

enum { INTERVAL_TEXT_MAX = 2 * CIVIL_TEXT_MAX };

/* False: refused (INVALID_DATE), naming the field, the value and the forms that are allowed; an end before the start says so. */
bool interval_parse(const char *text, const char *field, struct interval *interval, struct refusal *refusal);
/* "2026-11-01/2026-11-20": both days included, as interval_parse reads it. */
size_t interval_write(const struct interval *interval, char out[INTERVAL_TEXT_MAX]);

#endif
