/* chain: see chain.h. */
#include "cli/chain.h"

#include "lib/keys.h"
#include "lib/number.h"

G_DEFINE_QUARK(daybook - chain - error - quark, chain_error)

enum { ENTRIES_AT_ONCE = 64, ENTRIES_MAX = 1 << 24 };

static void link_free(gpointer pointer)
{
    struct chain_link *link = pointer;

    g_clear_pointer(&link->record, g_bytes_unref);
    ledger_entry_free(link->entry);
    g_free(link->fault);
    g_free(link);
}

void chain_free(struct chain *chain)
{
    if (!chain)
        return;
    g_ptr_array_unref(chain->links);
    g_free(chain->checksum);
    g_free(chain);
}

static bool read_number(const struct redis_reply *reply, size_t index, const char *field, uint64_t *value, GError **error)
{
    struct view text = redis_reply_text(redis_reply_at(reply, index));

    *value = 0;
    if (text.size == 0 || (number_read(text, value) && *value <= ENTRIES_MAX))
        return true;
    g_set_error(error, CHAIN_ERROR, CHAIN_ERROR_DAMAGED, "%s of {p0}:meta in Redis is '%.*s': it must be a number from 0 to %d",
                field, (int)text.size, text.data, (int)ENTRIES_MAX);
    return false;
}

static bool read_meta(struct chain *chain, struct redis *redis, GError **error)
{
    struct redis_reply *reply = redis_call(redis, error, "HMGET {p0}:meta ledger archived ledger_checksum");

    if (!reply)
        return false;
    struct view checksum = redis_reply_text(redis_reply_at(reply, 2));
    bool ok = read_number(reply, 0, "ledger", &chain->last, error) && read_number(reply, 1, "archived", &chain->archived, error);
    chain->checksum = g_strndup(checksum.size ? checksum.data : "", checksum.size);
    redis_reply_free(reply);
    return ok;
}

static void add_link(struct chain *chain, uint64_t n, const struct redis_reply *reply)
{
    struct chain_link *link = g_new0(struct chain_link, 1);
    struct view record = redis_reply_text(reply);
    g_autoptr(GError) cause = NULL;

    link->n = n;
    g_ptr_array_add(chain->links, link);
    if (redis_reply_kind(reply) != REDIS_STRING) {
        link->fault = g_strdup("it is not there");
        return;
    }
    link->record = g_bytes_new(record.data, record.size);
    ledger_checksum(record, link->checksum);
    link->entry = ledger_entry_parse(record, &cause);
    if (!link->entry)
        link->fault = g_strdup(cause->message);
}

/* Entries first to last, in one command. */
static bool read_entries(struct chain *chain, struct redis *redis, uint64_t first, uint64_t last, GError **error)
{
    struct view argv[2 + ENTRIES_AT_ONCE] = {view_of("HMGET"), view_of("{p0}:ledger")};
    char numbers[ENTRIES_AT_ONCE][NUMBER_MAX];
    size_t argc = 2;

    for (uint64_t n = first; n <= last; n++, argc++)
        argv[argc] = view_make(numbers[argc - 2], number_write(numbers[argc - 2], n));
    struct redis_reply *reply = redis_command(redis, argc, argv, error);
    if (!reply)
        return false;
    for (uint64_t n = first; n <= last; n++)
        add_link(chain, n, redis_reply_at(reply, n - first));
    redis_reply_free(reply);
    return true;
}

struct chain *chain_read(struct shards *shards, GError **error)
{
    struct redis *redis = shards_get(shards, 0, error);
    struct chain *chain = g_new0(struct chain, 1);

    chain->links = g_ptr_array_new_with_free_func(link_free);
    bool ok = redis && read_meta(chain, redis, error);
    for (uint64_t n = 1; ok && n <= chain->last; n += ENTRIES_AT_ONCE)
        ok = read_entries(chain, redis, n, MIN(n + ENTRIES_AT_ONCE - 1, chain->last), error);
    if (ok)
        return chain;
    chain_free(chain);
    return NULL;
}

bool chain_check(const struct chain *chain, GError **error)
{
    for (guint i = 0; i < chain->links->len; i++) {
        const struct chain_link *link = g_ptr_array_index(chain->links, i);
        if (link->entry)
            continue;
        g_set_error(error, CHAIN_ERROR, CHAIN_ERROR_DAMAGED,
                    "entry %" G_GUINT64_FORMAT
                    " of the ledger in Redis ({p0}:ledger): %s (`daybook restore` takes it from the archive)",
                    link->n, link->fault);
        return false;
    }
    return true;
}

const struct chain_link *chain_find(const struct chain *chain, int64_t day, uint32_t revision)
{
    const struct chain_link *found = NULL;

    for (guint i = 0; i < chain->links->len; i++) {
        const struct chain_link *link = g_ptr_array_index(chain->links, i);
        if (!link->entry || link->entry->day != day || (revision != 0 && link->entry->revision != revision))
            continue;
        if (!found || link->entry->revision > found->entry->revision)
            found = link;
    }
    return found;
}

bool chain_is_erased(const struct chain *chain, int64_t day, uint32_t revision)
{
    for (guint i = 0; i < chain->links->len; i++) {
        const struct ledger_entry *entry = ((const struct chain_link *)g_ptr_array_index(chain->links, i))->entry;
        if (entry && entry->day == day && entry->revision > revision && entry->reason == SEAL_ERASURE)
            return true;
    }
    return false;
}
