/* model_store: an owner of a partition on the stand-in of Redis (model_redis.h), for tests of what the aggregator keeps there.
 *
 * Commands are executed in the order in which they were appended; their replies can be read once they were sent. What was asked
 * besides scripts is written down. Included by one test each. */
#ifndef DAYBOOK_TEST_MODEL_STORE_H
#define DAYBOOK_TEST_MODEL_STORE_H

#include "aggregator/commit.h"
#include "tests/unit/model_redis.h"

struct model_store {
    struct store store;
    struct model *model;
    GQueue unsent, replies; /* struct redis_reply */
    GPtrArray *asked;       /* char *: "HMGET key 3", the number of arguments behind the key; borrowed from the owner */
};

struct owner {
    struct model *model;
    struct commit *commit;
    struct commit_point point;
    GPtrArray *asked;
    guint claims;
};

static void model_store_append(struct store *store, size_t argc, const struct view *argv)
{
    struct model_store *self = (struct model_store *)store;
    if (!view_is(argv[0], "EVALSHA"))
        g_ptr_array_add(self->asked, g_strdup_printf("%.*s %.*s %zu", (int)argv[0].size, argv[0].data, (int)argv[1].size,
                                                     argv[1].data, argc - 2));
    g_queue_push_tail(&self->unsent, model_execute(self->model, argc, argv));
}

static bool model_store_send(struct store *store, GError **error)
{
    struct model_store *self = (struct model_store *)store;
    (void)error;
    while (!g_queue_is_empty(&self->unsent))
        g_queue_push_tail(&self->replies, g_queue_pop_head(&self->unsent));
    return true;
}

static struct redis_reply *model_store_read(struct store *store, GError **error)
{
    struct model_store *self = (struct model_store *)store;
    (void)error;
    g_assert_false(g_queue_is_empty(&self->replies)); /* the real one would wait for ever */
    return g_queue_pop_head(&self->replies);
}

static void model_store_free(struct store *store)
{
    struct model_store *self = (struct model_store *)store;
    g_queue_clear_full(&self->unsent, (GDestroyNotify)redis_reply_free);
    g_queue_clear_full(&self->replies, (GDestroyNotify)redis_reply_free);
    g_free(self);
}

static const struct store_ops model_store_ops = {model_store_append, model_store_send, model_store_read, model_store_free};

static void owner_init(struct owner *owner)
{
    *owner = (struct owner){.model = model_new(), .asked = g_ptr_array_new_with_free_func(g_free)};
}

static void owner_clear(struct owner *owner)
{
    commit_free(owner->commit);
    g_ptr_array_free(owner->asked, TRUE);
    model_free(owner->model);
}

/* A new connection, and a claim under a new token. */
static void owner_claim(struct owner *owner, int partition)
{
    char token[33];
    g_autoptr(GError) error = NULL;
    struct model_store *store = g_new0(struct model_store, 1);
    *store = (struct model_store){.store = {&model_store_ops}, .model = owner->model, .asked = owner->asked};
    commit_free(owner->commit);
    owner->commit = commit_new(partition, &store->store);
    g_snprintf(token, sizeof token, "%032x", ++owner->claims);
    commit_claim(owner->commit, token, &owner->point, &error);
    g_assert_no_error(error);
}

/* Commits the payload, which is empty afterwards. The answers are not waited for. */
G_GNUC_UNUSED static void owner_flush(struct owner *owner, struct payload *payload)
{
    g_autoptr(GError) error = NULL;
    owner->point.n++;
    owner->point.next++;
    commit_flush(owner->commit, &owner->point, payload, &error);
    g_assert_no_error(error);
    payload_reset(payload);
}

G_GNUC_UNUSED static void owner_read(struct owner *owner)
{
    g_autoptr(GError) error = NULL;
    commit_read(owner->commit, &error);
    g_assert_no_error(error);
}

/* What was asked since the last call, one after the other; the caller frees it. */
G_GNUC_UNUSED static char *owner_asked(struct owner *owner)
{
    GString *text = g_string_new(NULL);
    for (guint i = 0; i < owner->asked->len; i++)
        g_string_append_printf(text, "%s%s", i ? "; " : "", (char *)owner->asked->pdata[i]);
    g_ptr_array_set_size(owner->asked, 0);
    return g_string_free(text, FALSE);
}

/* Somebody else's hand. */
G_GNUC_UNUSED static void owner_tamper(struct owner *owner, const char *key, struct view field, const char *value)
{
    g_autoptr(GBytes) k = g_bytes_new(key, strlen(key));
    g_autoptr(GBytes) f = bytes_of(field);
    g_autoptr(GBytes) v = value ? g_bytes_new(value, strlen(value)) : NULL;
    raw_set(owner->model, k, f, v);
}

/* A hash as text, its fields in order: "a=1 b=2"; the caller frees it. */
static gint model_store_by_text(gconstpointer a, gconstpointer b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

G_GNUC_UNUSED static char *owner_hash(const struct owner *owner, const char *key)
{
    g_autoptr(GPtrArray) parts = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GBytes) k = g_bytes_new(key, strlen(key));
    GHashTable *hash = g_hash_table_lookup(owner->model->keys, k);
    GHashTableIter iter;
    gpointer field, value;
    if (!hash)
        return g_strdup("");
    g_hash_table_iter_init(&iter, hash);
    while (g_hash_table_iter_next(&iter, &field, &value))
        g_ptr_array_add(parts,
                        g_strdup_printf("%.*s=%.*s", (int)g_bytes_get_size(field), (const char *)g_bytes_get_data(field, NULL),
                                        (int)g_bytes_get_size(value), (const char *)g_bytes_get_data(value, NULL)));
    g_ptr_array_sort(parts, model_store_by_text);
    g_ptr_array_add(parts, NULL);
    return g_strjoinv(" ", (char **)parts->pdata);
}

#endif
