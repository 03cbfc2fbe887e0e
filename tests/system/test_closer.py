"""Days are closed: seals, sheets and the ledger from end to end, whoever is killed and however many close."""

import hashlib
import importlib
import os
import signal
import subprocess
import sys
import time

import pytest
import redis as redis_py
from harness import ROOT, Daybook, run_program, wait_until
from test_cluster import Cluster

APACHE_LOGS = ROOT / "tests/data/apache_logs"
PER_DAY = {16572: 1632, 16573: 2893, 16574: 2896, 16575: 2579}  # days since 1970: 17 to 20 May 2015
PARTITIONS = 4
SETTINGS = {"closing.grace_s": 0, "closing.restate_after_s": 1, "closing.check_ms": 50}
WHOLE = {"closing.restate_after_s": 4}  # while a file is imported no day of it is quiet so long, on a busy machine either
WAIT_S = 60


@pytest.fixture(scope="module")
def usage_pb2():
    """proto/usage.proto as protoc makes it for Python."""
    directory = ROOT / "build/gen/python"
    directory.mkdir(parents=True, exist_ok=True)
    subprocess.run(["protoc", f"-I{ROOT}/proto", f"--python_out={directory}", "usage.proto"], check=True)
    sys.path.insert(0, str(directory))
    yield importlib.import_module("usage_pb2")
    sys.path.remove(str(directory))


class World:
    """A topic, its aggregators, and the ledger as Redis has it."""

    def __init__(self, usage_pb2, daybook, redis, topic):
        self.usage_pb2, self.daybook, self.topic = usage_pb2, daybook, topic
        self.redis = redis.client()
        self.binary = redis_py.Redis(port=redis.port) if hasattr(redis, "port") else None

    def aggregator(self, settings=None, start=True, **options):
        return self.daybook.aggregator(self.topic, settings={**SETTINGS, **(settings or {})}, start=start, **options)

    def import_before(self, aggregator, path):
        """The file is counted, and no day of it is closed; the aggregator does not run."""
        settings = aggregator.settings
        aggregator.settings = {**settings, "closing.restate_after_s": 604800}
        aggregator.start()
        self.run_import(path)
        assert aggregator.stop() == 0
        aggregator.settings = settings

    def run_import(self, path):
        environment = {**os.environ, "KAFKA_BROKERS": self.daybook.kafka.brokers, "TOPIC": self.topic, "REDIS_URL": self.daybook.redis.url}
        done = run_program("daybook", "import", "--format", "combined", path, env=environment, timeout_s=120)
        assert done.returncode == 0, done.stdout + done.stderr

    def days(self, partition):
        """day -> (sealed, sheeted, ledgered)"""
        days = self.redis.hgetall(f"{{p{partition}}}:days")
        return {int(day): tuple(int(word) for word in text.split()[:3]) for day, text in days.items()}

    def ledgered(self):
        return {day: state[2] for day, state in self.days(0).items() if state[2] > 0}

    def wait_ledgered(self, revisions):
        """day -> revision: these and no others."""
        wait_until(lambda: self.ledgered() == revisions, WAIT_S, f"the ledger has {revisions} (now {self.ledgered()})")

    def entries(self):
        """All entries in order; the chain is checked."""
        records = {int(n): record for n, record in self.binary.hgetall("{p0}:ledger").items()}
        assert sorted(records) == list(range(1, len(records) + 1))
        entries, previous = [], b""
        for n in sorted(records):
            record = self.usage_pb2.Record()
            record.ParseFromString(records[n])
            assert record.ledger.n == n and record.ledger.previous_checksum == previous
            previous = hashlib.sha256(records[n]).digest()
            entries.append(record.ledger)
        assert (self.redis.hget("{p0}:meta", "ledger_checksum") or "") == previous.hex()
        assert int(self.redis.hget("{p0}:meta", "ledger") or 0) == len(entries)
        return entries

    def check_entry(self, entry, partitions=PARTITIONS):
        """Its sums are those of its parts."""
        assert [part.partition for part in entry.partition] == list(range(partitions))
        assert sum(part.events for part in entry.partition) == entry.events
        assert sum(total.requests for total in entry.organization) + entry.organization_requests_left_out == entry.events
        names = [total.organization for total in entry.organization]
        assert names == sorted(names)
        assert entry.closed_at_ms == max(part.sealed_at_ms for part in entry.partition)
        for part in entry.partition:
            assert len(part.sheet_checksum) == 32 and part.sealed_at_ms >= (entry.day + 1) * 86_400_000


@pytest.fixture
def world(usage_pb2, daybook, redis, topic):
    return World(usage_pb2, daybook, redis, topic)


def line(client, day, second=0):
    return f'10.0.0.1 - {client} [{day}/May/2015:10:00:{second:02} +0000] "GET /v1/orders/7 HTTP/1.1" 200 512 "-" "test"\n'


def write_log(path, *lines):
    path.write_text("".join(lines))
    return path


def test_import_then_one_late_event(world, tmp_path):
    aggregator = world.aggregator(WHOLE)
    world.run_import(APACHE_LOGS)
    world.wait_ledgered(dict.fromkeys(PER_DAY, 1))
    first = world.entries()
    assert {entry.day: entry.events for entry in first} == PER_DAY
    for entry in first:
        world.check_entry(entry)
        assert (entry.reason, entry.late, entry.duplicates, len(entry.difference)) == (0, 0, 0, 0)

    world.run_import(write_log(tmp_path / "late.log", line("c-late", 18)))
    world.wait_ledgered({**dict.fromkeys(PER_DAY, 1), 16573: 2})
    entries = world.entries()
    assert entries[:4] == first and len(entries) == 5
    late = entries[4]
    world.check_entry(late)
    assert (late.day, late.revision, late.events, late.late) == (16573, 2, PER_DAY[16573] + 1, 1)
    assert late.reason == world.usage_pb2.LATE
    assert [(each.organization, each.client, each.requests) for each in late.difference] == [("", "c-late", 1)]
    world.daybook.recount(world.topic)

    wait_until(lambda: aggregator.metric("daybook_aggregator_closings_due") == 0, WAIT_S, "no day is open")
    metrics = aggregator.metrics()
    assert metrics["daybook_aggregator_closer"] == 1
    assert metrics["daybook_aggregator_seals_sent_total"] == 5 * PARTITIONS
    assert metrics["daybook_aggregator_ledger_entries_sent_total"] == 5
    assert world.redis.hget("{p0}:meta", "seals_ignored") is None and world.redis.hget("{p0}:meta", "ledger_ignored") is None
    assert aggregator.get("/readyz")[0] == 200
    assert aggregator.stop() == 0


def test_a_closer_that_was_away_and_idle_partitions(world, tmp_path):
    """Nothing happened for days, and nobody was there: each of them is closed, by partitions that have nothing too."""
    aggregator = world.aggregator()
    world.run_import(write_log(tmp_path / "one.log", line("c-1", 17)))
    world.wait_ledgered({16572: 1})
    assert aggregator.stop() == 0
    today = int(time.time()) // 86400
    world.redis.hset("{p1}:meta", "first_ms", (today - 70) * 86_400_000 + 5)
    world.redis.hset("{p0}:meta", "first_ms", (today - 50) * 86_400_000)
    aggregator.start()
    wanted = {16572, *range(today - 70, today)}
    wait_until(lambda: wanted <= set(world.ledgered()), WAIT_S, "all days since then are closed")
    entries = world.entries()
    assert [entry.day for entry in entries[1:71]] == list(range(today - 70, today))
    assert all(entry.events == 0 and entry.revision == 1 for entry in entries[1:])
    for entry in entries:
        world.check_entry(entry)
    assert sum(part.events > 0 for part in entries[0].partition) == 1
    wait_until(lambda: aggregator.metric("daybook_aggregator_last_closed_day") >= today - 1, WAIT_S, "closed up to yesterday")


@pytest.mark.parametrize("crash_at", ["seal.before", "seal.between:1", "seal.between:3", "seal.between:6", "ledger.before", "ledger.sent:1", "ledger.sent:3"])
def test_killed(world, tmp_path, crash_at):
    """kill -9 of the closer, twice at the same place: the ledger is what it would have been."""
    aggregator = world.aggregator(start=False)
    world.import_before(aggregator, APACHE_LOGS)
    for _ in range(2):
        aggregator.start(wait_s=0, env={"DAYBOOK_CRASH_AT": crash_at})
        wait_until(lambda: not aggregator.alive() or len(world.ledgered()) == len(PER_DAY), WAIT_S, f"it is killed at {crash_at}")
        if aggregator.alive():
            break  # nothing was left to be done at that place
        assert aggregator.process.returncode == -signal.SIGKILL
    aggregator.kill()
    assert f"crashpoint name={crash_at.partition(':')[0]}" in aggregator.log_text()
    aggregator.start()
    world.wait_ledgered(dict.fromkeys(PER_DAY, 1))
    entries = world.entries()
    assert {entry.day: entry.events for entry in entries} == PER_DAY
    for entry in entries:
        world.check_entry(entry)
    for partition in range(PARTITIONS):
        assert world.days(partition) == {day: (1, 1, 1 if partition == 0 else 0) for day in PER_DAY}
    world.daybook.recount(world.topic)


def test_killed_between_the_seals_of_a_late_revision(world, tmp_path):
    """One partition has revision 2, without an event of its own even: then all get it, and no third one comes of it."""
    aggregator = world.aggregator(WHOLE)
    world.run_import(APACHE_LOGS)
    world.wait_ledgered(dict.fromkeys(PER_DAY, 1))
    aggregator.kill()
    world.import_before(aggregator, write_log(tmp_path / "late.log", line("c-late", 19)))
    aggregator.start(wait_s=0, env={"DAYBOOK_CRASH_AT": "seal.between:1"})
    wait_until(lambda: not aggregator.alive(), WAIT_S, "it is killed")
    assert aggregator.process.returncode == -signal.SIGKILL
    aggregator.start()
    world.wait_ledgered({**dict.fromkeys(PER_DAY, 1), 16574: 2})
    assert {part.reason for part in world.entries()[4].partition} == {world.usage_pb2.LATE}
    for partition in range(PARTITIONS):
        assert world.days(partition)[16574][:2] == (2, 2)


def test_another_takes_over(world):
    """Two workers of a group: one closes. It is killed; the other one closes what is due."""
    session = {**WHOLE, "kafka.properties": "session.timeout.ms=3000;heartbeat.interval.ms=500"}
    workers = [world.aggregator(session), world.aggregator(session)]

    def closers():
        return [worker for worker in workers if worker.metric("daybook_aggregator_closer") == 1]

    first = wait_until(lambda: len(closers()) == 1 and closers()[0], WAIT_S, "one of them closes")
    first.signal(signal.SIGSTOP)
    world.run_import(APACHE_LOGS)
    other = next(worker for worker in workers if worker is not first)
    wait_until(lambda: other.metric("daybook_aggregator_closer") == 1, WAIT_S, "the other one closes")
    world.wait_ledgered(dict.fromkeys(PER_DAY, 1))
    first.signal(signal.SIGCONT)  # it believes for a moment that it is still the one
    wait_until(lambda: len(closers()) == 1, WAIT_S, "one of them closes")
    assert {entry.day: entry.events for entry in world.entries()} == PER_DAY
    world.daybook.recount(world.topic)


def test_two_closers(world, tmp_path):
    """Two groups: both believe that all is theirs, and send the same seals and entries."""
    for group in ("one", "two"):
        world.aggregator({**WHOLE, "kafka.group": f"{world.topic}.{group}"}, wait_s=0)
    world.run_import(APACHE_LOGS)
    world.wait_ledgered(dict.fromkeys(PER_DAY, 1))
    world.run_import(write_log(tmp_path / "late.log", line("c-late", 18)))
    world.wait_ledgered({**dict.fromkeys(PER_DAY, 1), 16573: 2})
    entries = world.entries()
    assert sum(entry.events for entry in entries) == sum(PER_DAY.values()) + PER_DAY[16573] + 1
    for entry in entries:
        world.check_entry(entry)


def lose_sheet(world, aggregator, tmp_path):
    """The sheet of partition 2 goes before the ledger has it. Its key and value."""
    world.import_before(aggregator, write_log(tmp_path / "one.log", line("c-1", 18), line("c-2", 18), line("c-3", 18)))
    aggregator.start(wait_s=0, env={"DAYBOOK_CRASH_AT": "ledger.before"})
    wait_until(lambda: not aggregator.alive(), WAIT_S, "it is killed")
    key = "{p2}:sheet:2015-05-18:1"
    value = world.binary.get(key)
    assert value and world.redis.delete(key) == 1
    return key, value


def test_a_missing_sheet_holds_its_day_open(world, tmp_path):
    aggregator = world.aggregator(start=False)
    key, value = lose_sheet(world, aggregator, tmp_path)
    aggregator.start(wait_s=0)
    wait_until(lambda: "day 2015-05-18: " in aggregator.get("/readyz")[1], WAIT_S, "it says so")
    status, text = aggregator.get("/readyz")
    assert status == 503 and key in text
    world.run_import(write_log(tmp_path / "other.log", line("c-1", 19)))
    world.wait_ledgered({16574: 1})
    wait_until(lambda: aggregator.metric("daybook_aggregator_closings_due") == 1, WAIT_S, "one day is open")
    aggregator.kill()
    world.binary.set(key, value)
    aggregator.start()
    world.wait_ledgered({16573: 1, 16574: 1})
    assert [(entry.day, entry.events) for entry in world.entries()] == [(16574, 1), (16573, 3)]


def test_a_missing_sheet_is_taken_from_the_archive(world, tmp_path):
    aggregator = world.aggregator({"closing.archive": tmp_path / "archive"}, start=False)
    lose_sheet(world, aggregator, tmp_path)
    aggregator.start()
    world.wait_ledgered({16573: 1})
    assert [(entry.day, entry.events) for entry in world.entries()] == [(16573, 3)]


def test_on_a_cluster(usage_pb2, kafka, topic, tmp_path):
    """Every partition's keys lie on a server of their own choice."""
    cluster = Cluster(tmp_path)
    daybook = Daybook(tmp_path, kafka, cluster)
    try:
        world = World(usage_pb2, daybook, cluster, topic)
        world.aggregator(WHOLE)
        world.run_import(APACHE_LOGS)
        world.wait_ledgered(dict.fromkeys(PER_DAY, 1))
        assert int(world.redis.hget("{p0}:meta", "ledger")) == len(PER_DAY)
        assert len({cluster.node_of(f"{{p{partition}}}:meta")[1].port for partition in range(PARTITIONS)}) > 1
    finally:
        daybook.kill()
        cluster.kill()
