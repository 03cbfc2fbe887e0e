"""What is wrong around the daemons: foreign records, Kafka or Redis that are wrong or away, a topic that is not the one before."""

import importlib
import json
import os
import subprocess
import sys
import time

import pytest
from chaos import counts
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient
from harness import BIN, ROOT, free_port, run_program, wait_until

PARTITIONS = 4


@pytest.fixture(scope="module")
def usage_pb2():
    directory = ROOT / "build/gen/python"
    directory.mkdir(parents=True, exist_ok=True)
    subprocess.run(["protoc", f"-I{ROOT}/proto", f"--python_out={directory}", "usage.proto"], check=True)
    sys.path.insert(0, str(directory))
    yield importlib.import_module("usage_pb2")
    sys.path.remove(str(directory))


def fnv_partition(organization, client, count):
    value = 0xCBF29CE484222325
    for byte in organization.encode() + b"\0" + client.encode():
        value = (value ^ byte) * 0x100000001B3 % 2**64
    return ((value >> 32) ^ (value & 0xFFFFFFFF)) % count


def client_of(partition):
    """A client of organization acme that belongs to this partition."""
    return next(f"c{n}" for n in range(1000) if fnv_partition("acme", f"c{n}", PARTITIONS) == partition)


class Stream:
    """Batches of one stream for one partition, as a collector would cut them."""

    def __init__(self, usage_pb2, partition, identity):
        self.pb = usage_pb2
        self.partition = partition
        self.identity = identity
        self.sequence = 0

    def batch(self, events=3, sequence=None, created_ms=None, **changes):
        """Bytes of a Record with so many events of one client, `changes` made to its UsageBatch."""
        self.sequence = sequence or self.sequence + 1
        now = int(time.time() * 1000)
        record = self.pb.Record()
        batch = record.batch
        batch.stream_id = self.identity.ljust(16, b".")
        batch.partition = self.partition
        batch.partition_count = PARTITIONS
        batch.sequence = self.sequence
        batch.created_ms = created_ms or now
        batch.symbols.extend(["", "acme", client_of(self.partition), "GET", "/v1/x"])
        batch.base_time_ms = now
        for name, value in (("organization", 1), ("client", 2), ("method", 3), ("route", 4), ("status", 200)):
            getattr(batch, name).extend([value] * events)
        for name, value in changes.items():
            if isinstance(value, list):
                del getattr(batch, name)[:]
                getattr(batch, name).extend(value)
            else:
                setattr(batch, name, value)
        return record.SerializeToString()


def counted(redis):
    return counts.meta(redis.client(), PARTITIONS)["events"]


def wait_counted(redis, events, timeout_s=60):
    wait_until(lambda: counted(redis) >= events, timeout_s, f"{events} events are counted", 0.05)
    assert counted(redis) == events


def status_of(kafka, redis, topic, *options):
    place = {"KAFKA_BROKERS": kafka.brokers, "TOPIC": topic, "REDIS_URL": redis.url}
    done = run_program("daybook", "status", *options, env={**os.environ, **place})
    assert done.returncode in (0, 1), done.stderr
    return done.stdout


# ---- what is on the topic ----


def foreign_records(usage_pb2, stream):
    """(name, bytes) of messages that cannot be counted, each wrong in one way."""
    good = stream.batch
    unknown_kind = usage_pb2.Record().SerializeToString() + b"\x3a\x02hi"
    return [
        ("empty", b""),
        ("text", b"this is not protobuf at all"),
        ("a kind of the future", unknown_kind),
        ("a batch cut off", good(sequence=1)[:-3]),
        ("columns of different length", good(sequence=1, client=[2, 2])),
        ("a symbol that is not there", good(sequence=1, route=[99, 4, 4])),
        ("a status out of range", good(sequence=1, status=[200, 200, 99])),
        ("a short stream id", good(sequence=1, stream_id=b"short")),
        ("sequence 0", _with_sequence(usage_pb2, good(sequence=1), 0)),
        ("another partition's", good(sequence=1, partition=(stream.partition + 1) % PARTITIONS)),
        ("an unknown stream in the middle", good(sequence=7)),
        ("an unknown stream of long ago", good(sequence=1, created_ms=int(time.time() * 1000) - 31 * 86_400_000)),
    ]


def _with_sequence(usage_pb2, data, sequence):
    record = usage_pb2.Record.FromString(data)
    record.batch.sequence = sequence
    return record.SerializeToString()


def test_what_is_not_a_record_is_quarantined_and_the_partition_goes_on(kafka, redis, daybook, usage_pb2):
    topic = kafka.create_topic(partitions=PARTITIONS)
    aggregator = daybook.aggregator(topic)
    partition = 2
    honest = Stream(usage_pb2, partition, b"honest")
    kafka.produce(topic, partition, honest.batch(events=5))
    wait_counted(redis, 5)
    wrong = foreign_records(usage_pb2, Stream(usage_pb2, partition, b"foreign"))
    for _name, data in wrong:
        kafka.produce(topic, partition, data)
    kafka.produce(topic, partition, honest.batch(events=7))
    wait_counted(redis, 12)

    wait_until(
        lambda: aggregator.metric("daybook_aggregator_quarantined_records_total") == len(wrong), 30, "the metric shows them"
    )
    ring = redis.client().hgetall(f"{{p{partition}}}:quar")
    offsets = sorted(int(entry.split(" ")[1]) for entry in ring.values())
    assert offsets == list(range(1, 1 + len(wrong))), ring
    shown = json.loads(status_of(kafka, redis, topic, "--json"))
    newest = sorted(int(entry["offset"]) for entry in shown["quarantine"])
    assert newest and newest == offsets[-len(newest) :]
    assert sum(entry["quarantined"] for entry in shown["partitions"]) == len(wrong)
    assert "quarantined" in status_of(kafka, redis, topic)
    daybook.recount(topic)


def test_gaps_repeats_and_reused_sequences_are_told_apart(kafka, redis, daybook, usage_pb2):
    topic = kafka.create_topic(partitions=PARTITIONS)
    aggregator = daybook.aggregator(topic)
    stream = Stream(usage_pb2, 1, b"gappy")
    first = stream.batch(events=2)
    for data in (first, stream.batch(events=3), first, stream.batch(events=4, sequence=6), stream.batch(events=9, sequence=6)):
        kafka.produce(topic, 1, data)
    wait_counted(redis, 2 + 3 + 4)
    wait_until(lambda: aggregator.metric("daybook_aggregator_duplicate_batches_total") == 2, 30, "both repeats are counted")
    meta = counts.meta(redis.client(), PARTITIONS)
    assert (meta["gaps"], meta["gap_batches"], meta["other_crc"]) == (1, 3, 1)
    assert "sequence_gap" in aggregator.log_text() and "sequence_reused" in aggregator.log_text()
    [gap] = json.loads(status_of(kafka, redis, topic, "--json"))["gaps"]
    assert (int(gap["expected"]), int(gap["got"])) == (3, 6)


# ---- Kafka or Redis that are wrong, or away ----


def one_line(done):
    """The program ended with 2 and said why in one line."""
    assert done.returncode == 2, (done.returncode, done.stderr)
    lines = [line for line in done.stderr.splitlines() if " info " not in line and " warn " not in line]
    assert len(lines) == 1, done.stderr
    return lines[0]


@pytest.mark.parametrize(
    ("settings", "word"),
    [
        (["--set", "redis.url=http://127.0.0.1"], "redis.url"),
        (["--set", "redis.url=rediss://127.0.0.1:1"], "TLS"),
        (["--set", "kafka.properties=no.such.property=1"], "no.such.property"),
        (["--set", "flush.interval_ms=never"], "flush.interval_ms"),
        (["--set", "no.such=1"], "no.such"),
    ],
)
def test_wrong_settings_end_the_aggregator_with_one_line(settings, word, tmp_path):
    done = run_program("daybook-aggregator", "--set", f"listen.port={free_port()}", *settings, timeout_s=20, cwd=tmp_path)
    assert word in one_line(done)


def test_a_topic_with_create_time_is_refused(kafka, redis, tmp_path):
    topic = kafka.create_topic(partitions=2, **{"message.timestamp.type": "CreateTime"})
    settings = {"kafka.brokers": kafka.brokers, "kafka.topic": topic, "redis.url": redis.url, "listen.port": free_port()}
    done = run_program("daybook-aggregator", *_sets(settings), timeout_s=30, cwd=tmp_path)
    assert "LogAppendTime" in one_line(done)


def test_a_redis_that_evicts_is_refused(kafka, redis, tmp_path):
    topic = kafka.create_topic(partitions=2)
    redis.client().config_set("maxmemory-policy", "allkeys-lru")
    settings = {"kafka.brokers": kafka.brokers, "kafka.topic": topic, "redis.url": redis.url, "listen.port": free_port()}
    done = run_program("daybook-aggregator", *_sets(settings), timeout_s=30, cwd=tmp_path)
    assert "noeviction" in one_line(done)


def _sets(settings):
    return [word for key, value in settings.items() for word in ("--set", f"{key}={value}")]


def test_daemons_wait_for_a_kafka_and_a_redis_that_come_later(kafka, redis, daybook):
    """Nobody is there at the start; the collector takes events all the same, and all is counted when they come."""
    topic = kafka.create_topic(partitions=PARTITIONS)
    redis.kill()
    dead = f"127.0.0.1:{free_port()}"
    event = {"method": "GET", "route": "/v1/x", "status": 200, "client": "c", "organization": "acme"}
    collector = daybook.collector(topic, {"kafka.brokers": kafka.brokers})
    assert collector.post([event] * 2)[0] == 202  # it has seen the topic once: before that it cannot know the partitions
    wait_until(lambda: collector.metric("daybook_collector_journal_unacknowledged_batches") == 0, 30, "that is in Kafka")
    assert collector.stop() == 0
    collector.settings["kafka.brokers"] = dead
    collector.start(wait_s=0)
    wait_until(lambda: collector.get("/healthz")[0] == 200, 30, "the collector lives without Kafka")
    assert wait_until(lambda: collector.post([event] * 10)[0] == 202, 30, "events are taken without Kafka")
    aggregator = daybook.aggregator(topic, start=False)
    aggregator.start(wait_s=0)
    wait_until(lambda: "waiting" in aggregator.log_text(), 30, "the aggregator says that it waits")
    assert aggregator.get("/healthz")[0] == 200 and aggregator.get("/readyz")[0] == 503
    api = daybook.api(start=False)
    api.start(wait_s=0)
    wait_until(lambda: api.get("/healthz")[0] == 200, 30, "the API lives without Redis")
    status, text = api.get("/readyz")
    assert status == 503 and "redis" in text.lower()

    redis.start()
    collector.kill()
    collector.settings["kafka.brokers"] = kafka.brokers
    collector.start()
    aggregator.wait_ready(30)
    api.wait_ready(30)
    wait_counted(redis, 12)
    daybook.recount(topic)
    assert (collector.stop(), aggregator.stop(), api.stop()) == (0, 0, 0)


def test_a_dead_redis_is_named_and_comes_back(kafka, redis, daybook, usage_pb2):
    topic = kafka.create_topic(partitions=PARTITIONS)
    aggregator, api = daybook.aggregator(topic), daybook.api()
    stream = Stream(usage_pb2, 0, b"steady")
    kafka.produce(topic, 0, stream.batch(events=4))
    wait_counted(redis, 4)
    redis.kill()
    kafka.produce(topic, 0, stream.batch(events=5))
    wait_until(lambda: aggregator.get("/readyz")[0] == 503, 30, "the aggregator is not ready")
    wait_until(lambda: api.get("/readyz")[0] == 503, 30, "the API is not ready")
    assert str(redis.port) in aggregator.get("/readyz")[1]
    redis.start()
    wait_counted(redis, 9)
    aggregator.wait_ready(60)
    api.wait_ready(60)


# ---- the topic is another one ----


def test_fewer_partitions_than_before_are_refused(kafka, redis, daybook, usage_pb2, tmp_path):
    topic = kafka.create_topic(partitions=PARTITIONS)
    aggregator = daybook.aggregator(topic)
    kafka.produce(topic, 3, Stream(usage_pb2, 3, b"one").batch())
    wait_counted(redis, 3)
    aggregator.stop()
    smaller = kafka.create_topic(partitions=2)
    settings = {"kafka.brokers": kafka.brokers, "kafka.topic": smaller, "redis.url": redis.url, "kafka.new_log": "accept"}
    done = run_program("daybook-aggregator", *_sets({**settings, "listen.port": free_port()}), timeout_s=30, cwd=tmp_path)
    message = one_line(done)
    assert "2 partitions" in message and str(PARTITIONS) in message


def test_another_topic_is_refused_until_it_is_accepted(kafka, redis, daybook, usage_pb2):
    old, new = kafka.create_topic(partitions=PARTITIONS), kafka.create_topic(partitions=PARTITIONS)
    aggregator = daybook.aggregator(old)
    kafka.produce(old, 0, Stream(usage_pb2, 0, b"before").batch(events=3))
    wait_counted(redis, 3)
    aggregator.stop()
    kafka.produce(new, 0, Stream(usage_pb2, 0, b"after").batch(events=4))
    aggregator.settings["kafka.topic"] = new
    aggregator.start(wait_s=0)
    text = wait_until(
        lambda: "kafka.new_log" in aggregator.get("/readyz")[1] and aggregator.get("/readyz")[1], 30, "it says what to do"
    )
    assert old in text and new in text
    assert counted(redis) == 3
    aggregator.stop()
    aggregator.settings["kafka.new_log"] = "accept"
    aggregator.start()
    wait_counted(redis, 7)
    assert any(old in value for value in redis.client().hgetall("{p0}:meta").values()), "the change is recorded"


def stopped_with(aggregator, word):
    return wait_until(
        lambda: word in aggregator.get("/readyz")[1], 30, f"/readyz says {word!r}: {aggregator.get('/readyz')}", 0.1
    )


def test_a_log_that_lost_its_beginning_stops_the_partition(kafka, redis, daybook, usage_pb2):
    topic = kafka.create_topic(partitions=PARTITIONS)
    aggregator = daybook.aggregator(topic)
    stream = Stream(usage_pb2, 0, b"kept")
    kafka.produce(topic, 0, stream.batch())
    wait_counted(redis, 3)
    aggregator.stop()
    for _ in range(5):
        kafka.produce(topic, 0, stream.batch())
    admin = AdminClient({"bootstrap.servers": kafka.brokers})
    for future in admin.delete_records([TopicPartition(topic, 0, 4)]).values():
        future.result(20)
    aggregator.start(wait_s=0)
    stopped_with(aggregator, "retention")
    time.sleep(1)
    assert counted(redis) == 3, "nothing is skipped silently"


def test_another_log_under_the_same_name_stops_the_partition(kafka, redis, daybook, usage_pb2):
    topic = kafka.create_topic(partitions=PARTITIONS)
    aggregator = daybook.aggregator(topic)
    stream = Stream(usage_pb2, 0, b"first")
    for _ in range(3):
        kafka.produce(topic, 0, stream.batch())
    wait_counted(redis, 9)
    aggregator.stop()
    admin = AdminClient({"bootstrap.servers": kafka.brokers})
    admin.delete_topics([topic])[topic].result(20)
    wait_until(lambda: topic not in admin.list_topics(timeout=5).topics, 30, "the topic is gone", 0.2)
    time.sleep(1)
    kafka.create_topic(topic, partitions=PARTITIONS)
    aggregator.start(wait_s=0)
    stopped_with(aggregator, "partition 0")
    other = Stream(usage_pb2, 0, b"second")
    for _ in range(5):
        kafka.produce(topic, 0, other.batch())
    aggregator.kill()
    aggregator.start(wait_s=0)
    stopped_with(aggregator, "partition 0")
    assert counted(redis) == 9


def test_a_partition_added_later_is_counted(kafka, redis, daybook, usage_pb2):
    from confluent_kafka.admin import NewPartitions

    topic = kafka.create_topic(partitions=2)
    aggregator = daybook.aggregator(topic, {"kafka.properties": "topic.metadata.refresh.interval.ms=1000"})
    kafka.produce(topic, 1, Stream(usage_pb2, 1, b"old").batch())
    wait_counted(redis, 3)
    admin = AdminClient({"bootstrap.servers": kafka.brokers})
    admin.create_partitions([NewPartitions(topic, PARTITIONS)])[topic].result(20)
    kafka.produce(topic, 3, Stream(usage_pb2, 3, b"new").batch(events=6))
    wait_counted(redis, 9, timeout_s=60)
    assert aggregator.alive()


def test_programs_that_need_kafka_say_so(tmp_path):
    """A dead broker: recount cannot compare; it says so and ends with 2."""
    env = {
        **os.environ,
        "KAFKA_BROKERS": f"127.0.0.1:{free_port()}",
        "TOPIC": "usage.events",
        "REDIS_URL": f"redis://127.0.0.1:{free_port()}",
    }
    done = subprocess.run([str(BIN / "daybook"), "recount"], capture_output=True, text=True, timeout=60, env=env, cwd=tmp_path)
    assert done.returncode == 2 and len(done.stderr.strip().splitlines()) == 1, done.stderr
