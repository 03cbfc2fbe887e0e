/* Appending groups.
 *
 * One write and one fdatasync a group. After a failed fdatasync nothing that was written since the last good one may be believed, also if
 * a second fdatasync succeeds: the kernel may have marked the pages clean (fsyncgate). But the bytes are still in memory: they go, as the
 * same group with the same number and the same batches, to a new segment. Should the old copy have survived after all, the reader
 * skips the second one by its number, and the aggregators would drop it by its batches' sequences. If that fails too, nobody knows what
 * a later start will find, so the senders get no answer and the process ends. */
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
    memcpy(journal->writer.header.stream_id, stream_id, STREAM_ID_SIZE);
    journal->writer.header.partition_count = partition_count;
    journal->writer.header.topic_crc = journal->topic_crc;
    journal->writer.begun = true;
    journal->writer.rotate = true;
}

/* ---- a new segment ---- */

/* Group 0: all positions known. Begins the segment's encoder. */
static void encode_snapshot(struct journal *journal)
{
    struct journal_writer *writer = &journal->writer;
    GHashTableIter iter;
    gpointer name, value;
    journal_encoder_begin(&writer->encoder, writer->header.nonce, 0);
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

static void new_header(struct journal_writer *writer)
{
    writer->header.number = writer->next_segment;
    g_assert(getrandom(&writer->header.nonce, sizeof writer->header.nonce, 0) == sizeof writer->header.nonce);
    writer->header.first_group = writer->next_group;
    writer->header.created_ms = g_get_real_time() / 1000;
    writer->header.batches_before = writer->batches_total;
    writer->header.bytes_before = writer->bytes_total;
}

/* Writes header and snapshot into the spare and makes it durable; *size is the size of both. */
static int fill_segment(struct journal *journal, int fd, const char *name, size_t need, uint64_t *size, uint64_t *capacity)
{
    struct journal_writer *writer = &journal->writer;
    uint8_t header[JOURNAL_HEADER_SIZE];
    encode_snapshot(journal);
    append_zeros(writer->encoder.bytes);
    *size = JOURNAL_HEADER_SIZE + writer->encoder.bytes->len - JOURNAL_END_SIZE;
    *capacity = journal->segment_bytes;
    int err = 0;
    if (*size + need + JOURNAL_END_SIZE > *capacity) { /* one group that is larger than a segment */
        *capacity = (*size + need + JOURNAL_END_SIZE + BLOCK - 1) / BLOCK * BLOCK;
        err = journal_io_allocate(&journal->io, name, fd, *capacity);
    }
    journal_header_write(&writer->header, header);
    if (err == 0)
        err = journal_io_write(&journal->io, name, fd, writer->encoder.bytes->data, writer->encoder.bytes->len, JOURNAL_HEADER_SIZE);
    if (err == 0)
        err = journal_io_write(&journal->io, name, fd, header, sizeof header, 0);
    return err == 0 ? journal_io_sync(&journal->io, name, fd) : err;
}

/* The spare becomes a segment by its name: until the directory is durable nothing is written into it. */
static int name_segment(struct journal *journal, const char *spare_name, const char *name)
{
    crashpoint("journal.segment_written");
    int err = journal_io_rename(&journal->io, spare_name, name);
    crashpoint("journal.segment_renamed");
    return err == 0 ? journal_io_sync_directory(&journal->io) : err;
}

static void publish_segment(struct journal *journal, uint64_t size, uint64_t capacity)
{
    const struct journal_header *header = &journal->writer.header;
    struct journal_segment segment = {
        .number = header->number, .bytes = capacity, .end = size, .last_group = header->first_group - 1};
    g_mutex_lock(&journal->lock);
    journal->bytes += capacity - journal->segment_bytes;
    g_array_append_val(journal->segments, segment);
    g_mutex_unlock(&journal->lock);
    atomic_store(&journal->partition_count, header->partition_count);
    atomic_store(&journal->same_topic, true);
}

static int rotate(struct journal *journal, size_t need)
{
    struct journal_writer *writer = &journal->writer;
    char spare_name[JOURNAL_NAME_SIZE], name[JOURNAL_NAME_SIZE];
    uint64_t size = 0, capacity = 0;
    int err = 0, fd = -1;

    int spare = journal_spare_take(journal, &err);
    if (spare < 0)
        return err;
    new_header(writer);
    journal_spare_name(spare_name, spare);
    journal_segment_name(name, writer->header.number, false);
    writer->next_segment++; /* also after a failure: a name that may be on the disk is never used again */
    err = journal_io_file(&journal->io, spare_name, O_RDWR, &fd);
    if (err == 0)
        err = fill_segment(journal, fd, spare_name, need, &size, &capacity);
    if (err == 0)
        err = name_segment(journal, spare_name, name);
    if (err != 0) {
        journal_io_unlink(&journal->io, name); /* if only the directory's sync failed */
        journal_spare_done(journal, spare, false);
        if (fd >= 0)
            close(fd);
        return err;
    }
    journal_spare_done(journal, spare, true);
    publish_segment(journal, size, capacity);
    if (writer->fd >= 0)
        close(writer->fd);
    writer->fd = fd;
    memcpy(writer->name, name, sizeof name);
    writer->offset = size;
    writer->capacity = capacity;
    writer->rotate = false;
    log_debug("journal_segment", "file=%s first_group=%" G_GUINT64_FORMAT, name, (guint64)writer->header.first_group);
    return 0;
}

/* ---- a group ---- */

static void encode_group(struct journal_writer *writer, const struct journal_group *group)
{
    journal_encoder_begin(&writer->encoder, writer->header.nonce, writer->next_group);
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
    group->end = (struct journal_place){writer->header.number, writer->offset};
    group->nonce = writer->header.nonce;
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
