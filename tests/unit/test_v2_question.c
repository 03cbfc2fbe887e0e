/* Which periods, which filters, and what is said about the days: over a ledger on a real redis-server. Days closed: WORLD_DAY - 40
 * to WORLD_DAY - 1, but one that is open and one that is empty; one has a second revision, behind all others. */
#include "api/v2_question.h"

#include "lib/civil.h"
#include "tests/unit/ledger_world.h"

enum { FIRST = WORLD_DAY - 40, OPEN = WORLD_DAY - 5, EMPTY = WORLD_DAY - 20, LATE = WORLD_DAY - 10, LAST = WORLD_DAY - 1 };

static struct ledger_world world;
static struct reader *reader;
static struct ledger_cache *cache;

static void close_day(int64_t day, int revision)
{
    world_rows(&world, "acme", 1, "u", 5);
    world_close(&world, day, revision, revision > 1 ? SEAL_LATE : SEAL_DAY_END);
}

static void fill(void)
{
    for (int64_t day = FIRST; day <= LAST; day++)
        if (day != OPEN && day != EMPTY)
            close_day(day, 1);
    close_day(LATE, 2);
}

static const struct pin before_late = {38, OPEN - 1}, newest = {39, OPEN - 1}, nothing = {0, FINALITY_NONE};

static struct v2_execution *make(enum v2_kind kind, const char *organization, const char *client, const char *path_client,
                                 const char *text)
{
    struct refusal refusal = {0};
    struct v2_body body;
    struct caller *caller = caller_new("t", "t", organization, client, PERMISSION_ALL, TIER_FREE);
    if (!v2_body_parse(&body, kind, view_of(text), &refusal))
        g_error("%s", refusal.message);
    struct v2_execution *execution = v2_execution_new(caller, path_client, &body);
    execution->pin = newest;
    caller_unref(caller);
    return execution;
}

static void ask(struct v2_question *question, const struct v2_execution *execution)
{
    g_autoptr(GError) error = NULL;
    struct ledger_index *index = ledger_cache_take(cache, reader, &error);
    const struct ledger_place place = {.reader = reader, .index = index};
    g_assert_no_error(error);
    g_assert_true(v2_question_init(question, execution, &place, &error));
    g_assert_no_error(error);
    ledger_index_release(index);
}

/* "20738-20740 2026-11-01;": days of each period, and its date. */
static char *periods_of(const struct v2_question *question)
{
    GString *text = g_string_new(NULL);
    g_assert_cmpuint(question->dates->len, ==, question->report.periods->len);
    for (guint i = 0; i < question->report.periods->len; i++) {
        const struct report_period *period = &g_array_index(question->report.periods, struct report_period, i);
        g_assert_cmpint(period->from_slot % KEYS_SLOTS_PER_DAY, ==, 0);
        g_assert_cmpint(period->to_slot % KEYS_SLOTS_PER_DAY, ==, 0);
        char first[CIVIL_TEXT_MAX], last[CIVIL_TEXT_MAX];
        civil_format_day(first, period->from_slot / KEYS_SLOTS_PER_DAY);
        civil_format_day(last, period->to_slot / KEYS_SLOTS_PER_DAY - 1);
        g_string_append_printf(text, "%s/%s %s;", first, last, (const char *)question->dates->pdata[i]);
    }
    return g_string_free(text, FALSE);
}

static void check(enum v2_kind kind, struct pin pin, const char *body, const char *periods, const char *about)
{
    struct v2_question question;
    struct v2_execution *execution = make(kind, NULL, NULL, NULL, body);
    execution->pin = pin;
    ask(&question, execution);
    g_autofree char *got = periods_of(&question);
    g_assert_cmpstr(got, ==, periods);
    g_assert_cmpstr(question.about->str, ==, about);
    v2_question_clear(&question);
    v2_execution_unref(execution);
}

/* 2026-11-21 is WORLD_DAY, a Saturday: OPEN is 11-16, a Monday, EMPTY 11-01, LATE 11-11, FIRST 10-12. */
#define ABOUT(interval, omitted, revisions)                                                                                     \
    "\"interval\":\"" interval "\",\"finalizedThrough\":\"2026-11-15\",\"omittedDays\":[" omitted "],\"revisions\":[" revisions \
    "],\"incompleteDays\":[]"
#define SECOND "{\"day\":\"2026-11-11\",\"revision\":2}"

static void test_periods(void)
{
    check(V2_ORGANIZATION_QUERY, newest, "{\"interval\":\"2026-11-14/2026-11-15\",\"granularity\":\"Day\"}",
          "2026-11-14/2026-11-14 2026-11-14T00:00:00Z;2026-11-15/2026-11-15 2026-11-15T00:00:00Z;",
          ABOUT("2026-11-14/2026-11-15", "", ""));
    check(V2_ORGANIZATION_JOB, newest, "{\"interval\":\"2026-11-05/2026-11-17\",\"granularity\":\"Week\"}",
          "2026-11-05/2026-11-08 2026-11-02;2026-11-09/2026-11-15 2026-11-09;2026-11-16/2026-11-17 2026-11-16;",
          ABOUT("2026-11-05/2026-11-17", "\"2026-11-16/2026-11-16\"", SECOND));
    check(V2_ORGANIZATION_JOB, newest, "{\"interval\":\"2026-10-30/2026-11-02\",\"granularity\":\"Month\"}",
          "2026-10-30/2026-10-31 2026-10-01;2026-11-01/2026-11-02 2026-11-01;", ABOUT("2026-10-30/2026-11-02", "", ""));
    check(V2_ORGANIZATION_JOB, newest, "{\"interval\":\"2026-11-01/2026-11-01\"}", "2026-11-01/2026-11-01 ;",
          ABOUT("2026-11-01/2026-11-01", "", ""));
}

/* Only what the ledger has is asked about; before it all is closed and empty, behind it nothing is closed. */
static void test_outside(void)
{
    check(V2_ORGANIZATION_JOB, newest, "{\"interval\":\"1000/2999\"}", "2026-10-12/2026-11-20 ;",
          ABOUT("1000-01-01/2999-12-31", "\"2026-11-16/2026-11-16\",\"2026-11-21/2999-12-31\"", SECOND));
    check(V2_ORGANIZATION_JOB, newest, "{\"interval\":\"2020/2021\",\"granularity\":\"Day\"}", "",
          ABOUT("2020-01-01/2021-12-31", "", ""));
    check(V2_ORGANIZATION_JOB, newest, "{\"interval\":\"2026-11-21/2026-12-31\"}", "",
          ABOUT("2026-11-21/2026-12-31", "\"2026-11-21/2026-12-31\"", ""));
    check(V2_ORGANIZATION_JOB, nothing, "{\"interval\":\"1000/2999\"}", "",
          "\"interval\":\"1000-01-01/2999-12-31\",\"finalizedThrough\":null,\"omittedDays\":[\"1000-01-01/2999-12-31\"],"
          "\"revisions\":[],\"incompleteDays\":[]");
}

/* The pin decides which revision is meant, whatever came later. */
static void test_pin(void)
{
    check(V2_ORGANIZATION_JOB, before_late, "{\"interval\":\"2026-11-11/2026-11-11\"}", "2026-11-11/2026-11-11 ;",
          ABOUT("2026-11-11/2026-11-11", "", ""));
    check(V2_ORGANIZATION_JOB, newest, "{\"interval\":\"2026-11-11/2026-11-11\"}", "2026-11-11/2026-11-11 ;",
          ABOUT("2026-11-11/2026-11-11", "", SECOND));
}

/* A ledger that is shorter than the pin says is not taken for an empty one. */
static void test_too_late(void)
{
    g_autoptr(GError) error = NULL;
    struct v2_question question;
    struct v2_execution *execution = make(V2_ORGANIZATION_QUERY, NULL, NULL, NULL, "{\"interval\":\"2020/2021\"}");
    struct ledger_index *index = ledger_cache_take(cache, reader, &error);
    const struct ledger_place place = {.reader = reader, .index = index};
    execution->pin.n = index->n + 1;
    g_assert_false(v2_question_init(&question, execution, &place, &error));
    g_assert_error(error, READER_ERROR, READER_ERROR_CHANGED);
    v2_question_clear(&question);
    ledger_index_release(index);
    v2_execution_unref(execution);
}

/* ---- filters ---- */

static char *names_of(const GPtrArray *names)
{
    if (names == NULL)
        return g_strdup("*");
    GString *text = g_string_new(NULL);
    for (guint i = 0; i < names->len; i++)
        g_string_append_printf(text, "%s,", (const char *)names->pdata[i]);
    return g_string_free(text, FALSE);
}

static void check_filter(struct v2_execution *execution, const char *clients, const char *organizations)
{
    struct v2_question question;
    ask(&question, execution);
    g_autofree char *got_clients = names_of(question.report.filter.names[0]);
    g_autofree char *got_organizations = names_of(question.report.filter.names[1]);
    g_assert_cmpstr(got_clients, ==, clients);
    g_assert_cmpstr(got_organizations, ==, organizations);
    v2_question_clear(&question);
    v2_execution_unref(execution);
}

/* Nothing that is asked widens what a caller may see. */
static void test_filters(void)
{
    const char *plain = "{\"interval\":\"2026/2026\"}", *some = "{\"interval\":\"2026/2026\",\"oauthClientIds\":[\"a\",\"b\"]}";
    const char *theirs = "{\"interval\":\"2026/2026\",\"organizationIds\":[\"acme\",\"globex\"]}";
    check_filter(make(V2_ORGANIZATION_QUERY, NULL, NULL, NULL, plain), "*", "*");
    check_filter(make(V2_ORGANIZATION_QUERY, "acme", NULL, NULL, plain), "*", "acme,");
    check_filter(make(V2_ORGANIZATION_QUERY, "acme", "a", NULL, plain), "a,", "acme,");
    check_filter(make(V2_ORGANIZATION_JOB, NULL, NULL, NULL, some), "a,b,", "*");
    check_filter(make(V2_ORGANIZATION_JOB, "acme", "a", NULL, some), "a,", "acme,");
    check_filter(make(V2_ORGANIZATION_JOB, "acme", "c", NULL, some), "", "acme,");
    check_filter(make(V2_CLIENT_JOB, NULL, NULL, "c", theirs), "c,", "acme,globex,");
    check_filter(make(V2_CLIENT_JOB, "globex", NULL, "c", theirs), "c,", "globex,");
    check_filter(make(V2_CLIENT_JOB, "other", NULL, "c", theirs), "c,", "");
    check_filter(make(V2_CLIENT_JOB, "acme", "a", "c", plain), "", "acme,");
}

static void test_named_clients(void)
{
    struct v2_execution *some = make(V2_SEARCH, "acme", NULL, NULL, "{\"interval\":\"2026/2026\",\"oauthClientNames\":[\"N\"]}");
    some->named_clients = g_ptr_array_new_with_free_func(g_free);
    g_ptr_array_add(some->named_clients, g_strdup("c-7"));
    check_filter(some, "c-7,", "acme,");
    struct v2_execution *none = make(V2_SEARCH, NULL, NULL, NULL, "{\"interval\":\"2026/2026\",\"oauthClientNames\":[\"N\"]}");
    none->named_clients = g_ptr_array_new_with_free_func(g_free);
    check_filter(none, "", "*");
}

int main(int argc, char **argv)
{
    g_autoptr(GError) error = NULL;
    g_test_init(&argc, &argv, NULL);
    world_set_up(&world);
    fill();
    const struct redis_settings settings = {world.server.url, 20000, 60000};
    reader = reader_new(&settings, 1);
    cache = ledger_cache_new();
    reader_begin(reader, g_get_monotonic_time() + 600 * G_TIME_SPAN_SECOND, &error);
    g_assert_no_error(error);
    g_test_add_func("/v2_question/periods", test_periods);
    g_test_add_func("/v2_question/outside", test_outside);
    g_test_add_func("/v2_question/pin", test_pin);
    g_test_add_func("/v2_question/too-late", test_too_late);
    g_test_add_func("/v2_question/filters", test_filters);
    g_test_add_func("/v2_question/named-clients", test_named_clients);
    int code = g_test_run();
    ledger_cache_free(cache);
    reader_free(reader);
    world_tear_down(&world);
    return code;
}
