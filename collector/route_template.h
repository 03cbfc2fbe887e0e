/* route_template: which route a request path belongs to.
 *
 * First the configured templates are asked, "METHOD /v1/orders/{id}" each:
 *   - a segment in braces is a parameter: {id} fits any segment, {id:uuid} only one of that class (route_segment.h; {uuid} alone is
 *     the same as {uuid:uuid}), {path...}, only at the end, one and more segments. A brace fills its segment.
 *   - the method may be left out or be "*": any. HEAD is also served by templates for GET.
 *   - of several that fit, at the first segment where they differ a literal wins over a typed parameter, that over any, that over
 *     "..."; then the template's own method wins over any.
 *   - a path that fits only templates of other methods still has their route, unless the answer was 404 or 405.
 * A path that fits none is classified segment by segment. Answered 404 or 405 it is "{unmatched}" instead, so that scanners make no
 * routes.
 *
 * The result depends on nothing but the templates and the arguments. Immutable once made; shared by threads. */
#ifndef DAYBOOK_ROUTE_TEMPLATE_H
#define DAYBOOK_ROUTE_TEMPLATE_H

#include "lib/event.h"
#include <glib.h>

#define ROUTE_UNMATCHED "{unmatched}"

enum {
    ROUTE_PATH_MAX = 8192,   /* bytes of a path */
    ROUTE_SEGMENTS_MAX = 32, /* what follows is "{rest}" in a classified path, and fits only {name...} of a template */
    ROUTE_TEMPLATES_MAX = 10000,
    ROUTE_FILE_MAX = 4 << 20, /* bytes of a file of templates */
};

struct route_templates;

/* lines (NULL-terminated, or NULL) and then those of the file (NULL or "": none; one a line; '#' begins a comment). Errors name the
 * line. */
struct route_templates *route_templates_new(const char *const *lines, const char *file, GError **error);
void route_templates_free(struct route_templates *templates);
size_t route_templates_count(const struct route_templates *templates);
/* All templates in one canonical text, the same for the same templates in any order; g_free. */
char *route_templates_text(const struct route_templates *templates);

/* The path begins with '/', is clean UTF-8 and at most ROUTE_PATH_MAX bytes; what follows '?' or '#' is ignored, and so are empty
 * segments. The result lives in out or as long as the templates; it is at most EVENT_ROUTE_MAX bytes. */
struct view route_templates_match(const struct route_templates *templates, struct view method, struct view path, unsigned status,
                                  char out[EVENT_ROUTE_MAX]);

/* The path without what follows '?' or '#'. */
struct view route_cut_query(struct view path);

#endif
