/* restore_streams: see restore_streams.h. */
#include "cli/restore_streams.h"
#include "lib/hex.h"
#include "lib/high_water.h"

enum { HEX = 2 * STREAM_ID_SIZE };
/* How long a silent stream that is no import is remembered: see aggregator/partition_feed.c. */
static const int64_t kept_ms = INT64_C(30) * 86400000;

struct stream {
    bool seen; /* in the log */
    uint64_t first;
    int64_t first_offset, created_ms;
    bool listed; /* in the ledger */
    uint64_t high_water, seal_offset;
    int64_t heard_ms;
    bool import;
};

struct restore_streams {
    GHashTable *streams; /* hex digits -> struct stream */
};

struct restore_streams *restore_streams_new(void)
{
    struct restore_streams *streams = g_new0(struct restore_streams, 1);

    streams->streams = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    return streams;
}

void restore_streams_free(struct restore_streams *streams)
{
    if (!streams)
        return;
    g_hash_table_destroy(streams->streams);
    g_free(streams);
}

static struct stream *stream_of(struct restore_streams *streams, const uint8_t id[STREAM_ID_SIZE])
{
    char hex[HEX + 1];

    hex_write(hex, id, STREAM_ID_SIZE);
    struct stream *stream = g_hash_table_lookup(streams->streams, hex);
    if (!stream) {
        stream = g_new0(struct stream, 1);
        g_hash_table_insert(streams->streams, g_strdup(hex), stream);
    }
    return stream;
}

void restore_streams_learn(struct restore_streams *streams, const struct partition_day *day)
{
    for (guint i = 0; i < day->streams->len; i++) {
        const struct stream_day *from = g_ptr_array_index(day->streams, i);
        struct stream *stream = stream_of(streams, from->stream_id);
        stream->import = stream->import || from->import;
        stream->heard_ms = MAX(stream->heard_ms, from->heard_ms);
        if (stream->listed && day->seal_offset < stream->seal_offset)
            continue;
        stream->listed = true;
        stream->high_water = MAX(stream->high_water, from->high_water);
        stream->seal_offset = day->seal_offset;
    }
}

void restore_streams_see(struct restore_streams *streams, const struct batch_header *header, int64_t offset)
{
    struct stream *stream = stream_of(streams, header->stream_id);

    stream->import = stream->import || header->import;
    if (stream->seen)
        return;
    stream->seen = true;
    stream->first = header->sequence;
    stream->first_offset = offset;
    stream->created_ms = header->created_ms;
}

/* The last sequence that is not to be taken (again); 0: none. */
static uint64_t mark_of(const struct stream *stream, int64_t low_ms)
{
    if (!stream->seen)
        return stream->import || stream->heard_ms + kept_ms > low_ms ? stream->high_water : 0;
    if (!stream->listed || stream->first_offset < (int64_t)stream->seal_offset)
        return stream->first - 1;
    return MAX(stream->first - 1, stream->high_water);
}

bool restore_streams_each(struct restore_streams *streams, int64_t low_ms,
                          bool (*each)(void *opaque, const char *stream, const char *mark), void *opaque)
{
    GHashTableIter iter;
    gpointer key, value;
    bool ok = true;

    g_hash_table_iter_init(&iter, streams->streams);
    while (ok && g_hash_table_iter_next(&iter, &key, &value)) {
        const struct stream *stream = value;
        uint64_t mark = mark_of(stream, low_ms);
        char text[HIGH_WATER_MAX];
        if (mark == 0)
            continue;
        const struct high_water water = {
            .sequence = mark, /* the batch itself is not known, nor its CRC */
            .created_ms = stream->seen ? stream->created_ms : stream->heard_ms,
            .import = stream->import,
        };
        high_water_write(text, &water);
        ok = each(opaque, key, text);
    }
    return ok;
}
