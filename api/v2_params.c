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

/* An empty one is the first page's: SDKs send it so. */
static bool take_after(struct v2_params *params, const char *id, const struct usage_param *param, struct refusal *refusal)
{
    const char *value = param_value(param);
    return value[0] == '\0' || v2_cursor_read(id, value, &params->first) ||
           param_refuse_value(param, "a cursor or nextUri of a page of this query", refusal);
}

static bool take(struct v2_params *params, enum v2_params_kind kind, const char *id, const struct usage_param *param,
                 struct refusal *refusal)
{
    static const char *const names[] = {"no parameter", "pageSize|after", "days"};
    if (kind == V2_PARAMS_PAGE && strcmp(param->name, "pageSize") == 0)
        return param_take_number(param, 1, V2_PAGE_MAX, &params->page_size, refusal);
    if (kind == V2_PARAMS_PAGE && strcmp(param->name, "after") == 0)
        return take_after(params, id, param, refusal);
    if (kind == V2_PARAMS_SUMMARY && strcmp(param->name, "days") == 0)
        return param_take_number(param, 1, V2_SUMMARY_DAYS_MAX, &params->days, refusal);
    return param_refuse_unknown(param, "UNKNOWN_PARAMETER", names[kind], refusal);
}

bool v2_params_parse(struct v2_params *params, enum v2_params_kind kind, const char *id, const struct usage_param *given,
                     size_t n_given, struct refusal *refusal)
{
    *params = (struct v2_params){.page_size = V2_PAGE_DEFAULT, .days = V2_SUMMARY_DAYS_DEFAULT};
    for (size_t i = 0; i < n_given; i++) {
        if (!take(params, kind, id, &given[i], refusal))
            return false;
        if (params_repeats(given, i))
            return param_refuse_repeated(&given[i], PARAMS_ONCE, refusal);
    }
    return true;
}
