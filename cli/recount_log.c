/* recount_log: see recount_log.h.
 *
 * The rules, for each partition by itself: the clock is the newest Kafka timestamp so far. What is no Record, or a batch cut for
 * another partition, is quarantined. A batch whose sequence is not above the last one of its stream is a duplicate. A stream is
 * known until 30 days after its newest batch was made (an import: for ever); of an unknown one only sequence 1 is taken, and only
 * if it is not that old itself. An event with an id that was taken within the 24 hours before is a duplicate. Names beyond the caps
 * of lib/keys.h are KEYS_OTHER. */
#include "cli/recount_log.h"

#include "lib/keys.h"

#define STREAM_KEPT_MS (30 * KEYS_DAY_MS)

struct stream {
    uint64_t sequence;  /* of the last batch that was taken */
    int64_t created_ms; /* newest */
    bool import;
};

/* A client on a day, for the caps. */
struct day_client {
    int64_t day;
    const char *organization, *client;
    GHashTable *routes; /* set of interned names */
};

struct log_partition {
    int64_t clock_ms;
    int64_t pruned_day;    /* of the clock, when ids were last thrown out */
    GHashTable *streams;   /* GBytes -> struct stream */
    GHashTable *ids;       /* GBytes -> int64_t *: clock when it was taken */
    GHashTable *clients;   /* set of struct day_client */
    GHashTable *n_clients; /* day (int64_t *) -> their number */
};

struct recount_log {
    struct names *names;
    struct counts *counts;
    struct series *series;
    struct record_parser *parser;
    int n_partitions;
    struct log_partition *partitions;
    GPtrArray *symbols; /* of the batch at hand: interned, NULL where not asked for yet */
    GString *scratch;
    const char *other;
    const char *nobody;
};

/* ---- life ---- */

static guint day_client_hash(gconstpointer pointer)
{
    const struct day_client *client = pointer;

    return (g_direct_hash(client->client) * 31 + g_direct_hash(client->organization)) * 31 + (guint)client->day;
}

static gboolean day_client_equal(gconstpointer a, gconstpointer b)
{
    const struct day_client *x = a;
    const struct day_client *y = b;

    return x->day == y->day && x->client == y->client && x->organization == y->organization;
}

static void day_client_free(gpointer pointer)
{
    struct day_client *client = pointer;

    g_hash_table_destroy(client->routes);
    g_free(client);
}

struct recount_log *recount_log_new(int n_partitions, struct names *names, struct counts *counts, struct series *series)
{
    struct recount_log *log = g_new0(struct recount_log, 1);

    log->names = names;
    log->counts = counts;
    log->series = series;
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
        partition->clients = g_hash_table_new_full(day_client_hash, day_client_equal, day_client_free, NULL);
        partition->n_clients = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
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
        g_hash_table_destroy(log->partitions[i].clients);
        g_hash_table_destroy(log->partitions[i].n_clients);
    }
    g_free(log->partitions);
    record_parser_free(log->parser);
    g_ptr_array_free(log->symbols, TRUE);
    g_string_free(log->scratch, TRUE);
    g_free(log);
}

/* ---- batches ---- */

static void quarantine(struct recount_log *log, uint64_t events)
{
    log->counts->sums[COUNTS_QUARANTINED]++;
    log->counts->sums[COUNTS_QUARANTINED_EVENTS] += events;
}

static bool is_past(const struct log_partition *partition, int64_t created_ms)
{
    return partition->clock_ms - created_ms >= STREAM_KEPT_MS;
}

/* Is the batch to be counted? Moves its stream on if so. */
static bool admit(struct recount_log *log, int number, const struct batch *batch)
{
    struct log_partition *partition = &log->partitions[number];
    const struct batch_header *header = &batch->header;
    uint64_t *sums = log->counts->sums;

    if (header->partition != (uint32_t)number) {
        quarantine(log, batch->n_events);
        return false;
    }
    g_autoptr(GBytes) id = g_bytes_new(header->stream_id, STREAM_ID_SIZE);
    struct stream *stream = g_hash_table_lookup(partition->streams, id);
    if (stream && !stream->import && is_past(partition, stream->created_ms)) {
        g_hash_table_remove(partition->streams, id);
        stream = NULL;
    }
    if (!stream && (header->sequence != 1 || (!header->import && is_past(partition, header->created_ms)))) {
        quarantine(log, batch->n_events);
        return false;
    }
    if (!stream) {
        stream = g_new0(struct stream, 1);
        g_hash_table_insert(partition->streams, g_bytes_ref(id), stream);
    }
    if (header->sequence <= stream->sequence) {
        sums[COUNTS_DUPLICATE_BATCHES]++;
        sums[COUNTS_DUPLICATE_BATCH_EVENTS] += batch->n_events;
        return false;
    }
    if (header->sequence > stream->sequence + 1) {
        sums[COUNTS_GAPS]++;
        sums[COUNTS_GAP_BATCHES] += header->sequence - stream->sequence - 1;
    }
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
static bool take_id(struct recount_log *log, struct log_partition *partition, const struct counts_key *key, struct view id)
{
    g_string_assign(log->scratch, key->organization);
    g_string_append_c(log->scratch, '\0');
    g_string_append(log->scratch, key->client);
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

static bool has_room_for_client(struct log_partition *partition, int64_t day)
{
    guint n = GPOINTER_TO_UINT(g_hash_table_lookup(partition->n_clients, &day));
    int64_t *key;

    if (n >= KEYS_CLIENTS_MAX)
        return false;
    key = g_new(int64_t, 1);
    *key = day;
    g_hash_table_replace(partition->n_clients, key, GUINT_TO_POINTER(n + 1));
    return true;
}

static struct day_client *new_day_client(struct log_partition *partition, const struct day_client *wanted)
{
    struct day_client *client = g_new(struct day_client, 1);

    *client = *wanted;
    client->routes = g_hash_table_new(g_direct_hash, g_direct_equal);
    g_hash_table_add(partition->clients, client);
    return client;
}

/* Puts what is over a cap under KEYS_OTHER: names of a day are taken in the order of the log. */
static void apply_caps(struct recount_log *log, struct log_partition *partition, struct counts_key *key)
{
    struct day_client wanted = {.day = key->day, .organization = key->organization, .client = key->client};
    struct day_client *client = g_hash_table_lookup(partition->clients, &wanted);

    if (!client && has_room_for_client(partition, key->day))
        client = new_day_client(partition, &wanted);
    if (!client) {
        wanted.organization = key->organization = log->nobody;
        wanted.client = key->client = log->other;
        client = g_hash_table_lookup(partition->clients, &wanted);
        if (!client)
            client = new_day_client(partition, &wanted);
    }
    if (g_hash_table_contains(client->routes, key->route))
        return;
    if (g_hash_table_size(client->routes) >= KEYS_ROUTES_MAX)
        key->route = log->other;
    g_hash_table_add(client->routes, (gpointer)(guintptr)key->route);
}

static const char *route_of(struct recount_log *log, const struct batch *batch, size_t index)
{
    GString *text = log->scratch;

    g_string_assign(text, symbol(log, batch, batch->method, index));
    g_string_append_c(text, ' ');
    g_string_append(text, symbol(log, batch, batch->route, index));
    return names_get(log->names, view_make(text->str, text->len));
}

/* Event times count from 1970 on: a plain division is a floor. */
static void count_time(struct recount_log *log, int number, int64_t time_ms)
{
    series_add(log->series, (struct series_key){SERIES_MINUTES, number, time_ms / KEYS_MINUTE_MS}, 1);
    series_add(log->series, (struct series_key){SERIES_SLOT_CLIENTS, number, time_ms / KEYS_SLOT_MS}, 1);
}

int64_t recount_log_oldest_minute(const struct recount_log *log, int partition)
{
    /* A bucket may go when the clock reaches its end + KEYS_MINUTE_KEPT_MS; and nothing is counted in it from then on. */
    return MAX(0, log->partitions[partition].clock_ms - KEYS_MINUTE_KEPT_MS) / KEYS_MINUTE_MS;
}

static void count_batch(struct recount_log *log, int number, const struct batch *batch)
{
    struct log_partition *partition = &log->partitions[number];
    size_t next_id = 0;

    g_ptr_array_set_size(log->symbols, 0);
    g_ptr_array_set_size(log->symbols, (gint)batch->n_symbols);
    for (size_t i = 0; i < batch->n_events; i++) {
        struct counts_key key = {
            .day = batch->time_ms[i] / KEYS_DAY_MS,
            .organization = symbol(log, batch, batch->organization, i),
            .client = symbol(log, batch, batch->client, i),
            .status = batch->status[i],
        };
        bool has_id = next_id < batch->n_ids && batch->id_event[next_id] == i;
        if (has_id && !take_id(log, partition, &key, batch->ids[next_id++])) {
            log->counts->sums[COUNTS_DUPLICATES]++;
            continue;
        }
        key.route = route_of(log, batch, i);
        apply_caps(log, partition, &key);
        counts_add(log->counts, &key, 1);
        count_time(log, number, batch->time_ms[i]);
        log->counts->sums[COUNTS_EVENTS]++;
    }
}

void recount_log_take(struct recount_log *log, int number, int64_t timestamp_ms, const void *data, size_t size)
{
    struct log_partition *partition = &log->partitions[number];
    struct record record;

    partition->clock_ms = MAX(partition->clock_ms, timestamp_ms);
    prune_ids(partition);
    if (!record_parse(log->parser, data, size, &record, NULL))
        quarantine(log, 0);
    else if (record.kind == RECORD_BATCH && admit(log, number, &record.batch))
        count_batch(log, number, &record.batch);
}
