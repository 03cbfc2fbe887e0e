/* outbox: hash fields with values of bytes that are written with the next flush and not kept in memory. Owned by one thread. */
#ifndef DAYBOOK_OUTBOX_H
#define DAYBOOK_OUTBOX_H

#include "aggregator/payload.h"

struct outbox;

struct outbox *outbox_new(int partition);
void outbox_free(struct outbox *outbox);
/* {p<partition>}:<kind>, field -> value; copied. */
void outbox_put(struct outbox *outbox, const char *kind, const char *field, struct view value);
size_t outbox_bytes(const struct outbox *outbox);
void outbox_flush(struct outbox *outbox, struct payload *payload);

#endif
