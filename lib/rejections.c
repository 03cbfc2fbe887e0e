#include "lib/rejections.h"

enum { ENTRY_BYTES = 40 }; /* tags, lengths, time and count */

struct rejections {
    GArray *entries;       /* struct rejection, whose texts are owned */
    GStringChunk *strings; /* by this; made when it is needed */
    uint64_t total;
    size_t size;
};

struct rejections *rejections_new(void)
{
    struct rejections *rejections = g_new0(struct rejections, 1);
    rejections->entries = g_array_new(FALSE, FALSE, sizeof(struct rejection));
    return rejections;
}

void rejections_free(struct rejections *rejections)
{
    if (!rejections)
        return;
    g_clear_pointer(&rejections->strings, g_string_chunk_free);
    g_array_free(rejections->entries, TRUE);
    g_free(rejections);
}

void rejections_clear(struct rejections *rejections)
{
    g_array_set_size(rejections->entries, 0);
    g_clear_pointer(&rejections->strings, g_string_chunk_free);
    rejections->total = 0;
    rejections->size = 0;
}

static struct view keep(struct rejections *rejections, struct view text)
{
    if (text.size == 0)
        return view_make("", 0);
    if (!rejections->strings)
        rejections->strings = g_string_chunk_new(2048);
    return view_make(g_string_chunk_insert_len(rejections->strings, text.data, (gssize)text.size), text.size);
}

static struct rejection *find(const struct rejections *rejections, struct view reason, struct view message, size_t *n_messages)
{
    *n_messages = 0;
    for (guint i = 0; i < rejections->entries->len; i++) {
        struct rejection *entry = &g_array_index(rejections->entries, struct rejection, i);
        if (!view_equal(entry->reason, reason))
            continue;
        if (view_equal(entry->message, message))
            return entry;
        *n_messages += entry->message.size > 0;
    }
    return NULL;
}

static void append(struct rejections *rejections, const struct rejection *rejection, bool others)
{
    const struct view none = {"", 0};
    struct rejection entry = {.time_ms = rejection->time_ms,
                              .count = rejection->count,
                              .reason = keep(rejections, rejection->reason),
                              .message = others ? none : keep(rejections, rejection->message),
                              .sample = others ? none : keep(rejections, rejection->sample)};
    g_assert(rejections->entries->len < REJECTIONS_MAX);
    rejections->size += ENTRY_BYTES + entry.reason.size + entry.message.size + entry.sample.size;
    g_array_append_val(rejections->entries, entry);
}

void rejections_add(struct rejections *rejections, const struct rejection *rejection)
{
    size_t n_messages;
    g_assert(rejection->count > 0 && rejection_reason_is_word(rejection->reason));
    g_assert(rejection->message.size <= REJECTION_MESSAGE_MAX && rejection->sample.size <= REJECTION_SAMPLE_MAX);
    struct rejection *like = find(rejections, rejection->reason, rejection->message, &n_messages);
    bool others = !like && n_messages >= REJECTIONS_PER_REASON;
    if (others)
        like = find(rejections, rejection->reason, view_of(""), &n_messages);
    if (like)
        like->count += rejection->count;
    else
        append(rejections, rejection, others || rejection->message.size == 0);
    rejections->total += rejection->count;
}

void rejections_add_all(struct rejections *rejections, const struct rejections *more)
{
    for (guint i = 0; i < more->entries->len; i++)
        rejections_add(rejections, &g_array_index(more->entries, struct rejection, i));
}

size_t rejections_count(const struct rejections *rejections)
{
    return rejections->entries->len;
}

const struct rejection *rejections_get(const struct rejections *rejections, size_t index)
{
    g_assert(index < rejections->entries->len);
    return &g_array_index(rejections->entries, struct rejection, index);
}

uint64_t rejections_total(const struct rejections *rejections)
{
    return rejections->total;
}

size_t rejections_size(const struct rejections *rejections)
{
    return rejections->size;
}

bool rejection_reason_is_word(struct view reason)
{
    for (size_t i = 0; i < reason.size; i++) {
        char c = reason.data[i];
        if (!g_ascii_islower(c) && !g_ascii_isdigit(c) && c != '_')
            return false;
    }
    return reason.size > 0 && reason.size <= REJECTION_REASON_MAX;
}
