/* plan: what an organization or a client has bought: so many requests of a calendar month, and what each thousand beyond costs.
 *
 * A plan is of one organization or of all; an organization's own goes before the one of all with the same name. Amounts are
 * integers in millionths of the currency's unit. Never changes once made; fields and limits of their values: plan_shape. */
#ifndef DAYBOOK_PLAN_H
#define DAYBOOK_PLAN_H

#include "api/item.h"

#define PLAN_REQUESTS_MAX UINT64_C(1000000000000000) /* of included and ceiling */
#define PLAN_PRICE_MAX UINT64_C(1000000000000)       /* millionths: a million for 1,000 requests */

struct plan {
    char *name;            /* like a method's: letters, digits, '-', '_', '.' */
    char *title;           /* for people; may be "" */
    char *organization;    /* NULL: of all */
    char *currency;        /* ISO 4217, three capital letters */
    uint64_t included;     /* requests of a calendar month, UTC */
    uint64_t price_micros; /* of 1,000 requests beyond, in millionths of the currency's unit */
    uint64_t ceiling;      /* fair use: requests of a month; 0: none */
};

/* As JSON {"name","title","organization":null|text,"currency","included","priceMicros","ceiling"}. */
extern const struct item_shape plan_shape;

#endif
