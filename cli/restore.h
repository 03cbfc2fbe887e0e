/* restore: `daybook restore`: gives a Redis back what the archive has of it. */
#ifndef DAYBOOK_CLI_RESTORE_H
#define DAYBOOK_CLI_RESTORE_H

/* Exit code 0: all is there; 1: what could be restored is, the rest is said; 2: it cannot be done. */
int restore_command(int argc, char **argv);

#endif
