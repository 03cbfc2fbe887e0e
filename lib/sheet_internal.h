/* sheet_internal: what the writer and the reader of day sheets must agree on: field numbers, what a left-out column means, the wire
 * format of protobuf (https://protobuf.dev/programming-guides/encoding/), and which rows there can be. */
#ifndef DAYBOOK_SHEET_INTERNAL_H
#define DAYBOOK_SHEET_INTERNAL_H

#include "lib/sheet.h"
#include "lib/sheet_wire.h"

/* Numbers of fields, as in proto/sheet.proto. */
enum {
    SHEET_FIELD_VERSION = 1,
    SHEET_FIELD_PARTITION,
    SHEET_FIELD_DAY,
    SHEET_FIELD_REVISION,
    SHEET_FIELD_FIRST_OFFSET,
    SHEET_FIELD_END_OFFSET,
    SHEET_FIELD_ROWS,
    SHEET_FIELD_REQUESTS,
    SHEET_FIELD_LATENCY_SUM,
    SHEET_FIELD_REQUEST_BYTES,
    SHEET_FIELD_RESPONSE_BYTES,
    SHEET_FIELD_SYMBOLS,
    SHEET_FIELD_ORGANIZATION,
    SHEET_FIELD_CLIENT,
    SHEET_FIELD_CLIENT_ROWS,
    SHEET_FIELD_CLIENT_REQUESTS,
    SHEET_FIELD_BLOCK,
};

enum sheet_column {
    SHEET_COLUMN_METHOD = 1,
    SHEET_COLUMN_TEMPLATE,
    SHEET_COLUMN_USER,
    SHEET_COLUMN_ROUTE,
    SHEET_COLUMN_PLATFORM,
    SHEET_COLUMN_SLOT,
    SHEET_COLUMN_STATUSES,
    SHEET_COLUMN_STATUS,
    SHEET_COLUMN_COUNT,
    SHEET_COLUMN_LATENCY_MAX,
    SHEET_COLUMN_LATENCY_REST,
    SHEET_COLUMN_BUCKETS,
    SHEET_COLUMN_BUCKET_STEP,
    SHEET_COLUMN_BUCKET_COUNT,
    SHEET_COLUMN_REQUEST_BYTES,
    SHEET_COLUMN_RESPONSE_BYTES,
    SHEET_COLUMNS,
};

/* What each value of a column is when the column is left out. */
static inline uint64_t sheet_column_default(enum sheet_column column)
{
    return column == SHEET_COLUMN_STATUSES || column == SHEET_COLUMN_COUNT || column == SHEET_COLUMN_BUCKETS ||
           column == SHEET_COLUMN_BUCKET_COUNT;
}

/* What is wrong with the numbers of a row: NULL, or the end of a sentence. The reader and the writer ask the same. */
const char *sheet_measure_fault(const struct measure *measure);
/* Whether a name is UTF-8 without control characters. */
bool sheet_name_is_clean(struct view name);
/* Negative, 0 or positive: the order of names, by bytes. */
int sheet_compare_names(struct view a, struct view b);
/* Adds one row's measure, or counts a row; false, changing nothing, when a sum would pass INT64_MAX. */
bool sheet_totals_add(struct sheet_totals *totals, uint64_t rows, const struct measure *measure);

/* ---- between sheet_read.c and sheet_rows.c ---- */

struct sheet {
    GBytes *bytes;
    struct sheet_header header;
    struct sheet_totals totals;
    uint32_t n_symbols, n_clients;
    struct view *symbols;
    uint32_t *organization, *client, *client_rows; /* by client */
    uint64_t *client_requests;
    struct wire_cursor *blocks;
    struct arena arena; /* of the arrays */
    gint checked;       /* atomic: its rows are sound */
};

/* Decodes a client's rows: NULL, or what is wrong. Whether its symbols are the sheet's and its measures faultless is not looked at.
 */
const char *sheet_rows_try(struct sheet_rows *rows, const struct sheet *sheet, uint32_t number);

/* ---- between sheet_builder.c and sheet_write.c ---- */

enum sheet_key { SHEET_KEY_CLIENT, SHEET_KEY_USER, SHEET_KEY_ROUTE, SHEET_KEY_PLATFORM, SHEET_KEY_SLOT, SHEET_KEYS };

struct sheet_pair {
    uint32_t first, second; /* symbols: organization and client, or method and template */
};

struct sheet_sorted_row {
    uint32_t key[SHEET_KEYS];
    const struct measure *measure;
};

/* Rows in the order in which they are written, keys as they are written: symbols by rank, clients and routes by the place of their
 * pair in the order of pairs. */
struct sheet_sorted {
    const struct view *symbols;
    uint32_t n_symbols;
    const struct sheet_pair *clients, *routes;
    uint32_t n_routes;
    const struct sheet_sorted_row *rows;
    uint32_t n_rows;
};
/* NULL when they would pass SHEET_SIZE_MAX. */
GBytes *sheet_write(const struct sheet_sorted *sorted, const struct sheet_totals *totals, const struct sheet_header *header);

#endif
