#include "api/etag.h"

#include <glib.h>

enum { DIGITS = 40 };

void etag_of(struct view body, bool gzip, char etag[ETAG_MAX])
{
    g_autofree char *digest = g_compute_checksum_for_data(G_CHECKSUM_SHA256, (const guchar *)body.data, body.size);
    g_snprintf(etag, ETAG_MAX, "\"%.*s%s\"", DIGITS, digest, gzip ? "-gzip" : "");
}

static const char *skip_blanks(const char *text)
{
    return text + strspn(text, " \t,");
}

/* #entity-tag, each perhaps with W/ before it; a tag may hold commas. What is not one ends the list. */
bool etag_matches(const char *if_none_match, const char *etag)
{
    if (if_none_match == NULL)
        return false;
    const char *at = skip_blanks(if_none_match);
    if (at[0] == '*')
        return at[1 + strspn(at + 1, " \t")] == '\0';
    while (*at != '\0') {
        if (strncmp(at, "W/", 2) == 0)
            at += 2;
        const char *end = *at == '"' ? strchr(at + 1, '"') : NULL;
        if (end == NULL)
            return false;
        if (view_equal(view_make(at, (size_t)(end + 1 - at)), view_of(etag)))
            return true;
        at = skip_blanks(end + 1);
    }
    return false;
}
