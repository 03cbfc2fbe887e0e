/* status: `daybook status`: is everything flowing, and what was lost, sent twice or refused? */
#ifndef DAYBOOK_CLI_STATUS_H
#define DAYBOOK_CLI_STATUS_H

int status_command(int argc, char **argv);

#endif
