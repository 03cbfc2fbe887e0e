/* The thread does three things in turn: it looks for what is due and begins tries, lets curl move them, and settles in Redis those
 * that have ended. A try has a place among the receivers until it ends, and counts until it is settled: so what is taken is bounded
 * also while Redis is away.
 *
 * What is known of a delivery is its claim: all changes are made only if it is still due when the claim said (deliveries.h), so
 * what an administrator or another replica has done meanwhile stays done. */
#include "api/notifier.h"

#include "api/alerts.h"
#include "api/meters.h"
#include "api/receivers.h"
#include "api/trials.h"
#include "lib/crashpoint.h"
#include "lib/log.h"

enum {
    LOOK_MS = 1000,
    SWEEP_MS = 15000,
    REDIS_MS = 10000, /* for one look, and for settling */
    PAGES_MAX = 500,  /* of one look */
    STATUS_GONE = 410,
    STATUS_BUSY = 429,
    CHANCES = 1024,
};

struct notifier {
    struct notifier_settings settings;
    struct registry *registry;
    struct metrics *metrics;
    struct outgoing *outgoing; /* the thread's own, but for outgoing_wake */
    struct trials *trials;     /* the same, but for trials_add */
    GThread *thread;
    gint stopping; /* atomic */
    /* ---- the thread's own ---- */
    struct sender sender;
    struct reader *reader;
    struct receivers *receivers;
    GHashTable *sending;      /* borrowed id -> struct sending: claimed, and not settled */
    GQueue ended;             /* of these: to be settled */
    gint64 look_us, sweep_us; /* when next, monotonic */
    bool was_lost;
};

enum verdict { VERDICT_DELIVERED, VERDICT_AGAIN, VERDICT_DEAD, VERDICT_DROPPED };
static const char *const outcomes[] = {
    [VERDICT_DELIVERED] = "delivered", [VERDICT_AGAIN] = "failed", [VERDICT_DEAD] = "dead", [VERDICT_DROPPED] = "dropped"};

/* A delivery that was claimed. */
struct sending {
    struct notifier *notifier;
    struct deliveries_entry entry;
    struct delivery delivery;
    enum verdict verdict; /* when it has ended; then also: */
    int64_t next_ms;      /* VERDICT_AGAIN: Unix time */
};

static int64_t now_ms(void)
{
    return g_get_real_time() / G_TIME_SPAN_MILLISECOND;
}

/* ---- what a try came to ---- */

static void end(struct sending *sending, enum verdict verdict)
{
    sending->verdict = verdict;
    g_queue_push_tail(&sending->notifier->ended, sending);
}

static void log_try(const struct sending *sending)
{
    const struct deliveries_entry *entry = &sending->entry;
    if (sending->verdict == VERDICT_DEAD)
        log_warn("delivery_given_up", "delivery=%s attempts=%u error=%s", entry->id, entry->tries.attempts, entry->tries.error);
    else if (sending->verdict == VERDICT_DROPPED)
        log_info("delivery_dropped", "delivery=%s", entry->id);
    else if (sending->verdict == VERDICT_AGAIN)
        log_info("delivery_failed", "delivery=%s attempts=%u error=%s", entry->id, entry->tries.attempts, entry->tries.error);
}

static int64_t pause_ms(const struct notifier *notifier, uint32_t attempts, int64_t retry_after_s)
{
    const struct notifier_settings *settings = &notifier->settings;
    uint32_t chance = (uint32_t)g_random_int_range(0, CHANCES);
    int64_t wished_ms = MIN(retry_after_s, settings->retry_most_ms / 1000) * 1000;
    return MAX(delivery_backoff_ms(attempts, settings->retry_least_ms, settings->retry_most_ms, chance), wished_ms);
}

static bool is_over(const struct notifier *notifier, const struct delivery_tries *tries, int64_t time_ms)
{
    return time_ms >= tries->first_ms + notifier->settings.retry_for_ms;
}

/* The last try is made at the end of the time. */
static void try_again(struct sending *sending, int64_t time_ms, int64_t in_ms)
{
    const struct notifier *notifier = sending->notifier;
    const struct delivery_tries *tries = &sending->entry.tries;
    sending->next_ms = MIN(time_ms + in_ms, tries->first_ms + notifier->settings.retry_for_ms);
    end(sending, is_over(notifier, tries, time_ms) ? VERDICT_DEAD : VERDICT_AGAIN);
}

/* Who did not answer, or says that it cannot now, is left alone for a while; who does not like this one message may like another.
 */
static void note_receiver(struct notifier *notifier, const char *channel, const struct outgoing_result *result)
{
    gint64 now_us = g_get_monotonic_time();
    bool answers = result->status >= 200 && result->status < 500 && result->status != STATUS_BUSY;
    if (result->taken || (answers && notifier->settings.kind == CHANNEL_WEBHOOK)) {
        receivers_well(notifier->receivers, channel);
        return;
    }
    uint32_t failures = receivers_failures(notifier->receivers, channel) + 1;
    gint64 until_us = now_us + pause_ms(notifier, failures, result->retry_after_s) * G_TIME_SPAN_MILLISECOND;
    receivers_failed(notifier->receivers, channel, result->error, until_us, now_us);
}

static void sent(const struct outgoing_result *result, void *opaque)
{
    struct sending *sending = opaque;
    struct notifier *notifier = sending->notifier;
    struct delivery_tries *tries = &sending->entry.tries;
    int64_t time_ms = now_ms();
    crashpoint("delivery_sent");
    note_receiver(notifier, sending->delivery.channel, result);
    delivery_tries_add(tries, time_ms, result->status, result->error);
    if (result->taken)
        end(sending, VERDICT_DELIVERED);
    else if (result->status == STATUS_GONE && notifier->settings.kind == CHANNEL_WEBHOOK)
        end(sending, VERDICT_DEAD);
    else
        try_again(sending, time_ms, pause_ms(notifier, tries->attempts, result->retry_after_s));
}

/* ---- beginning a try ---- */

/* An alert with very many deliveries is written after the first of them: so one that is not there may come. */
static void miss(struct sending *sending)
{
    int64_t time_ms = now_ms();
    bool was_missed = sending->entry.tries.attempts > 0;
    receivers_cancel(sending->notifier->receivers, sending->delivery.channel);
    delivery_tries_add(&sending->entry.tries, time_ms, 0, "There is no such alert.");
    sending->next_ms = time_ms + DELIVERIES_CLAIM_MS;
    end(sending, was_missed ? VERDICT_DROPPED : VERDICT_AGAIN);
}

/* The channel may be another organization's by now, or not want such alerts any more. */
static void begin(struct sending *sending, const struct registry_snapshot *snapshot, const struct alert *alert)
{
    const struct channel *channel = g_hash_table_lookup(snapshot->channels, sending->delivery.channel);
    const struct sender_message message = {sending->entry.id, alert, sending->delivery.event};
    struct outgoing_result why;
    if (alert == NULL || (message.event == DELIVERY_RECOVERED && alert->recovered_ms == 0)) {
        miss(sending);
    } else if (!deliveries_wants(channel, alert->organization, alert->level, alert->kind == ALERT_SYSTEM)) {
        receivers_cancel(sending->notifier->receivers, sending->delivery.channel);
        end(sending, VERDICT_DROPPED);
    } else if (!sender_send(&sending->notifier->sender, channel, &message, sent, sending, &why)) {
        receivers_cancel(sending->notifier->receivers, sending->delivery.channel);
        delivery_tries_add(&sending->entry.tries, now_ms(), 0, why.error);
        end(sending, VERDICT_DEAD);
    }
}

/* ---- looking for what is due ---- */

struct look {
    struct notifier *notifier;
    struct registry_snapshot *snapshot;
    int64_t now_ms;
    gint64 now_us;
    GArray *picked;  /* struct deliveries_entry, with a place each */
    GArray *resting; /* of this page: their receivers rest */
    GPtrArray *gone; /* of this page: ids whose channel is gone */
};

static guint free_places(const struct notifier *notifier)
{
    guint used = g_hash_table_size(notifier->sending);
    return notifier->settings.parallel - MIN(used, notifier->settings.parallel);
}

/* Ids begin with the kind of their channel: channel_id_make. */
static bool is_ours(const struct notifier *notifier, const struct delivery *delivery)
{
    return delivery->channel[0] == (notifier->settings.kind == CHANNEL_WEBHOOK ? 'w' : 'm');
}

/* While others come and go, an entry may be on two pages. */
static bool is_picked(const struct look *look, const char *id)
{
    for (guint i = 0; i < look->picked->len; i++)
        if (strcmp(g_array_index(look->picked, struct deliveries_entry, i).id, id) == 0)
            return true;
    return false;
}

/* now_us: G_MAXINT64 for who rests, too. */
static enum receivers_answer pick(struct look *look, const struct deliveries_entry *entry, const char *channel, gint64 now_us)
{
    if (look->picked->len >= free_places(look->notifier))
        return RECEIVERS_BUSY;
    enum receivers_answer answer = receivers_try(look->notifier->receivers, channel, now_us);
    if (answer == RECEIVERS_GO)
        g_array_append_vals(look->picked, entry, 1);
    return answer;
}

static void sort_one(struct look *look, const struct deliveries_entry *entry)
{
    struct notifier *notifier = look->notifier;
    struct delivery delivery;
    if (!delivery_parse(view_of(entry->id), &delivery) || !is_ours(notifier, &delivery) ||
        g_hash_table_contains(notifier->sending, entry->id) || is_picked(look, entry->id))
        return;
    const struct channel *channel = g_hash_table_lookup(look->snapshot->channels, delivery.channel);
    if (channel == NULL || channel->kind != notifier->settings.kind) {
        g_ptr_array_add(look->gone, g_strdup(entry->id));
        return;
    }
    if (pick(look, entry, delivery.channel, look->now_us) == RECEIVERS_RESTS)
        g_array_append_vals(look->resting, entry, 1);
}

/* It waits with its receiver, but its time runs. */
static void ask_pass_over(struct look *look, struct deliveries_entry *entry)
{
    struct notifier *notifier = look->notifier;
    struct delivery delivery;
    struct delivery_tries *tries = &entry->tries;
    gint64 until_us;
    delivery_parse(view_of(entry->id), &delivery);
    const char *error = receivers_rest(notifier->receivers, delivery.channel, &until_us);
    if (tries->is_urgent) {
        pick(look, entry, delivery.channel, G_MAXINT64);
        return;
    }
    if (tries->first_ms == 0) {
        tries->first_ms = look->now_ms;
        g_strlcpy(tries->error, error, sizeof tries->error);
    }
    int64_t until_ms = look->now_ms + MAX(until_us - look->now_us, 0) / G_TIME_SPAN_MILLISECOND + 1;
    if (is_over(notifier, tries, look->now_ms)) {
        deliveries_ask_bury(notifier->reader, entry, look->now_ms);
        metrics_add(notifier->metrics, METER_DELIVERIES, outcomes[VERDICT_DEAD], 1);
        log_warn("delivery_given_up", "delivery=%s attempts=%u error=%s", entry->id, tries->attempts, tries->error);
    } else {
        deliveries_ask_postpone(notifier->reader, entry, MIN(until_ms, tries->first_ms + notifier->settings.retry_for_ms));
    }
}

static bool pass_over(struct look *look, GError **error)
{
    struct reader *reader = look->notifier->reader;
    struct deliveries_entry *entries = (struct deliveries_entry *)(void *)look->resting->data;
    deliveries_ask_tries(reader, entries, look->resting->len);
    if (!reader_finish(reader, error))
        return false;
    for (guint i = 0; i < look->resting->len; i++)
        ask_pass_over(look, &entries[i]);
    for (guint i = 0; i < look->gone->len; i++) {
        deliveries_ask_remove(reader, g_ptr_array_index(look->gone, i), NULL);
        metrics_add(look->notifier->metrics, METER_DELIVERIES, outcomes[VERDICT_DROPPED], 1);
        log_info("delivery_dropped", "delivery=%s", (const char *)g_ptr_array_index(look->gone, i));
    }
    return reader_finish(reader, error);
}

/* As new as what is due: who raised an alert knew its channel. */
static bool take_snapshot(struct look *look, GError **error)
{
    if (look->snapshot == NULL && registry_refresh(look->notifier->registry, error))
        look->snapshot = registry_take(look->notifier->registry);
    return look->snapshot != NULL;
}

/* One page; *first: how many that are due stay where they are. */
static bool look_at_page(struct look *look, uint64_t *first, bool *more, GError **error)
{
    struct reader *reader = look->notifier->reader;
    struct deliveries_page page;
    g_array_set_size(look->resting, 0);
    g_ptr_array_set_size(look->gone, 0);
    deliveries_page_init(&page);
    deliveries_ask_due(reader, look->now_ms, *first, &page);
    bool ok = reader_finish(reader, error) && (page.seen == 0 || take_snapshot(look, error));
    for (guint i = 0; ok && i < page.entries->len; i++)
        sort_one(look, deliveries_page_at(&page, i));
    *more = page.seen == DELIVERIES_PAGE && look->picked->len < free_places(look->notifier);
    *first += page.seen - look->resting->len - look->gone->len;
    deliveries_page_clear(&page);
    return ok && pass_over(look, error);
}

static bool claim(struct look *look, GError **error)
{
    struct reader *reader = look->notifier->reader;
    struct deliveries_entry *entries = (struct deliveries_entry *)(void *)look->picked->data;
    deliveries_ask_claim(reader, entries, look->picked->len, look->now_ms + DELIVERIES_CLAIM_MS);
    deliveries_ask_tries(reader, entries, look->picked->len);
    return reader_finish(reader, error);
}

static void begin_one(struct look *look, const struct deliveries_entry *entry, const struct delivery *delivery,
                      const struct alert *alert)
{
    struct sending *sending = g_new(struct sending, 1);
    *sending = (struct sending){.notifier = look->notifier, .entry = *entry, .delivery = *delivery};
    g_hash_table_insert(look->notifier->sending, sending->entry.id, sending);
    begin(sending, look->snapshot, alert);
}

/* What was claimed and cannot be begun, because Redis went away, is due again when its claim ends. */
static bool begin_all(struct look *look, bool ok, GError **error)
{
    struct notifier *notifier = look->notifier;
    for (guint i = 0; i < look->picked->len; i++) {
        const struct deliveries_entry *entry = &g_array_index(look->picked, struct deliveries_entry, i);
        struct delivery delivery;
        struct alert *alert = NULL;
        delivery_parse(view_of(entry->id), &delivery);
        bool is_claimed = ok && entry->at_ms != 0;
        if (is_claimed)
            ok = alerts_find(notifier->reader, delivery.alert, &alert, error);
        if (is_claimed && ok)
            begin_one(look, entry, &delivery, alert);
        else
            receivers_cancel(notifier->receivers, delivery.channel);
        alert_free(alert);
    }
    return ok;
}

static bool look_with(struct look *look, GError **error)
{
    uint64_t first = 0;
    bool ok = true, more = true;
    for (guint n = 0; ok && more && n < PAGES_MAX; n++)
        ok = look_at_page(look, &first, &more, error);
    return begin_all(look, ok && claim(look, error), error);
}

static bool begin_reading(struct notifier *notifier, GError **error)
{
    return reader_begin(notifier->reader, g_get_monotonic_time() + REDIS_MS * G_TIME_SPAN_MILLISECOND, error);
}

static bool look(struct notifier *notifier, GError **error)
{
    if (free_places(notifier) == 0)
        return true;
    if (!begin_reading(notifier, error))
        return false;
    struct look look = {.notifier = notifier,
                        .now_ms = now_ms(),
                        .now_us = g_get_monotonic_time(),
                        .picked = g_array_new(FALSE, FALSE, sizeof(struct deliveries_entry)),
                        .resting = g_array_new(FALSE, FALSE, sizeof(struct deliveries_entry)),
                        .gone = g_ptr_array_new_with_free_func(g_free)};
    bool ok = look_with(&look, error);
    g_array_free(look.picked, TRUE);
    g_array_free(look.resting, TRUE);
    g_ptr_array_free(look.gone, TRUE);
    if (look.snapshot != NULL)
        registry_release(look.snapshot);
    return ok;
}

/* ---- settling ---- */

static void ask_settle(struct notifier *notifier, const struct sending *sending)
{
    if (sending->verdict == VERDICT_AGAIN)
        deliveries_ask_postpone(notifier->reader, &sending->entry, sending->next_ms);
    else if (sending->verdict == VERDICT_DEAD)
        deliveries_ask_bury(notifier->reader, &sending->entry, now_ms());
    else
        deliveries_ask_remove(notifier->reader, sending->entry.id, NULL);
}

static bool settle(struct notifier *notifier, GError **error)
{
    if (g_queue_is_empty(&notifier->ended))
        return true;
    if (!begin_reading(notifier, error))
        return false;
    for (GList *link = notifier->ended.head; link != NULL; link = link->next)
        ask_settle(notifier, link->data);
    if (!reader_finish(notifier->reader, error))
        return false;
    for (struct sending *sending; (sending = g_queue_pop_head(&notifier->ended)) != NULL;) {
        metrics_add(notifier->metrics, METER_DELIVERIES, outcomes[sending->verdict], 1);
        log_try(sending);
        g_hash_table_remove(notifier->sending, sending->entry.id);
    }
    return true;
}

/* ---- keeping house ---- */

static bool count(struct notifier *notifier, int64_t *overdue_ms, GError **error)
{
    struct deliveries_counts counts = {0};
    struct deliveries_page head;
    deliveries_page_init(&head);
    deliveries_ask_counts(notifier->reader, &counts);
    deliveries_ask_range(notifier->reader, DELIVERIES_KEY, 0, 1, &head);
    bool ok = reader_finish(notifier->reader, error);
    *overdue_ms = head.entries->len > 0 ? deliveries_page_at(&head, 0)->at_ms : INT64_MAX;
    deliveries_page_clear(&head);
    if (!ok)
        return false;
    metrics_set(notifier->metrics, METER_DELIVERIES_PENDING, NULL, counts.pending);
    metrics_set(notifier->metrics, METER_DELIVERIES_DEAD, NULL, counts.dead);
    return true;
}

static bool bound(struct notifier *notifier, int64_t time_ms, GError **error)
{
    uint64_t n;
    if (!deliveries_bound(notifier->reader, DELIVERIES_PENDING_MAX, time_ms, &n, error))
        return false;
    metrics_add(notifier->metrics, METER_DELIVERIES, outcomes[VERDICT_DEAD], n);
    if (n > 0)
        log_warn("deliveries_given_up", "deliveries=%" G_GUINT64_FORMAT " pending_max=%d", n, DELIVERIES_PENDING_MAX);
    return true;
}

/* One notifier of a replica does it. The age is that of the first try, or of what is due and was not tried. */
static bool keep_house(struct notifier *notifier, GError **error)
{
    const struct notifier_settings *settings = &notifier->settings;
    int64_t time_ms = now_ms(), overdue_ms, oldest_ms;
    if (settings->kind != CHANNEL_WEBHOOK || g_get_monotonic_time() < notifier->sweep_us)
        return true;
    if (!begin_reading(notifier, error) || !bound(notifier, time_ms, error) ||
        !deliveries_sweep(notifier->reader, settings->dead_max, time_ms - settings->dead_keep_ms, &oldest_ms, error) ||
        !count(notifier, &overdue_ms, error))
        return false;
    oldest_ms = MIN(oldest_ms != 0 ? oldest_ms : INT64_MAX, overdue_ms);
    metrics_set(notifier->metrics, METER_DELIVERIES_OLDEST, NULL, MAX(time_ms - oldest_ms, 0) / 1000);
    notifier->sweep_us = g_get_monotonic_time() + SWEEP_MS * G_TIME_SPAN_MILLISECOND;
    return true;
}

/* ---- the thread ---- */

static void log_change(struct notifier *notifier, const GError *error)
{
    if (error != NULL && !notifier->was_lost)
        log_warn("deliveries_not_read", "error=%s", error->message);
    else if (error == NULL && notifier->was_lost)
        log_info("deliveries_read_again", "sending=%u", g_hash_table_size(notifier->sending));
    notifier->was_lost = error != NULL;
}

/* A place that became free is used at once, if Redis is there. */
static void turn(struct notifier *notifier)
{
    g_autoptr(GError) error = NULL;
    bool has_ended = !g_queue_is_empty(&notifier->ended);
    gint64 begun_us = g_get_monotonic_time();
    if (begun_us < notifier->look_us && (!has_ended || notifier->was_lost))
        return;
    if (settle(notifier, &error) && look(notifier, &error))
        keep_house(notifier, &error);
    log_change(notifier, error);
    notifier->look_us = g_get_monotonic_time() + LOOK_MS * G_TIME_SPAN_MILLISECOND;
}

static void run_until(struct notifier *notifier, gint64 until_us)
{
    gint64 left_us = until_us - g_get_monotonic_time();
    int left_ms = (int)CLAMP(left_us / G_TIME_SPAN_MILLISECOND + 1, 0, LOOK_MS);
    outgoing_run(notifier->outgoing, g_queue_is_empty(&notifier->ended) || notifier->was_lost ? left_ms : 0);
}

static void drain(struct notifier *notifier)
{
    gint64 until_us = g_get_monotonic_time() + NOTIFIER_STOP_MS * G_TIME_SPAN_MILLISECOND;
    trials_begin(notifier->trials);
    while (receivers_busy(notifier->receivers) + trials_waiting(notifier->trials) > 0 && g_get_monotonic_time() < until_us)
        outgoing_run(notifier->outgoing, LOOK_MS / 10);
    settle(notifier, NULL);
}

static void *run(void *opaque)
{
    struct notifier *notifier = opaque;
    while (!g_atomic_int_get(&notifier->stopping)) {
        trials_begin(notifier->trials);
        turn(notifier);
        run_until(notifier, notifier->look_us);
    }
    drain(notifier);
    return NULL;
}

bool notifier_test(struct notifier *notifier, const struct channel *channel, outgoing_done *done, void *opaque)
{
    bool ok = trials_add(notifier->trials, channel, done, opaque);
    outgoing_wake(notifier->outgoing);
    return ok;
}

struct notifier *notifier_start(const struct notifier_settings *settings, struct registry *registry, struct metrics *metrics)
{
    struct notifier *notifier = g_new0(struct notifier, 1);
    notifier->settings = *settings;
    notifier->registry = registry;
    notifier->metrics = metrics;
    notifier->outgoing = outgoing_new(&settings->outgoing);
    notifier->reader = reader_new(&settings->redis, 1);
    notifier->receivers = receivers_new(settings->parallel, NOTIFIER_EACH);
    notifier->sending = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, g_free);
    g_queue_init(&notifier->ended);
    notifier->sender = (struct sender){notifier->outgoing, &notifier->settings.outgoing, settings->public_url};
    notifier->trials = trials_new(&notifier->sender);
    notifier->thread = g_thread_new("notifier", run, notifier);
    return notifier;
}

void notifier_stop(struct notifier *notifier)
{
    if (notifier == NULL)
        return;
    g_atomic_int_set(&notifier->stopping, 1);
    outgoing_wake(notifier->outgoing);
    g_thread_join(notifier->thread);
    outgoing_free(notifier->outgoing);
    trials_free(notifier->trials);
    g_queue_clear(&notifier->ended);
    g_hash_table_destroy(notifier->sending);
    receivers_free(notifier->receivers);
    reader_free(notifier->reader);
    g_free(notifier);
}
