#include "api/v2_answer.h"

#include "api/v2_params.h"
#include <unistd.h>

#define ID "7d444840-9dc0-11d1-b245-5ffdce74fad2"

static struct registry_snapshot *registry;

static struct v2_execution *make(enum v2_kind kind, const char *path_client, const char *text)
{
    struct refusal refusal = {0};
    struct v2_body body;
    struct caller *caller = caller_new("t-1", "t", NULL, NULL, PERMISSION_ALL, TIER_FREE);
    if (!v2_body_parse(&body, kind, view_of(text), &refusal))
        g_error("%s", refusal.message);
    struct v2_execution *execution = v2_execution_new(caller, path_client, &body);
    g_strlcpy(execution->id, ID, sizeof execution->id);
    caller_unref(caller);
    return execution;
}

/* n rows: row i has client c-i, 100 - i requests of 2xx, and lies in period i % 2. */
static struct v2_outcome *make_outcome(const struct v2_execution *execution, int n)
{
    g_autoptr(GError) error = NULL;
    struct v2_outcome *outcome = g_new0(struct v2_outcome, 1);
    *outcome = (struct v2_outcome){1, result_new(g_get_tmp_dir(), 1 << 20, &error), g_ptr_array_new_with_free_func(g_free),
                                   g_string_new("\"interval\":\"x\"")};
    g_assert_no_error(error);
    bool job = v2_kind_is_job(execution->body.kind);
    g_ptr_array_add(outcome->dates, g_strdup(job ? "2026-11-01" : "2026-11-01T00:00:00Z"));
    g_ptr_array_add(outcome->dates, g_strdup(job ? "2026-11-02" : "2026-11-02T00:00:00Z"));
    for (int i = 0; i < n; i++) {
        g_autofree char *client = g_strdup_printf("c/%d", i);
        struct report_row row = {.period = (uint32_t)i % 2,
                                 .counts = {.requests = 101 - (uint64_t)i, .status200 = 100 - (uint64_t)i}};
        row.counts.status400 = 1;
        for (int k = 0; k < REPORT_NAMES; k++)
            row.names[k] = view_of(execution->body.group & 1u << k ? client : "");
        g_assert_true(result_add(&row, outcome->result));
    }
    g_assert_true(result_finish(outcome->result, &error));
    return outcome;
}

static void check(enum v2_kind kind, const char *path_client, const char *body, int rows, struct v2_page page, const char *expected)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GString) out = g_string_new(NULL);
    struct v2_execution *execution = make(kind, path_client, body);
    struct v2_outcome *outcome = make_outcome(execution, rows);
    g_assert_true(v2_answer_page(out, execution, outcome, registry, page, &error));
    g_assert_cmpstr(out->str, ==, expected);
    v2_outcome_unref(outcome);
    v2_execution_unref(execution);
}

static void test_query(void)
{
    check(V2_ORGANIZATION_QUERY, NULL, "{\"interval\":\"2026/2026\",\"granularity\":\"Day\"}", 2, (struct v2_page){0, 10, false},
          "{\"results\":["
          "{\"clientId\":\"c/0\",\"clientName\":\"Zero\",\"organizationId\":\"\",\"userId\":\"\",\"templateUri\":\"\","
          "\"httpMethod\":\"\","
          "\"status200\":100,\"status300\":0,\"status400\":1,\"status500\":0,\"status429\":0,\"requests\":101,"
          "\"date\":\"2026-11-01T00:00:00Z\"},"
          "{\"clientId\":\"c/1\",\"clientName\":\"c/1\",\"organizationId\":\"\",\"userId\":\"\",\"templateUri\":\"\","
          "\"httpMethod\":\"\","
          "\"status200\":99,\"status300\":0,\"status400\":1,\"status500\":0,\"status429\":0,\"requests\":100,"
          "\"date\":\"2026-11-02T00:00:00Z\"}],\"queryStatus\":\"Complete\",\"interval\":\"x\"}");
    check(V2_ORGANIZATION_QUERY, NULL, "{\"interval\":\"2026/2026\",\"metrics\":[\"Status429\"],\"groupBy\":[]}", 1,
          (struct v2_page){0, 10, false},
          "{\"results\":[{\"clientId\":\"\",\"clientName\":\"\",\"organizationId\":\"\",\"userId\":\"\",\"templateUri\":\"\","
          "\"httpMethod\":\"\",\"status429\":0}],\"queryStatus\":\"Complete\",\"interval\":\"x\"}");
    check(V2_ORGANIZATION_QUERY, NULL, "{\"interval\":\"2026/2026\"}", 0, (struct v2_page){0, 10, false},
          "{\"results\":[],\"queryStatus\":\"Complete\",\"interval\":\"x\"}");
}

#define ROW(n, name)                                 \
    "{\"clientId\":\"" n "\",\"clientName\":\"" name \
    "\",\"organizationId\":\"\",\"userId\":\"\",\"templateUri\":\"\",\"httpMethod\":\"\"}"

static void test_cursors(void)
{
    g_autofree char *first = v2_cursor_write(ID, 0);
    g_autofree char *second = v2_cursor_write(ID, 1);
    g_autofree char *third = v2_cursor_write(ID, 2);
    const char *body = "{\"interval\":\"2026/2026\",\"metrics\":[\"ClientName\"]}";
    g_autofree char *begin = g_strdup_printf("{\"results\":[" ROW("c/0", "Zero") "],\"queryStatus\":\"Complete\",\"cursors\":{"
                                                                                 "\"after\":\"%s\"},\"interval\":\"x\"}",
                                             second);
    g_autofree char *middle =
        g_strdup_printf("{\"results\":[" ROW("c/1", "c/1") "],\"queryStatus\":\"Complete\",\"cursors\":{"
                                                           "\"before\":\"%s\",\"after\":\"%s\"},\"interval\":\"x\"}",
                        first, third);
    g_autofree char *end = g_strdup_printf(
        "{\"results\":[" ROW("c/1", "c/1") "," ROW("c/2", "c/2") "],\"queryStatus\":\"Complete\","
                                                                 "\"cursors\":{\"before\":\"%s\"},\"interval\":\"x\"}",
        first);
    g_autofree char *behind = g_strdup_printf("{\"results\":[],\"queryStatus\":\"Complete\",\"cursors\":{\"before\":\"%s\"},"
                                              "\"interval\":\"x\"}",
                                              third);
    check(V2_SEARCH, NULL, body, 3, (struct v2_page){0, 1, true}, begin);
    check(V2_SEARCH, NULL, body, 3, (struct v2_page){1, 1, true}, middle);
    check(V2_SEARCH, NULL, body, 3, (struct v2_page){1, 5, true}, end);
    check(V2_SEARCH, NULL, body, 3, (struct v2_page){3, 1, true}, behind);
    check(V2_SEARCH, NULL, body, 0, (struct v2_page){0, 5, true},
          "{\"results\":[],\"queryStatus\":\"Complete\",\"cursors\":{},\"interval\":\"x\"}");
}

#define JOBS "/api/v2/usage/aggregates/query/jobs/" ID
#define CLIENT_JOBS "/api/v2/usage/client/a%2F%C3%A4/aggregates/query/jobs/" ID

static void test_jobs(void)
{
    g_autofree char *after = v2_cursor_write(ID, 1);
    g_autofree char *first = g_strdup_printf(
        "{\"entities\":[{\"date\":\"2026-11-01\",\"requestCount\":101,\"status200\":100,\"oauthClient\":{\"id\":\"c/0\","
        "\"name\":\"Zero\",\"selfUri\":\"/api/v2/oauth/clients/c%%2F0\"},\"user\":{\"id\":\"c/0\"}}],"
        "\"nextUri\":\"" JOBS "?pageSize=1&after=%s\",\"selfUri\":\"" JOBS "\",\"queryStatus\":\"Succeeded\","
        "\"interval\":\"x\"}",
        after);
    check(V2_ORGANIZATION_JOB, NULL,
          "{\"interval\":\"2026/2026\",\"granularity\":\"Day\",\"metrics\":[\"Requests\",\"Status200\"],"
          "\"groupBy\":[\"UserId\",\"OauthClientName\"]}",
          2, (struct v2_page){0, 1, false}, first);
    check(V2_CLIENT_JOB, "a/ä",
          "{\"interval\":\"2026/2026\",\"metrics\":[\"Status400\",\"Status429\"],\"groupBy\":[\"Platform\",\"HttpMethod\","
          "\"TemplateUri\",\"OrganizationId\"]}",
          1, (struct v2_page){0, 1, false},
          "{\"entities\":[{\"platform\":\"c/0\",\"httpMethod\":\"c/0\",\"templateUri\":\"c/0\",\"status400\":1,\"status429\":0,"
          "\"organizationId\":\"c/0\"}],\"selfUri\":\"" CLIENT_JOBS "\",\"queryStatus\":\"Succeeded\",\"interval\":\"x\"}");
}

/* ---- without rows ---- */

static void check_text(const GString *got, const char *expected)
{
    g_assert_cmpstr(got->str, ==, expected);
}

static void test_states(void)
{
    char reason[] = "Too \"many\" rows.";
    const struct v2_end failed = {V2_FAILED, reason}, cancelled = {V2_CANCELLED, reason};
    const struct {
        enum v2_kind kind;
        const char *accepted, *queued, *running, *failed, *cancelled;
    } cases[] = {
        {V2_ORGANIZATION_QUERY, "{\"executionId\":\"" ID "\",\"resultsUri\":\"/api/v2/usage/query/" ID "/results\"}",
         "{\"queryStatus\":\"Running\"}", "{\"queryStatus\":\"Running\"}",
         "{\"results\":[],\"queryStatus\":\"Failed\",\"failure\":\"Too \\\"many\\\" rows.\"}",
         "{\"results\":[],\"queryStatus\":\"Failed\",\"failure\":\"Too \\\"many\\\" rows.\"}"},
        {V2_SEARCH, "{\"executionId\":\"" ID "\",\"resultsUri\":\"/api/v2/usage/simplesearch/" ID "/results\"}",
         "{\"queryStatus\":\"Running\"}", "{\"queryStatus\":\"Running\"}",
         "{\"results\":[],\"queryStatus\":\"Failed\",\"failure\":\"Too \\\"many\\\" rows.\"}",
         "{\"results\":[],\"queryStatus\":\"Failed\",\"failure\":\"Too \\\"many\\\" rows.\"}"},
        {V2_CLIENT_QUERY,
         "{\"executionId\":\"" ID "\",\"resultsUri\":\"/api/v2/oauth/clients/a%2F%C3%A4/usage/query/results/" ID "\"}",
         "{\"queryStatus\":\"Running\"}", "{\"queryStatus\":\"Running\"}",
         "{\"results\":[],\"queryStatus\":\"Failed\",\"failure\":\"Too \\\"many\\\" rows.\"}",
         "{\"results\":[],\"queryStatus\":\"Failed\",\"failure\":\"Too \\\"many\\\" rows.\"}"},
        {V2_CLIENT_JOB, "{\"id\":\"" ID "\",\"resultsUri\":\"" CLIENT_JOBS "\",\"selfUri\":\"" CLIENT_JOBS "\"}",
         "{\"queryStatus\":\"Queued\",\"entities\":[],\"selfUri\":\"" CLIENT_JOBS "\"}",
         "{\"queryStatus\":\"Running\",\"entities\":[],\"selfUri\":\"" CLIENT_JOBS "\"}",
         "{\"queryStatus\":\"Failed\",\"errorBody\":{\"message\":\"Too \\\"many\\\" rows.\",\"code\":\"query.failed\","
         "\"status\":422},"
         "\"entities\":[],\"selfUri\":\"" CLIENT_JOBS "\"}",
         "{\"queryStatus\":\"Cancelled\",\"errorBody\":{\"message\":\"Too \\\"many\\\" rows.\",\"code\":\"query.cancelled\","
         "\"status\":410},\"entities\":[],\"selfUri\":\"" CLIENT_JOBS "\"}"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GString) accepted = g_string_new(NULL), queued = g_string_new(NULL), running = g_string_new(NULL);
        g_autoptr(GString) fails = g_string_new(NULL), cancels = g_string_new(NULL);
        struct v2_execution *execution = make(cases[i].kind, "a/ä", "{\"interval\":\"2026/2026\"}");
        v2_answer_accepted(accepted, execution);
        v2_answer_running(queued, execution, true);
        v2_answer_running(running, execution, false);
        v2_answer_ended(fails, execution, &failed);
        v2_answer_ended(cancels, execution, &cancelled);
        check_text(accepted, cases[i].accepted);
        check_text(queued, cases[i].queued);
        check_text(running, cases[i].running);
        check_text(fails, cases[i].failed);
        check_text(cancels, cases[i].cancelled);
        v2_execution_unref(execution);
    }
}

static void check_name(enum v2_kind kind, const char *client, const char *body, const char *expected)
{
    struct v2_execution *execution = make(kind, client, body);
    g_autofree char *name = v2_answer_file_name(execution, EXPORT_CSV);
    g_assert_cmpstr(name, ==, expected);
    v2_execution_unref(execution);
}

static void test_file_names(void)
{
    check_name(V2_ORGANIZATION_QUERY, NULL, "{\"interval\":\"2026-11-01/2026-11-20\"}",
               "usage-query_2026-11-01_2026-11-20_by-client.csv");
    check_name(V2_CLIENT_QUERY, "a/../b", "{\"interval\":\"2026/2026\",\"groupBy\":[],\"granularity\":\"Month\"}",
               "client-usage-query_a-..-b_2026-01-01_2026-12-31_month.csv");
    check_name(V2_CLIENT_JOB, "ä", "{\"interval\":\"2026/2026\",\"groupBy\":[\"Platform\",\"OrganizationId\"]}",
               "client-usage-job_ä_2026-01-01_2026-12-31_by-organization-platform.csv");
}

/* An export as JSON and a page of all rows are the same document, byte by byte. */
static void test_export_is_the_page(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GString) out = g_string_new(NULL), suffix = g_string_new(NULL);
    struct export_column columns[EXPORT_COLUMNS_MAX];
    struct export_file file;
    struct v2_execution *execution =
        make(V2_ORGANIZATION_QUERY, NULL,
             "{\"interval\":\"2026/2026\",\"granularity\":\"Day\",\"groupBy\":[\"UserId\",\"OAuthClientId\"]}");
    struct v2_outcome *outcome = make_outcome(execution, 90);
    GPtrArray *const periods[] = {outcome->dates};
    g_assert_true(v2_answer_page(out, execution, outcome, registry, (struct v2_page){0, 1000, false}, &error));
    v2_answer_suffix(suffix, outcome);
    const struct export_spec spec = {.format = EXPORT_JSON,
                                     .columns = columns,
                                     .n_columns = v2_answer_columns(execution, columns),
                                     .periods = periods,
                                     .prefix = v2_answer_prefix,
                                     .suffix = suffix->str,
                                     .registry = registry};
    g_assert_true(export_render(&spec, outcome->result, g_get_tmp_dir(), &file, &error));
    g_assert_no_error(error);
    g_assert_cmpint(file.size, ==, (int64_t)out->len);
    g_autofree char *bytes = g_malloc(out->len);
    g_assert_cmpint(pread(file.fd, bytes, out->len, 0), ==, (gssize)out->len);
    g_assert_true(memcmp(bytes, out->str, out->len) == 0);
    close(file.fd);
    v2_outcome_unref(outcome);
    v2_execution_unref(execution);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    struct registry_client *client = g_new0(struct registry_client, 1);
    *client = (struct registry_client){g_strdup("c/0"), g_strdup("Zero"), g_strdup("acme"), g_strdup(""), g_strdup(""), TIER_FREE};
    registry = registry_snapshot_new(1);
    g_assert_true(registry_snapshot_add(registry, REGISTRY_CLIENTS, client));
    registry_snapshot_seal(registry, NULL);
    g_test_add_func("/v2_answer/query", test_query);
    g_test_add_func("/v2_answer/cursors", test_cursors);
    g_test_add_func("/v2_answer/jobs", test_jobs);
    g_test_add_func("/v2_answer/states", test_states);
    g_test_add_func("/v2_answer/file-names", test_file_names);
    g_test_add_func("/v2_answer/export-is-the-page", test_export_is_the_page);
    int code = g_test_run();
    registry_snapshot_unref(registry);
    return code;
}
