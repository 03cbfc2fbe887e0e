/* Pages of lists: from page to page each entry comes once, in order, also when others go away. */
#include "api/admin_page.h"

#include "lib/base64url.h"
#include <jansson.h>

static void write_entry(struct writer *writer, const struct admin_page *page, guint index, const void *opaque)
{
    g_assert_true(opaque == page->params);
    writer_text(writer, NULL, view_of(admin_page_item(page, index)));
}

/* The page behind a key, as JSON; keys are the numbers below n, but one. */
static json_t *page_of(guint n, guint without, const char *after, uint32_t size)
{
    static char names[100][4];
    struct admin_params params = {.page_size = size, .after = (char *)(uintptr_t)after, .plan = (char[]){"a&b"}};
    struct admin_page page;
    g_autoptr(GString) out = g_string_new(NULL);
    admin_page_init(&page, &params);
    for (guint i = n; i-- > 0;) {
        g_snprintf(names[i], sizeof names[i], "%02u", i % 100);
        if (i != without)
            admin_page_add(&page, g_strdup(names[i]), names[i]);
    }
    admin_page_cut(&page);
    admin_page_write(&page, "/list", out, write_entry, &params);
    admin_page_clear(&page);
    json_t *json = json_loads(out->str, 0, NULL);
    g_assert_nonnull(json);
    return json;
}

/* The key in "/list?pageSize=n&after=…&plan=a%26b"; NULL: it is the last page. */
static char *next_of(const json_t *page)
{
    const char *uri = json_string_value(json_object_get(page, "nextUri"));
    size_t size;
    if (uri == NULL)
        return NULL;
    g_assert_true(g_str_has_prefix(uri, "/list?pageSize=") && g_str_has_suffix(uri, "&plan=a%26b"));
    const char *after = strstr(uri, "after=") + strlen("after=");
    return (char *)base64url_read(view_make(after, strcspn(after, "&")), &size);
}

static void expect_all(guint n, uint32_t size)
{
    g_autofree char *after = NULL;
    guint seen = 0, pages = 0;
    do {
        json_t *page = page_of(n, G_MAXUINT, after, size), *entities = json_object_get(page, "entities");
        g_assert_cmpint(json_integer_value(json_object_get(page, "total")), ==, n);
        for (size_t i = 0; i < json_array_size(entities); i++)
            g_assert_cmpint(g_ascii_strtoll(json_string_value(json_array_get(entities, i)), NULL, 10), ==, seen++);
        g_free(after);
        after = next_of(page);
        g_assert_true(after == NULL || json_array_size(entities) == size);
        json_decref(page);
    } while (after != NULL && ++pages < 100);
    g_assert_cmpuint(seen, ==, n);
}

static void test_all(void)
{
    static const guint counts[] = {0, 1, 2, 9, 10, 11, 100};
    static const uint32_t sizes[] = {1, 2, 10, 100, 1000};
    for (size_t i = 0; i < G_N_ELEMENTS(counts); i++)
        for (size_t j = 0; j < G_N_ELEMENTS(sizes); j++)
            expect_all(counts[i], sizes[j]);
}

static void test_gone(void)
{
    json_t *page = page_of(10, 4, "04", 3);
    g_assert_cmpstr(json_string_value(json_array_get(json_object_get(page, "entities"), 0)), ==, "05");
    json_decref(page);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/admin_page/all", test_all);
    g_test_add_func("/admin_page/gone", test_gone);
    return g_test_run();
}
