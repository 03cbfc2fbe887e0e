#include "api/live_numbers.h"

struct numbers {
    struct live_kept kept;
    char token[LIVE_TOKEN_SIZE];
    uint64_t events; /* of the generation */
    guint n;         /* members */
    int first, end;  /* slots of the day */
    uint64_t *scores;
};

static void numbers_free(struct live_kept *kept)
{
    struct numbers *numbers = (struct numbers *)(void *)kept;
    g_free(numbers->scores);
    g_free(numbers);
}

static const struct generation *generation_of(const struct members *members, guint index)
{
    return &g_array_index(members->generations, struct generation, index);
}

/* Members are sorted by their symbols: as many, in a generation with as many events, are the same. */
static bool is_same(const struct numbers *numbers, const char *token, const struct generation *generation, guint n)
{
    return memcmp(numbers->token, token, LIVE_TOKEN_SIZE) == 0 && numbers->events == generation->events && numbers->n == n;
}

bool live_numbers_recall(struct live_cache *cache, const char *key, const char *token, struct members *members, guint index,
                         struct slot_range range)
{
    struct numbers *numbers = (struct numbers *)(void *)live_cache_take(cache, key);
    const struct generation *generation = generation_of(members, index);
    guint first, end = members_of(members, index, &first);
    int slot, slot_end = generation_slots(generation, range, &slot);
    if (numbers == NULL)
        return false;
    bool same = is_same(numbers, token, generation, end - first) && numbers->first <= slot && numbers->end >= slot_end;
    for (guint i = 0; same && i < numbers->n; i++) {
        const uint64_t *scores = numbers->scores + (size_t)i * (size_t)(numbers->end - numbers->first);
        for (int at = slot; at < slot_end; at++)
            members_set_score(members, first + i, at, scores[at - numbers->first]);
    }
    if (same)
        members_skip(members, index);
    live_kept_unref(&numbers->kept);
    return same;
}

struct live_kept *live_numbers_new(const struct members *members, const char *token, guint index, struct slot_range range)
{
    struct numbers *numbers = g_new0(struct numbers, 1);
    const struct generation *generation = generation_of(members, index);
    guint first, end = members_of(members, index, &first);
    numbers->end = generation_slots(generation, range, &numbers->first);
    numbers->n = end - first;
    numbers->events = generation->events;
    memcpy(numbers->token, token, LIVE_TOKEN_SIZE);
    size_t slots = (size_t)MAX(numbers->end - numbers->first, 0);
    live_kept_init(&numbers->kept, sizeof *numbers + numbers->n * slots * sizeof(uint64_t), numbers_free);
    numbers->scores = g_new0(uint64_t, numbers->n * slots);
    for (guint i = 0; i < numbers->n; i++)
        for (size_t at = 0; at < slots; at++)
            numbers->scores[i * slots + at] = members_score(members, first + i, numbers->first + (int)at);
    return &numbers->kept;
}
