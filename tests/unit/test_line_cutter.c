#include "collector/line_cutter.h"
#include <glib.h>

/* Cuts a text handed out in pieces of at most `piece` bytes, as a follower does; "line|", "!" for a line that is too long. */
static char *cut(const char *text, size_t size, size_t piece, size_t max, bool at_end)
{
    GString *out = g_string_new(NULL);
    size_t offset = 0;
    bool skipping = false;
    for (;;) {
        size_t n = MIN(piece, size - offset);
        struct line_cutter cutter = {.at = text + offset, .end = text + offset + n, .max_bytes = max, .skipping = skipping};
        cutter.full = n == piece;
        cutter.at_end = at_end && offset + n == size;
        struct view line;
        for (enum line_cut found = line_cutter_next(&cutter, &line); found != LINE_NONE; found = line_cutter_next(&cutter, &line)) {
            if (found == LINE_WHOLE)
                g_string_append_len(out, line.data, (gssize)line.size);
            g_string_append_c(out, found == LINE_WHOLE ? '|' : '!');
        }
        skipping = cutter.skipping;
        size_t done = (size_t)(cutter.at - (text + offset));
        if (done == 0)
            break;
        offset += done;
    }
    if (offset < size)
        g_string_append_printf(out, "+%zu", size - offset);
    return g_string_free(out, FALSE);
}

static void check(const char *text, size_t size, size_t max, bool at_end, const char *expected)
{
    for (size_t piece = max + 1; piece < size + max + 4; piece++) {
        g_autofree char *found = cut(text, size, piece, max, at_end);
        g_test_message("pieces of %zu", piece);
        g_assert_cmpstr(found, ==, expected);
    }
}

#define CHECK(text, max, at_end, expected) check(text, sizeof(text) - 1, max, at_end, expected)

static void test_cases(void)
{
    CHECK("", 4, false, "");
    CHECK("a\nbb\n\ncccc\n", 4, false, "a|bb||cccc|");
    CHECK("a\nbb", 4, false, "a|+2");
    CHECK("a\nbb", 4, true, "a|bb|");
    CHECK("a\nccccc\nb\n", 4, false, "a|!b|");
    CHECK("cccccccccccccccccccccccc\nb\n", 4, false, "!b|");
    CHECK("a\ncccccccccccc\nccccc\nb\n", 4, false, "a|!!b|");
    CHECK("a\ncccccccccccc", 4, true, "a|!");
    CHECK("\0\0\0\0\0\0\0\0\0a\n\0b\n", 4, false, "a|b|"); /* zeros in front of a line */
    CHECK("a\n\0\0\0\0\0\0\0\0", 4, false, "a|");
    CHECK("a\n\0\0\0\0\0\0\0\0", 4, true, "a|");
}

/* A line that is too long is reported once, even when its end is far away and arrives bit by bit. */
static void test_long_line_arrives_slowly(void)
{
    g_autofree char *long_line = g_strnfill(1000, 'x');
    struct line_cutter cutter = {.at = long_line, .end = long_line + 5, .max_bytes = 4, .full = true};
    struct view line;
    g_assert_cmpint(line_cutter_next(&cutter, &line), ==, LINE_TOO_LONG);
    g_assert_true(cutter.skipping);
    for (int i = 5; i < 1000; i += 5) {
        cutter.end = long_line + i;
        g_assert_cmpint(line_cutter_next(&cutter, &line), ==, LINE_NONE);
        g_assert_true(cutter.at == cutter.end && cutter.skipping);
    }
    const char *rest = "xx\nb\n";
    cutter.at = rest;
    cutter.end = rest + 5;
    g_assert_cmpint(line_cutter_next(&cutter, &line), ==, LINE_WHOLE);
    g_assert_true(view_is(line, "b") && !cutter.skipping);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/line_cutter/cases", test_cases);
    g_test_add_func("/line_cutter/long_line_arrives_slowly", test_long_line_arrives_slowly);
    return g_test_run();
}
