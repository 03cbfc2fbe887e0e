/* journal_group: what becomes durable together: batches, and positions of followed files.
 *
 * Filled by the batcher, numbered and placed by journal_append(), handed on to the shipper; or read back from the journal. Owned by
 * one thread at a time. */
#ifndef DAYBOOK_JOURNAL_GROUP_H
#define DAYBOOK_JOURNAL_GROUP_H

#include "collector/journal_cursor.h"
#include "collector/journal_format.h"

struct journal_position {
    char *name;
    GBytes *value; /* empty: the name is forgotten */
};

struct journal_group {
    GArray *batches;   /* of struct journal_batch, those of one partition by sequence */
    GArray *positions; /* of struct journal_position */
    size_t bytes;      /* of the batches' records */
    /* Set when it is durable, or was read back: */
    uint64_t number;
    struct journal_place end;            /* of the group: the place of the next one */
    uint64_t nonce;                      /* of its segment */
    uint64_t batches_total, bytes_total; /* of the journal's life, this group included */
};

struct journal_group *journal_group_new(void);
void journal_group_free(struct journal_group *group);
bool journal_group_is_empty(const struct journal_group *group);
/* Takes the reference to batch->record. */
void journal_group_take_batch(struct journal_group *group, const struct journal_batch *batch);
/* Copies the name, takes a reference to the value. A later position of the same name replaces the earlier one. */
void journal_group_set_position(struct journal_group *group, struct view name, GBytes *value);

#endif
