#include "aggregator/entry_make.h"

#include "aggregator/ledger_build.h"
#include "lib/sheet_fetch.h"

struct making {
    struct closing_reader *reader;
    struct archive *archive;
    struct ledger_build *build;
    const struct closing_entry *wanted;
};

/* With what the partition says of it. */
static struct partition_day *closed_of(const struct making *making, int partition, int revision, GError **error)
{
    const struct closing_entry entry = {making->wanted->day, revision};
    struct partition_day *day = closing_reader_closed(making->reader, partition, &entry, error);
    if (!day || day->has_sheet)
        return day;
    g_set_error(error, REDIS_ERROR, REDIS_ERROR_REPLY, "partition %d: nothing is said yet of the sheet of revision %d", partition,
                revision);
    partition_day_free(day);
    return NULL;
}

static struct sheet *sheet_of(const struct making *making, const struct partition_day *day, int revision, GError **error)
{
    const struct sheet_name name = {(int)day->partition, making->wanted->day, revision};
    struct redis *redis = closing_reader_redis(making->reader, name.partition);
    g_autoptr(GBytes) bytes = sheet_fetch(redis, making->archive, &name, day->sheet_checksum, NULL, error);
    return bytes ? sheet_open(bytes, error) : NULL;
}

/* The sheet of the revision before; none where there is none to compare with. */
static bool sheet_before(const struct making *making, int partition, bool erased, struct sheet **sheet, GError **error)
{
    g_autoptr(GError) cause = NULL;
    *sheet = NULL;
    if (!ledger_build_wants_before(making->build, (uint32_t)partition))
        return true;
    int revision = making->wanted->revision - 1;
    struct partition_day *day = closed_of(making, partition, revision, &cause);
    *sheet = day ? sheet_of(making, day, revision, &cause) : NULL;
    partition_day_free(day);
    if (*sheet || erased) /* it may have been removed already, since it names the user */
        return true;
    g_propagate_error(error, g_steal_pointer(&cause));
    return false;
}

static bool add_partition(const struct making *making, int partition, GError **error)
{
    struct partition_day *day = closed_of(making, partition, making->wanted->revision, error);
    struct sheet *sheet = day ? sheet_of(making, day, making->wanted->revision, error) : NULL;
    struct sheet *before = NULL;
    bool ok = sheet && sheet_before(making, partition, day->reason == SEAL_ERASURE, &before, error) &&
              ledger_build_add(making->build, g_steal_pointer(&day), sheet, before, error);
    partition_day_free(day);
    if (sheet)
        sheet_free(sheet);
    if (before)
        sheet_free(before);
    return ok;
}

static bool continue_build(const struct making *making, const struct entry_place *place, GError **error)
{
    const struct closing_entry last = {making->wanted->day, making->wanted->revision - 1};
    if (last.revision == 0)
        return true;
    if (place->before) {
        ledger_build_continue(making->build, place->before);
        return true;
    }
    struct ledger_entry *entry = closing_reader_entry(making->reader, &last, error);
    if (!entry)
        return false;
    ledger_build_continue(making->build, entry);
    ledger_entry_free(entry);
    return true;
}

struct ledger_entry *entry_make(struct closing_reader *reader, struct archive *archive, const struct closing_entry *wanted,
                                const struct entry_place *place, GBytes **record, GError **error)
{
    struct ledger_build *build = ledger_build_new(place->n, place->previous, wanted->day, wanted->revision);
    const struct making making = {reader, archive, build, wanted};
    int partitions = (int)closing_reader_view(reader)->partitions->len;
    bool ok = continue_build(&making, place, error);
    for (int p = 0; ok && p < partitions; p++)
        ok = add_partition(&making, p, error);
    struct ledger_entry *entry = ok ? ledger_build_finish(build, record, error) : NULL;
    ledger_build_free(build);
    return entry;
}
