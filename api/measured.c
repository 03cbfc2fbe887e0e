#include "api/measured.h"

#include "lib/histogram.h"

enum { PERCENT = 100, US_PER_MS = 1000 };

uint64_t measured_failed(const struct measure *measure)
{
    return measure_statuses(measure, MEASURED_FIRST_ERROR, UINT32_MAX);
}

uint64_t measured_bytes(const struct measure *measure)
{
    return measure->request_bytes + measure->response_bytes;
}

void measured_write_success_rate(struct writer *writer, uint64_t requests, uint64_t errors)
{
    if (requests == 0)
        writer_count(writer, "successRate", PERCENT);
    else
        writer_ratio(writer, "successRate", requests - errors, PERCENT, requests);
}

bool measured_percentile_us(const struct measure *measure, uint64_t percent, uint64_t *value_us)
{
    *value_us = MIN(histogram_quantile(&measure->latencies, percent, PERCENT), measure->latency_max_us);
    return measure->requests == 0 || measure->latencies.n > 0;
}

void measured_write_percentile(struct writer *writer, const char *key, const struct measure *measure, uint64_t percent)
{
    uint64_t value_us;
    if (measured_percentile_us(measure, percent, &value_us))
        writer_ratio(writer, key, value_us, 1, US_PER_MS);
    else
        writer_null(writer, key);
}
