/* redis_process: a real redis-server for tests, on a free port, in a directory of its own, without persistence unless asked for. */
#ifndef DAYBOOK_TESTS_REDIS_PROCESS_H
#define DAYBOOK_TESTS_REDIS_PROCESS_H

#include <arpa/inet.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <stdbool.h>
#include <stdarg.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

struct redis_process {
    GPid pid;
    int port;
    char *dir;
    char *url; /* redis://127.0.0.1:port */
};

/* Below the range from which the kernel takes the ports of outgoing connections: one of those could take the port of a server that
 * is dead for a moment, or even be connected to itself. */
static inline int redis_free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    bool is_free = false;

    while (!is_free) {
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        address.sin_port = htons((guint16)g_random_int_range(10000, 32000));
        is_free = bind(fd, (struct sockaddr *)&address, sizeof address) == 0;
        close(fd);
    }
    return ntohs(address.sin_port);
}

static inline gboolean redis_port_answers(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((guint16)port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    gboolean answers = connect(fd, (struct sockaddr *)&address, sizeof address) == 0;
    close(fd);
    return answers;
}

static inline void redis_die_with_parent(gpointer data)
{
    (void)data;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
}

/* redis_process_start(process, port, dir, …): further arguments are redis-server's, "--name", "value", …, to the first NULL, if
 * any. port 0: a free one. dir NULL: a new one. */
#define redis_process_start(...) redis_process_start_with(__VA_ARGS__, (const char *)NULL)
static inline void redis_process_start_with(struct redis_process *process, int port, const char *dir, ...)
{
    g_autoptr(GPtrArray) argv = g_ptr_array_new();
    GError *error = NULL;
    va_list args;

    process->port = port ? port : redis_free_port();
    process->dir = dir ? g_strdup(dir) : g_dir_make_tmp("daybook-redis-XXXXXX", NULL);
    process->url = g_strdup_printf("redis://127.0.0.1:%d", process->port);
    g_autofree char *text = g_strdup_printf("%d", process->port);
    const char *const first[] = {"redis-server", "--port", text, "--dir",     process->dir, "--bind",
                                 "127.0.0.1",    "--save", "",   "--logfile", "redis.log"};
    for (gsize i = 0; i < G_N_ELEMENTS(first); i++)
        g_ptr_array_add(argv, (gpointer)(gsize)first[i]);
    va_start(args, dir);
    for (const char *argument = va_arg(args, const char *); argument; argument = va_arg(args, const char *))
        g_ptr_array_add(argv, (gpointer)(gsize)argument);
    va_end(args);
    g_ptr_array_add(argv, NULL);
    g_spawn_async(NULL, (char **)argv->pdata, NULL,
                  G_SPAWN_SEARCH_PATH | G_SPAWN_DO_NOT_REAP_CHILD | G_SPAWN_STDOUT_TO_DEV_NULL | G_SPAWN_STDERR_TO_DEV_NULL,
                  redis_die_with_parent, NULL, &process->pid, &error);
    g_assert_no_error(error);
    for (int i = 0; i < 6000 && !redis_port_answers(process->port); i++)
        g_usleep(10 * 1000);
    g_assert_true(redis_port_answers(process->port));
}

/* It answers nobody until it is sent SIGCONT. */
static inline void redis_process_hang(const struct redis_process *process)
{
    kill(process->pid, SIGSTOP);
    g_assert_cmpint(waitpid(process->pid, NULL, WUNTRACED), ==, process->pid);
}

static inline void redis_process_kill(struct redis_process *process)
{
    if (process->pid == 0)
        return;
    kill(process->pid, SIGCONT);
    kill(process->pid, SIGKILL);
    waitpid(process->pid, NULL, 0);
    process->pid = 0;
}

static inline void redis_process_clear(struct redis_process *process)
{
    GDir *dir = g_dir_open(process->dir, 0, NULL);
    const char *name;

    redis_process_kill(process);
    while (dir && (name = g_dir_read_name(dir))) {
        g_autofree char *path = g_build_filename(process->dir, name, NULL);
        g_unlink(path);
    }
    if (dir)
        g_dir_close(dir);
    g_rmdir(process->dir);
    g_free(process->dir);
    g_free(process->url);
}

#endif
