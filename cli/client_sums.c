/* client_sums: see client_sums.h. */
#include "cli/client_sums.h"

static void sum_free(gpointer pointer)
{
    struct client_sum *sum = pointer;

    client_name_clear(&sum->name);
    g_free(sum);
}

GHashTable *client_sums_new(void)
{
    return g_hash_table_new_full(client_name_hash, client_name_equal, sum_free, NULL);
}

void client_sums_add(GHashTable *sums, struct view organization, struct view client, uint64_t requests)
{
    struct client_name name = client_name_make(organization, client);
    struct client_sum *sum = g_hash_table_lookup(sums, &name);

    if (sum) {
        client_name_clear(&name);
    } else {
        sum = g_new(struct client_sum, 1);
        *sum = (struct client_sum){.name = name};
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
    const struct client_name wanted = {organization, client};
    const struct client_sum *sum = g_hash_table_lookup(sums, &wanted);

    return sum ? sum->requests : 0;
}

static gint by_name(gconstpointer a, gconstpointer b)
{
    const struct client_sum *x = *(const struct client_sum *const *)a;
    const struct client_sum *y = *(const struct client_sum *const *)b;
    return client_name_compare(&x->name, &y->name);
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
