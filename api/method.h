/* method: a named group of endpoints, of one organization or of all: "checkout" is POST /v1/orders and ANY /v1/carts/{id}/... A
 * method is applied when counts are read, so it may change at any time and holds for all days. Never changes once made. */
#ifndef DAYBOOK_METHOD_H
#define DAYBOOK_METHOD_H

#include "api/endpoints.h"
#include "api/item.h"

enum { METHOD_NAME_MAX = 64 };
#define METHOD_HITS "hits" /* what stands for all requests; no method has this name */
#define METHOD_NAME_ALLOWED "1 to 64 letters, digits, '-', '_' and '.', and not hits, which is all requests"

struct method {
    char *name;                  /* letters, digits, '-', '_' and '.' */
    char *title;                 /* for people; may be "" */
    char *organization;          /* NULL: of all */
    char **patterns;             /* as endpoints_pattern gives them; at least one */
    struct endpoints *endpoints; /* the same, ready for use */
};

/* As JSON {"name","title","organization":null|text,"endpoints":[patterns]}. */
extern const struct item_shape method_shape;

/* Copies everything. */
struct method *method_new(const char *name, const char *title, const char *organization, const char *const *patterns);
/* What a question about one route (endpoints_name) is about, as if it were a method of that name; it has no patterns. */
struct method *method_new_exact(const char *route);
void method_free(struct method *method); /* NULL is allowed */
/* It can be the name of a method; "hits" cannot. No route's name is one, for it has a blank, or braces. */
bool method_name_is_valid(const char *name);

#endif
