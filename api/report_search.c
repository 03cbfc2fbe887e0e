#include "api/report_search.h"

#include <string.h>

char **report_search_words(const char *text)
{
    g_autoptr(GStrvBuilder) words = g_strv_builder_new();
    g_autofree char *folded = g_utf8_casefold(text, -1);
    g_auto(GStrv) parts = g_strsplit_set(folded, " \t\n\r\f\v", -1);
    for (char **part = parts; *part != NULL; part++)
        if ((*part)[0] != '\0')
            g_strv_builder_add(words, *part);
    return g_strv_builder_end(words);
}

static bool is_in_one(const char *word, char *const *names)
{
    for (; *names != NULL; names++)
        if (strstr(*names, word) != NULL)
            return true;
    return false;
}

bool report_search_matches(char *const *words, const struct view *names, size_t n_names)
{
    g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
    for (size_t i = 0; *words != NULL && i < n_names; i++) {
        g_autofree char *folded =
            g_utf8_validate_len(names[i].data, names[i].size, NULL) ? g_utf8_casefold(names[i].data, (gssize)names[i].size) : NULL;
        if (folded != NULL)
            g_strv_builder_add(builder, folded);
    }
    g_auto(GStrv) known = g_strv_builder_end(builder);
    for (; *words != NULL; words++)
        if (!is_in_one(*words, known))
            return false;
    return true;
}
