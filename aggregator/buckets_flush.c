/* buckets_flush: what changed in the open buckets, as commands of a payload. */
#include "aggregator/buckets_private.h"

#include "lib/keys.h"
#include "lib/number.h"

static size_t write_field(char *out, uint64_t field, bool minute)
{
    if (minute)
        return number_write(out, field);
    size_t size = number_write(out, field & 0xfffff);
    out[size++] = '.';
    size += number_write(out + size, field >> 20 & 0xfffff);
    out[size++] = '.';
    return size + number_write(out + size, field >> 40);
}

static void flush_bucket(struct buckets *buckets, struct bucket *bucket, struct payload *payload)
{
    char key[KEYS_MAX], field[3 * NUMBER_MAX];
    payload_begin(payload, PAYLOAD_HSET, view_make(key, bucket_key(bucket, key)));
    for (guint i = 0; i < bucket->dirty->len; i++) {
        struct cell *cell = g_ptr_array_index(bucket->dirty, i);
        g_string_truncate(buckets->text, 0);
        measure_format(&cell->measure, buckets->text);
        payload_add_pair(payload, view_make(field, write_field(field, cell->field, bucket->minute != NULL)),
                         view_make(buckets->text->str, buckets->text->len));
        if (!bucket->minute)
            cell->dirty = false; /* a minute's cells still have to write their score */
    }
}

static void bucket_is_clean(struct bucket *bucket)
{
    g_ptr_array_free(bucket->dirty, TRUE);
    bucket->dirty = NULL;
}

static void add_score(struct payload *payload, uint64_t score, struct view member)
{
    char text[NUMBER_MAX];
    payload_add_pair(payload, view_make(text, number_write(text, score)), member);
}

static void flush_minute(struct buckets *buckets, struct minute *minute, struct payload *payload)
{
    char key[KEYS_MAX], member[NUMBER_MAX];
    for (guint i = 0; i < minute->dirty->len; i++)
        flush_bucket(buckets, g_ptr_array_index(minute->dirty, i), payload);
    size_t size = keys_minute_clients(key, buckets->partition, minute->minute, minute->revision);
    payload_begin(payload, PAYLOAD_ZADD, view_make(key, size));
    for (guint i = 0; i < minute->dirty->len; i++) {
        struct bucket *bucket = g_ptr_array_index(minute->dirty, i);
        for (guint k = 0; k < bucket->dirty->len; k++) {
            struct cell *cell = g_ptr_array_index(bucket->dirty, k);
            add_score(payload, cell->measure.requests, view_make(member, number_write(member, cell->field)));
            cell->dirty = false;
        }
        bucket_is_clean(bucket);
    }
    g_ptr_array_set_size(minute->dirty, 0);
}

static struct view name_text(const struct slot *slot, const struct score *score)
{
    return symbols_text(slot->buckets->symbols, score->name);
}

static void flush_slot(struct buckets *buckets, struct slot *slot, struct payload *payload)
{
    char key[KEYS_MAX], member[NUMBER_MAX];
    size_t size = keys_slot_clients(key, buckets->partition, slot->day, slot->revision, slot->index);
    payload_begin(payload, PAYLOAD_ZADD, view_make(key, size));
    for (guint i = 0; i < slot->dirty_clients->len; i++) {
        struct slot_client *client = g_ptr_array_index(slot->dirty_clients, i);
        add_score(payload, client->requests, view_make(member, number_write(member, client->number)));
        client->dirty = false;
    }
    size = keys_slot_routes(key, buckets->partition, slot->day, slot->revision, slot->index);
    payload_begin(payload, PAYLOAD_ZADD, view_make(key, size));
    for (guint i = 0; i < slot->dirty_routes->len; i++) {
        struct score *score = g_ptr_array_index(slot->dirty_routes, i);
        add_score(payload, score->requests, name_text(slot, score));
        score->dirty = false;
    }
    g_ptr_array_set_size(slot->dirty_clients, 0);
    g_ptr_array_set_size(slot->dirty_routes, 0);
    slot->dirty = false;
}

void buckets_flush(struct buckets *buckets, struct payload *payload)
{
    for (guint i = 0; i < buckets->dirty_slot_buckets->len; i++) {
        struct bucket *bucket = g_ptr_array_index(buckets->dirty_slot_buckets, i);
        flush_bucket(buckets, bucket, payload);
        bucket_is_clean(bucket);
    }
    for (guint i = 0; i < buckets->dirty_slots->len; i++)
        flush_slot(buckets, g_ptr_array_index(buckets->dirty_slots, i), payload);
    for (guint i = 0; i < buckets->dirty_minutes->len; i++)
        flush_minute(buckets, g_ptr_array_index(buckets->dirty_minutes, i), payload);
    g_ptr_array_set_size(buckets->dirty_slot_buckets, 0);
    g_ptr_array_set_size(buckets->dirty_slots, 0);
    g_ptr_array_set_size(buckets->dirty_minutes, 0);
    buckets->dirty_bytes = 0;
}

void buckets_note_due(struct buckets *buckets, struct mirror *due)
{
    for (guint i = 0; i < buckets->dirty_minutes->len; i++) {
        const struct minute *minute = g_ptr_array_index(buckets->dirty_minutes, i);
        char name[64];
        g_snprintf(name, sizeof name, "m:%" G_GINT64_FORMAT ".%d", minute->minute, minute->revision);
        if (!mirror_get(due, name))
            mirror_set_number(due, name, (minute->minute + 1) * KEYS_MINUTE_MS + KEYS_MINUTE_KEPT_MS);
    }
}
