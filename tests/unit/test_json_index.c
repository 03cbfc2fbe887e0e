#include "collector/json_index.h"
#include <glib.h>

static void expect(struct json_index *index, const char *text, const char *tokens)
{
    g_autofree char *copy = g_memdup2(text, strlen(text));
    g_autoptr(GString) found = g_string_new(NULL);
    g_assert_true(json_index_build(index, view_make(copy, strlen(text))));
    for (size_t i = 0; i < json_index_count(index); i++)
        g_string_append_printf(found, "%s%u", i ? " " : "", json_index_tokens(index)[i]);
    g_assert_cmpstr(found->str, ==, tokens);
}

static void test_tokens(void)
{
    struct json_index *index = json_index_new();
    expect(index, "", "");
    expect(index, "  \n", "");
    expect(index, "17", "0");
    expect(index, "{\"a\": [1, true,\"}\\\"\"]}", "0 1 4 6 7 8 10 14 15 20 21");
    expect(index, "\"a\"b 1 2", "0 3 5 7");
    json_index_free(index);
}

static void test_refused(void)
{
    static const char *const texts[] = {"\"a", "\"a\nb\"", "\"\x01\"", "\xff", "[\"\xc3\"]", "\"\\"};
    struct json_index *index = json_index_new();
    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++)
        g_assert_false(json_index_build(index, view_of(texts[i])));
    expect(index, "[]", "0 1");
    json_index_free(index);
}

/* A large text, then a small one, with and without its memory; and every length around the blocks that vector instructions take. */
static void test_sizes(void)
{
    struct json_index *index = json_index_new();
    g_autofree char *large = g_strnfill(4 * JSON_INDEX_KEPT_MAX, '[');
    g_assert_true(json_index_build(index, view_of(large)));
    g_assert_cmpuint(json_index_count(index), ==, 4 * JSON_INDEX_KEPT_MAX);
    g_assert_cmpuint(json_index_tokens(index)[4 * JSON_INDEX_KEPT_MAX - 1], ==, 4 * JSON_INDEX_KEPT_MAX - 1);
    expect(index, "[]", "0 1");
    json_index_trim(index);
    expect(index, "[]", "0 1");
    for (size_t size = 1; size < 300; size++) {
        g_autofree char *text = g_strnfill(size, ' ');
        text[size - 1] = '1';
        g_autofree char *copy = g_memdup2(text, size);
        g_assert_true(json_index_build(index, view_make(copy, size)));
        g_assert_cmpuint(json_index_count(index), ==, 1);
        g_assert_cmpuint(json_index_tokens(index)[0], ==, size - 1);
    }
    json_index_free(index);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/json_index/tokens", test_tokens);
    g_test_add_func("/json_index/refused", test_refused);
    g_test_add_func("/json_index/sizes", test_sizes);
    return g_test_run();
}
