#include "api/report_export.h"

#include "api/report_search.h"

enum { SECTION = EXPORT_PERIOD_FIRST, DATE, BEGIN, END };

#define OF(section) (1u << (section))
#define OF_ALL OF(REPORT_ALL)
#define OF_DAYS (OF(REPORT_DAYS) | OF_ALL)
#define OF_CLIENTS (OF(REPORT_CLIENTS) | OF(REPORT_CLIENT_URLS) | OF_ALL)
#define OF_URLS (OF(REPORT_URLS) | OF(REPORT_CLIENT_URLS) | OF_ALL)
#define OF_ANY (OF(REPORT_SECTION_N) - 1)

static const struct {
    struct export_column column;
    unsigned sections;
} columns[] = {
    {{"section", SECTION}, OF_ALL},
    {{"date", DATE}, OF_DAYS},
    {{"begin", BEGIN}, OF_DAYS},
    {{"end", END}, OF_DAYS},
    {{"clientId", EXPORT_CLIENT_ID}, OF_CLIENTS},
    {{"clientName", EXPORT_CLIENT_NAME}, OF_CLIENTS},
    {{"organizationId", EXPORT_ORGANIZATION}, OF_CLIENTS},
    {{"templateUri", EXPORT_TEMPLATE}, OF_URLS},
    {{"status200", EXPORT_STATUS200}, OF_ANY},
    {{"status300", EXPORT_STATUS300}, OF_ANY},
    {{"status400", EXPORT_STATUS400}, OF_ANY},
    {{"status500", EXPORT_STATUS500}, OF_ANY},
    {{"status429", EXPORT_STATUS429}, OF_ANY},
    {{"requests", EXPORT_REQUESTS}, OF_ANY},
};

/* ---- texts ---- */

/* section, date, begin, end */
static void add_texts(struct report_export *export, const char *const texts[REPORT_TEXTS])
{
    for (int i = 0; i < REPORT_TEXTS; i++)
        g_ptr_array_add(export->texts[i], g_strdup(texts[i]));
}

static void add_day(struct report_export *export, const struct report_range *range, const struct zone_period *day)
{
    char date[CIVIL_TEXT_MAX], begin[ZONE_TEXT_MAX], end[ZONE_TEXT_MAX];
    civil_format_day(date, day->day);
    zone_format(begin, range->tz, day->begin_s);
    zone_format(end, range->tz, day->end_s);
    add_texts(export, (const char *const[]){report_section_name(REPORT_DAYS), date, begin, end});
}

void report_export_init(struct report_export *export, const struct report_range *range, enum report_section section)
{
    *export = (struct report_export){.n_columns = 0};
    for (size_t i = 0; i < G_N_ELEMENTS(columns); i++)
        if (columns[i].sections & OF(section))
            export->columns[export->n_columns++] = columns[i].column;
    for (int i = 0; i < REPORT_TEXTS; i++)
        export->texts[i] = g_ptr_array_new_with_free_func(g_free);
    for (guint i = 0; i < range->days->len; i++)
        add_day(export, range, &g_array_index(range->days, struct zone_period, i));
    for (int i = REPORT_CLIENTS; i < REPORT_ALL; i++)
        add_texts(export, (const char *const[]){report_section_name((enum report_section)i), "", "", ""});
}

void report_export_clear(struct report_export *export)
{
    for (int i = 0; i < REPORT_TEXTS; i++)
        g_clear_pointer(&export->texts[i], g_ptr_array_unref);
}

/* ---- rows ---- */

struct rows {
    struct result *result;
    uint32_t first; /* period of the question's first */
    const struct report_wanted *wanted;
    uint32_t n; /* that were taken */
};

static bool is_searched(const struct report_row *row, const struct report_wanted *wanted)
{
    const struct view *names = row->names;
    const struct view client = names[REPORT_NAME_CLIENT], organization = names[REPORT_NAME_ORGANIZATION];
    g_autofree char *id = g_strndup(client.data, client.size), *of = g_strndup(organization.data, organization.size);
    const struct view template = names[REPORT_NAME_TEMPLATE];
    g_autofree char *path = g_strdup_printf("/%.*s", (int)template.size, template.data);
    const struct view known[] = {client, view_of(registry_client_name(wanted->registry, of, id)), view_of(path)};
    return report_search_matches(wanted->words, known, template.size > 0 ? 3 : 2); /* rows of clients have no path */
}

static bool take(const struct report_row *row, void *opaque)
{
    struct rows *rows = opaque;
    struct report_row moved = *row;
    moved.period += rows->first;
    return result_add(&moved, rows->result);
}

static bool take_searched(const struct report_row *row, void *opaque)
{
    struct rows *rows = opaque;
    const uint32_t top = rows->wanted->top;
    if (!is_searched(row, rows->wanted))
        return true;
    return take(row, opaque) && (top == 0 || ++rows->n < top);
}

static bool fill_section(struct result *result, const struct report_ask *ask, enum report_section section,
                         const struct report_wanted *wanted, GError **error)
{
    static const uint32_t groups[] = {
        [REPORT_CLIENTS] = REPORT_CLIENT | REPORT_ORGANIZATION,
        [REPORT_URLS] = REPORT_TEMPLATE,
        [REPORT_CLIENT_URLS] = REPORT_CLIENT | REPORT_ORGANIZATION | REPORT_TEMPLATE,
    };
    uint64_t n;
    struct rows rows = {.result = result, .wanted = wanted};
    const struct report_sink all = {take, &rows}, searched = {take_searched, &rows};
    if (section == REPORT_DAYS)
        return report_ask_days(ask, all, error);
    rows.first = ask->range->days->len + (uint32_t)(section - REPORT_CLIENTS);
    if (wanted->words != NULL)
        return report_ask_groups(ask, groups[section], 0, searched, &n, error);
    return report_ask_groups(ask, groups[section], wanted->top, all, &n, error);
}

bool report_export_fill(struct result *result, const struct report_ask *ask, enum report_section section,
                        const struct report_wanted *wanted, GError **error)
{
    if (section != REPORT_ALL)
        return fill_section(result, ask, section, wanted, error);
    for (int i = REPORT_DAYS; i < REPORT_ALL; i++)
        if (!fill_section(result, ask, (enum report_section)i, wanted, error))
            return false;
    return true;
}

char *report_export_name(const struct report_range *range, enum report_section section, enum export_format format)
{
    char first[CIVIL_TEXT_MAX], last[CIVIL_TEXT_MAX];
    civil_format_day(first, range->interval.first_day);
    civil_format_day(last, range->interval.last_day);
    g_autofree char *zone = g_strdelimit(g_strdup(tz_name(range->tz)), "/", '-');
    return g_strdup_printf("usage-report_%s_%s_%s_%s%s.%s", report_section_name(section), first, last, zone,
                           range->local ? "_local" : "", export_suffix(format));
}
