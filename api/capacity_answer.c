#include "api/capacity_answer.h"

#include "api/finality.h"
#include "api/zone_days.h"
#include "lib/keys.h"

enum { HOUR_MS = 3600 * 1000, PERCENT = 100, THOUSAND = 1000 };

__extension__ typedef unsigned __int128 wide;

uint64_t capacity_times(uint64_t peak, int64_t unit_ms, uint64_t total, int64_t span_ms)
{
    wide average = (wide)total * (wide)unit_ms, times = (wide)peak * (wide)span_ms;
    if (average == 0)
        return 0;
    if (times > ~(wide)0 / (THOUSAND + 1))
        return UINT64_MAX;
    times = (times * THOUSAND + average / 2) / average;
    return times > UINT64_MAX ? UINT64_MAX : (uint64_t)times;
}

static void write_at(struct writer *writer, const struct capacity_peak *peak, const struct tz *tz)
{
    if (peak->requests > 0)
        zone_write(writer, "at", tz, peak->at_ms);
    else
        writer_null(writer, "at");
}

static void write_peak(struct writer *writer, const char *key, const struct capacity_peak *peak, const struct tz *tz)
{
    writer_begin(writer, key, '{');
    writer_count(writer, "value", peak->requests);
    write_at(writer, peak, tz);
    writer_end(writer, '}');
}

static void write_minutes(struct writer *writer, const struct capacity_answer *answer)
{
    const struct capacity *capacity = answer->capacity;
    if (capacity->has_minutes) {
        write_peak(writer, "peakRequestsPerMinute", &capacity->minute, answer->tz);
        zone_write(writer, "minutesSince", answer->tz, capacity->minutes_since_ms);
    } else {
        writer_null(writer, "peakRequestsPerMinute");
        writer_null(writer, "minutesSince");
    }
}

static void write_busiest(struct writer *writer, const struct capacity_answer *answer)
{
    writer_begin(writer, "busiestHours", '[');
    for (size_t i = 0; i < answer->capacity->n_busiest; i++) {
        writer_begin(writer, NULL, '{');
        zone_write(writer, "at", answer->tz, answer->capacity->busiest[i].at_ms);
        writer_count(writer, "requests", answer->capacity->busiest[i].requests);
        writer_end(writer, '}');
    }
    writer_end(writer, ']');
}

/* The average of minutes is that of those which are kept, like their peak. */
static void write_averages(struct writer *writer, const struct capacity *capacity)
{
    const int64_t span_ms = capacity->to_ms - capacity->from_ms, minutes_ms = capacity->to_ms - capacity->minutes_since_ms;
    const uint64_t total = capacity->requests;
    writer_begin(writer, "average", '{');
    writer_ratio(writer, "requestsPerMinute", total, KEYS_MINUTE_MS, (uint64_t)span_ms);
    writer_ratio(writer, "requestsPerHour", total, HOUR_MS, (uint64_t)span_ms);
    writer_ratio(writer, "requestsPerDay", total, CIVIL_DAY_MS, (uint64_t)span_ms);
    writer_end(writer, '}');
    writer_begin(writer, "peakToAverage", '{');
    if (capacity->has_minutes)
        writer_ratio(writer, "minute",
                     capacity_times(capacity->minute.requests, KEYS_MINUTE_MS, capacity->minutes_requests, minutes_ms), 1,
                     THOUSAND);
    else
        writer_null(writer, "minute");
    writer_ratio(writer, "hour", capacity_times(capacity->hour.requests, HOUR_MS, total, span_ms), 1, THOUSAND);
    writer_ratio(writer, "day", capacity_times(capacity->day.requests, CIVIL_DAY_MS, total, span_ms), 1, THOUSAND);
    writer_end(writer, '}');
}

static void write_limit(struct writer *writer, const struct capacity_answer *answer, enum limit_period period)
{
    const struct capacity_peak *peak = &answer->capacity->of_limits[period];
    const uint64_t limit = answer->limits->requests[period];
    writer_begin(writer, NULL, '{');
    writer_text(writer, "period", view_of(limit_period_name(period)));
    writer_count(writer, "limit", limit);
    writer_count(writer, "peak", peak->requests);
    write_at(writer, peak, answer->tz);
    writer_integer(writer, "headroom", (int64_t)(limit - peak->requests)); /* two's complement: less than 0 where it was passed */
    writer_ratio(writer, "utilization", peak->requests, PERCENT, limit);
    writer_end(writer, '}');
}

static void write_limits(struct writer *writer, const struct capacity_answer *answer)
{
    writer_begin(writer, "limits", '[');
    for (int i = 0; i < LIMIT_PERIOD_N && answer->limits != NULL; i++)
        if (answer->limits->requests[i] > 0 && (i != LIMIT_MINUTE || answer->capacity->has_minutes))
            write_limit(writer, answer, (enum limit_period)i);
    writer_end(writer, ']');
}

static void write_window(struct writer *writer, const struct capacity_answer *answer)
{
    char day[CIVIL_TEXT_MAX];
    writer_begin(writer, "window", '{');
    zone_write(writer, "from", answer->tz, answer->capacity->from_ms);
    zone_write(writer, "to", answer->tz, answer->capacity->to_ms);
    writer_end(writer, '}');
    if (answer->finalized_through == FINALITY_NONE)
        writer_null(writer, "finalizedThrough");
    else
        writer_text(writer, "finalizedThrough", view_make(day, civil_format_day(day, answer->finalized_through)));
}

void capacity_answer_write(GString *out, const struct capacity_answer *answer)
{
    const struct capacity *capacity = answer->capacity;
    struct writer writer;
    writer_init(&writer, out);
    writer_begin(&writer, NULL, '{');
    write_window(&writer, answer);
    writer_count(&writer, "totalRequests", capacity->requests);
    write_minutes(&writer, answer);
    write_peak(&writer, "peakRequestsPerHour", &capacity->hour, answer->tz);
    write_peak(&writer, "peakRequestsPerDay", &capacity->day, answer->tz);
    write_busiest(&writer, answer);
    write_averages(&writer, capacity);
    write_limits(&writer, answer);
    writer_time_ms(&writer, "timestamp", answer->now_ms);
    writer_end(&writer, '}');
}
