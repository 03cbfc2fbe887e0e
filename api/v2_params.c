#include "api/v2_params.h"

#include "lib/base64url.h"
#include "lib/number.h"

enum { CURSOR_MAX = 128, DIGEST_DIGITS = 16 };

/* ---- cursors ---- */

char *v2_cursor_write(const char *id, uint64_t row)
{
    g_autofree char *place = g_strdup_printf("%s %" G_GUINT64_FORMAT, id, row);
    g_autofree char *digest = g_compute_checksum_for_string(G_CHECKSUM_SHA256, place, -1);
    g_autofree char *text = g_strdup_printf("%" G_GUINT64_FORMAT ".%.*s", row, DIGEST_DIGITS, digest);
    return base64url_write(text, strlen(text));
}

/* Whatever v2_cursor_write would not have written is none: so there is one check for all that can be wrong. */
bool v2_cursor_read(const char *id, const char *text, uint64_t *row)
{
    size_t size;
    if (strlen(text) > CURSOR_MAX)
        return false;
    g_autofree uint8_t *bytes = base64url_read(view_of(text), &size);
    const char *dot = bytes != NULL ? memchr(bytes, '.', size) : NULL;
    if (dot == NULL || !number_read(view_make(bytes, (size_t)(dot - (const char *)bytes)), row))
        return false;
    g_autofree char *same = v2_cursor_write(id, *row);
    return strcmp(same, text) == 0;
}

/* ---- parameters ---- */

static bool take_number(const struct usage_param *param, int max, const char *allowed, int *number, struct refusal *refusal)
{
    const char *value = param->value != NULL ? param->value : "";
    uint64_t wide;
    if (!number_read(view_of(value), &wide) || wide < 1 || wide > (uint64_t)max)
        return refusal_set_value(refusal, "INVALID_PARAMETER", "Invalid parameter", param->name, value, allowed);
    *number = (int)wide;
    return true;
}

/* An empty one is the first page's: SDKs send it so. */
static bool take_after(struct v2_params *params, const char *id, const struct usage_param *param, struct refusal *refusal)
{
    const char *value = param->value != NULL ? param->value : "";
    return value[0] == '\0' || v2_cursor_read(id, value, &params->first) ||
           refusal_set_value(refusal, "INVALID_PARAMETER", "Invalid parameter", param->name, value,
                             "a cursor or nextUri of a page of this query");
}

static bool refuse_unknown(enum v2_params_kind kind, const struct usage_param *param, struct refusal *refusal)
{
    static const char *const names[] = {"no parameter", "pageSize|after", "days"};
    g_autofree char *name = g_strndup(param->name, 64);
    g_autofree char *field = g_utf8_make_valid(name, -1);
    return refusal_set_value(refusal, "UNKNOWN_PARAMETER", "Unknown parameter", field, param->value != NULL ? param->value : "",
                             names[kind]);
}

static bool take(struct v2_params *params, enum v2_params_kind kind, const char *id, const struct usage_param *param,
                 struct refusal *refusal)
{
    if (kind == V2_PARAMS_PAGE && strcmp(param->name, "pageSize") == 0)
        return take_number(param, V2_PAGE_MAX, "an integer from 1 to 1000", &params->page_size, refusal);
    if (kind == V2_PARAMS_PAGE && strcmp(param->name, "after") == 0)
        return take_after(params, id, param, refusal);
    if (kind == V2_PARAMS_SUMMARY && strcmp(param->name, "days") == 0)
        return take_number(param, V2_SUMMARY_DAYS_MAX, "a number of days from 1 to 365", &params->days, refusal);
    return refuse_unknown(kind, param, refusal);
}

bool v2_params_parse(struct v2_params *params, enum v2_params_kind kind, const char *id, const struct usage_param *given,
                     size_t n_given, struct refusal *refusal)
{
    *params = (struct v2_params){.page_size = V2_PAGE_DEFAULT, .days = V2_SUMMARY_DAYS_DEFAULT};
    for (size_t i = 0; i < n_given; i++) {
        if (!take(params, kind, id, &given[i], refusal))
            return false;
        for (size_t before = 0; before < i; before++)
            if (strcmp(given[before].name, given[i].name) == 0)
                return refusal_set_value(refusal, "INVALID_PARAMETER", "Parameter given twice", given[i].name,
                                         given[i].value != NULL ? given[i].value : "", "each parameter once");
    }
    return true;
}
