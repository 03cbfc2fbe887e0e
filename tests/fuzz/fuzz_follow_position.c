/* Any bytes as a position out of the journal: what is taken is within its limits and is written back the same. */
#include "collector/follow_mark.h"
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int64_t since_ns = 0;
    int64_t again_ns = 0;
    GArray *marks = follow_position_read((const char *)data, size, &since_ns);
    if (marks == NULL)
        return 0;
    GString *text = g_string_new(NULL);
    follow_position_begin(text, since_ns);
    for (guint i = 0; i < marks->len; i++) {
        const struct follow_mark *mark = &g_array_index(marks, struct follow_mark, i);
        g_assert(mark->head_size <= FOLLOW_HEAD_MAX && mark->tail_size <= FOLLOW_TAIL_MAX && mark->tail_size <= mark->offset);
        follow_position_add(text, mark);
    }
    GArray *again = follow_position_read(text->str, text->len, &again_ns);
    g_assert(again != NULL && again->len == marks->len && again_ns == since_ns);
    g_array_unref(again);
    g_array_unref(marks);
    g_string_free(text, TRUE);
    return 0;
}
