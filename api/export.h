/* export: a result as a file: JSON, JSON lines, CSV (RFC 4180) or XLSX.
 *
 * The file is rendered once, into a temporary one without a name, row after row in flat memory; then it is served with its size,
 * its entity tag and by ranges (http_respond_file). The bytes are a function of the rows, the spec and the names of clients. CSV
 * has a header row and CRLF; values that begin with = + - @ (or tab, carriage return) get a leading apostrophe, so that no
 * spreadsheet takes them for formulas; numbers stay numbers. In XLSX texts are texts whatever they begin with, and a count above
 * 2^53, which a spreadsheet would round, is a text too. */
#ifndef DAYBOOK_EXPORT_H
#define DAYBOOK_EXPORT_H

#include "api/registry.h"
#include "api/result.h"

#define EXPORT_ERROR export_error_quark()
GQuark export_error_quark(void);
enum export_error { EXPORT_ERROR_FILE /* the directory has no room, or cannot be written */ };

enum export_format { EXPORT_JSON, EXPORT_JSONL, EXPORT_CSV, EXPORT_XLSX, EXPORT_FORMAT_N };

enum export_source {
    EXPORT_CLIENT_ID,
    EXPORT_CLIENT_NAME,
    EXPORT_ORGANIZATION,
    EXPORT_USER,
    EXPORT_TEMPLATE,
    EXPORT_METHOD,
    EXPORT_PLATFORM,
    EXPORT_STATUS200,
    EXPORT_STATUS300,
    EXPORT_STATUS400,
    EXPORT_STATUS500,
    EXPORT_STATUS429,
    EXPORT_REQUESTS,
    EXPORT_PERIOD_FIRST, /* texts of the row's period: the first of these is export_spec.periods[0], … */
};

struct export_column {
    const char *name; /* of the JSON key and the header row */
    int source;       /* enum export_source, EXPORT_PERIOD_FIRST + k */
};

enum { EXPORT_COLUMNS_MAX = 24, EXPORT_TEXT_MAX = 16384 /* bytes of a value; a longer one is an error */ };

/* Everything is borrowed. */
struct export_spec {
    enum export_format format;
    const struct export_column *columns;
    size_t n_columns;            /* at least 1 */
    GPtrArray *const *periods;   /* each: char * by period */
    const char *prefix, *suffix; /* EXPORT_JSON: around the rows, which are objects with commas between */
    const struct registry_snapshot *registry;
    /* Whose client it is that EXPORT_CLIENT_NAME names: of the row's organization, where rows are told apart by it, else of this
     * one; NULL: see registry_client_name. */
    bool by_organization;
    const char *organization;
    bool gzip;           /* not for XLSX */
    uint32_t sheet_rows; /* EXPORT_XLSX: rows of a sheet, without its header; 0: as many as there can be */
};

enum { EXPORT_ETAG_MAX = 72 };

struct export_file {
    int fd;
    int64_t size;               /* bytes */
    char etag[EXPORT_ETAG_MAX]; /* quoted; from the SHA-256 of the bytes */
    bool gzip;                  /* asked for, and the bytes were more than HTTP_GZIP_MIN_BYTES */
};

/* The caller closes file->fd. directory: where the temporary file is made. */
bool export_render(const struct export_spec *spec, const struct result *result, const char *directory, struct export_file *file,
                   GError **error);

/* The same of bytes that are there already; up to 64 KiB stay in memory (memfd_create). */
bool export_bytes(struct view bytes, bool gzip, const char *directory, struct export_file *file, GError **error);

const char *export_content_type(enum export_format format);
const char *export_suffix(enum export_format format); /* "csv" */
/* By "csv" … of a path, or by Accept; JSON when neither asks for another. */
bool export_format_parse(const char *suffix, enum export_format *format);
enum export_format export_format_of_accept(const char *accept);

#endif
