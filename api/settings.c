#include "api/settings.h"

#include "api/alert_minutes.h"
#include "api/alerts.h"
#include "api/mail.h"
#include "api/outgoing.h"
#include "lib/http.h"
#include "lib/redis.h"
#include <string.h>

enum { TOKEN_MIN = 16 };
#define LIMIT_MAX G_GINT64_CONSTANT(1000000000000)

static const struct config_row rows[] = {
    {"listen", "address", CONFIG_STRING, "127.0.0.1", 0, 0, NULL, NULL, false, "Address on which the API is served."},
    {"listen", "port", CONFIG_INT, "8700", 0, 65535, NULL, NULL, false, "TCP port; 0: any free one, which is then in the log."},
    {"listen", "threads", CONFIG_INT, "2", 1, 64, NULL, NULL, false,
     "Threads that read requests and send answers; what needs Redis is done by query.workers."},
    {"listen", "connections_max", CONFIG_INT, "1024", 1, 65536, NULL, NULL, false,
     "HTTP connections at a time; more wait in the kernel's queue."},
    {"listen", "idle_timeout_s", CONFIG_INT, "60", 1, 3600, "s", NULL, false,
     "A connection on which nothing moves for so long is closed."},
    {"listen", "connections_per_address", CONFIG_INT, "256", 1, 65536, NULL, NULL, false,
     "HTTP connections of one address at a time (not of this machine itself); more are closed at once."},
    {"listen", "tls_cert", CONFIG_STRING, "", 0, 0, NULL, NULL, false,
     "File with the certificate and its chain (PEM): then only HTTPS is spoken, TLS 1.2 and later. SIGHUP reads it again. "
     "Empty: HTTP."},
    {"listen", "tls_key", CONFIG_STRING, "", 0, 0, NULL, NULL, false, "File with the certificate's private key (PEM)."},
    {"listen", "secure_cookies", CONFIG_CHOICE, "auto", 0, 0, NULL, "auto|always", false,
     "Whether the cookie of a session is for HTTPS only: where this program itself speaks it (auto), or always, because people "
     "reach it through a proxy that does."},
    {"listen", "cors_origins", CONFIG_LIST, "", 0, 0, NULL, NULL, false,
     "Origins (https://app.example.com) whose pages may ask from a browser; none without it."},
    {"auth", "token", CONFIG_STRING, "", 0, 0, NULL, NULL, true,
     "Token that a caller must send as Authorization: Bearer or X-API-Key, at least 16 characters; required. It may see and do "
     "everything; others are made with it (POST /api/v2/admin/tokens)."},
    {"auth", "jwks_file", CONFIG_STRING, "", 0, 0, NULL, NULL, false,
     "File with the public keys (JWKS, RFC 7517) of whoever issues JSON web tokens: RS256, ES256, EdDSA. SIGHUP reads it again. "
     "Empty: none are taken."},
    {"auth", "jwt_issuer", CONFIG_STRING, "", 0, 0, NULL, NULL, false,
     "What a JSON web token must have as iss; needed with auth.jwks_file."},
    {"auth", "jwt_audience", CONFIG_STRING, "", 0, 0, NULL, NULL, false,
     "What a JSON web token must have in aud; needed with auth.jwks_file."},
    {"limits", "free_per_minute", CONFIG_INT, "60", 1, 1000000000, NULL, NULL, false, "Requests a minute of a token of tier free."},
    {"limits", "free_per_day", CONFIG_INT, "10000", 1, LIMIT_MAX, NULL, NULL, false, "Requests a day of a token of tier free."},
    {"limits", "starter_per_minute", CONFIG_INT, "300", 1, 1000000000, NULL, NULL, false, "The same of tier starter."},
    {"limits", "starter_per_day", CONFIG_INT, "100000", 1, LIMIT_MAX, NULL, NULL, false, "The same of tier starter."},
    {"limits", "professional_per_minute", CONFIG_INT, "1000", 1, 1000000000, NULL, NULL, false, "The same of tier professional."},
    {"limits", "professional_per_day", CONFIG_INT, "1000000", 1, LIMIT_MAX, NULL, NULL, false, "The same of tier professional."},
    {"limits", "enterprise_per_minute", CONFIG_INT, "6000", 1, 1000000000, NULL, NULL, false,
     "The same of tier enterprise, which auth.token has too."},
    {"limits", "enterprise_per_day", CONFIG_INT, "10000000", 1, LIMIT_MAX, NULL, NULL, false, "The same of tier enterprise."},
    {"limits", "session_per_minute", CONFIG_INT, "600", 1, 1000000000, NULL, NULL, false,
     "Requests a minute of all dashboards that were signed in with one token; they take nothing from its own."},
    {"limits", "session_per_day", CONFIG_INT, "200000", 1, LIMIT_MAX, NULL, NULL, false, "The same in a day."},
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
    {"query", "nice", CONFIG_INT, "10", 0, 19, NULL, NULL, false,
     "How far the threads that answer long queries stand back (nice(2)) where the processors are not enough for all, for an "
     "aggregator or Redis on the same machine: counting goes first."},
    {"query", "queue_max", CONFIG_INT, "256", 1, 65536, NULL, NULL, false,
     "Queries that may wait for a worker; what comes then is answered with 503 and Retry-After."},
    {"query", "owner_max", CONFIG_INT, "128", 1, 65536, NULL, NULL, false,
     "Of these, queries of one token; the same holds for long ones. Tokens are served in turn."},
    {"query", "timeout_ms", CONFIG_INT, "30000", 100, 600000, "ms", NULL, false,
     "How long one query may read before it is given up with 503, asking for a smaller window."},
    {"query", "heavy_workers", CONFIG_INT, "2", 1, 64, NULL, NULL, false,
     "Long queries (reports over many days) that run at a time."},
    {"query", "heavy_queue_max", CONFIG_INT, "256", 1, 65536, NULL, NULL, false, "Long queries that may wait for their turn."},
    {"query", "heavy_timeout_ms", CONFIG_INT, "120000", 1000, 3600000, "ms", NULL, false,
     "How long a long query may take before it has failed, saying so."},
    {"query", "scan_threads", CONFIG_INT, "2", 1, 64, NULL, NULL, false, "Threads that scan the days of one query side by side."},
    {"query", "groups_max", CONFIG_INT, "1000000", 1000, 100000000, NULL, NULL, false,
     "Rows that a query may have for one of its periods; about 100 bytes of memory each while it runs. More, and it fails, "
     "saying so."},
    {"cache", "sheets_max_bytes", CONFIG_INT, "128MiB", 0, G_GINT64_CONSTANT(1) << 40, "bytes", NULL, false,
     "Memory for opened sheets of closed days, which all queries share; those longest unused go first."},
    {"cache", "live_max_bytes", CONFIG_INT, "128MiB", 0, G_GINT64_CONSTANT(1) << 40, "bytes", NULL, false,
     "Memory for what was read of slots for live answers, which all questions share; what is longest unused goes first. 0: nothing "
     "is kept."},
    {"cache", "warm", CONFIG_BOOL, "true", 0, 0, NULL, NULL, false,
     "Whether the last 24 hours of all keys, and then the days of the last 90, are brought into that memory after the start, "
     "little by little, and every five minutes what of it is missing, so that the first to ask need not wait."},
    {"cache", "directory", CONFIG_STRING, "/tmp", 0, 0, NULL, NULL, false,
     "Where results and exports lie, in files without names that end with the process."},
    {"cache", "results_max_bytes", CONFIG_INT, "1GiB", 1048576, G_GINT64_CONSTANT(1) << 40, "bytes", NULL, false,
     "Room there for results of queries; one alone may take half. What is gone is computed again when it is asked for."},
    {"cache", "exports_max_bytes", CONFIG_INT, "1GiB", 1048576, G_GINT64_CONSTANT(1) << 40, "bytes", NULL, false,
     "Room there for exports (CSV and so on) that others ask for again, or that go on after an interruption."},
    {"system", "silent_after_s", CONFIG_INT, "120", 20, 86400, "s", NULL, false,
     "A collector whose newest heartbeat (one comes every 10 s) is older than this is silent: a condition of the system, shown by "
     "the overview and alerted."},
    {"system", "silent_until_s", CONFIG_INT, "604800", 60, 31536000, "s", NULL, false,
     "A collector that was not heard for so long was taken away, and is silent no more."},
    {"system", "lag_s", CONFIG_INT, "300", 10, 86400, "s", NULL, false,
     "A partition that stands still for so long in front of records, or that no aggregator counts, is a condition of the system."},
    {"system", "sealed_after_s", CONFIG_INT, "10800", 60, 2592000, "s", NULL, false,
     "A day that is not closed so long after its end (or after the last late event of it) is a condition of the system; more than "
     "the aggregator's closing.grace_s and closing.restate_after_s."},
    {"system", "journal_bytes", CONFIG_INT, "1GiB", 1024, G_GINT64_CONSTANT(1) << 44, "bytes", NULL, false,
     "A collector's journal that holds more than this for Kafka is a condition of the system."},
    {"system", "journal_age_s", CONFIG_INT, "600", 10, 86400, "s", NULL, false,
     "The same, of one whose oldest event has waited for longer than this."},
    {"alerts", "deliveries_parallel", CONFIG_INT, "8", 2, 64, NULL, NULL, false,
     "Webhooks that are sent at a time, and mails; of these two to one channel."},
    {"alerts", "timeout_s", CONFIG_INT, "10", 1, 30, "s", NULL, false,
     "How long one try to deliver may take, with all that belongs to it."},
    {"alerts", "retry_first_s", CONFIG_INT, "10", 1, 3600, "s", NULL, false,
     "After how long a delivery that failed is tried again; twice as long each time after that."},
    {"alerts", "retry_most_s", CONFIG_INT, "3600", 1, 86400, "s", NULL, false, "After how long at most."},
    {"alerts", "retry_for_s", CONFIG_INT, "86400", 1, 2592000, "s", NULL, false,
     "So long after the first try a delivery is given up: GET /api/v2/admin/deliveries?state=dead shows it."},
    {"alerts", "dead_max", CONFIG_INT, "1000", 1, 100000, NULL, NULL, false,
     "Deliveries that were given up and are kept; the oldest go first, and those older than alerts.keep_days."},
    {"alerts", "allow_private", CONFIG_BOOL, "false", 0, 0, NULL, NULL, false,
     "Whether webhooks may go to addresses that are not public: this machine, private and link-local networks and so on."},
    {"alerts", "public_url", CONFIG_STRING, "", 0, 0, NULL, NULL, false,
     "Where people reach this API (https://usage.example.com), for links in mails. Empty: none."},
    {"alerts", "smtp_url", CONFIG_STRING, "", 0, 0, NULL, NULL, false,
     "The server that mails are given to: smtp://host:port, or smtps://host:port. Empty: no mail can be sent."},
    {"alerts", "smtp_user", CONFIG_STRING, "", 0, 0, NULL, NULL, true, "The name by which it knows us. Empty: it does not ask."},
    {"alerts", "smtp_password", CONFIG_STRING, "", 0, 0, NULL, NULL, true, "And the password."},
    {"alerts", "smtp_tls", CONFIG_CHOICE, "try", 0, 0, NULL, "try|always|never", false,
     "STARTTLS on smtp://: where the server offers it (always, if there is a password), always, or never. Certificates are "
     "verified."},
    {"alerts", "mail_from", CONFIG_STRING, "", 0, 0, NULL, NULL, false,
     "The address that mails come from (usage@example.com); needed with alerts.smtp_url."},
    {"alerts", "check_s", CONFIG_INT, "10", 1, 60, "s", NULL, false, "How often limits and the system's state are checked."},
    {"alerts", "levels", CONFIG_LIST, "50;80;90;100;120;150;200;300", 0, 0, "percent", NULL, false,
     "Levels of a limit at which an alert is raised, ascending, of limits that have none of their own; from 100 on it is a "
     "violation."},
    {"alerts", "minutes_back", CONFIG_INT, "15", 1, ALERT_MINUTES_MAX, "min", NULL, false,
     "Minutes that limits a minute look back, for events that come late; limits of longer windows look back an hour."},
    {"alerts", "max", CONFIG_INT, "10000", 10, ALERTS_MAX, NULL, NULL, false,
     "Alerts that are kept; the oldest are removed first."},
    {"alerts", "keep_days", CONFIG_INT, "90", 1, 3650, "days", NULL, false, "How long an alert is kept."},
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

static bool check_mail(const struct config *config, GError **error)
{
    const char *url = config_string(config, "alerts.smtp_url"), *from = config_string(config, "alerts.mail_from"), *why;
    if (url[0] == '\0' && from[0] == '\0')
        return true;
    if (!outgoing_smtp_url_check(url, &why)) {
        g_set_error(error, REDIS_ERROR, REDIS_ERROR_CONFIG, "alerts.smtp_url (needed with alerts.mail_from) %s.", why);
        return false;
    }
    if (!mail_address_is_valid(from)) {
        g_set_error(error, REDIS_ERROR, REDIS_ERROR_CONFIG,
                    "alerts.mail_from must be an address like usage@example.com; it is needed with alerts.smtp_url.");
        return false;
    }
    return true;
}

static bool check_alerts(const struct config *config, GError **error)
{
    const char *url = config_string(config, "alerts.public_url");
    if (url[0] != '\0' && !g_uri_is_valid(url, G_URI_FLAGS_NONE, NULL)) {
        g_set_error(error, REDIS_ERROR, REDIS_ERROR_CONFIG, "alerts.public_url must be an address like https://usage.example.com.");
        return false;
    }
    if (config_int(config, "alerts.retry_first_s") > config_int(config, "alerts.retry_most_s")) {
        g_set_error(error, REDIS_ERROR, REDIS_ERROR_CONFIG, "alerts.retry_first_s must not be more than alerts.retry_most_s.");
        return false;
    }
    return check_mail(config, error);
}

bool api_settings_check(const struct config *config, GError **error)
{
    const char *token = config_string(config, "auth.token");
    struct alert_levels levels;
    if (!alert_levels_parse(&levels, config_list(config, "alerts.levels"), error))
        return false;
    if (strlen(token) < TOKEN_MIN) {
        g_set_error(error, REDIS_ERROR, REDIS_ERROR_CONFIG,
                    "auth.token must be set to a secret of at least %d characters (for example: openssl rand -hex 32).", TOKEN_MIN);
        return false;
    }
    if ((*config_string(config, "listen.tls_cert") == '\0') != (*config_string(config, "listen.tls_key") == '\0')) {
        g_set_error(error, REDIS_ERROR, REDIS_ERROR_CONFIG, "listen.tls_cert and listen.tls_key must be set both, or neither.");
        return false;
    }
    return check_alerts(config, error) && http_origins_check(config_list(config, "listen.cors_origins"), error) &&
           redis_url_check(config_string(config, "redis.url"), error);
}

static int64_t seconds(const struct config *config, const char *name)
{
    return config_int(config, name) * 1000;
}

struct system_settings api_settings_system(const struct config *config, struct ledger_cache *ledger)
{
    return (struct system_settings){
        .ledger = ledger,
        .silent_after_ms = seconds(config, "system.silent_after_s"),
        .silent_until_ms = seconds(config, "system.silent_until_s"),
        .sealed_after_ms = seconds(config, "system.sealed_after_s"),
        .lag_ms = seconds(config, "system.lag_s"),
        .journal_bytes = config_int(config, "system.journal_bytes"),
        .journal_age_ms = seconds(config, "system.journal_age_s"),
    };
}

struct alert_levels api_settings_levels(const struct config *config)
{
    struct alert_levels levels;
    bool ok = alert_levels_parse(&levels, config_list(config, "alerts.levels"), NULL);
    g_assert(ok);
    return levels;
}
