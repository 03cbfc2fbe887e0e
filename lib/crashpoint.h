/* crashpoint: named places at which a test lets the process be killed.
 *
 * DAYBOOK_CRASH_AT=<name>[:<nth>] in the environment makes the nth call (default: the first) of crashpoint(<name>) send SIGKILL to
 * its own process: no handler, no flush, no destructor, as with kill -9 or the kernel's out-of-memory killer. The line `crashpoint
 * name=… hit=…` in the log says that it was there. Without the variable, a call costs one load and one branch: the points are
 * compiled into what is released, so that what is tested is what runs. Safe from any thread. */
#ifndef DAYBOOK_CRASHPOINT_H
#define DAYBOOK_CRASHPOINT_H

#include <stdbool.h>
#include <stdint.h>

void crashpoint(const char *name);
/* Whether the next crashpoint(name) will kill: for a point that needs something to be half done first. */
bool crashpoint_due(const char *name);
/* How often crashpoint(name) was called: counted only for the point that the environment names, 0 for all others. */
uint64_t crashpoint_hits(const char *name);

#endif
