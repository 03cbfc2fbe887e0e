/* redis_reply: replies as hiredis' reader makes them for us. One that was asked for a thousand scores has two thousand strings:
 * they lie in an arena, which is the reply's, and end with it at once. */
#include "lib/arena.h"
#include "lib/redis_internal.h"
#include <hiredis/hiredis.h>

struct redis_reply {
    enum redis_kind kind;
    union {
        int64_t integer;
        struct view text; /* a NUL behind it */
        struct {
            struct redis_reply *elements;
            size_t count;
        };
    };
};

/* What a reply is in that is no element of another. */
struct whole {
    struct redis_reply reply; /* the first member: hiredis knows the whole by it */
    struct arena arena;       /* the whole lies in it, too */
};

enum { ELEMENTS_MAX = 1 << 26 /* of one array: more is no answer to anything that we ask */ };

#if HIREDIS_MAJOR >= 1
typedef size_t array_count;
#else
typedef int array_count;
#endif

/* ---- making ---- */

static struct whole *whole_new(void)
{
    struct arena arena = {0};
    struct whole *whole = arena_new(&arena, struct whole);
    whole->arena = arena;
    return whole;
}

/* The task's place among the elements of its parent's, or in a whole that begins with it. */
static struct redis_reply *place_of(const redisReadTask *task, struct arena **arena)
{
    const redisReadTask *top = task;
    while (top->parent != NULL)
        top = top->parent;
    struct whole *whole = top == task ? whole_new() : top->obj;
    *arena = &whole->arena;
    return top == task ? &whole->reply : &((struct redis_reply *)task->parent->obj)->elements[task->idx];
}

static void *make_string(const redisReadTask *task, char *text, size_t size)
{
    struct arena *arena;
    struct redis_reply *reply = place_of(task, &arena);
    char *copy = arena_alloc(arena, size + 1);
    memcpy(copy, text, size);
    copy[size] = '\0';
    reply->kind = task->type == REDIS_REPLY_ERROR    ? REDIS_ERROR_REPLY_KIND
                  : task->type == REDIS_REPLY_STATUS ? REDIS_STATUS
                                                     : REDIS_STRING;
    reply->text = view_make(copy, size);
    return reply;
}

static void *make_array(const redisReadTask *task, array_count count)
{
    struct arena *arena;
    if (count > ELEMENTS_MAX)
        return NULL;
    struct redis_reply *reply = place_of(task, &arena);
    reply->kind = REDIS_ARRAY;
    reply->count = (size_t)count;
    reply->elements = arena_alloc0(arena, reply->count * sizeof *reply->elements);
    return reply;
}

static void *make_integer(const redisReadTask *task, long long integer)
{
    struct arena *arena;
    struct redis_reply *reply = place_of(task, &arena);
    reply->kind = REDIS_INTEGER;
    reply->integer = integer;
    return reply;
}

static void *make_nil(const redisReadTask *task)
{
    struct arena *arena;
    struct redis_reply *reply = place_of(task, &arena);
    reply->kind = REDIS_NIL;
    return reply;
}

static void free_whole(void *opaque)
{
    struct arena arena = ((struct whole *)opaque)->arena;
    arena_clear(&arena);
}

void redis_reply_made_by(struct redisReader *reader)
{
    static redisReplyObjectFunctions functions = {
        .createString = make_string,
        .createArray = make_array,
        .createInteger = make_integer,
        .createNil = make_nil,
        .freeObject = free_whole,
    };
    reader->fn = &functions;
}

struct redis_reply *redis_reply_from_resp(struct view resp)
{
    void *reply = NULL;
    redisReader *reader = redisReaderCreate();
    redis_reply_made_by(reader);
    if (redisReaderFeed(reader, resp.data, resp.size) != REDIS_OK || redisReaderGetReply(reader, &reply) != REDIS_OK)
        reply = NULL;
    redisReaderFree(reader);
    return reply;
}

void redis_reply_free(struct redis_reply *reply)
{
    if (reply)
        free_whole(reply);
}

/* ---- reading ---- */

enum redis_kind redis_reply_kind(const struct redis_reply *reply)
{
    return reply->kind;
}

int64_t redis_reply_integer(const struct redis_reply *reply)
{
    return reply->kind == REDIS_INTEGER ? reply->integer : 0;
}

struct view redis_reply_text(const struct redis_reply *reply)
{
    bool is_text = reply->kind == REDIS_STRING || reply->kind == REDIS_STATUS || reply->kind == REDIS_ERROR_REPLY_KIND;
    return is_text ? reply->text : view_make(NULL, 0);
}

size_t redis_reply_count(const struct redis_reply *reply)
{
    return reply->kind == REDIS_ARRAY ? reply->count : 0;
}

const struct redis_reply *redis_reply_at(const struct redis_reply *reply, size_t index)
{
    g_assert(index < redis_reply_count(reply));
    return &reply->elements[index];
}
