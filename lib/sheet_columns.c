/* sheet_columns: the bytes were checked when the sheet was opened, so nothing here can fail; that is asserted. */
#include "lib/sheet_columns.h"

#include "lib/sheet_internal.h"

static void make_room(struct sheet_columns *columns, uint32_t n_rows)
{
    if (n_rows <= columns->rows_max)
        return;
    uint32_t **const arrays[] = {&columns->method,   &columns->template, &columns->user, &columns->route,
                                 &columns->platform, &columns->slot,     &columns->at};
    columns->rows_max = MAX(n_rows, 2 * columns->rows_max);
    for (unsigned i = 0; i < G_N_ELEMENTS(arrays); i++) {
        g_free(*arrays[i]); /* nothing of an earlier client is kept */
        *arrays[i] = g_new(uint32_t, (size_t)columns->rows_max + 1);
    }
}

static void make_tally_room(struct sheet_columns *columns, uint32_t n_tallies)
{
    if (n_tallies <= columns->tallies_max)
        return;
    columns->tallies_max = MAX(n_tallies, 2 * columns->tallies_max);
    g_free(columns->status);
    g_free(columns->count);
    columns->status = g_new(uint32_t, columns->tallies_max);
    columns->count = g_new(uint64_t, columns->tallies_max);
}

static void read32(struct wire_cursor *cursor, enum sheet_column column, uint32_t n, uint32_t *values)
{
    const bool ok = wire_read_column32(cursor, column, (uint32_t)sheet_column_default(column), n, values);
    g_assert(ok);
}

/* False: it is left out. */
static bool skip(struct wire_cursor *cursor, enum sheet_column column)
{
    struct wire_cursor bytes;
    if (!wire_take_tag(cursor, column, WIRE_BYTES))
        return false;
    const bool ok = wire_read_bytes(cursor, &bytes);
    g_assert(ok);
    return true;
}

static void read_or_skip(struct wire_cursor *cursor, enum sheet_column column, bool picked, uint32_t n, uint32_t *values)
{
    if (picked)
        read32(cursor, column, n, values);
    else
        skip(cursor, column);
}

static void read_routes(struct sheet_columns *columns, struct wire_cursor *cursor)
{
    struct wire_cursor templates = *cursor;
    skip(&templates, SHEET_COLUMN_METHOD);
    columns->n_routes = wire_count_values(templates, SHEET_COLUMN_TEMPLATE);
    g_assert(columns->n_routes <= columns->n_rows);
    read32(cursor, SHEET_COLUMN_METHOD, columns->n_routes, columns->method);
    read32(cursor, SHEET_COLUMN_TEMPLATE, columns->n_routes, columns->template);
}

static void read_keys(struct sheet_columns *columns, struct wire_cursor *cursor, unsigned picked)
{
    const uint32_t n = columns->n_rows;
    if (picked & SHEET_PICK_ROUTES) {
        read_routes(columns, cursor);
    } else {
        columns->n_routes = 0;
        skip(cursor, SHEET_COLUMN_METHOD);
        skip(cursor, SHEET_COLUMN_TEMPLATE);
    }
    read_or_skip(cursor, SHEET_COLUMN_USER, picked & SHEET_PICK_USERS, n, columns->user);
    for (uint32_t i = 1; i < n && picked & SHEET_PICK_USERS; i++)
        columns->user[i] += columns->user[i - 1];
    read_or_skip(cursor, SHEET_COLUMN_ROUTE, picked & SHEET_PICK_ROUTES, n, columns->route);
    read_or_skip(cursor, SHEET_COLUMN_PLATFORM, picked & SHEET_PICK_PLATFORMS, n, columns->platform);
    read_or_skip(cursor, SHEET_COLUMN_SLOT, picked & SHEET_PICK_SLOTS, n, columns->slot);
}

/* Is the column left out? */
static bool is_next(struct wire_cursor cursor, enum sheet_column column)
{
    return wire_take_tag(&cursor, column, WIRE_BYTES);
}

static void read_statuses(struct sheet_columns *columns, struct wire_cursor *cursor)
{
    const uint32_t n = columns->n_rows;
    columns->one_status = !is_next(*cursor, SHEET_COLUMN_STATUSES);
    columns->n_tallies = n;
    if (!columns->one_status) {
        uint32_t sum = 0;
        read32(cursor, SHEET_COLUMN_STATUSES, n, columns->at);
        for (uint32_t i = 0; i < n; i++) {
            const uint32_t length = columns->at[i];
            columns->at[i] = sum;
            sum += length;
        }
        columns->at[n] = columns->n_tallies = sum;
    }
    make_tally_room(columns, columns->n_tallies);
    read32(cursor, SHEET_COLUMN_STATUS, columns->n_tallies, columns->status);
    columns->one_request = !is_next(*cursor, SHEET_COLUMN_COUNT);
    if (!columns->one_request) {
        const bool ok = wire_read_column64(cursor, SHEET_COLUMN_COUNT, sheet_column_default(SHEET_COLUMN_COUNT), columns->n_tallies,
                                           columns->count);
        g_assert(ok);
    }
}

void sheet_columns_read(struct sheet_columns *columns, const struct sheet *sheet, uint32_t number, unsigned picked)
{
    g_assert(number < sheet->n_clients);
    struct wire_cursor cursor = sheet->blocks[number];
    columns->n_rows = sheet->client_rows[number];
    make_room(columns, columns->n_rows);
    read_keys(columns, &cursor, picked);
    read_statuses(columns, &cursor);
}

void sheet_columns_clear(struct sheet_columns *columns)
{
    uint32_t *const arrays[] = {columns->method,   columns->template, columns->user, columns->route,
                                columns->platform, columns->slot,     columns->at,   columns->status};
    for (unsigned i = 0; i < G_N_ELEMENTS(arrays); i++)
        g_free(arrays[i]);
    g_free(columns->count);
    *columns = (struct sheet_columns){0};
}
