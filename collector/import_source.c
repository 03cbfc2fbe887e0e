#include "collector/import_source.h"
#include "collector/line_cutter.h"
#include "lib/crc32c.h"

enum {
    PIECE_SIZE = LOG_LINE_MAX + 256 * 1024,
    EVENT_BYTES = 64, /* what an event counts for beside its texts */
};

/* The open batch of one partition. */
struct open_batch {
    struct batch_builder *builder; /* NULL until it is needed */
    size_t bytes;
};

struct import_source {
    const struct import_plan *plan;
    const struct intake *intake;
    struct log_line_reader *reader;
    uint32_t partition_count;
    struct open_batch *open;   /* by partition */
    uint64_t *sequences;       /* by partition */
    struct submission *judged; /* where the intake puts the event of a line */
    char *piece;
    guint block;   /* the next one */
    uint64_t done; /* offset behind the blocks that are done with */
    struct import_books books;
};

void import_batch_free(struct import_batch *batch)
{
    g_bytes_unref(batch->record);
    g_free(batch);
}

struct import_source *import_source_new(const struct import_plan *plan, const struct log_line_settings *line,
                                        const struct intake *intake, uint32_t partition_count, GError **error)
{
    struct log_line_settings settings = *line;
    settings.max_line_bytes = LOG_LINE_MAX;
    struct log_line_reader *reader = log_line_reader_new(&settings, error);
    if (reader == NULL)
        return NULL;
    struct import_source *source = g_new0(struct import_source, 1);
    source->plan = plan;
    source->intake = intake;
    source->reader = reader;
    source->partition_count = partition_count;
    source->open = g_new0(struct open_batch, partition_count);
    source->sequences = g_new0(uint64_t, partition_count);
    source->sequences[0] = 1; /* the manifest */
    source->piece = g_malloc(PIECE_SIZE + LOG_LINE_PADDING);
    source->done = plan->begin;
    return source;
}

void import_source_free(struct import_source *source)
{
    if (source == NULL)
        return;
    for (uint32_t i = 0; i < source->partition_count; i++) {
        if (source->open[i].builder)
            batch_builder_free(source->open[i].builder);
    }
    if (source->judged)
        submission_free(source->judged);
    log_line_reader_free(source->reader);
    g_free(source->open);
    g_free(source->sequences);
    g_free(source->piece);
    g_free(source);
}

void import_source_rules(const struct import_source *source, uint8_t digest[32])
{
    uint8_t intake[32];
    gsize size = 32;
    g_autofree char *line = log_line_reader_text(source->reader);
    g_autofree char *text = g_strdup_printf("import %d\nblock %d lines\nbatch %d bytes\n%s\n", IMPORT_RULES_VERSION,
                                            IMPORT_BLOCK_LINES, IMPORT_BATCH_BYTES, line);
    intake_rules_digest(source->intake, intake);
    GChecksum *checksum = g_checksum_new(G_CHECKSUM_SHA256);
    g_checksum_update(checksum, intake, sizeof intake);
    g_checksum_update(checksum, (const guchar *)text, (gssize)strlen(text));
    g_checksum_get_digest(checksum, digest, &size);
    g_checksum_free(checksum);
}

static struct batch_header header_of(const struct import_source *source, uint32_t partition, uint64_t sequence)
{
    struct batch_header header = {.partition = partition,
                                  .partition_count = source->partition_count,
                                  .sequence = sequence,
                                  .created_ms = 0, /* a repeat must send the same bytes */
                                  .import = true};
    memcpy(header.stream_id, source->plan->stream_id, STREAM_ID_SIZE);
    return header;
}

struct import_batch *import_source_manifest(const struct import_source *source)
{
    const struct import_plan *plan = source->plan;
    struct batch_header header = header_of(source, 0, 1);
    g_autofree char *name = g_filename_display_basename(plan->path);
    if (strlen(name) > EVENT_NAME_MAX)
        *(char *)g_utf8_find_prev_char(name, name + EVENT_NAME_MAX + 1) = '\0';
    struct import_manifest manifest = {.partition_count = source->partition_count,
                                       .name = name,
                                       .size_bytes = plan->end - plan->begin,
                                       .first_line = plan->first_line};
    import_source_rules(source, manifest.rules_digest);
    memcpy(manifest.head_digest, plan->head_digest, sizeof manifest.head_digest);
    struct import_batch *batch = g_new0(struct import_batch, 1);
    batch->sequence = 1;
    batch->record = record_manifest(&header, &manifest);
    return batch;
}

const struct import_books *import_source_books(const struct import_source *source)
{
    return &source->books;
}

const uint64_t *import_source_sequences(const struct import_source *source)
{
    return source->sequences;
}

uint64_t import_source_done(const struct import_source *source)
{
    return source->done - source->plan->begin;
}

/* ---- batches ---- */

/* What was refused since the last seal of this partition, if it is that of all that is refused. */
static struct rejections *take_rejections(struct import_source *source, uint32_t partition)
{
    bool ours = partition == partition_of(view_of(""), view_of(IMPORT_COLLECTOR), source->partition_count);
    return ours ? g_steal_pointer(&source->judged->rejections) : NULL;
}

static void seal(struct import_source *source, uint32_t partition, struct rejections *rejections, GPtrArray *batches)
{
    struct open_batch *open = &source->open[partition];
    if (open->builder == NULL)
        open->builder = batch_builder_new();
    if (rejections)
        batch_builder_reject(open->builder, IMPORT_COLLECTOR, rejections);
    rejections_free(rejections);
    struct batch_header header = header_of(source, partition, ++source->sequences[partition]);
    struct import_batch *batch = g_new0(struct import_batch, 1);
    batch->partition = partition;
    batch->sequence = header.sequence;
    batch->record = batch_builder_seal(open->builder, &header);
    open->bytes = 0;
    g_ptr_array_add(batches, batch);
}

static void seal_all(struct import_source *source, GPtrArray *batches)
{
    for (uint32_t i = 0; i < source->partition_count; i++) {
        struct rejections *rejections = take_rejections(source, i);
        if (source->open[i].bytes > 0 || rejections)
            seal(source, i, rejections, batches);
    }
}

static void add_event(struct import_source *source, const struct event *event, GPtrArray *batches)
{
    uint32_t partition = partition_of(event->organization, event->client, source->partition_count);
    struct open_batch *open = &source->open[partition];
    size_t bytes = EVENT_BYTES + event->organization.size + event->client.size + event->user.size + event->method.size +
                   event->route.size + event->platform.size + event->id.size;
    if (open->bytes + bytes > IMPORT_BATCH_BYTES)
        seal(source, partition, take_rejections(source, partition), batches);
    if (open->builder == NULL)
        open->builder = batch_builder_new();
    batch_builder_add(open->builder, event);
    open->bytes += bytes;
}

/* ---- lines ---- */

static void reject(struct import_source *source, uint64_t line, const struct intake_refusal *why, struct view text)
{
    struct import_books *books = &source->books;
    intake_list(source->judged, intake_reason_word(why->reason), why, 0, text);
    books->tally.rejected[why->reason]++;
    if (books->n_refusals < IMPORT_REFUSALS_MAX)
        books->refusals[books->n_refusals++] = (struct import_refusal){.line = line, .why = *why};
}

/* As the intake judges it; a line without a time is refused, because a repeat would give it another one. */
static enum intake_verdict judge(struct import_source *source, struct view line, struct intake_refusal *why)
{
    struct raw_event raw;
    if (!log_line_read(source->reader, line, &raw, why))
        return INTAKE_REJECTED;
    if (raw.has_time)
        return intake_judge(source->intake, &raw, raw.time_ms, false, source->judged, why);
    intake_refuse_plain(why, INTAKE_MISSING_FIELD, "The line has no time.");
    return INTAKE_REJECTED;
}

static void take_line(struct import_source *source, enum line_cut cut, struct view line, GPtrArray *batches)
{
    struct import_books *books = &source->books;
    struct intake_refusal why = {.reason = INTAKE_TOO_LONG, .message = "The line is longer than 1 MiB."};
    uint64_t number = source->plan->first_line + books->n_lines++;
    if (cut == LINE_WHOLE && log_line_is_blank(line)) {
        books->blank++;
        return;
    }
    enum intake_verdict verdict = cut == LINE_WHOLE ? judge(source, line, &why) : INTAKE_REJECTED;
    if (verdict == INTAKE_REJECTED) {
        reject(source, number, &why, cut == LINE_WHOLE ? line : view_of(""));
    } else if (verdict == INTAKE_EXCLUDED) {
        books->tally.excluded++;
    } else {
        books->tally.accepted++;
        g_assert(source->judged->events->len == 1);
        add_event(source, &g_array_index(source->judged->events, struct event, 0), batches);
        g_array_set_size(source->judged->events, 0);
    }
}

/* The lines of a block, piece by piece; *crc is that of the bytes that were read. */
static bool take_block(struct import_source *source, uint64_t end, uint32_t *crc, GPtrArray *batches, GError **error)
{
    bool skipping = false;
    *crc = 0;
    while (source->done < end) {
        size_t size = (size_t)MIN((uint64_t)PIECE_SIZE, end - source->done);
        if (!import_plan_read(source->plan, source->piece, size, source->done, error))
            return false;
        struct line_cutter cutter = {
            .at = source->piece, .end = source->piece + size, .max_bytes = LOG_LINE_MAX, .skipping = skipping};
        cutter.full = true;
        cutter.at_end = source->done + size == end;
        struct view line;
        for (enum line_cut cut = line_cutter_next(&cutter, &line); cut != LINE_NONE; cut = line_cutter_next(&cutter, &line))
            take_line(source, cut, line, batches);
        skipping = cutter.skipping;
        *crc = crc32c(*crc, source->piece, (size_t)(cutter.at - source->piece));
        source->done += (uint64_t)(cutter.at - source->piece);
    }
    return true;
}

bool import_source_next(struct import_source *source, GPtrArray *batches, bool *more, GError **error)
{
    uint32_t crc = 0;
    *more = source->block < source->plan->blocks->len;
    if (!*more)
        return true;
    const struct import_block *block = &g_array_index(source->plan->blocks, struct import_block, source->block);
    g_autoptr(GPtrArray) sealed = g_ptr_array_new_with_free_func((GDestroyNotify)import_batch_free);
    if (source->judged)
        submission_free(source->judged);
    source->judged = submission_new(); /* its strings are those of one block */
    if (!take_block(source, block->end, &crc, sealed, error))
        return false;
    seal_all(source, sealed);
    if (crc != block->crc) {
        g_set_error(error, IMPORT_ERROR, IMPORT_ERROR_CHANGED, "%s changed while it was imported.", source->plan->path);
        return false;
    }
    source->block++;
    for (guint i = 0; i < sealed->len; i++)
        g_ptr_array_add(batches, g_ptr_array_index(sealed, i));
    g_ptr_array_set_free_func(sealed, NULL);
    return true;
}
