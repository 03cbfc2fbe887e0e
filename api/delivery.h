/* delivery: one alert's event on its way to one channel.
 *
 * Its id says all: "<alert id>.<event>.<channel id>", event "raised" or "recovered". What there is to say is in the alert's record,
 * to whom in the channel; so what is kept besides is only how the tries went, as JSON in {daybook}:deliveries:info. Pure. */
#ifndef DAYBOOK_DELIVERY_H
#define DAYBOOK_DELIVERY_H

#include "api/alert.h"
#include "api/channel.h"

enum { DELIVERY_ID_MAX = 128, DELIVERY_ERROR_MAX = 256, DELIVERY_ATTEMPTS_MAX = 1000000 };

enum delivery_event { DELIVERY_RAISED, DELIVERY_RECOVERED, DELIVERY_EVENT_N };

struct delivery {
    char alert[ALERT_ID_SIZE];
    enum delivery_event event;
    char channel[CHANNEL_ID_SIZE];
};

const char *delivery_event_name(enum delivery_event event); /* "raised", "recovered" */
/* The caller frees it. */
char *delivery_id(const struct delivery *delivery);
/* False: it is none. */
bool delivery_parse(struct view id, struct delivery *delivery);

/* How the tries went. All zero: there was none, and nobody waits for one. */
struct delivery_tries {
    uint32_t attempts;
    int64_t first_ms, last_ms; /* Unix time; first_ms: also when it first waited because its receiver rests (receivers.h) */
    int status;                /* that the receiver answered with (HTTP or SMTP); 0: it did not */
    char error[DELIVERY_ERROR_MAX];
    bool is_urgent; /* somebody asks for a try now, whether its receiver rests or not */
};

/* The caller frees the JSON. What cannot be read is as if there had been no try. */
char *delivery_tries_write(const struct delivery_tries *tries);
void delivery_tries_read(struct view json, struct delivery_tries *tries);
/* Notes a try. */
void delivery_tries_add(struct delivery_tries *tries, int64_t now_ms, int status, const char *error);

/* After how many ms the next try is made: twice as long each time, from least to most, a quarter more or less, so that receivers
 * are not asked by all at the same moment. attempts: made so far, at least 1. chance: 0 to 1023, random. */
int64_t delivery_backoff_ms(uint32_t attempts, int64_t least_ms, int64_t most_ms, uint32_t chance);

#endif
