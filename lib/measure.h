/* measure: what is counted for one combination in one bucket, and its text in Redis.
 *
 *   200:15,404:2 17 123456 9001 412 1830 97:3,104:14
 *   |            |  |      |    |   |    `- latency histogram: bucket:count (lib/histogram.h); "-" when histograms are off
 *   |            |  |      |    |   `- response bytes, sum
 *   |            |  |      |    `- request bytes, sum
 *   |            |  |      `- latency maximum, µs
 *   |            |  `- latency sum, µs
 *   |            `- requests: the sum of the counts before
 *   `- requests by status code, ascending; plain integers, to be read with redis-cli by anyone
 *
 * Most combinations occur once in a quarter of an hour, so a measure of one request has a short text: status, latency in µs,
 * request bytes, response bytes (the rest follows from them), and "-" behind them when histograms are off:
 *
 *   404 9001 12 530
 *
 * All integers are decimal and exact (64 bit). A measure belongs to one thread. */
#ifndef DAYBOOK_MEASURE_H
#define DAYBOOK_MEASURE_H

#include "lib/arena.h"
#include "lib/view.h"
#include <glib.h>

struct tally {
    uint64_t key : 16; /* status code or histogram bucket */
    uint64_t count : 48;
};
#define TALLY_COUNT_MAX ((UINT64_C(1) << 48) - 1)

/* A small sorted list of tallies; grows, never shrinks. */
struct tally_list {
    struct tally *items;
    uint32_t n, capacity;
};

struct measure {
    uint64_t requests;
    uint64_t latency_sum_us;
    uint64_t latency_max_us;
    uint64_t request_bytes;
    uint64_t response_bytes;
    struct tally_list statuses;
    struct tally_list latencies; /* by histogram bucket; empty when histograms are off */
    struct arena *arena;         /* where the lists grow; NULL: on the heap */
};

void measure_init(struct measure *measure);
/* Its lists grow in the arena and end with it. */
void measure_init_in(struct measure *measure, struct arena *arena);
void measure_clear(struct measure *measure);
/* As cleared, but its lists keep their memory for what is added next. */
void measure_reset(struct measure *measure);
void measure_add(struct measure *measure, uint32_t status, uint64_t latency_us, uint64_t request_bytes, uint64_t response_bytes,
                 bool histogram);
void measure_merge(struct measure *into, const struct measure *from);
uint64_t measure_status(const struct measure *measure, uint32_t status);
/* Requests whose status is between first and last (200, 299). */
uint64_t measure_statuses(const struct measure *measure, uint32_t first, uint32_t last);
/* One request, and no histogram or one that holds just it: what the short text says. */
bool measure_is_single(const struct measure *measure);
/* Appends the short text of one request. */
void measure_format_request(uint32_t status, uint64_t latency_us, uint64_t request_bytes, uint64_t response_bytes, bool histogram,
                            GString *out);
/* Appends the text, the short one where it says the same. */
void measure_format(const struct measure *measure, GString *out);
/* Reads the text; false, with the measure cleared, when it is not one. */
bool measure_parse(struct measure *measure, struct view text);
/* The same in place of what an initialized measure on the heap had, whose memory is used again. */
bool measure_parse_again(struct measure *measure, struct view text);

/* Adds to a sorted list in the arena; NULL: on the heap. key is under 2^16; no count of Daybook's passes TALLY_COUNT_MAX. */
void tally_add(struct tally_list *list, struct arena *arena, uint32_t key, uint64_t count);

#endif
