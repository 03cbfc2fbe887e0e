#include "aggregator/buckets_private.h"

#include "lib/keys.h"
#include "lib/number.h"

enum { MINUTES_PER_SLOT = KEYS_SLOT_MS / (int)KEYS_MINUTE_MS };
/* Upper estimates: memory of a cell with its lists and its entry; bytes of a field in a payload. */
enum {
    CELL_BYTES = sizeof(struct cell) + 2 * sizeof(struct tally) + 2 * sizeof(struct intmap_entry),
    LINE_BYTES = 40,
    FIELD_BYTES = 24
};

struct buckets *buckets_new(int partition, struct symbols *symbols, bool histograms)
{
    struct buckets *buckets = g_new0(struct buckets, 1);
    buckets->partition = partition;
    buckets->symbols = symbols;
    buckets->histograms = histograms;
    buckets->dirty_slots = g_ptr_array_new();
    buckets->dirty_minutes = g_ptr_array_new();
    buckets->text = g_string_sized_new(256);
    return buckets;
}

/* ---- freeing ---- */

static void cell_free(gpointer opaque)
{
    struct cell *cell = opaque;
    measure_clear(&cell->measure);
    g_slice_free(struct cell, cell);
}

static void bucket_free(gpointer opaque)
{
    struct bucket *bucket = opaque;
    if (!bucket)
        return;
    bucket->buckets->bytes -= bucket->cells.n * CELL_BYTES + sizeof *bucket;
    intmap_clear(&bucket->cells, cell_free);
    g_slice_free(struct bucket, bucket);
}

static void slot_client_free(gpointer opaque)
{
    struct slot_client *client = opaque;
    client->slot->buckets->bytes -= sizeof *client;
    bucket_free(client->first);
    intmap_clear(&client->shards, bucket_free);
    g_free(client);
}

static void slot_free(gpointer opaque)
{
    struct slot *slot = opaque;
    slot->buckets->bytes -= slot->routes.n * sizeof(struct score);
    intmap_clear(&slot->clients, slot_client_free);
    intmap_clear(&slot->routes, g_free);
    g_ptr_array_free(slot->dirty_clients, TRUE);
    g_ptr_array_free(slot->dirty_routes, TRUE);
    g_free(slot);
}

static void minute_free(gpointer opaque)
{
    struct minute *minute = opaque;
    intmap_clear(&minute->shards, bucket_free);
    g_free(minute);
}

void buckets_free(struct buckets *buckets)
{
    if (!buckets)
        return;
    intmap_clear(&buckets->slots, slot_free);
    intmap_clear(&buckets->minutes, minute_free);
    g_ptr_array_free(buckets->dirty_slots, TRUE);
    g_ptr_array_free(buckets->dirty_minutes, TRUE);
    g_string_free(buckets->text, TRUE);
    g_free(buckets->memos);
    g_free(buckets);
}

int64_t buckets_horizon(const struct buckets *buckets)
{
    return buckets->horizon;
}

void buckets_set_horizon(struct buckets *buckets, int64_t minute)
{
    buckets->horizon = minute;
}

size_t buckets_bytes(const struct buckets *buckets)
{
    return buckets->bytes + buckets->n_memos * sizeof *buckets->memos;
}

size_t buckets_dirty_bytes(const struct buckets *buckets)
{
    return buckets->dirty_bytes;
}

/* Keeps what `keep` says; intmaps know no removal, so a new one takes the survivors. */
static void sift(struct intmap *map, bool (*keep)(const void *value, const struct buckets *buckets), const struct buckets *buckets,
                 GDestroyNotify free_value)
{
    struct intmap kept = {0};
    for (struct intmap_entry *e = NULL; (e = intmap_next(map, e));) {
        if (keep(e->value, buckets))
            *intmap_place(&kept, e->key) = e->value;
        else
            free_value(e->value);
    }
    intmap_clear(map, NULL);
    *map = kept;
}

static bool slot_is_newest(const void *value, const struct buckets *buckets)
{
    const struct slot *slot = value;
    return (slot->day * KEYS_SLOTS_PER_DAY + slot->index) >= buckets->horizon / MINUTES_PER_SLOT;
}

static bool minute_is_newest(const void *value, const struct buckets *buckets)
{
    const struct minute *minute = value;
    return minute->minute >= buckets->horizon - 1;
}

void buckets_trim(struct buckets *buckets, bool everything)
{
    g_assert(buckets->dirty_slots->len == 0 && buckets->dirty_minutes->len == 0);
    if (everything) {
        intmap_clear(&buckets->slots, slot_free);
        intmap_clear(&buckets->minutes, minute_free);
        return;
    }
    sift(&buckets->slots, slot_is_newest, buckets, slot_free);
    sift(&buckets->minutes, minute_is_newest, buckets, minute_free);
}

/* ---- finding ---- */

static const uint32_t NOTHING = UINT32_MAX;

void buckets_begin(struct buckets *buckets, const struct batch *batch)
{
    buckets->batch = batch;
    if (batch->n_symbols > buckets->n_memos) {
        buckets->n_memos = batch->n_symbols;
        buckets->memos = g_renew(struct memo, buckets->memos, buckets->n_memos);
    }
    memset(buckets->memos, 0xff, batch->n_symbols * sizeof *buckets->memos); /* all NOTHING */
}

static struct view symbol_text(const struct batch *batch, const uint32_t *column, size_t index)
{
    return column ? batch->symbols[column[index]] : view_of("");
}

static uint32_t name_of_pair(struct buckets *buckets, struct view first, char separator, struct view second)
{
    g_string_truncate(buckets->text, 0);
    g_string_append_len(buckets->text, first.data, (gssize)first.size);
    g_string_append_c(buckets->text, separator);
    g_string_append_len(buckets->text, second.data, (gssize)second.size);
    return symbols_name(buckets->symbols, view_make(buckets->text->str, buckets->text->len));
}

static uint32_t client_name(struct buckets *buckets, size_t index)
{
    const struct batch *batch = buckets->batch;
    struct memo *memo = &buckets->memos[batch->client[index]];
    uint32_t organization = batch->organization ? batch->organization[index] : 0;
    if (memo->client_name == NOTHING || memo->organization != organization) {
        memo->organization = organization;
        memo->client_name = name_of_pair(buckets, symbol_text(batch, batch->organization, index), KEYS_CLIENT_SEPARATOR,
                                         batch->symbols[batch->client[index]]);
    }
    return memo->client_name;
}

static uint32_t route_name(struct buckets *buckets, size_t index)
{
    const struct batch *batch = buckets->batch;
    struct memo *memo = &buckets->memos[batch->route[index]];
    if (memo->route_name == NOTHING || memo->method != batch->method[index]) {
        memo->method = batch->method[index];
        memo->route_name = name_of_pair(buckets, batch->symbols[batch->method[index]], ' ', batch->symbols[batch->route[index]]);
    }
    return memo->route_name;
}

static uint32_t user_name(struct buckets *buckets, size_t index)
{
    const struct batch *batch = buckets->batch;
    if (!batch->user || batch->user[index] == 0)
        return 0;
    struct memo *memo = &buckets->memos[batch->user[index]];
    if (memo->user_name == NOTHING)
        memo->user_name = symbols_name(buckets->symbols, batch->symbols[batch->user[index]]);
    return memo->user_name;
}

static uint32_t platform_name(struct buckets *buckets, size_t index)
{
    const struct batch *batch = buckets->batch;
    if (!batch->platform || batch->platform[index] == 0)
        return 0;
    struct memo *memo = &buckets->memos[batch->platform[index]];
    if (memo->platform_name == NOTHING)
        memo->platform_name = symbols_name(buckets->symbols, batch->symbols[batch->platform[index]]);
    return memo->platform_name;
}

static struct slot *find_slot(struct buckets *buckets, struct commit *commit, const struct generation *generation, int64_t minute)
{
    int64_t number = minute / MINUTES_PER_SLOT;
    void **place = intmap_place(&buckets->slots, ((uint64_t)number << 24) | (uint64_t)generation->revision);
    struct slot *slot = *place;
    if (!slot) {
        *place = slot = g_new0(struct slot, 1);
        *slot = (struct slot){.day = generation->day, .revision = generation->revision, .buckets = buckets};
        slot->index = (int)(number % KEYS_SLOTS_PER_DAY);
        slot->dirty_clients = g_ptr_array_new();
        slot->dirty_routes = g_ptr_array_new();
        slot->state = number * MINUTES_PER_SLOT > buckets->horizon ? BUCKET_LOADED : BUCKET_UNKNOWN;
    }
    if (slot->state == BUCKET_UNKNOWN)
        slot_ask(slot, commit);
    return slot->state == BUCKET_LOADED ? slot : NULL;
}

static struct bucket *bucket_new(struct buckets *buckets, uint32_t shard, bool empty)
{
    struct bucket *bucket = g_slice_new0(struct bucket);
    bucket->buckets = buckets;
    bucket->shard = shard;
    bucket->state = empty ? BUCKET_LOADED : BUCKET_UNKNOWN;
    buckets->bytes += sizeof *bucket;
    return bucket;
}

static struct bucket *slot_bucket(struct slot_client *client, uint32_t shard)
{
    void *first = client->first;
    void **place = shard == 0 ? &first : intmap_place(&client->shards, shard);
    if (!*place) {
        struct bucket *bucket = bucket_new(client->slot->buckets, shard, client->complete);
        bucket->slot_client = client;
        *place = bucket;
        if (shard == 0)
            client->first = bucket;
    }
    return *place;
}

static struct minute *find_minute(struct buckets *buckets, int64_t number, int revision)
{
    void **place = intmap_place(&buckets->minutes, ((uint64_t)number << 24) | (uint64_t)revision);
    struct minute *minute = *place;
    if (!minute) {
        *place = minute = g_new0(struct minute, 1);
        *minute = (struct minute){.minute = number, .revision = revision, .fresh = number > buckets->horizon};
        buckets->bytes += sizeof *minute;
    }
    return minute;
}

static struct bucket *minute_bucket(struct buckets *buckets, struct minute *minute, uint32_t shard)
{
    void **place = intmap_place(&minute->shards, (uint64_t)shard + 1);
    if (!*place) {
        struct bucket *bucket = bucket_new(buckets, shard, minute->fresh);
        bucket->minute = minute;
        *place = bucket;
    }
    return *place;
}

/* The bucket's cell, or NULL when the bucket must be read first. */
static struct cell *find_cell(struct bucket *bucket, struct commit *commit, uint64_t name)
{
    if (bucket->state == BUCKET_UNKNOWN)
        bucket_ask(bucket, commit);
    return bucket->state == BUCKET_LOADED ? bucket_cell(bucket, name) : NULL;
}

struct cell *bucket_cell(struct bucket *bucket, uint64_t name)
{
    void **place = intmap_place(&bucket->cells, name);
    if (!*place) {
        struct cell *cell = g_slice_new0(struct cell);
        cell->name = name;
        cell->bucket = bucket;
        bucket->buckets->bytes += CELL_BYTES;
        *place = cell;
    }
    return *place;
}

struct slot_client *slot_client_get(struct slot *slot, uint32_t number, bool complete)
{
    void **place = intmap_place(&slot->clients, number);
    if (!*place) {
        struct slot_client *client = g_new0(struct slot_client, 1);
        *client = (struct slot_client){.slot = slot, .number = number, .complete = complete};
        slot->buckets->bytes += sizeof *client;
        *place = client;
    }
    return *place;
}

struct score *slot_route_get(struct slot *slot, uint32_t name)
{
    void **place = intmap_place(&slot->routes, name);
    if (!*place) {
        struct score *score = g_new0(struct score, 1);
        score->slot = slot;
        score->name = name;
        slot->buckets->bytes += sizeof *score;
        *place = score;
    }
    return *place;
}

static bool place_minute(struct buckets *buckets, struct commit *commit, uint32_t number, int64_t minute_number,
                         struct place *place)
{
    struct minute *minute = find_minute(buckets, minute_number, place->generation->revision);
    struct bucket *bucket = minute_bucket(buckets, minute, number / KEYS_CLIENTS_PER_SHARD);
    place->minute = find_cell(bucket, commit, number);
    return place->minute != NULL;
}

static bool place_slot(struct buckets *buckets, struct commit *commit, struct client *client, struct slot *slot, size_t index,
                       struct place *place)
{
    uint32_t name = route_name(buckets, index);
    uint64_t route = symbols_number(buckets->symbols, client, SYMBOL_ROUTE, name, &place->over_cap);
    uint64_t user = symbols_number(buckets->symbols, client, SYMBOL_USER, user_name(buckets, index), &place->over_cap);
    uint64_t platform = symbols_number(buckets->symbols, client, SYMBOL_PLATFORM, platform_name(buckets, index), &place->over_cap);
    place->client = slot_client_get(slot, symbols_client_number(client), true);
    place->route = slot_route_get(slot, name);
    struct bucket *bucket = slot_bucket(place->client, (uint32_t)user / KEYS_USERS_PER_SHARD);
    place->slot = find_cell(bucket, commit, route | user << 20 | platform << 40);
    return place->slot != NULL;
}

bool buckets_place(struct buckets *buckets, struct commit *commit, size_t index, int revision, int64_t clock_ms,
                   struct place *place)
{
    int64_t time_ms = buckets->batch->time_ms[index];
    int64_t minute = time_ms / KEYS_MINUTE_MS;
    *place = (struct place){0};
    place->generation = symbols_generation(buckets->symbols, commit, time_ms / KEYS_DAY_MS, revision, buckets->horizon);
    if (!place->generation)
        return false;
    struct client *client =
        symbols_client(buckets->symbols, commit, place->generation, client_name(buckets, index), &place->over_cap);
    struct slot *slot = find_slot(buckets, commit, place->generation, minute);
    if (!client || !slot)
        return false;
    bool placed = place_slot(buckets, commit, client, slot, index, place);
    /* By the log clock, not by ours: a replay must come to the same. */
    if ((minute + 1) * KEYS_MINUTE_MS + KEYS_MINUTE_KEPT_MS > clock_ms)
        placed = place_minute(buckets, commit, symbols_client_number(client), minute, place) && placed;
    buckets->horizon = MAX(buckets->horizon, minute);
    return placed;
}

/* ---- counting ---- */

static void touch_slot(struct buckets *buckets, struct slot *slot)
{
    if (!slot->dirty) {
        slot->dirty = true;
        g_ptr_array_add(buckets->dirty_slots, slot);
    }
    buckets->dirty_bytes += FIELD_BYTES;
}

static void touch_slot_bucket(struct buckets *buckets, struct bucket *bucket)
{
    if (bucket->dirty)
        return;
    bucket->dirty = true;
    bucket->next_dirty = bucket->slot_client->dirty_buckets;
    bucket->slot_client->dirty_buckets = bucket;
    buckets->dirty_bytes += FIELD_BYTES + bucket->cells.n * LINE_BYTES; /* it is written whole */
}

static void touch_minute_cell(struct buckets *buckets, struct cell *cell)
{
    struct bucket *bucket = cell->bucket;
    struct minute *minute = bucket->minute;
    if (cell->dirty)
        return;
    cell->dirty = true;
    cell->next_dirty = bucket->dirty_cells;
    bucket->dirty_cells = cell;
    buckets->dirty_bytes += FIELD_BYTES + LINE_BYTES;
    if (bucket->dirty)
        return;
    bucket->dirty = true;
    if (!minute->dirty_buckets)
        g_ptr_array_add(buckets->dirty_minutes, minute);
    bucket->next_dirty = minute->dirty_buckets;
    minute->dirty_buckets = bucket;
}

/* Most cells of a slot never see a second request: they do without lists. */
static void count_first(struct buckets *buckets, struct cell *cell, uint32_t status, const struct measure *sums)
{
    cell->single = status;
    cell->measure = *sums;
    buckets->dirty_bytes += LINE_BYTES;
}

static void expand(struct buckets *buckets, struct cell *cell)
{
    const struct measure sums = cell->measure;
    measure_init(&cell->measure);
    measure_add(&cell->measure, cell->single, sums.latency_sum_us, sums.request_bytes, sums.response_bytes, buckets->histograms);
    cell->single = 0;
}

static void count_cell(struct buckets *buckets, struct cell *cell, size_t index)
{
    const struct batch *batch = buckets->batch;
    uint64_t latency_us = batch->latency_us ? batch->latency_us[index] : 0;
    const struct measure sums = {.requests = 1,
                                 .latency_sum_us = latency_us,
                                 .latency_max_us = latency_us,
                                 .request_bytes = batch->request_bytes ? batch->request_bytes[index] : 0,
                                 .response_bytes = batch->response_bytes ? batch->response_bytes[index] : 0};
    if (cell->measure.requests == 0) {
        count_first(buckets, cell, batch->status[index], &sums);
        return;
    }
    if (cell->single)
        expand(buckets, cell);
    measure_add(&cell->measure, batch->status[index], latency_us, sums.request_bytes, sums.response_bytes, buckets->histograms);
}

void buckets_count(struct buckets *buckets, const struct place *place, size_t index)
{
    struct slot *slot = place->client->slot;
    place->generation->counted++;
    place->client->requests++;
    place->route->requests++;
    if (!place->client->dirty) {
        place->client->dirty = true;
        g_ptr_array_add(slot->dirty_clients, place->client);
        touch_slot(buckets, slot);
    }
    if (!place->route->dirty) {
        place->route->dirty = true;
        g_ptr_array_add(slot->dirty_routes, place->route);
        touch_slot(buckets, slot);
    }
    count_cell(buckets, place->slot, index);
    touch_slot_bucket(buckets, place->slot->bucket);
    if (!place->minute)
        return;
    count_cell(buckets, place->minute, index);
    touch_minute_cell(buckets, place->minute);
}
