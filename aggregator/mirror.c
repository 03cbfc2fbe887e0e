#include "aggregator/mirror.h"

#include "lib/keys.h"
#include "lib/number.h"

struct mirror {
    char key[KEYS_MAX];
    size_t key_size;
    GHashTable *fields;  /* char * -> char * */
    GHashTable *changed; /* set of char *: set or removed since the last flush */
};

struct mirror *mirror_new(int partition, const char *kind)
{
    struct mirror *mirror = g_new0(struct mirror, 1);
    mirror->key_size = keys_plain(mirror->key, partition, kind);
    mirror->fields = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    mirror->changed = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    return mirror;
}

void mirror_free(struct mirror *mirror)
{
    if (!mirror)
        return;
    g_hash_table_destroy(mirror->fields);
    g_hash_table_destroy(mirror->changed);
    g_free(mirror);
}

static bool loaded(void *opaque, const struct redis_reply *reply, GError **error)
{
    struct mirror *mirror = opaque;
    (void)error;
    for (size_t i = 0; i + 1 < redis_reply_count(reply); i += 2) {
        struct view field = redis_reply_text(redis_reply_at(reply, i)), value = redis_reply_text(redis_reply_at(reply, i + 1));
        g_hash_table_replace(mirror->fields, g_strndup(field.data, field.size), g_strndup(value.data, value.size));
    }
    return true;
}

void mirror_load(struct mirror *mirror, struct commit *commit)
{
    const struct view words[] = {view_of("HGETALL"), view_make(mirror->key, mirror->key_size)};
    commit_ask(commit, loaded, mirror, G_N_ELEMENTS(words), words);
}

const char *mirror_get(const struct mirror *mirror, const char *field)
{
    return g_hash_table_lookup(mirror->fields, field);
}

void mirror_set(struct mirror *mirror, const char *field, const char *value)
{
    g_hash_table_replace(mirror->fields, g_strdup(field), g_strdup(value));
    if (!g_hash_table_contains(mirror->changed, field))
        g_hash_table_add(mirror->changed, g_strdup(field));
}

void mirror_remove(struct mirror *mirror, const char *field)
{
    g_hash_table_remove(mirror->fields, field);
    if (!g_hash_table_contains(mirror->changed, field))
        g_hash_table_add(mirror->changed, g_strdup(field));
}

int64_t mirror_number(const struct mirror *mirror, const char *field)
{
    const char *text = mirror_get(mirror, field);
    int64_t value = 0;
    if (!text || !number_read_signed(view_of(text), &value))
        return 0;
    return value;
}

void mirror_set_number(struct mirror *mirror, const char *field, int64_t value)
{
    char text[NUMBER_MAX + 1];
    text[number_write_signed(text, value)] = '\0';
    mirror_set(mirror, field, text);
}

void mirror_add(struct mirror *mirror, const char *field, int64_t value)
{
    if (value != 0)
        mirror_set_number(mirror, field, mirror_number(mirror, field) + value);
}

void mirror_ring(struct mirror *mirror, int64_t number, const char *text)
{
    char field[NUMBER_MAX + 1];
    g_autofree char *entry = g_strdup_printf("%" G_GINT64_FORMAT " %s", number, text);
    field[number_write_signed(field, number % KEYS_RING)] = '\0';
    mirror_set(mirror, field, entry);
}

void mirror_each(const struct mirror *mirror, void (*each)(const char *field, const char *value, void *opaque), void *opaque)
{
    GHashTableIter iter;
    gpointer field, value;
    g_hash_table_iter_init(&iter, mirror->fields);
    while (g_hash_table_iter_next(&iter, &field, &value))
        each(field, value, opaque);
}

bool mirror_dirty(const struct mirror *mirror)
{
    return g_hash_table_size(mirror->changed) > 0;
}

void mirror_flush(struct mirror *mirror, struct payload *payload)
{
    GHashTableIter iter;
    gpointer field;
    const struct view key = view_make(mirror->key, mirror->key_size);
    payload_begin(payload, PAYLOAD_HSET, key);
    g_hash_table_iter_init(&iter, mirror->changed);
    while (g_hash_table_iter_next(&iter, &field, NULL)) {
        const char *value = mirror_get(mirror, field);
        if (value)
            payload_add_pair(payload, view_of(field), view_of(value));
    }
    payload_begin(payload, PAYLOAD_HDEL, key);
    g_hash_table_iter_init(&iter, mirror->changed);
    while (g_hash_table_iter_next(&iter, &field, NULL))
        if (!mirror_get(mirror, field))
            payload_add(payload, view_of(field));
    g_hash_table_remove_all(mirror->changed);
}
