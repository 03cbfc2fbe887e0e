/* daybook: the command-line tool. One table of commands; each has a file of its own. */
#include "cli/backup.h"
#include "cli/close.h"
#include "cli/days.h"
#include "cli/dev.h"
#include "cli/embedded_broker.h"
#include "cli/erase.h"
#include "cli/import_command.h"
#include "cli/options.h"
#include "cli/reconcile.h"
#include "cli/recount.h"
#include "cli/restore.h"
#include "cli/status.h"
#include "cli/verify.h"
#include "lib/log.h"
#include "lib/program.h"

#include <locale.h>
#include <stdio.h>
#include <string.h>

struct command {
    const char *name;
    const char *summary;               /* NULL: not listed */
    int (*run)(int argc, char **argv); /* argv[0] is the command's name; returns the exit code */
};

static const struct command commands[] = {
    {"dev", "run the whole system on this machine, to try it out or to test it", dev_command},
    {"import", "count the requests of log files of any age, each exactly once", import_command},
    {"status", "show streams, lag, gaps and what waits in the collectors", status_command},
    {"recount", "count the log again on a separate path and compare with Redis", recount_command},
    {"days", "list the closed days and what the others wait for", days_command},
    {"close", "close a day that is over at once", close_command},
    {"verify", "prove that the closed days are what they were", verify_command},
    {"reconcile", "compare an invoice or a gateway's count with the closed days", reconcile_command},
    {"backup", "write what Redis holds, and the archive, to a directory", backup_command},
    {"restore", "give Redis back what the archive has of the closed days", restore_command},
    {"erase", "forget a user in all days, with a pseudonym in place of the name", erase_command},
    {"embedded-broker", NULL, embedded_broker_command},
};

static void print_help(FILE *out)
{
    fprintf(out, "Usage: daybook COMMAND [OPTION…]\n\nCounts API requests, each exactly once.\n\nCommands:\n");
    for (size_t i = 0; i < G_N_ELEMENTS(commands); i++) {
        if (commands[i].summary)
            fprintf(out, "  %-10s %s\n", commands[i].name, commands[i].summary);
    }
    fprintf(out, "\n`daybook COMMAND --help` explains one. Exit codes: 0 well, 1 a check failed, 2 wrong usage or environment.\n");
}

int main(int argc, char **argv)
{
    setlocale(LC_CTYPE, "C.UTF-8");
    g_set_prgname("daybook");
    log_set_level(LOG_LEVEL_ERROR); /* what a command has to say it says itself */
    if (argc < 2) {
        print_help(stderr);
        return EXIT_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0) {
        print_help(stdout);
        return 0;
    }
    if (strcmp(argv[1], "--version") == 0) {
        printf("daybook %s\n", DAYBOOK_VERSION);
        return 0;
    }
    for (size_t i = 0; i < G_N_ELEMENTS(commands); i++) {
        if (strcmp(argv[1], commands[i].name) == 0) {
            g_autofree char *name = g_strconcat("daybook ", argv[1], NULL);
            g_set_prgname(name);
            return commands[i].run(argc - 1, argv + 1);
        }
    }
    return options_fail("unknown command '%s' (see daybook --help)", argv[1]);
}
