/* Against a real Redis with keys written by hand. */
#include "aggregator/closing_reader.h"
#include "tests/unit/redis_process.h"

struct fixture {
    struct redis_process server;
    struct redis *redis;
    struct closing_reader *reader;
};

static void set_up(struct fixture *f, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    (void)data;
    redis_process_start(&f->server, 0, NULL);
    const struct redis_settings settings = {f->server.url, 20000, 60000};
    f->redis = redis_connect(&settings, NULL, &error);
    g_assert_no_error(error);
    f->reader = closing_reader_new(f->server.url);
}

static void tear_down(struct fixture *f, gconstpointer data)
{
    (void)data;
    closing_reader_free(f->reader);
    redis_free(f->redis);
    redis_process_clear(&f->server);
}

static void set(struct fixture *f, const char *key, const char *field, const char *value)
{
    g_autoptr(GError) error = NULL;
    struct redis_reply *reply = redis_call(f->redis, &error, "HSET %s %s %s", key, field, value);
    g_assert_no_error(error);
    redis_reply_free(reply);
}

static struct closing_view *read_view(struct fixture *f, int partitions)
{
    g_autoptr(GError) error = NULL;
    bool ok = closing_reader_read(f->reader, partitions, &error);
    g_assert_no_error(error);
    g_assert_true(ok);
    return closing_reader_view(f->reader);
}

static void expect_failure(struct fixture *f, const char *part)
{
    g_autoptr(GError) error = NULL;
    g_assert_false(closing_reader_read(f->reader, 2, &error));
    g_assert_error(error, REDIS_ERROR, REDIS_ERROR_REPLY);
    if (!strstr(error->message, part))
        g_error("\"%s\" does not say \"%s\"", error->message, part);
}

static const struct closing_partition *partition_at(const struct closing_view *view, guint p)
{
    return g_ptr_array_index(view->partitions, p);
}

/* "day:sealed.sheeted.ledgered …" */
static void expect_days(const struct closing_view *view, guint p, const char *wanted)
{
    g_autoptr(GString) text = g_string_new(NULL);
    const GArray *days = partition_at(view, p)->days;
    for (guint i = 0; i < days->len; i++) {
        const struct closing_day *day = &g_array_index(days, struct closing_day, i);
        g_string_append_printf(text, "%s%d:%d.%d.%d", i ? " " : "", (int)day->day, day->state.sealed, day->state.sheeted,
                               day->state.ledgered);
    }
    g_assert_cmpstr(text->str, ==, wanted);
}

static void test_nothing_there(struct fixture *f, gconstpointer data)
{
    (void)data;
    const struct closing_view *view = read_view(f, 3);
    g_assert_cmpuint(view->partitions->len, ==, 3);
    g_assert_cmpuint(view->ledger, ==, 0);
    g_assert_null(closing_reader_checksum(f->reader));
    for (guint p = 0; p < 3; p++) {
        g_assert_cmpint(partition_at(view, p)->first_ms, ==, -1);
        g_assert_cmpint(closing_reader_next(f->reader, (int)p), ==, 0);
        g_assert_cmpuint(partition_at(view, p)->open->len, ==, 0);
        expect_days(view, p, "");
    }
}

static void test_everything_there(struct fixture *f, gconstpointer data)
{
    (void)data;
    g_autofree char *hex = g_strnfill(64, 'a');
    set(f, "{p0}:meta", "first_ms", "1700000000000");
    set(f, "{p0}:meta", "ledger", "12");
    set(f, "{p0}:meta", "ledger_checksum", hex);
    set(f, "{p1}:commit", "next", "77");
    set(f, "{p0}:days", "20010", "3 2 1 0");
    set(f, "{p0}:days", "9", "1 1 1 5");
    set(f, "{p0}:days", "20002", "1 1 0 0");
    set(f, "{p1}:open", "20010.1", "5 0 0 0 0 3 9 1700000000001 1700000000002");
    set(f, "{p1}:open", "20010.3", "6 1 0 0 0 3 9 1700000000001 1700000000003");
    set(f, "{p1}:open", "20010.2", "7 0 0 0 0 3 9 1700000000001 1700000000002");
    set(f, "{p1}:open", "8.1", "1 0 0 0 0 1 2 5 6");
    const struct closing_view *view = read_view(f, 2);
    g_assert_cmpint(partition_at(view, 0)->first_ms, ==, INT64_C(1700000000000));
    g_assert_cmpint(partition_at(view, 1)->first_ms, ==, -1);
    g_assert_cmpint(closing_reader_next(f->reader, 1), ==, 77);
    g_assert_cmpuint(view->ledger, ==, 12);
    g_assert_cmpint(closing_reader_checksum(f->reader)[31], ==, 0xaa);
    expect_days(view, 0, "9:1.1.1 20002:1.1.0 20010:3.2.1");
    const GArray *open = partition_at(view, 1)->open;
    g_assert_cmpuint(open->len, ==, 2);
    const struct closing_open *last = &g_array_index(open, struct closing_open, 1);
    g_assert_cmpint(g_array_index(open, struct closing_open, 0).day, ==, 8);
    g_assert_cmpint(last->revision, ==, 3);
    g_assert_cmpuint(last->open.events, ==, 6);
    g_assert_cmpint(last->open.last_ms, ==, INT64_C(1700000000003));
}

/* The days are read when a counter has moved, and in the round after that. */
static void test_days_follow_the_counters(struct fixture *f, gconstpointer data)
{
    static const char *const counters[] = {"seals", "sheets", "ledger"};
    (void)data;
    g_autofree char *hex = g_strnfill(64, '0');
    set(f, "{p0}:meta", "ledger_checksum", hex);
    read_view(f, 1);
    read_view(f, 1);
    for (guint i = 0; i < G_N_ELEMENTS(counters); i++) {
        g_autofree char *first = g_strdup_printf("%u 0 0 0", 2 * i + 1), *second = g_strdup_printf("%u 0 0 0", 2 * i + 2);
        g_autofree char *old = i ? g_strdup_printf("5:%u.0.0", 2 * i) : g_strdup("");
        g_autofree char *one = g_strdup_printf("5:%u.0.0", 2 * i + 1), *two = g_strdup_printf("5:%u.0.0", 2 * i + 2);
        set(f, "{p0}:days", "5", first);
        expect_days(read_view(f, 1), 0, old);
        set(f, "{p0}:meta", counters[i], "1");
        expect_days(read_view(f, 1), 0, one);
        set(f, "{p0}:days", "5", second);
        expect_days(read_view(f, 1), 0, two);
        expect_days(read_view(f, 1), 0, two);
    }
    set(f, "{p0}:days", "5", "9 0 0 0");
    closing_reader_forget(f->reader);
    expect_days(read_view(f, 1), 0, "5:9.0.0");
}

static void test_partitions_are_added(struct fixture *f, gconstpointer data)
{
    (void)data;
    read_view(f, 1);
    set(f, "{p1}:days", "7", "1 0 0 0");
    set(f, "{p3}:days", "8", "1 0 0 0");
    const struct closing_view *view = read_view(f, 4);
    expect_days(view, 1, "7:1.0.0");
    expect_days(view, 3, "8:1.0.0");
}

static void test_damage(struct fixture *f, gconstpointer data)
{
    static const struct {
        const char *key, *field, *value, *said, *good;
    } cases[] = {
        {"{p1}:days", "5", "1 2 0 0", "partition 1: what Redis has as days", "1 1 0 0"},
        {"{p1}:days", "5", "", "\"5\"", "1 1 0 0"},
        {"{p0}:days", "x", "1 1 0 0", "\"x\"", NULL},
        {"{p0}:days", "-1", "1 1 0 0", "\"-1\"", NULL},
        {"{p0}:days", "84006", "1 1 0 0", "\"84006\"", NULL},
        {"{p1}:open", "5", "1 0 0 0 0 1 2 5 6", "partition 1: what Redis has as open", NULL},
        {"{p1}:open", "5.1", "1 0 0 0 0 1 2 5", "\"5.1\"", "1 0 0 0 0 1 2 5 6"},
        {"{p0}:meta", "first_ms", "-7", "first_ms", "7"},
        {"{p0}:meta", "ledger", "9", "ledger_checksum", "0"},
        {"{p0}:meta", "ledger", "9x", "as ledger cannot", "0"},
        {"{p1}:commit", "next", "?", "partition 1: what Redis has as next", "1"},
    };
    (void)data;
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        set(f, cases[i].key, cases[i].field, cases[i].value);
        expect_failure(f, cases[i].said);
        if (cases[i].good)
            set(f, cases[i].key, cases[i].field, cases[i].good);
        else
            redis_reply_free(redis_call(f->redis, NULL, "HDEL %s %s", cases[i].key, cases[i].field));
        read_view(f, 2);
    }
    redis_reply_free(redis_call(f->redis, NULL, "DEL {p1}:open"));
    redis_reply_free(redis_call(f->redis, NULL, "SET {p1}:open text"));
    expect_failure(f, "WRONGTYPE");
}

static void test_redis_goes_and_comes(struct fixture *f, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    (void)data;
    set(f, "{p0}:days", "5", "1 0 0 0");
    expect_days(read_view(f, 2), 0, "5:1.0.0");
    redis_process_kill(&f->server);
    for (guint i = 0; i < 2; i++) {
        g_assert_false(closing_reader_read(f->reader, 2, &error));
        g_assert_error(error, REDIS_ERROR, REDIS_ERROR_LOST);
        g_clear_error(&error);
        g_assert_cmpuint(closing_reader_view(f->reader)->partitions->len, ==, 0);
    }
    struct redis_process again;
    redis_process_start(&again, f->server.port, NULL);
    expect_days(read_view(f, 2), 0, "");
    redis_process_clear(&again);
}

/* ---- single things ---- */

static void put(struct fixture *f, const char *key, const char *field, GBytes *bytes)
{
    gsize size;
    const void *data = g_bytes_get_data(bytes, &size);
    struct redis_reply *reply = redis_call(f->redis, NULL, "HSET %s %s %b", key, field, data, size);
    g_assert_nonnull(reply);
    redis_reply_free(reply);
    g_bytes_unref(bytes);
}

static void test_closed(struct fixture *f, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    const struct closing_entry wanted = {5, 2};
    (void)data;
    read_view(f, 2);
    g_assert_null(closing_reader_closed(f->reader, 1, &wanted, &error));
    g_assert_error(error, REDIS_ERROR, REDIS_ERROR_REPLY);
    g_clear_error(&error);
    struct partition_day *day = partition_day_new();
    day->partition = 1;
    day->events = 42;
    put(f, "{p1}:closed", "5.2", partition_day_pack(day));
    put(f, "{p0}:closed", "5.2", partition_day_pack(day));
    partition_day_free(day);
    day = closing_reader_closed(f->reader, 1, &wanted, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(day->events, ==, 42);
    partition_day_free(day);
    g_assert_null(closing_reader_closed(f->reader, 0, &wanted, &error));
    g_assert_nonnull(strstr(error->message, "is of partition 1"));
    g_clear_error(&error);
    put(f, "{p1}:closed", "5.2", g_bytes_new_static("damage", 6));
    g_assert_null(closing_reader_closed(f->reader, 1, &wanted, &error));
    g_assert_nonnull(error);
}

static void test_entry(struct fixture *f, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    const struct closing_entry wanted = {5, 2};
    (void)data;
    read_view(f, 1);
    g_assert_null(closing_reader_entry(f->reader, &wanted, &error));
    g_clear_error(&error);
    struct ledger_entry *entry = ledger_entry_new();
    entry->n = 3;
    entry->has_previous = true;
    entry->day = 5;
    entry->revision = 2;
    struct partition_day *part = partition_day_new();
    part->has_sheet = true;
    g_ptr_array_add(entry->partitions, part);
    ledger_entry_add_up(entry);
    set(f, "{p0}:entries", "5.2", "3");
    put(f, "{p0}:ledger", "3", ledger_entry_pack(entry));
    ledger_entry_free(entry);
    entry = closing_reader_entry(f->reader, &wanted, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(entry->n, ==, 3);
    ledger_entry_free(entry);
    set(f, "{p0}:entries", "6.1", "3");
    g_assert_null(closing_reader_entry(f->reader, &(struct closing_entry){6, 1}, &error));
    g_assert_nonnull(strstr(error->message, "day 5, revision 2"));
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*test)(struct fixture *f, gconstpointer data);
    } tests[] = {
        {"nothing_there", test_nothing_there},
        {"everything_there", test_everything_there},
        {"days_follow_the_counters", test_days_follow_the_counters},
        {"partitions_are_added", test_partitions_are_added},
        {"damage", test_damage},
        {"redis_goes_and_comes", test_redis_goes_and_comes},
        {"closed", test_closed},
        {"entry", test_entry},
    };
    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(tests); i++) {
        g_autofree char *path = g_strdup_printf("/closing_reader/%s", tests[i].name);
        g_test_add(path, struct fixture, NULL, set_up, tests[i].test, tear_down);
    }
    return g_test_run();
}
