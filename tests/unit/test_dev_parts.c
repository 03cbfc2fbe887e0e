/* The small parts that `daybook dev` is made of: ports, sockets, child processes, its state, the addresses of a system. */
#include "cli/child.h"
#include "cli/dev_state.h"
#include "cli/dev_system.h"
#include "cli/net.h"
#include "cli/options.h"

#include <arpa/inet.h>
#include <errno.h>
#include <glib/gstdio.h>
#include <netinet/in.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static char *directory;

/* ---- net ---- */

static int listen_on(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    g_assert_cmpint(bind(fd, (struct sockaddr *)&address, sizeof address), ==, 0);
    g_assert_cmpint(listen(fd, 4), ==, 0);
    return fd;
}

static void test_ports(void)
{
    int taken[8] = {0};

    for (size_t i = 0; i < G_N_ELEMENTS(taken); i++) {
        int port = net_port_choose(taken, i);
        for (size_t k = 0; k < i; k++)
            g_assert_cmpint(port, !=, taken[k]);
        g_assert_cmpint(port, >=, 10000);
        taken[i] = port;
    }
    int fd = listen_on(taken[0]);
    g_assert_false(net_port_is_free(taken[0]));
    close(fd);
    g_assert_true(net_port_is_free(taken[0]));
}

static const char *answer = "HTTP/1.1 503 Service Unavailable\r\n\r\n";

/* Answers one request with fixed bytes. */
static void *answer_once(void *opaque)
{
    char request[512];
    int fd = accept(GPOINTER_TO_INT(opaque), NULL, NULL);

    g_assert_cmpint(recv(fd, request, sizeof request, 0), >, 0);
    g_assert_cmpint(send(fd, answer, strlen(answer), 0), ==, (int)strlen(answer));
    close(fd);
    return NULL;
}

/* What is 2xx has its body taken, and nothing else. */
static void test_http_post(void)
{
    static const char *const rows[][2] = {{"HTTP/1.1 201 Created\r\nA: b\r\n\r\n{\"url\":1}", "{\"url\":1}"},
                                          {"HTTP/1.1 204 No Content\r\n\r\n", ""},
                                          {"HTTP/1.1 401 Unauthorized\r\n\r\n{}", NULL},
                                          {"HTTP/1.1 201 Created\r\n", NULL},
                                          {"201", NULL}};
    const char *before = answer;
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        int port = net_port_choose(NULL, 0), fd = listen_on(port);
        answer = rows[i][0];
        GThread *thread = g_thread_new("answer", answer_once, GINT_TO_POINTER(fd));
        g_autofree char *body = net_http_post(port, "/x", "token", 5000);
        g_assert_cmpstr(body, ==, rows[i][1]);
        g_thread_join(thread);
        close(fd);
    }
    answer = before;
}

static void test_http_status(void)
{
    int port = net_port_choose(NULL, 0);
    int fd = listen_on(port);
    GThread *thread = g_thread_new("answer", answer_once, GINT_TO_POINTER(fd));

    g_assert_cmpint(net_http_status(port, "/readyz", 5000), ==, 503);
    g_thread_join(thread);
    /* It listens but never answers. */
    g_assert_cmpint(net_http_status(port, "/readyz", 50), ==, -1);
    close(fd);
    g_assert_cmpint(net_http_status(port, "/readyz", 50), ==, -1);
}

/* Paths longer than a socket address holds work as well. */
static void test_unix_sockets(void)
{
    g_autofree char *deep = g_strnfill(90, 'd');
    g_autofree char *folder = g_build_filename(directory, deep, deep, NULL);
    g_autofree char *path = g_build_filename(folder, "control", NULL);
    g_autoptr(GError) error = NULL;

    g_assert_cmpint(g_mkdir_with_parents(folder, 0700), ==, 0);
    g_assert_cmpint(net_unix_connect(path, &error), ==, -1);
    g_assert_error(error, NET_ERROR, NET_ERROR_SOCKET);
    g_clear_error(&error);
    int server = net_unix_listen(path, &error);
    g_assert_no_error(error);
    int client = net_unix_connect(path, &error);
    g_assert_no_error(error);
    close(client);
    close(server);
    server = net_unix_listen(path, &error); /* over a stale socket */
    g_assert_no_error(error);
    close(server);
}

/* ---- child ---- */

enum { WAITS = 12000 }; /* of 5 ms */

static void wait_for_end(struct child *child)
{
    for (int i = 0; i < WAITS && child_alive(child); i++)
        g_usleep(5000);
    g_assert_false(child_alive(child));
}

static void wait_for_text(const struct child *child, const char *wanted)
{
    g_autofree char *text = NULL;
    for (int i = 0; i < WAITS && g_strcmp0(text, wanted) != 0; i++) {
        g_usleep(5000);
        g_clear_pointer(&text, g_free);
        g_file_get_contents(child->log_path, &text, NULL, NULL);
    }
    g_assert_cmpstr(text, ==, wanted);
}

static void test_child(void)
{
    const char *const argv[] = {"sh", "-c", "echo one; echo two >&2; exit 3", NULL};
    struct child child;
    g_autoptr(GError) error = NULL;
    g_autofree char *text = NULL;

    child_init(&child, "talker", directory);
    g_assert_true(child_start(&child, argv, -1, &error));
    wait_for_end(&child);
    g_autofree char *end = child_end(&child);
    g_assert_cmpstr(end, ==, "exit code 3");
    g_assert_true(g_file_get_contents(child.log_path, &text, NULL, NULL));
    g_assert_cmpstr(text, ==, "one\ntwo\n");
    child_clear(&child);
}

static void test_child_missing_program(void)
{
    const char *const argv[] = {"/no/such/program", NULL};
    struct child child;
    g_autofree char *text = NULL;

    child_init(&child, "missing", directory);
    g_assert_true(child_start(&child, argv, -1, NULL));
    wait_for_end(&child);
    g_assert_cmpint(WEXITSTATUS(child.wait_status), ==, 127);
    g_assert_true(g_file_get_contents(child.log_path, &text, NULL, NULL));
    g_assert_nonnull(strstr(text, "cannot run /no/such/program"));
    child_clear(&child);
}

static void test_child_stop(void)
{
    const char *const polite[] = {"sh", "-c", "trap 'exit 5' TERM; echo ready; while :; do sleep 0.01; done", NULL};
    const char *const stubborn[] = {"sh", "-c", "trap '' TERM; echo ready; while :; do sleep 0.01; done", NULL};
    const char *const *const programs[] = {polite, stubborn};
    const char *const ends[] = {"exit code 5", "signal 9 (Killed)"};
    const int times_ms[] = {60000, 1000};

    for (size_t i = 0; i < G_N_ELEMENTS(programs); i++) {
        struct child child;
        g_autofree char *name = g_strdup_printf("stop%zu", i);
        child_init(&child, name, directory);
        g_assert_true(child_start(&child, programs[i], -1, NULL));
        wait_for_text(&child, "ready\n");
        child_stop(&child, times_ms[i]);
        g_autofree char *end = child_end(&child);
        g_assert_cmpstr(end, ==, ends[i]);
        g_assert_cmpint(child.pid, ==, 0);
        child_clear(&child);
    }
}

static void test_child_log_is_bounded(void)
{
    const char *const argv[] = {"true", NULL};
    struct child child;

    child_init(&child, "large", directory);
    g_autofree char *old = g_strconcat(child.log_path, ".1", NULL);
    FILE *file = fopen(child.log_path, "w");
    g_assert_cmpint(ftruncate(fileno(file), CHILD_LOG_MAX + 1), ==, 0);
    fclose(file);
    g_assert_true(child_start(&child, argv, -1, NULL));
    wait_for_end(&child);
    g_assert_true(g_file_test(old, G_FILE_TEST_EXISTS));
    child_clear(&child);
}

static void test_child_print_log(void)
{
    struct child child;
    char *text = NULL;
    size_t size = 0;

    child_init(&child, "tail", directory);
    g_assert_true(g_file_set_contents(child.log_path, "a\nb\nc\n\n", -1, NULL));
    FILE *out = open_memstream(&text, &size);
    child_print_log(&child, 2, out);
    fclose(out);
    g_assert_cmpstr(text, ==, "    b\n    c\n");
    free(text);
    child_clear(&child);
}

/* ---- state ---- */

static void test_state(void)
{
    g_autoptr(GError) error = NULL;
    struct dev_state *first = dev_state_load(directory, &error);

    g_assert_no_error(error);
    g_assert_true(dev_state_choose_ports(first, &error));
    g_assert_cmpuint(strlen(first->api_token), >=, 32);
    g_assert_null(first->topic);
    dev_state_choose_topic(first, "kafka", NULL);
    g_assert_cmpstr(first->topic, ==, "usage.events");
    g_assert_true(dev_state_save(first, &error));
    int fd = listen_on(first->ports[DEV_PORT_API]);
    struct dev_state *second = dev_state_load(directory, &error);
    g_assert_true(dev_state_choose_ports(second, &error));
    g_assert_cmpint(second->ports[DEV_PORT_REDIS], ==, first->ports[DEV_PORT_REDIS]);
    g_assert_cmpint(second->ports[DEV_PORT_API], !=, first->ports[DEV_PORT_API]);
    g_assert_cmpstr(second->api_token, ==, first->api_token);
    g_assert_cmpstr(second->topic, ==, "usage.events");
    close(fd);
    dev_state_free(first);
    dev_state_free(second);
}

static void test_topics(void)
{
    struct dev_state state = {0};

    dev_state_choose_topic(&state, "embedded", NULL);
    g_autofree char *first = g_strdup(state.topic);
    g_assert_true(g_str_has_prefix(first, "usage.events."));
    dev_state_choose_topic(&state, "embedded", NULL); /* within the same second */
    g_assert_cmpstr(state.topic, !=, first);
    dev_state_choose_topic(&state, "127.0.0.1:9092", NULL); /* another log than the one that was counted */
    g_autofree char *other = g_strdup(state.topic);
    g_assert_cmpstr(other, !=, "usage.events");
    dev_state_choose_topic(&state, "127.0.0.1:9092", NULL);
    g_assert_cmpstr(state.topic, ==, other);
    dev_state_choose_topic(&state, "127.0.0.1:9092", "mine");
    g_assert_cmpstr(state.topic, ==, "mine");
    g_free(state.topic);
    g_free(state.broker);
}

static void test_damaged_state(void)
{
    g_autofree char *path = g_build_filename(directory, "state", NULL);
    g_autoptr(GError) error = NULL;

    g_assert_true(g_file_set_contents(path, "what is this?", -1, NULL));
    g_assert_null(dev_state_load(directory, &error));
    g_assert_nonnull(strstr(error->message, path));
    g_unlink(path);
}

/* ---- options ---- */

static void check_options(const char *broker, const char *redis, const char *set, int partitions, bool valid)
{
    const char *const sets[] = {set, NULL};
    const struct dev_options options = {.broker = broker, .redis = redis, .partitions = partitions, .sets = set ? sets : NULL};
    g_autoptr(GError) error = NULL;

    g_assert_cmpint(dev_options_check(&options, &error), ==, valid);
    g_assert_cmpint(error == NULL, ==, valid);
}

static void test_options(void)
{
    check_options("embedded", "embedded", NULL, 4, true);
    check_options("kafka", "redis://127.0.0.1:6379", "collector.follow.nginx.path=/x", 1, true);
    check_options("127.0.0.1:9092", "embedded", "api.query.workers=2", 4, true);
    check_options("rabbit", "embedded", NULL, 4, false);
    check_options("embedded", "http://x", NULL, 4, false);
    check_options("embedded", "embedded", NULL, 0, false);
    check_options("embedded", "embedded", "redis.a.b=1", 4, false);
    check_options("embedded", "embedded", "collector.journal=1", 4, false);
    check_options("embedded", "embedded", "collector.journal.dir", 4, false);
    g_assert_cmpint(dev_part_by_name("redis"), ==, DEV_REDIS);
    g_assert_cmpint(dev_part_by_name("nobody"), ==, DEV_N_PARTS);
}

static void test_place(void)
{
    g_autofree char *path = g_build_filename(directory, "env", NULL);
    g_autoptr(GError) error = NULL;

    g_assert_null(place_load(directory, &error));
    g_assert_error(error, OPTIONS_ERROR, OPTIONS_ERROR_ENVIRONMENT);
    g_clear_error(&error);
    g_assert_true(g_file_set_contents(path, "TOPIC=usage.events\nAPI_TOKEN=a=b\nREDIS_URL=\n", -1, NULL));
    struct place *place = place_load(directory, &error);
    g_assert_no_error(error);
    g_assert_cmpstr(place_get(place, "TOPIC"), ==, "usage.events");
    g_assert_cmpstr(place_get(place, "API_TOKEN"), ==, "a=b");
    g_assert_null(place_need(place, "REDIS_URL", &error));
    g_assert_nonnull(strstr(error->message, path));
    place_free(place);
    g_clear_error(&error);
    place = place_load(NULL, &error);
    g_setenv("TOPIC", "from.environment", TRUE);
    g_assert_cmpstr(place_get(place, "TOPIC"), ==, "from.environment");
    place_free(place);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    directory = g_dir_make_tmp("daybook-dev-XXXXXX", NULL);
    g_test_add_func("/net/ports", test_ports);
    g_test_add_func("/net/http_status", test_http_status);
    g_test_add_func("/net/http_post", test_http_post);
    g_test_add_func("/net/unix_sockets", test_unix_sockets);
    g_test_add_func("/child/runs", test_child);
    g_test_add_func("/child/missing_program", test_child_missing_program);
    g_test_add_func("/child/stop", test_child_stop);
    g_test_add_func("/child/log_is_bounded", test_child_log_is_bounded);
    g_test_add_func("/child/print_log", test_child_print_log);
    g_test_add_func("/dev_state/ports_and_token", test_state);
    g_test_add_func("/dev_state/topics", test_topics);
    g_test_add_func("/dev_state/damaged", test_damaged_state);
    g_test_add_func("/dev_system/options", test_options);
    g_test_add_func("/options/place", test_place);
    int result = g_test_run();
    const char *const remove[] = {"rm", "-rf", directory, NULL};
    g_spawn_sync(NULL, (char **)(gpointer)remove, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, NULL, NULL);
    g_free(directory);
    return result;
}
