#include "api/admin_csv.h"

#include "api/admin_items.h"
#include "lib/csv.h"
#include "lib/log.h"

static const struct item_shape *shape_of(const struct admin_kind *kind)
{
    return admin_kind_info(kind)->shape;
}

/* ---- out ---- */

static void append_line(GString *out, const struct item_shape *shape, const void *item)
{
    bool first = true;
    for (size_t i = 0; i < shape->n_fields; i++) {
        if (shape->fields[i].is_ours)
            continue;
        g_autofree char *text = item != NULL ? item_field_text(&shape->fields[i], item) : g_strdup(shape->fields[i].name);
        g_string_append(out, first ? "" : ",");
        csv_append(out, text);
        first = false;
    }
    g_string_append(out, "\r\n");
}

static void show_table(struct admin_job *job, struct admin_page *page)
{
    const struct registry_kind_info *info = admin_kind_info(job->kind);
    g_autofree char *disposition = g_strdup_printf("attachment; filename=\"daybook-%s.csv\"", info->names);
    append_line(job->out, info->shape, NULL);
    for (guint i = 0; i < page->entries->len; i++)
        append_line(job->out, info->shape, admin_page_item(page, i));
    job->type = "text/csv; charset=utf-8; header=present";
    http_response_header(job->query.request, "Content-Disposition", disposition);
}

static bool answer_export(struct admin_job *job, struct reader *reader, struct refusal *refusal, GError **error)
{
    (void)reader, (void)refusal;
    return admin_items_show(job, show_table, error);
}

/* ---- in: what is wrong ---- */

static void clear_bad(void *opaque)
{
    struct admin_csv_bad *bad = opaque;
    refusal_clear(&bad->refusal);
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
    const struct item_shape *shape;
    const struct caller *caller;
    const struct registry_snapshot *snapshot;
    size_t fields[ITEM_FIELDS_MAX]; /* of each column, its index in the shape */
    guint n_fields;
};

/* Without the apostrophe that csv_append puts before what a spreadsheet would take for a formula. */
static const char *plain(const char *text)
{
    return text[0] == '\'' && text[1] != '\0' && strchr("=+-@\t\r", text[1]) != NULL ? text + 1 : text;
}

/* An empty cell says nothing where there is no empty value. */
static bool is_given(const struct item_field *field, const char *cell)
{
    return cell[0] != '\0' || item_field_may_be_empty(field);
}

/* Puts what the cells say into the item. False: what is wrong is noted, all of it. */
static bool take_cells(const struct table *table, const struct csv *reader, void *item, admin_given *given)
{
    bool ok = true;
    for (guint i = 0; i < table->n_fields; i++) {
        struct refusal refusal = {0};
        size_t field = table->fields[i];
        const char *cell = plain(csv_field(reader, i));
        if (!is_given(&table->shape->fields[field], cell))
            continue;
        *given |= 1U << field;
        if (admin_item_take_cell(table->shape, field, item, cell, &refusal))
            continue;
        note(table->csv, csv_line(reader), &refusal);
        ok = false;
    }
    return ok;
}

static bool check_seen(const struct table *table, uint64_t line, const void *item, const char *key)
{
    const struct admin_kind *kind = table->csv->kind;
    uint64_t first = (uint64_t)GPOINTER_TO_SIZE(g_hash_table_lookup(table->csv->seen, key));
    if (first == 0) {
        g_hash_table_insert(table->csv->seen, g_strdup(key), GSIZE_TO_POINTER((gsize)line));
        return true;
    }
    g_autofree char *allowed =
        g_strdup_printf("each %s once; it is in line %" G_GUINT64_FORMAT " too", admin_kind_info(kind)->name, first);
    note_value(table->csv, line, kind->id, item_field_borrow(item_field_named(table->shape, kind->id), item), allowed);
    return false;
}

/* Takes the item. before: as it is registered, or NULL. */
static void take_item(const struct table *table, uint64_t line, void *item, const void *before, admin_given given)
{
    struct admin_csv *csv = table->csv;
    struct refusal refusal = {0};
    if (before != NULL && admin_kind_shows(csv->kind, table->caller, before) && item_equal(table->shape, item, before)) {
        csv->unchanged++;
        item_free(table->shape, item);
        return;
    }
    bool is_told = csv->bad->len < ADMIN_CSV_LINES_TOLD;
    if (!admin_kind_may_put(csv->kind, table->caller, item, before, &refusal) ||
        !admin_item_check(table->shape, admin_kind_info(csv->kind)->name, item, given, &refusal) ||
        !admin_kind_check(csv->kind, table->snapshot, item, before, is_told ? &refusal : NULL)) {
        note(csv, line, &refusal);
        item_free(table->shape, item);
        return;
    }
    csv->created += before == NULL;
    csv->changed += before != NULL;
    g_ptr_array_add(csv->items, item);
}

static void take_line(const struct table *table, const struct csv *reader)
{
    const struct registry_kind_info *info = admin_kind_info(table->csv->kind);
    admin_given given = 0, all = (admin_given)-1;
    void *item = admin_item_new(table->shape, table->caller);
    if (!take_cells(table, reader, item, &given)) {
        item_free(table->shape, item);
        return;
    }
    g_autofree char *key = info->field(item);
    const void *before = g_hash_table_lookup(table->snapshot->items[table->csv->kind->kind], key);
    bool is_first = check_seen(table, csv_line(reader), item, key);
    if (is_first && before != NULL) {
        item_free(table->shape, item);
        item = item_dup(table->shape, before);
        take_cells(table, reader, item, &given);
    }
    if (is_first)
        take_item(table, csv_line(reader), item, before, before != NULL ? all : given);
    else
        item_free(table->shape, item);
}

/* ---- in: the table ---- */

static bool read_header(struct table *table, const struct csv *reader)
{
    const struct admin_kind *kind = table->csv->kind;
    admin_given seen = 0;
    for (guint i = 0; i < csv_count(reader); i++) {
        size_t field = admin_item_field(table->shape, csv_field(reader, i));
        if (field == table->shape->n_fields || (seen & 1U << field) != 0) {
            g_autofree char *allowed = admin_item_fields(table->shape, seen);
            note_value(table->csv, csv_line(reader), "header", csv_field(reader, i), allowed[0] ? allowed : "no more columns");
            return false;
        }
        seen |= 1U << field;
        table->fields[table->n_fields++] = field;
    }
    if ((seen & 1U << admin_item_field(table->shape, kind->id)) == 0)
        note_value(table->csv, csv_line(reader), "header", "", "a column id");
    else if (kind->scope != ADMIN_ALONE && table->caller->organization == NULL &&
             (seen & 1U << admin_item_field(table->shape, "organization")) == 0)
        note_value(table->csv, csv_line(reader), "header", "", "a column organization, because you see several");
    return table->csv->n_bad == 0;
}

/* False: there are too many, which is noted, too. */
static bool read_line(const struct table *table, const struct csv *reader)
{
    const struct registry_kind_info *info = admin_kind_info(table->csv->kind);
    struct refusal refusal = {0};
    if (csv_count(reader) == table->n_fields) {
        take_line(table, reader);
    } else {
        refusal_set(&refusal, 400, "INVALID_VALUE", "There are %u fields in this line, and %u in the header.", csv_count(reader),
                    table->n_fields);
        note(table->csv, csv_line(reader), &refusal);
    }
    if (table->csv->created + g_hash_table_size(table->snapshot->items[table->csv->kind->kind]) <= info->most)
        return true;
    g_autofree char *allowed = g_strdup_printf("no more %s than %u in all", info->names, info->most);
    note_value(table->csv, csv_line(reader), table->csv->kind->id, "", allowed);
    return false;
}

void admin_csv_init(struct admin_csv *csv, const struct admin_kind *kind)
{
    *csv = (struct admin_csv){
        .kind = kind,
        .items = g_ptr_array_new(),
        .seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL),
        .bad = g_array_new(FALSE, FALSE, sizeof(struct admin_csv_bad)),
    };
    g_array_set_clear_func(csv->bad, clear_bad);
}

void admin_csv_read(struct admin_csv *csv, struct view text, const struct caller *caller, const struct registry_snapshot *snapshot)
{
    g_autoptr(GError) error = NULL;
    struct table table = {.csv = csv, .shape = shape_of(csv->kind), .caller = caller, .snapshot = snapshot};
    struct csv *reader = csv_new(text);
    if (!csv_next(reader, &error) && error == NULL)
        note_value(csv, 1, "header", "", "a header row");
    else if (error == NULL && read_header(&table, reader))
        while (csv_next(reader, &error) && read_line(&table, reader))
            continue;
    if (error != NULL) {
        struct refusal refusal = {0};
        refusal_set(&refusal, 400, "BAD_REQUEST", "The rest is not CSV (RFC 4180): %s.", error->message);
        note(csv, csv_line(reader), &refusal);
    }
    csv_free(reader);
}

void admin_csv_clear(struct admin_csv *csv)
{
    for (guint i = 0; i < csv->items->len; i++)
        item_free(shape_of(csv->kind), g_ptr_array_index(csv->items, i));
    g_ptr_array_free(csv->items, TRUE);
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
    const struct admin_job *job = import->job;
    admin_csv_clear(&import->csv);
    admin_csv_init(&import->csv, job->kind);
    admin_csv_read(&import->csv, http_request_body(job->query.request), job->query.caller, change->snapshot);
    for (guint i = 0; import->csv.n_bad == 0 && i < import->csv.items->len; i++)
        registry_put(change, job->kind->kind, g_ptr_array_index(import->csv.items, i));
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
    g_autofree char *event = g_strdup_printf("%s_imported", admin_kind_info(job->kind)->names);
    log_info(event, "caller=%s created=%" G_GUINT64_FORMAT " changed=%" G_GUINT64_FORMAT " unchanged=%" G_GUINT64_FORMAT,
             job->query.caller->id, csv->created, csv->changed, csv->unchanged);
}

static bool answer_import(struct admin_job *job, struct reader *reader, struct refusal *refusal, GError **error)
{
    struct import import = {.job = job};
    (void)refusal;
    admin_csv_init(&import.csv, job->kind);
    bool ok = registry_change(job->route->registry, reader, decide_import, &import, error);
    if (ok && import.csv.n_bad > 0)
        write_refusal(job, &import.csv);
    else if (ok)
        write_report(job, &import.csv);
    admin_csv_clear(&import.csv);
    return ok;
}

void admin_csv_route_handle(struct admin_route *route, struct call *call)
{
    struct refusal refusal = {0};
    const struct admin_kind *kind = admin_kind_at(http_request_path(call->request));
    bool is_import = strcmp(http_request_method(call->request), "POST") == 0;
    struct admin_job *job = admin_job_new(route, call, is_import ? 0 : kind->filters, is_import ? answer_import : answer_export);
    if (job == NULL)
        return;
    job->kind = kind;
    job->query.heavy = is_import && http_request_body(call->request).size > ADMIN_CSV_LIGHT_BYTES;
    if (is_import && !admin_check_type(call->request, "text/csv", &refusal))
        admin_job_refuse(job, &refusal);
    else
        admin_job_submit(job);
}
