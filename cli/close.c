/* close: see close.h.
 *
 * It does what the closer does when a day's grace has passed: it writes seals into the log, to every partition the one after its
 * last, and waits. What else is needed, sheets and the entry, the aggregator does. A seal that somebody else has written meanwhile
 * does no harm: of two for the same revision the second is ignored.
 *
 * The new revision is sealed first where the one before is the last: so it is decided, and a partition that has fallen behind (or
 * was added to the topic later) follows up to it. */
#include "cli/close.h"

#include "cli/chain.h"
#include "cli/dates.h"
#include "cli/day_table.h"
#include "cli/entry_text.h"
#include "cli/system_options.h"
#include "lib/civil.h"
#include "lib/kafka.h"

#include <stdio.h>
#include <unistd.h>

enum { DEFAULT_TIMEOUT_S = 60, PAUSE_MS = 100, DELIVERY_MS = 5000, RESEND_MS = 20000 };

static const char summary[] =
    "Closes a UTC day that is over at once, without waiting for its grace (closing.grace_s of the aggregator); of a closed day,\n"
    "the late events that came since, as its next revision. Only days that are over can be closed: the log's clock must be past\n"
    "the end of the day. Exit code 0: it is closed, 1: not within --timeout, 2: it cannot be closed.";

struct closing {
    struct system_options system;
    int64_t day;
    char date[CIVIL_TEXT_MAX];
    int timeout_s;
    struct shards *shards;
    struct kafka_producer *producer;
    int *sent;               /* by partition: the last revision that was sent */
    gint64 *sent_at_us;      /* and when */
    int target;              /* revision; 0: not known yet */
    int failed;              /* seals that Kafka did not take */
    char *shown;             /* what was said last on the terminal */
    struct day_table *table; /* as read last */
};

/* ---- what is to be done ---- */

/* What the partitions have of the day: nothing, if none knows it. Caller frees. */
static struct day_part *parts_of(const struct closing *closing)
{
    const struct day_row *found = day_table_find(closing->table, closing->day);
    struct day_part *parts = g_new0(struct day_part, (gsize)closing->table->n_partitions);

    for (int i = 0; found && i < closing->table->n_partitions; i++)
        parts[i] = found->parts[i];
    return parts;
}

static bool refresh(struct closing *closing, GError **error)
{
    struct day_table *table = day_table_read(closing->shards, error);

    if (!table)
        return false;
    day_table_free(closing->table);
    closing->table = table;
    return true;
}

/* The seal after the partition's last one, unless it is on its way. */
static void send_seal(struct closing *closing, int partition, int revision)
{
    const struct day_seal seal = {.day = (uint32_t)closing->day, .revision = (uint32_t)revision, .reason = SEAL_REQUESTED};
    gint64 now_us = g_get_monotonic_time();

    if (closing->sent[partition] == revision && now_us - closing->sent_at_us[partition] < RESEND_MS * G_GINT64_CONSTANT(1000))
        return;
    g_autoptr(GBytes) record = ledger_seal(&seal);
    enum kafka_send result =
        kafka_producer_send(closing->producer, partition, g_bytes_get_data(record, NULL), g_bytes_get_size(record), NULL);
    if (result != KAFKA_SENT)
        return;
    closing->sent[partition] = revision;
    closing->sent_at_us[partition] = now_us;
}

static void send_seals(struct closing *closing, const struct day_row *row)
{
    bool decided = day_row_sealed(closing->table, row) >= closing->target;

    for (int i = 0; i < closing->table->n_partitions; i++) {
        int sealed = row->parts[i].state.sealed;
        if (sealed < closing->target && (decided || sealed == closing->target - 1))
            send_seal(closing, i, sealed + 1);
    }
}

/* ---- waiting ---- */

static void delivered(void *opaque, void *message, bool ok)
{
    struct closing *closing = opaque;

    (void)message;
    closing->failed += !ok;
}

/* On the terminal, when it is something new. */
static void progress(struct closing *closing, const char *text)
{
    if (!isatty(STDERR_FILENO) || g_strcmp0(text, closing->shown) == 0)
        return;
    fprintf(stderr, "\r\033[K%s%s", text ? "waiting for " : "", text ? text : "");
    g_free(closing->shown);
    closing->shown = g_strdup(text);
}

/* Sends and looks until the target is in the ledger. */
static int wait_closed(struct closing *closing, GError **error)
{
    gint64 deadline_us = g_get_monotonic_time() + closing->timeout_s * G_USEC_PER_SEC;

    for (;;) {
        g_autofree struct day_part *parts = parts_of(closing);
        const struct day_row row = {closing->day, parts};
        g_autofree char *waits_for = day_row_waits_for(closing->table, &row, closing->target);
        const char *fatal = NULL;
        progress(closing, waits_for);
        if (!waits_for)
            return 0;
        if (g_get_monotonic_time() > deadline_us) {
            progress(closing, NULL);
            fprintf(stderr, "daybook close: %s is not closed after %d s: revision %d still waits for %s\n", closing->date,
                    closing->timeout_s, closing->target, waits_for);
            return EXIT_DIFFERENT;
        }
        send_seals(closing, &row);
        kafka_producer_poll(closing->producer, PAUSE_MS);
        if (kafka_producer_failed(closing->producer, &fatal) || closing->failed > 0) {
            g_set_error(error, KAFKA_ERROR, KAFKA_ERROR_OTHER, "the seals could not be written to topic %s: %s",
                        closing->system.topic, fatal ? fatal : "Kafka refused them");
            return EXIT_USAGE;
        }
        if (!refresh(closing, error))
            return EXIT_USAGE;
        if (kafka_producer_in_flight(closing->producer) == 0)
            g_usleep(PAUSE_MS * 1000);
    }
}

/* A flush writes what a day has reached before the entry itself. */
static bool print_entry(struct closing *closing, GError **error)
{
    gint64 deadline_us = g_get_monotonic_time() + DELIVERY_MS * G_GINT64_CONSTANT(1000);
    const struct chain_link *link = NULL;

    do {
        struct chain *chain = chain_read(closing->shards, error);
        if (!chain || !chain_check(chain, error)) {
            chain_free(chain);
            return false;
        }
        link = chain_find(chain, closing->day, (uint32_t)closing->target);
        if (link) {
            entry_text_heading(stdout);
            entry_text_line(link, stdout);
        } else {
            g_usleep(PAUSE_MS * 1000);
        }
        chain_free(chain);
    } while (!link && g_get_monotonic_time() < deadline_us);
    if (!link)
        g_set_error(error, CHAIN_ERROR, CHAIN_ERROR_DAMAGED, "revision %d of %s is said to be in the ledger, but is not",
                    closing->target, closing->date);
    return link != NULL;
}

/* ---- the command ---- */

static bool connect_all(struct closing *closing, GError **error)
{
    const struct kafka_settings kafka = {.brokers = closing->system.brokers,
                                         .client_id = "daybook-close",
                                         .properties = (const char *const *)closing->system.properties};
    struct kafka_topic topic;

    closing->shards = shards_open(closing->system.redis, error);
    if (!closing->shards || !kafka_topic_get(&kafka, closing->system.topic, DELIVERY_MS, &topic, error))
        return false;
    if (g_strcmp0(shards_topic(closing->shards), closing->system.topic) != 0) {
        g_set_error(error, REDIS_ERROR, REDIS_ERROR_CONFIG, "Redis holds the counts of topic %s, not of %s: one of them is wrong",
                    shards_topic(closing->shards), closing->system.topic);
        return false;
    }
    closing->sent = g_new0(int, (gsize)shards_count(closing->shards));
    closing->sent_at_us = g_new0(gint64, (gsize)shards_count(closing->shards));
    closing->producer = kafka_producer_new(&kafka, closing->system.topic, delivered, closing, error);
    return closing->producer && refresh(closing, error);
}

static int close_day(struct closing *closing, GError **error)
{
    if (!system_options_load(&closing->system, SYSTEM_NEEDS_REDIS_AND_KAFKA, error) || !connect_all(closing, error))
        return EXIT_USAGE;
    g_autofree struct day_part *parts = parts_of(closing);
    const struct day_row row = {closing->day, parts};
    closing->target = day_row_target(closing->table, &row);
    if (day_row_ledgered(&row) >= closing->target) {
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
    if (closing->producer)
        kafka_producer_free(closing->producer);
    shards_free(closing->shards);
    day_table_free(closing->table);
    g_free(closing->sent);
    g_free(closing->sent_at_us);
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
