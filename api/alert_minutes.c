#include "api/alert_minutes.h"

#include "lib/keys.h"
#include "lib/number.h"

enum { MINUTES_PER_DAY = 24 * 60 };

/* One sorted set that is being read. */
struct part {
    const struct alert_growth *growth;
    GHashTable *counts;
    int partition, revision;
    int64_t day;
};

struct asking {
    const struct alert_growth *growth;
    struct reader *reader;
    GHashTable *counts;
    int64_t minute;
    GPtrArray *parts; /* struct part */
};

static void take_score(struct view symbol, struct view score, void *opaque, size_t a)
{
    const struct part *part = opaque;
    uint64_t number, requests;
    (void)a;
    if (!number_read(symbol, &number) || number > UINT32_MAX || !number_read(score, &requests))
        return;
    struct growth_client *client = alert_growth_of(part->growth, part->partition, part->day, part->revision, (uint32_t)number);
    if (client == NULL)
        return;
    uint64_t *sum = g_hash_table_lookup(part->counts, client);
    if (sum == NULL) {
        sum = g_new0(uint64_t, 1);
        g_hash_table_insert(part->counts, client, sum);
    }
    *sum += requests;
}

static void ask_part(int partition, int64_t day, int revision, void *opaque)
{
    struct asking *asking = opaque;
    char key[KEYS_MAX];
    struct part *part = g_new(struct part, 1);
    *part = (struct part){asking->growth, asking->counts, partition, revision, day};
    g_ptr_array_add(asking->parts, part);
    keys_minute_clients(key, partition, asking->minute, revision);
    reader_scan(asking->reader, partition, "ZSCAN", key, NULL,
                (struct reader_pairs){.each = take_score, .opaque = part, .once = true});
}

struct alert_minutes *alert_minutes_read(const struct alert_growth *growth, struct reader *reader, int64_t first, uint32_t n,
                                         GError **error)
{
    g_autoptr(GPtrArray) parts = g_ptr_array_new_with_free_func(g_free);
    struct alert_minutes *minutes = g_new(struct alert_minutes, 1);
    *minutes = (struct alert_minutes){first, MIN(n, (uint32_t)ALERT_MINUTES_MAX), g_new0(GHashTable *, n)};
    for (uint32_t i = 0; i < minutes->n; i++) {
        minutes->list[i] = g_hash_table_new_full(NULL, NULL, NULL, g_free);
        struct asking asking = {growth, reader, minutes->list[i], first + i, parts};
        alert_growth_generations(growth, (first + i) / MINUTES_PER_DAY, ask_part, &asking);
    }
    if (reader_finish(reader, error))
        return minutes;
    alert_minutes_free(minutes);
    return NULL;
}

void alert_minutes_free(struct alert_minutes *minutes)
{
    if (minutes == NULL)
        return;
    for (uint32_t i = 0; i < minutes->n; i++)
        g_hash_table_destroy(minutes->list[i]);
    g_free(minutes->list);
    g_free(minutes);
}
