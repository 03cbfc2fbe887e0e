#include "api/live_base.h"

#include "api/finality.h"
#include "api/members.h"
#include "lib/number.h"

#define BASE_KEY "base"

/* ---- stamps ---- */

enum { STAMP_TOKEN, STAMP_STATE, STAMP_N, STAMP_APPLIED, STAMP_FIELDS };

static void take_stamp(struct reader *reader, const struct redis_reply *reply, void *opaque, size_t a, size_t b)
{
    (void)reader, (void)a, (void)b;
    struct live_stamp *stamp = opaque;
    *stamp = (struct live_stamp){.has_token = false};
    if (redis_reply_count(reply) != STAMP_FIELDS)
        return;
    const struct redis_reply *state = redis_reply_at(reply, STAMP_STATE);
    struct view token = redis_reply_text(redis_reply_at(reply, STAMP_TOKEN)), n = redis_reply_text(redis_reply_at(reply, STAMP_N));
    struct view applied = redis_reply_text(redis_reply_at(reply, STAMP_APPLIED));
    if (token.size != LIVE_TOKEN_SIZE || (redis_reply_kind(state) == REDIS_STRING && !view_is(redis_reply_text(state), "live")))
        return;
    memcpy(stamp->token, token.data, LIVE_TOKEN_SIZE);
    stamp->has_token = true;
    stamp->settled = number_read(n, &stamp->n) && view_equal(n, applied);
}

void live_stamp_ask(struct reader *reader, int partition, struct live_stamp *stamp)
{
    char key[KEYS_MAX];
    const struct view argv[] = {view_of("HMGET"), view_make(key, keys_plain(key, partition, "commit")),
                                view_of("tok"),   view_of("state"),
                                view_of("n"),     view_of("applied")};
    reader_ask(reader, partition, argv, G_N_ELEMENTS(argv), (struct reader_then){.take = take_stamp, .opaque = stamp});
}

bool live_stamp_same_owner(const struct live_stamp *a, const struct live_stamp *b)
{
    return a->has_token && b->has_token && memcmp(a->token, b->token, LIVE_TOKEN_SIZE) == 0;
}

static struct live_stamp *read_stamps(struct reader *reader, GError **error)
{
    int partitions = reader_partitions(reader);
    struct live_stamp *stamps = g_new0(struct live_stamp, (gsize)partitions);
    for (int partition = 0; partition < partitions; partition++)
        live_stamp_ask(reader, partition, &stamps[partition]);
    if (reader_finish(reader, error))
        return stamps;
    g_free(stamps);
    return NULL;
}

/* Nothing was written between the two. */
static bool are_still(const struct live_stamp *before, const struct live_stamp *now, int partitions)
{
    for (int i = 0; i < partitions; i++)
        if (!before[i].settled || !now[i].settled || before[i].n != now[i].n || !live_stamp_same_owner(&before[i], &now[i]))
            return false;
    return true;
}

/* ---- the base ---- */

static void base_free(struct live_kept *kept)
{
    struct live_base *base = (struct live_base *)(void *)kept;
    if (base->index != NULL)
        ledger_index_release(base->index);
    if (base->generations != NULL)
        g_array_free(base->generations, TRUE);
    g_free(base->totals);
    g_free(base->stamps);
    g_free(base);
}

void live_base_release(struct live_base *base)
{
    if (base != NULL)
        live_kept_unref(&base->kept);
}

/* Takes the stamps over. */
static struct live_base *base_new(struct live_stamp *stamps, int partitions)
{
    struct live_base *base = g_new0(struct live_base, 1);
    live_kept_init(&base->kept, sizeof *base, base_free);
    base->stamps = stamps;
    base->partitions = partitions;
    return base;
}

static bool fill(struct live_base *base, struct ledger_cache *ledger, struct reader *reader, GError **error)
{
    struct finality finality;
    base->index = ledger_cache_take(ledger, reader, error);
    if (base->index == NULL)
        return false;
    base->generations = members_generations(reader, error);
    if (base->generations == NULL || !finality_read(&finality, reader, base->index, base->generations, error))
        return false;
    base->through = finality.through;
    base->totals = members_count(reader, base->generations, error);
    return base->totals != NULL;
}

/* Shared from now on, if nothing was written meanwhile. */
static bool keep(struct live_base *base, struct live_cache *cache, struct reader *reader, GError **error)
{
    static gsize serials = 1;
    g_autofree struct live_stamp *now = read_stamps(reader, error);
    if (now == NULL)
        return false;
    if (!are_still(base->stamps, now, base->partitions))
        return true;
    base->serial = (gsize)g_atomic_pointer_add(&serials, 1);
    base->kept.bytes += (size_t)base->partitions * sizeof *base->stamps +
                        base->generations->len * (sizeof(struct generation) + KEYS_SLOTS_PER_DAY * sizeof *base->totals);
    live_cache_put(cache, BASE_KEY, &base->kept);
    return true;
}

struct live_base *live_base_take(struct live_cache *cache, struct ledger_cache *ledger, struct reader *reader, GError **error)
{
    int partitions = reader_partitions(reader);
    struct live_stamp *stamps = read_stamps(reader, error);
    if (stamps == NULL)
        return NULL;
    struct live_base *kept = (struct live_base *)(void *)live_cache_take(cache, BASE_KEY);
    if (kept != NULL && kept->partitions == partitions && are_still(kept->stamps, stamps, partitions)) {
        g_free(stamps);
        return kept;
    }
    live_base_release(kept);
    struct live_base *base = base_new(stamps, partitions);
    if (fill(base, ledger, reader, error) && (cache == NULL || keep(base, cache, reader, error)))
        return base;
    live_base_release(base);
    return NULL;
}

/* ---- closed days ---- */

static void days_free(struct live_kept *kept)
{
    struct live_days *days = (struct live_days *)(void *)kept;
    closed_free(days->closed);
    g_free(days);
}

static struct live_days *read_days(struct reader *reader, int64_t first_day, int64_t last_day, GError **error)
{
    struct closed *closed = closed_read(reader, first_day, last_day, error);
    if (closed == NULL)
        return NULL;
    struct live_days *days = g_new0(struct live_days, 1);
    days->closed = closed;
    live_kept_init(&days->kept, sizeof *days + sizeof *closed + closed->sheets->len * sizeof(struct sheet_want), days_free);
    return days;
}

struct live_days *live_base_days(const struct live_base *base, struct live_cache *cache, struct reader *reader, int64_t first_day,
                                 int64_t last_day, GError **error)
{
    if (base->serial == 0)
        return read_days(reader, first_day, last_day, error);
    g_autofree char *key = g_strdup_printf("closed\x1e%" G_GUINT64_FORMAT " %" G_GINT64_FORMAT " %" G_GINT64_FORMAT, base->serial,
                                           first_day, last_day);
    struct live_days *days = (struct live_days *)(void *)live_cache_take(cache, key);
    if (days != NULL)
        return days;
    days = read_days(reader, first_day, last_day, error);
    if (days != NULL)
        live_cache_put(cache, key, &days->kept);
    return days;
}

void live_days_release(struct live_days *days)
{
    if (days != NULL)
        live_kept_unref(&days->kept);
}
