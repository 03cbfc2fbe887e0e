#include "aggregator/days.h"

#include "lib/hex.h"
#include "lib/high_water.h"
#include "lib/keys.h"
#include "lib/number.h"

G_STATIC_ASSERT(0 + OPEN_TEXT_MAX >= 0 + DAY_TEXT_MAX);
enum { STREAM_HEX = 2 * STREAM_ID_SIZE, FIELD_MAX = 64 + STREAM_HEX };

struct days {
    int partition;
    struct outbox *outbox;
    struct mirror *states, *open, *streams;
    GHashTable *days;  /* number (gint64 in struct day) -> struct day */
    struct day *last;  /* that was asked for */
    size_t unfinished; /* sealed revisions without a sheet */
};

struct days *days_new(int partition, struct outbox *outbox)
{
    struct days *days = g_new0(struct days, 1);
    days->partition = partition;
    days->outbox = outbox;
    days->states = mirror_new(partition, "days");
    days->open = mirror_new(partition, "open");
    days->streams = mirror_new(partition, "streams");
    days->days = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, g_free);
    return days;
}

void days_free(struct days *days)
{
    if (!days)
        return;
    mirror_free(days->states);
    mirror_free(days->open);
    mirror_free(days->streams);
    g_hash_table_destroy(days->days);
    g_free(days);
}

void days_load(struct days *days, struct commit *commit)
{
    mirror_load(days->states, commit);
    mirror_load(days->open, commit);
    mirror_load(days->streams, commit);
}

struct day *days_get(struct days *days, int64_t number)
{
    if (days->last && days->last->number == number)
        return days->last;
    struct day *day = g_hash_table_lookup(days->days, &number);
    if (!day) {
        day = g_new0(struct day, 1);
        day->number = number;
        g_hash_table_insert(days->days, &day->number, day);
    }
    days->last = day;
    return day;
}

/* ---- from Redis ---- */

struct learning {
    struct days *days;
    const char *bad; /* field that cannot be read */
};

static void learn_state(const char *field, const char *value, void *opaque)
{
    struct learning *learning = opaque;
    int64_t number;
    struct day_state state;
    if (!number_read_signed(view_of(field), &number) || !day_state_read(view_of(value), &state)) {
        learning->bad = field;
        return;
    }
    days_get(learning->days, number)->state = state;
    learning->days->unfinished += (size_t)(state.sealed - state.sheeted);
}

static void learn_open(const char *field, const char *value, void *opaque)
{
    struct learning *learning = opaque;
    int64_t number;
    int revision;
    struct day *day;
    if (!generation_read(view_of(field), &number, &revision) ||
        (day = days_get(learning->days, number))->state.sealed + 1 != revision || !open_day_read(view_of(value), &day->open))
        learning->bad = field;
    else
        day->has_open = true;
}

bool days_learn(struct days *days, GError **error)
{
    struct learning learning = {days, NULL};
    mirror_each(days->states, learn_state, &learning);
    mirror_each(days->open, learn_open, &learning);
    if (!learning.bad)
        return true;
    g_set_error(error, COMMIT_ERROR, COMMIT_ERROR_DAMAGED, "partition %d: what Redis has of day %s cannot be read", days->partition,
                learning.bad);
    return false;
}

bool days_held(const struct days *days)
{
    GHashTableIter iter;
    gpointer value;
    g_hash_table_iter_init(&iter, days->days);
    while (g_hash_table_iter_next(&iter, NULL, &value))
        if (((const struct day *)value)->retry_at_ms > 0)
            return true;
    return false;
}

/* What is dirty is not in Redis yet, and the seal's flush must be there too. */
static bool is_ready(const struct day *day, int64_t committed, int64_t now_ms)
{
    return day->state.sheeted < day->state.sealed && !day->dirty && day->seal_offset < committed && day->retry_at_ms <= now_ms;
}

struct day *days_unfinished(const struct days *days, int64_t committed, int64_t now_ms)
{
    GHashTableIter iter;
    gpointer value;
    struct day *first = NULL;
    if (days->unfinished == 0)
        return NULL;
    g_hash_table_iter_init(&iter, days->days);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        struct day *day = value;
        if (is_ready(day, committed, now_ms) && (!first || day->number < first->number))
            first = day;
    }
    return first;
}

void days_new_log(struct days *days)
{
    GHashTableIter iter;
    gpointer value;
    g_hash_table_iter_init(&iter, days->days);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        struct day *day = value;
        day->dirty = day->dirty || day->state.skip_below > 0;
        day->state.skip_below = 0;
        day->open_dirty = day->has_open;
        day->open.first_offset = day->open.end_offset = 0; /* those of the old log would say nothing */
    }
}

/* ---- what came ---- */

static struct open_day *touch(struct day *day)
{
    day->has_open = day->open_dirty = true;
    return &day->open;
}

void days_count(struct day *day, uint64_t n, int64_t offset, int64_t clock_ms)
{
    struct open_day *open = touch(day);
    if (open->events == 0)
        open->first_ms = clock_ms;
    if (open->first_offset == open->end_offset)
        open->first_offset = offset;
    open->events += n;
    open->end_offset = offset + 1;
    open->last_ms = clock_ms;
}

void days_duplicates(struct day *day, uint64_t n)
{
    touch(day)->duplicates += n;
}

void days_gap(struct day *day, uint64_t batches)
{
    struct open_day *open = touch(day);
    open->gaps++;
    open->gap_batches += batches;
}

void days_quarantined(struct day *day)
{
    touch(day)->quarantined++;
}

static void write_generation(const struct day *day, char *field)
{
    g_snprintf(field, FIELD_MAX, "%" G_GINT64_FORMAT ".%d", day->number, day->state.sealed + 1);
}

static bool read_span(const char *text, uint64_t *first, uint64_t *last)
{
    const char *end = text + strlen(text);
    return number_scan(&text, end, first) && *text++ == ' ' && number_scan(&text, end, last);
}

void days_heard(struct days *days, const struct day *day, const char *stream, uint64_t sequence)
{
    char field[FIELD_MAX], text[2 * NUMBER_MAX + 2];
    uint64_t first = 0, last = 0;
    write_generation(day, field);
    size_t used = strlen(field);
    g_snprintf(field + used, sizeof field - used, " %s", stream);
    const char *before = mirror_get(days->streams, field);
    if (before && (sequence == 0 || !read_span(before, &first, &last)))
        return;
    g_snprintf(text, sizeof text, "%" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT, first ? first : sequence, MAX(last, sequence));
    if (g_strcmp0(before, text) != 0)
        mirror_set(days->streams, field, text);
}

/* ---- seals ---- */

struct gathering {
    const char *prefix; /* "generation " */
    int64_t day_end_ms, forgotten_ms;
    const struct mirror *hw, *hb;
    struct partition_day *result;
    GPtrArray *fields; /* of the mirror, to be removed */
};

static void take_high_water(struct stream_day *stream, const char *text, int64_t forgotten_ms)
{
    struct high_water water;
    if (!high_water_read(text, &water) || (!water.import && water.created_ms <= forgotten_ms))
        return;
    stream->high_water = water.sequence;
    stream->heard_ms = MAX(stream->heard_ms, water.created_ms);
    stream->import = water.import;
}

static void take_announced(struct stream_day *stream, const char *text)
{
    const char *end = text + strlen(text);
    uint64_t sequence;
    stream->announced = g_array_new(FALSE, FALSE, sizeof sequence);
    while (number_scan(&text, end, &sequence)) {
        g_array_append_val(stream->announced, sequence);
        if (text == end || *text++ != ',')
            break;
    }
}

/* "collector clock_ms … sequence,sequence,…", see lib/keys.h. */
static void take_heartbeat(struct stream_day *stream, const char *text, int64_t forgotten_ms, int64_t day_end_ms)
{
    enum { CLOCK = 1, SEQUENCES = 8 };
    g_auto(GStrv) words = text ? g_strsplit(text, " ", -1) : NULL;
    uint64_t clock_ms;
    if (!words || g_strv_length(words) <= CLOCK || !number_read(view_of(words[CLOCK]), &clock_ms) ||
        (int64_t)MIN(clock_ms, INT64_MAX) <= forgotten_ms)
        return;
    g_free(stream->collector);
    stream->collector = g_uri_unescape_string(words[0], NULL);
    if (!stream->collector)
        stream->collector = g_strdup("");
    stream->heard_ms = MAX(stream->heard_ms, (int64_t)MIN(clock_ms, INT64_MAX));
    if ((int64_t)clock_ms >= day_end_ms && g_strv_length(words) > SEQUENCES)
        take_announced(stream, words[SEQUENCES]);
}

static void gather(const char *field, const char *value, void *opaque)
{
    struct gathering *gathering = opaque;
    if (!g_str_has_prefix(field, gathering->prefix))
        return;
    g_ptr_array_add(gathering->fields, g_strdup(field));
    const char *name = field + strlen(gathering->prefix);
    struct stream_day *stream = stream_day_new();
    if (!hex_read(view_of(name), stream->stream_id, STREAM_ID_SIZE) ||
        !read_span(value, &stream->first_sequence, &stream->last_sequence)) {
        stream_day_free(stream);
        return;
    }
    take_high_water(stream, mirror_get(gathering->hw, name), gathering->forgotten_ms);
    take_heartbeat(stream, mirror_get(gathering->hb, name), gathering->forgotten_ms, gathering->day_end_ms);
    g_ptr_array_add(gathering->result->streams, stream);
}

static void gather_streams(struct days *days, const struct day *day, int64_t forgotten_ms, const struct mirror *hw,
                           const struct mirror *hb, struct partition_day *result)
{
    int64_t end_ms = (day->number + 1) * KEYS_DAY_MS;
    char prefix[FIELD_MAX];
    g_autoptr(GPtrArray) fields = g_ptr_array_new_with_free_func(g_free);
    write_generation(day, prefix);
    g_strlcat(prefix, " ", sizeof prefix);
    mirror_each(days->streams, gather, &(struct gathering){prefix, end_ms, forgotten_ms, hw, hb, result, fields});
    for (guint i = 0; i < fields->len; i++)
        mirror_remove(days->streams, g_ptr_array_index(fields, i));
    partition_day_sort_streams(result);
    if (result->streams->len > LEDGER_STREAMS_MAX) {
        result->incomplete = true; /* of those left out nobody can say whether all came */
        g_ptr_array_set_size(result->streams, LEDGER_STREAMS_MAX);
    }
}

static void put_closed(struct days *days, const char *generation, const struct partition_day *result)
{
    g_autoptr(GBytes) bytes = partition_day_pack(result);
    gsize size;
    const void *data = g_bytes_get_data(bytes, &size);
    outbox_put(days->outbox, "closed", generation, view_make(data, size));
}

void days_seal(struct days *days, struct day *day, const struct seal_point *point, const struct mirror *hw, const struct mirror *hb)
{
    char generation[FIELD_MAX];
    const struct open_day *open = &day->open;
    struct partition_day *result = partition_day_new();
    result->partition = (uint32_t)days->partition;
    result->seal_offset = (uint64_t)point->offset;
    result->sealed_at_ms = point->clock_ms;
    result->reason = point->reason;
    result->incomplete = day->state.skip_below == 0 && day->number * KEYS_DAY_MS < point->incomplete_before_ms;
    result->first_offset = (uint64_t)open->first_offset;
    result->end_offset = (uint64_t)open->end_offset;
    result->events = open->events;
    result->duplicates = open->duplicates;
    result->gaps = open->gaps;
    result->gap_batches = open->gap_batches;
    result->quarantined = open->quarantined;
    gather_streams(days, day, point->forgotten_ms, hw, hb, result);
    write_generation(day, generation);
    put_closed(days, generation, result);
    partition_day_free(result);
    mirror_remove(days->open, generation);
    day->open = (struct open_day){0};
    day->has_open = day->open_dirty = false;
    day->state.sealed++;
    day->seal_offset = point->offset;
    day->dirty = true;
    days->unfinished++;
}

void days_finish(struct days *days, struct day *day, const struct partition_day *result)
{
    char generation[FIELD_MAX];
    day->state.sheeted++;
    day->dirty = true;
    days->unfinished--;
    g_snprintf(generation, sizeof generation, "%" G_GINT64_FORMAT ".%d", day->number, day->state.sheeted);
    put_closed(days, generation, result);
}

void days_enter_ledger(struct day *day)
{
    day->state.ledgered++;
    day->dirty = true;
}

/* ---- flush ---- */

static void write_down(struct days *days, struct day *day)
{
    char field[FIELD_MAX], text[OPEN_TEXT_MAX];
    if (day->dirty) {
        field[number_write_signed(field, day->number)] = '\0';
        day_state_write(&day->state, text);
        mirror_set(days->states, field, text);
    }
    if (day->open_dirty) {
        write_generation(day, field);
        open_day_write(&day->open, text);
        mirror_set(days->open, field, text);
    }
    day->dirty = day->open_dirty = false;
}

void days_flush(struct days *days, struct payload *payload)
{
    GHashTableIter iter;
    gpointer value;
    g_hash_table_iter_init(&iter, days->days);
    while (g_hash_table_iter_next(&iter, NULL, &value))
        write_down(days, value);
    mirror_flush(days->states, payload);
    mirror_flush(days->open, payload);
    mirror_flush(days->streams, payload);
}
