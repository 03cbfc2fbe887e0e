#include "lib/histogram.h"

#include "lib/measure.h"
#include <glib.h>

__extension__ typedef unsigned __int128 wide;

enum { EXACT = 16, EXACT_BITS = 4, SUB = 8 };

/* Cuts of an octave in 1/256 of it: 256·(2^(i/8) - 1), rounded. */
static const uint8_t cuts[SUB] = {0, 23, 48, 76, 106, 139, 175, 214};

uint32_t histogram_bucket(uint64_t value_us)
{
    if (value_us < EXACT)
        return (uint32_t)value_us;
    unsigned octave = 63u - (unsigned)__builtin_clzll(value_us);
    unsigned fraction = (unsigned)(octave >= 8 ? value_us >> (octave - 8) : value_us << (8 - octave)) & 0xff;
    unsigned sub = 0;
    while (sub + 1 < SUB && fraction >= cuts[sub + 1])
        sub++;
    return EXACT + (octave - EXACT_BITS) * SUB + sub;
}

/* First value of a bucket: where the fraction reaches its cut, rounded up to a whole microsecond. */
static uint64_t edge(uint32_t bucket)
{
    if (bucket < EXACT)
        return bucket;
    unsigned octave = EXACT_BITS + (bucket - EXACT) / SUB;
    uint64_t scaled = 256u + cuts[(bucket - EXACT) % SUB];
    if (octave >= 8)
        return scaled << (octave - 8);
    unsigned shift = 8 - octave;
    return (scaled + (1u << shift) - 1) >> shift;
}

uint64_t histogram_low(uint32_t bucket)
{
    g_assert(bucket < HISTOGRAM_BUCKETS);
    return edge(bucket);
}

uint64_t histogram_value(uint32_t bucket)
{
    g_assert(bucket < HISTOGRAM_BUCKETS);
    uint64_t low = edge(bucket);
    uint64_t high = bucket + 1 < HISTOGRAM_BUCKETS ? edge(bucket + 1) - 1 : UINT64_MAX;
    if (bucket < EXACT || high <= low)
        return low;
    /* 2·low·high / (low + high), without overflow: low + 2·low·d/(2·low + d)/2 with d = high - low. */
    wide d = high - low;
    return low + (uint64_t)(low * d / (2 * (wide)low + d));
}

uint64_t histogram_quantile(const struct tally_list *buckets, uint64_t numerator, uint64_t denominator)
{
    wide n = 0;
    for (uint32_t i = 0; i < buckets->n; i++)
        n += buckets->items[i].count;
    if (n == 0)
        return 0;
    wide rank = (n * numerator + denominator - 1) / denominator;
    if (rank == 0)
        rank = 1;
    wide seen = 0;
    for (uint32_t i = 0; i < buckets->n; i++) {
        seen += buckets->items[i].count;
        if (seen >= rank)
            return histogram_value(buckets->items[i].key);
    }
    return histogram_value(buckets->items[buckets->n - 1].key);
}
