#include "collector/intake.h"
#include "collector/settings.h"

#define NOW INT64_C(1763719200123) /* 2025-11-21T10:00:00.123Z */
#define DAY INT64_C(86400000)

static struct intake *make(const char *const *sets)
{
    GError *error = NULL;
    struct config *config = config_load(&collector_settings, NULL, sets, NULL, &error);
    g_assert_no_error(error);
    struct intake *intake = intake_new(config, &error);
    g_assert_no_error(error);
    config_free(config);
    return intake;
}

static struct raw_event right_event(void)
{
    return (struct raw_event){.method = view_of("GET"), .route = view_of("/v1/orders/{id}"), .has_status = true, .status = 200};
}

struct fixture {
    struct intake *intake;
    struct submission *submission;
    struct raw_event raw;
    struct intake_refusal refusal;
};

static void set_up(struct fixture *f, gconstpointer sets)
{
    f->intake = make(sets);
    f->submission = submission_new();
    f->raw = right_event();
}

static void tear_down(struct fixture *f, gconstpointer sets)
{
    (void)sets;
    intake_free(f->intake);
    submission_free(f->submission);
}

static enum intake_verdict judge(struct fixture *f)
{
    memset(&f->refusal, 0, sizeof f->refusal);
    return intake_judge(f->intake, &f->raw, NOW, true, f->submission, &f->refusal);
}

static void expect_refused(struct fixture *f, enum intake_reason reason, const char *words)
{
    guint before = f->submission->events->len;
    g_assert_cmpint(judge(f), ==, INTAKE_REJECTED);
    g_test_message("%s", f->refusal.message);
    g_assert_cmpstr(intake_reason_word(f->refusal.reason), ==, intake_reason_word(reason));
    g_assert_nonnull(strstr(f->refusal.message, words));
    g_assert_true(g_str_has_suffix(f->refusal.message, "."));
    g_assert_true(g_utf8_validate(f->refusal.message, -1, NULL));
    g_assert_cmpuint(f->submission->events->len, ==, before);
    f->raw = right_event();
}

static const struct event *expect_accepted(struct fixture *f)
{
    guint before = f->submission->events->len;
    if (judge(f) != INTAKE_ACCEPTED)
        g_error("refused: %s", f->refusal.message);
    g_assert_cmpuint(f->submission->events->len, ==, before + 1);
    f->raw = right_event();
    return &g_array_index(f->submission->events, struct event, before);
}

static void expect_view(struct view found, const char *wanted)
{
    g_autofree char *text = g_strndup(found.size ? found.data : "", found.size);
    g_assert_cmpstr(text, ==, wanted);
}

static void test_defaults(struct fixture *f, gconstpointer sets)
{
    (void)sets;
    const struct event *event = expect_accepted(f);
    expect_view(event->organization, "acme");
    expect_view(event->client, "-");
    expect_view(event->user, "");
    expect_view(event->method, "GET");
    expect_view(event->route, "/v1/orders/{id}");
    expect_view(event->platform, "");
    expect_view(event->id, "");
    g_assert_cmpint(event->time_ms, ==, NOW);
    g_assert_cmpuint(event->status, ==, 200);
    g_assert_cmpuint(event->latency_us + event->request_bytes + event->response_bytes, ==, 0);
}

/* What is kept is a copy: the input's own bytes may go. */
static void test_everything(struct fixture *f, gconstpointer sets)
{
    char texts[7][16] = {"org", "client", "user", "get", "/r/{x}?q=1", "ios", "id-1"};
    (void)sets;
    for (int i = 0; i < 3; i++) {
        f->raw = (struct raw_event){.has_time = true,
                                    .time_ms = NOW - 1 - i,
                                    .organization = view_of(texts[0]),
                                    .client = view_of(texts[1]),
                                    .user = view_of(texts[2]),
                                    .method = view_of(texts[3]),
                                    .route = view_of(texts[4]),
                                    .platform = view_of(texts[5]),
                                    .id = view_of(texts[6]),
                                    .has_status = true,
                                    .status = 599,
                                    .latency_us = EVENT_LATENCY_MAX_US,
                                    .request_bytes = EVENT_BYTES_MAX,
                                    .response_bytes = 1};
        expect_accepted(f);
    }
    memset(texts, 'x', sizeof texts);
    for (guint i = 0; i < 3; i++) {
        const struct event *event = &g_array_index(f->submission->events, struct event, i);
        expect_view(event->organization, "org");
        expect_view(event->client, "client");
        expect_view(event->user, "user");
        expect_view(event->method, "GET");
        expect_view(event->route, "/r/{x}");
        expect_view(event->platform, "ios");
        expect_view(event->id, "id-1");
        g_assert_cmpint(event->time_ms, ==, NOW - 1 - (int)i);
        g_assert_cmpuint(event->status, ==, 599);
        g_assert_cmpuint(event->latency_us, ==, EVENT_LATENCY_MAX_US);
        g_assert_cmpuint(event->request_bytes, ==, EVENT_BYTES_MAX);
        g_assert_cmpuint(event->response_bytes, ==, 1);
    }
}

static void test_method(struct fixture *f, gconstpointer sets)
{
    (void)sets;
    f->raw.method = view_of("");
    expect_refused(f, INTAKE_MISSING_FIELD, "method");
    f->raw.method = view_of("GE T");
    expect_refused(f, INTAKE_INVALID_TEXT, "method is 'GE T'");
    f->raw.method = view_of("GÉT");
    expect_refused(f, INTAKE_INVALID_TEXT, "method is 'GÉT'");
    f->raw.method = view_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456");
    expect_refused(f, INTAKE_TOO_LONG, "at most 32");
    f->raw.method = view_of("m-search_2");
    expect_view(expect_accepted(f)->method, "M-SEARCH_2");
}

static void test_status(struct fixture *f, gconstpointer sets)
{
    static const int64_t wrong[] = {0, -1, 99, 600, 1000, INT64_MAX, INT64_MIN};
    (void)sets;
    f->raw.has_status = false;
    expect_refused(f, INTAKE_MISSING_FIELD, "status");
    for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++) {
        f->raw.status = wrong[i];
        g_autofree char *shown =
            g_strdup_printf("status is '%" G_GINT64_FORMAT "'; allowed: an integer from 100 to 599.", wrong[i]);
        expect_refused(f, INTAKE_OUT_OF_RANGE, shown);
    }
    f->raw.status = 100;
    expect_accepted(f);
}

static void test_texts(struct fixture *f, gconstpointer sets)
{
    g_autofree char *longest = g_strnfill(EVENT_NAME_MAX, 'x'), *longer = g_strnfill(EVENT_NAME_MAX + 1, 'x');
    struct view *texts[] = {&f->raw.organization, &f->raw.client, &f->raw.user, &f->raw.platform, &f->raw.id};
    static const char *const names[] = {"organization", "client", "user", "platform", "id"};
    (void)sets;
    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
        *texts[i] = view_of(longest);
        expect_accepted(f);
        *texts[i] = view_of(longer);
        expect_refused(f, INTAKE_TOO_LONG, names[i]);
        *texts[i] = view_of("a\nb");
        expect_refused(f, INTAKE_INVALID_TEXT, names[i]);
        *texts[i] = view_make("a\0b", 3);
        expect_refused(f, INTAKE_INVALID_TEXT, "is 'a?b'");
        *texts[i] = view_of("\xff");
        expect_refused(f, INTAKE_INVALID_TEXT, names[i]);
        *texts[i] = view_of("Zoë 日本");
        expect_accepted(f);
    }
    f->raw.user_agent = view_of("a\tb");
    expect_refused(f, INTAKE_INVALID_TEXT, "userAgent");
    f->raw.source = view_of("\x7f");
    expect_refused(f, INTAKE_INVALID_TEXT, "source");
    g_autofree char *huge = g_strnfill(INTAKE_TEXT_MAX + 1, 'x');
    f->raw.user_agent = view_of(huge);
    expect_refused(f, INTAKE_TOO_LONG, "8192");
    f->raw.source = view_of(huge);
    expect_refused(f, INTAKE_TOO_LONG, "8192");
    f->raw.path = view_of(huge);
    expect_refused(f, INTAKE_TOO_LONG, "path");
}

static void test_numbers(struct fixture *f, gconstpointer sets)
{
    (void)sets;
    f->raw.latency_us = EVENT_LATENCY_MAX_US + 1;
    expect_refused(f, INTAKE_OUT_OF_RANGE, "latencyMs");
    f->raw.latency_us = UINT64_MAX;
    expect_refused(f, INTAKE_OUT_OF_RANGE, "latencyMs");
    f->raw.request_bytes = EVENT_BYTES_MAX + 1;
    expect_refused(f, INTAKE_OUT_OF_RANGE, "requestBytes is '17592186044417'; allowed: 0 to 17592186044416.");
    f->raw.response_bytes = UINT64_MAX;
    expect_refused(f, INTAKE_OUT_OF_RANGE, "responseBytes");
}

static void test_routes(struct fixture *f, gconstpointer sets)
{
    g_autofree char *longest = g_strnfill(EVENT_ROUTE_MAX, '/'), *longer = g_strnfill(EVENT_ROUTE_MAX + 1, '/');
    (void)sets;
    f->raw.route = view_of("");
    expect_refused(f, INTAKE_MISSING_FIELD, "route");
    f->raw.route = view_of("v1/orders");
    expect_refused(f, INTAKE_INVALID_TEXT, "begins with '/'");
    f->raw.route = view_of("/a\nb");
    expect_refused(f, INTAKE_INVALID_TEXT, "route");
    f->raw.route = view_of(longer);
    expect_refused(f, INTAKE_TOO_LONG, "1024");
    f->raw.route = view_of(longest);
    g_assert_cmpuint(expect_accepted(f)->route.size, ==, EVENT_ROUTE_MAX);
    f->raw.route = view_of("{unmatched}");
    expect_view(expect_accepted(f)->route, "{unmatched}");
    f->raw.path = view_of("/v1/orders/17"); /* the event's own route wins */
    expect_view(expect_accepted(f)->route, "/v1/orders/{id}");
    f->raw.route = view_of("");
    f->raw.path = view_of("/v1/orders/17?secret=1");
    expect_view(expect_accepted(f)->route, "/v1/orders/{n}");
    f->raw.route = view_of("");
    f->raw.path = view_of("/w/17");
    expect_view(expect_accepted(f)->route, "/w/{id}"); /* configured */
    f->raw.route = view_of("");
    f->raw.path = view_of("/wp-login.php");
    f->raw.status = 404;
    expect_view(expect_accepted(f)->route, "{unmatched}");
    f->raw.route = view_of("");
    f->raw.path = view_of("*");
    expect_view(expect_accepted(f)->route, "{unmatched}");
    f->raw.route = view_of("");
    f->raw.path = view_of("v1");
    expect_refused(f, INTAKE_INVALID_TEXT, "path is 'v1'");
    f->raw.path = view_of("/\xff"); /* also where it is not needed */
    expect_refused(f, INTAKE_INVALID_TEXT, "path");
}

static void test_times(struct fixture *f, gconstpointer sets)
{
    (void)sets;
    f->raw.has_time = true;
    f->raw.time_ms = NOW - 35 * DAY;
    g_assert_cmpint(expect_accepted(f)->time_ms, ==, NOW - 35 * DAY);
    f->raw.has_time = true;
    f->raw.time_ms = NOW - 35 * DAY - 1;
    expect_refused(f, INTAKE_TOO_OLD, "35 days");
    f->raw.has_time = true;
    f->raw.time_ms = NOW + 600000;
    expect_accepted(f);
    f->raw.has_time = true;
    f->raw.time_ms = NOW + 600001;
    expect_refused(f, INTAKE_IN_FUTURE, "600 s");
    f->raw.has_time = true;
    f->raw.time_ms = NOW / 1000;
    expect_refused(f, INTAKE_TOO_OLD, "looks like seconds");
    f->raw.has_time = true;
    f->raw.time_ms = -1;
    expect_refused(f, INTAKE_INVALID_TIME, "1970");
    f->raw.has_time = true;
    f->raw.time_ms = INTAKE_TIME_MAX_MS + 1;
    expect_refused(f, INTAKE_INVALID_TIME, "2199");
    /* Imports take any age, but no impossible time. */
    f->raw.has_time = true;
    f->raw.time_ms = 0;
    g_assert_cmpint(intake_judge(f->intake, &f->raw, NOW, false, f->submission, &f->refusal), ==, INTAKE_ACCEPTED);
    f->raw.time_ms = INTAKE_TIME_MAX_MS;
    g_assert_cmpint(intake_judge(f->intake, &f->raw, NOW, false, f->submission, &f->refusal), ==, INTAKE_ACCEPTED);
    f->raw.time_ms = INT64_MAX;
    g_assert_cmpint(intake_judge(f->intake, &f->raw, NOW, false, f->submission, &f->refusal), ==, INTAKE_REJECTED);
}

static void test_no_age_limit(struct fixture *f, gconstpointer sets)
{
    (void)sets;
    f->raw.has_time = true;
    f->raw.time_ms = 1;
    expect_accepted(f);
    f->raw.has_time = true;
    f->raw.time_ms = NOW + 1;
    expect_refused(f, INTAKE_IN_FUTURE, "0 s");
}

static void test_exclusion(struct fixture *f, gconstpointer sets)
{
    (void)sets;
    f->raw.route = view_of("/healthz");
    g_assert_cmpint(judge(f), ==, INTAKE_EXCLUDED);
    f->raw.status = 1; /* a wrong event is wrong whatever its route */
    expect_refused(f, INTAKE_OUT_OF_RANGE, "status");
    f->raw.user = view_of("robot"); /* identity comes first */
    g_assert_cmpint(judge(f), ==, INTAKE_EXCLUDED);
    f->raw.client = view_of("c-1");
    expect_accepted(f);
    f->raw.user_agent = view_of("ELB-HealthChecker/2.0");
    g_assert_cmpint(judge(f), ==, INTAKE_EXCLUDED);
    f->raw.user_agent = view_of("curl");
    f->raw.source = view_of("10.1.2.3");
    g_assert_cmpint(judge(f), ==, INTAKE_EXCLUDED);
    g_assert_cmpuint(f->submission->events->len, ==, 1);
}

static void test_books(struct fixture *f, gconstpointer sets)
{
    struct intake_tally tally = {.accepted = 3, .excluded = 1, .rejected = {[INTAKE_MALFORMED] = 2, [INTAKE_IN_FUTURE] = 5}},
                        totals;
    (void)sets;
    intake_totals(f->intake, &totals);
    g_assert_cmpuint(totals.accepted + totals.excluded, ==, 0);
    intake_count(f->intake, &tally);
    intake_count(f->intake, &tally);
    intake_totals(f->intake, &totals);
    g_assert_cmpuint(totals.accepted, ==, 6);
    g_assert_cmpuint(totals.excluded, ==, 2);
    g_assert_cmpuint(totals.rejected[INTAKE_MALFORMED], ==, 4);
    g_assert_cmpuint(totals.rejected[INTAKE_IN_FUTURE], ==, 10);
    g_assert_cmpuint(totals.rejected[INTAKE_TOO_OLD], ==, 0);
}

static void digest_of(const char *set, uint8_t digest[32])
{
    const char *const sets[] = {set, NULL};
    struct intake *intake = make(sets);
    intake_rules_digest(intake, digest);
    intake_free(intake);
}

static void test_digest(void)
{
    static const char *const different[] = {NULL,
                                            "input.organization=acme",
                                            "client.fields=user",
                                            "client.fields=user;client",
                                            "route.templates=GET /a",
                                            "route.templates=GET /a;GET /b",
                                            "exclude.clients=a",
                                            "exclude.clients=a;b",
                                            "exclude.routes=a",
                                            "exclude.user_agents=a",
                                            "exclude.sources=a"};
    uint8_t digests[G_N_ELEMENTS(different)][32], again[32];
    for (size_t i = 0; i < G_N_ELEMENTS(different); i++) {
        digest_of(different[i], digests[i]);
        for (size_t k = 0; k < i; k++)
            g_assert_true(memcmp(digests[i], digests[k], 32) != 0);
    }
    digest_of("input.max_age_days=7", again); /* changes what is taken, not what it becomes */
    g_assert_true(memcmp(again, digests[0], 32) == 0);
    digest_of("route.templates=GET /b;GET /a", again);
    g_assert_true(memcmp(again, digests[5], 32) == 0);
}

static void test_wrong_settings(void)
{
    static const char *const wrong[][2] = {{"client.fields=ip", "client.fields"},
                                           {"route.templates=GET a", "route.templates"},
                                           {"route.file=/nonexistent", "/nonexistent"},
                                           {"exclude.routes=*a*b*c*d*e*f*g*h*i*j*k*l*m*n*o*p*q", "exclude.routes"},
                                           {"input.organization=a\tb", "input.organization"}};
    for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++) {
        const char *const sets[] = {wrong[i][0], NULL};
        GError *error = NULL;
        struct config *config = config_load(&collector_settings, NULL, sets, NULL, &error);
        g_assert_no_error(error);
        g_assert_null(intake_new(config, &error));
        g_assert_nonnull(strstr(error->message, wrong[i][1]));
        g_clear_error(&error);
        config_free(config);
    }
}

/* What is listed says why, and nothing of what was sent but words. */
static void test_listed(struct fixture *f, gconstpointer sets)
{
    static const struct {
        const char *method, *message;
        int64_t status;
    } cases[] = {
        {"hunter2 hunter2", "method is a text; allowed: letters, digits, '-' and '_'.", 200},
        {"", "method is missing; needed: method, status, and route or path.", 200},
        {"GET", "status is a number; allowed: an integer from 100 to 599.", 99},
    };
    (void)sets;
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        f->raw = right_event();
        f->raw.method = view_of(cases[i].method);
        f->raw.status = cases[i].status;
        g_assert_cmpint(judge(f), ==, INTAKE_REJECTED);
        intake_list(f->submission, intake_reason_word(f->refusal.reason), &f->refusal, NOW, view_of("{\"client\":\"hunter2\"}"));
        const struct rejection *listed = rejections_get(f->submission->rejections, i);
        g_assert_true(view_is(listed->message, cases[i].message));
        g_assert_true(view_is(listed->sample, "{\"client\":\"(7)\"}"));
        g_assert_true(view_is(listed->reason, intake_reason_word(f->refusal.reason)));
        g_assert_cmpint(listed->time_ms, ==, NOW);
    }
    struct intake_refusal refusal;
    static const char *const names[] = {"methd", "x-4eC39HqLyjWDarjtT1zdp7dc"};
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        intake_refuse_name(&refusal, INTAKE_UNKNOWN_FIELD, view_of(names[i]), "no field.");
        g_assert_nonnull(strstr(refusal.message, names[i]));
        intake_list(f->submission, "unknown_field", &refusal, NOW, view_of("{}"));
        g_assert_true(
            view_is(rejections_get(f->submission->rejections, 3 + i)->message, i ? "a text is no field." : "'methd' is no field."));
    }
}

int main(int argc, char **argv)
{
    static const char *const plain[] = {"input.organization=acme", "route.templates=GET /w/{id}", NULL};
    static const char *const no_limit[] = {"input.max_age_days=0", "input.max_ahead_s=0", NULL};
    static const char *const rules[] = {"client.fields=client;user", "exclude.clients=robot", "exclude.routes=GET /health*",
                                        "exclude.user_agents=elb-*", "exclude.sources=10.*",  NULL};
    g_test_init(&argc, &argv, NULL);
    g_test_add("/intake/defaults", struct fixture, plain, set_up, test_defaults, tear_down);
    g_test_add("/intake/listed", struct fixture, plain, set_up, test_listed, tear_down);
    g_test_add("/intake/everything", struct fixture, plain, set_up, test_everything, tear_down);
    g_test_add("/intake/method", struct fixture, plain, set_up, test_method, tear_down);
    g_test_add("/intake/status", struct fixture, plain, set_up, test_status, tear_down);
    g_test_add("/intake/texts", struct fixture, plain, set_up, test_texts, tear_down);
    g_test_add("/intake/numbers", struct fixture, plain, set_up, test_numbers, tear_down);
    g_test_add("/intake/routes", struct fixture, plain, set_up, test_routes, tear_down);
    g_test_add("/intake/times", struct fixture, plain, set_up, test_times, tear_down);
    g_test_add("/intake/no_age_limit", struct fixture, no_limit, set_up, test_no_age_limit, tear_down);
    g_test_add("/intake/exclusion", struct fixture, rules, set_up, test_exclusion, tear_down);
    g_test_add("/intake/books", struct fixture, plain, set_up, test_books, tear_down);
    g_test_add_func("/intake/digest", test_digest);
    g_test_add_func("/intake/wrong_settings", test_wrong_settings);
    return g_test_run();
}
