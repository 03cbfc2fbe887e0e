/* admin_world: the routes of administration, keys and logins behind a real HTTP server, with workers, a registry and a
 * redis-server, but without the rest of the API: what routes.c does before a handler is done here in a few lines. Asserts. */
#ifndef DAYBOOK_TESTS_ADMIN_WORLD_H
#define DAYBOOK_TESTS_ADMIN_WORLD_H

#include "api/admin_channels.h"
#include "api/admin_csv.h"
#include "api/admin_items.h"
#include "api/admin_tokens.h"
#include "api/answer.h"
#include "api/auth.h"
#include "api/keys_route.h"
#include "api/meters.h"
#include "api/oauth_route.h"
#include "api/session_route.h"
#include "api/sign_in_links.h"
#include "tests/unit/http_client.h"
#include "tests/unit/redis_process.h"
#include <jansson.h>

#define WORLD_TOKEN "the token of the configuration"

struct world {
    struct redis_process redis;
    struct redis_settings settings;
    struct metrics *metrics;
    struct registry *registry;
    struct auth *auth;
    struct queries queries;
    struct admin_route admin;
    struct oauth_route oauth;
    struct session_route session; /* without sources: not to be shown */
    struct http_server *http;
};

/* "/a/b/{part}": the part. */
static inline bool world_match(struct call *call, const char *prefix)
{
    const char *path = http_request_path(call->request);
    if (!g_str_has_prefix(path, prefix))
        return false;
    const char *rest = path + strlen(prefix);
    if (rest[0] == '/')
        g_strlcpy(call->parts[0], rest + 1, sizeof call->parts[0]);
    return rest[0] == '/' || rest[0] == '\0';
}

static inline void world_dispatch(struct world *world, struct call *call)
{
    static const char *const kinds[] = {"clients", "methods", "plans", "organizations", "limits", "channels"};
    for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
        g_autofree char *path = g_strconcat("/api/v2/admin/", kinds[i], NULL), *csv = g_strconcat(path, ".csv", NULL);
        bool is_table = world_match(call, csv);
        if (!is_table && !world_match(call, path))
            continue;
        char *rest = strchr(call->parts[0], '/'); /* as in channels/{id}/secret */
        if (is_table)
            admin_csv_route_handle(&world->admin, call);
        else if (rest != NULL)
            *rest = '\0', admin_channels_secret_handle(&world->admin, call);
        else if (strcmp(http_request_method(call->request), "POST") == 0)
            admin_channels_create_handle(&world->admin, call);
        else
            admin_items_route_handle(&world->admin, call);
        return;
    }
    if (world_match(call, "/api/v2/admin/sign-in-links"))
        sign_in_links_handle(&world->session, call);
    else if (world_match(call, "/api/v2/admin/tokens"))
        admin_tokens_route_handle(&world->admin, call);
    else if (world_match(call, "/v1/developer/keys"))
        keys_route_handle(&world->admin, call);
    else
        http_respond(call->request, 200, "text/plain", call->caller->id, strlen(call->caller->id));
}

static inline void world_handle(struct http_request *request, void *opaque)
{
    struct world *world = (struct world *)opaque;
    struct call call = {.request = request};
    struct refusal refusal = {0};
    if (strcmp(http_request_path(request), "/oauth/token") == 0) {
        oauth_route_handle(&world->oauth, &call);
        return;
    }
    if (strcmp(http_request_path(request), "/session") == 0) {
        session_route_begin(&world->session, &call);
        return;
    }
    call.caller = auth_identify(world->auth, request, strcmp(http_request_path(request), "/who/query") == 0, &refusal);
    if (call.caller != NULL)
        world_dispatch(world, &call);
    else
        answer_refusal(request, world->metrics, &refusal);
    caller_unref(call.caller);
}

static inline void world_start(struct world *world)
{
    GError *error = NULL;
    memset(world, 0, sizeof *world);
    redis_process_start(&world->redis, 0, NULL);
    world->settings = (struct redis_settings){world->redis.url, 20000, 60000};
    world->metrics = metrics_new(api_meters, METER_N);
    world->registry = registry_start(&world->settings, world->metrics);
    world->auth = auth_new(&(struct auth_settings){.token = WORLD_TOKEN}, world->registry, &error);
    g_assert_no_error(error);
    const struct workers_settings workers = {.redis = world->settings,
                                             .partitions_fallback = 1,
                                             .n = 2,
                                             .queue_max = 100,
                                             .owner_max = 100,
                                             .metrics = world->metrics,
                                             .queue_meter = METER_QUEUE,
                                             .work = query_work};
    world->queries = (struct queries){.metrics = world->metrics, .timeout_ms = 20000, .heavy_timeout_ms = 20000};
    world->queries.workers = workers_start(&workers);
    world->queries.heavy = world->queries.workers;
    world->admin = (struct admin_route){&world->queries, world->registry, NULL};
    world->oauth = (struct oauth_route){&world->queries, world->registry};
    world->session = (struct session_route){
        .queries = &world->queries, .registry = world->registry, .auth = world->auth, .public_url = "https://usage.example.com"};
    const struct http_settings http = {
        .address = "127.0.0.1", .body_max_bytes = 4 * 1024 * 1024, .threads = 2, .connections_max = 100, .idle_timeout_s = 10};
    world->http = http_server_start(&http, world_handle, world, &error);
    g_assert_no_error(error);
}

static inline void world_stop(struct world *world)
{
    http_server_quiesce(world->http);
    workers_stop(world->queries.workers);
    http_server_stop(world->http);
    workers_free(world->queries.workers);
    auth_free(world->auth);
    registry_stop(world->registry);
    metrics_free(world->metrics);
    redis_process_clear(&world->redis);
}

/* ---- requests ---- */

struct ask {
    const char *method, *path; /* method NULL: GET */
    const char *token;         /* NULL: WORLD_TOKEN; "": none */
    const char *headers;       /* further lines, each with its CRLF, or NULL */
    const char *body;          /* or NULL */
};

/* The body of the answer, whose status is known; the caller frees it. */
static inline char *world_text(struct world *world, int status, struct ask ask)
{
    struct http_client client;
    struct http_answer answer;
    const char *token = ask.token != NULL ? ask.token : WORLD_TOKEN, *body = ask.body != NULL ? ask.body : "";
    g_autofree char *line = token[0] != '\0' ? g_strdup_printf("Authorization: Bearer %s\r\n", token) : g_strdup("");
    g_autofree char *head =
        g_strdup_printf("%s %s HTTP/1.1\r\nHost: x\r\n%s%sContent-Length: %zu\r\n\r\n", ask.method != NULL ? ask.method : "GET",
                        ask.path, line, ask.headers != NULL ? ask.headers : "", strlen(body));
    http_client_init(&client, http_server_port(world->http));
    http_client_send(&client, head);
    http_client_send(&client, body);
    http_client_receive(&client, TRUE, &answer);
    if (answer.status != status)
        g_error("%s %s: %d, not %d: %s", ask.method, ask.path, answer.status, status, answer.body ? answer.body->str : "");
    char *text = g_strdup(answer.body->str);
    http_answer_clear(&answer);
    http_client_clear(&client);
    return text;
}

/* The same as JSON, for json_decref. */
static inline json_t *world_ask(struct world *world, int status, struct ask ask)
{
    g_autofree char *text = world_text(world, status, ask);
    json_t *json = json_loads(text, 0, NULL);
    if (json == NULL)
        g_error("%s is not JSON: %s", ask.path, text);
    return json;
}

static inline const char *world_member(const json_t *json, const char *name)
{
    return json_string_value(json_object_get(json, name));
}

/* A text member of the answer; the caller frees it. */
static inline char *world_get(struct world *world, int status, const char *member, struct ask ask)
{
    json_t *json = world_ask(world, status, ask);
    char *text = g_strdup(world_member(json, member));
    json_decref(json);
    return text;
}

/* A token of an organization (NULL: all) with these permissions ("\"admin\",…"). */
static inline char *world_make_token(struct world *world, const char *organization, const char *permissions)
{
    g_autofree char *whose = organization != NULL ? g_strdup_printf("\"%s\"", organization) : g_strdup("null");
    g_autofree char *body =
        g_strdup_printf("{\"name\":\"n\",\"organization\":%s,\"permissions\":[%s],\"tier\":\"starter\"}", whose, permissions);
    return world_get(world, 201, "token", (struct ask){.method = "POST", .path = "/api/v2/admin/tokens", .body = body});
}

#endif
