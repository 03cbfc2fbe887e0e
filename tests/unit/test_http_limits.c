/* What one client can take from the others: connections, memory for headers, time. */
#include "tests/unit/http_fixture.h"
#include <fcntl.h>
#include <glib/gstdio.h>

enum { LARGE = 40 << 20, PIECE = 256 * 1024, TAKES = 25, TAKE_EVERY_MS = 200 };
static int large_fd;

static bool serve(struct fixture *f, struct http_request *request, const char *path)
{
    (void)f;
    if (strcmp(path, "/large") != 0)
        return false;
    const struct http_file file = {.fd = dup(large_fd), .size = LARGE};
    http_respond_file(request, &file);
    return true;
}

static void restart(struct fixture *f, const struct http_settings *settings)
{
    http_server_stop(f->server);
    fixture_start(f, settings);
}

static void connect_from(struct http_client *client, const struct fixture *f, const char *address)
{
    struct sockaddr_in from = {.sin_family = AF_INET}, to = {.sin_family = AF_INET, .sin_port = htons((guint16)f->port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    g_assert_cmpint(inet_pton(AF_INET, address, &from.sin_addr), ==, 1);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    g_assert_cmpint(bind(fd, (struct sockaddr *)&from, sizeof from), ==, 0);
    g_assert_cmpint(connect(fd, (struct sockaddr *)&to, sizeof to), ==, 0);
    http_client_init_fd(client, fd);
}

static int status_of(struct http_client *client)
{
    struct http_answer answer;
    static const char request[] = "GET /x HTTP/1.1\r\nHost: x\r\n\r\n";

    if (!http_client_write(client, request, sizeof request - 1))
        return 0;
    http_client_receive(client, TRUE, &answer);
    int status = answer.status;
    http_answer_clear(&answer);
    return status;
}

static void test_connections_per_address(struct fixture *f, gconstpointer data)
{
    struct http_settings settings = settings_of(f);
    struct http_client clients[3], surplus, other, local;

    (void)data;
    settings.connections_per_address = G_N_ELEMENTS(clients);
    settings.loopback_limited = true;
    restart(f, &settings);
    for (gsize i = 0; i < G_N_ELEMENTS(clients); i++) {
        connect_from(&clients[i], f, "127.0.0.2");
        g_assert_cmpint(status_of(&clients[i]), ==, 200);
    }
    connect_from(&surplus, f, "127.0.0.2");
    g_assert_cmpint(status_of(&surplus), ==, 0);
    g_assert_cmpuint(http_server_refused(f->server), ==, 1);
    http_client_clear(&surplus);
    connect_from(&other, f, "127.0.0.3"); /* others are served, and so are those who have a connection */
    g_assert_cmpint(status_of(&other), ==, 200);
    http_client_init_unix(&local, f->unix_path);
    g_assert_cmpint(status_of(&local), ==, 200);
    g_assert_cmpint(status_of(&clients[0]), ==, 200);
    http_client_clear(&clients[0]);
    int status = 0; /* its place is free as soon as the server has seen the end */
    for (int i = 0; i < 1000 && status == 0; i++) {
        g_usleep(10 * 1000);
        connect_from(&clients[0], f, "127.0.0.2");
        status = status_of(&clients[0]);
        if (status == 0)
            http_client_clear(&clients[0]);
    }
    g_assert_cmpint(status, ==, 200);
    for (gsize i = 0; i < G_N_ELEMENTS(clients); i++)
        http_client_clear(&clients[i]);
    http_client_clear(&other);
    http_client_clear(&local);
}

static void test_loopback_is_let_off(struct fixture *f, gconstpointer data)
{
    struct http_settings settings = settings_of(f);
    struct http_client clients[3];

    (void)data;
    settings.connections_per_address = 1;
    restart(f, &settings);
    for (gsize i = 0; i < G_N_ELEMENTS(clients); i++) {
        http_client_init(&clients[i], f->port);
        g_assert_cmpint(status_of(&clients[i]), ==, 200);
    }
    for (gsize i = 0; i < G_N_ELEMENTS(clients); i++)
        http_client_clear(&clients[i]);
    g_assert_cmpuint(http_server_refused(f->server), ==, 0);
}

/* Refused by libmicrohttpd itself, before there is a request. */
static void test_large_heads(struct fixture *f, gconstpointer data)
{
    g_autofree char *filler = g_strnfill(100000, 'x');
    g_autofree char *header = g_strdup_printf("GET /x HTTP/1.1\r\nHost: x\r\nX-Large: %s\r\n\r\n", filler);
    g_autofree char *line = g_strdup_printf("GET /x?%s HTTP/1.1\r\nHost: x\r\n\r\n", filler);
    const char *const large[] = {header, line};
    static const int statuses[] = {431, 414};
    struct http_client client;

    (void)data;
    for (gsize i = 0; i < G_N_ELEMENTS(large); i++) {
        struct http_answer answer;
        http_client_init(&client, f->port);
        http_client_write(&client, large[i], strlen(large[i]));
        http_client_receive(&client, TRUE, &answer);
        g_assert_cmpint(answer.status, ==, statuses[i]);
        http_answer_clear(&answer);
        http_client_clear(&client);
    }
    g_assert_cmpint(g_atomic_int_get(&f->handled), ==, 0);
    http_client_init(&client, f->port); /* a head of some size is taken */
    filler[8000] = '\0';
    g_autofree char *text = g_strdup_printf("GET /x HTTP/1.1\r\nHost: x\r\nX-Large: %s\r\n\r\n", filler);
    http_client_send(&client, text);
    expect(&client, 200, NULL);
    http_client_clear(&client);
}

/* One takes nothing of a large answer and is let go; the other takes a little now and then, for longer than that, and gets it all.
 */
static void test_slow_readers(struct fixture *f, gconstpointer data)
{
    struct http_settings settings = settings_of(f);
    struct http_client dead, slow;
    struct http_answer answer;
    g_autofree char *piece = g_malloc(PIECE);
    gsize taken = 0;

    (void)data;
    f->also = serve;
    settings.idle_timeout_s = 4; /* TAKES of TAKE_EVERY_MS are longer */
    restart(f, &settings);
    http_client_init(&dead, f->port);
    http_client_send(&dead, "GET /large HTTP/1.1\r\nHost: x\r\n\r\n");
    http_client_init(&slow, f->port);
    http_client_send(&slow, "GET /large HTTP/1.1\r\nHost: x\r\n\r\n");
    for (int i = 0; i < TAKES; i++) {
        ssize_t n = recv(slow.fd, piece, PIECE, MSG_WAITALL);
        g_assert_cmpint(n, ==, PIECE);
        g_string_append_len(slow.in, piece, n);
        g_usleep(TAKE_EVERY_MS * 1000);
    }
    while (http_client_more(&dead)) {
        taken += dead.in->len;
        g_string_truncate(dead.in, 0);
    }
    g_assert_cmpuint(taken, >, 0);
    g_assert_cmpuint(taken, <, LARGE);
    http_client_receive(&slow, TRUE, &answer);
    g_assert_cmpint(answer.status, ==, 200);
    g_assert_cmpuint(answer.body->len, ==, LARGE);
    http_answer_clear(&answer);
    http_client_clear(&dead);
    http_client_clear(&slow);
}

static int post(struct fixture *f, gsize size)
{
    struct http_client client;
    struct http_answer answer;
    g_autofree char *body = g_malloc0(size);
    g_autofree char *head = g_strdup_printf("POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: %zu\r\n\r\n", size);

    http_client_init(&client, f->port);
    http_client_send(&client, head);
    g_assert_true(http_client_write(&client, body, size));
    http_client_receive(&client, TRUE, &answer);
    int status = answer.status;
    http_answer_clear(&answer);
    http_client_clear(&client);
    return status;
}

enum { HOLDERS = 8 };

/* Requests that lack the last byte of the greatest body. */
static void hold_bodies(const struct fixture *f, struct http_client *clients)
{
    g_autofree char *body = g_malloc0(BODY_MAX);
    g_autofree char *head = g_strdup_printf("POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n", BODY_MAX);
    for (int i = 0; i < HOLDERS; i++) {
        http_client_init(&clients[i], f->port);
        http_client_send(&clients[i], head);
        g_assert_true(http_client_write(&clients[i], body, BODY_MAX - 1));
    }
}

/* The last byte of each; whether they were all taken. */
static bool complete_bodies(struct http_client *clients)
{
    bool taken = true;
    for (int i = 0; i < HOLDERS; i++) {
        struct http_answer answer;
        g_assert_true(http_client_write(&clients[i], "x", 1));
        http_client_receive(&clients[i], TRUE, &answer);
        taken &= answer.status == 200;
        http_answer_clear(&answer);
        http_client_clear(&clients[i]);
    }
    return taken;
}

/* There is no room for another until they end. Whoever asks before the server has read them all takes the room of one of them,
 * which is then refused itself: so that is tried anew, with more time. */
static void test_room_for_bodies(struct fixture *f, gconstpointer data)
{
    enum { PAUSE_MS_MAX = 20000 };
    struct http_client clients[HOLDERS];
    bool refused = false;
    int status = 503;

    (void)data;
    for (gulong pause_ms = 20; !refused && pause_ms < PAUSE_MS_MAX; pause_ms *= 2) {
        hold_bodies(f, clients);
        g_usleep(pause_ms * 1000);
        refused = post(f, BODY_MAX / 2) == 503;
        refused &= complete_bodies(clients);
    }
    g_assert_true(refused);
    for (int i = 0; i < 1000 && status == 503; i++) { /* until it has let go of them */
        status = post(f, BODY_MAX / 2);
        g_usleep(10 * 1000);
    }
    g_assert_cmpint(status, ==, 200);
}

int main(int argc, char **argv)
{
    static const struct http_test tests[] = {
        {"/http_limits/connections_per_address", test_connections_per_address},
        {"/http_limits/loopback_is_let_off", test_loopback_is_let_off},
        {"/http_limits/large_heads", test_large_heads},
        {"/http_limits/slow_readers", test_slow_readers},
        {"/http_limits/room_for_bodies", test_room_for_bodies},
    };

    g_test_init(&argc, &argv, NULL);
    large_fd = open(g_get_tmp_dir(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    g_assert_cmpint(ftruncate(large_fd, LARGE), ==, 0);
    int code = run_http_tests(tests, G_N_ELEMENTS(tests));
    close(large_fd);
    return code;
}
