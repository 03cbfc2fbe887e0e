/* Transfers to a real HTTP server of lib/http. Mail, and servers that misbehave: tests/system/test_notifications.py. */
#include "api/outgoing.h"

#include "lib/http.h"

static struct http_server *server;
static char *base;
static GMutex lock;
static GQueue held; /* under lock */
static char *heard; /* under lock: method, path, type and body of the last request */

static void handle(struct http_request *request, void *opaque)
{
    const char *path = http_request_path(request), *type = http_request_header(request, "Content-Type");
    struct view body = http_request_body(request);
    (void)opaque;
    g_mutex_lock(&lock);
    g_free(heard);
    heard = g_strdup_printf("%s %s %s %s %.*s", http_request_method(request), path, type != NULL ? type : "-",
                            http_request_header(request, "X-Mark") != NULL ? http_request_header(request, "X-Mark") : "-",
                            (int)body.size, body.data != NULL ? body.data : "");
    if (strcmp(path, "/hang") == 0) {
        http_hold(request);
        g_queue_push_tail(&held, request);
    }
    g_mutex_unlock(&lock);
    if (strcmp(path, "/hang") == 0)
        return;
    if (strcmp(path, "/busy") == 0)
        http_response_header(request, "Retry-After", "17");
    if (strcmp(path, "/moved") == 0)
        http_response_header(request, "Location", "/200");
    int status = strcmp(path, "/busy") == 0 ? 429 : strcmp(path, "/moved") == 0 ? 307 : (int)g_ascii_strtoll(path + 1, NULL, 10);
    http_respond(request, status, "text/plain", "x", 1);
}

/* ---- asking ---- */

struct asked {
    struct outgoing_result result;
    int times; /* that done was called */
};

static void note(const struct outgoing_result *result, void *opaque)
{
    struct asked *asked = opaque;
    asked->result = *result;
    asked->times++;
}

static const struct outgoing_settings usual = {
    .timeout_ms = 30000, .allow_private = true, .smtp_url = "", .smtp_user = "", .smtp_password = "", .mail_from = ""};

static void post(struct outgoing *outgoing, const char *url, struct asked *asked)
{
    static const char *const headers[] = {"Content-Type: application/json", "X-Mark: me", NULL};
    *asked = (struct asked){0};
    outgoing_post(outgoing, url, headers, g_string_new("{\"a\":1}"), note, asked);
}

static void wait_for(struct outgoing *outgoing, const struct asked *asked)
{
    gint64 until_us = g_get_monotonic_time() + 60 * G_TIME_SPAN_SECOND;
    while (asked->times == 0 && g_get_monotonic_time() < until_us)
        outgoing_run(outgoing, 100);
    g_assert_cmpint(asked->times, ==, 1);
}

static struct outgoing_result ask(const struct outgoing_settings *settings, const char *path)
{
    struct outgoing *outgoing = outgoing_new(settings);
    g_autofree char *url = path[0] == '/' ? g_strconcat(base, path, NULL) : g_strdup(path);
    struct asked asked;
    post(outgoing, url, &asked);
    wait_for(outgoing, &asked);
    outgoing_free(outgoing);
    return asked.result;
}

/* ---- tests ---- */

static void test_taken(void)
{
    struct outgoing_result result = ask(&usual, "/204");
    g_assert_true(result.taken);
    g_assert_cmpint(result.status, ==, 204);
    g_assert_cmpstr(result.error, ==, "");
    g_assert_cmpstr(heard, ==, "POST /204 application/json me {\"a\":1}");
}

static void test_refused(void)
{
    static const int statuses[] = {400, 404, 410, 500, 503};
    for (size_t i = 0; i < G_N_ELEMENTS(statuses); i++) {
        g_autofree char *path = g_strdup_printf("/%d", statuses[i]), *number = g_strdup_printf(" %d", statuses[i]);
        struct outgoing_result result = ask(&usual, path);
        g_assert_false(result.taken);
        g_assert_cmpint(result.status, ==, statuses[i]);
        g_assert_nonnull(strstr(result.error, number));
    }
}

static void test_retry_after(void)
{
    struct outgoing_result result = ask(&usual, "/busy");
    g_assert_cmpint(result.status, ==, 429);
    g_assert_cmpint(result.retry_after_s, ==, 17);
}

static void test_redirects_are_not_followed(void)
{
    struct outgoing_result result = ask(&usual, "/moved");
    g_assert_false(result.taken);
    g_assert_cmpint(result.status, ==, 307);
    g_assert_true(g_str_has_prefix(heard, "POST /moved "));
}

static void test_private_addresses(void)
{
    struct outgoing_settings settings = usual;
    settings.allow_private = false;
    g_clear_pointer(&heard, g_free);
    struct outgoing_result result = ask(&settings, "/200");
    g_assert_false(result.taken);
    g_assert_cmpint(result.status, ==, 0);
    g_assert_nonnull(strstr(result.error, "alerts.allow_private"));
    g_assert_null(heard);
}

/* The environment cannot lead us elsewhere. */
static void test_proxies_are_ignored(void)
{
    struct outgoing_settings settings = usual;
    g_setenv("http_proxy", base, TRUE);
    settings.timeout_ms = 1000;
    g_clear_pointer(&heard, g_free);
    struct outgoing_result result = ask(&settings, "http://name.invalid/200");
    g_unsetenv("http_proxy");
    g_assert_false(result.taken);
    g_assert_null(heard);
}

static void test_other_schemes(void)
{
    static const char *const urls[] = {
        "file:///etc/passwd", "ftp://127.0.0.1/x", "gopher://127.0.0.1/x", "smtp://127.0.0.1", "x", "", "http://"};
    for (size_t i = 0; i < G_N_ELEMENTS(urls); i++) {
        struct outgoing_result result = ask(&usual, urls[i]);
        g_assert_false(result.taken);
        g_assert_cmpstr(result.error, !=, "");
    }
}

/* One that hangs ends at its time, and others beside it are not held up. */
static void test_side_by_side(void)
{
    struct outgoing_settings settings = usual;
    struct asked hangs, answers;
    settings.timeout_ms = 4000;
    g_autofree char *slow = g_strconcat(base, "/hang", NULL), *quick = g_strconcat(base, "/200", NULL);
    struct outgoing *outgoing = outgoing_new(&settings);
    post(outgoing, slow, &hangs);
    for (int n = 0; n < 5; n++) {
        post(outgoing, quick, &answers);
        wait_for(outgoing, &answers);
        g_assert_true(answers.result.taken);
    }
    g_assert_cmpint(hangs.times, ==, 0);
    wait_for(outgoing, &hangs);
    g_assert_false(hangs.result.taken);
    g_assert_cmpint(hangs.result.status, ==, 0);
    outgoing_free(outgoing);
}

/* What is dropped calls nobody. */
static void test_free_with_transfers(void)
{
    struct asked asked;
    g_autofree char *slow = g_strconcat(base, "/hang", NULL);
    struct outgoing *outgoing = outgoing_new(&usual);
    post(outgoing, slow, &asked);
    outgoing_run(outgoing, 50);
    outgoing_free(outgoing);
    g_assert_cmpint(asked.times, ==, 0);
    outgoing_free(NULL);
}

static void *wake(void *outgoing)
{
    g_usleep(100 * 1000);
    outgoing_wake(outgoing);
    return NULL;
}

static void test_wake(void)
{
    struct outgoing *outgoing = outgoing_new(&usual);
    gint64 begin_us = g_get_monotonic_time();
    GThread *thread = g_thread_new("wake", wake, outgoing);
    outgoing_run(outgoing, 120000);
    g_assert_cmpint(g_get_monotonic_time() - begin_us, <, 60 * G_TIME_SPAN_SECOND);
    g_thread_join(thread);
    outgoing_free(outgoing);
}

static void test_smtp_urls(void)
{
    static const char *const good[] = {"smtp://mail.example.com", "smtp://127.0.0.1:25", "smtps://mail.example.com:465/",
                                       "smtp://[::1]:2525"};
    static const char *const bad[] = {"",
                                      "mail.example.com",
                                      "http://mail.example.com",
                                      "smtp://",
                                      "smtp://user:password@mail.example.com",
                                      "smtp://mail.example.com/path",
                                      "smtp://mail.example.com?x",
                                      "smtp://mail.example.com:port"};
    const char *why;
    for (size_t i = 0; i < G_N_ELEMENTS(good); i++)
        g_assert_true(outgoing_smtp_url_check(good[i], &why));
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
        g_assert_false(outgoing_smtp_url_check(bad[i], &why));
}

static void answer_held(void)
{
    g_mutex_lock(&lock);
    for (struct http_request *request; (request = g_queue_pop_head(&held)) != NULL;)
        http_respond(request, 200, NULL, NULL, 0);
    g_mutex_unlock(&lock);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    const struct http_settings settings = {
        .address = "127.0.0.1", .body_max_bytes = 1000, .threads = 1, .connections_max = 50, .idle_timeout_s = 30};
    g_autoptr(GError) error = NULL;
    server = http_server_start(&settings, handle, NULL, &error);
    g_assert_no_error(error);
    base = g_strdup_printf("http://127.0.0.1:%d", http_server_port(server));
    g_test_add_func("/outgoing/taken", test_taken);
    g_test_add_func("/outgoing/refused", test_refused);
    g_test_add_func("/outgoing/retry-after", test_retry_after);
    g_test_add_func("/outgoing/redirects-are-not-followed", test_redirects_are_not_followed);
    g_test_add_func("/outgoing/private-addresses", test_private_addresses);
    g_test_add_func("/outgoing/proxies-are-ignored", test_proxies_are_ignored);
    g_test_add_func("/outgoing/other-schemes", test_other_schemes);
    g_test_add_func("/outgoing/side-by-side", test_side_by_side);
    g_test_add_func("/outgoing/free-with-transfers", test_free_with_transfers);
    g_test_add_func("/outgoing/wake", test_wake);
    g_test_add_func("/outgoing/smtp-urls", test_smtp_urls);
    int failed = g_test_run();
    http_server_quiesce(server);
    answer_held();
    http_server_stop(server);
    g_free(heard);
    g_free(base);
    return failed;
}
