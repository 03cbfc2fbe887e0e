#include "collector/import_plan.h"
#include "lib/crc32c.h"
#include <errno.h>
#include <fcntl.h>
#include <gnutls/crypto.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CHUNK = 1024 * 1024 };

G_DEFINE_QUARK(daybook - import - error - quark, import_error)

/* ---- reading a range line by line, only to count and to digest ---- */

static bool fail(GError **error, enum import_error code, const char *path, const char *why)
{
    g_set_error(error, IMPORT_ERROR, (gint)code, "%s %s", path, why);
    return false;
}

static bool read_at(int fd, char *buffer, size_t size, uint64_t offset, size_t *n)
{
    *n = 0;
    while (*n < size) {
        ssize_t got = pread(fd, buffer + *n, size - *n, (off_t)(offset + *n));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return false;
        if (got == 0)
            break;
        *n += (size_t)got;
    }
    return true;
}

bool import_plan_read(const struct import_plan *plan, void *buffer, size_t size, uint64_t offset, GError **error)
{
    size_t n = 0;
    if (!read_at(plan->fd, buffer, size, offset, &n))
        return fail(error, IMPORT_ERROR_FILE, plan->path, g_strerror(errno));
    if (n < size)
        return fail(error, IMPORT_ERROR_CHANGED, plan->path, "became shorter while it was imported.");
    return true;
}

/* What a pass over lines does with each run of bytes. A run never goes beyond the end of a line. */
struct pass {
    bool (*take)(struct pass *pass, const char *bytes, size_t size, bool ends_line); /* false: enough */
    void *opaque;
    uint64_t offset; /* of the next byte */
    uint64_t end;    /* stops there */
};

/* Runs until `take` has enough, or the end is reached. False when the file cannot be read. */
static bool run_pass(int fd, struct pass *pass)
{
    g_autofree char *chunk = g_malloc(CHUNK);
    while (pass->offset < pass->end) {
        size_t n = 0;
        size_t wanted = (size_t)MIN((uint64_t)CHUNK, pass->end - pass->offset);
        if (!read_at(fd, chunk, wanted, pass->offset, &n))
            return false;
        if (n == 0)
            break;
        for (const char *at = chunk; at < chunk + n;) {
            const char *newline = memchr(at, '\n', (size_t)(chunk + n - at));
            size_t size = newline ? (size_t)(newline + 1 - at) : (size_t)(chunk + n - at);
            pass->offset += size;
            if (!pass->take(pass, at, size, newline != NULL))
                return true;
            at += size;
        }
    }
    return true;
}

/* ---- finding a line ---- */

static bool count_down(struct pass *pass, const char *bytes, size_t size, bool ends_line)
{
    uint64_t *lines = pass->opaque;
    (void)bytes;
    (void)size;
    *lines -= ends_line ? 1 : 0;
    return *lines > 0;
}

/* Offset of a line; false when the file has fewer. */
static bool find_line(int fd, uint64_t line, uint64_t end, uint64_t *offset)
{
    uint64_t lines = line - 1;
    struct pass pass = {.take = count_down, .opaque = &lines, .end = end};
    *offset = 0;
    if (lines == 0)
        return true;
    if (!run_pass(fd, &pass) || lines > 0)
        return false;
    *offset = pass.offset;
    return true;
}

/* ---- the digests of a range ---- */

struct digests {
    struct import_plan *plan; /* NULL: only the stream id and lines are asked for */
    gnutls_hash_hd_t content, head;
    uint64_t n_lines, lines_max;
    uint64_t block_lines;
    uint32_t crc;
    bool open_line; /* bytes came behind the last newline */
};

static void end_block(struct digests *digests, uint64_t offset)
{
    struct import_block block = {.end = offset, .crc = digests->crc};
    g_array_append_val(digests->plan->blocks, block);
    digests->crc = 0;
    digests->block_lines = 0;
}

static bool take_bytes(struct pass *pass, const char *bytes, size_t size, bool ends_line)
{
    struct digests *digests = pass->opaque;
    gnutls_hash(digests->content, bytes, size);
    digests->open_line = !ends_line;
    if (digests->plan) {
        if (digests->n_lines < IMPORT_HEAD_LINES)
            gnutls_hash(digests->head, bytes, size);
        digests->crc = crc32c(digests->crc, bytes, size);
    }
    if (!ends_line)
        return true;
    digests->n_lines++;
    digests->block_lines++;
    if (digests->plan && digests->block_lines == IMPORT_BLOCK_LINES)
        end_block(digests, pass->offset);
    if (digests->plan && digests->plan->blocks->len > IMPORT_BLOCKS_MAX)
        return false;
    return digests->n_lines != digests->lines_max;
}

static bool digests_init(struct digests *digests, const char *format, uint64_t first_line)
{
    char line[32];
    g_snprintf(line, sizeof line, "%" G_GUINT64_FORMAT, first_line);
    if (gnutls_hash_init(&digests->content, GNUTLS_DIG_SHA256) != 0)
        return false;
    if (gnutls_hash_init(&digests->head, GNUTLS_DIG_SHA256) != 0) {
        gnutls_hash_deinit(digests->content, NULL);
        return false;
    }
    gnutls_hash(digests->content, format, strlen(format) + 1);
    gnutls_hash(digests->content, line, strlen(line) + 1);
    return true;
}

static void digests_clear(struct digests *digests, uint8_t stream_id[STREAM_ID_SIZE], uint8_t head[32])
{
    uint8_t whole[32];
    gnutls_hash_deinit(digests->content, whole);
    gnutls_hash_deinit(digests->head, head);
    memcpy(stream_id, whole, STREAM_ID_SIZE);
}

bool import_plan_other(const struct import_plan *plan, const char *format, uint64_t first_line, uint64_t size,
                       uint8_t stream_id[STREAM_ID_SIZE], uint64_t *n_lines)
{
    struct digests digests = {0};
    struct stat status;
    uint8_t head[32];
    uint64_t begin = 0;
    if (fstat(plan->fd, &status) != 0 || !find_line(plan->fd, first_line, (uint64_t)status.st_size, &begin))
        return false;
    if (size > (uint64_t)status.st_size - begin || !digests_init(&digests, format, first_line))
        return false;
    struct pass pass = {.take = take_bytes, .opaque = &digests, .offset = begin, .end = begin + size};
    bool read = run_pass(plan->fd, &pass);
    digests_clear(&digests, stream_id, head);
    *n_lines = digests.n_lines;
    return read && !digests.open_line;
}

/* ---- the plan ---- */

static bool open_file(struct import_plan *plan, struct stat *status, GError **error)
{
    plan->fd = open(plan->path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (plan->fd < 0 || fstat(plan->fd, status) != 0) {
        g_set_error(error, IMPORT_ERROR, IMPORT_ERROR_FILE, "%s cannot be read: %s.", plan->path, g_strerror(errno));
        return false;
    }
    if (!S_ISREG(status->st_mode))
        return fail(error, IMPORT_ERROR_FILE, plan->path, "is not a regular file; an import reads its file twice.");
    return true;
}

static bool digest(struct import_plan *plan, const struct import_range *range, uint64_t size, GError **error)
{
    struct digests digests = {.plan = plan, .lines_max = range->n_lines};
    if (!digests_init(&digests, range->format, range->first_line))
        return fail(error, IMPORT_ERROR_FILE, plan->path, "cannot be digested: GnuTLS offers no SHA-256.");
    struct pass pass = {.take = take_bytes, .opaque = &digests, .offset = plan->begin, .end = size};
    bool read = run_pass(plan->fd, &pass);
    digests_clear(&digests, plan->stream_id, plan->head_digest);
    if (!read)
        return fail(error, IMPORT_ERROR_FILE, plan->path, g_strerror(errno));
    plan->end = pass.offset;
    plan->n_lines = digests.n_lines + (digests.open_line ? 1 : 0);
    if (plan->end > plan->begin &&
        (plan->blocks->len == 0 || g_array_index(plan->blocks, struct import_block, plan->blocks->len - 1).end < plan->end))
        end_block(&digests, plan->end);
    if (plan->blocks->len > IMPORT_BLOCKS_MAX)
        return fail(error, IMPORT_ERROR_FILE, plan->path, "has more lines than one import can take: split it.");
    if (range->n_lines > plan->n_lines)
        return fail(error, IMPORT_ERROR_FILE, plan->path, "has fewer lines than --lines asks for.");
    return true;
}

struct import_plan *import_plan_new(const char *path, const struct import_range *range, GError **error)
{
    struct stat status;
    struct import_plan *plan = g_new0(struct import_plan, 1);
    g_assert(range->first_line >= 1);
    plan->path = g_strdup(path);
    plan->fd = -1;
    plan->first_line = range->first_line;
    plan->blocks = g_array_new(FALSE, TRUE, sizeof(struct import_block));
    if (!open_file(plan, &status, error))
        goto failed;
    uint64_t size = (uint64_t)status.st_size;
    if (!find_line(plan->fd, range->first_line, size, &plan->begin) || plan->begin == size) {
        fail(error, IMPORT_ERROR_FILE, path, range->first_line == 1 ? "is empty." : "has fewer lines than --from-line says.");
        goto failed;
    }
    if (digest(plan, range, size, error))
        return plan;
failed:
    import_plan_free(plan);
    return NULL;
}

void import_plan_free(struct import_plan *plan)
{
    if (plan == NULL)
        return;
    if (plan->fd >= 0)
        close(plan->fd);
    g_array_unref(plan->blocks);
    g_free(plan->path);
    g_free(plan);
}
