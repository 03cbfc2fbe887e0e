/* dev_state: what `daybook dev` keeps in DIR/state from one run to the next, so that addresses, token and topic stay the same.
 *
 * A GKeyFile that people may read; written atomically, mode 0600 (it holds the API's token). Owned by one thread. */
#ifndef DAYBOOK_CLI_DEV_STATE_H
#define DAYBOOK_CLI_DEV_STATE_H

#include <glib.h>
#include <stdbool.h>

enum dev_port {
    DEV_PORT_REDIS,
    DEV_PORT_BROKER, /* of the real broker; the embedded one chooses its own */
    DEV_PORT_COLLECTOR,
    DEV_PORT_AGGREGATOR,
    DEV_PORT_API,
    DEV_N_PORTS,
};

struct dev_state {
    char *path;
    int ports[DEV_N_PORTS];
    char *api_token;
    char *broker;        /* what --broker was when the topic was chosen; NULL: never */
    char *topic;         /* NULL: none yet */
    char *counted_topic; /* the one with which everything was ready last: what the counts in Redis belong to; NULL: none yet */
};

/* Reads DIR/state, or makes one up, without ports then. */
struct dev_state *dev_state_load(const char *dir, GError **error);
/* Chooses the ports that are missing, and others for those that somebody else holds now (said on stdout). */
bool dev_state_choose_ports(struct dev_state *state, GError **error);
void dev_state_free(struct dev_state *state);
bool dev_state_save(const struct dev_state *state, GError **error);

/* Chooses the topic for a broker ("embedded", "kafka", host:port): the one used last on that broker; for an embedded one, whose log
 * is gone with its process, always a new name; `wanted`, if not NULL, wins. */
void dev_state_choose_topic(struct dev_state *state, const char *broker, const char *wanted);

#endif
