/* sheet: a closed day of one partition, as bytes that anyone can check.
 *
 * A day sheet (proto/sheet.proto) holds for a partition, UTC day and revision what was counted for every combination of
 * organization, client, user, method, URL template, platform and slot: requests by status, latency, bytes.
 *
 * Canonical. The bytes are a function of the header and the set of rows: in which order rows were added, in how many parts a row
 * came, and whether a part came from another sheet, does not show. The argument: merging measures adds and takes maxima, so it
 * has one result; names become symbols by their order, rows stand in the order of their keys, and the writer has no choice left
 * (proto/sheet.proto says what settles each). sheet_open() takes no other bytes: what it opens, a builder that was given its rows
 * writes again, byte for byte. So two sheets are equal just when their SHA-256 is, and a replay of the log can be compared with it.
 *
 * That is why the wire format is read and written here and not by protobuf-c: a protobuf decoder takes many encodings of one
 * content and cannot say which it saw. It also lets the rows of one client be read without decoding, or copying, those of others.
 *
 * Threads: a sheet does not change once opened, any number of threads may read it, each with its own sheet_rows. A builder belongs
 * to one thread. Hostile bytes give an error, at most 64 times their size of memory. */
#ifndef DAYBOOK_SHEET_H
#define DAYBOOK_SHEET_H

#include "lib/arena.h"
#include "lib/measure.h"
#include "lib/view.h"
#include <glib.h>

enum {
    SHEET_VERSION = 1,
    SHEET_CHECKSUM_SIZE = 32,
    SHEET_ROWS_MAX = 1 << 24,
    SHEET_SIZE_MAX = 512 * 1024 * 1024, /* uncompressed; Redis takes no longer value either */
    SHEET_DAY_END = 84006,              /* 2200-01-01, where the times of records end too */
};

#define SHEET_ERROR sheet_error_quark()
GQuark sheet_error_quark(void);
enum sheet_error {
    SHEET_ERROR_MALFORMED, /* bytes that are no sheet */
    SHEET_ERROR_ROW,       /* a row that contradicts itself or has a name that is none */
    SHEET_ERROR_LIMIT,     /* more than a sheet can hold */
};

struct sheet_header {
    uint32_t partition;
    uint32_t day;                      /* days since 1970-01-01 */
    uint32_t revision;                 /* from 1 on */
    uint64_t first_offset, end_offset; /* counted: from first to end - 1; equal if nothing was */
};

struct sheet_totals {
    uint64_t rows, requests, latency_sum_us, request_bytes, response_bytes; /* each at most 2^63 - 1 */
};

/* Names as in lib/event.h; organization, user, method and platform may be empty. The measure's lists are borrowed. */
struct sheet_row {
    struct view organization, client, user, method, template, platform;
    uint32_t slot; /* 0 to 95 */
    struct measure measure;
};

/* ---- writing ----
 * A builder holds the distinct rows, whatever was added: measured, 165 bytes for a row of one or two requests, the bytes of the
 * names besides, and 100 more while it is finished (tests/bench/sheet.c). It refuses more than SHEET_ROWS_MAX. */
struct sheet_builder;
struct sheet;

struct sheet_builder *sheet_builder_new(void);
void sheet_builder_free(struct sheet_builder *builder);
/* Copies the row, merged with what is there for its keys. False: the row is not one (its numbers contradict each other, a name is
 * too long or not clean UTF-8) or too much; the builder is as before. */
bool sheet_builder_add(struct sheet_builder *builder, const struct sheet_row *row, GError **error);
/* Adds all rows of a sheet. After an error (SHEET_ERROR_LIMIT only) a part of them is there. */
bool sheet_builder_merge(struct sheet_builder *builder, const struct sheet *sheet, GError **error);
const struct sheet_totals *sheet_builder_totals(const struct sheet_builder *builder);
/* Memory held. */
size_t sheet_builder_bytes(const struct sheet_builder *builder);
/* The canonical bytes; the builder is empty afterwards in any case. NULL: they would pass SHEET_SIZE_MAX. Asserts that the
 * header is within its limits. Caller frees with g_bytes_unref. */
GBytes *sheet_builder_finish(struct sheet_builder *builder, const struct sheet_header *header, GError **error);

/* ---- reading ---- */

/* Checks everything, every row included: after that no reading function fails. Keeps a reference of the bytes; every view that is
 * handed out points into them and lives as long as the sheet. */
struct sheet *sheet_open(GBytes *bytes, GError **error);
/* Checks all but the rows: for bytes whose SHA-256 is known to be that of a sheet. Until sheet_check has said that they are sound,
 * only sheet_columns_read (lib/sheet_columns.h) reads them, and may fail. */
struct sheet *sheet_open_lazily(GBytes *bytes, GError **error);
/* Checks the rows, too, if that was not done yet. Any thread may ask. */
bool sheet_check(struct sheet *sheet, GError **error);
void sheet_free(struct sheet *sheet);

const struct sheet_header *sheet_header(const struct sheet *sheet);
const struct sheet_totals *sheet_totals(const struct sheet *sheet);
uint32_t sheet_symbol_count(const struct sheet *sheet);
struct view sheet_symbol(const struct sheet *sheet, uint32_t symbol);
/* False: no row has that name, as anything. */
bool sheet_find_symbol(const struct sheet *sheet, struct view name, uint32_t *symbol);

struct sheet_client {
    uint32_t organization, client; /* symbols */
    uint32_t rows;
    uint64_t requests;
};
/* Clients are numbered from 0 on, by (organization, client). */
uint32_t sheet_client_count(const struct sheet *sheet);
void sheet_client_get(const struct sheet *sheet, uint32_t number, struct sheet_client *client);
/* By binary search; decodes nothing. */
bool sheet_find_client(const struct sheet *sheet, struct view organization, struct view client, uint32_t *number);

/* The rows of one client in columns, as symbols and numbers. Row i's statuses are the tallies from status_at[i] to
 * status_at[i + 1] - 1, its latency buckets, ascending, those from bucket_at[i] on likewise. Caller's storage: all zero, or
 * sheet_rows_clear'ed, is an empty one. */
struct sheet_rows {
    const struct sheet *sheet;
    uint32_t organization, client;
    uint32_t n_rows, n_routes;
    uint32_t *method, *template;              /* by route */
    uint32_t *user, *route, *platform, *slot; /* by row */
    uint32_t *status_at, *bucket_at;          /* by row, and one more */
    struct tally *statuses, *buckets;
    uint64_t *requests, *latency_sum_us, *latency_max_us, *request_bytes, *response_bytes; /* by row */
    struct arena arena;                                                                    /* of the columns */
};
/* Decodes the rows of a client in the place of what rows held. */
void sheet_rows_read(struct sheet_rows *rows, const struct sheet *sheet, uint32_t number);
void sheet_rows_clear(struct sheet_rows *rows);
/* Row i's measure; its lists are those of rows and must not be changed. */
void sheet_rows_measure(const struct sheet_rows *rows, uint32_t i, struct measure *measure);
/* Row i with its names; the measure's lists are those of rows and must not be changed. */
void sheet_rows_get(const struct sheet_rows *rows, uint32_t i, struct sheet_row *row);

/* ---- transport ---- */

/* SHA-256 of canonical bytes. */
void sheet_checksum(GBytes *bytes, uint8_t checksum[SHEET_CHECKSUM_SIZE]);
/* One zstd frame that says its size. */
GBytes *sheet_pack(GBytes *bytes);
/* The bytes that were packed; NULL when it is not just one frame or declares more than SHEET_SIZE_MAX. */
GBytes *sheet_unpack(const void *data, size_t size, GError **error);

#endif
