/* model_world: workers that each believe to own a partition, and a Redis that executes what is on its way from them when a schedule
 * says so. A worker is the real code of a partition on a stack of its own: it waits where it reads a reply. For
 * test_commit_model.c alone. */
#ifndef DAYBOOK_TEST_MODEL_WORLD_H
#define DAYBOOK_TEST_MODEL_WORLD_H

#include "aggregator/partition.h"
#include "lib/archive.h"
#include "tests/unit/model_log.h"
#include "tests/unit/model_redis.h"

#include <glib/gstdio.h>
#include <ucontext.h>

enum { WORKERS = 3, STACK_SIZE = 512 * 1024 };

/* ---- the world ---- */

struct command { /* one block: the words' bytes stand behind */
    size_t argc;
    struct view argv[];
};

struct connection {
    struct store store;
    struct world *world;
    struct sim_worker *worker; /* NULL: a ghost */
    GPtrArray *commands;       /* of struct command: on their way */
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

struct world {
    GRand *random;
    struct model *model;
    struct log_maker maker;
    GPtrArray *connections;
    struct sim_worker workers[WORKERS];
    struct sim_worker *running;
    ucontext_t scheduler;
    int64_t monotonic_ms;
    uint64_t tokens;
    bool peace, hold; /* nobody fails any more; what others have sent does not arrive */
    size_t payload_max;
    uint32_t n_workers, pace; /* pace: writes that Redis executes in one go */
    struct archive *archive;  /* NULL: none */
    int keep_days;
    char *damage; /* what a worker found that cannot be */
};

enum total {
    KILLS,
    ROLLBACKS,
    SILENT_ROLLBACKS,
    GHOSTS,
    OOMS,
    FENCED,
    COMMITS,
    EVENTS,
    SWEPT,
    SEALS,
    SEALS_IGNORED,
    LATE,
    SHEETS_WRITTEN, /* into Redis, some more than once: it was put back */
    SHEETS_FOUND,   /* written already by somebody who did not come to say so */
    SHEETS_REMOVED,
    ENTRIES,
    ENTRIES_IGNORED,
    ERASURES,
    TOTALS
};
static const char *const total_names[TOTALS] = {
    "kills", "rollbacks", "silent", "ghosts",         "refused_oom",  "refused",        "commits", "events",          "swept",
    "seals", "ignored",   "late",   "sheets_written", "sheets_found", "sheets_removed", "entries", "entries_ignored", "erasures"};
static guint64 total[TOTALS];

/* ---- connections ---- */

static void yield_to_scheduler(struct world *world)
{
    struct sim_worker *worker = world->running;
    swapcontext(&worker->context, &world->scheduler);
}

static void connection_append(struct store *store, size_t argc, const struct view *argv)
{
    struct connection *connection = (struct connection *)store;
    size_t size = sizeof(struct command) + argc * sizeof *argv;
    for (size_t i = 0; i < argc; i++)
        size += argv[i].size;
    struct command *command = g_malloc(size);
    char *end = (char *)&command->argv[argc];
    command->argc = argc;
    for (size_t i = 0; i < argc; i++) {
        command->argv[i] = view_make(end, argv[i].size);
        if (argv[i].size > 0)
            memcpy(end, argv[i].data, argv[i].size);
        end += argv[i].size;
    }
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
    guint kept = chance(world->random, 0.6) ? pick(world->random, connection->commands->len + 1) : 0;
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
    connection->commands = g_ptr_array_new_with_free_func(g_free);
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

static void note_reply(const struct redis_reply *reply, struct view script)
{
    struct view text = redis_reply_text(reply);
    bool sheet = view_is(script, store_script_sha(STORE_SHEET));
    total[FENCED] += redis_reply_kind(reply) == REDIS_ERROR_REPLY_KIND && text.size > 6 && memcmp(text.data, "FENCED", 6) == 0;
    total[SHEETS_WRITTEN] += sheet && redis_reply_kind(reply) == REDIS_STATUS;
    total[SHEETS_FOUND] += sheet && redis_reply_kind(reply) == REDIS_NIL;
}

/* Redis executes the first command that is on its way on this connection. Says whether it was one that only reads. */
static bool execute_one(struct world *world, struct connection *connection)
{
    const struct command *command = g_ptr_array_index(connection->commands, 0);
    const struct view *argv = command->argv;
    bool script = view_is(argv[0], "EVALSHA");
    struct redis_reply *reply;
    if (!world->peace && script && view_is(argv[1], store_script_sha(STORE_APPLY)) && chance(world->random, 0.002)) {
        reply = redis_reply_from_resp(view_of("-OOM command not allowed\r\n"));
        total[OOMS]++;
    } else {
        reply = model_execute(world->model, command->argc, argv);
    }
    if (script)
        note_reply(reply, argv[1]);
    if (connection->worker)
        g_queue_push_tail(&connection->replies, reply);
    else {
        redis_reply_free(reply);
        total[GHOSTS]++;
    }
    g_ptr_array_remove_index(connection->commands, 0);
    return !script;
}

/* Some in one go; of those that only read many: between them nothing can be seen that could not be seen before or behind them. */
static void execute_some(struct world *world, struct connection *connection)
{
    uint32_t reads = 1 + pick(world->random, 60), writes = 1 + pick(world->random, world->pace);
    while (connection->commands->len > 0 && connection->epoch == world->model->epoch && reads > 0 && writes > 0)
        if (execute_one(world, connection))
            reads--;
        else
            writes--;
}

/* ---- workers ---- */

static size_t records_from(struct world *world, int64_t position, struct log_record *records, size_t most)
{
    size_t n = 0;
    for (; n < most && position + (int64_t)n < (int64_t)world->maker.log->len; n++) {
        const struct entry *entry = &g_array_index(world->maker.log, struct entry, (guint)position + n);
        records[n] = (struct log_record){position + (int64_t)n, entry->timestamp_ms, g_bytes_get_data(entry->bytes, NULL),
                                         g_bytes_get_size(entry->bytes)};
    }
    return n;
}

static bool own(struct sim_worker *worker, GError **error)
{
    struct world *world = worker->world;
    struct partition_stats stats;
    if (!partition_claim(worker->partition, error) ||
        !partition_check_log(worker->partition, 0, (int64_t)world->maker.log->len, error))
        return false;
    for (int64_t position = partition_position(worker->partition);;) {
        struct log_record records[8];
        size_t n = records_from(world, position, records, world->peace ? 8 : 1 + pick(world->random, 4));
        if (!partition_feed(worker->partition, worker->feed, records, n, error) ||
            !partition_tick(worker->partition, world->monotonic_ms, !world->peace && chance(world->random, 0.2), error))
            return false;
        position += (int64_t)n;
        if (world->peace && position == (int64_t)world->maker.log->len) {
            if (!partition_settle(worker->partition, error))
                return false;
            partition_stats(worker->partition, &stats);
            worker->settled = stats.committed == (int64_t)world->maker.log->len;
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

/* ---- a schedule ---- */

static void world_init_worker(struct world *world, struct sim_worker *worker)
{
    worker->payload = payload_new();
    const struct partition_settings settings = {.topic = "t",
                                                .histograms = true,
                                                .flush_interval_ms = 250,
                                                .payload_max_bytes = world->payload_max,
                                                .payload = worker->payload,
                                                .archive = world->archive,
                                                .keep_days = world->keep_days,
                                                .single_threaded = true,
                                                .connect = connect_model,
                                                .token = next_token,
                                                .opaque = worker};
    worker->world = world;
    worker->partition = partition_new(0, &settings);
    if (chance(world->random, 0.5))
        partition_set_memory(worker->partition, 4096 + pick(world->random, 30000)); /* forgets and reads again, often */
    worker->feed = feed_new();
    worker->stack = g_malloc(STACK_SIZE);
}

/* Sheets leave Redis after some days only if there is an archive; then none is erased (model_compare.h would not know from where
 * the sheet of an erasure takes the one before). */
static void choose_settings(struct world *world, guint32 seed)
{
    static const uint32_t paces[] = {1, 4, 30};
    static const double jumps[] = {0.01, 0.01, 0.01, 0.06}, closings[] = {0.05, 0.15, 0.4};
    world->payload_max = 100 + pick(world->random, 6000);
    world->n_workers = 1 + pick(world->random, WORKERS);
    world->pace = paces[pick(world->random, G_N_ELEMENTS(paces))];
    world->maker.jumps = jumps[pick(world->random, G_N_ELEMENTS(jumps))];
    world->maker.closings = closings[pick(world->random, G_N_ELEMENTS(closings))];
    world->maker.erases = chance(world->random, 0.5);
    if (seed % 64 != 1)
        return;
    g_autofree char *directory = g_dir_make_tmp("daybook-model-XXXXXX", NULL);
    world->archive = archive_open(directory, NULL);
    g_assert_nonnull(world->archive);
    world->keep_days = world->maker.erases ? 0 : (int)pick(world->random, 3);
}

static void world_init(struct world *world, guint32 seed)
{
    *world = (struct world){.random = g_rand_new_with_seed(seed), .model = model_new()};
    log_maker_init(&world->maker, world->random);
    world->connections = g_ptr_array_new_with_free_func(connection_destroy);
    choose_settings(world, seed);
    for (size_t i = 0; i < WORKERS; i++)
        world_init_worker(world, &world->workers[i]);
}

static void remove_tree(const char *directory)
{
    GDir *dir = g_dir_open(directory, 0, NULL);
    for (const char *name; dir && (name = g_dir_read_name(dir));) {
        g_autofree char *path = g_build_filename(directory, name, NULL);
        if (g_file_test(path, G_FILE_TEST_IS_DIR))
            remove_tree(path);
        else
            g_assert_cmpint(g_unlink(path), ==, 0);
    }
    if (dir)
        g_dir_close(dir);
    g_assert_cmpint(g_rmdir(directory), ==, 0);
}

static void world_clear(struct world *world)
{
    world->peace = true;
    for (size_t i = 0; i < WORKERS; i++) {
        kill_worker(world, &world->workers[i]);
        partition_free(world->workers[i].partition);
        feed_free(world->workers[i].feed);
        payload_free(world->workers[i].payload);
        g_free(world->workers[i].stack);
    }
    if (world->archive)
        remove_tree(archive_directory(world->archive));
    archive_free(world->archive);
    g_ptr_array_free(world->connections, TRUE);
    log_maker_clear(&world->maker);
    model_free(world->model);
    g_rand_free(world->random);
    g_free(world->damage);
}

#endif
