/* kafka_internal: what the kafka*.c files share. Only they may include it: it needs librdkafka's header.
 *
 * A handle is configured in one place (kafka_handle_new), so that log lines, TLS and time-outs are the same for producers, readers,
 * members and administration. Log lines come from librdkafka's own threads; kafka_log_line is safe from any. */
#ifndef DAYBOOK_KAFKA_INTERNAL_H
#define DAYBOOK_KAFKA_INTERNAL_H

#include "lib/kafka.h"
#include <librdkafka/rdkafka.h>

struct kafka_option {
    const char *name;
    const char *value;
};

/* Callbacks are set by the caller on a configuration made by kafka_conf_new. Options of the caller come first, then
 * settings->properties, so that an operator has the last word. NULL with KAFKA_ERROR_CONFIG. */
rd_kafka_conf_t *kafka_conf_new(const struct kafka_settings *settings, const struct kafka_option *options, size_t n,
                                GError **error);

/* Takes conf, also on failure. */
rd_kafka_t *kafka_handle_new(rd_kafka_type_t type, rd_kafka_conf_t *conf, GError **error);

/* Which of our codes stands for librdkafka's. */
enum kafka_error kafka_error_code(rd_kafka_resp_err_t err);

/* Sets error from librdkafka's code; `what` is the beginning of the sentence, without a colon. */
void kafka_error_set(GError **error, rd_kafka_resp_err_t err, const char *what);

/* Writes a log line of librdkafka, at most KAFKA_LOG_BURST of them in KAFKA_LOG_WINDOW_S seconds for the whole process; what was
 * left out is counted and said in the next window. */
enum { KAFKA_LOG_BURST = 20, KAFKA_LOG_WINDOW_S = 10 };
void kafka_log_line(const rd_kafka_t *rk, int level, const char *facility, const char *text);

/* The same for an error_cb: what librdkafka has logged itself (a lost connection) is left out. */
void kafka_log_error(const rd_kafka_t *rk, int err, const char *reason);

/* rd_kafka_destroy for handles whose last events nobody needs. */
void kafka_handle_free(rd_kafka_t *rk);

#endif
