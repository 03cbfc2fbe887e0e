#include "collector/follow_lines.h"

static void count_refusal(struct follow_lines *lines, const struct intake_refusal *refusal, struct view line)
{
    intake_list(lines->submission, intake_reason_word(refusal->reason), refusal, lines->now_ms, line);
    lines->tally.rejected[refusal->reason]++;
    if (!lines->refused)
        lines->refusal = *refusal;
    lines->refused = true;
}

static void count_too_long(struct follow_lines *lines, size_t max_bytes)
{
    struct intake_refusal refusal;
    intake_refuse_plain(&refusal, INTAKE_TOO_LONG, "The line is longer than %zu bytes.", max_bytes);
    lines->n_lines++;
    count_refusal(lines, &refusal, view_of(""));
}

static void judge_line(struct follow_lines *lines, struct view line)
{
    struct raw_event raw;
    struct intake_refusal refusal;
    if (log_line_is_blank(line))
        return;
    lines->n_lines++;
    if (!log_line_read(lines->reader, line, &raw, &refusal)) {
        count_refusal(lines, &refusal, line);
        return;
    }
    enum intake_verdict verdict = intake_judge(lines->intake, &raw, lines->now_ms, true, lines->submission, &refusal);
    if (verdict == INTAKE_ACCEPTED)
        lines->tally.accepted++;
    else if (verdict == INTAKE_EXCLUDED)
        lines->tally.excluded++;
    else
        count_refusal(lines, &refusal, line);
}

void follow_lines_take(struct follow_lines *lines, struct line_cutter *cutter)
{
    struct view line;
    while (lines->n_lines < FOLLOW_LINES_MAX) {
        enum line_cut cut = line_cutter_next(cutter, &line);
        if (cut == LINE_NONE)
            return;
        if (cut == LINE_WHOLE)
            judge_line(lines, line);
        else
            count_too_long(lines, cutter->max_bytes);
    }
}
