/* redis_internal: between redis.c, which talks, redis_connect.c, which finds the server to talk to, and redis_reply.c, which has
 * what it answers. */
#ifndef DAYBOOK_REDIS_INTERNAL_H
#define DAYBOOK_REDIS_INTERNAL_H

#include "lib/redis.h"

/* A connection without any check of what answers. */
struct redis *redis_open(const char *host, int port, int timeout_ms, GError **error);
/* For every reply and every write from now on. */
void redis_set_timeout(struct redis *redis, int timeout_ms);

/* From now on hiredis' reader makes struct redis_reply. */
struct redisReader;
void redis_reply_made_by(struct redisReader *reader);

#endif
