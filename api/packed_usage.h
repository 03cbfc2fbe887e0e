/* packed_usage: what was used in some slots, by slot, by route and by client, as one stretch of memory.
 *
 * A usage table is made of thousands of small lists, so that it can grow. What is kept for long, and only ever added to tables, is
 * a fifth of the size like this, and is read in the order in which it lies. The bytes never leave the process that wrote them.
 * Written by one thread; then it does not change, and any may read it. */
#ifndef DAYBOOK_PACKED_USAGE_H
#define DAYBOOK_PACKED_USAGE_H

#include "api/usage_table.h"

struct packed_usage;

/* Of slots from first_slot on. */
struct packed_usage *packed_usage_new(int64_t first_slot);
void packed_usage_free(struct packed_usage *packed); /* NULL is allowed */
/* As usage_table_add_…: what is added for a slot or name twice counts twice. */
void packed_usage_add_slot(struct packed_usage *packed, int64_t slot, const struct measure *measure);
void packed_usage_add_route(struct packed_usage *packed, const char *name, const struct measure *measure, int64_t last_slot);
void packed_usage_add_client(struct packed_usage *packed, const char *name, const struct measure *measure, int64_t last_slot);
/* Nothing more is added: gives back what is not needed. */
void packed_usage_finish(struct packed_usage *packed);

/* Adds all of it to a table whose window has these slots. */
void packed_usage_merge(const struct packed_usage *packed, struct usage_table *table);
/* Memory that it holds. */
size_t packed_usage_bytes(const struct packed_usage *packed);

#endif
