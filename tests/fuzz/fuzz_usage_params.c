/* Any query string: "name=value" pairs separated by '&', a pair without '=' having no value. What is accepted is within its
 * limits; what is refused says why in valid JSON text. */
#include "api/usage_params.h"

#include "api/window.h"
#include "api/writer.h"

enum { PAIRS_MAX = 32 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_accepted(struct usage_params *params)
{
    static const struct window_extent extent = {0, 1994730};
    struct refusal refusal = {0};
    struct window window;
    g_assert(params->limit >= 1 && params->limit <= USAGE_LIMIT_MAX && params->offset >= 0 && params->offset <= USAGE_OFFSET_MAX);
    g_assert(params->timeframe >= USAGE_1H && params->timeframe <= USAGE_CUSTOM);
    g_assert(params->key == NULL || g_utf8_validate(params->key, -1, NULL));
    if (window_init(&window, params, INT64_C(1795257421250), extent, &refusal)) {
        g_assert(window.n_points >= 1 && window.n_points <= WINDOW_POINTS_MAX);
        window_clear(&window);
    }
    refusal_clear(&refusal);
    usage_params_clear(params);
}

static void check_refused(struct refusal *refusal)
{
    g_autoptr(GString) text = g_string_new(NULL);
    struct writer writer;
    writer_init(&writer, text);
    writer_text(&writer, NULL, view_of(refusal->message));
    g_assert(refusal->status == 400 && refusal->field != NULL && refusal->allowed != NULL);
    g_assert(g_utf8_validate(text->str, (gssize)text->len, NULL) && text->len < 4096);
    refusal_clear(refusal);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree char *query = g_strndup((const char *)data, size);
    g_auto(GStrv) pairs = g_strsplit(query, "&", PAIRS_MAX);
    struct usage_param given[PAIRS_MAX];
    size_t n = 0;
    for (; pairs[n] != NULL; n++) {
        char *value = strchr(pairs[n], '=');
        if (value != NULL)
            *value++ = '\0';
        given[n] = (struct usage_param){pairs[n], value};
    }
    struct usage_params params;
    struct refusal refusal = {0};
    if (usage_params_parse(&params, given, n, &refusal))
        check_accepted(&params);
    else
        check_refused(&refusal);
    return 0;
}
