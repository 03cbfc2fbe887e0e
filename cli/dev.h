/* dev: `daybook dev`, the whole system on this machine: its command line; see dev_supervisor.h for what stays running. */
#ifndef DAYBOOK_CLI_DEV_H
#define DAYBOOK_CLI_DEV_H

int dev_command(int argc, char **argv);

#endif
