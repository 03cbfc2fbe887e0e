/* feed: a run of log records of one partition, parsed ahead of their turn. Memory is reused from run to run. Owned by one thread.
 */
#ifndef DAYBOOK_FEED_H
#define DAYBOOK_FEED_H

#include "lib/record.h"

enum { FEED_MAX = 64 }; /* records in one run */

struct log_record {
    int64_t offset;
    int64_t timestamp_ms; /* of the log */
    const void *data;
    size_t size;
};

struct fed {
    const struct log_record *log;
    bool valid;
    struct record record;
    char *reason;    /* why not valid */
    size_t first_id; /* for the partition: number of its first id in the round */
};

struct feed;
struct feed *feed_new(void);
void feed_free(struct feed *feed);
/* Parses at most FEED_MAX records; what it returns is valid until the next run. */
struct fed *feed_parse(struct feed *feed, const struct log_record *records, size_t n);

#endif
