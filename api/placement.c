#include "api/placement.h"

#include "lib/hex.h"
#include "lib/keys.h"
#include "lib/number.h"

enum { PROOF = 8, TEXT_MAX = NUMBER_MAX + 2 * PROOF + 2 };
static const char key[] = "{daybook}:placement";

/* What is known of an entry; the first bytes of its checksum are enough to tell it from another ledger's. */
struct known {
    uint64_t n;
    uint32_t partitions;
    uint8_t proof[PROOF];
};

struct placement {
    GMutex lock;
    GHashTable *by_n; /* n -> struct known */
    GArray *learned;  /* struct known: not in Redis yet */
    bool loaded;
};

struct placement *placement_new(void)
{
    struct placement *placement = g_new0(struct placement, 1);
    g_mutex_init(&placement->lock);
    placement->by_n = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, g_free);
    placement->learned = g_array_new(FALSE, FALSE, sizeof(struct known));
    return placement;
}

void placement_free(struct placement *placement)
{
    if (placement == NULL)
        return;
    g_hash_table_destroy(placement->by_n);
    g_array_free(placement->learned, TRUE);
    g_mutex_clear(&placement->lock);
    g_free(placement);
}

bool placement_fits(const struct sheet *sheet, uint32_t partitions)
{
    for (uint32_t i = 0; i < sheet_client_count(sheet); i++) {
        struct sheet_client client;
        sheet_client_get(sheet, i, &client);
        const struct view organization = sheet_symbol(sheet, client.organization), name = sheet_symbol(sheet, client.client);
        if (partition_of(organization, name, partitions) != sheet_header(sheet)->partition && !view_is(name, KEYS_OTHER))
            return false;
    }
    return true;
}

static struct known known_of(const struct closed_entry *entry)
{
    struct known known = {.n = entry->n, .partitions = entry->partitions};
    memcpy(known.proof, entry->checksum, sizeof known.proof);
    return known;
}

static bool is_same(const struct known *a, const struct known *b)
{
    return a->partitions == b->partitions && memcmp(a->proof, b->proof, sizeof a->proof) == 0;
}

/* Under the lock. False: it was known, or there is no room. */
static bool note(struct placement *placement, const struct known *known)
{
    const struct known *before = g_hash_table_lookup(placement->by_n, &known->n);
    if (before != NULL ? is_same(before, known) : g_hash_table_size(placement->by_n) >= PLACEMENT_MAX)
        return false;
    struct known *copy = g_memdup2(known, sizeof *known);
    g_hash_table_replace(placement->by_n, &copy->n, copy);
    return true;
}

void placement_learn(struct placement *placement, const struct closed_entry *entry)
{
    const struct known known = known_of(entry);
    g_mutex_lock(&placement->lock);
    if (note(placement, &known))
        g_array_append_val(placement->learned, known);
    g_mutex_unlock(&placement->lock);
}

bool placement_knows(struct placement *placement, const struct closed_entry *entry)
{
    const struct known wanted = known_of(entry);
    g_mutex_lock(&placement->lock);
    const struct known *known = g_hash_table_lookup(placement->by_n, &wanted.n);
    const bool knows = known != NULL && is_same(known, &wanted);
    g_mutex_unlock(&placement->lock);
    return knows;
}

/* ---- Redis ---- */

/* What cannot be read is as good as not there. */
static void take(struct view name, struct view value, void *opaque, size_t a)
{
    (void)a;
    struct placement *placement = opaque;
    struct known known;
    uint64_t partitions;
    const char *at = value.data, *end = value.data + value.size;
    if (!number_read(name, &known.n) || !number_scan(&at, end, &partitions) || partitions > READER_PARTITIONS_MAX || at == end ||
        *at++ != ' ' || !hex_read(view_make(at, (size_t)(end - at)), known.proof, sizeof known.proof))
        return;
    known.partitions = (uint32_t)partitions;
    g_mutex_lock(&placement->lock);
    note(placement, &known);
    g_mutex_unlock(&placement->lock);
}

bool placement_load(struct placement *placement, struct reader *reader, GError **error)
{
    g_mutex_lock(&placement->lock);
    const bool loaded = placement->loaded;
    placement->loaded = true;
    g_mutex_unlock(&placement->lock);
    if (loaded)
        return true;
    reader_scan(reader, READER_CONTROL, "HSCAN", key, NULL, (struct reader_pairs){.each = take, .opaque = placement});
    const bool ok = reader_finish(reader, error);
    if (!ok) {
        g_mutex_lock(&placement->lock);
        placement->loaded = false;
        g_mutex_unlock(&placement->lock);
    }
    return ok;
}

static void take_nothing(struct reader *reader, const struct redis_reply *reply, void *opaque, size_t a, size_t b)
{
    (void)reader, (void)reply, (void)opaque, (void)a, (void)b;
}

static void ask_to_write(struct reader *reader, const struct known *known)
{
    char n[NUMBER_MAX], text[TEXT_MAX];
    size_t size = number_write(text, known->partitions);
    text[size++] = ' ';
    hex_write(text + size, known->proof, sizeof known->proof);
    const struct view argv[] = {view_of("HSET"), view_of(key), view_make(n, number_write(n, known->n)),
                                view_make(text, size + 2 * sizeof known->proof)};
    reader_ask(reader, READER_CONTROL, argv, G_N_ELEMENTS(argv), (struct reader_then){.take = take_nothing});
}

bool placement_store(struct placement *placement, struct reader *reader, GError **error)
{
    g_mutex_lock(&placement->lock);
    g_autoptr(GArray) learned = g_steal_pointer(&placement->learned);
    placement->learned = g_array_new(FALSE, FALSE, sizeof(struct known));
    g_mutex_unlock(&placement->lock);
    for (guint i = 0; i < learned->len; i++)
        ask_to_write(reader, &g_array_index(learned, struct known, i));
    return learned->len == 0 || reader_finish(reader, error);
}
