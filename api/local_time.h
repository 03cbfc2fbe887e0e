/* local_time: a date, or a date and a time, as somebody writes it who means the clock of a zone; and when that is.
 *
 *   YYYY-MM-DD, YYYY-MM-DD HH:MM:SS or YYYY-MM-DDTHH:MM:SS, of the years 3 to 9990
 *
 * As the beginning of a range a date means its first moment, as its end its last second, and a time that second. Where the clock
 * is put back, the same time comes twice: a beginning is the first, an end the last of them. Where it is put forward over a time, a
 * beginning is the moment after, an end the second before. Pure. */
#ifndef DAYBOOK_LOCAL_TIME_H
#define DAYBOOK_LOCAL_TIME_H

#include "api/refusal.h"
#include "lib/tz.h"

enum { LOCAL_TIME_MAX = sizeof "2026-11-21T10:30:00" };
#define LOCAL_TIMES "a time as YYYY-MM-DD or YYYY-MM-DD HH:MM:SS"

struct local_time {
    bool given, has_clock;
    char text[LOCAL_TIME_MAX]; /* as it was given */
    int64_t local_s;           /* as the clock shows it, counted as if it were UTC */
};

/* False: it is no such time. */
bool local_time_read(struct local_time *time, const char *text);
/* The first moment at which the clock shows that time, or a later one. */
int64_t local_time_first(const struct tz *tz, int64_t local_s);
/* The end of the last second that it means: [since, end) has until in it. */
int64_t local_time_end(const struct tz *tz, const struct local_time *until);
/* Always false. */
bool local_time_refuse_order(const struct local_time *until, struct refusal *refusal);

#endif
