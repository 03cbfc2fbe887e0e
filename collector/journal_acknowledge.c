/* Acknowledging, and removing what is acknowledged.
 *
 * A segment goes when Kafka has all of its groups, in three steps that may be interrupted anywhere: the cursor says durably
 * "deleting up to N"; the files are unlinked, or renamed to spares; the directory is made durable. A start that finds segments up
 * to N unlinks them: a file that was on its way out never comes back as unsent. (The reverse order, as elsewhere, ends in a cursor
 * that points into a file that is gone.) The newest segment is never removed: it holds the positions. */
#include "collector/journal_internal.h"

#include "lib/crashpoint.h"
#include "lib/log.h"

void journal_acknowledge(struct journal *journal, const struct journal_group *group)
{
    journal->cursor.place = group->end;
    journal->cursor.nonce = group->nonce;
    journal->cursor.group = group->number;
    journal->cursor.batches = group->batches_total;
    journal->cursor.bytes = group->bytes_total;
    journal->unsaved = true;
    g_mutex_lock(&journal->lock);
    journal->batches_acknowledged = group->batches_total;
    journal->bytes_acknowledged = group->bytes_total;
    g_mutex_unlock(&journal->lock);
}

bool journal_is_unsaved(const struct journal *journal)
{
    return journal->unsaved;
}

/* The last segment that is acknowledged as a whole; 0: none. */
static uint64_t acknowledged_to(struct journal *journal)
{
    uint64_t to = 0;
    g_mutex_lock(&journal->lock);
    for (guint i = 0; i + 1 < journal->segments->len; i++) {
        const struct journal_segment *segment = &g_array_index(journal->segments, struct journal_segment, i);
        if (segment->last_group > journal->cursor.group)
            break;
        to = segment->number;
    }
    g_mutex_unlock(&journal->lock);
    return to;
}

/* Takes the first segment out of the list if its number is at most `to`. */
static bool take_first(struct journal *journal, uint64_t to, struct journal_segment *segment)
{
    g_mutex_lock(&journal->lock);
    bool there = journal->segments->len > 0;
    if (there) {
        *segment = g_array_index(journal->segments, struct journal_segment, 0);
        there = segment->number <= to;
    }
    if (there)
        g_array_remove_index(journal->segments, 0);
    g_mutex_unlock(&journal->lock);
    return there;
}

static void remove_segments(struct journal *journal, uint64_t to)
{
    struct journal_segment segment;
    bool removed = false;
    while (take_first(journal, to, &segment)) {
        removed = true;
        if (segment.bad) /* stays, to be looked at */
            continue;
        int err = journal_spare_recycle(journal, &segment);
        if (err != 0) /* a later start tries again */
            log_warn("journal_unlink_failed", "segment=%" G_GUINT64_FORMAT " reason=%s", (guint64)segment.number, g_strerror(err));
        crashpoint("journal.unlinked");
    }
    int err = removed ? journal_io_sync_directory(&journal->io) : 0;
    if (err != 0)
        log_warn("journal_directory_sync_failed", "dir=%s reason=%s", journal->io.path, g_strerror(err));
}

bool journal_save(struct journal *journal)
{
    uint64_t to = acknowledged_to(journal);
    if (to > journal->cursor.deleting_to)
        journal->cursor.deleting_to = to;
    if (to >= journal->cursor.place.segment) {
        journal->cursor.place = (struct journal_place){to + 1, 0};
        journal->cursor.nonce = 0;
    }
    crashpoint("journal.before_cursor");
    int err = journal_cursor_save(&journal->cursor_file, &journal->cursor);
    if (err != 0) {
        log_error("journal_cursor_failed", "dir=%s reason=%s", journal->io.path, g_strerror(err));
        return false;
    }
    journal->unsaved = false;
    crashpoint("journal.cursor_saved");
    if (to > 0) {
        crashpoint("journal.deleting");
        remove_segments(journal, to);
    }
    return true;
}
