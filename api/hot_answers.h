/* hot_answers: answers that are asked for again and again, ready to be sent by the thread that reads the request.
 *
 * A question is hot when it was asked HOT_ANSWERS_ASKED times within HOT_ANSWERS_MS. Then its answer is kept, and given while it is
 * less than HOT_ANSWERS_MS old, counted from before it was read; half way there one asker is told to read it anew, and the others
 * get the one before. What is asked for seldom is never kept: who asks, changes something and asks again, sees it.
 *
 * At most HOT_ANSWERS_QUESTIONS are remembered, those asked last, and no answer of more than HOT_ANSWERS_SIZE_MAX bytes. A question
 * is any text that says all on which its answer depends, also who asks. Thread-safe; answers never change and are counted
 * references. Times are monotonic, µs. */
#ifndef DAYBOOK_HOT_ANSWERS_H
#define DAYBOOK_HOT_ANSWERS_H

#include "api/etag.h"
#include <glib.h>

enum { HOT_ANSWERS_MS = 100, HOT_ANSWERS_ASKED = 20, HOT_ANSWERS_QUESTIONS = 256, HOT_ANSWERS_SIZE_MAX = 65536 };

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
