/* system_state: judges what system_facts has read. Everything but the reading is a function of that, the settings and the time. */
#include "api/system_facts.h"

#include "lib/civil.h"
#include "lib/keys.h"
#include "lib/number.h"

static const char SEQUENCE_GAP[] = "sequence_gap", SILENT_COLLECTOR[] = "silent_collector",
                  PARTITION_NOT_SEALED[] = "partition_not_sealed", JOURNAL_FILLING[] = "journal_filling",
                  LAG_WITHOUT_PROGRESS[] = "lag_without_progress";

enum { HEARTBEAT_MS = 10000 /* collector/heartbeat.h */, SECOND_MS = 1000 };

struct judge {
    struct system_state *state;
    const struct system_facts *facts;
    const struct system_settings *settings;
    int64_t now_ms;
    GPtrArray *filling; /* struct condition, borrowed: those whose beginning is kept */
};

void condition_free(struct condition *condition)
{
    if (condition == NULL)
        return;
    g_free(condition->subject);
    g_free(condition->message);
    g_free(condition);
}

static void day_free(gpointer opaque)
{
    g_free(((struct system_day *)opaque)->why);
    g_free(opaque);
}

void system_state_free(struct system_state *state)
{
    if (state == NULL)
        return;
    g_ptr_array_unref(state->partitions);
    g_ptr_array_unref(state->collectors);
    g_ptr_array_unref(state->days);
    g_ptr_array_unref(state->conditions);
    g_ptr_array_unref(state->doubtful);
    g_free(state);
}

const char *system_partition_state_name(enum system_partition_state state)
{
    static const char *const names[] = {"unknown", "counting", "standing", "unowned"};
    return names[state];
}

/* subject and message are taken. */
static struct condition *condition_new(const char *type, char *subject, int64_t since_ms, char *message)
{
    struct condition *condition = g_new(struct condition, 1);
    *condition = (struct condition){type, subject, message, since_ms};
    return condition;
}

static struct condition *add_condition(struct judge *judge, const char *type, char *subject, int64_t since_ms, char *message)
{
    struct condition *condition = condition_new(type, subject, since_ms, message);
    g_ptr_array_add(judge->state->conditions, condition);
    return condition;
}

/* "4 minutes": for people. */
static char *duration(int64_t ms)
{
    static const struct {
        int64_t ms;
        const char *unit;
    } units[] = {{CIVIL_DAY_MS, "day"}, {3600 * SECOND_MS, "hour"}, {60 * SECOND_MS, "minute"}, {SECOND_MS, "second"}};
    size_t i = 0;
    while (i + 1 < G_N_ELEMENTS(units) && ms < 2 * units[i].ms)
        i++;
    int64_t n = ms / units[i].ms;
    return g_strdup_printf("%" G_GINT64_FORMAT " %s%s", n, units[i].unit, n == 1 ? "" : "s");
}

/* ---- partitions ---- */

static enum system_partition_state state_of(const struct judge *judge, const struct system_partition *partition)
{
    if (!judge->facts->has_board)
        return SYSTEM_PARTITION_UNKNOWN;
    if (judge->now_ms - partition->said_ms > SYSTEM_BOARD_STALE_MS)
        return SYSTEM_PARTITION_UNOWNED;
    bool stands = partition->standing_ms > 0 && judge->now_ms - partition->standing_ms >= judge->settings->lag_ms;
    return stands ? SYSTEM_PARTITION_STANDING : SYSTEM_PARTITION_COUNTING;
}

static char *say_standing(const struct system_partition *partition, guint number, int64_t since_ms)
{
    char since[CIVIL_TEXT_MAX];
    civil_format(since, since_ms);
    if (partition->high <= partition->next)
        return g_strdup_printf("Partition %u is not counted since %s: worker %s cannot claim it, or does not reach Kafka; its "
                               "/readyz and log say why.",
                               number, since, partition->worker);
    return g_strdup_printf("Partition %u stands at offset %" G_GINT64_FORMAT " since %s, with %" G_GINT64_FORMAT
                           " records before it; worker %s has it, and its /readyz and log say why.",
                           number, partition->next, since, partition->high - partition->next, partition->worker);
}

static void judge_partition(struct judge *judge, guint number)
{
    struct system_partition *partition = g_ptr_array_index(judge->facts->partitions, number);
    int64_t heard_ms = partition->said_ms > 0 ? partition->said_ms : judge->facts->board_since_ms;
    char since[CIVIL_TEXT_MAX];
    partition->state = state_of(judge, partition);
    if (partition->state == SYSTEM_PARTITION_STANDING)
        add_condition(judge, LAG_WITHOUT_PROGRESS, g_strdup_printf("partition %u", number), partition->standing_ms,
                      say_standing(partition, number, partition->standing_ms));
    if (partition->state != SYSTEM_PARTITION_UNOWNED || heard_ms <= 0 || judge->now_ms - heard_ms < judge->settings->lag_ms)
        return;
    civil_format(since, heard_ms);
    add_condition(
        judge, LAG_WITHOUT_PROGRESS, g_strdup_printf("partition %u", number), heard_ms,
        g_strdup_printf("Nobody counts partition %u since %s. Is an aggregator running, and does it reach Kafka and Redis?", number,
                        since));
}

/* ---- collectors ---- */

/* Up to when all records of the partition are known. */
static int64_t known_until(const struct system_partition *partition)
{
    bool at_end = partition->standing_ms == 0 && partition->high >= 0 && partition->next >= partition->high;
    return MAX(partition->clock_ms, at_end ? partition->said_ms : 0);
}

static gint latest_first(gconstpointer a, gconstpointer b)
{
    int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;
    return (left < right) - (left > right);
}

/* Up to when every heartbeat must have been heard. They go to the partitions in turn: of so many that are known up to a moment,
 * each of the others may hide one before it. */
static int64_t heard_until(const GPtrArray *partitions)
{
    g_autoptr(GArray) known = g_array_new(FALSE, FALSE, sizeof(int64_t));
    int64_t until_ms = INT64_MIN;
    for (guint i = 0; i < partitions->len; i++) {
        int64_t ms = known_until(g_ptr_array_index(partitions, i));
        g_array_append_val(known, ms);
    }
    g_array_sort(known, latest_first);
    for (guint i = 0; i < known->len; i++)
        until_ms = MAX(until_ms, g_array_index(known, int64_t, i) - (int64_t)(known->len - 1 - i) * HEARTBEAT_MS);
    return until_ms;
}

/* By the clock alone it may be silent; but its heartbeats may be where nobody has read, as after a restart of the aggregator. */
static void judge_silence(struct judge *judge, struct system_collector *collector, int64_t until_ms)
{
    char heard[CIVIL_TEXT_MAX];
    int64_t age_ms = judge->now_ms - collector->heard_ms;
    collector->silent = until_ms > collector->heard_ms && until_ms - collector->heard_ms > judge->settings->silent_after_ms;
    if ((!collector->silent && age_ms <= judge->settings->silent_after_ms) || age_ms > judge->settings->silent_until_ms)
        return;
    civil_format(heard, collector->heard_ms);
    g_ptr_array_add(collector->silent ? judge->state->conditions : judge->state->doubtful,
                    condition_new(SILENT_COLLECTOR, g_strdup(collector->name), collector->heard_ms,
                                  g_strdup_printf("Collector %s was last heard of at %s. It was stopped, failed, or does not reach "
                                                  "Kafka; then its journal keeps what comes.",
                                                  collector->name, heard)));
}

static void judge_journal(struct judge *judge, const struct system_collector *collector)
{
    int64_t waiting_ms = collector->journal_oldest_ms > 0 ? collector->heard_ms - collector->journal_oldest_ms : 0;
    bool large = collector->journal_bytes > (uint64_t)judge->settings->journal_bytes;
    if ((!large && waiting_ms <= judge->settings->journal_age_ms) ||
        judge->now_ms - collector->heard_ms > judge->settings->silent_until_ms)
        return;
    const gint64 *kept = g_hash_table_lookup(judge->facts->kept, collector->name);
    g_autofree char *size = g_format_size_full(collector->journal_bytes, G_FORMAT_SIZE_IEC_UNITS);
    g_autofree char *age = duration(waiting_ms);
    struct condition *condition =
        add_condition(judge, JOURNAL_FILLING, g_strdup(collector->name), kept != NULL ? *kept : judge->now_ms,
                      g_strdup_printf("The journal of collector %s holds %s that Kafka has not taken, the oldest for %s.",
                                      collector->name, size, age));
    g_ptr_array_add(judge->filling, condition);
}

static gint by_name(gconstpointer a, gconstpointer b)
{
    return strcmp((*(struct system_collector *const *)a)->name, (*(struct system_collector *const *)b)->name);
}

static void judge_collectors(struct judge *judge)
{
    int64_t until_ms = heard_until(judge->facts->partitions);
    GHashTableIter iter;
    gpointer value;
    g_hash_table_iter_init(&iter, judge->facts->collectors);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        g_ptr_array_add(judge->state->collectors, value);
        g_hash_table_iter_steal(&iter);
        judge_silence(judge, value, until_ms);
        judge_journal(judge, value);
    }
    g_ptr_array_sort(judge->state->collectors, by_name);
}

/* ---- gaps ---- */

static void judge_gap(struct judge *judge, const struct system_gap *gap)
{
    int64_t day_end_ms = (gap->day + 1) * CIVIL_DAY_MS;
    char date[CIVIL_TEXT_MAX];
    if (ledger_index_revision(judge->facts->index, gap->day) > 0 || judge->now_ms >= day_end_ms + CIVIL_DAY_MS)
        return;
    civil_format_day(date, gap->day);
    const char *collector = g_hash_table_lookup(judge->facts->streams, gap->stream);
    add_condition(judge, SEQUENCE_GAP, g_strdup_printf("stream %s on %s", gap->stream, date), gap->day * CIVIL_DAY_MS,
                  g_strdup_printf("%" G_GUINT64_FORMAT " batches of collector %s are missing in the log (stream %s): partition %d "
                                  "expected sequence %" G_GUINT64_FORMAT " and got %" G_GUINT64_FORMAT
                                  "%s. Their events were acknowledged, and are not counted.",
                                  gap->batches, collector != NULL ? collector : "(unknown)", gap->stream, gap->partition,
                                  gap->expected, gap->got, gap->n > 1 ? ", and others" : ""));
}

static void judge_gaps(struct judge *judge)
{
    GHashTableIter iter;
    gpointer value;
    g_hash_table_iter_init(&iter, judge->facts->gaps);
    while (g_hash_table_iter_next(&iter, NULL, &value))
        judge_gap(judge, value);
}

/* ---- days ---- */

static gint by_day(gconstpointer a, gconstpointer b)
{
    int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;
    return (left > right) - (left < right);
}

static bool in_calendar(const struct judge *judge, int64_t day)
{
    return judge->facts->first_ms >= 0 && day >= judge->facts->first_ms / CIVIL_DAY_MS;
}

/* Late events, and those of days before the log began, are closed when no more come. */
static int64_t day_due_ms(const struct judge *judge, int64_t day)
{
    const struct system_open *open = g_hash_table_lookup(judge->facts->open, &day);
    bool late = open != NULL && (ledger_index_revision(judge->facts->index, day) > 0 || !in_calendar(judge, day));
    int64_t end_ms = (day + 1) * CIVIL_DAY_MS;
    return (late ? MAX(end_ms, open->last_ms) : end_ms) + judge->settings->sealed_after_ms;
}

/* Days that are over and not in the ledger, or have events that are not: the oldest, ascending. */
static GArray *find_days(const struct judge *judge)
{
    GArray *days = g_array_new(FALSE, FALSE, sizeof(int64_t));
    int64_t today = civil_divide(judge->now_ms, CIVIL_DAY_MS);
    int64_t first = judge->facts->first_ms < 0 ? today : judge->facts->first_ms / CIVIL_DAY_MS;
    for (int64_t day = first; day < today && days->len < SYSTEM_DAYS_MAX; day++)
        if (ledger_index_revision(judge->facts->index, day) == 0)
            g_array_append_val(days, day);
    GHashTableIter iter;
    gpointer value;
    g_hash_table_iter_init(&iter, judge->facts->open);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const struct system_open *open = value;
        int closed = ledger_index_revision(judge->facts->index, open->day);
        bool listed = closed == 0 && in_calendar(judge, open->day);
        if (open->day < today && open->revision > closed && !listed)
            g_array_append_val(days, open->day);
    }
    g_array_sort(days, by_day);
    if (days->len > SYSTEM_DAYS_MAX)
        g_array_set_size(days, SYSTEM_DAYS_MAX);
    return days;
}

enum step { STEP_SEAL, STEP_SHEET };

/* Of the partitions that have not done a step of the revision, the first one in *partition. */
static guint count_missing(const struct day_state *states, size_t n_days, guint partitions, enum step step, int revision,
                           guint *partition)
{
    guint missing = 0;
    for (guint p = partitions; p > 0; p--) {
        const struct day_state *state = &states[(p - 1) * n_days];
        if ((step == STEP_SEAL ? state->sealed : state->sheeted) >= revision)
            continue;
        *partition = p - 1;
        missing++;
    }
    return missing;
}

static char *others(guint n)
{
    return n > 1 ? g_strdup_printf(" and %u more", n - 1) : g_strdup("");
}

static char *say_day(const struct judge *judge, int64_t day, const struct day_state *states, size_t n_days)
{
    guint partitions = judge->facts->partitions->len, first = 0;
    int closed = ledger_index_revision(judge->facts->index, day), sealed = 0;
    for (guint p = 0; p < partitions; p++)
        sealed = MAX(sealed, states[p * n_days].sealed);
    int revision = MAX(closed + 1, sealed);
    guint missing = count_missing(states, n_days, partitions, STEP_SEAL, revision, &first);
    const char *what = "the seal";
    if (missing == 0) {
        missing = count_missing(states, n_days, partitions, STEP_SHEET, revision, &first);
        what = "the sheet";
    }
    if (missing == 0)
        return g_strdup_printf("Revision %d waits for its entry in the ledger; partition 0 writes it.", revision);
    static const char *const hints[] = {"", "", ", which stands still", ", which nobody counts"};
    const struct system_partition *partition = g_ptr_array_index(judge->facts->partitions, first);
    g_autofree char *more = others(missing);
    return g_strdup_printf("Revision %d waits for %s of partition %u%s%s.", revision, what, first, hints[partition->state], more);
}

/* states: of this day; the next partition's lie n_days further. */
static void judge_day(struct judge *judge, int64_t day, const struct day_state *states, size_t n_days)
{
    int64_t due_ms = day_due_ms(judge, day);
    struct system_day *found = g_new(struct system_day, 1);
    *found = (struct system_day){day, due_ms <= judge->now_ms, say_day(judge, day, states, n_days)};
    g_ptr_array_add(judge->state->days, found);
    char date[CIVIL_TEXT_MAX];
    civil_format_day(date, day);
    if (found->due)
        add_condition(judge, PARTITION_NOT_SEALED, g_strdup_printf("day %s", date), due_ms,
                      g_strdup_printf("%s should be closed by now. %s", date, found->why));
}

static bool judge_days(struct judge *judge, struct reader *reader, GError **error)
{
    g_autoptr(GArray) days = find_days(judge);
    g_autofree struct day_state *states =
        system_facts_read_days(reader, (const int64_t *)(const void *)days->data, days->len, error);
    if (states == NULL)
        return false;
    for (guint i = 0; i < days->len; i++)
        judge_day(judge, g_array_index(days, int64_t, i), states + i, days->len);
    return true;
}

/* ---- beginnings that are kept ---- */

static void take_since(struct reader *reader, const struct redis_reply *reply, void *opaque, size_t a, size_t b)
{
    (void)reader, (void)a, (void)b;
    number_read_signed(redis_reply_text(reply), &((struct condition *)opaque)->since_ms);
}

/* Whoever sees it first says when; the others read that. */
static void keep_since(struct reader *reader, struct condition *condition)
{
    char number[NUMBER_MAX];
    const struct view put[] = {view_of("HSETNX"), view_of(SYSTEM_KEPT_KEY), view_of(condition->subject),
                               view_make(number, number_write_signed(number, condition->since_ms))};
    const struct view get[] = {view_of("HGET"), view_of(SYSTEM_KEPT_KEY), view_of(condition->subject)};
    reader_ask(reader, READER_CONTROL, put, G_N_ELEMENTS(put), (struct reader_then){0});
    reader_ask(reader, READER_CONTROL, get, G_N_ELEMENTS(get), (struct reader_then){.take = take_since, .opaque = condition});
}

static bool keep_all(struct judge *judge, struct reader *reader, GError **error)
{
    g_autoptr(GHashTable) lasting = g_hash_table_new(g_str_hash, g_str_equal);
    for (guint i = 0; i < judge->filling->len; i++) {
        struct condition *condition = g_ptr_array_index(judge->filling, i);
        g_hash_table_add(lasting, condition->subject);
        if (!g_hash_table_contains(judge->facts->kept, condition->subject))
            keep_since(reader, condition);
    }
    GHashTableIter iter;
    gpointer subject;
    g_hash_table_iter_init(&iter, judge->facts->kept);
    while (g_hash_table_iter_next(&iter, &subject, NULL)) {
        const struct view argv[] = {view_of("HDEL"), view_of(SYSTEM_KEPT_KEY), view_of(subject)};
        if (!g_hash_table_contains(lasting, subject))
            reader_ask(reader, READER_CONTROL, argv, G_N_ELEMENTS(argv), (struct reader_then){0});
    }
    return reader_finish(reader, error);
}

/* ---- all ---- */

static gint by_type(gconstpointer a, gconstpointer b)
{
    const struct condition *left = *(struct condition *const *)a, *right = *(struct condition *const *)b;
    int order = strcmp(left->type, right->type);
    if (order != 0)
        return order;
    if (left->since_ms != right->since_ms)
        return left->since_ms < right->since_ms ? -1 : 1;
    return strcmp(left->subject, right->subject);
}

/* Sorts them; what is too much of one type becomes doubtful. */
static void bound_conditions(struct system_state *state)
{
    GPtrArray *kept = g_ptr_array_new_with_free_func((GDestroyNotify)condition_free);
    const char *type = NULL;
    guint of_type = 0;
    g_ptr_array_sort(state->conditions, by_type);
    for (guint i = 0; i < state->conditions->len; i++) {
        struct condition *condition = g_steal_pointer(&state->conditions->pdata[i]);
        of_type = condition->type == type ? of_type + 1 : 1;
        type = condition->type;
        g_ptr_array_add(of_type <= SYSTEM_CONDITIONS_MAX ? kept : state->doubtful, condition);
    }
    g_ptr_array_unref(state->conditions);
    state->conditions = kept;
}

static struct system_state *state_new(const struct system_facts *facts)
{
    struct system_state *state = g_new(struct system_state, 1);
    *state = (struct system_state){
        .partitions = g_ptr_array_ref(facts->partitions),
        .collectors = g_ptr_array_new_with_free_func((GDestroyNotify)system_collector_free),
        .days = g_ptr_array_new_with_free_func(day_free),
        .conditions = g_ptr_array_new_with_free_func((GDestroyNotify)condition_free),
        .doubtful = g_ptr_array_new_with_free_func((GDestroyNotify)condition_free),
    };
    return state;
}

struct system_state *system_state_look(struct reader *reader, const struct system_settings *settings, int64_t now_ms,
                                       GError **error)
{
    struct system_facts *facts = system_facts_read(reader, settings->ledger, error);
    if (facts == NULL)
        return NULL;
    g_autoptr(GPtrArray) filling = g_ptr_array_new();
    struct judge judge = {state_new(facts), facts, settings, now_ms, filling};
    for (guint i = 0; i < facts->partitions->len; i++)
        judge_partition(&judge, i);
    judge_collectors(&judge);
    judge_gaps(&judge);
    bool ok = judge_days(&judge, reader, error) && keep_all(&judge, reader, error);
    bound_conditions(judge.state);
    system_facts_free(facts);
    if (ok)
        return judge.state;
    system_state_free(judge.state);
    return NULL;
}
