/* follow_lines: has each line of a piece of a followed file judged, and keeps the tally. No I/O. */
#ifndef DAYBOOK_FOLLOW_LINES_H
#define DAYBOOK_FOLLOW_LINES_H

#include "collector/line_cutter.h"
#include "collector/log_line.h"

enum { FOLLOW_LINES_MAX = 2000 }; /* lines of one submission */

struct follow_lines {
    /* given by the caller */
    struct log_line_reader *reader;
    const struct intake *intake;
    int64_t now_ms;
    /* out */
    struct submission *submission;
    struct intake_tally tally;
    uint64_t n_lines; /* that were not blank */
    bool refused;     /* the refusal below is the first one */
    struct intake_refusal refusal;
};

/* Takes lines until there is none, or FOLLOW_LINES_MAX are taken. Behind the piece LOG_LINE_PADDING bytes must be readable. */
void follow_lines_take(struct follow_lines *lines, struct line_cutter *cutter);

#endif
