/* sheet_fetch: a sheet from where it is: Redis, or the archive. */
#ifndef DAYBOOK_SHEET_FETCH_H
#define DAYBOOK_SHEET_FETCH_H

#include "lib/archive.h"
#include "lib/redis.h"

enum sheet_source { SHEET_FROM_REDIS, SHEET_FROM_ARCHIVE };

/* The canonical bytes with that checksum, from Redis if it has them undamaged, else from the archive (NULL: there is none). redis
 * is connected to the server that owns the partition's keys. source (may be NULL) says where they came from: a copy that was
 * missing or damaged elsewhere is logged. NULL when neither has them: the error names both places, and the checksums of what is
 * damaged. */
GBytes *sheet_fetch(struct redis *redis, struct archive *archive, const struct sheet_name *name,
                    const uint8_t checksum[LEDGER_CHECKSUM_SIZE], enum sheet_source *source, GError **error);
/* What stands in Redis under the key of a sheet, checked likewise. NULL: no sheet, or another checksum. */
GBytes *sheet_fetch_packed(struct view packed, const struct sheet_name *name, const uint8_t checksum[LEDGER_CHECKSUM_SIZE],
                           GError **error);
/* What Redis replied for the key of a sheet, checked likewise. NULL: nil, no sheet, or another checksum. */
GBytes *sheet_fetch_reply(const struct redis_reply *reply, const struct sheet_name *name,
                          const uint8_t checksum[LEDGER_CHECKSUM_SIZE], GError **error);

#endif
