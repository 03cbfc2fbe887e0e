/* log_line: reads lines of one log format into events for the intake. What `follow` and `import` share.
 *
 * A reader belongs to one thread. Its memory is set by the longest line it may be given (max_line_bytes, at most LOG_LINE_MAX). */
#ifndef DAYBOOK_LOG_LINE_H
#define DAYBOOK_LOG_LINE_H

#include "collector/log_event.h"

enum {
    LOG_LINE_MIN = 1024, /* bytes, without the newline */
    LOG_LINE_MAX = 1024 * 1024,
    LOG_LINE_PADDING = 64, /* bytes behind a line that must be readable, whatever they hold */
};

struct log_line_settings {
    enum log_format format;
    const char *const *fields; /* items of the field map, or NULL */
    const char *organization;  /* for lines that name none; "" or NULL: left to the intake */
    const char *platform;      /* the same */
    size_t max_line_bytes;
};

struct log_line_reader;
/* Settings are copied. Errors: a wrong field map. */
struct log_line_reader *log_line_reader_new(const struct log_line_settings *settings, GError **error);
void log_line_reader_free(struct log_line_reader *reader);

/* What a line is before anything is read: blanks only (skipped, not counted), or an event. */
bool log_line_is_blank(struct view line);
/* Reads one line without its newline ("\r" at its end is ignored), at most max_line_bytes long, with LOG_LINE_PADDING readable
 * bytes behind it. The event's views are valid until the next call, and as long as the line is. False with the refusal filled. */
bool log_line_read(struct log_line_reader *reader, struct view line, struct raw_event *raw, struct intake_refusal *refusal);

/* Everything that decides what becomes of a line, as one text (for an import's rules digest); g_free. */
char *log_line_reader_text(const struct log_line_reader *reader);

#endif
