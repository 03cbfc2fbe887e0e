/* model_closing: what the log says of closed days: which seals count, what the sheet of each is, and the ledger. A sheet is made
 * event by event of all that was counted for its day, from the log's bytes; no bucket and no sheet of a revision before is looked
 * at. For test_commit_model.c alone. */
#ifndef DAYBOOK_TEST_MODEL_CLOSING_H
#define DAYBOOK_TEST_MODEL_CLOSING_H

#include "lib/sheet.h"
#include "tests/unit/model_oracle.h"

struct sealed {
    int64_t day, clock_ms; /* clock_ms: of the log, at the seal */
    int revision;
    enum seal_reason reason;
    GBytes *sheet;  /* canonical */
    GBytes *closed; /* PartitionDay, with the sheet */
    uint8_t checksum[SHEET_CHECKSUM_SIZE];
};

static void sealed_free(gpointer opaque)
{
    struct sealed *sealed = opaque;
    g_bytes_unref(sealed->sheet);
    g_bytes_unref(sealed->closed);
    g_free(sealed);
}

static struct oracle *oracle_new(GArray *log)
{
    struct oracle *oracle = g_new0(struct oracle, 1);
    oracle->log = log;
    oracle->parser = record_parser_new();
    oracle->again = record_parser_new();
    GHashTable **const tables[] = {&oracle->sums,     &oracle->marks,    &oracle->beats,   &oracle->ids,
                                   &oracle->erasures, &oracle->by_entry, &oracle->refusals};
    for (size_t i = 0; i < G_N_ELEMENTS(tables); i++)
        *tables[i] = string_table();
    oracle->by_day = g_hash_table_new(g_int64_hash, g_int64_equal);
    oracle->days = g_ptr_array_new_with_free_func(oracle_day_free);
    oracle->refused = g_ptr_array_new_with_free_func(g_free);
    oracle->sealed = g_ptr_array_new_with_free_func(sealed_free);
    oracle->entries = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
    return oracle;
}

static void oracle_free(struct oracle *oracle)
{
    GHashTable *const tables[] = {oracle->sums,     oracle->marks,    oracle->beats,    oracle->ids,
                                  oracle->erasures, oracle->by_entry, oracle->refusals, oracle->by_day};
    GPtrArray *const lists[] = {oracle->days, oracle->sealed, oracle->entries, oracle->refused};
    for (size_t i = 0; i < G_N_ELEMENTS(tables); i++)
        g_hash_table_destroy(tables[i]);
    for (size_t i = 0; i < G_N_ELEMENTS(lists); i++)
        g_ptr_array_free(lists[i], TRUE);
    record_parser_free(oracle->parser);
    record_parser_free(oracle->again);
    g_free(oracle);
}

/* ---- sheets ---- */

static void add_row(const struct oracle *oracle, struct sheet_builder *builder, const struct event *event)
{
    g_autofree char *user = text(event->user);
    const char *erased = g_hash_table_lookup(oracle->erasures, user);
    struct sheet_row row = {.organization = event->organization,
                            .client = event->client,
                            .user = erased ? view_of(strchr(erased, ' ') + 1) : event->user,
                            .method = event->method,
                            .template = event->route,
                            .platform = event->platform,
                            .slot = (uint32_t)(event->time_ms % KEYS_DAY_MS / KEYS_SLOT_MS)};
    measure_init(&row.measure);
    measure_add(&row.measure, event->status, event->latency_us, event->request_bytes, event->response_bytes, true);
    g_assert_true(sheet_builder_add(builder, &row, NULL));
    measure_clear(&row.measure);
}

/* All that was counted for the day, with the users who are erased by now. */
static GBytes *make_sheet(const struct oracle *oracle, const struct oracle_day *day, int revision, uint64_t *rows)
{
    struct sheet_builder *builder = sheet_builder_new();
    struct record record;
    struct event event;
    guint parsed = G_MAXUINT;
    for (guint i = 0; i < day->counted->len; i++) {
        const struct counted *counted = &g_array_index(day->counted, struct counted, i);
        GBytes *bytes = g_array_index(oracle->log, struct entry, counted->record).bytes;
        if (parsed != counted->record)
            g_assert_true(record_parse(oracle->again, g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes), &record, NULL));
        parsed = counted->record;
        batch_event(&record.batch, counted->event, &event);
        add_row(oracle, builder, &event);
    }
    *rows = sheet_builder_totals(builder)->rows;
    const struct sheet_header header = {0, (uint32_t)day->number, (uint32_t)revision, (uint64_t)day->whole.first_offset,
                                        (uint64_t)day->whole.end_offset};
    GBytes *bytes = sheet_builder_finish(builder, &header, NULL);
    sheet_builder_free(builder);
    return bytes;
}

/* ---- streams ---- */

/* What is known at the seal of a stream that was heard since the one before. */
static void renew_stream(const struct oracle *oracle, const struct oracle_day *day, const char *name, const struct span *span)
{
    struct stream_day *stream = g_hash_table_lookup(day->streams, name);
    const struct mark *mark = live_mark(oracle, name);
    const struct beat *beat = live_beat(oracle, name);
    if (!stream) {
        stream = stream_day_new();
        for (size_t i = 0; i < STREAM_ID_SIZE; i++)
            stream->stream_id[i] = (uint8_t)(g_ascii_xdigit_value(name[2 * i]) * 16 + g_ascii_xdigit_value(name[2 * i + 1]));
        g_hash_table_insert(day->streams, g_strdup(name), stream);
    }
    if (stream->first_sequence == 0 || (span->first > 0 && span->first < stream->first_sequence))
        stream->first_sequence = span->first;
    stream->last_sequence = MAX(stream->last_sequence, span->last);
    if (mark) {
        stream->high_water = MAX(stream->high_water, mark->sequence);
        stream->heard_ms = MAX(stream->heard_ms, mark->created_ms);
    }
    if (!beat)
        return;
    g_free(stream->collector);
    stream->collector = g_strdup(beat->collector);
    stream->heard_ms = MAX(stream->heard_ms, beat->clock_ms);
    if (beat->clock_ms < (day->number + 1) * KEYS_DAY_MS)
        return;
    g_clear_pointer(&stream->announced, g_array_unref);
    stream->announced = g_array_new(FALSE, FALSE, sizeof(uint64_t));
    g_array_append_vals(stream->announced, beat->announced, G_N_ELEMENTS(beat->announced));
}

static gint by_name(gconstpointer a, gconstpointer b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Adds copies, ascending: the packing wants them so. */
static void list_streams(const struct oracle *oracle, struct oracle_day *day, GPtrArray *list)
{
    GHashTableIter iter;
    gpointer name, span;
    guint n;
    g_hash_table_iter_init(&iter, day->heard);
    while (g_hash_table_iter_next(&iter, &name, &span))
        renew_stream(oracle, day, name, span);
    g_autofree gpointer *names = g_hash_table_get_keys_as_array(day->streams, &n);
    qsort(names, n, sizeof *names, by_name);
    for (guint i = 0; i < n; i++) {
        const struct stream_day *stream = g_hash_table_lookup(day->streams, names[i]);
        struct stream_day *copy = g_memdup2(stream, sizeof *stream);
        copy->collector = g_strdup(stream->collector);
        copy->announced = stream->announced ? g_array_copy(stream->announced) : NULL;
        g_ptr_array_add(list, copy);
    }
}

/* ---- seals ---- */

static GBytes *pack_closed(const struct oracle *oracle, struct oracle_day *day, const struct sealed *sealed, uint64_t rows)
{
    struct partition_day *closed = partition_day_new();
    closed->seal_offset = oracle->next;
    closed->sealed_at_ms = sealed->clock_ms;
    closed->reason = sealed->reason;
    closed->first_offset = (uint64_t)day->whole.first_offset;
    closed->end_offset = (uint64_t)day->whole.end_offset;
    closed->events = day->whole.events;
    closed->late = day->whole.events - day->on_time;
    closed->duplicates = day->whole.duplicates;
    closed->gaps = day->whole.gaps;
    closed->gap_batches = day->whole.gap_batches;
    closed->quarantined = day->whole.quarantined;
    closed->rows = rows;
    closed->has_sheet = true;
    memcpy(closed->sheet_checksum, sealed->checksum, sizeof closed->sheet_checksum);
    list_streams(oracle, day, closed->streams);
    GBytes *bytes = partition_day_pack(closed);
    partition_day_free(closed);
    return bytes;
}

static void take_seal(struct oracle *oracle, const struct day_seal *seal)
{
    uint64_t rows;
    if (oracle->clock_ms < ((int64_t)seal->day + 1) * KEYS_DAY_MS) {
        oracle->quarantined++; /* a seal is no usage: nothing is missing from a day */
        return;
    }
    struct oracle_day *day = oracle_day(oracle, seal->day);
    if ((int)seal->revision != day->sealed + 1) {
        oracle->seals_ignored++;
        return;
    }
    if (++day->sealed == 1)
        day->on_time = day->whole.events;
    struct sealed *sealed = g_new(struct sealed, 1);
    *sealed = (struct sealed){.day = day->number, .clock_ms = oracle->clock_ms, .revision = day->sealed, .reason = seal->reason};
    sealed->sheet = make_sheet(oracle, day, sealed->revision, &rows);
    sheet_checksum(sealed->sheet, sealed->checksum);
    sealed->closed = pack_closed(oracle, day, sealed, rows);
    g_ptr_array_add(oracle->sealed, sealed);
    day->open = (struct open_day){0};
    day->has_open = false;
    g_hash_table_remove_all(day->heard);
}

/* ---- the ledger ---- */

static void take_entry(struct oracle *oracle, const struct ledger_link *link, GBytes *record)
{
    char previous[65] = "";
    struct oracle_day *day = oracle_day(oracle, link->day);
    if (link->has_previous)
        ledger_hex(link->previous_checksum, previous);
    if (link->n != oracle->entries->len + 1 || strcmp(previous, oracle->last_checksum) != 0 ||
        (int)link->revision != day->ledgered + 1 || day->ledgered == day->sealed) {
        oracle->ledger_ignored++;
        return;
    }
    day->ledgered++;
    g_ptr_array_add(oracle->entries, g_bytes_ref(record));
    g_hash_table_insert(oracle->by_entry, g_strdup_printf("%u.%u", link->day, link->revision),
                        g_strdup_printf("%u", oracle->entries->len));
    g_autofree char *hex = g_compute_checksum_for_bytes(G_CHECKSUM_SHA256, record);
    g_strlcpy(oracle->last_checksum, hex, sizeof oracle->last_checksum);
    oracle->ledger_offset = oracle->next;
}

static void take_erasure(const struct oracle *oracle, const struct erasure *erasure)
{
    g_autofree char *user = text(erasure->user), *pseudonym = text(erasure->pseudonym);
    if (!g_hash_table_contains(oracle->erasures, user))
        g_hash_table_insert(oracle->erasures, g_strdup(user), g_strdup_printf("%u %s", oracle->next, pseudonym));
}

/* ---- records ---- */

static void take_record(struct oracle *oracle, const struct record *record, GBytes *bytes)
{
    switch (record->kind) {
    case RECORD_BATCH:
        take_batch(oracle, &record->batch);
        break;
    case RECORD_HEARTBEAT:
        take_heartbeat(oracle, &record->heartbeat);
        break;
    case RECORD_SEAL:
        take_seal(oracle, &record->seal);
        break;
    case RECORD_LEDGER:
        take_entry(oracle, &record->ledger, bytes);
        break;
    case RECORD_ERASURE:
        take_erasure(oracle, &record->erasure);
        break;
    }
}

/* Reads on to the end of the log. */
static void oracle_read(struct oracle *oracle)
{
    struct record record;
    for (; oracle->next < oracle->log->len; oracle->next++) {
        const struct entry *entry = &g_array_index(oracle->log, struct entry, oracle->next);
        oracle->clock_ms = MAX(oracle->clock_ms, entry->timestamp_ms);
        if (oracle->next == 0)
            oracle->first_ms = oracle->clock_ms;
        gsize size;
        const void *data = g_bytes_get_data(entry->bytes, &size);
        if (record_parse(oracle->parser, data, size, &record, NULL))
            take_record(oracle, &record, entry->bytes);
        else
            quarantine(oracle);
    }
}

#endif
