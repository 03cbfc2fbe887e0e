#include "api/alerts_route.h"

#include "api/admin_body.h"
#include "api/alerts_params.h"
#include "api/answer.h"
#include "api/meters.h"

struct job {
    struct query query;
    const struct alerts_route *route;
    struct call_params given;
    struct alerts_params params;
    bool has_state;
    enum alert_state state; /* to set */
    char id[CALL_PART_MAX]; /* "": of all that the filters have */
    GString *body;          /* after QUERY_ANSWERED */
};

static void job_free(struct job *job)
{
    g_string_free(job->body, TRUE);
    query_clear(&job->query);
    g_free(job);
}

/* ---- many ---- */

static void write_list(struct job *job, const GPtrArray *page, uint64_t total, uint64_t unread, bool more)
{
    struct writer writer;
    writer_init(&writer, job->body);
    writer_begin(&writer, NULL, '{');
    writer_begin(&writer, "entities", '[');
    for (guint i = 0; i < page->len; i++)
        alert_write(&writer, NULL, g_ptr_array_index((GPtrArray *)(uintptr_t)page, i));
    writer_end(&writer, ']');
    writer_count(&writer, "total", total);
    writer_count(&writer, "unread", unread);
    if (more) {
        g_autofree char *next =
            alerts_params_next(job->given.list, job->given.n, g_ptr_array_index((GPtrArray *)(uintptr_t)page, page->len - 1));
        writer_text(&writer, "nextUri", view_of(next));
    }
    writer_end(&writer, '}');
}

static enum query_outcome answer_list(struct job *job, const struct alerts_list *list)
{
    uint64_t total = 0, unread = 0;
    bool more = false;
    g_autoptr(GPtrArray) page = g_ptr_array_new();
    for (guint i = 0; i < list->all->len; i++) {
        struct alert *alert = g_ptr_array_index(list->all, i);
        if (!alerts_filter_has(&job->params.filter, alert))
            continue;
        total++;
        unread += alert->state == ALERT_UNREAD;
        if (!alerts_params_is_after(&job->params, alert))
            continue;
        more |= page->len == job->params.page_size;
        if (page->len < job->params.page_size)
            g_ptr_array_add(page, alert);
    }
    write_list(job, page, total, unread, more);
    return QUERY_ANSWERED;
}

static enum query_outcome mark_all(struct job *job, struct reader *reader, const struct alerts_list *list, GError **error)
{
    struct writer writer;
    uint64_t changed = 0;
    for (guint i = 0; i < list->all->len; i++) {
        const struct alert *alert = g_ptr_array_index(list->all, i);
        if (alert->state != ALERT_UNREAD || !alerts_filter_has(&job->params.filter, alert))
            continue;
        alerts_ask_state(reader, alert->id, ALERT_READ);
        changed++;
    }
    if (!reader_finish(reader, error))
        return QUERY_FAILED;
    writer_init(&writer, job->body);
    writer_begin(&writer, NULL, '{');
    writer_count(&writer, "changed", changed);
    writer_end(&writer, '}');
    return QUERY_ANSWERED;
}

static enum query_outcome answer_many(struct job *job, struct reader *reader, GError **error)
{
    struct alerts_list *list = alerts_cache_take(job->route->alerts, reader, error);
    if (list == NULL)
        return QUERY_FAILED;
    enum query_outcome outcome = job->has_state ? mark_all(job, reader, list, error) : answer_list(job, list);
    alerts_list_release(list);
    return outcome;
}

/* ---- one ---- */

static enum query_outcome answer_alert(struct job *job, struct reader *reader, struct alert *alert, GError **error)
{
    struct writer writer;
    if (job->has_state) {
        alerts_ask_state(reader, alert->id, job->state);
        if (!reader_finish(reader, error))
            return QUERY_FAILED;
        alert->state = job->state;
    }
    writer_init(&writer, job->body);
    alert_write(&writer, NULL, alert);
    return QUERY_ANSWERED;
}

static enum query_outcome answer_one(struct job *job, struct reader *reader, struct refusal *refusal, GError **error)
{
    struct alert *alert;
    if (!alerts_find(reader, job->id, &alert, error))
        return QUERY_FAILED;
    enum query_outcome outcome = QUERY_REFUSED;
    if (alert != NULL && alerts_filter_has(&job->params.filter, alert))
        outcome = answer_alert(job, reader, alert, error);
    else
        refusal_set(refusal, 404, "NOT_FOUND", "There is no alert '%s'.", job->id);
    alert_free(alert);
    return outcome;
}

/* ---- the request ---- */

static enum query_outcome read_alerts(struct reader *reader, struct query *query, struct refusal *refusal, GError **error)
{
    struct job *job = (struct job *)(void *)query;
    g_string_truncate(job->body, 0);
    return job->id[0] != '\0' ? answer_one(job, reader, refusal, error) : answer_many(job, reader, error);
}

static void work(struct reader *reader, struct query *query)
{
    struct job *job = (struct job *)(void *)query;
    struct refusal refusal = {0};
    if (query_run(reader, query, read_alerts, &refusal) == QUERY_ANSWERED) {
        metrics_add(query->queries->metrics, METER_QUERIES, NULL, 1);
        answer_json(query->request, query->queries->metrics, 200, job->body);
    } else {
        answer_refusal(query->request, query->queries->metrics, &refusal);
    }
    job_free(job);
}

static bool narrow(struct job *job, const struct caller *caller, struct refusal *refusal)
{
    if (alerts_filter_narrow(&job->params.filter, caller))
        return true;
    return refusal_set(refusal, 403, "FORBIDDEN", "Forbidden: this token may only see organization '%s'%s%s%s.",
                       caller->organization, caller->client != NULL ? " and key '" : "",
                       caller->client != NULL ? caller->client : "", caller->client != NULL ? "'" : "");
}

/* What there is to do. False: refused. */
static bool parse(struct job *job, const struct call *call, bool is_read, struct refusal *refusal)
{
    const char *method = http_request_method(call->request);
    bool has_filters = is_read || job->id[0] == '\0';
    if (!has_filters && job->given.n > 0)
        return param_refuse_unknown(&job->given.list[0], "UNKNOWN_PARAMETER", "no parameter", refusal);
    if (!alerts_params_parse(&job->params, job->given.list, job->given.n, !is_read, refusal))
        return false;
    if (!has_filters)
        job->params.filter.states = (1u << ALERT_STATE_N) - 1;
    job->has_state = is_read || strcmp(method, "GET") != 0;
    job->state = is_read ? ALERT_READ : ALERT_DELETED;
    if (strcmp(method, "PATCH") != 0)
        return true;
    return admin_check_type(call->request, "application/json", refusal) &&
           alerts_params_read_state(http_request_body(call->request), &job->state, refusal);
}

static void handle(const struct alerts_route *route, struct call *call, bool is_read)
{
    struct refusal refusal = {0};
    struct job *job = g_new0(struct job, 1);
    *job = (struct job){.query = query_make(call, route->queries, work), .route = route, .body = g_string_sized_new(4096)};
    g_strlcpy(job->id, is_read ? "" : call->parts[0], sizeof job->id);
    call_get_params(call, &job->given);
    if (!parse(job, call, is_read, &refusal))
        answer_refusal(call->request, route->queries->metrics, &refusal);
    else if (!narrow(job, call->caller, &refusal))
        call_refuse(call, route->queries->metrics, &refusal);
    else if (query_submit(&job->query))
        return;
    job_free(job);
}

void alerts_route_handle(const struct alerts_route *route, struct call *call)
{
    handle(route, call, false);
}

void alerts_route_handle_read(const struct alerts_route *route, struct call *call)
{
    handle(route, call, true);
}
