#include "api/plan.h"

#include "api/method.h"

static bool is_currency(const char *text)
{
    return strlen(text) == 3 && strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == 3;
}

#define AT(member) .offset = offsetof(struct plan, member)

static const struct item_field fields[] = {
    {"name", ITEM_NAME, AT(name), .is_needed = true, .is_valid = method_name_is_valid, .allowed = METHOD_NAME_ALLOWED},
    {"title", ITEM_TEXT, AT(title)},
    {"organization", ITEM_ORGANIZATION, AT(organization)},
    {"currency", ITEM_NAME, AT(currency), .is_needed = true, .is_valid = is_currency,
     .allowed = "three capital letters of ISO 4217, like EUR"},
    {"included", ITEM_COUNT, AT(included), .most = PLAN_REQUESTS_MAX},
    {"priceMicros", ITEM_COUNT, AT(price_micros), .most = PLAN_PRICE_MAX},
    {"ceiling", ITEM_COUNT, AT(ceiling), .most = PLAN_REQUESTS_MAX},
};

/* Beyond a ceiling nothing is included. */
static const struct item_field *check(const void *item, const char **allowed)
{
    const struct plan *plan = item;
    *allowed = "0 for none, or at least what is included";
    return plan->ceiling != 0 && plan->ceiling < plan->included ? item_field_named(&plan_shape, "ceiling") : NULL;
}

const struct item_shape plan_shape = {
    .size = sizeof(struct plan), .fields = fields, .n_fields = G_N_ELEMENTS(fields), .check = check};
