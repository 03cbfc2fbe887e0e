/* payload: the writes of one flush, as bytes.
 *
 * A payload is a run of commands, each one Redis command on one key with absolute values, so that applying it twice is harmless:
 *
 *   command = op (1 byte: 'H' HSET, 'Z' ZADD, 'D' HDEL, 'U' UNLINK)  key  count  argument…
 *   key, argument = length  bytes;  length, count = varint (LEB128)
 *
 * A command has at most PAYLOAD_ARGS_MAX arguments: Redis' Lua cannot unpack many more. Owned by one thread. */
#ifndef DAYBOOK_PAYLOAD_H
#define DAYBOOK_PAYLOAD_H

#include "lib/view.h"
#include <glib.h>

enum { PAYLOAD_ARGS_MAX = 2000 };
enum payload_op { PAYLOAD_HSET = 'H', PAYLOAD_ZADD = 'Z', PAYLOAD_HDEL = 'D', PAYLOAD_UNLINK = 'U' };

struct payload;

struct payload *payload_new(void);
void payload_free(struct payload *payload);
void payload_reset(struct payload *payload);
size_t payload_size(const struct payload *payload); /* bytes */

/* Begins a command. Arguments follow; when there are too many, another command on the same key is begun by itself. A command
 * without arguments vanishes, except UNLINK, whose arguments are further keys of the same partition. */
void payload_begin(struct payload *payload, enum payload_op op, struct view key);
/* One field (HDEL, UNLINK) or one pair (HSET: field, value; ZADD: score, member). */
void payload_add(struct payload *payload, struct view argument);
void payload_add_pair(struct payload *payload, struct view first, struct view second);
/* Ends the last command; the bytes are borrowed until the next change. */
struct view payload_bytes(struct payload *payload);

/* Reads a payload back, command by command. */
struct payload_command {
    const char *name; /* "HSET", … */
    struct view key;
    size_t argc;
    const struct view *argv;
};
/* Calls back for each command; false when the bytes are no payload (then some callbacks may have run) or a callback returned false.
 */
bool payload_each(struct view bytes, bool (*each)(const struct payload_command *command, void *opaque), void *opaque);

#endif
