/* intern: gives every distinct string a small number.
 *
 * Numbers count up from 0 in the order of arrival; the empty string is always 0. Owned by one thread. Strings are copied; views
 * handed out live until intern_reset or intern_free. Holds at most 2^31 strings; who fills it watches intern_bytes. */
#ifndef DAYBOOK_INTERN_H
#define DAYBOOK_INTERN_H

#include "lib/view.h"

struct intern;

struct intern *intern_new(void);
void intern_free(struct intern *intern);
/* Forgets all strings but "", keeping the memory of the table. */
void intern_reset(struct intern *intern);

/* The number of text, new if it was not known. */
uint32_t intern_add(struct intern *intern, struct view text);
/* The numbers of n texts at once: faster, since the waits for memory overlap. */
void intern_add_all(struct intern *intern, const struct view *texts, size_t n, uint32_t *numbers);
struct view intern_get(const struct intern *intern, uint32_t number);
uint32_t intern_count(const struct intern *intern);
/* Memory held, roughly. */
size_t intern_bytes(const struct intern *intern);

/* 64-bit hash of bytes; not for hostile input beyond what open addressing bears (seeded per process). */
uint64_t hash_bytes(const void *data, size_t size);
/* Mixes a 64-bit value (finalizer of MurmurHash3, public domain). */
static inline uint64_t hash_mix(uint64_t x)
{
    x ^= x >> 33;
    x *= UINT64_C(0xff51afd7ed558ccd);
    x ^= x >> 33;
    x *= UINT64_C(0xc4ceb9fe1a85ec53);
    return x ^ (x >> 33);
}

#endif
