#include "api/costs_read.h"

#include "api/costs_accounts.h"
#include "api/members.h"
#include "api/report.h"
#include "lib/keys.h"

struct reading {
    const struct cost_question *question;
    struct cost_usage *usage;
    struct ledger_place ledger;
    struct closed_days *days;
    GError *error; /* of adding */
};

/* ---- adding ---- */

static void client_free(void *opaque)
{
    struct cost_client *client = opaque;
    g_free(client->name);
    g_free(client);
}

static struct cost_client *client_of(struct reading *reading, const char *name)
{
    GHashTable *clients = reading->usage->clients;
    struct cost_client *client = g_hash_table_lookup(clients, name);
    if (client != NULL)
        return client;
    if (g_hash_table_size(clients) >= reading->question->place->groups_max) {
        g_set_error(&reading->error, REPORT_ERROR, REPORT_ERROR_LIMIT,
                    "More than %u clients were active in this month. Ask for one organization, or for one client.",
                    (unsigned)reading->question->place->groups_max);
        return NULL;
    }
    client = g_new0(struct cost_client, 1);
    client->name = g_strdup(name);
    g_hash_table_insert(clients, client->name, client);
    return client;
}

/* False: reading->error says why. */
static bool add(struct reading *reading, const char *name, int day, uint64_t requests)
{
    struct cost_usage *usage = reading->usage;
    if (__builtin_add_overflow(usage->requests, requests, &usage->requests)) {
        g_set_error(&reading->error, REPORT_ERROR, REPORT_ERROR_OVERFLOW, "The requests of this month pass 64 bits.");
        return false;
    }
    struct cost_client *client = client_of(reading, name);
    if (client != NULL)
        client->requests[day] += requests;
    return client != NULL;
}

/* ---- which days are closed ---- */

static void note_days(struct reading *reading, const struct finality *finality)
{
    struct cost_month *month = &reading->usage->month;
    month->finalized_through = finality->through;
    for (int i = 0; i < month->n_days; i++) {
        int64_t from_ms = (month->first_day + i) * CIVIL_DAY_MS;
        const struct closed_day *day = closed_days_get(reading->days, month->first_day + i);
        month->provisional[i] = !finality_covers(finality, from_ms, from_ms + CIVIL_DAY_MS) || day->state == DAY_NOT_CLOSED;
        month->revisions[i] = !month->provisional[i] && day->state == DAY_CLOSED ? day->revision : 0;
    }
}

static bool look(struct reading *reading, const GArray *generations, const struct closed *closed, GError **error)
{
    const struct cost_month *month = &reading->usage->month;
    const int64_t last_day = month->first_day + month->n_days - 1;
    struct finality finality;
    if (!finality_read(&finality, reading->ledger.reader, reading->ledger.index, generations, error))
        return false;
    finality_look(&finality, reading->ledger.index, generations, closed, month->first_day, last_day);
    const struct pin pin = {reading->ledger.index->n, finality.through};
    reading->days = closed_days_read(&reading->ledger, pin, month->first_day, last_day, error);
    if (reading->days != NULL)
        note_days(reading, &finality);
    finality_clear(&finality);
    return reading->days != NULL;
}

/* The index was taken before: what was counted since then is in the generations. */
static bool learn_days(struct reading *reading, GError **error)
{
    const struct cost_month *month = &reading->usage->month;
    struct reader *reader = reading->ledger.reader;
    GArray *generations = members_generations(reader, error);
    if (generations == NULL)
        return false;
    struct closed *closed = closed_read(reader, month->first_day, month->first_day + month->n_days - 1, error);
    bool ok = closed != NULL && look(reading, generations, closed, error);
    closed_free(closed);
    g_array_free(generations, TRUE);
    return ok;
}

/* ---- closed days, from their sheets ---- */

struct scan {
    struct reading *reading;
    int days[COST_DAYS_MAX]; /* of the month, by period */
};

static bool take_row(const struct report_row *row, void *opaque)
{
    const struct scan *scan = opaque;
    const struct view organization = row->names[REPORT_NAME_ORGANIZATION], client = row->names[REPORT_NAME_CLIENT];
    g_autofree char *name = g_strdup_printf("%.*s%c%.*s", (int)organization.size, organization.size > 0 ? organization.data : "",
                                            KEYS_CLIENT_SEPARATOR, (int)client.size, client.size > 0 ? client.data : "");
    return add(scan->reading, name, scan->days[row->period], row->counts.requests);
}

static GPtrArray *only(const char *name)
{
    if (name == NULL)
        return NULL;
    GPtrArray *list = g_ptr_array_new_with_free_func(g_free);
    g_ptr_array_add(list, g_strdup(name));
    return list;
}

/* Days that are closed for good: a later revision, of which there are only buckets yet, is live. */
static void ask_days(struct report_question *report, struct scan *scan)
{
    const struct cost_month *month = &scan->reading->usage->month;
    for (int i = 0; i < month->n_days; i++) {
        const int64_t slot = (month->first_day + i) * KEYS_SLOTS_PER_DAY;
        const struct report_period period = {slot, slot + KEYS_SLOTS_PER_DAY};
        if (month->revisions[i] == 0)
            continue;
        scan->days[report->periods->len] = i;
        g_array_append_val(report->periods, period);
    }
}

static bool read_closed(struct reading *reading, GError **error)
{
    const struct cost_question *question = reading->question;
    struct scan scan = {.reading = reading};
    struct report_question report = {
        .group = REPORT_CLIENT | REPORT_ORGANIZATION,
        .periods = g_array_new(FALSE, FALSE, sizeof(struct report_period)),
        .days = reading->days,
        .groups_max = question->place->groups_max,
    };
    report.filter.names[REPORT_NAME_ORGANIZATION] = only(question->organization);
    report.filter.names[REPORT_NAME_CLIENT] = only(question->client);
    ask_days(&report, &scan);
    const struct report_place place = {
        .sheets = question->place->sources->sheets,
        .reader = question->reader,
        .threads = question->place->threads,
    };
    bool ok = reader_has_room(question->reader, report_cost(&report), error) &&
              (report.periods->len == 0 || report_run(&report, &place, (struct report_sink){take_row, &scan}, error));
    report_question_clear(&report);
    return ok && reading->error == NULL;
}

/* ---- other days, as they are now ---- */

static bool add_lines(struct reading *reading, const struct usage_table *table, int day)
{
    GHashTableIter iter;
    void *value;
    g_hash_table_iter_init(&iter, table->clients);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const struct usage_line *line = value;
        if (!add(reading, line->name, day, line->measure.requests))
            return false;
    }
    return true;
}

static bool read_live(struct reading *reading, int day, GError **error)
{
    const struct cost_question *question = reading->question;
    const int64_t from_ms = (reading->usage->month.first_day + day) * CIVIL_DAY_MS;
    const struct window_range range = {.from_ms = from_ms, .to_ms = from_ms + CIVIL_DAY_MS, .unit = WINDOW_WHOLE};
    const struct live_question live_question = {
        .sources = question->place->sources,
        .reader = question->reader,
        .scope = {.organization = question->organization, .key = question->client},
        .range = &range,
        .known = true,
        .now_ms = question->now_ms,
    };
    struct refusal refusal = {0};
    struct live live;
    enum live_outcome outcome = live_read(&live, &live_question, &refusal, error);
    g_assert(outcome != LIVE_REFUSED); /* one point, of what is known */
    if (outcome == LIVE_FAILED)
        return false;
    bool ok = add_lines(reading, live.table, day);
    live_clear(&live);
    return ok;
}

/* Tomorrow is shown only when it has events already, from ahead of the clock. */
static bool read_open(struct reading *reading, GError **error)
{
    struct cost_month *month = &reading->usage->month;
    for (int i = 0; i < month->n_shown; i++)
        if (month->provisional[i] && !read_live(reading, i, error))
            return false;
    if (month->n_shown == 0 || month->n_shown == month->n_days)
        return true;
    const uint64_t today = reading->usage->requests;
    if (!read_live(reading, month->n_shown, error))
        return false;
    month->n_shown += reading->usage->requests > today;
    return true;
}

/* ---- the whole ---- */

static bool read_month(struct reading *reading, GError **error)
{
    return learn_days(reading, error) && read_closed(reading, error) && read_open(reading, error);
}

bool cost_usage_read(struct cost_usage *usage, const struct cost_question *question, GError **error)
{
    struct ledger_index *index = ledger_cache_take(question->place->sources->ledger, question->reader, error);
    if (index == NULL)
        return false;
    struct reading reading = {
        .question = question,
        .usage = usage,
        .ledger = {.reader = question->reader, .index = index, .archive = question->place->archive},
    };
    *usage = (struct cost_usage){.clients = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, client_free)};
    cost_month_init(&usage->month, question->day, question->now_ms);
    bool ok = read_month(&reading, error);
    if (reading.error != NULL)
        g_propagate_error(error, reading.error);
    closed_days_free(reading.days);
    ledger_index_release(index);
    if (!ok)
        cost_usage_clear(usage);
    return ok;
}

void cost_usage_clear(struct cost_usage *usage)
{
    g_clear_pointer(&usage->clients, g_hash_table_destroy);
}

/* ---- one account ---- */

/* The organization of a client that was asked for without one: there must be just one that has such a client. */
static const char *organization_of(const struct registry_snapshot *registry, const char *client)
{
    const GPtrArray *same = registry_find_clients(registry, client);
    return same != NULL && same->len == 1 ? ((const struct registry_client *)g_ptr_array_index(same, 0))->organization : NULL;
}

static void sum_one(struct cost_summary *summary, const struct cost_usage *usage, const struct registry_snapshot *registry,
                    const struct cost_filter *filter)
{
    g_autoptr(GPtrArray) accounts = cost_accounts_new(usage, registry, filter);
    for (guint i = 0; i < accounts->len && summary->kind == COST_NONE; i++) {
        const struct cost_account *account = g_ptr_array_index(accounts, i);
        if (account->kind == COST_ORGANIZATION || filter->client != NULL)
            cost_account_sum(summary, account, &usage->month);
    }
}

bool costs_read_summary(struct cost_summary *summary, const struct costs_place *place, struct reader *reader,
                        const struct scope *scope, int64_t now_ms, GError **error)
{
    struct registry_snapshot *registry = registry_take(place->registry);
    struct cost_filter filter = {.organization = scope->organization, .client = scope->key};
    struct cost_usage usage;
    if (filter.organization == NULL && filter.client != NULL)
        filter.organization = organization_of(registry, filter.client);
    const struct cost_question question = {
        .place = place,
        .reader = reader,
        .organization = filter.organization,
        .client = filter.client,
        .day = civil_divide(now_ms, CIVIL_DAY_MS),
        .now_ms = now_ms,
    };
    *summary = (struct cost_summary){.kind = COST_NONE};
    bool ok = filter.organization == NULL || cost_usage_read(&usage, &question, error);
    if (ok && filter.organization != NULL) {
        sum_one(summary, &usage, registry, &filter);
        cost_usage_clear(&usage);
    }
    registry_release(registry);
    return ok;
}
