/* A table of clients made of any bytes, for an administrator of one organization and for one of all; and any bytes as a body of
 * JSON. What is taken is valid, once each, and of whom the administrator may change; what is refused says where and why. */
#include "api/admin_csv.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool condition)
{
    if (!condition)
        abort();
}

static void check_client(const struct registry_client *client, const struct caller *caller)
{
    const char *const texts[] = {client->id, client->name, client->organization, client->platform, client->plan};
    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++)
        check(registry_name_is_valid(view_of(texts[i])));
    check(client->id[0] != '\0' && client->tier < TIER_N);
    check(caller->organization == NULL ||
          (strcmp(client->organization, caller->organization) == 0 && client->tier <= caller->tier));
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
    for (guint i = 0; i < csv->clients->len; i++) {
        const struct registry_client *client = g_ptr_array_index(csv->clients, i);
        check_client(client, caller);
        check(g_hash_table_add(seen, registry_client_key(client->organization, client->id)));
    }
    check(csv->created + csv->changed == csv->clients->len && csv->bad->len <= csv->n_bad);
    check(csv->bad->len <= ADMIN_CSV_LINES_TOLD && (csv->bad->len > 0) == (csv->n_bad > 0));
    for (guint i = 0; i < csv->bad->len; i++) {
        const struct admin_csv_bad *bad = &g_array_index(csv->bad, struct admin_csv_bad, i);
        check_refusal(&bad->refusal);
        check(bad->line >= line);
        line = bad->line;
    }
}

static struct registry_snapshot *make_snapshot(void)
{
    struct registry_snapshot *snapshot = registry_snapshot_new(1);
    struct registry_client client = {.id = (char[]){"c"}, .name = (char[]){"n"}, .organization = (char[]){"acme"}};
    client.platform = client.plan = (char[]){""};
    check(registry_snapshot_add(snapshot, REGISTRY_CLIENTS, registry_client_dup(&client)));
    registry_snapshot_seal(snapshot, NULL);
    return snapshot;
}

static void read_table(const uint8_t *data, size_t size, const struct registry_snapshot *snapshot, const char *organization)
{
    struct admin_csv csv;
    struct caller *caller = caller_new("x", "x", organization, NULL, PERMISSION_ADMIN, TIER_STARTER);
    admin_csv_read(&csv, view_make(data, size), caller, snapshot);
    check_table(&csv, caller);
    admin_csv_clear(&csv);
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
    struct registry_snapshot *snapshot = make_snapshot();
    read_table(data, size, snapshot, NULL);
    read_table(data, size, snapshot, "acme");
    registry_snapshot_unref(snapshot);
    read_body(data, size, ADMIN_CLIENT_FIELDS);
    read_body(data, size, ADMIN_TOKEN_FIELDS);
    read_body(data, size, ADMIN_KEY_FIELDS);
    return 0;
}
