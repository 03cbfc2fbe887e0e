/* Items by their shapes: every type of field as JSON and as a cell, there and back; copies; what is refused. */
#include "api/item.h"

#include "api/registry_kind.h"
#include <jansson.h>

static void take(const struct item_shape *shape, void *item, const char *field, const char *cell)
{
    if (!item_take_text(item_field_named(shape, field), item, cell))
        g_error("%s is refused in %s", cell, field);
}

static char *write_json(const struct item_shape *shape, const void *item, bool with_secrets)
{
    GString *out = g_string_new(NULL);
    struct writer writer;
    writer_init(&writer, out);
    writer_begin(&writer, NULL, '{');
    item_write(shape, item, with_secrets, &writer);
    writer_end(&writer, '}');
    return g_string_free(out, FALSE);
}

static void expect_json(const struct item_shape *shape, const void *item, const char *wanted)
{
    g_autofree char *json = write_json(shape, item, true);
    const struct item_field *blame;
    g_assert_cmpstr(json, ==, wanted);
    json_t *object = json_loads(json, 0, NULL);
    void *again = item_read(shape, object, &blame);
    g_assert_nonnull(again);
    g_assert_true(item_equal(shape, item, again));
    void *copy = item_dup(shape, again);
    item_free(shape, again);
    g_autofree char *copied = write_json(shape, copy, true);
    g_assert_cmpstr(copied, ==, wanted);
    item_free(shape, copy);
    json_decref(object);
}

/* What stands in the cells makes the same item. */
static void expect_cells(const struct item_shape *shape, const void *item)
{
    void *again = item_new(shape);
    for (size_t i = 0; i < shape->n_fields; i++) {
        g_autofree char *cell = item_field_text(&shape->fields[i], item);
        take(shape, again, shape->fields[i].name, cell);
    }
    g_assert_true(item_equal(shape, item, again));
    item_free(shape, again);
}

static void test_every_type(void)
{
    struct limit_rule *rule = item_new(&limit_rule_shape);
    take(&limit_rule_shape, rule, "id", "r-1");
    take(&limit_rule_shape, rule, "organization", "größe");
    take(&limit_rule_shape, rule, "client", "c \"1\"");
    take(&limit_rule_shape, rule, "metric", "hits");
    take(&limit_rule_shape, rule, "period", "MONTH");
    take(&limit_rule_shape, rule, "value", "1000000000000000");
    take(&limit_rule_shape, rule, "levels", " 50 80  100 10000 ");
    g_assert_null(rule->plan);
    g_assert_cmpint((int)rule->period, ==, LIMIT_MONTH);
    g_assert_cmpuint(rule->n_levels, ==, 4);
    g_assert_cmpuint(rule->levels[3], ==, 10000);
    expect_json(&limit_rule_shape, rule,
                "{\"id\":\"r-1\",\"organization\":\"größe\",\"client\":\"c \\\"1\\\"\",\"plan\":null,\"metric\":\"hits\","
                "\"period\":\"month\",\"value\":1000000000000000,\"levels\":[50,80,100,10000]}");
    expect_cells(&limit_rule_shape, rule);
    take(&limit_rule_shape, rule, "client", "");
    take(&limit_rule_shape, rule, "plan", "gold");
    take(&limit_rule_shape, rule, "organization", ITEM_ALL);
    take(&limit_rule_shape, rule, "levels", "");
    g_assert_true(rule->organization == NULL && rule->client == NULL && rule->n_levels == 0);
    expect_json(&limit_rule_shape, rule,
                "{\"id\":\"r-1\",\"organization\":null,\"client\":null,\"plan\":\"gold\",\"metric\":\"hits\","
                "\"period\":\"month\",\"value\":1000000000000000,\"levels\":[]}");
    expect_cells(&limit_rule_shape, rule);
    item_free(&limit_rule_shape, rule);
    item_free(&limit_rule_shape, NULL);
}

static void test_flags_and_secrets(void)
{
    struct channel *channel = item_new(&channel_shape);
    take(&channel_shape, channel, "id", "w-1");
    take(&channel_shape, channel, "organization", ITEM_ALL);
    take(&channel_shape, channel, "target", "https://example.com/");
    take(&channel_shape, channel, "secret", "whsec_x");
    take(&channel_shape, channel, "minLevel", "100");
    take(&channel_shape, channel, "system", "True");
    g_assert_true(channel->system && channel->min_level == 100 && channel->kind == CHANNEL_WEBHOOK);
    expect_json(&channel_shape, channel,
                "{\"id\":\"w-1\",\"name\":\"\",\"organization\":null,\"kind\":\"webhook\",\"target\":\"https://example.com/\","
                "\"minLevel\":100,\"system\":true,\"secret\":\"whsec_x\"}");
    expect_cells(&channel_shape, channel);
    g_autofree char *shown = write_json(&channel_shape, channel, false);
    g_assert_null(strstr(shown, "secret"));
    item_free(&channel_shape, channel);
}

static void test_patterns(void)
{
    const char *const patterns[] = {"GET /a", "ANY /b/**", NULL};
    struct method *method = method_new("read", "Reading", "", patterns);
    expect_json(&method_shape, method,
                "{\"name\":\"read\",\"title\":\"Reading\",\"organization\":\"\",\"endpoints\":[\"GET /a\",\"ANY /b/**\"]}");
    struct method *copy = item_dup(&method_shape, method);
    method_free(method);
    g_assert_true(endpoints_have(copy->endpoints, view_of("POST /b/c")));
    method_free(copy);
}

/* A value of JSON and a cell that the field refuses; the item is as before. */
static void refuse(const struct item_shape *shape, const char *name, const char *json, const char *cell)
{
    void *item = item_new(shape), *before = item_dup(shape, item);
    const struct item_field *field = item_field_named(shape, name);
    json_t *value = json != NULL ? json_loads(json, JSON_DECODE_ANY, NULL) : NULL;
    g_autofree char *allowed = item_field_allowed(field);
    g_assert_cmpstr(allowed, !=, "");
    if ((value != NULL && item_take_json(field, item, value)) || (cell != NULL && item_take_text(field, item, cell)))
        g_error("%s takes %s %s", name, json, cell);
    g_assert_true(item_equal(shape, item, before));
    json_decref(value);
    item_free(shape, item);
    item_free(shape, before);
}

static void test_refused(void)
{
    static const struct {
        const char *field, *json, *cell;
    } limits[] = {
        {"id", "\"\"", ""},
        {"id", "7", "a b"},
        {"id", "null", "hits"},
        {"organization", "7", "a\nb"},
        {"organization", "\"*\"", NULL},
        {"client", "\"\"", "a\x7f"},
        {"client", "[]", "\xff"},
        {"plan", "\"a b\"", "a/b"},
        {"metric", "\"GET /x\"", ""},
        {"metric", "null", "{other}"},
        {"period", "\"year\"", ""},
        {"period", "3", "3"},
        {"period", "null", "years"},
        {"value", "0", "0"},
        {"value", "-1", "-1"},
        {"value", "1.0", "1.0"},
        {"value", "\"1\"", ""},
        {"value", "1000000000000001", "1000000000000001"},
        {"value", "true", "18446744073709551616"},
        {"levels", "7", "x"},
        {"levels", "[0]", "0"},
        {"levels", "[50,50]", "50 50"},
        {"levels", "[80,50]", "80 50"},
        {"levels", "[10001]", "10001"},
        {"levels", "[1.5]", "1.5"},
        {"levels", "[\"1\"]", "1,2"},
        {"levels", "[-1]", "-1"},
        {"levels", "[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17]", "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(limits); i++)
        refuse(&limit_rule_shape, limits[i].field, limits[i].json, limits[i].cell);
    refuse(&channel_shape, "system", "1", "yes");
    refuse(&channel_shape, "system", "\"true\"", "");
    refuse(&channel_shape, "minLevel", "10001", "10001");
    refuse(&registry_client_shape, "organization", "null", NULL);
    refuse(&registry_client_shape, "tier", "\"gold\"", "gold");
    refuse(&method_shape, "endpoints", "[]", "GET /x");
    refuse(&method_shape, "endpoints", "[\"GET /x\",7]", NULL);
    refuse(&method_shape, "endpoints", "{}", NULL);
    g_autofree char *longest = g_strnfill(ITEM_TEXT_MAX, 'x'), *longer = g_strnfill(ITEM_TEXT_MAX + 1, 'x');
    refuse(&registry_client_shape, "name", NULL, longer);
    struct registry_client *client = item_new(&registry_client_shape);
    take(&registry_client_shape, client, "name", longest);
    item_free(&registry_client_shape, client);
    g_assert_null(item_field_named(&registry_client_shape, "colour"));
}

/* What is read must be whole, and what its check allows; more than that is passed over. */
static void test_read(void)
{
    static const char good[] = "{\"id\":\"acme\",\"name\":\"\",\"plan\":\"gold\",\"later\":{}}";
    static const struct {
        const char *json, *blame;
    } wrong[] = {{"{}", "id"}, {"{\"id\":\"acme\",\"name\":\"\"}", "plan"}, {"{\"id\":\"acme\",\"name\":7,\"plan\":\"\"}", "name"}};
    const struct item_field *blame;
    json_t *object = json_loads(good, 0, NULL);
    struct registry_organization *organization = item_read(&registry_organization_shape, object, &blame);
    g_assert_cmpstr(organization->plan, ==, "gold");
    item_free(&registry_organization_shape, organization);
    json_decref(object);
    for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++) {
        object = json_loads(wrong[i].json, 0, NULL);
        g_assert_null(item_read(&registry_organization_shape, object, &blame));
        g_assert_cmpstr(blame->name, ==, wrong[i].blame);
        json_decref(object);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/item/every_type", test_every_type);
    g_test_add_func("/item/flags_and_secrets", test_flags_and_secrets);
    g_test_add_func("/item/patterns", test_patterns);
    g_test_add_func("/item/refused", test_refused);
    g_test_add_func("/item/read", test_read);
    return g_test_run();
}
