/* workers: threads that do what needs Redis, so that the HTTP threads never wait for it.
 *
 * A job is a held request and what was parsed of it, or work that nobody waits for. Whoever owns jobs is served in turn, one job
 * each, so that who asks for much waits for their own. The queue is bounded, in all and for each owner: when it is full,
 * workers_submit refuses and the caller answers at once. Each worker has a reader of its own. workers_submit is safe from any
 * thread, also after workers_stop (it refuses). */
#ifndef DAYBOOK_WORKERS_H
#define DAYBOOK_WORKERS_H

#include "api/reader.h"
#include "lib/metrics.h"

struct workers;

/* Does one job and releases `job`; it must not be cut short: its request waits for an answer. */
typedef void workers_do(struct reader *reader, void *job, void *opaque);

struct workers_settings {
    struct redis_settings redis; /* its url is borrowed */
    int partitions_fallback;
    guint n, queue_max, owner_max; /* threads; jobs that wait, in all and for one owner */
    int nice;                      /* of the threads: setpriority(2) */
    struct metrics *metrics;       /* borrowed; METER_COMMANDS is kept, and the gauge below */
    size_t queue_meter;
    workers_do *work;
    void *opaque; /* handed to work */
};

struct workers *workers_start(const struct workers_settings *settings);
/* Does what is queued, takes no more, and waits for the threads. */
void workers_stop(struct workers *workers);
/* When it is stopped and nobody can submit any more. */
void workers_free(struct workers *workers);
/* False: the queue is full or stopped, and the job still the caller's. */
bool workers_submit(struct workers *workers, const char *owner, void *job);

#endif
