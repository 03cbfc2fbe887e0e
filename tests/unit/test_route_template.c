#include "collector/route_path.h"
#include "collector/route_template.h"
#include <glib/gstdio.h>

static struct route_templates *make(const char *const *lines)
{
    GError *error = NULL;
    struct route_templates *templates = route_templates_new(lines, NULL, &error);
    g_assert_no_error(error);
    return templates;
}

static void expect(const struct route_templates *templates, const char *method, const char *path, unsigned status,
                   const char *wanted)
{
    char out[EVENT_ROUTE_MAX];
    size_t size = strlen(path);
    g_autofree char *copy = g_memdup2(path, size);
    struct view route = route_templates_match(templates, view_of(method), view_make(copy, size), status, out);
    g_autofree char *text = g_strndup(route.data, route.size);
    g_assert_cmpstr(text, ==, wanted);
}

static void test_classification(void)
{
    static const char *const rows[][2] = {
        {"/", "/"},
        {"//", "/"},
        {"/?a=1", "/"},
        {"/v1/orders", "/v1/orders"},
        {"/v1/orders/", "/v1/orders"},
        {"//v1///orders//", "/v1/orders"},
        {"/v1/orders/17", "/v1/orders/{n}"},
        {"/v1/orders/17?token=secret", "/v1/orders/{n}"},
        {"/v1/orders/17#part", "/v1/orders/{n}"},
        {"/v1/orders/17/items/3f2504e0-4f89-11d3-9a0c-0305e82c3301", "/v1/orders/{n}/items/{uuid}"},
        {"/17/18", "/17/{n}"}, /* the first segment stays */
        {"/3f2504e0-4f89-11d3-9a0c-0305e82c3301/x", "/3f2504e0-4f89-11d3-9a0c-0305e82c3301/x"},
        {"/days/2026-11-20/report.csv", "/days/{date}/report.csv"},
        {"/files/17.json", "/files/{n}.json"},
        {"/files/a1b2c3d4e5.png", "/files/{hex}.png"},
        {"/static/app.3f9a2b7c.js", "/static/{token}.js"},
        {"/users/ann@example.com", "/users/{email}"},
        {"/users/ann%40example.com", "/users/{email}"},
        {"/orders/%31%37", "/orders/{n}"},
        {"/a/b%2Fc", "/a/{token}"},  /* an encoded '/' is data */
        {"/a/%ff%fe", "/a/{token}"}, /* no text */
        {"/a/100%", "/a/{token}"},   /* no encoding */
        {"/a/%00", "/a/{token}"},
        {"/a/%7Bid%7D", "/a/{token}"}, /* nobody can forge a template */
        {"/a/{id}", "/a/{token}"},
        {"/{id}/a", "/%7Bid%7D/a"},
        {"/%7Bid%7D/a", "/%7Bid%7D/a"},
        {"/wiki/Z%C3%BCrich", "/wiki/Zürich"},
        {"/wiki/Zürich", "/wiki/Zürich"},
        {"/a%20b/c", "/a b/c"},
        {"/a/../b", "/a/../b"},
    };
    struct route_templates *templates = make(NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        expect(templates, "GET", rows[i][0], 200, rows[i][1]);
        expect(templates, "GET", rows[i][0], 404, ROUTE_UNMATCHED);
        expect(templates, "GET", rows[i][0], 405, ROUTE_UNMATCHED);
        expect(templates, "GET", rows[i][0], 400, rows[i][1]);
    }
    route_templates_free(templates);
}

static void test_long_paths(void)
{
    struct route_templates *templates = make(NULL);
    GString *deep = g_string_new(NULL), *wanted = g_string_new(NULL);
    for (int i = 0; i < ROUTE_SEGMENTS_MAX; i++)
        g_string_append(deep, "/a");
    expect(templates, "GET", deep->str, 200, deep->str);
    g_string_printf(wanted, "%s/{rest}", deep->str);
    g_string_append(deep, "/a");
    expect(templates, "GET", deep->str, 200, wanted->str);
    /* Words as long as words may be: more of them than a route holds. */
    g_autofree char *word = g_strnfill(60, 'w');
    g_string_truncate(deep, 0);
    for (int i = 0; i < ROUTE_SEGMENTS_MAX; i++)
        g_string_append_printf(deep, "/%s", word);
    char out[EVENT_ROUTE_MAX];
    struct view route = route_templates_match(templates, view_of("GET"), view_make(deep->str, deep->len), 200, out);
    g_assert_cmpuint(route.size, <=, EVENT_ROUTE_MAX);
    g_assert_cmpuint(route.size, ==, 16 * 61 + strlen("/{rest}"));
    g_assert_true(memcmp(route.data + route.size - 8, "w/{rest}", 8) == 0);
    /* A first segment without end. */
    g_autofree char *endless = g_strnfill(ROUTE_PATH_MAX - 1, 'e');
    g_string_printf(deep, "/%s", endless);
    expect(templates, "GET", deep->str, 200, "/{token}");
    g_autofree char *first = g_strnfill(256, 'e');
    g_string_printf(deep, "/%s", first);
    expect(templates, "GET", deep->str, 200, deep->str);
    g_string_free(deep, TRUE);
    g_string_free(wanted, TRUE);
    route_templates_free(templates);
}

static void test_templates(void)
{
    static const char *const lines[] = {"GET /v1/orders/{id}",
                                        "post /v1/orders",
                                        "/v1/orders/open",
                                        "GET /v1/orders/{day:date}",
                                        "GET /v1/x/{uuid}",
                                        "GET /v1/x/{n}",
                                        "GET /v1/x/{name}",
                                        "GET /v1/x/{name}/y",
                                        "GET /v1/x/{n}/z",
                                        "* /files/{path...}",
                                        "GET /files/{name}/meta/",
                                        "DELETE /v1/orders/{order}",
                                        "HEAD /v1/only-head",
                                        "GET /v1/Z%C3%BCrich/{n}",
                                        "# a comment",
                                        "",
                                        "GET /",
                                        "GET /w/Zürich",
                                        "PUT /v1/orders/{id}",
                                        NULL};
    static const struct {
        const char *method, *path;
        unsigned status;
        const char *wanted;
    } rows[] = {
        {"GET", "/v1/orders/17", 200, "/v1/orders/{id}"},
        {"GET", "/v1/orders/17", 404, "/v1/orders/{id}"}, /* a known route without that order */
        {"GET", "/v1/orders/17/", 200, "/v1/orders/{id}"},
        {"GET", "/v1/orders/17?x=/y", 200, "/v1/orders/{id}"},
        {"HEAD", "/v1/orders/17", 200, "/v1/orders/{id}"},
        {"DELETE", "/v1/orders/17", 204, "/v1/orders/{order}"},
        {"POST", "/v1/orders", 201, "/v1/orders"},
        {"GET", "/v1/orders", 200, "/v1/orders"}, /* another method's */
        {"GET", "/v1/orders", 405, "{unmatched}"},
        {"OPTIONS", "/v1/orders/17", 204, "/v1/orders/{order}"}, /* the first by the method's name: always the same */
        {"PATCH", "/v1/orders/17", 405, "{unmatched}"},
        {"GET", "/v1/orders/open", 200, "/v1/orders/open"}, /* literal before typed before any */
        {"DELETE", "/v1/orders/open", 200, "/v1/orders/open"},
        {"GET", "/v1/orders/2026-11-20", 200, "/v1/orders/{day}"},
        {"GET", "/v1/orders/%32026-11-20", 200, "/v1/orders/{day}"},
        {"GET", "/v1/x/17", 200, "/v1/x/{n}"},
        {"GET", "/v1/x/3f2504e0-4f89-11d3-9a0c-0305e82c3301", 200, "/v1/x/{uuid}"},
        {"GET", "/v1/x/abc", 200, "/v1/x/{name}"},
        {"GET", "/v1/x/17/z", 200, "/v1/x/{n}/z"},
        {"GET", "/v1/x/17/y", 200, "/v1/x/{name}/y"}, /* back out of {n} */
        {"GET", "/v1/x/abc/z", 200, "/v1/x/abc/z"},   /* fits none */
        {"GET", "/v1/x/a%2Fb", 200, "/v1/x/{name}"},
        {"GET", "/files/a", 200, "/files/{path...}"},
        {"PUT", "/files/a/b/c/d", 200, "/files/{path...}"},
        {"GET", "/files/a/meta", 200, "/files/{name}/meta"},
        {"GET", "/files/a/meta/b", 200, "/files/{path...}"},
        {"GET", "/files", 200, "/files"}, /* "..." is one segment and more */
        {"GET", "/files", 404, "{unmatched}"},
        {"GET", "/", 404, "/"},
        {"GET", "", 200, "/"},
        {"GET", "/v1/only-head", 404, "{unmatched}"},
        {"HEAD", "/v1/only-head", 404, "/v1/only-head"},
        {"GET", "/w/Z%C3%BCrich", 404, "/w/Zürich"},
        {"GET", "/wp-login.php", 404, "{unmatched}"},
        {"GET", "/v2/things/17", 200, "/v2/things/{n}"},
    };
    struct route_templates *templates = make(lines);
    g_assert_cmpuint(route_templates_count(templates), ==, 17);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        expect(templates, rows[i].method, rows[i].path, rows[i].status, rows[i].wanted);
    GString *deep = g_string_new("/files");
    for (int i = 0; i < ROUTE_SEGMENTS_MAX + 5; i++)
        g_string_append(deep, "/a");
    expect(templates, "GET", deep->str, 404, "/files/{path...}");
    g_string_free(deep, TRUE);
    route_templates_free(templates);
}

/* The order in which templates are configured changes nothing. */
static void test_order(void)
{
    const char *lines[] = {"GET /a/{x}",   "POST /a/{y}", "/a/{z}",     "DELETE /b/{x}", "PUT /b/{y}",  "/c/{r...}", "GET /c/{n}",
                           "GET /c/{m}/d", "/c/e",        "GET /b/{n}", "GET /{a}/{b}",  "POST /{c}/d", NULL};
    static const char *const paths[] = {"/a/1", "/b/1", "/b/x", "/c/1", "/c/1/d", "/c/e", "/c/x/y", "/q/r", "/q/d", "/a/1/2"};
    static const char *const methods[] = {"GET", "HEAD", "POST", "OPTIONS", "PUT"};
    g_autofree char *first_text = NULL;
    g_autofree char *first = NULL;
    for (int round = 0; round < 50; round++) {
        struct route_templates *templates = make(lines);
        GString *found = g_string_new(NULL);
        for (size_t i = 0; i < G_N_ELEMENTS(paths) * G_N_ELEMENTS(methods); i++) {
            char out[EVENT_ROUTE_MAX];
            struct view route = route_templates_match(templates, view_of(methods[i % G_N_ELEMENTS(methods)]),
                                                      view_of(paths[i / G_N_ELEMENTS(methods)]), 200, out);
            g_string_append_printf(found, "%.*s\n", (int)route.size, route.data);
        }
        g_autofree char *text = route_templates_text(templates);
        if (!first) {
            first = g_strdup(found->str);
            first_text = g_strdup(text);
        }
        g_assert_cmpstr(found->str, ==, first);
        g_assert_cmpstr(text, ==, first_text);
        g_string_free(found, TRUE);
        route_templates_free(templates);
        for (gint32 i = 11; i > 0; i--) { /* shuffle */
            gint32 j = g_test_rand_int_range(0, i + 1);
            const char *kept = lines[i];
            lines[i] = lines[j];
            lines[j] = kept;
        }
    }
}

static void test_wrong_templates(void)
{
    static const char *const rows[][2] = {
        {"v1/orders", "a method (or *) and a path"},
        {"G(T /v1", "a method (or *) and a path"},
        {"GET", "must begin with '/'"},
        {"GET v1", "must begin with '/'"},
        {"GET /a//b", "empty"},
        {"GET /a/x{id}", "fill its segment"},
        {"GET /a/{id}.json", "fill its segment"},
        {"GET /a/{", "fill its segment"},
        {"GET /a/{}", "name of a parameter"},
        {"GET /a/{a b}", "name of a parameter"},
        {"GET /a/{id:int}", "type of a parameter"},
        {"GET /a/{:uuid}", "name of a parameter"},
        {"GET /a/{p...}/b", "must be the last"},
        {"GET /a/{...}", "name of a parameter"},
        {"GET /a/\xff", "not UTF-8"},
        {"GET /{x}", "fits the same"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        const char *lines[] = {"GET /{first}", rows[i][0], NULL};
        GError *error = NULL;
        g_assert_null(route_templates_new(lines, NULL, &error));
        g_assert_nonnull(error);
        g_test_message("%s", error->message);
        g_assert_nonnull(strstr(error->message, rows[i][1]));
        g_assert_nonnull(strstr(error->message, "line 2"));
        g_clear_error(&error);
    }
    GString *deep = g_string_new("GET ");
    for (int i = 0; i <= ROUTE_SEGMENTS_MAX; i++)
        g_string_append(deep, "/a");
    const char *lines[] = {deep->str, NULL};
    g_assert_null(route_templates_new(lines, NULL, NULL));
    g_string_free(deep, TRUE);
}

static void test_file(void)
{
    GError *error = NULL;
    g_autofree char *dir = g_dir_make_tmp("daybook-routes-XXXXXX", NULL);
    g_autofree char *file = g_build_filename(dir, "routes", NULL);
    g_assert_true(g_file_set_contents(file, "# ours\nGET /a/{x}\r\n\n  POST /a  \n", -1, NULL));
    struct route_templates *templates = route_templates_new(NULL, file, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(route_templates_count(templates), ==, 2);
    expect(templates, "GET", "/a/17", 404, "/a/{x}");
    route_templates_free(templates);
    g_assert_true(g_file_set_contents(file, "GET /a\nGET b\n", -1, NULL));
    g_assert_null(route_templates_new(NULL, file, &error));
    g_assert_nonnull(strstr(error->message, "line 2"));
    g_assert_nonnull(strstr(error->message, file));
    g_clear_error(&error);
    g_assert_true(g_file_set_contents(file, "GET /a\0b\n", 9, NULL));
    g_assert_null(route_templates_new(NULL, file, NULL));
    g_unlink(file);
    g_assert_null(route_templates_new(NULL, file, &error));
    g_assert_nonnull(error);
    g_clear_error(&error);
    g_rmdir(dir);
}

/* Whatever stands in a path: the route is clean, within its bound, and classifying it again changes nothing but classes. */
static void test_random_paths(void)
{
    static const char alphabet[] = "/abvV019-_.%{}@,:+?# \xc3\xbc";
    struct route_templates *templates = make(NULL);
    for (int i = 0; i < 20000; i++) {
        char path[64], out[EVENT_ROUTE_MAX], again[EVENT_ROUTE_MAX];
        size_t size = (size_t)g_test_rand_int_range(1, sizeof path);
        path[0] = '/';
        for (size_t k = 1; k < size; k++)
            path[k] = alphabet[g_test_rand_int_range(0, sizeof alphabet - 1)];
        if (!g_utf8_validate_len(path, size, NULL))
            continue;
        g_autofree char *copy = g_memdup2(path, size);
        struct view route = route_templates_match(templates, view_of("GET"), view_make(copy, size), 200, out);
        struct view same = route_templates_match(templates, view_of("GET"), view_make(copy, size), 200, again);
        g_assert_true(view_equal(route, same));
        g_assert_cmpint(route.data[0], ==, '/');
        g_assert_true(g_utf8_validate_len(route.data, route.size, NULL));
    }
    route_templates_free(templates);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/route_template/classification", test_classification);
    g_test_add_func("/route_template/long_paths", test_long_paths);
    g_test_add_func("/route_template/templates", test_templates);
    g_test_add_func("/route_template/order", test_order);
    g_test_add_func("/route_template/wrong_templates", test_wrong_templates);
    g_test_add_func("/route_template/file", test_file);
    g_test_add_func("/route_template/random_paths", test_random_paths);
    return g_test_run();
}
