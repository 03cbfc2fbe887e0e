/* The description of the API and its page, as the program serves them. */
#include "api/openapi_route.h"

#include "api/meters.h"
#include "tests/unit/http_fixture.h"
#include <zlib.h>

static struct metrics *metrics;

static bool serve(struct fixture *f, struct http_request *request, const char *path)
{
    struct call call = {.request = request};
    (void)f;
    if (strcmp(path, "/yaml") == 0)
        openapi_route_handle_description(&call, metrics);
    else
        openapi_route_handle_reference(&call, metrics);
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

static void inflate_to(GString *packed, GString *out)
{
    z_stream z = {.next_in = (Bytef *)packed->str, .avail_in = (uInt)packed->len};
    g_string_set_size(out, 4u << 20);
    z.next_out = (Bytef *)out->str;
    z.avail_out = (uInt)out->len;
    g_assert_cmpint(inflateInit2(&z, 15 + 16), ==, Z_OK);
    g_assert_cmpint(inflate(&z, Z_FINISH), ==, Z_STREAM_END);
    g_string_truncate(out, z.total_out);
    inflateEnd(&z);
}

static void assert_file(const char *path, const GString *bytes)
{
    g_autofree char *text = NULL;
    gsize size;
    g_assert_true(g_file_get_contents(path, &text, &size, NULL));
    g_assert_cmpuint(size, ==, bytes->len);
    g_assert_true(memcmp(text, bytes->str, size) == 0);
}

static void test_bytes_of_the_files(struct fixture *f, gconstpointer data)
{
    static const char *const paths[][3] = {{"/yaml", "api/openapi.yaml", "application/yaml"},
                                           {"/page", "api/reference.html", "text/html; charset=utf-8"}};
    (void)data;
    for (size_t i = 0; i < G_N_ELEMENTS(paths); i++) {
        struct http_answer plain, packed;
        g_autoptr(GString) unpacked = g_string_new(NULL);
        fetch(f, paths[i][0], "", &plain);
        fetch(f, paths[i][0], "Accept-Encoding: gzip\r\n", &packed);
        g_autofree char *type = header_of(&plain, "content-type"), *encoding = header_of(&packed, "content-encoding");
        g_assert_cmpint(plain.status, ==, 200);
        g_assert_cmpstr(type, ==, paths[i][2]);
        assert_file(paths[i][1], plain.body);
        g_assert_cmpstr(encoding, ==, "gzip");
        g_assert_cmpuint(packed.body->len, <, plain.body->len / 2);
        inflate_to(packed.body, unpacked);
        assert_file(paths[i][1], unpacked);
        g_assert_nonnull(strstr(packed.head, "\r\nvary: accept-encoding\r\n"));
        http_answer_clear(&plain);
        http_answer_clear(&packed);
    }
}

static void test_tags(struct fixture *f, gconstpointer data)
{
    static const char *const encodings[] = {"", "Accept-Encoding: gzip\r\n"};
    g_autofree char *before = NULL;
    (void)data;
    for (size_t i = 0; i < G_N_ELEMENTS(encodings); i++) {
        struct http_answer first, again;
        fetch(f, "/yaml", encodings[i], &first);
        g_autofree char *tag = header_of(&first, "etag");
        g_assert_nonnull(tag);
        g_assert_cmpstr(tag, !=, before);
        g_autofree char *headers = g_strdup_printf("%sIf-None-Match: %s\r\n", encodings[i], tag);
        fetch(f, "/yaml", headers, &again);
        g_autofree char *same = header_of(&again, "etag");
        g_assert_cmpint(again.status, ==, 304);
        g_assert_cmpuint(again.body->len, ==, 0);
        g_assert_cmpstr(same, ==, tag);
        g_assert_null(strstr(again.head, "\r\ncontent-encoding:"));
        g_free(before);
        before = g_steal_pointer(&tag);
        http_answer_clear(&first);
        http_answer_clear(&again);
    }
}

/* The header names the digest of just the style sheet that is in the page, and the page has nothing that it forbids. */
static void test_policy(struct fixture *f, gconstpointer data)
{
    struct http_answer page;
    (void)data;
    fetch(f, "/page", "", &page);
    const char *begin = strstr(page.body->str, "<style>") + 7, *end = strstr(begin, "</style>");
    g_assert_null(strstr(end + 1, "<style"));
    g_assert_null(strstr(page.body->str, "<script"));
    g_assert_null(strstr(page.body->str, " style="));
    g_assert_null(strstr(page.body->str, " onclick="));
    g_assert_null(strstr(page.body->str, "<link"));
    g_assert_null(strstr(page.body->str, "<img"));
    g_autofree char *hex = g_compute_checksum_for_data(G_CHECKSUM_SHA256, (const guchar *)begin, (gsize)(end - begin));
    uint8_t digest[32];
    for (size_t i = 0; i < sizeof digest; i++)
        digest[i] = (uint8_t)(g_ascii_xdigit_value(hex[2 * i]) * 16 + g_ascii_xdigit_value(hex[2 * i + 1]));
    g_autofree char *base64 = g_base64_encode(digest, sizeof digest), *lower = g_ascii_strdown(base64, -1);
    g_autofree char *wanted = g_strdup_printf("default-src 'none'; style-src 'sha256-%s';", lower);
    g_autofree char *policy = header_of(&page, "content-security-policy"); /* the client's answers are in lower case */
    g_assert_true(g_str_has_prefix(policy, wanted));
    http_answer_clear(&page);
}

static void test_no_parameters(struct fixture *f, gconstpointer data)
{
    struct http_answer answer;
    (void)data;
    fetch(f, "/page?lang=en", "", &answer);
    g_assert_cmpint(answer.status, ==, 400);
    g_assert_nonnull(strstr(answer.body->str, "\"field\":\"lang\",\"value\":\"en\",\"allowed\":[\"no parameter\"]"));
    http_answer_clear(&answer);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add("/openapi_route/bytes", struct fixture, NULL, set_up_route, test_bytes_of_the_files, tear_down_route);
    g_test_add("/openapi_route/tags", struct fixture, NULL, set_up_route, test_tags, tear_down_route);
    g_test_add("/openapi_route/policy", struct fixture, NULL, set_up_route, test_policy, tear_down_route);
    g_test_add("/openapi_route/no-parameters", struct fixture, NULL, set_up_route, test_no_parameters, tear_down_route);
    return g_test_run();
}
