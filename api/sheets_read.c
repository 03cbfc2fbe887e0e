#include "api/sheets_read.h"

#include "api/client_sum.h"

/* ---- which clients ---- */

struct choice {
    const struct scope *scope;
    uint32_t organization, key; /* symbols, if they are asked for */
};

/* False: the sheet knows no such names. */
static bool choose(struct choice *choice, const struct sheet *sheet, const struct scope *scope)
{
    *choice = (struct choice){.scope = scope};
    return (scope->organization == NULL || sheet_find_symbol(sheet, view_of(scope->organization), &choice->organization)) &&
           (scope->key == NULL || sheet_find_symbol(sheet, view_of(scope->key), &choice->key));
}

static bool is_chosen(const struct choice *choice, const struct sheet_client *client)
{
    return (choice->scope->organization == NULL || choice->organization == client->organization) &&
           (choice->scope->key == NULL || choice->key == client->client);
}

typedef void use_client(const struct sheet *sheet, uint32_t number, void *opaque);

/* Calls back for each client that the parameters name; notes whether there was any. */
static void each_client(struct sheet_want *want, const struct sheet *sheet, const struct scope *scope, use_client *use,
                        void *opaque)
{
    struct choice choice;
    struct sheet_client client;
    uint32_t number;
    want->presence = SHEET_WITHOUT;
    if (members_one(scope)) {
        if (!sheet_find_client(sheet, view_of(scope->organization), view_of(scope->key), &number))
            return;
        want->presence = SHEET_WITH;
        use(sheet, number, opaque);
        return;
    }
    if (!choose(&choice, sheet, scope))
        return;
    for (number = 0; number < sheet_client_count(sheet); number++) {
        sheet_client_get(sheet, number, &client);
        if (!is_chosen(&choice, &client))
            continue;
        want->presence = SHEET_WITH;
        use(sheet, number, opaque);
    }
}

static GPtrArray *possible(GPtrArray *wanted)
{
    GPtrArray *left = g_ptr_array_new();
    for (guint i = 0; i < wanted->len; i++)
        if (((const struct sheet_want *)g_ptr_array_index(wanted, i))->presence != SHEET_WITHOUT)
            g_ptr_array_add(left, g_ptr_array_index(wanted, i));
    return left;
}

/* ---- sums ---- */

struct summing {
    const struct scope *scope;
    const struct window *window;
    struct client_sum sum;
    struct sheet_rows rows;
    GString *name;
};

static void append(GString *text, struct view view)
{
    g_string_append_len(text, view.data, (gssize)view.size);
}

/* As the buckets write it: what is over the cap has no method. */
static void name_route(struct summing *summing, const struct sheet *sheet, uint32_t route)
{
    struct view method = sheet_symbol(sheet, summing->rows.method[route]);
    g_string_truncate(summing->name, 0);
    append(summing->name, method);
    if (method.size > 0)
        g_string_append_c(summing->name, ' ');
    append(summing->name, sheet_symbol(sheet, summing->rows.template[route]));
    client_sum_name(&summing->sum, route, view_make(summing->name->str, summing->name->len));
}

static void name_client(struct summing *summing, const struct sheet *sheet)
{
    g_string_truncate(summing->name, 0);
    append(summing->name, sheet_symbol(sheet, summing->rows.organization));
    g_string_append_c(summing->name, KEYS_CLIENT_SEPARATOR);
    append(summing->name, sheet_symbol(sheet, summing->rows.client));
}

static void sum_client(const struct sheet *sheet, uint32_t number, void *opaque)
{
    struct summing *summing = opaque;
    int64_t midnight = (int64_t)sheet_header(sheet)->day * KEYS_SLOTS_PER_DAY;
    const struct window *window = summing->window;
    sheet_rows_read(&summing->rows, sheet, number);
    for (uint32_t route = 0; route < summing->rows.n_routes; route++)
        name_route(summing, sheet, route);
    for (uint32_t i = 0; i < summing->rows.n_rows; i++) {
        int64_t slot = midnight + summing->rows.slot[i];
        struct measure measure;
        if (slot < window->first_slot || slot >= window->first_slot + window->n_slots)
            continue;
        sheet_rows_measure(&summing->rows, i, &measure);
        client_sum_row(&summing->sum, summing->rows.route[i], slot, &measure);
    }
    name_client(summing, sheet);
    client_sum_finish(&summing->sum, summing->name->str);
}

static bool visit_sum(struct sheet_want *want, const struct sheet *sheet, void *opaque)
{
    struct summing *summing = opaque;
    each_client(want, sheet, summing->scope, sum_client, summing);
    return true;
}

bool sheets_sum(const struct sheets_query *query, GPtrArray *wanted, struct usage_table *table, GError **error)
{
    struct summing summing = {.scope = query->scope, .window = table->window, .name = g_string_new(NULL)};
    g_autoptr(GPtrArray) left = possible(wanted);
    client_sum_init(&summing.sum, table, query->scope->endpoints);
    bool ok = sheets_visit(query->sheets, query->reader, left, (struct sheets_visit){visit_sum, &summing}, error);
    client_sum_clear(&summing.sum);
    sheet_rows_clear(&summing.rows);
    g_string_free(summing.name, TRUE);
    return ok;
}

/* ---- who ---- */

struct naming {
    const struct scope *scope;
    GHashTable *names;
};

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
    each_client(want, sheet, naming->scope, add_name, naming);
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
    each_client(want, sheet, extending->scope, extend_client, extending);
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
    each_client(want, sheet, looking->scope, find_client, looking);
    return !*looking->found;
}

bool sheets_look(const struct sheets_query *query, GPtrArray *wanted, bool *found, GError **error)
{
    struct looking looking = {query->scope, found};
    g_autoptr(GPtrArray) left = possible(wanted);
    for (guint i = 0; i < left->len / 2; i++) {
        gpointer swap = left->pdata[i];
        left->pdata[i] = left->pdata[left->len - 1 - i];
        left->pdata[left->len - 1 - i] = swap;
    }
    return sheets_visit(query->sheets, query->reader, left, (struct sheets_visit){visit_look, &looking}, error);
}
