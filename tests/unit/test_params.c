#include "api/params.h"

#include <string.h>

static void check_refused(struct refusal *refusal, const char *code, const char *message)
{
    g_assert_cmpint(refusal->status, ==, 400);
    g_assert_cmpstr(refusal->code, ==, code);
    g_assert_cmpstr(refusal->message, ==, message);
    refusal_clear(refusal);
}

static void test_numbers(void)
{
    static const char *const wrong[] = {"", "0", "1001", "-1", "+5", " 5", "5 ", "1.5", "99999999999999999999999", NULL};
    struct refusal refusal = {0};
    uint32_t number = 0;
    g_assert_true(param_take_number(&(struct usage_param){"n", "1"}, 1, 1000, &number, &refusal));
    g_assert_cmpuint(number, ==, 1);
    g_assert_true(param_take_number(&(struct usage_param){"n", "1000"}, 1, 1000, &number, &refusal));
    for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++) {
        const struct usage_param param = {"n", wrong[i]};
        g_autofree char *message =
            g_strdup_printf("Invalid parameter: n is '%s'; allowed: an integer from 1 to 1000.", param_value(&param));
        g_assert_false(param_take_number(&param, 1, 1000, &number, &refusal));
        check_refused(&refusal, "INVALID_PARAMETER", message);
    }
    g_assert_cmpuint(number, ==, 1000);
}

static void check_text(const char *text, size_t most, bool is_valid)
{
    const struct usage_param param = {"t", text};
    const char *taken = NULL;
    struct refusal refusal = {0};
    g_assert_cmpint(param_take_text(&param, most, &taken, &refusal), ==, is_valid);
    if (is_valid) {
        g_assert_true(taken == text);
        return;
    }
    g_autofree char *allowed = g_strdup_printf("text of 1 to %zu bytes without control characters", most);
    g_assert_cmpstr(refusal.field, ==, "t");
    g_assert_cmpstr(refusal.code, ==, "INVALID_PARAMETER");
    g_assert_cmpstr(refusal.allowed[0], ==, allowed);
    g_assert_true(g_utf8_validate(refusal.message, -1, NULL));
    refusal_clear(&refusal);
}

static void test_texts(void)
{
    static const char *const wrong[] = {NULL, "", "a\nb", "\x7f", "a\x1f", "\xff", "\xc3", "\xed\xa0\x80"};
    g_autofree char *longest = g_strnfill(256, 'x'), *longer = g_strnfill(257, 'x');
    check_text("a", 256, true);
    check_text("*|ü, \\", 256, true);
    check_text(longest, 256, true);
    check_text(longer, 256, false);
    check_text("abc", 3, true);
    check_text("üü", 3, false);
    for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++)
        check_text(wrong[i], 256, false);
    g_assert_false(param_text_is_valid(view_make("a\0b", 3), 256));
}

static void test_repeats(void)
{
    static const struct usage_param given[] = {{"a", "1"}, {"b", "1"}, {"a", NULL}, {"A", "1"}};
    struct refusal refusal = {0};
    for (size_t i = 0; i < G_N_ELEMENTS(given); i++)
        g_assert_cmpint(params_repeats(given, i), ==, i == 2);
    g_assert_false(param_refuse_repeated(&given[2], PARAMS_ONCE, &refusal));
    check_refused(&refusal, "INVALID_PARAMETER", "Parameter given twice: a is ''; allowed: each parameter once.");
}

/* Names come from outside: they are cut, and made UTF-8, before they are said again. */
static void test_unknown(void)
{
    g_autofree char *longest = g_strnfill(500, 'x');
    struct refusal refusal = {0};
    g_assert_false(param_refuse_unknown(&(struct usage_param){"c\xff", "\xfe"}, "CODE", "a|b", &refusal));
    g_assert_true(g_utf8_validate(refusal.message, -1, NULL) && g_utf8_validate(refusal.field, -1, NULL));
    g_assert_cmpstr(refusal.allowed[1], ==, "b");
    g_assert_null(refusal.allowed[2]);
    refusal_clear(&refusal);
    g_assert_false(param_refuse_unknown(&(struct usage_param){longest, NULL}, "CODE", "no parameter", &refusal));
    g_assert_cmpuint(strlen(refusal.field), ==, 64);
    refusal_clear(&refusal);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/params/numbers", test_numbers);
    g_test_add_func("/params/texts", test_texts);
    g_test_add_func("/params/repeats", test_repeats);
    g_test_add_func("/params/unknown", test_unknown);
    return g_test_run();
}
