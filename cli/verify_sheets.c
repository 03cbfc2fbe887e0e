/* verify_sheets: see verify_sheets.h.
 *
 * A job is a day with all of its revisions. The threads take the jobs in order; when one has found a difference, later jobs are
 * dropped and earlier ones finished, so that the first difference is found whoever is faster. */
#include "cli/verify_sheets.h"

#include "cli/client_sums.h"
#include "cli/shards.h"
#include "cli/verify_totals.h"
#include "lib/civil.h"
#include "lib/keys.h"
#include "lib/sheet.h"
#include "lib/sheet_fetch.h"

#include <stdio.h>

enum { PROGRESS_US = 200000 };

struct day_job {
    int64_t day;
    GPtrArray *links;      /* struct chain_link of its revisions, ascending */
    uint32_t erased_below; /* sheets of revisions below this one may be gone */
};

struct pool {
    const struct sheets_check *check;
    GArray *jobs; /* struct day_job */
    gint next;    /* atomic */
    gint done;    /* atomic */
    GMutex lock;
    guint found_at; /* under lock, as all that follows: the number of the job; jobs->len: nothing was found */
    struct finding *finding;
    GError *error;
    struct sheets_count count;
};

struct worker {
    struct pool *pool;
    struct shards *shards;
    struct sheets_count count;
};

char *verify_sheets_where(const struct sheet_name *name, const char *text)
{
    char day[CIVIL_TEXT_MAX];

    civil_format_day(day, name->day);
    return g_strdup_printf("%s, revision %d, partition %d: %s", day, name->revision, name->partition, text);
}

/* ---- the copies of a sheet ---- */

struct copies {
    const struct sheet_name *name;
    const struct day_job *job;
    const uint8_t *checksum;
    GBytes *bytes; /* canonical; NULL: gone, and that is right */
};

/* What an error says of a copy: a finding, or that it cannot be found out (false). */
static bool judge(const struct copies *copies, char *where, GError *cause, struct finding **finding, GError **error)
{
    char hex[2 * LEDGER_CHECKSUM_SIZE + 1];
    g_autofree char *expected = NULL;

    if (cause->domain != ARCHIVE_ERROR || cause->code == ARCHIVE_ERROR_SYSTEM) {
        g_propagate_error(error, g_error_copy(cause));
        g_free(where);
        return false;
    }
    ledger_hex(copies->checksum, hex);
    expected = g_strdup_printf("SHA-256 %s (the ledger's)", hex);
    *finding = finding_new(where, "the sheet", expected, cause->code == ARCHIVE_ERROR_MISSING ? "it is not there" : cause->message);
    return true;
}

static bool may_be_erased(const struct copies *copies, const GError *cause)
{
    return g_error_matches(cause, ARCHIVE_ERROR, ARCHIVE_ERROR_MISSING) &&
           (uint32_t)copies->name->revision < copies->job->erased_below;
}

/* *kept: it is in Redis. */
static bool read_redis(struct worker *worker, struct copies *copies, bool *kept, struct finding **finding, GError **error)
{
    const struct sheets_check *check = worker->pool->check;
    struct redis *redis = shards_get(worker->shards, copies->name->partition, error);
    char key[KEYS_MAX];
    g_autoptr(GError) cause = NULL;

    keys_sheet(key, copies->name->partition, copies->name->day, copies->name->revision);
    if (!redis)
        return false;
    redis_append_call(redis, "GET %s", key); /* an error reply is a finding */
    struct redis_reply *reply = redis_read(redis, error);
    if (!reply)
        return false;
    copies->bytes = sheet_fetch_reply(reply, copies->name, copies->checksum, &cause);
    redis_reply_free(reply);
    *kept = copies->bytes != NULL;
    if (*kept || may_be_erased(copies, cause))
        return true;
    if (g_error_matches(cause, ARCHIVE_ERROR, ARCHIVE_ERROR_MISSING) && check->archive && copies->name->day < check->kept_from)
        return true;
    g_autofree char *text = g_strdup_printf("the sheet in Redis, %s", key);
    if (cause->domain == REDIS_ERROR && cause->code == REDIS_ERROR_REPLY) {
        *finding = finding_new(verify_sheets_where(copies->name, text), "its value", "a packed sheet", cause->message);
        return true;
    }
    return judge(copies, verify_sheets_where(copies->name, text), cause, finding, error);
}

static bool read_archive(struct worker *worker, struct copies *copies, bool *kept, struct finding **finding, GError **error)
{
    struct archive *archive = worker->pool->check->archive;
    g_autofree char *path = archive_sheet_path(archive, copies->name);
    g_autofree char *text = g_strdup_printf("the sheet in the archive, %s", path);
    g_autoptr(GError) cause = NULL;
    GBytes *bytes = archive_get_sheet(archive, copies->name, copies->checksum, &cause);

    *kept = bytes != NULL;
    if (!bytes)
        return may_be_erased(copies, cause) || judge(copies, verify_sheets_where(copies->name, text), cause, finding, error);
    if (copies->bytes)
        g_bytes_unref(bytes); /* their checksums are the same */
    else
        copies->bytes = bytes;
    return true;
}

static bool read_copies(struct worker *worker, struct copies *copies, struct finding **finding, GError **error)
{
    bool has_archive = worker->pool->check->archive != NULL;
    bool redis = false, archive = false;

    if (!read_redis(worker, copies, &redis, finding, error))
        return false;
    if (!*finding && has_archive && !read_archive(worker, copies, &archive, finding, error))
        return false;
    worker->count.in_redis += redis;
    worker->count.in_archive += archive;
    worker->count.removed += archive && !redis;
    worker->count.erased += !archive && !redis;
    return true;
}

/* ---- a revision ---- */

struct revision {
    const struct day_job *job;
    const struct ledger_entry *entry;
    GHashTable *sums; /* of its sheets; NULL: one of them is gone */
};

/* The sheet's content, once its checksum is known to be right. */
static struct finding *check_content(struct worker *worker, struct revision *revision, const struct partition_day *said,
                                     GBytes *bytes)
{
    const struct sheet_name name = {(int)said->partition, revision->entry->day, (int)revision->entry->revision};
    g_autoptr(GError) cause = NULL;
    struct sheet *sheet = sheet_open(bytes, &cause);

    if (!sheet)
        return finding_new(verify_sheets_where(&name, "the sheet"), "its bytes, whose checksum is the ledger's", "a sheet",
                           cause->message);
    struct finding *finding = verify_totals_sheet(revision->entry, said, sheet);
    worker->count.rows += sheet_totals(sheet)->rows;
    if (revision->sums)
        client_sums_add_sheet(revision->sums, sheet);
    sheet_free(sheet);
    return finding;
}

/* Its sheet of one partition. */
static bool check_partition(struct worker *worker, struct revision *revision, guint i, struct finding **finding, GError **error)
{
    const struct partition_day *said = g_ptr_array_index(revision->entry->partitions, i);
    const struct sheet_name name = {(int)said->partition, revision->entry->day, (int)revision->entry->revision};
    struct copies copies = {&name, revision->job, said->sheet_checksum, NULL};

    if (!said->has_sheet || said->partition >= (uint32_t)worker->pool->check->n_partitions) {
        *finding = finding_new(verify_sheets_where(&name, "the ledger"), "what the entry says of the partition",
                               "the checksum of its sheet", said->has_sheet ? "there is no such partition" : "none");
        return true;
    }
    bool ok = read_copies(worker, &copies, finding, error);
    if (ok && !*finding && copies.bytes)
        *finding = check_content(worker, revision, said, copies.bytes);
    else if (ok && !*finding)
        g_clear_pointer(&revision->sums, g_hash_table_unref);
    g_clear_pointer(&copies.bytes, g_bytes_unref);
    return ok;
}

static bool check_revision(struct worker *worker, struct revision *revision, struct finding **finding, GError **error)
{
    bool ok = true;

    for (guint i = 0; ok && !*finding && i < revision->entry->partitions->len; i++)
        ok = check_partition(worker, revision, i, finding, error);
    if (ok && !*finding && revision->sums)
        *finding = verify_totals_organizations(revision->entry, revision->sums);
    worker->count.revisions++;
    return ok;
}

static bool check_day(struct worker *worker, const struct day_job *job, struct finding **finding, GError **error)
{
    g_autoptr(GHashTable) before = NULL;
    bool ok = true;

    for (guint i = 0; ok && !*finding && i < job->links->len; i++) {
        const struct chain_link *link = g_ptr_array_index(job->links, i);
        struct revision revision = {job, link->entry, client_sums_new()};
        ok = check_revision(worker, &revision, finding, error);
        if (ok && !*finding && revision.sums && before)
            *finding = verify_totals_differences(link->entry, revision.sums, before);
        g_clear_pointer(&before, g_hash_table_unref);
        before = revision.sums;
        if (i + 1 == job->links->len)
            worker->count.events += link->entry->events;
    }
    worker->count.days++;
    return ok;
}

/* ---- threads ---- */

static bool is_wanted(struct pool *pool, guint number)
{
    g_mutex_lock(&pool->lock);
    bool wanted = number < pool->found_at && !pool->error;
    g_mutex_unlock(&pool->lock);
    return wanted;
}

/* Takes what was found, if it is the first. */
static void report(struct pool *pool, guint number, struct finding *finding, GError *error)
{
    g_mutex_lock(&pool->lock);
    if (error && !pool->error)
        pool->error = g_steal_pointer(&error);
    if (finding && number < pool->found_at) {
        finding_free(pool->finding);
        pool->finding = g_steal_pointer(&finding);
        pool->found_at = number;
    }
    g_mutex_unlock(&pool->lock);
    finding_free(finding);
    g_clear_error(&error);
}

static void add_counts(struct pool *pool, const struct sheets_count *count)
{
    g_mutex_lock(&pool->lock);
    pool->count.days += count->days;
    pool->count.revisions += count->revisions;
    pool->count.in_redis += count->in_redis;
    pool->count.in_archive += count->in_archive;
    pool->count.removed += count->removed;
    pool->count.erased += count->erased;
    pool->count.rows += count->rows;
    pool->count.events += count->events;
    g_mutex_unlock(&pool->lock);
}

static gpointer work(gpointer pointer)
{
    struct pool *pool = pointer;
    struct worker worker = {.pool = pool, .shards = shards_new(pool->check->redis_url, pool->check->n_partitions)};

    for (;;) {
        guint number = (guint)g_atomic_int_add(&pool->next, 1);
        struct finding *finding = NULL;
        GError *error = NULL;
        if (number >= pool->jobs->len || !is_wanted(pool, number))
            break;
        check_day(&worker, &g_array_index(pool->jobs, struct day_job, number), &finding, &error);
        report(pool, number, finding, error);
        g_atomic_int_inc(&pool->done);
    }
    add_counts(pool, &worker.count);
    shards_free(worker.shards);
    return NULL;
}

static void show_progress(struct pool *pool, const struct sheets_check *check, GThread **threads)
{
    while (check->progress && (guint)g_atomic_int_get(&pool->next) < pool->jobs->len + (guint)check->threads &&
           is_wanted(pool, pool->jobs->len - 1)) {
        fprintf(stderr, "\r\033[Kdays: %d of %u", g_atomic_int_get(&pool->done), pool->jobs->len);
        g_usleep(PROGRESS_US);
    }
    for (int i = 0; i < check->threads; i++)
        g_thread_join(threads[i]);
    if (check->progress)
        fputs("\r\033[K", stderr);
}

/* ---- jobs ---- */

static void job_clear(gpointer pointer)
{
    g_ptr_array_unref(((struct day_job *)pointer)->links);
}

static gint by_day(gconstpointer a, gconstpointer b)
{
    int64_t x = ((const struct day_job *)a)->day;
    int64_t y = ((const struct day_job *)b)->day;

    return x < y ? -1 : x > y;
}

/* The days of the range, with their revisions in the order of the ledger, which is theirs. */
static GArray *make_jobs(const struct sheets_check *check)
{
    GArray *jobs = g_array_new(FALSE, FALSE, sizeof(struct day_job));
    g_autoptr(GHashTable) known = g_hash_table_new(g_direct_hash, g_direct_equal); /* day -> number of the job + 1 */

    g_array_set_clear_func(jobs, job_clear);
    for (guint i = 0; i < check->chain->links->len; i++) {
        struct chain_link *link = g_ptr_array_index(check->chain->links, i);
        gpointer key = GUINT_TO_POINTER(link->entry->day);
        guint number = GPOINTER_TO_UINT(g_hash_table_lookup(known, key));
        if (!date_range_has(&check->range, link->entry->day))
            continue;
        if (number == 0) {
            struct day_job job = {.day = link->entry->day, .links = g_ptr_array_new()};
            g_array_append_val(jobs, job);
            number = jobs->len;
            g_hash_table_insert(known, key, GUINT_TO_POINTER(number));
        }
        struct day_job *job = &g_array_index(jobs, struct day_job, number - 1);
        g_ptr_array_add(job->links, link);
        if (link->entry->reason == SEAL_ERASURE)
            job->erased_below = link->entry->revision;
    }
    g_array_sort(jobs, by_day);
    return jobs;
}

/* GLib makes the number of an error domain when it is first asked for, without a lock. */
static void make_error_domains(void)
{
    const GQuark domains[] = {ARCHIVE_ERROR, REDIS_ERROR, SHEET_ERROR, RECORD_ERROR};

    for (size_t i = 0; i < G_N_ELEMENTS(domains); i++)
        g_assert(domains[i] != 0);
}

bool verify_sheets(struct sheets_check *check, struct finding **finding, GError **error)
{
    g_autoptr(GArray) jobs = make_jobs(check);
    struct pool pool = {.check = check, .jobs = jobs, .found_at = jobs->len};
    g_autofree GThread **threads = g_new(GThread *, (gsize)check->threads);

    make_error_domains();
    g_mutex_init(&pool.lock);
    for (int i = 0; i < check->threads; i++)
        threads[i] = g_thread_new("verify", work, &pool);
    show_progress(&pool, check, threads);
    g_mutex_clear(&pool.lock);
    check->count = pool.count;
    *finding = pool.finding;
    if (!pool.error)
        return true;
    /* An earlier day may have a difference that nobody could see. */
    g_clear_pointer(finding, finding_free);
    g_propagate_error(error, pool.error);
    return false;
}
