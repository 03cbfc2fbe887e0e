/* import_command: `daybook import`, the counting of log files of any age. */
#ifndef DAYBOOK_CLI_IMPORT_COMMAND_H
#define DAYBOOK_CLI_IMPORT_COMMAND_H

/* argv[0] is "import"; returns the exit code: 0 all files are imported, 1 one was refused or did not end, 2 wrong usage or
 * environment. */
int import_command(int argc, char **argv);

#endif
