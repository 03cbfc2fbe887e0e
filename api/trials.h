/* trials: test events, which somebody sends to a channel and waits for what comes of it.
 *
 * At most TRIALS_MAX at a time. Each ends with one call of its `done`, on the thread that sends, whatever happens. trials_add is
 * safe from any thread until trials_free; all else belongs to the thread of the sender. */
#ifndef DAYBOOK_TRIALS_H
#define DAYBOOK_TRIALS_H

#include "api/sender.h"

enum { TRIALS_MAX = 16 };

struct trials;

/* The sender is borrowed, and copied. */
struct trials *trials_new(const struct sender *sender);
/* When its outgoing is gone. Calls done of what has not ended. */
void trials_free(struct trials *trials);

/* False: there are too many; done is not called. The channel is copied. */
bool trials_add(struct trials *trials, const struct channel *channel, outgoing_done *done, void *opaque);
/* Sends what was added. */
void trials_begin(struct trials *trials);
/* How many have not ended. */
guint trials_waiting(struct trials *trials);

#endif
