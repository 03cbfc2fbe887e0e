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
};

struct follow_log {
    char *name;
    char *path;
    struct log_line_reader *reader;
    size_t max_line_bytes;
    size_t piece_size;
    bool start_at_end;
    int rotated_wait_s;

    GPtrArray *files;            /* owned struct follow_file, oldest first */
    struct follow_file *current; /* the newest of them; NULL while there is none */
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

/* The rotated files that are not known and were born at since_ns or later, in order of birth. GPtrArray that owns them. */
static GPtrArray *search_between(const struct follow_log *log, int64_t since_ns, const struct follow_file *except)
{
    GPtrArray *found = follow_search_rotated(log->path);
    for (guint i = found->len; i > 0; i--) {
        struct follow_file *file = g_ptr_array_index(found, i - 1);
        bool excepted = except && except->device == file->device && except->inode == file->inode;
        if (file->born_ns < since_ns || excepted || find_file(log, file->device, file->inode) || is_copy(log, file))
            g_ptr_array_remove_index(found, i - 1);
    }
    return found;
}

/* Adds the rotated files between the newest known one and what the path names now; each becomes the current one in turn. False when
 * there was no room for all of them. */
static bool add_successors(struct follow_log *log, const struct follow_file *except)
{
    g_autoptr(GPtrArray) between = search_between(log, log->since_ns, except);
    while (between->len > 0 && has_room(log)) {
        struct follow_file *file = g_ptr_array_steal_index(between, 0);
        file->first_ns = file->born_ns;
        add_file(log, file, -1);
        log->current = file;
        log->since_ns = file->born_ns;
    }
    return between->len == 0;
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

/* The path names another file than it did. */
static void arrive(struct follow_log *log, int64_t now_ns)
{
    g_autoptr(GError) error = NULL;
    struct follow_file *file = follow_file_open(log->path, &error);
    if (file == NULL) {
        if (!g_error_matches(error, G_FILE_ERROR, G_FILE_ERROR_NOENT) && may_warn(&log->path_warned_us))
            log_warn("follow_failed", "follow=%s message=%s", log->name, error->message);
        return;
    }
    struct follow_file *known = find_file(log, file->device, file->inode);
    bool first = log->since_ns == 0;
    bool room = known || first || (add_successors(log, file) && has_room(log));
    if (known || !room) {
        follow_file_free(file);
        log->current = known ? known : log->current;
        return;
    }
    file->first_ns = now_ns;
    if (first && log->start_at_end)
        start_at_end(file);
    add_file(log, file, -1);
    log->current = file;
    log->since_ns = now_ns;
}

/* Adds files in front of the one at index `at`, as far as there is room, and takes them out of the array. */
static void insert_all(struct follow_log *log, GPtrArray *files, int at)
{
    for (; files->len > 0 && has_room(log); at++) {
        struct follow_file *file = g_ptr_array_steal_index(files, 0);
        file->first_ns = file->born_ns;
        add_file(log, file, at);
    }
}

/* A file is shorter than it was, or begins with other bytes: what it held may have been copied away before. */
static void restart(struct follow_log *log, struct follow_file *file)
{
    struct follow_mark mark;
    guint index = 0;
    g_assert(g_ptr_array_find(log->files, file, &index));
    follow_file_mark(file, &mark);
    follow_file_restart(file, follow_file_clock_ns());
    log->moved = true;
    struct follow_file *copy = follow_search_copy(log->path, &mark);
    if (copy == NULL || find_file(log, copy->device, copy->inode) || !has_room(log)) {
        follow_file_free(copy);
        warn_lost(log, &mark, "truncated, and no copy of it is there: its end may not have been read");
        return;
    }
    log_info("follow_truncated", "follow=%s copy=%s offset=%" G_GUINT64_FORMAT, log->name, copy->path, mark.offset);
    add_file(log, copy, (int)index);
    g_autoptr(GPtrArray) between = search_between(log, copy->born_ns, NULL);
    insert_all(log, between, (int)index + 1);
    if (between->len > 0)
        warn_lost(log, &mark, "truncated more often than files can be open at a time");
}

/* The log was empty at the last look, so that a truncation since then does not show; but a copy that was made before it does. */
static void find_copies_of_unseen(struct follow_log *log)
{
    struct follow_mark mark;
    guint index = 0;
    g_autoptr(GPtrArray) between = search_between(log, log->since_ns, NULL);
    g_assert(g_ptr_array_find(log->files, log->current, &index));
    follow_file_mark(log->current, &mark);
    for (guint i = between->len; i > 0; i--) {
        if (mark.head_size > 0 && follow_file_resume(g_ptr_array_index(between, i - 1), &mark))
            g_ptr_array_remove_index(between, i - 1); /* of what is still there */
    }
    insert_all(log, between, (int)index);
}

/* Whether a file was made, removed or renamed beside the log since the last call. */
static bool directory_changed(struct follow_log *log)
{
    struct stat status;
    g_autofree char *directory = g_path_get_dirname(log->path);
    if (stat(directory, &status) != 0)
        return false;
    int64_t changed_ns = status.st_mtim.tv_sec * G_GINT64_CONSTANT(1000000000) + status.st_mtim.tv_nsec;
    bool changed = changed_ns != log->directory_ns;
    log->directory_ns = changed_ns;
    return changed;
}

/* There is no file under the path. One may have come and gone since the last look. */
static void observe_nothing(struct follow_log *log, int64_t now_ns)
{
    bool first = log->since_ns == 0;
    bool changed = directory_changed(log);
    log->moved = log->moved || first; /* what comes while the collector is down is wanted */
    if (first || !changed || add_successors(log, NULL))
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
    bool unseen = log->current && log->current->head_size == 0;
    bool changed = log->current && follow_file_compare(log->current) == FOLLOW_READ_CHANGED;
    if (changed)
        restart(log, log->current);
    if (log->current && follow_file_is(log->current, &status)) {
        if (unseen && !changed && directory_changed(log))
            find_copies_of_unseen(log);
        log->since_ns = now_ns;
    } else if (has_room(log)) {
        arrive(log, now_ns);
    }
}

/* ---- after a restart of the collector ---- */

/* Adds what a mark was made of: the file, or its copy. */
static void resume_content(struct follow_log *log, const struct follow_mark *mark)
{
    struct follow_file *file = follow_search_mark(log->path, mark);
    bool copied = file && (file->device != mark->device || file->inode != mark->inode);
    if (copied)
        log->since_ns = MIN(log->since_ns, file->born_ns);
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
        resume_content(log, &g_array_index(marks, struct follow_mark, i));
        resume_truncated(log, &g_array_index(marks, struct follow_mark, i));
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
    return g_get_monotonic_time() - file->growth_us > wait_s * G_USEC_PER_SEC;
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
    enum follow_read verdict = follow_file_read(file, piece, log->piece_size, &n);
    if (verdict == FOLLOW_READ_CHANGED)
        restart(log, file);
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

/* Closes the first rotated file that is read to its end and has been quiet for long enough. */
static void give_up_quiet(struct follow_log *log)
{
    for (guint i = 0; i < log->files->len; i++) {
        struct follow_file *file = g_ptr_array_index(log->files, i);
        if (file == log->current || !is_quiet(log, file) || follow_file_unread(file) > 0)
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
