/* dev_kafka: the real broker of `daybook dev --broker kafka`, started by tests/kafka/broker of the source tree. */
#ifndef DAYBOOK_CLI_DEV_KAFKA_H
#define DAYBOOK_CLI_DEV_KAFKA_H

#include "cli/dev_system.h"

/* Starts it and waits until it is there; from then on it is our child DEV_BROKER. An orphan of an earlier run is ended first. */
bool dev_kafka_start(struct dev_system *dev, GError **error);

#endif
