#include "api/ledger_read.h"

#include "lib/keys.h"
#include "lib/log.h"
#include "lib/number.h"

enum { AT_ONCE = 8 }; /* entries read together: one may hold thousands of organizations */

/* One copy of an entry. */
struct copy {
    struct ledger_entry *entry; /* NULL: missing, or no entry of that number */
    uint8_t checksum[LEDGER_CHECKSUM_SIZE];
    char *fault; /* why there is none: the end of a sentence */
};

static void copy_clear(struct copy *copy)
{
    if (copy->entry != NULL)
        ledger_entry_free(copy->entry);
    g_free(copy->fault);
    *copy = (struct copy){0};
}

static void read_copy(struct copy *copy, struct view record, uint64_t n)
{
    g_autoptr(GError) error = NULL;
    char hex[2 * LEDGER_CHECKSUM_SIZE + 1];
    ledger_checksum(record, copy->checksum);
    ledger_hex(copy->checksum, hex);
    copy->entry = ledger_entry_parse(record, &error);
    if (copy->entry == NULL) {
        copy->fault = g_strdup_printf("it is no entry (its SHA-256 is %s): %s", hex, error->message);
    } else if (copy->entry->n != n) {
        copy->fault = g_strdup_printf("it is entry %" G_GUINT64_FORMAT " (its SHA-256 is %s)", copy->entry->n, hex);
        g_clear_pointer(&copy->entry, ledger_entry_free);
    }
}

/* ---- from Redis ---- */

struct fetch {
    const uint64_t *numbers;
    struct copy *copies;
    guint n;
};

static void take_records(struct reader *reader, const struct redis_reply *reply, void *opaque, size_t a, size_t b)
{
    (void)reader, (void)a, (void)b;
    const struct fetch *fetch = opaque;
    for (guint i = 0; i < fetch->n; i++) {
        const struct redis_reply *record = redis_reply_at(reply, i);
        if (redis_reply_kind(record) == REDIS_STRING)
            read_copy(&fetch->copies[i], redis_reply_text(record), fetch->numbers[i]);
        else
            fetch->copies[i].fault = g_strdup("it is not there");
    }
}

static bool read_from_redis(const struct ledger_place *place, struct fetch *fetch, GError **error)
{
    char key[KEYS_MAX], numbers[2 * AT_ONCE][NUMBER_MAX];
    struct view argv[2 + 2 * AT_ONCE];
    g_assert(fetch->n <= 2 * AT_ONCE);
    argv[0] = view_of("HMGET");
    argv[1] = view_make(key, keys_plain(key, 0, "ledger"));
    for (guint i = 0; i < fetch->n; i++)
        argv[2 + i] = view_make(numbers[i], number_write(numbers[i], fetch->numbers[i]));
    reader_ask(place->reader, 0, argv, fetch->n + 2, (struct reader_then){.take = take_records, .opaque = fetch});
    return reader_finish(place->reader, error);
}

/* ---- from the archive ---- */

static void read_from_archive(const struct ledger_place *place, uint64_t n, struct copy *copy)
{
    g_autoptr(GError) error = NULL;
    if (place->archive == NULL) {
        copy->fault = g_strdup("there is no archive");
        return;
    }
    GBytes *record = archive_get_entry(place->archive, n, &error);
    if (record == NULL) {
        copy->fault = g_strdup(error->message);
        return;
    }
    gsize size;
    const void *data = g_bytes_get_data(record, &size);
    read_copy(copy, view_make(data, size), n);
    g_bytes_unref(record);
}

/* ---- proof ---- */

static bool read_alone(const struct ledger_place *place, uint64_t n, GError **error);

/* The checksum that entry n must have, as one copy of the entry behind it says; false: it says nothing. */
static bool expectation(const struct copy *next, uint8_t checksum[LEDGER_CHECKSUM_SIZE])
{
    if (next->entry == NULL || !next->entry->has_previous)
        return false;
    memcpy(checksum, next->entry->previous_checksum, LEDGER_CHECKSUM_SIZE);
    return true;
}

static bool is_proved(const struct copy *copy, const uint8_t checksum[LEDGER_CHECKSUM_SIZE])
{
    return copy->entry != NULL && memcmp(copy->checksum, checksum, LEDGER_CHECKSUM_SIZE) == 0;
}

static void describe(const struct copy *copy, char **sentence)
{
    char hex[2 * LEDGER_CHECKSUM_SIZE + 1];
    ledger_hex(copy->checksum, hex);
    *sentence = copy->fault != NULL ? g_strdup(copy->fault) : g_strdup_printf("its SHA-256 is %s", hex);
}

static bool refuse(uint64_t n, const struct copy *redis, const struct copy *archive, const uint8_t checksum[LEDGER_CHECKSUM_SIZE],
                   GError **error)
{
    char hex[2 * LEDGER_CHECKSUM_SIZE + 1];
    g_autofree char *in_redis = NULL, *in_archive = NULL;
    ledger_hex(checksum, hex);
    describe(redis, &in_redis);
    describe(archive, &in_archive);
    g_set_error(error, READER_ERROR, READER_ERROR_COPY,
                "Entry %" G_GUINT64_FORMAT " of the ledger is damaged: its SHA-256 must be %s. In Redis, field %" G_GUINT64_FORMAT
                " of {p0}:ledger: %s. In the archive: %s.",
                n, hex, n, in_redis, in_archive);
    return false;
}

/* The entry behind is damaged: its own refusal says more, if it can be proved to be. */
static bool refuse_unproved(const struct ledger_place *place, uint64_t n, const struct copy *next, GError **error)
{
    g_autoptr(GError) reason = NULL;
    if (place->alone || read_alone(place, n + 1, &reason))
        g_set_error(&reason, READER_ERROR, READER_ERROR_COPY,
                    "The entry behind it, field %" G_GUINT64_FORMAT " of {p0}:ledger, is damaged: %s.", n + 1,
                    next != NULL && next->fault != NULL ? next->fault : "it names no entry before it");
    g_set_error(error, READER_ERROR, READER_ERROR_COPY, "Entry %" G_GUINT64_FORMAT " of the ledger cannot be proved. %s", n,
                reason->message);
    return false;
}

/* Checks Redis' copy of entry n, or puts the archive's in its place. next: Redis' copy of the entry behind it, NULL when its
 * summary is known or n is the last. */
static bool settle(const struct ledger_place *place, uint64_t n, struct copy *copy, const struct copy *next, GError **error)
{
    uint8_t checksum[LEDGER_CHECKSUM_SIZE];
    struct ledger_summary behind;
    struct copy archived = {0}, archived_next = {0};
    bool known = true;
    if (n == place->index->n) {
        memcpy(checksum, place->index->checksum, sizeof checksum);
    } else if (ledger_index_recall(place->index, n + 1, &behind)) {
        memcpy(checksum, behind.previous, sizeof checksum);
    } else {
        known = next != NULL && expectation(next, checksum);
        if (!known || !is_proved(copy, checksum)) { /* which of the two is damaged? */
            read_from_archive(place, n + 1, &archived_next);
            known = expectation(&archived_next, checksum) || known;
        }
        copy_clear(&archived_next);
    }
    if (!known)
        return refuse_unproved(place, n, next, error);
    if (is_proved(copy, checksum))
        return true;
    read_from_archive(place, n, &archived);
    bool ok = is_proved(&archived, checksum) || refuse(n, copy, &archived, checksum, error);
    if (ok) {
        log_warn("entry_from_archive", "n=%" G_GUINT64_FORMAT " why=%s", n, copy->fault != NULL ? copy->fault : "another checksum");
        copy_clear(copy);
        *copy = archived;
        return true;
    }
    copy_clear(&archived);
    return false;
}

static void sum_up(const struct copy *copy, struct ledger_summary *summary)
{
    const struct ledger_entry *entry = copy->entry;
    memset(summary, 0, sizeof *summary);
    *summary = (struct ledger_summary){
        .n = entry->n,
        .day = entry->day,
        .revision = (int)entry->revision,
        .reason = entry->reason,
        .closed_at_ms = entry->closed_at_ms,
        .events = entry->events,
        .late = entry->late,
        .duplicates = entry->duplicates,
        .gaps = entry->gaps,
        .quarantined = entry->quarantined,
        .complete = entry->complete,
        .has_previous = entry->has_previous,
        .partitions = entry->partitions->len,
    };
    memcpy(summary->checksum, copy->checksum, sizeof summary->checksum);
    memcpy(summary->previous, entry->previous_checksum, sizeof summary->previous);
}

/* ---- what is asked for ---- */

/* Position of a number among those that are fetched, put there if need be. */
static guint place_of(struct fetch *fetch, uint64_t *numbers, uint64_t n)
{
    for (guint i = 0; i < fetch->n; i++)
        if (numbers[i] == n)
            return i;
    numbers[fetch->n] = n;
    return fetch->n++;
}

/* Reads and checks up to AT_ONCE entries, and hands each out; `each` may take its entry. */
typedef void use_entry(struct copy *copy, const struct ledger_summary *summary, void *opaque);
static bool read_some(const struct ledger_place *place, const uint64_t *wanted, guint n_wanted, use_entry *each, void *opaque,
                      GError **error)
{
    uint64_t numbers[2 * AT_ONCE];
    struct copy copies[2 * AT_ONCE] = {{0}};
    struct fetch fetch = {numbers, copies, 0};
    struct ledger_summary summary;
    guint next[AT_ONCE];
    for (guint i = 0; i < n_wanted; i++)
        place_of(&fetch, numbers, wanted[i]);
    for (guint i = 0; i < n_wanted; i++) {
        bool needed = wanted[i] < place->index->n && !ledger_index_recall(place->index, wanted[i] + 1, &summary);
        next[i] = needed ? place_of(&fetch, numbers, wanted[i] + 1) : G_MAXUINT;
    }
    bool ok = read_from_redis(place, &fetch, error);
    for (guint i = 0; ok && i < n_wanted; i++)
        ok = settle(place, wanted[i], &copies[i], next[i] != G_MAXUINT ? &copies[next[i]] : NULL, error);
    for (guint i = 0; ok && i < n_wanted; i++) {
        sum_up(&copies[i], &summary);
        ledger_index_learn(place->index, &summary);
        each(&copies[i], &summary, opaque);
    }
    for (guint i = 0; i < fetch.n; i++)
        copy_clear(&copies[i]);
    return ok;
}

static void take_nothing(struct copy *copy, const struct ledger_summary *summary, void *opaque)
{
    (void)copy, (void)summary, (void)opaque;
}

static bool read_alone(const struct ledger_place *place, uint64_t n, GError **error)
{
    struct ledger_place alone = *place;
    alone.alone = true;
    return read_some(&alone, &n, 1, take_nothing, NULL, error);
}

/* The entry says what the index says. */
static bool check_line(const struct ledger_line *line, const struct ledger_summary *summary, GError **error)
{
    if (line->day == summary->day && line->revision == summary->revision)
        return true;
    g_set_error(error, READER_ERROR, READER_ERROR_COPY,
                "The ledger's index is damaged: field %d.%d of {p0}:entries names entry %" G_GUINT64_FORMAT
                ", which is that of day %d, revision %d.",
                (int)line->day, line->revision, line->n, (int)summary->day, summary->revision);
    return false;
}

struct taken {
    struct ledger_entry *entry;
    struct ledger_summary *summary;
};

static void take_entry(struct copy *copy, const struct ledger_summary *summary, void *opaque)
{
    struct taken *taken = opaque;
    taken->entry = g_steal_pointer(&copy->entry);
    *taken->summary = *summary;
}

struct ledger_entry *ledger_read_entry(const struct ledger_place *place, guint position, struct ledger_summary *summary,
                                       GError **error)
{
    const struct ledger_line *line = ledger_index_at(place->index, position);
    struct taken taken = {NULL, summary};
    if (!read_some(place, &line->n, 1, take_entry, &taken, error))
        return NULL;
    if (check_line(line, summary, error))
        return taken.entry;
    ledger_entry_free(taken.entry);
    return NULL;
}

bool ledger_read_summaries(const struct ledger_place *place, guint first, guint end, struct ledger_summary *summaries,
                           GError **error)
{
    uint64_t wanted[AT_ONCE];
    guint n = 0;
    bool ok = true;
    for (guint i = first; ok && i < end; i++) {
        if (!ledger_index_recall(place->index, ledger_index_at(place->index, i)->n, &summaries[i - first]))
            wanted[n++] = ledger_index_at(place->index, i)->n;
        if (n == AT_ONCE || (n > 0 && i + 1 == end)) {
            ok = read_some(place, wanted, n, take_nothing, NULL, error);
            n = 0;
        }
    }
    for (guint i = first; ok && i < end; i++) {
        const struct ledger_line *line = ledger_index_at(place->index, i);
        bool known = ledger_index_recall(place->index, line->n, &summaries[i - first]);
        g_assert(known);
        ok = check_line(line, &summaries[i - first], error);
    }
    return ok;
}

/* ---- sheets ---- */

static GPtrArray *sheets_of(const struct ledger_entry *entry)
{
    GPtrArray *sheets = g_ptr_array_new_with_free_func(g_free);
    for (guint i = 0; i < entry->partitions->len; i++) {
        const struct partition_day *part = g_ptr_array_index(entry->partitions, i);
        if (part->events == 0)
            continue;
        struct sheet_want *want = g_new0(struct sheet_want, 1);
        want->name = (struct sheet_name){(int)part->partition, entry->day, (int)entry->revision};
        want->events = part->events;
        want->rows = part->rows;
        memcpy(want->checksum, part->sheet_checksum, sizeof want->checksum);
        g_ptr_array_add(sheets, want);
    }
    return sheets;
}

struct closings {
    struct ledger_index *index;
    struct ledger_closing *wanted[AT_ONCE];
    guint n;
};

static void take_closing(struct copy *copy, const struct ledger_summary *summary, void *opaque)
{
    struct closings *closings = opaque;
    struct ledger_closing *closing = closings->wanted[closings->n++];
    closing->summary = *summary;
    closing->sheets = sheets_of(copy->entry);
    ledger_index_learn_sheets(closings->index, summary->n, closing->sheets);
}

static bool recall_closing(struct ledger_index *index, uint64_t n, struct ledger_closing *closing)
{
    if (!ledger_index_recall(index, n, &closing->summary))
        return false;
    closing->sheets = ledger_index_recall_sheets(index, n);
    return closing->sheets != NULL;
}

bool ledger_read_closings(const struct ledger_place *place, const guint *positions, guint n, struct ledger_closing *closings,
                          GError **error)
{
    uint64_t wanted[AT_ONCE];
    guint n_wanted = 0;
    bool ok = true;
    struct closings reading = {.index = place->index};
    for (guint i = 0; i < n; i++)
        closings[i] = (struct ledger_closing){.sheets = NULL};
    for (guint i = 0; ok && i < n; i++) {
        const uint64_t number = ledger_index_at(place->index, positions[i])->n;
        if (!recall_closing(place->index, number, &closings[i])) {
            reading.wanted[n_wanted] = &closings[i];
            wanted[n_wanted++] = number;
        }
        if (n_wanted == AT_ONCE || (n_wanted > 0 && i + 1 == n)) {
            ok = read_some(place, wanted, n_wanted, take_closing, &reading, error);
            n_wanted = reading.n = 0;
        }
    }
    for (guint i = 0; ok && i < n; i++)
        ok = check_line(ledger_index_at(place->index, positions[i]), &closings[i].summary, error);
    return ok;
}
