#include "api/sheets_read.h"

#include "api/sheet_clients.h"

/* ---- who ---- */

struct naming {
    const struct scope *scope;
    GHashTable *names;
};

static void append(GString *text, struct view view)
{
    g_string_append_len(text, view.data, (gssize)view.size);
}

static void add_name(const struct sheet *sheet, uint32_t number, void *opaque)
{
    const struct naming *naming = opaque;
    struct sheet_client client;
    GString *name = g_string_new(NULL);
    sheet_client_get(sheet, number, &client);
    append(name, sheet_symbol(sheet, client.organization));
    g_string_append_c(name, KEYS_CLIENT_SEPARATOR);
    append(name, sheet_symbol(sheet, client.client));
    g_hash_table_add(naming->names, g_string_free(name, FALSE));
}

static bool visit_names(struct sheet_want *want, const struct sheet *sheet, void *opaque)
{
    struct naming *naming = opaque;
    (void)want;
    sheet_clients_each(sheet, naming->scope, add_name, naming);
    return true;
}

bool sheets_names(const struct sheets_query *query, GPtrArray *wanted, GHashTable *names, GError **error)
{
    struct naming naming = {query->scope, names};
    return sheets_visit(query->sheets, query->reader, wanted, (struct sheets_visit){visit_names, &naming}, error);
}

/* ---- when ---- */

struct extending {
    const struct scope *scope;
    struct window_extent *extent;
    struct sheet_rows rows;
    bool first_only;
};

static void extend_client(const struct sheet *sheet, uint32_t number, void *opaque)
{
    struct extending *extending = opaque;
    struct window_extent *extent = extending->extent;
    int64_t midnight = (int64_t)sheet_header(sheet)->day * KEYS_SLOTS_PER_DAY;
    sheet_rows_read(&extending->rows, sheet, number);
    for (uint32_t i = 0; i < extending->rows.n_rows; i++) {
        extent->first_slot = MIN(extent->first_slot, midnight + extending->rows.slot[i]);
        extent->last_slot = MAX(extent->last_slot, midnight + extending->rows.slot[i]);
    }
}

static bool visit_extend(struct sheet_want *want, const struct sheet *sheet, void *opaque)
{
    struct extending *extending = opaque;
    if (extending->first_only && want->name.day * KEYS_SLOTS_PER_DAY > extending->extent->first_slot)
        return false;
    sheet_clients_each(sheet, extending->scope, extend_client, extending);
    return true;
}

bool sheets_extend(const struct sheets_query *query, GPtrArray *wanted, bool first_only, struct window_extent *extent,
                   GError **error)
{
    struct extending extending = {.scope = query->scope, .extent = extent, .first_only = first_only};
    bool ok = sheets_visit(query->sheets, query->reader, wanted, (struct sheets_visit){visit_extend, &extending}, error);
    sheet_rows_clear(&extending.rows);
    return ok;
}

/* ---- whether at all ---- */

struct looking {
    const struct scope *scope;
    bool *found;
};

static void find_client(const struct sheet *sheet, uint32_t number, void *opaque)
{
    (void)sheet, (void)number;
    *((struct looking *)opaque)->found = true;
}

static bool visit_look(struct sheet_want *want, const struct sheet *sheet, void *opaque)
{
    struct looking *looking = opaque;
    (void)want;
    sheet_clients_each(sheet, looking->scope, find_client, looking);
    return !*looking->found;
}

bool sheets_look(const struct sheets_query *query, GPtrArray *wanted, bool *found, GError **error)
{
    struct looking looking = {query->scope, found};
    g_autoptr(GPtrArray) left = g_ptr_array_copy(wanted, NULL, NULL);
    for (guint i = 0; i < left->len / 2; i++) {
        gpointer swap = left->pdata[i];
        left->pdata[i] = left->pdata[left->len - 1 - i];
        left->pdata[left->len - 1 - i] = swap;
    }
    return sheets_visit(query->sheets, query->reader, left, (struct sheets_visit){visit_look, &looking}, error);
}
