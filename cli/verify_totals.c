/* verify_totals: see verify_totals.h. Which organizations and clients an entry leaves out when there are too many is not looked at:
 * only that what it lists is right, and the rest in number and sum. */
#include "cli/verify_totals.h"

#include "cli/client_sums.h"
#include "lib/civil.h"

static char *where_of(const struct ledger_entry *entry, const char *text)
{
    char day[CIVIL_TEXT_MAX];

    civil_format_day(day, entry->day);
    return g_strdup_printf("%s, revision %u (entry %" G_GUINT64_FORMAT " of the ledger): %s", day, entry->revision, entry->n, text);
}

static struct finding *signed_finding(char *where, const char *what, int64_t expected, int64_t found)
{
    g_autofree char *x = g_strdup_printf("%" G_GINT64_FORMAT, expected);
    g_autofree char *y = g_strdup_printf("%" G_GINT64_FORMAT, found);

    return finding_new(where, what, x, y);
}

struct finding *verify_totals_sheet(const struct ledger_entry *entry, const struct partition_day *said, const struct sheet *sheet)
{
    const struct sheet_header *header = sheet_header(sheet);
    const struct sheet_totals *totals = sheet_totals(sheet);
    bool none = said->first_offset == said->end_offset; /* of which offset there is nothing does not matter */
    const struct finding_number numbers[] = {
        {"the partition in its header", said->partition, header->partition},
        {"the day in its header", entry->day, header->day},
        {"the revision in its header", entry->revision, header->revision},
        {"the first offset in its header", none ? header->first_offset : said->first_offset, header->first_offset},
        {"the end offset in its header", none ? header->first_offset : said->end_offset, header->end_offset},
        {"its requests (expected: the events in the ledger)", said->events, totals->requests},
        {"its rows (expected: as in the ledger)", said->rows, totals->rows},
    };
    const struct finding_number *first = finding_first(numbers, G_N_ELEMENTS(numbers));
    g_autofree char *text = g_strdup_printf("the sheet of partition %u", said->partition);

    return first ? finding_new_numbers(where_of(entry, text), first->what, first->expected, first->found) : NULL;
}

/* ---- organizations ---- */

static GHashTable *by_organization(GHashTable *sums)
{
    GHashTable *organizations = client_sums_new();
    GHashTableIter iter;
    gpointer pointer;

    g_hash_table_iter_init(&iter, sums);
    while (g_hash_table_iter_next(&iter, &pointer, NULL)) {
        const struct client_sum *sum = pointer;
        client_sums_add(organizations, view_of(sum->name.organization), view_of(""), sum->requests);
    }
    return organizations;
}

static uint64_t all_requests(GHashTable *sums)
{
    GHashTableIter iter;
    gpointer sum;
    uint64_t requests = 0;

    g_hash_table_iter_init(&iter, sums);
    while (g_hash_table_iter_next(&iter, &sum, NULL))
        requests += ((const struct client_sum *)sum)->requests;
    return requests;
}

struct finding *verify_totals_organizations(const struct ledger_entry *entry, GHashTable *sums)
{
    g_autoptr(GHashTable) organizations = by_organization(sums);
    uint64_t listed = 0;

    for (guint i = 0; i < entry->organizations->len; i++) {
        const struct organization_total *total = g_ptr_array_index(entry->organizations, i);
        uint64_t requests = client_sums_get(organizations, total->organization, "");
        listed += requests;
        if (requests == total->requests)
            continue;
        g_autofree char *what =
            g_strdup_printf("the total of organization '%s' (expected: the sum over the sheets)", total->organization);
        return finding_new_numbers(where_of(entry, "totals by organization"), what, requests, total->requests);
    }
    const struct finding_number numbers[] = {
        {"how many organizations there are (expected: as in the sheets)", g_hash_table_size(organizations),
         entry->organizations->len + entry->organizations_left_out},
        {"requests of the organizations that are not listed", all_requests(organizations) - listed,
         entry->organization_requests_left_out},
    };
    const struct finding_number *first = finding_first(numbers, G_N_ELEMENTS(numbers));
    return first ? finding_new_numbers(where_of(entry, "totals by organization"), first->what, first->expected, first->found)
                 : NULL;
}

/* ---- differences ---- */

/* How many clients differ, and the sum of all differences. */
static void add_up_differences(GHashTable *sums, GHashTable *before, uint64_t *clients, int64_t *difference)
{
    GHashTableIter iter;
    gpointer pointer;

    g_hash_table_iter_init(&iter, sums);
    while (g_hash_table_iter_next(&iter, &pointer, NULL)) {
        const struct client_sum *sum = pointer;
        *clients += sum->requests != client_sums_get(before, sum->name.organization, sum->name.client);
    }
    g_hash_table_iter_init(&iter, before);
    while (g_hash_table_iter_next(&iter, &pointer, NULL)) {
        const struct client_sum *sum = pointer;
        *clients += sum->requests > 0 && !g_hash_table_contains(sums, sum);
    }
    *difference = (int64_t)(all_requests(sums) - all_requests(before));
}

struct finding *verify_totals_differences(const struct ledger_entry *entry, GHashTable *sums, GHashTable *before)
{
    uint64_t clients = 0;
    int64_t rest = 0;

    add_up_differences(sums, before, &clients, &rest);
    for (guint i = 0; i < entry->differences->len; i++) {
        const struct client_difference *said = g_ptr_array_index(entry->differences, i);
        uint64_t now = client_sums_get(sums, said->organization, said->client);
        int64_t difference = (int64_t)(now - client_sums_get(before, said->organization, said->client));
        rest -= difference;
        if (difference == said->requests)
            continue;
        g_autofree char *what = g_strdup_printf("the difference of client '%s' of organization '%s' (expected: between the sheets)",
                                                said->client, said->organization);
        return signed_finding(where_of(entry, "differences to the revision before"), what, difference, said->requests);
    }
    uint64_t said_clients = entry->differences->len + entry->differences_left_out;
    if (said_clients != clients)
        return finding_new_numbers(where_of(entry, "differences to the revision before"),
                                   "how many clients differ (expected: as between the sheets)", clients, said_clients);
    if (entry->difference_left_out != rest)
        return signed_finding(where_of(entry, "differences to the revision before"),
                              "the sum of the differences that are not listed", rest, entry->difference_left_out);
    return NULL;
}
