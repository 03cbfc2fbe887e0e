/* receivers: who may be sent to now, by how the last tries went.
 *
 * There are places for so many tries at a time, and for each receiver so many of them. One whose last try failed gets one place,
 * and all those together a half; and it rests for as long as is said with the failure. So whoever hangs costs the others nothing
 * but, once, a place for the time of a try. What is known of a receiver is forgotten when it has been well again, or idle for
 * RECEIVERS_KEPT_US. Belongs to one thread. Times are monotonic, µs. */
#ifndef DAYBOOK_RECEIVERS_H
#define DAYBOOK_RECEIVERS_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

enum { RECEIVERS_ERROR_MAX = 256 };
#define RECEIVERS_KEPT_US (2 * G_TIME_SPAN_HOUR)

struct receivers;

struct receivers *receivers_new(guint places, guint each);
void receivers_free(struct receivers *receivers);

enum receivers_answer { RECEIVERS_GO /* its place is taken */, RECEIVERS_RESTS, RECEIVERS_BUSY };
enum receivers_answer receivers_try(struct receivers *receivers, const char *id, gint64 now_us);

/* Each try that was begun ends by one of these. */
void receivers_cancel(struct receivers *receivers, const char *id); /* it was none */
void receivers_well(struct receivers *receivers, const char *id);
void receivers_failed(struct receivers *receivers, const char *id, const char *error, gint64 rests_until_us, gint64 now_us);

/* How many tries failed one after the other. */
uint32_t receivers_failures(const struct receivers *receivers, const char *id);
/* Of one that rests: until when, and how its last try failed (borrowed). */
const char *receivers_rest(const struct receivers *receivers, const char *id, gint64 *until_us);
/* Tries that are under way. */
guint receivers_busy(const struct receivers *receivers);

#endif
