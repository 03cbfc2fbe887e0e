#include "collector/follow_file.h"
#include "lib/view.h"
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

struct world {
    char *dir, *path;
    struct follow_file *file;
    char buffer[4096];
    size_t n;
};

static void append(const struct world *world, const char *text)
{
    int fd = open(world->path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    g_assert_cmpint(fd, >=, 0);
    g_assert_cmpint(write(fd, text, strlen(text)), ==, (gssize)strlen(text));
    close(fd);
}

static void set_up(struct world *world, const char *text)
{
    *world = (struct world){.dir = g_dir_make_tmp("daybook-file-XXXXXX", NULL)};
    world->path = g_build_filename(world->dir, "log", NULL);
    append(world, text);
    world->file = follow_file_open(world->path, NULL);
    g_assert_nonnull(world->file);
}

static void tear_down(struct world *world)
{
    follow_file_free(world->file);
    g_assert_cmpint(g_unlink(world->path), ==, 0);
    g_assert_cmpint(g_rmdir(world->dir), ==, 0);
    g_free(world->dir);
    g_free(world->path);
}

static enum follow_read read_more(struct world *world)
{
    return follow_file_read(world->file, world->buffer, sizeof world->buffer, &world->n);
}

static void test_open(void)
{
    g_autoptr(GError) missing = NULL;
    g_autoptr(GError) directory = NULL;
    g_assert_null(follow_file_open("/nonexistent/log", &missing));
    g_assert_error(missing, G_FILE_ERROR, G_FILE_ERROR_NOENT);
    g_assert_null(follow_file_open("/tmp", &directory));
    g_assert_nonnull(strstr(directory->message, "/tmp"));
    g_assert_null(follow_file_open("/dev/null", NULL));
}

static void test_take(void)
{
    struct world world;
    set_up(&world, "one\ntwo");
    g_assert_cmpint(read_more(&world), ==, FOLLOW_READ_OK);
    g_assert_true(view_is(view_make(world.buffer, world.n), "one\ntwo"));
    follow_file_take(world.file, world.buffer, 4);
    append(&world, "!\n");
    g_assert_cmpint(read_more(&world), ==, FOLLOW_READ_OK);
    g_assert_true(view_is(view_make(world.buffer, world.n), "two!\n"));
    g_assert_cmpuint(follow_file_unread(world.file), ==, 5);
    follow_file_take(world.file, world.buffer, 5);
    g_assert_true(view_is(view_make(world.file->tail, world.file->tail_size), "one\ntwo!\n"));
    g_assert_true(view_is(view_make(world.file->head, world.file->head_size), "one\ntwo!\n"));
    g_assert_cmpuint(follow_file_unread(world.file), ==, 0);
    tear_down(&world);
}

/* The bytes before the offset are remembered, however they were taken. */
static void test_tail(void)
{
    struct world world;
    GString *text = g_string_new(NULL);
    for (int i = 0; i < 3000; i++)
        g_string_append_printf(text, "%d,", i);
    for (size_t step = 1; step < 700; step += 97) {
        set_up(&world, text->str);
        for (int i = 0; i < 20; i++) {
            g_assert_cmpint(read_more(&world), ==, FOLLOW_READ_OK);
            follow_file_take(world.file, world.buffer, step);
            size_t offset = (size_t)world.file->offset;
            size_t known = MIN(offset, (size_t)FOLLOW_TAIL_MAX);
            g_assert_true(
                view_equal(view_make(world.file->tail, world.file->tail_size), view_make(text->str + offset - known, known)));
        }
        tear_down(&world);
    }
    g_string_free(text, TRUE);
}

static void test_truncated(void)
{
    struct world world;
    set_up(&world, "one\ntwo\n");
    g_assert_cmpint(read_more(&world), ==, FOLLOW_READ_OK);
    follow_file_take(world.file, world.buffer, 4);
    g_assert_cmpint(truncate(world.path, 2), ==, 0);
    g_assert_cmpint(read_more(&world), ==, FOLLOW_READ_CHANGED); /* shorter */
    g_assert_cmpint(truncate(world.path, 0), ==, 0);
    append(&world, "ONE\ntwo\nthree\n");
    g_assert_cmpint(read_more(&world), ==, FOLLOW_READ_CHANGED); /* longer, with other bytes */
    g_assert_cmpint(follow_file_compare(world.file), ==, FOLLOW_READ_CHANGED);
    follow_file_restart(world.file, 1);
    g_assert_cmpint(read_more(&world), ==, FOLLOW_READ_OK);
    g_assert_cmpuint(world.n, ==, 14);
    tear_down(&world);
}

/* The head is the same, as of logs that begin with a title; the bytes before the offset tell. */
static void test_same_head(void)
{
    struct world world;
    g_autofree char *title = g_strnfill(2000, '#');
    g_autofree char *first = g_strconcat(title, "\none\ntwo\n", NULL);
    g_autofree char *second = g_strconcat(title, "\nONE\ntwo\n", NULL);
    set_up(&world, first);
    g_assert_cmpint(read_more(&world), ==, FOLLOW_READ_OK);
    follow_file_take(world.file, world.buffer, strlen(first));
    g_assert_cmpint(truncate(world.path, 0), ==, 0);
    append(&world, second);
    g_assert_cmpint(read_more(&world), ==, FOLLOW_READ_CHANGED);
    tear_down(&world);
}

static void test_resume(void)
{
    struct world world;
    struct follow_mark mark;
    set_up(&world, "one\ntwo\nthree\n");
    g_assert_cmpint(read_more(&world), ==, FOLLOW_READ_OK);
    follow_file_take(world.file, world.buffer, 8);
    world.file->skipping = true;
    follow_file_mark(world.file, &mark);
    follow_file_free(world.file);
    world.file = follow_file_open(world.path, NULL);
    g_assert_true(follow_file_resume(world.file, &mark));
    g_assert_cmpuint(world.file->offset, ==, 8);
    g_assert_true(world.file->skipping);
    g_assert_cmpint(read_more(&world), ==, FOLLOW_READ_OK);
    g_assert_true(view_is(view_make(world.buffer, world.n), "three\n"));
    mark.tail_digest[3] ^= 1;
    g_assert_false(follow_file_resume(world.file, &mark));
    mark.tail_digest[3] ^= 1;
    mark.head_digest[3] ^= 1;
    g_assert_false(follow_file_resume(world.file, &mark));
    tear_down(&world);
}

/* How long a file has been quiet does not begin anew when it is opened, nor when nothing more is in it. */
static void test_quiet(void)
{
    const int64_t age_s = 3600;
    struct world world;
    set_up(&world, "hello\n");
    struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = g_get_real_time() / G_USEC_PER_SEC - age_s}};
    g_assert_cmpint(futimens(world.file->fd, times), ==, 0);
    follow_file_free(world.file);
    world.file = follow_file_open(world.path, NULL);
    int64_t opened_us = g_get_monotonic_time();
    g_assert_cmpint(world.file->growth_us, <=, opened_us - (age_s - 1) * G_USEC_PER_SEC);
    g_assert_true(follow_file_jump(world.file, 6));
    g_assert_cmpint(read_more(&world), ==, FOLLOW_READ_OK);
    g_assert_cmpint(world.file->growth_us, <=, opened_us - (age_s - 1) * G_USEC_PER_SEC);
    append(&world, "world\n");
    g_assert_cmpint(read_more(&world), ==, FOLLOW_READ_OK);
    g_assert_cmpint(world.file->growth_us, >=, opened_us);
    tear_down(&world);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/follow_file/open", test_open);
    g_test_add_func("/follow_file/take", test_take);
    g_test_add_func("/follow_file/tail", test_tail);
    g_test_add_func("/follow_file/truncated", test_truncated);
    g_test_add_func("/follow_file/same_head", test_same_head);
    g_test_add_func("/follow_file/resume", test_resume);
    g_test_add_func("/follow_file/quiet", test_quiet);
    return g_test_run();
}
