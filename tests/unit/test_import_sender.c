/* Against the embedded broker, which is a real one as far as a producer can tell. */
#include "collector/import_sender.h"
#include "lib/kafka_mock.h"

enum { PARTITIONS = 3, BATCHES = 3000 };

static struct import_batch *make_batch(uint32_t number)
{
    struct import_batch *batch = g_new0(struct import_batch, 1);
    g_autofree char *text = g_strdup_printf("batch %u", number);
    batch->partition = number % PARTITIONS;
    batch->sequence = number;
    batch->record = g_bytes_new(text, strlen(text));
    return batch;
}

/* Every batch is there once, in order within its partition. */
static void check_topic(const struct kafka_settings *settings)
{
    g_autoptr(GError) error = NULL;
    struct kafka_reader *reader = kafka_reader_new(settings, "imports", &error);
    struct kafka_position positions[PARTITIONS];
    uint32_t next[PARTITIONS];
    g_assert_no_error(error);
    for (int i = 0; i < PARTITIONS; i++) {
        positions[i] = (struct kafka_position){i, 0};
        next[i] = (uint32_t)i;
    }
    g_assert_true(kafka_reader_assign(reader, positions, PARTITIONS, &error));
    for (int found = 0; found < BATCHES;) {
        struct kafka_message messages[100];
        size_t n = kafka_reader_poll(reader, messages, G_N_ELEMENTS(messages), 10000);
        g_assert_cmpuint(n, >, 0);
        for (size_t i = 0; i < n; i++) {
            if (messages[i].event == KAFKA_MESSAGE) {
                g_autofree char *wanted = g_strdup_printf("batch %u", next[messages[i].partition]);
                g_assert_true(view_is(view_make(messages[i].data, messages[i].size), wanted));
                next[messages[i].partition] += PARTITIONS;
                found++;
            }
            kafka_message_clear(&messages[i]);
        }
    }
    kafka_reader_free(reader);
}

static void test_in_order(void)
{
    g_autoptr(GError) error = NULL;
    struct kafka_mock *mock = kafka_mock_new("imports", PARTITIONS, &error);
    g_assert_no_error(error);
    struct kafka_settings settings = {.brokers = kafka_mock_brokers(mock), .client_id = "test"};
    struct import_sender *sender = import_sender_new(&settings, "imports", &error);
    g_assert_no_error(error);
    for (uint32_t i = 0; i < BATCHES; i++)
        g_assert_true(import_sender_send(sender, make_batch(i), &error));
    g_assert_true(import_sender_flush(sender, 20000, &error));
    g_assert_no_error(error);
    check_topic(&settings);
    import_sender_free(sender);
    kafka_mock_free(mock);
}

static void test_nobody_there(void)
{
    g_autoptr(GError) error = NULL;
    struct kafka_settings settings = {.brokers = "127.0.0.1:1", .client_id = "test"};
    struct import_sender *sender = import_sender_new(&settings, "imports", &error);
    g_assert_no_error(error);
    g_assert_true(import_sender_send(sender, make_batch(1), &error));
    g_assert_false(import_sender_flush(sender, 500, &error));
    g_assert_error(error, IMPORT_ERROR, IMPORT_ERROR_TIMEOUT);
    import_sender_free(sender); /* and gives it up */
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/import_sender/in_order", test_in_order);
    g_test_add_func("/import_sender/nobody_there", test_nobody_there);
    return g_test_run();
}
