/* refusal: why a request cannot be answered, in the terms of the HTTP contract.
 *
 * Filled by who refuses, written as JSON by routes. code points to a constant; field, value and message are owned; allowed is a
 * constant list "a|b|c" or an owned sentence part, see the two setters. Cleared with refusal_clear. */
#ifndef DAYBOOK_REFUSAL_H
#define DAYBOOK_REFUSAL_H

#include <glib.h>
#include <stdbool.h>

struct refusal {
    int status;        /* HTTP */
    const char *code;  /* "INVALID_TIMEFRAME" */
    char *message;     /* whole sentences; begins with the words of the contract where it fixes them */
    char *field;       /* the parameter, or NULL */
    char *value;       /* as it was given, or NULL */
    char **allowed;    /* NULL-terminated values, or NULL */
    int retry_after_s; /* 0: no Retry-After */
};

/* Always returns false, so that a check can end with it. */
bool refusal_set(struct refusal *refusal, int status, const char *code, const char *format, ...) G_GNUC_PRINTF(4, 5);
/* For a 400: names field, value and the allowed values ("a|b|c"), beginning with `words`. */
bool refusal_set_value(struct refusal *refusal, const char *code, const char *words, const char *field, const char *value,
                       const char *allowed);
void refusal_clear(struct refusal *refusal);

#endif
