#include "collector/submission.h"

/* Strings of an event are short; a chunk holds those of some dozens. */
enum { CHUNK = 4096 };

struct submission *submission_new(void)
{
    struct submission *submission = g_new0(struct submission, 1);
    submission->events = g_array_new(FALSE, FALSE, sizeof(struct event));
    return submission;
}

void submission_free(struct submission *submission)
{
    if (!submission)
        return;
    g_array_unref(submission->events);
    rejections_free(submission->rejections);
    g_clear_pointer(&submission->strings, g_string_chunk_free);
    if (submission->body && submission->body_free)
        submission->body_free(submission->body);
    g_free(submission->position_name);
    g_clear_pointer(&submission->position, g_bytes_unref);
    g_free(submission);
}

struct view submission_copy(struct submission *submission, const char *data, size_t size)
{
    if (size == 0)
        return view_make("", 0);
    if (!submission->strings)
        submission->strings = g_string_chunk_new(CHUNK);
    return view_make(g_string_chunk_insert_len(submission->strings, data, (gssize)size), size);
}
