/* daybook-aggregator.
 *
 * Threads: this one is the group member and tells the workers which partitions they have; the workers count (worker.h); the closer
 * closes days while partition 0 is ours (closer.h); the board's says in Redis how far the partitions are (board.h); the HTTP
 * server's answer /healthz, /readyz and /metrics. Shutdown, in this order: leave the group (the partitions are taken from the
 * workers, which settle them), end the board, the workers and the closer, stop the HTTP server. */
#include "aggregator/board.h"
#include "aggregator/closer.h"
#include "aggregator/meters.h"
#include "aggregator/settings.h"
#include "aggregator/worker.h"
#include "lib/http.h"
#include "lib/log.h"
#include "lib/program.h"
#include "lib/redis.h"
#include <malloc.h>
#include <unistd.h>

enum { POLL_MS = 100, KAFKA_TIMEOUT_MS = 10000, RETRY_MS = 2000, HTTP_BODY_MAX = 4096 };

struct aggregator {
    struct config *config;
    struct metrics *metrics;
    struct kafka_settings kafka;
    struct redis_settings redis;
    char *instance;
    struct archive *archive; /* NULL: none */
    GPtrArray *workers;
    struct closer *closer;
    struct board *board;
    struct http_server *http;
    GMutex lock;
    bool member; /* under lock: the group has given us partitions; only then may others than main look at workers and closer */
};

/* ---- HTTP ---- */

static void answer_ready(struct aggregator *aggregator, struct http_request *request)
{
    g_autoptr(GString) text = g_string_new(NULL);
    size_t seats = 0;
    g_mutex_lock(&aggregator->lock);
    if (!aggregator->member)
        g_string_append(text, "no partitions are assigned: waiting for Kafka and Redis, or for the group\n");
    for (guint i = 0; aggregator->member && i < aggregator->workers->len; i++)
        seats += worker_report(g_ptr_array_index(aggregator->workers, i), text);
    if (aggregator->member)
        closer_report(aggregator->closer, text);
    g_mutex_unlock(&aggregator->lock);
    int status = text->len == 0 ? 200 : 503;
    if (status == 200)
        g_string_printf(text, "ready: %zu partitions\n", seats);
    http_respond(request, status, "text/plain; charset=utf-8", text->str, text->len);
}

static void handle(struct http_request *request, void *opaque)
{
    struct aggregator *aggregator = opaque;
    const char *path = http_request_path(request);
    if (g_str_equal(path, "/healthz")) {
        http_respond(request, 200, "text/plain; charset=utf-8", "ok\n", 3);
    } else if (g_str_equal(path, "/readyz")) {
        answer_ready(aggregator, request);
    } else if (g_str_equal(path, "/metrics")) {
        g_autofree char *text = metrics_render(aggregator->metrics);
        http_respond(request, 200, "text/plain; version=0.0.4; charset=utf-8", text, strlen(text));
    } else {
        static const char message[] = "there are /healthz, /readyz and /metrics\n";
        http_respond(request, 404, "text/plain; charset=utf-8", message, sizeof message - 1);
    }
}

/* ---- start ---- */

static bool check_config(const struct config *config, GError **error)
{
    if (redis_url_check(config_string(config, "redis.url"), error))
        return true;
    g_prefix_error(error, "redis.url: ");
    return false;
}

/* Eviction would remove counts: that is worth a refusal. The rest costs only memory. */
static bool check_redis(struct redis *redis, GError **error)
{
    static const char *const names[] = {"maxmemory-policy", "hash-max-listpack-entries", "hash-max-listpack-value"};
    static const gint64 least[] = {0, 512, 1024};
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autoptr(GError) refused = NULL;
        struct redis_reply *reply = redis_call(redis, &refused, "CONFIG GET %s", names[i]);
        if (!reply || redis_reply_count(reply) < 2) {
            log_warn("redis_config_unknown", "name=%s hint=%s", names[i],
                     "this server does not tell; maxmemory-policy must be noeviction");
            redis_reply_free(reply);
            continue;
        }
        struct view value = redis_reply_text(redis_reply_at(reply, 1));
        g_autofree char *text = g_strndup(value.data, value.size);
        redis_reply_free(reply);
        if (i == 0 && g_strcmp0(text, "noeviction") != 0) {
            g_set_error(error, REDIS_ERROR, REDIS_ERROR_CONFIG,
                        "redis.url: the server at %s has maxmemory-policy %s and would drop counts: set it to noeviction",
                        redis_address(redis), text);
            return false;
        }
        if (i > 0 && g_ascii_strtoll(text, NULL, 10) < least[i])
            log_warn("redis_config_wasteful", "name=%s value=%s wanted=%" G_GINT64_FORMAT, names[i], text, least[i]);
    }
    return true;
}

/* The number of partitions may only grow: what was counted in the others would no longer be read. */
static bool publish_topic(struct redis *redis, const char *topic, int partitions, GError **error)
{
    char number[16];
    struct redis_reply *reply = redis_call(redis, error, "HGET daybook:topic partitions");
    if (!reply)
        return false;
    struct view text = redis_reply_text(reply);
    g_autofree char *before = g_strndup(text.data ? text.data : "", text.size);
    redis_reply_free(reply);
    if (g_ascii_strtoll(before, NULL, 10) > partitions) {
        g_set_error(
            error, KAFKA_ERROR, KAFKA_ERROR_CONFIG,
            "kafka.topic: \"%s\" has %d partitions, but counts were kept for %s: a topic with fewer cannot go on from there", topic,
            partitions, before);
        return false;
    }
    g_snprintf(number, sizeof number, "%d", partitions);
    reply = redis_call(redis, error, "HSET daybook:topic topic %s partitions %s", topic, number);
    redis_reply_free(reply);
    return reply != NULL;
}

static bool check_topic(const struct aggregator *aggregator, int *partitions, GError **error)
{
    struct kafka_topic topic;
    const char *name = config_string(aggregator->config, "kafka.topic");
    if (!kafka_topic_get(&aggregator->kafka, name, KAFKA_TIMEOUT_MS, &topic, error))
        return false;
    if (topic.config_known && !topic.log_append_time) {
        g_set_error(
            error, KAFKA_ERROR, KAFKA_ERROR_CONFIG,
            "kafka.topic: \"%s\" has message.timestamp.type=CreateTime, but Daybook's clock is the log's: set it to LogAppendTime",
            name);
        return false;
    }
    if (!topic.config_known)
        log_warn("topic_config_unknown", "topic=%s hint=%s", name,
                 "this broker does not tell; message.timestamp.type must be LogAppendTime");
    *partitions = topic.partitions;
    return true;
}

static bool check_world(const struct aggregator *aggregator, GError **error)
{
    int partitions;
    if (!check_topic(aggregator, &partitions, error))
        return false;
    struct redis *redis = redis_connect(&aggregator->redis, "daybook:topic", error);
    bool ok = redis && check_redis(redis, error) &&
              publish_topic(redis, config_string(aggregator->config, "kafka.topic"), partitions, error);
    redis_free(redis);
    return ok;
}

static bool is_for_ever(const GError *error)
{
    return (error->domain == REDIS_ERROR && error->code == REDIS_ERROR_CONFIG) ||
           (error->domain == KAFKA_ERROR && error->code == KAFKA_ERROR_CONFIG);
}

/* Kafka or Redis may come up after us; what waiting cannot mend ends the program. */
static int wait_for_world(const struct aggregator *aggregator)
{
    for (;;) {
        g_autoptr(GError) error = NULL;
        if (check_world(aggregator, &error))
            return 0;
        if (is_for_ever(error)) {
            g_printerr("daybook-aggregator: %s\n", error->message);
            return 2;
        }
        log_warn("waiting", "error=%s", error->message);
        if (program_wait(RETRY_MS))
            return 1;
    }
}

/* ---- work ---- */

static void assigned(void *opaque, const int *partitions, size_t n)
{
    struct aggregator *aggregator = opaque;
    g_autofree int *share = g_new(int, n + 1);
    bool closes = false;
    for (size_t i = 0; i < n; i++)
        closes = closes || partitions[i] == 0;
    closer_set_active(aggregator->closer, closes);
    for (guint w = 0; w < aggregator->workers->len; w++) {
        size_t taken = 0;
        for (size_t i = w; i < n; i += aggregator->workers->len)
            share[taken++] = partitions[i];
        worker_assign(g_ptr_array_index(aggregator->workers, w), share, taken);
    }
    log_info("partitions_assigned", "n=%zu", n);
    g_mutex_lock(&aggregator->lock);
    aggregator->member = n > 0;
    g_mutex_unlock(&aggregator->lock);
}

static bool start_workers(struct aggregator *aggregator, GError **error)
{
    const struct config *config = aggregator->config;
    gint64 threads = config_int(config, "worker.threads");
    guint n = threads > 0 ? (guint)threads : g_get_num_processors();
    struct worker_settings settings = {
        .kafka = aggregator->kafka,
        .redis = aggregator->redis,
        .partition =
            {
                .topic = config_string(config, "kafka.topic"),
                .accept_new_log = g_str_equal(config_string(config, "kafka.new_log"), "accept"),
                .histograms = config_bool(config, "counting.histograms"),
                .flush_interval_ms = (int)config_int(config, "flush.interval_ms"),
                .payload_max_bytes = (size_t)config_int(config, "flush.max_payload_bytes"),
                .archive = aggregator->archive,
                .keep_days = (int)config_int(config, "closing.keep_days"),
            },
        .memory_bytes = (size_t)config_int(config, "cache.max_bytes") / n,
        .metrics = aggregator->metrics,
    };
    for (guint i = 0; i < n; i++) {
        struct worker *worker = worker_start(&settings, error);
        if (!worker)
            return false;
        g_ptr_array_add(aggregator->workers, worker);
    }
    return true;
}

static void start_closer(struct aggregator *aggregator)
{
    const struct config *config = aggregator->config;
    const struct closer_settings settings = {
        .kafka = aggregator->kafka,
        .topic = config_string(config, "kafka.topic"),
        .redis_url = aggregator->redis.url,
        .plan = {.grace_ms = config_int(config, "closing.grace_s") * 1000,
                 .restate_after_ms = config_int(config, "closing.restate_after_s") * 1000},
        .check_ms = (int)config_int(config, "closing.check_ms"),
        .archive = aggregator->archive,
        .metrics = aggregator->metrics,
    };
    aggregator->closer = closer_start(&settings);
}

static void collect_stands(GArray *stands, void *opaque)
{
    struct aggregator *aggregator = opaque;
    g_mutex_lock(&aggregator->lock);
    for (guint i = 0; aggregator->member && i < aggregator->workers->len; i++)
        worker_stands(g_ptr_array_index(aggregator->workers, i), stands);
    g_mutex_unlock(&aggregator->lock);
}

static void start_board(struct aggregator *aggregator)
{
    const struct board_settings settings = {.redis = aggregator->redis,
                                            .worker = aggregator->instance,
                                            .every_ms = BOARD_EVERY_MS,
                                            .collect = collect_stands,
                                            .opaque = aggregator};
    aggregator->board = board_start(&settings);
}

static bool open_archive(struct aggregator *aggregator, GError **error)
{
    const char *directory = config_string(aggregator->config, "closing.archive");
    if (*directory == '\0')
        return true;
    aggregator->archive = archive_open(directory, error);
    if (!aggregator->archive)
        g_prefix_error(error, "closing.archive: ");
    return aggregator->archive != NULL;
}

static bool start_http(struct aggregator *aggregator, GError **error)
{
    const struct http_settings settings = {
        .address = config_string(aggregator->config, "listen.address"),
        .port = (int)config_int(aggregator->config, "listen.port"),
        .body_max_bytes = HTTP_BODY_MAX,
        .threads = 1,
        .connections_max = 64,
        .idle_timeout_s = 10,
    };
    aggregator->http = http_server_start(&settings, handle, aggregator, error);
    if (aggregator->http)
        log_info("listening", "address=%s port=%d", settings.address, http_server_port(aggregator->http));
    return aggregator->http != NULL;
}

/* Another process took our member name, or the like: two of us would take the partitions from each other for ever. */
static void leave_if_failed(const struct kafka_member *member)
{
    const char *message;
    if (!kafka_member_failed(member, &message))
        return;
    log_error("member_failed", "error=%s hint=%s", message, "every worker needs a kafka.instance of its own");
    program_quit(1);
}

static int run(struct aggregator *aggregator)
{
    g_autoptr(GError) error = NULL;
    struct kafka_member *member = NULL;
    int code = 2;
    start_closer(aggregator);
    start_board(aggregator);
    if (start_workers(aggregator, &error))
        member = kafka_member_new(&aggregator->kafka, config_string(aggregator->config, "kafka.group"), aggregator->instance,
                                  config_string(aggregator->config, "kafka.topic"), assigned, aggregator, &error);
    if (member) {
        program_notify_ready();
        while (!program_wait(0)) {
            kafka_member_poll(member, POLL_MS);
            leave_if_failed(member);
        }
        program_notify_stopping();
        kafka_member_free(member); /* assigned() is called with none: nobody looks at the workers any more */
        code = program_exit_code();
    } else {
        g_printerr("daybook-aggregator: %s\n", error->message);
    }
    board_stop(aggregator->board);
    for (guint i = 0; i < aggregator->workers->len; i++)
        worker_stop(g_ptr_array_index(aggregator->workers, i));
    g_ptr_array_set_size(aggregator->workers, 0);
    closer_stop(aggregator->closer);
    return code;
}

static void read_settings(struct aggregator *aggregator)
{
    const struct config *config = aggregator->config;
    const char *instance = config_string(config, "kafka.instance");
    /* The same name after a restart means the same partitions at once, without waiting for the old session to end. */
    gint64 port = config_int(config, "listen.port");
    aggregator->instance = *instance
                               ? g_strdup(instance)
                               : g_strdup_printf("%s-%" G_GINT64_FORMAT, g_get_host_name(), port > 0 ? port : (gint64)getpid());
    aggregator->kafka = (struct kafka_settings){
        .brokers = config_string(config, "kafka.brokers"),
        .client_id = "daybook-aggregator",
        .properties = config_list(config, "kafka.properties"),
    };
    aggregator->redis = (struct redis_settings){
        .url = config_string(config, "redis.url"),
        .connect_timeout_ms = 3000,
        .command_timeout_ms = (int)config_int(config, "redis.timeout_ms"),
    };
}

/* The open buckets grow by hundreds of megabytes in small pieces, on all threads. A thread's own arena would ask the kernel for
 * each page; and what is mapped on its own costs page faults when it is made and stops all threads when it goes. */
static void tune_malloc(void)
{
    mallopt(M_ARENA_MAX, 1);
    mallopt(M_TOP_PAD, 16 * 1024 * 1024);
    mallopt(M_TRIM_THRESHOLD, 64 * 1024 * 1024);
    mallopt(M_MMAP_THRESHOLD, 64 * 1024 * 1024);
}

int main(int argc, char **argv)
{
    static const struct program program = {&aggregator_settings, aggregator_meters, AGGREGATOR_N_METERS, check_config};
    int code;
    g_autoptr(GError) error = NULL;
    tune_malloc();
    struct config *config = program_start(&program, argc, argv, &code);
    if (!config)
        return code;
    struct aggregator aggregator = {.config = config, .metrics = metrics_new(aggregator_meters, AGGREGATOR_N_METERS)};
    aggregator.workers = g_ptr_array_new();
    g_mutex_init(&aggregator.lock);
    read_settings(&aggregator);
    if (!open_archive(&aggregator, &error) || !start_http(&aggregator, &error)) {
        g_printerr("daybook-aggregator: %s\n", error->message);
        code = 2;
    } else {
        code = wait_for_world(&aggregator);
        code = code == 0 ? run(&aggregator) : code == 1 ? program_exit_code() : code;
        http_server_stop(aggregator.http);
    }
    g_ptr_array_free(aggregator.workers, TRUE);
    archive_free(aggregator.archive);
    g_free(aggregator.instance);
    g_mutex_clear(&aggregator.lock);
    metrics_free(aggregator.metrics);
    config_free(config);
    return code;
}
