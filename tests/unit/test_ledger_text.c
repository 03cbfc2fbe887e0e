#include "ledger_tools.h"

/* ---- sums ---- */

/* Partitions 0 and 1, complete; a stream of each of two collectors, in both partitions. */
static struct ledger_entry *complete_entry(void)
{
    struct ledger_entry *entry = ledger_entry_new();
    for (guint p = 0; p < 2; p++) {
        struct partition_day *day = partition_day_new();
        day->partition = p;
        day->sealed_at_ms = 1000 + p;
        day->events = 10;
        day->late = p;
        for (guint8 k = 0; k < 2; k++) {
            struct stream_day *stream = stream_day_new();
            stream->stream_id[0] = k;
            stream->high_water = 5;
            g_free(stream->collector);
            stream->collector = g_strdup_printf("c-%u", k);
            announce(stream, 2, (const guint64[]){5, 5});
            g_ptr_array_add(day->streams, stream);
        }
        g_ptr_array_add(entry->partitions, day);
    }
    return entry;
}

static struct stream_day *stream_of(struct ledger_entry *entry, guint partition, guint stream)
{
    struct partition_day *day = g_ptr_array_index(entry->partitions, partition);
    return g_ptr_array_index(day->streams, stream);
}

static void silence(struct stream_day *stream)
{
    g_clear_pointer(&stream->announced, g_array_unref);
}

static void rename_collector(struct stream_day *stream, const char *name)
{
    g_free(stream->collector);
    stream->collector = g_strdup(name);
}

static void assert_complete(struct ledger_entry *entry, bool complete)
{
    ledger_entry_add_up(entry);
    g_assert_true(entry->complete == complete);
    ledger_entry_free(entry);
}

static void test_sums(void)
{
    struct ledger_entry *entry = complete_entry();
    first_day(entry)->reason = SEAL_LATE;
    first_day(entry)->gap_batches = 3;
    for (guint i = 0; i < 2; i++) { /* adding up again changes nothing */
        ledger_entry_add_up(entry);
        g_assert_cmpuint(entry->events, ==, 20);
        g_assert_cmpuint(entry->late, ==, 1);
        g_assert_cmpuint(entry->gap_batches, ==, 3);
        g_assert_cmpint(entry->closed_at_ms, ==, 1001);
        g_assert_cmpint(entry->reason, ==, SEAL_LATE);
        g_assert_true(entry->complete);
    }
    ((struct partition_day *)g_ptr_array_index(entry->partitions, 1))->reason = SEAL_ERASURE;
    ledger_entry_add_up(entry);
    g_assert_cmpint(entry->reason, ==, SEAL_ERASURE);
    ledger_entry_free(entry);
}

static void test_complete(void)
{
    assert_complete(complete_entry(), true);
    struct ledger_entry *entry = complete_entry();
    first_day(entry)->gaps = 1;
    assert_complete(entry, false);
    entry = complete_entry();
    first_day(entry)->quarantined = 1;
    assert_complete(entry, false);

    entry = complete_entry();
    first_day(entry)->incomplete = true;
    assert_complete(entry, false);

    entry = complete_entry(); /* heard from after the day in one partition: that tells of all */
    silence(stream_of(entry, 0, 0));
    assert_complete(entry, true);
    entry = complete_entry();
    silence(stream_of(entry, 0, 0));
    silence(stream_of(entry, 1, 0));
    assert_complete(entry, false);
}

static void test_complete_announced(void)
{
    struct ledger_entry *entry = complete_entry();
    stream_of(entry, 1, 0)->high_water = 4; /* announced 5 everywhere */
    assert_complete(entry, false);
    entry = complete_entry(); /* the earlier announcement said 4: the fifth was cut after the day */
    stream_of(entry, 1, 0)->high_water = 4;
    announce(stream_of(entry, 0, 0), 2, (const guint64[]){5, 4});
    assert_complete(entry, true);
    entry = complete_entry(); /* announced before there was a partition 1 */
    stream_of(entry, 1, 0)->high_water = 0;
    announce(stream_of(entry, 0, 0), 1, (const guint64[]){5});
    assert_complete(entry, true);
}

/* Partition 1 did not hear the stream on the day. */
static void test_complete_unheard(void)
{
    for (guint64 announced = 0; announced < 2; announced++) {
        struct ledger_entry *entry = complete_entry();
        struct partition_day *day = g_ptr_array_index(entry->partitions, 1);
        announce(stream_of(entry, 0, 0), 2, (const guint64[]){5, announced});
        g_ptr_array_remove_index(day->streams, 0);
        assert_complete(entry, announced == 0);
    }
}

/* A batch that was cut after the day tells that it is over for the collector. */
static void test_complete_by_clock(void)
{
    for (int i = 0; i < 2; i++) {
        struct ledger_entry *entry = complete_entry();
        entry->day = 100;
        silence(stream_of(entry, 0, 0));
        silence(stream_of(entry, 1, 0));
        stream_of(entry, 1, 0)->heard_ms = 101 * INT64_C(86400000) - 1 + i;
        assert_complete(entry, i == 1);
    }
}

static void test_complete_runs(void)
{
    struct ledger_entry *entry = complete_entry(); /* stream 0 ended with its run, stream 1 is the next one of that collector */
    for (guint p = 0; p < 2; p++) {
        silence(stream_of(entry, p, 0));
        rename_collector(stream_of(entry, p, 1), "c-0");
    }
    rename_collector(stream_of(entry, 1, 0), ""); /* in partition 1 only events of it came */
    assert_complete(entry, true);
    entry = complete_entry(); /* two without a name are not the same one */
    for (guint p = 0; p < 2; p++) {
        silence(stream_of(entry, p, 0));
        rename_collector(stream_of(entry, p, 0), "");
        rename_collector(stream_of(entry, p, 1), "");
    }
    assert_complete(entry, false);
    entry = complete_entry(); /* imports say nothing after the day */
    for (guint p = 0; p < 2; p++) {
        silence(stream_of(entry, p, 0));
        stream_of(entry, p, 0)->import = true;
    }
    assert_complete(entry, true);
}

static void test_sums_too_large(void)
{
    struct ledger_entry *entry = small_entry();
    first_day(entry)->duplicates = INT64_MAX;
    ((struct partition_day *)g_ptr_array_index(entry->partitions, 1))->duplicates = UINT64_MAX;
    ledger_entry_add_up(entry);
    g_assert_cmpuint(entry->duplicates, >, INT64_MAX);
    ledger_entry_free(entry);
}

/* ---- texts ---- */

static void test_checksum(void)
{
    static const char *const abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"; /* FIPS 180-2, B.1 */
    uint8_t checksum[LEDGER_CHECKSUM_SIZE], again[LEDGER_CHECKSUM_SIZE];
    char hex[2 * LEDGER_CHECKSUM_SIZE + 1];
    ledger_checksum(view_of("abc"), checksum);
    ledger_hex(checksum, hex);
    g_assert_cmpstr(hex, ==, abc);
    g_assert_true(ledger_unhex(view_of(hex), again));
    assert_bytes(checksum, again, sizeof again);
    g_assert_false(ledger_unhex(view_make(hex, 63), again));
    g_assert_false(ledger_unhex(view_of("BA7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"), again));
    g_assert_false(ledger_unhex(view_of("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015a "), again));
    g_assert_false(ledger_unhex(view_of(""), again));
}

static void test_reasons(void)
{
    g_assert_cmpstr(ledger_reason(SEAL_DAY_END), ==, "day_end");
    g_assert_cmpstr(ledger_reason(SEAL_LATE), ==, "late");
    g_assert_cmpstr(ledger_reason(SEAL_REQUESTED), ==, "requested");
    g_assert_cmpstr(ledger_reason(SEAL_ERASURE), ==, "erasure");
}

static void test_day_state(void)
{
    static const char *const bad[] = {
        "",
        " ",
        "1 1 1",
        "1 1 1 0 ",
        " 1 1 1 0",
        "1  1 1 0",
        "1 1 1 0 0",
        "1,1,1,0",
        "-1 0 0 0",
        "1 2 0 0",
        "1 1 2 0",
        "1048577 1 1 0",
        "1 1 1 -5",
        "1 1 1 9223372036854775808",
        "1 1 1 99999999999999999999",
        "a b c d",
    };
    char text[DAY_TEXT_MAX];
    struct day_state state = {LEDGER_REVISION_MAX, LEDGER_REVISION_MAX, LEDGER_REVISION_MAX, INT64_MAX}, again;
    size_t size = day_state_write(&state, text);
    g_assert_cmpstr(text, ==, "10000 10000 10000 9223372036854775807");
    g_assert_true(day_state_read(view_make(text, size), &again));
    g_assert_true(again.sealed == state.sealed && again.sheeted == state.sheeted && again.ledgered == state.ledgered);
    g_assert_cmpint(again.skip_below, ==, state.skip_below);
    g_assert_true(
        day_state_read(view_of("3 1 2 0"), &again)); /* a Redis that was put back: the entry is replayed before the sheet */
    g_assert_true(day_state_read(view_of("3 2 1 0"), &again));
    g_assert_true(again.sealed == 3 && again.sheeted == 2 && again.ledgered == 1 && again.skip_below == 0);
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
        g_assert_false(day_state_read(view_of(bad[i]), &again));
}

static void test_open_day(void)
{
    static const char *const bad[] = {
        "",
        "1 2 3 4 5 6 7 8",
        "1 2 3 4 5 6 7 8 9 10",
        "1 2 3 4 5 7 6 8 9",
        "1 2 3 4 5 6 7 9 8",
        "1 2 3 4 5 6 7 8 9223372036854775808",
        "1 2 3 4 5 6 7 8 9 ",
    };
    char text[OPEN_TEXT_MAX];
    struct open_day open = {INT64_MAX, INT64_MAX, INT64_MAX, INT64_MAX, INT64_MAX, 1, INT64_MAX, 2, INT64_MAX}, again;
    size_t size = open_day_write(&open, text);
    g_assert_cmpuint(size, ==, strlen(text));
    g_assert_true(open_day_read(view_make(text, size), &again));
    assert_bytes(&open, &again, sizeof again);
    g_assert_true(open_day_read(view_of("1 2 3 4 5 6 7 8 9"), &again));
    g_assert_true(again.events == 1 && again.duplicates == 2 && again.gaps == 3 && again.gap_batches == 4);
    g_assert_true(again.quarantined == 5 && again.first_offset == 6 && again.end_offset == 7);
    g_assert_true(again.first_ms == 8 && again.last_ms == 9);
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
        g_assert_false(open_day_read(view_of(bad[i]), &again));
}

static void test_generation(void)
{
    static const char *const bad[] = {"",          ".",    "1",    "1.",   ".1",   "1.0", "84006.1",
                                      "1.1048577", "1.1.", "1.1 ", " 1.1", "-1.1", "a.b", "1,1"};
    int64_t day;
    int revision;
    g_assert_true(generation_read(view_of("20778.12"), &day, &revision));
    g_assert_cmpint(day, ==, 20778);
    g_assert_cmpint(revision, ==, 12);
    g_assert_true(generation_read(view_of("0.10000"), &day, &revision));
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
        g_assert_false(generation_read(view_of(bad[i]), &day, &revision));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/ledger/sums", test_sums);
    g_test_add_func("/ledger/complete", test_complete);
    g_test_add_func("/ledger/complete-announced", test_complete_announced);
    g_test_add_func("/ledger/complete_unheard", test_complete_unheard);
    g_test_add_func("/ledger/complete_by_clock", test_complete_by_clock);
    g_test_add_func("/ledger/complete-runs", test_complete_runs);
    g_test_add_func("/ledger/sums-too-large", test_sums_too_large);
    g_test_add_func("/ledger/checksum", test_checksum);
    g_test_add_func("/ledger/reasons", test_reasons);
    g_test_add_func("/ledger/day-state", test_day_state);
    g_test_add_func("/ledger/open-day", test_open_day);
    g_test_add_func("/ledger/generation", test_generation);
    return g_test_run();
}
