#include "collector/route_segment.h"
#include <glib.h>

enum {
    UUID_SIZE = 36,
    HEX_MIN = 8,
    MIXED_TOKEN_MIN = 8,  /* upper and lower case letters and two runs of digits */
    DIGIT_TOKEN_MIN = 16, /* with TOKEN_DIGITS_MIN digits */
    TOKEN_DIGITS_MIN = 4,
    WORD_MAX = 64, /* what is longer is no word */
};

static const char *const words[ROUTE_N_CLASSES] = {[ROUTE_LITERAL] = "",
#define X(name, word) [ROUTE_##name] = word,
                                                   ROUTE_CLASSES(X)
#undef X
};

const char *route_class_word(enum route_class class_)
{
    g_assert(class_ < ROUTE_N_CLASSES);
    return words[class_];
}

enum route_class route_class_named(struct view word)
{
    for (int i = ROUTE_LITERAL + 1; i < ROUTE_N_CLASSES; i++) {
        if (view_is(word, words[i]))
            return (enum route_class)i;
    }
    return ROUTE_LITERAL;
}

/* What a segment is made of, counted in one pass. */
struct makeup {
    size_t digits, digit_runs, upper, lower, hex_letters, dashes, other;
    bool at; /* holds an '@' */
};

static void count_character(struct makeup *m, char c, char before)
{
    if (g_ascii_isdigit(c)) {
        m->digits++;
        m->digit_runs += !g_ascii_isdigit(before);
        return;
    }
    m->upper += g_ascii_isupper(c);
    m->lower += g_ascii_islower(c);
    m->hex_letters += g_ascii_isxdigit(c);
    m->dashes += c == '-';
    m->at |= c == '@';
    m->other += !g_ascii_isalpha(c);
}

static struct makeup makeup_of(struct view s)
{
    struct makeup m = {0};
    for (size_t i = 0; i < s.size; i++)
        count_character(&m, s.data[i], i > 0 ? s.data[i - 1] : ' ');
    return m;
}

static bool is_uuid(struct view s)
{
    if (s.size != UUID_SIZE)
        return false;
    for (size_t i = 0; i < UUID_SIZE; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? s.data[i] != '-' : !g_ascii_isxdigit(s.data[i]))
            return false;
    }
    return true;
}

/* The pattern: '0' is a digit, anything else is itself. */
static bool fits_pattern(struct view s, const char *pattern)
{
    if (s.size != strlen(pattern))
        return false;
    for (size_t i = 0; i < s.size; i++) {
        if (pattern[i] == '0' ? !g_ascii_isdigit(s.data[i]) : s.data[i] != pattern[i])
            return false;
    }
    return true;
}

static bool is_date(struct view s)
{
    static const char pattern[] = "0000-00-00";
    enum { DAY_SIZE = sizeof pattern - 1 };
    if (fits_pattern(s, "0000-00") || fits_pattern(s, pattern))
        return s.data[5] <= '1';
    if (s.size <= DAY_SIZE || !fits_pattern(view_make(s.data, DAY_SIZE), pattern))
        return false;
    return s.data[5] <= '1' && (s.data[DAY_SIZE] == 'T' || s.data[DAY_SIZE] == ' ') && s.size > DAY_SIZE + 1 &&
           g_ascii_isdigit(s.data[DAY_SIZE + 1]);
}

/* Digits, with one decimal point among them, a sign before them; several of those with commas between. */
static bool is_number(struct view s)
{
    bool digit = false, point = false;
    for (size_t i = 0; i < s.size; i++) {
        char c = s.data[i];
        bool first = i == 0 || s.data[i - 1] == ',';
        if (g_ascii_isdigit(c)) {
            digit = true;
        } else if (c == ',' && digit) {
            digit = point = false;
        } else if (c == '.' && digit && !point) {
            point = true;
            digit = false;
        } else if (!((c == '-' || c == '+') && first)) {
            return false;
        }
    }
    return digit;
}

/* "v1", "v2.1", "v1beta2", "v3-rc1", also with a capital V: parts of an interface's name. */
static bool is_version(struct view s)
{
    enum { VERSION_MAX = 12 };
    if (s.size < 2 || s.size > VERSION_MAX || g_ascii_tolower(s.data[0]) != 'v' || !g_ascii_isdigit(s.data[1]))
        return false;
    size_t letters = 0, digits = 0;
    for (size_t i = 1; i < s.size; i++) {
        if (!g_ascii_isalnum(s.data[i]) && s.data[i] != '.' && s.data[i] != '-')
            return false;
        letters += g_ascii_isalpha(s.data[i]);
        digits += g_ascii_isdigit(s.data[i]);
    }
    return letters <= 5 && digits <= 6;
}

static bool is_email(struct view s, const struct makeup *m)
{
    const char *at = m->at ? memchr(s.data, '@', s.size) : NULL;
    if (!at || at == s.data)
        return false;
    struct view domain = view_make(at + 1, (size_t)(s.data + s.size - at - 1));
    const char *dot = domain.size > 2 ? memchr(domain.data + 1, '.', domain.size - 2) : NULL;
    return dot && !memchr(domain.data, '@', domain.size);
}

static bool is_hex(struct view s, const struct makeup *m)
{
    return s.size >= HEX_MIN && m->digits > 0 && m->hex_letters > 0 && m->digits + m->hex_letters == s.size;
}

/* Letters, then '-', '_' or ':' and digits, as often as you like: c-17, INV-2024-0001, user_9. */
static bool is_numbered_name(struct view s)
{
    size_t i = 0;
    while (i < s.size && g_ascii_isalpha(s.data[i]))
        i++;
    if (i == 0 || i == s.size || g_ascii_isdigit(s.data[i]))
        return false;
    for (; i < s.size; i++) {
        bool separator = s.data[i] == '-' || s.data[i] == '_' || s.data[i] == ':';
        bool before_digit = i + 1 < s.size && g_ascii_isdigit(s.data[i + 1]);
        if (separator ? !before_digit : !g_ascii_isdigit(s.data[i]))
            return false;
    }
    return true;
}

/* A run of hexadecimal digits between other characters that is a hash or a number of its own: app.3f9a2b7c.js, report_20261120. */
static bool holds_hash(struct view s)
{
    size_t run = 0, digits = 0;
    for (size_t i = 0; i <= s.size; i++) {
        if (i < s.size && g_ascii_isxdigit(s.data[i])) {
            run++;
            digits += g_ascii_isdigit(s.data[i]);
            continue;
        }
        bool word = (i < s.size && g_ascii_isalpha(s.data[i])) || (i > run && g_ascii_isalpha(s.data[i - run - 1]));
        if (run >= HEX_MIN && digits > 1 && !word)
            return true;
        run = digits = 0;
    }
    return false;
}

static bool is_token(struct view s, const struct makeup *m)
{
    if (s.size > WORD_MAX)
        return true;
    if (m->digits == 0)
        return false;
    if (s.size >= DIGIT_TOKEN_MIN && m->digits >= TOKEN_DIGITS_MIN)
        return true;
    if (s.size >= MIXED_TOKEN_MIN && m->upper > 0 && m->lower > 0 && m->digit_runs > 1)
        return true;
    return is_numbered_name(s) || holds_hash(s);
}

enum route_class route_segment_class(struct view s)
{
    struct makeup m = makeup_of(s);
    if (m.digits == 0 && !m.at && s.size <= WORD_MAX)
        return m.dashes == 4 && is_uuid(s) ? ROUTE_UUID : ROUTE_LITERAL;
    if (is_version(s))
        return ROUTE_LITERAL;
    if (m.dashes == 4 && is_uuid(s))
        return ROUTE_UUID;
    if (is_number(s))
        return ROUTE_N;
    if (is_date(s))
        return ROUTE_DATE;
    if (is_email(s, &m))
        return ROUTE_EMAIL;
    if (is_hex(s, &m))
        return ROUTE_HEX;
    return is_token(s, &m) ? ROUTE_TOKEN : ROUTE_LITERAL;
}

/* A list, so that what a client writes behind a dot cannot make routes. */
size_t route_segment_extension(struct view s)
{
    static const char *const known[] = {"json",  "xml",  "html", "htm", "csv", "txt",  "pdf",  "js",    "mjs",
                                        "css",   "map",  "png",  "jpg", "gif", "jpeg", "svg",  "webp",  "ico",
                                        "zip",   "gz",   "tar",  "mp3", "mp4", "webm", "woff", "yml",   "yaml",
                                        "jsonl", "xlsx", "docx", "md",  "rss", "atom", "wasm", "woff2", "parquet"};
    const char *dot = s.size > 0 ? memrchr(s.data, '.', s.size) : NULL;
    if (!dot || dot == s.data)
        return 0;
    struct view extension = view_make(dot + 1, (size_t)(s.data + s.size - dot - 1));
    for (size_t i = 0; i < G_N_ELEMENTS(known); i++) {
        if (view_is(extension, known[i]))
            return extension.size + 1;
    }
    return 0;
}

bool route_segment_fits(struct view s, enum route_class class_)
{
    enum route_class found = route_segment_class(s);
    if (class_ == ROUTE_TOKEN)
        return found != ROUTE_LITERAL;
    if (class_ != ROUTE_HEX || found == ROUTE_HEX)
        return found == class_;
    struct makeup m = makeup_of(s);
    return s.size > 0 && m.digits + m.hex_letters == s.size;
}
