#include "api/export.h"

#include "api/export_internal.h"
#include "lib/intern.h"
#include <stddef.h>
#include <sys/mman.h>
#include <unistd.h>

GQuark export_error_quark(void)
{
    return g_quark_from_static_string("daybook-export-error");
}

/* ---- cells ---- */

static const size_t count_at[] = {
    [EXPORT_STATUS200] = offsetof(struct report_counts, status200), [EXPORT_STATUS300] = offsetof(struct report_counts, status300),
    [EXPORT_STATUS400] = offsetof(struct report_counts, status400), [EXPORT_STATUS500] = offsetof(struct report_counts, status500),
    [EXPORT_STATUS429] = offsetof(struct report_counts, status429), [EXPORT_REQUESTS] = offsetof(struct report_counts, requests),
};

/* Positions in report_row.names. */
static const int name_at[] = {
    [EXPORT_CLIENT_ID] = REPORT_NAME_CLIENT, [EXPORT_ORGANIZATION] = REPORT_NAME_ORGANIZATION,
    [EXPORT_USER] = REPORT_NAME_USER,        [EXPORT_TEMPLATE] = REPORT_NAME_TEMPLATE,
    [EXPORT_METHOD] = REPORT_NAME_METHOD,    [EXPORT_PLATFORM] = REPORT_NAME_PLATFORM,
};

bool export_is_count(const struct export_column *column)
{
    return column->source >= EXPORT_STATUS200 && column->source <= EXPORT_REQUESTS;
}

uint64_t export_count(const struct export_column *column, const struct report_row *row)
{
    uint64_t count;
    memcpy(&count, (const char *)&row->counts + count_at[column->source], sizeof count);
    return count;
}

/* ---- names of clients ----
 * To look one up costs more than to write the rest of the row, and rows of few clients stand close together: a table of those seen
 * last, each in its place by hash. */

enum { PLACES = 2048 };

struct place {
    char *key; /* organization <0x1f> client */
    size_t size;
    struct view name;
};

struct export_names {
    const struct export_spec *spec;
    struct place places[PLACES];
};

struct export_names *export_names_new(const struct export_spec *spec)
{
    struct export_names *names = g_new0(struct export_names, 1);
    names->spec = spec;
    return names;
}

void export_names_free(struct export_names *names)
{
    for (size_t i = 0; i < PLACES; i++)
        g_free(names->places[i].key);
    g_free(names);
}

static char *key_of(struct view organization, struct view client, size_t *size)
{
    *size = organization.size + 1 + client.size;
    char *key = g_malloc(*size + 1);
    memcpy(key, organization.data, organization.size);
    key[organization.size] = '\0'; /* so that both parts are strings */
    memcpy(key + organization.size + 1, client.data, client.size);
    key[*size] = '\0';
    return key;
}

static bool holds(const struct place *place, struct view organization, struct view client)
{
    return place->key != NULL && place->size == organization.size + 1 + client.size &&
           memcmp(place->key, organization.data, organization.size) == 0 && place->key[organization.size] == '\0' &&
           memcmp(place->key + organization.size + 1, client.data, client.size) == 0;
}

static struct view client_name(struct export_names *names, const struct report_row *row)
{
    const struct export_spec *spec = names->spec;
    struct view client = view_make(row->names[REPORT_NAME_CLIENT].size ? row->names[REPORT_NAME_CLIENT].data : "",
                                   row->names[REPORT_NAME_CLIENT].size);
    struct view organization = view_of("");
    if (spec->by_organization && row->names[REPORT_NAME_ORGANIZATION].size > 0)
        organization = row->names[REPORT_NAME_ORGANIZATION];
    uint64_t hash = hash_bytes(client.data, client.size) ^ hash_mix(hash_bytes(organization.data, organization.size));
    struct place *place = &names->places[hash % PLACES];
    if (holds(place, organization, client))
        return place->name;
    g_free(place->key);
    place->key = key_of(organization, client, &place->size);
    const char *whose = spec->by_organization ? place->key : spec->organization;
    place->name = view_of(registry_client_name(spec->registry, whose, place->key + organization.size + 1));
    return place->name;
}

struct view export_text(struct export_names *names, const struct export_column *column, const struct report_row *row)
{
    const struct export_spec *spec = names->spec;
    if (column->source >= EXPORT_PERIOD_FIRST) {
        const GPtrArray *texts = spec->periods[column->source - EXPORT_PERIOD_FIRST];
        g_assert(row->period < texts->len);
        return view_of(g_ptr_array_index(texts, row->period));
    }
    return column->source == EXPORT_CLIENT_NAME ? client_name(names, row) : row->names[name_at[column->source]];
}

/* ---- rendering ---- */

static bool digest_file(int fd, struct export_file *file, GError **error)
{
    enum { PART = 256 * 1024 };
    g_autofree char *part = g_malloc(PART);
    uint8_t digest[32];
    gnutls_hash_hd_t hash;
    int failed = gnutls_hash_init(&hash, GNUTLS_DIG_SHA256);
    g_assert(failed == 0);
    *file = (struct export_file){.fd = fd};
    ssize_t n;
    while ((n = pread(fd, part, PART, file->size)) > 0) {
        gnutls_hash(hash, part, (size_t)n);
        file->size += n;
    }
    gnutls_hash_deinit(hash, digest);
    export_etag(digest, file->etag);
    if (n < 0)
        g_set_error(error, EXPORT_ERROR, EXPORT_ERROR_FILE, "A temporary file of an export cannot be read again.");
    return n == 0;
}

static bool render_xlsx(const struct export_spec *spec, const struct result *result, const char *directory,
                        struct export_file *file, GError **error)
{
    int fd = export_file_open(directory, error);
    if (fd < 0)
        return false;
    if (export_render_xlsx(spec, result, directory, fd, error) && digest_file(fd, file, error))
        return true;
    close(fd);
    return false;
}

bool export_render(const struct export_spec *spec, const struct result *result, const char *directory, struct export_file *file,
                   GError **error)
{
    g_assert(spec->n_columns >= 1 && spec->n_columns <= EXPORT_COLUMNS_MAX);
    if (spec->format == EXPORT_XLSX)
        return render_xlsx(spec, result, directory, file, error);
    struct export_out out;
    int fd = export_file_open(directory, error);
    if (fd < 0)
        return false;
    export_out_init(&out, fd, spec->gzip);
    export_render_text(spec, result, &out);
    return export_out_finish(&out, file, error);
}

enum { IN_MEMORY_MAX = 65536 };

bool export_bytes(struct view bytes, bool gzip, const char *directory, struct export_file *file, GError **error)
{
    struct export_out out;
    int fd = bytes.size <= IN_MEMORY_MAX ? memfd_create("answer", MFD_CLOEXEC) : -1; /* no inode to be made on a disk */
    if (fd < 0)
        fd = export_file_open(directory, error);
    if (fd < 0)
        return false;
    export_out_init(&out, fd, gzip);
    export_out_append(&out, bytes);
    return export_out_finish(&out, file, error);
}

/* ---- formats ---- */

static const struct {
    const char *suffix;
    const char *types[4]; /* the first is ours; others that are asked for by Accept */
} formats[EXPORT_FORMAT_N] = {
    [EXPORT_JSON] = {"json", {"application/json"}},
    [EXPORT_JSONL] = {"jsonl", {"application/x-ndjson", "application/jsonl", "application/x-jsonlines", "application/ndjson"}},
    [EXPORT_CSV] = {"csv", {"text/csv; charset=utf-8; header=present"}},
    [EXPORT_XLSX] = {"xlsx", {"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"}},
};

const char *export_content_type(enum export_format format)
{
    return formats[format].types[0];
}

const char *export_suffix(enum export_format format)
{
    return formats[format].suffix;
}

bool export_format_parse(const char *suffix, enum export_format *format)
{
    for (int i = 0; i < EXPORT_FORMAT_N; i++)
        if (g_ascii_strcasecmp(suffix, formats[i].suffix) == 0) {
            *format = (enum export_format)i;
            return true;
        }
    return false;
}

/* A media type alone, without parameters: "text/csv" is that of "text/csv; charset=utf-8". */
static bool same_type(const char *type, const char *ours)
{
    size_t size = strcspn(ours, ";");
    return strlen(type) == size && g_ascii_strncasecmp(type, ours, size) == 0;
}

static bool find_type(const char *type, enum export_format *format)
{
    for (int i = 0; i < EXPORT_FORMAT_N; i++)
        for (size_t k = 0; k < G_N_ELEMENTS(formats[i].types) && formats[i].types[k] != NULL; k++)
            if (same_type(type, formats[i].types[k])) {
                *format = (enum export_format)i;
                return true;
            }
    *format = EXPORT_JSON;
    return strcmp(type, "*/*") == 0 || strcmp(type, "application/*") == 0;
}

/* In thousandths; RFC 9110, 12.4.2. What is no weight is 1000. */
static int weight_of(char *const *parameters)
{
    for (; *parameters != NULL; parameters++) {
        const char *parameter = g_strstrip(*parameters);
        if (g_ascii_strncasecmp(parameter, "q=", 2) == 0)
            return (int)(CLAMP(g_ascii_strtod(parameter + 2, NULL), 0, 1) * 1000);
    }
    return 1000;
}

enum export_format export_format_of_accept(const char *accept)
{
    enum { ITEMS_MAX = 32 };
    enum export_format best = EXPORT_JSON;
    int best_weight = 0;
    g_auto(GStrv) items = g_strsplit(accept != NULL ? accept : "", ",", ITEMS_MAX);
    for (char **item = items; *item != NULL; item++) {
        enum export_format format;
        g_auto(GStrv) parts = g_strsplit(*item, ";", 8);
        if (parts[0] == NULL || !find_type(g_strstrip(parts[0]), &format))
            continue;
        int weight = weight_of(parts + 1);
        if (weight > best_weight) {
            best = format;
            best_weight = weight;
        }
    }
    return best;
}
