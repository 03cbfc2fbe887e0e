/* reconcile: see reconcile.h; the command line, and the table for people and as CSV. */
#include "cli/reconcile.h"

#include "cli/reconcile_compare.h"
#include "cli/system_options.h"
#include "lib/civil.h"
#include "lib/csv.h"

#include <stdio.h>
#include <string.h>

enum { FILE_SIZE_MAX = 1 << 30, NAMES_SHOWN = 5 };

static const char summary[] =
    "Compares an invoice or a gateway's own count with the ledger: FILE.csv has a header (RFC 4180) and columns with the client,\n"
    "the requests, and the day or the month; without either, all of it is of --month. Columns are guessed from their names when\n"
    "they are not given, and said. A client's requests are the sum over its organizations, unless --organization-column is given.\n"
    "Only closed days count. Each difference is told with its likely cause.\n"
    "Exit code 0: no difference above the tolerance, 1: there is one, 2: it cannot be found out.";

struct arguments {
    struct system_options system;
    char *columns[INVOICE_N_COLUMNS];
    char *month, *tolerance;
    gboolean csv;
};

struct reconcile {
    const char *path;
    struct date_range month;
    char month_text[8];
    struct tolerance tolerance;
    struct invoice *invoice;
    struct month_usage *usage;
    struct reconciliation *result;
};

/* ---- for people ---- */

static void print_columns(const struct reconcile *reconcile)
{
    const struct invoice *invoice = reconcile->invoice;
    bool any = false;

    for (int i = 0; i < INVOICE_N_COLUMNS; i++) {
        if (!invoice->columns[i])
            continue;
        printf("%s%s = '%s'%s", any ? ", " : "columns   ", invoice_column_name((enum invoice_column)i), invoice->columns[i],
               invoice->guessed[i] ? " (guessed)" : "");
        any = true;
    }
    printf("\n");
    if (invoice->organization_seen)
        printf("          '%s' is not used: requests are summed up over organizations (--organization-column '%s')\n",
               invoice->organization_seen, invoice->organization_seen);
}

static void print_sources(const struct reconcile *reconcile)
{
    const struct month_usage *usage = reconcile->usage;
    int n = (int)(reconcile->month.last - reconcile->month.first) + 1, closed = 0, named = 0;
    char day[CIVIL_TEXT_MAX];

    print_columns(reconcile);
    printf("file      %u lines of %s", reconcile->invoice->lines->len, reconcile->month_text);
    if (reconcile->invoice->other_months)
        printf("; %" G_GUINT64_FORMAT " of other months were left out", reconcile->invoice->other_months);
    for (int i = 0; i < n; i++)
        closed += usage->closed[i];
    printf("\nledger    %d of %d days are closed", closed, n);
    for (int i = 0; i < n && named <= NAMES_SHOWN; i++) {
        if (usage->closed[i])
            continue;
        civil_format_day(day, usage->month.first + i);
        printf("%s%s", named == 0 ? "; not closed: " : ", ", named == NAMES_SHOWN ? "…" : day);
        named++;
    }
    printf("\n");
    if (usage->excluded)
        printf("          the collectors have excluded %" G_GUINT64_FORMAT " requests by their rules, of all clients and months\n",
               usage->excluded);
}

/* "2026-10-03, 2026-10-05 and 7 more"; caller frees. */
static char *days_text(const GArray *days)
{
    GString *text = g_string_new(NULL);

    for (guint i = 0; i < MIN(days->len, (guint)NAMES_SHOWN); i++) {
        char day[CIVIL_TEXT_MAX];
        civil_format_day(day, g_array_index(days, struct reconcile_day, i).day);
        g_string_append_printf(text, "%s%s", i ? ", " : "", day);
    }
    if (days->len > NAMES_SHOWN)
        g_string_append_printf(text, " and %u more", days->len - NAMES_SHOWN);
    return g_string_free(text, FALSE);
}

static void print_row(const struct reconcile *reconcile, const struct reconcile_row *row)
{
    g_autofree char *days = row->days ? days_text(row->days) : NULL;

    if (reconcile->usage->by_organization)
        printf("%-20s ", row->name.organization);
    printf("%-24s %14" G_GUINT64_FORMAT " %14" G_GUINT64_FORMAT " %+14" G_GINT64_FORMAT "  %s", row->name.client, row->file,
           row->ledger, (int64_t)(row->file - row->ledger), row->cause);
    if (days)
        printf(" (%s)", days);
    printf("\n");
}

static void print_text(const struct reconcile *reconcile)
{
    const struct reconciliation *result = reconcile->result;

    print_sources(reconcile);
    printf("\n");
    if (result->rows->len > 0) {
        if (reconcile->usage->by_organization)
            printf("%-20s ", "organization");
        printf("%-24s %14s %14s %14s  %s\n", "client", "file", "ledger", "difference", "likely cause");
    }
    for (guint i = 0; i < result->rows->len; i++)
        print_row(reconcile, g_ptr_array_index(result->rows, i));
    printf("%s%zu clients compared: the file has %" G_GUINT64_FORMAT " requests, the ledger %" G_GUINT64_FORMAT "; ",
           result->rows->len ? "\n" : "", result->clients, result->file, result->ledger);
    if (result->rows->len)
        printf("%u of them differ%s.\n", result->rows->len, reconcile->tolerance.value ? " by more than the tolerance" : "");
    else
        printf("no difference%s.\n", reconcile->tolerance.value ? " above the tolerance" : "");
}

/* ---- as CSV ---- */

struct csv_line {
    const char *organization, *client, *time, *cause;
    uint64_t file, ledger;
};

static void append_line(const struct reconcile *reconcile, const struct csv_line *line, GString *out)
{
    if (reconcile->usage->by_organization) {
        csv_append(out, line->organization);
        g_string_append_c(out, ',');
    }
    csv_append(out, line->client);
    g_string_append_printf(out, ",%s,%" G_GUINT64_FORMAT ",%" G_GUINT64_FORMAT ",%" G_GINT64_FORMAT ",", line->time, line->file,
                           line->ledger, (int64_t)(line->file - line->ledger));
    csv_append(out, line->cause);
    g_string_append(out, "\r\n");
}

static void append_row(const struct reconcile *reconcile, const struct reconcile_row *row, GString *out)
{
    struct csv_line line = {row->name.organization, row->name.client, reconcile->month_text, row->cause, row->file, row->ledger};
    char date[CIVIL_TEXT_MAX];

    if (!row->days)
        append_line(reconcile, &line, out);
    for (guint i = 0; row->days && i < row->days->len; i++) {
        const struct reconcile_day *day = &g_array_index(row->days, struct reconcile_day, i);
        civil_format_day(date, day->day);
        line.time = date;
        line.cause = day->cause;
        line.file = day->file;
        line.ledger = day->ledger;
        append_line(reconcile, &line, out);
    }
}

static void print_csv(const struct reconcile *reconcile)
{
    bool by_day = reconcile->invoice->columns[INVOICE_DAY] != NULL;

    printf("%sclient,%s,file,ledger,difference,cause\r\n", reconcile->usage->by_organization ? "organization," : "",
           by_day ? "day" : "month");
    for (guint i = 0; i < reconcile->result->rows->len; i++) {
        g_autoptr(GString) text = g_string_new(NULL);
        append_row(reconcile, g_ptr_array_index(reconcile->result->rows, i), text);
        fputs(text->str, stdout);
    }
}

/* ---- the command ---- */

static bool read_file(struct reconcile *reconcile, const char *const *columns, GError **error)
{
    g_autoptr(GMappedFile) file = g_mapped_file_new(reconcile->path, FALSE, error);

    if (!file)
        return false;
    size_t size = g_mapped_file_get_length(file);
    if (size > FILE_SIZE_MAX) {
        g_set_error(error, CSV_ERROR, CSV_ERROR_CONTENT, "it has %zu bytes: at most %d can be read", size, (int)FILE_SIZE_MAX);
        return false;
    }
    reconcile->invoice =
        invoice_read(view_make(size ? g_mapped_file_get_contents(file) : "", size), columns, &reconcile->month, error);
    return reconcile->invoice != NULL;
}

static bool read_usage(struct reconcile *reconcile, const struct system_options *system, GError **error)
{
    struct shards *shards = shards_open(system->redis, error);
    struct archive *archive = shards && system->archive ? archive_open_reader(system->archive, error) : NULL;
    bool by_organization = reconcile->invoice->columns[INVOICE_ORGANIZATION] != NULL;

    if (shards && (archive || !system->archive))
        reconcile->usage = month_usage_read(shards, archive, &reconcile->month, by_organization, error);
    if (archive)
        archive_free(archive);
    shards_free(shards);
    return reconcile->usage != NULL;
}

static int compare(struct reconcile *reconcile, struct arguments *arguments)
{
    g_autoptr(GError) error = NULL;
    const char *columns[INVOICE_N_COLUMNS];

    for (int i = 0; i < INVOICE_N_COLUMNS; i++)
        columns[i] = arguments->columns[i];
    if (!read_file(reconcile, columns, &error))
        return options_fail("%s: %s", reconcile->path, error->message);
    if (!system_options_load(&arguments->system, SYSTEM_NEEDS_REDIS, &error) || !read_usage(reconcile, &arguments->system, &error))
        return options_fail("%s", error->message);
    reconcile->result = reconcile_compare(reconcile->invoice, reconcile->usage, &reconcile->tolerance);
    if (arguments->csv)
        print_csv(reconcile);
    else
        print_text(reconcile);
    return reconcile->result->rows->len > 0 ? EXIT_DIFFERENT : 0;
}

static bool check_arguments(const struct arguments *arguments, int argc, struct reconcile *reconcile, int *exit_code)
{
    if (argc != 2)
        *exit_code = options_fail(argc < 2 ? "which FILE.csv? (see --help)" : "one FILE.csv at a time (see --help)");
    else if (!arguments->month)
        *exit_code = options_fail("which month? --month YYYY-MM");
    else if (!date_read_month(view_of(arguments->month), &reconcile->month))
        *exit_code = options_fail("--month '%s' is no month: it must be one such as 2026-10", arguments->month);
    else if (arguments->tolerance && !tolerance_read(arguments->tolerance, &reconcile->tolerance))
        *exit_code = options_fail("--tolerance '%s': it must be a number of requests, such as 5, or a percentage, such as 0.1%%",
                                  arguments->tolerance);
    else
        return true;
    return false;
}

static void arguments_clear(struct arguments *arguments)
{
    system_options_clear(&arguments->system);
    for (int i = 0; i < INVOICE_N_COLUMNS; i++)
        g_free(arguments->columns[i]);
    g_free(arguments->month);
    g_free(arguments->tolerance);
}

int reconcile_command(int argc, char **argv)
{
    struct arguments arguments = {0};
    struct reconcile reconcile = {0};
    char **columns = arguments.columns;
    const GOptionEntry entries[] = {
        {"month", 0, 0, G_OPTION_ARG_STRING, &arguments.month, "The month to compare (needed)", "YYYY-MM"},
        {"client-column", 0, 0, G_OPTION_ARG_STRING, &columns[INVOICE_CLIENT], "Column with the clients", "NAME"},
        {"requests-column", 0, 0, G_OPTION_ARG_STRING, &columns[INVOICE_REQUESTS], "Column with the requests", "NAME"},
        {"day-column", 0, 0, G_OPTION_ARG_STRING, &columns[INVOICE_DAY], "Column with UTC days (2026-10-05)", "NAME"},
        {"month-column", 0, 0, G_OPTION_ARG_STRING, &columns[INVOICE_MONTH], "Column with months (2026-10)", "NAME"},
        {"organization-column", 0, 0, G_OPTION_ARG_STRING, &columns[INVOICE_ORGANIZATION], "Column with organizations", "NAME"},
        {"tolerance", 0, 0, G_OPTION_ARG_STRING, &arguments.tolerance,
         "Differences up to this are none: requests, or a percentage of the larger number (0)", "N|N%"},
        {"csv", 0, 0, G_OPTION_ARG_NONE, &arguments.csv, "Print the differences as CSV", NULL},
        SYSTEM_OPTIONS_REDIS(&arguments.system),
        SYSTEM_OPTIONS_ARCHIVE(&arguments.system),
        {NULL, 0, 0, G_OPTION_ARG_NONE, NULL, NULL, NULL},
    };
    int exit_code = 0;

    if (options_parse(entries, "FILE.csv", summary, &argc, argv, &exit_code) &&
        check_arguments(&arguments, argc, &reconcile, &exit_code)) {
        reconcile.path = argv[1];
        g_strlcpy(reconcile.month_text, arguments.month, sizeof reconcile.month_text);
        exit_code = compare(&reconcile, &arguments);
    }
    if (reconcile.result)
        reconciliation_free(reconcile.result);
    month_usage_free(reconcile.usage);
    invoice_free(reconcile.invoice);
    arguments_clear(&arguments);
    return exit_code;
}
