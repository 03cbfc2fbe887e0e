/* One connection: commands out, replies in.
 *
 * hiredis connects and reads the protocol; the writing is here. Its own output buffer is copied once more for every partial write,
 * and it writes without MSG_NOSIGNAL, so that a server that went away kills a process which does not ignore SIGPIPE. Here small
 * commands gather in a buffer that is sent when it holds CHUNK bytes, and a large argument is sent from where it lies.
 *
 * Sending blocks, also while nobody reads the replies: Redis keeps them (an ordinary client's output buffer has no limit), so a
 * pipeline of any length cannot lock up. */
#include "lib/redis_internal.h"
#include <errno.h>
#include <hiredis/hiredis.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <sys/time.h>

G_DEFINE_QUARK(daybook - redis - error, redis_error)

enum { CHUNK = 256 * 1024, KEEP_MAX = 4 * CHUNK, DIRECT_MIN = 64 * 1024, READ_SIZE = 64 * 1024, WORDS_MAX = 64, DECIMAL_MAX = 24 };

struct redis {
    redisContext *context;
    GString *out;   /* not yet sent; at most CHUNK + one small command */
    size_t pending; /* commands whose replies were not read */
    GError *broken; /* why, once it is */
    char *address;
    int timeout_ms;
    char in[READ_SIZE];
};

/* ---- life ---- */

static struct timeval timeval_of(int ms)
{
    struct timeval tv = {ms / 1000, (ms % 1000) * 1000};

    return tv;
}

struct redis *redis_open(const char *host, int port, int timeout_ms, GError **error)
{
    g_autofree char *address = g_strdup_printf(strchr(host, ':') ? "[%s]:%d" : "%s:%d", host, port);
    redisContext *context = redisConnectWithTimeout(host, port, timeval_of(timeout_ms));
    struct redis *redis;

    if (!context || context->err) {
        g_set_error(error, REDIS_ERROR, REDIS_ERROR_LOST, "Redis at %s cannot be connected to: %s.", address,
                    context ? context->errstr : "out of memory");
        if (context)
            redisFree(context);
        return NULL;
    }
    redisEnableKeepAlive(context);
    redis_reply_made_by(context->reader);
    redis = g_new0(struct redis, 1);
    redis->context = context;
    redis->out = g_string_sized_new(CHUNK);
    redis->address = g_steal_pointer(&address);
    redis_set_timeout(redis, timeout_ms);
    return redis;
}

void redis_set_timeout(struct redis *redis, int timeout_ms)
{
    redis->timeout_ms = timeout_ms;
    redisSetTimeout(redis->context, timeval_of(timeout_ms));
}

void redis_free(struct redis *redis)
{
    if (!redis)
        return;
    redisFree(redis->context);
    g_string_free(redis->out, TRUE);
    g_clear_error(&redis->broken);
    g_free(redis->address);
    g_free(redis);
}

const char *redis_address(const struct redis *redis)
{
    return redis->address;
}

bool redis_broken(const struct redis *redis)
{
    return redis->broken != NULL;
}

size_t redis_pending(const struct redis *redis)
{
    return redis->pending;
}

/* ---- failure ---- */

static void redis_break(struct redis *redis, const char *reason)
{
    if (!redis->broken)
        redis->broken =
            g_error_new(REDIS_ERROR, REDIS_ERROR_LOST, "The connection to Redis at %s is lost: %s.", redis->address, reason);
    g_string_truncate(redis->out, 0);
}

/* errno of a failed send or recv. */
static void redis_break_errno(struct redis *redis, int number)
{
    if (number == EAGAIN || number == EWOULDBLOCK) {
        g_autofree char *reason = g_strdup_printf("no answer within %d ms", redis->timeout_ms);
        redis_break(redis, reason);
    } else {
        redis_break(redis, g_strerror(number));
    }
}

static bool redis_fails(const struct redis *redis, GError **error)
{
    if (!redis->broken)
        return false;
    if (error)
        *error = g_error_copy(redis->broken);
    return true;
}

/* ---- out ---- */

static bool send_all(struct redis *redis, const char *data, size_t size)
{
    while (size > 0) {
        ssize_t n = send(redis->context->fd, data, size, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            redis_break_errno(redis, errno);
            return false;
        }
        data += n;
        size -= (size_t)n;
    }
    return true;
}

static bool flush_out(struct redis *redis)
{
    bool ok = !redis->broken && send_all(redis, redis->out->str, redis->out->len);

    g_string_truncate(redis->out, 0);
    if (redis->out->allocated_len > KEEP_MAX) {
        g_string_free(redis->out, TRUE);
        redis->out = g_string_sized_new(CHUNK);
    }
    return ok;
}

/* "*3\r\n" or "$12\r\n". */
static void append_header(GString *out, char sign, size_t number)
{
    char text[DECIMAL_MAX];
    size_t at = sizeof text;

    text[--at] = '\n';
    text[--at] = '\r';
    do {
        text[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    text[--at] = sign;
    g_string_append_len(out, text + at, (gssize)(sizeof text - at));
}

static void append_argument(struct redis *redis, struct view argument)
{
    append_header(redis->out, '$', argument.size);
    if (argument.size >= DIRECT_MIN) {
        if (flush_out(redis))
            send_all(redis, argument.data, argument.size);
    } else if (argument.size > 0) {
        g_string_append_len(redis->out, argument.data, (gssize)argument.size);
    }
    g_string_append_len(redis->out, "\r\n", 2);
    if (redis->out->len >= CHUNK)
        flush_out(redis);
}

void redis_append(struct redis *redis, size_t argc, const struct view *argv)
{
    g_assert(argc > 0);
    redis->pending++;
    if (redis->broken)
        return; /* said by the next redis_send or redis_read */
    append_header(redis->out, '*', argc);
    for (size_t i = 0; i < argc && !redis->broken; i++)
        append_argument(redis, argv[i]);
}

bool redis_send(struct redis *redis, GError **error)
{
    flush_out(redis);
    return !redis_fails(redis, error);
}

/* ---- in ---- */

/* Waits for more bytes and gives them to hiredis' reader. */
static bool read_more(struct redis *redis)
{
    ssize_t n = recv(redis->context->fd, redis->in, sizeof redis->in, 0);

    if (n < 0 && errno == EINTR)
        return true;
    if (n < 0)
        redis_break_errno(redis, errno);
    else if (n == 0)
        redis_break(redis, "the server closed it");
    else if (redisReaderFeed(redis->context->reader, redis->in, (size_t)n) != REDIS_OK)
        redis_break(redis, redis->context->reader->errstr);
    return !redis->broken;
}

struct redis_reply *redis_read(struct redis *redis, GError **error)
{
    void *reply = NULL;

    g_assert(redis->pending > 0);
    if (redis->out->len > 0)
        flush_out(redis);
    while (!redis->broken && !reply) {
        if (redisReaderGetReply(redis->context->reader, &reply) != REDIS_OK)
            redis_break(redis, redis->context->reader->errstr);
        else if (!reply)
            read_more(redis);
    }
    if (redis_fails(redis, error))
        return NULL;
    redis->pending--;
    return (struct redis_reply *)reply;
}

struct redis_reply *redis_command(struct redis *redis, size_t argc, const struct view *argv, GError **error)
{
    g_assert(redis->pending == 0 || redis->broken);
    redis_append(redis, argc, argv);
    struct redis_reply *reply = redis_read(redis, error);

    if (!reply || redis_reply_kind(reply) != REDIS_ERROR_REPLY_KIND)
        return reply;
    g_set_error(error, REDIS_ERROR, REDIS_ERROR_REPLY, "%s", redis_reply_text(reply).data);
    redis_reply_free(reply);
    return NULL;
}

/* ---- commands from a format ---- */

/* Splits the format into words; literal words are borrowed from it. Anything but whole-word %s and %b is a bug. */
static size_t words_of(struct view *words, const char *format, va_list args)
{
    size_t n = 0;

    while (*format) {
        size_t length = strcspn(format, " ");
        if (length == 0) {
            format++;
            continue;
        }
        g_assert(n < WORDS_MAX);
        if (length == 2 && format[0] == '%' && format[1] == 's') {
            words[n] = view_of(va_arg(args, const char *));
        } else if (length == 2 && format[0] == '%' && format[1] == 'b') {
            const void *data = va_arg(args, const void *);
            words[n] = view_make(data, va_arg(args, size_t));
        } else {
            g_assert(!memchr(format, '%', length));
            words[n] = view_make(format, length);
        }
        n++;
        format += length;
    }
    return n;
}

struct redis_reply *redis_call(struct redis *redis, GError **error, const char *format, ...)
{
    struct view words[WORDS_MAX];
    va_list args;

    va_start(args, format);
    size_t n = words_of(words, format, args);
    va_end(args);
    return redis_command(redis, n, words, error);
}

void redis_append_call(struct redis *redis, const char *format, ...)
{
    struct view words[WORDS_MAX];
    va_list args;

    va_start(args, format);
    size_t n = words_of(words, format, args);
    va_end(args);
    redis_append(redis, n, words);
}

bool redis_script_load(struct redis *redis, const char *body, char sha[41], GError **error)
{
    struct redis_reply *reply = redis_call(redis, error, "SCRIPT LOAD %s", body);
    struct view text = reply ? redis_reply_text(reply) : view_of(NULL);
    bool ok = text.size == 40;

    if (ok)
        g_strlcpy(sha, text.data, 41);
    else if (reply)
        g_set_error(error, REDIS_ERROR, REDIS_ERROR_REPLY, "Redis at %s answered SCRIPT LOAD with something else.", redis->address);
    redis_reply_free(reply);
    return ok;
}
