#include "aggregator/closing.h"

#include "aggregator/frozen.h"
#include "aggregator/sheet_work.h"
#include "lib/civil.h"
#include "lib/crashpoint.h"
#include "lib/keys.h"
#include "lib/log.h"
#include "lib/number.h"
#include "lib/sheet_fetch.h"

enum { STEP_US = 20000, RETRY_MS = 15000, ENTRIES_MAX = 64 };
/* The buckets of a closed day stay so long: readers that began before its sheet was there still find them. */
static const int64_t BUCKETS_KEPT_MS = 2 * KEYS_DAY_MS, ERASED_KEPT_MS = 3600 * 1000;

enum phase { IDLE, READING, MAKING, ARCHIVING, ENTRIES };

struct closing {
    struct closing_settings settings;
    enum phase phase;
    bool has_turn; /* this process' one sheet is ours */
    struct day *day;
    int revision;
    struct partition_day *result, *before; /* of this revision; of the one before, NULL for the first */
    GBytes *sheet_before;                  /* canonical */
    struct sheet_builder *builder;
    struct frozen *frozen;
    struct sheet_work *work; /* on its way */
    int64_t entries_retry_at_ms, now_ms;
    char *trouble;
};

/* ---- one at a time ---- */

static gint turn_taken;

/* Without threads the caller plays several processes. */
static bool take_turn(struct closing *closing)
{
    closing->has_turn = closing->has_turn || (closing->settings.threads && g_atomic_int_compare_and_exchange(&turn_taken, 0, 1));
    return closing->has_turn || !closing->settings.threads;
}

static void pass_turn(struct closing *closing)
{
    if (closing->has_turn)
        g_atomic_int_set(&turn_taken, 0);
    closing->has_turn = false;
}

static void drop_work(struct closing *closing)
{
    g_clear_pointer(&closing->work, sheet_work_free); /* waits for it */
    g_clear_pointer(&closing->frozen, frozen_free);
    g_clear_pointer(&closing->builder, sheet_builder_free);
    g_clear_pointer(&closing->sheet_before, g_bytes_unref);
    g_clear_pointer(&closing->result, partition_day_free);
    g_clear_pointer(&closing->before, partition_day_free);
    closing->day = NULL;
    closing->phase = IDLE;
    pass_turn(closing);
}

struct closing *closing_new(const struct closing_settings *settings)
{
    struct closing *closing = g_new0(struct closing, 1);
    closing->settings = *settings;
    return closing;
}

void closing_free(struct closing *closing)
{
    if (!closing)
        return;
    drop_work(closing);
    g_free(closing->trouble);
    g_free(closing);
}

const char *closing_trouble(const struct closing *closing)
{
    return closing->trouble;
}

static void end_trouble(struct closing *closing)
{
    if (closing->entries_retry_at_ms == 0 && !days_held(closing->settings.days))
        g_clear_pointer(&closing->trouble, g_free);
}

/* Not the partition's failure: the day waits, and it is tried again. Takes the error. */
static bool hold_open(struct closing *closing, GError *error)
{
    char date[CIVIL_TEXT_MAX] = "";
    if (closing->day)
        civil_format_day(date, closing->day->number);
    g_autofree char *text = closing->day ? g_strdup_printf("day %s is held open: %s", date, error->message)
                                         : g_strdup_printf("the ledger is not archived: %s", error->message);
    if (g_strcmp0(text, closing->trouble) != 0)
        log_error("closing_held_open", "partition=%d error=%s", closing->settings.partition, text);
    g_free(closing->trouble);
    closing->trouble = g_steal_pointer(&text);
    *(closing->day ? &closing->day->retry_at_ms : &closing->entries_retry_at_ms) = closing->now_ms + RETRY_MS;
    g_error_free(error);
    drop_work(closing);
    return true;
}

/* Only a COMMIT_ERROR is the partition's; takes the cause. */
static bool fail(struct closing *closing, GError *cause, GError **error)
{
    if (cause->domain != COMMIT_ERROR)
        return hold_open(closing, cause);
    g_propagate_error(error, cause);
    return false;
}

/* ---- beginning ---- */

static struct sheet_name name_of(const struct closing *closing, int revision)
{
    return (struct sheet_name){closing->settings.partition, closing->day->number, revision};
}

struct asked {
    struct closing *closing;
    GError *error; /* not the partition's */
    bool is_before;
};

static bool day_read(void *opaque, const struct redis_reply *reply, GError **error)
{
    struct asked *asked = opaque;
    struct closing *closing = asked->closing;
    struct partition_day **to = asked->is_before ? &closing->before : &closing->result;
    g_autoptr(GError) cause = NULL;
    (void)error;
    /* Nothing at all would be a day without events. */
    *to = redis_reply_kind(reply) == REDIS_STRING ? partition_day_parse(redis_reply_text(reply), &cause) : NULL;
    if (*to && (!asked->is_before || (*to)->has_sheet))
        return true;
    g_clear_pointer(to, partition_day_free);
    g_clear_error(&asked->error);
    g_set_error(&asked->error, SHEET_ERROR, SHEET_ERROR_ROW, "what Redis has of its revision %d cannot be read: %s",
                closing->revision - asked->is_before, cause ? cause->message : "it is not there, or has no sheet");
    return true;
}

static bool sheet_read(void *opaque, const struct redis_reply *reply, GError **error)
{
    struct asked *asked = opaque;
    struct closing *closing = asked->closing;
    const struct sheet_name name = name_of(closing, closing->revision - 1);
    (void)error;
    if (!closing->before)
        return true; /* said already */
    closing->sheet_before = sheet_fetch_reply(reply, &name, closing->before->sheet_checksum, &asked->error);
    if (!closing->sheet_before && closing->settings.archive) {
        g_clear_error(&asked->error);
        closing->sheet_before = archive_get_sheet(closing->settings.archive, &name, closing->before->sheet_checksum, &asked->error);
    }
    return true;
}

static void ask_day(struct closing *closing, struct asked *asked, int revision)
{
    char key[KEYS_MAX], field[64];
    size_t size = keys_plain(key, closing->settings.partition, "closed");
    g_snprintf(field, sizeof field, "%" G_GINT64_FORMAT ".%d", closing->day->number, revision);
    const struct view words[] = {view_of("HGET"), view_make(key, size), view_of(field)};
    commit_ask(closing->settings.commit, day_read, asked, G_N_ELEMENTS(words), words);
}

static bool begin(struct closing *closing, GError **error)
{
    char key[KEYS_MAX];
    struct asked result = {.closing = closing}, before = {.closing = closing, .is_before = true};
    ask_day(closing, &result, closing->revision);
    if (closing->revision > 1) {
        ask_day(closing, &before, closing->revision - 1);
        size_t size = keys_sheet(key, closing->settings.partition, closing->day->number, closing->revision - 1);
        const struct view words[] = {view_of("GET"), view_make(key, size)};
        commit_ask(closing->settings.commit, sheet_read, &before, G_N_ELEMENTS(words), words);
    }
    bool ok = commit_read(closing->settings.commit, error);
    GError *cause = result.error ? result.error : before.error;
    if (!ok || result.error)
        g_clear_error(&before.error);
    if (!ok)
        g_clear_error(&result.error);
    if (!ok || cause)
        return ok && hold_open(closing, cause);
    closing->builder = sheet_builder_new();
    closing->frozen = frozen_new(closing->settings.partition, closing->day->number, closing->revision, closing->builder);
    closing->phase = READING;
    return true;
}

/* ---- reading ---- */

/* The rows must be what was counted: the number kept with the flushes, and the one that the seal wrote down. */
static bool check_sum(struct closing *closing, GError **error)
{
    char field[64];
    g_snprintf(field, sizeof field, "cnt:%" G_GINT64_FORMAT ".%d", closing->day->number, closing->revision);
    uint64_t rows = sheet_builder_totals(closing->builder)->requests;
    uint64_t counted = (uint64_t)mirror_number(closing->settings.meta, field), sealed = closing->result->events;
    if (rows == counted && counted == sealed)
        return true;
    if (!commit_guard(closing->settings.commit, error))
        return false;
    g_set_error(error, COMMIT_ERROR, *closing->settings.sum_failed ? COMMIT_ERROR_DAMAGED : COMMIT_ERROR_LOST,
                "partition %d: the buckets of day %" G_GINT64_FORMAT " in revision %d have %" G_GUINT64_FORMAT
                " requests, but %" G_GUINT64_FORMAT " were counted and %" G_GUINT64_FORMAT
                " sealed: somebody changed Redis. Restore a backup: the log replays the rest",
                closing->settings.partition, closing->day->number, closing->revision, rows, counted, sealed);
    *closing->settings.sum_failed = true;
    return false;
}

static struct sheet_work *start_work(struct closing *closing)
{
    struct partition_day *result = closing->result;
    if (closing->before)
        partition_day_continue(result, closing->before);
    const struct sheet_header header = {(uint32_t)closing->settings.partition, (uint32_t)closing->day->number,
                                        (uint32_t)closing->revision, result->first_offset, result->end_offset};
    return sheet_work_make(g_steal_pointer(&closing->builder), &header, g_steal_pointer(&closing->sheet_before),
                           erasures_before(closing->settings.erasures, result->seal_offset), closing->settings.threads);
}

static bool read_piece(struct closing *closing, GError **error)
{
    GError *cause = NULL;
    bool done;
    if (!frozen_step(closing->frozen, closing->settings.commit, &done, &cause))
        return fail(closing, cause, error);
    crashpoint("sheet.middle");
    if (!done)
        return true;
    g_clear_pointer(&closing->frozen, frozen_free);
    if (!check_sum(closing, error))
        return false;
    closing->work = start_work(closing);
    closing->phase = MAKING;
    return true;
}

/* ---- writing ---- */

static bool compare_taken(void *opaque, const struct redis_reply *reply, GError **error)
{
    struct asked *asked = opaque;
    const struct sheet_name name = name_of(asked->closing, asked->closing->revision);
    (void)error;
    GBytes *there = sheet_fetch_reply(reply, &name, asked->closing->result->sheet_checksum, &asked->error);
    if (there)
        g_bytes_unref(there);
    return true;
}

/* What is in Redis already must be the same sheet. */
static bool compare_sheet(struct closing *closing, struct view key, GError **error)
{
    struct asked asked = {.closing = closing};
    const struct view words[] = {view_of("GET"), key};
    commit_ask(closing->settings.commit, compare_taken, &asked, G_N_ELEMENTS(words), words);
    if (!commit_read(closing->settings.commit, error)) {
        g_clear_error(&asked.error);
        return false;
    }
    return !asked.error || hold_open(closing, asked.error);
}

static bool write_sheet(struct closing *closing, GError **error)
{
    char key[KEYS_MAX];
    bool taken;
    gsize size;
    const struct view name = view_make(key, keys_sheet(key, closing->settings.partition, closing->day->number, closing->revision));
    GBytes *packed = sheet_work_packed(closing->work);
    const void *data = g_bytes_get_data(packed, &size);
    crashpoint("sheet.before");
    if (!commit_put_sheet(closing->settings.commit, name, view_make(data, size), &taken, error))
        return false;
    crashpoint("sheet.written");
    if (taken && !compare_sheet(closing, name, error))
        return false;
    if (closing->phase == IDLE)
        return true; /* held open */
    const struct sheet_name sheet = name_of(closing, closing->revision);
    closing->phase = ARCHIVING;
    sheet_work_archive(closing->work, closing->settings.archive, &sheet);
    return true;
}

static bool made(struct closing *closing, GError **error)
{
    GError *cause = sheet_work_error(closing->work);
    if (cause)
        return hold_open(closing, cause);
    struct partition_day *result = closing->result;
    const struct sheet_totals *totals = sheet_work_totals(closing->work);
    result->has_sheet = true;
    result->rows = totals->rows;
    memcpy(result->sheet_checksum, sheet_work_checksum(closing->work), sizeof result->sheet_checksum);
    if (totals->requests != result->events)
        return hold_open(closing,
                         g_error_new(SHEET_ERROR, SHEET_ERROR_ROW,
                                     "its sheet has %" G_GUINT64_FORMAT " requests, but %" G_GUINT64_FORMAT " were counted",
                                     totals->requests, result->events));
    return write_sheet(closing, error);
}

static void note_due(struct closing *closing)
{
    char name[80];
    int64_t number = closing->day->number;
    int64_t soon_ms = mirror_number(closing->settings.meta, "clock") + BUCKETS_KEPT_MS;
    g_snprintf(name, sizeof name, "g:%" G_GINT64_FORMAT ".%d:0", number, closing->revision);
    mirror_set_number(closing->settings.due, name, soon_ms);
    if (closing->settings.keep_days <= 0 || !closing->settings.archive)
        return;
    g_snprintf(name, sizeof name, "sheet:%" G_GINT64_FORMAT ".%d", number, closing->revision);
    /* Not before the ledger has it: of an old log, too. */
    mirror_set_number(closing->settings.due, name, MAX(soon_ms, (number + 1 + closing->settings.keep_days) * KEYS_DAY_MS));
}

/* What names an erased user goes, but not before the ledger has been able to compare. */
static void note_erased(struct closing *closing)
{
    int64_t due_ms = mirror_number(closing->settings.meta, "clock") + ERASED_KEPT_MS;
    for (int revision = 1; revision < closing->revision; revision++) {
        g_autofree char *name = g_strdup_printf("erased:%" G_GINT64_FORMAT ".%d", closing->day->number, revision);
        mirror_set_number(closing->settings.due, name, due_ms);
    }
}

static bool archived(struct closing *closing)
{
    GError *cause = sheet_work_error(closing->work);
    if (cause)
        return hold_open(closing, cause);
    crashpoint("sheet.archived");
    note_due(closing);
    if (closing->result->reason == SEAL_ERASURE)
        note_erased(closing);
    days_finish(closing->settings.days, closing->day, closing->result);
    mirror_add(closing->settings.meta, "sheets", 1);
    log_info("sheet_made", "partition=%d day=%" G_GINT64_FORMAT " revision=%d events=%" G_GUINT64_FORMAT " rows=%" G_GUINT64_FORMAT,
             closing->settings.partition, closing->day->number, closing->revision, closing->result->events, closing->result->rows);
    closing->day->retry_at_ms = 0;
    end_trouble(closing);
    *closing->settings.sum_failed = false;
    drop_work(closing);
    return true;
}

/* ---- the ledger's copy in the archive ---- */

static bool entry_read(void *opaque, const struct redis_reply *reply, GError **error)
{
    struct view text = redis_reply_text(reply);
    (void)error;
    g_ptr_array_add(opaque, g_bytes_new(text.data, text.size));
    return true;
}

/* What is archived is never replaced: nothing but entries, each under its number. */
static bool check_entries(const GPtrArray *records, uint64_t first, GError **error)
{
    for (guint i = 0; i < records->len; i++) {
        gsize size;
        const void *data = g_bytes_get_data(g_ptr_array_index(records, i), &size);
        struct ledger_entry *entry = ledger_entry_parse(view_make(data, size), error);
        uint64_t n = entry ? entry->n : 0;
        ledger_entry_free(entry);
        if (n == first + i)
            continue;
        g_prefix_error(error, "entry %" G_GUINT64_FORMAT " of the ledger in Redis: ", first + i);
        if (error && !*error)
            g_set_error(error, ARCHIVE_ERROR, ARCHIVE_ERROR_DAMAGED,
                        "under %" G_GUINT64_FORMAT " Redis has entry %" G_GUINT64_FORMAT, first + i, n);
        return false;
    }
    return true;
}

static bool archive_entries(struct closing *closing, GError **error)
{
    uint64_t first = (uint64_t)mirror_number(closing->settings.meta, "archived") + 1;
    uint64_t last = MIN((uint64_t)mirror_number(closing->settings.meta, "ledger"), first + ENTRIES_MAX - 1);
    g_autoptr(GPtrArray) records = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
    for (uint64_t n = first; n <= last; n++) {
        char key[KEYS_MAX], field[NUMBER_MAX];
        const struct view words[] = {view_of("HGET"), view_make(key, keys_plain(key, closing->settings.partition, "ledger")),
                                     view_make(field, number_write(field, n))};
        commit_ask(closing->settings.commit, entry_read, records, G_N_ELEMENTS(words), words);
    }
    GError *cause = NULL;
    if (!commit_read(closing->settings.commit, error))
        return false;
    if (!check_entries(records, first, &cause))
        return hold_open(closing, cause);
    closing->work = sheet_work_entries(g_steal_pointer(&records), first, closing->settings.archive, closing->settings.threads);
    closing->phase = ENTRIES;
    return true;
}

static bool entries_archived(struct closing *closing)
{
    GError *cause = sheet_work_error(closing->work);
    if (cause)
        return hold_open(closing, cause);
    mirror_add(closing->settings.meta, "archived", (int64_t)sheet_work_count(closing->work));
    closing->entries_retry_at_ms = 0;
    end_trouble(closing);
    drop_work(closing);
    return true;
}

/* Entries that are in Redis: those of flushes that are committed. */
static bool has_entries(const struct closing *closing, int64_t committed)
{
    return closing->settings.archive &&
           mirror_number(closing->settings.meta, "archived") < mirror_number(closing->settings.meta, "ledger") &&
           mirror_number(closing->settings.meta, "ledger_offset") < committed;
}

/* ---- pace ---- */

static bool look_for_work(struct closing *closing, int64_t committed, bool *idle, GError **error)
{
    *idle = false;
    if (closing->now_ms >= closing->entries_retry_at_ms && has_entries(closing, committed))
        return archive_entries(closing, error);
    struct day *day = days_unfinished(closing->settings.days, committed, closing->now_ms);
    *idle = !day || !take_turn(closing);
    if (*idle)
        return true;
    closing->day = day;
    closing->revision = day->state.sheeted + 1;
    return begin(closing, error);
}

/* One small piece of work; *idle when there is nothing to do now. */
static bool work(struct closing *closing, int64_t committed, bool *idle, GError **error)
{
    *idle = closing->work && !sheet_work_done(closing->work);
    if (*idle)
        return true;
    switch (closing->phase) {
    case READING:
        return read_piece(closing, error);
    case MAKING:
        return made(closing, error);
    case ARCHIVING:
        *idle = true; /* now it is another's turn */
        return archived(closing);
    case ENTRIES:
        return entries_archived(closing);
    default:
        return look_for_work(closing, committed, idle, error);
    }
}

/* What looks like damage may be of a history that is not ours any more. Takes the cause. */
static bool conclude(const struct closing *closing, GError *cause, GError **error)
{
    if (g_error_matches(cause, COMMIT_ERROR, COMMIT_ERROR_DAMAGED) && !commit_guard(closing->settings.commit, error))
        g_error_free(cause);
    else
        g_propagate_error(error, cause);
    return false;
}

bool closing_step(struct closing *closing, int64_t committed, int64_t now_ms, GError **error)
{
    int64_t end_us = g_get_monotonic_time() + STEP_US;
    GError *cause = NULL;
    bool idle = false;
    closing->now_ms = now_ms;
    do {
        if (!work(closing, committed, &idle, &cause))
            return conclude(closing, cause, error);
    } while (!idle && closing->settings.threads && g_get_monotonic_time() < end_us);
    return true;
}
