#include "api/admin_methods.h"

#include "api/writer.h"
#include "lib/log.h"

#define PATH "/api/v2/admin/methods"

static void write_method(struct writer *writer, const char *key, const struct method *method)
{
    writer_begin(writer, key, '{');
    writer_text(writer, "name", view_of(method->name));
    writer_text(writer, "title", view_of(method->title));
    if (method->organization != NULL)
        writer_text(writer, "organization", view_of(method->organization));
    else
        writer_null(writer, "organization");
    writer_begin(writer, "endpoints", '[');
    for (char **pattern = method->patterns; *pattern != NULL; pattern++)
        writer_text(writer, NULL, view_of(*pattern));
    writer_end(writer, ']');
    writer_end(writer, '}');
}

static void write_one(struct admin_job *job, const struct method *method)
{
    struct writer writer;
    writer_init(&writer, job->out);
    write_method(&writer, NULL, method);
}

static bool refuse_missing(const struct admin_job *job, struct refusal *refusal)
{
    const char *organization = job->params.organization != NULL ? job->params.organization : job->query.caller->organization;
    if (organization == NULL)
        return refusal_set(refusal, 404, "NOT_FOUND", "There is no method '%s' of all organizations.", job->part);
    return refusal_set(refusal, 404, "NOT_FOUND", "There is no method '%s' of organization '%s'.", job->part, organization);
}

/* ---- the list ---- */

static bool is_shown(const struct admin_job *job, const struct method *method)
{
    const char *wanted = job->params.organization;
    if (wanted != NULL && g_strcmp0(wanted, method->organization) != 0)
        return false;
    return method->organization == NULL || admin_sees(job->query.caller, method->organization);
}

static GArray *collect(const struct admin_job *job, const struct registry_snapshot *snapshot, uint64_t *total)
{
    GArray *page = admin_page_new();
    GHashTableIter iter;
    void *key, *value;
    g_hash_table_iter_init(&iter, snapshot->methods);
    while (g_hash_table_iter_next(&iter, &key, &value)) {
        if (!is_shown(job, value))
            continue;
        (*total)++;
        admin_page_add(page, &job->params, g_strdup(key), value);
    }
    return page;
}

static bool answer_list(struct admin_job *job, struct reader *reader, struct refusal *refusal, GError **error)
{
    (void)reader, (void)refusal;
    struct registry_snapshot *snapshot = admin_job_look(job, error);
    if (snapshot == NULL)
        return false;
    uint64_t total = 0;
    struct writer writer;
    GArray *page = collect(job, snapshot, &total);
    bool more = admin_page_cut(page, job->params.page_size);
    writer_init(&writer, job->out);
    writer_begin(&writer, NULL, '{');
    writer_begin(&writer, "entities", '[');
    for (guint i = 0; i < page->len; i++)
        write_method(&writer, NULL, g_array_index(page, struct admin_entry, i).item);
    writer_end(&writer, ']');
    writer_count(&writer, "total", total);
    if (more) {
        g_autofree char *next = admin_params_next(&job->params, PATH, g_array_index(page, struct admin_entry, page->len - 1).key);
        writer_text(&writer, "nextUri", view_of(next));
    }
    writer_end(&writer, '}');
    g_array_free(page, TRUE);
    registry_release(snapshot);
    return true;
}

/* ---- which one ---- */

/* Of whom the method is that is meant. False: refused. */
static bool choose_organization(const struct admin_job *job, const char **organization, struct refusal *refusal)
{
    const char *own = job->query.caller->organization;
    *organization = job->params.organization != NULL ? job->params.organization : own;
    return own == NULL || strcmp(*organization, own) == 0 || refuse_missing(job, refusal);
}

static bool answer_one(struct admin_job *job, struct reader *reader, struct refusal *refusal, GError **error)
{
    (void)reader;
    const char *organization;
    if (!choose_organization(job, &organization, refusal))
        return false;
    struct registry_snapshot *snapshot = admin_job_look(job, error);
    if (snapshot == NULL)
        return false;
    const struct method *method = registry_find_method(snapshot, organization, job->part);
    if (method != NULL)
        write_one(job, method);
    else
        refuse_missing(job, refusal);
    registry_release(snapshot);
    return method != NULL;
}

/* ---- changes ---- */

static void log_change(const struct admin_job *job, const char *event)
{
    const struct method *method = job->method;
    log_info(event, "caller=%s method=%s organization=%s endpoints=%u", job->query.caller->id, method->name,
             method->organization != NULL ? method->organization : "*", g_strv_length(method->patterns));
}

static void decide_put(struct registry_change *change, void *opaque)
{
    struct admin_job *job = opaque;
    const struct admin_body *body = &job->body;
    const char *own = job->query.caller->organization;
    const char *organization = body->all_organizations ? NULL : admin_body_text(body, ADMIN_ORGANIZATION, own);
    if (!admin_check_grant(job->query.caller, organization, TIER_FREE, TIER_FREE, job->refusal))
        return;
    g_autofree char *key = registry_name_key(organization, job->part);
    bool was_there = g_hash_table_contains(change->snapshot->methods, key);
    if (!was_there && g_hash_table_size(change->snapshot->methods) >= REGISTRY_METHODS_MAX) {
        refusal_set(job->refusal, 409, "CONFLICT", "There are %d methods, and cannot be more.", REGISTRY_METHODS_MAX);
        return;
    }
    method_free(job->method);
    job->method = method_new(job->part, admin_body_text(body, ADMIN_TITLE, ""), organization, (const char *const *)body->endpoints);
    job->status = was_there ? 200 : 201;
    registry_put(change, REGISTRY_METHODS, job->method);
}

static bool answer_put(struct admin_job *job, struct reader *reader, struct refusal *refusal, GError **error)
{
    if (!admin_job_change(job, reader, decide_put, refusal, error))
        return false;
    log_change(job, job->status == 201 ? "method_created" : "method_changed");
    write_one(job, job->method);
    return true;
}

static void decide_delete(struct registry_change *change, void *opaque)
{
    struct admin_job *job = opaque;
    const char *organization;
    if (!choose_organization(job, &organization, job->refusal))
        return;
    g_autofree char *key = registry_name_key(organization, job->part);
    const struct method *method = g_hash_table_lookup(change->snapshot->methods, key);
    if (method == NULL && job->method != NULL)
        return; /* it was there, and our answer got lost on the way */
    if (method == NULL && g_hash_table_contains(change->snapshot->methods, job->part)) {
        refusal_set(job->refusal, 403, "FORBIDDEN", "Forbidden: method '%s' is one of all organizations.", job->part);
        return;
    }
    if (method == NULL) {
        refuse_missing(job, job->refusal);
        return;
    }
    method_free(job->method);
    job->method = item_dup(&method_shape, method);
    registry_remove(change, REGISTRY_METHODS, method);
}

static bool answer_delete(struct admin_job *job, struct reader *reader, struct refusal *refusal, GError **error)
{
    if (!admin_job_change(job, reader, decide_delete, refusal, error))
        return false;
    log_change(job, "method_removed");
    write_one(job, job->method);
    return true;
}

/* ---- the request ---- */

static bool check(const struct admin_job *job, bool is_put, struct refusal *refusal)
{
    if (job->part[0] != '\0' && !method_name_is_valid(job->part))
        return refusal_set_value(refusal, "INVALID_VALUE", "Invalid value", "name", job->part, METHOD_NAME_ALLOWED);
    const char *name = admin_body_text(&job->body, ADMIN_NAME, job->part);
    if (strcmp(name, job->part) != 0)
        return refusal_set_value(refusal, "INVALID_VALUE", "The path names another method", "name", name, job->part);
    return !is_put || job->body.endpoints != NULL ||
           refusal_set_value(refusal, "INVALID_VALUE", "A method needs endpoints", "endpoints", "",
                             "a list of 1 to 100 patterns like GET /v1/orders/{id}");
}

static struct admin_job *make_job(struct admin_route *route, struct call *call, bool is_put)
{
    if (is_put)
        return admin_job_new_json(route, call, ADMIN_METHOD_FIELDS, answer_put);
    if (strcmp(http_request_method(call->request), "DELETE") == 0)
        return admin_job_new(route, call, ADMIN_BY_ORGANIZATION, answer_delete);
    if (call->parts[0][0] != '\0')
        return admin_job_new(route, call, ADMIN_BY_ORGANIZATION, answer_one);
    return admin_job_new(route, call, ADMIN_BY_ORGANIZATION | ADMIN_BY_PAGE, answer_list);
}

void admin_methods_route_handle(struct admin_route *route, struct call *call)
{
    struct refusal refusal = {0};
    bool is_put = strcmp(http_request_method(call->request), "PUT") == 0;
    struct admin_job *job = make_job(route, call, is_put);
    if (job == NULL)
        return;
    if (check(job, is_put, &refusal))
        admin_job_submit(job);
    else
        admin_job_refuse(job, &refusal);
}
