/* verify: see verify.h; the command line, the order of the checks, and what is said at the end. */
#include "cli/verify.h"

#include "cli/system_options.h"
#include "cli/verify_chain.h"
#include "cli/verify_log.h"
#include "cli/verify_sheets.h"
#include "lib/civil.h"

#include <stdio.h>
#include <unistd.h>

enum { THREADS_MAX = 16, DEFAULT_MEMORY_MIB = 1024, DEFAULT_KEEP_DAYS = 3650, LEFT_OUT_SHOWN = 20 };

static const char summary[] =
    "Proves that the closed days are what they were: recomputes the chain of the ledger, the SHA-256 of every entry and of every\n"
    "sheet, the totals by organization and the differences between revisions from the sheets, and compares what Redis and the\n"
    "archive hold. With --from-kafka the sheets are made anew from the log, on a separate, simple path, and compared byte by\n"
    "byte.\n"
    "FROM..TO are dates, both included; the chain is always checked as a whole.\n"
    "Exit code 0: everything is right, 1: the first difference is printed, 2: it cannot be found out.";

struct arguments {
    struct system_options system;
    struct date_range range;
    gboolean from_kafka;
    int threads, keep_days, memory_mib;
};

/* What the run works with. */
struct verification {
    const struct arguments *arguments;
    struct shards *shards;
    struct archive *archive; /* NULL: none */
    struct chain *chain;
    bool progress;
    struct chain_check chain_check;
    struct sheets_check sheets_check;
    struct log_check log_check;
};

/* ---- what was found ---- */

static void print_chain(const struct verification *verification)
{
    printf("ledger    %u entries: the chain, its checksums and its sums are right", verification->chain->links->len);
    if (verification->archive)
        printf("; %" G_GUINT64_FORMAT " are the same in the archive", verification->chain_check.archived);
    printf("\n");
}

static void print_sheets(const struct verification *verification)
{
    const struct sheets_count *count = &verification->sheets_check.count;

    printf("sheets    %" G_GUINT64_FORMAT " days in %" G_GUINT64_FORMAT " revisions: %" G_GUINT64_FORMAT " sheets in Redis",
           count->days, count->revisions, count->in_redis);
    if (verification->archive)
        printf(" and %" G_GUINT64_FORMAT " in the archive", count->in_archive);
    printf(" are right, and so are all totals\n          %" G_GUINT64_FORMAT " rows; %" G_GUINT64_FORMAT
           " events in the newest revisions\n",
           count->rows, count->events);
    if (count->removed)
        printf("          %" G_GUINT64_FORMAT " sheets are in the archive only\n", count->removed);
    if (count->erased)
        printf("          %" G_GUINT64_FORMAT " sheets are gone, since a user in them was erased\n", count->erased);
    if (!verification->archive)
        printf("          no archive was compared (--archive DIR)\n");
}

static void print_log(const struct verification *verification)
{
    const struct log_check *check = &verification->log_check;

    printf("log       %" G_GUINT64_FORMAT " sheets made anew from %" G_GUINT64_FORMAT " records of %s are the same", check->sheets,
           check->records, check->topic);
    printf("; so are %" G_GUINT64_FORMAT " entries of the ledger\n", check->entries);
    if (check->passes > 1)
        printf("          in %" G_GUINT64_FORMAT " readings of the log (--memory)\n", check->passes);
    if (check->without_histograms)
        printf("          but for latency histograms, of which none were kept in %" G_GUINT64_FORMAT " rows\n",
               check->without_histograms);
    for (guint i = 0; i < check->left_out->len; i++) {
        if (i == 0)
            printf("          What could not be made anew\n");
        if (i < LEFT_OUT_SHOWN)
            printf("          - %s\n", (const char *)g_ptr_array_index(check->left_out, i));
    }
    if (check->left_out->len > LEFT_OUT_SHOWN)
        printf("          … and %u more\n", check->left_out->len - LEFT_OUT_SHOWN);
}

/* ---- the checks ---- */

static bool check_chain(struct verification *verification, struct finding **finding, GError **error)
{
    verification->chain_check = (struct chain_check){.chain = verification->chain,
                                                     .shards = verification->shards,
                                                     .archive = verification->archive,
                                                     .progress = verification->progress};
    if (!verify_chain(&verification->chain_check, finding, error))
        return false;
    if (!*finding)
        print_chain(verification);
    return true;
}

static bool check_sheets(struct verification *verification, struct finding **finding, GError **error)
{
    const struct arguments *arguments = verification->arguments;
    int64_t today = civil_divide(g_get_real_time() / 1000, CIVIL_DAY_MS);

    verification->sheets_check = (struct sheets_check){
        .chain = verification->chain,
        .redis_url = arguments->system.redis,
        .n_partitions = shards_count(verification->shards),
        .archive = verification->archive,
        .range = arguments->range,
        .kept_from = arguments->keep_days > 0 ? today - arguments->keep_days : 0,
        .threads = arguments->threads,
        .progress = verification->progress,
    };
    if (!verify_sheets(&verification->sheets_check, finding, error))
        return false;
    if (!*finding)
        print_sheets(verification);
    return true;
}

static bool check_log(struct verification *verification, struct finding **finding, GError **error)
{
    const struct arguments *arguments = verification->arguments;

    verification->log_check = (struct log_check){
        .chain = verification->chain,
        .shards = verification->shards,
        .archive = verification->archive,
        .redis_url = arguments->system.redis,
        .kafka = {.brokers = arguments->system.brokers,
                  .client_id = "daybook-verify",
                  .properties = (const char *const *)arguments->system.properties},
        .topic = arguments->system.topic,
        .range = arguments->range,
        .memory_max = (size_t)arguments->memory_mib << 20,
        .progress = verification->progress,
    };
    bool ok = verify_log(&verification->log_check, finding, error);
    if (ok && !*finding)
        print_log(verification);
    g_clear_pointer(&verification->log_check.left_out, g_ptr_array_unref);
    return ok;
}

/* Each check stands on the one before: of a damaged ledger no sheet is looked at. */
static bool check_all(struct verification *verification, struct finding **finding, GError **error)
{
    if (!check_chain(verification, finding, error))
        return false;
    if (!*finding && !check_sheets(verification, finding, error))
        return false;
    return *finding || !verification->arguments->from_kafka || check_log(verification, finding, error);
}

static bool prepare(struct verification *verification, GError **error)
{
    const struct system_options *system = &verification->arguments->system;

    verification->progress = isatty(STDERR_FILENO);
    verification->shards = shards_open(system->redis, error);
    if (!verification->shards)
        return false;
    if (system->archive && !(verification->archive = archive_open_reader(system->archive, error)))
        return false;
    verification->chain = chain_read(verification->shards, error);
    return verification->chain != NULL;
}

static int verify(struct arguments *arguments)
{
    struct verification verification = {.arguments = arguments};
    g_autoptr(GError) error = NULL;
    struct finding *finding = NULL;
    enum system_need need = arguments->from_kafka ? SYSTEM_NEEDS_REDIS_AND_KAFKA : SYSTEM_NEEDS_REDIS;
    int exit_code = 0;

    bool ok = system_options_load(&arguments->system, need, &error) && prepare(&verification, &error) &&
              check_all(&verification, &finding, &error);
    if (ok && finding) {
        printf("The first difference:\n");
        finding_print(finding, stdout);
        exit_code = EXIT_DIFFERENT;
    }
    if (!ok)
        exit_code = options_fail("%s", error->message);
    finding_free(finding);
    chain_free(verification.chain);
    shards_free(verification.shards);
    if (verification.archive)
        archive_free(verification.archive);
    return exit_code;
}

/* ---- the command line ---- */

static bool check_arguments(struct arguments *arguments, int argc, char **argv, int *exit_code)
{
    g_autoptr(GError) error = NULL;

    if (argc > 2)
        *exit_code = options_fail("one range of days, not %d (see --help)", argc - 1);
    else if (argc == 2 && !date_range_read(argv[1], &arguments->range, &error))
        *exit_code = options_fail("%s", error->message);
    else if (arguments->threads < 1 || arguments->threads > THREADS_MAX)
        *exit_code = options_fail("--threads is between 1 and %d", THREADS_MAX);
    else if (arguments->keep_days < 0)
        *exit_code = options_fail("--keep-days must not be negative");
    else if (arguments->memory_mib < 1 || arguments->memory_mib > 1 << 20)
        *exit_code = options_fail("--memory is between 1 and %d MiB", 1 << 20);
    else
        return true;
    return false;
}

int verify_command(int argc, char **argv)
{
    struct arguments arguments = {
        .range = date_range_all(),
        .threads = (int)CLAMP(g_get_num_processors(), 2, THREADS_MAX),
        .memory_mib = DEFAULT_MEMORY_MIB,
        .keep_days = DEFAULT_KEEP_DAYS,
    };
    const GOptionEntry entries[] = {
        {"from-kafka", 0, 0, G_OPTION_ARG_NONE, &arguments.from_kafka, "Also make the sheets anew from the log", NULL},
        SYSTEM_OPTIONS_REDIS(&arguments.system),
        SYSTEM_OPTIONS_ARCHIVE(&arguments.system),
        SYSTEM_OPTIONS_KAFKA(&arguments.system),
        {"keep-days", 0, 0, G_OPTION_ARG_INT, &arguments.keep_days,
         "Sheets of older days may be in the archive only (closing.keep_days of the aggregator; 3650; 0: none may)", "DAYS"},
        {"threads", 0, 0, G_OPTION_ARG_INT, &arguments.threads, "Threads that read sheets (default: one for each processor)", "N"},
        {"memory", 0, 0, G_OPTION_ARG_INT, &arguments.memory_mib,
         "Memory for rows with --from-kafka; with less the log is read more often (1024)", "MiB"},
        {NULL, 0, 0, G_OPTION_ARG_NONE, NULL, NULL, NULL},
    };
    int exit_code = 0;

    if (options_parse(entries, "[FROM..TO]", summary, &argc, argv, &exit_code) &&
        check_arguments(&arguments, argc, argv, &exit_code))
        exit_code = verify(&arguments);
    system_options_clear(&arguments.system);
    return exit_code;
}
