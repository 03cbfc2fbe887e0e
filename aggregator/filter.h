/* filter: has this digest perhaps been added? A scalable Bloom filter (Almeida et al., Information Processing Letters 101, 2007).
 *
 * "No" is certain; "yes" is wrong for about 1 in 50. It begins with 8 KiB and adds stages of twice the size up to 4 MiB; when these
 * are full too, it says yes to everything. Owned by one thread. */
#ifndef DAYBOOK_FILTER_H
#define DAYBOOK_FILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { FILTER_DIGEST_SIZE = 16 }; /* of a cryptographic hash: its bits are the hash functions */

struct filter;
struct filter *filter_new(void);
void filter_free(struct filter *filter);
void filter_add(struct filter *filter, const uint8_t digest[FILTER_DIGEST_SIZE]);
bool filter_has(const struct filter *filter, const uint8_t digest[FILTER_DIGEST_SIZE]);

#endif
