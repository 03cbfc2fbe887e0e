/* client_name: what tells clients apart: the organization, and the client's id in it.
 *
 * A structure that begins with one can be its own key in a hash table; the hash and the comparisons are of names only. Names that
 * client_name_make made are one piece of memory and end with client_name_clear; others are borrowed. */
#ifndef DAYBOOK_CLI_CLIENT_NAME_H
#define DAYBOOK_CLI_CLIENT_NAME_H

#include "lib/view.h"
#include <glib.h>

struct client_name {
    const char *organization, *client;
};

/* A copy; names have no NUL in them. */
struct client_name client_name_make(struct view organization, struct view client);
void client_name_clear(struct client_name *name);

guint client_name_hash(gconstpointer name);
gboolean client_name_equal(gconstpointer a, gconstpointer b);
/* As strcmp, by organization and client. */
int client_name_compare(const struct client_name *a, const struct client_name *b);

#endif
