#include "api/costs_answer.h"

#include "lib/civil.h"
#include <jansson.h>
#include <unistd.h>

enum { NOVEMBER = 20758 /* 2026-11-01 */, OCTOBER_31 = NOVEMBER - 1 };

static struct registry_snapshot *registry;
static struct cost_month month;
static struct costs_params params;
static GPtrArray *accounts;

static void account_free(void *opaque)
{
    struct cost_account *account = opaque;
    g_free(account->name);
    g_free(account->organization);
    g_free(account->client);
    g_free(account);
}

static struct cost_account *add(const char *organization, const char *client, enum cost_kind kind, const struct plan *plan)
{
    struct cost_account *account = g_new0(struct cost_account, 1);
    account->name = client != NULL ? registry_client_key(organization, client) : g_strdup(organization);
    account->organization = g_strdup(organization);
    account->client = g_strdup(client);
    account->kind = kind;
    account->plan = plan;
    account->plan_name = plan != NULL ? plan->name : NULL;
    g_ptr_array_add(accounts, account);
    return account;
}

static void add_client(const char *organization, const char *id, const char *name)
{
    struct registry_client *client = item_new(&registry_client_shape);
    g_free(client->id);
    g_free(client->name);
    g_free(client->organization);
    client->id = g_strdup(id);
    client->name = g_strdup(name);
    client->organization = g_strdup(organization);
    g_assert_true(registry_snapshot_add(registry, REGISTRY_CLIENTS, client));
}

static const struct plan gold = {.name = (char *)"gold",
                                 .title = (char *)"Gold",
                                 .currency = (char *)"EUR",
                                 .included = 100,
                                 .price_micros = 1500,
                                 .ceiling = 120};
static const struct plan free_of_charge = {.name = (char *)"free", .title = (char *)"", .currency = (char *)"USD", .included = 9};

/* October, of which all days are closed but the last. */
static void set_up(void)
{
    registry = registry_snapshot_new(1);
    add_client("acme", "c,1", "=SUM(A1)");
    registry_snapshot_seal(registry, NULL);
    cost_month_init(&month, OCTOBER_31, (NOVEMBER + 3) * CIVIL_DAY_MS);
    for (int i = 0; i < 30; i++)
        month.provisional[i] = false;
    month.revisions[0] = 2;
    accounts = g_ptr_array_new_with_free_func(account_free);
    struct cost_account *account = add("acme", NULL, COST_ORGANIZATION, &gold);
    account->requests[0] = 90;
    account->requests[30] = 31;
    add("acme", "c,1", COST_CLIENT, &free_of_charge)->requests[1] = 9;
    add("globex", "-", COST_UNPRICED, NULL)->requests[1] = 5;
    params = (struct costs_params){.day = month.first_day, .page_size = 2};
}

static void tear_down(void)
{
    g_ptr_array_free(accounts, TRUE);
    registry_snapshot_unref(registry);
}

static GString *table(bool by_day, bool csv)
{
    g_autoptr(GError) error = NULL;
    params.by_day = by_day;
    const struct costs_answer answer = {&params, &month, accounts, registry};
    struct export_lines *lines = export_lines_new(g_get_tmp_dir(), false, &error);
    struct export_file file;
    g_assert_no_error(error);
    costs_answer_lines(lines, &answer, csv);
    g_assert_true(export_lines_finish(lines, &file, &error));
    GString *text = g_string_new(NULL);
    g_string_set_size(text, (gsize)file.size);
    g_assert_cmpint(pread(file.fd, text->str, text->len, 0), ==, file.size);
    close(file.fd);
    return text;
}

static void test_months_as_csv(void)
{
    set_up();
    g_autoptr(GString) text = table(false, true);
    g_assert_cmpstr(
        text->str, ==,
        "month,kind,organization,clientId,clientName,plan,currency,included,used,overage,amountMicros,amount,"
        "fairUseCeiling,fairUseExceeded,projectedUsed,projectedOverage,projectedAmountMicros,projectedAmount,provisional\r\n"
        "2026-10,organization,acme,,,gold,EUR,100,121,21,32,0.000032,120,true,121,21,32,0.000032,true\r\n"
        "2026-10,client,acme,\"c,1\",'=SUM(A1),free,USD,9,9,0,0,0.000000,,,9,0,0,0.000000,true\r\n"
        "2026-10,unpriced,globex,'-,,,,,5,,,,,,5,,,,true\r\n");
    tear_down();
}

static void test_days_as_csv(void)
{
    set_up();
    g_autoptr(GString) text = table(true, true);
    g_auto(GStrv) lines = g_strsplit(text->str, "\r\n", -1);
    g_assert_cmpuint(g_strv_length(lines), ==, 1 + 3 * 31 + 1);
    g_assert_cmpstr(lines[0], ==,
                    "date,kind,organization,clientId,clientName,plan,currency,requests,cumulative,overage,amountMicros,amount,"
                    "provisional,revision");
    g_assert_cmpstr(lines[1], ==, "2026-10-01,organization,acme,,,gold,EUR,90,90,0,0,0.000000,false,2");
    g_assert_cmpstr(lines[2], ==, "2026-10-02,organization,acme,,,gold,EUR,0,90,0,0,0.000000,false,");
    g_assert_cmpstr(lines[31], ==, "2026-10-31,organization,acme,,,gold,EUR,31,121,21,32,0.000032,true,");
    g_assert_cmpstr(lines[1 + 2 * 31 + 1], ==, "2026-10-02,unpriced,globex,'-,,,,5,5,,,,false,");
    tear_down();
}

static void test_json_lines(void)
{
    set_up();
    g_autoptr(GString) text = table(false, false);
    g_auto(GStrv) lines = g_strsplit(text->str, "\n", -1);
    g_assert_cmpuint(g_strv_length(lines), ==, 4);
    g_assert_cmpstr(
        lines[2], ==,
        "{\"month\":\"2026-10\",\"kind\":\"unpriced\",\"organization\":\"globex\",\"clientId\":\"-\",\"clientName\":null,"
        "\"plan\":null,\"currency\":null,\"included\":null,\"used\":5,\"overage\":null,\"amountMicros\":null,"
        "\"amount\":null,\"fairUseCeiling\":null,\"fairUseExceeded\":null,\"projectedUsed\":5,\"projectedOverage\":null,"
        "\"projectedAmountMicros\":null,\"projectedAmount\":null,\"provisional\":true}");
    tear_down();
}

static json_t *page(const char *after)
{
    g_autoptr(GString) out = g_string_new(NULL);
    g_free(params.after);
    params.after = g_strdup(after);
    const struct costs_answer answer = {&params, &month, accounts, registry};
    costs_answer_json(out, &answer);
    costs_params_clear(&params);
    json_t *document = json_loads(out->str, 0, NULL);
    g_assert_nonnull(document);
    return document;
}

static void test_pages(void)
{
    const char *next = NULL, *currency;
    json_int_t requests, priced, unpriced, micros;
    set_up();
    json_t *document = page(NULL);
    g_assert_cmpuint(json_array_size(json_object_get(document, "entities")), ==, 2);
    g_assert_cmpint(json_unpack(document, "{s:s,s:{s:I,s:I,s:I,s:[{s:s,s:I}]}}", "nextUri", &next, "total", "requests", &requests,
                                "priced", &priced, "unpriced", &unpriced, "amounts", "currency", &currency, "amountMicros",
                                &micros),
                    ==, 0);
    g_assert_cmpstr(next, ==, "/api/v2/usage/costs?month=2026-10&granularity=month&pageSize=2&after=YWNtZR9jLDE");
    g_assert_cmpint(requests, ==, 135);
    g_assert_cmpint(priced, ==, 130);
    g_assert_cmpint(unpriced, ==, 5);
    g_assert_cmpstr(currency, ==, "EUR");
    g_assert_cmpint(micros, ==, 32);
    json_decref(document);
    document = page("acme\x1f"
                    "c,1");
    g_assert_cmpuint(json_array_size(json_object_get(document, "entities")), ==, 1);
    g_assert_null(json_object_get(document, "nextUri"));
    json_decref(document);
    document = page("zzz");
    g_assert_cmpuint(json_array_size(json_object_get(document, "entities")), ==, 0);
    json_decref(document);
    tear_down();
}

static void test_file_name(void)
{
    set_up();
    const struct costs_answer answer = {&params, &month, accounts, registry};
    g_autofree char *months = costs_answer_file_name(&answer, true);
    params.by_day = true;
    g_autofree char *days = costs_answer_file_name(&answer, false);
    g_assert_cmpstr(months, ==, "usage-costs_2026-10.csv");
    g_assert_cmpstr(days, ==, "usage-costs_2026-10_by-day.jsonl");
    tear_down();
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/costs_answer/months_as_csv", test_months_as_csv);
    g_test_add_func("/costs_answer/days_as_csv", test_days_as_csv);
    g_test_add_func("/costs_answer/json_lines", test_json_lines);
    g_test_add_func("/costs_answer/pages", test_pages);
    g_test_add_func("/costs_answer/file_name", test_file_name);
    return g_test_run();
}
