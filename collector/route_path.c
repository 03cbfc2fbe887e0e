#include "collector/route_path.h"
#include "collector/event_text.h"
#include "collector/route_segment.h"

#define REST "/{rest}"

enum { FIRST_SEGMENT_MAX = 256 };

static bool is_plain(struct view text)
{
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] == '/' || text.data[i] == '{' || text.data[i] == '}')
            return false;
    }
    return event_text_is_clean(text);
}

/* The bytes that a segment stands for, into out (as long as the segment); false when a '%' is followed by anything but two
 * hexadecimal digits. */
static bool decode(struct view raw, char *out, struct view *text)
{
    size_t n = 0;
    for (size_t i = 0; i < raw.size; i++) {
        char c = raw.data[i];
        if (c == '%') {
            int high = i + 2 < raw.size ? g_ascii_xdigit_value(raw.data[i + 1]) : -1;
            int low = high >= 0 ? g_ascii_xdigit_value(raw.data[i + 2]) : -1;
            if (low < 0)
                return false;
            c = (char)(high * 16 + low);
            i += 2;
        }
        out[n++] = c;
    }
    *text = view_make(out, n);
    return true;
}

/* Returns how many bytes of decoded it used. */
static size_t read_segment(struct view raw, char *decoded, struct route_segment *segment)
{
    *segment = (struct route_segment){.text = raw, .raw = raw};
    if (!memchr(raw.data, '%', raw.size)) {
        segment->plain = is_plain(raw);
        return 0;
    }
    struct view text;
    if (!decode(raw, decoded, &text) || !is_plain(text))
        return 0;
    segment->text = text;
    segment->plain = true;
    return text.size;
}

void route_path_cut(struct view path, struct route_path *to)
{
    size_t used = 0;
    const char *end = path.data + path.size;
    g_assert(path.size <= ROUTE_PATH_MAX);
    to->n = 0;
    to->more = false;
    for (const char *c = path.data; c < end;) {
        const char *slash = memchr(c, '/', (size_t)(end - c));
        struct view raw = view_make(c, (size_t)((slash ? slash : end) - c));
        c += raw.size + 1;
        if (raw.size == 0)
            continue;
        if (to->n == ROUTE_SEGMENTS_MAX) {
            to->more = true;
            return;
        }
        used += read_segment(raw, to->decoded + used, &to->segments[to->n++]);
    }
}

struct writer {
    char *out;
    size_t size;
};

/* False when there is no room for it and for what says so. */
static bool put(struct writer *writer, const char *data, size_t size)
{
    if (size > EVENT_ROUTE_MAX - (sizeof REST - 1) - writer->size)
        return false;
    memcpy(writer->out + writer->size, data, size);
    writer->size += size;
    return true;
}

static bool put_class(struct writer *writer, enum route_class class_)
{
    const char *word = route_class_word(class_);
    return put(writer, "{", 1) && put(writer, word, strlen(word)) && put(writer, "}", 1);
}

/* The first segment stays as it is, but for braces, which would look like a template. */
static bool put_first(struct writer *writer, const struct route_segment *segment)
{
    if (segment->raw.size > FIRST_SEGMENT_MAX)
        return put_class(writer, ROUTE_TOKEN);
    if (segment->plain)
        return put(writer, segment->text.data, segment->text.size);
    for (size_t i = 0; i < segment->raw.size; i++) {
        char c = segment->raw.data[i];
        bool fits = c == '{' || c == '}' ? put(writer, c == '{' ? "%7B" : "%7D", 3) : put(writer, &c, 1);
        if (!fits)
            return false;
    }
    return true;
}

static bool put_segment(struct writer *writer, const struct route_segment *segment)
{
    struct view text = segment->text;
    if (!segment->plain)
        return put_class(writer, ROUTE_TOKEN);
    enum route_class class_ = route_segment_class(text);
    bool may_be_file = class_ == ROUTE_LITERAL || class_ == ROUTE_TOKEN;
    size_t extension = may_be_file ? route_segment_extension(text) : 0;
    if (extension > 0)
        class_ = route_segment_class(view_make(text.data, text.size - extension));
    if (class_ == ROUTE_LITERAL)
        return put(writer, text.data, text.size);
    return put_class(writer, class_) && put(writer, text.data + text.size - extension, extension);
}

size_t route_path_classify(const struct route_path *path, char out[EVENT_ROUTE_MAX])
{
    struct writer writer = {out, 0};
    bool fits = true;
    if (path->n == 0) {
        out[0] = '/';
        return 1;
    }
    for (size_t i = 0; i < path->n && fits; i++) {
        size_t before = writer.size;
        fits = put(&writer, "/", 1);
        if (fits)
            fits = i == 0 ? put_first(&writer, &path->segments[i]) : put_segment(&writer, &path->segments[i]);
        if (!fits)
            writer.size = before;
    }
    if (!fits || path->more) {
        memcpy(out + writer.size, REST, sizeof REST - 1);
        writer.size += sizeof REST - 1;
    }
    return writer.size;
}
