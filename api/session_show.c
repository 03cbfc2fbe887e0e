/* GET /session, see session_route.h. The organizations that somebody who sees all may choose from are those that are registered,
 * those of registered clients, and those counted within the last SEEN_MS: so what was never set up can be found, too. */
#include "api/session_route.h"

#include "api/answer.h"
#include "api/writer.h"
#include "lib/civil.h"
#include "lib/keys.h"

#define SEEN_MS (7 * CIVIL_DAY_MS)

struct show {
    struct query query;
    const struct session_route *route;
    int64_t expires_ms; /* of the token; 0: never */
    GHashTable *names;  /* of organizations; own strings */
};

static void show_free(struct show *job)
{
    query_clear(&job->query);
    g_hash_table_destroy(job->names);
    g_free(job);
}

/* ---- organizations ---- */

static void add_registered(GHashTable *names, struct registry *registry)
{
    struct registry_snapshot *snapshot = registry_take(registry);
    GHashTableIter iter;
    void *value;
    g_hash_table_iter_init(&iter, snapshot->organizations);
    while (g_hash_table_iter_next(&iter, NULL, &value))
        g_hash_table_add(names, g_strdup(((const struct registry_organization *)value)->id));
    g_hash_table_iter_init(&iter, snapshot->clients);
    while (g_hash_table_iter_next(&iter, NULL, &value))
        g_hash_table_add(names, g_strdup(((const struct registry_client *)value)->organization));
    registry_release(snapshot);
}

static enum live_outcome add_counted(const struct show *job, struct reader *reader, struct refusal *refusal, GError **error)
{
    int64_t now_ms = g_get_real_time() / G_TIME_SPAN_MILLISECOND;
    const struct window_range range = {.from_ms = now_ms - SEEN_MS, .to_ms = now_ms, .unit = WINDOW_WHOLE};
    g_autoptr(GHashTable) clients = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    const struct live_question question = {
        .sources = job->route->sources,
        .reader = reader,
        .range = &range,
        .names = clients,
        .known = true,
        .now_ms = now_ms,
    };
    struct live live;
    GHashTableIter iter;
    void *name;
    enum live_outcome outcome = live_read(&live, &question, refusal, error);
    if (outcome != LIVE_ANSWERED)
        return outcome;
    live_clear(&live);
    g_hash_table_iter_init(&iter, clients);
    while (g_hash_table_iter_next(&iter, &name, NULL))
        g_hash_table_add(job->names, g_strndup(name, strcspn(name, (const char[]){KEYS_CLIENT_SEPARATOR, '\0'})));
    return outcome;
}

static enum query_outcome read_names(struct reader *reader, struct query *query, struct refusal *refusal, GError **error)
{
    const struct show *job = (const struct show *)(const void *)query;
    g_hash_table_remove_all(job->names);
    if (query->caller->organization != NULL) {
        g_hash_table_add(job->names, g_strdup(query->caller->organization));
        return QUERY_ANSWERED;
    }
    add_registered(job->names, job->route->registry);
    enum live_outcome outcome = add_counted(job, reader, refusal, error);
    return outcome == LIVE_ANSWERED ? QUERY_ANSWERED : outcome == LIVE_REFUSED ? QUERY_REFUSED : QUERY_FAILED;
}

/* ---- the answer ---- */

static int by_name(const void *a, const void *b)
{
    const char *const *first = a, *const *second = b;
    return strcmp(*first, *second);
}

static void write_organizations(struct writer *writer, GHashTable *names)
{
    guint n;
    g_autofree void **list = g_hash_table_get_keys_as_array(names, &n);
    qsort(list, n, sizeof *list, by_name);
    writer_begin(writer, "organizations", '[');
    for (guint i = 0; i < MIN(n, SESSION_ORGANIZATIONS_MAX); i++)
        writer_text(writer, NULL, view_of(list[i]));
    writer_end(writer, ']');
    writer_bool(writer, "moreOrganizations", n > SESSION_ORGANIZATIONS_MAX);
}

static void write_permissions(struct writer *writer, const struct caller *caller)
{
    writer_begin(writer, "permissions", '[');
    for (uint32_t permission = 1; permission < PERMISSION_ALL; permission <<= 1)
        if (caller_may(caller, permission))
            writer_text(writer, NULL, view_of(caller_permission_name(permission)));
    writer_end(writer, ']');
}

static void send_show(const struct show *job)
{
    const struct caller *caller = job->query.caller;
    g_autoptr(GString) body = g_string_new(NULL);
    struct writer writer;
    writer_init(&writer, body);
    writer_begin(&writer, NULL, '{');
    writer_text(&writer, "name", view_of(caller->name));
    writer_text_or_null(&writer, "organization", caller->organization);
    writer_text_or_null(&writer, "client", caller->client);
    write_permissions(&writer, caller);
    write_organizations(&writer, job->names);
    if (job->expires_ms != 0)
        writer_time_ms(&writer, "expiresAt", job->expires_ms);
    else
        writer_null(&writer, "expiresAt");
    writer_end(&writer, '}');
    answer_json(job->query.request, job->query.queries->metrics, 200, body);
}

static void work(struct reader *reader, struct query *query)
{
    struct show *job = (struct show *)(void *)query;
    struct refusal refusal = {0};
    if (query_run(reader, query, read_names, &refusal) == QUERY_ANSWERED)
        send_show(job);
    else
        answer_refusal(query->request, query->queries->metrics, &refusal);
    show_free(job);
}

void session_route_show(struct session_route *route, struct call *call)
{
    struct auth_found found = {0};
    struct call_params params;
    struct refusal refusal = {0};
    call_get_params(call, &params);
    bool ok = params.n == 0 ? auth_find(route->auth, call->request, false, &found, &refusal)
                            : param_refuse_unknown(&params.list[0], "UNKNOWN_PARAMETER", "no parameter", &refusal);
    if (!ok) {
        answer_refusal(call->request, route->queries->metrics, &refusal);
        return;
    }
    struct show *job = g_new0(struct show, 1);
    job->query = query_make(call, route->queries, work);
    job->route = route;
    job->expires_ms = found.expires_ms;
    job->names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    caller_unref(found.caller);
    if (!query_submit(&job->query))
        show_free(job);
}
