#include "lib/record_foreign.h"
#include "lib/record.h"

/* Bytes of protobuf's wire format, written by hand: tag, and a length or a varint of one byte. */
static void put(GByteArray *out, unsigned field, const void *data, size_t size)
{
    const guint8 head[] = {(guint8)(0x80 | (field << 3 | 2)), (guint8)(field >> 4), (guint8)size};
    g_assert_cmpuint(size, <, 128);
    g_byte_array_append(out, head, 3);
    if (size > 0)
        g_byte_array_append(out, data, (guint)size);
}

/* Two events, the second one's symbols and numbers as bad as the form allows. */
static GByteArray *make(void)
{
    GByteArray *out = g_byte_array_new();
    put(out, 6, "", 0);
    put(out, 6, "client", 6);
    put(out, 6, "GET", 3);
    put(out, 6, "/a", 2);
    put(out, 6, "\n", 1);
    put(out, 10, "\1\4", 2);
    put(out, 12, "\2\0", 2);
    put(out, 13, "\3\3", 2);
    put(out, 15, "\xc8\1\7", 3); /* 200, 7 */
    put(out, 16, "\5\xff\xff\xff\xff\xff\xff\xff\xff\xff\1", 11);
    put(out, 19, "\1", 1);
    put(out, 20, "id\n", 3);
    return out;
}

static struct foreign_batch *parse(const GByteArray *bytes, GError **error)
{
    g_autofree char *copy = g_memdup2(bytes->data, bytes->len);
    return foreign_batch_parse(view_make(copy, bytes->len), error);
}

static bool collect(void *opaque, const struct event *event)
{
    g_string_append_printf(opaque, "%" G_GINT64_FORMAT " %.*s %.*s %.*s %u %" G_GUINT64_FORMAT " %.*s;", event->time_ms,
                           (int)event->client.size, event->client.data, (int)event->method.size, event->method.data,
                           (int)event->route.size, event->route.data, event->status, event->latency_us, (int)event->id.size,
                           event->id.data);
    return true;
}

static void expect(const GByteArray *bytes, const char *wanted)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GString) text = g_string_new(NULL);
    struct foreign_batch *batch = parse(bytes, &error);
    g_assert_no_error(error);
    foreign_batch_each(batch, collect, text);
    g_assert_cmpstr(text->str, ==, wanted);
    foreign_batch_free(batch);
}

static void test_values(void)
{
    g_autoptr(GByteArray) bytes = make();
    expect(bytes, "0 client GET /a 200 5 ;0 \n  /a 7 18446744073709551615 id\n;");
    put(bytes, 8, "\4\3", 2); /* + 2, - 2 */
    struct foreign_batch *batch = parse(bytes, NULL);
    g_assert_true(foreign_batch_has_times(batch));
    g_assert_cmpuint(foreign_batch_count(batch), ==, 2);
    foreign_batch_free(batch);
    expect(bytes, "2 client GET /a 200 5 ;0 \n  /a 7 18446744073709551615 id\n;");
}

static void test_record_or_batch(void)
{
    g_autoptr(GByteArray) bytes = make(), record = g_byte_array_new();
    put(record, 1, bytes->data, bytes->len);
    expect(record, "0 client GET /a 200 5 ;0 \n  /a 7 18446744073709551615 id\n;");
    /* With the stream's id, which is field 1 as well. */
    put(bytes, 1, "0123456789abcdef", 16);
    expect(bytes, "0 client GET /a 200 5 ;0 \n  /a 7 18446744073709551615 id\n;");
    g_autoptr(GByteArray) empty = g_byte_array_new();
    expect(empty, "");
}

static void test_wrong_form(void)
{
    static const struct {
        unsigned field;
        const char *data;
        size_t size;
        const char *words;
    } rows[] = {
        {9, "\1", 1, "not as long as status"}, {9, "\1\5", 2, "does not exist"},       {8, "\1", 1, "not as long as status"},
        {23, "", 0, "only collectors write"},  {16, "\1", 1, "not as long as status"}, {19, "\1", 1, "different lengths"},
        {30, "x", 1, "does not have"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GByteArray) bytes = make();
        g_autoptr(GError) error = NULL;
        put(bytes, rows[i].field, rows[i].data, rows[i].size);
        g_assert_null(parse(bytes, &error));
        g_assert_error(error, RECORD_ERROR, RECORD_ERROR_MALFORMED);
        g_test_message("%s", error->message);
        g_assert_nonnull(strstr(error->message, rows[i].words));
    }
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    put(bytes, 6, "first", 5); /* must be "" */
    g_assert_null(parse(bytes, NULL));
}

static void test_damaged(void)
{
    g_autoptr(GByteArray) bytes = make();
    for (guint at = 0; at < bytes->len; at++) {
        g_autoptr(GByteArray) cut = g_byte_array_new();
        g_byte_array_append(cut, bytes->data, at);
        foreign_batch_free(parse(cut, NULL));
        for (int byte = 0; byte < 256; byte++) {
            g_autoptr(GString) text = g_string_new(NULL);
            guint8 right = bytes->data[at];
            bytes->data[at] = (guint8)byte;
            struct foreign_batch *batch = parse(bytes, NULL);
            if (batch)
                foreign_batch_each(batch, collect, text);
            foreign_batch_free(batch);
            bytes->data[at] = right;
        }
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/record_foreign/values", test_values);
    g_test_add_func("/record_foreign/record_or_batch", test_record_or_batch);
    g_test_add_func("/record_foreign/wrong_form", test_wrong_form);
    g_test_add_func("/record_foreign/damaged", test_damaged);
    return g_test_run();
}
