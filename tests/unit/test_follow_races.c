/* What happens between two looks at a log, or while it is looked at, and when there is no room for all of its files. Rotations that
 * are seen, or quiet ones that are not, are in test_follow_rotation.c. */
#include "collector/follow_log.h"
#include "tests/unit/follow_world.h"

enum { TICK_US = 20000 }; /* files are told apart by when they were born */

/* ---- a copy that is looked at before the log is truncated ---- */

static void append_part(const char *from, const char *to, gsize begin, gsize end)
{
    g_autofree char *text = NULL;
    gsize size = 0;
    g_assert_true(g_file_get_contents(from, &text, &size, NULL));
    append_bytes(to, text + MIN(size, begin), MIN(size, end) - MIN(size, begin));
}

/* The first `seen` bytes of the copy are there when the collector looks. */
static void finish_copy(struct world *world, gsize seen)
{
    g_autofree char *one = rotated(world, ".1");
    g_usleep(TICK_US);
    shift(world);
    append_part(world->path, one, 0, seen);
    if (world->log == NULL)
        start(world);
    pump(world);
    append_part(world->path, one, seen, G_MAXSIZE);
    pump(world);
    g_assert_cmpint(truncate(world->path, 0), ==, 0);
    write_lines(world, world->path, 3);
    pump(world);
    check_all_once(world);
}

static const gsize copied[] = {0, 10, 800, 1500, G_MAXSIZE};

static void test_new_log_is_copied(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(copied); i++) {
        struct world world;
        set_up(&world);
        write_lines(&world, world.path, 5);
        start(&world);
        pump(&world);
        if (i % 2 == 0)
            stop(&world);
        rotate(&world);
        write_lines(&world, world.path, 30); /* never looked at before it is copied */
        finish_copy(&world, copied[i]);
        tear_down(&world);
    }
}

static void test_empty_log_is_copied(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(copied); i++) {
        struct world world;
        set_up(&world);
        append_bytes(world.path, "", 0);
        start(&world);
        pump(&world);
        write_lines(&world, world.path, 30);
        finish_copy(&world, copied[i]);
        write_lines(&world, world.path, 30);
        restart(&world);
        finish_copy(&world, copied[i]);
        tear_down(&world);
    }
}

/* It is truncated, and what is written then is being copied already. */
static void test_truncated_log_is_copied(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(copied); i++) {
        struct world world;
        set_up(&world);
        write_lines(&world, world.path, 30);
        start(&world);
        pump(&world);
        write_lines(&world, world.path, 3);
        copy_truncate(&world);
        write_lines(&world, world.path, 30);
        if (i % 2 == 0)
            stop(&world);
        finish_copy(&world, copied[i]);
        tear_down(&world);
    }
}

/* An empty file could be a copy that was just begun: but not for long. */
static void test_empty_file_is_no_copy(void)
{
    struct world world;
    set_up(&world);
    g_autofree char *one = rotated(&world, ".1");
    append_bytes(world.path, "", 0);
    start(&world);
    pump(&world);
    write_lines(&world, world.path, 5);
    append_bytes(one, "", 0);
    for (int i = 0; i < 60 && g_hash_table_size(world.seen) < 5; i++) {
        pump(&world);
        g_usleep(100000);
    }
    check_all_once(&world);
    tear_down(&world);
}

/* All that was seen of a log is half a line, as all logs begin: that it was truncated does not show. */
static void test_half_a_line_is_known(void)
{
    struct world world;
    set_up(&world);
    g_autofree char *line = line_of(world.next++);
    append_bytes(world.path, line, 10);
    start(&world);
    pump(&world);
    append_bytes(world.path, line + 10, strlen(line) - 10);
    write_lines(&world, world.path, 3);
    g_usleep(TICK_US);
    copy_truncate(&world);
    write_lines(&world, world.path, 5);
    pump(&world);
    check_all_once(&world);
    tear_down(&world);
}

/* logrotate, in steps: what was rotated away is shifted, the copy made, extended, completed; then the log is truncated. */
static void copy_step(struct world *world, GRand *random, int *phase)
{
    g_autofree char *one = rotated(world, ".1");
    GStatBuf status = {0};
    if (*phase == 0) {
        g_usleep(TICK_US);
        shift(world);
        append_bytes(one, "", 0);
    } else if (*phase <= 2) {
        g_assert_cmpint(g_stat(one, &status), ==, 0);
        gsize end = *phase == 1 ? (gsize)status.st_size + (gsize)g_rand_int_range(random, 0, 2000) : G_MAXSIZE;
        append_part(world->path, one, (gsize)status.st_size, end);
    } else {
        g_assert_cmpint(truncate(world->path, 0), ==, 0);
    }
    *phase = (*phase + 1) % 4;
}

/* Nobody writes to a log that is being copied: that would be lost to anyone. */
static void write_step(struct world *world, GRand *random)
{
    if (g_rand_int_range(random, 0, 3) > 0) {
        write_lines(world, world->path, g_rand_int_range(random, 1, 40));
        return;
    }
    g_usleep(TICK_US);
    rotate(world);
    append_bytes(world->path, "", 0);
}

static void run_random(guint32 seed)
{
    struct world world;
    int phase = 0;
    GRand *random = g_rand_new_with_seed(seed);
    g_test_message("seed %u", seed);
    set_up(&world);
    write_lines(&world, world.path, 20);
    start(&world);
    pump(&world);
    for (int i = 0; i < 80 || phase != 0; i++) {
        int step = g_rand_int_range(random, 0, 12);
        if (step < 6)
            (void)read_once(&world, step > 0);
        if (step < 2)
            restart(&world);
        else if (step >= 6 && step < 9)
            copy_step(&world, random, &phase);
        else if (step >= 9 && phase == 0)
            write_step(&world, random);
    }
    for (int i = 0; i < 60 && g_hash_table_size(world.seen) < (guint)world.next; i++) {
        pump(&world);
        g_usleep(100000); /* it may have to wait for an empty file */
    }
    check_all_once(&world);
    g_rand_free(random);
    tear_down(&world);
}

static void test_random(void)
{
    guint32 seeds = g_test_thorough() ? 300 : 10;
    for (guint32 seed = 1; seed <= seeds; seed++)
        run_random(seed);
    run_random((guint32)g_test_rand_int());
}

/* ---- more files than can be open at a time ---- */

/* n files are open then. */
static void set_up_crowd(struct world *world, guint n)
{
    set_up(world);
    write_lines(world, world->path, 2);
    start(world);
    pump(world);
    while (follow_log_n_files(world->log) < n) {
        rotate(world);
        write_lines(world, world->path, 2);
        pump(world);
    }
    g_usleep(TICK_US);
}

/* Until the others are given up and all that waited is read. */
static void check_crowd(struct world *world)
{
    pump(world);
    world->rotated_wait_s = 1;
    restart(world);
    for (int i = 0; i < 60 && g_hash_table_size(world->seen) < (guint)world->next; i++) {
        pump(world);
        g_assert_cmpuint(follow_log_n_files(world->log), <=, FOLLOW_LOG_FILES_MAX + 1); /* one more after a restart */
        g_usleep(100000);
    }
    check_all_once(world);
    tear_down(world);
}

static void rotate_slowly(struct world *world)
{
    rotate(world);
    g_usleep(TICK_US);
    write_lines(world, world->path, 2);
    g_usleep(TICK_US);
}

/* A log that was never looked at is older than its copy: it must not be forgotten when there is room for the copy only. */
static void test_no_room_for_the_log(void)
{
    for (guint n = FOLLOW_LOG_FILES_MAX - 3; n <= FOLLOW_LOG_FILES_MAX; n++) {
        struct world world;
        set_up_crowd(&world, n);
        rotate_slowly(&world);
        rotate_slowly(&world);
        copy_truncate(&world);
        write_lines(&world, world.path, 2);
        pump(&world);
        rotate_slowly(&world);
        check_crowd(&world);
    }
}

static void test_no_room_for_a_copy(void)
{
    for (guint n = FOLLOW_LOG_FILES_MAX - 1; n <= FOLLOW_LOG_FILES_MAX; n++) {
        struct world world;
        set_up_crowd(&world, n);
        for (int i = 0; i < 4; i++) {
            write_lines(&world, world.path, 30);
            copy_truncate(&world);
            g_usleep(TICK_US);
        }
        write_lines(&world, world.path, 2);
        check_crowd(&world);
    }
}

static void test_no_room_and_no_log(void)
{
    struct world world;
    set_up_crowd(&world, FOLLOW_LOG_FILES_MAX - 1);
    for (int i = 0; i < 3; i++)
        rotate_slowly(&world);
    rotate(&world); /* there is none under the path */
    pump(&world);
    check_crowd(&world);
}

/* A log that was idle for long is renamed: its server may still write to it. */
static void test_idle_log_is_renamed(void)
{
    struct world world;
    set_up(&world);
    world.rotated_wait_s = 2;
    write_lines(&world, world.path, 2);
    start(&world);
    pump(&world);
    g_usleep(2200000);
    rotate(&world);
    write_lines(&world, world.path, 2);
    pump(&world);
    g_autofree char *one = rotated(&world, ".1");
    write_lines(&world, one, 2);
    pump(&world);
    check_all_once(&world);
    world.rotated_wait_s = 3600;
    restart(&world);
    pump(&world);
    g_assert_cmpuint(follow_log_n_files(world.log), ==, 2);
    tear_down(&world);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/follow_races/new_log_is_copied", test_new_log_is_copied);
    g_test_add_func("/follow_races/empty_log_is_copied", test_empty_log_is_copied);
    g_test_add_func("/follow_races/truncated_log_is_copied", test_truncated_log_is_copied);
    g_test_add_func("/follow_races/empty_file_is_no_copy", test_empty_file_is_no_copy);
    g_test_add_func("/follow_races/half_a_line_is_known", test_half_a_line_is_known);
    g_test_add_func("/follow_races/random", test_random);
    g_test_add_func("/follow_races/no_room_for_the_log", test_no_room_for_the_log);
    g_test_add_func("/follow_races/no_room_for_a_copy", test_no_room_for_a_copy);
    g_test_add_func("/follow_races/no_room_and_no_log", test_no_room_and_no_log);
    g_test_add_func("/follow_races/idle_log_is_renamed", test_idle_log_is_renamed);
    return g_test_run();
}
