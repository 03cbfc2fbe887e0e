/* packed_usage: an entry is its kind, a slot, a name with its end (not for slots), and a measure; numbers are varints (seven bits a
 * byte, the least first), keys of tallies the difference to the one before. */
#include "api/packed_usage.h"

enum { VARINT_MAX = 10, MEASURE_NUMBERS = 7 };

enum kind { KIND_SLOT, KIND_ROUTE, KIND_CLIENT };

struct packed_usage {
    int64_t first_slot;
    uint8_t *bytes;
    size_t size, room;
};

struct packed_usage *packed_usage_new(int64_t first_slot)
{
    struct packed_usage *packed = g_new0(struct packed_usage, 1);
    packed->first_slot = first_slot;
    return packed;
}

void packed_usage_free(struct packed_usage *packed)
{
    if (packed == NULL)
        return;
    g_free(packed->bytes);
    g_free(packed);
}

/* ---- writing ---- */

static uint8_t *put(uint8_t *at, uint64_t number)
{
    for (; number >= 0x80; number >>= 7)
        *at++ = (uint8_t)(number | 0x80);
    *at++ = (uint8_t)number;
    return at;
}

static uint8_t *put_tallies(uint8_t *at, const struct tally_list *list)
{
    uint32_t key = 0;
    at = put(at, list->n);
    for (uint32_t i = 0; i < list->n; i++) {
        at = put(at, list->items[i].key - key);
        at = put(at, list->items[i].count);
        key = list->items[i].key;
    }
    return at;
}

static void add(struct packed_usage *packed, enum kind kind, int64_t slot, const char *name, const struct measure *measure)
{
    const size_t length = name != NULL ? strlen(name) + 1 : 0;
    const size_t n_tallies = (size_t)measure->statuses.n + measure->latencies.n;
    const size_t most = 1 + length + VARINT_MAX * (2 + MEASURE_NUMBERS + 2 * n_tallies);
    if (measure->requests == 0)
        return;
    g_assert(slot >= packed->first_slot);
    if (packed->room - packed->size < most) {
        packed->room = MAX(packed->size + most, 2 * packed->room);
        packed->bytes = g_realloc(packed->bytes, packed->room);
    }
    uint8_t *at = packed->bytes + packed->size;
    *at++ = (uint8_t)kind;
    at = put(at, (uint64_t)(slot - packed->first_slot));
    if (name != NULL) {
        at = put(at, length);
        memcpy(at, name, length);
        at += length;
    }
    at = put(at, measure->requests);
    at = put(at, measure->latency_sum_us);
    at = put(at, measure->latency_max_us);
    at = put(at, measure->request_bytes);
    at = put(at, measure->response_bytes);
    at = put_tallies(at, &measure->statuses);
    at = put_tallies(at, &measure->latencies);
    packed->size = (size_t)(at - packed->bytes);
}

void packed_usage_add_slot(struct packed_usage *packed, int64_t slot, const struct measure *measure)
{
    add(packed, KIND_SLOT, slot, NULL, measure);
}

void packed_usage_add_route(struct packed_usage *packed, const char *name, const struct measure *measure, int64_t last_slot)
{
    add(packed, KIND_ROUTE, last_slot, name, measure);
}

void packed_usage_add_client(struct packed_usage *packed, const char *name, const struct measure *measure, int64_t last_slot)
{
    add(packed, KIND_CLIENT, last_slot, name, measure);
}

void packed_usage_finish(struct packed_usage *packed)
{
    packed->bytes = g_realloc(packed->bytes, packed->size);
    packed->room = packed->size;
}

/* ---- reading ---- */

static uint64_t take(const uint8_t **at)
{
    uint64_t number = 0;
    for (unsigned shift = 0;; shift += 7) {
        const uint8_t byte = *(*at)++;
        number |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            return number;
    }
}

static void take_tallies(const uint8_t **at, struct tally_list *list)
{
    uint64_t key = 0;
    list->n = (uint32_t)take(at);
    if (list->n > list->capacity) {
        list->capacity = list->n;
        list->items = g_renew(struct tally, list->items, list->capacity);
    }
    for (uint32_t i = 0; i < list->n; i++) {
        key += take(at);
        list->items[i] = (struct tally){.key = key & UINT16_MAX, .count = take(at) & TALLY_COUNT_MAX};
    }
}

static void take_measure(const uint8_t **at, struct measure *measure)
{
    measure->requests = take(at);
    measure->latency_sum_us = take(at);
    measure->latency_max_us = take(at);
    measure->request_bytes = take(at);
    measure->response_bytes = take(at);
    take_tallies(at, &measure->statuses);
    take_tallies(at, &measure->latencies);
}

void packed_usage_merge(const struct packed_usage *packed, struct usage_table *table)
{
    const uint8_t *at = packed->bytes, *end = packed->bytes + packed->size;
    struct measure measure;
    measure_init(&measure);
    while (at < end) {
        const enum kind kind = *at++;
        const int64_t slot = packed->first_slot + (int64_t)take(&at);
        const size_t length = kind != KIND_SLOT ? take(&at) : 0;
        const char *name = (const char *)at;
        at += length;
        take_measure(&at, &measure);
        if (kind == KIND_SLOT)
            usage_table_add_slot(table, slot, &measure);
        else if (kind == KIND_ROUTE)
            usage_table_add_route(table, name, &measure, slot);
        else
            usage_table_add_client(table, name, &measure, slot);
    }
    measure_clear(&measure);
}

size_t packed_usage_bytes(const struct packed_usage *packed)
{
    return sizeof *packed + packed->room;
}
