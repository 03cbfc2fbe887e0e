/* The shipper against the embedded broker: everything that is durable gets to the topic, in order, whatever fails in between. */
#include "collector/shipper.h"
#include "lib/kafka_mock.h"
#include "tests/unit/journal_tools.h"

#include <stdatomic.h>

enum { PARTITIONS = 4, WAIT_US = 60 * G_USEC_PER_SEC, TOPIC_AUTHORIZATION_FAILED = 29, MESSAGE_TOO_LARGE = 10 };

struct fixture {
    struct tools tools;
    struct kafka_mock *mock;
    struct shipper_settings settings;
    struct shipper *shipper;
    atomic_int beats;
};

static GBytes *heartbeat(void *opaque, uint64_t n, int64_t oldest_ms, int *partition)
{
    struct fixture *f = opaque;
    g_assert_cmpint(oldest_ms, >=, 0);
    atomic_fetch_add(&f->beats, 1);
    *partition = (int)(n % PARTITIONS);
    return g_bytes_new_static("heartbeat", 9);
}

static void begin(struct fixture *f)
{
    f->shipper = shipper_start(&f->settings, f->tools.journal);
}

static void end(struct fixture *f)
{
    shipper_stop(f->shipper);
    g_clear_pointer(&f->shipper, shipper_free);
}

static void set_up(struct fixture *f, gconstpointer unused)
{
    g_autoptr(GError) error = NULL;
    tools_set_up(&f->tools, unused);
    tools_close(&f->tools);
    f->tools.settings.segment_bytes = 1 << 20;
    f->tools.settings.max_bytes = 256 << 20;
    tools_open(&f->tools);
    f->mock = kafka_mock_new("t", PARTITIONS, &error);
    g_assert_no_error(error);
    f->settings = (struct shipper_settings){.kafka = {.brokers = kafka_mock_brokers(f->mock), .client_id = "test"}, .topic = "t"};
}

static void tear_down(struct fixture *f, gconstpointer unused)
{
    if (f->shipper)
        end(f);
    kafka_mock_free(f->mock);
    tools_tear_down(&f->tools, unused);
}

/* Makes groups first to last durable, and gives them to the shipper as the batcher does. */
static void offer(struct fixture *f, uint64_t first, uint64_t last, size_t size)
{
    for (uint64_t n = first; n <= last; n++) {
        struct journal_group *group = tools_group(n, size);
        g_assert_cmpint(journal_append(f->tools.journal, group), ==, JOURNAL_DURABLE);
        shipper_offer(f->shipper, group);
    }
}

static void wait_acknowledged(struct fixture *f)
{
    gint64 deadline = g_get_monotonic_time() + WAIT_US;
    while (tools_stats(&f->tools).unacknowledged_batches > 0) {
        g_assert_cmpint(g_get_monotonic_time(), <, deadline);
        g_usleep(2000);
    }
}

static struct shipper_state state_of(struct fixture *f)
{
    struct shipper_state state;
    shipper_state_get(f->shipper, &state);
    return state;
}

/* The number of the group that a message was made for, 1 to 255, found by its content; 0: a heartbeat. */
static uint64_t number_of(const struct kafka_message *message)
{
    if (message->size == 9 && memcmp(message->data, "heartbeat", 9) == 0)
        return 0;
    uint64_t n = (uint8_t)(*(const uint8_t *)message->data * 0xDFu); /* 31 * 0xDF = 1 mod 256 */
    struct journal_group *group = tools_group(n, message->size);
    const struct journal_batch *batch = &g_array_index(group->batches, struct journal_batch, 0);
    g_assert_cmpint(memcmp(g_bytes_get_data(batch->record, NULL), message->data, message->size), ==, 0);
    g_assert_cmpint((int)batch->partition, ==, message->partition);
    journal_group_free(group);
    return n;
}

/* As an aggregator takes it: what is not above the high-water is a repeat, and nothing may be missing below. True for a repeat. */
static bool take_message(const struct kafka_message *message, uint64_t high[PARTITIONS])
{
    uint64_t n = number_of(message), *mine = &high[message->partition];
    uint64_t first = message->partition > 0 ? (uint64_t)message->partition : PARTITIONS;
    if (n == 0)
        return false;
    if (n <= *mine)
        return true;
    g_assert_cmpuint(n, ==, *mine > 0 ? *mine + PARTITIONS : first);
    *mine = n;
    return false;
}

/* Groups 1 to `last` (up to 255) are on the topic, in order in each partition. Returns how many repeats there are. */
static guint check_topic(struct fixture *f, uint64_t last)
{
    g_autoptr(GError) error = NULL;
    struct kafka_reader *reader = kafka_reader_new(&f->settings.kafka, "t", &error);
    struct kafka_position positions[PARTITIONS];
    struct kafka_message messages[100];
    uint64_t high[PARTITIONS] = {0};
    guint repeats = 0;
    for (int i = 0; i < PARTITIONS; i++)
        positions[i] = (struct kafka_position){i, 0};
    g_assert_true(kafka_reader_assign(reader, positions, PARTITIONS, &error));
    for (int ended = 0; ended < PARTITIONS;) {
        size_t got = kafka_reader_poll(reader, messages, G_N_ELEMENTS(messages), 200);
        for (size_t i = 0; i < got; i++) {
            ended += messages[i].event == KAFKA_END_OF_PARTITION;
            repeats += messages[i].event == KAFKA_MESSAGE && take_message(&messages[i], high);
            kafka_message_clear(&messages[i]);
        }
    }
    kafka_reader_free(reader);
    for (uint64_t n = last; n > last - PARTITIONS; n--)
        g_assert_cmpuint(high[n % PARTITIONS], ==, n);
    return repeats;
}

/* ---- tests ---- */

static void test_live(struct fixture *f, gconstpointer unused)
{
    (void)unused;
    begin(f);
    shipper_hold(f->shipper, false);
    offer(f, 1, 200, 500);
    wait_acknowledged(f);
    g_assert_cmpuint(check_topic(f, 200), ==, 0);
    g_assert_cmpuint(state_of(f).replayed, ==, 0);
    end(f);
    tools_reopen(&f->tools);
    tools_assert_reads(&f->tools, ""); /* the cursor was saved */
}

static void test_backlog_first(struct fixture *f, gconstpointer unused)
{
    (void)unused;
    tools_append(&f->tools, 1, 150);
    tools_reopen(&f->tools); /* an earlier run left it */
    begin(f);
    shipper_hold(f->shipper, false);
    offer(f, 151, 240, 500);
    wait_acknowledged(f);
    g_assert_cmpuint(check_topic(f, 240), ==, 0);
    g_assert_cmpuint(state_of(f).replayed, ==, 150);
}

/* Held, nothing is sent and memory stays flat: what the window cannot hold is read back from the files. */
static void test_window_overflows(struct fixture *f, gconstpointer unused)
{
    (void)unused;
    begin(f);
    offer(f, 1, 220, 65000); /* 14 MB */
    g_usleep(100000);
    g_assert_cmpuint(state_of(f).sent, ==, 0);
    g_assert_false(state_of(f).shipping);
    shipper_hold(f->shipper, false);
    wait_acknowledged(f);
    offer(f, 221, 240, 500);
    wait_acknowledged(f);
    g_assert_cmpuint(state_of(f).sent, ==, 240);
    g_assert_cmpuint(check_topic(f, 240), ==, 0);
}

/* The same while both run. */
static void test_window_overflows_live(struct fixture *f, gconstpointer unused)
{
    (void)unused;
    begin(f);
    shipper_hold(f->shipper, false);
    for (uint64_t n = 1; n <= 250; n += 10) {
        shipper_hold(f->shipper, n % 3 == 0);
        offer(f, n, n + 9, n % 20 == 1 ? 60000 : 100);
    }
    shipper_hold(f->shipper, false);
    wait_acknowledged(f);
    check_topic(f, 250);
}

static void wait_restart(struct fixture *f, uint64_t before)
{
    gint64 deadline = g_get_monotonic_time() + WAIT_US;
    while (state_of(f).restarts == before) {
        g_assert_cmpint(g_get_monotonic_time(), <, deadline);
        g_usleep(2000);
    }
}

static void test_fatal_errors(struct fixture *f, gconstpointer unused)
{
    (void)unused;
    begin(f);
    shipper_hold(f->shipper, false);
    for (uint64_t n = 1; n <= 240; n += 40) {
        kafka_mock_refuse_produce(f->mock, n % 80 == 1 ? TOPIC_AUTHORIZATION_FAILED : MESSAGE_TOO_LARGE, 1);
        uint64_t before = state_of(f).restarts;
        offer(f, n, n + 39, 500);
        wait_restart(f, before);
    }
    wait_acknowledged(f);
    g_assert_cmpuint(state_of(f).replayed, >, 0);
    check_topic(f, 240);
}

static void test_broker_down(struct fixture *f, gconstpointer unused)
{
    (void)unused;
    begin(f);
    shipper_hold(f->shipper, false);
    offer(f, 1, 50, 500);
    wait_acknowledged(f);
    kafka_mock_set_up(f->mock, FALSE);
    offer(f, 51, 200, 500);
    g_usleep(300000);
    g_assert_cmpuint(tools_stats(&f->tools).unacknowledged_batches, ==, 150);
    g_assert_cmpint(state_of(f).oldest_ms, ==, 1051);
    kafka_mock_set_up(f->mock, TRUE);
    wait_acknowledged(f);
    check_topic(f, 200);
}

static void test_stop_without_broker(struct fixture *f, gconstpointer unused)
{
    (void)unused;
    begin(f);
    shipper_hold(f->shipper, false);
    offer(f, 1, 50, 500);
    wait_acknowledged(f);
    kafka_mock_set_up(f->mock, FALSE);
    offer(f, 51, 100, 500);
    gint64 before = g_get_monotonic_time();
    end(f);
    g_assert_cmpint(g_get_monotonic_time() - before, <, 30 * G_USEC_PER_SEC);
    kafka_mock_set_up(f->mock, TRUE);
    tools_reopen(&f->tools);
    g_assert_cmpuint(tools_stats(&f->tools).unacknowledged_batches, ==, 50);
    begin(f);
    shipper_hold(f->shipper, false);
    wait_acknowledged(f);
    check_topic(f, 100);
}

static void test_hold_again(struct fixture *f, gconstpointer unused)
{
    (void)unused;
    begin(f);
    for (uint64_t n = 1; n <= 100; n += 20) {
        shipper_hold(f->shipper, false);
        offer(f, n, n + 9, 500);
        shipper_hold(f->shipper, true);
        offer(f, n + 10, n + 19, 500);
        g_usleep(20000);
    }
    shipper_hold(f->shipper, false);
    wait_acknowledged(f);
    check_topic(f, 100);
}

static void test_renew(struct fixture *f, gconstpointer unused)
{
    (void)unused;
    begin(f);
    shipper_hold(f->shipper, false);
    for (uint64_t n = 1; n <= 100; n += 20) {
        offer(f, n, n + 19, 500);
        shipper_renew(f->shipper);
        g_usleep(20000);
    }
    wait_acknowledged(f);
    g_assert_cmpuint(state_of(f).restarts, ==, 0);
    check_topic(f, 100);
}

/* A group without batches moves the cursor on. */
static void test_positions_only(struct fixture *f, gconstpointer unused)
{
    (void)unused;
    begin(f);
    shipper_hold(f->shipper, false);
    offer(f, 1, 4, 500);
    struct journal_group *group = journal_group_new();
    g_autoptr(GBytes) value = g_bytes_new_static("x", 1);
    journal_group_set_position(group, view_of("log"), value);
    g_assert_cmpint(journal_append(f->tools.journal, group), ==, JOURNAL_DURABLE);
    shipper_offer(f->shipper, group);
    wait_acknowledged(f);
    check_topic(f, 4);
    end(f);
    tools_reopen(&f->tools);
    g_autoptr(GBytes) found = journal_position(f->tools.journal, "log");
    g_assert_nonnull(found);
}

static void test_heartbeats(struct fixture *f, gconstpointer unused)
{
    (void)unused;
    f->settings.heartbeat = heartbeat;
    f->settings.opaque = f;
    begin(f);
    g_usleep(50000);
    g_assert_cmpint(atomic_load(&f->beats), ==, 0); /* held */
    shipper_hold(f->shipper, false);
    offer(f, 1, 4, 500);
    wait_acknowledged(f);
    gint64 deadline = g_get_monotonic_time() + WAIT_US;
    while (state_of(f).heartbeats == 0) {
        g_assert_cmpint(g_get_monotonic_time(), <, deadline);
        g_usleep(10000);
    }
    check_topic(f, 4);
}

/* Acknowledged segments go while it runs. */
static void test_removes_segments(struct fixture *f, gconstpointer unused)
{
    (void)unused;
    begin(f);
    shipper_hold(f->shipper, false);
    offer(f, 1, 200, 50000); /* ten segments */
    wait_acknowledged(f);
    gint64 deadline = g_get_monotonic_time() + WAIT_US;
    while (tools_stats(&f->tools).segments > 1) {
        g_assert_cmpint(g_get_monotonic_time(), <, deadline);
        g_usleep(10000);
    }
    check_topic(f, 200);
}

#define ADD(name) g_test_add("/shipper/" #name, struct fixture, NULL, set_up, test_##name, tear_down)

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD(live);
    ADD(backlog_first);
    ADD(window_overflows);
    ADD(window_overflows_live);
    ADD(fatal_errors);
    ADD(broker_down);
    ADD(stop_without_broker);
    ADD(hold_again);
    ADD(renew);
    ADD(positions_only);
    ADD(heartbeats);
    ADD(removes_segments);
    return g_test_run();
}
