"""What goes over Kafka, read by another language's protobuf library: every field of what was sent over HTTP is there."""

import importlib
import random
import subprocess
import sys
import time

import pytest
from harness import ROOT, wait_until

NAMES = ("organization", "client", "user", "method", "route", "platform")


@pytest.fixture(scope="module")
def usage_pb2():
    """proto/usage.proto as protoc makes it for Python."""
    directory = ROOT / "build/gen/python"
    directory.mkdir(parents=True, exist_ok=True)
    subprocess.run(["protoc", f"-I{ROOT}/proto", f"--python_out={directory}", "usage.proto"], check=True)
    sys.path.insert(0, str(directory))
    yield importlib.import_module("usage_pb2")
    sys.path.remove(str(directory))


def fnv_partition(organization, client, count):
    """FNV-1a, 64 bit, folded: written here a second time, from its description in lib/record.h."""
    value = 0xCBF29CE484222325
    for byte in organization.encode() + b"\0" + client.encode():
        value = (value ^ byte) * 0x100000001B3 % 2**64
    return ((value >> 32) ^ (value & 0xFFFFFFFF)) % count


def column(values, index):
    """A column that was left out is all 0."""
    return values[index] if values else 0


def events_of(batch):
    """The events of a batch as dictionaries, checking what the format promises."""
    count = len(batch.status)
    assert batch.symbols[0] == ""
    assert len(set(batch.symbols)) == len(batch.symbols)
    for name in (*NAMES, "time_delta_ms", "latency_us", "request_bytes", "response_bytes"):
        assert len(getattr(batch, name)) in (0, count), name
    assert list(batch.id_event) == sorted(set(batch.id_event)) and len(batch.id_event) == len(batch.id)
    ids = dict(zip(batch.id_event, batch.id))
    at = batch.base_time_ms
    events = []
    for i in range(count):
        at += column(batch.time_delta_ms, i)
        event = {name: batch.symbols[column(getattr(batch, name), i)] for name in NAMES}
        event.update(time=at, status=batch.status[i], latency_us=column(batch.latency_us, i), id=ids.get(i, b"").decode())
        event.update(request_bytes=column(batch.request_bytes, i), response_bytes=column(batch.response_bytes, i))
        events.append(event)
    return events


def make_events(count, seed):
    """(what is posted, what must be on the topic)."""
    source = random.Random(seed)
    now = int(time.time() * 1000)
    posted, wanted = [], []
    for number in range(count):
        event = {
            "time": now - source.randrange(86_400_000 * 3),
            "organization": source.choice(["acme", "globex", "Ünïcode-Örg", "日本"]),
            "client": f"client-{source.randrange(40)}",
            "method": source.choice(["GET", "POST", "DELETE", "M-SEARCH"]),
            "route": source.choice(["/v1/orders/{id}", "/v1/orders", "/", "/v1/naïve/{n}"]),
            "status": source.choice([100, 200, 204, 301, 404, 429, 500, 599]),
        }
        optional = {
            "user": f"user-{source.randrange(9)}",
            "platform": source.choice(["ios", "android"]),
            "latencyMs": source.randrange(10_000_000) / 1000,
            "requestBytes": source.choice([0, 1, 412, 2**31, 2**40]),
            "responseBytes": source.choice([0, 1, 1830, 2**33]),
            "id": f"id-{number}",
        }
        event.update({name: value for name, value in optional.items() if source.random() < 0.6})
        posted.append(event)
        wanted.append(as_wanted(event))
    return posted, wanted


def as_wanted(event):
    return {
        **{name: event.get(name, "") for name in NAMES},
        "time": event["time"],
        "status": event["status"],
        "latency_us": round(event.get("latencyMs", 0) * 1000),
        "request_bytes": event.get("requestBytes", 0),
        "response_bytes": event.get("responseBytes", 0),
        "id": event.get("id", ""),
    }


def in_order(events):
    return sorted(events, key=lambda event: sorted((name, str(value)) for name, value in event.items()))


def read_records(kafka, topic, usage_pb2):
    """[(partition, Record)] of all that is on the topic; bytes that are no Record fail."""
    records = []
    for partition, _offset, value in kafka.read(topic):
        record = usage_pb2.Record.FromString(value)
        size = record.ByteSize()
        record.DiscardUnknownFields()
        assert record.ByteSize() == size, "fields that proto/usage.proto does not know"
        assert record.WhichOneof("kind") in ("batch", "heartbeat")
        records.append((partition, record))
    return records


def test_every_field_arrives(kafka, daybook, usage_pb2):
    topic = kafka.create_topic(partitions=4)
    collector = daybook.collector(topic)
    posted, wanted = make_events(2000, seed=1)
    for start in range(0, len(posted), 100):
        status, answer = collector.post(posted[start : start + 100])
        assert (status, answer) == (202, {"accepted": 100, "rejected": []})

    def decoded():
        batches = [record.batch for _, record in read_records(kafka, topic, usage_pb2) if record.WhichOneof("kind") == "batch"]
        return sum(len(batch.status) for batch in batches) >= len(posted)

    wait_until(decoded, 30, "all events are on the topic", 0.3)
    found = []
    for partition, record in read_records(kafka, topic, usage_pb2):
        if record.WhichOneof("kind") != "batch":
            continue
        assert record.batch.partition == partition and record.batch.partition_count == 4
        events = events_of(record.batch)
        assert all(fnv_partition(event["organization"], event["client"], 4) == partition for event in events)
        found += events
    assert in_order(found) == in_order(wanted)


def test_sequences_count_from_1_in_every_partition_of_a_run(kafka, daybook, usage_pb2):
    topic = kafka.create_topic(partitions=3)
    collector = daybook.collector(topic)
    streams = set()
    for run in range(2):
        for start in range(20):
            posted, _ = make_events(20, seed=run * 100 + start)
            assert collector.post(posted)[0] == 202
        if run == 0:
            assert collector.stop() == 0
            collector.start()
    assert collector.stop() == 0
    sequences, created = {}, {}
    for partition, record in read_records(kafka, topic, usage_pb2):
        if record.WhichOneof("kind") == "batch":
            batch = record.batch
            assert len(batch.stream_id) == 16 and not batch.HasField("manifest")
            streams.add(batch.stream_id)
            sequences.setdefault((batch.stream_id, partition), []).append(batch.sequence)
            created.setdefault((batch.stream_id, partition), []).append(batch.created_ms)
    assert len(streams) == 2, "a run is a stream"
    for key, numbers in sequences.items():
        assert numbers == list(range(1, len(numbers) + 1)), key
        assert created[key] == sorted(created[key])


def test_heartbeats_say_what_was_cut(kafka, daybook, usage_pb2):
    topic = kafka.create_topic(partitions=2)
    collector = daybook.collector(topic)
    posted, _ = make_events(500, seed=3)
    assert collector.post(posted)[0] == 202

    def heartbeat():
        found = [r.heartbeat for _, r in read_records(kafka, topic, usage_pb2) if r.WhichOneof("kind") == "heartbeat"]
        return next((beat for beat in found if beat.accepted == 500), None)

    beat = wait_until(heartbeat, 30, "a heartbeat that knows of the events", 0.5)
    last = [0, 0]
    for partition, record in read_records(kafka, topic, usage_pb2):
        if record.WhichOneof("kind") == "batch":
            assert record.batch.stream_id == beat.stream_id
            last[partition] = record.batch.sequence
    assert list(beat.last_sequence) == last
    assert (beat.received, beat.accepted, beat.rejected, beat.excluded) == (500, 500, 0, 0)
    assert abs(beat.clock_ms - time.time() * 1000) < 60_000


def test_what_is_refused_rides_with_the_events(kafka, daybook, usage_pb2):
    """Counts by reason are exact, a body that cannot be read is one, and nothing that was sent is in a sample."""
    topic = kafka.create_topic(partitions=4)
    collector = daybook.collector(topic, {"collector.name": "edge 1"})
    right = {"method": "GET", "route": "/v1/orders/{id}", "status": 200, "client": "acme"}
    wrong = [
        {**right, "status": 99, "client": "S3cr3t-client"},
        {**right, "methd": "S3cr3t"},
        {**right, "S3cr3t key": 1},
        {**right, "method": "S3cr3t it is", "route": None, "path": "/v1/orders/17?token=S3cr3t"},
    ]
    for number in range(30):
        status, answer = collector.post([right] * (number % 3) + wrong)
        assert status == 202 and len(answer["rejected"]) == len(wrong)
    for _ in range(7):
        assert collector.post(b'[{"client":"S3cr3t",')[0] == 400

    def found():
        counts, texts = {}, []
        for partition, record in read_records(kafka, topic, usage_pb2):
            if record.WhichOneof("kind") != "batch" or not record.batch.rejection:
                continue
            assert record.batch.collector == "edge 1" and partition == fnv_partition("", "edge 1", 4)
            assert len(record.batch.rejection) <= 256
            for rejection in record.batch.rejection:
                counts[rejection.reason] = counts.get(rejection.reason, 0) + rejection.count
                texts += [rejection.message, rejection.sample]
                assert abs(rejection.time_ms - time.time() * 1000) < 60_000
        assert not any("S3cr3t" in text or "s3cr3t" in text for text in texts)
        assert all(len(text) <= 512 for text in texts)
        return counts if sum(counts.values()) >= 127 else None

    counts = wait_until(found, 30, "everything that was refused is on the topic", 0.3)
    assert counts == {"out_of_range": 30, "unknown_field": 60, "wrong_type": 30, "malformed_body": 7}
