/* verify_log: see verify_log.h.
 *
 * Every pass is a whole reading of the log, up to the last seal that the ledger names (partition 0: up to what is counted, since
 * the entries stand there). The first pass compares the entries too. */
#include "cli/verify_log.h"

#include "cli/impossible.h"
#include "cli/lag.h"
#include "cli/log_chain.h"
#include "cli/log_scan.h"
#include "cli/rebuild.h"
#include "cli/sheet_difference.h"
#include "cli/verify_sheets.h"
#include "lib/civil.h"
#include "lib/sheet_fetch.h"

#include <string.h>

enum { TIMEOUT_MS = 30000, LOOK_EVERY = 4096 };

struct pass {
    struct log_check *check;
    struct log_scan scan;
    struct lag lag;
    int64_t *targets; /* by partition */
    struct recount_log *log;
    struct names *names;
    uint64_t sums[COUNTS_N_SUMS];
    struct rebuild **rebuilds;   /* by partition */
    GHashTable *wanted;          /* day -> NULL: days that are still to be made anew */
    GHashTable *postponed;       /* likewise: for another pass */
    GHashTable *seen;            /* "partition day.revision" of the seals that were met */
    struct log_chain *log_chain; /* NULL: compared before */
    struct finding *finding;
    GError *error;
};

/* ---- one sheet ---- */

static const struct partition_day *said_of(const struct ledger_entry *entry, int partition)
{
    for (guint i = 0; i < entry->partitions->len; i++) {
        const struct partition_day *said = g_ptr_array_index(entry->partitions, i);
        if (said->partition == (uint32_t)partition)
            return said;
    }
    return NULL;
}

/* What the books say: counted from the log here, and in the ledger. */
static struct finding *compare_books(const struct pass *pass, const struct sheet_name *name, const struct recount_seal *seal,
                                     const struct partition_day *said)
{
    bool whole = pass->lag.partitions[name->partition].low == 0;
    bool none = seal->first_offset == seal->end_offset && said->first_offset == said->end_offset;
    const struct finding_number numbers[] = {
        {"the seal's offset", (uint64_t)seal->offset, said->seal_offset},
        {"the seal's time by the log's clock, ms", (uint64_t)seal->clock_ms, (uint64_t)said->sealed_at_ms},
        {"events", seal->events, said->events},
        {"late events", seal->late, said->late},
        {"the first offset with events", none ? 0 : (uint64_t)seal->first_offset, none ? 0 : said->first_offset},
        {"the end of the offsets with events", none ? 0 : (uint64_t)seal->end_offset, none ? 0 : said->end_offset},
        /* These may speak of what is gone. */
        {"duplicates", whole ? seal->duplicates : said->duplicates, said->duplicates},
        {"gaps", whole ? seal->gaps : said->gaps, said->gaps},
        {"missing batches", whole ? seal->gap_batches : said->gap_batches, said->gap_batches},
        {"quarantined records", whole ? seal->quarantined : said->quarantined, said->quarantined},
    };
    const struct finding_number *first = finding_first(numbers, G_N_ELEMENTS(numbers));
    if (!first)
        return NULL;
    g_autofree char *what = g_strdup_printf("%s (expected: as in the log)", first->what);
    return finding_new_numbers(verify_sheets_where(name, "the ledger"), what, first->expected, first->found);
}

/* The checksums differ: where? */
static void compare_contents(struct pass *pass, const struct sheet_name *name, const struct partition_day *said, GBytes *made)
{
    struct redis *redis = shards_get(pass->check->shards, name->partition, &pass->error);
    g_autoptr(GBytes) bytes =
        redis ? sheet_fetch(redis, pass->check->archive, name, said->sheet_checksum, NULL, &pass->error) : NULL;
    struct sheet *found = bytes ? sheet_open(bytes, &pass->error) : NULL;
    struct sheet *expected = found ? sheet_open(made, &pass->error) : NULL;
    g_autofree char *prefix = verify_sheets_where(name, "the sheet (expected: as made from the log),");
    uint64_t without_histograms = 0;

    if (expected)
        pass->finding = sheet_difference(expected, found, prefix, &without_histograms);
    pass->check->without_histograms += without_histograms;
    if (expected && !pass->finding && without_histograms == 0) {
        uint8_t checksum[LEDGER_CHECKSUM_SIZE];
        char from_log[2 * LEDGER_CHECKSUM_SIZE + 1], in_ledger[2 * LEDGER_CHECKSUM_SIZE + 1];
        sheet_checksum(made, checksum);
        ledger_hex(checksum, from_log);
        ledger_hex(said->sheet_checksum, in_ledger);
        pass->finding = finding_new(verify_sheets_where(name, "the sheet"), "its SHA-256 (expected: as made from the log)",
                                    from_log, in_ledger);
    }
    sheet_free(found);
    sheet_free(expected);
}

static void compare_sheet(struct pass *pass, const struct sheet_name *name, const struct partition_day *said, GBytes *made)
{
    uint8_t checksum[LEDGER_CHECKSUM_SIZE];

    sheet_checksum(made, checksum);
    if (memcmp(checksum, said->sheet_checksum, sizeof checksum) == 0)
        return;
    if (!chain_is_erased(pass->check->chain, name->day, (uint32_t)name->revision)) {
        compare_contents(pass, name, said, made);
        return;
    }
    char from_log[2 * LEDGER_CHECKSUM_SIZE + 1], in_ledger[2 * LEDGER_CHECKSUM_SIZE + 1];
    ledger_hex(checksum, from_log);
    ledger_hex(said->sheet_checksum, in_ledger);
    pass->finding = finding_new(verify_sheets_where(name, "the ledger"),
                                "the SHA-256 of the sheet (expected: as made from the log)", from_log, in_ledger);
}

/* ---- what the log tells ---- */

static bool is_over(const struct pass *pass)
{
    return pass->finding || pass->error;
}

/* Frees memory: the latest day with rows waits for another pass, unless it is the only one. */
static void postpone(struct pass *pass)
{
    int64_t first = INT64_MAX, last = -1;

    for (int i = 0; i < pass->scan.n_partitions; i++)
        rebuild_span(pass->rebuilds[i], &first, &last);
    if (first >= last)
        return;
    g_hash_table_add(pass->postponed, GINT_TO_POINTER((gint)last));
    for (int i = 0; i < pass->scan.n_partitions; i++)
        rebuild_drop(pass->rebuilds[i], last);
}

static size_t memory_used(const struct pass *pass)
{
    size_t bytes = 0;

    for (int i = 0; i < pass->scan.n_partitions; i++)
        bytes += rebuild_bytes(pass->rebuilds[i]);
    return bytes;
}

static void heard_event(void *opaque, const struct recount_event *event)
{
    struct pass *pass = opaque;

    rebuild_event(pass->rebuilds[event->partition], event);
    if (pass->sums[COUNTS_EVENTS] % LOOK_EVERY == 0 && memory_used(pass) > pass->check->memory_max)
        postpone(pass);
}

static void heard_erasure(void *opaque, const struct recount_erasure *erasure)
{
    struct pass *pass = opaque;

    rebuild_erasure(pass->rebuilds[erasure->partition], erasure);
}

static char *seen_key(const struct sheet_name *name)
{
    return g_strdup_printf("%d %" G_GINT64_FORMAT ".%d", name->partition, name->day, name->revision);
}

static void heard_seal(void *opaque, const struct recount_seal *seal)
{
    struct pass *pass = opaque;
    struct rebuild *rebuild = pass->rebuilds[seal->partition];
    const struct sheet_name name = {seal->partition, seal->day, seal->revision};

    if (seal->partition == 0 && pass->log_chain)
        log_chain_seal(pass->log_chain, seal->day, seal->revision);
    if (is_over(pass) || !rebuild_wants(rebuild, seal->day, seal->revision))
        return;
    const struct chain_link *link = chain_find(pass->check->chain, seal->day, (uint32_t)seal->revision);
    const struct partition_day *said = link ? said_of(link->entry, seal->partition) : NULL;
    g_autoptr(GBytes) made = rebuild_seal(rebuild, seal, &pass->error);
    if (!made || !said)
        return;
    pass->finding = compare_books(pass, &name, seal, said);
    if (!pass->finding)
        compare_sheet(pass, &name, said, made);
    if (g_hash_table_add(pass->seen, seen_key(&name)))
        pass->check->sheets++;
}

static void heard_entry(void *opaque, const struct ledger_link *link, struct view record)
{
    struct pass *pass = opaque;

    if (pass->log_chain && !is_over(pass))
        pass->finding = log_chain_entry(pass->log_chain, link, record);
}

static bool take(void *opaque, const struct kafka_message *message)
{
    struct pass *pass = opaque;

    recount_log_take(pass->log, message->partition, message->offset, message->timestamp_ms,
                     view_make(message->data, message->size));
    pass->check->records++;
    return !is_over(pass);
}

/* ---- which days ---- */

/* Is everything that the ledger says of the day in this partition still in the log? */
static bool is_in_log(const struct pass *pass, int partition, int64_t day)
{
    uint64_t low = (uint64_t)pass->lag.partitions[partition].low;
    const GPtrArray *links = pass->check->chain->links;

    for (guint i = 0; i < links->len; i++) {
        const struct ledger_entry *entry = ((const struct chain_link *)g_ptr_array_index(links, i))->entry;
        const struct partition_day *said = entry->day == day ? said_of(entry, partition) : NULL;
        if (said && (said->seal_offset < low || (said->events > 0 && said->first_offset < low)))
            return false;
    }
    return true;
}

static void leave_out(struct pass *pass, int partition, int64_t number)
{
    char day[CIVIL_TEXT_MAX];

    civil_format_day(day, number);
    g_ptr_array_add(pass->check->left_out, g_strdup_printf("%s in partition %d: its log begins only at offset %" G_GINT64_FORMAT,
                                                           day, partition, pass->lag.partitions[partition].low));
}

/* What is to be made anew of an entry, and how far the log is to be read for it. */
static void want_entry(struct pass *pass, const struct ledger_entry *entry, bool first_pass)
{
    for (guint i = 0; i < entry->partitions->len; i++) {
        const struct partition_day *said = g_ptr_array_index(entry->partitions, i);
        int number = (int)said->partition;
        if (said->partition >= (uint32_t)pass->scan.n_partitions)
            continue;
        bool whole = is_in_log(pass, number, entry->day);
        if (!whole && first_pass && entry->revision == 1)
            leave_out(pass, number, entry->day);
        if (!whole)
            continue;
        rebuild_want(pass->rebuilds[number], entry->day, (int)entry->revision);
        pass->targets[number] = MAX(pass->targets[number], (int64_t)said->seal_offset + 1);
    }
}

static void want_days(struct pass *pass, bool first_pass)
{
    const GPtrArray *links = pass->check->chain->links;

    for (guint i = 0; i < links->len; i++) {
        const struct ledger_entry *entry = ((const struct chain_link *)g_ptr_array_index(links, i))->entry;
        bool wanted = first_pass ? date_range_has(&pass->check->range, entry->day)
                                 : g_hash_table_contains(pass->wanted, GUINT_TO_POINTER(entry->day));
        if (wanted)
            want_entry(pass, entry, first_pass);
    }
    for (int i = 0; i < pass->scan.n_partitions; i++)
        pass->targets[i] = MIN(pass->targets[i], pass->lag.partitions[i].next);
    if (first_pass)
        pass->targets[0] = pass->lag.partitions[0].next;
}

/* ---- passes ---- */

static void begin_pass(struct pass *pass, bool first_pass)
{
    const struct recount_listener listener = {
        .opaque = pass, .users = true, .event = heard_event, .seal = heard_seal, .erasure = heard_erasure, .entry = heard_entry};

    memset(pass->sums, 0, sizeof pass->sums);
    pass->names = names_new();
    pass->log = recount_log_new(pass->scan.n_partitions, pass->names, pass->sums, &listener);
    pass->postponed = g_hash_table_new(g_direct_hash, g_direct_equal);
    for (int i = 0; i < pass->scan.n_partitions; i++) {
        pass->rebuilds[i] = rebuild_new(i);
        pass->targets[i] = 0;
        pass->scan.done[i] = pass->lag.partitions[i].low;
        if (pass->lag.partitions[i].low > 0)
            recount_log_begins_late(pass->log, i);
    }
    want_days(pass, first_pass);
}

static void end_pass(struct pass *pass)
{
    for (int i = 0; i < pass->scan.n_partitions; i++)
        g_clear_pointer(&pass->rebuilds[i], rebuild_free);
    g_clear_pointer(&pass->log, recount_log_free);
    g_clear_pointer(&pass->names, names_free);
    g_clear_pointer(&pass->wanted, g_hash_table_unref);
    pass->wanted = g_steal_pointer(&pass->postponed);
    pass->check->passes++;
}

/* The entries that must be in the log were there. */
static void compare_entries(struct pass *pass)
{
    const struct chain *chain = pass->check->chain;
    uint64_t first = log_chain_first(pass->log_chain), last = log_chain_last(pass->log_chain);

    pass->check->entries = first > 0 ? MIN(last, chain->last) - MIN(first - 1, chain->last) : 0;
    if (last < chain->last && (first > 0 || pass->lag.partitions[0].low == 0))
        pass->finding = finding_new(g_strdup_printf("entry %" G_GUINT64_FORMAT " of the ledger in Redis, {p0}:ledger", last + 1),
                                    "its record in partition 0 of the log", "there", "none that counts");
    else if (pass->check->entries < chain->last)
        g_ptr_array_add(pass->check->left_out,
                        g_strdup_printf("entries 1 to %" G_GUINT64_FORMAT
                                        " of the ledger: the log of partition 0 begins only at offset %" G_GINT64_FORMAT,
                                        chain->last - pass->check->entries, pass->lag.partitions[0].low));
    g_clear_pointer(&pass->log_chain, log_chain_free);
}

static bool run_pass(struct pass *pass, GError **error)
{
    bool first_pass = pass->check->passes == 0;

    begin_pass(pass, first_pass);
    if (first_pass)
        pass->log_chain = log_chain_new(pass->check->chain, pass->lag.partitions[0].low > 0);
    bool ok = log_scan_read(&pass->scan, pass->targets, error);
    if (ok && first_pass && !is_over(pass))
        compare_entries(pass);
    end_pass(pass);
    if (!pass->error)
        return ok;
    if (ok)
        g_propagate_error(error, g_steal_pointer(&pass->error));
    g_clear_error(&pass->error);
    return false;
}

/* Every sheet that was wanted was met as a seal. */
static struct finding *find_unseen(const struct pass *pass)
{
    const GPtrArray *links = pass->check->chain->links;

    for (guint i = 0; i < links->len; i++) {
        const struct ledger_entry *entry = ((const struct chain_link *)g_ptr_array_index(links, i))->entry;
        for (guint k = 0; date_range_has(&pass->check->range, entry->day) && k < entry->partitions->len; k++) {
            const struct partition_day *said = g_ptr_array_index(entry->partitions, k);
            const struct sheet_name name = {(int)said->partition, entry->day, (int)entry->revision};
            g_autofree char *key = seen_key(&name);
            if (g_hash_table_contains(pass->seen, key) ||
                (name.partition < pass->scan.n_partitions && !is_in_log(pass, name.partition, name.day)))
                continue;
            return finding_new_numbers(verify_sheets_where(&name, "the ledger"),
                                       "the seal's offset (expected: there is none in the log that counts)", 0, said->seal_offset);
        }
    }
    return NULL;
}

/* ---- life ---- */

static bool prepare(struct pass *pass, GError **error)
{
    struct log_check *check = pass->check;
    int n = shards_count(check->shards);
    const struct redis_settings redis = {
        .url = check->redis_url, .connect_timeout_ms = TIMEOUT_MS, .command_timeout_ms = TIMEOUT_MS};

    if (!log_scan_init(&pass->scan, &check->kafka, check->topic, error))
        return false;
    if (pass->scan.n_partitions < n)
        return impossible(error, "topic %s has %d partitions, but Redis has counts of %d", check->topic, pass->scan.n_partitions,
                          n);
    pass->scan.n_partitions = n;
    pass->scan.take = take;
    pass->scan.opaque = pass;
    pass->scan.progress = check->progress;
    pass->targets = g_new0(int64_t, (gsize)n);
    pass->rebuilds = g_new0(struct rebuild *, (gsize)n);
    return lag_read_commits(&redis, n, &pass->lag, error) && lag_read_log(pass->scan.reader, &pass->lag, error) &&
           lag_check_topic(&pass->lag, check->topic, "made anew", error);
}

bool verify_log(struct log_check *check, struct finding **finding, GError **error)
{
    struct pass pass = {.check = check, .seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL)};

    check->left_out = g_ptr_array_new_with_free_func(g_free);
    bool ok = prepare(&pass, error);
    do
        ok = ok && run_pass(&pass, error);
    while (ok && !pass.finding && g_hash_table_size(pass.wanted) > 0);
    if (ok && !pass.finding)
        pass.finding = find_unseen(&pass);
    *finding = pass.finding;
    g_clear_pointer(&pass.wanted, g_hash_table_unref);
    g_clear_pointer(&pass.log_chain, log_chain_free);
    g_hash_table_unref(pass.seen);
    g_free(pass.rebuilds);
    g_free(pass.targets);
    lag_clear(&pass.lag);
    log_scan_clear(&pass.scan);
    return ok;
}
