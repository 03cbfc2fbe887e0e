/* admin_item: an item (item.h) as an administrator gives it, in JSON or in the cells of a table, checked.
 *
 * An unknown field, a wrong type and a value that is not allowed are refused, naming field, value and what is allowed. null is as
 * good as leaving a field out, but for the organization, where it means all. Pure functions. */
#ifndef DAYBOOK_ADMIN_ITEM_H
#define DAYBOOK_ADMIN_ITEM_H

#include "api/caller.h"
#include "api/item.h"
#include "api/refusal.h"

/* Which fields of a shape were given: 1 << index. */
typedef uint32_t admin_given;

/* An empty one of the caller's organization, where it has one. */
void *admin_item_new(const struct item_shape *shape, const struct caller *caller);
/* The index of the field that a giver means by this name; n_fields: there is none, or we make it ourselves. */
size_t admin_item_field(const struct item_shape *shape, const char *name);
/* "id|name|…" of those that may be given, without these; the caller frees it. */
char *admin_item_fields(const struct item_shape *shape, admin_given without);

/* All return false after a refusal. */
bool admin_item_take_json(const struct item_shape *shape, void *item, struct view json, admin_given *given,
                          struct refusal *refusal);
bool admin_item_take_cell(const struct item_shape *shape, size_t index, void *item, const char *text, struct refusal *refusal);
/* What an item of this name ("plan") must have, and what does not go together. */
bool admin_item_check(const struct item_shape *shape, const char *name, const void *item, admin_given given,
                      struct refusal *refusal);
/* Refuses the value that the item has in this field. */
bool admin_item_refuse(const struct item_shape *shape, const void *item, const char *field, const char *allowed,
                       struct refusal *refusal);

#endif
