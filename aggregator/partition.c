#include "aggregator/partition_private.h"

#include "lib/keys.h"
#include "lib/log.h"
#include "lib/number.h"

enum { PAYLOAD_FIRST = 1024 * 1024, BEHIND_MS = 5000, GUARD_MS = 1000, LOOK_BYTES = 1024 * 1024 };

struct partition *partition_new(int number, const struct partition_settings *settings)
{
    struct partition *partition = g_new0(struct partition, 1);
    partition->number = number;
    partition->settings = *settings;
    partition->places = g_array_new(FALSE, FALSE, sizeof(struct place));
    partition->payload_limit = MIN((size_t)PAYLOAD_FIRST, settings->payload_max_bytes);
    partition->memory_max = SIZE_MAX;
    return partition;
}

void partition_forget(struct partition *partition)
{
    g_clear_pointer(&partition->closing, closing_free);
    g_clear_pointer(&partition->days, days_free);
    g_clear_pointer(&partition->refusals, refusals_free);
    g_clear_pointer(&partition->outbox, outbox_free);
    g_clear_pointer(&partition->buckets, buckets_free);
    g_clear_pointer(&partition->symbols, symbols_free);
    g_clear_pointer(&partition->ids, ids_free);
    struct mirror **const mirrors[] = {&partition->meta,       &partition->hw,   &partition->hb,  &partition->imports,
                                       &partition->quarantine, &partition->gaps, &partition->due, &partition->erasures};
    for (size_t i = 0; i < G_N_ELEMENTS(mirrors); i++)
        g_clear_pointer(mirrors[i], mirror_free);
    g_clear_pointer(&partition->commit, commit_free);
}

void partition_free(struct partition *partition)
{
    if (!partition)
        return;
    partition_forget(partition);
    g_array_free(partition->places, TRUE);
    g_free(partition);
}

int partition_number(const struct partition *partition)
{
    return partition->number;
}

int64_t partition_position(const struct partition *partition)
{
    return partition->next - (partition->check_fingerprint ? 1 : 0);
}

void partition_set_memory(struct partition *partition, size_t bytes)
{
    partition->memory_max = bytes;
}

/* ---- claim ---- */

static bool damaged(GError **error, const struct partition *partition, const char *what)
{
    g_set_error(error, COMMIT_ERROR, COMMIT_ERROR_DAMAGED, "partition %d: %s", partition->number, what);
    return false;
}

static void make_memory(struct partition *partition)
{
    int number = partition->number;
    partition->meta = mirror_new(number, "meta");
    partition->hw = mirror_new(number, "hw");
    partition->hb = mirror_new(number, "hb");
    partition->imports = mirror_new(number, "imports");
    partition->quarantine = mirror_new(number, "quar");
    partition->gaps = mirror_new(number, "gaps");
    partition->due = mirror_new(number, "due");
    partition->erasures = mirror_new(number, "erasures");
    partition->refusals = refusals_new(number, partition->meta, partition->due);
    partition->outbox = outbox_new(number);
    partition->days = days_new(number, partition->outbox);
    partition->symbols = symbols_new(number);
    partition->buckets = buckets_new(number, partition->symbols, partition->settings.histograms);
    partition->ids = ids_new(number, partition->due);
}

static void make_closing(struct partition *partition)
{
    partition->closing = closing_new(&(struct closing_settings){
        .partition = partition->number,
        .archive = partition->settings.archive,
        .keep_days = partition->settings.keep_days,
        .threads = !partition->settings.single_threaded,
        .sum_failed = &partition->sum_failed,
        .commit = partition->commit,
        .days = partition->days,
        .meta = partition->meta,
        .due = partition->due,
        .erasures = partition->erasures,
        .outbox = partition->outbox,
    });
}

static void count_field(const char *field, const char *value, void *opaque)
{
    (void)field;
    (void)value;
    ++*(size_t *)opaque;
}

static bool is_empty(const struct mirror *mirror)
{
    size_t n = 0;
    mirror_each(mirror, count_field, &n);
    return n == 0;
}

static void collect_field(const char *field, const char *value, void *opaque)
{
    (void)value;
    g_ptr_array_add(opaque, g_strdup(field));
}

/* Erasures stand before all of the new log. */
static void forget_erasure_offsets(struct partition *partition)
{
    g_autoptr(GPtrArray) users = g_ptr_array_new_with_free_func(g_free);
    mirror_each(partition->erasures, collect_field, users);
    for (guint i = 0; i < users->len; i++) {
        const char *user = g_ptr_array_index(users, i), *pseudonym = strchr(mirror_get(partition->erasures, user), ' ');
        g_autofree char *text = g_strconcat("0", pseudonym, NULL);
        mirror_set(partition->erasures, user, text);
    }
}

/* A log of another name is a new log: its offsets begin at 0, the counts go on, and the change is kept in meta. */
static bool change_topic(struct partition *partition, GError **error)
{
    if (!partition->settings.accept_new_log) {
        g_set_error(error, COMMIT_ERROR, COMMIT_ERROR_DAMAGED,
                    "partition %d was counted up to offset %" G_GINT64_FORMAT
                    " of topic \"%s\", but kafka.topic is \"%s\": set it back, or set "
                    "kafka.new_log=accept if the new topic goes on where the old one ended",
                    partition->number, partition->point.next, partition->point.topic, partition->settings.topic);
        return false;
    }
    g_autofree char *field = g_strdup_printf("topic:%" G_GINT64_FORMAT, mirror_number(partition->meta, "topics"));
    g_autofree char *value = g_strdup_printf("%s ended at %" G_GINT64_FORMAT, partition->point.topic, partition->point.next);
    mirror_set(partition->meta, field, value);
    mirror_add(partition->meta, "topics", 1);
    log_warn("new_log_accepted", "partition=%d old=%s ended_at=%" G_GINT64_FORMAT " new=%s", partition->number,
             partition->point.topic, partition->point.next, partition->settings.topic);
    partition->next = 0;
    partition->check_fingerprint = false;
    days_new_log(partition->days);
    forget_erasure_offsets(partition);
    return true;
}

static bool take_point(struct partition *partition, GError **error)
{
    const struct commit_point *point = &partition->point;
    partition->next = partition->confirmed = point->next;
    partition->check_fingerprint = point->next > 0;
    partition->clock_ms = mirror_number(partition->meta, "clock");
    partition->swept_clock_ms = 0;
    buckets_set_horizon(partition->buckets, mirror_number(partition->meta, "horizon"));
    g_strlcpy(partition->fingerprint, point->fingerprint, sizeof partition->fingerprint);
    if (point->topic[0] == '\0') {
        if (!is_empty(partition->hw) || !is_empty(partition->meta))
            return damaged(error, partition, "Redis has counts of it but no commit record: restore a backup");
        return true;
    }
    return strcmp(point->topic, partition->settings.topic) == 0 || change_topic(partition, error);
}

bool partition_claim(struct partition *partition, GError **error)
{
    char token[33];
    partition_forget(partition);
    struct store *store = partition->settings.connect(partition->settings.opaque, partition->number, error);
    if (!store)
        return false;
    partition->commit = commit_new(partition->number, store);
    partition->settings.token(partition->settings.opaque, token);
    if (!commit_claim(partition->commit, token, &partition->point, error))
        return false;
    partition->claims++;
    make_memory(partition);
    mirror_load(partition->meta, partition->commit);
    mirror_load(partition->hw, partition->commit);
    mirror_load(partition->hb, partition->commit);
    mirror_load(partition->due, partition->commit);
    mirror_load(partition->erasures, partition->commit);
    refusals_load(partition->refusals, partition->commit);
    days_load(partition->days, partition->commit);
    /* What was read may be another's, who claimed meanwhile: no conclusion from it before the guard has said that we still own it.
     */
    if (!commit_read(partition->commit, error) || !commit_guard(partition->commit, error) || !days_learn(partition->days, error) ||
        !take_point(partition, error))
        return false;
    ids_learn(partition->ids);
    make_closing(partition);
    partition->flushed_at_ms = partition->checked_at_ms = partition->now_ms;
    partition->payload_limit = MIN((size_t)PAYLOAD_FIRST, partition->settings.payload_max_bytes);
    return true;
}

bool partition_check_log(struct partition *partition, int64_t low, int64_t high, GError **error)
{
    if (high < partition->next)
        return damaged(
            error, partition,
            "the log ends before the record that is to be counted next: it was cut, or is another cluster's. Give a new log a new "
            "topic name");
    if (low > partition->next)
        return damaged(
            error, partition,
            "the log no longer reaches back to the record that is to be counted next: its retention was too short. Restore a newer "
            "backup, or begin a new topic with kafka.new_log=accept");
    if (low == partition->next)
        partition->check_fingerprint = false; /* the record before is gone by retention */
    return true;
}

/* ---- flush ---- */

size_t partition_dirty_bytes(const struct partition *partition)
{
    return symbols_dirty_bytes(partition->symbols) + buckets_dirty_bytes(partition->buckets) + ids_dirty_bytes(partition->ids) +
           outbox_bytes(partition->outbox);
}

static size_t memory_used(const struct partition *partition)
{
    return buckets_bytes(partition->buckets) + symbols_bytes(partition->symbols);
}

bool partition_is_full(struct partition *partition)
{
    size_t dirty = partition_dirty_bytes(partition);
    if (dirty >= partition->payload_limit)
        return true;
    /* To add up the memory is a walk over all that is open: not for every record. */
    if (dirty < partition->dirty_when_looked + LOOK_BYTES && !partition->has_read)
        return false;
    partition->has_read = false;
    partition->dirty_when_looked = dirty;
    return memory_used(partition) > partition->memory_max;
}

static void write_meta(struct partition *partition)
{
    if (mirror_number(partition->meta, "clock") != partition->clock_ms)
        mirror_set_number(partition->meta, "clock", partition->clock_ms);
    if (mirror_number(partition->meta, "horizon") != buckets_horizon(partition->buckets))
        mirror_set_number(partition->meta, "horizon", buckets_horizon(partition->buckets));
}

void partition_fill_payload(struct partition *partition)
{
    struct payload *payload = partition->settings.payload;
    symbols_flush(partition->symbols, payload, partition->meta);
    buckets_note_due(partition->buckets, partition->due);
    buckets_flush(partition->buckets, payload);
    ids_flush(partition->ids, payload);
    write_meta(partition);
    refusals_flush(partition->refusals, payload);
    days_flush(partition->days, payload);
    outbox_flush(partition->outbox, payload);
    struct mirror *const mirrors[] = {partition->meta,       partition->hw,   partition->hb,  partition->imports,
                                      partition->quarantine, partition->gaps, partition->due, partition->erasures};
    for (size_t i = 0; i < G_N_ELEMENTS(mirrors); i++)
        mirror_flush(mirrors[i], payload);
}

bool partition_commit_payload(struct partition *partition, GError **error)
{
    partition->point.n++;
    partition->confirmed = partition->point.next; /* commit_flush waits for that */
    partition->point.next = partition->next;
    g_strlcpy(partition->point.topic, partition->settings.topic, sizeof partition->point.topic);
    g_strlcpy(partition->point.fingerprint, partition->fingerprint, sizeof partition->point.fingerprint);
    partition->flushes++;
    partition->payload_bytes += payload_bytes(partition->settings.payload).size;
    bool ok = commit_flush(partition->commit, &partition->point, partition->settings.payload, error);
    payload_reset(partition->settings.payload);
    partition->flushed_at_ms = partition->checked_at_ms = partition->now_ms;
    return ok;
}

static void trim(struct partition *partition)
{
    if (memory_used(partition) <= partition->memory_max)
        return;
    buckets_trim(partition->buckets, false); /* what is sent is read again behind it, on the same connection */
    if (memory_used(partition) <= partition->memory_max / 4 * 3)
        return;
    buckets_trim(partition->buckets, true);
    symbols_trim(partition->symbols);
}

bool partition_flush(struct partition *partition, GError **error)
{
    if (partition->next == partition->point.next && partition_dirty_bytes(partition) == 0 && !mirror_dirty(partition->meta) &&
        !mirror_dirty(partition->due) && !mirror_dirty(partition->hw))
        return true;
    bool full = partition_dirty_bytes(partition) >= partition->payload_limit;
    partition->dirty_when_looked = 0;
    payload_reset(partition->settings.payload);
    partition_fill_payload(partition);
    /* Larger under load: fewer flushes write the same field again. */
    size_t limit = full ? partition->payload_limit * 2 : partition->payload_limit / 2;
    partition->payload_limit =
        CLAMP(limit, MIN((size_t)PAYLOAD_FIRST, partition->settings.payload_max_bytes), partition->settings.payload_max_bytes);
    if (!partition_commit_payload(partition, error))
        return false;
    trim(partition);
    return true;
}

/* ---- pace ---- */

bool partition_settle(struct partition *partition, GError **error)
{
    return partition_flush(partition, error) && commit_drain(partition->commit, error);
}

bool partition_tick(struct partition *partition, int64_t now_ms, bool behind, GError **error)
{
    partition->now_ms = now_ms;
    /* Behind the log, size alone decides: what is counted now is not fresh anyway, and a field is written less often. */
    int64_t interval_ms = MAX(partition->settings.flush_interval_ms, behind ? BEHIND_MS : 0);
    if (now_ms - partition->flushed_at_ms >= interval_ms && !partition_flush(partition, error))
        return false;
    if (partition->clock_ms - partition->swept_clock_ms >= KEYS_MINUTE_MS && !partition_sweep(partition, error))
        return false;
    if (!closing_step(partition->closing, partition->point.next, now_ms, error))
        return false;
    if (now_ms - partition->checked_at_ms < GUARD_MS)
        return true;
    partition->checked_at_ms = now_ms;
    return commit_guard(partition->commit, error);
}

const char *partition_trouble(const struct partition *partition)
{
    return partition->closing ? closing_trouble(partition->closing) : NULL;
}

void partition_stats(const struct partition *partition, struct partition_stats *stats)
{
    *stats = (struct partition_stats){
        .claims = partition->claims, .flushes = partition->flushes, .payload_bytes = partition->payload_bytes};
    if (!partition->meta)
        return;
    const struct {
        const char *field;
        uint64_t *value;
    } fields[] = {
        {"events", &stats->events},
        {"duplicates", &stats->duplicates},
        {"duplicate_batches", &stats->duplicate_batches},
        {"duplicate_batch_events", &stats->duplicate_batch_events},
        {"quarantined", &stats->quarantined},
        {"quarantined_events", &stats->quarantined_events},
        {"gaps", &stats->gaps},
        {"gap_batches", &stats->gap_batches},
        {"other_crc", &stats->other_crc},
        {"over_cap", &stats->over_cap},
        {"refused", &stats->refused},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(fields); i++)
        *fields[i].value = (uint64_t)mirror_number(partition->meta, fields[i].field);
    stats->clock_ms = partition->clock_ms;
    stats->committed = commit_outstanding(partition->commit) == 0 ? partition->point.next : partition->confirmed;
    stats->memory_bytes = memory_used(partition);
}
