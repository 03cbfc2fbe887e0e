#include "api/endpoints.h"

#include "api/params.h"
#include "lib/event.h"
#include "lib/keys.h"

struct endpoints {
    char *exact; /* or NULL: */
    char **patterns;
};

struct endpoints *endpoints_new_exact(const char *name)
{
    struct endpoints *endpoints = g_new0(struct endpoints, 1);
    endpoints->exact = g_strdup(name);
    return endpoints;
}

char *endpoints_name(const char *text)
{
    if (strcmp(text, KEYS_OTHER) == 0)
        return g_strdup(text);
    size_t method = strcspn(text, " ");
    if (method == 0 || method > EVENT_METHOD_MAX || text[method] == '\0' ||
        !param_text_is_valid(view_of(text + method + 1), EVENT_ROUTE_MAX))
        return NULL;
    for (size_t i = 0; i < method; i++)
        if (!g_ascii_isalnum(text[i]) && text[i] != '-' && text[i] != '_')
            return NULL;
    char *name = g_strdup(text);
    for (size_t i = 0; i < method; i++)
        name[i] = g_ascii_toupper(name[i]);
    return name;
}

struct endpoints *endpoints_new(const char *const *patterns)
{
    struct endpoints *endpoints = g_new0(struct endpoints, 1);
    endpoints->patterns = g_strdupv((char **)patterns);
    return endpoints;
}

void endpoints_free(struct endpoints *endpoints)
{
    if (endpoints == NULL)
        return;
    g_free(endpoints->exact);
    g_strfreev(endpoints->patterns);
    g_free(endpoints);
}

/* ---- fitting ---- */

/* Takes what stands before the next '/', or the end; *text goes behind it. */
static struct view take_segment(struct view *text)
{
    const char *slash = text->size > 0 ? memchr(text->data, '/', text->size) : NULL;
    struct view segment = view_make(text->data, slash != NULL ? (size_t)(slash - text->data) : text->size);
    size_t taken = segment.size + (slash != NULL);
    *text = slash != NULL ? view_make(text->data + taken, text->size - taken) : view_make(NULL, 0);
    return segment;
}

/* NULL data: there are no segments left; "" has one, which is empty. */
static bool template_fits(struct view pattern, struct view template)
{
    while (pattern.data != NULL) {
        struct view wanted = take_segment(&pattern);
        if (view_is(wanted, "**"))
            return true;
        if (template.data == NULL)
            return false;
        struct view segment = take_segment(&template);
        if (view_is(wanted, "*") ? segment.size == 0 : !view_equal(wanted, segment))
            return false;
    }
    return template.data == NULL;
}

static bool pattern_fits(const char *pattern, struct view name)
{
    size_t wanted = strcspn(pattern, " ");
    const char *blank = memchr(name.data, ' ', name.size);
    size_t method = blank != NULL ? (size_t)(blank - name.data) : 0; /* what is over the cap has none */
    if (blank == NULL)
        return false;
    if (!view_is(view_make(pattern, wanted), ENDPOINTS_ANY) &&
        !view_equal(view_make(pattern, wanted), view_make(name.data, method)))
        return false;
    return template_fits(view_of(pattern + wanted + 1), view_make(blank + 1, name.size - method - 1));
}

bool endpoints_have(const struct endpoints *endpoints, struct view name)
{
    if (endpoints->exact != NULL)
        return view_is(name, endpoints->exact);
    for (char **pattern = endpoints->patterns; *pattern != NULL; pattern++)
        if (pattern_fits(*pattern, name))
            return true;
    return false;
}

/* ---- patterns ---- */

static bool is_template(const char *text)
{
    size_t size = strlen(text);
    if (size == 0 || size > EVENT_ROUTE_MAX || !g_utf8_validate(text, (gssize)size, NULL))
        return false;
    for (size_t i = 0; i < size; i++)
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
            return false;
    return true;
}

/* Stars are whole segments, and two of them the last one. */
static bool stars_are_right(const char *text)
{
    struct view left = view_of(text);
    while (left.data != NULL) {
        struct view segment = take_segment(&left);
        bool one = view_is(segment, "*"), many = view_is(segment, "**");
        if (memchr(segment.data, '*', segment.size) != NULL && !one && !(many && left.data == NULL))
            return false;
    }
    return true;
}

char *endpoints_pattern(const char *text, const char **why)
{
    size_t method = strcspn(text, " ");
    bool ok = method > 0 && method <= EVENT_METHOD_MAX && text[method] == ' ';
    for (size_t i = 0; ok && i < method; i++)
        ok = g_ascii_isalnum(text[i]) || text[i] == '-' || text[i] == '_';
    *why = NULL;
    if (!ok || !is_template(text + method + 1))
        *why = "a method or ANY, a blank and a template (GET /v1/orders/{id}, ANY /v1/orders/**)";
    else if (!stars_are_right(text + method + 1))
        *why = "a template in which * stands for one whole segment, and ** for all the rest at the end (GET /v1/*/lines)";
    if (*why != NULL)
        return NULL;
    char *pattern = g_strdup(text);
    for (size_t i = 0; i < method; i++)
        pattern[i] = g_ascii_toupper(pattern[i]);
    return pattern;
}
