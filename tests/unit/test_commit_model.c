/* The commit protocol under random schedules: the real code of a partition (claim, count, flush, removal) against a Redis that can
 * be stopped between any two commands.
 *
 * Each schedule makes a log (several collectors, with resends, restarts, ids, gaps, foreign records, and a clock that jumps by
 * days), lets up to three workers believe that they own the partition, kills them and cuts their connections with commands on their
 * way, which may still be executed, and puts Redis back to earlier states, with and without the connections noticing. In the end
 * one worker goes on in peace, and then what Redis holds must be the function of the log that the test computes by itself.
 *
 * DAYBOOK_MODEL_SCHEDULES=N (default 3,000), DAYBOOK_MODEL_SEED=N (first seed). */
#include "aggregator/partition.h"
#include "lib/keys.h"
#include "lib/log.h"
#include "lib/measure.h"
#include "lib/number.h"
#include "tests/unit/model_redis.h"

#include <stdio.h>
#include <ucontext.h>

enum { WORKERS = 3, STACK_SIZE = 512 * 1024, COLLECTORS = 2, SETTLE_STEPS = 200000 };
static const int64_t BEGIN_MS = INT64_C(1700000000000);

/* ---- the world ---- */

struct entry { /* a log record */
    GBytes *bytes;
    int64_t timestamp_ms;
};

struct connection {
    struct store store;
    struct world *world;
    struct sim_worker *worker; /* NULL: a ghost */
    GPtrArray *commands;       /* of GPtrArray of GBytes: on their way */
    GQueue replies;
    int epoch;
    bool dead;
};

struct sim_worker {
    struct world *world;
    struct partition *partition;
    struct feed *feed;
    struct payload *payload;
    struct connection *connection;
    ucontext_t context;
    char *stack;
    bool started, waiting, settled;
};

struct collector {
    uint8_t stream[STREAM_ID_SIZE];
    uint64_t sequence;
    GPtrArray *sent; /* struct entry's bytes of this stream: for resends */
};

struct world {
    GRand *random;
    struct model *model;
    GArray *log; /* struct entry */
    GPtrArray *connections;
    struct sim_worker workers[WORKERS];
    struct sim_worker *running;
    ucontext_t scheduler;
    struct collector collectors[COLLECTORS];
    struct batch_builder *builder;
    int64_t clock_ms, monotonic_ms;
    uint64_t tokens;
    bool peace;
    size_t payload_max;
    char *damage; /* what a worker found that cannot be */
};

static uint32_t pick(struct world *world, uint32_t n)
{
    return n ? (uint32_t)g_rand_int_range(world->random, 0, (gint32)n) : 0;
}

static bool chance(struct world *world, double p)
{
    return g_rand_double(world->random) < p;
}

static guint64 total[16];
enum { KILLS, ROLLBACKS, SILENT_ROLLBACKS, GHOSTS, OOMS, FENCED, COMMITS, EVENTS, SWEPT };

/* ---- connections ---- */

static void yield_to_scheduler(struct world *world)
{
    struct sim_worker *worker = world->running;
    swapcontext(&worker->context, &world->scheduler);
}

static void connection_append(struct store *store, size_t argc, const struct view *argv)
{
    struct connection *connection = (struct connection *)store;
    GPtrArray *command = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
    for (size_t i = 0; i < argc; i++)
        g_ptr_array_add(command, bytes_of(argv[i]));
    g_ptr_array_add(connection->commands, command);
}

static bool connection_fails(const struct connection *connection, GError **error)
{
    if (!connection->dead && connection->epoch == connection->world->model->epoch)
        return false;
    g_set_error(error, REDIS_ERROR, REDIS_ERROR_LOST, "cut");
    return true;
}

static bool connection_send(struct store *store, GError **error)
{
    return !connection_fails((struct connection *)store, error);
}

static struct redis_reply *connection_read(struct store *store, GError **error)
{
    struct connection *connection = (struct connection *)store;
    while (!connection_fails(connection, error)) {
        if (!g_queue_is_empty(&connection->replies))
            return g_queue_pop_head(&connection->replies);
        connection->worker->waiting = true;
        yield_to_scheduler(connection->world);
        connection->worker->waiting = false;
    }
    return NULL;
}

/* What was on its way when the worker went may still arrive: a part of it, in order. */
static void connection_free(struct store *store)
{
    struct connection *connection = (struct connection *)store;
    struct world *world = connection->world;
    connection->worker = NULL;
    guint kept = chance(world, 0.6) ? pick(world, connection->commands->len + 1) : 0;
    g_ptr_array_set_size(connection->commands, (gint)kept);
}

static const struct store_ops ops = {connection_append, connection_send, connection_read, connection_free};

static void connection_destroy(gpointer opaque)
{
    struct connection *connection = opaque;
    g_queue_clear_full(&connection->replies, (GDestroyNotify)redis_reply_free);
    g_ptr_array_free(connection->commands, TRUE);
    g_free(connection);
}

static struct store *connect_model(void *opaque, int partition, GError **error)
{
    struct sim_worker *worker = opaque;
    struct world *world = worker->world;
    (void)partition;
    (void)error;
    struct connection *connection = g_new0(struct connection, 1);
    *connection = (struct connection){.store = {&ops}, .world = world, .worker = worker, .epoch = world->model->epoch};
    connection->commands = g_ptr_array_new_with_free_func(step_free);
    g_queue_init(&connection->replies);
    g_ptr_array_add(world->connections, connection);
    worker->connection = connection;
    return &connection->store;
}

static void next_token(void *opaque, char token[33])
{
    struct sim_worker *worker = opaque;
    g_snprintf(token, 33, "%032" G_GINT64_MODIFIER "x", ++worker->world->tokens);
}

/* Redis executes the first command that is on its way on this connection. */
static void execute_one(struct world *world, struct connection *connection)
{
    if (connection->commands->len == 0 || connection->epoch != world->model->epoch)
        return;
    GPtrArray *command = g_ptr_array_index(connection->commands, 0);
    g_autofree struct view *argv = g_new(struct view, command->len);
    for (guint i = 0; i < command->len; i++)
        argv[i] = view_make(g_bytes_get_data(command->pdata[i], NULL), g_bytes_get_size(command->pdata[i]));
    struct redis_reply *reply;
    if (!world->peace && command->len > 3 && view_is(argv[1], store_script_sha(STORE_APPLY)) && chance(world, 0.002)) {
        reply = redis_reply_from_resp(view_of("-OOM command not allowed\r\n"));
        total[OOMS]++;
    } else {
        reply = model_execute(world->model, command->len, argv);
    }
    struct view text = redis_reply_text(reply);
    total[FENCED] += redis_reply_kind(reply) == REDIS_ERROR_REPLY_KIND && text.size > 6 && memcmp(text.data, "FENCED", 6) == 0;
    if (connection->worker)
        g_queue_push_tail(&connection->replies, reply);
    else {
        redis_reply_free(reply);
        total[GHOSTS]++;
    }
    g_ptr_array_remove_index(connection->commands, 0);
}

/* ---- workers ---- */

static size_t records_from(struct world *world, int64_t position, struct log_record *records, size_t most)
{
    size_t n = 0;
    for (; n < most && position + (int64_t)n < (int64_t)world->log->len; n++) {
        const struct entry *entry = &g_array_index(world->log, struct entry, (guint)position + n);
        records[n] = (struct log_record){position + (int64_t)n, entry->timestamp_ms, g_bytes_get_data(entry->bytes, NULL),
                                         g_bytes_get_size(entry->bytes)};
    }
    return n;
}

static bool own(struct sim_worker *worker, GError **error)
{
    struct world *world = worker->world;
    struct partition_stats stats;
    if (!partition_claim(worker->partition, error) || !partition_check_log(worker->partition, 0, (int64_t)world->log->len, error))
        return false;
    for (int64_t position = partition_position(worker->partition);;) {
        struct log_record records[8];
        size_t n = records_from(world, position, records, world->peace ? 8 : 1 + pick(world, 4));
        if (!partition_feed(worker->partition, worker->feed, records, n, error) ||
            !partition_tick(worker->partition, world->monotonic_ms, !world->peace && chance(world, 0.2), error))
            return false;
        position += (int64_t)n;
        if (world->peace && position == (int64_t)world->log->len) {
            if (!partition_settle(worker->partition, error))
                return false;
            partition_stats(worker->partition, &stats);
            worker->settled = stats.committed == (int64_t)world->log->len;
        }
        world->monotonic_ms += 300;
        yield_to_scheduler(world);
    }
}

static void note_damage(struct world *world, const char *message)
{
    g_free(world->damage);
    world->damage = g_strdup(message);
}

static void worker_main(unsigned low, unsigned high)
{
    struct sim_worker *worker = (struct sim_worker *)(((uintptr_t)high << 32) | low); /* makecontext hands over ints */
    for (;;) {
        g_autoptr(GError) error = NULL;
        worker->settled = false;
        if (own(worker, &error))
            g_assert_not_reached();
        if (error->domain == COMMIT_ERROR && error->code == COMMIT_ERROR_DAMAGED)
            note_damage(worker->world, error->message);
        partition_forget(worker->partition);
        worker->connection = NULL;
        yield_to_scheduler(worker->world);
    }
}

static void resume(struct world *world, struct sim_worker *worker)
{
    world->running = worker;
    if (!worker->started) {
        uintptr_t address = (uintptr_t)worker;
        getcontext(&worker->context);
        worker->context.uc_stack.ss_sp = worker->stack;
        worker->context.uc_stack.ss_size = STACK_SIZE;
        makecontext(&worker->context, (void (*)(void))worker_main, 2, (unsigned)address, (unsigned)(address >> 32));
        worker->started = true;
    }
    swapcontext(&world->scheduler, &worker->context);
    world->running = NULL;
}

/* Gone is gone: whatever it held in memory, it claims again. */
static void kill_worker(struct world *world, struct sim_worker *worker)
{
    if (!worker->connection)
        return;
    worker->connection->dead = true;
    total[KILLS]++;
    for (int i = 0; worker->connection && i < 10; i++)
        resume(world, worker);
}

/* ---- the log ---- */

static void append_record(struct world *world, GBytes *bytes)
{
    struct entry entry = {bytes, world->clock_ms};
    g_array_append_val(world->log, entry);
}

static void new_stream(struct world *world, struct collector *collector)
{
    for (size_t i = 0; i < STREAM_ID_SIZE; i++)
        collector->stream[i] = (uint8_t)pick(world, 256);
    collector->sequence = 0;
    g_ptr_array_set_size(collector->sent, 0);
}

static void add_event(struct world *world)
{
    static const char *const clients[] = {"a", "b", "c", "d"}, *const routes[] = {"/x", "/y/{n}", "/z"},
                             *const users[] = {"", "", "u", "v"};
    char id[16] = "";
    if (chance(world, 0.3))
        g_snprintf(id, sizeof id, "id-%u", pick(world, 12));
    int64_t back_ms = chance(world, 0.7) ? pick(world, 120000) : (int64_t)pick(world, 4) * 3600000 * 20;
    const struct event event = {
        .time_ms = world->clock_ms - back_ms,
        .organization = view_of(chance(world, 0.5) ? "o" : ""),
        .client = view_of(clients[pick(world, 4)]),
        .user = view_of(users[pick(world, 4)]),
        .method = view_of(chance(world, 0.8) ? "GET" : "POST"),
        .route = view_of(routes[pick(world, 3)]),
        .platform = view_of(chance(world, 0.2) ? "ios" : ""),
        .id = view_of(id),
        .status = chance(world, 0.8) ? 200 : 503,
        .latency_us = pick(world, 100000),
        .request_bytes = pick(world, 100),
        .response_bytes = pick(world, 1000),
    };
    batch_builder_add(world->builder, &event);
}

static void collect(struct world *world)
{
    struct collector *collector = &world->collectors[pick(world, COLLECTORS)];
    if (chance(world, 0.05))
        new_stream(world, collector);
    if (collector->sent->len > 0 && chance(world, 0.2)) { /* a resend, from somewhere */
        for (guint i = pick(world, collector->sent->len); i < collector->sent->len; i++)
            append_record(world, g_bytes_ref(collector->sent->pdata[i]));
        return;
    }
    if (chance(world, 0.02))
        collector->sequence++; /* lost before the log: a gap, or an unknown stream's quarantine */
    for (uint32_t n = 1 + pick(world, 4); n > 0; n--)
        add_event(world);
    struct batch_header header = {
        .partition = 0, .partition_count = 2, .sequence = ++collector->sequence, .created_ms = world->clock_ms};
    memcpy(header.stream_id, collector->stream, STREAM_ID_SIZE);
    if (chance(world, 0.01))
        header.partition = 1; /* belongs elsewhere */
    GBytes *bytes = batch_builder_seal(world->builder, &header);
    g_ptr_array_add(collector->sent, g_bytes_ref(bytes));
    append_record(world, bytes);
}

static void write_log(struct world *world)
{
    world->clock_ms += pick(world, 20000);
    if (chance(world, 0.01))
        world->clock_ms += (int64_t)pick(world, 49) * 3600000;
    if (chance(world, 0.001))
        world->clock_ms += INT64_C(31) * KEYS_DAY_MS;
    if (chance(world, 0.01))
        append_record(world, g_bytes_new_static("\xff junk", 6));
    else if (chance(world, 0.05)) {
        const uint64_t sequences[] = {1, 2};
        struct heartbeat heartbeat = {
            .collector = "sim", .clock_ms = world->clock_ms, .last_sequence = sequences, .n_partitions = 2};
        append_record(world, record_heartbeat(&heartbeat));
    } else {
        collect(world);
    }
}

#include "tests/unit/model_oracle.h"

/* ---- a schedule ---- */

static void world_init(struct world *world, guint32 seed)
{
    *world = (struct world){.random = g_rand_new_with_seed(seed), .model = model_new(), .clock_ms = BEGIN_MS};
    world->log = g_array_new(FALSE, FALSE, sizeof(struct entry));
    world->connections = g_ptr_array_new_with_free_func(connection_destroy);
    world->builder = batch_builder_new();
    world->payload_max = 100 + pick(world, 6000);
    for (size_t i = 0; i < COLLECTORS; i++) {
        world->collectors[i].sent = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
        new_stream(world, &world->collectors[i]);
    }
    for (size_t i = 0; i < WORKERS; i++) {
        struct sim_worker *worker = &world->workers[i];
        worker->payload = payload_new();
        const struct partition_settings settings = {.topic = "t",
                                                    .histograms = true,
                                                    .flush_interval_ms = 250,
                                                    .payload_max_bytes = world->payload_max,
                                                    .payload = worker->payload,
                                                    .connect = connect_model,
                                                    .token = next_token,
                                                    .opaque = worker};
        worker->world = world;
        worker->partition = partition_new(0, &settings);
        if (chance(world, 0.5))
            partition_set_memory(worker->partition, 4096 + pick(world, 30000)); /* forgets and reads again, often */
        worker->feed = feed_new();
        worker->stack = g_malloc(STACK_SIZE);
    }
}

static void world_clear(struct world *world)
{
    world->peace = true;
    for (size_t i = 0; i < WORKERS; i++) {
        if (world->workers[i].started)
            kill_worker(world, &world->workers[i]);
        partition_free(world->workers[i].partition);
        feed_free(world->workers[i].feed);
        payload_free(world->workers[i].payload);
        g_free(world->workers[i].stack);
    }
    for (size_t i = 0; i < COLLECTORS; i++)
        g_ptr_array_free(world->collectors[i].sent, TRUE);
    for (guint i = 0; i < world->log->len; i++)
        g_bytes_unref(g_array_index(world->log, struct entry, i).bytes);
    g_array_free(world->log, TRUE);
    g_ptr_array_free(world->connections, TRUE);
    batch_builder_free(world->builder);
    model_free(world->model);
    g_rand_free(world->random);
}

static void roll_back(struct world *world)
{
    static const uint32_t depths[] = {1, 3, 10, 40, 100000};
    guint n = world->model->undo->len, depth = pick(world, MIN(n, depths[pick(world, 5)]) + 1);
    bool silent = chance(world, 0.5);
    model_rollback(world->model, n - depth, silent);
    total[silent ? SILENT_ROLLBACKS : ROLLBACKS]++;
}

/* Most steps let one worker go on: with its own commands executed, or stuck while others are. */
static void step_worker(struct world *world, struct sim_worker *worker)
{
    if (worker->waiting && worker->connection && chance(world, 0.95))
        execute_one(world, worker->connection);
    resume(world, worker);
}

static void run_schedule(struct world *world)
{
    static const double rollback_rates[] = {0, 0.005, 0.02, 0.05}, kill_rates[] = {0, 0.01, 0.04};
    static const uint32_t bursts[] = {1, 4, 15, 60, 150};
    double rollback = rollback_rates[pick(world, 4)], kill = kill_rates[pick(world, 3)];
    uint32_t burst = bursts[pick(world, 5)], workers = 1 + pick(world, WORKERS);
    struct sim_worker *current = &world->workers[0];
    for (uint32_t steps = 200 + pick(world, 800); steps > 0; steps--) {
        if (chance(world, 0.08))
            write_log(world);
        else if (chance(world, rollback))
            roll_back(world);
        else if (chance(world, kill))
            kill_worker(world, &world->workers[pick(world, workers)]);
        else if (world->connections->len > 0 && chance(world, 0.1))
            execute_one(world, g_ptr_array_index(world->connections, pick(world, world->connections->len)));
        else {
            if (pick(world, burst) == 0)
                current = &world->workers[pick(world, workers)];
            step_worker(world, current);
        }
    }
}

/* One worker, alone. Ghosts may still arrive. */
static bool settle(struct world *world)
{
    struct sim_worker *worker = &world->workers[pick(world, WORKERS)];
    world->peace = true;
    int calm = 0;
    for (int i = 0; i < SETTLE_STEPS && calm < 40; i++) {
        if (worker->connection && chance(world, 0.9))
            execute_one(world, worker->connection);
        else if (chance(world, 0.1))
            execute_one(world, g_ptr_array_index(world->connections, pick(world, world->connections->len)));
        resume(world, worker);
        calm = !worker->settled ? 0 : worker->waiting ? calm : calm + 1; /* time for all removals */
    }
    total[COMMITS] += model_number(world->model, "{p0}:commit", "n");
    return calm >= 40;
}

/* The first difference, or NULL. */
static char *schedule(guint32 seed, bool no_fence, bool no_replid)
{
    struct world world;
    world_init(&world, seed);
    world.model->no_fence = no_fence ? ~0U : 0;
    world.model->no_replid = no_replid ? ~0U : 0;
    for (int i = 0; i < 3; i++)
        write_log(&world);
    run_schedule(&world);
    char *difference = settle(&world) ? compare_with_log(&world) : g_strdup("no progress");
    if (world.damage && !difference)
        difference = g_steal_pointer(&world.damage);
    g_free(world.damage);
    world_clear(&world);
    return difference;
}

static guint64 setting(const char *name, guint64 otherwise)
{
    const char *text = g_getenv(name);
    return text ? g_ascii_strtoull(text, NULL, 10) : otherwise;
}

static void test_schedules(void)
{
    guint64 n = setting("DAYBOOK_MODEL_SCHEDULES", 3000), seed = setting("DAYBOOK_MODEL_SEED", 1);
    for (guint64 i = 0; i < n; i++) {
        g_autofree char *difference = schedule((guint32)(seed + i), false, false);
        if (difference)
            g_error("seed %" G_GUINT64_FORMAT ": %s", seed + i, difference);
    }
    g_test_message("schedules=%" G_GUINT64_FORMAT " events=%" G_GUINT64_FORMAT " commits=%" G_GUINT64_FORMAT
                   " kills=%" G_GUINT64_FORMAT " rollbacks=%" G_GUINT64_FORMAT " silent=%" G_GUINT64_FORMAT
                   " ghosts=%" G_GUINT64_FORMAT " refused=%" G_GUINT64_FORMAT " oom=%" G_GUINT64_FORMAT " swept=%" G_GUINT64_FORMAT,
                   n, total[EVENTS], total[COMMITS], total[KILLS], total[ROLLBACKS], total[SILENT_ROLLBACKS], total[GHOSTS],
                   total[FENCED], total[OOMS], total[SWEPT]);
    for (size_t i = KILLS; n >= 1000 && i <= SWEPT; i++)
        g_assert_cmpuint(total[i], >, 0); /* every fault was met */
}

/* The rules are needed, and the test sees when one is missing. */
static void expect_failures(bool no_fence, bool no_replid)
{
    guint failures = 0;
    for (guint32 seed = 1; seed <= 600 && failures == 0; seed++) {
        if (g_test_subprocess())
            break;
        g_autofree char *difference = schedule(seed, no_fence, no_replid);
        failures += difference != NULL;
    }
    g_assert_cmpuint(failures, >, 0);
}

static void test_without_fence(void)
{
    expect_failures(true, false);
}

static void test_without_replid(void)
{
    expect_failures(false, true);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    log_set_level((enum log_level)(LOG_LEVEL_ERROR + 1)); /* a schedule is nothing but trouble */
    g_test_add_func("/commit/schedules", test_schedules);
    g_test_add_func("/commit/notices-a-missing-fence", test_without_fence);
    g_test_add_func("/commit/notices-a-missing-replid", test_without_replid);
    return g_test_run();
}
