/* Clients that are slow, greedy, wrong or gone, and answers that come late: a raw client sends what a library's would never send.
 */
#include "tests/unit/http_fixture.h"

enum { THREADS = 8, REQUESTS_PER_THREAD = 250 };

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
        "\r\n\r\n\r\n",
        "GET\r\n\r\n",
        "nonsense nonsense nonsense\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
        "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5x\r\n\r\nhello",
        "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        "GET / HTTP/1.1\r\nno colon here\r\n\r\n",
        "\x16\x03\x01\x02",
        "GET /%zz%0 HTTP/1.1\r\nHost: x\r\n\r\n",
    };
    struct http_settings settings = settings_of(f);

    (void)data;
    http_server_stop(f->server);
    settings.idle_timeout_s = 3; /* what looks unfinished ends with it */
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
    expect(&client, 200, "GET /alive q=- test=- local=1 peer=127.0.0.1 []");
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
    settings.idle_timeout_s = 3;
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
    while (open && g_get_monotonic_time() - began_us < 60 * G_USEC_PER_SEC) {
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
    http_hold(request); /* it is: nothing */
    http_respond(request, 503, NULL, "later", 5);
    expect(&client, 503, "later");
    expect(&client, 200, "GET /b q=- test=- local=1 peer=127.0.0.1 []");
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
        g_autofree char *text = g_strdup_printf("POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: %zu\r\n\r\n%s",
                                                i % 2 ? "/hold" : "/echo", strlen(body), body);
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

int main(int argc, char **argv)
{
    static const struct http_test tests[] = {
        {"/http_faults/oversized", test_oversized},
        {"/http_faults/endless_body", test_endless_body},
        {"/http_faults/malformed", test_malformed},
        {"/http_faults/slow_clients", test_slow_clients},
        {"/http_faults/held", test_held},
        {"/http_faults/abandoned", test_abandoned},
        {"/http_faults/aborted_while_held", test_aborted_while_held},
        {"/http_faults/aborted_while_sending", test_aborted_while_sending},
        {"/http_faults/many_threads", test_many_threads},
        {"/http_faults/quiesce_keeps_held", test_quiesce_keeps_held},
    };

    g_test_init(&argc, &argv, NULL);
    return run_http_tests(tests, G_N_ELEMENTS(tests));
}
