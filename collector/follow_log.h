/* follow_log: one followed path with all files that its log consists of: the one that the path names, and those that were rotated
 * away and are not done with.
 *
 * How nothing is lost or doubled:
 * - A renamed file stays open and is read on, until nothing was added to it for rotated_wait_s: servers go on writing to the old
 *   file until they are told, and their old workers for longer.
 * - If, when the path names another file, the log was rotated more than once since the last look, then the files in between lie in
 *   the same directory under rotated names, and were born after the moment at which the newest known file was last seen under the
 *   path. They are read from their beginning, in the order of their birth. (Files that begin like one we know are copies, and left
 *   alone.)
 * - A truncated file may have been copied before (logrotate's copytruncate): the copy has the same bytes up to our offset, is found
 *   by them, and read on from there. What is written between the copy and the truncation is lost by logrotate itself.
 * - A copy that is being made of the file at the path, or was made and the file is not truncated yet, begins like it, as far as it
 *   goes: it is left to the truncation. To be able to tell, a new file at the path is read only when the unknown ones beside it are
 *   judged; it is among the known ones before that, as its copy is younger than itself.
 * - Whatever cannot be done now (no room for another file, files are renamed without pause, a copy is still empty) is done at a
 *   later look; until then the moment of the last look stays where it is, so that nothing is skipped.
 * - All files' marks go with every submission into the journal. After a restart each is searched for, by inode and content.
 * What cannot be found again (compressed, removed, moved to another directory while the collector was down) is reported, as its end
 * may not have been read.
 *
 * Belongs to the follower's thread. */
#ifndef DAYBOOK_FOLLOW_LOG_H
#define DAYBOOK_FOLLOW_LOG_H

#include "collector/follow_file.h"
#include "collector/follow_lines.h"

enum {
    FOLLOW_LOG_FILES_MAX = 64, /* open at a time (copies found at a start may be beyond it); more come as others go */
    FOLLOW_LOG_PIECE_SIZE = LOG_LINE_MAX + 128 * 1024, /* bytes read at a time at most */
    FOLLOW_LOG_CROWD = 16,                             /* with more files than that, rotated ones are given up sooner */
};

struct follow_log_settings {
    const char *name;
    const char *path;
    struct log_line_settings line;
    bool start_at_end;
    int rotated_wait_s;
};

struct follow_log;

/* position: what follow_log_position() returned in an earlier run, or NULL. Settings are copied. Errors: a wrong field map. */
struct follow_log *follow_log_new(const struct follow_log_settings *settings, GBytes *position, GError **error);
void follow_log_free(struct follow_log *log);
const char *follow_log_name(const struct follow_log *log);
const char *follow_log_path(const struct follow_log *log);

/* Looks at the path: has it been renamed, truncated, made anew? */
void follow_log_observe(struct follow_log *log);
/* Reads the next lines of one file into a new submission, with its position; NULL when there is nothing new. *tally and *n_lines
 * say what was in it. piece is the caller's, FOLLOW_LOG_PIECE_SIZE + LOG_LINE_PADDING bytes. */
struct submission *follow_log_read(struct follow_log *log, const struct intake *intake, char *piece, struct intake_tally *tally,
                                   uint64_t *n_lines);
/* All marks, as of now. */
GBytes *follow_log_position(const struct follow_log *log);
/* Bytes of all its files that were not read yet. */
uint64_t follow_log_behind(const struct follow_log *log);
/* Open files. */
guint follow_log_n_files(const struct follow_log *log);

#endif
