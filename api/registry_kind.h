/* registry_kind: the kinds of items of the registry besides tokens, in one table: how many there may be, under which key of Redis
 * they are kept, what they are made of, and under which name each of them lies. */
#ifndef DAYBOOK_REGISTRY_KIND_H
#define DAYBOOK_REGISTRY_KIND_H

#include "api/caller.h"
#include "api/channel.h"
#include "api/limit_rule.h"
#include "api/method.h"
#include "api/plan.h"

enum registry_kind {
    REGISTRY_CLIENTS,       /* struct registry_client */
    REGISTRY_METHODS,       /* struct method */
    REGISTRY_ORGANIZATIONS, /* struct registry_organization */
    REGISTRY_PLANS,         /* struct plan */
    REGISTRY_LIMITS,        /* struct limit_rule */
    REGISTRY_CHANNELS,      /* struct channel */
    REGISTRY_KIND_N,
};

enum {
    REGISTRY_CLIENTS_MAX = 100000,
    REGISTRY_METHODS_MAX = 10000,
    REGISTRY_ORGANIZATIONS_MAX = 100000,
    REGISTRY_PLANS_MAX = 10000,
    REGISTRY_LIMITS_MAX = 100000,
    REGISTRY_CHANNELS_MAX = 1000,
};

/* Told apart by organization and id together, as in all counts: two organizations may have clients of the same id. */
struct registry_client {
    char *id, *name, *organization, *platform, *plan; /* all but id may be "" */
    enum tier tier;
};

/* What is known of an organization besides its name in the counts. */
struct registry_organization {
    char *id;
    char *name; /* for people; may be "" */
    char *plan; /* "": none; counts the clients without a plan of their own together */
};

struct registry_kind_info {
    const char *name, *names; /* "plan", "plans" */
    const char *key;          /* of the hash in Redis */
    guint most;
    const struct item_shape *shape;
    char *(*field)(const void *item); /* of the hash, and the key in a snapshot; the caller frees it */
};

const struct registry_kind_info *registry_kind_info(enum registry_kind kind);

extern const struct item_shape registry_client_shape, registry_organization_shape;

/* "organization <0x1f> client": the field of a client. */
char *registry_client_key(const char *organization, const char *client);
/* The same of a method or plan; the name alone, if it is of all organizations (NULL). */
char *registry_name_key(const char *organization, const char *name);

#endif
