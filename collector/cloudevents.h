/* cloudevents: CloudEvents 1.0 (the CNCF specification, its JSON format and HTTP binding) around native events.
 *
 * The attributes id and source together deduplicate, subject is the client, time is the time of an event whose data has none; data
 * holds the native fields. Other attributes are checked for their form and not kept. */
#ifndef DAYBOOK_CLOUDEVENTS_H
#define DAYBOOK_CLOUDEVENTS_H

#include "collector/intake.h"

enum cloudevent_attribute {
    CLOUDEVENT_SPECVERSION,
    CLOUDEVENT_ID,
    CLOUDEVENT_SOURCE,
    CLOUDEVENT_TYPE,
    CLOUDEVENT_SUBJECT,
    CLOUDEVENT_TIME,
    CLOUDEVENT_DATACONTENTTYPE,
    CLOUDEVENT_DATASCHEMA,
    CLOUDEVENT_N_ATTRIBUTES,
    CLOUDEVENT_EXTENSION = CLOUDEVENT_N_ATTRIBUTES, /* any other name of lower-case letters and digits */
    CLOUDEVENT_NO_ATTRIBUTE,
};

struct cloudevent {
    struct view attributes[CLOUDEVENT_N_ATTRIBUTES]; /* empty: not given */
    char id[EVENT_NAME_MAX];                         /* what the native event's id points to */
};

/* Name of one of the CLOUDEVENT_N_ATTRIBUTES. */
const char *cloudevent_attribute_name(enum cloudevent_attribute attribute);
enum cloudevent_attribute cloudevent_attribute_named(struct view name);

/* Checks the attributes and completes the native event with them. False, with the refusal filled, if they are wrong. The event's id
 * may point into the cloudevent. */
bool cloudevent_apply(struct cloudevent *cloudevent, struct raw_event *raw, struct intake_refusal *refusal);

/* The id that stands for source and id: "<source> <id>" if that fits EVENT_NAME_MAX bytes and the source holds no blank, else the
 * SHA-256 of source, U+001F, id, as 64 hexadecimal digits. So different pairs have different ids. Returns its size. */
size_t cloudevent_compose_id(struct view source, struct view id, char out[EVENT_NAME_MAX]);

/* Undoes the percent-encoding of a ce-… header (HTTP binding 3.1.3.2) in place. */
void cloudevent_decode_header(char *value);

#endif
