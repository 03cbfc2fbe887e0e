/* Alerts: a first byte says what the rest is: parameters of a list, "name=value" pairs separated by '&'; the body of a PATCH; or
 * what Redis keeps of an alert. What is accepted is within its limits and can be written again; what is refused says why. */
#include "api/alert_windows.h"
#include "api/alerts_params.h"
#include "api/call.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_refused(struct refusal *refusal)
{
    g_assert(refusal->status >= 400 && refusal->status < 500 && refusal->message != NULL);
    refusal_clear(refusal);
}

static void try_params(const char *query)
{
    g_auto(GStrv) pairs = g_strsplit(query, "&", CALL_PARAMS_MAX);
    struct usage_param given[CALL_PARAMS_MAX];
    struct alerts_params params, again;
    struct refusal refusal = {0};
    size_t n = 0;
    for (; pairs[n] != NULL; n++) {
        char *value = strchr(pairs[n], '=');
        if (value != NULL)
            *value++ = '\0';
        given[n] = (struct usage_param){pairs[n], value};
    }
    if (!alerts_params_parse(&params, given, n, true, &refusal)) {
        check_refused(&refusal);
        return;
    }
    g_assert(params.page_size >= 1 && params.page_size <= ALERTS_PAGE_MAX && params.filter.level <= LIMIT_LEVEL_MAX);
    const struct alert last = {.id = "0123456789abcdef0123456789abcdef", .created_ms = params.after_ms};
    g_autofree char *uri = alerts_params_next(given, n, &last);
    const struct usage_param after = {"after", strstr(uri, "after=") != NULL ? g_strrstr(uri, "after=") + strlen("after=") : ""};
    g_assert(alerts_params_parse(&again, &after, 1, true, &refusal));
    g_assert(again.after_ms == last.created_ms && strcmp(again.after_id, last.id) == 0);
}

static void try_body(struct view json)
{
    enum alert_state state;
    struct refusal refusal = {0};
    if (alerts_params_read_state(json, &state, &refusal))
        g_assert((unsigned)state < ALERT_STATE_N);
    else
        check_refused(&refusal);
}

/* The id is the digest of what it says: so the text is read under whatever id it would have. */
static void try_kept(struct view json)
{
    g_autoptr(GError) error = NULL;
    int64_t end_ms;
    struct alert *alert = alert_read(view_of("00000000000000000000000000000000"), json, &error);
    g_assert((alert == NULL) == (error != NULL));
    alert_free(alert);
    alert_windows_end(json, &end_ms);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct view rest = view_make(data + 1, size - 1);
    g_autofree char *text = g_strndup(rest.data, rest.size);
    if (data[0] % 3 == 0)
        try_params(text);
    else if (data[0] % 3 == 1)
        try_body(rest);
    else
        try_kept(rest);
    return 0;
}
