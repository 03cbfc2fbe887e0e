/* deliveries: what is still to be told about alerts, and to whom, in Redis.
 *
 *   {daybook}:deliveries        zset  delivery id (delivery.h) by when it is due, Unix ms
 *   {daybook}:deliveries:info   hash  delivery id -> how the tries went (delivery_tries_write); none before the first one
 *   {daybook}:deliveries:dead   zset  delivery id by when it was given up
 *
 * Whoever raises an alert adds its deliveries with it (deliveries_for, ZADD NX, due at once); the notifier of each replica
 * (notifier.h) takes what is due. To take is to move the due time by DELIVERIES_CLAIM_MS, unless somebody else has moved it: so two
 * replicas do not send the same at a time, and what was taken by one that was killed is due again after that. A delivery is removed
 * only after the receiver took it, or when it is buried: it arrives at least once, and every time under the same id.
 *
 * Every script writes at most once, and what belongs together is written so that any first part of it does no harm
 * (ARCHITECTURE.md, section 4): at worst something is sent once more, or a field of the info is left over, which deliveries_sweep
 * removes. Functions with a reader: on the thread that owns it. */
#ifndef DAYBOOK_DELIVERIES_H
#define DAYBOOK_DELIVERIES_H

#include "api/delivery.h"
#include "api/reader.h"
#include "api/registry_snapshot.h"

#define DELIVERIES_KEY "{daybook}:deliveries"
#define DELIVERIES_INFO_KEY "{daybook}:deliveries:info"
#define DELIVERIES_DEAD_KEY "{daybook}:deliveries:dead"

enum {
    DELIVERIES_CLAIM_MS = 60000,
    DELIVERIES_PAGE = 200,           /* entries asked for at once, at most */
    DELIVERIES_PENDING_MAX = 100000, /* what is more is given up: deliveries_bound */
};

/* The channel is to hear of such an alert; organization NULL and level 0 where is_system. */
bool deliveries_wants(const struct channel *channel, const char *organization, uint32_t level, bool is_system);
/* Ids of the deliveries of an alert: one for each channel that wants to hear of it. event:
 * delivery_event_name. Strings, freed with the array. */
GPtrArray *deliveries_for(const struct registry_snapshot *snapshot, const char *organization, uint32_t level, bool is_system,
                          const char *alert_id, const char *event);

/* ---- reading; all functions that ask only queue, and are done when reader_finish has said so ---- */

struct deliveries_entry {
    char id[DELIVERY_ID_MAX];
    int64_t at_ms; /* Unix time: when it is due, or was given up */
    struct delivery_tries tries;
};

/* Entries in order; those that are not in our layout are left out, but counted in `seen`. */
struct deliveries_page {
    GArray *entries; /* struct deliveries_entry */
    uint32_t seen;
};
void deliveries_page_init(struct deliveries_page *page);
void deliveries_page_clear(struct deliveries_page *page);
struct deliveries_entry *deliveries_page_at(const struct deliveries_page *page, guint i);

/* What is in DELIVERIES_KEY or DELIVERIES_DEAD_KEY from rank `first` on, at most n (DELIVERIES_PAGE), is added to the page. */
void deliveries_ask_range(struct reader *reader, const char *key, uint64_t first, uint32_t n, struct deliveries_page *page);
/* What is due at now_ms, from the first-th on. */
void deliveries_ask_due(struct reader *reader, int64_t now_ms, uint64_t first, struct deliveries_page *page);
/* Fills in the tries of entries, which stay where they are until the replies. */
void deliveries_ask_tries(struct reader *reader, struct deliveries_entry *entries, guint n);

/* How many of a key stand before this time. */
void deliveries_ask_rank(struct reader *reader, const char *key, int64_t time_ms, uint64_t *rank);
/* The time of one; unchanged if it is not there. */
void deliveries_ask_time(struct reader *reader, const char *key, const char *id, int64_t *time_ms);

struct deliveries_counts {
    int64_t pending, dead;
};
void deliveries_ask_counts(struct reader *reader, struct deliveries_counts *counts);

/* ---- changing ---- */

/* Takes those of n entries (DELIVERIES_PAGE at most) that are still due when they say: their at_ms is to_ms then, and 0 of those
 * that somebody else has taken or removed. */
void deliveries_ask_claim(struct reader *reader, struct deliveries_entry *entries, guint n, int64_t to_ms);
/* These two note the tries of an entry, if nobody else has touched it since at_ms was set: and it is due again at to_ms; or is
 * given up, and goes to the dead ones. */
void deliveries_ask_postpone(struct reader *reader, const struct deliveries_entry *entry, int64_t to_ms);
void deliveries_ask_bury(struct reader *reader, const struct deliveries_entry *entry, int64_t now_ms);
/* It was taken by its receiver, or is not wanted any more. was_there (may be NULL): false if it was neither pending nor dead. */
void deliveries_ask_remove(struct reader *reader, const char *id, bool *was_there);
/* Due now, as if it had never been tried, whether it is pending or dead. */
void deliveries_ask_retry(struct reader *reader, const char *id, int64_t now_ms, bool *was_there);

/* Gives up pending ones beyond `most`, first those that would wait longest for their next try: so who does not take what is due
 * loses it, not who does. *n: how many. Waits for the replies. */
bool deliveries_bound(struct reader *reader, uint32_t most, int64_t now_ms, uint64_t *n, GError **error);
/* Removes dead ones beyond dead_max and those given up before before_ms, the oldest first, and what is left over in the info.
 * oldest_ms: the earliest first try of all that are pending, or 0. Waits for the replies. */
bool deliveries_sweep(struct reader *reader, uint32_t dead_max, int64_t before_ms, int64_t *oldest_ms, GError **error);

#endif
