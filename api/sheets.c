/* sheets: a cache of open sheets with a count of users each: a sheet that is pushed out while it is read is freed by its last user.
 *
 * Sheets are read in groups, so that a query over a year does not wait for a round trip for each, and groups are bounded by the
 * rows that their sheets are known to have, so that neither Redis nor this process holds many of them at a time besides the
 * cache. */
#include "api/sheets.h"

#include "api/meters.h"
#include "api/placement.h"
#include "lib/keys.h"
#include "lib/log.h"
#include "lib/sheet_fetch.h"

enum {
    GROUP_FIRST = 16, /* sheets read together: few first, since a search may end soon */
    GROUP_MAX = 128,
    GROUP_ROWS_MAX = 1 << 20,
    SYMBOL_BYTES = 16, /* what an open sheet holds besides its bytes: for a symbol, a client, and at all */
    CLIENT_BYTES = 48,
    SHEET_BYTES = 1024,
};

struct key {
    struct sheet_name name;
    uint8_t checksum[SHEET_CHECKSUM_SIZE];
};

struct sheets_hold {
    struct key key;
    struct sheet *sheet;
    size_t bytes;
    guint users; /* under the lock; the cache itself is one */
    GList link;  /* in the order of use */
};

struct sheets {
    struct archive *archive;
    struct metrics *metrics;
    struct placement *placement;
    size_t bytes_max;
    GMutex lock; /* of all below */
    GHashTable *by_key;
    GQueue order; /* the most recently used first */
    size_t bytes;
};

/* ---- the cache ---- */

static guint hash_key(gconstpointer key)
{
    guint hash;
    memcpy(&hash, ((const struct key *)key)->checksum, sizeof hash); /* of a SHA-256: as good as any */
    return hash;
}

static gboolean equal_keys(gconstpointer a, gconstpointer b)
{
    const struct key *x = a, *y = b;
    return x->name.partition == y->name.partition && x->name.day == y->name.day && x->name.revision == y->name.revision &&
           memcmp(x->checksum, y->checksum, sizeof x->checksum) == 0;
}

struct sheets *sheets_new(size_t bytes_max, struct archive *archive, struct metrics *metrics)
{
    struct sheets *sheets = g_new0(struct sheets, 1);
    sheets->archive = archive;
    sheets->metrics = metrics;
    sheets->placement = placement_new();
    sheets->bytes_max = bytes_max;
    g_mutex_init(&sheets->lock);
    sheets->by_key = g_hash_table_new(hash_key, equal_keys);
    g_queue_init(&sheets->order);
    return sheets;
}

static void drop_user(struct sheets_hold *held)
{
    if (--held->users > 0)
        return;
    sheet_free(held->sheet);
    g_free(held);
}

static void forget(struct sheets *sheets, struct sheets_hold *held)
{
    g_hash_table_remove(sheets->by_key, &held->key);
    g_queue_unlink(&sheets->order, &held->link);
    sheets->bytes -= held->bytes;
    drop_user(held);
}

void sheets_free(struct sheets *sheets)
{
    if (sheets == NULL)
        return;
    while (sheets->order.tail != NULL)
        forget(sheets, sheets->order.tail->data);
    g_hash_table_destroy(sheets->by_key);
    placement_free(sheets->placement);
    g_mutex_clear(&sheets->lock);
    g_free(sheets);
}

struct placement *sheets_placement(struct sheets *sheets)
{
    return sheets->placement;
}

static struct sheets_hold *use(struct sheets *sheets, const struct key *key)
{
    struct sheets_hold *held = g_hash_table_lookup(sheets->by_key, key);
    if (held == NULL)
        return NULL;
    held->users++;
    g_queue_unlink(&sheets->order, &held->link);
    g_queue_push_head_link(&sheets->order, &held->link);
    return held;
}

static struct key key_of(const struct sheet_want *want)
{
    struct key key;
    memset(&key, 0, sizeof key);
    key.name = want->name;
    memcpy(key.checksum, want->checksum, sizeof key.checksum);
    return key;
}

static struct sheets_hold *take(struct sheets *sheets, const struct sheet_want *want)
{
    const struct key key = key_of(want);
    g_mutex_lock(&sheets->lock);
    struct sheets_hold *held = use(sheets, &key);
    g_mutex_unlock(&sheets->lock);
    return held;
}

static void give_back(struct sheets *sheets, struct sheets_hold *held)
{
    g_mutex_lock(&sheets->lock);
    drop_user(held);
    g_mutex_unlock(&sheets->lock);
}

/* Keeps what was opened and hands it out; if another worker was faster, its copy. */
static struct sheets_hold *keep(struct sheets *sheets, const struct sheet_want *want, struct sheet *sheet, size_t bytes)
{
    const struct key key = key_of(want);
    g_mutex_lock(&sheets->lock);
    struct sheets_hold *held = use(sheets, &key);
    if (held == NULL) {
        held = g_new0(struct sheets_hold, 1);
        *held = (struct sheets_hold){.key = key, .sheet = sheet, .users = 2, .link = {.data = held}};
        held->bytes = bytes + sheet_symbol_count(sheet) * SYMBOL_BYTES + sheet_client_count(sheet) * CLIENT_BYTES + SHEET_BYTES;
        g_hash_table_insert(sheets->by_key, &held->key, held);
        g_queue_push_head_link(&sheets->order, &held->link);
        sheets->bytes += held->bytes;
    } else {
        sheet_free(sheet);
    }
    while (sheets->bytes > sheets->bytes_max && sheets->order.tail != NULL)
        forget(sheets, sheets->order.tail->data);
    metrics_set(sheets->metrics, METER_SHEETS_BYTES, NULL, (int64_t)sheets->bytes);
    g_mutex_unlock(&sheets->lock);
    return held;
}

/* ---- reading what is missing ---- */

/* Sheets that are read together. */
struct group {
    struct sheets *sheets;
    struct sheet_want **wanted;
    struct sheets_hold *held[GROUP_MAX];
    GError *wrong[GROUP_MAX]; /* why Redis' copy is of no use */
    guint n;
};

static bool is_the_one(const struct sheet *sheet, const struct sheet_name *name)
{
    const struct sheet_header *header = sheet_header(sheet);
    return header->partition == (uint32_t)name->partition && header->day == (uint32_t)name->day &&
           header->revision == (uint32_t)name->revision;
}

/* Consumes the bytes. */
static struct sheets_hold *open_one(struct sheets *sheets, const struct sheet_want *want, GBytes *bytes, GError **error)
{
    struct sheet *sheet = bytes != NULL ? sheet_open_lazily(bytes, error) : NULL;
    size_t size = bytes != NULL ? g_bytes_get_size(bytes) : 0;
    g_bytes_unref(bytes);
    if (sheet == NULL)
        return NULL;
    if (is_the_one(sheet, &want->name))
        return keep(sheets, want, sheet, size);
    sheet_free(sheet);
    g_set_error(error, READER_ERROR, READER_ERROR_COPY, "it is the sheet of another day, partition or revision");
    return NULL;
}

void sheets_ask(struct reader *reader, const struct sheet_want *want, struct reader_then then)
{
    const struct sheet_name *name = &want->name;
    char key[KEYS_MAX];
    const struct view argv[] = {view_of("GET"), view_make(key, keys_sheet(key, name->partition, name->day, name->revision))};
    reader_ask(reader, name->partition, argv, G_N_ELEMENTS(argv), then);
}

static void take_reply(struct reader *reader, const struct redis_reply *reply, void *opaque, size_t i, size_t b)
{
    (void)reader, (void)b;
    struct group *group = opaque;
    const struct sheet_want *want = group->wanted[i];
    GBytes *bytes = sheet_fetch_reply(reply, &want->name, want->checksum, &group->wrong[i]);
    group->held[i] = open_one(group->sheets, want, bytes, &group->wrong[i]);
    metrics_add(group->sheets->metrics, METER_SHEETS_READ, "redis", group->held[i] != NULL);
}

static bool read_from_redis(struct group *group, struct reader *reader, GError **error)
{
    for (guint i = 0; i < group->n; i++) {
        group->held[i] = take(group->sheets, group->wanted[i]);
        if (group->held[i] == NULL)
            sheets_ask(reader, group->wanted[i], (struct reader_then){.take = take_reply, .opaque = group, .a = i});
    }
    return reader_finish(reader, error);
}

static void refuse(const struct sheet_want *want, const GError *redis, const GError *archive, GError **error)
{
    char key[KEYS_MAX];
    keys_sheet(key, want->name.partition, want->name.day, want->name.revision);
    g_set_error(error, READER_ERROR, READER_ERROR_COPY, "The sheet %s cannot be had: %s; %s.", key,
                redis != NULL ? redis->message : "it is not in Redis",
                archive != NULL ? archive->message : "no archive is configured");
}

/* From the archive; redis: why Redis' copy is of no use, or NULL. */
static struct sheets_hold *open_archived(struct sheets *sheets, const struct sheet_want *want, const GError *redis, GError **error)
{
    g_autoptr(GError) wrong = NULL;
    GBytes *bytes = sheets->archive != NULL ? archive_get_sheet(sheets->archive, &want->name, want->checksum, &wrong) : NULL;
    struct sheets_hold *held = open_one(sheets, want, bytes, &wrong);
    if (held == NULL) {
        refuse(want, redis, wrong, error);
        return NULL;
    }
    metrics_add(sheets->metrics, METER_SHEETS_READ, "archive", 1);
    log_warn("sheet_from_archive", "partition=%d day=%" G_GINT64_FORMAT " revision=%d why=%s", want->name.partition, want->name.day,
             want->name.revision, redis != NULL ? redis->message : "missing");
    return held;
}

static bool read_group(struct group *group, struct reader *reader, GError **error)
{
    if (!read_from_redis(group, reader, error))
        return false;
    for (guint i = 0; i < group->n; i++) {
        if (group->held[i] == NULL)
            group->held[i] = open_archived(group->sheets, group->wanted[i], group->wrong[i], error);
        if (group->held[i] == NULL)
            return false;
    }
    return true;
}

static void end_group(struct group *group)
{
    for (guint i = 0; i < group->n; i++) {
        g_clear_error(&group->wrong[i]);
        if (group->held[i] != NULL)
            give_back(group->sheets, group->held[i]);
        group->held[i] = NULL;
    }
}

/* How many of the wanted from first on are read together. */
static guint group_size(const GPtrArray *wanted, guint first, guint most)
{
    uint64_t rows = 0;
    guint n = 0;
    for (; first + n < wanted->len && n < most; n++) {
        rows += ((const struct sheet_want *)g_ptr_array_index(wanted, first + n))->rows;
        if (n > 0 && rows > GROUP_ROWS_MAX)
            break;
    }
    return n;
}

bool sheets_hold_check(const struct sheets_hold *held, GError **error)
{
    g_autoptr(GError) wrong = NULL;
    char key[KEYS_MAX];
    if (sheet_check(held->sheet, &wrong))
        return true;
    keys_sheet(key, held->key.name.partition, held->key.name.day, held->key.name.revision);
    g_set_error(error, READER_ERROR, READER_ERROR_COPY, "The sheet %s is of no use: %s.", key, wrong->message);
    return false;
}

/* False with no error: the visitor has seen enough. */
static bool visit_group(struct group *group, struct reader *reader, struct sheets_visit visit, GError **error)
{
    for (guint i = 0; i < group->n; i++) {
        if (reader_is_late(reader, error) || !sheets_hold_check(group->held[i], error) ||
            !visit.each(group->wanted[i], group->held[i]->sheet, visit.opaque))
            return false;
        metrics_add(group->sheets->metrics, METER_SHEETS_USED, NULL, 1);
    }
    return true;
}

bool sheets_visit(struct sheets *sheets, struct reader *reader, GPtrArray *wanted, struct sheets_visit visit, GError **error)
{
    GError *failure = NULL;
    guint most = GROUP_FIRST;
    bool go_on = true;
    for (guint first = 0, n; go_on && failure == NULL && first < wanted->len; first += n) {
        n = group_size(wanted, first, most);
        struct group group = {.sheets = sheets, .wanted = (struct sheet_want **)wanted->pdata + first, .n = n};
        go_on = read_group(&group, reader, &failure) && visit_group(&group, reader, visit, &failure);
        end_group(&group);
        most = MIN(most * 2, GROUP_MAX);
    }
    if (failure != NULL)
        g_propagate_error(error, failure);
    return failure == NULL;
}

/* ---- one by one ---- */

struct sheets_hold *sheets_acquire(struct sheets *sheets, const struct sheet_want *want)
{
    struct sheets_hold *hold = take(sheets, want);
    if (hold != NULL)
        metrics_add(sheets->metrics, METER_SHEETS_USED, NULL, 1);
    return hold;
}

struct sheets_hold *sheets_open(struct sheets *sheets, const struct sheet_want *want, GBytes *packed, GError **error)
{
    g_autoptr(GError) wrong = NULL;
    gsize size = 0;
    const void *data = packed != NULL ? g_bytes_get_data(packed, &size) : NULL;
    GBytes *bytes = packed != NULL ? sheet_fetch_packed(view_make(data, size), &want->name, want->checksum, &wrong) : NULL;
    struct sheets_hold *hold = open_one(sheets, want, bytes, &wrong);
    metrics_add(sheets->metrics, METER_SHEETS_READ, "redis", hold != NULL);
    if (hold == NULL)
        hold = open_archived(sheets, want, wrong, error);
    if (hold != NULL)
        metrics_add(sheets->metrics, METER_SHEETS_USED, NULL, 1);
    return hold;
}

const struct sheet *sheets_hold_get(const struct sheets_hold *hold)
{
    return hold->sheet;
}

void sheets_release(struct sheets *sheets, struct sheets_hold *hold)
{
    give_back(sheets, hold);
}
