/* What is in Redis as the aggregator writes it, read and purged by way of a real redis-server. */
#include "api/integration_errors.h"
#include "lib/keys.h"
#include "tests/unit/redis_process.h"

enum { PARTITIONS = 3 };
static const int64_t DAY = 20000;

static struct redis_process server;

static struct reader *open_reader(void)
{
    g_autoptr(GError) error = NULL;
    const struct redis_settings settings = {server.url, 20000, 60000};
    struct reader *reader = reader_new(&settings, PARTITIONS);
    g_assert_true(reader_begin(reader, g_get_monotonic_time() + 600 * G_TIME_SPAN_SECOND, &error));
    g_assert_no_error(error);
    return reader;
}

static void run(struct reader *reader, int partition, const char *const *words)
{
    struct view argv[8];
    size_t n = 0;
    for (; words[n] != NULL; n++)
        argv[n] = view_of(words[n]);
    reader_ask(reader, partition, argv, n, (struct reader_then){0});
}

static void put_sample(struct reader *reader, int partition, unsigned number, int64_t time_ms, const char *rest)
{
    g_autofree char *key = g_strdup_printf("{p%d}:refused", partition), *field = g_strdup_printf("%u", number % KEYS_RING);
    g_autofree char *text = g_strdup_printf("%u %" G_GINT64_FORMAT " %s", number, time_ms, rest);
    run(reader, partition, (const char *const[]){"HSET", key, field, text, NULL});
}

static void put_count(struct reader *reader, int partition, const char *field, const char *count)
{
    g_autofree char *key = g_strdup_printf("{p%d}:refusals", partition);
    run(reader, partition, (const char *const[]){"HSET", key, field, count, NULL});
}

/* Two days, two collectors, three partitions: time goes on from sample to sample, through the partitions in turn. */
static struct reader *make_world(void)
{
    struct reader *reader = open_reader();
    run(reader, READER_CONTROL, (const char *const[]){"FLUSHALL", NULL});
    g_assert_true(reader_finish(reader, NULL));
    for (unsigned i = 0; i < 300; i++)
        put_sample(reader, (int)(i % PARTITIONS), i / PARTITIONS, (DAY + (i >= 150)) * KEYS_DAY_MS + i,
                   i % 2 ? "5 2 too_old edge 1\x1fIt is old.\x1f{}" : "0 1 malformed import\x1fNo.\x1f");
    put_count(reader, 0, "20000 too_old edge 1", "7");
    put_count(reader, 1, "20000 too_old edge 1", "5");
    put_count(reader, 1, "20001 malformed import", "300");
    put_count(reader, 2, "20001 {other} {other}", "1");
    put_count(reader, 2, "nonsense", "9");
    put_sample(reader, 2, 999, 1, "nonsense");
    g_assert_true(reader_finish(reader, NULL));
    return reader;
}

static struct integration_errors question(guint wanted)
{
    return (struct integration_errors){.filter = {INT64_MIN, INT64_MAX, NULL, NULL}, .wanted = wanted};
}

static const struct integration_sample *sample_at(const struct integration_errors *errors, guint i)
{
    return g_ptr_array_index(errors->samples, i);
}

static void assert_sums(const GPtrArray *sums, const char *wanted)
{
    g_autoptr(GString) text = g_string_new(NULL);
    for (guint i = 0; i < sums->len; i++) {
        const struct integration_sum *sum = g_ptr_array_index(sums, i);
        g_string_append_printf(text, "%s=%" G_GUINT64_FORMAT ";", sum->name, sum->count);
    }
    g_assert_cmpstr(text->str, ==, wanted);
}

static void read_all(struct integration_errors *errors, struct reader *reader)
{
    g_autoptr(GError) error = NULL;
    g_assert_true(integration_errors_read(errors, reader, &error));
    g_assert_no_error(error);
}

static void test_all(void)
{
    struct reader *reader = make_world();
    struct integration_errors errors = question(1000);
    read_all(&errors, reader);
    g_assert_cmpuint(errors.samples->len, ==, 300);
    g_assert_cmpuint(errors.kept, ==, 300);
    g_assert_false(errors.more);
    for (guint i = 0; i < 300; i++)
        g_assert_cmpint(sample_at(&errors, i)->place.time_ms % KEYS_DAY_MS, ==, 299 - i);
    const struct integration_sample *newest = sample_at(&errors, 0);
    g_assert_true(view_is(newest->reason, "too_old") && view_is(newest->collector, "edge 1"));
    g_assert_true(view_is(newest->message, "It is old.") && view_is(newest->sample, "{}"));
    g_assert_true(newest->count == 2 && newest->refused_ms == 5);
    g_assert_cmpuint(errors.total, ==, 313);
    assert_sums(errors.by_reason, "malformed=300;too_old=12;{other}=1;");
    assert_sums(errors.by_collector, "import=300;edge 1=12;{other}=1;");
    integration_errors_clear(&errors);
    reader_free(reader);
}

static void test_filters(void)
{
    struct reader *reader = make_world();
    struct integration_errors errors = question(1000);
    errors.filter.collector = "edge 1";
    read_all(&errors, reader);
    g_assert_cmpuint(errors.samples->len, ==, 150);
    g_assert_cmpuint(errors.total, ==, 12);
    integration_errors_clear(&errors);
    errors = question(1000);
    errors.filter.from_day = errors.filter.to_day = DAY + 1;
    errors.filter.reason = "malformed";
    read_all(&errors, reader);
    g_assert_cmpuint(errors.samples->len, ==, 75);
    g_assert_cmpuint(errors.total, ==, 300);
    assert_sums(errors.by_collector, "import=300;");
    integration_errors_clear(&errors);
    reader_free(reader);
}

/* Pages of any size together are the whole list, also when many more are dropped while reading. */
static void test_pages(void)
{
    static const guint sizes[] = {1, 7, 100, 299, 300};
    struct reader *reader = make_world();
    for (size_t i = 0; i < G_N_ELEMENTS(sizes); i++) {
        struct integration_errors errors = {.more = true};
        struct integration_place after = {0};
        guint seen = 0;
        while (errors.more) {
            errors = question(sizes[i]);
            errors.has_after = seen > 0;
            errors.after = after;
            read_all(&errors, reader);
            g_assert_cmpuint(errors.kept, ==, 300);
            for (guint k = 0; k < errors.samples->len; k++, seen++)
                g_assert_cmpint(sample_at(&errors, k)->place.time_ms % KEYS_DAY_MS, ==, 299 - seen);
            after = sample_at(&errors, errors.samples->len - 1)->place;
            bool more = errors.more;
            integration_errors_clear(&errors);
            errors.more = more;
        }
        g_assert_cmpuint(seen, ==, 300);
    }
    reader_free(reader);
}

static uint64_t purge(struct reader *reader, int64_t before_ms)
{
    g_autoptr(GError) error = NULL;
    uint64_t purged;
    g_assert_true(integration_errors_purge(reader, before_ms, &purged, &error));
    g_assert_no_error(error);
    return purged;
}

static void assert_kept(struct reader *reader, guint kept, uint64_t purged)
{
    struct integration_errors errors = question(1000);
    read_all(&errors, reader);
    g_assert_cmpuint(errors.samples->len, ==, kept);
    g_assert_cmpuint(errors.purged, ==, purged);
    g_assert_cmpuint(errors.total, ==, 313);
    integration_errors_clear(&errors);
}

static void take_size(struct reader *reader, const struct redis_reply *reply, void *opaque, size_t a, size_t b)
{
    (void)reader, (void)a, (void)b;
    *(int64_t *)opaque += redis_reply_integer(reply);
}

static int64_t in_redis(struct reader *reader)
{
    int64_t n = 0;
    for (int i = 0; i < PARTITIONS; i++) {
        char key[KEYS_MAX];
        const struct view argv[] = {view_of("HLEN"), view_make(key, keys_plain(key, i, "refused"))};
        reader_ask(reader, i, argv, G_N_ELEMENTS(argv), (struct reader_then){.take = take_size, .opaque = &n});
    }
    g_assert_true(reader_finish(reader, NULL));
    return n;
}

static void test_purge(void)
{
    struct reader *reader = make_world();
    g_assert_cmpuint(purge(reader, DAY * KEYS_DAY_MS), ==, 0);
    assert_kept(reader, 300, 0);
    g_assert_cmpuint(purge(reader, (DAY + 1) * KEYS_DAY_MS), ==, 150);
    assert_kept(reader, 150, 150);
    g_assert_cmpint(in_redis(reader), ==, 150 + 1); /* what is no sample is not ours to remove */
    g_assert_cmpuint(purge(reader, DAY * KEYS_DAY_MS + 5), ==, 0);
    assert_kept(reader, 150, 150);
    /* A worker writes its newest ones again: they stay away. */
    put_sample(reader, 0, 49, DAY * KEYS_DAY_MS + 147, "5 2 too_old edge 1\x1fIt is old.\x1f{}");
    g_assert_true(reader_finish(reader, NULL));
    assert_kept(reader, 150, 150);
    put_sample(reader, 0, 100, (DAY + 3) * KEYS_DAY_MS, "5 2 too_old edge 1\x1fIt is old.\x1f{}");
    g_assert_true(reader_finish(reader, NULL));
    assert_kept(reader, 151, 150);
    g_assert_cmpuint(purge(reader, (DAY + 2) * KEYS_DAY_MS), ==, 150);
    assert_kept(reader, 1, 300);
    reader_free(reader);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    redis_process_start(&server, 0, NULL);
    g_test_add_func("/integration_errors/all", test_all);
    g_test_add_func("/integration_errors/filters", test_filters);
    g_test_add_func("/integration_errors/pages", test_pages);
    g_test_add_func("/integration_errors/purge", test_purge);
    int status = g_test_run();
    redis_process_clear(&server);
    return status;
}
