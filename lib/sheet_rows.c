/* sheet_rows: the rows of one client, from bytes to columns.
 *
 * The columns are taken in the order in which the writer puts them, and nothing else. The same function decodes a client's rows
 * while a sheet is opened and later: so what passed once passes again. Memory is taken only for what the bytes can hold: a row has
 * at least a status, of two bytes. */
#include "lib/sheet_internal.h"

#include "lib/histogram.h"
#include "lib/keys.h"

struct block {
    struct wire_cursor cursor;
    struct sheet_rows *rows;
    const char *fault; /* what is wrong, the end of a sentence */
};

static bool malformed(struct block *block, const char *what)
{
    block->fault = what;
    return false;
}

static uint32_t *new32(struct block *block, size_t n)
{
    return arena_alloc(&block->rows->arena, n * sizeof(uint32_t));
}

static uint64_t *new64(struct block *block, size_t n)
{
    return arena_alloc(&block->rows->arena, n * sizeof(uint64_t));
}

static bool column32(struct block *block, enum sheet_column column, size_t n, uint32_t **values)
{
    *values = new32(block, n);
    return wire_read_column32(&block->cursor, column, (uint32_t)sheet_column_default(column), n, *values) ||
           malformed(block, "a column of a client is damaged");
}

static bool column64(struct block *block, enum sheet_column column, size_t n, uint64_t **values)
{
    *values = new64(block, n);
    return wire_read_column64(&block->cursor, column, sheet_column_default(column), n, *values) ||
           malformed(block, "a column of a client is damaged");
}

static bool read_routes(struct block *block)
{
    struct sheet_rows *rows = block->rows;
    struct wire_cursor templates = block->cursor, methods;
    if (wire_take_tag(&templates, SHEET_COLUMN_METHOD, WIRE_BYTES) && !wire_read_bytes(&templates, &methods))
        return malformed(block, "a column of a client is damaged");
    rows->n_routes = wire_count_values(templates, SHEET_COLUMN_TEMPLATE);
    if (rows->n_routes == 0 || rows->n_routes > rows->n_rows)
        return malformed(block, "a client has no routes, or more than rows");
    if (!column32(block, SHEET_COLUMN_METHOD, rows->n_routes, &rows->method) ||
        !column32(block, SHEET_COLUMN_TEMPLATE, rows->n_routes, &rows->template))
        return false;
    for (uint32_t i = 1; i < rows->n_routes; i++)
        if (rows->method[i - 1] > rows->method[i] ||
            (rows->method[i - 1] == rows->method[i] && rows->template[i - 1] >= rows->template[i]))
            return malformed(block, "the routes of a client are not ascending");
    return true;
}

/* Users become absolute; every row is behind the one before. */
static bool check_keys(struct block *block)
{
    struct sheet_rows *rows = block->rows;
    for (uint32_t i = 1; i < rows->n_rows; i++) {
        bool same = rows->user[i] == 0;
        if (rows->user[i] > UINT32_MAX - rows->user[i - 1])
            return malformed(block, "a user is no symbol");
        rows->user[i] += rows->user[i - 1];
        const uint32_t *const columns[] = {rows->route, rows->platform, rows->slot};
        for (unsigned k = 0; same && k < G_N_ELEMENTS(columns); k++) {
            if (columns[k][i] < columns[k][i - 1])
                return malformed(block, "the rows of a client are not ascending");
            same = columns[k][i] == columns[k][i - 1];
        }
        if (same)
            return malformed(block, "two rows are alike");
    }
    return true;
}

static bool read_keys(struct block *block)
{
    struct sheet_rows *rows = block->rows;
    if (!column32(block, SHEET_COLUMN_USER, rows->n_rows, &rows->user) ||
        !column32(block, SHEET_COLUMN_ROUTE, rows->n_rows, &rows->route) ||
        !column32(block, SHEET_COLUMN_PLATFORM, rows->n_rows, &rows->platform) ||
        !column32(block, SHEET_COLUMN_SLOT, rows->n_rows, &rows->slot))
        return false;
    for (uint32_t i = 0; i < rows->n_rows; i++)
        if (rows->route[i] >= rows->n_routes || rows->slot[i] >= KEYS_SLOTS_PER_DAY)
            return malformed(block, "a route or slot is out of range");
    return check_keys(block);
}

/* Lengths of the rows' lists become places; their sum is at most what the bytes behind can hold, plus a list of one that was left
 * out for each row. */
static bool read_places(struct block *block, enum sheet_column column, uint32_t **places)
{
    uint32_t n_rows = block->rows->n_rows;
    *places = new32(block, (size_t)n_rows + 1);
    if (!wire_read_column32(&block->cursor, column, (uint32_t)sheet_column_default(column), n_rows, *places))
        return malformed(block, "a column of a client is damaged");
    size_t most = (size_t)n_rows + (size_t)(block->cursor.end - block->cursor.at), sum = 0;
    for (uint32_t i = 0; i < n_rows; i++) {
        uint32_t n = (*places)[i];
        (*places)[i] = (uint32_t)sum;
        sum += n;
        if (sum > most)
            return malformed(block, "a list is longer than its column");
    }
    (*places)[n_rows] = (uint32_t)sum;
    return true;
}

static bool set_tally(struct tally *tally, uint32_t key, uint64_t count)
{
    *tally = (struct tally){.key = key & UINT16_MAX, .count = count & TALLY_COUNT_MAX};
    return key <= UINT16_MAX && count <= TALLY_COUNT_MAX;
}

static bool read_statuses(struct block *block)
{
    struct sheet_rows *rows = block->rows;
    uint32_t *status;
    uint64_t *count;
    if (!read_places(block, SHEET_COLUMN_STATUSES, &rows->status_at))
        return false;
    uint32_t n = rows->status_at[rows->n_rows];
    if (!column32(block, SHEET_COLUMN_STATUS, n, &status) || !column64(block, SHEET_COLUMN_COUNT, n, &count))
        return false;
    rows->statuses = arena_alloc(&rows->arena, n * sizeof *rows->statuses);
    for (uint32_t i = 0; i < n; i++)
        if (!set_tally(&rows->statuses[i], status[i], count[i]))
            return malformed(block, "a status or count is out of range");
    return true;
}

/* They come from the highest one downwards. */
static bool set_buckets(struct block *block, uint32_t row, const uint32_t *step, const uint64_t *count)
{
    struct sheet_rows *rows = block->rows;
    uint32_t begin = rows->bucket_at[row], end = rows->bucket_at[row + 1];
    uint32_t bucket = histogram_bucket(rows->latency_max_us[row]);
    for (uint32_t i = begin; i < end; i++) {
        if (step[i] > bucket)
            return malformed(block, "a bucket is out of range");
        bucket -= step[i];
        if (!set_tally(&rows->buckets[begin + end - 1 - i], bucket, count[i]))
            return malformed(block, "a count is out of range");
    }
    return true;
}

static bool read_buckets(struct block *block)
{
    struct sheet_rows *rows = block->rows;
    uint32_t *step;
    uint64_t *count;
    if (!read_places(block, SHEET_COLUMN_BUCKETS, &rows->bucket_at))
        return false;
    uint32_t n = rows->bucket_at[rows->n_rows];
    if (!column32(block, SHEET_COLUMN_BUCKET_STEP, n, &step) || !column64(block, SHEET_COLUMN_BUCKET_COUNT, n, &count))
        return false;
    rows->buckets = arena_alloc(&rows->arena, n * sizeof *rows->buckets);
    for (uint32_t i = 0; i < rows->n_rows; i++)
        if (!set_buckets(block, i, step, count))
            return false;
    return true;
}

static bool read_latencies(struct block *block)
{
    struct sheet_rows *rows = block->rows;
    uint64_t *rest;
    if (!column64(block, SHEET_COLUMN_LATENCY_MAX, rows->n_rows, &rows->latency_max_us) ||
        !column64(block, SHEET_COLUMN_LATENCY_REST, rows->n_rows, &rest))
        return false;
    for (uint32_t i = 0; i < rows->n_rows; i++)
        if (__builtin_add_overflow(rest[i], rows->latency_max_us[i], &rest[i]))
            return malformed(block, "a latency sum is out of range");
    rows->latency_sum_us = rest;
    return true;
}

static void sum_requests(struct sheet_rows *rows)
{
    for (uint32_t i = 0; i < rows->n_rows; i++) {
        rows->requests[i] = 0;
        for (uint32_t k = rows->status_at[i]; k < rows->status_at[i + 1]; k++)
            rows->requests[i] += rows->statuses[k].count;
    }
}

/* Everything in a block that can be judged without the rest of the sheet, but for its measures. */
static bool read_block(struct block *block)
{
    struct sheet_rows *rows = block->rows;
    if (rows->n_rows == 0 || rows->n_rows > (size_t)(block->cursor.end - block->cursor.at))
        return malformed(block, "a client has no rows, or more than its bytes can hold");
    if (!read_routes(block) || !read_keys(block) || !read_statuses(block) || !read_latencies(block) || !read_buckets(block) ||
        !column64(block, SHEET_COLUMN_REQUEST_BYTES, rows->n_rows, &rows->request_bytes) ||
        !column64(block, SHEET_COLUMN_RESPONSE_BYTES, rows->n_rows, &rows->response_bytes))
        return false;
    if (block->cursor.at != block->cursor.end)
        return malformed(block, "bytes behind the columns of a client");
    rows->requests = new64(block, rows->n_rows);
    sum_requests(rows);
    return true;
}

const char *sheet_rows_try(struct sheet_rows *rows, const struct sheet *sheet, uint32_t number)
{
    sheet_rows_clear(rows);
    rows->sheet = sheet;
    rows->organization = sheet->organization[number];
    rows->client = sheet->client[number];
    rows->n_rows = sheet->client_rows[number];
    struct block block = {.cursor = sheet->blocks[number], .rows = rows};
    return read_block(&block) ? NULL : block.fault;
}

void sheet_rows_read(struct sheet_rows *rows, const struct sheet *sheet, uint32_t number)
{
    g_assert(number < sheet->n_clients && g_atomic_int_get(&sheet->checked));
    const char *fault = sheet_rows_try(rows, sheet, number);
    g_assert(!fault);
}

void sheet_rows_clear(struct sheet_rows *rows)
{
    arena_clear(&rows->arena);
    *rows = (struct sheet_rows){0};
}

void sheet_rows_measure(const struct sheet_rows *rows, uint32_t i, struct measure *measure)
{
    uint32_t n_statuses = rows->status_at[i + 1] - rows->status_at[i], n_buckets = rows->bucket_at[i + 1] - rows->bucket_at[i];
    *measure = (struct measure){
        .requests = rows->requests[i],
        .latency_sum_us = rows->latency_sum_us[i],
        .latency_max_us = rows->latency_max_us[i],
        .request_bytes = rows->request_bytes[i],
        .response_bytes = rows->response_bytes[i],
        .statuses = {rows->statuses + rows->status_at[i], n_statuses, n_statuses},
        .latencies = {rows->buckets + rows->bucket_at[i], n_buckets, n_buckets},
    };
}

void sheet_rows_get(const struct sheet_rows *rows, uint32_t i, struct sheet_row *row)
{
    g_assert(i < rows->n_rows);
    const struct view *symbols = rows->sheet->symbols;
    row->organization = symbols[rows->organization];
    row->client = symbols[rows->client];
    row->user = symbols[rows->user[i]];
    row->method = symbols[rows->method[rows->route[i]]];
    row->template = symbols[rows->template[rows->route[i]]];
    row->platform = symbols[rows->platform[i]];
    row->slot = rows->slot[i];
    sheet_rows_measure(rows, i, &row->measure);
}
