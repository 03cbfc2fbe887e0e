/* submission: what an input hands to the batcher in one piece: events, what was refused of them, and how far its file was read.
 *
 * An input fills a submission and gives it away with batcher_submit(). All of it becomes durable in one journal group, or none of
 * it: no submission straddles two groups. Then `done` is called once, on the batcher's thread: it must be short, must not block,
 * and owns the submission from there on (it usually frees it). */
#ifndef DAYBOOK_SUBMISSION_H
#define DAYBOOK_SUBMISSION_H

#include "lib/event.h"
#include "lib/rejections.h"
#include <glib.h>

enum submission_outcome {
    SUBMISSION_DURABLE, /* in the journal and fsynced */
    SUBMISSION_LOST,    /* cannot be made durable, and it is not known whether the bytes survive: do not answer, close */
};

struct submission {
    GArray *events;                /* of struct event */
    GStringChunk *strings;         /* owns what the events' views point to, unless `body` does */
    struct rejections *rejections; /* what was refused; NULL: nothing */
    gpointer body;                 /* anything else that the views point into; freed with body_free */
    GDestroyNotify body_free;
    /* How far a followed file was read: replaces the position of that name in the journal, in the same group. Both NULL for none.
     */
    char *position_name; /* at most 255 bytes */
    GBytes *position;    /* opaque to the journal, at most 64 KiB */
    void (*done)(struct submission *submission, enum submission_outcome outcome);
    void *opaque; /* for done */
};

struct submission *submission_new(void);
void submission_free(struct submission *submission);
/* Copies text into the submission; the view lives as long as it does. */
struct view submission_copy(struct submission *submission, const char *data, size_t size);

#endif
