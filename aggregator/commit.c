#include "aggregator/commit.h"

#include "lib/crashpoint.h"
#include "lib/keys.h"
#include "lib/number.h"

G_DEFINE_QUARK(daybook - commit - error, commit_error)

struct question {
    commit_answer answer;
    void *opaque;
};

struct commit {
    int partition;
    struct store *store;
    char key[KEYS_MAX];
    size_t key_size;
    char token[64];
    char replid[64];
    char n[NUMBER_MAX + 1]; /* of the last flush, as text: it goes with every apply */
    uint64_t number;
    size_t outstanding; /* commit and applies that are sent and not answered */
    GArray *questions;  /* struct question, asked and not answered */
};

struct commit *commit_new(int partition, struct store *store)
{
    struct commit *commit = g_new0(struct commit, 1);
    commit->partition = partition;
    commit->store = store;
    commit->key_size = keys_plain(commit->key, partition, "commit");
    commit->questions = g_array_new(FALSE, FALSE, sizeof(struct question));
    return commit;
}

void commit_free(struct commit *commit)
{
    if (!commit)
        return;
    commit->store->ops->free(commit->store);
    g_array_free(commit->questions, TRUE);
    g_free(commit);
}

static void set_number(struct commit *commit, uint64_t number)
{
    commit->number = number;
    commit->n[number_write(commit->n, number)] = '\0';
}

static bool lost(GError **error, GError *cause)
{
    g_set_error(error, COMMIT_ERROR, COMMIT_ERROR_LOST, "%s", cause ? cause->message : "the connection is lost");
    g_clear_error(&cause);
    return false;
}

static bool damaged(const struct commit *commit, GError **error, const char *what)
{
    g_set_error(error, COMMIT_ERROR, COMMIT_ERROR_DAMAGED, "the commit record %s is damaged: %s", commit->key, what);
    return false;
}

static void append_script(struct commit *commit, enum store_script script, size_t keys, size_t argc, const struct view *argv)
{
    struct view words[3 + PAYLOAD_ARGS_MAX + 8];
    char count[NUMBER_MAX];
    g_assert(argc <= G_N_ELEMENTS(words) - 3);
    words[0] = view_of("EVALSHA");
    words[1] = view_of(store_script_sha(script));
    words[2] = view_make(count, number_write(count, keys));
    memcpy(words + 3, argv, argc * sizeof *argv);
    commit->store->ops->append(commit->store, 3 + argc, words);
}

static bool send_all(struct commit *commit, GError **error)
{
    GError *cause = NULL;
    if (commit->store->ops->send(commit->store, &cause))
        return true;
    return lost(error, cause);
}

/* Next reply; an error reply becomes an error that says what the owner must do. */
static struct redis_reply *read_reply(struct commit *commit, GError **error)
{
    GError *cause = NULL;
    struct redis_reply *reply = commit->store->ops->read(commit->store, &cause);
    if (!reply) {
        lost(error, cause);
        return NULL;
    }
    if (redis_reply_kind(reply) != REDIS_ERROR_REPLY_KIND)
        return reply;
    struct view text = redis_reply_text(reply);
    bool fenced = text.size >= 6 && memcmp(text.data, "FENCED", 6) == 0;
    g_set_error(error, COMMIT_ERROR, fenced ? COMMIT_ERROR_FENCED : COMMIT_ERROR_LOST, "Redis refused a command: %.*s",
                (int)MIN(text.size, 200), text.data);
    redis_reply_free(reply);
    return NULL;
}

static bool read_and_drop(struct commit *commit, GError **error)
{
    struct redis_reply *reply = read_reply(commit, error);
    if (!reply)
        return false;
    redis_reply_free(reply);
    return true;
}

size_t commit_outstanding(const struct commit *commit)
{
    return commit->outstanding;
}

bool commit_drain(struct commit *commit, GError **error)
{
    if (commit->outstanding > 0 && !send_all(commit, error))
        return false;
    while (commit->outstanding > 0) {
        if (!read_and_drop(commit, error))
            return false;
        if (--commit->outstanding == 0)
            crashpoint("commit.done");
    }
    return true;
}

static bool append_apply(const struct payload_command *command, void *opaque)
{
    struct commit *commit = opaque;
    struct view words[5 + PAYLOAD_ARGS_MAX];
    words[0] = view_make(commit->key, commit->key_size);
    words[1] = command->key;
    words[2] = view_of(commit->token);
    words[3] = view_of(commit->n);
    words[4] = view_of(command->name);
    memcpy(words + 5, command->argv, command->argc * sizeof *command->argv);
    append_script(commit, STORE_APPLY, 2, 5 + command->argc, words);
    commit->outstanding++;
    crashpoint("apply.middle");
    return true;
}

/* ---- claim ---- */

static bool copy_text(char *to, size_t size, struct view text)
{
    if (text.size >= size)
        return false;
    memcpy(to, text.data, text.size);
    to[text.size] = '\0';
    return true;
}

enum { CLAIM_STATE, CLAIM_REPLID, CLAIM_N, CLAIM_NEXT, CLAIM_TOPIC, CLAIM_FP, CLAIM_PAY, CLAIM_FIELDS };

static struct view claim_field(const struct redis_reply *reply, size_t index)
{
    return redis_reply_text(redis_reply_at(reply, index));
}

static bool take_claim(struct commit *commit, const struct redis_reply *reply, struct commit_point *point, GError **error)
{
    if (redis_reply_count(reply) == 1) {
        g_set_error(error, COMMIT_ERROR, COMMIT_ERROR_RESTORING, "partition %d is being restored", commit->partition);
        return false;
    }
    uint64_t next;
    if (redis_reply_count(reply) != CLAIM_FIELDS || !number_read(claim_field(reply, CLAIM_N), &point->n) ||
        !number_read(claim_field(reply, CLAIM_NEXT), &next) || next > INT64_MAX)
        return damaged(commit, error, "n or next is not a number");
    point->next = (int64_t)next;
    if (!copy_text(commit->replid, sizeof commit->replid, claim_field(reply, CLAIM_REPLID)) ||
        !copy_text(point->topic, sizeof point->topic, claim_field(reply, CLAIM_TOPIC)) ||
        !copy_text(point->fingerprint, sizeof point->fingerprint, claim_field(reply, CLAIM_FP)))
        return damaged(commit, error, "topic or fp is too long");
    set_number(commit, point->n);
    if (!payload_each(claim_field(reply, CLAIM_PAY), append_apply, commit))
        return damaged(commit, error, "pay is no payload");
    return true;
}

bool commit_claim(struct commit *commit, const char *token, struct commit_point *point, GError **error)
{
    g_strlcpy(commit->token, token, sizeof commit->token);
    const struct view words[] = {view_make(commit->key, commit->key_size), view_of(commit->token)};
    append_script(commit, STORE_CLAIM, 1, G_N_ELEMENTS(words), words);
    if (!send_all(commit, error))
        return false;
    struct redis_reply *reply = read_reply(commit, error);
    if (!reply)
        return false;
    crashpoint("claim.taken");
    bool ok = take_claim(commit, reply, point, error);
    redis_reply_free(reply);
    return ok && commit_drain(commit, error);
}

/* ---- flush ---- */

static void append_commit(struct commit *commit, const struct commit_point *point, struct view payload)
{
    char n[NUMBER_MAX], next[NUMBER_MAX];
    const struct view words[] = {
        view_make(commit->key, commit->key_size),
        view_of(commit->token),
        view_of(commit->n),
        view_of(commit->replid),
        view_make(n, number_write(n, point->n)),
        view_make(next, number_write_signed(next, point->next)),
        view_of(point->topic),
        view_of(point->fingerprint),
        payload,
    };
    append_script(commit, STORE_COMMIT, 1, G_N_ELEMENTS(words), words);
}

/* The last apply. */
static void add_applied(const struct commit *commit, const struct commit_point *point, struct payload *payload)
{
    char n[NUMBER_MAX];
    payload_begin(payload, PAYLOAD_HSET, view_make(commit->key, commit->key_size));
    payload_add_pair(payload, view_of("applied"), view_make(n, number_write(n, point->n)));
}

bool commit_flush(struct commit *commit, const struct commit_point *point, struct payload *payload, GError **error)
{
    g_assert(point->n == commit->number + 1 && commit->questions->len == 0);
    if (!commit_drain(commit, error))
        return false;
    crashpoint("commit.before");
    add_applied(commit, point, payload);
    struct view bytes = payload_bytes(payload);
    append_commit(commit, point, bytes);
    if (!send_all(commit, error))
        return false;
    crashpoint("commit.sent");
    commit->outstanding++;
    set_number(commit, point->n);
    /* Without waiting: if the commit is refused, so are they. */
    if (!payload_each(bytes, append_apply, commit))
        g_assert_not_reached();
    if (!send_all(commit, error))
        return false;
    crashpoint("apply.sent");
    return true;
}

bool commit_guard(struct commit *commit, GError **error)
{
    if (!commit_drain(commit, error))
        return false;
    const struct view words[] = {view_make(commit->key, commit->key_size), view_of(commit->token), view_of(commit->n),
                                 view_of(commit->replid)};
    append_script(commit, STORE_GUARD, 1, G_N_ELEMENTS(words), words);
    return send_all(commit, error) && read_and_drop(commit, error);
}

bool commit_put_sheet(struct commit *commit, struct view key, struct view sheet, bool *taken, GError **error)
{
    if (!commit_drain(commit, error))
        return false;
    const struct view words[] = {
        view_make(commit->key, commit->key_size), key, view_of(commit->token), view_of(commit->n), view_of(commit->replid), sheet};
    append_script(commit, STORE_SHEET, 2, G_N_ELEMENTS(words), words);
    struct redis_reply *reply = send_all(commit, error) ? read_reply(commit, error) : NULL;
    if (!reply)
        return false;
    *taken = redis_reply_kind(reply) == REDIS_NIL;
    redis_reply_free(reply);
    return true;
}

/* ---- reads ---- */

void commit_ask(struct commit *commit, commit_answer answer, void *opaque, size_t argc, const struct view *argv)
{
    struct question question = {answer, opaque};
    g_array_append_val(commit->questions, question);
    commit->store->ops->append(commit->store, argc, argv);
}

size_t commit_asked(const struct commit *commit)
{
    return commit->questions->len;
}

bool commit_read(struct commit *commit, GError **error)
{
    if (!commit_drain(commit, error) || !send_all(commit, error))
        return false;
    bool ok = true;
    /* All replies, whatever one of them says: the next command's is read behind them. */
    for (guint i = 0; i < commit->questions->len; i++) {
        const struct question *question = &g_array_index(commit->questions, struct question, i);
        struct redis_reply *reply = read_reply(commit, ok ? error : NULL);
        ok = ok && reply && question->answer(question->opaque, reply, error);
        redis_reply_free(reply);
    }
    g_array_set_size(commit->questions, 0);
    return ok;
}
