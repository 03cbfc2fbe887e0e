#include "api/costs_answer.h"

#include "lib/csv.h"
#include "lib/number.h"

static const struct cost_account *account_at(const GPtrArray *accounts, guint index)
{
    return g_ptr_array_index(accounts, index);
}

/* NULL: it is no client's, or nobody gave it a name. */
static const char *client_name(const struct costs_answer *answer, const struct cost_account *account)
{
    if (account->client == NULL)
        return NULL;
    const struct registry_client *client = registry_find_client(answer->registry, account->organization, account->client);
    return client != NULL && client->name[0] != '\0' ? client->name : NULL;
}

/* ---- JSON ---- */

static void write_amount(struct writer *writer, const struct cost_amount *amount)
{
    writer_begin(writer, NULL, '{');
    writer_text(writer, "currency", view_of(amount->currency));
    money_write(writer, amount->amount);
    writer_begin(writer, "projected", '{');
    money_write(writer, amount->projected);
    writer_end(writer, '}');
    writer_end(writer, '}');
}

static void write_total(struct writer *writer, const struct costs_answer *answer)
{
    struct cost_totals totals;
    cost_totals_init(&totals, answer->accounts, answer->month);
    writer_begin(writer, "total", '{');
    writer_count(writer, "requests", totals.requests);
    writer_count(writer, "priced", totals.priced);
    writer_count(writer, "members", totals.members);
    writer_count(writer, "unpriced", totals.unpriced);
    writer_count(writer, "accounts", totals.accounts);
    writer_begin(writer, "amounts", '[');
    for (guint i = 0; i < totals.amounts->len; i++)
        write_amount(writer, &g_array_index(totals.amounts, struct cost_amount, i));
    writer_end(writer, ']');
    writer_end(writer, '}');
    cost_totals_clear(&totals);
}

static void write_entities(struct writer *writer, const struct costs_answer *answer, guint first, guint end)
{
    writer_begin(writer, "entities", '[');
    for (guint i = first; i < end; i++) {
        struct cost_summary summary;
        cost_account_sum(&summary, account_at(answer->accounts, i), answer->month);
        costs_write_entity(writer, &summary, client_name(answer, account_at(answer->accounts, i)), answer->params->by_day);
        cost_summary_clear(&summary);
    }
    writer_end(writer, ']');
}

void costs_answer_json(GString *out, const struct costs_answer *answer)
{
    const struct costs_params *params = answer->params;
    const guint n = answer->accounts->len, first = cost_accounts_after(answer->accounts, params->after);
    const guint end = first + MIN(n - first, params->page_size);
    struct writer writer;
    writer_init(&writer, out);
    writer_begin(&writer, NULL, '{');
    cost_month_write(&writer, answer->month);
    write_total(&writer, answer);
    write_entities(&writer, answer, first, end);
    if (end < n) {
        g_autoptr(GString) uri = g_string_new(NULL);
        costs_params_next(params, account_at(answer->accounts, end - 1)->name, uri);
        writer_text(&writer, "nextUri", view_of(uri->str));
    }
    writer_end(&writer, '}');
}

/* ---- tables: one list of columns for both formats ---- */

enum column {
    DATE,
    MONTH,
    KIND,
    ORGANIZATION,
    CLIENT,
    CLIENT_NAME,
    PLAN,
    CURRENCY,
    INCLUDED,
    USED,
    REQUESTS,
    CUMULATIVE,
    OVERAGE,
    AMOUNT_MICROS,
    AMOUNT,
    CEILING,
    EXCEEDED,
    PROJECTED_USED,
    PROJECTED_OVERAGE,
    PROJECTED_MICROS,
    PROJECTED_AMOUNT,
    PROVISIONAL,
    REVISION,
};

enum { OF_MONTH = 1, OF_DAY = 2, OF_BOTH = OF_MONTH | OF_DAY };

static const struct {
    enum column column;
    const char *name;
    unsigned of;
} columns[] = {
    {DATE, "date", OF_DAY},
    {MONTH, "month", OF_MONTH},
    {KIND, "kind", OF_BOTH},
    {ORGANIZATION, "organization", OF_BOTH},
    {CLIENT, "clientId", OF_BOTH},
    {CLIENT_NAME, "clientName", OF_BOTH},
    {PLAN, "plan", OF_BOTH},
    {CURRENCY, "currency", OF_BOTH},
    {INCLUDED, "included", OF_MONTH},
    {USED, "used", OF_MONTH},
    {REQUESTS, "requests", OF_DAY},
    {CUMULATIVE, "cumulative", OF_DAY},
    {OVERAGE, "overage", OF_BOTH},
    {AMOUNT_MICROS, "amountMicros", OF_BOTH},
    {AMOUNT, "amount", OF_BOTH},
    {CEILING, "fairUseCeiling", OF_MONTH},
    {EXCEEDED, "fairUseExceeded", OF_MONTH},
    {PROJECTED_USED, "projectedUsed", OF_MONTH},
    {PROJECTED_OVERAGE, "projectedOverage", OF_MONTH},
    {PROJECTED_MICROS, "projectedAmountMicros", OF_MONTH},
    {PROJECTED_AMOUNT, "projectedAmount", OF_MONTH},
    {PROVISIONAL, "provisional", OF_BOTH},
    {REVISION, "revision", OF_DAY},
};

struct row {
    const struct cost_summary *summary;
    const char *client_name;
    int day; /* of the month; -1: the month itself */
};

enum cell_kind { CELL_EMPTY, CELL_TEXT, CELL_NUMBER, CELL_FLAG };

struct cell {
    enum cell_kind kind;
    char buffer[MONEY_TEXT_MAX];
    const char *text; /* of CELL_TEXT, and the digits of CELL_NUMBER */
    bool flag;
};

static void put_text(struct cell *cell, const char *text)
{
    cell->kind = text != NULL ? CELL_TEXT : CELL_EMPTY;
    cell->text = text;
}

/* What was written into it. */
static void put_buffer(struct cell *cell, enum cell_kind kind)
{
    cell->kind = kind;
    cell->text = cell->buffer;
}

static void put_count(struct cell *cell, uint64_t count)
{
    cell->buffer[number_write(cell->buffer, count)] = '\0';
    put_buffer(cell, CELL_NUMBER);
}

static void put_micros(struct cell *cell, money amount)
{
    money_format_micros(cell->buffer, amount);
    put_buffer(cell, CELL_NUMBER);
}

static void put_amount(struct cell *cell, money amount)
{
    money_format(cell->buffer, amount);
    put_buffer(cell, CELL_TEXT);
}

static void put_flag(struct cell *cell, bool flag)
{
    cell->kind = CELL_FLAG;
    cell->flag = flag;
}

static void put_when(struct cell *cell, const struct row *row)
{
    char text[CIVIL_TEXT_MAX];
    civil_format_day(text, row->summary->month.first_day + MAX(row->day, 0));
    g_strlcpy(cell->buffer, text, row->day < 0 ? COST_MONTH_TEXT : sizeof cell->buffer);
    put_buffer(cell, CELL_TEXT);
}

static void put_revision(struct cell *cell, const struct row *row)
{
    if (row->summary->month.revisions[row->day] > 0)
        put_count(cell, (uint64_t)row->summary->month.revisions[row->day]);
}

/* What every account has. */
static void put_common(struct cell *cell, enum column column, const struct row *row)
{
    const struct cost_summary *summary = row->summary;
    switch (column) {
    case DATE:
    case MONTH:
        put_when(cell, row);
        return;
    case KIND:
        put_text(cell, cost_kind_name(summary->kind));
        return;
    case ORGANIZATION:
        put_text(cell, summary->organization);
        return;
    case CLIENT:
        put_text(cell, summary->client);
        return;
    case CLIENT_NAME:
        put_text(cell, row->client_name);
        return;
    case USED:
        put_count(cell, summary->used);
        return;
    case REQUESTS:
        put_count(cell, summary->days[row->day].requests);
        return;
    case CUMULATIVE:
        put_count(cell, summary->days[row->day].cumulative);
        return;
    case PROJECTED_USED:
        put_count(cell, summary->projected.used);
        return;
    case PROVISIONAL:
        put_flag(cell, row->day < 0 ? !cost_month_is_final(&summary->month) : summary->month.provisional[row->day]);
        return;
    case REVISION:
        put_revision(cell, row);
        return;
    default:
        return;
    }
}

/* What only one with a plan has. */
static void put_priced(struct cell *cell, enum column column, const struct row *row)
{
    const struct cost_summary *summary = row->summary;
    const struct cost_day *day = row->day < 0 ? NULL : &summary->days[row->day];
    switch (column) {
    case PLAN:
        put_text(cell, summary->plan->name);
        return;
    case CURRENCY:
        put_text(cell, summary->plan->currency);
        return;
    case INCLUDED:
        put_count(cell, summary->plan->included);
        return;
    case OVERAGE:
        put_count(cell, day != NULL ? day->overage : summary->overage);
        return;
    case AMOUNT_MICROS:
        put_micros(cell, day != NULL ? day->amount : summary->amount);
        return;
    case AMOUNT:
        put_amount(cell, day != NULL ? day->amount : summary->amount);
        return;
    case PROJECTED_OVERAGE:
        put_count(cell, summary->projected.overage);
        return;
    case PROJECTED_MICROS:
        put_micros(cell, summary->projected.amount);
        return;
    case PROJECTED_AMOUNT:
        put_amount(cell, summary->projected.amount);
        return;
    default:
        return;
    }
}

static void put_fair_use(struct cell *cell, enum column column, const struct row *row)
{
    if (column == CEILING)
        put_count(cell, row->summary->plan->ceiling);
    else if (column == EXCEEDED)
        put_flag(cell, row->summary->fair_use_exceeded);
}

static void fill(struct cell *cell, enum column column, const struct row *row)
{
    const struct plan *plan = row->summary->plan;
    cell->kind = CELL_EMPTY;
    put_common(cell, column, row);
    if (cell->kind == CELL_EMPTY && plan != NULL)
        put_priced(cell, column, row);
    if (cell->kind == CELL_EMPTY && plan != NULL && plan->ceiling > 0)
        put_fair_use(cell, column, row);
}

static void write_json_cell(struct writer *writer, const char *name, const struct cell *cell)
{
    if (cell->kind == CELL_EMPTY)
        writer_null(writer, name);
    else if (cell->kind == CELL_TEXT)
        writer_text(writer, name, view_of(cell->text));
    else if (cell->kind == CELL_NUMBER)
        writer_digits(writer, name, view_of(cell->text));
    else
        writer_bool(writer, name, cell->flag);
}

static void write_csv_cell(GString *out, const struct cell *cell)
{
    if (cell->kind == CELL_TEXT)
        csv_append(out, cell->text);
    else if (cell->kind == CELL_NUMBER)
        g_string_append(out, cell->text);
    else if (cell->kind == CELL_FLAG)
        g_string_append(out, cell->flag ? "true" : "false");
}

static void write_json_row(GString *line, const struct row *row)
{
    const unsigned of = row->day < 0 ? OF_MONTH : OF_DAY;
    struct writer writer;
    struct cell cell;
    writer_init(&writer, line);
    writer_begin(&writer, NULL, '{');
    for (size_t i = 0; i < G_N_ELEMENTS(columns); i++) {
        if ((columns[i].of & of) == 0)
            continue;
        fill(&cell, columns[i].column, row);
        write_json_cell(&writer, columns[i].name, &cell);
    }
    writer_end(&writer, '}');
    g_string_append_c(line, '\n');
}

/* row NULL: the header of rows of these. */
static void write_csv_row(GString *line, unsigned of, const struct row *row)
{
    struct cell cell;
    for (size_t i = 0; i < G_N_ELEMENTS(columns); i++) {
        if ((columns[i].of & of) == 0)
            continue;
        if (line->len > 0)
            g_string_append_c(line, ',');
        if (row != NULL) {
            fill(&cell, columns[i].column, row);
            write_csv_cell(line, &cell);
        } else {
            g_string_append(line, columns[i].name);
        }
    }
    g_string_append(line, "\r\n");
}

static void append_row(struct export_lines *lines, GString *line, const struct row *row, bool csv)
{
    g_string_truncate(line, 0);
    if (csv)
        write_csv_row(line, row->day < 0 ? OF_MONTH : OF_DAY, row);
    else
        write_json_row(line, row);
    export_lines_append(lines, view_make(line->str, line->len));
}

void costs_answer_lines(struct export_lines *lines, const struct costs_answer *answer, bool csv)
{
    const bool by_day = answer->params->by_day;
    g_autoptr(GString) line = g_string_new(NULL);
    if (csv) {
        write_csv_row(line, by_day ? OF_DAY : OF_MONTH, NULL);
        export_lines_append(lines, view_make(line->str, line->len));
    }
    for (guint i = 0; i < answer->accounts->len; i++) {
        const struct cost_account *account = account_at(answer->accounts, i);
        struct cost_summary summary;
        cost_account_sum(&summary, account, answer->month);
        struct row row = {.summary = &summary, .client_name = client_name(answer, account), .day = by_day ? 0 : -1};
        for (; row.day < (by_day ? answer->month->n_shown : 0); row.day++)
            append_row(lines, line, &row, csv);
        cost_summary_clear(&summary);
    }
}

char *costs_answer_file_name(const struct costs_answer *answer, bool csv)
{
    char month[COST_MONTH_TEXT];
    cost_month_format(month, answer->month);
    return g_strdup_printf("usage-costs_%s%s.%s", month, answer->params->by_day ? "_by-day" : "", csv ? "csv" : "jsonl");
}
