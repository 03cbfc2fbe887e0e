/* buckets_private: the structures behind buckets.h, shared by buckets.c (finding, counting), buckets_read.c and buckets_flush.c. */
#ifndef DAYBOOK_BUCKETS_PRIVATE_H
#define DAYBOOK_BUCKETS_PRIVATE_H

#include "aggregator/buckets.h"
#include "aggregator/intmap.h"
#include "lib/measure.h"

enum bucket_state { BUCKET_UNKNOWN, BUCKET_ASKED, BUCKET_LOADED };

/* What is counted for one combination. Slot: route | user << 20 | platform << 40. Minute: the client's symbol. */
struct cell {
    uint64_t name;
    struct bucket *bucket;
    struct cell *next_dirty; /* in a minute's bucket */
    bool dirty;
    uint32_t single; /* status of its only request: then the lists of the measure are not made yet. Else 0. */
    struct measure measure;
};

/* What is read and forgotten at once: one field of a client's slot, written whole; or one hash, a shard of a minute, of which the
 * dirty cells are written. */
struct bucket {
    enum bucket_state state;
    uint32_t shard;
    bool dirty;
    struct slot_client *slot_client; /* or */
    struct minute *minute;
    struct intmap cells;
    struct cell *dirty_cells;  /* in a minute's bucket */
    struct bucket *next_dirty; /* of the slot's client, or of the minute */
    struct buckets *buckets;
};

/* A member of a sorted set of routes. */
struct score {
    uint64_t requests;
    struct slot *slot;
    uint32_t name;
    bool dirty;
};

struct slot_client {
    struct slot *slot;
    uint32_t number;
    uint64_t requests;
    bool dirty;
    bool complete;        /* Redis has no bucket of it that is not in memory */
    struct bucket *first; /* shard 0 */
    struct intmap shards; /* the others */
    struct bucket *dirty_buckets;
};

struct slot {
    int64_t day;
    int revision, index;
    enum bucket_state state;
    struct intmap clients; /* symbol -> struct slot_client */
    struct intmap routes;  /* name -> struct score */
    GPtrArray *dirty_clients, *dirty_routes;
    bool dirty;
    struct buckets *buckets;
};

struct minute {
    int64_t minute;
    int revision;
    bool fresh; /* beyond the horizon when it was made: nothing to read */
    struct intmap shards;
    struct bucket *dirty_buckets;
};

/* What was found for the symbols of the batch at hand, by symbol index. */
struct memo {
    uint32_t organization, client_name, method, route_name, user_name, platform_name;
};

struct buckets {
    int partition;
    bool histograms;
    struct symbols *symbols;
    int64_t horizon;
    struct intmap slots, minutes;
    GPtrArray *dirty_slots, *dirty_minutes;
    size_t bytes, dirty_bytes;
    const struct batch *batch;
    struct memo *memos;
    size_t n_memos;
    GString *text; /* for names and values */
};

void cell_format(const struct cell *cell, GString *out);
struct cell *bucket_cell(struct bucket *bucket, uint64_t name);
/* Reading: each asks at most once and marks the state. */
void bucket_ask(struct bucket *bucket, struct commit *commit);
void slot_ask(struct slot *slot, struct commit *commit);
struct slot_client *slot_client_get(struct slot *slot, uint32_t number, bool complete);
struct score *slot_route_get(struct slot *slot, uint32_t name);
size_t bucket_key(const struct bucket *bucket, char *key); /* of its hash */

#endif
