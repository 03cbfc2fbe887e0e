#include "collector/journal_scan.h"

#include "lib/crc32c.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

enum { PIECE = 256 * 1024, FRAMES_MAX = 1 << 20 };

struct journal_scan *journal_scan_open(struct journal_io *io, const char *name, uint64_t number, int *err)
{
    uint8_t bytes[JOURNAL_HEADER_SIZE];
    size_t got = 0;
    int fd = -1;
    struct journal_header header;

    *err = journal_io_file(io, name, O_RDONLY, &fd);
    if (*err == 0)
        *err = journal_io_read(io, fd, bytes, sizeof bytes, 0, &got);
    if (*err != 0 || got < sizeof bytes || !journal_header_read(bytes, &header) || header.number != number) {
        if (fd >= 0)
            close(fd);
        return NULL;
    }
    struct journal_scan *scan = g_new0(struct journal_scan, 1);
    scan->io = io;
    scan->fd = fd;
    scan->header = header;
    scan->place = (struct journal_place){number, JOURNAL_HEADER_SIZE};
    scan->next_group = header.first_group;
    scan->limit = UINT64_MAX;
    scan->buffer = g_byte_array_new();
    return scan;
}

void journal_scan_close(struct journal_scan *scan)
{
    if (!scan)
        return;
    close(scan->fd);
    g_byte_array_unref(scan->buffer);
    g_free(scan);
}

static bool buffered(const struct journal_scan *scan, uint64_t offset, size_t size)
{
    return offset >= scan->buffer_offset && offset - scan->buffer_offset <= scan->buffer->len &&
           size <= scan->buffer->len - (offset - scan->buffer_offset);
}

/* The bytes at offset; NULL when the file (or the limit) ends before, or with *err set. Valid until the next call. */
static const uint8_t *bytes_at(struct journal_scan *scan, uint64_t offset, size_t size, int *err)
{
    if (!buffered(scan, offset, size)) {
        size_t want = MAX(size, PIECE), got = 0;
        want = (size_t)MIN((uint64_t)want, scan->limit > offset ? scan->limit - offset : 0);
        g_byte_array_set_size(scan->buffer, (guint)want);
        *err = journal_io_read(scan->io, scan->fd, scan->buffer->data, want, offset, &got);
        scan->buffer_offset = offset;
        g_byte_array_set_size(scan->buffer, (guint)got);
    }
    return buffered(scan, offset, size) ? scan->buffer->data + (offset - scan->buffer_offset) : NULL;
}

/* A checked frame at offset; its payload is valid until the next call. */
static bool frame_at(struct journal_scan *scan, uint64_t offset, struct journal_frame *frame, int *err)
{
    const uint8_t *data = bytes_at(scan, offset, JOURNAL_FRAME_HEADER_SIZE, err);
    if (!data || !journal_frame_peek(data, frame))
        return false;
    data = bytes_at(scan, offset, journal_frame_extent(frame), err);
    return data && journal_frame_check(data, scan->header.nonce, frame);
}

static bool take_frame(struct journal_group *group, const struct journal_frame *frame)
{
    struct journal_batch batch;
    struct view name, value;
    if (journal_frame_batch(frame, &batch)) {
        journal_group_take_batch(group, &batch);
        return true;
    }
    if (!journal_frame_position(frame, &name, &value))
        return false;
    g_autoptr(GBytes) bytes = g_bytes_new(value.data, value.size);
    journal_group_set_position(group, name, bytes);
    return true;
}

/* Fills the group up to its commit frame; false when there is no whole group. */
static bool read_group(struct journal_scan *scan, struct journal_group *group, int *err)
{
    uint64_t offset = scan->place.offset;
    uint32_t crc = 0;
    struct journal_frame frame;
    struct journal_commit commit;

    for (uint32_t i = 0; i < FRAMES_MAX; i++) {
        if (!frame_at(scan, offset, &frame, err) || frame.index != i || (i > 0 && frame.group != group->number))
            return false;
        group->number = frame.group;
        offset += journal_frame_extent(&frame);
        if (journal_frame_commit(&frame, &commit)) {
            group->end = (struct journal_place){scan->place.segment, offset};
            group->nonce = scan->header.nonce;
            group->batches_total = commit.batches_total;
            group->bytes_total = commit.bytes_total;
            return commit.frames == i && commit.crc == crc;
        }
        uint32_t little = GUINT32_TO_LE(frame.crc);
        crc = crc32c(crc, &little, sizeof little);
        if (!take_frame(group, &frame))
            return false;
    }
    return false;
}

static bool is_zero(const uint8_t *data, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (data[i] != 0)
            return false;
    return true;
}

/* At the end: nothing more in the file, or zeros where a frame would begin. */
static bool at_end(struct journal_scan *scan, int *err)
{
    if (scan->place.offset >= scan->limit)
        return true;
    for (size_t size = JOURNAL_END_SIZE; size > 0; size--) {
        const uint8_t *data = bytes_at(scan, scan->place.offset, size, err);
        if (data)
            return is_zero(data, size);
        if (*err != 0)
            return false;
    }
    return true;
}

enum journal_scan_result journal_scan_next(struct journal_scan *scan, struct journal_group **group, int *err)
{
    *err = 0;
    *group = NULL;
    if (at_end(scan, err))
        return JOURNAL_SCAN_END;
    struct journal_group *candidate = journal_group_new();
    if (*err == 0 && read_group(scan, candidate, err)) {
        scan->place = candidate->end;
        scan->next_group = MAX(scan->next_group, candidate->number + 1);
        *group = candidate;
        return JOURNAL_SCAN_GROUP;
    }
    journal_group_free(candidate);
    return *err != 0 ? JOURNAL_SCAN_ERROR : JOURNAL_SCAN_BAD;
}

/* Whether a whole group begins at offset. */
static bool group_at(struct journal_scan *scan, uint64_t offset)
{
    struct journal_place before = scan->place;
    uint64_t next_before = scan->next_group;
    struct journal_group *group = NULL;
    int err = 0;
    scan->place.offset = offset;
    bool whole = journal_scan_next(scan, &group, &err) == JOURNAL_SCAN_GROUP;
    journal_group_free(group);
    scan->place = before;
    scan->next_group = next_before;
    return whole;
}

bool journal_scan_find(struct journal_scan *scan, bool whole)
{
    uint64_t least_group = scan->place.offset == JOURNAL_HEADER_SIZE ? MAX(scan->next_group, 1) : scan->next_group + 1;
    struct journal_frame frame;
    int err = 0;
    for (uint64_t offset = scan->place.offset + 8; err == 0; offset += 8) {
        const uint8_t *data = bytes_at(scan, offset, JOURNAL_FRAME_HEADER_SIZE, &err);
        if (!data)
            return false;
        if (!journal_frame_peek(data, &frame) || frame.group < least_group || (whole && frame.index != 0))
            continue;
        if (!frame_at(scan, offset, &frame, &err) || (whole && !group_at(scan, offset)))
            continue;
        if (whole)
            scan->place.offset = offset;
        return true;
    }
    return false;
}

uint64_t journal_scan_torn_bytes(struct journal_scan *scan)
{
    struct journal_frame frame;
    uint64_t offset = scan->place.offset, group = 0;
    int err = 0;
    for (uint32_t i = 0; i < FRAMES_MAX; i++) {
        const uint8_t *data = bytes_at(scan, offset, JOURNAL_FRAME_HEADER_SIZE, &err);
        if (!data || !journal_frame_peek(data, &frame) || frame.index != i || (i > 0 && frame.group != group))
            break;
        group = frame.group;
        offset += journal_frame_extent(&frame);
    }
    return MAX(offset - scan->place.offset, 1);
}
