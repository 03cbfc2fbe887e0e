/* dev_state: see dev_state.h. */
#include "cli/dev_state.h"

#include "cli/net.h"
#include "lib/hex.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#define GROUP "dev"
#define FIRST_TOPIC "usage.events"

static const char *const port_names[DEV_N_PORTS] = {
    [DEV_PORT_REDIS] = "redis_port",           [DEV_PORT_BROKER] = "broker_port", [DEV_PORT_COLLECTOR] = "collector_port",
    [DEV_PORT_AGGREGATOR] = "aggregator_port", [DEV_PORT_API] = "api_port",
};

static char *random_token(void)
{
    guint8 bytes[20];
    char text[2 * sizeof bytes + 1];

    g_assert(getrandom(bytes, sizeof bytes, 0) == (ssize_t)sizeof bytes);
    hex_write(text, bytes, sizeof bytes);
    return g_strdup(text);
}

bool dev_state_choose_ports(struct dev_state *state, GError **error)
{
    for (int i = 0; i < DEV_N_PORTS; i++) {
        if (state->ports[i] > 0 && net_port_is_free(state->ports[i]))
            continue;
        if (state->ports[i] > 0)
            printf("port %d (%s) is taken by another program now: another one is chosen\n", state->ports[i], port_names[i]);
        state->ports[i] = net_port_choose(state->ports, DEV_N_PORTS);
        if (state->ports[i] == 0) {
            g_set_error(error, NET_ERROR, NET_ERROR_SOCKET, "no free port on 127.0.0.1 for %s", port_names[i]);
            return false;
        }
    }
    return true;
}

struct dev_state *dev_state_load(const char *dir, GError **error)
{
    struct dev_state *state = g_new0(struct dev_state, 1);
    g_autoptr(GKeyFile) file = g_key_file_new();

    state->path = g_build_filename(dir, "state", NULL);
    if (g_file_test(state->path, G_FILE_TEST_EXISTS) && !g_key_file_load_from_file(file, state->path, G_KEY_FILE_NONE, error)) {
        g_prefix_error(error, "%s cannot be read (remove it to begin anew): ", state->path);
        dev_state_free(state);
        return NULL;
    }
    for (int i = 0; i < DEV_N_PORTS; i++) {
        int port = g_key_file_get_integer(file, GROUP, port_names[i], NULL);
        state->ports[i] = port > 0 && port < 65536 ? port : 0;
    }
    state->api_token = g_key_file_get_string(file, GROUP, "api_token", NULL);
    state->broker = g_key_file_get_string(file, GROUP, "broker", NULL);
    state->topic = g_key_file_get_string(file, GROUP, "topic", NULL);
    state->counted_topic = g_key_file_get_string(file, GROUP, "counted_topic", NULL);
    if (!state->api_token)
        state->api_token = random_token();
    return state;
}

void dev_state_free(struct dev_state *state)
{
    if (!state)
        return;
    g_free(state->path);
    g_free(state->api_token);
    g_free(state->broker);
    g_free(state->topic);
    g_free(state->counted_topic);
    g_free(state);
}

bool dev_state_save(const struct dev_state *state, GError **error)
{
    g_autoptr(GKeyFile) file = g_key_file_new();

    for (int i = 0; i < DEV_N_PORTS; i++)
        g_key_file_set_integer(file, GROUP, port_names[i], state->ports[i]);
    g_key_file_set_string(file, GROUP, "api_token", state->api_token);
    if (state->broker)
        g_key_file_set_string(file, GROUP, "broker", state->broker);
    if (state->topic)
        g_key_file_set_string(file, GROUP, "topic", state->topic);
    if (state->counted_topic)
        g_key_file_set_string(file, GROUP, "counted_topic", state->counted_topic);
    g_autofree char *text = g_key_file_to_data(file, NULL, NULL);
    return g_file_set_contents_full(state->path, text, -1, G_FILE_SET_CONTENTS_CONSISTENT, 0600, error);
}

/* usage.events.<Unix time>, made different from the last one even within a second. */
static char *new_topic(const char *last)
{
    gint64 number = g_get_real_time() / G_USEC_PER_SEC;
    char *topic = g_strdup_printf(FIRST_TOPIC ".%" G_GINT64_FORMAT, number);

    while (g_strcmp0(topic, last) == 0) {
        g_free(topic);
        topic = g_strdup_printf(FIRST_TOPIC ".%" G_GINT64_FORMAT, ++number);
    }
    return topic;
}

void dev_state_choose_topic(struct dev_state *state, const char *broker, const char *wanted)
{
    bool first = state->topic == NULL;
    bool same_log = g_strcmp0(state->broker, broker) == 0 && strcmp(broker, "embedded") != 0;
    char *topic = NULL;

    if (wanted)
        topic = g_strdup(wanted);
    else if (same_log)
        topic = g_strdup(state->topic);
    else if (first && strcmp(broker, "embedded") != 0)
        topic = g_strdup(FIRST_TOPIC);
    else
        topic = new_topic(state->topic);
    g_free(state->topic);
    g_free(state->broker);
    state->topic = topic;
    state->broker = g_strdup(broker);
}
