#include "collector/event_text.h"
#include <glib.h>

#define EACH_BYTE(x) (UINT64_C(0x0101010101010101) * (x))

/* Not zero if one of eight bytes is not within 0x20 to 0x7e: SWAR tests for "less than n" and "is n" (Hacker's Delight, 6-1). */
static uint64_t unclean_bytes(uint64_t word)
{
    uint64_t is_delete = word ^ EACH_BYTE(0x7f);
    return (word | (word - EACH_BYTE(0x20)) | (is_delete - EACH_BYTE(1))) & EACH_BYTE(0x80);
}

static bool is_printable_ascii(struct view text)
{
    size_t i = 0;
    uint64_t word;
    for (; i + sizeof word <= text.size; i += sizeof word) {
        memcpy(&word, text.data + i, sizeof word);
        if (unclean_bytes(word))
            return false;
    }
    for (; i < text.size; i++) {
        if ((signed char)text.data[i] < 0x20 || text.data[i] == 0x7f)
            return false; /* bytes from 0x80 on are negative */
    }
    return true;
}

static bool is_control(const unsigned char *c, const unsigned char *end)
{
    return *c < 0x20 || *c == 0x7f || (*c == 0xc2 && c + 1 < end && c[1] < 0xa0);
}

bool event_text_is_clean(struct view text)
{
    if (is_printable_ascii(text))
        return true;
    const unsigned char *end = (const unsigned char *)text.data + text.size;
    for (const unsigned char *c = (const unsigned char *)text.data; c < end; c++) {
        if (is_control(c, end))
            return false;
    }
    return g_utf8_validate_len(text.data, text.size, NULL);
}

/* Bytes of the character at text, 0 if there is no clean one. */
static size_t clean_character(struct view text)
{
    gunichar c = g_utf8_get_char_validated(text.data, (gssize)MIN(text.size, (size_t)4));
    if (c == (gunichar)-1 || c == (gunichar)-2 || c < 0x20 || (c >= 0x7f && c < 0xa0))
        return 0;
    return (size_t)(g_utf8_next_char(text.data) - text.data);
}

void event_text_show(struct view text, char out[EVENT_TEXT_SHOWN_MAX + 4])
{
    size_t n = 0;
    while (text.size > 0) {
        size_t size = clean_character(text);
        size_t taken = size > 0 ? size : 1;
        if (n + taken > EVENT_TEXT_SHOWN_MAX) {
            memcpy(out + n, "…", sizeof "…");
            return;
        }
        memcpy(out + n, size > 0 ? text.data : "?", taken);
        n += taken;
        text = view_make(text.data + taken, text.size - taken);
    }
    out[n] = '\0';
}
