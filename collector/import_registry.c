#include "collector/import_registry.h"
#include "lib/hex.h"
#include "lib/keys.h"
#include "lib/number.h"

enum { COLUMNS = 6, SMALL_BYTES = 1024 * 1024 };

struct import_registry {
    const struct redis_settings *settings;
    uint32_t partition_count;
    bool shared;          /* one connection serves all partitions: not a cluster */
    struct redis **links; /* by partition; only the first when shared; NULL: not connected */
};

/* ---- entries ---- */

void import_entry_free(struct import_entry *entry)
{
    if (entry)
        g_free(entry->name);
    g_free(entry);
}

static bool read_hex(struct view hex, uint8_t *out, size_t size)
{
    if (hex.size != size * 2)
        return false;
    for (size_t i = 0; i < size; i++) {
        if (!g_ascii_isxdigit(hex.data[i * 2]) || !g_ascii_isxdigit(hex.data[i * 2 + 1]))
            return false;
        out[i] = (uint8_t)(g_ascii_xdigit_value(hex.data[i * 2]) * 16 + g_ascii_xdigit_value(hex.data[i * 2 + 1]));
    }
    return true;
}

struct import_entry *import_entry_parse(struct view stream, struct view text)
{
    g_autofree char *copy = g_strndup(text.data, text.size);
    g_auto(GStrv) column = g_strsplit(copy, " ", COLUMNS);
    uint64_t partitions = 0;
    struct import_entry *entry = g_new0(struct import_entry, 1);
    if (g_strv_length(column) == COLUMNS && number_read(view_of(column[0]), &partitions) && partitions <= UINT32_MAX &&
        read_hex(stream, entry->stream_id, sizeof entry->stream_id) &&
        read_hex(view_of(column[1]), entry->rules_digest, sizeof entry->rules_digest) &&
        read_hex(view_of(column[2]), entry->head_digest, sizeof entry->head_digest) &&
        number_read(view_of(column[3]), &entry->size_bytes) && number_read(view_of(column[4]), &entry->first_line)) {
        entry->partition_count = (uint32_t)partitions;
        entry->name = g_strdup(column[5]);
        return entry;
    }
    import_entry_free(entry);
    return NULL;
}

/* ---- Redis ---- */

struct import_registry *import_registry_new(const struct redis_settings *settings, uint32_t partition_count)
{
    struct import_registry *registry = g_new0(struct import_registry, 1);
    registry->settings = settings;
    registry->partition_count = partition_count;
    registry->shared = !g_str_has_prefix(settings->url, "redis+cluster://");
    registry->links = g_new0(struct redis *, partition_count);
    return registry;
}

void import_registry_free(struct import_registry *registry)
{
    if (registry == NULL)
        return;
    for (uint32_t i = 0; i < registry->partition_count; i++) {
        if (registry->links[i])
            redis_free(registry->links[i]);
    }
    g_free(registry->links);
    g_free(registry);
}

/* The reply to `COMMAND key` or `COMMAND key argument` of a partition's key; argument NULL: none. */
static struct redis_reply *ask(struct import_registry *registry, uint32_t partition, const char *command, const char *kind,
                               const char *argument, GError **error)
{
    char key[KEYS_MAX];
    struct redis **link = &registry->links[registry->shared ? 0 : partition];
    keys_plain(key, (int)partition, kind);
    if (*link && redis_broken(*link)) {
        redis_free(*link);
        *link = NULL;
    }
    if (*link == NULL)
        *link = redis_connect(registry->settings, key, error);
    if (*link == NULL)
        return NULL;
    struct view argv[] = {view_of(command), view_of(key), view_of(argument)};
    return redis_command(*link, argument ? 3 : 2, argv, error);
}

GPtrArray *import_registry_entries(struct import_registry *registry, GError **error)
{
    struct redis_reply *reply = ask(registry, 0, "HGETALL", "imports", NULL, error);
    if (reply == NULL)
        return NULL;
    GPtrArray *entries = g_ptr_array_new_with_free_func((GDestroyNotify)import_entry_free);
    for (size_t i = 0; i + 1 < redis_reply_count(reply); i += 2) {
        struct view stream = redis_reply_text(redis_reply_at(reply, i));
        struct import_entry *entry = import_entry_parse(stream, redis_reply_text(redis_reply_at(reply, i + 1)));
        if (entry)
            g_ptr_array_add(entries, entry);
    }
    redis_reply_free(reply);
    return entries;
}

bool import_registry_counted(struct import_registry *registry, const uint8_t stream_id[STREAM_ID_SIZE], uint64_t *sequences,
                             GError **error)
{
    char stream[2 * STREAM_ID_SIZE + 1];
    hex_write(stream, stream_id, STREAM_ID_SIZE);
    for (uint32_t i = 0; i < registry->partition_count; i++) {
        struct redis_reply *reply = ask(registry, i, "HGET", "hw", stream, error);
        if (reply == NULL)
            return false;
        struct view text = redis_reply_text(reply);
        const char *cursor = text.data;
        if (text.size == 0 || !number_scan(&cursor, text.data + text.size, &sequences[i]))
            sequences[i] = 0;
        redis_reply_free(reply);
    }
    return true;
}

/* ---- judging ---- */

static enum import_standing refuse(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);

static enum import_standing refuse(GError **error, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    g_autofree char *message = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    g_set_error_literal(error, IMPORT_ERROR, IMPORT_ERROR_REFUSED, message);
    return IMPORT_REFUSED;
}

static enum import_standing judge_same(const struct import_entry *entry, const struct import_entry *wanted, GError **error)
{
    if (entry->partition_count != wanted->partition_count)
        return refuse(error,
                      "This was imported before, as %s, into a topic of %u partitions; now there are %u. A repeat would count its "
                      "requests again, in other partitions.",
                      entry->name, entry->partition_count, wanted->partition_count);
    if (memcmp(entry->rules_digest, wanted->rules_digest, sizeof entry->rules_digest) != 0)
        return refuse(
            error,
            "This was imported before, as %s, under other rules (field map, organization, platform, route templates, client "
            "identity or exclusions), or by a version of daybook that cuts batches otherwise. A repeat would not be the same "
            "and cannot be told from what is counted.",
            entry->name);
    return IMPORT_BEGUN;
}

/* Whether it pays to digest that part of the file, to see if it was imported as this entry. */
static bool may_overlap(const struct import_plan *plan, const struct import_entry *entry, const struct import_entry *wanted)
{
    if (entry->first_line > plan->first_line)
        return false;
    if (entry->first_line == plan->first_line)
        return entry->size_bytes <= SMALL_BYTES || memcmp(entry->head_digest, wanted->head_digest, sizeof entry->head_digest) == 0;
    return entry->size_bytes <= SMALL_BYTES || strcmp(entry->name, wanted->name) == 0;
}

static enum import_standing judge_other(const struct import_entry *entry, const struct import_plan *plan, const char *format,
                                        const struct import_entry *wanted, GError **error)
{
    uint8_t stream_id[STREAM_ID_SIZE];
    uint64_t n_lines = 0;
    if (may_overlap(plan, entry, wanted) &&
        import_plan_other(plan, format, entry->first_line, entry->size_bytes, stream_id, &n_lines) &&
        memcmp(stream_id, entry->stream_id, sizeof stream_id) == 0 && entry->first_line + n_lines > plan->first_line) {
        return refuse(error,
                      "Lines %" G_GUINT64_FORMAT " to %" G_GUINT64_FORMAT
                      " of this file were imported before, as %s. Import what was added "
                      "since with --from-line %" G_GUINT64_FORMAT
                      ", and a log that is still being written follow (docs/FOLLOWING.md). If that "
                      "import was interrupted, end it first with --from-line %" G_GUINT64_FORMAT " --lines %" G_GUINT64_FORMAT ".",
                      entry->first_line, entry->first_line + n_lines - 1, entry->name, entry->first_line + n_lines,
                      entry->first_line, n_lines);
    }
    if (memcmp(entry->head_digest, wanted->head_digest, sizeof entry->head_digest) == 0)
        return refuse(
            error,
            "Something else with the same first %d lines was imported before, as %s (%" G_GUINT64_FORMAT
            " bytes from line %" G_GUINT64_FORMAT
            "): the same log at another time, or in another format. Its requests would be counted twice. Use --from-line for "
            "what is new in it.",
            IMPORT_HEAD_LINES, entry->name, entry->size_bytes, entry->first_line);
    return IMPORT_NEW;
}

enum import_standing import_registry_judge(const GPtrArray *entries, const struct import_plan *plan, const char *format,
                                           const struct import_entry *wanted, GError **error)
{
    for (guint i = 0; i < entries->len; i++) {
        const struct import_entry *entry = g_ptr_array_index(entries, i);
        if (memcmp(entry->stream_id, wanted->stream_id, sizeof entry->stream_id) == 0)
            return judge_same(entry, wanted, error);
    }
    for (guint i = 0; i < entries->len; i++) {
        if (judge_other(g_ptr_array_index(entries, i), plan, format, wanted, error) == IMPORT_REFUSED)
            return IMPORT_REFUSED;
    }
    return IMPORT_NEW;
}
