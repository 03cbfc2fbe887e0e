/* Reading back what was not sent.
 *
 * Groups count up without a hole over all segments, so the reader knows what it has to find: a number that was already given is
 * passed over (a group written twice because a fdatasync failed), a number that is skipped is a loss, which is logged and counted,
 * and which the aggregators see as a gap in the sequences. Damage never stops the reading: it goes on at the next whole group, in
 * the same file or the next one. */
#include "collector/journal_internal.h"

#include "lib/log.h"

#include <errno.h>

enum { ERRORS_MAX = 10 };

struct journal_reader {
    struct journal *journal;
    struct journal_scan *scan; /* of the segment `place` is in, or NULL */
    struct journal_place place;
    uint64_t nonce;      /* of the segment in which place.offset was taken; 0: not known */
    uint64_t next_group; /* 0: not known */
    uint64_t previous;   /* segment that was read before */
    unsigned errors;     /* in a row */
};

struct journal_reader *journal_reader_new(struct journal *journal)
{
    struct journal_reader *reader = g_new0(struct journal_reader, 1);
    reader->journal = journal;
    reader->place = journal->cursor.place;
    reader->nonce = journal->cursor.nonce;
    reader->next_group = journal->cursor.group > 0 ? journal->cursor.group + 1 : 0;
    return reader;
}

void journal_reader_free(struct journal_reader *reader)
{
    if (!reader)
        return;
    journal_scan_close(reader->scan);
    g_free(reader);
}

static void move_to(struct journal_reader *reader, struct journal_place place, uint64_t nonce)
{
    if (reader->scan && reader->scan->place.segment == place.segment) {
        reader->scan->place = place;
        reader->scan->next_group = MAX(reader->scan->next_group, reader->next_group);
    } else {
        g_clear_pointer(&reader->scan, journal_scan_close);
    }
    reader->place = place;
    reader->nonce = nonce;
}

void journal_reader_skip(struct journal_reader *reader, const struct journal_group *group)
{
    reader->next_group = group->number + 1;
    move_to(reader, group->end, group->nonce);
}

/* The segment to read in, as it is now: the first at or behind `place`. */
static bool current_segment(struct journal_reader *reader, struct journal_segment *segment, bool *is_last)
{
    struct journal *journal = reader->journal;
    bool found = false;
    g_mutex_lock(&journal->lock);
    for (guint i = 0; i < journal->segments->len && !found; i++) {
        *segment = g_array_index(journal->segments, struct journal_segment, i);
        *is_last = i + 1 == journal->segments->len;
        found = segment->number >= reader->place.segment;
    }
    g_mutex_unlock(&journal->lock);
    if (found && segment->number > reader->place.segment)
        move_to(reader, (struct journal_place){segment->number, 0}, 0);
    return found;
}

static void expect_group(struct journal_reader *reader, uint64_t number)
{
    struct journal *journal = reader->journal;
    if (reader->next_group == 0)
        reader->next_group = number;
    if (number <= reader->next_group)
        return;
    uint64_t lost = number - reader->next_group;
    log_error("journal_lost", "groups=%" G_GUINT64_FORMAT " before_segment=%" G_GUINT64_FORMAT " meaning=%s", (guint64)lost,
              (guint64)reader->place.segment, "events that were acknowledged cannot be read back; the sequences will show a gap");
    g_mutex_lock(&journal->lock);
    journal->stats.lost_groups += lost;
    g_mutex_unlock(&journal->lock);
    reader->next_group = number;
}

/* Nothing more is to be had from the segment. */
static void finish_segment(struct journal_reader *reader, const struct journal_segment *segment, bool is_last)
{
    struct journal *journal = reader->journal;
    if (is_last) { /* what is appended from now on begins at its end */
        move_to(reader, (struct journal_place){segment->number, segment->end}, reader->nonce);
        return;
    }
    g_mutex_lock(&journal->lock);
    struct journal_segment *listed = journal_find_segment(journal, segment->number);
    if (listed && listed->last_group == UINT64_MAX)
        listed->last_group = reader->next_group > 0 ? reader->next_group - 1 : 0;
    g_mutex_unlock(&journal->lock);
    journal->unsaved = true;
    reader->previous = segment->number;
    reader->errors = 0;
    move_to(reader, (struct journal_place){segment->number + 1, 0}, 0);
}

/* True: try again later. */
static bool read_failed(struct journal_reader *reader, const struct journal_segment *segment, bool is_last, int err)
{
    reader->errors++;
    log_error("journal_read_failed", "segment=%" G_GUINT64_FORMAT " attempt=%u reason=%s", (guint64)segment->number, reader->errors,
              g_strerror(err));
    if (reader->errors < ERRORS_MAX)
        return true;
    journal_put_aside(reader->journal, segment->number, "it cannot be read");
    finish_segment(reader, segment, is_last);
    reader->errors = 0;
    return false;
}

static void begin_scan(struct journal_reader *reader, struct journal_scan *scan)
{
    reader->scan = scan;
    /* The offset was taken in a file with that nonce; in another one it means nothing. */
    if (reader->place.offset > JOURNAL_HEADER_SIZE && reader->nonce == scan->header.nonce) {
        scan->place.offset = reader->place.offset;
        scan->next_group = MAX(scan->next_group, reader->next_group);
    }
    reader->nonce = scan->header.nonce;
    uint64_t lost_before = reader->next_group;
    expect_group(reader, scan->header.first_group);
    if (reader->next_group != lost_before && lost_before > 0)
        journal_put_aside(reader->journal, reader->previous, "its last groups are damaged");
}

/* False: *again tells whether to go on with the next segment, or later. */
static bool open_segment(struct journal_reader *reader, const struct journal_segment *segment, bool is_last, bool *again)
{
    char name[JOURNAL_NAME_SIZE];
    int err = 0;
    journal_segment_name(name, segment->number, segment->bad);
    struct journal_scan *scan = journal_scan_open(&reader->journal->io, name, segment->number, &err);
    *again = true;
    if (scan) {
        begin_scan(reader, scan);
    } else if (err == 0 || err == ENOENT) {
        journal_put_aside(reader->journal, segment->number, err == 0 ? "it does not begin like a segment" : "it is gone");
        finish_segment(reader, segment, is_last);
    } else {
        *again = !read_failed(reader, segment, is_last, err);
    }
    return scan != NULL;
}

/* No whole group at the place: the end, or damage (which may look like zeros, and so like an end). */
static void pass_end(struct journal_reader *reader, const struct journal_segment *segment, bool is_last)
{
    if (reader->scan->place.offset >= segment->end) {
        finish_segment(reader, segment, is_last);
        return;
    }
    if (journal_scan_find(reader->scan, true)) {
        journal_put_aside(reader->journal, segment->number, "it is damaged in its middle");
        reader->place = reader->scan->place;
        return;
    }
    if (is_last)
        journal_put_aside(reader->journal, segment->number, "it is damaged at its end");
    /* In an older one, what is there may be the remains of a failed write: whether groups are lost shows in the next segment. */
    finish_segment(reader, segment, is_last);
}

/* Whether the group is to be given out. */
static bool take_group(struct journal_reader *reader, const struct journal_group *group)
{
    reader->place = group->end;
    reader->errors = 0;
    if (group->number == 0 || group->number < reader->next_group)
        return false;
    expect_group(reader, group->number);
    reader->next_group = group->number + 1;
    return true;
}

enum journal_read journal_reader_next(struct journal_reader *reader, struct journal_group **group)
{
    struct journal_segment segment;
    bool is_last, again;
    int err = 0;
    while (current_segment(reader, &segment, &is_last)) {
        if (is_last && reader->place.offset >= segment.end)
            return JOURNAL_READ_NOTHING;
        if (!reader->scan && !open_segment(reader, &segment, is_last, &again)) {
            if (!again)
                return JOURNAL_READ_FAILED;
            continue;
        }
        reader->scan->limit = segment.end;
        switch (journal_scan_next(reader->scan, group, &err)) {
        case JOURNAL_SCAN_GROUP:
            if (take_group(reader, *group))
                return JOURNAL_READ_GROUP;
            g_clear_pointer(group, journal_group_free);
            break;
        case JOURNAL_SCAN_END:
        case JOURNAL_SCAN_BAD:
            pass_end(reader, &segment, is_last);
            break;
        case JOURNAL_SCAN_ERROR:
            if (read_failed(reader, &segment, is_last, err))
                return JOURNAL_READ_FAILED;
            break;
        }
    }
    return JOURNAL_READ_NOTHING;
}
