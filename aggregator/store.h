/* store: a pipelined connection to the Redis that holds a partition, and the four scripts that write.
 *
 * The real one stands on lib/redis.h; the model test has another that it can stop between any two commands and roll back. Commands
 * are executed in order; after a failure every further call fails, and no command is ever sent again. Owned by one thread. */
#ifndef DAYBOOK_STORE_H
#define DAYBOOK_STORE_H

#include "lib/redis.h"

struct store;

struct store_ops {
    void (*append)(struct store *store, size_t argc, const struct view *argv);
    bool (*send)(struct store *store, GError **error);
    struct redis_reply *(*read)(struct store *store, GError **error); /* NULL: the connection is lost */
    void (*free)(struct store *store);
};

struct store {
    const struct store_ops *ops; /* first member of every kind of store */
};

/* Each script writes at most once (see ARCHITECTURE.md: Redis may replay half of a script with two writes).
 *   CLAIM   KEYS commit             ARGV token                                  -> {state, replid, n, next, topic, fp, pay}
 *   COMMIT  KEYS commit             ARGV token n-1 replid n next topic fp pay   -> any reply that is no error, or FENCED
 *   APPLY   KEYS commit target      ARGV token n command argument…              -> any reply that is no error, or FENCED
 *   SHEET   KEYS commit sheet       ARGV token n replid bytes                   -> OK, nil if there is one already, or FENCED
 *   GUARD   KEYS commit             ARGV token n replid                         -> 1, or FENCED */
enum store_script { STORE_CLAIM, STORE_COMMIT, STORE_APPLY, STORE_SHEET, STORE_GUARD, STORE_N_SCRIPTS };
extern const char *const store_scripts[STORE_N_SCRIPTS];
/* SHA-1 of a script: 40 hex digits, NUL-terminated; computed once, before threads start. */
const char *store_script_sha(enum store_script script);

/* Connects to the server that owns the partition's keys and loads the scripts. */
struct store *store_connect(const struct redis_settings *settings, int partition, GError **error);

#endif
