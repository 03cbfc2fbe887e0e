/* view: a borrowed run of bytes.
 *
 * A view owns nothing and is not NUL-terminated. Whoever hands one out says how long the bytes live. */
#ifndef DAYBOOK_VIEW_H
#define DAYBOOK_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct view {
    const char *data; /* may be NULL when size is 0 */
    size_t size;      /* bytes */
};

static inline struct view view_of(const char *text)
{
    struct view v = {text, text ? strlen(text) : 0};
    return v;
}

static inline struct view view_make(const void *data, size_t size)
{
    struct view v = {(const char *)data, size};
    return v;
}

static inline bool view_equal(struct view a, struct view b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

static inline bool view_is(struct view a, const char *text)
{
    return view_equal(a, view_of(text));
}

#endif
