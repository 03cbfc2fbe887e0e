#include "api/admin_csv.h"

#include "api/answer.h"
#include "api/writer.h"
#include "lib/csv.h"
#include "lib/log.h"

static const enum admin_field columns[] = {ADMIN_ID, ADMIN_NAME, ADMIN_ORGANIZATION, ADMIN_TIER, ADMIN_PLATFORM, ADMIN_PLAN};

/* ---- out ---- */

static void append_client(GString *out, const struct registry_client *client)
{
    const char *const fields[G_N_ELEMENTS(columns)] = {
        client->id, client->name, client->organization, caller_tier_name(client->tier), client->platform, client->plan};
    for (size_t i = 0; i < G_N_ELEMENTS(fields); i++) {
        csv_append(out, fields[i]);
        g_string_append(out, i + 1 < G_N_ELEMENTS(fields) ? "," : "\r\n");
    }
}

static GArray *collect(const struct admin_job *job, const struct registry_snapshot *snapshot)
{
    const char *wanted = job->params.organization;
    GArray *page = admin_page_new();
    GHashTableIter iter;
    void *key, *value;
    g_hash_table_iter_init(&iter, snapshot->clients);
    while (g_hash_table_iter_next(&iter, &key, &value)) {
        const struct registry_client *client = value;
        if (admin_sees(job->query.caller, client->organization) && (wanted == NULL || strcmp(wanted, client->organization) == 0))
            admin_page_add(page, &job->params, g_strdup(key), client);
    }
    admin_page_cut(page, page->len);
    return page;
}

static bool answer_export(struct admin_job *job, struct reader *reader, struct refusal *refusal, GError **error)
{
    (void)reader, (void)refusal;
    struct registry_snapshot *snapshot = admin_job_look(job, error);
    if (snapshot == NULL)
        return false;
    GArray *page = collect(job, snapshot);
    for (size_t i = 0; i < G_N_ELEMENTS(columns); i++)
        g_string_append_printf(job->out, "%s%s", i > 0 ? "," : "", admin_field_name(columns[i]));
    g_string_append(job->out, "\r\n");
    for (guint i = 0; i < page->len; i++)
        append_client(job->out, g_array_index(page, struct admin_entry, i).item);
    g_array_free(page, TRUE);
    registry_release(snapshot);
    job->type = "text/csv; charset=utf-8; header=present";
    http_response_header(job->query.request, "Content-Disposition", "attachment; filename=\"daybook-clients.csv\"");
    return true;
}

/* ---- in: what is wrong ---- */

static void clear_bad(void *opaque)
{
    struct admin_csv_bad *bad = opaque;
    refusal_clear(&bad->refusal);
}

static void free_client(void *client)
{
    registry_client_free(client);
}

/* Takes the refusal. */
static void note(struct admin_csv *csv, uint64_t line, struct refusal *refusal)
{
    struct admin_csv_bad bad = {line, *refusal};
    *refusal = (struct refusal){0};
    csv->n_bad++;
    if (csv->bad->len < ADMIN_CSV_LINES_TOLD)
        g_array_append_val(csv->bad, bad);
    else
        clear_bad(&bad);
}

static void note_value(struct admin_csv *csv, uint64_t line, const char *field, const char *value, const char *allowed)
{
    struct refusal refusal = {0};
    refusal_set_value(&refusal, "INVALID_VALUE", "Invalid value", field, value, allowed);
    note(csv, line, &refusal);
}

/* ---- in: one line ---- */

/* What is the same for all lines. */
struct table {
    struct admin_csv *csv;
    const struct caller *caller;
    const struct registry_snapshot *snapshot;
    enum admin_field fields[G_N_ELEMENTS(columns)]; /* of each column */
    guint n_fields;
};

/* Without the apostrophe that csv_append puts before what a spreadsheet would take for a formula. */
static const char *plain(const char *text)
{
    return text[0] == '\'' && text[1] != '\0' && strchr("=+-@\t\r", text[1]) != NULL ? text + 1 : text;
}

/* False: what is wrong is noted, all of it. */
static bool read_fields(const struct table *table, const struct csv *reader, struct admin_body *body)
{
    guint before = table->csv->n_bad;
    if (csv_count(reader) != table->n_fields) {
        struct refusal refusal = {0};
        refusal_set(&refusal, 400, "INVALID_VALUE", "There are %u fields in this line, and %u in the header.", csv_count(reader),
                    table->n_fields);
        note(table->csv, csv_line(reader), &refusal);
        return false;
    }
    for (guint i = 0; i < table->n_fields; i++) {
        struct refusal refusal = {0};
        if (!admin_body_take(body, table->fields[i], plain(csv_field(reader, i)), &refusal))
            note(table->csv, csv_line(reader), &refusal);
    }
    return table->csv->n_bad == before;
}

static char *choose(const struct admin_body *body, enum admin_field field, const char *before)
{
    return g_strdup(admin_body_text(body, field, before != NULL ? before : ""));
}

static struct registry_client *make_client(const struct admin_body *body, const char *organization,
                                           const struct registry_client *before)
{
    struct registry_client *client = g_new(struct registry_client, 1);
    *client = (struct registry_client){
        .id = g_strdup(body->texts[ADMIN_ID]),
        .name = choose(body, ADMIN_NAME, before != NULL ? before->name : NULL),
        .organization = g_strdup(organization),
        .platform = choose(body, ADMIN_PLATFORM, before != NULL ? before->platform : NULL),
        .plan = choose(body, ADMIN_PLAN, before != NULL ? before->plan : NULL),
        .tier = admin_body_has(body, ADMIN_TIER) || before == NULL ? body->tier : before->tier,
    };
    return client;
}

static bool is_same(const struct registry_client *a, const struct registry_client *b)
{
    return strcmp(a->name, b->name) == 0 && strcmp(a->platform, b->platform) == 0 && strcmp(a->plan, b->plan) == 0 &&
           a->tier == b->tier;
}

static bool check_client(const struct table *table, uint64_t line, const struct registry_client *client,
                         const struct registry_client *before)
{
    g_autofree char *key = registry_client_key(client->organization, client->id);
    uint64_t first = (uint64_t)GPOINTER_TO_SIZE(g_hash_table_lookup(table->csv->seen, key));
    const struct caller *caller = table->caller;
    if (first != 0) {
        g_autofree char *allowed = g_strdup_printf("each client once; it is in line %" G_GUINT64_FORMAT " too", first);
        note_value(table->csv, line, "id", client->id, allowed);
    } else if (caller->organization != NULL && strcmp(caller->organization, client->organization) != 0) {
        note_value(table->csv, line, "organization", client->organization, caller->organization);
    } else if (caller->organization != NULL && client->tier > caller->tier && (before == NULL || before->tier != client->tier)) {
        g_autofree char *allowed = g_strdup_printf("a tier up to your own, %s", caller_tier_name(caller->tier));
        note_value(table->csv, line, "tier", caller_tier_name(client->tier), allowed);
    } else {
        g_hash_table_insert(table->csv->seen, g_steal_pointer(&key), GSIZE_TO_POINTER((gsize)line));
        return true;
    }
    return false;
}

static void count(struct admin_csv *csv, struct registry_client *client, const struct registry_client *before)
{
    if (before != NULL && is_same(client, before)) {
        csv->unchanged++;
        registry_client_free(client);
        return;
    }
    csv->created += before == NULL;
    csv->changed += before != NULL;
    g_ptr_array_add(csv->clients, client);
}

static void take_line(const struct table *table, uint64_t line, const struct admin_body *body)
{
    const char *organization = admin_body_text(body, ADMIN_ORGANIZATION, table->caller->organization);
    const struct registry_client *before = registry_find_client(table->snapshot, organization, body->texts[ADMIN_ID]);
    struct registry_client *client = make_client(body, organization, before);
    if (check_client(table, line, client, before))
        count(table->csv, client, before);
    else
        registry_client_free(client);
}

/* ---- in: the table ---- */

static bool read_header(struct table *table, const struct csv *reader)
{
    uint32_t seen = 0;
    for (guint i = 0; i < csv_count(reader); i++) {
        enum admin_field field = admin_field_named(csv_field(reader, i), ADMIN_CLIENT_FIELDS & ~seen);
        if (field == ADMIN_FIELD_N) {
            g_autofree char *allowed = admin_field_names(ADMIN_CLIENT_FIELDS & ~seen);
            note_value(table->csv, csv_line(reader), "header", csv_field(reader, i), allowed[0] ? allowed : "no more columns");
            return false;
        }
        seen |= 1U << field;
        table->fields[table->n_fields++] = field;
    }
    if ((seen & (1U << ADMIN_ID)) == 0)
        note_value(table->csv, csv_line(reader), "header", "", "a column id");
    else if (table->caller->organization == NULL && (seen & (1U << ADMIN_ORGANIZATION)) == 0)
        note_value(table->csv, csv_line(reader), "header", "", "a column organization, because you see several");
    return table->csv->n_bad == 0;
}

static void read_lines(const struct table *table, struct csv *reader, GError **error)
{
    while (csv_next(reader, error)) {
        struct admin_body body = {0};
        if (read_fields(table, reader, &body))
            take_line(table, csv_line(reader), &body);
        admin_body_clear(&body);
        if (table->csv->created + g_hash_table_size(table->snapshot->clients) > REGISTRY_CLIENTS_MAX) {
            note_value(table->csv, csv_line(reader), "id", "", "no more clients than 100000 in all");
            return;
        }
    }
}

void admin_csv_read(struct admin_csv *csv, struct view text, const struct caller *caller, const struct registry_snapshot *snapshot)
{
    g_autoptr(GError) error = NULL;
    struct table table = {.csv = csv, .caller = caller, .snapshot = snapshot};
    *csv = (struct admin_csv){
        .clients = g_ptr_array_new_with_free_func(free_client),
        .seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL),
        .bad = g_array_new(FALSE, FALSE, sizeof(struct admin_csv_bad)),
    };
    g_array_set_clear_func(csv->bad, clear_bad);
    struct csv *reader = csv_new(text);
    if (!csv_next(reader, &error) && error == NULL)
        note_value(csv, 1, "header", "", "a header row");
    else if (error == NULL && read_header(&table, reader))
        read_lines(&table, reader, &error);
    if (error != NULL) {
        struct refusal refusal = {0};
        refusal_set(&refusal, 400, "BAD_REQUEST", "The rest is not CSV (RFC 4180): %s.", error->message);
        note(csv, csv_line(reader), &refusal);
    }
    csv_free(reader);
}

void admin_csv_clear(struct admin_csv *csv)
{
    g_ptr_array_free(csv->clients, TRUE);
    g_hash_table_destroy(csv->seen);
    g_array_free(csv->bad, TRUE);
}

/* ---- in: the request ---- */

struct import {
    struct admin_job *job;
    struct admin_csv csv;
};

static void decide_import(struct registry_change *change, void *opaque)
{
    struct import *import = opaque;
    struct http_request *request = import->job->query.request;
    if (import->csv.clients != NULL)
        admin_csv_clear(&import->csv);
    admin_csv_read(&import->csv, http_request_body(request), import->job->query.caller, change->snapshot);
    for (guint i = 0; import->csv.n_bad == 0 && i < import->csv.clients->len; i++)
        registry_put(change, REGISTRY_CLIENTS, g_ptr_array_index(import->csv.clients, i));
}

static void write_bad(struct writer *writer, const struct admin_csv_bad *bad)
{
    writer_begin(writer, NULL, '{');
    writer_count(writer, "line", bad->line);
    if (bad->refusal.field != NULL) {
        writer_text(writer, "field", view_of(bad->refusal.field));
        writer_text(writer, "value", view_of(bad->refusal.value));
        writer_begin(writer, "allowed", '[');
        for (char **allowed = bad->refusal.allowed; *allowed != NULL; allowed++)
            writer_text(writer, NULL, view_of(*allowed));
        writer_end(writer, ']');
    }
    writer_text(writer, "message", view_of(bad->refusal.message));
    writer_end(writer, '}');
}

/* The form of every error under /api/v2 (answer.h), with the lines. */
static void write_refusal(struct admin_job *job, const struct admin_csv *csv)
{
    const char *id = http_request_id(job->query.request);
    g_autofree char *message = g_strdup_printf("%u values of the table are wrong, so nothing was changed.", csv->n_bad);
    struct writer writer;
    writer_init(&writer, job->out);
    writer_begin(&writer, NULL, '{');
    writer_bool(&writer, "success", false);
    writer_text(&writer, "error", view_of("INVALID_VALUE"));
    writer_text(&writer, "message", view_of(message));
    writer_begin(&writer, "lines", '[');
    for (guint i = 0; i < csv->bad->len; i++)
        write_bad(&writer, &g_array_index(csv->bad, struct admin_csv_bad, i));
    writer_end(&writer, ']');
    writer_text(&writer, "code", view_of("invalid.value"));
    writer_count(&writer, "status", 400);
    writer_text(&writer, "contextId", view_of(id));
    writer_begin(&writer, "details", '[');
    writer_end(&writer, ']');
    writer_begin(&writer, "errors", '[');
    writer_end(&writer, ']');
    writer_text(&writer, "requestId", view_of(id));
    writer_time_ms(&writer, "timestamp", g_get_real_time() / G_TIME_SPAN_MILLISECOND);
    writer_end(&writer, '}');
    http_response_header(job->query.request, "ININ-Correlation-Id", id);
    job->status = 400;
}

static void write_report(struct admin_job *job, const struct admin_csv *csv)
{
    struct writer writer;
    writer_init(&writer, job->out);
    writer_begin(&writer, NULL, '{');
    writer_count(&writer, "created", csv->created);
    writer_count(&writer, "changed", csv->changed);
    writer_count(&writer, "unchanged", csv->unchanged);
    writer_end(&writer, '}');
    log_info("clients_imported",
             "caller=%s created=%" G_GUINT64_FORMAT " changed=%" G_GUINT64_FORMAT " unchanged=%" G_GUINT64_FORMAT,
             job->query.caller->id, csv->created, csv->changed, csv->unchanged);
}

static bool answer_import(struct admin_job *job, struct reader *reader, struct refusal *refusal, GError **error)
{
    struct import import = {.job = job};
    (void)refusal;
    bool ok = registry_change(job->route->registry, reader, decide_import, &import, error);
    if (ok && import.csv.n_bad > 0)
        write_refusal(job, &import.csv);
    else if (ok)
        write_report(job, &import.csv);
    if (import.csv.clients != NULL)
        admin_csv_clear(&import.csv);
    return ok;
}

void admin_csv_route_handle(struct admin_route *route, struct call *call)
{
    struct refusal refusal = {0};
    bool is_import = strcmp(http_request_method(call->request), "POST") == 0;
    struct admin_job *job =
        admin_job_new(route, call, is_import ? 0 : ADMIN_BY_ORGANIZATION, is_import ? answer_import : answer_export);
    if (job == NULL)
        return;
    job->query.heavy = is_import && http_request_body(call->request).size > ADMIN_CSV_LIGHT_BYTES;
    if (is_import && !admin_check_type(call->request, "text/csv", &refusal))
        admin_job_refuse(job, &refusal);
    else
        admin_job_submit(job);
}
