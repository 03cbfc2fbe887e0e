/* Random rows: sorted as a plain comparison of the rows says, and those that are equal stay in their order. */
#include "api/v2_sort.h"

enum { ROWS = 3000, NAMES = 5 };

static struct registry_snapshot *registry;
static struct v2_making making;

struct plain {
    struct report_row row;
    guint number;
};

static const char *const names[NAMES] = {"", "a", "b", "Ä", "{other}"};

static struct plain random_row(guint number)
{
    struct plain plain = {.number = number, .row = {.period = (uint32_t)g_test_rand_int_range(0, 3)}};
    uint64_t *counts = &plain.row.counts.requests;
    for (size_t i = 0; i < sizeof plain.row.counts / sizeof *counts; i++)
        counts[i] = g_test_rand_bit() ? (uint64_t)g_test_rand_int_range(0, 4) : UINT32_MAX * UINT64_C(7) + i;
    for (size_t i = 0; i < REPORT_NAMES; i++)
        plain.row.names[i] = view_of(names[g_test_rand_int_range(0, NAMES)]);
    return plain;
}

static struct v2_execution *make(const char *sorts)
{
    struct refusal refusal = {0};
    struct v2_body body;
    struct caller *caller = caller_new("t", "t", NULL, NULL, PERMISSION_ALL, TIER_FREE);
    g_autofree char *text = g_strdup_printf("{\"interval\":\"2026/2026\",\"sortBy\":[%s]}", sorts);
    if (!v2_body_parse(&body, V2_ORGANIZATION_JOB, view_of(text), &refusal))
        g_error("%s", refusal.message);
    struct v2_execution *execution = v2_execution_new(caller, NULL, &body);
    caller_unref(caller);
    return execution;
}

/* Lower, equal or higher in one field. */
static int compare_field(const char *field, const struct report_row *a, const struct report_row *b)
{
    static const struct {
        const char *field;
        int name;
    } texts[] = {{"platform", 5}, {"httpMethod", 4}, {"templateUri", 3}, {"oauthClient.id", 0}, {"user.id", 2}};
    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++)
        if (strcmp(texts[i].field, field) == 0)
            return g_strcmp0(a->names[texts[i].name].data, b->names[texts[i].name].data);
    if (strcmp(field, "oauthClient.name") == 0)
        return strcmp(registry_client_name(registry, NULL, a->names[0].data),
                      registry_client_name(registry, NULL, b->names[0].data));
    uint64_t x = a->period, y = b->period;
    if (strcmp(field, "requestCount") == 0)
        x = a->counts.requests, y = b->counts.requests;
    else if (strcmp(field, "status200") == 0)
        x = a->counts.status200, y = b->counts.status200;
    else if (strcmp(field, "status300") == 0)
        x = a->counts.status300, y = b->counts.status300;
    else if (strcmp(field, "status400") == 0)
        x = a->counts.status400, y = b->counts.status400;
    else if (strcmp(field, "status429") == 0)
        x = a->counts.status429, y = b->counts.status429;
    else if (strcmp(field, "status500") == 0)
        x = a->counts.status500, y = b->counts.status500;
    return x < y ? -1 : x > y;
}

static const char *const fields[] = {"date",      "platform",       "httpMethod",      "templateUri", "requestCount",
                                     "status200", "status300",      "status400",       "status429",   "status500",
                                     "user.id",   "oauthClient.id", "oauthClient.name"};

struct order {
    const char *fields[2];
    bool descending[2];
};

static int compare(gconstpointer first, gconstpointer second, gpointer opaque)
{
    const struct order *order = opaque;
    const struct plain *a = first, *b = second;
    for (int i = 0; i < 2; i++) {
        int found = compare_field(order->fields[i], &a->row, &b->row);
        if (found != 0)
            return order->descending[i] ? -found : found;
    }
    return a->number < b->number ? -1 : a->number > b->number;
}

static void check_rows(const struct result *sorted, const struct plain *expected, int n)
{
    g_autoptr(GError) error = NULL;
    struct report_row row;
    struct result_cursor *cursor = result_cursor_new(sorted, 0);
    for (int i = 0; i < n; i++) {
        g_assert_true(result_cursor_next(cursor, &row, &error));
        g_assert_cmpuint(row.period, ==, expected[i].row.period);
        g_assert_true(memcmp(&row.counts, &expected[i].row.counts, sizeof row.counts) == 0);
        for (size_t k = 0; k < REPORT_NAMES; k++)
            g_assert_true(view_equal(row.names[k], expected[i].row.names[k]));
    }
    g_assert_false(result_cursor_next(cursor, &row, &error));
    g_assert_no_error(error);
    result_cursor_free(cursor);
}

static void test_random(void)
{
    g_autoptr(GError) error = NULL;
    g_autofree struct plain *rows = g_new(struct plain, ROWS);
    for (size_t n = 0; n < 4 * G_N_ELEMENTS(fields); n++) {
        struct result *result = result_new(making.directory, making.bytes_max, &error);
        for (guint i = 0; i < ROWS; i++) {
            rows[i] = random_row(i);
            g_assert_true(result_add(&rows[i].row, result));
        }
        g_assert_true(result_finish(result, &error));
        struct order order = {.fields = {fields[n % G_N_ELEMENTS(fields)], fields[g_test_rand_int_range(0, G_N_ELEMENTS(fields))]}};
        order.descending[0] = g_test_rand_bit(), order.descending[1] = g_test_rand_bit();
        g_autofree char *sorts =
            g_strdup_printf("{\"fieldName\":\"%s\",\"order\":\"%s\"},{\"fieldName\":\"%s\",\"order\":\"%s\"}", order.fields[0],
                            order.descending[0] ? "Desc" : "Asc", order.fields[1], order.descending[1] ? "Desc" : "Asc");
        struct v2_execution *execution = make(sorts);
        struct result *sorted = v2_sort(execution, result, &making, &error);
        g_assert_no_error(error);
        g_qsort_with_data(rows, ROWS, sizeof *rows, compare, &order);
        check_rows(sorted, rows, ROWS);
        v2_execution_unref(execution);
        result_unref(sorted);
        result_unref(result);
    }
}

/* More rows than are sorted, and a file that is too small for them. */
static void test_limits(void)
{
    g_autoptr(GError) error = NULL;
    struct v2_execution *execution = make("{\"fieldName\":\"date\"}");
    const struct report_row row = {.counts = {.requests = 1}};
    struct result *result = result_new(making.directory, making.bytes_max, &error);
    for (int i = 0; i <= V2_SORT_ROWS_MAX; i++)
        g_assert_true(result_add(&row, result));
    g_assert_true(result_finish(result, &error));
    g_assert_null(v2_sort(execution, result, &making, &error));
    g_assert_error(error, REPORT_ERROR, REPORT_ERROR_LIMIT);
    g_assert_nonnull(strstr(error->message, "1000001 rows"));
    g_clear_error(&error);
    result_unref(result);
    struct v2_making narrow = making;
    narrow.bytes_max = 1000;
    result = result_new(making.directory, making.bytes_max, &error);
    for (int i = 0; i < 20000; i++)
        g_assert_true(result_add(&row, result));
    g_assert_true(result_finish(result, &error));
    g_assert_null(v2_sort(execution, result, &narrow, &error));
    g_assert_error(error, REPORT_ERROR, REPORT_ERROR_LIMIT);
    result_unref(result);
    v2_execution_unref(execution);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    struct registry_client *client = g_new0(struct registry_client, 1);
    *client = (struct registry_client){g_strdup("a"), g_strdup("zz"), g_strdup("acme"), g_strdup(""), g_strdup(""), TIER_FREE};
    registry = registry_snapshot_new(1);
    g_assert_true(registry_snapshot_add(registry, REGISTRY_CLIENTS, client));
    registry_snapshot_seal(registry, NULL);
    making = (struct v2_making){.directory = g_get_tmp_dir(), .bytes_max = UINT64_C(1) << 30, .registry = registry};
    g_test_add_func("/v2_sort/random", test_random);
    g_test_add_func("/v2_sort/limits", test_limits);
    int code = g_test_run();
    registry_snapshot_unref(registry);
    return code;
}
