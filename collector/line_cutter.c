#include "collector/line_cutter.h"

static enum line_cut give(const struct line_cutter *cutter, struct view whole, struct view *line)
{
    *line = whole;
    return whole.size > cutter->max_bytes ? LINE_TOO_LONG : LINE_WHOLE;
}

/* What is left has no newline. */
static enum line_cut give_rest(struct line_cutter *cutter, struct view *line)
{
    struct view rest = view_make(cutter->at, (size_t)(cutter->end - cutter->at));
    if (rest.size == 0)
        return LINE_NONE;
    if (cutter->at_end || cutter->skipping) {
        bool reported = cutter->skipping;
        cutter->at = cutter->end;
        return reported ? LINE_NONE : give(cutter, rest, line);
    }
    if (!cutter->full || rest.size <= cutter->max_bytes)
        return LINE_NONE;
    cutter->at = cutter->end;
    cutter->skipping = true;
    return give(cutter, rest, line);
}

enum line_cut line_cutter_next(struct line_cutter *cutter, struct view *line)
{
    for (;;) {
        while (!cutter->skipping && cutter->at < cutter->end && *cutter->at == '\0')
            cutter->at++;
        size_t left = (size_t)(cutter->end - cutter->at);
        const char *newline = left ? memchr(cutter->at, '\n', left) : NULL;
        if (newline == NULL)
            return give_rest(cutter, line);
        struct view whole = view_make(cutter->at, (size_t)(newline - cutter->at));
        bool reported = cutter->skipping;
        cutter->at = newline + 1;
        cutter->skipping = false;
        if (!reported)
            return give(cutter, whole, line);
    }
}
