/* follow: reads lines that servers append to log files, and hands them to the batcher.
 *
 * One thread for all files of the configuration's sections follow.*. A submission carries the lines of one file and, in the same
 * journal group, the position behind them: a collector that is killed begins exactly where the journal ends. What happens to files
 * when they are rotated is told in follow_log.h.
 *
 * When the batcher takes no more (its queue or the journal is full), the one submission that is waiting waits, nothing is read, and
 * rotated files are kept open: the log files are the queue. Memory does not grow with the backlog. */
#ifndef DAYBOOK_FOLLOW_H
#define DAYBOOK_FOLLOW_H

#include "collector/batcher.h"
#include "collector/intake.h"
#include "lib/config.h"
#include "lib/metrics.h"

struct follow;

/* Checks the sections follow.* alone: paths, formats and field maps. */
bool follow_check(const struct config *config, GError **error);
/* Starts the thread; also when there is nothing to follow. The arguments must outlive it. Metrics may be NULL. */
struct follow *follow_start(const struct config *config, struct intake *intake, struct batcher *batcher, struct metrics *metrics,
                            GError **error);
/* Stops reading, waits until the batcher has finished what it was given, and frees: the batcher must still be running. */
void follow_stop(struct follow *follow);

#endif
