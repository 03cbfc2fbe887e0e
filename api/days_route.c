#include "api/days_route.h"

#include "api/answer.h"
#include "api/closed_days.h"
#include "api/days_answer.h"
#include "api/meters.h"
#include "lib/civil.h"

struct job {
    struct query query;
    const struct days_route *route;
    struct days_params params;
    GString *body; /* after QUERY_ANSWERED */
    int64_t began_us;
    char question[CALL_QUESTION_MAX]; /* to keep the answer under; "": it is not kept */
};

static void job_free(struct job *job)
{
    g_string_free(job->body, TRUE);
    query_clear(&job->query);
    g_free(job);
}

/* ---- what is not there ---- */

static int64_t today(void)
{
    return g_get_real_time() / G_TIME_SPAN_MILLISECOND / CIVIL_DAY_MS;
}

static enum query_outcome refuse_day(const struct days_params *params, int64_t finalized, struct refusal *refusal)
{
    char day[CIVIL_TEXT_MAX];
    civil_format_day(day, params->day);
    if (params->day >= today())
        refusal_set(refusal, 404, "NOT_FOUND", "Day %s is not closed yet: it has not ended (UTC).", day);
    else if (params->day > finalized)
        refusal_set(refusal, 404, "NOT_FOUND", "Day %s is not closed yet.", day);
    else
        refusal_set(refusal, 404, "NOT_FOUND",
                    "Day %s is not in the ledger: it lies before the first day of the log and nothing was counted for it, so it "
                    "counts as closed and empty.",
                    day);
    return QUERY_REFUSED;
}

static enum query_outcome refuse_revision(const struct days_params *params, int last, struct refusal *refusal)
{
    char day[CIVIL_TEXT_MAX];
    civil_format_day(day, params->day);
    refusal_set(refusal, 404, "NOT_FOUND", "Day %s has no revision %d; its last one that is closed is %d.", day, params->revision,
                last);
    return QUERY_REFUSED;
}

/* ---- what is ---- */

/* First line behind those of the same day as the last of [first, end). */
static guint end_of_day(const struct ledger_index *index, guint first, guint end)
{
    return first == end ? end : ledger_index_find(index, ledger_index_at(index, end - 1)->day + 1, 0);
}

static enum query_outcome answer_list(const struct job *job, const struct ledger_place *place, GError **error)
{
    const struct days_params *params = &job->params;
    const struct ledger_index *index = place->index;
    struct pin pin;
    guint first = params->has_from ? ledger_index_find(index, params->from, 0) : 0;
    guint end = params->has_to ? ledger_index_find(index, params->to + 1, 0) : index->lines->len;
    if (params->after_revision > 0)
        first = MAX(first, ledger_index_find(index, params->after_day, params->after_revision + 1));
    first = MIN(first, end);
    guint shown = MIN(end - first, params->page_size), known = end_of_day(index, first, first + shown) - first;
    g_autofree struct ledger_summary *summaries = g_new0(struct ledger_summary, known + 1);
    if (!ledger_read_summaries(place, first, first + known, summaries, error) ||
        !pin_read(&pin, place->reader, place->index, error))
        return QUERY_FAILED;
    const struct days_list list = {summaries, shown, known, caller_sees_all(job->query.caller)};
    days_answer_list(job->body, &list, params, pin.through, first + shown < end);
    return QUERY_ANSWERED;
}

static enum query_outcome answer_one(const struct job *job, const struct ledger_place *place, guint first, guint end,
                                     struct refusal *refusal, GError **error)
{
    const struct days_params *params = &job->params;
    guint at = ledger_index_find(place->index, params->day, params->revision);
    g_autofree struct ledger_summary *summaries = g_new0(struct ledger_summary, end - first);
    if (at == end || ledger_index_at(place->index, at)->revision != params->revision)
        return refuse_revision(params, ledger_index_revision(place->index, params->day), refusal);
    if (!ledger_read_summaries(place, at, end, summaries, error))
        return QUERY_FAILED;
    const struct days_list list = {summaries, 1, end - at, true};
    struct ledger_summary summary = {0};
    struct ledger_entry *entry = ledger_read_entry(place, at, &summary, error);
    if (entry == NULL)
        return QUERY_FAILED;
    days_answer_revision(job->body, &summary, entry, days_is_erased(&list, 0));
    ledger_entry_free(entry);
    return QUERY_ANSWERED;
}

static enum query_outcome answer_day(const struct job *job, const struct ledger_place *place, struct refusal *refusal,
                                     GError **error)
{
    const struct days_params *params = &job->params;
    struct pin pin;
    guint first = ledger_index_find(place->index, params->day, 0), end = ledger_index_find(place->index, params->day + 1, 0);
    if (first == end) {
        bool ok = pin_read(&pin, place->reader, place->index, error);
        return ok ? refuse_day(params, pin.through, refusal) : QUERY_FAILED;
    }
    if (params->kind == DAYS_REVISION)
        return answer_one(job, place, first, end, refusal, error);
    g_autofree struct ledger_summary *summaries = g_new0(struct ledger_summary, end - first);
    if (!ledger_read_summaries(place, first, end, summaries, error))
        return QUERY_FAILED;
    const struct days_list list = {summaries, end - first, end - first, caller_sees_all(job->query.caller)};
    days_answer_day(job->body, &list);
    return QUERY_ANSWERED;
}

static enum query_outcome read_days(struct reader *reader, struct query *query, struct refusal *refusal, GError **error)
{
    struct job *job = (struct job *)(void *)query;
    job->began_us = g_get_monotonic_time();
    struct ledger_index *index = ledger_cache_take(job->route->ledger, reader, error);
    if (index == NULL)
        return QUERY_FAILED;
    const struct ledger_place place = {.reader = reader, .index = index, .archive = job->route->archive};
    g_string_truncate(job->body, 0);
    enum query_outcome outcome =
        job->params.kind == DAYS_LIST ? answer_list(job, &place, error) : answer_day(job, &place, refusal, error);
    ledger_index_release(index);
    return outcome;
}

/* ---- the request ---- */

static void work(struct reader *reader, struct query *query)
{
    struct job *job = (struct job *)(void *)query;
    struct refusal refusal = {0};
    if (query_run(reader, query, read_days, &refusal) == QUERY_ANSWERED) {
        metrics_add(query->queries->metrics, METER_QUERIES, NULL, 1);
        if (job->question[0] != '\0')
            hot_answers_put(query->queries->hot, job->question, view_make(job->body->str, job->body->len), job->began_us);
        answer_tagged(query->request, query->queries->metrics, job->body);
    } else {
        answer_refusal(query->request, query->queries->metrics, &refusal);
    }
    job_free(job);
}

void days_route_handle(const struct days_route *route, struct call *call)
{
    const char *day = call->parts[0], *revision = call->parts[1];
    struct call_params given;
    struct refusal refusal = {0};
    struct days_params params;
    char question[CALL_QUESTION_MAX];
    call_get_params(call, &given);
    struct hot_answer *answer = call_take_hot(call, &given, "", route->queries->hot, question);
    if (answer != NULL) {
        answer_hot_tagged(call->request, route->queries->metrics, answer);
        return;
    }
    if (!days_params_parse(&params, day[0] ? day : NULL, revision[0] ? revision : NULL, given.list, given.n, &refusal)) {
        answer_refusal(call->request, route->queries->metrics, &refusal);
        return;
    }
    if (params.kind == DAYS_REVISION && !caller_sees_all(call->caller)) {
        refusal_set(
            &refusal, 403, "FORBIDDEN",
            "Forbidden: an entry of the ledger in full tells of all organizations; this token is for one. /api/v2/usage/days "
            "shows its checksum and whether the day is complete.");
        call_refuse(call, route->queries->metrics, &refusal);
        return;
    }
    struct job *job = g_new0(struct job, 1);
    *job = (struct job){.query = query_make(call, route->queries, work), .route = route, .params = params};
    job->body = g_string_sized_new(4096);
    g_strlcpy(job->question, question, sizeof job->question);
    if (!query_submit(&job->query))
        job_free(job);
}
