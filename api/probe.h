/* probe: asks Redis once a second whether it is there, on a thread and connections of its own, so that readiness is known
 * without waiting and whatever the workers are doing. The state may be read from any thread. */
#ifndef DAYBOOK_PROBE_H
#define DAYBOOK_PROBE_H

#include "lib/metrics.h"
#include "lib/redis.h"

struct probe;

/* The settings are copied, their url is borrowed; metrics is borrowed. The first answer is there within a second or two. */
struct probe *probe_start(const struct redis_settings *settings, struct metrics *metrics);
void probe_stop(struct probe *probe);
/* NULL: all is well. Else a sentence that says what is down; the caller frees it. */
char *probe_trouble(struct probe *probe);

#endif
