/* What a handler sees of a request: see the top of http.c for the order of things. */
#include "lib/http_internal.h"

#include "lib/hex.h"
#include <sys/random.h>

/* ---- life ---- */

static bool is_sane_id(const char *id)
{
    size_t length = strspn(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-");

    return length > 0 && length <= HTTP_ID_MAX && id[length] == '\0';
}

static void request_choose_id(struct http_request *request)
{
    const char *given = http_request_header(request, "X-Request-Id");
    unsigned char random[16];

    if (given && is_sane_id(given)) {
        g_strlcpy(request->id, given, sizeof request->id);
        return;
    }
    if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
        for (size_t i = 0; i < sizeof random; i++)
            random[i] = (unsigned char)g_random_int_range(0, 256); /* an id, not a secret */
    hex_write(request->id, random, sizeof random);
}

struct http_request *http_request_new(struct http_connection *connection, struct MHD_Connection *mhd, const char *method,
                                      const char *path)
{
    struct http_request *request = g_new0(struct http_request, 1);

    request->server = connection->server;
    request->mhd = mhd;
    request->connection = connection;
    request->head = strcmp(method, MHD_HTTP_METHOD_HEAD) == 0;
    request->method = request->head ? MHD_HTTP_METHOD_GET : method;
    request->path = path;
    request->raw_path = g_steal_pointer(&connection->raw_path);
    request_choose_id(request);
    return request;
}

void http_request_free(struct http_request *request)
{
    for (size_t i = 0; i < request->n_headers; i++) {
        g_free(request->headers[i].name);
        g_free(request->headers[i].value);
    }
    if (request->body)
        g_byte_array_free(request->body, TRUE);
    if (request->response)
        MHD_destroy_response(request->response);
    g_free(request->raw_path);
    g_free(request);
}

/* ---- what was asked ---- */

const char *http_request_method(const struct http_request *request)
{
    return request->method;
}

const char *http_request_path(const struct http_request *request)
{
    return request->path;
}

const char *http_request_raw_path(const struct http_request *request)
{
    return request->raw_path ? request->raw_path : request->path;
}

size_t http_unescape(char *text)
{
    char *out = text;
    for (const char *in = text; *in != '\0'; out++) {
        int high = *in == '%' ? g_ascii_xdigit_value(in[1]) : -1, low = high >= 0 ? g_ascii_xdigit_value(in[2]) : -1;
        bool decodes = low >= 0 && high + low > 0;
        *out = decodes ? (char)(high << 4 | low) : *in;
        in += decodes ? 3 : 1;
    }
    *out = '\0';
    return (size_t)(out - text);
}

const char *http_request_query(const struct http_request *request, const char *name)
{
    const char *value = NULL;
    size_t size = 0;

    if (MHD_lookup_connection_value_n(request->mhd, MHD_GET_ARGUMENT_KIND, name, strlen(name), &value, &size) != MHD_YES)
        return NULL;
    return value ? value : "";
}

struct each_query {
    bool (*each)(const char *name, const char *value, void *opaque);
    void *opaque;
};

static enum MHD_Result visit_query(void *cls, enum MHD_ValueKind kind, const char *name, const char *value)
{
    const struct each_query *visit = (const struct each_query *)cls;

    (void)kind;
    return visit->each(name, value ? value : "", visit->opaque) ? MHD_YES : MHD_NO;
}

void http_request_each_query(const struct http_request *request, bool (*each)(const char *name, const char *value, void *opaque),
                             void *opaque)
{
    struct each_query visit = {each, opaque};

    MHD_get_connection_values(request->mhd, MHD_GET_ARGUMENT_KIND, visit_query, &visit);
}

const char *http_request_header(const struct http_request *request, const char *name)
{
    return MHD_lookup_connection_value(request->mhd, MHD_HEADER_KIND, name);
}

struct view http_request_body(const struct http_request *request)
{
    return request->body ? view_make(request->body->data, request->body->len) : view_make(NULL, 0);
}

const char *http_request_id(const struct http_request *request)
{
    return request->id;
}

bool http_request_is_local(const struct http_request *request)
{
    return request->connection->peer.local;
}

const char *http_request_peer(const struct http_request *request)
{
    return request->connection->peer.name;
}

bool http_request_is_tls(const struct http_request *request)
{
    return request->server->tls != NULL;
}

bool http_request_bearer_is(const struct http_request *request, const char *token)
{
    static const char scheme[] = "Bearer ";
    const char *given = http_request_header(request, "Authorization");
    size_t size = strlen(token);

    if (given && g_ascii_strncasecmp(given, scheme, sizeof scheme - 1) == 0)
        given += sizeof scheme - 1;
    else
        given = http_request_header(request, "X-API-Key");
    if (!given || size == 0)
        return false;
    size_t given_size = strlen(given);
    unsigned difference = given_size == size ? 0 : 1;
    for (size_t i = 0; i < size; i++) /* as long as the token, whatever was given */
        difference |= (unsigned)((unsigned char)token[i] ^ (unsigned char)given[given_size ? i % given_size : 0]);
    return difference == 0;
}
