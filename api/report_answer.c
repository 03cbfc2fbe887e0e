#include "api/report_answer.h"

/* ---- asking ---- */

static void url_free(gpointer opaque)
{
    struct report_url *url = opaque;
    g_free(url->template);
    g_free(url);
}

static void client_free(gpointer opaque)
{
    struct report_client *client = opaque;
    g_free(client->id);
    g_free(client->organization);
    g_ptr_array_unref(client->urls);
    g_free(client);
}

static char *dup_view(struct view text)
{
    return text.size > 0 ? g_strndup(text.data, text.size) : g_strdup("");
}

static void add_url(GPtrArray *urls, const struct report_row *row)
{
    struct report_url *url = g_new(struct report_url, 1);
    *url = (struct report_url){dup_view(row->names[REPORT_NAME_TEMPLATE]), row->counts};
    g_ptr_array_add(urls, url);
}

static bool take_day(const struct report_row *row, void *opaque)
{
    struct report_page *page = opaque;
    g_assert(row->period == page->days->len);
    g_array_append_val(page->days, row->counts);
    return true;
}

static bool take_client(const struct report_row *row, void *opaque)
{
    struct report_page *page = opaque;
    struct report_client *client = g_new0(struct report_client, 1);
    *client = (struct report_client){dup_view(row->names[REPORT_NAME_CLIENT]), dup_view(row->names[REPORT_NAME_ORGANIZATION]),
                                     row->counts, g_ptr_array_new_with_free_func(url_free), 0};
    g_ptr_array_add(page->clients, client);
    return true;
}

static bool take_url(const struct report_row *row, void *opaque)
{
    struct report_page *page = opaque;
    add_url(page->urls, row);
    return true;
}

/* ---- URLs of the clients that are shown ---- */

struct client_urls {
    GHashTable *clients; /* struct report_client, in itself */
    guint shown;         /* of each */
};

static guint hash_client(gconstpointer opaque)
{
    const struct report_client *client = opaque;
    return g_str_hash(client->id) ^ (g_str_hash(client->organization) * 31);
}

static gboolean same_client(gconstpointer a, gconstpointer b)
{
    const struct report_client *left = a, *right = b;
    return g_str_equal(left->id, right->id) && g_str_equal(left->organization, right->organization);
}

static bool take_client_url(const struct report_row *row, void *opaque)
{
    struct client_urls *client_urls = opaque;
    g_autofree char *id = dup_view(row->names[REPORT_NAME_CLIENT]), *organization = dup_view(row->names[REPORT_NAME_ORGANIZATION]);
    const struct report_client wanted = {.id = id, .organization = organization};
    struct report_client *client = g_hash_table_lookup(client_urls->clients, &wanted);
    if (client == NULL)
        return true; /* another organization's client of the same id */
    if (client->urls->len < client_urls->shown)
        add_url(client->urls, row);
    client->n_urls++;
    return true;
}

static bool ask_client_urls(struct report_page *page, const struct report_ask *ask, uint32_t top, GError **error)
{
    struct client_urls client_urls = {g_hash_table_new(hash_client, same_client), MIN(top, REPORT_CLIENT_URLS_MAX)};
    struct report_ask narrowed = *ask;
    g_autoptr(GPtrArray) ids = g_ptr_array_new(); /* those of the clients */
    for (guint i = 0; i < page->clients->len; i++) {
        struct report_client *client = g_ptr_array_index(page->clients, i);
        g_ptr_array_add(ids, client->id);
        g_hash_table_add(client_urls.clients, client);
    }
    narrowed.filter.names[REPORT_NAME_CLIENT] = ids;
    uint64_t n;
    bool ok = report_ask_groups(&narrowed, REPORT_CLIENT | REPORT_ORGANIZATION | REPORT_TEMPLATE, 0,
                                (struct report_sink){take_client_url, &client_urls}, &n, error);
    g_hash_table_destroy(client_urls.clients);
    return ok;
}

static bool add_up(struct report_page *page, GError **error)
{
    for (guint i = 0; i < page->days->len; i++)
        if (!report_counts_add(&page->total, &g_array_index(page->days, struct report_counts, i))) {
            g_set_error(error, REPORT_ERROR, REPORT_ERROR_OVERFLOW, "The sum of all days passes 64 bits.");
            return false;
        }
    return true;
}

bool report_page_fill(struct report_page *page, const struct report_ask *ask, uint32_t top, GError **error)
{
    *page = (struct report_page){.days = g_array_new(FALSE, FALSE, sizeof(struct report_counts))};
    page->clients = g_ptr_array_new_with_free_func(client_free);
    page->urls = g_ptr_array_new_with_free_func(url_free);
    return report_ask_days(ask, (struct report_sink){take_day, page}, error) && add_up(page, error) &&
           report_ask_groups(ask, REPORT_CLIENT | REPORT_ORGANIZATION, top, (struct report_sink){take_client, page},
                             &page->n_clients, error) &&
           report_ask_groups(ask, REPORT_TEMPLATE, top, (struct report_sink){take_url, page}, &page->n_urls, error) &&
           ask_client_urls(page, ask, top, error);
}

void report_page_clear(struct report_page *page)
{
    g_array_unref(page->days);
    g_ptr_array_unref(page->clients);
    g_ptr_array_unref(page->urls);
}

/* ---- what was looked at ---- */

static void write_day(struct writer *writer, const char *key, int64_t day)
{
    char text[CIVIL_TEXT_MAX];
    writer_text(writer, key, view_make(text, civil_format_day(text, day)));
}

static void write_interval(struct writer *writer, const char *key, int64_t first_day, int64_t last_day)
{
    const struct interval interval = {first_day, last_day};
    char text[INTERVAL_TEXT_MAX];
    writer_text(writer, key, view_make(text, interval_write(&interval, text)));
}

static void write_omitted(struct writer *writer, const GArray *omitted)
{
    writer_begin(writer, "omittedDays", '[');
    for (guint i = 0; i < omitted->len; i++) {
        const struct report_omitted *days = &g_array_index(omitted, struct report_omitted, i);
        writer_begin(writer, NULL, '{');
        write_interval(writer, "interval", days->first_day, days->last_day);
        writer_text(writer, "reason", view_of(report_omission_name(days->reason)));
        writer_end(writer, '}');
    }
    writer_end(writer, ']');
}

static void write_revised(struct writer *writer, const GArray *revised)
{
    writer_begin(writer, "revisions", '[');
    for (guint i = 0; i < revised->len; i++) {
        const struct report_revised *day = &g_array_index(revised, struct report_revised, i);
        writer_begin(writer, NULL, '{');
        write_day(writer, "day", day->day);
        writer_integer(writer, "revision", day->revision);
        writer_end(writer, '}');
    }
    writer_end(writer, ']');
}

/* Days as ranges. */
static void write_incomplete(struct writer *writer, const GArray *days)
{
    writer_begin(writer, "incompleteDays", '[');
    for (guint i = 0, end; i < days->len; i = end) {
        int64_t first = g_array_index(days, int64_t, i);
        for (end = i + 1; end < days->len && g_array_index(days, int64_t, end) == first + (end - i);)
            end++;
        write_interval(writer, NULL, first, first + (end - i) - 1);
    }
    writer_end(writer, ']');
}

static void write_skipped(struct writer *writer, const GArray *dates)
{
    writer_begin(writer, "skippedDates", '[');
    for (guint i = 0; i < dates->len; i++)
        write_day(writer, NULL, g_array_index(dates, int64_t, i));
    writer_end(writer, ']');
}

void report_answer_about(struct writer *writer, const struct report_range *range, int64_t through)
{
    write_interval(writer, "interval", range->interval.first_day, range->interval.last_day);
    writer_text(writer, "timeZone", view_of(tz_name(range->tz)));
    writer_text(writer, "dayBoundary", view_of(range->local ? "local" : "utc"));
    if (through == FINALITY_NONE)
        writer_null(writer, "finalizedThrough");
    else
        write_day(writer, "finalizedThrough", through);
    write_omitted(writer, range->omitted);
    write_revised(writer, range->revised);
    write_incomplete(writer, range->incomplete);
    write_skipped(writer, range->skipped);
}

/* ---- what was counted ---- */

static void write_counts(struct writer *writer, const struct report_counts *counts)
{
    writer_count(writer, "status200", counts->status200);
    writer_count(writer, "status300", counts->status300);
    writer_count(writer, "status400", counts->status400);
    writer_count(writer, "status500", counts->status500);
    writer_count(writer, "status429", counts->status429);
    writer_count(writer, "requests", counts->requests);
}

static void write_urls(struct writer *writer, const GPtrArray *urls)
{
    writer_begin(writer, "urls", '[');
    for (guint i = 0; i < urls->len; i++) {
        const struct report_url *url = g_ptr_array_index(urls, i);
        writer_begin(writer, NULL, '{');
        writer_text(writer, "templateUri", view_of(url->template));
        write_counts(writer, &url->counts);
        writer_end(writer, '}');
    }
    writer_end(writer, ']');
}

static void write_clients(struct writer *writer, const GPtrArray *clients, const struct registry_snapshot *registry)
{
    writer_begin(writer, "clients", '[');
    for (guint i = 0; i < clients->len; i++) {
        const struct report_client *client = g_ptr_array_index(clients, i);
        writer_begin(writer, NULL, '{');
        writer_text(writer, "clientId", view_of(client->id));
        writer_text(writer, "clientName", view_of(registry_client_name(registry, client->organization, client->id)));
        writer_text(writer, "organizationId", view_of(client->organization));
        write_counts(writer, &client->counts);
        writer_count(writer, "totalUrls", client->n_urls);
        write_urls(writer, client->urls);
        writer_end(writer, '}');
    }
    writer_end(writer, ']');
}

static void write_days(struct writer *writer, const struct report_page *page, const struct report_range *range)
{
    writer_begin(writer, "days", '[');
    for (guint i = 0; i < page->days->len; i++) {
        const struct zone_period *day = &g_array_index(range->days, struct zone_period, i);
        writer_begin(writer, NULL, '{');
        write_day(writer, "date", day->day);
        zone_write(writer, "begin", range->tz, day->begin_s * 1000);
        zone_write(writer, "end", range->tz, day->end_s * 1000);
        write_counts(writer, &g_array_index(page->days, struct report_counts, i));
        writer_end(writer, '}');
    }
    writer_end(writer, ']');
}

void report_answer_page(struct writer *writer, const struct report_page *page, const struct report_range *range,
                        const struct registry_snapshot *registry)
{
    writer_count(writer, "totalRequests", page->total.requests);
    writer_count(writer, "totalClients", page->n_clients);
    writer_count(writer, "totalUrls", page->n_urls);
    writer_begin(writer, "statuses", '{');
    write_counts(writer, &page->total);
    writer_end(writer, '}');
    write_clients(writer, page->clients, registry);
    write_urls(writer, page->urls);
    write_days(writer, page, range);
}
