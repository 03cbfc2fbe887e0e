#include "api/method.h"
#include "api/registry_snapshot.h"
#include "api/registry_text.h"

static void test_names(void)
{
    g_autofree char *longest = g_strnfill(METHOD_NAME_MAX, 'x'), *longer = g_strnfill(METHOD_NAME_MAX + 1, 'x');
    const char *const right[] = {"a", "check-out_v1.2", "Hit", longest};
    const char *const wrong[] = {"", "hits", "HITS", "GET /x", "{other}", "a b", "a/b", "größe", longer};
    for (size_t i = 0; i < G_N_ELEMENTS(right); i++)
        g_assert_true(method_name_is_valid(right[i]));
    for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++)
        g_assert_false(method_name_is_valid(wrong[i]));
}

static struct method *make(const char *name, const char *organization, const char *pattern)
{
    const char *const patterns[] = {pattern, NULL};
    return method_new(name, "", organization, patterns);
}

static void test_whose(void)
{
    struct registry_snapshot *snapshot = registry_snapshot_new(1);
    g_assert_true(registry_snapshot_add(snapshot, REGISTRY_METHODS, make("read", NULL, "GET **")));
    g_assert_true(registry_snapshot_add(snapshot, REGISTRY_METHODS, make("read", "acme", "GET /v1/**")));
    g_assert_true(registry_snapshot_add(snapshot, REGISTRY_METHODS, make("write", "", "POST **")));
    g_assert_true(registry_snapshot_add(snapshot, REGISTRY_METHODS, make("all", NULL, "ANY **")));
    g_assert_false(registry_snapshot_add(snapshot, REGISTRY_METHODS, make("read", "acme", "GET /v1/**")));
    g_assert_cmpstr(registry_find_method(snapshot, "acme", "read")->organization, ==, "acme");
    g_assert_null(registry_find_method(snapshot, "globex", "read")->organization);
    g_assert_null(registry_find_method(snapshot, NULL, "read")->organization);
    g_assert_nonnull(registry_find_method(snapshot, "", "write"));
    g_assert_null(registry_find_method(snapshot, NULL, "write"));
    GPtrArray *list = registry_list_methods(snapshot, "acme");
    g_assert_cmpuint(list->len, ==, 2);
    g_assert_cmpstr(((const struct method *)g_ptr_array_index(list, 0))->name, ==, "all");
    g_assert_cmpstr(((const struct method *)g_ptr_array_index(list, 1))->organization, ==, "acme");
    g_ptr_array_free(list, TRUE);
    registry_snapshot_unref(snapshot);
}

static void test_text(void)
{
    g_autoptr(GError) error = NULL;
    struct method *method = make("read", "größe", "GET /v1/**");
    g_autofree char *json = registry_item_write(REGISTRY_METHODS, method), *key = registry_name_key("größe", "read");
    g_assert_cmpstr(json, ==, "{\"name\":\"read\",\"title\":\"\",\"organization\":\"größe\",\"endpoints\":[\"GET /v1/**\"]}");
    struct method *again = registry_item_read(REGISTRY_METHODS, view_of(key), view_of(json), &error);
    g_assert_no_error(error);
    g_assert_cmpstr(again->organization, ==, "größe");
    g_assert_true(endpoints_have(again->endpoints, view_of("GET /v1/x")));
    method_free(method);
    method_free(again);
}

static void test_damaged(void)
{
#define METHOD(name, rest) "{\"name\":\"" name "\",\"title\":\"\",\"organization\":null," rest "}"
    static const char *const wrong[] = {
        "",
        "[]",
        METHOD("hits", "\"endpoints\":[\"GET /x\"]"),
        METHOD("read", "\"endpoints\":[]"),
        METHOD("read", "\"endpoints\":\"GET /x\""),
        METHOD("read", "\"endpoints\":[\"GET /x\",7]"),
        METHOD("read", "\"endpoints\":[\"GET /x\",\"/x\"]"),
        METHOD("other", "\"endpoints\":[\"GET /x\"]"),
        "{\"name\":\"read\",\"organization\":null,\"endpoints\":[\"GET /x\"]}",
    };
    for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++) {
        g_autoptr(GError) error = NULL;
        g_assert_null(registry_item_read(REGISTRY_METHODS, view_of("read"), view_of(wrong[i]), &error));
        g_assert_nonnull(error);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/method/names", test_names);
    g_test_add_func("/method/whose", test_whose);
    g_test_add_func("/method/text", test_text);
    g_test_add_func("/method/damaged", test_damaged);
    return g_test_run();
}
