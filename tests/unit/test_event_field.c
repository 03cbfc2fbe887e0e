#include "collector/event_field.h"

static void test_names(void)
{
    static const char letters[] = "timeorgazncluserhdpathstausyMRqBBAgtfw";
    for (int i = 0; i < EVENT_N_FIELDS; i++) {
        const char *name = event_field_name((enum event_field)i);
        g_assert_cmpint(event_field_named(view_of(name)), ==, i);
        /* One letter less, more, or other is no field. */
        g_autofree char *more = g_strconcat(name, "x", NULL), *other = g_strdup(name);
        g_assert_cmpint(event_field_named(view_of(more)), ==, EVENT_N_FIELDS);
        g_assert_cmpint(event_field_named(view_make(name, strlen(name) - 1)), ==, EVENT_N_FIELDS);
        for (size_t at = 0; other[at]; at++) {
            other[at] ^= 0x20;
            g_assert_cmpint(event_field_named(view_of(other)), ==, EVENT_N_FIELDS);
            other[at] ^= 0x20;
        }
    }
    g_assert_cmpint(event_field_named(view_make(NULL, 0)), ==, EVENT_N_FIELDS);
    for (int i = 0; i < 100000; i++) {
        char name[14];
        size_t size = (size_t)g_test_rand_int_range(1, sizeof name);
        for (size_t k = 0; k < size; k++)
            name[k] = letters[g_test_rand_int_range(0, sizeof letters - 1)];
        g_autofree char *copy = g_memdup2(name, size);
        enum event_field field = event_field_named(view_make(copy, size));
        if (field != EVENT_N_FIELDS)
            g_assert_true(view_is(view_make(copy, size), event_field_name(field)));
    }
}

/* Each field takes texts, or numbers, or (time) both; and sets what it should. */
static void test_kinds(void)
{
    for (int i = 0; i < EVENT_N_FIELDS; i++) {
        struct raw_event raw = {0}, untouched = {0};
        struct intake_refusal refusal;
        enum event_field field = (enum event_field)i;
        const char *text = field == EVENT_TIME ? "2026-11-21T10:00:00Z" : "text";
        bool texts = event_field_set_text(&raw, field, view_of(text), &refusal);
        g_assert_cmpint(texts, ==, memcmp(&raw, &untouched, sizeof raw) != 0);
        raw = untouched;
        bool numbers = event_field_set_number(&raw, field, view_of("200"), &refusal);
        g_assert_cmpint(numbers, ==, memcmp(&raw, &untouched, sizeof raw) != 0);
        g_assert_true(texts || numbers);
        g_assert_cmpint(texts && numbers, ==, field == EVENT_TIME);
        g_assert_false(event_field_set_other(field, view_of("null"), &refusal));
        g_assert_cmpint(refusal.reason, ==, INTAKE_WRONG_TYPE);
        g_assert_true(g_str_has_prefix(refusal.message, event_field_name(field)));
    }
}

static void test_units(void)
{
    struct raw_event raw = {0};
    struct intake_refusal refusal;
    g_assert_true(event_field_set_number(&raw, EVENT_LATENCY_MS, view_of("12.4"), &refusal));
    g_assert_true(event_field_set_number(&raw, EVENT_REQUEST_BYTES, view_of("412"), &refusal));
    g_assert_true(event_field_set_number(&raw, EVENT_RESPONSE_BYTES, view_of("1830"), &refusal));
    g_assert_true(event_field_set_number(&raw, EVENT_TIME, view_of("1763719200123"), &refusal));
    g_assert_cmpuint(raw.latency_us, ==, 12400);
    g_assert_cmpuint(raw.request_bytes, ==, 412);
    g_assert_cmpuint(raw.response_bytes, ==, 1830);
    g_assert_cmpint(raw.time_ms, ==, INT64_C(1763719200123));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/event_field/names", test_names);
    g_test_add_func("/event_field/kinds", test_kinds);
    g_test_add_func("/event_field/units", test_units);
    return g_test_run();
}
