#include "api/overview_route.h"

#include "api/answer.h"
#include "api/meters.h"
#include "api/overview_answer.h"
#include "api/overview_before.h"
#include "lib/keys.h"

#define TIMEFRAMES "1h|24h|7d|30d|90d|1y"
#define PARAMETERS "timeframe|organization|timeZone"

struct job {
    struct query query;
    const struct overview_route *route;
    struct usage_params params;
    int64_t began_us;
    GString *body;                    /* after QUERY_ANSWERED */
    char question[CALL_QUESTION_MAX]; /* to keep the answer under; "": it is not kept */
};

static void job_free(struct job *job)
{
    usage_params_clear(&job->params);
    query_clear(&job->query);
    g_string_free(job->body, TRUE);
    g_free(job);
}

/* ---- parameters ---- */

static bool check_timeframe(const struct usage_param *param, struct refusal *refusal)
{
    g_auto(GStrv) allowed = g_strsplit(TIMEFRAMES, "|", -1);
    for (char **timeframe = allowed; *timeframe != NULL; timeframe++)
        if (g_ascii_strcasecmp(*timeframe, param_value(param)) == 0)
            return true;
    return refusal_set_value(refusal, "INVALID_TIMEFRAME", "Invalid timeframe", param->name, param_value(param), TIMEFRAMES);
}

/* Three of Get Usage's. */
static bool parse(struct usage_params *params, const struct usage_param *given, size_t n, struct refusal *refusal)
{
    g_auto(GStrv) names = g_strsplit(PARAMETERS, "|", -1);
    for (size_t i = 0; i < n; i++) {
        if (!g_strv_contains((const char *const *)names, given[i].name))
            return param_refuse_unknown(&given[i], "UNKNOWN_PARAMETER", PARAMETERS, refusal);
        if (strcmp(given[i].name, "timeframe") == 0 && !check_timeframe(&given[i], refusal))
            return false;
    }
    if (!usage_params_parse(params, given, n, refusal))
        return false;
    params->granularity = CIVIL_DAY; /* never too many */
    return true;
}

static bool narrow(struct usage_params *params, const struct caller *caller, struct refusal *refusal)
{
    return call_narrow(&params->organization, caller->organization, "organization", refusal) &&
           call_narrow(&params->key, caller->client, "keyId", refusal);
}

/* ---- reading ---- */

struct reading {
    const struct job *job;
    struct reader *reader;
    struct registry_snapshot *registry;
    int64_t now_ms;
    struct live now;
    bool has_now;
    struct overview_before *before;
    struct alerts_list *alerts;
    struct system_state *system;
};

/* Such an organization is there, used or not. */
static bool is_known(const struct reading *reading)
{
    const char *organization = reading->job->params.organization;
    GHashTableIter iter;
    gpointer client;
    if (organization == NULL || reading->job->query.caller->organization != NULL ||
        registry_find_organization(reading->registry, organization) != NULL)
        return true;
    g_hash_table_iter_init(&iter, reading->registry->clients);
    while (g_hash_table_iter_next(&iter, NULL, &client))
        if (strcmp(((const struct registry_client *)client)->organization, organization) == 0)
            return true;
    return false;
}

static struct live_question question_of(const struct reading *reading, const struct window_range *range)
{
    const struct usage_params *params = &reading->job->params;
    return (struct live_question){
        .sources = reading->job->route->sources,
        .reader = reading->reader,
        .scope = {.organization = params->organization, .key = params->key},
        .range = range,
        .known = is_known(reading),
        .now_ms = reading->now_ms,
    };
}

/* The slots of Get Usage's window, but without minutes; and as many before it, to the nearest. */
static enum query_outcome read_usage(struct reading *reading, struct refusal *refusal, GError **error)
{
    struct window window;
    if (!window_init(&window, &reading->job->params, reading->now_ms, (struct window_extent){0, 0}, refusal))
        return QUERY_REFUSED;
    const struct tz *tz = reading->job->params.tz;
    int64_t length_ms = MAX(civil_align(window.to_ms - window.from_ms + KEYS_SLOT_MS / 2, KEYS_SLOT_MS), KEYS_SLOT_MS);
    const struct window_range now = {.from_ms = window.from_ms, .to_ms = window.to_ms, .unit = WINDOW_WHOLE, .tz = tz};
    const struct window_range before = {
        .from_ms = window.from_ms - length_ms, .to_ms = window.from_ms, .unit = WINDOW_WHOLE, .tz = tz};
    window_clear(&window);
    struct live_question question = question_of(reading, &now);
    enum live_outcome outcome = live_read(&reading->now, &question, refusal, error);
    reading->has_now = outcome == LIVE_ANSWERED;
    question.range = &before;
    if (reading->has_now)
        outcome = overview_before_take(&reading->before, &question, refusal, error);
    return outcome == LIVE_ANSWERED ? QUERY_ANSWERED : outcome == LIVE_REFUSED ? QUERY_REFUSED : QUERY_FAILED;
}

static bool read_rest(struct reading *reading, GError **error)
{
    const struct overview_route *route = reading->job->route;
    reading->alerts = alerts_cache_take(route->alerts, reading->reader, error);
    if (reading->alerts == NULL)
        return false;
    if (!caller_sees_all(reading->job->query.caller))
        return true;
    reading->system = system_state_look(reading->reader, &route->system, reading->now_ms, error);
    return reading->system != NULL;
}

static void write_answer(const struct reading *reading, GString *out)
{
    const struct overview overview = {
        .params = &reading->job->params,
        .caller = reading->job->query.caller,
        .now = &reading->now,
        .before = &reading->before->live,
        .registry = reading->registry,
        .alerts = reading->alerts,
        .system = reading->system,
        .now_ms = reading->now_ms,
    };
    g_string_truncate(out, 0);
    overview_answer_write(out, &overview);
}

static enum query_outcome read_overview(struct reader *reader, struct query *query, struct refusal *refusal, GError **error)
{
    struct job *job = (struct job *)(void *)query;
    struct reading reading = {.job = job,
                              .reader = reader,
                              .registry = registry_take(job->route->registry),
                              .now_ms = g_get_real_time() / G_TIME_SPAN_MILLISECOND};
    job->began_us = g_get_monotonic_time();
    enum query_outcome outcome = read_usage(&reading, refusal, error);
    if (outcome == QUERY_ANSWERED && !read_rest(&reading, error))
        outcome = QUERY_FAILED;
    if (outcome == QUERY_ANSWERED)
        write_answer(&reading, job->body);
    if (reading.has_now)
        live_clear(&reading.now);
    overview_before_release(reading.before);
    if (reading.alerts != NULL)
        alerts_list_release(reading.alerts);
    system_state_free(reading.system);
    registry_release(reading.registry);
    return outcome;
}

/* ---- the request ---- */

static void work(struct reader *reader, struct query *query)
{
    struct job *job = (struct job *)(void *)query;
    struct metrics *metrics = query->queries->metrics;
    struct refusal refusal = {0};
    if (query_run(reader, query, read_overview, &refusal) == QUERY_ANSWERED) {
        metrics_add(metrics, METER_QUERIES, NULL, 1);
        if (job->question[0] != '\0')
            hot_answers_put(query->queries->hot, job->question, view_make(job->body->str, job->body->len), job->began_us);
        answer_json(query->request, metrics, 200, job->body);
    } else {
        answer_refusal(query->request, metrics, &refusal);
    }
    job_free(job);
}

void overview_route_handle(const struct overview_route *route, struct call *call)
{
    struct call_params given;
    struct refusal refusal = {0};
    struct usage_params params;
    char question[CALL_QUESTION_MAX];
    call_get_params(call, &given);
    struct hot_answer *answer = call_take_hot(call, &given, "", route->queries->hot, question);
    if (answer != NULL) {
        answer_hot_json(call->request, route->queries->metrics, answer);
        return;
    }
    if (!parse(&params, given.list, given.n, &refusal)) {
        answer_refusal(call->request, route->queries->metrics, &refusal);
        return;
    }
    if (!narrow(&params, call->caller, &refusal)) {
        usage_params_clear(&params);
        call_refuse(call, route->queries->metrics, &refusal);
        return;
    }
    struct job *job = g_new0(struct job, 1);
    *job = (struct job){.query = query_make(call, route->queries, work), .route = route, .params = params};
    job->query.heavy = params.timeframe >= USAGE_90D;
    job->body = g_string_sized_new(16384);
    g_strlcpy(job->question, question, sizeof job->question);
    if (!query_submit(&job->query))
        job_free(job);
}
