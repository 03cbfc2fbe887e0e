#include "aggregator/payload.h"

/* The count of a command is only known at its end: a fixed two-byte varint is patched in. */
enum { COUNT_BYTES = 2 };

struct payload {
    GByteArray *bytes;
    bool open;
    enum payload_op op;
    size_t command_at; /* where the open command begins */
    size_t count_at;
    size_t count;
    char key[256];
    size_t key_size;
};

struct payload *payload_new(void)
{
    struct payload *payload = g_new0(struct payload, 1);
    payload->bytes = g_byte_array_new();
    return payload;
}

void payload_free(struct payload *payload)
{
    if (!payload)
        return;
    g_byte_array_free(payload->bytes, TRUE);
    g_free(payload);
}

void payload_reset(struct payload *payload)
{
    g_byte_array_set_size(payload->bytes, 0);
    payload->open = false;
}

size_t payload_size(const struct payload *payload)
{
    return payload->bytes->len;
}

static void put_length(GByteArray *bytes, size_t length)
{
    uint8_t varint[10];
    guint n = 0;
    for (; length >= 0x80; length >>= 7)
        varint[n++] = (uint8_t)(length | 0x80);
    varint[n++] = (uint8_t)length;
    g_byte_array_append(bytes, varint, n);
}

static void put(GByteArray *bytes, struct view text)
{
    put_length(bytes, text.size);
    if (text.size > 0)
        g_byte_array_append(bytes, (const guint8 *)text.data, (guint)text.size);
}

static void end_command(struct payload *payload)
{
    if (!payload->open)
        return;
    payload->open = false;
    if (payload->count == 0 && payload->op != PAYLOAD_UNLINK) {
        g_byte_array_set_size(payload->bytes, (guint)payload->command_at);
        return;
    }
    payload->bytes->data[payload->count_at] = (uint8_t)(payload->count | 0x80);
    payload->bytes->data[payload->count_at + 1] = (uint8_t)(payload->count >> 7);
}

void payload_begin(struct payload *payload, enum payload_op op, struct view key)
{
    g_assert(key.size > 0 && key.size <= sizeof payload->key);
    end_command(payload);
    payload->open = true;
    payload->op = op;
    payload->command_at = payload->bytes->len;
    payload->count = 0;
    payload->key_size = key.size;
    memcpy(payload->key, key.data, key.size);
    uint8_t byte = (uint8_t)op;
    g_byte_array_append(payload->bytes, &byte, 1);
    put(payload->bytes, key);
    payload->count_at = payload->bytes->len;
    g_byte_array_append(payload->bytes, (const guint8 *)"\x80\0", COUNT_BYTES);
}

/* A command on the same key goes on in another one. */
static void make_room(struct payload *payload, size_t arguments)
{
    g_assert(payload->open);
    if (payload->count + arguments <= PAYLOAD_ARGS_MAX)
        return;
    char key[sizeof payload->key];
    memcpy(key, payload->key, payload->key_size);
    payload_begin(payload, payload->op, view_make(key, payload->key_size));
}

void payload_add(struct payload *payload, struct view argument)
{
    g_assert(payload->op == PAYLOAD_HDEL || payload->op == PAYLOAD_UNLINK);
    make_room(payload, 1);
    put(payload->bytes, argument);
    payload->count++;
}

void payload_add_pair(struct payload *payload, struct view first, struct view second)
{
    g_assert(payload->op == PAYLOAD_HSET || payload->op == PAYLOAD_ZADD);
    make_room(payload, 2);
    put(payload->bytes, first);
    put(payload->bytes, second);
    payload->count += 2;
}

struct view payload_bytes(struct payload *payload)
{
    end_command(payload);
    return view_make(payload->bytes->data, payload->bytes->len);
}

/* ---- reading ---- */

static bool take_length(struct view *rest, size_t *length)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 35 && rest->size > 0; shift += 7) {
        uint8_t byte = (uint8_t)*rest->data++;
        rest->size--;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80)) {
            *length = value;
            return true;
        }
    }
    return false;
}

static bool take(struct view *rest, struct view *text)
{
    size_t size;
    if (!take_length(rest, &size) || size > rest->size)
        return false;
    *text = view_make(rest->data, size);
    rest->data += size;
    rest->size -= size;
    return true;
}

static const char *op_name(char op)
{
    switch (op) {
    case PAYLOAD_HSET:
        return "HSET";
    case PAYLOAD_ZADD:
        return "ZADD";
    case PAYLOAD_HDEL:
        return "HDEL";
    case PAYLOAD_UNLINK:
        return "UNLINK";
    default:
        return NULL;
    }
}

bool payload_each(struct view bytes, bool (*each)(const struct payload_command *command, void *opaque), void *opaque)
{
    g_autofree struct view *argv = g_new(struct view, PAYLOAD_ARGS_MAX);
    while (bytes.size > 0) {
        struct payload_command command = {.name = op_name(*bytes.data), .argv = argv};
        bytes.data++;
        bytes.size--;
        if (!command.name || !take(&bytes, &command.key) || !take_length(&bytes, &command.argc) || command.argc > PAYLOAD_ARGS_MAX)
            return false;
        for (size_t i = 0; i < command.argc; i++)
            if (!take(&bytes, &argv[i]))
                return false;
        if (!each(&command, opaque))
            return false;
    }
    return true;
}
