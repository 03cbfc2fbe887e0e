/* daybook-collector.
 *
 * Start: configuration, journal (lock, recovery), topic, batcher, shipper, intake, HTTP, followed files; each needs those before
 * it. The HTTP port opens when a request can be answered for good; /readyz says 200 when events are taken.
 *
 * End (SIGTERM, SIGINT), intake, drain, flush, close:
 *   1. batcher_hurry: from now on nobody waits for room that does not come;
 *   2. follow_stop: nothing more is read, what was read is durable or forgotten;
 *   3. http_server_quiesce: no new connections; batcher_stop: what was taken is made durable, and answered; http_server_stop: the
 * answers are out;
 *   4. shipper_stop: at most two seconds for Kafka; the cursor is saved. What is left is in the journal;
 *   5. memory, journal, lock.
 *
 * The main thread itself watches the topic: its partitions every kafka.topic_check_s, and every two seconds while something is
 * wrong. */
#include "collector/follow.h"
#include "collector/heartbeat.h"
#include "collector/ingest_http.h"
#include "collector/meters.h"
#include "collector/serve.h"
#include "collector/settings.h"
#include "collector/topic.h"
#include "lib/log.h"
#include "lib/program.h"

#include <malloc.h>
#include <stdio.h>
#include <unistd.h>

enum {
    TOPIC_TIMEOUT_MS = 3000,
    TOPIC_AGAIN_US = 2 * G_USEC_PER_SEC,
    WAKE_MS = 1000,
    NAME_SIZE = 256,
};

struct collector {
    struct config *config;
    struct metrics *metrics;
    struct topic topic;
    struct journal *journal;
    struct batcher *batcher;
    struct shipper *shipper;
    struct intake *intake;
    struct follow *follow;
    struct serve serve;
    struct heartbeat_source heartbeat;
    char name[NAME_SIZE];

    uint32_t least;             /* partitions that the topic must have */
    uint32_t used;              /* for so many batches are cut */
    bool was_known;             /* the topic was there before */
    bool accepting;             /* the partitions are known */
    enum topic_verdict verdict; /* of the last look */
    int64_t look_us;            /* monotonic: the next look at the topic */
    uint64_t restarts;          /* of the producer, at the last look */
};

/* ---- what the parts call ---- */

static void ship(void *opaque, struct journal_group *group)
{
    shipper_offer(((struct collector *)opaque)->shipper, group);
}

static void failed(void *opaque)
{
    (void)opaque;
    program_quit(1);
}

static GBytes *make_heartbeat(void *opaque, uint64_t n, int64_t oldest_ms, int *partition)
{
    return heartbeat_make(&((struct collector *)opaque)->heartbeat, n, oldest_ms, partition);
}

/* ---- the topic ---- */

static void learn_from_journal(struct collector *collector)
{
    struct journal_topic known = journal_topic(collector->journal);
    struct journal_stats stats;
    journal_stats(collector->journal, &stats);
    collector->was_known = known.is_same && known.partition_count > 0;
    /* Batches for another topic's partitions go to this one too: it needs as many. */
    collector->least = known.is_same || stats.unacknowledged_batches > 0 ? known.partition_count : 0;
    collector->accepting = collector->was_known;
}

/* True unless it is wrong in a way that a start refuses. *message is set when the verdict is not TOPIC_READY. */
static bool look_at_topic(struct collector *collector, char **message)
{
    uint32_t partitions = 0;
    collector->verdict =
        topic_check(&collector->topic, collector->least, collector->was_known, TOPIC_TIMEOUT_MS, &partitions, message);
    bool ready = collector->verdict == TOPIC_READY;
    if (ready) {
        collector->least = partitions;
        collector->was_known = collector->accepting = true;
    }
    int64_t every_us = config_int(collector->config, "kafka.topic_check_s") * G_USEC_PER_SEC;
    collector->look_us = g_get_monotonic_time() + (ready ? every_us : TOPIC_AGAIN_US);
    return collector->verdict != TOPIC_SHRUNK && collector->verdict != TOPIC_REFUSED;
}

/* What was found becomes what is done: batches are cut for all partitions, and shipped only to a topic that has them. */
static void apply_topic(struct collector *collector, enum topic_verdict before, const char *message)
{
    enum topic_verdict verdict = collector->verdict;
    bool in_danger = verdict == TOPIC_SHRUNK || verdict == TOPIC_MISSING || verdict == TOPIC_REFUSED;
    if (collector->accepting && collector->least > collector->used) {
        if (collector->used > 0)
            shipper_renew(collector->shipper);
        batcher_set_partitions(collector->batcher, collector->least);
        collector->used = collector->least;
    }
    /* Unreachable brokers are librdkafka's business, once the topic was seen. */
    if (verdict == TOPIC_READY)
        shipper_hold(collector->shipper, false);
    else if (in_danger)
        shipper_hold(collector->shipper, true);
    metrics_set(collector->metrics, METER_TOPIC_PARTITIONS, NULL, collector->accepting ? (gint64)collector->least : 0);
    serve_set_topic(&collector->serve, message, collector->accepting, in_danger && collector->accepting);
    if (verdict == before)
        return;
    if (verdict == TOPIC_READY)
        log_info("topic_ready", "topic=%s partitions=%u", collector->topic.name, collector->least);
    else
        log_event(in_danger ? LOG_LEVEL_ERROR : LOG_LEVEL_WARN, "topic_not_ready", "topic=%s accepting=%s reason=%s",
                  collector->topic.name, collector->accepting ? "yes" : "no", message);
}

static void watch_topic(struct collector *collector)
{
    struct shipper_state state;
    enum topic_verdict before = collector->verdict;
    g_autofree char *message = NULL;
    shipper_state_get(collector->shipper, &state);
    if (g_get_monotonic_time() < collector->look_us && state.restarts == collector->restarts)
        return;
    collector->restarts = state.restarts;
    look_at_topic(collector, &message);
    apply_topic(collector, before, message);
}

/* ---- start and end ---- */

static bool check(const struct config *config, GError **error)
{
    struct intake *intake = intake_new(config, error);
    bool good = intake && follow_check(config, error) && serve_check(config, error);
    intake_free(intake);
    return good;
}

/* Names on the topic are UTF-8 without control characters. */
static void clean_name(char *name)
{
    const char *end;
    for (char *c = name; *c; c++) {
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            *c = '?';
    }
    while (!g_utf8_validate(name, -1, &end))
        name[end - name] = '?';
}

static void set_name(struct collector *collector)
{
    const char *name = config_string(collector->config, "collector.name");
    if (name[0])
        g_strlcpy(collector->name, name, sizeof collector->name);
    else if (gethostname(collector->name, sizeof collector->name - 1) != 0)
        g_strlcpy(collector->name, "collector", sizeof collector->name);
    if (!collector->name[0])
        g_strlcpy(collector->name, "collector", sizeof collector->name);
    clean_name(collector->name);
}

static bool open_journal(struct collector *collector, GError **error)
{
    struct journal_settings settings = {
        .dir = config_string(collector->config, "journal.dir"),
        .topic = collector->topic.name,
        .max_bytes = (uint64_t)config_int(collector->config, "journal.max_bytes"),
    };
    collector->journal = journal_open(&settings, error);
    return collector->journal != NULL;
}

static bool find_topic(struct collector *collector, char **message, GError **error)
{
    learn_from_journal(collector);
    if (look_at_topic(collector, message))
        return true;
    g_set_error_literal(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, *message);
    return false;
}

static void start_pipeline(struct collector *collector, const char *message)
{
    struct batcher_settings batching = {
        .commit_ms = (int)config_int(collector->config, "journal.commit_ms"),
        .collector = collector->name,
        .partition_count = collector->accepting ? collector->least : 0,
        .metrics = collector->metrics,
        .ship = ship,
        .failed = failed,
        .opaque = collector,
    };
    struct shipper_settings shipping = {
        .kafka = collector->topic.kafka,
        .topic = collector->topic.name,
        .heartbeat = make_heartbeat,
        .opaque = collector,
    };
    collector->batcher = batcher_start(&batching, collector->journal);
    collector->heartbeat = (struct heartbeat_source){
        .collector = collector->name, .batcher = collector->batcher, .journal = collector->journal, .intake = collector->intake};
    collector->shipper = shipper_start(&shipping, collector->journal);
    collector->serve.shipper = collector->shipper;
    apply_topic(collector, (enum topic_verdict) - 1, message);
}

static bool start_inputs(struct collector *collector, GError **error)
{
    struct serve *serve = &collector->serve;
    serve->ingest = ingest_http_new(collector->config, collector->intake, collector->batcher, error);
    if (!serve->ingest)
        return false;
    ingest_http_set_metrics(serve->ingest, collector->metrics);
    if (!serve_start(serve, collector->config, error))
        return false;
    collector->follow = follow_start(collector->config, collector->intake, collector->batcher, collector->metrics, error);
    return collector->follow != NULL;
}

static bool start(struct collector *collector, GError **error)
{
    g_autofree char *message = NULL;
    topic_init(&collector->topic, collector->config);
    set_name(collector);
    collector->intake = intake_new(collector->config, error);
    if (!collector->intake || !open_journal(collector, error) || !find_topic(collector, &message, error))
        return false;
    g_mutex_init(&collector->serve.lock);
    collector->serve.journal = collector->journal;
    collector->serve.intake = collector->intake;
    collector->serve.metrics = collector->metrics;
    start_pipeline(collector, message);
    return start_inputs(collector, error);
}

static void stop(struct collector *collector)
{
    if (!collector->batcher)
        return;
    batcher_hurry(collector->batcher);
    if (collector->follow)
        follow_stop(collector->follow);
    if (collector->serve.server)
        http_server_quiesce(collector->serve.server);
    batcher_stop(collector->batcher);
    if (collector->serve.server)
        http_server_stop(collector->serve.server);
    shipper_stop(collector->shipper);
    if (collector->serve.ingest)
        ingest_http_free(collector->serve.ingest);
    serve_clear(&collector->serve);
    shipper_free(collector->shipper);
    batcher_free(collector->batcher);
}

static void clear(struct collector *collector)
{
    struct journal_stats stats;
    if (collector->journal) {
        journal_stats(collector->journal, &stats);
        log_info("stopped", "unacknowledged_batches=%" G_GUINT64_FORMAT, (guint64)stats.unacknowledged_batches);
    }
    intake_free(collector->intake);
    journal_close(collector->journal);
    metrics_free(collector->metrics);
    config_free(collector->config);
}

int main(int argc, char **argv)
{
    static const struct program program = {
        .settings = &collector_settings, .metrics = collector_meters, .n_metrics = METER_N, .check = check};
    struct collector collector = {0};
    g_autoptr(GError) error = NULL;
    int exit_code = 0;

    /* Few threads allocate much, and what one frees another one needs: two arenas keep the memory together. */
    mallopt(M_ARENA_MAX, 2);
    collector.config = program_start(&program, argc, argv, &exit_code);
    if (!collector.config)
        return exit_code;
    collector.metrics = metrics_new(collector_meters, METER_N);
    bool started = start(&collector, &error);
    if (started) {
        program_notify_ready();
        while (!program_wait(WAKE_MS))
            watch_topic(&collector);
        program_notify_stopping();
    } else {
        fprintf(stderr, "daybook-collector: %s\n", error->message);
    }
    stop(&collector);
    clear(&collector);
    return started ? program_exit_code() : 2;
}
