"""What Get Usage says beside the counts: rate limits, alerts from the data, costs; on a real Redis, of events whose numbers are known."""

import json
import time
from collections import Counter

import live_fixture as fixture
import pytest
from access import UNLIMITED
from harness import API_TOKEN, Api, Redis
from registry_fixture import make_client, make_token
from test_usage_api import failure, usage

SLOT, HOUR, DAY = fixture.SLOT, fixture.HOUR, fixture.DAY
WEEK = 7 * DAY
PARTITIONS = 2


def event(ms, client, status=200, latency_us=1000, route="/v1/x", org="acme"):
    return fixture.Event(ms, org, client, "", "", "GET", route, status, latency_us, 1, 2, 1)


def events_of(now):
    """near: 90 requests now; rising: fails in the second half of the day; slow: ten times as slow as a week ago; idle: three days ago; fine."""
    early, late = now - 20 * HOUR, now - HOUR
    found = [event(now, "near") for _ in range(90)] + [event(now, "near", route="/v1/orders") for _ in range(7)]
    found += [event(early, "rising") for _ in range(200)]
    found += [event(late, "rising", status=500 if i < 50 else 200) for i in range(200)]
    found += [event(early - WEEK, "slow", latency_us=20_000) for _ in range(120)]
    found += [event(early, "slow", latency_us=200_000) for _ in range(120)]
    found += [event(now - 3 * DAY, "idle")]
    found += [event(early - WEEK, "fine"), event(early, "fine"), event(late, "fine")]
    return found


class World:
    def __init__(self, directory):
        self.now = int(time.time() * 1000)
        self.events = events_of(self.now)
        self.redis = Redis("redis", directory / "redis").start()
        self.client = self.redis.client()
        fixture.write(self.client, self.events, PARTITIONS, self.now)
        self.fill()
        settings = {"redis.url": self.redis.url, "auth.token": API_TOKEN, **UNLIMITED}
        self.api = Api("api", "api", directory / "api", settings).start()

    def set(self, kind, identity, **entry):
        self.client.hset(f"{{daybook}}:{kind}", identity, json.dumps(entry))
        self.client.incr("{daybook}:version")

    def limit(self, identity, period, value, client=None, plan=None, metric="hits"):
        organization = "acme" if client else None
        rule = dict(id=identity, organization=organization, client=client, plan=plan, metric=metric, period=period)
        self.set("limits", identity, **rule, value=value, levels=[])

    def fill(self):
        plan = dict(name="gold", title="Gold", organization=None, currency="EUR", included=50, priceMicros=1_000_000, ceiling=1000)
        self.set("plans", "gold", **plan)
        self.set("methods", "orders", name="orders", title="", organization=None, endpoints=["GET /v1/orders"])
        make_client(self.client, "acme", "near", plan="gold")
        make_client(self.client, "acme", "fine")
        self.limit("hour", "hour", 100, client="near")
        self.limit("day", "day", 100_000, plan="gold")
        self.limit("orders", "hour", 7, client="near", metric="orders")
        self.token = make_token(self.client, "acme", "near")

    def counts(self, answer, route=None):
        """Requests of the key near in the minute, hour and day of the answer."""
        at = fixture.parse(answer["timestamp"])
        mine = [e.time for e in self.events if e.client == "near" and route in (None, e.route)]
        return [sum(1 for ms in mine if ms // unit == at // unit) for unit in (fixture.MINUTE, HOUR, DAY)]


NAMES = ("requestsPerMinute", "requestsPerHour", "requestsPerDay")


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    made = World(tmp_path_factory.mktemp("advice"))
    yield made
    made.api.kill()
    made.redis.kill()


def kinds(answer):
    return Counter((alert["type"], alert["priority"]) for alert in answer["alerts"])


def message(answer, kind):
    return next(alert["message"] for alert in answer["alerts"] if alert["type"] == kind)


@pytest.mark.parametrize("timeframe", ["1h", "24h", "7d", "90d"])
@pytest.mark.parametrize("selection", [{"keyId": "near"}, {"key_id": "near", "organization": "acme"}])
def test_rate_limits(world, timeframe, selection):
    answer = usage(world.api, timeframe=timeframe, granularity="day", **selection)
    used, limits = world.counts(answer), [None, 100, 100_000]
    assert answer["rateLimits"]["current"] == dict(zip(NAMES, limits, strict=True))
    assert answer["rateLimits"]["usage"] == dict(zip(NAMES, used, strict=True))
    utilization = [limit and fixture.ratio(100 * n, limit) for n, limit in zip(used, limits, strict=True)]
    assert answer["rateLimits"]["utilization"] == dict(zip(NAMES, utilization, strict=True))
    if used[1] == 97:
        assert kinds(answer)["quota_near", "high"] == 1
        assert message(answer, "quota_near") == "97 requests were made of the limit of 100 requests an hour."


def test_limits_of_a_method(world):
    answer = usage(world.api, keyId="near", endpoint="orders")
    used = world.counts(answer, "/v1/orders")
    assert answer["rateLimits"]["current"] == dict(zip(NAMES, [None, 7, None], strict=True))
    assert answer["rateLimits"]["usage"] == dict(zip(NAMES, [None, *used[1:]], strict=True))
    assert used[1] != 7 or kinds(answer)["quota_exceeded", "critical"] == 1
    for parameters in ({"keyId": "near", "endpoint": "GET /v1/orders"}, {}, {"organization": "acme"}, {"keyId": "rising"}):
        assert usage(world.api, **parameters)["rateLimits"]["current"] == dict.fromkeys(NAMES), parameters


def test_the_token_of_a_key(world):
    answer = usage(world.api, token=world.token)
    assert answer["rateLimits"]["current"]["requestsPerHour"] == 100
    status, error, _ = failure(world.api, token=world.token, keyId="fine")
    assert (status, error["error"]) == (403, "FORBIDDEN")


def test_what_the_plan_includes(world):
    answer = usage(world.api, keyId="near", include_costs="true")
    month = time.gmtime(fixture.parse(answer["timestamp"]) / 1000).tm_mon
    if time.gmtime(world.now / 1000).tm_mon != month:
        pytest.skip("a month has just begun")
    assert kinds(answer)["quota_exceeded", "medium"] == 1
    costs = answer["costs"]
    assert (costs["kind"], costs["used"], costs["overage"]) == ("client", 97, 47)
    assert costs["used"] == sum(day["requests"] for day in costs["days"])
    assert "costs" not in usage(world.api, keyId="near") and usage(world.api, keyId="rising", includeCosts="true")["costs"] is None


def test_rising_errors(world):
    answer = usage(world.api, keyId="rising", timeframe="24h")
    assert kinds(answer) == {("error_rate_rising", "high"): 1}
    assert "from 0.0 % in the first half of the window to 25.0 % (50 of 200 requests)" in message(answer, "error_rate_rising")
    for granularity in ("hour", "day", "month"):
        assert usage(world.api, keyId="rising", granularity=granularity)["alerts"] == answer["alerts"]


def test_slower_than_a_week_before(world):
    answer = usage(world.api, keyId="slow", timeframe="24h")
    assert kinds(answer) == {("latency_regression", "high"): 1}
    assert "up to 200.000 ms" in message(answer, "latency_regression") or "up to 19" in message(answer, "latency_regression")
    assert usage(world.api, keyId="slow", timeframe="30d", granularity="day")["alerts"] == []


def test_idle_keys(world):
    answer = usage(world.api, organization="acme")
    assert kinds(answer)["idle_keys", "low"] == 1
    assert message(answer, "idle_keys") == "1 key made requests in the week before this window, and none in it: idle."
    assert "idle of 'acme'" in message(usage(world.api), "idle_keys")
    assert usage(world.api, keyId="idle")["alerts"] == []
    assert "idle_keys" not in {kind for kind, _ in kinds(usage(world.api, timeframe="7d", granularity="day"))}


def test_nothing_to_say(world):
    assert usage(world.api, keyId="fine")["alerts"] == []


def test_changed_limits_hold_at_once(world):
    world.limit("hour", "hour", 1000, client="near")
    end = time.monotonic() + 10
    while usage(world.api, keyId="near")["rateLimits"]["current"]["requestsPerHour"] != 1000:
        assert time.monotonic() < end
        time.sleep(0.05)
    world.limit("hour", "hour", 100, client="near")
