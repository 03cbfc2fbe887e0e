/* Reading invoices, and comparing them: with usage made by hand, and with what a Redis holds. */
#include "lib/csv.h"
#include "cli/reconcile_compare.h"
#include "tests/unit/ledger_world.h"

/* ---- the file ---- */

static struct invoice *read_as(const char *text, const char *const *columns, GError **error)
{
    static const char *const none[INVOICE_N_COLUMNS] = {NULL};
    struct date_range month;

    g_assert_true(date_read_month(view_of("2026-11"), &month));
    return invoice_read(view_of(text), columns ? columns : none, &month, error);
}

/* "client day requests" of every line, a day without a month as its number in it; then what was left out. */
static char *lines_of(const char *text, const char *const *columns)
{
    g_autoptr(GError) error = NULL;
    struct invoice *invoice = read_as(text, columns, &error);
    GString *out = g_string_new(NULL);

    if (!invoice) {
        g_assert_cmpint(error->domain, ==, (gint)CSV_ERROR);
        g_string_append_printf(out, "!%s", error->message);
        return g_string_free(out, FALSE);
    }
    for (guint i = 0; i < invoice->lines->len; i++) {
        const struct invoice_line *line = &g_array_index(invoice->lines, struct invoice_line, i);
        int64_t day = line->day < 0 ? 0 : line->day - 20757;
        g_string_append_printf(out, "%s%s %s %" G_GINT64_FORMAT " %" G_GUINT64_FORMAT, i ? ", " : "", line->organization,
                               line->client, day, line->requests);
    }
    g_string_append_printf(out, " -%" G_GUINT64_FORMAT, invoice->other_months);
    invoice_free(invoice);
    return g_string_free(out, FALSE);
}

static void check_lines(const char *text, const char *const *columns, const char *expected)
{
    g_autofree char *lines = lines_of(text, columns);

    if (g_str_has_suffix(expected, "…")) {
        g_autofree char *begin = g_strndup(expected, strlen(expected) - strlen("…"));
        if (!g_str_has_prefix(lines, begin))
            g_error("'%s' does not begin with '%s'", lines, begin);
    } else {
        g_assert_cmpstr(lines, ==, expected);
    }
}

static void test_files(void)
{
    check_lines("client,requests\nc-1,5\n\"c,2\",6\n", NULL, " c-1 0 5,  c,2 0 6 -0");
    check_lines("Client ID,Date,API Calls\nc-1,2026-11-01,5\nc-1,2026-11-30, 6 \nc-1,2026-12-01,7\nc-1,2026-10-31,7\n", NULL,
                " c-1 1 5,  c-1 30 6 -2");
    check_lines("api_key,period,count\nk,2026-11,5\nk,2026-10,6\nk,2026-11-01,7\n", NULL, " k 0 5,  k 0 7 -1");
    check_lines("date,client,requests\n2026-11-02T00:00:00Z,c,1\n2026-11-03 10:00,c,2\n", NULL, " c 2 1,  c 3 2 -0");
    check_lines("month,day,client,requests\n2026-10,2026-11-02,c,1\n", NULL, " c 2 1 -0");
    check_lines("total,requests,client\n1,2,c\n", NULL, " c 0 2 -0");
    const char *const given[INVOICE_N_COLUMNS] = {
        [INVOICE_CLIENT] = "who", [INVOICE_REQUESTS] = "n", [INVOICE_ORGANIZATION] = "for", [INVOICE_MONTH] = "m"};
    check_lines("who,n,for,m,date,client\nc,1,acme,2026-11,x,y\n", given, "acme c 0 1 -0");
}

static void test_bad_files(void)
{
    const char *const given[INVOICE_N_COLUMNS] = {[INVOICE_CLIENT] = "who"};

    check_lines("", NULL, "!there is no header: the file is empty");
    check_lines("name,requests\n", NULL,
                "!line 1: which column has the clients? Give --client-column; there are 'name', 'requests'");
    check_lines("client;requests\n", NULL,
                "!line 1: which column has the clients? Give --client-column; there are 'client;requests'");
    check_lines("client,x\n", NULL, "!line 1: which column has the requests?…");
    check_lines("client,requests\n", given, "!line 1: there is no column 'who' (--client-column); there are 'client', 'requests'");
    check_lines("who,who,requests\n", given, "!line 1: there are two columns 'who'");
    check_lines("client,requests\nc,1\nc\n", NULL, "!line 3: it has 1 fields, but the header has 2");
    check_lines("client,requests\nc,1,2\n", NULL, "!line 2: it has 3 fields, but the header has 2");
    check_lines("client,requests\n\n,1\n", NULL, "!line 3: the client is empty…");
    for (const char *const *wrong = (const char *const[]){"-1", "1.5", "\"1,000\"", "", "x", "99999999999999999999", NULL}; *wrong;
         wrong++) {
        g_autofree char *text = g_strdup_printf("client,requests\nc,1\n\"c\n2\",%s\n", *wrong);
        g_autofree char *lines = lines_of(text, NULL);
        g_assert_true(g_str_has_prefix(lines, "!line 3: '") && strstr(lines, "is no number of requests"));
    }
    check_lines("client,day,requests\nc,05.11.2026,1\n", NULL, "!line 2: '05.11.2026' is no day…");
    check_lines("client,month,requests\nc,November,1\n", NULL, "!line 2: 'November' is no month…");
    check_lines("client,requests\nc,\"1\n", NULL, "!line 2: a field in quotes does not end");
}

static void test_tolerance(void)
{
    static const char *const wrong[] = {"", "%", "-1", "1.5", "x", "101%", "0.001%", "1.%", "1e3", "100.01%"};
    struct tolerance tolerance;

    g_assert_true(tolerance_read("5", &tolerance) && !tolerance.is_percent && tolerance.value == 5);
    g_assert_true(tolerance_read("0.1%", &tolerance) && tolerance.is_percent && tolerance.value == 10);
    g_assert_true(tolerance_read("2%", &tolerance) && tolerance.value == 200);
    g_assert_true(tolerance_read("0.05%", &tolerance) && tolerance.value == 5);
    g_assert_true(tolerance_read("100%", &tolerance) && tolerance.value == 10000);
    for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++)
        g_assert_false(tolerance_read(wrong[i], &tolerance));
}

/* ---- comparing ---- */

/* A month in which every number is of the first day, but open ones, which are of the last. */
static void add_client(struct month_usage *usage, const char *name, struct month_client numbers)
{
    struct month_client *client = g_memdup2(&numbers, sizeof numbers);

    client->name = client_name_make(view_of(""), view_of(name));
    g_hash_table_add(usage->clients, client);
}

static void client_free(gpointer pointer)
{
    client_name_clear(&((struct month_client *)pointer)->name);
    g_free(pointer);
}

static struct month_usage *usage_of_november(void)
{
    struct month_usage *usage = g_new0(struct month_usage, 1);

    g_assert_true(date_read_month(view_of("2026-11"), &usage->month));
    usage->clients = g_hash_table_new_full(client_name_hash, client_name_equal, client_free, NULL);
    return usage;
}

/* "client file ledger cause" of every row. */
static char *rows_of(const char *file, struct month_usage *usage, const char *tolerance_text)
{
    struct invoice *invoice = read_as(file, NULL, NULL);
    struct tolerance tolerance;
    GString *out = g_string_new(NULL);

    g_assert_nonnull(invoice);
    g_assert_true(tolerance_read(tolerance_text, &tolerance));
    struct reconciliation *result = reconcile_compare(invoice, usage, &tolerance);
    for (guint i = 0; i < result->rows->len; i++) {
        const struct reconcile_row *row = g_ptr_array_index(result->rows, i);
        g_string_append_printf(out, "%s%s %" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT " %s", i ? "\n" : "", row->name.client,
                               row->file, row->ledger, row->cause);
        for (guint k = 0; row->days && k < row->days->len; k++)
            g_string_append_printf(out, " [%" G_GINT64_FORMAT "]", g_array_index(row->days, struct reconcile_day, k).day - 20757);
    }
    reconciliation_free(result);
    invoice_free(invoice);
    return g_string_free(out, FALSE);
}

static void check_rows(const char *file, struct month_usage *usage, const char *tolerance, const char *expected)
{
    g_autofree char *rows = rows_of(file, usage, tolerance);

    g_assert_cmpstr(rows, ==, expected);
}

static void test_causes(void)
{
    struct month_usage *usage = usage_of_november();

    add_client(usage, "same", (struct month_client){.ledger = {100}});
    add_client(usage, "late", (struct month_client){.ledger = {100}, .late = {5}});
    add_client(usage, "open", (struct month_client){.ledger = {100}, .open = {[29] = 20}});
    add_client(usage, "both", (struct month_client){.ledger = {100}, .late = {5}, .open = {[29] = 20}});
    add_client(usage, "more", (struct month_client){.ledger = {105}, .restated = {5}});
    add_client(usage, "only", (struct month_client){.ledger = {7}});
    add_client(usage, "young", (struct month_client){.open = {[29] = 20}});
    check_rows("client,requests\nsame,100\nlate,105\nopen,120\nboth,130\nmore,100\nnobody,9\nyoung,20\n", usage, "0",
               "both 130 100 not yet closed: 20; late: 5 came after the day was closed; never received: 5\n"
               "late 105 100 late: 5 came after the day was closed\n"
               "more 100 105 restated: 5 were added by later revisions\n"
               "nobody 9 0 unknown client: nothing was counted under this name in the month\n"
               "only 0 7 not in the file: 7\n"
               "open 120 100 not yet closed: 20\n"
               "young 20 0 not yet closed: 20");
    usage->excluded = 1;
    check_rows("client,requests\nsame,103\nlate,100\nopen,100\nboth,100\nmore,105\nonly,7\nyoung,0\n", usage, "0",
               "same 103 100 excluded or never received: 3");
    check_rows("client,requests\nsame,103\nlate,100\nopen,100\nboth,100\nmore,90\nonly,7\nyoung,0\n", usage, "3",
               "more 90 105 restated: 5 were added by later revisions; not in the file: 10");
    check_rows("client,requests\nsame,98\nlate,100\nopen,100\nboth,100\nmore,105\nonly,7\n", usage, "2%", "");
    check_rows("client,requests\nsame,98\nlate,100\nopen,100\nboth,100\nmore,105\nonly,7\n", usage, "1.99%",
               "same 98 100 not in the file: 2");
    month_usage_free(usage);
}

static void test_lines_are_summed_up(void)
{
    struct month_usage *usage = usage_of_november();

    add_client(usage, "c", (struct month_client){.ledger = {60, 40}});
    check_rows("client,requests\nc,50\nc,50\n", usage, "0", "");
    check_rows("client,date,requests\nc,2026-11-01,30\nc,2026-11-01,30\nc,2026-11-02,40\n", usage, "0", "");
    check_rows("client,date,requests\nc,2026-11-01,59\nc,2026-11-02,41\n", usage, "0",
               "c 100 100 days cut elsewhere (another time zone?): the sums of the month agree [1] [2]");
    check_rows("client,date,requests\nc,2026-11-01,60\nc,2026-11-02,41\n", usage, "0", "c 101 100 never received: 1 [2]");
    check_rows("client,date,requests\nc,2026-11-01,60\n", usage, "0", "c 60 100 not in the file: 40 [2]");
    month_usage_free(usage);
}

/* ---- what Redis has ---- */

enum { FIRST = WORLD_DAY - 20757 - 1 }; /* day of the month, from 0 on */

/* The 21st in two revisions, closed; the 22nd closed; late and open events beside them. */
static void fill(struct ledger_world *world)
{
    for (int revision = 1; revision <= 2; revision++) {
        world_rows(world, "acme", 0, "ann", 5);
        world_rows(world, "globex", 0, "", 3);
        world_rows(world, "acme", 1, "", 6 + (uint64_t)revision);
        world_close(world, WORLD_DAY, revision, revision == 1 ? SEAL_DAY_END : SEAL_LATE);
    }
    world_rows(world, "acme", 1, "", 2);
    world_close(world, WORLD_DAY + 1, 1, SEAL_REQUESTED);
    /* Late for the 21st: sealed in revision 3, and open since. */
    world_call(world, "HSET {p1}:days 20778 %b", "3 2 0 0", (size_t)7);
    world_call(world, "HSET {p1}:c:20778.3 acme\x1f"
                      "c-1 1 acme\x1f"
                      "c-9 2");
    world_call(world, "ZADD {p1}:zs:20778.3:0 4 1 1 2");
    world_call(world, "ZADD {p1}:zs:20778.3:95 6 1");
    world_call(world, "HSET {p1}:c:20778.4 acme\x1f"
                      "c-1 1");
    world_call(world, "ZADD {p1}:zs:20778.4:7 100 1 50 2"); /* symbol 2 has no name yet */
    /* What is in the sheets is not late, though its buckets are still there. */
    world_call(world, "HSET {p1}:c:20778.2 acme\x1f"
                      "c-1 1");
    world_call(world, "ZADD {p1}:zs:20778.2:7 8 1");
    /* The 23rd is open. */
    world_call(world, "HSET {p0}:c:20780.1 globex\x1f"
                      "c-0 1");
    world_call(world, "ZADD {p0}:zs:20780.1:40 9 1");
    world_call(world, "HSET {p0}:hb s1 %b s2 %b", "a 1 0 0 10 8 0 2 1,1", (size_t)20, "b 1 0 0 10 7 0 3 1,1", (size_t)20);
    world_call(world, "HSET {p1}:hb s1 %b", "a 2 0 0 20 15 0 5 1,1", (size_t)21);
}

static struct month_usage *read_usage(struct ledger_world *world, bool by_organization)
{
    g_autoptr(GError) error = NULL;
    struct shards *shards = shards_open(world->server.url, &error);
    struct date_range month;

    g_assert_true(date_read_month(view_of("2026-11"), &month));
    struct month_usage *usage = month_usage_read(shards, world->archive, &month, by_organization, &error);
    g_assert_no_error(error);
    shards_free(shards);
    return usage;
}

static void test_usage(void)
{
    struct ledger_world world;

    world_set_up(&world);
    fill(&world);
    struct month_usage *usage = read_usage(&world, false);
    g_assert_cmpuint(g_hash_table_size(usage->clients), ==, 3);
    const struct month_client *c0 = month_usage_find(usage, &(struct client_name){"", "c-0"});
    const struct month_client *c1 = month_usage_find(usage, &(struct client_name){"", "c-1"});
    const struct month_client *c9 = month_usage_find(usage, &(struct client_name){"", "c-9"});
    g_assert_true(c0 && c1 && c9);
    g_assert_cmpuint(c0->ledger[FIRST], ==, 8);
    g_assert_cmpuint(c1->ledger[FIRST], ==, 8);
    g_assert_cmpuint(c1->ledger[FIRST + 1], ==, 2);
    g_assert_cmpuint(c1->late[FIRST], ==, 110);
    g_assert_cmpint(c1->restated[FIRST], ==, 1);
    g_assert_cmpuint(c9->late[FIRST], ==, 1);
    g_assert_cmpuint(c0->open[FIRST + 2], ==, 9);
    g_assert_cmpuint(c0->late[FIRST] + c1->open[FIRST + 2] + c1->late[FIRST + 1], ==, 0);
    g_assert_true(usage->closed[FIRST] && usage->closed[FIRST + 1] && !usage->closed[FIRST + 2] && !usage->closed[0]);
    g_assert_cmpuint(usage->excluded, ==, 8);
    month_usage_free(usage);
    usage = read_usage(&world, true);
    g_assert_null(month_usage_find(usage, &(struct client_name){"", "c-0"}));
    g_assert_cmpuint(month_usage_find(usage, &(struct client_name){"acme", "c-0"})->ledger[FIRST], ==, 5);
    g_assert_cmpuint(month_usage_find(usage, &(struct client_name){"globex", "c-0"})->ledger[FIRST], ==, 3);
    month_usage_free(usage);
    world_tear_down(&world);
}

/* A damaged sheet is not summed up; its copy in the archive is. */
static void test_damaged_sheet(void)
{
    struct ledger_world world;
    const struct sheet_name name = {1, WORLD_DAY, 2};
    g_autoptr(GError) error = NULL;
    struct date_range month;

    world_set_up(&world);
    fill(&world);
    world_flip_value(&world, "{p1}:sheet:2026-11-21:2");
    struct month_usage *usage = read_usage(&world, false);
    g_assert_cmpuint(month_usage_find(usage, &(struct client_name){"", "c-1"})->ledger[FIRST], ==, 8);
    month_usage_free(usage);
    g_autofree char *path = archive_sheet_path(world.archive, &name);
    world_flip_file(path);
    struct shards *shards = shards_open(world.server.url, &error);
    g_assert_true(date_read_month(view_of("2026-11"), &month));
    g_assert_null(month_usage_read(shards, world.archive, &month, false, &error));
    g_assert_error(error, ARCHIVE_ERROR, ARCHIVE_ERROR_DAMAGED);
    g_assert_nonnull(strstr(error->message, path));
    shards_free(shards);
    world_tear_down(&world);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/invoice/files", test_files);
    g_test_add_func("/invoice/bad", test_bad_files);
    g_test_add_func("/reconcile/tolerance", test_tolerance);
    g_test_add_func("/reconcile/causes", test_causes);
    g_test_add_func("/reconcile/sums", test_lines_are_summed_up);
    g_test_add_func("/month_usage/read", test_usage);
    g_test_add_func("/month_usage/damaged", test_damaged_sheet);
    return g_test_run();
}
