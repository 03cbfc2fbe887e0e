/* sheet_wire: protobuf's wire format (https://protobuf.dev/programming-guides/encoding/), read strictly.
 *
 * Every function takes what the writer of a canonical message would have put there, and nothing else: a varint that is longer than
 * needed, a zero that is written, a column that could have been left out is an error. A cursor never passes its end. After an
 * error it stands anywhere. */
#ifndef DAYBOOK_SHEET_WIRE_H
#define DAYBOOK_SHEET_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

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

/* The values of a column whose bytes are as many as its values, and so are one each: most columns are such. */
static inline bool wire_take_short(const uint8_t *bytes, size_t n, uint32_t *values)
{
    unsigned all = 0;
    for (size_t i = 0; i < n; i++) {
        values[i] = bytes[i];
        all |= bytes[i];
    }
    return all < 0x80;
}

/* Twice as many bytes, as status codes have. False: they are not two each. */
static inline bool wire_take_pairs(const uint8_t *bytes, size_t n, uint32_t *values)
{
    unsigned every = 0x80, any = 0, empty = 0;
    for (size_t i = 0; i < n; i++) {
        const unsigned low = bytes[2 * i], high = bytes[2 * i + 1];
        values[i] = (low & 0x7f) | high << 7;
        every &= low;
        any |= high;
        empty |= high == 0;
    }
    return every == 0x80 && any < 0x80 && empty == 0;
}

/* Just n values of up to 32 bits, and nothing behind them. */
static inline bool wire_take_values32(struct wire_cursor column, size_t n, uint32_t *values)
{
    const size_t size = (size_t)(column.end - column.at);
    if (size == n)
        return wire_take_short(column.at, n, values);
    if (size == 2 * n && wire_take_pairs(column.at, n, values))
        return true;
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
    for (size_t i = 0; i < n; i++) {
        if (!wire_read_varint(&column, &values[i]))
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
