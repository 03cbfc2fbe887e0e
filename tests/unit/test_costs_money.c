#include "api/costs_money.h"

#include <string.h>

/* ---- the same by hand, digit by digit: numbers are decimal digits, the lowest first ---- */

enum { DIGITS = 48 };

struct digits {
    int at[DIGITS];
};

static struct digits digits_of(uint64_t value)
{
    struct digits digits = {0};
    for (int i = 0; value > 0; i++, value /= 10)
        digits.at[i] = (int)(value % 10);
    return digits;
}

static void carry(struct digits *digits)
{
    for (int i = 0; i + 1 < DIGITS; i++) {
        digits->at[i + 1] += digits->at[i] / 10;
        digits->at[i] %= 10;
    }
}

static struct digits multiply(uint64_t a, uint64_t b)
{
    struct digits x = digits_of(a), y = digits_of(b), product = {0};
    for (int i = 0; i < DIGITS; i++)
        for (int k = 0; i + k < DIGITS; k++)
            product.at[i + k] += x.at[i] * y.at[k];
    carry(&product);
    return product;
}

/* A thousandth, half up. */
static struct digits thousandth(struct digits digits)
{
    struct digits third = {0};
    digits.at[2] += 5;
    carry(&digits);
    memcpy(third.at, digits.at + 3, (DIGITS - 3) * sizeof third.at[0]);
    return third;
}

/* With the point before the lowest six, or without one. */
static char *text_of(const struct digits *digits, bool point)
{
    int n = DIGITS;
    while (n > (point ? 7 : 1) && digits->at[n - 1] == 0)
        n--;
    GString *text = g_string_new(NULL);
    for (int i = n - 1; i >= 0; i--) {
        g_string_append_c(text, (char)('0' + digits->at[i]));
        if (point && i == 6)
            g_string_append_c(text, '.');
    }
    return g_string_free(text, FALSE);
}

static void check(uint64_t requests, uint64_t price)
{
    char text[MONEY_TEXT_MAX];
    struct digits expected = thousandth(multiply(requests, price));
    g_autofree char *micros = text_of(&expected, false), *decimal = text_of(&expected, true);
    money_format_micros(text, money_of(requests, price));
    g_assert_cmpstr(text, ==, micros);
    money_format(text, money_of(requests, price));
    g_assert_cmpstr(text, ==, decimal);
}

/* ---- tests ---- */

static void expect(uint64_t requests, uint64_t price, const char *decimal)
{
    char text[MONEY_TEXT_MAX];
    money_format(text, money_of(requests, price));
    g_assert_cmpstr(text, ==, decimal);
    check(requests, price);
}

static void test_amounts(void)
{
    expect(0, 5000000, "0.000000");
    expect(1000, 0, "0.000000");
    expect(1000, 1, "0.000001");
    expect(499, 1, "0.000000");
    expect(500, 1, "0.000001"); /* half up */
    expect(1499, 1, "0.000001");
    expect(1500, 1, "0.000002");
    expect(12345678, 1000, "12.345678");
    expect(1, 999999, "0.001000");
    expect(UINT64_C(1) << 63, 1500000, "13835058055282163.712000");
    expect(UINT64_MAX, 1000, "18446744073709.551615");
    expect(UINT64_MAX, UINT64_MAX, "340282366920938463426481119284.349108");
}

static uint64_t random_number(void)
{
    uint64_t number = (uint64_t)g_test_rand_int() << 32 | (uint32_t)g_test_rand_int();
    return number >> g_test_rand_int_range(0, 64);
}

static void test_random(void)
{
    for (int i = 0; i < 20000; i++)
        check(random_number(), random_number());
}

static void test_sums(void)
{
    const money most = ~(money)0;
    g_assert_true(money_add(1, 2) == 3);
    g_assert_true(money_add(UINT64_MAX, 1) == (money)1 << 64);
    g_assert_true(money_add(most, 0) == most);
    g_assert_true(money_add(most, 1) == most);
    g_assert_true(money_add(most - 1, most - 1) == most);
}

static void test_largest_text(void)
{
    char text[MONEY_TEXT_MAX];
    money_format_micros(text, ~(money)0);
    g_assert_cmpstr(text, ==, "340282366920938463463374607431768211455");
    money_format(text, ~(money)0);
    g_assert_cmpstr(text, ==, "340282366920938463463374607431768.211455");
}

static void test_written(void)
{
    g_autoptr(GString) out = g_string_new(NULL);
    struct writer writer;
    writer_init(&writer, out);
    writer_begin(&writer, NULL, '{');
    money_write(&writer, money_of(UINT64_MAX, 1000000));
    writer_end(&writer, '}');
    g_assert_cmpstr(out->str, ==, "{\"amountMicros\":18446744073709551615000,\"amount\":\"18446744073709551.615000\"}");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/costs_money/amounts", test_amounts);
    g_test_add_func("/costs_money/random", test_random);
    g_test_add_func("/costs_money/sums", test_sums);
    g_test_add_func("/costs_money/largest_text", test_largest_text);
    g_test_add_func("/costs_money/written", test_written);
    return g_test_run();
}
