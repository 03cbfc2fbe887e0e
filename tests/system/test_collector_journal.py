"""The collector's promise on real parts: what was acknowledged is on the topic exactly once, whatever is killed, full or away."""

import collections
import json
import re
import subprocess
import threading
import time

import pytest
from confluent_kafka.admin import AdminClient, NewPartitions
from harness import Kafka, free_port, run_program, wait_until
from test_wire import events_of, usage_pb2  # noqa: F401 (a fixture)

PARTITIONS = 4
POINTS = [
    "journal.before_write",
    "journal.half_write",
    "journal.before_sync",
    "journal.synced",
    "batcher.answered",
    "shipper.sent",
    "shipper.acknowledged",
    "journal.before_cursor",
    "journal.cursor_saved",
    "journal.deleting",
    "journal.unlinked",
    "journal.segment_written",
    "journal.segment_renamed",
]


class Sender:
    """Posts batches of numbered events; each number is the id of one event."""

    def __init__(self):
        self.next = 0
        self.answered = set()
        self.unanswered = set()

    def batch(self, size):
        ids = [f"e{self.next + i}" for i in range(size)]
        self.next += size
        events = [
            {"organization": "acme", "client": f"c{int(i[1:]) % 37}", "method": "GET", "route": "/v1/x", "status": 200, "id": i} for i in ids
        ]
        return ids, events

    def post(self, collector, size=20):
        """True when it was acknowledged. A connection that breaks leaves it open whether the events were taken."""
        ids, events = self.batch(size)
        self.unanswered.update(ids)
        try:
            status, answer = collector.post(events, timeout_s=10)
        except OSError:
            return False
        if status == 202:
            assert answer == {"accepted": size, "rejected": []}
            self.answered.update(ids)
            self.unanswered.difference_update(ids)
            return True
        assert status == 503, (status, answer)  # certainly not taken
        self.unanswered.difference_update(ids)
        return False


class Log:
    """What is on the topic, as an aggregator takes it: what is not above the high-water of its stream is a repeat."""

    def __init__(self, kafka, topic, pb):
        self.events = collections.Counter()
        self.repeats = 0
        self.streams = set()
        self.heartbeats = 0
        high = collections.Counter()
        content = {}
        for partition, _offset, data in kafka.read(topic):
            record = pb.Record.FromString(data)
            self.heartbeats += record.WhichOneof("kind") == "heartbeat"
            if record.WhichOneof("kind") != "batch":
                continue
            batch = record.batch
            assert batch.partition == partition
            key = (batch.stream_id, partition)
            assert content.setdefault((*key, batch.sequence), data) == data, "one number, two contents"
            if batch.sequence <= high[key]:
                self.repeats += 1
                continue
            assert batch.sequence == high[key] + 1, f"gap in partition {partition}: {high[key]} is followed by {batch.sequence}"
            high[key] = batch.sequence
            self.streams.add(batch.stream_id)
            self.events.update(event["id"] for event in events_of(batch))

    def check(self, sender):
        assert [i for i in sender.answered if self.events[i] != 1] == []
        assert [i for i in sender.unanswered if self.events[i] > 1] == []
        assert set(self.events) <= sender.answered | sender.unanswered


def wait_shipped(collector, timeout_s=60):
    wait_until(lambda: collector.metrics(), 30, "the collector answers")
    wait_until(
        lambda: collector.metric("daybook_collector_journal_unacknowledged_batches") == 0, timeout_s, "everything is in Kafka", 0.05
    )


def post_until_dead(collector, sender):
    deadline = time.monotonic() + 60
    while collector.alive():
        assert time.monotonic() < deadline, "the crash point was not met"
        sender.post(collector)


def test_killed_at_every_named_point(kafka, daybook, topic, usage_pb2):  # noqa: F811
    sender = Sender()
    collector = daybook.collector(topic)
    for _ in range(10):
        assert sender.post(collector)
    collector.kill()
    for point in POINTS:
        for nth in (1, 4) if point.startswith(("journal.before_", "journal.half", "journal.synced", "batcher", "shipper")) else (1,):
            collector.start(wait_s=0, env={"DAYBOOK_CRASH_AT": f"{point}:{nth}"})
            post_until_dead(collector, sender)
            assert f"crashpoint name={point} hit={nth}" in collector.log_text()
            collector.start()
            assert sender.post(collector)
            collector.kill()  # with whatever is not yet acknowledged
    collector.start()
    wait_shipped(collector)
    assert collector.stop() == 0
    log = Log(kafka, topic, usage_pb2)
    log.check(sender)
    assert len(sender.answered) > 500 and len(log.streams) > 15 and log.repeats > 0
    assert "journal_tail_cut" in collector.log_text()  # half a write


@pytest.mark.parametrize("seed", range(3))
def test_killed_at_random_under_load(kafka, daybook, topic, usage_pb2, seed):  # noqa: F811
    collector = daybook.collector(topic, settings={"listen.threads": 2})
    senders = [Sender() for _ in range(4)]
    for i, sender in enumerate(senders):
        sender.next = 10_000_000 * i
    ending = threading.Event()

    def run(sender):
        while not ending.is_set():
            if not sender.post(collector):
                time.sleep(0.02)

    threads = [threading.Thread(target=run, args=(sender,)) for sender in senders]
    for thread in threads:
        thread.start()
    try:
        for kill in range(8):
            time.sleep(0.2 + 0.07 * ((kill * 7 + seed * 3) % 5))
            collector.kill()
            collector.start()
    finally:
        ending.set()
        for thread in threads:
            thread.join()
    wait_shipped(collector)
    all_of_them = Sender()
    all_of_them.answered = set().union(*(sender.answered for sender in senders))
    all_of_them.unanswered = set().union(*(sender.unanswered for sender in senders))
    log = Log(kafka, topic, usage_pb2)
    log.check(all_of_them)
    assert len(log.streams) >= 8


def test_broker_away_and_a_restart_meanwhile(tmp_path, daybook, usage_pb2):  # noqa: F811
    own = Kafka("own-kafka", tmp_path / "own-kafka")
    own.start(wait_s=60)
    try:
        topic = own.create_topic(partitions=PARTITIONS)
        collector = daybook.collector(topic, settings={"kafka.brokers": own.brokers})
        sender = Sender()
        assert sender.post(collector)
        wait_shipped(collector)
        own.kill()
        for _ in range(30):
            assert sender.post(collector, 100)
        began = time.monotonic()
        assert collector.stop() == 0  # the journal keeps what Kafka could not take
        assert time.monotonic() - began < 18
        collector.start()  # without a broker: the partitions are known from the journal
        assert "kafka" in json.loads(collector.get("/readyz")[1])
        assert sender.post(collector)
        assert collector.metric("daybook_collector_journal_unacknowledged_batches") > 30
        own.start(wait_s=60)
        wait_shipped(collector)
        Log(own, topic, usage_pb2).check(sender)
        assert wait_until(lambda: collector.get("/readyz")[1] == '{"ready":true}', 30, "the broker is back")
    finally:
        own.kill()


def test_disk_budget(tmp_path, daybook, usage_pb2):  # noqa: F811
    own = Kafka("own-kafka", tmp_path / "own-kafka")
    own.start(wait_s=60)
    try:
        topic = own.create_topic(partitions=PARTITIONS)
        collector = daybook.collector(topic, settings={"kafka.brokers": own.brokers, "journal.max_bytes": "64MiB"})
        own.kill()
        sender = Sender()
        padding = "x" * 230
        taken = 0
        for n in range(2000):
            events = [
                {"method": "GET", "route": f"/v1/{padding}{i}", "status": 200, "organization": "acme", "client": f"c{i}", "id": f"p{n}-{i}"}
                for i in range(400)
            ]
            status, _ = collector.post(events)
            if status == 503:
                break
            assert status == 202
            sender.answered.update(event["id"] for event in events)
            taken += 1
        else:
            raise AssertionError("the budget was never met")
        assert taken > 20
        answer = subprocess.run(
            ["curl", "-si", "-d", "[]", "-H", "Content-Type: application/json", f"http://127.0.0.1:{collector.port}/v1/events"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        used = sum(path.stat().st_size for path in (collector.directory / "journal").iterdir())
        assert used <= 64 * 2**20 + 16384, used
        assert collector.get("/readyz")[0] == 503 and "journal" in collector.get("/readyz")[1]
        assert collector.metric("daybook_collector_journal_full") == 1
        own.start(wait_s=60)
        wait_until(lambda: sender.post(collector), 60, "there is room again", 0.2)
        wait_shipped(collector)
        Log(own, topic, usage_pb2).check(sender)
        assert re.match(r"HTTP/1.1 (202|503)", answer)
    finally:
        own.kill()


def test_full_disk(tmp_path, kafka, daybook, usage_pb2):  # noqa: F811
    """A file system of 40 MiB that somebody else fills and empties."""
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=40m", "tmpfs", disk], capture_output=True, check=False).returncode != 0:
        pytest.skip("mounting a tmpfs needs root")
    try:
        topic = kafka.create_topic(partitions=PARTITIONS)
        collector = daybook.collector(topic, settings={"journal.dir": disk / "journal"})
        sender = Sender()
        assert sender.post(collector)
        with open(disk / "hog", "wb") as hog:
            try:
                while True:
                    hog.write(b"x" * 65536)
                    hog.flush()
            except OSError:
                pass
        padding = "x" * 230
        refused = False
        for n in range(400):
            ids, events = sender.batch(400)
            for i, event in enumerate(events):
                event["route"] = f"/v1/{padding}{i}"
            status, _ = collector.post(events, timeout_s=30)
            assert status in (202, 503)
            if status == 202:
                sender.answered.update(ids)
            else:
                refused = True
                break
        assert refused or collector.metric("daybook_collector_journal_bytes") <= 40 * 2**20
        assert collector.alive()
        (disk / "hog").unlink()
        wait_until(lambda: sender.post(collector), 30, "there is room again", 0.1)
        wait_shipped(collector)
        assert collector.stop() == 0
        Log(kafka, topic, usage_pb2).check(sender)
    finally:
        daybook.kill()
        subprocess.run(["umount", disk], check=True)


# ---- wrong environments ----


def arguments(collector_dir, **settings):
    return [word for key, value in {"listen.port": 0, "journal.dir": collector_dir, **settings}.items() for word in ("--set", f"{key}={value}")]


def one_line(done, *words):
    assert done.returncode == 2, done.stderr
    said = [line for line in done.stderr.splitlines() if line.startswith("daybook-collector: ")]
    assert len(said) == 1, done.stderr
    for word in words:
        assert word in said[0], said


def test_one_collector_a_journal(daybook, topic, kafka):
    collector = daybook.collector(topic)
    journal = collector.directory / "journal"
    done = run_program("daybook-collector", *arguments(journal, **{"kafka.brokers": kafka.brokers, "kafka.topic": topic}))
    one_line(done, "journal.dir", str(journal))
    assert collector.post([])[0] in (202, 400)


def test_unusable_directory(tmp_path, kafka):
    (tmp_path / "file").write_text("not a directory")
    done = run_program("daybook-collector", *arguments(tmp_path / "file", **{"kafka.brokers": kafka.brokers}))
    one_line(done, "journal.dir", "file")


def test_token_is_required_beyond_loopback(tmp_path):
    done = run_program("daybook-collector", *arguments(tmp_path, **{"listen.address": "0.0.0.0"}))
    one_line(done, "listen.token")


def test_topic_with_fewer_partitions(kafka, daybook):
    topic = kafka.create_topic(partitions=PARTITIONS)
    collector = daybook.collector(topic)
    assert Sender().post(collector)
    wait_shipped(collector)
    assert collector.stop() == 0
    admin = AdminClient({"bootstrap.servers": kafka.brokers})
    admin.delete_topics([topic])[topic].result(30)
    time.sleep(1)
    wait_until(lambda: topic not in admin.list_topics(timeout=10).topics, 30, "the topic is gone")
    kafka.create_topic(topic, partitions=2)
    settings = {"kafka.brokers": kafka.brokers, "kafka.topic": topic}
    one_line(run_program("daybook-collector", *arguments(collector.directory / "journal", **settings)), topic, "2 partitions")


def test_topic_with_more_partitions(kafka, daybook, usage_pb2):  # noqa: F811
    topic = kafka.create_topic(partitions=2)
    collector = daybook.collector(topic, settings={"kafka.topic_check_s": 2})
    sender = Sender()
    assert sender.post(collector, 200)
    wait_shipped(collector)
    admin = AdminClient({"bootstrap.servers": kafka.brokers})
    admin.create_partitions([NewPartitions(topic, 6)])[topic].result(30)
    wait_until(lambda: collector.metric("daybook_collector_topic_partitions") == 6, 90, "the new partitions are seen", 0.5)
    assert sender.post(collector, 400)
    wait_shipped(collector)
    Log(kafka, topic, usage_pb2).check(sender)
    used = {partition for partition, _offset, _data in kafka.read(topic)}
    assert used == set(range(6))


def test_topic_is_made(kafka, daybook):
    topic = "usage.made"
    collector = daybook.collector(topic, settings={"kafka.create_partitions": 3})
    assert Sender().post(collector)
    wait_shipped(collector)
    metadata = AdminClient({"bootstrap.servers": kafka.brokers}).list_topics(topic, timeout=10)
    assert len(metadata.topics[topic].partitions) == 3


def test_nothing_is_taken_before_the_topic_was_ever_seen(daybook, kafka):
    collector = daybook.collector("usage.never", settings={"kafka.brokers": f"127.0.0.1:{free_port()}"}, start=False)
    collector.start(wait_s=0)
    wait_until(lambda: collector.get("/healthz")[0] == 200, 30, "it serves")
    status, text = collector.get("/readyz")
    assert status == 503 and "kafka" in json.loads(text)
    events = [{"method": "GET", "route": "/v1/x", "status": 200}]
    assert collector.post(events)[0] == 503
    assert collector.stop() == 0


def test_heartbeats(kafka, daybook, topic, usage_pb2):  # noqa: F811
    collector = daybook.collector(topic, settings={"collector.name": "edge-1"})
    sender = Sender()
    assert sender.post(collector, 100)
    wait_shipped(collector)
    wait_until(lambda: collector.metric("daybook_collector_heartbeats_sent_total") >= 2, 30, "two heartbeats", 0.2)
    time.sleep(0.5)
    beats = [usage_pb2.Record.FromString(data) for _p, _o, data in kafka.read(topic)]
    beats = [record.heartbeat for record in beats if record.WhichOneof("kind") == "heartbeat"]
    assert len(beats) >= 2 and all(beat.collector == "edge-1" and len(beat.last_sequence) == PARTITIONS for beat in beats)
    assert beats[-1].received == beats[-1].accepted == 100
    assert sum(beats[-1].last_sequence) > 0 and beats[-1].journal_bytes == 0
