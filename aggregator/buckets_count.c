/* buckets_count: counts events in their places, and notes what is to be flushed. */
#include "aggregator/buckets_private.h"

/* Estimates: bytes of a line (of one with a histogram it may be ten times as much) and of a field in a payload. */
enum { LINE_BYTES = 40, FIELD_BYTES = 24, SUM_BYTES = FIELD_BYTES + 2 * LINE_BYTES };

uint64_t cell_requests(const struct cell *cell)
{
    return cell->status ? 1 : cell->many ? cell->many->requests : 0;
}

static void touch_slot(struct buckets *buckets, struct slot *slot)
{
    if (!slot->dirty) {
        slot->dirty = true;
        g_ptr_array_add(buckets->dirty_slots, slot);
    }
    buckets->dirty_bytes += FIELD_BYTES + SUM_BYTES;
}

static void touch_slot_bucket(struct buckets *buckets, struct bucket *bucket)
{
    if (bucket->dirty)
        return;
    bucket->dirty = true;
    bucket->next_dirty = bucket->slot_client->dirty_buckets;
    bucket->slot_client->dirty_buckets = bucket;
    buckets->dirty_bytes += FIELD_BYTES + bucket->n_cells * LINE_BYTES; /* it is written whole */
}

static void touch_minute_cell(struct buckets *buckets, struct cell *cell)
{
    struct bucket *bucket = cell->bucket;
    struct minute *minute = bucket->minute;
    if (cell->dirty)
        return;
    cell->dirty = true;
    cell->next = bucket->cells;
    bucket->cells = cell;
    buckets->dirty_bytes += FIELD_BYTES + LINE_BYTES;
    if (bucket->dirty)
        return;
    bucket->dirty = true;
    if (!minute->dirty_buckets)
        g_ptr_array_add(buckets->dirty_minutes, minute);
    bucket->next_dirty = minute->dirty_buckets;
    minute->dirty_buckets = bucket;
}

static void add_request(struct cell *cell, uint32_t status, const struct request *request)
{
    measure_add(cell->many, status, request->latency_us, request->request_bytes, request->response_bytes,
                cell->bucket->span->buckets->histograms);
}

/* Most cells of a slot never see a second request: they do without sums. */
static void expand(struct cell *cell)
{
    const struct request one = cell->one;
    struct arena *arena = &cell->bucket->span->arena;
    cell->many = arena_alloc(arena, sizeof *cell->many);
    measure_init_in(cell->many, arena);
    add_request(cell, cell->status, &one);
    cell->status = 0;
}

static void count_cell(struct buckets *buckets, struct cell *cell, uint32_t status, const struct request *request)
{
    if (!cell->status && !cell->many) {
        cell->status = status;
        cell->one = *request;
        buckets->dirty_bytes += LINE_BYTES;
        return;
    }
    if (cell->status)
        expand(cell);
    add_request(cell, status, request);
}

/* The requests alone are the score. */
static void add_to_sum(const struct slot *slot, struct open_sum *sum, uint32_t status, const struct request *request)
{
    if (slot->sums == SUMS_KEPT)
        open_sum_count(sum, status, request->latency_us, request->request_bytes, request->response_bytes,
                       slot->span.buckets->histograms);
    else
        sum->measure.requests++;
}

/* Into what the slot comes to. */
static void count_sums(struct buckets *buckets, const struct place *place, uint32_t status, const struct request *request)
{
    struct slot *slot = place->client->slot;
    slot->requests++;
    slot->minutes[buckets->batch->time_ms[place->index] / KEYS_MINUTE_MS % KEYS_SLOT_MINUTES]++;
    add_to_sum(slot, &place->client->sum, status, request);
    add_to_sum(slot, &place->route->sum, status, request);
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
}

static void count_event(struct buckets *buckets, const struct place *place)
{
    const struct batch *batch = buckets->batch;
    size_t index = place->index;
    const struct request request = {.latency_us = batch->latency_us ? batch->latency_us[index] : 0,
                                    .request_bytes = batch->request_bytes ? batch->request_bytes[index] : 0,
                                    .response_bytes = batch->response_bytes ? batch->response_bytes[index] : 0};
    place->generation->counted++;
    count_sums(buckets, place, batch->status[index], &request);
    count_cell(buckets, place->slot, batch->status[index], &request);
    touch_slot_bucket(buckets, place->slot->bucket);
    if (!place->minute)
        return;
    count_cell(buckets, place->minute, batch->status[index], &request);
    touch_minute_cell(buckets, place->minute);
}

/* What counting there will touch, in two steps: the sums, then what they point to. */
static void prefetch_sums(const struct cell *cell)
{
    __builtin_prefetch(cell->bucket, 1);
    if (!cell->status && cell->many)
        __builtin_prefetch(cell->many, 1);
}

static void prefetch_lists(const struct cell *cell)
{
    if (cell->status || !cell->many)
        return;
    const struct tally_list *latencies = &cell->many->latencies;
    __builtin_prefetch(cell->many->statuses.items, 1);
    for (uint32_t i = 0; i < latencies->n; i += 64 / sizeof(struct tally))
        __builtin_prefetch(latencies->items + i, 1);
}

static void prefetch_slot_sums(const struct buckets *buckets, const struct place *place)
{
    const uint64_t *latency_us = buckets->batch->latency_us;
    const uint32_t bucket = latency_us ? histogram_bucket(latency_us[place->index]) : 0;
    open_sum_prefetch(&place->client->sum, bucket);
    open_sum_prefetch(&place->route->sum, bucket);
}

void buckets_count(struct buckets *buckets, const struct place *places, size_t n)
{
    enum { AHEAD = 6 };
    for (size_t i = 0; i < n; i++) {
        if (i + 2 * AHEAD < n)
            prefetch_sums(places[i + 2 * AHEAD].slot);
        if (i + AHEAD < n) {
            prefetch_lists(places[i + AHEAD].slot);
            prefetch_slot_sums(buckets, &places[i + AHEAD]);
        }
        count_event(buckets, &places[i]);
    }
}
