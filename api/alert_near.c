#include "api/alert_near.h"

#include "api/writer.h"
#include <jansson.h>

#define NEAR_KEY "{daybook}:near"
enum { KEEP_S = 300 };

/* ---- publishing ---- */

struct candidate {
    const struct alert_watcher *watcher;
    uint64_t most;
};

static const struct alert_window *window_of(const struct candidate *candidate)
{
    return &candidate->watcher->windows[0];
}

/* By the part of the limit; limits are at least 1. Both factors are below 2^50 in anything that is counted; what is above is alike.
 */
static gint compare(gconstpointer a, gconstpointer b)
{
    const struct candidate *x = a, *y = b;
    uint64_t x_limit = x->watcher->watch->rule->value, y_limit = y->watcher->watch->rule->value;
    long double left = (long double)x->most * (long double)y_limit, right = (long double)y->most * (long double)x_limit;
    if (left == right)
        return strcmp(x->watcher->watch->key, y->watcher->watch->key);
    return left < right ? 1 : -1;
}

static GArray *candidates_of(const GArray *watchers)
{
    GArray *candidates = g_array_new(FALSE, FALSE, sizeof(struct candidate));
    for (guint i = 0; i < watchers->len; i++) {
        const struct alert_watcher *watcher = &g_array_index(watchers, struct alert_watcher, i);
        struct candidate candidate = {watcher, alert_windows_most(watcher, &watcher->windows[0])};
        bool is_known = watcher->windows[0].to_ms > 0 && candidate.most != ALERT_WINDOWS_UNKNOWN;
        if (is_known && candidate.most > 0)
            g_array_append_val(candidates, candidate);
    }
    g_array_sort(candidates, compare);
    return candidates;
}

static void write_one(struct writer *writer, const struct candidate *candidate)
{
    const struct limit_watch *watch = candidate->watcher->watch;
    writer_begin(writer, NULL, '{');
    writer_text(writer, "organization", view_of(watch->organization));
    writer_text(writer, "client", view_of(watch->client));
    writer_text(writer, "rule", view_of(watch->rule->id));
    writer_integer(writer, "from", window_of(candidate)->from_ms);
    writer_count(writer, "most", candidate->most);
    writer_end(writer, '}');
}

static char *write_all(const GArray *candidates)
{
    GString *out = g_string_new(NULL);
    struct writer writer;
    g_autoptr(GHashTable) of_one = g_hash_table_new(g_str_hash, g_str_equal);
    writer_init(&writer, out);
    writer_begin(&writer, NULL, '[');
    for (guint i = 0, n = 0; i < candidates->len && n < ALERT_NEAR_MAX; i++) {
        const struct candidate *candidate = &g_array_index(candidates, struct candidate, i);
        char *organization = (char *)(uintptr_t)candidate->watcher->watch->organization;
        guint before = GPOINTER_TO_UINT(g_hash_table_lookup(of_one, organization));
        if (before >= ALERT_NEAR_OF_ONE)
            continue;
        g_hash_table_insert(of_one, organization, GUINT_TO_POINTER(before + 1));
        write_one(&writer, candidate);
        n++;
    }
    writer_end(&writer, ']');
    return g_string_free(out, FALSE);
}

void alert_near_ask_publish(struct reader *reader, const GArray *watchers)
{
    GArray *candidates = candidates_of(watchers);
    g_autofree char *json = write_all(candidates);
    const struct view argv[] = {view_of("SET"), view_of(NEAR_KEY), view_of(json), view_of("EX"), view_of(G_STRINGIFY(300))};
    G_STATIC_ASSERT(KEEP_S == 300);
    reader_ask(reader, READER_CONTROL, argv, G_N_ELEMENTS(argv), (struct reader_then){0});
    g_array_free(candidates, TRUE);
}

/* ---- reading ---- */

static void take_text(struct reader *reader, const struct redis_reply *reply, void *opaque, size_t a, size_t b)
{
    struct view text = redis_reply_text(reply);
    (void)reader, (void)a, (void)b;
    *(char **)opaque = g_strndup(text.data != NULL ? text.data : "", text.size);
}

static void free_near(void *value)
{
    struct near *near = value;
    g_free(near->organization);
    g_free(near->client);
    g_free(near->rule);
    g_free(near->metric);
    g_free(near);
}

struct asking {
    struct reader *reader;
    const struct live_sources *sources;
    const struct registry_snapshot *snapshot;
    int64_t now_ms;
};

/* What is counted now. */
static bool read_value(const struct asking *asking, struct near *near, const struct method *method, GError **error)
{
    const struct window_range range = {.from_ms = near->from_ms, .to_ms = near->to_ms, .unit = WINDOW_WHOLE};
    const struct live_question question = {
        .sources = asking->sources,
        .reader = asking->reader,
        .scope = {.organization = near->organization, .key = near->client, .endpoints = method != NULL ? method->endpoints : NULL},
        .range = &range,
        .known = true,
        .now_ms = asking->now_ms,
    };
    struct live live;
    struct refusal refusal = {0};
    struct measure total;
    enum live_outcome outcome = live_read(&live, &question, &refusal, error);
    refusal_clear(&refusal);
    if (outcome != LIVE_ANSWERED)
        return outcome == LIVE_REFUSED;
    measure_init(&total);
    usage_table_total(live.table, &total);
    near->value = total.requests;
    measure_clear(&total);
    live_clear(&live);
    return true;
}

static const char *text_in(const json_t *object, const char *field)
{
    const char *text = json_string_value(json_object_get(object, field));
    return text != NULL ? text : "";
}

/* NULL: its rule is gone, or it is not asked for, or of a window that is over. */
static struct near *make(const struct asking *asking, const json_t *object, const char *organization, const char *client)
{
    const struct limit_rule *rule = g_hash_table_lookup(asking->snapshot->limits, text_in(object, "rule"));
    int64_t from_ms, to_ms;
    if (rule == NULL || (organization != NULL && strcmp(organization, text_in(object, "organization")) != 0) ||
        (client != NULL && strcmp(client, text_in(object, "client")) != 0))
        return NULL;
    limit_window(rule->period, asking->now_ms, &from_ms, &to_ms);
    if (json_integer_value(json_object_get(object, "from")) != from_ms)
        return NULL;
    struct near *near = g_new(struct near, 1);
    *near = (struct near){
        .organization = g_strdup(text_in(object, "organization")),
        .client = g_strdup(text_in(object, "client")),
        .rule = g_strdup(rule->id),
        .metric = g_strdup(rule->metric),
        .period = rule->period,
        .from_ms = from_ms,
        .to_ms = to_ms,
        .limit = rule->value,
    };
    return near;
}

static gint by_part(gconstpointer a, gconstpointer b)
{
    const struct near *const *x = a, *const *y = b;
    long double left = (long double)(*x)->value * (long double)(*y)->limit;
    long double right = (long double)(*y)->value * (long double)(*x)->limit;
    return (left < right) - (left > right);
}

static bool add(const struct asking *asking, GPtrArray *list, struct near *near, GError **error)
{
    const struct method *method = NULL;
    if (strcmp(near->metric, METHOD_HITS) != 0)
        method = registry_find_method(asking->snapshot, near->organization, near->metric);
    bool is_there = method != NULL || strcmp(near->metric, METHOD_HITS) == 0;
    bool ok = !is_there || read_value(asking, near, method, error);
    if (ok && near->value > 0)
        g_ptr_array_add(list, near);
    else
        free_near(near);
    return ok;
}

GPtrArray *alert_near_read(struct reader *reader, const struct live_sources *sources, const struct registry_snapshot *snapshot,
                           const char *organization, const char *client, guint n, GError **error)
{
    g_autofree char *json = NULL;
    const struct view argv[] = {view_of("GET"), view_of(NEAR_KEY)};
    const struct asking asking = {reader, sources, snapshot, g_get_real_time() / G_TIME_SPAN_MILLISECOND};
    reader_ask(reader, READER_CONTROL, argv, G_N_ELEMENTS(argv), (struct reader_then){.take = take_text, .opaque = &json});
    if (!reader_finish(reader, error))
        return NULL;
    GPtrArray *list = g_ptr_array_new_with_free_func(free_near);
    json_t *entries = json_loads(json, 0, NULL);
    bool ok = true;
    for (size_t i = 0; i < json_array_size(entries) && list->len < MIN(n, (guint)ALERT_NEAR_SHOWN_MAX) && ok; i++) {
        struct near *near = make(&asking, json_array_get(entries, i), organization, client);
        ok = near == NULL || add(&asking, list, near, error);
    }
    json_decref(entries);
    if (!ok) {
        g_ptr_array_free(list, TRUE);
        return NULL;
    }
    g_ptr_array_sort(list, by_part);
    return list;
}
