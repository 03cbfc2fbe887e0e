/* The templates are a tree of segments. A node has its children by literal (sorted), one per class of typed parameter, one for
 * {any}, and what ends there: one template for each method. A look-up goes down in order of preference and comes back where it
 * meets a dead end; since the tree's depth is the segment's number, no node is met twice. */
#include "collector/route_template.h"
#include "collector/event_text.h"
#include "collector/route_path.h"
#include "collector/route_segment.h"

struct route_template {
    char *method;  /* NULL: any */
    char *line;    /* canonical: "GET /v1/orders/{id:n}" */
    char *pattern; /* what two templates of one method must not share: names of parameters left out */
    char *route;   /* what it counts as: types left out */
};

struct node {
    struct view literal; /* in a template's line */
    GPtrArray *literals; /* of struct node, by literal; NULL: none */
    struct node *typed[ROUTE_N_CLASSES];
    struct node *any;
    GPtrArray *ends;  /* of struct route_template, borrowed; NULL: none */
    GPtrArray *rests; /* the same for a "{name...}" from here */
};

struct route_templates {
    struct node *root;
    GPtrArray *all; /* of struct route_template, owned */
    GHashTable *patterns;
};

/* ---- the tree ---- */

static void node_free(gpointer data)
{
    struct node *node = data;
    if (!node)
        return;
    g_clear_pointer(&node->literals, g_ptr_array_unref);
    for (size_t i = 0; i < ROUTE_N_CLASSES; i++)
        node_free(node->typed[i]);
    node_free(node->any);
    g_clear_pointer(&node->ends, g_ptr_array_unref);
    g_clear_pointer(&node->rests, g_ptr_array_unref);
    g_free(node);
}

static void template_free(gpointer data)
{
    struct route_template *template = data;
    g_free(template->method);
    g_free(template->line);
    g_free(template->pattern);
    g_free(template->route);
    g_free(template);
}

static int compare(struct view a, struct view b)
{
    int order = memcmp(a.data, b.data, MIN(a.size, b.size));
    return order != 0 ? order : (a.size > b.size) - (a.size < b.size);
}

/* Where the literal is among the node's children, or would be. */
static bool find_literal(const struct node *node, struct view literal, guint *place)
{
    guint low = 0, high = node->literals ? node->literals->len : 0;
    while (low < high) {
        guint middle = low + (high - low) / 2;
        int order = compare(((const struct node *)g_ptr_array_index(node->literals, middle))->literal, literal);
        if (order == 0) {
            *place = middle;
            return true;
        }
        low = order < 0 ? middle + 1 : low;
        high = order < 0 ? high : middle;
    }
    *place = low;
    return false;
}

static struct node *literal_child(struct node *node, struct view literal)
{
    guint place;
    if (find_literal(node, literal, &place))
        return g_ptr_array_index(node->literals, place);
    if (!node->literals)
        node->literals = g_ptr_array_new_with_free_func(node_free);
    struct node *child = g_new0(struct node, 1);
    child->literal = literal;
    g_ptr_array_insert(node->literals, (gint)place, child);
    return child;
}

static struct node *child_at(struct node **place)
{
    if (!*place)
        *place = g_new0(struct node, 1);
    return *place;
}

static void add_end(GPtrArray **ends, struct route_template *template)
{
    if (!*ends)
        *ends = g_ptr_array_new();
    g_ptr_array_add(*ends, template);
}

/* ---- reading templates ---- */

/* A segment of a template. */
struct part {
    struct view literal; /* data is NULL: a parameter */
    struct view name;
    enum route_class class_; /* ROUTE_LITERAL: any */
    bool rest;
};

static bool is_name(struct view name)
{
    for (size_t i = 0; i < name.size; i++) {
        if (!g_ascii_isalnum(name.data[i]) && name.data[i] != '_' && name.data[i] != '-')
            return false;
    }
    return name.size > 0;
}

static const char *read_parameter(struct view inside, struct part *part)
{
    const char *colon = memchr(inside.data, ':', inside.size);
    part->name = inside;
    part->class_ = ROUTE_LITERAL;
    if (colon) {
        part->name.size = (size_t)(colon - inside.data);
        part->class_ = route_class_named(view_make(colon + 1, inside.size - part->name.size - 1));
        if (part->class_ == ROUTE_LITERAL)
            return "the type of a parameter must be one of uuid, n, date, email, hex and token";
    } else if (inside.size > 3 && memcmp(inside.data + inside.size - 3, "...", 3) == 0) {
        part->rest = true;
        part->name.size -= 3;
    } else {
        part->class_ = route_class_named(inside);
    }
    return is_name(part->name) ? NULL : "the name of a parameter must be letters, digits, '_' and '-'";
}

static const char *read_part(struct view text, struct part *part)
{
    *part = (struct part){.class_ = ROUTE_LITERAL};
    if (text.size >= 2 && text.data[0] == '{' && text.data[text.size - 1] == '}')
        return read_parameter(view_make(text.data + 1, text.size - 2), part);
    if (memchr(text.data, '{', text.size) || memchr(text.data, '}', text.size))
        return "a parameter in braces must fill its segment";
    part->literal = text;
    return NULL;
}

/* Writes what the part counts as, and what makes it differ from others. */
static void describe_part(const struct part *part, GString *route, GString *pattern)
{
    g_string_append_c(route, '/');
    g_string_append_c(pattern, '/');
    if (part->literal.data) {
        g_string_append_len(route, part->literal.data, (gssize)part->literal.size);
        g_string_append_len(pattern, part->literal.data, (gssize)part->literal.size);
        return;
    }
    g_string_append_printf(route, "{%.*s%s}", (int)part->name.size, part->name.data, part->rest ? "..." : "");
    g_string_append_printf(pattern, "{%s%s}", route_class_word(part->class_), part->rest ? "..." : "");
}

static struct node *descend(struct node *node, const struct part *part)
{
    if (part->literal.data)
        return literal_child(node, part->literal);
    if (part->class_ != ROUTE_LITERAL)
        return child_at(&node->typed[part->class_]);
    return child_at(&node->any);
}

/* Enters the template's path into the tree; returns what is wrong with it, or NULL. */
static const char *enter(struct route_templates *templates, struct route_template *template, const char *path)
{
    struct node *node = templates->root;
    g_autoptr(GString) route = g_string_new(NULL);
    g_autoptr(GString) pattern = g_string_new(template->method ? template->method : "*");
    const char *end = path + strlen(path);
    struct part part = {.class_ = ROUTE_LITERAL};
    size_t n = 0;
    for (const char *c = path + 1; c < end; n++) {
        const char *slash = memchr(c, '/', (size_t)(end - c));
        struct view text = view_make(c, (size_t)((slash ? slash : end) - c));
        const char *wrong = part.rest ? "{name...} must be the last segment" : NULL;
        if (!wrong)
            wrong = text.size == 0            ? "a segment is empty"
                    : n == ROUTE_SEGMENTS_MAX ? "there are more than 32 segments"
                                              : read_part(text, &part);
        if (wrong)
            return wrong;
        describe_part(&part, route, pattern);
        node = part.rest ? node : descend(node, &part);
        c += text.size + 1;
    }
    template->route = g_string_free(g_steal_pointer(&route), FALSE);
    if (template->route[0] == '\0') {
        g_free(template->route);
        template->route = g_strdup("/");
    }
    template->pattern = g_string_free(g_steal_pointer(&pattern), FALSE);
    add_end(part.rest ? &node->rests : &node->ends, template);
    return NULL;
}

static bool is_method(const char *method)
{
    size_t size = strspn(method, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_");
    return size > 0 && size <= EVENT_METHOD_MAX && method[size] == '\0';
}

/* Splits a line into method and path; returns what is wrong, or NULL. */
static const char *split_line(const char *line, char **method, const char **path)
{
    size_t word = strcspn(line, " \t");
    *path = line;
    if (line[0] != '/') {
        *path = line + word + strspn(line + word, " \t");
        g_autofree char *given = g_strndup(line, word);
        g_autofree char *upper = g_ascii_strup(given, -1);
        if (strcmp(upper, "*") != 0 && !is_method(upper))
            return "it must be a method (or *) and a path that begins with '/'";
        *method = strcmp(upper, "*") == 0 ? NULL : g_steal_pointer(&upper);
    }
    if (**path != '/')
        return "its path must begin with '/'";
    if (strlen(*path) > EVENT_ROUTE_MAX)
        return "it is longer than 1024 bytes";
    return event_text_is_clean(view_of(*path)) ? NULL : "it is not UTF-8 without control characters";
}

/* Returns what is wrong, or NULL. */
static const char *add_line(struct route_templates *templates, const char *line)
{
    struct route_template *template = g_new0(struct route_template, 1);
    const char *path;
    if (templates->all->len == ROUTE_TEMPLATES_MAX) {
        template_free(template);
        return "there are more than 10000 templates";
    }
    g_ptr_array_add(templates->all, template);
    const char *wrong = split_line(line, &template->method, &path);
    if (wrong)
        return wrong;
    /* Literals in the tree are views into the line; a '/' at the end means nothing, as in paths. */
    size_t size = strlen(path);
    size -= size > 1 && path[size - 1] == '/';
    template->line = g_strdup_printf("%s %.*s", template->method ? template->method : "*", (int)size, path);
    wrong = enter(templates, template, strchr(template->line, '/'));
    if (!wrong && !g_hash_table_add(templates->patterns, template->pattern))
        wrong = "another template fits the same requests";
    return wrong;
}

static bool add_lines(struct route_templates *templates, const char *const *lines, const char *origin, GError **error)
{
    for (size_t i = 0; lines && lines[i]; i++) {
        g_autofree char *line = g_strstrip(g_strdup(lines[i]));
        if (line[0] == '\0' || line[0] == '#')
            continue;
        const char *wrong = add_line(templates, line);
        if (wrong) {
            g_autofree char *shown = g_utf8_make_valid(line, (gssize)MIN(strlen(line), (size_t)200));
            g_set_error(error, G_KEY_FILE_ERROR, G_KEY_FILE_ERROR_INVALID_VALUE, "%s, line %zu, '%s': %s.", origin, i + 1, shown,
                        wrong);
            return false;
        }
    }
    return true;
}

static bool add_file(struct route_templates *templates, const char *file, GError **error)
{
    g_autofree char *text = NULL;
    gsize size = 0;
    if (!g_file_get_contents(file, &text, &size, error)) {
        g_prefix_error(error, "The file of route templates: ");
        return false;
    }
    if (size > ROUTE_FILE_MAX || strlen(text) != size) {
        g_set_error(error, G_KEY_FILE_ERROR, G_KEY_FILE_ERROR_INVALID_VALUE,
                    "The file of route templates '%s' is larger than 4 MiB or no text.", file);
        return false;
    }
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    return add_lines(templates, (const char *const *)lines, file, error);
}

struct route_templates *route_templates_new(const char *const *lines, const char *file, GError **error)
{
    struct route_templates *templates = g_new0(struct route_templates, 1);
    templates->root = g_new0(struct node, 1);
    templates->all = g_ptr_array_new_with_free_func(template_free);
    templates->patterns = g_hash_table_new(g_str_hash, g_str_equal);
    if (add_lines(templates, lines, "route.templates", error) && (!file || !*file || add_file(templates, file, error)))
        return templates;
    route_templates_free(templates);
    return NULL;
}

void route_templates_free(struct route_templates *templates)
{
    if (!templates)
        return;
    node_free(templates->root);
    g_hash_table_destroy(templates->patterns);
    g_ptr_array_free(templates->all, TRUE);
    g_free(templates);
}

size_t route_templates_count(const struct route_templates *templates)
{
    return templates->all->len;
}

static int compare_strings(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

char *route_templates_text(const struct route_templates *templates)
{
    g_autoptr(GPtrArray) lines = g_ptr_array_new();
    GString *text = g_string_new(NULL);
    for (guint i = 0; i < templates->all->len; i++)
        g_ptr_array_add(lines, ((struct route_template *)g_ptr_array_index(templates->all, i))->line);
    g_ptr_array_sort(lines, compare_strings);
    for (guint i = 0; i < lines->len; i++)
        g_string_append_printf(text, "%s\n", (const char *)g_ptr_array_index(lines, i));
    return g_string_free(text, FALSE);
}

/* ---- looking up ---- */

struct lookup {
    const struct route_path *path;
    struct view method;
    const struct route_template *other; /* the first that fits, but for its method */
};

/* The template of this method, else GET's for HEAD, else any's. Which one is `other` must not depend on the order of the
 * configuration. */
static const struct route_template *choose(const GPtrArray *ends, struct lookup *lookup)
{
    const struct route_template *any = NULL, *get = NULL, *other = NULL;
    for (guint i = 0; ends && i < ends->len; i++) {
        const struct route_template *template = g_ptr_array_index(ends, i);
        if (!template->method)
            any = template;
        else if (view_is(lookup->method, template->method))
            return template;
        else if (!other || strcmp(template->method, other->method) < 0)
            other = template;
        if (template->method && strcmp(template->method, "GET") == 0)
            get = template;
    }
    if (!lookup->other)
        lookup->other = other;
    return get && view_is(lookup->method, "HEAD") ? get : any;
}

static const struct route_template *find(const struct node *node, size_t depth, struct lookup *lookup)
{
    const struct route_path *path = lookup->path;
    const struct route_template *found = NULL;
    guint place;
    if (!node)
        return NULL;
    const GPtrArray *ends = path->more ? node->rests : node->ends;
    if (depth == path->n)
        return choose(ends, lookup);
    const struct route_segment *segment = &path->segments[depth];
    if (segment->plain && find_literal(node, segment->text, &place))
        found = find(g_ptr_array_index(node->literals, place), depth + 1, lookup);
    for (int i = ROUTE_LITERAL + 1; !found && i < ROUTE_N_CLASSES; i++) {
        bool fits = node->typed[i] && (segment->plain ? route_segment_fits(segment->text, (enum route_class)i) : i == ROUTE_TOKEN);
        found = fits ? find(node->typed[i], depth + 1, lookup) : NULL;
    }
    if (!found)
        found = find(node->any, depth + 1, lookup);
    return found ? found : choose(node->rests, lookup);
}

struct view route_cut_query(struct view path)
{
    for (size_t i = 0; i < path.size; i++) {
        if (path.data[i] == '?' || path.data[i] == '#')
            return view_make(path.data, i);
    }
    return path;
}

struct view route_templates_match(const struct route_templates *templates, struct view method, struct view path, unsigned status,
                                  char out[EVENT_ROUTE_MAX])
{
    struct route_path cut;
    bool refused = status == 404 || status == 405;
    route_path_cut(route_cut_query(path), &cut);
    struct lookup lookup = {&cut, method, NULL};
    const struct route_template *found = templates->all->len > 0 ? find(templates->root, 0, &lookup) : NULL;
    if (!found && !refused)
        found = lookup.other;
    if (found)
        return view_of(found->route);
    if (refused)
        return view_of(ROUTE_UNMATCHED);
    return view_make(out, route_path_classify(&cut, out));
}
