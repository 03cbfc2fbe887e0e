/* journal_format: the bytes of a journal segment. Pure functions; ARCHITECTURE.md has the same layout as a table.
 *
 *   segment = header, snapshot group, group, group, …
 *   group   = frame, frame, …, commit frame;   frame = header (24 bytes), payload, zeros up to a multiple of 8
 *
 * Integers are little-endian. A frame's CRC32C begins with the segment's random nonce and covers the header and the payload: what
 * an earlier use of the same disk blocks left behind is never valid. Frames count 0, 1, 2… within their group, groups count up by
 * one over the whole journal; the snapshot (the positions known when the segment was begun) has the group number 0. The commit
 * frame holds how many frames were before it and the CRC32C of their CRCs: a group without a right one was never written. 24 zero
 * bytes follow the last group, so that an end can be told from a torn group. */
#ifndef DAYBOOK_JOURNAL_FORMAT_H
#define DAYBOOK_JOURNAL_FORMAT_H

#include "lib/record.h"
#include <glib.h>

enum {
    JOURNAL_HEADER_SIZE = 128,
    JOURNAL_FRAME_HEADER_SIZE = 24,
    JOURNAL_END_SIZE = 24,         /* zeros behind the last group */
    JOURNAL_PAYLOAD_MAX = 1 << 20, /* of one frame */
    JOURNAL_POSITION_NAME_MAX = 255,
    JOURNAL_POSITION_MAX = 64 * 1024,
};

/* Begins a segment. */
struct journal_header {
    uint64_t number;      /* of the segment; also its file's name */
    uint64_t nonce;       /* random */
    uint64_t first_group; /* number of the group that comes next */
    uint8_t stream_id[STREAM_ID_SIZE];
    uint32_t partition_count;
    uint32_t topic_crc;                    /* CRC32C of the topic's name: to know a partition count that belongs to another topic */
    int64_t created_ms;                    /* Unix time */
    uint64_t batches_before, bytes_before; /* totals of the journal's life before this segment */
};
void journal_header_write(const struct journal_header *header, uint8_t out[JOURNAL_HEADER_SIZE]);
/* False when the bytes are no header. */
bool journal_header_read(const uint8_t in[JOURNAL_HEADER_SIZE], struct journal_header *header);

enum journal_frame_type { JOURNAL_BATCH = 1, JOURNAL_POSITION = 2, JOURNAL_COMMIT = 3 };

/* A sealed batch: one message for Kafka. */
struct journal_batch {
    uint32_t partition;
    uint32_t events;
    uint64_t sequence;
    int64_t created_ms;
    GBytes *record; /* the bytes of the message; at most JOURNAL_PAYLOAD_MAX - 24 */
};
void journal_batch_clear(struct journal_batch *batch);

/* ---- writing a group: begin, any frames, commit; then `bytes` is what goes to the disk ---- */
struct journal_encoder {
    GByteArray *bytes;
    uint64_t nonce;
    uint64_t group;
    uint32_t frames;
    uint32_t crc; /* CRC32C of the frames' CRCs */
};
void journal_encoder_init(struct journal_encoder *encoder);
void journal_encoder_clear(struct journal_encoder *encoder);
void journal_encoder_begin(struct journal_encoder *encoder, uint64_t nonce, uint64_t group);
void journal_encoder_batch(struct journal_encoder *encoder, const struct journal_batch *batch);
/* An empty value: the name is forgotten. */
void journal_encoder_position(struct journal_encoder *encoder, const char *name, GBytes *value);
/* Totals after the group. */
void journal_encoder_commit(struct journal_encoder *encoder, uint64_t batches_total, uint64_t bytes_total);

/* ---- reading ---- */
struct journal_frame {
    enum journal_frame_type type;
    uint32_t index;
    uint32_t crc;
    uint64_t group;
    const uint8_t *payload;
    uint32_t size;
};
/* What a frame claims to be, before its payload and CRC are looked at. False when it cannot be a frame (also: zeros). */
bool journal_frame_peek(const uint8_t header[JOURNAL_FRAME_HEADER_SIZE], struct journal_frame *frame);
/* Bytes from the beginning of the frame to that of the next. */
size_t journal_frame_extent(const struct journal_frame *frame);
/* Checks the CRC of a frame that was peeked at; data must hold its header and payload. Sets frame->payload into data. */
bool journal_frame_check(const uint8_t *data, uint64_t nonce, struct journal_frame *frame);
/* Read a payload; false when it is not well-formed. The batch's record is a copy; names and values borrow from the payload. */
bool journal_frame_batch(const struct journal_frame *frame, struct journal_batch *batch);
bool journal_frame_position(const struct journal_frame *frame, struct view *name, struct view *value);
struct journal_commit {
    uint32_t frames, crc;
    uint64_t batches_total, bytes_total;
};
bool journal_frame_commit(const struct journal_frame *frame, struct journal_commit *commit);

#endif
