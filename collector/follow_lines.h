/* follow_lines: takes the whole lines out of a piece of a followed file and has each judged. No I/O. */
#ifndef DAYBOOK_FOLLOW_LINES_H
#define DAYBOOK_FOLLOW_LINES_H

#include "collector/log_line.h"

enum {
    FOLLOW_LINES_MAX = 2000, /* lines of one submission */
};

struct follow_lines {
    /* given by the caller */
    struct log_line_reader *reader;
    const struct intake *intake;
    size_t max_line_bytes;
    int64_t now_ms;
    bool at_end; /* nothing will be added any more: what is left without a newline is a line too */
    bool full;   /* the piece is as long as a piece can be: a line that it does not end is too long */
    /* in and out */
    bool skipping; /* inside of a line that is too long and has been counted */
    struct submission *submission;
    struct intake_tally tally;
    uint64_t n_lines; /* that were not blank */
    bool refused;     /* the refusal below is the first one */
    struct intake_refusal refusal;
};

/* Takes lines from a piece that begins where the last one was left, with LOG_LINE_PADDING readable bytes behind it. Returns how many bytes
 * are done with: they end behind a newline, or inside of a line that is skipped. */
size_t follow_lines_take(struct follow_lines *lines, const char *piece, size_t size);

#endif
