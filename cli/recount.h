/* recount: `daybook recount`: is what Redis holds really what the log says? */
#ifndef DAYBOOK_CLI_RECOUNT_H
#define DAYBOOK_CLI_RECOUNT_H

/* Exit code 0: equal; 1: different; 2: it cannot be found out. */
int recount_command(int argc, char **argv);

#endif
