#include "collector/settings.h"

#define MIB (G_GINT64_CONSTANT(1) << 20)
#define TIB (G_GINT64_CONSTANT(1) << 40)

static const struct config_row rows[] = {
    {"collector", "name", CONFIG_STRING, "", 0, 0, NULL, NULL, false,
     "Name of this collector in heartbeats and `daybook status`; empty: the host's name."},
    {"log", "level", CONFIG_CHOICE, "info", 0, 0, NULL, "debug|info|warn|error", false,
     "Least important log lines that are written."},

    /* ---- the HTTP server: POST /v1/events, /metrics, /healthz, /readyz ---- */
    {"listen", "address", CONFIG_STRING, "127.0.0.1", 0, 0, NULL, NULL, false,
     "Address on which HTTP is served; empty: only the unix socket. Beyond loopback a token is required."},
    {"listen", "port", CONFIG_INT, "8600", 0, 65535, NULL, NULL, false, "TCP port; 0: any free one, which is then in the log."},
    {"listen", "socket", CONFIG_STRING, "", 0, 0, NULL, NULL, false, "Path of a unix socket that is served as well; empty: none."},
    {"listen", "token", CONFIG_STRING, "", 0, 0, NULL, NULL, true,
     "Bearer token that POST /v1/events must carry; empty: none is asked for (only allowed on loopback and the unix socket)."},
    {"listen", "threads", CONFIG_INT, "2", 1, 64, NULL, NULL, false, "Threads that serve HTTP."},
    {"listen", "connections_max", CONFIG_INT, "512", 1, 65536, NULL, NULL, false, "HTTP connections at a time; more are refused."},
    {"listen", "body_max_bytes", CONFIG_INT, "4MiB", 1024, 64 * MIB, "bytes", NULL, false,
     "Largest body of a request; a larger one is answered 413."},
    {"listen", "idle_timeout_s", CONFIG_INT, "60", 1, 3600, "s", NULL, false,
     "A connection on which nothing moves for so long is closed."},

    /* ---- what is taken: times and defaults ---- */
    {"input", "max_age_days", CONFIG_INT, "35", 0, 36500, "days", NULL, false,
     "Older events are rejected as too_old; 0: no limit."},
    {"input", "max_ahead_s", CONFIG_INT, "600", 0, 86400, "s", NULL, false,
     "Events further ahead of this machine's clock are rejected as in_future."},
    {"input", "organization", CONFIG_STRING, "", 0, 0, NULL, NULL, false, "Organization of events that name none."},

    /* ---- what is taken: clients, route templates, exclusions (rows of collector/intake.c) ---- */
    {"input", "max_events", CONFIG_INT, "65536", 1, 65536, "events", NULL, false,
     "Most events in the body of one request; more are answered 413."},
    {"client", "fields", CONFIG_LIST, "client", 0, 0, NULL, NULL, false,
     "Who the client is: the first of these fields that is not empty; of client, user, source, organization, user_agent."},
    {"route", "templates", CONFIG_LIST, "", 0, 0, NULL, NULL, false,
     "Route templates for events that name a path, `METHOD /v1/orders/{id}` each (docs/INPUTS.md)."},
    {"route", "file", CONFIG_STRING, "", 0, 0, NULL, NULL, false, "File with further route templates, one a line; empty: none."},
    {"exclude", "clients", CONFIG_LIST, "", 0, 0, NULL, NULL, false,
     "Events of these clients are left out; patterns with `*` and `?`, here and in the other rules."},
    {"exclude", "routes", CONFIG_LIST, "", 0, 0, NULL, NULL, false,
     "Events of these routes are left out; a method and a blank may come first: `GET /health*`."},
    {"exclude", "user_agents", CONFIG_LIST, "", 0, 0, NULL, NULL, false,
     "Events of these user agents are left out, without regard to case."},
    {"exclude", "sources", CONFIG_LIST, "", 0, 0, NULL, NULL, false, "Events of these sources are left out."},

    /* ---- followed files: the repeated section follow.* (rows of collector/follow.c) ---- */
    {"follow.*", "path", CONFIG_STRING, "", 0, 0, NULL, NULL, false,
     "Log file to follow, through rotation by renaming, truncation or copying; it may appear later."},
    {"follow.*", "format", CONFIG_CHOICE, "combined", 0, 0, NULL, "combined|nginx-json|ndjson", false,
     "What the lines are: Apache's and nginx' common or combined format, JSON as docs/FOLLOWING.md shows for nginx, or native "
     "events."},
    {"follow.*", "fields", CONFIG_LIST, "", 0, 0, NULL, NULL, false,
     "Field map, target=source|source:unit each (docs/FOLLOWING.md); an item replaces the format's default for its target."},
    {"follow.*", "organization", CONFIG_STRING, "", 0, 0, NULL, NULL, false,
     "Organization of lines that name none; empty: input.organization."},
    {"follow.*", "platform", CONFIG_STRING, "", 0, 0, NULL, NULL, false, "Platform of lines that name none."},
    {"follow.*", "start", CONFIG_CHOICE, "beginning", 0, 0, NULL, "beginning|end", false,
     "Where a file is begun that was never followed before; later ones are always read from their beginning."},
    {"follow.*", "max_line_bytes", CONFIG_INT, "64KiB", 1024, MIB, "bytes", NULL, false,
     "Longest line that is read; a longer one is rejected as too_long, up to its end."},
    {"follow.*", "rotated_wait_s", CONFIG_INT, "600", 1, 86400, "s", NULL, false,
     "A file that was rotated away is read on until nothing was added to it for so long."},

    /* ---- journal ---- */
    {"journal", "dir", CONFIG_STRING, "/var/lib/daybook/collector", 0, 0, NULL, NULL, false,
     "Directory of the journal; made if it is missing. One collector has it at a time."},
    {"journal", "max_bytes", CONFIG_INT, "10GiB", 64 * MIB, 16 * TIB, "bytes", NULL, false,
     "Disk budget of the journal. When it is used up, HTTP answers 503 and followed files wait."},
    {"journal", "commit_ms", CONFIG_INT, "10", 1, 1000, "ms", NULL, false,
     "Longest time for which events are gathered before they are made durable together; when nothing more is waiting, at once."},

    /* ---- Kafka ---- */
    {"kafka", "brokers", CONFIG_STRING, "127.0.0.1:9092", 0, 0, NULL, NULL, false, "Bootstrap brokers: host:port,host:port."},
    {"kafka", "topic", CONFIG_STRING, "usage.events", 0, 0, NULL, NULL, false, "Topic to which usage events are written."},
    {"kafka", "client_id", CONFIG_STRING, "daybook-collector", 0, 0, NULL, NULL, false, "client.id that the brokers see."},
    {"kafka", "properties", CONFIG_LIST, "", 0, 0, NULL, NULL, true,
     "Further properties for librdkafka, name=value each (security.protocol, sasl.username, ssl.ca.location…)."},
    {"kafka", "create_partitions", CONFIG_INT, "16", 0, 100000, NULL, NULL, false,
     "A topic that does not exist is made with so many partitions; 0: it is waited for instead."},
    {"kafka", "create_replication", CONFIG_INT, "-1", -1, 100, NULL, NULL, false,
     "Replication factor of a topic that is made; -1: the brokers' default."},
    {"kafka", "create_retention_days", CONFIG_INT, "35", 1, 36500, "days", NULL, false,
     "Retention of a topic that is made; it must exceed the longest outage of the aggregators."},
    {"kafka", "topic_check_s", CONFIG_INT, "60", 1, 3600, "s", NULL, false,
     "How often the topic is looked at: partitions that were added are used from then on."},
};

const struct config_table collector_settings = {
    .program = "collector",
    .summary =
        "daybook-collector takes usage events over HTTP and from followed log files, makes them durable in a journal on the local "
        "disk, acknowledges them, and ships them to Kafka.",
    .rows = rows,
    .n_rows = G_N_ELEMENTS(rows),
};
