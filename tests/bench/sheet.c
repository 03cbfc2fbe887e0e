/* bench-sheet: day sheets of the realistic load, spread over one day: size, and time for each row to add, write, pack, check, read.
 *
 *   sheet [EVENTS [PARTITIONS]]     the sheet of partition 0
 *
 * One core. Times are of one pass each; "cells" are the values of a row's columns: 4 keys, statuses and counts, sum, maximum,
 * buckets and counts, bytes. */
#include "lib/record.h"
#include "lib/sheet.h"
#include "tests/bench/load.h"
#include <stdio.h>
#include <stdlib.h>

static const gint64 DAY_MS = 86400000;

static struct sheet_builder *build(guint64 events, guint32 partitions, gint64 *spent_us)
{
    struct load *load = load_new(&(struct load_settings){.seed = 1, .events = events, .start_ms = 0});
    struct sheet_builder *builder = sheet_builder_new();
    gint64 begin = g_get_monotonic_time();
    for (guint64 i = 0; i < events; i++) {
        struct event event;
        load_next(load, &event);
        if (partition_of(event.organization, event.client, partitions) != 0)
            continue;
        struct sheet_row row = {event.organization, event.client, event.user, event.method, event.route, event.platform, 0, {0}};
        row.slot = (guint32)(event.time_ms * (DAY_MS / LOAD_HOUR_MS) / (DAY_MS / 96));
        measure_add(&row.measure, event.status, event.latency_us, event.request_bytes, event.response_bytes, true);
        if (!sheet_builder_add(builder, &row, NULL))
            abort();
        measure_clear(&row.measure);
    }
    *spent_us = g_get_monotonic_time() - begin;
    load_free(load);
    return builder;
}

static void say(const char *what, double value, const char *unit)
{
    printf("sheet: %-34s %10.2f %s\n", what, value, unit);
}

static void time_each(const char *what, gint64 *begin_us, double n)
{
    gint64 now = g_get_monotonic_time();
    say(what, (double)(now - *begin_us) * 1000 / n, "ns a row");
    *begin_us = g_get_monotonic_time();
}

static guint64 cells_of(const struct sheet_rows *rows)
{
    return 8 * (guint64)rows->n_rows + 2 * ((guint64)rows->status_at[rows->n_rows] + rows->bucket_at[rows->n_rows]);
}

/* Reads every client's rows; the sum keeps the compiler from leaving it out. */
static guint64 read_all(const struct sheet *sheet, guint64 *sum)
{
    struct sheet_rows rows = {0};
    guint64 cells = 0;
    for (guint32 i = 0; i < sheet_client_count(sheet); i++) {
        sheet_rows_read(&rows, sheet, i);
        for (guint32 k = 0; k < rows.n_rows; k++)
            *sum += rows.requests[k] + rows.response_bytes[k];
        cells += cells_of(&rows);
    }
    sheet_rows_clear(&rows);
    return cells;
}

static void measure_sheet(struct sheet_builder *builder)
{
    const struct sheet_header header = {.revision = 1};
    guint64 sum = 0;
    double n = (double)sheet_builder_totals(builder)->rows;
    double requests = (double)sheet_builder_totals(builder)->requests;
    guint8 checksum[SHEET_CHECKSUM_SIZE];
    say("rows", n, "");
    say("requests a row", requests / n, "");
    say("memory of the builder", (double)sheet_builder_bytes(builder) / n, "bytes a row");
    gint64 begin = g_get_monotonic_time();
    g_autoptr(GBytes) bytes = sheet_builder_finish(builder, &header, NULL);
    time_each("sort and write", &begin, n);
    sheet_checksum(bytes, checksum);
    time_each("SHA-256", &begin, n);
    g_autoptr(GBytes) packed = sheet_pack(bytes);
    time_each("pack", &begin, n);
    g_autoptr(GBytes) unpacked = sheet_unpack(g_bytes_get_data(packed, NULL), g_bytes_get_size(packed), NULL);
    time_each("unpack", &begin, n);
    struct sheet *sheet = sheet_open(unpacked, NULL);
    time_each("open (checks everything)", &begin, n);
    guint64 cells = read_all(sheet, &sum);
    double read_us = (double)(g_get_monotonic_time() - begin);
    time_each("read all clients", &begin, n);
    say("cells read", (double)cells / read_us, "million a second");
    if (!sheet_builder_merge(builder, sheet, NULL))
        abort();
    time_each("merge into an empty builder", &begin, n);
    say("canonical bytes", (double)g_bytes_get_size(bytes) / n, "bytes a row");
    say("packed", (double)g_bytes_get_size(packed) / n, "bytes a row");
    printf("sheet: checksum %02x%02x…, sum %" G_GUINT64_FORMAT "\n", checksum[0], checksum[1], sum);
    sheet_free(sheet);
}

int main(int argc, char **argv)
{
    guint64 events = argc > 1 ? g_ascii_strtoull(argv[1], NULL, 10) : 2000000;
    guint32 partitions = argc > 2 ? (guint32)g_ascii_strtoull(argv[2], NULL, 10) : 1;
    gint64 spent_us;
    if (events == 0 || partitions == 0) {
        fprintf(stderr, "usage: sheet [EVENTS [PARTITIONS]]\n");
        return 2;
    }
    struct sheet_builder *builder = build(events, partitions, &spent_us);
    say("make and add events", (double)spent_us * 1000 / (double)events, "ns an event");
    measure_sheet(builder);
    sheet_builder_free(builder);
    return 0;
}
