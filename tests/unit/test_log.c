#include "lib/log.h"

#include <string.h>
#include <unistd.h>

/* Runs what writes log lines with stderr in a file, and returns the file's text. */
static char *captured(void (*writes)(void))
{
    g_autofree char *path = NULL;
    char *text = NULL;
    int fd = g_file_open_tmp("test_log_XXXXXX", &path, NULL);
    int saved = dup(STDERR_FILENO);
    g_assert_cmpint(dup2(fd, STDERR_FILENO), >=, 0);
    writes();
    g_assert_cmpint(dup2(saved, STDERR_FILENO), >=, 0);
    close(fd);
    close(saved);
    g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
    unlink(path);
    return text;
}

/* What follows the time, which has a fixed width. */
static const char *after_time(const char *line)
{
    g_assert_true(g_regex_match_simple("^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z ", line, 0, 0));
    return line + strlen("2026-11-21T10:00:00.000Z ");
}

static void write_conversions(void)
{
    log_info("opened", "dir=%s n=%d size=%zu big=%" G_GINT64_FORMAT " id=%" G_GUINT64_FORMAT " rate=%.3f", "/x", -3, (size_t)7,
             G_GINT64_CONSTANT(-9000000000), G_GUINT64_CONSTANT(18446744073709551615), 2.5);
}

static void test_conversions(void)
{
    g_autofree char *text = captured(write_conversions);
    g_assert_cmpstr(after_time(text), ==, "info opened dir=/x n=-3 size=7 big=-9000000000 id=18446744073709551615 rate=2.500\n");
}

static void write_mixed(void)
{
    log_warn("mixed", "at=%s:%d share=%d%% short=%.*s last=%u", "host", 9092, 50, 2, "abcdef", 4294967295u);
    log_warn("bare", NULL);
}

static void test_mixed(void)
{
    g_autofree char *text = captured(write_mixed);
    g_assert_true(g_str_has_prefix(after_time(text), "warn mixed at=host:9092 share=50% short=ab last=4294967295\n"));
    g_assert_true(g_str_has_suffix(text, " warn bare\n"));
}

static void write_quoting(void)
{
    log_error("said", "what=%s empty=%s eq=%s bad=%s none=%s", "two words \"x\"\n\t\x01", "", "a=b", "\xff!", (const char *)NULL);
}

static void test_quoting(void)
{
    g_autofree char *text = captured(write_quoting);
    g_assert_cmpstr(after_time(text), ==,
                    "error said what=\"two words \\\"x\\\"\\n\\t\\x01\" empty=\"\" eq=\"a=b\" bad=\xef\xbf\xbd! none=(null)\n");
}

static void write_long(void)
{
    g_autofree char *value = g_strnfill(600, 'x');
    memcpy(value + 511, "ä", 2); /* would be cut in its middle */
    log_info("long", "value=%s next=%d", value, 1);
}

static void test_long_values_are_cut(void)
{
    g_autofree char *text = captured(write_long);
    g_assert_true(g_utf8_validate(text, -1, NULL));
    g_assert_true(g_str_has_suffix(text, "xxx… next=1\n"));
    g_assert_cmpuint(strlen(after_time(text)), ==, strlen("info long value= next=1\n") + 511 + strlen("…"));
}

static void write_levels(void)
{
    log_debug("never", "x=%d", 1);
    log_set_level(LOG_LEVEL_ERROR);
    log_warn("never", "x=%d", 1);
    log_error("always", "x=%d", 1);
    log_set_level(LOG_LEVEL_INFO);
}

static void test_levels(void)
{
    g_autofree char *text = captured(write_levels);
    g_assert_cmpstr(after_time(text), ==, "error always x=1\n");
    enum log_level level = LOG_LEVEL_INFO;
    g_assert_true(log_level_parse("WARN", &level));
    g_assert_cmpint(level, ==, LOG_LEVEL_WARN);
    g_assert_false(log_level_parse("loud", &level));
}

static void *write_many(void *unused)
{
    for (int i = 0; i < 500; i++)
        log_info("line", "n=%d filler=%s", i, "abcdefghijklmnopqrstuvwxyz");
    return unused;
}

static void write_from_threads(void)
{
    GThread *threads[4];
    for (size_t i = 0; i < G_N_ELEMENTS(threads); i++)
        threads[i] = g_thread_new("writer", write_many, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(threads); i++)
        g_thread_join(threads[i]);
}

static void test_lines_stay_whole(void)
{
    g_autofree char *text = captured(write_from_threads);
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    g_assert_cmpuint(g_strv_length(lines), ==, 2001);
    for (size_t i = 0; i < 2000; i++)
        g_assert_true(g_regex_match_simple("^\\S+ info line n=\\d+ filler=abcdefghijklmnopqrstuvwxyz$", lines[i], 0, 0));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/log/conversions", test_conversions);
    g_test_add_func("/log/mixed", test_mixed);
    g_test_add_func("/log/quoting", test_quoting);
    g_test_add_func("/log/long-values-are-cut", test_long_values_are_cut);
    g_test_add_func("/log/levels", test_levels);
    g_test_add_func("/log/lines-stay-whole", test_lines_stay_whole);
    return g_test_run();
}
