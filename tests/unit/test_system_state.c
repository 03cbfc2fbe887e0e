/* What is said of the system, over a real Redis in which each test writes what aggregators would have left. */
#include "api/system_state.h"

#include "lib/civil.h"
#include "lib/keys.h"
#include "lib/redis.h"
#include "tests/unit/redis_process.h"

enum { PARTITIONS = 4, DAY = 20778, SECOND = 1000 };

#define NOW (DAY * CIVIL_DAY_MS + INT64_C(12) * 3600 * SECOND)
#define STREAM_A "000102030405060708090a0b0c0d0e0f"
#define STREAM_B "f00102030405060708090a0b0c0d0e0f"
#define BYTES 1000

struct place {
    struct redis_process server;
    struct redis *redis;
    struct reader *reader;
    struct ledger_cache *ledger;
    struct system_settings settings;
};

static void set_up(struct place *place, gconstpointer data)
{
    (void)data;
    g_autoptr(GError) error = NULL;
    redis_process_start(&place->server, 0, NULL);
    const struct redis_settings settings = {place->server.url, 20000, 60000};
    place->redis = redis_connect(&settings, NULL, &error);
    g_assert_no_error(error);
    place->reader = reader_new(&settings, PARTITIONS);
    place->ledger = ledger_cache_new();
    place->settings = (struct system_settings){.ledger = place->ledger,
                                               .silent_after_ms = 120 * SECOND,
                                               .silent_until_ms = 7 * CIVIL_DAY_MS,
                                               .sealed_after_ms = 3 * 3600 * SECOND,
                                               .lag_ms = 300 * SECOND,
                                               .journal_bytes = BYTES,
                                               .journal_age_ms = 600 * SECOND};
}

static void tear_down(struct place *place, gconstpointer data)
{
    (void)data;
    reader_free(place->reader);
    ledger_cache_free(place->ledger);
    redis_free(place->redis);
    redis_process_clear(&place->server);
}

G_GNUC_PRINTF(4, 5) static void put(const struct place *place, const char *key, const char *field, const char *format, ...)
{
    g_autoptr(GError) error = NULL;
    va_list arguments;
    va_start(arguments, format);
    g_autofree char *value = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    const struct view argv[] = {view_of("HSET"), view_of(key), view_of(field), view_of(value)};
    struct redis_reply *reply = redis_command(place->redis, G_N_ELEMENTS(argv), argv, &error);
    g_assert_no_error(error);
    redis_reply_free(reply);
}

/* All partitions are counted up to their end, now, since yesterday; yesterday is closed. */
static void all_is_well(const struct place *place)
{
    for (int partition = 0; partition < PARTITIONS; partition++) {
        g_autofree char *meta = g_strdup_printf("{p%d}:meta", partition), *number = g_strdup_printf("%d", partition);
        put(place, "{daybook}:workers", number, "50 50 %" G_GINT64_FORMAT " 0 worker one", NOW - SECOND);
        put(place, meta, "clock", "%" G_GINT64_FORMAT, NOW - SECOND);
        put(place, meta, "first_ms", "%" G_GINT64_FORMAT, (DAY - 1) * CIVIL_DAY_MS + 1);
    }
    put(place, "{p0}:entries", "20777.1", "1");
    put(place, "{p0}:meta", "ledger", "1");
    put(place, "{p0}:meta", "ledger_checksum", "%s%s", STREAM_A STREAM_A, "");
}

static struct system_state *look_at(struct place *place, int64_t now_ms)
{
    g_autoptr(GError) error = NULL;
    g_assert_true(reader_begin(place->reader, g_get_monotonic_time() + 600 * G_TIME_SPAN_SECOND, &error));
    struct system_state *state = system_state_look(place->reader, &place->settings, now_ms, &error);
    g_assert_no_error(error);
    return state;
}

/* "type|subject|since - NOW in s", one line for each. */
static char *lines_of(const GPtrArray *list)
{
    g_autoptr(GString) text = g_string_new(NULL);
    for (guint i = 0; i < list->len; i++) {
        const struct condition *condition = g_ptr_array_index((GPtrArray *)(uintptr_t)list, i);
        g_assert_cmpuint(strlen(condition->message), >, 10);
        g_string_append_printf(text, "%s|%s|%" G_GINT64_FORMAT "\n", condition->type, condition->subject,
                               (condition->since_ms - NOW) / SECOND);
    }
    return g_string_free(g_steal_pointer(&text), FALSE);
}

static char *conditions_at(struct place *place, int64_t now_ms)
{
    struct system_state *state = look_at(place, now_ms);
    char *text = lines_of(state->conditions);
    system_state_free(state);
    return text;
}

static void check(struct place *place, int64_t now_ms, const char *expected)
{
    g_autofree char *said = conditions_at(place, now_ms);
    g_assert_cmpstr(said, ==, expected);
}

static void check_doubtful(struct place *place, int64_t now_ms, const char *expected)
{
    struct system_state *state = look_at(place, now_ms);
    g_autofree char *said = lines_of(state->doubtful);
    g_assert_cmpstr(said, ==, expected);
    system_state_free(state);
}

static void heartbeat_of(const struct place *place, int partition, const char *stream, const char *name, int64_t clock_ms)
{
    g_autofree char *key = g_strdup_printf("{p%d}:hb", partition);
    put(place, key, stream, "%s %" G_GINT64_FORMAT " 0 0 10 9 1 0 3,0,0,1", name, clock_ms);
}

/* Of the collector "web". */
static void journal_of(const struct place *place, int64_t clock_ms, int64_t bytes, int64_t oldest_ms)
{
    put(place, "{p0}:hb", STREAM_A, "web %" G_GINT64_FORMAT " %" G_GINT64_FORMAT " %" G_GINT64_FORMAT " 10 9 1 0 3,0,0,1", clock_ms,
        bytes, oldest_ms);
}

/* ---- tests ---- */

static void test_nothing(struct place *place, gconstpointer data)
{
    (void)data;
    check(place, NOW, ""); /* an empty Redis: nothing is known, nothing is said */
    all_is_well(place);
    check(place, NOW, "");
    struct system_state *state = look_at(place, NOW);
    g_assert_cmpuint(state->partitions->len, ==, PARTITIONS);
    const struct system_partition *partition = g_ptr_array_index(state->partitions, 3);
    g_assert_cmpint(partition->state, ==, SYSTEM_PARTITION_COUNTING);
    g_assert_cmpint(partition->next, ==, 50);
    g_assert_cmpstr(partition->worker, ==, "worker one");
    g_assert_cmpuint(state->days->len, ==, 0);
    system_state_free(state);
}

static void test_foreign_data(struct place *place, gconstpointer data)
{
    (void)data;
    static const char *const keys[] = {
        "{daybook}:workers", "{daybook}:conditions", "{p0}:hb", "{p1}:gaps", "{p2}:open", "{p3}:days", "{p1}:meta", "{p2}:meta"};
    static const char *const texts[] = {"",
                                        " ",
                                        "-",
                                        "1 2 3",
                                        "x y z a b c d e f",
                                        "-1 -1 -1 -1 -1 -1 -1 -1 -1",
                                        "99999999999999999999 1 1 1 1",
                                        "9223372036854775807",
                                        "-9223372036854775808",
                                        "w 9223372036854775807 9223372036854775807 9223372036854775807 1 1 1 1 1",
                                        "5 9223372036854775807 9223372036854775807 9223372036854775807 w",
                                        "1 9223372036854775807 1 1 1 1 1 9223372036854775807 9223372036854775807",
                                        "a\xff b\xfe 1 1 1 1 1 1 1",
                                        "1 2 000102030405060708090a0b0c0d0e0f 9 3 20778"};
    all_is_well(place);
    for (guint key = 0; key < G_N_ELEMENTS(keys); key++)
        for (guint i = 0; i < G_N_ELEMENTS(texts); i++) {
            g_autofree char *field = g_strdup_printf(i % 3 == 0 ? "x%u" : key == 4 ? "20777.%u" : "%u", i);
            put(place, keys[key], field, "%s", texts[i]);
            put(place, keys[key], "clock", "%s", texts[i]);
        }
    system_state_free(look_at(place, NOW));
}

static void test_lag(struct place *place, gconstpointer data)
{
    (void)data;
    all_is_well(place);
    put(place, "{daybook}:workers", "1", "50 60 %" G_GINT64_FORMAT " %" G_GINT64_FORMAT " w", NOW, NOW - 299 * SECOND);
    check(place, NOW, "");
    check(place, NOW + SECOND, "lag_without_progress|partition 1|-299\n");
    put(place, "{daybook}:workers", "1", "51 60 %" G_GINT64_FORMAT " %" G_GINT64_FORMAT " w", NOW, NOW);
    check(place, NOW + SECOND, "");
    /* One that nobody owns: first the entry is old, then it is old for long enough. */
    put(place, "{daybook}:workers", "2", "50 50 %" G_GINT64_FORMAT " 0 w", NOW - 299 * SECOND);
    check(place, NOW, "");
    struct system_state *state = look_at(place, NOW);
    g_assert_cmpint(((struct system_partition *)g_ptr_array_index(state->partitions, 2))->state, ==, SYSTEM_PARTITION_UNOWNED);
    system_state_free(state);
    check(place, NOW + SECOND, "lag_without_progress|partition 2|-299\n");
    /* One of which nobody ever said anything, since there is a board. */
    const struct view argv[] = {view_of("HDEL"), view_of("{daybook}:workers"), view_of("2")};
    redis_reply_free(redis_command(place->redis, G_N_ELEMENTS(argv), argv, NULL));
    check(place, NOW + SECOND, "");
    put(place, "{daybook}:workers", "since", "%" G_GINT64_FORMAT, NOW - 400 * SECOND);
    check(place, NOW + SECOND, "lag_without_progress|partition 2|-400\n");
}

static void test_silent(struct place *place, gconstpointer data)
{
    (void)data;
    const int64_t known = NOW - SECOND; /* up to when all partitions are read */
    all_is_well(place);
    heartbeat_of(place, 0, STREAM_A, "web%201", NOW - 500 * SECOND);
    heartbeat_of(place, 1, STREAM_A, "web%201", known - 121 * SECOND);
    heartbeat_of(place, 2, STREAM_B, "web-2", known - 120 * SECOND);
    check(place, NOW, "silent_collector|web 1|-122\n");
    /* Its next run has another stream; the name is what counts. */
    heartbeat_of(place, 3, STREAM_B, "web%201", NOW);
    check(place, NOW, "");
    /* A partition that is behind may hold the heartbeats: 10 s more for each of them. */
    all_is_well(place);
    put(place, "{p3}:hb", STREAM_B, "x 1");
    check(place, NOW, "silent_collector|web 1|-122\n");
    put(place, "{daybook}:workers", "3", "50 90 %" G_GINT64_FORMAT " %" G_GINT64_FORMAT " w", NOW, NOW - 100 * SECOND);
    put(place, "{p3}:meta", "clock", "%" G_GINT64_FORMAT, NOW - 100 * SECOND);
    check(place, NOW, "");
    heartbeat_of(place, 1, STREAM_A, "web%201", known - 131 * SECOND);
    check(place, NOW, "silent_collector|web 1|-132\n");
    /* After a week it is gone. */
    all_is_well(place);
    heartbeat_of(place, 1, STREAM_A, "web%201", NOW - 7 * CIVIL_DAY_MS);
    heartbeat_of(place, 0, STREAM_A, "web%201", NOW - 7 * CIVIL_DAY_MS - SECOND);
    check(place, NOW, "silent_collector|web 1|-604800\n");
    heartbeat_of(place, 1, STREAM_A, "web%201", NOW - 7 * CIVIL_DAY_MS - SECOND);
    check(place, NOW, "");
}

/* Nobody is silent, nor speaks again, because nobody reads the log. */
static void test_nobody_listens(struct place *place, gconstpointer data)
{
    (void)data;
    all_is_well(place);
    heartbeat_of(place, 0, STREAM_A, "before", NOW - 130 * SECOND);
    heartbeat_of(place, 0, STREAM_B, "after", NOW - 10 * SECOND);
    check(place, NOW, "silent_collector|before|-130\n");
    check(place, NOW + 200 * SECOND, "silent_collector|before|-130\n");
}

/* An aggregator that begins anew does not know how far it is: that ends no silence, and begins none. */
static void test_aggregator_restarts(struct place *place, gconstpointer data)
{
    (void)data;
    all_is_well(place);
    heartbeat_of(place, 0, STREAM_A, "stopped", NOW - 200 * SECOND);
    for (int partition = 0; partition < PARTITIONS; partition++) {
        g_autofree char *meta = g_strdup_printf("{p%d}:meta", partition);
        put(place, meta, "clock", "%" G_GINT64_FORMAT, NOW - 200 * SECOND); /* nothing came since */
    }
    check(place, NOW, "silent_collector|stopped|-200\n");
    check_doubtful(place, NOW, "");
    for (int partition = 0; partition < PARTITIONS; partition++) {
        g_autofree char *number = g_strdup_printf("%d", partition);
        put(place, "{daybook}:workers", number, "50 50 %" G_GINT64_FORMAT " %" G_GINT64_FORMAT " worker two", NOW, NOW);
    }
    check(place, NOW, "");
    check_doubtful(place, NOW, "silent_collector|stopped|-200\n");
    heartbeat_of(place, 0, STREAM_A, "stopped", NOW);
    check_doubtful(place, NOW, "");
}

static void test_journal(struct place *place, gconstpointer data)
{
    (void)data;
    all_is_well(place);
    journal_of(place, NOW, BYTES, NOW - 600 * SECOND);
    check(place, NOW, "");
    journal_of(place, NOW + SECOND, BYTES + 1, NOW);
    check(place, NOW + SECOND, "journal_filling|web|1\n");
    check(place, NOW + 5 * SECOND, "journal_filling|web|1\n"); /* its beginning is kept */
    journal_of(place, NOW + 6 * SECOND, BYTES, NOW - 595 * SECOND);
    check(place, NOW + 6 * SECOND, "journal_filling|web|1\n");
    journal_of(place, NOW + 7 * SECOND, BYTES, NOW);
    check(place, NOW + 7 * SECOND, "");
    journal_of(place, NOW + 8 * SECOND, 2 * BYTES, NOW);
    check(place, NOW + 9 * SECOND, "journal_filling|web|9\n"); /* another one */
}

static void test_gap(struct place *place, gconstpointer data)
{
    (void)data;
    all_is_well(place);
    heartbeat_of(place, 0, STREAM_A, "web", NOW);
    put(place, "{p1}:gaps", "0", "0 99 " STREAM_A " 5 7 %d", DAY);
    put(place, "{p1}:gaps", "1", "1 120 " STREAM_A " 8 9 %d", DAY);
    put(place, "{p2}:gaps", "0", "0 10 " STREAM_A " 1 2 %d", DAY);
    put(place, "{p2}:gaps", "1", "1 11 " STREAM_B " 1 2 %d", DAY - 1); /* that day is in the ledger */
    check(place, NOW, "sequence_gap|stream " STREAM_A " on 2026-11-21|-43200\n");
    struct system_state *state = look_at(place, NOW);
    const struct condition *condition = g_ptr_array_index(state->conditions, 0);
    g_assert_true(g_str_has_prefix(condition->message, "4 batches of collector web are missing in the log"));
    system_state_free(state);
    for (int partition = 0; partition < PARTITIONS; partition++) {
        g_autofree char *number = g_strdup_printf("%d", partition);
        put(place, "{daybook}:workers", number, "50 50 %" G_GINT64_FORMAT " 0 w", (DAY + 2) * CIVIL_DAY_MS);
    }
    g_autofree char *last = conditions_at(place, (DAY + 2) * CIVIL_DAY_MS - 1);
    g_assert_nonnull(strstr(last, "sequence_gap"));
    g_autofree char *after = conditions_at(place, (DAY + 2) * CIVIL_DAY_MS);
    g_assert_null(strstr(after, "sequence_gap"));
}

static void check_why(struct place *place, int64_t now_ms, int64_t day, bool due, const char *why)
{
    struct system_state *state = look_at(place, now_ms);
    g_assert_cmpuint(state->days->len, ==, 1);
    const struct system_day *found = g_ptr_array_index(state->days, 0);
    g_assert_cmpint(found->day, ==, day);
    g_assert_cmpint(found->due, ==, due);
    g_assert_cmpstr(found->why, ==, why);
    system_state_free(state);
}

static void test_day(struct place *place, gconstpointer data)
{
    (void)data;
    const int64_t due = DAY * CIVIL_DAY_MS + 3 * 3600 * SECOND;
    all_is_well(place);
    const struct view argv[] = {view_of("DEL"), view_of("{p0}:entries")};
    redis_reply_free(redis_command(place->redis, G_N_ELEMENTS(argv), argv, NULL));
    put(place, "{p0}:meta", "ledger", "0");
    check_why(place, due - 1, DAY - 1, false, "Revision 1 waits for the seal of partition 0 and 3 more.");
    check_why(place, due, DAY - 1, true, "Revision 1 waits for the seal of partition 0 and 3 more.");
    check(place, NOW, "partition_not_sealed|day 2026-11-20|-32400\n");
    for (int partition = 0; partition < PARTITIONS; partition++) {
        g_autofree char *key = g_strdup_printf("{p%d}:days", partition);
        put(place, key, "20777", partition == 2 ? "1 0 0 0" : "1 1 0 0");
    }
    check_why(place, due, DAY - 1, true, "Revision 1 waits for the sheet of partition 2.");
    put(place, "{daybook}:workers", "2", "50 50 %" G_GINT64_FORMAT " 0 w", NOW - 100 * SECOND);
    check_why(place, NOW, DAY - 1, true, "Revision 1 waits for the sheet of partition 2, which nobody counts.");
    put(place, "{p2}:days", "20777", "1 1 0 0");
    check_why(place, NOW, DAY - 1, true, "Revision 1 waits for its entry in the ledger; partition 0 writes it.");
}

/* Late events of a closed day, and those of a day before the log began. */
static void test_late(struct place *place, gconstpointer data)
{
    (void)data;
    all_is_well(place);
    put(place, "{p1}:days", "20777", "1 1 1 0");
    put(place, "{p1}:open", "20777.2", "5 0 0 0 0 7 9 %" G_GINT64_FORMAT " %" G_GINT64_FORMAT, NOW - 9 * SECOND, NOW);
    put(place, "{p1}:open", "20778.1", "5 0 0 0 0 7 9 %" G_GINT64_FORMAT " %" G_GINT64_FORMAT, NOW, NOW);
    check_why(place, NOW + SECOND, DAY - 1, false, "Revision 2 waits for the seal of partition 0 and 3 more.");
    check(place, NOW + SECOND, "");
    for (int partition = 0; partition < PARTITIONS; partition++) {
        g_autofree char *number = g_strdup_printf("%d", partition);
        put(place, "{daybook}:workers", number, "50 50 %" G_GINT64_FORMAT " 0 w", NOW + 10800 * SECOND);
    }
    check(place, NOW + 10800 * SECOND - 1, "");
    check(place, NOW + 10800 * SECOND, "partition_not_sealed|day 2026-11-20|10800\n");
    put(place, "{p1}:open", "100.1", "5 0 0 0 0 7 9 %" G_GINT64_FORMAT " %" G_GINT64_FORMAT, NOW - 9 * SECOND, NOW - SECOND);
    check(place, NOW + 10800 * SECOND, "partition_not_sealed|day 1970-04-11|10799\npartition_not_sealed|day 2026-11-20|10800\n");
}

static void test_bounds(struct place *place, gconstpointer data)
{
    (void)data;
    all_is_well(place);
    for (int i = 0; i < SYSTEM_CONDITIONS_MAX + 50; i++) {
        g_autofree char *stream = g_strdup_printf("%032x", i), *name = g_strdup_printf("web-%d", i);
        heartbeat_of(place, i % PARTITIONS, stream, name, NOW - (200 + i) * SECOND);
    }
    struct system_state *state = look_at(place, NOW);
    g_assert_cmpuint(state->conditions->len, ==, SYSTEM_CONDITIONS_MAX);
    g_assert_cmpuint(state->collectors->len, ==, SYSTEM_CONDITIONS_MAX + 50);
    const struct condition *first = g_ptr_array_index(state->conditions, 0);
    g_assert_cmpstr(first->subject, ==, "web-249"); /* silent for longest */
    g_assert_cmpuint(state->doubtful->len, ==, 50); /* what lasts does not end because others began */
    system_state_free(state);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *path;
        void (*test)(struct place *place, gconstpointer data);
    } tests[] = {
        {"/system_state/nothing", test_nothing},
        {"/system_state/foreign-data", test_foreign_data},
        {"/system_state/lag", test_lag},
        {"/system_state/silent", test_silent},
        {"/system_state/nobody-listens", test_nobody_listens},
        {"/system_state/aggregator-restarts", test_aggregator_restarts},
        {"/system_state/journal", test_journal},
        {"/system_state/gap", test_gap},
        {"/system_state/day", test_day},
        {"/system_state/late", test_late},
        {"/system_state/bounds", test_bounds},
    };
    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(tests); i++)
        g_test_add(tests[i].path, struct place, NULL, set_up, tests[i].test, tear_down);
    return g_test_run();
}
