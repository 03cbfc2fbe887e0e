#include "api/v2_body.h"

static bool parse(struct v2_body *body, enum v2_kind kind, const char *text, struct refusal *refusal)
{
    refusal_clear(refusal);
    return v2_body_parse(body, kind, view_of(text), refusal);
}

/* The text of what the body means. */
static char *meaning(enum v2_kind kind, const char *text)
{
    struct refusal refusal = {0};
    struct v2_body body, again;
    if (!parse(&body, kind, text, &refusal))
        g_error("%s: %s", text, refusal.message);
    g_autoptr(GString) written = g_string_new(NULL), second = g_string_new(NULL);
    v2_body_write(&body, written);
    g_assert_true(parse(&again, kind, written->str, &refusal));
    v2_body_write(&again, second);
    g_assert_cmpstr(written->str, ==, second->str);
    v2_body_clear(&body);
    v2_body_clear(&again);
    return g_strdup(written->str);
}

static void check(enum v2_kind kind, const char *text, const char *expected)
{
    g_autofree char *got = meaning(kind, text);
    g_assert_cmpstr(got, ==, expected);
}

#define ALL "\"metrics\":[\"Status200\",\"Status300\",\"Status400\",\"Status500\",\"Status429\",\"Requests\"]"
#define DAYS "\"interval\":\"2026-11-01/2026-11-20\""

static void test_defaults(void)
{
    check(V2_ORGANIZATION_QUERY, "{" DAYS "}", "{" DAYS "," ALL ",\"groupBy\":[\"OAuthClientId\"]}");
    check(V2_CLIENT_QUERY, "{" DAYS "}", "{" DAYS "," ALL ",\"groupBy\":[\"OAuthClientId\"]}");
    check(V2_ORGANIZATION_JOB, "{" DAYS "}", "{" DAYS "," ALL ",\"groupBy\":[]}");
    check(V2_CLIENT_JOB, "{" DAYS "}", "{" DAYS "," ALL ",\"groupBy\":[]}");
    check(V2_SEARCH, "{" DAYS "}",
          "{" DAYS ",\"metrics\":[\"Date\",\"ClientName\",\"HttpMethod\",\"TemplateUri\",\"Status200\",\"Status300\",\"Status400\","
          "\"Status500\",\"Status429\",\"Requests\"]}");
    check(V2_ORGANIZATION_QUERY, "{" DAYS ",\"granularity\":null,\"metrics\":null,\"groupBy\":null}",
          "{" DAYS "," ALL ",\"groupBy\":[\"OAuthClientId\"]}");
    check(V2_ORGANIZATION_QUERY, "{" DAYS ",\"metrics\":[],\"groupBy\":[]}", "{" DAYS "," ALL ",\"groupBy\":[]}");
    check(V2_ORGANIZATION_JOB, "{" DAYS ",\"userIds\":[],\"sortBy\":[],\"platforms\":null}", "{" DAYS "," ALL ",\"groupBy\":[]}");
}

static void test_all_fields(void)
{
    check(V2_ORGANIZATION_QUERY,
          "{\"groupBy\":[\"httpmethod\",\"TEMPLATEURI\",\"userId\",\"organizationid\",\"oauthclientid\",\"UserId\"],"
          "\"metrics\":[\"requests\",\"STATUS429\",\"requests\"],\"granularity\":\"wEEK\",\"interval\":\"2026-11-01/P1M\"}",
          "{\"interval\":\"2026-11-01/2026-11-30\",\"granularity\":\"Week\",\"metrics\":[\"Status429\",\"Requests\"],"
          "\"groupBy\":[\"OAuthClientId\",\"OrganizationId\",\"UserId\",\"TemplateUri\",\"HttpMethod\"]}");
    check(V2_SEARCH,
          "{" DAYS ",\"metrics\":[\"clientname\",\"Status500\",\"date\"],\"oauthClientNames\":[\"b\",\"a\",\"b\",\"ä\"],"
          "\"httpMethods\":[\"get\",\"GET\"],\"templateUris\":[\"/v1/a\",\"v1/a\",\"/\",\"//x\"]}",
          "{" DAYS ",\"metrics\":[\"Date\",\"ClientName\",\"Status500\"],\"oauthClientNames\":[\"a\",\"b\",\"ä\"],"
          "\"templateUris\":[\"/\",\"//x\",\"/v1/a\"],\"httpMethods\":[\"GET\"]}");
    check(V2_ORGANIZATION_JOB,
          "{" DAYS ",\"granularity\":\"Day\",\"groupBy\":[\"Platform\",\"OauthClientName\",\"OauthClientId\"],"
          "\"platforms\":[\"web\"],\"userIds\":[\"u\"],\"oauthClientIds\":[\"c\"],\"sortBy\":[{\"fieldName\":\"DATE\"},"
          "{\"fieldName\":\"oauthClientName\",\"order\":\"desc\"},{\"order\":null,\"fieldName\":\"user.id\"}]}",
          "{" DAYS ",\"granularity\":\"Day\"," ALL ",\"groupBy\":[\"OauthClientId\",\"Platform\"],\"platforms\":[\"web\"],"
          "\"userIds\":[\"u\"],\"oauthClientIds\":[\"c\"],\"sortBy\":[{\"fieldName\":\"date\",\"order\":\"Asc\"},"
          "{\"fieldName\":\"oauthClient.name\",\"order\":\"Desc\"},{\"fieldName\":\"user.id\",\"order\":\"Asc\"}]}");
    check(V2_CLIENT_JOB,
          "{" DAYS ",\"groupBy\":[\"OrganizationId\"],\"organizationIds\":[\"o\"],\"sortBy\":[{\"fieldName\":\"organizationId\"}]}",
          "{" DAYS "," ALL ",\"groupBy\":[\"OrganizationId\"],\"organizationIds\":[\"o\"],"
          "\"sortBy\":[{\"fieldName\":\"organizationId\",\"order\":\"Asc\"}]}");
}

static void test_search_metrics(void)
{
    struct refusal refusal = {0};
    struct v2_body body;
    g_assert_true(parse(&body, V2_SEARCH, "{" DAYS ",\"metrics\":[\"HttpMethod\"]}", &refusal));
    g_assert_cmpuint(body.metrics, ==, 0);
    g_assert_cmpuint(body.group, ==, REPORT_METHOD);
    g_assert_cmpint(body.granularity, ==, V2_WHOLE);
    v2_body_clear(&body);
    g_assert_true(parse(&body, V2_SEARCH, "{" DAYS "}", &refusal));
    g_assert_cmpuint(body.metrics, ==, V2_METRICS_ALL);
    g_assert_cmpuint(body.group, ==, REPORT_METHOD | REPORT_CLIENT | REPORT_TEMPLATE);
    g_assert_cmpint(body.granularity, ==, V2_DAY);
    v2_body_clear(&body);
}

/* Every field of every kind, in each wrong way: 400, and the field is named. */
static void test_wrong(void)
{
    static const struct {
        int kinds; /* bits by enum v2_kind */
        const char *body, *field, *code;
    } cases[] = {
        {31, "{}", "interval", "INVALID_DATE"},
        {31, "{\"interval\":null}", "interval", "INVALID_DATE"},
        {31, "{\"interval\":5}", "interval", "INVALID_DATE"},
        {31, "{\"interval\":[\"2020/2021\"]}", "interval", "INVALID_DATE"},
        {31, "{\"interval\":\"2021/2020\"}", "interval", "INVALID_DATE"},
        {31, "{" DAYS ",\"intervall\":\"2020/2021\"}", "intervall", "UNKNOWN_PARAMETER"},
        {31, "{" DAYS ",\"\":1}", "", "UNKNOWN_PARAMETER"},
        {31, "{" DAYS ",\"metrics\":\"Requests\"}", "metrics", "INVALID_VALUE"},
        {31, "{" DAYS ",\"metrics\":[\"Request\"]}", "metrics", "INVALID_VALUE"},
        {31, "{" DAYS ",\"metrics\":[null]}", "metrics", "INVALID_VALUE"},
        {31, "{" DAYS ",\"metrics\":{}}", "metrics", "INVALID_VALUE"},
        {31, "{" DAYS ",\"Metrics\":[\"Requests\"]}", "Metrics", "UNKNOWN_PARAMETER"},
        {27, "{" DAYS ",\"metrics\":[\"Date\"]}", "metrics", "INVALID_VALUE"},
        {27, "{" DAYS ",\"granularity\":\"Hour\"}", "granularity", "INVALID_VALUE"},
        {27, "{" DAYS ",\"granularity\":[\"Day\"]}", "granularity", "INVALID_VALUE"},
        {27, "{" DAYS ",\"granularity\":true}", "granularity", "INVALID_VALUE"},
        {4, "{" DAYS ",\"granularity\":\"Day\"}", "granularity", "UNKNOWN_PARAMETER"},
        {27, "{" DAYS ",\"groupBy\":\"HttpMethod\"}", "groupBy", "INVALID_VALUE"},
        {27, "{" DAYS ",\"groupBy\":[\"Http\"]}", "groupBy", "INVALID_VALUE"},
        {4, "{" DAYS ",\"groupBy\":[\"HttpMethod\"]}", "groupBy", "UNKNOWN_PARAMETER"},
        {18, "{" DAYS ",\"groupBy\":[\"UserId\"]}", "groupBy", "INVALID_VALUE"},
        {3, "{" DAYS ",\"groupBy\":[\"Platform\"]}", "groupBy", "INVALID_VALUE"},
        {8, "{" DAYS ",\"groupBy\":[\"OrganizationId\"]}", "groupBy", "INVALID_VALUE"},
        {16, "{" DAYS ",\"groupBy\":[\"OauthClientId\"]}", "groupBy", "INVALID_VALUE"},
        {28, "{" DAYS ",\"templateUris\":\"a\"}", "templateUris", "INVALID_VALUE"},
        {28, "{" DAYS ",\"templateUris\":[1]}", "templateUris", "INVALID_VALUE"},
        {28, "{" DAYS ",\"templateUris\":[\"\"]}", "templateUris", "INVALID_VALUE"},
        {28, "{" DAYS ",\"httpMethods\":[\"GE\\tT\"]}", "httpMethods", "INVALID_VALUE"},
        {28, "{" DAYS ",\"httpMethods\":[[]]}", "httpMethods", "INVALID_VALUE"},
        {3, "{" DAYS ",\"templateUris\":[\"a\"]}", "templateUris", "UNKNOWN_PARAMETER"},
        {4, "{" DAYS ",\"oauthClientNames\":[{}]}", "oauthClientNames", "INVALID_VALUE"},
        {27, "{" DAYS ",\"oauthClientNames\":[\"a\"]}", "oauthClientNames", "UNKNOWN_PARAMETER"},
        {24, "{" DAYS ",\"platforms\":[\"\\u007f\"]}", "platforms", "INVALID_VALUE"},
        {7, "{" DAYS ",\"platforms\":[\"a\"]}", "platforms", "UNKNOWN_PARAMETER"},
        {8, "{" DAYS ",\"userIds\":0}", "userIds", "INVALID_VALUE"},
        {23, "{" DAYS ",\"userIds\":[\"a\"]}", "userIds", "UNKNOWN_PARAMETER"},
        {8, "{" DAYS ",\"oauthClientIds\":false}", "oauthClientIds", "INVALID_VALUE"},
        {23, "{" DAYS ",\"oauthClientIds\":[\"a\"]}", "oauthClientIds", "UNKNOWN_PARAMETER"},
        {16, "{" DAYS ",\"organizationIds\":\"a\"}", "organizationIds", "INVALID_VALUE"},
        {15, "{" DAYS ",\"organizationIds\":[\"a\"]}", "organizationIds", "UNKNOWN_PARAMETER"},
        {24, "{" DAYS ",\"sortBy\":\"date\"}", "sortBy", "INVALID_VALUE"},
        {24, "{" DAYS ",\"sortBy\":[\"date\"]}", "sortBy", "INVALID_VALUE"},
        {24, "{" DAYS ",\"sortBy\":[{}]}", "sortBy.fieldName", "INVALID_VALUE"},
        {24, "{" DAYS ",\"sortBy\":[{\"fieldName\":\"clientId\"}]}", "sortBy.fieldName", "INVALID_VALUE"},
        {24, "{" DAYS ",\"sortBy\":[{\"fieldName\":null}]}", "sortBy.fieldName", "INVALID_VALUE"},
        {24, "{" DAYS ",\"sortBy\":[{\"fieldName\":\"date\",\"order\":\"up\"}]}", "sortBy.order", "INVALID_VALUE"},
        {24, "{" DAYS ",\"sortBy\":[{\"fieldName\":\"date\",\"direction\":\"Asc\"}]}", "sortBy", "UNKNOWN_PARAMETER"},
        {8, "{" DAYS ",\"sortBy\":[{\"fieldName\":\"organizationId\"}]}", "sortBy.fieldName", "INVALID_VALUE"},
        {16, "{" DAYS ",\"sortBy\":[{\"fieldName\":\"user.id\"}]}", "sortBy.fieldName", "INVALID_VALUE"},
        {7, "{" DAYS ",\"sortBy\":[{\"fieldName\":\"date\"}]}", "sortBy", "UNKNOWN_PARAMETER"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
        for (int kind = 0; kind < V2_KIND_N; kind++) {
            struct refusal refusal = {0};
            struct v2_body body;
            if ((cases[i].kinds & 1 << kind) == 0)
                continue;
            if (parse(&body, (enum v2_kind)kind, cases[i].body, &refusal))
                g_error("%s is accepted as %s", cases[i].body, v2_kind_name((enum v2_kind)kind));
            g_assert_cmpint(refusal.status, ==, 400);
            g_assert_cmpstr(refusal.field, ==, cases[i].field);
            g_assert_cmpstr(refusal.code, ==, cases[i].code);
            g_assert_nonnull(refusal.allowed);
            refusal_clear(&refusal);
            v2_body_clear(&body);
        }
}

static void check_bad(const char *text, size_t size, int status, const char *words)
{
    struct refusal refusal = {0};
    struct v2_body body;
    g_assert_false(v2_body_parse(&body, V2_ORGANIZATION_QUERY, view_make(text, size), &refusal));
    g_assert_cmpint(refusal.status, ==, status);
    if (strstr(refusal.message, words) == NULL)
        g_error("'%s' says nothing of '%s'", refusal.message, words);
    g_assert_true(g_utf8_validate(refusal.message, -1, NULL));
    refusal_clear(&refusal);
    v2_body_clear(&body);
}

static void test_not_json(void)
{
    static const char *const texts[] = {"",
                                        " ",
                                        "{",
                                        "{]",
                                        "interval=2020/2021",
                                        "{\"interval\":\"2020/2021\"}x",
                                        "\"text\"",
                                        "null",
                                        "5",
                                        "{\"interval\":\"2020/2021\",\"interval\":\"2020/2021\"}",
                                        "{\"interval\":\"\xff\"}",
                                        "{\"interval\":\"2020\\u0000/2021\"}"};
    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++)
        check_bad(texts[i], strlen(texts[i]), 400, "The body is not JSON");
    check_bad("[]", 2, 400, "must be a JSON object");
    check_bad("{\0}", 3, 400, "The body is not JSON");
}

/* A megabyte of depth 10,000, and more than is taken at all. */
static void test_deep_and_large(void)
{
    enum { SIZE = 1024 * 1024, DEPTH = 10000 };
    GString *deep = g_string_new("{\"interval\":");
    for (int i = 0; i < DEPTH; i++)
        g_string_append_c(deep, '[');
    while (deep->len < SIZE - DEPTH - 1)
        g_string_append_c(deep, ' ');
    for (int i = 0; i < DEPTH; i++)
        g_string_append_c(deep, ']');
    g_string_append_c(deep, '}');
    check_bad(deep->str, deep->len, 400, "depth");
    g_string_set_size(deep, V2_BODY_BYTES_MAX + 1);
    check_bad(deep->str, deep->len, 413, "at most 2097152");
    g_string_free(deep, TRUE);
}

static void test_lists(void)
{
    struct refusal refusal = {0};
    struct v2_body body;
    for (int n = V2_LIST_MAX; n <= V2_LIST_MAX + 1; n++) {
        g_autoptr(GString) text = g_string_new("{" DAYS ",\"userIds\":[");
        for (int i = 0; i < n; i++)
            g_string_append_printf(text, "%s\"u%d\"", i ? "," : "", i % 700);
        g_string_append(text, "]}");
        g_assert_cmpint(parse(&body, V2_ORGANIZATION_JOB, text->str, &refusal), ==, n == V2_LIST_MAX);
        if (n == V2_LIST_MAX)
            g_assert_cmpuint(body.filter[2]->len, ==, 700);
        else
            g_assert_cmpstr(refusal.field, ==, "userIds");
        v2_body_clear(&body);
    }
    for (int n = V2_NAME_BYTES_MAX; n <= V2_NAME_BYTES_MAX + 1; n++) {
        g_autofree char *name = g_strnfill((gsize)n, 'x');
        g_autofree char *text = g_strdup_printf("{" DAYS ",\"userIds\":[\"%s\"],\"templateUris\":[\"/%.1024s\"]}", name, name);
        g_assert_cmpint(parse(&body, V2_ORGANIZATION_JOB, text, &refusal), ==, n == V2_NAME_BYTES_MAX);
        if (n == V2_NAME_BYTES_MAX) {
            g_autofree char *again = meaning(V2_ORGANIZATION_JOB, text);
            g_assert_nonnull(again);
        }
        v2_body_clear(&body);
    }
    refusal_clear(&refusal);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/v2_body/defaults", test_defaults);
    g_test_add_func("/v2_body/all-fields", test_all_fields);
    g_test_add_func("/v2_body/search-metrics", test_search_metrics);
    g_test_add_func("/v2_body/wrong", test_wrong);
    g_test_add_func("/v2_body/not-json", test_not_json);
    g_test_add_func("/v2_body/deep-and-large", test_deep_and_large);
    g_test_add_func("/v2_body/lists", test_lists);
    return g_test_run();
}
