/* Decisions one by one; test_closing_world.c lets many of them follow each other. */
#include "aggregator/closing_plan.h"
#include "lib/keys.h"

enum { FIRST = 20000, PARTITIONS = 4, HOUR_MS = 3600000 };
static const struct closing_plan_settings settings = {.grace_ms = HOUR_MS, .restate_after_ms = 2 * HOUR_MS};

struct fixture {
    struct closing_view view;
    struct closing_plan *plan;
    struct closing_round round;
    struct closing_time now;
};

static int64_t start_of(int64_t day)
{
    return day * KEYS_DAY_MS;
}

static void set_up(struct fixture *f, gconstpointer data)
{
    (void)data;
    f->view.partitions = g_ptr_array_new_with_free_func((GDestroyNotify)closing_partition_free);
    for (int p = 0; p < PARTITIONS; p++) {
        struct closing_partition *partition = closing_partition_new();
        partition->first_ms = start_of(FIRST) + HOUR_MS * (p + 1);
        g_ptr_array_add(f->view.partitions, partition);
    }
    f->plan = closing_plan_new(&settings);
    closing_round_init(&f->round);
    f->now = (struct closing_time){.wall_ms = start_of(FIRST) + 2 * HOUR_MS, .monotonic_ms = 1000};
}

static void tear_down(struct fixture *f, gconstpointer data)
{
    (void)data;
    g_ptr_array_free(f->view.partitions, TRUE);
    closing_plan_free(f->plan);
    closing_round_clear(&f->round);
}

static struct closing_partition *member_of(struct fixture *f, int p)
{
    return g_ptr_array_index(f->view.partitions, (guint)p);
}

static void set_day(struct fixture *f, int p, int64_t day, struct day_state state)
{
    GArray *days = member_of(f, p)->days;
    guint at = 0;
    while (at < days->len && g_array_index(days, struct closing_day, at).day < day)
        at++;
    struct closing_day one = {day, state};
    if (at < days->len && g_array_index(days, struct closing_day, at).day == day)
        g_array_index(days, struct closing_day, at) = one;
    else
        g_array_insert_val(days, at, one);
}

static void set_days(struct fixture *f, int64_t day, struct day_state state)
{
    for (int p = 0; p < (int)f->view.partitions->len; p++)
        set_day(f, p, day, state);
}

/* Events of the revision came, the first and the last so long ago. */
static void set_open(struct fixture *f, int p, struct closing_open open)
{
    GArray *list = member_of(f, p)->open;
    guint at = 0;
    while (at < list->len && g_array_index(list, struct closing_open, at).day < open.day)
        at++;
    g_array_insert_val(list, at, open);
}

static struct closing_open came(const struct fixture *f, int64_t day, int revision, int64_t first_ago_ms, int64_t last_ago_ms)
{
    struct closing_open open = {.day = day, .revision = revision, .open = {.events = 1, .end_offset = 1}};
    open.open.first_ms = f->now.wall_ms - first_ago_ms;
    open.open.last_ms = f->now.wall_ms - last_ago_ms;
    return open;
}

static void decide(struct fixture *f)
{
    closing_plan_decide(f->plan, &f->view, &f->now, &f->round);
}

/* "day.revision@partition" of all seals, with "L" behind late ones and "<peer" where one is named. */
static char *seals_text(struct fixture *f)
{
    GString *text = g_string_new(NULL);
    for (guint i = 0; i < f->round.seals->len; i++) {
        const struct closing_seal *seal = &g_array_index(f->round.seals, struct closing_seal, i);
        g_string_append_printf(text, "%s+%d.%u@%d%s", i ? " " : "", (int)seal->seal.day - FIRST, seal->seal.revision,
                               seal->partition, seal->seal.reason == SEAL_LATE ? "L" : "");
        if (seal->peer >= 0)
            g_string_append_printf(text, "<%d", seal->peer);
    }
    return g_string_free(text, FALSE);
}

static void expect_seals(struct fixture *f, const char *wanted)
{
    decide(f);
    g_autofree char *text = seals_text(f);
    g_assert_cmpstr(text, ==, wanted);
}

static void expect_entries(struct fixture *f, const char *wanted)
{
    g_autoptr(GString) text = g_string_new(NULL);
    decide(f);
    for (guint i = 0; i < f->round.entries->len; i++) {
        const struct closing_entry *entry = &g_array_index(f->round.entries, struct closing_entry, i);
        g_string_append_printf(text, "%s+%d.%d", i ? " " : "", (int)(entry->day - FIRST), entry->revision);
    }
    g_assert_cmpstr(text->str, ==, wanted);
}

static void send_all(struct fixture *f)
{
    for (guint i = 0; i < f->round.seals->len; i++)
        closing_plan_seal_sent(f->plan, &g_array_index(f->round.seals, struct closing_seal, i), &f->now);
}

static void pass(struct fixture *f, int64_t ms)
{
    f->now.wall_ms += ms;
    f->now.monotonic_ms += ms;
}

/* ---- the calendar ---- */

static void test_nothing_was_counted(struct fixture *f, gconstpointer data)
{
    (void)data;
    for (int p = 0; p < PARTITIONS; p++)
        member_of(f, p)->first_ms = -1;
    pass(f, 100 * KEYS_DAY_MS);
    expect_seals(f, "");
    g_assert_cmpint(f->round.closed_through, ==, -1);
    g_ptr_array_set_size(f->view.partitions, 0);
    expect_seals(f, "");
    expect_entries(f, "");
}

static void test_grace(struct fixture *f, gconstpointer data)
{
    (void)data;
    f->now.wall_ms = start_of(FIRST + 1) + settings.grace_ms - 1;
    expect_seals(f, "");
    g_assert_cmpuint(f->round.waits->len, ==, 0);
    pass(f, 1);
    expect_seals(f, "+0.1@0 +0.1@1 +0.1@2 +0.1@3");
    g_assert_cmpint(f->round.closed_through, ==, FIRST - 1);
}

/* The first day is that of the earliest record of any partition. */
static void test_first_day(struct fixture *f, gconstpointer data)
{
    (void)data;
    for (int p = 0; p < PARTITIONS; p++)
        member_of(f, p)->first_ms = p == 2 ? start_of(FIRST + 1) - 1 : p == 1 ? -1 : start_of(FIRST + 2);
    f->now.wall_ms = start_of(FIRST + 2) + settings.grace_ms;
    expect_seals(f, "+0.1@0 +0.1@1 +0.1@2 +0.1@3 +1.1@0 +1.1@1 +1.1@2 +1.1@3");
    member_of(f, 2)->first_ms = start_of(FIRST + 1);
    expect_seals(f, "+1.1@0 +1.1@1 +1.1@2 +1.1@3");
}

static void test_sent_once(struct fixture *f, gconstpointer data)
{
    (void)data;
    f->now.wall_ms = start_of(FIRST + 1) + settings.grace_ms;
    decide(f);
    g_assert_false(closing_plan_busy(f->plan));
    send_all(f);
    g_assert_true(closing_plan_busy(f->plan));
    expect_seals(f, "");
    set_day(f, 1, FIRST, (struct day_state){.sealed = 1});
    pass(f, CLOSING_RESEND_MS - 1);
    expect_seals(f, "");
    pass(f, 1);
    expect_seals(f, "+0.1@0<1 +0.1@2<1 +0.1@3<1");
    send_all(f);
    expect_seals(f, "");
    closing_plan_forget(f->plan);
    expect_seals(f, "+0.1@0<1 +0.1@2<1 +0.1@3<1");
    send_all(f);
    set_days(f, FIRST, (struct day_state){.sealed = 1});
    expect_seals(f, "");
    g_assert_false(closing_plan_busy(f->plan));
}

/* A clock that is set back must not make the memory of what was sent last for ever. */
static void test_wall_clock_jumps(struct fixture *f, gconstpointer data)
{
    (void)data;
    f->now.wall_ms = start_of(FIRST + 1) + settings.grace_ms;
    decide(f);
    send_all(f);
    f->now.wall_ms -= 1000;
    expect_seals(f, "");
    f->now.monotonic_ms += CLOSING_RESEND_MS;
    f->now.wall_ms += 1000;
    expect_seals(f, "+0.1@0 +0.1@1 +0.1@2 +0.1@3");
}

static void test_in_flight_is_bounded(struct fixture *f, gconstpointer data)
{
    (void)data;
    f->now.wall_ms = start_of(FIRST + 1000) + settings.grace_ms;
    decide(f);
    g_assert_cmpuint(f->round.seals->len, ==, CLOSING_SEALS_MAX * PARTITIONS);
    g_assert_cmpuint(f->round.waits->len, ==, 1000);
    send_all(f);
    expect_seals(f, "");
    for (int day = 0; day < 3; day++)
        set_day(f, 2, FIRST + day, (struct day_state){.sealed = 1});
    expect_seals(f, "+256.1@2 +257.1@2 +258.1@2");
}

/* ---- days before the log's first one ---- */

static void test_import(struct fixture *f, gconstpointer data)
{
    (void)data;
    f->now.wall_ms = start_of(FIRST) + 12 * HOUR_MS;
    set_open(f, 1, came(f, FIRST - 2000, 1, 3 * HOUR_MS, settings.restate_after_ms - 1));
    set_open(f, 3, came(f, FIRST - 2000, 1, 4 * HOUR_MS, settings.restate_after_ms + 5));
    expect_seals(f, "");
    g_assert_cmpint(f->round.closed_through, ==, FIRST - 2001);
    pass(f, 1);
    expect_seals(f, "+-2000.1@0 +-2000.1@1 +-2000.1@2 +-2000.1@3");
    set_days(f, FIRST - 2000, (struct day_state){.sealed = 1, .sheeted = 1, .ledgered = 1});
    expect_seals(f, "");
    g_assert_cmpint(f->round.closed_through, ==, FIRST - 1);
}

/* Only duplicates: no day of its own. */
static void test_import_without_events(struct fixture *f, gconstpointer data)
{
    (void)data;
    struct closing_open open = came(f, FIRST - 10, 1, KEYS_DAY_MS, KEYS_DAY_MS);
    open.open.events = 0;
    open.open.duplicates = 100;
    set_open(f, 0, open);
    set_days(f, FIRST - 9, (struct day_state){.sealed = 1, .sheeted = 1, .ledgered = 1});
    expect_seals(f, "");
    g_assert_cmpint(f->round.closed_through, ==, FIRST - 1);
}

static void test_import_of_yesterday_waits_for_grace(struct fixture *f, gconstpointer data)
{
    (void)data;
    f->now.wall_ms = start_of(FIRST) + settings.grace_ms - 1;
    set_open(f, 0, came(f, FIRST - 1, 1, 3 * HOUR_MS, 3 * HOUR_MS));
    expect_seals(f, "");
    pass(f, 1);
    expect_seals(f, "+-1.1@0 +-1.1@1 +-1.1@2 +-1.1@3");
}

/* ---- late events ---- */

static void test_late(struct fixture *f, gconstpointer data)
{
    (void)data;
    f->now.wall_ms = start_of(FIRST + 2);
    set_days(f, FIRST, (struct day_state){.sealed = 1, .sheeted = 1, .ledgered = 1});
    set_open(f, 2, came(f, FIRST, 2, 5 * HOUR_MS, settings.restate_after_ms - 1));
    set_open(f, 3, came(f, FIRST, 2, 6 * HOUR_MS, settings.restate_after_ms + 1));
    expect_seals(f, "");
    g_assert_cmpuint(f->round.waits->len, ==, 0);
    pass(f, 1);
    expect_seals(f, "+0.2@0L +0.2@1L +0.2@2L +0.2@3L");
    g_assert_cmpuint(f->round.waits->len, ==, 1);
}

static void test_late_duplicates_are_no_reason(struct fixture *f, gconstpointer data)
{
    (void)data;
    f->now.wall_ms = start_of(FIRST + 2);
    set_days(f, FIRST, (struct day_state){.sealed = 1, .sheeted = 1, .ledgered = 1});
    struct closing_open open = came(f, FIRST, 2, KEYS_DAY_MS, KEYS_DAY_MS);
    open.open.events = 0;
    open.open.duplicates = 7;
    set_open(f, 2, open);
    expect_seals(f, "");
}

static void test_trickle(struct fixture *f, gconstpointer data)
{
    (void)data;
    f->now.wall_ms = start_of(FIRST + 9);
    for (int day = 0; day < 9; day++)
        set_days(f, FIRST + day, (struct day_state){.sealed = 3, .sheeted = 3, .ledgered = 3});
    set_open(f, 2, came(f, FIRST, 4, 24 * settings.restate_after_ms - 1, 0));
    set_open(f, 3, came(f, FIRST, 4, 1, 0));
    expect_seals(f, "");
    pass(f, 1);
    expect_seals(f, "+0.4@0L +0.4@1L +0.4@2L +0.4@3L");
}

/* R + 1 is decided while R is not in the ledger yet; who is behind gets R first. */
static void test_late_while_a_partition_is_behind(struct fixture *f, gconstpointer data)
{
    (void)data;
    f->now.wall_ms = start_of(FIRST + 1) + 5 * HOUR_MS;
    set_days(f, FIRST, (struct day_state){.sealed = 1});
    set_day(f, 3, FIRST, (struct day_state){0});
    set_open(f, 1, came(f, FIRST, 2, 3 * HOUR_MS, 3 * HOUR_MS));
    set_open(f, 3, came(f, FIRST, 1, 3 * HOUR_MS, 0)); /* not late: in revision 1 */
    expect_seals(f, "+0.2@0L +0.2@1L +0.2@2L +0.1@3<0");
}

/* The events of a revision that is not the next one were read between two writes. */
static void test_open_of_another_revision(struct fixture *f, gconstpointer data)
{
    (void)data;
    f->now.wall_ms = start_of(FIRST + 1) + 2 * HOUR_MS;
    set_days(f, FIRST, (struct day_state){.sealed = 2, .sheeted = 2, .ledgered = 2});
    set_open(f, 1, came(f, FIRST, 2, 9 * HOUR_MS, 9 * HOUR_MS));
    set_open(f, 2, came(f, FIRST, 4, 9 * HOUR_MS, 9 * HOUR_MS));
    expect_seals(f, "");
}

static void test_future(struct fixture *f, gconstpointer data)
{
    (void)data;
    f->now.wall_ms = start_of(FIRST) + 12 * HOUR_MS;
    set_open(f, 1, came(f, FIRST, 1, 11 * HOUR_MS, 11 * HOUR_MS));
    set_open(f, 1, came(f, FIRST + 40, 1, 11 * HOUR_MS, 11 * HOUR_MS));
    expect_seals(f, "");
    g_assert_cmpint(f->round.closed_through, ==, FIRST - 1);
    f->now.wall_ms = start_of(FIRST + 40) + 12 * HOUR_MS;
    for (int day = 0; day < 40; day++)
        set_days(f, FIRST + day, (struct day_state){.sealed = 1, .sheeted = 1, .ledgered = 1});
    expect_seals(f, "");
    g_assert_cmpint(f->round.closed_through, ==, FIRST + 39);
    f->now.wall_ms = start_of(FIRST + 41) + settings.grace_ms;
    expect_seals(f, "+40.1@0 +40.1@1 +40.1@2 +40.1@3");
}

/* ---- partitions that differ ---- */

static void test_followers(struct fixture *f, gconstpointer data)
{
    (void)data;
    f->now.wall_ms = start_of(FIRST + 1) + 1; /* the grace has not passed: an operator asked */
    set_day(f, 0, FIRST, (struct day_state){.sealed = 1});
    set_day(f, 1, FIRST, (struct day_state){.sealed = 3, .sheeted = 3});
    set_day(f, 2, FIRST, (struct day_state){.sealed = 2});
    expect_seals(f, "+0.2@0L<1 +0.3@2L<1 +0.1@3<0");
    send_all(f);
    set_day(f, 0, FIRST, (struct day_state){.sealed = 2});
    expect_seals(f, "+0.3@0L<1");
}

/* A partition that was added later is left alone in closed days. */
static void test_added_partition(struct fixture *f, gconstpointer data)
{
    (void)data;
    f->now.wall_ms = start_of(FIRST + 2) + settings.grace_ms;
    for (int p = 0; p < 3; p++) {
        set_day(f, p, FIRST, (struct day_state){.sealed = 2, .sheeted = 2, .ledgered = p == 0 ? 2 : 0});
        set_day(f, p, FIRST + 1, (struct day_state){.sealed = 1, .sheeted = 1, .ledgered = 0});
    }
    member_of(f, 3)->first_ms = start_of(FIRST + 1) + 1;
    expect_seals(f, "+1.1@3<0"); /* of a day that is not in the ledger it has to have a sheet */
    expect_entries(f, "");
}

/* Its late events: the others first, so that R + 1 stands; then it follows. */
static void test_added_partition_with_late_events(struct fixture *f, gconstpointer data)
{
    (void)data;
    f->now.wall_ms = start_of(FIRST + 1) + 12 * HOUR_MS;
    for (int p = 0; p < 3; p++)
        set_day(f, p, FIRST, (struct day_state){.sealed = 2, .sheeted = 2, .ledgered = p == 0 ? 2 : 0});
    set_open(f, 3, came(f, FIRST, 1, settings.restate_after_ms, settings.restate_after_ms - 1));
    member_of(f, 3)->caught_up = true;
    expect_seals(f, "");
    pass(f, 1);
    member_of(f, 3)->caught_up = false;
    expect_seals(f, "");
    g_assert_cmpuint(f->round.doubtful->len, ==, 1);
    g_assert_cmpint(g_array_index(f->round.doubtful, int, 0), ==, 3);
    member_of(f, 3)->caught_up = true;
    expect_seals(f, "+0.3@0L +0.3@1L +0.3@2L");
    g_assert_cmpuint(f->round.doubtful->len, ==, 0);
    send_all(f);
    set_day(f, 1, FIRST, (struct day_state){.sealed = 3, .sheeted = 2});
    member_of(f, 3)->caught_up = false;
    expect_seals(f, "+0.1@3<0");
    closing_plan_forget(f->plan);
    expect_seals(f, "+0.3@0L<1 +0.3@2L<1 +0.1@3<0");
}

/* ---- the ledger ---- */

static void test_entries(struct fixture *f, gconstpointer data)
{
    (void)data;
    f->view.ledger = 7;
    f->now.wall_ms = start_of(FIRST + 3);
    set_days(f, FIRST, (struct day_state){.sealed = 2, .sheeted = 2, .ledgered = 2});
    set_days(f, FIRST + 1, (struct day_state){.sealed = 3, .sheeted = 3, .ledgered = 1});
    set_days(f, FIRST + 2, (struct day_state){.sealed = 1, .sheeted = 1});
    set_days(f, FIRST - 2, (struct day_state){.sealed = 1, .sheeted = 1});
    set_day(f, 3, FIRST - 3, (struct day_state){.sealed = 1, .sheeted = 1});
    expect_entries(f, ""); /* the ledger has only just been read */
    expect_entries(f, "+-2.1 +1.2 +1.3 +2.1");
    set_day(f, 2, FIRST + 1, (struct day_state){.sealed = 3, .sheeted = 2});
    expect_entries(f, "+-2.1 +1.2 +2.1");
    set_day(f, 3, FIRST - 2, (struct day_state){.sealed = 1});
    expect_entries(f, "+1.2 +2.1");
}

static void test_entries_wait_for_the_ledger(struct fixture *f, gconstpointer data)
{
    (void)data;
    f->now.wall_ms = start_of(FIRST + 3);
    set_days(f, FIRST, (struct day_state){.sealed = 1, .sheeted = 1});
    set_days(f, FIRST + 1, (struct day_state){.sealed = 1, .sheeted = 1});
    expect_entries(f, "+0.1 +1.1");
    closing_plan_entries_sent(f->plan, 2, &f->now);
    expect_entries(f, "");
    g_assert_true(closing_plan_busy(f->plan));
    pass(f, CLOSING_ENTRIES_WAIT_MS - 1);
    expect_entries(f, "");
    f->view.ledger = 1; /* it moves: again so long */
    set_day(f, 0, FIRST, (struct day_state){.sealed = 1, .sheeted = 1, .ledgered = 1});
    expect_entries(f, "");
    pass(f, CLOSING_ENTRIES_WAIT_MS - 1);
    expect_entries(f, "");
    pass(f, 1);
    expect_entries(f, "+1.1");
    closing_plan_entries_sent(f->plan, 2, &f->now);
    f->view.ledger = 2; /* arrived; the days have not been read yet */
    expect_entries(f, "");
    set_day(f, 0, FIRST + 1, (struct day_state){.sealed = 1, .sheeted = 1, .ledgered = 1});
    expect_entries(f, "");
    g_assert_false(closing_plan_busy(f->plan));
    g_assert_cmpint(f->round.closed_through, ==, FIRST + 1);
}

static void test_entries_are_bounded(struct fixture *f, gconstpointer data)
{
    (void)data;
    f->now.wall_ms = start_of(FIRST + 100);
    for (int day = 0; day < 100; day++)
        set_days(f, FIRST + day, (struct day_state){.sealed = 1, .sheeted = 1});
    decide(f);
    g_assert_cmpuint(f->round.entries->len, ==, CLOSING_ENTRIES_MAX);
}

/* ---- what waits ---- */

/* The only day that waits: "step partition/partitions, since its due, since this step". */
static void expect_wait(struct fixture *f, const char *wanted)
{
    static const char *const steps[] = {"seal", "sheet", "entry"};
    decide(f);
    g_assert_cmpuint(f->round.waits->len, ==, 1);
    const struct closing_wait *wait = &g_array_index(f->round.waits, struct closing_wait, 0);
    g_autofree char *text = g_strdup_printf("%s %d/%d %d %d", steps[wait->step], wait->partition, wait->partitions,
                                            (int)wait->due_ms, (int)wait->step_ms);
    g_assert_cmpstr(text, ==, wanted);
    g_assert_cmpint(wait->day, ==, FIRST);
    pass(f, 10);
}

static void test_waits(struct fixture *f, gconstpointer data)
{
    (void)data;
    f->now.wall_ms = start_of(FIRST + 1) + settings.grace_ms;
    expect_wait(f, "seal 0/4 0 0");
    set_day(f, 2, FIRST, (struct day_state){.sealed = 1});
    expect_wait(f, "seal 0/3 10 10");
    set_day(f, 0, FIRST, (struct day_state){.sealed = 1, .sheeted = 1});
    expect_wait(f, "seal 1/2 20 0");
    set_days(f, FIRST, (struct day_state){.sealed = 1, .sheeted = 1});
    set_day(f, 3, FIRST, (struct day_state){.sealed = 1});
    expect_wait(f, "sheet 3/1 30 0");
    set_days(f, FIRST, (struct day_state){.sealed = 1, .sheeted = 1});
    expect_wait(f, "entry 0/0 40 0");
    expect_wait(f, "entry 0/0 50 10");
    set_day(f, 0, FIRST, (struct day_state){.sealed = 1, .sheeted = 1, .ledgered = 1});
    decide(f);
    g_assert_cmpuint(f->round.waits->len, ==, 0);
    set_days(f, FIRST, (struct day_state){.sealed = 2, .sheeted = 1, .ledgered = 1});
    expect_wait(f, "sheet 0/4 0 0");
}

static void test_closed_through(struct fixture *f, gconstpointer data)
{
    (void)data;
    f->now.wall_ms = start_of(FIRST + 4) + 1;
    set_days(f, FIRST, (struct day_state){.sealed = 1, .sheeted = 1, .ledgered = 1});
    set_days(f, FIRST + 1, (struct day_state){.sealed = 2, .sheeted = 2, .ledgered = 1});
    set_days(f, FIRST + 3, (struct day_state){.sealed = 1, .sheeted = 1, .ledgered = 1});
    decide(f);
    g_assert_cmpint(f->round.closed_through, ==, FIRST + 1);
    set_days(f, FIRST + 2, (struct day_state){.sealed = 1, .sheeted = 1, .ledgered = 1});
    decide(f);
    g_assert_cmpint(f->round.closed_through, ==, FIRST + 3);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*test)(struct fixture *f, gconstpointer data);
    } tests[] = {
        {"nothing_was_counted", test_nothing_was_counted},
        {"grace", test_grace},
        {"first_day", test_first_day},
        {"sent_once", test_sent_once},
        {"wall_clock_jumps", test_wall_clock_jumps},
        {"in_flight_is_bounded", test_in_flight_is_bounded},
        {"import", test_import},
        {"import_without_events", test_import_without_events},
        {"import_of_yesterday_waits_for_grace", test_import_of_yesterday_waits_for_grace},
        {"late", test_late},
        {"late_duplicates_are_no_reason", test_late_duplicates_are_no_reason},
        {"trickle", test_trickle},
        {"late_while_a_partition_is_behind", test_late_while_a_partition_is_behind},
        {"open_of_another_revision", test_open_of_another_revision},
        {"future", test_future},
        {"followers", test_followers},
        {"added_partition", test_added_partition},
        {"added_partition_with_late_events", test_added_partition_with_late_events},
        {"entries", test_entries},
        {"entries_wait_for_the_ledger", test_entries_wait_for_the_ledger},
        {"entries_are_bounded", test_entries_are_bounded},
        {"waits", test_waits},
        {"closed_through", test_closed_through},
    };
    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(tests); i++) {
        g_autofree char *path = g_strdup_printf("/closing_plan/%s", tests[i].name);
        g_test_add(path, struct fixture, NULL, set_up, tests[i].test, tear_down);
    }
    return g_test_run();
}
