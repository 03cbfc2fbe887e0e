#include "api/live_pieces.h"

#include "api/buckets_read.h"
#include "api/minutes_read.h"
#include "api/sums_read.h"

/* Of a few clients the stretches are longer: a piece costs more memory than what is in it. */
enum { STRETCH_SLOTS = 4, STRETCH_SLOTS_OF_FEW = 24, SUM_PIECES_MIN = 6 };

/* One call of live_pieces_read. */
struct reading {
    struct live_notes *notes;
    const struct scope *scope;
    struct members *members;
    const struct window *window;
    GPtrArray *missing, *found; /* struct piece: what has to be read, and what is there */
};

struct piece {
    struct live_kept kept;
    gsize serial; /* of all that were ever made */
    char *key;
    struct window window;
    struct usage_table *table;
    GByteArray *proof;
    bool provable;    /* its partitions have owners, and its generations totals */
    guint first, end; /* members of its day, while it is being read */
};

/* What several pieces add up to: those of these serials, which never change. */
struct sum {
    struct live_kept kept;
    struct window window;
    struct usage_table *table;
    GArray *serials;
};

static void sum_free(struct live_kept *kept)
{
    struct sum *sum = (struct sum *)(void *)kept;
    usage_table_free(sum->table);
    window_clear(&sum->window);
    g_array_free(sum->serials, TRUE);
    g_free(sum);
}

static void piece_free(struct live_kept *kept)
{
    struct piece *piece = (struct piece *)(void *)kept;
    usage_table_free(piece->table);
    window_clear(&piece->window);
    g_byte_array_free(piece->proof, TRUE);
    g_free(piece->key);
    g_free(piece);
}

static void kept_unref(void *kept)
{
    live_kept_unref(kept);
}

bool live_pieces_suit(const struct scope *scope, const struct usage_table *table)
{
    return table->minutes == NULL && scope->endpoints == NULL;
}

static const struct member *member_at(const struct members *members, guint i)
{
    return &g_array_index(members->list, struct member, i);
}

static const struct generation *generation_of(const struct members *members, guint i)
{
    return &g_array_index(members->generations, struct generation, member_at(members, i)->generation);
}

/* ---- stretches ---- */

static bool has_minutes(const struct window *window, int64_t slot)
{
    return window->has_minutes && slot >= window->minutes_first_slot;
}

/* How many slots from `first` on make a stretch: all of one hour, or six, before or behind the slot of now, with minutes or
 * without. */
static uint32_t stretch_size(const struct window *window, int64_t first, int64_t end, bool few)
{
    int64_t size = few ? STRETCH_SLOTS_OF_FEW : STRETCH_SLOTS, now = window_slot(window->now_ms);
    end = MIN(end, (first / size + 1) * size);
    if (first <= now && now < end)
        end = first == now ? now + 1 : now;
    if (!has_minutes(window, first) && has_minutes(window, end - 1))
        end = window->minutes_first_slot;
    return (uint32_t)(end - first);
}

static struct piece *piece_new(const struct reading *reading, int64_t first, uint32_t n, bool with_minutes)
{
    static gsize serials;
    struct piece *piece = g_new0(struct piece, 1);
    piece->serial = (gsize)g_atomic_pointer_add(&serials, 1);
    live_kept_init(&piece->kept, sizeof *piece, piece_free);
    g_autofree char *scope = live_notes_key("piece", reading->scope, NULL);
    piece->key = g_strdup_printf("%s%" G_GINT64_FORMAT " %u %d", scope, first, n, with_minutes);
    piece->proof = g_byte_array_new();
    piece->provable = true;
    window_init_slots(&piece->window, first, n, with_minutes);
    return piece;
}

/* ---- proofs ---- */

static void append(GByteArray *proof, const void *data, size_t size)
{
    g_byte_array_append(proof, data, (guint)size);
}

/* Nothing, of a generation in which nothing was counted in the stretch. */
static void prove_generation(const struct live_notes *notes, const struct generation *generation, struct piece *piece)
{
    const struct live_stamp *owner = live_notes_owner(notes, generation->partition);
    const struct slot_range range = {piece->window.first_slot, piece->window.first_slot + piece->window.n_slots - 1};
    int slot, end = generation_slots(generation, range, &slot);
    uint64_t any = 0;
    piece->provable = piece->provable && owner->has_token && generation->has_totals;
    for (int at = slot; at < end; at++)
        any |= generation->totals[at];
    if (any == 0)
        return;
    const int32_t numbers[] = {generation->partition, generation->revision, generation->in_sheet};
    append(piece->proof, numbers, sizeof numbers);
    append(piece->proof, owner->token, sizeof owner->token);
    append(piece->proof, generation->totals + slot, (size_t)(end - slot) * sizeof *generation->totals);
}

/* Of the piece's members the first one in its generation. */
static bool begins_generation(const struct members *members, const struct piece *piece, guint i)
{
    return i == piece->first || member_at(members, i)->generation != member_at(members, i - 1)->generation;
}

static void prove(const struct reading *reading, struct piece *piece)
{
    const struct members *members = reading->members;
    for (guint i = piece->first; i < piece->end; i++)
        if (begins_generation(members, piece, i))
            prove_generation(reading->notes, generation_of(members, i), piece);
}

static bool is_proved(const struct piece *piece, const struct piece *kept)
{
    return piece->proof->len == kept->proof->len && memcmp(piece->proof->data, kept->proof->data, kept->proof->len) == 0;
}

static bool is_of_all(const struct scope *scope)
{
    return scope->key == NULL && scope->organization == NULL;
}

/* Requests of the stretch's slot k by what was read before it: of what is read from buckets, and of what minutes are read for. Of
 * all clients the number is the total, else those in the sorted sets. */
static void add_numbers(const struct reading *reading, const struct piece *piece, uint32_t k, uint64_t *in_slot,
                        uint64_t *in_minutes)
{
    const struct members *members = reading->members;
    const bool of_all = is_of_all(reading->scope);
    int slot = (int)((piece->window.first_slot + k) % KEYS_SLOTS_PER_DAY);
    for (guint i = piece->first; i < piece->end; i++) {
        const struct generation *generation = generation_of(members, i);
        if (of_all && !begins_generation(members, piece, i))
            continue;
        uint64_t requests = of_all ? generation->totals[slot] : members_score(members, i, slot);
        *in_slot += generation->in_sheet ? 0 : requests;
        *in_minutes += requests;
    }
}

/* Slots and minutes are just what the numbers say. */
static bool is_complete(const struct reading *reading, const struct piece *piece)
{
    const struct usage_table *table = piece->table;
    for (uint32_t k = 0; k < piece->window.n_slots; k++) {
        uint64_t in_slot = 0, in_minutes = 0, minutes = 0;
        add_numbers(reading, piece, k, &in_slot, &in_minutes);
        for (uint32_t i = 0; i < KEYS_SLOT_MINUTES && table->n_minutes > 0; i++)
            minutes += table->minute_requests[k * KEYS_SLOT_MINUTES + i];
        if (table->slot_requests[k] != in_slot || (table->n_minutes > 0 && minutes != in_minutes))
            return false;
    }
    return true;
}

/* ---- looking ---- */

static void look(struct reading *reading, struct piece *piece)
{
    struct piece *kept = NULL;
    bool is_empty = piece->provable && piece->proof->len == 0;
    if (piece->provable && !is_empty)
        kept = (struct piece *)(void *)live_cache_take(reading->notes->cache, piece->key);
    bool is_there = is_empty || (kept != NULL && is_proved(piece, kept));
    if (kept != NULL && is_there)
        g_ptr_array_add(reading->found, live_kept_ref(&kept->kept));
    kept_unref(kept);
    if (is_there) {
        kept_unref(piece);
        return;
    }
    piece->table = usage_table_new(&piece->window);
    g_ptr_array_add(reading->missing, piece);
}

/* At members [first, end), which are all of one day. */
static void look_at_day(struct reading *reading, guint first, guint end)
{
    const struct window *window = reading->window;
    int64_t midnight = generation_of(reading->members, first)->day * KEYS_SLOTS_PER_DAY;
    int64_t slot = MAX(window->first_slot, midnight);
    int64_t slot_end = MIN(window->first_slot + window->n_slots, midnight + KEYS_SLOTS_PER_DAY);
    for (uint32_t n; slot < slot_end; slot += n) {
        n = stretch_size(window, slot, slot_end, end - first <= MEMBERS_FEW);
        struct piece *piece = piece_new(reading, slot, n, has_minutes(window, slot));
        piece->first = first;
        piece->end = end;
        prove(reading, piece);
        look(reading, piece);
    }
}

static void look_at_all(struct reading *reading)
{
    const struct members *members = reading->members;
    for (guint first = 0, end; first < members->list->len; first = end) {
        for (end = first + 1; end < members->list->len && generation_of(members, end)->day == generation_of(members, first)->day;)
            end++;
        look_at_day(reading, first, end);
    }
}

/* ---- what is there ---- */

static const struct piece *piece_at(const GPtrArray *pieces, guint index)
{
    return g_ptr_array_index(pieces, index);
}

static bool is_sum_of(const struct sum *sum, const GPtrArray *found, guint n)
{
    bool same = sum->serials->len == n;
    for (guint i = 0; same && i < n; i++)
        same = g_array_index(sum->serials, gsize, i) == piece_at(found, i)->serial;
    return same;
}

/* Of the first n. */
static struct sum *sum_new(const GPtrArray *found, guint n, const struct window *window)
{
    const struct window *first = &piece_at(found, 0)->window, *last = &piece_at(found, n - 1)->window;
    struct sum *sum = g_new0(struct sum, 1);
    live_kept_init(&sum->kept, sizeof *sum, sum_free);
    window_init_slots(&sum->window, first->first_slot, (uint32_t)(last->first_slot + last->n_slots - first->first_slot),
                      window->has_minutes);
    sum->window.minutes_first_slot = window->minutes_first_slot;
    sum->table = usage_table_new(&sum->window);
    sum->serials = g_array_new(FALSE, FALSE, sizeof(gsize));
    for (guint i = 0; i < n; i++) {
        usage_table_merge(sum->table, piece_at(found, i)->table);
        g_array_append_val(sum->serials, piece_at(found, i)->serial);
    }
    sum->kept.bytes += usage_table_bytes(sum->table) + sum->window.n_points * sizeof(int64_t) + n * sizeof(gsize);
    return sum;
}

/* How many of them lie before the slot of now. */
static guint count_past(const GPtrArray *found, int64_t now_slot)
{
    guint n = 0;
    while (n < found->len && piece_at(found, n)->window.first_slot + piece_at(found, n)->window.n_slots <= now_slot)
        n++;
    return n;
}

static void add_sum(const struct reading *reading, guint n, struct usage_table *table)
{
    g_autofree char *key = g_strdup_printf("sum\x1e%s", piece_at(reading->found, 0)->key);
    struct sum *sum = (struct sum *)(void *)live_cache_take(reading->notes->cache, key);
    if (sum == NULL || !is_sum_of(sum, reading->found, n)) {
        kept_unref(sum);
        sum = sum_new(reading->found, n, table->window);
        live_cache_put(reading->notes->cache, key, &sum->kept);
    }
    usage_table_merge(table, sum->table);
    kept_unref(sum);
}

/* Of many pieces the sum is kept, too, but for the slot of now: mostly only that is another since the last question. */
static void add_found(const struct reading *reading, struct usage_table *table)
{
    guint n = count_past(reading->found, window_slot(table->window->now_ms));
    if (n >= SUM_PIECES_MIN)
        add_sum(reading, n, table);
    else
        n = 0;
    for (guint i = n; i < reading->found->len; i++)
        usage_table_merge(table, piece_at(reading->found, i)->table);
}

/* ---- what is missing ---- */

/* Stretches that follow one another are asked for as one. */
static GArray *ranges_of(const GPtrArray *missing)
{
    GArray *ranges = g_array_new(FALSE, FALSE, sizeof(struct slot_range));
    for (guint i = 0; i < missing->len; i++) {
        const struct window *window = &((const struct piece *)g_ptr_array_index(missing, i))->window;
        struct slot_range *last = ranges->len > 0 ? &g_array_index(ranges, struct slot_range, ranges->len - 1) : NULL;
        const struct slot_range range = {window->first_slot, window->first_slot + window->n_slots - 1};
        if (last != NULL && last->last + 1 == range.first)
            last->last = range.last;
        else
            g_array_append_val(ranges, range);
    }
    return ranges;
}

/* For each slot of the window the table of its piece; for g_free. */
static struct usage_table **tables_by_slot(const struct reading *reading, const GPtrArray *pieces)
{
    struct usage_table **by_slot = g_new0(struct usage_table *, reading->window->n_slots);
    for (guint i = 0; i < pieces->len; i++) {
        const struct piece *piece = piece_at(pieces, i);
        for (uint32_t k = 0; k < piece->window.n_slots; k++)
            by_slot[piece->window.first_slot + k - reading->window->first_slot] = piece->table;
    }
    return by_slot;
}

/* torn: of its slots. */
static bool is_torn(const struct piece *piece, const bool *torn)
{
    bool any = false;
    for (uint32_t k = 0; k < piece->window.n_slots; k++)
        any |= torn[k];
    return any;
}

/* What could not be read so goes to the pieces whose rows are to be read, with an empty table. */
static bool read_sums(const struct reading *reading, GPtrArray *rows, GError **error)
{
    const struct window *window = reading->window;
    g_autofree struct usage_table **by_slot = tables_by_slot(reading, reading->missing);
    g_autofree bool *torn = g_new0(bool, window->n_slots);
    const struct slot_tables slots = {window->first_slot, window->n_slots, NULL, by_slot};
    if (!sums_read(reading->notes->reader, reading->members, &slots, torn, error))
        return false;
    for (guint i = 0; i < reading->missing->len; i++) {
        struct piece *piece = g_ptr_array_index(reading->missing, i);
        if (!is_torn(piece, torn + (piece->window.first_slot - window->first_slot)))
            continue;
        usage_table_free(piece->table);
        piece->table = usage_table_new(&piece->window);
        g_ptr_array_add(rows, piece);
    }
    return true;
}

static bool read_rows(const struct reading *reading, const GPtrArray *pieces, GError **error)
{
    struct reader *reader = reading->notes->reader;
    const struct window *window = reading->window;
    g_autoptr(GArray) ranges = ranges_of(pieces);
    g_autoptr(GPtrArray) tables = g_ptr_array_new();
    g_autofree struct usage_table **by_slot = tables_by_slot(reading, pieces);
    const struct slot_tables slots = {window->first_slot, window->n_slots, NULL, by_slot};
    for (guint i = 0; i < pieces->len; i++)
        g_ptr_array_add(tables, piece_at(pieces, i)->table);
    if (!is_of_all(reading->scope))
        members_keep_scores(reading->members);
    return members_see(reading->members, reader, (const struct slot_range *)(void *)ranges->data, ranges->len, error) &&
           buckets_read_slots(reader, reading->members, NULL, &slots, reading->notes, error) &&
           minutes_read(reader, reading->members, tables, error);
}

static bool read_missing(const struct reading *reading, GError **error)
{
    g_autoptr(GPtrArray) rows = g_ptr_array_new();
    if (!is_of_all(reading->scope))
        return read_rows(reading, reading->missing, error);
    return read_sums(reading, rows, error) && (rows->len == 0 || read_rows(reading, rows, error));
}

static void note(const struct reading *reading, struct piece *piece)
{
    for (guint i = piece->first; i < piece->end; i++)
        live_notes_touch(reading->notes, generation_of(reading->members, i)->partition);
    piece->kept.bytes += usage_table_bytes(piece->table) + piece->proof->len + piece->window.n_points * sizeof(int64_t);
    live_notes_add(reading->notes, g_strdup(piece->key), live_kept_ref(&piece->kept));
}

static bool sum_up(const struct reading *reading, struct usage_table *table, GError **error)
{
    add_found(reading, table);
    if (reading->missing->len == 0)
        return true;
    if (!read_missing(reading, error))
        return false;
    for (guint i = 0; i < reading->missing->len; i++) {
        struct piece *piece = g_ptr_array_index(reading->missing, i);
        usage_table_merge(table, piece->table);
        if (piece->provable && is_complete(reading, piece))
            note(reading, piece);
    }
    return true;
}

bool live_pieces_read(struct live_notes *notes, const struct scope *scope, struct members *members, struct usage_table *table,
                      GError **error)
{
    struct reading reading = {.notes = notes, .scope = scope, .members = members, .window = table->window};
    if (members->list->len == 0 || table->window->n_slots == 0)
        return true;
    reading.missing = g_ptr_array_new_with_free_func(kept_unref);
    reading.found = g_ptr_array_new_with_free_func(kept_unref);
    look_at_all(&reading);
    bool ok = sum_up(&reading, table, error);
    g_ptr_array_free(reading.missing, TRUE);
    g_ptr_array_free(reading.found, TRUE);
    return ok;
}
