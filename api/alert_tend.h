/* alert_tend: what is done about alerts besides looking at limits: system alerts come and go with their conditions, alerts of
 * limits recover when their window and the time for late events are over, and what is too old or too many is removed. May be done
 * by several at once, and again after an error. Of the thread that has the reader. */
#ifndef DAYBOOK_ALERT_TEND_H
#define DAYBOOK_ALERT_TEND_H

#include "api/alerts.h"
#include "api/registry_snapshot.h"
#include "api/system_state.h"
#include "lib/metrics.h"

struct alert_tend {
    struct alerts_cache *alerts; /* borrowed, like the next */
    struct metrics *metrics;
    struct system_settings system;
    int64_t minutes_late_ms; /* how long alerts of minutes wait for late events; others ALERT_WINDOWS_LATE_MS */
    uint32_t keep;           /* alerts at most */
    int64_t keep_ms;
};

/* Conditions of the system: raises those that are new, and recovers those that ended. */
bool alert_tend_system(const struct alert_tend *tend, struct reader *reader, struct registry_snapshot *snapshot, int64_t now_ms,
                       GError **error);
bool alert_tend_limits(const struct alert_tend *tend, struct reader *reader, struct registry_snapshot *snapshot, int64_t now_ms,
                       GError **error);
bool alert_tend_trim(const struct alert_tend *tend, struct reader *reader, int64_t now_ms, GError **error);

#endif
