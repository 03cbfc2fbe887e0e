/* artifacts: rendered exports, kept as files without names for those who ask again or go on after an interruption.
 *
 * A key says all that decides the bytes. Bounded: all together at most bytes_max and ARTIFACTS_MAX files; those longest unused go
 * first (readers that have them open go on). Thread-safe. */
#ifndef DAYBOOK_ARTIFACTS_H
#define DAYBOOK_ARTIFACTS_H

#include "api/export.h"

struct artifacts;

enum { ARTIFACTS_MAX = 256 }; /* descriptors that are kept open */

struct artifacts *artifacts_new(uint64_t bytes_max);
void artifacts_free(struct artifacts *artifacts);
/* A descriptor of the caller's own (dup). False: not there. */
bool artifacts_get(struct artifacts *artifacts, const char *key, struct export_file *file);
/* Keeps a dup; the file stays the caller's. */
void artifacts_put(struct artifacts *artifacts, const char *key, const struct export_file *file);

#endif
