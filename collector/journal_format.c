#include "collector/journal_format.h"

#include "lib/crc32c.h"

static const char magic[8] = {'D', 'B', 'J', 'R', 'N', 'L', '0', '1'};

/* Offsets in the header. */
enum {
    AT_NUMBER = 8,
    AT_NONCE = 16,
    AT_FIRST_GROUP = 24,
    AT_STREAM = 32,
    AT_PARTITIONS = 48,
    AT_TOPIC = 52,
    AT_CREATED = 56,
    AT_BATCHES = 64,
    AT_BYTES = 72,
    AT_CRC = 124,
};
/* Offsets in a frame, and sizes of what begins a payload. */
enum { FRAME_CRC = 0, FRAME_TYPE = 4, FRAME_SIZE = 8, FRAME_INDEX = 12, FRAME_GROUP = 16 };
enum { BATCH_PREFIX = 24, COMMIT_SIZE = 24, POSITION_PREFIX = 4 };

static void put32(uint8_t *at, uint32_t value)
{
    value = GUINT32_TO_LE(value);
    memcpy(at, &value, sizeof value);
}

static void put64(uint8_t *at, uint64_t value)
{
    value = GUINT64_TO_LE(value);
    memcpy(at, &value, sizeof value);
}

static uint32_t get32(const uint8_t *at)
{
    uint32_t value;
    memcpy(&value, at, sizeof value);
    return GUINT32_FROM_LE(value);
}

static uint64_t get64(const uint8_t *at)
{
    uint64_t value;
    memcpy(&value, at, sizeof value);
    return GUINT64_FROM_LE(value);
}

void journal_header_write(const struct journal_header *header, uint8_t out[JOURNAL_HEADER_SIZE])
{
    memset(out, 0, JOURNAL_HEADER_SIZE);
    memcpy(out, magic, sizeof magic);
    put64(out + AT_NUMBER, header->number);
    put64(out + AT_NONCE, header->nonce);
    put64(out + AT_FIRST_GROUP, header->first_group);
    memcpy(out + AT_STREAM, header->stream_id, STREAM_ID_SIZE);
    put32(out + AT_PARTITIONS, header->partition_count);
    put32(out + AT_TOPIC, header->topic_crc);
    put64(out + AT_CREATED, (uint64_t)header->created_ms);
    put64(out + AT_BATCHES, header->batches_before);
    put64(out + AT_BYTES, header->bytes_before);
    put32(out + AT_CRC, crc32c(0, out, AT_CRC));
}

bool journal_header_read(const uint8_t in[JOURNAL_HEADER_SIZE], struct journal_header *header)
{
    if (memcmp(in, magic, sizeof magic) != 0 || get32(in + AT_CRC) != crc32c(0, in, AT_CRC))
        return false;
    header->number = get64(in + AT_NUMBER);
    header->nonce = get64(in + AT_NONCE);
    header->first_group = get64(in + AT_FIRST_GROUP);
    memcpy(header->stream_id, in + AT_STREAM, STREAM_ID_SIZE);
    header->partition_count = get32(in + AT_PARTITIONS);
    header->topic_crc = get32(in + AT_TOPIC);
    header->created_ms = (int64_t)get64(in + AT_CREATED);
    header->batches_before = get64(in + AT_BATCHES);
    header->bytes_before = get64(in + AT_BYTES);
    return true;
}

void journal_batch_clear(struct journal_batch *batch)
{
    g_clear_pointer(&batch->record, g_bytes_unref);
}

/* ---- writing ---- */

void journal_encoder_init(struct journal_encoder *encoder)
{
    memset(encoder, 0, sizeof *encoder);
    encoder->bytes = g_byte_array_new();
}

void journal_encoder_clear(struct journal_encoder *encoder)
{
    g_byte_array_unref(encoder->bytes);
    encoder->bytes = NULL;
}

void journal_encoder_begin(struct journal_encoder *encoder, uint64_t nonce, uint64_t group)
{
    g_byte_array_set_size(encoder->bytes, 0);
    encoder->nonce = nonce;
    encoder->group = group;
    encoder->frames = 0;
    encoder->crc = 0;
}

static size_t padded(size_t size)
{
    return (size + 7) & ~(size_t)7;
}

static uint32_t frame_crc(uint64_t nonce, const uint8_t *frame, size_t payload_size)
{
    uint8_t seed[8];
    put64(seed, nonce);
    return crc32c(crc32c(0, seed, sizeof seed), frame + FRAME_TYPE, JOURNAL_FRAME_HEADER_SIZE - FRAME_TYPE + payload_size);
}

/* Makes room for a frame and writes its header but for the CRC; returns where the payload goes. */
static uint8_t *frame_open(struct journal_encoder *encoder, enum journal_frame_type type, size_t size)
{
    g_assert(size <= JOURNAL_PAYLOAD_MAX);
    guint start = encoder->bytes->len;
    size_t extent = JOURNAL_FRAME_HEADER_SIZE + padded(size);
    g_assert(extent <= G_MAXUINT - start);
    g_byte_array_set_size(encoder->bytes, start + (guint)extent);
    uint8_t *frame = encoder->bytes->data + start;
    memset(frame + extent - 8, 0, 8); /* the padding */
    put32(frame + FRAME_TYPE, type);
    put32(frame + FRAME_SIZE, (uint32_t)size);
    put32(frame + FRAME_INDEX, encoder->frames);
    put64(frame + FRAME_GROUP, encoder->group);
    return frame + JOURNAL_FRAME_HEADER_SIZE;
}

static void frame_close(struct journal_encoder *encoder, uint8_t *payload, size_t size)
{
    uint8_t *frame = payload - JOURNAL_FRAME_HEADER_SIZE;
    put32(frame + FRAME_CRC, frame_crc(encoder->nonce, frame, size));
    encoder->crc = crc32c(encoder->crc, frame + FRAME_CRC, 4);
    encoder->frames++;
}

void journal_encoder_batch(struct journal_encoder *encoder, const struct journal_batch *batch)
{
    gsize record_size = 0;
    const void *record = g_bytes_get_data(batch->record, &record_size);
    size_t size = BATCH_PREFIX + record_size;
    uint8_t *payload = frame_open(encoder, JOURNAL_BATCH, size);
    put32(payload, batch->partition);
    put32(payload + 4, batch->events);
    put64(payload + 8, batch->sequence);
    put64(payload + 16, (uint64_t)batch->created_ms);
    if (record_size > 0)
        memcpy(payload + BATCH_PREFIX, record, record_size);
    frame_close(encoder, payload, size);
}

void journal_encoder_position(struct journal_encoder *encoder, const char *name, GBytes *value)
{
    gsize value_size = 0;
    const void *data = g_bytes_get_data(value, &value_size);
    size_t name_size = strlen(name);
    g_assert(name_size <= JOURNAL_POSITION_NAME_MAX && value_size <= JOURNAL_POSITION_MAX);
    size_t size = POSITION_PREFIX + name_size + value_size;
    uint8_t *payload = frame_open(encoder, JOURNAL_POSITION, size);
    put32(payload, (uint32_t)name_size);
    memcpy(payload + POSITION_PREFIX, name, name_size);
    if (value_size > 0)
        memcpy(payload + POSITION_PREFIX + name_size, data, value_size);
    frame_close(encoder, payload, size);
}

void journal_encoder_commit(struct journal_encoder *encoder, uint64_t batches_total, uint64_t bytes_total)
{
    uint32_t frames = encoder->frames, crc = encoder->crc;
    uint8_t *payload = frame_open(encoder, JOURNAL_COMMIT, COMMIT_SIZE);
    put32(payload, frames);
    put32(payload + 4, crc);
    put64(payload + 8, batches_total);
    put64(payload + 16, bytes_total);
    frame_close(encoder, payload, COMMIT_SIZE);
}

/* ---- reading ---- */

bool journal_frame_peek(const uint8_t header[JOURNAL_FRAME_HEADER_SIZE], struct journal_frame *frame)
{
    uint32_t type = get32(header + FRAME_TYPE);
    frame->size = get32(header + FRAME_SIZE);
    if (type < JOURNAL_BATCH || type > JOURNAL_COMMIT || frame->size > JOURNAL_PAYLOAD_MAX)
        return false;
    frame->type = (enum journal_frame_type)type;
    frame->crc = get32(header + FRAME_CRC);
    frame->index = get32(header + FRAME_INDEX);
    frame->group = get64(header + FRAME_GROUP);
    frame->payload = NULL;
    return true;
}

size_t journal_frame_extent(const struct journal_frame *frame)
{
    return JOURNAL_FRAME_HEADER_SIZE + padded(frame->size);
}

bool journal_frame_check(const uint8_t *data, uint64_t nonce, struct journal_frame *frame)
{
    if (frame_crc(nonce, data, frame->size) != frame->crc)
        return false;
    frame->payload = data + JOURNAL_FRAME_HEADER_SIZE;
    return true;
}

bool journal_frame_batch(const struct journal_frame *frame, struct journal_batch *batch)
{
    if (frame->type != JOURNAL_BATCH || frame->size < BATCH_PREFIX)
        return false;
    batch->partition = get32(frame->payload);
    batch->events = get32(frame->payload + 4);
    batch->sequence = get64(frame->payload + 8);
    batch->created_ms = (int64_t)get64(frame->payload + 16);
    batch->record = g_bytes_new(frame->payload + BATCH_PREFIX, frame->size - BATCH_PREFIX);
    return true;
}

bool journal_frame_position(const struct journal_frame *frame, struct view *name, struct view *value)
{
    if (frame->type != JOURNAL_POSITION || frame->size < POSITION_PREFIX)
        return false;
    uint32_t name_size = get32(frame->payload), rest = frame->size - POSITION_PREFIX;
    if (name_size > JOURNAL_POSITION_NAME_MAX || name_size > rest || rest - name_size > JOURNAL_POSITION_MAX)
        return false;
    *name = view_make(frame->payload + POSITION_PREFIX, name_size);
    *value = view_make(frame->payload + POSITION_PREFIX + name_size, rest - name_size);
    return true;
}

bool journal_frame_commit(const struct journal_frame *frame, struct journal_commit *commit)
{
    if (frame->type != JOURNAL_COMMIT || frame->size != COMMIT_SIZE)
        return false;
    commit->frames = get32(frame->payload);
    commit->crc = get32(frame->payload + 4);
    commit->batches_total = get64(frame->payload + 8);
    commit->bytes_total = get64(frame->payload + 16);
    return true;
}
