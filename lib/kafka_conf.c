/* Configuration, logging and errors of every librdkafka handle.
 *
 * Properties that the operator passes are for all kinds of handles, but some of them only fit one kind ("linger.ms" a producer).
 * librdkafka accepts these everywhere and merely warns, and these warnings (CONFWARN) are not worth a line. Nor is that the
 * embedded broker is too simple to be told not to create topics (AUTOCREATE). */
#include "lib/kafka_internal.h"
#include "lib/log.h"
#include <string.h>

G_DEFINE_QUARK(daybook - kafka - error, kafka_error)

enum { ERRSTR_SIZE = 512, LOG_ERROR_LEVEL = 2, LOG_WARN_LEVEL = 4, LOG_INFO_LEVEL = 6 };

static const struct kafka_option common_options[] = {
    {"log.thread.name", "false"},
    {"log.connection.close", "false"},
    {"reconnect.backoff.ms", "100"},
    {"reconnect.backoff.max.ms", "2000"}, /* the default, 10 s, makes a short outage a long one */
    {"socket.keepalive.enable", "true"},
    {"socket.nagle.disable", "true"},
    {"topic.metadata.refresh.interval.ms", "30000"}, /* how late an added or lost partition is noticed */
};

static struct {
    GMutex lock;
    gint64 window_began_us;
    guint written;
    guint left_out;
} log_window;

/* True when a line may be written now; *left_out says how many were not in the window that just ended. */
static bool log_window_admit(guint *left_out)
{
    gint64 now_us = g_get_monotonic_time();
    bool admitted = false;

    *left_out = 0;
    g_mutex_lock(&log_window.lock);
    if (log_window.window_began_us == 0 || now_us - log_window.window_began_us >= KAFKA_LOG_WINDOW_S * G_USEC_PER_SEC) {
        *left_out = log_window.left_out;
        log_window.window_began_us = now_us;
        log_window.written = 0;
        log_window.left_out = 0;
    }
    if (log_window.written < KAFKA_LOG_BURST) {
        log_window.written++;
        admitted = true;
    } else {
        log_window.left_out++;
    }
    g_mutex_unlock(&log_window.lock);
    return admitted;
}

static enum log_level log_level_of(int syslog_level)
{
    if (syslog_level <= LOG_ERROR_LEVEL)
        return LOG_LEVEL_ERROR;
    if (syslog_level <= LOG_WARN_LEVEL)
        return LOG_LEVEL_WARN;
    return syslog_level <= LOG_INFO_LEVEL ? LOG_LEVEL_INFO : LOG_LEVEL_DEBUG;
}

void kafka_log_line(const rd_kafka_t *rk, int level, const char *facility, const char *text)
{
    guint left_out;

    (void)rk;
    if (strcmp(facility, "CONFWARN") == 0 || strcmp(facility, "AUTOCREATE") == 0 || !log_window_admit(&left_out))
        return;
    if (left_out > 0)
        log_warn("kafka_lines_left_out", "lines=%u", left_out);
    log_event(log_level_of(level), "kafka", "facility=%s text=%s", facility, text);
}

void kafka_log_error(const rd_kafka_t *rk, int err, const char *reason)
{
    if (err != RD_KAFKA_RESP_ERR__TRANSPORT && err != RD_KAFKA_RESP_ERR__RESOLVE)
        kafka_log_line(rk, LOG_WARN_LEVEL, rd_kafka_err2name((rd_kafka_resp_err_t)err), reason);
}

enum kafka_error kafka_error_code(rd_kafka_resp_err_t err)
{
    switch (err) {
    case RD_KAFKA_RESP_ERR__FATAL:
    case RD_KAFKA_RESP_ERR__FENCED:
    case RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID:
        return KAFKA_ERROR_FATAL;
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
        return KAFKA_ERROR_NO_TOPIC;
    case RD_KAFKA_RESP_ERR__INVALID_ARG:
    case RD_KAFKA_RESP_ERR_INVALID_CONFIG:
    case RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION:
        return KAFKA_ERROR_CONFIG;
    case RD_KAFKA_RESP_ERR__TRANSPORT:
    case RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN:
    case RD_KAFKA_RESP_ERR__RESOLVE:
    case RD_KAFKA_RESP_ERR__TIMED_OUT:
    case RD_KAFKA_RESP_ERR__TIMED_OUT_QUEUE:
    case RD_KAFKA_RESP_ERR__WAIT_COORD:
    case RD_KAFKA_RESP_ERR__NODE_UPDATE:
    case RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT:
    case RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION:
    case RD_KAFKA_RESP_ERR_BROKER_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_NOT_CONTROLLER:
    case RD_KAFKA_RESP_ERR_NETWORK_EXCEPTION:
        return KAFKA_ERROR_UNREACHABLE;
    default:
        return KAFKA_ERROR_OTHER;
    }
}

void kafka_error_set(GError **error, rd_kafka_resp_err_t err, const char *what)
{
    g_set_error(error, KAFKA_ERROR, (gint)kafka_error_code(err), "%s: %s.", what, rd_kafka_err2str(err));
}

static bool conf_set(rd_kafka_conf_t *conf, const char *name, const char *value, GError **error)
{
    char text[ERRSTR_SIZE];

    if (rd_kafka_conf_set(conf, name, value, text, sizeof text) == RD_KAFKA_CONF_OK)
        return true;
    g_set_error(error, KAFKA_ERROR, KAFKA_ERROR_CONFIG, "The Kafka property %s cannot be set: %s.", name, text);
    return false;
}

static bool conf_set_property(rd_kafka_conf_t *conf, const char *property, GError **error)
{
    const char *equals = strchr(property, '=');

    if (!equals || equals == property) {
        g_set_error(error, KAFKA_ERROR, KAFKA_ERROR_CONFIG, "A Kafka property must be written name=value, but \"%s\" is not.",
                    property);
        return false;
    }
    g_autofree char *name = g_strndup(property, (gsize)(equals - property));
    return conf_set(conf, g_strstrip(name), equals + 1, error);
}

static bool conf_set_all(rd_kafka_conf_t *conf, const struct kafka_option *options, size_t n, GError **error)
{
    for (size_t i = 0; i < n; i++)
        if (!conf_set(conf, options[i].name, options[i].value, error))
            return false;
    return true;
}

rd_kafka_conf_t *kafka_conf_new(const struct kafka_settings *settings, const struct kafka_option *options, size_t n, GError **error)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    bool ok;

    rd_kafka_conf_set_log_cb(conf, kafka_log_line);
    ok = conf_set_all(conf, common_options, G_N_ELEMENTS(common_options), error) &&
         conf_set(conf, "bootstrap.servers", settings->brokers ? settings->brokers : "", error) &&
         (!settings->client_id || conf_set(conf, "client.id", settings->client_id, error)) && conf_set_all(conf, options, n, error);
    for (const char *const *p = settings->properties; ok && p && *p; p++)
        ok = conf_set_property(conf, *p, error);
    if (ok)
        return conf;
    rd_kafka_conf_destroy(conf);
    return NULL;
}

rd_kafka_t *kafka_handle_new(rd_kafka_type_t type, rd_kafka_conf_t *conf, GError **error)
{
    char text[ERRSTR_SIZE];
    rd_kafka_t *rk = rd_kafka_new(type, conf, text, sizeof text);

    if (rk)
        return rk;
    rd_kafka_conf_destroy(conf);
    g_set_error(error, KAFKA_ERROR, KAFKA_ERROR_CONFIG, "The Kafka client cannot be made: %s.", text);
    return NULL;
}

void kafka_handle_free(rd_kafka_t *rk)
{
    if (rk)
        rd_kafka_destroy_flags(rk, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
}
