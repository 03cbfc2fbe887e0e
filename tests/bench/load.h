/* load: the usage events of the benchmarks and of the exactness test, the same for the same seed on every machine.
 *
 * Realistic: 1,000 clients by Zipf (exponent 1), each calling 5 to 30 of 200 routes; a route has one method; 94 % 2xx among 8
 * statuses; a third of the events has one of 10,000 users, a tenth an id; log-normal latencies; event times ascend through one
 * hour. Hostile: the same, but client, route and status are each uniform and independent, so that nothing repeats soon.
 *
 * One thread. Nothing here reads a clock. */
#ifndef DAYBOOK_BENCH_LOAD_H
#define DAYBOOK_BENCH_LOAD_H

#include "lib/event.h"
#include <glib.h>

enum { LOAD_CLIENTS = 1000, LOAD_ROUTES = 200, LOAD_USERS = 10000, LOAD_STATUSES = 8, LOAD_HOUR_MS = 3600000 };

struct load_settings {
    uint64_t seed;
    uint64_t events;  /* how many make up the span: at least 1 */
    int64_t start_ms; /* Unix time of the first one, milliseconds */
    int64_t span_ms;  /* through which the times ascend; 0: an hour */
    bool hostile;
    bool no_users;
};

struct load;
struct load *load_new(const struct load_settings *settings);
void load_free(struct load *load);
/* The next event, without end; its views live until the next call or load_free. */
void load_next(struct load *load, struct event *event);
/* Appends the event as a JSON object of the collector's native form (all strings of a load are plain ASCII without quotes). */
void load_json(const struct event *event, GString *out);
/* Appends the event as a CloudEvent in the JSON form; the event must have an id. */
void load_cloudevent(const struct event *event, GString *out);
/* Appends the event as a line of the combined log format, as nginx writes it, with its newline. */
void load_combined(const struct event *event, GString *out);

#endif
