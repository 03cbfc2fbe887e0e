/* A table of clients or limits made of any bytes, for an administrator of one organization and for one of all; and any bytes as a
 * body of JSON. What is taken is valid, once each, and of whom the administrator may change; what is refused says where and why. */
#include "api/admin_csv.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool condition)
{
    if (!condition)
        abort();
}

/* What the registry would read again. */
static void check_item(const struct admin_kind *kind, const void *item, const struct caller *caller)
{
    const struct registry_kind_info *info = admin_kind_info(kind);
    g_autofree char *field = info->field(item), *json = registry_item_write(kind->kind, item);
    void *again = registry_item_read(kind->kind, view_of(field), view_of(json), NULL);
    check(again != NULL && item_equal(info->shape, item, again));
    item_free(info->shape, again);
    check(caller->organization == NULL || g_strcmp0(admin_kind_organization(kind, item), caller->organization) == 0);
    check(caller->organization == NULL || kind->kind != REGISTRY_CLIENTS ||
          ((const struct registry_client *)item)->tier <= caller->tier);
}

static void check_refusal(const struct refusal *refusal)
{
    check(refusal->status >= 400 && refusal->message != NULL && refusal->message[0] != '\0');
    check((refusal->field == NULL) == (refusal->allowed == NULL) && (refusal->field == NULL) == (refusal->value == NULL));
}

static void check_table(const struct admin_csv *csv, const struct caller *caller)
{
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    uint64_t line = 0;
    for (guint i = 0; i < csv->items->len; i++) {
        const void *item = g_ptr_array_index(csv->items, i);
        check_item(csv->kind, item, caller);
        check(g_hash_table_add(seen, admin_kind_info(csv->kind)->field(item)));
    }
    check(csv->created + csv->changed == csv->items->len && csv->bad->len <= csv->n_bad);
    check(csv->bad->len <= ADMIN_CSV_LINES_TOLD && (csv->bad->len > 0) == (csv->n_bad > 0));
    for (guint i = 0; i < csv->bad->len; i++) {
        const struct admin_csv_bad *bad = &g_array_index(csv->bad, struct admin_csv_bad, i);
        check_refusal(&bad->refusal);
        check(bad->line >= line);
        line = bad->line;
    }
}

static void add(struct registry_snapshot *snapshot, enum registry_kind kind, const char *field, const char *json)
{
    void *item = registry_item_read(kind, view_of(field), view_of(json), NULL);
    check(item != NULL && registry_snapshot_add(snapshot, kind, item));
}

static struct registry_snapshot *make_snapshot(void)
{
    struct registry_snapshot *snapshot = registry_snapshot_new(1);
    add(snapshot, REGISTRY_CLIENTS,
        "acme\x1f"
        "c",
        "{\"id\":\"c\",\"name\":\"n\",\"organization\":\"acme\",\"tier\":\"free\",\"platform\":\"\",\"plan\":\"\"}");
    add(snapshot, REGISTRY_PLANS, "p",
        "{\"name\":\"p\",\"title\":\"\",\"organization\":null,\"currency\":\"EUR\",\"included\":1,\"priceMicros\":1,"
        "\"ceiling\":0}");
    add(snapshot, REGISTRY_LIMITS, "l",
        "{\"id\":\"l\",\"organization\":null,\"client\":null,\"plan\":\"p\",\"metric\":\"hits\",\"period\":\"day\","
        "\"value\":1,\"levels\":[]}");
    registry_snapshot_seal(snapshot, NULL);
    return snapshot;
}

static void read_table(const uint8_t *data, size_t size, const struct registry_snapshot *snapshot, const char *path,
                       const char *organization)
{
    struct admin_csv csv;
    struct caller *caller = caller_new("x", "x", organization, NULL, PERMISSION_ADMIN, TIER_STARTER);
    admin_csv_init(&csv, admin_kind_at(path));
    admin_csv_read(&csv, view_make(data, size), caller, snapshot);
    check_table(&csv, caller);
    admin_csv_clear(&csv);
    caller_unref(caller);
}

static void read_item(const uint8_t *data, size_t size, enum registry_kind kind)
{
    const struct item_shape *shape = registry_kind_info(kind)->shape;
    struct caller *caller = caller_new("x", "x", "acme", NULL, PERMISSION_ADMIN, TIER_STARTER);
    void *item = admin_item_new(shape, caller);
    struct refusal refusal = {0};
    admin_given given = 0;
    if (!admin_item_take_json(shape, item, view_make(data, size), &given, &refusal) ||
        !admin_item_check(shape, "thing", item, given, &refusal))
        check_refusal(&refusal);
    refusal_clear(&refusal);
    item_free(shape, item);
    caller_unref(caller);
}

static void read_body(const uint8_t *data, size_t size, uint32_t fields)
{
    struct admin_body body;
    struct refusal refusal = {0};
    if (admin_body_parse(&body, fields, view_make(data, size), 1000, &refusal)) {
        check((body.given & ~fields) == 0 && (body.expires_ms == 0 || body.expires_ms > 1000));
        for (size_t i = 0; i < ADMIN_FIELD_N; i++)
            check(body.texts[i] == NULL || registry_name_is_valid(view_of(body.texts[i])));
        admin_body_clear(&body);
    } else {
        check_refusal(&refusal);
    }
    refusal_clear(&refusal);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const paths[] = {"/api/v2/admin/clients.csv", "/api/v2/admin/limits.csv"};
    struct registry_snapshot *snapshot = make_snapshot();
    for (size_t i = 0; i < G_N_ELEMENTS(paths); i++) {
        read_table(data, size, snapshot, paths[i], NULL);
        read_table(data, size, snapshot, paths[i], "acme");
    }
    registry_snapshot_unref(snapshot);
    read_body(data, size, ADMIN_TOKEN_FIELDS);
    read_body(data, size, ADMIN_KEY_FIELDS);
    for (int kind = 0; kind < REGISTRY_KIND_N; kind++)
        read_item(data, size, (enum registry_kind)kind);
    return 0;
}
