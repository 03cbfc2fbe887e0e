/* Any query string of GET /api/v2/usage/report: a first byte that says the format, then "name=value" pairs separated by '&'. What
 * is accepted is within its limits, and its days can be listed; what is refused says why in valid JSON text. */
#include "api/report_range.h"

#include "api/call.h"
#include "api/writer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_list(const GPtrArray *list)
{
    if (list == NULL)
        return;
    g_assert(list->len >= 1 && list->len <= REPORT_LIST_MAX);
    for (guint i = 0; i < list->len; i++) {
        const char *name = g_ptr_array_index(list, i);
        g_assert(name[0] != '\0' && g_utf8_validate(name, -1, NULL));
        g_assert(i == 0 || strcmp(g_ptr_array_index(list, i - 1), name) < 0);
    }
}

static void check_accepted(struct report_params *params)
{
    const struct report_known known = {.through = 20777, .has_first = true, .first_day = 20000, .now_s = INT64_C(1795257421)};
    struct report_range range;
    g_assert(params->tz != NULL && params->top <= REPORT_TOP_MAX && (size_t)params->section < REPORT_SECTION_N);
    check_list(params->clients);
    check_list(params->templates);
    report_range_init(&range, params, &known);
    g_assert(range.interval.first_day <= range.interval.last_day);
    for (guint i = 0; i < range.days->len; i++) {
        const struct zone_period *day = &g_array_index(range.days, struct zone_period, i);
        g_assert(day->day >= range.interval.first_day && day->day <= range.interval.last_day);
        g_assert(day->from_slot >= 0 && day->from_slot < day->to_slot);
        g_assert(i == 0 || day[-1].to_slot == day->from_slot);
    }
    g_assert(range.days->len == 0 || (range.utc_first >= 0 && range.utc_first <= range.utc_last));
    report_range_clear(&range);
    report_params_clear(params);
}

static void check_refused(struct refusal *refusal)
{
    g_autoptr(GString) text = g_string_new(NULL);
    struct writer writer;
    writer_init(&writer, text);
    writer_text(&writer, NULL, view_of(refusal->message));
    g_assert(refusal->status == 400 && refusal->field != NULL && refusal->allowed != NULL && refusal->allowed[0] != NULL);
    g_assert(g_utf8_validate(text->str, (gssize)text->len, NULL) && text->len < 8192);
    refusal_clear(refusal);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    g_autofree char *query = g_strndup((const char *)data + 1, size - 1);
    g_auto(GStrv) pairs = g_strsplit(query, "&", CALL_PARAMS_MAX);
    struct usage_param given[CALL_PARAMS_MAX];
    size_t n = 0;
    for (; pairs[n] != NULL; n++) {
        char *value = strchr(pairs[n], '=');
        if (value != NULL)
            *value++ = '\0';
        given[n] = (struct usage_param){pairs[n], value};
    }
    struct report_params params;
    struct refusal refusal = {0};
    if (report_params_parse(&params, (enum export_format)(data[0] % EXPORT_FORMAT_N), given, n, &refusal))
        check_accepted(&params);
    else
        check_refused(&refusal);
    return 0;
}
