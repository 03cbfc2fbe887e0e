/* What a handler sees of a request, and how it is answered: see the top of http.c for the order of things. */
#include "lib/http_gzip.h"
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
    return request->connection->local;
}

const char *http_request_peer(const struct http_request *request)
{
    return request->connection->peer;
}

bool http_request_is_tls(const struct http_request *request)
{
    return request->server->tls;
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

/* ---- answering ---- */

void http_response_header(struct http_request *request, const char *name, const char *value)
{
    g_assert(request->n_headers < HTTP_HEADERS_MAX);
    request->headers[request->n_headers++] = (struct http_header){g_strdup(name), g_strdup(value)};
}

static bool may_compress(const struct http_request *request, const char *content_type, size_t size)
{
    if (size <= HTTP_GZIP_MIN_BYTES || (content_type && g_str_has_prefix(content_type, "image/") && !strstr(content_type, "svg")))
        return false;
    for (size_t i = 0; i < request->n_headers; i++)
        if (g_ascii_strcasecmp(request->headers[i].name, MHD_HTTP_HEADER_CONTENT_ENCODING) == 0)
            return false;
    return true;
}

static struct MHD_Response *make_response(const struct http_request *request, const char *content_type, const void *body,
                                          size_t size)
{
    struct MHD_Response *response = NULL;
    bool compressible = may_compress(request, content_type, size);

    if (compressible && http_gzip_accepted(http_request_header(request, MHD_HTTP_HEADER_ACCEPT_ENCODING))) {
        size_t packed_size;
        void *packed = http_gzip(body, size, &packed_size);
        if (packed) {
            response = MHD_create_response_from_buffer(packed_size, packed, MHD_RESPMEM_MUST_FREE);
            MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_ENCODING, "gzip");
        }
    }
    if (!response) {
        union {
            const void *in;
            void *out;
        } copied = {size ? body : ""}; /* MUST_COPY only reads, but its parameter lacks the const */
        response = MHD_create_response_from_buffer(size, copied.out, MHD_RESPMEM_MUST_COPY);
    }
    if (compressible)
        MHD_add_response_header(response, MHD_HTTP_HEADER_VARY, MHD_HTTP_HEADER_ACCEPT_ENCODING);
    if (content_type)
        MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, content_type);
    MHD_add_response_header(response, "X-Request-Id", request->id);
    for (size_t i = 0; i < request->n_headers; i++)
        MHD_add_response_header(response, request->headers[i].name, request->headers[i].value);
    return response;
}

void http_hold(struct http_request *request)
{
    g_assert(!atomic_load(&request->answered));
    if (request->held) /* written once, by the pool thread, before it gave the request away */
        return;
    request->held = true;
    atomic_fetch_add(&request->server->held, 1);
    MHD_suspend_connection(request->mhd);
}

/* The request has its response, or NULL: the connection is then closed. */
static void finish(struct http_request *request, struct MHD_Response *response)
{
    struct http_server *server = request->server;
    struct MHD_Connection *mhd = request->mhd;
    bool held = request->held;

    request->response = response;
    atomic_store(&request->answered, true);
    if (held) {
        atomic_fetch_sub(&server->held, 1);
        MHD_resume_connection(mhd); /* the request may be gone from here on */
    }
    atomic_fetch_sub(&server->responding, 1);
}

void http_respond(struct http_request *request, int status, const char *content_type, const void *body, size_t size)
{
    g_assert(!atomic_load(&request->answered));
    atomic_fetch_add(&request->server->responding, 1);
    request->status = (unsigned)status;
    struct MHD_Response *response = make_response(request, content_type, body, size);
    if (atomic_load(&request->server->quiesced))
        MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
    finish(request, response);
}

void http_abandon(struct http_request *request)
{
    g_assert(!atomic_load(&request->answered));
    atomic_fetch_add(&request->server->responding, 1);
    finish(request, NULL);
}
