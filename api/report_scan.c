/* report_scan: which clients of a sheet count is decided by its directory, which of their routes before their rows are looked at.
 * The loops over rows then add small numbers to small arrays; names are looked up once for a sheet, and groups once for a route of
 * a client, or for a run of rows where users or platforms tell them apart. */
#include "api/report_scan.h"

#include "lib/event.h"
#include "lib/keys.h"
#include "lib/sheet_columns.h"

enum { BIT_CLIENT, BIT_ORGANIZATION, BIT_USER, BIT_TEMPLATE, BIT_METHOD, BIT_PLATFORM };
enum { REPORT_ROUTES = REPORT_TEMPLATE | REPORT_METHOD };
enum { NOTED_MAX = 256 };

/* What a status is counted as: each request in one of these. */
enum kind { KIND_OTHER, KIND_200, KIND_300, KIND_400, KIND_500, KIND_429, KINDS = 8 };

struct cell {
    uint64_t n[KINDS];
};

/* Symbols of the sheet at hand that pass a filter. */
struct passing {
    bool all;
    GArray *symbols; /* uint32_t, ascending */
};

/* The numbers that the names of the sheet at hand have in a part's table: one more than the number, 0: not looked up yet. */
struct numbers {
    uint32_t *plain, *templates; /* by symbol */
    uint32_t size;
};

/* By what the rows of a client are told apart. */
enum by { BY_CLIENT, BY_ROUTE, BY_RUN };

struct report_scan {
    uint32_t group;
    const struct report_filter *filter;
    enum by by;
    const struct sheet *sheet;
    bool cut; /* a part of it is not the whole day */
    struct passing passing[REPORT_NAMES];
    struct sheet_columns columns;
    uint8_t kind_of[EVENT_STATUS_MAX + 1];
    GArray *numbers; /* struct numbers, by part */
    /* of the client at hand */
    GArray *cells;      /* struct cell, by route */
    GArray *cell_of;    /* uint32_t, by row: index of a cell */
    GByteArray *routes; /* whether the route passes */
    /* of the client and part at hand */
    const struct report_part *part;
    struct numbers *names;
    struct report_key key;
    GArray *addends; /* struct report_addend: noted for the table */
};

static void free_numbers(gpointer opaque)
{
    struct numbers *numbers = opaque;
    g_free(numbers->plain);
    g_free(numbers->templates);
}

static enum kind kind_of(uint32_t status)
{
    if (status == 429)
        return KIND_429;
    return status >= 200 && status < 600 ? KIND_200 + (status / 100 - 2) : KIND_OTHER;
}

static enum by by_what(const struct report_question *question)
{
    const bool filtered = question->filter.names[BIT_TEMPLATE] != NULL || question->filter.names[BIT_METHOD] != NULL;
    if (question->group & (REPORT_USER | REPORT_PLATFORM))
        return BY_RUN;
    return filtered || question->group & REPORT_ROUTES ? BY_ROUTE : BY_CLIENT;
}

struct report_scan *report_scan_new(const struct report_question *question)
{
    struct report_scan *scan = g_new0(struct report_scan, 1);
    scan->group = question->group;
    scan->filter = &question->filter;
    scan->by = by_what(question);
    for (unsigned bit = 0; bit < REPORT_NAMES; bit++) {
        scan->passing[bit].all = question->filter.names[bit] == NULL;
        scan->passing[bit].symbols = g_array_new(FALSE, FALSE, sizeof(uint32_t));
    }
    for (uint32_t status = 0; status <= EVENT_STATUS_MAX; status++)
        scan->kind_of[status] = (uint8_t)kind_of(status);
    scan->numbers = g_array_new(FALSE, TRUE, sizeof(struct numbers));
    g_array_set_clear_func(scan->numbers, free_numbers);
    scan->cells = g_array_new(FALSE, TRUE, sizeof(struct cell));
    scan->cell_of = g_array_new(FALSE, FALSE, sizeof(uint32_t));
    scan->routes = g_byte_array_new();
    scan->addends = g_array_new(FALSE, FALSE, sizeof(struct report_addend));
    return scan;
}

void report_scan_free(struct report_scan *scan)
{
    if (scan == NULL)
        return;
    for (unsigned bit = 0; bit < REPORT_NAMES; bit++)
        g_array_free(scan->passing[bit].symbols, TRUE);
    sheet_columns_clear(&scan->columns);
    g_array_free(scan->numbers, TRUE);
    g_array_free(scan->cells, TRUE);
    g_array_free(scan->cell_of, TRUE);
    g_byte_array_free(scan->routes, TRUE);
    g_array_free(scan->addends, TRUE);
    g_free(scan);
}

/* ---- filters ---- */

static int compare_symbols(gconstpointer a, gconstpointer b)
{
    const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static void find_symbol(struct report_scan *scan, struct passing *passing, const char *name)
{
    uint32_t symbol;
    if (sheet_find_symbol(scan->sheet, view_of(name), &symbol))
        g_array_append_val(passing->symbols, symbol);
}

/* Templates have a leading slash in sheets, mostly, and the filter's may have it or not. */
static void find_template(struct report_scan *scan, struct passing *passing, const char *name)
{
    const char *bare = name[0] == '/' ? name + 1 : name;
    g_autofree char *slashed = g_strconcat("/", bare, NULL);
    find_symbol(scan, passing, bare);
    find_symbol(scan, passing, slashed);
}

/* False: nothing in the sheet passes. */
static bool find_passing(struct report_scan *scan)
{
    for (unsigned bit = 0; bit < REPORT_NAMES; bit++) {
        struct passing *passing = &scan->passing[bit];
        const GPtrArray *names = scan->filter->names[bit];
        if (passing->all)
            continue;
        g_array_set_size(passing->symbols, 0);
        for (guint i = 0; i < names->len; i++)
            if (bit == BIT_TEMPLATE)
                find_template(scan, passing, g_ptr_array_index(names, i));
            else
                find_symbol(scan, passing, g_ptr_array_index(names, i));
        if (passing->symbols->len == 0)
            return false;
        g_array_sort(passing->symbols, compare_symbols);
    }
    return true;
}

static inline bool passes(const struct passing *passing, uint32_t symbol)
{
    if (passing->all)
        return true;
    const uint32_t *symbols = (const uint32_t *)(gconstpointer)passing->symbols->data;
    guint low = 0, high = passing->symbols->len;
    while (high - low > 1) {
        const guint middle = low + (high - low) / 2;
        if (symbols[middle] <= symbol)
            low = middle;
        else
            high = middle;
    }
    return symbols[low] == symbol;
}

/* ---- names ---- */

static void prepare_names(struct report_scan *scan, uint32_t n_parts)
{
    const uint32_t n = sheet_symbol_count(scan->sheet);
    if (scan->numbers->len < n_parts)
        g_array_set_size(scan->numbers, n_parts);
    for (uint32_t i = 0; i < n_parts; i++) {
        struct numbers *numbers = &g_array_index(scan->numbers, struct numbers, i);
        if (numbers->size < n) {
            free_numbers(numbers);
            numbers->size = n;
            numbers->plain = g_new(uint32_t, n);
            numbers->templates = g_new(uint32_t, n);
        }
        memset(numbers->plain, 0, n * sizeof(uint32_t));
        if (scan->group & REPORT_TEMPLATE)
            memset(numbers->templates, 0, n * sizeof(uint32_t));
    }
}

static uint32_t number_of(struct report_scan *scan, uint32_t symbol)
{
    uint32_t *number = &scan->names->plain[symbol];
    if (*number == 0)
        *number = 1 + report_table_name(scan->part->table, sheet_symbol(scan->sheet, symbol));
    return *number - 1;
}

static uint32_t template_of(struct report_scan *scan, uint32_t symbol)
{
    uint32_t *number = &scan->names->templates[symbol];
    if (*number == 0) {
        struct view name = sheet_symbol(scan->sheet, symbol);
        if (name.size > 0 && name.data[0] == '/')
            name = view_make(name.data + 1, name.size - 1);
        *number = 1 + report_table_name(scan->part->table, name);
    }
    return *number - 1;
}

/* ---- sums ---- */

static bool is_empty(const struct cell *cell)
{
    uint64_t any = 0;
    for (unsigned k = 0; k < KINDS; k++)
        any |= cell->n[k];
    return any == 0;
}

/* Notes the cell for the group of the key at hand. */
static void note_cell(struct report_scan *scan, const struct cell *cell)
{
    struct report_addend addend = {.key = scan->key};
    addend.counts = (struct report_counts){
        .status200 = cell->n[KIND_200],
        .status300 = cell->n[KIND_300],
        .status400 = cell->n[KIND_400] + cell->n[KIND_429],
        .status500 = cell->n[KIND_500],
        .status429 = cell->n[KIND_429],
    };
    addend.counts.requests =
        cell->n[KIND_OTHER] + addend.counts.status200 + addend.counts.status300 + addend.counts.status400 + addend.counts.status500;
    g_array_append_val(scan->addends, addend);
}

/* Adds what was noted to the table of the part at hand. */
static bool add_noted(struct report_scan *scan, GError **error)
{
    const struct report_addend *addends = (const struct report_addend *)(gconstpointer)scan->addends->data;
    const bool ok = report_table_add(scan->part->table, addends, scan->addends->len, error);
    g_array_set_size(scan->addends, 0);
    return ok;
}

/* What is the same for all rows is known where this is called, so that each case becomes a loop of its own. */
static inline void sum_each(struct report_scan *scan, const uint32_t *cell_of, uint32_t begin, uint32_t end, bool one_request)
{
    const struct sheet_columns *columns = &scan->columns;
    struct cell *cells = (struct cell *)(gpointer)scan->cells->data;
    const uint16_t *status = columns->status;
    for (uint32_t row = begin; row < end; row++)
        cells[cell_of != NULL ? cell_of[row - begin] : 0].n[scan->kind_of[status[row]]] += one_request ? 1 : columns->count[row];
}

static void sum_lists(struct report_scan *scan, const uint32_t *cell_of, uint32_t begin, uint32_t end)
{
    const struct sheet_columns *columns = &scan->columns;
    struct cell *cells = (struct cell *)(gpointer)scan->cells->data;
    for (uint32_t row = begin; row < end; row++) {
        struct cell *cell = &cells[cell_of != NULL ? cell_of[row - begin] : 0];
        for (uint32_t i = columns->at[row]; i < columns->at[row + 1]; i++)
            cell->n[scan->kind_of[columns->status[i]]] += columns->one_request ? 1 : columns->count[i];
    }
}

/* The tallies of rows [begin, end) go to the cells that cell_of says, or, where that is NULL, to the first. */
static void sum_rows(struct report_scan *scan, const uint32_t *cell_of, uint32_t begin, uint32_t end)
{
    if (!scan->columns.one_status)
        sum_lists(scan, cell_of, begin, end);
    else if (scan->columns.one_request && cell_of == NULL)
        sum_each(scan, NULL, begin, end, true);
    else if (scan->columns.one_request)
        sum_each(scan, cell_of, begin, end, true);
    else
        sum_each(scan, cell_of, begin, end, false);
}

static bool row_passes(const struct report_scan *scan, uint32_t row)
{
    const struct sheet_columns *columns = &scan->columns;
    if (scan->cut && (columns->slot[row] < scan->part->from_slot || columns->slot[row] >= scan->part->to_slot))
        return false;
    return (scan->passing[BIT_USER].all || passes(&scan->passing[BIT_USER], columns->user[row])) &&
           (scan->passing[BIT_PLATFORM].all || passes(&scan->passing[BIT_PLATFORM], columns->platform[row]));
}

static void clear_cells(struct report_scan *scan, uint32_t n)
{
    if (scan->cells->len < n)
        g_array_set_size(scan->cells, n);
    memset(scan->cells->data, 0, n * sizeof(struct cell));
}

static void key_of_route(struct report_scan *scan, uint32_t route)
{
    if (scan->group & REPORT_TEMPLATE)
        scan->key.names[BIT_TEMPLATE] = template_of(scan, scan->columns.template[route]);
    if (scan->group & REPORT_METHOD)
        scan->key.names[BIT_METHOD] = number_of(scan, scan->columns.method[route]);
}

/* Which cell each row belongs to: that of its route, or the first; those that do not pass, to one behind the last. NULL: all pass,
 * and to the first. */
static const uint32_t *assign_cells(struct report_scan *scan, uint32_t n_cells)
{
    const struct sheet_columns *columns = &scan->columns;
    const uint32_t *cell_of = scan->by == BY_ROUTE ? columns->route : NULL;
    if (!scan->cut && scan->passing[BIT_USER].all && scan->passing[BIT_PLATFORM].all)
        return cell_of;
    g_array_set_size(scan->cell_of, columns->n_rows);
    uint32_t *assigned = (uint32_t *)(gpointer)scan->cell_of->data;
    for (uint32_t row = 0; row < columns->n_rows; row++)
        assigned[row] = !row_passes(scan, row) ? n_cells : cell_of != NULL ? cell_of[row] : 0;
    return assigned;
}

/* Users and platforms are the same to the question: a cell for each route, or one for all. */
static bool add_by_route(struct report_scan *scan, GError **error)
{
    const uint32_t n_cells = scan->by == BY_ROUTE ? scan->columns.n_routes : 1;
    const uint32_t *cell_of = assign_cells(scan, n_cells);
    clear_cells(scan, n_cells + 1);
    sum_rows(scan, cell_of, 0, scan->columns.n_rows);
    for (uint32_t i = 0; i < n_cells; i++) {
        const struct cell *cell = &g_array_index(scan->cells, struct cell, i);
        if (is_empty(cell) || (scan->by == BY_ROUTE && !scan->routes->data[i]))
            continue;
        if (scan->by == BY_ROUTE)
            key_of_route(scan, i);
        note_cell(scan, cell);
    }
    return add_noted(scan, error);
}

static bool same_run(const struct report_scan *scan, uint32_t a, uint32_t b)
{
    const struct sheet_columns *columns = &scan->columns;
    return (!(scan->group & REPORT_USER) || columns->user[a] == columns->user[b]) &&
           (!(scan->group & REPORT_PLATFORM) || columns->platform[a] == columns->platform[b]) &&
           (!(scan->group & REPORT_ROUTES) || columns->route[a] == columns->route[b]);
}

static void note_run(struct report_scan *scan, uint32_t row)
{
    const struct sheet_columns *columns = &scan->columns;
    if (scan->group & REPORT_USER)
        scan->key.names[BIT_USER] = number_of(scan, columns->user[row]);
    if (scan->group & REPORT_PLATFORM)
        scan->key.names[BIT_PLATFORM] = number_of(scan, columns->platform[row]);
    if (scan->group & REPORT_ROUTES)
        key_of_route(scan, columns->route[row]);
    note_cell(scan, &g_array_index(scan->cells, struct cell, 0));
    clear_cells(scan, 1);
}

/* Rows stand in the order of users, routes and platforms: those of a group are neighbours, mostly. */
static bool add_by_run(struct report_scan *scan, GError **error)
{
    const struct sheet_columns *columns = &scan->columns;
    uint32_t last = UINT32_MAX;
    clear_cells(scan, 1);
    for (uint32_t row = 0; row < columns->n_rows; row++) {
        if (!scan->routes->data[columns->route[row]] || !row_passes(scan, row))
            continue;
        if (last != UINT32_MAX && !same_run(scan, last, row))
            note_run(scan, last);
        if (scan->addends->len >= NOTED_MAX && !add_noted(scan, error))
            return false;
        sum_rows(scan, NULL, row, row + 1);
        last = row;
    }
    if (last != UINT32_MAX)
        note_run(scan, last);
    return add_noted(scan, error);
}

/* ---- clients ---- */

/* False: none passes. */
static bool find_routes(struct report_scan *scan)
{
    const struct sheet_columns *columns = &scan->columns;
    bool any = false;
    g_byte_array_set_size(scan->routes, columns->n_routes);
    for (uint32_t i = 0; i < columns->n_routes; i++) {
        const bool ok =
            passes(&scan->passing[BIT_TEMPLATE], columns->template[i]) && passes(&scan->passing[BIT_METHOD], columns->method[i]);
        scan->routes->data[i] = ok;
        any |= ok;
    }
    return any || scan->by == BY_CLIENT;
}

static bool add_client(struct report_scan *scan, const struct sheet_client *client, GError **error)
{
    scan->key = (struct report_key){{0}};
    if (scan->group & REPORT_CLIENT)
        scan->key.names[BIT_CLIENT] = number_of(scan, client->client);
    if (scan->group & REPORT_ORGANIZATION)
        scan->key.names[BIT_ORGANIZATION] = number_of(scan, client->organization);
    return scan->by == BY_RUN ? add_by_run(scan, error) : add_by_route(scan, error);
}

static unsigned picked(const struct report_scan *scan)
{
    const bool users = scan->group & REPORT_USER || !scan->passing[BIT_USER].all;
    const bool platforms = scan->group & REPORT_PLATFORM || !scan->passing[BIT_PLATFORM].all;
    return (scan->by != BY_CLIENT ? SHEET_PICK_ROUTES : 0) | (users ? SHEET_PICK_USERS : 0) |
           (platforms ? SHEET_PICK_PLATFORMS : 0) | (scan->cut ? SHEET_PICK_SLOTS : 0);
}

bool report_scan_sheet(struct report_scan *scan, const struct sheet *sheet, const struct report_part *parts, uint32_t n_parts,
                       GError **error)
{
    scan->sheet = sheet;
    if (!find_passing(scan))
        return true;
    prepare_names(scan, n_parts);
    scan->cut = parts[0].from_slot > 0 || parts[0].to_slot < KEYS_SLOTS_PER_DAY;
    for (uint32_t number = 0; number < sheet_client_count(sheet); number++) {
        struct sheet_client client;
        sheet_client_get(sheet, number, &client);
        if (!passes(&scan->passing[BIT_CLIENT], client.client) || !passes(&scan->passing[BIT_ORGANIZATION], client.organization))
            continue;
        if (!sheet_columns_read(&scan->columns, sheet, number, picked(scan))) {
            g_set_error(error, READER_ERROR, READER_ERROR_COPY, "the rows of a client are damaged");
            return false;
        }
        if (!find_routes(scan))
            continue;
        for (uint32_t i = 0; i < n_parts; i++) {
            scan->part = &parts[i];
            scan->names = &g_array_index(scan->numbers, struct numbers, i);
            if (!add_client(scan, &client, error))
                return false;
        }
    }
    return true;
}
