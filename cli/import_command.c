/* import_command: the command line around collector/import.h.
 *
 * The rules by which lines become events (route templates, client identity, exclusions) are those of the collector: its settings
 * are read from the same sources. The files are imported one after the other; the first that fails ends the command. */
#include "cli/import_command.h"
#include "cli/options.h"
#include "collector/import.h"
#include "collector/settings.h"
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { EXIT_REFUSED = 1, CONNECT_TIMEOUT_MS = 5000, COMMAND_TIMEOUT_MS = 10000, PROGRESS_EVERY_MS = 200, TIMEOUT_S = 120 };

/* What the command line says. */
struct wishes {
    char *format, *organization, *platform, *config_file, *dir;
    char **sets, **fields;
    gint64 from_line, lines;
    gint timeout_s;
    gboolean no_wait, quiet;
};

static void wishes_clear(struct wishes *wishes)
{
    g_free(wishes->format);
    g_free(wishes->organization);
    g_free(wishes->platform);
    g_free(wishes->config_file);
    g_free(wishes->dir);
    g_strfreev(wishes->sets);
    g_strfreev(wishes->fields);
}

/* Reads the command line; false when the command must end with *exit_code. */
static bool read_wishes(struct wishes *wishes, int *argc, char **argv, int *exit_code)
{
    const GOptionEntry entries[] = {
        {"format", 'f', 0, G_OPTION_ARG_STRING, &wishes->format, "Format of the lines: " LOG_FORMATS " (needed)", "FORMAT"},
        {"fields", 0, 0, G_OPTION_ARG_STRING_ARRAY, &wishes->fields, "Item of the field map, target=source[:unit]; may be repeated",
         "ITEM"},
        {"organization", 0, 0, G_OPTION_ARG_STRING, &wishes->organization, "Organization of lines that name none", "NAME"},
        {"platform", 0, 0, G_OPTION_ARG_STRING, &wishes->platform, "Platform of lines that name none", "NAME"},
        {"from-line", 0, 0, G_OPTION_ARG_INT64, &wishes->from_line, "First line to import, from 1", "N"},
        {"lines", 0, 0, G_OPTION_ARG_INT64, &wishes->lines, "How many lines to import (default: to the end)", "N"},
        {"dir", 0, 0, G_OPTION_ARG_FILENAME, &wishes->dir,
         "Directory of a running `daybook dev` (default: KAFKA_BROKERS, TOPIC, REDIS_URL in the environment)", "DIR"},
        {"config", 0, 0, G_OPTION_ARG_FILENAME, &wishes->config_file, "The collector's configuration, for its rules", "FILE"},
        {"set", 0, 0, G_OPTION_ARG_STRING_ARRAY, &wishes->sets, "A setting of the collector: section.key=value; may be repeated",
         "SETTING"},
        {"timeout", 0, 0, G_OPTION_ARG_INT, &wishes->timeout_s, "Longest wait for Kafka or the aggregator to get on (default 120)",
         "SECONDS"},
        {"no-wait", 0, 0, G_OPTION_ARG_NONE, &wishes->no_wait, "Do not wait until everything is counted", NULL},
        {"quiet", 'q', 0, G_OPTION_ARG_NONE, &wishes->quiet, "No progress on the terminal", NULL},
        {NULL, 0, 0, G_OPTION_ARG_NONE, NULL, NULL, NULL},
    };
    wishes->from_line = 1;
    wishes->timeout_s = TIMEOUT_S;
    if (!options_parse(
            entries, "FILE…",
            "Counts the requests in log files of any age, each exactly once: the command may be killed, repeated and resumed.",
            argc, argv, exit_code))
        return false;
    *exit_code = 0;
    if (*argc < 2)
        *exit_code = options_fail("which FILE? (see --help)");
    else if (wishes->format == NULL)
        *exit_code = options_fail("--format is missing: one of " LOG_FORMATS);
    else if (wishes->from_line < 1 || wishes->lines < 0)
        *exit_code = options_fail("--from-line and --lines count from 1");
    else if ((wishes->from_line > 1 || wishes->lines > 0) && *argc > 2)
        *exit_code = options_fail("--from-line and --lines are for one FILE at a time");
    else if (wishes->timeout_s < 1 || wishes->timeout_s > 86400)
        *exit_code = options_fail("--timeout is between 1 and 86400 seconds");
    return *exit_code == 0;
}

/* ---- progress and report ---- */

struct screen {
    bool terminal;
    const char *file;
    int64_t shown_us; /* monotonic */
    enum import_phase phase;
};

static void show(void *opaque, const struct import_progress *progress)
{
    static const char *const phases[] = {"reading", "announcing (waits for an aggregator)", "sending", "counting"};
    struct screen *screen = opaque;
    int64_t now_us = g_get_monotonic_time();
    bool due = screen->phase != progress->phase || now_us - screen->shown_us >= PROGRESS_EVERY_MS * 1000;
    if (!screen->terminal || !due)
        return;
    screen->phase = progress->phase;
    screen->shown_us = now_us;
    uint64_t percent = progress->total ? progress->done * 100 / progress->total : 0;
    fprintf(stderr, "\r\033[K%s: %s", screen->file, phases[progress->phase]);
    if (progress->total)
        fprintf(stderr, " %" G_GUINT64_FORMAT " %%", percent);
    if (progress->books)
        fprintf(stderr, ", %" G_GUINT64_FORMAT " lines", progress->books->n_lines);
    fflush(stderr);
}

static void clear_screen(const struct screen *screen)
{
    if (screen->terminal)
        fprintf(stderr, "\r\033[K");
}

static void print_books(const char *path, const struct import_result *result, bool counted)
{
    const struct import_books *books = &result->books;
    uint64_t rejected = 0;
    for (int i = 0; i < INTAKE_N_REASONS; i++)
        rejected += books->tally.rejected[i];
    printf("%s: %" G_GUINT64_FORMAT " lines, received %" G_GUINT64_FORMAT ", accepted %" G_GUINT64_FORMAT
           ", rejected %" G_GUINT64_FORMAT ", excluded %" G_GUINT64_FORMAT "%s\n",
           path, books->n_lines, books->n_lines - books->blank, books->tally.accepted, rejected, books->tally.excluded,
           counted ? "; counted" : "; in the topic");
    for (int i = 0; i < INTAKE_N_REASONS; i++) {
        if (books->tally.rejected[i] > 0)
            printf("  rejected %s: %" G_GUINT64_FORMAT "\n", intake_reason_word((enum intake_reason)i), books->tally.rejected[i]);
    }
    for (size_t i = 0; i < books->n_refusals; i++)
        printf("  line %" G_GUINT64_FORMAT ": %s: %s\n", books->refusals[i].line, intake_reason_word(books->refusals[i].why.reason),
               books->refusals[i].why.message);
    printf("  stream %s, %" G_GUINT64_FORMAT " batches%s", result->stream, result->n_batches,
           result->begun_before ? ", begun by an earlier import" : "");
    if (result->n_skipped > 0)
        printf(" (%" G_GUINT64_FORMAT " counted before)", result->n_skipped);
    printf("\n");
    fflush(stdout);
}

/* ---- running ---- */

/* The exit code for an error: the environment's fault or the file's. */
static int fail(const GError *error)
{
    bool refused = error->domain == IMPORT_ERROR;
    int usage = options_fail("%s", error->message);
    return refused ? EXIT_REFUSED : usage;
}

static int import_files(struct import_settings *settings, const struct wishes *wishes, char **paths)
{
    for (char **path = paths; *path; path++) {
        g_autoptr(GError) error = NULL;
        struct import_result result;
        struct screen screen = {.terminal = !wishes->quiet && isatty(STDERR_FILENO), .file = *path, .phase = IMPORT_COUNTING};
        settings->progress = show;
        settings->opaque = &screen; // cppcheck-suppress autoVariables ; only for this import_run
        bool done = import_run(settings, *path, &result, &error);
        clear_screen(&screen);
        if (!done)
            return fail(error);
        print_books(*path, &result, settings->wait);
    }
    return 0;
}

/* --fields may be given several times, and each hold several items, as in a configuration file. */
static char **field_items(const struct wishes *wishes)
{
    g_autofree char *joined = wishes->fields ? g_strjoinv(";", wishes->fields) : g_strdup("");
    g_auto(GStrv) pieces = g_strsplit(joined, ";", 0);
    GPtrArray *items = g_ptr_array_new();
    for (char **piece = pieces; *piece; piece++) {
        if (*g_strstrip(*piece) != '\0')
            g_ptr_array_add(items, g_strdup(*piece));
    }
    g_ptr_array_add(items, NULL);
    return (char **)g_ptr_array_free(items, FALSE);
}

static int run(const struct wishes *wishes, const struct config *config, char **paths)
{
    g_autoptr(GError) error = NULL;
    g_auto(GStrv) fields = field_items(wishes);
    struct place *place = place_load(wishes->dir, &error);
    if (place == NULL)
        return options_fail("%s", error->message);
    struct kafka_settings kafka = {.brokers = place_need(place, "KAFKA_BROKERS", &error),
                                   .client_id = "daybook-import",
                                   .properties = config_list(config, "kafka.properties")};
    struct redis_settings redis = {.connect_timeout_ms = CONNECT_TIMEOUT_MS, .command_timeout_ms = COMMAND_TIMEOUT_MS};
    struct import_settings settings = {
        .kafka = &kafka,
        .redis = &redis,
        .line = {.fields = (const char *const *)fields, .organization = wishes->organization, .platform = wishes->platform},
        .first_line = (uint64_t)wishes->from_line,
        .n_lines = (uint64_t)wishes->lines,
        .timeout_ms = wishes->timeout_s * 1000,
        .wait = !wishes->no_wait};
    settings.topic = kafka.brokers ? place_need(place, "TOPIC", &error) : NULL;
    redis.url = settings.topic ? place_need(place, "REDIS_URL", &error) : NULL;
    struct intake *intake = redis.url && redis_url_check(redis.url, &error) ? intake_new(config, &error) : NULL;
    settings.intake = intake;
    int code = EXIT_USAGE;
    if (intake == NULL)
        options_fail("%s", error->message);
    else if (!log_format_parse(wishes->format, &settings.line.format))
        options_fail("--format %s: one of " LOG_FORMATS, wishes->format);
    else
        code = import_files(&settings, wishes, paths);
    if (intake)
        intake_free(intake);
    place_free(place);
    return code;
}

int import_command(int argc, char **argv)
{
    struct wishes wishes = {0};
    int code = 0;
    if (read_wishes(&wishes, &argc, argv, &code)) {
        g_autoptr(GError) error = NULL;
        g_auto(GStrv) environment = g_get_environ();
        struct config *config =
            config_load(&collector_settings, wishes.config_file, (const char *const *)wishes.sets, environment, &error);
        code = config ? run(&wishes, config, argv + 1) : options_fail("%s", error->message);
        config_free(config);
    }
    wishes_clear(&wishes);
    return code;
}
