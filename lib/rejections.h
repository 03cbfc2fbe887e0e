/* rejections: events that were refused: how many for which reason, and a few samples.
 *
 * Bounded, however many there are: those of one reason and message are one entry, with the first one's sample; of a reason there
 * are at most REJECTIONS_PER_REASON messages, and one more entry, without message and sample, that counts the others. So the
 * counts are exact, and what is kept is a function of what was added, in its order.
 *
 * A list belongs to one thread at a time. */
#ifndef DAYBOOK_REJECTIONS_H
#define DAYBOOK_REJECTIONS_H

#include "lib/view.h"
#include <glib.h>

enum {
    REJECTIONS_PER_REASON = 5,
    REJECTIONS_MAX = 256, /* entries of a batch */
    REJECTION_REASON_MAX = 32,
    REJECTION_MESSAGE_MAX = 256,
    REJECTION_SAMPLE_MAX = 512,
};

/* An entry: proto/usage.proto says what the fields mean. */
struct rejection {
    int64_t time_ms;
    uint64_t count;
    struct view reason, message, sample;
};

struct rejections;
struct rejections *rejections_new(void);
void rejections_free(struct rejections *rejections);
void rejections_clear(struct rejections *rejections);

/* Copies it. Reasons are words of ours: far fewer than REJECTIONS_MAX / (REJECTIONS_PER_REASON + 1). */
void rejections_add(struct rejections *rejections, const struct rejection *rejection);
void rejections_add_all(struct rejections *rejections, const struct rejections *more);

size_t rejections_count(const struct rejections *rejections); /* entries */
/* Borrowed until the next change. */
const struct rejection *rejections_get(const struct rejections *rejections, size_t index);
/* All events in it. */
uint64_t rejections_total(const struct rejections *rejections);
/* Bytes of its texts, and some for each entry. */
size_t rejections_size(const struct rejections *rejections);

/* Lower-case letters, digits and '_', 1 to REJECTION_REASON_MAX of them. */
bool rejection_reason_is_word(struct view reason);

#endif
