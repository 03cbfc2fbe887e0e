#include "collector/gunzip.h"
#include <zlib.h>

static GByteArray *pack(const void *data, size_t size)
{
    z_stream stream = {0};
    GByteArray *out = g_byte_array_new();
    g_assert_cmpint(deflateInit2(&stream, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY), ==, Z_OK);
    g_byte_array_set_size(out, (guint)deflateBound(&stream, (uLong)size) + 64);
    stream.next_in = (Bytef *)(uintptr_t)data;
    stream.avail_in = (uInt)size;
    stream.next_out = out->data;
    stream.avail_out = out->len;
    g_assert_cmpint(deflate(&stream, Z_FINISH), ==, Z_STREAM_END);
    g_byte_array_set_size(out, (guint)stream.total_out);
    deflateEnd(&stream);
    return out;
}

static enum gunzip_result unpack(const void *data, size_t size, size_t max_bytes, GByteArray *out)
{
    g_autofree char *copy = g_memdup2(data, size);
    g_byte_array_set_size(out, 0);
    return gunzip(view_make(copy, size), max_bytes, out);
}

static void expect(const GByteArray *out, const void *wanted, size_t size)
{
    g_assert_true(view_equal(view_make(out->data, out->len), view_make(wanted, size)));
}

static void test_sizes(void)
{
    static const size_t sizes[] = {0, 1, 1000, 16383, 16384, 16385, 100000, 1000000};
    g_autoptr(GByteArray) out = g_byte_array_new();
    for (size_t i = 0; i < G_N_ELEMENTS(sizes); i++) {
        g_autofree char *data = g_malloc(sizes[i] + 1);
        for (size_t k = 0; k < sizes[i]; k++)
            data[k] = (char)((k * 7) ^ (k >> 5));
        g_autoptr(GByteArray) packed = pack(data, sizes[i]);
        g_assert_cmpint(unpack(packed->data, packed->len, sizes[i] + 1, out), ==, GUNZIP_OK);
        expect(out, data, sizes[i]);
        g_assert_cmpint(unpack(packed->data, packed->len, sizes[i], out), ==, GUNZIP_OK);
        expect(out, data, sizes[i]);
        if (sizes[i] > 0)
            g_assert_cmpint(unpack(packed->data, packed->len, sizes[i] - 1, out), ==, GUNZIP_TOO_LARGE);
    }
}

static void test_bomb(void)
{
    g_autofree char *zeros = g_malloc0(64 << 20);
    g_autoptr(GByteArray) packed = pack(zeros, 64 << 20);
    g_autoptr(GByteArray) out = g_byte_array_new();
    g_assert_cmpuint(packed->len, <, 100000);
    g_assert_cmpint(unpack(packed->data, packed->len, 1 << 20, out), ==, GUNZIP_TOO_LARGE);
    g_assert_cmpuint(out->len, <=, (1 << 20) + 1);
}

static void test_members(void)
{
    g_autoptr(GByteArray) packed = pack("one ", 4), second = pack("two", 3), out = g_byte_array_new();
    g_byte_array_append(packed, second->data, second->len);
    g_assert_cmpint(unpack(packed->data, packed->len, 100, out), ==, GUNZIP_OK);
    expect(out, "one two", 7);
    g_assert_cmpint(unpack(packed->data, packed->len, 6, out), ==, GUNZIP_TOO_LARGE);
    g_byte_array_append(packed, (const guint8 *)"junk", 4);
    g_assert_cmpint(unpack(packed->data, packed->len, 100, out), ==, GUNZIP_MALFORMED);
}

static void test_damage(void)
{
    static const char text[] = "[{\"method\":\"GET\",\"route\":\"/v1/orders/{id}\",\"status\":200}]";
    g_autoptr(GByteArray) packed = pack(text, sizeof text - 1), out = g_byte_array_new();
    for (guint size = 0; size < packed->len; size++)
        g_assert_cmpint(unpack(packed->data, size, 1000, out), ==, GUNZIP_MALFORMED);
    for (guint at = 0; at < packed->len * 8; at++) {
        packed->data[at / 8] ^= (guint8)(1 << at % 8);
        enum gunzip_result result = unpack(packed->data, packed->len, 1000, out);
        /* Time, extra flags and system in the header are nobody's concern. */
        if (result == GUNZIP_OK)
            expect(out, text, sizeof text - 1);
        packed->data[at / 8] ^= (guint8)(1 << at % 8);
    }
    g_assert_cmpint(unpack("", 0, 1000, out), ==, GUNZIP_MALFORMED);
    g_assert_cmpint(unpack(text, sizeof text - 1, 1000, out), ==, GUNZIP_MALFORMED);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/gunzip/sizes", test_sizes);
    g_test_add_func("/gunzip/bomb", test_bomb);
    g_test_add_func("/gunzip/members", test_members);
    g_test_add_func("/gunzip/damage", test_damage);
    return g_test_run();
}
