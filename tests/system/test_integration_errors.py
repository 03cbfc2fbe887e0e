"""What collectors refuse, over every input, with collectors and aggregators killed in between: counted exactly once, listed, filtered,
purged on every replica; and nothing that was sent is anywhere."""

import collections
import json
import os
import random
import re
import threading
import time

import live_fixture
import pytest
from access import ask, call, make_token, start_api
from harness import csv_rows, run_program, wait_until
from test_cluster import Cluster
from test_wire import usage_pb2  # noqa: F401 (a fixture)

PATH = "/api/v2/usage/integration-errors"
SECRET = "S3cr3t-9f8E7d6C5b4A"
DAY = 86_400_000


def now():
    return int(time.time() * 1000)


def right():
    return {"method": "GET", "route": "/v1/orders/{id}", "status": 200, "client": "acme", "user": SECRET}


def without(name):
    return {key: value for key, value in right().items() if key != name}


# reason -> an event that is refused for it
WRONG = {
    "missing_field": lambda: without("method"),
    "out_of_range": lambda: {**right(), "status": 99},
    "unknown_field": lambda: {**right(), SECRET: SECRET},
    "wrong_type": lambda: {**right(), "client": [SECRET]},
    "invalid_text": lambda: {**right(), "method": f"GET {SECRET}"},
    "too_long": lambda: {**right(), "client": SECRET * 20},
    "invalid_time": lambda: {**right(), "time": SECRET},
    "too_old": lambda: {**right(), "time": 1000},
    "in_future": lambda: {**right(), "time": now() + DAY},
    "malformed": lambda: SECRET,
}
IN_LINES = ("missing_field", "out_of_range", "malformed")


def as_line(reason):
    return '{"client":"' + SECRET if reason == "malformed" else json.dumps(WRONG[reason]())


class Books:
    """What was refused: (collector, reason) -> how many."""

    def __init__(self):
        self.counts = collections.Counter()
        self.accepted = 0

    def sums(self, index):
        sums = collections.Counter()
        for names, count in self.counts.items():
            sums[names[index]] += count
        return dict(sums)

    @property
    def total(self):
        return sum(self.counts.values())


class Sender:
    """Random bodies of every form, each answered before the next is sent: so it is known what was taken."""

    def __init__(self, name, collector, pb, books, seed):
        self.name, self.collector, self.pb, self.books = name, collector, pb, books
        self.random = random.Random(seed)

    def wrong(self, among=tuple(WRONG)):
        reasons = [self.random.choice(among) for _ in range(self.random.randrange(1, 6))]
        return reasons, self.random.randrange(3)

    def check(self, answer, reasons, n_right):
        status, body = answer
        assert status == 202 and body["accepted"] == n_right, answer
        assert sorted(one["reason"] for one in body["rejected"]) == sorted(reasons)
        self.books.counts.update((self.name, reason) for reason in reasons)
        self.books.accepted += n_right

    def send_json(self):
        reasons, n = self.wrong()
        events = [WRONG[reason]() for reason in reasons] + [right()] * n
        self.random.shuffle(events)
        self.check(self.collector.post(events), reasons, n)

    def send_lines(self):
        reasons, n = self.wrong(IN_LINES)
        lines = [as_line(reason) for reason in reasons] + [json.dumps(right())] * n
        self.random.shuffle(lines)
        self.check(self.collector.post("\n".join(lines).encode(), "application/x-ndjson"), reasons, n)

    def send_cloudevents(self):
        cloud = {"specversion": "1.0", "id": SECRET, "source": "/s", "type": "t"}
        reasons = ["missing_field", "unknown_field", "wrong_type"]
        events = [{**cloud, "type": "", "data": right()}, {**cloud, "data": {**right(), "x": SECRET}}, {**cloud, "data": SECRET}]
        self.check(self.collector.post(events, "application/cloudevents-batch+json"), reasons, 0)

    def send_protobuf(self):
        symbols = ["", SECRET, "GET", "/v1/a", "get it"]
        batch = self.pb.UsageBatch(symbols=symbols, client=[1, 1, 1], method=[2, 4, 2], route=[3, 3, 3], status=[200, 200, 99])
        self.check(self.collector.post(batch.SerializeToString(), "application/x-protobuf"), ["invalid_text", "out_of_range"], 1)

    def send_malformed(self):
        bodies = [
            (f'[{{"client":"{SECRET}",'.encode(), "application/json", 400, "malformed_body"),
            (SECRET.encode(), "application/x-protobuf", 400, "malformed_body"),
            (SECRET.encode(), f"text/{SECRET}", 415, "unsupported_media_type"),
            (json.dumps([right()] * 101).encode(), "application/json", 413, "too_many_events"),
        ]
        body, media, status, reason = self.random.choice(bodies)
        found, answer = self.collector.post(body, media)
        assert found == status and answer["error"].lower() == reason, answer
        self.books.counts[self.name, reason] += 1

    def send(self):
        forms = (self.send_json, self.send_lines, self.send_cloudevents, self.send_protobuf, self.send_malformed)
        self.random.choice(forms)()


class Writer(threading.Thread):
    """Lines of a followed file, most of them wrong, while its collector is killed: each is to be counted once."""

    def __init__(self, path, name, books, seed):
        super().__init__()
        self.path, self.name_, self.books = path, name, books
        self.random = random.Random(seed)
        self.over = threading.Event()

    def run(self):
        while not self.over.wait(0.01):
            with open(self.path, "a", encoding="ascii") as file:
                for _ in range(self.random.randrange(20)):
                    reason = self.random.choice((*IN_LINES, None))
                    file.write((as_line(reason) if reason else json.dumps(right())) + "\n")
                    if reason:
                        self.books.counts[self.name_, reason] += 1
                    else:
                        self.books.accepted += 1

    def stop(self):
        self.over.set()
        self.join()


def start_follower(daybook, topic, path):
    settings = {"collector.name": "edge three", "follow.x.path": path, "follow.x.format": "ndjson", "journal.commit_ms": 1}
    return daybook.collector(topic, settings)


def list_all(api, **parameters):
    """(the first answer, the samples of all pages)."""
    first = answer = ask(api, "GET", PATH, **parameters)
    samples = list(answer["entities"])
    while "nextUri" in answer:
        answer = ask(api, "GET", answer["nextUri"])
        samples += answer["entities"]
        assert answer["total"] == first["total"]
    return first, samples


def sums_of(answer, name):
    return {row[name]: row["count"] for row in answer[f"by{name.capitalize()}"]}


def check_counts(answer, books):
    assert answer["total"] == books.total
    assert sums_of(answer, "reason") == books.sums(1)
    assert sums_of(answer, "collector") == books.sums(0)
    for name in ("byReason", "byCollector"):
        counts = [row["count"] for row in answer[name]]
        assert counts == sorted(counts, reverse=True)


def wait_for(api, books):
    return wait_until(
        lambda: (answer := ask(api, "GET", PATH))["total"] >= books.total and answer, 60, "all that was refused is counted", 0.3
    )


@pytest.fixture
def apis(redis, tmp_path):
    made = [start_api(redis, tmp_path, name) for name in ("api-a", "api-b")]
    yield made
    for api in made:
        api.kill()


def write_import(path, books):
    """A log of ten days ago, with lines that are refused."""
    reasons = ["missing_field", "malformed", "malformed", "out_of_range", "missing_field"]
    lines = [json.dumps({**right(), "time": now() - 10 * DAY}) for _ in range(5)]
    for reason in reasons:
        event = WRONG[reason]() if reason != "malformed" else None
        lines.append(json.dumps({**event, "time": now() - 10 * DAY}) if event else as_line(reason))
    path.write_text("\n".join(lines) + "\n")
    books.counts.update(("import", reason) for reason in reasons)
    books.accepted += 5


def run_import(path, kafka, redis, topic):
    environment = {**os.environ, "KAFKA_BROKERS": kafka.brokers, "TOPIC": topic, "REDIS_URL": redis.url}
    done = run_program("daybook", "import", "--format", "ndjson", path, env=environment, timeout_s=120)
    assert done.returncode == 0, done.stdout + done.stderr


def test_all_inputs_and_kills(kafka, redis, daybook, topic, apis, tmp_path, usage_pb2):  # noqa: F811
    source, books = random.Random(5), Books()
    aggregators = [daybook.aggregator(topic) for _ in range(2)]
    limits = {"input.max_events": 100, "journal.commit_ms": 1}
    edges = [daybook.collector(topic, {"collector.name": name, **limits}) for name in ("edge-1", "edge two")]
    senders = [Sender(edge.settings["collector.name"], edge, usage_pb2, books, n) for n, edge in enumerate(edges)]
    follower = start_follower(daybook, topic, tmp_path / "app.log")
    writer = Writer(tmp_path / "app.log", "edge three", books, seed=9)
    writer.start()
    for _ in range(8):
        for _ in range(15):
            source.choice(senders).send()
        for victim in source.sample([*edges, follower, *aggregators], 2):
            victim.kill()
            victim.start()
    writer.stop()
    write_import(tmp_path / "old.log", books)
    run_import(tmp_path / "old.log", kafka, redis, topic)
    run_import(tmp_path / "old.log", kafka, redis, topic)  # the same once more counts nothing
    wait_for(apis[0], books)
    recounted = daybook.recount(topic)  # reads the log once more, by itself
    assert re.search(rf"events counted\s+{books.accepted}\s", recounted) and re.search(rf"collectors refused\s+{books.total}\s", recounted)
    for api in apis:
        first, samples = list_all(api, pageSize=7)
        check_counts(first, books)
        check_samples(first, samples, books)
    check_filters(apis[1], books)
    check_files(apis[0], samples)
    assert SECRET not in json.dumps([first, samples]) and "9f8E7d6C5b4A" not in json.dumps(samples)
    check_redis(redis)


def check_samples(first, samples, books):
    assert len(samples) == first["samplesKept"] > 50 and first["samplesPurged"] == 0
    times = [sample["time"] for sample in samples]
    assert times == sorted(times, reverse=True)
    counts = collections.Counter()
    for sample in samples:
        counts[sample["collector"], sample["reason"]] += sample["count"]
        assert sample["message"] and (sample["refusedAt"] is None) == (sample["collector"] == "import")
    assert set(counts) == set(books.counts)
    for names, count in counts.items():
        assert count <= books.counts[names]


def check_filters(api, books):
    today = time.strftime("%Y-%m-%d", time.gmtime())
    yesterday = time.strftime("%Y-%m-%d", time.gmtime(time.time() - 86400))
    for collector in books.sums(0):
        answer, samples = list_all(api, collector=collector, pageSize=50)
        assert answer["total"] == books.sums(0)[collector] and {one["collector"] for one in samples} == {collector}
    for reason in books.sums(1):
        answer, samples = list_all(api, reason=reason)
        assert answer["total"] == books.sums(1)[reason] and {one["reason"] for one in samples} == {reason}
    both = ask(api, "GET", PATH, reason="malformed", collector="import")
    assert both["total"] == 2 and both["byCollector"] == [{"collector": "import", "count": 2}]
    assert ask(api, "GET", PATH, collector="nobody")["total"] == 0
    assert ask(api, "GET", PATH, **{"from": yesterday})["total"] == books.total
    assert ask(api, "GET", PATH, to="2026-01-01") | {"samplesPurged": 0} == {
        "entities": [], "total": 0, "samplesKept": 0, "samplesPurged": 0, "byReason": [], "byCollector": []
    }
    for wrong in ({"from": "today"}, {"pageSize": 0}, {"after": "x"}, {"limit": 3}, {"from": today, "to": "2026-01-01"}):
        assert call(api, "GET", PATH, **wrong).status == 400


def check_files(api, samples):
    names, *rows = csv_rows(call(api, "GET", f"{PATH}.csv").text)
    lines = [json.loads(line) for line in call(api, "GET", f"{PATH}.jsonl").text.splitlines()]
    assert lines == samples
    for row, sample in zip(rows, samples, strict=True):
        wanted = {name: "" if value is None else str(value) for name, value in sample.items()}
        assert dict(zip(names, row, strict=True)) == wanted
    page = call(api, "GET", f"{PATH}.csv", pageSize=3)
    link = page.headers["Link"]
    assert len(page.text.splitlines()) == 4 and link.endswith('; rel="next"')
    rest = call(api, "GET", link[1 : link.index(">")])
    assert rest.text.splitlines()[1] == call(api, "GET", f"{PATH}.csv").text.splitlines()[4]


def check_redis(redis):
    """Of what was refused nothing is kept but what is shown."""
    client, keys = redis.client(), 0
    for key in client.scan_iter("{p*}:refus*"):
        keys += 1
        for field, value in client.hgetall(key).items():
            assert "9f8E7d6C5b4A" not in field + value
    assert keys >= 2


def purge(api, before, **options):
    return ask(api, "DELETE", PATH, before=before, **options)


def test_purge(redis, daybook, topic, apis, usage_pb2):  # noqa: F811
    books = Books()
    aggregator = daybook.aggregator(topic)
    collector = daybook.collector(topic, {"collector.name": "edge", "input.max_events": 100})
    sender = Sender("edge", collector, usage_pb2, books, seed=3)
    for _ in range(20):
        sender.send()
    kept = wait_for(apis[0], books)["samplesKept"]
    tomorrow = time.strftime("%Y-%m-%d", time.gmtime(time.time() + 86400))
    assert purge(apis[0], "2026-01-01") == {"before": "2026-01-01", "samplesPurged": 0}
    assert purge(apis[0], tomorrow)["samplesPurged"] == kept > 10
    for api in apis:  # at once, on all
        answer = ask(api, "GET", PATH)
        assert answer["entities"] == [] and answer["samplesKept"] == 0 and answer["samplesPurged"] == kept
        check_counts(answer, books)
    assert purge(apis[1], tomorrow)["samplesPurged"] == 0
    aggregator.kill()
    aggregator.start()
    sender.send_json()
    answer = wait_for(apis[1], books)
    check_counts(answer, books)
    assert 0 < answer["samplesKept"] < 10 and answer["samplesPurged"] == kept
    ours = make_token(apis[0], organization="acme")["token"]
    viewer = make_token(apis[0], permissions=["usage:organization:view"])["token"]
    for token, status in ((ours, 403), (viewer, 200)):
        assert call(apis[0], "GET", PATH, token).status == status
        assert call(apis[0], "DELETE", PATH, token, before=tomorrow).status == 403
    assert call(apis[0], "DELETE", PATH).status == 400
    assert "proven" in call(apis[0], "GET", PATH, ours).text


def test_on_a_cluster(tmp_path):
    """Partitions lie on three servers; what is purged is written on the one that has {daybook}."""
    cluster = Cluster(tmp_path)
    api = start_api(cluster, tmp_path)
    try:
        client, today = cluster.client(), now() // DAY
        live_fixture.write(client, [], 12, now())
        for partition in range(12):
            client.hset(f"{{p{partition}}}:refusals", f"{today} too_old edge", 1)
            text = f"0 {today * DAY + partition} 7 1 too_old edge\x1fIt is old.\x1f{{}}"
            client.hset(f"{{p{partition}}}:refused", "0", text)
        first, samples = list_all(api, pageSize=5)
        assert first["total"] == first["samplesKept"] == len(samples) == 12
        yesterday, tomorrow = (time.strftime("%Y-%m-%d", time.gmtime(time.time() + s)) for s in (-86400, 86400))
        assert purge(api, yesterday)["samplesPurged"] == 0
        assert purge(api, tomorrow)["samplesPurged"] == 12
        answer = ask(api, "GET", PATH)
        assert (answer["total"], answer["samplesKept"], answer["samplesPurged"]) == (12, 0, 12)
        assert not any(client.exists(f"{{p{partition}}}:refused") for partition in range(12))
    finally:
        api.kill()
        cluster.kill()
