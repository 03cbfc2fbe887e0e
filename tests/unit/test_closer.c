/* The closer between a real Redis, with keys written by hand, and the embedded broker: what it writes to the log, when it is quiet,
 * and how fast it ends when nobody answers. */
#include "aggregator/closer.h"
#include "aggregator/meters.h"
#include "lib/kafka_mock.h"
#include "lib/keys.h"
#include "lib/redis.h"
#include "lib/sheet.h"
#include "tests/unit/redis_process.h"

enum { PARTITIONS = 3, WAIT_US = 60 * G_USEC_PER_SEC, STOP_MS = 15000 };

struct fixture {
    struct redis_process server;
    struct redis *redis;
    struct kafka_mock *mock;
    struct kafka_settings kafka;
    struct kafka_reader *reader;
    struct metrics *metrics;
    struct closer *closer;
    int64_t today;
    GPtrArray *records[PARTITIONS]; /* GBytes that were read */
};

static void bytes_unref(gpointer bytes)
{
    g_bytes_unref(bytes);
}

static void set_up(struct fixture *f, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    struct kafka_position positions[PARTITIONS];
    (void)data;
    redis_process_start(&f->server, 0, NULL);
    const struct redis_settings settings = {f->server.url, 20000, 60000};
    f->redis = redis_connect(&settings, NULL, &error);
    g_assert_no_error(error);
    f->mock = kafka_mock_new("usage", PARTITIONS, &error);
    g_assert_no_error(error);
    f->kafka = (struct kafka_settings){.brokers = kafka_mock_brokers(f->mock), .client_id = "test"};
    f->reader = kafka_reader_new(&f->kafka, "usage", &error);
    g_assert_no_error(error);
    for (int p = 0; p < PARTITIONS; p++) {
        positions[p] = (struct kafka_position){p, 0};
        f->records[p] = g_ptr_array_new_with_free_func(bytes_unref);
    }
    g_assert_true(kafka_reader_assign(f->reader, positions, PARTITIONS, &error));
    f->metrics = metrics_new(aggregator_meters, AGGREGATOR_N_METERS);
    f->today = g_get_real_time() / 1000 / KEYS_DAY_MS;
    const struct closer_settings closer = {.kafka = f->kafka,
                                           .topic = "usage",
                                           .redis_url = f->server.url,
                                           .plan = {.grace_ms = 0, .restate_after_ms = 1000},
                                           .check_ms = 20,
                                           .metrics = f->metrics};
    f->closer = closer_start(&closer);
}

/* Whatever goes on, it ends soon. */
static void stop(struct fixture *f)
{
    gint64 begin_us = g_get_monotonic_time();
    closer_stop(g_steal_pointer(&f->closer));
    g_assert_cmpint((g_get_monotonic_time() - begin_us) / 1000, <, STOP_MS);
}

static void tear_down(struct fixture *f, gconstpointer data)
{
    (void)data;
    if (f->closer)
        stop(f);
    kafka_reader_free(f->reader);
    kafka_mock_free(f->mock);
    redis_free(f->redis);
    redis_process_clear(&f->server);
    metrics_free(f->metrics);
    for (int p = 0; p < PARTITIONS; p++)
        g_ptr_array_free(f->records[p], TRUE);
}

static void set(struct fixture *f, int partition, const char *kind, const char *field, const char *value)
{
    g_autoptr(GError) error = NULL;
    char key[KEYS_MAX];
    keys_plain(key, partition, kind);
    struct redis_reply *reply = redis_call(f->redis, &error, "HSET %s %s %s", key, field, value);
    g_assert_no_error(error);
    redis_reply_free(reply);
}

static void read_some(struct fixture *f)
{
    struct kafka_message messages[50];
    size_t n = kafka_reader_poll(f->reader, messages, G_N_ELEMENTS(messages), 50);
    for (size_t i = 0; i < n; i++) {
        if (messages[i].event == KAFKA_MESSAGE)
            g_ptr_array_add(f->records[messages[i].partition], g_bytes_new(messages[i].data, messages[i].size));
        kafka_message_clear(&messages[i]);
    }
}

static void wait_for(struct fixture *f, int partition, guint n)
{
    gint64 deadline_us = g_get_monotonic_time() + WAIT_US;
    while (f->records[partition]->len < n) {
        g_assert_cmpint(g_get_monotonic_time(), <, deadline_us);
        read_some(f);
    }
}

static struct view record_at(struct fixture *f, int partition, guint i)
{
    gsize size;
    const void *data = g_bytes_get_data(g_ptr_array_index(f->records[partition], i), &size);
    return view_make(data, size);
}

static void expect_seal(struct fixture *f, int partition, guint i, const struct day_seal *wanted)
{
    g_autoptr(GError) error = NULL;
    struct record record;
    struct record_parser *parser = record_parser_new();
    struct view view = record_at(f, partition, i);
    g_assert_true(record_parse(parser, view.data, view.size, &record, &error));
    g_assert_cmpint(record.kind, ==, RECORD_SEAL);
    g_assert_cmpuint(record.seal.day, ==, wanted->day);
    g_assert_cmpuint(record.seal.revision, ==, wanted->revision);
    g_assert_cmpint(record.seal.reason, ==, wanted->reason);
    record_parser_free(parser);
}

static void begin_yesterday(struct fixture *f)
{
    g_autofree char *first_ms = g_strdup_printf("%" G_GINT64_FORMAT, (f->today - 1) * KEYS_DAY_MS + 5);
    set(f, 1, "meta", "first_ms", first_ms);
}

static void test_seals(struct fixture *f, gconstpointer data)
{
    const struct day_seal wanted = {(uint32_t)f->today - 1, 1, SEAL_DAY_END};
    (void)data;
    begin_yesterday(f);
    closer_set_active(f->closer, true);
    for (int p = 0; p < PARTITIONS; p++) {
        wait_for(f, p, 1);
        expect_seal(f, p, 0, &wanted);
    }
    g_assert_cmpint(metrics_get(f->metrics, METER_CLOSER, NULL), ==, 1);
    closer_set_active(f->closer, false);
    closer_set_active(f->closer, true);
    stop(f);
    g_assert_cmpint(metrics_get(f->metrics, METER_CLOSER, NULL), ==, 0);
}

/* A peer says why its revision is there; the others say the same. */
static void test_reason_of_a_peer(struct fixture *f, gconstpointer data)
{
    const struct day_seal wanted = {(uint32_t)f->today - 9, 1, SEAL_REQUESTED};
    (void)data;
    g_autofree char *day = g_strdup_printf("%u", wanted.day), *generation = g_strdup_printf("%u.1", wanted.day);
    struct partition_day *closed = partition_day_new();
    closed->partition = 2;
    closed->reason = SEAL_REQUESTED;
    g_autoptr(GBytes) bytes = partition_day_pack(closed);
    partition_day_free(closed);
    gsize size;
    const void *packed = g_bytes_get_data(bytes, &size);
    redis_reply_free(redis_call(f->redis, NULL, "HSET {p2}:closed %s %b", generation, packed, size));
    set(f, 2, "days", day, "1 0 0 0");
    closer_set_active(f->closer, true);
    for (int p = 0; p < 2; p++) {
        wait_for(f, p, 1);
        expect_seal(f, p, 0, &wanted);
    }
    g_assert_cmpuint(f->records[2]->len, ==, 0);
}

/* The sheet of a partition with so many requests of one client. */
static void put_sheet(struct fixture *f, int partition, int64_t day, guint64 requests)
{
    g_autofree char *generation = g_strdup_printf("%" G_GINT64_FORMAT ".1", day);
    char key[KEYS_MAX];
    struct sheet_builder *builder = sheet_builder_new();
    struct sheet_row row = {
        .organization = view_of("acme"), .client = view_of("c"), .method = view_of("GET"), .template = view_of("/")};
    measure_init(&row.measure);
    for (guint64 i = 0; i < requests; i++)
        measure_add(&row.measure, 200, 1, 1, 1, true);
    g_assert_true(requests == 0 || sheet_builder_add(builder, &row, NULL));
    struct partition_day *closed = partition_day_new();
    closed->partition = (uint32_t)partition;
    closed->events = requests;
    closed->rows = requests > 0;
    closed->has_sheet = true;
    g_autoptr(GBytes) sheet = sheet_builder_finish(
        builder, &(struct sheet_header){.partition = (uint32_t)partition, .day = (uint32_t)day, .revision = 1}, NULL);
    sheet_checksum(sheet, closed->sheet_checksum);
    g_autoptr(GBytes) packed = sheet_pack(sheet), bytes = partition_day_pack(closed);
    gsize size;
    const void *content = g_bytes_get_data(packed, &size);
    keys_sheet(key, partition, day, 1);
    redis_reply_free(redis_call(f->redis, NULL, "SET %s %b", key, content, size));
    content = g_bytes_get_data(bytes, &size);
    keys_plain(key, partition, "closed");
    redis_reply_free(redis_call(f->redis, NULL, "HSET %s %s %b", key, generation, content, size));
    measure_clear(&row.measure);
    sheet_builder_free(builder);
    partition_day_free(closed);
}

/* Two days are entered in one round, as a chain. */
static void test_entries(struct fixture *f, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    (void)data;
    for (int i = 0; i < 2; i++) {
        g_autofree char *day = g_strdup_printf("%" G_GINT64_FORMAT, f->today - 5 + i);
        for (int p = 0; p < PARTITIONS; p++) {
            put_sheet(f, p, f->today - 5 + i, (guint64)(p * (i + 1)));
            set(f, p, "days", day, "1 1 0 0");
        }
    }
    closer_set_active(f->closer, true);
    wait_for(f, 0, 2);
    struct ledger_entry *first = ledger_entry_parse(record_at(f, 0, 0), &error);
    g_assert_no_error(error);
    struct ledger_entry *second = ledger_entry_parse(record_at(f, 0, 1), &error);
    g_assert_no_error(error);
    uint8_t checksum[LEDGER_CHECKSUM_SIZE];
    ledger_checksum(record_at(f, 0, 0), checksum);
    g_assert_true(first->n == 1 && second->n == 2 && !first->has_previous && second->has_previous);
    g_assert_cmpint(memcmp(second->previous_checksum, checksum, sizeof checksum), ==, 0);
    g_assert_cmpint(first->day, ==, f->today - 5);
    g_assert_cmpuint(first->events, ==, 3);
    g_assert_cmpint(second->day, ==, f->today - 4);
    g_assert_cmpuint(second->events, ==, 6);
    g_assert_cmpuint(second->organizations->len, ==, 1);
    ledger_entry_free(first);
    ledger_entry_free(second);
}

/* A sheet that is not there: the other day is entered, and the report names the key. */
static void test_held_open(struct fixture *f, gconstpointer data)
{
    g_autoptr(GString) report = g_string_new(NULL);
    char key[KEYS_MAX];
    (void)data;
    for (int i = 0; i < 2; i++) {
        g_autofree char *day = g_strdup_printf("%" G_GINT64_FORMAT, f->today - 5 + i);
        for (int p = 0; p < PARTITIONS; p++) {
            put_sheet(f, p, f->today - 5 + i, 1);
            set(f, p, "days", day, "1 1 0 0");
        }
    }
    keys_sheet(key, 1, f->today - 5, 1);
    redis_reply_free(redis_call(f->redis, NULL, "DEL %s", key));
    closer_set_active(f->closer, true);
    wait_for(f, 0, 1);
    struct ledger_entry *entry = ledger_entry_parse(record_at(f, 0, 0), NULL);
    g_assert_true(entry && entry->n == 1 && entry->day == f->today - 4);
    ledger_entry_free(entry);
    set(f, 0, "meta", "ledger", "1"); /* it moved: the closer goes on */
    set(f, 0, "meta", "ledger_checksum", "00000000000000000000000000000000000000000000000000000000000000ab");
    g_autofree char *day = g_strdup_printf("%" G_GINT64_FORMAT, f->today - 4);
    set(f, 0, "days", day, "1 1 1 0");
    for (gint64 deadline_us = g_get_monotonic_time() + WAIT_US; report->len == 0;) {
        g_assert_cmpint(g_get_monotonic_time(), <, deadline_us);
        g_usleep(10000);
        closer_report(f->closer, report);
    }
    g_assert_true(g_str_has_prefix(report->str, "day 20"));
    g_assert_nonnull(strstr(report->str, key));
    g_assert_cmpint(metrics_get(f->metrics, METER_CLOSINGS_DUE, NULL), ==, 1);
}

static void test_inactive(struct fixture *f, gconstpointer data)
{
    (void)data;
    begin_yesterday(f);
    for (int i = 0; i < 5; i++)
        read_some(f);
    for (int p = 0; p < PARTITIONS; p++)
        g_assert_cmpuint(f->records[p]->len, ==, 0);
}

/* ---- ends, whatever does not answer ---- */

static void test_stop_while_redis_hangs(struct fixture *f, gconstpointer data)
{
    (void)data;
    begin_yesterday(f);
    closer_set_active(f->closer, true);
    wait_for(f, 0, 1);
    redis_process_hang(&f->server);
    g_usleep(100000); /* it asks each 20 ms */
    stop(f);
}

static void test_stop_while_redis_is_gone(struct fixture *f, gconstpointer data)
{
    (void)data;
    redis_process_kill(&f->server);
    closer_set_active(f->closer, true);
    g_usleep(100000);
    stop(f);
}

static void test_stop_while_kafka_is_gone(struct fixture *f, gconstpointer data)
{
    (void)data;
    begin_yesterday(f);
    closer_set_active(f->closer, true);
    wait_for(f, 0, 1);
    kafka_mock_set_up(f->mock, FALSE);
    g_autofree char *first_ms = g_strdup_printf("%" G_GINT64_FORMAT, (f->today - 3) * KEYS_DAY_MS);
    set(f, 0, "meta", "first_ms", first_ms);
    g_usleep(200000);
    stop(f);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*test)(struct fixture *f, gconstpointer data);
    } tests[] = {
        {"seals", test_seals},
        {"reason_of_a_peer", test_reason_of_a_peer},
        {"entries", test_entries},
        {"held_open", test_held_open},
        {"inactive", test_inactive},
        {"stop_while_redis_hangs", test_stop_while_redis_hangs},
        {"stop_while_redis_is_gone", test_stop_while_redis_is_gone},
        {"stop_while_kafka_is_gone", test_stop_while_kafka_is_gone},
    };
    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(tests); i++) {
        g_autofree char *path = g_strdup_printf("/closer/%s", tests[i].name);
        g_test_add(path, struct fixture, NULL, set_up, tests[i].test, tear_down);
    }
    return g_test_run();
}
