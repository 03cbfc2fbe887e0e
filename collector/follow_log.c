/* follow_log: see the header for what it promises. */
#include "collector/follow_log.h"
#include "collector/follow_search.h"
#include "lib/log.h"
#include <errno.h>
#include <string.h>

enum {
    PIECE_MIN = 256 * 1024, /* bytes read at a time, where lines are not longer */
    CROWDED_WAIT_S = 5,
    DELETED_WAIT_S = 60, /* a deleted file keeps its disk space as long as it is open */
    COMPLAIN_EVERY_S = 60,
    EMPTY_WAIT_S = 3,     /* an empty file that is older is no copy that was just begun */
    RECENT_NS = 10000000, /* more than a tick of the clock that stamps files */
};

#define NS_PER_S INT64_C(1000000000)

struct follow_log {
    char *name;
    char *path;
    struct log_line_reader *reader;
    size_t max_line_bytes;
    size_t piece_size;
    bool start_at_end;
    int rotated_wait_s;

    GPtrArray *files;            /* owned struct follow_file, oldest first */
    struct follow_file *current; /* the one at the path at the last look; NULL while there was none */
    bool settled;                /* all files that came and went before the current one are known: else it is not read yet */
    int64_t since_ns;            /* when the path was last looked at (see follow_mark.h); 0: never followed before */
    int64_t directory_ns;        /* last change of the path's directory, as far as it was looked at */
    bool moved;                  /* the set of files has changed since the last position */
    int64_t path_warned_us;      /* monotonic: the last warning of each kind, since they are bounded */
    int64_t lines_warned_us;
};

/* ---- life ---- */

static void resume_all(struct follow_log *log, GBytes *position);

struct follow_log *follow_log_new(const struct follow_log_settings *settings, GBytes *position, GError **error)
{
    struct log_line_reader *reader = log_line_reader_new(&settings->line, error);
    if (reader == NULL)
        return NULL;
    struct follow_log *log = g_new0(struct follow_log, 1);
    log->name = g_strdup(settings->name);
    log->path = g_strdup(settings->path);
    log->reader = reader;
    log->max_line_bytes = settings->line.max_line_bytes;
    log->piece_size = MAX((size_t)PIECE_MIN, log->max_line_bytes + 1);
    g_assert(log->piece_size <= FOLLOW_LOG_PIECE_SIZE);
    log->start_at_end = settings->start_at_end;
    log->rotated_wait_s = settings->rotated_wait_s;
    log->settled = true;
    log->files = g_ptr_array_new_with_free_func((GDestroyNotify)follow_file_free);
    if (position)
        resume_all(log, position);
    return log;
}

void follow_log_free(struct follow_log *log)
{
    if (log == NULL)
        return;
    log_line_reader_free(log->reader);
    g_ptr_array_unref(log->files);
    g_free(log->name);
    g_free(log->path);
    g_free(log);
}

const char *follow_log_name(const struct follow_log *log)
{
    return log->name;
}

const char *follow_log_path(const struct follow_log *log)
{
    return log->path;
}

guint follow_log_n_files(const struct follow_log *log)
{
    return log->files->len;
}

uint64_t follow_log_behind(const struct follow_log *log)
{
    uint64_t bytes = 0;
    for (guint i = 0; i < log->files->len; i++)
        bytes += follow_file_unread(g_ptr_array_index(log->files, i));
    return bytes;
}

GBytes *follow_log_position(const struct follow_log *log)
{
    GString *text = g_string_new(NULL);
    follow_position_begin(text, log->since_ns);
    for (guint i = 0; i < log->files->len; i++) {
        struct follow_mark mark;
        const struct follow_file *file = g_ptr_array_index(log->files, i);
        follow_file_mark(file, &mark);
        mark.finished = file != log->current && !file->skipping && file->seen_size == file->offset;
        follow_position_add(text, &mark);
    }
    return g_string_free_to_bytes(text);
}

/* True at most once a minute. */
static bool may_warn(int64_t *last_us)
{
    int64_t now_us = g_get_monotonic_time();
    if (*last_us != 0 && now_us - *last_us < COMPLAIN_EVERY_S * G_USEC_PER_SEC)
        return false;
    *last_us = now_us;
    return true;
}

static void warn_lost(const struct follow_log *log, const struct follow_mark *mark, const char *why)
{
    log_warn("follow_lost", "follow=%s path=%s inode=%" G_GUINT64_FORMAT " offset=%" G_GUINT64_FORMAT " why=%s", log->name,
             log->path, mark->inode, mark->offset, why);
}

/* ---- the set of files ---- */

static bool has_room(const struct follow_log *log)
{
    return log->files->len < FOLLOW_LOG_FILES_MAX;
}

static struct follow_file *find_file(const struct follow_log *log, uint64_t device, uint64_t inode)
{
    for (guint i = 0; i < log->files->len; i++) {
        struct follow_file *file = g_ptr_array_index(log->files, i);
        if (file->device == device && file->inode == inode)
            return file;
    }
    return NULL;
}

/* Adds a file in front of the one at index `at`, or behind all others (-1). */
static void add_file(struct follow_log *log, struct follow_file *file, int at)
{
    g_ptr_array_insert(log->files, at, file);
    log->moved = true;
    log_info("follow_opened", "follow=%s file=%s inode=%" G_GUINT64_FORMAT " offset=%" G_GUINT64_FORMAT, log->name, file->path,
             file->inode, file->offset);
}

/* Whether the candidate holds all that we know of another file, which must be enough to be sure. */
static bool is_copy(const struct follow_log *log, struct follow_file *candidate)
{
    for (guint i = 0; i < log->files->len; i++) {
        struct follow_mark mark;
        follow_file_mark(g_ptr_array_index(log->files, i), &mark);
        if (mark.head_size == FOLLOW_HEAD_MAX && follow_file_resume(candidate, &mark))
            return true;
    }
    return false;
}

/* The rotated files that are not known and were born since the last look, in order of birth. GPtrArray that owns them. */
static GPtrArray *search_unknown(const struct follow_log *log, bool *complete)
{
    GPtrArray *found = follow_search_rotated(log->path, complete);
    for (guint i = found->len; i > 0; i--) {
        struct follow_file *file = g_ptr_array_index(found, i - 1);
        if (file->born_ns < log->since_ns || find_file(log, file->device, file->inode) || is_copy(log, file))
            g_ptr_array_remove_index(found, i - 1);
    }
    return found;
}

enum unknown {
    UNKNOWN_OURS,  /* a part of the log: to be read */
    UNKNOWN_COPY,  /* of what is still in the log; if that is truncated, restart() will find it */
    UNKNOWN_EMPTY, /* it may become either */
};

/* What an unknown rotated file is, beside the one at the path. Its first bytes must have been learned before those at the path:
 * then the log holds at least as much as a copy that is being made of it. */
static enum unknown judge_unknown(const struct follow_file *file, const struct follow_file *at_path)
{
    struct stat status;
    bool older = file->born_ns < at_path->first_ns && file->head_size < FOLLOW_HEAD_MAX;
    if (older || at_path->head_size < file->head_size)
        return UNKNOWN_OURS;
    if (file->head_size > 0)
        return memcmp(file->head, at_path->head, file->head_size) == 0 ? UNKNOWN_COPY : UNKNOWN_OURS;
    bool young = fstat(file->fd, &status) == 0 && follow_file_clock_ns() / NS_PER_S - status.st_mtim.tv_sec < EMPTY_WAIT_S;
    return at_path->head_size > 0 && young ? UNKNOWN_EMPTY : UNKNOWN_OURS;
}

/* Puts what is ours in front of the file at the path, or behind all. False when there was no room for all, or it is not certain yet
 * what one of them is. */
static bool add_unknown(struct follow_log *log, GPtrArray *found, const struct follow_file *at_path)
{
    bool left = false;
    while (found->len > 0) {
        guint at = log->files->len;
        struct follow_file *file = g_ptr_array_index(found, 0);
        enum unknown verdict = at_path ? judge_unknown(file, at_path) : UNKNOWN_OURS;
        if (verdict == UNKNOWN_COPY) {
            left = true;
            g_ptr_array_remove_index(found, 0);
            continue;
        }
        if (verdict == UNKNOWN_EMPTY || !has_room(log))
            return false;
        file->growth_us = g_get_monotonic_time(); /* its server may still write to it */
        if (!left)                                /* a copy that was left must be found again, if not all can be done now */
            log->since_ns = MAX(log->since_ns, file->born_ns);
        if (at_path)
            (void)g_ptr_array_find(log->files, at_path, &at);
        add_file(log, g_ptr_array_steal_index(found, 0), (int)at);
    }
    return true;
}

static bool is_at_path(const struct follow_log *log, const struct follow_file *file)
{
    struct stat status;
    if (stat(log->path, &status) != 0)
        return file == NULL && errno == ENOENT;
    return file && follow_file_is(file, &status);
}

/* Adds the parts of the log that came and went since the last look; at_path (or NULL) is what the path names now. False when it has
 * to be done again: then nothing more than before is known of at_path, so that it is done also by a collector that is killed and
 * started meanwhile. */
static bool settle(struct follow_log *log, struct follow_file *at_path)
{
    bool complete = false;
    if (!has_room(log))
        return false;
    g_autoptr(GPtrArray) found = search_unknown(log, &complete);
    uint32_t known_size = at_path ? at_path->head_size : 0;
    for (guint i = 0; i < found->len; i++)
        (void)follow_file_compare(g_ptr_array_index(found, i));
    complete = complete && (at_path == NULL || follow_file_compare(at_path) == FOLLOW_READ_OK);
    log->settled = complete && is_at_path(log, at_path) && add_unknown(log, found, at_path);
    if (!log->settled && at_path)
        at_path->head_size = known_size;
    return log->settled;
}

/* Moves a file that was never followed before behind its last whole line. */
static void start_at_end(struct follow_file *file)
{
    char buffer[4096];
    uint64_t size = follow_file_unread(file);
    while (size > 0) {
        size_t n = (size_t)MIN(size, (uint64_t)sizeof buffer);
        if (!follow_file_peek(file, size - n, buffer, n))
            return;
        const char *newline = memrchr(buffer, '\n', n);
        if (newline) {
            (void)follow_file_jump(file, size - n + (uint64_t)(newline - buffer) + 1);
            return;
        }
        size -= n;
    }
}

/* The path names another file than it did: that is the current one now. False when it cannot be opened, or there is no
 * room for it yet. */
static bool arrive(struct follow_log *log)
{
    g_autoptr(GError) error = NULL;
    struct follow_file *file = follow_file_open(log->path, &error);
    if (file == NULL) {
        if (!g_error_matches(error, G_FILE_ERROR, G_FILE_ERROR_NOENT) && may_warn(&log->path_warned_us))
            log_warn("follow_failed", "follow=%s message=%s", log->name, error->message);
        return false;
    }
    struct follow_file *known = find_file(log, file->device, file->inode);
    bool first = log->since_ns == 0;
    bool room = known || has_room(log);
    if (known || !room)
        follow_file_free(file);
    if (!room)
        return false;
    if (log->current)
        log->current->growth_us = g_get_monotonic_time(); /* its server may not know yet that it was renamed */
    log->current = known ? known : file;
    log->settled = first; /* what was before belongs to nobody */
    if (known)
        return true;
    if (first && log->start_at_end)
        start_at_end(file);
    add_file(log, file, -1);
    return true;
}

/* A file is shorter than it was, or begins with other bytes: what it held may have been copied away before. The copy takes its
 * place and the file begins anew. False when that cannot be done now. */
static bool restart(struct follow_log *log, struct follow_file *file)
{
    struct follow_mark mark;
    guint index = 0;
    bool complete = false;
    if (!has_room(log))
        return false;
    g_assert(g_ptr_array_find(log->files, file, &index));
    follow_file_mark(file, &mark);
    struct follow_file *copy = follow_search_copy(log->path, &mark, &complete);
    if (copy == NULL && !complete)
        return false;
    follow_file_restart(file, log->since_ns);
    log->moved = true;
    if (file == log->current)
        log->settled = false;
    if (copy == NULL) {
        warn_lost(log, &mark, "truncated, and no copy of it is there: its end may not have been read");
    } else if (find_file(log, copy->device, copy->inode)) {
        follow_file_free(copy);
    } else {
        log_info("follow_truncated", "follow=%s copy=%s offset=%" G_GUINT64_FORMAT, log->name, copy->path, mark.offset);
        add_file(log, copy, (int)index);
    }
    return true;
}

/* Whether a file was made, removed or renamed beside the log since the last call. */
static bool directory_changed(struct follow_log *log)
{
    struct stat status;
    g_autofree char *directory = g_path_get_dirname(log->path);
    if (stat(directory, &status) != 0)
        return false;
    int64_t changed_ns = status.st_mtim.tv_sec * NS_PER_S + status.st_mtim.tv_nsec;
    bool changed = changed_ns != log->directory_ns;
    bool recent = changed_ns > follow_file_clock_ns() - RECENT_NS; /* a second change may get the same time */
    log->directory_ns = recent ? 0 : changed_ns;
    return changed;
}

/* Not a whole line is known: if the file is truncated, that may not show. */
static bool is_nameless(const struct follow_file *file)
{
    return file->head_size < FOLLOW_HEAD_MAX && memchr(file->head, '\n', file->head_size) == NULL;
}

/* Does the current file still hold what it did? If it has just got its first line, this may be the first one after a truncation
 * that did not show; but the copy that was made before does, in the directory. False when that must be asked again. */
static bool check_current(struct follow_log *log)
{
    struct follow_file *file = log->current;
    uint32_t known_size = file->head_size;
    bool nameless = is_nameless(file);
    if (follow_file_compare(file) == FOLLOW_READ_CHANGED)
        return restart(log, file);
    if (nameless && directory_changed(log))
        log->settled = false;
    if (!log->settled)
        file->head_size = known_size; /* see settle() */
    return true;
}

/* There is no file under the path. One may have come and gone since the last look. */
static void observe_nothing(struct follow_log *log, int64_t now_ns)
{
    bool first = log->since_ns == 0;
    log->moved = log->moved || first; /* what comes while the collector is down is wanted */
    if (directory_changed(log) && !first)
        log->settled = false;
    if (!log->settled && !settle(log, NULL))
        return;
    if (log->current)
        (void)follow_file_compare(log->current);
    log->since_ns = now_ns;
}

void follow_log_observe(struct follow_log *log)
{
    struct stat status;
    int64_t now_ns = follow_file_clock_ns();
    if (stat(log->path, &status) != 0) {
        if (errno == ENOENT)
            observe_nothing(log, now_ns);
        else if (may_warn(&log->path_warned_us))
            log_warn("follow_failed", "follow=%s path=%s message=%s", log->name, log->path, g_strerror(errno));
        return;
    }
    if (log->current && !check_current(log))
        return;
    if ((log->current == NULL || !follow_file_is(log->current, &status)) && !arrive(log))
        return;
    if (log->settled || settle(log, log->current))
        log->since_ns = now_ns;
}

/* ---- after a restart of the collector ---- */

/* Adds what a mark was made of: the file, or its copy. */
static void resume_content(struct follow_log *log, const struct follow_mark *mark)
{
    struct follow_file *file = follow_search_mark(log->path, mark);
    if (file && find_file(log, file->device, file->inode) == NULL) {
        add_file(log, file, -1);
        log->current = file;
        return;
    }
    follow_file_free(file);
    if (mark->head_size > 0 && !mark->finished)
        warn_lost(log, mark, "not found again: its end may not have been read");
}

/* The file itself, when it holds something else now: it was truncated, and perhaps rotated away after that. */
static void resume_truncated(struct follow_log *log, const struct follow_mark *mark)
{
    if (find_file(log, mark->device, mark->inode))
        return;
    struct follow_file *file = follow_search_inode(log->path, mark);
    if (file == NULL)
        return;
    file->first_ns = log->since_ns;
    add_file(log, file, -1);
    log->current = file;
    log->settled = false;
}

static void resume_all(struct follow_log *log, GBytes *position)
{
    gsize size = 0;
    const char *text = g_bytes_get_data(position, &size);
    GArray *marks = follow_position_read(text, size, &log->since_ns);
    if (marks == NULL) {
        log_error("follow_position_unreadable", "follow=%s path=%s bytes=%zu", log->name, log->path, (size_t)size);
        return;
    }
    for (guint i = 0; i < marks->len; i++) {
        const struct follow_mark *mark = &g_array_index(marks, struct follow_mark, i);
        if (log->files->len + 2 > FOLLOW_MARKS_MAX) {
            warn_lost(log, mark, "more files than a position can hold");
            continue;
        }
        resume_content(log, mark);
        resume_truncated(log, mark);
    }
    g_array_unref(marks);
    log->moved = true;
}

/* ---- reading ---- */

static bool is_quiet(const struct follow_log *log, const struct follow_file *file)
{
    struct stat status;
    int wait_s = log->rotated_wait_s;
    if (log->files->len > FOLLOW_LOG_CROWD)
        wait_s = MIN(wait_s, CROWDED_WAIT_S);
    if (fstat(file->fd, &status) == 0 && status.st_nlink == 0)
        wait_s = MIN(wait_s, DELETED_WAIT_S);
    return g_get_monotonic_time() - file->growth_us > (int64_t)wait_s * G_USEC_PER_SEC;
}

static void warn_refused(struct follow_log *log, const struct follow_file *file, const struct intake_refusal *refusal)
{
    if (may_warn(&log->lines_warned_us)) {
        log_warn("follow_line_rejected", "follow=%s file=%s near=%" G_GUINT64_FORMAT " reason=%s", log->name, file->path,
                 file->offset, intake_reason_word(refusal->reason));
    }
}

/* One piece of one file. Lines are counted in `lines`; returns whether the file's offset moved. */
static bool read_piece(struct follow_log *log, struct follow_file *file, struct follow_lines *lines, char *piece)
{
    size_t n = 0;
    if (file == log->current && (!log->settled || is_nameless(file)))
        return false;
    enum follow_read verdict = follow_file_read(file, piece, log->piece_size, &n);
    if (verdict == FOLLOW_READ_CHANGED)
        (void)restart(log, file);
    if (verdict == FOLLOW_READ_ERROR && may_warn(&log->path_warned_us))
        log_warn("follow_failed", "follow=%s file=%s message=%s", log->name, file->path, g_strerror(errno));
    if (verdict != FOLLOW_READ_OK || n == 0)
        return false;
    struct line_cutter cutter = {.at = piece, .end = piece + n, .max_bytes = log->max_line_bytes, .skipping = file->skipping};
    cutter.full = n == log->piece_size;
    cutter.at_end = file != log->current && !cutter.full && is_quiet(log, file);
    follow_lines_take(lines, &cutter);
    if (lines->refused)
        warn_refused(log, file, &lines->refusal);
    follow_file_take(file, piece, (size_t)(cutter.at - piece));
    file->skipping = cutter.skipping;
    return cutter.at > piece;
}

/* Closes the first rotated file that is read to its end and has been quiet for long enough. One that is younger than the last look
 * would be taken for an unknown one by the next. */
static void give_up_quiet(struct follow_log *log)
{
    for (guint i = 0; i < log->files->len; i++) {
        struct follow_file *file = g_ptr_array_index(log->files, i);
        if (file == log->current || file->born_ns >= log->since_ns || !is_quiet(log, file) || follow_file_unread(file) > 0)
            continue;
        log_info("follow_closed", "follow=%s file=%s inode=%" G_GUINT64_FORMAT " offset=%" G_GUINT64_FORMAT, log->name, file->path,
                 file->inode, file->offset);
        g_ptr_array_remove_index(log->files, i);
        log->moved = true;
        return;
    }
}

struct submission *follow_log_read(struct follow_log *log, const struct intake *intake, char *piece, struct intake_tally *tally,
                                   uint64_t *n_lines)
{
    struct follow_lines lines = {
        .reader = log->reader, .intake = intake, .now_ms = g_get_real_time() / 1000, .submission = submission_new()};
    give_up_quiet(log);
    bool read = false;
    for (guint i = 0; i < log->files->len && !read; i++)
        read = read_piece(log, g_ptr_array_index(log->files, i), &lines, piece);
    if (!read && !log->moved) {
        submission_free(lines.submission);
        return NULL;
    }
    log->moved = false;
    lines.submission->position_name = g_strconcat("follow:", log->name, NULL);
    lines.submission->position = follow_log_position(log);
    *tally = lines.tally;
    *n_lines = lines.n_lines;
    return lines.submission; // cppcheck-suppress memleak ; the caller has it now
}
