#include "ledger_tools.h"

#include "lib/record.h"
#include "lib/sheet.h"

static GRand *fixed_rand(void)
{
    return g_rand_new_with_seed((guint32)g_test_rand_int());
}

/* ---- records that others read ---- */

static void parse_record(struct record_parser *parser, GBytes *bytes, struct record *record)
{
    g_autoptr(GError) error = NULL;
    record_parse(parser, g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes), record, &error);
    g_assert_no_error(error);
}

static void test_seal_and_erasure(void)
{
    struct record_parser *parser = record_parser_new();
    struct record record;
    g_autoptr(GBytes) seal = ledger_seal(&(struct day_seal){20778, 3, SEAL_REQUESTED});
    parse_record(parser, seal, &record);
    g_assert_cmpint(record.kind, ==, RECORD_SEAL);
    g_assert_cmpuint(record.seal.day, ==, 20778);
    g_assert_cmpuint(record.seal.revision, ==, 3);
    g_assert_cmpint(record.seal.reason, ==, SEAL_REQUESTED);

    g_autoptr(GBytes) erasure = ledger_erasure(&(struct erasure){view_of("ünal"), view_of("erased-7f")});
    parse_record(parser, erasure, &record);
    g_assert_cmpint(record.kind, ==, RECORD_ERASURE);
    g_assert_true(view_is(record.erasure.user, "ünal"));
    g_assert_true(view_is(record.erasure.pseudonym, "erased-7f"));
    record_parser_free(parser);
}

static void test_link(void)
{
    g_autoptr(GRand) rand = fixed_rand();
    struct record_parser *parser = record_parser_new();
    for (guint n = 1; n < 4; n++) {
        struct ledger_entry *entry = random_entry(rand, n, 3);
        g_autoptr(GBytes) bytes = ledger_entry_pack(entry);
        struct record record;
        parse_record(parser, bytes, &record);
        g_assert_cmpint(record.kind, ==, RECORD_LEDGER);
        g_assert_cmpuint(record.ledger.n, ==, n);
        g_assert_cmpuint(record.ledger.day, ==, entry->day);
        g_assert_cmpuint(record.ledger.revision, ==, entry->revision);
        g_assert_true(record.ledger.has_previous == (n > 1));
        assert_bytes(record.ledger.previous_checksum, entry->previous_checksum, 32);
        ledger_entry_free(entry);
    }
    record_parser_free(parser);
}

/* ---- there and back ---- */

static void assert_streams(const GPtrArray *a, const GPtrArray *b)
{
    g_assert_cmpuint(a->len, ==, b->len);
    for (guint i = 0; i < a->len; i++) {
        const struct stream_day *x = g_ptr_array_index(a, i), *y = g_ptr_array_index(b, i);
        assert_bytes(x->stream_id, y->stream_id, STREAM_ID_SIZE);
        g_assert_cmpstr(x->collector, ==, y->collector);
        g_assert_true(x->import == y->import);
        g_assert_cmpuint(x->first_sequence, ==, y->first_sequence);
        g_assert_cmpuint(x->last_sequence, ==, y->last_sequence);
        g_assert_cmpuint(x->high_water, ==, y->high_water);
        g_assert_cmpint(x->heard_ms, ==, y->heard_ms);
        g_assert_true((x->announced == NULL) == (y->announced == NULL));
        if (x->announced)
            assert_bytes(x->announced->data, y->announced->data, y->announced->len * 8);
    }
}

static void assert_days(const struct partition_day *a, const struct partition_day *b)
{
    struct partition_day x = *a, y = *b;
    x.streams = y.streams = NULL;
    g_assert_cmpuint(x.partition, ==, y.partition);
    g_assert_cmpuint(x.seal_offset, ==, y.seal_offset);
    g_assert_cmpint(x.sealed_at_ms, ==, y.sealed_at_ms);
    g_assert_cmpint(x.reason, ==, y.reason);
    g_assert_cmpuint(x.first_offset, ==, y.first_offset);
    g_assert_cmpuint(x.end_offset, ==, y.end_offset);
    g_assert_true(x.events == y.events && x.late == y.late && x.duplicates == y.duplicates && x.gaps == y.gaps);
    g_assert_true(x.gap_batches == y.gap_batches && x.quarantined == y.quarantined && x.rows == y.rows);
    g_assert_true(x.has_sheet == y.has_sheet && x.incomplete == y.incomplete);
    assert_bytes(x.sheet_checksum, y.sheet_checksum, LEDGER_CHECKSUM_SIZE);
    assert_streams(a->streams, b->streams);
}

static void assert_lists(const struct ledger_entry *a, const struct ledger_entry *b)
{
    g_assert_cmpuint(a->partitions->len, ==, b->partitions->len);
    for (guint i = 0; i < a->partitions->len; i++)
        assert_days(g_ptr_array_index(a->partitions, i), g_ptr_array_index(b->partitions, i));
    g_assert_cmpuint(a->organizations->len, ==, b->organizations->len);
    for (guint i = 0; i < a->organizations->len; i++) {
        const struct organization_total *x = g_ptr_array_index(a->organizations, i), *y = g_ptr_array_index(b->organizations, i);
        g_assert_cmpstr(x->organization, ==, y->organization);
        g_assert_cmpuint(x->requests, ==, y->requests);
    }
    g_assert_cmpuint(a->differences->len, ==, b->differences->len);
    for (guint i = 0; i < a->differences->len; i++) {
        const struct client_difference *x = g_ptr_array_index(a->differences, i), *y = g_ptr_array_index(b->differences, i);
        g_assert_cmpstr(x->organization, ==, y->organization);
        g_assert_cmpstr(x->client, ==, y->client);
        g_assert_cmpint(x->requests, ==, y->requests);
    }
}

static void assert_entries(const struct ledger_entry *a, const struct ledger_entry *b)
{
    g_assert_true(a->n == b->n && a->day == b->day && a->revision == b->revision && a->reason == b->reason);
    g_assert_true(a->has_previous == b->has_previous);
    assert_bytes(a->previous_checksum, b->previous_checksum, LEDGER_CHECKSUM_SIZE);
    g_assert_cmpint(a->closed_at_ms, ==, b->closed_at_ms);
    g_assert_true(a->events == b->events && a->late == b->late && a->duplicates == b->duplicates && a->gaps == b->gaps);
    g_assert_true(a->gap_batches == b->gap_batches && a->quarantined == b->quarantined && a->complete == b->complete);
    g_assert_true(a->differences_left_out == b->differences_left_out && a->difference_left_out == b->difference_left_out);
    g_assert_true(a->organizations_left_out == b->organizations_left_out);
    g_assert_true(a->organization_requests_left_out == b->organization_requests_left_out);
    assert_lists(a, b);
}

static void test_there_and_back(void)
{
    g_autoptr(GRand) rand = fixed_rand();
    for (guint i = 0; i < 200; i++) {
        g_autoptr(GError) error = NULL;
        struct ledger_entry *entry = random_entry(rand, 1 + i % 3, i % 5);
        g_autoptr(GBytes) bytes = ledger_entry_pack(entry);
        struct ledger_entry *again = ledger_entry_parse(bytes_view(bytes), &error);
        g_assert_no_error(error);
        assert_entries(entry, again);
        g_autoptr(GBytes) repeated = ledger_entry_pack(again);
        g_assert_true(g_bytes_equal(bytes, repeated));
        ledger_entry_free(entry);
        ledger_entry_free(again);
    }
}

static void test_partition_day(void)
{
    g_autoptr(GRand) rand = fixed_rand();
    for (guint i = 0; i < 200; i++) {
        g_autoptr(GError) error = NULL;
        struct partition_day *day = random_day(rand, i, 1 + i % 7);
        if (i % 2) { /* as it stands in Redis before its sheet is there */
            day->has_sheet = false;
            day->rows = day->events = 0;
            memset(day->sheet_checksum, 0, sizeof day->sheet_checksum);
        }
        g_autoptr(GBytes) bytes = partition_day_pack(day);
        struct partition_day *again = partition_day_parse(bytes_view(bytes), &error);
        g_assert_no_error(error);
        assert_days(day, again);
        partition_day_free(day);
        partition_day_free(again);
    }
}

/* ---- what is refused ---- */

/* Every byte with every bit flipped, and every part: refused, or another entry with just these bytes. */
static void test_damage(void)
{
    g_autoptr(GRand) rand = fixed_rand();
    struct ledger_entry *entry = random_entry(rand, 2, 2);
    g_autoptr(GBytes) bytes = ledger_entry_pack(entry);
    struct view whole = bytes_view(bytes);
    for (size_t i = 0; i < whole.size * 9; i++) {
        bool cut = i % 9 == 8;
        size_t size = cut ? i / 9 : whole.size;
        g_autofree char *copy = g_memdup2(whole.data, size + 1 - (size == whole.size)); /* never of no size */
        g_autoptr(GError) error = NULL;
        if (!cut)
            copy[i / 9] = (char)(copy[i / 9] ^ (1 << i % 9));
        struct ledger_entry *read = ledger_entry_parse(view_make(copy, size), &error);
        g_assert_true((read == NULL) == (error != NULL));
        if (read) {
            g_autoptr(GBytes) again = ledger_entry_pack(read);
            bool same = view_equal(bytes_view(again), view_make(copy, size));
            g_assert_true(same || g_bytes_get_size(again) < size); /* shorter by a field that is not known */
        }
        ledger_entry_free(read);
    }
    ledger_entry_free(entry);
}

static void assert_refused(GBytes *bytes, const char *why)
{
    g_autoptr(GError) error = NULL;
    struct ledger_entry *entry = ledger_entry_parse(bytes_view(bytes), &error);
    g_assert_null(entry);
    g_assert_error(error, RECORD_ERROR, RECORD_ERROR_MALFORMED);
    if (!strstr(error->message, why))
        g_error("refused with “%s”, but not because of “%s”", error->message, why);
}

static GBytes *replaced(GBytes *bytes, struct view from, struct view to)
{
    gsize size = g_bytes_get_size(bytes);
    char *copy = g_memdup2(g_bytes_get_data(bytes, NULL), size);
    char *at = memmem(copy, size, from.data, from.size);
    g_assert_true(at && from.size == to.size);
    memcpy(at, to.data, to.size);
    return g_bytes_new_take(copy, size);
}

static void test_refused_bytes(void)
{
    static const struct {
        const char *from, *to, *why; /* the texts are equally long */
    } cases[] = {
        {"org-b", "org-a", "organizations are not ascending"},
        {"org-b", "org-A", "organizations are not ascending"},
        {"org-b", "org-\x1f", "not clean UTF-8"},
        {"org-b", "org-\xff", "not clean UTF-8"},
        {"client-b", "client-a", "differences are not ascending"},
        {"client-b", "client\tb", "not clean UTF-8"},
        {"bbbbbbbbbbbbbbbb", "aaaaaaaaaaaaaaaa", "streams of a partition are not ascending"},
        {"\x08\x42\x10", "\x08\x21\x10", "partitions are not ascending"},
    };
    struct ledger_entry *entry = small_entry();
    g_autoptr(GBytes) bytes = ledger_entry_pack(entry);
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GBytes) changed = replaced(bytes, view_of(cases[i].from), view_of(cases[i].to));
        assert_refused(changed, cases[i].why);
    }
    ledger_entry_free(entry);
}

/* A byte 0 ends a text for C; the bytes behind it must not pass unseen. */
static void test_hidden_bytes(void)
{
    struct ledger_entry *entry = small_entry();
    g_autoptr(GBytes) bytes = ledger_entry_pack(entry);
    g_autoptr(GBytes) changed = replaced(bytes, view_of("org-b"), view_make("org-\0", 5));
    assert_refused(changed, "canonical");
    ledger_entry_free(entry);
}

static void break_n(struct ledger_entry *entry)
{
    entry->n = 0;
}
static void break_n_large(struct ledger_entry *entry)
{
    entry->n = UINT64_MAX;
}
static void break_first(struct ledger_entry *entry)
{
    entry->n = 1;
}
static void break_previous(struct ledger_entry *entry)
{
    entry->has_previous = false;
}
static void break_day(struct ledger_entry *entry)
{
    entry->day = SHEET_DAY_END;
}
static void break_revision(struct ledger_entry *entry)
{
    entry->revision = 0;
}
static void break_revision_large(struct ledger_entry *entry)
{
    entry->revision = LEDGER_REVISION_MAX + 1;
}
static void break_reason(struct ledger_entry *entry)
{
    entry->reason = (enum seal_reason)4;
}
static void break_closed(struct ledger_entry *entry)
{
    entry->closed_at_ms = INT64_MAX;
}
static void break_count(struct ledger_entry *entry)
{
    entry->gaps = UINT64_MAX;
}
static void break_sheet(struct ledger_entry *entry)
{
    first_day(entry)->has_sheet = false;
}
static void break_rows(struct ledger_entry *entry)
{
    first_day(entry)->rows = 6;
}
static void break_late(struct ledger_entry *entry)
{
    first_day(entry)->late = 6;
}
static void break_offsets(struct ledger_entry *entry)
{
    first_day(entry)->first_offset = 21;
}
static void break_seal(struct ledger_entry *entry)
{
    first_day(entry)->seal_offset = 19;
}
static void break_sum(struct ledger_entry *entry)
{
    first_day(entry)->duplicates = INT64_MAX;
    ((struct partition_day *)g_ptr_array_index(entry->partitions, 1))->duplicates = 1;
}
static void break_organizations(struct ledger_entry *entry)
{
    ((struct organization_total *)g_ptr_array_index(entry->organizations, 1))->requests = INT64_MAX;
}
static void break_organizations_left_out(struct ledger_entry *entry)
{
    entry->organizations_left_out = UINT64_MAX;
}
static void break_differences(struct ledger_entry *entry)
{
    ((struct client_difference *)g_ptr_array_index(entry->differences, 1))->requests = INT64_MAX;
}
static void break_difference(struct ledger_entry *entry)
{
    ((struct client_difference *)g_ptr_array_index(entry->differences, 0))->requests = INT64_MIN;
}
static void break_client(struct ledger_entry *entry)
{
    ((struct client_difference *)g_ptr_array_index(entry->differences, 0))->client[0] = '\0';
}
static void break_name(struct ledger_entry *entry)
{
    struct organization_total *total = g_ptr_array_index(entry->organizations, 1);
    g_free(total->organization);
    total->organization = g_strnfill(257, 'x');
}
static void break_collector(struct ledger_entry *entry)
{
    struct stream_day *stream = g_ptr_array_index(first_day(entry)->streams, 0);
    g_free(stream->collector);
    stream->collector = g_strdup("a\nb");
}
static void break_sequences(struct ledger_entry *entry)
{
    ((struct stream_day *)g_ptr_array_index(first_day(entry)->streams, 0))->last_sequence = 1;
}
static void break_announced(struct ledger_entry *entry)
{
    announce(g_ptr_array_index(first_day(entry)->streams, 0), 1, (const guint64[]){UINT64_MAX});
}
static void break_many(struct ledger_entry *entry)
{
    g_ptr_array_set_size(entry->organizations, 0);
    for (guint i = 0; i <= LEDGER_ORGANIZATIONS_MAX; i++) {
        g_autofree char *name = g_strdup_printf("%05u", i);
        add_organization(entry, name, 1);
    }
}

static void test_refused_values(void)
{
    static const struct {
        void (*breaks)(struct ledger_entry *entry);
        const char *why;
    } cases[] = {
        {break_n, "number is out of range"},
        {break_n_large, "number is out of range"},
        {break_first, "the first entry has one"},
        {break_previous, "checksum of the entry before"},
        {break_day, "day or revision"},
        {break_revision, "day or revision"},
        {break_revision_large, "day or revision"},
        {break_reason, "reason or time"},
        {break_closed, "reason or time"},
        {break_count, "a count is out of range"},
        {break_sheet, "no checksum of its sheet"},
        {break_rows, "more rows"},
        {break_late, "more late events"},
        {break_offsets, "offsets"},
        {break_seal, "offsets"},
        {break_sum, "too large together"},
        {break_organizations, "requests of an organization"},
        {break_organizations_left_out, "left out"},
        {break_differences, "a difference is out of range"},
        {break_difference, "a difference is out of range"},
        {break_client, "name of a client is missing"},
        {break_name, "longer than 256"},
        {break_collector, "name of a collector"},
        {break_sequences, "sequences"},
        {break_announced, "announced"},
        {break_many, "more than 5000"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct ledger_entry *entry = small_entry();
        cases[i].breaks(entry);
        g_autoptr(GBytes) bytes = ledger_entry_pack(entry);
        assert_refused(bytes, cases[i].why);
        ledger_entry_free(entry);
    }
}

static void test_other_kind(void)
{
    g_autoptr(GBytes) seal = ledger_seal(&(struct day_seal){1, 1, SEAL_DAY_END});
    assert_refused(seal, "another kind");
    g_autoptr(GBytes) empty = g_bytes_new(NULL, 0);
    assert_refused(empty, "another kind");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/ledger/seal-and-erasure", test_seal_and_erasure);
    g_test_add_func("/ledger/link", test_link);
    g_test_add_func("/ledger/there-and-back", test_there_and_back);
    g_test_add_func("/ledger/partition-day", test_partition_day);
    g_test_add_func("/ledger/damage", test_damage);
    g_test_add_func("/ledger/refused-bytes", test_refused_bytes);
    g_test_add_func("/ledger/hidden-bytes", test_hidden_bytes);
    g_test_add_func("/ledger/refused-values", test_refused_values);
    g_test_add_func("/ledger/other-kind", test_other_kind);
    return g_test_run();
}
