/* verify: `daybook verify`: is what is closed still what it was? */
#ifndef DAYBOOK_CLI_VERIFY_H
#define DAYBOOK_CLI_VERIFY_H

/* Exit code 0: all that was asked for is as it must be; 1: there is a difference, the first one is said; 2: it cannot be found out.
 */
int verify_command(int argc, char **argv);

#endif
