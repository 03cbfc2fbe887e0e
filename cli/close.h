/* close: `daybook close`: closes a day at once, or what came late for a closed one. */
#ifndef DAYBOOK_CLI_CLOSE_H
#define DAYBOOK_CLI_CLOSE_H

/* Exit code 0: it is closed; 1: not within --timeout; 2: it cannot be closed. */
int close_command(int argc, char **argv);

#endif
