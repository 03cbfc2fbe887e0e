/* The server is real, and so are the sockets: a raw client sends what a library's client would never send. */
#include "lib/http.h"
#include "lib/http_gzip.h"
#include "tests/unit/http_client.h"
#include <glib/gstdio.h>
#include <sys/stat.h>
#include <zlib.h>

enum { BODY_MAX = 100000, BIG = 50000, THREADS = 8, REQUESTS_PER_THREAD = 250 };

struct fixture {
    struct http_server *server;
    int port;
    char *dir;
    char *unix_path;
    GMutex lock;
    GCond more;
    GQueue held; /* under lock: requests, for the answering thread or the test */
    GThread *answerer;
    gint handled;
};

/* GLib's own asynchronous queue would do, but its lock is invisible to ThreadSanitizer. */
static void push_held(struct fixture *f, gpointer item)
{
    g_mutex_lock(&f->lock);
    g_queue_push_tail(&f->held, item);
    g_cond_signal(&f->more);
    g_mutex_unlock(&f->lock);
}

static gpointer pop_held(struct fixture *f)
{
    g_mutex_lock(&f->lock);
    while (g_queue_is_empty(&f->held))
        g_cond_wait(&f->more, &f->lock);
    gpointer item = g_queue_pop_head(&f->held);
    g_mutex_unlock(&f->lock);
    return item;
}

/* ---- the handler: its path says what to do ---- */

static bool add_pair(const char *name, const char *value, void *opaque)
{
    GString *text = (GString *)opaque;

    g_string_append_printf(text, "%s=%s;", name, value);
    return strcmp(name, "stop") != 0;
}

static void describe(struct http_request *request)
{
    g_autoptr(GString) text = g_string_new(NULL);
    const char *q = http_request_query(request, "q");
    const char *header = http_request_header(request, "x-test");

    g_string_append_printf(text, "%s %s q=%s test=%s local=%d [", http_request_method(request), http_request_path(request), q ? q : "-",
                           header ? header : "-", http_request_is_local(request));
    http_request_each_query(request, add_pair, text);
    g_string_append_printf(text, "]");
    http_response_header(request, "X-Extra", "yes");
    http_respond(request, 200, "text/plain", text->str, text->len);
}

static void handle(struct http_request *request, void *opaque)
{
    struct fixture *f = (struct fixture *)opaque;
    const char *path = http_request_path(request);
    struct view body = http_request_body(request);

    g_atomic_int_inc(&f->handled);
    if (strcmp(path, "/echo") == 0) {
        http_respond(request, 200, "application/octet-stream", body.data, body.size);
    } else if (strcmp(path, "/hold") == 0) {
        http_hold(request);
        push_held(f, request);
    } else if (strcmp(path, "/abandon") == 0) {
        http_abandon(request);
    } else if (strcmp(path, "/big") == 0) {
        g_autofree char *big = g_strnfill(BIG, 'a');
        http_respond(request, 200, "text/plain", big, BIG);
    } else if (strcmp(path, "/token") == 0) {
        http_respond(request, http_request_bearer_is(request, "s3cret") ? 204 : 401, NULL, NULL, 0);
    } else {
        describe(request);
    }
}

static gpointer answer_held(gpointer data)
{
    struct fixture *f = (struct fixture *)data;
    gpointer request;

    while ((request = pop_held(f)) != f) {
        struct view body = http_request_body((struct http_request *)request);
        http_respond((struct http_request *)request, 200, "text/plain", body.data, body.size);
    }
    return NULL;
}

static struct http_settings settings_of(const struct fixture *f)
{
    return (struct http_settings){.address = "127.0.0.1",
                                  .unix_path = f->unix_path,
                                  .body_max_bytes = BODY_MAX,
                                  .threads = 2,
                                  .connections_max = 100,
                                  .idle_timeout_s = 10};
}

static void fixture_start(struct fixture *f, const struct http_settings *settings)
{
    GError *error = NULL;

    f->server = http_server_start(settings, handle, f, &error);
    g_assert_no_error(error);
    g_assert_nonnull(f->server);
    f->port = http_server_port(f->server);
    g_assert_cmpint(f->port, >, 0);
}

static void set_up(struct fixture *f, gconstpointer data)
{
    (void)data;
    f->dir = g_dir_make_tmp("daybook-http-XXXXXX", NULL);
    f->unix_path = g_build_filename(f->dir, "http.sock", NULL);
    g_mutex_init(&f->lock);
    g_cond_init(&f->more);
    g_queue_init(&f->held);
    struct http_settings settings = settings_of(f);
    fixture_start(f, &settings);
}

static void tear_down(struct fixture *f, gconstpointer data)
{
    (void)data;
    http_server_stop(f->server);
    if (f->answerer) {
        push_held(f, f);
        g_thread_join(f->answerer);
    }
    g_queue_clear(&f->held);
    g_mutex_clear(&f->lock);
    g_cond_clear(&f->more);
    g_rmdir(f->dir);
    g_free(f->dir);
    g_free(f->unix_path);
}

static void expect(struct http_client *client, int status, const char *body)
{
    struct http_answer answer;

    http_client_receive(client, TRUE, &answer);
    g_assert_cmpint(answer.status, ==, status);
    if (body)
        g_assert_cmpstr(answer.body->str, ==, body);
    http_answer_clear(&answer);
}

/* ---- tests ---- */

static void test_parts_of_a_request(struct fixture *f, gconstpointer data)
{
    struct http_client client;
    struct http_answer answer;

    (void)data;
    http_client_init(&client, f->port);
    http_client_send(&client, "GET /a%20b/c?q=x%26y+z&empty&stop=1&unseen=2 HTTP/1.1\r\nHost: x\r\nX-Test: t\r\nX-Request-Id: my.id-1\r\n\r\n");
    http_client_receive(&client, TRUE, &answer);
    g_assert_cmpstr(answer.body->str, ==, "GET /a b/c q=x&y z test=t local=1 [q=x&y z;empty=;stop=1;]");
    g_assert_nonnull(strstr(answer.head, "\r\nx-request-id: my.id-1\r\n"));
    g_assert_nonnull(strstr(answer.head, "\r\nx-extra: yes\r\n"));
    g_assert_nonnull(strstr(answer.head, "\r\ncontent-type: text/plain\r\n"));
    http_answer_clear(&answer);
    http_client_send(&client, "GET /x HTTP/1.1\r\nHost: x\r\nX-Request-Id: not\"sane\r\n\r\n");
    http_client_receive(&client, TRUE, &answer);
    const char *id = strstr(answer.head, "\r\nx-request-id: ");
    g_assert_nonnull(id);
    g_assert_cmpint((int)strspn(id + 16, "0123456789abcdef"), ==, 32);
    http_answer_clear(&answer);
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
    expect(&client, 200, "GET /after q=- test=- local=1 []");
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

static void test_oversized(struct fixture *f, gconstpointer data)
{
    struct http_client client;
    struct http_answer answer;
    g_autofree char *body = g_strnfill(BODY_MAX + 1, 'x');

    (void)data;
    http_client_init(&client, f->port);
    http_client_send(&client, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n");
    g_assert_true(http_client_write(&client, body, BODY_MAX));
    http_client_receive(&client, TRUE, &answer);
    g_assert_cmpint(answer.status, ==, 200);
    g_assert_cmpuint(answer.body->len, ==, BODY_MAX);
    http_answer_clear(&answer);
    /* one byte more, and then again a good one on the same connection */
    http_client_send(&client, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 100001\r\n\r\n");
    g_assert_true(http_client_write(&client, body, BODY_MAX + 1));
    http_client_receive(&client, TRUE, &answer);
    g_assert_cmpint(answer.status, ==, 413);
    g_assert_nonnull(strstr(answer.body->str, "limit of 100000 bytes"));
    g_assert_nonnull(strstr(answer.body->str, "\"requestId\":\""));
    http_answer_clear(&answer);
    http_client_send(&client, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nok");
    expect(&client, 200, "ok");
    /* a client that asks first is told before it sends */
    http_client_send(&client, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 100001\r\nExpect: 100-continue\r\n\r\n");
    expect(&client, 413, NULL);
    http_client_clear(&client);
    g_assert_cmpint(g_atomic_int_get(&f->handled), ==, 2);
}

static void test_endless_body(struct fixture *f, gconstpointer data)
{
    struct http_client client;
    g_autofree char *chunk = g_strnfill(0x8000, 'x');
    int chunks = 0;

    (void)data;
    http_client_init(&client, f->port);
    http_client_send(&client, "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
    while (chunks < 10000 && http_client_write(&client, "8000\r\n", 6) && http_client_write(&client, chunk, 0x8000) &&
           http_client_write(&client, "\r\n", 2))
        chunks++;
    g_assert_cmpint(chunks, <, 10000); /* it was cut off; what the kernel buffers varies */
    http_client_clear(&client);
    /* said to be far too large: refused at once, without reading */
    http_client_init(&client, f->port);
    http_client_send(&client, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n");
    expect(&client, 413, NULL);
    http_client_clear(&client);
    g_assert_cmpint(g_atomic_int_get(&f->handled), ==, 0);
}

static void test_malformed(struct fixture *f, gconstpointer data)
{
    static const char *const bad[] = {
        "\r\n\r\n\r\n", "GET\r\n\r\n", "nonsense nonsense nonsense\r\n\r\n", "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
        "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5x\r\n\r\nhello", "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        "GET / HTTP/1.1\r\nno colon here\r\n\r\n", "\x16\x03\x01\x02", "GET /%zz%0 HTTP/1.1\r\nHost: x\r\n\r\n",
    };
    struct http_settings settings = settings_of(f);

    (void)data;
    http_server_stop(f->server);
    settings.idle_timeout_s = 1; /* what looks unfinished ends with it */
    fixture_start(f, &settings);
    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
        struct http_client client;
        struct http_answer answer;
        http_client_init(&client, f->port);
        http_client_send(&client, bad[i]);
        shutdown(client.fd, SHUT_WR);
        http_client_receive(&client, TRUE, &answer); /* a refusal or the end */
        http_answer_clear(&answer);
        http_client_clear(&client);
    }
    struct http_client client;
    http_client_init(&client, f->port);
    http_client_send(&client, "GET /alive HTTP/1.1\r\nHost: x\r\n\r\n");
    expect(&client, 200, "GET /alive q=- test=- local=1 []");
    http_client_clear(&client);
}

static void test_slow_clients(struct fixture *f, gconstpointer data)
{
    struct http_settings settings = settings_of(f);
    struct http_client good, trickle, idle;
    struct http_answer answer;
    gint64 began_us;

    (void)data;
    http_server_stop(f->server);
    settings.idle_timeout_s = 1;
    fixture_start(f, &settings);
    http_client_init(&good, f->port);
    http_client_init(&trickle, f->port);
    http_client_init(&idle, f->port);
    began_us = g_get_monotonic_time();
    http_client_send(&good, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\n");
    http_client_send(&trickle, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n");
    for (int i = 0; i < 4; i++) { /* slow, but within its time */
        g_usleep(200 * 1000);
        http_client_send(&good, "g");
        http_client_send(&trickle, "t");
    }
    expect(&good, 200, "gggg");
    gboolean open = TRUE;
    while (open && g_get_monotonic_time() - began_us < 8 * G_USEC_PER_SEC) {
        g_usleep(200 * 1000);
        open = http_client_write(&trickle, "t", 1);
    }
    g_assert_false(open);
    http_client_receive(&idle, TRUE, &answer);
    g_assert_cmpint(answer.status, ==, 0);
    http_client_clear(&good);
    http_client_clear(&trickle);
    http_client_clear(&idle);
}

static void test_held(struct fixture *f, gconstpointer data)
{
    struct http_client client;

    (void)data;
    http_client_init(&client, f->port);
    /* the second one waits behind the first, whatever its own handler does */
    http_client_send(&client, "POST /hold HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\naGET /b HTTP/1.1\r\nHost: x\r\n\r\n");
    struct http_request *request = (struct http_request *)pop_held(f);
    g_usleep(50 * 1000);
    g_assert_cmpint(g_atomic_int_get(&f->handled), ==, 1);
    g_assert_cmpstr(http_request_path(request), ==, "/hold");
    http_respond(request, 503, NULL, "later", 5);
    expect(&client, 503, "later");
    expect(&client, 200, "GET /b q=- test=- local=1 []");
    http_client_clear(&client);
}

static void test_abandoned(struct fixture *f, gconstpointer data)
{
    struct http_client client;
    struct http_answer answer;

    (void)data;
    for (int held = 0; held < 2; held++) {
        http_client_init(&client, f->port);
        http_client_send(&client, held ? "POST /hold HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\na"
                                       : "POST /abandon HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\na");
        if (held)
            http_abandon((struct http_request *)pop_held(f));
        http_client_receive(&client, TRUE, &answer);
        g_assert_cmpint(answer.status, ==, 0); /* the end of the connection, and not a byte before it */
        g_assert_cmpuint(client.in->len, ==, 0);
        http_client_clear(&client);
    }
}

static void test_aborted_while_held(struct fixture *f, gconstpointer data)
{
    enum { N = 50 };
    struct http_client clients[N];

    (void)data;
    for (int i = 0; i < N; i++) {
        http_client_init(&clients[i], f->port);
        http_client_send(&clients[i], "POST /hold HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody");
    }
    g_autoptr(GPtrArray) requests = g_ptr_array_new();
    for (int i = 0; i < N; i++)
        g_ptr_array_add(requests, pop_held(f));
    for (int i = 0; i < N; i++) {
        if (i % 2)
            http_client_abort(&clients[i]);
        else
            http_client_clear(&clients[i]);
    }
    g_usleep(50 * 1000);
    for (int i = 0; i < N; i++) {
        struct http_request *request = (struct http_request *)g_ptr_array_index(requests, (guint)i);
        g_assert_true(view_is(http_request_body(request), "body")); /* still there */
        http_respond(request, 200, NULL, "x", 1);
    }
    struct http_client client;
    http_client_init(&client, f->port);
    http_client_send(&client, "GET /alive HTTP/1.1\r\nHost: x\r\n\r\n");
    expect(&client, 200, NULL);
    http_client_clear(&client);
}

static void test_aborted_while_sending(struct fixture *f, gconstpointer data)
{
    (void)data;
    for (int i = 0; i < 200; i++) {
        struct http_client client;
        http_client_init(&client, f->port);
        http_client_send(&client, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\npart");
        if (i % 2)
            http_client_abort(&client);
        else
            http_client_clear(&client);
    }
    g_assert_cmpint(g_atomic_int_get(&f->handled), ==, 0);
}

static gpointer client_thread(gpointer data)
{
    struct fixture *f = (struct fixture *)data;
    struct http_client client;

    http_client_init(&client, f->port);
    for (int i = 0; i < REQUESTS_PER_THREAD; i++) {
        g_autofree char *body = g_strdup_printf("%p %d", (void *)&client, i);
        g_autofree char *text = g_strdup_printf("POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: %zu\r\n\r\n%s", i % 2 ? "/hold" : "/echo",
                                                strlen(body), body);
        http_client_send(&client, text);
        if (i % 50 == 49) { /* some go away without reading */
            http_client_abort(&client);
            http_client_init(&client, f->port);
        } else {
            expect(&client, 200, body);
        }
    }
    http_client_clear(&client);
    return NULL;
}

static void test_many_threads(struct fixture *f, gconstpointer data)
{
    GThread *threads[THREADS];

    (void)data;
    f->answerer = g_thread_new("answerer", answer_held, f);
    for (int i = 0; i < THREADS; i++)
        threads[i] = g_thread_new("client", client_thread, f);
    for (int i = 0; i < THREADS; i++)
        g_thread_join(threads[i]);
    g_assert_cmpint(g_atomic_int_get(&f->handled), >=, THREADS * REQUESTS_PER_THREAD * 9 / 10);
}

static gpointer stop_server(gpointer server)
{
    http_server_stop((struct http_server *)server);
    return NULL;
}

static void test_quiesce_keeps_held(struct fixture *f, gconstpointer data)
{
    struct http_settings settings = settings_of(f);
    struct http_client held, open, late;
    struct http_answer answer;

    (void)data;
    http_client_init(&held, f->port);
    http_client_init(&open, f->port);
    http_client_send(&open, "GET /first HTTP/1.1\r\nHost: x\r\n\r\n");
    expect(&open, 200, NULL);
    http_client_send(&held, "POST /hold HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n");
    struct http_request *request = (struct http_request *)pop_held(f);
    http_server_quiesce(f->server);
    g_assert_false(http_client_try(&late, f->port));
    http_client_send(&open, "GET /second HTTP/1.1\r\nHost: x\r\n\r\n");
    http_client_receive(&open, TRUE, &answer);
    g_assert_cmpint(answer.status, ==, 503);
    g_assert_nonnull(strstr(answer.head, "\r\nconnection: close\r\n"));
    http_answer_clear(&answer);
    GThread *stopper = g_thread_new("stopper", stop_server, f->server);
    g_usleep(100 * 1000);
    g_autofree char *big = g_strnfill(8 << 20, 'y'); /* more than the socket's buffers hold */
    http_respond(request, 200, NULL, big, 8 << 20);
    http_client_receive(&held, TRUE, &answer);
    g_assert_cmpint(answer.status, ==, 200);
    g_assert_cmpuint(answer.body->len, ==, 8 << 20);
    http_answer_clear(&answer);
    g_thread_join(stopper);
    g_assert_false(g_file_test(f->unix_path, G_FILE_TEST_EXISTS));
    http_client_clear(&held);
    http_client_clear(&open);
    fixture_start(f, &settings);
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
    expect(&client, 200, "GET /u q=- test=- local=1 []");
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
    expect(&clients[2], 200, "GET /third q=- test=- local=1 []");
    http_client_clear(&clients[1]);
    http_client_clear(&clients[2]);
}

static void test_bearer(struct fixture *f, gconstpointer data)
{
    static const struct {
        const char *header;
        int status;
    } cases[] = {
        {"Authorization: Bearer s3cret", 204}, {"Authorization: bearer s3cret", 204}, {"X-API-Key: s3cret", 204},
        {"Authorization: Bearer s3cre", 401},  {"Authorization: Bearer s3crets3cret", 401}, {"Authorization: Bearer ", 401},
        {"Authorization: Basic s3cret", 401},  {"X-API-Key: S3cret", 401},            {"X-Other: s3cret", 401},
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
    static const struct {
        const char *name;
        void (*run)(struct fixture *, gconstpointer);
    } tests[] = {
        {"/http/parts_of_a_request", test_parts_of_a_request},
        {"/http/pipelined_and_chunked", test_pipelined_and_chunked},
        {"/http/head", test_head},
        {"/http/gzip", test_gzip},
        {"/http/oversized", test_oversized},
        {"/http/endless_body", test_endless_body},
        {"/http/malformed", test_malformed},
        {"/http/slow_clients", test_slow_clients},
        {"/http/held", test_held},
        {"/http/abandoned", test_abandoned},
        {"/http/aborted_while_held", test_aborted_while_held},
        {"/http/aborted_while_sending", test_aborted_while_sending},
        {"/http/many_threads", test_many_threads},
        {"/http/quiesce_keeps_held", test_quiesce_keeps_held},
        {"/http/unix_socket", test_unix_socket},
        {"/http/port_in_use", test_port_in_use},
        {"/http/connection_limit", test_connection_limit},
        {"/http/bearer", test_bearer},
    };

    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/http/gzip_accepted", test_gzip_accepted);
    for (gsize i = 0; i < G_N_ELEMENTS(tests); i++)
        g_test_add(tests[i].name, struct fixture, NULL, set_up, tests[i].run, tear_down);
    return g_test_run();
}
