#include "api/executions.h"

#include "lib/number.h"

#define KEPT "86400"
#define SAME "10"
G_STATIC_ASSERT(EXECUTIONS_KEPT_S == 86400 && EXECUTIONS_SAME_S == 10);

enum { KEY_MAX = 128 };

void v2_end_clear(struct v2_end *end)
{
    g_free(end->reason);
    *end = (struct v2_end){0};
}

/* As g_uuid_string_random writes it: one spelling for each. */
bool executions_is_id(const char *text)
{
    for (const char *at = text; *at != '\0'; at++)
        if (g_ascii_isupper(*at))
            return false;
    return strlen(text) == V2_ID_SIZE - 1 && g_uuid_string_is_valid(text);
}

static struct view make_key(char out[KEY_MAX], const char *kind, const char *name)
{
    return view_make(out, (size_t)g_snprintf(out, KEY_MAX, "{daybook}:%s:%s", kind, name));
}

static void take_text(struct reader *reader, const struct redis_reply *reply, void *opaque, size_t a, size_t b)
{
    (void)reader, (void)a, (void)b;
    char **text = opaque;
    struct view value = redis_reply_text(reply);
    g_free(*text);
    *text = redis_reply_kind(reply) == REDIS_STRING ? g_strndup(value.data != NULL ? value.data : "", value.size) : NULL;
}

static void ignore(struct reader *reader, const struct redis_reply *reply, void *opaque, size_t a, size_t b)
{
    (void)reader, (void)reply, (void)opaque, (void)a, (void)b;
}

/* text is NULL after reader_finish where there is no such key. */
static void ask_get(struct reader *reader, struct view key, char **text)
{
    const struct view argv[] = {view_of("GET"), key};
    reader_ask(reader, READER_CONTROL, argv, G_N_ELEMENTS(argv), (struct reader_then){.take = take_text, .opaque = text});
}

static bool get_same(struct reader *reader, struct view key, char id[V2_ID_SIZE], bool *found, GError **error)
{
    g_autofree char *text = NULL;
    ask_get(reader, key, &text);
    if (!reader_finish(reader, error))
        return false;
    *found = text != NULL && executions_is_id(text);
    if (*found)
        g_strlcpy(id, text, V2_ID_SIZE);
    return true;
}

/* ---- how much a caller has kept ---- */

static void take_number(struct reader *reader, const struct redis_reply *reply, void *opaque, size_t a, size_t b)
{
    (void)reader, (void)a, (void)b;
    int64_t *number = opaque;
    *number = redis_reply_kind(reply) == REDIS_INTEGER ? redis_reply_integer(reply) : 0;
}

/* Counts first: what is refused counts, too, until the day of the first one has passed. */
static bool count_kept(struct reader *reader, const char *owner, size_t bytes, bool *too_much, GError **error)
{
    char size[NUMBER_MAX];
    int64_t kept = 0;
    g_autofree char *key = g_strconcat("{daybook}:kept:", owner, NULL);
    const struct view begin[] = {view_of("SET"), view_of(key), view_of("0"), view_of("EX"), view_of(KEPT), view_of("NX")};
    const struct view add[] = {view_of("INCRBY"), view_of(key), view_make(size, number_write(size, bytes))};
    reader_ask(reader, READER_CONTROL, begin, G_N_ELEMENTS(begin), (struct reader_then){.take = ignore});
    reader_ask(reader, READER_CONTROL, add, G_N_ELEMENTS(add), (struct reader_then){.take = take_number, .opaque = &kept});
    bool ok = reader_finish(reader, error);
    *too_much = kept > EXECUTIONS_BYTES_MAX;
    return ok;
}

/* ---- keeping ---- */

/* The execution is there before anybody can learn its id. */
bool executions_keep(struct reader *reader, const struct v2_execution *execution, char id[V2_ID_SIZE], GError **error)
{
    char key[KEY_MAX], same[KEY_MAX], digest[V2_DIGEST_SIZE];
    bool found;
    g_autoptr(GString) text = g_string_new(NULL);
    v2_execution_digest(execution, digest);
    v2_execution_write(execution, text);
    struct view same_key = make_key(same, "same", digest);
    if (!get_same(reader, same_key, id, &found, error))
        return false;
    if (found)
        return true;
    bool too_much;
    id[0] = '\0';
    if (!count_kept(reader, execution->owner, text->len, &too_much, error))
        return false;
    if (too_much)
        return true;
    const struct view set[] = {view_of("SET"), make_key(key, "execution", execution->id), view_make(text->str, text->len),
                               view_of("EX"), view_of(KEPT)};
    const struct view set_same[] = {view_of("SET"), same_key, view_of(execution->id), view_of("EX"), view_of(SAME), view_of("NX")};
    reader_ask(reader, READER_CONTROL, set, G_N_ELEMENTS(set), (struct reader_then){.take = ignore});
    reader_ask(reader, READER_CONTROL, set_same, G_N_ELEMENTS(set_same), (struct reader_then){.take = ignore});
    if (!get_same(reader, same_key, id, &found, error)) /* another POST may have come first */
        return false;
    if (!found)
        g_strlcpy(id, execution->id, V2_ID_SIZE);
    return true;
}

/* ---- finding ---- */

static void read_end(const char *text, struct v2_end *end)
{
    bool cancelled = g_str_has_prefix(text, "cancelled ");
    const char *blank = strchr(text, ' ');
    *end = (struct v2_end){cancelled ? V2_CANCELLED : V2_FAILED, g_strdup(blank != NULL ? blank + 1 : "")};
}

bool executions_find(struct reader *reader, const char *id, struct v2_execution **execution, struct v2_end *end, GError **error)
{
    char key[KEY_MAX], ended[KEY_MAX];
    g_autofree char *text = NULL;
    g_autofree char *how = NULL;
    *execution = NULL;
    *end = (struct v2_end){0};
    ask_get(reader, make_key(key, "execution", id), &text);
    ask_get(reader, make_key(ended, "ended", id), &how);
    if (!reader_finish(reader, error))
        return false;
    if (text == NULL)
        return true;
    *execution = v2_execution_read(id, view_of(text));
    if (*execution == NULL) {
        g_set_error(error, READER_ERROR, READER_ERROR_DATA, "The text of %s cannot be read.", key);
        return false;
    }
    if (how != NULL)
        read_end(how, end);
    return true;
}

/* Who asks the same again wants another try. */
bool executions_end(struct reader *reader, const struct v2_execution *execution, const struct v2_end *end, GError **error)
{
    char key[KEY_MAX], same[KEY_MAX], digest[V2_DIGEST_SIZE];
    g_autofree char *text =
        g_strdup_printf("%s %.*s", end->kind == V2_CANCELLED ? "cancelled" : "failed", EXECUTIONS_REASON_MAX, end->reason);
    const struct view set[] = {view_of("SET"), make_key(key, "ended", execution->id), view_of(text), view_of("EX"), view_of(KEPT),
                               view_of("NX")};
    v2_execution_digest(execution, digest);
    const struct view forget[] = {view_of("UNLINK"), make_key(same, "same", digest)};
    reader_ask(reader, READER_CONTROL, set, G_N_ELEMENTS(set), (struct reader_then){.take = ignore});
    reader_ask(reader, READER_CONTROL, forget, G_N_ELEMENTS(forget), (struct reader_then){.take = ignore});
    return reader_finish(reader, error);
}
