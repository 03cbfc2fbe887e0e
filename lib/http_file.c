/* Answers that are files. libmicrohttpd sends them piece by piece when the client can take one (sendfile, or through 64 KiB under
 * TLS), so that neither a thread nor memory waits with a slow client. */
#include "lib/http_etag.h"
#include "lib/http_internal.h"
#include "lib/http_range.h"
#include <inttypes.h>
#include <unistd.h>

/* RFC 6266: a name for those that know ASCII only, and the name itself for all others where it says more. */
static void add_name(struct MHD_Response *response, const char *file_name)
{
    g_autofree char *plain = g_strdup(file_name);

    for (char *c = plain; *c; c++)
        if (!g_ascii_isalnum(*c) && !strchr("-_.~ ()+,=@", *c))
            *c = '_';
    g_autoptr(GString) value = g_string_new(NULL);
    g_string_printf(value, "attachment; filename=\"%s\"", plain);
    if (strcmp(plain, file_name) != 0) {
        g_autofree char *encoded = g_uri_escape_string(file_name, "!#$&+^`|", FALSE);
        g_string_append_printf(value, "; filename*=UTF-8''%s", encoded);
    }
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_DISPOSITION, value->str);
}

/* What a 304 says too (RFC 9110, 15.4.5). */
static void add_validators(struct MHD_Response *response, const struct http_file *file)
{
    if (file->etag)
        MHD_add_response_header(response, MHD_HTTP_HEADER_ETAG, file->etag);
    if (file->gzip || file->varies)
        MHD_add_response_header(response, MHD_HTTP_HEADER_VARY, MHD_HTTP_HEADER_ACCEPT_ENCODING);
}

/* Which bytes: 200, 206 or 416. A part of what may be another file next time is of no use, so without a tag there are none; and of
 * a compressed form none are offered. Only GET has ranges (RFC 9110, 14.2). */
static int choose_part(const struct http_request *request, const struct http_file *file, int64_t *first, int64_t *length)
{
    const char *if_range = http_request_header(request, MHD_HTTP_HEADER_IF_RANGE);

    *first = 0;
    *length = file->size;
    if (!file->etag || file->gzip || request->head || (if_range && !http_etag_is(if_range, file->etag)))
        return MHD_HTTP_OK;
    switch (http_range_parse(http_request_header(request, MHD_HTTP_HEADER_RANGE), file->size, first, length)) {
    case HTTP_RANGE_PART:
        return MHD_HTTP_PARTIAL_CONTENT;
    case HTTP_RANGE_UNSATISFIABLE:
        return MHD_HTTP_RANGE_NOT_SATISFIABLE;
    default:
        return MHD_HTTP_OK;
    }
}

static void add_content_range(struct MHD_Response *response, int status, const struct http_file *file, int64_t first,
                              int64_t length)
{
    char text[80];

    if (status == MHD_HTTP_PARTIAL_CONTENT)
        g_snprintf(text, sizeof text, "bytes %" PRId64 "-%" PRId64 "/%" PRId64, first, first + length - 1, file->size);
    else
        g_snprintf(text, sizeof text, "bytes */%" PRId64, file->size);
    if (status != MHD_HTTP_OK)
        MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_RANGE, text);
}

static struct MHD_Response *empty_response(const struct http_file *file)
{
    close(file->fd);
    return http_response_copy(NULL, 0);
}

/* Takes the descriptor. */
static struct MHD_Response *part_response(const struct http_file *file, int status, int64_t first, int64_t length)
{
    if (status == MHD_HTTP_RANGE_NOT_SATISFIABLE)
        return empty_response(file);
    struct MHD_Response *response = MHD_create_response_from_fd_at_offset64((uint64_t)length, file->fd, (uint64_t)first);
    g_assert(response); /* sizes are not negative, so memory is what is missing */
    if (file->content_type)
        MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, file->content_type);
    if (file->file_name)
        add_name(response, file->file_name);
    if (file->gzip)
        MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_ENCODING, "gzip");
    return response;
}

int http_respond_file(struct http_request *request, const struct http_file *file)
{
    int64_t first, length;

    g_assert(file->fd >= 0 && file->size >= 0);
    http_answer_begin(request);
    if (file->etag && http_etag_matches(http_request_header(request, MHD_HTTP_HEADER_IF_NONE_MATCH), file->etag)) {
        struct MHD_Response *unchanged = empty_response(file);
        add_validators(unchanged, file);
        http_answer_end(request, MHD_HTTP_NOT_MODIFIED, unchanged);
        return MHD_HTTP_NOT_MODIFIED;
    }
    int status = choose_part(request, file, &first, &length);
    struct MHD_Response *response = part_response(file, status, first, length);
    add_validators(response, file);
    add_content_range(response, status, file, first, length);
    if (file->etag && !file->gzip)
        MHD_add_response_header(response, MHD_HTTP_HEADER_ACCEPT_RANGES, "bytes");
    http_answer_end(request, status, response);
    return status;
}
