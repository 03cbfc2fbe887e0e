/* dev_system: see dev_system.h. */
#include "cli/dev_system.h"

#include "cli/dev_daemons.h"
#include "cli/dev_kafka.h"
#include "cli/dev_wait.h"
#include "lib/kafka.h"
#include "lib/redis.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

G_DEFINE_QUARK(daybook - dev - error - quark, dev_error)

enum { LOG_LINES = 12 };

static const struct {
    const char *name;
    int stop_ms; /* then it is killed */
} parts[DEV_N_PARTS] = {
    [DEV_REDIS] = {"redis", 20000}, [DEV_BROKER] = {"broker", 20000},       [DEV_AGGREGATOR] = {"aggregator", 15000},
    [DEV_API] = {"api", 10000},     [DEV_COLLECTOR] = {"collector", 15000},
};

static const enum dev_part stop_order[DEV_N_PARTS] = {DEV_COLLECTOR, DEV_AGGREGATOR, DEV_API, DEV_REDIS, DEV_BROKER};

const char *dev_part_name(enum dev_part part)
{
    return parts[part].name;
}

enum dev_part dev_part_by_name(const char *name)
{
    for (int i = 0; i < DEV_N_PARTS; i++) {
        if (strcmp(parts[i].name, name) == 0)
            return (enum dev_part)i;
    }
    return DEV_N_PARTS;
}

static bool broker_is_embedded(const struct dev_system *dev)
{
    return strcmp(dev->options.broker, "embedded") == 0;
}

bool dev_part_is_ours(const struct dev_system *dev, enum dev_part part)
{
    if (part == DEV_REDIS)
        return strcmp(dev->options.redis, "embedded") == 0;
    if (part == DEV_BROKER)
        return broker_is_embedded(dev) || strcmp(dev->options.broker, "kafka") == 0;
    return true;
}

static bool set_is_valid(const char *set)
{
    static const char *const programs[] = {"collector.", "aggregator.", "api."};
    const char *equals = strchr(set, '=');

    for (size_t i = 0; i < G_N_ELEMENTS(programs); i++) {
        const char *rest = set + strlen(programs[i]);
        if (g_str_has_prefix(set, programs[i]) && equals > rest && memchr(rest, '.', (size_t)(equals - rest)))
            return true;
    }
    return false;
}

bool dev_options_check(const struct dev_options *options, GError **error)
{
    for (const char *const *set = options->sets; set && *set; set++) {
        if (!set_is_valid(*set)) {
            g_set_error(error, DEV_ERROR, DEV_ERROR_START,
                        "--set %s: it must be PROGRAM.SECTION.KEY=VALUE, PROGRAM one of collector, aggregator, api", *set);
            return false;
        }
    }
    if (options->partitions < 1 || options->partitions > 1000) {
        g_set_error(error, DEV_ERROR, DEV_ERROR_START, "--partitions must be 1 to 1000");
        return false;
    }
    bool address = strchr(options->broker, ':') != NULL;
    if (!address && strcmp(options->broker, "embedded") != 0 && strcmp(options->broker, "kafka") != 0) {
        g_set_error(error, DEV_ERROR, DEV_ERROR_START, "--broker '%s': it must be embedded, kafka or HOST:PORT", options->broker);
        return false;
    }
    return strcmp(options->redis, "embedded") == 0 || redis_url_check(options->redis, error);
}

static bool make_directories(const char *dir, GError **error)
{
    static const char *const names[] = {"log", "conf", "redis", "kafka", "journal", "archive"};

    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *path = g_build_filename(dir, names[i], NULL);
        if (g_mkdir_with_parents(path, 0750) != 0) {
            g_set_error(error, DEV_ERROR, DEV_ERROR_START, "%s cannot be made: %s", path, g_strerror(errno));
            return false;
        }
    }
    return true;
}

struct dev_system *dev_system_new(const struct dev_options *options, int lock_fd, GError **error)
{
    if (!make_directories(options->dir, error))
        return NULL;
    struct dev_state *state = dev_state_load(options->dir, error);
    if (!state)
        return NULL;

    struct dev_system *dev = g_new0(struct dev_system, 1);
    g_autofree char *logs = g_build_filename(options->dir, "log", NULL);
    dev->options = *options;
    dev->state = state;
    dev->lock_fd = lock_fd;
    dev->out = stdout;
    for (int i = 0; i < DEV_N_PARTS; i++)
        child_init(&dev->children[i], parts[i].name, logs);
    return dev;
}

void dev_system_free(struct dev_system *dev)
{
    for (int i = 0; i < DEV_N_PARTS; i++)
        child_clear(&dev->children[i]);
    dev_state_free(dev->state);
    g_free(dev->brokers);
    g_free(dev->redis_url);
    g_free(dev);
}

/* ---- DIR/env ---- */

static void add_pid(const struct dev_system *dev, GString *text, const char *name, enum dev_part part)
{
    if (dev_part_is_ours(dev, part))
        g_string_append_printf(text, "%s=%d\n", name, (int)dev->children[part].pid);
}

static bool write_env(const struct dev_system *dev, GError **error)
{
    g_autofree char *path = g_build_filename(dev->options.dir, "env", NULL);
    g_autoptr(GString) text = g_string_new(NULL);

    g_string_append_printf(text, "COLLECTOR_URL=http://127.0.0.1:%d\n", dev->state->ports[DEV_PORT_COLLECTOR]);
    g_string_append_printf(text, "COLLECTOR_SOCKET=%s/collector.sock\n", dev->options.dir);
    g_string_append_printf(text, "API_URL=http://127.0.0.1:%d\n", dev->state->ports[DEV_PORT_API]);
    g_string_append_printf(text, "DASHBOARD_URL=http://127.0.0.1:%d\n", dev->state->ports[DEV_PORT_API]);
    g_string_append_printf(text, "API_TOKEN=%s\n", dev->state->api_token);
    g_string_append_printf(text, "AGGREGATOR_URL=http://127.0.0.1:%d\n", dev->state->ports[DEV_PORT_AGGREGATOR]);
    g_string_append_printf(text, "KAFKA_BROKERS=%s\nTOPIC=%s\nREDIS_URL=%s\n", dev->brokers, dev->state->topic, dev->redis_url);
    g_string_append_printf(text, "ARCHIVE_DIR=%s/archive\n", dev->options.dir);
    add_pid(dev, text, "COLLECTOR_PID", DEV_COLLECTOR);
    add_pid(dev, text, "AGGREGATOR_PID", DEV_AGGREGATOR);
    add_pid(dev, text, "API_PID", DEV_API);
    add_pid(dev, text, "BROKER_PID", DEV_BROKER);
    add_pid(dev, text, "REDIS_PID", DEV_REDIS);
    return g_file_set_contents_full(path, text->str, -1, G_FILE_SET_CONTENTS_CONSISTENT, 0600, error);
}

static void remove_env(const struct dev_system *dev)
{
    g_autofree char *path = g_build_filename(dev->options.dir, "env", NULL);

    g_unlink(path);
}

/* ---- one part ---- */

/* Starts the process, if it is ours to start. */
static bool launch(struct dev_system *dev, enum dev_part part, GError **error)
{
    if (!dev_part_is_ours(dev, part))
        return true;
    if (part == DEV_BROKER && !broker_is_embedded(dev))
        return dev_kafka_start(dev, error);
    g_autoptr(GPtrArray) argv = dev_daemons_prepare(dev, part, error);
    return argv && child_start(&dev->children[part], (const char *const *)argv->pdata, dev->lock_fd, error);
}

static bool start_part(struct dev_system *dev, enum dev_part part, GError **error)
{
    struct child *child = &dev->children[part];
    gint64 begun_us = g_get_monotonic_time();

    if (!launch(dev, part, error) || !dev_wait_ready(dev, part, error)) {
        if (dev_part_is_ours(dev, part) && !dev->interrupted()) {
            fprintf(dev->out, "The last lines of %s:\n", child->log_path);
            child_print_log(child, LOG_LINES, dev->out);
        }
        return false;
    }
    dev->reported_dead[part] = false;
    gint64 took_ms = (g_get_monotonic_time() - begun_us) / 1000;
    if (dev_part_is_ours(dev, part))
        fprintf(dev->out, "%-10s ready after %" G_GINT64_FORMAT " ms, pid %d\n", child->name, took_ms, (int)child->pid);
    else
        fprintf(dev->out, "%-10s answers at %s\n", child->name, part == DEV_REDIS ? dev->redis_url : dev->options.broker);
    fflush(dev->out);
    return true;
}

static void stop_part(struct dev_system *dev, enum dev_part part)
{
    struct child *child = &dev->children[part];

    if (!child_alive(child))
        return;
    child_stop(child, parts[part].stop_ms);
    g_autofree char *end = child_end(child);
    fprintf(dev->out, "%-10s ended with %s\n", child->name, end);
    fflush(dev->out);
    dev->reported_dead[part] = true;
}

/* ---- all of them ---- */

static bool choose_ports(struct dev_system *dev, GError **error)
{
    if (!dev_state_choose_ports(dev->state, error))
        return false;
    dev->redis_url = dev_part_is_ours(dev, DEV_REDIS) ? g_strdup_printf("redis://127.0.0.1:%d", dev->state->ports[DEV_PORT_REDIS])
                                                      : g_strdup(dev->options.redis);
    return true;
}

/* Chosen and written down before anything uses it: Redis may hold counts of this topic even if the start fails later on. */
static bool choose_topic(struct dev_system *dev, GError **error)
{
    dev_state_choose_topic(dev->state, dev->options.broker, dev->options.topic);
    dev->new_log = g_strcmp0(dev->state->topic, dev->state->counted_topic) != 0;
    if (broker_is_embedded(dev))
        fprintf(dev->out, "The embedded broker keeps its log in memory, about 5 MB a partition: it is for trying out (topic %s).\n",
                dev->state->topic);
    return dev_state_save(dev->state, error);
}

/* Starts the parts, and makes it known. */
static bool start_parts(struct dev_system *dev, const enum dev_part *wanted, size_t n, GError **error)
{
    for (size_t i = 0; i < n; i++) {
        if (!start_part(dev, wanted[i], error))
            return false;
    }
    g_free(dev->state->counted_topic);
    dev->state->counted_topic = g_strdup(dev->state->topic);
    dev->new_log = false;
    return dev_state_save(dev->state, error) && write_env(dev, error);
}

bool dev_system_start(struct dev_system *dev, GError **error)
{
    static const enum dev_part all[] = {DEV_REDIS, DEV_BROKER, DEV_AGGREGATOR, DEV_API, DEV_COLLECTOR};

    remove_env(dev);
    if (strcmp(dev->options.broker, "kafka") == 0 && !dev_kafka_end_orphan(dev, error))
        return false;
    return choose_ports(dev, error) && choose_topic(dev, error) && start_parts(dev, all, G_N_ELEMENTS(all), error);
}

/* The embedded broker forgets: what is in it must be counted before it, or Redis, goes. */
static void drain(struct dev_system *dev)
{
    if (broker_is_embedded(dev) && child_alive(&dev->children[DEV_BROKER]) && child_alive(&dev->children[DEV_AGGREGATOR]) &&
        dev->brokers)
        dev_wait_counted(dev);
}

void dev_system_stop(struct dev_system *dev)
{
    remove_env(dev);
    for (size_t i = 0; i < DEV_N_PARTS; i++) {
        stop_part(dev, stop_order[i]);
        if (stop_order[i] == DEV_COLLECTOR)
            drain(dev);
    }
}

/* A new broker has a new address and an empty log: everything that knows the old ones starts again. */
static bool restart_embedded_broker(struct dev_system *dev, GError **error)
{
    static const enum dev_part then[] = {DEV_BROKER, DEV_AGGREGATOR, DEV_API, DEV_COLLECTOR};

    stop_part(dev, DEV_COLLECTOR);
    drain(dev);
    stop_part(dev, DEV_AGGREGATOR);
    stop_part(dev, DEV_API);
    stop_part(dev, DEV_BROKER);
    return choose_topic(dev, error) && start_parts(dev, then, G_N_ELEMENTS(then), error);
}

bool dev_system_restart(struct dev_system *dev, enum dev_part part, GError **error)
{
    if (!dev_part_is_ours(dev, part)) {
        g_set_error(error, DEV_ERROR, DEV_ERROR_START, "the %s was not started by daybook dev", dev_part_name(part));
        return false;
    }
    if (part == DEV_BROKER && broker_is_embedded(dev))
        return restart_embedded_broker(dev, error);
    stop_part(dev, part);
    return start_part(dev, part, error) && write_env(dev, error);
}

void dev_system_watch(struct dev_system *dev)
{
    for (int i = 0; i < DEV_N_PARTS; i++) {
        struct child *child = &dev->children[i];
        if (dev->reported_dead[i] || !dev_part_is_ours(dev, (enum dev_part)i) || child_alive(child))
            continue;
        g_autofree char *end = child_end(child);
        fprintf(dev->out, "%s ended with %s; start it again with: daybook dev --dir %s --restart %s\n", child->name, end,
                dev->options.dir, child->name);
        fflush(dev->out);
        dev->reported_dead[i] = true;
    }
}
