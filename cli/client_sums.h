/* client_sums: requests by organization and client. One thread. */
#ifndef DAYBOOK_CLI_CLIENT_SUMS_H
#define DAYBOOK_CLI_CLIENT_SUMS_H

#include "cli/client_name.h"
#include "lib/sheet.h"

struct client_sum {
    struct client_name name;
    uint64_t requests;
};

/* A table of struct client_sum, which is its own key. */
GHashTable *client_sums_new(void);
void client_sums_add(GHashTable *sums, struct view organization, struct view client, uint64_t requests);
void client_sums_add_sheet(GHashTable *sums, const struct sheet *sheet);
uint64_t client_sums_get(GHashTable *sums, const char *organization, const char *client);
/* Ascending by organization and client: GPtrArray of struct client_sum, borrowed; caller unrefs. */
GPtrArray *client_sums_sorted(GHashTable *sums);

#endif
