/* closer: rounds. Each reads, decides, sends seals, sends entries. What fails ends the round; the next one begins from what is
 * there then. Messages of a round leave before the next one sends any, so that nothing piles up while Kafka is away. */
#include "aggregator/closer.h"

#include "aggregator/entry_make.h"
#include "aggregator/meters.h"
#include "lib/civil.h"
#include "lib/crashpoint.h"
#include "lib/log.h"

enum {
    TOPIC_MS = 1000,        /* for the broker to say how many partitions there are */
    TOPIC_AGAIN_MS = 60000, /* until it is asked again */
    END_MS = 1000,          /* for the end of a partition's log */
    DRAIN_MS = 1000,        /* for a round's messages to leave */
    BUSY_MS = 200,          /* between rounds while something is on its way */
    BACKOFF_MAX_MS = 5000,  /* after a failure */
    HELD_AGAIN_MS = 30000,  /* until a day that cannot be entered is tried again */
    OVERDUE_MS = 5 * 60000, /* until a day that is due is reported */
    REPORT_LINES_MAX = 20,
};

/* A day that cannot be entered as it is. */
struct held {
    gint64 day;
    char *reason;
    int failures; /* the first may come from reading between two writes, and is not said */
    int64_t again_at_ms;
};

struct closer {
    struct closer_settings settings;
    GThread *thread;

    GMutex lock;
    GCond cond;
    bool active, ended; /* under lock, as the next */
    GString *board;

    /* the thread's own */
    struct closing_reader *reader;
    struct closing_plan *plan;
    struct closing_round round;
    struct kafka_producer *producer;
    GHashTable *held; /* struct held by its day */
    int partitions;   /* of the topic; 0: not known yet */
    int64_t topic_at_ms;
    GArray *ends;        /* int64_t by partition: end of its log, as asked in the round before; -1: not asked */
    uint64_t ends_since; /* n of the ledger's last entry then */
    char *trouble;       /* as logged; NULL: none */
    int64_t trouble_at_ms;
    int failures; /* in a row */
};

static int64_t monotonic_ms(void)
{
    return g_get_monotonic_time() / 1000;
}

static struct closing_time now(void)
{
    return (struct closing_time){g_get_real_time() / 1000, monotonic_ms()};
}

static bool is_wanted(struct closer *closer)
{
    g_mutex_lock(&closer->lock);
    bool wanted = closer->active && !closer->ended;
    g_mutex_unlock(&closer->lock);
    return wanted;
}

static void held_free(gpointer opaque)
{
    struct held *held = opaque;
    g_free(held->reason);
    g_free(held);
}

/* ---- what is known ---- */

static bool ask_topic(struct closer *closer, GError **error)
{
    g_autoptr(GError) refused = NULL;
    struct kafka_topic topic;
    if (closer->partitions > 0 && monotonic_ms() < closer->topic_at_ms + TOPIC_AGAIN_MS)
        return true;
    closer->topic_at_ms = monotonic_ms();
    if (kafka_topic_get(&closer->settings.kafka, closer->settings.topic, TOPIC_MS, &topic, &refused)) {
        closer->partitions = MAX(closer->partitions, topic.partitions);
        return true;
    }
    if (closer->partitions > 0)
        return true; /* what was known is enough for now */
    g_propagate_error(error, g_steal_pointer(&refused));
    return false;
}

/* A partition has caught up if it has counted all that was there when the ledger was what it is now. */
static void use_ends(struct closer *closer)
{
    struct closing_view *view = closing_reader_view(closer->reader);
    for (guint p = 0; p < view->partitions->len; p++) {
        struct closing_partition *partition = g_ptr_array_index(view->partitions, p);
        int64_t end = p < closer->ends->len ? g_array_index(closer->ends, int64_t, p) : -1;
        partition->caught_up = end >= 0 && closer->ends_since == view->ledger && closing_reader_next(closer->reader, (int)p) >= end;
    }
    g_array_set_size(closer->ends, 0);
}

static bool ask_ends(struct closer *closer, GError **error)
{
    const GArray *doubtful = closer->round.doubtful;
    const int64_t unknown = -1;
    if (doubtful->len == 0)
        return true;
    struct kafka_reader *reader = kafka_reader_new(&closer->settings.kafka, closer->settings.topic, error);
    for (int p = 0; p < closer->partitions; p++)
        g_array_append_val(closer->ends, unknown);
    closer->ends_since = closing_reader_view(closer->reader)->ledger;
    bool ok = reader != NULL;
    for (guint i = 0; ok && i < doubtful->len && is_wanted(closer); i++) {
        int partition = g_array_index(doubtful, int, i);
        int64_t low;
        ok = kafka_reader_watermarks(reader, partition, END_MS, &low, &g_array_index(closer->ends, int64_t, partition), error);
    }
    if (!ok)
        g_array_set_size(closer->ends, 0);
    if (reader)
        kafka_reader_free(reader);
    return ok;
}

/* ---- sending ---- */

static bool have_producer(struct closer *closer, GError **error)
{
    const char *message;
    if (closer->producer && kafka_producer_failed(closer->producer, &message)) {
        log_warn("closer_producer_failed", "error=%s", message);
        g_clear_pointer(&closer->producer, kafka_producer_free);
        closing_plan_forget(closer->plan);
    }
    if (!closer->producer)
        closer->producer = kafka_producer_new(&closer->settings.kafka, closer->settings.topic, NULL, NULL, error);
    return closer->producer != NULL;
}

static bool send_record(struct closer *closer, int partition, GBytes *record, GError **error)
{
    gsize size;
    const void *data = g_bytes_get_data(record, &size);
    enum kafka_send sent = kafka_producer_send(closer->producer, partition, data, size, NULL);
    for (int64_t end_ms = monotonic_ms() + DRAIN_MS; sent == KAFKA_SEND_FULL && monotonic_ms() < end_ms;) {
        kafka_producer_poll(closer->producer, 20);
        sent = kafka_producer_send(closer->producer, partition, data, size, NULL);
    }
    if (sent == KAFKA_SENT)
        return true;
    g_set_error(error, KAFKA_ERROR, sent == KAFKA_SEND_FULL ? KAFKA_ERROR_UNREACHABLE : KAFKA_ERROR_FATAL,
                "a record for partition %d cannot be sent: %s", partition,
                sent == KAFKA_SEND_FULL ? "those before it have not left" : "the producer has failed");
    return false;
}

/* A test kills us here with all that was sent in the log. */
static void crash_here(struct closer *closer, const char *name)
{
    if (crashpoint_due(name))
        kafka_producer_flush(closer->producer, 10 * DRAIN_MS);
    crashpoint(name);
}

/* All partitions say the same reason of a revision. */
static void share_reason(struct closer *closer, struct closing_seal *seal)
{
    const struct closing_entry entry = {seal->seal.day, (int)seal->seal.revision};
    struct partition_day *day = seal->peer < 0 ? NULL : closing_reader_closed(closer->reader, seal->peer, &entry, NULL);
    if (day)
        seal->seal.reason = day->reason;
    partition_day_free(day);
}

static bool send_seal(struct closer *closer, struct closing_seal *seal, GError **error)
{
    const struct closing_time time = now();
    share_reason(closer, seal);
    g_autoptr(GBytes) record = ledger_seal(&seal->seal);
    if (!send_record(closer, seal->partition, record, error))
        return false;
    closing_plan_seal_sent(closer->plan, seal, &time);
    metrics_add(closer->settings.metrics, METER_SEALS_SENT, NULL, 1);
    return true;
}

static bool send_seals(struct closer *closer, GError **error)
{
    GArray *seals = closer->round.seals;
    for (guint i = 0; i < seals->len && is_wanted(closer); i++) {
        struct closing_seal *seal = &g_array_index(seals, struct closing_seal, i);
        if (i == 0)
            crash_here(closer, "seal.before");
        else if (seal->partition != g_array_index(seals, struct closing_seal, i - 1).partition)
            crash_here(closer, "seal.between");
        if (!send_seal(closer, seal, error))
            return false;
    }
    if (seals->len > 0)
        log_info("seals_sent", "n=%u", seals->len);
    return true;
}

/* ---- entries ---- */

static bool is_held(const struct closer *closer, int64_t day)
{
    const struct held *held = g_hash_table_lookup(closer->held, &day);
    return held && monotonic_ms() < held->again_at_ms;
}

/* Takes the error. Other days go on. */
static void hold(struct closer *closer, int64_t day, GError *error)
{
    struct held *held = g_hash_table_lookup(closer->held, &day);
    char date[CIVIL_TEXT_MAX];
    civil_format_day(date, day);
    if (!held) {
        held = g_new0(struct held, 1);
        held->day = day;
        g_hash_table_insert(closer->held, &held->day, held);
    }
    held->failures++;
    if (held->failures == 2 || (held->failures > 2 && strcmp(held->reason, error->message) != 0))
        log_error("day_held_open", "day=%s error=%s", date, error->message);
    g_free(held->reason);
    held->reason = g_strdup(error->message);
    held->again_at_ms = held->failures > 1 ? monotonic_ms() + HELD_AGAIN_MS : 0;
    g_error_free(error);
}

/* The chain as it will be when all that was sent has arrived. */
struct chain {
    uint64_t n;
    bool has_checksum;
    uint8_t checksum[LEDGER_CHECKSUM_SIZE];
    struct ledger_entry *last; /* NULL: it was not sent in this round */
};

static void chain_begin(const struct closer *closer, struct chain *chain)
{
    const uint8_t *checksum = closing_reader_checksum(closer->reader);
    *chain = (struct chain){.n = closing_reader_view(closer->reader)->ledger, .has_checksum = checksum != NULL};
    if (checksum)
        memcpy(chain->checksum, checksum, sizeof chain->checksum);
}

/* Takes the entry. */
static void chain_extend(struct chain *chain, struct ledger_entry *entry, GBytes *record)
{
    gsize size;
    const void *data = g_bytes_get_data(record, &size);
    ledger_checksum(view_make(data, size), chain->checksum);
    chain->has_checksum = true;
    chain->n = entry->n;
    ledger_entry_free(chain->last);
    chain->last = entry;
}

static bool send_entry(struct closer *closer, struct chain *chain, const struct closing_entry *wanted, GError **error)
{
    g_autoptr(GBytes) record = NULL;
    GError *failure = NULL;
    bool before = chain->last && chain->last->day == wanted->day && (int)chain->last->revision + 1 == wanted->revision;
    const struct entry_place place = {chain->n + 1, chain->has_checksum ? chain->checksum : NULL, before ? chain->last : NULL};
    struct ledger_entry *entry = entry_make(closer->reader, closer->settings.archive, wanted, &place, &record, &failure);
    if (!entry && !g_error_matches(failure, REDIS_ERROR, REDIS_ERROR_LOST)) {
        hold(closer, wanted->day, failure);
        return true;
    }
    if (!entry) {
        g_propagate_error(error, failure);
        return false;
    }
    g_hash_table_remove(closer->held, &wanted->day);
    if (!send_record(closer, 0, record, error)) {
        ledger_entry_free(entry);
        return false;
    }
    chain_extend(chain, entry, record);
    closing_plan_entries_sent(closer->plan, chain->n, &(struct closing_time){0, monotonic_ms()});
    metrics_add(closer->settings.metrics, METER_ENTRIES_SENT, NULL, 1);
    crash_here(closer, "ledger.sent");
    return true;
}

static bool send_entries(struct closer *closer, GError **error)
{
    const GArray *entries = closer->round.entries;
    struct chain chain;
    bool ok = true;
    chain_begin(closer, &chain);
    if (entries->len > 0)
        crash_here(closer, "ledger.before");
    for (guint i = 0; ok && i < entries->len && is_wanted(closer); i++) {
        const struct closing_entry *entry = &g_array_index(entries, struct closing_entry, i);
        if (!is_held(closer, entry->day))
            ok = send_entry(closer, &chain, entry, error);
    }
    ledger_entry_free(chain.last);
    return ok;
}

/* ---- what is said ---- */

/* NULL: it is not held. */
static const char *held_because(const struct closer *closer, int64_t day)
{
    const struct held *held = g_hash_table_lookup(closer->held, &day);
    return held && held->failures > 1 ? held->reason : NULL;
}

static void describe(const struct closer *closer, const struct closing_wait *wait, GString *out)
{
    static const char *const steps[] = {"the seal", "the sheet", "the entry in the ledger"};
    const char *reason = held_because(closer, wait->day);
    char date[CIVIL_TEXT_MAX];
    civil_format_day(date, wait->day);
    g_string_append_printf(out, "day %s: ", date);
    if (wait->revision > 1)
        g_string_append_printf(out, "revision %d: ", wait->revision);
    if (reason) {
        g_string_append_printf(out, "%s\n", reason);
        return;
    }
    g_string_append_printf(out, "waiting for %s", steps[wait->step]);
    if (wait->step != CLOSING_WAITS_ENTRY)
        g_string_append_printf(out, " of partition %d", wait->partition);
    if (wait->partitions > 1)
        g_string_append_printf(out, " and %d others", wait->partitions - 1);
    g_string_append_printf(out, " since %" G_GINT64_FORMAT " s\n", wait->step_ms / 1000);
}

static void write_board(struct closer *closer, GString *board)
{
    guint lines = 0;
    if (closer->trouble && monotonic_ms() - closer->trouble_at_ms >= OVERDUE_MS)
        g_string_append_printf(board, "no day can be closed: %s\n", closer->trouble);
    for (guint i = 0; i < closer->round.waits->len; i++) {
        const struct closing_wait *wait = &g_array_index(closer->round.waits, struct closing_wait, i);
        if (wait->due_ms < OVERDUE_MS && !held_because(closer, wait->day))
            continue;
        if (++lines <= REPORT_LINES_MAX)
            describe(closer, wait, board);
    }
    if (lines > REPORT_LINES_MAX)
        g_string_append_printf(board, "and %u more days\n", lines - REPORT_LINES_MAX);
}

static void publish(struct closer *closer)
{
    struct metrics *metrics = closer->settings.metrics;
    g_autoptr(GString) board = g_string_new(NULL);
    write_board(closer, board);
    g_mutex_lock(&closer->lock);
    g_string_assign(closer->board, board->str);
    g_mutex_unlock(&closer->lock);
    metrics_set(metrics, METER_CLOSER, NULL, 1);
    metrics_set(metrics, METER_CLOSINGS_DUE, NULL, closer->round.waits->len);
    metrics_set(metrics, METER_LAST_CLOSED_DAY, NULL, MAX(closer->round.closed_through, 0));
}

static void unpublish(struct closer *closer)
{
    g_mutex_lock(&closer->lock);
    g_string_truncate(closer->board, 0);
    g_mutex_unlock(&closer->lock);
    metrics_set(closer->settings.metrics, METER_CLOSER, NULL, 0);
    metrics_set(closer->settings.metrics, METER_CLOSINGS_DUE, NULL, 0);
    metrics_set(closer->settings.metrics, METER_LAST_CLOSED_DAY, NULL, 0);
}

void closer_report(struct closer *closer, GString *out)
{
    g_mutex_lock(&closer->lock);
    g_string_append_len(out, closer->board->str, (gssize)closer->board->len);
    g_mutex_unlock(&closer->lock);
}

/* ---- rounds ---- */

static bool decide(struct closer *closer, GError **error)
{
    if (!ask_topic(closer, error) || !closing_reader_read(closer->reader, closer->partitions, error))
        return false;
    const struct closing_time time = now();
    use_ends(closer);
    closing_plan_decide(closer->plan, closing_reader_view(closer->reader), &time, &closer->round);
    return true;
}

static gboolean has_closed(gpointer key, gpointer value, gpointer opaque)
{
    const GArray *waits = opaque;
    (void)key;
    for (guint i = 0; i < waits->len; i++)
        if (g_array_index(waits, struct closing_wait, i).day == ((const struct held *)value)->day)
            return FALSE;
    return TRUE;
}

static bool act(struct closer *closer, GError **error)
{
    if (!decide(closer, error))
        return false;
    g_hash_table_foreach_remove(closer->held, has_closed, closer->round.waits);
    if (!have_producer(closer, error))
        return false;
    kafka_producer_poll(closer->producer, 0);
    if (kafka_producer_in_flight(closer->producer) > 0 && !kafka_producer_flush(closer->producer, DRAIN_MS)) {
        g_set_error(error, KAFKA_ERROR, KAFKA_ERROR_UNREACHABLE, "Kafka has not taken %d records yet",
                    kafka_producer_in_flight(closer->producer));
        return false;
    }
    return send_seals(closer, error) && send_entries(closer, error) && ask_ends(closer, error);
}

/* Takes the error, NULL: all is well. Said once. */
static void note_trouble(struct closer *closer, GError *error)
{
    if (error && g_strcmp0(closer->trouble, error->message) != 0)
        log_warn("closing_waits", "error=%s", error->message);
    if (!error && closer->trouble)
        log_info("closing_goes_on", "partitions=%d", closer->partitions);
    if (error && !closer->trouble)
        closer->trouble_at_ms = monotonic_ms();
    closer->failures = error ? closer->failures + 1 : 0;
    g_free(closer->trouble);
    closer->trouble = error ? g_strdup(error->message) : NULL;
    g_clear_error(&error);
}

static void run_round(struct closer *closer)
{
    GError *error = NULL;
    if (!act(closer, &error) && error->domain == REDIS_ERROR)
        closing_reader_forget(closer->reader);
    note_trouble(closer, error);
    publish(closer);
}

/* What is idle holds no connections, and begins anew. */
static void let_go(struct closer *closer)
{
    g_clear_pointer(&closer->producer, kafka_producer_free);
    closing_reader_forget(closer->reader);
    closing_plan_forget(closer->plan);
    g_hash_table_remove_all(closer->held);
    g_array_set_size(closer->ends, 0);
    closer->partitions = 0;
    note_trouble(closer, NULL);
    unpublish(closer);
}

static int64_t pause_ms(const struct closer *closer)
{
    int64_t normal_ms = closing_plan_busy(closer->plan) ? MIN(BUSY_MS, closer->settings.check_ms) : closer->settings.check_ms;
    if (closer->failures == 0)
        return normal_ms;
    return MIN(BACKOFF_MAX_MS, normal_ms << MIN(closer->failures - 1, 6));
}

/* Waits until the next round is due; false: there is none any more. */
static bool wait_turn(struct closer *closer)
{
    int64_t until_us = g_get_monotonic_time() + pause_ms(closer) * 1000;
    g_mutex_lock(&closer->lock);
    while (!closer->ended && closer->active && g_cond_wait_until(&closer->cond, &closer->lock, until_us))
        ;
    while (!closer->ended && !closer->active) {
        g_mutex_unlock(&closer->lock);
        let_go(closer);
        g_mutex_lock(&closer->lock);
        while (!closer->ended && !closer->active)
            g_cond_wait(&closer->cond, &closer->lock);
    }
    bool more = !closer->ended;
    g_mutex_unlock(&closer->lock);
    return more;
}

static gpointer run(gpointer opaque)
{
    struct closer *closer = opaque;
    while (wait_turn(closer))
        run_round(closer);
    let_go(closer);
    return NULL;
}

/* ---- life ---- */

struct closer *closer_start(const struct closer_settings *settings)
{
    struct closer *closer = g_new0(struct closer, 1);
    closer->settings = *settings;
    g_mutex_init(&closer->lock);
    g_cond_init(&closer->cond);
    closer->board = g_string_new(NULL);
    closer->reader = closing_reader_new(settings->redis_url);
    closer->plan = closing_plan_new(&settings->plan);
    closing_round_init(&closer->round);
    closer->held = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, held_free);
    closer->ends = g_array_new(FALSE, FALSE, sizeof(int64_t));
    closer->thread = g_thread_new("closer", run, closer);
    return closer;
}

static void give_order(struct closer *closer, bool active, bool ended)
{
    g_mutex_lock(&closer->lock);
    if (closer->active != active)
        log_info("closer", "active=%d", active);
    closer->active = active;
    closer->ended = ended;
    g_cond_signal(&closer->cond);
    g_mutex_unlock(&closer->lock);
}

void closer_set_active(struct closer *closer, bool active)
{
    give_order(closer, active, false);
}

void closer_stop(struct closer *closer)
{
    give_order(closer, false, true);
    g_thread_join(closer->thread);
    closing_reader_free(closer->reader);
    closing_plan_free(closer->plan);
    closing_round_clear(&closer->round);
    g_hash_table_destroy(closer->held);
    g_array_free(closer->ends, TRUE);
    g_string_free(closer->board, TRUE);
    g_free(closer->trouble);
    g_cond_clear(&closer->cond);
    g_mutex_clear(&closer->lock);
    g_free(closer);
}
