/* dev: see dev.h. */
#include "cli/dev.h"

#include "cli/dev_supervisor.h"
#include "cli/options.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { DEFAULT_PARTITIONS = 4 };

struct arguments {
    char *dir, *broker, *redis, *topic, *restart;
    char **sets;
    int partitions;
    gboolean detach, stop;
};

static const char summary[] =
    "Runs the whole of Daybook on free ports of 127.0.0.1: Redis, broker, aggregator, API, collector. When everything is\n"
    "ready, DIR/env holds the addresses as KEY=VALUE lines. Counts survive a stop and a start. The embedded broker,\n"
    "librdkafka's mock cluster, keeps its log in memory: good for trying out, not for load; --broker kafka starts a real one.\n"
    "A process that was killed is not started again by itself: see --restart.";

static bool parse(int argc, char **argv, struct arguments *arguments, int *exit_code)
{
    const GOptionEntry entries[] = {
        {"dir", 0, 0, G_OPTION_ARG_FILENAME, &arguments->dir, "Directory for everything that is kept (needed)", "DIR"},
        {"broker", 0, 0, G_OPTION_ARG_STRING, &arguments->broker, "embedded (default), kafka, or one that runs", "WHICH|HOST:PORT"},
        {"redis", 0, 0, G_OPTION_ARG_STRING, &arguments->redis, "embedded (default: a private redis-server), or one that runs",
         "embedded|URL"},
        {"topic", 0, 0, G_OPTION_ARG_STRING, &arguments->topic,
         "Topic (default: usage.events, a new name for each embedded broker)", "NAME"},
        {"partitions", 0, 0, G_OPTION_ARG_INT, &arguments->partitions, "Partitions of a topic that is created (4)", "N"},
        {"set", 0, 0, G_OPTION_ARG_STRING_ARRAY, &arguments->sets, "A setting of a daemon, e.g. collector.journal.commit_ms=20",
         "PROGRAM.SECTION.KEY=VALUE"},
        {"detach", 0, 0, G_OPTION_ARG_NONE, &arguments->detach, "Return when everything is ready", NULL},
        {"stop", 0, 0, G_OPTION_ARG_NONE, &arguments->stop, "End what runs in DIR", NULL},
        {"restart", 0, 0, G_OPTION_ARG_STRING, &arguments->restart, "Start a part again: collector, aggregator, api, redis, broker",
         "PART"},
        {NULL, 0, 0, G_OPTION_ARG_NONE, NULL, NULL, NULL},
    };

    if (!options_parse(entries, NULL, summary, &argc, argv, exit_code))
        return false;
    if (!arguments->dir)
        *exit_code = options_fail("--dir DIR is needed");
    else if (arguments->stop && arguments->restart)
        *exit_code = options_fail("--stop and --restart exclude each other");
    else
        return true;
    return false;
}

/* The parent's part of --detach: waits for the supervisor's word. */
static int await_supervisor(int fd, pid_t middle)
{
    char byte = 0;
    ssize_t n;

    while ((n = read(fd, &byte, 1)) < 0 && errno == EINTR)
        continue;
    waitpid(middle, NULL, 0);
    return n == 1 ? byte : EXIT_USAGE;
}

/* Forks twice, so that the supervisor is nobody's child and has no terminal. */
static int run_detached(const struct dev_options *options)
{
    int ends[2];

    if (pipe(ends) != 0)
        return options_fail("no pipe: %s", g_strerror(errno));
    fflush(stdout);
    pid_t middle = fork();
    if (middle < 0)
        return options_fail("no new process: %s", g_strerror(errno));
    if (middle > 0) {
        close(ends[1]);
        return await_supervisor(ends[0], middle);
    }
    close(ends[0]);
    setsid();
    if (fork() != 0)
        _exit(0);
    /* Not for the children: the parent waits for the last writer. */
    fcntl(ends[1], F_SETFD, FD_CLOEXEC);
    _exit(dev_supervisor_run(options, ends[1]));
}

static int run(const struct arguments *arguments, const char *dir)
{
    const struct dev_options options = {
        .dir = dir,
        .broker = arguments->broker ? arguments->broker : "embedded",
        .redis = arguments->redis ? arguments->redis : "embedded",
        .topic = arguments->topic,
        .partitions = arguments->partitions,
        .sets = (const char *const *)arguments->sets,
    };
    g_autoptr(GError) error = NULL;

    if (!dev_options_check(&options, &error))
        return options_fail("%s", error->message);
    return arguments->detach ? run_detached(&options) : dev_supervisor_run(&options, -1);
}

static int act(const struct arguments *arguments)
{
    g_autofree char *dir = g_canonicalize_filename(arguments->dir, NULL);

    if (arguments->stop)
        return dev_supervisor_ask(dir, "stop");
    if (arguments->restart) {
        g_autofree char *command = g_strconcat("restart ", arguments->restart, NULL);
        return dev_supervisor_ask(dir, command);
    }
    return run(arguments, dir);
}

int dev_command(int argc, char **argv)
{
    struct arguments arguments = {.partitions = DEFAULT_PARTITIONS};
    int exit_code = 0;

    if (parse(argc, argv, &arguments, &exit_code))
        exit_code = act(&arguments);
    g_free(arguments.dir);
    g_free(arguments.broker);
    g_free(arguments.redis);
    g_free(arguments.topic);
    g_free(arguments.restart);
    g_strfreev(arguments.sets);
    return exit_code;
}
