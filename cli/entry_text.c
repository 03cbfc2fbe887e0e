/* entry_text: see entry_text.h. */
#include "cli/entry_text.h"

#include "lib/civil.h"

enum { CHECKSUM_SHOWN = 12 };

void entry_text_heading(FILE *out)
{
    fprintf(out, "%-10s %4s %14s %10s %11s %6s  %-8s %-9s  %-20s  %s\n", "day", "rev.", "events", "late", "duplicates", "gaps",
            "complete", "reason", "closed at", "checksum");
}

void entry_text_line(const struct chain_link *link, FILE *out)
{
    const struct ledger_entry *entry = link->entry;
    char day[CIVIL_TEXT_MAX], closed[CIVIL_TEXT_MAX], checksum[2 * LEDGER_CHECKSUM_SIZE + 1];

    civil_format_day(day, entry->day);
    civil_format(closed, entry->closed_at_ms);
    ledger_hex(link->checksum, checksum);
    fprintf(out,
            "%-10s %4u %14" G_GUINT64_FORMAT " %10" G_GUINT64_FORMAT " %11" G_GUINT64_FORMAT " %6" G_GUINT64_FORMAT
            "  %-8s %-9s  %-20s  %.*s\n",
            day, entry->revision, entry->events, entry->late, entry->duplicates, entry->gaps, entry->complete ? "yes" : "no",
            ledger_reason(entry->reason), closed, CHECKSUM_SHOWN, checksum);
}

json_t *entry_text_json(const struct chain_link *link)
{
    const struct ledger_entry *entry = link->entry;
    char day[CIVIL_TEXT_MAX], closed[CIVIL_TEXT_MAX];
    char checksum[2 * LEDGER_CHECKSUM_SIZE + 1], previous[2 * LEDGER_CHECKSUM_SIZE + 1];
    json_t *object;

    civil_format_day(day, entry->day);
    civil_format_ms(closed, entry->closed_at_ms);
    ledger_hex(link->checksum, checksum);
    ledger_hex(entry->previous_checksum, previous);
    object =
        json_pack("{s:I,s:s,s:i,s:s,s:s,s:b,s:s}", "n", (json_int_t)entry->n, "day", day, "revision", (int)entry->revision,
                  "reason", ledger_reason(entry->reason), "closedAt", closed, "complete", entry->complete, "checksum", checksum);
    json_object_set_new(object, "previousChecksum", entry->has_previous ? json_string(previous) : json_null());
    const struct {
        const char *name;
        uint64_t value;
    } counts[] = {
        {"events", entry->events},          {"late", entry->late},
        {"duplicates", entry->duplicates},  {"gaps", entry->gaps},
        {"gapBatches", entry->gap_batches}, {"quarantined", entry->quarantined},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(counts); i++)
        json_object_set_new(object, counts[i].name, json_integer((json_int_t)counts[i].value));
    return object;
}
