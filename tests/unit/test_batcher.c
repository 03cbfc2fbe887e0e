/* The batcher over a real journal: what is answered, what is in the groups, what happens when there is no room or no disk. */
#include "collector/batcher.h"
#include "tests/unit/journal_tools.h"

#include <errno.h>
#include <stdatomic.h>

enum { WAIT_US = 60 * G_USEC_PER_SEC, COMMIT_MS = 10, NEVER_MS = 3600 * 1000 };

struct fixture {
    struct tools tools;
    struct batcher *batcher;
    GAsyncQueue *groups; /* of struct journal_group, as they were handed on */
    atomic_int durable, lost, failed;
    GMutex gate; /* ship() waits for it */
    struct journal_faults faults;
    int commit_ms; /* 0: COMMIT_MS */
    int64_t stream_us;
    atomic_int fail_times; /* of `op`, with err */
    enum journal_op op;
    int err;
};

static int fail(void *opaque, enum journal_op op, const char *name, size_t *size)
{
    struct fixture *f = opaque;
    (void)name;
    (void)size;
    return op == f->op && atomic_fetch_sub(&f->fail_times, 1) > 0 ? f->err : 0;
}

static void ship(void *opaque, struct journal_group *group)
{
    struct fixture *f = opaque;
    g_mutex_lock(&f->gate);
    g_mutex_unlock(&f->gate);
    g_async_queue_push(f->groups, group);
}

static void failed(void *opaque)
{
    atomic_fetch_add(&((struct fixture *)opaque)->failed, 1);
}

static void begin(struct fixture *f, uint32_t partitions)
{
    struct batcher_settings settings = {.commit_ms = f->commit_ms > 0 ? f->commit_ms : COMMIT_MS,
                                        .collector = "edge",
                                        .partition_count = partitions,
                                        .ship = ship,
                                        .failed = failed,
                                        .opaque = f,
                                        .stream_us = f->stream_us};
    g_autoptr(GError) error = NULL;
    f->tools.journal = journal_open(&f->tools.settings, &error);
    g_assert_no_error(error);
    f->batcher = batcher_start(&settings, f->tools.journal);
}

static void end(struct fixture *f)
{
    batcher_stop(f->batcher);
    g_clear_pointer(&f->batcher, batcher_free);
    tools_close(&f->tools);
}

static void free_group(gpointer group)
{
    journal_group_free(group);
}

static void set_up(struct fixture *f, gconstpointer unused)
{
    (void)unused;
    f->tools.dir = tools_directory();
    f->groups = g_async_queue_new_full(free_group);
    g_mutex_init(&f->gate);
    f->faults = (struct journal_faults){fail, f};
    f->tools.settings = (struct journal_settings){.dir = f->tools.dir, .topic = "t", .max_bytes = 64 << 20, .faults = &f->faults};
}

static void tear_down(struct fixture *f, gconstpointer unused)
{
    (void)unused;
    if (f->batcher)
        end(f);
    g_async_queue_unref(f->groups);
    g_mutex_clear(&f->gate);
    tools_remove(f->tools.dir);
    g_free(f->tools.dir);
}

/* ---- submissions ---- */

static void done(struct submission *submission, enum submission_outcome outcome)
{
    struct fixture *f = submission->opaque;
    atomic_fetch_add(outcome == SUBMISSION_DURABLE ? &f->durable : &f->lost, 1);
    submission_free(submission);
}

/* n events of this client, with the latencies first, first + 1, … */
static struct submission *events(struct fixture *f, const char *client, size_t n, uint64_t first)
{
    struct submission *submission = submission_new();
    submission->done = done;
    submission->opaque = f;
    for (size_t i = 0; i < n; i++) {
        struct event event = {
            .time_ms = 1700000000000,
            .organization = view_of("acme"),
            .client = submission_copy(submission, client, strlen(client)),
            .method = view_of("GET"),
            .route = view_of("/v1/orders/{id}"),
            .platform = view_of(""),
            .status = 200,
            .latency_us = first + i,
        };
        g_array_append_val(submission->events, event);
    }
    return submission;
}

static void submit(struct fixture *f, struct submission *submission)
{
    enum batcher_verdict verdict;
    while ((verdict = batcher_submit(f->batcher, submission)) == BATCHER_BUSY)
        g_usleep(1000);
    g_assert_cmpint(verdict, ==, BATCHER_TAKEN);
}

static void wait_for(atomic_int *count, int value)
{
    gint64 deadline = g_get_monotonic_time() + WAIT_US;
    while (atomic_load(count) < value) {
        g_assert_cmpint(g_get_monotonic_time(), <, deadline);
        g_usleep(200);
    }
}

static struct journal_group *shipped(struct fixture *f)
{
    struct journal_group *group = g_async_queue_timeout_pop(f->groups, WAIT_US);
    g_assert_nonnull(group);
    return group;
}

static const struct journal_batch *batch_at(const struct journal_group *group, guint i)
{
    return &g_array_index(group->batches, struct journal_batch, i);
}

/* Reads the batch's record, and checks that the two say the same. */
static void parse(struct record_parser *parser, const struct journal_batch *batch, struct record *record)
{
    g_autoptr(GError) error = NULL;
    gsize size = 0;
    const void *data = g_bytes_get_data(batch->record, &size);
    g_assert_true(record_parse(parser, data, size, record, &error));
    g_assert_no_error(error);
    g_assert_cmpint(record->kind, ==, RECORD_BATCH);
    g_assert_cmpuint(record->batch.header.partition, ==, batch->partition);
    g_assert_cmpuint(record->batch.header.sequence, ==, batch->sequence);
    g_assert_cmpuint(record->batch.n_events, ==, batch->events);
}

/* ---- tests ---- */

static void test_one(struct fixture *f, gconstpointer unused)
{
    (void)unused;
    begin(f, 8);
    submit(f, events(f, "c", 3, 10));
    wait_for(&f->durable, 1);
    struct journal_group *group = shipped(f);
    struct record_parser *parser = record_parser_new();
    struct record record;
    g_assert_cmpuint(group->batches->len, ==, 1);
    parse(parser, batch_at(group, 0), &record);
    g_assert_cmpuint(record.batch.header.partition, ==, partition_of(view_of("acme"), view_of("c"), 8));
    g_assert_cmpuint(record.batch.header.partition_count, ==, 8);
    g_assert_cmpuint(record.batch.header.sequence, ==, 1);
    for (size_t i = 0; i < 3; i++) {
        struct event event;
        batch_event(&record.batch, i, &event);
        g_assert_true(view_is(event.client, "c"));
        g_assert_cmpuint(event.latency_us, ==, 10 + i);
    }
    struct batcher_stream stream;
    batcher_stream_get(f->batcher, &stream);
    g_assert_cmpint(memcmp(stream.id, record.batch.header.stream_id, STREAM_ID_SIZE), ==, 0);
    g_assert_cmpuint(stream.last_sequence->len, ==, 8);
    g_assert_cmpuint(g_array_index(stream.last_sequence, uint64_t, record.batch.header.partition), ==, 1);
    batcher_stream_clear(&stream);
    record_parser_free(parser);
    journal_group_free(group);
}

/* What is refused makes a batch, also without events, of the collector's own partition; with events it rides with them. */
static void test_rejections(struct fixture *f, gconstpointer unused)
{
    (void)unused;
    begin(f, 8);
    struct record_parser *parser = record_parser_new();
    struct record record;
    uint32_t wanted = partition_of(view_of(""), view_of("edge"), 8);
    for (size_t n = 0; n < 2; n++) {
        struct submission *submission = events(f, "c", n, 1);
        submission->rejections = rejections_new();
        rejections_add(submission->rejections,
                       &(struct rejection){1700000000000, 5, view_of("too_old"), view_of("It is old."), view_of("{}")});
        submit(f, submission);
        wait_for(&f->durable, (int)n + 1);
        struct journal_group *group = shipped(f);
        bool found = false;
        for (guint i = 0; i < group->batches->len; i++) {
            parse(parser, batch_at(group, i), &record);
            g_assert_cmpuint(record.batch.n_rejections, ==, record.batch.header.partition == wanted);
            if (record.batch.n_rejections == 0)
                continue;
            found = true;
            g_assert_true(view_is(record.batch.collector, "edge"));
            g_assert_cmpuint(record.batch.rejections[0].count, ==, 5);
            g_assert_cmpuint(record.batch.header.sequence, ==, n + 1);
        }
        g_assert_true(found);
        journal_group_free(group);
    }
    end(f);
    begin(f, 8); /* the journal has them, too */
    struct journal_stats stats;
    journal_stats(f->tools.journal, &stats);
    g_assert_cmpuint(stats.unacknowledged_batches, >=, 2);
    record_parser_free(parser);
}

/* A lone sender does not wait for the tick. */
static void test_answered_soon(struct fixture *f, gconstpointer unused)
{
    (void)unused;
    f->commit_ms = NEVER_MS;
    begin(f, 4);
    for (int i = 1; i <= 50; i++) {
        submit(f, events(f, "c", 1, 0));
        wait_for(&f->durable, i);
    }
}

static void test_large_submission(struct fixture *f, gconstpointer unused)
{
    (void)unused;
    begin(f, 4);
    submit(f, events(f, "c", 5000, 0));
    wait_for(&f->durable, 1);
    struct journal_group *group = shipped(f);
    g_assert_cmpuint(group->batches->len, ==, 3);
    for (guint i = 0; i < 3; i++) {
        g_assert_cmpuint(batch_at(group, i)->events, ==, i < 2 ? 2000 : 1000);
        g_assert_cmpuint(batch_at(group, i)->sequence, ==, i + 1);
    }
    journal_group_free(group);
    /* More than the queue holds is taken when nothing else waits. */
    submit(f, events(f, "d", BATCHER_QUEUE_EVENTS_MAX + 10, 0));
    wait_for(&f->durable, 2);
}

enum { SENDERS = 8, EACH = 200, EVENTS = 7 };

struct sender {
    struct fixture *f;
    int number;
};

static gpointer send_many(gpointer data)
{
    const struct sender *sender = data;
    for (int i = 0; i < EACH; i++) {
        g_autofree char *client = g_strdup_printf("client-%d", i % 50);
        submit(sender->f, events(sender->f, client, EVENTS, (uint64_t)(sender->number * EACH + i) * EVENTS));
    }
    return NULL;
}

static void check_group(const struct journal_group *group, struct record_parser *parser, uint64_t *sequences, bool *seen)
{
    GHashTable *counts = g_hash_table_new(NULL, NULL); /* submission -> events of it in this group */
    struct record record;
    for (guint b = 0; b < group->batches->len; b++) {
        parse(parser, batch_at(group, b), &record);
        g_assert_cmpuint(record.batch.header.sequence, ==, ++sequences[record.batch.header.partition]);
        for (size_t i = 0; i < record.batch.n_events; i++) {
            struct event event;
            batch_event(&record.batch, i, &event);
            g_assert_false(seen[event.latency_us]);
            seen[event.latency_us] = true;
            gpointer key = GUINT_TO_POINTER((guint)(event.latency_us / EVENTS));
            g_hash_table_insert(counts, key, GINT_TO_POINTER(GPOINTER_TO_INT(g_hash_table_lookup(counts, key)) + 1));
        }
    }
    GHashTableIter iter;
    gpointer count;
    g_hash_table_iter_init(&iter, counts);
    while (g_hash_table_iter_next(&iter, NULL, &count))
        g_assert_cmpint(GPOINTER_TO_INT(count), ==, EVENTS); /* no submission straddles two groups */
    g_hash_table_unref(counts);
}

static void test_many_senders(struct fixture *f, gconstpointer unused)
{
    (void)unused;
    enum { ALL = SENDERS * EACH * EVENTS };
    struct sender senders[SENDERS];
    GThread *threads[SENDERS];
    uint64_t sequences[4] = {0};
    g_autofree bool *seen = g_new0(bool, ALL);
    struct record_parser *parser = record_parser_new();
    begin(f, 4);
    for (int i = 0; i < SENDERS; i++) {
        senders[i] = (struct sender){f, i};
        threads[i] = g_thread_new("sender", send_many, &senders[i]);
    }
    for (int i = 0; i < SENDERS; i++)
        g_thread_join(threads[i]);
    wait_for(&f->durable, SENDERS * EACH);
    end(f);
    guint groups = 0;
    for (struct journal_group *group; (group = g_async_queue_try_pop(f->groups)) != NULL; groups++) {
        check_group(group, parser, sequences, seen);
        journal_group_free(group);
    }
    for (int i = 0; i < ALL; i++)
        g_assert_true(seen[i]);
    g_assert_cmpuint(groups, <, SENDERS * EACH); /* they shared fdatasyncs */
    record_parser_free(parser);
}

static void test_partitions(struct fixture *f, gconstpointer unused)
{
    (void)unused;
    begin(f, 0);
    struct submission *submission = events(f, "c", 1, 0);
    g_assert_cmpint(batcher_submit(f->batcher, submission), ==, BATCHER_BUSY); /* the topic is not known */
    batcher_set_partitions(f->batcher, 1);
    submit(f, submission);
    journal_group_free(shipped(f));
    batcher_set_partitions(f->batcher, 64);
    for (int i = 0; i < 40; i++) {
        g_autofree char *client = g_strdup_printf("client-%d", i);
        submit(f, events(f, client, 1, 0));
        struct journal_group *group = shipped(f);
        struct record_parser *parser = record_parser_new();
        struct record record;
        parse(parser, batch_at(group, 0), &record);
        g_assert_cmpuint(record.batch.header.partition_count, ==, 64);
        g_assert_cmpuint(record.batch.header.partition, ==, partition_of(view_of("acme"), view_of(client), 64));
        if (record.batch.header.partition == 0)
            g_assert_cmpuint(record.batch.header.sequence, >, 1); /* it goes on counting */
        record_parser_free(parser);
        journal_group_free(group);
    }
    end(f);
    g_autoptr(GError) error = NULL;
    f->tools.journal = journal_open(&f->tools.settings, &error);
    g_assert_cmpuint(journal_topic(f->tools.journal).partition_count, ==, 64);
    tools_close(&f->tools);
}

static void test_position(struct fixture *f, gconstpointer unused)
{
    (void)unused;
    begin(f, 4);
    g_assert_null(batcher_position(f->batcher, "log"));
    struct submission *submission = events(f, "c", 2, 0);
    submission->position_name = g_strdup("log");
    submission->position = g_bytes_new_static("17", 2);
    submit(f, submission);
    wait_for(&f->durable, 1);
    struct submission *only = events(f, "c", 0, 0); /* nothing but a position: lines that were all excluded */
    only->position_name = g_strdup("log");
    only->position = g_bytes_new_static("18", 2);
    submit(f, only);
    submit(f, events(f, "c", 0, 0)); /* nothing at all */
    wait_for(&f->durable, 3);
    end(f);
    begin(f, 4);
    g_autoptr(GBytes) position = batcher_position(f->batcher, "log"), expected = g_bytes_new_static("18", 2);
    g_assert_true(position && g_bytes_equal(position, expected));
}

static void test_new_run_new_stream(struct fixture *f, gconstpointer unused)
{
    (void)unused;
    uint8_t first[STREAM_ID_SIZE];
    struct batcher_stream stream;
    begin(f, 1);
    batcher_stream_get(f->batcher, &stream);
    memcpy(first, stream.id, sizeof first);
    batcher_stream_clear(&stream);
    submit(f, events(f, "c", 1, 0));
    wait_for(&f->durable, 1);
    end(f);
    journal_group_free(shipped(f));
    begin(f, 1);
    batcher_stream_get(f->batcher, &stream);
    g_assert_cmpint(memcmp(first, stream.id, sizeof first), !=, 0);
    batcher_stream_clear(&stream);
    submit(f, events(f, "c", 1, 0));
    struct journal_group *group = shipped(f);
    g_assert_cmpuint(batch_at(group, 0)->sequence, ==, 1);
    journal_group_free(group);
}

static void test_queue_is_bounded(struct fixture *f, gconstpointer unused)
{
    (void)unused;
    begin(f, 1);
    g_mutex_lock(&f->gate); /* the batcher waits in ship() */
    submit(f, events(f, "c", 1, 0));
    wait_for(&f->durable, 1);
    int taken = 0;
    struct submission *submission;
    while (batcher_submit(f->batcher, submission = events(f, "c", 100, 0)) == BATCHER_TAKEN)
        taken++;
    g_assert_cmpint(taken, ==, BATCHER_QUEUE_EVENTS_MAX / 100);
    submission_free(submission);
    g_mutex_unlock(&f->gate);
    wait_for(&f->durable, 1 + taken);
}

/* After its time, between two groups: numbers begin again under another id, whatever was opened before goes under the old one. */
static void test_stream_ends(struct fixture *f, gconstpointer unused)
{
    (void)unused;
    struct record_parser *parser = record_parser_new();
    struct record record;
    uint8_t stream[STREAM_ID_SIZE] = {0};
    uint64_t sequence = 0;
    guint streams = 0;
    f->stream_us = 30000;
    gint64 begun_us = g_get_monotonic_time();
    begin(f, 1);
    for (int i = 0; i < 30; i++) {
        submit(f, events(f, "c", 1, 0));
        struct journal_group *group = shipped(f);
        parse(parser, batch_at(group, 0), &record);
        bool same = memcmp(stream, record.batch.header.stream_id, sizeof stream) == 0;
        g_assert_cmpuint(record.batch.header.sequence, ==, same ? sequence + 1 : 1);
        sequence = record.batch.header.sequence;
        streams += !same;
        memcpy(stream, record.batch.header.stream_id, sizeof stream);
        journal_group_free(group);
        g_usleep(5000);
    }
    g_assert_cmpuint(streams, >, 2);
    g_assert_cmpint(streams, <=, 1 + (g_get_monotonic_time() - begun_us) / f->stream_us);
    record_parser_free(parser);
}

/* Budget: refused before anybody who was taken gets stuck. */
static void test_full(struct fixture *f, gconstpointer unused)
{
    (void)unused;
    f->tools.settings.segment_bytes = 256 * 1024;
    f->tools.settings.max_bytes = 1024 * 1024;
    begin(f, 1);
    int taken = 0;
    struct submission *submission;
    enum batcher_verdict verdict;
    while ((verdict = batcher_submit(f->batcher, submission = events(f, "c", 1000, 0))) != BATCHER_FULL) {
        taken += verdict == BATCHER_TAKEN;
        if (verdict != BATCHER_TAKEN)
            submission_free(submission);
        wait_for(&f->durable, taken);
    }
    g_assert_cmpint(taken, >, 50);
    g_assert_cmpint(atomic_load(&f->lost), ==, 0);
    struct journal_group *last = NULL;
    for (struct journal_group *group; (group = g_async_queue_try_pop(f->groups)) != NULL; last = group)
        journal_group_free(last);
    journal_acknowledge(f->tools.journal, last);
    g_assert_true(journal_save(f->tools.journal));
    journal_group_free(last);
    gint64 deadline = g_get_monotonic_time() + WAIT_US;
    while (batcher_submit(f->batcher, submission) == BATCHER_FULL) {
        g_assert_cmpint(g_get_monotonic_time(), <, deadline);
        g_usleep(1000);
    }
    wait_for(&f->durable, taken + 1);
}

static void test_no_space(struct fixture *f, gconstpointer unused)
{
    (void)unused;
    begin(f, 1);
    submit(f, events(f, "c", 1, 0));
    wait_for(&f->durable, 1);
    f->op = JOURNAL_OP_WRITE;
    f->err = ENOSPC;
    atomic_store(&f->fail_times, 1000000);
    submit(f, events(f, "c", 1, 0)); /* it waits */
    gint64 deadline = g_get_monotonic_time() + WAIT_US;
    struct submission *submission = events(f, "c", 1, 0);
    while (batcher_submit(f->batcher, submission) == BATCHER_TAKEN) { /* until the first has met the disk */
        submission = events(f, "c", 1, 0);
        g_assert_cmpint(g_get_monotonic_time(), <, deadline);
        g_usleep(10000);
    }
    g_assert_cmpint(atomic_load(&f->durable), ==, 1);
    g_assert_cmpint(atomic_load(&f->lost), ==, 0);
    atomic_store(&f->fail_times, 0);
    while (batcher_submit(f->batcher, submission) != BATCHER_TAKEN) {
        g_assert_cmpint(g_get_monotonic_time(), <, deadline);
        g_usleep(10000);
    }
    wait_for(&f->durable, 3);
    g_assert_cmpint(atomic_load(&f->lost), ==, 0);
}

/* The end does not wait for room: senders get no answer. */
static void test_no_space_until_the_end(struct fixture *f, gconstpointer unused)
{
    (void)unused;
    begin(f, 1);
    f->op = JOURNAL_OP_WRITE;
    f->err = ENOSPC;
    atomic_store(&f->fail_times, 1000000);
    submit(f, events(f, "c", 1, 0));
    g_usleep(50000);
    batcher_hurry(f->batcher);
    wait_for(&f->lost, 1);
    g_assert_cmpint(atomic_load(&f->durable), ==, 0);
}

static void test_broken_disk(struct fixture *f, gconstpointer unused)
{
    (void)unused;
    begin(f, 1);
    submit(f, events(f, "c", 1, 0));
    wait_for(&f->durable, 1);
    f->op = JOURNAL_OP_SYNC;
    f->err = EIO;
    atomic_store(&f->fail_times, 1); /* once: it goes on elsewhere */
    submit(f, events(f, "c", 1, 0));
    wait_for(&f->durable, 2);
    g_assert_cmpint(atomic_load(&f->failed), ==, 0);
    atomic_store(&f->fail_times, 1000000);
    submit(f, events(f, "c", 1, 0));
    wait_for(&f->lost, 1);
    wait_for(&f->failed, 1);
    struct submission *submission = events(f, "c", 1, 0);
    g_assert_cmpint(batcher_submit(f->batcher, submission), ==, BATCHER_CLOSED);
    submission_free(submission);
    end(f);
    g_assert_cmpint(atomic_load(&f->failed), ==, 1);
}

static void test_stop(struct fixture *f, gconstpointer unused)
{
    (void)unused;
    begin(f, 4);
    for (int i = 0; i < 100; i++)
        submit(f, events(f, "c", 10, 0));
    batcher_stop(f->batcher);
    g_assert_cmpint(atomic_load(&f->durable), ==, 100); /* all answered by then */
    struct submission *submission = events(f, "c", 1, 0);
    g_assert_cmpint(batcher_submit(f->batcher, submission), ==, BATCHER_CLOSED);
    submission_free(submission);
}

#define ADD(name) g_test_add("/batcher/" #name, struct fixture, NULL, set_up, test_##name, tear_down)

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD(one);
    ADD(rejections);
    ADD(answered_soon);
    ADD(large_submission);
    ADD(many_senders);
    ADD(partitions);
    ADD(position);
    ADD(new_run_new_stream);
    ADD(queue_is_bounded);
    ADD(stream_ends);
    ADD(full);
    ADD(no_space);
    ADD(no_space_until_the_end);
    ADD(broken_disk);
    ADD(stop);
    return g_test_run();
}
