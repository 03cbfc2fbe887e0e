/* Deliveries on a real redis-server, through two readers: of any two that want the same, one gets it. */
#include "api/deliveries.h"

#include "tests/unit/redis_process.h"

#define ALERT "0123456789abcdef0123456789abcdef"
#define ID(n) ALERT ".raised.w-" #n

static struct redis_process server;
static struct reader *one, *two;

static void begin(struct reader *reader)
{
    g_autoptr(GError) error = NULL;
    bool ok = reader_begin(reader, g_get_monotonic_time() + 600 * G_TIME_SPAN_SECOND, &error);
    g_assert_no_error(error);
    g_assert_true(ok);
}

static void finish(struct reader *reader)
{
    g_autoptr(GError) error = NULL;
    bool ok = reader_finish(reader, &error);
    g_assert_no_error(error);
    g_assert_true(ok);
}

/* One command's reply as text or number, -1 for nil. */
static int64_t number_of(const char *command, const char *key, const char *argument)
{
    const struct redis_settings settings = {server.url, 20000, 60000};
    g_autoptr(GError) error = NULL;
    struct redis *redis = redis_connect(&settings, NULL, &error);
    g_assert_no_error(error);
    const struct view argv[] = {view_of(command), view_of(key), view_of(argument)};
    struct redis_reply *reply = redis_command(redis, argument != NULL ? 3 : 2, argv, &error);
    g_assert_no_error(error);
    int64_t number = -1;
    if (redis_reply_kind(reply) == REDIS_INTEGER)
        number = redis_reply_integer(reply);
    else if (redis_reply_kind(reply) != REDIS_NIL)
        number = g_ascii_strtoll(redis_reply_text(reply).data, NULL, 10);
    redis_reply_free(reply);
    redis_free(redis);
    return number;
}

static void put(const char *key, int64_t time_ms, const char *id)
{
    const struct redis_settings settings = {server.url, 20000, 60000};
    g_autoptr(GError) error = NULL;
    struct redis *redis = redis_connect(&settings, NULL, &error);
    g_autofree char *time = g_strdup_printf("%" G_GINT64_FORMAT, time_ms);
    struct redis_reply *reply = redis_call(redis, &error, "ZADD %s %s %s", key, time, id);
    g_assert_no_error(error);
    redis_reply_free(reply);
    redis_free(redis);
}

static void empty(void)
{
    const struct redis_settings settings = {server.url, 20000, 60000};
    struct redis *redis = redis_connect(&settings, NULL, NULL);
    struct redis_reply *reply = redis_call(redis, NULL, "FLUSHALL");
    redis_reply_free(reply);
    redis_free(redis);
    begin(one);
    begin(two);
}

static struct deliveries_entry entry_of(const char *id, int64_t at_ms)
{
    struct deliveries_entry entry = {.at_ms = at_ms};
    g_strlcpy(entry.id, id, sizeof entry.id);
    return entry;
}

static void check_counts(int64_t pending, int64_t dead, int64_t noted)
{
    struct deliveries_counts counts;
    deliveries_ask_counts(one, &counts);
    finish(one);
    g_assert_cmpint(counts.pending, ==, pending);
    g_assert_cmpint(counts.dead, ==, dead);
    g_assert_cmpint(number_of("HLEN", DELIVERIES_INFO_KEY, NULL), ==, noted);
}

/* ---- what is due ---- */

static void test_due(void)
{
    struct deliveries_page page;
    empty();
    put(DELIVERIES_KEY, 300, ID(3));
    put(DELIVERIES_KEY, 100, ID(1));
    put(DELIVERIES_KEY, 200, ID(2));
    put(DELIVERIES_KEY, 150, "none of ours");
    deliveries_page_init(&page);
    deliveries_ask_due(one, 299, 0, &page);
    finish(one);
    g_assert_cmpuint(page.seen, ==, 3);
    g_assert_cmpuint(page.entries->len, ==, 2);
    g_assert_cmpstr(deliveries_page_at(&page, 0)->id, ==, ID(1));
    g_assert_cmpstr(deliveries_page_at(&page, 1)->id, ==, ID(2));
    g_assert_cmpint(deliveries_page_at(&page, 1)->at_ms, ==, 200);
    deliveries_page_clear(&page);
    deliveries_page_init(&page);
    deliveries_ask_range(one, DELIVERIES_KEY, 2, 2, &page);
    finish(one);
    g_assert_cmpuint(page.entries->len, ==, 2);
    g_assert_cmpstr(deliveries_page_at(&page, 1)->id, ==, ID(3));
    deliveries_page_clear(&page);
    g_assert_cmpint(number_of("ZSCORE", DELIVERIES_KEY, "none of ours"), ==, 150);
}

/* ---- claims ---- */

static void test_one_of_two_gets_it(void)
{
    struct deliveries_entry mine[] = {entry_of(ID(1), 100), entry_of(ID(2), 100)};
    struct deliveries_entry theirs[] = {entry_of(ID(2), 100), entry_of(ID(3), 100), entry_of(ID(4), 100)};
    empty();
    for (int n = 0; n < 3; n++)
        put(DELIVERIES_KEY, 100, n == 0 ? ID(1) : n == 1 ? ID(2) : ID(3));
    deliveries_ask_claim(one, mine, 2, 500);
    finish(one);
    deliveries_ask_claim(two, theirs, 3, 600);
    finish(two);
    g_assert_cmpint(mine[0].at_ms, ==, 500);
    g_assert_cmpint(mine[1].at_ms, ==, 500);
    g_assert_cmpint(theirs[0].at_ms, ==, 0); /* taken */
    g_assert_cmpint(theirs[1].at_ms, ==, 600);
    g_assert_cmpint(theirs[2].at_ms, ==, 0); /* gone */
    g_assert_cmpint(number_of("ZSCORE", DELIVERIES_KEY, ID(2)), ==, 500);
    check_counts(3, 0, 0);
}

/* Who comes late, after the claim ended and another took it, changes nothing any more. */
static void test_late_notes_are_void(void)
{
    struct deliveries_entry late = entry_of(ID(1), 500), in_time = entry_of(ID(1), 600);
    empty();
    put(DELIVERIES_KEY, 600, ID(1));
    delivery_tries_add(&late.tries, 7, 500, "late");
    delivery_tries_add(&in_time.tries, 8, 503, "in time");
    deliveries_ask_postpone(one, &late, 9000);
    deliveries_ask_bury(one, &late, 9000);
    finish(one);
    check_counts(1, 0, 0);
    deliveries_ask_postpone(two, &in_time, 9000);
    finish(two);
    g_assert_cmpint(number_of("ZSCORE", DELIVERIES_KEY, ID(1)), ==, 9000);
    struct deliveries_entry read = entry_of(ID(1), 9000);
    deliveries_ask_tries(one, &read, 1);
    finish(one);
    g_assert_cmpstr(read.tries.error, ==, "in time");
    g_assert_cmpint(read.tries.status, ==, 503);
}

/* ---- ends ---- */

static void test_bury_and_retry(void)
{
    struct deliveries_entry entry = entry_of(ID(1), 100);
    bool was_there = false;
    empty();
    put(DELIVERIES_KEY, 100, ID(1));
    delivery_tries_add(&entry.tries, 90, 410, "gone");
    deliveries_ask_bury(one, &entry, 5000);
    finish(one);
    check_counts(0, 1, 1);
    int64_t time_ms = 0;
    deliveries_ask_time(one, DELIVERIES_DEAD_KEY, ID(1), &time_ms);
    deliveries_ask_retry(one, ID(1), 7000, &was_there);
    deliveries_ask_tries(one, &entry, 1);
    finish(one);
    g_assert_cmpint(time_ms, ==, 5000);
    g_assert_true(was_there);
    g_assert_true(entry.tries.is_urgent);
    g_assert_cmpuint(entry.tries.attempts, ==, 0);
    check_counts(1, 0, 1);
    g_assert_cmpint(number_of("ZSCORE", DELIVERIES_KEY, ID(1)), ==, 7000);
    deliveries_ask_retry(one, ID(2), 7000, &was_there);
    finish(one);
    g_assert_false(was_there);
    check_counts(1, 0, 1);
}

static void test_remove(void)
{
    struct deliveries_entry entry = entry_of(ID(1), 100);
    bool was_there = false;
    empty();
    put(DELIVERIES_KEY, 100, ID(1));
    put(DELIVERIES_DEAD_KEY, 100, ID(1)); /* half of a script */
    deliveries_ask_postpone(one, &entry, 200);
    deliveries_ask_remove(one, ID(1), &was_there);
    finish(one);
    g_assert_true(was_there);
    check_counts(0, 0, 0);
    deliveries_ask_remove(one, ID(1), &was_there);
    finish(one);
    g_assert_false(was_there);
}

static void test_sweep(void)
{
    int64_t oldest_ms;
    g_autoptr(GError) error = NULL;
    empty();
    for (int n = 0; n < 500; n++) {
        g_autofree char *id = g_strdup_printf(ALERT ".raised.w-%d", n);
        put(DELIVERIES_DEAD_KEY, 1000 + n, id);
    }
    struct deliveries_entry first = entry_of(ID(1000), 1), second = entry_of(ID(1001), 1), gone = entry_of(ID(1002), 1);
    put(DELIVERIES_KEY, 1, ID(1000));
    put(DELIVERIES_KEY, 1, ID(1001));
    put(DELIVERIES_KEY, 1, ID(1002));
    delivery_tries_add(&first.tries, 70, 500, "x");
    delivery_tries_add(&second.tries, 60, 500, "x");
    delivery_tries_add(&gone.tries, 50, 500, "x");
    deliveries_ask_postpone(one, &first, 9000);
    deliveries_ask_postpone(one, &second, 9000);
    deliveries_ask_postpone(one, &gone, 9000);
    finish(one);
    g_assert_cmpint(number_of("ZREM", DELIVERIES_KEY, ID(1002)), ==, 1); /* and its info is left over */
    g_assert_true(deliveries_sweep(one, 300, 1000 + 249, &oldest_ms, &error));
    g_assert_no_error(error);
    g_assert_cmpint(oldest_ms, ==, 60);
    check_counts(2, 250, 2);
    g_assert_true(deliveries_sweep(one, 10, 0, &oldest_ms, &error));
    check_counts(2, 10, 2);
    g_assert_cmpint(number_of("ZSCORE", DELIVERIES_DEAD_KEY, ID(499)), ==, 1499);
}

/* What would wait longest is given up; what is due stays, and what is known of a try is kept. */
static void test_bound(void)
{
    g_autoptr(GError) error = NULL;
    uint64_t n = 0;
    empty();
    for (int i = 0; i < 500; i++) {
        g_autofree char *id = g_strdup_printf(ALERT ".raised.w-%d", i);
        put(DELIVERIES_KEY, 1000 + i, id);
    }
    struct deliveries_entry tried = entry_of(ID(0), 1000);
    delivery_tries_add(&tried.tries, 70, 500, "x");
    deliveries_ask_postpone(one, &tried, 9000);
    finish(one);
    g_assert_true(deliveries_bound(one, 500, 5000, &n, &error));
    g_assert_no_error(error);
    g_assert_cmpuint(n, ==, 0);
    check_counts(500, 0, 1);
    g_assert_true(deliveries_bound(one, 50, 5000, &n, &error));
    g_assert_no_error(error);
    g_assert_cmpuint(n, ==, 450);
    check_counts(50, 450, 450);
    g_assert_cmpint(number_of("ZSCORE", DELIVERIES_KEY, ID(50)), ==, 1050);
    g_assert_cmpint(number_of("ZSCORE", DELIVERIES_DEAD_KEY, ID(51)), ==, 5000);
    g_assert_cmpint(number_of("ZSCORE", DELIVERIES_DEAD_KEY, ID(0)), ==, 5000);
    struct deliveries_entry entries[] = {entry_of(ID(0), 5000), entry_of(ID(499), 5000)};
    deliveries_ask_tries(one, entries, G_N_ELEMENTS(entries));
    finish(one);
    g_assert_cmpstr(entries[0].tries.error, ==, "x");
    g_assert_cmpstr(entries[1].tries.error, ==, "Too many deliveries were pending.");
}

/* ---- to whom ---- */

static void add_channel(struct registry_snapshot *snapshot, const char *id, const char *organization, uint32_t min_level,
                        bool system)
{
    struct channel *channel = item_new(&channel_shape);
    g_free(channel->id);
    g_free(channel->organization);
    channel->id = g_strdup(id);
    channel->organization = g_strdup(organization);
    channel->min_level = min_level;
    channel->system = system;
    g_assert_true(registry_snapshot_add(snapshot, REGISTRY_CHANNELS, channel));
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void check_for(const struct registry_snapshot *snapshot, const char *organization, uint32_t level, bool is_system,
                      const char *wanted)
{
    g_autoptr(GPtrArray) ids = deliveries_for(snapshot, organization, level, is_system, "a", "raised");
    g_ptr_array_sort(ids, compare);
    g_ptr_array_add(ids, NULL);
    g_autofree char *joined = g_strjoinv(" ", (char **)ids->pdata);
    g_assert_cmpstr(joined, ==, wanted);
}

static void test_for_whom(void)
{
    struct registry_snapshot *snapshot = registry_snapshot_new(1);
    add_channel(snapshot, "w-acme", "acme", 0, false);
    add_channel(snapshot, "w-acme-high", "acme", 100, false);
    add_channel(snapshot, "w-globex", "globex", 0, false);
    add_channel(snapshot, "w-all", NULL, 80, false);
    add_channel(snapshot, "m-system", NULL, 200, true);
    registry_snapshot_seal(snapshot, NULL);
    check_for(snapshot, "acme", 50, false, "a.raised.w-acme");
    check_for(snapshot, "acme", 100, false, "a.raised.w-acme a.raised.w-acme-high a.raised.w-all");
    check_for(snapshot, "globex", 300, false, "a.raised.m-system a.raised.w-all a.raised.w-globex");
    check_for(snapshot, "initech", 10, false, "");
    check_for(snapshot, NULL, 0, true, "a.raised.m-system");
    registry_snapshot_unref(snapshot);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    redis_process_start(&server, 0, NULL);
    const struct redis_settings settings = {server.url, 20000, 60000};
    one = reader_new(&settings, 1);
    two = reader_new(&settings, 1);
    g_test_add_func("/deliveries/due", test_due);
    g_test_add_func("/deliveries/one-of-two-gets-it", test_one_of_two_gets_it);
    g_test_add_func("/deliveries/late-notes-are-void", test_late_notes_are_void);
    g_test_add_func("/deliveries/bury-and-retry", test_bury_and_retry);
    g_test_add_func("/deliveries/remove", test_remove);
    g_test_add_func("/deliveries/sweep", test_sweep);
    g_test_add_func("/deliveries/bound", test_bound);
    g_test_add_func("/deliveries/for-whom", test_for_whom);
    int failed = g_test_run();
    reader_free(one);
    reader_free(two);
    redis_process_kill(&server);
    redis_process_clear(&server);
    return failed;
}
