/* sheet_write: sorted rows in, canonical bytes out.
 *
 * The head of a sheet has the totals of its clients, so blocks are written first, into a buffer of their own. The columns of a
 * block are encoded as they come; what was all default is dropped at its end. */
#include "lib/sheet_internal.h"

#include "lib/histogram.h"

struct column {
    GByteArray *bytes;
    bool used; /* some value is not the one that a left-out column stands for */
};

enum { INDEX_ORGANIZATION, INDEX_CLIENT, INDEX_ROWS, INDEX_REQUESTS, INDEX_COLUMNS };

struct writer {
    const struct sheet_sorted *sorted;
    struct column columns[SHEET_COLUMNS]; /* of the open block, by field number */
    struct column index[INDEX_COLUMNS];
    GByteArray *blocks;
    uint32_t *route_in_block; /* by route: its index in the open block and one more; 0: not in it */
    GArray *routes;           /* uint32_t: those of the open block */
    bool full;                /* something passed SHEET_SIZE_MAX: what is written is nothing */
};

/* ---- wire ---- */

static void put_varint(GByteArray *out, uint64_t value)
{
    uint8_t bytes[10];
    guint n = 0;
    for (; value >= 0x80; value >>= 7)
        bytes[n++] = (uint8_t)(value | 0x80);
    bytes[n++] = (uint8_t)value;
    g_byte_array_append(out, bytes, n);
}

/* A zero is left out. */
static void put_number(GByteArray *out, unsigned field, uint64_t value)
{
    if (value == 0)
        return;
    put_varint(out, wire_tag(field, WIRE_VARINT));
    put_varint(out, value);
}

static void put_bytes(GByteArray *out, unsigned field, const void *data, size_t size)
{
    put_varint(out, wire_tag(field, WIRE_BYTES));
    put_varint(out, size);
    if (size > 0)
        g_byte_array_append(out, data, (guint)size);
}

/* ---- columns ---- */

static void column_init(struct column *column)
{
    *column = (struct column){.bytes = g_byte_array_new()};
}

static void column_push(struct writer *writer, struct column *column, uint64_t value, uint64_t left_out)
{
    column->used |= value != left_out;
    if (column->bytes->len > SHEET_SIZE_MAX)
        writer->full = true;
    else
        put_varint(column->bytes, value);
}

static void push(struct writer *writer, enum sheet_column column, uint64_t value)
{
    column_push(writer, &writer->columns[column], value, sheet_column_default(column));
}

static void column_flush(struct column *column, unsigned field, GByteArray *out)
{
    if (column->used)
        put_bytes(out, field, column->bytes->data, column->bytes->len);
    g_byte_array_set_size(column->bytes, 0);
    column->used = false;
}

/* ---- a client ---- */

static gint compare_numbers(gconstpointer a, gconstpointer b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* Numbers the routes of the rows from begin to end, and pushes them. */
static void push_routes(struct writer *writer, uint32_t begin, uint32_t end)
{
    for (uint32_t i = begin; i < end; i++) {
        uint32_t route = writer->sorted->rows[i].key[SHEET_KEY_ROUTE];
        if (!writer->route_in_block[route])
            g_array_append_val(writer->routes, route);
        writer->route_in_block[route] = 1;
    }
    g_array_sort(writer->routes, compare_numbers);
    for (uint32_t i = 0; i < writer->routes->len; i++) {
        uint32_t route = g_array_index(writer->routes, uint32_t, i);
        writer->route_in_block[route] = i + 1;
        push(writer, SHEET_COLUMN_METHOD, writer->sorted->routes[route].first);
        push(writer, SHEET_COLUMN_TEMPLATE, writer->sorted->routes[route].second);
    }
}

static void forget_routes(struct writer *writer)
{
    for (uint32_t i = 0; i < writer->routes->len; i++)
        writer->route_in_block[g_array_index(writer->routes, uint32_t, i)] = 0;
    g_array_set_size(writer->routes, 0);
}

static void push_measure(struct writer *writer, const struct measure *measure)
{
    push(writer, SHEET_COLUMN_STATUSES, measure->statuses.n);
    for (uint32_t i = 0; i < measure->statuses.n; i++) {
        push(writer, SHEET_COLUMN_STATUS, measure->statuses.items[i].key);
        push(writer, SHEET_COLUMN_COUNT, measure->statuses.items[i].count);
    }
    push(writer, SHEET_COLUMN_LATENCY_MAX, measure->latency_max_us);
    push(writer, SHEET_COLUMN_LATENCY_REST, measure->latency_sum_us - measure->latency_max_us);
    push(writer, SHEET_COLUMN_BUCKETS, measure->latencies.n);
    uint32_t above = histogram_bucket(measure->latency_max_us);
    for (uint32_t i = measure->latencies.n; i-- > 0; above = measure->latencies.items[i].key) {
        push(writer, SHEET_COLUMN_BUCKET_STEP, above - measure->latencies.items[i].key);
        push(writer, SHEET_COLUMN_BUCKET_COUNT, measure->latencies.items[i].count);
    }
    push(writer, SHEET_COLUMN_REQUEST_BYTES, measure->request_bytes);
    push(writer, SHEET_COLUMN_RESPONSE_BYTES, measure->response_bytes);
}

/* The message ClientRows of the columns. Its size stands before it. */
static void flush_block(struct writer *writer)
{
    size_t most = writer->blocks->len;
    for (unsigned i = 1; i < SHEET_COLUMNS; i++)
        most += writer->columns[i].bytes->len + 16;
    if (most > SHEET_SIZE_MAX) {
        writer->full = true;
        return;
    }
    g_autoptr(GByteArray) block = g_byte_array_new();
    for (unsigned i = 1; i < SHEET_COLUMNS; i++)
        column_flush(&writer->columns[i], i, block);
    put_bytes(writer->blocks, SHEET_FIELD_BLOCK, block->data, block->len);
}

static void write_client(struct writer *writer, uint32_t begin, uint32_t end)
{
    const struct sheet_sorted_row *rows = writer->sorted->rows;
    const struct sheet_pair *client = &writer->sorted->clients[rows[begin].key[SHEET_KEY_CLIENT]];
    uint64_t requests = 0;
    uint32_t user = 0;
    push_routes(writer, begin, end);
    for (uint32_t i = begin; i < end; i++) {
        const uint32_t *key = rows[i].key;
        push(writer, SHEET_COLUMN_USER, key[SHEET_KEY_USER] - user);
        user = key[SHEET_KEY_USER];
        push(writer, SHEET_COLUMN_ROUTE, writer->route_in_block[key[SHEET_KEY_ROUTE]] - 1);
        push(writer, SHEET_COLUMN_PLATFORM, key[SHEET_KEY_PLATFORM]);
        push(writer, SHEET_COLUMN_SLOT, key[SHEET_KEY_SLOT]);
        push_measure(writer, rows[i].measure);
        requests += rows[i].measure->requests;
    }
    forget_routes(writer);
    flush_block(writer);
    column_push(writer, &writer->index[INDEX_ORGANIZATION], client->first, 0);
    column_push(writer, &writer->index[INDEX_CLIENT], client->second, 0);
    column_push(writer, &writer->index[INDEX_ROWS], end - begin, 0);
    column_push(writer, &writer->index[INDEX_REQUESTS], requests, 0);
}

static void write_clients(struct writer *writer)
{
    const struct sheet_sorted *sorted = writer->sorted;
    for (uint32_t begin = 0, end; begin < sorted->n_rows && !writer->full; begin = end) {
        for (end = begin + 1; end < sorted->n_rows; end++)
            if (sorted->rows[end].key[SHEET_KEY_CLIENT] != sorted->rows[begin].key[SHEET_KEY_CLIENT])
                break;
        write_client(writer, begin, end);
    }
}

/* ---- the sheet ---- */

static void put_head(GByteArray *out, const struct sheet_totals *totals, const struct sheet_header *header)
{
    const uint64_t numbers[] = {SHEET_VERSION,          header->partition,     header->day,           header->revision,
                                header->first_offset,   header->end_offset,    totals->rows,          totals->requests,
                                totals->latency_sum_us, totals->request_bytes, totals->response_bytes};
    for (unsigned i = 0; i < G_N_ELEMENTS(numbers); i++)
        put_number(out, SHEET_FIELD_VERSION + i, numbers[i]);
}

static void put_symbols(struct writer *writer, GByteArray *out)
{
    for (uint32_t i = 0; i < writer->sorted->n_symbols && !writer->full; i++) {
        put_bytes(out, SHEET_FIELD_SYMBOLS, writer->sorted->symbols[i].data, writer->sorted->symbols[i].size);
        writer->full |= out->len > SHEET_SIZE_MAX;
    }
}

static GBytes *put_sheet(struct writer *writer, const struct sheet_totals *totals, const struct sheet_header *header)
{
    g_autoptr(GByteArray) out = g_byte_array_new();
    put_head(out, totals, header);
    put_symbols(writer, out);
    for (unsigned i = 0; i < INDEX_COLUMNS; i++)
        column_flush(&writer->index[i], SHEET_FIELD_ORGANIZATION + i, out);
    if (writer->full || (size_t)out->len + writer->blocks->len > SHEET_SIZE_MAX)
        return NULL;
    g_byte_array_append(out, writer->blocks->data, writer->blocks->len);
    return g_byte_array_free_to_bytes(g_steal_pointer(&out));
}

GBytes *sheet_write(const struct sheet_sorted *sorted, const struct sheet_totals *totals, const struct sheet_header *header)
{
    struct writer writer = {.sorted = sorted, .blocks = g_byte_array_new(), .routes = g_array_new(FALSE, FALSE, sizeof(uint32_t))};
    writer.route_in_block = g_new0(uint32_t, (size_t)sorted->n_routes + 1);
    for (unsigned i = 1; i < SHEET_COLUMNS; i++)
        column_init(&writer.columns[i]);
    for (unsigned i = 0; i < INDEX_COLUMNS; i++)
        column_init(&writer.index[i]);
    write_clients(&writer);
    GBytes *bytes = put_sheet(&writer, totals, header);
    for (unsigned i = 1; i < SHEET_COLUMNS; i++)
        g_byte_array_free(writer.columns[i].bytes, TRUE);
    for (unsigned i = 0; i < INDEX_COLUMNS; i++)
        g_byte_array_free(writer.index[i].bytes, TRUE);
    g_byte_array_free(writer.blocks, TRUE);
    g_array_free(writer.routes, TRUE);
    g_free(writer.route_in_block);
    return bytes;
}
