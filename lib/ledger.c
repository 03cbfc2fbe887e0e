/* ledger: what the partitions say of a day, summed up.
 *
 * Complete means: nobody who was heard on the day can have more to tell of it. A stream of a collector is done with the day when
 * its clock was past the day's end, and all that it had announced in its heartbeats since was counted in every partition (the least
 * announcement counts: a later one may speak of what came after the day). Of a partition that did not hear the stream on the day
 * nothing is known: there it must have announced nothing. A stream that ended with its run is excused by another stream of its
 * collector: what it had left behind is sent before anything else. Imports send no heartbeats: a file ends. */
#include "lib/ledger.h"

#include "lib/keys.h"

/* What all partitions together know of a stream. */
struct heard {
    const char *collector; /* borrowed; "": no heartbeat was heard anywhere */
    bool reached;          /* its clock was past the end of the day */
    GArray *announced;     /* uint64_t by partition, the least of each; NULL: no heartbeat after the day */
    GArray *listed;        /* uint32_t: partitions that heard it on the day */
};

static void heard_free(gpointer pointer)
{
    struct heard *heard = pointer;
    g_clear_pointer(&heard->announced, g_array_unref);
    g_array_unref(heard->listed);
    g_free(heard);
}

static guint stream_hash(gconstpointer key)
{
    guint hash;
    memcpy(&hash, key, sizeof hash);
    return hash;
}

static gboolean stream_equal(gconstpointer a, gconstpointer b)
{
    return memcmp(a, b, STREAM_ID_SIZE) == 0;
}

/* A heartbeat that says nothing of a partition had cut nothing for it. */
static void keep_least(struct heard *heard, const GArray *announced)
{
    if (!heard->announced) {
        heard->announced = g_array_sized_new(FALSE, FALSE, sizeof(uint64_t), announced->len);
        g_array_append_vals(heard->announced, announced->data, announced->len);
        return;
    }
    g_array_set_size(heard->announced, MIN(heard->announced->len, announced->len));
    for (guint i = 0; i < heard->announced->len; i++) {
        uint64_t *least = &g_array_index(heard->announced, uint64_t, i);
        *least = MIN(*least, g_array_index(announced, uint64_t, i));
    }
}

struct hearing {
    int64_t day_end_ms;
    GHashTable *streams;    /* struct heard by stream id */
    GHashTable *collectors; /* names of those that were heard from after the day */
};

static void learn(const struct hearing *hearing, const struct stream_day *stream, uint32_t partition)
{
    GHashTable *streams = hearing->streams;
    struct heard *heard = g_hash_table_lookup(streams, stream->stream_id);
    if (!heard) {
        heard = g_new0(struct heard, 1);
        heard->collector = "";
        heard->listed = g_array_new(FALSE, FALSE, sizeof partition);
        g_hash_table_insert(streams, (gpointer)(uintptr_t)stream->stream_id, heard);
    }
    if (stream->collector[0] != '\0')
        heard->collector = stream->collector;
    if (stream->announced)
        keep_least(heard, stream->announced);
    heard->reached = heard->reached || stream->announced || stream->heard_ms >= hearing->day_end_ms;
    if (heard->reached && heard->collector[0] != '\0')
        g_hash_table_add(hearing->collectors, (gpointer)(uintptr_t)heard->collector);
    g_array_append_val(heard->listed, partition);
}

static bool is_listed(const struct heard *heard, uint32_t partition)
{
    for (guint i = 0; i < heard->listed->len; i++)
        if (g_array_index(heard->listed, uint32_t, i) == partition)
            return true;
    return false;
}

/* Whether all that it announced was for partitions that can tell. */
static bool is_known(const struct heard *heard)
{
    for (guint p = 0; heard->announced && p < heard->announced->len; p++)
        if (g_array_index(heard->announced, uint64_t, p) > 0 && !is_listed(heard, p))
            return false;
    return true;
}

static bool is_done(const struct hearing *hearing, const struct stream_day *stream, uint32_t partition)
{
    const struct heard *heard = g_hash_table_lookup(hearing->streams, stream->stream_id);
    if (stream->import)
        return true;
    if (!heard->announced)
        return heard->reached || g_hash_table_contains(hearing->collectors, heard->collector);
    return partition >= heard->announced->len || stream->high_water >= g_array_index(heard->announced, uint64_t, partition);
}

static bool all_are_done(const struct hearing *hearing, const struct partition_day *day)
{
    for (guint k = 0; k < day->streams->len; k++)
        if (!is_done(hearing, g_ptr_array_index(day->streams, k), day->partition))
            return false;
    return true;
}

static bool all_done(const struct ledger_entry *entry)
{
    g_autoptr(GHashTable) streams = g_hash_table_new_full(stream_hash, stream_equal, NULL, heard_free);
    g_autoptr(GHashTable) collectors = g_hash_table_new(g_str_hash, g_str_equal);
    const struct hearing hearing = {((int64_t)entry->day + 1) * KEYS_DAY_MS, streams, collectors};
    bool done = true;
    GHashTableIter iter;
    gpointer heard;
    for (guint i = 0; i < entry->partitions->len; i++) {
        const struct partition_day *day = g_ptr_array_index(entry->partitions, i);
        for (guint k = 0; k < day->streams->len; k++)
            learn(&hearing, g_ptr_array_index(day->streams, k), day->partition);
    }
    for (guint i = 0; done && i < entry->partitions->len; i++)
        done = all_are_done(&hearing, g_ptr_array_index(entry->partitions, i));
    g_hash_table_iter_init(&iter, streams);
    while (done && g_hash_table_iter_next(&iter, NULL, &heard))
        done = is_known(heard);
    return done;
}

/* Sums that are too large stay so: they are refused when the entry is read. */
static void add(uint64_t *sum, uint64_t value)
{
    if (__builtin_add_overflow(*sum, value, sum))
        *sum = UINT64_MAX;
}

static void add_day(struct ledger_entry *entry, const struct partition_day *day)
{
    if (day->reason == SEAL_ERASURE)
        entry->reason = SEAL_ERASURE;
    entry->closed_at_ms = MAX(entry->closed_at_ms, day->sealed_at_ms);
    add(&entry->events, day->events);
    add(&entry->late, day->late);
    add(&entry->duplicates, day->duplicates);
    add(&entry->gaps, day->gaps);
    add(&entry->gap_batches, day->gap_batches);
    add(&entry->quarantined, day->quarantined);
}

void ledger_entry_add_up(struct ledger_entry *entry)
{
    entry->reason = SEAL_DAY_END;
    if (entry->partitions->len > 0)
        entry->reason = ((const struct partition_day *)g_ptr_array_index(entry->partitions, 0))->reason;
    entry->closed_at_ms = 0;
    bool incomplete = false;
    entry->events = entry->late = entry->duplicates = entry->gaps = entry->gap_batches = entry->quarantined = 0;
    for (guint i = 0; i < entry->partitions->len; i++) {
        const struct partition_day *day = g_ptr_array_index(entry->partitions, i);
        add_day(entry, day);
        incomplete = incomplete || day->incomplete;
    }
    entry->complete = !incomplete && entry->gaps == 0 && entry->quarantined == 0 && all_done(entry);
}
