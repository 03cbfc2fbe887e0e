/* closing_plan: one walk over all days of all partitions, in order, as in a merge of sorted lists. */
#include "aggregator/closing_plan.h"

#include "lib/keys.h"

enum { TRICKLE = 24 };

/* A seal on its way. */
struct sent {
    gint64 key; /* partition and day */
    int partition;
    int64_t day;
    int revision;
    int64_t at_ms; /* monotonic, as all below */
};

/* Since when a day waits. */
struct pending {
    gint64 day;
    int revision, partition;
    enum closing_step step;
    int64_t due_at_ms, step_at_ms;
    uint64_t round; /* when it was last looked at */
};

/* What a partition says of the day at hand, and where it stands in its lists. */
struct place {
    struct day_state state;
    const struct closing_open *open; /* NULL: no events came since the last seal */
    guint next_day, next_open;
    guint in_flight; /* seals */
    bool doubtful;   /* said already */
};

struct closing_plan {
    struct closing_plan_settings settings;
    GHashTable *sent;    /* struct sent by its key */
    GHashTable *pending; /* struct pending by its day */
    GArray *places;      /* struct place by partition */
    uint64_t rounds;
    uint64_t ledger;       /* as last seen */
    uint64_t entries_sent; /* the last entry on its way; 0: none */
    int64_t entries_at_ms; /* when they were sent, or the ledger last moved since */
};

/* The walk of one round. */
struct walk {
    struct closing_plan *plan;
    const struct closing_view *view;
    const struct closing_time *now;
    struct closing_round *round;
    int64_t first_day, last_day; /* of the calendar: from the log's first one to the last one that is over; none: first > last */
    int64_t day;                 /* the one at hand */
    bool open;                   /* a day before it is not in the ledger */
    bool entries_wanted;
};

/* A day at hand, over all partitions. */
struct case_file {
    int sealed, ledgered; /* R and L */
    int target;           /* 0: nothing is to be done */
    bool events;          /* some are not in the ledger */
};

/* ---- life ---- */

struct closing_partition *closing_partition_new(void)
{
    struct closing_partition *partition = g_new0(struct closing_partition, 1);
    partition->first_ms = -1;
    partition->days = g_array_new(FALSE, FALSE, sizeof(struct closing_day));
    partition->open = g_array_new(FALSE, FALSE, sizeof(struct closing_open));
    return partition;
}

void closing_partition_free(struct closing_partition *partition)
{
    g_array_free(partition->days, TRUE);
    g_array_free(partition->open, TRUE);
    g_free(partition);
}

void closing_round_init(struct closing_round *round)
{
    round->seals = g_array_new(FALSE, FALSE, sizeof(struct closing_seal));
    round->entries = g_array_new(FALSE, FALSE, sizeof(struct closing_entry));
    round->waits = g_array_new(FALSE, FALSE, sizeof(struct closing_wait));
    round->doubtful = g_array_new(FALSE, FALSE, sizeof(int));
    round->closed_through = -1;
}

void closing_round_clear(struct closing_round *round)
{
    g_array_free(round->seals, TRUE);
    g_array_free(round->entries, TRUE);
    g_array_free(round->waits, TRUE);
    g_array_free(round->doubtful, TRUE);
}

struct closing_plan *closing_plan_new(const struct closing_plan_settings *settings)
{
    struct closing_plan *plan = g_new0(struct closing_plan, 1);
    plan->settings = *settings;
    plan->sent = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, g_free);
    plan->pending = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, g_free);
    plan->places = g_array_new(FALSE, TRUE, sizeof(struct place));
    return plan;
}

void closing_plan_free(struct closing_plan *plan)
{
    g_hash_table_destroy(plan->sent);
    g_hash_table_destroy(plan->pending);
    g_array_free(plan->places, TRUE);
    g_free(plan);
}

/* ---- what was sent ---- */

static gint64 sent_key(int partition, int64_t day)
{
    return ((gint64)partition << 32) + day;
}

void closing_plan_seal_sent(struct closing_plan *plan, const struct closing_seal *seal, const struct closing_time *now)
{
    struct sent *sent = g_new(struct sent, 1);
    *sent = (struct sent){.key = sent_key(seal->partition, seal->seal.day),
                          .partition = seal->partition,
                          .day = seal->seal.day,
                          .revision = (int)seal->seal.revision,
                          .at_ms = now->monotonic_ms};
    g_hash_table_replace(plan->sent, &sent->key, sent);
}

void closing_plan_entries_sent(struct closing_plan *plan, uint64_t n, const struct closing_time *now)
{
    plan->entries_sent = n;
    plan->entries_at_ms = now->monotonic_ms;
}

bool closing_plan_busy(const struct closing_plan *plan)
{
    return plan->entries_sent > 0 || g_hash_table_size(plan->sent) > 0;
}

void closing_plan_forget(struct closing_plan *plan)
{
    g_hash_table_remove_all(plan->sent);
    plan->entries_sent = 0;
}

static int sealed_of(const struct closing_partition *partition, int64_t day)
{
    guint low = 0, high = partition->days->len;
    while (low < high) {
        guint middle = low + (high - low) / 2;
        const struct closing_day *at = &g_array_index(partition->days, struct closing_day, middle);
        if (at->day == day)
            return at->state.sealed;
        if (at->day < day)
            low = middle + 1;
        else
            high = middle;
    }
    return 0;
}

/* Forgets seals that have arrived, or that took too long, and counts the others. */
static void review_sent(const struct walk *walk)
{
    struct closing_plan *plan = walk->plan;
    GHashTableIter iter;
    gpointer value;
    g_hash_table_iter_init(&iter, plan->sent);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const struct sent *sent = value;
        bool known = sent->partition < (int)plan->places->len;
        if (!known || walk->now->monotonic_ms - sent->at_ms >= CLOSING_RESEND_MS ||
            sealed_of(g_ptr_array_index(walk->view->partitions, sent->partition), sent->day) >= sent->revision)
            g_hash_table_iter_remove(&iter);
        else
            g_array_index(plan->places, struct place, sent->partition).in_flight++;
    }
}

/* Whether entries may be sent: the last ones have arrived, or will not any more; and the ledger stood still since the round before,
 * so that its number and its days are of one state. */
static bool review_entries(struct walk *walk)
{
    struct closing_plan *plan = walk->plan;
    bool moved = walk->view->ledger != plan->ledger;
    plan->ledger = walk->view->ledger;
    if (moved)
        plan->entries_at_ms = walk->now->monotonic_ms;
    if (plan->ledger >= plan->entries_sent || walk->now->monotonic_ms - plan->entries_at_ms >= CLOSING_ENTRIES_WAIT_MS)
        plan->entries_sent = 0;
    return !moved && plan->entries_sent == 0;
}

/* ---- the walk ---- */

static const struct closing_partition *partition_at(const struct walk *walk, guint p)
{
    return g_ptr_array_index(walk->view->partitions, p);
}

static struct place *place_at(const struct walk *walk, guint p)
{
    return &g_array_index(walk->plan->places, struct place, p);
}

/* The partition's next day at or behind the last one; INT64_MAX: none. */
static int64_t next_of(const struct walk *walk, guint p)
{
    const struct closing_partition *partition = partition_at(walk, p);
    const struct place *place = place_at(walk, p);
    int64_t next = INT64_MAX;
    if (place->next_day < partition->days->len)
        next = g_array_index(partition->days, struct closing_day, place->next_day).day;
    if (place->next_open < partition->open->len)
        next = MIN(next, g_array_index(partition->open, struct closing_open, place->next_open).day);
    return next;
}

static void take_place(const struct walk *walk, guint p)
{
    const struct closing_partition *partition = partition_at(walk, p);
    struct place *place = place_at(walk, p);
    place->state = (struct day_state){0};
    place->open = NULL;
    if (place->next_day < partition->days->len) {
        const struct closing_day *day = &g_array_index(partition->days, struct closing_day, place->next_day);
        if (day->day == walk->day) {
            place->state = day->state;
            place->next_day++;
        }
    }
    if (place->next_open < partition->open->len) {
        const struct closing_open *open = &g_array_index(partition->open, struct closing_open, place->next_open);
        if (open->day == walk->day) {
            /* Only of the next revision: another was read between two writes of one flush. */
            place->open = open->revision == place->state.sealed + 1 && open->open.events > 0 ? open : NULL;
            place->next_open++;
        }
    }
}

/* To the next day of any partition or of the calendar. */
static bool go_on(struct walk *walk)
{
    int64_t next = INT64_MAX;
    if (walk->first_day <= walk->last_day && walk->day < walk->last_day)
        next = MAX(walk->day + 1, walk->first_day);
    for (guint p = 0; p < walk->view->partitions->len; p++)
        next = MIN(next, next_of(walk, p));
    if (next == INT64_MAX)
        return false;
    walk->day = next;
    for (guint p = 0; p < walk->view->partitions->len; p++)
        take_place(walk, p);
    return true;
}

/* ---- judging a day ---- */

static int64_t end_of(int64_t day)
{
    return (day + 1) * KEYS_DAY_MS;
}

/* No more come, or they have come for too long. */
static bool is_ripe(const struct walk *walk, int64_t first_ms, int64_t last_ms)
{
    int64_t patience_ms = walk->plan->settings.restate_after_ms;
    return walk->now->wall_ms - last_ms >= patience_ms || walk->now->wall_ms - first_ms >= TRICKLE * patience_ms;
}

/* Whether the open events of the partition are behind revision R of the day. */
static bool is_late(const struct walk *walk, const struct case_file *file, guint p)
{
    struct place *place = place_at(walk, p);
    if (!place->open)
        return false;
    if (place->state.sealed == file->sealed)
        return true;
    if (file->ledgered < file->sealed)
        return false; /* it gets the seals before */
    if (partition_at(walk, p)->caught_up)
        return true;
    if (!place->doubtful && is_ripe(walk, place->open->open.first_ms, place->open->open.last_ms)) {
        int number = (int)p;
        place->doubtful = true;
        g_array_append_val(walk->round->doubtful, number);
    }
    return false;
}

static bool late_events_are_ripe(const struct walk *walk, struct case_file *file)
{
    int64_t first_ms = INT64_MAX, last_ms = INT64_MIN;
    for (guint p = 0; p < walk->view->partitions->len; p++) {
        if (!is_late(walk, file, p))
            continue;
        file->events = true;
        first_ms = MIN(first_ms, place_at(walk, p)->open->open.first_ms);
        last_ms = MAX(last_ms, place_at(walk, p)->open->open.last_ms);
    }
    return file->events && is_ripe(walk, first_ms, last_ms);
}

static void judge(const struct walk *walk, struct case_file *file)
{
    *file = (struct case_file){.ledgered = place_at(walk, 0)->state.ledgered};
    for (guint p = 0; p < walk->view->partitions->len; p++)
        file->sealed = MAX(file->sealed, place_at(walk, p)->state.sealed);
    if (end_of(walk->day) > walk->now->wall_ms)
        return;
    bool ripe = late_events_are_ripe(walk, file);
    if (file->sealed == 0) {
        bool due = end_of(walk->day) + walk->plan->settings.grace_ms <= walk->now->wall_ms;
        bool calendar = walk->day >= walk->first_day && walk->first_day <= walk->last_day;
        file->target = due && (calendar || ripe) ? 1 : 0;
    } else if (ripe) {
        file->target = file->sealed + 1;
    } else if (file->ledgered < file->sealed) {
        file->target = file->sealed;
    }
}

static int peer_of(const struct walk *walk, guint p, int revision)
{
    for (guint other = 0; other < walk->view->partitions->len; other++)
        if (other != p && place_at(walk, other)->state.sealed >= revision)
            return (int)other;
    return -1;
}

/* The seal that the partition needs next, if it needs one. */
static void want_seal(const struct walk *walk, const struct case_file *file, guint p)
{
    struct place *place = place_at(walk, p);
    int reached = place->state.sealed;
    bool follows = reached < file->sealed && file->ledgered < file->sealed;
    bool leads = reached == file->sealed && reached < file->target;
    gint64 key = sent_key((int)p, walk->day);
    const struct sent *sent = g_hash_table_lookup(walk->plan->sent, &key);
    if (!(follows || leads) || reached + 1 >= LEDGER_REVISION_MAX || place->in_flight >= CLOSING_SEALS_MAX ||
        (sent && sent->revision > reached))
        return;
    place->in_flight++;
    struct closing_seal seal = {
        .partition = (int)p,
        .seal = {.day = (uint32_t)walk->day, .revision = (uint32_t)reached + 1, .reason = reached == 0 ? SEAL_DAY_END : SEAL_LATE},
        .peer = peer_of(walk, p, reached + 1)};
    g_array_append_val(walk->round->seals, seal);
}

static void want_entries(const struct walk *walk, const struct case_file *file)
{
    int sheeted = INT_MAX;
    for (guint p = 0; p < walk->view->partitions->len; p++)
        sheeted = MIN(sheeted, place_at(walk, p)->state.sheeted);
    for (int revision = file->ledgered + 1; revision <= sheeted; revision++) {
        if (!walk->entries_wanted || walk->round->entries->len >= CLOSING_ENTRIES_MAX)
            return;
        struct closing_entry entry = {walk->day, revision};
        g_array_append_val(walk->round->entries, entry);
    }
}

/* ---- what waits ---- */

static void next_step(const struct walk *walk, struct closing_wait *wait)
{
    int unsealed = 0, unsheeted = 0, first_unsealed = 0, first_unsheeted = 0;
    for (guint p = walk->view->partitions->len; p > 0; p--) {
        const struct day_state *state = &place_at(walk, p - 1)->state;
        if (state->sealed < wait->revision) {
            first_unsealed = (int)p - 1;
            unsealed++;
        }
        if (state->sheeted < wait->revision) {
            first_unsheeted = (int)p - 1;
            unsheeted++;
        }
    }
    wait->step = unsealed > 0 ? CLOSING_WAITS_SEAL : unsheeted > 0 ? CLOSING_WAITS_SHEET : CLOSING_WAITS_ENTRY;
    wait->partition = unsealed > 0 ? first_unsealed : first_unsheeted;
    wait->partitions = unsealed > 0 ? unsealed : unsheeted;
}

static struct pending *pending_of(const struct walk *walk, const struct closing_wait *wait)
{
    struct pending *pending = g_hash_table_lookup(walk->plan->pending, &walk->day);
    if (!pending || pending->revision != wait->revision) {
        pending = g_new(struct pending, 1);
        *pending = (struct pending){.day = walk->day,
                                    .revision = wait->revision,
                                    .partition = wait->partition,
                                    .step = wait->step,
                                    .due_at_ms = walk->now->monotonic_ms,
                                    .step_at_ms = walk->now->monotonic_ms};
        g_hash_table_replace(walk->plan->pending, &pending->day, pending);
    }
    pending->round = walk->plan->rounds;
    return pending;
}

static void note_wait(const struct walk *walk, const struct case_file *file)
{
    struct closing_wait wait = {.day = walk->day, .revision = file->ledgered + 1};
    next_step(walk, &wait);
    struct pending *pending = pending_of(walk, &wait);
    if (pending->step != wait.step || pending->partition != wait.partition) {
        pending->step = wait.step;
        pending->partition = wait.partition;
        pending->step_at_ms = walk->now->monotonic_ms;
    }
    wait.due_ms = walk->now->monotonic_ms - pending->due_at_ms;
    wait.step_ms = walk->now->monotonic_ms - pending->step_at_ms;
    g_array_append_val(walk->round->waits, wait);
}

static gboolean is_past(gpointer key, gpointer value, gpointer opaque)
{
    (void)key;
    return ((const struct pending *)value)->round != ((const struct closing_plan *)opaque)->rounds;
}

/* ---- a round ---- */

/* Whether all days up to this one are in the ledger, or have nothing that could be. */
static void note_closed(struct walk *walk, const struct case_file *file)
{
    bool in_calendar = walk->day >= walk->first_day && walk->first_day <= walk->last_day;
    bool nothing = !in_calendar && file->sealed == 0 && !file->events;
    if (walk->day > walk->last_day || nothing)
        return;
    walk->open = walk->open || file->ledgered == 0;
    if (!walk->open)
        walk->round->closed_through = MAX(walk->round->closed_through, walk->day);
    else if (walk->round->closed_through >= walk->day)
        walk->round->closed_through = walk->day - 1;
}

static void handle_day(struct walk *walk)
{
    struct case_file file;
    judge(walk, &file);
    for (guint p = 0; p < walk->view->partitions->len; p++)
        want_seal(walk, &file, p);
    want_entries(walk, &file);
    if (file.ledgered < file.target)
        note_wait(walk, &file);
    note_closed(walk, &file);
}

static void set_calendar(struct walk *walk)
{
    int64_t first_ms = INT64_MAX;
    for (guint p = 0; p < walk->view->partitions->len; p++)
        if (partition_at(walk, p)->first_ms >= 0)
            first_ms = MIN(first_ms, partition_at(walk, p)->first_ms);
    walk->first_day = 1;
    walk->last_day = 0;
    walk->day = -1;
    if (first_ms == INT64_MAX)
        return;
    walk->first_day = first_ms / KEYS_DAY_MS;
    walk->last_day = walk->now->wall_ms / KEYS_DAY_MS - 1;
    walk->round->closed_through = walk->first_day - 1;
}

void closing_plan_decide(struct closing_plan *plan, const struct closing_view *view, const struct closing_time *now,
                         struct closing_round *round)
{
    struct walk walk = {.plan = plan, .view = view, .now = now, .round = round};
    g_array_set_size(round->seals, 0);
    g_array_set_size(round->entries, 0);
    g_array_set_size(round->waits, 0);
    g_array_set_size(round->doubtful, 0);
    round->closed_through = -1;
    g_array_set_size(plan->places, 0);
    g_array_set_size(plan->places, view->partitions->len);
    plan->rounds++;
    set_calendar(&walk);
    review_sent(&walk);
    walk.entries_wanted = review_entries(&walk);
    while (view->partitions->len > 0 && go_on(&walk))
        handle_day(&walk);
    g_hash_table_foreach_remove(plan->pending, is_past, plan);
}
