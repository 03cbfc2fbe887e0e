/* sheet_difference: see sheet_difference.h. Clients and rows stand in the order of their names in both, so they are walked side by
 * side. */
#include "cli/sheet_difference.h"

#include <string.h>

struct walk {
    const struct sheet *expected, *found;
    const char *prefix;
    struct sheet_rows expected_rows, found_rows;
    uint64_t without_histograms;
};

static int compare_views(struct view a, struct view b)
{
    size_t common = MIN(a.size, b.size);
    int order = common > 0 ? memcmp(a.data, b.data, common) : 0;

    return order != 0 ? order : (a.size > b.size) - (a.size < b.size);
}

/* ---- rows ---- */

static int compare_keys(const struct sheet_row *a, const struct sheet_row *b)
{
    const struct view x[] = {a->user, a->method, a->template, a->platform};
    const struct view y[] = {b->user, b->method, b->template, b->platform};

    for (size_t i = 0; i < G_N_ELEMENTS(x); i++) {
        int order = compare_views(x[i], y[i]);
        if (order != 0)
            return order;
    }
    return a->slot < b->slot ? -1 : a->slot > b->slot;
}

static char *where_of(const struct walk *walk, const struct sheet_row *row)
{
    return g_strdup_printf("%s organization '%.*s', client '%.*s', user '%.*s', %.*s %.*s, platform '%.*s', %02u:%02u UTC",
                           walk->prefix, (int)row->organization.size, row->organization.data, (int)row->client.size,
                           row->client.data, (int)row->user.size, row->user.data, (int)row->method.size, row->method.data,
                           (int)row->template.size, row->template.data, (int)row->platform.size, row->platform.data, row->slot / 4,
                           row->slot % 4 * 15);
}

static uint64_t tallied(const struct tally_list *list)
{
    uint64_t sum = 0;

    for (uint32_t i = 0; i < list->n; i++)
        sum += list->items[i].count;
    return sum;
}

static struct finding *compare_measures(struct walk *walk, const struct sheet_row *expected, const struct sheet_row *found)
{
    struct measure x = expected->measure, y = found->measure;
    g_autoptr(GString) a = g_string_new(NULL);
    g_autoptr(GString) b = g_string_new(NULL);

    if (tallied(&y.latencies) < y.requests) {
        walk->without_histograms++;
        x.latencies.n = y.latencies.n = 0;
    }
    measure_format(&x, a);
    measure_format(&y, b);
    return strcmp(a->str, b->str) == 0 ? NULL
                                       : finding_new(where_of(walk, expected), "its counts (as in lib/measure.h)", a->str, b->str);
}

static struct finding *only_one(const struct walk *walk, const struct sheet_row *row, bool expected)
{
    g_autofree char *text = g_strdup_printf("%" G_GUINT64_FORMAT " requests", row->measure.requests);

    return finding_new(where_of(walk, row), "the row", expected ? text : "none", expected ? "none" : text);
}

static struct finding *compare_rows(struct walk *walk, uint32_t expected_client, uint32_t found_client)
{
    struct sheet_rows *x = &walk->expected_rows, *y = &walk->found_rows;
    struct sheet_row a, b;
    struct finding *finding = NULL;

    sheet_rows_read(x, walk->expected, expected_client);
    sheet_rows_read(y, walk->found, found_client);
    for (uint32_t i = 0; !finding && (i < x->n_rows || i < y->n_rows); i++) {
        if (i < x->n_rows)
            sheet_rows_get(x, i, &a);
        if (i < y->n_rows)
            sheet_rows_get(y, i, &b);
        int order = i >= x->n_rows ? 1 : i >= y->n_rows ? -1 : compare_keys(&a, &b);
        finding = order == 0 ? compare_measures(walk, &a, &b) : only_one(walk, order < 0 ? &a : &b, order < 0);
    }
    return finding;
}

/* ---- clients ---- */

static int compare_clients(const struct walk *walk, uint32_t i)
{
    struct sheet_client a, b;

    if (i >= sheet_client_count(walk->expected))
        return 1;
    if (i >= sheet_client_count(walk->found))
        return -1;
    sheet_client_get(walk->expected, i, &a);
    sheet_client_get(walk->found, i, &b);
    int order = compare_views(sheet_symbol(walk->expected, a.organization), sheet_symbol(walk->found, b.organization));
    return order != 0 ? order : compare_views(sheet_symbol(walk->expected, a.client), sheet_symbol(walk->found, b.client));
}

/* A client that only one of them has. */
static struct finding *lonely_client(const struct walk *walk, uint32_t i, bool expected)
{
    const struct sheet *sheet = expected ? walk->expected : walk->found;
    struct sheet_client client;

    sheet_client_get(sheet, i, &client);
    struct view organization = sheet_symbol(sheet, client.organization), name = sheet_symbol(sheet, client.client);
    g_autofree char *text = g_strdup_printf("%" G_GUINT64_FORMAT, client.requests);
    return finding_new(g_strdup_printf("%s organization '%.*s', client '%.*s'", walk->prefix, (int)organization.size,
                                       organization.data, (int)name.size, name.data),
                       "its requests", expected ? text : "none", expected ? "none" : text);
}

struct finding *sheet_difference(const struct sheet *expected, const struct sheet *found, const char *prefix,
                                 uint64_t *without_histograms)
{
    struct walk walk = {.expected = expected, .found = found, .prefix = prefix};
    uint32_t n = MAX(sheet_client_count(expected), sheet_client_count(found));
    struct finding *finding = NULL;

    for (uint32_t i = 0; !finding && i < n; i++) {
        int order = compare_clients(&walk, i);
        finding = order == 0 ? compare_rows(&walk, i, i) : lonely_client(&walk, i, order < 0);
    }
    sheet_rows_clear(&walk.expected_rows);
    sheet_rows_clear(&walk.found_rows);
    *without_histograms = walk.without_histograms;
    return finding;
}
