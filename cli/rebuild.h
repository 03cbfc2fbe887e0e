/* rebuild: the sheets of one partition's days, made anew from the events and seals that cli/recount_log.h tells of. One thread. */
#ifndef DAYBOOK_CLI_REBUILD_H
#define DAYBOOK_CLI_REBUILD_H

#include "cli/recount_log.h"
#include "lib/sheet.h"

struct rebuild;

struct rebuild *rebuild_new(int partition);
void rebuild_free(struct rebuild *rebuild);

/* From here on the rows of the day are kept, up to this revision. */
void rebuild_want(struct rebuild *rebuild, int64_t day, int revision);
bool rebuild_wants(const struct rebuild *rebuild, int64_t day, int revision);
/* Forgets the day and what is kept of it. */
void rebuild_drop(struct rebuild *rebuild, int64_t day);
/* Memory of all rows that are kept. */
size_t rebuild_bytes(const struct rebuild *rebuild);
/* Widens *first to *last so that all days with rows are within. */
void rebuild_span(const struct rebuild *rebuild, int64_t *first, int64_t *last);

void rebuild_event(struct rebuild *rebuild, const struct recount_event *event);
void rebuild_erasure(struct rebuild *rebuild, const struct recount_erasure *erasure);
/* The canonical bytes of the sheet that the seal ends. Only of a revision that is wanted. */
GBytes *rebuild_seal(struct rebuild *rebuild, const struct recount_seal *seal, GError **error);

#endif
