#include "api/settings.h"

#include "lib/redis.h"
#include <string.h>

enum { TOKEN_MIN = 16 };

static const struct config_row rows[] = {
    {"listen", "address", CONFIG_STRING, "127.0.0.1", 0, 0, NULL, NULL, false, "Address on which the API is served."},
    {"listen", "port", CONFIG_INT, "8700", 0, 65535, NULL, NULL, false, "TCP port; 0: any free one, which is then in the log."},
    {"listen", "threads", CONFIG_INT, "2", 1, 64, NULL, NULL, false,
     "Threads that read requests and send answers; what needs Redis is done by query.workers."},
    {"listen", "connections_max", CONFIG_INT, "1024", 1, 65536, NULL, NULL, false,
     "HTTP connections at a time; more wait in the kernel's queue."},
    {"listen", "idle_timeout_s", CONFIG_INT, "60", 1, 3600, "s", NULL, false,
     "A connection on which nothing moves for so long is closed."},
    {"auth", "token", CONFIG_STRING, "", 0, 0, NULL, NULL, true,
     "Token that a caller must send as Authorization: Bearer or X-API-Key, at least 16 characters; required. It may see "
     "everything."},
    {"redis", "url", CONFIG_STRING, "redis://127.0.0.1:6379", 0, 0, NULL, NULL, true,
     "redis://[user:password@]host:port[,host:port…][/db], redis+sentinel://host:port[,…]/master or "
     "redis+cluster://host:port[,…]."},
    {"redis", "timeout_ms", CONFIG_INT, "5000", 100, 600000, "ms", NULL, false,
     "How long a reply may take before the connection is given up and the query answered with 503."},
    {"redis", "connect_timeout_ms", CONFIG_INT, "1000", 100, 60000, "ms", NULL, false, "How long connecting may take."},
    {"redis", "partitions", CONFIG_INT, "16", 1, 4096, NULL, NULL, false,
     "Partitions whose counts are read as long as the aggregator has not written their number into Redis."},
    {"query", "workers", CONFIG_INT, "4", 1, 256, NULL, NULL, false,
     "Queries that are answered at a time; each worker has its own connections."},
    {"query", "queue_max", CONFIG_INT, "256", 1, 65536, NULL, NULL, false,
     "Queries that may wait for a worker; what comes then is answered with 503 and Retry-After."},
    {"query", "timeout_ms", CONFIG_INT, "30000", 100, 600000, "ms", NULL, false,
     "How long one query may read before it is given up with 503, asking for a smaller window."},
    {"cache", "sheets_max_bytes", CONFIG_INT, "128MiB", 0, G_GINT64_CONSTANT(1) << 40, "bytes", NULL, false,
     "Memory for opened sheets of closed days, which all queries share; those longest unused go first."},
    {"archive", "directory", CONFIG_STRING, "", 0, 0, NULL, NULL, false,
     "Directory of the archive (the aggregator's closing.archive): sheets and entries of the ledger whose copy in Redis is missing "
     "or damaged are read from there. Empty: none."},
    {"log", "level", CONFIG_CHOICE, "info", 0, 0, NULL, "debug|info|warn|error", false,
     "Least important log lines that are written."},
};

const struct config_table api_settings = {
    .program = "api",
    .summary = "daybook-api answers what was used, live from the counts in Redis and from the sheets of closed days, and shows the "
               "ledger of those. It keeps no state; start as many as you like.",
    .rows = rows,
    .n_rows = G_N_ELEMENTS(rows),
};

bool api_settings_check(const struct config *config, GError **error)
{
    const char *token = config_string(config, "auth.token");
    if (strlen(token) < TOKEN_MIN) {
        g_set_error(error, REDIS_ERROR, REDIS_ERROR_CONFIG,
                    "auth.token must be set to a secret of at least %d characters (for example: openssl rand -hex 32).", TOKEN_MIN);
        return false;
    }
    return redis_url_check(config_string(config, "redis.url"), error);
}
