/* partition_close: what the records that close days do (proto/usage.proto says when they count). */
#include "aggregator/partition_private.h"

#include "lib/keys.h"
#include "lib/log.h"

void partition_take_seal(struct partition *partition, const struct fed *fed)
{
    const struct day_seal *seal = &fed->record.seal;
    if (partition->clock_ms < ((int64_t)seal->day + 1) * KEYS_DAY_MS) {
        partition_quarantine(partition, fed, "a seal for a day that is not over by the log's clock");
        return;
    }
    struct day *day = days_get(partition->days, seal->day);
    if (seal->revision != (uint32_t)day->state.sealed + 1 || day->state.sealed + 1 >= LEDGER_REVISION_MAX) {
        mirror_add(partition->meta, "seals_ignored", 1);
        return;
    }
    const struct seal_point point = {fed->log->offset, partition->clock_ms, seal->reason,
                                     mirror_number(partition->meta, "incomplete_before"), partition->clock_ms - STREAM_KEPT_MS};
    days_seal(partition->days, day, &point, partition->hw, partition->hb);
    mirror_add(partition->meta, "seals", 1);
}

/* Does the entry go on where the chain ends? */
static bool links_on(const struct partition *partition, const struct ledger_link *link, const struct day *day)
{
    char previous[2 * LEDGER_CHECKSUM_SIZE + 1] = "";
    const char *last = mirror_get(partition->meta, "ledger_checksum");
    if (link->has_previous)
        ledger_hex(link->previous_checksum, previous);
    return link->n == (uint64_t)mirror_number(partition->meta, "ledger") + 1 && strcmp(previous, last ? last : "") == 0 &&
           link->revision == (uint32_t)day->state.ledgered + 1 && link->revision <= (uint32_t)day->state.sealed;
}

void partition_take_ledger(struct partition *partition, const struct fed *fed)
{
    const struct ledger_link *link = &fed->record.ledger;
    const struct view record = view_make(fed->log->data, fed->log->size);
    uint8_t checksum[LEDGER_CHECKSUM_SIZE];
    char hex[2 * LEDGER_CHECKSUM_SIZE + 1], n[32], generation[64];
    if (partition->number != 0) {
        partition_quarantine(partition, fed, "a ledger entry outside of partition 0");
        return;
    }
    g_autoptr(GError) error = NULL;
    struct ledger_entry *entry = ledger_entry_parse(record, &error);
    if (!entry) {
        partition_quarantine(partition, fed, error->message);
        return;
    }
    ledger_entry_free(entry);
    struct day *day = days_get(partition->days, link->day);
    if (!links_on(partition, link, day)) {
        mirror_add(partition->meta, "ledger_ignored", 1);
        return;
    }
    ledger_checksum(record, checksum);
    ledger_hex(checksum, hex);
    g_snprintf(n, sizeof n, "%" G_GUINT64_FORMAT, link->n);
    g_snprintf(generation, sizeof generation, "%u.%u", link->day, link->revision);
    outbox_put(partition->outbox, "ledger", n, record);
    outbox_put(partition->outbox, "entries", generation, view_of(n));
    mirror_set_number(partition->meta, "ledger", (int64_t)link->n);
    mirror_set_number(partition->meta, "ledger_offset", fed->log->offset);
    mirror_set(partition->meta, "ledger_checksum", hex);
    days_enter_ledger(day);
    log_info("day_closed", "day=%u revision=%u entry=%" G_GUINT64_FORMAT " checksum=%s", link->day, link->revision, link->n, hex);
}

/* The first one counts: a user has one pseudonym. */
void partition_take_erasure(struct partition *partition, const struct fed *fed)
{
    const struct erasure *erasure = &fed->record.erasure;
    g_autofree char *user = g_strndup(erasure->user.data, erasure->user.size);
    if (mirror_get(partition->erasures, user))
        return;
    g_autofree char *text =
        g_strdup_printf("%" G_GINT64_FORMAT " %.*s", fed->log->offset, (int)erasure->pseudonym.size, erasure->pseudonym.data);
    mirror_set(partition->erasures, user, text);
}
