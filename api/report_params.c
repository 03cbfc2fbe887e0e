#include "api/report_params.h"

#include "api/call.h"
#include "api/report_search.h"
#include "api/v2_body.h"
#include "api/zone_param.h"
#include "lib/event.h"

#define BOUNDARIES "utc|local"
#define SECTIONS "days|clients|urls|clientUrls|all"
#define OF_PAGE "interval|timeZone|dayBoundary|organization|clients|templates|top"
#define AN_ORGANIZATION "an organization of 1 to 256 bytes without control characters"
#define A_CLIENT "client ids of 1 to 256 bytes without control characters, with commas between; a comma inside is written \\,"
#define A_TEMPLATE "URL templates of 1 to 1024 bytes without control characters, with commas between; a comma inside is written \\,"

static const char *const sections[REPORT_SECTION_N] = {"days", "clients", "urls", "clientUrls", "all"};

const char *report_section_name(enum report_section section)
{
    g_assert((size_t)section < REPORT_SECTION_N);
    return sections[section];
}

/* ---- values ---- */

static bool take_interval(struct report_params *params, const struct usage_param *given, struct refusal *refusal)
{
    params->has_interval = true;
    return interval_parse(param_value(given), given->name, &params->interval, refusal);
}

static bool take_zone(struct report_params *params, const struct usage_param *given, struct refusal *refusal)
{
    params->tz = zone_param_take(given->name, param_value(given), refusal);
    return params->tz != NULL;
}

static bool take_boundary(struct report_params *params, const struct usage_param *given, struct refusal *refusal)
{
    params->local = g_ascii_strcasecmp(param_value(given), "local") == 0;
    return params->local || g_ascii_strcasecmp(param_value(given), "utc") == 0 || param_refuse_value(given, BOUNDARIES, refusal);
}

static bool take_top(struct report_params *params, const struct usage_param *given, struct refusal *refusal)
{
    return param_take_number(given, 1, REPORT_TOP_MAX, &params->top, refusal);
}

static bool take_section(struct report_params *params, const struct usage_param *given, struct refusal *refusal)
{
    for (int i = 0; i < REPORT_SECTION_N; i++)
        if (g_ascii_strcasecmp(param_value(given), sections[i]) == 0) {
            params->section = (enum report_section)i;
            return true;
        }
    return param_refuse_value(given, SECTIONS, refusal);
}

static bool take_search(struct report_params *params, const struct usage_param *given, struct refusal *refusal)
{
    const char *text;
    if (!param_take_text(given, REPORT_SEARCH_MAX, &text, refusal))
        return false;
    params->search = g_strdup(text);
    return true;
}

static bool take_organization(struct report_params *params, const struct usage_param *given, struct refusal *refusal)
{
    const char *name = param_value(given);
    if (!param_text_is_valid(view_of(name), EVENT_NAME_MAX))
        return param_refuse_value(given, AN_ORGANIZATION, refusal);
    params->organization = g_strdup(name);
    return true;
}

/* ---- lists ---- */

/* One name of a list, up to a comma or the end; moves *at there. */
static void read_name(const char **at, GString *name)
{
    g_string_truncate(name, 0);
    for (; **at != '\0' && **at != ','; (*at)++) {
        if ((*at)[0] == '\\' && (*at)[1] == ',')
            (*at)++;
        g_string_append_c(name, **at);
    }
}

static bool refuse_name(const struct usage_param *given, const char *name, const char *allowed, struct refusal *refusal)
{
    return param_refuse_value(&(struct usage_param){given->name, name}, allowed, refusal);
}

static bool take_list(GPtrArray **list, const struct usage_param *given, size_t max, const char *allowed, struct refusal *refusal)
{
    g_autoptr(GString) name = g_string_new(NULL);
    if (*list == NULL)
        *list = g_ptr_array_new_with_free_func(g_free);
    for (const char *at = param_value(given);; at++) {
        read_name(&at, name);
        if (!param_text_is_valid(view_make(name->str, name->len), max))
            return refuse_name(given, name->len > 0 ? name->str : param_value(given), allowed, refusal);
        if ((*list)->len == REPORT_LIST_MAX)
            return refuse_name(given, name->str, "at most 1000 names", refusal);
        g_ptr_array_add(*list, g_strdup(name->str));
        if (*at == '\0')
            return true;
    }
}

static bool take_clients(struct report_params *params, const struct usage_param *given, struct refusal *refusal)
{
    return take_list(&params->clients, given, EVENT_NAME_MAX, A_CLIENT, refusal);
}

static bool take_templates(struct report_params *params, const struct usage_param *given, struct refusal *refusal)
{
    return take_list(&params->templates, given, EVENT_ROUTE_MAX, A_TEMPLATE, refusal);
}

/* ---- parameters ---- */

static const struct row {
    const char *name;
    bool repeats, of_exports;
    bool (*take)(struct report_params *params, const struct usage_param *given, struct refusal *refusal);
} rows[] = {
    {"interval", false, false, take_interval},
    {"timeZone", false, false, take_zone},
    {"dayBoundary", false, false, take_boundary},
    {"organization", false, false, take_organization},
    {"clients", true, false, take_clients},
    {"templates", true, false, take_templates},
    {"top", false, false, take_top},
    {"section", false, true, take_section},
    {"search", false, true, take_search},
};

static const struct row *find(const char *name, bool export)
{
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        if (strcmp(rows[i].name, name) == 0 && (export || !rows[i].of_exports))
            return &rows[i];
    return NULL;
}

static bool take(struct report_params *params, const struct usage_param *given, unsigned *seen, struct refusal *refusal)
{
    bool export = params->format != EXPORT_JSON;
    const struct row *row = find(given->name, export);
    if (row == NULL)
        return param_refuse_unknown(given, "UNKNOWN_PARAMETER", export ? OF_PAGE "|section|search" : OF_PAGE, refusal);
    unsigned bit = 1u << (row - rows);
    if ((*seen & bit) != 0 && !row->repeats)
        return param_refuse_repeated(given, PARAMS_ONCE ", but clients and templates", refusal);
    *seen |= bit;
    return row->take(params, given, refusal);
}

static bool take_all(struct report_params *params, const struct usage_param *given, size_t n_given, struct refusal *refusal)
{
    unsigned seen = 0;
    for (size_t i = 0; i < n_given; i++)
        if (!take(params, &given[i], &seen, refusal))
            return false;
    if (n_given >= CALL_PARAMS_MAX) /* there may have been more */
        return refusal_set_value(refusal, "INVALID_PARAMETER", "Too many parameters", given[n_given - 1].name,
                                 param_value(&given[n_given - 1]), "fewer than 64 parameters, with commas between names");
    const struct usage_param utc = {"timeZone", "UTC"};
    return params->tz != NULL || take_zone(params, &utc, refusal);
}

bool report_params_parse(struct report_params *params, enum export_format format, const struct usage_param *given, size_t n_given,
                         struct refusal *refusal)
{
    *params = (struct report_params){.format = format, .top = format == EXPORT_JSON ? REPORT_TOP_DEFAULT : 0};
    if (!take_all(params, given, n_given, refusal)) {
        report_params_clear(params);
        return false;
    }
    if (params->clients != NULL)
        v2_names_normalize(params->clients);
    if (params->templates != NULL)
        v2_names_normalize(params->templates);
    return true;
}

void report_params_clear(struct report_params *params)
{
    g_clear_pointer(&params->organization, g_free);
    g_clear_pointer(&params->search, g_free);
    g_clear_pointer(&params->clients, g_ptr_array_unref);
    g_clear_pointer(&params->templates, g_ptr_array_unref);
}
