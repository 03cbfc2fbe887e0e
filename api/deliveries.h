/* deliveries: what is still to be told about alerts, and to whom, in Redis.
 *
 *   {daybook}:deliveries        zset  delivery id (delivery.h) by when it is due, Unix ms
 *   {daybook}:deliveries:info   hash  delivery id -> how the tries went (delivery_tries_write); none before the first one
 *   {daybook}:deliveries:dead   zset  delivery id by when it was given up
 *
 * Whoever raises an alert adds its deliveries with it (deliveries_for, ZADD NX, due at once); the notifier of each replica
 * (notifier.h) takes what is due. To take is to move the due time by DELIVERIES_CLAIM_MS, unless somebody else has moved it: so two
 * replicas do not send the same at a time, and what was taken by one that was killed is due again after that. A delivery is removed
 * only after the receiver took it, or when it is buried: it arrives at least once, and every time under the same id.
 *
 * Every script writes at most once, and what belongs together is written so that any first part of it does no harm
 * (ARCHITECTURE.md, section 4): at worst something is sent once more, or a field of the info is left over, which deliveries_sweep
 * removes. Functions with a reader: on the thread that owns it. */
#ifndef DAYBOOK_DELIVERIES_H
#define DAYBOOK_DELIVERIES_H

#include "api/delivery.h"
#include "api/reader.h"
#include "api/registry_snapshot.h"

#define DELIVERIES_KEY "{daybook}:deliveries"
#define DELIVERIES_INFO_KEY "{daybook}:deliveries:info"
#define DELIVERIES_DEAD_KEY "{daybook}:deliveries:dead"

enum { DELIVERIES_CLAIM_MS = 60000 };

/* Ids of the deliveries of an alert: one for each channel that wants to hear of it. organization NULL and level 0 where is_system.
 * event: delivery_event_name. Strings, freed with the array. */
GPtrArray *deliveries_for(const struct registry_snapshot *snapshot, const char *organization, uint32_t level, bool is_system,
                          const char *alert_id, const char *event);

#endif
