"""Closed days for live_fixture's events: sheets, what partitions say of a day, and the ledger, written from the words of the .proto
files and lib/keys.h. Nothing here is shared with the programs; the protobuf library of another language makes the bytes."""

import functools
import hashlib
import importlib
import struct
import subprocess
import sys
from collections import Counter, defaultdict

from harness import ROOT
from live_fixture import DAY, MINUTE, SLOT, bucket_of, partition_of, sums_by

REASONS = {"day_end": 0, "late": 1, "requested": 2, "erasure": 3}


@functools.cache
def messages(name):
    """proto/<name>.proto as protoc makes it for Python."""
    directory = ROOT / "build/gen/python"
    directory.mkdir(parents=True, exist_ok=True)
    subprocess.run(["protoc", f"-I{ROOT}/proto", f"--python_out={directory}", f"{name}.proto"], check=True)
    if str(directory) not in sys.path:
        sys.path.insert(0, str(directory))
    return importlib.import_module(f"{name}_pb2")


def packed(data):
    """A zstd frame (RFC 8878) that says its size, of raw blocks."""
    frame = struct.pack("<IBI", 0xFD2FB528, 0xA0, len(data))
    blocks = [data[at : at + 2**17] for at in range(0, len(data), 2**17)] or [b""]
    for i, block in enumerate(blocks):
        frame += struct.pack("<I", (i == len(blocks) - 1) | len(block) << 3)[:3] + block
    return frame


# ---- a sheet ----


def _put(column, values, left_out=0):
    if any(value != left_out for value in values):
        column.extend(values)


def _put_histogram(block, sums):
    counts, steps, numbers = [], [], []
    for total in sums:
        at = bucket_of(total.latency_max)
        for bucket in sorted(total.buckets, reverse=True):
            steps.append(at - bucket)
            numbers.append(total.buckets[bucket])
            at = bucket
        counts.append(len(total.buckets))
    _put(block.buckets, counts, 1)
    _put(block.bucket_step, steps)
    _put(block.bucket_count, numbers, 1)


def _put_rows(block, rows, symbol):
    """rows: {(user, method, route, platform, slot): sum}"""
    keys = sorted(rows, key=lambda key: (*map(str.encode, key[:4]), key[4]))
    sums = [rows[key] for key in keys]
    routes = sorted({key[1:3] for key in keys}, key=lambda route: (route[0].encode(), route[1].encode()))
    _put(block.method, [symbol[method] for method, _ in routes])
    _put(block.template, [symbol[route] for _, route in routes])
    users = [symbol[key[0]] for key in keys]
    _put(block.user, [user - before for user, before in zip(users, [0, *users])])
    _put(block.route, [routes.index(key[1:3]) for key in keys])
    _put(block.platform, [symbol[key[3]] for key in keys])
    _put(block.slot, [key[4] for key in keys])
    _put(block.statuses, [len(total.statuses) for total in sums], 1)
    _put(block.status, [status for total in sums for status in sorted(total.statuses)])
    _put(block.count, [total.statuses[status] for total in sums for status in sorted(total.statuses)], 1)
    _put(block.latency_max_us, [total.latency_max for total in sums])
    _put(block.latency_rest_us, [total.latency - total.latency_max for total in sums])
    _put_histogram(block, sums)
    _put(block.request_bytes, [total.sent for total in sums])
    _put(block.response_bytes, [total.received for total in sums])


def sheet(events, partition, day, revision):
    """(canonical bytes, rows)"""
    made = messages("sheet").DaySheet(version=1, partition=partition, day=day, revision=revision)
    made.first_offset, made.end_offset = (10 * day, 10 * day + 7) if events else (0, 0)
    rows = sums_by(events, lambda e: (e.org, e.client, e.user, e.method, e.route, e.platform, e.time % DAY // SLOT))
    names = sorted({"", *(name for key in rows for name in key[:6])}, key=str.encode)
    symbol = {name: number for number, name in enumerate(names)}
    made.symbols.extend(names)
    clients = defaultdict(dict)
    for key, total in rows.items():
        clients[key[:2]][key[2:]] = total
    order = sorted(clients, key=lambda client: (client[0].encode(), client[1].encode()))
    _put(made.organization, [symbol[organization] for organization, _ in order])
    _put(made.client, [symbol[client] for _, client in order])
    _put(made.client_rows, [len(clients[client]) for client in order])
    _put(made.client_requests, [sum(total.requests for total in clients[client].values()) for client in order])
    for client in order:
        _put_rows(made.block.add(), clients[client], symbol)
    made.rows, made.requests = len(rows), len(events)
    made.latency_sum_us = sum(event.latency for event in events)
    made.request_bytes = sum(event.sent for event in events)
    made.response_bytes = sum(event.received for event in events)
    return made.SerializeToString(), len(rows)


# ---- closing ----


def _text(state):
    return f"{state['sealed']} {state['sheeted']} {state['ledgered']} {state['skip_below']}"


class Books:
    """What the aggregator would have written when it closed days of these events. Each step is one call."""

    def __init__(self, client, events, partitions):
        self.client, self.events, self.partitions = client, events, partitions
        self.usage = messages("usage")
        self.states = defaultdict(lambda: dict(sealed=0, sheeted=0, ledgered=0, skip_below=0))
        self.parts, self.records = {}, []
        self.by_day = defaultdict(list)
        for event in events:
            self.by_day[partition_of(event, partitions), event.time // DAY].append(event)

    def first_day(self, day):
        for partition in range(self.partitions):
            self.client.hset(f"{{p{partition}}}:meta", "first_ms", day * DAY + 5)

    def _date(self, day):
        from datetime import date, timedelta

        return (date(1970, 1, 1) + timedelta(days=day)).isoformat()

    def sheet_key(self, partition, day, revision):
        return f"{{p{partition}}}:sheet:{self._date(day)}:{revision}"

    def _write_state(self, partition, day):
        self.client.hset(f"{{p{partition}}}:days", str(day), _text(self.states[partition, day]))

    def seal(self, partition, day, revision, reason="day_end", streams=()):
        """The seal and its sheet; what came for the day so far, and in revisions up to this one, is in it."""
        events = [e for e in self.by_day.get((partition, day), []) if e.revision <= revision]
        data, rows = sheet(events, partition, day, revision)
        part = self.usage.PartitionDay(partition=partition, seal_offset=20 * day + revision, reason=REASONS[reason])
        part.sealed_at_ms = (day + revision) * DAY + 3_600_000 + partition
        part.first_offset, part.end_offset = (10 * day, 10 * day + 7) if events else (0, 0)
        part.events, part.rows = len(events), rows
        part.late = sum(e.revision > 1 for e in events)
        part.sheet_checksum = hashlib.sha256(data).digest()
        for stream in streams:
            part.stream.add(**stream)
        self.parts[partition, day, revision] = part
        self.client.set(self.sheet_key(partition, day, revision), packed(data))
        self.client.hset(f"{{p{partition}}}:closed", f"{day}.{revision}", part.SerializeToString())
        self.client.hset(f"{{p{partition}}}:due", f"g:{day}.{revision}:0", str((day + revision + 2) * DAY))
        self.states[partition, day].update(sealed=revision, sheeted=revision)
        self._write_state(partition, day)

    def remove_buckets(self, partition, day, revision):
        """All of a generation but its minutes, as the aggregator does two days after its sheet."""
        tag, generation = f"{{p{partition}}}", f"{day}.{revision}"
        self.client.hdel(f"{tag}:due", f"g:{generation}:0")
        self.client.hdel(f"{tag}:meta", f"cnt:{generation}")
        keys = [key for kind in "tcru" for key in self.client.scan_iter(f"{tag}:{kind}:{generation}*", count=10000)]
        keys += [key for kind in ("s", "ss", "zs", "zr") for key in self.client.scan_iter(f"{tag}:{kind}:{generation}:*", count=10000)]
        if keys:
            self.client.unlink(*keys)

    def remove_all_buckets(self, days, revision):
        """The same for many days at once."""
        wanted = {f"{day}.{revision}" for day in days}
        keys = [k for k in self.client.scan_iter(count=10000) if _is_bucket(k) and k.split(":")[2] in wanted]
        for at in range(0, len(keys), 5000):
            self.client.unlink(*keys[at : at + 5000])
        for partition in range(self.partitions):
            self.client.hdel(f"{{p{partition}}}:meta", *(f"cnt:{generation}" for generation in wanted))

    def minutes_of(self, day):
        return range(day * DAY // MINUTE, (day + 1) * DAY // MINUTE)

    # ---- the ledger ----

    def _clients(self, day, revision):
        events = [e for p in range(self.partitions) for e in self.by_day.get((p, day), []) if e.revision <= revision]
        return Counter((e.org, e.client) for e in events)

    def enter(self, day, revision, reason="day_end", complete=True):
        """The entry of a revision that all partitions have sealed. Its record."""
        entry = self.usage.LedgerEntry(n=len(self.records) + 1, day=day, revision=revision, reason=REASONS[reason])
        if self.records:
            entry.previous_checksum = self.checksum(len(self.records))
        parts = [self.parts[partition, day, revision] for partition in range(self.partitions)]
        entry.partition.extend(parts)
        entry.closed_at_ms = max(part.sealed_at_ms for part in parts)
        for name in ("events", "late", "duplicates", "gaps", "gap_batches", "quarantined"):
            setattr(entry, name, sum(getattr(part, name) for part in parts))
        entry.complete = complete
        now, before = self._clients(day, revision), self._clients(day, revision - 1)
        organizations = Counter()
        for (organization, _), requests in now.items():
            organizations[organization] += requests
        for organization in sorted(organizations, key=str.encode):
            entry.organization.add(organization=organization, requests=organizations[organization])
        for client in sorted(now, key=lambda c: (c[0].encode(), c[1].encode())) if revision > 1 else []:
            if now[client] != before[client]:
                entry.difference.add(organization=client[0], client=client[1], requests=now[client] - before[client])
        return self._write_entry(entry)

    def _write_entry(self, entry):
        record = self.usage.Record(ledger=entry).SerializeToString()
        self.records.append(record)
        self.client.hset("{p0}:ledger", str(entry.n), record)
        self.client.hset("{p0}:entries", f"{entry.day}.{entry.revision}", str(entry.n))
        self.client.hset("{p0}:meta", mapping={"ledger": entry.n, "ledger_checksum": self.checksum(entry.n).hex()})
        self.states[0, entry.day]["ledgered"] = entry.revision
        self._write_state(0, entry.day)
        return record

    def checksum(self, n):
        return hashlib.sha256(self.records[n - 1]).digest()

    def entry(self, n):
        return self.usage.Record.FromString(self.records[n - 1]).ledger

    def close(self, day, revision=1, reason="day_end", **options):
        for partition in range(self.partitions):
            self.seal(partition, day, revision, reason)
        return self.enter(day, revision, reason, **options)

    def archive(self, directory, sheets=True):
        """Everything as files, as lib/archive.h says."""
        (directory / "ledger").mkdir(parents=True)
        for n, record in enumerate(self.records, 1):
            (directory / f"ledger/{n:012d}.record").write_bytes(record)
        raw = self.client.connection_pool.connection_kwargs
        for partition, day, revision in self.parts if sheets else []:
            date = self._date(day)
            path = directory / f"sheets/{date[:4]}/{date}.r{revision}.p{partition}.sheet.zst"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(_binary(raw).get(self.sheet_key(partition, day, revision)))


def _binary(settings):
    import redis

    return redis.Redis(host=settings["host"], port=settings["port"])


def _is_bucket(key):
    parts = key.split(":")
    return len(parts) >= 3 and parts[0].startswith("{p") and parts[1] in ("t", "c", "r", "u", "s", "ss", "zs", "zr")
