/* net: see net.h. */
#include "cli/net.h"

#include "lib/number.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

G_DEFINE_QUARK(daybook - net - error - quark, net_error)

enum { PORT_LOWEST = 10000, PORT_TRIES = 2000 };

static struct sockaddr_in loopback(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

bool net_port_is_free(int port)
{
    struct sockaddr_in address = loopback(port);
    int one = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool bound = false;

    if (fd < 0)
        return false;
    /* As servers do: a port whose last connections are in TIME_WAIT is free. */
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    bound = bind(fd, (struct sockaddr *)&address, sizeof address) == 0 && listen(fd, 1) == 0;
    close(fd);
    return bound;
}

/* First port that the kernel hands out by itself. */
static int ephemeral_low(void)
{
    g_autofree char *text = NULL;
    gsize size = 0;
    uint64_t low = 0;

    if (!g_file_get_contents("/proc/sys/net/ipv4/ip_local_port_range", &text, &size, NULL))
        return 32768;
    const char *cursor = text;
    if (!number_scan(&cursor, text + size, &low) || low <= PORT_LOWEST + 100 || low > 65535)
        return 32768;
    return (int)low;
}

int net_port_choose(const int *taken, size_t n_taken)
{
    int high = ephemeral_low();

    for (int attempt = 0; attempt < PORT_TRIES; attempt++) {
        int port = g_random_int_range(PORT_LOWEST, high);
        bool ours = false;
        for (size_t i = 0; i < n_taken; i++)
            ours = ours || taken[i] == port;
        if (!ours && net_port_is_free(port))
            return port;
    }
    return 0;
}

static void set_timeouts(int fd, int timeout_ms)
{
    struct timeval timeout = {.tv_sec = timeout_ms / 1000, .tv_usec = (timeout_ms % 1000) * 1000};

    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout);
}

/* The socket, when the request is on its way; -1. */
static int send_request(int port, const char *request, int timeout_ms)
{
    struct sockaddr_in address = loopback(port);
    ssize_t size = (ssize_t)strlen(request);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -1;
    set_timeouts(fd, timeout_ms);
    if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0 && send(fd, request, (size_t)size, MSG_NOSIGNAL) == size)
        return fd;
    close(fd);
    return -1;
}

/* Reads on until there are `enough` bytes or the end; false: it took too long. */
static bool read_answer(int fd, GString *answer, size_t enough)
{
    char buffer[4096];

    while (answer->len < enough) {
        ssize_t n = recv(fd, buffer, sizeof buffer, 0);
        if (n <= 0)
            return n == 0;
        g_string_append_len(answer, buffer, n);
    }
    return true;
}

/* Of "HTTP/1.1 200 OK"; -1: it is none. */
static int status_of(const GString *answer)
{
    const char *cursor = answer->str + 9;
    uint64_t status = 0;

    if (answer->len < 12 || memcmp(answer->str, "HTTP/1.", 7) != 0 || !number_scan(&cursor, answer->str + 12, &status))
        return -1;
    return (int)status;
}

int net_http_status(int port, const char *path, int timeout_ms)
{
    g_autofree char *request = g_strdup_printf("GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nConnection: close\r\n\r\n", path, port);
    g_autoptr(GString) answer = g_string_new(NULL);
    int fd = send_request(port, request, timeout_ms), status = -1;

    if (fd < 0)
        return -1;
    if (read_answer(fd, answer, 12))
        status = status_of(answer);
    close(fd);
    return status;
}

char *net_http_post(int port, const char *path, const char *token, int timeout_ms)
{
    g_autofree char *request = g_strdup_printf("POST %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nConnection: close\r\n"
                                               "Authorization: Bearer %s\r\nContent-Length: 0\r\n\r\n",
                                               path, port, token);
    g_autoptr(GString) answer = g_string_new(NULL);
    int fd = send_request(port, request, timeout_ms);

    if (fd < 0)
        return NULL;
    bool whole = read_answer(fd, answer, NET_ANSWER_MAX) && answer->len < NET_ANSWER_MAX;
    const char *body = strstr(answer->str, "\r\n\r\n");
    close(fd);
    return whole && body != NULL && status_of(answer) / 100 == 2 ? g_strdup(body + 4) : NULL;
}

/* A socket's path holds 107 bytes. A longer one is reached as /proc/self/fd/N/name, N being the open directory. */
static bool unix_address(const char *path, int *directory, struct sockaddr_un *address, GError **error)
{
    *directory = -1;
    memset(address, 0, sizeof *address);
    address->sun_family = AF_UNIX;
    if (g_strlcpy(address->sun_path, path, sizeof address->sun_path) < sizeof address->sun_path)
        return true;

    g_autofree char *folder = g_path_get_dirname(path);
    g_autofree char *name = g_path_get_basename(path);
    *directory = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    int size = snprintf(address->sun_path, sizeof address->sun_path, "/proc/self/fd/%d/%s", *directory, name);
    if (*directory >= 0 && size > 0 && (size_t)size < sizeof address->sun_path)
        return true;
    g_set_error(error, NET_ERROR, NET_ERROR_SOCKET, "%s is no path for a socket: %s", path, g_strerror(errno));
    if (*directory >= 0)
        close(*directory);
    return false;
}

static int unix_socket(const char *path, bool listening, GError **error)
{
    struct sockaddr_un address;
    int directory = -1;
    bool ok = false;

    if (!unix_address(path, &directory, &address, error))
        return -1;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && listening)
        ok = bind(fd, (struct sockaddr *)&address, sizeof address) == 0 && listen(fd, 8) == 0;
    else if (fd >= 0)
        ok = connect(fd, (struct sockaddr *)&address, sizeof address) == 0;
    int cause = errno;
    if (directory >= 0)
        close(directory);
    if (ok)
        return fd;
    g_set_error(error, NET_ERROR, NET_ERROR_SOCKET, "socket %s: %s", path, g_strerror(cause));
    if (fd >= 0)
        close(fd);
    return -1;
}

int net_unix_listen(const char *path, GError **error)
{
    unlink(path);
    return unix_socket(path, true, error);
}

int net_unix_connect(const char *path, GError **error)
{
    return unix_socket(path, false, error);
}
