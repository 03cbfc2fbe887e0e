/* recount_tally: see recount_tally.h. */
#include "cli/recount_tally.h"

#include "lib/keys.h"

static void take_event(void *opaque, const struct recount_event *event)
{
    const struct recount_tally *tally = opaque;
    const struct counts_key key = {event->day, event->organization, event->client, event->route, event->status};
    int64_t minute = event->time_ms / KEYS_MINUTE_MS;
    int64_t slot = event->time_ms / KEYS_SLOT_MS;

    counts_add(tally->counts, &key, 1);
    series_add(tally->series, (struct series_key){SERIES_MINUTES, event->partition, minute, 0}, 1);
    series_add(tally->series, (struct series_key){SERIES_SLOT_CLIENTS, event->partition, slot, event->revision}, 1);
}

struct recount_listener recount_tally_listener(struct recount_tally *tally)
{
    return (struct recount_listener){.opaque = tally, .event = take_event};
}
