#include "cli/restore_streams.h"

#include <glib.h>

static const gint64 day_ms = 86400000, low_ms = 1000 * INT64_C(86400000);

/* A stream named by its first byte, as the ledger lists it at a seal. */
static void learn(struct restore_streams *streams, guint8 id, guint64 seal_offset, guint64 high_water, gint64 heard_ms, bool import)
{
    struct partition_day *day = partition_day_new();
    struct stream_day *stream = stream_day_new();
    day->seal_offset = seal_offset;
    stream->stream_id[0] = id;
    stream->high_water = high_water;
    stream->heard_ms = heard_ms;
    stream->import = import;
    g_ptr_array_add(day->streams, stream);
    restore_streams_learn(streams, day);
    partition_day_free(day);
}

static void see(struct restore_streams *streams, guint8 id, gint64 offset, guint64 sequence, bool import)
{
    restore_streams_see(
        streams, &(struct batch_header){.stream_id = {id}, .sequence = sequence, .created_ms = 4711, .import = import}, offset);
}

static bool collect(void *opaque, const char *stream, const char *mark)
{
    g_hash_table_insert(opaque, g_strdup(stream), g_strdup(mark));
    return true;
}

/* NULL: the stream gets no mark. */
static void assert_mark(struct restore_streams *streams, const char *wanted)
{
    g_autoptr(GHashTable) marks = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    g_assert_true(restore_streams_each(streams, low_ms, collect, marks));
    g_assert_cmpuint(g_hash_table_size(marks), ==, wanted ? 1 : 0);
    if (wanted)
        g_assert_cmpstr(g_hash_table_lookup(marks, "ab000000000000000000000000000000"), ==, wanted);
    restore_streams_free(streams);
}

/* The first batch that is still in the log is to be taken. */
static void test_log_alone(void)
{
    struct restore_streams *streams = restore_streams_new();
    see(streams, 0xab, 100, 7, false);
    see(streams, 0xab, 101, 8, false);
    assert_mark(streams, "6 0 4711 -");
    streams = restore_streams_new();
    see(streams, 0xab, 100, 7, true);
    assert_mark(streams, "6 0 4711 i");
    streams = restore_streams_new();
    see(streams, 0xab, 100, 1, false); /* its first one: nobody has to know it */
    assert_mark(streams, NULL);
}

/* Below the seal the log repeats what the sheets have, and the marks with it; behind it nothing comes twice. */
static void test_log_and_ledger(void)
{
    struct restore_streams *streams = restore_streams_new();
    learn(streams, 0xab, 200, 9, low_ms, false);
    see(streams, 0xab, 150, 7, false);
    assert_mark(streams, "6 0 4711 -");
    streams = restore_streams_new();
    learn(streams, 0xab, 200, 9, low_ms, false);
    see(streams, 0xab, 250, 7, false); /* sent again */
    assert_mark(streams, "9 0 4711 -");
    streams = restore_streams_new();
    learn(streams, 0xab, 200, 9, low_ms, false);
    see(streams, 0xab, 250, 12, false); /* 10 and 11 were between the seal and the log's beginning */
    assert_mark(streams, "11 0 4711 -");
    streams = restore_streams_new();
    learn(streams, 0xab, 200, 9, low_ms, true);
    see(streams, 0xab, 250, 1, true); /* the file is imported once more */
    assert_mark(streams, "9 0 4711 i");
}

/* The newest seal counts, in whatever order the entries come. */
static void test_seals(void)
{
    struct restore_streams *streams = restore_streams_new();
    learn(streams, 0xab, 300, 9, 5, true);
    learn(streams, 0xab, 200, 4, 3, true);
    see(streams, 0xab, 250, 7, true);
    assert_mark(streams, "6 0 4711 i");
    streams = restore_streams_new();
    learn(streams, 0xab, 300, 9, 5, true);
    learn(streams, 0xab, 400, 12, 3, true);
    assert_mark(streams, "12 0 5 i");
}

static void test_ledger_alone(void)
{
    struct restore_streams *streams = restore_streams_new();
    learn(streams, 0xab, 200, 9, low_ms - 29 * day_ms, false);
    g_autofree char *mark = g_strdup_printf("9 0 %" G_GINT64_FORMAT " -", low_ms - 29 * day_ms);
    assert_mark(streams, mark);
    streams = restore_streams_new();
    learn(streams, 0xab, 200, 9, low_ms - 30 * day_ms, false); /* forgotten by now */
    assert_mark(streams, NULL);
    streams = restore_streams_new();
    learn(streams, 0xab, 200, 9, 1, true); /* imports never are */
    assert_mark(streams, "9 0 1 i");
    streams = restore_streams_new();
    learn(streams, 0xab, 200, 0, low_ms, false); /* only heartbeats */
    assert_mark(streams, NULL);
}

static bool refuse(void *opaque, const char *stream, const char *mark)
{
    (void)stream;
    (void)mark;
    ++*(guint *)opaque;
    return false;
}

static void test_stops(void)
{
    struct restore_streams *streams = restore_streams_new();
    guint calls = 0;
    see(streams, 1, 1, 7, false);
    see(streams, 2, 2, 7, false);
    g_assert_false(restore_streams_each(streams, low_ms, refuse, &calls));
    g_assert_cmpuint(calls, ==, 1);
    restore_streams_free(streams);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/restore-streams/log-alone", test_log_alone);
    g_test_add_func("/restore-streams/log-and-ledger", test_log_and_ledger);
    g_test_add_func("/restore-streams/seals", test_seals);
    g_test_add_func("/restore-streams/ledger-alone", test_ledger_alone);
    g_test_add_func("/restore-streams/stops", test_stops);
    return g_test_run();
}
