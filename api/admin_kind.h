/* admin_kind: what the routes for the kinds of items (registry_kind.h) differ in, in one table: where they are, who may see and
 * change what, and what an item may refer to. */
#ifndef DAYBOOK_ADMIN_KIND_H
#define DAYBOOK_ADMIN_KIND_H

#include "api/admin_params.h"
#include "api/refusal.h"
#include "api/registry_snapshot.h"

/* What an item is told apart by. */
enum admin_scope {
    ADMIN_OF_ONE,  /* organization and id: clients */
    ADMIN_OF_SOME, /* the same, or a name for all, behind which an organization's own goes */
    ADMIN_ALONE,   /* its id */
};

struct admin_kind {
    enum registry_kind kind;
    const char *path; /* of the list; one item lies at path "/" id, a table at path ".csv" */
    const char *id;   /* the field that is in the path */
    const char *part; /* how the path calls it */
    enum admin_scope scope;
    uint32_t filters; /* of the list: ADMIN_BY_… */
    bool is_shared;   /* those of all organizations are shown to every administrator */
    bool is_of_all;   /* an administrator of one organization only looks */
    bool is_posted;   /* made by POST, which gives it its id */
    /* What it refers to is there; before: as it was, or NULL. Or NULL. */
    bool (*check)(const struct registry_snapshot *snapshot, const void *item, const void *before, struct refusal *refusal);
    /* Nothing refers to it. Or NULL. */
    bool (*check_unused)(const struct registry_snapshot *snapshot, const void *item, struct refusal *refusal);
};

/* The kind whose routes a path belongs to; asserts that there is one. */
const struct admin_kind *admin_kind_at(const char *path);
const struct registry_kind_info *admin_kind_info(const struct admin_kind *kind);

/* Whose it is; NULL: of all. */
const char *admin_kind_organization(const struct admin_kind *kind, const void *item);
bool admin_kind_shows(const struct admin_kind *kind, const struct caller *caller, const void *item);
/* It fits the filters of a list. */
bool admin_kind_fits(const struct admin_kind *kind, const struct admin_params *params, const void *item);

/* 403, unless the caller may make this of what was there before (NULL: nothing, which must fit, too). */
bool admin_kind_may_put(const struct admin_kind *kind, const struct caller *caller, const void *item, const void *before,
                        struct refusal *refusal);
/* What it refers to is there. refusal NULL: only whether, which is cheap. */
bool admin_kind_check(const struct admin_kind *kind, const struct registry_snapshot *snapshot, const void *item, const void *before,
                      struct refusal *refusal);
/* 409, if there are so many already. */
bool admin_kind_has_room(const struct admin_kind *kind, const struct registry_snapshot *snapshot, struct refusal *refusal);

#endif
