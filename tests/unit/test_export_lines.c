#include "api/export_lines.h"

#include <unistd.h>

enum { LINES = 30000 };

static const char *directory;

static GString *text_of(const struct export_file *file)
{
    GString *text = g_string_new(NULL);
    g_string_set_size(text, (gsize)file->size);
    g_assert_cmpint(pread(file->fd, text->str, text->len, 0), ==, file->size);
    return text;
}

static struct export_file made(guint lines, bool gzip)
{
    g_autoptr(GError) error = NULL;
    struct export_lines *out = export_lines_new(directory, gzip, &error);
    struct export_file file;
    g_assert_no_error(error);
    for (guint i = 0; i < lines; i++) {
        g_autofree char *line = g_strdup_printf("%u,a line of some length\r\n", i);
        export_lines_append(out, view_of(line));
    }
    g_assert_true(export_lines_finish(out, &file, &error));
    return file;
}

/* More than the buffer holds. */
static void test_all_lines(void)
{
    struct export_file file = made(LINES, false);
    g_autoptr(GString) text = text_of(&file);
    const char *at = text->str;
    for (guint i = 0; i < LINES; i++) {
        char line[64];
        size_t size = (size_t)g_snprintf(line, sizeof line, "%u,a line of some length\r\n", i);
        g_assert_true(memcmp(at, line, size) == 0);
        at += size;
    }
    g_assert_true(at == text->str + text->len);
    close(file.fd);
}

static void test_tag(void)
{
    struct export_file one = made(10, false), same = made(10, false), other = made(11, false), none = made(0, false);
    g_assert_cmpstr(one.etag, ==, same.etag);
    g_assert_cmpstr(one.etag, !=, other.etag);
    g_assert_cmpint(none.size, ==, 0);
    close(one.fd);
    close(same.fd);
    close(other.fd);
    close(none.fd);
}

static void test_gzip(void)
{
    struct export_file large = made(LINES, true), small = made(2, true), plain = made(LINES, false);
    g_assert_true(large.gzip);
    g_assert_cmpint(large.size, <, plain.size / 4);
    g_assert_false(small.gzip); /* too small to be worth it */
    g_assert_cmpstr(large.etag, !=, plain.etag);
    close(large.fd);
    close(small.fd);
    close(plain.fd);
}

static void test_no_directory(void)
{
    g_autoptr(GError) error = NULL;
    g_assert_null(export_lines_new("/nowhere", false, &error));
    g_assert_error(error, EXPORT_ERROR, EXPORT_ERROR_FILE);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    directory = g_get_tmp_dir();
    g_test_add_func("/export_lines/all_lines", test_all_lines);
    g_test_add_func("/export_lines/tag", test_tag);
    g_test_add_func("/export_lines/gzip", test_gzip);
    g_test_add_func("/export_lines/no_directory", test_no_directory);
    return g_test_run();
}
