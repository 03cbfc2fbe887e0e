/* Answers that are files: what of them is sent, and that they wait for slow clients at no cost. */
#include "tests/unit/http_fixture.h"
#include <fcntl.h>
#include <glib/gstdio.h>

enum { SIZE = 300000, SLOW_N = 100, SLOW_SIZE = 50 << 20, QUICK_N = 200 };
static const char tag[] = "\"tag-1\"";
static int status_said; /* by http_respond_file */
static int shared_fd;   /* what /slow answers with */

static guint8 byte_at(int64_t i)
{
    return (guint8)((uint64_t)i * 2654435761u >> 13);
}

static int unlinked_file(struct fixture *f, int64_t size)
{
    g_autofree char *path = g_build_filename(f->dir, "body", NULL);
    g_autofree guint8 *bytes = g_malloc((gsize)size);
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    g_assert_cmpint(fd, >=, 0);
    for (int64_t i = 0; i < size; i++)
        bytes[i] = byte_at(i);
    g_assert_cmpint(write(fd, bytes, (gsize)size), ==, size);
    g_unlink(path);
    return fd;
}

static bool serve_slow(struct http_request *request)
{
    const struct http_file file = {.fd = dup(shared_fd), .size = SLOW_SIZE, .etag = tag};

    http_respond_file(request, &file);
    return true;
}

/* /slow, or /file?size=…&gzip&name=…&untagged&varies */
static bool serve(struct fixture *f, struct http_request *request, const char *path)
{
    const char *size = http_request_query(request, "size");
    struct http_file file = {.size = size ? g_ascii_strtoll(size, NULL, 10) : SIZE,
                             .content_type = "text/csv",
                             .etag = http_request_query(request, "untagged") ? NULL : tag,
                             .file_name = http_request_query(request, "name"),
                             .gzip = http_request_query(request, "gzip") != NULL,
                             .varies = http_request_query(request, "varies") != NULL};

    if (strcmp(path, "/slow") == 0)
        return serve_slow(request);
    if (strcmp(path, "/file") != 0)
        return false;
    file.fd = unlinked_file(f, file.size);
    http_response_header(request, "Cache-Control", "private");
    g_atomic_int_set(&status_said, http_respond_file(request, &file));
    return true;
}

static void assert_bytes(const struct http_answer *answer, int64_t first, int64_t length)
{
    g_assert_cmpint((int64_t)answer->body->len, ==, length);
    for (int64_t i = 0; i < length; i++)
        if ((guint8)answer->body->str[i] != byte_at(first + i))
            g_error("byte %" G_GINT64_FORMAT, i);
}

static int64_t descriptors(void)
{
    g_autoptr(GDir) dir = g_dir_open("/proc/self/fd", 0, NULL);
    int64_t n = 0;

    while (g_dir_read_name(dir))
        n++;
    return n;
}

/* The server closes what it sent a little after the client has it. */
static void expect_descriptors(int64_t most)
{
    for (int i = 0; i < 1000 && descriptors() > most; i++)
        g_usleep(10 * 1000);
    g_assert_cmpint(descriptors(), <=, most);
}

static void test_whole(struct fixture *f, gconstpointer data)
{
    struct http_client client;
    struct http_answer answer;

    (void)data;
    f->also = serve;
    http_client_init(&client, f->port);
    ask(&client, "GET", "/file", "", &answer);
    g_assert_cmpint(answer.status, ==, 200);
    assert_bytes(&answer, 0, SIZE);
    assert_header(&answer, "etag", tag);
    assert_header(&answer, "accept-ranges", "bytes");
    assert_header(&answer, "content-type", "text/csv");
    assert_header(&answer, "cache-control", "private");
    assert_header(&answer, "vary", NULL);
    assert_header(&answer, "content-disposition", NULL);
    assert_header(&answer, "content-range", NULL);
    http_answer_clear(&answer);
    ask(&client, "HEAD", "/file", "Range: bytes=1-2\r\n", &answer);
    g_assert_cmpint(answer.status, ==, 200);
    assert_header(&answer, "content-length", "300000");
    assert_header(&answer, "etag", tag);
    http_answer_clear(&answer);
    ask(&client, "GET", "/file?size=0", "", &answer);
    g_assert_cmpint(answer.status, ==, 200);
    assert_header(&answer, "content-length", "0");
    http_answer_clear(&answer);
    http_client_clear(&client);
}

static void test_parts(struct fixture *f, gconstpointer data)
{
    static const struct {
        const char *headers;
        int status;
        int64_t first, length;
        const char *content_range;
    } cases[] = {
        {"Range: bytes=0-99\r\n", 206, 0, 100, "bytes 0-99/300000"},
        {"Range: bytes=299990-\r\n", 206, 299990, 10, "bytes 299990-299999/300000"},
        {"Range: bytes=-7\r\n", 206, 299993, 7, "bytes 299993-299999/300000"},
        {"Range: bytes=70001-270000\r\n", 206, 70001, 200000, "bytes 70001-270000/300000"},
        {"Range: bytes=0-0,5-6\r\n", 200, 0, SIZE, NULL},
        {"Range: bytes=300000-\r\n", 416, 0, 0, "bytes */300000"},
        {"Range: bytes=0-9\r\nIf-Range: \"tag-1\"\r\n", 206, 0, 10, "bytes 0-9/300000"},
        {"Range: bytes=0-9\r\nIf-Range: \"tag-2\"\r\n", 200, 0, SIZE, NULL},
        {"Range: bytes=0-9\r\nIf-Range: W/\"tag-1\"\r\n", 200, 0, SIZE, NULL},
        {"Range: bytes=300000-\r\nIf-Range: \"tag-2\"\r\n", 200, 0, SIZE, NULL},
        {"Range: bytes=0-9\r\nIf-None-Match: \"tag-2\"\r\n", 206, 0, 10, "bytes 0-9/300000"},
        {"Range: bytes=300000-\r\nIf-None-Match: \"tag-1\"\r\n", 304, 0, 0, NULL},
        {"If-None-Match: W/\"tag-1\"\r\n", 304, 0, 0, NULL},
        {"If-None-Match: *\r\n", 304, 0, 0, NULL},
    };
    struct http_client client;
    struct http_answer answer;

    (void)data;
    f->also = serve;
    http_client_init(&client, f->port);
    ask(&client, "GET", "/x", "", &answer); /* the server has its end of the connection */
    http_answer_clear(&answer);
    int64_t before = descriptors();
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        ask(&client, "GET", "/file", cases[i].headers, &answer);
        g_assert_cmpint(answer.status, ==, cases[i].status);
        g_assert_cmpint(g_atomic_int_get(&status_said), ==, cases[i].status);
        if (cases[i].status == 416)
            g_assert_nonnull(strstr(answer.body->str, "\"requestId\":\""));
        else
            assert_bytes(&answer, cases[i].first, cases[i].length);
        assert_header(&answer, "content-range", cases[i].content_range);
        assert_header(&answer, "etag", tag);
        if (cases[i].status == 304)
            assert_header(&answer, "content-length", "300000"); /* of what is not sent */
        assert_header(&answer, "content-type",
                      cases[i].status == 304   ? NULL
                      : cases[i].status == 416 ? "application/json"
                                               : "text/csv");
        http_answer_clear(&answer);
    }
    expect_descriptors(before);
    http_client_clear(&client);
}

static void test_no_parts(struct fixture *f, gconstpointer data)
{
    static const char *const paths[] = {"/file?gzip", "/file?untagged"};
    struct http_client client;
    struct http_answer answer;

    (void)data;
    f->also = serve;
    http_client_init(&client, f->port);
    for (gsize i = 0; i < G_N_ELEMENTS(paths); i++) {
        ask(&client, "GET", paths[i], "Range: bytes=0-9\r\n", &answer);
        g_assert_cmpint(answer.status, ==, 200);
        assert_bytes(&answer, 0, SIZE);
        assert_header(&answer, "accept-ranges", NULL);
        assert_header(&answer, "etag", i == 0 ? tag : NULL);
        assert_header(&answer, "content-encoding", i == 0 ? "gzip" : NULL);
        assert_header(&answer, "vary", i == 0 ? "accept-encoding" : NULL);
        http_answer_clear(&answer);
    }
    ask(&client, "GET", "/file?untagged", "If-None-Match: *\r\n", &answer);
    g_assert_cmpint(answer.status, ==, 200);
    http_answer_clear(&answer);
    ask(&client, "GET", "/file?varies", "If-None-Match: *\r\n", &answer);
    g_assert_cmpint(answer.status, ==, 304);
    assert_header(&answer, "vary", "accept-encoding");
    http_answer_clear(&answer);
    http_client_clear(&client);
}

static void test_names(struct fixture *f, gconstpointer data)
{
    static const struct {
        const char *name, *disposition; /* the head is in lower case here */
    } cases[] = {
        {"usage-2026-11.csv", "attachment; filename=\"usage-2026-11.csv\""},
        {"a%20b.csv", "attachment; filename=\"a b.csv\""},
        {"a%22%5c%0d%0ab%2fc", "attachment; filename=\"a____b_c\"; filename*=utf-8''a%22%5c%0d%0ab%2fc"},
        {"%C3%A4%25.csv", "attachment; filename=\"___.csv\"; filename*=utf-8''%c3%a4%25.csv"},
    };
    struct http_client client;
    struct http_answer answer;

    (void)data;
    f->also = serve;
    http_client_init(&client, f->port);
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *path = g_strconcat("/file?name=", cases[i].name, NULL);
        ask(&client, "GET", path, "", &answer);
        g_assert_cmpint(answer.status, ==, 200);
        assert_header(&answer, "content-disposition", cases[i].disposition);
        http_answer_clear(&answer);
    }
    http_client_clear(&client);
}

/* Clients that ask for much and read nothing: others are answered all the while, and afterwards they get every byte. */
static void test_slow_readers(struct fixture *f, gconstpointer data)
{
    struct http_client slow[SLOW_N], quick;
    struct http_answer answer;
    struct http_settings settings = settings_of(f);

    (void)data;
    f->also = serve;
    http_server_stop(f->server);
    settings.connections_max = SLOW_N + 1;
    settings.idle_timeout_s = 600; /* they may be slow for as long as the test takes */
    fixture_start(f, &settings);
    int64_t before = descriptors();
    shared_fd = unlinked_file(f, SLOW_SIZE);
    for (int i = 0; i < SLOW_N; i++) {
        http_client_init(&slow[i], f->port);
        http_client_send(&slow[i], "GET /slow HTTP/1.1\r\nHost: x\r\n\r\n");
        g_assert_true(http_client_more(&slow[i])); /* it has begun */
    }
    http_client_init(&quick, f->port);
    for (int i = 0; i < QUICK_N; i++) {
        ask(&quick, "GET", "/quick", "", &answer);
        g_assert_cmpint(answer.status, ==, 200);
        http_answer_clear(&answer);
    }
    g_assert_cmpint(descriptors(), >=, before + 3 * SLOW_N); /* all of them are still being sent */
    http_client_receive(&slow[0], TRUE, &answer);
    assert_bytes(&answer, 0, SLOW_SIZE);
    http_answer_clear(&answer);
    for (int i = 0; i < SLOW_N; i++)
        http_client_clear(&slow[i]);
    http_client_clear(&quick);
    close(shared_fd);
    expect_descriptors(before);
}

int main(int argc, char **argv)
{
    static const struct http_test tests[] = {
        {"/http_file/whole", test_whole},
        {"/http_file/parts", test_parts},
        {"/http_file/no_parts", test_no_parts},
        {"/http_file/names", test_names},
        {"/http_file/slow_readers", test_slow_readers},
    };

    g_test_init(&argc, &argv, NULL);
    return run_http_tests(tests, G_N_ELEMENTS(tests));
}
