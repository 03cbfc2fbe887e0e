#include "collector/exclusion.h"

struct rule {
    char *text;                  /* owns what the views point to */
    struct view method, pattern; /* method is empty: any */
};

enum field { CLIENTS, ROUTES, USER_AGENTS, SOURCES, N_FIELDS };
static const char *const names[N_FIELDS] = {"exclude.clients", "exclude.routes", "exclude.user_agents", "exclude.sources"};

struct exclusion {
    GArray *rules[N_FIELDS]; /* of struct rule */
};

static bool same(char a, char b, bool ignore_case)
{
    return a == b || (ignore_case && g_ascii_tolower(a) == g_ascii_tolower(b));
}

/* Each '*' is first tried empty; at a mismatch the last one met takes one more byte. Earlier ones need never be tried again. */
bool exclusion_pattern_fits(struct view pattern, struct view text, bool ignore_case)
{
    size_t p = 0, t = 0;
    size_t star = SIZE_MAX, taken = 0;
    while (t < text.size) {
        if (p < pattern.size && pattern.data[p] == '*') {
            star = p++;
            taken = t;
        } else if (p < pattern.size && (pattern.data[p] == '?' || same(pattern.data[p], text.data[t], ignore_case))) {
            p++;
            t++;
        } else if (star != SIZE_MAX) {
            p = star + 1;
            t = ++taken;
        } else {
            return false;
        }
    }
    while (p < pattern.size && pattern.data[p] == '*')
        p++;
    return p == pattern.size;
}

static size_t count_wildcards(const char *text)
{
    size_t n = 0;
    for (; *text; text++)
        n += *text == '*';
    return n;
}

static bool add_rule(GArray *rules, enum field field, const char *text, GError **error)
{
    if (rules->len == EXCLUSION_RULES_MAX || strlen(text) > EXCLUSION_PATTERN_MAX ||
        count_wildcards(text) > EXCLUSION_WILDCARDS_MAX) {
        g_set_error(error, G_KEY_FILE_ERROR, G_KEY_FILE_ERROR_INVALID_VALUE,
                    "%s: item %u, '%.64s': at most %d patterns of at most %d bytes and %d '*' are allowed.", names[field],
                    rules->len + 1, text, EXCLUSION_RULES_MAX, EXCLUSION_PATTERN_MAX, EXCLUSION_WILDCARDS_MAX);
        return false;
    }
    struct rule rule = {.text = g_strdup(text)};
    size_t word = strcspn(rule.text, " ");
    rule.pattern = view_of(rule.text);
    if (field == ROUTES && rule.text[word] == ' ') {
        rule.method = view_make(rule.text, word);
        rule.pattern = view_of(rule.text + word + strspn(rule.text + word, " "));
    }
    g_array_append_val(rules, rule);
    return true;
}

static void rule_clear(gpointer data)
{
    g_free(((struct rule *)data)->text);
}

struct exclusion *exclusion_new(const struct exclusion_lists *lists, GError **error)
{
    const char *const *const all[N_FIELDS] = {lists->clients, lists->routes, lists->user_agents, lists->sources};
    struct exclusion *exclusion = g_new0(struct exclusion, 1);
    bool right = true;
    for (int field = 0; field < N_FIELDS; field++) {
        exclusion->rules[field] = g_array_new(FALSE, FALSE, sizeof(struct rule));
        g_array_set_clear_func(exclusion->rules[field], rule_clear);
        for (size_t i = 0; right && all[field] && all[field][i]; i++)
            right = add_rule(exclusion->rules[field], (enum field)field, all[field][i], error);
    }
    if (right)
        return exclusion;
    exclusion_free(exclusion);
    return NULL;
}

void exclusion_free(struct exclusion *exclusion)
{
    if (!exclusion)
        return;
    for (int field = 0; field < N_FIELDS; field++)
        g_array_free(exclusion->rules[field], TRUE);
    g_free(exclusion);
}

static bool any_fits(const GArray *rules, struct view method, struct view text, bool ignore_case)
{
    for (guint i = 0; i < rules->len; i++) {
        const struct rule *rule = &g_array_index(rules, struct rule, i);
        if (rule->method.size > 0 && !exclusion_pattern_fits(rule->method, method, true))
            continue;
        if (exclusion_pattern_fits(rule->pattern, text, ignore_case))
            return true;
    }
    return false;
}

bool exclusion_fits(const struct exclusion *exclusion, const struct event *event, struct view user_agent, struct view source)
{
    return any_fits(exclusion->rules[CLIENTS], event->method, event->client, false) ||
           any_fits(exclusion->rules[ROUTES], event->method, event->route, false) ||
           any_fits(exclusion->rules[USER_AGENTS], event->method, user_agent, true) ||
           any_fits(exclusion->rules[SOURCES], event->method, source, false);
}
