#include "lib/ledger.h"

/* Both lists ascend by stream. */
static struct stream_day *find_stream(const struct partition_day *day, const uint8_t id[STREAM_ID_SIZE])
{
    for (guint i = 0; i < day->streams->len; i++) {
        struct stream_day *stream = g_ptr_array_index(day->streams, i);
        if (memcmp(stream->stream_id, id, STREAM_ID_SIZE) == 0)
            return stream;
    }
    return NULL;
}

static struct stream_day *copy_stream(const struct stream_day *from)
{
    struct stream_day *stream = stream_day_new();
    char *none = stream->collector;
    *stream = *from;
    g_free(none);
    stream->collector = g_strdup(from->collector);
    stream->announced = from->announced ? g_array_copy(from->announced) : NULL;
    return stream;
}

static void continue_stream(struct stream_day *stream, const struct stream_day *before)
{
    if (before->first_sequence > 0) {
        stream->first_sequence =
            stream->first_sequence > 0 ? MIN(stream->first_sequence, before->first_sequence) : before->first_sequence;
        stream->last_sequence = MAX(stream->last_sequence, before->last_sequence);
    }
    stream->high_water = MAX(stream->high_water, before->high_water);
    stream->heard_ms = MAX(stream->heard_ms, before->heard_ms);
    stream->import = stream->import || before->import;
    if (!*stream->collector && *before->collector) {
        g_free(stream->collector);
        stream->collector = g_strdup(before->collector);
    }
    if (!stream->announced && before->announced)
        stream->announced = g_array_copy(before->announced);
}

static gint compare_streams(gconstpointer a, gconstpointer b)
{
    const struct stream_day *const *left = a, *const *right = b;
    return memcmp((*left)->stream_id, (*right)->stream_id, STREAM_ID_SIZE);
}

void partition_day_sort_streams(struct partition_day *day)
{
    g_ptr_array_sort(day->streams, compare_streams);
}

static void continue_streams(struct partition_day *day, const struct partition_day *before)
{
    for (guint i = 0; i < before->streams->len; i++) {
        const struct stream_day *old = g_ptr_array_index(before->streams, i);
        struct stream_day *stream = find_stream(day, old->stream_id);
        if (stream)
            continue_stream(stream, old);
        else if (day->streams->len < LEDGER_STREAMS_MAX)
            g_ptr_array_add(day->streams, copy_stream(old));
        else
            day->incomplete = true; /* of those left out nobody can say whether all came */
    }
    partition_day_sort_streams(day);
}

void partition_day_continue(struct partition_day *day, const struct partition_day *before)
{
    bool nothing_before = before->first_offset == before->end_offset, nothing_since = day->first_offset == day->end_offset;
    if (!nothing_before && before->end_offset <= day->seal_offset) { /* else they are of another log */
        day->first_offset = nothing_since ? before->first_offset : MIN(day->first_offset, before->first_offset);
        day->end_offset = nothing_since ? before->end_offset : MAX(day->end_offset, before->end_offset);
    }
    day->late = before->late + day->events;
    day->events += before->events;
    day->duplicates += before->duplicates;
    day->gaps += before->gaps;
    day->gap_batches += before->gap_batches;
    day->quarantined += before->quarantined;
    day->incomplete = day->incomplete || before->incomplete;
    continue_streams(day, before);
}
