/* restore_streams: high-water marks for a log whose beginning is gone.
 *
 * The first batch of a stream that is still in the log need not be its first one: with the mark one below it, it is taken. What the
 * ledger says of a stream is the mark that it had at a seal: behind that seal nothing up to this mark is new, so a batch that is
 * sent again there, or a file that is imported again years later, is dropped as it would have been. Of one partition; one thread.
 */
#ifndef DAYBOOK_CLI_RESTORE_STREAMS_H
#define DAYBOOK_CLI_RESTORE_STREAMS_H

#include "lib/ledger.h"

struct restore_streams;

struct restore_streams *restore_streams_new(void);
void restore_streams_free(struct restore_streams *streams);
/* From the ledger. */
void restore_streams_learn(struct restore_streams *streams, const struct partition_day *day);
/* A batch of the log, in its order. */
void restore_streams_see(struct restore_streams *streams, const struct batch_header *header, int64_t offset);

/* Hands out field and value of {pN}:hw for every stream that needs one; low_ms: the log's clock at its first record. Stops when
 * each returns false, and returns that. */
bool restore_streams_each(struct restore_streams *streams, int64_t low_ms,
                          bool (*each)(void *opaque, const char *stream, const char *mark), void *opaque);

#endif
