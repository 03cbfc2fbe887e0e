/* model_oracle: what the log says, record by record, computed without any of the code under test but the parser: what is counted
 * under which names, in which generation, and what came for every day. What ends a day stands in model_closing.h, the comparison
 * with Redis in model_compare.h. For test_commit_model.c alone. */
#ifndef DAYBOOK_TEST_MODEL_ORACLE_H
#define DAYBOOK_TEST_MODEL_ORACLE_H

#include "lib/histogram.h"
#include "lib/keys.h"
#include "lib/ledger.h"

#include <string.h>

#define STREAM_TEXT (2 * STREAM_ID_SIZE + 1)
/* A stream is forgotten so long after its newest batch, its heartbeat so long after its clock. */
static const int64_t FORGOTTEN_MS = 30 * KEYS_DAY_MS;

struct entry { /* a log record */
    GBytes *bytes;
    int64_t timestamp_ms;
};

struct sums {
    uint64_t requests, latency_us, latency_max_us, bytes, ok;
    uint64_t latencies; /* the same for the same histogram */
};

struct mark { /* high-water mark of a stream */
    uint64_t sequence;
    int64_t created_ms;
};

struct beat { /* last heartbeat of a stream */
    char collector[16];
    int64_t clock_ms;
    uint64_t announced[2];
};

struct span { /* of sequences */
    uint64_t first, last;
};

struct counted { /* an event of the log that was counted */
    guint record, event;
};

struct oracle_day {
    int64_t number;
    int sealed, ledgered;
    struct open_day open, whole; /* since the last seal; ever */
    bool has_open;
    uint64_t on_time;    /* events of revision 1 */
    GHashTable *heard;   /* stream -> struct span: since the last seal */
    GHashTable *streams; /* stream -> struct stream_day: up to the last seal */
    GArray *counted;     /* struct counted: ever */
};

struct oracle {
    GArray *log; /* struct entry; borrowed */
    guint next;  /* offset of the next record */
    struct record_parser *parser, *again;
    GHashTable *sums;       /* "generation kind of bucket names" -> struct sums */
    GHashTable *marks;      /* stream -> struct mark */
    GHashTable *beats;      /* stream -> struct beat */
    GHashTable *ids;        /* client and id -> clock */
    GHashTable *by_day;     /* number -> struct oracle_day, which the list owns */
    GPtrArray *days;        /* struct oracle_day, as they came */
    GPtrArray *sealed;      /* struct sealed of model_closing.h, as they came */
    GHashTable *refusals;   /* "day reason collector" -> uint64_t */
    GPtrArray *refused;     /* texts of the samples */
    GHashTable *erasures;   /* user -> "offset pseudonym" */
    GHashTable *by_entry;   /* generation -> n, as text */
    GPtrArray *entries;     /* GBytes: the ledger */
    char last_checksum[65]; /* of the last entry */
    int64_t clock_ms, first_ms, ledger_offset;
    uint64_t events, late, duplicates, duplicate_batches, duplicate_batch_events, quarantined, gaps, gap_batches;
    uint64_t seals_ignored, ledger_ignored, refusals_total;
};

static GHashTable *string_table(void)
{
    return g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
}

static char *text(struct view view)
{
    return g_strndup(view.data ? view.data : "", view.size);
}

/* ---- days ---- */

static struct oracle_day *oracle_day(struct oracle *oracle, int64_t number)
{
    struct oracle_day *day = g_hash_table_lookup(oracle->by_day, &number);
    if (day)
        return day;
    day = g_new0(struct oracle_day, 1);
    day->number = number;
    day->heard = string_table();
    day->streams = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)stream_day_free);
    day->counted = g_array_new(FALSE, FALSE, sizeof(struct counted));
    g_hash_table_insert(oracle->by_day, &day->number, day);
    g_ptr_array_add(oracle->days, day);
    return day;
}

static void oracle_day_free(gpointer opaque)
{
    struct oracle_day *day = opaque;
    g_hash_table_destroy(day->heard);
    g_hash_table_destroy(day->streams);
    g_array_free(day->counted, TRUE);
    g_free(day);
}

static struct oracle_day *today(struct oracle *oracle)
{
    return oracle_day(oracle, oracle->clock_ms / KEYS_DAY_MS);
}

static void note_event(const struct oracle *oracle, struct oracle_day *day)
{
    struct open_day *both[] = {&day->open, &day->whole};
    int64_t offset = oracle->next;
    for (size_t i = 0; i < G_N_ELEMENTS(both); i++) {
        if (both[i]->events++ == 0) {
            both[i]->first_ms = oracle->clock_ms;
            both[i]->first_offset = offset;
        }
        both[i]->end_offset = offset + 1;
        both[i]->last_ms = oracle->clock_ms;
    }
    day->has_open = true;
}

static void note_others(struct oracle_day *day, const struct open_day *more)
{
    struct open_day *both[] = {&day->open, &day->whole};
    for (size_t i = 0; i < G_N_ELEMENTS(both); i++) {
        both[i]->duplicates += more->duplicates;
        both[i]->gaps += more->gaps;
        both[i]->gap_batches += more->gap_batches;
        both[i]->quarantined += more->quarantined;
    }
    day->has_open = true;
}

static void quarantine(struct oracle *oracle)
{
    oracle->quarantined++;
    note_others(today(oracle), &(struct open_day){.quarantined = 1});
}

/* sequence 0: by a heartbeat. */
static void note_heard(struct oracle_day *day, const char *stream, uint64_t sequence)
{
    struct span *span = g_hash_table_lookup(day->heard, stream);
    if (!span) {
        span = g_new0(struct span, 1);
        g_hash_table_insert(day->heard, g_strdup(stream), span);
    }
    if (span->first == 0)
        span->first = sequence;
    span->last = MAX(span->last, sequence);
}

/* ---- counting ---- */

static struct sums *sums_of(GHashTable *table, char *name) /* takes name */
{
    struct sums *sums = g_hash_table_lookup(table, name);
    if (sums) {
        g_free(name);
        return sums;
    }
    sums = g_new0(struct sums, 1);
    g_hash_table_insert(table, name, sums);
    return sums;
}

static uint64_t latencies_of(uint32_t bucket, uint64_t requests)
{
    return requests * (bucket + 1) * (bucket + 1) * (bucket + 1);
}

static void add(GHashTable *table, char *name, const struct event *event)
{
    struct sums *sums = sums_of(table, name);
    sums->requests++;
    if (!event)
        return;
    sums->latency_us += event->latency_us;
    sums->latency_max_us = MAX(sums->latency_max_us, event->latency_us);
    sums->latencies += latencies_of(histogram_bucket(event->latency_us), 1);
    sums->bytes += event->request_bytes * 100000 + event->response_bytes;
    sums->ok += event->status == 200;
}

static bool is_duplicate(struct oracle *oracle, const struct event *event)
{
    if (event->id.size == 0)
        return false;
    g_autofree char *key = g_strdup_printf("%.*s|%.*s|%.*s", (int)event->organization.size, event->organization.data,
                                           (int)event->client.size, event->client.data, (int)event->id.size, event->id.data);
    int64_t *entered = g_hash_table_lookup(oracle->ids, key);
    if (entered && oracle->clock_ms - *entered < KEYS_DAY_MS)
        return true;
    g_hash_table_replace(oracle->ids, g_steal_pointer(&key), g_memdup2(&oracle->clock_ms, sizeof oracle->clock_ms));
    return false;
}

static void count_buckets(struct oracle *oracle, const struct event *event, const char *generation)
{
    g_autofree char *org = text(event->organization), *client = text(event->client), *user = text(event->user),
                    *method = text(event->method), *route = text(event->route), *platform = text(event->platform);
    int slot = (int)(event->time_ms / KEYS_SLOT_MS % KEYS_SLOTS_PER_DAY);
    long long minute = event->time_ms / KEYS_MINUTE_MS;
    GHashTable *sums = oracle->sums;
    add(sums, g_strdup_printf("%s slot %d %s\x1f%s %s %s [%s] [%s]", generation, slot, org, client, method, route, user, platform),
        event);
    add(sums, g_strdup_printf("%s sum-clients %d %s\x1f%s", generation, slot, org, client), event);
    add(sums, g_strdup_printf("%s sum-routes %d %s %s", generation, slot, method, route), event);
    add(sums, g_strdup_printf("%s sum-minutes %d %lld", generation, slot, minute % KEYS_SLOT_MINUTES), NULL);
    add(sums, g_strdup_printf("%s total %d", generation, slot), NULL);
    add(sums, g_strdup_printf("%s slot-clients %d %s\x1f%s", generation, slot, org, client), NULL);
    add(sums, g_strdup_printf("%s slot-routes %d %s %s", generation, slot, method, route), NULL);
    add(sums, g_strdup_printf("%s events", generation), NULL);
    add(sums, g_strdup_printf("%s minute %lld %s\x1f%s", generation, minute, org, client), event);
    add(sums, g_strdup_printf("%s minute-clients %lld %s\x1f%s", generation, minute, org, client), NULL);
    sums_of(sums, g_strdup_printf("%s names", generation))->requests = 1;
}

static void count_event(struct oracle *oracle, const struct event *event, guint index)
{
    struct oracle_day *day = oracle_day(oracle, event->time_ms / KEYS_DAY_MS);
    char generation[64];
    if (is_duplicate(oracle, event)) {
        oracle->duplicates++;
        note_others(day, &(struct open_day){.duplicates = 1});
        return;
    }
    oracle->events++;
    oracle->late += day->sealed > 0;
    note_event(oracle, day);
    g_array_append_val(day->counted, ((struct counted){oracle->next, index}));
    g_snprintf(generation, sizeof generation, "%" G_GINT64_FORMAT ".%d", day->number, day->sealed + 1);
    count_buckets(oracle, event, generation);
}

/* ---- streams ---- */

static void stream_text(const uint8_t id[STREAM_ID_SIZE], char out[STREAM_TEXT])
{
    for (size_t i = 0; i < STREAM_ID_SIZE; i++)
        g_snprintf(out + 2 * i, 3, "%02x", id[i]);
}

/* The stream's mark while it is not forgotten. */
static const struct mark *live_mark(const struct oracle *oracle, const char *stream)
{
    const struct mark *mark = g_hash_table_lookup(oracle->marks, stream);
    return mark && mark->created_ms + FORGOTTEN_MS > oracle->clock_ms ? mark : NULL;
}

static const struct beat *live_beat(const struct oracle *oracle, const char *stream)
{
    const struct beat *beat = g_hash_table_lookup(oracle->beats, stream);
    return beat && beat->clock_ms + FORGOTTEN_MS > oracle->clock_ms ? beat : NULL;
}

static void repeat(struct oracle *oracle, const struct batch *batch)
{
    oracle->duplicate_batches++;
    oracle->duplicate_batch_events += batch->n_events;
    for (size_t i = 0; i < batch->n_events; i++)
        note_others(oracle_day(oracle, batch->time_ms[i] / KEYS_DAY_MS), &(struct open_day){.duplicates = 1});
}

static bool admits(struct oracle *oracle, const struct batch *batch, const char *stream)
{
    const struct mark *mark = live_mark(oracle, stream);
    uint64_t sequence = batch->header.sequence;
    if (batch->header.partition != 0 || (!mark && (sequence != 1 || batch->header.created_ms + FORGOTTEN_MS <= oracle->clock_ms))) {
        quarantine(oracle);
        return false;
    }
    if (mark && sequence <= mark->sequence) {
        repeat(oracle, batch);
        return false;
    }
    if (mark && sequence > mark->sequence + 1) {
        oracle->gaps++;
        oracle->gap_batches += sequence - mark->sequence - 1;
        note_others(today(oracle), &(struct open_day){.gaps = 1, .gap_batches = sequence - mark->sequence - 1});
    }
    struct mark now = {sequence, MAX(mark ? mark->created_ms : 0, batch->header.created_ms)};
    g_hash_table_replace(oracle->marks, g_strdup(stream), g_memdup2(&now, sizeof now));
    return true;
}

static void take_rejection(struct oracle *oracle, const struct rejection *rejection, const char *collector)
{
    g_autofree char *reason = text(rejection->reason), *message = text(rejection->message), *sample = text(rejection->sample);
    char *field = g_strdup_printf("%" G_GINT64_FORMAT " %s %s", oracle->clock_ms / KEYS_DAY_MS, reason, collector);
    uint64_t *count = g_hash_table_lookup(oracle->refusals, field);
    if (count)
        g_free(field);
    else
        g_hash_table_insert(oracle->refusals, field, count = g_new0(uint64_t, 1));
    *count += rejection->count;
    oracle->refusals_total += rejection->count;
    if (*message)
        g_ptr_array_add(oracle->refused,
                        g_strdup_printf("%u %" G_GINT64_FORMAT " %" G_GINT64_FORMAT " %" G_GUINT64_FORMAT " %s %s\x1f%s\x1f%s",
                                        oracle->refused->len, oracle->clock_ms, rejection->time_ms, rejection->count, reason,
                                        collector, message, sample));
}

static void take_batch(struct oracle *oracle, const struct batch *batch)
{
    char stream[STREAM_TEXT];
    struct event event;
    stream_text(batch->header.stream_id, stream);
    if (!admits(oracle, batch, stream))
        return;
    g_autofree char *collector = text(batch->collector);
    for (size_t i = 0; i < batch->n_rejections; i++)
        take_rejection(oracle, &batch->rejections[i], collector);
    for (size_t i = 0; i < batch->n_events; i++) {
        batch_event(batch, i, &event);
        note_heard(oracle_day(oracle, event.time_ms / KEYS_DAY_MS), stream, batch->header.sequence);
        count_event(oracle, &event, (guint)i);
    }
}

static void take_heartbeat(struct oracle *oracle, const struct heartbeat *heartbeat)
{
    char stream[STREAM_TEXT];
    struct beat beat = {.clock_ms = heartbeat->clock_ms};
    g_strlcpy(beat.collector, heartbeat->collector, sizeof beat.collector);
    g_assert_cmpuint(heartbeat->n_partitions, ==, G_N_ELEMENTS(beat.announced));
    memcpy(beat.announced, heartbeat->last_sequence, sizeof beat.announced);
    stream_text(heartbeat->stream_id, stream);
    g_hash_table_replace(oracle->beats, g_strdup(stream), g_memdup2(&beat, sizeof beat));
    note_heard(today(oracle), stream, 0);
}

#endif
