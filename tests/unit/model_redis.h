/* model_redis: a stand-in for Redis that can be stopped between any two commands and put back to any earlier state.
 *
 * It knows just what the aggregator sends: the scripts of aggregator/store.h by their SHA-1, GET, HGETALL, HVALS, HGET, HMGET, HLEN
 * and ZRANGE 0 -1 with and without WITHSCORES. test_model_redis.c runs the same commands on a real Redis and compares every reply
 * and every key.
 *
 * Each write is one step of an undo log: model_rollback(n) leaves the state after the first n of them. Included by one test each.
 */
#ifndef DAYBOOK_TEST_MODEL_REDIS_H
#define DAYBOOK_TEST_MODEL_REDIS_H

#include "aggregator/store.h"
#include <string.h>

struct model {
    GHashTable
        *keys;       /* GBytes key -> GHashTable (GBytes field -> GBytes value); sorted sets: member -> score; strings: one field */
    GPtrArray *undo; /* GPtrArray of struct change: one per write */
    int replid;
    char replid_name[41];         /* said instead of the number, if not empty */
    int epoch;                    /* rises when connections are cut */
    unsigned no_fence, no_replid; /* sets of scripts (1 << STORE_COMMIT) that leave a rule out, to see that the test notices */
};

#define MODEL_STRING "(string)" /* the field that stands for a string's value; no hash has it */

struct change {
    GBytes *key, *field, *old; /* old == NULL: was not there */
};

static void change_free(gpointer opaque)
{
    struct change *change = opaque;
    g_bytes_unref(change->key);
    g_bytes_unref(change->field);
    if (change->old)
        g_bytes_unref(change->old);
    g_free(change);
}

static void step_free(gpointer opaque)
{
    g_ptr_array_free(opaque, TRUE);
}

static void hash_free(gpointer opaque)
{
    g_hash_table_destroy(opaque);
}

static struct model *model_new(void)
{
    struct model *model = g_new0(struct model, 1);
    model->keys = g_hash_table_new_full(g_bytes_hash, g_bytes_equal, (GDestroyNotify)g_bytes_unref, hash_free);
    model->undo = g_ptr_array_new_with_free_func(step_free);
    return model;
}

static void model_free(struct model *model)
{
    g_hash_table_destroy(model->keys);
    g_ptr_array_free(model->undo, TRUE);
    g_free(model);
}

static GBytes *bytes_of(struct view text)
{
    return g_bytes_new(text.data, text.size);
}

/* ---- state ---- */

static GBytes *model_get(struct model *model, struct view key, struct view field)
{
    g_autoptr(GBytes) k = bytes_of(key);
    g_autoptr(GBytes) f = bytes_of(field);
    GHashTable *hash = g_hash_table_lookup(model->keys, k);
    return hash ? g_hash_table_lookup(hash, f) : NULL;
}

static struct view model_text(struct model *model, struct view key, const char *field)
{
    GBytes *value = model_get(model, key, view_of(field));
    return value ? view_make(g_bytes_get_data(value, NULL), g_bytes_get_size(value)) : view_of("");
}

/* Sets (value != NULL) or removes a field without writing it down. */
static void raw_set(struct model *model, GBytes *key, GBytes *field, GBytes *value)
{
    GHashTable *hash = g_hash_table_lookup(model->keys, key);
    if (!hash && value) {
        hash = g_hash_table_new_full(g_bytes_hash, g_bytes_equal, (GDestroyNotify)g_bytes_unref, (GDestroyNotify)g_bytes_unref);
        g_hash_table_insert(model->keys, g_bytes_ref(key), hash);
    }
    if (value)
        g_hash_table_replace(hash, g_bytes_ref(field), g_bytes_ref(value));
    else if (hash && g_hash_table_remove(hash, field) && g_hash_table_size(hash) == 0)
        g_hash_table_remove(model->keys, key);
}

static void model_set(struct model *model, GPtrArray *step, GBytes *key, GBytes *field, GBytes *value)
{
    GHashTable *hash = g_hash_table_lookup(model->keys, key);
    GBytes *old = hash ? g_hash_table_lookup(hash, field) : NULL;
    struct change *change = g_new(struct change, 1);
    *change = (struct change){g_bytes_ref(key), g_bytes_ref(field), old ? g_bytes_ref(old) : NULL};
    g_ptr_array_add(step, change);
    raw_set(model, key, field, value);
}

G_GNUC_UNUSED static void model_rollback(struct model *model, guint writes, bool silent)
{
    while (model->undo->len > writes) {
        GPtrArray *step = g_ptr_array_index(model->undo, model->undo->len - 1);
        for (guint i = step->len; i > 0; i--) {
            const struct change *change = g_ptr_array_index(step, i - 1);
            raw_set(model, change->key, change->field, change->old);
        }
        g_ptr_array_remove_index(model->undo, model->undo->len - 1);
    }
    model->replid++;
    if (!silent)
        model->epoch++;
}

/* ---- replies, in RESP ---- */

static void put_bulk(GString *out, struct view text)
{
    g_string_append_printf(out, "$%zu\r\n", text.size);
    g_string_append_len(out, text.data, (gssize)text.size);
    g_string_append(out, "\r\n");
}

static void put_bytes(GString *out, GBytes *bytes)
{
    if (bytes)
        put_bulk(out, view_make(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes)));
    else
        g_string_append(out, "$-1\r\n");
}

static void put_integer(GString *out, guint number)
{
    g_string_append_printf(out, ":%u\r\n", number);
}

/* ---- commands ---- */

static void replid_text(const struct model *model, char out[41])
{
    if (model->replid_name[0])
        memcpy(out, model->replid_name, 41);
    else
        g_snprintf(out, 41, "%040x", (unsigned)model->replid);
}

static bool fenced(struct model *model, enum store_script script, struct view key, struct view token, struct view n)
{
    struct view have_n = model_text(model, key, "n");
    return !(model->no_fence >> script & 1) &&
           (!view_equal(model_text(model, key, "tok"), token) || !view_equal(have_n.size ? have_n : view_of("0"), n));
}

static bool other_history(const struct model *model, enum store_script script, struct view replid)
{
    char text[41];
    replid_text(model, text);
    return !(model->no_replid >> script & 1) && !view_is(replid, text);
}

/* What COMMIT, SHEET and GUARD begin with; writes the refusal. */
static bool refused(struct model *model, GString *out, enum store_script script, const struct view words[4])
{
    /* commit token n replid */
    if (fenced(model, script, words[0], words[1], words[2]))
        g_string_append(out, "-FENCED another owner\r\n");
    else if (other_history(model, script, words[3]))
        g_string_append(out, "-FENCED another history\r\n");
    else
        return false;
    return true;
}

static void hset(struct model *model, GString *out, struct view key, size_t argc, const struct view *argv, bool scores)
{
    GPtrArray *step = g_ptr_array_new_with_free_func(change_free);
    g_autoptr(GBytes) k = bytes_of(key);
    guint added = 0;
    for (size_t i = 0; i + 1 < argc; i += 2) {
        g_autoptr(GBytes) field = bytes_of(argv[i + (scores ? 1 : 0)]);
        g_autoptr(GBytes) value = bytes_of(argv[i + (scores ? 0 : 1)]);
        GHashTable *hash = g_hash_table_lookup(model->keys, k);
        added += !hash || !g_hash_table_contains(hash, field);
        model_set(model, step, k, field, value);
    }
    g_ptr_array_add(model->undo, step);
    put_integer(out, added);
}

static void hdel(struct model *model, GString *out, struct view key, size_t argc, const struct view *argv)
{
    GPtrArray *step = g_ptr_array_new_with_free_func(change_free);
    g_autoptr(GBytes) k = bytes_of(key);
    guint removed = 0;
    for (size_t i = 0; i < argc; i++) {
        g_autoptr(GBytes) field = bytes_of(argv[i]);
        GHashTable *hash = g_hash_table_lookup(model->keys, k);
        if (!hash || !g_hash_table_contains(hash, field))
            continue;
        removed++;
        model_set(model, step, k, field, NULL);
    }
    g_ptr_array_add(model->undo, step);
    put_integer(out, removed);
}

static bool unlink_key(struct model *model, GPtrArray *step, struct view key)
{
    g_autoptr(GBytes) k = bytes_of(key);
    GHashTable *hash = g_hash_table_lookup(model->keys, k);
    if (!hash)
        return false;
    GList *fields = g_hash_table_get_keys(hash);
    for (GList *f = fields; f; f = f->next) {
        g_autoptr(GBytes) field = g_bytes_ref(f->data);
        f->data = NULL;
        model_set(model, step, k, field, NULL);
    }
    g_list_free(fields);
    return true;
}

static void run_apply(struct model *model, GString *out, size_t argc, const struct view *argv)
{
    /* commit target token n command argument… */
    struct view name = argv[4];
    if (fenced(model, STORE_APPLY, argv[0], argv[2], argv[3])) {
        g_string_append(out, "-FENCED another owner\r\n");
    } else if (view_is(name, "HSET") || view_is(name, "ZADD")) {
        hset(model, out, argv[1], argc - 5, argv + 5, view_is(name, "ZADD"));
    } else if (view_is(name, "HDEL")) {
        hdel(model, out, argv[1], argc - 5, argv + 5);
    } else {
        GPtrArray *step = g_ptr_array_new_with_free_func(change_free);
        guint removed = unlink_key(model, step, argv[1]);
        g_assert_true(view_is(name, "UNLINK"));
        for (size_t i = 5; i < argc; i++)
            removed += unlink_key(model, step, argv[i]);
        g_ptr_array_add(model->undo, step);
        put_integer(out, removed);
    }
}

static void run_claim(struct model *model, GString *out, const struct view *argv)
{
    static const char *const fields[] = {"n", "next", "topic", "fp", "pay"};
    char replid[41];
    GString *ignored = g_string_new(NULL);
    const struct view token[] = {view_of("tok"), argv[1]};
    hset(model, ignored, argv[0], 2, token, false);
    g_string_free(ignored, TRUE);
    replid_text(model, replid);
    g_string_append(out, "*7\r\n");
    put_bulk(out, view_of("live"));
    put_bulk(out, view_of(replid));
    for (size_t i = 0; i < G_N_ELEMENTS(fields); i++) {
        GBytes *value = model_get(model, argv[0], view_of(fields[i]));
        if (value)
            put_bytes(out, value);
        else
            put_bulk(out, view_of(i < 2 ? "0" : ""));
    }
}

static void run_commit(struct model *model, GString *out, const struct view *argv)
{
    const struct view pairs[] = {view_of("n"),  argv[4], view_of("next"),  argv[5],         view_of("topic"), argv[6],
                                 view_of("fp"), argv[7], view_of("state"), view_of("live"), view_of("pay"),   argv[8]};
    if (!refused(model, out, STORE_COMMIT, argv))
        hset(model, out, argv[0], G_N_ELEMENTS(pairs), pairs, false);
}

static void run_sheet(struct model *model, GString *out, const struct view *argv)
{
    /* commit sheet token n replid bytes */
    const struct view words[] = {argv[0], argv[2], argv[3], argv[4]}, pair[] = {view_of(MODEL_STRING), argv[5]};
    if (refused(model, out, STORE_SHEET, words))
        return;
    if (model_get(model, argv[1], pair[0])) {
        g_string_append(out, "$-1\r\n");
        return;
    }
    GString *ignored = g_string_new(NULL);
    hset(model, ignored, argv[1], G_N_ELEMENTS(pair), pair, false);
    g_string_free(ignored, TRUE);
    g_string_append(out, "+OK\r\n");
}

static void run_guard(struct model *model, GString *out, const struct view *argv)
{
    if (!refused(model, out, STORE_GUARD, argv))
        put_integer(out, 1);
}

static void read_all(struct model *model, GString *out, struct view key, bool fields, bool values)
{
    g_autoptr(GBytes) k = bytes_of(key);
    GHashTable *hash = g_hash_table_lookup(model->keys, k);
    GHashTableIter iter;
    gpointer field, value;
    g_string_append_printf(out, "*%u\r\n", hash ? (fields + values) * g_hash_table_size(hash) : 0);
    if (!hash)
        return;
    g_hash_table_iter_init(&iter, hash);
    while (g_hash_table_iter_next(&iter, &field, &value)) {
        if (fields)
            put_bytes(out, field);
        if (values)
            put_bytes(out, value);
    }
}

static void run_read(struct model *model, GString *out, size_t argc, const struct view *argv)
{
    if (view_is(argv[0], "HMGET")) {
        g_string_append_printf(out, "*%zu\r\n", argc - 2);
        for (size_t i = 2; i < argc; i++)
            put_bytes(out, model_get(model, argv[1], argv[i]));
    } else if (view_is(argv[0], "HGET")) {
        put_bytes(out, model_get(model, argv[1], argv[2]));
    } else if (view_is(argv[0], "GET")) {
        put_bytes(out, model_get(model, argv[1], view_of(MODEL_STRING)));
    } else if (view_is(argv[0], "HLEN")) {
        g_autoptr(GBytes) k = bytes_of(argv[1]);
        GHashTable *hash = g_hash_table_lookup(model->keys, k);
        put_integer(out, hash ? g_hash_table_size(hash) : 0);
    } else {
        bool sorted = view_is(argv[0], "ZRANGE"), values = view_is(argv[0], "HVALS"); /* a sorted set comes in any order */
        g_assert_true(sorted || values || view_is(argv[0], "HGETALL"));
        read_all(model, out, argv[1], !values, !sorted || argc == 5);
    }
}

/* Executes one command and returns its reply. */
static struct redis_reply *model_execute(struct model *model, size_t argc, const struct view *argv)
{
    g_autoptr(GString) out = g_string_new(NULL);
    if (!view_is(argv[0], "EVALSHA"))
        run_read(model, out, argc, argv);
    else if (view_is(argv[1], store_script_sha(STORE_APPLY)))
        run_apply(model, out, argc - 3, argv + 3);
    else if (view_is(argv[1], store_script_sha(STORE_CLAIM)))
        run_claim(model, out, argv + 3);
    else if (view_is(argv[1], store_script_sha(STORE_COMMIT)))
        run_commit(model, out, argv + 3);
    else if (view_is(argv[1], store_script_sha(STORE_SHEET)))
        run_sheet(model, out, argv + 3);
    else
        run_guard(model, out, argv + 3);
    struct redis_reply *reply = redis_reply_from_resp(view_make(out->str, out->len));
    g_assert_nonnull(reply);
    return reply;
}

#endif
