/* record_write: events in, columns out. */
#include "lib/record.h"

#include "lib/intern.h"
#include "usage.pb-c.h"

struct column32 {
    GArray *values; /* uint32_t */
    bool used;      /* some value is not 0 */
};

struct column64 {
    GArray *values; /* uint64_t */
    bool used;
};

enum { ORGANIZATION, CLIENT, USER, METHOD, ROUTE, PLATFORM, STATUS, N_COLUMNS32 };
enum { LATENCY, REQUEST_BYTES, RESPONSE_BYTES, N_COLUMNS64 };

struct batch_builder {
    struct intern *symbols;
    struct column32 columns32[N_COLUMNS32];
    struct column64 columns64[N_COLUMNS64];
    GArray *time_delta; /* int64_t */
    int64_t base_time_ms, last_time_ms;
    GArray *id_event; /* uint32_t */
    GPtrArray *ids;   /* of GBytes */
    struct rejections *rejections;
    char *collector; /* of them; NULL: none yet */
    size_t size;
};

struct batch_builder *batch_builder_new(void)
{
    struct batch_builder *builder = g_new0(struct batch_builder, 1);
    builder->symbols = intern_new();
    for (size_t i = 0; i < N_COLUMNS32; i++)
        builder->columns32[i].values = g_array_new(FALSE, FALSE, sizeof(uint32_t));
    for (size_t i = 0; i < N_COLUMNS64; i++)
        builder->columns64[i].values = g_array_new(FALSE, FALSE, sizeof(uint64_t));
    builder->time_delta = g_array_new(FALSE, FALSE, sizeof(int64_t));
    builder->id_event = g_array_new(FALSE, FALSE, sizeof(uint32_t));
    builder->ids = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
    builder->rejections = rejections_new();
    return builder;
}

void batch_builder_free(struct batch_builder *builder)
{
    if (!builder)
        return;
    intern_free(builder->symbols);
    for (size_t i = 0; i < N_COLUMNS32; i++)
        g_array_free(builder->columns32[i].values, TRUE);
    for (size_t i = 0; i < N_COLUMNS64; i++)
        g_array_free(builder->columns64[i].values, TRUE);
    g_array_free(builder->time_delta, TRUE);
    g_array_free(builder->id_event, TRUE);
    g_ptr_array_free(builder->ids, TRUE);
    rejections_free(builder->rejections);
    g_free(builder->collector);
    g_free(builder);
}

static size_t varint_size(uint64_t value)
{
    return (size_t)(70 - __builtin_clzll(value | 1)) / 7;
}

static void push32(struct batch_builder *builder, size_t column, uint32_t value)
{
    struct column32 *c = &builder->columns32[column];
    g_array_append_val(c->values, value);
    c->used |= value != 0;
    builder->size += varint_size(value);
}

static void push64(struct batch_builder *builder, size_t column, uint64_t value)
{
    struct column64 *c = &builder->columns64[column];
    g_array_append_val(c->values, value);
    c->used |= value != 0;
    builder->size += varint_size(value);
}

static void push_symbol(struct batch_builder *builder, size_t column, struct view text)
{
    uint32_t known = intern_count(builder->symbols);
    uint32_t symbol = intern_add(builder->symbols, text);
    if (symbol == known)
        builder->size += text.size + 4;
    push32(builder, column, symbol);
}

static void push_time(struct batch_builder *builder, int64_t time_ms)
{
    if (builder->time_delta->len == 0)
        builder->base_time_ms = builder->last_time_ms = time_ms;
    int64_t delta = time_ms - builder->last_time_ms;
    builder->last_time_ms = time_ms;
    g_array_append_val(builder->time_delta, delta);
    builder->size += varint_size(((uint64_t)delta << 1) ^ (delta < 0 ? UINT64_MAX : 0));
}

static void push_id(struct batch_builder *builder, struct view id)
{
    uint32_t index = builder->time_delta->len - 1;
    g_array_append_val(builder->id_event, index);
    g_ptr_array_add(builder->ids, g_bytes_new(id.data, id.size));
    builder->size += id.size + 4 + varint_size(index);
}

void batch_builder_add(struct batch_builder *builder, const struct event *event)
{
    g_assert(event->status >= EVENT_STATUS_MIN && event->status <= EVENT_STATUS_MAX);
    g_assert(event->latency_us <= EVENT_LATENCY_MAX_US && event->time_ms >= 0);
    g_assert(builder->time_delta->len < RECORD_EVENTS_MAX);
    push_time(builder, event->time_ms);
    push_symbol(builder, ORGANIZATION, event->organization);
    push_symbol(builder, CLIENT, event->client);
    push_symbol(builder, USER, event->user);
    push_symbol(builder, METHOD, event->method);
    push_symbol(builder, ROUTE, event->route);
    push_symbol(builder, PLATFORM, event->platform);
    push32(builder, STATUS, event->status);
    push64(builder, LATENCY, event->latency_us);
    push64(builder, REQUEST_BYTES, event->request_bytes);
    push64(builder, RESPONSE_BYTES, event->response_bytes);
    if (event->id.size > 0)
        push_id(builder, event->id);
}

size_t batch_builder_count(const struct batch_builder *builder)
{
    return builder->time_delta->len;
}

void batch_builder_reject(struct batch_builder *builder, const char *collector, const struct rejections *rejections)
{
    g_assert(*collector && strlen(collector) <= EVENT_NAME_MAX);
    g_assert(!builder->collector || strcmp(builder->collector, collector) == 0);
    if (!builder->collector)
        builder->collector = g_strdup(collector);
    rejections_add_all(builder->rejections, rejections);
}

bool batch_builder_is_empty(const struct batch_builder *builder)
{
    return builder->time_delta->len == 0 && rejections_count(builder->rejections) == 0;
}

size_t batch_builder_size(const struct batch_builder *builder)
{
    size_t name = builder->collector ? strlen(builder->collector) : 0;
    return builder->size + rejections_size(builder->rejections) + name + 160; /* header, tags and lengths of the columns */
}

static GBytes *pack_record(const Daybook__V1__Record *record)
{
    size_t size = daybook__v1__record__get_packed_size(record);
    uint8_t *data = g_malloc(size);
    daybook__v1__record__pack(record, data);
    return g_bytes_new_take(data, size);
}

static void set_header(Daybook__V1__UsageBatch *batch, const struct batch_header *header)
{
    /* protobuf-c's structs are not const-correct; packing does not write. */
    batch->stream_id.data = (uint8_t *)(uintptr_t)header->stream_id;
    batch->stream_id.len = STREAM_ID_SIZE;
    batch->partition = header->partition;
    batch->partition_count = header->partition_count;
    batch->sequence = header->sequence;
    batch->created_ms = (uint64_t)header->created_ms;
    batch->import = header->import;
}

#define SET32(batch, field, column) \
    ((batch)->n_##field = (column).used ? (column).values->len : 0, (batch)->field = (uint32_t *)(void *)(column).values->data)
#define SET64(batch, field, column) \
    ((batch)->n_##field = (column).used ? (column).values->len : 0, (batch)->field = (uint64_t *)(void *)(column).values->data)

static void set_columns(Daybook__V1__UsageBatch *batch, const struct batch_builder *builder)
{
    batch->base_time_ms = (uint64_t)builder->base_time_ms;
    batch->n_time_delta_ms = builder->time_delta->len;
    batch->time_delta_ms = (int64_t *)(void *)builder->time_delta->data;
    SET32(batch, organization, builder->columns32[ORGANIZATION]);
    SET32(batch, client, builder->columns32[CLIENT]);
    SET32(batch, user, builder->columns32[USER]);
    SET32(batch, method, builder->columns32[METHOD]);
    SET32(batch, route, builder->columns32[ROUTE]);
    SET32(batch, platform, builder->columns32[PLATFORM]);
    SET32(batch, status, builder->columns32[STATUS]);
    SET64(batch, latency_us, builder->columns64[LATENCY]);
    SET64(batch, request_bytes, builder->columns64[REQUEST_BYTES]);
    SET64(batch, response_bytes, builder->columns64[RESPONSE_BYTES]);
    batch->n_id_event = builder->id_event->len;
    batch->id_event = (uint32_t *)(void *)builder->id_event->data;
}

static void builder_reset(struct batch_builder *builder)
{
    intern_reset(builder->symbols);
    for (size_t i = 0; i < N_COLUMNS32; i++) {
        g_array_set_size(builder->columns32[i].values, 0);
        builder->columns32[i].used = false;
    }
    for (size_t i = 0; i < N_COLUMNS64; i++) {
        g_array_set_size(builder->columns64[i].values, 0);
        builder->columns64[i].used = false;
    }
    g_array_set_size(builder->time_delta, 0);
    g_array_set_size(builder->id_event, 0);
    g_ptr_array_set_size(builder->ids, 0);
    rejections_clear(builder->rejections);
    g_clear_pointer(&builder->collector, g_free);
    builder->size = 0;
}

/* Symbols as NUL-terminated strings, as protobuf-c wants them, in one block. Caller frees both. */
static char **symbol_strings(const struct intern *symbols, char **block)
{
    size_t n = intern_count(symbols), bytes = 0;
    for (uint32_t i = 0; i < n; i++)
        bytes += intern_get(symbols, i).size + 1;
    char **strings = g_new(char *, n);
    char *at = *block = g_malloc(bytes);
    for (uint32_t i = 0; i < n; i++) {
        struct view text = intern_get(symbols, i);
        strings[i] = at;
        if (text.size > 0)
            memcpy(at, text.data, text.size);
        at[text.size] = '\0';
        at += text.size + 1;
    }
    return strings;
}

struct packed_rejections {
    Daybook__V1__Rejection *messages;
    Daybook__V1__Rejection **pointers;
    GStringChunk *strings; /* NUL-terminated, as protobuf-c wants them */
};

static char *terminated(struct packed_rejections *packed, struct view text)
{
    return g_string_chunk_insert_len(packed->strings, text.data, (gssize)text.size);
}

static void set_rejections(Daybook__V1__UsageBatch *batch, const struct batch_builder *builder, struct packed_rejections *packed)
{
    size_t n = rejections_count(builder->rejections);
    *packed = (struct packed_rejections){0};
    if (n == 0)
        return;
    packed->messages = g_new(Daybook__V1__Rejection, n);
    packed->pointers = g_new(Daybook__V1__Rejection *, n);
    packed->strings = g_string_chunk_new(4096);
    for (size_t i = 0; i < n; i++) {
        const struct rejection *rejection = rejections_get(builder->rejections, i);
        Daybook__V1__Rejection *message = packed->pointers[i] = &packed->messages[i];
        daybook__v1__rejection__init(message);
        message->time_ms = (uint64_t)rejection->time_ms;
        message->count = rejection->count;
        message->reason = terminated(packed, rejection->reason);
        message->message = terminated(packed, rejection->message);
        message->sample = terminated(packed, rejection->sample);
    }
    batch->n_rejection = n;
    batch->rejection = packed->pointers;
    batch->collector = builder->collector;
}

static void packed_rejections_clear(struct packed_rejections *packed)
{
    g_free(packed->messages);
    g_free(packed->pointers);
    g_clear_pointer(&packed->strings, g_string_chunk_free);
}

GBytes *batch_builder_seal(struct batch_builder *builder, const struct batch_header *header)
{
    Daybook__V1__Record record = DAYBOOK__V1__RECORD__INIT;
    Daybook__V1__UsageBatch batch = DAYBOOK__V1__USAGE_BATCH__INIT;
    g_autofree char *block = NULL;
    g_autofree char **symbols = symbol_strings(builder->symbols, &block);
    g_autofree ProtobufCBinaryData *ids = g_new(ProtobufCBinaryData, builder->ids->len + 1);
    record.kind_case = DAYBOOK__V1__RECORD__KIND_BATCH;
    record.batch = &batch;
    set_header(&batch, header);
    set_columns(&batch, builder);
    batch.symbols = symbols;
    batch.n_symbols = intern_count(builder->symbols);
    for (guint i = 0; i < builder->ids->len; i++)
        ids[i].data = (uint8_t *)(uintptr_t)g_bytes_get_data(g_ptr_array_index(builder->ids, i), &ids[i].len);
    batch.id = ids;
    batch.n_id = builder->ids->len;
    struct packed_rejections rejections;
    set_rejections(&batch, builder, &rejections);
    GBytes *bytes = pack_record(&record);
    packed_rejections_clear(&rejections);
    builder_reset(builder);
    return bytes;
}

GBytes *record_manifest(const struct batch_header *header, const struct import_manifest *manifest)
{
    Daybook__V1__Record record = DAYBOOK__V1__RECORD__INIT;
    Daybook__V1__UsageBatch batch = DAYBOOK__V1__USAGE_BATCH__INIT;
    Daybook__V1__ImportManifest message = DAYBOOK__V1__IMPORT_MANIFEST__INIT;
    record.kind_case = DAYBOOK__V1__RECORD__KIND_BATCH;
    record.batch = &batch;
    set_header(&batch, header);
    batch.manifest = &message;
    message.partition_count = manifest->partition_count;
    message.rules_digest = (ProtobufCBinaryData){sizeof manifest->rules_digest, (uint8_t *)(uintptr_t)manifest->rules_digest};
    message.head_digest = (ProtobufCBinaryData){sizeof manifest->head_digest, (uint8_t *)(uintptr_t)manifest->head_digest};
    message.name = (char *)(uintptr_t)manifest->name;
    message.size_bytes = manifest->size_bytes;
    message.first_line = manifest->first_line;
    return pack_record(&record);
}

GBytes *record_heartbeat(const struct heartbeat *heartbeat)
{
    Daybook__V1__Record record = DAYBOOK__V1__RECORD__INIT;
    Daybook__V1__Heartbeat message = DAYBOOK__V1__HEARTBEAT__INIT;
    record.kind_case = DAYBOOK__V1__RECORD__KIND_HEARTBEAT;
    record.heartbeat = &message;
    message.stream_id = (ProtobufCBinaryData){STREAM_ID_SIZE, (uint8_t *)(uintptr_t)heartbeat->stream_id};
    message.collector = (char *)(uintptr_t)heartbeat->collector;
    message.clock_ms = (uint64_t)heartbeat->clock_ms;
    message.n_last_sequence = heartbeat->n_partitions;
    message.last_sequence = (uint64_t *)(uintptr_t)heartbeat->last_sequence;
    message.journal_bytes = heartbeat->journal_bytes;
    message.journal_oldest_ms = (uint64_t)heartbeat->journal_oldest_ms;
    message.received = heartbeat->received;
    message.accepted = heartbeat->accepted;
    message.rejected = heartbeat->rejected;
    message.excluded = heartbeat->excluded;
    return pack_record(&record);
}
