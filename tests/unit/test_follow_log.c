/* What a follower takes out of a file. How it goes through rotations is in test_follow_rotation.c. */
#include "collector/follow_log.h"
#include "tests/unit/follow_world.h"

static void test_lines(void)
{
    struct world world;
    set_up(&world);
    start(&world);
    pump(&world); /* there is no file yet */
    write_lines(&world, world.path, 3);
    pump(&world);
    check_all_once(&world);
    /* a line that is still being written */
    g_autofree char *line = line_of(world.next++);
    append_bytes(world.path, line, 10);
    pump(&world);
    g_assert_cmpint(times_seen(&world, 3), ==, 0);
    restart(&world);
    append_bytes(world.path, line + 10, strlen(line) - 10);
    pump(&world);
    check_all_once(&world);
    /* blank lines are nothing, wrong ones are counted */
    append_bytes(world.path, "\n \r\nwrong\n", 10);
    pump(&world);
    g_assert_cmpuint(world.tally.rejected[INTAKE_MALFORMED], ==, 1);
    tear_down(&world);
}

static void test_many_lines(void)
{
    struct world world;
    set_up(&world);
    GString *text = g_string_new(NULL);
    for (int i = 0; i < 20000; i++) {
        g_autofree char *line = line_of(world.next++);
        g_string_append(text, line);
    }
    append_bytes(world.path, text->str, text->len);
    g_string_free(text, TRUE);
    start(&world);
    for (int i = 0; i < 5; i++)
        g_assert_true(read_once(&world, i != 2));
    restart(&world); /* and the third was lost */
    g_assert_cmpint(times_seen(&world, 19999), ==, 0);
    world.next = 20000;
    g_hash_table_remove_all(world.seen);
    g_bytes_unref(world.position);
    world.position = NULL;
    restart(&world);
    for (int i = 0; i < 100 && read_once(&world, true); i++)
        restart(&world); /* killed after every single one */
    check_all_once(&world);
    tear_down(&world);
}

static void test_not_durable_is_read_again(void)
{
    struct world world;
    set_up(&world);
    write_lines(&world, world.path, 10);
    start(&world);
    g_assert_true(read_once(&world, false));
    g_assert_cmpuint(g_hash_table_size(world.seen), ==, 0);
    restart(&world);
    pump(&world);
    check_all_once(&world);
    tear_down(&world);
}

static void test_too_long(void)
{
    struct world world;
    set_up(&world);
    g_autofree char *fits = g_strnfill(MAX_LINE, 'x');
    g_autofree char *long_part = g_strnfill(300000, 'x');
    write_lines(&world, world.path, 1);
    append_bytes(world.path, fits, MAX_LINE);
    append_bytes(world.path, "\n", 1);
    start(&world);
    pump(&world);
    g_assert_cmpuint(world.tally.rejected[INTAKE_MALFORMED], ==, 1); /* as long as a line may be */
    append_bytes(world.path, fits, MAX_LINE);
    append_bytes(world.path, "y\n", 2);
    pump(&world);
    g_assert_cmpuint(world.tally.rejected[INTAKE_TOO_LONG], ==, 1);
    for (int i = 0; i < 4; i++) { /* longer than any buffer, and the collector is killed inside of it */
        append_bytes(world.path, long_part, 300000);
        pump(&world);
        restart(&world);
    }
    g_assert_cmpuint(world.tally.rejected[INTAKE_TOO_LONG], ==, 2);
    append_bytes(world.path, "\n", 1);
    write_lines(&world, world.path, 1);
    pump(&world);
    check_all_once(&world);
    g_assert_cmpuint(world.tally.rejected[INTAKE_TOO_LONG], ==, 2);
    g_assert_cmpuint(world.tally.rejected[INTAKE_MALFORMED], ==, 1);
    tear_down(&world);
}

static void test_start_at_end(void)
{
    struct world world;
    set_up(&world);
    world.start_at_end = true;
    write_lines(&world, world.path, 200);
    append_bytes(world.path, "{\"client\":\"x", 12); /* half a line: its other half comes */
    start(&world);
    pump(&world);
    g_assert_cmpuint(g_hash_table_size(world.seen), ==, 0);
    g_assert_nonnull(world.position); /* already now: what comes while the collector is down is wanted */
    restart(&world);
    append_bytes(world.path, "\",\"method\":\"GET\",\"route\":\"/a\",\"status\":200}\n", 44);
    pump(&world);
    g_assert_cmpuint(g_hash_table_size(world.seen), ==, 1);
    world.next = 0;
    g_hash_table_remove_all(world.seen);
    rotate(&world); /* later files are read from their beginning */
    write_lines(&world, world.path, 3);
    pump(&world);
    check_all_once(&world);
    tear_down(&world);
}

/* A rotated file is closed when it has been quiet; what its writer left without a newline is a line. */
static void test_quiet(void)
{
    struct world world;
    set_up(&world);
    world.rotated_wait_s = 1;
    write_lines(&world, world.path, 3);
    g_autofree char *line = line_of(world.next++);
    append_bytes(world.path, line, strlen(line) - 1);
    start(&world);
    pump(&world);
    rotate(&world);
    write_lines(&world, world.path, 3);
    pump(&world);
    g_assert_cmpuint(follow_log_n_files(world.log), ==, 2);
    g_assert_cmpint(times_seen(&world, 3), ==, 0);
    for (int i = 0; i < 30 && follow_log_n_files(world.log) > 1; i++) {
        g_usleep(100000);
        pump(&world);
    }
    g_assert_cmpuint(follow_log_n_files(world.log), ==, 1);
    check_all_once(&world);
    restart(&world);
    pump(&world);
    g_assert_cmpuint(follow_log_n_files(world.log), ==, 1);
    check_all_once(&world);
    tear_down(&world);
}

static void test_bad_position(void)
{
    struct world world;
    set_up(&world);
    write_lines(&world, world.path, 2);
    world.position = g_bytes_new_static("nonsense", 8);
    start(&world); /* says so, and reads from the beginning: better twice than never is not for us to choose, but to start is */
    pump(&world);
    check_all_once(&world);
    tear_down(&world);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/follow_log/lines", test_lines);
    g_test_add_func("/follow_log/many_lines", test_many_lines);
    g_test_add_func("/follow_log/not_durable_is_read_again", test_not_durable_is_read_again);
    g_test_add_func("/follow_log/too_long", test_too_long);
    g_test_add_func("/follow_log/start_at_end", test_start_at_end);
    g_test_add_func("/follow_log/quiet", test_quiet);
    g_test_add_func("/follow_log/bad_position", test_bad_position);
    return g_test_run();
}
