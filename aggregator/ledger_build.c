#include "aggregator/ledger_build.h"

#include "lib/intern.h"

G_DEFINE_QUARK(daybook - ledger - build - error, ledger_build_error)

/* Requests under a name, or two; the names by their numbers. */
struct sum {
    gint64 key; /* organization and client */
    uint32_t organization, client;
    int64_t requests;
};

struct ledger_build {
    struct ledger_entry *entry;
    struct intern *names;
    GHashTable *organizations, *differences; /* struct sum by its key */
    bool continues;
    uint64_t events_before;
    bool unknown;              /* a sheet before was removed by an erasure: differences of its clients are left out */
    GArray *partitions_before; /* uint32_t */
};

struct ledger_build *ledger_build_new(uint64_t n, const uint8_t *previous, int64_t day, int revision)
{
    struct ledger_build *build = g_new0(struct ledger_build, 1);
    build->entry = ledger_entry_new();
    build->entry->n = n;
    build->entry->has_previous = previous != NULL;
    if (previous)
        memcpy(build->entry->previous_checksum, previous, LEDGER_CHECKSUM_SIZE);
    build->entry->day = (uint32_t)day;
    build->entry->revision = (uint32_t)revision;
    build->names = intern_new();
    build->organizations = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, g_free);
    build->differences = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, g_free);
    build->partitions_before = g_array_new(FALSE, FALSE, sizeof(uint32_t));
    return build;
}

void ledger_build_free(struct ledger_build *build)
{
    if (!build)
        return;
    ledger_entry_free(build->entry);
    intern_free(build->names);
    g_hash_table_destroy(build->organizations);
    g_hash_table_destroy(build->differences);
    g_array_free(build->partitions_before, TRUE);
    g_free(build);
}

void ledger_build_continue(struct ledger_build *build, const struct ledger_entry *before)
{
    build->continues = true;
    build->events_before = before->events;
    for (guint i = 0; i < before->partitions->len; i++) {
        const struct partition_day *day = g_ptr_array_index(before->partitions, i);
        g_array_append_val(build->partitions_before, day->partition);
    }
}

bool ledger_build_wants_before(const struct ledger_build *build, uint32_t partition)
{
    for (guint i = 0; i < build->partitions_before->len; i++)
        if (g_array_index(build->partitions_before, uint32_t, i) == partition)
            return true;
    return false;
}

/* ---- sums ---- */

static void add_sum(const struct ledger_build *build, GHashTable *sums, struct view organization, struct view client,
                    int64_t requests)
{
    uint32_t first = intern_add(build->names, organization), second = intern_add(build->names, client);
    gint64 key = (gint64)first << 32 | second;
    struct sum *sum = g_hash_table_lookup(sums, &key);
    if (!sum) {
        sum = g_new(struct sum, 1);
        *sum = (struct sum){key, first, second, 0};
        g_hash_table_insert(sums, &sum->key, sum);
    }
    sum->requests += requests;
}

/* The clients of a sheet, in order: by organization, then client. */
struct cursor {
    const struct sheet *sheet; /* NULL: none */
    uint32_t next, end;
    struct view organization, client; /* of the one at hand */
    int64_t requests;
    bool valid;
};

static void cursor_go(struct cursor *cursor)
{
    struct sheet_client client;
    cursor->valid = cursor->next < cursor->end;
    if (!cursor->valid)
        return;
    sheet_client_get(cursor->sheet, cursor->next++, &client);
    cursor->organization = sheet_symbol(cursor->sheet, client.organization);
    cursor->client = sheet_symbol(cursor->sheet, client.client);
    cursor->requests = (int64_t)client.requests;
}

static void cursor_init(struct cursor *cursor, const struct sheet *sheet)
{
    *cursor = (struct cursor){.sheet = sheet, .end = sheet ? sheet_client_count(sheet) : 0};
    cursor_go(cursor);
}

static int compare_views(struct view a, struct view b)
{
    int order = memcmp(a.size ? a.data : "", b.size ? b.data : "", MIN(a.size, b.size));
    return order != 0 ? order : (a.size > b.size) - (a.size < b.size);
}

static int compare_cursors(const struct cursor *a, const struct cursor *b)
{
    if (!a->valid || !b->valid)
        return (int)b->valid - (int)a->valid; /* what has ended comes last */
    int order = compare_views(a->organization, b->organization);
    return order != 0 ? order : compare_views(a->client, b->client);
}

static void add_organizations(struct ledger_build *build, const struct sheet *sheet)
{
    struct cursor cursor;
    for (cursor_init(&cursor, sheet); cursor.valid; cursor_go(&cursor))
        add_sum(build, build->organizations, cursor.organization, view_of(NULL), cursor.requests);
}

static void add_differences(struct ledger_build *build, const struct sheet *sheet, const struct sheet *before)
{
    struct cursor now, then;
    cursor_init(&now, sheet);
    cursor_init(&then, before);
    while (now.valid || then.valid) {
        int order = compare_cursors(&now, &then);
        const struct cursor *first = order <= 0 ? &now : &then;
        int64_t difference = (order <= 0 ? now.requests : 0) - (order >= 0 ? then.requests : 0);
        if (difference != 0)
            add_sum(build, build->differences, first->organization, first->client, difference);
        if (order <= 0)
            cursor_go(&now);
        if (order >= 0)
            cursor_go(&then);
    }
}

/* ---- partitions ---- */

static bool check_sheet(const struct ledger_build *build, const struct partition_day *day, const struct sheet *sheet,
                        uint32_t revision, GError **error)
{
    const struct sheet_header *header = sheet_header(sheet);
    if (header->partition == day->partition && header->day == build->entry->day && header->revision == revision)
        return true;
    g_set_error(error, LEDGER_BUILD_ERROR, LEDGER_BUILD_ERROR_CONTRADICTION,
                "the sheet of partition %u, day %u, revision %u is that of partition %u, day %u, revision %u", day->partition,
                build->entry->day, revision, header->partition, header->day, header->revision);
    return false;
}

static bool check_counts(const struct ledger_build *build, const struct partition_day *day, const struct sheet *sheet,
                         GError **error)
{
    const struct sheet_totals *totals = sheet_totals(sheet);
    if (totals->requests == day->events && totals->rows == day->rows)
        return true;
    g_set_error(error, LEDGER_BUILD_ERROR, LEDGER_BUILD_ERROR_CONTRADICTION,
                "the sheet of partition %u, day %u, revision %u has %" G_GUINT64_FORMAT " requests in %" G_GUINT64_FORMAT
                " rows, but %" G_GUINT64_FORMAT " in %" G_GUINT64_FORMAT " were sealed",
                day->partition, build->entry->day, build->entry->revision, totals->requests, totals->rows, day->events, day->rows);
    return false;
}

bool ledger_build_add(struct ledger_build *build, struct partition_day *day, const struct sheet *sheet, const struct sheet *before,
                      GError **error)
{
    bool wanted = ledger_build_wants_before(build, day->partition);
    bool removed = wanted && !before && day->reason == SEAL_ERASURE;
    g_assert(wanted == (before != NULL) || removed);
    build->unknown = build->unknown || removed;
    if (!check_sheet(build, day, sheet, build->entry->revision, error) || !check_counts(build, day, sheet, error) ||
        (before && !check_sheet(build, day, before, build->entry->revision - 1, error))) {
        partition_day_free(day);
        return false;
    }
    add_organizations(build, sheet);
    if (build->continues && !removed)
        add_differences(build, sheet, before);
    g_ptr_array_add(build->entry->partitions, day);
    return true;
}

/* ---- lists ---- */

static gint compare_names(gconstpointer a, gconstpointer b, gpointer opaque)
{
    const struct sum *const *left = a, *const *right = b;
    const struct intern *names = opaque;
    int order = compare_views(intern_get(names, (*left)->organization), intern_get(names, (*right)->organization));
    return order != 0 ? order : compare_views(intern_get(names, (*left)->client), intern_get(names, (*right)->client));
}

static gint compare_sizes(gconstpointer a, gconstpointer b, gpointer opaque)
{
    const struct sum *const *left = a, *const *right = b;
    int64_t first = ABS((*left)->requests), second = ABS((*right)->requests);
    return first != second ? (first < second) - (first > second) : compare_names(a, b, opaque);
}

/* The sums, the largest `max` of them by name, then the others. Zeros (what two partitions took from each other) go. */
static GPtrArray *largest(const struct ledger_build *build, GHashTable *sums, guint max)
{
    GPtrArray *list = g_ptr_array_sized_new(g_hash_table_size(sums));
    GHashTableIter iter;
    gpointer value;
    g_hash_table_iter_init(&iter, sums);
    while (g_hash_table_iter_next(&iter, NULL, &value))
        if (((const struct sum *)value)->requests != 0)
            g_ptr_array_add(list, value);
    if (list->len > max)
        g_ptr_array_sort_with_data(list, compare_sizes, build->names);
    g_qsort_with_data(list->pdata, (gint)MIN(list->len, max), sizeof(gpointer), compare_names, build->names);
    return list;
}

static char *name_of(const struct ledger_build *build, uint32_t number)
{
    struct view name = intern_get(build->names, number);
    return g_strndup(name.size ? name.data : "", name.size);
}

static void list_organizations(const struct ledger_build *build, guint max)
{
    struct ledger_entry *entry = build->entry;
    g_autoptr(GPtrArray) list = largest(build, build->organizations, max);
    g_ptr_array_set_size(entry->organizations, 0);
    entry->organizations_left_out = entry->organization_requests_left_out = 0;
    for (guint i = 0; i < list->len; i++) {
        const struct sum *sum = g_ptr_array_index(list, i);
        if (i >= max) {
            entry->organizations_left_out++;
            entry->organization_requests_left_out += (uint64_t)sum->requests;
            continue;
        }
        struct organization_total *total = g_new(struct organization_total, 1);
        *total = (struct organization_total){name_of(build, sum->organization), (uint64_t)sum->requests};
        g_ptr_array_add(entry->organizations, total);
    }
}

static int64_t known_difference(const struct ledger_build *build)
{
    int64_t sum = 0;
    GHashTableIter iter;
    gpointer value;
    g_hash_table_iter_init(&iter, build->differences);
    while (g_hash_table_iter_next(&iter, NULL, &value))
        sum += ((const struct sum *)value)->requests;
    return sum;
}

static int64_t expected_difference(const struct ledger_build *build)
{
    return (int64_t)(build->entry->events - build->events_before);
}

static void list_differences(const struct ledger_build *build, guint max)
{
    struct ledger_entry *entry = build->entry;
    g_autoptr(GPtrArray) list = largest(build, build->differences, max);
    g_ptr_array_set_size(entry->differences, 0);
    entry->differences_left_out = 0;
    entry->difference_left_out = 0;
    for (guint i = 0; i < list->len; i++) {
        const struct sum *sum = g_ptr_array_index(list, i);
        if (i >= max) {
            entry->differences_left_out++;
            entry->difference_left_out += sum->requests;
            continue;
        }
        struct client_difference *difference = g_new(struct client_difference, 1);
        *difference = (struct client_difference){name_of(build, sum->organization), name_of(build, sum->client), sum->requests};
        g_ptr_array_add(entry->differences, difference);
    }
    if (build->unknown)
        entry->difference_left_out += expected_difference(build) - known_difference(build);
}

/* ---- the entry ---- */

static bool check_sums(const struct ledger_build *build, GError **error)
{
    int64_t sum = known_difference(build), expected = expected_difference(build);
    if (!build->continues || build->unknown || sum == expected)
        return true;
    g_set_error(error, LEDGER_BUILD_ERROR, LEDGER_BUILD_ERROR_CONTRADICTION,
                "day %u, revision %u: the sheets differ from those before by %" G_GINT64_FORMAT
                " requests, the sums of the ledger by %" G_GINT64_FORMAT,
                build->entry->day, build->entry->revision, sum, expected);
    return false;
}

/* What a partition lists of streams is by far the largest part where there are many collectors. */
static void shorten_streams(const struct ledger_entry *entry, guint max)
{
    for (guint i = 0; i < entry->partitions->len; i++) {
        struct partition_day *day = g_ptr_array_index(entry->partitions, i);
        for (guint k = 0; k < day->streams->len; k++)
            g_clear_pointer(&((struct stream_day *)g_ptr_array_index(day->streams, k))->announced, g_array_unref);
        if (day->streams->len > max)
            g_ptr_array_set_size(day->streams, (gint)max);
    }
}

/* Completeness was decided before: an entry says it whatever is left out here. */
static GBytes *pack_within(const struct ledger_build *build)
{
    GBytes *bytes = ledger_entry_pack(build->entry);
    for (guint max = LEDGER_STREAMS_MAX; g_bytes_get_size(bytes) > LEDGER_BUILD_BYTES_MAX && max > 0; max /= 2) {
        shorten_streams(build->entry, max);
        g_bytes_unref(bytes);
        bytes = ledger_entry_pack(build->entry);
    }
    for (guint max = LEDGER_DIFFERENCES_MAX; g_bytes_get_size(bytes) > LEDGER_BUILD_BYTES_MAX && max > 0; max /= 2) {
        shorten_streams(build->entry, 0);
        list_organizations(build, max);
        list_differences(build, max);
        g_bytes_unref(bytes);
        bytes = ledger_entry_pack(build->entry);
    }
    return bytes;
}

struct ledger_entry *ledger_build_finish(struct ledger_build *build, GBytes **record, GError **error)
{
    ledger_entry_add_up(build->entry);
    if (!check_sums(build, error))
        return NULL;
    list_organizations(build, LEDGER_ORGANIZATIONS_MAX);
    list_differences(build, LEDGER_DIFFERENCES_MAX);
    GBytes *bytes = pack_within(build);
    if (record)
        *record = bytes;
    else
        g_bytes_unref(bytes);
    return g_steal_pointer(&build->entry);
}
