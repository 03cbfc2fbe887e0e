#include "aggregator/buckets_private.h"

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

static void span_clear(struct span *span)
{
    intmap_clear(&span->cells, NULL);
    arena_clear(&span->arena);
}

static void slot_free(gpointer opaque)
{
    struct slot *slot = opaque;
    intmap_clear(&slot->clients, NULL);
    intmap_clear(&slot->routes, NULL);
    g_ptr_array_free(slot->dirty_clients, TRUE);
    g_ptr_array_free(slot->dirty_routes, TRUE);
    span_clear(&slot->span);
    g_free(slot);
}

static void minute_free(gpointer opaque)
{
    struct minute *minute = opaque;
    span_clear(&minute->span);
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
    g_free(buckets->names);
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

static size_t span_bytes(const struct span *span)
{
    return span->arena.bytes + intmap_bytes(&span->cells);
}

size_t buckets_bytes(const struct buckets *buckets)
{
    size_t bytes = buckets->n_memos * (sizeof *buckets->memos + sizeof *buckets->names);
    for (struct intmap_entry *e = NULL; (e = intmap_next(&buckets->slots, e));) {
        const struct slot *slot = e->value;
        bytes += sizeof *slot + span_bytes(&slot->span) + intmap_bytes(&slot->clients) + intmap_bytes(&slot->routes);
    }
    for (struct intmap_entry *e = NULL; (e = intmap_next(&buckets->minutes, e));)
        bytes += sizeof(struct minute) + span_bytes(&((const struct minute *)e->value)->span);
    return bytes;
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
    return (slot->day * KEYS_SLOTS_PER_DAY + slot->index) >= buckets->horizon / KEYS_SLOT_MINUTES;
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
        g_clear_pointer(&buckets->memos, g_free);
        g_clear_pointer(&buckets->names, g_free);
        buckets->n_memos = 0;
        intmap_clear(&buckets->slots, slot_free);
        intmap_clear(&buckets->minutes, minute_free);
        return;
    }
    sift(&buckets->slots, slot_is_newest, buckets, slot_free);
    sift(&buckets->minutes, minute_is_newest, buckets, minute_free);
}

/* ---- finding ---- */

static void begin(struct buckets *buckets, const struct batch *batch)
{
    buckets->batch = batch;
    if (batch->n_symbols > buckets->n_memos) {
        buckets->n_memos = batch->n_symbols;
        buckets->memos = g_renew(struct memo, buckets->memos, buckets->n_memos);
        buckets->names = g_renew(uint32_t, buckets->names, buckets->n_memos);
    }
    memset(buckets->memos, 0, batch->n_symbols * sizeof *buckets->memos);
    symbols_names(buckets->symbols, batch->symbols, batch->n_symbols, buckets->names);
    buckets->missing = false;
    buckets->generation = NULL;
    buckets->slot = NULL;
    buckets->minute = NULL;
}

/* Name of an event's symbol in a column that may be missing; 0 for none. */
static uint32_t name_in(const struct buckets *buckets, const uint32_t *column, size_t index)
{
    return column ? buckets->names[column[index]] : 0;
}

static struct generation *find_generation(struct buckets *buckets, struct commit *commit, int64_t day, int revision)
{
    const struct generation *last = buckets->generation;
    if (!last || last->day != day || last->revision != revision)
        buckets->generation = symbols_generation(buckets->symbols, commit, day, revision, buckets->horizon);
    return buckets->generation;
}

static struct slot *open_slot(struct buckets *buckets, const struct generation *generation, int64_t number)
{
    void **place = intmap_place(&buckets->slots, ((uint64_t)number << 24) | (uint64_t)generation->revision);
    struct slot *slot = *place;
    if (slot)
        return slot;
    *place = slot = g_new0(struct slot, 1);
    slot->span.buckets = buckets;
    slot->day = generation->day;
    slot->revision = generation->revision;
    slot->index = (int)(number % KEYS_SLOTS_PER_DAY);
    slot->dirty_clients = g_ptr_array_new();
    slot->dirty_routes = g_ptr_array_new();
    slot->state = number * KEYS_SLOT_MINUTES > buckets->horizon ? BUCKET_LOADED : BUCKET_UNKNOWN;
    return slot;
}

/* NULL: it must be read first. */
static struct slot *find_slot(struct buckets *buckets, struct commit *commit, const struct generation *generation, int64_t minute)
{
    int64_t number = minute / KEYS_SLOT_MINUTES;
    struct slot *slot = buckets->slot;
    if (slot && slot->day == generation->day && slot->index == number % KEYS_SLOTS_PER_DAY &&
        slot->revision == generation->revision)
        return slot;
    slot = open_slot(buckets, generation, number);
    if (slot->state == BUCKET_UNKNOWN)
        slot_ask(slot, commit);
    buckets->slot = slot->state == BUCKET_LOADED ? slot : NULL;
    return buckets->slot;
}

static struct minute *find_minute(struct buckets *buckets, int64_t number, int revision)
{
    struct minute *minute = buckets->minute;
    if (minute && minute->minute == number && minute->revision == revision)
        return minute;
    void **place = intmap_place(&buckets->minutes, ((uint64_t)number << 24) | (uint64_t)revision);
    if (!*place) {
        *place = minute = g_new0(struct minute, 1);
        minute->span.buckets = buckets;
        minute->minute = number;
        minute->revision = revision;
        minute->fresh = number > buckets->horizon;
    }
    buckets->minute = *place;
    return buckets->minute;
}

/* The place of the shard's bucket. */
static struct bucket **shard_place(struct arena *arena, struct shards *shards, uint32_t shard)
{
    if (shard >= shards->n) {
        uint32_t n = MAX(shard + 1, shards->n * 2);
        struct bucket **at = arena_alloc0(arena, n * sizeof(struct bucket *));
        if (shards->n > 0)
            memcpy(at, shards->at, shards->n * sizeof(struct bucket *));
        *shards = (struct shards){at, n};
    }
    return &shards->at[shard];
}

static struct bucket *open_bucket(struct span *span, struct shards *shards, uint32_t shard, bool empty)
{
    struct bucket **place = shard_place(&span->arena, shards, shard);
    if (!*place) {
        struct bucket *bucket = arena_new(&span->arena, struct bucket);
        bucket->span = span;
        bucket->shard = shard;
        bucket->state = empty ? BUCKET_LOADED : BUCKET_UNKNOWN;
        *place = bucket;
    }
    return *place;
}

/* The bucket's cell, or NULL when the bucket must be read first. */
static struct cell *find_cell(struct bucket *bucket, struct commit *commit, uint64_t key)
{
    if (bucket->state == BUCKET_UNKNOWN)
        bucket_ask(bucket, commit);
    return bucket->state == BUCKET_LOADED ? bucket_cell(bucket, key) : NULL;
}

struct cell *bucket_cell(struct bucket *bucket, uint64_t key)
{
    void **place = intmap_place(&bucket->span->cells, key);
    struct cell *cell = *place;
    if (cell)
        return cell;
    *place = cell = arena_new(&bucket->span->arena, struct cell);
    cell->key = key;
    cell->bucket = bucket;
    if (bucket->slot_client) {
        cell->next = bucket->cells;
        bucket->cells = cell;
        bucket->n_cells++;
    }
    return cell;
}

void cell_set(struct cell *cell, const struct measure *measure)
{
    if (measure_is_single(measure) && measure->statuses.items[0].key != 0) {
        cell->status = measure->statuses.items[0].key;
        cell->one = (struct request){measure->latency_sum_us, measure->request_bytes, measure->response_bytes};
        return;
    }
    struct arena *arena = &cell->bucket->span->arena;
    cell->status = 0;
    cell->many = arena_new(arena, struct measure);
    measure_init_in(cell->many, arena);
    measure_merge(cell->many, measure);
}

struct slot_client *slot_client_get(struct slot *slot, uint32_t number, bool complete)
{
    void **place = intmap_place(&slot->clients, number);
    if (!*place) {
        struct slot_client *client = arena_new(&slot->span.arena, struct slot_client);
        client->slot = slot;
        open_sum_init(&client->sum, &slot->span.arena);
        client->number = number;
        client->complete = complete;
        *place = client;
    }
    return *place;
}

struct score *slot_route_get(struct slot *slot, uint32_t name)
{
    void **place = intmap_place(&slot->routes, name);
    if (!*place) {
        struct score *score = arena_new(&slot->span.arena, struct score);
        score->slot = slot;
        open_sum_init(&score->sum, &slot->span.arena);
        score->name = name;
        *place = score;
    }
    return *place;
}

/* The client's memo, with its client looked up in this generation; its client is NULL when it must be read first. */
static struct memo *find_client(struct buckets *buckets, struct commit *commit, size_t index, struct generation *generation)
{
    uint32_t symbol = buckets->batch->client[index];
    struct memo *memo = &buckets->memos[symbol];
    uint32_t organization = name_in(buckets, buckets->batch->organization, index);
    if (memo->client_name == 0 || memo->organization != organization) {
        memo->organization = organization;
        memo->client_name = symbols_pair(buckets->symbols, organization, KEYS_CLIENT_SEPARATOR, buckets->names[symbol]);
        memo->client = NULL;
    }
    if (!memo->client || memo->generation != generation) {
        memo->generation = generation;
        memo->slot_client = NULL;
        memo->client_over_cap = false;
        memo->client = symbols_client(buckets->symbols, commit, generation, memo->client_name, &memo->client_over_cap);
    }
    return memo;
}

static uint32_t find_route(struct buckets *buckets, size_t index)
{
    uint32_t symbol = buckets->batch->route[index];
    struct memo *memo = &buckets->memos[symbol];
    uint32_t method = buckets->names[buckets->batch->method[index]];
    if (memo->route_name == 0 || memo->method != method) {
        memo->method = method;
        memo->route_name = symbols_pair(buckets->symbols, method, ' ', buckets->names[symbol]);
        memo->score = NULL;
    }
    return memo->route_name;
}

/* What is over the cap of its client has another name here, too. */
static struct score *find_score(struct buckets *buckets, const struct place *place, bool over_cap)
{
    struct slot *slot = place->client->slot;
    struct memo *memo = &buckets->memos[buckets->batch->route[place->index]];
    if (over_cap)
        return slot_route_get(slot, symbols_name(buckets->symbols, view_of(KEYS_OTHER)));
    if (memo->route_name != place->route_name)
        return slot_route_get(slot, place->route_name);
    if (!memo->score || memo->score->slot != slot)
        memo->score = slot_route_get(slot, place->route_name);
    return memo->score;
}

/* Every step is done for all events before the next one, and says which memory the next one will want: so the waits for it overlap.
 */

static void place_names(struct buckets *buckets, struct commit *commit, struct place *place)
{
    size_t index = place->index;
    int64_t time_ms = buckets->batch->time_ms[index];
    place->symbols = NULL;
    place->generation = find_generation(buckets, commit, time_ms / KEYS_DAY_MS, place->revision);
    if (!place->generation)
        return;
    struct memo *memo = find_client(buckets, commit, index, place->generation);
    struct slot *slot = find_slot(buckets, commit, place->generation, time_ms / KEYS_MINUTE_MS);
    if (!memo->client || !slot)
        return;
    if (!memo->slot_client || memo->slot_client->slot != slot)
        memo->slot_client = slot_client_get(slot, symbols_client_number(memo->client), true);
    place->symbols = memo->client;
    place->over_cap = memo->client_over_cap;
    place->client = memo->slot_client;
    place->route_name = find_route(buckets, index);
    place->user_name = name_in(buckets, buckets->batch->user, index);
    place->platform_name = name_in(buckets, buckets->batch->platform, index);
    symbols_prefetch(place->symbols, SYMBOL_ROUTE, place->route_name);
    symbols_prefetch(place->symbols, SYMBOL_USER, place->user_name);
}

static void place_numbers(struct buckets *buckets, struct place *place)
{
    struct symbols *symbols = buckets->symbols;
    bool over_cap = false;
    uint32_t route = symbols_number(symbols, place->symbols, SYMBOL_ROUTE, place->route_name, &over_cap);
    place->route = find_score(buckets, place, over_cap);
    place->over_cap |= over_cap;
    uint32_t user = symbols_number(symbols, place->symbols, SYMBOL_USER, place->user_name, &place->over_cap);
    uint32_t platform = symbols_number(symbols, place->symbols, SYMBOL_PLATFORM, place->platform_name, &place->over_cap);
    place->key = (uint64_t)place->client->number << 32 | combination(route, user, platform);
    intmap_prefetch(&place->client->slot->span.cells, place->key);
}

static struct cell *slot_cell(struct commit *commit, const struct place *place)
{
    struct slot_client *client = place->client;
    struct span *span = &client->slot->span;
    struct cell *cell = intmap_get(&span->cells, place->key);
    if (cell)
        return cell;
    uint32_t user = (uint32_t)bits(place->key, ROUTE_BITS, USER_BITS);
    struct bucket *bucket = open_bucket(span, &client->shards, user / KEYS_USERS_PER_SHARD, client->complete);
    bucket->slot_client = client;
    return find_cell(bucket, commit, place->key);
}

static struct cell *minute_cell(struct buckets *buckets, struct commit *commit, uint32_t client, int64_t number, int revision)
{
    struct minute *minute = find_minute(buckets, number, revision);
    struct cell *cell = intmap_get(&minute->span.cells, client);
    if (cell)
        return cell;
    struct bucket *bucket = open_bucket(&minute->span, &minute->shards, client / KEYS_CLIENTS_PER_SHARD, minute->fresh);
    bucket->minute = minute;
    return find_cell(bucket, commit, client);
}

static void place_cells(struct buckets *buckets, struct commit *commit, struct place *place, int64_t clock_ms)
{
    int64_t minute = buckets->batch->time_ms[place->index] / KEYS_MINUTE_MS;
    place->slot = slot_cell(commit, place);
    /* By the log clock, not by ours: a replay must come to the same. */
    bool kept = (minute + 1) * KEYS_MINUTE_MS + KEYS_MINUTE_KEPT_MS > clock_ms;
    place->minute = kept ? minute_cell(buckets, commit, place->client->number, minute, place->revision) : NULL;
    if (place->slot)
        __builtin_prefetch(place->slot, 1);
}

static void place_some(struct buckets *buckets, struct commit *commit, struct place *places, size_t n, int64_t clock_ms)
{
    for (size_t i = 0; i < n; i++) {
        place_names(buckets, commit, &places[i]);
        buckets->missing |= !places[i].symbols;
    }
    /* Symbols are given in the order of the log, whatever was in memory: who gets the last one below a cap must follow from it. */
    if (buckets->missing)
        return;
    for (size_t i = 0; i < n; i++)
        place_numbers(buckets, &places[i]);
    for (size_t i = 0; i < n; i++)
        place_cells(buckets, commit, &places[i], clock_ms);
}

void buckets_place(struct buckets *buckets, struct commit *commit, const struct batch *batch, struct place *places, size_t n,
                   int64_t clock_ms)
{
    enum { SOME = 64 }; /* what they want fits into the processor's first cache */
    int64_t newest_ms = 0;
    if (n == 0)
        return;
    begin(buckets, batch);
    for (size_t i = 0; i < n; i += SOME)
        place_some(buckets, commit, places + i, MIN(n - i, (size_t)SOME), clock_ms);
    for (size_t i = 0; i < n; i++)
        if (places[i].symbols)
            newest_ms = MAX(newest_ms, batch->time_ms[places[i].index]);
    if (!buckets->missing)
        buckets->horizon = MAX(buckets->horizon, newest_ms / KEYS_MINUTE_MS);
}
