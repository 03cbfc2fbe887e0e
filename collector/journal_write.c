/* Appending groups.
 *
 * One write and one fdatasync a group. After a failed fdatasync nothing that was written since the last good one may be believed,
 * also if a second fdatasync succeeds: the kernel may have marked the pages clean (fsyncgate). But the bytes are still in memory:
 * they go, as the same group with the same number and the same batches, to a new segment. Should the old copy have survived after
 * all, the reader skips the second one by its number, and the aggregators would drop it by its batches' sequences. If that fails
 * too, nobody knows what a later start will find, so the senders get no answer and the process ends. */
#include "collector/journal_internal.h"

#include "lib/crashpoint.h"
#include "lib/log.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/random.h>
#include <unistd.h>

enum { ALLOCATE_AGAIN_US = 1000000, BLOCK = 4096 };

void journal_begin(struct journal *journal, const uint8_t stream_id[STREAM_ID_SIZE], uint32_t partition_count)
{
    memcpy(journal->writer.stream_id, stream_id, STREAM_ID_SIZE);
    journal->writer.partition_count = partition_count;
    journal->writer.begun = true;
    journal->writer.rotate = true;
}

/* ---- a new segment ---- */

/* A segment that is being made. The writer goes on with the one before until it is there. */
struct fresh {
    struct journal_header header;
    char name[JOURNAL_NAME_SIZE], spare_name[JOURNAL_NAME_SIZE];
    int spare, fd;
    uint64_t size;     /* of header and snapshot */
    uint64_t capacity; /* of the file */
};

/* Group 0: all positions known. */
static void encode_snapshot(struct journal *journal, uint64_t nonce)
{
    struct journal_writer *writer = &journal->writer;
    GHashTableIter iter;
    gpointer name, value;
    journal_encoder_begin(&writer->encoder, nonce, 0);
    g_mutex_lock(&journal->lock);
    g_hash_table_iter_init(&iter, journal->positions);
    while (g_hash_table_iter_next(&iter, &name, &value))
        journal_encoder_position(&writer->encoder, name, ((const struct journal_known *)value)->value);
    g_mutex_unlock(&journal->lock);
    journal_encoder_commit(&writer->encoder, writer->batches_total, writer->bytes_total);
}

static void append_zeros(GByteArray *bytes)
{
    static const uint8_t zeros[JOURNAL_END_SIZE];
    g_byte_array_append(bytes, zeros, sizeof zeros);
}

static void name_fresh(struct journal *journal, struct fresh *fresh)
{
    struct journal_writer *writer = &journal->writer;
    fresh->header = (struct journal_header){
        .number = writer->next_segment++, /* also after a failure: a name that may be on the disk is never used again */
        .first_group = writer->next_group,
        .partition_count = writer->partition_count,
        .topic_crc = journal->topic_crc,
        .created_ms = g_get_real_time() / 1000,
        .batches_before = writer->batches_total,
        .bytes_before = writer->bytes_total,
    };
    memcpy(fresh->header.stream_id, writer->stream_id, STREAM_ID_SIZE);
    g_assert(getrandom(&fresh->header.nonce, sizeof fresh->header.nonce, 0) == sizeof fresh->header.nonce);
    journal_spare_name(fresh->spare_name, fresh->spare);
    journal_segment_name(fresh->name, fresh->header.number, false);
}

/* Writes header and snapshot into the spare and makes them durable; `need` bytes will follow. */
static int fill_fresh(struct journal *journal, struct fresh *fresh, size_t need)
{
    uint8_t header[JOURNAL_HEADER_SIZE];
    encode_snapshot(journal, fresh->header.nonce);
    GByteArray *snapshot = journal->writer.encoder.bytes;
    fresh->size = JOURNAL_HEADER_SIZE + snapshot->len;
    fresh->capacity = journal->segment_bytes;
    append_zeros(snapshot);
    int err = journal_io_file(&journal->io, fresh->spare_name, O_RDWR, &fresh->fd);
    if (err == 0 && fresh->size + need + JOURNAL_END_SIZE > fresh->capacity) { /* one group that is larger than a segment */
        fresh->capacity = (fresh->size + need + JOURNAL_END_SIZE + BLOCK - 1) / BLOCK * BLOCK;
        err = journal_io_allocate(&journal->io, fresh->spare_name, fresh->fd, fresh->capacity);
    }
    journal_header_write(&fresh->header, header);
    if (err == 0)
        err = journal_io_write(&journal->io, fresh->spare_name, fresh->fd, snapshot->data, snapshot->len, JOURNAL_HEADER_SIZE);
    if (err == 0)
        err = journal_io_write(&journal->io, fresh->spare_name, fresh->fd, header, sizeof header, 0);
    return err == 0 ? journal_io_sync(&journal->io, fresh->spare_name, fresh->fd) : err;
}

/* The spare becomes a segment by its name: until the directory is durable nothing is written into it. */
static int place_fresh(struct journal *journal, const struct fresh *fresh)
{
    crashpoint("journal.segment_written");
    int err = journal_io_rename(&journal->io, fresh->spare_name, fresh->name);
    crashpoint("journal.segment_renamed");
    return err == 0 ? journal_io_sync_directory(&journal->io) : err;
}

/* Ends the segment before. One that was hardly used (a new stream, more partitions, a failed write) gives back what it does not
 * need; if that fails, it is only larger than it has to be. It cannot be removed meanwhile: it is still the last one in the list.
 */
static void leave_segment(struct journal *journal)
{
    struct journal_writer *writer = &journal->writer;
    if (writer->fd < 0)
        return;
    uint64_t unused = writer->capacity - writer->offset;
    if (unused > journal->segment_bytes / 4 && journal_io_truncate(&journal->io, writer->name, writer->fd, writer->offset) == 0) {
        g_mutex_lock(&journal->lock);
        g_array_index(journal->segments, struct journal_segment, journal->segments->len - 1).bytes -= unused;
        journal->bytes -= unused;
        g_mutex_unlock(&journal->lock);
    }
    close(writer->fd);
}

static void enter_segment(struct journal *journal, const struct fresh *fresh)
{
    struct journal_writer *writer = &journal->writer;
    struct journal_segment segment = {
        .number = fresh->header.number, .bytes = fresh->capacity, .end = fresh->size, .last_group = fresh->header.first_group - 1};
    g_mutex_lock(&journal->lock);
    journal->bytes += fresh->capacity - journal->segment_bytes;
    g_array_append_val(journal->segments, segment);
    g_mutex_unlock(&journal->lock);
    atomic_store(&journal->partition_count, fresh->header.partition_count);
    atomic_store(&journal->same_topic, true);
    writer->fd = fresh->fd;
    memcpy(writer->name, fresh->name, sizeof fresh->name);
    writer->segment = fresh->header.number;
    writer->nonce = fresh->header.nonce;
    writer->offset = fresh->size;
    writer->capacity = fresh->capacity;
    writer->rotate = false;
}

static int rotate(struct journal *journal, size_t need)
{
    struct fresh fresh = {.fd = -1};
    int err = 0;

    fresh.spare = journal_spare_take(journal, &err);
    if (fresh.spare < 0)
        return err;
    name_fresh(journal, &fresh);
    err = fill_fresh(journal, &fresh, need);
    if (err == 0)
        err = place_fresh(journal, &fresh);
    if (err != 0) {
        journal_io_unlink(&journal->io, fresh.name); /* if only the directory's sync failed */
        if (fresh.fd >= 0)
            close(fresh.fd);
    }
    journal_spare_done(journal, fresh.spare, err == 0);
    if (err != 0)
        return err;
    leave_segment(journal);
    enter_segment(journal, &fresh);
    log_debug("journal_segment", "file=%s first_group=%" G_GUINT64_FORMAT, fresh.name, (guint64)fresh.header.first_group);
    return 0;
}

/* ---- a group ---- */

static void encode_group(struct journal_writer *writer, const struct journal_group *group)
{
    journal_encoder_begin(&writer->encoder, writer->nonce, writer->next_group);
    for (guint i = 0; i < group->batches->len; i++)
        journal_encoder_batch(&writer->encoder, &g_array_index(group->batches, struct journal_batch, i));
    for (guint i = 0; i < group->positions->len; i++) {
        const struct journal_position *position = &g_array_index(group->positions, struct journal_position, i);
        journal_encoder_position(&writer->encoder, position->name, position->value);
    }
    journal_encoder_commit(&writer->encoder, writer->batches_total + group->batches->len, writer->bytes_total + group->bytes);
    append_zeros(writer->encoder.bytes);
}

static int write_group(struct journal *journal)
{
    struct journal_writer *writer = &journal->writer;
    const GByteArray *bytes = writer->encoder.bytes;
    crashpoint("journal.before_write");
    if (crashpoint_due("journal.half_write"))
        journal_io_write(&journal->io, writer->name, writer->fd, bytes->data, bytes->len / 2, writer->offset);
    crashpoint("journal.half_write");
    return journal_io_write(&journal->io, writer->name, writer->fd, bytes->data, bytes->len, writer->offset);
}

/* What a failed attempt was. */
enum attempt { ATTEMPT_DURABLE, ATTEMPT_FULL, ATTEMPT_BROKEN };

static enum attempt broken(struct journal *journal, const char *what, int err)
{
    log_error("journal_write_failed", "dir=%s file=%s operation=%s reason=%s", journal->io.path, journal->writer.name, what,
              g_strerror(err));
    return ATTEMPT_BROKEN;
}

static enum attempt attempt(struct journal *journal, const struct journal_group *group)
{
    struct journal_writer *writer = &journal->writer;
    int err = 0;
    encode_group(writer, group);
    size_t size = writer->encoder.bytes->len; /* with the zeros */
    if (writer->rotate || writer->fd < 0 || writer->offset + size > writer->capacity) {
        err = rotate(journal, size);
        if (err != 0)
            return journal_io_is_full(err) || err == EAGAIN ? ATTEMPT_FULL : broken(journal, "new_segment", err);
        encode_group(writer, group); /* again: the new segment has another nonce */
    }
    err = write_group(journal);
    if (err != 0)
        return journal_io_is_full(err) ? ATTEMPT_FULL : broken(journal, "write", err);
    crashpoint("journal.before_sync");
    err = journal_io_sync(&journal->io, writer->name, writer->fd);
    /* Whatever the reason, ENOSPC included: the bytes are not to be trusted. */
    return err == 0 ? ATTEMPT_DURABLE : broken(journal, "fdatasync", err);
}

static void publish_group(struct journal *journal, struct journal_group *group)
{
    struct journal_writer *writer = &journal->writer;
    writer->offset += writer->encoder.bytes->len - JOURNAL_END_SIZE;
    writer->batches_total += group->batches->len;
    writer->bytes_total += group->bytes;
    group->number = writer->next_group++;
    group->end = (struct journal_place){writer->segment, writer->offset};
    group->nonce = writer->nonce;
    group->batches_total = writer->batches_total;
    group->bytes_total = writer->bytes_total;

    g_mutex_lock(&journal->lock);
    struct journal_segment *segment = &g_array_index(journal->segments, struct journal_segment, journal->segments->len - 1);
    segment->end = writer->offset;
    segment->last_group = group->number;
    for (guint i = 0; i < group->positions->len; i++) {
        const struct journal_position *position = &g_array_index(group->positions, struct journal_position, i);
        journal_remember(journal, position->name, position->value, group->number);
    }
    journal->batches_total = writer->batches_total;
    journal->bytes_total = writer->bytes_total;
    journal->stats.last_group = group->number;
    journal->stats.groups++;
    journal->stats.written_bytes += writer->encoder.bytes->len;
    g_mutex_unlock(&journal->lock);
}

static void count_failure(struct journal *journal)
{
    journal->writer.failures++;
    journal->writer.rotate = true;
    g_mutex_lock(&journal->lock);
    journal->stats.failures++;
    g_mutex_unlock(&journal->lock);
}

/* A buffer that was needed for one large group is given back. */
static void shrink(struct journal_encoder *encoder)
{
    enum { KEPT = 2 << 20 };
    if (encoder->bytes->len <= KEPT)
        return;
    g_byte_array_unref(encoder->bytes);
    encoder->bytes = g_byte_array_new();
}

enum journal_result journal_append(struct journal *journal, struct journal_group *group)
{
    struct journal_writer *writer = &journal->writer;
    g_assert(writer->begun && !journal_group_is_empty(group));
    while (writer->failures < 2) {
        enum attempt outcome = attempt(journal, group);
        if (outcome == ATTEMPT_DURABLE) {
            crashpoint("journal.synced");
            writer->failures = 0;
            publish_group(journal, group);
            shrink(&writer->encoder);
            return JOURNAL_DURABLE;
        }
        if (outcome == ATTEMPT_FULL) {
            atomic_store(&journal->has_room, false);
            return JOURNAL_FULL;
        }
        count_failure(journal);
    }
    return JOURNAL_FAILED;
}

/* ---- room ---- */

/* What may be waiting in the batcher when the journal says that it is full: a quarter of a segment is kept for it. */
static bool look_for_room(struct journal *journal)
{
    struct journal_writer *writer = &journal->writer;
    uint64_t left = writer->fd >= 0 && !writer->rotate ? writer->capacity - writer->offset : 0;
    int err = 0;
    if (left > journal->segment_bytes / 2)
        return true;
    int64_t now = g_get_monotonic_time();
    if (journal_spare_prepare(journal, now >= writer->allocate_us, &err))
        return true;
    if (err != 0)
        writer->allocate_us = now + ALLOCATE_AGAIN_US;
    if (err != 0 && atomic_load(&journal->has_room))
        log_warn("journal_full", "dir=%s reason=%s", journal->io.path, g_strerror(err));
    return left > journal->segment_bytes / 4;
}

void journal_tend(struct journal *journal)
{
    struct journal_writer *writer = &journal->writer;
    if (writer->begun && writer->rotate && writer->failures < 2) {
        int err = rotate(journal, 0);
        if (err != 0 && !journal_io_is_full(err) && err != EAGAIN) {
            broken(journal, "new_segment", err);
            count_failure(journal);
        }
    }
    bool room = writer->failures < 2 && look_for_room(journal);
    if (room && !atomic_load(&journal->has_room))
        log_info("journal_has_room", "dir=%s", journal->io.path);
    atomic_store(&journal->has_room, room);
}
