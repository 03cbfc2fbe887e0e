/* What browsers are told: security headers, and which pages of other origins may read. */
#include "tests/unit/http_fixture.h"

static const char *const origins[] = {"https://app.example.com", "http://localhost:3000", NULL};

static void restart(struct fixture *f)
{
    struct http_settings settings = settings_of(f);

    http_server_stop(f->server);
    settings.cors_origins = origins;
    fixture_start(f, &settings);
}

static void test_security(struct fixture *f, gconstpointer data)
{
    static const char *const paths[] = {"/x", "/big", "/hold"};
    struct http_client client;
    struct http_answer answer;

    (void)data;
    http_client_init(&client, f->port);
    for (gsize i = 0; i < G_N_ELEMENTS(paths); i++) {
        g_autofree char *text = g_strdup_printf("GET %s HTTP/1.1\r\nHost: x\r\n\r\n", paths[i]);
        http_client_send(&client, text);
        if (strcmp(paths[i], "/hold") == 0)
            http_respond((struct http_request *)pop_held(f), 500, NULL, NULL, 0);
        http_client_receive(&client, TRUE, &answer);
        assert_header(&answer, "x-content-type-options", "nosniff");
        assert_header(&answer, "referrer-policy", "no-referrer");
        assert_header(&answer, "content-security-policy", "default-src 'none'; frame-ancestors 'none'");
        assert_header(&answer, "strict-transport-security", NULL);
        http_answer_clear(&answer);
    }
    ask(&client, "GET", "/page", "", &answer);
    assert_header(&answer, "content-security-policy", "default-src 'self'");
    assert_header(&answer, "x-content-type-options", "nosniff");
    http_answer_clear(&answer);
    http_client_clear(&client);
}

static void test_allowed(struct fixture *f, gconstpointer data)
{
    struct http_client client;
    struct http_answer answer;

    (void)data;
    restart(f);
    http_client_init(&client, f->port);
    for (int i = 0; origins[i]; i++) {
        g_autofree char *header = g_strdup_printf("Origin: %s\r\n", origins[i]);
        ask(&client, "GET", "/x", header, &answer);
        g_assert_cmpint(answer.status, ==, 200);
        assert_header(&answer, "access-control-allow-origin", origins[i]);
        assert_header(&answer, "access-control-allow-credentials", NULL);
        assert_header(&answer, "vary", "origin");
        g_autofree char *exposed = header_of(&answer, "access-control-expose-headers");
        g_assert_nonnull(strstr(exposed, "etag, x-request-id"));
        g_assert_nonnull(strstr(exposed, "inin-ratelimit-reset"));
        http_answer_clear(&answer);
    }
    http_client_clear(&client);
}

static void test_preflight(struct fixture *f, gconstpointer data)
{
    struct http_client client;
    struct http_answer answer;

    (void)data;
    restart(f);
    http_client_init(&client, f->port);
    ask(&client, "OPTIONS", "/x", "Origin: https://app.example.com\r\nAccess-Control-Request-Method: DELETE\r\n", &answer);
    g_assert_cmpint(answer.status, ==, 204);
    assert_header(&answer, "access-control-allow-origin", "https://app.example.com");
    assert_header(&answer, "access-control-max-age", "600");
    assert_header(&answer, "vary", "origin");
    g_autofree char *methods = header_of(&answer, "access-control-allow-methods");
    g_assert_nonnull(strstr(methods, "delete"));
    g_autofree char *headers = header_of(&answer, "access-control-allow-headers");
    g_assert_nonnull(strstr(headers, "authorization, content-type, x-api-key"));
    http_answer_clear(&answer);
    g_assert_cmpint(g_atomic_int_get(&f->handled), ==, 0);
    /* an OPTIONS that is no preflight is the handler's, and so is that of anybody else */
    ask(&client, "OPTIONS", "/x", "Origin: https://app.example.com\r\n", &answer);
    http_answer_clear(&answer);
    ask(&client, "OPTIONS", "/x", "Origin: https://evil.example.com\r\nAccess-Control-Request-Method: GET\r\n", &answer);
    assert_header(&answer, "access-control-allow-origin", NULL);
    assert_header(&answer, "access-control-allow-methods", NULL);
    http_answer_clear(&answer);
    g_assert_cmpint(g_atomic_int_get(&f->handled), ==, 2);
    http_client_clear(&client);
}

static void test_not_allowed(struct fixture *f, gconstpointer data)
{
    static const char *const others[] = {
        "",
        "Origin: https://app.example.com.evil.org\r\n",
        "Origin: http://app.example.com\r\n",
        "Origin: https://app.example.com:8443\r\n",
        "Origin: https://APP.example.com\r\n",
        "Origin: https://app.example.com/\r\n",
        "Origin: http://localhost\r\n",
        "Origin: null\r\n",
        "Origin: *\r\n",
    };
    struct http_client client;
    struct http_answer answer;

    (void)data;
    for (int listed = 0; listed < 2; listed++) {
        if (listed)
            restart(f);
        http_client_init(&client, f->port);
        for (gsize i = 0; i < G_N_ELEMENTS(others); i++) {
            ask(&client, "GET", "/x", others[i], &answer);
            g_assert_cmpint(answer.status, ==, 200);
            g_assert_null(strstr(answer.head, "access-control"));
            assert_header(&answer, "vary", listed ? "origin" : NULL);
            http_answer_clear(&answer);
        }
        http_client_clear(&client);
    }
}

static void test_origins(void)
{
    static const char *const good[] = {"https://a", "http://a.example.com", "https://a-b.c_d:65535", "http://10.0.0.1",
                                       "http://[2001:db8::1]:8080"};
    static const char *const bad[] = {"",           "*",         "null",        "a.example.com", "ftp://a",          "https://",
                                      "https://A",  "http://a/", "https://a:",  "https://a:x",   "https://a:123456", "https://*.a",
                                      "http://a b", "http://[",  "http://[::1", "http://u@a",    "http://[]",        "HTTPS://a"};
    for (gsize i = 0; i < G_N_ELEMENTS(good); i++) {
        const char *list[] = {good[i], NULL};
        g_autoptr(GError) error = NULL;
        g_assert_true(http_origins_check(list, &error));
        g_assert_no_error(error);
    }
    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
        const char *list[] = {good[0], bad[i], NULL};
        g_autofree char *quoted = g_strdup_printf("\"%s\"", bad[i]);
        g_autoptr(GError) error = NULL;
        if (http_origins_check(list, &error))
            g_error("%s", bad[i]);
        g_assert_nonnull(strstr(error->message, quoted));
        g_assert_null(strstr(error->message, "\"https://a\""));
    }
    const char *none[] = {NULL}, *star[] = {"*", NULL};
    g_assert_true(http_origins_check(none, NULL));
    g_assert_true(http_origins_check(NULL, NULL));
    const struct http_settings settings = {.address = "127.0.0.1", .threads = 1, .connections_max = 1, .cors_origins = star};
    g_assert_null(http_server_start(&settings, handle, NULL, NULL));
}

int main(int argc, char **argv)
{
    static const struct http_test tests[] = {
        {"/http_cors/security", test_security},
        {"/http_cors/allowed", test_allowed},
        {"/http_cors/preflight", test_preflight},
        {"/http_cors/not_allowed", test_not_allowed},
    };

    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/http_cors/origins", test_origins);
    return run_http_tests(tests, G_N_ELEMENTS(tests));
}
