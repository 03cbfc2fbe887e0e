/* alert_minutes: requests of watched clients in single minutes, exactly, from the sorted sets of minutes of all revisions. Only of
 * generations that a look has read the names of. */
#ifndef DAYBOOK_ALERT_MINUTES_H
#define DAYBOOK_ALERT_MINUTES_H

#include "api/alert_growth.h"

enum { ALERT_MINUTES_MAX = 60 };

struct alert_minutes {
    int64_t first;     /* minutes since 1970 */
    uint32_t n;        /* at most ALERT_MINUTES_MAX */
    GHashTable **list; /* of each: struct growth_client -> its requests (uint64_t *) */
};

/* Minutes [first, first + n). NULL with an error. */
struct alert_minutes *alert_minutes_read(const struct alert_growth *growth, struct reader *reader, int64_t first, uint32_t n,
                                         GError **error);
void alert_minutes_free(struct alert_minutes *minutes); /* NULL is allowed */

#endif
