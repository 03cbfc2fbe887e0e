/* restore_fill: fills in what a Redis lacks of what its own state says is closed. */
#ifndef DAYBOOK_CLI_RESTORE_FILL_H
#define DAYBOOK_CLI_RESTORE_FILL_H

#include "cli/restore_write.h"

/* False: it cannot be done; what was added until then stays, and is right. */
bool restore_fill(struct restore *restore, GError **error);

#endif
