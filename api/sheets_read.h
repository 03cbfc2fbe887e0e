/* sheets_read: what the sheets of closed days say of the clients that a query is about: who, when, and whether at all. (How much:
 * closed_pieces.h.) */
#ifndef DAYBOOK_SHEETS_READ_H
#define DAYBOOK_SHEETS_READ_H

#include "api/closed.h"
#include "api/members.h"
#include "api/window.h"

struct sheets_query {
    struct sheets *sheets;
    struct reader *reader;
    const struct scope *scope;
};

/* Adds who is in them (organization KEYS_CLIENT_SEPARATOR client) to a set of own strings. */
bool sheets_names(const struct sheets_query *query, GPtrArray *wanted, GHashTable *names, GError **error);
/* Widens the extent to the slots in which the clients were counted. The sheets are ascending by day; with `first_only` it ends with
 * the day on which the extent begins. */
bool sheets_extend(const struct sheets_query *query, GPtrArray *wanted, bool first_only, struct window_extent *extent,
                   GError **error);
/* Looks, newest first, for a sheet with any of the clients. */
bool sheets_look(const struct sheets_query *query, GPtrArray *wanted, bool *found, GError **error);

#endif
