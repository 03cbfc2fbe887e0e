/* record: columns in, checked.
 *
 * protobuf-c is given an arena: a decoded batch is some twenty arrays and its symbols, which all end together. What leaves
 * record_parse() was checked once, here: whatever stands on the topic, code behind it meets only valid batches. */
#include "lib/record.h"

#include "lib/crc32c.h"
#include "usage.pb-c.h"

G_DEFINE_QUARK(daybook - record - error, record_error)

/* ---- scratch memory ---- */

enum { SCRATCH_FIRST = 256 * 1024 };

struct scratch {
    char *data;
    size_t size, used;
    GPtrArray *extra;   /* allocations that did not fit, freed at the next reset */
    size_t extra_bytes; /* in them: the arena grows by that at the next reset */
};

static void *scratch_alloc(void *opaque, size_t size)
{
    struct scratch *scratch = opaque;
    size_t rounded = (size + 15) & ~(size_t)15;
    if (rounded < size)
        return NULL;
    if (scratch->size - scratch->used >= rounded) {
        scratch->used += rounded;
        return scratch->data + scratch->used - rounded;
    }
    void *extra = g_try_malloc(rounded);
    if (extra) {
        g_ptr_array_add(scratch->extra, extra);
        scratch->extra_bytes += rounded;
    }
    return extra;
}

static void scratch_free(void *opaque, void *pointer)
{
    (void)opaque;
    (void)pointer; /* all at once, in scratch_reset */
}

static void scratch_reset(struct scratch *scratch)
{
    if (scratch->extra_bytes > 0 && scratch->size < 64 * 1024 * 1024) {
        scratch->size += scratch->extra_bytes;
        g_free(scratch->data);
        scratch->data = g_malloc(scratch->size);
    }
    g_ptr_array_set_size(scratch->extra, 0);
    scratch->extra_bytes = 0;
    scratch->used = 0;
}

/* ---- reading ---- */

struct record_parser {
    struct scratch scratch;
    ProtobufCAllocator allocator;
};

struct record_parser *record_parser_new(void)
{
    struct record_parser *parser = g_new0(struct record_parser, 1);
    parser->scratch.size = SCRATCH_FIRST;
    parser->scratch.data = g_malloc(SCRATCH_FIRST);
    parser->scratch.extra = g_ptr_array_new_with_free_func(g_free);
    parser->allocator = (ProtobufCAllocator){scratch_alloc, scratch_free, &parser->scratch};
    return parser;
}

void record_parser_free(struct record_parser *parser)
{
    if (!parser)
        return;
    g_ptr_array_free(parser->scratch.extra, TRUE);
    g_free(parser->scratch.data);
    g_free(parser);
}

static const int64_t latest = INT64_C(7258118400000); /* 2200-01-01 */
#define REJECTION_COUNT_MAX (UINT64_C(1) << 40)       /* of one entry: sums of them stay far from overflowing */

static bool malformed(GError **error, const char *what)
{
    g_set_error(error, RECORD_ERROR, RECORD_ERROR_MALFORMED, "not a valid Record: %s", what);
    return false;
}

/* Names become parts of Redis keys and of reports: UTF-8 without control characters. */
static bool text_is_clean(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
            return false;
    return g_utf8_validate_len(text, size, NULL);
}

static bool read_symbols(struct record_parser *parser, const Daybook__V1__UsageBatch *from, struct batch *to, GError **error)
{
    struct view *symbols = scratch_alloc(&parser->scratch, (from->n_symbols + 1) * sizeof *symbols);
    if (!symbols)
        return malformed(error, "too large");
    for (size_t i = 0; i < from->n_symbols; i++) {
        symbols[i] = view_of(from->symbols[i]);
        if (symbols[i].size > EVENT_ROUTE_MAX || !text_is_clean(symbols[i].data, symbols[i].size))
            return malformed(error, "a symbol is longer than 1024 bytes or not clean UTF-8");
    }
    if (from->n_status > 0 && (from->n_symbols == 0 || symbols[0].size != 0))
        return malformed(error, "symbols[0] is not the empty string");
    to->symbols = symbols;
    to->n_symbols = from->n_symbols;
    return true;
}

static bool read_times(struct record_parser *parser, const Daybook__V1__UsageBatch *from, struct batch *to, GError **error)
{
    int64_t *times = scratch_alloc(&parser->scratch, (to->n_events + 1) * sizeof *times);
    if (!times)
        return malformed(error, "too large");
    if (from->n_time_delta_ms != 0 && from->n_time_delta_ms != to->n_events)
        return malformed(error, "column time_delta_ms has another length than status");
    if (from->base_time_ms > (uint64_t)latest)
        return malformed(error, "base_time_ms is after 2199");
    int64_t time = (int64_t)from->base_time_ms;
    for (size_t i = 0; i < to->n_events; i++) {
        int64_t delta = from->n_time_delta_ms ? from->time_delta_ms[i] : 0;
        if (delta > latest || delta < -latest || (time += delta) < 0 || time > latest)
            return malformed(error, "a time is not between 1970 and 2199");
        times[i] = time;
    }
    to->time_ms = times;
    return true;
}

static bool symbols_in_range(const uint32_t *column, const struct batch *batch, size_t longest, bool needed)
{
    if (!column)
        return !needed;
    for (size_t i = 0; i < batch->n_events; i++)
        if (column[i] >= batch->n_symbols || batch->symbols[column[i]].size > longest ||
            (needed && batch->symbols[column[i]].size == 0))
            return false;
    return true;
}

static bool values_in_range(const uint64_t *column, size_t n, uint64_t most)
{
    for (size_t i = 0; column && i < n; i++)
        if (column[i] > most)
            return false;
    return true;
}

static bool check_columns(const struct batch *batch, GError **error)
{
    for (size_t i = 0; i < batch->n_events; i++)
        if (batch->status[i] < EVENT_STATUS_MIN || batch->status[i] > EVENT_STATUS_MAX)
            return malformed(error, "a status is not between 100 and 599");
    if (!symbols_in_range(batch->organization, batch, EVENT_NAME_MAX, false) ||
        !symbols_in_range(batch->user, batch, EVENT_NAME_MAX, false) ||
        !symbols_in_range(batch->platform, batch, EVENT_NAME_MAX, false))
        return malformed(error, "an organization, user or platform is no symbol or too long");
    if (batch->n_events > 0 && (!symbols_in_range(batch->client, batch, EVENT_NAME_MAX, true) ||
                                !symbols_in_range(batch->method, batch, EVENT_METHOD_MAX, true) ||
                                !symbols_in_range(batch->route, batch, EVENT_ROUTE_MAX, true)))
        return malformed(error, "a client, method or route is missing, no symbol or too long");
    if (!values_in_range(batch->latency_us, batch->n_events, EVENT_LATENCY_MAX_US) ||
        !values_in_range(batch->request_bytes, batch->n_events, EVENT_BYTES_MAX) ||
        !values_in_range(batch->response_bytes, batch->n_events, EVENT_BYTES_MAX))
        return malformed(error, "a latency or size is out of range");
    return true;
}

static bool read_ids(struct record_parser *parser, const Daybook__V1__UsageBatch *from, struct batch *to, GError **error)
{
    if (from->n_id != from->n_id_event || from->n_id > to->n_events)
        return malformed(error, "id and id_event have different lengths");
    struct view *ids = scratch_alloc(&parser->scratch, (from->n_id + 1) * sizeof *ids);
    if (!ids)
        return malformed(error, "too large");
    for (size_t i = 0; i < from->n_id; i++) {
        if (from->id_event[i] >= to->n_events || (i > 0 && from->id_event[i] <= from->id_event[i - 1]))
            return malformed(error, "id_event is not ascending or no event");
        if (from->id[i].len == 0 || from->id[i].len > EVENT_NAME_MAX)
            return malformed(error, "an id is not 1 to 256 bytes long");
        ids[i] = view_make(from->id[i].data, from->id[i].len);
    }
    to->n_ids = from->n_id;
    to->id_event = from->id_event;
    to->ids = ids;
    return true;
}

static bool read_header(const Daybook__V1__UsageBatch *from, struct batch_header *to, GError **error)
{
    if (from->stream_id.len != STREAM_ID_SIZE)
        return malformed(error, "stream_id is not 16 bytes");
    if (from->sequence == 0 || from->sequence > INT64_MAX || from->created_ms > (uint64_t)latest)
        return malformed(error, "sequence or created_ms is out of range");
    if (from->partition >= from->partition_count || from->partition_count > 1000000)
        return malformed(error, "partition is not below partition_count");
    memcpy(to->stream_id, from->stream_id.data, STREAM_ID_SIZE);
    to->partition = from->partition;
    to->partition_count = from->partition_count;
    to->sequence = from->sequence;
    to->created_ms = (int64_t)from->created_ms;
    to->import = from->import;
    return true;
}

/* A column is as long as status, or left out. */
#define TAKE(field)                                                                      \
    do {                                                                                 \
        if (from->n_##field != 0 && from->n_##field != to->n_events)                     \
            return malformed(error, "column " #field " has another length than status"); \
        to->field = from->n_##field ? from->field : NULL;                                \
    } while (0)

static bool take_columns(const Daybook__V1__UsageBatch *from, struct batch *to, GError **error)
{
    if (from->n_status > RECORD_EVENTS_MAX)
        return malformed(error, "more than 65536 events");
    to->n_events = from->n_status;
    TAKE(organization);
    TAKE(client);
    TAKE(user);
    TAKE(method);
    TAKE(route);
    TAKE(platform);
    TAKE(status);
    TAKE(latency_us);
    TAKE(request_bytes);
    TAKE(response_bytes);
    return true;
}

static bool read_manifest(const Daybook__V1__UsageBatch *from, struct batch *to, GError **error)
{
    const Daybook__V1__ImportManifest *manifest = from->manifest;
    to->has_manifest = manifest != NULL;
    if (!manifest)
        return true;
    size_t name_size = manifest->name ? strlen(manifest->name) : 0;
    if (!from->import || to->n_events > 0 || to->header.partition != 0 || to->header.sequence != 1 ||
        manifest->rules_digest.len != 32 || manifest->head_digest.len != 32 || name_size > EVENT_NAME_MAX ||
        !text_is_clean(manifest->name, name_size))
        return malformed(error, "the manifest of an import is damaged");
    to->manifest.partition_count = manifest->partition_count;
    memcpy(to->manifest.rules_digest, manifest->rules_digest.data, 32);
    memcpy(to->manifest.head_digest, manifest->head_digest.data, 32);
    to->manifest.name = manifest->name;
    to->manifest.size_bytes = manifest->size_bytes;
    to->manifest.first_line = manifest->first_line;
    return true;
}

static bool read_rejection(const Daybook__V1__Rejection *from, struct rejection *to)
{
    *to = (struct rejection){.time_ms = (int64_t)MIN(from->time_ms, (uint64_t)INT64_MAX),
                             .count = from->count,
                             .reason = view_of(from->reason),
                             .message = view_of(from->message),
                             .sample = view_of(from->sample)};
    return to->time_ms <= latest && to->count > 0 && to->count <= REJECTION_COUNT_MAX && rejection_reason_is_word(to->reason) &&
           to->message.size <= REJECTION_MESSAGE_MAX && text_is_clean(to->message.data, to->message.size) &&
           to->sample.size <= REJECTION_SAMPLE_MAX && text_is_clean(to->sample.data, to->sample.size);
}

static bool read_rejections(struct record_parser *parser, const Daybook__V1__UsageBatch *from, struct batch *to, GError **error)
{
    if (from->n_rejection == 0)
        return true;
    if (from->n_rejection > REJECTIONS_MAX)
        return malformed(error, "more than 256 rejections");
    to->collector = view_of(from->collector);
    if (to->collector.size == 0 || to->collector.size > EVENT_NAME_MAX || !text_is_clean(to->collector.data, to->collector.size))
        return malformed(error, "rejections without their collector's name");
    struct rejection *rejections = scratch_alloc(&parser->scratch, from->n_rejection * sizeof *rejections);
    if (!rejections)
        return malformed(error, "too large");
    for (size_t i = 0; i < from->n_rejection; i++) {
        if (!read_rejection(from->rejection[i], &rejections[i]))
            return malformed(error, "a rejection's time, count or text is not as it must be");
    }
    to->n_rejections = from->n_rejection;
    to->rejections = rejections;
    return true;
}

static bool read_batch(struct record_parser *parser, const Daybook__V1__UsageBatch *from, struct batch *to, GError **error)
{
    return read_header(from, &to->header, error) && take_columns(from, to, error) && read_symbols(parser, from, to, error) &&
           read_times(parser, from, to, error) && check_columns(to, error) && read_ids(parser, from, to, error) &&
           read_manifest(from, to, error) && read_rejections(parser, from, to, error);
}

enum { HEARTBEAT_PARTITIONS_MAX = 10000 }; /* in one heartbeat */

static bool read_heartbeat(const Daybook__V1__Heartbeat *from, struct heartbeat *to, GError **error)
{
    size_t name_size = from->collector ? strlen(from->collector) : 0;
    bool in_range = values_in_range(from->last_sequence, from->n_last_sequence, INT64_MAX);
    if (from->stream_id.len != STREAM_ID_SIZE || from->n_last_sequence > HEARTBEAT_PARTITIONS_MAX || !in_range ||
        from->clock_ms > (uint64_t)latest || from->journal_oldest_ms > INT64_MAX || name_size > EVENT_NAME_MAX ||
        !text_is_clean(from->collector, name_size))
        return malformed(error, "a heartbeat is damaged");
    memcpy(to->stream_id, from->stream_id.data, STREAM_ID_SIZE);
    to->collector = from->collector;
    to->clock_ms = (int64_t)from->clock_ms;
    to->last_sequence = from->last_sequence;
    to->n_partitions = from->n_last_sequence;
    to->journal_bytes = from->journal_bytes;
    to->journal_oldest_ms = (int64_t)from->journal_oldest_ms;
    to->received = from->received;
    to->accepted = from->accepted;
    to->rejected = from->rejected;
    to->excluded = from->excluded;
    return true;
}

enum { DAY_END = 84006, REVISION_MAX = 10000 }; /* 2200-01-01 */

static bool read_seal(const Daybook__V1__DaySeal *from, struct day_seal *to, GError **error)
{
    if (from->day >= DAY_END || from->revision == 0 || from->revision > REVISION_MAX || (unsigned)from->reason > SEAL_ERASURE)
        return malformed(error, "a seal's day, revision or reason is out of range");
    *to = (struct day_seal){from->day, from->revision, (enum seal_reason)from->reason};
    return true;
}

static bool read_ledger(const Daybook__V1__LedgerEntry *from, struct ledger_link *to, GError **error)
{
    if (from->n == 0 || from->n > INT64_MAX || from->day >= DAY_END || from->revision == 0 || from->revision > REVISION_MAX ||
        (from->previous_checksum.len != 0 && from->previous_checksum.len != sizeof to->previous_checksum))
        return malformed(error, "a ledger entry's number, day, revision or checksum is out of range");
    to->n = from->n;
    to->day = from->day;
    to->revision = from->revision;
    to->has_previous = from->previous_checksum.len > 0;
    if (to->has_previous)
        memcpy(to->previous_checksum, from->previous_checksum.data, sizeof to->previous_checksum);
    return true;
}

static bool read_erasure(const Daybook__V1__Erasure *from, struct erasure *to, GError **error)
{
    *to = (struct erasure){view_of(from->user), view_of(from->pseudonym)};
    if (to->user.size == 0 || to->user.size > EVENT_NAME_MAX || !text_is_clean(to->user.data, to->user.size) ||
        to->pseudonym.size == 0 || to->pseudonym.size > EVENT_NAME_MAX || !text_is_clean(to->pseudonym.data, to->pseudonym.size) ||
        view_equal(to->user, to->pseudonym))
        return malformed(error, "an erasure's user or pseudonym is empty, too long, or the same");
    return true;
}

bool record_parse(struct record_parser *parser, const void *data, size_t size, struct record *record, GError **error)
{
    scratch_reset(&parser->scratch);
    memset(record, 0, sizeof *record);
    record->crc = crc32c(0, data, size);
    Daybook__V1__Record *message = size > 0 ? daybook__v1__record__unpack(&parser->allocator, size, data) : NULL;
    if (!message)
        return malformed(error, "the bytes are no protobuf message of this kind");
    switch (message->kind_case) {
    case DAYBOOK__V1__RECORD__KIND_BATCH:
        record->kind = RECORD_BATCH;
        return read_batch(parser, message->batch, &record->batch, error);
    case DAYBOOK__V1__RECORD__KIND_HEARTBEAT:
        record->kind = RECORD_HEARTBEAT;
        return read_heartbeat(message->heartbeat, &record->heartbeat, error);
    case DAYBOOK__V1__RECORD__KIND_SEAL:
        record->kind = RECORD_SEAL;
        return read_seal(message->seal, &record->seal, error);
    case DAYBOOK__V1__RECORD__KIND_LEDGER:
        record->kind = RECORD_LEDGER;
        return read_ledger(message->ledger, &record->ledger, error);
    case DAYBOOK__V1__RECORD__KIND_ERASURE:
        record->kind = RECORD_ERASURE;
        return read_erasure(message->erasure, &record->erasure, error);
    default:
        g_set_error(error, RECORD_ERROR, RECORD_ERROR_UNKNOWN_KIND, "a Record of a kind that this version does not know");
        return false;
    }
}

static struct view symbol_at(const struct batch *batch, const uint32_t *column, size_t index)
{
    return column ? batch->symbols[column[index]] : view_of("");
}

void batch_event(const struct batch *batch, size_t index, struct event *event)
{
    g_assert(index < batch->n_events);
    *event = (struct event){
        .time_ms = batch->time_ms[index],
        .organization = symbol_at(batch, batch->organization, index),
        .client = symbol_at(batch, batch->client, index),
        .user = symbol_at(batch, batch->user, index),
        .method = symbol_at(batch, batch->method, index),
        .route = symbol_at(batch, batch->route, index),
        .platform = symbol_at(batch, batch->platform, index),
        .status = batch->status[index],
        .latency_us = batch->latency_us ? batch->latency_us[index] : 0,
        .request_bytes = batch->request_bytes ? batch->request_bytes[index] : 0,
        .response_bytes = batch->response_bytes ? batch->response_bytes[index] : 0,
    };
    size_t low = 0, high = batch->n_ids;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (batch->id_event[middle] < index)
            low = middle + 1;
        else
            high = middle;
    }
    if (low < batch->n_ids && batch->id_event[low] == index)
        event->id = batch->ids[low];
}

static uint64_t fnv1a(uint64_t hash, const char *data, size_t size)
{
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ (unsigned char)data[i]) * UINT64_C(0x100000001b3);
    return hash;
}

uint32_t partition_of(struct view organization, struct view client, uint32_t partition_count)
{
    g_assert(partition_count > 0);
    uint64_t hash = fnv1a(UINT64_C(0xcbf29ce484222325), organization.data, organization.size);
    hash = fnv1a(hash, "", 1);
    hash = fnv1a(hash, client.data, client.size);
    return (uint32_t)((hash >> 32) ^ hash) % partition_count;
}
