/* A line "1 since", the version first; then a line per file: "device inode first offset flag head_size head tail_size tail". */
#include "collector/follow_mark.h"
#include "lib/hex.h"
#include "lib/number.h"

enum { COLUMNS = 9 };

void follow_digest(const void *data, size_t size, uint8_t digest[FOLLOW_DIGEST_SIZE])
{
    uint8_t whole[32];
    gsize length = sizeof whole;
    GChecksum *checksum = g_checksum_new(G_CHECKSUM_SHA256);
    g_checksum_update(checksum, data, (gssize)size);
    g_checksum_get_digest(checksum, whole, &length);
    g_checksum_free(checksum);
    memcpy(digest, whole, FOLLOW_DIGEST_SIZE);
}

static void write_digest(GString *out, const uint8_t digest[FOLLOW_DIGEST_SIZE])
{
    char text[2 * FOLLOW_DIGEST_SIZE + 1];
    hex_write(text, digest, FOLLOW_DIGEST_SIZE);
    g_string_append(out, text);
}

void follow_position_begin(GString *position, int64_t since_ns)
{
    g_string_append_printf(position, "1 %" G_GINT64_FORMAT "\n", since_ns);
}

void follow_position_add(GString *position, const struct follow_mark *mark)
{
    const char *flag = mark->skipping ? "s" : "-";
    if (mark->finished)
        flag = "f";
    g_string_append_printf(position,
                           "%" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT " %" G_GINT64_FORMAT " %" G_GUINT64_FORMAT " %s %u ",
                           mark->device, mark->inode, mark->first_ns, mark->offset, flag, mark->head_size);
    write_digest(position, mark->head_digest);
    g_string_append_printf(position, " %u ", mark->tail_size);
    write_digest(position, mark->tail_digest);
    g_string_append_c(position, '\n');
}

static bool read_digest(const char *hex, uint8_t digest[FOLLOW_DIGEST_SIZE])
{
    if (strlen(hex) != FOLLOW_DIGEST_SIZE * 2)
        return false;
    for (size_t i = 0; i < FOLLOW_DIGEST_SIZE; i++) {
        if (!g_ascii_isxdigit(hex[i * 2]) || !g_ascii_isxdigit(hex[i * 2 + 1]))
            return false;
        digest[i] = (uint8_t)(g_ascii_xdigit_value(hex[i * 2]) * 16 + g_ascii_xdigit_value(hex[i * 2 + 1]));
    }
    return true;
}

static bool read_size(const char *text, uint64_t max, uint32_t *size)
{
    uint64_t value = 0;
    if (!number_read(view_of(text), &value) || value > max)
        return false;
    *size = (uint32_t)value;
    return true;
}

static bool read_flag(const char *text, struct follow_mark *mark)
{
    mark->skipping = strcmp(text, "s") == 0;
    mark->finished = strcmp(text, "f") == 0;
    return mark->skipping || mark->finished || strcmp(text, "-") == 0;
}

static bool read_mark(const char *line, struct follow_mark *mark)
{
    g_auto(GStrv) column = g_strsplit(line, " ", COLUMNS + 1);
    if (g_strv_length(column) != COLUMNS)
        return false;
    if (!number_read(view_of(column[0]), &mark->device) || !number_read(view_of(column[1]), &mark->inode) ||
        !number_read_signed(view_of(column[2]), &mark->first_ns))
        return false;
    if (!number_read(view_of(column[3]), &mark->offset) || mark->offset > INT64_MAX || !read_flag(column[4], mark))
        return false;
    return read_size(column[5], FOLLOW_HEAD_MAX, &mark->head_size) && read_digest(column[6], mark->head_digest) &&
           read_size(column[7], MIN(mark->offset, (uint64_t)FOLLOW_TAIL_MAX), &mark->tail_size) &&
           read_digest(column[8], mark->tail_digest);
}

/* The lines behind the first one; the last element of `lines` is what follows the last newline. */
static bool read_marks(char **lines, guint n, GArray *marks)
{
    for (guint i = 1; i + 1 < n; i++) {
        struct follow_mark mark = {0};
        if (i > FOLLOW_MARKS_MAX || !read_mark(lines[i], &mark))
            return false;
        g_array_append_val(marks, mark);
    }
    return *lines[n - 1] == '\0';
}

GArray *follow_position_read(const char *data, size_t size, int64_t *since_ns)
{
    g_autofree char *text = g_strndup(data, size);
    g_auto(GStrv) lines = g_strsplit(text, "\n", FOLLOW_MARKS_MAX + 3);
    GArray *marks = g_array_new(FALSE, TRUE, sizeof(struct follow_mark));
    guint n = g_strv_length(lines);
    if (strlen(text) == size && n > 1 && g_str_has_prefix(lines[0], "1 ") && number_read_signed(view_of(lines[0] + 2), since_ns) &&
        read_marks(lines, n, marks))
        return marks;
    g_array_unref(marks);
    return NULL;
}
