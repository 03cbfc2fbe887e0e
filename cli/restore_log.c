/* restore_log: see restore_log.h.
 *
 * A partition whose log begins at `low` > 0 becomes what it would be if it had been counted up to low, as far as that can be known:
 * the ledger's days with their sheets, each in its last revision; the high-water marks of its streams (cli/restore_streams.h); and
 * a commit record that goes on at low. The records from low up to a day's last seal are read again then, but their events of that
 * day are in its sheet: `skip_below` of {pN}:days says so. Seals that the log repeats are ignored, for their revision is past.
 *
 * What was in the log below low and in no closed day is lost. `incomplete_before` of {pN}:meta is the log's time at low: days that
 * begin earlier and are not in the ledger are not proved. Erasures below low are not known any more either.
 *
 * The commit record is written last, in one command. Until then its topic is empty and its state restoring: nobody counts, and
 * another run begins again. */
#include "cli/restore_log.h"

#include "cli/impossible.h"
#include "cli/log_scan.h"
#include "cli/restore_streams.h"
#include "lib/civil.h"
#include "lib/keys.h"
#include "lib/number.h"

#include <string.h>

enum { WATERMARK_MS = 15000, FIELDS_AT_ONCE = 400, TEXT_MAX = 96 };

/* A day of the ledger in one partition, in its last revision. */
struct closed_day {
    uint32_t revision;
    uint64_t seal_offset, events;
    bool in_this_log; /* the seal stands there, at that offset: offsets mean what they meant */
};

struct part {
    bool wanted;
    int64_t low, low_ms; /* low_ms -1: the log is empty */
    GHashTable *days;    /* day + 1 -> struct closed_day */
    struct restore_streams *streams;
    int64_t first_ms; /* of its first seal; 0: none */
};

struct making {
    struct restore *restore;
    const char *topic;
    struct log_scan scan;
    struct record_parser *parser;
    struct part *parts;
    struct restore_log_count *count;
};

/* ---- which partitions ---- */

static bool check_live(const struct making *making, int partition, const struct redis_reply *reply, GError **error)
{
    struct view topic = redis_reply_text(redis_reply_at(reply, 0));
    uint64_t next = 0;

    number_read(redis_reply_text(redis_reply_at(reply, 1)), &next);
    if (!view_is(topic, making->topic) || next >= (uint64_t)making->parts[partition].low)
        return true;
    return impossible(
        error,
        "partition %d is counted up to offset %" G_GUINT64_FORMAT ", but the log begins only at %" G_GINT64_FORMAT
        ": put a newer backup back, or, if there is none, remove all its keys ({p%d}:*) from Redis and run this again",
        partition, next, making->parts[partition].low, partition);
}

/* Without a commit record there must be nothing at all, or what a restore before has begun. */
static bool check_empty(const struct making *making, int partition, const struct redis_reply *reply, GError **error)
{
    char meta[KEYS_MAX], hw[KEYS_MAX], days[KEYS_MAX];

    if (view_is(redis_reply_text(redis_reply_at(reply, 2)), "restoring"))
        return true;
    keys_plain(meta, partition, "meta");
    keys_plain(hw, partition, "hw");
    keys_plain(days, partition, "days");
    struct redis *redis = shards_get(making->restore->shards, partition, error);
    struct redis_reply *there = redis ? redis_call(redis, error, "EXISTS %s %s %s", meta, hw, days) : NULL;
    if (!there)
        return false;
    bool empty = redis_reply_integer(there) == 0;
    redis_reply_free(there);
    return empty || impossible(error,
                               "Redis has keys of partition %d, but not what it is counted up to: put a backup back, or "
                               "remove all its keys ({p%d}:*) and run this again",
                               partition, partition);
}

static bool look_at_redis(struct making *making, int partition, GError **error)
{
    char key[KEYS_MAX];
    struct redis *redis = shards_get(making->restore->shards, partition, error);

    keys_plain(key, partition, "commit");
    struct redis_reply *reply = redis ? redis_call(redis, error, "HMGET %s topic next state", key) : NULL;
    if (!reply)
        return false;
    bool live = redis_reply_text(redis_reply_at(reply, 0)).size > 0;
    bool ok = live ? check_live(making, partition, reply, error) : check_empty(making, partition, reply, error);
    redis_reply_free(reply);
    making->parts[partition].wanted = !live && making->parts[partition].low > 0;
    making->count->live += live;
    making->count->whole += !live && making->parts[partition].low == 0;
    making->count->restored += making->parts[partition].wanted;
    return ok;
}

static bool look(struct making *making, GError **error)
{
    for (int i = 0; i < making->scan.n_partitions; i++) {
        struct part *part = &making->parts[i];
        int64_t high;
        if (!kafka_reader_watermarks(making->scan.reader, i, WATERMARK_MS, &part->low, &high, error) ||
            !look_at_redis(making, i, error))
            return false;
    }
    return true;
}

/* ---- the ledger ---- */

static gpointer day_key(int64_t day)
{
    return GINT_TO_POINTER((gint)day + 1);
}

static void note_day(struct part *part, const struct ledger_entry *entry, const struct partition_day *day)
{
    struct closed_day *closed = g_hash_table_lookup(part->days, day_key(entry->day));

    if (!closed) {
        closed = g_new0(struct closed_day, 1);
        g_hash_table_insert(part->days, day_key(entry->day), closed);
    }
    *closed = (struct closed_day){entry->revision, day->seal_offset, day->events, false}; /* entries of a day ascend */
    if (part->first_ms == 0 || day->sealed_at_ms < part->first_ms)
        part->first_ms = day->sealed_at_ms;
    restore_streams_learn(part->streams, day);
}

static bool take_day(struct making *making, const struct ledger_entry *entry, const struct partition_day *day, GError **error)
{
    const struct sheet_name name = {(int)day->partition, entry->day, (int)entry->revision};

    if (day->partition >= (uint32_t)making->scan.n_partitions)
        return impossible(error, "the ledger in the archive knows partition %u, but the topic has only %d: is it the right one?",
                          day->partition, making->scan.n_partitions);
    struct part *part = &making->parts[day->partition];
    if (!part->wanted)
        return true;
    note_day(part, entry, day);
    return restore_generation(making->restore, entry, day, error) &&
           restore_sheet(making->restore, &name, day->sheet_checksum, error);
}

static bool take_entry(struct making *making, guint i, GError **error)
{
    g_autoptr(GBytes) record = archive_chain_record(making->restore->chain, i, error);
    gsize size;
    const void *data = record ? g_bytes_get_data(record, &size) : NULL;
    struct ledger_entry *entry = record ? ledger_entry_parse(view_make(data, size), error) : NULL;
    bool ok = entry != NULL;

    if (ok && making->parts[0].wanted)
        ok = restore_entry(making->restore, i, view_make(data, size), error);
    for (guint k = 0; ok && k < entry->partitions->len; k++)
        ok = take_day(making, entry, g_ptr_array_index(entry->partitions, k), error);
    ledger_entry_free(entry);
    return ok;
}

static bool take_ledger(struct making *making, GError **error)
{
    guint n = archive_chain_count(making->restore->chain);
    bool ok = true;

    for (guint i = 0; ok && i < n; i++) {
        restore_progress(making->restore, "entries of the ledger, with their sheets", i, n);
        ok = take_entry(making, i, error);
    }
    restore_progress_end(making->restore);
    return ok;
}

/* ---- the log ---- */

static void see_seal(struct part *part, const struct day_seal *seal, int64_t offset)
{
    struct closed_day *closed = g_hash_table_lookup(part->days, day_key(seal->day));

    if (closed && closed->revision == seal->revision && closed->seal_offset == (uint64_t)offset)
        closed->in_this_log = true;
}

static bool take_message(void *opaque, const struct kafka_message *message)
{
    struct making *making = opaque;
    struct part *part = &making->parts[message->partition];
    struct record record;

    if (part->low_ms < 0)
        part->low_ms = message->timestamp_ms;
    if (!record_parse(making->parser, message->data, message->size, &record, NULL))
        return true;
    if (record.kind == RECORD_BATCH && record.batch.header.partition == (uint32_t)message->partition)
        restore_streams_see(part->streams, &record.batch.header, message->offset);
    else if (record.kind == RECORD_SEAL)
        see_seal(part, &record.seal, message->offset);
    return true;
}

/* From where the last scan ended up to what is there now. */
static bool scan(struct making *making, GError **error)
{
    g_autofree int64_t *targets = g_new0(int64_t, (gsize)making->scan.n_partitions);
    int64_t low;

    for (int i = 0; i < making->scan.n_partitions; i++) {
        if (making->parts[i].wanted && !kafka_reader_watermarks(making->scan.reader, i, WATERMARK_MS, &low, &targets[i], error))
            return false;
        making->scan.done[i] = MAX(making->scan.done[i], making->parts[i].wanted ? making->parts[i].low : 0);
    }
    return log_scan_read(&making->scan, targets, error);
}

/* ---- writing ---- */

/* Fields and values of one hash, some hundred at a time. */
struct fields {
    struct making *making;
    int partition;
    const char *kind;
    GPtrArray *words; /* texts */
    GError **error;
};

static bool fields_write(struct fields *fields)
{
    char key[KEYS_MAX];
    g_autofree struct view *argv = g_new(struct view, fields->words->len + 2);
    guint n = fields->words->len;

    if (n == 0)
        return true;
    argv[0] = view_of("HSET");
    argv[1] = view_make(key, keys_plain(key, fields->partition, fields->kind));
    for (guint i = 0; i < n; i++)
        argv[2 + i] = view_of(g_ptr_array_index(fields->words, i));
    struct redis_reply *reply = fence_write(fields->making->restore->fence, fields->partition, n + 2, argv, fields->error);
    redis_reply_free(reply);
    g_ptr_array_set_size(fields->words, 0);
    return reply != NULL;
}

static bool fields_add(void *opaque, const char *field, const char *value)
{
    struct fields *fields = opaque;

    g_ptr_array_add(fields->words, g_strdup(field));
    g_ptr_array_add(fields->words, g_strdup(value));
    return fields->words->len < 2 * FIELDS_AT_ONCE || fields_write(fields);
}

static bool add_number(struct fields *fields, const char *field, int64_t value)
{
    char text[NUMBER_MAX + 1];

    text[number_write_signed(text, value)] = '\0';
    return fields_add(fields, field, text);
}

static bool add_days(struct fields *fields, const struct part *part, uint64_t *events)
{
    GHashTableIter iter;
    gpointer key, value;
    bool ok = true;

    g_hash_table_iter_init(&iter, part->days);
    while (ok && g_hash_table_iter_next(&iter, &key, &value)) {
        const struct closed_day *closed = value;
        const int revision = (int)closed->revision;
        const struct day_state state = {revision, revision, fields->partition == 0 ? revision : 0,
                                        closed->in_this_log ? (int64_t)closed->seal_offset : 0};
        char field[NUMBER_MAX + 1], text[DAY_TEXT_MAX];
        field[number_write(field, (uint64_t)(GPOINTER_TO_INT(key) - 1))] = '\0';
        day_state_write(&state, text);
        ok = fields_add(fields, field, text);
        *events += closed->events;
    }
    fields->making->restore->days.restored += g_hash_table_size(part->days);
    return ok && fields_write(fields);
}

static bool add_meta(struct fields *fields, const struct part *part, uint64_t events)
{
    const struct archive_chain *chain = fields->making->restore->chain;
    guint n = archive_chain_count(chain);
    int64_t incomplete_ms = part->low_ms >= 0 ? part->low_ms : g_get_real_time() / 1000;
    bool ok = add_number(fields, "clock", 0) && add_number(fields, "events", (int64_t)events) &&
              add_number(fields, "incomplete_before", incomplete_ms);

    if (ok && part->first_ms > 0)
        ok = add_number(fields, "first_ms", part->first_ms);
    if (ok && fields->partition == 0 && n > 0) {
        char hex[2 * LEDGER_CHECKSUM_SIZE + 1];
        ledger_hex(archive_chain_at(chain, n - 1)->checksum, hex);
        ok = add_number(fields, "ledger", n) && add_number(fields, "archived", n) && fields_add(fields, "ledger_checksum", hex);
    }
    fields->making->count->incomplete_before_ms = MAX(fields->making->count->incomplete_before_ms, incomplete_ms);
    return ok && fields_write(fields);
}

static bool write_streams(struct making *making, int partition, GError **error)
{
    g_autoptr(GPtrArray) words = g_ptr_array_new_with_free_func(g_free);
    struct fields fields = {making, partition, "hw", words, error};
    struct part *part = &making->parts[partition];

    return restore_streams_each(part->streams, part->low_ms, fields_add, &fields) && fields_write(&fields);
}

static bool write_state(struct making *making, int partition, GError **error)
{
    g_autoptr(GPtrArray) words = g_ptr_array_new_with_free_func(g_free);
    struct fields fields = {making, partition, "days", words, error};
    const struct part *part = &making->parts[partition];
    uint64_t events = 0;

    if (!add_days(&fields, part, &events))
        return false;
    fields.kind = "meta";
    return add_meta(&fields, part, events) && write_streams(making, partition, error);
}

/* From here on the partition is anybody's. */
static bool go_live(struct making *making, int partition, GError **error)
{
    char key[KEYS_MAX], next[NUMBER_MAX + 1];

    keys_plain(key, partition, "commit");
    next[number_write_signed(next, making->parts[partition].low)] = '\0';
    return fence_set(making->restore->fence, partition, error, "HSET", key, "n", "1", "next", next, "topic", making->topic, "fp",
                     "", "pay", "", "state", "live", (const char *)NULL);
}

/* The tools ask there how many partitions there are; the aggregator writes it when it starts. */
static bool publish_topic(const struct making *making, const char *url, GError **error)
{
    const struct redis_settings settings = {url, WATERMARK_MS, WATERMARK_MS};
    char number[NUMBER_MAX + 1];
    struct redis *redis = redis_connect(&settings, "daybook:topic", error);
    struct redis_reply *reply = NULL;

    number[number_write(number, (uint64_t)making->scan.n_partitions)] = '\0';
    if (redis)
        reply = redis_call(redis, error, "HSETNX daybook:topic partitions %s", number);
    bool ok = reply != NULL;
    redis_reply_free(reply);
    reply = ok ? redis_call(redis, error, "HSETNX daybook:topic topic %s", making->topic) : NULL;
    ok = reply != NULL;
    redis_reply_free(reply);
    if (redis)
        redis_free(redis);
    return ok;
}

/* ---- order ---- */

typedef bool (*step_func)(struct making *making, int partition, GError **error);

static bool each_wanted(struct making *making, step_func step, GError **error)
{
    for (int i = 0; i < making->scan.n_partitions; i++)
        if (making->parts[i].wanted && !step(making, i, error))
            return false;
    return true;
}

static bool raise_fence(struct making *making, int partition, GError **error)
{
    return fence_raise(making->restore->fence, partition, error);
}

/* The log is scanned once more at the end: a stream whose first batch came meanwhile is known then. */
static bool make_all(struct making *making, const char *url, GError **error)
{
    if (!look(making, error))
        return false;
    if (making->count->restored == 0)
        return true;
    return each_wanted(making, raise_fence, error) && take_ledger(making, error) && scan(making, error) &&
           each_wanted(making, write_state, error) && publish_topic(making, url, error) && scan(making, error) &&
           each_wanted(making, write_streams, error) && each_wanted(making, go_live, error);
}

static void prepare(struct making *making)
{
    making->parser = record_parser_new();
    making->parts = g_new0(struct part, (gsize)making->scan.n_partitions);
    for (int i = 0; i < making->scan.n_partitions; i++) {
        making->parts[i].low_ms = -1;
        making->parts[i].days = g_hash_table_new_full(NULL, NULL, NULL, g_free);
        making->parts[i].streams = restore_streams_new();
    }
    making->scan.take = take_message;
    making->scan.opaque = making;
    making->scan.progress = making->restore->progress;
}

static void clear(struct making *making)
{
    for (int i = 0; making->parts && i < making->scan.n_partitions; i++) {
        g_hash_table_destroy(making->parts[i].days);
        restore_streams_free(making->parts[i].streams);
    }
    g_free(making->parts);
    record_parser_free(making->parser);
    log_scan_clear(&making->scan);
}

bool restore_log(struct restore *restore, const struct restore_log_settings *settings, struct restore_log_count *count,
                 GError **error)
{
    struct making making = {.restore = restore, .topic = settings->topic, .count = count};
    bool ok = log_scan_init(&making.scan, &settings->kafka, settings->topic, error);

    *count = (struct restore_log_count){0};
    if (ok) {
        restore->shards = shards_new(settings->redis_url, making.scan.n_partitions);
        restore_begin(restore);
        prepare(&making);
        ok = make_all(&making, settings->redis_url, error);
    }
    clear(&making);
    return ok;
}
