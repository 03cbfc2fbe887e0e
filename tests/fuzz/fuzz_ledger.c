/* What closes days, from its bytes. The first byte says what the others are: 'e' a Record with an entry, 'p' a PartitionDay, 't' a
 * text of Redis.
 *
 * What is read is written again; what that gives is read again, and written to the same bytes. Texts keep their numbers. */
#include "lib/ledger.h"
#include "lib/record.h"
#include "tests/unit/ledger_tools.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool condition)
{
    if (!condition)
        abort();
}

/* Whoever reads only the link sees the same entry. */
static void check_link(struct view bytes, const struct ledger_entry *entry)
{
    struct record_parser *parser = record_parser_new();
    struct record record;
    check(record_parse(parser, bytes.data, bytes.size, &record, NULL) && record.kind == RECORD_LEDGER);
    check(record.ledger.n == entry->n && record.ledger.day == entry->day && record.ledger.revision == entry->revision);
    check(record.ledger.has_previous == entry->has_previous);
    record_parser_free(parser);
}

static void check_entry(struct view bytes)
{
    g_autoptr(GError) error = NULL;
    struct ledger_entry *entry = ledger_entry_parse(bytes, &error);
    check((entry == NULL) == (error != NULL));
    if (!entry)
        return;
    check_link(bytes, entry);
    g_autoptr(GBytes) once = ledger_entry_pack(entry);
    struct ledger_entry *again = ledger_entry_parse(bytes_view(once), NULL);
    check(again != NULL);
    g_autoptr(GBytes) twice = ledger_entry_pack(again);
    check(g_bytes_equal(once, twice) && g_bytes_get_size(once) <= bytes.size);
    ledger_entry_add_up(again);
    check(again->events <= INT64_MAX && again->duplicates <= INT64_MAX);
    ledger_entry_free(again);
    ledger_entry_free(entry);
}

static void check_day(struct view bytes)
{
    g_autoptr(GError) error = NULL;
    struct partition_day *day = partition_day_parse(bytes, &error);
    check((day == NULL) == (error != NULL));
    if (!day)
        return;
    g_autoptr(GBytes) once = partition_day_pack(day);
    struct partition_day *again = partition_day_parse(bytes_view(once), NULL);
    check(again != NULL);
    g_autoptr(GBytes) twice = partition_day_pack(again);
    check(g_bytes_equal(once, twice) && g_bytes_get_size(once) <= bytes.size);
    partition_day_free(again);
    partition_day_free(day);
}

static void check_text(struct view text)
{
    struct day_state state, state_again;
    struct open_day open, open_again;
    char day_text[DAY_TEXT_MAX], open_text[OPEN_TEXT_MAX], hex[2 * LEDGER_CHECKSUM_SIZE + 1];
    uint8_t checksum[LEDGER_CHECKSUM_SIZE];
    int64_t day;
    int revision;
    if (day_state_read(text, &state)) {
        check(day_state_write(&state, day_text) == strlen(day_text));
        check(day_state_read(view_of(day_text), &state_again) && state_again.skip_below == state.skip_below);
    }
    if (open_day_read(text, &open)) {
        check(open_day_write(&open, open_text) == strlen(open_text));
        check(open_day_read(view_of(open_text), &open_again) && open_again.last_ms == open.last_ms);
    }
    if (generation_read(text, &day, &revision))
        check(day >= 0 && revision > 0);
    if (ledger_unhex(text, checksum)) {
        ledger_hex(checksum, hex);
        check(view_is(text, hex));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    g_autofree uint8_t *copy = g_memdup2(data, size); /* of exactly this size, so that a byte too far is seen */
    struct view rest = view_make(copy + 1, size - 1);
    if (data[0] == 'e')
        check_entry(rest);
    else if (data[0] == 'p')
        check_day(rest);
    else
        check_text(rest);
    return 0;
}
