/* sealing: see sealing.h. */
#include "cli/sealing.h"

enum {
    PAUSE_MS = 100,
    TIMEOUT_MS = 5000,
    RESEND_MS = 20000, /* a seal that has shown no effect is written again */
    DAYS_AT_ONCE = 64, /* whose seals are written before others have got through */
};

struct sealing_day {
    int64_t day;
    int target;
    int *sent;          /* by partition: the last revision that was written */
    gint64 *sent_at_us; /* and when */
};

struct sealing {
    enum seal_reason reason;
    const char *topic;
    struct shards *shards;
    struct kafka_producer *producer;
    struct day_table *table;
    GArray *days; /* struct sealing_day, in the order of their coming */
    int failed;   /* records that Kafka did not take */
};

/* ---- life ---- */

static void delivered(void *opaque, void *message, bool ok)
{
    struct sealing *sealing = opaque;

    (void)message;
    sealing->failed += !ok;
}

static bool connect_all(struct sealing *sealing, const struct system_options *system, GError **error)
{
    const struct kafka_settings kafka = {
        .brokers = system->brokers, .client_id = "daybook-close", .properties = (const char *const *)system->properties};
    struct kafka_topic topic;

    sealing->shards = shards_open(system->redis, error);
    if (!sealing->shards || !kafka_topic_get(&kafka, system->topic, TIMEOUT_MS, &topic, error))
        return false;
    if (g_strcmp0(shards_topic(sealing->shards), system->topic) != 0) {
        g_set_error(error, REDIS_ERROR, REDIS_ERROR_CONFIG, "Redis holds the counts of topic %s, not of %s: one of them is wrong",
                    shards_topic(sealing->shards), system->topic);
        return false;
    }
    sealing->producer = kafka_producer_new(&kafka, system->topic, delivered, sealing, error);
    sealing->table = sealing->producer ? day_table_read(sealing->shards, error) : NULL;
    return sealing->table != NULL;
}

static void day_clear(gpointer pointer)
{
    struct sealing_day *day = pointer;

    g_free(day->sent);
    g_free(day->sent_at_us);
}

struct sealing *sealing_new(const struct system_options *system, enum seal_reason reason, GError **error)
{
    struct sealing *sealing = g_new0(struct sealing, 1);

    sealing->reason = reason;
    sealing->topic = system->topic;
    sealing->days = g_array_new(FALSE, FALSE, sizeof(struct sealing_day));
    g_array_set_clear_func(sealing->days, day_clear);
    if (connect_all(sealing, system, error))
        return sealing;
    sealing_free(sealing);
    return NULL;
}

void sealing_free(struct sealing *sealing)
{
    if (!sealing)
        return;
    if (sealing->producer)
        kafka_producer_free(sealing->producer);
    shards_free(sealing->shards);
    day_table_free(sealing->table);
    g_array_unref(sealing->days);
    g_free(sealing);
}

struct shards *sealing_shards(struct sealing *sealing)
{
    return sealing->shards;
}

const struct day_table *sealing_table(const struct sealing *sealing)
{
    return sealing->table;
}

struct kafka_producer *sealing_producer(struct sealing *sealing)
{
    return sealing->producer;
}

/* ---- days ---- */

void sealing_add(struct sealing *sealing, int64_t day, int revision)
{
    gsize n = (gsize)shards_count(sealing->shards);
    const struct sealing_day added = {day, revision, g_new0(int, n), g_new0(gint64, n)};

    g_array_append_val(sealing->days, added);
}

/* What the partitions have of the day: nothing, if none knows it. Caller frees. */
static struct day_part *parts_of(const struct sealing *sealing, int64_t day)
{
    const struct day_row *found = day_table_find(sealing->table, day);
    struct day_part *parts = g_new0(struct day_part, (gsize)sealing->table->n_partitions);

    for (int i = 0; found && i < sealing->table->n_partitions; i++)
        parts[i] = found->parts[i];
    return parts;
}

/* NULL: nothing. */
static char *waits_for(const struct sealing *sealing, const struct sealing_day *day)
{
    g_autofree struct day_part *parts = parts_of(sealing, day->day);
    const struct day_row row = {day->day, parts};

    return day_row_waits_for(sealing->table, &row, day->target);
}

guint sealing_left(const struct sealing *sealing, int64_t *day, char **first)
{
    guint left = 0;

    *first = NULL;
    for (guint i = 0; i < sealing->days->len; i++) {
        const struct sealing_day *sealed = &g_array_index(sealing->days, struct sealing_day, i);
        g_autofree char *text = waits_for(sealing, sealed);
        if (!text || left++ > 0)
            continue;
        *day = sealed->day;
        *first = g_steal_pointer(&text);
    }
    return left;
}

/* ---- seals ---- */

/* The seal after the partition's last one, unless it is on its way. */
static void send_seal(struct sealing *sealing, struct sealing_day *day, int partition, int revision)
{
    const struct day_seal seal = {.day = (uint32_t)day->day, .revision = (uint32_t)revision, .reason = sealing->reason};
    gint64 now_us = g_get_monotonic_time();

    if (day->sent[partition] == revision && now_us - day->sent_at_us[partition] < RESEND_MS * G_GINT64_CONSTANT(1000))
        return;
    g_autoptr(GBytes) record = ledger_seal(&seal);
    gsize size;
    const void *data = g_bytes_get_data(record, &size);
    if (kafka_producer_send(sealing->producer, partition, data, size, NULL) != KAFKA_SENT)
        return;
    day->sent[partition] = revision;
    day->sent_at_us[partition] = now_us;
}

static void send_seals(struct sealing *sealing, struct sealing_day *day)
{
    g_autofree struct day_part *parts = parts_of(sealing, day->day);
    const struct day_row row = {day->day, parts};
    bool decided = day_row_sealed(sealing->table, &row) >= day->target;

    for (int i = 0; i < sealing->table->n_partitions; i++) {
        int sealed = parts[i].state.sealed;
        if (sealed < day->target && (decided || sealed == day->target - 1))
            send_seal(sealing, day, i, sealed + 1);
    }
}

static bool check_producer(const struct sealing *sealing, GError **error)
{
    const char *fatal = NULL;

    if (!kafka_producer_failed(sealing->producer, &fatal) && sealing->failed == 0)
        return true;
    g_set_error(error, KAFKA_ERROR, KAFKA_ERROR_OTHER, "the records could not be written to topic %s: %s", sealing->topic,
                fatal ? fatal : "Kafka refused them");
    return false;
}

bool sealing_step(struct sealing *sealing, GError **error)
{
    guint at_once = 0;

    for (guint i = 0; i < sealing->days->len && at_once < DAYS_AT_ONCE; i++) {
        struct sealing_day *day = &g_array_index(sealing->days, struct sealing_day, i);
        g_autofree char *text = waits_for(sealing, day);
        if (!text)
            continue;
        send_seals(sealing, day);
        at_once++;
    }
    kafka_producer_poll(sealing->producer, PAUSE_MS);
    if (kafka_producer_in_flight(sealing->producer) == 0)
        g_usleep(PAUSE_MS * 1000);
    if (!check_producer(sealing, error))
        return false;
    struct day_table *table = day_table_read(sealing->shards, error);
    if (!table)
        return false;
    day_table_free(sealing->table);
    sealing->table = table;
    return true;
}
