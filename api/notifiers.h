/* notifiers: the two of a replica, one for webhooks and one for mail, as the configuration says. */
#ifndef DAYBOOK_NOTIFIERS_H
#define DAYBOOK_NOTIFIERS_H

#include "api/notifier.h"
#include "lib/config.h"

struct notifiers;

/* All borrowed. */
struct notifiers *notifiers_start(const struct config *config, const struct redis_settings *redis, struct registry *registry,
                                  struct metrics *metrics);
/* Nobody may call notifiers_test any more. */
void notifiers_stop(struct notifiers *notifiers);
/* notifier_test, by the kind of the channel. */
bool notifiers_test(struct notifiers *notifiers, const struct channel *channel, outgoing_done *done, void *opaque);

#endif
