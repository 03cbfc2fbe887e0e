/* client_sums: see client_sums.h. */
#include "cli/client_sums.h"

static guint sum_hash(gconstpointer pointer)
{
    const struct client_sum *sum = pointer;

    return g_str_hash(sum->organization) * 31 + g_str_hash(sum->client);
}

static gboolean sum_equal(gconstpointer a, gconstpointer b)
{
    const struct client_sum *x = a;
    const struct client_sum *y = b;

    return strcmp(x->client, y->client) == 0 && strcmp(x->organization, y->organization) == 0;
}

static void sum_free(gpointer pointer)
{
    struct client_sum *sum = pointer;

    g_free(sum->organization);
    g_free(sum);
}

GHashTable *client_sums_new(void)
{
    return g_hash_table_new_full(sum_hash, sum_equal, sum_free, NULL);
}

/* Names have no NUL in them. */
void client_sums_add(GHashTable *sums, struct view organization, struct view client, uint64_t requests)
{
    char *names = g_malloc0(organization.size + client.size + 2);
    const struct client_sum wanted = {names, names + organization.size + 1, 0};

    if (organization.size > 0)
        memcpy(names, organization.data, organization.size);
    if (client.size > 0)
        memcpy(wanted.client, client.data, client.size);
    struct client_sum *sum = g_hash_table_lookup(sums, &wanted);
    if (sum) {
        g_free(names);
    } else {
        sum = g_new(struct client_sum, 1);
        *sum = wanted;
        g_hash_table_add(sums, sum);
    }
    sum->requests += requests;
}

void client_sums_add_sheet(GHashTable *sums, const struct sheet *sheet)
{
    struct sheet_client client;

    for (uint32_t i = 0; i < sheet_client_count(sheet); i++) {
        sheet_client_get(sheet, i, &client);
        client_sums_add(sums, sheet_symbol(sheet, client.organization), sheet_symbol(sheet, client.client), client.requests);
    }
}

uint64_t client_sums_get(GHashTable *sums, const char *organization, const char *client)
{
    const struct client_sum wanted = {(char *)(uintptr_t)organization, (char *)(uintptr_t)client, 0};
    const struct client_sum *sum = g_hash_table_lookup(sums, &wanted);

    return sum ? sum->requests : 0;
}

static gint by_name(gconstpointer a, gconstpointer b)
{
    const struct client_sum *x = *(const struct client_sum *const *)a;
    const struct client_sum *y = *(const struct client_sum *const *)b;
    int order = strcmp(x->organization, y->organization);

    return order != 0 ? order : strcmp(x->client, y->client);
}

GPtrArray *client_sums_sorted(GHashTable *sums)
{
    GPtrArray *sorted = g_ptr_array_sized_new(g_hash_table_size(sums));
    GHashTableIter iter;
    gpointer sum;

    g_hash_table_iter_init(&iter, sums);
    while (g_hash_table_iter_next(&iter, &sum, NULL))
        g_ptr_array_add(sorted, sum);
    g_ptr_array_sort(sorted, by_name);
    return sorted;
}
