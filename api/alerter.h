/* alerter: checks the limits and the system's own state, all the time, on one replica at a time.
 *
 * Every replica has the thread; a lease in Redis ({daybook}:alerter, held for ALERTER_LEASE_MS, renewed while it works) lets one of
 * them work. The others look every second whether it is free. It is no lock: two that work at once raise no alert twice
 * (alerts.h), so it only saves work. What is known of counts is in memory only, and read anew by whoever gets the lease.
 * While Redis is away nothing is raised, and afterwards what was reached meanwhile is. */
#ifndef DAYBOOK_ALERTER_H
#define DAYBOOK_ALERTER_H

#include "api/alert_check.h"
#include "api/alert_tend.h"
#include "api/registry.h"

enum { ALERTER_LEASE_MS = 20000 };

struct alerter_settings {
    struct redis_settings redis; /* its url is borrowed, like the next */
    int partitions_fallback;
    struct registry *registry;
    struct alert_check_settings check; /* without go_on */
    struct alert_tend tend;
    int64_t check_ms; /* between two checks */
};

struct alerter;

struct alerter *alerter_start(const struct alerter_settings *settings);
/* Ends the check at hand between two questions, gives the lease back, and frees. */
void alerter_stop(struct alerter *alerter);

#endif
