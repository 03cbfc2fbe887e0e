/* reconcile: `daybook reconcile`: an invoice or a gateway's count against the ledger. */
#ifndef DAYBOOK_CLI_RECONCILE_H
#define DAYBOOK_CLI_RECONCILE_H

/* Exit code 0: they agree within the tolerance; 1: they do not; 2: it cannot be found out. */
int reconcile_command(int argc, char **argv);

#endif
