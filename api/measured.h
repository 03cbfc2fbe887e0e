/* measured: what every answer says of a measure in the same way: what failed of it, its bytes, its percentiles. Pure. */
#ifndef DAYBOOK_MEASURED_H
#define DAYBOOK_MEASURED_H

#include "api/writer.h"
#include "lib/measure.h"

enum { MEASURED_FIRST_ERROR = 400 /* the lowest status of a request that failed */ };

uint64_t measured_failed(const struct measure *measure);
/* Of requests and responses. */
uint64_t measured_bytes(const struct measure *measure);
/* In percent. A share of nothing is 0, but nothing failed: that of no request is 100. */
void measured_write_success_rate(struct writer *writer, uint64_t requests, uint64_t errors);

/* Percentiles come from the histogram, and none exceeds the maximum. False: requests were counted without one. */
bool measured_percentile_us(const struct measure *measure, uint64_t percent, uint64_t *value_us);
/* In milliseconds; null where there is no histogram. */
void measured_write_percentile(struct writer *writer, const char *key, const struct measure *measure, uint64_t percent);

#endif
