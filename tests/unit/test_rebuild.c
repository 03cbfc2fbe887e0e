/* Sheets made anew from the log, the differences that are told of them, and the entries of the ledger in the log. */
#include "cli/log_chain.h"
#include "cli/rebuild.h"
#include "cli/sheet_difference.h"
#include "lib/keys.h"
#include "lib/ledger.h"

#include <string.h>

enum { DAY = 20778 };

static struct recount_event event_of(const char *client, const char *user, int revision)
{
    return (struct recount_event){.partition = 3,
                                  .revision = revision,
                                  .day = DAY,
                                  .time_ms = DAY * KEYS_DAY_MS + 40 * KEYS_SLOT_MS + 5,
                                  .organization = "acme",
                                  .client = client,
                                  .user = user,
                                  .platform = "",
                                  .method = "GET",
                                  .template = "/v1/orders",
                                  .route = "GET /v1/orders",
                                  .status = 200,
                                  .latency_us = 1500,
                                  .request_bytes = 10,
                                  .response_bytes = 20};
}

static void add(struct rebuild *rebuild, const char *client, const char *user, int revision)
{
    const struct recount_event event = event_of(client, user, revision);

    rebuild_event(rebuild, &event);
}

static struct sheet *seal(struct rebuild *rebuild, int revision)
{
    const struct recount_seal seal = {.partition = 3, .revision = revision, .day = DAY, .first_offset = 4, .end_offset = 9};
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) bytes = rebuild_seal(rebuild, &seal, &error);

    g_assert_no_error(error);
    struct sheet *sheet = sheet_open(bytes, &error);
    g_assert_no_error(error);
    return sheet;
}

static uint64_t requests_of(const struct sheet *sheet, const char *client, const char *user)
{
    struct sheet_rows rows = {0};
    struct sheet_row row;
    uint32_t number;
    uint64_t requests = 0;

    if (!sheet_find_client(sheet, view_of("acme"), view_of(client), &number))
        return 0;
    sheet_rows_read(&rows, sheet, number);
    for (uint32_t i = 0; i < rows.n_rows; i++) {
        sheet_rows_get(&rows, i, &row);
        requests += view_is(row.user, user) ? row.measure.requests : 0;
    }
    sheet_rows_clear(&rows);
    return requests;
}

static void test_revisions(void)
{
    struct rebuild *rebuild = rebuild_new(3);

    add(rebuild, "c-1", "", 1); /* not wanted yet */
    g_assert_cmpuint(rebuild_bytes(rebuild), ==, 0);
    rebuild_want(rebuild, DAY, 2);
    add(rebuild, "c-1", "ann", 1);
    add(rebuild, "c-1", "ann", 1);
    add(rebuild, "c-2", "", 1);
    g_assert_cmpuint(rebuild_bytes(rebuild), >, 0);
    struct sheet *first = seal(rebuild, 1);
    g_assert_cmpuint(rebuild_bytes(rebuild), ==, 0);
    g_assert_cmpuint(requests_of(first, "c-1", "ann"), ==, 2);
    g_assert_cmpuint(sheet_header(first)->first_offset, ==, 4);
    add(rebuild, "c-1", "ann", 2);
    add(rebuild, "c-1", "ann", 3); /* not wanted */
    struct sheet *second = seal(rebuild, 2);
    g_assert_cmpuint(requests_of(second, "c-1", "ann"), ==, 3);
    g_assert_cmpuint(requests_of(second, "c-2", ""), ==, 1);
    g_assert_cmpuint(sheet_header(second)->revision, ==, 2);
    g_assert_false(rebuild_wants(rebuild, DAY, 3));
    sheet_free(first);
    sheet_free(second);
    rebuild_free(rebuild);
}

/* A user that was erased before the seal stands under the pseudonym that was given first, merged with what that has. */
static void test_erasure(void)
{
    const struct recount_erasure erasures[] = {{3, "ann", "gone-1"}, {3, "ann", "gone-2"}};
    struct rebuild *rebuild = rebuild_new(3);

    rebuild_want(rebuild, DAY, 2);
    add(rebuild, "c-1", "ann", 1);
    add(rebuild, "c-1", "bob", 1);
    struct sheet *before = seal(rebuild, 1);
    for (size_t i = 0; i < G_N_ELEMENTS(erasures); i++)
        rebuild_erasure(rebuild, &erasures[i]);
    add(rebuild, "c-1", "ann", 2);
    add(rebuild, "c-1", "gone-1", 2);
    struct sheet *after = seal(rebuild, 2);
    g_assert_cmpuint(requests_of(before, "c-1", "ann"), ==, 1);
    g_assert_cmpuint(requests_of(after, "c-1", "ann"), ==, 0);
    g_assert_cmpuint(requests_of(after, "c-1", "gone-1"), ==, 3);
    g_assert_cmpuint(requests_of(after, "c-1", "bob"), ==, 1);
    g_assert_cmpuint(sheet_totals(after)->rows, ==, 2);
    sheet_free(before);
    sheet_free(after);
    rebuild_free(rebuild);
}

static void test_dropped_days(void)
{
    struct rebuild *rebuild = rebuild_new(3);
    int64_t first = INT64_MAX, last = -1;

    rebuild_want(rebuild, DAY, 1);
    rebuild_want(rebuild, DAY + 1, 1);
    rebuild_span(rebuild, &first, &last);
    g_assert_cmpint(first, >, last);
    add(rebuild, "c-1", "", 1);
    rebuild_span(rebuild, &first, &last);
    g_assert_true(first == DAY && last == DAY);
    rebuild_drop(rebuild, DAY);
    rebuild_drop(rebuild, DAY + 7);
    g_assert_cmpuint(rebuild_bytes(rebuild), ==, 0);
    add(rebuild, "c-1", "", 1);
    g_assert_cmpuint(rebuild_bytes(rebuild), ==, 0);
    g_assert_false(rebuild_wants(rebuild, DAY, 1));
    rebuild_free(rebuild);
}

/* ---- differences ---- */

struct row {
    const char *client, *user;
    uint32_t status;
    bool histogram;
};

static struct sheet *sheet_with(const struct row *given, size_t n)
{
    const struct sheet_header header = {.day = DAY, .revision = 1};
    struct sheet_builder *builder = sheet_builder_new();
    g_autoptr(GError) error = NULL;

    for (size_t i = 0; i < n; i++) {
        struct sheet_row row = {
            view_of("acme"), view_of(given[i].client), view_of(given[i].user), view_of("GET"), view_of("/a"), view_of(""), 41, {0}};
        measure_init(&row.measure);
        measure_add(&row.measure, given[i].status, 70, 1, 2, given[i].histogram);
        g_assert_true(sheet_builder_add(builder, &row, &error));
        measure_clear(&row.measure);
    }
    g_autoptr(GBytes) bytes = sheet_builder_finish(builder, &header, &error);
    g_assert_no_error(error);
    sheet_builder_free(builder);
    return sheet_open(bytes, &error);
}

static void test_differences(void)
{
    static const struct row base[] = {{"c-1", "ann", 200, true}, {"c-1", "bob", 404, true}, {"c-3", "", 200, true}};
    static const struct {
        struct row rows[4];
        size_t n;
        const char *where, *what;
        uint64_t without_histograms;
    } cases[] = {
        {{{"c-1", "ann", 200, true}, {"c-1", "bob", 404, true}, {"c-3", "", 200, true}}, 3, NULL, NULL, 0},
        {{{"c-1", "ann", 200, false}, {"c-1", "bob", 404, true}, {"c-3", "", 200, false}}, 3, NULL, NULL, 2},
        {{{"c-1", "ann", 200, true}, {"c-1", "bob", 405, false}, {"c-3", "", 200, true}},
         3,
         "user 'bob', GET /a, platform '', 10:15 UTC",
         "its counts",
         1},
        {{{"c-1", "ann", 200, true}, {"c-3", "", 200, true}}, 2, "client 'c-1', user 'bob'", "the row", 0},
        {{{"c-1", "", 200, true}, {"c-1", "ann", 200, true}, {"c-1", "bob", 404, true}, {"c-3", "", 200, true}},
         4,
         "client 'c-1', user ''",
         "the row",
         0},
        {{{"c-1", "ann", 200, true}, {"c-1", "bob", 404, true}}, 2, "client 'c-3'", "its requests", 0},
        {{{"c-1", "ann", 200, true}, {"c-1", "bob", 404, true}, {"c-2", "", 200, true}, {"c-3", "", 200, true}},
         4,
         "client 'c-2'",
         "its requests",
         0},
    };
    struct sheet *expected = sheet_with(base, G_N_ELEMENTS(base));

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct sheet *found = sheet_with(cases[i].rows, cases[i].n);
        uint64_t without_histograms = 0;
        struct finding *finding = sheet_difference(expected, found, "here:", &without_histograms);
        g_assert_cmpuint(without_histograms, ==, cases[i].without_histograms);
        if (!cases[i].where) {
            g_assert_null(finding);
        } else {
            g_assert_nonnull(finding);
            g_assert_true(g_str_has_prefix(finding->where, "here: organization 'acme', client "));
            g_assert_nonnull(strstr(finding->where, cases[i].where));
            g_assert_cmpint(strncmp(finding->what, cases[i].what, strlen(cases[i].what)), ==, 0);
            g_assert_cmpstr(finding->expected, !=, finding->found);
        }
        finding_free(finding);
        sheet_free(found);
    }
    sheet_free(expected);
}

/* ---- entries in the log ---- */

static void link_free(gpointer pointer)
{
    struct chain_link *link = pointer;

    g_bytes_unref(link->record);
    ledger_entry_free(link->entry);
    g_free(link);
}

static struct ledger_entry *entry_of(const struct chain_link *before, uint32_t day, uint32_t revision)
{
    struct ledger_entry *entry = ledger_entry_new();

    entry->n = before ? before->n + 1 : 1;
    entry->day = day;
    entry->revision = revision;
    entry->has_previous = before != NULL;
    if (before)
        memcpy(entry->previous_checksum, before->checksum, sizeof before->checksum);
    return entry;
}

static struct chain_link *link_of(struct ledger_entry *entry)
{
    struct chain_link *link = g_new0(struct chain_link, 1);
    gsize size;

    link->n = entry->n;
    link->entry = entry;
    link->record = ledger_entry_pack(entry);
    const void *data = g_bytes_get_data(link->record, &size);
    ledger_checksum(view_make(data, size), link->checksum);
    return link;
}

static void append(GPtrArray *links, uint32_t day, uint32_t revision)
{
    g_ptr_array_add(links, link_of(entry_of(links->len ? g_ptr_array_index(links, links->len - 1) : NULL, day, revision)));
}

static struct finding *give(struct log_chain *log_chain, const struct chain_link *link)
{
    gsize size;
    const void *data = g_bytes_get_data(link->record, &size);
    struct record_parser *parser = record_parser_new();
    struct record record;

    g_assert_true(record_parse(parser, data, size, &record, NULL));
    struct finding *finding = log_chain_entry(log_chain, &record.ledger, view_make(data, size));
    record_parser_free(parser);
    return finding;
}

static void test_log_chain(void)
{
    g_autoptr(GPtrArray) links = g_ptr_array_new_with_free_func(link_free);
    const struct chain chain = {.last = 3, .links = links};

    append(links, DAY, 1);
    append(links, DAY + 1, 1);
    append(links, DAY, 2);
    struct log_chain *log_chain = log_chain_new(&chain, false);
    g_assert_null(give(log_chain, g_ptr_array_index(links, 0))); /* not sealed yet: it does not count */
    g_assert_cmpuint(log_chain_last(log_chain), ==, 0);
    log_chain_seal(log_chain, DAY, 1);
    log_chain_seal(log_chain, DAY + 1, 1);
    g_assert_null(give(log_chain, g_ptr_array_index(links, 1))); /* not the next one */
    g_assert_null(give(log_chain, g_ptr_array_index(links, 0)));
    g_assert_null(give(log_chain, g_ptr_array_index(links, 0))); /* once more */
    g_assert_null(give(log_chain, g_ptr_array_index(links, 1)));
    g_assert_cmpuint(log_chain_last(log_chain), ==, 2);
    log_chain_seal(log_chain, DAY, 2);
    /* Another closer's third entry came first: what Redis has is not what counts. */
    struct ledger_entry *other = entry_of(g_ptr_array_index(links, 1), DAY, 2);
    other->duplicates = 1;
    struct chain_link *link = link_of(other);
    struct finding *finding = give(log_chain, link);
    g_assert_nonnull(finding);
    g_assert_nonnull(strstr(finding->where, "entry 3"));
    finding_free(finding);
    link_free(link);
    g_assert_cmpuint(log_chain_first(log_chain), ==, 1);
    g_assert_cmpuint(log_chain_last(log_chain), ==, 3);
    log_chain_free(log_chain);
}

/* Behind a gone beginning the first entry that fits is taken. */
static void test_log_chain_begins_late(void)
{
    g_autoptr(GPtrArray) links = g_ptr_array_new_with_free_func(link_free);
    const struct chain chain = {.last = 3, .links = links};

    append(links, DAY, 1);
    append(links, DAY + 1, 1);
    append(links, DAY, 2);
    struct log_chain *log_chain = log_chain_new(&chain, true);
    g_assert_null(give(log_chain, g_ptr_array_index(links, 1)));
    g_assert_null(give(log_chain, g_ptr_array_index(links, 2)));
    g_assert_cmpuint(log_chain_first(log_chain), ==, 2);
    g_assert_cmpuint(log_chain_last(log_chain), ==, 3);
    log_chain_free(log_chain);
    log_chain = log_chain_new(&chain, true);
    struct ledger_entry *stray = entry_of(g_ptr_array_index(links, 0), DAY + 1, 1);
    stray->previous_checksum[0] ^= 1;
    struct chain_link *link = link_of(stray);
    g_assert_null(give(log_chain, link));
    g_assert_cmpuint(log_chain_last(log_chain), ==, 0);
    link_free(link);
    log_chain_free(log_chain);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/rebuild/revisions", test_revisions);
    g_test_add_func("/rebuild/erasure", test_erasure);
    g_test_add_func("/rebuild/dropped", test_dropped_days);
    g_test_add_func("/sheet_difference/all", test_differences);
    g_test_add_func("/log_chain/counts", test_log_chain);
    g_test_add_func("/log_chain/begins_late", test_log_chain_begins_late);
    return g_test_run();
}
