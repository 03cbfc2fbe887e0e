/* Answers that are files. libmicrohttpd sends them piece by piece when the client can take one (sendfile, or through 64 KiB under
 * TLS), so that neither a thread nor memory waits with a slow client. */
#include "lib/http_etag.h"
#include "lib/http_internal.h"
#include "lib/http_range.h"
#include <inttypes.h>
#include <unistd.h>

/* RFC 6266: a name for those that know ASCII only, and the name itself for all others where it says more. */
static void add_name(struct http_request *request, const char *file_name)
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
    http_response_header(request, MHD_HTTP_HEADER_CONTENT_DISPOSITION, value->str);
}

static void add_validators(struct http_request *request, const struct http_file *file)
{
    if (file->etag)
        http_response_header(request, MHD_HTTP_HEADER_ETAG, file->etag);
    if (file->gzip || file->varies)
        http_response_header(request, MHD_HTTP_HEADER_VARY, MHD_HTTP_HEADER_ACCEPT_ENCODING);
}

/* A part of what may be another file next time is of no use, so without a tag there are none; and of a compressed form none are
 * offered. */
static bool has_parts(const struct http_file *file)
{
    return file->etag && !file->gzip;
}

/* Which bytes: 200, 206 or 416. Only GET has ranges (RFC 9110, 14.2). */
static int choose_part(const struct http_request *request, const struct http_file *file, int64_t *first, int64_t *length)
{
    const char *if_range = http_request_header(request, MHD_HTTP_HEADER_IF_RANGE);

    *first = 0;
    *length = file->size;
    if (!has_parts(file) || request->head || (if_range && !http_etag_is(if_range, file->etag)))
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

static int respond_unsatisfiable(struct http_request *request, const struct http_file *file)
{
    g_autofree char *range = g_strdup_printf("bytes */%" PRId64, file->size);

    close(file->fd);
    http_response_header(request, MHD_HTTP_HEADER_CONTENT_RANGE, range);
    http_respond_error(request, MHD_HTTP_RANGE_NOT_SATISFIABLE, "RANGE_NOT_SATISFIABLE",
                       "The range lies beyond the %" PRId64 " bytes that there are.", file->size);
    return MHD_HTTP_RANGE_NOT_SATISFIABLE;
}

/* What describes the body; a 304, which has none, leaves it out (RFC 9110, 15.4.5). */
static void add_description(struct http_request *request, const struct http_file *file)
{
    if (has_parts(file))
        http_response_header(request, MHD_HTTP_HEADER_ACCEPT_RANGES, "bytes");
    if (file->content_type)
        http_response_header(request, MHD_HTTP_HEADER_CONTENT_TYPE, file->content_type);
    if (file->file_name)
        add_name(request, file->file_name);
    if (file->gzip)
        http_response_header(request, MHD_HTTP_HEADER_CONTENT_ENCODING, "gzip");
}

/* Of a 304 libmicrohttpd says the length, and leaves out the bytes. */
static int respond_bytes(struct http_request *request, const struct http_file *file, int status, int64_t first, int64_t length)
{
    g_autofree char *range = g_strdup_printf("bytes %" PRId64 "-%" PRId64 "/%" PRId64, first, first + length - 1, file->size);

    if (status == MHD_HTTP_PARTIAL_CONTENT)
        http_response_header(request, MHD_HTTP_HEADER_CONTENT_RANGE, range);
    if (status != MHD_HTTP_NOT_MODIFIED)
        add_description(request, file);
    http_answer_begin(request);
    struct MHD_Response *response = MHD_create_response_from_fd_at_offset64((uint64_t)length, file->fd, (uint64_t)first);
    g_assert(response); /* sizes are not negative, so memory is what is missing */
    http_answer_end(request, status, response);
    return status;
}

int http_respond_file(struct http_request *request, const struct http_file *file)
{
    int64_t first, length;

    g_assert(file->fd >= 0 && file->size >= 0);
    add_validators(request, file);
    if (file->etag && http_etag_matches(http_request_header(request, MHD_HTTP_HEADER_IF_NONE_MATCH), file->etag))
        return respond_bytes(request, file, MHD_HTTP_NOT_MODIFIED, 0, file->size);
    int status = choose_part(request, file, &first, &length);
    if (status == MHD_HTTP_RANGE_NOT_SATISFIABLE)
        return respond_unsatisfiable(request, file);
    return respond_bytes(request, file, status, first, length);
}
