/* config: every setting of a program, from one table.
 *
 * A program lists its settings as rows. From the table come the loader, `--help`, the check of a file and the page
 * docs/CONFIGURATION.md. Sources, later ones win: the row's default; the file (`--config FILE`, GKeyFile syntax, [section]
 * key=value); the environment (DAYBOOK_<PROGRAM>_<SECTION>_<KEY>, upper case); `--set section.key=value`.
 *
 * A row whose section ends in ".*" ("follow.*") is a repeated section: [follow.nginx] and [follow.api] are two instances;
 * instance names are [a-z0-9]+ so that DAYBOOK_COLLECTOR_FOLLOW_NGINX_PATH can be read as well. Its settings are asked for as
 * "follow.nginx.path".
 *
 * All mistakes are reported at once, each naming setting, value, where it came from and what is allowed. A config is
 * read-only after loading and may be shared by threads; it is freed at exit. */
#ifndef DAYBOOK_CONFIG_H
#define DAYBOOK_CONFIG_H

#include <glib.h>
#include <stdbool.h>

enum config_type {
    CONFIG_INT,    /* 64-bit integer within min..max; "16MiB", "4k" style suffixes k,M,G,KiB,MiB,GiB are accepted */
    CONFIG_BOOL,   /* true false yes no on off 1 0 */
    CONFIG_STRING, /* any text */
    CONFIG_CHOICE, /* one of `choices`, compared case-insensitively, stored as listed */
    CONFIG_LIST,   /* items separated by ';', blanks around them trimmed, empty items dropped */
};

struct config_row {
    const char *section;
    const char *key;
    enum config_type type;
    const char *default_value;
    gint64 min, max;     /* CONFIG_INT */
    const char *unit;    /* "ms", "bytes", … or NULL */
    const char *choices; /* CONFIG_CHOICE: "a|b|c" */
    bool secret;         /* never printed */
    const char *help;    /* one sentence */
};

struct config_table {
    const char *program; /* "collector": also the word in the environment's names */
    const char *summary; /* one paragraph for --help */
    const struct config_row *rows;
    size_t n_rows;
};

struct config;

/* Loads: file is that of --config or NULL, sets are the values of --set ("section.key=value", NULL-terminated) or NULL, environment
 * is g_get_environ's. On failure the error's message holds one line per mistake. An unknown section or key in the file, in --set or
 * in an environment name that begins with DAYBOOK_<PROGRAM>_ is a mistake. Values in a file are taken as written, without escapes.
 */
struct config *config_load(const struct config_table *table, const char *file, const char *const *sets, char **environment,
                           GError **error);
void config_free(struct config *config);

/* Name is "section.key"; asking for a setting that no row describes, or with another type, is a bug (asserts). */
gint64 config_int(const struct config *config, const char *name);
bool config_bool(const struct config *config, const char *name);
const char *config_string(const struct config *config, const char *name);              /* STRING and CHOICE; "" when unset */
const char *const *config_list(const struct config *config, const char *name);         /* NULL-terminated, borrowed */
const char *const *config_instances(const struct config *config, const char *section); /* "follow": names in file order */

/* The table as text: for --help, and as Markdown for docs/CONFIGURATION.md. Caller frees with g_free. */
char *config_help(const struct config_table *table);
char *config_markdown(const struct config_table *table);

#endif
