#include "api/stats_route.h"

#include "api/answer.h"
#include "api/meters.h"
#include "api/stats_answer.h"
#include "api/stats_range.h"
#include "lib/keys.h"

struct job {
    struct query query;
    const struct stats_route *route;
    struct stats_params params;
    char *organization; /* the service's id, or what the caller sees; NULL: all of them together */
    char *application;  /* its id; NULL: it is about a service */
    bool is_csv;
    GString *body;
};

static void job_free(struct job *job)
{
    query_clear(&job->query);
    stats_params_clear(&job->params);
    g_free(job->organization);
    g_free(job->application);
    g_string_free(job->body, TRUE);
    g_free(job);
}

/* ---- what is asked about ---- */

static bool refuse_metric(const struct job *job, const struct registry_snapshot *registry, struct refusal *refusal)
{
    enum { NAMES_MAX = 100 };
    g_autoptr(GPtrArray) methods = registry_list_methods(registry, job->organization);
    g_autoptr(GString) names = g_string_new(METHOD_HITS);
    for (guint i = 0; i < methods->len && i < NAMES_MAX; i++)
        g_string_append_printf(names, "|%s", ((const struct method *)g_ptr_array_index(methods, i))->name);
    g_string_append(names, "|one route as METHOD, a blank and the template (GET /v1/orders/{id})");
    g_autofree char *start = g_strndup(job->params.metric, METHOD_NAME_MAX), *name = g_utf8_make_valid(start, -1);
    refusal_set(refusal, 400, "INVALID_PARAMETER", "metric %s not found", name);
    refusal->field = g_strdup("metric_name");
    refusal->value = g_steal_pointer(&name);
    refusal->allowed = g_strsplit(names->str, "|", -1);
    return false;
}

static bool has_client_of(const struct registry_snapshot *registry, const char *organization)
{
    GHashTableIter iter;
    void *value;
    g_hash_table_iter_init(&iter, registry->clients);
    while (g_hash_table_iter_next(&iter, NULL, &value))
        if (strcmp(((const struct registry_client *)value)->organization, organization) == 0)
            return true;
    return false;
}

/* It exists, whether it was ever used or not. */
static bool is_known(const struct job *job, const struct registry_snapshot *registry)
{
    const struct caller *caller = job->query.caller;
    if (job->application == NULL)
        return caller->organization != NULL || job->organization == NULL || has_client_of(registry, job->organization);
    if (caller->client != NULL)
        return true;
    return job->organization != NULL ? registry_find_client(registry, job->organization, job->application) != NULL
                                     : registry_find_clients(registry, job->application) != NULL;
}

/* Whose client the application is, where the caller sees all: as registered, else as counted; NULL if that does not say. */
static char *find_organization(const struct job *job, const struct registry_snapshot *registry, const struct live *live)
{
    const GPtrArray *same = registry_find_clients(registry, job->application);
    GHashTableIter iter;
    void *name;
    if (same != NULL)
        return same->len == 1 ? g_strdup(((const struct registry_client *)g_ptr_array_index(same, 0))->organization) : NULL;
    if (g_hash_table_size(live->table->clients) != 1)
        return NULL;
    g_hash_table_iter_init(&iter, live->table->clients);
    g_hash_table_iter_next(&iter, &name, NULL);
    return g_strndup(name, strcspn(name, (const char[]){KEYS_CLIENT_SEPARATOR, '\0'}));
}

/* ---- reading ---- */

struct reading {
    const struct job *job;
    struct registry_snapshot *registry;
    const struct method *method; /* NULL: all requests */
    struct method *route;        /* one that was asked for in place of a method; NULL: none */
    struct stats_range range;
    struct live_question question;
    struct live live, before;
    bool has_live, has_before;
};

static bool choose_metric(struct reading *reading, struct refusal *refusal)
{
    const char *metric = reading->job->params.metric;
    if (metric == NULL || g_ascii_strcasecmp(metric, METHOD_HITS) == 0)
        return true;
    reading->method = registry_find_method(reading->registry, reading->job->organization, metric);
    g_autofree char *route = reading->method == NULL ? endpoints_name(metric) : NULL;
    if (route != NULL)
        reading->method = reading->route = method_new_exact(route);
    return reading->method != NULL || refuse_metric(reading->job, reading->registry, refusal);
}

static enum query_outcome refuse_missing(const struct job *job, struct refusal *refusal)
{
    refusal_clear(refusal);
    refusal_set(refusal, 404, "NOT_FOUND", "%s not found", job->application != NULL ? "Application" : "Service");
    return QUERY_REFUSED;
}

static enum query_outcome outcome_of(const struct reading *reading, enum live_outcome outcome, struct refusal *refusal)
{
    if (outcome == LIVE_ANSWERED)
        return QUERY_ANSWERED;
    if (outcome == LIVE_FAILED)
        return QUERY_FAILED;
    return refusal->status == 404 ? refuse_missing(reading->job, refusal) : QUERY_REFUSED;
}

/* Only its total is wanted. */
static enum query_outcome read_before(struct reading *reading, struct refusal *refusal, GError **error)
{
    const struct window_range range = {
        .from_ms = reading->range.before_ms,
        .to_ms = reading->range.window.from_ms,
        .unit = WINDOW_WHOLE,
        .tz = reading->job->params.tz,
    };
    if (!reading->job->params.with_change || range.from_ms >= range.to_ms)
        return QUERY_ANSWERED;
    struct live_question question = reading->question;
    question.range = &range;
    question.known = true;
    enum query_outcome outcome = outcome_of(reading, live_read(&reading->before, &question, refusal, error), refusal);
    reading->has_before = outcome == QUERY_ANSWERED;
    return outcome;
}

static enum query_outcome read_both(struct reading *reading, struct reader *reader, struct refusal *refusal, GError **error)
{
    const struct job *job = reading->job;
    int64_t now_ms = g_get_real_time() / G_TIME_SPAN_MILLISECOND;
    if (!choose_metric(reading, refusal) || !stats_range_init(&reading->range, &job->params, now_ms, refusal))
        return QUERY_REFUSED;
    reading->question = (struct live_question){
        .sources = job->route->sources,
        .reader = reader,
        .scope = {job->organization, job->application, reading->method != NULL ? reading->method->endpoints : NULL},
        .range = &reading->range.window,
        .known = is_known(job, reading->registry),
        .now_ms = now_ms,
    };
    enum query_outcome outcome = outcome_of(reading, live_read(&reading->live, &reading->question, refusal, error), refusal);
    reading->has_live = outcome == QUERY_ANSWERED;
    return outcome == QUERY_ANSWERED ? read_before(reading, refusal, error) : outcome;
}

static void write_answer(const struct reading *reading, GString *out)
{
    const struct job *job = reading->job;
    g_autoptr(GPtrArray) methods = registry_list_methods(reading->registry, job->organization);
    g_autofree char *organization = job->organization != NULL || job->application == NULL
                                        ? g_strdup(job->organization)
                                        : find_organization(job, reading->registry, &reading->live);
    const struct stats_answer answer = {
        .params = &job->params,
        .live = &reading->live,
        .registry = reading->registry,
        .organization = organization,
        .application = job->application,
        .method = reading->method,
        .methods = methods,
        .before = reading->has_before ? &reading->before : NULL,
    };
    if (job->is_csv)
        stats_answer_csv(out, &answer);
    else
        stats_answer_json(out, &answer);
}

static enum query_outcome read_stats(struct reader *reader, struct query *query, struct refusal *refusal, GError **error)
{
    struct job *job = (struct job *)(void *)query;
    struct reading reading = {.job = job, .registry = registry_take(job->route->registry)};
    enum query_outcome outcome = read_both(&reading, reader, refusal, error);
    g_string_truncate(job->body, 0);
    if (outcome == QUERY_ANSWERED)
        write_answer(&reading, job->body);
    if (reading.has_live)
        live_clear(&reading.live);
    if (reading.has_before)
        live_clear(&reading.before);
    method_free(reading.route);
    registry_release(reading.registry);
    return outcome;
}

/* ---- the request ---- */

static const char *name_of(enum stats_kind kind)
{
    static const char *const names[STATS_KIND_N] = {
        [STATS_USAGE] = "usage",     [STATS_CODES] = "usage-response-code", [STATS_TOP] = "top-applications",
        [STATS_SUMMARY] = "summary", [STATS_DAILY] = "daily-averages",      [STATS_HOURLY] = "hourly-averages",
    };
    return names[kind];
}

static void send_csv(const struct job *job, struct metrics *metrics)
{
    g_autofree char *file = g_strdup_printf("attachment; filename=\"%s.csv\"", name_of(job->params.kind));
    http_response_header(job->query.request, "Content-Disposition", file);
    answer_text(job->query.request, metrics, 200, "text/csv; charset=utf-8; header=present", job->body->str);
}

static void work(struct reader *reader, struct query *query)
{
    struct job *job = (struct job *)(void *)query;
    struct metrics *metrics = query->queries->metrics;
    struct refusal refusal = {0};
    if (query_run(reader, query, read_stats, &refusal) != QUERY_ANSWERED) {
        answer_refusal(query->request, metrics, &refusal);
    } else {
        metrics_add(metrics, METER_QUERIES, NULL, 1);
        if (job->is_csv)
            send_csv(job, metrics);
        else
            answer_json(query->request, metrics, 200, job->body);
    }
    job_free(job);
}

static bool refuse_other(const char *what, const char *own, struct refusal *refusal)
{
    return refusal_set(refusal, 403, "FORBIDDEN", "Forbidden: this token may only see %s '%s'.", what, own);
}

static bool check_caller(const struct caller *caller, const char *organization, const char *application, struct refusal *refusal)
{
    if (caller->client != NULL && g_strcmp0(application, caller->client) != 0)
        return refuse_other("application", caller->client, refusal);
    if (application == NULL && caller->organization != NULL && strcmp(organization, caller->organization) != 0)
        return refuse_other("service", caller->organization, refusal);
    return true;
}

static bool choose_format(const char *format, bool *is_csv, struct refusal *refusal)
{
    *is_csv = strcmp(format, "csv") == 0;
    return *is_csv || strcmp(format, "json") == 0 ||
           refusal_set(refusal, 404, "NOT_FOUND", "There is no format %s, only json and csv.", format);
}

static void handle(const struct stats_route *route, enum stats_kind kind, struct call *call, const char *organization,
                   const char *application)
{
    struct call_params given;
    struct refusal refusal = {0};
    struct stats_params params;
    bool is_csv;
    if (!check_caller(call->caller, organization, application, &refusal)) {
        call_refuse(call, route->queries->metrics, &refusal);
        return;
    }
    call_get_params(call, &given);
    if (!choose_format(call->parts[1], &is_csv, &refusal) ||
        !stats_params_parse(&params, kind, application != NULL, given.list, given.n, &refusal)) {
        answer_refusal(call->request, route->queries->metrics, &refusal);
        return;
    }
    if (!call_narrow(&params.organization, call->caller->organization, "organization", &refusal)) {
        stats_params_clear(&params);
        call_refuse(call, route->queries->metrics, &refusal);
        return;
    }
    struct job *job = g_new0(struct job, 1);
    *job = (struct job){.query = query_make(call, route->queries, work), .route = route, .params = params, .is_csv = is_csv};
    bool is_all = g_strcmp0(organization, STATS_ALL_SERVICES) == 0 && call->caller->organization == NULL;
    job->organization = is_all ? NULL : g_strdup(organization != NULL ? organization : params.organization);
    job->application = g_strdup(application);
    job->body = g_string_new(NULL);
    if (!query_submit(&job->query))
        job_free(job);
}

void stats_service_handle(const struct stats_route *route, enum stats_kind kind, struct call *call)
{
    handle(route, kind, call, call->parts[0], NULL);
}

void stats_application_handle(const struct stats_route *route, enum stats_kind kind, struct call *call)
{
    handle(route, kind, call, NULL, call->parts[0]);
}
