/* bench-http: posts batches of a load (load.h) to a collector, as fast as it takes them or at a given rate.
 *
 * One thread a connection, keep-alive, one request at a time: an acknowledgement is awaited before the next batch. Without --rate
 * all bodies are made before the clock starts; with it each is made when it is due, with the time of then. Latency is counted from
 * when a batch was *due*, so that a stalled collector cannot hide behind a waiting client (coordinated omission). Prints one line
 * of JSON. */
#include "lib/record.h"
#include "tests/bench/cpu.h"
#include "tests/bench/load.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

enum { ANSWER_MAX = 65536, CONNECTIONS_MAX = 256, FAT_ID = 250 };

static struct {
    char *socket_path, *token, *form;
    int port, connections, batch;
    gint64 events, rate, seed;
    gboolean no_ids, fat;
} options = {.port = 0, .connections = 8, .batch = 100, .events = 100000, .seed = 7};

static const GOptionEntry entries[] = {
    {"port", 0, 0, G_OPTION_ARG_INT, &options.port, "TCP port on 127.0.0.1", "PORT"},
    {"socket", 0, 0, G_OPTION_ARG_STRING, &options.socket_path, "unix socket instead", "PATH"},
    {"token", 0, 0, G_OPTION_ARG_STRING, &options.token, "bearer token", "TOKEN"},
    {"connections", 0, 0, G_OPTION_ARG_INT, &options.connections, "how many at a time", "N"},
    {"batch", 0, 0, G_OPTION_ARG_INT, &options.batch, "events a request", "N"},
    {"events", 0, 0, G_OPTION_ARG_INT64, &options.events, "how many in all", "N"},
    {"rate", 0, 0, G_OPTION_ARG_INT64, &options.rate, "events per second in all; 0: as fast as it goes", "N"},
    {"seed", 0, 0, G_OPTION_ARG_INT64, &options.seed, "seed", "N"},
    {"form", 0, 0, G_OPTION_ARG_STRING, &options.form, "json, ndjson, cloudevents or protobuf", "FORM"},
    {"fat", 0, 0, G_OPTION_ARG_NONE, &options.fat, "ids of 250 bytes: to fill a disk", NULL},
    {"no-ids", 0, 0, G_OPTION_ARG_NONE, &options.no_ids, "leave out event ids", NULL},
    G_OPTION_ENTRY_NULL,
};

struct connection {
    int index;
    int fd;
    struct load *load;
    GPtrArray *bodies; /* of GString, when made beforehand */
    gint64 requests;   /* to send */
    guint64 accepted, refused_requests;
    GArray *latency_us; /* of gint64 */
    gint64 ids;
    char id[FAT_ID + 8];
    char answer[ANSWER_MAX];
};

static gint64 start_us; /* set before the threads start */

G_NORETURN static void die(const char *what)
{
    fprintf(stderr, "bench-http: %s: %s\n", what, g_strerror(errno));
    exit(1);
}

static int dial(void)
{
    int fd = socket(options.socket_path ? AF_UNIX : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;
    if (fd < 0)
        die("socket");
    struct sockaddr_un local = {.sun_family = AF_UNIX};
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)options.port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (options.socket_path)
        g_strlcpy(local.sun_path, options.socket_path, sizeof local.sun_path);
    else
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    struct sockaddr *to = options.socket_path ? (struct sockaddr *)&local : (struct sockaddr *)&address;
    if (connect(fd, to, options.socket_path ? sizeof local : sizeof address) != 0)
        die("connect");
    return fd;
}

static const struct form {
    const char *name, *content_type, *before, *between, *after;
    void (*append)(const struct event *event, GString *out); /* NULL: protobuf */
} forms[] = {
    {"json", "application/json", "[", ",", "]", load_json},
    {"ndjson", "application/x-ndjson", "", "\n", "\n", load_json},
    {"cloudevents", "application/cloudevents-batch+json", "[", ",", "]", load_cloudevent},
    {"protobuf", "application/x-protobuf", "", "", "", NULL},
};
static const struct form *form = &forms[0];

static void next_event(struct connection *connection, bool now, struct event *event)
{
    load_next(connection->load, event);
    if (now)
        event->time_ms = g_get_real_time() / 1000;
    if (options.no_ids)
        event->id = view_of("");
    if (options.fat || (form->append == load_cloudevent && event->id.size == 0)) {
        g_snprintf(connection->id, sizeof connection->id, "%0*" G_GINT64_FORMAT, options.fat ? FAT_ID : 16, ++connection->ids);
        for (int i = 0; options.fat && i < FAT_ID - 20; i++)
            connection->id[i] = (char)('a' + g_random_int_range(0, 26));
        event->id = view_of(connection->id);
    }
}

/* A Record is a UsageBatch behind one tag and a length (field 1): the body is what follows them. */
static GString *make_protobuf(struct connection *connection, bool now)
{
    struct batch_builder *builder = batch_builder_new();
    struct event event;
    for (int i = 0; i < options.batch; i++) {
        next_event(connection, now, &event);
        batch_builder_add(builder, &event);
    }
    struct batch_header header = {.partition_count = 1, .sequence = 1};
    g_autoptr(GBytes) record = batch_builder_seal(builder, &header);
    batch_builder_free(builder);
    gsize size, at = 1;
    const char *data = g_bytes_get_data(record, &size);
    while (data[at++] & 0x80)
        continue;
    return g_string_new_len(data + at, (gssize)(size - at));
}

static GString *make_body(struct connection *connection, bool now)
{
    if (!form->append)
        return make_protobuf(connection, now);
    GString *body = g_string_sized_new((gsize)options.batch * 200);
    g_string_append(body, form->before);
    for (int i = 0; i < options.batch; i++) {
        struct event event;
        next_event(connection, now, &event);
        g_string_append(body, i ? form->between : "");
        form->append(&event, body);
    }
    g_string_append(body, form->after);
    return body;
}

static void write_all(int fd, struct iovec *parts, int n)
{
    while (n > 0) {
        ssize_t done = writev(fd, parts, n);
        if (done < 0)
            die("write");
        while (n > 0 && (size_t)done >= parts->iov_len) {
            done -= (ssize_t)parts->iov_len;
            parts++;
            n--;
        }
        if (n > 0) {
            parts->iov_base = (char *)parts->iov_base + done;
            parts->iov_len -= (size_t)done;
        }
    }
}

static void send_request(struct connection *connection, const GString *body)
{
    char head[512];
    int size = g_snprintf(head, sizeof head,
                          "POST /v1/events HTTP/1.1\r\nHost: localhost\r\nContent-Type: %s\r\n%s%s%s"
                          "Content-Length: %zu\r\n\r\n",
                          form->content_type, options.token ? "Authorization: Bearer " : "", options.token ? options.token : "",
                          options.token ? "\r\n" : "", body->len);
    struct iovec parts[2] = {{head, (size_t)size}, {body->str, body->len}};
    write_all(connection->fd, parts, 2);
}

/* Reads one answer, leaves its body behind the blank line, and returns the status. */
static int read_answer(struct connection *connection, const char **body)
{
    size_t have = 0, need = SIZE_MAX;
    while (have < need) {
        ssize_t n = read(connection->fd, connection->answer + have, ANSWER_MAX - 1 - have);
        if (n <= 0)
            die("the collector closed the connection");
        have += (size_t)n;
        connection->answer[have] = '\0';
        char *end = strstr(connection->answer, "\r\n\r\n");
        if (need != SIZE_MAX || !end)
            continue;
        const char *length = strcasestr(connection->answer, "content-length:");
        *body = end + 4;
        need = (size_t)(end + 4 - connection->answer) + (length ? (size_t)g_ascii_strtoull(length + 15, NULL, 10) : 0);
    }
    return (int)g_ascii_strtoll(connection->answer + strlen("HTTP/1.1 "), NULL, 10);
}

/* Sends until it is taken: a 503 is back-pressure. */
static void post(struct connection *connection, const GString *body)
{
    for (;;) {
        const char *answer = "";
        send_request(connection, body);
        int status = read_answer(connection, &answer);
        if (status == 202) {
            const char *accepted = strstr(answer, "\"accepted\":");
            connection->accepted += accepted ? g_ascii_strtoull(accepted + 11, NULL, 10) : 0;
            return;
        }
        if (status != 503 && status != 429) {
            fprintf(stderr, "bench-http: status %d: %s\n", status, answer);
            exit(1);
        }
        connection->refused_requests++;
        g_usleep(5000);
    }
}

static void *run(void *opaque)
{
    struct connection *connection = opaque;
    for (gint64 i = 0; i < connection->requests; i++) {
        gint64 due_us = 0;
        if (options.rate > 0) {
            gint64 number = i * options.connections + connection->index;
            due_us = start_us + (gint64)((double)number * options.batch * 1e6 / (double)options.rate);
            gint64 wait_us = due_us - g_get_monotonic_time();
            if (wait_us > 0)
                g_usleep((gulong)wait_us);
        } else {
            due_us = g_get_monotonic_time();
        }
        GString *body = connection->bodies ? connection->bodies->pdata[i] : make_body(connection, true);
        post(connection, body);
        if (!connection->bodies)
            g_string_free(body, TRUE);
        gint64 latency_us = g_get_monotonic_time() - due_us;
        g_array_append_val(connection->latency_us, latency_us);
    }
    return NULL;
}

static void free_body(gpointer body)
{
    g_string_free(body, TRUE);
}

static struct connection *connection_new(int index, gint64 requests)
{
    struct connection *connection = g_new0(struct connection, 1);
    connection->index = index;
    connection->requests = requests;
    connection->fd = dial();
    connection->latency_us = g_array_new(FALSE, FALSE, sizeof(gint64));
    connection->load =
        load_new(&(struct load_settings){(uint64_t)options.seed + (uint64_t)index * 1000003, (uint64_t)options.events,
                                         g_get_real_time() / 1000 - LOAD_HOUR_MS, 0, false, false});
    if (options.rate == 0) {
        connection->bodies = g_ptr_array_new_with_free_func(free_body);
        for (gint64 i = 0; i < requests; i++)
            g_ptr_array_add(connection->bodies, make_body(connection, false));
    }
    return connection;
}

static void connection_free(struct connection *connection)
{
    close(connection->fd);
    load_free(connection->load);
    g_array_free(connection->latency_us, TRUE);
    if (connection->bodies)
        g_ptr_array_free(connection->bodies, TRUE);
    g_free(connection);
}

static int compare(gconstpointer a, gconstpointer b)
{
    gint64 x = *(const gint64 *)a, y = *(const gint64 *)b;
    return (x > y) - (x < y);
}

static double quantile_ms(const GArray *sorted, double q)
{
    return sorted->len ? (double)g_array_index(sorted, gint64, (guint)(q * (sorted->len - 1))) / 1000.0 : 0;
}

static void report(struct connection **connections, gint64 stop_us, double cpu)
{
    g_autoptr(GArray) all = g_array_new(FALSE, FALSE, sizeof(gint64));
    guint64 accepted = 0, refused = 0;
    for (int i = 0; i < options.connections; i++) {
        g_array_append_vals(all, connections[i]->latency_us->data, connections[i]->latency_us->len);
        accepted += connections[i]->accepted;
        refused += connections[i]->refused_requests;
    }
    g_array_sort(all, compare);
    printf("{\"accepted\":%" G_GUINT64_FORMAT ",\"refused_requests\":%" G_GUINT64_FORMAT ",\"seconds\":%.3f,\"cpu_seconds\":%.3f,"
           "\"ack_p50_ms\":%.2f,\"ack_p99_ms\":%.2f,\"ack_max_ms\":%.2f}\n",
           accepted, refused, (double)(stop_us - start_us) / 1e6, cpu, quantile_ms(all, 0.5), quantile_ms(all, 0.99),
           quantile_ms(all, 1.0));
}

static bool choose_form(void)
{
    if (!options.form)
        return true;
    for (size_t i = 0; i < G_N_ELEMENTS(forms); i++)
        if (g_str_equal(forms[i].name, options.form)) {
            form = &forms[i];
            return true;
        }
    return false;
}

static bool check_options(void)
{
    return (options.port || options.socket_path) && options.batch >= 1 && choose_form() && options.connections >= 1 &&
           options.connections <= CONNECTIONS_MAX && options.rate >= 0 && options.events >= options.batch;
}

int main(int argc, char **argv)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GOptionContext) context = g_option_context_new("- post a load to a collector");
    g_option_context_add_main_entries(context, entries, NULL);
    if (!g_option_context_parse(context, &argc, &argv, &error) || !check_options()) {
        fprintf(stderr, "bench-http: %s\n", error ? error->message : "numbers out of range, or neither --port nor --socket");
        return 2;
    }
    struct connection *connections[CONNECTIONS_MAX];
    GThread *threads[CONNECTIONS_MAX];
    gint64 requests = options.events / options.batch;
    for (int i = 0; i < options.connections; i++)
        connections[i] = connection_new(i, requests / options.connections + (i < requests % options.connections));
    double cpu = cpu_seconds();
    start_us = g_get_monotonic_time();
    for (int i = 0; i < options.connections; i++)
        threads[i] = g_thread_new("post", run, connections[i]);
    for (int i = 0; i < options.connections; i++)
        g_thread_join(threads[i]);
    gint64 stop_us = g_get_monotonic_time();
    report(connections, stop_us, cpu_seconds() - cpu);
    for (int i = 0; i < options.connections; i++)
        connection_free(connections[i]);
    return 0;
}
