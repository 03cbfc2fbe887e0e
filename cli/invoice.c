/* invoice: see invoice.h. */
#include "cli/invoice.h"

#include "lib/csv.h"
#include "lib/number.h"

#include <string.h>

/* How columns are called, in small letters and without anything else than letters and digits; what stands first wins. */
static const struct {
    const char *name;
    const char *guesses; /* "" : never guessed */
    bool needed;
} columns[INVOICE_N_COLUMNS] = {
    [INVOICE_CLIENT] =
        {"client",
         "client clientid clientname oauthclient oauthclientid key keyid apikey apikeyid consumer consumerid customer "
         "customerid application applicationid app appid account accountid subscriber",
         true},
    [INVOICE_ORGANIZATION] = {"organization", "", false},
    [INVOICE_DAY] = {"day", "day date usageday usagedate eventdate billingdate", false},
    [INVOICE_MONTH] = {"month", "month period billingmonth billingperiod usagemonth invoicemonth", false},
    [INVOICE_REQUESTS] =
        {"requests",
         "requests requestcount numrequests totalrequests apirequests calls callcount apicalls count hits quantity qty "
         "units usage total number",
         true},
};
#define LIKE_ORGANIZATION "organization organizationid organisation organisationid org orgid tenant tenantid"

const char *invoice_column_name(enum invoice_column column)
{
    return columns[column].name;
}

struct invoice_reader {
    struct csv *csv;
    struct invoice *invoice;
    const struct date_range *month;
    int at[INVOICE_N_COLUMNS]; /* index of the field; -1: none */
    guint n_fields;
};

static bool bad(GError **error, uint64_t line, const char *format, ...) G_GNUC_PRINTF(3, 4);

static bool bad(GError **error, uint64_t line, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    g_autofree char *message = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    g_set_error(error, CSV_ERROR, CSV_ERROR_CONTENT, "line %" G_GUINT64_FORMAT ": %s", line, message);
    return false;
}

/* ---- the header ---- */

static char *plain(const char *name)
{
    GString *text = g_string_new(NULL);

    for (; *name; name++) {
        if (g_ascii_isalnum(*name))
            g_string_append_c(text, g_ascii_tolower(*name));
    }
    return g_string_free(text, FALSE);
}

static char *header_text(const struct csv *csv)
{
    GString *text = g_string_new(NULL);

    for (guint i = 0; i < csv_count(csv); i++)
        g_string_append_printf(text, "%s'%s'", i ? ", " : "", csv_field(csv, i));
    return g_string_free(text, FALSE);
}

/* The field of that name; -1: there is none, -2: there are two. */
static int find_given(const struct csv *csv, const char *name)
{
    int found = -1;

    for (guint i = 0; i < csv_count(csv); i++) {
        if (strcmp(csv_field(csv, i), name) != 0)
            continue;
        if (found >= 0)
            return -2;
        found = (int)i;
    }
    return found;
}

static int guess(const struct csv *csv, const char *guesses)
{
    g_auto(GStrv) words = g_strsplit(guesses, " ", -1);

    for (char **word = words; *word && **word; word++) {
        for (guint i = 0; i < csv_count(csv); i++) {
            g_autofree char *name = plain(csv_field(csv, i));
            if (strcmp(name, *word) == 0)
                return (int)i;
        }
    }
    return -1;
}

static bool find_column(struct invoice_reader *reader, enum invoice_column column, const char *given, GError **error)
{
    g_autofree char *header = header_text(reader->csv);
    int *at = &reader->at[column];

    *at = given ? find_given(reader->csv, given) : guess(reader->csv, columns[column].guesses);
    if (given && *at == -2)
        return bad(error, csv_line(reader->csv), "there are two columns '%s'", given);
    if (given && *at < 0)
        return bad(error, csv_line(reader->csv), "there is no column '%s' (--%s-column); there are %s", given, columns[column].name,
                   header);
    if (*at < 0 && columns[column].needed)
        return bad(error, csv_line(reader->csv), "which column has the %s? Give --%s-column; there are %s",
                   column == INVOICE_CLIENT ? "clients" : "requests", columns[column].name, header);
    return true;
}

static bool read_header(struct invoice_reader *reader, const char *const *given, GError **error)
{
    struct invoice *invoice = reader->invoice;

    if (!csv_next(reader->csv, error)) {
        if (error && !*error)
            g_set_error(error, CSV_ERROR, CSV_ERROR_CONTENT, "there is no header: the file is empty");
        return false;
    }
    for (int i = 0; i < INVOICE_N_COLUMNS; i++) {
        if (!find_column(reader, (enum invoice_column)i, given[i], error))
            return false;
    }
    /* What was given wins over what was guessed; days say more than months. */
    if (reader->at[INVOICE_DAY] >= 0 && reader->at[INVOICE_MONTH] >= 0)
        reader->at[given[INVOICE_MONTH] && !given[INVOICE_DAY] ? INVOICE_DAY : INVOICE_MONTH] = -1;
    reader->n_fields = csv_count(reader->csv);
    for (int i = 0; i < INVOICE_N_COLUMNS; i++) {
        invoice->columns[i] = reader->at[i] >= 0 ? g_strdup(csv_field(reader->csv, (guint)reader->at[i])) : NULL;
        invoice->guessed[i] = given[i] == NULL;
    }
    int organization = guess(reader->csv, LIKE_ORGANIZATION);
    if (organization >= 0 && !given[INVOICE_ORGANIZATION])
        invoice->organization_seen = g_strdup(csv_field(reader->csv, (guint)organization));
    return true;
}

/* ---- lines ---- */

/* Blanks around numbers and dates do not matter. */
static struct view value_of(const struct invoice_reader *reader, enum invoice_column column)
{
    struct view text = view_of(csv_field(reader->csv, (guint)reader->at[column]));

    while (text.size > 0 && text.data[0] == ' ')
        text = view_make(text.data + 1, text.size - 1);
    while (text.size > 0 && text.data[text.size - 1] == ' ')
        text.size--;
    return text;
}

/* "2026-10-05", with a time of day behind it or not. */
static bool read_day(struct view text, int64_t *day)
{
    if (text.size > 10 && (text.data[10] == 'T' || text.data[10] == ' '))
        text.size = 10;
    return date_read(text, day);
}

/* The line's day, or -1; *wanted: it is of the month. */
static bool read_time(const struct invoice_reader *reader, int64_t *day, bool *wanted, GError **error)
{
    struct date_range month;
    uint64_t line = csv_line(reader->csv);

    *day = -1;
    *wanted = true;
    if (reader->at[INVOICE_DAY] >= 0) {
        struct view text = value_of(reader, INVOICE_DAY);
        *wanted = read_day(text, day) && date_range_has(reader->month, *day);
        return *day >= 0 || bad(error, line, "'%.*s' is no day: it must be a date such as 2026-10-05", (int)text.size, text.data);
    }
    if (reader->at[INVOICE_MONTH] < 0)
        return true;
    struct view text = value_of(reader, INVOICE_MONTH);
    int64_t first;
    if (date_read_month(text, &month))
        first = month.first;
    else if (!read_day(text, &first))
        return bad(error, line, "'%.*s' is no month: it must be one such as 2026-10", (int)text.size, text.data);
    *wanted = date_range_has(reader->month, first);
    return true;
}

static bool read_line(struct invoice_reader *reader, GError **error)
{
    uint64_t number = csv_line(reader->csv);
    struct invoice_line line = {.line = number};
    bool wanted;

    if (csv_count(reader->csv) != reader->n_fields)
        return bad(error, number, "it has %u fields, but the header has %u", csv_count(reader->csv), reader->n_fields);
    const char *client = csv_field(reader->csv, (guint)reader->at[INVOICE_CLIENT]);
    struct view requests = value_of(reader, INVOICE_REQUESTS);
    if (!read_time(reader, &line.day, &wanted, error))
        return false;
    if (!*client)
        return bad(error, number, "the client is empty (requests without a client are counted under '-')");
    if (!number_read(requests, &line.requests) || line.requests > (uint64_t)INT64_MAX / 1000000)
        return bad(error, number, "'%.*s' is no number of requests: it must be digits only, without signs and separators",
                   (int)requests.size, requests.data);
    if (!wanted) {
        reader->invoice->other_months++;
        return true;
    }
    line.client = g_strdup(client);
    line.organization =
        g_strdup(reader->at[INVOICE_ORGANIZATION] >= 0 ? csv_field(reader->csv, (guint)reader->at[INVOICE_ORGANIZATION]) : "");
    g_array_append_val(reader->invoice->lines, line);
    return true;
}

/* ---- life ---- */

static void line_clear(gpointer pointer)
{
    struct invoice_line *line = pointer;

    g_free(line->client);
    g_free(line->organization);
}

struct invoice *invoice_read(struct view text, const char *const given[INVOICE_N_COLUMNS], const struct date_range *month,
                             GError **error)
{
    struct invoice *invoice = g_new0(struct invoice, 1);
    struct invoice_reader reader = {.csv = csv_new(text), .invoice = invoice, .month = month};
    g_autoptr(GError) cause = NULL;

    invoice->lines = g_array_new(FALSE, FALSE, sizeof(struct invoice_line));
    g_array_set_clear_func(invoice->lines, line_clear);
    bool ok = read_header(&reader, given, &cause);
    while (ok && csv_next(reader.csv, &cause))
        ok = read_line(&reader, &cause);
    csv_free(reader.csv);
    if (!cause)
        return invoice;
    g_propagate_error(error, g_steal_pointer(&cause));
    invoice_free(invoice);
    return NULL;
}

void invoice_free(struct invoice *invoice)
{
    if (!invoice)
        return;
    for (int i = 0; i < INVOICE_N_COLUMNS; i++)
        g_free(invoice->columns[i]);
    g_free(invoice->organization_seen);
    g_array_unref(invoice->lines);
    g_free(invoice);
}
