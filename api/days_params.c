#include "api/days_params.h"

#include "lib/base64url.h"
#include "lib/civil.h"
#include "lib/ledger.h"
#include "lib/number.h"

#define A_DAY "a day as YYYY-MM-DD"
#define PARAMETERS "from|to|pageSize|after"

static bool read_digits(const char *text, int n, int *value)
{
    *value = 0;
    for (int i = 0; i < n; i++) {
        if (!g_ascii_isdigit(text[i]))
            return false;
        *value = *value * 10 + (text[i] - '0');
    }
    return true;
}

bool days_parse_day(const char *text, int64_t *day)
{
    struct civil_date date;
    if (strlen(text) != strlen("YYYY-MM-DD") || text[4] != '-' || text[7] != '-')
        return false;
    if (!read_digits(text, 4, &date.year) || !read_digits(text + 5, 2, &date.month) || !read_digits(text + 8, 2, &date.day))
        return false;
    if (date.month < 1 || date.month > 12 || date.day < 1 || date.day > civil_days_in_month(date.year, date.month))
        return false;
    *day = civil_day(date);
    return true;
}

/* ---- cursors: the place of the last revision that was shown, as base64url ---- */

static char *write_cursor(int64_t day, int revision)
{
    char place[2 * NUMBER_MAX];
    int size = g_snprintf(place, sizeof place, "%d.%d", (int)day, revision);
    return base64url_write(place, (size_t)size);
}

static bool read_cursor(const char *text, struct days_params *params)
{
    enum { CURSOR_MAX = 64 };
    size_t size;
    g_autofree uint8_t *place = strlen(text) <= CURSOR_MAX ? base64url_read(view_of(text), &size) : NULL;
    if (place == NULL || !generation_read(view_make(place, size), &params->after_day, &params->after_revision))
        return false;
    g_autofree char *same = write_cursor(params->after_day, params->after_revision);
    return strcmp(same, text) == 0;
}

/* ---- parameters ---- */

static bool take_day(const struct usage_param *param, bool *has, int64_t *day, struct refusal *refusal)
{
    const char *value = param_value(param);
    *has = true;
    return days_parse_day(value, day) || refusal_set_value(refusal, "INVALID_DATE", "Invalid date", param->name, value, A_DAY);
}

static bool take_page_size(struct days_params *params, const struct usage_param *param, struct refusal *refusal)
{
    params->has_page_size = true;
    return param_take_number(param, 1, DAYS_PAGE_MAX, &params->page_size, refusal);
}

static bool take_after(struct days_params *params, const struct usage_param *param, struct refusal *refusal)
{
    return read_cursor(param_value(param), params) ||
           param_refuse_value(param, "the value of after in a nextUri of this API", refusal);
}

static bool take(struct days_params *params, const struct usage_param *param, struct refusal *refusal)
{
    if (strcmp(param->name, "from") == 0)
        return take_day(param, &params->has_from, &params->from, refusal);
    if (strcmp(param->name, "to") == 0)
        return take_day(param, &params->has_to, &params->to, refusal);
    if (strcmp(param->name, "pageSize") == 0)
        return take_page_size(params, param, refusal);
    if (strcmp(param->name, "after") == 0)
        return take_after(params, param, refusal);
    return param_refuse_unknown(param, "UNKNOWN_PARAMETER", PARAMETERS, refusal);
}

static bool parse_list(struct days_params *params, const struct usage_param *given, size_t n_given, struct refusal *refusal)
{
    const char *to = "";
    for (size_t i = 0; i < n_given; i++) {
        if (!take(params, &given[i], refusal))
            return false;
        if (params_repeats(given, i))
            return param_refuse_repeated(&given[i], PARAMS_ONCE, refusal);
        if (strcmp(given[i].name, "to") == 0)
            to = given[i].value;
    }
    if (params->to < params->from)
        return refusal_set_value(refusal, "INVALID_DATE", "The range ends before it begins", "to", to,
                                 "a day that is not before from");
    return true;
}

static bool parse_path(struct days_params *params, const char *day, const char *revision, struct refusal *refusal)
{
    uint64_t number;
    if (!days_parse_day(day, &params->day))
        return refusal_set_value(refusal, "INVALID_DATE", "Invalid date", "day", day, A_DAY);
    if (revision == NULL)
        return true;
    if (!number_read(view_of(revision), &number) || number < 1 || number > G_MAXINT32)
        return refusal_set_value(refusal, "INVALID_PARAMETER", "Invalid parameter", "revision", revision,
                                 "the number of a revision, from 1 on");
    params->revision = (int)number;
    return true;
}

bool days_params_parse(struct days_params *params, const char *day, const char *revision, const struct usage_param *given,
                       size_t n_given, struct refusal *refusal)
{
    *params = (struct days_params){.from = INT64_MIN, .to = INT64_MAX, .page_size = DAYS_PAGE_DEFAULT};
    params->kind = day == NULL ? DAYS_LIST : revision == NULL ? DAYS_DAY : DAYS_REVISION;
    if (params->kind == DAYS_LIST)
        return parse_list(params, given, n_given, refusal);
    if (n_given > 0)
        return param_refuse_unknown(&given[0], "UNKNOWN_PARAMETER", "no parameter", refusal);
    return parse_path(params, day, revision, refusal);
}

static void append_day(GString *uri, const char *name, int64_t day)
{
    char text[CIVIL_TEXT_MAX];
    civil_format_day(text, day);
    g_string_append_printf(uri, "%s=%s&", name, text);
}

void days_params_next(const struct days_params *params, int64_t day, int revision, GString *uri)
{
    g_autofree char *cursor = write_cursor(day, revision);
    g_string_append(uri, "/api/v2/usage/days?");
    if (params->has_from)
        append_day(uri, "from", params->from);
    if (params->has_to)
        append_day(uri, "to", params->to);
    if (params->has_page_size)
        g_string_append_printf(uri, "pageSize=%u&", (unsigned)params->page_size);
    g_string_append_printf(uri, "after=%s", cursor);
}
