#include "collector/serve.h"

#include "collector/ingest_http.h"
#include "collector/meters.h"
#include "lib/log.h"

#include <jansson.h>

/* ---- the configuration ---- */

static bool is_loopback(const char *address)
{
    return g_str_has_prefix(address, "127.") || strcmp(address, "::1") == 0 || strcmp(address, "localhost") == 0;
}

bool serve_check(const struct config *config, GError **error)
{
    const char *address = config_string(config, "listen.address");
    if (!address[0] && !config_string(config, "listen.socket")[0]) {
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                    "listen.address and listen.socket are both empty: set one of them");
        return false;
    }
    if (address[0] && !is_loopback(address) && !config_string(config, "listen.token")[0]) {
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                    "listen.address is %s, which others can reach: set listen.token, or listen on 127.0.0.1", address);
        return false;
    }
    return true;
}

/* ---- metrics ---- */

static void set(struct serve *serve, enum collector_meter row, uint64_t value)
{
    metrics_set(serve->metrics, row, NULL, (gint64)value);
}

static void refresh_books(struct serve *serve)
{
    struct intake_tally books;
    intake_totals(serve->intake, &books);
    uint64_t rejected = 0;
    for (int i = 0; i < INTAKE_N_REASONS; i++) {
        rejected += books.rejected[i];
        metrics_set(serve->metrics, METER_EVENTS_REJECTED, intake_reason_word((enum intake_reason)i), (gint64)books.rejected[i]);
    }
    set(serve, METER_EVENTS_ACCEPTED, books.accepted);
    set(serve, METER_EVENTS_EXCLUDED, books.excluded);
    set(serve, METER_EVENTS_RECEIVED, books.accepted + books.excluded + rejected);
}

static void refresh_journal(struct serve *serve)
{
    struct journal_stats stats;
    journal_stats(serve->journal, &stats);
    set(serve, METER_JOURNAL_GROUPS, stats.groups);
    set(serve, METER_JOURNAL_WRITTEN_BYTES, stats.written_bytes);
    set(serve, METER_JOURNAL_BYTES, stats.bytes);
    set(serve, METER_JOURNAL_SEGMENTS, stats.segments);
    set(serve, METER_JOURNAL_UNACKNOWLEDGED_BATCHES, stats.unacknowledged_batches);
    set(serve, METER_JOURNAL_UNACKNOWLEDGED_BYTES, stats.unacknowledged_bytes);
    set(serve, METER_JOURNAL_FAILURES, stats.failures);
    set(serve, METER_JOURNAL_BAD_FILES, stats.bad_files);
    set(serve, METER_JOURNAL_LOST_GROUPS, stats.lost_groups);
    set(serve, METER_JOURNAL_CUT_BYTES, stats.cut_bytes);
    set(serve, METER_JOURNAL_FULL, !journal_has_room(serve->journal));
}

static void refresh_shipper(struct serve *serve)
{
    struct shipper_state state;
    shipper_state_get(serve->shipper, &state);
    set(serve, METER_JOURNAL_OLDEST, (uint64_t)state.oldest_ms / 1000);
    set(serve, METER_BATCHES_SENT, state.sent);
    set(serve, METER_BATCHES_ACKNOWLEDGED, state.acknowledged);
    set(serve, METER_BATCHES_REPLAYED, state.replayed);
    set(serve, METER_PRODUCER_RESTARTS, state.restarts);
    set(serve, METER_HEARTBEATS_SENT, state.heartbeats);
    set(serve, METER_SHIPPING, state.shipping);
}

void serve_refresh(struct serve *serve)
{
    refresh_books(serve);
    refresh_journal(serve);
    refresh_shipper(serve);
}

static void answer_metrics(struct serve *serve, struct http_request *request)
{
    serve_refresh(serve);
    g_autofree char *text = metrics_render(serve->metrics);
    http_respond(request, 200, "text/plain; version=0.0.4; charset=utf-8", text, strlen(text));
}

/* ---- health ---- */

static void answer_text(struct http_request *request, int status, const char *text)
{
    http_respond(request, status, "text/plain; charset=utf-8", text, strlen(text));
}

/* Ready is who takes events. That Kafka is away is said, but is no reason to send them elsewhere: the journal takes them. */
static void answer_ready(struct serve *serve, struct http_request *request)
{
    bool room = journal_has_room(serve->journal);
    g_mutex_lock(&serve->lock);
    bool ready = room && serve->accepting && !serve->in_danger;
    json_t *document = json_pack("{s:b}", "ready", ready);
    if (serve->topic_problem)
        json_object_set_new(document, "kafka", json_string(serve->topic_problem));
    g_mutex_unlock(&serve->lock);
    if (!room)
        json_object_set_new(document, "journal", json_string("The journal is full: journal.max_bytes or the disk is used up."));
    char *text = json_dumps(document, JSON_COMPACT);
    json_decref(document);
    http_respond(request, ready ? 200 : 503, "application/json", text, strlen(text));
    free(text);
}

/* ---- routing ---- */

static bool is_get(struct http_request *request)
{
    const char *method = http_request_method(request);
    return strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
}

static void handle(struct http_request *request, void *opaque)
{
    struct serve *serve = opaque;
    const char *path = http_request_path(request);
    if (strcmp(path, "/v1/events") == 0) {
        ingest_http_handle(serve->ingest, request);
        return;
    }
    bool metrics = strcmp(path, "/metrics") == 0, health = strcmp(path, "/healthz") == 0, ready = strcmp(path, "/readyz") == 0;
    if (!metrics && !health && !ready) {
        answer_text(request, 404, "There is POST /v1/events, and GET /metrics, /healthz and /readyz.\n");
    } else if (!is_get(request)) {
        http_response_header(request, "Allow", "GET, HEAD");
        answer_text(request, 405, "Only GET is allowed here.\n");
    } else if (metrics) {
        answer_metrics(serve, request);
    } else if (health) {
        answer_text(request, 200, "ok\n");
    } else {
        answer_ready(serve, request);
    }
}

bool serve_start(struct serve *serve, const struct config *config, GError **error)
{
    const char *address = config_string(config, "listen.address"), *socket_path = config_string(config, "listen.socket");
    struct http_settings settings = {
        .address = address[0] ? address : NULL,
        .port = (int)config_int(config, "listen.port"),
        .unix_path = socket_path[0] ? socket_path : NULL,
        .body_max_bytes = (size_t)config_int(config, "listen.body_max_bytes"),
        .threads = (int)config_int(config, "listen.threads"),
        .connections_max = (int)config_int(config, "listen.connections_max"),
        .idle_timeout_s = (int)config_int(config, "listen.idle_timeout_s"),
    };
    serve->server = http_server_start(&settings, handle, serve, error);
    if (!serve->server)
        return false;
    log_info("listening", "address=%s port=%d socket=%s", address, settings.address ? http_server_port(serve->server) : 0,
             socket_path);
    return true;
}

void serve_set_topic(struct serve *serve, const char *problem, bool accepting, bool in_danger)
{
    g_mutex_lock(&serve->lock);
    g_free(serve->topic_problem);
    serve->topic_problem = g_strdup(problem);
    serve->accepting = accepting;
    serve->in_danger = in_danger;
    g_mutex_unlock(&serve->lock);
}

void serve_clear(struct serve *serve)
{
    g_clear_pointer(&serve->topic_problem, g_free);
    g_mutex_clear(&serve->lock);
}
