/* sheet_read: the bytes of a day sheet, checked as a whole.
 *
 * sheet_open() takes just what the writer writes. Beside the order of the fields and what a client's rows are in themselves
 * (lib/sheet_rows.c) that is: symbols and clients ascend, every symbol has a use and fits it, every sum is the sum of its rows. */
#include "lib/sheet_internal.h"

#include "lib/event.h"

/* What a sheet is checked with. */
struct opening {
    struct sheet *sheet;
    struct wire_cursor cursor;
    uint8_t *symbol_used;
    GByteArray *route_used; /* of the client at hand */
    struct sheet_rows rows;
    struct sheet_totals totals; /* found */
    const char *fault;          /* the end of a sentence */
};

static bool malformed(struct opening *opening, const char *what)
{
    opening->fault = what;
    return false;
}

/* ---- head ---- */

static bool read_head(struct opening *opening)
{
    struct sheet *sheet = opening->sheet;
    uint64_t version, partition, day, revision;
    const struct {
        unsigned field;
        uint64_t most;
        uint64_t *value;
    } numbers[] = {
        {SHEET_FIELD_VERSION, UINT32_MAX, &version},
        {SHEET_FIELD_PARTITION, UINT32_MAX, &partition},
        {SHEET_FIELD_DAY, SHEET_DAY_END - 1, &day},
        {SHEET_FIELD_REVISION, UINT32_MAX, &revision},
        {SHEET_FIELD_FIRST_OFFSET, INT64_MAX, &sheet->header.first_offset},
        {SHEET_FIELD_END_OFFSET, INT64_MAX, &sheet->header.end_offset},
        {SHEET_FIELD_ROWS, SHEET_ROWS_MAX, &sheet->totals.rows},
        {SHEET_FIELD_REQUESTS, INT64_MAX, &sheet->totals.requests},
        {SHEET_FIELD_LATENCY_SUM, INT64_MAX, &sheet->totals.latency_sum_us},
        {SHEET_FIELD_REQUEST_BYTES, INT64_MAX, &sheet->totals.request_bytes},
        {SHEET_FIELD_RESPONSE_BYTES, INT64_MAX, &sheet->totals.response_bytes},
    };
    for (unsigned i = 0; i < G_N_ELEMENTS(numbers); i++) {
        if (!wire_read_number(&opening->cursor, numbers[i].field, numbers[i].most, numbers[i].value))
            return malformed(opening, "a number of its head is damaged or out of range");
        if (i == 0 && version != SHEET_VERSION)
            return malformed(opening, "its format is not version 1");
    }
    if (revision == 0 || sheet->header.first_offset > sheet->header.end_offset)
        return malformed(opening, "its revision or offsets are out of range");
    sheet->header.partition = (uint32_t)partition;
    sheet->header.day = (uint32_t)day;
    sheet->header.revision = (uint32_t)revision;
    return true;
}

static uint32_t count_symbols(struct wire_cursor cursor)
{
    struct wire_cursor symbol;
    uint32_t n = 0;
    while (wire_take_tag(&cursor, SHEET_FIELD_SYMBOLS, WIRE_BYTES) && wire_read_bytes(&cursor, &symbol))
        n++;
    return n;
}

static bool read_symbols(struct opening *opening)
{
    struct sheet *sheet = opening->sheet;
    sheet->n_symbols = count_symbols(opening->cursor);
    sheet->symbols = arena_alloc(&sheet->arena, sheet->n_symbols * sizeof *sheet->symbols);
    for (uint32_t i = 0; i < sheet->n_symbols; i++) {
        struct wire_cursor symbol;
        if (!wire_take_tag(&opening->cursor, SHEET_FIELD_SYMBOLS, WIRE_BYTES) || !wire_read_bytes(&opening->cursor, &symbol))
            return malformed(opening, "a symbol is damaged");
        sheet->symbols[i] = view_make(symbol.at, (size_t)(symbol.end - symbol.at));
        if (!sheet_name_is_clean(sheet->symbols[i]))
            return malformed(opening, "a symbol is not clean UTF-8");
        if (i > 0 && sheet_compare_names(sheet->symbols[i - 1], sheet->symbols[i]) >= 0)
            return malformed(opening, "its symbols are not ascending");
    }
    if (sheet->n_symbols == 0 || sheet->symbols[0].size > 0)
        return malformed(opening, "its first symbol is not empty");
    return true;
}

static bool clients_ascend(const struct sheet *sheet)
{
    for (uint32_t i = 0; i < sheet->n_clients; i++)
        if (sheet->organization[i] >= sheet->n_symbols || sheet->client[i] >= sheet->n_symbols)
            return false;
    for (uint32_t i = 1; i < sheet->n_clients; i++)
        if (sheet->organization[i - 1] > sheet->organization[i] ||
            (sheet->organization[i - 1] == sheet->organization[i] && sheet->client[i - 1] >= sheet->client[i]))
            return false;
    return true;
}

static bool read_clients(struct opening *opening)
{
    struct sheet *sheet = opening->sheet;
    struct wire_cursor *cursor = &opening->cursor, names = *cursor, organizations;
    if (wire_take_tag(&names, SHEET_FIELD_ORGANIZATION, WIRE_BYTES) && !wire_read_bytes(&names, &organizations))
        return malformed(opening, "a column of its clients is damaged");
    uint32_t n = sheet->n_clients = wire_count_values(names, SHEET_FIELD_CLIENT);
    sheet->organization = arena_alloc(&sheet->arena, n * sizeof(uint32_t));
    sheet->client = arena_alloc(&sheet->arena, n * sizeof(uint32_t));
    sheet->client_rows = arena_alloc(&sheet->arena, n * sizeof(uint32_t));
    sheet->client_requests = arena_alloc(&sheet->arena, n * sizeof(uint64_t));
    if (!wire_read_column32(cursor, SHEET_FIELD_ORGANIZATION, 0, n, sheet->organization) ||
        !wire_read_column32(cursor, SHEET_FIELD_CLIENT, 0, n, sheet->client) ||
        !wire_read_column32(cursor, SHEET_FIELD_CLIENT_ROWS, 0, n, sheet->client_rows) ||
        !wire_read_column64(cursor, SHEET_FIELD_CLIENT_REQUESTS, 0, n, sheet->client_requests))
        return malformed(opening, "a column of its clients is damaged");
    return clients_ascend(sheet) || malformed(opening, "its clients are not ascending, or no symbols");
}

static bool find_blocks(struct opening *opening)
{
    struct sheet *sheet = opening->sheet;
    sheet->blocks = arena_alloc(&sheet->arena, sheet->n_clients * sizeof *sheet->blocks);
    for (uint32_t i = 0; i < sheet->n_clients; i++)
        if (!wire_take_tag(&opening->cursor, SHEET_FIELD_BLOCK, WIRE_BYTES) ||
            !wire_read_bytes(&opening->cursor, &sheet->blocks[i]))
            return malformed(opening, "the rows of a client are missing");
    return opening->cursor.at == opening->cursor.end || malformed(opening, "bytes behind the rows of its last client");
}

/* ---- rows ---- */

/* A symbol of the sheet, of a size that its use allows. Notes that it is used. */
static bool use(struct opening *opening, uint32_t symbol, size_t least, size_t most)
{
    const struct sheet *sheet = opening->sheet;
    if (symbol >= sheet->n_symbols || sheet->symbols[symbol].size < least || sheet->symbols[symbol].size > most)
        return malformed(opening, "a name is missing, no symbol or too long");
    opening->symbol_used[symbol] = 1;
    return true;
}

static bool use_routes(struct opening *opening)
{
    const struct sheet_rows *rows = &opening->rows;
    for (uint32_t i = 0; i < rows->n_routes; i++)
        if (!use(opening, rows->method[i], 0, EVENT_METHOD_MAX) || !use(opening, rows->template[i], 1, EVENT_ROUTE_MAX))
            return false;
    g_byte_array_set_size(opening->route_used, rows->n_routes);
    memset(opening->route_used->data, 0, rows->n_routes);
    for (uint32_t i = 0; i < rows->n_rows; i++)
        opening->route_used->data[rows->route[i]] = 1;
    return !memchr(opening->route_used->data, 0, rows->n_routes) || malformed(opening, "a route of a client is in no row");
}

static bool use_names(struct opening *opening)
{
    const struct sheet_rows *rows = &opening->rows;
    if (!use(opening, rows->organization, 0, EVENT_NAME_MAX) || !use(opening, rows->client, 1, EVENT_NAME_MAX) ||
        !use_routes(opening))
        return false;
    for (uint32_t i = 0; i < rows->n_rows; i++) {
        /* Neighbours mostly have the same. */
        if ((i == 0 || rows->user[i] != rows->user[i - 1]) && !use(opening, rows->user[i], 0, EVENT_NAME_MAX))
            return false;
        if ((i == 0 || rows->platform[i] != rows->platform[i - 1]) && !use(opening, rows->platform[i], 0, EVENT_NAME_MAX))
            return false;
    }
    return true;
}

static bool add_measures(struct opening *opening, uint64_t *requests)
{
    *requests = 0;
    for (uint32_t i = 0; i < opening->rows.n_rows; i++) {
        struct measure measure;
        sheet_rows_measure(&opening->rows, i, &measure);
        const char *fault = sheet_measure_fault(&measure);
        if (fault)
            return malformed(opening, fault);
        if (!sheet_totals_add(&opening->totals, 1, &measure))
            return malformed(opening, "a sum is out of range");
        *requests += measure.requests; /* within the sum of the totals */
    }
    return true;
}

static bool check_clients(struct opening *opening)
{
    const struct sheet *sheet = opening->sheet;
    for (uint32_t i = 0; i < sheet->n_clients; i++) {
        uint64_t requests;
        const char *fault = sheet_rows_try(&opening->rows, sheet, i);
        if (fault)
            return malformed(opening, fault);
        if (!use_names(opening) || !add_measures(opening, &requests))
            return false;
        if (requests != sheet->client_requests[i])
            return malformed(opening, "the requests of a client are not the sum of its rows");
    }
    return true;
}

static bool check_rows(struct opening *opening)
{
    const struct sheet *sheet = opening->sheet;
    opening->symbol_used[0] = 1;
    if (!check_clients(opening))
        return false;
    if (memcmp(&opening->totals, &sheet->totals, sizeof sheet->totals) != 0)
        return malformed(opening, "its totals are not the sums of its rows");
    return !memchr(opening->symbol_used, 0, sheet->n_symbols) || malformed(opening, "a symbol is in no row");
}

static void refuse(const struct opening *opening, GError **error)
{
    g_set_error(error, SHEET_ERROR, SHEET_ERROR_MALFORMED, "not a valid day sheet: %s", opening->fault);
}

struct sheet *sheet_open_lazily(GBytes *bytes, GError **error)
{
    gsize size;
    const uint8_t *data = g_bytes_get_data(bytes, &size);
    struct sheet *sheet = g_new0(struct sheet, 1);
    sheet->bytes = g_bytes_ref(bytes);
    struct opening opening = {.sheet = sheet};
    if (size > 0)
        opening.cursor = (struct wire_cursor){data, data + size};
    bool ok = size <= SHEET_SIZE_MAX || malformed(&opening, "it is larger than a sheet can be");
    if (ok && read_head(&opening) && read_symbols(&opening) && read_clients(&opening) && find_blocks(&opening))
        return sheet;
    sheet_free(sheet);
    refuse(&opening, error);
    return NULL;
}

bool sheet_check(struct sheet *sheet, GError **error)
{
    if (g_atomic_int_get(&sheet->checked))
        return true;
    struct opening opening = {.sheet = sheet, .route_used = g_byte_array_new(), .symbol_used = g_new0(uint8_t, sheet->n_symbols)};
    const bool ok = check_rows(&opening);
    sheet_rows_clear(&opening.rows);
    g_byte_array_free(opening.route_used, TRUE);
    g_free(opening.symbol_used);
    if (ok)
        g_atomic_int_set(&sheet->checked, 1);
    else
        refuse(&opening, error);
    return ok;
}

struct sheet *sheet_open(GBytes *bytes, GError **error)
{
    struct sheet *sheet = sheet_open_lazily(bytes, error);
    if (sheet == NULL || sheet_check(sheet, error))
        return sheet;
    sheet_free(sheet);
    return NULL;
}

void sheet_free(struct sheet *sheet)
{
    if (!sheet)
        return;
    arena_clear(&sheet->arena);
    g_bytes_unref(sheet->bytes);
    g_free(sheet);
}

/* ---- what it holds ---- */

const struct sheet_header *sheet_header(const struct sheet *sheet)
{
    return &sheet->header;
}

const struct sheet_totals *sheet_totals(const struct sheet *sheet)
{
    return &sheet->totals;
}

uint32_t sheet_symbol_count(const struct sheet *sheet)
{
    return sheet->n_symbols;
}

struct view sheet_symbol(const struct sheet *sheet, uint32_t symbol)
{
    g_assert(symbol < sheet->n_symbols);
    return sheet->symbols[symbol];
}

bool sheet_find_symbol(const struct sheet *sheet, struct view name, uint32_t *symbol)
{
    uint32_t low = 0, high = sheet->n_symbols;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (sheet_compare_names(sheet->symbols[middle], name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *symbol = low;
    return low < sheet->n_symbols && view_equal(sheet->symbols[low], name);
}

uint32_t sheet_client_count(const struct sheet *sheet)
{
    return sheet->n_clients;
}

void sheet_client_get(const struct sheet *sheet, uint32_t number, struct sheet_client *client)
{
    g_assert(number < sheet->n_clients);
    *client = (struct sheet_client){sheet->organization[number], sheet->client[number], sheet->client_rows[number],
                                    sheet->client_requests[number]};
}

static bool is_before(const struct sheet *sheet, uint32_t number, uint32_t organization, uint32_t client)
{
    return sheet->organization[number] < organization ||
           (sheet->organization[number] == organization && sheet->client[number] < client);
}

bool sheet_find_client(const struct sheet *sheet, struct view organization, struct view client, uint32_t *number)
{
    uint32_t first, second, low = 0, high = sheet->n_clients;
    if (!sheet_find_symbol(sheet, organization, &first) || !sheet_find_symbol(sheet, client, &second))
        return false;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (is_before(sheet, middle, first, second))
            low = middle + 1;
        else
            high = middle;
    }
    *number = low;
    return low < sheet->n_clients && sheet->organization[low] == first && sheet->client[low] == second;
}
