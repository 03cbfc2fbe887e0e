#include "api/admin_clients.h"

#include "lib/log.h"

#define PATH "/api/v2/admin/clients"

static void write_client(struct writer *writer, const char *key, const struct registry_client *client)
{
    writer_begin(writer, key, '{');
    writer_text(writer, "id", view_of(client->id));
    writer_text(writer, "name", view_of(client->name));
    writer_text(writer, "organization", view_of(client->organization));
    writer_text(writer, "tier", view_of(caller_tier_name(client->tier)));
    writer_text(writer, "platform", view_of(client->platform));
    writer_text(writer, "plan", view_of(client->plan));
    writer_end(writer, '}');
}

static bool refuse_missing(const struct admin_job *job, struct refusal *refusal)
{
    return refusal_set(refusal, 404, "NOT_FOUND", "There is no client '%s' that has been registered.", job->part);
}

/* ---- the list ---- */

static GArray *collect(const struct admin_job *job, const struct registry_snapshot *snapshot, uint64_t *total)
{
    GArray *page = admin_page_new();
    GHashTableIter iter;
    void *key, *value;
    g_hash_table_iter_init(&iter, snapshot->clients);
    while (g_hash_table_iter_next(&iter, &key, &value)) {
        const struct registry_client *client = value;
        const char *wanted = job->params.organization;
        if (!admin_sees(job->query.caller, client->organization) || (wanted != NULL && strcmp(wanted, client->organization) != 0))
            continue;
        (*total)++;
        admin_page_add(page, &job->params, g_strdup(key), client);
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
        write_client(&writer, NULL, g_array_index(page, struct admin_entry, i).item);
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

static bool refuse_ambiguous(const GPtrArray *same, struct refusal *refusal)
{
    g_autoptr(GString) names = g_string_new(NULL);
    for (guint i = 0; same != NULL && i < same->len; i++)
        g_string_append_printf(names, "%s%s", i > 0 ? "|" : "",
                               ((const struct registry_client *)g_ptr_array_index(same, i))->organization);
    return refusal_set_value(refusal, "INVALID_VALUE", "The organization must be given", "organization", "",
                             same != NULL ? names->str : "the name of an organization");
}

/* Of which organization the client is that is meant. False: refused. given: NULL for none. */
static bool find_organization(const struct admin_job *job, const struct registry_snapshot *snapshot, const char *given,
                              const char **organization, struct refusal *refusal)
{
    const GPtrArray *same = registry_find_clients(snapshot, job->part);
    *organization = given != NULL ? given : job->query.caller->organization;
    if (*organization != NULL)
        return true;
    if (same == NULL || same->len != 1)
        return refuse_ambiguous(same, refusal);
    *organization = ((const struct registry_client *)g_ptr_array_index(same, 0))->organization;
    return true;
}

/* The client that is meant; NULL: refused. What the caller may not see is not there. */
static const struct registry_client *find_client(const struct admin_job *job, const struct registry_snapshot *snapshot,
                                                 struct refusal *refusal)
{
    const char *organization;
    if (job->query.caller->organization == NULL && job->params.organization == NULL &&
        registry_find_clients(snapshot, job->part) == NULL) {
        refuse_missing(job, refusal);
        return NULL;
    }
    if (!find_organization(job, snapshot, job->params.organization, &organization, refusal))
        return NULL;
    const struct registry_client *client = registry_find_client(snapshot, organization, job->part);
    if (client != NULL && admin_sees(job->query.caller, organization))
        return client;
    refuse_missing(job, refusal);
    return NULL;
}

static bool answer_one(struct admin_job *job, struct reader *reader, struct refusal *refusal, GError **error)
{
    (void)reader;
    struct registry_snapshot *snapshot = admin_job_look(job, error);
    if (snapshot == NULL)
        return false;
    const struct registry_client *client = find_client(job, snapshot, refusal);
    struct writer writer;
    writer_init(&writer, job->out);
    if (client != NULL)
        write_client(&writer, NULL, client);
    registry_release(snapshot);
    return client != NULL;
}

/* ---- changes ---- */

static void log_change(const struct admin_job *job, const char *event)
{
    const struct registry_client *client = job->client;
    log_info(event, "caller=%s client=%s organization=%s name=%s tier=%s platform=%s plan=%s", job->query.caller->id, client->id,
             client->organization, client->name, caller_tier_name(client->tier), client->platform, client->plan);
}

static struct registry_client *make_client(const struct admin_job *job, const char *organization)
{
    const struct admin_body *body = &job->body;
    struct registry_client *client = g_new(struct registry_client, 1);
    *client = (struct registry_client){
        .id = g_strdup(job->part),
        .name = g_strdup(admin_body_text(body, ADMIN_NAME, "")),
        .organization = g_strdup(organization),
        .platform = g_strdup(admin_body_text(body, ADMIN_PLATFORM, "")),
        .plan = g_strdup(admin_body_text(body, ADMIN_PLAN, "")),
        .tier = body->tier,
    };
    return client;
}

static void decide_put(struct registry_change *change, void *opaque)
{
    struct admin_job *job = opaque;
    const char *organization;
    if (!find_organization(job, change->snapshot, admin_body_text(&job->body, ADMIN_ORGANIZATION, NULL), &organization,
                           job->refusal))
        return;
    const struct registry_client *before = registry_find_client(change->snapshot, organization, job->part);
    enum tier tier_before = before != NULL ? before->tier : TIER_FREE;
    if (!admin_check_grant(job->query.caller, organization, job->body.tier, tier_before, job->refusal))
        return;
    if (before == NULL && g_hash_table_size(change->snapshot->clients) >= REGISTRY_CLIENTS_MAX) {
        refusal_set(job->refusal, 409, "CONFLICT", "There are %d clients, and cannot be more.", REGISTRY_CLIENTS_MAX);
        return;
    }
    registry_client_free(job->client);
    job->client = make_client(job, organization);
    job->status = before != NULL ? 200 : 201;
    registry_put(change, REGISTRY_CLIENTS, job->client);
}

static bool answer_put(struct admin_job *job, struct reader *reader, struct refusal *refusal, GError **error)
{
    struct writer writer;
    if (!admin_job_change(job, reader, decide_put, refusal, error))
        return false;
    log_change(job, job->status == 201 ? "client_created" : "client_changed");
    writer_init(&writer, job->out);
    write_client(&writer, NULL, job->client);
    return true;
}

static void decide_delete(struct registry_change *change, void *opaque)
{
    struct admin_job *job = opaque;
    const struct registry_client *client = find_client(job, change->snapshot, job->refusal);
    if (client == NULL && job->client != NULL)
        refusal_clear(job->refusal); /* it was there, and our answer got lost on the way */
    if (client == NULL)
        return;
    registry_client_free(job->client);
    job->client = registry_client_dup(client);
    registry_remove(change, REGISTRY_CLIENTS, client);
}

static bool answer_delete(struct admin_job *job, struct reader *reader, struct refusal *refusal, GError **error)
{
    struct writer writer;
    if (!admin_job_change(job, reader, decide_delete, refusal, error))
        return false;
    log_change(job, "client_removed");
    writer_init(&writer, job->out);
    write_client(&writer, NULL, job->client);
    return true;
}

/* ---- the request ---- */

/* The id in the path, and the same in the body, if it is there. */
static bool check_id(const struct admin_job *job, struct refusal *refusal)
{
    if (!registry_name_is_valid(view_of(job->part)))
        return refusal_set_value(refusal, "INVALID_VALUE", "Invalid value", "clientId", job->part,
                                 "text of 1 to 256 bytes without control characters");
    const char *id = admin_body_text(&job->body, ADMIN_ID, job->part);
    return strcmp(id, job->part) == 0 ||
           refusal_set_value(refusal, "INVALID_VALUE", "The path names another client", "id", id, job->part);
}

static struct admin_job *make_job(struct admin_route *route, struct call *call)
{
    const char *method = http_request_method(call->request);
    if (strcmp(method, "PUT") == 0)
        return admin_job_new_json(route, call, ADMIN_CLIENT_FIELDS, answer_put);
    if (strcmp(method, "DELETE") == 0)
        return admin_job_new(route, call, ADMIN_BY_ORGANIZATION, answer_delete);
    if (call->parts[0][0] != '\0')
        return admin_job_new(route, call, ADMIN_BY_ORGANIZATION, answer_one);
    return admin_job_new(route, call, ADMIN_BY_ORGANIZATION | ADMIN_BY_PAGE, answer_list);
}

void admin_clients_route_handle(struct admin_route *route, struct call *call)
{
    struct refusal refusal = {0};
    struct admin_job *job = make_job(route, call);
    if (job == NULL)
        return;
    if (check_id(job, &refusal))
        admin_job_submit(job);
    else
        admin_job_refuse(job, &refusal);
}
