/* dev_wait: when is a part of `daybook dev` ready, and when has everything been counted? */
#ifndef DAYBOOK_CLI_DEV_WAIT_H
#define DAYBOOK_CLI_DEV_WAIT_H

#include "cli/dev_system.h"

/* Waits until the part answers; a broker is also given its topic, and dev->brokers is set. The error says which part, why, and
 * where its log is. */
bool dev_wait_ready(struct dev_system *dev, enum dev_part part, GError **error);
/* Waits, some seconds at most, until the aggregator has counted all that is in the log; says so if it has not. */
void dev_wait_counted(const struct dev_system *dev);

#endif
