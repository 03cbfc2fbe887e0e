/* dev_system: the five processes of `daybook dev`: Redis, broker, aggregator, API, collector: start, wait until ready, stop,
 * restart.
 *
 * All that is kept is under DIR: redis/ (append-only file), kafka/ (real broker), journal/ (collector), archive/ (closed days),
 * log/, conf/ (the settings each daemon was started with), state (cli/dev_state.h), and env while everything is ready. Owned by one
 * thread. Errors are full sentences for people; whatever was started before an error is still running, the caller stops it.
 *
 * Order. Start: Redis, broker, aggregator, API, collector. Stop: the reverse, but for the API, which goes after the aggregator:
 * intake first, then what drains it. */
#ifndef DAYBOOK_CLI_DEV_SYSTEM_H
#define DAYBOOK_CLI_DEV_SYSTEM_H

#include "cli/child.h"
#include "cli/dev_state.h"

enum dev_part {
    DEV_REDIS,
    DEV_BROKER,
    DEV_AGGREGATOR,
    DEV_API,
    DEV_COLLECTOR,
    DEV_N_PARTS,
};

/* As given on the command line; borrowed by the system. */
struct dev_options {
    const char *dir;    /* absolute */
    const char *broker; /* "embedded", "kafka", or host:port[,…] */
    const char *redis;  /* "embedded" or a URL */
    const char *topic;  /* NULL: chosen */
    int partitions;
    const char *const *sets; /* "collector.journal.commit_ms=20", NULL-terminated; may be NULL */
};

struct dev_system {
    struct dev_options options;
    struct dev_state *state;
    struct child children[DEV_N_PARTS];
    bool reported_dead[DEV_N_PARTS];
    char *brokers;             /* host:port,…; NULL until the broker is ready */
    char *redis_url;           /* NULL until it was started */
    bool new_log;              /* the aggregator is told that the topic is another one on purpose */
    int lock_fd;               /* inherited by every child: see dev_supervisor.c */
    FILE *out;                 /* progress, for people */
    bool (*interrupted)(void); /* true: give up waiting */
};

#define DEV_ERROR dev_error_quark()
GQuark dev_error_quark(void);
enum dev_error { DEV_ERROR_START, DEV_ERROR_INTERRUPTED };

const char *dev_part_name(enum dev_part part);
/* DEV_N_PARTS when there is none of that name. */
enum dev_part dev_part_by_name(const char *name);
/* False for a Redis or broker that was running before. */
bool dev_part_is_ours(const struct dev_system *dev, enum dev_part part);

/* Checks the options that can be checked without starting anything. */
bool dev_options_check(const struct dev_options *options, GError **error);

struct dev_system *dev_system_new(const struct dev_options *options, int lock_fd, GError **error);
/* Everything must be stopped. */
void dev_system_free(struct dev_system *dev);

/* Starts everything and writes DIR/env when all of it is ready. */
bool dev_system_start(struct dev_system *dev, GError **error);
/* Stops what runs, in order, and removes DIR/env. Says what each did. */
void dev_system_stop(struct dev_system *dev);
/* Ends a part if it still runs, starts it, waits until it is ready, writes DIR/env. An embedded broker takes the daemons with it.
 */
bool dev_system_restart(struct dev_system *dev, enum dev_part part, GError **error);
/* Says once of each part that it has ended by itself. */
void dev_system_watch(struct dev_system *dev);

#endif
