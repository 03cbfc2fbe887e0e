"""`daybook backup` and `daybook restore`: what was counted and closed comes back, whatever Redis lost."""

import datetime
import json
import shutil
import signal
import subprocess

import pytest
import redis as redis_library
from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import AdminClient

from closed_days import ClosedDays, day_before
from harness import ROOT, wait_until
from test_cluster import Cluster

APACHE_LOGS = ROOT / "tests/data/apache_logs"
APACHE_DAYS = {"2015-05-17": 1632, "2015-05-18": 2893, "2015-05-19": 2896, "2015-05-20": 2579}
EPOCH = datetime.date(1970, 1, 1)
EARLIER, LATER = day_before(3), day_before(2)
CLIENTS = 12  # so many that each of the four partitions has some


@pytest.fixture
def closed(kafka, redis, topic, daybook, tmp_path):
    return ClosedDays(kafka, redis, topic, daybook, tmp_path)


def raw(redis):
    return redis_library.Redis(port=redis.port, socket_timeout=20)


def post(closed, day, number):
    """So many events of each of the clients, in all partitions; counted when this returns."""
    event = {"method": "GET", "route": "/v1/orders/{id}", "status": 200, "latencyMs": 2, "time": f"{day}T12:00:00Z"}
    body = [{**event, "client": f"c-{client}", "user": f"u-{i % 3}"} for client in range(CLIENTS) for i in range(number)]
    status, answer = closed.collector.post(body)
    assert status == 202 and answer["accepted"] == len(body), (status, answer)
    closed.posted += len(body)
    closed.wait_counted(closed.posted)


def archived(closed):
    """Everything that is in the ledger is in the archive too."""
    meta = closed.redis.client().hgetall("{p0}:meta")
    return "ledger" in meta and meta.get("archived") == meta["ledger"]


def close(closed, *days):
    for day in days:
        closed.close(day)
    wait_until(lambda: archived(closed), 30, "the ledger is archived")


def books(redis):
    """All that is kept of closed days, as bytes: {key: value, or {field: value}}."""
    client = raw(redis)
    found = {key: client.get(key) for key in client.scan_iter("{p*}:sheet:*")}
    for kind in "closed", "ledger", "entries", "days":
        found.update({key: client.hgetall(key) for key in client.scan_iter(f"{{p*}}:{kind}")})
    meta = client.hmget("{p0}:meta", "ledger", "ledger_checksum")
    return {**found, b"meta": meta}


def without_days(found):
    """Days hold how far a partition has come with its own work, too."""
    return {key: value for key, value in found.items() if not key.endswith(b":days")}


def per_day(closed):
    return [(row["day"], row["revision"], row["events"], row["checksum"]) for row in closed.days()["entities"]]


def points(closed):
    """The next offset of every partition."""
    client = closed.redis.client()
    return [int(client.hget(f"{{p{p}}}:commit", "next") or 0) for p in range(4)]


def ends(closed):
    consumer = Consumer({"bootstrap.servers": closed.kafka.brokers, "group.id": "ends"})
    try:
        return [consumer.get_watermark_offsets(TopicPartition(closed.topic, p), timeout=10)[1] for p in range(4)]
    finally:
        consumer.close()


def wait_caught_up(closed):
    wanted = ends(closed)
    wait_until(lambda: all(n >= end for n, end in zip(points(closed), wanted)), 40, f"all is counted up to {wanted}")


def cut_log(closed, offsets):
    admin = AdminClient({"bootstrap.servers": closed.kafka.brokers})
    wanted = [TopicPartition(closed.topic, p, offset) for p, offset in enumerate(offsets)]
    for done in admin.delete_records(wanted).values():
        done.result(30)


def no_delay(redis):
    """Redis waits for further replicas before it begins an RDB."""
    redis.client().config_set("repl-diskless-sync-delay", 0)


def put_back(redis, rdb):
    """As the help of `daybook backup` says."""
    redis.kill()
    shutil.rmtree(redis.directory / "appendonlydir")
    shutil.copy(rdb, redis.directory / "dump.rdb")
    redis.options["appendonly"] = "no"
    redis.start()
    redis.client().config_set("appendonly", "yes")
    redis.options["appendonly"] = "yes"


def restored(said):
    """{what: (restored, were there)} of what `daybook restore` printed."""
    rows = [line.split() for line in said.splitlines() if " restored " in line and line.endswith("were there")]
    return {" ".join(row[:-5]): (int(row[-5]), int(row[-3])) for row in rows}


# ---- backup ----


def test_backup_is_put_back(closed, redis, tmp_path):
    closed.run("import", "--format", "combined", APACHE_LOGS)
    closed.posted += 10000
    close(closed, *list(APACHE_DAYS)[:3])
    post(closed, LATER, 5)
    backup = tmp_path / "backup"
    no_delay(redis)
    said = closed.run("backup", backup)
    manifest = json.loads((backup / "manifest.json").read_text())
    assert manifest["ledger"]["n"] == 3 and manifest["partitionCount"] == 4 and len(manifest["partitions"]) == 4
    assert [row["next"] for row in manifest["partitions"]] == points(closed)
    assert manifest["files"] == 1 + 12 + 3 == len((backup / "SHA256SUMS").read_text().splitlines()) and "16 files" in said
    check = subprocess.run(["sha256sum", "--check", "--quiet", "SHA256SUMS"], cwd=backup, capture_output=True, text=True)
    assert check.returncode == 0, check.stdout + check.stderr
    entry = "ledger/000000000001.record"
    assert (backup / "archive" / entry).stat().st_ino == (closed.archive / entry).stat().st_ino, "a link, not a copy"

    close(closed, list(APACHE_DAYS)[3], LATER)
    post(closed, LATER, 1)
    close(closed, LATER)
    wanted, days, counted = books(redis), per_day(closed), closed.posted
    put_back(redis, next(backup.glob("redis/*.rdb")))
    closed.wait_counted(counted)
    wait_caught_up(closed)
    wait_until(lambda: books(redis) == wanted, 40, "the days are closed again, byte for byte")
    assert per_day(closed) == days and [day[2] for day in days] == [*APACHE_DAYS.values(), 60, 72]
    assert "are right" in closed.run("verify", "--from-kafka")
    assert "no difference" in closed.run("recount", "--wait")


def test_backup_refuses(closed, redis, tmp_path, monkeypatch):
    post(closed, LATER, 1)
    (tmp_path / "full").mkdir()
    (tmp_path / "full/file").touch()
    assert "is not empty (it has file)" in closed.run("backup", tmp_path / "full", code=2)
    assert "one directory" in closed.run("backup", code=2)
    assert "/nonexistent" in closed.run("backup", "--archive", "/nonexistent/archive", tmp_path / "none", code=2)
    monkeypatch.setenv("PATH", "/nonexistent")
    said = closed.run("backup", tmp_path / "tool", code=2)
    assert "redis-cli" in said and "no whole backup" in said
    assert not (tmp_path / "none").exists() and not (tmp_path / "tool/manifest.json").exists()


def test_one_server_of_a_cluster_is_put_back(kafka, topic, daybook, tmp_path):
    """Every server has a backup of its own, and is put back by itself."""
    cluster = Cluster(tmp_path / "cluster")
    try:
        daybook.redis = cluster
        closed = ClosedDays(kafka, cluster, topic, daybook, tmp_path)
        post(closed, EARLIER, 4)
        close(closed, EARLIER)
        backup = tmp_path / "backup"
        for each in cluster.nodes:
            no_delay(each)
        closed.run("backup", backup)
        assert len(list(backup.glob("redis/*.rdb"))) == 3
        post(closed, LATER, 3)
        close(closed, LATER)
        _, node = cluster.node_of("{p1}:commit")
        before = [node.client().hget("{p1}:commit", "next"), per_day(closed)]
        put_back(node, backup / f"redis/127.0.0.1-{node.port}.rdb")
        wait_until(lambda: node.client().cluster("info")["cluster_state"] == "ok", 30, "the node is back in the cluster")
        later = str((LATER - EPOCH).days)
        places = [(f"{{p{p}}}:days", cluster.node_of(f"{{p{p}}}:commit")[1]) for p in range(4)]
        wait_until(
            lambda: all((owner.client().hget(key, later) or "").startswith("1 1 ") for key, owner in places),
            40,
            "the day has all of its sheets again",
        )
        wait_caught_up(closed)
        assert int(node.client().hget("{p1}:commit", "next")) >= int(before[0])
        wait_until(lambda: per_day(closed) == before[1], 40, "the ledger is the same")
        sheets = list(node.client().scan_iter("{p1}:sheet:*"))
        node.client().delete(*sheets)
        assert restored(closed.run("restore"))["sheets"] == (len(sheets), 8 - len(sheets))
        assert "are right" in closed.run("verify", "--from-kafka")
        assert "no difference" in closed.run("recount", "--wait")
    finally:
        daybook.kill()
        for node in cluster.nodes:
            node.kill()


# ---- filling in ----


def test_holes_are_filled(closed, redis):
    post(closed, EARLIER, 4)
    close(closed, EARLIER)
    post(closed, EARLIER, 1)
    close(closed, EARLIER)
    post(closed, LATER, 3)
    close(closed, LATER)
    wanted = books(redis)
    client = redis.client()
    said = closed.run("restore")
    assert restored(said) == {"sheets": (0, 12), "entries of the ledger": (0, 3), "days of partitions": (0, 12)}, said
    for key in client.scan_iter("{p*}:sheet:*"):
        client.delete(key)
    client.delete("{p0}:ledger", "{p0}:entries", "{p1}:closed")
    client.hdel("{p2}:closed", client.hkeys("{p2}:closed")[0])
    said = closed.run("restore")
    assert restored(said) == {"sheets": (12, 0), "entries of the ledger": (3, 0), "days of partitions": (4, 8)}, said
    assert books(redis) == wanted
    closed.aggregator.kill()  # it would write its days again
    client.delete("{p3}:days", "{p3}:closed")
    client.hdel("{p0}:meta", "ledger", "ledger_checksum")
    closed.run("restore")
    assert books(redis) == wanted
    closed.aggregator.start()
    post(closed, LATER, 2)
    close(closed, LATER)
    assert [row[:3] for row in per_day(closed)][-1] == (str(LATER), 2, 60)
    assert "are right" in closed.run("verify", "--from-kafka")
    assert "no difference" in closed.run("recount", "--wait")


def test_nothing_is_written_over(closed, redis):
    post(closed, EARLIER, 4)
    post(closed, LATER, 4)
    close(closed, EARLIER, LATER)
    client = raw(redis)
    keys = sorted(client.scan_iter(f"{{p*}}:sheet:{EARLIER}:1"))
    right, other = client.get(keys[0]), client.get(keys[1])
    client.set(keys[0], other)
    record = client.hget("{p0}:ledger", "1")
    client.hset("{p0}:ledger", "1", client.hget("{p0}:ledger", "2"))
    gone = closed.archive / f"sheets/{LATER.year}/{LATER}.r1.p2.sheet.zst"
    kept = gone.read_bytes()
    gone.unlink()
    client.delete(f"{{p2}}:sheet:{LATER}:1")
    said = closed.run("restore", code=1)
    assert keys[0].decode() in said and "redis-cli UNLINK" in said and "field 1 of {p0}:ledger" in said and str(gone) in said
    assert client.get(keys[0]) == other and client.hget("{p0}:ledger", "1") != record
    client.delete(keys[0])
    client.hdel("{p0}:ledger", "1")
    gone.write_bytes(kept)
    closed.run("restore")
    assert client.get(keys[0]) == right and client.hget("{p0}:ledger", "1") == record
    assert "are right" in closed.run("verify")


def test_archive_is_checked_first(closed, redis):
    post(closed, EARLIER, 1)
    close(closed, EARLIER, LATER)
    assert "/nonexistent" in closed.run("restore", "--archive", "/nonexistent", code=2)
    second = closed.archive / "ledger/000000000002.record"
    first = closed.archive / "ledger/000000000001.record"
    record = first.read_bytes()
    first.unlink()
    assert str(first) in closed.run("restore", code=2)
    first.write_bytes(record[:-1])
    assert f"{first} is damaged" in closed.run("restore", code=2)
    first.write_bytes(second.read_bytes())
    assert f"{first} holds another entry: number 2" in closed.run("restore", code=2)
    first.write_bytes(record)
    closed.run("restore")
    redis.client().hset("{p0}:meta", "ledger_checksum", "00" * 32)
    assert "another ledger" in closed.run("restore", code=2)


def test_killed_restore_is_run_again(closed, redis, monkeypatch):
    post(closed, LATER, 4)
    close(closed, LATER)
    wanted = books(redis)
    client = redis.client()
    client.delete("{p0}:ledger", "{p0}:entries", *client.scan_iter("{p*}:sheet:*"))
    monkeypatch.setenv("DAYBOOK_CRASH_AT", "restore.write:5")
    closed.run("restore", code=-signal.SIGKILL)
    monkeypatch.delenv("DAYBOOK_CRASH_AT")
    assert client.hget("{p1}:commit", "state") == "restoring"
    before = points(closed)
    status, _ = closed.collector.post([{"method": "GET", "route": "/", "status": 200, "client": f"c-{i}"} for i in range(CLIENTS)])
    assert status == 202
    wait_until(lambda: "is being restored" in closed.aggregator.log_text(), 30, "the aggregator waits")
    assert points(closed) == before, "nobody counts meanwhile"
    closed.run("restore")
    closed.wait_counted(closed.posted + CLIENTS)
    assert {key: books(redis)[key] for key in wanted} == wanted
    assert "are right" in closed.run("verify", "--from-kafka")


# ---- a Redis that lost everything ----


def test_whole_log_needs_no_restore(closed, redis):
    post(closed, LATER, 4)
    close(closed, LATER)
    wanted = books(redis)
    closed.aggregator.kill()
    redis.client().flushall()
    assert "--from-log" in closed.run("restore", code=2)
    assert "Nothing was written" in closed.run("restore", "--from-log")
    assert redis.client().dbsize() == 0
    closed.aggregator.start()
    closed.wait_counted(closed.posted)
    wait_until(lambda: books(redis) == wanted, 40, "the days are closed again, byte for byte")
    assert "are right" in closed.run("verify", "--from-kafka")
    assert "left as they are" in closed.run("restore", "--from-log")


def lose_all(closed, redis, lows):
    """The log's beginning, then all of Redis."""
    wait_until(lambda: archived(closed), 30, "the ledger is archived")
    closed.aggregator.kill()
    cut_log(closed, lows)
    redis.client().flushall()


def test_from_log(closed, redis, monkeypatch):
    """The log begins in the middle of a day that is closed: its events are not counted again, what came later is."""
    closed.run("import", "--format", "combined", APACHE_LOGS)
    closed.posted += 10000
    close(closed, *APACHE_DAYS)
    post(closed, EARLIER, 3)
    lows = points(closed)
    post(closed, EARLIER, 2)
    close(closed, EARLIER)
    post(closed, EARLIER, 1)  # late
    post(closed, LATER, 5)
    wanted, days = books(redis), per_day(closed)
    lose_all(closed, redis, lows)
    closed.aggregator.start(wait_s=0)
    wait_until(lambda: "no longer reaches back" in closed.aggregator.log_text(), 30, "the aggregator says what is wrong")
    closed.aggregator.kill()
    monkeypatch.setenv("DAYBOOK_CRASH_AT", "restore.write:9")
    closed.run("restore", "--from-log", code=-signal.SIGKILL)
    monkeypatch.delenv("DAYBOOK_CRASH_AT")
    assert "half restored from the log" in closed.run("restore", code=2)
    said = closed.run("restore", "--from-log")
    assert "4 partitions go on at the first record" in said, said
    closed.aggregator.start()
    closed.wait_counted(closed.posted)
    assert per_day(closed) == days
    assert without_days(books(redis)) == without_days(wanted)
    assert "are right" in closed.run("verify")
    client = redis.client()
    assert all(int(client.hget(f"{{p{p}}}:meta", "quarantined") or 0) == 0 for p in range(4))
    assert all(int(client.hget(f"{{p{p}}}:meta", "gaps") or 0) == 0 for p in range(4))

    waiting = {row["day"]: (row["revision"], row["events"]) for row in closed.days()["notClosed"]}
    assert waiting == {str(EARLIER): (2, 12), str(LATER): (1, 60)}, waiting
    closed.run("import", "--format", "combined", APACHE_LOGS)  # known still: nothing is counted twice
    wait_caught_up(closed)
    closed.wait_counted(closed.posted)
    close(closed, EARLIER, LATER)
    rows = {(row["day"], row["revision"]): row for row in closed.days()["entities"]}
    assert rows[str(EARLIER), 2]["events"] == 72 and rows[str(EARLIER), 2]["late"] == 12
    assert rows[str(LATER), 1]["events"] == 60
    assert "are right" in closed.run("verify")


def test_from_log_behind_the_seals(closed, redis):
    """The log begins after all that is closed; some of an open day is lost with it."""
    post(closed, EARLIER, 3)
    close(closed, EARLIER)
    post(closed, LATER, 2)
    lows = points(closed)
    post(closed, LATER, 3)
    days = per_day(closed)
    lose_all(closed, redis, lows)
    closed.run("restore", "--from-log")
    assert "left as they are" in closed.run("restore", "--from-log")
    closed.aggregator.start()
    closed.wait_counted(closed.posted - 2 * CLIENTS)
    assert per_day(closed) == days
    closed.posted -= 2 * CLIENTS
    post(closed, EARLIER, 1)
    close(closed, EARLIER, LATER)
    rows = {(row["day"], row["revision"]): row for row in closed.days()["entities"]}
    assert rows[str(EARLIER), 2]["events"] == 48 and rows[str(EARLIER), 2]["late"] == 12
    assert rows[str(LATER), 1]["events"] == 36
    assert not rows[str(LATER), 1]["complete"]
    assert "are right" in closed.run("verify")
