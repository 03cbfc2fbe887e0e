/* bench-encoding: rows against columns, each with protobuf-c's own allocation and with an arena.
 *
 * The decision of proto/usage.proto (columns, an arena) rests on this table. One core, batches of 500 events of the realistic load,
 * symbols shared. "sum" is the work of a reader that needs one field of every event, so that no decoder is praised for
 * handing over memory that was never touched. */
#include "lib/record.h"
#include "rows.pb-c.h"
#include "tests/bench/load.h"
#include "usage.pb-c.h"
#include <stdio.h>

enum { BATCH = 500, BATCHES = 200, ARENA = 4 << 20 };
static const gint64 RUN_US = 700000;

/* ---- an arena for protobuf-c: everything ends together ---- */
static char *arena_data;
static size_t arena_used;

static void *arena_alloc(void *opaque, size_t size)
{
    (void)opaque;
    size_t at = arena_used;
    arena_used = (arena_used + size + 15) & ~(size_t)15;
    g_assert(arena_used <= ARENA);
    return arena_data + at;
}

static void arena_free(void *opaque, void *pointer)
{
    (void)opaque;
    (void)pointer;
}

static ProtobufCAllocator arena = {arena_alloc, arena_free, NULL};

/* ---- material: the same batches in both forms, and their events ---- */
struct material {
    GArray *events; /* of struct event: BATCH · BATCHES; strings in `strings` */
    GStringChunk *strings;
    GPtrArray *columns; /* of GBytes: Records */
    GPtrArray *rows;    /* of GBytes: RowBatches */
    struct batch_builder *builder;
    Daybook__Bench__Row *row; /* BATCH of them, reused */
};

static struct view keep(struct material *material, struct view text)
{
    return view_make(g_string_chunk_insert_len(material->strings, text.data ? text.data : "", (gssize)text.size), text.size);
}

static void make_events(struct material *material)
{
    struct load *load = load_new(&(struct load_settings){1, 10000000, G_GINT64_CONSTANT(1763700000000), 0, false, false});
    for (size_t i = 0; i < BATCH * BATCHES; i++) {
        struct event event;
        load_next(load, &event);
        event.organization = keep(material, event.organization);
        event.client = keep(material, event.client);
        event.user = keep(material, event.user);
        event.method = keep(material, event.method);
        event.route = keep(material, event.route);
        event.id = keep(material, event.id);
        g_array_append_val(material->events, event);
    }
    load_free(load);
}

static GBytes *encode_columns(struct material *material, size_t batch)
{
    for (size_t i = 0; i < BATCH; i++)
        batch_builder_add(material->builder, &g_array_index(material->events, struct event, batch * BATCH + i));
    struct batch_header header = {.partition_count = 1, .sequence = batch + 1, .created_ms = G_GINT64_CONSTANT(1763700000000)};
    return batch_builder_seal(material->builder, &header);
}

struct symbols {
    GHashTable *known; /* text -> index + 1 */
    GPtrArray *texts;
};

static uint32_t symbol(struct symbols *symbols, struct view text)
{
    if (text.size == 0)
        return 0;
    g_autofree char *name = g_strndup(text.data, text.size);
    guint found = GPOINTER_TO_UINT(g_hash_table_lookup(symbols->known, name));
    if (!found) {
        g_ptr_array_add(symbols->texts, g_strdup(name));
        found = symbols->texts->len;
        g_hash_table_insert(symbols->known, g_strdup(name), GUINT_TO_POINTER(found));
    }
    return found - 1;
}

static void fill_row(Daybook__Bench__Row *row, const struct event *event, int64_t delta, struct symbols *symbols)
{
    daybook__bench__row__init(row);
    row->time_delta_ms = delta;
    row->organization = symbol(symbols, event->organization);
    row->client = symbol(symbols, event->client);
    row->user = symbol(symbols, event->user);
    row->method = symbol(symbols, event->method);
    row->route = symbol(symbols, event->route);
    row->status = event->status;
    row->latency_us = event->latency_us;
    row->request_bytes = event->request_bytes;
    row->response_bytes = event->response_bytes;
    row->id.data = (uint8_t *)(uintptr_t)event->id.data;
    row->id.len = event->id.size;
}

static GBytes *encode_rows(struct material *material, size_t batch)
{
    struct symbols symbols = {g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL), g_ptr_array_new_with_free_func(g_free)};
    g_ptr_array_add(symbols.texts, g_strdup(""));
    Daybook__Bench__Row *list[BATCH];
    int64_t last = 0;
    Daybook__Bench__RowBatch message = DAYBOOK__BENCH__ROW_BATCH__INIT;
    for (size_t i = 0; i < BATCH; i++) {
        const struct event *event = &g_array_index(material->events, struct event, batch * BATCH + i);
        if (i == 0)
            message.base_time_ms = (uint64_t)(last = event->time_ms);
        fill_row(&material->row[i], event, event->time_ms - last, &symbols);
        last = event->time_ms;
        list[i] = &material->row[i];
    }
    uint8_t stream_id[STREAM_ID_SIZE] = {0};
    message.stream_id = (ProtobufCBinaryData){sizeof stream_id, stream_id};
    message.partition_count = 1;
    message.sequence = batch + 1;
    message.created_ms = UINT64_C(1763700000000);
    message.n_symbols = symbols.texts->len;
    message.symbols = (char **)symbols.texts->pdata;
    message.n_rows = BATCH;
    message.rows = list;
    size_t size = daybook__bench__row_batch__get_packed_size(&message);
    uint8_t *data = g_malloc(size);
    daybook__bench__row_batch__pack(&message, data);
    g_hash_table_destroy(symbols.known);
    g_ptr_array_free(symbols.texts, TRUE);
    return g_bytes_new_take(data, size);
}

/* ---- what is timed: each handles one batch and returns the sum of its response bytes ---- */
static uint64_t decode_rows(struct material *material, size_t batch, ProtobufCAllocator *allocator)
{
    gsize size;
    const uint8_t *data = g_bytes_get_data(material->rows->pdata[batch], &size);
    Daybook__Bench__RowBatch *message = daybook__bench__row_batch__unpack(allocator, size, data);
    g_assert(message && message->n_rows == BATCH);
    uint64_t sum = 0;
    for (size_t i = 0; i < message->n_rows; i++)
        sum += message->rows[i]->response_bytes;
    if (allocator)
        arena_used = 0;
    else
        daybook__bench__row_batch__free_unpacked(message, NULL);
    return sum;
}

static uint64_t decode_columns(struct material *material, size_t batch, ProtobufCAllocator *allocator)
{
    gsize size;
    const uint8_t *data = g_bytes_get_data(material->columns->pdata[batch], &size);
    Daybook__V1__Record *record = daybook__v1__record__unpack(allocator, size, data);
    g_assert(record && record->batch && record->batch->n_status == BATCH);
    uint64_t sum = 0;
    for (size_t i = 0; i < record->batch->n_response_bytes; i++)
        sum += record->batch->response_bytes[i];
    if (allocator)
        arena_used = 0;
    else
        daybook__v1__record__free_unpacked(record, NULL);
    return sum;
}

static uint64_t run_rows(struct material *material, size_t batch)
{
    return decode_rows(material, batch, NULL);
}

static uint64_t run_rows_arena(struct material *material, size_t batch)
{
    return decode_rows(material, batch, &arena);
}

static uint64_t run_columns(struct material *material, size_t batch)
{
    return decode_columns(material, batch, NULL);
}

static uint64_t run_columns_arena(struct material *material, size_t batch)
{
    return decode_columns(material, batch, &arena);
}

static uint64_t run_record_parse(struct material *material, size_t batch)
{
    static struct record_parser *parser; /* reused, as readers do; lives as long as the program */
    if (!parser)
        parser = record_parser_new();
    gsize size;
    const void *data = g_bytes_get_data(material->columns->pdata[batch], &size);
    struct record record;
    g_autoptr(GError) error = NULL;
    bool ok = record_parse(parser, data, size, &record, &error);
    g_assert(ok && record.batch.n_events == BATCH);
    uint64_t sum = 0;
    for (size_t i = 0; i < record.batch.n_events; i++)
        sum += record.batch.response_bytes[i];
    return sum;
}

static uint64_t run_encode_columns(struct material *material, size_t batch)
{
    g_autoptr(GBytes) bytes = encode_columns(material, batch);
    return g_bytes_get_size(bytes);
}

static uint64_t run_encode_rows(struct material *material, size_t batch)
{
    g_autoptr(GBytes) bytes = encode_rows(material, batch);
    return g_bytes_get_size(bytes);
}

static void time_it(const char *name, struct material *material, uint64_t (*run)(struct material *, size_t), size_t bytes)
{
    gint64 start_us = g_get_monotonic_time(), now_us;
    uint64_t events = 0, sum = 0;
    do {
        for (size_t batch = 0; batch < BATCHES; batch++)
            sum += run(material, batch);
        events += BATCH * BATCHES;
        now_us = g_get_monotonic_time();
    } while (now_us - start_us < RUN_US);
    printf("%-44s %8.2f M events/s %8.1f bytes/event  (sum %" G_GUINT64_FORMAT ")\n", name,
           (double)events / (double)(now_us - start_us), (double)bytes / (BATCH * BATCHES), sum / (events / (BATCH * BATCHES)));
}

static size_t total(const GPtrArray *list)
{
    size_t sum = 0;
    for (guint i = 0; i < list->len; i++)
        sum += g_bytes_get_size(list->pdata[i]);
    return sum;
}

int main(void)
{
    arena_data = g_malloc(ARENA);
    struct material material = {
        .events = g_array_new(FALSE, FALSE, sizeof(struct event)),
        .strings = g_string_chunk_new(1 << 16),
        .columns = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref),
        .rows = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref),
        .builder = batch_builder_new(),
        .row = g_new0(Daybook__Bench__Row, BATCH),
    };
    make_events(&material);
    for (size_t batch = 0; batch < BATCHES; batch++) {
        g_ptr_array_add(material.columns, encode_columns(&material, batch));
        g_ptr_array_add(material.rows, encode_rows(&material, batch));
    }
    size_t rows = total(material.rows), columns = total(material.columns);
    printf("Encoding of batches of %d events, one core\n", BATCH);
    time_it("decode rows, malloc", &material, run_rows, rows);
    time_it("decode rows, arena", &material, run_rows_arena, rows);
    time_it("decode columns, malloc", &material, run_columns, columns);
    time_it("decode columns, arena", &material, run_columns_arena, columns);
    time_it("decode columns, record_parse (arena, checks)", &material, run_record_parse, columns);
    time_it("encode rows", &material, run_encode_rows, rows);
    time_it("encode columns, batch_builder", &material, run_encode_columns, columns);
    batch_builder_free(material.builder);
    g_ptr_array_free(material.columns, TRUE);
    g_ptr_array_free(material.rows, TRUE);
    g_array_free(material.events, TRUE);
    g_string_chunk_free(material.strings);
    g_free(material.row);
    g_free(arena_data);
    return 0;
}
