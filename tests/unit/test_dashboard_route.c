/* The dashboard as the program serves it: the document, and every file that it names. */
#include "api/dashboard_route.h"

#include "api/meters.h"
#include "tests/unit/http_fixture.h"
#include <zlib.h>

static struct metrics *metrics;

static bool serve(struct fixture *f, struct http_request *request, const char *path)
{
    struct call call = {.request = request};
    (void)f;
    if (g_str_has_prefix(path, "/assets/")) {
        g_strlcpy(call.parts[0], path + strlen("/assets/"), sizeof call.parts[0]);
        dashboard_route_asset(&call, metrics);
    } else {
        dashboard_route_document(&call, metrics);
    }
    return true;
}

static void set_up_route(struct fixture *f, gconstpointer data)
{
    f->also = serve;
    metrics = metrics_new(api_meters, METER_N);
    set_up(f, data);
}

static void tear_down_route(struct fixture *f, gconstpointer data)
{
    tear_down(f, data);
    metrics_free(metrics);
}

static void fetch(struct fixture *f, const char *path, const char *headers, struct http_answer *answer)
{
    struct http_client client;
    http_client_init(&client, f->port);
    ask(&client, "GET", path, headers, answer);
    http_client_clear(&client);
}

static void inflate_to(const GString *packed, GString *out)
{
    z_stream z = {.next_in = (Bytef *)packed->str, .avail_in = (uInt)packed->len};
    g_string_set_size(out, 8u << 20);
    z.next_out = (Bytef *)out->str;
    z.avail_out = (uInt)out->len;
    g_assert_cmpint(inflateInit2(&z, 15 + 16), ==, Z_OK);
    g_assert_cmpint(inflate(&z, Z_FINISH), ==, Z_STREAM_END);
    g_string_truncate(out, z.total_out);
    inflateEnd(&z);
}

/* Both forms have the same bytes, which the caller frees. */
static GString *fetch_both(struct fixture *f, const char *path)
{
    struct http_answer plain, packed;
    GString *bytes = g_string_new(NULL);
    fetch(f, path, "", &plain);
    fetch(f, path, "Accept-Encoding: gzip\r\n", &packed);
    g_assert_cmpint(plain.status, ==, 200);
    assert_header(&packed, "content-encoding", "gzip");
    inflate_to(packed.body, bytes);
    g_assert_true(g_string_equal(bytes, plain.body));
    http_answer_clear(&plain);
    http_answer_clear(&packed);
    return bytes;
}

/* "/assets/main.0123456789ab.js": the digits are the begin of the content's SHA-256. */
static void assert_named_after(const char *path, const GString *bytes)
{
    g_autofree char *digest = g_compute_checksum_for_data(G_CHECKSUM_SHA256, (const guchar *)bytes->str, bytes->len);
    const char *digits = strchr(path, '.');
    g_assert_nonnull(digits);
    g_assert_true(strncmp(digits + 1, digest, 12) == 0 && digits[13] == '.');
}

static void test_names(void)
{
    g_assert_true(dashboard_has_page("report") && dashboard_has_page("sign-in"));
    g_assert_false(dashboard_has_page("") || dashboard_has_page("Report") || dashboard_has_page("healthz"));
    g_assert_false(dashboard_has_asset("") || dashboard_has_asset("index.html") || dashboard_has_asset("stamp"));
}

static void test_document(struct fixture *f, gconstpointer data)
{
    struct http_answer answer;
    (void)data;
    fetch(f, "/report?from=x", "", &answer);
    g_assert_cmpint(answer.status, ==, 200);
    g_assert_nonnull(strstr(answer.body->str, "<div id=\"app\"></div>"));
    assert_header(&answer, "cache-control", "public, no-cache");
    assert_header(&answer, "cross-origin-opener-policy", "same-origin");
    g_autofree char *policy = header_of(&answer, "content-security-policy"), *tag = header_of(&answer, "etag");
    g_assert_true(g_str_has_prefix(policy, "default-src 'none'; script-src 'self'; ") && strstr(policy, "unsafe") == NULL);
    http_answer_clear(&answer);
    g_autofree char *line = g_strdup_printf("If-None-Match: %s\r\n", tag);
    fetch(f, "/", line, &answer);
    g_assert_cmpint(answer.status, ==, 304);
    http_answer_clear(&answer);
    g_string_free(fetch_both(f, "/"), TRUE);
}

static void test_assets(struct fixture *f, gconstpointer data)
{
    g_autoptr(GString) document = fetch_both(f, "/");
    int n = 0;
    (void)data;
    for (const char *at = strstr(document->str, "\"/assets/"); at != NULL; at = strstr(at + 1, "\"/assets/"), n++) {
        g_autofree char *path = g_strndup(at + 1, strcspn(at + 1, "\""));
        g_assert_true(dashboard_has_asset(path + strlen("/assets/")));
        g_autoptr(GString) bytes = fetch_both(f, path);
        assert_named_after(path, bytes);
        struct http_answer answer;
        fetch(f, path, "", &answer);
        assert_header(&answer, "cache-control", "public, max-age=31536000, immutable");
        g_autofree char *type = header_of(&answer, "content-type");
        g_assert_cmpstr(type, !=, "application/octet-stream");
        http_answer_clear(&answer);
    }
    g_assert_cmpint(n, >=, 3);
}

int main(int argc, char **argv)
{
    static const struct http_test tests[] = {{"/dashboard_route/document", test_document},
                                             {"/dashboard_route/assets", test_assets}};
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/dashboard_route/names", test_names);
    for (gsize i = 0; i < G_N_ELEMENTS(tests); i++)
        g_test_add(tests[i].name, struct fixture, NULL, set_up_route, tests[i].run, tear_down_route);
    return g_test_run();
}
