/* A world for closing_plan: partitions that read their logs slowly, are put back and read them again; partitions that are added;
 * closers that are killed between any two records, that are two at a time, and whose view is old. What came must be in the ledger
 * in the end, each event in one revision, and no revision may be there without a reason. A failure prints its seed; DAYBOOK_SEED
 * repeats it. */
#include "aggregator/closing_plan.h"
#include "lib/keys.h"

/* Events are of the first days; the calendar goes on behind them. */
enum {
    FIRST = 20000,
    DAYS = 8,
    EVENT_DAYS = 3,
    FOUNDERS = 2,
    PARTITIONS_MAX = 4,
    MINUTE_MS = 60000,
    CLOSERS = 2,
    STEPS = 700,
    SETTLE_ROUNDS = 400
};
enum { CAME, SEALED, ENTERED };

/* A record of a partition's log. */
struct entry {
    int kind;
    int day; /* FIRST + day */
    int revision;
    uint64_t n; /* of the ledger */
    int64_t at_ms;
};

/* What a partition makes of its log. */
struct state {
    size_t next;
    struct day_state days[DAYS];
    bool known[DAYS]; /* the day is in the hash */
    struct open_day open[DAYS];
    uint64_t ledger;
};

struct partition {
    GArray *log; /* struct entry */
    struct state now, kept;
    int made[DAYS]; /* last revision whose sheet was ever made: it is there again at once after a rollback */
};

struct closer {
    struct closing_plan *plan;
    struct state seen[PARTITIONS_MAX];
    int64_t ends[PARTITIONS_MAX]; /* -1: not asked */
    uint64_t ends_since;
};

struct world {
    GRand *rand;
    int64_t now_ms;
    int n; /* partitions */
    struct partition partitions[PARTITIONS_MAX];
    struct closer closers[CLOSERS];
    bool grows;
};
static const struct closing_plan_settings settings = {.grace_ms = 10 * MINUTE_MS, .restate_after_ms = 5 * MINUTE_MS};

static bool chance(struct world *world, int percent)
{
    return g_rand_int_range(world->rand, 0, 100) < percent;
}

static int64_t end_of(int day)
{
    return (FIRST + day + 1) * KEYS_DAY_MS;
}

static void append(struct world *world, int p, struct entry entry)
{
    entry.at_ms = world->now_ms;
    g_array_append_val(world->partitions[p].log, entry);
}

/* ---- partitions ---- */

static void take_seal(struct state *state, const struct entry *entry)
{
    struct day_state *day = &state->days[entry->day];
    if (entry->revision != day->sealed + 1 || entry->at_ms < end_of(entry->day))
        return;
    day->sealed++;
    state->known[entry->day] = true;
    state->open[entry->day] = (struct open_day){0};
}

static void take(struct state *state, const struct entry *entry)
{
    struct open_day *open = &state->open[entry->day];
    switch (entry->kind) {
    case CAME:
        if (open->events++ == 0)
            open->first_ms = entry->at_ms;
        open->last_ms = entry->at_ms;
        break;
    case SEALED:
        take_seal(state, entry);
        break;
    default:
        if (entry->n == state->ledger + 1 && entry->revision == state->days[entry->day].ledgered + 1 &&
            entry->revision <= state->days[entry->day].sealed) {
            state->ledger++;
            state->days[entry->day].ledgered++;
        }
        break;
    }
    state->next++;
}

static void read_log(struct world *world, struct partition *partition, int records)
{
    (void)world;
    while (records-- > 0 && partition->now.next < partition->log->len)
        take(&partition->now, &g_array_index(partition->log, struct entry, partition->now.next));
}

static void make_sheet(struct partition *partition, int day)
{
    struct day_state *state = &partition->now.days[day];
    g_assert(day < DAYS);
    if (state->sheeted < state->sealed)
        state->sheeted++;
    partition->made[day] = MAX(partition->made[day], state->sheeted);
}

/* ---- closers ---- */

static void add_view(struct closing_view *view, const struct closer *closer, int p, const struct partition *partition)
{
    const struct state *state = &closer->seen[p];
    struct closing_partition *seen = closing_partition_new();
    if (partition->log->len > 0)
        seen->first_ms = FIRST * KEYS_DAY_MS;
    seen->caught_up =
        closer->ends[p] >= 0 && closer->ends_since == closer->seen[0].ledger && (int64_t)state->next >= closer->ends[p];
    for (int day = 0; day < DAYS; day++) {
        struct closing_day one = {FIRST + day, state->days[day]};
        struct closing_open open = {FIRST + day, state->days[day].sealed + 1, state->open[day]};
        if (state->known[day])
            g_array_append_val(seen->days, one);
        if (state->open[day].events > 0)
            g_array_append_val(seen->open, open);
    }
    g_ptr_array_add(view->partitions, seen);
}

static void look(struct world *world, struct closer *closer, struct closing_view *view)
{
    view->partitions = g_ptr_array_new_with_free_func((GDestroyNotify)closing_partition_free);
    for (int p = 0; p < world->n; p++) {
        if (chance(world, 80))
            closer->seen[p] = world->partitions[p].now;
        add_view(view, closer, p, &world->partitions[p]);
        closer->ends[p] = -1;
    }
    view->ledger = closer->seen[0].ledger;
}

static void kill_closer(struct closer *closer)
{
    closing_plan_free(closer->plan);
    closer->plan = closing_plan_new(&settings);
}

static void send(struct world *world, struct closer *closer, const struct closing_view *view, const struct closing_round *round)
{
    const struct closing_time time = {world->now_ms, world->now_ms};
    uint64_t n = view->ledger;
    for (guint i = 0; i < round->seals->len; i++) {
        const struct closing_seal *seal = &g_array_index(round->seals, struct closing_seal, i);
        append(world, seal->partition,
               (struct entry){.kind = SEALED, .day = (int)seal->seal.day - FIRST, .revision = (int)seal->seal.revision});
        closing_plan_seal_sent(closer->plan, seal, &time);
        if (chance(world, 5)) {
            kill_closer(closer);
            return;
        }
    }
    for (guint i = 0; i < round->entries->len; i++) {
        const struct closing_entry *entry = &g_array_index(round->entries, struct closing_entry, i);
        int day = (int)(entry->day - FIRST);
        for (guint p = 0; p < view->partitions->len; p++)
            g_assert_cmpint(world->partitions[p].made[day], >=, entry->revision);
        append(world, 0, (struct entry){.kind = ENTERED, .day = day, .revision = entry->revision, .n = ++n});
        closing_plan_entries_sent(closer->plan, n, &time);
        if (chance(world, 5)) {
            kill_closer(closer);
            return;
        }
    }
}

static void run_closer(struct world *world, struct closer *closer)
{
    struct closing_view view;
    struct closing_round round;
    closing_round_init(&round);
    look(world, closer, &view);
    closing_plan_decide(closer->plan, &view, &(struct closing_time){world->now_ms, world->now_ms}, &round);
    for (guint i = 0; i < round.doubtful->len; i++) {
        int p = g_array_index(round.doubtful, int, i);
        closer->ends[p] = world->partitions[p].log->len;
        closer->ends_since = view.ledger;
    }
    send(world, closer, &view, &round);
    closing_round_clear(&round);
    g_ptr_array_free(view.partitions, TRUE);
}

/* ---- what happens ---- */

static void an_event_comes(struct world *world)
{
    int p = g_rand_int_range(world->rand, 0, world->n), day = g_rand_int_range(world->rand, 0, EVENT_DAYS);
    if (world->now_ms < FIRST * KEYS_DAY_MS + day * KEYS_DAY_MS)
        return;
    append(world, p, (struct entry){.kind = CAME, .day = day});
}

static void put_back(struct world *world)
{
    struct partition *partition = &world->partitions[g_rand_int_range(world->rand, 0, world->n)];
    if (chance(world, 50))
        partition->kept = partition->now;
    else
        partition->now = partition->kept;
}

static void step(struct world *world, bool quiet)
{
    for (int p = 0; p < world->n; p++) {
        if (chance(world, quiet ? 100 : 70))
            read_log(world, &world->partitions[p], quiet ? 1000 : g_rand_int_range(world->rand, 0, 6));
        for (int day = 0; day < DAYS; day++)
            if (quiet || chance(world, 12))
                make_sheet(&world->partitions[p], day);
    }
    if (!quiet && chance(world, 30))
        an_event_comes(world);
    if (!quiet && chance(world, 3))
        put_back(world);
    if (!quiet && world->grows && chance(world, 1) && world->n < PARTITIONS_MAX)
        world->n++;
    for (int i = 0; i < CLOSERS; i++)
        if (chance(world, 50))
            run_closer(world, &world->closers[i]);
    world->now_ms += g_rand_int_range(world->rand, 0, quiet ? 3 * MINUTE_MS : 12 * MINUTE_MS);
}

/* ---- what must be so ---- */

/* Events of the day that the partition has in its revision. */
static int count_events(const struct partition *partition, int day, int revision)
{
    struct state state = {0};
    int count = 0;
    for (guint i = 0; i < partition->log->len; i++) {
        const struct entry *entry = &g_array_index(partition->log, struct entry, i);
        count += entry->kind == CAME && entry->day == day && state.days[day].sealed + 1 == revision;
        take(&state, entry);
    }
    return count;
}

/* A revision behind the first has events of its own in some partition. But a partition that was added late may have those that are
 * the reason in an earlier one. */
static void check_reasons(const struct world *world, int day)
{
    for (int revision = 2; revision <= world->partitions[0].now.days[day].ledgered; revision++) {
        int count = 0;
        for (int p = 0; p < world->n; p++) {
            count += count_events(&world->partitions[p], day, revision);
            for (int before = 1; p >= FOUNDERS && before < revision; before++)
                count += count_events(&world->partitions[p], day, before);
        }
        g_assert_cmpint(count, >, 0);
    }
}

static bool is_settled(const struct world *world)
{
    for (int day = 0; day < EVENT_DAYS; day++) {
        int ledgered = world->partitions[0].now.days[day].ledgered;
        if (ledgered == 0)
            return false;
        for (int p = 0; p < world->n; p++) {
            const struct state *state = &world->partitions[p].now;
            if (state->open[day].events > 0 || state->days[day].sealed > ledgered || state->next < world->partitions[p].log->len)
                return false;
        }
    }
    return true;
}

static void run_world(guint32 seed)
{
    struct world world = {.rand = g_rand_new_with_seed(seed), .now_ms = FIRST * KEYS_DAY_MS, .n = FOUNDERS, .grows = seed % 2};
    for (int p = 0; p < PARTITIONS_MAX; p++)
        world.partitions[p].log = g_array_new(FALSE, FALSE, sizeof(struct entry));
    for (int i = 0; i < CLOSERS; i++)
        world.closers[i].plan = closing_plan_new(&settings);
    for (int i = 0; i < STEPS; i++)
        step(&world, false);
    world.now_ms = MAX(world.now_ms, end_of(EVENT_DAYS));
    int rounds = 0;
    while (!is_settled(&world) && rounds++ < SETTLE_ROUNDS)
        step(&world, true);
    if (!is_settled(&world))
        g_error("seed %u: after %d rounds without events not everything is in the ledger", seed, SETTLE_ROUNDS);
    int ledgered[EVENT_DAYS];
    for (int day = 0; day < EVENT_DAYS; day++) {
        check_reasons(&world, day);
        ledgered[day] = world.partitions[0].now.days[day].ledgered;
    }
    size_t before[PARTITIONS_MAX];
    for (int p = 0; p < PARTITIONS_MAX; p++)
        before[p] = world.partitions[p].log->len;
    for (int i = 0; i < 50; i++)
        step(&world, true);
    for (int p = 0; p < PARTITIONS_MAX; p++) { /* nothing more is sent, but by what was read before */
        for (guint i = (guint)before[p]; i < world.partitions[p].log->len; i++) {
            const struct entry *entry = &g_array_index(world.partitions[p].log, struct entry, i);
            if (entry->day < EVENT_DAYS)
                g_assert_cmpint(entry->revision, <=, ledgered[entry->day]);
        }
        g_array_free(world.partitions[p].log, TRUE);
    }
    for (int i = 0; i < CLOSERS; i++)
        closing_plan_free(world.closers[i].plan);
    g_rand_free(world.rand);
}

static void test_world(void)
{
    const char *chosen = g_getenv("DAYBOOK_SEED");
    int worlds = chosen ? 1 : g_test_slow() ? 20000 : 400;
    for (int i = 0; i < worlds; i++) {
        guint32 seed = chosen ? (guint32)g_ascii_strtoull(chosen, NULL, 10) : (guint32)g_test_rand_int();
        g_test_message("seed %u", seed);
        run_world(seed);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/closing_plan/world", test_world);
    return g_test_run();
}
