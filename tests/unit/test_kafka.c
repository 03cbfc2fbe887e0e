/* Against the embedded broker: a real client, real connections, Kafka's protocol. What it cannot show (LogAppendTime, retention)
 * the system tests ask of the real broker. DAYBOOK_TEST_BROKERS=host:port runs what is possible against another one. */
#include "tests/unit/kafka_fixture.h"
#include "tests/unit/redis_process.h" /* for a port that nobody listens on */

enum { MESSAGES = 3000 };

/* message_opaque is partition + PARTITIONS * number, + 1 */
static void on_delivered(void *opaque, void *message_opaque, bool ok)
{
    struct fixture *f = (struct fixture *)opaque;
    int code = GPOINTER_TO_INT(message_opaque) - 1;
    int partition = code % PARTITIONS;

    if (code / PARTITIONS != f->delivered[partition] + f->failed[partition])
        f->out_of_order = TRUE;
    if (ok)
        f->delivered[partition]++;
    else
        f->failed[partition]++;
}

static struct kafka_producer *producer_of(struct fixture *f)
{
    GError *error = NULL;
    struct kafka_producer *producer = kafka_producer_new(&f->settings, f->topic, on_delivered, f, &error);

    g_assert_no_error(error);
    return producer;
}

static enum kafka_send send_number(struct kafka_producer *producer, int number)
{
    int partition = number % PARTITIONS;
    g_autofree char *text = g_strdup_printf("message %d", number);

    return kafka_producer_send(producer, partition, text, strlen(text), GINT_TO_POINTER(number + 1));
}

/* Also while the first of its partition is on its way. */
static void send_in_time(struct kafka_producer *producer, int number)
{
    enum kafka_send sent;
    while ((sent = send_number(producer, number)) == KAFKA_SEND_FULL)
        kafka_producer_poll(producer, 10);
    g_assert_cmpint(sent, ==, KAFKA_SENT);
}

static void produce(struct fixture *f, int n)
{
    struct kafka_producer *producer = producer_of(f);

    for (int i = 0; i < n; i++) {
        send_in_time(producer, i);
        kafka_producer_poll(producer, 0);
    }
    g_assert_true(kafka_producer_flush(producer, TIMEOUT_MS));
    g_assert_cmpint(kafka_producer_in_flight(producer), ==, 0);
    g_assert_false(kafka_producer_failed(producer, NULL));
    kafka_producer_free(producer);
}

static struct kafka_reader *reader_of(struct fixture *f)
{
    GError *error = NULL;
    struct kafka_reader *reader = kafka_reader_new(&f->settings, f->topic, &error);

    g_assert_no_error(error);
    return reader;
}

static void assign(struct kafka_reader *reader, const struct kafka_position *positions, size_t n)
{
    GError *error = NULL;

    g_assert_true(kafka_reader_assign(reader, positions, n, &error));
    g_assert_no_error(error);
}

/* Number of a message that send_number sent. */
static int number_of(const struct kafka_message *m)
{
    g_autofree char *text = g_strndup((const char *)m->data, m->size);

    g_assert_true(g_str_has_prefix(text, "message "));
    return (int)g_ascii_strtoll(text + 8, NULL, 10);
}

/* Reads until every one of n partitions ended; what comes must go on from next[] without a gap, in offsets and in numbers. With
 * `repeats`, numbers that were there before are passed over: the embedded broker knows nothing of idempotence. Returns the number
 * of new messages. */
static int read_to_end(struct kafka_reader *reader, int64_t *next, int n, gboolean repeats)
{
    struct kafka_message messages[100];
    gint64 deadline_us = g_get_monotonic_time() + WAIT_US;
    int64_t next_offset[PARTITIONS] = {next[0], next[1], next[2]};
    int count = 0;

    for (int ended = 0; ended < n;) {
        g_assert_cmpint(g_get_monotonic_time(), <, deadline_us);
        size_t got = kafka_reader_poll(reader, messages, G_N_ELEMENTS(messages), 200);
        for (size_t i = 0; i < got; i++) {
            struct kafka_message *m = &messages[i];
            if (m->event == KAFKA_END_OF_PARTITION) {
                ended++;
                continue;
            }
            g_assert_cmpint(m->event, ==, KAFKA_MESSAGE);
            g_assert_cmpint((gint64)m->offset, ==, (gint64)next_offset[m->partition]++);
            g_assert_cmpint(m->timestamp_ms, >, INT64_C(1500000000000));
            int number = number_of(m);
            g_assert_cmpint(number % PARTITIONS, ==, m->partition);
            if (!repeats || number / PARTITIONS >= next[m->partition]) {
                g_assert_cmpint(number / PARTITIONS, ==, (int)next[m->partition]++);
                count++;
            }
        }
        for (size_t i = 0; i < got; i++)
            kafka_message_clear(&messages[i]);
    }
    return count;
}

/* ---- topic ---- */

static void test_topic(struct fixture *f, gconstpointer data)
{
    struct kafka_topic info;
    GError *error = NULL;

    (void)data;
    g_assert_true(kafka_topic_get(&f->settings, f->topic, TIMEOUT_MS, &info, &error));
    g_assert_no_error(error);
    g_assert_cmpint(info.partitions, ==, PARTITIONS);
    g_assert_cmpint(info.config_known, ==, outside != NULL);
    g_assert_cmpint(info.log_append_time, ==, outside != NULL);
    g_assert_true(kafka_topic_create(&f->settings, f->topic, PARTITIONS, 1, 1000, TIMEOUT_MS, &error)); /* it exists */
    g_assert_no_error(error);
    for (int i = 0; outside && i < 2; i++) { /* asking does not create it; the embedded broker would, there is no way to tell it */
        g_assert_false(kafka_topic_get(&f->settings, "no-such-topic", TIMEOUT_MS, &info, &error));
        g_assert_error(error, KAFKA_ERROR, KAFKA_ERROR_NO_TOPIC);
        g_clear_error(&error);
    }
}

static void test_unreachable(void)
{
    g_autofree char *nobody = g_strdup_printf("127.0.0.1:%d", redis_free_port());
    const struct kafka_settings settings = {.brokers = nobody, .client_id = "test"};
    struct kafka_topic info;
    int64_t low, high;
    GError *error = NULL;
    gint64 began_us = g_get_monotonic_time();

    g_assert_false(kafka_topic_get(&settings, "x", 1000, &info, &error));
    g_assert_error(error, KAFKA_ERROR, KAFKA_ERROR_UNREACHABLE);
    g_clear_error(&error);
    g_assert_false(kafka_topic_create(&settings, "x", 1, 1, 1000, 1000, &error));
    g_assert_error(error, KAFKA_ERROR, KAFKA_ERROR_UNREACHABLE);
    g_clear_error(&error);
    struct kafka_reader *reader = kafka_reader_new(&settings, "x", &error);
    g_assert_no_error(error);
    g_assert_false(kafka_reader_watermarks(reader, 0, 1000, &low, &high, &error));
    g_assert_error(error, KAFKA_ERROR, KAFKA_ERROR_UNREACHABLE);
    g_clear_error(&error);
    kafka_reader_free(reader);
    g_assert_cmpint(g_get_monotonic_time() - began_us, <, 60 * G_USEC_PER_SEC);
}

static void test_wrong_properties(void)
{
    static const char *const wrong[] = {"no-such-property=1", "linger.ms=abc", "nonsense", "=x", "ssl.ca.location=/no/such/file"};

    for (gsize i = 0; i < G_N_ELEMENTS(wrong); i++) {
        const char *const properties[] = {wrong[i], i == 4 ? "security.protocol=ssl" : NULL, NULL};
        const struct kafka_settings settings = {"127.0.0.1:1", "test", properties};
        GError *error = NULL;
        g_assert_null(kafka_producer_new(&settings, "x", on_delivered, NULL, &error));
        g_assert_error(error, KAFKA_ERROR, KAFKA_ERROR_CONFIG);
        g_clear_error(&error);
        g_assert_null(kafka_reader_new(&settings, "x", &error));
        g_assert_error(error, KAFKA_ERROR, KAFKA_ERROR_CONFIG);
        g_clear_error(&error);
    }
}

/* ---- producer and reader ---- */

static void test_round_trip(struct fixture *f, gconstpointer data)
{
    static const struct kafka_position begin[] = {{0, 0}, {1, 0}, {2, 0}};
    int64_t next[PARTITIONS] = {0};
    int64_t low, high;
    GError *error = NULL;

    (void)data;
    produce(f, MESSAGES);
    g_assert_false(f->out_of_order);
    for (int p = 0; p < PARTITIONS; p++)
        g_assert_cmpint(f->delivered[p], ==, MESSAGES / PARTITIONS);
    struct kafka_reader *reader = reader_of(f);
    assign(reader, begin, PARTITIONS);
    g_assert_cmpint(read_to_end(reader, next, PARTITIONS, FALSE), ==, MESSAGES);
    g_assert_true(kafka_reader_watermarks(reader, 1, TIMEOUT_MS, &low, &high, &error));
    g_assert_no_error(error);
    g_assert_cmpint((gint64)low, ==, 0);
    g_assert_cmpint((gint64)high, ==, MESSAGES / PARTITIONS);
    kafka_reader_free(reader);
}

/* Takes 50 messages or more; each must be the next one of its partition. */
static void take_some(struct kafka_reader *reader, int64_t *next)
{
    struct kafka_message messages[10];
    gint64 deadline_us = g_get_monotonic_time() + WAIT_US;
    int got = 0;

    while (got < 50) {
        g_assert_cmpint(g_get_monotonic_time(), <, deadline_us);
        size_t n = kafka_reader_poll(reader, messages, G_N_ELEMENTS(messages), 100);
        for (size_t i = 0; i < n; i++) {
            if (messages[i].event == KAFKA_MESSAGE) {
                g_assert_cmpint((gint64)messages[i].offset, ==, (gint64)next[messages[i].partition]++);
                got++;
            }
            kafka_message_clear(&messages[i]);
        }
    }
}

/* The queue is full of messages of the old assignment each time. */
static void test_assign_again(struct fixture *f, gconstpointer data)
{
    struct kafka_message message;

    (void)data;
    produce(f, MESSAGES);
    struct kafka_reader *reader = reader_of(f);
    for (int round = 0; round < 60; round++) {
        int partition = round % PARTITIONS;
        const struct kafka_position positions[] = {{partition, 900 - 13 * round}, {(partition + 1) % PARTITIONS, 1}};
        size_t n = round % 2 ? 1 : 2;
        int64_t next[PARTITIONS] = {-1, -1, -1};
        for (size_t i = 0; i < n; i++)
            next[positions[i].partition] = positions[i].offset;
        assign(reader, positions, n);
        take_some(reader, next);
    }
    assign(reader, NULL, 0);
    g_assert_cmpuint(kafka_reader_poll(reader, &message, 1, 50), ==, 0);
    kafka_reader_free(reader);
}

/* A full prefetch queue must not cost a second each time: without the waking of the leaders this takes 40 s on an idle machine. */
static void test_small_prefetch(struct fixture *f, gconstpointer data)
{
    enum { SIZE = 100000, N = 120 };
    static const char *const properties[] = {"queued.max.messages.kbytes=128", "fetch.message.max.bytes=110000", NULL};
    static const struct kafka_position begin[] = {{0, 0}, {1, 0}, {2, 0}};
    struct kafka_producer *producer = producer_of(f);
    g_autofree char *payload = g_malloc(SIZE);
    struct kafka_message message;
    int got = 0, ended = 0;

    (void)data;
    for (int i = 0; i < N; i++) {
        for (int k = 0; k < SIZE; k++)
            payload[k] = (char)g_test_rand_int(); /* not to be compressed */
        while (kafka_producer_send(producer, i % PARTITIONS, payload, SIZE, GINT_TO_POINTER(i + 1)) == KAFKA_SEND_FULL)
            kafka_producer_poll(producer, 10);
        kafka_producer_flush(producer, TIMEOUT_MS); /* a batch of its own */
    }
    kafka_producer_free(producer);
    f->settings.properties = properties;
    struct kafka_reader *reader = reader_of(f);
    gint64 began_us = g_get_monotonic_time();
    assign(reader, begin, PARTITIONS);
    while (ended < PARTITIONS) {
        if (kafka_reader_poll(reader, &message, 1, 1000) == 0)
            continue;
        got += message.event == KAFKA_MESSAGE && message.size == SIZE;
        ended += message.event == KAFKA_END_OF_PARTITION;
        kafka_message_clear(&message);
        g_usleep(5000);
    }
    kafka_reader_free(reader);
    g_assert_cmpint(got, ==, N);
    g_assert_cmpint(g_get_monotonic_time() - began_us, <, 30 * G_USEC_PER_SEC);
}

static void wait_for_event(struct kafka_reader *reader, enum kafka_event event, int partition)
{
    struct kafka_message message;
    gint64 deadline_us = g_get_monotonic_time() + WAIT_US;
    gboolean seen = FALSE;

    while (!seen) {
        g_assert_cmpint(g_get_monotonic_time(), <, deadline_us);
        if (kafka_reader_poll(reader, &message, 1, 100) == 0)
            continue;
        g_assert_cmpint(message.event, ==, event);
        g_assert_cmpint(message.partition, ==, partition);
        seen = TRUE;
        kafka_message_clear(&message);
    }
}

static void test_out_of_range(struct fixture *f, gconstpointer data)
{
    static const struct kafka_position beyond[] = {{1, 1000000}};
    static const struct kafka_position good[] = {{1, 0}};
    static const struct kafka_position at_end[] = {{1, 10}};
    static const struct kafka_position missing[] = {{PARTITIONS + 4, 0}};
    int64_t next[PARTITIONS] = {0};
    struct kafka_message message;

    (void)data;
    produce(f, 10 * PARTITIONS);
    struct kafka_reader *reader = reader_of(f);
    assign(reader, beyond, 1);
    wait_for_event(reader, KAFKA_OUT_OF_RANGE, 1);
    if (kafka_reader_poll(reader, &message, 1, 500) > 0) { /* it may be said again; but there is no jump */
        g_assert_cmpint(message.event, ==, KAFKA_OUT_OF_RANGE);
        kafka_message_clear(&message);
    }
    assign(reader, good, 1);
    g_assert_cmpint(read_to_end(reader, next, 1, FALSE), ==, 10);
    assign(reader, at_end, 1);
    wait_for_event(reader, KAFKA_END_OF_PARTITION, 1);
    kafka_reader_free(reader);
    reader = reader_of(f);
    assign(reader, missing, 1);
    wait_for_event(reader, KAFKA_READ_ERROR, -1);
    kafka_reader_free(reader);
}

static void test_too_large(struct fixture *f, gconstpointer data)
{
    struct kafka_producer *producer = producer_of(f);
    g_autofree char *large = g_strnfill(2 << 20, 'x');
    const char *message;

    (void)data;
    g_assert_cmpint(kafka_producer_send(producer, 0, large, 2 << 20, GINT_TO_POINTER(1)), ==, KAFKA_SEND_FATAL);
    g_assert_true(kafka_producer_failed(producer, &message));
    g_assert_nonnull(strstr(message, "too large"));
    g_assert_cmpint(kafka_producer_send(producer, 0, "x", 1, GINT_TO_POINTER(1)), ==, KAFKA_SEND_FATAL);
    kafka_producer_free(producer);
    g_assert_cmpint(f->failed[0], ==, 0);
}

/* A broker takes whatever comes first of a producer that it does not know: nothing overtakes the first of a partition. */
static void test_first_goes_alone(struct fixture *f, gconstpointer data)
{
    (void)data;
    kafka_mock_set_up(f->mock, FALSE);
    struct kafka_producer *producer = producer_of(f);
    for (int i = 0; i < PARTITIONS; i++)
        g_assert_cmpint(send_number(producer, i), ==, KAFKA_SENT);
    for (int i = 0; i < PARTITIONS; i++)
        g_assert_cmpint(send_number(producer, PARTITIONS + i), ==, KAFKA_SEND_FULL);
    kafka_producer_poll(producer, 200);
    g_assert_cmpint(send_number(producer, PARTITIONS), ==, KAFKA_SEND_FULL);
    g_assert_cmpint(kafka_producer_in_flight(producer), ==, PARTITIONS);
    kafka_mock_set_up(f->mock, TRUE);
    g_assert_true(kafka_producer_flush(producer, TIMEOUT_MS));
    for (int n = 1; n <= 2; n++)
        for (int i = 0; i < PARTITIONS; i++)
            g_assert_cmpint(send_number(producer, PARTITIONS * n + i), ==, KAFKA_SENT);
    g_assert_true(kafka_producer_flush(producer, TIMEOUT_MS));
    g_assert_false(f->out_of_order);
    kafka_producer_free(producer);
}

/* The broker is away: the queue fills, nothing is lost silently, and free calls back for every message. */
static void test_full_and_purge(struct fixture *f, gconstpointer data)
{
    struct kafka_producer *producer = producer_of(f);
    g_autofree char *large = g_strnfill(500000, 'x');
    enum kafka_send result;
    int sent = 0;

    (void)data;
    send_in_time(producer, sent++ * PARTITIONS);
    g_assert_true(kafka_producer_flush(producer, TIMEOUT_MS));
    kafka_mock_set_up(f->mock, FALSE);
    while ((result = kafka_producer_send(producer, 0, large, 500000, GINT_TO_POINTER(1 + PARTITIONS * sent))) == KAFKA_SENT)
        sent++;
    g_assert_cmpint(result, ==, KAFKA_SEND_FULL);
    g_assert_cmpint(sent, >=, 20);
    g_assert_cmpint(sent, <=, 40); /* 16 MiB */
    kafka_producer_poll(producer, 100);
    g_assert_false(kafka_producer_flush(producer, 300));
    g_assert_cmpint(kafka_producer_in_flight(producer), ==, sent - 1);
    gint64 began_us = g_get_monotonic_time();
    kafka_producer_free(producer);
    g_assert_cmpint(g_get_monotonic_time() - began_us, <, 30 * G_USEC_PER_SEC);
    g_assert_cmpint(f->failed[0], ==, sent - 1);
    g_assert_cmpint(f->delivered[0], ==, 1);
    g_assert_false(f->out_of_order);
}

/* Broker away for a while: everything arrives once and in order, without anybody's help. */
static void test_outage(struct fixture *f, gconstpointer data)
{
    static const struct kafka_position begin[] = {{0, 0}, {1, 0}, {2, 0}};
    int64_t next[PARTITIONS] = {0};
    struct kafka_producer *producer = producer_of(f);

    (void)data;
    for (int i = 0; i < 300; i++) {
        if (i == 100)
            kafka_mock_set_up(f->mock, FALSE);
        if (i == 200)
            kafka_mock_set_up(f->mock, TRUE);
        send_in_time(producer, i);
        kafka_producer_poll(producer, i % 100 ? 1 : 300);
    }
    g_assert_true(kafka_producer_flush(producer, TIMEOUT_MS));
    g_assert_false(kafka_producer_failed(producer, NULL));
    g_assert_false(f->out_of_order);
    kafka_producer_free(producer);
    struct kafka_reader *reader = reader_of(f);
    assign(reader, begin, PARTITIONS);
    g_assert_cmpint(read_to_end(reader, next, PARTITIONS, TRUE), ==, 300);
    kafka_reader_free(reader);
}

/* Until the end of partition 0 is said to be this. */
static void wait_for_end(struct kafka_reader *reader, int64_t end)
{
    gint64 deadline_us = g_get_monotonic_time() + WAIT_US;

    while (kafka_reader_end(reader, 0) != end) {
        struct kafka_message messages[10];
        g_assert_cmpint(g_get_monotonic_time(), <, deadline_us);
        size_t n = kafka_reader_poll(reader, messages, G_N_ELEMENTS(messages), 20);
        for (size_t i = 0; i < n; i++)
            kafka_message_clear(&messages[i]);
    }
}

/* Where no broker is reached, nobody knows whether records are there. */
static void test_end_in_outage(struct fixture *f, gconstpointer data)
{
    static const struct kafka_position begin[] = {{0, 0}, {1, 0}, {2, 0}};
    int64_t next[PARTITIONS] = {0};

    (void)data;
    produce(f, 30);
    struct kafka_reader *reader = reader_of(f);
    assign(reader, begin, PARTITIONS);
    g_assert_cmpint(read_to_end(reader, next, PARTITIONS, FALSE), ==, 30);
    wait_for_end(reader, 10);
    kafka_mock_set_up(f->mock, FALSE);
    wait_for_end(reader, -1);
    kafka_mock_set_up(f->mock, TRUE);
    wait_for_end(reader, 10); /* though no record comes */
    kafka_reader_free(reader);
}

/* A message that the broker refuses for good must not be overtaken: the producer is dead, the next one begins where it stopped. */
static void test_refused_is_fatal(struct fixture *f, gconstpointer data)
{
    enum { TOPIC_AUTHORIZATION_FAILED = 29, N = 600 };
    static const struct kafka_position begin[] = {{0, 0}};
    struct kafka_producer *producer = producer_of(f);
    const char *message;
    int64_t next[PARTITIONS] = {0};
    int sent = 0;

    (void)data;
    send_in_time(producer, sent++ * PARTITIONS);
    g_assert_true(kafka_producer_flush(producer, TIMEOUT_MS));
    for (; sent < N; sent++) {
        if (sent == N / 2)
            kafka_mock_refuse_produce(f->mock, TOPIC_AUTHORIZATION_FAILED, 1);
        if (kafka_producer_send(producer, 0, "x", 1, GINT_TO_POINTER(1 + PARTITIONS * sent)) == KAFKA_SEND_FATAL)
            break;
        kafka_producer_poll(producer, 1);
    }
    kafka_producer_flush(producer, 2000);
    g_assert_true(kafka_producer_failed(producer, &message));
    g_assert_cmpuint(strlen(message), >, 0);
    g_assert_cmpint(kafka_producer_send(producer, 0, "x", 1, GINT_TO_POINTER(1)), ==, KAFKA_SEND_FATAL);
    kafka_producer_free(producer);
    g_assert_cmpint(f->delivered[0] + f->failed[0], ==, sent);
    g_assert_cmpint(f->failed[0], >, 0);
    int acknowledged = f->delivered[0];
    struct kafka_reader *reader = reader_of(f);
    struct kafka_message messages[100];
    gboolean ended = FALSE;
    assign(reader, begin, 1);
    while (!ended) {
        size_t n = kafka_reader_poll(reader, messages, G_N_ELEMENTS(messages), 100);
        for (size_t i = 0; i < n; i++) {
            ended = ended || messages[i].event == KAFKA_END_OF_PARTITION;
            next[0] += messages[i].event == KAFKA_MESSAGE;
            kafka_message_clear(&messages[i]);
        }
    }
    kafka_reader_free(reader);
    g_assert_cmpint((gint64)next[0], >=, acknowledged);
}

int main(int argc, char **argv)
{
    static const struct kafka_test tests[] = {
        {"/kafka/topic", test_topic, FALSE},
        {"/kafka/round_trip", test_round_trip, FALSE},
        {"/kafka/assign_again", test_assign_again, FALSE},
        {"/kafka/small_prefetch", test_small_prefetch, FALSE},
        {"/kafka/out_of_range", test_out_of_range, FALSE},
        {"/kafka/too_large", test_too_large, FALSE},
        {"/kafka/first_goes_alone", test_first_goes_alone, TRUE},
        {"/kafka/full_and_purge", test_full_and_purge, TRUE},
        {"/kafka/outage", test_outage, TRUE},
        {"/kafka/end_in_outage", test_end_in_outage, TRUE},
        {"/kafka/refused_is_fatal", test_refused_is_fatal, TRUE},
    };

    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/kafka/unreachable", test_unreachable);
    g_test_add_func("/kafka/wrong_properties", test_wrong_properties);
    add_tests(tests, G_N_ELEMENTS(tests));
    return g_test_run();
}
