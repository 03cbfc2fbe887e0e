/* dev_daemons: with which settings and arguments `daybook dev` starts each part. */
#ifndef DAYBOOK_CLI_DEV_DAEMONS_H
#define DAYBOOK_CLI_DEV_DAEMONS_H

#include "cli/dev_system.h"

/* Not for the real broker (cli/dev_kafka.h). Writes the part's configuration file and returns its command line (GPtrArray of
 * strings, NULL at the end; caller unrefs). */
GPtrArray *dev_daemons_prepare(const struct dev_system *dev, enum dev_part part, GError **error);
/* Where the embedded broker writes its address. Caller frees. */
char *dev_daemons_ready_file(const struct dev_system *dev);

#endif
