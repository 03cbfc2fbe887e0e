/* admin_body: the fields of tokens and keys as they are given in JSON, checked. (Those of other items: admin_item.h.)
 *
 * One table has a row for each field: its name and its kind. An unknown field, a wrong
 * type and a value that is not allowed are refused, naming field, value and what is allowed. null is as good as leaving a field
 * out, but for the organization, where it means all. Names of enum values compare case-insensitively. Pure functions. */
#ifndef DAYBOOK_ADMIN_BODY_H
#define DAYBOOK_ADMIN_BODY_H

#include "api/caller.h"
#include "api/refusal.h"
#include "lib/http.h"

struct json_t;

enum admin_field {
    ADMIN_KEY_ID,
    ADMIN_NAME,
    ADMIN_ORGANIZATION,
    ADMIN_CLIENT,
    ADMIN_TIER,
    ADMIN_PERMISSIONS,
    ADMIN_EXPIRES_AT,
    ADMIN_FIELD_N,
};

enum {
    ADMIN_TOKEN_FIELDS = 1 << ADMIN_NAME | 1 << ADMIN_ORGANIZATION | 1 << ADMIN_CLIENT | 1 << ADMIN_TIER | 1 << ADMIN_PERMISSIONS |
                         1 << ADMIN_EXPIRES_AT,
    ADMIN_KEY_FIELDS = 1 << ADMIN_KEY_ID | 1 << ADMIN_NAME | 1 << ADMIN_ORGANIZATION | 1 << ADMIN_TIER | 1 << ADMIN_PERMISSIONS |
                       1 << ADMIN_EXPIRES_AT,
};

struct admin_body {
    uint32_t given;             /* 1 << enum admin_field */
    bool all_organizations;     /* "organization": null */
    char *texts[ADMIN_FIELD_N]; /* of the fields that are texts, or NULL */
    enum tier tier;
    uint32_t permissions;
    int64_t expires_ms; /* Unix time, in the future when it was read; 0: never */
};

/* Parses an object of JSON with some of these fields. now_ms: Unix time. False: refused, and body needs no clearing. */
bool admin_body_parse(struct admin_body *body, uint32_t fields, struct view json, int64_t now_ms, struct refusal *refusal);
void admin_body_clear(struct admin_body *body);
/* A text that was given, else the fallback (may be NULL). Borrowed. */
const char *admin_body_text(const struct admin_body *body, enum admin_field field, const char *fallback);
bool admin_body_has(const struct admin_body *body, enum admin_field field);

const char *admin_field_name(enum admin_field field);

/* ---- any body ---- */

/* The object of JSON, for json_decref; NULL: refused. */
struct json_t *admin_body_object(struct view json, struct refusal *refusal);
/* Refuse a value, and a field that there is not; they return false. */
bool admin_body_refuse(const char *field, const struct json_t *value, const char *allowed, struct refusal *refusal);
bool admin_body_refuse_unknown(const char *name, const char *allowed, struct refusal *refusal);

/* False: the request says that its body is of another type, which is refused with 415. One that says nothing is taken. */
bool admin_check_type(const struct http_request *request, const char *type, struct refusal *refusal);

#endif
