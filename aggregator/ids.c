#include "aggregator/ids.h"

#include "aggregator/filter.h"
#include "lib/keys.h"
#include "lib/number.h"
#include <gnutls/crypto.h>

enum { DIGEST_SIZE = FILTER_DIGEST_SIZE, ASK_MAX = 1000, ENTRY_BYTES = 48, DAYS = 2 };

/* Key and value of the table at once. */
struct entry {
    uint8_t digest[DIGEST_SIZE];
    int64_t clock_ms;
    bool dirty;  /* not written by a flush yet */
    bool listed; /* in `clean` */
};

struct asked {
    struct ids *ids;
    size_t first, n; /* in order */
};

/* What was entered on a day that began under this claim: only that can be in Redis. */
struct day_filter {
    int64_t day;
    struct filter *filter;
};

struct ids {
    int partition;
    struct mirror *due;
    GArray *digests;     /* of the round: DIGEST_SIZE bytes each */
    GArray *order;       /* uint32_t: numbers of the round that are asked for, by day and shard */
    int64_t claimed_day; /* newest day on which ids were entered before the claim: of it nothing is known here */
    struct day_filter filters[DAYS];
    GPtrArray *asked;  /* struct asked */
    GHashTable *known; /* set of struct entry */
    GPtrArray *dirty;  /* struct entry, borrowed from known */
    GPtrArray *clean;  /* the same: what Redis has, or will have before it answers; not needed after the round */
    GByteArray *text;
};

static guint digest_hash(gconstpointer key)
{
    guint hash;
    memcpy(&hash, ((const struct entry *)key)->digest, sizeof hash);
    return hash;
}

static gboolean digest_equal(gconstpointer a, gconstpointer b)
{
    return memcmp(((const struct entry *)a)->digest, ((const struct entry *)b)->digest, DIGEST_SIZE) == 0;
}

struct ids *ids_new(int partition, struct mirror *due)
{
    struct ids *ids = g_new0(struct ids, 1);
    ids->partition = partition;
    ids->due = due;
    ids->claimed_day = -1;
    ids->digests = g_array_new(FALSE, FALSE, DIGEST_SIZE);
    ids->order = g_array_new(FALSE, FALSE, sizeof(uint32_t));
    ids->asked = g_ptr_array_new_with_free_func(g_free);
    ids->known = g_hash_table_new_full(digest_hash, digest_equal, g_free, NULL);
    ids->dirty = g_ptr_array_new();
    ids->clean = g_ptr_array_new();
    ids->text = g_byte_array_new();
    return ids;
}

void ids_free(struct ids *ids)
{
    if (!ids)
        return;
    g_array_free(ids->digests, TRUE);
    g_array_free(ids->order, TRUE);
    for (size_t i = 0; i < DAYS; i++)
        filter_free(ids->filters[i].filter);
    g_ptr_array_free(ids->asked, TRUE);
    g_hash_table_destroy(ids->known);
    g_ptr_array_free(ids->dirty, TRUE);
    g_ptr_array_free(ids->clean, TRUE);
    g_byte_array_free(ids->text, TRUE);
    g_free(ids);
}

void ids_begin(struct ids *ids)
{
    g_array_set_size(ids->digests, 0);
    g_array_set_size(ids->order, 0);
    g_ptr_array_set_size(ids->asked, 0);
    /* What a flush has written is read back behind its applies, on the same connection. */
    for (guint i = 0; i < ids->clean->len; i++) {
        struct entry *entry = g_ptr_array_index(ids->clean, i);
        entry->listed = false;
        if (!entry->dirty)
            g_hash_table_remove(ids->known, entry);
    }
    g_ptr_array_set_size(ids->clean, 0);
}

static void add_part(GByteArray *text, struct view part)
{
    if (part.size > 0)
        g_byte_array_append(text, (const guint8 *)part.data, (guint)part.size);
    g_byte_array_append(text, (const guint8 *)"", 1);
}

size_t ids_prepare(struct ids *ids, const struct batch *batch)
{
    size_t first = ids->digests->len;
    for (size_t i = 0; i < batch->n_ids; i++) {
        uint8_t digest[32];
        size_t event = batch->id_event[i];
        g_byte_array_set_size(ids->text, 0);
        add_part(ids->text, batch->organization ? batch->symbols[batch->organization[event]] : view_of(""));
        add_part(ids->text, batch->symbols[batch->client[event]]);
        add_part(ids->text, batch->ids[i]);
        /* Not a fast hash: who can find two ids with one digest could have a request not counted. */
        int failed = gnutls_hash_fast(GNUTLS_DIG_SHA256, ids->text->data, ids->text->len - 1, digest);
        g_assert(failed == 0);
        g_array_append_vals(ids->digests, digest, 1);
    }
    return first;
}

static const uint8_t *digest_at(const struct ids *ids, size_t number)
{
    return (const uint8_t *)ids->digests->data + number * DIGEST_SIZE;
}

static void list_clean(struct ids *ids, struct entry *entry)
{
    if (!entry->listed)
        g_ptr_array_add(ids->clean, entry);
    entry->listed = true;
}

static bool answered(void *opaque, const struct redis_reply *reply, GError **error)
{
    const struct asked *asked = opaque;
    for (size_t i = 0; i < asked->n && i < redis_reply_count(reply); i++) {
        const struct redis_reply *value = redis_reply_at(reply, i);
        if (redis_reply_kind(value) == REDIS_NIL)
            continue;
        int64_t clock_ms;
        if (!number_read_signed(redis_reply_text(value), &clock_ms)) {
            g_set_error(error, COMMIT_ERROR, COMMIT_ERROR_DAMAGED, "an event id in Redis has no number as its time");
            return false;
        }
        struct entry *entry = g_new0(struct entry, 1);
        memcpy(entry->digest, digest_at(asked->ids, g_array_index(asked->ids->order, uint32_t, asked->first + i)), DIGEST_SIZE);
        entry->clock_ms = clock_ms;
        struct entry *known = g_hash_table_lookup(asked->ids->known, entry);
        if (known && known->clock_ms >= clock_ms)
            g_free(entry);
        else if (known) {
            known->clock_ms = clock_ms;
            g_free(entry);
        } else {
            g_hash_table_add(asked->ids->known, entry);
            list_clean(asked->ids, entry);
        }
    }
    return true;
}

static void ask_shard(struct ids *ids, struct commit *commit, int64_t day, size_t first, size_t n)
{
    struct view words[2 + ASK_MAX];
    char key[KEYS_MAX];
    uint32_t number = g_array_index(ids->order, uint32_t, first);
    words[0] = view_of("HMGET");
    words[1] = view_make(key, keys_ids(key, ids->partition, day, digest_at(ids, number)[0]));
    for (size_t i = 0; i < n; i++)
        words[2 + i] = view_make(digest_at(ids, g_array_index(ids->order, uint32_t, first + i)), DIGEST_SIZE);
    struct asked *asked = g_new(struct asked, 1);
    *asked = (struct asked){ids, first, n};
    g_ptr_array_add(ids->asked, asked);
    commit_ask(commit, answered, asked, 2 + n, words);
}

/* Runs of one shard, at most ASK_MAX long. */
static void ask_runs(struct ids *ids, struct commit *commit, int64_t day, size_t first)
{
    for (size_t i = first + 1; i <= ids->order->len; i++) {
        bool ends = i == ids->order->len || i - first == ASK_MAX ||
                    digest_at(ids, g_array_index(ids->order, uint32_t, i))[0] !=
                        digest_at(ids, g_array_index(ids->order, uint32_t, first))[0];
        if (!ends)
            continue;
        ask_shard(ids, commit, day, first, i - first);
        first = i;
    }
}

static struct filter *day_filter(const struct ids *ids, int64_t day)
{
    for (size_t i = 0; i < DAYS; i++)
        if (ids->filters[i].filter && ids->filters[i].day == day)
            return ids->filters[i].filter;
    return NULL;
}

/* Can Redis have it on that day? */
static bool is_possible(const struct ids *ids, size_t number, int64_t day)
{
    const struct filter *filter = day_filter(ids, day);
    return day <= ids->claimed_day || (filter && filter_has(filter, digest_at(ids, number)));
}

/* Appends to the order what must be asked for on this day, by counting sort over the shards. */
static void ask_day(struct ids *ids, struct commit *commit, int64_t day)
{
    uint32_t starts[KEYS_IDS_SHARDS + 1] = {0};
    g_autofree bool *possible = g_new(bool, ids->digests->len);
    size_t first = ids->order->len;
    for (size_t i = 0; i < ids->digests->len; i++) {
        possible[i] = is_possible(ids, i, day);
        starts[digest_at(ids, i)[0] + 1] += possible[i];
    }
    for (size_t shard = 0; shard < KEYS_IDS_SHARDS; shard++)
        starts[shard + 1] += starts[shard];
    g_array_set_size(ids->order, (guint)first + starts[KEYS_IDS_SHARDS]);
    for (uint32_t i = 0; i < ids->digests->len; i++)
        if (possible[i])
            g_array_index(ids->order, uint32_t, first + starts[digest_at(ids, i)[0]]++) = i;
    ask_runs(ids, commit, day, first);
}

static void due_name(char *out, size_t size, int64_t day)
{
    g_snprintf(out, size, "ids:%" G_GINT64_FORMAT, day);
}

void ids_ask(struct ids *ids, struct commit *commit, int64_t first_clock_ms, int64_t last_clock_ms)
{
    if (ids->digests->len == 0)
        return;
    for (int64_t day = first_clock_ms / KEYS_DAY_MS - 1; day <= last_clock_ms / KEYS_DAY_MS; day++) {
        char name[64];
        due_name(name, sizeof name, day);
        if (mirror_get(ids->due, name)) /* else nothing was entered on that day */
            ask_day(ids, commit, day);
    }
}

static void learn_day(const char *field, const char *value, void *opaque)
{
    struct ids *ids = opaque;
    uint64_t day;
    (void)value;
    if (g_str_has_prefix(field, "ids:") && number_read(view_of(field + 4), &day))
        ids->claimed_day = MAX(ids->claimed_day, (int64_t)day);
}

void ids_learn(struct ids *ids)
{
    mirror_each(ids->due, learn_day, ids);
}

/* Days come in order: the log clock never goes back. */
static void remember(struct ids *ids, const struct entry *entry)
{
    int64_t day = entry->clock_ms / KEYS_DAY_MS;
    if (day <= ids->claimed_day)
        return;
    if (!day_filter(ids, day)) {
        filter_free(ids->filters[0].filter);
        ids->filters[0] = ids->filters[1];
        ids->filters[1] = (struct day_filter){day, filter_new()};
    }
    filter_add(day_filter(ids, day), entry->digest);
}

bool ids_enter(struct ids *ids, size_t number, int64_t clock_ms)
{
    struct entry key;
    memcpy(key.digest, digest_at(ids, number), DIGEST_SIZE);
    struct entry *entry = g_hash_table_lookup(ids->known, &key);
    if (entry && clock_ms - entry->clock_ms < KEYS_DAY_MS)
        return false;
    if (!entry) {
        entry = g_new0(struct entry, 1);
        memcpy(entry->digest, key.digest, DIGEST_SIZE);
        g_hash_table_add(ids->known, entry);
    }
    entry->clock_ms = clock_ms;
    remember(ids, entry);
    if (!entry->dirty) {
        entry->dirty = true;
        g_ptr_array_add(ids->dirty, entry);
    }
    return true;
}

size_t ids_dirty_bytes(const struct ids *ids)
{
    return ids->dirty->len * ENTRY_BYTES;
}

static gint by_day_and_shard(gconstpointer a, gconstpointer b)
{
    const struct entry *x = *(struct entry *const *)a, *y = *(struct entry *const *)b;
    int64_t day_x = x->clock_ms / KEYS_DAY_MS, day_y = y->clock_ms / KEYS_DAY_MS;
    if (day_x != day_y)
        return day_x < day_y ? -1 : 1;
    return (gint)x->digest[0] - (gint)y->digest[0];
}

static void begin_shard(struct ids *ids, const struct entry *entry, struct payload *payload)
{
    char key[KEYS_MAX], name[64];
    int64_t day = entry->clock_ms / KEYS_DAY_MS;
    payload_begin(payload, PAYLOAD_HSET, view_make(key, keys_ids(key, ids->partition, day, entry->digest[0])));
    due_name(name, sizeof name, day);
    if (!mirror_get(ids->due, name))
        mirror_set_number(ids->due, name, (day + 2) * KEYS_DAY_MS);
}

void ids_flush(struct ids *ids, struct payload *payload)
{
    g_ptr_array_sort(ids->dirty, by_day_and_shard);
    for (guint i = 0; i < ids->dirty->len; i++) {
        char text[NUMBER_MAX];
        struct entry *entry = g_ptr_array_index(ids->dirty, i);
        if (i == 0 || by_day_and_shard(&ids->dirty->pdata[i - 1], &ids->dirty->pdata[i]) != 0)
            begin_shard(ids, entry, payload);
        payload_add_pair(payload, view_make(entry->digest, DIGEST_SIZE),
                         view_make(text, number_write_signed(text, entry->clock_ms)));
        entry->dirty = false;
        list_clean(ids, entry);
    }
    g_ptr_array_set_size(ids->dirty, 0);
}
