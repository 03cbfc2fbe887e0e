/* http_fixture: a server whose handler does what the path says, for the tests of lib/http. */
#ifndef DAYBOOK_TESTS_HTTP_FIXTURE_H
#define DAYBOOK_TESTS_HTTP_FIXTURE_H

#include "lib/http.h"
#include "tests/unit/http_client.h"
#include <glib/gstdio.h>

enum { BODY_MAX = 100000, BIG = 50000 };

struct fixture {
    bool (*also)(struct fixture *f, struct http_request *request, const char *path); /* what a test adds; false: not its path */
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
static inline void push_held(struct fixture *f, gpointer item)
{
    g_mutex_lock(&f->lock);
    g_queue_push_tail(&f->held, item);
    g_cond_signal(&f->more);
    g_mutex_unlock(&f->lock);
}

static inline gpointer pop_held(struct fixture *f)
{
    g_mutex_lock(&f->lock);
    while (g_queue_is_empty(&f->held))
        g_cond_wait(&f->more, &f->lock);
    gpointer item = g_queue_pop_head(&f->held);
    g_mutex_unlock(&f->lock);
    return item;
}

/* ---- the handler ---- */

static inline bool add_pair(const char *name, const char *value, void *opaque)
{
    GString *text = (GString *)opaque;

    g_string_append_printf(text, "%s=%s;", name, value);
    return strcmp(name, "stop") != 0;
}

static inline void describe(struct http_request *request)
{
    g_autoptr(GString) text = g_string_new(NULL);
    const char *q = http_request_query(request, "q");
    const char *header = http_request_header(request, "x-test");

    g_string_append_printf(text, "%s %s q=%s test=%s local=%d peer=%s [", http_request_method(request), http_request_path(request),
                           q ? q : "-", header ? header : "-", http_request_is_local(request), http_request_peer(request));
    http_request_each_query(request, add_pair, text);
    g_string_append_printf(text, "]");
    http_response_header(request, "X-Extra", "yes");
    http_respond(request, 200, "text/plain", text->str, text->len);
}

static inline void handle(struct http_request *request, void *opaque)
{
    struct fixture *f = (struct fixture *)opaque;
    const char *path = http_request_path(request);
    struct view body = http_request_body(request);

    g_atomic_int_inc(&f->handled);
    if (f->also && f->also(f, request, path))
        return;
    if (strcmp(path, "/echo") == 0) {
        http_respond(request, 200, "application/octet-stream", body.data, body.size);
    } else if (strcmp(path, "/hold") == 0) {
        http_hold(request);
        http_hold(request);
        push_held(f, request);
    } else if (strcmp(path, "/abandon") == 0) {
        http_abandon(request);
    } else if (strcmp(path, "/big") == 0 || strcmp(path, "/unchanged") == 0) {
        g_autofree char *big = g_strnfill(BIG, 'a');
        http_respond(request, path[1] == 'b' ? 200 : 304, "text/plain", big, BIG);
    } else if (strcmp(path, "/page") == 0) {
        http_response_header(request, "Content-Security-Policy", "default-src 'self'");
        http_respond(request, 200, "text/html", "", 0);
    } else if (strcmp(path, "/token") == 0) {
        http_respond(request, http_request_bearer_is(request, "s3cret") ? 204 : 401, NULL, NULL, 0);
    } else {
        describe(request);
    }
}

static inline struct http_settings settings_of(const struct fixture *f)
{
    return (struct http_settings){.address = "127.0.0.1",
                                  .unix_path = f->unix_path,
                                  .body_max_bytes = BODY_MAX,
                                  .threads = 2,
                                  .connections_max = 100,
                                  .idle_timeout_s = 60};
}

static inline void fixture_start(struct fixture *f, const struct http_settings *settings)
{
    GError *error = NULL;

    f->server = http_server_start(settings, handle, f, &error);
    g_assert_no_error(error);
    g_assert_nonnull(f->server);
    f->port = http_server_port(f->server);
    g_assert_cmpint(f->port, >, 0);
}

static inline void set_up(struct fixture *f, gconstpointer data)
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

static inline void tear_down(struct fixture *f, gconstpointer data)
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

/* One request with these header lines, each with its CRLF; the body is not waited for after HEAD. */
static inline void ask(struct http_client *client, const char *method, const char *path, const char *headers,
                       struct http_answer *answer)
{
    g_autofree char *text = g_strdup_printf("%s %s HTTP/1.1\r\nHost: x\r\n%s\r\n", method, path, headers);

    http_client_send(client, text);
    http_client_receive(client, strcmp(method, "HEAD") != 0, answer);
}

/* The header's value, to be freed, or NULL. */
static inline char *header_of(const struct http_answer *answer, const char *name)
{
    g_autofree char *line = g_strdup_printf("\r\n%s: ", name);
    const char *at = answer->head ? strstr(answer->head, line) : NULL;

    at = at ? at + strlen(line) : NULL;
    return at ? g_strndup(at, strcspn(at, "\r")) : NULL;
}

#define assert_header(answer, name, value)                      \
    do {                                                        \
        g_autofree char *found_value = header_of(answer, name); \
        g_assert_cmpstr(found_value, ==, value);                \
    } while (0)

static inline void expect(struct http_client *client, int status, const char *body)
{
    struct http_answer answer;

    http_client_receive(client, TRUE, &answer);
    g_assert_cmpint(answer.status, ==, status);
    if (body)
        g_assert_cmpstr(answer.body->str, ==, body);
    http_answer_clear(&answer);
}

struct http_test {
    const char *name;
    void (*run)(struct fixture *, gconstpointer);
};

static inline int run_http_tests(const struct http_test *tests, gsize n)
{
    for (gsize i = 0; i < n; i++)
        g_test_add(tests[i].name, struct fixture, NULL, set_up, tests[i].run, tear_down);
    return g_test_run();
}

#endif
