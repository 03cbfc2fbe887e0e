/* Columns against the simplest reading of them: value by value, each in its shortest form. */
#include "lib/sheet_wire.h"

#include <glib.h>

enum { FIELD = 7 };

static void put(GByteArray *out, uint64_t value)
{
    for (; value >= 0x80; value >>= 7) {
        const uint8_t byte = (uint8_t)(value | 0x80);
        g_byte_array_append(out, &byte, 1);
    }
    const uint8_t byte = (uint8_t)value;
    g_byte_array_append(out, &byte, 1);
}

static bool read_simply(struct wire_cursor column, uint64_t left_out, uint64_t most, size_t n, uint64_t *values)
{
    bool used = false;
    for (size_t i = 0; i < n; i++) {
        if (!wire_read_varint(&column, &values[i]) || values[i] > most)
            return false;
        used |= values[i] != left_out;
    }
    return used && column.at == column.end;
}

/* The three readers take what the simple one takes, find the same, and end behind the column. */
static bool compare(const GByteArray *column, uint64_t left_out, size_t n)
{
    g_autoptr(GByteArray) message = g_byte_array_new();
    put(message, wire_tag(FIELD, WIRE_BYTES));
    put(message, column->len);
    g_byte_array_append(message, column->data, column->len);
    const guint size = message->len;
    if (n % 2 == 0)
        g_byte_array_append(message, (const guint8 *)"\x82\x03", 2);   /* what follows is none of it */
    g_autofree uint8_t *copy = g_memdup2(message->data, message->len); /* so that a sanitizer sees a byte too far */
    const struct wire_cursor all = {copy, copy + message->len}, bytes = {column->data, column->data + column->len};
    const uint8_t *const behind = copy + size;
    g_autofree uint64_t *simple = g_new(uint64_t, n + 1), *found64 = g_new(uint64_t, n + 1);
    g_autofree uint32_t *found32 = g_new(uint32_t, n + 1);
    g_autofree uint16_t *found16 = g_new(uint16_t, n + 1);
    struct wire_cursor cursor = all;
    bool ok = read_simply(bytes, left_out, UINT16_MAX, n, simple);
    g_assert_true(wire_read_column16(&cursor, FIELD, (uint16_t)left_out, n, found16) == ok && (!ok || cursor.at == behind));
    for (size_t i = 0; ok && i < n; i++)
        g_assert_cmpuint(found16[i], ==, simple[i]);
    cursor = all;
    ok = read_simply(bytes, left_out, UINT32_MAX, n, simple);
    g_assert_true(wire_read_column32(&cursor, FIELD, (uint32_t)left_out, n, found32) == ok && (!ok || cursor.at == behind));
    for (size_t i = 0; ok && i < n; i++)
        g_assert_cmpuint(found32[i], ==, simple[i]);
    cursor = all;
    ok = read_simply(bytes, left_out, UINT64_MAX, n, simple);
    g_assert_true(wire_read_column64(&cursor, FIELD, left_out, n, found64) == ok && (!ok || cursor.at == behind));
    for (size_t i = 0; ok && i < n; i++)
        g_assert_cmpuint(found64[i], ==, simple[i]);
    return ok;
}

static uint64_t random_value(GRand *rand, gint32 kind)
{
    const uint64_t any = (uint64_t)g_rand_int(rand) << 32 | g_rand_int(rand);
    switch (kind) {
    case 0:
        return any % 3; /* one byte */
    case 1:
        return 128 + any % (16384 - 128); /* two */
    case 2:
        return any % 700; /* one or two */
    case 3:
        return any % 3 * 16384; /* one or three, as many as two on the average */
    default:
        return any >> (any % 64);
    }
}

static void test_columns(void)
{
    GRand *rand = g_rand_new_with_seed(g_test_rand_int_range(0, G_MAXINT32) & 0x7fffffff);
    guint taken = 0, refused = 0;
    for (int i = 0; i < 50000; i++) {
        g_autoptr(GByteArray) column = g_byte_array_new();
        const gint32 kind = g_rand_int_range(rand, 0, 5);
        size_t n = (size_t)g_rand_int_range(rand, 1, 40);
        for (size_t k = 0; k < n; k++)
            put(column, random_value(rand, kind));
        for (gint32 k = g_rand_int_range(rand, -3, 3); k > 0; k--) /* mostly left as it is */
            column->data[(guint)g_rand_int(rand) % column->len] ^= (uint8_t)(1 << g_rand_int_range(rand, 0, 8));
        if (g_rand_int_range(rand, 0, 8) == 0)
            n += (size_t)g_rand_int_range(rand, 0, 3) - 1;
        const bool ok = compare(column, g_rand_boolean(rand), n);
        taken += ok;
        refused += !ok;
    }
    g_assert_cmpuint(taken, >, 1000);
    g_assert_cmpuint(refused, >, 1000);
    g_rand_free(rand);
}

static void test_left_out(void)
{
    static const uint8_t other[] = {(FIELD + 1) << 3 | WIRE_BYTES, 1, 5};
    struct wire_cursor cursor = {other, other + sizeof other};
    uint16_t values16[3];
    uint32_t values32[3];
    uint64_t values64[3];
    g_assert_true(wire_read_column16(&cursor, FIELD, 1, 3, values16));
    g_assert_true(wire_read_column32(&cursor, FIELD, 0, 3, values32));
    g_assert_true(wire_read_column64(&cursor, FIELD, 1, 3, values64));
    g_assert_true(cursor.at == other);
    for (int i = 0; i < 3; i++)
        g_assert_true(values16[i] == 1 && values32[i] == 0 && values64[i] == 1);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/sheet_wire/columns", test_columns);
    g_test_add_func("/sheet_wire/left-out", test_left_out);
    return g_test_run();
}
