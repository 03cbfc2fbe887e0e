#include "collector/follow_lines.h"

static void count_refusal(struct follow_lines *lines, const struct intake_refusal *refusal)
{
    lines->tally.rejected[refusal->reason]++;
    if (!lines->refused)
        lines->refusal = *refusal;
    lines->refused = true;
}

static void count_too_long(struct follow_lines *lines)
{
    struct intake_refusal refusal = {.reason = INTAKE_TOO_LONG};
    g_snprintf(refusal.message, sizeof refusal.message, "The line is longer than %zu bytes.", lines->max_line_bytes);
    lines->n_lines++;
    count_refusal(lines, &refusal);
}

static void judge_line(struct follow_lines *lines, struct view line)
{
    struct raw_event raw;
    struct intake_refusal refusal;
    if (line.size > lines->max_line_bytes) {
        count_too_long(lines);
        return;
    }
    if (log_line_is_blank(line))
        return;
    lines->n_lines++;
    if (!log_line_read(lines->reader, line, &raw, &refusal)) {
        count_refusal(lines, &refusal);
        return;
    }
    enum intake_verdict verdict = intake_judge(lines->intake, &raw, lines->now_ms, true, lines->submission, &refusal);
    if (verdict == INTAKE_ACCEPTED)
        lines->tally.accepted++;
    else if (verdict == INTAKE_EXCLUDED)
        lines->tally.excluded++;
    else
        count_refusal(lines, &refusal);
}

/* What is left behind the last newline. Returns how much of it is done with. */
static size_t take_rest(struct follow_lines *lines, struct view rest)
{
    if (lines->skipping)
        return rest.size;
    if (lines->at_end) {
        judge_line(lines, rest);
        return rest.size;
    }
    if (!lines->full || rest.size <= lines->max_line_bytes)
        return 0;
    count_too_long(lines);
    lines->skipping = true;
    return rest.size;
}

/* A file that was truncated while its writer kept its offset begins with a hole: zero bytes in front of a line are none of it. */
static size_t skip_zeros(const char *from, const char *end)
{
    const char *c = from;
    while (c < end && *c == '\0')
        c++;
    return (size_t)(c - from);
}

size_t follow_lines_take(struct follow_lines *lines, const char *piece, size_t size)
{
    const char *at = piece;
    const char *end = piece + size;
    while (at < end && lines->n_lines < FOLLOW_LINES_MAX) {
        if (!lines->skipping)
            at += skip_zeros(at, end);
        const char *newline = at < end ? memchr(at, '\n', (size_t)(end - at)) : NULL;
        if (newline == NULL) {
            at += take_rest(lines, view_make(at, (size_t)(end - at)));
            break;
        }
        if (!lines->skipping)
            judge_line(lines, view_make(at, (size_t)(newline - at)));
        lines->skipping = false;
        at = newline + 1;
    }
    return (size_t)(at - piece);
}
