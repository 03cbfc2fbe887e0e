/* worker: linear code on one thread. Every step that waits has a bound: Kafka 20 ms, Redis redis.timeout_ms. */
#include "aggregator/worker.h"

#include "aggregator/meters.h"
#include "lib/hex.h"
#include "lib/log.h"
#include <gnutls/crypto.h>

enum {
    POLL_MS = 20,
    POLL_MESSAGES = 256,
    WATERMARK_MS = 5000,
    BACKOFF_FIRST_MS = 50,
    BACKOFF_MAX_MS = 5000,
    STOPPED_RETRY_MS = 15000,
    CALM_MS = 10000,
    HANGING_SHARE = 4,
    BOARD_MS = 500
};

enum seat_state { SEAT_STOPPED, SEAT_CLAIMING, SEAT_RUNNING };

/* A partition in this worker's hands. */
struct seat {
    struct partition *partition;
    enum seat_state state;
    char *reason; /* why not running */
    int64_t retry_at_ms, claimed_at_ms;
    int backoff_ms;
};

struct worker {
    struct worker_settings settings;
    GThread *thread;
    GAsyncQueue *orders; /* struct order */
    struct kafka_reader *reader;
    struct feed *feed;
    GPtrArray *seats; /* worker thread only */
    bool positions_changed, ended;
    bool behind; /* the last poll was full */
    int64_t board_at_ms;
    GMutex board_lock;
    GString *board; /* under board_lock: lines about partitions that are not running */
    size_t board_seats;
    GArray *stands; /* under board_lock: struct worker_stand */
};

/* What the main thread wants; it waits for `done`. */
struct order {
    const int *partitions;
    size_t n;
    bool end;
    bool done;
    GMutex lock;
    GCond cond;
};

static int64_t now_ms(void)
{
    return g_get_monotonic_time() / 1000;
}

static struct store *connect_store(void *opaque, int partition, GError **error)
{
    struct worker *worker = opaque;
    return store_connect(&worker->settings.redis, partition, error);
}

static void random_token(void *opaque, char token[33])
{
    uint8_t bytes[16];
    (void)opaque;
    int failed = gnutls_rnd(GNUTLS_RND_NONCE, bytes, sizeof bytes);
    g_assert(failed == 0);
    hex_write(token, bytes, sizeof bytes);
}

/* ---- seats ---- */

static void seat_free(gpointer opaque)
{
    struct seat *seat = opaque;
    partition_free(seat->partition);
    g_free(seat->reason);
    g_free(seat);
}

static struct seat *find_seat(const struct worker *worker, int partition)
{
    for (guint i = 0; i < worker->seats->len; i++) {
        struct seat *seat = g_ptr_array_index(worker->seats, i);
        if (partition_number(seat->partition) == partition)
            return seat;
    }
    return NULL;
}

static const char *failure_word(const GError *error)
{
    static const char *const words[] = {"lost", "fenced", "restoring", "damaged"};
    return error->domain == COMMIT_ERROR ? words[error->code] : error->domain == KAFKA_ERROR ? "kafka" : "lost";
}

/* Takes the error. The partition forgets everything; when to try again depends on what happened. */
static void seat_fail(struct worker *worker, struct seat *seat, GError *error)
{
    bool stopped = error->domain == COMMIT_ERROR && error->code == COMMIT_ERROR_DAMAGED;
    partition_forget(seat->partition);
    if (seat->state == SEAT_RUNNING && now_ms() - seat->claimed_at_ms > CALM_MS)
        seat->backoff_ms = BACKOFF_FIRST_MS;
    bool news = g_strcmp0(seat->reason, error->message) != 0;
    seat->state = stopped ? SEAT_STOPPED : SEAT_CLAIMING;
    /* Two workers that believe in one partition must not fence each other in step. */
    int pause_ms = stopped ? STOPPED_RETRY_MS : seat->backoff_ms + g_random_int_range(0, seat->backoff_ms + 1);
    seat->retry_at_ms = now_ms() + pause_ms;
    seat->backoff_ms = MIN(seat->backoff_ms * 2, BACKOFF_MAX_MS);
    metrics_add(worker->settings.metrics, METER_CLAIM_FAILURES, failure_word(error), 1);
    if (news)
        log_event(stopped ? LOG_LEVEL_ERROR : LOG_LEVEL_WARN, stopped ? "partition_stopped" : "partition_given_up",
                  "partition=%d error=%s", partition_number(seat->partition), error->message);
    g_free(seat->reason);
    seat->reason = g_strdup(error->message);
    g_error_free(error);
}

static bool claim(struct worker *worker, struct seat *seat, GError **error)
{
    int64_t low, high;
    int number = partition_number(seat->partition);
    return partition_claim(seat->partition, error) &&
           kafka_reader_watermarks(worker->reader, number, WATERMARK_MS, &low, &high, error) &&
           partition_check_log(seat->partition, low, high, error);
}

static void seat_claim(struct worker *worker, struct seat *seat)
{
    GError *error = NULL;
    int64_t begin_ms = now_ms();
    if (!claim(worker, seat, &error)) {
        int64_t spent_ms = now_ms() - begin_ms;
        seat_fail(worker, seat, error);
        /* A Redis that hangs must not take the time of the partitions that have another one. */
        seat->retry_at_ms = MAX(seat->retry_at_ms, now_ms() + HANGING_SHARE * spent_ms);
        return;
    }
    seat->state = SEAT_RUNNING;
    seat->claimed_at_ms = now_ms();
    g_clear_pointer(&seat->reason, g_free);
    worker->positions_changed = true;
    log_info("partition_claimed", "partition=%d position=%" G_GINT64_FORMAT, partition_number(seat->partition),
             partition_position(seat->partition));
}

static void claim_due(struct worker *worker)
{
    for (guint i = 0; i < worker->seats->len; i++) {
        struct seat *seat = g_ptr_array_index(worker->seats, i);
        if (seat->state != SEAT_RUNNING && now_ms() >= seat->retry_at_ms)
            seat_claim(worker, seat);
    }
}

/* ---- reading ---- */

static void assign_reader(struct worker *worker)
{
    g_autoptr(GError) error = NULL;
    g_autofree struct kafka_position *positions = g_new(struct kafka_position, worker->seats->len + 1);
    size_t n = 0;
    for (guint i = 0; i < worker->seats->len; i++) {
        const struct seat *seat = g_ptr_array_index(worker->seats, i);
        if (seat->state == SEAT_RUNNING)
            positions[n++] = (struct kafka_position){partition_number(seat->partition), partition_position(seat->partition)};
    }
    worker->positions_changed = false;
    if (!kafka_reader_assign(worker->reader, positions, n, &error)) {
        log_error("assign_failed", "error=%s", error->message);
        worker->positions_changed = true;
    }
}

static void feed_run(struct worker *worker, struct seat *seat, const struct log_record *records, size_t n)
{
    GError *error = NULL;
    if (n == 0 || seat->state != SEAT_RUNNING)
        return;
    metrics_add(worker->settings.metrics, METER_RECORDS, NULL, n);
    if (!partition_feed(seat->partition, worker->feed, records, n, &error))
        seat_fail(worker, seat, error);
}

static void take_event(struct worker *worker, struct seat *seat, const struct kafka_message *message)
{
    if (message->event == KAFKA_OUT_OF_RANGE && seat->state == SEAT_RUNNING)
        seat_fail(worker, seat,
                  g_error_new(COMMIT_ERROR, COMMIT_ERROR_LOST, "offset %" G_GINT64_FORMAT " is not in the log",
                              partition_position(seat->partition)));
}

/* Messages of one partition, in runs of at most FEED_MAX. */
static void feed_seat(struct worker *worker, struct seat *seat, const struct kafka_message *messages, size_t n)
{
    struct log_record run[FEED_MAX];
    size_t length = 0;
    for (size_t i = 0; i < n; i++) {
        const struct kafka_message *message = &messages[i];
        if (message->partition != partition_number(seat->partition))
            continue;
        if (message->event != KAFKA_MESSAGE) {
            take_event(worker, seat, message);
            continue;
        }
        run[length++] = (struct log_record){message->offset, message->timestamp_ms, message->data, message->size};
        if (length == FEED_MAX) {
            feed_run(worker, seat, run, length);
            length = 0;
        }
    }
    feed_run(worker, seat, run, length);
}

static void read_log(struct worker *worker)
{
    struct kafka_message messages[POLL_MESSAGES];
    size_t n = kafka_reader_poll(worker->reader, messages, POLL_MESSAGES, POLL_MS);
    worker->behind = n == POLL_MESSAGES;
    for (guint i = 0; n > 0 && i < worker->seats->len; i++)
        feed_seat(worker, g_ptr_array_index(worker->seats, i), messages, n);
    for (size_t i = 0; i < n; i++) {
        if (messages[i].event == KAFKA_READ_ERROR)
            log_warn("read_failed", "partition=%d error=%.*s", messages[i].partition, (int)messages[i].size,
                     (const char *)messages[i].data);
        kafka_message_clear(&messages[i]);
    }
}

static void tick(struct worker *worker)
{
    for (guint i = 0; i < worker->seats->len; i++) {
        struct seat *seat = g_ptr_array_index(worker->seats, i);
        GError *error = NULL;
        if (seat->state == SEAT_RUNNING && !partition_tick(seat->partition, now_ms(), worker->behind, &error))
            seat_fail(worker, seat, error);
    }
}

/* ---- orders ---- */

static void seat_leave(struct worker *worker, struct seat *seat)
{
    g_autoptr(GError) error = NULL;
    if (seat->state == SEAT_RUNNING && !partition_settle(seat->partition, &error))
        log_warn("partition_not_settled", "partition=%d error=%s", partition_number(seat->partition), error->message);
    char label[16];
    g_snprintf(label, sizeof label, "%d", partition_number(seat->partition));
    for (size_t row = 0; row < AGGREGATOR_N_METERS; row++)
        if (g_strcmp0(aggregator_meters[row].label, "partition") == 0)
            metrics_drop(worker->settings.metrics, row, label);
}

static bool wanted(const struct order *order, int partition)
{
    for (size_t i = 0; i < order->n; i++)
        if (order->partitions[i] == partition)
            return true;
    return false;
}

static void add_seat(struct worker *worker, int partition)
{
    struct seat *seat = g_new0(struct seat, 1);
    seat->partition = partition_new(partition, &worker->settings.partition);
    seat->state = SEAT_CLAIMING;
    seat->backoff_ms = BACKOFF_FIRST_MS;
    g_ptr_array_add(worker->seats, seat);
}

static void obey(struct worker *worker, const struct order *order)
{
    for (guint i = worker->seats->len; i > 0; i--) {
        struct seat *seat = g_ptr_array_index(worker->seats, i - 1);
        if (wanted(order, partition_number(seat->partition)))
            continue;
        seat_leave(worker, seat);
        g_ptr_array_remove_index(worker->seats, i - 1);
        worker->positions_changed = true;
    }
    for (size_t i = 0; i < order->n; i++)
        if (!find_seat(worker, order->partitions[i]))
            add_seat(worker, order->partitions[i]);
    for (guint i = 0; i < worker->seats->len; i++)
        partition_set_memory(((struct seat *)g_ptr_array_index(worker->seats, i))->partition,
                             worker->settings.memory_bytes / worker->seats->len);
    worker->ended = order->end;
}

/* ---- board and metrics ---- */

/* And how far the partition is: to ask it once is enough, for that adds up its memory. */
static struct worker_stand publish_metrics(struct worker *worker, const struct seat *seat)
{
    struct partition_stats stats;
    char label[16];
    partition_stats(seat->partition, &stats);
    int64_t end = kafka_reader_end(worker->reader, partition_number(seat->partition));
    g_snprintf(label, sizeof label, "%d", partition_number(seat->partition));
    const struct {
        enum aggregator_meter meter;
        uint64_t value;
    } values[] = {
        {METER_EVENTS, stats.events},
        {METER_DUPLICATE_EVENTS, stats.duplicates},
        {METER_DUPLICATE_BATCHES, stats.duplicate_batches},
        {METER_DUPLICATE_BATCH_EVENTS, stats.duplicate_batch_events},
        {METER_QUARANTINED, stats.quarantined},
        {METER_QUARANTINED_EVENTS, stats.quarantined_events},
        {METER_GAPS, stats.gaps},
        {METER_GAP_BATCHES, stats.gap_batches},
        {METER_SEQUENCE_REUSED, stats.other_crc},
        {METER_OVER_CAP, stats.over_cap},
        {METER_REFUSED, stats.refused},
        {METER_CLAIMS, stats.claims},
        {METER_FLUSHES, stats.flushes},
        {METER_PAYLOAD_BYTES, stats.payload_bytes},
        {METER_NEXT_OFFSET, (uint64_t)stats.committed},
        {METER_END_OFFSET, (uint64_t)MAX(end, stats.committed)},
        {METER_LOG_CLOCK, (uint64_t)stats.clock_ms / 1000},
        {METER_STATE, (uint64_t)seat->state},
        {METER_MEMORY, stats.memory_bytes},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(values); i++)
        metrics_set(worker->settings.metrics, values[i].meter, label, (gint64)values[i].value);
    return (struct worker_stand){partition_number(seat->partition), seat->state == SEAT_RUNNING, stats.committed, end};
}

static void publish(struct worker *worker)
{
    if (now_ms() - worker->board_at_ms < BOARD_MS)
        return;
    worker->board_at_ms = now_ms();
    g_autoptr(GArray) stands = g_array_new(FALSE, FALSE, sizeof(struct worker_stand));
    for (guint i = 0; i < worker->seats->len; i++) {
        struct worker_stand stand = publish_metrics(worker, g_ptr_array_index(worker->seats, i));
        g_array_append_val(stands, stand);
    }
    g_mutex_lock(&worker->board_lock);
    g_string_truncate(worker->board, 0);
    g_array_set_size(worker->stands, 0);
    g_array_append_vals(worker->stands, stands->data, stands->len);
    worker->board_seats = worker->seats->len;
    for (guint i = 0; i < worker->seats->len; i++) {
        const struct seat *seat = g_ptr_array_index(worker->seats, i);
        const char *reason = seat->state == SEAT_RUNNING ? partition_trouble(seat->partition)
                             : seat->reason              ? seat->reason
                                                         : "being claimed";
        if (reason)
            g_string_append_printf(worker->board, "partition %d: %s\n", partition_number(seat->partition), reason);
    }
    g_mutex_unlock(&worker->board_lock);
}

size_t worker_report(struct worker *worker, GString *out)
{
    g_mutex_lock(&worker->board_lock);
    g_string_append_len(out, worker->board->str, (gssize)worker->board->len);
    size_t seats = worker->board_seats;
    g_mutex_unlock(&worker->board_lock);
    return seats;
}

void worker_stands(struct worker *worker, GArray *stands)
{
    g_mutex_lock(&worker->board_lock);
    g_array_append_vals(stands, worker->stands->data, worker->stands->len);
    g_mutex_unlock(&worker->board_lock);
}

/* ---- taking orders ---- */

static void take_orders(struct worker *worker)
{
    struct order *order;
    while ((order = g_async_queue_try_pop(worker->orders))) {
        obey(worker, order);
        worker->board_at_ms = 0;
        publish(worker); /* before main says that we have them */
        g_mutex_lock(&order->lock);
        order->done = true;
        g_cond_signal(&order->cond);
        g_mutex_unlock(&order->lock);
    }
}

/* ---- life ---- */

static gpointer run(gpointer opaque)
{
    struct worker *worker = opaque;
    while (!worker->ended) {
        take_orders(worker);
        claim_due(worker);
        if (worker->positions_changed)
            assign_reader(worker);
        read_log(worker);
        tick(worker);
        publish(worker);
    }
    return NULL;
}

struct worker *worker_start(const struct worker_settings *settings, GError **error)
{
    struct kafka_reader *reader = kafka_reader_new(&settings->kafka, settings->partition.topic, error);
    if (!reader)
        return NULL;
    struct worker *worker = g_new0(struct worker, 1);
    worker->settings = *settings;
    worker->settings.partition.connect = connect_store;
    worker->settings.partition.token = random_token;
    worker->settings.partition.opaque = worker;
    worker->settings.partition.payload = payload_new();
    worker->reader = reader;
    worker->orders = g_async_queue_new();
    worker->feed = feed_new();
    worker->seats = g_ptr_array_new_with_free_func(seat_free);
    worker->board = g_string_new(NULL);
    worker->stands = g_array_new(FALSE, FALSE, sizeof(struct worker_stand));
    g_mutex_init(&worker->board_lock);
    worker->thread = g_thread_new("worker", run, worker);
    return worker;
}

static void give_order(struct worker *worker, struct order *order)
{
    g_mutex_init(&order->lock);
    g_cond_init(&order->cond);
    g_async_queue_push(worker->orders, order);
    g_mutex_lock(&order->lock);
    while (!order->done)
        g_cond_wait(&order->cond, &order->lock);
    g_mutex_unlock(&order->lock);
    g_mutex_clear(&order->lock);
    g_cond_clear(&order->cond);
}

void worker_assign(struct worker *worker, const int *partitions, size_t n)
{
    struct order order = {.partitions = partitions, .n = n};
    give_order(worker, &order);
}

void worker_stop(struct worker *worker)
{
    struct order order = {.end = true};
    give_order(worker, &order);
    g_thread_join(worker->thread);
    kafka_reader_free(worker->reader);
    g_async_queue_unref(worker->orders);
    feed_free(worker->feed);
    g_ptr_array_free(worker->seats, TRUE);
    payload_free(worker->settings.partition.payload);
    g_string_free(worker->board, TRUE);
    g_array_free(worker->stands, TRUE);
    g_mutex_clear(&worker->board_lock);
    g_free(worker);
}
