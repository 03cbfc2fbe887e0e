/* alert_windows: what is known of the windows of a watch, and whether one may have reached its next level.
 *
 * Of a window is known that at some moment at most so many requests were counted in it (all that is known of a window that has
 * just begun, or is seen for the first time, is nothing), and how far the counter of its client was then (alert_growth.h). So at
 * most that and the growth since were counted now, and only if that is enough for the next level the count is really read. A watch
 * has two windows: the current one, and the one before for ALERT_WINDOWS_LATE_MS after its end, for events that come late. For that
 * one only what was counted in slots before the hour is growth, for every window ends with an hour. Minutes are read as they are
 * and have no windows here.
 *
 * A window's name is the field of {daybook}:alerts:levels: "organization <0x1f> client <0x1f> metric period begin limit", so who
 * changes a limit is told anew of the new one. Pure; of one thread. */
#ifndef DAYBOOK_ALERT_WINDOWS_H
#define DAYBOOK_ALERT_WINDOWS_H

#include "api/alert_growth.h"

#define ALERT_WINDOWS_LATE_MS INT64_C(3600000)
#define ALERT_WINDOWS_UNKNOWN UINT64_MAX

struct alert_window {
    int64_t from_ms, to_ms; /* [from, to); equal: there is none */
    bool is_over;
    uint64_t most;    /* requests in it at most, or ALERT_WINDOWS_UNKNOWN */
    uint64_t counter; /* of the client, when that was so */
    uint32_t raised;  /* highest level that was raised; 0: none */
    int64_t asked_ms; /* when it was read last, Unix time; 0: never */
};

struct alert_watcher {
    const struct limit_watch *watch;
    const struct growth_client *client;
    struct alert_window windows[2]; /* the current one, and the one before */
};

/* The name of a window: the caller frees it. */
char *alert_windows_name(const struct limit_watch *watch, int64_t from_ms);
/* When the window of a name is over; false: it is no name. */
bool alert_windows_end(struct view name, int64_t *to_ms);

/* Moves the windows to now. levels: name -> level (as a pointer), of windows that begin to be watched. */
void alert_windows_roll(struct alert_watcher *watcher, GHashTable *levels, int64_t now_ms);
/* Takes over what is known of a watch that says the same: same limit and metric. */
void alert_windows_inherit(struct alert_watcher *watcher, const struct alert_watcher *before);
/* Requests in it at most; ALERT_WINDOWS_UNKNOWN. */
uint64_t alert_windows_most(const struct alert_watcher *watcher, const struct alert_window *window);
/* It may have reached its next level. */
bool alert_windows_is_due(const struct alert_watcher *watcher, const struct alert_window *window);
/* So many were counted at most (by the growth's last look, or later). */
void alert_windows_know(const struct alert_watcher *watcher, struct alert_window *window, uint64_t most);

#endif
