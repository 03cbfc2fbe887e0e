#include "api/v2_execution.h"

#include "api/writer.h"
#include <jansson.h>

struct v2_execution *v2_execution_new(const struct caller *caller, const char *path_client, struct v2_body *body)
{
    struct v2_execution *execution = g_new0(struct v2_execution, 1);
    g_autofree char *id = g_uuid_string_random();
    *execution = (struct v2_execution){.users = 1,
                                       .owner = g_strdup(caller->id),
                                       .organization = g_strdup(caller->organization),
                                       .client = g_strdup(caller->client),
                                       .path_client = g_strdup(path_client),
                                       .body = *body,
                                       .pin = {0, FINALITY_NONE},
                                       .created_ms = g_get_real_time() / G_TIME_SPAN_MILLISECOND};
    g_strlcpy(execution->id, id, sizeof execution->id);
    *body = (struct v2_body){0};
    return execution;
}

struct v2_execution *v2_execution_ref(struct v2_execution *execution)
{
    g_atomic_int_inc(&execution->users);
    return execution;
}

void v2_execution_unref(struct v2_execution *execution)
{
    if (execution == NULL || !g_atomic_int_dec_and_test(&execution->users))
        return;
    g_free(execution->owner);
    g_free(execution->organization);
    g_free(execution->client);
    g_free(execution->path_client);
    g_clear_pointer(&execution->named_clients, g_ptr_array_unref);
    v2_body_clear(&execution->body);
    g_free(execution);
}

/* ---- names of clients ---- */

static GHashTable *set_of(const GPtrArray *names)
{
    GHashTable *set = g_hash_table_new(g_str_hash, g_str_equal);
    for (guint i = 0; i < names->len; i++)
        g_hash_table_add(set, names->pdata[i]);
    return set;
}

void v2_execution_resolve(struct v2_execution *execution, const struct registry_snapshot *snapshot)
{
    const char *organization = execution->organization;
    GHashTableIter iter;
    gpointer name, value;
    if (execution->body.client_names == NULL)
        return;
    GPtrArray *ids = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GHashTable) names = set_of(execution->body.client_names);
    g_hash_table_iter_init(&iter, names);
    while (g_hash_table_iter_next(&iter, &name, NULL))
        if (strcmp(registry_client_name(snapshot, organization, name), name) == 0)
            g_ptr_array_add(ids, g_strdup(name));
    g_hash_table_iter_init(&iter, snapshot->clients);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const struct registry_client *client = value;
        if ((organization == NULL || strcmp(client->organization, organization) == 0) &&
            g_hash_table_contains(names, registry_client_name(snapshot, organization, client->id)))
            g_ptr_array_add(ids, g_strdup(client->id));
    }
    v2_names_normalize(ids);
    g_clear_pointer(&execution->named_clients, g_ptr_array_unref);
    execution->named_clients = ids;
}

/* ---- who may see it ---- */

bool v2_execution_is_visible(const struct v2_execution *execution, const struct caller *caller)
{
    if (caller_sees_all(caller) && caller_may(caller, PERMISSION_ADMIN))
        return true;
    return strcmp(execution->owner, caller->id) == 0 && g_strcmp0(execution->organization, caller->organization) == 0 &&
           g_strcmp0(execution->client, caller->client) == 0;
}

static void add_text(GChecksum *checksum, const char *text)
{
    g_checksum_update(checksum, (const guchar *)(text != NULL ? "+" : "-"), 1);
    if (text != NULL)
        g_checksum_update(checksum, (const guchar *)text, (gssize)strlen(text) + 1);
}

void v2_execution_digest(const struct v2_execution *execution, char digest[V2_DIGEST_SIZE])
{
    g_autoptr(GString) body = g_string_new(NULL);
    g_autoptr(GChecksum) checksum = g_checksum_new(G_CHECKSUM_SHA256);
    v2_body_write(&execution->body, body);
    add_text(checksum, execution->owner);
    add_text(checksum, execution->organization);
    add_text(checksum, execution->client);
    add_text(checksum, execution->path_client);
    add_text(checksum, v2_kind_name(execution->body.kind));
    add_text(checksum, body->str);
    g_strlcpy(digest, g_checksum_get_string(checksum), V2_DIGEST_SIZE);
}

/* ---- as text ---- */

static void write_optional(struct writer *writer, const char *key, const char *text)
{
    if (text != NULL)
        writer_text(writer, key, view_of(text));
}

void v2_execution_write(const struct v2_execution *execution, GString *out)
{
    struct writer writer;
    g_autoptr(GString) body = g_string_new(NULL);
    v2_body_write(&execution->body, body);
    writer_init(&writer, out);
    writer_begin(&writer, NULL, '{');
    writer_text(&writer, "kind", view_of(v2_kind_name(execution->body.kind)));
    writer_text(&writer, "owner", view_of(execution->owner));
    write_optional(&writer, "organization", execution->organization);
    write_optional(&writer, "client", execution->client);
    write_optional(&writer, "pathClient", execution->path_client);
    writer_integer(&writer, "created", execution->created_ms);
    writer_count(&writer, "entries", execution->pin.n);
    writer_integer(&writer, "through", execution->pin.through);
    writer_text(&writer, "body", view_make(body->str, body->len));
    if (execution->named_clients != NULL) {
        writer_begin(&writer, "namedClients", '[');
        for (guint i = 0; i < execution->named_clients->len; i++)
            writer_text(&writer, NULL, view_of(execution->named_clients->pdata[i]));
        writer_end(&writer, ']');
    }
    writer_end(&writer, '}');
}

static bool read_kind(const char *name, enum v2_kind *kind)
{
    for (int k = 0; name != NULL && k < V2_KIND_N; k++) {
        *kind = (enum v2_kind)k;
        if (strcmp(v2_kind_name(*kind), name) == 0)
            return true;
    }
    return false;
}

static bool read_body(struct v2_execution *execution, const json_t *object)
{
    struct refusal refusal = {0};
    enum v2_kind kind;
    const char *body = json_string_value(json_object_get(object, "body"));
    bool ok = body != NULL && read_kind(json_string_value(json_object_get(object, "kind")), &kind) &&
              v2_body_parse(&execution->body, kind, view_of(body), &refusal);
    refusal_clear(&refusal);
    return ok;
}

static bool read_names(struct v2_execution *execution, const json_t *names)
{
    size_t i;
    json_t *name;
    if (names == NULL)
        return true;
    execution->named_clients = g_ptr_array_new_with_free_func(g_free);
    json_array_foreach((json_t *)names, i, name)
    {
        if (!json_is_string(name))
            return false;
        g_ptr_array_add(execution->named_clients, g_strdup(json_string_value(name)));
    }
    return json_is_array(names);
}

static bool read_all(struct v2_execution *execution, const json_t *object)
{
    execution->owner = g_strdup(json_string_value(json_object_get(object, "owner")));
    execution->organization = g_strdup(json_string_value(json_object_get(object, "organization")));
    execution->client = g_strdup(json_string_value(json_object_get(object, "client")));
    execution->path_client = g_strdup(json_string_value(json_object_get(object, "pathClient")));
    execution->created_ms = json_integer_value(json_object_get(object, "created"));
    execution->pin.n = (uint64_t)json_integer_value(json_object_get(object, "entries"));
    execution->pin.through = json_integer_value(json_object_get(object, "through"));
    return execution->owner != NULL && read_body(execution, object) &&
           read_names(execution, json_object_get(object, "namedClients"));
}

struct v2_execution *v2_execution_read(const char *id, struct view text)
{
    json_t *object = json_loadb(text.data, text.size, JSON_REJECT_DUPLICATES, NULL);
    struct v2_execution *execution = g_new0(struct v2_execution, 1);
    execution->users = 1;
    g_strlcpy(execution->id, id, sizeof execution->id);
    if (object == NULL || !read_all(execution, object)) {
        v2_execution_unref(execution);
        execution = NULL;
    }
    json_decref(object);
    return execution;
}
