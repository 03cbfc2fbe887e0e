/* event_field: the fields of a native event (docs/INPUTS.md): their names, and what values they take.
 *
 * Here it is checked that a value is of the field's type; what the values may be together is the intake's to judge. Pure functions.
 * */
#ifndef DAYBOOK_EVENT_FIELD_H
#define DAYBOOK_EVENT_FIELD_H

#include "collector/intake.h"

#define EVENT_FIELDS(X)                \
    X(TIME, "time")                    \
    X(ORGANIZATION, "organization")    \
    X(CLIENT, "client")                \
    X(USER, "user")                    \
    X(METHOD, "method")                \
    X(ROUTE, "route")                  \
    X(PATH, "path")                    \
    X(STATUS, "status")                \
    X(LATENCY_MS, "latencyMs")         \
    X(REQUEST_BYTES, "requestBytes")   \
    X(RESPONSE_BYTES, "responseBytes") \
    X(PLATFORM, "platform")            \
    X(USER_AGENT, "userAgent")         \
    X(SOURCE, "source")                \
    X(ID, "id")

enum event_field {
#define X(name, word) EVENT_##name,
    EVENT_FIELDS(X)
#undef X
        EVENT_N_FIELDS,
};

const char *event_field_name(enum event_field field);
/* EVENT_N_FIELDS if there is no such field; names are case-sensitive. */
enum event_field event_field_named(struct view name);

/* The field's value is this text, this JSON number as it is written, or (other) something that no field takes. False, with the
 * refusal filled, if that is the wrong type. Texts are not copied. */
bool event_field_set_text(struct raw_event *raw, enum event_field field, struct view text, struct intake_refusal *refusal);
bool event_field_set_number(struct raw_event *raw, enum event_field field, struct view token, struct intake_refusal *refusal);
bool event_field_set_other(enum event_field field, struct view token, struct intake_refusal *refusal);
/* For a name that is no field; always false. */
bool event_field_refuse_unknown(struct view name, struct intake_refusal *refusal);

#endif
