#include "collector/decimal.h"
#include <glib.h>
#include <math.h>

struct row {
    const char *token;
    unsigned scale;
    enum decimal_rounding rounding;
    enum decimal_result result;
    uint64_t value;
};

static enum decimal_result read_copy(const char *token, unsigned scale, enum decimal_rounding rounding, uint64_t *value)
{
    g_autofree char *copy = g_memdup2(token, strlen(token)); /* without a NUL behind it */
    return decimal_read(view_make(copy, strlen(token)), scale, rounding, value);
}

static void test_table(void)
{
    static const struct row rows[] = {
        {"0", 0, DECIMAL_EXACT, DECIMAL_OK, 0},
        {"-0", 0, DECIMAL_EXACT, DECIMAL_OK, 0},
        {"-0.000e5", 0, DECIMAL_EXACT, DECIMAL_OK, 0},
        {"0e999999999999999999999", 0, DECIMAL_EXACT, DECIMAL_OK, 0},
        {"200", 0, DECIMAL_EXACT, DECIMAL_OK, 200},
        {"200.0", 0, DECIMAL_EXACT, DECIMAL_OK, 200},
        {"2e2", 0, DECIMAL_EXACT, DECIMAL_OK, 200},
        {"2.0E+2", 0, DECIMAL_EXACT, DECIMAL_OK, 200},
        {"20000e-2", 0, DECIMAL_EXACT, DECIMAL_OK, 200},
        {"0.002e5", 0, DECIMAL_EXACT, DECIMAL_OK, 200},
        {"200.5", 0, DECIMAL_EXACT, DECIMAL_FRACTION, 0},
        {"0.1", 0, DECIMAL_EXACT, DECIMAL_FRACTION, 0},
        {"1e-400", 0, DECIMAL_EXACT, DECIMAL_FRACTION, 0},
        {"200.000000000000000000000000001", 0, DECIMAL_EXACT, DECIMAL_FRACTION, 0},
        {"-1", 0, DECIMAL_EXACT, DECIMAL_NEGATIVE, 0},
        {"-0.0001", 0, DECIMAL_HALF_UP, DECIMAL_NEGATIVE, 0},
        {"18446744073709551615", 0, DECIMAL_EXACT, DECIMAL_OK, UINT64_MAX},
        {"18446744073709551616", 0, DECIMAL_EXACT, DECIMAL_TOO_LARGE, 0},
        {"18446744073709551615.5", 0, DECIMAL_DOWN, DECIMAL_OK, UINT64_MAX},
        {"18446744073709551615.5", 0, DECIMAL_HALF_UP, DECIMAL_TOO_LARGE, 0},
        {"18446744073709551.615", 3, DECIMAL_EXACT, DECIMAL_OK, UINT64_MAX},
        {"1e19", 0, DECIMAL_EXACT, DECIMAL_OK, UINT64_C(10000000000000000000)},
        {"1e20", 0, DECIMAL_EXACT, DECIMAL_TOO_LARGE, 0},
        {"1e999999999999999999999", 0, DECIMAL_EXACT, DECIMAL_TOO_LARGE, 0},
        {"12.4", 3, DECIMAL_HALF_UP, DECIMAL_OK, 12400},
        {"12.3455", 3, DECIMAL_HALF_UP, DECIMAL_OK, 12346},
        {"12.34549999999999999999999999999", 3, DECIMAL_HALF_UP, DECIMAL_OK, 12345},
        {"1.0005", 3, DECIMAL_HALF_UP, DECIMAL_OK, 1001}, /* as binary floating point it is less than the half */
        {"0.0005", 3, DECIMAL_HALF_UP, DECIMAL_OK, 1},
        {"0.00049999", 3, DECIMAL_HALF_UP, DECIMAL_OK, 0},
        {"5e-4", 3, DECIMAL_HALF_UP, DECIMAL_OK, 1},
        {"5e-5", 3, DECIMAL_HALF_UP, DECIMAL_OK, 0},
        {"9.9995", 3, DECIMAL_HALF_UP, DECIMAL_OK, 10000},
        {"9.9999", 3, DECIMAL_DOWN, DECIMAL_OK, 9999},
        {"1763719200123.999", 0, DECIMAL_DOWN, DECIMAL_OK, UINT64_C(1763719200123)},
        {"1.763719200123e12", 0, DECIMAL_DOWN, DECIMAL_OK, UINT64_C(1763719200123)},
        {"1", 9, DECIMAL_EXACT, DECIMAL_OK, 1000000000},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        uint64_t value = 7;
        g_test_message("%s", rows[i].token);
        g_assert_cmpint(read_copy(rows[i].token, rows[i].scale, rows[i].rounding, &value), ==, rows[i].result);
        if (rows[i].result == DECIMAL_OK)
            g_assert_cmpuint(value, ==, rows[i].value);
    }
}

/* Numbers written from integers, with the point and the exponent moved about. */
static void test_round_trip(void)
{
    for (int i = 0; i < 20000; i++) {
        uint64_t wanted = ((uint64_t)g_test_rand_int() << 32 | (uint32_t)g_test_rand_int()) >> g_test_rand_int_range(0, 64), value;
        int places = g_test_rand_int_range(0, 6);
        g_autofree char *digits = g_strdup_printf("%06" G_GUINT64_FORMAT, wanted);
        size_t whole = strlen(digits) - (size_t)places;
        const char *from = digits; /* no leading zeros but the last one before the point */
        while (*from == '0' && from + 1 < digits + whole)
            from++;
        g_autofree char *token = g_strdup_printf("%s%.*s%s%se%d", whole == 0 ? "0" : "", (int)(digits + whole - from), from,
                                                 places ? "." : "", digits + whole, places);
        g_assert_cmpint(read_copy(token, 0, DECIMAL_EXACT, &value), ==, DECIMAL_OK);
        g_assert_cmpuint(value, ==, wanted);
    }
}

/* Milliseconds with up to three places are exact in a double's 53 bits: there both ways must agree. */
static void test_against_floating_point(void)
{
    for (int i = 0; i < 20000; i++) {
        uint64_t value;
        int us = g_test_rand_int_range(0, 2000000000);
        g_autofree char *token = g_strdup_printf("%d.%03d", us / 1000, us % 1000);
        g_assert_cmpint(read_copy(token, 3, DECIMAL_HALF_UP, &value), ==, DECIMAL_OK);
        g_assert_cmpuint(value, ==, (uint64_t)llround(g_ascii_strtod(token, NULL) * 1000));
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/decimal/table", test_table);
    g_test_add_func("/decimal/round_trip", test_round_trip);
    g_test_add_func("/decimal/against_floating_point", test_against_floating_point);
    return g_test_run();
}
