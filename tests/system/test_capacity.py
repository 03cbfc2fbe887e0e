"""GET /api/v2/usage/capacity on a real Redis: every number against what the test itself counts from the events, before and after days
are closed."""

import json
import random
import time
from collections import Counter
from datetime import datetime, timezone
from decimal import Decimal
from zoneinfo import ZoneInfo

import closed_fixture
import live_fixture as fixture
import pytest
from access import UNLIMITED
from harness import API_TOKEN, Api, wait_until
from live_fixture import DAY, HOUR, MINUTE, SLOT, ratio
from registry_fixture import make_client, make_token
from test_usage_api import fetch, usage

PARTITIONS = 3
PATH = "/api/v2/usage/capacity"
ZONES = ["UTC", "Asia/Kathmandu", "America/New_York", "Australia/Lord_Howe"]
TIMEFRAMES = {"1h": HOUR, "24h": DAY, "7d": 7 * DAY, "30d": 30 * DAY, "90d": 90 * DAY}


def local(at, zone):
    return datetime.fromtimestamp(at // 1000, ZoneInfo(zone))


def parse(text):
    return int(datetime.fromisoformat(text).timestamp() * 1000)


def peak_of(sums):
    """The first of the largest."""
    best = max(sums.values(), default=0)
    return {"value": best, "at": min((at for at, n in sums.items() if n == best), default=None) if best else None}


def read_peak(peak):
    return peak and {"value": peak["value"], "at": peak["at"] and parse(peak["at"])}


class Counted:
    """What a window holds, by slots; each period begins where its name is heard first."""

    def __init__(self, events, from_ms, to_ms, zone):
        self.from_ms, self.to_ms, self.zone = from_ms, to_ms, zone
        last = to_ms // SLOT * SLOT
        self.slots = Counter({at: 0 for at in range(from_ms, last + 1, SLOT)})
        self.minutes = Counter()
        self.since = max(from_ms, last - 48 * HOUR + SLOT)
        for event in events:
            if event.time // SLOT * SLOT in self.slots:
                self.slots[event.time // SLOT * SLOT] += 1
                self.minutes[event.time // MINUTE * MINUTE] += event.time >= self.since
        self.total = sum(self.slots.values())

    def by(self, name, zone=None):
        sums, begins = Counter(), {}
        for at in sorted(self.slots):
            sums[begins.setdefault(name(local(at, zone or self.zone)), at)] += self.slots[at]
        return sums

    def hours(self, zone=None):
        return self.by(lambda t: (t.date(), t.hour, t.utcoffset()), zone)

    def days(self, zone=None):
        return self.by(lambda t: t.date(), zone)

    def weeks(self):
        return self.by(lambda t: t.isocalendar()[:2], "UTC")

    def months(self):
        return self.by(lambda t: (t.year, t.month), "UTC")


def times(peak, unit, total, span):
    return Decimal((2 * peak * span * 1000 + total * unit) // (2 * total * unit)) / 1000 if total else Decimal(0)


class World:
    def __init__(self, client, api, seed):
        self.now = int(time.time() * 1000)
        self.events = fixture.random_events(seed, self.now, n=3000)
        self.client, self.api = client, api
        fixture.write(client, self.events, PARTITIONS, self.now)

    def ask(self, token=API_TOKEN, **parameters):
        status, _, body = fetch(self.api, path=PATH, token=token, **parameters)
        assert status == 200, (parameters, body)
        return json.loads(body, parse_float=Decimal)

    def counted(self, answer, zone="UTC", **scope):
        events = [e for e in self.events if all(getattr(e, name) == value for name, value in scope.items())]
        window = answer["window"]
        return Counted(events, parse(window["from"]), parse(answer["timestamp"]), zone)

    def check(self, scope=None, token=API_TOKEN, **parameters):
        zone, timeframe = parameters.get("timeZone", "UTC"), parameters.get("timeframe", "24h")
        answer = self.ask(token, **parameters)
        counted = self.counted(answer, zone, **(scope or {}))
        now = parse(answer["timestamp"])
        if timeframe in TIMEFRAMES:
            assert counted.from_ms == (now - TIMEFRAMES[timeframe]) // SLOT * SLOT
        assert answer["totalRequests"] == counted.total
        assert read_peak(answer["peakRequestsPerHour"]) == peak_of(counted.hours())
        assert read_peak(answer["peakRequestsPerDay"]) == peak_of(counted.days())
        busiest = sorted(((n, -at) for at, n in counted.hours().items() if n), reverse=True)[:10]
        assert [(hour["requests"], -parse(hour["at"])) for hour in answer["busiestHours"]] == busiest
        if "endpoint" in parameters:
            assert answer["peakRequestsPerMinute"] is None and answer["minutesSince"] is None
        else:
            assert read_peak(answer["peakRequestsPerMinute"]) == peak_of(counted.minutes)
            assert parse(answer["minutesSince"]) == counted.since
        self.check_averages(answer, counted, now)
        for hour in answer["busiestHours"]:
            assert datetime.fromisoformat(hour["at"]).utcoffset() == local(parse(hour["at"]), zone).utcoffset()
        return answer

    def check_averages(self, answer, counted, now):
        span, total = now - counted.from_ms, counted.total
        units = {"requestsPerMinute": MINUTE, "requestsPerHour": HOUR, "requestsPerDay": DAY}
        assert answer["average"] == {name: ratio(total * unit, span) for name, unit in units.items()}
        expected = {"hour": times(peak_of(counted.hours())["value"], HOUR, total, span)}
        expected["day"] = times(peak_of(counted.days())["value"], DAY, total, span)
        kept, largest = sum(counted.minutes.values()), peak_of(counted.minutes)["value"]
        has_minutes = answer["minutesSince"] is not None
        expected["minute"] = times(largest, MINUTE, kept, now - counted.since) if has_minutes else None
        assert answer["peakToAverage"] == expected


@pytest.fixture
def world(tmp_path, redis):
    seed = random.randrange(10**6)
    print(f"seed {seed}")
    api = Api("api", "api", tmp_path / "api", {"redis.url": redis.url, "auth.token": API_TOKEN, **UNLIMITED}).start()
    yield World(redis.client(), api, seed)
    api.kill()


def check_all(world):
    for zone in ZONES:
        for timeframe in TIMEFRAMES:
            world.check(timeframe=timeframe, timeZone=zone)
    event = next(e for e in world.events if e.org == "acme")
    world.check({"org": "acme"}, organization="acme", timeframe="7d")
    world.check({"client": "c-1"}, clientId="c-1", timeframe="30d", timeZone="Asia/Kathmandu")
    world.check({"org": "acme", "client": "c-0"}, organization="acme", clientId="c-0")
    scope = {"method": event.method, "route": event.route}
    world.check(scope, endpoint=f"{event.method} {event.route}", timeframe="90d", timeZone="America/New_York")


def test_peaks(world):
    check_all(world)
    today = world.now // DAY
    books = closed_fixture.Books(world.client, world.events, PARTITIONS)
    days = sorted({e.time // DAY for e in world.events if e.time // DAY < today - 1})
    for day in days[-40:]:
        books.close(day)
        books.close(day, 2)
    check_all(world)
    old = [day for day in days[-40:] if day < today - 2]  # the minutes of later ones are still kept
    for revision in (1, 2):
        books.remove_all_buckets(old, revision)
    check_all(world)


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kathmandu"])
def test_the_same_as_get_usage(world, zone):
    for timeframe in [*TIMEFRAMES, "1y", "all"]:
        parameters = {"timeframe": timeframe, "timeZone": zone}
        answer, other = world.ask(**parameters), usage(world.api, granularity="month", **parameters)
        if answer["window"]["from"] != other["window"]["from"]:  # a quarter of an hour began between them
            answer = world.ask(**parameters)
        for name in ("peakRequestsPerMinute", "peakRequestsPerHour"):
            assert answer[name]["value"] == other["usage"][name]
        assert answer["totalRequests"] == other["usage"]["totalRequests"]


def limit(client, identity, organization, period, value, metric="hits"):
    entry = dict(id=identity, organization=organization, client="c-0", plan=None, metric=metric, period=period, value=value, levels=[])
    client.hset("{daybook}:limits", identity, json.dumps(entry))
    client.incr("{daybook}:version")


def test_headroom(world):
    make_client(world.client, "acme", "c-0")
    values = {"minute": 2, "hour": 7, "day": 10**6, "week": 20, "month": 11}
    for period, value in values.items():
        limit(world.client, f"of-{period}", "acme", period, value)
    assert world.ask(organization="acme")["limits"] == []
    wait_until(lambda: len(world.ask(clientId="c-0", organization="acme")["limits"]) == 5, 30, "limits are known")
    for timeframe, zone in [("24h", "UTC"), ("7d", "Asia/Kathmandu"), ("90d", "America/New_York")]:
        answer = world.check({"org": "acme", "client": "c-0"}, organization="acme", clientId="c-0", timeframe=timeframe, timeZone=zone)
        counted = world.counted(answer, "UTC", org="acme", client="c-0")
        sums = {"minute": counted.minutes, "hour": counted.hours("UTC"), "day": counted.days("UTC")}
        sums |= {"week": counted.weeks(), "month": counted.months()}
        assert [entry["period"] for entry in answer["limits"]] == list(values)
        for entry in answer["limits"]:
            value, peak = values[entry["period"]], peak_of(sums[entry["period"]])
            assert {"value": entry["peak"], "at": entry["at"] and parse(entry["at"])} == peak
            assert (entry["limit"], entry["headroom"]) == (value, value - peak["value"])
            assert entry["utilization"] == ratio(100 * peak["value"], value)


def test_callers_see_their_own(world):
    whole = make_token(world.client, "acme", permissions=())
    one = make_token(world.client, "acme", of_client="c-0", permissions=())
    wait_until(lambda: fetch(world.api, path=PATH, token=one)[0] == 200, 30, "the tokens are known")
    world.check({"org": "acme"}, token=whole, timeframe="30d")
    world.check({"org": "acme", "client": "c-0"}, token=one, timeframe="30d")
    for token, parameters in [(whole, {"organization": "globex"}), (one, {"clientId": "c-1"})]:
        assert fetch(world.api, path=PATH, token=token, **parameters)[0] == 403


def test_what_is_refused(world):
    for parameters, field in [
        ({"timeframe": "2h"}, "timeframe"),
        ({"clientId": ""}, "clientId"),
        ({"keyId": "c-1"}, "keyId"),
        ({"granularity": "hour"}, "granularity"),
        ({"timeZone": "Mars/Olympus"}, "timeZone"),
        ({"endpoint": "unheard-of"}, "endpoint"),
        ({"organization": "a\nb"}, "organization"),
    ]:
        status, _, body = fetch(world.api, path=PATH, **parameters)
        error = json.loads(body)
        assert status == 400 and error["field"] == field and error["allowed"], (parameters, error)
    assert fetch(world.api, path=PATH, clientId="nobody")[0] == 404
    assert datetime.fromisoformat(world.ask()["window"]["to"]).tzinfo == timezone.utc
