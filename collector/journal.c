/* What the threads share: the list of segments, positions, totals. Writing is in journal_write.c, reading back in journal_reader.c,
 * acknowledging and removing in journal_acknowledge.c, the start in journal_recovery.c.
 *
 * The race that is avoided here: the reader must never look at a group before its fdatasync has returned, though the bytes are in
 * the file already. So each segment has `end`, moved by the writer under the lock after the sync, and the reader stops there. */
#include "collector/journal_internal.h"

#include "lib/crc32c.h"
#include "lib/log.h"

#include <errno.h>
#include <inttypes.h>
#include <unistd.h>

G_DEFINE_QUARK(daybook - journal - error, journal_error)

void journal_segment_name(char out[JOURNAL_NAME_SIZE], uint64_t number, bool bad)
{
    g_snprintf(out, JOURNAL_NAME_SIZE, "%016" PRIx64 ".%s", number, bad ? "bad" : "seg");
}

void journal_spare_name(char out[JOURNAL_NAME_SIZE], int spare)
{
    g_snprintf(out, JOURNAL_NAME_SIZE, "spare.%d", spare);
}

static void known_free(gpointer data)
{
    struct journal_known *known = data;
    g_bytes_unref(known->value);
    g_free(known);
}

static bool open_directory(struct journal *journal, const struct journal_settings *settings, GError **error)
{
    int err = journal_io_open(&journal->io, settings->dir, settings->faults);
    if (err == EWOULDBLOCK)
        g_set_error(error, JOURNAL_ERROR, JOURNAL_ERROR_LOCKED,
                    "journal.dir %s is in use by another process: give every collector a directory of its own.", settings->dir);
    else if (err != 0)
        g_set_error(error, JOURNAL_ERROR, JOURNAL_ERROR_DISK, "journal.dir %s cannot be used: %s.", settings->dir, g_strerror(err));
    return err == 0;
}

static bool open_cursor(struct journal *journal, GError **error)
{
    bool found = false;
    int err = journal_cursor_open(&journal->cursor_file, &journal->io, &journal->cursor, &found);
    if (err != 0)
        g_set_error(error, JOURNAL_ERROR, JOURNAL_ERROR_DISK, "The file cursor in journal.dir %s cannot be used: %s.",
                    journal->io.path, g_strerror(err));
    return err == 0;
}

struct journal *journal_open(const struct journal_settings *settings, GError **error)
{
    struct journal *journal = g_new0(struct journal, 1);
    journal->segment_bytes = settings->segment_bytes ? settings->segment_bytes : JOURNAL_SEGMENT_BYTES;
    journal->max_bytes = settings->max_bytes;
    journal->topic_crc = crc32c(0, settings->topic, strlen(settings->topic));
    g_mutex_init(&journal->lock);
    journal->segments = g_array_new(FALSE, FALSE, sizeof(struct journal_segment));
    journal->positions = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, known_free);
    journal->writer.fd = -1;
    journal_encoder_init(&journal->writer.encoder);
    journal->cursor_file.fd = -1;
    atomic_init(&journal->has_room, true);

    if (open_directory(journal, settings, error) && open_cursor(journal, error) && journal_recover(journal, error))
        return journal;
    journal_close(journal);
    return NULL;
}

void journal_close(struct journal *journal)
{
    if (!journal)
        return;
    if (journal->writer.fd >= 0)
        close(journal->writer.fd);
    journal_cursor_close(&journal->cursor_file);
    if (journal->io.path)
        journal_io_close(&journal->io);
    journal_encoder_clear(&journal->writer.encoder);
    g_hash_table_unref(journal->positions);
    g_array_unref(journal->segments);
    g_mutex_clear(&journal->lock);
    g_free(journal);
}

struct journal_topic journal_topic(const struct journal *journal)
{
    return (struct journal_topic){atomic_load(&journal->partition_count), atomic_load(&journal->same_topic)};
}

bool journal_has_room(const struct journal *journal)
{
    return atomic_load(&journal->has_room);
}

GBytes *journal_position(struct journal *journal, const char *name)
{
    g_mutex_lock(&journal->lock);
    const struct journal_known *known = g_hash_table_lookup(journal->positions, name);
    GBytes *value = known ? g_bytes_ref(known->value) : NULL;
    g_mutex_unlock(&journal->lock);
    return value;
}

static void forget(struct journal *journal, const char *name)
{
    const struct journal_known *known = g_hash_table_lookup(journal->positions, name);
    if (!known)
        return;
    journal->positions_bytes -= g_bytes_get_size(known->value);
    g_hash_table_remove(journal->positions, name);
}

/* The name that was not written for longest, but never `but`. */
static const char *oldest_name(struct journal *journal, const char *but)
{
    GHashTableIter iter;
    gpointer name, value;
    const char *oldest = NULL;
    uint64_t oldest_group = UINT64_MAX;
    g_hash_table_iter_init(&iter, journal->positions);
    while (g_hash_table_iter_next(&iter, &name, &value)) {
        const struct journal_known *known = value;
        if (known->group < oldest_group && strcmp(name, but) != 0) {
            oldest_group = known->group;
            oldest = name;
        }
    }
    return oldest;
}

void journal_remember(struct journal *journal, const char *name, GBytes *value, uint64_t group)
{
    forget(journal, name);
    if (g_bytes_get_size(value) == 0)
        return;
    struct journal_known *known = g_new(struct journal_known, 1);
    *known = (struct journal_known){g_bytes_ref(value), group};
    g_hash_table_insert(journal->positions, g_strdup(name), known);
    journal->positions_bytes += g_bytes_get_size(value);
    while (g_hash_table_size(journal->positions) > JOURNAL_POSITIONS_MAX ||
           journal->positions_bytes > JOURNAL_POSITIONS_BYTES_MAX) {
        const char *oldest = oldest_name(journal, name);
        if (!oldest)
            return;
        log_warn("journal_position_forgotten", "name=%s reason=%s", oldest, "more positions than the journal keeps");
        forget(journal, oldest);
    }
}

struct journal_segment *journal_find_segment(struct journal *journal, uint64_t number)
{
    for (guint i = 0; i < journal->segments->len; i++) {
        struct journal_segment *segment = &g_array_index(journal->segments, struct journal_segment, i);
        if (segment->number == number)
            return segment;
    }
    return NULL;
}

void journal_put_aside(struct journal *journal, uint64_t number, const char *why)
{
    char from[JOURNAL_NAME_SIZE], to[JOURNAL_NAME_SIZE];
    g_mutex_lock(&journal->lock);
    struct journal_segment *segment = journal_find_segment(journal, number);
    bool first = segment && !segment->bad;
    g_mutex_unlock(&journal->lock);
    if (!first)
        return;
    journal_segment_name(from, number, false);
    journal_segment_name(to, number, true);
    int err = journal_io_rename(&journal->io, from, to);
    if (err == 0)
        err = journal_io_sync_directory(&journal->io);
    log_error("journal_damaged", "file=%s kept_as=%s reason=%s rename=%s", from, to, why, err == 0 ? "done" : g_strerror(err));
    if (err != 0)
        return;
    g_mutex_lock(&journal->lock);
    segment = journal_find_segment(journal, number);
    segment->bad = true;
    journal->stats.bad_files++;
    g_mutex_unlock(&journal->lock);
}

void journal_stats(struct journal *journal, struct journal_stats *stats)
{
    g_mutex_lock(&journal->lock);
    *stats = journal->stats;
    stats->bytes = journal->bytes;
    stats->segments = journal->segments->len;
    /* After damage the two may disagree for a moment; never below nothing. */
    if (journal->batches_total > journal->batches_acknowledged)
        stats->unacknowledged_batches = journal->batches_total - journal->batches_acknowledged;
    if (journal->bytes_total > journal->bytes_acknowledged)
        stats->unacknowledged_bytes = journal->bytes_total - journal->bytes_acknowledged;
    g_mutex_unlock(&journal->lock);
}
