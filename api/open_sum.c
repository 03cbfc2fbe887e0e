#include "api/open_sum.h"

void open_sum_begin(struct open_sum *sum)
{
    sum->buckets = g_new0(uint64_t, HISTOGRAM_BUCKETS);
}

void open_sum_clear(struct open_sum *sum)
{
    measure_clear(&sum->measure);
    g_free(sum->buckets);
}

static void add_latencies(struct open_sum *sum, const struct tally_list *latencies)
{
    for (uint32_t i = 0; i < latencies->n; i++) {
        const uint32_t bucket = latencies->items[i].key;
        if (sum->buckets == NULL) {
            tally_add(&sum->measure.latencies, bucket, latencies->items[i].count);
            continue;
        }
        g_assert(bucket < HISTOGRAM_BUCKETS);
        sum->buckets[bucket] += latencies->items[i].count;
        sum->used[bucket / OPEN_SUM_WORD_BITS] |= UINT64_C(1) << bucket % OPEN_SUM_WORD_BITS;
    }
}

static void add_status(struct open_sum *sum, const struct tally *status)
{
    struct tally_list *statuses = &sum->measure.statuses;
    struct tally *last = sum->last_status < statuses->n ? &statuses->items[sum->last_status] : NULL;
    const uint64_t count = (last != NULL ? (uint64_t)last->count : 0) + status->count;
    if (last != NULL && last->key == status->key && count <= TALLY_COUNT_MAX) {
        last->count = count & TALLY_COUNT_MAX;
        return;
    }
    tally_add(statuses, status->key, status->count);
    for (sum->last_status = 0; statuses->items[sum->last_status].key != status->key;)
        sum->last_status++;
}

void open_sum_add(struct open_sum *sum, int64_t slot, const struct measure *row)
{
    struct measure *measure = &sum->measure;
    measure->requests += row->requests;
    measure->latency_sum_us += row->latency_sum_us;
    measure->latency_max_us = MAX(measure->latency_max_us, row->latency_max_us);
    measure->request_bytes += row->request_bytes;
    measure->response_bytes += row->response_bytes;
    for (uint32_t i = 0; i < row->statuses.n; i++)
        add_status(sum, &row->statuses.items[i]);
    add_latencies(sum, &row->latencies);
    sum->last_slot = MAX(sum->last_slot, slot);
}

struct measure open_sum_close(const struct open_sum *sum, struct tally *closed)
{
    struct measure measure = sum->measure;
    uint32_t n = 0;
    if (sum->buckets == NULL)
        return measure;
    for (uint32_t word = 0; word < OPEN_SUM_WORDS; word++)
        for (uint64_t bits = sum->used[word]; bits != 0; bits &= bits - 1) {
            const uint32_t bucket = word * OPEN_SUM_WORD_BITS + (uint32_t)__builtin_ctzll(bits);
            const uint64_t count = MIN(sum->buckets[bucket], TALLY_COUNT_MAX);
            closed[n++] = (struct tally){.key = bucket & UINT16_MAX, .count = count & TALLY_COUNT_MAX};
        }
    measure.latencies = (struct tally_list){closed, n, n};
    return measure;
}

void open_sum_empty(struct open_sum *sum)
{
    struct tally_list statuses = sum->measure.statuses;
    for (uint32_t word = 0; word < OPEN_SUM_WORDS; word++) {
        for (uint64_t bits = sum->used[word]; bits != 0; bits &= bits - 1)
            sum->buckets[word * OPEN_SUM_WORD_BITS + (uint32_t)__builtin_ctzll(bits)] = 0;
        sum->used[word] = 0;
    }
    statuses.n = 0;
    measure_init(&sum->measure);
    sum->measure.statuses = statuses;
    sum->last_slot = 0;
}
