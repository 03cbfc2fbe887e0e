#include "api/v2_outcome.h"

#include "api/v2_sort.h"

/* A result that could not be finished is nothing. */
static struct result *run(const struct v2_question *question, const struct v2_making *making, GError **error)
{
    struct result *result = result_new(making->directory, making->bytes_max, error);
    const struct report_sink sink = {result_add, result};
    if (result == NULL)
        return NULL;
    bool ok = question->days == NULL || report_run(&question->report, &making->place, sink, error);
    if (ok && result_finish(result, error))
        return result;
    result_unref(result);
    return NULL;
}

struct v2_outcome *v2_outcome_make(const struct v2_execution *execution, struct v2_question *question,
                                   const struct v2_making *making, GError **error)
{
    struct result *result = run(question, making, error);
    if (result != NULL && execution->body.n_sorts > 0) {
        struct result *sorted = v2_sort(execution, result, making, error);
        result_unref(result);
        result = sorted;
    }
    if (result == NULL)
        return NULL;
    struct v2_outcome *outcome = g_new0(struct v2_outcome, 1);
    *outcome = (struct v2_outcome){1, result, g_steal_pointer(&question->dates), g_steal_pointer(&question->about)};
    return outcome;
}

struct v2_outcome *v2_outcome_ref(struct v2_outcome *outcome)
{
    g_atomic_int_inc(&outcome->users);
    return outcome;
}

void v2_outcome_unref(struct v2_outcome *outcome)
{
    if (outcome == NULL || !g_atomic_int_dec_and_test(&outcome->users))
        return;
    result_unref(outcome->result);
    g_ptr_array_unref(outcome->dates);
    g_string_free(outcome->about, TRUE);
    g_free(outcome);
}

uint64_t v2_outcome_bytes(const struct v2_outcome *outcome)
{
    enum { DATE_BYTES = 40, FIXED_BYTES = 1024 };
    return result_bytes(outcome->result) + outcome->about->allocated_len + outcome->dates->len * (uint64_t)DATE_BYTES + FIXED_BYTES;
}
