#include "api/v2_answer.h"

#include "api/v2_params.h"
#include "api/writer.h"

/* ---- where ---- */

static void append_path(GString *out, const char *before, const char *part, const char *after)
{
    g_string_append(out, before);
    g_string_append_uri_escaped(out, part, NULL, FALSE);
    g_string_append(out, after);
}

void v2_answer_uri(GString *out, const struct v2_execution *execution)
{
    const char *client = execution->path_client != NULL ? execution->path_client : "";
    switch (execution->body.kind) {
    case V2_ORGANIZATION_QUERY:
        append_path(out, "/api/v2/usage/query/", execution->id, "/results");
        return;
    case V2_SEARCH:
        append_path(out, "/api/v2/usage/simplesearch/", execution->id, "/results");
        return;
    case V2_CLIENT_QUERY:
        append_path(out, "/api/v2/oauth/clients/", client, "/usage/query/results/");
        break;
    case V2_ORGANIZATION_JOB:
        g_string_append(out, "/api/v2/usage/aggregates/query/jobs/");
        break;
    case V2_CLIENT_JOB:
        append_path(out, "/api/v2/usage/client/", client, "/aggregates/query/jobs/");
        break;
    case V2_KIND_N:
        g_assert_not_reached();
    }
    g_string_append(out, execution->id);
}

static void write_uri(struct writer *writer, const char *key, const struct v2_execution *execution)
{
    g_autoptr(GString) uri = g_string_new(NULL);
    v2_answer_uri(uri, execution);
    writer_text(writer, key, view_make(uri->str, uri->len));
}

/* ---- without rows ---- */

static bool is_job(const struct v2_execution *execution)
{
    return v2_kind_is_job(execution->body.kind);
}

void v2_answer_accepted(GString *out, const struct v2_execution *execution)
{
    struct writer writer;
    writer_init(&writer, out);
    writer_begin(&writer, NULL, '{');
    writer_text(&writer, is_job(execution) ? "id" : "executionId", view_of(execution->id));
    write_uri(&writer, "resultsUri", execution);
    if (is_job(execution))
        write_uri(&writer, "selfUri", execution);
    writer_end(&writer, '}');
}

static void write_no_entities(struct writer *writer, const struct v2_execution *execution)
{
    writer_begin(writer, "entities", '[');
    writer_end(writer, ']');
    write_uri(writer, "selfUri", execution);
}

void v2_answer_running(GString *out, const struct v2_execution *execution, bool queued)
{
    struct writer writer;
    writer_init(&writer, out);
    writer_begin(&writer, NULL, '{');
    writer_text(&writer, "queryStatus", view_of(is_job(execution) && queued ? "Queued" : "Running"));
    if (is_job(execution))
        write_no_entities(&writer, execution);
    writer_end(&writer, '}');
}

/* For a query there is no word for "cancelled" in the SDKs: it failed, and says by whom. */
void v2_answer_ended(GString *out, const struct v2_execution *execution, const struct v2_end *end)
{
    struct writer writer;
    bool cancelled = end->kind == V2_CANCELLED;
    writer_init(&writer, out);
    writer_begin(&writer, NULL, '{');
    if (is_job(execution)) {
        writer_text(&writer, "queryStatus", view_of(cancelled ? "Cancelled" : "Failed"));
        writer_begin(&writer, "errorBody", '{');
        writer_text(&writer, "message", view_of(end->reason));
        writer_text(&writer, "code", view_of(cancelled ? "query.cancelled" : "query.failed"));
        writer_count(&writer, "status", cancelled ? 410 : 422);
        writer_end(&writer, '}');
        write_no_entities(&writer, execution);
    } else {
        writer_begin(&writer, "results", '[');
        writer_end(&writer, ']');
        writer_text(&writer, "queryStatus", view_of("Failed"));
        writer_text(&writer, "failure", view_of(end->reason));
    }
    writer_end(&writer, '}');
}

/* ---- columns ---- */

struct column {
    struct export_column column;
    unsigned metric; /* shown only if asked for; 0: always, or by the grouping */
    uint32_t group;  /* of jobs: shown only where grouped by */
};

static const struct column query_columns[] = {
    {{"clientId", EXPORT_CLIENT_ID}, 0, 0},
    {{"clientName", EXPORT_CLIENT_NAME}, 0, 0},
    {{"organizationId", EXPORT_ORGANIZATION}, 0, 0},
    {{"userId", EXPORT_USER}, 0, 0},
    {{"templateUri", EXPORT_TEMPLATE}, 0, 0},
    {{"httpMethod", EXPORT_METHOD}, 0, 0},
    {{"status200", EXPORT_STATUS200}, V2_STATUS200, 0},
    {{"status300", EXPORT_STATUS300}, V2_STATUS300, 0},
    {{"status400", EXPORT_STATUS400}, V2_STATUS400, 0},
    {{"status500", EXPORT_STATUS500}, V2_STATUS500, 0},
    {{"status429", EXPORT_STATUS429}, V2_STATUS429, 0},
    {{"requests", EXPORT_REQUESTS}, V2_REQUESTS, 0},
};
static const struct column job_columns[] = {
    {{"platform", EXPORT_PLATFORM}, 0, REPORT_PLATFORM},
    {{"httpMethod", EXPORT_METHOD}, 0, REPORT_METHOD},
    {{"templateUri", EXPORT_TEMPLATE}, 0, REPORT_TEMPLATE},
    {{"requestCount", EXPORT_REQUESTS}, V2_REQUESTS, 0},
    {{"status200", EXPORT_STATUS200}, V2_STATUS200, 0},
    {{"status300", EXPORT_STATUS300}, V2_STATUS300, 0},
    {{"status400", EXPORT_STATUS400}, V2_STATUS400, 0},
    {{"status429", EXPORT_STATUS429}, V2_STATUS429, 0},
    {{"status500", EXPORT_STATUS500}, V2_STATUS500, 0},
    {{"oauthClientId", EXPORT_CLIENT_ID}, 0, REPORT_CLIENT},
    {{"oauthClientName", EXPORT_CLIENT_NAME}, 0, REPORT_CLIENT},
    {{"userId", EXPORT_USER}, 0, REPORT_USER},
    {{"organizationId", EXPORT_ORGANIZATION}, 0, REPORT_ORGANIZATION},
};

static const struct export_column date_column = {"date", EXPORT_PERIOD_FIRST};

static bool is_shown(const struct v2_body *body, const struct column *column)
{
    return (column->metric == 0 || body->metrics & column->metric) && (column->group == 0 || body->group & column->group);
}

size_t v2_answer_columns(const struct v2_execution *execution, struct export_column columns[EXPORT_COLUMNS_MAX])
{
    const struct v2_body *body = &execution->body;
    bool job = is_job(execution), dated = body->granularity != V2_WHOLE;
    const struct column *all = job ? job_columns : query_columns;
    size_t n_all = job ? G_N_ELEMENTS(job_columns) : G_N_ELEMENTS(query_columns), n = 0;
    if (job && dated)
        columns[n++] = date_column;
    for (size_t i = 0; i < n_all; i++)
        if (is_shown(body, &all[i]))
            columns[n++] = all[i].column;
    if (!job && dated)
        columns[n++] = date_column;
    return n;
}

/* ---- rows ---- */

/* What all rows of an answer have in common. */
struct rows {
    struct writer writer;
    const struct v2_execution *execution;
    const struct v2_outcome *outcome;
    const struct registry_snapshot *registry;
    struct export_column columns[EXPORT_COLUMNS_MAX];
    size_t n_columns;
};

static uint64_t count_of(const struct report_counts *counts, int source)
{
    switch (source) {
    case EXPORT_STATUS200:
        return counts->status200;
    case EXPORT_STATUS300:
        return counts->status300;
    case EXPORT_STATUS400:
        return counts->status400;
    case EXPORT_STATUS500:
        return counts->status500;
    case EXPORT_STATUS429:
        return counts->status429;
    default:
        return counts->requests;
    }
}

static void write_client_name(struct rows *rows, const char *key, const struct report_row *row)
{
    g_autofree char *client = g_strndup(row->names[REPORT_NAME_CLIENT].data, row->names[REPORT_NAME_CLIENT].size);
    g_autofree char *organization =
        rows->execution->body.group & REPORT_ORGANIZATION
            ? g_strndup(row->names[REPORT_NAME_ORGANIZATION].data, row->names[REPORT_NAME_ORGANIZATION].size)
            : g_strdup(rows->execution->organization);
    const char *name = registry_client_name(rows->registry, organization, client != NULL ? client : "");
    writer_text(&rows->writer, key, view_of(name));
}

static void write_value(struct rows *rows, const struct export_column *column, const struct report_row *row)
{
    static const int name_of[] = {[EXPORT_CLIENT_ID] = 0, [EXPORT_ORGANIZATION] = 1, [EXPORT_USER] = 2,
                                  [EXPORT_TEMPLATE] = 3,  [EXPORT_METHOD] = 4,       [EXPORT_PLATFORM] = 5};
    if (column->source == EXPORT_PERIOD_FIRST)
        writer_text(&rows->writer, column->name, view_of(rows->outcome->dates->pdata[row->period]));
    else if (column->source == EXPORT_CLIENT_NAME)
        write_client_name(rows, column->name, row);
    else if (column->source < EXPORT_STATUS200)
        writer_text(&rows->writer, column->name, row->names[name_of[column->source]]);
    else
        writer_count(&rows->writer, column->name, count_of(&row->counts, column->source));
}

static void write_client(struct rows *rows, const struct report_row *row)
{
    g_autoptr(GString) uri = g_string_new("/api/v2/oauth/clients/");
    g_autofree char *id = g_strndup(row->names[REPORT_NAME_CLIENT].data, row->names[REPORT_NAME_CLIENT].size);
    g_string_append_uri_escaped(uri, id != NULL ? id : "", NULL, FALSE);
    writer_begin(&rows->writer, "oauthClient", '{');
    writer_text(&rows->writer, "id", row->names[REPORT_NAME_CLIENT]);
    write_client_name(rows, "name", row);
    writer_text(&rows->writer, "selfUri", view_make(uri->str, uri->len));
    writer_end(&rows->writer, '}');
}

/* In an entity the client and the user are objects; elsewhere every column is a member. */
static void write_row(struct rows *rows, const struct report_row *row)
{
    bool job = is_job(rows->execution);
    writer_begin(&rows->writer, NULL, '{');
    for (size_t i = 0; i < rows->n_columns; i++) {
        const struct export_column *column = &rows->columns[i];
        if (job && column->source == EXPORT_CLIENT_ID) {
            write_client(rows, row);
        } else if (job && column->source == EXPORT_USER) {
            writer_begin(&rows->writer, "user", '{');
            writer_text(&rows->writer, "id", row->names[REPORT_NAME_USER]);
            writer_end(&rows->writer, '}');
        } else if (!job || column->source != EXPORT_CLIENT_NAME) {
            write_value(rows, column, row);
        }
    }
    writer_end(&rows->writer, '}');
}

static bool write_rows(struct rows *rows, struct v2_page page, GError **error)
{
    GError *failure = NULL;
    struct report_row row;
    struct result_cursor *cursor = result_cursor_new(rows->outcome->result, page.first);
    writer_begin(&rows->writer, is_job(rows->execution) ? "entities" : "results", '[');
    for (uint32_t i = 0; i < page.size && result_cursor_next(cursor, &row, &failure); i++)
        write_row(rows, &row);
    writer_end(&rows->writer, ']');
    result_cursor_free(cursor);
    if (failure != NULL)
        g_propagate_error(error, failure);
    return failure == NULL;
}

/* ---- pages ---- */

static bool has_more(const struct rows *rows, struct v2_page page)
{
    return page.first + page.size < result_rows(rows->outcome->result);
}

static void write_cursors(struct rows *rows, struct v2_page page)
{
    const char *id = rows->execution->id;
    uint64_t size = page.size;
    writer_begin(&rows->writer, "cursors", '{');
    if (page.first > 0) {
        g_autofree char *before = v2_cursor_write(id, page.first > size ? page.first - size : 0);
        writer_text(&rows->writer, "before", view_of(before));
    }
    if (has_more(rows, page)) {
        g_autofree char *after = v2_cursor_write(id, page.first + size);
        writer_text(&rows->writer, "after", view_of(after));
    }
    writer_end(&rows->writer, '}');
}

static void write_next(struct rows *rows, struct v2_page page)
{
    g_autoptr(GString) uri = g_string_new(NULL);
    g_autofree char *after = v2_cursor_write(rows->execution->id, page.first + page.size);
    v2_answer_uri(uri, rows->execution);
    g_string_append_printf(uri, "?pageSize=%u&after=%s", (unsigned)page.size, after);
    writer_text(&rows->writer, "nextUri", view_make(uri->str, uri->len));
}

static void write_job(struct rows *rows, struct v2_page page)
{
    if (has_more(rows, page))
        write_next(rows, page);
    write_uri(&rows->writer, "selfUri", rows->execution);
    writer_text(&rows->writer, "queryStatus", view_of("Succeeded"));
}

bool v2_answer_page(GString *out, const struct v2_execution *execution, const struct v2_outcome *outcome,
                    const struct registry_snapshot *registry, struct v2_page page, GError **error)
{
    struct rows rows = {.execution = execution, .outcome = outcome, .registry = registry};
    rows.n_columns = v2_answer_columns(execution, rows.columns);
    writer_init(&rows.writer, out);
    writer_begin(&rows.writer, NULL, '{');
    if (!write_rows(&rows, page, error))
        return false;
    if (is_job(execution))
        write_job(&rows, page);
    else
        writer_text(&rows.writer, "queryStatus", view_of("Complete"));
    if (page.cursors)
        write_cursors(&rows, page);
    g_string_append_printf(out, ",%s}", outcome->about->str);
    return true;
}

/* ---- exports ---- */

const char v2_answer_prefix[] = "{\"results\":[";

void v2_answer_suffix(GString *out, const struct v2_outcome *outcome)
{
    g_string_append_printf(out, "],\"queryStatus\":\"Complete\",%s}", outcome->about->str);
}

static void append_groups(GString *name, uint32_t group)
{
    static const char *const names[REPORT_NAMES] = {"client", "organization", "user", "template", "method", "platform"};
    const char *before = "_by";
    for (size_t i = 0; i < REPORT_NAMES; i++)
        if (group & 1u << i)
            g_string_append_printf(name, "%s-%s", before, names[i]), before = "";
}

char *v2_answer_file_name(const struct v2_execution *execution, enum export_format format)
{
    char first[CIVIL_TEXT_MAX], last[CIVIL_TEXT_MAX];
    GString *name = g_string_new(v2_kind_name(execution->body.kind));
    const char *granularity = v2_granularity_name(execution->body.granularity);
    civil_format_day(first, execution->body.interval.first_day);
    civil_format_day(last, execution->body.interval.last_day);
    if (execution->path_client != NULL)
        g_string_append_printf(name, "_%s", execution->path_client);
    g_string_append_printf(name, "_%s_%s", first, last);
    append_groups(name, execution->body.group);
    if (granularity != NULL) {
        g_autofree char *lower = g_ascii_strdown(granularity, -1);
        g_string_append_printf(name, "_%s", lower);
    }
    g_string_append_printf(name, ".%s", export_suffix(format));
    g_strdelimit(name->str, "/\\", '-');
    return g_string_free(name, FALSE);
}
