/* Opens a journal whose files are what the input says: whatever they hold, it opens, gives back groups in order, takes a new one,
 * and gives that back after another start.
 *
 * The first byte chooses: the bytes of the newest segment behind a right header; frames with right CRCs and contents of the input's
 * choice; changes to a good segment and cursor; the bytes of the cursor; the bytes of a whole segment. */
#include "lib/log.h"
#include "tests/unit/journal_tools.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { GOOD_GROUPS = 5, NEW = 1000 };
enum kind { RAW_BEHIND_HEADER, RIGHT_FRAMES, CHANGES, RAW_CURSOR, RAW_SEGMENT, N_KINDS };

static struct tools t;
static uint64_t nonce = UINT64_C(0x1122334455667788);

static void clean(void)
{
    if (t.dir)
        tools_remove(t.dir);
    free(t.dir);
}

static void begin(void)
{
    if (!t.dir) {
        log_set_level((enum log_level)(LOG_LEVEL_ERROR + 1)); /* nothing: every input would be a line */
        t.dir = tools_directory();
        t.settings = (struct journal_settings){.dir = t.dir, .topic = "t", .max_bytes = 1 << 30, .segment_bytes = TOOLS_SEGMENT};
        atexit(clean);
    }
    tools_remove(t.dir);
    g_mkdir(t.dir, 0750);
}

/* A segment 1 of this content behind a header that is right. */
static void store_segment(const uint8_t *content, size_t size)
{
    struct journal_header header = {.number = 1, .nonce = nonce, .first_group = 1, .partition_count = 4};
    g_autofree uint8_t *bytes = g_malloc(JOURNAL_HEADER_SIZE + size);
    g_autofree char *path = tools_segment(&t, 1);
    journal_header_write(&header, bytes);
    if (size > 0)
        memcpy(bytes + JOURNAL_HEADER_SIZE, content, size);
    tools_store(path, bytes, JOURNAL_HEADER_SIZE + size);
}

/* Each frame: a byte for its kind, one for its group, one for its length; the encoder makes header and CRC, and the input's bytes
 * then replace the payload, the CRC following. Out of them come groups that are right, and groups that only look so. */
static void store_frames(const uint8_t *data, size_t size)
{
    struct journal_encoder encoder;
    g_autoptr(GByteArray) all = g_byte_array_new();
    uint64_t group = 0;
    journal_encoder_init(&encoder);
    journal_encoder_begin(&encoder, nonce, group);
    while (size >= 3) {
        uint8_t kind = data[0], jump = data[1];
        size_t length = MIN(data[2], size - 3);
        g_autoptr(GBytes) payload = g_bytes_new(data + 3, length);
        struct journal_batch batch = {.partition = kind, .events = jump, .sequence = group, .record = payload};
        if (kind % 4 == 0)
            journal_encoder_batch(&encoder, &batch);
        else if (kind % 4 == 1)
            journal_encoder_position(&encoder, "file", payload);
        else
            journal_encoder_commit(&encoder, group * 10, group * 100);
        if (kind % 4 >= 2) {
            if (kind % 8 == 6 && encoder.bytes->len > length)
                encoder.bytes->data[length] ^= 1;
            g_byte_array_append(all, encoder.bytes->data, encoder.bytes->len);
            group += jump % 16 == 0 ? jump / 16 : 1;
            journal_encoder_begin(&encoder, nonce, group);
        }
        data += 3 + length;
        size -= 3 + length;
    }
    store_segment(all->data, all->len);
    journal_encoder_clear(&encoder);
}

/* Each change: file, place (2 bytes), value. */
static void change_files(const uint8_t *data, size_t size)
{
    tools_open(&t);
    tools_append(&t, 1, GOOD_GROUPS);
    g_free(tools_read(&t, 2));
    journal_save(t.journal);
    tools_close(&t);
    g_autofree char *segment = tools_segment(&t, 1), *cursor = tools_path(&t, "cursor");
    for (; size >= 4; data += 4, size -= 4) {
        const char *path = data[0] % 4 == 0 ? cursor : segment;
        g_autoptr(GBytes) bytes = tools_load(path);
        gsize length = g_bytes_get_size(bytes);
        g_autofree uint8_t *copy = g_memdup2(g_bytes_get_data(bytes, NULL), length);
        size_t at = ((size_t)data[1] << 8 | data[2]) % MIN(length, 8192);
        copy[at] = data[3];
        tools_store(path, copy, data[0] % 16 == 15 ? at + 1 : length);
    }
}

static void prepare(const uint8_t *data, size_t size)
{
    g_autofree char *segment = tools_segment(&t, 1), *cursor = tools_path(&t, "cursor");
    enum kind kind = (enum kind)(data[0] % N_KINDS);
    data++;
    size--;
    if (kind == RAW_BEHIND_HEADER)
        store_segment(data, size);
    else if (kind == RIGHT_FRAMES)
        store_frames(data, size);
    else if (kind == CHANGES)
        change_files(data, size);
    else
        tools_store(kind == RAW_CURSOR ? cursor : segment, data, size);
}

/* Every group there is; asserts that their numbers go up, and that no reader gets stuck. Returns the last sequence. */
static uint64_t read_all(void)
{
    struct journal_reader *reader = journal_reader_new(t.journal);
    struct journal_group *group = NULL;
    uint64_t before = 0, sequence = 0;
    enum journal_read result;
    while ((result = journal_reader_next(reader, &group)) != JOURNAL_READ_NOTHING) {
        g_assert_cmpint(result, ==, JOURNAL_READ_GROUP);
        g_assert_cmpuint(group->number, >, before);
        before = group->number;
        if (group->batches->len > 0)
            sequence = g_array_index(group->batches, struct journal_batch, group->batches->len - 1).sequence;
        journal_group_free(group);
    }
    journal_reader_free(reader);
    return sequence;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    begin();
    prepare(data, size);
    tools_open(&t);
    read_all();
    tools_append(&t, NEW, NEW);
    g_assert_cmpuint(read_all(), ==, NEW);
    tools_reopen(&t);
    g_assert_cmpuint(read_all(), ==, NEW);
    tools_close(&t);
    return 0;
}
