/* verify_chain: see verify_chain.h. An entry is compared with its copy in the archive first: so a changed one is named, and not the
 * next one, whose link does not fit any more. */
#include "cli/verify_chain.h"

#include "lib/civil.h"
#include "lib/keys.h"
#include "lib/number.h"

#include <string.h>

enum { PROGRESS_EVERY = 64 };

static char *where_of(const struct chain_link *link, const char *place)
{
    char day[CIVIL_TEXT_MAX] = "";

    if (!link->entry)
        return g_strdup_printf("entry %" G_GUINT64_FORMAT " of the ledger in %s", link->n, place);
    civil_format_day(day, link->entry->day);
    return g_strdup_printf("entry %" G_GUINT64_FORMAT " (%s, revision %u) of the ledger in %s", link->n, day, link->entry->revision,
                           place);
}

static char *where_in_redis(const struct chain_link *link)
{
    return where_of(link, "Redis, {p0}:ledger");
}

/* ---- the copy in the archive ---- */

static struct finding *compare_bytes(const struct chain_link *link, GBytes *copy, const char *path)
{
    uint8_t checksum[LEDGER_CHECKSUM_SIZE];
    char archived[2 * LEDGER_CHECKSUM_SIZE + 1], redis[2 * LEDGER_CHECKSUM_SIZE + 1];
    gsize size;
    const void *data = g_bytes_get_data(copy, &size);

    ledger_checksum(view_make(data, size), checksum);
    if (memcmp(checksum, link->checksum, sizeof checksum) == 0)
        return NULL;
    ledger_hex(checksum, archived);
    ledger_hex(link->checksum, redis);
    g_autofree char *what = g_strdup_printf("its SHA-256 (expected: that of its copy in the archive, %s)", path);
    return finding_new(where_in_redis(link), what, archived, redis);
}

static bool check_archive(struct chain_check *check, const struct chain_link *link, struct finding **finding, GError **error)
{
    g_autofree char *path = archive_entry_path(check->archive, link->n);
    g_autoptr(GError) cause = NULL;
    g_autoptr(GBytes) copy = archive_get_entry(check->archive, link->n, &cause);

    if (copy) {
        *finding = compare_bytes(link, copy, path);
        check->archived++;
        return true;
    }
    if (!g_error_matches(cause, ARCHIVE_ERROR, ARCHIVE_ERROR_MISSING) &&
        !g_error_matches(cause, ARCHIVE_ERROR, ARCHIVE_ERROR_DAMAGED)) {
        g_propagate_error(error, g_steal_pointer(&cause));
        return false;
    }
    bool missing = cause->code == ARCHIVE_ERROR_MISSING;
    if (missing && link->n > check->chain->archived)
        return true; /* it is on its way there */
    g_autofree char *place = g_strdup_printf("the archive, %s", path);
    *finding =
        finding_new(where_of(link, place), "its file", "the Record with the entry", missing ? "no such file" : cause->message);
    return true;
}

/* ---- one entry ---- */

static struct finding *compare_numbers(const struct chain_link *link, const struct finding_number *numbers, size_t n)
{
    const struct finding_number *first = finding_first(numbers, n);

    return first ? finding_new_numbers(where_in_redis(link), first->what, first->expected, first->found) : NULL;
}

/* Does it follow the one before, and the day's revision before? */
static struct finding *check_link(const struct chain_link *link, const struct chain_link *before, GHashTable *revisions)
{
    const struct ledger_entry *entry = link->entry;
    uint32_t revision = GPOINTER_TO_UINT(g_hash_table_lookup(revisions, GUINT_TO_POINTER(entry->day)));
    const struct finding_number numbers[] = {
        {"its number n", link->n, entry->n},
        {"whether it has a previous entry's checksum (1: yes)", before != NULL, entry->has_previous},
        {"its revision (expected: the day's last one in the ledger + 1)", revision + 1, entry->revision},
    };
    struct finding *finding = compare_numbers(link, numbers, G_N_ELEMENTS(numbers));

    if (finding)
        return finding;
    g_hash_table_insert(revisions, GUINT_TO_POINTER(entry->day), GUINT_TO_POINTER(entry->revision));
    if (!before || memcmp(entry->previous_checksum, before->checksum, sizeof before->checksum) == 0)
        return NULL;
    char expected[2 * LEDGER_CHECKSUM_SIZE + 1], found[2 * LEDGER_CHECKSUM_SIZE + 1];
    ledger_hex(before->checksum, expected);
    ledger_hex(entry->previous_checksum, found);
    g_autofree char *previous = where_in_redis(before);
    g_autofree char *what = g_strdup_printf("the previous entry's checksum (expected: the SHA-256 of %s)", previous);
    return finding_new(where_in_redis(link), what, expected, found);
}

/* An entry that would be too long leaves the announcements of streams out, or even streams; whether the day is complete was decided
 * before. So with an announcement nothing was left out. */
static bool lists_all_streams(const struct ledger_entry *entry)
{
    for (guint i = 0; i < entry->partitions->len; i++) {
        const struct partition_day *day = g_ptr_array_index(entry->partitions, i);
        for (guint k = 0; k < day->streams->len; k++) {
            if (((const struct stream_day *)g_ptr_array_index(day->streams, k))->announced)
                return true;
        }
    }
    return false;
}

/* Whether the entry must say that it is complete, as far as can be told. */
static bool must_be_complete(const struct ledger_entry *said, const struct ledger_entry *sums)
{
    if (lists_all_streams(said))
        return sums->complete;
    return said->complete && sums->gaps == 0 && sums->quarantined == 0;
}

/* What it says of all partitions together must be what it says of each. */
static struct finding *check_sums(const struct chain_link *link)
{
    const struct ledger_entry *said = link->entry;
    gsize size;
    const void *data = g_bytes_get_data(link->record, &size);
    struct ledger_entry *sums = ledger_entry_parse(view_make(data, size), NULL);
    uint64_t organizations = said->organization_requests_left_out;

    ledger_entry_add_up(sums);
    for (guint i = 0; i < said->organizations->len; i++)
        organizations += ((const struct organization_total *)g_ptr_array_index(said->organizations, i))->requests;
    const struct finding_number numbers[] = {
        {"events (expected: the sum over the partitions)", sums->events, said->events},
        {"late events (expected: the sum over the partitions)", sums->late, said->late},
        {"duplicates (expected: the sum over the partitions)", sums->duplicates, said->duplicates},
        {"gaps (expected: the sum over the partitions)", sums->gaps, said->gaps},
        {"missing batches (expected: the sum over the partitions)", sums->gap_batches, said->gap_batches},
        {"quarantined records (expected: the sum over the partitions)", sums->quarantined, said->quarantined},
        {"the time of closing, ms (expected: the partitions' last seal)", (uint64_t)sums->closed_at_ms,
         (uint64_t)said->closed_at_ms},
        {"whether it is complete (1: yes; expected: what the streams say)", must_be_complete(said, sums), said->complete},
        {"its reason (of proto/usage.proto; expected: that of the partitions)", sums->reason, said->reason},
        {"the sum over the organizations (expected: the events)", said->events, organizations},
    };
    struct finding *finding = compare_numbers(link, numbers, G_N_ELEMENTS(numbers));
    ledger_entry_free(sums);
    return finding;
}

static bool check_entry(struct chain_check *check, guint i, GHashTable *revisions, struct finding **finding, GError **error)
{
    const struct chain_link *link = g_ptr_array_index(check->chain->links, i);
    const struct chain_link *before = i > 0 ? g_ptr_array_index(check->chain->links, i - 1) : NULL;

    if (!link->entry) {
        *finding = finding_new(where_in_redis(link), "the entry", "a Record with an entry of the ledger", link->fault);
        return true;
    }
    if (check->archive && !check_archive(check, link, finding, error))
        return false;
    if (!*finding)
        *finding = check_link(link, before, revisions);
    if (!*finding)
        *finding = check_sums(link);
    return true;
}

/* ---- what stands beside the entries ---- */

static struct finding *check_last(const struct chain *chain)
{
    const struct chain_link *last = chain->links->len ? g_ptr_array_index(chain->links, chain->links->len - 1) : NULL;
    char expected[2 * LEDGER_CHECKSUM_SIZE + 1] = "";

    if (last)
        ledger_hex(last->checksum, expected);
    if (strcmp(expected, chain->checksum) == 0)
        return NULL;
    return finding_new(g_strdup("Redis, {p0}:meta, ledger_checksum"), "the SHA-256 of the last entry",
                       *expected ? expected : "none", *chain->checksum ? chain->checksum : "none");
}

/* {p0}:entries leads from a day and revision to the entry's number. */
static bool check_index(const struct chain_check *check, struct finding **finding, GError **error)
{
    g_autoptr(GHashTable) index = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    struct redis_reply *reply = shards_hash(check->shards, 0, "entries", error);

    if (!reply)
        return false;
    for (size_t i = 0; i + 1 < redis_reply_count(reply); i += 2) {
        struct view field = redis_reply_text(redis_reply_at(reply, i)), n = redis_reply_text(redis_reply_at(reply, i + 1));
        g_hash_table_replace(index, g_strndup(field.data, field.size), g_strndup(n.data, n.size));
    }
    redis_reply_free(reply);
    for (guint i = 0; i < check->chain->links->len && !*finding; i++) {
        const struct chain_link *link = g_ptr_array_index(check->chain->links, i);
        g_autofree char *field = g_strdup_printf("%u.%u", link->entry->day, link->entry->revision);
        g_autofree char *n = g_strdup_printf("%" G_GUINT64_FORMAT, link->n);
        const char *said = g_hash_table_lookup(index, field);
        if (g_strcmp0(said, n) != 0)
            *finding =
                finding_new(g_strdup_printf("Redis, {p0}:entries, %s", field), "the number of the entry", n, said ? said : "none");
    }
    return true;
}

bool verify_chain(struct chain_check *check, struct finding **finding, GError **error)
{
    g_autoptr(GHashTable) revisions = g_hash_table_new(g_direct_hash, g_direct_equal);
    const GPtrArray *links = check->chain->links;
    bool ok = true;

    *finding = NULL;
    for (guint i = 0; ok && !*finding && i < links->len; i++) {
        ok = check_entry(check, i, revisions, finding, error);
        if (check->progress && i % PROGRESS_EVERY == 0)
            fprintf(stderr, "\r\033[Kentries of the ledger: %u of %u", i, links->len);
    }
    if (check->progress)
        fputs("\r\033[K", stderr);
    if (ok && !*finding)
        *finding = check_last(check->chain);
    return ok && (*finding || check_index(check, finding, error));
}
