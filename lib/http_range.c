#include "lib/http_range.h"
#include <glib.h>
#include <stdbool.h>
#include <string.h>

static const char *skip_blanks(const char *text)
{
    return text + strspn(text, " \t");
}

/* Digits, or none: -1. What is beyond int64_t is the end of any body. */
static int64_t take_number(const char **at)
{
    int64_t number = 0;
    const char *begin = *at;

    for (; g_ascii_isdigit(**at); (*at)++) {
        int64_t digit = **at - '0';
        number = number > (INT64_MAX - digit) / 10 ? INT64_MAX : number * 10 + digit;
    }
    return *at == begin ? -1 : number;
}

/* The set of ranges is a list, of which empty items count for nothing; more than one range is more than is done here. */
static bool parse_single(const char *set, int64_t *from, int64_t *to)
{
    const char *at = set + strspn(set, " \t,");

    *from = take_number(&at);
    if (*at++ != '-')
        return false;
    *to = take_number(&at);
    return at[strspn(at, " \t,")] == '\0' && (*from >= 0 || *to >= 0) && (*to < 0 || *from <= *to);
}

enum http_range http_range_parse(const char *header, int64_t size, int64_t *first, int64_t *length)
{
    static const char unit[] = "bytes";
    int64_t from, to;

    if (!header)
        return HTTP_RANGE_WHOLE;
    header = skip_blanks(header);
    if (g_ascii_strncasecmp(header, unit, sizeof unit - 1) != 0 || header[sizeof unit - 1] != '=' ||
        !parse_single(header + sizeof unit, &from, &to))
        return HTTP_RANGE_WHOLE;
    if (from < 0) { /* the last bytes; of an empty body there are none to name in Content-Range */
        if (to == 0)
            return HTTP_RANGE_UNSATISFIABLE;
        if (size == 0)
            return HTTP_RANGE_WHOLE;
        *first = size - MIN(to, size);
        *length = size - *first;
        return HTTP_RANGE_PART;
    }
    if (from >= size)
        return HTTP_RANGE_UNSATISFIABLE;
    *first = from;
    *length = (to < 0 || to >= size ? size - 1 : to) - from + 1;
    return HTTP_RANGE_PART;
}
