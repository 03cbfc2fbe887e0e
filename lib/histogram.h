/* histogram: buckets of latencies: logarithmic, sparse, mergeable by adding; relative error under 5 %.
 *
 * Values below 16 µs have a bucket each. Above, every octave [2^k, 2^(k+1)) is cut into 8 sub-buckets at 2^k·2^(i/8), the cuts
 * rounded to 1/256 of the octave: so the upper edge of a bucket is at most 1.094 times its lower edge, and the value that stands
 * for a bucket, the harmonic mean of its edges, is at most HISTOGRAM_ERROR_PERCENT (and the rounding to a whole microsecond) away
 * from any value in it. (Eight *equal* sub-buckets would reach 5.9 % in the first one of each octave.) Compare HdrHistogram, and
 * DDSketch (Masson et al., VLDB 2019). */
#ifndef DAYBOOK_HISTOGRAM_H
#define DAYBOOK_HISTOGRAM_H

#include <stddef.h>
#include <stdint.h>

struct tally_list;

#define HISTOGRAM_ERROR_PERCENT 4.5
enum { HISTOGRAM_BUCKETS = 16 + 60 * 8 };

/* Bucket of a value in µs. */
uint32_t histogram_bucket(uint64_t value_us);
/* Least value of a bucket; bucket == HISTOGRAM_BUCKETS is not allowed (asserts). */
uint64_t histogram_low(uint32_t bucket);
/* The value that stands for a bucket, µs. */
uint64_t histogram_value(uint32_t bucket);
/* Nearest-rank quantile: the value that stands for the bucket of the ceil(numerator/denominator·n)-th smallest of the n values; 0
 * when there is none. p95 is (…, 95, 100). */
uint64_t histogram_quantile(const struct tally_list *buckets, uint64_t numerator, uint64_t denominator);

#endif
