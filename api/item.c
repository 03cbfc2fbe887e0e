#include "api/item.h"

#include "api/endpoints.h"
#include "lib/number.h"
#include <jansson.h>

#define A_NAME "text of 1 to %zu bytes without control characters"
#define A_TEXT "text of at most %zu bytes without control characters"

/* ---- where the fields lie ---- */

static void *at(const struct item_field *field, const void *item)
{
    return G_STRUCT_MEMBER_P(item, field->offset);
}

static char **text_at(const struct item_field *field, const void *item)
{
    return at(field, item);
}

static char ***patterns_at(const struct item_field *field, const void *item)
{
    return at(field, item);
}

static uint32_t *levels_at(const struct item_field *field, const void *item)
{
    return at(field, item);
}

static size_t *n_levels_at(const struct item_field *field, const void *item)
{
    return G_STRUCT_MEMBER_P(item, field->count_offset);
}

static bool is_text(const struct item_field *field)
{
    return field->type <= ITEM_ORGANIZATION;
}

static bool may_be_null(const struct item_field *field)
{
    return field->type == ITEM_NAME_OR_NULL || field->type == ITEM_ORGANIZATION;
}

static bool may_be_empty(const struct item_field *field)
{
    return field->type == ITEM_TEXT || field->type == ITEM_OWNER || field->type == ITEM_ORGANIZATION;
}

/* What stands in a cell for NULL. No value of a text is it: an empty one is NULL, or is not of a type that may be NULL. */
static const char *null_text(const struct item_field *field)
{
    return field->type == ITEM_ORGANIZATION ? ITEM_ALL : "";
}

static size_t size_max(const struct item_field *field)
{
    return field->most != 0 ? (size_t)field->most : ITEM_TEXT_MAX;
}

/* An enum is as wide as an unsigned here, which the shapes' words rest on. */
static unsigned word_at(const struct item_field *field, const void *item)
{
    unsigned word;
    G_STATIC_ASSERT(sizeof(enum item_type) == sizeof word);
    memcpy(&word, at(field, item), sizeof word);
    return word;
}

/* ---- life ---- */

void *item_new(const struct item_shape *shape)
{
    void *item = g_malloc0(shape->size);
    for (size_t i = 0; i < shape->n_fields; i++)
        if (is_text(&shape->fields[i]) && !may_be_null(&shape->fields[i]))
            *text_at(&shape->fields[i], item) = g_strdup("");
    return item;
}

static void *complete(const struct item_shape *shape, void *item)
{
    if (shape->complete != NULL)
        shape->complete(item);
    return item;
}

void *item_dup(const struct item_shape *shape, const void *item)
{
    void *copy = g_memdup2(item, shape->size);
    for (size_t i = 0; i < shape->n_fields; i++) {
        const struct item_field *field = &shape->fields[i];
        if (is_text(field))
            *text_at(field, copy) = g_strdup(*text_at(field, item));
        else if (field->type == ITEM_PATTERNS)
            *patterns_at(field, copy) = g_strdupv(*patterns_at(field, item));
    }
    return complete(shape, copy);
}

static void clear_field(const struct item_field *field, void *item)
{
    if (is_text(field) && field->is_secret && *text_at(field, item) != NULL)
        explicit_bzero(*text_at(field, item), strlen(*text_at(field, item)));
    if (is_text(field))
        g_free(*text_at(field, item));
    else if (field->type == ITEM_PATTERNS)
        g_strfreev(*patterns_at(field, item));
}

void item_free(const struct item_shape *shape, void *item)
{
    if (item == NULL)
        return;
    if (shape->clear != NULL)
        shape->clear(item);
    for (size_t i = 0; i < shape->n_fields; i++)
        clear_field(&shape->fields[i], item);
    g_free(item);
}

/* ---- what may be in a field ---- */

const struct item_field *item_field_named(const struct item_shape *shape, const char *name)
{
    for (size_t i = 0; i < shape->n_fields; i++)
        if (strcmp(shape->fields[i].name, name) == 0)
            return &shape->fields[i];
    return NULL;
}

bool item_field_may_be_empty(const struct item_field *field)
{
    return is_text(field) || field->type == ITEM_LEVELS;
}

char *item_field_allowed(const struct item_field *field)
{
    if (field->allowed != NULL)
        return g_strdup(field->allowed);
    switch (field->type) {
    case ITEM_TEXT:
    case ITEM_OWNER:
        return g_strdup_printf(A_TEXT, size_max(field));
    case ITEM_ORGANIZATION:
        return g_strdup_printf(A_TEXT "|null for all", size_max(field));
    case ITEM_NAME:
    case ITEM_NAME_OR_NULL:
        return g_strdup_printf(A_NAME, size_max(field));
    case ITEM_COUNT:
    case ITEM_PERCENT:
        return g_strdup_printf("a whole number from %" G_GUINT64_FORMAT " to %" G_GUINT64_FORMAT, field->least, field->most);
    case ITEM_FLAG:
        return g_strdup("true|false");
    case ITEM_WORD:
        return g_strjoinv("|", (char **)(uintptr_t)field->words);
    case ITEM_LEVELS:
        return g_strdup_printf("at most %zu numbers from %" G_GUINT64_FORMAT " to %" G_GUINT64_FORMAT ", each above the one before",
                               field->items_max, field->least, field->most);
    case ITEM_PATTERNS:
        break;
    }
    return g_strdup_printf("a list of 1 to %d patterns like GET /v1/orders/{id}", ENDPOINTS_PATTERNS_MAX);
}

bool item_text_is_valid(struct view text, size_t most)
{
    if (text.size > most || !g_utf8_validate(text.data, (gssize)text.size, NULL))
        return false;
    for (size_t i = 0; i < text.size; i++)
        if ((unsigned char)text.data[i] < 0x20 || text.data[i] == 0x7f)
            return false;
    return true;
}

/* ---- taking values ---- */

static bool take_text(const struct item_field *field, void *item, struct view text)
{
    if (!item_text_is_valid(text, size_max(field)) || (text.size == 0 && !may_be_empty(field)) ||
        (field->type == ITEM_ORGANIZATION && view_is(text, ITEM_ALL)))
        return false;
    g_autofree char *copy = g_strndup(text.data, text.size);
    if (field->is_valid != NULL && !field->is_valid(copy))
        return false;
    g_free(*text_at(field, item));
    *text_at(field, item) = g_steal_pointer(&copy);
    return true;
}

static bool take_null(const struct item_field *field, void *item)
{
    if (!may_be_null(field))
        return false;
    g_clear_pointer(text_at(field, item), g_free);
    return true;
}

static bool take_number(const struct item_field *field, void *item, uint64_t number)
{
    if (number < field->least || number > field->most)
        return false;
    if (field->type == ITEM_COUNT)
        *(uint64_t *)at(field, item) = number;
    else
        *(uint32_t *)at(field, item) = (uint32_t)number;
    return true;
}

static bool take_flag(const struct item_field *field, void *item, bool flag)
{
    *(bool *)at(field, item) = flag;
    return true;
}

static bool take_word(const struct item_field *field, void *item, const char *text)
{
    for (unsigned word = 0; field->words[word] != NULL; word++) {
        if (g_ascii_strcasecmp(field->words[word], text) != 0)
            continue;
        memcpy(at(field, item), &word, sizeof word);
        return true;
    }
    return false;
}

/* Levels as they are being read; more than can be is wrong. */
struct levels {
    const struct item_field *field;
    uint32_t list[ITEM_LEVELS_MAX];
    size_t n;
};

static bool add_level(struct levels *levels, uint64_t level)
{
    const struct item_field *field = levels->field;
    if (levels->n == field->items_max || level < field->least || level > field->most ||
        (levels->n > 0 && level <= levels->list[levels->n - 1]))
        return false;
    levels->list[levels->n++] = (uint32_t)level;
    return true;
}

static bool take_levels(const struct levels *levels, void *item)
{
    memcpy(at(levels->field, item), levels->list, levels->n * sizeof levels->list[0]);
    *n_levels_at(levels->field, item) = levels->n;
    return true;
}

static bool take_levels_text(const struct item_field *field, void *item, const char *text)
{
    struct levels levels = {.field = field};
    const char *end = text + strlen(text);
    uint64_t level;
    g_assert(field->items_max <= ITEM_LEVELS_MAX);
    for (text += strspn(text, " "); *text != '\0'; text += strspn(text, " "))
        if (!number_scan(&text, end, &level) || !add_level(&levels, level) || (*text != ' ' && *text != '\0'))
            return false;
    return take_levels(&levels, item);
}

static bool take_levels_json(const struct item_field *field, void *item, const json_t *list)
{
    struct levels levels = {.field = field};
    const json_t *level;
    size_t i;
    g_assert(field->items_max <= ITEM_LEVELS_MAX);
    if (!json_is_array(list))
        return false;
    json_array_foreach(list, i, level) if (!json_is_integer(level) || json_integer_value(level) < 0 ||
                                           !add_level(&levels, (uint64_t)json_integer_value(level))) return false;
    return take_levels(&levels, item);
}

/* Takes the array; NULLs in it: what is no pattern. */
static bool take_patterns(const struct item_field *field, void *item, GPtrArray *patterns)
{
    bool ok = patterns->len > 0 && patterns->len <= ENDPOINTS_PATTERNS_MAX;
    for (guint i = 0; ok && i < patterns->len; i++)
        ok = g_ptr_array_index(patterns, i) != NULL;
    g_ptr_array_add(patterns, NULL);
    if (!ok) {
        g_ptr_array_free(patterns, TRUE);
        return false;
    }
    g_strfreev(*patterns_at(field, item));
    *patterns_at(field, item) = (char **)g_ptr_array_free(patterns, FALSE);
    return true;
}

static bool take_patterns_json(const struct item_field *field, void *item, const json_t *list)
{
    GPtrArray *patterns = g_ptr_array_new_with_free_func(g_free);
    const json_t *pattern;
    const char *why;
    size_t i;
    json_array_foreach(list, i, pattern)
    {
        if (i > ENDPOINTS_PATTERNS_MAX)
            break;
        g_ptr_array_add(patterns, json_is_string(pattern) ? endpoints_pattern(json_string_value(pattern), &why) : NULL);
    }
    return take_patterns(field, item, patterns);
}

bool item_take_json(const struct item_field *field, void *item, const json_t *value)
{
    const char *text = json_string_value(value);
    switch (field->type) {
    case ITEM_COUNT:
    case ITEM_PERCENT:
        return json_is_integer(value) && json_integer_value(value) >= 0 &&
               take_number(field, item, (uint64_t)json_integer_value(value));
    case ITEM_FLAG:
        return json_is_boolean(value) && take_flag(field, item, json_is_true(value));
    case ITEM_WORD:
        return text != NULL && take_word(field, item, text);
    case ITEM_LEVELS:
        return take_levels_json(field, item, value);
    case ITEM_PATTERNS:
        return take_patterns_json(field, item, value);
    default:
        return json_is_null(value) ? take_null(field, item)
                                   : text != NULL && take_text(field, item, view_make(text, json_string_length(value)));
    }
}

bool item_take_text(const struct item_field *field, void *item, const char *text)
{
    uint64_t number;
    switch (field->type) {
    case ITEM_COUNT:
    case ITEM_PERCENT:
        return number_read(view_of(text), &number) && take_number(field, item, number);
    case ITEM_FLAG:
        return (g_ascii_strcasecmp(text, "true") == 0 || g_ascii_strcasecmp(text, "false") == 0) &&
               take_flag(field, item, g_ascii_tolower(text[0]) == 't');
    case ITEM_WORD:
        return take_word(field, item, text);
    case ITEM_LEVELS:
        return take_levels_text(field, item, text);
    case ITEM_PATTERNS:
        return false; /* nothing with patterns is in tables */
    default:
        return may_be_null(field) && strcmp(text, null_text(field)) == 0 ? take_null(field, item)
                                                                         : take_text(field, item, view_of(text));
    }
}

/* ---- showing them ---- */

void item_write_field(const struct item_field *field, const void *item, struct writer *writer)
{
    switch (field->type) {
    case ITEM_COUNT:
        writer_count(writer, field->name, *(const uint64_t *)at(field, item));
        return;
    case ITEM_PERCENT:
        writer_count(writer, field->name, *(const uint32_t *)at(field, item));
        return;
    case ITEM_FLAG:
        writer_bool(writer, field->name, *(const bool *)at(field, item));
        return;
    case ITEM_WORD:
        writer_text(writer, field->name, view_of(field->words[word_at(field, item)]));
        return;
    case ITEM_LEVELS:
        writer_begin(writer, field->name, '[');
        for (size_t i = 0; i < *n_levels_at(field, item); i++)
            writer_count(writer, NULL, levels_at(field, item)[i]);
        writer_end(writer, ']');
        return;
    case ITEM_PATTERNS:
        writer_begin(writer, field->name, '[');
        for (char **pattern = *patterns_at(field, item); pattern != NULL && *pattern != NULL; pattern++)
            writer_text(writer, NULL, view_of(*pattern));
        writer_end(writer, ']');
        return;
    default:
        writer_text_or_null(writer, field->name, *text_at(field, item));
    }
}

const char *item_field_borrow(const struct item_field *field, const void *item)
{
    return is_text(field) ? *text_at(field, item) : NULL;
}

static char *levels_text(const struct item_field *field, const void *item)
{
    GString *text = g_string_new(NULL);
    for (size_t i = 0; i < *n_levels_at(field, item); i++)
        g_string_append_printf(text, "%s%" G_GUINT32_FORMAT, i > 0 ? " " : "", levels_at(field, item)[i]);
    return g_string_free(text, FALSE);
}

char *item_field_text(const struct item_field *field, const void *item)
{
    switch (field->type) {
    case ITEM_COUNT:
        return g_strdup_printf("%" G_GUINT64_FORMAT, *(const uint64_t *)at(field, item));
    case ITEM_PERCENT:
        return g_strdup_printf("%" G_GUINT32_FORMAT, *(const uint32_t *)at(field, item));
    case ITEM_FLAG:
        return g_strdup(*(const bool *)at(field, item) ? "true" : "false");
    case ITEM_WORD:
        return g_strdup(field->words[word_at(field, item)]);
    case ITEM_LEVELS:
        return levels_text(field, item);
    case ITEM_PATTERNS:
        return *patterns_at(field, item) != NULL ? g_strjoinv(" ", *patterns_at(field, item)) : g_strdup("");
    default:
        return g_strdup(*text_at(field, item) != NULL ? *text_at(field, item) : null_text(field));
    }
}

/* ---- whole ---- */

/* Two values are the same if they look the same: no two of one type do not. */
bool item_equal(const struct item_shape *shape, const void *a, const void *b)
{
    for (size_t i = 0; i < shape->n_fields; i++) {
        g_autofree char *first = item_field_text(&shape->fields[i], a), *second = item_field_text(&shape->fields[i], b);
        if (strcmp(first, second) != 0)
            return false;
    }
    return true;
}

void item_write(const struct item_shape *shape, const void *item, bool with_secrets, struct writer *writer)
{
    for (size_t i = 0; i < shape->n_fields; i++)
        if (with_secrets || !shape->fields[i].is_secret)
            item_write_field(&shape->fields[i], item, writer);
}

static const struct item_field *fill(const struct item_shape *shape, void *item, const json_t *object)
{
    const char *allowed;
    for (size_t i = 0; i < shape->n_fields; i++) {
        const json_t *value = json_object_get(object, shape->fields[i].name);
        if (value == NULL || !item_take_json(&shape->fields[i], item, value))
            return &shape->fields[i];
    }
    return shape->check != NULL ? shape->check(item, &allowed) : NULL;
}

void *item_read(const struct item_shape *shape, const json_t *object, const struct item_field **blame)
{
    void *item = item_new(shape);
    *blame = fill(shape, item, object);
    if (*blame == NULL)
        return complete(shape, item);
    item_free(shape, item);
    return NULL;
}
