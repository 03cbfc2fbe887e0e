#include "api/alert_growth.h"

#include "lib/civil.h"
#include "lib/keys.h"
#include "lib/ledger.h"
#include "lib/number.h"

enum { SLOTS_N = 3, DAYS_BACK = 1 /* generations that are read at the first look, besides today's */ };

/* Requests by symbol, as they were read. */
struct scores {
    int64_t slot; /* since 1970; -1: none */
    GArray *list; /* uint64_t */
};

/* A generation of a partition. */
struct tracked {
    int partition, revision;
    int64_t day;
    uint64_t counted;   /* events, by meta: at the last look that succeeded, */
    uint64_t now;       /* and at this one */
    uint64_t seen;      /* events in the sorted sets, as far as they were read */
    uint64_t names;     /* how many there are; those up to clients->len were read */
    GPtrArray *clients; /* struct growth_client by symbol - 1; NULL: not watched */
    GArray *totals;     /* uint64_t by symbol - 1: of `seen` */
    GArray *whole;      /* the same, while all slots are read */
    struct scores slots[SLOTS_N];
    int64_t whole_ms; /* when all slots were read; 0: never */
    bool is_there, grows;
};

struct partition_state {
    char *place;  /* commit number and events, at the last look that succeeded */
    char *found;  /* and at this one */
    bool in_debt; /* something of it is still to be explained */
};

struct alert_growth {
    GHashTable *clients;  /* key -> struct growth_client */
    GHashTable *tracked;  /* "partition.day.revision" -> struct tracked */
    GArray *partitions;   /* struct partition_state */
    int64_t now_ms, slot; /* of this look */
    bool is_first;
    guint mark;
};

/* ---- life ---- */

static void free_client(void *value)
{
    struct growth_client *client = value;
    g_free(client->key);
    g_free(client);
}

static void free_tracked(void *value)
{
    struct tracked *tracked = value;
    for (size_t i = 0; i < SLOTS_N; i++)
        g_array_free(tracked->slots[i].list, TRUE);
    g_ptr_array_free(tracked->clients, TRUE);
    g_array_free(tracked->totals, TRUE);
    if (tracked->whole != NULL)
        g_array_free(tracked->whole, TRUE);
    g_free(tracked);
}

static void clear_partition(void *value)
{
    struct partition_state *state = value;
    g_free(state->place);
    g_free(state->found);
}

struct alert_growth *alert_growth_new(void)
{
    struct alert_growth *growth = g_new0(struct alert_growth, 1);
    growth->clients = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, free_client);
    growth->tracked = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_tracked);
    growth->partitions = g_array_new(FALSE, TRUE, sizeof(struct partition_state));
    g_array_set_clear_func(growth->partitions, clear_partition);
    growth->is_first = true;
    return growth;
}

void alert_growth_free(struct alert_growth *growth)
{
    if (growth == NULL)
        return;
    g_hash_table_destroy(growth->tracked);
    g_hash_table_destroy(growth->clients);
    g_array_free(growth->partitions, TRUE);
    g_free(growth);
}

/* ---- who ---- */

static gboolean is_unmarked(gpointer key, gpointer value, gpointer opaque)
{
    (void)key;
    return ((struct growth_client *)value)->mark != *(guint *)opaque;
}

/* Names are read again where they are needed. */
static void forget_names(struct alert_growth *growth)
{
    GHashTableIter iter;
    void *value;
    g_hash_table_iter_init(&iter, growth->tracked);
    while (g_hash_table_iter_next(&iter, NULL, &value))
        g_ptr_array_set_size(((struct tracked *)value)->clients, 0);
    for (guint i = 0; i < growth->partitions->len; i++)
        g_array_index(growth->partitions, struct partition_state, i).in_debt = true;
}

void alert_growth_watch(struct alert_growth *growth, const struct limit_watches *watches)
{
    bool gained = false;
    growth->mark++;
    for (guint i = 0; i < watches->list->len; i++) {
        const struct limit_watch *watch = &g_array_index(watches->list, struct limit_watch, i);
        struct growth_client *client = g_hash_table_lookup(growth->clients, watch->key);
        if (client == NULL) {
            client = g_new0(struct growth_client, 1);
            client->key = g_strdup(watch->key);
            g_hash_table_insert(growth->clients, client->key, client);
            gained = true;
        }
        client->mark = growth->mark;
    }
    if (g_hash_table_foreach_remove(growth->clients, is_unmarked, &growth->mark) > 0 || gained)
        forget_names(growth);
}

struct growth_client *alert_growth_client(const struct alert_growth *growth, const char *key)
{
    return g_hash_table_lookup(growth->clients, key);
}

static void grow(struct growth_client *client, uint64_t by, bool is_ended)
{
    if (client == NULL)
        return;
    client->all += by;
    if (is_ended)
        client->ended += by;
}

/* ---- which partitions, which generations ---- */

static void take_place(struct reader *reader, const struct redis_reply *reply, void *opaque, size_t partition, size_t b)
{
    struct alert_growth *growth = opaque;
    struct partition_state *state = &g_array_index(growth->partitions, struct partition_state, partition);
    (void)reader, (void)b;
    GString *place = g_string_new(state->found);
    for (size_t i = 0; i < redis_reply_count(reply); i++) {
        struct view text = redis_reply_text(redis_reply_at(reply, i));
        g_string_append_len(place, text.data, (gssize)text.size);
        g_string_append_c(place, ' ');
    }
    g_free(state->found);
    state->found = g_string_free(place, FALSE);
}

static void ask_place(struct alert_growth *growth, struct reader *reader, int partition)
{
    char commit[KEYS_MAX], meta[KEYS_MAX];
    const struct view number[] = {view_of("HMGET"), view_make(commit, keys_plain(commit, partition, "commit")), view_of("n"),
                                  view_of("tok")};
    const struct view events[] = {view_of("HMGET"), view_make(meta, keys_plain(meta, partition, "meta")), view_of("events"),
                                  view_of("clock")};
    const struct reader_then then = {.take = take_place, .opaque = growth, .a = (size_t)partition};
    reader_ask(reader, partition, number, G_N_ELEMENTS(number), then);
    reader_ask(reader, partition, events, G_N_ELEMENTS(events), then);
}

static char *name_of(int partition, int64_t day, int revision)
{
    return g_strdup_printf("%d.%" G_GINT64_FORMAT ".%d", partition, day, revision);
}

static struct tracked *track(struct alert_growth *growth, int partition, int64_t day, int revision)
{
    char *name = name_of(partition, day, revision);
    struct tracked *tracked = g_hash_table_lookup(growth->tracked, name);
    if (tracked != NULL) {
        g_free(name);
        return tracked;
    }
    tracked = g_new0(struct tracked, 1);
    *tracked = (struct tracked){.partition = partition, .day = day, .revision = revision};
    tracked->clients = g_ptr_array_new();
    tracked->totals = g_array_new(FALSE, TRUE, sizeof(uint64_t));
    for (size_t i = 0; i < SLOTS_N; i++)
        tracked->slots[i] = (struct scores){-1, g_array_new(FALSE, TRUE, sizeof(uint64_t))};
    g_hash_table_insert(growth->tracked, name, tracked);
    return tracked;
}

static void take_count(struct view field, struct view value, void *opaque, size_t partition)
{
    static const char prefix[] = "cnt:";
    const size_t skip = sizeof prefix - 1;
    struct alert_growth *growth = opaque;
    int64_t day;
    int revision;
    uint64_t events;
    if (field.size <= skip || memcmp(field.data, prefix, skip) != 0 || !number_read(value, &events) || events == 0 ||
        !generation_read(view_make(field.data + skip, field.size - skip), &day, &revision))
        return;
    struct tracked *tracked = track(growth, (int)partition, day, revision);
    tracked->is_there = true;
    tracked->now = events;
}

static bool is_looked_at(const struct alert_growth *growth, int partition)
{
    const struct partition_state *state = &g_array_index(growth->partitions, struct partition_state, partition);
    return state->in_debt || state->place == NULL || strcmp(state->place, state->found) != 0;
}

/* Which generations grew, in partitions that are looked at; those that are gone are forgotten. */
static void choose(struct alert_growth *growth)
{
    int64_t today = growth->now_ms / CIVIL_DAY_MS;
    GHashTableIter iter;
    void *value;
    g_hash_table_iter_init(&iter, growth->tracked);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        struct tracked *tracked = value;
        tracked->grows = false;
        if (!is_looked_at(growth, tracked->partition))
            continue;
        if (!tracked->is_there) {
            g_hash_table_iter_remove(&iter);
            continue;
        }
        if (growth->is_first && tracked->day < today - DAYS_BACK)
            tracked->counted = tracked->seen = tracked->now;
        bool is_nameless = tracked->clients->len == 0 && tracked->day >= today - DAYS_BACK;
        tracked->grows = tracked->now != tracked->counted || tracked->seen < tracked->counted || is_nameless;
    }
}

static gboolean is_beyond(gpointer key, gpointer value, gpointer opaque)
{
    (void)key;
    return ((struct tracked *)value)->partition >= *(int *)opaque;
}

static void set_partitions(struct alert_growth *growth, int n)
{
    if ((guint)n < growth->partitions->len)
        g_hash_table_foreach_remove(growth->tracked, is_beyond, &n);
    g_array_set_size(growth->partitions, (guint)n);
}

static bool learn_generations(struct alert_growth *growth, struct reader *reader, bool *moved, GError **error)
{
    GHashTableIter iter;
    void *value;
    set_partitions(growth, reader_partitions(reader));
    for (int partition = 0; partition < reader_partitions(reader); partition++) {
        g_clear_pointer(&g_array_index(growth->partitions, struct partition_state, partition).found, g_free);
        ask_place(growth, reader, partition);
    }
    if (!reader_finish(reader, error))
        return false;
    g_hash_table_iter_init(&iter, growth->tracked);
    while (g_hash_table_iter_next(&iter, NULL, &value))
        ((struct tracked *)value)->is_there = false;
    *moved = false;
    for (int partition = 0; partition < reader_partitions(reader); partition++) {
        char key[KEYS_MAX];
        if (!is_looked_at(growth, partition))
            continue;
        *moved = true;
        keys_plain(key, partition, "meta");
        reader_scan(reader, partition, "HSCAN", key, "cnt:*",
                    (struct reader_pairs){.each = take_count, .opaque = growth, .a = (size_t)partition});
    }
    if (!reader_finish(reader, error))
        return false;
    choose(growth);
    return true;
}

/* ---- names ---- */

static void take_length(struct reader *reader, const struct redis_reply *reply, void *opaque, size_t a, size_t b)
{
    struct tracked *tracked = opaque;
    (void)reader, (void)a, (void)b;
    tracked->names = (uint64_t)CLAMP(redis_reply_integer(reply), 0, KEYS_CLIENTS_MAX + 1);
}

struct naming {
    const struct alert_growth *growth;
    struct tracked *tracked;
};

static void take_name(struct view name, struct view symbol, void *opaque, size_t a)
{
    const struct naming *naming = opaque;
    struct tracked *tracked = naming->tracked;
    uint64_t number;
    (void)a;
    if (!number_read(symbol, &number) || number == 0 || number > tracked->clients->len)
        return;
    g_autofree char *key = g_strndup(name.data, name.size);
    tracked->clients->pdata[number - 1] = g_hash_table_lookup(naming->growth->clients, key);
}

static bool learn_names(struct alert_growth *growth, struct reader *reader, GPtrArray *growing, GError **error)
{
    g_autoptr(GPtrArray) namings = g_ptr_array_new_with_free_func(g_free);
    char key[KEYS_MAX];
    for (guint i = 0; i < growing->len; i++) {
        struct tracked *tracked = g_ptr_array_index(growing, i);
        const struct view argv[] = {view_of("HLEN"),
                                    view_make(key, keys_clients(key, tracked->partition, tracked->day, tracked->revision))};
        reader_ask(reader, tracked->partition, argv, G_N_ELEMENTS(argv),
                   (struct reader_then){.take = take_length, .opaque = tracked});
    }
    if (!reader_finish(reader, error))
        return false;
    for (guint i = 0; i < growing->len; i++) {
        struct tracked *tracked = g_ptr_array_index(growing, i);
        if (tracked->clients->len == tracked->names)
            continue;
        struct naming *naming = g_new(struct naming, 1);
        *naming = (struct naming){growth, tracked};
        g_ptr_array_add(namings, naming);
        g_ptr_array_set_size(tracked->clients, 0);
        g_ptr_array_set_size(tracked->clients, (gint)tracked->names);
        keys_clients(key, tracked->partition, tracked->day, tracked->revision);
        reader_scan(reader, tracked->partition, "HSCAN", key, NULL, (struct reader_pairs){.each = take_name, .opaque = naming});
    }
    bool ok = reader_finish(reader, error);
    for (guint i = 0; i < namings->len && !ok; i++) /* as if they had not been read */
        g_ptr_array_set_size(((struct naming *)g_ptr_array_index(namings, i))->tracked->clients, 0);
    return ok;
}

/* ---- slots ---- */

static uint64_t *at(GArray *list, uint64_t symbol)
{
    if (list->len < symbol)
        g_array_set_size(list, (guint)symbol);
    return &g_array_index(list, uint64_t, symbol - 1);
}

/* Symbols whose names were not read are left for the next look. */
static bool read_score(const struct tracked *tracked, struct view symbol, struct view score, uint64_t *number, uint64_t *requests)
{
    return number_read(symbol, number) && *number > 0 && *number <= tracked->clients->len && number_read(score, requests);
}

struct slotting {
    const struct alert_growth *growth;
    struct tracked *tracked;
    struct scores *scores; /* NULL: none is kept of the slot */
    int64_t slot;
};

static void take_slot(struct view symbol, struct view score, void *opaque, size_t a)
{
    const struct slotting *slotting = opaque;
    struct tracked *tracked = slotting->tracked;
    uint64_t number, requests;
    (void)a;
    if (!read_score(tracked, symbol, score, &number, &requests))
        return;
    uint64_t *before = at(slotting->scores->list, number);
    uint64_t more = requests > *before ? requests - *before : 0;
    int64_t hour = civil_floor(slotting->growth->now_ms, CIVIL_HOUR);
    *before = requests;
    *at(tracked->totals, number) += more;
    tracked->seen += more;
    grow(tracked->clients->pdata[number - 1], more, slotting->slot * KEYS_SLOT_MS < hour);
}

static void take_whole(struct view symbol, struct view score, void *opaque, size_t a)
{
    const struct slotting *slotting = opaque;
    uint64_t number, requests;
    (void)a;
    if (!read_score(slotting->tracked, symbol, score, &number, &requests))
        return;
    *at(slotting->tracked->whole, number) += requests;
    if (slotting->scores != NULL)
        *at(slotting->scores->list, number) = requests;
}

/* Where what was read of a slot is kept; NULL: it is not among those that are. */
static struct scores *scores_of(const struct alert_growth *growth, struct tracked *tracked, int64_t slot)
{
    if (slot < growth->slot - 1 || slot > growth->slot + 1)
        return NULL;
    struct scores *scores = &tracked->slots[slot % SLOTS_N];
    if (scores->slot != slot)
        g_array_set_size(scores->list, 0);
    scores->slot = slot;
    return scores;
}

static void ask_slot(const struct alert_growth *growth, struct reader *reader, struct tracked *tracked, int64_t slot,
                     GPtrArray *slottings)
{
    char key[KEYS_MAX];
    struct slotting *slotting = g_new(struct slotting, 1);
    *slotting = (struct slotting){growth, tracked, scores_of(growth, tracked, slot), slot};
    g_ptr_array_add(slottings, slotting);
    keys_slot_clients(key, tracked->partition, tracked->day, tracked->revision, (int)(slot % KEYS_SLOTS_PER_DAY));
    reader_scan(reader, tracked->partition, "ZSCAN", key, NULL,
                (struct reader_pairs){.each = tracked->whole != NULL ? take_whole : take_slot, .opaque = slotting, .once = true});
}

static bool read_recent(const struct alert_growth *growth, struct reader *reader, GPtrArray *growing, GError **error)
{
    g_autoptr(GPtrArray) slottings = g_ptr_array_new_with_free_func(g_free);
    for (guint i = 0; i < growing->len; i++) {
        struct tracked *tracked = g_ptr_array_index(growing, i);
        for (int64_t slot = growth->slot - 1; slot <= growth->slot + 1; slot++)
            if (slot / KEYS_SLOTS_PER_DAY == tracked->day)
                ask_slot(growth, reader, tracked, slot, slottings);
    }
    return reader_finish(reader, error);
}

/* What late events were for is not told apart: they count for windows that are over and for those that are not. */
static void settle_whole(struct tracked *tracked, int64_t now_ms)
{
    uint64_t sum = 0;
    for (guint i = 0; i < tracked->whole->len; i++) {
        uint64_t total = g_array_index(tracked->whole, uint64_t, i), *before = at(tracked->totals, i + 1);
        if (total > *before)
            grow(tracked->clients->pdata[i], total - *before, true);
        *before = total;
        sum += total;
    }
    tracked->seen = MAX(sum, tracked->counted); /* what all slots together do not explain, nothing will */
    tracked->whole_ms = now_ms;
}

/* Of what was read of the slots it is not known how much was counted: all of it will be taken for growth. */
static void forget(struct tracked *tracked)
{
    g_array_set_size(tracked->totals, 0);
    tracked->seen = 0;
    for (size_t i = 0; i < SLOTS_N; i++)
        tracked->slots[i].slot = -1;
}

static bool wants_whole(const struct alert_growth *growth, const struct tracked *tracked)
{
    if (tracked->whole_ms == 0 && growth->is_first)
        return true;
    int64_t age_ms = growth->now_ms - tracked->whole_ms;
    return tracked->seen < tracked->counted && (age_ms >= ALERT_GROWTH_WHOLE_MS || age_ms < 0);
}

static bool read_late(const struct alert_growth *growth, struct reader *reader, GPtrArray *growing, GError **error)
{
    g_autoptr(GPtrArray) slottings = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GPtrArray) late = g_ptr_array_new();
    for (guint i = 0; i < growing->len; i++) {
        struct tracked *tracked = g_ptr_array_index(growing, i);
        if (!wants_whole(growth, tracked))
            continue;
        g_ptr_array_add(late, tracked);
        tracked->whole = g_array_new(FALSE, TRUE, sizeof(uint64_t));
        for (int slot = 0; slot < KEYS_SLOTS_PER_DAY; slot++)
            ask_slot(growth, reader, tracked, tracked->day * KEYS_SLOTS_PER_DAY + slot, slottings);
    }
    bool ok = reader_finish(reader, error);
    for (guint i = 0; i < late->len; i++) {
        struct tracked *tracked = g_ptr_array_index(late, i);
        if (ok)
            settle_whole(tracked, growth->now_ms);
        else
            forget(tracked);
        g_array_free(tracked->whole, TRUE);
        tracked->whole = NULL;
    }
    return ok;
}

/* ---- a look ---- */

static void conclude(struct alert_growth *growth)
{
    GHashTableIter iter;
    void *value;
    for (guint i = 0; i < growth->partitions->len; i++) {
        struct partition_state *state = &g_array_index(growth->partitions, struct partition_state, i);
        g_free(state->place);
        state->place = g_steal_pointer(&state->found);
        state->in_debt = false;
    }
    g_hash_table_iter_init(&iter, growth->tracked);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        struct tracked *tracked = value;
        if (tracked->now < tracked->counted) /* Redis was put back */
            tracked->seen = MIN(tracked->seen, tracked->now);
        tracked->counted = tracked->now;
        if (tracked->seen < tracked->counted)
            g_array_index(growth->partitions, struct partition_state, tracked->partition).in_debt = true;
    }
    growth->is_first = false;
}

bool alert_growth_look(struct alert_growth *growth, struct reader *reader, int64_t now_ms, bool *moved, GError **error)
{
    growth->now_ms = now_ms;
    growth->slot = now_ms / KEYS_SLOT_MS;
    if (!learn_generations(growth, reader, moved, error))
        return false;
    g_autoptr(GPtrArray) growing = g_ptr_array_new();
    GHashTableIter iter;
    void *value;
    g_hash_table_iter_init(&iter, growth->tracked);
    while (g_hash_table_iter_next(&iter, NULL, &value))
        if (((struct tracked *)value)->grows)
            g_ptr_array_add(growing, value);
    if (!learn_names(growth, reader, growing, error) || !read_recent(growth, reader, growing, error) ||
        !read_late(growth, reader, growing, error))
        return false;
    conclude(growth);
    return true;
}

/* ---- for minutes ---- */

struct growth_client *alert_growth_of(const struct alert_growth *growth, int partition, int64_t day, int revision, uint32_t symbol)
{
    g_autofree char *name = name_of(partition, day, revision);
    const struct tracked *tracked = g_hash_table_lookup(growth->tracked, name);
    if (tracked == NULL || symbol == 0 || symbol > tracked->clients->len)
        return NULL;
    return g_ptr_array_index(tracked->clients, symbol - 1);
}

void alert_growth_generations(const struct alert_growth *growth, int64_t day,
                              void (*each)(int partition, int64_t day, int revision, void *opaque), void *opaque)
{
    GHashTableIter iter;
    void *value;
    g_hash_table_iter_init(&iter, growth->tracked);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const struct tracked *tracked = value;
        if (tracked->day == day && tracked->clients->len > 0)
            each(tracked->partition, tracked->day, tracked->revision, opaque);
    }
}
