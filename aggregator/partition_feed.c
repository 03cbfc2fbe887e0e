/* partition_feed: what each record of the log does to the counts. The order of the log is the only order, and its clock the only
 * clock. */
#include "aggregator/partition_private.h"

#include "lib/hex.h"
#include "lib/high_water.h"
#include "lib/keys.h"
#include "lib/log.h"

static bool stop(GError **error, const struct partition *partition, int64_t offset, const char *what)
{
    g_set_error(error, COMMIT_ERROR, COMMIT_ERROR_DAMAGED, "partition %d stops at offset %" G_GINT64_FORMAT ": %s",
                partition->number, offset, what);
    return false;
}

/* The day, to note something of this record; NULL: its sheets say it already. */
static struct day *noting(const struct partition *partition, const struct fed *fed, int64_t number)
{
    struct day *day = days_get(partition->days, number);
    return fed->log->offset < day->state.skip_below ? NULL : day;
}

static struct day *noting_now(const struct partition *partition, const struct fed *fed)
{
    return noting(partition, fed, partition->clock_ms / KEYS_DAY_MS);
}

void partition_quarantine(struct partition *partition, const struct fed *fed, const char *reason)
{
    size_t events = fed->valid && fed->record.kind == RECORD_BATCH ? fed->record.batch.n_events : 0;
    g_autofree char *text = g_strdup_printf("%" G_GINT64_FORMAT " %s", fed->log->offset, reason);
    int64_t before = mirror_number(partition->meta, "quarantined");
    mirror_ring(partition->quarantine, before, text);
    mirror_add(partition->meta, "quarantined", 1);
    mirror_add(partition->meta, "quarantined_events", (int64_t)events);
    /* A seal is no usage: one that came too early leaves nothing out of the day. */
    struct day *day = fed->valid && fed->record.kind == RECORD_SEAL ? NULL : noting_now(partition, fed);
    if (day)
        days_quarantined(day);
    /* All are counted and the newest are in Redis; a flood of them must not become a flood of log lines. */
    if (before < 10 || before % 1000 == 0)
        log_warn("record_quarantined", "partition=%d offset=%" G_GINT64_FORMAT " events=%zu total=%" G_GINT64_FORMAT " reason=%s",
                 partition->number, fed->log->offset, events, before + 1, reason);
}

/* ---- streams ---- */

static void write_high_water(struct partition *partition, const char *stream, const struct high_water *water)
{
    char text[HIGH_WATER_MAX];
    high_water_write(text, water);
    mirror_set(partition->hw, stream, text);
}

static bool is_past(const struct partition *partition, int64_t created_ms)
{
    return created_ms + STREAM_KEPT_MS <= partition->clock_ms;
}

static void note_duplicate(struct partition *partition, const struct fed *fed, const char *stream, const struct high_water *water)
{
    const struct batch *batch = &fed->record.batch;
    mirror_add(partition->meta, "duplicate_batches", 1);
    mirror_add(partition->meta, "duplicate_batch_events", (int64_t)batch->n_events);
    for (size_t i = 0; i < batch->n_events; i++) {
        struct day *day = noting(partition, fed, batch->time_ms[i] / KEYS_DAY_MS);
        if (day)
            days_duplicates(day, 1);
    }
    /* A restored mark has no CRC. */
    if (batch->header.sequence != water->sequence || fed->record.crc == water->crc || water->crc == 0)
        return;
    mirror_add(partition->meta, "other_crc", 1);
    log_error("sequence_reused", "partition=%d offset=%" G_GINT64_FORMAT " stream=%s sequence=%" G_GUINT64_FORMAT,
              partition->number, fed->log->offset, stream, batch->header.sequence);
}

static void note_gap(struct partition *partition, const struct fed *fed, const char *stream, uint64_t expected)
{
    uint64_t got = fed->record.batch.header.sequence;
    g_autofree char *text = g_strdup_printf("%" G_GINT64_FORMAT " %s %" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT " %" G_GINT64_FORMAT,
                                            fed->log->offset, stream, expected, got, partition->clock_ms / KEYS_DAY_MS);
    mirror_ring(partition->gaps, mirror_number(partition->meta, "gaps"), text);
    mirror_add(partition->meta, "gaps", 1);
    mirror_add(partition->meta, "gap_batches", (int64_t)(got - expected));
    struct day *day = noting_now(partition, fed);
    if (day)
        days_gap(day, got - expected);
    log_error("sequence_gap",
              "partition=%d offset=%" G_GINT64_FORMAT " stream=%s expected=%" G_GUINT64_FORMAT " got=%" G_GUINT64_FORMAT,
              partition->number, fed->log->offset, stream, expected, got);
}

/* Is this batch to be counted? Decided by stream and sequence alone; moves the stream's high-water mark if so. */
static bool admit(struct partition *partition, const struct fed *fed)
{
    const struct batch_header *header = &fed->record.batch.header;
    char stream[2 * STREAM_ID_SIZE + 1];
    struct high_water water = {0};
    if (header->partition != (uint32_t)partition->number) {
        partition_quarantine(partition, fed, "a batch that was cut for another partition");
        return false;
    }
    hex_write(stream, header->stream_id, STREAM_ID_SIZE);
    bool known =
        high_water_read(mirror_get(partition->hw, stream), &water) && (water.import || !is_past(partition, water.created_ms));
    if (known && header->sequence <= water.sequence) {
        note_duplicate(partition, fed, stream, &water);
        return false;
    }
    if (!known && (header->sequence != 1 || (!header->import && is_past(partition, header->created_ms)))) {
        partition_quarantine(partition, fed,
                             header->sequence != 1 ? "a batch of an unknown stream that is not its first"
                                                   : "the first batch of an unknown stream, but older than 30 days");
        return false;
    }
    if (known && header->sequence > water.sequence + 1)
        note_gap(partition, fed, stream, water.sequence + 1);
    water = (struct high_water){header->sequence, fed->record.crc, MAX(known ? water.created_ms : 0, header->created_ms),
                                header->import};
    write_high_water(partition, stream, &water);
    return true;
}

static void note_manifest(struct partition *partition, const struct batch *batch)
{
    const struct import_manifest *manifest = &batch->manifest;
    char stream[2 * STREAM_ID_SIZE + 1];
    hex_write(stream, batch->header.stream_id, STREAM_ID_SIZE);
    char rules[2 * sizeof manifest->rules_digest + 1], head[2 * sizeof manifest->head_digest + 1];
    hex_write(rules, manifest->rules_digest, sizeof manifest->rules_digest);
    hex_write(head, manifest->head_digest, sizeof manifest->head_digest);
    g_autofree char *text = g_strdup_printf("%u %s %s %" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT " %s", manifest->partition_count,
                                            rules, head, manifest->size_bytes, manifest->first_line, manifest->name);
    mirror_set(partition->imports, stream, text);
}

/* ---- events ---- */

/* Events of one day that stand together in a batch. */
struct run {
    struct day *day;
    uint64_t fresh, duplicates;
};

static void end_run(const struct partition *partition, const struct fed *fed, const struct run *run)
{
    if (run->fresh > 0)
        days_count(run->day, run->fresh, fed->log->offset, partition->clock_ms);
    if (run->duplicates > 0)
        days_duplicates(run->day, run->duplicates);
}

static void begin_run(struct partition *partition, const struct fed *fed, struct run *run, int64_t number)
{
    char stream[2 * STREAM_ID_SIZE + 1];
    hex_write(stream, fed->record.batch.header.stream_id, STREAM_ID_SIZE);
    *run = (struct run){.day = days_get(partition->days, number)};
    if (noting(partition, fed, number))
        days_heard(partition->days, run->day, stream, fed->record.batch.header.sequence);
}

/* The events of the batch that are no duplicates by id, as places to be found. What a restored sheet has already is passed over.
 * Returns the number of duplicates. */
static uint64_t sieve(struct partition *partition, const struct fed *fed)
{
    const struct batch *batch = &fed->record.batch;
    struct run run = {0};
    uint64_t duplicates = 0;
    size_t id = 0;
    g_array_set_size(partition->places, 0);
    for (uint32_t i = 0; i < batch->n_events; i++) {
        int64_t number = batch->time_ms[i] / KEYS_DAY_MS;
        bool fresh = true;
        if (!run.day || run.day->number != number) {
            end_run(partition, fed, &run);
            begin_run(partition, fed, &run, number);
        }
        if (id < batch->n_ids && batch->id_event[id] == i)
            fresh = ids_enter(partition->ids, fed->first_id + id++, partition->clock_ms);
        if (fed->log->offset < run.day->state.skip_below)
            continue;
        struct place place = {.index = i, .revision = run.day->state.sealed + 1};
        run.fresh += fresh;
        run.duplicates += !fresh;
        duplicates += !fresh;
        if (fresh)
            g_array_append_val(partition->places, place);
    }
    end_run(partition, fed, &run);
    return duplicates;
}

/* Finds the place of every event; reads from Redis until nothing is missing. */
static bool place_all(struct partition *partition, const struct batch *batch, GError **error)
{
    for (;;) {
        buckets_place(partition->buckets, partition->commit, batch, (struct place *)(void *)partition->places->data,
                      partition->places->len, partition->clock_ms);
        if (commit_asked(partition->commit) == 0)
            return true;
        partition->has_read = true;
        if (!commit_read(partition->commit, error))
            return false;
    }
}

static bool count_batch(struct partition *partition, const struct fed *fed, GError **error)
{
    const struct batch *batch = &fed->record.batch;
    int64_t over_cap = 0;
    if (batch->has_manifest)
        note_manifest(partition, batch);
    refusals_count(partition->refusals, batch, partition->clock_ms);
    uint64_t duplicates = sieve(partition, fed);
    if (!place_all(partition, batch, error))
        return false;
    const struct place *places = (const struct place *)(const void *)partition->places->data;
    guint n = partition->places->len;
    buckets_count(partition->buckets, places, n);
    for (guint i = 0; i < n; i++)
        over_cap += places[i].over_cap;
    mirror_add(partition->meta, "events", n);
    mirror_add(partition->meta, "duplicates", (int64_t)duplicates);
    mirror_add(partition->meta, "over_cap", over_cap);
    return true;
}

static void note_heartbeat(struct partition *partition, const struct fed *fed)
{
    const struct heartbeat *heartbeat = &fed->record.heartbeat;
    char stream[2 * STREAM_ID_SIZE + 1];
    hex_write(stream, heartbeat->stream_id, STREAM_ID_SIZE);
    g_autofree char *name = g_uri_escape_string(*heartbeat->collector ? heartbeat->collector : "-", NULL, FALSE);
    g_autoptr(GString) text = g_string_new(name);
    const uint64_t numbers[] = {(uint64_t)heartbeat->clock_ms,
                                heartbeat->journal_bytes,
                                (uint64_t)heartbeat->journal_oldest_ms,
                                heartbeat->received,
                                heartbeat->accepted,
                                heartbeat->rejected,
                                heartbeat->excluded};
    for (size_t i = 0; i < G_N_ELEMENTS(numbers); i++)
        g_string_append_printf(text, " %" G_GUINT64_FORMAT, numbers[i]);
    for (size_t i = 0; i < heartbeat->n_partitions; i++)
        g_string_append_printf(text, "%c%" G_GUINT64_FORMAT, i == 0 ? ' ' : ',', heartbeat->last_sequence[i]);
    mirror_set(partition->hb, stream, text->str);
    const struct day *day = noting_now(partition, fed);
    if (day)
        days_heard(partition->days, day, stream, 0);
}

/* ---- records ---- */

static void write_fingerprint(const struct fed *fed, char out[64])
{
    g_snprintf(out, 64, "%08x %zu", fed->record.crc, fed->log->size);
}

/* The record at next - 1 must be the one that was counted last. */
static bool compare_fingerprint(struct partition *partition, const struct fed *fed, GError **error)
{
    char found[64];
    write_fingerprint(fed, found);
    partition->check_fingerprint = false;
    if (strcmp(found, partition->point.fingerprint) == 0)
        return true;
    return stop(error, partition, fed->log->offset,
                "the log has another record there than the one that was counted last. The topic was made again, or this is another "
                "cluster: give the new log a new topic name, or restore the old one");
}

static bool take_valid(struct partition *partition, const struct fed *fed, GError **error)
{
    switch (fed->record.kind) {
    case RECORD_BATCH:
        return !admit(partition, fed) || count_batch(partition, fed, error);
    case RECORD_HEARTBEAT:
        note_heartbeat(partition, fed);
        break;
    case RECORD_SEAL:
        partition_take_seal(partition, fed);
        break;
    case RECORD_LEDGER:
        partition_take_ledger(partition, fed);
        break;
    case RECORD_ERASURE:
        partition_take_erasure(partition, fed);
        break;
    }
    return true;
}

static bool take_record(struct partition *partition, const struct fed *fed, GError **error)
{
    partition->clock_ms = MAX(partition->clock_ms, fed->log->timestamp_ms);
    if (!mirror_get(partition->meta, "first_ms"))
        mirror_set_number(partition->meta, "first_ms", partition->clock_ms);
    if (!fed->valid)
        partition_quarantine(partition, fed, fed->reason);
    else if (!take_valid(partition, fed, error))
        return false;
    partition->next = fed->log->offset + 1;
    write_fingerprint(fed, partition->fingerprint);
    return true;
}

static bool check_order(const struct partition *partition, const struct fed *fed, GError **error)
{
    int64_t wall_ms = g_get_real_time() / 1000;
    if (fed->log->offset > partition->next)
        return stop(error, partition, partition->next, "the log skips from here to a later offset");
    if (fed->log->timestamp_ms > wall_ms + CLOCK_AHEAD_MS)
        return stop(error, partition, fed->log->offset,
                    "its Kafka timestamp is more than an hour ahead of this machine's clock: set the clocks right");
    return true;
}

/* Asks in one pipeline for the ids of all the records that come. */
static bool prepare_ids(struct partition *partition, struct fed *fed, size_t n, GError **error)
{
    int64_t last_ms = partition->clock_ms, latest_ms = g_get_real_time() / 1000 + CLOCK_AHEAD_MS; /* check_order refuses more */
    ids_begin(partition->ids);
    for (size_t i = 0; i < n; i++) {
        last_ms = MAX(last_ms, MIN(fed[i].log->timestamp_ms, latest_ms));
        if (fed[i].log->offset >= partition->next && fed[i].valid && fed[i].record.kind == RECORD_BATCH)
            fed[i].first_id = ids_prepare(partition->ids, &fed[i].record.batch);
    }
    ids_ask(partition->ids, partition->commit, partition->clock_ms, last_ms);
    return commit_asked(partition->commit) == 0 || commit_read(partition->commit, error);
}

bool partition_feed(struct partition *partition, struct feed *feed, const struct log_record *records, size_t n, GError **error)
{
    struct fed *fed = feed_parse(feed, records, n);
    if (!prepare_ids(partition, fed, n, error))
        return false;
    for (size_t i = 0; i < n; i++) {
        if (partition->check_fingerprint && fed[i].log->offset == partition->next - 1 &&
            !compare_fingerprint(partition, &fed[i], error))
            return false;
        if (fed[i].log->offset < partition->next)
            continue;
        if (!check_order(partition, &fed[i], error) || !take_record(partition, &fed[i], error))
            return false;
        /* Always between two records: a record is counted by one flush, whole. */
        if (partition_is_full(partition) && !partition_flush(partition, error))
            return false;
    }
    return true;
}
