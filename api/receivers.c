#include "api/receivers.h"

struct receiver {
    guint under_way;
    uint32_t failures;
    gint64 failed_us, rests_until_us;
    char error[RECEIVERS_ERROR_MAX];
};

struct receivers {
    guint places, each;
    guint under_way, unwell_under_way;
    GHashTable *by_id; /* those that have tries under way or failed the last time */
};

struct receivers *receivers_new(guint places, guint each)
{
    struct receivers *receivers = g_new0(struct receivers, 1);
    receivers->places = places;
    receivers->each = each;
    receivers->by_id = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    return receivers;
}

void receivers_free(struct receivers *receivers)
{
    if (receivers == NULL)
        return;
    g_hash_table_destroy(receivers->by_id);
    g_free(receivers);
}

/* ---- beginning ---- */

static struct receiver *find(const struct receivers *receivers, const char *id)
{
    return g_hash_table_lookup(receivers->by_id, id);
}

static struct receiver *find_or_add(struct receivers *receivers, const char *id)
{
    struct receiver *receiver = find(receivers, id);
    if (receiver != NULL)
        return receiver;
    receiver = g_new0(struct receiver, 1);
    g_hash_table_insert(receivers->by_id, g_strdup(id), receiver);
    return receiver;
}

/* Whether there is a place, apart from how many there are in all. */
static bool has_place(const struct receivers *receivers, const struct receiver *receiver)
{
    if (receiver == NULL)
        return true;
    if (receiver->failures > 0)
        return receiver->under_way == 0 && receivers->unwell_under_way < MAX(receivers->places / 2, 1);
    return receiver->under_way < receivers->each;
}

enum receivers_answer receivers_try(struct receivers *receivers, const char *id, gint64 now_us)
{
    struct receiver *receiver = find(receivers, id);
    if (receiver != NULL && receiver->failures > 0 && receiver->rests_until_us > now_us)
        return RECEIVERS_RESTS;
    if (receivers->under_way >= receivers->places || !has_place(receivers, receiver))
        return RECEIVERS_BUSY;
    receiver = find_or_add(receivers, id);
    receiver->under_way++;
    receivers->under_way++;
    if (receiver->failures > 0)
        receivers->unwell_under_way++;
    return RECEIVERS_GO;
}

/* ---- ending ---- */

/* A well receiver may have more than one try under way when the first fails: they count as of an unwell one from then on. */
static void set_failures(struct receivers *receivers, struct receiver *receiver, uint32_t failures)
{
    if (receiver->failures > 0)
        receivers->unwell_under_way -= receiver->under_way;
    receiver->failures = failures;
    if (failures > 0)
        receivers->unwell_under_way += receiver->under_way;
}

static struct receiver *leave(struct receivers *receivers, const char *id)
{
    struct receiver *receiver = find(receivers, id);
    g_assert(receiver != NULL && receiver->under_way > 0);
    receiver->under_way--;
    receivers->under_way--;
    if (receiver->failures > 0)
        receivers->unwell_under_way--;
    return receiver;
}

static void forget_if_idle(struct receivers *receivers, const char *id, const struct receiver *receiver)
{
    if (receiver->under_way == 0 && receiver->failures == 0)
        g_hash_table_remove(receivers->by_id, id);
}

void receivers_cancel(struct receivers *receivers, const char *id)
{
    forget_if_idle(receivers, id, leave(receivers, id));
}

void receivers_well(struct receivers *receivers, const char *id)
{
    struct receiver *receiver = leave(receivers, id);
    set_failures(receivers, receiver, 0);
    forget_if_idle(receivers, id, receiver);
}

static gboolean is_old(void *id, void *value, void *now_us)
{
    const struct receiver *receiver = value;
    (void)id;
    return receiver->under_way == 0 && *(gint64 *)now_us - receiver->failed_us > RECEIVERS_KEPT_US;
}

void receivers_failed(struct receivers *receivers, const char *id, const char *error, gint64 rests_until_us, gint64 now_us)
{
    struct receiver *receiver = leave(receivers, id);
    set_failures(receivers, receiver, MIN(receiver->failures, (uint32_t)INT32_MAX) + 1);
    receiver->failed_us = now_us;
    receiver->rests_until_us = rests_until_us;
    g_strlcpy(receiver->error, error, sizeof receiver->error);
    g_hash_table_foreach_remove(receivers->by_id, is_old, &now_us);
}

/* ---- asking ---- */

uint32_t receivers_failures(const struct receivers *receivers, const char *id)
{
    const struct receiver *receiver = find(receivers, id);
    return receiver != NULL ? receiver->failures : 0;
}

const char *receivers_rest(const struct receivers *receivers, const char *id, gint64 *until_us)
{
    const struct receiver *receiver = find(receivers, id);
    *until_us = receiver != NULL ? receiver->rests_until_us : 0;
    return receiver != NULL ? receiver->error : "";
}

guint receivers_busy(const struct receivers *receivers)
{
    return receivers->under_way;
}
