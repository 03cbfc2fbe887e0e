/* record_ledger: the records that close days, to and from their bytes.
 *
 * What is packed is canonical: protobuf-c writes fields in the order of their numbers and leaves out zeros, and lists are
 * ascending, which is asserted. What is parsed was checked like any other Record: whatever stands on the topic, in Redis or in a
 * file, code behind it meets only lists that ascend, clean names, and numbers that can be added. */
#include "lib/ledger.h"

#include "lib/sheet.h"
#include "usage.pb-c.h"

enum { PARTITIONS_MAX = 1000000 };
static const uint64_t latest_ms = SHEET_DAY_END * UINT64_C(86400000);

/* ---- memory ---- */

struct stream_day *stream_day_new(void)
{
    struct stream_day *stream = g_new0(struct stream_day, 1);
    stream->collector = g_strdup("");
    return stream;
}

void stream_day_free(struct stream_day *stream)
{
    if (!stream)
        return;
    g_free(stream->collector);
    g_clear_pointer(&stream->announced, g_array_unref);
    g_free(stream);
}

struct partition_day *partition_day_new(void)
{
    struct partition_day *day = g_new0(struct partition_day, 1);
    day->streams = g_ptr_array_new_with_free_func((GDestroyNotify)stream_day_free);
    return day;
}

void partition_day_free(struct partition_day *day)
{
    if (!day)
        return;
    g_ptr_array_unref(day->streams);
    g_free(day);
}

static void organization_free(struct organization_total *total)
{
    g_free(total->organization);
    g_free(total);
}

static void difference_free(struct client_difference *difference)
{
    g_free(difference->organization);
    g_free(difference->client);
    g_free(difference);
}

struct ledger_entry *ledger_entry_new(void)
{
    struct ledger_entry *entry = g_new0(struct ledger_entry, 1);
    entry->partitions = g_ptr_array_new_with_free_func((GDestroyNotify)partition_day_free);
    entry->organizations = g_ptr_array_new_with_free_func((GDestroyNotify)organization_free);
    entry->differences = g_ptr_array_new_with_free_func((GDestroyNotify)difference_free);
    return entry;
}

void ledger_entry_free(struct ledger_entry *entry)
{
    if (!entry)
        return;
    g_ptr_array_unref(entry->partitions);
    g_ptr_array_unref(entry->organizations);
    g_ptr_array_unref(entry->differences);
    g_free(entry);
}

/* ---- order: by bytes ---- */

static bool streams_ascend(const struct stream_day *a, const struct stream_day *b)
{
    return memcmp(a->stream_id, b->stream_id, STREAM_ID_SIZE) < 0;
}

static bool organizations_ascend(const struct organization_total *a, const struct organization_total *b)
{
    return strcmp(a->organization, b->organization) < 0;
}

static bool differences_ascend(const struct client_difference *a, const struct client_difference *b)
{
    int order = strcmp(a->organization, b->organization);
    return order < 0 || (order == 0 && strcmp(a->client, b->client) < 0);
}

/* ---- writing ---- */

/* protobuf-c's structs are not const-correct; packing does not write. */
static ProtobufCBinaryData binary(const uint8_t *data, size_t size)
{
    return (ProtobufCBinaryData){size, (uint8_t *)(uintptr_t)data};
}

static GBytes *pack(const ProtobufCMessage *message)
{
    size_t size = protobuf_c_message_get_packed_size(message);
    uint8_t *data = g_malloc(size);
    protobuf_c_message_pack(message, data);
    return g_bytes_new_take(data, size);
}

GBytes *ledger_seal(const struct day_seal *seal)
{
    Daybook__V1__Record record = DAYBOOK__V1__RECORD__INIT;
    Daybook__V1__DaySeal message = DAYBOOK__V1__DAY_SEAL__INIT;
    g_assert(seal->day < SHEET_DAY_END && seal->revision > 0 && seal->revision <= LEDGER_REVISION_MAX);
    record.kind_case = DAYBOOK__V1__RECORD__KIND_SEAL;
    record.seal = &message;
    message.day = seal->day;
    message.revision = seal->revision;
    message.reason = (Daybook__V1__SealReason)seal->reason;
    return pack(&record.base);
}

GBytes *ledger_erasure(const struct erasure *erasure)
{
    Daybook__V1__Record record = DAYBOOK__V1__RECORD__INIT;
    Daybook__V1__Erasure message = DAYBOOK__V1__ERASURE__INIT;
    g_autofree char *user = g_strndup(erasure->user.data, erasure->user.size);
    g_autofree char *pseudonym = g_strndup(erasure->pseudonym.data, erasure->pseudonym.size);
    record.kind_case = DAYBOOK__V1__RECORD__KIND_ERASURE;
    record.erasure = &message;
    message.user = user;
    message.pseudonym = pseudonym;
    return pack(&record.base);
}

static void set_stream(Daybook__V1__StreamDay *to, const struct stream_day *from)
{
    daybook__v1__stream_day__init(to);
    to->stream_id = binary(from->stream_id, STREAM_ID_SIZE);
    to->collector = from->collector;
    to->import = from->import;
    to->first_sequence = from->first_sequence;
    to->last_sequence = from->last_sequence;
    to->high_water = from->high_water;
    to->heard_ms = (uint64_t)from->heard_ms;
    to->n_announced = from->announced ? from->announced->len : 0;
    to->announced = from->announced ? (uint64_t *)(void *)from->announced->data : NULL;
}

/* A partition_day as a message, and what it points to. */
struct packed_day {
    Daybook__V1__PartitionDay message;
    Daybook__V1__StreamDay *streams;
    Daybook__V1__StreamDay **stream_list;
};

static void packed_day_init(struct packed_day *packed, const struct partition_day *from)
{
    Daybook__V1__PartitionDay *to = &packed->message;
    daybook__v1__partition_day__init(to);
    to->partition = from->partition;
    to->seal_offset = from->seal_offset;
    to->sealed_at_ms = (uint64_t)from->sealed_at_ms;
    to->reason = (Daybook__V1__SealReason)from->reason;
    to->first_offset = from->first_offset;
    to->end_offset = from->end_offset;
    to->events = from->events;
    to->late = from->late;
    to->duplicates = from->duplicates;
    to->gaps = from->gaps;
    to->gap_batches = from->gap_batches;
    to->quarantined = from->quarantined;
    to->rows = from->rows;
    to->incomplete = from->incomplete;
    if (from->has_sheet)
        to->sheet_checksum = binary(from->sheet_checksum, LEDGER_CHECKSUM_SIZE);
    packed->streams = g_new(Daybook__V1__StreamDay, from->streams->len);
    packed->stream_list = g_new(Daybook__V1__StreamDay *, from->streams->len);
    for (guint i = 0; i < from->streams->len; i++) {
        const struct stream_day *stream = g_ptr_array_index(from->streams, i);
        g_assert(i == 0 || streams_ascend(g_ptr_array_index(from->streams, i - 1), stream));
        set_stream(&packed->streams[i], stream);
        packed->stream_list[i] = &packed->streams[i];
    }
    to->n_stream = from->streams->len;
    to->stream = packed->stream_list;
}

static void packed_day_clear(struct packed_day *packed)
{
    g_free(packed->streams);
    g_free(packed->stream_list);
}

GBytes *partition_day_pack(const struct partition_day *day)
{
    struct packed_day packed;
    packed_day_init(&packed, day);
    GBytes *bytes = pack(&packed.message.base);
    packed_day_clear(&packed);
    return bytes;
}

static void set_numbers(Daybook__V1__LedgerEntry *to, const struct ledger_entry *from)
{
    to->n = from->n;
    if (from->has_previous)
        to->previous_checksum = binary(from->previous_checksum, LEDGER_CHECKSUM_SIZE);
    to->day = from->day;
    to->revision = from->revision;
    to->reason = (Daybook__V1__SealReason)from->reason;
    to->closed_at_ms = (uint64_t)from->closed_at_ms;
    to->events = from->events;
    to->late = from->late;
    to->duplicates = from->duplicates;
    to->gaps = from->gaps;
    to->gap_batches = from->gap_batches;
    to->quarantined = from->quarantined;
    to->complete = from->complete;
    to->differences_left_out = from->differences_left_out;
    to->difference_left_out = from->difference_left_out;
    to->organizations_left_out = from->organizations_left_out;
    to->organization_requests_left_out = from->organization_requests_left_out;
}

/* The lists of an entry as messages: allocated as one array each, and the pointers to its elements. */
struct packed_entry {
    struct packed_day *days;
    Daybook__V1__PartitionDay **day_list;
    Daybook__V1__OrganizationTotal *organizations;
    Daybook__V1__OrganizationTotal **organization_list;
    Daybook__V1__ClientDifference *differences;
    Daybook__V1__ClientDifference **difference_list;
};

static void set_days(Daybook__V1__LedgerEntry *to, struct packed_entry *packed, const GPtrArray *from)
{
    packed->days = g_new(struct packed_day, from->len);
    packed->day_list = g_new(Daybook__V1__PartitionDay *, from->len);
    for (guint i = 0; i < from->len; i++) {
        const struct partition_day *day = g_ptr_array_index(from, i);
        g_assert(i == 0 || ((const struct partition_day *)g_ptr_array_index(from, i - 1))->partition < day->partition);
        packed_day_init(&packed->days[i], day);
        packed->day_list[i] = &packed->days[i].message;
    }
    to->n_partition = from->len;
    to->partition = packed->day_list;
}

static void set_organizations(Daybook__V1__LedgerEntry *to, struct packed_entry *packed, const GPtrArray *from)
{
    packed->organizations = g_new(Daybook__V1__OrganizationTotal, from->len);
    packed->organization_list = g_new(Daybook__V1__OrganizationTotal *, from->len);
    for (guint i = 0; i < from->len; i++) {
        const struct organization_total *total = g_ptr_array_index(from, i);
        g_assert(i == 0 || organizations_ascend(g_ptr_array_index(from, i - 1), total));
        Daybook__V1__OrganizationTotal *message = packed->organization_list[i] = &packed->organizations[i];
        daybook__v1__organization_total__init(message);
        message->organization = total->organization;
        message->requests = total->requests;
    }
    to->n_organization = from->len;
    to->organization = packed->organization_list;
}

static void set_differences(Daybook__V1__LedgerEntry *to, struct packed_entry *packed, const GPtrArray *from)
{
    packed->differences = g_new(Daybook__V1__ClientDifference, from->len);
    packed->difference_list = g_new(Daybook__V1__ClientDifference *, from->len);
    for (guint i = 0; i < from->len; i++) {
        const struct client_difference *difference = g_ptr_array_index(from, i);
        g_assert(i == 0 || differences_ascend(g_ptr_array_index(from, i - 1), difference));
        Daybook__V1__ClientDifference *message = packed->difference_list[i] = &packed->differences[i];
        daybook__v1__client_difference__init(message);
        message->organization = difference->organization;
        message->client = difference->client;
        message->requests = difference->requests;
    }
    to->n_difference = from->len;
    to->difference = packed->difference_list;
}

static void packed_entry_clear(struct packed_entry *packed, guint n_days)
{
    for (guint i = 0; i < n_days; i++)
        packed_day_clear(&packed->days[i]);
    g_free(packed->days);
    g_free(packed->day_list);
    g_free(packed->organizations);
    g_free(packed->organization_list);
    g_free(packed->differences);
    g_free(packed->difference_list);
}

GBytes *ledger_entry_pack(const struct ledger_entry *entry)
{
    Daybook__V1__Record record = DAYBOOK__V1__RECORD__INIT;
    Daybook__V1__LedgerEntry message = DAYBOOK__V1__LEDGER_ENTRY__INIT;
    struct packed_entry packed;
    record.kind_case = DAYBOOK__V1__RECORD__KIND_LEDGER;
    record.ledger = &message;
    set_numbers(&message, entry);
    set_days(&message, &packed, entry->partitions);
    set_organizations(&message, &packed, entry->organizations);
    set_differences(&message, &packed, entry->differences);
    GBytes *bytes = pack(&record.base);
    packed_entry_clear(&packed, entry->partitions->len);
    return bytes;
}

/* ---- reading ---- */

static bool malformed(GError **error, const char *what)
{
    g_set_error(error, RECORD_ERROR, RECORD_ERROR_MALFORMED, "not a valid entry of the ledger: %s", what);
    return false;
}

/* A message that is written again is the bytes that it was read from, or they hold what is not seen in its fields: another order,
 * bytes behind the end of a text, a field twice. Fields that this version does not know are kept, and written behind the others. */
static bool is_canonical(const ProtobufCMessage *message, struct view bytes)
{
    if (protobuf_c_message_get_packed_size(message) != bytes.size)
        return false;
    g_autoptr(GBytes) again = pack(message);
    gsize size;
    const void *data = g_bytes_get_data(again, &size);
    return view_equal(view_make(data, size), bytes);
}

/* Takes a name, at least `least` bytes long. */
static char *read_name(const char *text, size_t least)
{
    size_t size = text ? strlen(text) : 0;
    if (size < least || size > EVENT_NAME_MAX || !g_utf8_validate_len(text ? text : "", size, NULL))
        return NULL;
    for (size_t i = 0; i < size; i++)
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
            return NULL;
    return g_strndup(text ? text : "", size);
}

static bool fit(const uint64_t *numbers, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (numbers[i] > INT64_MAX)
            return false;
    return true;
}
#define ALL_FIT(...) fit((const uint64_t[]){__VA_ARGS__}, sizeof((const uint64_t[]){__VA_ARGS__}) / sizeof(uint64_t))

static bool read_stream(const Daybook__V1__StreamDay *from, struct stream_day *to, GError **error)
{
    if (from->stream_id.len != STREAM_ID_SIZE)
        return malformed(error, "the id of a stream is not 16 bytes");
    memcpy(to->stream_id, from->stream_id.data, STREAM_ID_SIZE);
    g_free(to->collector);
    to->collector = read_name(from->collector, 0);
    if (!to->collector)
        return malformed(error, "the name of a collector is longer than 256 bytes or not clean UTF-8");
    if (!ALL_FIT(from->first_sequence, from->last_sequence, from->high_water) || from->first_sequence > from->last_sequence ||
        (from->first_sequence == 0 && from->last_sequence > 0) || from->heard_ms > latest_ms)
        return malformed(error, "a stream's sequences or its clock are out of range");
    if (from->n_announced > PARTITIONS_MAX || !fit(from->announced, from->n_announced))
        return malformed(error, "what a stream announced is out of range");
    to->import = from->import;
    to->first_sequence = from->first_sequence;
    to->last_sequence = from->last_sequence;
    to->high_water = from->high_water;
    to->heard_ms = (int64_t)from->heard_ms;
    if (from->n_announced > 0) {
        to->announced = g_array_sized_new(FALSE, FALSE, sizeof(uint64_t), (guint)from->n_announced);
        g_array_append_vals(to->announced, from->announced, (guint)from->n_announced);
    }
    return true;
}

static bool read_streams(const Daybook__V1__PartitionDay *from, GPtrArray *to, GError **error)
{
    if (from->n_stream > LEDGER_STREAMS_MAX)
        return malformed(error, "a partition lists more than 2000 streams");
    for (size_t i = 0; i < from->n_stream; i++) {
        struct stream_day *stream = stream_day_new();
        g_ptr_array_add(to, stream);
        if (!read_stream(from->stream[i], stream, error))
            return false;
        if (i > 0 && !streams_ascend(g_ptr_array_index(to, i - 1), stream))
            return malformed(error, "the streams of a partition are not ascending");
    }
    return true;
}

static bool check_day(const Daybook__V1__PartitionDay *from, GError **error)
{
    if (from->partition >= PARTITIONS_MAX || (unsigned)from->reason > SEAL_ERASURE)
        return malformed(error, "a partition's number or reason is out of range");
    if (!ALL_FIT(from->seal_offset, from->end_offset) || from->sealed_at_ms > latest_ms || from->first_offset > from->end_offset ||
        from->end_offset > from->seal_offset)
        return malformed(error, "a partition's offsets or the time of its seal are out of range");
    if (!ALL_FIT(from->events, from->late, from->duplicates, from->gaps, from->gap_batches, from->quarantined))
        return malformed(error, "a count of a partition is out of range");
    if (from->sheet_checksum.len != 0 && from->sheet_checksum.len != LEDGER_CHECKSUM_SIZE)
        return malformed(error, "the checksum of a sheet is not 32 bytes");
    if (from->rows > SHEET_ROWS_MAX || (from->sheet_checksum.len > 0 && (from->rows > from->events || from->late > from->events)))
        return malformed(error, "a sheet has more rows, or more late events, than events");
    return true;
}

static bool read_day(const Daybook__V1__PartitionDay *from, struct partition_day *to, GError **error)
{
    if (!check_day(from, error))
        return false;
    to->partition = from->partition;
    to->seal_offset = from->seal_offset;
    to->sealed_at_ms = (int64_t)from->sealed_at_ms;
    to->reason = (enum seal_reason)from->reason;
    to->first_offset = from->first_offset;
    to->end_offset = from->end_offset;
    to->events = from->events;
    to->late = from->late;
    to->duplicates = from->duplicates;
    to->gaps = from->gaps;
    to->gap_batches = from->gap_batches;
    to->quarantined = from->quarantined;
    to->rows = from->rows;
    to->incomplete = from->incomplete;
    to->has_sheet = from->sheet_checksum.len > 0;
    if (to->has_sheet)
        memcpy(to->sheet_checksum, from->sheet_checksum.data, LEDGER_CHECKSUM_SIZE);
    return read_streams(from, to->streams, error);
}

struct partition_day *partition_day_parse(struct view bytes, GError **error)
{
    struct partition_day *day = partition_day_new();
    Daybook__V1__PartitionDay *message = daybook__v1__partition_day__unpack(NULL, bytes.size, (const uint8_t *)bytes.data);
    bool ok =
        (message && is_canonical(&message->base, bytes)) || malformed(error, "the bytes are no canonical message PartitionDay");
    ok = ok && read_day(message, day, error);
    if (message)
        daybook__v1__partition_day__free_unpacked(message, NULL);
    if (ok)
        return day;
    partition_day_free(day);
    return NULL;
}

static bool read_days(const Daybook__V1__LedgerEntry *from, GPtrArray *to, GError **error)
{
    uint64_t sums[6] = {0};
    for (size_t i = 0; i < from->n_partition; i++) {
        struct partition_day *day = partition_day_new();
        g_ptr_array_add(to, day);
        if (!read_day(from->partition[i], day, error))
            return false;
        if (!day->has_sheet)
            return malformed(error, "a partition has no checksum of its sheet");
        if (i > 0 && ((const struct partition_day *)g_ptr_array_index(to, i - 1))->partition >= day->partition)
            return malformed(error, "the partitions are not ascending");
        const uint64_t counts[] = {day->events, day->late, day->duplicates, day->gaps, day->gap_batches, day->quarantined};
        for (size_t k = 0; k < G_N_ELEMENTS(sums); k++)
            sums[k] += counts[k]; /* two of at most 2^63 - 1 do not overflow */
        if (!fit(sums, G_N_ELEMENTS(sums)))
            return malformed(error, "the counts of the partitions are too large together");
    }
    return true;
}

static bool read_organizations(const Daybook__V1__LedgerEntry *from, GPtrArray *to, GError **error)
{
    uint64_t sum = from->organization_requests_left_out;
    if (from->n_organization > LEDGER_ORGANIZATIONS_MAX || !ALL_FIT(sum, from->organizations_left_out))
        return malformed(error, "it lists more than 5000 organizations, or a count of what is left out is out of range");
    for (size_t i = 0; i < from->n_organization; i++) {
        struct organization_total *total = g_new0(struct organization_total, 1);
        g_ptr_array_add(to, total);
        total->organization = read_name(from->organization[i]->organization, 0);
        total->requests = from->organization[i]->requests;
        if (!total->organization)
            return malformed(error, "the name of an organization is longer than 256 bytes or not clean UTF-8");
        if (i > 0 && !organizations_ascend(g_ptr_array_index(to, i - 1), total))
            return malformed(error, "the organizations are not ascending");
        if (!ALL_FIT(total->requests) || !ALL_FIT(sum += total->requests))
            return malformed(error, "the requests of an organization are out of range");
    }
    return true;
}

static bool add_fits(int64_t *sum, int64_t value)
{
    return !__builtin_add_overflow(*sum, value, sum) && *sum != INT64_MIN;
}

static bool read_differences(const Daybook__V1__LedgerEntry *from, GPtrArray *to, GError **error)
{
    int64_t sum = from->difference_left_out;
    if (from->n_difference > LEDGER_DIFFERENCES_MAX || !ALL_FIT(from->differences_left_out) || sum == INT64_MIN)
        return malformed(error, "it lists more than 2000 differences, or a count of what is left out is out of range");
    for (size_t i = 0; i < from->n_difference; i++) {
        const Daybook__V1__ClientDifference *message = from->difference[i];
        struct client_difference *difference = g_new0(struct client_difference, 1);
        g_ptr_array_add(to, difference);
        difference->organization = read_name(message->organization, 0);
        difference->client = read_name(message->client, 1);
        difference->requests = message->requests;
        if (!difference->organization || !difference->client)
            return malformed(error, "the name of a client is missing, longer than 256 bytes or not clean UTF-8");
        if (i > 0 && !differences_ascend(g_ptr_array_index(to, i - 1), difference))
            return malformed(error, "the differences are not ascending");
        if (difference->requests == INT64_MIN || !add_fits(&sum, difference->requests))
            return malformed(error, "a difference is out of range");
    }
    return true;
}

static bool check_entry(const Daybook__V1__LedgerEntry *from, GError **error)
{
    if (from->n == 0 || from->n > INT64_MAX)
        return malformed(error, "its number is out of range");
    if (from->previous_checksum.len != (from->n > 1 ? LEDGER_CHECKSUM_SIZE : 0))
        return malformed(error, "the checksum of the entry before is not 32 bytes, or the first entry has one");
    if (from->day >= SHEET_DAY_END || from->revision == 0 || from->revision > LEDGER_REVISION_MAX)
        return malformed(error, "its day or revision is out of range");
    if ((unsigned)from->reason > SEAL_ERASURE || from->closed_at_ms > latest_ms)
        return malformed(error, "its reason or time is out of range");
    if (!ALL_FIT(from->events, from->late, from->duplicates, from->gaps, from->gap_batches, from->quarantined))
        return malformed(error, "a count is out of range");
    return true;
}

static bool read_entry(const Daybook__V1__LedgerEntry *from, struct ledger_entry *to, GError **error)
{
    if (!check_entry(from, error))
        return false;
    to->n = from->n;
    to->has_previous = from->previous_checksum.len > 0;
    if (to->has_previous)
        memcpy(to->previous_checksum, from->previous_checksum.data, LEDGER_CHECKSUM_SIZE);
    to->day = from->day;
    to->revision = from->revision;
    to->reason = (enum seal_reason)from->reason;
    to->closed_at_ms = (int64_t)from->closed_at_ms;
    to->events = from->events;
    to->late = from->late;
    to->duplicates = from->duplicates;
    to->gaps = from->gaps;
    to->gap_batches = from->gap_batches;
    to->quarantined = from->quarantined;
    to->complete = from->complete;
    to->differences_left_out = from->differences_left_out;
    to->difference_left_out = from->difference_left_out;
    to->organizations_left_out = from->organizations_left_out;
    to->organization_requests_left_out = from->organization_requests_left_out;
    return read_days(from, to->partitions, error) && read_organizations(from, to->organizations, error) &&
           read_differences(from, to->differences, error);
}

struct ledger_entry *ledger_entry_parse(struct view record, GError **error)
{
    struct ledger_entry *entry = ledger_entry_new();
    Daybook__V1__Record *message = daybook__v1__record__unpack(NULL, record.size, (const uint8_t *)record.data);
    bool ok = (message && is_canonical(&message->base, record)) || malformed(error, "the bytes are no canonical message Record");
    ok = ok && (message->kind_case == DAYBOOK__V1__RECORD__KIND_LEDGER || malformed(error, "it is a Record of another kind"));
    ok = ok && read_entry(message->ledger, entry, error);
    if (message)
        daybook__v1__record__free_unpacked(message, NULL);
    if (ok)
        return entry;
    ledger_entry_free(entry);
    return NULL;
}
