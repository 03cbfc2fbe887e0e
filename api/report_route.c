#include "api/report_route.h"

#include "api/answer.h"
#include "api/export_answer.h"
#include "api/meters.h"
#include "api/report_answer.h"
#include "api/report_export.h"
#include "api/report_search.h"
#include "lib/hex.h"
#include "lib/log.h"

enum {
    FEW_CLIENTS = 5,
    FEW_CLIENTS_SHARE = 20, /* of the rows, at most, are looked at for few clients */
};

struct job {
    struct query query;
    const struct report_route *route;
    struct report_params params;
    bool gzip;
    struct export_file file; /* after QUERY_ANSWERED */
    char *file_name;
    int64_t began_us;
    char *artifact;                   /* its name */
    char question[CALL_QUESTION_MAX]; /* to keep that name under; "": it is not kept */
};

static void job_free(struct job *job)
{
    query_clear(&job->query);
    report_params_clear(&job->params);
    g_free(job->file_name);
    g_free(job->artifact);
    g_free(job);
}

/* ---- what is asked ---- */

/* A report that is being made: of which days, and what of them. */
struct making {
    struct job *job;
    struct ledger_place ledger;
    struct pin pin;
    struct report_range range;
    struct closed_days *days;
    struct report_place place;
    struct report_ask ask; /* with lists of its own */
    struct registry_snapshot *registry;
};

static bool read_range(struct making *making, GError **error)
{
    struct report_known known = {.now_s = g_get_real_time() / G_TIME_SPAN_SECOND};
    int64_t last;
    if (!pin_read(&making->pin, making->ledger.reader, making->ledger.index, error))
        return false;
    known.through = making->pin.through;
    known.has_first = closed_days_bounds(making->ledger.index, making->pin, &known.first_day, &last);
    report_range_init(&making->range, &making->job->params, &known);
    if (making->range.utc_first <= making->range.utc_last) {
        making->days = closed_days_read(&making->ledger, making->pin, making->range.utc_first, making->range.utc_last, error);
        if (making->days == NULL)
            return false;
    }
    report_range_choose(&making->range, making->days);
    return true;
}

static GPtrArray *list_of(const char *name)
{
    GPtrArray *list = g_ptr_array_new_with_free_func(g_free);
    g_ptr_array_add(list, g_strdup(name));
    return list;
}

/* The caller's own client, if it is among those that are asked for. */
static GPtrArray *own_client(const char *client, const GPtrArray *asked)
{
    for (guint i = 0; asked != NULL && i < asked->len; i++)
        if (strcmp(g_ptr_array_index(asked, i), client) == 0)
            return list_of(client);
    return asked == NULL ? list_of(client) : g_ptr_array_new(); /* an empty list lets nothing pass */
}

static GPtrArray *ref_list(GPtrArray *list)
{
    return list != NULL ? g_ptr_array_ref(list) : NULL;
}

/* What the caller may see, and of that what is asked for. */
static void set_ask(struct making *making)
{
    const struct job *job = making->job;
    const struct caller *caller = job->query.caller;
    making->place =
        (struct report_place){.sheets = job->route->sheets, .reader = making->ledger.reader, .threads = job->route->threads};
    making->ask = (struct report_ask){.place = &making->place, .range = &making->range, .days = making->days};
    making->ask.groups_max = job->route->groups_max;
    GPtrArray **names = making->ask.filter.names;
    names[REPORT_NAME_ORGANIZATION] = job->params.organization != NULL ? list_of(job->params.organization) : NULL;
    names[REPORT_NAME_CLIENT] =
        caller->client != NULL ? own_client(caller->client, job->params.clients) : ref_list(job->params.clients);
    names[REPORT_NAME_TEMPLATE] = ref_list(job->params.templates);
}

static void making_clear(struct making *making)
{
    for (unsigned i = 0; i < REPORT_NAMES; i++)
        g_clear_pointer(&making->ask.filter.names[i], g_ptr_array_unref);
    report_range_clear(&making->range);
    closed_days_free(making->days);
    if (making->registry != NULL)
        registry_release(making->registry);
}

/* ---- its name among the artifacts: all that decides its bytes ---- */

static void append_list(GString *key, const GPtrArray *list)
{
    g_string_append(key, list != NULL ? "\n" : "\n*");
    for (guint i = 0; list != NULL && i < list->len; i++)
        g_string_append_printf(key, "%s\x1f", (const char *)g_ptr_array_index(list, i));
}

static char *make_key(const struct making *making)
{
    const struct report_params *params = &making->job->params;
    g_autoptr(GString) key = g_string_new(NULL);
    struct writer writer;
    char ledger[2 * LEDGER_CHECKSUM_SIZE + 1];
    hex_write(ledger, making->ledger.index->checksum, LEDGER_CHECKSUM_SIZE);
    writer_init(&writer, key);
    report_answer_about(&writer, &making->range, making->pin.through);
    g_string_append_printf(key, "\n%s %" G_GINT64_FORMAT " %d %d %d %u", ledger, making->registry->version, (int)params->format,
                           (int)making->job->gzip, (int)params->section, params->top);
    g_string_append_printf(key, "\n%s", params->search != NULL ? params->search : "");
    for (unsigned i = 0; i < REPORT_NAMES; i++)
        append_list(key, making->ask.filter.names[i]);
    g_autofree char *digest = g_compute_checksum_for_string(G_CHECKSUM_SHA256, key->str, (gssize)key->len);
    return g_strconcat("report ", digest, NULL);
}

/* ---- making it ---- */

static bool make_page(struct making *making, GError **error)
{
    struct job *job = making->job;
    struct report_page page;
    bool ok = report_page_fill(&page, &making->ask, job->params.top, error);
    if (ok) {
        g_autoptr(GString) body = g_string_sized_new(16384);
        struct writer writer;
        writer_init(&writer, body);
        writer_begin(&writer, NULL, '{');
        report_answer_about(&writer, &making->range, making->pin.through);
        report_answer_page(&writer, &page, &making->range, making->registry);
        writer_end(&writer, '}');
        ok = export_bytes(view_make(body->str, body->len), job->gzip, job->route->directory, &job->file, error);
    }
    report_page_clear(&page);
    return ok;
}

static bool render(struct making *making, const struct result *result, GError **error)
{
    struct job *job = making->job;
    struct report_export export;
    report_export_init(&export, &making->range, job->params.section);
    const struct export_spec spec = {
        .format = job->params.format,
        .columns = export.columns,
        .n_columns = export.n_columns,
        .periods = export.texts,
        .registry = making->registry,
        .by_organization = true,
        .gzip = job->gzip,
    };
    bool ok = export_render(&spec, result, job->route->directory, &job->file, error);
    report_export_clear(&export);
    return ok;
}

static bool make_export(struct making *making, GError **error)
{
    const struct job *job = making->job;
    struct result *result = result_new(job->route->directory, job->route->result_bytes_max, error);
    if (result == NULL)
        return false;
    g_auto(GStrv) words = job->params.search != NULL ? report_search_words(job->params.search) : NULL;
    const struct report_wanted wanted = {.top = job->params.top, .words = words, .registry = making->registry};
    bool ok = report_export_fill(result, &making->ask, job->params.section, &wanted, error) && result_finish(result, error) &&
              render(making, result, error);
    result_unref(result);
    return ok;
}

/* Errors that are about the question, or about this machine's room, rather than about what was counted. */
static enum query_outcome judge(GError **error, struct refusal *refusal)
{
    if (g_error_matches(*error, REPORT_ERROR, REPORT_ERROR_LIMIT))
        refusal_set(refusal, 400, "TOO_MANY_ROWS", "%s", (*error)->message);
    else if ((*error)->domain == EXPORT_ERROR || (*error)->domain == G_FILE_ERROR)
        refusal_set(refusal, 503, "SERVICE_UNAVAILABLE", "The answer cannot be stored. %s", (*error)->message);
    else
        return QUERY_FAILED;
    log_warn("report_refused", "error=%s", (*error)->message);
    g_clear_error(error);
    return QUERY_REFUSED;
}

/* Rows that all its questions look at together. A sheet knows where those of a client are. */
static uint64_t cost_of(const struct making *making)
{
    const GPtrArray *clients = making->ask.filter.names[REPORT_NAME_CLIENT];
    uint64_t rows = report_ask_cost(&making->ask) * REPORT_ALL;
    return clients != NULL && clients->len <= FEW_CLIENTS ? rows / FEW_CLIENTS_SHARE : rows;
}

static enum query_outcome make(struct making *making, struct refusal *refusal, GError **error)
{
    struct job *job = making->job;
    if (!read_range(making, error))
        return QUERY_FAILED;
    set_ask(making);
    making->registry = registry_take(job->route->registry);
    g_free(job->artifact);
    job->artifact = make_key(making);
    g_free(job->file_name);
    job->file_name =
        job->params.format == EXPORT_JSON ? NULL : report_export_name(&making->range, job->params.section, job->params.format);
    if (artifacts_get(job->route->artifacts, job->artifact, &job->file))
        return QUERY_ANSWERED;
    if (!reader_has_room(making->ledger.reader, cost_of(making), error))
        return QUERY_FAILED;
    if (!(job->params.format == EXPORT_JSON ? make_page(making, error) : make_export(making, error)))
        return judge(error, refusal);
    artifacts_put(job->route->artifacts, job->artifact, &job->file);
    return QUERY_ANSWERED;
}

static enum query_outcome read_report(struct reader *reader, struct query *query, struct refusal *refusal, GError **error)
{
    struct job *job = (struct job *)(void *)query;
    job->began_us = g_get_monotonic_time();
    struct ledger_index *index = ledger_cache_take(job->route->ledger, reader, error);
    if (index == NULL)
        return QUERY_FAILED;
    struct making making = {.job = job, .ledger = {.reader = reader, .index = index, .archive = job->route->archive}};
    enum query_outcome outcome = make(&making, refusal, error);
    making_clear(&making);
    ledger_index_release(index);
    return outcome;
}

/* ---- the request ---- */

static void work(struct reader *reader, struct query *query)
{
    struct job *job = (struct job *)(void *)query;
    struct metrics *metrics = query->queries->metrics;
    struct refusal refusal = {0};
    enum query_outcome outcome = query_run(reader, query, read_report, &refusal);
    if (outcome == QUERY_HANDED_ON)
        return;
    if (outcome != QUERY_ANSWERED) {
        answer_refusal(query->request, metrics, &refusal);
    } else {
        metrics_add(metrics, METER_QUERIES, NULL, 1);
        if (job->question[0] != '\0')
            hot_answers_put(query->queries->hot, job->question, view_of(job->artifact), job->began_us);
        export_answer(query->request, metrics, &job->file, job->params.format, job->file_name);
    }
    job_free(job);
}

static bool choose_format(const struct call *call, enum export_format *format, struct refusal *refusal)
{
    if (call->parts[0][0] == '\0') {
        *format = export_format_of_accept(http_request_header(call->request, "Accept"));
        return true;
    }
    return export_format_parse(call->parts[0], format) ||
           refusal_set(refusal, 404, "NOT_FOUND",
                       "There is no report.%s, only report.csv, report.jsonl, report.xlsx and report.json.", call->parts[0]);
}

/* A page that is asked for again and again is a file that is there already. False: it has to be looked for. */
static bool answer_at_once(const struct report_route *route, const struct call *call, const struct call_params *given,
                           char question[CALL_QUESTION_MAX])
{
    bool gzip = export_wants_gzip(call->request, EXPORT_JSON);
    struct hot_answer *answer = call_take_hot(call, given, gzip ? "gzip" : "", route->queries->hot, question);
    struct export_file file;
    if (answer == NULL)
        return false;
    g_autofree char *artifact = g_strndup(answer->body.data, answer->body.size);
    hot_answer_release(answer);
    if (!artifacts_get(route->artifacts, artifact, &file))
        return false;
    metrics_add(route->queries->metrics, METER_QUERIES, NULL, 1);
    export_answer(call->request, route->queries->metrics, &file, EXPORT_JSON, NULL);
    return true;
}

void report_route_handle(const struct report_route *route, struct call *call)
{
    struct call_params given;
    struct refusal refusal = {0};
    struct report_params params;
    enum export_format format;
    char question[CALL_QUESTION_MAX] = "";
    call_get_params(call, &given);
    bool chosen = choose_format(call, &format, &refusal);
    if (chosen && format == EXPORT_JSON && answer_at_once(route, call, &given, question))
        return;
    if (!chosen || !report_params_parse(&params, format, given.list, given.n, &refusal)) {
        answer_refusal(call->request, route->queries->metrics, &refusal);
        return;
    }
    if (!call_narrow(&params.organization, call->caller->organization, "organization", &refusal)) {
        call_refuse(call, route->queries->metrics, &refusal);
        report_params_clear(&params);
        return;
    }
    struct job *job = g_new0(struct job, 1);
    *job = (struct job){.query = query_make(call, route->queries, work), .route = route, .params = params};
    job->query.may_be_handed_on = true;
    job->gzip = export_wants_gzip(call->request, format);
    g_strlcpy(job->question, question, sizeof job->question);
    if (!query_submit(&job->query))
        job_free(job);
}
