#include "aggregator/board.h"

#include "lib/log.h"
#include "lib/number.h"
#include "lib/redis.h"

enum { PREVIOUS_NUMBERS = 4, CONNECT_MS = 1000, COMMAND_MS = 2000, ARGUMENTS_AT_ONCE = 256 };

struct board {
    struct board_settings settings;
    struct redis *redis; /* the thread's own, like the next; NULL: not connected */
    bool failed;         /* said already */
    GThread *thread;
    GMutex lock;
    GCond wake;
    bool stopping; /* under lock */
};

/* ---- a line ---- */

struct previous {
    int64_t next, high, standing_ms;
};

static struct previous read_previous(struct view text)
{
    struct previous previous = {-1, -1, 0};
    int64_t numbers[PREVIOUS_NUMBERS];
    const char *at = text.data, *end = at + text.size;
    for (size_t i = 0; i < PREVIOUS_NUMBERS; i++) {
        const char *blank = at < end ? memchr(at, ' ', (size_t)(end - at)) : NULL;
        if (blank == NULL || !number_read_signed(view_make(at, (size_t)(blank - at)), &numbers[i]))
            return previous;
        at = blank + 1;
    }
    return (struct previous){numbers[0], numbers[1], numbers[3]};
}

void board_line(char out[BOARD_LINE_MAX], const struct worker_stand *stand, struct view before, int64_t now_ms, const char *worker)
{
    const struct previous previous = read_previous(before);
    int64_t next = stand->running ? stand->next : previous.next, high = stand->running ? stand->high : previous.high;
    bool is_read = stand->running && high >= 0;
    bool stands = !is_read || (next < high && next == previous.next);
    int64_t since_ms = is_read && next >= high ? 0 : stands && previous.standing_ms > 0 ? previous.standing_ms : now_ms;
    g_snprintf(out, BOARD_LINE_MAX, "%" G_GINT64_FORMAT " %" G_GINT64_FORMAT " %" G_GINT64_FORMAT " %" G_GINT64_FORMAT " %s", next,
               high, now_ms, since_ms, worker);
}

/* ---- in Redis ---- */

static struct view number_view(char out[NUMBER_MAX], int64_t number)
{
    return view_make(out, number_write_signed(out, number));
}

static bool write_lines(struct board *board, const struct worker_stand *stands, size_t n, GError **error)
{
    char numbers[ARGUMENTS_AT_ONCE][NUMBER_MAX], now_text[NUMBER_MAX];
    struct view argv[2 + 2 * ARGUMENTS_AT_ONCE] = {view_of("HMGET"), view_of(BOARD_KEY)};
    g_autofree char(*lines)[BOARD_LINE_MAX] = g_malloc(n * sizeof *lines);
    int64_t now_ms = g_get_real_time() / 1000;
    for (size_t i = 0; i < n; i++)
        argv[2 + i] = number_view(numbers[i], stands[i].partition);
    struct redis_reply *before = redis_command(board->redis, 2 + n, argv, error);
    if (before == NULL)
        return false;
    argv[0] = view_of("HSET");
    for (size_t i = 0; i < n; i++) {
        struct view line = redis_reply_count(before) == n ? redis_reply_text(redis_reply_at(before, i)) : view_make(NULL, 0);
        board_line(lines[i], &stands[i], line, now_ms, board->settings.worker);
        argv[2 + 2 * i] = number_view(numbers[i], stands[i].partition);
        argv[3 + 2 * i] = view_of(lines[i]);
    }
    redis_reply_free(before);
    struct redis_reply *reply = redis_command(board->redis, 2 + 2 * n, argv, error);
    redis_reply_free(reply);
    if (reply == NULL)
        return false;
    const struct view since[] = {view_of("HSETNX"), view_of(BOARD_KEY), view_of("since"), number_view(now_text, now_ms)};
    reply = redis_command(board->redis, G_N_ELEMENTS(since), since, error);
    redis_reply_free(reply);
    return reply != NULL;
}

static bool write_board(struct board *board, const GArray *stands, GError **error)
{
    if (board->redis == NULL)
        board->redis = redis_connect(&board->settings.redis, BOARD_KEY, error);
    bool ok = board->redis != NULL;
    for (guint i = 0; ok && i < stands->len; i += ARGUMENTS_AT_ONCE)
        ok = write_lines(board, &g_array_index(stands, struct worker_stand, i), MIN(stands->len - i, (guint)ARGUMENTS_AT_ONCE),
                         error);
    /* Also after a reply of error: the server may have become a replica. */
    if (!ok)
        g_clear_pointer(&board->redis, redis_free);
    return ok;
}

static void turn(struct board *board)
{
    g_autoptr(GArray) stands = g_array_new(FALSE, FALSE, sizeof(struct worker_stand));
    g_autoptr(GError) error = NULL;
    board->settings.collect(stands, board->settings.opaque);
    if (stands->len == 0)
        return;
    bool ok = write_board(board, stands, &error);
    if (!ok && !board->failed)
        log_warn("board_not_written", "error=%s", error->message);
    board->failed = !ok;
}

/* ---- life ---- */

/* False: the board is stopping. */
static bool wait_for_next(struct board *board)
{
    gint64 until = g_get_monotonic_time() + board->settings.every_ms * G_TIME_SPAN_MILLISECOND;
    g_mutex_lock(&board->lock);
    while (!board->stopping && g_cond_wait_until(&board->wake, &board->lock, until))
        continue;
    bool go_on = !board->stopping;
    g_mutex_unlock(&board->lock);
    return go_on;
}

static void *run(void *opaque)
{
    struct board *board = opaque;
    while (wait_for_next(board))
        turn(board);
    redis_free(board->redis);
    return NULL;
}

struct board *board_start(const struct board_settings *settings)
{
    struct board *board = g_new0(struct board, 1);
    board->settings = *settings;
    board->settings.redis.connect_timeout_ms = CONNECT_MS;
    board->settings.redis.command_timeout_ms = COMMAND_MS;
    g_mutex_init(&board->lock);
    g_cond_init(&board->wake);
    board->thread = g_thread_new("board", run, board);
    return board;
}

void board_stop(struct board *board)
{
    g_mutex_lock(&board->lock);
    board->stopping = true;
    g_cond_broadcast(&board->wake);
    g_mutex_unlock(&board->lock);
    g_thread_join(board->thread);
    g_mutex_clear(&board->lock);
    g_cond_clear(&board->wake);
    g_free(board);
}
