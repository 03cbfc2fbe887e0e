#include "cli/client_name.h"

struct client_name client_name_make(struct view organization, struct view client)
{
    char *names = g_malloc0(organization.size + client.size + 2), *second = names + organization.size + 1;

    if (organization.size > 0)
        memcpy(names, organization.data, organization.size);
    if (client.size > 0)
        memcpy(second, client.data, client.size);
    return (struct client_name){names, second};
}

void client_name_clear(struct client_name *name)
{
    g_free((char *)(uintptr_t)name->organization); /* begins the piece */
    *name = (struct client_name){0};
}

guint client_name_hash(gconstpointer pointer)
{
    const struct client_name *name = pointer;

    return g_str_hash(name->organization) * 31 + g_str_hash(name->client);
}

gboolean client_name_equal(gconstpointer a, gconstpointer b)
{
    const struct client_name *x = a;
    const struct client_name *y = b;

    return strcmp(x->client, y->client) == 0 && strcmp(x->organization, y->organization) == 0;
}

int client_name_compare(const struct client_name *a, const struct client_name *b)
{
    int order = strcmp(a->organization, b->organization);

    return order != 0 ? order : strcmp(a->client, b->client);
}
