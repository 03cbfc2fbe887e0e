/* alert_check: looks at all limits, and raises an alert for each that reached a level.
 *
 * What is counted comes from live_read, like all answers, but is asked for as seldom as can be: alert_growth says how much may have
 * been added since it was read last, and only where that could be enough for the next level it is read again (alert_windows.h).
 * Where many windows of the same time are due (all of them at the beginning, or when an hour begins) they are read together, of all
 * clients at once. Minutes are read as they are (alert_minutes.h): the newest at each check, all of alerts.minutes_back at every
 * third.
 *
 * Only the highest level that was newly reached is raised. Which ones were is in Redis ({daybook}:alerts:levels), so whoever goes
 * on after another raises none again, and two at a time do no harm. After an error a check may be run again at any time. Of one
 * thread. */
#ifndef DAYBOOK_ALERT_CHECK_H
#define DAYBOOK_ALERT_CHECK_H

#include "api/alert_windows.h"
#include "api/alerts.h"
#include "api/live.h"
#include "lib/metrics.h"

struct alert_check_settings {
    const struct live_sources *sources; /* borrowed, like all below */
    struct metrics *metrics;
    struct alert_levels levels; /* of rules without own ones */
    uint32_t minutes_back;      /* at most ALERT_MINUTES_MAX */
    /* Called between two questions: false ends the check early, without an error. */
    bool (*go_on)(void *opaque);
    void *opaque;
};

struct alert_check;

struct alert_check *alert_check_new(const struct alert_check_settings *settings);
void alert_check_free(struct alert_check *check); /* NULL is allowed */
/* One check, by the rules of the snapshot. now_ms: Unix time. False with READER_ERROR: everything was checked but for windows that
 * could not be read. */
bool alert_check_run(struct alert_check *check, struct reader *reader, struct registry_snapshot *snapshot, int64_t now_ms,
                     GError **error);
/* The watchers of the last check (struct alert_watcher); borrowed until the next one. */
const GArray *alert_check_watchers(const struct alert_check *check);
/* Removes the levels of windows that were over before before_ms from Redis. */
bool alert_check_sweep(struct alert_check *check, struct reader *reader, int64_t before_ms, GError **error);

/* For whoever else raises: how long after the end of a window late events still count for its alerts. */
int64_t alert_check_late_ms(const struct alert_check_settings *settings, enum limit_period period);

#endif
