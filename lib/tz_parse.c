/* tz_parse: a TZif file, RFC 9636 section 3: a header and a data block with times of 32 bits; from version 2 on another header and
 * block with times of 64 bits, which alone is used then, and a footer. Integers are big-endian. What follows the footer is ignored.
 *
 * Each step returns NULL, or what is wrong. The indicators of standard and universal time say how a file was made and are ignored.
 */
#include "lib/tz_internal.h"

G_DEFINE_QUARK(daybook - tz - error, tz_error)

enum { HEADER_SIZE = 44, COUNTS_AT = 20, TYPE_SIZE = 6, TYPES_MAX = 256 };

enum { N_UT, N_STANDARD, N_LEAP, N_TIMES, N_TYPES, N_LETTERS, N_COUNTS }; /* in the order of the header */

struct block {
    char version; /* '\0' is 1 */
    uint32_t count[N_COUNTS];
    const uint8_t *times, *kinds, *types, *letters;
};

static uint32_t read_u32(const uint8_t *bytes)
{
    uint32_t value;
    memcpy(&value, bytes, sizeof value);
    return GUINT32_FROM_BE(value);
}

static int64_t read_time(const uint8_t *bytes, size_t size)
{
    if (size == 4)
        return (int32_t)read_u32(bytes);
    return (int64_t)((uint64_t)read_u32(bytes) << 32 | read_u32(bytes + 4));
}

/* Takes a header and its block off the front. */
static const char *take_block(struct view *rest, size_t time_size, struct block *block)
{
    const uint8_t *bytes = (const uint8_t *)rest->data;
    if (rest->size < HEADER_SIZE || memcmp(bytes, "TZif", 4) != 0)
        return "it is not a TZif file";
    block->version = (char)bytes[4];
    for (size_t i = 0; i < N_COUNTS; i++) {
        block->count[i] = read_u32(bytes + COUNTS_AT + 4 * i);
        if (block->count[i] > TZ_FILE_MAX)
            return "its header counts more than a file can hold";
    }
    const uint32_t *n = block->count;
    size_t size = n[N_TIMES] * (time_size + 1) + n[N_TYPES] * (size_t)TYPE_SIZE + n[N_LETTERS] + n[N_LEAP] * (time_size + 4) +
                  n[N_STANDARD] + n[N_UT];
    if (size > rest->size - HEADER_SIZE)
        return "it is cut short";
    block->times = bytes + HEADER_SIZE;
    block->kinds = block->times + n[N_TIMES] * time_size;
    block->types = block->kinds + n[N_TIMES];
    block->letters = block->types + n[N_TYPES] * (size_t)TYPE_SIZE;
    *rest = view_make(bytes + HEADER_SIZE + size, rest->size - HEADER_SIZE - size);
    return NULL;
}

static const char *check_counts(const struct block *block)
{
    const uint32_t *n = block->count;
    if (n[N_LEAP] > 0)
        return "it counts leap seconds, which Unix times do not have";
    if (n[N_TYPES] == 0 || n[N_TYPES] > TYPES_MAX || n[N_LETTERS] == 0)
        return "it has no types of local time, or too many";
    if ((n[N_UT] != 0 && n[N_UT] != n[N_TYPES]) || (n[N_STANDARD] != 0 && n[N_STANDARD] != n[N_TYPES]))
        return "its indicators are not as many as its types";
    return NULL;
}

static const char *read_times(struct tz *tz, const struct block *block, size_t time_size)
{
    tz->n_times = block->count[N_TIMES];
    tz->times = g_new(int64_t, tz->n_times);
    tz->kinds = g_new(uint16_t, tz->n_times);
    for (size_t i = 0; i < tz->n_times; i++) {
        tz->times[i] = read_time(block->times + i * time_size, time_size);
        tz->kinds[i] = block->kinds[i];
        if (tz->times[i] > TZ_TIME_MAX_S || (i > 0 && tz->times[i] <= tz->times[i - 1]))
            return "its transitions are not in order, or go beyond the year 9999";
        if (tz->kinds[i] >= block->count[N_TYPES])
            return "a transition is to a type that it does not have";
    }
    return NULL;
}

static bool is_abbreviation(const char *text, size_t room)
{
    size_t n = 0;
    while (n < room && (g_ascii_isalnum(text[n]) || text[n] == '+' || text[n] == '-'))
        n++;
    return n < room && text[n] == '\0' && n > 0 && n <= TZ_ABBREVIATION_MAX;
}

static const char *read_types(struct tz *tz, const struct block *block)
{
    size_t n_letters = block->count[N_LETTERS];
    tz->text = g_memdup2(block->letters, n_letters);
    tz->n_types = block->count[N_TYPES];
    tz->types = g_new0(struct tz_offset, tz->n_types + 2);
    for (size_t i = 0; i < tz->n_types; i++) {
        const uint8_t *bytes = block->types + i * TYPE_SIZE;
        size_t at = bytes[5];
        tz->types[i] = (struct tz_offset){(int32_t)read_u32(bytes), bytes[4] == 1, tz->text + at};
        if (tz->types[i].offset_s < -TZ_OFFSET_MAX_S || tz->types[i].offset_s > TZ_OFFSET_MAX_S || bytes[4] > 1)
            return "a type of local time is out of range";
        if (at >= n_letters || !is_abbreviation(tz->text + at, n_letters - at))
            return "an abbreviation is malformed";
    }
    return NULL;
}

static bool same_type(const struct tz_offset *a, const struct tz_offset *b)
{
    return a->offset_s == b->offset_s && a->dst == b->dst && strcmp(a->abbreviation, b->abbreviation) == 0;
}

/* The type of the rule's standard or daylight saving time, which is mostly one of the file's. */
static uint16_t rule_type(struct tz *tz, bool dst)
{
    const struct tz_rule_time *time = dst ? &tz->rule.dst : &tz->rule.standard;
    struct tz_offset type = {time->offset_s, dst, time->name};
    size_t i = 0;
    while (i < tz->n_types && !same_type(&tz->types[i], &type))
        i++;
    if (i == tz->n_types)
        tz->types[tz->n_types++] = type;
    return (uint16_t)i;
}

static void work_out_cycle(struct tz *tz)
{
    g_autoptr(GArray) times = g_array_new(FALSE, FALSE, sizeof(int64_t));
    tz->has_rule = true;
    tz->cycle_s = tz->n_times > 0 ? MAX(tz->times[tz->n_times - 1], TZ_TIME_MIN_S) : 0;
    tz_rule_changes(&tz->rule, tz->cycle_s, times);
    uint16_t standard = rule_type(tz, false), dst = tz->rule.has_dst ? rule_type(tz, true) : standard;
    tz->cycle_kind = tz_rule_is_dst(&tz->rule, tz->cycle_s) ? dst : standard;
    tz->n_cycle = times->len;
    tz->cycle_kinds = g_new(uint16_t, tz->n_cycle);
    for (size_t i = 0; i < tz->n_cycle; i++)
        tz->cycle_kinds[i] = tz_rule_is_dst(&tz->rule, g_array_index(times, int64_t, i)) ? dst : standard;
    tz->cycle_times = (int64_t *)g_array_free(g_steal_pointer(&times), FALSE);
}

static const char *read_footer(struct tz *tz, struct view rest)
{
    const char *text = rest.data + 1;
    const char *end = rest.size > 1 && rest.data[0] == '\n' ? memchr(text, '\n', MIN(rest.size - 1, TZ_RULE_TEXT_MAX)) : NULL;
    if (end == NULL)
        return "its footer is missing or too long";
    if (end == text)
        return NULL;
    const char *wrong = tz_rule_parse(&tz->rule, view_make(text, (size_t)(end - text)));
    if (wrong != NULL)
        return wrong;
    work_out_cycle(tz);
    /* Changes to come mend a contradiction (America/Ojinaga in 2022, by zic of 2022): until the next one the last transition holds.
     */
    if (tz->n_times > 0 && tz->n_cycle == 0 && !same_type(&tz->types[tz->kinds[tz->n_times - 1]], &tz->types[tz->cycle_kind]))
        return "its footer contradicts its last transition";
    return NULL;
}

static const char *read_file(struct tz *tz, struct view rest)
{
    struct block block;
    size_t time_size = 4;
    const char *wrong = rest.size > TZ_FILE_MAX ? "it is too large" : take_block(&rest, time_size, &block);
    bool has_footer = wrong == NULL && block.version >= '2';
    if (has_footer) {
        time_size = 8;
        wrong = take_block(&rest, time_size, &block);
    }
    if (wrong == NULL)
        wrong = check_counts(&block);
    if (wrong == NULL)
        wrong = read_times(tz, &block, time_size);
    if (wrong == NULL)
        wrong = read_types(tz, &block);
    return wrong == NULL && has_footer ? read_footer(tz, rest) : wrong;
}

struct tz *tz_parse(const char *name, const void *data, size_t size, GError **error)
{
    struct tz *tz = g_new0(struct tz, 1);
    tz->name = g_strdup(name);
    const char *wrong = read_file(tz, view_make(data, size));
    if (wrong == NULL)
        return tz;
    g_set_error(error, TZ_ERROR, TZ_ERROR_DAMAGED, "the file of time zone %s cannot be used: %s", name, wrong);
    tz_free(tz);
    return NULL;
}

void tz_free(struct tz *tz)
{
    if (tz == NULL)
        return;
    g_free(tz->cycle_times);
    g_free(tz->cycle_kinds);
    g_free(tz->times);
    g_free(tz->kinds);
    g_free(tz->types);
    g_free(tz->text);
    g_free(tz->name);
    g_free(tz);
}
