/* sheet_wire: columns. Most have values of one byte each, and that of statuses of two: those are read without a branch for each
 * value, which makes a year of sheets a matter of memory's speed. */
#include "lib/sheet_wire.h"

#include <endian.h>
#include <string.h>

/* Inner loops of a known length: compilers make them a few instructions. */
enum { BLOCK = 16 };

/* The values of a column whose bytes are as many as its values, and so are one each: most columns are such. */
static bool take_short32(const uint8_t *restrict bytes, size_t n, uint32_t *restrict values)
{
    uint8_t all = 0;
    size_t i = 0;
    for (; i + BLOCK <= n; i += BLOCK)
        for (unsigned k = 0; k < BLOCK; k++) {
            values[i + k] = bytes[i + k];
            all |= bytes[i + k];
        }
    for (; i < n; i++) {
        values[i] = bytes[i];
        all |= bytes[i];
    }
    return all < 0x80;
}

static bool take_short64(const uint8_t *restrict bytes, size_t n, uint64_t *restrict values)
{
    uint8_t all = 0;
    for (size_t i = 0; i < n; i++) {
        values[i] = bytes[i];
        all |= bytes[i];
    }
    return all < 0x80;
}

/* Four values of two bytes each, as they lie in a word, low bytes first: of each 16 bits the highest one of the first byte says
 * that another follows, the second byte is the last and not 0. */
static uint64_t take_four(uint64_t word, uint64_t *wrong)
{
    const uint64_t low = UINT64_C(0x007f007f007f007f), high = UINT64_C(0x7f007f007f007f00);
    const uint64_t goes_on = UINT64_C(0x0080008000800080), last = UINT64_C(0x8000800080008000);
    *wrong |= ~word & goes_on;
    *wrong |= word & last;
    *wrong |= ~((word & high) + high) & last; /* the sum carries into that bit unless all are 0 */
    return (word & low) | (word & high) >> 1;
}

/* Just n values of two bytes each. False: they are not, and what is in values is of no use. */
static bool take_pairs(const uint8_t *restrict bytes, size_t n, uint16_t *restrict values)
{
    uint64_t wrong = 0, word;
    size_t i = 0;
    for (; i + 4 <= n; i += 4) {
        memcpy(&word, bytes + 2 * i, sizeof word);
        word = take_four(le64toh(word), &wrong);
        values[i] = (uint16_t)word;
        values[i + 1] = (uint16_t)(word >> 16);
        values[i + 2] = (uint16_t)(word >> 32);
        values[i + 3] = (uint16_t)(word >> 48);
    }
    for (; i < n; i++) {
        values[i] = (uint16_t)((bytes[2 * i] & 0x7f) | bytes[2 * i + 1] << 7);
        wrong |= bytes[2 * i] < 0x80 || bytes[2 * i + 1] == 0 || bytes[2 * i + 1] >= 0x80;
    }
    return wrong == 0;
}

static size_t size_of(const struct wire_cursor *column)
{
    return (size_t)(column->end - column->at);
}

/* Just n values, and nothing behind them. */
static bool take64(struct wire_cursor column, size_t n, uint64_t *values)
{
    if (size_of(&column) == n)
        return take_short64(column.at, n, values);
    for (size_t i = 0; i < n; i++)
        if (!wire_read_varint(&column, &values[i]))
            return false;
    return column.at == column.end;
}

static bool take32(struct wire_cursor column, size_t n, uint32_t *values)
{
    uint64_t value;
    if (size_of(&column) == n)
        return take_short32(column.at, n, values);
    for (size_t i = 0; i < n; i++) {
        if (!wire_read_varint(&column, &value) || value > UINT32_MAX)
            return false;
        values[i] = (uint32_t)value;
    }
    return column.at == column.end;
}

static bool take16(struct wire_cursor column, size_t n, uint16_t *values)
{
    uint64_t value;
    if (size_of(&column) == 2 * n && take_pairs(column.at, n, values))
        return true;
    for (size_t i = 0; i < n; i++) {
        if (!wire_read_varint(&column, &value) || value > UINT16_MAX)
            return false;
        values[i] = (uint16_t)value;
    }
    return column.at == column.end;
}

/* One reader for each width: what stands for a column that is left out, and that it would not have been if all values were that. */
#define READ_COLUMN(bits)                                                                                      \
    bool wire_read_column##bits(struct wire_cursor *cursor, unsigned field, uint##bits##_t left_out, size_t n, \
                                uint##bits##_t *values)                                                        \
    {                                                                                                          \
        struct wire_cursor column;                                                                             \
        bool used = false;                                                                                     \
        if (!wire_take_tag(cursor, field, WIRE_BYTES)) {                                                       \
            for (size_t i = 0; i < n; i++)                                                                     \
                values[i] = left_out;                                                                          \
            return true;                                                                                       \
        }                                                                                                      \
        if (!wire_read_bytes(cursor, &column) || !take##bits(column, n, values))                               \
            return false;                                                                                      \
        for (size_t i = 0; i < n; i++)                                                                         \
            used |= values[i] != left_out;                                                                     \
        return used;                                                                                           \
    }

READ_COLUMN(64)
READ_COLUMN(32)
READ_COLUMN(16)
