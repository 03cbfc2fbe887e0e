#include "aggregator/filter.h"

#include <glib.h>
#include <string.h>

/* 32 bits an entry and 10 probes, all in one block: under 1 in 100,000 for each full stage. */
enum { FIRST_BITS = 16, STAGES = 11, BITS_PER_ENTRY = 32, PROBES = 10 }; /* stages of 2^16 to 2^26 bits */
enum { BLOCK_BITS = 512, BLOCK_WORDS = BLOCK_BITS / 64, PROBE_BITS = 9 };

struct filter {
    uint64_t *stages[STAGES];
    size_t n_stages;
    size_t used; /* entries in the last stage */
    bool full;
};

struct filter *filter_new(void)
{
    return g_new0(struct filter, 1);
}

void filter_free(struct filter *filter)
{
    if (!filter)
        return;
    for (size_t i = 0; i < filter->n_stages; i++)
        g_free(filter->stages[i]);
    g_free(filter);
}

static uint64_t *block_of(const struct filter *filter, size_t stage, const uint8_t *digest)
{
    uint32_t word;
    memcpy(&word, digest, sizeof word);
    return filter->stages[stage] + (size_t)(word & ((UINT32_C(1) << (FIRST_BITS + stage)) / BLOCK_BITS - 1)) * BLOCK_WORDS;
}

/* The bits of an entry in its block, as a mask: from the 12 bytes that do not choose the block. */
static void mask_of(const uint8_t *digest, uint64_t mask[BLOCK_WORDS])
{
    uint64_t low, high;
    memcpy(&low, digest + 4, sizeof low);
    memcpy(&high, digest + 8, sizeof high);
    memset(mask, 0, BLOCK_WORDS * sizeof *mask);
    for (unsigned i = 0; i < PROBES; i++) {
        uint64_t from = i < PROBES / 2 ? low : high >> 13;
        unsigned bit = from >> (i % (PROBES / 2) * PROBE_BITS) & (BLOCK_BITS - 1);
        mask[bit / 64] |= UINT64_C(1) << (bit % 64);
    }
}

/* A stage more, or none left. */
static bool grow(struct filter *filter)
{
    if (filter->n_stages == STAGES) {
        filter->full = true;
        return false;
    }
    filter->stages[filter->n_stages] = g_new0(uint64_t, (size_t)1 << (FIRST_BITS + filter->n_stages - 6));
    filter->n_stages++;
    filter->used = 0;
    return true;
}

void filter_add(struct filter *filter, const uint8_t digest[FILTER_DIGEST_SIZE])
{
    size_t room = filter->n_stages ? ((size_t)1 << (FIRST_BITS + filter->n_stages - 1)) / BITS_PER_ENTRY : 0;
    if (filter->full || (filter->used >= room && !grow(filter)))
        return;
    uint64_t mask[BLOCK_WORDS], *block = block_of(filter, filter->n_stages - 1, digest);
    mask_of(digest, mask);
    for (size_t i = 0; i < BLOCK_WORDS; i++)
        block[i] |= mask[i];
    filter->used++;
}

static bool stage_has(const struct filter *filter, size_t stage, const uint8_t *digest, const uint64_t *mask)
{
    const uint64_t *block = block_of(filter, stage, digest);
    uint64_t missing = 0;
    for (size_t i = 0; i < BLOCK_WORDS; i++)
        missing |= mask[i] & ~block[i];
    return missing == 0;
}

bool filter_has(const struct filter *filter, const uint8_t digest[FILTER_DIGEST_SIZE])
{
    uint64_t mask[BLOCK_WORDS];
    bool found = filter->full;
    mask_of(digest, mask);
    for (size_t stage = 0; !found && stage < filter->n_stages; stage++)
        found = stage_has(filter, stage, digest, mask);
    return found;
}
