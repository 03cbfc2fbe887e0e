/* rebuild: see rebuild.h. A revision restates the day: its sheet is the one before, packed meanwhile, and the rows since. */
#include "cli/rebuild.h"

#include "lib/keys.h"

struct rebuilt_day {
    int64_t day;                   /* first: it is the key */
    int last;                      /* the last revision that is wanted */
    struct sheet_builder *builder; /* rows since the last seal; NULL: none */
    GBytes *before;                /* packed; NULL: the day has no sheet yet */
};

struct rebuild {
    int partition;
    GHashTable *days;     /* set of struct rebuilt_day */
    GHashTable *erasures; /* user -> pseudonym; both of the pool */
    size_t bytes;
};

static void day_free(gpointer pointer)
{
    struct rebuilt_day *day = pointer;

    sheet_builder_free(day->builder);
    g_clear_pointer(&day->before, g_bytes_unref);
    g_free(day);
}

struct rebuild *rebuild_new(int partition)
{
    struct rebuild *rebuild = g_new0(struct rebuild, 1);

    rebuild->partition = partition;
    rebuild->days = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, day_free);
    rebuild->erasures = g_hash_table_new(g_str_hash, g_str_equal);
    return rebuild;
}

void rebuild_free(struct rebuild *rebuild)
{
    if (!rebuild)
        return;
    g_hash_table_destroy(rebuild->days);
    g_hash_table_destroy(rebuild->erasures);
    g_free(rebuild);
}

/* ---- which days ---- */

void rebuild_want(struct rebuild *rebuild, int64_t number, int revision)
{
    struct rebuilt_day *day = g_hash_table_lookup(rebuild->days, &number);

    if (!day) {
        day = g_new0(struct rebuilt_day, 1);
        day->day = number;
        g_hash_table_insert(rebuild->days, &day->day, day);
    }
    day->last = MAX(day->last, revision);
}

static struct rebuilt_day *wanted(const struct rebuild *rebuild, int64_t number, int revision)
{
    struct rebuilt_day *day = g_hash_table_lookup(rebuild->days, &number);

    return day && revision <= day->last ? day : NULL;
}

bool rebuild_wants(const struct rebuild *rebuild, int64_t day, int revision)
{
    return wanted(rebuild, day, revision) != NULL;
}

static void drop_rows(struct rebuild *rebuild, struct rebuilt_day *day)
{
    rebuild->bytes -= day->builder ? sheet_builder_bytes(day->builder) : 0;
    g_clear_pointer(&day->builder, sheet_builder_free);
}

void rebuild_drop(struct rebuild *rebuild, int64_t number)
{
    struct rebuilt_day *day = g_hash_table_lookup(rebuild->days, &number);

    if (!day)
        return;
    drop_rows(rebuild, day);
    g_hash_table_remove(rebuild->days, &number);
}

size_t rebuild_bytes(const struct rebuild *rebuild)
{
    return rebuild->bytes;
}

void rebuild_span(const struct rebuild *rebuild, int64_t *first, int64_t *last)
{
    GHashTableIter iter;
    gpointer pointer;

    g_hash_table_iter_init(&iter, rebuild->days);
    while (g_hash_table_iter_next(&iter, NULL, &pointer)) {
        const struct rebuilt_day *day = pointer;
        if (!day->builder)
            continue;
        *first = MIN(*first, day->day);
        *last = MAX(*last, day->day);
    }
}

/* ---- rows ---- */

static void add_row(struct sheet_builder *builder, const struct sheet_row *row)
{
    g_autoptr(GError) error = NULL;
    bool ok = sheet_builder_add(builder, row, &error);

    g_assert(ok || g_error_matches(error, SHEET_ERROR, SHEET_ERROR_LIMIT)); /* an event of the log makes a row that is right */
}

void rebuild_event(struct rebuild *rebuild, const struct recount_event *event)
{
    struct rebuilt_day *day = wanted(rebuild, event->day, event->revision);
    struct sheet_row row = {
        .organization = view_of(event->organization),
        .client = view_of(event->client),
        .user = view_of(event->user),
        .method = view_of(event->method),
        .template = view_of(event->template),
        .platform = view_of(event->platform),
        .slot = (uint32_t)(event->time_ms / KEYS_SLOT_MS % KEYS_SLOTS_PER_DAY),
    };

    if (!day)
        return;
    if (!day->builder)
        day->builder = sheet_builder_new();
    else
        rebuild->bytes -= sheet_builder_bytes(day->builder);
    measure_init(&row.measure);
    measure_add(&row.measure, event->status, event->latency_us, event->request_bytes, event->response_bytes, true);
    add_row(day->builder, &row);
    measure_clear(&row.measure);
    rebuild->bytes += sheet_builder_bytes(day->builder);
}

/* ---- sheets ---- */

/* The first one counts: a user has one pseudonym. */
void rebuild_erasure(struct rebuild *rebuild, const struct recount_erasure *erasure)
{
    if (!g_hash_table_contains(rebuild->erasures, erasure->user))
        g_hash_table_insert(rebuild->erasures, (gpointer)(uintptr_t)erasure->user, (gpointer)(uintptr_t)erasure->pseudonym);
}

static bool merge_packed(struct sheet_builder *builder, GBytes *packed, GError **error)
{
    gsize size;
    const void *data = g_bytes_get_data(packed, &size);
    g_autoptr(GBytes) bytes = sheet_unpack(data, size, error);
    struct sheet *sheet = bytes ? sheet_open(bytes, error) : NULL;
    bool ok = sheet && sheet_builder_merge(builder, sheet, error);

    sheet_free(sheet);
    return ok;
}

static void add_replaced(const struct rebuild *rebuild, struct sheet_builder *builder, const struct sheet_rows *rows)
{
    struct sheet_row row;

    for (uint32_t i = 0; i < rows->n_rows; i++) {
        sheet_rows_get(rows, i, &row);
        g_autofree char *user = g_strndup(row.user.data, row.user.size);
        const char *pseudonym = g_hash_table_lookup(rebuild->erasures, user);
        if (pseudonym)
            row.user = view_of(pseudonym);
        add_row(builder, &row);
    }
}

/* The sheet with every erased user under its pseudonym. Takes bytes. */
static GBytes *replace_users(const struct rebuild *rebuild, GBytes *bytes, const struct sheet_header *header, GError **error)
{
    struct sheet *sheet = sheet_open(bytes, error);
    struct sheet_builder *builder = sheet_builder_new();
    struct sheet_rows rows = {0};
    GBytes *replaced = NULL;

    for (uint32_t i = 0; sheet && i < sheet_client_count(sheet); i++) {
        sheet_rows_read(&rows, sheet, i);
        add_replaced(rebuild, builder, &rows);
    }
    sheet_rows_clear(&rows);
    if (sheet)
        replaced = sheet_builder_finish(builder, header, error);
    sheet_free(sheet);
    sheet_builder_free(builder);
    g_bytes_unref(bytes);
    return replaced;
}

GBytes *rebuild_seal(struct rebuild *rebuild, const struct recount_seal *seal, GError **error)
{
    struct rebuilt_day *day = wanted(rebuild, seal->day, seal->revision);
    const struct sheet_header header = {(uint32_t)rebuild->partition, (uint32_t)seal->day, (uint32_t)seal->revision,
                                        (uint64_t)seal->first_offset, (uint64_t)seal->end_offset};
    g_assert(day);
    size_t rows = day->builder ? sheet_builder_bytes(day->builder) : 0;

    if (!day->builder)
        day->builder = sheet_builder_new();
    GBytes *bytes = NULL;
    if (!day->before || merge_packed(day->builder, day->before, error))
        bytes = sheet_builder_finish(day->builder, &header, error);
    rebuild->bytes -= rows;
    g_clear_pointer(&day->builder, sheet_builder_free);
    if (bytes && g_hash_table_size(rebuild->erasures) > 0)
        bytes = replace_users(rebuild, bytes, &header, error);
    g_clear_pointer(&day->before, g_bytes_unref);
    if (bytes && seal->revision < day->last)
        day->before = sheet_pack(bytes);
    return bytes;
}
