/* Bytes of day sheets. The first byte says what the others are: 'c' canonical bytes, 'z' packed ones, 'r' rows for a builder.
 *
 * Bytes that open are canonical: a builder that is given the rows, last one first, writes the same. Rows that a builder took come
 * out of its sheet, which opens. Of bytes that were opened without a look at their rows, columns are read within bounds or not at
 * all, and a later look says what one at once would have. */
#include "lib/sheet_columns.h"
#include "tests/unit/sheet_tools.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool condition)
{
    if (!condition)
        abort();
}

static void check_lookup(const struct sheet *sheet)
{
    struct sheet_client client;
    for (uint32_t i = 0, found; i < sheet_client_count(sheet); i++) {
        sheet_client_get(sheet, i, &client);
        check(sheet_find_client(sheet, sheet_symbol(sheet, client.organization), sheet_symbol(sheet, client.client), &found));
        check(found == i);
    }
}

static void check_columns(const struct sheet_columns *columns, uint32_t n_symbols)
{
    for (uint32_t i = 0; i < columns->n_routes; i++)
        check(columns->method[i] < n_symbols && columns->template[i] < n_symbols);
    for (uint32_t i = 0; i < columns->n_rows; i++) {
        check(columns->user[i] < n_symbols && columns->platform[i] < n_symbols);
        check(columns->route[i] < columns->n_routes && columns->slot[i] < 96);
        check(columns->one_status || columns->at[i] <= columns->at[i + 1]);
    }
    check(columns->one_status || columns->at[columns->n_rows] == columns->n_tallies);
    for (uint32_t i = 0; i < columns->n_tallies; i++)
        check(columns->status[i] <= 599 && (columns->one_request || columns->count[i] <= TALLY_COUNT_MAX));
}

static void check_lazily(GBytes *bytes, bool sound)
{
    struct sheet *sheet = sheet_open_lazily(bytes, NULL);
    struct sheet_columns columns = {0};
    const unsigned all = SHEET_PICK_ROUTES | SHEET_PICK_USERS | SHEET_PICK_PLATFORMS | SHEET_PICK_SLOTS;
    check(!sound || sheet != NULL);
    for (uint32_t i = 0; sheet != NULL && i < sheet_client_count(sheet); i++) {
        const bool ok = sheet_columns_read(&columns, sheet, i, all);
        check(ok || !sound);
        if (ok)
            check_columns(&columns, sheet_symbol_count(sheet));
    }
    check(sheet == NULL || sheet_check(sheet, NULL) == sound);
    sheet_columns_clear(&columns);
    sheet_free(sheet);
}

static void check_bytes(GBytes *bytes)
{
    g_autoptr(GError) error = NULL;
    struct sheet *sheet = sheet_open(bytes, &error);
    check((sheet == NULL) == (error != NULL));
    check_lazily(bytes, sheet != NULL);
    if (!sheet) {
        check(g_utf8_validate(error->message, -1, NULL));
        return;
    }
    check_lookup(sheet);
    g_autoptr(GBytes) rebuilt = rebuild(sheet);
    check(g_bytes_equal(bytes, rebuilt));
    sheet_free(sheet);
}

static void check_packed(const uint8_t *data, size_t size)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) bytes = sheet_unpack(data, size, &error);
    check((bytes == NULL) == (error != NULL));
    if (bytes)
        check_bytes(bytes);
}

/* ---- rows ---- */

struct input {
    const uint8_t *at, *end;
};

static uint8_t next(struct input *input)
{
    return input->at < input->end ? *input->at++ : 0;
}

static uint64_t number(struct input *input)
{
    uint64_t value = 0;
    for (unsigned n = next(input) % 9; n > 0; n--)
        value = value << 8 | next(input);
    return value;
}

static struct view name(struct input *input)
{
    size_t size = MIN((size_t)next(input) % 16, (size_t)(input->end - input->at));
    struct view view = view_make(input->at, size);
    input->at += size;
    return view;
}

static void list(struct input *input, struct tally *items, uint32_t room, struct tally_list *tallies)
{
    *tallies = (struct tally_list){.items = items, .n = next(input) % (room + 1), .capacity = room};
    for (uint32_t i = 0; i < tallies->n; i++) {
        items[i].key = number(input) & 0xffff;
        items[i].count = number(input) & TALLY_COUNT_MAX;
    }
}

/* As the input says, sound or not; now and then with numbers that fit together. */
static void any_measure(struct input *input, struct tally *items, struct measure *measure)
{
    *measure = (struct measure){0};
    list(input, items, 4, &measure->statuses);
    list(input, items + 4, 4, &measure->latencies);
    measure->latency_max_us = number(input);
    measure->latency_sum_us = number(input);
    measure->request_bytes = number(input);
    measure->response_bytes = number(input);
    measure->requests = next(input) % 4 == 0 ? number(input) : 0;
    for (uint32_t i = 0; measure->requests == 0 && i < measure->statuses.n; i++)
        measure->requests += measure->statuses.items[i].count;
}

static void check_rows(const uint8_t *data, size_t size)
{
    struct input input = {data, data + size};
    struct sheet_builder *builder = sheet_builder_new();
    uint64_t requests = 0;
    while (input.at < input.end) {
        struct tally items[8];
        struct sheet_row row;
        struct view *const names[] = {&row.organization, &row.client, &row.user, &row.method, &row.template, &row.platform};
        for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
            *names[i] = name(&input);
        row.slot = next(&input) % 97;
        any_measure(&input, items, &row.measure);
        if (sheet_builder_add(builder, &row, NULL))
            requests += row.measure.requests;
    }
    g_autoptr(GBytes) bytes = finish(builder);
    struct sheet *sheet = open_sheet(bytes);
    check(sheet_totals(sheet)->requests == requests);
    sheet_free(sheet);
    check_bytes(bytes);
    sheet_builder_free(builder);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    g_autofree uint8_t *copy = g_memdup2(data + 1, size - 1); /* of exactly this size, so that a byte too far is seen */
    if (data[0] == 'z') {
        check_packed(copy, size - 1);
    } else if (data[0] == 'r') {
        check_rows(copy, size - 1);
    } else {
        g_autoptr(GBytes) bytes = g_bytes_new(copy, size - 1);
        check_bytes(bytes);
    }
    return 0;
}
