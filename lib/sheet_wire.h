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

/* Just n values, not all of them what the column stands for when left out. */
bool wire_read_column64(struct wire_cursor *cursor, unsigned field, uint64_t left_out, size_t n, uint64_t *values);
bool wire_read_column32(struct wire_cursor *cursor, unsigned field, uint32_t left_out, size_t n, uint32_t *values);
bool wire_read_column16(struct wire_cursor *cursor, unsigned field, uint16_t left_out, size_t n, uint16_t *values);

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
