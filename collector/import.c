#include "collector/import.h"
#include "collector/import_registry.h"
#include "collector/import_sender.h"
#include "lib/hex.h"

enum { POLL_MS = 50, TOPIC_TIMEOUT_MS = 10000 };

/* One run. */
struct run {
    const struct import_settings *settings;
    struct import_plan *plan;
    struct import_source *source;
    struct import_sender *sender;
    struct import_registry *registry;
    uint32_t partition_count;
    uint64_t *counted; /* by partition: highest sequence that Redis knows */
    struct import_entry wanted;
    struct import_result *result;
};

static const char *format_of(const struct run *run)
{
    return log_format_name(run->settings->line.format);
}

static void report(const struct run *run, enum import_phase phase, uint64_t done, uint64_t total)
{
    struct import_progress progress = {
        .phase = phase, .done = done, .total = total, .books = run->source ? import_source_books(run->source) : NULL};
    if (run->settings->progress)
        run->settings->progress(run->settings->opaque, &progress);
}

/* ---- setting up ---- */

static void fill_wanted(struct run *run)
{
    struct import_entry *wanted = &run->wanted;
    memcpy(wanted->stream_id, run->plan->stream_id, sizeof wanted->stream_id);
    memcpy(wanted->head_digest, run->plan->head_digest, sizeof wanted->head_digest);
    import_source_rules(run->source, wanted->rules_digest);
    wanted->partition_count = run->partition_count;
    wanted->size_bytes = run->plan->end - run->plan->begin;
    wanted->first_line = run->plan->first_line;
    wanted->name = g_filename_display_basename(run->plan->path);
    hex_write(run->result->stream, wanted->stream_id, STREAM_ID_SIZE);
}

static bool set_up(struct run *run, const char *path, GError **error)
{
    const struct import_settings *settings = run->settings;
    struct import_range range = {format_of(run), settings->first_line, settings->n_lines};
    struct kafka_topic topic;
    report(run, IMPORT_DIGESTING, 0, 0);
    run->plan = import_plan_new(path, &range, error);
    if (run->plan == NULL || !kafka_topic_get(settings->kafka, settings->topic, TOPIC_TIMEOUT_MS, &topic, error))
        return false;
    run->partition_count = (uint32_t)topic.partitions;
    run->source = import_source_new(run->plan, &settings->line, settings->intake, run->partition_count, error);
    if (run->source == NULL)
        return false;
    run->counted = g_new0(uint64_t, run->partition_count);
    run->registry = import_registry_new(settings->redis, run->partition_count);
    run->sender = import_sender_new(settings->kafka, settings->topic, error);
    fill_wanted(run);
    return run->sender != NULL;
}

static void clear(struct run *run)
{
    import_sender_free(run->sender);
    import_registry_free(run->registry);
    import_source_free(run->source);
    import_plan_free(run->plan);
    g_free(run->counted);
    g_free(run->wanted.name);
}

/* ---- the manifest ---- */

static enum import_standing look_up(struct run *run, GError **error)
{
    g_autoptr(GPtrArray) entries = import_registry_entries(run->registry, error);
    if (entries == NULL)
        return IMPORT_REFUSED;
    return import_registry_judge(entries, run->plan, format_of(run), &run->wanted, error);
}

/* Redis was lost: worth another try until the time is up. */
static bool may_pass(const GError *error)
{
    return g_error_matches(error, REDIS_ERROR, REDIS_ERROR_LOST);
}

static bool wait_for_manifest(struct run *run, GError **error)
{
    int64_t until_us = g_get_monotonic_time() + run->settings->timeout_ms * INT64_C(1000);
    for (;;) {
        g_autoptr(GError) cause = NULL;
        enum import_standing standing = look_up(run, &cause);
        if (standing == IMPORT_BEGUN)
            return true;
        if (standing == IMPORT_REFUSED && !may_pass(cause)) {
            g_propagate_error(error, g_steal_pointer(&cause));
            return false;
        }
        if (g_get_monotonic_time() > until_us) {
            g_set_error(
                error, IMPORT_ERROR, IMPORT_ERROR_TIMEOUT,
                "The import was announced in the topic, but no aggregator has taken it up within %d s%s%s. Nothing is lost: repeat "
                "the command when one is running.",
                run->settings->timeout_ms / 1000, cause ? ": " : "", cause ? cause->message : "");
            return false;
        }
        report(run, IMPORT_REGISTERING, 0, 0);
        g_usleep(POLL_MS * 1000);
    }
}

static bool register_stream(struct run *run, GError **error)
{
    GError *cause = NULL;
    enum import_standing standing = look_up(run, &cause);
    if (standing == IMPORT_REFUSED) {
        g_propagate_error(error, cause);
        return false;
    }
    run->result->begun_before = standing == IMPORT_BEGUN;
    if (standing == IMPORT_NEW) {
        if (!import_sender_send(run->sender, import_source_manifest(run->source), error))
            return false;
        if (!import_sender_flush(run->sender, run->settings->timeout_ms, error) || !wait_for_manifest(run, error))
            return false;
    }
    return import_registry_counted(run->registry, run->plan->stream_id, run->counted, error);
}

/* ---- the events ---- */

/* Sends those of a block that are not counted yet; takes them out of the array. */
static bool send_block(struct run *run, GPtrArray *batches, GError **error)
{
    while (batches->len > 0) {
        struct import_batch *batch = g_ptr_array_steal_index(batches, 0);
        if (batch->sequence <= run->counted[batch->partition]) {
            run->result->n_skipped++;
            import_batch_free(batch);
        } else if (!import_sender_send(run->sender, batch, error)) {
            return false;
        }
    }
    return true;
}

static bool send_all(struct run *run, GError **error)
{
    g_autoptr(GPtrArray) batches = g_ptr_array_new_with_free_func((GDestroyNotify)import_batch_free);
    bool more = true;
    while (more) {
        if (!import_source_next(run->source, batches, &more, error) || !send_block(run, batches, error))
            return false;
        report(run, IMPORT_SENDING, import_source_done(run->source), run->wanted.size_bytes);
    }
    return import_sender_flush(run->sender, run->settings->timeout_ms, error);
}

static uint64_t sum(const uint64_t *values, uint32_t n, const uint64_t *caps)
{
    uint64_t total = 0;
    for (uint32_t i = 0; i < n; i++)
        total += MIN(values[i], caps[i]);
    return total;
}

static bool wait_until_counted(struct run *run, GError **error)
{
    const uint64_t *sent = import_source_sequences(run->source);
    uint64_t total = sum(sent, run->partition_count, sent);
    uint64_t before = 0;
    int64_t since_us = g_get_monotonic_time();
    for (;;) {
        g_autoptr(GError) cause = NULL;
        if (!import_registry_counted(run->registry, run->plan->stream_id, run->counted, &cause) && !may_pass(cause)) {
            g_propagate_error(error, g_steal_pointer(&cause));
            return false;
        }
        uint64_t done = sum(run->counted, run->partition_count, sent);
        report(run, IMPORT_COUNTING, done, total);
        if (done == total)
            return true;
        if (done != before)
            since_us = g_get_monotonic_time();
        before = done;
        if (g_get_monotonic_time() - since_us > run->settings->timeout_ms * INT64_C(1000)) {
            g_set_error(error, IMPORT_ERROR, IMPORT_ERROR_TIMEOUT,
                        "Everything is in the topic, but the aggregator has counted only %" G_GUINT64_FORMAT
                        " of %" G_GUINT64_FORMAT " batches. The rest is counted when it runs again; nothing has to be repeated.",
                        done, total);
            return false;
        }
        g_usleep(POLL_MS * 1000);
    }
}

bool import_run(const struct import_settings *settings, const char *path, struct import_result *result, GError **error)
{
    struct run run = {.settings = settings, .result = result};
    *result = (struct import_result){0};
    bool ok = set_up(&run, path, error) && register_stream(&run, error) && send_all(&run, error);
    if (ok && settings->wait)
        ok = wait_until_counted(&run, error);
    if (run.source) {
        const uint64_t *sent = import_source_sequences(run.source);
        result->books = *import_source_books(run.source);
        result->n_batches = sum(sent, run.partition_count, sent);
    }
    clear(&run);
    return ok;
}
