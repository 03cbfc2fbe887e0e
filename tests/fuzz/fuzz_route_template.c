/* Templates, and a path. The input's lines up to an empty one are templates, the next is "METHOD path". The route is clean and
 * within its bound, and does not depend on the order of the templates. */
#include "collector/event_text.h"
#include "collector/route_template.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void reverse(char **lines)
{
    for (guint i = 0, n = g_strv_length(lines); i < n / 2; i++) {
        char *kept = lines[i];
        lines[i] = lines[n - 1 - i];
        lines[n - 1 - i] = kept;
    }
}

static void check(const struct route_templates *templates, const struct route_templates *reversed, struct view method,
                  struct view path)
{
    char out[EVENT_ROUTE_MAX], other[EVENT_ROUTE_MAX];
    for (unsigned status = 200; status <= 404; status += 204) {
        struct view route = route_templates_match(templates, method, path, status, out);
        g_assert(route.size > 0 && route.size <= EVENT_ROUTE_MAX);
        g_assert(event_text_is_clean(route));
        g_assert(route.data[0] == '/' || view_is(route, ROUTE_UNMATCHED));
        g_assert(view_equal(route, route_templates_match(reversed, method, path, status, other)));
    }
}

static void look_up(char **lines, const char *request)
{
    size_t word = strcspn(request, " ");
    struct view method = view_make(request, word), path = view_of(request + word + (request[word] == ' '));
    struct route_templates *templates = route_templates_new((const char *const *)lines, NULL, NULL);
    reverse(lines);
    struct route_templates *reversed = route_templates_new((const char *const *)lines, NULL, NULL);
    g_assert((templates == NULL) == (reversed == NULL));
    if (templates && path.size > 0 && path.size <= ROUTE_PATH_MAX && path.data[0] == '/' && event_text_is_clean(path)) {
        g_autofree char *copy = g_memdup2(path.data, path.size); /* nothing readable behind it */
        check(templates, reversed, method, view_make(copy, path.size));
    }
    if (templates) {
        g_autofree char *text = route_templates_text(templates), *same = route_templates_text(reversed);
        g_assert(strcmp(text, same) == 0);
    }
    route_templates_free(templates);
    route_templates_free(reversed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree char *text = g_strndup((const char *)data, size);
    char *gap = strstr(text, "\n\n");
    const char *request = gap ? gap + 2 : text;
    if (gap)
        *gap = '\0';
    g_auto(GStrv) lines = g_strsplit(gap ? text : "", "\n", -1);
    look_up(lines, request);
    return 0;
}
