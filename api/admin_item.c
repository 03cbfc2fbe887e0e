#include "api/admin_item.h"

#include "api/admin_body.h"
#include "api/endpoints.h"
#include <jansson.h>

void *admin_item_new(const struct item_shape *shape, const struct caller *caller)
{
    const struct item_field *field = item_field_named(shape, "organization");
    void *item = item_new(shape);
    if (field != NULL && caller->organization != NULL)
        item_take_text(field, item, caller->organization);
    return item;
}

size_t admin_item_field(const struct item_shape *shape, const char *name)
{
    const struct item_field *field = item_field_named(shape, name);
    return field != NULL && !field->is_ours ? (size_t)(field - shape->fields) : shape->n_fields;
}

char *admin_item_fields(const struct item_shape *shape, admin_given without)
{
    GString *names = g_string_new(NULL);
    for (size_t i = 0; i < shape->n_fields; i++)
        if (!shape->fields[i].is_ours && (without & 1U << i) == 0)
            g_string_append_printf(names, "%s%s", names->len > 0 ? "|" : "", shape->fields[i].name);
    return g_string_free(names, FALSE);
}

/* Which of the patterns is none, and what one looks like. */
static bool refuse_patterns(const struct item_field *field, const json_t *list, struct refusal *refusal)
{
    g_autofree char *allowed = item_field_allowed(field);
    const json_t *pattern;
    size_t i;
    json_array_foreach(list, i, pattern)
    {
        const char *why = allowed;
        g_autofree char *good = json_is_string(pattern) ? endpoints_pattern(json_string_value(pattern), &why) : NULL;
        if (good == NULL)
            return admin_body_refuse(field->name, pattern, why, refusal);
    }
    return admin_body_refuse(field->name, list, allowed, refusal);
}

static bool take_member(const struct item_shape *shape, void *item, size_t i, const json_t *value, struct refusal *refusal)
{
    const struct item_field *field = &shape->fields[i];
    if ((json_is_null(value) && field->type != ITEM_ORGANIZATION) || item_take_json(field, item, value))
        return true;
    if (field->type == ITEM_PATTERNS && json_array_size(value) <= ENDPOINTS_PATTERNS_MAX)
        return refuse_patterns(field, value, refusal);
    g_autofree char *allowed = item_field_allowed(field);
    return admin_body_refuse(field->name, value, allowed, refusal);
}

static bool take_members(const struct item_shape *shape, void *item, json_t *object, admin_given *given, struct refusal *refusal)
{
    const char *name;
    json_t *value;
    json_object_foreach(object, name, value)
    {
        size_t i = admin_item_field(shape, name);
        if (i == shape->n_fields) {
            g_autofree char *allowed = admin_item_fields(shape, 0);
            return admin_body_refuse_unknown(name, allowed, refusal);
        }
        if (!take_member(shape, item, i, value, refusal))
            return false;
        if (!json_is_null(value) || shape->fields[i].type == ITEM_ORGANIZATION)
            *given |= 1U << i;
    }
    return true;
}

bool admin_item_take_json(const struct item_shape *shape, void *item, struct view json, admin_given *given, struct refusal *refusal)
{
    json_t *object = admin_body_object(json, refusal);
    bool ok = object != NULL && take_members(shape, item, object, given, refusal);
    json_decref(object);
    return ok;
}

bool admin_item_take_cell(const struct item_shape *shape, size_t index, void *item, const char *text, struct refusal *refusal)
{
    const struct item_field *field = &shape->fields[index];
    if (item_take_text(field, item, text))
        return true;
    g_autofree char *allowed = item_field_allowed(field);
    return refusal_set_value(refusal, "INVALID_VALUE", "Invalid value", field->name, text, allowed);
}

bool admin_item_check(const struct item_shape *shape, const char *name, const void *item, admin_given given,
                      struct refusal *refusal)
{
    for (size_t i = 0; i < shape->n_fields; i++) {
        const struct item_field *field = &shape->fields[i];
        if (!field->is_needed || field->is_ours || (given & 1U << i) != 0)
            continue;
        g_autofree char *allowed = item_field_allowed(field), *words = g_strdup_printf("A %s needs %s", name, field->name);
        return refusal_set_value(refusal, "INVALID_VALUE", words, field->name, "", allowed);
    }
    const char *allowed;
    const struct item_field *blame = shape->check != NULL ? shape->check(item, &allowed) : NULL;
    return blame == NULL || admin_item_refuse(shape, item, blame->name, allowed, refusal);
}

bool admin_item_refuse(const struct item_shape *shape, const void *item, const char *field, const char *allowed,
                       struct refusal *refusal)
{
    g_autofree char *value = item_field_text(item_field_named(shape, field), item);
    return refusal_set_value(refusal, "INVALID_VALUE", "Invalid value", field, value, allowed);
}
