/* ingest_body: what one request's body brings: accepted events as a submission, and an account of the others.
 *
 * received = accepted + excluded + rejected, for every body that can be read. Owned by one thread at a time. */
#ifndef DAYBOOK_INGEST_BODY_H
#define DAYBOOK_INGEST_BODY_H

#include "collector/event_json.h"
#include "collector/intake.h"

enum { INGEST_LISTED_MAX = 1000 }; /* rejected events that an answer lists; it counts them all */

enum ingest_body_result {
    INGEST_BODY_READ,
    INGEST_BODY_UNREADABLE, /* why (a sentence without its full stop) and position say what is wrong */
    INGEST_BODY_TOO_MANY,   /* more than events_max */
};

struct ingest_body {
    const struct intake *intake;
    size_t events_max;
    int64_t now_ms;
    struct submission *submission;
    struct intake_tally tally;
    size_t received, n_rejected;
    GString *rejected; /* JSON objects, with commas between */
    size_t position;
    char *why;
};

void ingest_body_init(struct ingest_body *body, const struct intake *intake, size_t events_max, int64_t now_ms);
void ingest_body_clear(struct ingest_body *body);

/* Each is called once. After anything but INGEST_BODY_READ the submission and the account mean nothing. */
enum ingest_body_result ingest_body_read_json(struct ingest_body *body, struct event_json *reader, struct view data,
                                              enum event_json_form form, struct cloudevent *attributes);
enum ingest_body_result ingest_body_read_protobuf(struct ingest_body *body, struct view data);

/* {"accepted":n,"rejected":[{"index":i,"reason":code,"message":sentence}]}, with "excluded":n if there are such, and
 * "rejectedTotal":n if not all rejected ones are listed. */
GString *ingest_body_answer(const struct ingest_body *body);

/* Appends a JSON string with its quotes; the text must be valid UTF-8. */
void ingest_append_json(GString *out, const char *text);

#endif
