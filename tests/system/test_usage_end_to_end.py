"""Events by way of collector, Kafka, aggregator and Redis: the API answers what Python makes of the events themselves."""

import itertools
import time
from decimal import Decimal

import live_fixture as fixture
from harness import wait_until
from test_usage_api import usage


def native(event):
    """As POST /v1/events takes it."""
    body = {
        "time": event.time,
        "organization": event.org,
        "client": event.client,
        "user": event.user,
        "method": event.method,
        "route": event.route,
        "status": event.status,
        "latencyMs": event.latency / 1000,
        "requestBytes": event.sent,
        "responseBytes": event.received,
        "platform": event.platform,
    }
    return {name: value for name, value in body.items() if value != ""}


def check(api, events, **parameters):
    answer = usage(api, **parameters)
    for row in answer["errors"]["byType"]:
        row.pop("description")
    answer.pop("alerts")
    now = fixture.parse(answer.pop("timestamp"))
    empty = min(event.time for event in events) // fixture.DAY - 1  # before the log began, and nothing came of it
    assert answer == fixture.expected(events, now, parameters, empty, range(empty + 1)), parameters
    return answer


def test_every_number_of_what_was_sent(kafka, redis, daybook):
    topic = kafka.create_topic(partitions=4)
    collector, aggregator, api = daybook.collector(topic=topic), daybook.aggregator(topic=topic), daybook.api()
    now = int(time.time() * 1000)
    events = [e._replace(revision=1) for e in fixture.random_events(31, now, n=4000) if e.time > now - 34 * fixture.DAY]
    for at in range(0, len(events), 250):
        status, answer = collector.post([native(event) for event in events[at : at + 250]])
        assert status == 202 and answer["rejected"] == [], answer

    def counted():
        status, answer = api.ask("/v1/developer/usage", timeframe="all", granularity="day")
        return status == 200 and answer["usage"]["totalRequests"] == len(events)

    wait_until(counted, 30, "everything is counted")
    assert aggregator.alive()
    for timeframe in ("1h", "24h", "7d", "30d", "all"):
        for granularity in ("minute", "hour", "day", "week", "month"):
            if granularity == "minute" and timeframe not in ("1h", "24h"):
                continue
            check(api, events, timeframe=timeframe, granularity=granularity, limit=1000)
    check(api, events, timeframe="7d", granularity="hour", keyId="c-3")
    check(api, events, timeframe="30d", granularity="day", organization="acme", sortBy="latency", sortOrder="asc")
    check(api, events, timeframe="30d", granularity="day", endpoint="PATCH /v1/größe/{id}")
    answer = check(api, events, timeframe="24h", granularity="minute", keyId="c-1")
    assert isinstance(answer["usage"]["requestsPerMinute"], (int, Decimal))


def test_an_event_is_seen_within_two_seconds(kafka, redis, daybook):
    """From its acknowledgement to the answer; ten of them in a row, whatever else a busy machine does for a while."""
    topic = kafka.create_topic(partitions=4)
    collector, _, api = daybook.collector(topic=topic), daybook.aggregator(topic=topic), daybook.api()
    event = {"client": "c-1", "organization": "acme", "method": "GET", "route": "/v1/x", "status": 200}
    assert collector.post([event])[0] == 202
    wait_until(lambda: api.ask("/v1/developer/usage")[0] == 200, 30, "the first one is counted")
    numbers = itertools.count(2)

    def took():
        number = next(numbers)
        assert collector.post([event])[0] == 202
        begin = time.monotonic()
        wait_until(lambda: usage(api, keyId="c-1")["usage"]["totalRequests"] == number, 30, "counted", step_s=0.005)
        return time.monotonic() - begin

    def slowest_of_ten():
        slowest = max(took() for _ in range(10))
        print(f"slowest of ten: {slowest * 1000:.0f} ms")
        return slowest

    wait_until(lambda: slowest_of_ten() < 2, 60, "ten are seen within two seconds each")
