#include "collector/field_map.h"

static struct field_map *make(enum log_format format, const char *items, GError **error)
{
    g_auto(GStrv) list = g_strsplit(items, ";", 0);
    return field_map_new(format, (const char *const *)list, error);
}

/* "source|source:unit" of a target. */
static void check(const struct field_map *map, enum field_target target, const char *expected)
{
    const struct field_rule *rule = field_map_rule(map, target);
    GString *text = g_string_new(NULL);
    for (size_t i = 0; i < rule->n_sources; i++)
        g_string_append_printf(text, "%s%s", i ? "|" : "", field_map_source(map, rule->sources[i]));
    if (rule->per_second)
        g_string_append_printf(text, ":%d", rule->per_second);
    g_assert_cmpstr(text->str, ==, expected);
    g_string_free(text, TRUE);
}

static void test_defaults(void)
{
    struct field_map *map = field_map_new(LOG_FORMAT_COMBINED, NULL, NULL);
    check(map, FIELD_REQUEST, "request");
    check(map, FIELD_CLIENT, "remote_user");
    check(map, FIELD_LATENCY, "");
    field_map_free(map);
    map = field_map_new(LOG_FORMAT_NGINX_JSON, NULL, NULL);
    check(map, FIELD_LATENCY, "request_time");
    check(map, FIELD_CLIENT, "client|remote_user");
    field_map_free(map);
    map = field_map_new(LOG_FORMAT_NDJSON, NULL, NULL);
    check(map, FIELD_TIME, "time:3");
    check(map, FIELD_LATENCY, "latencyMs:3");
    field_map_free(map);
}

static void test_items(void)
{
    g_autoptr(GError) error = NULL;
    struct field_map *map =
        make(LOG_FORMAT_NGINX_JSON, "latency = upstream.time | request_time:us;CLIENT=http_x_client_id;user=;time=ts:ns", &error);
    g_assert_no_error(error);
    check(map, FIELD_LATENCY, "upstream.time|request_time:6");
    check(map, FIELD_CLIENT, "http_x_client_id");
    check(map, FIELD_USER, "");
    check(map, FIELD_TIME, "ts:9");
    check(map, FIELD_METHOD, "method");
    g_assert_cmpint(field_map_find(map, view_of("upstream.time")), >=, 0);
    g_assert_cmpint(field_map_find(map, view_of("upstream")), ==, -1);
    field_map_free(map);
    map = make(LOG_FORMAT_COMBINED, "client=extra1|remote_user;latency=extra2:us", &error);
    g_assert_no_error(error);
    check(map, FIELD_CLIENT, "extra1|remote_user");
    field_map_free(map);
}

static void test_mistakes(void)
{
    static const char *const mistakes[] = {
        "latency", "=x", "speed=x", "latency=x:h", "client=a||b", "client=|", "client=a|b|c|d|e|f|g|h|i",
    };
    for (size_t i = 0; i < G_N_ELEMENTS(mistakes); i++) {
        g_autoptr(GError) error = NULL;
        g_assert_null(make(LOG_FORMAT_NDJSON, mistakes[i], &error));
        g_assert_nonnull(error);
        g_assert_nonnull(strstr(error->message, mistakes[i])); /* names the item */
    }
    g_autoptr(GError) error = NULL;
    g_assert_null(make(LOG_FORMAT_COMBINED, "client=http_x_client_id", &error)); /* no such field in such lines */
    g_assert_nonnull(strstr(error->message, "extra1"));
    g_autofree char *name = g_strnfill(FIELD_SOURCE_NAME_MAX + 1, 'x');
    g_autofree char *item = g_strconcat("client=", name, NULL);
    g_assert_null(make(LOG_FORMAT_NDJSON, item, NULL));
}

static void test_full(void)
{
    GString *items = g_string_new("client=");
    static const char *const targets[] = {"client", "user", "platform", "id", "route", "path", "source", "user_agent"};
    for (int i = 0; i < 64; i++) {
        if (i % 8 == 0)
            g_string_append_printf(items, ";%s=", targets[i / 8]);
        g_string_append_printf(items, "%sfield%d", i % 8 ? "|" : "", i);
    }
    g_autoptr(GError) error = NULL;
    g_assert_null(make(LOG_FORMAT_NDJSON, items->str, &error)); /* 64 and those of the defaults */
    g_assert_nonnull(strstr(error->message, "64"));
    g_string_free(items, TRUE);
}

static void test_text(void)
{
    struct field_map *map = make(LOG_FORMAT_NDJSON, "client=a|b;latency=x:us", NULL);
    struct field_map *same = make(LOG_FORMAT_NDJSON, "latency=x:us;client= a | b", NULL);
    struct field_map *other = make(LOG_FORMAT_NDJSON, "client=b|a;latency=x:us", NULL);
    struct field_map *unit = make(LOG_FORMAT_NDJSON, "client=a|b;latency=x:ms", NULL);
    g_autofree char *text = field_map_text(map);
    g_autofree char *same_text = field_map_text(same);
    g_autofree char *other_text = field_map_text(other);
    g_autofree char *unit_text = field_map_text(unit);
    g_assert_cmpstr(text, ==, same_text);
    g_assert_cmpstr(text, !=, other_text);
    g_assert_cmpstr(text, !=, unit_text);
    field_map_free(map);
    field_map_free(same);
    field_map_free(other);
    field_map_free(unit);
}

static void test_formats(void)
{
    enum log_format format;
    g_auto(GStrv) names = g_strsplit(LOG_FORMATS, "|", 0);
    for (char **name = names; *name; name++) {
        g_assert_true(log_format_parse(*name, &format));
        g_assert_cmpstr(log_format_name(format), ==, *name);
    }
    g_assert_true(log_format_parse("NGINX-json", &format));
    g_assert_false(log_format_parse("iis", &format));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/field_map/defaults", test_defaults);
    g_test_add_func("/field_map/items", test_items);
    g_test_add_func("/field_map/mistakes", test_mistakes);
    g_test_add_func("/field_map/full", test_full);
    g_test_add_func("/field_map/text", test_text);
    g_test_add_func("/field_map/formats", test_formats);
    return g_test_run();
}
