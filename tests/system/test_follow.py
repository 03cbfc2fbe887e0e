"""Followed files on real parts: rotation of every kind and kill -9, and every line is on the topic exactly once."""

import collections
import json
import os
import random
import re
import shutil
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request

import pytest
from confluent_kafka import Consumer, TopicPartition
from harness import ROOT, free_port, wait_until
from test_wire import events_of, usage_pb2  # noqa: F401 (a fixture)


class Log:
    """A log file whose writer numbers its lines (as users u0, u1, …) and rotates as logrotate does."""

    def __init__(self, path):
        self.path = path
        self.next = 0

    def line(self):
        number, self.next = self.next, self.next + 1
        return json.dumps({"client": f"c{number % 13}", "user": f"u{number}", "method": "GET", "path": "/v1/a", "status": 200}) + "\n"

    def write(self, n, path=None):
        with open(path or self.path, "a", encoding="ascii") as file:
            for _ in range(n):
                file.write(self.line())

    def shift(self):
        numbers = sorted((int(p.name.rsplit(".", 1)[1]) for p in self.path.parent.glob(self.path.name + ".*")), reverse=True)
        for number in numbers:
            os.rename(f"{self.path}.{number}", f"{self.path}.{number + 1}")

    def rename(self):
        self.shift()
        os.rename(self.path, f"{self.path}.1")
        self.path.touch()

    def copy_truncate(self):
        self.shift()
        shutil.copyfile(self.path, f"{self.path}.1")
        os.truncate(self.path, 0)


class Topic:
    """What is on the topic, each batch once: the aggregator drops what has the same stream, partition and sequence."""

    def __init__(self, kafka, name, pb):
        self.pb = pb
        self.found = {}
        self.consumer = Consumer({"bootstrap.servers": kafka.brokers, "group.id": "follow", "enable.auto.commit": False})
        partitions = self.consumer.list_topics(name, timeout=10).topics[name].partitions
        self.consumer.assign([TopicPartition(name, partition, 0) for partition in partitions])

    def batches(self):
        """All so far: reads what has come, until for a moment nothing comes."""
        while messages := self.consumer.consume(1000, timeout=0.3):
            for message in messages:
                assert not message.error(), message.error()
                self._add(message.value())
        last = collections.Counter((stream, partition) for stream, partition, _ in self.found)
        for stream, partition, sequence in self.found:
            assert 1 <= sequence <= last[stream, partition], "a sequence is missing"
        return [batch for batch, _ in self.found.values()]

    def _add(self, value):
        record = self.pb.Record.FromString(value)
        if record.WhichOneof("kind") == "batch":
            batch = record.batch
            key = (batch.stream_id, batch.partition, batch.sequence)
            assert self.found.setdefault(key, (batch, value))[1] == value, f"two batches under one number: {key}"

    def events(self):
        return [event for batch in self.batches() for event in events_of(batch)]

    def users(self):
        return collections.Counter(event["user"] for event in self.events())


@pytest.fixture
def wire(kafka, topic, usage_pb2):  # noqa: F811
    topic = Topic(kafka, topic, usage_pb2)
    yield topic
    topic.consumer.close()


def check_once(wire, log, wait_s=60):
    wanted = {f"u{number}" for number in range(log.next)}
    wait_until(
        lambda: len(wire.users()) >= len(wanted),
        wait_s,
        lambda: f"{len(wanted)} lines are on the topic, missing are {sorted(wanted - wire.users().keys(), key=len)[:20]}",
    )
    users = wire.users()
    doubled = {user: times for user, times in users.items() if times != 1}
    assert not doubled
    assert users.keys() == wanted


def follow_settings(path, **settings):
    return {"follow.test.path": path, "follow.test.format": "ndjson", **{f"follow.test.{k}": v for k, v in settings.items()}}


def test_lines_rotations_and_a_stop(daybook, topic, wire, tmp_path):
    log = Log(tmp_path / "access.log")
    log.write(100)
    collector = daybook.collector(topic=topic, settings=follow_settings(log.path))
    check_once(wire, log)
    log.rename()
    log.write(50, f"{log.path}.1")  # the server writes on to the old file
    log.write(50)
    check_once(wire, log)
    log.copy_truncate()
    log.write(30)
    check_once(wire, log)
    collector.stop()
    for _ in range(3):
        log.write(20)
        log.rename()
        time.sleep(0.02)  # files are told apart by when they were born
    log.write(20)
    collector.start()
    check_once(wire, log)
    assert collector.metrics()['daybook_collector_follow_lines_total{follow="test"}'] == 80
    wait_until(lambda: collector.metric("daybook_collector_follow_behind_bytes") == 0, 30, "nothing is behind")


class Writer(threading.Thread):
    """Writes without pause, in pieces that end within lines, and rotates at random."""

    def __init__(self, log, dice, seconds):
        super().__init__()
        self.log, self.dice, self.until = log, dice, time.monotonic() + seconds

    def run(self):
        while time.monotonic() < self.until:
            for _ in range(self.dice.randrange(1, 12)):
                self._burst()
            self.dice.choice([self.log.rename, self.log.rename, self._late_rename, self.log.copy_truncate])()

    def _burst(self):
        text = "".join(self.log.line() for _ in range(self.dice.randrange(1, 60)))
        cut = self.dice.randrange(len(text))
        with open(self.log.path, "a", encoding="ascii") as file:
            for piece in (text[:cut], text[cut:]):
                file.write(piece)
                file.flush()
                time.sleep(self.dice.uniform(0, 0.02))

    def _late_rename(self):
        self.log.rename()
        time.sleep(self.dice.uniform(0, 0.05))
        self.log.write(5, f"{self.log.path}.1")


@pytest.mark.parametrize("round_number", [1, 2])
def test_killed_while_a_writer_writes_and_rotates(daybook, topic, wire, tmp_path, round_number):
    seed = int(os.environ.get("DAYBOOK_SEED", random.randrange(2**32)))
    print("seed", seed)
    dice = random.Random(seed)
    log = Log(tmp_path / "access.log")
    collector = daybook.collector(topic=topic, settings=follow_settings(log.path))
    log.write(5)
    # What is rotated away before a collector's very first look is not its own.
    wait_until(lambda: len(wire.users()) == 5, 30, "the first lines are on the topic")
    writer = Writer(log, random.Random(seed + 1), seconds=12)
    writer.start()
    kills = 0
    while writer.is_alive():
        time.sleep(dice.uniform(0.05, 0.7))
        collector.kill()
        kills += 1
        time.sleep(dice.choice([0, 0, 0.3]))
        collector.start(wait_s=0)
    writer.join()
    assert kills > 8
    check_once(wire, log)
    print(f"{log.next} lines, {kills} kills, {len(wire.batches())} batches")


POINTS = ["journal.before_write", "journal.half_write", "journal.before_sync", "journal.synced", "batcher.answered", "shipper.sent"]


@pytest.mark.parametrize("point", POINTS)
def test_killed_at_a_named_point(daybook, topic, wire, tmp_path, point):
    log = Log(tmp_path / "access.log")
    log.write(10)
    collector = daybook.collector(topic=topic, settings=follow_settings(log.path))
    check_once(wire, log)  # from now on the log is known
    collector.kill()
    log.write(5000)
    for nth in (1, 2, 3):
        collector.start(wait_s=0, env={**os.environ, "DAYBOOK_CRASH_AT": f"{point}:{nth}"})
        while collector.alive():  # one group after the other
            log.write(3)
            time.sleep(0.03)
            assert log.next < 20_000, f"not killed at {point}:{nth}"
        log.write(500)
        log.rename()
        log.write(500)
    collector.start()
    check_once(wire, log)


def test_books(daybook, topic, wire, tmp_path):
    path = tmp_path / "access.log"
    collector = daybook.collector(topic=topic, settings={**follow_settings(path, max_line_bytes=2048), "exclude.routes": "/health"})
    good = {"client": "c1", "user": "u0", "method": "GET", "path": "/v1/a", "status": 200}
    with open(path, "wb") as file:
        for event in (good, {**good, "path": "/health"}, {**good, "status": 99}, {**good, "time": 1}, {**good, "user": "x" * 3000}):
            file.write(json.dumps(event).encode() + b"\n")
        file.write(b'{"method":\n\xff\xfe\x00\n\n  \n' + b"y" * 100_000 + b"\n" + json.dumps({**good, "user": "u1"}).encode())
    wait_until(lambda: collector.metric("daybook_collector_events_received_total") == 8, 30, "everything but the last is counted")
    with open(path, "ab") as file:
        file.write(b"\n")
    wait_until(lambda: len(wire.users()) == 2, 30, "the two good ones are on the topic")
    metrics = collector.metrics()
    rejected = {k: v for k, v in metrics.items() if k.startswith("daybook_collector_events_rejected_total") and v}
    assert rejected == {
        f'daybook_collector_events_rejected_total{{reason="{reason}"}}': times
        for reason, times in {"malformed": 2, "out_of_range": 1, "too_old": 1, "too_long": 2}.items()
    }
    assert metrics["daybook_collector_events_received_total"] == 9
    assert metrics["daybook_collector_events_accepted_total"] == 2
    assert metrics["daybook_collector_events_excluded_total"] == 1


def test_wrong_settings_are_said_at_once(daybook, topic, tmp_path):
    for settings, word in (
        ({"follow.a.path": "access.log"}, "follow.a.path"),
        ({"follow.a.path": tmp_path / "a", "follow.a.fields": "speed=x"}, "speed=x"),
        ({"follow.a.path": tmp_path / "a", "follow.b.path": tmp_path / "a"}, "another section"),
        ({"follow.a.path": tmp_path / "a", "follow.a.format": "iis"}, "combined|nginx-json|ndjson"),
    ):
        collector = daybook.collector(topic=topic, settings=settings, start=False)
        collector.start(wait_s=0)
        wait_until(lambda: not collector.alive(), 30, "it ends")
        assert collector.process.returncode == 2
        assert word.replace("|", "") in collector.log_tail(5).replace("|", "").replace(", ", "")


def high_water_kib(process_id):
    with open(f"/proc/{process_id}/status", encoding="ascii") as file:
        return int(re.search(r"VmHWM:\s+(\d+)", file.read()).group(1))


def test_backlog_needs_no_memory(daybook, topic, tmp_path):
    """A hundred megabytes that were written while the collector was down."""
    path = tmp_path / "access.log"
    line = '10.0.0.1 - c{} [{}] "GET /v1/orders/{}/items HTTP/1.1" 200 512 "-" "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36"\n'
    now = time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime())
    with open(path, "w", encoding="ascii") as file:
        for block in range(80):
            file.write("".join(line.format(number % 200, now, block * 10_000 + number) for number in range(10_000)))
    begin = time.monotonic()
    collector = daybook.collector(topic=topic, settings={"follow.test.path": path})
    wait_until(lambda: collector.metric("daybook_collector_events_accepted_total") == 800_000, 120, "all lines are taken")
    seconds = time.monotonic() - begin
    print(f"{os.path.getsize(path) / 1e6:.0f} MB, {800_000 / seconds:.0f} lines/s, at most {high_water_kib(collector.process.pid)} KiB")
    assert high_water_kib(collector.process.pid) < 96 * 1024


NGINX = """
daemon off; master_process off; pid {dir}/pid; error_log {dir}/error.log;
events {{ worker_connections 64; }}
http {{
    client_body_temp_path {dir}/body; proxy_temp_path {dir}/proxy; fastcgi_temp_path {dir}/fastcgi;
    uwsgi_temp_path {dir}/uwsgi; scgi_temp_path {dir}/scgi;
    {log_format}
    access_log {dir}/access.json daybook;
    access_log {dir}/combined.log combined;
    server {{
        listen 127.0.0.1:{port};
        location / {{ return 200 "ok"; }}
        location /missing {{ return 404; }}
        location /broken {{ return 502; }}
    }}
}}
"""


@pytest.fixture
def nginx(tmp_path):
    """A real nginx that logs as docs/FOLLOWING.md says."""
    text = (ROOT / "docs/FOLLOWING.md").read_text()
    log_format = re.search(r"^log_format daybook.*?;$", text, re.S | re.M).group(0)
    port = free_port()
    config = tmp_path / "nginx.conf"
    config.write_text(NGINX.format(dir=tmp_path, port=port, log_format=log_format))
    process = subprocess.Popen(["nginx", "-p", str(tmp_path), "-c", str(config)], stderr=subprocess.DEVNULL)

    def answers():
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    wait_until(answers, 30, "nginx listens")
    process.port = port
    yield process
    process.kill()
    process.wait()


def ask(port, path, client=None, method="GET"):
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", method=method, headers={"X-Client-Id": client} if client else {})
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            answer.read()
    except urllib.error.HTTPError as error:
        error.read()


def send_bytes(port, data):
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(data)
        connection.settimeout(2)
        try:
            while connection.recv(4096):
                pass
        except OSError:
            pass


def count_by_status(path, pattern):
    with open(path, encoding="utf-8", errors="replace") as file:
        return collections.Counter(int(re.search(pattern, line).group(1)) for line in file)


def test_nginx(daybook, topic, wire, tmp_path, nginx):
    """Both formats of a real nginx, with requests that are none, are counted to the last line."""
    json_log, combined_log = tmp_path / "access.json", tmp_path / "combined.log"
    settings = {"follow.json.path": json_log, "follow.json.format": "nginx-json", "follow.json.organization": "json"}
    settings |= {"follow.combined.path": combined_log, "follow.combined.organization": "combined"}
    daybook.collector(topic=topic, settings=settings)
    for number in range(60):
        ask(nginx.port, f"/v1/orders/{number}?secret={number}", client=f"c{number % 3}", method=["GET", "POST", "DELETE"][number % 3])
    ask(nginx.port, "/missing/17")
    ask(nginx.port, "/broken", client="c\"0\\é".encode().decode("latin-1"))
    ask(nginx.port, "/caf%E9/%00x")
    for data in (b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", b"hello\r\n\r\n", b"GET /a\xff\xfe HTTP/1.0\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"\r\n"):
        send_bytes(nginx.port, data)
    send_bytes(nginx.port, b"GET /%s HTTP/1.1\r\nHost: x\r\n\r\n" % (b"long" * 5000))

    def logged():
        return count_by_status(json_log, r'"status":"(\d+)"'), count_by_status(combined_log, r'" (\d{3}) \d+ "')

    def all_logged():
        before = logged()
        time.sleep(0.5)
        return before if before == logged() else None

    wanted_json, wanted_combined = wait_until(all_logged, 30, "nginx writes no more")
    assert wanted_json == wanted_combined and wanted_json[400] >= 3
    total = sum(wanted_json.values()) + sum(wanted_combined.values())
    wait_until(lambda: len(wire.events()) >= total, 30, f"{total} requests are on the topic")
    events = wire.events()
    for organization, wanted in (("json", wanted_json), ("combined", wanted_combined)):
        assert collections.Counter(e["status"] for e in events if e["organization"] == organization) == wanted
    assert {e["client"] for e in events if e["organization"] == "json"} >= {"c0", "c1", "c2", "-"}
    assert {e["route"] for e in events if e["status"] == 200} == {"/v1/orders/{n}", "/a%FF%FE"}
    for organization in ("json", "combined"):
        odd = [e for e in events if e["organization"] == organization and e["status"] == 400 and e["method"] == "INVALID"]
        assert len(odd) == 3 and all(e["route"] == "{unmatched}" for e in odd)
    assert all("secret" not in e["route"] for e in events)
    latencies = [e["latency_us"] for e in events if e["organization"] == "json"]
    assert all(value % 1000 == 0 and value < 60_000_000 for value in latencies)
    assert all(e["request_bytes"] > 0 for e in events if e["organization"] == "json" and e["status"] == 200)
