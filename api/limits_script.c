/* limits_script: what is kept in Redis of one caller: what was granted when, for a minute and for a day.
 *
 * The value is cmsgpack of {time, {age, n, age, n, …}, {age, n, …}}: a time in Unix ms, and for each window, oldest first, how many
 * were granted how many ms before. What is granted within one grain of the clock (half a second, a quarter of an hour) is one
 * entry, as old as its youngest part: so there are at most 121 and 97 entries, and none counts too short. Where requests are fewer
 * than one a grain, the window is exact. A clock that goes back makes what lies in its future happen now.
 *
 * A script's writes go to the append-only file as one transaction, and a torn transaction is a danger to all that follows it; so
 * this script writes once. A key that has expired, though not yet gone, would be a second write (its removal): therefore PEXPIRE
 * is sent before, which removes such a key by itself, and keeps any other alive far longer than until the script runs. */
#include "api/limits_script.h"

#include "lib/number.h"

#define KEY_PREFIX "{daybook}:limit:"
#define KEEP_MS "172800000" /* 2 days; nothing in the key matters after 24 h 15 min */

/* KEYS[1]; ARGV: time or 0, limits of minute and day, want, back, time of back, percent of what remains that may be leased. */
static const char script[] =
    "local now, want, back, back_ms = tonumber(ARGV[1]), tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6]) "
    "if now == 0 then local t = redis.call('TIME') now = t[1] * 1000 + math.floor(t[2] / 1000) end "
    "local windows = {{60000, 500, tonumber(ARGV[2])}, {86400000, 900000, tonumber(ARGV[3])}} "
    "local ok, old = pcall(cmsgpack.unpack, redis.call('GET', KEYS[1]) or '') "
    "local sound = ok and type(old) == 'table' and tonumber(old[1]) and type(old[2]) == 'table' and type(old[3]) == 'table' "
    "if not sound then old = {now, {}, {}} end "
    "local logs, used, room = {}, {}, 2 ^ 53 "
    "for w, window in ipairs(windows) do "
    "  local length, grain, limit = unpack(window) "
    "  local log, sum, unused = {}, 0, back "
    "  for i = 1, #old[w + 1], 2 do "
    "    local t, n = math.min(old[1] - old[w + 1][i], now), old[w + 1][i + 1] "
    "    if math.floor(t / grain) == math.floor(back_ms / grain) then "
    "      local less = math.min(n, unused) "
    "      n, unused = n - less, unused - less "
    "    end "
    "    if n > 0 and t + length > now then log[#log + 1], log[#log + 2], sum = now - t, n, sum + n end "
    "  end "
    "  logs[w], used[w], room = log, sum, math.min(room, limit - sum) "
    "end "
    "local granted = room > 0 and 1 + math.min(want - 1, math.floor(room * tonumber(ARGV[7]) / 100)) or 0 "
    "local reply = {now, granted} "
    "for w, window in ipairs(windows) do "
    "  local length, grain, limit = unpack(window) "
    "  local log, last, i = logs[w], #logs[w] - 1, 1 "
    "  if granted > 0 and last > 0 and math.floor((now - log[last]) / grain) == math.floor(now / grain) then "
    "    log[last], log[last + 1] = 0, log[last + 1] + granted "
    "  elseif granted > 0 then "
    "    log[last + 2], log[last + 3] = 0, granted "
    "  end "
    "  local sum = used[w] + granted "
    "  reply[#reply + 1] = sum "
    "  if granted == 0 then "
    "    sum = sum - (log[2] or 0) "
    "    while sum >= limit and log[i + 2] do i = i + 2 sum = sum - log[i + 1] end "
    "  end "
    "  reply[#reply + 1] = length - (log[i] or 0) "
    "end "
    "if granted > 0 or back > 0 or old[1] > now then "
    "  redis.call('SET', KEYS[1], cmsgpack.pack({now, logs[1], logs[2]}), 'PX', " KEEP_MS ") "
    "end "
    "return reply";

enum { REPLY_NOW, REPLY_GRANTED, REPLY_WINDOWS, REPLY_SIZE = REPLY_WINDOWS + 2 * LIMITS_WINDOW_N };
enum { COMMAND, BODY, KEYS, KEY, NUMBERS, NUMBER_N = 7, ARGUMENTS = NUMBERS + NUMBER_N };

static int64_t number_at(const struct redis_reply *reply, size_t i)
{
    return redis_reply_integer(redis_reply_at(reply, i));
}

static void take_grant(struct reader *reader, const struct redis_reply *reply, void *opaque, size_t a, size_t b)
{
    (void)a, (void)b;
    struct limits_grant *grant = opaque;
    if (redis_reply_count(reply) != REPLY_SIZE) {
        reader_fail(reader, "The script of limits was answered by something else.");
        return;
    }
    grant->redis_ms = number_at(reply, REPLY_NOW);
    grant->granted = (uint64_t)number_at(reply, REPLY_GRANTED);
    for (size_t w = 0; w < LIMITS_WINDOW_N; w++) {
        grant->windows[w].used = (uint64_t)number_at(reply, REPLY_WINDOWS + 2 * w);
        grant->windows[w].wait_ms = number_at(reply, REPLY_WINDOWS + 2 * w + 1);
    }
}

bool limits_script_ask(struct reader *reader, const struct limits_question *question, struct limits_grant *grant, GError **error)
{
    g_autofree char *key = g_strconcat(KEY_PREFIX, question->caller_id, NULL);
    const struct view keep[] = {view_of("PEXPIRE"), view_of(key), view_of(KEEP_MS)};
    const uint64_t numbers[NUMBER_N] = {
        (uint64_t)question->given_time_ms, question->tier.per_minute, question->tier.per_day, question->want, question->back,
        (uint64_t)question->back_redis_ms, LIMITS_LEASE_PERCENT};
    char texts[NUMBER_N][NUMBER_MAX];
    struct view argv[ARGUMENTS] = {
        [COMMAND] = view_of("EVAL"), [BODY] = view_of(script), [KEYS] = view_of("1"), [KEY] = view_of(key)};
    for (size_t i = 0; i < NUMBER_N; i++)
        argv[NUMBERS + i] = view_make(texts[i], number_write(texts[i], numbers[i]));
    reader_ask(reader, READER_CONTROL, keep, G_N_ELEMENTS(keep), (struct reader_then){0});
    reader_ask(reader, READER_CONTROL, argv, G_N_ELEMENTS(argv), (struct reader_then){.take = take_grant, .opaque = grant});
    return reader_finish(reader, error);
}
