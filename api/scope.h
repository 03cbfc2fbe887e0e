/* scope: whose usage a question is about, and of which routes. Plain data; everything is borrowed. */
#ifndef DAYBOOK_SCOPE_H
#define DAYBOOK_SCOPE_H

#include "api/endpoints.h"

struct scope {
    const char *organization;          /* NULL: all */
    const char *key;                   /* client id; NULL: all of them */
    const struct endpoints *endpoints; /* NULL: all routes */
};

#endif
