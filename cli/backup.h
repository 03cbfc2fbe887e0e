/* backup: `daybook backup DIR`: what Redis holds, server by server, and the archive, as files. */
#ifndef DAYBOOK_CLI_BACKUP_H
#define DAYBOOK_CLI_BACKUP_H

/* Exit code 0: DIR holds a whole backup; 2: it does not. */
int backup_command(int argc, char **argv);

#endif
