/* notifier: sends what is due of deliveries (deliveries.h) of one kind of channel.
 *
 * Each replica has one for webhooks and one for mail, so that a mail server that hangs delays no webhook. Its thread looks each
 * second what is due, takes as much as it has places for, and sends it from what the registry and the alert's record say then. What
 * its receiver took is removed; the rest is tried again after a growing while, for retry_for_ms since the first try, and then
 * buried. A delivery of an alert or channel that is gone is dropped, and one that its channel does not want any more; an alert that
 * is just being written is waited for.
 *
 * No receiver delays another: at most `parallel` tries at a time, of these NOTIFIER_EACH for one channel; to those whose last try
 * failed together only a half. A channel that does not answer rests for a growing while: what is due for it meanwhile is postponed
 * without a try of its own, but its time runs.
 *
 * Redis being away: nothing new is taken, and what was sent is noted as soon as it can be; if that takes longer than
 * DELIVERIES_CLAIM_MS, it is sent again. */
#ifndef DAYBOOK_NOTIFIER_H
#define DAYBOOK_NOTIFIER_H

#include "api/deliveries.h"
#include "api/outgoing.h"
#include "api/registry.h"

enum { NOTIFIER_EACH = 2, NOTIFIER_STOP_MS = 3000 };

/* Texts are borrowed for the life of the notifier. */
struct notifier_settings {
    enum channel_kind kind;
    struct redis_settings redis;
    struct outgoing_settings outgoing;
    const char *public_url; /* of this API, for links; or "" */
    guint parallel;
    int64_t retry_least_ms, retry_most_ms, retry_for_ms;
    uint32_t dead_max;
    int64_t dead_keep_ms;
};

struct notifier;

/* registry and metrics are borrowed. */
struct notifier *notifier_start(const struct notifier_settings *settings, struct registry *registry, struct metrics *metrics);
/* Takes no more, waits NOTIFIER_STOP_MS for what is on its way (the rest is sent again by another), and frees. */
void notifier_stop(struct notifier *notifier);

/* Sends a test event to a channel of this kind, once, and calls done with what happened, on the notifier's thread. False: too many
 * are being tested. Safe from any thread, until notifier_stop. */
bool notifier_test(struct notifier *notifier, const struct channel *channel, outgoing_done *done, void *opaque);

#endif
