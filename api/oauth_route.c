#include "api/oauth_route.h"

#include "api/answer.h"
#include "api/meters.h"
#include "api/registry_text.h"
#include "api/registry_write.h"
#include "api/writer.h"
#include "lib/log.h"

enum { FORM_FIELDS_MAX = 16 };

struct login {
    struct query query;
    const struct oauth_route *route;
    char *client_id, *client_secret; /* or NULL */
    char access[REGISTRY_SECRET_SIZE], access_id[REGISTRY_ID_SIZE];
    uint8_t parent[REGISTRY_DIGEST_SIZE]; /* digest of the secret */
    int64_t expires_ms;                   /* 0: refused */
    int64_t wait_ms;                      /* refused, because there are too many new ones: so long */
};

static void login_free(struct login *login)
{
    query_clear(&login->query);
    if (login->client_secret != NULL)
        explicit_bzero(login->client_secret, strlen(login->client_secret));
    explicit_bzero(login->access, sizeof login->access);
    g_free(login->client_id);
    g_free(login->client_secret);
    g_free(login);
}

/* ---- answers ---- */

static void refuse(const struct login *login, int status, const char *error, const char *sentence)
{
    struct http_request *request = login->query.request;
    struct metrics *metrics = login->query.queries->metrics;
    g_autoptr(GString) body = g_string_new(NULL);
    struct writer writer;
    g_autofree char *client = g_utf8_make_valid(login->client_id != NULL ? login->client_id : "-", -1);
    log_warn("login_refused", "error=%s client=%s peer=%s request=%s reason=%s", error, client, http_request_peer(request),
             http_request_id(request), sentence);
    metrics_add(metrics, METER_REFUSED, error, 1);
    if (status == 401)
        http_response_header(request, "WWW-Authenticate", "Basic realm=\"daybook\", charset=\"UTF-8\"");
    writer_init(&writer, body);
    writer_begin(&writer, NULL, '{');
    writer_text(&writer, "error", view_of(error));
    writer_text(&writer, "description", view_of(sentence));
    writer_text(&writer, "error_description", view_of(sentence)); /* its name in RFC 6749 */
    writer_text(&writer, "requestId", view_of(http_request_id(request)));
    writer_end(&writer, '}');
    answer_json(request, metrics, status, body);
}

static void grant(const struct login *login)
{
    g_autoptr(GString) body = g_string_new(NULL);
    struct writer writer;
    int64_t left_ms = login->expires_ms - g_get_real_time() / G_TIME_SPAN_MILLISECOND;
    writer_init(&writer, body);
    writer_begin(&writer, NULL, '{');
    writer_text(&writer, "access_token", view_of(login->access));
    writer_text(&writer, "token_type", view_of("bearer"));
    writer_integer(&writer, "expires_in", MAX(left_ms, 0) / 1000);
    writer_end(&writer, '}');
    http_response_header(login->query.request, "Pragma", "no-cache");
    answer_json(login->query.request, login->query.queries->metrics, 200, body);
    explicit_bzero(body->str, body->len);
}

/* ---- what was sent ---- */

/* "Basic " base64(id ":" secret). Our secrets hold no colon, ids may. */
static bool take_basic(struct login *login, const char *header)
{
    gsize size = 0;
    g_autofree char *text = (char *)g_base64_decode(header + strspn(header, " "), &size);
    char *colon = memchr(text, '\0', size) == NULL && size > 0 ? g_strrstr_len(text, (gssize)size, ":") : NULL;
    if (colon == NULL)
        return false;
    login->client_id = g_strndup(text, (gsize)(colon - text));
    login->client_secret = g_strndup(colon + 1, size - (gsize)(colon + 1 - text));
    explicit_bzero(text, size);
    return true;
}

static bool take_once(char **into, const char *value)
{
    if (*into != NULL)
        return false;
    *into = g_strdup(value);
    return true;
}

/* Fields that are not known are ignored, as RFC 6749 asks. False: not a form, or a field is there twice. */
static bool take_form(struct view form, char **grant_type, char **client_id, char **client_secret)
{
    GUriParamsIter iter;
    bool ok = form.size <= OAUTH_FORM_MAX;
    if (form.size == 0 || !ok)
        return ok;
    g_uri_params_iter_init(&iter, form.data, (gssize)form.size, "&", G_URI_PARAMS_WWW_FORM);
    for (int n = 0; ok; n++) {
        g_autofree char *name = NULL, *value = NULL;
        g_autoptr(GError) error = NULL;
        if (!g_uri_params_iter_next(&iter, &name, &value, &error))
            return error == NULL;
        if (strcmp(name, "grant_type") == 0)
            ok = take_once(grant_type, value);
        else if (strcmp(name, "client_id") == 0)
            ok = take_once(client_id, value);
        else if (strcmp(name, "client_secret") == 0)
            ok = take_once(client_secret, value);
        ok = ok && n < FORM_FIELDS_MAX;
    }
    return false;
}

static bool is_form(const struct http_request *request)
{
    const char *type = http_request_header(request, "Content-Type");
    return type == NULL || g_ascii_strncasecmp(type, "application/x-www-form-urlencoded", 33) == 0;
}

static bool refuse_request(struct login *login, const char *sentence)
{
    refuse(login, 400, "invalid_request", sentence);
    return false;
}

/* Of Basic and the form just one may say who it is. */
static bool take_client(struct login *login, char *client_id, char *client_secret)
{
    const char *header = http_request_header(login->query.request, "Authorization");
    if (header != NULL && g_ascii_strncasecmp(header, "Basic ", 6) == 0) {
        if (client_secret != NULL)
            return refuse_request(login, "The secret is sent twice: either as HTTP Basic or as client_secret.");
        if (take_basic(login, header + 6))
            return true;
    }
    login->client_id = login->client_id != NULL ? login->client_id : g_strdup(client_id);
    login->client_secret = g_strdup(client_secret);
    if (login->client_id != NULL && login->client_secret != NULL)
        return true;
    refuse(login, 401, "invalid_client", "Send the client's id and secret as HTTP Basic, or as client_id and client_secret.");
    return false;
}

/* False: answered. */
static bool read_request(struct login *login)
{
    struct http_request *request = login->query.request;
    g_autofree char *grant_type = NULL, *client_id = NULL, *client_secret = NULL;
    struct call_params params;
    const struct call call = {.request = request};
    call_get_params(&call, &params);
    if (params.n > 0)
        return refuse_request(login, "Nothing is taken from the query: send a form.");
    if (!is_form(request))
        return refuse_request(login, "The body must be application/x-www-form-urlencoded.");
    if (!take_form(http_request_body(request), &grant_type, &client_id, &client_secret))
        return refuse_request(login, "The body is not a form in which each field is there once.");
    if (grant_type == NULL)
        return refuse_request(login, "grant_type is missing; client_credentials is known.");
    if (strcmp(grant_type, "client_credentials") != 0) {
        refuse(login, 400, "unsupported_grant_type", "Of grant_type only client_credentials is known.");
        return false;
    }
    bool ok = take_client(login, client_id, client_secret);
    if (client_secret != NULL)
        explicit_bzero(client_secret, strlen(client_secret));
    return ok;
}

/* ---- the work ---- */

/* The token whose secret was sent, if it is the client's; NULL otherwise. */
static const struct registry_token *find_parent(const struct login *login, const struct registry_snapshot *snapshot)
{
    const struct registry_token *token = registry_find_token(snapshot, login->parent);
    if (token == NULL || token->has_parent)
        return NULL;
    bool is_its = strcmp(token->id, login->client_id) == 0 || g_strcmp0(token->caller->client, login->client_id) == 0;
    return is_its ? token : NULL;
}

static void decide(struct registry_change *change, void *opaque)
{
    struct login *login = opaque;
    int64_t now_ms = g_get_real_time() / G_TIME_SPAN_MILLISECOND;
    const struct registry_token *parent = find_parent(login, change->snapshot);
    login->expires_ms = login->wait_ms = 0;
    if (parent == NULL || registry_token_expired(parent, now_ms))
        return;
    const struct registry_room room = {parent->caller->id, login->access_id, false, OAUTH_TOKENS_MAX, OAUTH_KEPT_S * INT64_C(1000)};
    login->wait_ms = registry_make_room(change, &room, now_ms);
    if (login->wait_ms > 0)
        return;
    struct registry_token access = {.id = login->access_id, .name = parent->name, .created_ms = now_ms, .has_parent = true};
    access.expires_ms = now_ms + OAUTH_TOKEN_S * INT64_C(1000);
    if (parent->expires_ms != 0)
        access.expires_ms = MIN(access.expires_ms, parent->expires_ms);
    registry_secret_digest(login->access, access.digest);
    memcpy(access.parent, login->parent, sizeof access.parent);
    registry_put_token(change, &access);
    login->expires_ms = access.expires_ms;
}

/* Who logs in does not care what others change; but the client may be newer than what this replica knows. */
static enum query_outcome run(struct reader *reader, struct query *query, struct refusal *refusal, GError **error)
{
    struct login *login = (struct login *)(void *)query;
    struct registry *registry = login->route->registry;
    (void)refusal;
    if (!registry_refresh(registry, error) || !registry_change_any(registry, reader, decide, login, error))
        return QUERY_FAILED;
    return QUERY_ANSWERED;
}

static void refuse_wait(const struct login *login)
{
    struct refusal refusal = {0};
    const struct call call = {.request = login->query.request};
    int wait_s = (int)(login->wait_ms / 1000) + 1;
    refusal_set(
        &refusal, 429, "RATE_LIMIT_EXCEEDED",
        "Rate limit exceeded the maximum. Retry the request in [%d] seconds. (%d logins a minute are allowed to a client; use "
        "a token until it expires.)",
        wait_s, OAUTH_TOKENS_MAX);
    refusal.retry_after_s = wait_s;
    call_refuse(&call, login->query.queries->metrics, &refusal);
}

static void work(struct reader *reader, struct query *query)
{
    struct login *login = (struct login *)(void *)query;
    struct refusal refusal = {0};
    if (query_run(reader, query, run, &refusal) != QUERY_ANSWERED) {
        answer_refusal(query->request, query->queries->metrics, &refusal);
    } else if (login->wait_ms > 0) {
        refuse_wait(login);
    } else if (login->expires_ms == 0) {
        refuse(login, 401, "invalid_client", "The client is not known, its secret is another, or it was revoked or has expired.");
    } else {
        log_info("login", "client=%s token=%s peer=%s", login->client_id, login->access_id, http_request_peer(query->request));
        grant(login);
    }
    login_free(login);
}

void oauth_route_handle(struct oauth_route *route, struct call *call)
{
    struct login *login = g_new0(struct login, 1);
    login->query = query_make(call, route->queries, work);
    login->route = route;
    bool ok = read_request(login);
    if (ok) {
        registry_secret_digest(login->client_secret, login->parent);
        registry_secret_make(login->access);
        registry_token_id(login->access_id, 'a');
    }
    if (!ok || !query_submit(&login->query))
        login_free(login);
}
