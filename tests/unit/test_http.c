/* What a well-behaved client sees of the server. */
#include "lib/http_gzip.h"
#include "tests/unit/http_fixture.h"
#include <sys/stat.h>
#include <zlib.h>

static void test_parts_of_a_request(struct fixture *f, gconstpointer data)
{
    struct http_client client;
    struct http_answer answer;

    (void)data;
    http_client_init(&client, f->port);
    http_client_send(
        &client, "GET /a%20b/c?q=x%26y+z&empty&stop=1&unseen=2 HTTP/1.1\r\nHost: x\r\nX-Test: t\r\nX-Request-Id: my.id-1\r\n\r\n");
    http_client_receive(&client, TRUE, &answer);
    g_assert_cmpstr(answer.body->str, ==, "GET /a b/c q=x&y z test=t local=1 peer=127.0.0.1 [q=x&y z;empty=;stop=1;]");
    g_assert_nonnull(strstr(answer.head, "\r\nx-request-id: my.id-1\r\n"));
    g_assert_nonnull(strstr(answer.head, "\r\nx-extra: yes\r\n"));
    g_assert_nonnull(strstr(answer.head, "\r\ncontent-type: text/plain\r\n"));
    http_answer_clear(&answer);
    /* What %00 would cut off stays; what is no escape, too. */
    http_client_send(&client, "GET /a%00b?q=c-1%00z&100%=%4&stop=1 HTTP/1.1\r\nHost: x\r\n\r\n");
    http_client_receive(&client, TRUE, &answer);
    g_assert_cmpstr(answer.body->str, ==, "GET /a%00b q=c-1%00z test=- local=1 peer=127.0.0.1 [q=c-1%00z;100%=%4;stop=1;]");
    http_answer_clear(&answer);
    http_client_send(&client, "GET /x HTTP/1.1\r\nHost: x\r\nX-Request-Id: not\"sane\r\n\r\n");
    http_client_receive(&client, TRUE, &answer);
    const char *id = strstr(answer.head, "\r\nx-request-id: ");
    g_assert_nonnull(id);
    g_assert_cmpint((int)strspn(id + 16, "0123456789abcdef"), ==, 32);
    http_answer_clear(&answer);
    http_client_clear(&client);
}

/* For who splits a path: what was sent, and what each part of it means. */
static bool answer_raw_path(struct fixture *f, struct http_request *request, const char *path)
{
    g_autofree char *decoded = g_strdup(http_request_raw_path(request));
    size_t size = http_unescape(decoded);
    g_autofree char *text = g_strdup_printf("%s %s %d", http_request_raw_path(request), path, (int)size);

    (void)f;
    g_assert_cmpstr(decoded, ==, path);
    http_respond(request, 200, "text/plain", text, strlen(text));
    return true;
}

static void test_raw_path(struct fixture *f, gconstpointer data)
{
    static const char *const cases[][2] = {{"/a/b", "/a/b /a/b 4"},
                                           {"/a%2Fb?c=%2F", "/a%2Fb /a/b 4"},
                                           {"/plain?c=%2F", "/plain /plain 6"},
                                           {"/a%252fb/%c3%bc", "/a%252fb/%c3%bc /a%2fb/\xc3\xbc 9"},
                                           {"/%00%4/%", "/%00%4/% /%00%4/% 8"}};
    struct http_client client;

    (void)data;
    f->also = answer_raw_path;
    http_client_init(&client, f->port);
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) { /* on one connection: of each request its own */
        struct http_answer answer;
        g_autofree char *text = g_strdup_printf("GET %s HTTP/1.1\r\nHost: x\r\n\r\n", cases[i][0]);
        http_client_send(&client, text);
        http_client_receive(&client, TRUE, &answer);
        g_assert_cmpstr(answer.body->str, ==, cases[i][1]);
        http_answer_clear(&answer);
    }
    http_client_clear(&client);
    http_client_init(&client, f->port); /* one that is no request has a path, too */
    http_client_send(&client, "GET /%41 HTTP/1.1\r\nHost");
    http_client_clear(&client);
}

static void test_pipelined_and_chunked(struct fixture *f, gconstpointer data)
{
    struct http_client client;

    (void)data;
    http_client_init(&client, f->port);
    http_client_send(&client, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\none"
                              "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\ntwo\r\n1\r\n!\r\n0\r\n\r\n"
                              "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"
                              "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nthree");
    expect(&client, 200, "one");
    expect(&client, 200, "two!");
    expect(&client, 200, "");
    expect(&client, 200, "three");
    http_client_clear(&client);
}

static void test_head(struct fixture *f, gconstpointer data)
{
    struct http_client client;
    struct http_answer answer;

    (void)data;
    http_client_init(&client, f->port);
    http_client_send(&client, "HEAD /big HTTP/1.1\r\nHost: x\r\n\r\n");
    http_client_receive(&client, FALSE, &answer);
    g_assert_cmpint(answer.status, ==, 200);
    g_assert_nonnull(strstr(answer.head, "\r\ncontent-length: 50000\r\n"));
    http_answer_clear(&answer);
    http_client_send(&client, "HEAD /h HTTP/1.1\r\nHost: x\r\n\r\nGET /after HTTP/1.1\r\nHost: x\r\n\r\n");
    http_client_receive(&client, FALSE, &answer);
    g_assert_cmpint(answer.status, ==, 200);
    http_answer_clear(&answer);
    expect(&client, 200, "GET /after q=- test=- local=1 peer=127.0.0.1 []");
    http_client_clear(&client);
}

static void test_gzip(struct fixture *f, gconstpointer data)
{
    struct http_client client;
    struct http_answer answer;
    Bytef plain[BIG + 1];
    z_stream z;

    (void)data;
    http_client_init(&client, f->port);
    http_client_send(&client, "GET /big HTTP/1.1\r\nHost: x\r\nAccept-Encoding: br, gzip\r\n\r\n");
    http_client_receive(&client, TRUE, &answer);
    g_assert_nonnull(strstr(answer.head, "\r\ncontent-encoding: gzip\r\n"));
    g_assert_nonnull(strstr(answer.head, "\r\nvary: accept-encoding\r\n"));
    g_assert_cmpuint(answer.body->len, <, 1000);
    memset(&z, 0, sizeof z);
    g_assert_cmpint(inflateInit2(&z, 15 + 16), ==, Z_OK);
    z.next_in = (Bytef *)answer.body->str;
    z.avail_in = (uInt)answer.body->len;
    z.next_out = plain;
    z.avail_out = sizeof plain;
    g_assert_cmpint(inflate(&z, Z_FINISH), ==, Z_STREAM_END);
    g_assert_cmpuint(z.total_out, ==, BIG);
    inflateEnd(&z);
    http_answer_clear(&answer);
    http_client_send(&client, "GET /big HTTP/1.1\r\nHost: x\r\nAccept-Encoding: identity\r\n\r\n");
    http_client_receive(&client, TRUE, &answer);
    g_assert_null(strstr(answer.head, "content-encoding"));
    g_assert_cmpuint(answer.body->len, ==, BIG);
    http_answer_clear(&answer);
    http_client_clear(&client);
}

/* A 304 says what the 200 would, but of the bytes only how many they are. */
static void test_not_modified(struct fixture *f, gconstpointer data)
{
    struct http_client client;
    struct http_answer whole, unchanged;

    (void)data;
    http_client_init(&client, f->port);
    for (int packed = 0; packed < 2; packed++) {
        const char *headers = packed ? "Accept-Encoding: gzip\r\n" : "";
        ask(&client, "GET", "/big", headers, &whole);
        ask(&client, "GET", "/unchanged", headers, &unchanged);
        g_assert_cmpint(unchanged.status, ==, 304);
        g_autofree char *length = header_of(&whole, "content-length");
        assert_header(&unchanged, "content-length", length);
        assert_header(&unchanged, "vary", "accept-encoding");
        assert_header(&unchanged, "content-type", NULL);
        assert_header(&unchanged, "content-encoding", NULL);
        g_assert_cmpint(strtol(length, NULL, 10) < BIG, ==, packed);
        http_answer_clear(&whole);
        http_answer_clear(&unchanged);
    }
    http_client_clear(&client);
}

static void test_gzip_accepted(void)
{
    g_assert_false(http_gzip_accepted(NULL));
    g_assert_false(http_gzip_accepted(""));
    g_assert_true(http_gzip_accepted("gzip"));
    g_assert_true(http_gzip_accepted("deflate, GZIP;q=0.1"));
    g_assert_false(http_gzip_accepted("gzip;q=0"));
    g_assert_false(http_gzip_accepted("gzip ; q=0.000"));
    g_assert_true(http_gzip_accepted("*"));
    g_assert_false(http_gzip_accepted("*;q=0"));
    g_assert_false(http_gzip_accepted("*, gzip;q=0"));
    g_assert_true(http_gzip_accepted("identity;q=0.5, *;q=0.1"));
    g_assert_false(http_gzip_accepted("identity"));
}

static void test_unix_socket(struct fixture *f, gconstpointer data)
{
    struct http_settings settings = settings_of(f);
    struct http_client client;
    GError *error = NULL;
    struct stat st;

    (void)data;
    g_assert_cmpint(stat(f->unix_path, &st), ==, 0);
    g_assert_cmpint((int)(st.st_mode & 0777), ==, 0660);
    http_client_init_unix(&client, f->unix_path);
    http_client_send(&client, "GET /u HTTP/1.1\r\nHost: x\r\n\r\n");
    expect(&client, 200, "GET /u q=- test=- local=1 peer=unix []");
    http_client_clear(&client);
    settings.address = NULL;
    g_assert_null(http_server_start(&settings, handle, f, &error));
    g_assert_nonnull(strstr(error->message, "another process"));
    g_clear_error(&error);
    http_server_stop(f->server);
    /* a file that is not ours stays, a socket that nobody listens on goes */
    g_assert_true(g_file_set_contents(f->unix_path, "precious", -1, NULL));
    g_assert_null(http_server_start(&settings, handle, f, &error));
    g_assert_nonnull(strstr(error->message, "not a socket"));
    g_clear_error(&error);
    g_unlink(f->unix_path);
    struct sockaddr_un stale = {.sun_family = AF_UNIX};
    g_strlcpy(stale.sun_path, f->unix_path, sizeof stale.sun_path);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    g_assert_cmpint(bind(fd, (struct sockaddr *)&stale, sizeof stale), ==, 0);
    close(fd);
    settings.address = "127.0.0.1";
    fixture_start(f, &settings);
}

static void test_port_in_use(struct fixture *f, gconstpointer data)
{
    struct http_settings settings = settings_of(f);
    g_autofree char *port = g_strdup_printf("port %d", f->port);
    GError *error = NULL;

    (void)data;
    settings.unix_path = NULL;
    settings.port = f->port;
    g_assert_null(http_server_start(&settings, handle, f, &error));
    g_assert_nonnull(strstr(error->message, port));
    g_clear_error(&error);
}

static void test_connection_limit(struct fixture *f, gconstpointer data)
{
    struct http_settings settings = settings_of(f);
    struct http_client clients[3];
    struct timeval soon = {0, 300 * 1000};
    char byte;

    (void)data;
    http_server_stop(f->server);
    settings.connections_max = 2;
    fixture_start(f, &settings);
    for (int i = 0; i < 2; i++) {
        http_client_init(&clients[i], f->port);
        http_client_send(&clients[i], "GET /x HTTP/1.1\r\nHost: x\r\n\r\n");
        expect(&clients[i], 200, NULL);
    }
    http_client_init(&clients[2], f->port); /* the kernel takes it, nobody answers */
    http_client_send(&clients[2], "GET /third HTTP/1.1\r\nHost: x\r\n\r\n");
    setsockopt(clients[2].fd, SOL_SOCKET, SO_RCVTIMEO, &soon, sizeof soon);
    g_assert_cmpint((int)recv(clients[2].fd, &byte, 1, 0), ==, -1);
    http_client_clear(&clients[0]);
    soon.tv_sec = 10;
    setsockopt(clients[2].fd, SOL_SOCKET, SO_RCVTIMEO, &soon, sizeof soon);
    expect(&clients[2], 200, "GET /third q=- test=- local=1 peer=127.0.0.1 []");
    http_client_clear(&clients[1]);
    http_client_clear(&clients[2]);
}

static void test_bearer(struct fixture *f, gconstpointer data)
{
    static const struct {
        const char *header;
        int status;
    } cases[] = {
        {"Authorization: Bearer s3cret", 204},
        {"Authorization: bearer s3cret", 204},
        {"X-API-Key: s3cret", 204},
        {"Authorization: Bearer s3cre", 401},
        {"Authorization: Bearer s3crets3cret", 401},
        {"Authorization: Bearer ", 401},
        {"Authorization: Basic s3cret", 401},
        {"X-API-Key: S3cret", 401},
        {"X-Other: s3cret", 401},
    };

    (void)data;
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct http_client client;
        g_autofree char *text = g_strdup_printf("GET /token HTTP/1.1\r\nHost: x\r\n%s\r\n\r\n", cases[i].header);
        http_client_init(&client, f->port);
        http_client_send(&client, text);
        expect(&client, cases[i].status, NULL);
        http_client_clear(&client);
    }
}

int main(int argc, char **argv)
{
    static const struct http_test tests[] = {
        {"/http/parts_of_a_request", test_parts_of_a_request},
        {"/http/raw_path", test_raw_path},
        {"/http/pipelined_and_chunked", test_pipelined_and_chunked},
        {"/http/head", test_head},
        {"/http/gzip", test_gzip},
        {"/http/not_modified", test_not_modified},
        {"/http/unix_socket", test_unix_socket},
        {"/http/port_in_use", test_port_in_use},
        {"/http/connection_limit", test_connection_limit},
        {"/http/bearer", test_bearer},
    };

    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/http/gzip_accepted", test_gzip_accepted);
    return run_http_tests(tests, G_N_ELEMENTS(tests));
}
