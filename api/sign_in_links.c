#include "api/sign_in_links.h"

#include "api/answer.h"
#include "api/writer.h"
#include "lib/hex.h"
#include "lib/log.h"
#include "lib/number.h"

#define KEY "{daybook}:sign_in:"
#define HOST_LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:[]"
enum { KEY_SIZE = sizeof KEY + 2 * REGISTRY_DIGEST_SIZE };

struct link {
    struct query query;
    const struct session_route *route;
    char code[REGISTRY_SECRET_SIZE];
    char *json; /* the session that it is good for */
    int64_t expires_ms;
};

static void link_free(struct link *link)
{
    query_clear(&link->query);
    explicit_bzero(link->code, sizeof link->code);
    g_free(link->json);
    g_free(link);
}

static struct view key_of(const char *code, char key[KEY_SIZE])
{
    uint8_t digest[REGISTRY_DIGEST_SIZE];
    registry_secret_digest(code, digest);
    g_strlcpy(key, KEY, KEY_SIZE);
    hex_write(key + sizeof KEY - 1, digest, sizeof digest);
    return view_of(key);
}

/* ---- making one ---- */

/* As people reach us: as it is configured, else as they just did. */
static void append_base(const struct link *link, GString *url)
{
    const struct http_request *request = link->query.request;
    const char *configured = link->route->public_url, *host = http_request_header(request, "Host");
    bool is_secure = link->route->secure_cookies || http_request_is_tls(request);
    if (configured[0] != '\0') {
        g_string_append(url, configured);
        g_string_truncate(url, url->len - (url->str[url->len - 1] == '/'));
    } else if (host != NULL && host[strspn(host, HOST_LETTERS)] == '\0') {
        g_string_append_printf(url, "%s://%s", is_secure ? "https" : "http", host);
    }
}

static void send_link(const struct link *link)
{
    struct metrics *metrics = link->query.queries->metrics;
    g_autoptr(GString) url = g_string_new(NULL), body = g_string_new(NULL);
    struct writer writer;
    append_base(link, url);
    g_string_append_printf(url, "/sign-in#code=%s", link->code);
    writer_init(&writer, body);
    writer_begin(&writer, NULL, '{');
    writer_text(&writer, "url", view_make(url->str, url->len));
    writer_time_ms(&writer, "expiresAt", link->expires_ms);
    writer_end(&writer, '}');
    answer_json(link->query.request, metrics, 201, body);
    explicit_bzero(url->str, url->len);
    explicit_bzero(body->str, body->len);
}

static enum query_outcome keep(struct reader *reader, struct query *query, struct refusal *refusal, GError **error)
{
    const struct link *link = (struct link *)(void *)query;
    char key[KEY_SIZE], ms[NUMBER_MAX];
    size_t size = number_write(ms, SIGN_IN_S * UINT64_C(1000));
    const struct view argv[] = {view_of("SET"), key_of(link->code, key), view_of(link->json), view_of("PX"), view_make(ms, size)};
    (void)refusal;
    reader_ask(reader, READER_CONTROL, argv, G_N_ELEMENTS(argv), (struct reader_then){0});
    return reader_finish(reader, error) ? QUERY_ANSWERED : QUERY_FAILED;
}

static void work(struct reader *reader, struct query *query)
{
    struct link *link = (struct link *)(void *)query;
    struct refusal refusal = {0};
    link->expires_ms = g_get_real_time() / G_TIME_SPAN_MILLISECOND + SIGN_IN_S * INT64_C(1000);
    if (query_run(reader, query, keep, &refusal) == QUERY_ANSWERED) {
        log_info("sign_in_link_made", "caller=%s request=%s", query->caller->id, http_request_id(query->request));
        send_link(link);
    } else {
        answer_refusal(query->request, query->queries->metrics, &refusal);
    }
    link_free(link);
}

/* What a link is good for ends no later than what it was made with. */
static char *write_session(const struct auth_found *found)
{
    struct registry_token session = session_of(found);
    session.id = (char[]){"link"};
    session.created_ms = g_get_real_time() / G_TIME_SPAN_MILLISECOND;
    session.expires_ms = found->expires_ms;
    return registry_token_write(&session);
}

static bool find(struct session_route *route, const struct call *call, struct auth_found *found, struct refusal *refusal)
{
    struct call_params params;
    call_get_params(call, &params);
    if (call->caller->client != NULL)
        return refusal_set(refusal, 403, "FORBIDDEN", "Forbidden: the token of one client administers nothing.");
    if (params.n > 0)
        return param_refuse_unknown(&params.list[0], "UNKNOWN_PARAMETER", "no parameter", refusal);
    return auth_find(route->auth, call->request, false, found, refusal);
}

void sign_in_links_handle(struct session_route *route, struct call *call)
{
    struct auth_found found = {0};
    struct refusal refusal = {0};
    if (!find(route, call, &found, &refusal)) {
        if (refusal.status == 400)
            answer_refusal(call->request, route->queries->metrics, &refusal);
        else
            call_refuse(call, route->queries->metrics, &refusal);
        return;
    }
    struct link *link = g_new0(struct link, 1);
    link->query = query_make(call, route->queries, work);
    link->route = route;
    link->json = write_session(&found);
    registry_secret_make(link->code);
    caller_unref(found.caller);
    if (!query_submit(&link->query))
        link_free(link);
}

/* ---- taking it ---- */

static void take_json(struct reader *reader, const struct redis_reply *reply, void *opaque, size_t a, size_t b)
{
    struct registry_token **session = opaque;
    g_autoptr(GError) error = NULL;
    (void)a, (void)b;
    if (redis_reply_kind(reply) == REDIS_NIL)
        return;
    *session = registry_token_read(view_of("link"), redis_reply_text(reply), &error);
    if (*session == NULL)
        reader_fail(reader, "What a sign-in link is good for cannot be read: %s", error->message);
}

struct registry_token *sign_in_take(struct reader *reader, const char *code, GError **error)
{
    struct registry_token *session = NULL;
    char key[KEY_SIZE];
    const struct view argv[] = {view_of("GETDEL"), key_of(code, key)};
    reader_ask(reader, READER_CONTROL, argv, G_N_ELEMENTS(argv), (struct reader_then){.take = take_json, .opaque = &session});
    if (reader_finish(reader, error))
        return session;
    registry_token_free(session);
    return NULL;
}
