#include "api/v2_params.h"

#define ID "7d444840-9dc0-11d1-b245-5ffdce74fad2"
#define OTHER "7d444840-9dc0-11d1-b245-5ffdce74fad3"

static bool parse(struct v2_params *params, enum v2_params_kind kind, const char *query, struct refusal *refusal)
{
    struct usage_param given[8];
    size_t n = 0;
    g_auto(GStrv) parts = g_strsplit(query, "&", -1);
    for (; parts[n] != NULL; n++) {
        char *sign = strchr(parts[n], '=');
        if (sign != NULL)
            *sign = '\0';
        given[n] = (struct usage_param){parts[n], sign ? sign + 1 : NULL};
    }
    refusal_clear(refusal);
    return v2_params_parse(params, kind, ID, given, n, refusal);
}

static void test_accepted(void)
{
    struct refusal refusal = {0};
    struct v2_params params;
    g_autofree char *cursor = v2_cursor_write(ID, 1234567);
    g_autofree char *query = g_strdup_printf("after=%s&pageSize=1000", cursor);
    g_assert_true(parse(&params, V2_PARAMS_PAGE, "", &refusal));
    g_assert_true(params.first == 0 && params.page_size == V2_PAGE_DEFAULT);
    g_assert_true(parse(&params, V2_PARAMS_PAGE, query, &refusal));
    g_assert_true(params.first == 1234567 && params.page_size == 1000);
    g_assert_true(parse(&params, V2_PARAMS_PAGE, "after=&pageSize=1", &refusal));
    g_assert_true(params.first == 0 && params.page_size == 1);
    g_assert_true(parse(&params, V2_PARAMS_SUMMARY, "", &refusal));
    g_assert_cmpint(params.days, ==, 7);
    g_assert_true(parse(&params, V2_PARAMS_SUMMARY, "days=365", &refusal));
    g_assert_cmpint(params.days, ==, 365);
    g_assert_true(parse(&params, V2_PARAMS_NONE, "", &refusal));
}

static void test_refused(void)
{
    static const struct {
        enum v2_params_kind kind;
        const char *query, *field, *code;
    } cases[] = {
        {V2_PARAMS_PAGE, "pageSize=0", "pageSize", "INVALID_PARAMETER"},
        {V2_PARAMS_PAGE, "pageSize=1001", "pageSize", "INVALID_PARAMETER"},
        {V2_PARAMS_PAGE, "pageSize=-1", "pageSize", "INVALID_PARAMETER"},
        {V2_PARAMS_PAGE, "pageSize=1e2", "pageSize", "INVALID_PARAMETER"},
        {V2_PARAMS_PAGE, "pageSize", "pageSize", "INVALID_PARAMETER"},
        {V2_PARAMS_PAGE, "pageSize=99999999999999999999", "pageSize", "INVALID_PARAMETER"},
        {V2_PARAMS_PAGE, "pageSize=5&pageSize=5", "pageSize", "INVALID_PARAMETER"},
        {V2_PARAMS_PAGE, "after=x", "after", "INVALID_PARAMETER"},
        {V2_PARAMS_PAGE, "after=100", "after", "INVALID_PARAMETER"},
        {V2_PARAMS_PAGE, "days=7", "days", "UNKNOWN_PARAMETER"},
        {V2_PARAMS_PAGE, "PageSize=7", "PageSize", "UNKNOWN_PARAMETER"},
        {V2_PARAMS_SUMMARY, "days=0", "days", "INVALID_PARAMETER"},
        {V2_PARAMS_SUMMARY, "days=366", "days", "INVALID_PARAMETER"},
        {V2_PARAMS_SUMMARY, "days=seven", "days", "INVALID_PARAMETER"},
        {V2_PARAMS_SUMMARY, "days=7.5", "days", "INVALID_PARAMETER"},
        {V2_PARAMS_SUMMARY, "days=7&days=8", "days", "INVALID_PARAMETER"},
        {V2_PARAMS_SUMMARY, "pageSize=7", "pageSize", "UNKNOWN_PARAMETER"},
        {V2_PARAMS_NONE, "after=x", "after", "UNKNOWN_PARAMETER"},
        {V2_PARAMS_NONE, "=", "", "UNKNOWN_PARAMETER"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct refusal refusal = {0};
        struct v2_params params;
        if (parse(&params, cases[i].kind, cases[i].query, &refusal))
            g_error("'%s' is accepted", cases[i].query);
        g_assert_cmpint(refusal.status, ==, 400);
        g_assert_cmpstr(refusal.field, ==, cases[i].field);
        g_assert_cmpstr(refusal.code, ==, cases[i].code);
        refusal_clear(&refusal);
    }
}

/* No change of one letter, no other length and no other execution gives a cursor. */
static void test_cursors(void)
{
    static const uint64_t rows[] = {0, 1, 99, 100, 123456789, UINT64_MAX};
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        uint64_t row = 7;
        g_autofree char *cursor = v2_cursor_write(ID, rows[i]);
        g_assert_cmpuint(strspn(cursor, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"), ==, strlen(cursor));
        g_assert_true(v2_cursor_read(ID, cursor, &row));
        g_assert_cmpuint(row, ==, rows[i]);
        g_assert_false(v2_cursor_read(OTHER, cursor, &row));
        for (size_t at = 0; at < strlen(cursor); at++)
            for (int letter = 1; letter < 256; letter++) {
                g_autofree char *changed = g_strdup(cursor);
                changed[at] = (char)letter;
                g_assert_cmpint(v2_cursor_read(ID, changed, &row), ==, strcmp(changed, cursor) == 0);
            }
        for (size_t size = 0; size < strlen(cursor); size++) {
            g_autofree char *cut = g_strndup(cursor, size);
            g_assert_false(v2_cursor_read(ID, cut, &row));
        }
        g_autofree char *longer = g_strconcat(cursor, "A", NULL);
        g_assert_false(v2_cursor_read(ID, longer, &row));
    }
    uint64_t row;
    g_autofree char *endless = g_strnfill(100000, 'A');
    g_assert_false(v2_cursor_read(ID, endless, &row));
    g_assert_false(v2_cursor_read(ID, "", &row));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/v2_params/accepted", test_accepted);
    g_test_add_func("/v2_params/refused", test_refused);
    g_test_add_func("/v2_params/cursors", test_cursors);
    return g_test_run();
}
