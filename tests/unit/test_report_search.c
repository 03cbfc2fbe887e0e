#include "api/report_search.h"

static bool finds(const char *text, const char *first, const char *second)
{
    g_auto(GStrv) words = report_search_words(text);
    const struct view names[] = {view_of(first), view_of(second)};
    return report_search_matches(words, names, 2);
}

static void test_words(void)
{
    g_auto(GStrv) words = report_search_words("  One\tTWO\n  ÜBER ");
    g_assert_cmpuint(g_strv_length(words), ==, 3);
    g_assert_cmpstr(words[0], ==, "one");
    g_assert_cmpstr(words[1], ==, "two");
    g_assert_cmpstr(words[2], ==, "über");
    g_auto(GStrv) none = report_search_words(" \t ");
    g_assert_cmpuint(g_strv_length(none), ==, 0);
}

static void test_matches(void)
{
    static const struct {
        const char *text, *first, *second;
        bool found;
    } cases[] = {
        {"", "a", "b", true},
        {"shop", "web-shop", "", true},
        {"WEB", "web-shop", "", true},
        {"shop web", "web-shop", "", true},
        {"shop nightly", "web-shop", "Nightly", true}, /* each in one of them */
        {"shop other", "web-shop", "Nightly", false},
        {"webn", "web", "nightly", false}, /* not across names */
        {"größe", "/v1/GRÖSSE/{id}", "", true},
        {"{ID}", "/v1/{id}", "", true},
        {"a.c", "abc", "", false}, /* no pattern */
        {"日本", "Ünï 日本", "", true},
        {"x", "\xff x", "", false},
        {"x", "\xff x", "an x", true},
        {"", "\xff", "", true},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
        g_assert_true(finds(cases[i].text, cases[i].first, cases[i].second) == cases[i].found);
    g_auto(GStrv) words = report_search_words("a");
    const struct view inside = view_make("xa", 1); /* ends where it says */
    g_assert_false(report_search_matches(words, &inside, 1));
    g_assert_false(report_search_matches(words, NULL, 0));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/report_search/words", test_words);
    g_test_add_func("/report_search/matches", test_matches);
    return g_test_run();
}
