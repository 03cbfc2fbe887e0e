"""`daybook days`, `close` and `verify` on days that were really counted and closed; and recount beside them."""

import datetime
import random

import pytest
import redis as redis_library
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient

from closed_days import ClosedDays, day_before
from harness import ROOT, run_program

APACHE_LOGS = ROOT / "tests/data/apache_logs"
APACHE_DAYS = {"2015-05-17": 1632, "2015-05-18": 2893, "2015-05-19": 2896, "2015-05-20": 2579}


@pytest.fixture
def closed(kafka, redis, topic, daybook, tmp_path):
    return ClosedDays(kafka, redis, topic, daybook, tmp_path)


def sheet_key(redis, day, revision):
    """A sheet of that day with rows: the largest."""
    client = redis.client()
    return max(client.scan_iter(f"{{p*}}:sheet:{day}:{revision}"), key=client.strlen)


def flip(data):
    changed = bytearray(data)
    changed[len(changed) // 2] ^= 1
    return bytes(changed)


def raw(redis):
    """A client that gives bytes."""
    return redis_library.Redis(port=redis.port, socket_timeout=20)


def test_imported_days_late_event_and_proof(kafka, redis, topic, daybook, tmp_path):
    closed = ClosedDays(kafka, redis, topic, daybook, tmp_path, collector=False)
    closed.run("import", "--format", "combined", APACHE_LOGS)
    due = closed.days()
    assert due["entities"] == [] and [row["day"] for row in due["notClosed"]][:4] == list(APACHE_DAYS)
    assert due["finalizedThrough"] == "2015-05-16"
    for day in APACHE_DAYS:
        assert day in closed.close(day)
    assert {row["day"]: row["events"] for row in closed.days()["entities"]} == APACHE_DAYS
    first = closed.run("verify", "--from-kafka")
    assert "16 sheets in Redis and 16 in the archive are right" in first and "10000 events" in first
    assert "16 sheets made anew" in first and "4 entries" in first
    late = tmp_path / "late.log"
    late.write_text(APACHE_LOGS.read_text().splitlines()[0].replace("[17/May/2015", "[18/May/2015") + "\n")
    closed.run("import", "--format", "combined", late)
    assert "1 late events" in closed.run("days")
    said = closed.close("2015-05-18")
    assert "2894" in said and "requested" in said
    rows = closed.days("2015-05-18")["entities"]
    assert [(row["revision"], row["events"], row["late"]) for row in rows] == [(1, 2893, 0), (2, 2894, 1)]
    assert {row["day"]: row["events"] for row in closed.days()["entities"] if row["revision"] == 1} == APACHE_DAYS
    assert rows[1]["previousChecksum"] == closed.days()["entities"][-1]["checksum"]
    assert "20 sheets made anew" in closed.run("verify", "--from-kafka")
    assert "no difference" in closed.run("recount")
    assert "is closed already, in revision 2" in closed.close("2015-05-18")


def test_mixed_days_from_the_log(closed, redis):
    """Users, platforms, ids, repeats, organizations, late events in several revisions, two days at once: the same bytes."""
    dice = random.Random(4711)
    days = [day_before(3), day_before(2)]

    def post(day, number):
        client = f"c-{dice.randrange(12)}"
        fields = {"client": client, "organization": dice.choice(["", "acme", "globex"]), "status": dice.choice([200, 404, 503])}
        if dice.random() < 0.5:
            fields["user"] = f"u-{dice.randrange(5)}"
        if dice.random() < 0.3:
            fields["platform"] = dice.choice(["ios", "android"])
        if dice.random() < 0.3:
            fields["id"] = f"id-{dice.randrange(3)}"
        closed.post(day, number, **fields)

    for day in days:
        for _ in range(10):
            post(day, dice.randrange(1, 40))
    closed.close(days[0])
    for _ in range(4):
        post(days[0], dice.randrange(1, 20))
    closed.close(days[1])
    closed.close(days[0])
    post(days[0], 3)
    closed.close(days[0])
    revisions = [(row["day"], row["revision"]) for row in closed.days()["entities"]]
    assert revisions == [(str(days[0]), 1), (str(days[0]), 2), (str(days[0]), 3), (str(days[1]), 1)]
    said = closed.run("verify", "--from-kafka")
    assert "16 sheets made anew" in said and "4 entries" in said, said
    post(days[1], 5)  # late and not closed: Redis has a sheet and buckets for the day
    assert "no difference" in closed.run("recount", "--wait")
    assert f"{days[1]}" in closed.run("days")


def test_more_rows_than_memory(closed):
    """The days that have no room are made anew in further readings of the log."""
    days = [day_before(4), day_before(3), day_before(2)]
    for part in range(2):
        for day in days:
            events = [{"method": "GET", "route": "/v1", "status": 200, "user": f"u-{part}-{i}", "time": f"{day}T08:00:00Z"} for i in range(4500)]
            status, answer = closed.collector.post(events)
            assert status == 202 and answer["accepted"] == len(events)
    closed.wait_counted(27_000)
    for day in days:
        closed.close(day)
    said = closed.run("verify", "--from-kafka", "--memory", "1")
    assert "12 sheets made anew" in said and "in 3 readings of the log" in said, said
    assert "readings" not in closed.run("verify", "--from-kafka")


def test_damage_is_named(closed, redis):
    day = day_before(2)
    closed.post(day, 30, client="c-1")
    closed.close(day)
    key = sheet_key(redis, day, 1)
    value = raw(redis).get(key)
    raw(redis).set(key, flip(value))
    said = closed.run("verify", code=1)
    assert "The first difference" in said and key in said and "SHA-256" in said
    assert "no difference" in closed.run("recount"), "the archive has another copy"
    raw(redis).set(key, value)
    partition = key[2 : key.index("}")]
    path = closed.archive / "sheets" / str(day.year) / f"{day}.r1.p{partition}.sheet.zst"
    path.chmod(0o644)
    path.write_bytes(flip(value))
    assert str(path) in closed.run("verify", code=1)
    path.write_bytes(value)
    record = raw(redis).hget("{p0}:ledger", "1")
    raw(redis).hset("{p0}:ledger", "1", flip(record))
    assert "entry 1" in closed.run("verify", code=1)
    raw(redis).hset("{p0}:ledger", "1", record)
    redis.client().delete(key)
    said = closed.run("verify", code=1)
    assert key in said and "it is not there" in said
    raw(redis).set(key, value)
    assert "are right" in closed.run("verify")


def test_the_log_knows_better(closed, redis):
    """What was changed in Redis before the day was closed is whole and consistent, and not what the log says."""
    day = day_before(2)
    closed.post(day, 1, client="c-1", user="ann")
    key = next(redis.client().scan_iter("{p*}:s:*"))
    shard, lines = next(iter(redis.client().hgetall(key).items()))
    assert " 200 " in lines
    redis.client().hset(key, shard, lines.replace(" 200 ", " 503 ", 1))
    closed.close(day)
    assert "are right" in closed.run("verify")
    said = closed.run("verify", "--from-kafka", code=1)
    for text in "client 'c-1', user 'ann', GET /v1/things/0", "12:00 UTC", "expected  200 1000", "found     503 1000":
        assert text in said, said
    assert "503: log 0, Redis 1" in closed.run("recount", code=1)


def test_without_histograms(kafka, redis, topic, daybook, tmp_path):
    closed = ClosedDays(kafka, redis, topic, daybook, tmp_path, {"counting.histograms": "false"})
    closed.post(day_before(2), 40, client="c-1")
    closed.close(day_before(2))
    assert "but for latency histograms, of which none were kept in 5 rows" in closed.run("verify", "--from-kafka")


def test_log_without_its_beginning(closed, kafka):
    days = [day_before(4), day_before(3), day_before(2)]
    for day in days:
        for client in range(8):
            closed.post(day, 3, client=f"c-{client}")
        closed.close(day)
    admin = AdminClient({"bootstrap.servers": kafka.brokers})
    cut = int(next(closed.redis.client().scan_iter("{p*}:commit"))[2])
    end = int(closed.redis.client().hget(f"{{p{cut}}}:commit", "next"))
    seals = {row["day"]: row for row in closed.days()["entities"]}
    assert len(seals) == 3
    admin.delete_records([TopicPartition(closed.topic, cut, end // 2)])[TopicPartition(closed.topic, cut, end // 2)].result(30)
    said = closed.run("verify", "--from-kafka")
    assert f"{days[0]} in partition {cut}: its log begins only at offset {end // 2}" in said, said
    assert "are the same" in said and f"{days[2]} in partition" not in said


def test_close_refuses_and_waits(closed, kafka, redis, topic):
    tomorrow = day_before(2) + datetime.timedelta(days=3)  # or today, if midnight has come meanwhile
    assert "the last " in closed.run("close", "--day", tomorrow, code=2)
    assert "in the future" in closed.run("close", "--day", "2100-01-01", code=2)
    for wrong in "2026-02-30", "yesterday", "2026-1-1", "1969-12-31", "":
        assert "no day" in closed.run("close", "--day", wrong, code=2)
    assert "which day?" in closed.run("close", code=2)
    day = day_before(2)
    closed.post(day, 5, client="c-1")
    closed.aggregator.kill()
    said = closed.run("close", "--day", day, "--timeout", "1", code=1)
    assert "is not closed after 1 s" in said and "the seal in partitions 0, 1, 2, 3" in said
    closed.aggregator.start()
    closed.close(day)  # the seals of the first try are in the log already
    assert [(row["revision"], row["events"]) for row in closed.days()["entities"]] == [(1, 5)]
    assert "4 sheets made anew" in closed.run("verify", "--from-kafka")


def test_a_day_without_events_can_be_closed(closed):
    day = day_before(2)
    closed.post(day_before(3), 2)
    closed.close(day)
    assert [(row["day"], row["events"]) for row in closed.days()["entities"]] == [(str(day), 0)]
    assert "are right" in closed.run("verify")


def test_ranges_and_wrong_usage(closed, redis, kafka, topic):
    day = day_before(2)
    closed.post(day, 2)
    closed.close(day)
    assert closed.days(f"{day}..{day}")["entities"] and not closed.days(f"..{day_before(3)}")["entities"]
    assert "No day is closed" in closed.run("days", f"..{day_before(3)}")
    assert "0 days" in closed.run("verify", f"..{day_before(3)}")
    for command in "days", "verify":
        assert "no day" in closed.run(command, "2026-13-01", code=2)
        assert "ends before it begins" in closed.run(command, "2026-10-02..2026-10-01", code=2)
        assert "one range" in closed.run(command, "2026-10-01", "2026-10-02", code=2)
    assert "--threads" in closed.run("verify", "--threads", "0", code=2)
    assert "archive" in closed.run("verify", "--archive", "/nonexistent/archive", code=2)
    assert "was counted from topic" in closed.run("verify", "--from-kafka", "--topic", kafka.create_topic(partitions=4), code=2)
    bare = {"PATH": "/usr/bin:/bin"}
    for command, name in ("days", "REDIS_URL"), ("close", "KAFKA_BROKERS"), ("verify", "REDIS_URL"):
        arguments = ["--day", str(day)] if command == "close" else []
        done = run_program("daybook", command, *arguments, env=bare)
        assert done.returncode == 2 and name in done.stderr
    empty = run_program("daybook", "days", "--redis", redis.url + "/1", env=bare)
    assert empty.returncode == 2 and "holds no counts" in empty.stderr
