/* daybook-api.
 *
 * Threads: this one starts and ends the others; the HTTP server's read requests and send answers; the workers read Redis, each
 * on its own connections; the probe asks whether Redis is there. Shutdown, in this order: stop listening, answer what is queued
 * (workers), end the HTTP server, end the probe. */
#include "api/meters.h"
#include "api/routes.h"
#include "api/settings.h"
#include "lib/log.h"
#include "lib/program.h"
#include <stdio.h>

enum { BODY_MAX = 64 * 1024 }; /* no route takes a body yet; an SDK may send a small one all the same */

static struct redis_settings redis_settings_of(const struct config *config)
{
    return (struct redis_settings){
        .url = config_string(config, "redis.url"),
        .connect_timeout_ms = (int)config_int(config, "redis.connect_timeout_ms"),
        .command_timeout_ms = (int)config_int(config, "redis.timeout_ms"),
    };
}

static struct workers *start_workers(const struct config *config, struct metrics *metrics)
{
    const struct workers_settings settings = {
        .redis = redis_settings_of(config),
        .partitions_fallback = (int)config_int(config, "redis.partitions"),
        .n = (guint)config_int(config, "query.workers"),
        .queue_max = (guint)config_int(config, "query.queue_max"),
        .metrics = metrics,
        .work = query_work,
    };
    return workers_start(&settings);
}

static struct http_server *start_http(const struct config *config, struct routes *routes, GError **error)
{
    const struct http_settings settings = {
        .address = config_string(config, "listen.address"),
        .port = (int)config_int(config, "listen.port"),
        .body_max_bytes = BODY_MAX,
        .threads = (int)config_int(config, "listen.threads"),
        .connections_max = (int)config_int(config, "listen.connections_max"),
        .idle_timeout_s = (int)config_int(config, "listen.idle_timeout_s"),
    };
    struct http_server *http = http_server_start(&settings, routes_handle, routes, error);
    if (http != NULL)
        log_info("listening", "address=%s port=%d", settings.address, http_server_port(http));
    return http;
}

static int serve(const struct config *config, struct routes *routes)
{
    g_autoptr(GError) error = NULL;
    struct http_server *http = start_http(config, routes, &error);
    if (http == NULL) {
        fprintf(stderr, "daybook-api: listen.address, listen.port: %s\n", error->message);
        return 2;
    }
    program_notify_ready();
    while (!program_wait(-1))
        continue;
    program_notify_stopping();
    http_server_quiesce(http);
    workers_stop(routes->usage.queries->workers);
    http_server_stop(http);
    return program_exit_code();
}

/* What the workers share is there before them and after them. */
static int run_with(const struct config *config, struct archive *archive)
{
    struct routes routes = {.token = config_string(config, "auth.token"), .metrics = metrics_new(api_meters, METER_N)};
    const struct redis_settings redis = redis_settings_of(config);
    struct queries queries = {.metrics = routes.metrics, .timeout_ms = (int)config_int(config, "query.timeout_ms")};
    struct live_sources sources = {
        .sheets = sheets_new((size_t)config_int(config, "cache.sheets_max_bytes"), archive, routes.metrics),
        .ledger = ledger_cache_new(),
    };
    routes.usage = (struct usage_route){.queries = &queries, .sources = &sources};
    routes.days = (struct days_route){.queries = &queries, .ledger = sources.ledger, .archive = archive};
    routes.probe = probe_start(&redis, routes.metrics);
    queries.workers = start_workers(config, routes.metrics);
    int code = serve(config, &routes);
    workers_stop(queries.workers);
    workers_free(queries.workers);
    probe_stop(routes.probe);
    sheets_free(sources.sheets);
    ledger_cache_free(sources.ledger);
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
    struct config *config = program_start(&program, argc, argv, &code);
    if (config == NULL)
        return code;
    code = run(config);
    config_free(config);
    return code;
}
