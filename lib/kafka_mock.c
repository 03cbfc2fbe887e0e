/* The mock cluster lives as long as the handle that it was made with; the handle itself talks to nobody. */
#include "lib/kafka_mock.h"
#include "lib/kafka_internal.h"
#include <librdkafka/rdkafka_mock.h>

enum { PRODUCE_KEY = 0, BROKER_ID = 1 };

struct kafka_mock {
    rd_kafka_t *rk;
    rd_kafka_mock_cluster_t *cluster;
};

struct kafka_mock *kafka_mock_new(const char *topic, int partitions, GError **error)
{
    const struct kafka_settings settings = {.brokers = "", .client_id = "daybook-mock"};
    rd_kafka_conf_t *conf = kafka_conf_new(&settings, NULL, 0, error);
    rd_kafka_t *rk = conf ? kafka_handle_new(RD_KAFKA_PRODUCER, conf, error) : NULL;
    struct kafka_mock *mock;
    rd_kafka_resp_err_t err;

    if (!rk)
        return NULL;
    mock = g_new0(struct kafka_mock, 1);
    mock->rk = rk;
    mock->cluster = rd_kafka_mock_cluster_new(rk, 1);
    err = mock->cluster ? rd_kafka_mock_topic_create(mock->cluster, topic, partitions, 1) : RD_KAFKA_RESP_ERR__FAIL;
    if (!err)
        return mock;
    kafka_error_set(error, err, "The embedded broker cannot be started");
    kafka_mock_free(mock);
    return NULL;
}

const char *kafka_mock_brokers(const struct kafka_mock *mock)
{
    return rd_kafka_mock_cluster_bootstraps(mock->cluster);
}

void kafka_mock_free(struct kafka_mock *mock)
{
    if (!mock)
        return;
    if (mock->cluster)
        rd_kafka_mock_cluster_destroy(mock->cluster);
    rd_kafka_destroy(mock->rk);
    g_free(mock);
}

void kafka_mock_refuse_produce(struct kafka_mock *mock, int error_code, int n)
{
    for (int i = 0; i < n; i++)
        rd_kafka_mock_push_request_errors(mock->cluster, PRODUCE_KEY, 1, (rd_kafka_resp_err_t)error_code);
}

void kafka_mock_set_up(struct kafka_mock *mock, gboolean up)
{
    if (up)
        rd_kafka_mock_broker_set_up(mock->cluster, BROKER_ID);
    else
        rd_kafka_mock_broker_set_down(mock->cluster, BROKER_ID);
}
