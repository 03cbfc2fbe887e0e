/* dev_kafka: see dev_kafka.h.
 *
 * The script starts the broker in the background and ends. Since this process is a *subreaper* (prctl(2)), the broker becomes its
 * child then, to be waited for like any other. It does not inherit the lock and does not die with us: after a kill -9 of the
 * supervisor it is found again by its directory. */
#include "cli/dev_kafka.h"

#include "lib/number.h"

#include <string.h>
#include <sys/prctl.h>

#define SCRIPT "tests/kafka/broker"

enum { STOP_MS = 30000, START_MS = 90000, POLL_US = 20000 };

/* The script, found from this binary's place upwards; NULL: not there. */
static char *find_script(void)
{
    g_autofree char *self = g_file_read_link("/proc/self/exe", NULL);
    g_autofree char *directory = g_path_get_dirname(self ? self : ".");

    while (strlen(directory) > 1) {
        char *script = g_build_filename(directory, SCRIPT, NULL);
        if (g_file_test(script, G_FILE_TEST_IS_EXECUTABLE))
            return script;
        g_free(script);
        char *parent = g_path_get_dirname(directory);
        g_free(directory);
        directory = parent;
    }
    return NULL;
}

/* Runs the script to its end; false when that is not an exit with 0. */
static bool run(struct dev_system *dev, const char *const *argv, int timeout_ms, bool stubborn, GError **error)
{
    struct child *child = &dev->children[DEV_BROKER];
    gint64 deadline_us = g_get_monotonic_time() + (gint64)timeout_ms * 1000;

    if (!child_start(child, argv, -1, error))
        return false;
    while (child_alive(child) && g_get_monotonic_time() < deadline_us && (stubborn || !dev->interrupted()))
        g_usleep(POLL_US);
    child_stop(child, 1000);
    if (child->wait_status == 0)
        return true;
    g_set_error(error, DEV_ERROR, DEV_ERROR_START, "%s %s failed", argv[0], argv[1]);
    return false;
}

/* The script's note of the broker's process. */
static pid_t read_pid(const char *directory)
{
    g_autofree char *path = g_build_filename(directory, "pid", NULL);
    g_autofree char *text = NULL;
    uint64_t pid = 0;

    if (!g_file_get_contents(path, &text, NULL, NULL) || !number_read(view_of(g_strstrip(text)), &pid) || pid > G_MAXINT32)
        return 0;
    return (pid_t)pid;
}

/* Runs one of the script's commands on DIR/kafka. */
static bool command(struct dev_system *dev, const char *name, int timeout_ms, bool stubborn, GError **error)
{
    g_autofree char *script = find_script();
    g_autofree char *directory = g_build_filename(dev->options.dir, "kafka", NULL);
    g_autofree char *port = g_strdup_printf("%d", dev->state->ports[DEV_PORT_BROKER]);
    const char *const argv[] = {script, name, directory, "--port", port, NULL};

    if (script)
        return run(dev, argv, timeout_ms, stubborn, error);
    g_set_error(error, DEV_ERROR, DEV_ERROR_START,
                "--broker kafka needs " SCRIPT " of the source tree above this binary; give --broker HOST:PORT instead");
    return false;
}

bool dev_kafka_end_orphan(struct dev_system *dev, GError **error)
{
    return command(dev, "stop", STOP_MS, true, error);
}

bool dev_kafka_start(struct dev_system *dev, GError **error)
{
    g_autofree char *directory = g_build_filename(dev->options.dir, "kafka", NULL);

    prctl(PR_SET_CHILD_SUBREAPER, 1);
    if (!command(dev, "start", START_MS, false, error)) {
        command(dev, "stop", STOP_MS, true, NULL);
        return false;
    }
    child_adopt(&dev->children[DEV_BROKER], read_pid(directory));
    return true;
}
