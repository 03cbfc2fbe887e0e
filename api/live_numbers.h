/* live_numbers: how often each client of a scope was counted in each slot of a generation (members.h), kept for as long as nothing
 * is counted in the generation at all.
 *
 * That is so while the token of its partition and its events (cnt:<generation> of {pN}:meta) are the same. Events are written last
 * of a flush, and asked for first of a reading: so what was read with them belongs to that many events, or to more, of a flush that
 * was being applied; then they are others the next time. */
#ifndef DAYBOOK_LIVE_NUMBERS_H
#define DAYBOOK_LIVE_NUMBERS_H

#include "api/live_cache.h"
#include "api/members.h"

enum { LIVE_TOKEN_SIZE = 32 };

/* Notes the numbers of generation `index` of the members in the range, and that members_see need not ask for them. False: nothing
 * is known, or it is not the same any more. */
bool live_numbers_recall(struct live_cache *cache, const char *key, const char *token, struct members *members, guint index,
                         struct slot_range range);
/* What members_see has found, to be kept. */
struct live_kept *live_numbers_new(const struct members *members, const char *token, guint index, struct slot_range range);

#endif
