/* The stand-in of the model test against a real Redis: the same random commands, scripts included, give the same replies and the
 * same keys. */
#include "aggregator/store.h"
#include "tests/unit/model_redis.h"
#include "tests/unit/redis_process.h"

enum { COMMANDS = 20000, KEYS = 4, FIELDS = 6 };

struct pair {
    GRand *random;
    struct model *model;
    struct store *real;
    guint refused, done, taken; /* sheets that were there already */
};

static guint pick(struct pair *pair, guint n)
{
    return (guint)g_rand_int_range(pair->random, 0, (gint32)n);
}

static gint by_text(gconstpointer a, gconstpointer b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* A reply as text. group: how many elements of an array belong together, in any order of the groups; 0: its order counts. */
static char *reply_text(const struct redis_reply *reply, size_t group)
{
    GString *text = g_string_new(NULL);
    switch (redis_reply_kind(reply)) {
    case REDIS_INTEGER:
        g_string_append_printf(text, ":%" G_GINT64_FORMAT, redis_reply_integer(reply));
        break;
    case REDIS_ARRAY: {
        g_autoptr(GPtrArray) parts = g_ptr_array_new_with_free_func(g_free);
        for (size_t i = 0; i < redis_reply_count(reply); i += MAX(group, 1)) {
            g_autofree char *one = reply_text(redis_reply_at(reply, i), 0);
            g_autofree char *two = group == 2 ? reply_text(redis_reply_at(reply, i + 1), 0) : g_strdup("");
            g_ptr_array_add(parts, g_strconcat(one, "=", two, NULL));
        }
        if (group > 0)
            g_ptr_array_sort(parts, by_text);
        for (guint i = 0; i < parts->len; i++)
            g_string_append_printf(text, "[%s]", (char *)parts->pdata[i]);
        break;
    }
    case REDIS_NIL:
        g_string_append(text, "nil");
        break;
    default: {
        struct view view = redis_reply_text(reply);
        bool error = redis_reply_kind(reply) == REDIS_ERROR_REPLY_KIND;
        g_string_append_len(text, error ? "-FENCED" : view.data, error ? 7 : (gssize)view.size);
    }
    }
    return g_string_free(text, FALSE);
}

static void both(struct pair *pair, size_t argc, const struct view *argv)
{
    g_autoptr(GError) error = NULL;
    bool members = view_is(argv[0], "HVALS") || (view_is(argv[0], "ZRANGE") && argc == 4);
    size_t group = members ? 1 : view_is(argv[0], "HGETALL") || view_is(argv[0], "ZRANGE") ? 2 : 0;
    pair->real->ops->append(pair->real, argc, argv);
    g_assert_true(pair->real->ops->send(pair->real, &error));
    struct redis_reply *real = pair->real->ops->read(pair->real, &error);
    g_assert_no_error(error);
    struct redis_reply *model = model_execute(pair->model, argc, argv);
    g_autofree char *r = reply_text(real, group), *m = reply_text(model, group);
    g_assert_cmpstr(m, ==, r);
    pair->refused += redis_reply_kind(real) == REDIS_ERROR_REPLY_KIND;
    pair->done++;
    redis_reply_free(real);
    redis_reply_free(model);
}

static void script(struct pair *pair, enum store_script which, size_t keys, size_t argc, const struct view *argv)
{
    struct view words[32];
    words[0] = view_of("EVALSHA");
    words[1] = view_of(store_script_sha(which));
    words[2] = view_of(keys == 1 ? "1" : "2");
    memcpy(words + 3, argv, argc * sizeof *argv);
    both(pair, 3 + argc, words);
}

static void random_apply(struct pair *pair, struct view token, struct view n)
{
    static const char *const names[] = {"HSET", "ZADD", "HDEL", "UNLINK"}, *const kinds[] = {"h", "z", "sheet:"};
    char key[32], other[32], texts[8][16];
    guint kind = pick(pair, 4), type = kind == 1 ? 1 : kind == 3 ? pick(pair, 3) : 0;
    struct view words[16] = {view_of("{p0}:commit"), {0}, token, n, view_of(names[kind])};
    size_t argc = 5;
    g_snprintf(key, sizeof key, "{p0}:%s%u", kinds[type], pick(pair, KEYS));
    words[1] = view_of(key);
    for (guint i = 0, pairs = 1 + pick(pair, 3); i < pairs && kind != 3; i++) {
        g_snprintf(texts[2 * i], sizeof texts[0], "%u", pick(pair, FIELDS));
        g_snprintf(texts[2 * i + 1], sizeof texts[0], "%u", pick(pair, FIELDS));
        words[argc++] = view_of(texts[2 * i]);
        if (kind != 2)
            words[argc++] = view_of(texts[2 * i + 1]);
    }
    if (kind == 3 && pick(pair, 2)) {
        g_snprintf(other, sizeof other, "{p0}:%s%u", kinds[pick(pair, 3)], pick(pair, KEYS));
        words[argc++] = view_of(other);
    }
    script(pair, STORE_APPLY, 2, argc, words);
}

static void random_read(struct pair *pair)
{
    char key[32], zset[32], sheet[32];
    g_snprintf(key, sizeof key, "{p0}:h%u", pick(pair, KEYS));
    g_snprintf(zset, sizeof zset, "{p0}:z%u", pick(pair, KEYS));
    g_snprintf(sheet, sizeof sheet, "{p0}:sheet:%u", pick(pair, KEYS));
    const struct view all[] = {view_of("HGETALL"), view_of(key)}, length[] = {view_of("HLEN"), view_of(key)};
    const struct view one[] = {view_of("HGET"), view_of(key), view_of("2")};
    const struct view some[] = {view_of("HMGET"), view_of(key), view_of("1"), view_of("3")};
    const struct view range[] = {view_of("ZRANGE"), view_of(zset), view_of("0"), view_of("-1"), view_of("WITHSCORES")};
    const struct view values[] = {view_of("HVALS"), view_of(key)}, whole[] = {view_of("GET"), view_of(sheet)};
    both(pair, 2, all);
    both(pair, 2, values);
    both(pair, 2, whole);
    both(pair, 2, length);
    both(pair, 3, one);
    both(pair, 4, some);
    both(pair, 5, range);
    both(pair, 4, range); /* members only */
}

static void random_commit(struct pair *pair, struct view token, guint *n)
{
    char before[16], after[16];
    bool stale = pick(pair, 8) == 0, elsewhere = pick(pair, 8) == 0;
    g_snprintf(before, sizeof before, "%u", stale ? *n + 1 : *n);
    g_snprintf(after, sizeof after, "%u", *n + 1);
    struct view words[] = {
        view_of("{p0}:commit"), token,         view_of(before),  view_of(elsewhere ? "abc" : pair->model->replid_name),
        view_of(after),         view_of("17"), view_of("topic"), view_of("fp"),
        view_make("p\0y", 3)};
    script(pair, STORE_COMMIT, 1, G_N_ELEMENTS(words), words);
    *n += !stale && !elsewhere;
}

static void random_sheet(struct pair *pair, struct view token, struct view n)
{
    char key[32], bytes[16];
    g_snprintf(key, sizeof key, "{p0}:sheet:%u", pick(pair, KEYS));
    g_snprintf(bytes, sizeof bytes, "%u", pick(pair, 1000));
    struct view words[] = {
        view_of("{p0}:commit"), view_of(key), token, n, view_of(pick(pair, 8) ? pair->model->replid_name : "abc"), view_of(bytes)};
    pair->taken += model_get(pair->model, words[1], view_of(MODEL_STRING)) != NULL;
    script(pair, STORE_SHEET, 2, G_N_ELEMENTS(words), words);
}

static void random_guard(struct pair *pair, struct view token, struct view n)
{
    struct view words[] = {view_of("{p0}:commit"), token, n, view_of(pick(pair, 8) ? pair->model->replid_name : "abc")};
    script(pair, STORE_GUARD, 1, G_N_ELEMENTS(words), words);
}

/* The stand-in calls its history by the real one's name. */
static void share_replid(const struct redis_settings *settings, struct model *model)
{
    struct redis *redis = redis_connect(settings, NULL, NULL);
    struct redis_reply *reply = redis_call(redis, NULL, "INFO replication");
    const char *at = g_strstr_len(redis_reply_text(reply).data, (gssize)redis_reply_text(reply).size, "master_replid:");
    g_strlcpy(model->replid_name, at + strlen("master_replid:"), sizeof model->replid_name);
    redis_reply_free(reply);
    redis_free(redis);
}

static void test_agree(void)
{
    struct redis_process process;
    redis_process_start(&process, 0, NULL);
    const struct redis_settings settings = {process.url, 2000, 10000};
    g_autoptr(GError) error = NULL;
    struct pair pair = {.random = g_rand_new_with_seed(7), .model = model_new(), .real = store_connect(&settings, 0, &error)};
    g_assert_no_error(error);
    guint n = 0;
    char token[16] = "t0";
    const struct view claim[] = {view_of("{p0}:commit"), view_of(token)};
    share_replid(&settings, pair.model);
    script(&pair, STORE_CLAIM, 1, 2, claim);
    for (int i = 0; i < COMMANDS; i++) {
        char number[16];
        g_snprintf(number, sizeof number, "%u", pick(&pair, 10) ? n : n + 1);
        struct view holder = view_of(pick(&pair, 10) ? token : "other");
        guint what = pick(&pair, 24);
        if (what < 12)
            random_apply(&pair, holder, view_of(number));
        else if (what < 15)
            random_read(&pair);
        else if (what < 18)
            random_commit(&pair, holder, &n);
        else if (what < 21)
            random_sheet(&pair, holder, view_of(number));
        else if (what < 22)
            random_guard(&pair, holder, view_of(number));
        else {
            g_snprintf(token, sizeof token, "t%d", i);
            const struct view again[] = {view_of("{p0}:commit"), view_of(token)};
            script(&pair, STORE_CLAIM, 1, 2, again);
        }
    }
    g_test_message("commands=%u refused=%u taken=%u", pair.done, pair.refused, pair.taken);
    g_assert_cmpuint(pair.refused, >, 1000);
    g_assert_cmpuint(pair.taken, >, 100);
    pair.real->ops->free(pair.real);
    model_free(pair.model);
    g_rand_free(pair.random);
    redis_process_kill(&process);
    redis_process_clear(&process);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/model-redis/agrees-with-redis", test_agree);
    return g_test_run();
}
