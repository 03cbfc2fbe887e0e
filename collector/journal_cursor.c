#include "collector/journal_cursor.h"

#include "lib/crc32c.h"
#include "lib/log.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* Slots lie in blocks of their own: no disk writes half of one and spoils the other. */
enum { SLOT_DISTANCE = 4096, SLOT_SIZE = 512, N_WORDS = 9 };

static const char name[] = "cursor";
static const char magic[8] = {'D', 'B', 'C', 'U', 'R', 'S', '0', '1'};

/* magic, the words generation, segment, offset, nonce, group, deleting_to, batches, bytes, CRC32C of all before; little-endian. */
static void slot_write(uint8_t slot[SLOT_SIZE], uint64_t generation, const struct journal_cursor *cursor)
{
    const uint64_t words[N_WORDS - 1] = {
        generation,    cursor->place.segment, cursor->place.offset, cursor->nonce,
        cursor->group, cursor->deleting_to,   cursor->batches,      cursor->bytes,
    };
    memset(slot, 0, SLOT_SIZE);
    memcpy(slot, magic, sizeof magic);
    for (size_t i = 0; i < N_WORDS - 1; i++) {
        uint64_t word = GUINT64_TO_LE(words[i]);
        memcpy(slot + 8 * (i + 1), &word, 8);
    }
    uint32_t crc = GUINT32_TO_LE(crc32c(0, slot, 8 * N_WORDS));
    memcpy(slot + 8 * N_WORDS, &crc, 4);
}

/* The generation, or 0. */
static uint64_t slot_read(const uint8_t slot[SLOT_SIZE], struct journal_cursor *cursor)
{
    uint64_t words[N_WORDS - 1];
    uint32_t crc;
    memcpy(&crc, slot + 8 * N_WORDS, 4);
    if (memcmp(slot, magic, sizeof magic) != 0 || GUINT32_FROM_LE(crc) != crc32c(0, slot, 8 * N_WORDS))
        return 0;
    for (size_t i = 0; i < N_WORDS - 1; i++) {
        memcpy(&words[i], slot + 8 * (i + 1), 8);
        words[i] = GUINT64_FROM_LE(words[i]);
    }
    *cursor = (struct journal_cursor){.place = {words[1], words[2]},
                                      .nonce = words[3],
                                      .group = words[4],
                                      .deleting_to = words[5],
                                      .batches = words[6],
                                      .bytes = words[7]};
    return words[0];
}

/* Blocks and length are made at once and never change again: fdatasync needs to write no metadata. */
static int make(struct journal_cursor_file *file)
{
    int err = journal_io_file(file->io, name, O_RDWR | O_CREAT, &file->fd);
    if (err == 0)
        err = journal_io_allocate(file->io, name, file->fd, 2 * SLOT_DISTANCE);
    if (err == 0)
        err = journal_io_sync(file->io, name, file->fd);
    return err == 0 ? journal_io_sync_directory(file->io) : err;
}

static bool all_zero(const uint8_t *data, size_t size)
{
    return size == 0 || (data[0] == 0 && memcmp(data, data + 1, size - 1) == 0);
}

static int put_aside(struct journal_cursor_file *file)
{
    log_error("journal_cursor_damaged", "dir=%s kept_as=cursor.bad consequence=%s", file->io->path,
              "everything in the journal is sent again; what was counted is dropped by its sequence");
    close(file->fd);
    file->fd = -1;
    int err = journal_io_rename(file->io, name, "cursor.bad");
    return err == 0 ? make(file) : err;
}

int journal_cursor_open(struct journal_cursor_file *file, struct journal_io *io, struct journal_cursor *cursor, bool *found)
{
    uint8_t slots[2 * SLOT_DISTANCE] = {0};
    struct journal_cursor candidates[2];
    size_t got = 0;

    *file = (struct journal_cursor_file){.io = io, .fd = -1};
    memset(cursor, 0, sizeof *cursor);
    int err = make(file);
    if (err == 0)
        err = journal_io_read(io, file->fd, slots, sizeof slots, 0, &got);
    if (err != 0)
        return err;
    uint64_t first = slot_read(slots, &candidates[0]), second = slot_read(slots + SLOT_DISTANCE, &candidates[1]);
    file->generation = MAX(first, second);
    *found = file->generation > 0;
    if (*found)
        *cursor = candidates[second > first];
    else if (!all_zero(slots, sizeof slots))
        return put_aside(file);
    return 0;
}

int journal_cursor_save(struct journal_cursor_file *file, const struct journal_cursor *cursor)
{
    uint8_t slot[SLOT_SIZE];
    uint64_t generation = file->generation + 1;
    slot_write(slot, generation, cursor);
    /* Odd generations in the second slot. What failed is tried again on the same slot: the other one is still right. */
    int err = journal_io_write(file->io, name, file->fd, slot, sizeof slot, (generation & 1) * SLOT_DISTANCE);
    if (err == 0)
        err = journal_io_sync(file->io, name, file->fd);
    if (err == 0)
        file->generation = generation;
    return err;
}

void journal_cursor_close(struct journal_cursor_file *file)
{
    if (file->fd >= 0)
        close(file->fd);
    file->fd = -1;
}
