/* reconcile_compare: see reconcile_compare.h.
 *
 * Causes are amounts, taken from what is known until the difference is used up: what is not closed yet, what came late, what a
 * later revision changed; the rest is said to be a rest. */
#include "cli/reconcile_compare.h"

#include "lib/number.h"

#include <string.h>

/* ---- tolerance ---- */

/* "0.1%" is 10 hundredths of a percent. */
static bool read_percent(struct view text, uint64_t *value)
{
    const char *point = memchr(text.data, '.', text.size);
    size_t whole = point ? (size_t)(point - text.data) : text.size;
    size_t decimals = point ? text.size - whole - 1 : 0;
    uint64_t fraction = 0;

    if (!number_read(view_make(text.data, whole), value) || *value > 100 || (point && (decimals < 1 || decimals > 2)))
        return false;
    if (point && !number_read(view_make(point + 1, decimals), &fraction))
        return false;
    *value = *value * 100 + (decimals == 1 ? fraction * 10 : fraction);
    return *value <= 10000;
}

bool tolerance_read(const char *text, struct tolerance *tolerance)
{
    struct view view = view_of(text);

    tolerance->is_percent = view.size > 0 && view.data[view.size - 1] == '%';
    if (tolerance->is_percent)
        return read_percent(view_make(view.data, view.size - 1), &tolerance->value);
    return number_read(view, &tolerance->value);
}

static bool is_tolerated(const struct tolerance *tolerance, uint64_t file, uint64_t ledger)
{
    uint64_t difference = file > ledger ? file - ledger : ledger - file;

    if (!tolerance->is_percent)
        return difference <= tolerance->value;
    /* difference / larger <= value / 10,000, without overflow: larger = 10,000 q + r. */
    uint64_t larger = MAX(file, ledger);
    return difference <= larger / 10000 * tolerance->value + larger % 10000 * tolerance->value / 10000;
}

/* ---- one client ---- */

/* What the file says of a client. */
struct file_client {
    struct client_name name; /* borrowed */
    uint64_t month;
    uint64_t days[MONTH_DAYS]; /* where the file counts by day */
};

static GHashTable *sum_file(const struct invoice *invoice, const struct date_range *month)
{
    GHashTable *clients = g_hash_table_new_full(client_name_hash, client_name_equal, g_free, NULL);

    for (guint i = 0; i < invoice->lines->len; i++) {
        const struct invoice_line *line = &g_array_index(invoice->lines, struct invoice_line, i);
        const struct client_name name = {line->organization, line->client};
        struct file_client *client = g_hash_table_lookup(clients, &name);
        if (!client) {
            client = g_new0(struct file_client, 1);
            client->name = name;
            g_hash_table_add(clients, client);
        }
        client->month += line->requests;
        if (line->day >= 0)
            client->days[line->day - month->first] += line->requests;
    }
    return clients;
}

/* The numbers of which a difference is made, of a day or a month. */
struct amounts {
    uint64_t file, ledger, late, open;
    int64_t restated;
};

static void add_day(struct amounts *amounts, const struct month_client *client, int day)
{
    amounts->ledger += client->ledger[day];
    amounts->late += client->late[day];
    amounts->open += client->open[day];
    amounts->restated += client->restated[day];
}

/* ---- causes ---- */

struct comparing {
    const struct month_usage *usage;
    const struct tolerance *tolerance;
    bool by_day;
    struct reconciliation *result;
};

/* "what: 12 more" */
static void append_cause(GString *text, const char *what, uint64_t amount, const char *more)
{
    g_string_append_printf(text, "%s%s: %" G_GUINT64_FORMAT "%s", text->len > 0 ? "; " : "", what, amount, more);
}

/* The file has more. */
static void explain_more(const struct comparing *comparing, const struct amounts *amounts, GString *text)
{
    uint64_t rest = amounts->file - amounts->ledger;
    uint64_t open = MIN(rest, amounts->open);
    uint64_t late = MIN(rest - open, amounts->late);

    rest -= open + late;
    if (open > 0)
        append_cause(text, "not yet closed", amounts->open, "");
    if (late > 0)
        append_cause(text, "late", amounts->late, " came after the day was closed");
    if (rest > 0)
        append_cause(text, comparing->usage->excluded > 0 ? "excluded or never received" : "never received", rest, "");
}

/* The ledger has more. */
static void explain_less(const struct amounts *amounts, GString *text)
{
    uint64_t rest = amounts->ledger - amounts->file;
    uint64_t restated = amounts->restated > 0 ? MIN(rest, (uint64_t)amounts->restated) : 0;

    if (restated > 0)
        append_cause(text, "restated", (uint64_t)amounts->restated, " were added by later revisions");
    if (rest > restated)
        append_cause(text, "not in the file", rest - restated, "");
}

static bool is_known(const struct month_client *client)
{
    for (int i = 0; client && i < MONTH_DAYS; i++) {
        if (client->ledger[i] + client->late[i] + client->open[i] > 0)
            return true;
    }
    return false;
}

static char *cause_of(const struct comparing *comparing, const struct month_client *client, const struct amounts *amounts)
{
    GString *text = g_string_new(NULL);

    if (!is_known(client))
        g_string_append(text, "unknown client: nothing was counted under this name in the month");
    else if (amounts->file > amounts->ledger)
        explain_more(comparing, amounts, text);
    else if (amounts->file < amounts->ledger)
        explain_less(amounts, text);
    else
        g_string_append(text, "days cut elsewhere (another time zone?): the sums of the month agree");
    return g_string_free(text, FALSE);
}

/* ---- rows ---- */

static void day_clear(gpointer pointer)
{
    g_free(((struct reconcile_day *)pointer)->cause);
}

static void row_free(gpointer pointer)
{
    struct reconcile_row *row = pointer;

    if (row->days)
        g_array_unref(row->days);
    g_free(row->cause);
    g_free(row);
}

/* The days that differ by more than the tolerance; their amounts are added to `amounts`. */
static GArray *compare_days(const struct comparing *comparing, const struct file_client *file, const struct month_client *client,
                            struct amounts *amounts)
{
    GArray *days = g_array_new(FALSE, FALSE, sizeof(struct reconcile_day));
    int n = (int)(comparing->usage->month.last - comparing->usage->month.first) + 1;

    g_array_set_clear_func(days, day_clear);
    for (int i = 0; i < n; i++) {
        struct amounts of_day = {.file = file ? file->days[i] : 0};
        if (client)
            add_day(&of_day, client, i);
        if (is_tolerated(comparing->tolerance, of_day.file, of_day.ledger))
            continue;
        struct reconcile_day day = {comparing->usage->month.first + i, of_day.file, of_day.ledger,
                                    cause_of(comparing, client, &of_day)};
        g_array_append_val(days, day);
        amounts->file += of_day.file;
        amounts->ledger += of_day.ledger;
        amounts->late += of_day.late;
        amounts->open += of_day.open;
        amounts->restated += of_day.restated;
    }
    return days;
}

static void add_row(const struct comparing *comparing, const struct reconcile_row *row)
{
    g_ptr_array_add(comparing->result->rows, g_memdup2(row, sizeof *row));
}

/* One of the two may be NULL. */
static void compare_client(const struct comparing *comparing, const struct file_client *file, const struct month_client *client)
{
    struct reconcile_row row = {
        .name = file ? file->name : client->name,
        .file = file ? file->month : 0,
    };
    struct amounts month = {.file = row.file}, of_days = {0};

    for (int i = 0; client && i < MONTH_DAYS; i++)
        add_day(&month, client, i);
    row.ledger = month.ledger;
    if (row.file + row.ledger == 0)
        return;
    comparing->result->clients++;
    comparing->result->file += row.file;
    comparing->result->ledger += row.ledger;
    if (comparing->by_day)
        row.days = compare_days(comparing, file, client, &of_days);
    bool differs = row.days ? row.days->len > 0 : !is_tolerated(comparing->tolerance, row.file, row.ledger);
    if (differs) {
        row.cause = cause_of(comparing, client, row.days && row.file != row.ledger ? &of_days : &month);
        add_row(comparing, &row);
    } else if (row.days) {
        g_array_unref(row.days);
    }
}

static gint by_name(gconstpointer a, gconstpointer b)
{
    const struct reconcile_row *x = *(const struct reconcile_row *const *)a;
    const struct reconcile_row *y = *(const struct reconcile_row *const *)b;
    return client_name_compare(&x->name, &y->name);
}

struct reconciliation *reconcile_compare(const struct invoice *invoice, const struct month_usage *usage,
                                         const struct tolerance *tolerance)
{
    struct reconciliation *result = g_new0(struct reconciliation, 1);
    const struct comparing comparing = {usage, tolerance, invoice->columns[INVOICE_DAY] != NULL, result};
    g_autoptr(GHashTable) file = sum_file(invoice, &usage->month);
    GHashTableIter iter;
    gpointer pointer;

    result->rows = g_ptr_array_new_with_free_func(row_free);
    g_hash_table_iter_init(&iter, file);
    while (g_hash_table_iter_next(&iter, &pointer, NULL)) {
        const struct file_client *client = pointer;
        compare_client(&comparing, client, month_usage_find(usage, &client->name));
    }
    g_hash_table_iter_init(&iter, usage->clients);
    while (g_hash_table_iter_next(&iter, &pointer, NULL)) {
        const struct month_client *client = pointer;
        if (!g_hash_table_contains(file, &client->name))
            compare_client(&comparing, NULL, client);
    }
    g_ptr_array_sort(result->rows, by_name);
    return result;
}

void reconciliation_free(struct reconciliation *reconciliation)
{
    g_ptr_array_unref(reconciliation->rows);
    g_free(reconciliation);
}
