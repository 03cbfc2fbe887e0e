#include "collector/heartbeat.h"

#include "lib/record.h"

static void add_books(const struct intake *intake, struct heartbeat *heartbeat)
{
    struct intake_tally books;
    intake_totals(intake, &books);
    heartbeat->accepted = books.accepted;
    heartbeat->excluded = books.excluded;
    for (size_t i = 0; i < INTAKE_N_REASONS; i++)
        heartbeat->rejected += books.rejected[i];
    heartbeat->received = heartbeat->accepted + heartbeat->rejected + heartbeat->excluded;
}

GBytes *heartbeat_make(const struct heartbeat_source *source, uint64_t n, int64_t oldest_ms, int *partition)
{
    struct batcher_stream stream;
    struct journal_stats stats;
    GBytes *record = NULL;

    batcher_stream_get(source->batcher, &stream);
    guint partitions = stream.last_sequence->len;
    if (partitions > 0) {
        journal_stats(source->journal, &stats);
        struct heartbeat heartbeat = {
            .collector = source->collector,
            .clock_ms = g_get_real_time() / 1000,
            .last_sequence = (const uint64_t *)(const void *)stream.last_sequence->data,
            .n_partitions = partitions,
            .journal_bytes = stats.unacknowledged_bytes,
            .journal_oldest_ms = oldest_ms,
        };
        memcpy(heartbeat.stream_id, stream.id, STREAM_ID_SIZE);
        if (source->intake)
            add_books(source->intake, &heartbeat);
        *partition = (int)(n % partitions);
        record = record_heartbeat(&heartbeat);
    }
    batcher_stream_clear(&stream);
    return record;
}
