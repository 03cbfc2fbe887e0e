/* dev_kafka: the real broker of `daybook dev --broker kafka`, started by tests/kafka/broker of the source tree. */
#ifndef DAYBOOK_CLI_DEV_KAFKA_H
#define DAYBOOK_CLI_DEV_KAFKA_H

#include "cli/dev_system.h"

/* Ends a broker of this directory that an earlier run left behind, if there is one. */
bool dev_kafka_end_orphan(struct dev_system *dev, GError **error);
/* Starts it and waits until it is there; from then on it is our child DEV_BROKER. */
bool dev_kafka_start(struct dev_system *dev, GError **error);

#endif
