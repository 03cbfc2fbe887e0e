/* The commit protocol under random schedules: the real code of a partition (claim, count, flush, removal, seals, sheets, the
 * ledger) against a Redis that can be stopped between any two commands.
 *
 * Each schedule makes a log (model_log.h), lets up to three workers believe that they own the partition, kills them and cuts their
 * connections with commands on their way, which may still be executed, and puts Redis back to earlier states, with and without the
 * connections noticing. In the end one worker goes on in peace, is killed once more, and all that was still on its way arrives;
 * then what Redis holds must be the function of the log that the test computes by itself (model_oracle.h, model_closing.h;
 * model_compare.h says what is exact). Some schedules have an archive, whose files nobody puts back.
 *
 * DAYBOOK_MODEL_SCHEDULES=N (default 3,000), DAYBOOK_MODEL_SEED=N (first seed). */
#include "aggregator/partition.h"
#include "lib/archive.h"
#include "lib/keys.h"
#include "lib/log.h"
#include "tests/unit/model_closing.h"
#include "tests/unit/model_compare.h"
#include "tests/unit/model_log.h"
#include "tests/unit/model_oracle.h"
#include "tests/unit/model_redis.h"
#include "tests/unit/model_world.h"

enum { SETTLE_STEPS = 200000 };

static void roll_back(struct world *world)
{
    static const uint32_t depths[] = {1, 3, 10, 40, 100000};
    guint n = world->model->undo->len, depth = pick(world->random, MIN(n, depths[pick(world->random, 5)]) + 1);
    bool silent = chance(world->random, 0.5);
    model_rollback(world->model, n - depth, silent);
    total[silent ? SILENT_ROLLBACKS : ROLLBACKS]++;
}

/* Most steps let one worker go on: with its own commands executed, or stuck while others are. */
static void step_worker(struct world *world, struct sim_worker *worker)
{
    if (worker->waiting && worker->connection && chance(world->random, 0.95))
        execute_some(world, worker->connection);
    resume(world, worker);
}

static void run_schedule(struct world *world)
{
    static const double rollback_rates[] = {0, 0.005, 0.02, 0.05}, kill_rates[] = {0, 0.01, 0.04};
    static const uint32_t bursts[] = {1, 4, 15, 60, 150};
    double rollback = rollback_rates[pick(world->random, 4)], kill = kill_rates[pick(world->random, 3)];
    uint32_t burst = bursts[pick(world->random, 5)];
    struct sim_worker *current = &world->workers[0];
    bool slow = chance(world->random, 0.2); /* the log grows slowly: sheets are made before the next record comes */
    for (uint32_t steps = slow ? 1000 + pick(world->random, 2000) : 200 + pick(world->random, 800); steps > 0; steps--) {
        if (chance(world->random, slow ? 0.03 : 0.08))
            write_log(&world->maker);
        else if (chance(world->random, rollback))
            roll_back(world);
        else if (chance(world->random, kill))
            kill_worker(world, &world->workers[pick(world->random, world->n_workers)]);
        else if (world->connections->len > 0 && chance(world->random, 0.1))
            execute_some(world, g_ptr_array_index(world->connections, pick(world->random, world->connections->len)));
        else {
            if (pick(world->random, burst) == 0)
                current = &world->workers[pick(world->random, world->n_workers)];
            step_worker(world, current);
        }
    }
}

/* What Redis would execute next of this worker. */
static const struct command *next_command(const struct sim_worker *worker)
{
    const struct connection *connection = worker->connection;
    return connection && connection->commands->len > 0 ? g_ptr_array_index(connection->commands, 0) : NULL;
}

/* One worker goes on until nothing is left to be done. Ghosts may still arrive. */
static bool work_in_peace(struct world *world, struct sim_worker *worker, const struct comparison *comparison, bool removal)
{
    int calm = 0;
    for (int i = 0; i < SETTLE_STEPS; i++) {
        if (worker->connection && chance(world->random, 0.9))
            execute_some(world, worker->connection);
        else if (!world->hold && world->connections->len > 0 && chance(world->random, 0.1))
            execute_some(world, g_ptr_array_index(world->connections, pick(world->random, world->connections->len)));
        resume(world, worker);
        calm = !worker->settled ? 0 : worker->waiting ? calm : calm + 1;
        if (calm >= 8 && !next_command(worker) && is_all_done(comparison, removal))
            return true;
    }
    return false;
}

/* The same in two lives. Removal runs once a minute of log clock, and of all that is due only after a claim. */
static bool work_twice(struct world *world, struct sim_worker *worker, const struct comparison *comparison)
{
    world->peace = true;
    world->pace = 1000;
    if (!work_in_peace(world, worker, comparison, false))
        return false;
    kill_worker(world, worker);
    return work_in_peace(world, worker, comparison, true);
}

static void let_all_arrive(struct world *world)
{
    for (guint i = 0; i < world->connections->len; i++) {
        struct connection *connection = g_ptr_array_index(world->connections, i);
        while (connection->commands->len > 0 && connection->epoch == world->model->epoch)
            execute_one(world, connection);
    }
}

static bool settle(struct world *world, const struct comparison *comparison)
{
    struct sim_worker *worker = &world->workers[pick(world->random, WORKERS)];
    world->peace = true;
    for (size_t i = 0; i < WORKERS; i++)
        if (&world->workers[i] != worker)
            kill_worker(world, &world->workers[i]);
    bool settled = work_twice(world, worker, comparison);
    let_all_arrive(world);
    return settled;
}

static void add_totals(const struct world *world, const struct comparison *comparison)
{
    const struct oracle *oracle = comparison->oracle;
    total[COMMITS] += model_number(world->model, "{p0}:commit", "n");
    total[EVENTS] += oracle->events;
    total[LATE] += oracle->late;
    total[SWEPT] += comparison->removed;
    total[SEALS] += oracle->sealed->len;
    total[SEALS_IGNORED] += oracle->seals_ignored;
    total[SHEETS_REMOVED] += comparison->sheets_removed;
    total[ENTRIES] += oracle->entries->len;
    total[ENTRIES_IGNORED] += oracle->ledger_ignored;
    total[ERASURES] += g_hash_table_size(oracle->erasures);
}

/* The rules that scripts leave out: sets of 1 << STORE_COMMIT and so on. */
struct gaps {
    unsigned fence, replid;
};

static void world_begin(struct world *world, guint32 seed, struct gaps gaps)
{
    world_init(world, seed);
    world->model->no_fence = gaps.fence;
    world->model->no_replid = gaps.replid;
}

static struct comparison comparison_of(const struct world *world)
{
    return (struct comparison){.model = world->model,
                               .oracle = world->maker.oracle,
                               .archive = world->archive,
                               .keep_days = world->keep_days,
                               .alone = world->n_workers == 1};
}

/* The first difference, or NULL. */
static char *schedule(guint32 seed, struct gaps gaps)
{
    struct world world;
    world_begin(&world, seed, gaps);
    for (int i = 0; i < 3; i++)
        write_log(&world.maker);
    run_schedule(&world);
    struct comparison comparison = comparison_of(&world);
    bool settled = settle(&world, &comparison);
    char *difference = settled ? compare_with_log(&comparison) : g_strdup("no progress");
    if (world.damage && !difference)
        difference = g_steal_pointer(&world.damage);
    add_totals(&world, &comparison);
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
    g_autoptr(GString) text = g_string_new(NULL);
    for (guint64 i = 0; i < n; i++) {
        g_autofree char *difference = schedule((guint32)(seed + i), (struct gaps){0, 0});
        if (difference)
            g_error("seed %" G_GUINT64_FORMAT ": %s", seed + i, difference);
    }
    for (size_t i = 0; i < TOTALS; i++)
        g_string_append_printf(text, " %s=%" G_GUINT64_FORMAT, total_names[i], total[i]);
    g_test_message("schedules=%" G_GUINT64_FORMAT "%s", n, text->str);
    for (size_t i = 0; n >= 1000 && i < TOTALS; i++)
        g_assert_cmpuint(total[i], >, 0); /* every fault was met */
}

/* The rules are needed, and the test sees when one is missing. */
static void expect_failures(gconstpointer opaque)
{
    const struct gaps *gaps = opaque;
    guint failures = 0;
    for (guint32 seed = 1; seed <= 600 && failures == 0; seed++) {
        g_autofree char *difference = schedule(seed, *gaps);
        failures += difference != NULL;
    }
    g_assert_cmpuint(failures, >, 0);
}

static bool is_about_to_write_sheet(const struct sim_worker *worker)
{
    const struct command *command = next_command(worker);
    return command && view_is(command->argv[0], "EVALSHA") && view_is(command->argv[1], store_script_sha(STORE_SHEET));
}

static bool is_about_to_read_closed(const struct sim_worker *worker)
{
    const struct command *command = next_command(worker);
    return command && view_is(command->argv[0], "HGET") && view_is(command->argv[1], "{p0}:closed");
}

static void run_until(struct world *world, struct sim_worker *worker, bool (*reached)(const struct sim_worker *worker))
{
    world->peace = true;
    for (int i = 0; i < SETTLE_STEPS && !reached(worker); i++) {
        if (next_command(worker))
            execute_one(world, worker->connection);
        else
            resume(world, worker);
    }
    g_assert_true(reached(worker));
}

static void append_seal(struct log_maker *maker, int64_t day, uint32_t revision, enum seal_reason reason)
{
    const struct day_seal seal = {.day = (uint32_t)day, .revision = revision, .reason = reason};
    append_record(maker, ledger_seal(&seal));
}

/* A worker stands still with a sheet on its way. Another one makes that sheet, erases a user in the next revision, and removes the
 * one that names the user. Then the first one's arrives. */
static char *late_sheet(struct gaps gaps)
{
    struct world world;
    world_begin(&world, 2, gaps);
    struct comparison comparison = comparison_of(&world);
    struct sim_worker *stalled = &world.workers[0], *other = &world.workers[1];
    for (int i = 0; i < 10; i++)
        collect(&world.maker);
    int64_t day = world.maker.clock_ms / KEYS_DAY_MS;
    world.maker.clock_ms += KEYS_DAY_MS;
    append_seal(&world.maker, day, 1, SEAL_DAY_END);
    world.hold = true;
    run_until(&world, stalled, is_about_to_write_sheet);
    g_assert_true(work_twice(&world, other, &comparison));
    append_seal(&world.maker, day, 2, SEAL_ERASURE);
    g_assert_true(work_twice(&world, other, &comparison));
    world.maker.clock_ms += 2 * 3600000;
    collect(&world.maker);
    g_assert_true(work_twice(&world, other, &comparison));
    g_assert_true(is_about_to_write_sheet(stalled));
    let_all_arrive(&world);
    char *difference = compare_with_log(&comparison);
    g_assert_cmpuint(comparison.sheets_removed, ==, difference ? 0 : 1);
    world_clear(&world);
    return difference;
}

static void test_late_sheet(void)
{
    g_autofree char *difference = late_sheet((struct gaps){0, 0});
    g_assert_cmpstr(difference, ==, NULL);
}

static void test_late_sheet_without_fence(void)
{
    g_autofree char *difference = late_sheet((struct gaps){.fence = 1U << STORE_SHEET});
    g_assert_nonnull(difference);
    g_assert_nonnull(strstr(difference, "came back"));
}

/* Somebody removes from Redis what was written down at the seal of a revision without events: its buckets cannot tell. */
static void test_missing_closed(void)
{
    struct world world;
    world_begin(&world, 2, (struct gaps){0, 0});
    struct comparison comparison = comparison_of(&world);
    struct sim_worker *worker = &world.workers[0];
    collect(&world.maker);
    int64_t day = world.maker.clock_ms / KEYS_DAY_MS;
    world.maker.clock_ms += KEYS_DAY_MS;
    append_seal(&world.maker, day, 1, SEAL_DAY_END);
    g_assert_true(work_twice(&world, worker, &comparison));
    append_seal(&world.maker, day, 2, SEAL_REQUESTED);
    run_until(&world, worker, is_about_to_read_closed);
    g_autofree char *field = g_strdup_printf("%" G_GINT64_FORMAT ".2", day);
    g_autoptr(GBytes) key = bytes_of(view_of("{p0}:closed")), name = bytes_of(view_of(field));
    raw_set(world.model, key, name, NULL);
    g_assert_false(work_in_peace(&world, worker, &comparison, true));
    g_assert_cmpuint(model_number(world.model, "{p0}:meta", "sheets"), ==, 1);
    g_assert_nonnull(strstr(partition_trouble(worker->partition), "revision 2"));
    world_clear(&world);
}

/* ---- slots that another version has begun ---- */

static bool is_sum(const char *key)
{
    return g_str_has_prefix(key, "{p0}:ss:");
}

/* "20778.1 sum-" and the slot of "{p0}:ss:20778.1:17": how the oracle names what is in it. */
static bool is_of_slot(const char *name, const char *key)
{
    int slot, named;
    char generation[32], named_generation[32];
    return sscanf(key, "{p0}:ss:%31[^:]:%d", generation, &slot) == 2 &&
           sscanf(name, "%31s sum-%*s %d ", named_generation, &named) == 2 && slot == named &&
           strcmp(generation, named_generation) == 0;
}

static gboolean is_of_slots(gpointer name, gpointer value, gpointer keys)
{
    (void)value;
    for (guint i = 0; i < ((GPtrArray *)keys)->len; i++)
        if (is_of_slot(name, ((GPtrArray *)keys)->pdata[i]))
            return true;
    return false;
}

/* The keys of all sums that are there; texts. */
static GPtrArray *sum_keys(struct model *model)
{
    GPtrArray *keys = g_ptr_array_new_with_free_func(g_free);
    GHashTableIter iter;
    gpointer key;
    g_hash_table_iter_init(&iter, model->keys);
    while (g_hash_table_iter_next(&iter, &key, NULL)) {
        char *name = bytes_text(key);
        if (is_sum(name))
            g_ptr_array_add(keys, name);
        else
            g_free(name);
    }
    return keys;
}

/* How many fields that begin so (NULL: all) are removed from a hash. */
static guint remove_fields(struct model *model, const char *name, const char *prefix)
{
    g_autoptr(GBytes) key = bytes_of(view_of(name));
    GHashTable *hash = model_hash(model, name);
    g_autoptr(GList) fields = hash ? g_hash_table_get_keys(hash) : NULL;
    guint removed = 0;
    for (const GList *at = fields; at; at = at->next) {
        g_autoptr(GBytes) field = g_bytes_ref(at->data);
        g_autofree char *text = bytes_text(field);
        if (prefix && !g_str_has_prefix(text, prefix))
            continue;
        raw_set(model, key, field, NULL);
        removed++;
    }
    return removed;
}

static guint remove_all_fields(struct model *model, const GPtrArray *keys, const char *prefix)
{
    guint removed = 0;
    for (guint i = 0; i < keys->len; i++)
        removed += remove_fields(model, keys->pdata[i], prefix);
    return removed;
}

/* All sums of slots are lost, or those of one kind, or never were: then none of these slots is given any more, since they would be
 * of less than what was counted. All else is counted on, and slots that begin later have sums. */
static void test_slots_without_sums(gconstpointer prefix)
{
    struct world world;
    world_begin(&world, 2, (struct gaps){0, 0});
    struct comparison comparison = comparison_of(&world);
    GHashTable *sums = comparison.oracle->sums;
    world.maker.clock_ms = BEGIN_MS / KEYS_DAY_MS * KEYS_DAY_MS + KEYS_SLOT_MS + 3 * KEYS_MINUTE_MS;
    g_autofree char *slot = g_strdup_printf("%" G_GINT64_FORMAT ".1 total 1", world.maker.clock_ms / KEYS_DAY_MS);
    for (int i = 0; i < 10; i++)
        collect(&world.maker);
    g_assert_true(work_twice(&world, &world.workers[0], &comparison));
    beat(&world.maker); /* who claims applies the last commit once more: it is of none of these slots */
    g_assert_true(work_twice(&world, &world.workers[0], &comparison));
    uint64_t before = sums_of(sums, g_strdup(slot))->requests;
    g_autoptr(GPtrArray) old = sum_keys(world.model);
    g_assert_cmpuint(remove_all_fields(world.model, old, prefix), >, 0);
    for (int i = 0; i < 20; i++) {
        collect(&world.maker);
        world.maker.clock_ms += i == 9 ? KEYS_SLOT_MS : 0;
    }
    g_assert_true(work_twice(&world, &world.workers[1], &comparison)); /* who remembers nothing */
    g_assert_cmpuint(sums_of(sums, g_strdup(slot))->requests, >, before);
    g_assert_cmpuint(before, >, 0);
    g_assert_cmpuint(remove_all_fields(world.model, old, prefix), ==, 0);
    remove_all_fields(world.model, old, NULL);
    g_hash_table_foreach_remove(sums, is_of_slots, old);
    g_autofree char *difference = compare_with_log(&comparison);
    g_assert_cmpstr(difference, ==, NULL);
    g_autoptr(GPtrArray) later = sum_keys(world.model);
    g_assert_cmpuint(later->len, >, 0);
    world_clear(&world);
}

int main(int argc, char **argv)
{
    static const struct gaps no_fence = {.fence = ~0U}, no_replid = {.replid = ~0U};
    g_test_init(&argc, &argv, NULL);
    log_set_level((enum log_level)(LOG_LEVEL_ERROR + 1)); /* a schedule is nothing but trouble */
    g_test_add_func("/commit/schedules", test_schedules);
    g_test_add_data_func("/commit/notices-a-missing-fence", &no_fence, expect_failures);
    g_test_add_data_func("/commit/notices-a-missing-replid", &no_replid, expect_failures);
    g_test_add_func("/commit/late-sheet", test_late_sheet);
    g_test_add_func("/commit/notices-a-missing-fence-of-sheets", test_late_sheet_without_fence);
    g_test_add_func("/commit/missing-closed", test_missing_closed);
    g_test_add_data_func("/commit/slots-without-sums", NULL, test_slots_without_sums);
    g_test_add_data_func("/commit/slots-without-sums-of-clients", "c", test_slots_without_sums);
    g_test_add_data_func("/commit/slots-without-sums-of-routes", "r", test_slots_without_sums);
    g_test_add_data_func("/commit/slots-without-sums-of-minutes", "m", test_slots_without_sums);
    return g_test_run();
}
