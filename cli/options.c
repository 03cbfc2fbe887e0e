/* options: see options.h. GOption does the parsing; what is added is one way to fail and one way to find the system. */
#include "cli/options.h"

#include "lib/program.h"

#include <stdio.h>
#include <string.h>

G_DEFINE_QUARK(daybook - options - error - quark, options_error)

bool options_parse(const GOptionEntry *entries, const char *arguments, const char *summary, int *argc, char **argv, int *exit_code)
{
    gboolean version = FALSE;
    const GOptionEntry common[] = {
        {"version", 0, 0, G_OPTION_ARG_NONE, &version, "Print the version and exit", NULL},
        {NULL, 0, 0, G_OPTION_ARG_NONE, NULL, NULL, NULL},
    };
    g_autoptr(GOptionContext) context = g_option_context_new(arguments);
    g_autoptr(GError) error = NULL;

    g_option_context_set_summary(context, summary);
    g_option_context_add_main_entries(context, entries, NULL);
    g_option_context_add_main_entries(context, common, NULL);
    if (!g_option_context_parse(context, argc, &argv, &error)) {
        *exit_code = options_fail("%s (see --help)", error->message);
        return false;
    }
    if (version) {
        printf("%s %s\n", g_get_prgname(), DAYBOOK_VERSION);
        *exit_code = 0;
        return false;
    }
    if (!arguments && *argc > 1) {
        *exit_code = options_fail("unexpected argument '%s' (see --help)", argv[1]);
        return false;
    }
    return true;
}

int options_fail(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    g_autofree char *message = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    fflush(stdout);
    fprintf(stderr, "%s: %s\n", g_get_prgname(), message);
    return EXIT_USAGE;
}

struct place {
    char *file;         /* DIR/env, or NULL */
    GHashTable *values; /* name -> value */
};

static void read_lines(struct place *place, const char *text)
{
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

    for (char **line = lines; *line; line++) {
        const char *equals = strchr(*line, '=');
        if (equals)
            g_hash_table_replace(place->values, g_strndup(*line, (gsize)(equals - *line)), g_strdup(equals + 1));
    }
}

struct place *place_load(const char *dir, GError **error)
{
    struct place *place = g_new0(struct place, 1);
    g_autofree char *text = NULL;
    g_autoptr(GError) cause = NULL;

    place->values = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    if (!dir)
        return place;
    place->file = g_build_filename(dir, "env", NULL);
    if (!g_file_get_contents(place->file, &text, NULL, &cause)) {
        g_set_error(error, OPTIONS_ERROR, OPTIONS_ERROR_ENVIRONMENT, "%s; is `daybook dev --dir %s` running?", cause->message, dir);
        place_free(place);
        return NULL;
    }
    read_lines(place, text);
    return place;
}

void place_free(struct place *place)
{
    if (!place)
        return;
    g_hash_table_destroy(place->values);
    g_free(place->file);
    g_free(place);
}

const char *place_get(const struct place *place, const char *name)
{
    const char *value = place->file ? g_hash_table_lookup(place->values, name) : g_getenv(name);

    return value && *value ? value : NULL;
}

const char *place_need(const struct place *place, const char *name, GError **error)
{
    const char *value = place_get(place, name);

    if (value)
        return value;
    if (place->file)
        g_set_error(error, OPTIONS_ERROR, OPTIONS_ERROR_ENVIRONMENT, "%s has no line %s=…", place->file, name);
    else
        g_set_error(error, OPTIONS_ERROR, OPTIONS_ERROR_ENVIRONMENT,
                    "%s is not set: give --dir DIR of a running `daybook dev`, or set it in the environment", name);
    return NULL;
}
