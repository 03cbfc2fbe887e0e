/* v2_sort: names are held once each, so a row is its numbers and some pointers. */
#include "api/v2_sort.h"

struct row {
    struct report_counts counts;
    const char *names[REPORT_NAMES];
    const char *client_name;
    uint32_t period, number;
};

struct sorter {
    const struct v2_execution *execution;
    const struct registry_snapshot *registry;
    GStringChunk *texts;
    GArray *rows; /* struct row */
};

static void keep(struct sorter *sorter, const struct report_row *row)
{
    struct row kept = {.counts = row->counts, .period = row->period, .number = sorter->rows->len};
    for (size_t i = 0; i < REPORT_NAMES; i++) {
        g_autofree char *name = g_strndup(row->names[i].data, row->names[i].size);
        kept.names[i] = g_string_chunk_insert_const(sorter->texts, name != NULL ? name : "");
    }
    const char *organization = sorter->execution->body.group & REPORT_ORGANIZATION ? kept.names[REPORT_NAME_ORGANIZATION]
                                                                                   : sorter->execution->organization;
    kept.client_name =
        registry_client_name(sorter->registry, organization, kept.names[REPORT_NAME_CLIENT]); /* the registry's, or our own */
    g_array_append_val(sorter->rows, kept);
}

static bool keep_all(struct sorter *sorter, const struct result *result, GError **error)
{
    GError *failure = NULL;
    struct report_row row;
    struct result_cursor *cursor = result_cursor_new(result, 0);
    while (result_cursor_next(cursor, &row, &failure))
        keep(sorter, &row);
    result_cursor_free(cursor);
    if (failure != NULL)
        g_propagate_error(error, failure);
    return failure == NULL;
}

/* ---- order ---- */

static int compare_counts(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

static int compare_by(enum v2_field field, const struct row *a, const struct row *b)
{
    switch (field) {
    case V2_FIELD_DATE:
        return compare_counts(a->period, b->period);
    case V2_FIELD_PLATFORM:
        return strcmp(a->names[REPORT_NAME_PLATFORM], b->names[REPORT_NAME_PLATFORM]);
    case V2_FIELD_METHOD:
        return strcmp(a->names[REPORT_NAME_METHOD], b->names[REPORT_NAME_METHOD]);
    case V2_FIELD_TEMPLATE:
        return strcmp(a->names[REPORT_NAME_TEMPLATE], b->names[REPORT_NAME_TEMPLATE]);
    case V2_FIELD_REQUESTS:
        return compare_counts(a->counts.requests, b->counts.requests);
    case V2_FIELD_STATUS200:
        return compare_counts(a->counts.status200, b->counts.status200);
    case V2_FIELD_STATUS300:
        return compare_counts(a->counts.status300, b->counts.status300);
    case V2_FIELD_STATUS400:
        return compare_counts(a->counts.status400, b->counts.status400);
    case V2_FIELD_STATUS429:
        return compare_counts(a->counts.status429, b->counts.status429);
    case V2_FIELD_STATUS500:
        return compare_counts(a->counts.status500, b->counts.status500);
    case V2_FIELD_CLIENT_ID:
        return strcmp(a->names[REPORT_NAME_CLIENT], b->names[REPORT_NAME_CLIENT]);
    case V2_FIELD_CLIENT_NAME:
        return strcmp(a->client_name, b->client_name);
    case V2_FIELD_USER:
        return strcmp(a->names[REPORT_NAME_USER], b->names[REPORT_NAME_USER]);
    case V2_FIELD_ORGANIZATION:
        return strcmp(a->names[REPORT_NAME_ORGANIZATION], b->names[REPORT_NAME_ORGANIZATION]);
    }
    g_assert_not_reached();
}

static int compare(gconstpointer first, gconstpointer second, gpointer opaque)
{
    const struct v2_body *body = opaque;
    const struct row *a = first, *b = second;
    for (size_t i = 0; i < body->n_sorts; i++) {
        int order = compare_by(body->sorts[i].field, a, b);
        if (order != 0)
            return body->sorts[i].descending ? -order : order;
    }
    return compare_counts(a->number, b->number);
}

/* ---- the whole ---- */

static struct result *write_sorted(const struct sorter *sorter, const struct v2_making *making, GError **error)
{
    struct result *sorted = result_new(making->directory, making->bytes_max, error);
    for (guint i = 0; sorted != NULL && i < sorter->rows->len; i++) {
        const struct row *kept = &g_array_index(sorter->rows, struct row, i);
        struct report_row row = {.period = kept->period, .counts = kept->counts};
        for (size_t k = 0; k < REPORT_NAMES; k++)
            row.names[k] = view_of(kept->names[k]);
        if (!result_add(&row, sorted))
            break;
    }
    if (sorted != NULL && !result_finish(sorted, error))
        g_clear_pointer(&sorted, result_unref);
    return sorted;
}

struct result *v2_sort(const struct v2_execution *execution, const struct result *result, const struct v2_making *making,
                       GError **error)
{
    struct result *sorted = NULL;
    if (result_rows(result) > V2_SORT_ROWS_MAX) {
        g_set_error(error, REPORT_ERROR, REPORT_ERROR_LIMIT,
                    "The result has %" G_GUINT64_FORMAT " rows, and at most %d can be sorted. Ask for fewer, or leave sortBy out.",
                    result_rows(result), V2_SORT_ROWS_MAX);
        return NULL;
    }
    struct sorter sorter = {.execution = execution, .registry = making->registry, .texts = g_string_chunk_new(64 * 1024)};
    sorter.rows = g_array_sized_new(FALSE, FALSE, sizeof(struct row), (guint)result_rows(result));
    if (keep_all(&sorter, result, error)) {
        g_array_sort_with_data(sorter.rows, compare, (gpointer)&execution->body);
        sorted = write_sorted(&sorter, making, error);
    }
    g_array_free(sorter.rows, TRUE);
    g_string_chunk_free(sorter.texts);
    return sorted;
}
