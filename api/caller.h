/* caller: who asks, and what they may see.
 *
 * Made by auth (api/auth.h) from a token of the registry, a JSON web token, or the token of the configuration; never changes
 * afterwards. A caller sees its organization only, or all; with a client it sees that client's usage only. Every route that shows
 * usage must narrow what it shows by organization and client. Thread-safe; counted references. */
#ifndef DAYBOOK_CALLER_H
#define DAYBOOK_CALLER_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/* In words as a token lists them: caller_permission_name. */
enum permission {
    PERMISSION_ADMIN = 1 << 0,              /* admin: implies all others */
    PERMISSION_OAUTH_CLIENT_VIEW = 1 << 1,  /* oauth:client:view */
    PERMISSION_ORGANIZATION_VIEW = 1 << 2,  /* usage:organization:view */
    PERMISSION_CLIENT_VIEW = 1 << 3,        /* usage:client:view */
    PERMISSION_SIMPLE_SEARCH_VIEW = 1 << 4, /* usage:simpleSearch:view */
    PERMISSION_ALL = (1 << 5) - 1,
};
enum { PERMISSION_N = 5 };

enum tier { TIER_FREE, TIER_STARTER, TIER_PROFESSIONAL, TIER_ENTERPRISE, TIER_N };

struct caller {
    gint users; /* caller.c's own */
    char *id;   /* stable and unique: the token's id, "jwt:" issuer "#" subject, or "configured"; for limits, executions and logs */
    char *name; /* for people */
    char *account;      /* whose allowance its requests are of: the id; of all sessions of an id together, "session:" and the id */
    bool is_session;    /* it came by the cookie of a browser (session.h) */
    char *organization; /* NULL: all */
    char *client;       /* NULL: all clients of the organization; else organization is set too */
    uint32_t permissions;
    enum tier tier;
};

struct caller *caller_new(const char *id, const char *name, const char *organization, const char *client, uint32_t permissions,
                          enum tier tier);
/* The same caller, by a session. */
struct caller *caller_new_session(const struct caller *caller);
struct caller *caller_ref(struct caller *caller);
void caller_unref(struct caller *caller); /* NULL is allowed */

/* Any one of the wanted permissions; admin has all; 0: everybody. */
bool caller_may(const struct caller *caller, uint32_t any_of);
bool caller_sees_all(const struct caller *caller); /* no organization, no client */
/* "usage:client:view"; NULL for what is none. */
const char *caller_permission_name(uint32_t permission);
bool caller_permission_parse(const char *name, uint32_t *permission);
extern const char *const caller_tier_names[TIER_N + 1]; /* "free", "starter", "professional", "enterprise", NULL */
const char *caller_tier_name(enum tier tier);
bool caller_tier_parse(const char *name, enum tier *tier);

#endif
