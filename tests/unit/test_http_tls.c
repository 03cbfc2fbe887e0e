/* TLS as a client sees it: versions, certificates and their replacement. */
#include "tests/unit/http_fixture.h"
#include <fcntl.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

enum { FILE_SIZE = 5 << 20 };

/* ---- certificates ---- */

static void write_pem(struct fixture *f, const char *name, const gnutls_datum_t *pem)
{
    g_autofree char *path = g_build_filename(f->dir, name, NULL);
    g_assert_true(g_file_set_contents(path, (const char *)pem->data, (gssize)pem->size, NULL));
}

/* <name>.crt and <name>.key in the test's directory: self-signed, with that common name. */
static void make_pair(struct fixture *f, const char *name)
{
    gnutls_x509_privkey_t key;
    gnutls_x509_crt_t crt;
    gnutls_datum_t pem;
    time_t now = (time_t)(g_get_real_time() / G_USEC_PER_SEC);
    g_autofree char *crt_name = g_strconcat(name, ".crt", NULL), *key_name = g_strconcat(name, ".key", NULL);

    gnutls_x509_privkey_init(&key);
    g_assert_cmpint(gnutls_x509_privkey_generate(key, GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0), ==, 0);
    gnutls_x509_crt_init(&crt);
    gnutls_x509_crt_set_version(crt, 3);
    gnutls_x509_crt_set_serial(crt, "\1", 1);
    gnutls_x509_crt_set_activation_time(crt, now - 3600);
    gnutls_x509_crt_set_expiration_time(crt, now + 3600);
    gnutls_x509_crt_set_dn_by_oid(crt, GNUTLS_OID_X520_COMMON_NAME, 0, name, (unsigned)strlen(name));
    gnutls_x509_crt_set_key(crt, key);
    g_assert_cmpint(gnutls_x509_crt_sign2(crt, crt, key, GNUTLS_DIG_SHA256, 0), ==, 0);
    g_assert_cmpint(gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_PEM, &pem), ==, 0);
    write_pem(f, crt_name, &pem);
    gnutls_free(pem.data);
    g_assert_cmpint(gnutls_x509_privkey_export2(key, GNUTLS_X509_FMT_PEM, &pem), ==, 0);
    write_pem(f, key_name, &pem);
    gnutls_free(pem.data);
    gnutls_x509_crt_deinit(crt);
    gnutls_x509_privkey_deinit(key);
}

static void copy_file(struct fixture *f, const char *from, const char *to)
{
    g_autofree char *from_path = g_build_filename(f->dir, from, NULL), *to_path = g_build_filename(f->dir, to, NULL);
    g_autofree char *content = NULL;
    gsize size;

    g_assert_true(g_file_get_contents(from_path, &content, &size, NULL));
    g_assert_true(g_file_set_contents(to_path, content, (gssize)size, NULL));
}

static void use_pair(struct fixture *f, const char *crt, const char *key)
{
    copy_file(f, crt, "server.crt");
    copy_file(f, key, "server.key");
}

/* ---- a client ---- */

struct tls_client {
    struct http_client plain; /* `in` holds what came, decrypted */
    gnutls_session_t session;
    gnutls_certificate_credentials_t credentials;
};

static bool tls_connect(struct tls_client *client, int port, const char *priorities)
{
    http_client_init(&client->plain, port);
    gnutls_certificate_allocate_credentials(&client->credentials);
    gnutls_init(&client->session, GNUTLS_CLIENT | GNUTLS_NO_SIGNAL);
    g_assert_cmpint(gnutls_priority_set_direct(client->session, priorities, NULL), ==, 0);
    gnutls_credentials_set(client->session, GNUTLS_CRD_CERTIFICATE, client->credentials);
    gnutls_transport_set_int(client->session, client->plain.fd);
    int code;
    do
        code = gnutls_handshake(client->session);
    while (code < 0 && !gnutls_error_is_fatal(code));
    return code == 0;
}

static void tls_clear(struct tls_client *client)
{
    gnutls_deinit(client->session);
    gnutls_certificate_free_credentials(client->credentials);
    http_client_clear(&client->plain);
}

/* The subject of the server's certificate, "CN=…". */
static void assert_subject(struct tls_client *client, const char *wanted)
{
    unsigned n;
    const gnutls_datum_t *chain = gnutls_certificate_get_peers(client->session, &n);
    gnutls_x509_crt_t crt;
    char dn[100];
    size_t size = sizeof dn;

    g_assert_nonnull(chain);
    gnutls_x509_crt_init(&crt);
    g_assert_cmpint(gnutls_x509_crt_import(crt, &chain[0], GNUTLS_X509_FMT_DER), ==, 0);
    g_assert_cmpint(gnutls_x509_crt_get_dn(crt, dn, &size), ==, 0);
    gnutls_x509_crt_deinit(crt);
    g_assert_cmpstr(dn, ==, wanted);
}

static void tls_send(struct tls_client *client, const char *text)
{
    for (gsize sent = 0, size = strlen(text); sent < size;) {
        ssize_t n = gnutls_record_send(client->session, text + sent, size - sent);
        g_assert_cmpint(n, >, 0);
        sent += (gsize)n;
    }
}

/* Reads until there is all that http_client_receive will ask for. */
static void tls_receive(struct tls_client *client, gsize body_size, struct http_answer *answer)
{
    const char *end = NULL;
    g_autofree char *buffer = g_malloc(65536);

    while (!(end = strstr(client->plain.in->str, "\r\n\r\n")) ||
           client->plain.in->len < (gsize)(end - client->plain.in->str) + 4 + body_size) {
        ssize_t n = gnutls_record_recv(client->session, buffer, 65536);
        if (n == GNUTLS_E_AGAIN || n == GNUTLS_E_INTERRUPTED)
            continue;
        g_assert_cmpint(n, >, 0);
        g_string_append_len(client->plain.in, buffer, n);
    }
    http_client_receive(&client->plain, TRUE, answer);
}

static void assert_served(struct tls_client *client)
{
    struct http_answer answer;

    tls_send(client, "GET /token HTTP/1.1\r\nHost: x\r\nX-API-Key: s3cret\r\n\r\n");
    tls_receive(client, 0, &answer);
    g_assert_cmpint(answer.status, ==, 204);
    http_answer_clear(&answer);
}

/* ---- the server ---- */

static bool serve(struct fixture *f, struct http_request *request, const char *path)
{
    (void)f;
    if (strcmp(path, "/file") == 0) {
        const struct http_file file = {.fd = open(g_get_tmp_dir(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600), .size = FILE_SIZE};
        g_assert_cmpint(ftruncate(file.fd, FILE_SIZE), ==, 0);
        g_assert_cmpint(pwrite(file.fd, "end", 3, FILE_SIZE - 3), ==, 3);
        http_respond_file(request, &file);
    }
    return strcmp(path, "/file") == 0;
}

struct paths {
    char *crt, *key;
};

static struct http_settings tls_settings(const struct fixture *f, struct paths *paths)
{
    struct http_settings settings = settings_of(f);

    paths->crt = g_build_filename(f->dir, "server.crt", NULL);
    paths->key = g_build_filename(f->dir, "server.key", NULL);
    settings.unix_path = NULL;
    settings.tls_cert = paths->crt;
    settings.tls_key = paths->key;
    return settings;
}

static void restart(struct fixture *f, int idle_timeout_s)
{
    struct paths paths;
    struct http_settings settings = tls_settings(f, &paths);

    make_pair(f, "one");
    make_pair(f, "two");
    use_pair(f, "one.crt", "one.key");
    http_server_stop(f->server);
    f->also = serve;
    settings.idle_timeout_s = idle_timeout_s;
    fixture_start(f, &settings);
    g_free(paths.crt);
    g_free(paths.key);
}

static void remove_files(struct fixture *f)
{
    g_autoptr(GDir) dir = g_dir_open(f->dir, 0, NULL);
    const char *name;

    while ((name = g_dir_read_name(dir))) {
        g_autofree char *path = g_build_filename(f->dir, name, NULL);
        g_unlink(path);
    }
}

/* ---- tests ---- */

static void test_serves(struct fixture *f, gconstpointer data)
{
    struct tls_client client;
    struct http_answer answer;
    g_autofree char *body = g_strnfill(90000, 'b');
    g_autofree char *post = g_strdup_printf("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 90000\r\n\r\n%s", body);

    (void)data;
    restart(f, 10);
    g_assert_true(tls_connect(&client, f->port, "NORMAL"));
    assert_subject(&client, "CN=one");
    tls_send(&client, post);
    tls_receive(&client, 90000, &answer);
    g_assert_cmpint(answer.status, ==, 200);
    g_assert_cmpstr(answer.body->str, ==, body);
    assert_header(&answer, "strict-transport-security", "max-age=31536000");
    http_answer_clear(&answer);
    tls_send(&client, "GET /file HTTP/1.1\r\nHost: x\r\n\r\n");
    tls_receive(&client, FILE_SIZE, &answer);
    g_assert_cmpint(answer.status, ==, 200);
    g_assert_cmpint(memcmp(answer.body->str + FILE_SIZE - 4, "\0end", 4), ==, 0);
    http_answer_clear(&answer);
    tls_send(&client, "GET /hold HTTP/1.1\r\nHost: x\r\n\r\n");
    struct http_request *held = (struct http_request *)pop_held(f);
    g_assert_true(http_request_is_tls(held));
    g_assert_cmpstr(http_request_peer(held), ==, "127.0.0.1");
    http_respond(held, 200, NULL, "later", 5);
    tls_receive(&client, 5, &answer);
    g_assert_cmpstr(answer.body->str, ==, "later");
    http_answer_clear(&answer);
    tls_clear(&client);
    remove_files(f);
}

static void test_versions(struct fixture *f, gconstpointer data)
{
    static const struct {
        const char *priorities;
        bool taken;
    } cases[] = {
        {"NORMAL:-VERS-ALL:+VERS-TLS1.3", true},
        {"NORMAL:-VERS-ALL:+VERS-TLS1.2", true},
        {"NORMAL:-VERS-ALL:+VERS-TLS1.1", false},
        {"NORMAL:-VERS-ALL:+VERS-TLS1.0", false},
        {"NORMAL:-VERS-ALL:+VERS-TLS1.2:-CIPHER-ALL:+AES-128-CBC", false},
        {"NORMAL:-VERS-ALL:+VERS-TLS1.2:-KX-ALL:+RSA", false},
    };

    (void)data;
    restart(f, 10);
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct tls_client client;
        if (tls_connect(&client, f->port, cases[i].priorities) != cases[i].taken)
            g_error("%s", cases[i].priorities);
        if (cases[i].taken)
            assert_served(&client);
        tls_clear(&client);
    }
    remove_files(f);
}

static void test_reload(struct fixture *f, gconstpointer data)
{
    struct tls_client before, after;
    GError *error = NULL;

    (void)data;
    restart(f, 10);
    g_assert_true(tls_connect(&before, f->port, "NORMAL"));
    assert_served(&before);
    use_pair(f, "two.crt", "two.key");
    for (int i = 0; i < 3; i++) {
        g_assert_true(http_server_reload_tls(f->server, &error));
        g_assert_no_error(error);
    }
    g_assert_true(tls_connect(&after, f->port, "NORMAL"));
    assert_subject(&after, "CN=two");
    assert_served(&after);
    assert_subject(&before, "CN=one");
    assert_served(&before); /* the pair that it began with is held for it */
    tls_clear(&before);
    tls_clear(&after);
    remove_files(f);
}

static void test_bad_pairs(struct fixture *f, gconstpointer data)
{
    static const struct {
        const char *crt, *key, *named;
    } cases[] = {{"junk", "one.key", "server.crt"},    {"one.crt", "junk", "server.key"},    {"one.key", "one.key", "server.crt"},
                 {"one.crt", "one.crt", "server.key"}, {"one.crt", "two.key", "server.key"}, {"empty", "one.key", "server.crt"}};
    static const gnutls_datum_t junk = {(unsigned char *)"-----BEGIN CERTIFICATE-----\nAAAA\n", 33},
                                empty = {(unsigned char *)"", 0};
    struct tls_client client;

    (void)data;
    restart(f, 10);
    write_pem(f, "junk", &junk);
    write_pem(f, "empty", &empty);
    for (gsize i = 0; i <= G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        bool missing = i == G_N_ELEMENTS(cases);
        g_autofree char *key_path = g_build_filename(f->dir, "server.key", NULL);
        if (!missing)
            use_pair(f, cases[i].crt, cases[i].key);
        else
            use_pair(f, "two.crt", "two.key"), g_unlink(key_path);
        g_assert_false(http_server_reload_tls(f->server, &error));
        g_assert_nonnull(error);
        g_assert_nonnull(strstr(error->message, missing ? "server.key" : cases[i].named));
        g_assert_true(tls_connect(&client, f->port, "NORMAL"));
        assert_subject(&client, "CN=one");
        assert_served(&client);
        tls_clear(&client);
    }
    remove_files(f);
}

static void test_bad_settings(struct fixture *f, gconstpointer data)
{
    struct paths paths;
    struct http_settings settings = tls_settings(f, &paths);
    GError *error = NULL;

    (void)data;
    g_assert_null(http_server_start(&settings, handle, f, &error)); /* there are no files */
    g_assert_nonnull(strstr(error->message, "server.crt"));
    g_clear_error(&error);
    make_pair(f, "server");
    settings.tls_key = NULL;
    g_assert_null(http_server_start(&settings, handle, f, &error));
    g_assert_nonnull(strstr(error->message, "both"));
    g_clear_error(&error);
    settings.tls_key = paths.key;
    settings.unix_path = paths.key;
    g_assert_null(http_server_start(&settings, handle, f, &error));
    g_assert_nonnull(strstr(error->message, "unix"));
    g_clear_error(&error);
    g_assert_true(http_server_reload_tls(f->server, &error)); /* without TLS: nothing */
    g_free(paths.crt);
    g_free(paths.key);
    g_autofree char *crt = g_build_filename(f->dir, "server.crt", NULL), *key = g_build_filename(f->dir, "server.key", NULL);
    g_unlink(crt);
    g_unlink(key);
}

/* What is no handshake, or the beginning of one, ends without an answer, and takes nothing from others. */
static void test_no_handshake(struct fixture *f, gconstpointer data)
{
    static const char *const openings[] = {"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "\x16\x03\x01\x02", ""};
    struct http_client clients[G_N_ELEMENTS(openings)];
    struct tls_client client;

    (void)data;
    restart(f, 4);
    for (gsize i = 0; i < G_N_ELEMENTS(openings); i++) {
        http_client_init(&clients[i], f->port);
        http_client_send(&clients[i], openings[i]);
    }
    g_assert_true(tls_connect(&client, f->port, "NORMAL"));
    assert_served(&client);
    tls_clear(&client);
    for (gsize i = 0; i < G_N_ELEMENTS(openings); i++) {
        while (http_client_more(&clients[i])) /* an alert, perhaps; then the end */
            continue;
        g_assert_null(strstr(clients[i].in->str, "HTTP"));
        http_client_clear(&clients[i]);
    }
    g_assert_cmpint(g_atomic_int_get(&f->handled), ==, 1);
    remove_files(f);
}

int main(int argc, char **argv)
{
    static const struct http_test tests[] = {
        {"/http_tls/serves", test_serves},
        {"/http_tls/versions", test_versions},
        {"/http_tls/reload", test_reload},
        {"/http_tls/bad_pairs", test_bad_pairs},
        {"/http_tls/bad_settings", test_bad_settings},
        {"/http_tls/no_handshake", test_no_handshake},
    };

    g_test_init(&argc, &argv, NULL);
    return run_http_tests(tests, G_N_ELEMENTS(tests));
}
