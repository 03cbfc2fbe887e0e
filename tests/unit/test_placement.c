/* What is known of where clients are: of sheets, of entries, and by way of a real redis-server. */
#include "api/placement.h"

#include "lib/keys.h"
#include "lib/redis.h"
#include "tests/unit/redis_process.h"
#include "tests/unit/sheet_tools.h"

enum { PARTITIONS = 4 };

static struct redis_process server;

static struct reader *open_reader(void)
{
    g_autoptr(GError) error = NULL;
    const struct redis_settings settings = {server.url, 20000, 60000};
    struct reader *reader = reader_new(&settings, 1);
    reader_begin(reader, g_get_monotonic_time() + 600 * G_TIME_SPAN_SECOND, &error);
    g_assert_no_error(error);
    return reader;
}

static void add_client(struct sheet_builder *builder, const char *organization, const char *client)
{
    struct sheet_row row = {.organization = view_of(organization), .client = view_of(client), .template = view_of("/")};
    measure_init(&row.measure);
    measure_add(&row.measure, 200, 5, 1, 1, true);
    add_part(builder, &row);
    measure_clear(&row.measure);
}

static bool fits(struct sheet_builder *builder, uint32_t partition)
{
    const struct sheet_header header = {.partition = partition, .day = 20000, .revision = 1};
    g_autoptr(GBytes) bytes = sheet_builder_finish(builder, &header, NULL);
    struct sheet *sheet = open_sheet(bytes);
    const bool result = placement_fits(sheet, PARTITIONS);
    sheet_free(sheet);
    sheet_builder_free(builder);
    return result;
}

static void test_sheets(void)
{
    for (uint32_t partition = 0; partition < PARTITIONS; partition++) {
        struct sheet_builder *right = sheet_builder_new(), *wrong = sheet_builder_new();
        for (guint i = 0; i < 200; i++) {
            g_autofree char *client = g_strdup_printf("c-%u", i);
            if (partition_of(view_of("acme"), view_of(client), PARTITIONS) != partition)
                continue;
            add_client(right, "acme", client);
            add_client(wrong, "acme", client);
        }
        add_client(right, "", KEYS_OTHER);
        for (guint i = 0;; i++) {
            g_autofree char *client = g_strdup_printf("d-%u", i);
            if (partition_of(view_of(""), view_of(client), PARTITIONS) == partition)
                continue;
            add_client(wrong, "", client); /* one is enough */
            break;
        }
        g_assert_true(fits(right, partition));
        g_assert_false(fits(wrong, partition));
    }
}

static struct closed_entry entry_of(uint64_t n)
{
    struct closed_entry entry = {.n = n, .partitions = PARTITIONS};
    memset(entry.checksum, (int)(n * 7 % 256), sizeof entry.checksum);
    return entry;
}

static bool knows(struct placement *placement, uint64_t n)
{
    const struct closed_entry entry = entry_of(n);
    return placement_knows(placement, &entry);
}

static void test_entries(void)
{
    struct placement *placement = placement_new();
    struct closed_entry entry = entry_of(5);
    placement_learn(placement, &entry);
    g_assert_true(knows(placement, 5));
    g_assert_false(knows(placement, 6));
    entry.checksum[0] ^= 1; /* another ledger's */
    g_assert_false(placement_knows(placement, &entry));
    placement_learn(placement, &entry);
    g_assert_true(placement_knows(placement, &entry));
    g_assert_false(knows(placement, 5));
    entry.partitions++;
    g_assert_false(placement_knows(placement, &entry));
    placement_free(placement);
}

static void set(const char *field, const char *value)
{
    g_autoptr(GError) error = NULL;
    const struct redis_settings settings = {server.url, 20000, 60000};
    struct redis *redis = redis_connect(&settings, NULL, &error);
    g_assert_no_error(error);
    struct redis_reply *reply = redis_call(redis, &error, "HSET {daybook}:placement %s %s", field, value);
    g_assert_no_error(error);
    redis_reply_free(reply);
    redis_free(redis);
}

static void test_redis(void)
{
    static const char *const garbage[] = {"",   "4",     "4 ",    "4 00", "x 0707070707070707",     "4 07070707070707070",
                                          " 4", "4  07", "-4 07", "4-07", "99999 0707070707070707", "4 gg07070707070707"};
    g_autoptr(GError) error = NULL;
    struct reader *reader = open_reader();
    struct placement *placement = placement_new();
    g_assert_true(placement_load(placement, reader, &error));
    for (uint64_t n = 1; n <= 50; n++) {
        const struct closed_entry entry = entry_of(n);
        placement_learn(placement, &entry);
    }
    g_assert_true(placement_store(placement, reader, &error));
    const uint64_t asked = reader_asked(reader);
    g_assert_true(placement_store(placement, reader, &error)); /* nothing is new */
    g_assert_true(placement_load(placement, reader, &error));
    g_assert_cmpuint(reader_asked(reader), ==, asked);
    placement_free(placement);
    for (guint i = 0; i < G_N_ELEMENTS(garbage); i++) {
        g_autofree char *field = g_strdup_printf("%u", i + 1);
        set(field, garbage[i]);
    }
    set("x", "4 0707070707070707");
    placement = placement_new();
    g_assert_true(placement_load(placement, reader, &error));
    for (uint64_t n = 1; n <= 51; n++)
        g_assert_true(knows(placement, n) == (n > G_N_ELEMENTS(garbage) && n <= 50));
    placement_free(placement);
    reader_free(reader);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    redis_process_start(&server, 0, NULL);
    g_test_add_func("/placement/sheets", test_sheets);
    g_test_add_func("/placement/entries", test_entries);
    g_test_add_func("/placement/redis", test_redis);
    const int code = g_test_run();
    redis_process_clear(&server);
    return code;
}
