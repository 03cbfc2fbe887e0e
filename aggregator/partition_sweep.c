/* partition_sweep: removal of what is due by the log clock, and of streams that are long past. */
#include "aggregator/partition_private.h"

#include "lib/high_water.h"
#include "lib/keys.h"
#include "lib/log.h"
#include "lib/number.h"

enum { SWEEP_MAX = 8 };

static bool damaged(GError **error, const struct partition *partition)
{
    g_set_error(error, COMMIT_ERROR, COMMIT_ERROR_DAMAGED, "partition %d: its list of what is due has a name that nobody knows",
                partition->number);
    return false;
}

/* The first SWEEP_MAX that are due, in order: a generation's minutes, whose shards its names tell, go before its names. */
struct due_list {
    int64_t clock_ms;
    int64_t due_ms[SWEEP_MAX + 1];
    GPtrArray *names;
};

static void collect_due(const char *field, const char *value, void *opaque)
{
    struct due_list *list = opaque;
    int64_t due_ms;
    if (!number_read_signed(view_of(value), &due_ms) || due_ms > list->clock_ms)
        return;
    guint at = list->names->len;
    while (at > 0 && due_ms < list->due_ms[at - 1])
        at--;
    if (at == SWEEP_MAX)
        return;
    memmove(&list->due_ms[at + 1], &list->due_ms[at], (SWEEP_MAX - at) * sizeof *list->due_ms);
    list->due_ms[at] = due_ms;
    g_ptr_array_insert(list->names, (gint)at, g_strdup(field));
    if (list->names->len > SWEEP_MAX)
        g_ptr_array_set_size(list->names, SWEEP_MAX);
}

static bool count_answer(void *opaque, const struct redis_reply *reply, GError **error)
{
    (void)error;
    *(int64_t *)opaque = redis_reply_integer(reply);
    return true;
}

static void add_key(struct payload *payload, bool *begun, const char *key, size_t size)
{
    if (*begun)
        payload_add(payload, view_make(key, size));
    else
        payload_begin(payload, PAYLOAD_UNLINK, view_make(key, size));
    *begun = true;
}

/* The minute's shards are as many as its generation's clients need; its sorted set goes last. */
static bool unlink_minute(struct partition *partition, int64_t minute, int revision, GError **error)
{
    char key[KEYS_MAX];
    int64_t clients = 0;
    bool begun = false;
    int64_t day = minute * KEYS_MINUTE_MS / KEYS_DAY_MS;
    const struct view words[] = {view_of("HLEN"), view_make(key, keys_clients(key, partition->number, day, revision))};
    commit_ask(partition->commit, count_answer, &clients, G_N_ELEMENTS(words), words);
    if (!commit_read(partition->commit, error))
        return false;
    for (uint32_t shard = 0; shard <= (uint64_t)clients / KEYS_CLIENTS_PER_SHARD; shard++)
        add_key(partition->settings.payload, &begun, key, keys_minute(key, partition->number, minute, revision, shard));
    add_key(partition->settings.payload, &begun, key, keys_minute_clients(key, partition->number, minute, revision));
    return true;
}

static void unlink_ids(struct partition *partition, int64_t day)
{
    char key[KEYS_MAX];
    bool begun = false;
    for (unsigned shard = 0; shard < KEYS_IDS_SHARDS; shard++)
        add_key(partition->settings.payload, &begun, key, keys_ids(key, partition->number, day, shard));
}

static bool keys_answer(void *opaque, const struct redis_reply *reply, GError **error)
{
    (void)error;
    for (size_t i = 0; i < redis_reply_count(reply); i++) {
        uint64_t client;
        if (number_read(redis_reply_text(redis_reply_at(reply, i)), &client))
            g_array_append_val(opaque, client);
    }
    return true;
}

/* The buckets of one slot of a sealed generation. */
static bool unlink_slot(struct partition *partition, int64_t day, int revision, int slot, GError **error)
{
    char key[KEYS_MAX];
    bool begun = false;
    g_autoptr(GArray) clients = g_array_new(FALSE, FALSE, sizeof(uint64_t));
    size_t size = keys_slot_clients(key, partition->number, day, revision, slot);
    const struct view words[] = {view_of("ZRANGE"), view_make(key, size), view_of("0"), view_of("-1")};
    commit_ask(partition->commit, keys_answer, clients, G_N_ELEMENTS(words), words);
    if (!commit_read(partition->commit, error))
        return false;
    struct payload *payload = partition->settings.payload;
    for (guint i = 0; i < clients->len; i++)
        add_key(payload, &begun, key,
                keys_slot(key, partition->number, day, revision, slot, (uint32_t)g_array_index(clients, uint64_t, i)));
    add_key(payload, &begun, key, keys_slot_sums(key, partition->number, day, revision, slot));
    add_key(payload, &begun, key, keys_slot_routes(key, partition->number, day, revision, slot));
    add_key(payload, &begun, key, keys_slot_clients(key, partition->number, day, revision, slot));
    return true;
}

static bool unlink_names(struct partition *partition, int64_t day, int revision, GError **error)
{
    char key[KEYS_MAX], field[80];
    int64_t clients = 0;
    bool begun = false;
    size_t size = keys_clients(key, partition->number, day, revision);
    const struct view words[] = {view_of("HLEN"), view_make(key, size)};
    commit_ask(partition->commit, count_answer, &clients, G_N_ELEMENTS(words), words);
    if (!commit_read(partition->commit, error))
        return false;
    for (uint32_t client = 1; client <= (uint64_t)clients; client++) {
        add_key(partition->settings.payload, &begun, key, keys_routes(key, partition->number, day, revision, client));
        add_key(partition->settings.payload, &begun, key, keys_users(key, partition->number, day, revision, client));
    }
    add_key(partition->settings.payload, &begun, key, keys_clients(key, partition->number, day, revision));
    add_key(partition->settings.payload, &begun, key, keys_totals(key, partition->number, day, revision));
    g_snprintf(field, sizeof field, "cnt:%" G_GINT64_FORMAT ".%d", day, revision);
    mirror_remove(partition->meta, field);
    return true;
}

/* "g:<day>.<revision>:<slot>" */
static bool unlink_generation(struct partition *partition, const char *name, GError **error)
{
    uint64_t slot;
    int64_t day;
    int revision;
    const char *colon = strchr(name + 2, ':');
    if (!colon || !generation_read(view_make(name + 2, (size_t)(colon - name - 2)), &day, &revision) ||
        !number_read(view_of(colon + 1), &slot) || slot > KEYS_SLOTS_PER_DAY)
        return damaged(error, partition);
    if (slot < KEYS_SLOTS_PER_DAY)
        return unlink_slot(partition, day, revision, (int)slot, error);
    return unlink_names(partition, day, revision, error);
}

/* "sheet:<day>.<revision>": from Redis; "erased:<day>.<revision>": from the archive too. */
static bool unlink_sheet(struct partition *partition, const char *name, bool everywhere, GError **error)
{
    char key[KEYS_MAX];
    int64_t day;
    int revision;
    bool begun = false;
    g_autoptr(GError) cause = NULL;
    if (!generation_read(view_of(strchr(name, ':') + 1), &day, &revision))
        return damaged(error, partition);
    const struct sheet_name sheet = {partition->number, day, revision};
    if (everywhere && partition->settings.archive && !archive_remove_sheet(partition->settings.archive, &sheet, &cause)) {
        log_error("erasure_failed", "partition=%d error=%s", partition->number, cause->message);
        mirror_set_number(partition->due, name, partition->clock_ms + KEYS_MINUTE_MS); /* once more */
        return true;
    }
    add_key(partition->settings.payload, &begun, key, keys_sheet(key, partition->number, day, revision));
    return true;
}

/* What is due after this: of a generation the next slot, at once. */
static void advance(struct partition *partition, const char *name)
{
    const char *colon = strrchr(name, ':');
    uint64_t slot;
    if (g_str_has_prefix(name, "g:") && number_read(view_of(colon + 1), &slot) && slot < KEYS_SLOTS_PER_DAY) {
        g_autofree char *next = g_strdup_printf("%.*s:%" G_GUINT64_FORMAT, (int)(colon - name), name, slot + 1);
        mirror_set_number(partition->due, next, partition->clock_ms);
        partition->swept_clock_ms = 0;
    }
    mirror_remove(partition->due, name);
}

static bool unlink_due(struct partition *partition, const char *name, GError **error)
{
    uint64_t number, revision;
    const char *cursor = name + 2, *end = name + strlen(name);
    if (g_str_has_prefix(name, "ids:") && number_read(view_of(name + 4), &number))
        unlink_ids(partition, (int64_t)number);
    else if (g_str_has_prefix(name, "m:") && number_scan(&cursor, end, &number) && *cursor++ == '.' &&
             number_scan(&cursor, end, &revision))
        return unlink_minute(partition, (int64_t)number, (int)revision, error);
    else if (g_str_has_prefix(name, "g:"))
        return unlink_generation(partition, name, error);
    else if (g_str_has_prefix(name, "refused:") && number_read(view_of(name + 8), &number))
        refusals_forget(partition->refusals, (int64_t)number);
    else if (g_str_has_prefix(name, "sheet:") || g_str_has_prefix(name, "erased:"))
        return unlink_sheet(partition, name, *name == 'e', error);
    else
        return damaged(error, partition);
    return true;
}

struct past_list {
    struct partition *partition;
    GPtrArray *streams;
};

static void collect_past(const char *field, const char *value, void *opaque)
{
    struct past_list *list = opaque;
    struct high_water water;
    if (list->streams->len < 1000 && high_water_read(value, &water) && !water.import &&
        water.created_ms + STREAM_KEPT_MS <= list->partition->clock_ms)
        g_ptr_array_add(list->streams, g_strdup(field));
}

/* Heartbeats come to all partitions, also from streams that never sent a batch to this one: each goes by its own time. */
static void collect_silent(const char *field, const char *value, void *opaque)
{
    struct past_list *list = opaque;
    uint64_t clock_ms;
    const char *end = value + strlen(value), *cursor = strchr(value, ' ');
    if (list->streams->len < 1000 && cursor && ++cursor && number_scan(&cursor, end, &clock_ms) && clock_ms <= INT64_MAX / 2 &&
        (int64_t)clock_ms + STREAM_KEPT_MS <= list->partition->clock_ms)
        g_ptr_array_add(list->streams, g_strdup(field));
}

/* When, varies; so nobody may look at what could be gone (admit, days_seal). */
static void forget_streams(struct partition *partition)
{
    g_autoptr(GPtrArray) past = g_ptr_array_new_with_free_func(g_free), silent = g_ptr_array_new_with_free_func(g_free);
    mirror_each(partition->hw, collect_past, &(struct past_list){partition, past});
    for (guint i = 0; i < past->len; i++)
        mirror_remove(partition->hw, g_ptr_array_index(past, i));
    mirror_each(partition->hb, collect_silent, &(struct past_list){partition, silent});
    for (guint i = 0; i < silent->len; i++)
        mirror_remove(partition->hb, g_ptr_array_index(silent, i));
}

/* A flush of its own: what it removes is clean, and beyond being counted again (by the log clock). */
bool partition_sweep(struct partition *partition, GError **error)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    mirror_each(partition->due, collect_due, &(struct due_list){.clock_ms = partition->clock_ms, .names = names});
    if (names->len < SWEEP_MAX)
        partition->swept_clock_ms = partition->clock_ms;
    forget_streams(partition);
    if (names->len == 0)
        return true; /* a mirror that is flushed into a payload must be committed with it */
    if (!partition_flush(partition, error))
        return false;
    payload_reset(partition->settings.payload);
    /* First what is due, then what goes: a reader that finds it still due has read all of it. */
    for (guint i = 0; i < names->len; i++)
        advance(partition, g_ptr_array_index(names, i));
    mirror_flush(partition->due, partition->settings.payload);
    for (guint i = 0; i < names->len; i++)
        if (!unlink_due(partition, g_ptr_array_index(names, i), error))
            return false;
    partition_fill_payload(partition);
    return partition_commit_payload(partition, error);
}
