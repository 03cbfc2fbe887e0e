/* restore: see restore.h; the command line, and what is said at the end. */
#include "cli/restore.h"

#include "cli/restore_log.h"
#include "cli/system_options.h"
#include "lib/civil.h"

#include <stdio.h>
#include <unistd.h>

static const char summary[] =
    "Writes what Redis has lost of the closed days from the archive: sheets, the ledger, what is known of each day. The chain\n"
    "of the ledger in the archive is checked first. What is in Redis is never written over: what differs is said, with exit\n"
    "code 1. While it writes, the aggregator waits; it may keep running. If it is interrupted, run it again.\n"
    "\n"
    "A Redis that was put back from a backup needs nothing of this: the aggregator counts by itself what came since. Neither\n"
    "does an empty one while the log still begins at offset 0: all is counted again, and the days come out the same, byte for\n"
    "byte.\n"
    "\n"
    "--from-log is for a Redis that has lost everything, when the log no longer begins at offset 0: the closed days come from\n"
    "the archive, the others are counted again as far as the log reaches. Days that are not in the ledger and began before\n"
    "the first record of the log are marked incomplete. Users that were erased before it are erased in the restored days;\n"
    "erase them again for what comes.";

struct arguments {
    struct system_options system;
    int keep_days;
    gboolean from_log;
};

/* ---- what is said ---- */

static void print_count(const char *what, const struct restore_count *count)
{
    printf("%-22s %10" G_GUINT64_FORMAT " restored %10" G_GUINT64_FORMAT " were there\n", what, count->restored, count->there);
}

static int print_account(const struct restore *restore)
{
    print_count("sheets", &restore->sheets);
    print_count("entries of the ledger", &restore->entries);
    print_count("days of partitions", &restore->generations);
    for (guint i = 0; i < restore->problems->len; i++)
        printf("%s\n", (const char *)g_ptr_array_index(restore->problems, i));
    if (restore->n_problems > restore->problems->len)
        printf("… and %" G_GUINT64_FORMAT " more like these\n", restore->n_problems - restore->problems->len);
    return restore->n_problems > 0 ? EXIT_DIFFERENT : 0;
}

static int print_log(const struct restore *restore, const struct restore_log_count *count)
{
    char time[CIVIL_TEXT_MAX];

    if (count->whole > 0)
        printf("%d partitions are whole in the log, from offset 0: the aggregator counts them by itself, and the days come out the "
               "same, byte for byte.\n",
               count->whole);
    if (count->live > 0)
        printf("%d partitions have counts in Redis: they were left as they are.\n", count->live);
    if (count->restored == 0) {
        printf("Nothing was written.\n");
        return 0;
    }
    civil_format(time, count->incomplete_before_ms);
    printf("%d partitions go on at the first record of their log. Days that began before %s and are not in the ledger are "
           "incomplete.\n",
           count->restored, time);
    return print_account(restore);
}

/* ---- the command ---- */

static bool run_fill(struct restore *restore, const struct arguments *arguments, int *exit_code, GError **error)
{
    restore->shards = shards_open(arguments->system.redis, error);
    if (!restore->shards) {
        g_prefix_error(error, "if Redis lost everything, see --help about --from-log: ");
        return false;
    }
    restore_begin(restore);
    if (!restore_fill(restore, error))
        return false;
    *exit_code = print_account(restore);
    return true;
}

static bool run_log(struct restore *restore, const struct arguments *arguments, int *exit_code, GError **error)
{
    struct restore_log_count count;
    const struct restore_log_settings settings = {
        .kafka = {.brokers = arguments->system.brokers,
                  .client_id = "daybook-restore",
                  .properties = (const char *const *)arguments->system.properties},
        .topic = arguments->system.topic,
        .redis_url = arguments->system.redis,
    };

    if (!restore_log(restore, &settings, &count, error))
        return false;
    *exit_code = print_log(restore, &count);
    return true;
}

static bool run(const struct arguments *arguments, int *exit_code, GError **error)
{
    struct restore restore = {.progress = isatty(STDERR_FILENO), .kept_from = INT64_MIN};
    struct archive *archive = archive_open_reader(arguments->system.archive, error);

    if (arguments->keep_days > 0)
        restore.kept_from = civil_divide(g_get_real_time() / 1000, CIVIL_DAY_MS) - arguments->keep_days;
    restore.chain = archive ? archive_chain_read(archive, restore.progress, error) : NULL;
    bool ok = restore.chain && (arguments->from_log ? run_log : run_fill)(&restore, arguments, exit_code, error);
    restore_progress_end(&restore);
    restore_end(&restore);
    shards_free(restore.shards);
    archive_chain_free(restore.chain);
    archive_free(archive);
    return ok;
}

static bool load(struct arguments *arguments, GError **error)
{
    enum system_need need = arguments->from_log ? SYSTEM_NEEDS_REDIS_AND_KAFKA : SYSTEM_NEEDS_REDIS;

    if (!system_options_load(&arguments->system, need, error))
        return false;
    if (arguments->system.archive)
        return true;
    g_set_error(error, OPTIONS_ERROR, OPTIONS_ERROR_ENVIRONMENT, "where is the archive? Give --archive DIR, or set ARCHIVE_DIR");
    return false;
}

int restore_command(int argc, char **argv)
{
    struct arguments arguments = {0};
    g_autoptr(GError) error = NULL;
    const GOptionEntry entries[] = {
        SYSTEM_OPTIONS_REDIS(&arguments.system),
        SYSTEM_OPTIONS_KAFKA(&arguments.system),
        SYSTEM_OPTIONS_ARCHIVE(&arguments.system),
        {"from-log", 0, 0, G_OPTION_ARG_NONE, &arguments.from_log, "Redis lost everything, the log lost its beginning", NULL},
        {"keep-days", 0, 0, G_OPTION_ARG_INT, &arguments.keep_days,
         "Leave sheets older than so many days in the archive (closing.keep_days); 0: restore all", "DAYS"},
        {NULL, 0, 0, G_OPTION_ARG_NONE, NULL, NULL, NULL},
    };
    int exit_code = 0;

    if (options_parse(entries, NULL, summary, &argc, argv, &exit_code)) {
        if (arguments.keep_days < 0)
            exit_code = options_fail("--keep-days must not be negative");
        else if (!load(&arguments, &error) || !run(&arguments, &exit_code, &error))
            exit_code = options_fail("%s", error->message);
    }
    system_options_clear(&arguments.system);
    return exit_code;
}
