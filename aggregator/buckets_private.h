/* buckets_private: the structures behind buckets.h, shared by buckets.c (finding), buckets_count.c, buckets_read.c and
 * buckets_flush.c.
 *
 * Millions of cells are open at once, and what costs is not work but waiting for memory: so a cell is found by one look into the
 * map of its slot or minute, it is small while it has seen one request, and a slot or minute ends as a whole, with its arena. */
#ifndef DAYBOOK_BUCKETS_PRIVATE_H
#define DAYBOOK_BUCKETS_PRIVATE_H

#include "aggregator/buckets.h"
#include "aggregator/intmap.h"
#include "lib/arena.h"
#include "lib/keys.h"
#include "lib/open_sum.h"

/* A combination of symbols within a client, in 32 bits. */
enum { ROUTE_BITS = 11, USER_BITS = 14, PLATFORM_BITS = 7 };
G_STATIC_ASSERT(ROUTE_BITS + USER_BITS + PLATFORM_BITS == 32);
G_STATIC_ASSERT(KEYS_ROUTES_MAX + 1 < 1 << ROUTE_BITS); /* one more is KEYS_OTHER */
G_STATIC_ASSERT(KEYS_USERS_MAX + 1 < 1 << USER_BITS);
G_STATIC_ASSERT(KEYS_PLATFORMS_MAX + 1 < 1 << PLATFORM_BITS);

enum bucket_state { BUCKET_UNKNOWN, BUCKET_ASKED, BUCKET_LOADED };

/* Of a slot. Once it is without, it stays so: what was counted meanwhile would be missing. */
enum slot_sums { SUMS_KEPT, SUMS_LEFT /* in Redis, of less than was counted: to be unlinked */, SUMS_NONE };

/* What is open as a whole: the part that slots and minutes have in common. */
struct span {
    struct buckets *buckets;
    struct arena arena;  /* of all that belongs to it, but for maps */
    struct intmap cells; /* by their keys */
};

/* The only request of a cell. */
struct request {
    uint64_t latency_us, request_bytes, response_bytes;
};

/* What is counted for one combination: at first its only request, then sums. */
struct cell {
    uint64_t key; /* slot: client << 32 | combination; minute: client */
    struct bucket *bucket;
    struct cell *next; /* slot: of the bucket's cells; minute: of its dirty cells */
    uint32_t status;   /* of its only request; 0: none, or more than one */
    bool dirty;        /* in a minute */
    union {
        struct request one;   /* when status is not 0 */
        struct measure *many; /* NULL: nothing counted */
    };
};

/* What is read at once: one field of a client's slot, written whole; or one hash, a shard of a minute, of which the dirty cells are
 * written. */
struct bucket {
    struct span *span;
    struct slot_client *slot_client; /* or */
    struct minute *minute;
    struct cell *cells;        /* slot: all; minute: the dirty ones */
    struct bucket *next_dirty; /* of the slot's client, or of the minute */
    uint32_t shard, n_cells;
    enum bucket_state state;
    bool dirty;
};

/* Buckets by the number of their shard; NULL: not open. */
struct shards {
    struct bucket **at;
    uint32_t n;
};

/* A route in a slot, of all clients. */
struct score {
    struct open_sum sum;
    struct slot *slot;
    uint32_t name;
    bool dirty;
};

struct slot_client {
    struct slot *slot;
    struct open_sum sum; /* of its buckets */
    uint32_t number;
    bool dirty;
    bool complete; /* Redis has no bucket of it that is not in memory */
    struct shards shards;
    struct bucket *dirty_buckets;
};

struct slot {
    struct span span;
    int64_t day;
    int revision, index;
    uint64_t requests; /* of all clients */
    uint64_t minutes[KEYS_SLOT_MINUTES];
    enum bucket_state state;
    enum slot_sums sums;
    struct intmap clients; /* symbol -> struct slot_client */
    struct intmap routes;  /* name -> struct score */
    GPtrArray *dirty_clients, *dirty_routes;
    bool dirty;
};

struct minute {
    struct span span;
    int64_t minute;
    int revision;
    bool fresh; /* beyond the horizon when it was made: nothing to read */
    struct shards shards;
    struct bucket *dirty_buckets;
};

/* What was found for a symbol of the batch at hand. As a client's name it is good for one organization, generation and slot, as a
 * route's for one method and slot: those that the event before had. Names are never 0 once they are found. */
struct memo {
    uint32_t organization, client_name;
    struct generation *generation;
    struct client *client;
    struct slot_client *slot_client;
    bool client_over_cap;
    uint32_t method, route_name;
    struct score *score;
};

struct buckets {
    int partition;
    bool histograms;
    struct symbols *symbols;
    int64_t horizon;
    struct intmap slots, minutes;
    GPtrArray *dirty_slots, *dirty_minutes;
    size_t dirty_bytes;
    const struct batch *batch;
    struct memo *memos;
    uint32_t *names; /* of the batch's symbols */
    size_t n_memos;  /* and of names: room */
    bool missing;    /* something that must be read first, in this pass over the batch */
    /* Of the event before, in this batch. */
    struct generation *generation;
    struct slot *slot;
    struct minute *minute;
    GString *text; /* for names and values */
    struct tally closed[HISTOGRAM_BUCKETS];
};

uint64_t cell_requests(const struct cell *cell);
/* Takes what was read as the cell's value. */
void cell_set(struct cell *cell, const struct measure *measure);
/* The cell of a loaded bucket, made if need be. */
struct cell *bucket_cell(struct bucket *bucket, uint64_t key);
/* Reading: each asks at most once and marks the state. */
void bucket_ask(struct bucket *bucket, struct commit *commit);
void slot_ask(struct slot *slot, struct commit *commit);
struct slot_client *slot_client_get(struct slot *slot, uint32_t number, bool complete);
struct score *slot_route_get(struct slot *slot, uint32_t name);
size_t bucket_key(const struct bucket *bucket, char *key); /* of its hash */

static inline uint64_t combination(uint32_t route, uint32_t user, uint32_t platform)
{
    return route | user << ROUTE_BITS | platform << (ROUTE_BITS + USER_BITS);
}

static inline uint64_t bits(uint64_t key, unsigned shift, unsigned n)
{
    return key >> shift & ((UINT64_C(1) << n) - 1);
}

#endif
