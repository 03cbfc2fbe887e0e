"""GET /v1/developer/usage with since and until: every number of any range against live_fixture's own calculation, in every zone and
granularity, and against the statistics of the same range; what is wrong is refused."""

import random
import time
from collections import Counter
from datetime import datetime, timedelta
from urllib.parse import quote
from zoneinfo import ZoneInfo

import closed_fixture
import live_fixture as fixture
import pytest
from harness import API_TOKEN, Api, shared_world
from live_fixture import DAY, HOUR, SLOT
from test_usage_api import PARTITIONS, PATH, SELECTIONS, failure, fetch, usage

ZONES = ["UTC", "Asia/Kathmandu", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia"]


class World:
    """Events of two years, of which all days but the last three are closed."""

    def __init__(self, redis, directory):
        self.now = int(time.time() * 1000)
        self.today, self.seed = self.now // DAY, random.randrange(10**6)
        self.events = fixture.random_events(self.seed, self.now, n=1500)
        self.redis = redis
        fixture.write(self.redis.client(), self.events, PARTITIONS, self.now)
        self.closed = self.close(closed_fixture.Books(self.redis.client(), self.events, PARTITIONS))
        settings = {"redis.url": self.redis.url, "auth.token": API_TOKEN, "archive.directory": directory / "archive"}
        self.api = Api("api", "api", directory / "api", settings).start()

    def close(self, books):
        """Days of which nothing came late; the older half has no bucket any more."""
        late = {e.time // DAY for e in self.events if e.revision == 2}
        days = sorted({e.time // DAY for e in self.events if e.time // DAY < self.today - 2} - late)
        for day in days:
            books.close(day, 1, "day_end")
        books.remove_all_buckets(days[: len(days) // 2], 1)
        return set(days)

    def check(self, **parameters):
        """Asks, and compares everything. The answer."""
        answer = usage(self.api, **parameters)
        now = fixture.parse(answer["timestamp"])
        seen = {key: value for key, value in answer.items() if key not in ("timestamp", "alerts", "finalizedThrough")}
        for row in seen.get("errors", {}).get("byType", []):
            assert row.pop("description")
        wanted = fixture.expected(self.events, now, parameters, closed=self.closed)
        wanted.pop("finalizedThrough")
        assert seen == wanted, f"seed {self.seed}, {parameters}"
        return answer

    def local(self, zone, ms):
        return datetime.fromtimestamp(ms // 1000, ZoneInfo(zone)).replace(tzinfo=None)

    def date(self, zone, days):
        """So many days before now."""
        return self.local(zone, self.now - days * DAY).strftime("%Y-%m-%d")


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    with shared_world(World, tmp_path_factory.mktemp("range")) as made:
        yield made


@pytest.mark.parametrize("zone", ZONES)
def test_dates(world, zone):
    """Whole dates: closed ones, some that are not, and such as have only begun."""
    for first, last in ((90, 60), (8, 6), (400, 5), (3, 1), (5, 0), (0, 0), (1, -2), (-3, -5)):
        for granularity in ("hour", "day", "week", "month"):
            if granularity == "hour" and first == 400:
                continue
            asked = {"since": world.date(zone, first), "until": world.date(zone, last), "timeZone": zone}
            answer = world.check(**asked, granularity=granularity, limit=1000)
            for name in ("byEndpoint", "byMethod", "byStatusCode", "byKey"):
                assert sum(row["requests"] for row in answer["breakdown"][name]) == answer["usage"]["totalRequests"]
            assert sum(point["requests"] for point in answer["timeSeries"]) == answer["usage"]["totalRequests"]


@pytest.mark.parametrize("zone", ZONES)
def test_times(world, zone):
    """Any second, near events or where the clock is changed; with both forms of a time and of the path."""
    rng = random.Random(world.seed)
    changes = [datetime(2026, 3, 8, 2, 30), datetime(2026, 11, 1, 1, 30), datetime(2026, 4, 5, 1, 45), datetime(2026, 10, 4, 2, 15)]
    for path, form in ((PATH, "%Y-%m-%d %H:%M:%S"), ("/api" + PATH, "%Y-%m-%dT%H:%M:%S")):
        for change in (None, None, None, *changes):
            start = change or world.local(zone, rng.choice(world.events).time)
            end = start + timedelta(seconds=rng.choice([0, 1, 900, 86399, 86400 * 9 + 17]))
            asked = {"since": start.strftime(form), "until": end.strftime(form), "timeZone": zone, "path": path}
            if fixture.range_of(world.now, asked)[0] < fixture.range_of(world.now, asked)[1]:
                world.check(**asked, granularity=rng.choice(["hour", "day", "week", "month"]), **rng.choice(list(SELECTIONS.values())[:4]))


@pytest.mark.parametrize("selection", SELECTIONS)
def test_who_and_what(world, selection):
    parameters = dict(SELECTIONS[selection])
    if "endpoint" in parameters:
        method, _, route = parameters["endpoint"].partition(" ")
        parameters["endpoint"] = f"{method.upper()} {route}"
    for first, last in ((60, 20), (4, 0)):
        asked = {"since": world.date("Asia/Kathmandu", first), "until": world.date("Asia/Kathmandu", last)}
        world.check(**asked, timeZone="Asia/Kathmandu", granularity="day", sortBy="latency", **parameters)


def test_minutes(world):
    """Of the last two days; with their peaks."""
    for begin, length in ((30 * HOUR, 2 * HOUR), (3 * HOUR, 5 * HOUR), (SLOT, HOUR), (50 * HOUR, 10 * HOUR)):
        since, until = (fixture.iso(world.now - ms)[:19] for ms in (begin, begin - length))
        if begin < 48 * HOUR:
            world.check(since=since, until=until, granularity="minute")
        else:
            error = failure(world.api, since=since, until=until, granularity="minute")[1]
            assert error["error"] == "INVALID_GRANULARITY" and error["allowed"] == ["hour", "day", "week", "month"]
        world.check(since=since, until=until, granularity="hour")


def test_until_now(world):
    """Without until the range ends now, as a timeframe does."""
    since = fixture.iso(world.now - 3 * DAY)[:19]
    open_end, today = world.check(since=since, granularity="day"), world.check(since=since, until=world.date("UTC", 0), granularity="day")
    assert open_end["window"]["to"] == open_end["timestamp"] and today["window"]["to"] == today["timestamp"]
    for _ in range(5):
        week = usage(world.api, timeframe="7d", granularity="day", limit=1000)
        same = usage(world.api, since=week["window"]["from"][:19], granularity="day", limit=1000)
        if same["timestamp"][:16] == week["timestamp"][:16]:  # else a minute ended meanwhile
            break
    for name in ("breakdown", "errors", "latency", "rateLimits", "alerts", "finalizedThrough"):
        assert same[name] == week[name], name
    assert same["timeSeries"] == week["timeSeries"] and same["window"]["from"] == week["window"]["from"]


def test_granularities_agree(world):
    """The same range by every granularity: the same totals and lists, which no unit widens."""
    zone = "America/New_York"
    asked = {"since": f"{world.date(zone, 40)} 07:20:00", "until": f"{world.date(zone, 9)} 16:50:00", "timeZone": zone, "limit": 1000}
    first, *others = (world.check(**asked, granularity=unit) for unit in ("hour", "day", "week", "month"))
    for other in others:
        for name in ("usage", "breakdown", "errors", "latency", "window"):
            assert other[name] == first[name], name


@pytest.mark.parametrize("zone", ZONES)
def test_statistics_say_the_same(world, zone):
    rng = random.Random(world.seed)
    organizations = Counter(e.org for e in world.events if "/" not in e.org).most_common(3)
    for organization, _ in organizations:
        for first, last in ((70, 30), (12, 3), (2, 0)):
            span = {"since": world.date(zone, first), "until": world.date(zone, last)}
            answer = usage(world.api, **span, timeZone=zone, organization=organization, granularity="day")
            for unit in ("hour", "21600", "day", "eternity"):
                asked = {**span, "timezone": zone, "granularity": unit, "metric_name": "hits"}
                same = usage(world.api, path=f"/stats/services/{quote(organization)}/usage.json", **asked)
                assert same["total"] == answer["usage"]["totalRequests"], (world.seed, organization, asked)
                if unit == "day":
                    points = [point["requests"] for point in answer["timeSeries"]]
                    assert same["values"][: len(points)] == points and not any(same["values"][len(points) :])
            start = world.local(zone, rng.choice(world.events).time)
            span = {"since": f"{start:%Y-%m-%d %H:%M:%S}", "until": f"{start + timedelta(hours=rng.randrange(50)):%Y-%m-%d %H:%M:%S}"}
            answer = usage(world.api, **span, timeZone=zone, organization=organization)
            asked = {**span, "timezone": zone, "granularity": "eternity", "metric_name": "hits"}
            same = usage(world.api, path=f"/stats/services/{quote(organization)}/usage.json", **asked)
            assert same["total"] == answer["usage"]["totalRequests"], (world.seed, organization, asked)


def test_finality(world):
    """Each point of closed days is final; a range of such days says the same bytes again, but for the moment."""
    run = next(day for day in sorted(world.closed) if day + 1 in world.closed)
    span = {"since": fixture.iso(run * DAY)[:10], "until": fixture.iso((run + 1) * DAY)[:10], "granularity": "day"}
    answer, again = world.check(**span), world.check(**span)
    assert [point["provisional"] for point in answer["timeSeries"]] == [False, False]
    assert {**answer, "timestamp": 0} == {**again, "timestamp": 0}
    assert answer["alerts"] == [] and set(answer["rateLimits"]["usage"].values()) == {None}
    assert any(point["provisional"] for point in world.check(since=world.date("UTC", 1), granularity="day")["timeSeries"])
    assert fetch(world.api, **span)[1]["Cache-Control"] == "no-store"


def test_what_is_counted_meanwhile_is_in(world):
    """A range that holds now is read anew, and what is kept of it goes with what is counted; one that is over stays."""
    today, over = {"since": world.date("UTC", 0)}, {"since": world.date("UTC", 9), "until": world.date("UTC", 7)}
    for n in range(3):
        world.check(**today, granularity="hour")
        world.check(**over, granularity="hour")
        world.events = [*world.events, world.events[n]._replace(time=world.now, org="acme", client="c-2", revision=1)]
        of_today = [e for e in world.events if e.time // DAY == world.today]
        fixture.write(world.redis.client(), of_today, PARTITIONS, world.now)
    world.check(**today, granularity="hour")


@pytest.mark.parametrize(
    "parameters, code, field, value",
    [
        ({"since": "2026-11-01", "timeframe": "7d"}, "INVALID_TIMEFRAME", "timeframe", "7d"),
        ({"since": "2026-11-01", "until": "2026-11-02", "timeframe": "24h"}, "INVALID_TIMEFRAME", "timeframe", "24h"),
        ({"timeframe": "custom"}, "INVALID_TIMEFRAME", "timeframe", "custom"),
        ({"until": "2026-11-02"}, "INVALID_PARAMETER", "since", ""),
        ({"since": "2026-11-02", "until": "2026-11-01"}, "INVALID_PARAMETER", "until", "2026-11-01"),
        ({"since": "2026-11-02 10:00:00", "until": "2026-11-02 09:59:59"}, "INVALID_PARAMETER", "until", "2026-11-02 09:59:59"),
        ({"since": "2999-01-01"}, "INVALID_PARAMETER", "since", "2999-01-01"),
        ({"since": "2026-02-29"}, "INVALID_PARAMETER", "since", "2026-02-29"),
        ({"since": "2026-11-01T10:00:00Z"}, "INVALID_PARAMETER", "since", "2026-11-01T10:00:00Z"),
        ({"since": "2026-11-01", "until": "now"}, "INVALID_PARAMETER", "until", "now"),
        ({"since": ""}, "INVALID_PARAMETER", "since", ""),
        ({"since": "2024-01-01", "until": "2026-01-01", "granularity": "hour"}, "INVALID_GRANULARITY", "granularity", "hour"),
        ({"since": "2026-01-01", "until": "2026-01-01", "granularity": "minute"}, "INVALID_GRANULARITY", "granularity", "minute"),
        ({"since": "1003-01-01", "until": "9003-01-01", "granularity": "month"}, "INVALID_GRANULARITY", "granularity", "month"),
        ({"Since": "2026-01-01"}, "INVALID_PARAMETER", "Since", "2026-01-01"),
    ],
)
def test_wrong(world, parameters, code, field, value):
    status, error, _ = failure(world.api, **parameters)
    assert (status, error["error"], error["field"], error["value"]) == (400, code, field, value)
    assert error["allowed"] and field in error["message"]
    if code == "INVALID_GRANULARITY" and field in parameters and "hour" in parameters.values():
        for allowed in error["allowed"]:
            usage(world.api, **{**parameters, "granularity": allowed})


def test_never_seen(world):
    for span in ({"since": world.date("UTC", 5)}, {"since": "1970-01-01", "until": "1970-01-31"}):
        status, error, _ = failure(world.api, keyId="nobody", granularity="day", **span)
        assert (status, error["error"]) == (404, "NO_USAGE_DATA")
    nothing = usage(world.api, since="1970-01-01", until="1970-01-31", granularity="day")
    assert nothing["usage"]["totalRequests"] == 0 and len(nothing["timeSeries"]) == 31
