/* sheet_wire: protobuf's wire format (https://protobuf.dev/programming-guides/encoding/), read strictly.
 *
 * Every function takes what the writer of a canonical message would have put there, and nothing else: a varint that is longer than
 * needed, a zero that is written, a column that could have been left out is an error. A cursor never passes its end. After an
 * error it stands anywhere. */
#ifndef DAYBOOK_SHEET_WIRE_H
#define DAYBOOK_SHEET_WIRE_H

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { WIRE_VARINT = 0, WIRE_BYTES = 2 };

struct wire_cursor {
    const uint8_t *at, *end;
};

static inline uint32_t wire_tag(unsigned field, unsigned type)
{
    return field << 3 | type;
}

/* The shortest form only. */
static inline bool wire_read_varint(struct wire_cursor *cursor, uint64_t *value)
{
    uint64_t sum = 0;
    for (unsigned shift = 0; shift < 64 && cursor->at < cursor->end; shift += 7) {
        uint8_t byte = *cursor->at++;
        sum |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            *value = sum;
            return (byte > 0 || shift == 0) && (shift < 63 || byte == 1);
        }
    }
    return false;
}

/* Takes the tag if it is the next one. */
static inline bool wire_take_tag(struct wire_cursor *cursor, unsigned field, unsigned type)
{
    struct wire_cursor behind = *cursor;
    uint64_t tag;
    if (!wire_read_varint(&behind, &tag) || tag != wire_tag(field, type))
        return false;
    *cursor = behind;
    return true;
}

/* A number that is left out is 0, and one that is there is not. */
static inline bool wire_read_number(struct wire_cursor *cursor, unsigned field, uint64_t most, uint64_t *value)
{
    *value = 0;
    return !wire_take_tag(cursor, field, WIRE_VARINT) || (wire_read_varint(cursor, value) && *value > 0 && *value <= most);
}

/* Behind a tag of WIRE_BYTES. */
static inline bool wire_read_bytes(struct wire_cursor *cursor, struct wire_cursor *bytes)
{
    uint64_t size;
    if (!wire_read_varint(cursor, &size) || size > (uint64_t)(cursor->end - cursor->at))
        return false;
    *bytes = (struct wire_cursor){cursor->at, cursor->at + size};
    cursor->at += size;
    return true;
}

/* Inner loops of a known length: compilers make them a few instructions. */
enum { WIRE_BLOCK = 16 };

/* The values of a column whose bytes are as many as its values, and so are one each: most columns are such. */
static inline bool wire_take_short(const uint8_t *restrict bytes, size_t n, uint32_t *restrict values)
{
    uint8_t all = 0;
    size_t i = 0;
    for (; i + WIRE_BLOCK <= n; i += WIRE_BLOCK)
        for (unsigned k = 0; k < WIRE_BLOCK; k++) {
            values[i + k] = bytes[i + k];
            all |= bytes[i + k];
        }
    for (; i < n; i++) {
        values[i] = bytes[i];
        all |= bytes[i];
    }
    return all < 0x80;
}

/* Four values of two bytes each, as they lie in a word, low bytes first: of each 16 bits the highest one of the first byte says
 * that another follows, the second byte is the last and not 0. */
static inline uint64_t wire_take_four(uint64_t word, uint64_t *wrong)
{
    const uint64_t first = UINT64_C(0x007f007f007f007f), second = first << 8, ends = UINT64_C(0x8080808080808080);
    *wrong |= (word & ends) ^ (ends & (first + UINT64_C(0x0001000100010001)));
    *wrong |= ~((word & second) + second) & (ends & ~(first + UINT64_C(0x0001000100010001)));
    return (word & first) | (word & second) >> 1;
}

/* Just n values of two bytes each. False: they are not, and what is in values is of no use. */
static inline bool wire_take_pairs(const uint8_t *restrict bytes, size_t n, uint16_t *restrict values)
{
    uint64_t wrong = 0, word;
    size_t i = 0;
    for (; i + 4 <= n; i += 4) {
        memcpy(&word, bytes + 2 * i, sizeof word);
        word = wire_take_four(le64toh(word), &wrong);
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

/* Just n values of up to 32 bits, and nothing behind them. */
static inline bool wire_take_values32(struct wire_cursor column, size_t n, uint32_t *values)
{
    const size_t size = (size_t)(column.end - column.at);
    if (size == n)
        return wire_take_short(column.at, n, values);
    for (size_t i = 0; i < n; i++) {
        uint64_t value;
        if (!wire_read_varint(&column, &value) || value > UINT32_MAX)
            return false;
        values[i] = (uint32_t)value;
    }
    return column.at == column.end;
}

/* Just n values, not all of them what the column stands for when left out. */
static inline bool wire_read_column64(struct wire_cursor *cursor, unsigned field, uint64_t left_out, size_t n, uint64_t *values)
{
    struct wire_cursor column;
    bool used = false;
    if (!wire_take_tag(cursor, field, WIRE_BYTES)) {
        for (size_t i = 0; i < n; i++)
            values[i] = left_out;
        return true;
    }
    if (!wire_read_bytes(cursor, &column))
        return false;
    const bool is_short = (size_t)(column.end - column.at) == n; /* so are most: then nothing else is left to see */
    for (size_t i = 0; i < n; i++) {
        if (is_short && *column.at < 0x80)
            values[i] = *column.at++;
        else if (!wire_read_varint(&column, &values[i]))
            return false;
        used |= values[i] != left_out;
    }
    return used && column.at == column.end;
}

static inline bool wire_read_column32(struct wire_cursor *cursor, unsigned field, uint32_t left_out, size_t n, uint32_t *values)
{
    struct wire_cursor column;
    bool used = false;
    if (!wire_take_tag(cursor, field, WIRE_BYTES)) {
        for (size_t i = 0; i < n; i++)
            values[i] = left_out;
        return true;
    }
    if (!wire_read_bytes(cursor, &column) || !wire_take_values32(column, n, values))
        return false;
    for (size_t i = 0; i < n; i++)
        used |= values[i] != left_out;
    return used;
}

/* The same for values of up to 16 bits. */
static inline bool wire_read_column16(struct wire_cursor *cursor, unsigned field, uint16_t left_out, size_t n, uint16_t *values)
{
    struct wire_cursor column;
    bool used = false;
    if (!wire_take_tag(cursor, field, WIRE_BYTES)) {
        for (size_t i = 0; i < n; i++)
            values[i] = left_out;
        return true;
    }
    if (!wire_read_bytes(cursor, &column))
        return false;
    if ((size_t)(column.end - column.at) == 2 * n && left_out < 0x80 && wire_take_pairs(column.at, n, values))
        return n > 0;
    for (size_t i = 0; i < n; i++) {
        uint64_t value;
        if (!wire_read_varint(&column, &value) || value > UINT16_MAX)
            return false;
        values[i] = (uint16_t)value;
        used |= value != left_out;
    }
    return used && column.at == column.end;
}

/* The number of values of a column that is there, by its size; its last byte ends the last one. */
static inline uint32_t wire_count_values(struct wire_cursor cursor, unsigned field)
{
    struct wire_cursor column;
    uint32_t n = 0;
    if (!wire_take_tag(&cursor, field, WIRE_BYTES) || !wire_read_bytes(&cursor, &column))
        return 0;
    for (; column.at < column.end; column.at++)
        n += *column.at < 0x80;
    return n;
}

#endif
