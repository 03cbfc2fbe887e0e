/* log: one line per event on stderr, `time level event key=value …`.
 *
 * Values are quoted when they hold blanks or quotes; control characters are escaped; a value is cut at 512 bytes. No tokens, no
 * payloads. Safe from any thread: a line is one write. */
#ifndef DAYBOOK_LOG_H
#define DAYBOOK_LOG_H

#include <glib.h>

enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARN, LOG_LEVEL_ERROR };

/* The least level that is written; INFO until it is set. Called once, before threads start. */
void log_set_level(enum log_level level);
gboolean log_level_parse(const char *name, enum log_level *level); /* debug|info|warn|error */

/* log_event(LOG_LEVEL_INFO, "journal_opened", "dir=%s segments=%d", …): format is a printf format of "key=%conversion" pairs
 * separated by single blanks; each formatted value is quoted where needed. Supported conversions: %s %d %u %zu %" G_GINT64_FORMAT "
 * %" G_GUINT64_FORMAT " %.3f. */
void log_event(enum log_level level, const char *event, const char *format, ...) G_GNUC_PRINTF(3, 4);
#define log_info(event, ...) log_event(LOG_LEVEL_INFO, event, __VA_ARGS__)
#define log_warn(event, ...) log_event(LOG_LEVEL_WARN, event, __VA_ARGS__)
#define log_error(event, ...) log_event(LOG_LEVEL_ERROR, event, __VA_ARGS__)
#define log_debug(event, ...) log_event(LOG_LEVEL_DEBUG, event, __VA_ARGS__)

#endif
