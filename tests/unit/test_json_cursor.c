/* The reader of JSON text against tables, and against another one (jansson) on damaged texts. */
#include "collector/json_cursor.h"
#include <glib.h>
#include <jansson.h>

/* NULL if the text is one JSON value, else what is wrong; at says where. The copy has nothing readable behind it, for ASan. */
static const char *check(const char *data, size_t size, size_t *at)
{
    struct json_index *index = json_index_new();
    g_autofree char *copy = g_memdup2(data, size);
    struct view text = view_make(copy, size), raw;
    const char *error;
    *at = 0;
    if (!json_index_build(index, text)) {
        error = json_explain(text, at);
    } else {
        struct json_cursor cursor = json_cursor_all(text, index);
        if (json_cursor_skip(&cursor, &raw) && cursor.token < cursor.end)
            json_cursor_fail(&cursor, "something follows");
        error = cursor.error;
        *at = cursor.error_at;
    }
    json_index_free(index);
    return error;
}

static void test_right(void)
{
    static const char *const texts[] = {
        "{}",
        "[]",
        "0",
        "-0",
        "1.5e-7",
        "\"\"",
        "true",
        "false",
        "null",
        " \t\r\n[ ] \n",
        "[1,2,3]",
        "{\"a\":1}",
        "{\"a\":{\"b\":[{},[],\"x\"]}}",
        "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\"",
        "\"\\ud83d\\ude00\"",
        "\"\\ud800\"", /* JSON, though no text */
        "\"\\u0000\"",
        "[1,\"a\",true,false,null,{}]",
        "123456789012345678901234567890",
        "1e999999",
        "\"日本\"",
        "{\"\":0}",
        "[\"}\",\"]\",\",\",\":\",\"{\"]",
    };
    size_t at;
    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++)
        g_assert_cmpstr(check(texts[i], strlen(texts[i]), &at), ==, NULL);
}

static void test_wrong(void)
{
    static const struct {
        const char *text;
        size_t at;
    } rows[] = {
        {"", 0},
        {" ", 1},
        {"[", 1},
        {"]", 0},
        {"{", 1},
        {"}", 0},
        {"[1", 2},
        {"[1,", 3},
        {"[1,]", 3},
        {"[,1]", 1},
        {"[1 2]", 3},
        {"[1}", 2},
        {"{\"a\"", 4},
        {"{\"a\":", 5},
        {"{\"a\":1", 6},
        {"{\"a\":1,}", 7},
        {"{\"a\" 1}", 5},
        {"{a:1}", 1},
        {"{1:1}", 1},
        {"{\"a\":1]", 6},
        {"{,}", 1},
        {"[1]]", 3},
        {"[1] 2", 4},
        {"1 1", 2},
        {"01", 0},
        {"1.", 0},
        {".5", 0},
        {"1e", 0},
        {"1e+", 0},
        {"-", 0},
        {"+1", 0},
        {"0x1", 0},
        {"1a", 0},
        {"NaN", 0},
        {"Infinity", 0},
        {"-Infinity", 0},
        {"tru", 0},
        {"truee", 0},
        {"True", 0},
        {"nul", 0},
        {"'a'", 0},
        {"\"a", 0},
        {"[\"a]", 1},
        {"\"a\"b", 3},
        {"\"\\x\"", 0},
        {"\"\\u12\"", 0},
        {"\"\\u12g4\"", 0},
        {"\"\\", 0},
        {"\"a\nb\"", 2},
        {"[\"a\tb\"]", 3},
        {"[1] \x01", 4},
        {"\xff", 0},
        {"[\"\xc3\"]", 2},
        {"[1,\"\xed\xa0\x80\"]", 4},
        {"\xef\xbb\xbf{}", 0},
        {"[1]//", 3},
        {"/**/1", 0},
        {"\\", 0},
        {"[\\\"a\"]", 1},
        {"{\"a\":\"b\\\"}", 5},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        size_t at;
        const char *error = check(rows[i].text, strlen(rows[i].text), &at);
        g_test_message("%s: %s at %zu", rows[i].text, error, at);
        g_assert_nonnull(error);
        g_assert_cmpuint(at, ==, rows[i].at);
    }
}

static void test_depth(void)
{
    size_t at;
    for (int depth = 30; depth < 36; depth++) {
        g_autofree char *open = g_strnfill((gsize)depth, '['), *close = g_strnfill((gsize)depth, ']');
        g_autofree char *text = g_strconcat(open, close, NULL);
        g_assert_cmpint(check(text, strlen(text), &at) == NULL, ==, depth <= JSON_CURSOR_DEPTH_MAX);
    }
    g_autofree char *abyss = g_strnfill(1000000, '[');
    g_assert_nonnull(check(abyss, 1000000, &at));
}

static void expect_text(const char *raw, enum json_unescape_result result, const char *wanted, size_t wanted_size)
{
    size_t size = strlen(raw), n = 99;
    g_autofree char *copy = g_memdup2(raw, size), *out = g_malloc(size);
    g_assert_cmpint(json_unescape(view_make(copy, size), out, &n), ==, result);
    if (result == JSON_UNESCAPED)
        g_assert_true(view_equal(view_make(out, n), view_make(wanted, wanted_size)));
}

static void test_unescape(void)
{
    expect_text("plain", JSON_UNESCAPED, "plain", 5);
    expect_text("\\\"\\\\\\/\\b\\f\\n\\r\\t", JSON_UNESCAPED, "\"\\/\b\f\n\r\t", 8);
    expect_text("\\u0041\\u00e9\\u20AC", JSON_UNESCAPED, "Aé€", 6);
    expect_text("\\ud83d\\ude00!", JSON_UNESCAPED, "😀!", 5);
    expect_text("a\\u0000b", JSON_UNESCAPED, "a\0b", 3);
    expect_text("\\ud83d", JSON_LONE_SURROGATE, "", 0);
    expect_text("\\ude00\\ud83d", JSON_LONE_SURROGATE, "", 0);
    expect_text("\\ud83dx", JSON_LONE_SURROGATE, "", 0);
    expect_text("\\ud83d\\u0041", JSON_LONE_SURROGATE, "", 0);
    expect_text("\\x", JSON_BAD_ESCAPE, "", 0);
    expect_text("\\", JSON_BAD_ESCAPE, "", 0);
    expect_text("\\u", JSON_BAD_ESCAPE, "", 0);
    expect_text("\\u123", JSON_BAD_ESCAPE, "", 0);
    expect_text("\\u12g4", JSON_BAD_ESCAPE, "", 0);
    expect_text("\\ud83d\\u12", JSON_BAD_ESCAPE, "", 0);
}

/* jansson refuses lone surrogates and numbers that overflow, which is not in these texts, and takes no notice of a NUL behind a
 * word. */
static bool is_json_elsewhere(const char *data, size_t size)
{
    json_t *value = json_loadb(data, size, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    json_decref(value);
    return value != NULL;
}

static void compare(const char *data, size_t size)
{
    size_t at;
    const char *error = check(data, size, &at);
    g_assert_cmpuint(at, <=, size);
    if (memchr(data, '\0', size))
        g_assert_nonnull(error);
    else if ((error == NULL) != is_json_elsewhere(data, size)) {
        g_autofree char *shown = g_strescape(data, NULL);
        g_error("here: %s (at %zu), elsewhere: %d: %s", error ? error : "right", at, is_json_elsewhere(data, size), shown);
    }
}

static void test_damaged(void)
{
    static const char text[] = "[{\"time\":\"2026-11-21T10:00:00.123Z\",\"a\\\\\\\"\": [1.5e3,-20,true , null,\"\\n\"]},\n"
                               "{\"ü\":\"日本 \\u00e9\",\"x\":{\"y\":[[],{}]},\"false\":false}]";
    enum { SIZE = sizeof text - 1 };
    char damaged[SIZE + 1] = "";
    compare(text, SIZE);
    for (size_t size = 0; size < SIZE; size++)
        compare(text, size);
    for (size_t at = 0; at < SIZE; at++) {
        for (int byte = 0; byte < 256; byte++) {
            memcpy(damaged, text, SIZE);
            damaged[at] = (char)byte;
            compare(damaged, SIZE);
        }
    }
    for (int i = 0; i < 20000; i++) {
        memcpy(damaged, text, SIZE);
        for (int n = g_test_rand_int_range(1, 5); n > 0; n--)
            damaged[g_test_rand_int_range(0, SIZE)] = "\"\\{}[]:,0 \n-\x80\xc3\xbc"[g_test_rand_int_range(0, 16)];
        compare(damaged, SIZE);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/json_cursor/right", test_right);
    g_test_add_func("/json_cursor/wrong", test_wrong);
    g_test_add_func("/json_cursor/depth", test_depth);
    g_test_add_func("/json_cursor/unescape", test_unescape);
    g_test_add_func("/json_cursor/damaged", test_damaged);
    return g_test_run();
}
