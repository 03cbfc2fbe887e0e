/* route_segment: what kind of value one segment of a URL path is.
 *
 * Stateless and deterministic, since bills depend on it: the same segment has the same class in every collector and every run. A
 * change of these rules changes what old log files count as, and so must change ROUTE_SEGMENT_VERSION. The rules are in
 * docs/INPUTS.md.
 *
 * Pure functions. */
#ifndef DAYBOOK_ROUTE_SEGMENT_H
#define DAYBOOK_ROUTE_SEGMENT_H

#include "lib/view.h"

#define ROUTE_SEGMENT_VERSION 1

#define ROUTE_CLASSES(X)                                                                 \
    X(UUID, "uuid")   /* 8-4-4-4-12 hexadecimal digits */                                \
    X(N, "n")         /* decimal number, or several with commas */                       \
    X(DATE, "date")   /* 2026-11, 2026-11-20, 2026-11-20T10:00:00Z */                    \
    X(EMAIL, "email") /* name@host.domain */                                             \
    X(HEX, "hex")     /* 8 and more hexadecimal digits, letters and digits among them */ \
    X(TOKEN, "token") /* any other text that looks made by a machine, or is too long for a word */

enum route_class {
    ROUTE_LITERAL, /* a word: stays as it is */
#define X(name, word) ROUTE_##name,
    ROUTE_CLASSES(X)
#undef X
        ROUTE_N_CLASSES,
};

/* "uuid", "n", …; "" for ROUTE_LITERAL. */
const char *route_class_word(enum route_class class_);
/* The class with this word, or ROUTE_LITERAL. */
enum route_class route_class_named(struct view word);

/* Class of a segment: without '/', percent-decoded, clean UTF-8. */
enum route_class route_segment_class(struct view segment);
/* Bytes of a well-known file extension at the end of the segment, with its dot; 0: none. */
size_t route_segment_extension(struct view segment);
/* Whether the segment fits a configured parameter of this type: "hex" also takes digits alone, "token" all but words. */
bool route_segment_fits(struct view segment, enum route_class class_);

#endif
