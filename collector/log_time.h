/* log_time: times and decimal numbers as access logs write them, to integers.
 *
 * Pure functions. No locale, no C library time zone, no floating point: what is read here decides into which day a request is
 * billed. Years 1970 to 9999. */
#ifndef DAYBOOK_LOG_TIME_H
#define DAYBOOK_LOG_TIME_H

#include "lib/view.h"

enum { LOG_TIME_CLF_SIZE = 26 }; /* "17/May/2015:10:05:03 +0000" */

/* The time of the common log format (Apache's %t without brackets, nginx' $time_local); the whole view. */
bool log_time_clf(struct view text, int64_t *time_ms);
/* RFC 3339 section 5.6: date "T" (or a blank) time, fraction of any length (cut to milliseconds), "Z" or an offset, which is
 * required: a time without one has no meaning here. The basic offset "+0100" of ISO 8601 is taken as well. */
bool log_time_iso(struct view text, int64_t *time_ms);
/* text × 10^scale, cut (not rounded) to an integer. Text is a JSON number without a sign: digits, fraction, exponent. False when it
 * is not one, or does not fit. log_decimal("0.1239", 3) is 123; scale is between -18 and 18. */
bool log_decimal(struct view text, int scale, uint64_t *value);
/* Milliseconds since 1970 of a civil date and time in UTC; false when there is no such date (leap seconds are taken as second 59).
 * */
struct log_civil {
    int year, month, day, hour, minute, second;
};
bool log_time_civil(const struct log_civil *civil, int64_t *time_ms);

#endif
