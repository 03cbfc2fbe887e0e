#include "api/v2_engine.h"

#include "api/v2_cost.h"
#include "lib/log.h"

void v2_progress_clear(struct v2_progress *progress)
{
    v2_outcome_unref(progress->outcome);
    v2_end_clear(&progress->end);
    *progress = (struct v2_progress){0};
}

bool v2_engine_pin(struct v2_engine *engine, struct reader *reader, struct pin *pin, int64_t *last_closed_day, GError **error)
{
    int64_t first;
    struct ledger_index *index = ledger_cache_take(engine->ledger, reader, error);
    if (index == NULL)
        return false;
    bool ok = pin_read(pin, reader, index, error);
    if (!ok || !closed_days_bounds(index, *pin, &first, last_closed_day))
        *last_closed_day = FINALITY_NONE;
    if (ok)
        *last_closed_day = MAX(*last_closed_day, pin->through);
    ledger_index_release(index);
    return ok;
}

/* ---- computing ---- */

static struct v2_outcome *ask(struct v2_engine *engine, struct reader *reader, const struct v2_execution *execution,
                              struct v2_question *question, const gint *flag, GError **error)
{
    struct registry_snapshot *registry = registry_take(engine->registry);
    const struct v2_making making = {
        .place = {.sheets = engine->sheets,
                  .reader = reader,
                  .threads = flag != NULL ? engine->scan_threads : 1,
                  .cancelled = flag},
        .directory = engine->directory,
        .bytes_max = engine->result_bytes_max,
        .registry = registry,
    };
    question->report.groups_max = engine->groups_max;
    struct v2_outcome *outcome = v2_outcome_make(execution, question, &making, error);
    registry_release(registry);
    return outcome;
}

static bool is_small(const struct v2_engine *engine, const struct v2_question *question)
{
    uint64_t small_us = engine->small_us != 0 ? engine->small_us : V2_SMALL_US;
    return question->days == NULL || v2_cost_us(&question->report, engine->sheets, small_us + 1) <= small_us;
}

/* flag: NULL on behalf of a request, where *heavy comes back true, without rows and without an error, for what is too much. */
static struct v2_outcome *compute(struct v2_engine *engine, struct reader *reader, const struct v2_execution *execution,
                                  const gint *flag, bool *heavy, GError **error)
{
    struct v2_question question;
    struct v2_outcome *outcome = NULL;
    struct ledger_index *index = ledger_cache_take(engine->ledger, reader, error);
    *heavy = false;
    if (index == NULL)
        return NULL;
    const struct ledger_place place = {.reader = reader, .index = index, .archive = engine->archive};
    if (v2_question_init(&question, execution, &place, error)) {
        *heavy = flag == NULL && !is_small(engine, &question);
        if (!*heavy)
            outcome = ask(engine, reader, execution, &question, flag, error);
    }
    v2_question_clear(&question);
    ledger_index_release(index);
    return outcome;
}

/* ---- failing ---- */

static bool is_reader_error(const GError *error, enum reader_error code)
{
    return g_error_matches(error, READER_ERROR, (gint)code);
}

static bool may_pass(const GError *error, bool heavy)
{
    return g_error_matches(error, REDIS_ERROR, REDIS_ERROR_LOST) || is_reader_error(error, READER_ERROR_CHANGED) ||
           g_error_matches(error, REPORT_ERROR, REPORT_ERROR_CANCELLED) || error->domain == G_FILE_ERROR ||
           (is_reader_error(error, READER_ERROR_DEADLINE) && !heavy);
}

/* For who asked. What is in Redis and in files is told only where it helps them. */
static char *explain(const struct v2_engine *engine, const GError *error)
{
    if (error->domain == REPORT_ERROR)
        return g_strdup(error->message);
    if (is_reader_error(error, READER_ERROR_COPY))
        return g_strconcat(error->message, " A new query asks for the newest revision of each day.", NULL);
    if (is_reader_error(error, READER_ERROR_DEADLINE))
        return g_strdup_printf("The query took longer than the %d ms allowed. Ask for fewer days, or group by less.",
                               engine->queries->heavy_timeout_ms);
    return g_strdup("The counts are not as they should be. The log of daybook-api says more.");
}

/* Writes down that it failed for good. False: that could not be written, so it did not. */
static bool fail(struct v2_engine *engine, struct reader *reader, const struct v2_execution *execution, const GError *why,
                 struct v2_end *end, GError **error)
{
    gint64 deadline_us = g_get_monotonic_time() + engine->queries->timeout_ms * G_TIME_SPAN_MILLISECOND;
    *end = (struct v2_end){V2_FAILED, explain(engine, why)};
    log_warn("query_failed", "execution=%s error=%s", execution->id, why->message);
    if (reader_begin(reader, deadline_us, error) && executions_end(reader, execution, end, error))
        return true;
    v2_end_clear(end);
    return false;
}

/* ---- in the background ---- */

struct task {
    struct query query;
    struct v2_engine *engine;
    struct v2_execution *execution;
    gint *flag;
};

static void task_free(struct task *task)
{
    query_clear(&task->query);
    v2_execution_unref(task->execution);
    executions_flag_unref(task->flag);
    g_free(task);
}

static enum query_outcome do_task(struct reader *reader, struct query *query, struct refusal *refusal, GError **error)
{
    (void)refusal;
    struct task *task = (struct task *)(void *)query;
    struct v2_end end = {0};
    g_autoptr(GError) why = NULL;
    bool heavy;
    if (g_atomic_int_get(task->flag))
        return QUERY_REFUSED;
    executions_cache_run(task->engine->cache, task->execution->id);
    struct v2_outcome *outcome = compute(task->engine, reader, task->execution, task->flag, &heavy, &why);
    if (outcome != NULL) {
        executions_cache_done(task->engine->cache, task->execution->id, outcome);
        v2_outcome_unref(outcome);
        return QUERY_ANSWERED;
    }
    if (g_error_matches(why, REPORT_ERROR, REPORT_ERROR_CANCELLED))
        return QUERY_REFUSED;
    if (may_pass(why, true)) {
        g_propagate_error(error, g_steal_pointer(&why));
        return QUERY_FAILED;
    }
    bool failed = fail(task->engine, reader, task->execution, why, &end, error);
    v2_end_clear(&end);
    return failed ? QUERY_REFUSED : QUERY_FAILED;
}

static void work_task(struct reader *reader, struct query *query)
{
    struct task *task = (struct task *)(void *)query;
    struct refusal refusal = {0};
    if (query_run(reader, query, do_task, &refusal) != QUERY_ANSWERED)
        executions_cache_done(task->engine->cache, task->execution->id, NULL);
    refusal_clear(&refusal);
    task_free(task);
}

static bool start_task(struct v2_engine *engine, struct caller *caller, struct v2_execution *execution)
{
    struct task *task = g_new0(struct task, 1);
    *task = (struct task){
        .query = {.queries = engine->queries, .work = work_task, .caller = caller_ref(caller), .heavy = true},
        .engine = engine,
        .execution = v2_execution_ref(execution),
        .flag = executions_cache_queue(engine->cache, execution->id),
    };
    if (query_submit(&task->query))
        return true;
    executions_cache_done(engine->cache, execution->id, NULL);
    task_free(task);
    return false;
}

/* ---- on behalf of a request ---- */

/* It was claimed: nobody else works on it until we say what became of it. */
static bool set_going(struct v2_engine *engine, struct reader *reader, struct caller *caller, struct v2_execution *execution,
                      struct v2_progress *progress, GError **error)
{
    g_autoptr(GError) why = NULL;
    bool heavy;
    progress->outcome = compute(engine, reader, execution, NULL, &heavy, &why);
    if (heavy) {
        progress->state = EXECUTION_QUEUED;
        progress->busy = !start_task(engine, caller, execution);
        return true;
    }
    executions_cache_done(engine->cache, execution->id, progress->outcome);
    progress->state = EXECUTION_DONE;
    if (progress->outcome != NULL)
        return true;
    if (!may_pass(why, false))
        return fail(engine, reader, execution, why, &progress->end, error);
    g_propagate_error(error, g_steal_pointer(&why));
    return false;
}

bool v2_engine_advance(struct v2_engine *engine, struct reader *reader, struct caller *caller, struct v2_execution *execution,
                       struct v2_progress *progress, GError **error)
{
    *progress = (struct v2_progress){0};
    progress->state = executions_cache_claim(engine->cache, execution->id, &progress->outcome);
    if (progress->state != EXECUTION_MINE)
        return true;
    return set_going(engine, reader, caller, execution, progress, error);
}

/* ---- erasures ---- */

/* Whether a day that it shows was closed anew since then to erase somebody: what is in memory may name them. */
static bool look_for_erasure(struct v2_engine *engine, struct reader *reader, const struct v2_execution *execution, bool *erased,
                             GError **error)
{
    const struct interval *interval = &execution->body.interval;
    struct ledger_index *index = ledger_cache_take(engine->ledger, reader, error);
    bool ok = index != NULL;
    *erased = false;
    if (!ok)
        return false;
    const struct ledger_place place = {.reader = reader, .index = index, .archive = engine->archive};
    guint end = ledger_index_find(index, interval->last_day + 1, 0);
    for (guint i = ledger_index_find(index, interval->first_day, 0); ok && i < end && index->n > execution->pin.n; i++) {
        struct ledger_summary summary;
        if (ledger_index_at(index, i)->n <= execution->pin.n)
            continue;
        ok = ledger_read_summaries(&place, i, i + 1, &summary, error);
        *erased |= ok && summary.reason == SEAL_ERASURE;
    }
    ledger_index_release(index);
    return ok;
}

bool v2_engine_end_erased(struct v2_engine *engine, struct reader *reader, const struct v2_execution *execution, struct v2_end *end,
                          GError **error)
{
    bool erased;
    *end = (struct v2_end){0};
    if (!look_for_erasure(engine, reader, execution, &erased, error))
        return false;
    if (!erased)
        return true;
    *end = (struct v2_end){V2_FAILED, g_strdup("A day of this query was closed anew, because a user was erased. Ask again.")};
    executions_cache_cancel(engine->cache, execution->id);
    if (executions_end(reader, execution, end, error))
        return true;
    v2_end_clear(end);
    return false;
}
