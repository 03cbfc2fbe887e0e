#include "lib/open_sum.h"

enum { WORD_BITS = 64, LIST_MAX = 24 /* of a list that is counted into one by one */ };

void open_sum_init(struct open_sum *sum, struct arena *arena)
{
    *sum = (struct open_sum){.open = NULL};
    measure_init_in(&sum->measure, arena);
}

void open_sum_clear(struct open_sum *sum)
{
    struct arena *arena = sum->measure.arena;
    measure_clear(&sum->measure);
    if (!arena)
        g_free(sum->open);
    open_sum_init(sum, arena);
}

static void add_latency(struct open_buckets *open, uint32_t bucket, uint64_t count)
{
    g_assert(bucket < HISTOGRAM_BUCKETS);
    open->requests[bucket] += count;
    open->used[bucket / WORD_BITS] |= UINT64_C(1) << bucket % WORD_BITS;
}

void open_sum_open(struct open_sum *sum)
{
    struct tally_list *latencies = &sum->measure.latencies;
    struct arena *arena = sum->measure.arena;
    sum->open = arena ? arena_new(arena, struct open_buckets) : g_new0(struct open_buckets, 1);
    for (uint32_t i = 0; i < latencies->n; i++)
        add_latency(sum->open, latencies->items[i].key, latencies->items[i].count);
    latencies->n = 0;
}

static void add_status(struct open_sum *sum, uint32_t status, uint64_t n)
{
    struct tally_list *statuses = &sum->measure.statuses;
    struct tally *last = sum->last_status < statuses->n ? &statuses->items[sum->last_status] : NULL;
    const uint64_t count = (last ? (uint64_t)last->count : 0) + n;
    if (last && last->key == status && count <= TALLY_COUNT_MAX) {
        last->count = count & TALLY_COUNT_MAX;
        return;
    }
    tally_add(statuses, sum->measure.arena, status, n);
    for (sum->last_status = 0; statuses->items[sum->last_status].key != status;)
        sum->last_status++;
}

static void add_latencies(struct open_sum *sum, const struct tally_list *latencies)
{
    for (uint32_t i = 0; i < latencies->n; i++)
        if (sum->open)
            add_latency(sum->open, latencies->items[i].key, latencies->items[i].count);
        else
            tally_add(&sum->measure.latencies, sum->measure.arena, latencies->items[i].key, latencies->items[i].count);
}

void open_sum_add(struct open_sum *sum, const struct measure *more)
{
    struct measure *measure = &sum->measure;
    measure->requests += more->requests;
    measure->latency_sum_us += more->latency_sum_us;
    measure->latency_max_us = MAX(measure->latency_max_us, more->latency_max_us);
    measure->request_bytes += more->request_bytes;
    measure->response_bytes += more->response_bytes;
    for (uint32_t i = 0; i < more->statuses.n; i++)
        add_status(sum, more->statuses.items[i].key, more->statuses.items[i].count);
    add_latencies(sum, &more->latencies);
}

void open_sum_count(struct open_sum *sum, uint32_t status, uint64_t latency_us, uint64_t request_bytes, uint64_t response_bytes,
                    bool histogram)
{
    measure_add(&sum->measure, status, latency_us, request_bytes, response_bytes, histogram && !sum->open);
    if (sum->open && histogram)
        add_latency(sum->open, histogram_bucket(latency_us), 1);
    else if (sum->measure.latencies.n > LIST_MAX)
        open_sum_open(sum);
}

struct measure open_sum_close(const struct open_sum *sum, struct tally *closed)
{
    struct measure measure = sum->measure;
    uint32_t n = 0;
    if (!sum->open)
        return measure;
    for (uint32_t word = 0; word < OPEN_SUM_WORDS; word++)
        for (uint64_t bits = sum->open->used[word]; bits != 0; bits &= bits - 1) {
            const uint32_t bucket = word * WORD_BITS + (uint32_t)__builtin_ctzll(bits);
            const uint64_t count = MIN(sum->open->requests[bucket], TALLY_COUNT_MAX);
            closed[n++] = (struct tally){.key = bucket & UINT16_MAX, .count = count & TALLY_COUNT_MAX};
        }
    measure.latencies = (struct tally_list){closed, n, n};
    return measure;
}

void open_sum_empty(struct open_sum *sum)
{
    measure_reset(&sum->measure);
    for (uint32_t word = 0; sum->open && word < OPEN_SUM_WORDS; word++) {
        for (uint64_t bits = sum->open->used[word]; bits != 0; bits &= bits - 1)
            sum->open->requests[word * WORD_BITS + (uint32_t)__builtin_ctzll(bits)] = 0;
        sum->open->used[word] = 0;
    }
}
