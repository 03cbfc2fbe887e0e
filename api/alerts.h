/* alerts: what was raised, as all replicas know it.
 *
 *   {daybook}:alerts            hash    alert id -> what it says (alert_keep); never changed
 *   {daybook}:alerts:time       zset    alert id by its creation, or when it was last kept, Unix ms: the oldest go first
 *   {daybook}:alerts:recovered  hash    alert id -> when, Unix ms
 *   {daybook}:alerts:state      hash    alert id -> "read" or "deleted"
 *   {daybook}:alerts:levels     hash    client, metric, window and limit (alert_windows.h) -> highest level that was raised
 *   {daybook}:alerts:removed    string  how many were removed for their number or age
 *   {daybook}:alerts:version    string  another one after each change
 *   {daybook}:deliveries        zset    api/deliveries.h
 *
 * To raise is one script that does nothing if the alert is there already. It adds the deliveries first and the alert's record last
 * but for the level: Redis may be left with any first part of a script's writes (ARCHITECTURE.md, section 4), and then it is simply
 * done again. So an alert whose record is there has its deliveries, and one that was raised is never raised anew; a delivery whose
 * alert is not there (yet) is not sent. Recovering is the same. State and recovery have keys of their own, so nobody overwrites
 * what another has changed.
 *
 * At most ALERTS_MAX are kept, and as many and as long as the settings say. Readers share a list that never changes
 * (alerts_cache), read anew when the version moved; in any case after half a minute. Functions that ask only queue
 * (reader_ask); reader_finish says whether it was done. */
#ifndef DAYBOOK_ALERTS_H
#define DAYBOOK_ALERTS_H

#include "api/alert.h"
#include "api/reader.h"

#define ALERTS_KEY "{daybook}:alerts"
enum { ALERTS_MAX = 100000, ALERTS_DELIVERIES_AT_ONCE = 200 };

/* ---- reading ---- */

struct alerts_list {
    gint users;       /* alerts.c's own, like the next */
    gint64 read_us;   /* monotonic */
    char *version;    /* that it was read for */
    GPtrArray *all;   /* struct alert, newest first, deleted ones too */
    uint64_t removed; /* so many were removed for their number or age, ever */
};

struct alerts_cache;

struct alerts_cache *alerts_cache_new(void);
void alerts_cache_free(struct alerts_cache *cache);
/* All alerts as they are in Redis now (one GET if nothing changed); released by alerts_list_release. NULL with an error. */
struct alerts_list *alerts_cache_take(struct alerts_cache *cache, struct reader *reader, GError **error);
void alerts_list_release(struct alerts_list *list);
/* One of them as it is in Redis now; *alert is NULL when there is none, else to be freed. False with an error. */
bool alerts_find(struct reader *reader, const char *id, struct alert **alert, GError **error);

/* What is looked for; all borrowed. Whoever shows alerts narrows them to what the caller sees: alerts_filter_narrow. */
struct alerts_filter {
    const char *organization, *client, *metric; /* NULL: any; then system alerts too, unless without_system */
    bool without_system;
    uint32_t kinds, states; /* 1 << enum alert_kind, enum alert_state; 0: any; of states: all but deleted ones */
    uint32_t periods;       /* 1 << enum limit_period; 0: any */
    uint32_t level;         /* 0: any */
    int active;             /* 1, 0: only those; -1: both */
    int64_t from_ms, to_ms; /* created in [from, to) */
};

struct caller;

void alerts_filter_init(struct alerts_filter *filter);
/* To what the caller may see. False: what is asked for is of others. */
bool alerts_filter_narrow(struct alerts_filter *filter, const struct caller *caller);
bool alerts_filter_has(const struct alerts_filter *filter, const struct alert *alert);
/* The newest of those that the filter has, at most n: struct alert, borrowed from the list. */
GPtrArray *alerts_newest(const struct alerts_list *list, const struct alerts_filter *filter, guint n);

/* ---- changing; what is asked is done when reader_finish has said so ---- */

/* What there is to do, filled in by the reply. */
enum alerts_outcome { ALERTS_UNKNOWN, ALERTS_DONE, ALERTS_BEFORE /* it was there, or done, already */ };

/* Raises an alert with its deliveries (ids as strings, may be NULL), due at created_ms. level_field: of {daybook}:alerts:levels,
 * which takes the alert's level; or NULL. outcome must live until the reply. */
void alerts_ask_raise(struct reader *reader, const struct alert *alert, const GPtrArray *deliveries, const char *level_field,
                      enum alerts_outcome *outcome);
/* Says that an alert recovered at now_ms, with the deliveries of that. */
void alerts_ask_recover(struct reader *reader, const char *id, const GPtrArray *deliveries, int64_t now_ms,
                        enum alerts_outcome *outcome);
/* It lasts at now_ms: it is removed as if it had been created then. */
void alerts_ask_keep(struct reader *reader, const char *id, int64_t now_ms);
/* Of one that exists. */
void alerts_ask_state(struct reader *reader, const char *id, enum alert_state state);
/* Removes those created or kept before before_ms, and the oldest beyond keep; at most 1,000, and counts them. */
void alerts_ask_trim(struct reader *reader, uint32_t keep, int64_t before_ms, uint64_t *removed);

/* Walks {daybook}:alerts:levels; counts its fields; and removes these (strings). */
void alerts_ask_levels(struct reader *reader, struct reader_pairs pairs);
void alerts_ask_count_levels(struct reader *reader, uint64_t *n);
void alerts_ask_forget_levels(struct reader *reader, const GPtrArray *fields);

#endif
