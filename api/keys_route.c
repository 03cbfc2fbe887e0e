#include "api/keys_route.h"

#include "api/admin_tokens.h"

static void write_key(struct writer *writer, const struct registry_token *token, int64_t used_ms, const char *secret)
{
    writer_text(writer, "keyId", view_of(token->caller->client));
    if (secret != NULL)
        writer_text(writer, "secret", view_of(secret));
    writer_text(writer, "name", view_of(token->name));
    writer_text(writer, "organization", view_of(token->caller->organization));
    admin_token_write(writer, token, used_ms);
}

static void begin_answer(struct writer *writer, struct admin_job *job)
{
    writer_init(writer, job->out);
    writer_begin(writer, NULL, '{');
    writer_bool(writer, "success", true);
}

static void end_answer(struct writer *writer)
{
    writer_time_ms(writer, "timestamp", g_get_real_time() / G_TIME_SPAN_MILLISECOND);
    writer_end(writer, '}');
}

/* ---- the list ---- */

static char *key_by_client(const struct registry_token *token)
{
    return registry_token_is_key(token) ? registry_client_key(token->caller->organization, token->caller->client) : NULL;
}

static void write_pagination(struct writer *writer, const struct admin_params *params, guint total, guint end)
{
    writer_begin(writer, "pagination", '{');
    writer_count(writer, "total", total);
    writer_count(writer, "limit", params->limit);
    writer_count(writer, "offset", params->offset);
    writer_bool(writer, "hasMore", end < total);
    writer_end(writer, '}');
}

static bool write_list(struct admin_job *job, struct reader *reader, struct admin_page *page, GError **error)
{
    guint all = page->entries->len, first = MIN(job->params.offset, all), n = MIN(all - first, job->params.limit);
    g_autofree int64_t *used_ms = admin_tokens_read_used(page, first, n, reader, error);
    struct writer writer;
    begin_answer(&writer, job);
    writer_begin(&writer, "keys", '[');
    for (guint i = 0; used_ms != NULL && i < n; i++) {
        writer_begin(&writer, NULL, '{');
        write_key(&writer, admin_page_item(page, first + i), used_ms[i], NULL);
        writer_end(&writer, '}');
    }
    writer_end(&writer, ']');
    write_pagination(&writer, &job->params, all, first + n);
    end_answer(&writer);
    return used_ms != NULL;
}

static bool answer_list(struct admin_job *job, struct reader *reader, struct refusal *refusal, GError **error)
{
    (void)refusal;
    return admin_tokens_show(job, reader, key_by_client, write_list, error);
}

/* ---- making one ---- */

static const char *organization_of(const struct admin_job *job)
{
    return admin_body_text(&job->body, ADMIN_ORGANIZATION, job->query.caller->organization);
}

/* The client as it will be: what is registered already, with what was given. */
static struct registry_client *make_client(const struct admin_job *job, const struct registry_client *before)
{
    struct registry_client fresh = {.id = (char *)job->part, .organization = (char *)(uintptr_t)organization_of(job)};
    fresh.name = fresh.platform = fresh.plan = (char *)(uintptr_t) "";
    struct registry_client *client = registry_client_dup(before != NULL ? before : &fresh);
    if (admin_body_has(&job->body, ADMIN_NAME)) {
        g_free(client->name);
        client->name = g_strdup(admin_body_text(&job->body, ADMIN_NAME, ""));
    }
    if (admin_body_has(&job->body, ADMIN_TIER))
        client->tier = job->body.tier;
    return client;
}

/* Another key of that client; the one that we made, if our answer got lost on the way, is none. */
static bool is_taken(const struct admin_job *job, const struct registry_snapshot *snapshot)
{
    uint8_t digest[REGISTRY_DIGEST_SIZE];
    const struct registry_token *token = g_hash_table_lookup(snapshot->tokens_by_id, job->id);
    registry_secret_digest(job->secret, digest);
    return token != NULL && memcmp(token->digest, digest, sizeof digest) != 0;
}

static bool check_create(const struct admin_job *job, const struct registry_snapshot *snapshot,
                         const struct registry_client *before, const struct registry_client *client)
{
    if (!admin_check_grant(job->query.caller, client->organization, client->tier, before != NULL ? before->tier : TIER_FREE,
                           job->refusal))
        return false;
    if (is_taken(job, snapshot))
        return refusal_set(job->refusal, 409, "CONFLICT", "There is a key '%s' already; revoke it before another is made.",
                           job->part);
    if (g_hash_table_size(snapshot->tokens_by_id) >= REGISTRY_TOKENS_MAX ||
        (before == NULL && g_hash_table_size(snapshot->clients) >= REGISTRY_CLIENTS_MAX))
        return refusal_set(job->refusal, 409, "CONFLICT", "There are %d keys or clients, and cannot be more.", REGISTRY_TOKENS_MAX);
    return true;
}

static void decide_create(struct registry_change *change, void *opaque)
{
    struct admin_job *job = opaque;
    const struct registry_client *before = registry_find_client(change->snapshot, organization_of(job), job->part);
    registry_client_free(job->client);
    job->client = make_client(job, before);
    if (!check_create(job, change->snapshot, before, job->client))
        return;
    const char *name = job->client->name[0] != '\0' ? job->client->name : job->part;
    uint32_t permissions = admin_body_has(&job->body, ADMIN_PERMISSIONS) ? job->body.permissions : PERMISSION_CLIENT_VIEW;
    admin_token_make(job, job->id, name,
                     caller_new(job->id, name, job->client->organization, job->part, permissions, job->client->tier));
    registry_put(change, REGISTRY_CLIENTS, job->client);
    registry_put_token(change, job->token);
}

static bool answer_create(struct admin_job *job, struct reader *reader, struct refusal *refusal, GError **error)
{
    struct writer writer;
    if (!admin_job_change(job, reader, decide_create, refusal, error))
        return false;
    admin_token_log(job, "key_created");
    job->status = 201;
    begin_answer(&writer, job);
    write_key(&writer, job->token, -1, job->secret);
    end_answer(&writer);
    return true;
}

static bool check_body(const struct admin_job *job, struct refusal *refusal)
{
    if (organization_of(job) == NULL)
        return refusal_set_value(refusal, "INVALID_VALUE", "Invalid value", "organization", "", "the name of an organization");
    if (job->body.permissions & PERMISSION_ADMIN)
        return refusal_set_value(refusal, "INVALID_VALUE", "Invalid value", "permissions", "admin",
                                 "other permissions for the key of one client");
    return admin_check_grant(job->query.caller, organization_of(job), TIER_FREE, TIER_FREE, refusal);
}

static void handle_create(struct admin_route *route, struct call *call)
{
    struct refusal refusal = {0};
    struct admin_job *job = admin_job_new_json(route, call, ADMIN_KEY_FIELDS, answer_create);
    if (job == NULL)
        return;
    if (!check_body(job, &refusal)) {
        admin_job_refuse(job, &refusal);
        return;
    }
    registry_token_id(job->id, 'c');
    g_strlcpy(job->part, admin_body_text(&job->body, ADMIN_KEY_ID, job->id), sizeof job->part);
    registry_key_id(job->id, organization_of(job), job->part);
    registry_secret_make(job->secret);
    admin_job_submit(job);
}

/* ---- revoking one ---- */

static bool refuse_ambiguous(const struct registry_token *first, const struct registry_token *second, struct refusal *refusal)
{
    g_autofree char *names = g_strdup_printf("%s|%s|…", first->caller->organization, second->caller->organization);
    return refusal_set_value(refusal, "INVALID_VALUE", "The organization must be given", "organization", "", names);
}

/* The key of that id which the caller sees; NULL: there is none, or (refused) several. */
static const struct registry_token *find_key(const struct admin_job *job, const struct registry_snapshot *snapshot,
                                             struct refusal *refusal)
{
    const char *wanted = job->params.organization;
    const struct registry_token *found = NULL;
    GHashTableIter iter;
    void *value;
    g_hash_table_iter_init(&iter, snapshot->tokens_by_id);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const struct registry_token *token = value;
        if (token->has_parent || !registry_token_is_key(token) || strcmp(token->caller->client, job->part) != 0 ||
            !admin_sees(job->query.caller, token->caller->organization) ||
            (wanted != NULL && strcmp(wanted, token->caller->organization) != 0))
            continue;
        if (found != NULL && !refuse_ambiguous(found, token, refusal))
            return NULL;
        found = token;
    }
    return found;
}

static void decide_revoke(struct registry_change *change, void *opaque)
{
    struct admin_job *job = opaque;
    const struct registry_token *token = find_key(job, change->snapshot, job->refusal);
    if (job->refusal->status == 0)
        admin_token_remove(job, change, token, "key");
}

static bool answer_revoke(struct admin_job *job, struct reader *reader, struct refusal *refusal, GError **error)
{
    struct writer writer;
    if (!admin_job_change(job, reader, decide_revoke, refusal, error))
        return false;
    admin_token_log(job, "key_revoked");
    begin_answer(&writer, job);
    writer_text(&writer, "keyId", view_of(job->part));
    writer_bool(&writer, "revoked", true);
    end_answer(&writer);
    return true;
}

void keys_route_handle(struct admin_route *route, struct call *call)
{
    const char *method = http_request_method(call->request);
    struct admin_job *job = NULL;
    if (strcmp(method, "POST") == 0)
        handle_create(route, call);
    else if (strcmp(method, "DELETE") == 0)
        job = admin_job_new(route, call, ADMIN_BY_ORGANIZATION, answer_revoke);
    else
        job = admin_job_new(route, call, ADMIN_BY_ORGANIZATION | ADMIN_BY_LIMIT, answer_list);
    if (job != NULL)
        admin_job_submit(job);
}
