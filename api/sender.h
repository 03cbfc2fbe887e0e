/* sender: makes of an alert the message that a channel takes, signs and addresses it, and hands it to outgoing.
 *
 * Belongs to the thread of its outgoing. */
#ifndef DAYBOOK_SENDER_H
#define DAYBOOK_SENDER_H

#include "api/delivery.h"
#include "api/outgoing.h"

/* All borrowed. */
struct sender {
    struct outgoing *outgoing;
    const struct outgoing_settings *settings;
    const char *public_url; /* of this API, for links; or "" */
};

struct sender_message {
    const char *id;            /* of the delivery, or made up for a test */
    const struct alert *alert; /* NULL: a test of the channel */
    enum delivery_event event; /* of an alert */
};

/* False: it cannot be sent at all, and *why says so; done is not called then. */
bool sender_send(const struct sender *sender, const struct channel *channel, const struct sender_message *message,
                 outgoing_done *done, void *opaque, struct outgoing_result *why);

#endif
