/* erase: see erase.h.
 *
 * First the erasure goes into every partition's log: sheets that are made for seals behind it have the pseudonym. Then what was
 * sealed before it is waited for, and the closed days that name the user get another revision, sealed for this reason: the sheets
 * of the revisions before go. Every step looks at what is there, so the command can be killed and given again. */
#include "cli/erase.h"

#include "cli/erase_days.h"
#include "cli/sealing.h"
#include "lib/civil.h"
#include "lib/event.h"
#include "lib/hex.h"
#include "lib/keys.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

enum { DEFAULT_TIMEOUT_S = 120, PSEUDONYM_BYTES = 8, DAYS_SHOWN = 10 };

static const char summary[] =
    "Forgets a user: in all closed days, and in those that are closed from now on, a pseudonym stands in place of the name.\n"
    "Closed days that name the user are restated (reason: erasure) with the same totals; their sheets before are removed, an hour\n"
    "later by the log's clock. It cannot be undone. What the topic and backups hold goes with their retention.\n"
    "The command can be given again: it goes on where it was.\n"
    "Exit code 0: no closed day names the user any more, 1: not within --timeout, 2: it cannot be done.";

struct erase {
    struct system_options system;
    char *user;
    char *pseudonym;     /* that this run has made up, or found; others count where a run before was faster */
    bool is_new;         /* made up */
    GPtrArray *counting; /* char *: those that count, each once */
    int timeout_s;
    struct archive *archive;
    struct sealing *sealing;
    bool progress;
};

/* ---- what is erased already ---- */

/* "offset pseudonym" of the partition; NULL without an error: nothing yet. */
static char *read_erasure(struct erase *erase, int partition, GError **error)
{
    struct redis *redis = shards_get(sealing_shards(erase->sealing), partition, error);
    char key[KEYS_MAX];
    char *pseudonym = NULL;

    if (!redis)
        return NULL;
    const struct view words[] = {view_of("HGET"), view_make(key, keys_plain(key, partition, "erasures")), view_of(erase->user)};
    struct redis_reply *reply = redis_command(redis, G_N_ELEMENTS(words), words, error);
    if (!reply)
        return NULL;
    struct view text = redis_reply_text(reply);
    const char *blank = text.size ? memchr(text.data, ' ', text.size) : NULL;
    if (blank)
        pseudonym = g_strndup(blank + 1, (gsize)(text.data + text.size - blank - 1));
    redis_reply_free(reply);
    return pseudonym;
}

/* Partitions that have not taken the erasure. Learns the pseudonyms from those that have. */
static GArray *find_missing(struct erase *erase, GError **error)
{
    g_autoptr(GArray) missing = g_array_new(FALSE, FALSE, sizeof(int));
    GError *cause = NULL;

    for (int i = 0; i < shards_count(sealing_shards(erase->sealing)); i++) {
        g_autofree char *pseudonym = read_erasure(erase, i, &cause);
        if (cause) {
            g_propagate_error(error, cause);
            return NULL;
        }
        if (!pseudonym)
            g_array_append_val(missing, i);
        else if (!g_ptr_array_find_with_equal_func(erase->counting, pseudonym, g_str_equal, NULL))
            g_ptr_array_add(erase->counting, g_steal_pointer(&pseudonym));
    }
    return g_steal_pointer(&missing);
}

static char *new_pseudonym(void)
{
    uint8_t bytes[PSEUDONYM_BYTES];
    char text[2 * PSEUDONYM_BYTES + 1];

    g_assert(getrandom(bytes, sizeof bytes, 0) == (ssize_t)sizeof bytes);
    hex_write(text, bytes, sizeof bytes);
    return g_strconcat("erased-", text, NULL);
}

/* ---- waiting ---- */

static void show(const struct erase *erase, const char *format, ...) G_GNUC_PRINTF(2, 3);

static void show(const struct erase *erase, const char *format, ...)
{
    va_list arguments;

    if (!erase->progress)
        return;
    va_start(arguments, format);
    g_autofree char *text = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    fprintf(stderr, "\r\033[K%s", text);
}

/* Says why, once the time is over. */
static bool is_late(const struct erase *erase, gint64 deadline_us, const char *what)
{
    if (g_get_monotonic_time() <= deadline_us)
        return false;
    show(erase, "%s", "");
    fprintf(stderr, "daybook erase: still waiting for %s after %d s; give the command again\n", what, erase->timeout_s);
    return true;
}

static gint64 deadline_of(const struct erase *erase)
{
    return g_get_monotonic_time() + erase->timeout_s * G_USEC_PER_SEC;
}

/* ---- the steps; each gives an exit code ---- */

static bool write_erasures(struct erase *erase, const GArray *missing, GError **error)
{
    const struct erasure erasure = {view_of(erase->user), view_of(erase->pseudonym)};
    g_autoptr(GBytes) record = ledger_erasure(&erasure);
    gsize size;
    const void *data = g_bytes_get_data(record, &size);

    for (guint i = 0; i < missing->len; i++) {
        int partition = g_array_index(missing, int, i);
        if (kafka_producer_send(sealing_producer(erase->sealing), partition, data, size, NULL) == KAFKA_SENT)
            continue;
        g_set_error(error, KAFKA_ERROR, KAFKA_ERROR_OTHER, "the erasure could not be written to partition %d of topic %s",
                    partition, erase->system.topic);
        return false;
    }
    return true;
}

/* The erasure into every log, and until all have taken it. */
static int erase_everywhere(struct erase *erase, GError **error)
{
    gint64 deadline_us = deadline_of(erase);
    g_autoptr(GArray) missing = find_missing(erase, error);

    if (!missing)
        return EXIT_USAGE;
    erase->is_new = erase->counting->len == 0;
    erase->pseudonym = erase->is_new ? new_pseudonym() : g_strdup(g_ptr_array_index(erase->counting, 0));
    if (!write_erasures(erase, missing, error))
        return EXIT_USAGE;
    while (missing->len > 0) {
        g_autofree char *what = g_strdup_printf("the erasure to be taken in %u partitions", missing->len);
        show(erase, "%s", what);
        if (is_late(erase, deadline_us, what))
            return EXIT_DIFFERENT;
        if (!sealing_step(erase->sealing, error))
            return EXIT_USAGE;
        g_array_unref(missing);
        missing = find_missing(erase, error);
        if (!missing)
            return EXIT_USAGE;
    }
    return 0;
}

/* The first day with a revision that is sealed and not in the ledger; false: none. */
static bool find_unfinished(const struct day_table *table, char day[CIVIL_TEXT_MAX])
{
    for (guint i = 0; i < table->rows->len; i++) {
        const struct day_row *row = g_ptr_array_index(table->rows, i);
        if (day_row_sealed(table, row) <= day_row_ledgered(row))
            continue;
        civil_format_day(day, row->day);
        return true;
    }
    return false;
}

/* What was sealed before the erasure names the user: it must be in the ledger to be found. */
static int wait_for_sealed(struct erase *erase, GError **error)
{
    gint64 deadline_us = deadline_of(erase);
    char day[CIVIL_TEXT_MAX];

    do {
        if (!sealing_step(erase->sealing, error))
            return EXIT_USAGE;
        if (!find_unfinished(sealing_table(erase->sealing), day))
            return 0;
        show(erase, "waiting for %s to be closed", day);
    } while (!is_late(erase, deadline_us, day));
    return EXIT_DIFFERENT;
}

static int restate(struct erase *erase, const GArray *days, GError **error)
{
    gint64 deadline_us = deadline_of(erase);
    guint left = days->len, before = days->len;

    for (guint i = 0; i < days->len; i++) {
        int64_t day = g_array_index(days, int64_t, i);
        const struct day_row *row = day_table_find(sealing_table(erase->sealing), day);
        sealing_add(erase->sealing, day, (row ? day_row_sealed(sealing_table(erase->sealing), row) : 0) + 1);
    }
    for (;;) {
        g_autofree char *waits_for = NULL;
        int64_t day;
        left = sealing_left(erase->sealing, &day, &waits_for);
        if (left == 0)
            return 0;
        show(erase, "days restated: %u of %u", days->len - left, days->len);
        if (left < before)
            deadline_us = deadline_of(erase); /* it gets on */
        before = left;
        if (is_late(erase, deadline_us, waits_for))
            return EXIT_DIFFERENT;
        if (!sealing_step(erase->sealing, error))
            return EXIT_USAGE;
    }
}

static void print_result(const struct erase *erase, const GArray *days)
{
    show(erase, "%s", "");
    if (erase->is_new && g_ptr_array_find_with_equal_func(erase->counting, erase->pseudonym, g_str_equal, NULL)) {
        printf("The user is erased; the pseudonym, which is not shown again, is");
        for (guint i = 0; i < erase->counting->len; i++)
            printf("%s %s", i ? " or" : "", (const char *)g_ptr_array_index(erase->counting, i));
        printf("\n");
    } else {
        printf("The user was erased before.\n");
    }
    for (guint i = 0; i < MIN(days->len, (guint)DAYS_SHOWN); i++) {
        char day[CIVIL_TEXT_MAX];
        civil_format_day(day, g_array_index(days, int64_t, i));
        printf("%s%s", i ? ", " : "Restated: ", day);
    }
    if (days->len > DAYS_SHOWN)
        printf(" and %u more days", days->len - DAYS_SHOWN);
    printf("%s\n", days->len ? "" : "No closed day names the user.");
}

/* ---- the command ---- */

static int run(struct erase *erase, GError **error)
{
    if (!system_options_load(&erase->system, SYSTEM_NEEDS_REDIS_AND_KAFKA, error))
        return EXIT_USAGE;
    if (erase->system.archive && !(erase->archive = archive_open_reader(erase->system.archive, error)))
        return EXIT_USAGE;
    erase->sealing = sealing_new(&erase->system, SEAL_ERASURE, error);
    if (!erase->sealing)
        return EXIT_USAGE;
    erase->counting = g_ptr_array_new_with_free_func(g_free);
    int exit_code = erase_everywhere(erase, error);
    if (exit_code == 0)
        exit_code = wait_for_sealed(erase, error);
    if (exit_code != 0)
        return exit_code;
    g_autoptr(GArray) days = erase_days_find(sealing_shards(erase->sealing), erase->archive, erase->user, error);
    if (!days)
        return EXIT_USAGE;
    exit_code = restate(erase, days, error);
    if (exit_code == 0)
        print_result(erase, days);
    return exit_code;
}

static void erase_clear(struct erase *erase)
{
    sealing_free(erase->sealing);
    if (erase->archive)
        archive_free(erase->archive);
    g_free(erase->user);
    g_free(erase->pseudonym);
    g_clear_pointer(&erase->counting, g_ptr_array_unref);
    system_options_clear(&erase->system);
}

static bool check_arguments(const struct erase *erase, int *exit_code)
{
    if (!erase->user)
        *exit_code = options_fail("which user? --user NAME");
    else if (!*erase->user || strlen(erase->user) > EVENT_NAME_MAX || !g_utf8_validate(erase->user, -1, NULL))
        *exit_code = options_fail("--user must be 1 to %d bytes of UTF-8", (int)EVENT_NAME_MAX);
    else if (erase->timeout_s < 1 || erase->timeout_s > 86400)
        *exit_code = options_fail("--timeout is between 1 and 86400 seconds");
    else
        return true;
    return false;
}

int erase_command(int argc, char **argv)
{
    struct erase erase = {.timeout_s = DEFAULT_TIMEOUT_S, .progress = isatty(STDERR_FILENO)};
    g_autoptr(GError) error = NULL;
    const GOptionEntry entries[] = {
        {"user", 0, 0, G_OPTION_ARG_STRING, &erase.user, "The user, as counted (needed)", "NAME"},
        SYSTEM_OPTIONS_REDIS(&erase.system),
        SYSTEM_OPTIONS_KAFKA(&erase.system),
        SYSTEM_OPTIONS_ARCHIVE(&erase.system),
        {"timeout", 0, 0, G_OPTION_ARG_INT, &erase.timeout_s, "Longest wait for anything to get on (120)", "SECONDS"},
        {NULL, 0, 0, G_OPTION_ARG_NONE, NULL, NULL, NULL},
    };
    int exit_code = 0;

    if (options_parse(entries, NULL, summary, &argc, argv, &exit_code) && check_arguments(&erase, &exit_code)) {
        exit_code = run(&erase, &error);
        if (error)
            options_fail("%s", error->message);
    }
    erase_clear(&erase);
    return exit_code;
}
