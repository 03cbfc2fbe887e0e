"""`daybook recount` and `daybook status`: they agree with what is there, and see what is wrong."""

import json
import threading
import time

import pytest

from harness import run_program, wait_until


def post(collector, number, client="c-1", **fields):
    body = [{"client": client, "method": "GET", "route": f"/v1/things/{i % 5}", "status": 200 + i % 3, **fields} for i in range(number)]
    status, answer = collector.post(body)
    assert status == 202 and answer["accepted"] == number, (status, answer)


def recount(kafka, redis, topic, *arguments):
    return run_program(
        "daybook", "recount", "--brokers", kafka.brokers, "--topic", topic, "--redis", redis.url, *arguments, timeout_s=150
    )


def status(kafka, redis, topic):
    done = run_program("daybook", "status", "--brokers", kafka.brokers, "--topic", topic, "--redis", redis.url, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture
def system(daybook, topic):
    """A collector and an aggregator on a topic of their own."""

    class System:
        collector = daybook.collector(topic=topic)
        aggregator = daybook.aggregator(topic=topic)

    return System


def test_agrees(system, kafka, redis, topic):
    for client in range(12):
        post(system.collector, 50, client=f"c-{client}")
    for _ in range(2):
        status_code, answer = system.collector.post([{"method": "PUT", "route": "/once", "status": 200, "id": "same"}])
        assert status_code == 202, answer
    kafka.produce(topic, 1, b"this is no record")
    done = recount(kafka, redis, topic, "--wait", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(done.stdout)
    assert found["equal"] is True
    assert found["sums"]["events"] == {"log": 601, "redis": 601}
    assert found["sums"]["duplicates"] == {"log": 1, "redis": 1}
    assert found["sums"]["quarantined"] == {"log": 1, "redis": 1}
    assert sum(row["log"] for row in found["rows"]) == 601
    assert sum(day["redis"] for day in found["days"]) == 601
    once = [row for row in found["rows"] if row["route"] == "PUT /once"]
    assert len(once) == 1 and once[0]["log"] == 1 and once[0]["client"] == "-"
    text = recount(kafka, redis, topic)
    assert text.returncode == 0 and "no difference" in text.stdout and "601" in text.stdout


def test_sees_every_kind_of_difference(system, kafka, redis, topic):
    post(system.collector, 60)
    assert recount(kafka, redis, topic, "--wait").returncode == 0
    client = redis.client()
    key = next(client.scan_iter("{p*}:s:*"))
    shard, lines = next(iter(client.hgetall(key).items()))
    symbols, statuses, rest = lines.split("\n")[0].split(" ", 2)
    others = "\n".join(lines.split("\n")[1:])

    def differs(*expected):
        done = recount(kafka, redis, topic)
        assert done.returncode == 1, done.stdout + done.stderr
        for text in expected:
            assert text in done.stdout, done.stdout

    pairs = [pair.split(":") for pair in statuses.split(",")]
    more = ",".join(f"{code}:{int(count) + 1}" for code, count in pairs)
    client.hset(key, shard, f"{symbols} {more} {rest}\n{others}")
    differs("<- different", "organization ''  client 'c-1'  GET /v1/things/")
    client.hset(key, shard, others)
    differs("Redis 0")
    client.hset(key, shard, f"99.0.0 {statuses} {rest}\n{others}")
    differs("?99")
    client.hset(key, shard, lines)
    assert recount(kafka, redis, topic).returncode == 0
    # A bucket that nothing points to.
    stray = key.rsplit(":", 1)[0] + ":77"
    client.hset(stray, "0", "1.0.0 599:1 1 0 0 0 0 -\n")
    differs("599: log 0, Redis 1", "client '?77'")
    client.delete(stray)
    meta = key.split(":")[0] + ":meta"
    client.hincrby(meta, "duplicates", 1)
    differs("events dropped by their id")
    client.hincrby(meta, "duplicates", -1)
    minutes = next(client.scan_iter("{p*}:zm:*"))
    member = client.zrange(minutes, 0, 0)[0]
    client.zincrby(minutes, 1, member)
    differs("clients of the minute: log")
    client.zincrby(minutes, -1, member)
    routes = next(client.scan_iter("{p*}:zr:*"))
    saved = client.zrange(routes, 0, -1, withscores=True)
    client.delete(routes)
    differs("routes of the slot: log 60, Redis 0")
    client.zadd(routes, dict(saved))
    sums = next(client.scan_iter("{p*}:ss:*"))
    saved = client.hgetall(sums)
    for kind, letter in ("client", "c"), ("route", "r"), ("minute", "m"):
        field = next(field for field in saved if field[0] == letter)
        client.hdel(sums, field)
        differs(f"sums of the slot by {kind}: log 60, Redis ")
        client.hset(sums, field, saved[field])
    client.hset(sums, "m", saved["m"] + "1")
    differs("sums of the slot by minute: log 60, Redis ")
    # A slot that was begun by a version that had no sums has none.
    client.delete(sums)
    assert recount(kafka, redis, topic).returncode == 0
    client.hset(sums, mapping=saved)
    minute = next(client.scan_iter("{p*}:m:*"))
    saved = client.hgetall(minute)
    client.hset(minute, "4711", next(iter(saved.values())))
    differs("minute buckets: log")
    client.hdel(minute, "4711")
    assert recount(kafka, redis, topic).returncode == 0
    client.hset(key, shard, "not a measure")
    done = recount(kafka, redis, topic)
    assert done.returncode == 2 and key in done.stderr


def test_what_is_not_counted_yet(system, kafka, redis, topic):
    post(system.collector, 20)
    assert recount(kafka, redis, topic, "--wait").returncode == 0
    system.aggregator.kill()
    post(system.collector, 30)
    wait_until(lambda: sum(p["lag"] for p in status(kafka, redis, topic)["partitions"]) > 0, 30, "the events are in the log")
    done = recount(kafka, redis, topic)
    assert done.returncode == 0 and "not counted yet" in done.stdout, done.stdout + done.stderr
    done = recount(kafka, redis, topic, "--wait", "--timeout", "1")
    assert done.returncode == 2 and "does the aggregator run?" in done.stderr
    system.aggregator.start()
    done = recount(kafka, redis, topic, "--wait", "--json")
    assert done.returncode == 0 and json.loads(done.stdout)["sums"]["events"]["log"] == 50


def test_while_events_flow(system, kafka, redis, topic):
    stop = threading.Event()
    sent = []

    def send():
        while not stop.is_set():
            post(system.collector, 20, client=f"c-{len(sent) % 9}")
            sent.append(20)
            time.sleep(0.02)

    thread = threading.Thread(target=send)
    thread.start()
    try:
        wait_until(lambda: len(sent) > 20, 30, "events flow")
        results = [recount(kafka, redis, topic, "--timeout", "5") for _ in range(3)]
    finally:
        stop.set()
        thread.join()
    # Between two flushes there may be no time to read Redis; but a false difference must never be reported.
    assert all(done.returncode in (0, 2) for done in results), [done.stdout + done.stderr for done in results]
    done = recount(kafka, redis, topic, "--wait", "--json")
    assert done.returncode == 0 and json.loads(done.stdout)["sums"]["events"]["redis"] == sum(sent)


def test_status(system, kafka, redis, topic):
    for client in range(8):
        post(system.collector, 10, client=f"c-{client}")
    kafka.produce(topic, 2, b"garbage")
    assert recount(kafka, redis, topic, "--wait").returncode == 0

    def heard():
        found = status(kafka, redis, topic)
        return found if [stream["accepted"] for stream in found["streams"]] == [80] else None

    found = wait_until(heard, 30, "a heartbeat tells of all 80 events", step_s=0.5)
    assert sum(partition["events"] for partition in found["partitions"]) == 80
    assert [entry["partition"] for entry in found["quarantine"]] == [2]
    (stream,) = found["streams"]
    assert stream["received"] == 80
    assert stream["journalBytes"] == 0
    wait_until(
        lambda: all(p["waiting"] == 0 for s in status(kafka, redis, topic)["streams"] for p in s["partitions"]), 30, "all is counted"
    )
    text = run_program("daybook", "status", "--brokers", kafka.brokers, "--topic", topic, "--redis", redis.url)
    assert text.returncode == 0
    for word in "end of log", "quarantined", "spool", stream["collector"][:16], stream["stream"][:8]:
        assert word in text.stdout, text.stdout


@pytest.mark.parametrize("command", ["recount", "status"])
def test_wrong_environment(kafka, redis, topic, tmp_path, command):
    def fails(*arguments):
        done = run_program("daybook", command, *arguments, cwd=tmp_path, env={"PATH": "/usr/bin:/bin"})
        assert done.returncode == 2, done.stdout + done.stderr
        assert done.stderr.startswith(f"daybook {command}: "), done.stderr
        return done.stderr

    assert "KAFKA_BROKERS" in fails()
    assert "REDIS_URL" in fails("--brokers", kafka.brokers, "--topic", topic)
    assert "daybook dev" in fails("--dir", tmp_path)
    assert "no-such-topic" in fails("--brokers", kafka.brokers, "--topic", "no-such-topic", "--redis", redis.url)
    fails("--brokers", kafka.brokers, "--topic", topic, "--redis", "redis://127.0.0.1:1")
    fails("--brokers", "127.0.0.1:1", "--topic", topic, "--redis", redis.url)
    fails("--no-such-option")


def test_names_from_the_environment(system, kafka, redis, topic):
    post(system.collector, 3)
    env = {"PATH": "/usr/bin:/bin", "KAFKA_BROKERS": kafka.brokers, "TOPIC": topic, "REDIS_URL": redis.url}
    done = run_program("daybook", "recount", "--wait", env=env)
    assert done.returncode == 0, done.stdout + done.stderr


def test_help_and_version():
    listing = run_program("daybook", "--help")
    assert listing.returncode == 0
    for command in "dev", "import", "status", "recount", "days", "close", "verify", "reconcile", "erase":
        assert command in listing.stdout
        assert run_program("daybook", command, "--help").returncode == 0
        version = run_program("daybook", command, "--version")
        assert version.returncode == 0 and version.stdout.startswith(f"daybook {command} ")
    assert "embedded-broker" not in listing.stdout
    assert run_program("daybook").returncode == 2
    unknown = run_program("daybook", "frobnicate")
    assert unknown.returncode == 2 and "frobnicate" in unknown.stderr
