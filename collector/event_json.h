/* event_json: usage events out of JSON: native ones and CloudEvents, one, an array, or a line each.
 *
 * A body of EVENT_JSON_DOCUMENT and the CloudEvent forms is one JSON text: if it is malformed anywhere it cannot be read at all.
 * Lines are independent: a malformed one is one rejected event. Blank lines are no events. A wrong event never costs the others:
 *   - an unknown field, a field given twice, a value of a wrong type (null too) rejects it;
 *   - bytes that are not UTF-8 stand in it as DEL characters, which the intake then refuses as invalid_text where they matter.
 *
 * A reader belongs to one thread. */
#ifndef DAYBOOK_EVENT_JSON_H
#define DAYBOOK_EVENT_JSON_H

#include "collector/cloudevents.h"
#include "collector/intake.h"

enum event_json_form {
    EVENT_JSON_DOCUMENT,    /* a native event, or an array of them */
    EVENT_JSON_LINES,       /* native events, one a line */
    EVENT_JSON_CLOUDEVENT,  /* a CloudEvent in the JSON format */
    EVENT_JSON_CLOUDEVENTS, /* an array of these */
    EVENT_JSON_DATA,        /* the data of a CloudEvent whose attributes are given */
};

enum event_json_result {
    EVENT_JSON_READ,
    EVENT_JSON_UNREADABLE, /* the body cannot be read at all: forget what was given out */
    EVENT_JSON_STOPPED,    /* `each` returned false */
};

struct event_json_sink {
    /* The next event: raw, or NULL and why it is refused; and as it stands in the body. Views live until it returns. False: stop.
     */
    bool (*each)(void *opaque, const struct raw_event *raw, const struct intake_refusal *refusal, struct view text);
    void *opaque;
};

struct event_json_failure {
    size_t position; /* bytes of the body before what is wrong */
    const char *why; /* static; no full stop */
};

struct event_json;
struct event_json *event_json_new(void);
void event_json_free(struct event_json *reader);

/* attributes: for EVENT_JSON_DATA, else NULL. The failure is filled for EVENT_JSON_UNREADABLE. */
enum event_json_result event_json_read(struct event_json *reader, struct view body, enum event_json_form form,
                                       struct cloudevent *attributes, const struct event_json_sink *sink,
                                       struct event_json_failure *failure);

#endif
