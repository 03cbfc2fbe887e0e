/* event_text: what may stand in the texts of an event, and how a wrong one is shown in a message.
 *
 * Pure functions of their arguments. */
#ifndef DAYBOOK_EVENT_TEXT_H
#define DAYBOOK_EVENT_TEXT_H

#include "lib/view.h"

enum { EVENT_TEXT_SHOWN_MAX = 64 }; /* bytes of a value that a message repeats, before the "…" */

/* Valid UTF-8 without control characters (U+0000 to U+001F, U+007F to U+009F). */
bool event_text_is_clean(struct view text);

/* Writes the text, cut to EVENT_TEXT_SHOWN_MAX bytes at a character's border, with '?' for each byte that is not clean. Always
 * valid UTF-8, NUL-terminated. */
void event_text_show(struct view text, char out[EVENT_TEXT_SHOWN_MAX + 4]);

#endif
