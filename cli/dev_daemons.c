/* dev_daemons: see dev_daemons.h. Daemons get a file rather than arguments, because everybody may read a process's arguments and
 * the file holds the API's token; the user's own --set come behind it, and win. */
#include "cli/dev_daemons.h"

#include <glib/gstdio.h>
#include <string.h>

/* Directory of this binary, with the daemons beside it. */
static char *binary_directory(void)
{
    g_autofree char *self = g_file_read_link("/proc/self/exe", NULL);

    return g_path_get_dirname(self ? self : ".");
}

char *dev_daemons_ready_file(const struct dev_system *dev)
{
    return g_build_filename(dev->options.dir, "broker.address", NULL);
}

static bool write_file(const struct dev_system *dev, const char *name, const char *text, GError **error)
{
    g_autofree char *path = g_build_filename(dev->options.dir, "conf", name, NULL);

    return g_file_set_contents_full(path, text, -1, G_FILE_SET_CONTENTS_CONSISTENT, 0600, error);
}

/* ---- the daemons ---- */

static char *collector_conf(const struct dev_system *dev)
{
    const char *dir = dev->options.dir;

    return g_strdup_printf("[kafka]\nbrokers=%s\ntopic=%s\n\n[listen]\naddress=127.0.0.1\nport=%d\nsocket=%s/collector.sock\n\n"
                           "[journal]\ndir=%s/journal\n",
                           dev->brokers, dev->state->topic, dev->state->ports[DEV_PORT_COLLECTOR], dir, dir);
}

static char *aggregator_conf(const struct dev_system *dev)
{
    /* The embedded broker knows no static members: a restarted one waits there until the session of the one before has ended. */
    bool embedded = strcmp(dev->options.broker, "embedded") == 0;
    const char *properties = embedded ? "properties=session.timeout.ms=3000;heartbeat.interval.ms=500\n" : "";

    return g_strdup_printf("[kafka]\nbrokers=%s\ntopic=%s\nnew_log=%s\n%s\n[redis]\nurl=%s\n\n[closing]\narchive=%s/archive\n\n"
                           "[listen]\nport=%d\n",
                           dev->brokers, dev->state->topic, dev->new_log ? "accept" : "stop", properties, dev->redis_url,
                           dev->options.dir, dev->state->ports[DEV_PORT_AGGREGATOR]);
}

static char *api_conf(const struct dev_system *dev)
{
    return g_strdup_printf("[listen]\naddress=127.0.0.1\nport=%d\n\n[redis]\nurl=%s\n\n[auth]\ntoken=%s\n\n[archive]\n"
                           "directory=%s/archive\n",
                           dev->state->ports[DEV_PORT_API], dev->redis_url, dev->state->api_token, dev->options.dir);
}

/* "--set section.key=value" for every --set of this program. */
static void add_sets(const struct dev_system *dev, const char *program, GPtrArray *argv)
{
    for (const char *const *set = dev->options.sets; set && *set; set++) {
        size_t size = strlen(program);
        if (strncmp(*set, program, size) != 0 || (*set)[size] != '.')
            continue;
        g_ptr_array_add(argv, g_strdup("--set"));
        g_ptr_array_add(argv, g_strdup(*set + size + 1));
    }
}

static bool prepare_daemon(const struct dev_system *dev, const char *program, const char *conf, GPtrArray *argv, GError **error)
{
    g_autofree char *name = g_strconcat(program, ".conf", NULL);
    g_autofree char *directory = binary_directory();

    if (!write_file(dev, name, conf, error))
        return false;
    g_ptr_array_add(argv, g_strdup_printf("%s/daybook-%s", directory, program));
    g_ptr_array_add(argv, g_strdup("--config"));
    g_ptr_array_add(argv, g_build_filename(dev->options.dir, "conf", name, NULL));
    add_sets(dev, program, argv);
    return true;
}

/* ---- what they need ---- */

static bool prepare_redis(const struct dev_system *dev, GPtrArray *argv, GError **error)
{
    g_autofree char *conf = g_strdup_printf("bind 127.0.0.1\nport %d\ndir \"%s/redis\"\ndaemonize no\nappendonly yes\n"
                                            "appendfsync everysec\nsave \"\"\nmaxmemory-policy noeviction\n"
                                            "hash-max-listpack-entries 512\nhash-max-listpack-value 1024\nrdbcompression no\n"
                                            "auto-aof-rewrite-min-size 1gb\n",
                                            dev->state->ports[DEV_PORT_REDIS], dev->options.dir);

    if (!write_file(dev, "redis.conf", conf, error))
        return false;
    g_ptr_array_add(argv, g_strdup("redis-server"));
    g_ptr_array_add(argv, g_build_filename(dev->options.dir, "conf", "redis.conf", NULL));
    return true;
}

static void prepare_embedded_broker(const struct dev_system *dev, GPtrArray *argv)
{
    char *self = g_file_read_link("/proc/self/exe", NULL);
    char *ready_file = dev_daemons_ready_file(dev);

    g_unlink(ready_file);
    g_ptr_array_add(argv, self ? self : g_strdup("daybook"));
    g_ptr_array_add(argv, g_strdup("embedded-broker"));
    g_ptr_array_add(argv, g_strdup("--topic"));
    g_ptr_array_add(argv, g_strdup(dev->state->topic));
    g_ptr_array_add(argv, g_strdup("--partitions"));
    g_ptr_array_add(argv, g_strdup_printf("%d", dev->options.partitions));
    g_ptr_array_add(argv, g_strdup("--ready-file"));
    g_ptr_array_add(argv, ready_file);
}

static bool prepare(const struct dev_system *dev, enum dev_part part, GPtrArray *argv, GError **error)
{
    g_autofree char *conf = NULL;

    switch (part) {
    case DEV_REDIS:
        return prepare_redis(dev, argv, error);
    case DEV_BROKER:
        prepare_embedded_broker(dev, argv);
        return true;
    case DEV_AGGREGATOR:
        conf = aggregator_conf(dev);
        break;
    case DEV_API:
        conf = api_conf(dev);
        break;
    case DEV_COLLECTOR:
        conf = collector_conf(dev);
        break;
    case DEV_N_PARTS:
        g_assert_not_reached();
    }
    return prepare_daemon(dev, dev_part_name(part), conf, argv, error);
}

GPtrArray *dev_daemons_prepare(const struct dev_system *dev, enum dev_part part, GError **error)
{
    g_autoptr(GPtrArray) argv = g_ptr_array_new_with_free_func(g_free);

    if (!prepare(dev, part, argv, error))
        return NULL;
    g_ptr_array_add(argv, NULL);
    return g_steal_pointer(&argv);
}
