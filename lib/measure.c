/* measure: its text is written millions of times a minute, so digits are written straight into the string. */
#include "lib/measure.h"

#include "lib/histogram.h"
#include "lib/number.h"

/* More cannot have been counted; and adding up many of them stays far from TALLY_COUNT_MAX. */
static const uint64_t READ_COUNT_MAX = UINT64_C(1) << 40;

/* Places of a list that is so much shorter are searched for one by one; else both are walked through together. */
enum { SEARCHED_MAX = 16 };

void measure_init(struct measure *measure)
{
    measure_init_in(measure, NULL);
}

void measure_init_in(struct measure *measure, struct arena *arena)
{
    *measure = (struct measure){.arena = arena};
}

void measure_clear(struct measure *measure)
{
    if (!measure->arena) {
        g_free(measure->statuses.items);
        g_free(measure->latencies.items);
    }
    measure_init_in(measure, measure->arena);
}

void measure_reset(struct measure *measure)
{
    struct tally_list statuses = measure->statuses, latencies = measure->latencies;
    measure_init_in(measure, measure->arena);
    measure->statuses = (struct tally_list){.items = statuses.items, .capacity = statuses.capacity};
    measure->latencies = (struct tally_list){.items = latencies.items, .capacity = latencies.capacity};
}

static void tally_grow(struct tally_list *list, struct arena *arena)
{
    uint32_t capacity = list->capacity ? 2 * list->capacity : 2;
    if (!arena) {
        list->items = g_renew(struct tally, list->items, capacity);
    } else {
        struct tally *items = arena_alloc(arena, capacity * sizeof *items);
        if (list->n > 0)
            memcpy(items, list->items, list->n * sizeof *items);
        list->items = items;
    }
    list->capacity = capacity;
}

static void tally_insert(struct tally_list *list, struct arena *arena, uint32_t at, uint32_t key, uint64_t count)
{
    g_assert(key <= UINT16_MAX && count <= TALLY_COUNT_MAX);
    if (list->n == list->capacity)
        tally_grow(list, arena);
    memmove(list->items + at + 1, list->items + at, (list->n - at) * sizeof *list->items);
    list->items[at] = (struct tally){.key = key & UINT16_MAX, .count = count & TALLY_COUNT_MAX};
    list->n++;
}

/* First place whose key is not below `key`. Without a branch that depends on the data: the processor would guess wrong half of the
 * time. */
static uint32_t tally_place(const struct tally_list *list, uint32_t key)
{
    const struct tally *base = list->items;
    for (uint32_t n = list->n; n > 1; n -= n / 2)
        base += (base[n / 2 - 1].key < key) ? n / 2 : 0;
    return (uint32_t)(base - list->items) + (list->n > 0 && base->key < key);
}

/* at: the key's place. */
static void tally_put_at(struct tally_list *list, struct arena *arena, uint32_t at, uint32_t key, uint64_t count)
{
    if (at == list->n || list->items[at].key != key) {
        tally_insert(list, arena, at, key, count);
        return;
    }
    uint64_t sum = MIN(list->items[at].count + count, TALLY_COUNT_MAX); /* only damaged texts come near it */
    list->items[at].count = sum & TALLY_COUNT_MAX;
}

void tally_add(struct tally_list *list, struct arena *arena, uint32_t key, uint64_t count)
{
    tally_put_at(list, arena, tally_place(list, key), key, count);
}

void measure_add(struct measure *measure, uint32_t status, uint64_t latency_us, uint64_t request_bytes, uint64_t response_bytes,
                 bool histogram)
{
    measure->requests++;
    measure->latency_sum_us += latency_us;
    if (latency_us > measure->latency_max_us)
        measure->latency_max_us = latency_us;
    measure->request_bytes += request_bytes;
    measure->response_bytes += response_bytes;
    tally_add(&measure->statuses, measure->arena, status, 1);
    if (histogram)
        tally_add(&measure->latencies, measure->arena, histogram_bucket(latency_us), 1);
}

/* Into an empty list on the heap. */
static void tally_copy(struct tally_list *into, const struct tally_list *from)
{
    if (into->capacity < from->n) {
        into->capacity = from->n;
        into->items = g_renew(struct tally, into->items, into->capacity);
    }
    memcpy(into->items, from->items, from->n * sizeof *from->items);
    into->n = from->n;
}

static void tally_merge(struct tally_list *into, struct arena *arena, const struct tally_list *from)
{
    if (into->n == 0 && from->n > 0 && arena == NULL) {
        tally_copy(into, from);
        return;
    }
    if (from->n < into->n / SEARCHED_MAX) {
        for (uint32_t i = 0; i < from->n; i++)
            tally_add(into, arena, from->items[i].key, from->items[i].count);
        return;
    }
    for (uint32_t i = 0, at = 0; i < from->n; i++) {
        while (at < into->n && into->items[at].key < from->items[i].key)
            at++;
        tally_put_at(into, arena, at, from->items[i].key, from->items[i].count);
    }
}

void measure_merge(struct measure *into, const struct measure *from)
{
    into->requests += from->requests;
    into->latency_sum_us += from->latency_sum_us;
    into->latency_max_us = MAX(into->latency_max_us, from->latency_max_us);
    into->request_bytes += from->request_bytes;
    into->response_bytes += from->response_bytes;
    tally_merge(&into->statuses, into->arena, &from->statuses);
    tally_merge(&into->latencies, into->arena, &from->latencies);
}

uint64_t measure_statuses(const struct measure *measure, uint32_t first, uint32_t last)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < measure->statuses.n; i++)
        if (measure->statuses.items[i].key >= first && measure->statuses.items[i].key <= last)
            sum += measure->statuses.items[i].count;
    return sum;
}

uint64_t measure_status(const struct measure *measure, uint32_t status)
{
    return measure_statuses(measure, status, status);
}

static char *write_tallies(char *out, const struct tally_list *list)
{
    if (list->n == 0)
        *out++ = '-';
    for (uint32_t i = 0; i < list->n; i++) {
        if (i > 0)
            *out++ = ',';
        out += number_write(out, list->items[i].key);
        *out++ = ':';
        out += number_write(out, list->items[i].count);
    }
    return out;
}

bool measure_is_single(const struct measure *measure)
{
    const struct tally_list *latencies = &measure->latencies;
    return measure->requests == 1 && measure->latency_sum_us == measure->latency_max_us &&
           (latencies->n == 0 || (latencies->n == 1 && latencies->items[0].count == 1 &&
                                  latencies->items[0].key == histogram_bucket(measure->latency_sum_us)));
}

void measure_format_request(uint32_t status, uint64_t latency_us, uint64_t request_bytes, uint64_t response_bytes, bool histogram,
                            GString *out)
{
    char text[5 * (NUMBER_MAX + 1)];
    const uint64_t numbers[] = {status, latency_us, request_bytes, response_bytes};
    size_t size = 0;
    for (size_t i = 0; i < G_N_ELEMENTS(numbers); i++) {
        if (i > 0)
            text[size++] = ' ';
        size += number_write(text + size, numbers[i]);
    }
    if (!histogram) {
        text[size++] = ' ';
        text[size++] = '-';
    }
    g_string_append_len(out, text, (gssize)size);
}

void measure_format(const struct measure *measure, GString *out)
{
    if (measure_is_single(measure)) {
        measure_format_request(measure->statuses.items[0].key, measure->latency_sum_us, measure->request_bytes,
                               measure->response_bytes, measure->latencies.n > 0, out);
        return;
    }
    size_t room = 8u * (NUMBER_MAX + 1) + (size_t)(measure->statuses.n + measure->latencies.n) * (2 * NUMBER_MAX + 2);
    size_t before = out->len;
    if (before + room >= out->allocated_len) {
        g_string_set_size(out, before + room);
        out->len = before;
    }
    char *p = write_tallies(out->str + before, &measure->statuses);
    const uint64_t sums[] = {measure->requests, measure->latency_sum_us, measure->latency_max_us, measure->request_bytes,
                             measure->response_bytes};
    for (size_t i = 0; i < G_N_ELEMENTS(sums); i++) {
        *p++ = ' ';
        p += number_write(p, sums[i]);
    }
    *p++ = ' ';
    p = write_tallies(p, &measure->latencies);
    *p = '\0';
    out->len = (size_t)(p - out->str);
}

/* "200:15,404:2" or "-", keys ascending, counts over 0. */
static bool read_tallies(struct tally_list *list, const char **cursor, const char *end)
{
    if (*cursor < end && **cursor == '-') {
        ++*cursor;
        return true;
    }
    for (;;) {
        uint64_t key, count;
        if (!number_scan(cursor, end, &key) || key > UINT16_MAX || *cursor == end || *(*cursor)++ != ':')
            return false;
        if (!number_scan(cursor, end, &count) || count == 0 || count > READ_COUNT_MAX ||
            (list->n > 0 && list->items[list->n - 1].key >= key))
            return false;
        tally_insert(list, NULL, list->n, (uint32_t)key, count);
        if (*cursor == end || **cursor != ',')
            return true;
        ++*cursor;
    }
}

static uint64_t tally_sum(const struct tally_list *list)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < list->n; i++)
        sum += list->items[i].count;
    return sum;
}

/* Behind the status of a short text. */
static bool read_single(struct measure *measure, uint64_t status, const char *cursor, const char *end)
{
    uint64_t numbers[3];
    for (size_t i = 0; i < G_N_ELEMENTS(numbers); i++)
        if (cursor == end || *cursor++ != ' ' || !number_scan(&cursor, end, &numbers[i]))
            return false;
    bool histogram = cursor == end;
    if (!histogram && (end - cursor != 2 || memcmp(cursor, " -", 2) != 0))
        return false;
    measure_add(measure, (uint32_t)status, numbers[0], numbers[1], numbers[2], histogram);
    return true;
}

static bool measure_read(struct measure *measure, const char *cursor, const char *end)
{
    const char *behind = cursor;
    uint64_t status;
    if (number_scan(&behind, end, &status) && status <= UINT16_MAX && behind < end && *behind == ' ')
        return read_single(measure, status, behind, end);
    uint64_t *const sums[] = {&measure->requests, &measure->latency_sum_us, &measure->latency_max_us, &measure->request_bytes,
                              &measure->response_bytes};
    if (!read_tallies(&measure->statuses, &cursor, end))
        return false;
    for (size_t i = 0; i < G_N_ELEMENTS(sums); i++)
        if (cursor == end || *cursor++ != ' ' || !number_scan(&cursor, end, sums[i]))
            return false;
    if (cursor == end || *cursor++ != ' ' || !read_tallies(&measure->latencies, &cursor, end) || cursor != end)
        return false;
    if (measure->latencies.n > 0 && measure->latencies.items[measure->latencies.n - 1].key >= HISTOGRAM_BUCKETS)
        return false;
    return tally_sum(&measure->statuses) == measure->requests;
}

bool measure_parse(struct measure *measure, struct view text)
{
    measure_init(measure);
    return measure_parse_again(measure, text);
}

bool measure_parse_again(struct measure *measure, struct view text)
{
    measure_reset(measure);
    if (text.size > 0 && measure_read(measure, text.data, text.data + text.size))
        return true;
    measure_clear(measure);
    return false;
}
