/* restore_write: see restore_write.h. */
#include "cli/restore_write.h"

#include "lib/civil.h"
#include "lib/keys.h"
#include "lib/number.h"
#include "lib/sheet_fetch.h"

#include <stdio.h>

enum { PROBLEMS_SHOWN = 20 };

void restore_begin(struct restore *restore)
{
    restore->fence = fence_new(restore->shards);
    restore->problems = g_ptr_array_new_with_free_func(g_free);
}

void restore_end(struct restore *restore)
{
    fence_free(restore->fence);
    g_clear_pointer(&restore->problems, g_ptr_array_unref);
}

void restore_problem(struct restore *restore, const char *format, ...)
{
    va_list arguments;

    if (++restore->n_problems > PROBLEMS_SHOWN)
        return;
    va_start(arguments, format);
    g_ptr_array_add(restore->problems, g_strdup_vprintf(format, arguments));
    va_end(arguments);
}

void restore_progress(const struct restore *restore, const char *what, guint64 done, guint64 of)
{
    if (restore->progress)
        fprintf(stderr, "\r\033[K%s: %" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT, what, done, of);
}

void restore_progress_end(const struct restore *restore)
{
    if (restore->progress)
        fputs("\r\033[K", stderr);
}

static bool compare_field(struct restore *restore, int partition, const char *key, const struct restore_field *field,
                          GError **error)
{
    struct redis *redis = shards_get(restore->shards, partition, error);
    struct redis_reply *reply = redis ? redis_call(redis, error, "HGET %s %s", key, field->field) : NULL;

    if (!reply)
        return false;
    if (!view_equal(redis_reply_text(reply), field->value))
        restore_problem(restore, "field %s of %s in Redis is not what the archive says: it was left as it is", field->field, key);
    redis_reply_free(reply);
    return true;
}

bool restore_field(struct restore *restore, int partition, const struct restore_field *field, struct restore_count *count,
                   GError **error)
{
    char key[KEYS_MAX];
    const struct view argv[] = {view_of("HSETNX"), view_make(key, keys_plain(key, partition, field->kind)), view_of(field->field),
                                field->value};
    struct redis_reply *reply = fence_write(restore->fence, partition, G_N_ELEMENTS(argv), argv, error);

    if (!reply)
        return false;
    bool restored = redis_reply_integer(reply) == 1;
    redis_reply_free(reply);
    if (count)
        restored ? count->restored++ : count->there++;
    return restored || !field->compare || compare_field(restore, partition, key, field, error);
}

/* ---- sheets ---- */

static void name_sheet(const struct sheet_name *name, char text[128])
{
    char date[CIVIL_TEXT_MAX];

    civil_format_day(date, name->day);
    g_snprintf(text, 128, "the sheet of %s, revision %d, partition %d", date, name->revision, name->partition);
}

static bool write_sheet(struct restore *restore, const struct sheet_name *name, const uint8_t *checksum, GError **error)
{
    char key[KEYS_MAX], text[128];
    g_autoptr(GError) cause = NULL;
    g_autoptr(GBytes) packed = archive_get_packed_sheet(restore->chain->archive, name, checksum, &cause);

    if (!packed && cause->domain == ARCHIVE_ERROR && cause->code != ARCHIVE_ERROR_SYSTEM) {
        name_sheet(name, text);
        restore_problem(restore, "%s is not in Redis, and not whole in the archive: %s", text, cause->message);
        return true;
    }
    if (!packed) {
        g_propagate_error(error, g_steal_pointer(&cause));
        return false;
    }
    gsize size;
    const void *data = g_bytes_get_data(packed, &size);
    const struct view argv[] = {view_of("SET"), view_make(key, keys_sheet(key, name->partition, name->day, name->revision)),
                                view_make(data, size), view_of("NX")};
    struct redis_reply *reply = fence_write(restore->fence, name->partition, G_N_ELEMENTS(argv), argv, error);
    restore->sheets.restored += reply != NULL;
    redis_reply_free(reply);
    return reply != NULL;
}

bool restore_sheet(struct restore *restore, const struct sheet_name *name, const uint8_t checksum[LEDGER_CHECKSUM_SIZE],
                   GError **error)
{
    char key[KEYS_MAX];
    g_autoptr(GError) cause = NULL;

    if (name->day < restore->kept_from || archive_chain_is_erased(restore->chain, name->day, name->revision))
        return true;
    struct redis *redis = shards_get(restore->shards, name->partition, error);
    keys_sheet(key, name->partition, name->day, name->revision);
    struct redis_reply *reply = redis ? redis_call(redis, error, "GET %s", key) : NULL;
    if (!reply)
        return false;
    g_autoptr(GBytes) there = sheet_fetch_reply(reply, name, checksum, &cause);
    redis_reply_free(reply);
    if (there)
        restore->sheets.there++;
    else if (g_error_matches(cause, ARCHIVE_ERROR, ARCHIVE_ERROR_MISSING))
        return write_sheet(restore, name, checksum, error);
    else
        restore_problem(restore, "%s; it was left as it is: after `redis-cli UNLINK %s` it is restored", cause->message, key);
    return true;
}

/* ---- the ledger ---- */

bool restore_entry(struct restore *restore, guint i, struct view record, GError **error)
{
    const struct archived_entry *entry = archive_chain_at(restore->chain, i);
    char n[NUMBER_MAX + 1], generation[64];

    n[number_write(n, i + 1)] = '\0';
    g_snprintf(generation, sizeof generation, "%u.%u", entry->day, entry->revision);
    return restore_field(restore, 0, &(struct restore_field){"ledger", n, record, true}, &restore->entries, error) &&
           restore_field(restore, 0, &(struct restore_field){"entries", generation, view_of(n), true}, NULL, error);
}

bool restore_generation(struct restore *restore, const struct ledger_entry *entry, const struct partition_day *day, GError **error)
{
    char generation[64];
    gsize size;
    g_autoptr(GBytes) bytes = partition_day_pack(day);
    const void *data = g_bytes_get_data(bytes, &size);

    g_snprintf(generation, sizeof generation, "%u.%u", entry->day, entry->revision);
    return restore_field(restore, (int)day->partition, &(struct restore_field){"closed", generation, view_make(data, size), true},
                         &restore->generations, error);
}
