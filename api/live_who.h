/* live_who: who of a scope a generation has, kept: clients only come, and never go or change their symbols while the token of the
 * partition stays, so as long as there are as many (generation.clients) they are the same. */
#ifndef DAYBOOK_LIVE_WHO_H
#define DAYBOOK_LIVE_WHO_H

#include "api/live_notes.h"

/* As members_find, for generations that were counted. */
struct members *live_who_find(struct live_notes *notes, const GArray *generations, guint first, guint n, const struct scope *scope,
                              GError **error);

#endif
