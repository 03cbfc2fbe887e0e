#include "lib/http_etag.h"
#include "lib/view.h"

static const char *skip_blanks(const char *text)
{
    return text + strspn(text, " \t,");
}

/* #entity-tag, each perhaps with W/ before it; a tag may hold commas. What is not one ends the list. */
bool http_etag_matches(const char *if_none_match, const char *etag)
{
    if (!if_none_match)
        return false;
    const char *at = skip_blanks(if_none_match);
    if (at[0] == '*')
        return at[1 + strspn(at + 1, " \t")] == '\0';
    while (*at != '\0') {
        if (strncmp(at, "W/", 2) == 0)
            at += 2;
        const char *end = *at == '"' ? strchr(at + 1, '"') : NULL;
        if (!end)
            return false;
        if (view_equal(view_make(at, (size_t)(end + 1 - at)), view_of(etag)))
            return true;
        at = skip_blanks(end + 1);
    }
    return false;
}

bool http_etag_is(const char *if_range, const char *etag)
{
    if (!if_range)
        return false;
    const char *at = if_range + strspn(if_range, " \t");
    size_t size = strlen(etag);
    return etag[0] == '"' && strncmp(at, etag, size) == 0 && at[size + strspn(at + size, " \t")] == '\0';
}
