"""What the system tests stand on: a shared broker with a topic per test, a Redis per test, and daemons that a test asks for.

The parts themselves (start, kill, restart, log, metrics) are in chaos/parts.py. Fixtures are in conftest.py:

    def test_something(kafka, redis, daybook):
        topic = kafka.create_topic(partitions=4)
        collector = daybook.collector(topic=topic)
        aggregator = daybook.aggregator(topic=topic)
        api = daybook.api()
        collector.post([{"method": "GET", "route": "/v1/orders/{id}", "status": 200, "client": "c-1"}])
        wait_until(lambda: api.usage(keyId="c-1")["usage"]["totalRequests"] == 1, 10, "the event is counted")
        collector.kill(); collector.start()          # same directory, port and settings
"""

import contextlib
import csv
import io
import itertools
import json
import re
import subprocess
import urllib.error
import urllib.parse
import urllib.request

from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from chaos.parts import BIN, ROOT, Broker, Daemon, Redis, free_port, wait_until

__all__ = ["BIN", "ROOT", "Daybook", "Kafka", "Redis", "csv_rows", "free_port", "run_program", "send", "shared_world", "unguarded", "wait_until"]

_topic_numbers = itertools.count(1)
API_TOKEN = "system-test-token"


def run_program(name, *arguments, env=None, timeout_s=60, cwd=None, stdin=None):
    """Runs a program to its end: subprocess.CompletedProcess with text. name: "daybook", "daybook-collector", …"""
    return subprocess.run(
        [str(BIN / name), *map(str, arguments)], capture_output=True, text=True, timeout=timeout_s, env=env, cwd=cwd, input=stdin
    )


class Kafka(Broker):
    """The broker of the session."""

    @property
    def brokers(self):
        return self.address

    def create_topic(self, name=None, partitions=4, **config):
        """A new topic as Daybook wants it; its name. Options with dots: create_topic(**{"retention.ms": 1000})."""
        name = name or f"usage.events.{next(_topic_numbers)}"
        settings = {"message.timestamp.type": "LogAppendTime", "cleanup.policy": "delete", **config}
        settings = {key: str(value) for key, value in settings.items()}
        admin = AdminClient({"bootstrap.servers": self.address})
        admin.create_topics([NewTopic(name, partitions, 1, config=settings)])[name].result(30)
        return name

    def produce(self, topic, partition, value):
        """One message, acknowledged."""
        producer = Producer({"bootstrap.servers": self.address, "acks": "all"})
        producer.produce(topic, value, partition=partition)
        assert producer.flush(30) == 0

    def read(self, topic):
        """All messages that are there now, as [(partition, offset, bytes)]."""
        consumer = Consumer({"bootstrap.servers": self.address, "group.id": "harness", "enable.auto.commit": False})
        try:
            found = []
            for partition in sorted(consumer.list_topics(topic, timeout=10).topics[topic].partitions):
                _, end = consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=10)
                low, _ = consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=10)
                consumer.assign([TopicPartition(topic, partition, low)])
                at = low
                while at < end:
                    message = consumer.poll(10)
                    assert message is not None and not message.error(), f"{topic} [{partition}] at {at}"
                    at = message.offset() + 1
                    found.append((partition, message.offset(), message.value()))
            return found
        finally:
            consumer.close()


class Collector(Daemon):
    @property
    def socket(self):
        return self.directory / "socket"

    def post(self, body, content_type="application/json", headers=None, timeout_s=15):
        """POST /v1/events; (status, decoded answer or text). body: bytes, or anything that json.dumps takes."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/v1/events", data, {"Content-Type": content_type, **(headers or {})}, method="POST"
        )
        try:
            with urllib.request.urlopen(request, timeout=timeout_s) as answer:
                return answer.status, _decoded(answer.read())
        except urllib.error.HTTPError as error:
            return error.code, _decoded(error.read())


class Api(Daemon):
    def ask(self, path, token=API_TOKEN, **parameters):
        """GET with the token; (status, decoded answer or text)."""
        query = f"?{urllib.parse.urlencode(parameters)}" if parameters else ""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        status, text = self.get(path + query, headers=headers)
        return status, _decoded(text.encode())

    def usage(self, **parameters):
        """The answer of GET /v1/developer/usage, which must be 200."""
        status, answer = self.ask("/v1/developer/usage", **parameters)
        assert status == 200, (status, answer)
        return answer


def send(api, method, path, body=None, token=API_TOKEN, headers=None, **parameters):
    """Any request to the API: (status, headers, body as bytes). body: bytes, or what is sent as JSON."""
    query = f"?{urllib.parse.urlencode(parameters)}" if parameters else ""
    sent = {**({"Authorization": f"Bearer {token}"} if token else {}), **(headers or {})}
    if body is not None and not isinstance(body, bytes):
        body, sent = json.dumps(body).encode(), {"Content-Type": "application/json", **sent}
    request = urllib.request.Request(f"http://127.0.0.1:{api.port}{path}{query}", body, sent, method=method)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


def unguarded(text):
    """A cell without the apostrophe that keeps spreadsheets from taking a text for a formula."""
    assert text[:1] not in set("=+-@\t\r") or re.fullmatch(r"-?[0-9.]+", text), text
    return text[1:] if text.startswith("'") and text[1:2] in "=+-@" else text


def csv_rows(text):
    """The cells of a CSV of ours as they were meant, the header first."""
    assert text.endswith("\r\n") and text.count("\n") == text.count("\r\n")
    return [[unguarded(cell) for cell in row] for row in csv.reader(io.StringIO(text, newline=""), strict=True)]


@contextlib.contextmanager
def shared_world(kind, directory):
    """kind(redis, directory), with an api, on a Redis of its own: for all tests of a file."""
    redis = Redis("redis", directory / "redis").start()
    made = kind(redis, directory)
    print(f"seed {getattr(made, 'seed', None)}")
    yield made
    made.api.kill()
    redis.kill()


def _decoded(data):
    try:
        return json.loads(data)
    except ValueError:
        return data.decode(errors="replace")


class Daybook:
    """Makes daemons and ends all of them. Settings are given as {"section.key": value} and win over the defaults here."""

    def __init__(self, directory, kafka, redis):
        self.directory = directory
        self.kafka = kafka
        self.redis = redis
        self.parts = []

    def _add(self, kind, program, name, settings, start, **start_options):
        name = name or f"{program}{sum(1 for part in self.parts if part.program == program)}"
        part = kind(name, program, self.directory / name, {k: v for k, v in settings.items() if v is not None})
        self.parts.append(part)
        return part.start(**start_options) if start else part

    def collector(self, topic="usage.events", settings=None, name=None, start=True, **start_options):
        directory = self.directory / (name or f"collector{sum(1 for part in self.parts if part.program == 'collector')}")
        defaults = {
            "kafka.brokers": self.kafka.brokers,
            "kafka.topic": topic,
            "journal.dir": directory / "journal",
            "listen.socket": directory / "socket",
        }
        return self._add(Collector, "collector", name, {**defaults, **(settings or {})}, start, **start_options)

    def aggregator(self, topic="usage.events", settings=None, name=None, start=True, **start_options):
        defaults = {"kafka.brokers": self.kafka.brokers, "kafka.topic": topic, "kafka.group": topic, "redis.url": self.redis.url}
        return self._add(Daemon, "aggregator", name, {**defaults, **(settings or {})}, start, **start_options)

    def api(self, topic="usage.events", settings=None, name=None, start=True, **start_options):
        defaults = {"redis.url": self.redis.url, "auth.token": API_TOKEN}
        return self._add(Api, "api", name, {**defaults, **(settings or {})}, start, **start_options)

    def recount(self, topic):
        """`daybook recount`; it must agree. Its output."""
        done = run_program(
            "daybook", "recount", "--brokers", self.kafka.brokers, "--topic", topic, "--redis", self.redis.url, timeout_s=120
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def logs(self):
        return "\n".join(f"---- {part.name} ----\n{part.log_tail(40)}" for part in self.parts)

    def kill(self):
        for part in self.parts:
            part.kill()
