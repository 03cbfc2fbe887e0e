/* redis_url: the address of a Redis, taken apart, and the hash slot of a key.
 *
 * Plain data, no I/O. Formats: see lib/redis.h. User and password may be percent-encoded; a host may be an IPv6 address in
 * brackets; the port is 6379 (26379 for Sentinels) when left out. */
#ifndef DAYBOOK_REDIS_URL_H
#define DAYBOOK_REDIS_URL_H

#include "lib/view.h"
#include <glib.h>

enum { REDIS_URL_HOSTS_MAX = 64, REDIS_SLOTS = 16384 };

enum redis_url_kind { REDIS_URL_PLAIN, REDIS_URL_SENTINEL, REDIS_URL_CLUSTER };

struct redis_host {
    char *host;
    int port;
};

struct redis_url {
    enum redis_url_kind kind;
    GArray *hosts;     /* struct redis_host, at least one */
    char *user;        /* or NULL */
    char *password;    /* or NULL */
    char *master_name; /* REDIS_URL_SENTINEL */
    int db;
};

/* NULL with REDIS_ERROR_CONFIG. The message never holds the password. */
struct redis_url *redis_url_parse(const char *text, GError **error);
void redis_url_free(struct redis_url *url);
const struct redis_host *redis_url_host(const struct redis_url *url, guint index);

/* Slot 0 to 16383 of a key (Redis Cluster specification: CRC16/XMODEM of the hash tag, or of the whole key). */
unsigned redis_slot_of(struct view key);

#endif
