/* buckets_flush: what changed in the open buckets, as commands of a payload. */
#include "aggregator/buckets_private.h"

#include "lib/number.h"

enum { COMBINATION_MAX = 3 * (NUMBER_MAX + 1) };

static void format_cell(const struct cell *cell, bool histograms, GString *out)
{
    if (cell->status)
        measure_format_request(cell->status, cell->one.latency_us, cell->one.request_bytes, cell->one.response_bytes, histograms,
                               out);
    else
        measure_format(cell->many, out);
}

/* "route.user.platform " */
static void format_name(uint64_t key, GString *out)
{
    char text[COMBINATION_MAX];
    size_t size = number_write(text, bits(key, 0, ROUTE_BITS));
    text[size++] = '.';
    size += number_write(text + size, bits(key, ROUTE_BITS, USER_BITS));
    text[size++] = '.';
    size += number_write(text + size, bits(key, ROUTE_BITS + USER_BITS, PLATFORM_BITS));
    text[size++] = ' ';
    g_string_append_len(out, text, (gssize)size);
}

/* A shard of a client's slot is one field: all of its combinations, one a line. */
static void flush_shard(struct buckets *buckets, struct bucket *bucket, struct payload *payload)
{
    char field[NUMBER_MAX];
    g_string_truncate(buckets->text, 0);
    for (const struct cell *cell = bucket->cells; cell; cell = cell->next) {
        if (cell->next)
            __builtin_prefetch(cell->next);
        format_name(cell->key, buckets->text);
        format_cell(cell, buckets->histograms, buckets->text);
        g_string_append_c(buckets->text, '\n');
    }
    payload_add_pair(payload, view_make(field, number_write(field, bucket->shard)),
                     view_make(buckets->text->str, buckets->text->len));
    bucket->dirty = false;
}

static void flush_client(struct buckets *buckets, struct slot_client *client, struct payload *payload)
{
    char key[KEYS_MAX];
    struct bucket *bucket = client->dirty_buckets;
    if (!bucket)
        return;
    payload_begin(payload, PAYLOAD_HSET, view_make(key, bucket_key(bucket, key)));
    for (; bucket; bucket = bucket->next_dirty) {
        if (bucket->next_dirty)
            __builtin_prefetch(bucket->next_dirty->cells);
        flush_shard(buckets, bucket, payload);
    }
    client->dirty_buckets = NULL;
}

static void add_score(struct payload *payload, uint64_t score, struct view member)
{
    char text[NUMBER_MAX];
    payload_add_pair(payload, view_make(text, number_write(text, score)), member);
}

static void flush_minute_bucket(struct buckets *buckets, const struct bucket *bucket, struct payload *payload)
{
    char key[KEYS_MAX], field[NUMBER_MAX];
    payload_begin(payload, PAYLOAD_HSET, view_make(key, bucket_key(bucket, key)));
    for (const struct cell *cell = bucket->cells; cell; cell = cell->next) {
        g_string_truncate(buckets->text, 0);
        format_cell(cell, buckets->histograms, buckets->text);
        payload_add_pair(payload, view_make(field, number_write(field, cell->key)),
                         view_make(buckets->text->str, buckets->text->len));
    }
}

static void flush_minute(struct buckets *buckets, struct minute *minute, struct payload *payload)
{
    char key[KEYS_MAX], member[NUMBER_MAX];
    for (const struct bucket *bucket = minute->dirty_buckets; bucket; bucket = bucket->next_dirty)
        flush_minute_bucket(buckets, bucket, payload);
    size_t size = keys_minute_clients(key, buckets->partition, minute->minute, minute->revision);
    payload_begin(payload, PAYLOAD_ZADD, view_make(key, size));
    for (struct bucket *bucket = minute->dirty_buckets; bucket; bucket = bucket->next_dirty) {
        for (struct cell *cell = bucket->cells; cell; cell = cell->next) {
            add_score(payload, cell_requests(cell), view_make(member, number_write(member, cell->key)));
            cell->dirty = false;
        }
        bucket->cells = NULL;
        bucket->dirty = false;
    }
    minute->dirty_buckets = NULL;
}

static struct view name_text(const struct slot *slot, const struct score *score)
{
    return symbols_text(slot->span.buckets->symbols, score->name);
}

static void add_sum(struct buckets *buckets, struct payload *payload, struct view field, const struct open_sum *sum)
{
    const struct measure whole = open_sum_close(sum, buckets->closed);
    g_string_truncate(buckets->text, 0);
    measure_format(&whole, buckets->text);
    payload_add_pair(payload, field, view_make(buckets->text->str, buckets->text->len));
}

static void add_minutes(struct buckets *buckets, struct payload *payload, const struct slot *slot)
{
    char number[NUMBER_MAX];
    g_string_truncate(buckets->text, 0);
    for (int i = 0; i < KEYS_SLOT_MINUTES; i++) {
        if (i > 0)
            g_string_append_c(buckets->text, ' ');
        g_string_append_len(buckets->text, number, (gssize)number_write(number, slot->minutes[i]));
    }
    payload_add_pair(payload, view_of("m"), view_make(buckets->text->str, buckets->text->len));
}

/* One command, mostly: then who reads it finds sums that agree. */
static void write_sums(struct buckets *buckets, const struct slot *slot, struct view key, struct payload *payload)
{
    char symbol[1 + NUMBER_MAX] = "c";
    g_autoptr(GString) name = g_string_new("r");
    payload_begin(payload, PAYLOAD_HSET, key);
    for (guint i = 0; i < slot->dirty_clients->len; i++) {
        const struct slot_client *client = g_ptr_array_index(slot->dirty_clients, i);
        add_sum(buckets, payload, view_make(symbol, 1 + number_write(symbol + 1, client->number)), &client->sum);
    }
    for (guint i = 0; i < slot->dirty_routes->len; i++) {
        const struct score *route = g_ptr_array_index(slot->dirty_routes, i);
        const struct view text = name_text(slot, route);
        g_string_truncate(name, 1);
        g_string_append_len(name, text.data, (gssize)text.size);
        add_sum(buckets, payload, view_make(name->str, name->len), &route->sum);
    }
    add_minutes(buckets, payload, slot);
}

/* They are read at once, so they must not be too many. */
static void flush_sums(struct buckets *buckets, struct slot *slot, struct payload *payload)
{
    char key[KEYS_MAX];
    const struct view name = view_make(key, keys_slot_sums(key, buckets->partition, slot->day, slot->revision, slot->index));
    if (slot->sums == SUMS_KEPT && slot->clients.n + slot->routes.n > KEYS_SLOT_SUMS_MAX)
        slot->sums = SUMS_LEFT;
    if (slot->sums == SUMS_KEPT) {
        write_sums(buckets, slot, name, payload);
    } else if (slot->sums == SUMS_LEFT) {
        payload_begin(payload, PAYLOAD_UNLINK, name);
        slot->sums = SUMS_NONE;
    }
}

/* Behind all of the slot's buckets and sums: who finds this number finds no less in them. */
static void flush_total(const struct buckets *buckets, const struct slot *slot, struct payload *payload)
{
    char key[KEYS_MAX], index[NUMBER_MAX], requests[NUMBER_MAX];
    payload_begin(payload, PAYLOAD_HSET, view_make(key, keys_totals(key, buckets->partition, slot->day, slot->revision)));
    payload_add_pair(payload, view_make(index, number_write(index, (uint64_t)slot->index)),
                     view_make(requests, number_write(requests, slot->requests)));
}

static void flush_slot(struct buckets *buckets, struct slot *slot, struct payload *payload)
{
    char key[KEYS_MAX], member[NUMBER_MAX];
    for (guint i = 0; i < slot->dirty_clients->len; i++)
        flush_client(buckets, g_ptr_array_index(slot->dirty_clients, i), payload);
    flush_sums(buckets, slot, payload);
    size_t size = keys_slot_clients(key, buckets->partition, slot->day, slot->revision, slot->index);
    payload_begin(payload, PAYLOAD_ZADD, view_make(key, size));
    for (guint i = 0; i < slot->dirty_clients->len; i++) {
        struct slot_client *client = g_ptr_array_index(slot->dirty_clients, i);
        add_score(payload, client->sum.measure.requests, view_make(member, number_write(member, client->number)));
        client->dirty = false;
    }
    size = keys_slot_routes(key, buckets->partition, slot->day, slot->revision, slot->index);
    payload_begin(payload, PAYLOAD_ZADD, view_make(key, size));
    for (guint i = 0; i < slot->dirty_routes->len; i++) {
        struct score *score = g_ptr_array_index(slot->dirty_routes, i);
        add_score(payload, score->sum.measure.requests, name_text(slot, score));
        score->dirty = false;
    }
    flush_total(buckets, slot, payload);
    g_ptr_array_set_size(slot->dirty_clients, 0);
    g_ptr_array_set_size(slot->dirty_routes, 0);
    slot->dirty = false;
}

void buckets_flush(struct buckets *buckets, struct payload *payload)
{
    for (guint i = 0; i < buckets->dirty_slots->len; i++)
        flush_slot(buckets, g_ptr_array_index(buckets->dirty_slots, i), payload);
    for (guint i = 0; i < buckets->dirty_minutes->len; i++)
        flush_minute(buckets, g_ptr_array_index(buckets->dirty_minutes, i), payload);
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
