#include "aggregator/filter.h"

#include <glib.h>
#include <string.h>

/* 16 bits an entry and 4 probes: 0.24 % for each full stage. */
enum { FIRST_BITS = 16, STAGES = 10, BITS_PER_ENTRY = 16 }; /* stages of 2^16 to 2^25 bits */

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

static uint32_t probe(const uint8_t *digest, size_t i, size_t stage)
{
    uint32_t word;
    memcpy(&word, digest + 4 * i, sizeof word);
    return word & ((UINT32_C(1) << (FIRST_BITS + stage)) - 1);
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
    size_t stage = filter->n_stages - 1;
    for (size_t i = 0; i < 4; i++) {
        uint32_t bit = probe(digest, i, stage);
        filter->stages[stage][bit / 64] |= UINT64_C(1) << (bit % 64);
    }
    filter->used++;
}

static bool stage_has(const struct filter *filter, size_t stage, const uint8_t *digest)
{
    for (size_t i = 0; i < 4; i++) {
        uint32_t bit = probe(digest, i, stage);
        if (!(filter->stages[stage][bit / 64] >> (bit % 64) & 1))
            return false;
    }
    return true;
}

bool filter_has(const struct filter *filter, const uint8_t digest[FILTER_DIGEST_SIZE])
{
    bool found = filter->full;
    for (size_t stage = 0; !found && stage < filter->n_stages; stage++)
        found = stage_has(filter, stage, digest);
    return found;
}
