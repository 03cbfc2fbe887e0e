#include "api/sheet_clients.h"

#include "api/members.h"

struct choice {
    const struct scope *scope;
    uint32_t organization, key; /* symbols, if they are asked for */
};

/* False: the sheet knows no such names. */
static bool choose(struct choice *choice, const struct sheet *sheet, const struct scope *scope)
{
    *choice = (struct choice){.scope = scope};
    return (scope->organization == NULL || sheet_find_symbol(sheet, view_of(scope->organization), &choice->organization)) &&
           (scope->key == NULL || sheet_find_symbol(sheet, view_of(scope->key), &choice->key));
}

static bool is_chosen(const struct choice *choice, const struct sheet_client *client)
{
    return (choice->scope->organization == NULL || choice->organization == client->organization) &&
           (choice->scope->key == NULL || choice->key == client->client);
}

bool sheet_clients_each(const struct sheet *sheet, const struct scope *scope, sheet_clients_use *use, void *opaque)
{
    struct choice choice;
    struct sheet_client client;
    uint32_t number;
    bool any = false;
    if (members_one(scope)) {
        if (!sheet_find_client(sheet, view_of(scope->organization), view_of(scope->key), &number))
            return false;
        use(sheet, number, opaque);
        return true;
    }
    if (!choose(&choice, sheet, scope))
        return false;
    for (number = 0; number < sheet_client_count(sheet); number++) {
        sheet_client_get(sheet, number, &client);
        if (!is_chosen(&choice, &client))
            continue;
        any = true;
        use(sheet, number, opaque);
    }
    return any;
}
