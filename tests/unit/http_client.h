/* http_client: a raw HTTP client for tests: it sends exactly the bytes it is told to. Blocking, 60 s time-outs, asserts. */
#ifndef DAYBOOK_TESTS_HTTP_CLIENT_H
#define DAYBOOK_TESTS_HTTP_CLIENT_H

#include <arpa/inet.h>
#include <errno.h>
#include <glib.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

struct http_client {
    int fd;
    GString *in; /* read and not yet taken */
};

struct http_answer {
    int status; /* 0: the connection ended instead */
    char *head; /* lower case */
    GString *body;
};

static inline void http_client_init_fd(struct http_client *client, int fd)
{
    struct timeval tv = {60, 0};

    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof tv);
    client->fd = fd;
    client->in = g_string_new(NULL);
}

static inline gboolean http_client_try(struct http_client *client, int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((guint16)port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    g_assert_cmpint(fd, >=, 0);
    if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0) {
        close(fd);
        return FALSE;
    }
    http_client_init_fd(client, fd);
    return TRUE;
}

static inline void http_client_init(struct http_client *client, int port)
{
    memset(client, 0, sizeof *client);
    g_assert_true(http_client_try(client, port));
}

static inline void http_client_init_unix(struct http_client *client, const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    g_strlcpy(address.sun_path, path, sizeof address.sun_path);
    g_assert_cmpint(connect(fd, (struct sockaddr *)&address, sizeof address), ==, 0);
    http_client_init_fd(client, fd);
}

static inline void http_client_clear(struct http_client *client)
{
    close(client->fd);
    g_string_free(client->in, TRUE);
}

/* Closes with a reset, as a client that died. */
static inline void http_client_abort(struct http_client *client)
{
    struct linger now = {1, 0};

    setsockopt(client->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    http_client_clear(client);
}

/* FALSE when the server closed meanwhile. */
static inline gboolean http_client_write(struct http_client *client, const void *data, gsize size)
{
    const char *at = (const char *)data;

    while (size > 0) {
        ssize_t n = send(client->fd, at, size, MSG_NOSIGNAL);
        if (n <= 0)
            return FALSE;
        at += n;
        size -= (gsize)n;
    }
    return TRUE;
}

static inline void http_client_send(struct http_client *client, const char *text)
{
    g_assert_true(http_client_write(client, text, strlen(text)));
}

/* FALSE at the end of the connection; a time-out is a failed test. */
static inline gboolean http_client_more(struct http_client *client)
{
    char buffer[16384];
    ssize_t n = recv(client->fd, buffer, sizeof buffer, 0);

    if (n < 0)
        g_assert_cmpint(errno, !=, EAGAIN);
    if (n > 0)
        g_string_append_len(client->in, buffer, n);
    return n > 0;
}

static inline void http_client_receive(struct http_client *client, gboolean has_body, struct http_answer *answer)
{
    const char *end;
    gsize length = 0;

    memset(answer, 0, sizeof *answer);
    while (!(end = strstr(client->in->str, "\r\n\r\n")))
        if (!http_client_more(client))
            return;
    gsize head_size = (gsize)(end - client->in->str) + 4;
    answer->head = g_ascii_strdown(client->in->str, (gssize)head_size);
    g_assert_true(g_str_has_prefix(answer->head, "http/1.1 "));
    answer->status = (int)g_ascii_strtoll(answer->head + 9, NULL, 10);
    const char *header = strstr(answer->head, "\r\ncontent-length:");
    if (has_body && answer->status != 100 && answer->status != 304 && header)
        length = (gsize)g_ascii_strtoull(header + 17, NULL, 10);
    while (client->in->len < head_size + length)
        g_assert_true(http_client_more(client));
    answer->body = g_string_new_len(client->in->str + head_size, (gssize)length);
    g_string_erase(client->in, 0, (gssize)(head_size + length));
}

static inline void http_answer_clear(struct http_answer *answer)
{
    g_free(answer->head);
    if (answer->body)
        g_string_free(answer->body, TRUE);
    memset(answer, 0, sizeof *answer);
}

#endif
