/* options: the command line of one command, and where the system is that it works on.
 *
 * Every command has --help and --version. Wrong usage is said in one line on stderr and ends with exit code 2.
 *
 * A *place* is the running system: the names of DIR/env (KAFKA_BROKERS, TOPIC, REDIS_URL, …), read from `--dir DIR` or else from
 * the environment. It is read-only after loading. */
#ifndef DAYBOOK_CLI_OPTIONS_H
#define DAYBOOK_CLI_OPTIONS_H

#include <glib.h>
#include <stdbool.h>

enum {
    EXIT_DIFFERENT = 1, /* the command worked, and what it checked is not as it should be */
    EXIT_USAGE = 2,     /* wrong usage, or an environment in which the command cannot work */
};

/* Parses argv (argv[0] is the command's name) by entries (GLib's table, ends with an empty row); arguments describes what may
 * follow the options ("FILE…"), NULL for nothing; what followed is left in argv[1…]. Returns false when the command must end with
 * *exit_code. */
bool options_parse(const GOptionEntry *entries, const char *arguments, const char *summary, int *argc, char **argv, int *exit_code);

/* Says one line "daybook COMMAND: message" on stderr and returns EXIT_USAGE. */
int options_fail(const char *format, ...) G_GNUC_PRINTF(1, 2);

struct place;

/* dir NULL: the environment. */
struct place *place_load(const char *dir, GError **error);
void place_free(struct place *place);
/* The value, or NULL; borrowed. */
const char *place_get(const struct place *place, const char *name);
/* The same; where it is missing, the error says how to give it. */
const char *place_need(const struct place *place, const char *name, GError **error);

#define OPTIONS_ERROR options_error_quark()
GQuark options_error_quark(void);
enum options_error { OPTIONS_ERROR_ENVIRONMENT };

#endif
