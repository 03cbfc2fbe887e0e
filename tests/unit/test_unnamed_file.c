#include "api/unnamed_file.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <sys/stat.h>
#include <unistd.h>

static void test_has_no_name(void)
{
    g_autofree char *directory = g_dir_make_tmp("unnamed-XXXXXX", NULL);
    struct stat about;
    char text[4] = "";
    int fd = unnamed_file_open(directory);
    g_assert_cmpint(fd, >=, 0);
    g_assert_cmpint(fstat(fd, &about), ==, 0);
    g_assert_cmpuint(about.st_nlink, ==, 0);
    g_assert_cmpuint(about.st_mode & 0777, ==, 0600);
    g_assert_cmpint(write(fd, "abc", 3), ==, 3);
    g_assert_cmpint(pread(fd, text, 3, 0), ==, 3);
    g_assert_cmpstr(text, ==, "abc");
    g_assert_cmpint(g_rmdir(directory), ==, 0); /* it is empty */
    close(fd);
}

static void test_nowhere(void)
{
    g_assert_cmpint(unnamed_file_open("/nowhere/at/all"), ==, -1);
    g_assert_cmpint(errno, ==, ENOENT);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/unnamed-file/has-no-name", test_has_no_name);
    g_test_add_func("/unnamed-file/nowhere", test_nowhere);
    return g_test_run();
}
