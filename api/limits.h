/* limits: how many requests a caller may make, in a sliding minute and a sliding day, the same on all replicas.
 *
 * Both windows are kept in Redis, by the clock of Redis. A replica takes a small share at a time (a lease: as many as it lately
 * handed out in LIMITS_LEASE_MS, at most LIMITS_LEASE_PERCENT of what is left of the minute) and hands out of it without asking.
 * What a lease did not use is given back with the next question. With share = LIMITS_LEASE_PERCENT of the limit:
 *   - never more than limit + replicas × share requests pass in any 60 s, or in any 24 h;
 *   - never is one refused while fewer than limit − (replicas − 1) × share have passed, in the last 60.5 s and in the last
 *     24 h 15 min: a caller with one request in LIMITS_LEASE_MS on each replica gets no leases, and exactly its limit;
 *   - what comes back, comes back at Retry-After: then one request is allowed, if no other took its place meanwhile.
 * A refusal is remembered until then, so that who goes on asking costs Redis nothing. While Redis cannot be asked, each replica
 * keeps the limits by itself, in coarser windows (65 s, 25 h). At most LIMITS_SLOTS_MAX callers are remembered, those asked for
 * last; one that is forgotten costs a question, and perhaps a share for a minute.
 *
 *   {daybook}:limit:<account of the caller>   see limits_script.c; expires by itself
 *
 * Thread-safe. */
#ifndef DAYBOOK_LIMITS_H
#define DAYBOOK_LIMITS_H

#include "api/caller.h"
#include "api/reader.h"
#include "lib/http.h"

enum { LIMITS_LEASE_PERCENT = 5, LIMITS_LEASE_MS = 2000, LIMITS_SLOTS_MAX = 100000 };
enum limits_window { LIMITS_MINUTE, LIMITS_DAY, LIMITS_WINDOW_N };

struct limits_tier {
    uint32_t per_minute;
    uint64_t per_day;
};

/* Of callers by a token, as their tier says (enum tier); of all sessions of a caller together. */
enum { LIMITS_SESSION = TIER_N, LIMITS_TIER_N };

struct limits;

struct limits_use {
    uint64_t limit, used, remaining;
    int64_t reset_ms; /* Unix time at which the remaining next grow: the oldest request that counts gets too old */
};

/* What the answer's headers say. */
struct limits_state {
    struct limits_use windows[LIMITS_WINDOW_N];
    uint64_t limit, used, remaining; /* of the window that refuses, or of which less remains */
    int64_t reset_ms;
    int window_s;      /* 60 or 86400 */
    int reset_after_s; /* from now to reset_ms, rounded up */
    int retry_after_s; /* when refused; else 0 */
};

enum limits_outcome { LIMITS_ALLOWED, LIMITS_REFUSED, LIMITS_ASK /* no share left here: limits_ask on a worker, then once more */ };

struct limits *limits_new(const struct limits_tier tiers[LIMITS_TIER_N]);
void limits_free(struct limits *limits);
/* Never blocks. now_ms: Unix time. The state is filled unless it is LIMITS_ASK, which can follow a limits_ask, too, where another
 * request of the same caller was quicker: then ask again. */
enum limits_outcome limits_take(struct limits *limits, const struct caller *caller, int64_t now_ms, struct limits_state *state);
/* Gets a share from Redis; it calls reader_begin itself. False: Redis could not be asked, and limits_take keeps the limits by
 * itself for a while. It must be called (not only reader_begin), or limits_take does not learn that Redis is away. */
bool limits_ask(struct limits *limits, const struct caller *caller, struct reader *reader, int64_t now_ms, GError **error);
/* Sets inin-ratelimit-count, -allowed and -reset (seconds left); X-RateLimit-Limit, -Remaining and -Reset (Unix seconds); RateLimit
 * and RateLimit-Policy (draft-ietf-httpapi-ratelimit-headers-09); Retry-After is for who refuses. */
void limits_headers(const struct limits_state *state, struct http_request *request);

/* For tests: from now on Redis takes now_ms of who asks for the time. */
void limits_set_given_time(struct limits *limits);

#endif
