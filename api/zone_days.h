/* zone_days: the days of a time zone, and its hours, weeks and months, as ranges of 15-minute slots, and instants as its local
 * time.
 *
 * Counts are kept by slot: slot s is [s · 900 s, (s + 1) · 900 s) since 1970, UTC. A period of a zone takes the slots that *begin*
 * in it: all offsets since 1980 are multiples of 15 minutes, so that a slot lies in one period; where an offset was not (Monrovia
 * before 1972), a slot that a period's end cuts counts for the period in which it begins. Periods of one unit follow one another
 * without gap or overlap, so a sum over them is the sum over the slots between, whatever the clock did.
 *
 * Days are numbered from 1970-01-01 = 0 (lib/civil.h); whether one is a UTC day or a date of the zone is said. Pure functions; a
 * zone may be used by any number of threads. */
#ifndef DAYBOOK_ZONE_DAYS_H
#define DAYBOOK_ZONE_DAYS_H

#include "api/writer.h"
#include "lib/civil.h"
#include "lib/tz.h"

enum {
    ZONE_SLOT_S = 900,
    ZONE_SLOTS_PER_DAY = 96,   /* of a UTC day */
    ZONE_PERIODS_MAX = 100000, /* that zone_periods gives */
    ZONE_TEXT_MAX = CIVIL_TEXT_MAX,
};

struct zone_period {
    int64_t day;                /* the zone's date: of the day; of the hour's beginning; the Monday; the first of the month */
    int64_t begin_s, end_s;     /* Unix times, [begin, end) */
    int64_t from_slot, to_slot; /* [from, to); may be empty for an hour that the clock cut short */
};

/* Appends the periods (struct zone_period) of the zone's dates first_day to last_day, in order. A week or month that the range cuts
 * has only the days inside, an hour is the time from one full hour, or change of the clock, to the next: where it is put back, an
 * hour comes twice. Dates that the zone skipped have no day, and are appended to skipped (int64_t; may be NULL), whatever the unit.
 * unit: not CIVIL_MINUTE. False: they are more than ZONE_PERIODS_MAX. */
bool zone_periods(const struct tz *tz, int64_t first_day, int64_t last_day, enum civil_unit unit, GArray *periods, GArray *skipped);

/* The UTC days whose slots the period has: first and last. */
void zone_utc_days(const struct zone_period *period, int64_t *first, int64_t *last);

/* The local time and its offset, ISO 8601: "2026-11-20T05:45:00+05:45"; "…Z" in UTC itself (not in zones that are at +00:00 at the
 * time); an offset with seconds, of the days of local mean time, has them (":30" more). The local time is of the years 0 to 9999,
 * an instant beyond is shown as the nearest of these. Writes a NUL, returns the length. */
size_t zone_format(char out[ZONE_TEXT_MAX], const struct tz *tz, int64_t utc_s);
/* The same as the value of a key; time_ms: since 1970, UTC. */
void zone_write(struct writer *writer, const char *key, const struct tz *tz, int64_t time_ms);
/* Where a UTC day, the unit of billing, begins and ends by the zone's clock. */
void zone_format_utc_day(char begin[ZONE_TEXT_MAX], char end[ZONE_TEXT_MAX], const struct tz *tz, int64_t utc_day);

#endif
