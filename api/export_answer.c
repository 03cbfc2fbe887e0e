#include "api/export_answer.h"

#include "api/meters.h"
#include "lib/http_gzip.h"

bool export_wants_gzip(const struct http_request *request, enum export_format format)
{
    return format != EXPORT_XLSX && http_request_header(request, "Range") == NULL &&
           http_gzip_accepted(http_request_header(request, "Accept-Encoding"));
}

/* May be stored, but is asked for each time: a day can get another revision. */
void export_answer(struct http_request *request, struct metrics *metrics, const struct export_file *file, enum export_format format,
                   const char *file_name)
{
    const struct http_file body = {
        .fd = file->fd,
        .size = file->size,
        .content_type = export_content_type(format),
        .etag = file->etag,
        .file_name = file_name,
        .gzip = file->gzip,
        .varies = format != EXPORT_XLSX && file->size > HTTP_GZIP_MIN_BYTES,
    };
    char label[16];
    http_response_header(request, "Cache-Control", "private, no-cache");
    g_snprintf(label, sizeof label, "%d", http_respond_file(request, &body));
    metrics_add(metrics, METER_REQUESTS, label, 1);
}
