/* tz_internal: what tz.c (asking), tz_parse.c (the file), tz_rule.c (its footer) and tz_database.c share. */
#ifndef DAYBOOK_TZ_INTERNAL_H
#define DAYBOOK_TZ_INTERNAL_H

#include "lib/tz.h"
#include "lib/view.h"

enum { TZ_DAY_S = 86400, TZ_RULE_TEXT_MAX = 256 };
#define TZ_CYCLE_S (INT64_C(146097) * TZ_DAY_S) /* the calendar repeats itself every 400 years, weekdays too */

/* ---- the footer: a POSIX TZ string (Base Definitions, section 8.3) ---- */

struct tz_rule_time {
    char name[TZ_ABBREVIATION_MAX + 1];
    int32_t offset_s; /* east of Greenwich, so the opposite of what the string says */
};

/* The time of a change within any year. */
struct tz_rule_change {
    enum { TZ_YEAR_DAY, TZ_COMMON_YEAR_DAY, TZ_MONTH_WEEKDAY } kind;
    int day;   /* 0 to 365; or 1 to 365, never 29 February; or the weekday, 0 is Sunday */
    int month; /* 1 to 12 */
    int week;  /* 1 to 4; 5 is the last */
    int32_t s; /* after the day's midnight, by the clock that shows until then */
};

struct tz_rule {
    struct tz_rule_time standard, dst;
    bool has_dst;
    struct tz_rule_change to_dst, to_standard;
};

/* NULL, or what is wrong. */
const char *tz_rule_parse(struct tz_rule *rule, struct view text);
bool tz_rule_is_dst(const struct tz_rule *rule, int64_t utc_s);
/* Appends the changes (int64_t) in (after_s, after_s + TZ_CYCLE_S], ascending. */
void tz_rule_changes(const struct tz_rule *rule, int64_t after_s, GArray *times);

/* ---- a zone ---- */

struct tz {
    char *name;
    char *text;              /* abbreviations, each with a NUL */
    struct tz_offset *types; /* abbreviation: in text or rule */
    size_t n_types;          /* those of the file, and two of the rule at most */

    /* What the file lists: from times[i] on, types[kinds[i]]; before the first, types[0]. Strictly ascending. */
    int64_t *times;
    uint16_t *kinds;
    size_t n_times;

    /* What comes after: the rule. Its changes in (cycle_s, cycle_s + TZ_CYCLE_S] are worked out, later ones repeat these; where the
     * file lists nothing, earlier ones too. */
    bool has_rule;
    struct tz_rule rule;
    int64_t cycle_s; /* the last of times, or 1970 */
    int64_t *cycle_times;
    uint16_t *cycle_kinds;
    size_t n_cycle;
    uint16_t cycle_kind; /* where there are no changes */
};

#endif
