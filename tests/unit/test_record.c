#include "lib/crc32c.h"
#include "lib/record.h"

static struct event make_event(guint i)
{
    static const char *const clients[] = {"a", "b", "c"}, *const users[] = {"", "u1", "u2", "ü"};
    return (struct event){
        .time_ms = 1700000000000 + (gint64)(i * 37) - (i % 5) * 1000,
        .organization = view_of(i % 2 ? "acme" : ""),
        .client = view_of(clients[i % 3]),
        .user = view_of(users[i % 4]),
        .method = view_of("GET"),
        .route = view_of(i % 7 ? "/v1/orders/{id}" : "/v1/x"),
        .platform = view_of(""),
        .id = view_of(i % 10 == 0 ? "id-1" : ""),
        .status = 200 + i % 300,
        .latency_us = i * 1000,
        .request_bytes = i,
        .response_bytes = 0,
    };
}

static GBytes *make_batch(guint n, struct batch_header *header)
{
    struct batch_builder *builder = batch_builder_new();
    *header =
        (struct batch_header){.stream_id = {1, 2, 3}, .partition = 3, .partition_count = 4, .sequence = 9, .created_ms = 1234};
    for (guint i = 0; i < n; i++) {
        struct event event = make_event(i);
        batch_builder_add(builder, &event);
    }
    g_assert_cmpuint(batch_builder_count(builder), ==, n);
    size_t estimate = batch_builder_size(builder);
    GBytes *bytes = batch_builder_seal(builder, header);
    g_assert_cmpuint(g_bytes_get_size(bytes), <=, estimate);
    g_assert_cmpuint(batch_builder_count(builder), ==, 0);
    batch_builder_free(builder);
    return bytes;
}

static void assert_text(struct view a, struct view b)
{
    g_assert_true(view_equal(a, b));
}

static void assert_same(const struct event *a, const struct event *b)
{
    g_assert_cmpint(a->time_ms, ==, b->time_ms);
    assert_text(a->organization, b->organization);
    assert_text(a->client, b->client);
    assert_text(a->user, b->user);
    assert_text(a->method, b->method);
    assert_text(a->route, b->route);
    assert_text(a->platform, b->platform);
    assert_text(a->id, b->id);
    g_assert_cmpuint(a->status, ==, b->status);
    g_assert_cmpuint(a->latency_us, ==, b->latency_us);
    g_assert_cmpuint(a->request_bytes, ==, b->request_bytes);
    g_assert_cmpuint(a->response_bytes, ==, b->response_bytes);
}

static void test_round_trip(void)
{
    struct record_parser *parser = record_parser_new();
    for (guint n = 1; n < 3000; n = n * 3 + 1) {
        struct batch_header header;
        struct record record;
        g_autoptr(GBytes) bytes = make_batch(n, &header);
        gsize size;
        const void *data = g_bytes_get_data(bytes, &size);
        g_assert_true(record_parse(parser, data, size, &record, NULL));
        g_assert_cmpint(record.kind, ==, RECORD_BATCH);
        g_assert_cmpuint(record.crc, ==, crc32c(0, data, size));
        g_assert_true(memcmp(&record.batch.header, &header, sizeof header) == 0);
        g_assert_cmpuint(record.batch.n_events, ==, n);
        g_assert_null(record.batch.platform); /* all empty: left out */
        for (guint i = 0; i < n; i++) {
            struct event wanted = make_event(i), found;
            batch_event(&record.batch, i, &found);
            assert_same(&wanted, &found);
        }
    }
    record_parser_free(parser);
}

/* Whatever stands on the topic is either refused or within the limits. */
static void test_damaged(void)
{
    struct record_parser *parser = record_parser_new();
    struct batch_header header;
    g_autoptr(GBytes) bytes = make_batch(40, &header);
    gsize size;
    const guint8 *data = g_bytes_get_data(bytes, &size);
    guint refused = 0;
    for (gsize cut = 0; cut < size; cut++) {
        struct record record;
        g_autoptr(GError) error = NULL;
        bool ok = record_parse(parser, data, cut, &record, &error);
        g_assert_true(ok == (error == NULL));
        refused += !ok;
    }
    g_assert_cmpuint(refused, >, size / 2);
    for (guint i = 0; i < 20000; i++) {
        g_autofree guint8 *copy = g_memdup2(data, size);
        struct record record;
        for (guint k = 0; k <= i % 3; k++)
            copy[g_test_rand_int_range(0, (gint32)size)] = (guint8)g_test_rand_int_range(0, 256);
        if (!record_parse(parser, copy, size, &record, NULL) || record.kind != RECORD_BATCH)
            continue;
        for (gsize e = 0; e < record.batch.n_events; e++) {
            struct event event;
            batch_event(&record.batch, e, &event);
            g_assert_cmpuint(event.status, >=, EVENT_STATUS_MIN);
            g_assert_cmpuint(event.status, <=, EVENT_STATUS_MAX);
            g_assert_cmpuint(event.route.size, <=, EVENT_ROUTE_MAX);
            g_assert_cmpint(event.time_ms, >=, 0);
        }
    }
    record_parser_free(parser);
}

static void test_others(void)
{
    struct record_parser *parser = record_parser_new();
    struct record record;
    g_autoptr(GError) error = NULL;
    const guint64 sequences[] = {5, 0, 7};
    struct heartbeat heartbeat = {.stream_id = {9},
                                  .collector = "edge-1",
                                  .clock_ms = 99,
                                  .last_sequence = sequences,
                                  .n_partitions = 3,
                                  .journal_bytes = 10,
                                  .journal_oldest_ms = 11,
                                  .received = 4,
                                  .accepted = 2,
                                  .rejected = 1,
                                  .excluded = 1};
    g_autoptr(GBytes) beat = record_heartbeat(&heartbeat);
    g_assert_true(record_parse(parser, g_bytes_get_data(beat, NULL), g_bytes_get_size(beat), &record, &error));
    g_assert_cmpint(record.kind, ==, RECORD_HEARTBEAT);
    g_assert_cmpstr(record.heartbeat.collector, ==, "edge-1");
    g_assert_cmpuint(record.heartbeat.last_sequence[2], ==, 7);
    g_assert_cmpuint(record.heartbeat.excluded, ==, 1);

    struct batch_header header = {.partition_count = 2, .sequence = 1, .import = true};
    struct import_manifest manifest = {
        .partition_count = 2, .rules_digest = {1}, .head_digest = {2}, .name = "access.log", .size_bytes = 5, .first_line = 1};
    g_autoptr(GBytes) first = record_manifest(&header, &manifest);
    g_assert_true(record_parse(parser, g_bytes_get_data(first, NULL), g_bytes_get_size(first), &record, &error));
    g_assert_true(record.batch.has_manifest && record.batch.header.import);
    g_assert_cmpuint(record.batch.n_events, ==, 0);
    g_assert_cmpstr(record.batch.manifest.name, ==, "access.log");

    heartbeat.clock_ms = INT64_C(1795260297047000); /* microseconds */
    g_autoptr(GBytes) later = record_heartbeat(&heartbeat);
    g_assert_false(record_parse(parser, g_bytes_get_data(later, NULL), g_bytes_get_size(later), &record, &error));
    g_assert_error(error, RECORD_ERROR, RECORD_ERROR_MALFORMED);
    g_clear_error(&error);
    const uint64_t hostile[] = {1, UINT64_MAX};
    heartbeat = (struct heartbeat){.collector = "c", .clock_ms = 99, .last_sequence = hostile, .n_partitions = 2};
    g_autoptr(GBytes) odd = record_heartbeat(&heartbeat);
    g_assert_false(record_parse(parser, g_bytes_get_data(odd, NULL), g_bytes_get_size(odd), &record, &error));
    g_assert_error(error, RECORD_ERROR, RECORD_ERROR_MALFORMED);
    g_clear_error(&error);

    g_assert_false(record_parse(parser, "\x32\x00", 2, &record, &error)); /* kind 6: not known yet */
    g_assert_error(error, RECORD_ERROR, RECORD_ERROR_UNKNOWN_KIND);
    g_clear_error(&error);
    g_assert_false(record_parse(parser, "", 0, &record, &error));
    g_assert_error(error, RECORD_ERROR, RECORD_ERROR_MALFORMED);
    record_parser_free(parser);
}

static void reject(struct rejections *list, const char *reason, const char *message, const char *sample, uint64_t count)
{
    rejections_add(list, &(struct rejection){1700000000000, count, view_of(reason), view_of(message), view_of(sample)});
}

static GBytes *make_rejected(guint events, const struct rejections *list)
{
    struct batch_builder *builder = batch_builder_new();
    struct batch_header header = {.partition_count = 1, .sequence = 1};
    g_assert_true(batch_builder_is_empty(builder));
    for (guint i = 0; i < events; i++) {
        struct event event = make_event(i);
        batch_builder_add(builder, &event);
    }
    batch_builder_reject(builder, "edge-1", list);
    g_assert_false(batch_builder_is_empty(builder));
    size_t estimate = batch_builder_size(builder);
    GBytes *bytes = batch_builder_seal(builder, &header);
    g_assert_cmpuint(g_bytes_get_size(bytes), <=, estimate);
    g_assert_true(batch_builder_is_empty(builder));
    batch_builder_free(builder);
    return bytes;
}

static void test_rejections(void)
{
    struct record_parser *parser = record_parser_new();
    struct rejections *list = rejections_new();
    struct record record;
    reject(list, "missing_field", "status is missing.", "{\"method\":\"GET\"}", 3);
    reject(list, "malformed", "", "", 1000000000000);
    for (guint events = 0; events < 3; events++) {
        g_autoptr(GBytes) bytes = make_rejected(events, list);
        g_assert_true(record_parse(parser, g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes), &record, NULL));
        g_assert_cmpuint(record.batch.n_events, ==, events);
        assert_text(record.batch.collector, view_of("edge-1"));
        g_assert_cmpuint(record.batch.n_rejections, ==, 2);
        for (size_t i = 0; i < 2; i++) {
            const struct rejection *found = &record.batch.rejections[i], *wanted = rejections_get(list, i);
            g_assert_cmpint(found->time_ms, ==, 1700000000000);
            g_assert_cmpuint(found->count, ==, wanted->count);
            assert_text(found->reason, wanted->reason);
            assert_text(found->message, wanted->message);
            assert_text(found->sample, wanted->sample);
        }
    }
    rejections_free(list);
    record_parser_free(parser);
}

/* What is on the topic may be anybody's: texts with control characters, counts of nothing, names that are missing. */
static void test_rejections_damaged(void)
{
    struct record_parser *parser = record_parser_new();
    struct rejections *list = rejections_new();
    struct record record;
    reject(list, "malformed", "message", "sample", 77);
    g_autoptr(GBytes) bytes = make_rejected(1, list);
    gsize size;
    const char *data = g_bytes_get_data(bytes, &size);
    static const struct {
        const char *what, *becomes;
    } changes[] = {{"malformed", "Malformed"},
                   {"message", "mess\nge"},
                   {"sample", "samp\xff"},
                   {"edge-1", "edge\x7f"
                              "1"}};
    g_assert_true(record_parse(parser, data, size, &record, NULL));
    for (size_t i = 0; i < G_N_ELEMENTS(changes); i++) {
        g_autofree char *copy = g_memdup2(data, size);
        char *at = memmem(copy, size, changes[i].what, strlen(changes[i].what));
        g_assert_nonnull(at);
        memcpy(at, changes[i].becomes, strlen(changes[i].becomes));
        g_assert_false(record_parse(parser, copy, size, &record, NULL));
    }
    g_autofree char *copy = g_memdup2(data, size);
    char *count = memchr(copy, 77, size);
    while (count && count[-1] != 0x18)
        count = memchr(count + 1, 77, size - (size_t)(count + 1 - copy));
    g_assert_nonnull(count);
    *count = 0;
    g_assert_false(record_parse(parser, copy, size, &record, NULL));
    rejections_free(list);
    record_parser_free(parser);
}

static void test_partition(void)
{
    /* FNV-1a of "a" is 0xaf63dc4c8601ec8c (the authors' test vector); here: organization "", a zero byte, client "". */
    g_assert_cmpuint(partition_of(view_of(""), view_of(""), 1), ==, 0);
    guint seen[8] = {0};
    for (guint i = 0; i < 8000; i++) {
        char client[16];
        g_snprintf(client, sizeof client, "c-%u", i);
        seen[partition_of(view_of("acme"), view_of(client), 8)]++;
    }
    for (guint i = 0; i < 8; i++)
        g_assert_cmpuint(seen[i], >, 800);
    g_assert_cmpuint(partition_of(view_of("a"), view_of("bc"), 1 << 20), !=, partition_of(view_of("ab"), view_of("c"), 1 << 20));
}

static void test_crc(void)
{
    g_assert_cmphex(crc32c(0, "123456789", 9), ==, 0xe3069283);
    g_assert_cmphex(crc32c(crc32c(0, "1234", 4), "56789", 5), ==, 0xe3069283);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/record/round-trip", test_round_trip);
    g_test_add_func("/record/damaged", test_damaged);
    g_test_add_func("/record/heartbeat-and-manifest", test_others);
    g_test_add_func("/record/rejections", test_rejections);
    g_test_add_func("/record/rejections-damaged", test_rejections_damaged);
    g_test_add_func("/record/partition", test_partition);
    g_test_add_func("/crc32c/vectors", test_crc);
    return g_test_run();
}
