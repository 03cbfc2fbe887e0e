#include "api/days_answer.h"

#include "api/finality.h"
#include "api/writer.h"
#include "lib/civil.h"
#include "lib/hex.h"

bool days_is_erased(const struct days_list *list, guint place)
{
    for (guint i = place + 1; i < list->n_known && list->summaries[i].day == list->summaries[place].day; i++)
        if (list->summaries[i].reason == SEAL_ERASURE)
            return true;
    return false;
}

/* ---- in short ---- */

static void write_day(struct writer *writer, const char *key, int64_t day)
{
    char text[CIVIL_TEXT_MAX];
    size_t size = civil_format_day(text, day);
    writer_text(writer, key, view_make(text, size));
}

static void write_checksum(struct writer *writer, const char *key, const uint8_t checksum[LEDGER_CHECKSUM_SIZE])
{
    char hex[2 * LEDGER_CHECKSUM_SIZE + 1];
    ledger_hex(checksum, hex);
    writer_text(writer, key, view_of(hex));
}

static void write_summary(struct writer *writer, const struct ledger_summary *summary, bool erased, bool counts)
{
    char day[CIVIL_TEXT_MAX];
    civil_format_day(day, summary->day);
    g_autofree char *self = g_strdup_printf("/api/v2/usage/days/%s/revisions/%d", day, summary->revision);
    write_day(writer, "day", summary->day);
    writer_count(writer, "revision", (uint64_t)summary->revision);
    if (counts)
        writer_count(writer, "events", summary->events);
    writer_time_ms(writer, "closedAt", summary->closed_at_ms);
    writer_text(writer, "reason", view_of(ledger_reason(summary->reason)));
    if (counts) {
        writer_count(writer, "late", summary->late);
        writer_count(writer, "gaps", summary->gaps);
    }
    writer_bool(writer, "complete", summary->complete);
    write_checksum(writer, "checksum", summary->checksum);
    if (summary->has_previous)
        write_checksum(writer, "previousChecksum", summary->previous);
    else
        writer_null(writer, "previousChecksum");
    writer_count(writer, "n", summary->n);
    if (counts) {
        writer_count(writer, "duplicates", summary->duplicates);
        writer_count(writer, "quarantined", summary->quarantined);
    }
    if (erased)
        writer_bool(writer, "erased", true);
    writer_text(writer, "selfUri", view_of(self));
}

static void write_entities(struct writer *writer, const struct days_list *list)
{
    writer_begin(writer, "entities", '[');
    for (guint i = 0; i < list->n; i++) {
        writer_begin(writer, NULL, '{');
        write_summary(writer, &list->summaries[i], days_is_erased(list, i), list->counts);
        writer_end(writer, '}');
    }
    writer_end(writer, ']');
}

void days_answer_list(GString *out, const struct days_list *list, const struct days_params *params, int64_t finalized, bool more)
{
    struct writer writer;
    writer_init(&writer, out);
    writer_begin(&writer, NULL, '{');
    write_entities(&writer, list);
    if (finalized == FINALITY_NONE)
        writer_null(&writer, "finalizedThrough");
    else
        write_day(&writer, "finalizedThrough", finalized);
    if (more) {
        const struct ledger_summary *last = &list->summaries[list->n - 1];
        g_autoptr(GString) uri = g_string_new(NULL);
        days_params_next(params, last->day, last->revision, uri);
        writer_text(&writer, "nextUri", view_make(uri->str, uri->len));
    }
    writer_end(&writer, '}');
}

void days_answer_day(GString *out, const struct days_list *list)
{
    struct writer writer;
    writer_init(&writer, out);
    writer_begin(&writer, NULL, '{');
    write_day(&writer, "day", list->summaries[0].day);
    write_entities(&writer, list);
    writer_end(&writer, '}');
}

/* ---- in full ---- */

static void write_stream(struct writer *writer, const struct stream_day *stream, uint32_t partition)
{
    char id[2 * STREAM_ID_SIZE + 1];
    hex_write(id, stream->stream_id, STREAM_ID_SIZE);
    writer_begin(writer, NULL, '{');
    writer_text(writer, "stream", view_of(id));
    writer_text(writer, "collector", view_of(stream->collector));
    writer_bool(writer, "import", stream->import);
    writer_count(writer, "firstSequence", stream->first_sequence);
    writer_count(writer, "lastSequence", stream->last_sequence);
    writer_count(writer, "highWater", stream->high_water);
    if (stream->heard_ms != 0)
        writer_time_ms(writer, "heardAt", stream->heard_ms);
    else
        writer_null(writer, "heardAt");
    writer_bool(writer, "reachedEndOfDay", stream->announced != NULL);
    if (stream->announced != NULL && partition < stream->announced->len)
        writer_count(writer, "announcedSequence", g_array_index(stream->announced, uint64_t, partition));
    writer_end(writer, '}');
}

static void write_partition(struct writer *writer, const struct partition_day *partition)
{
    writer_begin(writer, NULL, '{');
    writer_count(writer, "partition", partition->partition);
    writer_count(writer, "sealOffset", partition->seal_offset);
    writer_time_ms(writer, "sealedAt", partition->sealed_at_ms);
    writer_text(writer, "reason", view_of(ledger_reason(partition->reason)));
    writer_count(writer, "firstOffset", partition->first_offset);
    writer_count(writer, "endOffset", partition->end_offset);
    writer_count(writer, "events", partition->events);
    writer_count(writer, "late", partition->late);
    writer_count(writer, "duplicates", partition->duplicates);
    writer_count(writer, "gaps", partition->gaps);
    writer_count(writer, "gapBatches", partition->gap_batches);
    writer_count(writer, "quarantined", partition->quarantined);
    writer_count(writer, "rows", partition->rows);
    writer_bool(writer, "incomplete", partition->incomplete);
    if (partition->has_sheet)
        write_checksum(writer, "sheetChecksum", partition->sheet_checksum);
    else
        writer_null(writer, "sheetChecksum");
    writer_begin(writer, "streams", '[');
    for (guint i = 0; i < partition->streams->len; i++)
        write_stream(writer, g_ptr_array_index(partition->streams, i), partition->partition);
    writer_end(writer, ']');
    writer_end(writer, '}');
}

static void write_organizations(struct writer *writer, const struct ledger_entry *entry)
{
    writer_begin(writer, "organizations", '[');
    for (guint i = 0; i < entry->organizations->len; i++) {
        const struct organization_total *total = g_ptr_array_index(entry->organizations, i);
        writer_begin(writer, NULL, '{');
        writer_text(writer, "organization", view_of(total->organization));
        writer_count(writer, "requests", total->requests);
        writer_end(writer, '}');
    }
    writer_end(writer, ']');
    writer_begin(writer, "organizationsLeftOut", '{');
    writer_count(writer, "organizations", entry->organizations_left_out);
    writer_count(writer, "requests", entry->organization_requests_left_out);
    writer_end(writer, '}');
}

static void write_differences(struct writer *writer, const struct ledger_entry *entry)
{
    writer_begin(writer, "differences", '[');
    for (guint i = 0; i < entry->differences->len; i++) {
        const struct client_difference *difference = g_ptr_array_index(entry->differences, i);
        writer_begin(writer, NULL, '{');
        writer_text(writer, "organization", view_of(difference->organization));
        writer_text(writer, "client", view_of(difference->client));
        writer_integer(writer, "requests", difference->requests);
        writer_end(writer, '}');
    }
    writer_end(writer, ']');
    writer_begin(writer, "differencesLeftOut", '{');
    writer_count(writer, "clients", entry->differences_left_out);
    writer_integer(writer, "requests", entry->difference_left_out);
    writer_end(writer, '}');
}

void days_answer_revision(GString *out, const struct ledger_summary *summary, const struct ledger_entry *entry, bool erased)
{
    struct writer writer;
    writer_init(&writer, out);
    writer_begin(&writer, NULL, '{');
    write_summary(&writer, summary, erased, true);
    writer_count(&writer, "gapBatches", entry->gap_batches);
    writer_begin(&writer, "partitions", '[');
    for (guint i = 0; i < entry->partitions->len; i++)
        write_partition(&writer, g_ptr_array_index(entry->partitions, i));
    writer_end(&writer, ']');
    write_organizations(&writer, entry);
    write_differences(&writer, entry);
    writer_end(&writer, '}');
}
