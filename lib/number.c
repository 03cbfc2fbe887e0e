#include "lib/number.h"

static const char pairs[] =
    "00010203040506070809101112131415161718192021222324252627282930313233343536373839404142434445464748495051525354555657"
    "5859606162636465666768697071727374757677787980818283848586878889909192939495969798"
    "99";

size_t number_write(char *out, uint64_t value)
{
    char digits[NUMBER_MAX];
    size_t at = sizeof digits;
    while (value >= 100) {
        at -= 2;
        memcpy(digits + at, pairs + 2 * (value % 100), 2);
        value /= 100;
    }
    if (value >= 10) {
        at -= 2;
        memcpy(digits + at, pairs + 2 * value, 2);
    } else {
        digits[--at] = (char)('0' + value);
    }
    memcpy(out, digits + at, sizeof digits - at);
    return sizeof digits - at;
}

size_t number_write_signed(char *out, int64_t value)
{
    if (value >= 0)
        return number_write(out, (uint64_t)value);
    out[0] = '-';
    return 1 + number_write(out + 1, 0 - (uint64_t)value);
}

bool number_scan(const char **cursor, const char *end, uint64_t *value)
{
    const char *p = *cursor;
    uint64_t sum = 0;
    for (; p < end && *p >= '0' && *p <= '9'; p++) {
        if (__builtin_mul_overflow(sum, 10, &sum) || __builtin_add_overflow(sum, (uint64_t)(*p - '0'), &sum))
            return false;
    }
    if (p == *cursor)
        return false;
    *cursor = p;
    *value = sum;
    return true;
}

bool number_read(struct view text, uint64_t *value)
{
    const char *cursor = text.data, *end = text.data + text.size;
    return text.size > 0 && number_scan(&cursor, end, value) && cursor == end;
}

bool number_read_list(struct view text, uint64_t *values, size_t n)
{
    const char *cursor = text.data, *end = text.data + text.size;
    for (size_t i = 0; i < n; i++)
        if ((i > 0 && (cursor == end || *cursor++ != ' ')) || !number_scan(&cursor, end, &values[i]))
            return false;
    return cursor == end;
}

bool number_read_signed(struct view text, int64_t *value)
{
    bool negative = text.size > 0 && text.data[0] == '-';
    uint64_t magnitude;
    struct view digits = negative ? view_make(text.data + 1, text.size - 1) : text;
    if (!number_read(digits, &magnitude) || magnitude > (uint64_t)INT64_MAX + (negative ? 1 : 0))
        return false;
    *value = negative ? (int64_t)(0 - magnitude) : (int64_t)magnitude;
    return true;
}
