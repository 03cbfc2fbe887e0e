/* The journal as it is meant to be used: append, read back, acknowledge, reopen; room, faults of the disk, threads, kill -9. What
 * happens to damaged files is in test_journal_damage.c. */
#include "tests/unit/journal_tools.h"

#include <errno.h>
#include <sys/resource.h>
#include <sys/wait.h>

static const char *self;

static void test_append_and_read(struct tools *t, gconstpointer unused)
{
    (void)unused;
    tools_assert_reads(t, "");
    tools_append(t, 1, 5);
    tools_assert_reads_range(t, 1, 5);
    g_assert_cmpuint(tools_position(t), ==, 5);
    g_assert_cmpuint(tools_stats(t).unacknowledged_batches, ==, 5);
    tools_reopen(t);
    tools_assert_reads_range(t, 1, 5);
    g_assert_cmpuint(tools_position(t), ==, 5);
    tools_append(t, 6, 7);
    tools_assert_reads_range(t, 1, 7);
    g_assert_cmpuint(tools_stats(t).unacknowledged_batches, ==, 7);
}

static void test_many_segments(struct tools *t, gconstpointer unused)
{
    (void)unused;
    tools_append(t, 1, 500); /* about 57 a segment */
    g_assert_cmpuint(tools_stats(t).segments, >=, 8);
    tools_assert_reads_range(t, 1, 500);
    tools_reopen(t);
    tools_assert_reads_range(t, 1, 500);
}

static void test_acknowledge(struct tools *t, gconstpointer unused)
{
    (void)unused;
    tools_append(t, 1, 300);
    g_free(tools_read(t, 200));
    g_assert_true(journal_is_unsaved(t->journal));
    g_assert_true(journal_save(t->journal));
    g_assert_false(journal_is_unsaved(t->journal));
    g_assert_cmpuint(tools_stats(t).unacknowledged_batches, ==, 100);
    g_assert_cmpuint(tools_stats(t).segments, <=, 3);
    g_assert_false(tools_exists(t, 1, "seg"));
    tools_assert_reads_range(t, 201, 300);
    tools_reopen(t);
    tools_assert_reads_range(t, 201, 300);
    g_assert_cmpuint(tools_stats(t).unacknowledged_batches, ==, 100);
    g_free(tools_read(t, 300));
    g_assert_true(journal_save(t->journal));
    tools_reopen(t);
    tools_assert_reads(t, "");
    g_assert_cmpuint(tools_stats(t).unacknowledged_batches, ==, 0);
    g_assert_cmpuint(tools_position(t), ==, 300);
}

/* What was not saved is sent again, never less. */
static void test_unsaved_acknowledgement(struct tools *t, gconstpointer unused)
{
    (void)unused;
    tools_append(t, 1, 100);
    g_free(tools_read(t, 50));
    g_assert_true(journal_save(t->journal));
    g_free(tools_read(t, 80));
    tools_reopen(t);
    tools_assert_reads_range(t, 51, 100);
}

/* Restarts without traffic must not fill the disk. */
static void test_idle_restarts(struct tools *t, gconstpointer unused)
{
    (void)unused;
    tools_append(t, 1, 3);
    for (int i = 0; i < 20; i++) {
        tools_reopen(t);
        journal_tend(t->journal);
    }
    g_assert_cmpuint(tools_stats(t).bytes, <, 4 * TOOLS_SEGMENT);
    tools_assert_reads_range(t, 1, 3);
    g_free(tools_read(t, 3));
    g_assert_true(journal_save(t->journal));
    g_assert_cmpuint(tools_stats(t).segments, ==, 1);
    g_assert_cmpuint(tools_position(t), ==, 3);
}

/* Acknowledged files are used again, and nothing of their old content comes back. */
static void test_recycling(struct tools *t, gconstpointer unused)
{
    (void)unused;
    uint64_t n = 1;
    for (int round = 0; round < 10; round++, n += 100) {
        tools_append(t, n, n + 99);
        g_autofree char *text = tools_read(t, n + 99);
        g_autofree char *expected = tools_range(n, n + 99);
        g_assert_cmpstr(text, ==, expected);
        g_assert_true(journal_save(t->journal));
        if (round == 5)
            tools_reopen(t);
        journal_tend(t->journal);
    }
    g_assert_cmpuint(tools_stats(t).bytes, <=, 8 * TOOLS_SEGMENT);
}

static void test_large_group(struct tools *t, gconstpointer unused)
{
    (void)unused;
    tools_append(t, 1, 3);
    g_assert_cmpint(tools_try_append(t, 4, 5 * TOOLS_SEGMENT), ==, JOURNAL_DURABLE);
    tools_append(t, 5, 6);
    tools_reopen(t);
    tools_assert_reads_range(t, 1, 6);
    tools_append(t, 7, 7);
    g_free(tools_read(t, 7));
    g_assert_true(journal_save(t->journal));
    g_assert_cmpuint(tools_stats(t).bytes, <=, 4 * TOOLS_SEGMENT);
}

static void test_positions(struct tools *t, gconstpointer unused)
{
    (void)unused;
    struct journal_group *group = journal_group_new();
    g_autoptr(GBytes) value = g_bytes_new_static("here", 4), nothing = g_bytes_new_static("", 0);
    journal_group_set_position(group, view_of("a"), value);
    journal_group_set_position(group, view_of("b"), value);
    g_assert_cmpint(journal_append(t->journal, group), ==, JOURNAL_DURABLE);
    journal_group_free(group);
    tools_append(t, 1, 200); /* over several segments: the snapshots carry it on */
    g_free(tools_read(t, 200));
    g_assert_true(journal_save(t->journal));
    tools_reopen(t);
    g_autoptr(GBytes) found = journal_position(t->journal, "a");
    g_assert_true(found && g_bytes_equal(found, value));
    group = journal_group_new();
    journal_group_set_position(group, view_of("a"), nothing);
    g_assert_cmpint(journal_append(t->journal, group), ==, JOURNAL_DURABLE);
    journal_group_free(group);
    tools_reopen(t);
    g_assert_null(journal_position(t->journal, "a"));
    g_autoptr(GBytes) other = journal_position(t->journal, "b");
    g_assert_nonnull(other);
}

/* Names come and go; the snapshot stays bounded. */
static void test_positions_are_bounded(struct tools *t, gconstpointer unused)
{
    (void)unused;
    g_autoptr(GBytes) value = g_bytes_new_static("x", 1);
    for (int i = 0; i < JOURNAL_POSITIONS_MAX + 10; i++) {
        g_autofree char *name = g_strdup_printf("file-%d", i);
        struct journal_group *group = journal_group_new();
        journal_group_set_position(group, view_of(name), value);
        g_assert_cmpint(journal_append(t->journal, group), ==, JOURNAL_DURABLE);
        journal_group_free(group);
    }
    g_autoptr(GBytes) newest = journal_position(t->journal, "file-1033");
    g_assert_nonnull(newest);
    g_assert_null(journal_position(t->journal, "file-0"));
}

static void test_lock(struct tools *t, gconstpointer unused)
{
    (void)unused;
    g_autoptr(GError) error = NULL;
    g_assert_null(journal_open(&t->settings, &error));
    g_assert_error(error, JOURNAL_ERROR, JOURNAL_ERROR_LOCKED);
    g_assert_nonnull(strstr(error->message, t->dir));
}

static void test_topic(struct tools *t, gconstpointer unused)
{
    (void)unused;
    g_assert_cmpuint(journal_topic(t->journal).partition_count, ==, 0);
    journal_tend(t->journal);
    tools_close(t);
    g_autoptr(GError) error = NULL;
    t->journal = journal_open(&t->settings, &error);
    g_assert_cmpuint(journal_topic(t->journal).partition_count, ==, 4);
    g_assert_true(journal_topic(t->journal).is_same);
    tools_close(t);
    t->settings.topic = "another";
    t->journal = journal_open(&t->settings, &error);
    g_assert_cmpuint(journal_topic(t->journal).partition_count, ==, 4);
    g_assert_false(journal_topic(t->journal).is_same);
}

static void test_reader_skips(struct tools *t, gconstpointer unused)
{
    (void)unused;
    struct journal_reader *reader = journal_reader_new(t->journal);
    struct journal_group *kept = NULL, *group = NULL;
    for (uint64_t n = 1; n <= 150; n++) {
        journal_group_free(kept);
        kept = tools_group(n, TOOLS_RECORD);
        g_assert_cmpint(journal_append(t->journal, kept), ==, JOURNAL_DURABLE);
    }
    journal_reader_skip(reader, kept);
    g_assert_cmpint(journal_reader_next(reader, &group), ==, JOURNAL_READ_NOTHING);
    tools_append(t, 151, 300);
    for (uint64_t n = 151; n <= 300; n++) {
        g_assert_cmpint(journal_reader_next(reader, &group), ==, JOURNAL_READ_GROUP);
        g_assert_cmpuint(tools_recognize(group), ==, n);
        g_clear_pointer(&group, journal_group_free);
    }
    journal_group_free(kept);
    journal_reader_free(reader);
}

/* ---- room ---- */

static void test_budget(struct tools *t, gconstpointer unused)
{
    (void)unused;
    uint64_t n = 0;
    enum journal_result result;
    do {
        journal_tend(t->journal);
        result = tools_try_append(t, n + 1, TOOLS_RECORD);
        n += result == JOURNAL_DURABLE;
    } while (result == JOURNAL_DURABLE && journal_has_room(t->journal));
    g_assert_cmpuint(n, >, 1000);
    g_assert_cmpuint(tools_stats(t).bytes, <=, t->settings.max_bytes);
    /* It says so before it is too late: what waits still has room. */
    g_assert_cmpint(result, ==, JOURNAL_DURABLE);
    for (int i = 0; i < 10; i++)
        g_assert_cmpint(tools_try_append(t, ++n, TOOLS_RECORD), ==, JOURNAL_DURABLE);
    while (tools_try_append(t, n + 1, TOOLS_RECORD) == JOURNAL_DURABLE)
        n++;
    g_assert_cmpint(tools_try_append(t, n + 1, TOOLS_RECORD), ==, JOURNAL_FULL);
    g_assert_cmpuint(tools_stats(t).bytes, <=, t->settings.max_bytes);
    g_free(tools_read(t, n / 2));
    g_assert_true(journal_save(t->journal));
    journal_tend(t->journal);
    g_assert_true(journal_has_room(t->journal));
    tools_append(t, n + 1, n + 10);
    tools_assert_reads_range(t, n / 2 + 1, n + 10);
}

/* ---- faults ---- */

struct fault {
    enum journal_op op;
    int after; /* so many of them succeed before */
    int times;
    int err;
    size_t short_by; /* of a write: as many bytes do not get to the disk */
    int met;
};

static int fail(void *opaque, enum journal_op op, const char *name, size_t *size)
{
    struct fault *fault = opaque;
    if (op != fault->op || strcmp(name, "cursor") == 0 || fault->after-- > 0 || fault->times-- <= 0)
        return 0;
    fault->met++;
    if (size && fault->short_by < *size)
        *size -= fault->short_by;
    return fault->err;
}

/* Reopens with this fault. */
static void arm(struct tools *t, struct journal_faults *faults, struct fault *fault)
{
    *faults = (struct journal_faults){fail, fault};
    t->settings.faults = faults;
    tools_reopen(t);
    tools_append(t, 1, 3);
}

static void test_failed_sync(struct tools *t, gconstpointer unused)
{
    (void)unused;
    struct fault fault = {.op = JOURNAL_OP_SYNC, .times = 0, .err = EIO};
    struct journal_faults faults;
    arm(t, &faults, &fault);
    fault.after = 0;
    fault.times = 1;
    tools_append(t, 4, 6); /* goes on in a new segment */
    g_assert_cmpint(fault.met, ==, 1);
    g_assert_cmpuint(tools_stats(t).failures, ==, 1);
    tools_assert_reads_range(t, 1, 6);
    tools_reopen(t); /* group 4 is in both files: it comes once */
    tools_assert_reads_range(t, 1, 6);
    g_assert_cmpuint(tools_stats(t).unacknowledged_batches, ==, 6);
    g_assert_cmpuint(tools_stats(t).bad_files, ==, 0);
}

static void test_failed_sync_twice(struct tools *t, gconstpointer unused)
{
    (void)unused;
    struct fault fault = {.op = JOURNAL_OP_SYNC, .err = EIO};
    struct journal_faults faults;
    arm(t, &faults, &fault);
    fault.after = 0;
    fault.times = 1000;
    g_assert_cmpint(tools_try_append(t, 4, TOOLS_RECORD), ==, JOURNAL_FAILED);
    fault.times = 0;
    g_assert_cmpint(tools_try_append(t, 5, TOOLS_RECORD), ==, JOURNAL_FAILED);
    journal_tend(t->journal);
    g_assert_false(journal_has_room(t->journal));
    tools_assert_reads_range(t, 1, 3);
    tools_close(t);
    t->settings.faults = NULL;
    tools_open(t);
    /* Group 4 survived, or not: nobody was told either. */
    g_autofree char *text = tools_read(t, 0);
    g_assert_true(strcmp(text, "1 2 3") == 0 || strcmp(text, "1 2 3 4") == 0);
}

static void test_failed_write(struct tools *t, gconstpointer unused)
{
    (void)unused;
    for (size_t short_by = 1; short_by < TOOLS_RECORD; short_by += 97) {
        struct fault fault = {.op = JOURNAL_OP_WRITE, .err = EIO, .short_by = short_by};
        struct journal_faults faults;
        arm(t, &faults, &fault);
        fault.after = 0;
        fault.times = 1;
        tools_append(t, 4, 6);
        g_assert_cmpint(fault.met, ==, 1);
        g_autofree char *before = tools_read(t, 0);
        tools_reopen(t);
        g_autofree char *after = tools_read(t, 6);
        g_assert_cmpstr(before, ==, "1 2 3 4 5 6");
        g_assert_cmpstr(after, ==, "1 2 3 4 5 6");
        g_assert_cmpuint(tools_stats(t).lost_groups, ==, 0);
        g_assert_true(journal_save(t->journal));
    }
}

static void test_no_space(struct tools *t, gconstpointer unused)
{
    (void)unused;
    static const enum journal_op ops[] = {JOURNAL_OP_WRITE, JOURNAL_OP_ALLOCATE};
    for (size_t i = 0; i < G_N_ELEMENTS(ops); i++) {
        struct fault fault = {.op = ops[i], .err = ENOSPC, .short_by = 100};
        struct journal_faults faults;
        arm(t, &faults, &fault);
        fault.after = 0;
        fault.times = 1000000;
        uint64_t n = 4;
        while (tools_try_append(t, n, TOOLS_RECORD) == JOURNAL_DURABLE)
            n++;
        g_assert_cmpuint(n, <, 200);
        g_assert_cmpint(tools_try_append(t, n, TOOLS_RECORD), ==, JOURNAL_FULL);
        g_assert_false(journal_has_room(t->journal));
        g_assert_cmpuint(tools_stats(t).failures, ==, 0);
        fault.times = 0;
        tools_append(t, n, n + 100);
        tools_reopen(t);
        g_autofree char *text = tools_read(t, n + 100);
        g_autofree char *expected = tools_range(1, n + 100);
        g_assert_cmpstr(text, ==, expected);
        g_assert_true(journal_save(t->journal));
    }
}

/* A group that found no room must not spoil a smaller one that still finds some. */
static void test_no_space_for_large_ones(struct tools *t, gconstpointer unused)
{
    (void)unused;
    struct fault fault = {.op = JOURNAL_OP_ALLOCATE, .err = ENOSPC};
    struct journal_faults faults;
    arm(t, &faults, &fault);
    fault.after = 0;
    fault.times = 1000000;
    g_assert_cmpint(tools_try_append(t, 4, TOOLS_SEGMENT), ==, JOURNAL_FULL);
    tools_append(t, 4, 5);
    fault.times = 0;
    g_assert_cmpint(tools_try_append(t, 6, TOOLS_SEGMENT), ==, JOURNAL_DURABLE);
    tools_append(t, 7, 8);
    tools_assert_reads_range(t, 1, 8);
    tools_reopen(t);
    tools_assert_reads_range(t, 1, 8);
}

/* The same by the kernel: files may not grow beyond a limit. */
static void test_file_size_limit(struct tools *t, gconstpointer unused)
{
    (void)unused;
    struct rlimit before, limit;
    g_assert_cmpint(getrlimit(RLIMIT_FSIZE, &before), ==, 0);
    limit = before;
    limit.rlim_cur = TOOLS_SEGMENT / 2;
    tools_append(t, 1, 3);
    g_assert_cmpint(setrlimit(RLIMIT_FSIZE, &limit), ==, 0);
    uint64_t n = 4;
    while (tools_try_append(t, n, TOOLS_RECORD) == JOURNAL_DURABLE)
        n++;
    g_assert_cmpint(tools_try_append(t, n, TOOLS_RECORD), ==, JOURNAL_FULL);
    g_assert_cmpint(setrlimit(RLIMIT_FSIZE, &before), ==, 0);
    tools_append(t, n, n + 100);
    tools_assert_reads_range(t, 1, n + 100);
}

static void test_cursor_cannot_be_written(struct tools *t, gconstpointer unused)
{
    (void)unused;
    tools_append(t, 1, 200);
    g_free(tools_read(t, 200));
    /* The cursor's file is exchanged for one that cannot be written. */
    struct rlimit before, limit;
    g_assert_cmpint(getrlimit(RLIMIT_FSIZE, &before), ==, 0);
    limit = before;
    limit.rlim_cur = 0;
    g_assert_cmpint(setrlimit(RLIMIT_FSIZE, &limit), ==, 0);
    bool saved = journal_save(t->journal);
    g_assert_cmpint(setrlimit(RLIMIT_FSIZE, &before), ==, 0);
    g_assert_false(saved);
    g_assert_true(tools_exists(t, 1, "seg")); /* nothing was removed */
    g_assert_true(journal_is_unsaved(t->journal));
    g_assert_true(journal_save(t->journal));
    g_assert_false(tools_exists(t, 1, "seg"));
}

static void test_unreadable(struct tools *t, gconstpointer unused)
{
    (void)unused;
    struct fault fault = {.op = JOURNAL_OP_READ, .err = EIO};
    struct journal_faults faults;
    arm(t, &faults, &fault);
    tools_append(t, 4, 100);
    fault.after = 1;
    fault.times = 9; /* a disk that comes back */
    tools_assert_reads_range(t, 1, 100);
    g_assert_cmpint(fault.met, ==, 9);
    g_assert_cmpuint(tools_stats(t).lost_groups, ==, 0);
}

/* ---- two threads ---- */

static gpointer append_thread(gpointer data)
{
    struct tools *t = data;
    for (uint64_t n = 1; n <= 3000; n++) {
        g_assert_cmpint(tools_try_append(t, n, 300), ==, JOURNAL_DURABLE);
        journal_tend(t->journal);
    }
    return NULL;
}

static void test_threads(struct tools *t, gconstpointer unused)
{
    (void)unused;
    GThread *writer = g_thread_new("writer", append_thread, t);
    struct journal_reader *reader = journal_reader_new(t->journal);
    struct journal_group *group = NULL;
    for (uint64_t n = 1; n <= 3000;) {
        if (journal_reader_next(reader, &group) != JOURNAL_READ_GROUP) {
            g_thread_yield();
            continue;
        }
        g_assert_cmpuint(tools_recognize(group), ==, n++);
        journal_acknowledge(t->journal, group);
        g_clear_pointer(&group, journal_group_free);
        if (n % 50 == 0)
            g_assert_true(journal_save(t->journal));
    }
    g_thread_join(writer);
    journal_reader_free(reader);
    g_assert_cmpuint(tools_stats(t).unacknowledged_batches, ==, 0);
    g_assert_cmpuint(tools_stats(t).lost_groups, ==, 0);
}

/* ---- kill -9 at every named point ---- */

/* In a child: appends for ever, reads and acknowledges half of it, and writes what was taken and what was acknowledged into a file
 * of two numbers after each step. */
static int victim(const char *dir)
{
    struct tools t = {.settings = {.dir = dir, .topic = "t", .max_bytes = 64 * TOOLS_SEGMENT, .segment_bytes = TOOLS_SEGMENT}};
    g_autofree char *log = g_strconcat(dir, ".log", NULL);
    FILE *out = fopen(log, "a");
    struct journal_group *group = NULL;
    tools_open(&t);
    struct journal_reader *reader = journal_reader_new(t.journal);
    fprintf(out, "taken %" PRIu64 "\n", tools_position(&t)); /* by the one before, which could not say so any more */
    fflush(out);
    for (uint64_t n = tools_position(&t) + 1, end = n + 1000; n < end; n++) {
        g_assert_cmpint(tools_try_append(&t, n, TOOLS_RECORD), ==, JOURNAL_DURABLE);
        fprintf(out, "taken %" PRIu64 "\n", n);
        fflush(out);
        if (n % 3 == 0)
            continue;
        g_assert_cmpint(journal_reader_next(reader, &group), ==, JOURNAL_READ_GROUP);
        fprintf(out, "sent %" PRIu64 "\n", tools_recognize(group));
        fflush(out);
        journal_acknowledge(t.journal, group);
        g_clear_pointer(&group, journal_group_free);
        if (n % 5 == 0)
            journal_save(t.journal);
        journal_tend(t.journal);
    }
    return 0;
}

static void run_victim(const char *dir, const char *point, int nth)
{
    const char *argv[] = {self, "--victim", dir, NULL};
    g_autofree char *value = g_strdup_printf("%s:%d", point, nth);
    g_auto(GStrv) environment = g_environ_setenv(g_get_environ(), "DAYBOOK_CRASH_AT", value, TRUE);
    g_autoptr(GError) error = NULL;
    int status = 0;
    union {
        const char **in;
        char **out;
    } arguments = {argv};
    g_spawn_sync(NULL, arguments.out, environment, G_SPAWN_STDERR_TO_DEV_NULL, NULL, NULL, NULL, NULL, &status, &error);
    g_assert_no_error(error);
    if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL)
        g_error("%s was not met (status %d)", value, status);
}

/* Everything that was taken and not sent comes back, in order; at most one group more, which was on its way. */
static void check_victim(struct tools *t, const char *dir)
{
    g_autofree char *log = g_strconcat(dir, ".log", NULL), *text = NULL;
    uint64_t taken = 0, sent = 0;
    g_assert_true(g_file_get_contents(log, &text, NULL, NULL));
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (size_t i = 0; lines[i]; i++) {
        if (g_str_has_prefix(lines[i], "taken "))
            taken = MAX(taken, g_ascii_strtoull(lines[i] + 6, NULL, 10));
        else if (g_str_has_prefix(lines[i], "sent "))
            sent = MAX(sent, g_ascii_strtoull(lines[i] + 5, NULL, 10));
    }
    tools_open(t);
    g_autofree char *found = tools_read(t, 0);
    g_auto(GStrv) numbers = g_strsplit(found, " ", -1);
    guint n = g_strv_length(numbers);
    uint64_t first = n > 0 ? g_ascii_strtoull(numbers[0], NULL, 10) : taken + 1;
    uint64_t last = n > 0 ? g_ascii_strtoull(numbers[n - 1], NULL, 10) : taken;
    g_autofree char *expected = n > 0 ? tools_range(first, last) : g_strdup("");
    g_assert_cmpstr(found, ==, expected);
    g_assert_cmpuint(first, <=, sent + 1);
    g_assert_cmpuint(last, >=, taken);
    g_assert_cmpuint(last, <=, taken + 1);
    g_assert_cmpuint(tools_position(t), ==, last);
    g_assert_cmpuint(tools_stats(t).lost_groups + tools_stats(t).bad_files, ==, 0);
    tools_close(t);
}

static void test_kill(struct tools *t, gconstpointer unused)
{
    (void)unused;
    static const char *const points[] = {
        "journal.before_write", "journal.half_write", "journal.before_sync", "journal.synced",          "journal.before_cursor",
        "journal.cursor_saved", "journal.deleting",   "journal.unlinked",    "journal.segment_written", "journal.segment_renamed",
    };
    tools_close(t);
    for (size_t i = 0; i < G_N_ELEMENTS(points); i++)
        for (int nth = 1; nth <= 7; nth += 3) { /* the same journal is killed again and again */
            run_victim(t->dir, points[i], nth);
            check_victim(t, t->dir);
        }
    g_autofree char *log = g_strconcat(t->dir, ".log", NULL);
    g_remove(log);
    tools_open(t);
}

#define ADD(name) g_test_add("/journal/" #name, struct tools, NULL, tools_set_up, test_##name, tools_tear_down)

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "--victim") == 0)
        return victim(argv[2]);
    self = argv[0];
    g_test_init(&argc, &argv, NULL);
    ADD(append_and_read);
    ADD(many_segments);
    ADD(acknowledge);
    ADD(unsaved_acknowledgement);
    ADD(idle_restarts);
    ADD(recycling);
    ADD(large_group);
    ADD(positions);
    ADD(positions_are_bounded);
    ADD(lock);
    ADD(topic);
    ADD(reader_skips);
    ADD(budget);
    ADD(failed_sync);
    ADD(failed_sync_twice);
    ADD(failed_write);
    ADD(no_space);
    ADD(no_space_for_large_ones);
    ADD(file_size_limit);
    ADD(cursor_cannot_be_written);
    ADD(unreadable);
    ADD(threads);
    ADD(kill);
    return g_test_run();
}
