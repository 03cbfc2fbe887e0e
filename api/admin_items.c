#include "api/admin_items.h"

#include "lib/log.h"

static const struct item_shape *shape_of(const struct admin_job *job)
{
    return admin_kind_info(job->kind)->shape;
}

static void write_item(const struct admin_job *job, const void *item, bool with_secrets)
{
    struct writer writer;
    writer_init(&writer, job->out);
    writer_begin(&writer, NULL, '{');
    item_write(shape_of(job), item, with_secrets, &writer);
    writer_end(&writer, '}');
}

void admin_items_write(const struct admin_job *job, bool with_secrets)
{
    write_item(job, job->done, with_secrets);
}

void admin_items_log(const struct admin_job *job, const char *what)
{
    const char *organization = admin_kind_organization(job->kind, job->done);
    g_autofree char *event = g_strdup_printf("%s_%s", admin_kind_info(job->kind)->name, what),
                    *id = item_field_text(item_field_named(shape_of(job), job->kind->id), job->done);
    log_info(event, "caller=%s id=%s organization=%s", job->query.caller->id, id, organization != NULL ? organization : "(all)");
}

/* ---- the list ---- */

static void collect(const struct admin_job *job, const struct registry_snapshot *snapshot, struct admin_page *page)
{
    GHashTableIter iter;
    void *field, *item;
    admin_page_init(page, &job->params);
    g_hash_table_iter_init(&iter, snapshot->items[job->kind->kind]);
    while (g_hash_table_iter_next(&iter, &field, &item))
        if (admin_kind_shows(job->kind, job->query.caller, item) && admin_kind_fits(job->kind, &job->params, item))
            admin_page_add(page, g_strdup(field), item);
    admin_page_sort(page);
}

bool admin_items_show(struct admin_job *job, void (*show)(struct admin_job *job, struct admin_page *page), GError **error)
{
    struct registry_snapshot *snapshot = admin_job_look(job, error);
    if (snapshot == NULL)
        return false;
    struct admin_page page;
    collect(job, snapshot, &page);
    show(job, &page);
    admin_page_clear(&page);
    registry_release(snapshot);
    return true;
}

static void write_entry(struct writer *writer, const struct admin_page *page, guint index, const void *opaque)
{
    const struct admin_job *job = opaque;
    writer_begin(writer, NULL, '{');
    item_write(shape_of(job), admin_page_item(page, index), false, writer);
    writer_end(writer, '}');
}

static void show_page(struct admin_job *job, struct admin_page *page)
{
    admin_page_cut(page);
    admin_page_write(page, job->kind->path, job->out, write_entry, job);
}

static bool answer_list(struct admin_job *job, struct reader *reader, struct refusal *refusal, GError **error)
{
    (void)reader, (void)refusal;
    return admin_items_show(job, show_page, error);
}

/* ---- which one ---- */

static bool refuse_missing(const struct admin_job *job, const char *organization, struct refusal *refusal)
{
    const char *name = admin_kind_info(job->kind)->name;
    if (job->kind->scope == ADMIN_ALONE)
        return refusal_set(refusal, 404, "NOT_FOUND", "There is no %s '%s'.", name, job->part);
    if (organization == NULL)
        return refusal_set(refusal, 404, "NOT_FOUND", "There is no %s '%s'%s.", name, job->part,
                           job->kind->scope == ADMIN_OF_SOME ? " of all organizations" : "");
    return refusal_set(refusal, 404, "NOT_FOUND", "There is no %s '%s' of organization '%s'.", name, job->part, organization);
}

/* For the same id several organizations have something, or none, so that it must be said of which it is. */
static bool refuse_ambiguous(const GPtrArray *same, struct refusal *refusal)
{
    g_autoptr(GString) names = g_string_new(NULL);
    for (guint i = 0; same != NULL && i < same->len; i++)
        g_string_append_printf(names, "%s%s", i > 0 ? "|" : "",
                               ((const struct registry_client *)g_ptr_array_index(same, i))->organization);
    return refusal_set_value(refusal, "INVALID_VALUE", "The organization must be given", "organization", "",
                             same != NULL ? names->str : "the name of an organization");
}

/* The organization of a client when neither the request nor the caller has one: that of the only client with the id. */
static bool guess_organization(const struct admin_job *job, const struct registry_snapshot *snapshot, const char **organization,
                               struct refusal *refusal)
{
    const GPtrArray *same = registry_find_clients(snapshot, job->part);
    if (same == NULL || same->len != 1)
        return refuse_ambiguous(same, refusal);
    *organization = ((const struct registry_client *)g_ptr_array_index(same, 0))->organization;
    return true;
}

/* What lies under this name just there; NULL: nothing. */
static const void *look_up(const struct admin_job *job, const struct registry_snapshot *snapshot, const char *organization)
{
    g_autofree char *field = job->kind->scope == ADMIN_ALONE ? g_strdup(job->part) : registry_name_key(organization, job->part);
    return g_hash_table_lookup(snapshot->items[job->kind->kind], field);
}

/* Sets of whom the item is that is meant. False: refused. */
static bool choose_organization(const struct admin_job *job, const struct registry_snapshot *snapshot, const char **organization,
                                struct refusal *refusal)
{
    *organization = job->params.organization != NULL ? job->params.organization : job->query.caller->organization;
    if (job->kind->scope != ADMIN_OF_ONE || *organization != NULL)
        return true;
    if (registry_find_clients(snapshot, job->part) == NULL)
        return refuse_missing(job, NULL, refusal);
    return guess_organization(job, snapshot, organization, refusal);
}

const void *admin_items_find(const struct admin_job *job, const struct registry_snapshot *snapshot, struct refusal *refusal)
{
    const char *organization;
    if (!choose_organization(job, snapshot, &organization, refusal))
        return NULL;
    const void *item = look_up(job, snapshot, organization);
    bool may_mean = organization == NULL || admin_sees(job->query.caller, organization);
    if (item == NULL && may_mean && job->kind->scope == ADMIN_OF_SOME)
        item = look_up(job, snapshot, NULL);
    if (item != NULL && may_mean && admin_kind_shows(job->kind, job->query.caller, item))
        return item;
    refuse_missing(job, organization, refusal);
    return NULL;
}

/* Not one of all that stands in for an organization's own, nor one that an administrator of one organization only looks at. */
static bool is_own(const struct admin_job *job, const void *item)
{
    const char *own = job->query.caller->organization, *meant = job->params.organization != NULL ? job->params.organization : own;
    const char *organization = admin_kind_organization(job->kind, item);
    if (own != NULL && job->kind->is_of_all)
        return false;
    if (job->kind->scope == ADMIN_OF_ONE)
        return true;
    if (job->kind->scope == ADMIN_OF_SOME)
        return g_strcmp0(organization, meant) == 0;
    return own == NULL || g_strcmp0(organization, own) == 0;
}

const void *admin_items_find_own(const struct admin_job *job, const struct registry_snapshot *snapshot, struct refusal *refusal)
{
    const void *item = admin_items_find(job, snapshot, refusal);
    if (item == NULL || is_own(job, item))
        return item;
    refusal_set(refusal, 403, "FORBIDDEN", "Forbidden: the %s '%s' is changed by administrators of all organizations.",
                admin_kind_info(job->kind)->name, job->part);
    return NULL;
}

static bool answer_one(struct admin_job *job, struct reader *reader, struct refusal *refusal, GError **error)
{
    (void)reader;
    struct registry_snapshot *snapshot = admin_job_look(job, error);
    if (snapshot == NULL)
        return false;
    const void *item = admin_items_find(job, snapshot, refusal);
    if (item != NULL)
        write_item(job, item, false);
    registry_release(snapshot);
    return item != NULL;
}

/* ---- changes ---- */

void admin_items_keep(struct admin_job *job, void *done)
{
    item_free(shape_of(job), job->done);
    job->done = done;
}

/* A client of which no organization is known yet gets that of the one which is there. */
static bool complete_client(const struct admin_job *job, const struct registry_snapshot *snapshot, struct registry_client *client)
{
    const char *organization = job->query.caller->organization;
    const struct item_field *field = item_field_named(&registry_client_shape, "organization");
    if ((job->given & 1U << (field - registry_client_shape.fields)) != 0)
        return true;
    if (organization == NULL && !guess_organization(job, snapshot, &organization, job->refusal))
        return false;
    item_take_text(field, client, organization);
    return true;
}

/* What we make ourselves stays as it was. */
static void copy_ours(const struct item_shape *shape, void *item, const void *before)
{
    for (size_t i = 0; i < shape->n_fields; i++)
        if (shape->fields[i].is_ours)
            item_take_text(&shape->fields[i], item, item_field_borrow(&shape->fields[i], before));
}

static bool check_put(struct admin_job *job, const struct registry_snapshot *snapshot, const void *before)
{
    const struct caller *caller = job->query.caller;
    if (job->kind->is_posted && !job->is_new && (before == NULL || !admin_kind_shows(job->kind, caller, before)))
        return refuse_missing(job, NULL, job->refusal);
    return admin_kind_may_put(job->kind, caller, job->done, before, job->refusal) &&
           (before != NULL || admin_kind_has_room(job->kind, snapshot, job->refusal)) &&
           admin_kind_check(job->kind, snapshot, job->done, before, job->refusal);
}

static void decide_put(struct registry_change *change, void *opaque)
{
    struct admin_job *job = opaque;
    admin_items_keep(job, item_dup(shape_of(job), job->item));
    if (job->kind->scope == ADMIN_OF_ONE && !complete_client(job, change->snapshot, job->done))
        return;
    g_autofree char *field = admin_kind_info(job->kind)->field(job->done);
    const void *before = g_hash_table_lookup(change->snapshot->items[job->kind->kind], field);
    if (!check_put(job, change->snapshot, before))
        return;
    if (before != NULL)
        copy_ours(shape_of(job), job->done, before);
    job->status = before != NULL ? 200 : 201;
    registry_put(change, job->kind->kind, job->done);
}

bool admin_items_answer_put(struct admin_job *job, struct reader *reader, struct refusal *refusal, GError **error)
{
    if (!admin_job_change(job, reader, decide_put, refusal, error))
        return false;
    admin_items_log(job, job->status == 201 ? "created" : "changed");
    admin_items_write(job, job->is_new);
    return true;
}

static void decide_delete(struct registry_change *change, void *opaque)
{
    struct admin_job *job = opaque;
    const void *item = admin_items_find_own(job, change->snapshot, job->refusal);
    if (item == NULL && job->done != NULL)
        refusal_clear(job->refusal); /* it was there, and our answer got lost on the way */
    if (item == NULL)
        return;
    if (job->kind->check_unused != NULL && !job->kind->check_unused(change->snapshot, item, job->refusal))
        return;
    admin_items_keep(job, item_dup(shape_of(job), item));
    registry_remove(change, job->kind->kind, item);
}

static bool answer_delete(struct admin_job *job, struct reader *reader, struct refusal *refusal, GError **error)
{
    if (!admin_job_change(job, reader, decide_delete, refusal, error))
        return false;
    admin_items_log(job, "removed");
    admin_items_write(job, false);
    return true;
}

/* ---- the request ---- */

/* The id in the path. */
static bool take_part(struct admin_job *job, void *item, struct refusal *refusal)
{
    const struct item_field *field = item_field_named(shape_of(job), job->kind->id);
    if (item_take_text(field, item, job->part))
        return true;
    g_autofree char *allowed = item_field_allowed(field);
    return refusal_set_value(refusal, "INVALID_VALUE", "Invalid value", job->kind->part, job->part, allowed);
}

/* The same in the body, if it is there. */
static bool check_part(const struct admin_job *job, struct refusal *refusal)
{
    const char *id = item_field_borrow(item_field_named(shape_of(job), job->kind->id), job->item);
    if (strcmp(id, job->part) == 0)
        return true;
    g_autofree char *words = g_strdup_printf("This is another %s", admin_kind_info(job->kind)->name);
    return refusal_set_value(refusal, "INVALID_VALUE", words, job->kind->id, id, job->part);
}

bool admin_items_take(struct admin_job *job, struct refusal *refusal)
{
    const struct item_shape *shape = shape_of(job);
    struct http_request *request = job->query.request;
    job->item = admin_item_new(shape, job->query.caller);
    job->given = 1U << admin_item_field(shape, job->kind->id);
    return admin_check_type(request, "application/json", refusal) && take_part(job, job->item, refusal) &&
           admin_item_take_json(shape, job->item, http_request_body(request), &job->given, refusal) && check_part(job, refusal) &&
           admin_item_check(shape, admin_kind_info(job->kind)->name, job->item, job->given, refusal);
}

static bool check_request(struct admin_job *job, bool is_put, struct refusal *refusal)
{
    if (is_put)
        return admin_items_take(job, refusal);
    void *item = item_new(shape_of(job)); /* only to see whether it could have such an id */
    bool ok = job->part[0] == '\0' || take_part(job, item, refusal);
    item_free(shape_of(job), item);
    return ok;
}

static struct admin_job *make_job(struct admin_route *route, struct call *call, const struct admin_kind *kind)
{
    const char *method = http_request_method(call->request);
    uint32_t whose = kind->scope == ADMIN_ALONE ? 0 : ADMIN_BY_ORGANIZATION;
    if (strcmp(method, "PUT") == 0)
        return admin_job_new(route, call, 0, admin_items_answer_put);
    if (strcmp(method, "DELETE") == 0)
        return admin_job_new(route, call, whose, answer_delete);
    if (call->parts[0][0] != '\0')
        return admin_job_new(route, call, whose, answer_one);
    return admin_job_new(route, call, kind->filters | ADMIN_BY_PAGE, answer_list);
}

void admin_items_route_handle(struct admin_route *route, struct call *call)
{
    struct refusal refusal = {0};
    const struct admin_kind *kind = admin_kind_at(http_request_path(call->request));
    struct admin_job *job = make_job(route, call, kind);
    if (job == NULL)
        return;
    job->kind = kind;
    if (check_request(job, strcmp(http_request_method(call->request), "PUT") == 0, &refusal))
        admin_job_submit(job);
    else
        admin_job_refuse(job, &refusal);
}
