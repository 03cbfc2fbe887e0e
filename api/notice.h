/* notice: what is told of an alert: the body of a webhook, and the subject and text of a mail.
 *
 *   {"id":"<alert id>.raised","event":"alert.raised","alert":{as the API shows it},"sentAt":time}
 *
 * "id" is of the event: the same however often it is sent and to whom, so that receivers can drop what they have. Pure. */
#ifndef DAYBOOK_NOTICE_H
#define DAYBOOK_NOTICE_H

#include "api/delivery.h"

#define NOTICE_TEST "channel.test"

/* "alert.raised", "alert.recovered". */
const char *notice_event_name(enum delivery_event event);
/* now_ms: Unix time. The caller frees what these return. */
GString *notice_body(const struct alert *alert, enum delivery_event event, int64_t now_ms);
/* Of the event that tests a channel: "alert" is null. */
GString *notice_test_body(const char *id, int64_t now_ms);

/* UTF-8; may hold anything that a client may be called, so it is for mail_write to make it fit for a header. */
char *notice_subject(const struct alert *alert, enum delivery_event event);
/* public_url: where this API is, without '/' at the end; "" for no link. */
char *notice_text(const struct alert *alert, enum delivery_event event, const char *public_url);

#endif
