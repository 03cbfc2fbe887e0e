"""Days that are closed, read by a few lines of its own: no code is shared with the daemons, only the words of proto/*.proto.

What must hold at any time of a ledger and its sheets is checked here: the chain of the entries' SHA-256, every sheet against the
checksum that its entry has, all sums. What the day must contain is for the caller to say, who sent it.
"""

import collections
import ctypes
import datetime
import functools
import hashlib
import importlib
import subprocess
import sys
import tempfile
import time

from .parts import ROOT

_zstd = ctypes.CDLL("libzstd.so.1")
_zstd.ZSTD_getFrameContentSize.restype = ctypes.c_ulonglong
_zstd.ZSTD_getFrameContentSize.argtypes = [ctypes.c_char_p, ctypes.c_size_t]
_zstd.ZSTD_decompress.restype = ctypes.c_size_t
_zstd.ZSTD_decompress.argtypes = [ctypes.c_char_p, ctypes.c_size_t, ctypes.c_char_p, ctypes.c_size_t]


@functools.cache
def messages(name):
    """proto/<name>.proto as protoc makes it for Python."""
    directory = tempfile.mkdtemp(prefix="daybook-proto-")
    subprocess.run(["protoc", f"-I{ROOT}/proto", f"--python_out={directory}", f"{name}.proto"], check=True)
    sys.path.insert(0, directory)
    try:
        return importlib.import_module(f"{name}_pb2")
    finally:
        sys.path.remove(directory)


def today():
    """Days since 1970, UTC: those before it are over."""
    return int(time.time()) // 86400


def date_of(day):
    return str(datetime.date(1970, 1, 1) + datetime.timedelta(days=day))


# ---- how far the days are ----


def states(client, partitions):
    """{day: {partition: (sealed, sheeted, ledgered)}}"""
    found = collections.defaultdict(dict)
    for partition in range(partitions):
        for day, text in client.hgetall(f"{{p{partition}}}:days").items():
            found[int(day)][partition] = tuple(int(word) for word in text.split()[:3])
    return found


def unfinished(client, partitions, before):
    """Lines about all that is not in the ledger yet of days before this one, or not in the archive; none when all is closed."""
    lines = []
    for partition in range(partitions):
        for generation, text in client.hgetall(f"{{p{partition}}}:open").items():
            events = int(text.split()[0])
            if events > 0 and int(generation.partition(".")[0]) < before:
                lines.append(f"partition {partition}: {events} events of {generation} are open: {text}")
    for day, by_partition in sorted(states(client, partitions).items()):
        wanted = max(sealed for sealed, _, _ in by_partition.values())
        for partition in range(partitions):
            sealed, sheeted, ledgered = by_partition.get(partition, (0, 0, 0))
            if day < before and not sealed == sheeted == wanted:
                lines.append(f"partition {partition}: {day} is sealed {sealed} times, has {sheeted} sheets, but {wanted} revisions")
            if day < before and partition == 0 and ledgered != wanted:
                lines.append(f"{day} is {ledgered} times in the ledger, but has {wanted} revisions")
    ledger, archived = (int(number or 0) for number in client.hmget("{p0}:meta", "ledger", "archived"))
    if ledger != archived:
        lines.append(f"{ledger} entries in the ledger, {archived} in the archive")
    return lines


# ---- the ledger ----


def entries(binary):
    """All entries of the ledger, in order; the chain is checked. `binary` does not decode responses."""
    pipeline = binary.pipeline(transaction=True)
    pipeline.hgetall("{p0}:ledger")
    pipeline.hmget("{p0}:meta", "ledger", "ledger_checksum")
    records, (last, checksum) = pipeline.execute()
    records = {int(n): record for n, record in records.items()}
    assert sorted(records) == list(range(1, int(last or 0) + 1)), f"ledger {last}: {sorted(records)}"
    found, previous, revisions = [], b"", collections.Counter()
    for n in sorted(records):
        entry = messages("usage").Record.FromString(records[n]).ledger
        assert entry.n == n and entry.previous_checksum == previous, f"entry {n} is not the next one of the chain"
        revisions[entry.day] += 1
        assert entry.revision == revisions[entry.day], f"entry {n}: revision {entry.revision}, not {revisions[entry.day]}"
        previous = hashlib.sha256(records[n]).digest()
        found.append(entry)
    assert (checksum or b"").decode() == previous.hex()
    return found


def _check_sums(entry, partitions):
    where = f"entry {entry.n}, {date_of(entry.day)} in revision {entry.revision}"
    assert [part.partition for part in entry.partition] == list(range(partitions)), where
    assert sum(part.events for part in entry.partition) == entry.events, where
    assert sum(part.late for part in entry.partition) == entry.late, where
    assert sum(total.requests for total in entry.organization) + entry.organization_requests_left_out == entry.events, where


def _check_differences(entry, before):
    """What changed by client is what changed in all."""
    changed = sum(each.requests for each in entry.difference) + entry.difference_left_out
    wanted = entry.events - before.events if before else 0
    assert changed == wanted, f"entry {entry.n}: the clients differ by {changed}, the day by {wanted}"
    assert not before or entry.events >= before.events, f"entry {entry.n}: events are gone"


# ---- sheets ----


def _unpack(packed):
    size = _zstd.ZSTD_getFrameContentSize(packed, len(packed))
    assert size < 2**31, "not a zstd frame that says its size"
    out = ctypes.create_string_buffer(size)
    assert _zstd.ZSTD_decompress(out, size, packed, len(packed)) == size
    return out.raw


def _sheet(binary, day, part, revision):
    """A sheet as Redis has it, compared with what its entry says."""
    key = f"{{p{part.partition}}}:sheet:{date_of(day)}:{revision}"
    packed = binary.get(key)
    assert packed, f"{key} is missing"
    data = _unpack(packed)
    assert hashlib.sha256(data).digest() == part.sheet_checksum, f"{key} is not the sheet that the ledger has"
    sheet = messages("sheet").DaySheet.FromString(data)
    assert (sheet.partition, sheet.day, sheet.revision) == (part.partition, day, revision), key
    assert (sheet.requests, sheet.rows) == (part.events, part.rows), key
    return sheet


def _column(values, count, left_out=0):
    return list(values) or [left_out] * count


def _add_rows(counts, sheet):
    """Adds the sheet's requests to a Counter as counts.read makes it."""
    name, clients = sheet.symbols, len(sheet.client)
    organizations = _column(sheet.organization, clients)
    for organization, client, rows, block in zip(organizations, sheet.client, sheet.client_rows, sheet.block):
        methods = _column(block.method, len(block.template))
        routes = [f"{name[method]} {name[template]}" for method, template in zip(methods, block.template)]
        lengths = _column(block.statuses, rows, 1)
        numbers = _column(block.count, sum(lengths), 1)
        at = 0
        for route, length in zip(_column(block.route, rows), lengths):
            for status, number in zip(block.status[at : at + length], numbers[at : at + length]):
                counts[name[organization], name[client], routes[route], status, sheet.day] += number
            at += length


# ---- the verdict ----


def check(binary, partitions):
    """The ledger and all its sheets; (entries, Counter of the sheets of every day's last revision)."""
    ledger = entries(binary)
    last = {entry.day: entry for entry in ledger}
    counts, before = collections.Counter(), {}
    for entry in ledger:
        _check_sums(entry, partitions)
        _check_differences(entry, before.get(entry.day))
        before[entry.day] = entry
        for part in entry.partition:
            sheet = _sheet(binary, entry.day, part, entry.revision)
            if entry is last[entry.day]:
                _add_rows(counts, sheet)
    return ledger, counts
