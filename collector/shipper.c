/* The loop: fill the producer, let it work, collect what was acknowledged, save the cursor.
 *
 * Where the next group comes from is decided by one flag. `behind` is set when the window in memory was full and a group was not
 * kept: from then on groups are read from the files. To come back to memory without losing one in between, the flag of the window
 * is cleared first, and the files are read to their end once more: a group that was made durable before the flag was cleared is
 * found in the file, one after is in the window (or in both: then its number shows it).
 *
 * `behind` is set at the start, too, and after a failure of the producer, so that recovery is the ordinary way and not another one.
 */
#include "collector/shipper.h"

#include "collector/heartbeat.h"
#include "lib/crashpoint.h"
#include "lib/log.h"

enum {
    IDLE_US = 1000000,
    POLL_MS = 5,
    POLL_STALLED_MS = 50,
    STALLED_US = 2000000,
    BACKOFF_MIN_US = 100000,
    BACKOFF_MAX_US = 5000000,
    READ_AGAIN_US = 1000000,
};

/* A group whose batches were given to the producer. */
struct flight {
    struct journal_group *group; /* its batches are freed once they are sent */
    int64_t created_ms;          /* of its first batch; 0: it has none */
    guint next;                  /* index of the batch to send next */
    guint n_batches;
    guint outstanding; /* sent and not called back */
    size_t bytes;
};

struct shipper {
    struct shipper_settings settings;
    struct journal *journal;
    GThread *thread;

    GMutex lock;
    GCond changed;
    GQueue window;              /* guarded: of struct journal_group */
    size_t window_bytes;        /* guarded */
    bool window_behind;         /* guarded: a group was not kept since */
    bool hold, renew, stopping; /* guarded */
    struct shipper_state state; /* guarded */

    /* Of the thread. */
    struct kafka_producer *producer; /* NULL while held or between two attempts */
    struct journal_reader *reader;
    bool behind;          /* groups come from the reader */
    bool last_look;       /* the window's flag is cleared, the reader is read to its end once more */
    uint64_t last_group;  /* number of the last group taken */
    uint64_t newest_sent; /* highest number ever sent, by an earlier run too: up to it a group is a repeat */
    GQueue flights;       /* of struct flight, by number; the last one may be sent in part */
    size_t flight_bytes;
    int64_t make_us, read_us; /* monotonic: not before */
    int64_t backoff_us;
    int64_t progress_us; /* monotonic: last acknowledgement */
    int64_t saved_us, beat_us;
    uint64_t beats;
    struct shipper_state own; /* published as `state` */
};

/* ---- from other threads ---- */

static void free_group(gpointer group)
{
    journal_group_free(group);
}

void shipper_offer(struct shipper *shipper, struct journal_group *group)
{
    g_mutex_lock(&shipper->lock);
    if (shipper->window_bytes + group->bytes > SHIPPER_WINDOW_BYTES)
        shipper->window_behind = true;
    bool keep = !shipper->window_behind;
    if (keep) {
        shipper->window_bytes += group->bytes;
        g_queue_push_tail(&shipper->window, group);
        g_cond_signal(&shipper->changed);
    }
    g_mutex_unlock(&shipper->lock);
    if (!keep)
        journal_group_free(group);
}

void shipper_hold(struct shipper *shipper, bool hold)
{
    g_mutex_lock(&shipper->lock);
    shipper->hold = hold;
    g_cond_signal(&shipper->changed);
    g_mutex_unlock(&shipper->lock);
}

void shipper_renew(struct shipper *shipper)
{
    g_mutex_lock(&shipper->lock);
    shipper->renew = true;
    g_cond_signal(&shipper->changed);
    g_mutex_unlock(&shipper->lock);
}

void shipper_state_get(struct shipper *shipper, struct shipper_state *state)
{
    g_mutex_lock(&shipper->lock);
    *state = shipper->state;
    g_mutex_unlock(&shipper->lock);
}

/* ---- where groups come from ---- */

static struct journal_group *pop_window(struct shipper *shipper)
{
    g_mutex_lock(&shipper->lock);
    struct journal_group *group = g_queue_pop_head(&shipper->window);
    if (group)
        shipper->window_bytes -= group->bytes;
    else
        shipper->behind = shipper->window_behind;
    g_mutex_unlock(&shipper->lock);
    if (group)
        journal_reader_skip(shipper->reader, group);
    return group;
}

/* From the files; NULL when they hold nothing more for now. */
static struct journal_group *read_back(struct shipper *shipper)
{
    struct journal_group *group = NULL;
    switch (journal_reader_next(shipper->reader, &group)) {
    case JOURNAL_READ_GROUP:
        return group;
    case JOURNAL_READ_FAILED:
        shipper->read_us = g_get_monotonic_time() + READ_AGAIN_US;
        return NULL;
    case JOURNAL_READ_NOTHING:
        break;
    }
    shipper->behind = !shipper->last_look;
    shipper->last_look = !shipper->last_look;
    if (shipper->last_look) {
        g_mutex_lock(&shipper->lock);
        shipper->window_behind = false;
        g_mutex_unlock(&shipper->lock);
    }
    return NULL;
}

static struct journal_group *next_group(struct shipper *shipper)
{
    while (g_get_monotonic_time() >= shipper->read_us) {
        bool from_files = shipper->behind;
        struct journal_group *group = from_files ? read_back(shipper) : pop_window(shipper);
        if (group && group->number > shipper->last_group) {
            shipper->last_group = group->number;
            return group;
        }
        if (!group && !from_files && !shipper->behind)
            return NULL;
        journal_group_free(group);
    }
    return NULL;
}

static struct flight *take_flight(struct shipper *shipper)
{
    if (shipper->flight_bytes >= SHIPPER_FLIGHT_BYTES || shipper->flights.length >= SHIPPER_FLIGHT_GROUPS)
        return NULL;
    struct journal_group *group = next_group(shipper);
    if (!group)
        return NULL;
    struct flight *flight = g_new0(struct flight, 1);
    flight->group = group;
    flight->n_batches = group->batches->len;
    flight->bytes = group->bytes;
    flight->created_ms = flight->n_batches > 0 ? g_array_index(group->batches, struct journal_batch, 0).created_ms : 0;
    shipper->flight_bytes += flight->bytes;
    g_queue_push_tail(&shipper->flights, flight);
    if (group->number <= shipper->newest_sent)
        shipper->own.replayed += flight->n_batches;
    return flight;
}

static void free_flight(gpointer data)
{
    struct flight *flight = data;
    journal_group_free(flight->group);
    g_free(flight);
}

/* ---- sending ---- */

static bool flight_is_sent(const struct flight *flight)
{
    return flight->next == flight->n_batches;
}

/* False: the producer takes no more for now, or has failed. */
static bool send_flight(struct shipper *shipper, struct flight *flight)
{
    while (!flight_is_sent(flight)) {
        const struct journal_batch *batch = &g_array_index(flight->group->batches, struct journal_batch, flight->next);
        gsize size = 0;
        const void *data = g_bytes_get_data(batch->record, &size);
        if (kafka_producer_send(shipper->producer, (int)batch->partition, data, size, flight) != KAFKA_SENT)
            return false;
        flight->next++;
        flight->outstanding++;
        shipper->own.sent++;
    }
    g_array_set_size(flight->group->batches, 0); /* librdkafka has copies */
    shipper->newest_sent = MAX(shipper->newest_sent, flight->group->number);
    crashpoint("shipper.sent");
    return true;
}

/* Sends as much as goes. The newest group is taken from the source even without a producer: its age is the backlog's. */
static void fill(struct shipper *shipper)
{
    struct flight *flight = g_queue_peek_tail(&shipper->flights);
    if (!flight || flight_is_sent(flight))
        flight = take_flight(shipper);
    while (flight && shipper->producer && send_flight(shipper, flight))
        flight = take_flight(shipper);
}

/* On this thread, inside kafka_producer_poll. */
static void delivered(void *opaque, void *message_opaque, bool ok)
{
    struct shipper *shipper = opaque;
    struct flight *flight = message_opaque;
    if (!flight || !ok) /* a heartbeat; or the producer is dead, and everything is sent again */
        return;
    flight->outstanding--;
    shipper->own.acknowledged++;
}

static void collect(struct shipper *shipper)
{
    for (struct flight *flight; (flight = g_queue_peek_head(&shipper->flights)) != NULL;) {
        if (!flight_is_sent(flight) || flight->outstanding > 0)
            return;
        crashpoint("shipper.acknowledged");
        journal_acknowledge(shipper->journal, flight->group);
        shipper->flight_bytes -= flight->bytes;
        shipper->progress_us = g_get_monotonic_time();
        shipper->backoff_us = BACKOFF_MIN_US;
        g_queue_pop_head(&shipper->flights);
        free_flight(flight);
    }
}

/* ---- the producer's life ---- */

static void make_producer(struct shipper *shipper)
{
    g_autoptr(GError) error = NULL;
    if (g_get_monotonic_time() < shipper->make_us)
        return;
    shipper->producer = kafka_producer_new(&shipper->settings.kafka, shipper->settings.topic, delivered, shipper, &error);
    shipper->progress_us = g_get_monotonic_time();
    if (shipper->producer)
        return;
    log_error("producer_not_made", "reason=%s", error->message);
    shipper->make_us = g_get_monotonic_time() + BACKOFF_MAX_US;
}

/* Back to behind the last acknowledged group. */
static void drop_producer(struct shipper *shipper)
{
    g_clear_pointer(&shipper->producer, kafka_producer_free); /* calls delivered() for what was in flight */
    collect(shipper);
    g_queue_clear_full(&shipper->flights, free_flight);
    shipper->flight_bytes = 0;
    journal_reader_free(shipper->reader);
    shipper->reader = journal_reader_new(shipper->journal);
    shipper->last_group = 0;
    shipper->behind = true;
    shipper->last_look = false;
    g_mutex_lock(&shipper->lock);
    g_queue_clear_full(&shipper->window, free_group);
    shipper->window_bytes = 0;
    shipper->window_behind = true;
    g_mutex_unlock(&shipper->lock);
}

static void replace_failed(struct shipper *shipper)
{
    const char *reason = NULL;
    if (!shipper->producer || !kafka_producer_failed(shipper->producer, &reason))
        return;
    log_warn("producer_failed", "reason=%s unacknowledged_groups=%u action=%s", reason, shipper->flights.length,
             "another one sends again from the oldest unacknowledged group");
    shipper->own.restarts++;
    drop_producer(shipper);
    crashpoint("shipper.restarted");
    shipper->make_us = g_get_monotonic_time() + shipper->backoff_us;
    shipper->backoff_us = MIN(2 * shipper->backoff_us, BACKOFF_MAX_US);
}

static void mind_producer(struct shipper *shipper)
{
    g_mutex_lock(&shipper->lock);
    bool hold = shipper->hold, renew = shipper->renew;
    shipper->renew = false;
    g_mutex_unlock(&shipper->lock);
    replace_failed(shipper);
    if ((hold || renew) && shipper->producer)
        drop_producer(shipper);
    if (!hold && !shipper->producer)
        make_producer(shipper);
    shipper->own.shipping = shipper->producer != NULL;
}

/* ---- besides ---- */

static int64_t oldest_ms(const struct shipper *shipper)
{
    const GList *head = shipper->flights.head;
    return head ? ((const struct flight *)head->data)->created_ms : 0;
}

static void beat(struct shipper *shipper)
{
    int64_t now = g_get_monotonic_time();
    int partition = 0;
    if (!shipper->settings.heartbeat || !shipper->producer || now < shipper->beat_us)
        return;
    shipper->beat_us = now + (int64_t)HEARTBEAT_EVERY_MS * 1000;
    g_autoptr(GBytes) record =
        shipper->settings.heartbeat(shipper->settings.opaque, shipper->beats, oldest_ms(shipper), &partition);
    if (!record)
        return;
    gsize size = 0;
    const void *data = g_bytes_get_data(record, &size);
    if (kafka_producer_send(shipper->producer, partition, data, size, NULL) != KAFKA_SENT)
        return; /* the queue is full: the next one will do */
    shipper->beats++;
    shipper->own.heartbeats = shipper->beats;
}

static void save(struct shipper *shipper, bool now)
{
    int64_t time_us = g_get_monotonic_time();
    if (!journal_is_unsaved(shipper->journal) || (!now && time_us - shipper->saved_us < (int64_t)SHIPPER_SAVE_MS * 1000))
        return;
    shipper->saved_us = time_us; /* also when it failed: not more often */
    journal_save(shipper->journal);
}

static void publish_state(struct shipper *shipper)
{
    shipper->own.oldest_ms = oldest_ms(shipper);
    g_mutex_lock(&shipper->lock);
    shipper->state = shipper->own;
    g_mutex_unlock(&shipper->lock);
}

/* Until something is to be done. */
static void wait_for_work(struct shipper *shipper)
{
    if (shipper->producer && kafka_producer_in_flight(shipper->producer) > 0) {
        bool stalled = g_get_monotonic_time() - shipper->progress_us > STALLED_US;
        kafka_producer_poll(shipper->producer, stalled ? POLL_STALLED_MS : POLL_MS);
        return;
    }
    int64_t now = g_get_monotonic_time(), until = now + IDLE_US;
    if (journal_is_unsaved(shipper->journal))
        until = MIN(until, shipper->saved_us + (int64_t)SHIPPER_SAVE_MS * 1000);
    if (shipper->make_us > now)
        until = MIN(until, shipper->make_us);
    if (shipper->read_us > now)
        until = MIN(until, shipper->read_us);
    g_mutex_lock(&shipper->lock);
    bool work = shipper->stopping || (shipper->producer && shipper->window.length > 0) ||
                (shipper->hold == (shipper->producer != NULL) && shipper->make_us <= now);
    if (!work)
        g_cond_wait_until(&shipper->changed, &shipper->lock, until);
    g_mutex_unlock(&shipper->lock);
    if (shipper->producer)
        kafka_producer_poll(shipper->producer, 0);
}

static bool is_stopping(struct shipper *shipper)
{
    g_mutex_lock(&shipper->lock);
    bool stopping = shipper->stopping;
    g_mutex_unlock(&shipper->lock);
    return stopping;
}

static void step(struct shipper *shipper)
{
    mind_producer(shipper);
    fill(shipper);
    beat(shipper);
    publish_state(shipper);
    wait_for_work(shipper);
    collect(shipper);
    save(shipper, false);
}

static void *shipper_run(void *opaque)
{
    struct shipper *shipper = opaque;
    shipper->reader = journal_reader_new(shipper->journal);
    while (!is_stopping(shipper))
        step(shipper);
    int64_t end = g_get_monotonic_time() + (int64_t)SHIPPER_FLUSH_MS * 1000;
    do {
        step(shipper);
    } while (shipper->producer && shipper->flights.length > 0 && g_get_monotonic_time() < end);
    g_clear_pointer(&shipper->producer, kafka_producer_free);
    collect(shipper);
    save(shipper, true);
    publish_state(shipper);
    return NULL;
}

struct shipper *shipper_start(const struct shipper_settings *settings, struct journal *journal)
{
    struct shipper *shipper = g_new0(struct shipper, 1);
    struct journal_stats stats;
    shipper->settings = *settings;
    shipper->journal = journal;
    g_mutex_init(&shipper->lock);
    g_cond_init(&shipper->changed);
    g_queue_init(&shipper->window);
    g_queue_init(&shipper->flights);
    shipper->hold = true;
    shipper->window_behind = true;
    shipper->behind = true;
    shipper->backoff_us = BACKOFF_MIN_US;
    journal_stats(journal, &stats);
    shipper->newest_sent = stats.last_group;
    shipper->thread = g_thread_new("shipper", shipper_run, shipper);
    return shipper;
}

void shipper_stop(struct shipper *shipper)
{
    g_mutex_lock(&shipper->lock);
    shipper->stopping = true;
    g_cond_signal(&shipper->changed);
    g_mutex_unlock(&shipper->lock);
    if (shipper->thread)
        g_thread_join(g_steal_pointer(&shipper->thread));
}

void shipper_free(struct shipper *shipper)
{
    if (!shipper)
        return;
    g_assert(!shipper->thread);
    g_queue_clear_full(&shipper->flights, free_flight);
    g_queue_clear_full(&shipper->window, free_group);
    journal_reader_free(shipper->reader);
    g_cond_clear(&shipper->changed);
    g_mutex_clear(&shipper->lock);
    g_free(shipper);
}
