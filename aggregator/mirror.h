/* mirror: a small Redis hash held whole in memory, with what changed since the last flush. Owned by one thread. */
#ifndef DAYBOOK_MIRROR_H
#define DAYBOOK_MIRROR_H

#include "aggregator/commit.h"

struct mirror;

/* Mirrors {p<partition>}:<kind>. */
struct mirror *mirror_new(int partition, const char *kind);
void mirror_free(struct mirror *mirror);
/* Asks for the whole hash; it is there after the next commit_read. A mirror that is never loaded can only be written to. */
void mirror_load(struct mirror *mirror, struct commit *commit);

const char *mirror_get(const struct mirror *mirror, const char *field); /* borrowed, NULL: not there */
void mirror_set(struct mirror *mirror, const char *field, const char *value);
void mirror_remove(struct mirror *mirror, const char *field);
/* Numbers: a missing field is 0. Text that is no number is 0 too: our own writes are the only ones. */
int64_t mirror_number(const struct mirror *mirror, const char *field);
void mirror_set_number(struct mirror *mirror, const char *field, int64_t value);
void mirror_add(struct mirror *mirror, const char *field, int64_t value);
/* A ring of the newest KEYS_RING entries: "number text" under the number modulo KEYS_RING. */
void mirror_ring(struct mirror *mirror, int64_t number, const char *text);
/* The fields, as they are now: do not change the mirror meanwhile. */
void mirror_each(const struct mirror *mirror, void (*each)(const char *field, const char *value, void *opaque), void *opaque);

bool mirror_dirty(const struct mirror *mirror);
/* Writes what changed into the payload and is clean again. */
void mirror_flush(struct mirror *mirror, struct payload *payload);

#endif
