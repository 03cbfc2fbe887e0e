/* line_cutter: cuts a piece of a log file into lines.
 *
 * The owner points it at a piece, takes lines until there is none, and asks where it stands (`at`): the next piece must begin with
 * the byte there. A line that is too long is reported once, when that is sure, and is skipped to its newline, over as many pieces
 * as it takes (`skipping` is all that must be kept between them). Zero bytes in front of a line are none of it: a file that was
 * truncated while its writer kept its offset begins with a hole.
 *
 * Pure: no memory of its own. Lines are views into the piece. */
#ifndef DAYBOOK_LINE_CUTTER_H
#define DAYBOOK_LINE_CUTTER_H

#include "lib/view.h"

enum line_cut { LINE_WHOLE, LINE_TOO_LONG, LINE_NONE };

struct line_cutter {
    const char *at, *end; /* what is left of the piece */
    size_t max_bytes;     /* of a line without its newline */
    bool full;            /* the piece cannot be longer: more of the line would not help */
    bool at_end;          /* nothing will follow: what is left without a newline is a line */
    bool skipping;        /* inside of a line that was reported as too long */
};

/* The next line, without its newline. */
enum line_cut line_cutter_next(struct line_cutter *cutter, struct view *line);

#endif
