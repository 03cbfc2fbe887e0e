#include "aggregator/outbox.h"

#include "lib/keys.h"

struct letter {
    const char *kind;
    char *field;
    GBytes *value;
};

struct outbox {
    int partition;
    GArray *letters; /* struct letter, in the order in which they came */
    size_t bytes;
};

static void letter_clear(gpointer opaque)
{
    struct letter *letter = opaque;
    g_free(letter->field);
    g_bytes_unref(letter->value);
}

struct outbox *outbox_new(int partition)
{
    struct outbox *outbox = g_new0(struct outbox, 1);
    outbox->partition = partition;
    outbox->letters = g_array_new(FALSE, FALSE, sizeof(struct letter));
    g_array_set_clear_func(outbox->letters, letter_clear);
    return outbox;
}

void outbox_free(struct outbox *outbox)
{
    if (!outbox)
        return;
    g_array_free(outbox->letters, TRUE);
    g_free(outbox);
}

void outbox_put(struct outbox *outbox, const char *kind, const char *field, struct view value)
{
    struct letter letter = {g_intern_string(kind), g_strdup(field), g_bytes_new(value.data, value.size)};
    g_array_append_val(outbox->letters, letter);
    outbox->bytes += value.size + strlen(field) + 16;
}

size_t outbox_bytes(const struct outbox *outbox)
{
    return outbox->bytes;
}

void outbox_flush(struct outbox *outbox, struct payload *payload)
{
    for (guint i = 0; i < outbox->letters->len; i++) {
        const struct letter *letter = &g_array_index(outbox->letters, struct letter, i);
        char key[KEYS_MAX];
        gsize size;
        const void *data = g_bytes_get_data(letter->value, &size);
        payload_begin(payload, PAYLOAD_HSET, view_make(key, keys_plain(key, outbox->partition, letter->kind)));
        payload_add_pair(payload, view_of(letter->field), view_make(data, size));
    }
    g_array_set_size(outbox->letters, 0);
    outbox->bytes = 0;
}
