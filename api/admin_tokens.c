#include "api/admin_tokens.h"

#include "lib/log.h"

#define PATH "/api/v2/admin/tokens"

/* ---- for keys, too ---- */

static void write_time_or_null(struct writer *writer, const char *key, int64_t time_ms)
{
    if (time_ms > 0)
        writer_time(writer, key, time_ms);
    else
        writer_null(writer, key);
}

static void write_permissions(struct writer *writer, uint32_t permissions)
{
    writer_begin(writer, "permissions", '[');
    for (uint32_t permission = 1; permission < PERMISSION_ALL; permission <<= 1)
        if (permissions & permission)
            writer_text(writer, NULL, view_of(caller_permission_name(permission)));
    writer_end(writer, ']');
}

void admin_token_write(struct writer *writer, const struct registry_token *token, int64_t used_ms)
{
    write_permissions(writer, token->caller->permissions);
    writer_text(writer, "tier", view_of(caller_tier_name(token->caller->tier)));
    write_time_or_null(writer, "createdAt", token->created_ms);
    write_time_or_null(writer, "expiresAt", token->expires_ms);
    if (used_ms < 0)
        return;
    write_time_or_null(writer, "lastUsedAt", used_ms);
    writer_bool(writer, "expired", registry_token_expired(token, g_get_real_time() / G_TIME_SPAN_MILLISECOND));
}

void admin_token_make(struct admin_job *job, const char *id, const char *name, struct caller *caller)
{
    registry_token_free(job->token);
    job->token = g_new0(struct registry_token, 1);
    job->token->id = g_strdup(id);
    job->token->name = g_strdup(name);
    job->token->caller = caller;
    job->token->created_ms = g_get_real_time() / G_TIME_SPAN_MILLISECOND;
    job->token->expires_ms = job->body.expires_ms;
    registry_secret_digest(job->secret, job->token->digest);
}

void admin_token_log(const struct admin_job *job, const char *event)
{
    const struct caller *caller = job->token->caller;
    g_autoptr(GString) permissions = g_string_new(NULL);
    for (uint32_t permission = 1; permission < PERMISSION_ALL; permission <<= 1)
        if (caller->permissions & permission)
            g_string_append_printf(permissions, "%s%s", permissions->len > 0 ? "," : "", caller_permission_name(permission));
    log_info(event, "caller=%s token=%s name=%s organization=%s client=%s permissions=%s tier=%s expires_ms=%" G_GINT64_FORMAT,
             job->query.caller->id, job->token->id, job->token->name, caller->organization != NULL ? caller->organization : "(all)",
             caller->client != NULL ? caller->client : "(all)", permissions->str, caller_tier_name(caller->tier),
             job->token->expires_ms);
}

int64_t *admin_tokens_read_used(const struct admin_page *page, guint first, guint n, struct reader *reader, GError **error)
{
    g_autofree const char **ids = g_new(const char *, n + 1);
    g_autofree int64_t *used_ms = g_new0(int64_t, n + 1);
    for (guint i = 0; i < n; i++)
        ids[i] = ((const struct registry_token *)admin_page_item(page, first + i))->id;
    return registry_read_used(reader, ids, n, used_ms, error) ? g_steal_pointer(&used_ms) : NULL;
}

static void collect(const struct admin_job *job, const struct registry_snapshot *snapshot,
                    char *(*key)(const struct registry_token *token), struct admin_page *page)
{
    const char *wanted = job->params.organization;
    GHashTableIter iter;
    void *value;
    admin_page_init(page, &job->params);
    g_hash_table_iter_init(&iter, snapshot->tokens_by_id);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const struct registry_token *token = value;
        const char *organization = token->caller->organization;
        if (token->has_parent || !admin_sees(job->query.caller, organization) ||
            (wanted != NULL && g_strcmp0(wanted, organization) != 0))
            continue;
        char *name = key(token);
        if (name != NULL)
            admin_page_add(page, name, token);
    }
    admin_page_sort(page);
}

bool admin_tokens_show(struct admin_job *job, struct reader *reader, char *(*key)(const struct registry_token *token),
                       bool (*write)(struct admin_job *job, struct reader *reader, struct admin_page *page, GError **error),
                       GError **error)
{
    struct registry_snapshot *snapshot = admin_job_look(job, error);
    if (snapshot == NULL)
        return false;
    struct admin_page page;
    collect(job, snapshot, key, &page);
    bool ok = write(job, reader, &page, error);
    admin_page_clear(&page);
    registry_release(snapshot);
    return ok;
}

void admin_token_remove(struct admin_job *job, struct registry_change *change, const struct registry_token *token, const char *what)
{
    if (token == NULL && job->token == NULL) /* else it was there, and our answer got lost on the way */
        refusal_set(job->refusal, 404, "NOT_FOUND", "There is no %s '%s'.", what, job->part);
    if (token == NULL)
        return;
    registry_token_free(job->token);
    job->token = registry_token_dup(token);
    registry_remove_token(change, token);
}

/* ---- one token ---- */

/* secret: NULL, but when it was just made. */
static void write_token(struct writer *writer, const struct registry_token *token, int64_t used_ms, const char *secret)
{
    writer_begin(writer, NULL, '{');
    writer_text(writer, "id", view_of(token->id));
    if (secret != NULL)
        writer_text(writer, "token", view_of(secret));
    writer_text(writer, "name", view_of(token->name));
    writer_text_or_null(writer, "organization", token->caller->organization);
    writer_text_or_null(writer, "client", token->caller->client);
    admin_token_write(writer, token, used_ms);
    writer_end(writer, '}');
}

/* ---- the list ---- */

static void write_entry(struct writer *writer, const struct admin_page *page, guint index, const void *opaque)
{
    const int64_t *used_ms = opaque;
    write_token(writer, admin_page_item(page, index), used_ms[index], NULL);
}

static char *key_by_age(const struct registry_token *token)
{
    return g_strdup_printf("%020" G_GINT64_FORMAT " %s", token->created_ms, token->id);
}

static bool write_list(struct admin_job *job, struct reader *reader, struct admin_page *page, GError **error)
{
    admin_page_cut(page);
    g_autofree int64_t *used_ms = admin_tokens_read_used(page, 0, page->entries->len, reader, error);
    if (used_ms != NULL)
        admin_page_write(page, PATH, job->out, write_entry, used_ms);
    return used_ms != NULL;
}

static bool answer_list(struct admin_job *job, struct reader *reader, struct refusal *refusal, GError **error)
{
    (void)refusal;
    return admin_tokens_show(job, reader, key_by_age, write_list, error);
}

/* ---- making one ---- */

static bool refuse_field(enum admin_field field, const char *value, const char *allowed, struct refusal *refusal)
{
    return refusal_set_value(refusal, "INVALID_VALUE", "Invalid value", admin_field_name(field), value, allowed);
}

/* What must be there, and what does not go together. */
static bool check_body(const struct admin_body *body, const char *organization, struct refusal *refusal)
{
    const char *client = admin_body_text(body, ADMIN_CLIENT, NULL);
    if (admin_body_text(body, ADMIN_NAME, "")[0] == '\0')
        return refuse_field(ADMIN_NAME, "", "a name by which people know the token", refusal);
    if (organization == NULL && !body->all_organizations)
        return refuse_field(ADMIN_ORGANIZATION, "", "the name of an organization|null for all", refusal);
    if (!admin_body_has(body, ADMIN_PERMISSIONS))
        return refuse_field(ADMIN_PERMISSIONS, "", "a list of permissions", refusal);
    if (client != NULL && organization == NULL)
        return refuse_field(ADMIN_CLIENT, client, "none without an organization", refusal);
    if (client != NULL && (body->permissions & PERMISSION_ADMIN) != 0)
        return refuse_field(ADMIN_PERMISSIONS, "admin", "other permissions for the token of one client", refusal);
    return true;
}

static void decide_create(struct registry_change *change, void *opaque)
{
    struct admin_job *job = opaque;
    const struct admin_body *body = &job->body;
    if (g_hash_table_size(change->snapshot->tokens_by_id) >= REGISTRY_TOKENS_MAX) {
        refusal_set(job->refusal, 409, "CONFLICT", "There are %d tokens, and cannot be more.", REGISTRY_TOKENS_MAX);
        return;
    }
    const char *organization =
        body->all_organizations ? NULL : admin_body_text(body, ADMIN_ORGANIZATION, job->query.caller->organization);
    const char *name = admin_body_text(body, ADMIN_NAME, "");
    admin_token_make(
        job, job->id, name,
        caller_new(job->id, name, organization, admin_body_text(body, ADMIN_CLIENT, NULL), body->permissions, body->tier));
    registry_put_token(change, job->token);
}

static bool answer_create(struct admin_job *job, struct reader *reader, struct refusal *refusal, GError **error)
{
    struct writer writer;
    if (!admin_job_change(job, reader, decide_create, refusal, error))
        return false;
    admin_token_log(job, "token_created");
    job->status = 201;
    writer_init(&writer, job->out);
    write_token(&writer, job->token, -1, job->secret);
    return true;
}

/* ---- revoking one ---- */

static void decide_revoke(struct registry_change *change, void *opaque)
{
    struct admin_job *job = opaque;
    const struct registry_token *token = g_hash_table_lookup(change->snapshot->tokens_by_id, job->part);
    bool found = token != NULL && !token->has_parent && admin_sees(job->query.caller, token->caller->organization);
    admin_token_remove(job, change, found ? token : NULL, "token");
}

static bool answer_revoke(struct admin_job *job, struct reader *reader, struct refusal *refusal, GError **error)
{
    struct writer writer;
    if (!admin_job_change(job, reader, decide_revoke, refusal, error))
        return false;
    admin_token_log(job, "token_revoked");
    writer_init(&writer, job->out);
    writer_begin(&writer, NULL, '{');
    writer_text(&writer, "id", view_of(job->token->id));
    writer_bool(&writer, "revoked", true);
    writer_end(&writer, '}');
    return true;
}

/* ---- the request ---- */

static void handle_create(struct admin_route *route, struct call *call)
{
    struct refusal refusal = {0};
    struct admin_job *job = admin_job_new_json(route, call, ADMIN_TOKEN_FIELDS, answer_create);
    if (job == NULL)
        return;
    const char *organization =
        job->body.all_organizations ? NULL : admin_body_text(&job->body, ADMIN_ORGANIZATION, call->caller->organization);
    registry_token_id(job->id, 't');
    registry_secret_make(job->secret);
    if (check_body(&job->body, organization, &refusal) &&
        admin_check_grant(call->caller, organization, job->body.tier, TIER_FREE, &refusal))
        admin_job_submit(job);
    else
        admin_job_refuse(job, &refusal);
}

void admin_tokens_route_handle(struct admin_route *route, struct call *call)
{
    const char *method = http_request_method(call->request);
    struct admin_job *job = NULL;
    if (strcmp(method, "POST") == 0)
        handle_create(route, call);
    else if (strcmp(method, "DELETE") == 0)
        job = admin_job_new(route, call, 0, answer_revoke);
    else
        job = admin_job_new(route, call, ADMIN_BY_ORGANIZATION | ADMIN_BY_PAGE, answer_list);
    if (job != NULL)
        admin_job_submit(job);
}
