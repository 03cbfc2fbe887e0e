/* days: see days.h. */
#include "cli/days.h"

#include "cli/chain.h"
#include "cli/dates.h"
#include "cli/day_table.h"
#include "cli/entry_text.h"
#include "cli/system_options.h"
#include "lib/civil.h"

#include <stdio.h>

static const char summary[] =
    "Lists the ledger: every closed day with each of its revisions, oldest first; then the days that are over and not closed\n"
    "yet (or have late events), with what they wait for; and the last day up to which everything is closed.\n"
    "FROM..TO are dates, both included: 2026-10-01..2026-10-31, 2026-10-01.., or one day.";

/* A revision that is still to come. */
struct due {
    int64_t day;
    int revision;
    uint64_t events; /* that are in no closed revision */
    char *waits_for;
};

struct listing {
    struct chain *chain;
    struct day_table *table;
    GPtrArray *entries; /* struct chain_link of the chain, by day and revision */
    GArray *due;        /* struct due */
};

static int by_day_and_revision(gconstpointer a, gconstpointer b)
{
    const struct ledger_entry *x = (*(const struct chain_link *const *)a)->entry;
    const struct ledger_entry *y = (*(const struct chain_link *const *)b)->entry;

    if (x->day != y->day)
        return x->day < y->day ? -1 : 1;
    return x->revision < y->revision ? -1 : x->revision > y->revision;
}

static void due_clear(gpointer pointer)
{
    g_free(((struct due *)pointer)->waits_for);
}

/* Adds the day if a revision of it is still to come. */
static void add_due(struct listing *listing, const struct day_row *row)
{
    int revision = day_row_target(listing->table, row);
    struct due due = {.day = row->day, .revision = revision, .waits_for = day_row_waits_for(listing->table, row, revision)};

    if (!due.waits_for)
        return;
    for (int i = 0; i < listing->table->n_partitions; i++)
        due.events += row->parts[i].open_events;
    g_array_append_val(listing->due, due);
}

/* Days that are over: those of which something is known, and from the first day of the log on all. */
static void list_due(struct listing *listing, const struct date_range *range)
{
    struct day_table *table = listing->table;
    int64_t today = civil_divide(g_get_real_time() / 1000, CIVIL_DAY_MS);
    int64_t next = table->first_day < 0 ? today : table->first_day; /* the first one that is missing in the rows, maybe */
    g_autofree struct day_part *nothing = g_new0(struct day_part, (gsize)table->n_partitions);

    for (guint i = 0; i <= table->rows->len; i++) {
        const struct day_row *row = i < table->rows->len ? g_ptr_array_index(table->rows, i) : NULL;
        int64_t until = row ? MIN(row->day, today) : today;
        for (; next < until; next++) {
            const struct day_row missing = {next, nothing};
            if (date_range_has(range, next))
                add_due(listing, &missing);
        }
        if (row && row->day < today && date_range_has(range, row->day))
            add_due(listing, row);
        next = row ? MAX(next, row->day + 1) : next;
    }
}

static bool listing_read(struct listing *listing, const char *redis, const struct date_range *range, GError **error)
{
    struct shards *shards = shards_open(redis, error);

    listing->entries = g_ptr_array_new();
    listing->due = g_array_new(FALSE, FALSE, sizeof(struct due));
    g_array_set_clear_func(listing->due, due_clear);
    /* The days first: what they say is closed is in the ledger then. */
    listing->table = shards ? day_table_read(shards, error) : NULL;
    listing->chain = listing->table ? chain_read(shards, error) : NULL;
    shards_free(shards);
    if (!listing->chain || !chain_check(listing->chain, error))
        return false;
    for (guint i = 0; i < listing->chain->links->len; i++) {
        struct chain_link *link = g_ptr_array_index(listing->chain->links, i);
        if (date_range_has(range, link->entry->day))
            g_ptr_array_add(listing->entries, link);
    }
    g_ptr_array_sort(listing->entries, by_day_and_revision);
    list_due(listing, range);
    return true;
}

static void listing_clear(struct listing *listing)
{
    chain_free(listing->chain);
    day_table_free(listing->table);
    g_ptr_array_unref(listing->entries);
    g_array_unref(listing->due);
}

/* ---- printing ---- */

static void print_text(const struct listing *listing)
{
    char day[CIVIL_TEXT_MAX];
    int64_t finalized;

    if (listing->entries->len > 0)
        entry_text_heading(stdout);
    else
        printf("No day is closed.\n");
    for (guint i = 0; i < listing->entries->len; i++)
        entry_text_line(g_ptr_array_index(listing->entries, i), stdout);
    for (guint i = 0; i < listing->due->len; i++) {
        const struct due *due = &g_array_index(listing->due, struct due, i);
        civil_format_day(day, due->day);
        if (i == 0)
            printf("\nNot closed yet\n");
        printf("%-10s %4d", day, due->revision);
        if (due->events > 0)
            printf(" %14" G_GUINT64_FORMAT " %sevents", due->events, due->revision > 1 ? "late " : "");
        printf("  waits for %s\n", due->waits_for);
    }
    if (day_table_finalized(listing->table, &finalized)) {
        civil_format_day(day, finalized);
        printf("\nEvery day up to %s is closed.\n", day);
    } else {
        printf("\nNothing was counted yet.\n");
    }
}

static void print_json(const struct listing *listing)
{
    json_t *entries = json_array(), *due_days = json_array();
    char day[CIVIL_TEXT_MAX];
    int64_t finalized;

    for (guint i = 0; i < listing->entries->len; i++)
        json_array_append_new(entries, entry_text_json(g_ptr_array_index(listing->entries, i)));
    for (guint i = 0; i < listing->due->len; i++) {
        const struct due *due = &g_array_index(listing->due, struct due, i);
        civil_format_day(day, due->day);
        json_array_append_new(due_days, json_pack("{s:s,s:i,s:I,s:s}", "day", day, "revision", due->revision, "events",
                                                  (json_int_t)due->events, "waitsFor", due->waits_for));
    }
    bool any = day_table_finalized(listing->table, &finalized);
    if (any)
        civil_format_day(day, finalized);
    json_t *whole =
        json_pack("{s:o,s:o,s:s?}", "entities", entries, "notClosed", due_days, "finalizedThrough", any ? day : (const char *)NULL);
    json_dumpf(whole, stdout, JSON_INDENT(1));
    printf("\n");
    json_decref(whole);
}

/* ---- the command ---- */

static int show(struct system_options *system, const struct date_range *range, bool json)
{
    g_autoptr(GError) error = NULL;
    struct listing listing = {0};
    bool ok = system_options_load(system, SYSTEM_NEEDS_REDIS, &error);

    if (!ok)
        return options_fail("%s", error->message);
    ok = listing_read(&listing, system->redis, range, &error);
    if (ok && json)
        print_json(&listing);
    else if (ok)
        print_text(&listing);
    listing_clear(&listing);
    return ok ? 0 : options_fail("%s", error->message);
}

int days_command(int argc, char **argv)
{
    struct system_options system = {0};
    struct date_range range = date_range_all();
    g_autoptr(GError) error = NULL;
    gboolean json = FALSE;
    const GOptionEntry entries[] = {
        SYSTEM_OPTIONS_REDIS(&system),
        {"json", 0, 0, G_OPTION_ARG_NONE, &json, "Print everything as JSON", NULL},
        {NULL, 0, 0, G_OPTION_ARG_NONE, NULL, NULL, NULL},
    };
    int exit_code = 0;

    if (options_parse(entries, "[FROM..TO]", summary, &argc, argv, &exit_code)) {
        if (argc > 2)
            exit_code = options_fail("one range of days, not %d (see --help)", argc - 1);
        else if (argc == 2 && !date_range_read(argv[1], &range, &error))
            exit_code = options_fail("%s", error->message);
        else
            exit_code = show(&system, &range, json);
    }
    system_options_clear(&system);
    return exit_code;
}
