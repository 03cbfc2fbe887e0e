/* hot_answers: answers that are asked for again and again, ready to be sent by the thread that reads the request: the bytes
 * of a small answer, or the name of a file that is kept for it (artifacts.h).
 *
 * A question is hot from when it was asked HOT_ANSWERS_ASKED times within HOT_ANSWERS_PERIOD_MS until HOT_ANSWERS_COOL_MS after it
 * last was so. Then its answer is kept. When it is HOT_ANSWERS_ANEW_MS old, counted from before it was read, one asker is told to
 * read it anew, and the others go on getting the one before: also while reading takes long, but never one of
 * HOT_ANSWERS_AGE_MAX_MS. What is asked for seldom is never kept: who asks, changes something and asks again, sees it.
 *
 * At most HOT_ANSWERS_QUESTIONS are remembered, those asked last, and no answer of more than HOT_ANSWERS_SIZE_MAX bytes. A question
 * is any text that says all on which its answer depends, also who asks. Thread-safe; answers never change and are counted
 * references. Times are monotonic, µs. */
#ifndef DAYBOOK_HOT_ANSWERS_H
#define DAYBOOK_HOT_ANSWERS_H

#include "api/etag.h"
#include <glib.h>

enum {
    HOT_ANSWERS_PERIOD_MS = 100,
    HOT_ANSWERS_ASKED = 20,
    HOT_ANSWERS_COOL_MS = 1000,
    HOT_ANSWERS_ANEW_MS = 50,
    HOT_ANSWERS_AGE_MAX_MS = 500
};
enum { HOT_ANSWERS_QUESTIONS = 256, HOT_ANSWERS_SIZE_MAX = 65536 };

struct hot_answers;

struct hot_answer {
    gint users; /* hot_answers.c's own */
    struct view body;
    char etag[ETAG_MAX], gzip_etag[ETAG_MAX];
};

struct hot_answers *hot_answers_new(void);
void hot_answers_free(struct hot_answers *hot);
/* The answer, to be released; NULL: read it, and if `keep`, hand it to hot_answers_put. */
struct hot_answer *hot_answers_take(struct hot_answers *hot, const char *question, int64_t now_us, bool *keep);
void hot_answer_release(struct hot_answer *answer);
/* began_us: before the first thing of it was read. The body is copied. */
void hot_answers_put(struct hot_answers *hot, const char *question, struct view body, int64_t began_us);

#endif
