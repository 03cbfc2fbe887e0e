"""Closed days for the tests of what lists, proves and compares them: a collector, an aggregator with an archive, and the commands."""

import datetime
import json
import os

from harness import run_program, wait_until

# Days close only when a test asks for it: events of days before the log's first one wait for quiet.
BY_HAND = {"closing.restate_after_s": 604800, "closing.check_ms": 50}


def day_before(days):
    """A day that is over whenever midnight comes: 2 or more days before today."""
    assert days >= 2
    return datetime.datetime.now(datetime.timezone.utc).date() - datetime.timedelta(days=days)


class ClosedDays:
    def __init__(self, kafka, redis, topic, daybook, directory, settings=None, collector=True):
        self.kafka, self.redis, self.topic, self.daybook = kafka, redis, topic, daybook
        self.archive = directory / "archive"
        self.archive.mkdir()
        self.aggregator = daybook.aggregator(topic=topic, settings={**BY_HAND, "closing.archive": self.archive, **(settings or {})})
        self.collector = daybook.collector(topic=topic) if collector else None
        self.posted = 0

    @property
    def environment(self):
        return {
            **os.environ,
            "KAFKA_BROKERS": self.kafka.brokers,
            "TOPIC": self.topic,
            "REDIS_URL": self.redis.url,
            "ARCHIVE_DIR": str(self.archive),
        }

    def run(self, command, *arguments, code=0, timeout_s=150):
        """What `daybook COMMAND` printed; it must end with the code."""
        done = run_program("daybook", command, *arguments, env=self.environment, timeout_s=timeout_s)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    def post(self, day, number, **fields):
        """So many events of the day, counted when this returns."""
        noon = f"{day}T12:00:00Z"
        body = [{"method": "GET", "route": f"/v1/things/{i % 5}", "status": 200, "latencyMs": 1 + i, "time": noon, **fields} for i in range(number)]
        status, answer = self.collector.post(body)
        assert status == 202 and answer["accepted"] == number, (status, answer)
        self.posted += number
        self.wait_counted(self.posted)

    def wait_counted(self, number):
        def counted():
            client = self.redis.client()
            return sum(int(client.hget(key, "events") or 0) + int(client.hget(key, "duplicates") or 0) for key in client.scan_iter("{p*}:meta"))

        wait_until(lambda: counted() == number, 30, f"{number} events are counted, now {counted()}")

    def close(self, day):
        return self.run("close", "--day", day)

    def days(self, *arguments):
        return json.loads(self.run("days", "--json", *arguments))
