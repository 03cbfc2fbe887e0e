#include "api/live_pieces.h"

#include "api/buckets_read.h"
#include "api/live_numbers.h"
#include "api/minutes_read.h"

/* Of a few clients the stretches are longer: a piece costs more memory than what is in it. */
enum {
    STRETCH_SLOTS = 4,
    STRETCH_SLOTS_OF_FEW = 24,
    TOKEN_SIZE = LIVE_TOKEN_SIZE,
    SUM_PIECES_MIN = 6,
    NAME_BYTES = 16 /* malloc's own */
};

/* Who owns a partition; no token: nobody, or it is being restored. */
struct owner {
    struct live_pieces *pieces;
    char token[TOKEN_SIZE];
    bool has_token;
    bool stays; /* the second question had the same answer */
};

struct live_pieces {
    struct live_cache *cache;
    struct reader *reader;
    const struct scope *scope;
    struct owner *owners; /* by partition */
    GPtrArray *made;      /* struct piece, complete */
    GPtrArray *learned;   /* struct live_kept: who, and numbers */
    GPtrArray *keys;      /* of what was learned */
    uint32_t found, read;
};

struct piece {
    struct live_kept kept;
    gsize serial; /* of all that were ever made */
    char *key;
    struct window window;
    struct usage_table *table;
    GByteArray *proof;
    bool provable;                             /* each of its partitions has an owner */
    uint64_t in_slots[STRETCH_SLOTS_OF_FEW];   /* requests, by the sorted sets, of what is read from buckets */
    uint64_t in_minutes[STRETCH_SLOTS_OF_FEW]; /* and of what minutes are read for */
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

/* Who of the scope a generation has. */
struct who {
    struct live_kept kept;
    char token[TOKEN_SIZE];
    uint32_t clients; /* of the generation, of all scopes */
    guint n;
    uint32_t *symbols;
    char **names;
};

static void who_free(struct live_kept *kept)
{
    struct who *who = (struct who *)(void *)kept;
    g_strfreev(who->names);
    g_free(who->symbols);
    g_free(who);
}

static void kept_unref(void *kept)
{
    live_kept_unref(kept);
}

/* What is NULL is not what is "". */
static void append_name(GString *key, const char *name)
{
    g_string_append_printf(key, "%c%s\x1e", name != NULL ? '=' : '-', name != NULL ? name : "");
}

/* ---- owners ---- */

static bool read_token(const struct redis_reply *reply, struct view *token)
{
    const struct redis_reply *state = redis_reply_at(reply, 1);
    *token = redis_reply_text(redis_reply_at(reply, 0));
    return token->size == TOKEN_SIZE && (redis_reply_kind(state) != REDIS_STRING || view_is(redis_reply_text(state), "live"));
}

static void take_owner(struct reader *reader, const struct redis_reply *reply, void *opaque, size_t again, size_t b)
{
    (void)reader, (void)b;
    struct owner *owner = opaque;
    struct view token;
    bool has_token = redis_reply_count(reply) == 2 && read_token(reply, &token);
    if (again) {
        owner->stays = has_token && owner->has_token && memcmp(owner->token, token.data, TOKEN_SIZE) == 0;
        return;
    }
    owner->has_token = has_token;
    if (has_token)
        memcpy(owner->token, token.data, TOKEN_SIZE);
}

static void ask_owners(struct live_pieces *pieces, bool again)
{
    for (int partition = 0; partition < reader_partitions(pieces->reader); partition++) {
        char key[KEYS_MAX];
        const struct view argv[] = {view_of("HMGET"), view_make(key, keys_plain(key, partition, "commit")), view_of("tok"),
                                    view_of("state")};
        reader_ask(pieces->reader, partition, argv, G_N_ELEMENTS(argv),
                   (struct reader_then){.take = take_owner, .opaque = &pieces->owners[partition], .a = again});
    }
}

struct live_pieces *live_pieces_new(struct live_cache *cache, struct reader *reader, const struct scope *scope)
{
    struct live_pieces *pieces = g_new0(struct live_pieces, 1);
    *pieces = (struct live_pieces){.cache = cache, .reader = reader, .scope = scope};
    pieces->owners = g_new0(struct owner, (size_t)reader_partitions(reader));
    pieces->made = g_ptr_array_new_with_free_func(kept_unref);
    pieces->learned = g_ptr_array_new_with_free_func(kept_unref);
    pieces->keys = g_ptr_array_new_with_free_func(g_free);
    ask_owners(pieces, false);
    return pieces;
}

void live_pieces_free(struct live_pieces *pieces)
{
    if (pieces == NULL)
        return;
    g_free(pieces->owners);
    g_ptr_array_free(pieces->made, TRUE);
    g_ptr_array_free(pieces->learned, TRUE);
    g_ptr_array_free(pieces->keys, TRUE);
    g_free(pieces);
}

bool live_pieces_suit(const struct live_pieces *pieces, const struct usage_table *table)
{
    return table->minutes == NULL && pieces->scope->endpoints == NULL;
}

/* ---- who ---- */

static char *generation_key(const struct live_pieces *pieces, const char *kind, const struct generation *generation)
{
    GString *key = g_string_new(kind);
    append_name(key, pieces->scope->organization);
    append_name(key, pieces->scope->key);
    g_string_append_printf(key, "%d %" G_GINT64_FORMAT " %d", generation->partition, generation->day, generation->revision);
    return g_string_free(key, FALSE);
}

/* Takes over what is known of a generation. False: nothing, or it is not the same any more. */
static bool recall(const struct live_pieces *pieces, struct members *members, guint index)
{
    const struct generation *generation = &g_array_index(members->generations, struct generation, index);
    const struct owner *owner = &pieces->owners[generation->partition];
    g_autofree char *key = generation_key(pieces, "who\x1e", generation);
    struct who *who = (struct who *)(void *)live_cache_take(pieces->cache, key);
    bool same =
        who != NULL && owner->has_token && who->clients == generation->clients && memcmp(who->token, owner->token, TOKEN_SIZE) == 0;
    for (guint i = 0; same && i < who->n; i++)
        members_add(members, index, who->symbols[i], who->names[i]);
    kept_unref(who);
    return same;
}

static void learn(struct live_pieces *pieces, const struct members *members, guint index)
{
    const struct generation *generation = &g_array_index(members->generations, struct generation, index);
    const struct owner *owner = &pieces->owners[generation->partition];
    guint first, end = members_of(members, index, &first);
    if (!owner->has_token || end - first > LIVE_PIECES_MEMBERS_MAX)
        return;
    struct who *who = g_new0(struct who, 1);
    live_kept_init(&who->kept, sizeof *who, who_free);
    who->clients = generation->clients;
    memcpy(who->token, owner->token, TOKEN_SIZE);
    who->n = end - first;
    who->symbols = g_new(uint32_t, who->n);
    who->names = g_new0(char *, who->n + 1);
    for (guint i = 0; i < who->n; i++) {
        const struct member *member = &g_array_index(members->list, struct member, first + i);
        who->symbols[i] = member->symbol;
        who->names[i] = g_strdup(member->name);
        who->kept.bytes += sizeof *who->symbols + sizeof *who->names + strlen(member->name) + NAME_BYTES;
    }
    g_ptr_array_add(pieces->learned, who);
    g_ptr_array_add(pieces->keys, generation_key(pieces, "who\x1e", generation));
}

/* Asks about generations [first, end) and adds them. */
static bool find_rest(struct live_pieces *pieces, struct members *members, guint first, guint end, GError **error)
{
    if (first == end)
        return true;
    struct members *found = members_find(pieces->reader, members->generations, first, end - first, pieces->scope, error);
    for (guint i = 0; found != NULL && i < found->list->len; i++) {
        const struct member *member = &g_array_index(found->list, struct member, i);
        members_add(members, member->generation, member->symbol, member->name);
    }
    for (guint i = first; found != NULL && i < end; i++)
        learn(pieces, found, i);
    members_free(found);
    return found != NULL;
}

struct members *live_pieces_find(struct live_pieces *pieces, const GArray *generations, guint first, guint n, GError **error)
{
    if (members_one(pieces->scope))
        return members_find(pieces->reader, generations, first, n, pieces->scope, error);
    struct members *members = members_new(generations);
    guint asked = first;
    bool ok = true;
    for (guint i = first; ok && i < first + n; i++) {
        if (!recall(pieces, members, i))
            continue;
        ok = find_rest(pieces, members, asked, i, error);
        asked = i + 1;
    }
    if (!ok || !find_rest(pieces, members, asked, first + n, error)) {
        members_free(members);
        return NULL;
    }
    members_sort(members);
    return members;
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

static struct piece *piece_new(const struct live_pieces *pieces, int64_t first, uint32_t n, bool with_minutes)
{
    static gsize serials;
    struct piece *piece = g_new0(struct piece, 1);
    piece->serial = (gsize)g_atomic_pointer_add(&serials, 1);
    GString *key = g_string_new("piece\x1e");
    append_name(key, pieces->scope->organization);
    append_name(key, pieces->scope->key);
    g_string_append_printf(key, "%" G_GINT64_FORMAT " %u %d", first, n, with_minutes);
    live_kept_init(&piece->kept, sizeof *piece, piece_free);
    piece->key = g_string_free(key, FALSE);
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

static void prove_generation(const struct live_pieces *pieces, struct piece *piece, const struct generation *generation)
{
    const struct owner *owner = &pieces->owners[generation->partition];
    const int32_t numbers[] = {-1, generation->partition, generation->revision, generation->in_sheet};
    append(piece->proof, numbers, sizeof numbers);
    append(piece->proof, owner->token, sizeof owner->token);
    piece->provable = piece->provable && owner->has_token;
}

/* Member i, if it was counted in the stretch. */
static bool prove_member(const struct members *members, guint i, const struct generation *generation, struct piece *piece)
{
    int slot,
        end = generation_slots(
            generation, (struct slot_range){piece->window.first_slot, piece->window.first_slot + piece->window.n_slots - 1}, &slot);
    uint64_t numbers[1 + STRETCH_SLOTS_OF_FEW] = {g_array_index(members->list, struct member, i).symbol};
    uint64_t any = 0;
    for (int at = 0; slot + at < end; at++) {
        uint64_t requests = members_score(members, i, slot + at);
        numbers[1 + at] = requests;
        any |= requests;
        piece->in_slots[at] += generation->in_sheet ? 0 : requests;
        piece->in_minutes[at] += requests;
    }
    if (any != 0)
        append(piece->proof, numbers, (1 + piece->window.n_slots) * sizeof *numbers);
    return any != 0;
}

/* Of the generations of its day. */
static void prove(const struct live_pieces *pieces, const struct members *members, guint first, guint end, struct piece *piece)
{
    uint32_t before = UINT32_MAX;
    for (guint i = first; i < end; i++) {
        uint32_t index = g_array_index(members->list, struct member, i).generation;
        const struct generation *generation = &g_array_index(members->generations, struct generation, index);
        guint size = piece->proof->len;
        if (index != before)
            prove_generation(pieces, piece, generation);
        if (prove_member(members, i, generation, piece))
            before = index;
        else if (index != before)
            g_byte_array_set_size(piece->proof, size);
    }
}

static bool is_proved(const struct piece *piece, const struct piece *kept)
{
    return piece->provable && piece->proof->len == kept->proof->len &&
           memcmp(piece->proof->data, kept->proof->data, kept->proof->len) == 0;
}

/* Slots and minutes are just what the numbers say. */
static bool is_complete(const struct piece *piece)
{
    const struct usage_table *table = piece->table;
    for (uint32_t i = 0; i < piece->window.n_slots; i++) {
        uint64_t minutes = 0;
        for (uint32_t k = 0; k < WINDOW_MINUTES_PER_SLOT && table->n_minutes > 0; k++)
            minutes += table->minute_requests[i * WINDOW_MINUTES_PER_SLOT + k];
        if (table->slot_requests[i] != piece->in_slots[i] || (table->n_minutes > 0 && minutes != piece->in_minutes[i]))
            return false;
    }
    return piece->provable;
}

/* ---- reading ---- */

/* What has to be read, and what is there. */
struct lists {
    GPtrArray *missing, *found; /* struct piece */
};

static void look(struct live_pieces *pieces, struct piece *piece, const struct lists *lists)
{
    struct piece *kept = piece->proof->len > 0 ? (struct piece *)(void *)live_cache_take(pieces->cache, piece->key) : NULL;
    bool is_there = piece->proof->len == 0 || (kept != NULL && is_proved(piece, kept));
    if (kept != NULL && is_there)
        g_ptr_array_add(lists->found, live_kept_ref(&kept->kept));
    kept_unref(kept);
    if (is_there) {
        kept_unref(piece);
        return;
    }
    piece->table = usage_table_new(&piece->window);
    g_ptr_array_add(lists->missing, piece);
    pieces->read++;
}

static void look_at_day(struct live_pieces *pieces, const struct members *members, guint first, guint end,
                        const struct window *window, const struct lists *lists)
{
    uint32_t index = g_array_index(members->list, struct member, first).generation;
    int64_t day = g_array_index(members->generations, struct generation, index).day;
    int64_t slot = MAX(window->first_slot, day * KEYS_SLOTS_PER_DAY);
    int64_t slot_end = MIN(window->first_slot + window->n_slots, (day + 1) * KEYS_SLOTS_PER_DAY);
    for (uint32_t n; slot < slot_end; slot += n) {
        n = stretch_size(window, slot, slot_end, end - first <= MEMBERS_FEW);
        struct piece *piece = piece_new(pieces, slot, n, has_minutes(window, slot));
        prove(pieces, members, first, end, piece);
        look(pieces, piece, lists);
    }
}

static bool is_sum_of(const struct sum *sum, const GPtrArray *found)
{
    bool same = sum->serials->len == found->len;
    for (guint i = 0; same && i < found->len; i++)
        same = g_array_index(sum->serials, gsize, i) == ((const struct piece *)g_ptr_array_index(found, i))->serial;
    return same;
}

static struct sum *sum_new(const GPtrArray *found, const struct window *window)
{
    const struct window *first = &((const struct piece *)g_ptr_array_index(found, 0))->window;
    const struct window *last = &((const struct piece *)g_ptr_array_index(found, found->len - 1))->window;
    struct sum *sum = g_new0(struct sum, 1);
    live_kept_init(&sum->kept, sizeof *sum, sum_free);
    window_init_slots(&sum->window, first->first_slot, (uint32_t)(last->first_slot + last->n_slots - first->first_slot),
                      window->has_minutes);
    sum->window.minutes_first_slot = window->minutes_first_slot;
    sum->table = usage_table_new(&sum->window);
    sum->serials = g_array_new(FALSE, FALSE, sizeof(gsize));
    for (guint i = 0; i < found->len; i++) {
        const struct piece *piece = g_ptr_array_index(found, i);
        usage_table_merge(sum->table, piece->table);
        g_array_append_val(sum->serials, piece->serial);
    }
    sum->kept.bytes += usage_table_bytes(sum->table) + sum->window.n_points * sizeof(int64_t) + found->len * sizeof(gsize);
    return sum;
}

/* Of many pieces the sum is kept, too: mostly only the slot of now is another since the last question. */
static void add_found(struct live_pieces *pieces, const GPtrArray *found, struct usage_table *table)
{
    pieces->found += found->len;
    if (found->len < SUM_PIECES_MIN) {
        for (guint i = 0; i < found->len; i++)
            usage_table_merge(table, ((const struct piece *)g_ptr_array_index(found, i))->table);
        return;
    }
    g_autofree char *key = g_strdup_printf("sum\x1e%s", ((const struct piece *)g_ptr_array_index(found, 0))->key);
    struct sum *sum = (struct sum *)(void *)live_cache_take(pieces->cache, key);
    if (sum == NULL || !is_sum_of(sum, found)) {
        kept_unref(sum);
        sum = sum_new(found, table->window);
        live_cache_put(pieces->cache, key, &sum->kept);
    }
    usage_table_merge(table, sum->table);
    kept_unref(sum);
}

static int64_t day_of(const struct members *members, guint i)
{
    uint32_t index = g_array_index(members->list, struct member, i).generation;
    return g_array_index(members->generations, struct generation, index).day;
}

static bool read_missing(struct live_pieces *pieces, const struct members *members, const struct window *window,
                         const GPtrArray *missing, GError **error)
{
    g_autoptr(GPtrArray) tables = g_ptr_array_new();
    g_autofree struct usage_table **by_slot = g_new0(struct usage_table *, window->n_slots);
    const struct slot_tables slots = {window->first_slot, window->n_slots, NULL, by_slot};
    for (guint i = 0; i < missing->len; i++) {
        const struct piece *piece = g_ptr_array_index(missing, i);
        g_ptr_array_add(tables, piece->table);
        for (uint32_t k = 0; k < piece->window.n_slots; k++)
            by_slot[piece->window.first_slot + k - window->first_slot] = piece->table;
    }
    return buckets_read_slots(pieces->reader, members, NULL, &slots, error) && minutes_read(pieces->reader, members, tables, error);
}

static bool look_at_numbers(struct live_pieces *pieces, struct members *members, struct slot_range range, GError **error)
{
    g_autoptr(GArray) unknown = g_array_new(FALSE, FALSE, sizeof(uint32_t));
    members_keep_scores(members);
    for (guint first = 0; first < members->list->len;) {
        uint32_t index = g_array_index(members->list, struct member, first).generation;
        const struct generation *generation = &g_array_index(members->generations, struct generation, index);
        const struct owner *owner = &pieces->owners[generation->partition];
        g_autofree char *key = generation_key(pieces, "numbers\x1e", generation);
        if (owner->has_token && !live_numbers_recall(pieces->cache, key, owner->token, members, index, range))
            g_array_append_val(unknown, index);
        first = members_of(members, index, &first);
    }
    if (!members_see(members, pieces->reader, range, error))
        return false;
    for (guint i = 0; i < unknown->len; i++) {
        uint32_t index = g_array_index(unknown, uint32_t, i);
        const struct generation *generation = &g_array_index(members->generations, struct generation, index);
        g_ptr_array_add(pieces->learned, live_numbers_new(members, pieces->owners[generation->partition].token, index, range));
        g_ptr_array_add(pieces->keys, generation_key(pieces, "numbers\x1e", generation));
    }
    return true;
}

bool live_pieces_read(struct live_pieces *pieces, struct members *members, struct usage_table *table, GError **error)
{
    const struct window *window = table->window;
    g_autoptr(GPtrArray) missing = g_ptr_array_new_with_free_func(kept_unref);
    g_autoptr(GPtrArray) found = g_ptr_array_new_with_free_func(kept_unref);
    if (members->list->len == 0 || window->n_slots == 0)
        return true;
    if (!look_at_numbers(pieces, members, (struct slot_range){window->first_slot, window->first_slot + window->n_slots - 1}, error))
        return false;
    for (guint first = 0, end; first < members->list->len; first = end) {
        for (end = first + 1; end < members->list->len && day_of(members, end) == day_of(members, first);)
            end++;
        look_at_day(pieces, members, first, end, window, &(struct lists){missing, found});
    }
    add_found(pieces, found, table);
    if (missing->len == 0)
        return true;
    if (!read_missing(pieces, members, window, missing, error))
        return false;
    for (guint i = 0; i < missing->len; i++) {
        struct piece *piece = g_ptr_array_index(missing, i);
        usage_table_merge(table, piece->table);
        if (is_complete(piece))
            g_ptr_array_add(pieces->made, live_kept_ref(&piece->kept));
    }
    return true;
}

/* ---- keeping ---- */

void live_pieces_ask_again(struct live_pieces *pieces)
{
    if (pieces->made->len > 0 || pieces->learned->len > 0)
        ask_owners(pieces, true);
}

/* Every owner that has a token stays: simpler than to know which piece is of which. */
static bool all_stay(const struct live_pieces *pieces)
{
    for (int partition = 0; partition < reader_partitions(pieces->reader); partition++)
        if (pieces->owners[partition].has_token && !pieces->owners[partition].stays)
            return false;
    return true;
}

void live_pieces_keep(struct live_pieces *pieces)
{
    if (pieces->made->len + pieces->learned->len == 0 || !all_stay(pieces))
        return;
    for (guint i = 0; i < pieces->learned->len; i++)
        live_cache_put(pieces->cache, g_ptr_array_index(pieces->keys, i), g_ptr_array_index(pieces->learned, i));
    g_ptr_array_set_size(pieces->learned, 0);
    g_ptr_array_set_size(pieces->keys, 0);
    for (guint i = 0; i < pieces->made->len; i++) {
        struct piece *piece = g_ptr_array_index(pieces->made, i);
        piece->kept.bytes += usage_table_bytes(piece->table) + piece->proof->len + piece->window.n_points * sizeof(int64_t);
        live_cache_put(pieces->cache, piece->key, &piece->kept);
    }
    g_ptr_array_set_size(pieces->made, 0);
}

void live_pieces_count(const struct live_pieces *pieces, uint32_t *found, uint32_t *read)
{
    *found = pieces->found;
    *read = pieces->read;
}
