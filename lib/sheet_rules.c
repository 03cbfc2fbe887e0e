/* sheet_rules: which rows there can be. The builder refuses the others, and so does the reader: or else one would write what the
 * other does not take. */
#include "lib/sheet_internal.h"

#include "lib/event.h"
#include "lib/histogram.h"

G_DEFINE_QUARK(daybook - sheet - error, sheet_error)

__extension__ typedef unsigned __int128 wide;

bool sheet_name_is_clean(struct view name)
{
    for (size_t i = 0; i < name.size; i++)
        if ((unsigned char)name.data[i] < 0x20 || name.data[i] == 0x7f)
            return false;
    return name.size == 0 || g_utf8_validate_len(name.data, name.size, NULL);
}

int sheet_compare_names(struct view a, struct view b)
{
    size_t common = MIN(a.size, b.size);
    int order = common > 0 ? memcmp(a.data, b.data, common) : 0;
    return order != 0 ? order : (a.size > b.size) - (a.size < b.size);
}

/* Ascending keys from first to last, counts over 0; their sum, which cannot pass 64 bits (2^16 keys, counts under 2^48). */
static bool tallies_sum(const struct tally_list *list, uint32_t first, uint32_t last, uint64_t *sum)
{
    *sum = 0;
    for (uint32_t i = 0; i < list->n; i++) {
        const struct tally *tally = &list->items[i];
        if (tally->count == 0 || tally->key < first || tally->key > last || (i > 0 && list->items[i - 1].key >= tally->key))
            return false;
        *sum += tally->count;
    }
    return true;
}

const char *sheet_measure_fault(const struct measure *measure)
{
    uint64_t requests, in_buckets;
    uint64_t max = measure->latency_max_us;
    if (!tallies_sum(&measure->statuses, EVENT_STATUS_MIN, EVENT_STATUS_MAX, &requests))
        return "its statuses are not ascending codes with counts";
    if (requests == 0 || requests > TALLY_COUNT_MAX || requests != measure->requests)
        return "its requests are not the sum of its statuses";
    if (!tallies_sum(&measure->latencies, 0, histogram_bucket(max), &in_buckets) || in_buckets > requests)
        return "its histogram contradicts its latency or requests";
    if (max > measure->latency_sum_us || (wide)max * requests < measure->latency_sum_us)
        return "its latency sum contradicts its maximum";
    return NULL;
}

bool sheet_totals_add(struct sheet_totals *totals, uint64_t rows, const struct measure *measure)
{
    const uint64_t more[] = {rows, measure->requests, measure->latency_sum_us, measure->request_bytes, measure->response_bytes};
    uint64_t *const sums[] = {&totals->rows, &totals->requests, &totals->latency_sum_us, &totals->request_bytes,
                              &totals->response_bytes};
    for (unsigned i = 0; i < G_N_ELEMENTS(sums); i++)
        if (more[i] > INT64_MAX - *sums[i])
            return false;
    for (unsigned i = 0; i < G_N_ELEMENTS(sums); i++)
        *sums[i] += more[i];
    return true;
}
