#include "api/v2_question.h"

#include "api/writer.h"
#include "lib/keys.h"

/* ---- filters ---- */

static GPtrArray *one_name(const char *name)
{
    GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
    if (name != NULL)
        g_ptr_array_add(names, g_strdup(name));
    return names;
}

static bool has_name(const GPtrArray *names, const char *name)
{
    for (guint i = 0; names != NULL && i < names->len; i++)
        if (strcmp(names->pdata[i], name) == 0)
            return true;
    return names == NULL;
}

/* Narrows a filter to one name, or to nothing where it leaves that out. */
static void narrow(GPtrArray **names, const char *to)
{
    if (to == NULL)
        return;
    GPtrArray *narrowed = one_name(has_name(*names, to) ? to : NULL);
    g_clear_pointer(names, g_ptr_array_unref);
    *names = narrowed;
}

static void set_filter(struct report_filter *filter, const struct v2_execution *execution)
{
    for (size_t i = 0; i < REPORT_NAMES; i++)
        if (execution->body.filter[i] != NULL)
            filter->names[i] = g_ptr_array_ref(execution->body.filter[i]);
    GPtrArray **clients = &filter->names[REPORT_NAME_CLIENT], **organizations = &filter->names[REPORT_NAME_ORGANIZATION];
    if (execution->named_clients != NULL)
        *clients = g_ptr_array_ref(execution->named_clients);
    narrow(clients, execution->path_client);
    narrow(clients, execution->client);
    narrow(organizations, execution->organization);
}

/* ---- periods ---- */

static int64_t bucket_start(int64_t day, enum v2_granularity granularity)
{
    if (granularity == V2_DAY)
        return day;
    return civil_floor(day * CIVIL_DAY_MS, granularity == V2_WEEK ? CIVIL_WEEK : CIVIL_MONTH) / CIVIL_DAY_MS;
}

static int64_t bucket_end(int64_t start, enum v2_granularity granularity)
{
    if (granularity == V2_DAY)
        return start + 1;
    return civil_next(start * CIVIL_DAY_MS, granularity == V2_WEEK ? CIVIL_WEEK : CIVIL_MONTH) / CIVIL_DAY_MS;
}

static void add_period(struct v2_question *question, int64_t first_day, int64_t end_day, char *date)
{
    struct report_period period = {first_day * KEYS_SLOTS_PER_DAY, end_day * KEYS_SLOTS_PER_DAY};
    g_array_append_val(question->report.periods, period);
    g_ptr_array_add(question->dates, date);
}

static char *make_date(int64_t day, bool job)
{
    char text[CIVIL_TEXT_MAX];
    civil_format_day(text, day);
    return job ? g_strdup(text) : g_strconcat(text, "T00:00:00Z", NULL);
}

static void add_periods(struct v2_question *question, const struct v2_body *body, int64_t first, int64_t last)
{
    if (body->granularity == V2_WHOLE) {
        add_period(question, first, last + 1, g_strdup(""));
        return;
    }
    for (int64_t day = first; day <= last;) {
        int64_t start = bucket_start(day, body->granularity), end = MIN(bucket_end(start, body->granularity), last + 1);
        add_period(question, day, end, make_date(start, v2_kind_is_job(body->kind)));
        day = end;
    }
}

/* ---- about the days ---- */

/* Days that have something in common, as ranges; they come in order. */
struct ranges {
    struct writer *writer;
    struct interval open;
    bool any;
};

static void put_range(struct ranges *ranges)
{
    char text[INTERVAL_TEXT_MAX];
    if (ranges->any)
        writer_text(ranges->writer, NULL, view_make(text, interval_write(&ranges->open, text)));
}

static void add_range(struct ranges *ranges, int64_t first, int64_t last)
{
    if (last < first)
        return;
    if (!ranges->any || ranges->open.last_day + 1 != first) {
        put_range(ranges);
        *ranges = (struct ranges){ranges->writer, {first, last}, true};
    }
    ranges->open.last_day = last;
}

/* All of [first, last] that is not closed, though not in the ledger: what lies behind the day up to which everything is. */
static void add_unclosed(struct ranges *ranges, const struct pin *pin, int64_t first, int64_t last)
{
    add_range(ranges, pin->through == FINALITY_NONE ? first : MAX(first, pin->through + 1), last);
}

static const struct closed_day *day_at(const struct closed_days *days, guint i)
{
    return &g_array_index(days->days, struct closed_day, i);
}

static void write_omitted(struct writer *writer, const struct v2_question *question, const struct v2_execution *execution)
{
    const struct interval *interval = &execution->body.interval;
    struct ranges ranges = {.writer = writer};
    writer_begin(writer, "omittedDays", '[');
    if (question->days == NULL) {
        add_unclosed(&ranges, &execution->pin, interval->first_day, interval->last_day);
    } else {
        const struct closed_days *days = question->days;
        add_unclosed(&ranges, &execution->pin, interval->first_day, days->first_day - 1);
        for (guint i = 0; i < days->days->len; i++)
            if (day_at(days, i)->state == DAY_NOT_CLOSED)
                add_range(&ranges, day_at(days, i)->day, day_at(days, i)->day);
        add_unclosed(&ranges, &execution->pin, days->first_day + days->days->len, interval->last_day);
    }
    put_range(&ranges);
    writer_end(writer, ']');
}

static void write_revisions(struct writer *writer, const struct closed_days *days)
{
    writer_begin(writer, "revisions", '[');
    for (guint i = 0; days != NULL && i < days->days->len; i++) {
        const struct closed_day *day = day_at(days, i);
        char text[CIVIL_TEXT_MAX];
        if (day->state != DAY_CLOSED || day->revision == 1)
            continue;
        writer_begin(writer, NULL, '{');
        writer_text(writer, "day", view_make(text, civil_format_day(text, day->day)));
        writer_integer(writer, "revision", day->revision);
        writer_end(writer, '}');
    }
    writer_end(writer, ']');
}

/* Closed, but parts of them were lost on the way here. */
static void write_incomplete(struct writer *writer, const struct closed_days *days)
{
    struct ranges ranges = {.writer = writer};
    writer_begin(writer, "incompleteDays", '[');
    for (guint i = 0; days != NULL && i < days->days->len; i++)
        if (day_at(days, i)->state == DAY_CLOSED && !day_at(days, i)->complete)
            add_range(&ranges, day_at(days, i)->day, day_at(days, i)->day);
    put_range(&ranges);
    writer_end(writer, ']');
}

static void write_about(struct v2_question *question, const struct v2_execution *execution)
{
    char text[INTERVAL_TEXT_MAX];
    struct writer writer;
    question->about = g_string_new(NULL);
    writer_init(&writer, question->about);
    writer_text(&writer, "interval", view_make(text, interval_write(&execution->body.interval, text)));
    if (execution->pin.through == FINALITY_NONE)
        writer_null(&writer, "finalizedThrough");
    else
        writer_text(&writer, "finalizedThrough", view_make(text, civil_format_day(text, execution->pin.through)));
    write_omitted(&writer, question, execution);
    write_revisions(&writer, question->days);
    write_incomplete(&writer, question->days);
}

/* ---- the whole ---- */

/* A ledger that is shorter than it was has nothing to say about this pin: a Redis that was put back. */
bool v2_question_init(struct v2_question *question, const struct v2_execution *execution, const struct ledger_place *place,
                      GError **error)
{
    *question = (struct v2_question){0};
    int64_t first, last;
    if (place->index->n < execution->pin.n) {
        g_set_error(error, READER_ERROR, READER_ERROR_CHANGED, "The ledger ends before entry %" G_GUINT64_FORMAT ".",
                    execution->pin.n);
        return false;
    }
    question->report.group = execution->body.group;
    question->report.periods = g_array_new(FALSE, FALSE, sizeof(struct report_period));
    question->dates = g_ptr_array_new_with_free_func(g_free);
    set_filter(&question->report.filter, execution);
    bool any = closed_days_bounds(place->index, execution->pin, &first, &last);
    if (any) {
        first = MAX(first, execution->body.interval.first_day);
        last = MIN(last, execution->body.interval.last_day);
    }
    if (any && first <= last) {
        question->days = closed_days_read(place, execution->pin, first, last, error);
        if (question->days == NULL)
            return false;
        question->report.days = question->days;
        add_periods(question, &execution->body, first, last);
    }
    write_about(question, execution);
    return true;
}

void v2_question_clear(struct v2_question *question)
{
    report_question_clear(&question->report);
    g_clear_pointer(&question->days, closed_days_free);
    g_clear_pointer(&question->dates, g_ptr_array_unref);
    if (question->about != NULL)
        g_string_free(question->about, TRUE);
    *question = (struct v2_question){0};
}
