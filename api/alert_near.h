/* alert_near: which clients are nearest to a limit, for whoever shows it.
 *
 * Whoever checks the limits publishes them in {daybook}:near, nearest first: at most ALERT_NEAR_MAX, and of one organization at
 * most ALERT_NEAR_OF_ONE. What is published is the most that can have been counted; whoever shows one asks live_read, which is what
 * alert_near_read does. Only windows that run now, and no minutes. */
#ifndef DAYBOOK_ALERT_NEAR_H
#define DAYBOOK_ALERT_NEAR_H

#include "api/alert_windows.h"
#include "api/live.h"

enum { ALERT_NEAR_MAX = 1000, ALERT_NEAR_OF_ONE = 20, ALERT_NEAR_SHOWN_MAX = 20 };

struct near {
    char *organization, *client, *rule, *metric;
    enum limit_period period;
    int64_t from_ms, to_ms; /* the window, which runs now */
    uint64_t limit, value;  /* value: as it is counted now */
};

/* Asks for it to be published (reader_ask). watchers: struct alert_watcher. */
void alert_near_ask_publish(struct reader *reader, const GArray *watchers);

/* The n nearest (at most ALERT_NEAR_SHOWN_MAX) of an organization and client (NULL: any) that are above 0, with what is counted of
 * them now: struct near, nearest first, freed with the array. Those whose rule or method is gone are left out. NULL with an error.
 */
GPtrArray *alert_near_read(struct reader *reader, const struct live_sources *sources, const struct registry_snapshot *snapshot,
                           const char *organization, const char *client, guint n, GError **error);

#endif
