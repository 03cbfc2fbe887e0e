/* frozen: the slot buckets of a sealed generation, read from Redis into a sheet. Owned by one thread.
 *
 * Nobody writes to them any more, so they can be read piece by piece while the partition goes on counting. */
#ifndef DAYBOOK_FROZEN_H
#define DAYBOOK_FROZEN_H

#include "aggregator/commit.h"
#include "lib/sheet.h"

struct frozen;

/* The builder is borrowed. */
struct frozen *frozen_new(int partition, int64_t day, int revision, struct sheet_builder *builder);
void frozen_free(struct frozen *frozen);
/* Reads a piece (some hundred hashes) and adds its rows; *done when it was the last one. An error of COMMIT_ERROR: the connection,
 * or what Redis holds is damaged; of SHEET_ERROR: it is more than a sheet can hold. */
bool frozen_step(struct frozen *frozen, struct commit *commit, bool *done, GError **error);

#endif
