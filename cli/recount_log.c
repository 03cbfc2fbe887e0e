/* recount_log: see recount_log.h.
 *
 * The rules, for each partition by itself: the clock is the newest Kafka timestamp so far. What is no Record, or a batch cut for
 * another partition, is quarantined. A batch whose sequence is not above the last one of its stream is a duplicate. A stream is
 * known until 30 days after its newest batch was made (an import: for ever); of an unknown one only sequence 1 is taken, and only
 * if it is not that old itself. An event with an id that was taken within the 24 hours before is a duplicate. A seal of a day that
 * is not over by the clock is quarantined; one that is not of the revision after the day's last one is ignored; else the events
 * that come from there on are of the next revision. Names beyond the caps of lib/keys.h are KEYS_OTHER; every revision counts its
 * names anew. */
#include "cli/recount_log.h"

#include "lib/keys.h"

#define STREAM_KEPT_MS (30 * KEYS_DAY_MS)

struct stream {
    uint64_t sequence;  /* of the last batch that was taken */
    int64_t created_ms; /* newest */
    bool import;
};

/* A client in the open revision of a day, for the caps: sets of names of the pool. */
struct day_client {
    const char *organization, *client;
    GHashTable *routes;
    GHashTable *users, *platforms; /* NULL: nobody wants them */
};

struct log_day {
    int64_t day; /* first: it is the key */
    int sealed;  /* the last revision */
    uint64_t events, late, duplicates, gaps, gap_batches, quarantined;
    int64_t first_offset, end_offset;
    GHashTable *clients; /* set of struct day_client: of the open revision */
};

struct log_partition {
    bool begins_late;
    int64_t clock_ms;
    int64_t pruned_day;  /* of the clock, when ids were last thrown out */
    GHashTable *streams; /* GBytes -> struct stream */
    GHashTable *ids;     /* GBytes -> int64_t *: clock when it was taken */
    GHashTable *days;    /* set of struct log_day, by day */
};

struct recount_log {
    struct names *names;
    uint64_t *sums;
    struct recount_listener listener;
    struct record_parser *parser;
    int n_partitions;
    struct log_partition *partitions;
    int number;         /* of the partition and */
    int64_t offset;     /* the record at hand */
    GPtrArray *symbols; /* of the batch at hand: interned, NULL where not asked for yet */
    GString *scratch;
    const char *other;
    const char *nobody;
};

/* ---- life ---- */

static guint day_client_hash(gconstpointer pointer)
{
    const struct day_client *client = pointer;

    return g_direct_hash(client->client) * 31 + g_direct_hash(client->organization);
}

static gboolean day_client_equal(gconstpointer a, gconstpointer b)
{
    const struct day_client *x = a;
    const struct day_client *y = b;

    return x->client == y->client && x->organization == y->organization;
}

static void day_client_free(gpointer pointer)
{
    struct day_client *client = pointer;

    g_hash_table_destroy(client->routes);
    g_clear_pointer(&client->users, g_hash_table_destroy);
    g_clear_pointer(&client->platforms, g_hash_table_destroy);
    g_free(client);
}

static void log_day_free(gpointer pointer)
{
    struct log_day *day = pointer;

    g_hash_table_destroy(day->clients);
    g_free(day);
}

struct recount_log *recount_log_new(int n_partitions, struct names *names, uint64_t *sums, const struct recount_listener *listener)
{
    struct recount_log *log = g_new0(struct recount_log, 1);

    log->names = names;
    log->sums = sums;
    log->listener = *listener;
    log->parser = record_parser_new();
    log->n_partitions = n_partitions;
    log->partitions = g_new0(struct log_partition, (gsize)n_partitions);
    log->symbols = g_ptr_array_new();
    log->scratch = g_string_new(NULL);
    log->other = names_get(names, view_of(KEYS_OTHER));
    log->nobody = names_get(names, view_of(""));
    for (int i = 0; i < n_partitions; i++) {
        struct log_partition *partition = &log->partitions[i];
        partition->streams = g_hash_table_new_full(g_bytes_hash, g_bytes_equal, (GDestroyNotify)g_bytes_unref, g_free);
        partition->ids = g_hash_table_new_full(g_bytes_hash, g_bytes_equal, (GDestroyNotify)g_bytes_unref, g_free);
        partition->days = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, log_day_free);
    }
    return log;
}

void recount_log_free(struct recount_log *log)
{
    if (!log)
        return;
    for (int i = 0; i < log->n_partitions; i++) {
        g_hash_table_destroy(log->partitions[i].streams);
        g_hash_table_destroy(log->partitions[i].ids);
        g_hash_table_destroy(log->partitions[i].days);
    }
    g_free(log->partitions);
    record_parser_free(log->parser);
    g_ptr_array_free(log->symbols, TRUE);
    g_string_free(log->scratch, TRUE);
    g_free(log);
}

void recount_log_begins_late(struct recount_log *log, int partition)
{
    log->partitions[partition].begins_late = true;
}

static struct log_day *day_of(struct log_partition *partition, int64_t number)
{
    struct log_day *day = g_hash_table_lookup(partition->days, &number);

    if (!day) {
        day = g_new0(struct log_day, 1);
        day->day = number;
        day->clients = g_hash_table_new_full(day_client_hash, day_client_equal, day_client_free, NULL);
        g_hash_table_insert(partition->days, &day->day, day);
    }
    return day;
}

/* The day that the partition's clock shows. */
static struct log_day *clock_day(struct log_partition *partition)
{
    return day_of(partition, partition->clock_ms / KEYS_DAY_MS);
}

/* ---- batches ---- */

static void quarantine(struct recount_log *log, uint64_t events)
{
    log->sums[COUNTS_QUARANTINED]++;
    log->sums[COUNTS_QUARANTINED_EVENTS] += events;
    clock_day(&log->partitions[log->number])->quarantined++;
}

static bool is_past(const struct log_partition *partition, int64_t created_ms)
{
    return partition->clock_ms - created_ms >= STREAM_KEPT_MS;
}

static void note_duplicate(struct recount_log *log, struct log_partition *partition, const struct batch *batch)
{
    log->sums[COUNTS_DUPLICATE_BATCHES]++;
    log->sums[COUNTS_DUPLICATE_BATCH_EVENTS] += batch->n_events;
    for (size_t i = 0; i < batch->n_events; i++)
        day_of(partition, batch->time_ms[i] / KEYS_DAY_MS)->duplicates++;
}

static void note_gap(struct recount_log *log, struct log_partition *partition, uint64_t batches)
{
    struct log_day *day = clock_day(partition);

    log->sums[COUNTS_GAPS]++;
    log->sums[COUNTS_GAP_BATCHES] += batches;
    day->gaps++;
    day->gap_batches += batches;
}

/* The stream of the batch; NULL if it is not to be taken from there. */
static struct stream *stream_of(struct log_partition *partition, const struct batch_header *header)
{
    g_autoptr(GBytes) id = g_bytes_new(header->stream_id, STREAM_ID_SIZE);
    struct stream *stream = g_hash_table_lookup(partition->streams, id);

    if (stream && !stream->import && is_past(partition, stream->created_ms)) {
        g_hash_table_remove(partition->streams, id);
        stream = NULL;
    }
    if (stream)
        return stream;
    if ((header->sequence != 1 && !partition->begins_late) || (!header->import && is_past(partition, header->created_ms)))
        return NULL;
    stream = g_new0(struct stream, 1);
    stream->sequence = header->sequence - 1;
    g_hash_table_insert(partition->streams, g_bytes_ref(id), stream);
    return stream;
}

/* Is the batch to be counted? Moves its stream on if so. */
static bool admit(struct recount_log *log, const struct batch *batch)
{
    struct log_partition *partition = &log->partitions[log->number];
    const struct batch_header *header = &batch->header;
    struct stream *stream = header->partition == (uint32_t)log->number ? stream_of(partition, header) : NULL;

    if (!stream) {
        quarantine(log, batch->n_events);
        return false;
    }
    if (header->sequence <= stream->sequence) {
        note_duplicate(log, partition, batch);
        return false;
    }
    if (header->sequence > stream->sequence + 1)
        note_gap(log, partition, header->sequence - stream->sequence - 1);
    stream->sequence = header->sequence;
    stream->created_ms = MAX(stream->created_ms, header->created_ms);
    stream->import = header->import;
    return true;
}

/* ---- ids ---- */

static gboolean is_old_id(gpointer key, gpointer value, gpointer opaque)
{
    const struct log_partition *partition = opaque;

    (void)key;
    return partition->clock_ms - *(const int64_t *)value >= KEYS_DAY_MS;
}

/* Once a day of the clock: what can no longer make a duplicate is forgotten. */
static void prune_ids(struct log_partition *partition)
{
    int64_t day = partition->clock_ms / KEYS_DAY_MS;

    if (day == partition->pruned_day)
        return;
    partition->pruned_day = day;
    g_hash_table_foreach_remove(partition->ids, is_old_id, partition);
}

/* False: taken within the 24 hours before. */
static bool take_id(struct recount_log *log, struct log_partition *partition, const struct recount_event *event, struct view id)
{
    g_string_assign(log->scratch, event->organization);
    g_string_append_c(log->scratch, '\0');
    g_string_append(log->scratch, event->client);
    g_string_append_c(log->scratch, '\0');
    g_string_append_len(log->scratch, id.data, (gssize)id.size);
    g_autoptr(GBytes) name = g_bytes_new(log->scratch->str, log->scratch->len);
    int64_t *taken_ms = g_hash_table_lookup(partition->ids, name);

    if (taken_ms && partition->clock_ms - *taken_ms < KEYS_DAY_MS)
        return false;
    if (!taken_ms) {
        taken_ms = g_new(int64_t, 1);
        g_hash_table_insert(partition->ids, g_bytes_ref(name), taken_ms);
    }
    *taken_ms = partition->clock_ms;
    return true;
}

/* ---- events ---- */

static const char *symbol(struct recount_log *log, const struct batch *batch, const uint32_t *column, size_t index)
{
    uint32_t number = column ? column[index] : 0;

    if (!log->symbols->pdata[number])
        log->symbols->pdata[number] = (gpointer)(guintptr)names_get(log->names, batch->symbols[number]);
    return log->symbols->pdata[number];
}

static struct day_client *new_day_client(const struct recount_log *log, struct log_day *day, const struct day_client *wanted)
{
    struct day_client *client = g_new0(struct day_client, 1);

    *client = *wanted;
    client->routes = g_hash_table_new(g_direct_hash, g_direct_equal);
    if (log->listener.users) {
        client->users = g_hash_table_new(g_direct_hash, g_direct_equal);
        client->platforms = g_hash_table_new(g_direct_hash, g_direct_equal);
    }
    g_hash_table_add(day->clients, client);
    return client;
}

/* The event's client, or what stands for all that are over the cap. */
static struct day_client *client_of(struct recount_log *log, struct log_day *day, struct recount_event *event)
{
    struct day_client wanted = {.organization = event->organization, .client = event->client};
    struct day_client *client = g_hash_table_lookup(day->clients, &wanted);

    if (client)
        return client;
    if (g_hash_table_size(day->clients) < KEYS_CLIENTS_MAX)
        return new_day_client(log, day, &wanted);
    wanted.organization = event->organization = log->nobody;
    wanted.client = event->client = log->other;
    client = g_hash_table_lookup(day->clients, &wanted);
    return client ? client : new_day_client(log, day, &wanted);
}

/* The name, or KEYS_OTHER when so many others were there before. */
static const char *capped(const struct recount_log *log, GHashTable *names, const char *name, guint max)
{
    if (g_hash_table_contains(names, name))
        return name;
    if (g_hash_table_size(names) >= max)
        name = log->other;
    g_hash_table_add(names, (gpointer)(guintptr)name);
    return name;
}

/* Puts what is over a cap under KEYS_OTHER: names of a revision are taken in the order of the log. */
static void apply_caps(struct recount_log *log, struct log_day *day, struct recount_event *event)
{
    struct day_client *client = client_of(log, day, event);

    event->route = capped(log, client->routes, event->route, KEYS_ROUTES_MAX);
    if (event->route == log->other) {
        event->method = log->nobody;
        event->template = log->other;
    }
    if (!log->listener.users)
        return;
    if (event->user != log->nobody)
        event->user = capped(log, client->users, event->user, KEYS_USERS_MAX);
    if (event->platform != log->nobody)
        event->platform = capped(log, client->platforms, event->platform, KEYS_PLATFORMS_MAX);
}

static void name_event(struct recount_log *log, const struct batch *batch, size_t index, struct recount_event *event)
{
    GString *text = log->scratch;

    event->method = symbol(log, batch, batch->method, index);
    event->template = symbol(log, batch, batch->route, index);
    g_string_assign(text, event->method);
    g_string_append_c(text, ' ');
    g_string_append(text, event->template);
    event->route = names_get(log->names, view_make(text->str, text->len));
    if (!log->listener.users)
        return;
    event->user = symbol(log, batch, batch->user, index);
    event->platform = symbol(log, batch, batch->platform, index);
}

/* An event that is no duplicate. */
static void count_event(struct recount_log *log, const struct batch *batch, size_t index, struct recount_event *event)
{
    struct log_day *day = day_of(&log->partitions[log->number], event->day);

    name_event(log, batch, index, event);
    apply_caps(log, day, event);
    event->revision = day->sealed + 1;
    event->status = batch->status[index];
    event->latency_us = batch->latency_us ? batch->latency_us[index] : 0;
    event->request_bytes = batch->request_bytes ? batch->request_bytes[index] : 0;
    event->response_bytes = batch->response_bytes ? batch->response_bytes[index] : 0;
    if (day->events++ == 0)
        day->first_offset = log->offset;
    day->end_offset = log->offset + 1;
    day->late += day->sealed > 0;
    log->sums[COUNTS_EVENTS]++;
    if (log->listener.event)
        log->listener.event(log->listener.opaque, event);
}

/* Event times count from 1970 on: a plain division is a floor. */
static void count_batch(struct recount_log *log, const struct batch *batch)
{
    struct log_partition *partition = &log->partitions[log->number];
    size_t next_id = 0;

    for (size_t i = 0; i < batch->n_rejections; i++)
        log->sums[COUNTS_REFUSED] += batch->rejections[i].count;
    g_ptr_array_set_size(log->symbols, 0);
    g_ptr_array_set_size(log->symbols, (gint)batch->n_symbols);
    for (size_t i = 0; i < batch->n_events; i++) {
        struct recount_event event = {
            .partition = log->number,
            .day = batch->time_ms[i] / KEYS_DAY_MS,
            .time_ms = batch->time_ms[i],
            .organization = symbol(log, batch, batch->organization, i),
            .client = symbol(log, batch, batch->client, i),
        };
        bool has_id = next_id < batch->n_ids && batch->id_event[next_id] == i;
        if (has_id && !take_id(log, partition, &event, batch->ids[next_id++])) {
            log->sums[COUNTS_DUPLICATES]++;
            day_of(partition, event.day)->duplicates++;
            continue;
        }
        count_event(log, batch, i, &event);
    }
}

int64_t recount_log_oldest_minute(const struct recount_log *log, int partition)
{
    /* A bucket may go when the clock reaches its end + KEYS_MINUTE_KEPT_MS; and nothing is counted in it from then on. */
    return MAX(0, log->partitions[partition].clock_ms - KEYS_MINUTE_KEPT_MS) / KEYS_MINUTE_MS;
}

/* ---- what closes days ---- */

static void tell_seal(const struct recount_log *log, const struct log_day *day)
{
    const struct recount_seal seal = {
        .partition = log->number,
        .revision = day->sealed,
        .day = day->day,
        .offset = log->offset,
        .clock_ms = log->partitions[log->number].clock_ms,
        .first_offset = day->first_offset,
        .end_offset = day->end_offset,
        .events = day->events,
        .late = day->late,
        .duplicates = day->duplicates,
        .gaps = day->gaps,
        .gap_batches = day->gap_batches,
        .quarantined = day->quarantined,
    };

    if (log->listener.seal)
        log->listener.seal(log->listener.opaque, &seal);
}

static void take_seal(struct recount_log *log, const struct day_seal *seal)
{
    struct log_partition *partition = &log->partitions[log->number];

    if (partition->clock_ms < ((int64_t)seal->day + 1) * KEYS_DAY_MS) {
        log->sums[COUNTS_QUARANTINED]++; /* nothing is missing from a day for that */
        return;
    }
    struct log_day *day = day_of(partition, seal->day);
    if (seal->revision != (uint32_t)day->sealed + 1)
        return;
    day->sealed++;
    g_hash_table_remove_all(day->clients);
    tell_seal(log, day);
}

static void take_erasure(struct recount_log *log, const struct erasure *erasure)
{
    const struct recount_erasure told = {log->number, names_get(log->names, erasure->user),
                                         names_get(log->names, erasure->pseudonym)};

    if (log->listener.erasure)
        log->listener.erasure(log->listener.opaque, &told);
}

/* Only partition 0 has entries. */
static void take_entry(struct recount_log *log, const struct ledger_link *link, struct view bytes)
{
    if (log->number != 0)
        quarantine(log, 0);
    else if (log->listener.entry)
        log->listener.entry(log->listener.opaque, link, bytes);
}

static void take_valid(struct recount_log *log, const struct record *record, struct view bytes)
{
    switch (record->kind) {
    case RECORD_BATCH:
        if (admit(log, &record->batch))
            count_batch(log, &record->batch);
        break;
    case RECORD_SEAL:
        take_seal(log, &record->seal);
        break;
    case RECORD_LEDGER:
        take_entry(log, &record->ledger, bytes);
        break;
    case RECORD_ERASURE:
        take_erasure(log, &record->erasure);
        break;
    case RECORD_HEARTBEAT:
        break;
    }
}

void recount_log_take(struct recount_log *log, int number, int64_t offset, int64_t timestamp_ms, struct view bytes)
{
    struct log_partition *partition = &log->partitions[number];
    struct record record;

    log->number = number;
    log->offset = offset;
    partition->clock_ms = MAX(partition->clock_ms, timestamp_ms);
    prune_ids(partition);
    if (record_parse(log->parser, bytes.data, bytes.size, &record, NULL))
        take_valid(log, &record, bytes);
    else
        quarantine(log, 0);
}
