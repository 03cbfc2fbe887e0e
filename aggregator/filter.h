/* filter: has this digest perhaps been added? A scalable Bloom filter (Almeida et al., Information Processing Letters 101, 2007)
 * of blocks of one cache line (Putze, Sanders, Singler, WEA 2007).
 *
 * "No" is certain; "yes" is wrong less than once in 10,000 times: a wrong one costs a wait for Redis. It begins with 8 KiB and adds
 * stages of twice the size up to 8 MiB; when these are full too (4 million entries), it says yes to everything. Owned by one
 * thread. */
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
