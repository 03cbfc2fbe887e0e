/* redis_internal: between redis.c, which talks, and redis_connect.c, which finds the server to talk to. */
#ifndef DAYBOOK_REDIS_INTERNAL_H
#define DAYBOOK_REDIS_INTERNAL_H

#include "lib/redis.h"

/* A connection without any check of what answers. */
struct redis *redis_open(const char *host, int port, int timeout_ms, GError **error);
/* For every reply and every write from now on. */
void redis_set_timeout(struct redis *redis, int timeout_ms);

#endif
