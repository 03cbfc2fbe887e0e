/* One thread reads; it alone has the reader. Whoever waits in registry_refresh draws a ticket and is served by the first look that
 * begins after that, so that what they wrote before is seen by it. The version is asked for before the entries: what is written
 * meanwhile may be in the snapshot already, and is read again because the version has moved on from the one that it bears. */
#include "api/registry.h"

#include "api/meters.h"
#include "api/registry_text.h"
#include "lib/log.h"
#include "lib/number.h"

#define VERSION_KEY "{daybook}:version"
#define TOKENS_KEY "{daybook}:tokens"
#define USED_KEY "{daybook}:used"

enum {
    LOOK_MS = 1000,
    WHOLE_MS = 30 * 1000,
    TIMEOUT_MS = 10 * 1000, /* for one look */
    MINUTE_MS = 60 * 1000,
    NAMED_MAX = 1000, /* entries that are remembered as having been logged; then the memory begins anew */
    ORPHAN_KEPT_MS = MINUTE_MS,
    EXPIRED_KEPT_MS = 24 * 60 * MINUTE_MS, /* of access tokens: so long it is said that they have expired */
};

struct registry {
    struct redis_settings settings;
    struct metrics *metrics;
    GThread *thread;
    /* ---- the thread's own ---- */
    struct reader *reader;
    GHashTable *named; /* damaged entries that were logged */
    gint64 whole_us;   /* when everything was read last, monotonic; 0: not since the connection */
    bool was_lost;
    /* ---- under lock ---- */
    GMutex lock;
    GCond wake, served;
    struct registry_snapshot *snapshot;
    bool stopping;
    uint64_t tickets, looked, seen; /* drawn; served by a look; and by one that succeeded */
    char *trouble;                  /* of the last look that failed */
    int64_t minute;                 /* Unix time, of the next */
    GHashTable *used;               /* ids of tokens that were used in this minute */
    GHashTable *unwritten;          /* id -> minute (as a pointer), not in Redis yet */
};

/* ---- reading ---- */

/* What a look at Redis gathers. */
struct look {
    struct registry *registry;
    struct registry_snapshot *snapshot;
    int64_t version;
    guint damaged;
    int64_t removed;
};

static void take_version(struct reader *reader, const struct redis_reply *reply, void *opaque, size_t a, size_t b)
{
    struct look *look = opaque;
    (void)a, (void)b;
    look->version = 0;
    if (redis_reply_kind(reply) != REDIS_NIL && !number_read_signed(redis_reply_text(reply), &look->version))
        reader_fail(reader, VERSION_KEY " is not a number.");
}

/* Each damaged entry is logged once, until it is well again or another process looks. */
static void note_damage(struct look *look, const char *kind, struct view name, const char *reason)
{
    struct registry *registry = look->registry;
    g_autofree char *entry = g_strdup_printf("%s %.*s", kind, (int)MIN(name.size, REGISTRY_NAME_MAX), name.data);
    look->damaged++;
    if (g_hash_table_size(registry->named) >= NAMED_MAX)
        g_hash_table_remove_all(registry->named);
    if (g_hash_table_contains(registry->named, entry))
        return;
    log_warn("registry_entry_left_out", "kind=%s entry=%s reason=%s", kind, strchr(entry, ' ') + 1, reason);
    g_hash_table_add(registry->named, g_steal_pointer(&entry));
}

static void take_token(struct view name, struct view value, void *opaque, size_t a)
{
    struct look *look = opaque;
    g_autoptr(GError) error = NULL;
    (void)a;
    struct registry_token *token = registry_token_read(name, value, &error);
    if (token == NULL)
        note_damage(look, "token", name, error->message);
    else if (!registry_snapshot_add_token(look->snapshot, token))
        note_damage(look, "token", name, "There are too many, or another has the same digest.");
}

/* a: enum registry_kind. */
static void take_item(struct view name, struct view value, void *opaque, size_t a)
{
    struct look *look = opaque;
    enum registry_kind kind = (enum registry_kind)a;
    g_autoptr(GError) error = NULL;
    void *item = registry_item_read(kind, name, value, &error);
    if (item == NULL)
        note_damage(look, registry_kind_info(kind)->name, name, error->message);
    else if (!registry_snapshot_add(look->snapshot, kind, item))
        note_damage(look, registry_kind_info(kind)->name, name, "There are too many.");
}

static bool begin(struct registry *registry, GError **error)
{
    return reader_begin(registry->reader, g_get_monotonic_time() + TIMEOUT_MS * G_TIME_SPAN_MILLISECOND, error);
}

static bool read_version(struct look *look, GError **error)
{
    struct reader *reader = look->registry->reader;
    const struct view argv[] = {view_of("GET"), view_of(VERSION_KEY)};
    reader_ask(reader, READER_CONTROL, argv, G_N_ELEMENTS(argv), (struct reader_then){.take = take_version, .opaque = look});
    return reader_finish(reader, error);
}

static bool read_all(struct look *look, GError **error)
{
    struct reader *reader = look->registry->reader;
    const struct reader_pairs tokens = {.each = take_token, .opaque = look, .once = true};
    look->snapshot = registry_snapshot_new(look->version);
    reader_scan(reader, READER_CONTROL, "HSCAN", TOKENS_KEY, NULL, tokens);
    for (size_t kind = 0; kind < REGISTRY_KIND_N; kind++) {
        const struct reader_pairs items = {.each = take_item, .opaque = look, .a = kind, .once = true};
        reader_scan(reader, READER_CONTROL, "HSCAN", registry_kind_info((enum registry_kind)kind)->key, NULL, items);
    }
    return reader_finish(reader, error);
}

/* ---- what is over is removed ---- */

static void take_removed(struct reader *reader, const struct redis_reply *reply, void *opaque, size_t a, size_t b)
{
    struct look *look = opaque;
    (void)reader, (void)a, (void)b;
    look->removed += redis_reply_integer(reply);
}

static void forget(struct look *look, const char *id)
{
    struct reader *reader = look->registry->reader;
    const struct view token[] = {view_of("HDEL"), view_of(TOKENS_KEY), view_of(id)};
    const struct view use[] = {view_of("HDEL"), view_of(USED_KEY), view_of(id)};
    reader_ask(reader, READER_CONTROL, token, G_N_ELEMENTS(token), (struct reader_then){.take = take_removed, .opaque = look});
    reader_ask(reader, READER_CONTROL, use, G_N_ELEMENTS(use), (struct reader_then){0});
}

/* Access tokens that expired long ago, and those whose parent is gone. One whose parent may just not have been seen, because both
 * are new or something was left out, stays. All replicas do this; each entry is removed by one of them. */
static bool sweep(struct look *look, const GPtrArray *orphans, GError **error)
{
    struct reader *reader = look->registry->reader;
    int64_t now_ms = g_get_real_time() / G_TIME_SPAN_MILLISECOND;
    GHashTableIter iter;
    void *value;
    g_hash_table_iter_init(&iter, look->snapshot->tokens_by_id);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const struct registry_token *token = value;
        if (token->has_parent && registry_token_expired(token, now_ms - EXPIRED_KEPT_MS))
            forget(look, token->id);
    }
    for (guint i = 0; i < orphans->len && look->damaged == 0; i++) {
        const struct registry_token *token = g_ptr_array_index(orphans, i);
        if (token->created_ms < now_ms - ORPHAN_KEPT_MS)
            forget(look, token->id);
    }
    if (!reader_finish(reader, error) || look->removed == 0)
        return look->removed == 0;
    log_info("access_tokens_removed", "tokens=%" G_GINT64_FORMAT, look->removed);
    const struct view argv[] = {view_of("INCR"), view_of(VERSION_KEY)};
    reader_ask(reader, READER_CONTROL, argv, G_N_ELEMENTS(argv), (struct reader_then){0});
    return reader_finish(reader, error);
}

/* ---- last uses ---- */

static void ask_used(struct registry *registry, GHashTable *unwritten)
{
    GHashTableIter iter;
    void *id, *minute;
    g_hash_table_iter_init(&iter, unwritten);
    while (g_hash_table_iter_next(&iter, &id, &minute)) {
        char text[NUMBER_MAX];
        size_t size = number_write_signed(text, (int64_t)GPOINTER_TO_SIZE(minute) * MINUTE_MS);
        const struct view argv[] = {view_of("HSET"), view_of(USED_KEY), view_of(id), view_make(text, size)};
        reader_ask(registry->reader, READER_CONTROL, argv, G_N_ELEMENTS(argv), (struct reader_then){0});
    }
}

static gboolean is_known(void *id, void *minute, void *newer)
{
    (void)minute;
    return g_hash_table_contains(newer, id);
}

/* What was used meanwhile stays, and what is lost beyond the limit is only when a token was used. */
static void put_back(struct registry *registry, GHashTable *unwritten)
{
    g_mutex_lock(&registry->lock);
    GHashTable *newer = registry->unwritten;
    g_hash_table_foreach_remove(unwritten, is_known, newer);
    GHashTableIter iter;
    void *id, *minute;
    g_hash_table_iter_init(&iter, unwritten);
    while (g_hash_table_size(newer) < REGISTRY_TOKENS_MAX && g_hash_table_iter_next(&iter, &id, &minute)) {
        g_hash_table_iter_steal(&iter);
        g_hash_table_insert(newer, id, minute);
    }
    g_mutex_unlock(&registry->lock);
}

static bool write_used(struct registry *registry, GError **error)
{
    g_mutex_lock(&registry->lock);
    GHashTable *unwritten = registry->unwritten;
    registry->unwritten = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_mutex_unlock(&registry->lock);
    ask_used(registry, unwritten);
    bool ok = reader_finish(registry->reader, error);
    if (!ok)
        put_back(registry, unwritten);
    g_hash_table_destroy(unwritten);
    return ok;
}

void registry_used(struct registry *registry, const char *token_id)
{
    int64_t minute = g_get_real_time() / G_TIME_SPAN_MILLISECOND / MINUTE_MS;
    g_mutex_lock(&registry->lock);
    if (minute != registry->minute)
        g_hash_table_remove_all(registry->used);
    registry->minute = minute;
    if (!g_hash_table_contains(registry->used, token_id) && g_hash_table_size(registry->used) < REGISTRY_TOKENS_MAX &&
        g_hash_table_size(registry->unwritten) < REGISTRY_TOKENS_MAX) {
        g_hash_table_add(registry->used, g_strdup(token_id));
        g_hash_table_replace(registry->unwritten, g_strdup(token_id), GSIZE_TO_POINTER((gsize)minute));
    }
    g_mutex_unlock(&registry->lock);
}

/* ---- the thread ---- */

static void install(struct look *look)
{
    struct registry *registry = look->registry;
    metrics_set(registry->metrics, METER_REGISTRY_ENTRIES, "tokens", g_hash_table_size(look->snapshot->tokens_by_id));
    for (int kind = 0; kind < REGISTRY_KIND_N; kind++)
        metrics_set(registry->metrics, METER_REGISTRY_ENTRIES, registry_kind_info((enum registry_kind)kind)->names,
                    g_hash_table_size(look->snapshot->items[kind]));
    metrics_set(registry->metrics, METER_REGISTRY_ENTRIES, "left_out", look->damaged);
    g_mutex_lock(&registry->lock);
    struct registry_snapshot *before = registry->snapshot;
    registry->snapshot = registry_snapshot_ref(look->snapshot);
    g_mutex_unlock(&registry->lock);
    registry_snapshot_unref(before);
}

static void free_orphan(void *token)
{
    registry_token_free(token);
}

static bool read_whole(struct look *look, GError **error)
{
    struct registry *registry = look->registry;
    g_autoptr(GPtrArray) orphans = g_ptr_array_new_with_free_func(free_orphan);
    gint64 begun_us = g_get_monotonic_time();
    bool ok = read_all(look, error);
    if (ok) {
        registry_snapshot_seal(look->snapshot, orphans);
        registry->whole_us = begun_us;
        install(look);
        metrics_add(registry->metrics, METER_REGISTRY_READS, NULL, 1);
        ok = sweep(look, orphans, error);
    }
    registry_snapshot_unref(look->snapshot);
    return ok;
}

/* Only this thread changes the snapshot, so it may look at it without the lock. */
static bool look_once(struct registry *registry, GError **error)
{
    struct look look = {.registry = registry};
    if (!begin(registry, error) || !read_version(&look, error))
        return false;
    bool whole = registry->whole_us == 0 || look.version != registry->snapshot->version ||
                 g_get_monotonic_time() - registry->whole_us >= WHOLE_MS * G_TIME_SPAN_MILLISECOND;
    if (whole && !read_whole(&look, error))
        return false;
    return write_used(registry, error);
}

static void log_change(struct registry *registry, const GError *error)
{
    if (error != NULL && !registry->was_lost)
        log_warn("registry_not_read", "error=%s", error->message);
    else if (error == NULL && registry->was_lost)
        log_info("registry_read_again", "version=%" G_GINT64_FORMAT, registry->snapshot->version);
    registry->was_lost = error != NULL;
}

static void serve(struct registry *registry)
{
    g_autoptr(GError) error = NULL;
    g_mutex_lock(&registry->lock);
    uint64_t serving = registry->tickets;
    g_mutex_unlock(&registry->lock);
    bool ok = look_once(registry, &error);
    if (!ok)
        registry->whole_us = 0; /* who answers next may have begun to count versions anew */
    log_change(registry, error);
    g_mutex_lock(&registry->lock);
    registry->looked = serving;
    if (ok)
        registry->seen = serving;
    g_free(registry->trouble);
    registry->trouble = ok ? NULL : g_strdup(error->message);
    g_cond_broadcast(&registry->served);
    g_mutex_unlock(&registry->lock);
}

/* False: it is to end. */
static bool wait_for_next(struct registry *registry)
{
    gint64 until = g_get_monotonic_time() + LOOK_MS * G_TIME_SPAN_MILLISECOND;
    g_mutex_lock(&registry->lock);
    while (!registry->stopping && registry->tickets == registry->looked &&
           g_cond_wait_until(&registry->wake, &registry->lock, until))
        continue;
    bool go_on = !registry->stopping;
    g_mutex_unlock(&registry->lock);
    return go_on;
}

static void *run(void *opaque)
{
    struct registry *registry = opaque;
    g_autoptr(GError) error = NULL;
    while (wait_for_next(registry))
        serve(registry);
    if (begin(registry, &error))
        write_used(registry, NULL);
    return NULL;
}

bool registry_refresh(struct registry *registry, GError **error)
{
    g_mutex_lock(&registry->lock);
    uint64_t ticket = ++registry->tickets;
    g_cond_signal(&registry->wake);
    while (registry->looked < ticket)
        g_cond_wait(&registry->served, &registry->lock);
    bool ok = registry->seen >= ticket;
    if (!ok)
        g_set_error(error, REDIS_ERROR, REDIS_ERROR_LOST, "The registry cannot be read: %s",
                    registry->trouble != NULL ? registry->trouble : "it was tried again since.");
    g_mutex_unlock(&registry->lock);
    return ok;
}

struct registry *registry_start(const struct redis_settings *settings, struct metrics *metrics)
{
    struct registry *registry = g_new0(struct registry, 1);
    registry->settings = *settings;
    registry->metrics = metrics;
    registry->reader = reader_new(&registry->settings, 1);
    registry->named = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    registry->used = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    registry->unwritten = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    registry->snapshot = registry_snapshot_new(REGISTRY_NEVER_READ);
    g_mutex_init(&registry->lock);
    g_cond_init(&registry->wake);
    g_cond_init(&registry->served);
    registry->thread = g_thread_new("registry", run, registry);
    registry_refresh(registry, NULL);
    return registry;
}

void registry_stop(struct registry *registry)
{
    g_mutex_lock(&registry->lock);
    registry->stopping = true;
    g_cond_signal(&registry->wake);
    g_mutex_unlock(&registry->lock);
    g_thread_join(registry->thread);
    reader_free(registry->reader);
    g_hash_table_destroy(registry->named);
    g_hash_table_destroy(registry->used);
    g_hash_table_destroy(registry->unwritten);
    registry_snapshot_unref(registry->snapshot);
    g_free(registry->trouble);
    g_mutex_clear(&registry->lock);
    g_cond_clear(&registry->wake);
    g_cond_clear(&registry->served);
    g_free(registry);
}

struct registry_snapshot *registry_take(struct registry *registry)
{
    g_mutex_lock(&registry->lock);
    struct registry_snapshot *snapshot = registry_snapshot_ref(registry->snapshot);
    g_mutex_unlock(&registry->lock);
    return snapshot;
}

bool registry_is_current(struct registry *registry)
{
    g_mutex_lock(&registry->lock);
    bool current = registry->trouble == NULL;
    g_mutex_unlock(&registry->lock);
    return current;
}

void registry_release(struct registry_snapshot *snapshot)
{
    registry_snapshot_unref(snapshot);
}
