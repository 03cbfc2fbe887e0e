/* dev_supervisor: the process of `daybook dev` that stays: it owns the children and answers on DIR/control. */
#ifndef DAYBOOK_CLI_DEV_SUPERVISOR_H
#define DAYBOOK_CLI_DEV_SUPERVISOR_H

#include "cli/dev_system.h"

/* Runs the system until SIGINT, SIGTERM or a "stop" command; returns the exit code. When everything is ready it writes 0 to
 * ready_fd, if that is >= 0 (detached: from then on what it says goes to DIR/log/dev.log). */
int dev_supervisor_run(const struct dev_options *options, int ready_fd);

/* Sends a command ("stop", "restart api") to the supervisor of a directory, prints what it says, and returns the exit code. */
int dev_supervisor_ask(const char *dir, const char *command);

#endif
