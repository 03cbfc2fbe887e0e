/* status_read: see status_read.h. */
#include "cli/status_read.h"

#include "cli/lag.h"
#include "lib/high_water.h"
#include "lib/keys.h"
#include "lib/number.h"

#include <string.h>

enum { TIMEOUT_MS = 10000, RING_SHOWN = 10, HEARTBEAT_WORDS = 9 };

/* The words of a heartbeat in {pN}:hb, see lib/keys.h and aggregator/partition_feed.c. */
enum heartbeat_word {
    HB_COLLECTOR,
    HB_CLOCK,
    HB_BYTES,
    HB_OLDEST,
    HB_RECEIVED,
    HB_ACCEPTED,
    HB_REJECTED,
    HB_EXCLUDED,
    HB_SEQUENCES
};

/* A stream's newest heartbeat of all partitions. */
struct stream {
    int64_t clock_ms;
    char **words;
};

struct status {
    struct redis_settings redis_settings;
    struct redis *redis; /* of the partition at hand */
    int n_partitions;
    struct lag lag;
    GHashTable *streams;      /* name -> struct stream */
    GHashTable **high_waters; /* by partition: stream name -> sequence as text */
    json_t *partitions, *quarantine, *gaps;
};

static void stream_free(gpointer pointer)
{
    struct stream *stream = pointer;

    g_strfreev(stream->words);
    g_free(stream);
}

static char *text_at(const struct redis_reply *reply, size_t index)
{
    struct view text = redis_reply_text(redis_reply_at(reply, index));

    return g_strndup(text.size ? text.data : "", text.size);
}

static int64_t number_of(const char *text)
{
    int64_t number = 0;

    number_read_signed(view_of(text), &number);
    return number;
}

static struct redis_reply *get_all(struct status *status, int partition, const char *kind, GError **error)
{
    char key[KEYS_MAX];

    keys_plain(key, partition, kind);
    return redis_call(status->redis, error, "HGETALL %s", key);
}

/* A whole hash as text -> text. */
static GHashTable *get_hash(struct status *status, int partition, const char *kind, GError **error)
{
    struct redis_reply *reply = get_all(status, partition, kind, error);

    if (!reply)
        return NULL;
    GHashTable *hash = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    for (size_t i = 0; i + 1 < redis_reply_count(reply); i += 2)
        g_hash_table_replace(hash, text_at(reply, i), text_at(reply, i + 1));
    redis_reply_free(reply);
    return hash;
}

/* ---- one partition ---- */

static json_t *partition_json(const struct status *status, int number, GHashTable *meta)
{
    static const struct {
        const char *name, *field;
    } fields[] = {
        {"events", "events"},
        {"duplicates", "duplicates"},
        {"duplicateBatches", "duplicate_batches"},
        {"quarantined", "quarantined"},
        {"gaps", "gaps"},
        {"gapBatches", "gap_batches"},
        {"otherCrc", "other_crc"},
        {"overCap", "over_cap"},
        {"refused", "refused"},
        {"clock", "clock"},
    };
    const struct lag_partition *lag = &status->lag.partitions[number];
    json_t *object = json_pack("{s:i,s:I,s:I,s:I,s:s}", "partition", number, "next", (json_int_t)lag->next, "end",
                               (json_int_t)lag->end, "lag", (json_int_t)(lag->end - MAX(lag->low, lag->next)), "state", lag->state);

    for (size_t i = 0; i < G_N_ELEMENTS(fields); i++) {
        const char *value = g_hash_table_lookup(meta, fields[i].field);
        json_object_set_new(object, fields[i].name, json_integer(value ? number_of(value) : 0));
    }
    return object;
}

/* The heartbeat is kept if it is the stream's newest. */
static void take_heartbeat(struct status *status, const char *name, const char *text)
{
    char **words = g_strsplit(text, " ", HEARTBEAT_WORDS);
    struct stream *known = g_hash_table_lookup(status->streams, name);

    if (g_strv_length(words) < HB_EXCLUDED + 1 || (known && known->clock_ms >= number_of(words[HB_CLOCK]))) {
        g_strfreev(words);
        return;
    }
    struct stream *stream = g_new(struct stream, 1);
    stream->clock_ms = number_of(words[HB_CLOCK]);
    stream->words = words;
    g_hash_table_replace(status->streams, g_strdup(name), stream);
}

static void take_heartbeats(struct status *status, GHashTable *heartbeats)
{
    GHashTableIter iter;
    gpointer name, text;

    g_hash_table_iter_init(&iter, heartbeats);
    while (g_hash_table_iter_next(&iter, &name, &text))
        take_heartbeat(status, name, text);
}

static gint newest_first(gconstpointer a, gconstpointer b)
{
    int64_t x = number_of((*(char **const *)a)[0]);
    int64_t y = number_of((*(char **const *)b)[0]);

    return x > y ? -1 : x < y;
}

/* The newest entries of a ring; names are those of the words of an entry, the last one takes the rest. */
static bool take_ring(struct status *status, int partition, const char *kind, const char *const *names, json_t *into,
                      GError **error)
{
    g_autoptr(GHashTable) ring = get_hash(status, partition, kind, error);
    g_autoptr(GPtrArray) entries = g_ptr_array_new_with_free_func((GDestroyNotify)g_strfreev);
    guint n_names = g_strv_length((char **)(gpointer)names);
    GHashTableIter iter;
    gpointer text;

    if (!ring)
        return false;
    g_hash_table_iter_init(&iter, ring);
    while (g_hash_table_iter_next(&iter, NULL, &text))
        g_ptr_array_add(entries, g_strsplit(text, " ", (gint)n_names));
    g_ptr_array_sort(entries, newest_first);
    for (guint i = 0; i < MIN(entries->len, (guint)RING_SHOWN); i++) {
        char **words = g_ptr_array_index(entries, i);
        json_t *object = json_pack("{s:i}", "partition", partition);
        for (guint k = 0; k < n_names && words[k]; k++)
            json_object_set_new(object, names[k], json_string(words[k]));
        json_array_append_new(into, object);
    }
    return true;
}

static bool read_partition(struct status *status, int number, GError **error)
{
    static const char *const quarantine[] = {"number", "offset", "reason", NULL};
    static const char *const gaps[] = {"number", "offset", "stream", "expected", "got", "day", NULL};
    g_autoptr(GHashTable) meta = get_hash(status, number, "meta", error);
    g_autoptr(GHashTable) heartbeats = meta ? get_hash(status, number, "hb", error) : NULL;

    if (!heartbeats)
        return false;
    status->high_waters[number] = get_hash(status, number, "hw", error);
    if (!status->high_waters[number])
        return false;
    json_array_append_new(status->partitions, partition_json(status, number, meta));
    take_heartbeats(status, heartbeats);
    return take_ring(status, number, "quar", quarantine, status->quarantine, error) &&
           take_ring(status, number, "gaps", gaps, status->gaps, error);
}

static bool read_partitions(struct status *status, GError **error)
{
    bool cluster = g_str_has_prefix(status->redis_settings.url, "redis+cluster:");

    for (int i = 0; i < status->n_partitions; i++) {
        char key[KEYS_MAX];
        keys_plain(key, i, "meta");
        if (cluster)
            g_clear_pointer(&status->redis, redis_free);
        if (!status->redis)
            status->redis = redis_connect(&status->redis_settings, key, error);
        if (!status->redis || !read_partition(status, i, error))
            return false;
    }
    return true;
}

/* ---- streams ---- */

static json_t *sequences_json(const struct status *status, const char *name, const struct stream *stream)
{
    g_auto(GStrv) cut = g_strsplit(stream->words[HB_SEQUENCES] ? stream->words[HB_SEQUENCES] : "", ",", -1);
    json_t *array = json_array();

    for (int i = 0; i < status->n_partitions && cut[i]; i++) {
        struct high_water water;
        bool is_known = high_water_read(g_hash_table_lookup(status->high_waters[i], name), &water);
        uint64_t counted = is_known ? water.sequence : 0;
        int64_t last = MAX(number_of(cut[i]), (int64_t)counted);
        json_array_append_new(array, json_pack("{s:i,s:I,s:I,s:I}", "partition", i, "cut", (json_int_t)last, "counted",
                                               (json_int_t)counted, "waiting", (json_int_t)(last - (int64_t)counted)));
    }
    return array;
}

static json_t *stream_json(const struct status *status, const char *name, const struct stream *stream, int64_t now_ms)
{
    static const struct {
        const char *name;
        enum heartbeat_word word;
    } numbers[] = {
        {"clock", HB_CLOCK},       {"journalBytes", HB_BYTES}, {"journalOldestMs", HB_OLDEST}, {"received", HB_RECEIVED},
        {"accepted", HB_ACCEPTED}, {"rejected", HB_REJECTED},  {"excluded", HB_EXCLUDED},
    };
    g_autofree char *collector = g_uri_unescape_string(stream->words[HB_COLLECTOR], NULL);
    json_t *object = json_pack("{s:s,s:s,s:I}", "collector", collector ? collector : stream->words[HB_COLLECTOR], "stream", name,
                               "ageMs", (json_int_t)(now_ms - stream->clock_ms));
    int64_t oldest_ms = number_of(stream->words[HB_OLDEST]);

    for (size_t i = 0; i < G_N_ELEMENTS(numbers); i++)
        json_object_set_new(object, numbers[i].name, json_integer(number_of(stream->words[numbers[i].word])));
    json_object_set_new(object, "spoolAgeMs", json_integer(oldest_ms ? MAX(0, stream->clock_ms - oldest_ms) : 0));
    json_object_set_new(object, "partitions", sequences_json(status, name, stream));
    return object;
}

/* By collector, the newest run first. */
static gint by_collector(gconstpointer a, gconstpointer b)
{
    const json_t *x = *(json_t *const *)a;
    const json_t *y = *(json_t *const *)b;
    int order = g_strcmp0(json_string_value(json_object_get(x, "collector")), json_string_value(json_object_get(y, "collector")));
    json_int_t age_x = json_integer_value(json_object_get(x, "ageMs"));
    json_int_t age_y = json_integer_value(json_object_get(y, "ageMs"));

    if (order != 0)
        return order;
    return age_x < age_y ? -1 : age_x > age_y;
}

static json_t *streams_json(const struct status *status, int64_t now_ms)
{
    g_autoptr(GPtrArray) objects = g_ptr_array_new();
    json_t *array = json_array();
    GHashTableIter iter;
    gpointer name, stream;

    g_hash_table_iter_init(&iter, status->streams);
    while (g_hash_table_iter_next(&iter, &name, &stream))
        g_ptr_array_add(objects, stream_json(status, name, stream, now_ms));
    g_ptr_array_sort(objects, by_collector);
    for (guint i = 0; i < objects->len; i++)
        json_array_append_new(array, g_ptr_array_index(objects, i));
    return array;
}

static guint count_unannounced(const struct status *status)
{
    g_autoptr(GHashTable) names = g_hash_table_new(g_str_hash, g_str_equal);
    GHashTableIter iter;
    gpointer name;

    for (int i = 0; i < status->n_partitions; i++) {
        g_hash_table_iter_init(&iter, status->high_waters[i]);
        while (g_hash_table_iter_next(&iter, &name, NULL)) {
            if (!g_hash_table_contains(status->streams, name))
                g_hash_table_add(names, name);
        }
    }
    return g_hash_table_size(names);
}

/* ---- all ---- */

static bool read_lag(const struct status_settings *settings, struct status *status, GError **error)
{
    const struct kafka_settings kafka = {
        .brokers = settings->brokers, .client_id = "daybook-status", .properties = settings->properties};
    struct kafka_topic topic;

    if (!kafka_topic_get(&kafka, settings->topic, TIMEOUT_MS, &topic, error))
        return false;
    status->n_partitions = topic.partitions;
    struct kafka_reader *reader = kafka_reader_new(&kafka, settings->topic, error);
    bool ok = reader && lag_read_commits(&status->redis_settings, topic.partitions, &status->lag, error) &&
              lag_read_log(reader, &status->lag, error);
    if (reader)
        kafka_reader_free(reader);
    /* What was counted of another topic says nothing about this one. */
    for (int i = 0; ok && i < topic.partitions; i++) {
        if (strcmp(status->lag.partitions[i].topic, settings->topic) != 0)
            status->lag.partitions[i].next = 0;
    }
    return ok;
}

static json_t *whole_json(const struct status_settings *settings, struct status *status)
{
    int64_t now_ms = g_get_real_time() / 1000;

    return json_pack("{s:s,s:I,s:O,s:o,s:i,s:O,s:O}", "topic", settings->topic, "now", (json_int_t)now_ms, "partitions",
                     status->partitions, "streams", streams_json(status, now_ms), "unannounced", (int)count_unannounced(status),
                     "quarantine", status->quarantine, "gaps", status->gaps);
}

static void status_clear(struct status *status)
{
    for (int i = 0; status->high_waters && i < status->n_partitions; i++) {
        if (status->high_waters[i])
            g_hash_table_destroy(status->high_waters[i]);
    }
    g_free(status->high_waters);
    g_hash_table_destroy(status->streams);
    g_clear_pointer(&status->redis, redis_free);
    lag_clear(&status->lag);
    json_decref(status->partitions);
    json_decref(status->quarantine);
    json_decref(status->gaps);
}

json_t *status_read(const struct status_settings *settings, GError **error)
{
    struct status status = {
        .redis_settings = {.url = settings->redis_url, .connect_timeout_ms = TIMEOUT_MS, .command_timeout_ms = TIMEOUT_MS},
        .streams = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, stream_free),
        .partitions = json_array(),
        .quarantine = json_array(),
        .gaps = json_array(),
    };
    json_t *whole = NULL;

    if (read_lag(settings, &status, error)) {
        status.high_waters = g_new0(GHashTable *, (gsize)status.n_partitions);
        if (read_partitions(&status, error))
            whole = whole_json(settings, &status);
    }
    status_clear(&status);
    return whole;
}
