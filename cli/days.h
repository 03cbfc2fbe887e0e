/* days: `daybook days`: the ledger as a table, and what is not closed yet. */
#ifndef DAYBOOK_CLI_DAYS_H
#define DAYBOOK_CLI_DAYS_H

int days_command(int argc, char **argv);

#endif
