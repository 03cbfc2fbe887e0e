/* Every way in which a log is rotated, with the collector running, slow, or down. */
#include "collector/follow_log.h"
#include "tests/unit/follow_world.h"

static void test_rename(void)
{
    struct world world;
    set_up(&world);
    write_lines(&world, world.path, 5);
    start(&world);
    pump(&world);
    write_lines(&world, world.path, 5); /* not read yet when the log is rotated */
    rotate(&world);
    g_autofree char *one = rotated(&world, ".1");
    write_lines(&world, one, 5); /* and the server has not heard of it */
    pump(&world);
    check_all_once(&world);
    write_lines(&world, world.path, 5);
    write_lines(&world, one, 5); /* an old worker ends its requests */
    pump(&world);
    check_all_once(&world);
    restart(&world);
    write_lines(&world, one, 5);
    write_lines(&world, world.path, 5);
    pump(&world);
    check_all_once(&world);
    tear_down(&world);
}

/* The log is rotated several times while nobody looks. */
static void rotate_unseen(struct world *world)
{
    for (int i = 0; i < 3; i++) {
        write_lines(world, world->path, 4);
        g_usleep(20000); /* files are born at the clock's ticks */
        rotate(world);
        g_usleep(20000);
    }
    write_lines(world, world->path, 4);
}

static void test_rename_often(void)
{
    struct world world;
    set_up(&world);
    write_lines(&world, world.path, 4);
    start(&world);
    pump(&world);
    rotate_unseen(&world); /* running, but slow */
    pump(&world);
    check_all_once(&world);
    stop(&world);
    rotate_unseen(&world); /* down */
    start(&world);
    pump(&world);
    check_all_once(&world);
    restart(&world);
    pump(&world);
    check_all_once(&world);
    tear_down(&world);
}

static void test_empty_log_is_rotated(void)
{
    struct world world;
    set_up(&world);
    append_bytes(world.path, "", 0);
    start(&world);
    pump(&world); /* an empty file is remembered as well */
    stop(&world);
    rotate_unseen(&world);
    start(&world);
    pump(&world);
    check_all_once(&world);
    tear_down(&world);
}

static void test_date_names(void)
{
    struct world world;
    set_up(&world);
    write_lines(&world, world.path, 4);
    start(&world);
    pump(&world);
    stop(&world);
    write_lines(&world, world.path, 4);
    move(&world, "", "-20261120");
    g_usleep(20000);
    write_lines(&world, world.path, 4);
    move(&world, "", "-20261121");
    g_usleep(20000);
    write_lines(&world, world.path, 4);
    start(&world);
    pump(&world);
    check_all_once(&world);
    tear_down(&world);
}

static void test_renamed_back(void)
{
    struct world world;
    set_up(&world);
    write_lines(&world, world.path, 4);
    start(&world);
    pump(&world);
    move(&world, "", ".1");
    write_lines(&world, world.path, 4);
    pump(&world);
    move(&world, "", ".2");
    move(&world, ".1", "");
    pump(&world);
    write_lines(&world, world.path, 4);
    pump(&world);
    check_all_once(&world);
    tear_down(&world);
}

static void test_copy_truncate(void)
{
    struct world world;
    set_up(&world);
    write_lines(&world, world.path, 30);
    start(&world);
    pump(&world);
    copy_truncate(&world);
    pump(&world);
    write_lines(&world, world.path, 2); /* less than before */
    pump(&world);
    check_all_once(&world);
    write_lines(&world, world.path, 30);
    copy_truncate(&world);               /* 30 lines are only in the copy */
    write_lines(&world, world.path, 60); /* and the log is longer than it was, before anyone looks */
    pump(&world);
    check_all_once(&world);
    stop(&world);
    write_lines(&world, world.path, 10);
    copy_truncate(&world); /* down */
    write_lines(&world, world.path, 100);
    start(&world);
    pump(&world);
    check_all_once(&world);
    tear_down(&world);
}

static void test_copy_truncate_often(void)
{
    struct world world;
    set_up(&world);
    write_lines(&world, world.path, 30);
    start(&world);
    pump(&world);
    stop(&world);
    for (int i = 0; i < 4; i++) {
        write_lines(&world, world.path, 10);
        copy_truncate(&world);
        g_usleep(20000);
    }
    write_lines(&world, world.path, 10);
    start(&world);
    pump(&world);
    check_all_once(&world);
    tear_down(&world);
}

/* Truncated without a copy: what was not read is lost, but nothing else, and nothing is doubled. */
static void test_truncate(void)
{
    struct world world;
    set_up(&world);
    write_lines(&world, world.path, 30);
    start(&world);
    pump(&world);
    g_assert_cmpint(truncate(world.path, 0), ==, 0);
    write_lines(&world, world.path, 100);
    pump(&world);
    check_all_once(&world);
    stop(&world);
    g_assert_cmpint(truncate(world.path, 0), ==, 0);
    write_lines(&world, world.path, 300);
    start(&world);
    pump(&world);
    check_all_once(&world);
    tear_down(&world);
}

/* A writer without O_APPEND goes on at its old offset: the file begins with a hole. */
static void test_hole(void)
{
    struct world world;
    set_up(&world);
    write_lines(&world, world.path, 30);
    start(&world);
    pump(&world);
    copy_truncate(&world);
    int fd = open(world.path, O_WRONLY | O_CLOEXEC);
    g_assert_cmpint(fd, >=, 0);
    g_autofree char *line = line_of(world.next++);
    g_assert_cmpint(pwrite(fd, line, strlen(line), 3000000), ==, (gssize)strlen(line));
    close(fd);
    pump(&world);
    check_all_once(&world);
    g_assert_cmpuint(world.tally.rejected[INTAKE_TOO_LONG], ==, 0);
    tear_down(&world);
}

/* The log is removed and made anew while nobody looks; the file system likes to give the same inode again. */
static void test_inode_reuse(void)
{
    struct world world;
    int reused = 0;
    set_up(&world);
    for (int i = 0; i < 20; i++) {
        GStatBuf before, after;
        write_lines(&world, world.path, 5);
        start(&world);
        pump(&world);
        stop(&world);
        g_assert_cmpint(g_stat(world.path, &before), ==, 0);
        g_assert_cmpint(g_unlink(world.path), ==, 0);
        write_lines(&world, world.path, 5 + i);
        g_assert_cmpint(g_stat(world.path, &after), ==, 0);
        reused += before.st_ino == after.st_ino;
        start(&world);
        pump(&world);
        check_all_once(&world);
        stop(&world);
    }
    g_test_message("%d of 20 inodes were used again", reused);
    tear_down(&world);
}

/* Copies that people make beside a log are not read. */
static void test_backup_copy(void)
{
    struct world world;
    set_up(&world);
    write_lines(&world, world.path, 50);
    start(&world);
    pump(&world);
    stop(&world);
    g_autofree char *backup = rotated(&world, ".20261121");
    g_autofree char *other = rotated(&world, ".bak");
    copy(world.path, backup);
    copy(world.path, other);
    g_usleep(20000);
    write_lines(&world, world.path, 5);
    move(&world, "", ".1");
    write_lines(&world, world.path, 5);
    start(&world);
    pump(&world);
    check_all_once(&world);
    tear_down(&world);
}

/* A log that was restored from a backup: another inode, the same bytes and more. */
static void test_restored(void)
{
    struct world world;
    set_up(&world);
    write_lines(&world, world.path, 50);
    start(&world);
    pump(&world);
    stop(&world);
    g_autofree char *other = rotated(&world, ".restored");
    copy(world.path, other);
    g_assert_cmpint(g_rename(other, world.path), ==, 0);
    write_lines(&world, world.path, 5);
    start(&world);
    pump(&world);
    check_all_once(&world);
    tear_down(&world);
}

static void test_lost(void)
{
    struct world world;
    set_up(&world);
    write_lines(&world, world.path, 5);
    start(&world);
    pump(&world);
    stop(&world);
    world.next += 3; /* these three are written, rotated and compressed: nothing can be done */
    for (int i = 5; i < 8; i++) {
        g_autofree char *line = line_of(i);
        append_bytes(world.path, line, strlen(line));
    }
    move(&world, "", ".1.gz");
    g_autofree char *gone = rotated(&world, ".1.gz");
    g_assert_cmpint(g_unlink(gone), ==, 0);
    write_lines(&world, world.path, 5);
    start(&world); /* says so, and goes on */
    pump(&world);
    for (int i = 0; i < world.next; i++)
        g_assert_cmpint(times_seen(&world, i), ==, i < 5 || i >= 8 ? 1 : 0);
    tear_down(&world);
}

/* More files than can be open at a time. */
static void test_crowd(void)
{
    struct world world;
    set_up(&world);
    write_lines(&world, world.path, 2);
    start(&world);
    pump(&world);
    for (int i = 0; i < 75; i++) {
        rotate(&world);
        g_usleep(12000);
        write_lines(&world, world.path, 2);
    }
    for (int i = 0; i < 40 && g_hash_table_size(world.seen) < (guint)world.next; i++) {
        pump(&world);
        g_assert_cmpuint(follow_log_n_files(world.log), <=, FOLLOW_LOG_FILES_MAX);
        g_usleep(250000);
    }
    check_all_once(&world);
    tear_down(&world);
}

/* Anything in any order. Truncation comes only when all was read, since what is not copied then is lost to anyone. */
static void random_step(struct world *world, GRand *random)
{
    g_autofree char *one = rotated(world, ".1");
    int step = g_rand_int_range(random, 0, 12);
    g_test_message("step %d, next line %d", step, world->next);
    switch (step) {
    case 0:
        g_usleep(10000);
        rotate(world);
        append_bytes(world->path, "", 0);
        g_usleep(10000);
        break;
    case 1:
        write_lines(world, world->path, 20);
        g_usleep(10000);
        copy_truncate(world);
        g_usleep(10000);
        break;
    case 2:
        restart(world);
        break;
    case 3:
        read_once(world, false);
        restart(world);
        break;
    case 4:
        if (g_file_test(one, G_FILE_TEST_EXISTS) && follow_log_n_files(world->log) > 1)
            write_lines(world, g_rand_boolean(random) ? one : world->path, 1);
        break;
    case 5:
    case 6:
    case 7:
        write_lines(world, world->path, g_rand_int_range(random, 1, 40));
        break;
    default:
        (void)read_once(world, true);
        break;
    }
}

static void run_random(guint32 seed)
{
    struct world world;
    GRand *random = g_rand_new_with_seed(seed);
    g_test_message("seed %u", seed);
    set_up(&world);
    write_lines(&world, world.path, 20);
    start(&world);
    pump(&world);
    for (int i = 0; i < 60; i++)
        random_step(&world, random);
    pump(&world);
    check_all_once(&world);
    g_rand_free(random);
    tear_down(&world);
}

static void test_random(void)
{
    guint32 seeds = g_test_thorough() ? 1000 : 20;
    for (guint32 seed = 1; seed <= seeds; seed++)
        run_random(seed);
    run_random((guint32)g_test_rand_int());
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/follow_rotation/rename", test_rename);
    g_test_add_func("/follow_rotation/rename_often", test_rename_often);
    g_test_add_func("/follow_rotation/empty_log_is_rotated", test_empty_log_is_rotated);
    g_test_add_func("/follow_rotation/date_names", test_date_names);
    g_test_add_func("/follow_rotation/renamed_back", test_renamed_back);
    g_test_add_func("/follow_rotation/copy_truncate", test_copy_truncate);
    g_test_add_func("/follow_rotation/copy_truncate_often", test_copy_truncate_often);
    g_test_add_func("/follow_rotation/truncate", test_truncate);
    g_test_add_func("/follow_rotation/hole", test_hole);
    g_test_add_func("/follow_rotation/inode_reuse", test_inode_reuse);
    g_test_add_func("/follow_rotation/backup_copy", test_backup_copy);
    g_test_add_func("/follow_rotation/restored", test_restored);
    g_test_add_func("/follow_rotation/lost", test_lost);
    g_test_add_func("/follow_rotation/crowd", test_crowd);
    g_test_add_func("/follow_rotation/random", test_random);
    return g_test_run();
}
