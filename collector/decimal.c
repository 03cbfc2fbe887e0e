/* A number is read as the string of its digits without leading zeros, and the place of the decimal point in it. Multiplying by a
 * power of ten moves the point; the digits before it are the integer, those behind it decide the rounding. */
#include "collector/decimal.h"
#include <glib.h>

enum { EXPONENT_MAX = 1000000000, DIGITS_OF_64_BITS = 20 };

struct digits {
    const char *first; /* first digit that is not 0, or end */
    const char *end;   /* behind the last digit; a '.' may lie between */
    int64_t point;     /* how many of the digits are before the point: negative or beyond the last one too */
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* The exponent behind 'e', no further from 0 than any text of this size can need. */
static int64_t read_exponent(const char *c, const char *end)
{
    bool negative = *c == '-';
    int64_t value = 0;
    for (c += *c == '-' || *c == '+'; c < end; c++) {
        if (value < EXPONENT_MAX)
            value = value * 10 + (*c - '0');
    }
    return negative ? -value : value;
}

static struct digits find_digits(const char *c, const char *end)
{
    struct digits digits = {NULL, end, 0};
    bool behind_point = false;
    for (; c < end && *c != 'e' && *c != 'E'; c++) {
        if (*c == '.') {
            behind_point = true;
            continue;
        }
        if (!digits.first && *c != '0')
            digits.first = c;
        if (digits.first && !behind_point)
            digits.point++;
        if (!digits.first && behind_point)
            digits.point--;
    }
    digits.end = c;
    if (!digits.first)
        digits.first = c;
    if (c < end)
        digits.point += read_exponent(c + 1, end);
    return digits;
}

/* What the digits behind the point make of value. */
static enum decimal_result round_off(const char *rest, const char *end, int64_t point, enum decimal_rounding rounding,
                                     uint64_t *value)
{
    if (rounding == DECIMAL_DOWN)
        return DECIMAL_OK;
    if (rounding == DECIMAL_HALF_UP) {
        bool up = point >= 0 && rest < end && *rest >= '5';
        return up && __builtin_add_overflow(*value, 1, value) ? DECIMAL_TOO_LARGE : DECIMAL_OK;
    }
    for (; rest < end; rest++) {
        if (*rest != '0' && *rest != '.')
            return DECIMAL_FRACTION;
    }
    return DECIMAL_OK;
}

/* Most numbers are a few digits. */
static bool read_short_integer(struct view token, uint64_t *value)
{
    enum { SHORT_MAX = 18 };
    uint64_t sum = 0;
    if (token.size > SHORT_MAX)
        return false;
    for (size_t i = 0; i < token.size; i++) {
        if (!is_digit(token.data[i]))
            return false;
        sum = sum * 10 + (uint64_t)(token.data[i] - '0');
    }
    *value = sum;
    return true;
}

enum decimal_result decimal_read(struct view token, unsigned scale, enum decimal_rounding rounding, uint64_t *value)
{
    const char *c = token.data;
    const char *end = token.data + token.size;
    g_assert(token.size > 0 && scale <= 9);
    if (scale == 0 && read_short_integer(token, value))
        return DECIMAL_OK;
    bool negative = *c == '-';
    struct digits digits = find_digits(c + (negative ? 1 : 0), end);
    *value = 0;
    if (digits.first == digits.end)
        return DECIMAL_OK;
    if (negative)
        return DECIMAL_NEGATIVE;
    digits.point += scale;
    if (digits.point > DIGITS_OF_64_BITS)
        return DECIMAL_TOO_LARGE;
    c = digits.first;
    for (int64_t i = 0; i < digits.point; i++) {
        c += c < digits.end && *c == '.';
        unsigned digit = c < digits.end ? (unsigned)(*c++ - '0') : 0;
        if (__builtin_mul_overflow(*value, 10, value) || __builtin_add_overflow(*value, digit, value))
            return DECIMAL_TOO_LARGE;
    }
    c += c < digits.end && !is_digit(*c);
    return round_off(c, digits.end, digits.point, rounding, value);
}
