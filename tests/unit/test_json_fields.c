#include "collector/json_fields.h"
#include <glib.h>

static const char kinds[] = "tnbz"; /* text, number, bool, null */

static void note(void *opaque, struct view path, enum json_field_kind kind, struct view value)
{
    g_string_append_printf(opaque, "%.*s=%c:%.*s;", (int)path.size, path.data, kinds[kind], (int)value.size, value.data);
}

/* Reads a text that ends right before bytes which must not matter. */
static bool read_text(struct json_fields *reader, struct view text, GString *notes)
{
    g_autofree char *padded = g_malloc(text.size + JSON_FIELDS_PADDING);
    memset(padded, '"', text.size + JSON_FIELDS_PADDING);
    memcpy(padded, text.data, text.size);
    g_string_truncate(notes, 0);
    return json_fields_read(reader, view_make(padded, text.size), note, notes) == NULL;
}

static void test_right(void)
{
    static const struct {
        const char *text, *notes;
    } cases[] = {
        {"{}", ""},
        {" {\"a\":1} ", "a=n:1;"},
        {"{\"a\": 1.5e3 ,\"b\":\"x\\u00e9\\\"\\n\"}\r", "a=n:1.5e3;b=t:x\xc3\xa9\"\n;"},
        {"{\"a\":true,\"b\":false,\"c\":null}", "a=b:true;b=b:false;c=z:null;"},
        {"{\"a\":{\"b\":{\"c\":1},\"d\":2},\"e\":3}", "a.b.c=n:1;a.d=n:2;e=n:3;"},
        {"{\"a\":[1,\"x\",[2],{\"b\":3}],\"c\":[]}", "a=n:1;a=t:x;a=n:2;a.b=n:3;"},
        {"{\"a\":123456789012345678901234567890,\"b\":-0.10}", "a=n:123456789012345678901234567890;b=n:-0.10;"},
        {"{\"a\":\"\",\"\":\"b\"}", "a=t:;=t:b;"},
        {"{\"\\u0061\":1}", "a=n:1;"},
        {"{\"a\":1,\"a\":2}", "a=n:1;a=n:2;"},
        {"{\"a\":[[[[[[[1]]]]]]]}", "a=n:1;"},
    };
    struct json_fields *reader = json_fields_new();
    GString *notes = g_string_new(NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_test_message("%s", cases[i].text);
        g_assert_true(read_text(reader, view_of(cases[i].text), notes));
        g_assert_cmpstr(notes->str, ==, cases[i].notes);
    }
    g_string_free(notes, TRUE);
    json_fields_free(reader);
}

static void test_wrong(void)
{
    static const char *const cases[] = {
        "",
        " ",
        "x",
        "1",
        "[1]",
        "\"a\"",
        "{",
        "{\"a\"",
        "{\"a\":",
        "{\"a\":}",
        "{\"a\":1",
        "{\"a\":1]",
        "{\"a\":1,}",
        "{\"a\" 1}",
        "{a:1}",
        "{\"a\":1}x",
        "{\"a\":1}{}",
        "{\"a\":01}",
        "{\"a\":1.}",
        "{\"a\":.5}",
        "{\"a\":-}",
        "{\"a\":1e}",
        "{\"a\":+1}",
        "{\"a\":0x1}",
        "{\"a\":tru}",
        "{\"a\":truex}",
        "{\"a\":nul}",
        "{\"a\":nullx}",
        "{\"a\":\"x}",
        "{\"a\":\"\\x41\"}",
        "{\"a\":\"\\ud800\"}",
        "{\"a\":\"\t\"}",
        "{\"a\":\"\xff\"}",
        "{\"\xc3\":1}",
        "{\"a\":[1 2]}",
        "{\"a\":[1,]}",
        "{\"a\":1 \"b\":2}",
        "{\"a\":[[[[[[[[1]]]]]]]]}",
        "{\"a\":NaN}",
        "{\"status\":,\"b\":1}",
    };
    struct json_fields *reader = json_fields_new();
    GString *notes = g_string_new(NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_test_message("%s", cases[i]);
        g_assert_false(read_text(reader, view_of(cases[i]), notes));
        g_assert_true(read_text(reader, view_of("{\"a\":1}"), notes)); /* none spoils the reader */
    }
    g_string_free(notes, TRUE);
    json_fields_free(reader);
}

/* Malformed at any byte: no text that ends early is taken, and one with any byte replaced never breaks the reader. */
static void test_any_byte(void)
{
    const char *line =
        "{\"time\":1700000000.123,\"m\":\"G\\u0045T\",\"n\":{\"x\":[1,2,{\"y\":null}]},\"ok\":true,\"s\":\"\xc3\xa9\"}";
    static const char bytes[] = "\"\\{}[],:0x \n\xff";
    struct json_fields *reader = json_fields_new();
    GString *notes = g_string_new(NULL);
    g_assert_true(read_text(reader, view_of(line), notes));
    for (size_t i = 0; i < strlen(line); i++) {
        g_assert_false(read_text(reader, view_make(line, i), notes));
        for (size_t b = 0; b < sizeof bytes; b++) {
            g_autofree char *other = g_strdup(line);
            other[i] = bytes[b];
            (void)read_text(reader, view_make(other, strlen(line)), notes);
        }
    }
    g_string_free(notes, TRUE);
    json_fields_free(reader);
}

static void test_long_paths(void)
{
    struct json_fields *reader = json_fields_new();
    GString *notes = g_string_new(NULL);
    g_autofree char *key = g_strnfill(300, 'k');
    g_autofree char *text = g_strdup_printf("{\"%s\":1,\"b\":{\"%s\":{\"c\":2}},\"d\":3}", key, key);
    g_assert_true(read_text(reader, view_of(text), notes));
    g_assert_nonnull(strstr(notes->str, ";d=n:3;")); /* what follows is not touched */
    g_assert_null(strstr(notes->str, "b.kkk"));
    g_string_free(notes, TRUE);
    json_fields_free(reader);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/json_fields/right", test_right);
    g_test_add_func("/json_fields/wrong", test_wrong);
    g_test_add_func("/json_fields/any_byte", test_any_byte);
    g_test_add_func("/json_fields/long_paths", test_long_paths);
    return g_test_run();
}
