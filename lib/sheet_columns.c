/* sheet_columns: what is taken is looked at as closely as memory demands, and its form is the writer's (lib/sheet_wire.h). Whether
 * rows ascend and add up is sheet_check's concern. */
#include "lib/sheet_columns.h"

#include "lib/event.h"
#include "lib/keys.h"
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
    columns->status = g_new(uint16_t, columns->tallies_max);
    columns->count = g_new(uint64_t, columns->tallies_max);
}

/* All are less. */
static bool are_below(const uint32_t *values, uint32_t n, uint32_t limit)
{
    uint32_t most = 0;
    for (uint32_t i = 0; i < n; i++)
        most = MAX(most, values[i]);
    return n == 0 || most < limit;
}

static bool read32(struct wire_cursor *cursor, enum sheet_column column, uint32_t n, uint32_t *values)
{
    return wire_read_column32(cursor, column, (uint32_t)sheet_column_default(column), n, values);
}

/* Values that are symbols, or other numbers below a limit. */
static bool read_below(struct wire_cursor *cursor, enum sheet_column column, uint32_t n, uint32_t limit, uint32_t *values)
{
    return read32(cursor, column, n, values) && are_below(values, n, limit);
}

/* It may have been left out. */
static bool skip(struct wire_cursor *cursor, enum sheet_column column)
{
    struct wire_cursor bytes;
    return !wire_take_tag(cursor, column, WIRE_BYTES) || wire_read_bytes(cursor, &bytes);
}

static bool read_routes(struct sheet_columns *columns, struct wire_cursor *cursor, uint32_t n_symbols)
{
    struct wire_cursor templates = *cursor;
    if (!skip(&templates, SHEET_COLUMN_METHOD))
        return false;
    columns->n_routes = wire_count_values(templates, SHEET_COLUMN_TEMPLATE);
    return columns->n_routes <= columns->n_rows &&
           read_below(cursor, SHEET_COLUMN_METHOD, columns->n_routes, n_symbols, columns->method) &&
           read_below(cursor, SHEET_COLUMN_TEMPLATE, columns->n_routes, n_symbols, columns->template);
}

/* They come as differences. */
static bool read_users(struct sheet_columns *columns, struct wire_cursor *cursor, uint32_t n_symbols)
{
    uint64_t user = 0;
    if (!read32(cursor, SHEET_COLUMN_USER, columns->n_rows, columns->user))
        return false;
    for (uint32_t i = 0; i < columns->n_rows; i++) {
        user += columns->user[i];
        columns->user[i] = (uint32_t)user;
    }
    return user < n_symbols; /* the last one is the greatest */
}

static bool read_keys(struct sheet_columns *columns, struct wire_cursor *cursor, uint32_t n_symbols, unsigned picked)
{
    const uint32_t n = columns->n_rows;
    columns->n_routes = 0;
    if (!(picked & SHEET_PICK_ROUTES ? read_routes(columns, cursor, n_symbols)
                                     : skip(cursor, SHEET_COLUMN_METHOD) && skip(cursor, SHEET_COLUMN_TEMPLATE)))
        return false;
    if (!(picked & SHEET_PICK_USERS ? read_users(columns, cursor, n_symbols) : skip(cursor, SHEET_COLUMN_USER)))
        return false;
    if (!(picked & SHEET_PICK_ROUTES ? read_below(cursor, SHEET_COLUMN_ROUTE, n, columns->n_routes, columns->route)
                                     : skip(cursor, SHEET_COLUMN_ROUTE)))
        return false;
    if (!(picked & SHEET_PICK_PLATFORMS ? read_below(cursor, SHEET_COLUMN_PLATFORM, n, n_symbols, columns->platform)
                                        : skip(cursor, SHEET_COLUMN_PLATFORM)))
        return false;
    return picked & SHEET_PICK_SLOTS ? read_below(cursor, SHEET_COLUMN_SLOT, n, KEYS_SLOTS_PER_DAY, columns->slot)
                                     : skip(cursor, SHEET_COLUMN_SLOT);
}

/* Is the column there? */
static bool is_next(struct wire_cursor cursor, enum sheet_column column)
{
    return wire_take_tag(&cursor, column, WIRE_BYTES);
}

/* Lengths of the rows' lists become places. */
static bool read_places(struct sheet_columns *columns, struct wire_cursor *cursor)
{
    const uint32_t n = columns->n_rows;
    const uint64_t most = n + (uint64_t)(cursor->end - cursor->at);
    uint64_t sum = 0;
    if (!read32(cursor, SHEET_COLUMN_STATUSES, n, columns->at))
        return false;
    for (uint32_t i = 0; i < n; i++) {
        const uint32_t length = columns->at[i];
        columns->at[i] = (uint32_t)sum;
        sum += length;
        if (sum > most)
            return false;
    }
    columns->at[n] = columns->n_tallies = (uint32_t)sum;
    return true;
}

static bool read_counts(struct sheet_columns *columns, struct wire_cursor *cursor)
{
    const uint32_t n = columns->n_tallies;
    uint64_t all = 0, sum = 0;
    bool over = false;
    columns->one_request = !is_next(*cursor, SHEET_COLUMN_COUNT);
    if (columns->one_request)
        return true;
    if (!wire_read_column64(cursor, SHEET_COLUMN_COUNT, sheet_column_default(SHEET_COLUMN_COUNT), n, columns->count))
        return false;
    for (uint32_t i = 0; i < n; i++) {
        all |= columns->count[i];
        over |= __builtin_add_overflow(sum, columns->count[i], &sum);
    }
    return all <= TALLY_COUNT_MAX && !over;
}

static bool read_statuses(struct sheet_columns *columns, struct wire_cursor *cursor)
{
    columns->one_status = !is_next(*cursor, SHEET_COLUMN_STATUSES);
    columns->n_tallies = columns->n_rows;
    if (!columns->one_status && !read_places(columns, cursor))
        return false;
    make_tally_room(columns, columns->n_tallies);
    if (!wire_read_column16(cursor, SHEET_COLUMN_STATUS, 0, columns->n_tallies, columns->status))
        return false;
    uint16_t most = 0;
    for (uint32_t i = 0; i < columns->n_tallies; i++)
        most = MAX(most, columns->status[i]);
    return most <= EVENT_STATUS_MAX && read_counts(columns, cursor);
}

bool sheet_columns_read(struct sheet_columns *columns, const struct sheet *sheet, uint32_t number, unsigned picked)
{
    g_assert(number < sheet->n_clients);
    struct wire_cursor cursor = sheet->blocks[number];
    columns->n_rows = sheet->client_rows[number];
    if (columns->n_rows > (uint64_t)(cursor.end - cursor.at)) /* each has a status at least */
        return false;
    make_room(columns, columns->n_rows);
    return read_keys(columns, &cursor, sheet->n_symbols, picked) && read_statuses(columns, &cursor);
}

void sheet_columns_clear(struct sheet_columns *columns)
{
    uint32_t *const arrays[] = {columns->method,   columns->template, columns->user, columns->route,
                                columns->platform, columns->slot,     columns->at};
    for (unsigned i = 0; i < G_N_ELEMENTS(arrays); i++)
        g_free(arrays[i]);
    g_free(columns->status);
    g_free(columns->count);
    *columns = (struct sheet_columns){0};
}
