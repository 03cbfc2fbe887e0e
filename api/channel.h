/* channel: where alerts are told: a webhook, or an address for mail. Never changes once made; fields and limits of their values:
 * channel_shape. */
#ifndef DAYBOOK_CHANNEL_H
#define DAYBOOK_CHANNEL_H

#include "api/item.h"

enum channel_kind { CHANNEL_WEBHOOK, CHANNEL_EMAIL };
enum { CHANNEL_ID_SIZE = 40, CHANNEL_SECRET_SIZE = 56, CHANNEL_TARGET_MAX = 2048, CHANNEL_LEVEL_MAX = 10000 };

struct channel {
    char *id;           /* made by us: "w-" or "m-" and 32 hex digits */
    char *name;         /* for people */
    char *organization; /* whose alerts; NULL: of all, and system alerts if `system` */
    enum channel_kind kind;
    char *target; /* https:// or http:// URL without user and password; or an address for mail */
    char *secret; /* of a webhook: "whsec_" and 256 random bits base64url, shown once, kept because we sign with it; else "" */
    uint32_t min_level; /* percent; 0: all */
    bool system;        /* system alerts too; only where organization is NULL */
};

/* As JSON {"id","name","organization":null|text,"kind":"webhook"|"email","target","minLevel","system"}, and "secret" as it is kept.
 */
extern const struct item_shape channel_shape;

const char *channel_kind_name(enum channel_kind kind);
void channel_id_make(enum channel_kind kind, char out[CHANNEL_ID_SIZE]);
void channel_secret_make(char out[CHANNEL_SECRET_SIZE]);

#endif
