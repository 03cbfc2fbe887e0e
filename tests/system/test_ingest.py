"""POST /v1/events on a real collector and a real broker: what stands on the topic is what was accepted, whatever else was sent."""

import base64
import gzip
import http.client
import json
import random
import re
import socket
import string
import threading
import time

import pytest
from harness import free_port, run_program, wait_until
from test_wire import events_of, read_records, usage_pb2  # noqa: F401 (a fixture)

PATH = "/v1/events"
NOW_MS = int(time.time() * 1000)
CE_TYPE, CE_BATCH_TYPE = "application/cloudevents+json", "application/cloudevents-batch+json"
NDJSON, PROTOBUF = "application/x-ndjson", "application/x-protobuf"


def make_event(number, **more):
    return {
        "time": NOW_MS - number,
        "organization": "acme",
        "client": f"c-{number % 7}",
        "method": "GET",
        "route": "/v1/orders/{id}",
        "status": 200,
        "latencyMs": number + 0.25,
        **more,
    }


def on_topic(kafka, topic, usage_pb2, count):
    """All events on the topic, when there are so many, in the order of their times."""

    def found():
        batches = [record.batch for _, record in read_records(kafka, topic, usage_pb2) if record.WhichOneof("kind") == "batch"]
        events = [event for batch in batches for event in events_of(batch)]
        assert len(events) <= count, f"{len(events)} events, {count} were accepted"
        return events if len(events) == count else None

    return sorted(wait_until(found, 30, f"{count} events are on the topic", 0.3), key=lambda event: (event["time"], event["id"]))


def books(collector):
    metrics = collector.metrics()
    rejected = {key.split('"')[1]: value for key, value in metrics.items() if "events_rejected_total{" in key and value}
    total = {name: metrics[f"daybook_collector_events_{name}_total"] for name in ("received", "accepted", "excluded")}
    assert total["received"] == total["accepted"] + total["excluded"] + sum(rejected.values())
    return total, rejected


def as_protobuf(usage_pb2, events):
    batch = usage_pb2.UsageBatch(symbols=[""], base_time_ms=events[0]["time"])
    symbols = {"": 0}
    at = events[0]["time"]
    for index, event in enumerate(events):
        for name in ("organization", "client", "user", "method", "route", "platform"):
            text = event.get(name, "")
            if text not in symbols:
                symbols[text] = len(symbols)
                batch.symbols.append(text)
            getattr(batch, name).append(symbols[text])
        batch.time_delta_ms.append(event["time"] - at)
        at = event["time"]
        batch.status.append(event["status"])
        batch.latency_us.append(round(event["latencyMs"] * 1000))
        if event.get("id"):
            batch.id_event.append(index)
            batch.id.append(event["id"].encode())
    return batch.SerializeToString()


def as_cloudevent(event, number):
    data = {name: value for name, value in event.items() if name not in ("client", "time")}
    at = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(event["time"] / 1000)) + f".{event['time'] % 1000:03d}Z"
    return {"specversion": "1.0", "type": "usage", "source": "/s", "id": str(number), "subject": event["client"], "time": at, "data": data}


def test_all_forms_say_the_same(kafka, daybook, usage_pb2):
    topic = kafka.create_topic(partitions=2)
    collector = daybook.collector(topic)
    forms = 0
    events = [make_event(number) for number in range(20)]

    def post(body, content_type, accepted=len(events), headers=None):
        nonlocal forms
        forms += accepted / len(events)
        assert collector.post(body, content_type, headers) == (202, {"accepted": accepted, "rejected": []})

    lines = "\n".join(map(json.dumps, events)).encode()
    clouds = [as_cloudevent(event, number) for number, event in enumerate(events)]
    post(json.dumps(events).encode(), "application/json; charset=utf-8")
    post(json.dumps(events, indent=4).encode(), "application/json")
    post(lines, NDJSON)
    post(gzip.compress(lines), NDJSON, headers={"Content-Encoding": "gzip"})
    post(as_protobuf(usage_pb2, events), PROTOBUF)
    post(gzip.compress(as_protobuf(usage_pb2, events)), PROTOBUF, headers={"Content-Encoding": "gzip"})
    post(json.dumps(clouds).encode(), CE_BATCH_TYPE)
    for event, cloud in zip(events, clouds):
        post(json.dumps(event).encode(), "application/json", accepted=1)
        post(json.dumps(cloud).encode(), CE_TYPE, accepted=1)
        headers = {f"ce-{name}": value for name, value in cloud.items() if name != "data"}
        post(json.dumps(cloud["data"]).encode(), "application/json", accepted=1, headers=headers)
    assert round(forms) == 10
    found = on_topic(kafka, topic, usage_pb2, 10 * len(events))
    for event in found:
        event.pop("id")
    for number, event in enumerate(reversed(events)):
        ten = found[10 * number : 10 * (number + 1)]
        assert all(one == ten[0] for one in ten)
        assert ten[0]["time"] == event["time"] and ten[0]["client"] == event["client"]
        assert ten[0]["latency_us"] == round(event["latencyMs"] * 1000)
    assert books(collector) == ({"received": 200, "accepted": 200, "excluded": 0}, {})


def test_the_unix_socket_serves_too(kafka, daybook, usage_pb2):
    topic = kafka.create_topic(partitions=1)
    collector = daybook.collector(topic)
    connection = http.client.HTTPConnection("localhost")
    connection.sock = socket.socket(socket.AF_UNIX)
    connection.sock.connect(str(collector.socket))
    for number in range(3):
        connection.request("POST", PATH, json.dumps(make_event(number)), {"Content-Type": "application/json"})
        answer = connection.getresponse()
        assert (answer.status, json.loads(answer.read())) == (202, {"accepted": 1, "rejected": []})
    assert len(on_topic(kafka, topic, usage_pb2, 3)) == 3


WRONG = [
    ({"colour": "red"}, "unknown_field"),
    ({"method": None}, "wrong_type"),
    ({"method": "GE T"}, "invalid_text"),
    ({"method": "M" * 33}, "too_long"),
    ({"status": "200"}, "wrong_type"),
    ({"status": 200.5}, "wrong_type"),
    ({"status": 99}, "out_of_range"),
    ({"status": 10**30}, "out_of_range"),
    ({"route": "v1"}, "invalid_text"),
    ({"route": "/" * 1025}, "too_long"),
    ({"client": "c" * 257}, "too_long"),
    ({"client": "a\nb"}, "invalid_text"),
    ({"client": "a\0b"}, "invalid_text"),
    ({"client": "\ud800"}, "invalid_text"),
    ({"user": 7}, "wrong_type"),
    ({"latencyMs": -0.001}, "out_of_range"),
    ({"latencyMs": 86400000.001}, "out_of_range"),
    ({"requestBytes": 2**44 + 1}, "out_of_range"),
    ({"responseBytes": 1.5}, "wrong_type"),
    ({"time": "yesterday"}, "invalid_time"),
    ({"time": "2025-02-30T00:00:00Z"}, "invalid_time"),
    ({"time": NOW_MS - 36 * 86_400_000}, "too_old"),
    ({"time": NOW_MS + 3_600_000}, "in_future"),
    ({"time": NOW_MS // 1000}, "too_old"),
]


@pytest.mark.parametrize("form", ["json", "ndjson"])
def test_a_wrong_event_costs_only_itself(kafka, daybook, usage_pb2, form):
    topic = kafka.create_topic(partitions=1)
    collector = daybook.collector(topic)
    posted = []
    for number, (more, _) in enumerate(WRONG):
        posted += [make_event(2 * number), make_event(2 * number + 1, **more)]
    posted += [{"method": "GET", "status": 200}, {"route": "/a", "status": 200}, {"method": "GET", "route": "/a"}]
    reasons = [reason for _, reason in WRONG] + ["missing_field"] * 3
    body = json.dumps(posted) if form == "json" else "\n".join(map(json.dumps, posted))
    status, answer = collector.post(body.encode(), "application/json" if form == "json" else NDJSON)
    assert status == 202 and answer["accepted"] == len(WRONG)
    assert [rejected["reason"] for rejected in answer["rejected"]] == reasons
    indexes = [2 * number + 1 for number in range(len(WRONG))] + [len(posted) - 3, len(posted) - 2, len(posted) - 1]
    assert [rejected["index"] for rejected in answer["rejected"]] == indexes
    assert all(rejected["message"].endswith(".") for rejected in answer["rejected"])
    found = on_topic(kafka, topic, usage_pb2, len(WRONG))
    assert sorted(event["latency_us"] for event in found) == [2 * number * 1000 + 250 for number in range(len(WRONG))]
    total, rejected = books(collector)
    assert total == {"received": len(posted), "accepted": len(WRONG), "excluded": 0}
    assert rejected == {reason: reasons.count(reason) for reason in reasons}


def test_invalid_utf8_costs_only_its_event(kafka, daybook, usage_pb2):
    topic = kafka.create_topic(partitions=1)
    collector = daybook.collector(topic)
    body = b'[{"method":"GET","route":"/a","status":200,"client":"\xff\xfe"},{"method":"GET","route":"/b","status":200}]'
    status, answer = collector.post(body)
    assert status == 202 and answer["accepted"] == 1 and answer["rejected"][0]["reason"] == "invalid_text"
    assert on_topic(kafka, topic, usage_pb2, 1)[0]["route"] == "/b"


def damaged(source, body):
    """The body with some bytes cut, changed, doubled or put in."""
    data = bytearray(body)
    for _ in range(source.randrange(1, 4)):
        at = source.randrange(len(data))
        kind = source.randrange(4)
        if kind == 0:
            del data[at : at + source.randrange(1, 50)]
        elif kind == 1:
            data[at] = source.randrange(256)
        elif kind == 2:
            data[at:at] = data[at : at + source.randrange(1, 50)]
        else:
            data[at:at] = source.choice([b'"', b"{", b"}", b"[", b"]", b",", b"\\", b"\n", b"\0", b"\xff", b"null"])
        data = data or bytearray(b" ")
    return bytes(data)


def test_damaged_bodies_are_all_answered_and_the_books_close(kafka, daybook, usage_pb2):
    topic = kafka.create_topic(partitions=2)
    collector = daybook.collector(topic, {"input.max_age_days": 0})
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    source = random.Random(seed)
    events = [make_event(number, client=f"ü-{number}", user='a"b\\c') for number in range(5)]
    clouds = [as_cloudevent(event, number) for number, event in enumerate(events)]
    bodies = [
        (json.dumps(events).encode(), "application/json"),
        ("\n".join(map(json.dumps, events)).encode(), NDJSON),
        (json.dumps(clouds, ensure_ascii=False).encode(), CE_BATCH_TYPE),
        (json.dumps(clouds[0]).encode(), CE_TYPE),
        (as_protobuf(usage_pb2, events), PROTOBUF),
    ]
    accepted = rejected = unreadable = 0
    for number in range(1500):
        body, content_type = bodies[number % len(bodies)]
        status, answer = collector.post(damaged(source, body), content_type)
        assert status in (202, 400), (seed, number, status, answer)
        if status == 400:
            unreadable += 1
            assert answer["error"] == "MALFORMED_BODY" and answer["requestId"]
        else:
            accepted += answer["accepted"]
            rejected += len(answer["rejected"])
    assert accepted and rejected and unreadable
    total, reasons = books(collector)
    assert (total["accepted"], sum(reasons.values())) == (accepted, rejected)
    on_topic(kafka, topic, usage_pb2, accepted)


def test_a_body_cut_at_every_byte(kafka, daybook):
    collector = daybook.collector(kafka.create_topic(partitions=1))
    whole = json.dumps([make_event(1), make_event(2)]).encode()
    for size in range(len(whole)):
        status, answer = collector.post(whole[:size])
        assert (status, answer["error"]) == (400, "MALFORMED_BODY")
        assert int(re.search(r"at byte (\d+):", answer["message"]).group(1)) <= size
    assert collector.post(whole) == (202, {"accepted": 2, "rejected": []})


def test_limits_are_named(kafka, daybook):
    collector = daybook.collector(kafka.create_topic(partitions=1), {"listen.body_max_bytes": 10_000, "input.max_events": 20})
    blanks = b" " * 10_001
    status, answer = collector.post(blanks)
    assert status == 413 and "10000" in answer["message"] and answer["requestId"]
    status, answer = collector.post(gzip.compress(blanks), headers={"Content-Encoding": "gzip"})
    assert status == 413 and "10000" in answer["message"]
    status, answer = collector.post(gzip.compress(b" " * 50_000_000), headers={"Content-Encoding": "gzip"})
    assert status == 413 and "10000" in str(answer)
    status, answer = collector.post([{}] * 21)
    assert status == 413 and "20 events" in answer["message"]
    assert collector.post([{}] * 20)[0] == 202
    assert books(collector)[0]["received"] == 20


def test_what_is_not_understood(kafka, daybook):
    collector = daybook.collector(kafka.create_topic(partitions=1))
    assert collector.post(b"{}", "text/plain")[0] == 415
    assert collector.post(b"{}", "application/json; charset=utf-16")[0] == 415
    assert collector.post(b"{}", headers={"Content-Encoding": "br"})[0] == 415
    status, answer = collector.post(b"not gzip", headers={"Content-Encoding": "gzip"})
    assert status == 400 and "gzip" in answer["message"]
    status, answer = collector.post(gzip.compress(b"[]")[:-3], headers={"Content-Encoding": "gzip"})
    assert status == 400
    assert collector.get(PATH)[0] == 405
    connection = http.client.HTTPConnection("127.0.0.1", collector.port)
    connection.request("POST", f"{PATH}?dry=1", "[]", {"Content-Type": "application/json", "X-Request-Id": "my-id"})
    answer = connection.getresponse()
    assert answer.status == 400 and answer.headers["X-Request-Id"] == "my-id" and "dry" in json.loads(answer.read())["message"]


def test_token(kafka, daybook, usage_pb2):
    topic = kafka.create_topic(partitions=1)
    token = "".join(random.choices(string.ascii_letters, k=30))
    collector = daybook.collector(topic, {"listen.address": "0.0.0.0", "listen.token": token})
    basic = base64.b64encode(f"x:{token}".encode()).decode()
    for header in (None, f"Bearer {token[:-1]}", f"Bearer {token}x", f"Basic {basic}", "Bearer", ""):
        status, answer = collector.post([make_event(1)], headers={"Authorization": header} if header is not None else None)
        assert status == 401 and token not in str(answer)
    assert collector.post([make_event(1)], headers={"Authorization": f"Bearer {token}"}) == (202, {"accepted": 1, "rejected": []})
    assert len(on_topic(kafka, topic, usage_pb2, 1)) == 1
    assert token not in collector.log_text()


def test_no_token_beyond_loopback_is_refused_at_start(tmp_path):
    done = run_program(
        "daybook-collector", "--set", "listen.address=0.0.0.0", "--set", f"listen.port={free_port()}", "--set", f"journal.dir={tmp_path}"
    )
    assert done.returncode == 2 and "listen.token" in done.stderr and len(done.stderr.splitlines()) == 1


def is_closed(connection):
    """The server ended it, whatever it said before. A time-out is an error."""
    try:
        while connection.recv(1000):
            pass
    except ConnectionError:
        pass
    return True


def test_clients_that_dawdle_and_vanish(kafka, daybook, usage_pb2):
    topic = kafka.create_topic(partitions=1)
    collector = daybook.collector(topic, {"listen.idle_timeout_s": 2})
    body = json.dumps([make_event(1)]).encode()
    head = f"POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode()

    def dial():
        return socket.create_connection(("127.0.0.1", collector.port), timeout=20)

    dawdlers = [dial() for _ in range(20)]
    for number, dawdler in enumerate(dawdlers):
        dawdler.sendall((head + body)[: 10 + number * 8])

    def trickle(dawdler):
        try:
            while True:
                dawdler.sendall(b"x")
                time.sleep(0.3)
        except OSError:
            pass

    trickler = dial()
    trickler.sendall(head.replace(str(len(body)).encode(), b"100000"))
    thread = threading.Thread(target=trickle, args=(trickler,))
    thread.start()
    for number in range(50):  # vanish: in the middle, and after the last byte
        vanishing = dial()
        vanishing.sendall((head + body)[: len(head) + (len(body) // 2 if number % 2 else len(body))])
        vanishing.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        vanishing.close()
    assert collector.post([make_event(2)]) == (202, {"accepted": 1, "rejected": []})
    for dawdler in dawdlers:
        assert is_closed(dawdler)
        dawdler.close()
    thread.join(15)
    assert not thread.is_alive(), "a client that sends a byte now and then is cut off"
    accepted = int(books(collector)[0]["accepted"])
    assert 1 <= accepted <= 26
    on_topic(kafka, topic, usage_pb2, accepted)


def test_rules(kafka, daybook, usage_pb2, tmp_path):
    topic = kafka.create_topic(partitions=1)
    (tmp_path / "routes").write_text("# ours\nGET /v1/orders/{order}\n/files/{path...}\n")
    collector = daybook.collector(
        topic,
        {
            "input.organization": "acme",
            "client.fields": "client;user;source",
            "route.file": tmp_path / "routes",
            "route.templates": "POST /v1/orders",
            "exclude.clients": "monitor-*;probe",
            "exclude.routes": "GET /health*",
            "exclude.user_agents": "kube-probe/*",
            "exclude.sources": "10.9.*",
        },
    )
    paths = [
        ("GET", "/v1/orders/17", 404, "/v1/orders/{order}"),
        ("POST", "/v1/orders", 201, "/v1/orders"),
        ("GET", "/files/a/b/c", 200, "/files/{path...}"),
        ("GET", "/v2/users/3f2504e0-4f89-11d3-9a0c-0305e82c3301?key=secret", 200, "/v2/users/{uuid}"),
        ("GET", "/wp-login.php", 404, "{unmatched}"),
    ]
    events = [{"time": NOW_MS - i, "method": m, "path": p, "status": s, "source": "10.1.1.1"} for i, (m, p, s, _) in enumerate(paths)]
    excluded = [
        make_event(100, client="monitor-1"),
        make_event(101, client="probe"),
        make_event(102, route="/healthz"),
        make_event(103, userAgent="Kube-Probe/1.30"),
        make_event(104, source="10.9.0.1"),
    ]
    assert collector.post(events + excluded) == (202, {"accepted": 5, "excluded": 5, "rejected": []})
    found = on_topic(kafka, topic, usage_pb2, 5)
    assert [event["route"] for event in reversed(found)] == [route for _, _, _, route in paths]
    assert {(event["organization"], event["client"]) for event in found} == {("acme", "10.1.1.1")}
    assert books(collector) == ({"received": 10, "accepted": 5, "excluded": 5}, {})


def test_wrong_rules_are_refused_at_start(tmp_path):
    wrong = ["route.templates=GET v1", "client.fields=ip", "route.file=/nonexistent", "exclude.sources=*1*2*3*4*5*6*7*8*9*0*1*2*3*4*5*6*7"]
    for setting in wrong:
        done = run_program("daybook-collector", "--check-config", "--set", setting, "--set", f"journal.dir={tmp_path}")
        assert done.returncode == 2 and len(done.stderr.splitlines()) == 1, done
        assert setting.split("=")[0] in done.stderr or "/nonexistent" in done.stderr
