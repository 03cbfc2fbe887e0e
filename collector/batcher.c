/* The thread's loop: take what waits, build, commit, answer, hand on.
 *
 * There is no timer between a submission and its commit: when nothing else is waiting the group is committed at once, so a
 * lone sender waits for one fdatasync. While that runs, others queue up and share the next one: the slower the disk and the more
 * the senders, the larger the groups. commit_ms only bounds how long a stream of arrivals can keep a group open.
 *
 * A group that the journal has no room for is kept and tried again; meanwhile submissions are refused. The journal refuses early
 * (journal_has_room), so that this happens only when the disk is filled by somebody else. */
#include "collector/batcher.h"

#include "collector/meters.h"
#include "lib/crashpoint.h"
#include "lib/log.h"
#include "lib/record.h"

#include <stdatomic.h>
#include <sys/random.h>

enum { TEND_US = 1000000, TEND_FULL_US = 100000, RETRY_US = 200000 };

struct batcher {
    struct batcher_settings settings;
    struct journal *journal;
    GThread *thread;

    GMutex lock;
    GCond changed;
    GQueue queue;                  /* guarded: of struct submission */
    size_t queue_events;           /* guarded: in it */
    bool stopping, hurry;          /* guarded */
    struct batcher_stream durable; /* guarded */

    atomic_bool stuck, failed; /* a group waits for room; the disk failed */
    atomic_uint wanted_partitions;

    /* Of the thread. */
    uint8_t stream_id[STREAM_ID_SIZE];
    int64_t stream_end_us;    /* monotonic */
    uint32_t partition_count; /* of the stream's next batch */
    GPtrArray *builders;      /* of struct batch_builder, by partition; NULL until needed */
    GArray *sequences;        /* of uint64_t, by partition: the last one cut */
    size_t open_bytes;        /* in the builders, roughly */
    struct journal_group *group;
    GPtrArray *taken; /* of struct submission: in the group */
    int64_t first_us; /* monotonic: when the first of them was taken */
};

/* ---- from any thread ---- */

static void count_refusal(struct batcher *batcher, const char *why)
{
    if (batcher->settings.metrics)
        metrics_add(batcher->settings.metrics, METER_SUBMISSIONS_REFUSED, why, 1);
}

static enum batcher_verdict refuse_early(struct batcher *batcher)
{
    if (atomic_load(&batcher->failed))
        return BATCHER_CLOSED;
    if (atomic_load(&batcher->wanted_partitions) == 0) {
        count_refusal(batcher, "waiting");
        return BATCHER_BUSY;
    }
    if (atomic_load(&batcher->stuck) || !journal_has_room(batcher->journal)) {
        count_refusal(batcher, "full");
        return BATCHER_FULL;
    }
    return BATCHER_TAKEN;
}

enum batcher_verdict batcher_submit(struct batcher *batcher, struct submission *submission)
{
    g_assert(!submission->position_name == !submission->position);
    enum batcher_verdict verdict = refuse_early(batcher);
    if (verdict != BATCHER_TAKEN)
        return verdict;
    g_mutex_lock(&batcher->lock);
    size_t events = batcher->queue_events + submission->events->len;
    if (batcher->stopping) {
        verdict = BATCHER_CLOSED;
    } else if (batcher->queue.length > 0 && (batcher->queue.length >= BATCHER_QUEUE_MAX || events > BATCHER_QUEUE_EVENTS_MAX)) {
        verdict = BATCHER_BUSY;
    } else {
        g_queue_push_tail(&batcher->queue, submission);
        batcher->queue_events = events;
        if (batcher->queue.length == 1)
            g_cond_signal(&batcher->changed);
    }
    g_mutex_unlock(&batcher->lock);
    if (verdict == BATCHER_BUSY)
        count_refusal(batcher, "busy");
    return verdict;
}

GBytes *batcher_position(struct batcher *batcher, const char *name)
{
    return journal_position(batcher->journal, name);
}

void batcher_set_partitions(struct batcher *batcher, uint32_t partition_count)
{
    unsigned before = atomic_load(&batcher->wanted_partitions);
    g_assert(partition_count >= before);
    atomic_store(&batcher->wanted_partitions, partition_count);
    g_mutex_lock(&batcher->lock);
    g_cond_signal(&batcher->changed);
    g_mutex_unlock(&batcher->lock);
}

void batcher_stream_get(struct batcher *batcher, struct batcher_stream *stream)
{
    g_mutex_lock(&batcher->lock);
    memcpy(stream->id, batcher->durable.id, STREAM_ID_SIZE);
    stream->last_sequence = g_array_copy(batcher->durable.last_sequence);
    g_mutex_unlock(&batcher->lock);
}

void batcher_stream_clear(struct batcher_stream *stream)
{
    g_clear_pointer(&stream->last_sequence, g_array_unref);
}

/* ---- the stream ---- */

static void publish_stream(struct batcher *batcher)
{
    g_mutex_lock(&batcher->lock);
    memcpy(batcher->durable.id, batcher->stream_id, STREAM_ID_SIZE);
    g_array_set_size(batcher->durable.last_sequence, 0);
    g_array_append_vals(batcher->durable.last_sequence, batcher->sequences->data, batcher->sequences->len);
    g_mutex_unlock(&batcher->lock);
}

static void free_builder(gpointer builder)
{
    batch_builder_free(builder); /* NULL is fine */
}

static void begin_stream(struct batcher *batcher)
{
    /* 16 bytes are given whole once the kernel's pool is seeded (getrandom(2)), and it waits until then. */
    g_assert(getrandom(batcher->stream_id, STREAM_ID_SIZE, 0) == STREAM_ID_SIZE);
    int64_t life_us = batcher->settings.stream_us > 0 ? batcher->settings.stream_us : BATCHER_STREAM_DAYS * G_TIME_SPAN_DAY;
    batcher->stream_end_us = g_get_monotonic_time() + life_us;
    g_array_set_size(batcher->sequences, 0);
}

/* Between two groups: a new stream when it is time, more partitions when the topic has them. */
static void renew_stream(struct batcher *batcher)
{
    uint32_t wanted = atomic_load(&batcher->wanted_partitions);
    bool due = g_get_monotonic_time() >= batcher->stream_end_us;
    if (wanted == 0 || (!due && wanted == batcher->partition_count))
        return;
    if (due)
        begin_stream(batcher);
    batcher->partition_count = wanted;
    g_array_set_size(batcher->sequences, wanted); /* new ones are 0 */
    g_ptr_array_set_size(batcher->builders, (gint)wanted);
    journal_begin(batcher->journal, batcher->stream_id, wanted);
    publish_stream(batcher);
    log_info("stream_begun", "new=%s partitions=%u", due ? "yes" : "no", wanted);
}

/* ---- building a group ---- */

static void cut_batch(struct batcher *batcher, uint32_t partition)
{
    struct batch_builder *builder = batcher->builders->pdata[partition];
    uint64_t *sequence = &g_array_index(batcher->sequences, uint64_t, partition);
    struct batch_header header = {
        .partition = partition,
        .partition_count = batcher->partition_count,
        .sequence = ++*sequence,
        .created_ms = g_get_real_time() / 1000,
    };
    memcpy(header.stream_id, batcher->stream_id, STREAM_ID_SIZE);
    struct journal_batch batch = {
        .partition = partition,
        .events = (uint32_t)batch_builder_count(builder),
        .sequence = header.sequence,
        .created_ms = header.created_ms,
    };
    batch.record = batch_builder_seal(builder, &header);
    journal_group_take_batch(batcher->group, &batch);
}

static struct batch_builder *builder_of(struct batcher *batcher, uint32_t partition)
{
    gpointer *slot = &batcher->builders->pdata[partition];
    if (!*slot)
        *slot = batch_builder_new();
    return *slot;
}

/* A bounded few, whatever the number: they never fill a batch. */
static void add_rejections(struct batcher *batcher, const struct rejections *rejections)
{
    const char *collector = batcher->settings.collector;
    uint32_t partition = partition_of(view_of(""), view_of(collector), batcher->partition_count);
    struct batch_builder *builder = builder_of(batcher, partition);
    size_t before = batch_builder_size(builder);
    batch_builder_reject(builder, collector, rejections);
    batcher->open_bytes += batch_builder_size(builder) - before;
}

static void add_event(struct batcher *batcher, const struct event *event)
{
    uint32_t partition = partition_of(event->organization, event->client, batcher->partition_count);
    struct batch_builder *builder = builder_of(batcher, partition);
    size_t before = batch_builder_size(builder);
    batch_builder_add(builder, event);
    size_t after = batch_builder_size(builder);
    batcher->open_bytes += after - before;
    if (batch_builder_count(builder) < BATCHER_BATCH_EVENTS && after < BATCHER_BATCH_BYTES)
        return;
    batcher->open_bytes -= MIN(batcher->open_bytes, after);
    cut_batch(batcher, partition);
}

static void add_submission(struct batcher *batcher, struct submission *submission)
{
    if (batcher->taken->len == 0)
        batcher->first_us = g_get_monotonic_time();
    for (guint i = 0; i < submission->events->len; i++)
        add_event(batcher, &g_array_index(submission->events, struct event, i));
    if (submission->rejections)
        add_rejections(batcher, submission->rejections);
    if (submission->position_name)
        journal_group_set_position(batcher->group, view_of(submission->position_name), submission->position);
    g_ptr_array_add(batcher->taken, submission);
}

/* Full, or open for as long as it may be. */
static bool group_is_due(const struct batcher *batcher)
{
    return batcher->group->bytes + batcher->open_bytes >= BATCHER_GROUP_BYTES ||
           g_get_monotonic_time() - batcher->first_us >= (int64_t)batcher->settings.commit_ms * 1000;
}

static struct submission *pop(struct batcher *batcher)
{
    g_mutex_lock(&batcher->lock);
    struct submission *submission = g_queue_pop_head(&batcher->queue);
    if (submission)
        batcher->queue_events -= submission->events->len;
    g_mutex_unlock(&batcher->lock);
    return submission;
}

/* ---- committing it ---- */

static void answer(struct batcher *batcher, enum submission_outcome outcome)
{
    for (guint i = 0; i < batcher->taken->len; i++) {
        struct submission *submission = batcher->taken->pdata[i];
        submission->done(submission, outcome);
    }
    g_ptr_array_set_size(batcher->taken, 0);
}

static bool is_in_hurry(struct batcher *batcher)
{
    g_mutex_lock(&batcher->lock);
    bool hurry = batcher->hurry;
    g_mutex_unlock(&batcher->lock);
    return hurry;
}

static void sleep_us(struct batcher *batcher, int64_t us)
{
    g_mutex_lock(&batcher->lock);
    if (!batcher->hurry)
        g_cond_wait_until(&batcher->changed, &batcher->lock, g_get_monotonic_time() + us);
    g_mutex_unlock(&batcher->lock);
}

/* Waits for room as long as the program runs. */
static enum journal_result append(struct batcher *batcher)
{
    for (;;) {
        enum journal_result result = journal_append(batcher->journal, batcher->group);
        if (result != JOURNAL_FULL) {
            atomic_store(&batcher->stuck, false);
            return result;
        }
        atomic_store(&batcher->stuck, true);
        if (is_in_hurry(batcher))
            return result;
        sleep_us(batcher, RETRY_US);
        journal_tend(batcher->journal);
    }
}

static void lose(struct batcher *batcher, enum journal_result result)
{
    log_error("group_lost", "submissions=%u reason=%s", batcher->taken->len,
              result == JOURNAL_FULL ? "the journal had no room until the end" : "the disk failed");
    bool first = !atomic_exchange(&batcher->failed, true);
    answer(batcher, SUBMISSION_LOST);
    if (first && batcher->settings.failed)
        batcher->settings.failed(batcher->settings.opaque);
}

static void commit(struct batcher *batcher)
{
    for (guint i = 0; i < batcher->builders->len; i++)
        if (batcher->builders->pdata[i] && !batch_builder_is_empty(batcher->builders->pdata[i]))
            cut_batch(batcher, i);
    batcher->open_bytes = 0;
    struct journal_group *group = batcher->group;
    /* A submission without events, rejections and position needs no disk. */
    enum journal_result result = journal_group_is_empty(group)   ? JOURNAL_DURABLE
                                 : atomic_load(&batcher->failed) ? JOURNAL_FAILED
                                                                 : append(batcher);
    batcher->group = journal_group_new();
    if (result != JOURNAL_DURABLE) {
        lose(batcher, result);
        journal_group_free(group);
        return;
    }
    publish_stream(batcher);
    answer(batcher, SUBMISSION_DURABLE);
    crashpoint("batcher.answered");
    if (group->number > 0)
        batcher->settings.ship(batcher->settings.opaque, group);
    else
        journal_group_free(group);
}

/* ---- the thread ---- */

/* False: nothing waits and the end was asked for. */
static bool wait_for_work(struct batcher *batcher)
{
    g_mutex_lock(&batcher->lock);
    int64_t end = g_get_monotonic_time() + (journal_has_room(batcher->journal) ? TEND_US : TEND_FULL_US);
    while (batcher->queue.length == 0 && !batcher->stopping && atomic_load(&batcher->wanted_partitions) == batcher->partition_count)
        if (!g_cond_wait_until(&batcher->changed, &batcher->lock, end))
            break;
    bool more = batcher->queue.length > 0 || !batcher->stopping;
    g_mutex_unlock(&batcher->lock);
    return more;
}

static void *batcher_run(void *opaque)
{
    struct batcher *batcher = opaque;
    while (wait_for_work(batcher)) {
        renew_stream(batcher);
        journal_tend(batcher->journal);
        for (struct submission *submission; (submission = pop(batcher)) != NULL;) {
            add_submission(batcher, submission);
            if (group_is_due(batcher))
                break;
        }
        if (batcher->taken->len > 0)
            commit(batcher);
    }
    return NULL;
}

struct batcher *batcher_start(const struct batcher_settings *settings, struct journal *journal)
{
    struct batcher *batcher = g_new0(struct batcher, 1);
    batcher->settings = *settings;
    batcher->journal = journal;
    g_mutex_init(&batcher->lock);
    g_cond_init(&batcher->changed);
    g_queue_init(&batcher->queue);
    batcher->durable.last_sequence = g_array_new(FALSE, TRUE, sizeof(uint64_t));
    batcher->builders = g_ptr_array_new_with_free_func(free_builder);
    batcher->sequences = g_array_new(FALSE, TRUE, sizeof(uint64_t));
    batcher->group = journal_group_new();
    batcher->taken = g_ptr_array_new();
    atomic_init(&batcher->wanted_partitions, settings->partition_count);
    begin_stream(batcher);
    publish_stream(batcher);
    renew_stream(batcher); /* here, so that the count is known to whoever asks from now on */
    batcher->thread = g_thread_new("batcher", batcher_run, batcher);
    return batcher;
}

void batcher_hurry(struct batcher *batcher)
{
    g_mutex_lock(&batcher->lock);
    batcher->hurry = true;
    g_cond_signal(&batcher->changed);
    g_mutex_unlock(&batcher->lock);
}

void batcher_stop(struct batcher *batcher)
{
    g_mutex_lock(&batcher->lock);
    batcher->stopping = batcher->hurry = true;
    g_cond_signal(&batcher->changed);
    g_mutex_unlock(&batcher->lock);
    if (batcher->thread)
        g_thread_join(g_steal_pointer(&batcher->thread));
}

void batcher_free(struct batcher *batcher)
{
    if (!batcher)
        return;
    g_assert(!batcher->thread && batcher->queue.length == 0);
    batcher_stream_clear(&batcher->durable);
    g_ptr_array_unref(batcher->builders);
    g_array_unref(batcher->sequences);
    g_ptr_array_unref(batcher->taken);
    journal_group_free(batcher->group);
    g_cond_clear(&batcher->changed);
    g_mutex_clear(&batcher->lock);
    g_free(batcher);
}
