/* ledger_tools: entries of the ledger for tests. */
#ifndef DAYBOOK_TESTS_LEDGER_TOOLS_H
#define DAYBOOK_TESTS_LEDGER_TOOLS_H

#include "lib/ledger.h"

static inline struct view bytes_view(GBytes *bytes)
{
    gsize size;
    const void *data = g_bytes_get_data(bytes, &size);
    return view_make(data, size);
}

static inline guint64 any_count(GRand *rand)
{
    guint64 count = g_rand_int(rand);
    return count >> g_rand_int_range(rand, 0, 32);
}

static inline void fill(GRand *rand, guint8 *bytes, gsize size)
{
    for (gsize i = 0; i < size; i++)
        bytes[i] = (guint8)g_rand_int_range(rand, 0, 256);
}

/* What a stream announced: n numbers. */
static inline void announce(struct stream_day *stream, gsize n, const guint64 *numbers)
{
    g_clear_pointer(&stream->announced, g_array_unref);
    stream->announced = g_array_new(FALSE, FALSE, sizeof(guint64));
    g_array_append_vals(stream->announced, numbers, (guint)n);
}

/* Streams have ids that ascend by their first byte. */
static inline struct stream_day *random_stream(GRand *rand, guint8 number, guint n_partitions)
{
    struct stream_day *stream = stream_day_new();
    fill(rand, stream->stream_id, sizeof stream->stream_id);
    stream->stream_id[0] = number;
    stream->import = g_rand_boolean(rand);
    stream->first_sequence = any_count(rand);
    stream->last_sequence = stream->first_sequence == 0 ? 0 : stream->first_sequence + any_count(rand);
    stream->high_water = any_count(rand);
    stream->heard_ms = (gint64)any_count(rand);
    if (g_rand_boolean(rand)) {
        g_free(stream->collector);
        stream->collector = g_strdup_printf("sidecar-ü-%d", number);
        g_autofree guint64 *numbers = g_new(guint64, n_partitions);
        for (guint i = 0; i < n_partitions; i++)
            numbers[i] = any_count(rand);
        announce(stream, n_partitions, numbers);
    }
    return stream;
}

static inline struct partition_day *random_day(GRand *rand, guint partition, guint n_partitions)
{
    struct partition_day *day = partition_day_new();
    day->partition = partition;
    day->first_offset = any_count(rand);
    day->end_offset = day->first_offset + any_count(rand);
    day->seal_offset = day->end_offset + any_count(rand);
    day->sealed_at_ms = 1700000000000 + (gint64)any_count(rand);
    day->reason = (enum seal_reason)g_rand_int_range(rand, 0, 4);
    day->events = any_count(rand);
    day->late = day->events / 3;
    day->rows = MIN(day->events / 2, 1000);
    day->duplicates = any_count(rand);
    day->gaps = any_count(rand) % 3;
    day->gap_batches = day->gaps * 2;
    day->quarantined = any_count(rand) % 3;
    day->incomplete = g_rand_boolean(rand);
    day->has_sheet = true;
    fill(rand, day->sheet_checksum, sizeof day->sheet_checksum);
    guint n = (guint)g_rand_int_range(rand, 0, 8);
    for (guint i = 0; i < n; i++)
        g_ptr_array_add(day->streams, random_stream(rand, (guint8)(i * 16), n_partitions));
    return day;
}

static inline void add_organization(struct ledger_entry *entry, const char *name, guint64 requests)
{
    struct organization_total *total = g_new0(struct organization_total, 1);
    total->organization = g_strdup(name);
    total->requests = requests;
    g_ptr_array_add(entry->organizations, total);
}

static inline void add_difference(struct ledger_entry *entry, const char *organization, const char *client, gint64 requests)
{
    struct client_difference *difference = g_new0(struct client_difference, 1);
    difference->organization = g_strdup(organization);
    difference->client = g_strdup(client);
    difference->requests = requests;
    g_ptr_array_add(entry->differences, difference);
}

static inline struct ledger_entry *random_entry(GRand *rand, guint64 n, guint n_partitions)
{
    struct ledger_entry *entry = ledger_entry_new();
    entry->n = n;
    entry->has_previous = n > 1;
    if (entry->has_previous)
        fill(rand, entry->previous_checksum, sizeof entry->previous_checksum);
    entry->day = (guint32)g_rand_int_range(rand, 0, 30000);
    entry->revision = (guint32)g_rand_int_range(rand, 1, 5);
    for (guint i = 0; i < n_partitions; i++)
        g_ptr_array_add(entry->partitions, random_day(rand, i, n_partitions));
    ledger_entry_add_up(entry);
    add_organization(entry, "", any_count(rand));
    add_organization(entry, "acme", any_count(rand));
    add_organization(entry, "日本", any_count(rand));
    add_difference(entry, "", "-", 1);
    add_difference(entry, "acme", "c-1", -(gint64)any_count(rand));
    add_difference(entry, "acme", "c-10", (gint64)any_count(rand));
    entry->differences_left_out = any_count(rand);
    entry->difference_left_out = -(gint64)any_count(rand);
    entry->organizations_left_out = any_count(rand);
    entry->organization_requests_left_out = any_count(rand);
    return entry;
}

/* One partition with two streams, two organizations, two differences. */
static inline struct ledger_entry *small_entry(void)
{
    struct ledger_entry *entry = ledger_entry_new();
    entry->n = 7;
    entry->has_previous = true;
    memset(entry->previous_checksum, 'P', LEDGER_CHECKSUM_SIZE);
    entry->day = 20000;
    entry->revision = 1;
    for (guint i = 1; i < 3; i++) {
        struct partition_day *day = partition_day_new();
        day->partition = i * 33; /* '!', 'B' */
        day->seal_offset = 100;
        day->first_offset = 10;
        day->end_offset = 20;
        day->events = 5;
        day->rows = 4;
        day->has_sheet = true;
        memset(day->sheet_checksum, 'S', LEDGER_CHECKSUM_SIZE);
        for (guint k = 0; k < 2; k++) {
            struct stream_day *stream = stream_day_new();
            memset(stream->stream_id, k == 0 ? 'a' : 'b', STREAM_ID_SIZE);
            g_free(stream->collector);
            stream->collector = g_strdup("host-1");
            g_ptr_array_add(day->streams, stream);
        }
        g_ptr_array_add(entry->partitions, day);
    }
    ledger_entry_add_up(entry);
    add_organization(entry, "org-a", 4);
    add_organization(entry, "org-b", 6);
    add_difference(entry, "org-x", "client-a", 4);
    add_difference(entry, "org-x", "client-b", 6);
    return entry;
}

static inline struct partition_day *first_day(struct ledger_entry *entry)
{
    return g_ptr_array_index(entry->partitions, 0);
}

static inline void assert_bytes(const void *a, const void *b, gsize size)
{
    g_assert_true(size == 0 || memcmp(a, b, size) == 0);
}

#endif
