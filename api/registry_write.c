#include "api/registry_write.h"

#include "api/registry_text.h"
#include "lib/number.h"

#define VERSION_KEY "{daybook}:version"
#define TOKENS_KEY "{daybook}:tokens"
#define USED_KEY "{daybook}:used"

enum { USED_BATCH = 500, TRY_AGAIN_US = 2000 };

/* ---- commands ---- */

static void take_version(struct reader *reader, const struct redis_reply *reply, void *opaque, size_t a, size_t b)
{
    int64_t *version = opaque;
    (void)a, (void)b;
    *version = 0;
    if (redis_reply_kind(reply) != REDIS_NIL && !number_read_signed(redis_reply_text(reply), version))
        reader_fail(reader, VERSION_KEY " is not a number.");
}

/* Replies of all commands of the transaction; nil: the version had grown. */
static void take_exec(struct reader *reader, const struct redis_reply *reply, void *opaque, size_t a, size_t b)
{
    bool *done = opaque;
    (void)a, (void)b;
    *done = redis_reply_kind(reply) == REDIS_ARRAY;
    for (size_t i = 0; i < redis_reply_count(reply); i++) {
        const struct redis_reply *one = redis_reply_at(reply, i);
        struct view text = redis_reply_text(one);
        if (redis_reply_kind(one) == REDIS_ERROR_REPLY_KIND)
            reader_fail(reader, "Redis refused a change of the registry: %.*s.", (int)text.size, text.data);
    }
}

static void ask(struct reader *reader, const char *command, const char *key, struct reader_then then)
{
    const struct view argv[] = {view_of(command), view_of(key)};
    reader_ask(reader, READER_CONTROL, argv, key != NULL ? 2 : 1, then);
}

static void ask_plain(struct reader *reader, const char *command, const char *key)
{
    ask(reader, command, key, (struct reader_then){0});
}

static void queue(struct registry_change *change, const struct view *argv, size_t argc)
{
    if (change->queued++ == 0)
        ask_plain(change->reader, "MULTI", NULL);
    reader_ask(change->reader, READER_CONTROL, argv, argc, (struct reader_then){0});
}

void registry_put_token(struct registry_change *change, const struct registry_token *token)
{
    g_autofree char *json = registry_token_write(token);
    const struct view argv[] = {view_of("HSET"), view_of(TOKENS_KEY), view_of(token->id), view_of(json)};
    queue(change, argv, G_N_ELEMENTS(argv));
}

void registry_put(struct registry_change *change, enum registry_kind kind, const void *item)
{
    const struct registry_kind_info *info = registry_kind_info(kind);
    g_autofree char *field = info->field(item), *json = registry_item_write(kind, item);
    const struct view argv[] = {view_of("HSET"), view_of(info->key), view_of(field), view_of(json)};
    queue(change, argv, G_N_ELEMENTS(argv));
}

void registry_remove(struct registry_change *change, enum registry_kind kind, const void *item)
{
    const struct registry_kind_info *info = registry_kind_info(kind);
    g_autofree char *field = info->field(item);
    const struct view argv[] = {view_of("HDEL"), view_of(info->key), view_of(field)};
    queue(change, argv, G_N_ELEMENTS(argv));
}

static void remove_one(struct registry_change *change, const char *id)
{
    const struct view token[] = {view_of("HDEL"), view_of(TOKENS_KEY), view_of(id)};
    const struct view use[] = {view_of("HDEL"), view_of(USED_KEY), view_of(id)};
    queue(change, token, G_N_ELEMENTS(token));
    queue(change, use, G_N_ELEMENTS(use));
}

void registry_remove_token(struct registry_change *change, const struct registry_token *token)
{
    GHashTableIter iter;
    void *value;
    remove_one(change, token->id);
    g_hash_table_iter_init(&iter, change->snapshot->tokens_by_id);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const struct registry_token *child = value;
        if (child->has_parent && memcmp(child->parent, token->digest, REGISTRY_DIGEST_SIZE) == 0)
            remove_one(change, child->id);
    }
}

static int by_age(const void *a, const void *b)
{
    const struct registry_token *const *first = a, *const *second = b;
    return ((*first)->created_ms > (*second)->created_ms) - ((*first)->created_ms < (*second)->created_ms);
}

static GPtrArray *list_children(const struct registry_snapshot *snapshot, const struct registry_room *room)
{
    GPtrArray *children = g_ptr_array_new();
    GHashTableIter iter;
    void *value;
    g_hash_table_iter_init(&iter, snapshot->tokens_by_id);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const struct registry_token *token = value;
        if (token->has_parent && token->is_session == room->sessions && strcmp(token->id, room->except_id) != 0 &&
            strcmp(token->caller->id, room->caller_id) == 0)
            g_ptr_array_add(children, value);
    }
    g_ptr_array_sort(children, by_age);
    return children;
}

int64_t registry_make_room(struct registry_change *change, const struct registry_room *room, int64_t now_ms)
{
    g_autoptr(GPtrArray) children = list_children(change->snapshot, room);
    guint n = children->len >= room->most ? children->len - room->most + 1 : 0;
    const struct registry_token *newest = n > 0 ? g_ptr_array_index(children, n - 1) : NULL;
    int64_t wait_ms = newest != NULL ? MAX(newest->created_ms + room->kept_ms - now_ms, 0) : 0;
    for (guint i = 0; wait_ms == 0 && i < n; i++)
        registry_remove_token(change, g_ptr_array_index(children, i));
    return wait_ms;
}

/* ---- transactions ---- */

/* From here on a change by another fails ours; the snapshot is as new as this moment at least, or of another version. */
static struct registry_snapshot *watch(struct registry *registry, struct reader *reader, GError **error)
{
    int64_t version = 0;
    ask_plain(reader, "UNWATCH", NULL);
    ask_plain(reader, "WATCH", VERSION_KEY);
    ask(reader, "GET", VERSION_KEY, (struct reader_then){.take = take_version, .opaque = &version});
    if (!reader_finish(reader, error))
        return NULL;
    struct registry_snapshot *snapshot = registry_take(registry);
    if (snapshot->version == version)
        return snapshot;
    registry_release(snapshot);
    return registry_refresh(registry, error) ? registry_take(registry) : NULL;
}

/* *done is false when the version had grown. */
static bool commit(struct registry_change *change, bool *done, GError **error)
{
    *done = true;
    if (change->queued == 0) {
        ask_plain(change->reader, "UNWATCH", NULL);
        return reader_finish(change->reader, error);
    }
    ask_plain(change->reader, "INCR", VERSION_KEY);
    ask(change->reader, "EXEC", NULL, (struct reader_then){.take = take_exec, .opaque = done});
    return reader_finish(change->reader, error);
}

static bool change_once(struct registry_change *change, registry_decide *decide, void *opaque, bool *done, GError **error)
{
    change->queued = 0;
    decide(change, opaque);
    return commit(change, done, error);
}

bool registry_change(struct registry *registry, struct reader *reader, registry_decide *decide, void *opaque, GError **error)
{
    for (int n = 0; n < REGISTRY_CHANGE_TRIES; n++) {
        struct registry_snapshot *snapshot = watch(registry, reader, error);
        if (snapshot == NULL)
            return false;
        struct registry_change change = {.reader = reader, .snapshot = snapshot};
        bool done, ok = change_once(&change, decide, opaque, &done, error);
        registry_release(snapshot);
        if (!ok)
            return false;
        if (done)
            return change.queued == 0 || registry_refresh(registry, error);
        g_usleep((gulong)g_random_int_range(1, TRY_AGAIN_US * (n + 1)));
    }
    g_set_error(error, REDIS_ERROR, REDIS_ERROR_LOST, "The registry is changed by others faster than by us.");
    return false;
}

bool registry_change_any(struct registry *registry, struct reader *reader, registry_decide *decide, void *opaque, GError **error)
{
    struct registry_snapshot *snapshot = registry_take(registry);
    struct registry_change change = {.reader = reader, .snapshot = snapshot};
    bool done;
    ask_plain(reader, "UNWATCH", NULL);
    bool ok = change_once(&change, decide, opaque, &done, error);
    registry_release(snapshot);
    return ok && (change.queued == 0 || registry_refresh(registry, error));
}

/* ---- when tokens were used ---- */

static void take_used(struct reader *reader, const struct redis_reply *reply, void *opaque, size_t a, size_t b)
{
    int64_t *used_ms = (int64_t *)opaque + a;
    (void)reader;
    for (size_t i = 0; i < b && i < redis_reply_count(reply); i++)
        if (!number_read_signed(redis_reply_text(redis_reply_at(reply, i)), &used_ms[i]))
            used_ms[i] = 0;
}

bool registry_read_used(struct reader *reader, const char *const *ids, size_t n, int64_t *used_ms, GError **error)
{
    struct view argv[USED_BATCH + 2] = {view_of("HMGET"), view_of(USED_KEY)};
    for (size_t at = 0; at < n; at += USED_BATCH) {
        size_t some = MIN(n - at, (size_t)USED_BATCH);
        for (size_t i = 0; i < some; i++)
            argv[2 + i] = view_of(ids[at + i]);
        reader_ask(reader, READER_CONTROL, argv, 2 + some,
                   (struct reader_then){.take = take_used, .opaque = used_ms, .a = at, .b = some});
    }
    return reader_finish(reader, error);
}
