/* finding: one difference between what must be and what is: where, what, expected, found. Owned by whoever got it. */
#ifndef DAYBOOK_CLI_FINDING_H
#define DAYBOOK_CLI_FINDING_H

#include <glib.h>
#include <stdint.h>
#include <stdio.h>

struct finding {
    char *where; /* "2026-10-05, revision 1, partition 3: the sheet in Redis, {p3}:sheet:2026-10-05:1" */
    char *what, *expected, *found;
};

/* Where is taken; the others are copied. */
struct finding *finding_new(char *where, const char *what, const char *expected, const char *found);
struct finding *finding_new_numbers(char *where, const char *what, uint64_t expected, uint64_t found);
void finding_free(struct finding *finding);
/* Four lines. */
void finding_print(const struct finding *finding, FILE *out);

/* One number of a list that is compared. */
struct finding_number {
    const char *what;
    uint64_t expected, found;
};
/* The first number that differs; NULL: none. */
const struct finding_number *finding_first(const struct finding_number *numbers, size_t n);

#endif
