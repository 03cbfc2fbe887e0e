#include "api/closed.h"

#include "api/members.h"
#include "lib/keys.h"
#include "lib/number.h"

enum {
    DAYS_AT_ONCE = 400, /* asked for in one command */
    DAYS_MAX = 1000,    /* of a longer range the whole hash is walked */
    CLOSED_AT_ONCE = 64,
};

/* ---- {pN}:days ---- */

struct asking {
    struct reader *reader;
    int64_t first_day, last_day;
    GArray *sheets; /* struct sheet_want, without checksums */
};

static void add_state(struct asking *asking, int partition, int64_t day, struct view text)
{
    struct day_state state;
    if (!day_state_read(text, &state)) {
        reader_fail(asking->reader, "Day %" G_GINT64_FORMAT " in {p%d}:days is '%.*s', which is not the state of a day.", day,
                    partition, (int)MIN(text.size, DAY_TEXT_MAX), text.data);
        return;
    }
    struct sheet_want want = {.name = {partition, day, state.sheeted}};
    if (state.sheeted > 0)
        g_array_append_val(asking->sheets, want);
}

static void take_days(struct reader *reader, const struct redis_reply *reply, void *opaque, size_t partition, size_t first)
{
    (void)reader;
    struct asking *asking = opaque;
    for (size_t i = 0; i < redis_reply_count(reply); i++) {
        const struct redis_reply *state = redis_reply_at(reply, i);
        if (redis_reply_kind(state) == REDIS_STRING)
            add_state(asking, (int)partition, (int64_t)(first + i), redis_reply_text(state));
    }
}

static void take_day(struct view name, struct view value, void *opaque, size_t partition)
{
    struct asking *asking = opaque;
    uint64_t day;
    if (number_read(name, &day) && day >= (uint64_t)asking->first_day && day <= (uint64_t)asking->last_day)
        add_state(asking, (int)partition, (int64_t)day, value);
}

static void ask_days(struct asking *asking, int partition, const char *key, int64_t first, int n)
{
    char numbers[DAYS_AT_ONCE][NUMBER_MAX];
    struct view argv[2 + DAYS_AT_ONCE] = {view_of("HMGET"), view_of(key)};
    for (int i = 0; i < n; i++)
        argv[2 + i] = view_make(numbers[i], number_write(numbers[i], (uint64_t)(first + i)));
    reader_ask(asking->reader, partition, argv, (size_t)n + 2,
               (struct reader_then){.take = take_days, .opaque = asking, .a = (size_t)partition, .b = (size_t)first});
}

static void ask_partition(struct asking *asking, int partition)
{
    char key[KEYS_MAX];
    keys_plain(key, partition, "days");
    if (asking->last_day - asking->first_day >= DAYS_MAX) {
        reader_scan(asking->reader, partition, "HSCAN", key, NULL,
                    (struct reader_pairs){.each = take_day, .opaque = asking, .a = (size_t)partition});
        return;
    }
    for (int64_t day = asking->first_day; day <= asking->last_day; day += DAYS_AT_ONCE)
        ask_days(asking, partition, key, day, (int)MIN(DAYS_AT_ONCE, asking->last_day - day + 1));
}

static int compare_wants(gconstpointer a, gconstpointer b)
{
    const struct sheet_want *x = a, *y = b;
    if (x->name.day != y->name.day)
        return x->name.day < y->name.day ? -1 : 1;
    if (x->name.partition != y->name.partition)
        return x->name.partition < y->name.partition ? -1 : 1;
    return (x->name.revision > y->name.revision) - (x->name.revision < y->name.revision);
}

/* A walk may show a day twice, perhaps with two states: the later one stays. */
static void drop_repeated(GArray *sheets)
{
    guint kept = 0;
    for (guint i = 0; i < sheets->len; i++) {
        const struct sheet_want *want = &g_array_index(sheets, struct sheet_want, i);
        const struct sheet_want *last = kept > 0 ? &g_array_index(sheets, struct sheet_want, kept - 1) : NULL;
        if (last != NULL && last->name.day == want->name.day && last->name.partition == want->name.partition)
            kept--;
        g_array_index(sheets, struct sheet_want, kept++) = *want;
    }
    g_array_set_size(sheets, kept);
}

/* All sheets that are announced, without their checksums; NULL with an error. */
static GArray *read_announced(struct reader *reader, int64_t first_day, int64_t last_day, GError **error)
{
    struct asking asking = {reader, first_day, last_day, g_array_new(FALSE, TRUE, sizeof(struct sheet_want))};
    for (int partition = 0; partition < reader_partitions(reader); partition++)
        ask_partition(&asking, partition);
    if (!reader_finish(reader, error)) {
        g_array_free(asking.sheets, TRUE);
        return NULL;
    }
    g_array_sort(asking.sheets, compare_wants);
    drop_repeated(asking.sheets);
    return asking.sheets;
}

/* ---- {pN}:closed ---- */

/* Sheets of one partition that are asked for in one command. */
struct portion {
    struct closed *closed;
    guint index[CLOSED_AT_ONCE]; /* into the sheets */
    guint n;
};

static void take_one(struct reader *reader, struct closed *closed, guint index, const struct redis_reply *reply)
{
    g_autoptr(GError) error = NULL;
    struct sheet_want *want = &g_array_index(closed->sheets, struct sheet_want, index);
    if (redis_reply_kind(reply) != REDIS_STRING) {
        closed->torn = index + 1;
        return;
    }
    struct partition_day *day = partition_day_parse(redis_reply_text(reply), &error);
    if (day == NULL) {
        reader_fail(reader, "Field %d.%d of {p%d}:closed cannot be read: %s", (int)want->name.day, want->name.revision,
                    want->name.partition, error->message);
        return;
    }
    if (!day->has_sheet)
        closed->torn = index + 1;
    want->events = day->events;
    want->rows = day->rows;
    memcpy(want->checksum, day->sheet_checksum, sizeof want->checksum);
    partition_day_free(day);
}

static void take_closed(struct reader *reader, const struct redis_reply *reply, void *opaque, size_t a, size_t b)
{
    (void)a, (void)b;
    struct portion *portion = opaque;
    struct closed *closed = portion->closed;
    for (guint i = 0; i < portion->n && i < redis_reply_count(reply); i++)
        take_one(reader, closed, portion->index[i], redis_reply_at(reply, i));
}

static void ask_closed(struct reader *reader, struct portion *portion)
{
    char key[KEYS_MAX], fields[CLOSED_AT_ONCE][2 * NUMBER_MAX];
    struct view argv[2 + CLOSED_AT_ONCE];
    int partition = -1;
    for (guint i = 0; i < portion->n; i++) {
        const struct sheet_name *name = &g_array_index(portion->closed->sheets, struct sheet_want, portion->index[i]).name;
        partition = name->partition;
        argv[2 + i] =
            view_make(fields[i], (size_t)g_snprintf(fields[i], sizeof fields[i], "%d.%d", (int)name->day, name->revision));
    }
    argv[0] = view_of("HMGET");
    argv[1] = view_make(key, keys_plain(key, partition, "closed"));
    reader_ask(reader, partition, argv, portion->n + 2, (struct reader_then){.take = take_closed, .opaque = portion});
}

static bool read_checksums(struct closed *closed, struct reader *reader, GError **error)
{
    g_autoptr(GPtrArray) portions = g_ptr_array_new_with_free_func(g_free);
    g_autofree struct portion **filling = g_new0(struct portion *, (gsize)reader_partitions(reader));
    for (guint i = 0; i < closed->sheets->len; i++) {
        struct portion **portion = &filling[g_array_index(closed->sheets, struct sheet_want, i).name.partition];
        if (*portion == NULL || (*portion)->n == CLOSED_AT_ONCE) {
            *portion = g_new0(struct portion, 1);
            (*portion)->closed = closed;
            g_ptr_array_add(portions, *portion);
        }
        (*portion)->index[(*portion)->n++] = i;
    }
    for (guint i = 0; i < portions->len; i++)
        ask_closed(reader, g_ptr_array_index(portions, i));
    return reader_finish(reader, error);
}

/* ---- the whole ---- */

struct closed *closed_read(struct reader *reader, int64_t first_day, int64_t last_day, GError **error)
{
    struct closed *closed = g_new0(struct closed, 1);
    closed->first_day = MAX(first_day, CLOSED_FIRST_DAY);
    closed->last_day = MIN(last_day, CLOSED_LAST_DAY);
    closed->sheets = read_announced(reader, closed->first_day, closed->last_day, error);
    if (closed->sheets != NULL && read_checksums(closed, reader, error))
        return closed;
    closed_free(closed);
    return NULL;
}

void closed_free(struct closed *closed)
{
    if (closed == NULL)
        return;
    if (closed->sheets != NULL)
        g_array_free(closed->sheets, TRUE);
    g_free(closed);
}

/* ---- comparing ---- */

static void take_whole(struct reader *reader, const struct redis_reply *reply, void *opaque, size_t a, size_t b)
{
    (void)reader, (void)a, (void)b;
    if (redis_reply_integer(reply) == 0)
        *(bool *)opaque = false;
}

static void ask_whole(struct reader *reader, const struct generation *generation, bool *same)
{
    char key[KEYS_MAX], name[64];
    int size = g_snprintf(name, sizeof name, "g:%d.%d:0", (int)generation->day, generation->revision);
    const struct view argv[] = {view_of("HEXISTS"), view_make(key, keys_plain(key, generation->partition, "due")),
                                view_make(name, (size_t)size)};
    reader_ask(reader, generation->partition, argv, G_N_ELEMENTS(argv), (struct reader_then){.take = take_whole, .opaque = same});
}

static bool compare_all(const GArray *before, const GArray *now)
{
    bool same = before->len == now->len;
    for (guint i = 0; same && i < now->len; i++)
        same = compare_wants(&g_array_index(before, struct sheet_want, i), &g_array_index(now, struct sheet_want, i)) == 0;
    return same;
}

static bool compare_generations(const struct closed *closed, const GArray *now, struct reader *reader, const GArray *generations,
                                bool *same, GError **error)
{
    const struct closed after = {.sheets = (GArray *)(gsize)now};
    for (guint i = 0; i < closed->sheets->len; i++) {
        const struct sheet_name *name = &g_array_index(closed->sheets, struct sheet_want, i).name;
        if (closed_revision(&after, name->partition, name->day) < name->revision)
            *same = false; /* Redis was put back */
    }
    for (guint i = 0; *same && i < generations->len; i++) {
        const struct generation *generation = &g_array_index(generations, struct generation, i);
        int then = closed_revision(closed, generation->partition, generation->day);
        if (generation->revision > then && generation->revision <= closed_revision(&after, generation->partition, generation->day))
            ask_whole(reader, generation, same);
    }
    return reader_finish(reader, error);
}

bool closed_compare(const struct closed *closed, struct reader *reader, const GArray *generations, bool *same, GError **error)
{
    *same = closed->torn == 0;
    GArray *now = read_announced(reader, closed->first_day, closed->last_day, error);
    if (now == NULL)
        return false;
    bool ok = true;
    if (generations == NULL)
        *same = *same && compare_all(closed->sheets, now);
    else if (*same)
        ok = compare_generations(closed, now, reader, generations, same, error);
    g_array_free(now, TRUE);
    return ok;
}

/* ---- looking up ---- */

const struct sheet_want *closed_torn(const struct closed *closed)
{
    return closed->torn > 0 ? &g_array_index(closed->sheets, struct sheet_want, closed->torn - 1) : NULL;
}

/* First sheet of that day and partition, or behind it. */
static guint find(const struct closed *closed, int64_t day, int partition)
{
    guint low = 0, high = closed->sheets->len;
    while (low < high) {
        guint middle = low + (high - low) / 2;
        const struct sheet_name *name = &g_array_index(closed->sheets, struct sheet_want, middle).name;
        if (name->day < day || (name->day == day && name->partition < partition))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

int closed_revision(const struct closed *closed, int partition, int64_t day)
{
    guint at = find(closed, day, partition);
    if (at == closed->sheets->len)
        return 0;
    const struct sheet_name *name = &g_array_index(closed->sheets, struct sheet_want, at).name;
    return name->day == day && name->partition == partition ? name->revision : 0;
}

GPtrArray *closed_between(const struct closed *closed, int64_t first_day, int64_t last_day)
{
    GPtrArray *between = g_ptr_array_new();
    for (guint i = find(closed, first_day, 0); i < closed->sheets->len; i++) {
        struct sheet_want *want = &g_array_index(closed->sheets, struct sheet_want, i);
        if (want->name.day > last_day)
            break;
        if (want->events > 0)
            g_ptr_array_add(between, want);
    }
    return between;
}
