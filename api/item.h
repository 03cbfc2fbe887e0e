/* item: what administrators make (clients, methods, plans, limits, …), described by tables of its fields.
 *
 * A shape says of each field of a struct its name, where it lies, of what type it is and what may be in it. From that come reading
 * and writing as JSON and as the cells of a table, copies and comparison, all with the same rules. Texts are owned by the item and
 * never NULL, but where NULL is a value. Pure functions. */
#ifndef DAYBOOK_ITEM_H
#define DAYBOOK_ITEM_H

#include "api/writer.h"
#include <glib.h>
#include <stdbool.h>

struct json_t;

enum { ITEM_FIELDS_MAX = 16, ITEM_TEXT_MAX = 256 /* bytes of a text, where the field says nothing else */, ITEM_LEVELS_MAX = 16 };
#define ITEM_ALL "*" /* all organizations, in the cell of a table; no item's organization is called so */

enum item_type {
    ITEM_TEXT,         /* char *: UTF-8 without control characters; may be "" */
    ITEM_NAME,         /* the same, not "" */
    ITEM_NAME_OR_NULL, /* the same, or NULL: null, or an empty cell */
    ITEM_OWNER,        /* an organization, which may be "": where events name none */
    ITEM_ORGANIZATION, /* the same, or NULL: of all; null, or ITEM_ALL in a cell */
    ITEM_COUNT,        /* uint64_t */
    ITEM_PERCENT,      /* uint32_t */
    ITEM_FLAG,         /* bool */
    ITEM_WORD,         /* an enum, one of words */
    ITEM_LEVELS,       /* uint32_t[items_max], ascending, and their number; in a cell with blanks between them */
    ITEM_PATTERNS,     /* char **: of endpoints.h, at least one */
};

struct item_field {
    const char *name;
    enum item_type type;
    size_t offset, count_offset;        /* in the struct; of ITEM_LEVELS their number (size_t) too */
    bool is_needed;                     /* whoever makes one must give it */
    bool is_ours;                       /* nobody gives it: we make it */
    bool is_secret;                     /* kept, but not shown */
    uint64_t least, most;               /* of numbers; most of a text in bytes, 0: ITEM_TEXT_MAX */
    size_t items_max;                   /* of levels, ITEM_LEVELS_MAX at most */
    const char *const *words;           /* NULL-terminated */
    bool (*is_valid)(const char *text); /* of a text, besides; or NULL */
    const char *allowed;                /* what may be given, "a|b|c"; NULL: follows from the rest */
};

struct item_shape {
    size_t size;
    const struct item_field *fields;
    size_t n_fields;
    /* What does not go together: the field that is to blame, and what is allowed in it; NULL: all is well. Or NULL. */
    const struct item_field *(*check)(const void *item, const char **allowed);
    /* What else is made of the fields, when all are there, and is freed before them; or NULL. */
    void (*complete)(void *item);
    void (*clear)(void *item);
};

/* ---- life ---- */

/* Its texts are "" or NULL, its numbers 0. */
void *item_new(const struct item_shape *shape);
void *item_dup(const struct item_shape *shape, const void *item);
void item_free(const struct item_shape *shape, void *item); /* NULL is allowed */

/* ---- fields ---- */

/* NULL: there is none of this name. */
const struct item_field *item_field_named(const struct item_shape *shape, const char *name);
/* There is an empty value, so that an empty cell is one. */
bool item_field_may_be_empty(const struct item_field *field);
/* What may be given, "a|b|c"; the caller frees it. */
char *item_field_allowed(const struct item_field *field);
/* False: it is not allowed, and the item is as before. */
bool item_take_json(const struct item_field *field, void *item, const struct json_t *value);
bool item_take_text(const struct item_field *field, void *item, const char *text);
void item_write_field(const struct item_field *field, const void *item, struct writer *writer);
/* What is in a field of text, borrowed; NULL: it is NULL, or not of text. */
const char *item_field_borrow(const struct item_field *field, const void *item);
/* As the cell of a table; the caller frees it. */
char *item_field_text(const struct item_field *field, const void *item);

/* ---- whole ---- */

bool item_equal(const struct item_shape *shape, const void *a, const void *b);
/* The fields into an object that has been begun. */
void item_write(const struct item_shape *shape, const void *item, bool with_secrets, struct writer *writer);
/* Reads what item_write wrote, with secrets: all fields must be there; others (of a later version) are passed over. NULL: *blame is
 * the field that is wrong. The caller frees it with item_free. */
void *item_read(const struct item_shape *shape, const struct json_t *object, const struct item_field **blame);

/* UTF-8 of at most so many bytes without control characters. */
bool item_text_is_valid(struct view text, size_t most);

#endif
