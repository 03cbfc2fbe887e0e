/* report_search: words of which each must be in one of a row's names, whatever their case: what a list that is too long to be shown
 * is searched by. Words are parted by white space. Pure; the words belong to who made them. */
#ifndef DAYBOOK_REPORT_SEARCH_H
#define DAYBOOK_REPORT_SEARCH_H

#include "lib/view.h"
#include <glib.h>

enum { REPORT_SEARCH_MAX = 256 /* bytes */ };

/* The words of a text (valid UTF-8), without their case; none: an empty list, which everything matches. For g_strfreev. */
char **report_search_words(const char *text);
/* Names that are not UTF-8 match nothing but an empty list. */
bool report_search_matches(char *const *words, const struct view *names, size_t n_names);

#endif
