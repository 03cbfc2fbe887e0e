/* Opening a journal after whatever happened to it.
 *
 * Only the newest segment is read: its snapshot and groups give the positions, the totals and the next group's number. What is
 * at its end decides: a group that was being written when the process or the machine stopped leaves frames of that one group, in
 * any order (a disk writes pages as it likes), and nothing of a later group, since a later one is begun only after the fdatasync of
 * the one before. So frames of a later group behind the bad place prove that something was damaged which had been acknowledged:
 * then the file is kept as .bad, and what is right in it is still sent. Otherwise the tail is cut: nobody was told that it was
 * taken.
 *
 * A whole group whose fdatasync never returned is kept, and made durable now: its sender was not answered, but its position is
 * about to be relied upon. */
#include "collector/journal_internal.h"

#include "lib/log.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

/* ---- what lies in the directory ---- */

/* "<16 hex digits>.<suffix>" */
static bool parse_name(const char *name, const char *suffix, uint64_t *number)
{
    char *end = NULL;
    for (size_t i = 0; i < 16; i++)
        if (!g_ascii_isxdigit(name[i]) || g_ascii_isupper(name[i]))
            return false;
    *number = g_ascii_strtoull(name, &end, 16);
    return end == name + 16 && *end == '.' && strcmp(end + 1, suffix) == 0;
}

static gint by_number(gconstpointer a, gconstpointer b)
{
    uint64_t x = ((const struct journal_segment *)a)->number, y = ((const struct journal_segment *)b)->number;
    return x < y ? -1 : x > y;
}

static int spare_number(const char *name)
{
    char spare[JOURNAL_NAME_SIZE];
    for (int i = 0; i < JOURNAL_SPARES; i++) {
        journal_spare_name(spare, i);
        if (strcmp(name, spare) == 0)
            return i;
    }
    return -1;
}

static int found_segment(struct journal *journal, const char *name, struct journal_segment *segment)
{
    journal->writer.next_segment = MAX(journal->writer.next_segment, segment->number + 1);
    if (segment->bad)
        journal->stats.bad_files++;
    if (segment->number > journal->cursor.deleting_to) {
        g_array_append_val(journal->segments, *segment);
    } else if (!segment->bad) {
        journal->bytes -= segment->bytes;
        return journal_io_unlink(&journal->io, name);
    }
    return 0;
}

static int found_file(struct journal *journal, const char *name)
{
    struct journal_segment segment = {.end = UINT64_MAX, .last_group = UINT64_MAX};
    int spare = spare_number(name);
    int err = journal_io_size(&journal->io, name, &segment.bytes);
    if (err != 0)
        return err;
    journal->bytes += segment.bytes;
    if (parse_name(name, "seg", &segment.number))
        return found_segment(journal, name, &segment);
    segment.bad = parse_name(name, "bad", &segment.number);
    if (segment.bad)
        return found_segment(journal, name, &segment);
    if (spare >= 0 && segment.bytes == journal->segment_bytes) {
        journal->spares[spare] = true;
    } else if (spare >= 0) {
        journal->bytes -= segment.bytes;
        return journal_io_unlink(&journal->io, name);
    } else if (strcmp(name, "lock") != 0 && !g_str_has_prefix(name, "cursor")) {
        log_warn("journal_foreign_file", "dir=%s file=%s", journal->io.path, name);
    }
    return 0;
}

static int list_files(struct journal *journal)
{
    g_autoptr(GPtrArray) names = NULL;
    int err = journal_io_list(&journal->io, &names);
    journal->writer.next_segment = MAX(journal->cursor.place.segment, journal->cursor.deleting_to) + 1;
    for (guint i = 0; err == 0 && i < names->len; i++)
        err = found_file(journal, names->pdata[i]);
    g_array_sort(journal->segments, by_number);
    return err == 0 ? journal_io_sync_directory(&journal->io) : err;
}

/* ---- the newest segment ---- */

static void learn_header(struct journal *journal, const struct journal_header *header)
{
    struct journal_writer *writer = &journal->writer;
    writer->next_group = header->first_group;
    writer->batches_total = header->batches_before;
    writer->bytes_total = header->bytes_before;
    atomic_store(&journal->partition_count, header->partition_count);
    atomic_store(&journal->same_topic, header->topic_crc == journal->topic_crc);
}

static void learn_group(struct journal *journal, const struct journal_group *group)
{
    if (group->number != 0 && group->number < journal->writer.next_group)
        return; /* numbers only go up: no segment that was ever written holds this */
    for (guint i = 0; i < group->positions->len; i++) {
        const struct journal_position *position = &g_array_index(group->positions, struct journal_position, i);
        journal_remember(journal, position->name, position->value, group->number);
    }
    if (group->number == 0)
        return;
    journal->writer.next_group = group->number + 1;
    journal->writer.batches_total = group->batches_total;
    journal->writer.bytes_total = group->bytes_total;
}

enum tail { TAIL_CLEAN, TAIL_TORN, TAIL_DAMAGED };

/* Reads all groups; on return scan->place is behind the last right one. */
static enum tail read_segment(struct journal *journal, struct journal_scan *scan)
{
    struct journal_group *group = NULL;
    enum tail tail = TAIL_CLEAN;
    int err = 0;
    for (;;) {
        enum journal_scan_result result = journal_scan_next(scan, &group, &err);
        if (result == JOURNAL_SCAN_GROUP) {
            learn_group(journal, group);
            g_clear_pointer(&group, journal_group_free);
            continue;
        }
        if (result == JOURNAL_SCAN_ERROR)
            return TAIL_DAMAGED;
        /* Zeros may be an end, or where a page of data was. */
        if (!journal_scan_find(scan, false))
            return tail == TAIL_CLEAN && result == JOURNAL_SCAN_BAD ? TAIL_TORN : tail;
        tail = TAIL_DAMAGED;
        if (!journal_scan_find(scan, true))
            return tail;
    }
}

/* Gives back what was allocated behind the end, a torn group with it, and makes the rest durable. */
static int cut(struct journal *journal, const char *name, struct journal_segment *segment)
{
    int fd = -1;
    int err = journal_io_file(&journal->io, name, O_RDWR, &fd);
    if (err == 0 && !segment->bad && segment->bytes > segment->end) {
        err = journal_io_truncate(&journal->io, name, fd, segment->end);
        if (err == 0) {
            journal->bytes -= segment->bytes - segment->end;
            segment->bytes = segment->end;
        }
    }
    if (err == 0)
        err = journal_io_sync(&journal->io, name, fd);
    if (fd >= 0)
        close(fd);
    return err;
}

/* The segment is dropped from the list; its file stays as .bad. */
static void drop_last(struct journal *journal, const char *why)
{
    guint last = journal->segments->len - 1;
    uint64_t number = g_array_index(journal->segments, struct journal_segment, last).number;
    journal_put_aside(journal, number, why);
    log_error("journal_segment_unreadable", "segment=%" G_GUINT64_FORMAT " meaning=%s", (guint64)number,
              "its events are lost, and followed files may be read again from an older position");
    g_array_set_size(journal->segments, last);
}

/* False with err 0: the last segment could not be opened and was dropped. */
static bool recover_last(struct journal *journal, int *err)
{
    struct journal_segment *segment = &g_array_index(journal->segments, struct journal_segment, journal->segments->len - 1);
    char name[JOURNAL_NAME_SIZE];
    journal_segment_name(name, segment->number, segment->bad);
    struct journal_scan *scan = journal_scan_open(&journal->io, name, segment->number, err);
    if (!scan) {
        drop_last(journal, *err == 0 ? "it does not begin like a segment" : g_strerror(*err));
        *err = 0;
        return false;
    }
    learn_header(journal, &scan->header);
    enum tail tail = read_segment(journal, scan);
    segment->end = scan->place.offset;
    segment->last_group = journal->writer.next_group - 1;
    if (tail == TAIL_TORN && !segment->bad) {
        uint64_t bytes = journal_scan_torn_bytes(scan);
        journal->stats.cut_bytes += bytes;
        log_warn("journal_tail_cut", "file=%s bytes=%" G_GUINT64_FORMAT " meaning=%s", name, (guint64)bytes,
                 "a group that was being written was never finished, and its senders never answered");
    }
    journal_scan_close(scan);
    if (tail == TAIL_DAMAGED)
        journal_put_aside(journal, segment->number, "it is damaged in its middle");
    journal_segment_name(name, segment->number, segment->bad);
    *err = cut(journal, name, segment);
    return true;
}

/* Where no cursor was found, everything that is there counts as unacknowledged. */
static void recover_totals(struct journal *journal)
{
    struct journal_writer *writer = &journal->writer;
    const struct journal_cursor *cursor = &journal->cursor;
    int err = 0;
    /* The tail may have been lost behind what was acknowledged: numbers and totals never go back. */
    writer->next_group = MAX(writer->next_group, cursor->group + 1);
    writer->batches_total = MAX(writer->batches_total, cursor->batches);
    writer->bytes_total = MAX(writer->bytes_total, cursor->bytes);
    journal->stats.last_group = writer->next_group - 1;
    journal->batches_total = writer->batches_total;
    journal->bytes_total = writer->bytes_total;
    journal->batches_acknowledged = cursor->batches;
    journal->bytes_acknowledged = cursor->bytes;
    if (cursor->group > 0 || journal->segments->len == 0)
        return;
    const struct journal_segment *first = &g_array_index(journal->segments, struct journal_segment, 0);
    char name[JOURNAL_NAME_SIZE];
    journal_segment_name(name, first->number, first->bad);
    struct journal_scan *scan = journal_scan_open(&journal->io, name, first->number, &err);
    if (!scan)
        return;
    journal->batches_acknowledged = scan->header.batches_before;
    journal->bytes_acknowledged = scan->header.bytes_before;
    journal_scan_close(scan);
}

bool journal_recover(struct journal *journal, GError **error)
{
    int err = list_files(journal);
    journal->writer.next_group = 1;
    while (err == 0 && journal->segments->len > 0 && !recover_last(journal, &err))
        continue;
    if (err != 0) {
        g_set_error(error, JOURNAL_ERROR, JOURNAL_ERROR_DISK, "The journal in %s cannot be opened: %s.", journal->io.path,
                    g_strerror(err));
        return false;
    }
    recover_totals(journal);
    struct journal_stats stats;
    journal_stats(journal, &stats);
    log_info("journal_opened",
             "dir=%s segments=%" G_GUINT64_FORMAT " unacknowledged_batches=%" G_GUINT64_FORMAT
             " positions=%u bad_files=%" G_GUINT64_FORMAT,
             journal->io.path, (guint64)stats.segments, (guint64)stats.unacknowledged_batches,
             g_hash_table_size(journal->positions), (guint64)stats.bad_files);
    return true;
}
