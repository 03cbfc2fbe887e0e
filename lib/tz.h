/* tz: the time zones of the system's database: offset, daylight saving and abbreviation at any instant, and the way back.
 *
 * The format is TZif, RFC 9636, versions 1 to 4: of version 2 and later the 64-bit block is read and the footer, a POSIX TZ string
 * with the extension of version 3 (times of -167 to 167 hours), daylight saving that is negative (Dublin: winter is the exception)
 * and that lasts all year. It is read here since GLib 2.74 is wrong by two hours in Dublin's winters where the file relies on its
 * footer, ICU brings zone data of its own that grow old beside the system's, and the C library has one zone for the whole process.
 *
 * Times are Unix times in seconds without leap seconds (files that count them, as those below "right/", are refused); a *local*
 * time is the number that the wall clock would be if it were UTC; days are numbered from 1970-01-01 = 0, as in lib/civil.h. They
 * lie in the years 0 to 9999: an instant beyond is answered as the nearest of these.
 *
 * Threads: a zone does not change once made; any number of threads may use it. The functions of the database may be called from any
 * thread, but for tz_shared_clear. Hostile bytes give an error, and take at most 4 times their size of memory and 16 KiB. */
#ifndef DAYBOOK_TZ_H
#define DAYBOOK_TZ_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    TZ_NAME_MAX = 64,         /* characters of a zone's name */
    TZ_ABBREVIATION_MAX = 15, /* characters */
    TZ_OFFSET_MAX_S = 93599,  /* either way; RFC 9636 section 3.2: less than 26 hours */
    TZ_FILE_MAX = 256 * 1024, /* bytes */
    TZ_NAMES_MAX = 1024,      /* zones of the database, and so of the cache; Debian has 598 */
    TZ_NEAR_MAX = 5,          /* names that tz_near_names gives */
};

#define TZ_TIME_MIN_S INT64_C(-62167219200) /* 0000-01-01 */
#define TZ_TIME_MAX_S INT64_C(253402300800) /* 10000-01-01 */
#define TZ_NEVER INT64_MAX

#define TZ_ERROR tz_error_quark()
GQuark tz_error_quark(void);
enum tz_error {
    TZ_ERROR_UNKNOWN, /* the database has no zone of this name */
    TZ_ERROR_DAMAGED, /* it has, but the file cannot be read or is not what RFC 9636 says */
};

struct tz;

struct tz_offset {
    int32_t offset_s; /* local time - UTC */
    bool dst;
    const char *abbreviation; /* "CEST", "+0545"; letters, digits, '+', '-'; the zone's */
};

/* ---- one zone ---- */

/* From the bytes of a file. */
struct tz *tz_parse(const char *name, const void *data, size_t size, GError **error);
void tz_free(struct tz *tz); /* may be NULL */
/* As the database spells it. */
const char *tz_name(const struct tz *tz);

struct tz_offset tz_at(const struct tz *tz, int64_t utc_s);
/* The first instant after utc_s from which on something may be different, or TZ_NEVER. */
int64_t tz_next_change(const struct tz *tz, int64_t utc_s);
/* The instants at which the wall clock shows local_s, earlier first: none (it was put forward over it), one, which both are then,
 * or two (it was put back). Returns how many. Should it show it more often, which no real zone does, the first and the last. */
int tz_from_local(const struct tz *tz, int64_t local_s, int64_t utc_s[2]);
/* The first instant at which the wall clock shows that date or a later one: the days of a zone are the time from one such instant
 * to the next, without gap or overlap. (Where a clock is put back over midnight, minutes of the old date thus belong to the new
 * day.) False: the zone skipped the date (Apia 2011-12-30), and the instant is the beginning of the next one that it has. */
bool tz_day_start(const struct tz *tz, int64_t day, int64_t *utc_s);
/* The date that the wall clock shows. */
int64_t tz_day(const struct tz *tz, int64_t utc_s);

/* ---- the system's database: the directory $TZDIR, or /usr/share/zoneinfo ----
 * Its names are read once. A name is looked up among them, ignoring case, and only what is found there is opened, so no name leads
 * out of the directory. Zones are loaded when first asked for and then kept: a new version of the database is seen after a restart.
 */

/* Its names, sorted, NULL-terminated, borrowed; empty where there is no database (Debian package tzdata). */
const char *const *tz_names(void);
/* The caller's own. */
struct tz *tz_load(const char *name, GError **error);
/* Kept for all; borrowed until tz_shared_clear. */
const struct tz *tz_shared(const char *name, GError **error);
/* Up to TZ_NEAR_MAX names that may have been meant ("kathmandu", "Europe/Berln"), nearest first, NULL-terminated, for the caller to
 * release with g_free; the names are borrowed. */
const char **tz_near_names(const char *name);
/* Forgets names and zones, at the end or for another TZDIR, when no other thread uses them. */
void tz_shared_clear(void);

#endif
