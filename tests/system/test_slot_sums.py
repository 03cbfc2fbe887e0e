"""What a slot comes to, as the aggregator keeps it: all that was counted, or nothing at all, whatever happens to the aggregator; and answers are the same."""

import time

import live_fixture as fixture
from harness import wait_until
from test_usage_api import usage
from test_usage_end_to_end import check, native

SUMS_MAX = 5000  # KEYS_SLOT_SUMS_MAX
CLIENTS, ROUTES = 6, 1000  # as many routes as a client may have


def sums(redis):
    """Key -> its numbers of requests: by client, by route, and by minute."""
    client, found = redis.client(), {}
    for key in client.scan_iter("{p*}:ss:*", count=10000):
        totals = {"c": 0, "r": 0, "m": 0}
        for field, value in client.hgetall(key).items():
            words = value.split(" ")
            single = ":" not in words[0] and field != "m"  # one request has a short text
            totals[field[0]] += sum(map(int, words)) if field == "m" else 1 if single else int(words[1])
        found[key] = tuple(totals.values())
    return found


def totals(redis):
    """The same keys -> requests of the slot."""
    client = redis.client()
    return {
        key.replace(":t:", ":ss:") + f":{slot}": int(requests)
        for key in client.scan_iter("{p*}:t:*")
        for slot, requests in client.hgetall(key).items()
    }


def send(collector, events):
    for at in range(0, len(events), 1000):
        status, answer = collector.post([native(event) for event in events[at : at + 1000]])
        assert status == 202 and answer["rejected"] == [], answer


def counted(api, events):
    def all_of_them():
        status, answer = api.ask("/v1/developer/usage", timeframe="24h", granularity="hour")
        return status == 200 and answer["usage"]["totalRequests"] == events

    wait_until(all_of_them, 60, f"{events} events are counted")


def test_they_are_all_that_was_counted(kafka, redis, daybook):
    topic = kafka.create_topic(partitions=4)
    collector, aggregator, api = daybook.collector(topic=topic), daybook.aggregator(topic=topic), daybook.api()
    now = int(time.time() * 1000)
    events = [e._replace(revision=1) for e in fixture.random_events(53, now, n=3000) if now - 20 * fixture.HOUR < e.time <= now]
    for part in range(3):
        send(collector, events[part::3])
        counted(api, sum(len(events[i::3]) for i in range(part + 1)))
        aggregator.kill()
        aggregator.start()
    requests = totals(redis)
    assert sums(redis) == {key: (n, n, n) for key, n in requests.items()} and sum(requests.values()) == len(events)
    check(api, events, timeframe="24h", granularity="hour", limit=1000)


def test_where_there_are_too_many_there_are_none(kafka, redis, daybook):
    """The rows are read instead, before and after the aggregator has forgotten what it knew of the slot."""
    topic = kafka.create_topic(partitions=1)
    collector, aggregator, api = daybook.collector(topic=topic), daybook.aggregator(topic=topic), daybook.api()
    at = int(time.time() * 1000) // fixture.SLOT * fixture.SLOT - 2 * fixture.SLOT
    event = fixture.random_events(7, at, n=1)[0]._replace(revision=1, time=at, org="acme")
    events = [
        event._replace(client=f"c-{i % CLIENTS}", route=f"/v1/{i}", method="GET", time=at + i)
        for i in range(CLIENTS * ROUTES)
    ]
    few = events[: SUMS_MAX // 4]
    send(collector, few)
    counted(api, len(few))
    assert list(sums(redis).values()) == [(len(few),) * 3]
    send(collector, events[len(few) :])
    counted(api, len(events))
    assert sums(redis) == {}
    aggregator.kill()
    aggregator.start()
    send(collector, [event])
    counted(api, len(events) + 1)
    assert sums(redis) == {}
    answer = usage(api, timeframe="24h", granularity="hour")
    assert len(answer["breakdown"]["byEndpoint"]) > 0 and answer["usage"]["totalRequests"] == len(events) + 1


def test_routes_over_the_cap_have_one_name(kafka, redis, daybook):
    """In sums, in rows, and whoever is asked for."""
    topic = kafka.create_topic(partitions=1)
    collector, _, api = daybook.collector(topic=topic), daybook.aggregator(topic=topic), daybook.api()
    at = int(time.time() * 1000) // fixture.SLOT * fixture.SLOT - 2 * fixture.SLOT
    event = fixture.random_events(7, at, n=1)[0]._replace(revision=1, org="acme", client="c-1", method="GET")
    send(collector, [event._replace(route=f"/v1/{i}", time=at + i) for i in range(ROUTES + 200)])
    counted(api, ROUTES + 200)

    def endpoints(api, **parameters):
        rows = usage(api, timeframe="24h", granularity="hour", limit=1000, **parameters)["breakdown"]["byEndpoint"]
        return {row["endpoint"]: row["requests"] for row in rows}

    assert list(sums(redis).values()) == [(ROUTES + 200,) * 3]
    by_sums, of_one = endpoints(api), endpoints(api, keyId="c-1")
    assert by_sums == of_one and by_sums["{other}"] == 200
    for key in sums(redis):
        redis.client().delete(key)
    assert endpoints(daybook.api(name="other", settings={"cache.warm": "false"})) == by_sums
