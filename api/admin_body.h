/* admin_body: the fields of clients, tokens, keys and methods as they are given, in JSON or in a line of CSV, checked.
 *
 * One table has a row for each field: its name and its kind, so that both forms take the same values. An unknown field, a wrong
 * type and a value that is not allowed are refused, naming field, value and what is allowed. null is as good as leaving a field
 * out, but for the organization, where it means all. Names of enum values compare case-insensitively. Pure functions. */
#ifndef DAYBOOK_ADMIN_BODY_H
#define DAYBOOK_ADMIN_BODY_H

#include "api/caller.h"
#include "api/refusal.h"
#include "lib/http.h"

enum admin_field {
    ADMIN_ID,
    ADMIN_KEY_ID,
    ADMIN_NAME,
    ADMIN_ORGANIZATION,
    ADMIN_CLIENT,
    ADMIN_TIER,
    ADMIN_PLATFORM,
    ADMIN_PLAN,
    ADMIN_PERMISSIONS,
    ADMIN_EXPIRES_AT,
    ADMIN_TITLE,
    ADMIN_ENDPOINTS,
    ADMIN_FIELD_N,
};

enum {
    ADMIN_CLIENT_FIELDS =
        1 << ADMIN_ID | 1 << ADMIN_NAME | 1 << ADMIN_ORGANIZATION | 1 << ADMIN_TIER | 1 << ADMIN_PLATFORM | 1 << ADMIN_PLAN,
    ADMIN_TOKEN_FIELDS = 1 << ADMIN_NAME | 1 << ADMIN_ORGANIZATION | 1 << ADMIN_CLIENT | 1 << ADMIN_TIER | 1 << ADMIN_PERMISSIONS |
                         1 << ADMIN_EXPIRES_AT,
    ADMIN_KEY_FIELDS = 1 << ADMIN_KEY_ID | 1 << ADMIN_NAME | 1 << ADMIN_ORGANIZATION | 1 << ADMIN_TIER | 1 << ADMIN_PERMISSIONS |
                       1 << ADMIN_EXPIRES_AT,
    ADMIN_METHOD_FIELDS = 1 << ADMIN_NAME | 1 << ADMIN_ORGANIZATION | 1 << ADMIN_TITLE | 1 << ADMIN_ENDPOINTS,
};

struct admin_body {
    uint32_t given;             /* 1 << enum admin_field */
    bool all_organizations;     /* "organization": null */
    char *texts[ADMIN_FIELD_N]; /* of the fields that are texts, or NULL */
    char **endpoints;           /* patterns, as endpoints_pattern gives them; or NULL */
    enum tier tier;
    uint32_t permissions;
    int64_t expires_ms; /* Unix time, in the future when it was read; 0: never */
};

/* Parses an object of JSON with some of these fields. now_ms: Unix time. False: refused, and body needs no clearing. */
bool admin_body_parse(struct admin_body *body, uint32_t fields, struct view json, int64_t now_ms, struct refusal *refusal);
/* One field from its text, as in CSV; "" for a tier is none. */
bool admin_body_take(struct admin_body *body, enum admin_field field, const char *text, struct refusal *refusal);
void admin_body_clear(struct admin_body *body);
/* A text that was given, else the fallback (may be NULL). Borrowed. */
const char *admin_body_text(const struct admin_body *body, enum admin_field field, const char *fallback);
bool admin_body_has(const struct admin_body *body, enum admin_field field);

/* ADMIN_FIELD_N: there is none of this name among the fields. */
enum admin_field admin_field_named(const char *name, uint32_t fields);
const char *admin_field_name(enum admin_field field);
/* "id|name|…"; the caller frees it. */
char *admin_field_names(uint32_t fields);

/* False: the request says that its body is of another type, which is refused with 415. One that says nothing is taken. */
bool admin_check_type(const struct http_request *request, const char *type, struct refusal *refusal);

#endif
