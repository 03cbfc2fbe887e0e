/* result: rows one after the other, their integers as varints (https://protobuf.dev/programming-guides/encoding/):
 *
 *   period, for each name its size and bytes, requests and the statuses
 *
 * Where every STRIDE-th row begins is kept in memory: 16 bytes for a thousand rows. */
#include "api/result.h"

#include "api/unnamed_file.h"
#include "lib/event.h"
#include "lib/sheet_wire.h"

#include <errno.h>
#include <unistd.h>

enum {
    STRIDE = 512,
    BUFFER = 64 * 1024,
    VARINT_MAX = 10,
    COUNTS = sizeof(struct report_counts) / sizeof(uint64_t),
    ROW_MAX = REPORT_NAMES * EVENT_ROUTE_MAX + (1 + REPORT_NAMES + COUNTS) * VARINT_MAX,
};

struct result {
    gint users;
    int fd;
    uint64_t size_max;
    uint64_t rows, written; /* bytes in the file */
    GArray *places;         /* uint64_t: offset of each STRIDE-th row */
    struct report_counts totals;
    /* until it is finished */
    GByteArray *pending;
    GError *error;
};

/* ---- writing ---- */

static bool fail(struct result *result, const char *what)
{
    if (result->error == NULL)
        g_set_error(&result->error, G_FILE_ERROR, (gint)g_file_error_from_errno(errno), "The file of a result cannot be %s: %s.",
                    what, g_strerror(errno));
    return false;
}

struct result *result_new(const char *directory, uint64_t size_max, GError **error)
{
    const int fd = unnamed_file_open(directory);
    if (fd < 0) {
        g_set_error(error, G_FILE_ERROR, (gint)g_file_error_from_errno(errno), "No temporary file can be made in %s: %s.",
                    directory, g_strerror(errno));
        return NULL;
    }
    struct result *result = g_new0(struct result, 1);
    *result = (struct result){.users = 1, .fd = fd, .size_max = size_max};
    result->places = g_array_new(FALSE, FALSE, sizeof(uint64_t));
    result->pending = g_byte_array_sized_new(BUFFER + ROW_MAX);
    return result;
}

struct result *result_ref(struct result *result)
{
    g_atomic_int_inc(&result->users);
    return result;
}

void result_unref(struct result *result)
{
    if (result == NULL || !g_atomic_int_dec_and_test(&result->users))
        return;
    close(result->fd);
    g_array_free(result->places, TRUE);
    g_byte_array_free(result->pending, TRUE);
    g_clear_error(&result->error);
    g_free(result);
}

static bool flush(struct result *result)
{
    const guint8 *at = result->pending->data;
    for (guint left = result->pending->len; left > 0;) {
        const ssize_t n = write(result->fd, at, left);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return fail(result, "written");
        at += n;
        left -= (guint)n;
        result->written += (uint64_t)n;
    }
    g_byte_array_set_size(result->pending, 0);
    return true;
}

static uint8_t *put(uint8_t *out, uint64_t value)
{
    for (; value >= 0x80; value >>= 7)
        *out++ = (uint8_t)(value | 0x80);
    *out++ = (uint8_t)value;
    return out;
}

static size_t encode(const struct report_row *row, uint8_t out[ROW_MAX])
{
    uint8_t *at = put(out, row->period);
    uint64_t counts[COUNTS];
    for (unsigned k = 0; k < REPORT_NAMES; k++) {
        g_assert(row->names[k].size <= EVENT_ROUTE_MAX);
        at = put(at, row->names[k].size);
        if (row->names[k].size > 0)
            memcpy(at, row->names[k].data, row->names[k].size);
        at += row->names[k].size;
    }
    memcpy(counts, &row->counts, sizeof counts);
    for (unsigned k = 0; k < COUNTS; k++)
        at = put(at, counts[k]);
    return (size_t)(at - out);
}

static bool refuse(struct result *result, enum report_error code, const char *message)
{
    result->error = g_error_new_literal(REPORT_ERROR, (gint)code, message);
    return false;
}

bool result_add(const struct report_row *row, void *opaque)
{
    struct result *result = opaque;
    if (result->error != NULL)
        return false;
    const guint before = result->pending->len;
    const uint64_t place = result->written + before;
    if (result->rows++ % STRIDE == 0)
        g_array_append_val(result->places, place);
    g_byte_array_set_size(result->pending, before + ROW_MAX);
    g_byte_array_set_size(result->pending, before + (guint)encode(row, result->pending->data + before));
    if (!report_counts_add(&result->totals, &row->counts))
        return refuse(result, REPORT_ERROR_OVERFLOW, "The sum of all rows passes 64 bits.");
    if (result->written + result->pending->len > result->size_max)
        return refuse(
            result, REPORT_ERROR_LIMIT,
            "The answer has too many rows. Group by less, filter by client, template or another name, or ask for fewer days.");
    return result->pending->len < BUFFER || flush(result);
}

bool result_finish(struct result *result, GError **error)
{
    if (result->error == NULL && flush(result)) {
        g_byte_array_free(g_steal_pointer(&result->pending), TRUE);
        result->pending = g_byte_array_new();
        return true;
    }
    g_propagate_error(error, g_steal_pointer(&result->error));
    return false;
}

uint64_t result_rows(const struct result *result)
{
    return result->rows;
}

uint64_t result_bytes(const struct result *result)
{
    return result->written;
}

const struct report_counts *result_totals(const struct result *result)
{
    return &result->totals;
}

/* ---- reading ---- */

struct result_cursor {
    const struct result *result;
    uint64_t skip;   /* rows that nobody wants to see */
    uint64_t left;   /* rows behind those */
    uint64_t offset; /* of the file: what is behind the buffer */
    struct wire_cursor rest;
    uint8_t buffer[BUFFER];
};

/* Moves what is left to the front and reads behind it. */
static bool refill(struct result_cursor *cursor, GError **error)
{
    size_t held = (size_t)(cursor->rest.end - cursor->rest.at);
    if (held > 0)
        memmove(cursor->buffer, cursor->rest.at, held);
    while (held < BUFFER && cursor->offset < cursor->result->written) {
        const ssize_t n = pread(cursor->result->fd, cursor->buffer + held, BUFFER - held, (off_t)cursor->offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_IO, "The file of a result cannot be read: %s.",
                        n < 0 ? g_strerror(errno) : "it is shorter than it was");
            return false;
        }
        held += (size_t)n;
        cursor->offset += (uint64_t)n;
    }
    cursor->rest = (struct wire_cursor){cursor->buffer, cursor->buffer + held};
    return true;
}

static bool decode(struct wire_cursor *rest, struct report_row *row)
{
    uint64_t period, counts[COUNTS];
    bool ok = wire_read_varint(rest, &period) && period <= UINT32_MAX;
    for (unsigned k = 0; ok && k < REPORT_NAMES; k++) {
        struct wire_cursor name;
        ok = wire_read_bytes(rest, &name);
        if (ok)
            row->names[k] = view_make(name.at, (size_t)(name.end - name.at));
    }
    for (unsigned k = 0; ok && k < COUNTS; k++)
        ok = wire_read_varint(rest, &counts[k]);
    if (!ok)
        return false;
    row->period = (uint32_t)period;
    memcpy(&row->counts, counts, sizeof counts);
    return true;
}

struct result_cursor *result_cursor_new(const struct result *result, uint64_t first)
{
    struct result_cursor *cursor = g_new(struct result_cursor, 1);
    const uint64_t from = MIN(first, result->rows), stride = from / STRIDE;
    cursor->result = result;
    cursor->skip = from % STRIDE;
    cursor->left = result->rows - from;
    cursor->offset = stride < result->places->len ? g_array_index(result->places, uint64_t, stride) : result->written;
    cursor->rest = (struct wire_cursor){cursor->buffer, cursor->buffer};
    return cursor;
}

void result_cursor_free(struct result_cursor *cursor)
{
    g_free(cursor);
}

static bool read_row(struct result_cursor *cursor, struct report_row *row, GError **error)
{
    if (cursor->rest.end - cursor->rest.at < ROW_MAX && cursor->offset < cursor->result->written && !refill(cursor, error))
        return false;
    if (decode(&cursor->rest, row))
        return true;
    g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_IO, "The file of a result is damaged.");
    return false;
}

bool result_cursor_next(struct result_cursor *cursor, struct report_row *row, GError **error)
{
    for (; cursor->left > 0 && cursor->skip > 0; cursor->skip--)
        if (!read_row(cursor, row, error))
            return false;
    if (cursor->left == 0 || !read_row(cursor, row, error))
        return false;
    cursor->left--;
    return true;
}
