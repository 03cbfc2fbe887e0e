/* report_range: which days a report shows, and which it leaves out and why.
 *
 * Days are UTC days, the unit of billing, or dates of a zone. A UTC day is shown when it is closed, a date when all UTC days that
 * it touches are. An interval longer than REPORT_RANGE_DAYS begins at the earliest with the first day of the ledger. Plain data,
 * owned by one thread; pure functions. */
#ifndef DAYBOOK_REPORT_RANGE_H
#define DAYBOOK_REPORT_RANGE_H

#include "api/closed_days.h"
#include "api/report_params.h"
#include "api/zone_days.h"

enum { REPORT_RANGE_DAYS = 3660, REPORT_DEFAULT_DAYS = 7 };

enum report_omission { REPORT_NOT_CLOSED, REPORT_NOT_ENDED };

struct report_omitted {
    int64_t first_day, last_day;
    enum report_omission reason;
};

struct report_revised {
    int64_t day; /* UTC */
    int revision;
};

struct report_range {
    const struct tz *tz;
    bool local;
    struct interval interval; /* as it is used */
    int64_t now_s;
    GArray *days;                /* struct zone_period: those that may be shown, then those that are */
    GArray *skipped;             /* int64_t: dates that the zone skipped */
    int64_t utc_first, utc_last; /* UTC days that are asked for; none if utc_last < utc_first */
    /* after report_range_choose: */
    GArray *runs;       /* struct report_period: the slots of all days that are shown, those without gap in one */
    GArray *omitted;    /* struct report_omitted */
    GArray *revised;    /* struct report_revised: UTC days that are shown in a revision over 1 */
    GArray *incomplete; /* int64_t: UTC days that are shown and said to have gaps */
};

struct report_known {
    int64_t through;   /* of the pin */
    bool has_first;    /* the ledger has days, */
    int64_t first_day; /* from this one on */
    int64_t now_s;     /* Unix time */
};

void report_range_init(struct report_range *range, const struct report_params *params, const struct report_known *known);
/* days: utc_first to utc_last, or NULL if there are none. */
void report_range_choose(struct report_range *range, const struct closed_days *days);
void report_range_clear(struct report_range *range);
const char *report_omission_name(enum report_omission reason);

#endif
