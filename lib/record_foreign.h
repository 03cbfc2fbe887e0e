/* record_foreign: a UsageBatch from outside, whose events are still to be judged one by one.
 *
 * record_parse() is for what stands on the topic: there one wrong value makes a whole batch invalid. What a client sends is taken
 * more patiently: here only the form is checked (columns of equal length, symbols that exist, ascending id_event); names may be too
 * long, unclean or missing, and numbers out of range. Everything that tells whose batch it is (stream, sequence, partition,
 * manifest) is ignored. */
#ifndef DAYBOOK_RECORD_FOREIGN_H
#define DAYBOOK_RECORD_FOREIGN_H

#include "lib/event.h"
#include <glib.h>

struct foreign_batch;

/* The bytes of a UsageBatch, or of a Record that holds one. The batch keeps nothing of data. */
struct foreign_batch *foreign_batch_parse(struct view data, GError **error);
void foreign_batch_free(struct foreign_batch *batch);
size_t foreign_batch_count(const struct foreign_batch *batch);
/* Whether the batch says when its events were. */
bool foreign_batch_has_times(const struct foreign_batch *batch);
/* Gives out all events in order; views live as long as the batch. Stops when each returns false. */
void foreign_batch_each(const struct foreign_batch *batch, bool (*each)(void *opaque, const struct event *event), void *opaque);

#endif
