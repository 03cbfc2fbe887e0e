/* erase: `daybook erase`: a user is forgotten: a pseudonym takes the place of the name. */
#ifndef DAYBOOK_CLI_ERASE_H
#define DAYBOOK_CLI_ERASE_H

/* Exit code 0: no closed day names the user any more; 1: not within --timeout; 2: it cannot be done. */
int erase_command(int argc, char **argv);

#endif
