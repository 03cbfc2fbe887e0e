/* endpoints: which routes a question is about: one by its exact name, or all that fit any pattern of a method.
 *
 * A pattern is an HTTP method, or ANY, a blank and a template. In the template a segment "*" stands for exactly one segment, and
 * "**" as the last one for any number of them, none included; all else stands for itself. Templates differ by case, HTTP methods do
 * not. What is over the cap of routes ("{other}") fits no pattern: nobody knows what is in it. Pure; never changes once made, so
 * any thread may read it. */
#ifndef DAYBOOK_ENDPOINTS_H
#define DAYBOOK_ENDPOINTS_H

#include "lib/view.h"
#include <glib.h>

enum { ENDPOINTS_PATTERNS_MAX = 100 /* of one method */ };
#define ENDPOINTS_ANY "ANY"

struct endpoints;

/* The one route of this name ("GET /v1/orders/{id}", "{other}"), whatever characters it has. */
struct endpoints *endpoints_new_exact(const char *name);
/* The name of one route as counts have it, its method in upper case; NULL: it cannot be one. */
char *endpoints_name(const char *text);
/* Patterns as endpoints_pattern gives them, NULL-terminated. */
struct endpoints *endpoints_new(const char *const *patterns);
void endpoints_free(struct endpoints *endpoints); /* NULL is allowed */
/* name: METHOD " " template, as counts have it. */
bool endpoints_have(const struct endpoints *endpoints, struct view name);

/* The pattern as it is kept: its method in upper case. NULL: it is none, with what one looks like in *why (a constant). */
char *endpoints_pattern(const char *text, const char **why);

#endif
