/* report_run: the sheets of a question, several at a time.
 *
 * The calling thread feeds and hands out. In the order of days it takes sheets from the cache, or asks Redis for those that are not
 * there (the reader is its own), and calls the sink for period after period. Scanning threads unpack, check and open what came from
 * Redis, and add each sheet to a table of its period that no other thread is using; who did a period's last sheet merges its tables
 * and sorts. So no table is shared, and a period has at most as many tables as there are threads. The calling thread scans, too,
 * until that has taken a moment: most questions are answered then, and no other thread is begun for them.
 *
 * Bounded, however long the answer: nothing is fed that is more than PERIODS_AHEAD periods behind the next one to be handed out, or
 * more than ROWS_AHEAD rows behind what was scanned; a table that was handed out serves another period. Threads end before
 * report_run returns. */
#include "api/report.h"

#include "api/report_plan.h"
#include "api/report_scan.h"
#include "lib/keys.h"

enum {
    PERIODS_AHEAD = 3,
    ROWS_AHEAD = 1 << 19, /* fed, but not scanned: some MiB as Redis has them */
    BATCH = 64,           /* sheets asked of Redis together */
    BATCH_ROWS = 1 << 17,
    ALONE_US = 1000, /* so long the calling thread is at it alone: another one takes time to begin */
    WAIT_MS = 20,    /* at most until the deadline is looked at again */
    SPARE_MAX = 16,  /* tables that are kept for later periods */
};

/* A unit's sheet, once it is fed: one of them, or none: Redis does not have it. */
struct food {
    struct sheets_hold *hold;
    GBytes *packed;
};

struct progress {
    guint left;                /* units that touch the period and are not scanned */
    GSList *idle;              /* tables that no thread is using now */
    struct report_table *done; /* merged and sorted */
};

struct run {
    const struct report_question *question;
    const struct report_place *place;
    struct report_sink sink;
    struct report_plan plan;
    struct food *food;         /* by unit */
    struct progress *progress; /* by period */
    /* the calling thread's */
    struct report_scan *scan;
    GPtrArray *threads;
    guint asked, next_period;
    bool stopped; /* by the sink */
    GMutex lock;  /* of all below; food between taken and fed is the scanning threads' */
    GCond fed_some, changed;
    guint fed, taken; /* units that were fed; of them those that a thread has begun */
    uint64_t rows_ahead;
    bool over; /* threads are to end */
    GPtrArray *spare;
    GError *error;
};

static const struct report_unit *unit_at(const struct run *run, guint i)
{
    return &g_array_index(run->plan.units, struct report_unit, i);
}

static const struct report_period *period_at(const struct run *run, guint i)
{
    return &g_array_index(run->question->periods, struct report_period, i);
}

static void fail(struct run *run, GError *error)
{
    g_mutex_lock(&run->lock);
    if (run->error == NULL)
        run->error = error;
    else
        g_error_free(error);
    run->over = true;
    g_cond_broadcast(&run->fed_some);
    g_cond_signal(&run->changed);
    g_mutex_unlock(&run->lock);
}

/* ---- scanning ---- */

static struct report_table *borrow_table(struct run *run, guint period)
{
    struct progress *progress = &run->progress[period];
    struct report_table *table = NULL;
    g_mutex_lock(&run->lock);
    if (progress->idle != NULL) {
        table = progress->idle->data;
        progress->idle = g_slist_delete_link(progress->idle, progress->idle);
    } else if (run->spare->len > 0) {
        table = g_ptr_array_steal_index_fast(run->spare, run->spare->len - 1);
    }
    g_mutex_unlock(&run->lock);
    return table != NULL ? table : report_table_new(run->question->groups_max);
}

static void spare_table(struct run *run, struct report_table *table)
{
    report_table_reset(table);
    g_mutex_lock(&run->lock);
    const bool kept = run->spare->len < SPARE_MAX;
    if (kept)
        g_ptr_array_add(run->spare, table);
    g_mutex_unlock(&run->lock);
    if (!kept)
        report_table_free(table);
}

/* All of its sheets are scanned: nobody else touches the period's tables now. */
static bool finish_period(struct run *run, guint period, GError **error)
{
    struct progress *progress = &run->progress[period];
    struct report_table *table = progress->idle->data;
    progress->idle = g_slist_delete_link(progress->idle, progress->idle);
    bool ok = true;
    while (ok && progress->idle != NULL) {
        struct report_table *other = progress->idle->data;
        progress->idle = g_slist_delete_link(progress->idle, progress->idle);
        ok = report_table_merge(table, other, error);
        spare_table(run, other);
    }
    if (ok)
        report_table_sort(table, run->question->top);
    g_mutex_lock(&run->lock);
    progress->done = table;
    g_cond_signal(&run->changed);
    g_mutex_unlock(&run->lock);
    return ok;
}

static bool return_tables(struct run *run, const struct report_unit *unit, const struct report_part *parts, bool ok, GError **error)
{
    bool complete[KEYS_SLOTS_PER_DAY] = {false};
    g_mutex_lock(&run->lock);
    for (guint i = unit->first_period; i < unit->end_period; i++) {
        struct progress *progress = &run->progress[i];
        progress->idle = g_slist_prepend(progress->idle, parts[i - unit->first_period].table);
        complete[i - unit->first_period] = --progress->left == 0;
    }
    g_mutex_unlock(&run->lock);
    for (guint i = unit->first_period; ok && i < unit->end_period; i++)
        ok = !complete[i - unit->first_period] || finish_period(run, i, error);
    return ok;
}

static void name_sheet(const struct sheet_want *want, GError **error)
{
    char key[KEYS_MAX];
    keys_sheet(key, want->name.partition, want->name.day, want->name.revision);
    g_prefix_error(error, "The sheet %s is of no use: ", key);
}

static bool scan_unit(struct run *run, struct report_scan *scan, guint i, GError **error)
{
    const struct report_unit *unit = unit_at(run, i);
    struct report_part parts[KEYS_SLOTS_PER_DAY];
    const int64_t first = unit->want->name.day * KEYS_SLOTS_PER_DAY, end = first + KEYS_SLOTS_PER_DAY;
    struct sheets_hold *hold = g_steal_pointer(&run->food[i].hold);
    if (hold == NULL)
        hold = sheets_open(run->place->sheets, unit->want, run->food[i].packed, error);
    g_clear_pointer(&run->food[i].packed, g_bytes_unref);
    if (hold == NULL)
        return false;
    for (guint period = unit->first_period; period < unit->end_period; period++)
        parts[period - unit->first_period] = (struct report_part){
            .table = borrow_table(run, period),
            .from_slot = (uint32_t)(MAX(period_at(run, period)->from_slot, first) - first),
            .to_slot = (uint32_t)(MIN(period_at(run, period)->to_slot, end) - first),
        };
    report_plan_learn(&run->plan, unit, sheets_hold_get(hold));
    const bool ok = report_scan_sheet(scan, sheets_hold_get(hold), parts, unit->end_period - unit->first_period, error);
    sheets_release(run->place->sheets, hold);
    if (!ok && g_error_matches(*error, READER_ERROR, READER_ERROR_COPY))
        name_sheet(unit->want, error);
    return return_tables(run, unit, parts, ok, error);
}

/* The next unit that was fed. False: none is there (wait: none will come). */
static bool take_unit(struct run *run, bool wait, guint *i)
{
    g_mutex_lock(&run->lock);
    while (wait && !run->over && run->taken == run->fed)
        g_cond_wait(&run->fed_some, &run->lock);
    const bool taken = !run->over && run->taken < run->fed;
    if (taken) {
        const bool was_full = run->rows_ahead >= ROWS_AHEAD / 2;
        *i = run->taken++;
        run->rows_ahead -= unit_at(run, *i)->want->rows;
        if (was_full && run->rows_ahead < ROWS_AHEAD / 2)
            g_cond_signal(&run->changed);
    }
    g_mutex_unlock(&run->lock);
    return taken;
}

static bool scan_next(struct run *run, struct report_scan *scan, bool wait)
{
    GError *error = NULL;
    guint i;
    if (!take_unit(run, wait, &i))
        return false;
    if (!scan_unit(run, scan, i, &error))
        fail(run, error);
    return true;
}

static void *scan_all(void *opaque)
{
    struct run *run = opaque;
    struct report_scan *scan = report_scan_new(run->question);
    while (scan_next(run, scan, true))
        continue;
    report_scan_free(scan);
    return NULL;
}

static void start_threads(struct run *run)
{
    while (run->threads->len < run->place->threads)
        g_ptr_array_add(run->threads, g_thread_new("report", scan_all, run));
}

static void stop_threads(struct run *run)
{
    g_mutex_lock(&run->lock);
    run->over = true;
    g_cond_broadcast(&run->fed_some);
    g_mutex_unlock(&run->lock);
    for (guint i = 0; i < run->threads->len; i++)
        g_thread_join(g_ptr_array_index(run->threads, i));
}

/* ---- feeding ---- */

/* Units up to `end` are there. */
static void feed_to(struct run *run, guint end)
{
    g_mutex_lock(&run->lock);
    for (; run->fed < end; run->fed++)
        run->rows_ahead += unit_at(run, run->fed)->want->rows;
    g_cond_broadcast(&run->fed_some);
    g_mutex_unlock(&run->lock);
}

static void take_packed(struct reader *reader, const struct redis_reply *reply, void *opaque, size_t i, size_t b)
{
    (void)reader, (void)b;
    struct run *run = opaque;
    const struct view packed = redis_reply_text(reply);
    if (redis_reply_kind(reply) == REDIS_STRING)
        run->food[i].packed = g_bytes_new(packed.data, packed.size);
    feed_to(run, (guint)i + 1); /* those before it were cached, or came before */
}

static bool is_in_reach(const struct run *run, guint i)
{
    return i < run->plan.units->len && unit_at(run, i)->first_period < run->next_period + PERIODS_AHEAD;
}

/* Asks for some more units; those that are cached are there at once. False: nothing is to be done now. */
static bool feed(struct run *run)
{
    GError *error = NULL;
    guint n_missing = 0;
    uint64_t rows = 0;
    g_mutex_lock(&run->lock);
    const bool room = run->rows_ahead < ROWS_AHEAD / 2 && !run->over;
    g_mutex_unlock(&run->lock);
    if (!room || !is_in_reach(run, run->asked))
        return false;
    const guint first = run->asked;
    while (n_missing < BATCH && rows < BATCH_ROWS && is_in_reach(run, run->asked)) {
        const struct sheet_want *want = unit_at(run, run->asked)->want;
        run->food[run->asked].hold = sheets_acquire(run->place->sheets, want);
        if (run->food[run->asked].hold == NULL) {
            sheets_ask(run->place->reader, want, (struct reader_then){.take = take_packed, .opaque = run, .a = run->asked});
            n_missing++;
        }
        rows += want->rows;
        run->asked++;
    }
    if (n_missing > 0 && !reader_finish(run->place->reader, &error))
        fail(run, error);
    else
        feed_to(run, run->asked);
    return run->asked > first;
}

/* ---- handing out ---- */

static bool is_handed_out(const struct run *run)
{
    return run->stopped || run->next_period == run->question->periods->len;
}

static void hand_out_table(struct run *run, struct report_table *table)
{
    struct report_row row = {.period = run->next_period};
    const uint32_t n = report_table_rows(table);
    for (uint32_t i = 0; !run->stopped && i < n; i++) {
        report_table_get(table, i, &row);
        run->stopped = !run->sink.row(&row, run->sink.opaque);
    }
    spare_table(run, table);
}

/* Periods that are done, as far as there is none before them that is not. */
static bool hand_out(struct run *run)
{
    const guint first = run->next_period;
    while (!is_handed_out(run)) {
        struct progress *progress = &run->progress[run->next_period];
        g_mutex_lock(&run->lock);
        struct report_table *table = run->error == NULL ? g_steal_pointer(&progress->done) : NULL;
        g_mutex_unlock(&run->lock);
        if (table != NULL)
            hand_out_table(run, table);
        else if (run->plan.n_units[run->next_period] > 0)
            break;
        run->next_period++;
    }
    return run->next_period > first;
}

/* ---- the whole ---- */

/* Sets the error when the question is to be given up. */
static void look_up(struct run *run)
{
    GError *error = NULL;
    const gint *cancelled = run->place->cancelled;
    if (cancelled != NULL && g_atomic_int_get(cancelled))
        fail(run, g_error_new(REPORT_ERROR, REPORT_ERROR_CANCELLED, "The question was cancelled."));
    else if (reader_is_late(run->place->reader, &error))
        fail(run, error);
}

static void wait_for_threads(struct run *run)
{
    const gint64 until_us = g_get_monotonic_time() + WAIT_MS * G_TIME_SPAN_MILLISECOND;
    g_mutex_lock(&run->lock);
    const struct progress *next = &run->progress[run->next_period];
    if (!run->over && next->done == NULL && (run->rows_ahead >= ROWS_AHEAD / 2 || !is_in_reach(run, run->asked)))
        g_cond_wait_until(&run->changed, &run->lock, until_us);
    g_mutex_unlock(&run->lock);
}

static bool is_over(struct run *run)
{
    g_mutex_lock(&run->lock);
    const bool over = run->over;
    g_mutex_unlock(&run->lock);
    return over || is_handed_out(run);
}

static void conduct(struct run *run)
{
    const gint64 alone_until_us = run->place->hasty ? 0 : g_get_monotonic_time() + ALONE_US;
    while (!is_over(run)) {
        if (run->threads->len == 0 && run->place->threads > 1 && g_get_monotonic_time() >= alone_until_us)
            start_threads(run);
        look_up(run);
        const bool fed = feed(run), handed_out = hand_out(run);
        if (run->threads->len == 0)
            scan_next(run, run->scan, false);
        else if (!fed && !handed_out && !is_over(run))
            wait_for_threads(run);
    }
    stop_threads(run);
}

static void clear(struct run *run)
{
    for (guint i = 0; i < run->plan.units->len; i++) {
        if (run->food[i].hold != NULL)
            sheets_release(run->place->sheets, run->food[i].hold);
        g_clear_pointer(&run->food[i].packed, g_bytes_unref);
    }
    for (guint i = 0; i < run->question->periods->len; i++) {
        g_slist_free_full(run->progress[i].idle, (GDestroyNotify)report_table_free);
        report_table_free(run->progress[i].done);
    }
    report_scan_free(run->scan);
    g_free(run->progress);
    g_free(run->food);
    report_plan_clear(&run->plan);
    g_ptr_array_free(run->threads, TRUE);
    g_ptr_array_free(run->spare, TRUE);
    g_cond_clear(&run->fed_some);
    g_cond_clear(&run->changed);
    g_mutex_clear(&run->lock);
}

static void init(struct run *run)
{
    const struct report_question *question = run->question;
    g_mutex_init(&run->lock);
    g_cond_init(&run->fed_some);
    g_cond_init(&run->changed);
    report_plan_init(&run->plan, question, sheets_placement(run->place->sheets));
    run->food = g_new0(struct food, (gsize)run->plan.units->len + 1);
    run->progress = g_new0(struct progress, (gsize)question->periods->len + 1);
    for (guint i = 0; i < question->periods->len; i++)
        run->progress[i].left = run->plan.n_units[i];
    run->threads = g_ptr_array_new();
    run->spare = g_ptr_array_new_with_free_func((GDestroyNotify)report_table_free);
    run->scan = report_scan_new(question);
}

bool report_run(const struct report_question *question, const struct report_place *place, struct report_sink sink, GError **error)
{
    struct run run = {.question = question, .place = place, .sink = sink};
    struct placement *placement = sheets_placement(place->sheets);
    if (!placement_load(placement, place->reader, error))
        return false;
    init(&run);
    conduct(&run);
    clear(&run);
    if (run.error == NULL)
        return placement_store(placement, place->reader, error);
    g_propagate_error(error, run.error);
    return false;
}
