/* alert_growth: how much at most was counted of each watched client since an earlier look, for little work of Redis.
 *
 * A look asks every partition for its commit number, and nothing more of one that did not move. Of the others it reads how many
 * events there are of each generation, and of generations that grew the sorted sets of clients by requests, of three slots: the
 * one of now and those beside it. What these do not explain came late, for other slots: then, at most every ALERT_GROWTH_WHOLE_MS,
 * all slots of the generation are read. (The number of events and the sets are different keys, so what is missing must be missing
 * at two looks in a row.)
 *
 * Of each client there are two counters that only grow: of all slots, and of those before the hour of the look, for windows that
 * are over. Of two looks, what was counted for a client in any window between them is at most the difference of a counter. It may
 * be more than was really counted: what was there when a generation was first read is all taken for growth. Owned by one thread;
 * memory is some 40 bytes for each client of each generation that grew. */
#ifndef DAYBOOK_ALERT_GROWTH_H
#define DAYBOOK_ALERT_GROWTH_H

#include "api/limit_watch.h"
#include "api/reader.h"

enum { ALERT_GROWTH_WHOLE_MS = 20000 };

struct growth_client {
    char *key;      /* organization KEYS_CLIENT_SEPARATOR client */
    uint64_t all;   /* counters, see above */
    uint64_t ended; /* in slots before the hour */
    guint mark;     /* alert_growth.c's own */
};

struct alert_growth;

struct alert_growth *alert_growth_new(void);
void alert_growth_free(struct alert_growth *growth); /* NULL is allowed */
/* From now on it counts for these clients; those that it knows keep their counters. */
void alert_growth_watch(struct alert_growth *growth, const struct limit_watches *watches);
/* Borrowed until the next alert_growth_watch; NULL: it is not watched. */
struct growth_client *alert_growth_client(const struct alert_growth *growth, const char *key);
/* A look. After an error the next one finds what this one has missed. *moved: any partition has. now_ms: Unix time. */
bool alert_growth_look(struct alert_growth *growth, struct reader *reader, int64_t now_ms, bool *moved, GError **error);
/* The watched client with a symbol in a generation whose names were read; NULL: another, or not known. */
struct growth_client *alert_growth_of(const struct alert_growth *growth, int partition, int64_t day, int revision, uint32_t symbol);
/* Revisions of a day that a partition counts: calls `each` with the names read. */
void alert_growth_generations(const struct alert_growth *growth, int64_t day,
                              void (*each)(int partition, int64_t day, int revision, void *opaque), void *opaque);

#endif
