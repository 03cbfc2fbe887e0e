#include "aggregator/sheet_work.h"

#include "lib/number.h"

struct sheet_work {
    GThread *thread;
    bool threads;
    gint done;
    GError *error;
    /* Making. */
    struct sheet_builder *builder;
    struct sheet_header header;
    GBytes *before;
    struct erasures *erasures;
    GBytes *packed;
    uint8_t checksum[SHEET_CHECKSUM_SIZE];
    struct sheet_totals totals;
    /* Archiving. */
    struct archive *archive;
    struct sheet_name name;
    GPtrArray *records;
    uint64_t first;
};

/* ---- erasures ---- */

struct collecting {
    GHashTable *pseudonyms;
    uint64_t offset;
};

static void collect_erasure(const char *field, const char *value, void *opaque)
{
    struct collecting *collecting = opaque;
    uint64_t offset;
    const char *end = value + strlen(value);
    if (number_scan(&value, end, &offset) && *value++ == ' ' && offset < collecting->offset)
        g_hash_table_insert(collecting->pseudonyms, g_strdup(field), g_strdup(value));
}

static void erasures_free(struct erasures *erasures)
{
    if (!erasures)
        return;
    g_hash_table_destroy(erasures->pseudonyms);
    g_free(erasures);
}

struct erasures *erasures_before(const struct mirror *mirror, uint64_t offset)
{
    struct erasures *erasures = g_new0(struct erasures, 1);
    erasures->pseudonyms = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    mirror_each(mirror, collect_erasure, &(struct collecting){erasures->pseudonyms, offset});
    if (g_hash_table_size(erasures->pseudonyms) > 0)
        return erasures;
    erasures_free(erasures);
    return NULL;
}

static bool has_erased(const struct sheet *sheet, const struct erasures *erasures)
{
    for (uint32_t i = 0; i < sheet_symbol_count(sheet); i++) {
        struct view symbol = sheet_symbol(sheet, i);
        g_autofree char *name = g_strndup(symbol.data, symbol.size);
        if (g_hash_table_contains(erasures->pseudonyms, name))
            return true;
    }
    return false;
}

static bool add_replaced(struct sheet_builder *builder, const struct sheet_rows *rows, const struct erasures *erasures,
                         GError **error)
{
    for (uint32_t i = 0; i < rows->n_rows; i++) {
        struct sheet_row row;
        sheet_rows_get(rows, i, &row);
        g_autofree char *user = g_strndup(row.user.data, row.user.size);
        const char *pseudonym = g_hash_table_lookup(erasures->pseudonyms, user);
        if (pseudonym)
            row.user = view_of(pseudonym);
        if (!sheet_builder_add(builder, &row, error))
            return false;
    }
    return true;
}

/* The same sheet with users replaced; merged where the pseudonym has rows too. */
static GBytes *erase(GBytes *bytes, const struct erasures *erasures, GError **error)
{
    struct sheet *sheet = sheet_open(bytes, error);
    if (!sheet)
        return NULL;
    GBytes *result = NULL;
    if (!has_erased(sheet, erasures)) {
        result = g_bytes_ref(bytes);
    } else {
        struct sheet_builder *builder = sheet_builder_new();
        struct sheet_rows rows = {0};
        bool ok = true;
        for (uint32_t i = 0; ok && i < sheet_client_count(sheet); i++) {
            sheet_rows_read(&rows, sheet, i);
            ok = add_replaced(builder, &rows, erasures, error);
        }
        sheet_rows_clear(&rows);
        result = ok ? sheet_builder_finish(builder, sheet_header(sheet), error) : NULL;
        sheet_builder_free(builder);
    }
    sheet_free(sheet);
    return result;
}

/* ---- making ---- */

static bool merge_before(struct sheet_work *work)
{
    if (!work->before)
        return true;
    struct sheet *sheet = sheet_open(work->before, &work->error);
    bool ok = sheet && sheet_builder_merge(work->builder, sheet, &work->error);
    sheet_free(sheet);
    return ok;
}

static void make(struct sheet_work *work)
{
    if (!merge_before(work))
        return;
    work->totals = *sheet_builder_totals(work->builder);
    GBytes *bytes = sheet_builder_finish(work->builder, &work->header, &work->error);
    if (bytes && work->erasures) {
        GBytes *erased = erase(bytes, work->erasures, &work->error);
        g_bytes_unref(bytes);
        bytes = erased;
    }
    if (!bytes)
        return;
    struct sheet *sheet = sheet_open(bytes, &work->error); /* what cannot be opened is not given out */
    if (sheet) {
        work->totals = *sheet_totals(sheet);
        sheet_checksum(bytes, work->checksum);
        work->packed = sheet_pack(bytes);
    }
    sheet_free(sheet);
    g_bytes_unref(bytes);
}

static gpointer run_make(gpointer opaque)
{
    struct sheet_work *work = opaque;
    make(work);
    g_clear_pointer(&work->builder, sheet_builder_free);
    g_clear_pointer(&work->before, g_bytes_unref);
    g_atomic_int_set(&work->done, 1);
    return NULL;
}

static gpointer run_archive(gpointer opaque)
{
    struct sheet_work *work = opaque;
    archive_put_sheet(work->archive, &work->name, work->packed, &work->error);
    g_atomic_int_set(&work->done, 1);
    return NULL;
}

static gpointer run_entries(gpointer opaque)
{
    struct sheet_work *work = opaque;
    for (guint i = 0; i < work->records->len; i++)
        if (!archive_put_entry(work->archive, work->first + i, g_ptr_array_index(work->records, i), &work->error))
            break;
    g_atomic_int_set(&work->done, 1);
    return NULL;
}

static void start(struct sheet_work *work, GThreadFunc task)
{
    work->done = 0;
    if (work->threads)
        work->thread = g_thread_new("sheet", task, work);
    else
        task(work);
}

struct sheet_work *sheet_work_make(struct sheet_builder *builder, const struct sheet_header *header, GBytes *before,
                                   struct erasures *erasures, bool threads)
{
    struct sheet_work *work = g_new0(struct sheet_work, 1);
    work->threads = threads;
    work->builder = builder;
    work->header = *header;
    work->before = before;
    work->erasures = erasures;
    start(work, run_make);
    return work;
}

void sheet_work_archive(struct sheet_work *work, struct archive *archive, const struct sheet_name *name)
{
    g_assert(work->done && !work->thread && !work->error);
    if (!archive)
        return;
    work->archive = archive;
    work->name = *name;
    start(work, run_archive);
}

struct sheet_work *sheet_work_entries(GPtrArray *records, uint64_t first, struct archive *archive, bool threads)
{
    struct sheet_work *work = g_new0(struct sheet_work, 1);
    work->threads = threads;
    work->records = records;
    work->first = first;
    work->archive = archive;
    start(work, run_entries);
    return work;
}

static void join(struct sheet_work *work)
{
    if (work->thread)
        g_thread_join(work->thread);
    work->thread = NULL;
}

void sheet_work_free(struct sheet_work *work)
{
    if (!work)
        return;
    join(work);
    g_clear_error(&work->error);
    sheet_builder_free(work->builder);
    g_clear_pointer(&work->before, g_bytes_unref);
    g_clear_pointer(&work->packed, g_bytes_unref);
    g_clear_pointer(&work->records, g_ptr_array_unref);
    erasures_free(work->erasures);
    g_free(work);
}

bool sheet_work_done(struct sheet_work *work)
{
    if (!g_atomic_int_get(&work->done))
        return false;
    join(work);
    return true;
}

GError *sheet_work_error(struct sheet_work *work)
{
    return g_steal_pointer(&work->error);
}

GBytes *sheet_work_packed(const struct sheet_work *work)
{
    return work->packed;
}

const uint8_t *sheet_work_checksum(const struct sheet_work *work)
{
    return work->checksum;
}

const struct sheet_totals *sheet_work_totals(const struct sheet_work *work)
{
    return &work->totals;
}

size_t sheet_work_count(const struct sheet_work *work)
{
    return work->records->len;
}
