/* Any bytes as a body of any kind: what is accepted is within its limits and means the same when it is written down and read again;
 * what is refused says why in text that is UTF-8. */
#include "api/v2_body.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_accepted(const struct v2_body *body)
{
    g_autoptr(GString) text = g_string_new(NULL), again = g_string_new(NULL);
    struct refusal refusal = {0};
    struct v2_body second;
    g_assert(body->n_sorts <= V2_SORTS_MAX && (body->metrics & ~(unsigned)V2_METRICS_ALL) == 0);
    v2_body_write(body, text);
    g_assert(v2_body_parse(&second, body->kind, view_make(text->str, text->len), &refusal));
    v2_body_write(&second, again);
    g_assert(g_string_equal(text, again));
    v2_body_clear(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct refusal refusal = {0};
    struct v2_body body;
    if (size == 0)
        return 0;
    if (v2_body_parse(&body, (enum v2_kind)(data[0] % V2_KIND_N), view_make(data + 1, size - 1), &refusal))
        check_accepted(&body);
    else
        g_assert(refusal.status >= 400 && refusal.status < 500 && g_utf8_validate(refusal.message, -1, NULL));
    v2_body_clear(&body);
    refusal_clear(&refusal);
    return 0;
}
