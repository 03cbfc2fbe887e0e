/* reader: asks Redis many small questions at once.
 *
 * A question is one command about a key of one partition, and a function that takes its reply. Questions are pipelined: replies
 * are read while later questions are still being asked, at most READER_PENDING_MAX of them outstanding, so memory is bounded
 * and a phase of a thousand questions costs one round trip. On a cluster the partitions are spread over one connection for each
 * server; elsewhere there is one connection.
 *
 * Errors are sticky: after the first one (lost connection, error reply, deadline) questions and replies are dropped and
 * reader_finish says what it was; then the connections are closed and the next reader_begin makes new ones. Commands about
 * partitions only read, those about READER_CONTROL may be done twice without harm, so whoever asks may simply ask everything again.
 * A reader belongs to one thread. */
#ifndef DAYBOOK_READER_H
#define DAYBOOK_READER_H

#include "lib/redis.h"

enum { READER_PENDING_MAX = 1024, READER_ARGUMENTS_MAX = 512, READER_PARTITIONS_MAX = 4096 };
/* In the place of a partition: keys that begin with "{daybook}:", which belong to none. */
enum { READER_CONTROL = -1 };

#define READER_ERROR reader_error_quark()
GQuark reader_error_quark(void);
enum reader_error {
    READER_ERROR_DEADLINE, /* the time for the answer ran out */
    READER_ERROR_DATA,     /* what is in Redis is not in our layout: a defect, or another program's keys */
    /* Those below are set by who asks. */
    READER_ERROR_CHANGED, /* days were closed again and again while they were read */
    READER_ERROR_COPY,    /* what belongs to a closed day is missing or damaged wherever it should be; for people to read */
    READER_ERROR_ROOM,    /* this takes longer than others should wait: see reader_set_room */
};

struct reader;

struct reader_then {
    /* The reply is borrowed for the call; may ask further questions. NULL: all that matters is that there is no error. */
    void (*take)(struct reader *reader, const struct redis_reply *reply, void *opaque, size_t a, size_t b);
    void *opaque;
    size_t a, b; /* handed to take */
};

/* partitions_fallback: how many there are when "daybook:topic" does not say. The settings are copied, their url is borrowed. */
struct reader *reader_new(const struct redis_settings *settings, int partitions_fallback);
void reader_free(struct reader *reader);

/* Starts an answer: connects where needed, learns the number of partitions. deadline: monotonic time, µs. */
bool reader_begin(struct reader *reader, int64_t deadline_us, GError **error);
int reader_partitions(const struct reader *reader);

/* Asks. argv is copied; it begins with the command's name, and at most READER_ARGUMENTS_MAX long. */
void reader_ask(struct reader *reader, int partition, const struct view *argv, size_t argc, struct reader_then then);
/* Walks a hash or sorted set of any size ("HSCAN", "ZSCAN"), with a MATCH pattern or NULL, a thousand elements at a time, so
 * that Redis is never blocked for long. Elements that come or go meanwhile may or may not be seen. */
struct reader_pairs {
    void (*each)(struct view name, struct view value, void *opaque, size_t a);
    void *opaque;
    size_t a;
    bool once; /* no name twice; else large ones may repeat */
};
void reader_scan(struct reader *reader, int partition, const char *command, const char *key, const char *pattern,
                 struct reader_pairs pairs);
/* Waits for all replies. */
bool reader_finish(struct reader *reader, GError **error);
/* From within take: what came is not in our layout. */
void reader_fail(struct reader *reader, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* For work that must not be in the way of others: before more is sent to Redis, rest is called with how long it went on since it
 * rested last, and takes the time that it wants. False: the answer is given up (READER_ERROR_DEADLINE). */
struct reader_pace {
    bool (*rest)(int64_t busy_us, void *opaque);
    void *opaque;
};
void reader_set_pace(struct reader *reader, struct reader_pace pace);

/* So many rows of sheets may be looked at, by who says beforehand how many they will be; 0: any number. More are for a worker
 * behind which nobody waits. */
void reader_set_room(struct reader *reader, uint64_t rows);
/* False with READER_ERROR_ROOM. */
bool reader_has_room(const struct reader *reader, uint64_t rows, GError **error);

/* The deadline has passed: for work between questions. True with the error set. */
bool reader_is_late(const struct reader *reader, GError **error);
/* Questions asked since it was made. */
uint64_t reader_asked(const struct reader *reader);

#endif
