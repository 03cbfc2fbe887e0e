/* How a request is answered: what every answer has in common is added here. See the top of http.c for the order of things. */
#include "lib/http_gzip.h"
#include "lib/http_internal.h"

/* What a page of another origin may read of an answer, and ask with. */
#define EXPOSED                                                                                  \
    "ETag, X-Request-Id, ININ-Correlation-Id, Retry-After, Content-Disposition, Content-Range, " \
    "inin-ratelimit-count, inin-ratelimit-allowed, inin-ratelimit-reset, "                       \
    "X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset, RateLimit, RateLimit-Policy"
#define ALLOWED_METHODS "GET, HEAD, POST, PUT, PATCH, DELETE"
#define ALLOWED_HEADERS "Authorization, Content-Type, X-API-Key, X-Request-Id, If-None-Match, If-Range, Range"
#define PREFLIGHT_AGE_S "600"

/* ---- headers ---- */

void http_response_header(struct http_request *request, const char *name, const char *value)
{
    g_assert(request->n_headers < HTTP_HEADERS_MAX);
    request->headers[request->n_headers++] = (struct http_header){g_strdup(name), g_strdup(value)};
}

static bool has_header(const struct http_request *request, const char *name)
{
    for (size_t i = 0; i < request->n_headers; i++)
        if (g_ascii_strcasecmp(request->headers[i].name, name) == 0)
            return true;
    return false;
}

/* Answers are data for programs: a browser shall run, frame, sniff and refer to nothing. */
static void add_security(const struct http_request *request, struct MHD_Response *response)
{
    MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
    MHD_add_response_header(response, "Referrer-Policy", "no-referrer");
    if (!has_header(request, MHD_HTTP_HEADER_CONTENT_SECURITY_POLICY))
        MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'");
    if (request->server->tls)
        MHD_add_response_header(response, MHD_HTTP_HEADER_STRICT_TRANSPORT_SECURITY, "max-age=31536000");
}

static bool is_cross(const struct http_request *request)
{
    return http_cors_allows(request->server->cors, http_request_header(request, MHD_HTTP_HEADER_ORIGIN));
}

static void add_cors(const struct http_request *request, struct MHD_Response *response)
{
    if (!request->server->cors)
        return;
    MHD_add_response_header(response, MHD_HTTP_HEADER_VARY, MHD_HTTP_HEADER_ORIGIN);
    if (!is_cross(request))
        return;
    MHD_add_response_header(response, MHD_HTTP_HEADER_ACCESS_CONTROL_ALLOW_ORIGIN,
                            http_request_header(request, MHD_HTTP_HEADER_ORIGIN));
    MHD_add_response_header(response, MHD_HTTP_HEADER_ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
}

static void add_headers(const struct http_request *request, struct MHD_Response *response)
{
    MHD_add_response_header(response, "X-Request-Id", request->id);
    add_security(request, response);
    add_cors(request, response);
    for (size_t i = 0; i < request->n_headers; i++)
        MHD_add_response_header(response, request->headers[i].name, request->headers[i].value);
    if (atomic_load(&request->server->quiesced))
        MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
}

/* ---- life ---- */

void http_hold(struct http_request *request)
{
    g_assert(!atomic_load(&request->answered));
    if (request->held) /* written once, by the pool thread, before it gave the request away */
        return;
    request->held = true;
    atomic_fetch_add(&request->server->held, 1);
    MHD_suspend_connection(request->mhd);
}

void http_answer_begin(struct http_request *request)
{
    g_assert(!atomic_load(&request->answered));
    atomic_fetch_add(&request->server->responding, 1);
}

void http_answer_end(struct http_request *request, int status, struct MHD_Response *response)
{
    struct http_server *server = request->server;
    struct MHD_Connection *mhd = request->mhd;
    bool held = request->held;

    if (response)
        add_headers(request, response);
    request->status = (unsigned)status;
    request->response = response;
    atomic_store(&request->answered, true);
    if (held) {
        atomic_fetch_sub(&server->held, 1);
        MHD_resume_connection(mhd); /* the request may be gone from here on */
    }
    atomic_fetch_sub(&server->responding, 1);
}

void http_abandon(struct http_request *request)
{
    http_answer_begin(request);
    http_answer_end(request, 0, NULL);
}

bool http_answer_preflight(struct http_request *request)
{
    if (strcmp(request->method, MHD_HTTP_METHOD_OPTIONS) != 0 || !is_cross(request) ||
        !http_request_header(request, MHD_HTTP_HEADER_ACCESS_CONTROL_REQUEST_METHOD))
        return false;
    http_response_header(request, MHD_HTTP_HEADER_ACCESS_CONTROL_ALLOW_METHODS, ALLOWED_METHODS);
    http_response_header(request, MHD_HTTP_HEADER_ACCESS_CONTROL_ALLOW_HEADERS, ALLOWED_HEADERS);
    http_response_header(request, MHD_HTTP_HEADER_ACCESS_CONTROL_MAX_AGE, PREFLIGHT_AGE_S);
    http_respond(request, MHD_HTTP_NO_CONTENT, NULL, NULL, 0);
    return true;
}

/* ---- from memory ---- */

static bool may_compress(const struct http_request *request, const char *content_type, size_t size)
{
    if (size <= HTTP_GZIP_MIN_BYTES || (content_type && g_str_has_prefix(content_type, "image/") && !strstr(content_type, "svg")))
        return false;
    return !has_header(request, MHD_HTTP_HEADER_CONTENT_ENCODING);
}

static struct MHD_Response *copy_response(const void *body, size_t size)
{
    union {
        const void *in;
        void *out;
    } copied = {size ? body : ""}; /* MUST_COPY only reads, but its parameter lacks the const */

    return MHD_create_response_from_buffer(size, copied.out, MHD_RESPMEM_MUST_COPY);
}

static struct MHD_Response *make_response(const struct http_request *request, int status, const char *content_type,
                                          const void *body, size_t size)
{
    struct MHD_Response *response = NULL;
    bool described = status != MHD_HTTP_NOT_MODIFIED; /* RFC 9110, 15.4.5: what is not sent is not described */
    bool compressible = may_compress(request, content_type, size);

    if (compressible && http_gzip_accepted(http_request_header(request, MHD_HTTP_HEADER_ACCEPT_ENCODING))) {
        size_t packed_size;
        void *packed = http_gzip(body, size, &packed_size);
        if (packed) {
            response = MHD_create_response_from_buffer(packed_size, packed, MHD_RESPMEM_MUST_FREE);
            if (described)
                MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_ENCODING, "gzip");
        }
    }
    if (!response)
        response = copy_response(body, size);
    if (compressible)
        MHD_add_response_header(response, MHD_HTTP_HEADER_VARY, MHD_HTTP_HEADER_ACCEPT_ENCODING);
    if (content_type && described)
        MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, content_type);
    return response;
}

void http_respond(struct http_request *request, int status, const char *content_type, const void *body, size_t size)
{
    http_answer_begin(request);
    http_answer_end(request, status, make_response(request, status, content_type, body, size));
}

void http_respond_error(struct http_request *request, int status, const char *code, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    g_autofree char *message = g_strdup_vprintf(format, args);
    va_end(args);
    g_autofree char *body = g_strdup_printf("{\"success\":false,\"error\":\"%s\",\"message\":\"%s\",\"requestId\":\"%s\"}\n", code,
                                            message, request->id);
    http_respond(request, status, "application/json", body, strlen(body));
}
