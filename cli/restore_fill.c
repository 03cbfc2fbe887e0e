/* restore_fill: see restore_fill.h.
 *
 * Redis' own state says what must be there: {p0}:meta how long the ledger is, {pN}:days which revisions have their sheet. What the
 * archive has beyond that is not missing: such a Redis was put back to an earlier state, and the log replays it. Where a day is not
 * in {pN}:days at all although its seal was passed, the day itself was lost, and it is written as it stood after its last entry.
 *
 * A payload that Redis has not applied yet (aggregator/commit.h) does no harm: the next claim writes its absolute values over
 * ours, and then they are the state after that flush. */
#include "cli/restore_fill.h"

#include "cli/impossible.h"
#include "lib/civil.h"
#include "lib/keys.h"
#include "lib/number.h"

#include <string.h>

/* A partition as Redis has it. */
struct part {
    uint64_t next;      /* offset */
    int64_t clock_ms;   /* log clock */
    bool other_topics;  /* was counted from earlier ones: their offsets say nothing */
    GHashTable *days;   /* day + 1 -> struct day_state */
    GHashTable *closed; /* day + 1 -> struct day_state: days that are not in `days`, as the ledger has them */
};

struct filling {
    struct restore *restore;
    struct part *parts;
    int n_parts;
    uint64_t ledger; /* n of the last entry, as Redis has it */
    char *checksum;  /* likewise; "": Redis has none */
};

/* ---- what Redis says ---- */

static bool check_commit(const struct redis_reply *reply, int partition, GError **error)
{
    struct view state = redis_reply_text(redis_reply_at(reply, 0)), topic = redis_reply_text(redis_reply_at(reply, 2));

    if (topic.size > 0)
        return true;
    if (view_is(state, "restoring"))
        return impossible(error, "partition %d is half restored from the log: run daybook restore --from-log once more", partition);
    return impossible(
        error,
        "Redis has no counts of partition %d. Where the log still begins at offset 0, the aggregator counts all again "
        "by itself, and the days come out the same: nothing has to be restored. Where it does not: --from-log",
        partition);
}

static bool read_commit(struct filling *filling, int partition, GError **error)
{
    char key[KEYS_MAX];
    struct redis *redis = shards_get(filling->restore->shards, partition, error);

    keys_plain(key, partition, "commit");
    struct redis_reply *reply = redis ? redis_call(redis, error, "HMGET %s state next topic", key) : NULL;
    if (!reply)
        return false;
    bool ok = check_commit(reply, partition, error);
    if (ok && !number_read(redis_reply_text(redis_reply_at(reply, 1)), &filling->parts[partition].next))
        ok = impossible(error, "the commit record %s in Redis is damaged: next is no number", key);
    redis_reply_free(reply);
    return ok;
}

static bool read_meta(struct filling *filling, int partition, GError **error)
{
    char key[KEYS_MAX];
    uint64_t topics = 0;
    struct part *part = &filling->parts[partition];
    struct redis *redis = shards_get(filling->restore->shards, partition, error);

    keys_plain(key, partition, "meta");
    struct redis_reply *reply = redis ? redis_call(redis, error, "HMGET %s clock topics ledger ledger_checksum", key) : NULL;
    if (!reply)
        return false;
    number_read_signed(redis_reply_text(redis_reply_at(reply, 0)), &part->clock_ms);
    number_read(redis_reply_text(redis_reply_at(reply, 1)), &topics);
    part->other_topics = topics > 0;
    if (partition == 0) {
        struct view checksum = redis_reply_text(redis_reply_at(reply, 3));
        number_read(redis_reply_text(redis_reply_at(reply, 2)), &filling->ledger);
        filling->checksum = g_strndup(checksum.size > 0 ? checksum.data : "", checksum.size);
    }
    redis_reply_free(reply);
    return true;
}

static gpointer day_key(int64_t day)
{
    return GINT_TO_POINTER((gint)day + 1);
}

static bool read_days(struct filling *filling, int partition, GError **error)
{
    struct redis_reply *reply = shards_hash(filling->restore->shards, partition, "days", error);
    bool ok = reply != NULL;

    for (size_t i = 0; ok && i + 1 < redis_reply_count(reply); i += 2) {
        struct day_state *state = g_new0(struct day_state, 1);
        int64_t day;
        ok = number_read_signed(redis_reply_text(redis_reply_at(reply, i)), &day) && day >= 0 && day < INT32_MAX &&
             day_state_read(redis_reply_text(redis_reply_at(reply, i + 1)), state);
        if (ok)
            g_hash_table_replace(filling->parts[partition].days, day_key(day), g_steal_pointer(&state));
        else
            impossible(error, "{p%d}:days in Redis has a field that cannot be read", partition);
        g_free(state);
    }
    redis_reply_free(reply);
    return ok;
}

/* The archive must be of this ledger. */
static bool check_ledger(struct filling *filling, GError **error)
{
    const struct archive_chain *chain = filling->restore->chain;
    char hex[2 * LEDGER_CHECKSUM_SIZE + 1];

    if (filling->ledger == 0 || filling->ledger > archive_chain_count(chain) || !filling->checksum || !*filling->checksum)
        return true;
    ledger_hex(archive_chain_at(chain, (guint)filling->ledger - 1)->checksum, hex);
    if (strcmp(hex, filling->checksum) == 0)
        return true;
    return impossible(error,
                      "the archive is of another ledger: Redis says that entry %" G_GUINT64_FORMAT
                      " has the SHA-256 %s, in the archive it has %s",
                      filling->ledger, filling->checksum, hex);
}

/* Where meta has lost the length of the ledger: as many entries as the days of partition 0 say are in it. */
static void guess_ledger(struct filling *filling)
{
    const struct archive_chain *chain = filling->restore->chain;
    guint n = 0;

    if (filling->ledger > 0)
        return;
    for (; n < archive_chain_count(chain); n++) {
        const struct archived_entry *entry = archive_chain_at(chain, n);
        const struct day_state *state = g_hash_table_lookup(filling->parts[0].days, day_key(entry->day));
        if (!state || (uint32_t)state->ledgered < entry->revision)
            break;
    }
    filling->ledger = n;
}

/* ---- what is missing ---- */

/* Has the partition passed the seal, and has it the sheet? */
static bool has_sheet(const struct part *part, uint32_t number, uint32_t revision, const struct partition_day *day)
{
    const struct day_state *state = g_hash_table_lookup(part->days, day_key(number));

    if (state)
        return (uint32_t)state->sheeted >= revision;
    return part->other_topics ? day->sealed_at_ms <= part->clock_ms : day->seal_offset < part->next;
}

static void note_day(struct part *part, const struct ledger_entry *entry, bool ledgered)
{
    struct day_state *state = g_hash_table_lookup(part->closed, day_key(entry->day));

    if (g_hash_table_contains(part->days, day_key(entry->day)))
        return;
    if (!state) {
        state = g_new0(struct day_state, 1);
        g_hash_table_insert(part->closed, day_key(entry->day), state);
    }
    state->sealed = state->sheeted = (int)entry->revision; /* the later entry of a day has the higher revision */
    state->ledgered = ledgered ? (int)entry->revision : 0;
}

static void check_ledgered(struct filling *filling, guint i, const struct ledger_entry *entry)
{
    const struct day_state *state = g_hash_table_lookup(filling->parts[0].days, day_key(entry->day));
    char date[CIVIL_TEXT_MAX];

    if (!state || (uint32_t)state->ledgered >= entry->revision)
        return;
    civil_format_day(date, entry->day);
    restore_problem(filling->restore,
                    "entry %u of the ledger closes %s in revision %u, but {p0}:days has revision %d: it was left so", i + 1, date,
                    entry->revision, state->ledgered);
}

static bool fill_entry(struct filling *filling, guint i, GError **error)
{
    g_autoptr(GBytes) record = archive_chain_record(filling->restore->chain, i, error);
    gsize size;
    const void *data = record ? g_bytes_get_data(record, &size) : NULL;
    struct ledger_entry *entry = record ? ledger_entry_parse(view_make(data, size), error) : NULL;

    if (!entry)
        return false;
    bool ok = restore_entry(filling->restore, i, view_make(data, size), error);
    check_ledgered(filling, i, entry);
    for (guint k = 0; ok && k < entry->partitions->len; k++) {
        const struct partition_day *day = g_ptr_array_index(entry->partitions, k);
        if (day->partition >= (uint32_t)filling->n_parts ||
            !has_sheet(&filling->parts[day->partition], entry->day, entry->revision, day))
            continue;
        note_day(&filling->parts[day->partition], entry, day->partition == 0);
        ok = restore_generation(filling->restore, entry, day, error);
    }
    ledger_entry_free(entry);
    return ok;
}

/* By {pN}:closed, which may be ahead of the ledger. */
static bool fill_sheet(struct filling *filling, int partition, struct view generation, struct view bytes, GError **error)
{
    struct sheet_name name = {.partition = partition};
    g_autoptr(GError) cause = NULL;
    struct partition_day *day = partition_day_parse(bytes, &cause);
    const struct day_state *state = NULL;

    if (!day || !generation_read(generation, &name.day, &name.revision)) {
        restore_problem(filling->restore, "field %.*s of {p%d}:closed in Redis cannot be read: it was left as it is",
                        (int)MIN(generation.size, 64), generation.data, partition);
        partition_day_free(day);
        return true;
    }
    state = g_hash_table_lookup(filling->parts[partition].days, day_key(name.day));
    bool ok = !day->has_sheet || (state && state->sheeted < name.revision) ||
              restore_sheet(filling->restore, &name, day->sheet_checksum, error);
    partition_day_free(day);
    return ok;
}

static bool fill_sheets(struct filling *filling, int partition, GError **error)
{
    struct redis_reply *reply = shards_hash(filling->restore->shards, partition, "closed", error);
    bool ok = reply != NULL;
    g_autofree char *what = g_strdup_printf("partition %d of %d: sheets", partition, filling->n_parts);

    for (size_t i = 0; ok && i + 1 < redis_reply_count(reply); i += 2) {
        restore_progress(filling->restore, what, i / 2, redis_reply_count(reply) / 2);
        ok = fill_sheet(filling, partition, redis_reply_text(redis_reply_at(reply, i)),
                        redis_reply_text(redis_reply_at(reply, i + 1)), error);
    }
    redis_reply_free(reply);
    return ok;
}

static bool fill_days(struct filling *filling, int partition, GError **error)
{
    GHashTableIter iter;
    gpointer key, state;
    bool ok = true;

    g_hash_table_iter_init(&iter, filling->parts[partition].closed);
    while (ok && g_hash_table_iter_next(&iter, &key, &state)) {
        char text[DAY_TEXT_MAX], field[NUMBER_MAX + 1];
        size_t size = day_state_write(state, text);
        field[number_write(field, (uint64_t)(GPOINTER_TO_INT(key) - 1))] = '\0';
        const struct restore_field wanted = {"days", field, view_make(text, size), false};
        ok = restore_field(filling->restore, partition, &wanted, &filling->restore->days, error);
    }
    return ok;
}

static bool fill_meta(struct filling *filling, uint64_t last, GError **error)
{
    char n[NUMBER_MAX + 1], hex[2 * LEDGER_CHECKSUM_SIZE + 1];

    if (last == 0)
        return true;
    n[number_write(n, last)] = '\0';
    ledger_hex(archive_chain_at(filling->restore->chain, (guint)last - 1)->checksum, hex);
    const struct restore_field fields[] = {{"meta", "ledger", view_of(n), false},
                                           {"meta", "ledger_checksum", view_of(hex), false},
                                           {"meta", "archived", view_of(n), false}};
    bool ok = true;
    for (size_t i = 0; ok && i < G_N_ELEMENTS(fields); i++)
        ok = restore_field(filling->restore, 0, &fields[i], NULL, error);
    return ok;
}

/* Entries that are too new for the archive can only be in Redis. */
static bool check_rest(struct filling *filling, uint64_t last, GError **error)
{
    struct redis *redis = shards_get(filling->restore->shards, 0, error);
    struct redis_reply *reply = NULL;

    for (uint64_t n = last + 1; redis && n <= filling->ledger; n++) {
        char field[NUMBER_MAX + 1];
        field[number_write(field, n)] = '\0';
        if (!(reply = redis_call(redis, error, "HEXISTS {p0}:ledger %s", field)))
            return false;
        if (redis_reply_integer(reply) == 0)
            restore_problem(filling->restore, "entry %s of the ledger is neither in Redis nor in the archive", field);
        redis_reply_free(reply);
    }
    return redis != NULL;
}

static bool fill_all(struct filling *filling, GError **error)
{
    uint64_t last = MIN(filling->ledger, archive_chain_count(filling->restore->chain));

    for (guint i = 0; i < last; i++) {
        restore_progress(filling->restore, "entries of the ledger", i, last);
        if (!fill_entry(filling, i, error))
            return false;
    }
    for (int i = 0; i < filling->n_parts; i++)
        if (!fill_sheets(filling, i, error) || !fill_days(filling, i, error))
            return false;
    return filling->ledger > last ? check_rest(filling, last, error) : fill_meta(filling, last, error);
}

/* ---- order ---- */

static bool read_all(struct filling *filling, GError **error)
{
    for (int i = 0; i < filling->n_parts; i++)
        if (!read_commit(filling, i, error) || !read_meta(filling, i, error) || !read_days(filling, i, error))
            return false;
    guess_ledger(filling);
    return check_ledger(filling, error);
}

static void forget(struct filling *filling)
{
    for (int i = 0; i < filling->n_parts; i++) {
        g_hash_table_remove_all(filling->parts[i].days);
        g_hash_table_remove_all(filling->parts[i].closed);
    }
    g_clear_pointer(&filling->checksum, g_free);
    filling->ledger = 0;
}

/* Looks first: what cannot be restored shall not stop anybody. Then once more, behind the fence. */
static bool fill(struct filling *filling, GError **error)
{
    struct fence *fence = filling->restore->fence;
    bool ok = read_all(filling, error);
    int raised = 0;

    for (; ok && raised < filling->n_parts; raised++)
        ok = fence_raise(fence, raised, error);
    forget(filling);
    ok = ok && read_all(filling, error) && fill_all(filling, error);
    /* What was added is right whatever happened: nobody has to wait. */
    for (int i = 0; i < raised; i++)
        ok = fence_lower(fence, i, ok ? error : NULL) && ok;
    return ok;
}

bool restore_fill(struct restore *restore, GError **error)
{
    struct filling filling = {.restore = restore, .n_parts = shards_count(restore->shards)};

    filling.parts = g_new0(struct part, (gsize)filling.n_parts);
    for (int i = 0; i < filling.n_parts; i++) {
        filling.parts[i].days = g_hash_table_new_full(NULL, NULL, NULL, g_free);
        filling.parts[i].closed = g_hash_table_new_full(NULL, NULL, NULL, g_free);
    }
    bool ok = fill(&filling, error);
    restore_progress_end(restore);
    for (int i = 0; i < filling.n_parts; i++) {
        g_hash_table_destroy(filling.parts[i].days);
        g_hash_table_destroy(filling.parts[i].closed);
    }
    g_free(filling.parts);
    g_free(filling.checksum);
    return ok;
}
