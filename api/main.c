/* daybook-api.
 *
 * Threads: this one starts and ends the others; the HTTP server's read requests and send answers; the workers read Redis, each
 * on its own connections; the alerter checks limits; the notifiers send webhooks and mail; the probe asks whether Redis is there;
 * one brings into memory what is asked first. Shutdown, in this order: stop listening, answer what is queued (workers), end the
 * notifiers (who waits for the test of a channel is answered), end the HTTP server, the one that warms, the alerter and the probe.
 */
#include "api/alerter.h"
#include "api/meters.h"
#include "api/notifiers.h"
#include "api/routes.h"
#include "api/settings.h"
#include "api/warm.h"
#include "lib/log.h"
#include "lib/program.h"
#include "lib/tz.h"
#include <stdio.h>

enum { BODY_MAX = 16 * 1024 * 1024 }; /* of an import of clients; other routes have smaller limits of their own */

static struct redis_settings redis_settings_of(const struct config *config)
{
    return (struct redis_settings){
        .url = config_string(config, "redis.url"),
        .connect_timeout_ms = (int)config_int(config, "redis.connect_timeout_ms"),
        .command_timeout_ms = (int)config_int(config, "redis.timeout_ms"),
    };
}

static struct workers *start_workers(const struct config *config, struct metrics *metrics, bool heavy)
{
    const struct workers_settings settings = {
        .redis = redis_settings_of(config),
        .partitions_fallback = (int)config_int(config, "redis.partitions"),
        .n = (guint)config_int(config, heavy ? "query.heavy_workers" : "query.workers"),
        .nice = heavy ? (int)config_int(config, "query.nice") : 0,
        .queue_max = (guint)config_int(config, heavy ? "query.heavy_queue_max" : "query.queue_max"),
        .owner_max = (guint)config_int(config, "query.owner_max"),
        .metrics = metrics,
        .queue_meter = heavy ? METER_QUEUE_HEAVY : METER_QUEUE,
        .work = query_work,
    };
    return workers_start(&settings);
}

static struct limits *make_limits(const struct config *config)
{
    struct limits_tier tiers[LIMITS_TIER_N];
    for (int tier = 0; tier < LIMITS_TIER_N; tier++) {
        const char *name = tier == LIMITS_SESSION ? "session" : caller_tier_name((enum tier)tier);
        g_autofree char *minute = g_strdup_printf("limits.%s_per_minute", name);
        g_autofree char *day = g_strdup_printf("limits.%s_per_day", name);
        tiers[tier] = (struct limits_tier){(uint32_t)config_int(config, minute), (uint64_t)config_int(config, day)};
    }
    return limits_new(tiers);
}

/* NULL for what is not set. */
static const char *optional(const struct config *config, const char *name)
{
    const char *value = config_string(config, name);
    return value[0] != '\0' ? value : NULL;
}

static struct http_server *start_http(const struct config *config, struct routes *routes, GError **error)
{
    const struct http_settings settings = {
        .address = config_string(config, "listen.address"),
        .port = (int)config_int(config, "listen.port"),
        .body_max_bytes = BODY_MAX,
        .threads = (int)config_int(config, "listen.threads"),
        .connections_max = (int)config_int(config, "listen.connections_max"),
        .connections_per_address = (int)config_int(config, "listen.connections_per_address"),
        .idle_timeout_s = (int)config_int(config, "listen.idle_timeout_s"),
        .cors_origins = config_list(config, "listen.cors_origins"),
        .tls_cert = optional(config, "listen.tls_cert"),
        .tls_key = optional(config, "listen.tls_key"),
    };
    struct http_server *http = http_server_start(&settings, routes_handle, routes, error);
    if (http != NULL)
        log_info("listening", "address=%s port=%d", settings.address, http_server_port(http));
    return http;
}

/* SIGHUP: certificate and keys of tokens, each for itself; what is damaged leaves the old one in force. */
static void reload(const struct config *config, struct http_server *http, struct auth *auth)
{
    g_autoptr(GError) tls = NULL, keys = NULL;
    bool has_tls = optional(config, "listen.tls_cert") != NULL;
    if (has_tls && !http_server_reload_tls(http, &tls))
        log_error("reload_failed", "setting=%s error=%s", "listen.tls_cert", tls->message);
    if (!auth_reload(auth, &keys))
        log_error("reload_failed", "setting=%s error=%s", "auth.jwks_file", keys->message);
    if (tls == NULL && keys == NULL)
        log_info("reloaded", "tls=%s jwks_file=%s", has_tls ? "yes" : "no", config_string(config, "auth.jwks_file"));
}

static int serve(const struct config *config, struct routes *routes)
{
    g_autoptr(GError) error = NULL;
    struct http_server *http = start_http(config, routes, &error);
    if (http == NULL) {
        fprintf(stderr, "daybook-api: listen: %s\n", error->message);
        return 2;
    }
    program_notify_ready();
    while (!program_wait(-1))
        if (program_take_reload())
            reload(config, http, routes->auth);
    program_notify_stopping();
    http_server_quiesce(http);
    executions_cache_stop(routes->v2.engine->cache);
    workers_stop(routes->queries->workers); /* may hand on to the heavy ones */
    workers_stop(routes->queries->heavy);
    notifiers_stop(g_steal_pointer(&routes->admin.notifiers));
    http_server_stop(http);
    return program_exit_code();
}

static struct auth *open_auth(const struct config *config, struct registry *registry)
{
    g_autoptr(GError) error = NULL;
    const struct auth_settings settings = {
        .token = config_string(config, "auth.token"),
        .jwks_file = config_string(config, "auth.jwks_file"),
        .jwt_issuer = config_string(config, "auth.jwt_issuer"),
        .jwt_audience = config_string(config, "auth.jwt_audience"),
    };
    struct auth *auth = auth_new(&settings, registry, &error);
    if (auth == NULL)
        fprintf(stderr, "daybook-api: %s\n", error->message);
    return auth;
}

/* What the workers share is there before them and after them. */
struct shared {
    struct live_sources *sources;
    struct archive *archive; /* or NULL */
    struct registry *registry;
    struct artifacts *artifacts;
    struct executions_cache *executions;
    struct alerts_cache *alerts;
};

static struct costs_place costs_place_of(const struct config *config, const struct shared *shared)
{
    return (struct costs_place){
        .sources = shared->sources,
        .archive = shared->archive,
        .registry = shared->registry,
        .threads = (guint)config_int(config, "query.scan_threads"),
        .groups_max = (uint32_t)config_int(config, "query.groups_max"),
    };
}

static struct alerter *start_alerter(const struct config *config, struct metrics *metrics, const struct shared *shared)
{
    const struct alerter_settings settings = {
        .redis = redis_settings_of(config),
        .partitions_fallback = (int)config_int(config, "redis.partitions"),
        .registry = shared->registry,
        .check =
            {
                .sources = shared->sources,
                .metrics = metrics,
                .levels = api_settings_levels(config),
                .minutes_back = (uint32_t)config_int(config, "alerts.minutes_back"),
            },
        .tend =
            {
                .alerts = shared->alerts,
                .metrics = metrics,
                .system = api_settings_system(config, shared->sources->ledger),
                .minutes_late_ms = config_int(config, "alerts.minutes_back") * 60000,
                .keep = (uint32_t)config_int(config, "alerts.max"),
                .keep_ms = config_int(config, "alerts.keep_days") * CIVIL_DAY_MS,
            },
        .check_ms = config_int(config, "alerts.check_s") * 1000,
    };
    return alerter_start(&settings);
}

/* NULL: not wanted. */
static struct warm *start_warm(const struct config *config, struct metrics *metrics, const struct shared *shared)
{
    const struct warm_settings settings = {
        .redis = redis_settings_of(config),
        .partitions_fallback = (int)config_int(config, "redis.partitions"),
        .sources = shared->sources,
        .metrics = metrics,
    };
    return config_bool(config, "cache.warm") ? warm_start(&settings) : NULL;
}

static int run_routes(const struct config *config, struct routes *routes, const struct shared *shared)
{
    struct live_sources *sources = shared->sources;
    struct archive *archive = shared->archive;
    const struct redis_settings redis = redis_settings_of(config);
    struct queries queries = {.metrics = routes->metrics,
                              .hot = hot_answers_new(),
                              .timeout_ms = (int)config_int(config, "query.timeout_ms"),
                              .heavy_timeout_ms = (int)config_int(config, "query.heavy_timeout_ms")};
    routes->queries = &queries;
    const struct costs_place costs = costs_place_of(config, shared);
    routes->usage = (struct usage_route){.queries = &queries, .sources = sources, .extras = {shared->registry, &costs}};
    routes->stats = (struct stats_route){.queries = &queries, .sources = sources, .registry = shared->registry};
    routes->integration = (struct integration_route){.queries = &queries};
    routes->capacity = (struct capacity_route){&queries, sources, shared->registry};
    routes->costs = (struct costs_route){&queries, costs, config_string(config, "cache.directory")};
    routes->days = (struct days_route){.queries = &queries, .ledger = sources->ledger, .archive = archive};
    routes->alerts = (struct alerts_route){&queries, shared->alerts};
    routes->overview = (struct overview_route){
        .queries = &queries,
        .sources = sources,
        .registry = shared->registry,
        .alerts = shared->alerts,
        .system = api_settings_system(config, sources->ledger),
    };
    routes->report = (struct report_route){
        .queries = &queries,
        .ledger = sources->ledger,
        .archive = archive,
        .sheets = sources->sheets,
        .registry = shared->registry,
        .artifacts = shared->artifacts,
        .directory = config_string(config, "cache.directory"),
        .result_bytes_max = (uint64_t)config_int(config, "cache.results_max_bytes") / 2,
        .threads = (guint)config_int(config, "query.scan_threads"),
        .groups_max = (uint32_t)config_int(config, "query.groups_max"),
    };
    struct v2_engine engine = {
        .queries = &queries,
        .ledger = sources->ledger,
        .archive = archive,
        .sheets = sources->sheets,
        .registry = shared->registry,
        .cache = shared->executions,
        .directory = config_string(config, "cache.directory"),
        .result_bytes_max = (uint64_t)config_int(config, "cache.results_max_bytes") / 2,
        .groups_max = (uint32_t)config_int(config, "query.groups_max"),
        .scan_threads = (guint)config_int(config, "query.scan_threads"),
    };
    routes->registry = shared->registry;
    routes->admin =
        (struct admin_route){&queries, shared->registry, notifiers_start(config, &redis, shared->registry, routes->metrics)};
    routes->oauth = (struct oauth_route){&queries, shared->registry};
    routes->session = (struct session_route){
        .queries = &queries,
        .registry = shared->registry,
        .auth = routes->auth,
        .sources = sources,
        .public_url = config_string(config, "alerts.public_url"),
        .secure_cookies = strcmp(config_string(config, "listen.secure_cookies"), "always") == 0,
    };
    routes->v2 = (struct v2_route){&engine, shared->artifacts};
    routes->probe = probe_start(&redis, routes->metrics);
    queries.heavy = start_workers(config, routes->metrics, true);
    queries.workers = start_workers(config, routes->metrics, false);
    struct alerter *alerter = start_alerter(config, routes->metrics, shared);
    struct warm *warm = start_warm(config, routes->metrics, shared);
    int code = serve(config, routes);
    warm_stop(warm);
    notifiers_stop(routes->admin.notifiers); /* of a server that did not start */
    alerter_stop(alerter);
    workers_stop(queries.workers);
    workers_stop(queries.heavy);
    workers_free(queries.workers);
    workers_free(queries.heavy);
    probe_stop(routes->probe);
    hot_answers_free(queries.hot);
    return code;
}

static int run_with(const struct config *config, struct archive *archive)
{
    const struct redis_settings redis = redis_settings_of(config);
    struct routes routes = {.metrics = metrics_new(api_meters, METER_N), .limits = make_limits(config)};
    struct live_sources sources = {
        .sheets = sheets_new((size_t)config_int(config, "cache.sheets_max_bytes"), archive, routes.metrics),
        .ledger = ledger_cache_new(),
        .cache = live_cache_new((size_t)config_int(config, "cache.live_max_bytes")),
        .threads = (guint)config_int(config, "query.scan_threads"),
    };
    const struct shared shared = {&sources,
                                  archive,
                                  registry_start(&redis, routes.metrics),
                                  artifacts_new((uint64_t)config_int(config, "cache.exports_max_bytes")),
                                  executions_cache_new((uint64_t)config_int(config, "cache.results_max_bytes")),
                                  alerts_cache_new()};
    routes.auth = open_auth(config, shared.registry);
    int code = routes.auth != NULL ? run_routes(config, &routes, &shared) : 2;
    if (routes.auth != NULL)
        auth_free(routes.auth);
    registry_stop(shared.registry);
    artifacts_free(shared.artifacts);
    executions_cache_free(shared.executions);
    alerts_cache_free(shared.alerts);
    sheets_free(sources.sheets);
    ledger_cache_free(sources.ledger);
    live_cache_free(sources.cache);
    limits_free(routes.limits);
    metrics_free(routes.metrics);
    return code;
}

/* It is only read; but who starts first makes it. */
static struct archive *open_archive(const char *directory, GError **error)
{
    struct archive *archive = archive_open_reader(directory, NULL);
    return archive != NULL ? archive : archive_open(directory, error);
}

static int run(const struct config *config)
{
    g_autoptr(GError) error = NULL;
    if (tz_names()[0] == NULL) {
        fprintf(stderr, "daybook-api: there is no time zone database: install tzdata, or set TZDIR to where it is.\n");
        return 2;
    }
    const char *directory = config_string(config, "archive.directory");
    struct archive *archive = directory[0] != '\0' ? open_archive(directory, &error) : NULL;
    if (error != NULL) {
        fprintf(stderr, "daybook-api: archive.directory: %s\n", error->message);
        return 2;
    }
    int code = run_with(config, archive);
    if (archive != NULL)
        archive_free(archive);
    return code;
}

int main(int argc, char **argv)
{
    static const struct program program = {&api_settings, api_meters, METER_N, api_settings_check};
    int code = 0;
    if (argc == 2 && strcmp(argv[1], "--print-routes") == 0) {
        g_autoptr(GString) list = g_string_new(NULL);
        routes_list(list);
        fputs(list->str, stdout);
        return 0;
    }
    program_accept_reload();
    struct config *config = program_start(&program, argc, argv, &code);
    if (config == NULL)
        return code;
    code = run(config);
    tz_shared_clear();
    config_free(config);
    return code;
}
