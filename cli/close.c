/* close: see close.h. The work is done in cli/sealing.h. */
#include "cli/close.h"

#include "cli/chain.h"
#include "cli/dates.h"
#include "cli/entry_text.h"
#include "cli/sealing.h"
#include "lib/civil.h"

#include <stdio.h>
#include <unistd.h>

enum { DEFAULT_TIMEOUT_S = 60, PAUSE_MS = 100, ENTRY_MS = 5000 };

static const char summary[] =
    "Closes a UTC day that is over at once, without waiting for its grace (closing.grace_s of the aggregator); of a closed day,\n"
    "the late events that came since, as its next revision. Only days that are over can be closed: the log's clock must be past\n"
    "the end of the day. Exit code 0: it is closed, 1: not within --timeout, 2: it cannot be closed.";

struct closing {
    struct system_options system;
    int64_t day;
    char date[CIVIL_TEXT_MAX];
    int timeout_s;
    int target; /* revision */
    struct sealing *sealing;
    char *shown; /* what was said last on the terminal */
};

/* On the terminal, when it is something new. */
static void progress(struct closing *closing, const char *text)
{
    if (!isatty(STDERR_FILENO) || g_strcmp0(text, closing->shown) == 0)
        return;
    fprintf(stderr, "\r\033[K%s%s", text ? "waiting for " : "", text ? text : "");
    g_free(closing->shown);
    closing->shown = g_strdup(text);
}

/* Until the target is in the ledger. */
static int wait_closed(struct closing *closing, GError **error)
{
    gint64 deadline_us = g_get_monotonic_time() + closing->timeout_s * G_USEC_PER_SEC;

    sealing_add(closing->sealing, closing->day, closing->target);
    for (;;) {
        g_autofree char *waits_for = NULL;
        int64_t day;
        bool done = sealing_left(closing->sealing, &day, &waits_for) == 0;
        progress(closing, waits_for);
        if (done)
            return 0;
        if (g_get_monotonic_time() > deadline_us) {
            progress(closing, NULL);
            fprintf(stderr, "daybook close: %s is not closed after %d s: revision %d still waits for %s\n", closing->date,
                    closing->timeout_s, closing->target, waits_for);
            return EXIT_DIFFERENT;
        }
        if (!sealing_step(closing->sealing, error))
            return EXIT_USAGE;
    }
}

/* A flush writes what a day has reached before the entry itself. */
static bool print_entry(struct closing *closing, GError **error)
{
    gint64 deadline_us = g_get_monotonic_time() + ENTRY_MS * G_GINT64_CONSTANT(1000);
    bool found = false;

    do {
        struct chain *chain = chain_read(sealing_shards(closing->sealing), error);
        if (!chain || !chain_check(chain, error)) {
            chain_free(chain);
            return false;
        }
        const struct chain_link *link = chain_find(chain, closing->day, (uint32_t)closing->target);
        found = link != NULL;
        if (found) {
            entry_text_heading(stdout);
            entry_text_line(link, stdout);
        } else {
            g_usleep(PAUSE_MS * 1000);
        }
        chain_free(chain);
    } while (!found && g_get_monotonic_time() < deadline_us);
    if (!found)
        g_set_error(error, CHAIN_ERROR, CHAIN_ERROR_DAMAGED, "revision %d of %s is said to be in the ledger, but is not",
                    closing->target, closing->date);
    return found;
}

/* ---- the command ---- */

static int close_day(struct closing *closing, GError **error)
{
    if (!system_options_load(&closing->system, SYSTEM_NEEDS_REDIS_AND_KAFKA, error))
        return EXIT_USAGE;
    closing->sealing = sealing_new(&closing->system, SEAL_REQUESTED, error);
    if (!closing->sealing)
        return EXIT_USAGE;
    const struct day_table *table = sealing_table(closing->sealing);
    const struct day_row *row = day_table_find(table, closing->day);
    closing->target = row ? day_row_target(table, row) : 1;
    if (row && day_row_ledgered(row) >= closing->target) {
        printf("%s is closed already, in revision %d, and nothing came since:\n", closing->date, closing->target);
        return print_entry(closing, error) ? 0 : EXIT_USAGE;
    }
    int exit_code = wait_closed(closing, error);
    if (exit_code == 0 && !print_entry(closing, error))
        exit_code = EXIT_USAGE;
    return exit_code;
}

static void closing_clear(struct closing *closing)
{
    sealing_free(closing->sealing);
    g_free(closing->shown);
    system_options_clear(&closing->system);
}

/* Is it a day that can be closed? */
static bool check_day(struct closing *closing, const char *text, int *exit_code)
{
    int64_t today = civil_divide(g_get_real_time() / 1000, CIVIL_DAY_MS);
    char last[CIVIL_TEXT_MAX];

    civil_format_day(last, today - 1);
    if (!text)
        *exit_code = options_fail("which day? --day YYYY-MM-DD, at most %s (UTC)", last);
    else if (!date_read(view_of(text), &closing->day))
        *exit_code = options_fail("--day '%s' is no day: it must be a date such as %s", text, last);
    else if (closing->day == today)
        *exit_code = options_fail(
            "--day %s is not over: a day can be closed from its end on (UTC); the last one that is over is %s", text, last);
    else if (closing->day > today)
        *exit_code = options_fail("--day %s is in the future: the last day that is over is %s (UTC)", text, last);
    else
        return true;
    return false;
}

int close_command(int argc, char **argv)
{
    struct closing closing = {.timeout_s = DEFAULT_TIMEOUT_S};
    g_autofree char *day = NULL;
    g_autoptr(GError) error = NULL;
    const GOptionEntry entries[] = {
        {"day", 0, 0, G_OPTION_ARG_STRING, &day, "The UTC day (needed)", "YYYY-MM-DD"},
        SYSTEM_OPTIONS_REDIS(&closing.system),
        SYSTEM_OPTIONS_KAFKA(&closing.system),
        {"timeout", 0, 0, G_OPTION_ARG_INT, &closing.timeout_s, "Longest wait for the entry in the ledger (60)", "SECONDS"},
        {NULL, 0, 0, G_OPTION_ARG_NONE, NULL, NULL, NULL},
    };
    int exit_code = 0;

    if (options_parse(entries, NULL, summary, &argc, argv, &exit_code) && check_day(&closing, day, &exit_code)) {
        civil_format_day(closing.date, closing.day);
        if (closing.timeout_s < 1 || closing.timeout_s > 86400)
            exit_code = options_fail("--timeout is between 1 and 86400 seconds");
        else
            exit_code = close_day(&closing, &error);
        if (error)
            options_fail("%s", error->message);
    }
    closing_clear(&closing);
    return exit_code;
}
