/* ledger_text: checksums and reasons as people read them, and what Redis keeps of days: numbers with single blanks between. */
#include "lib/hex.h"
#include "lib/ledger.h"

#include "lib/number.h"
#include "lib/sheet.h"

#include <gnutls/crypto.h>

/* ---- checksums ---- */

void ledger_checksum(struct view record, uint8_t checksum[LEDGER_CHECKSUM_SIZE])
{
    int failed = gnutls_hash_fast(GNUTLS_DIG_SHA256, record.data, record.size, checksum);
    g_assert(failed == 0);
}

void ledger_hex(const uint8_t checksum[LEDGER_CHECKSUM_SIZE], char hex[2 * LEDGER_CHECKSUM_SIZE + 1])
{
    hex_write(hex, checksum, LEDGER_CHECKSUM_SIZE);
}

bool ledger_unhex(struct view hex, uint8_t checksum[LEDGER_CHECKSUM_SIZE])
{
    return hex_read(hex, checksum, LEDGER_CHECKSUM_SIZE);
}

const char *ledger_reason(enum seal_reason reason)
{
    static const char *const names[] = {"day_end", "late", "requested", "erasure"};
    g_assert((size_t)reason < G_N_ELEMENTS(names));
    return names[reason];
}

/* ---- numbers ---- */

static size_t write_numbers(char *out, size_t n, const uint64_t *numbers)
{
    size_t size = 0;
    for (size_t i = 0; i < n; i++) {
        if (i > 0)
            out[size++] = ' ';
        size += number_write(out + size, numbers[i]);
    }
    out[size] = '\0';
    return size;
}

/* Exactly n numbers, each at most 2^63 - 1. */
static bool read_numbers(struct view text, size_t n, uint64_t *numbers)
{
    if (text.size == 0)
        return false;
    const char *at = text.data, *end = text.data + text.size;
    for (size_t i = 0; i < n; i++) {
        if (i > 0 && (at == end || *at++ != ' '))
            return false;
        if (!number_scan(&at, end, &numbers[i]) || numbers[i] > INT64_MAX)
            return false;
    }
    return at == end;
}

/* ---- days ---- */

size_t day_state_write(const struct day_state *state, char out[DAY_TEXT_MAX])
{
    const uint64_t numbers[] = {(uint64_t)state->sealed, (uint64_t)state->sheeted, (uint64_t)state->ledgered,
                                (uint64_t)state->skip_below};
    return write_numbers(out, G_N_ELEMENTS(numbers), numbers);
}

bool day_state_read(struct view text, struct day_state *state)
{
    uint64_t numbers[4];
    if (!read_numbers(text, G_N_ELEMENTS(numbers), numbers) || numbers[0] > LEDGER_REVISION_MAX || numbers[1] > numbers[0] ||
        numbers[2] > numbers[0]) /* a replayed entry may come before the sheet */
        return false;
    *state = (struct day_state){(int)numbers[0], (int)numbers[1], (int)numbers[2], (int64_t)numbers[3]};
    return true;
}

size_t open_day_write(const struct open_day *open, char out[OPEN_TEXT_MAX])
{
    const uint64_t numbers[] = {open->events,
                                open->duplicates,
                                open->gaps,
                                open->gap_batches,
                                open->quarantined,
                                (uint64_t)open->first_offset,
                                (uint64_t)open->end_offset,
                                (uint64_t)open->first_ms,
                                (uint64_t)open->last_ms};
    return write_numbers(out, G_N_ELEMENTS(numbers), numbers);
}

bool open_day_read(struct view text, struct open_day *open)
{
    uint64_t numbers[9];
    if (!read_numbers(text, G_N_ELEMENTS(numbers), numbers) || numbers[5] > numbers[6] || numbers[7] > numbers[8])
        return false;
    *open = (struct open_day){
        .events = numbers[0],
        .duplicates = numbers[1],
        .gaps = numbers[2],
        .gap_batches = numbers[3],
        .quarantined = numbers[4],
        .first_offset = (int64_t)numbers[5],
        .end_offset = (int64_t)numbers[6],
        .first_ms = (int64_t)numbers[7],
        .last_ms = (int64_t)numbers[8],
    };
    return true;
}

bool generation_read(struct view text, int64_t *day, int *revision)
{
    if (text.size == 0)
        return false;
    const char *at = text.data, *end = text.data + text.size;
    uint64_t first, second;
    if (!number_scan(&at, end, &first) || at == end || *at++ != '.' || !number_scan(&at, end, &second) || at != end)
        return false;
    if (first >= SHEET_DAY_END || second == 0 || second > LEDGER_REVISION_MAX)
        return false;
    *day = (int64_t)first;
    *revision = (int)second;
    return true;
}
