"""Usage statistics on a real Redis: every number against what stats_fixture counts, and against Get Usage and the report."""

import json
import random
import time
from collections import Counter
from datetime import datetime, timedelta, timezone
from decimal import Decimal

import closed_fixture
import live_fixture as fixture
import pytest
from harness import API_TOKEN, Api, Redis, csv_rows, shared_world
from registry_fixture import make_client, make_token, until_known
from stats_fixture import DAY, HOUR, Counted, ask, day_text, every, failure, instant, points
from test_methods import ask as administer
from test_usage_api import fetch, usage

PARTITIONS = 3
ZONES = ["UTC", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Apia"]


class World:
    def __init__(self, redis, directory):
        self.now = int(time.time() * 1000)
        self.today = self.now // DAY
        self.seed = random.randrange(10**6)
        self.events = fixture.random_events(self.seed, self.now, n=3000)
        self.redis = redis
        self.client = self.redis.client()
        fixture.write(self.client, self.events, PARTITIONS, self.now)
        (directory / "cache").mkdir()
        settings = {"redis.url": self.redis.url, "auth.token": API_TOKEN, "cache.directory": directory / "cache"}
        self.api = Api("api", "api", directory / "api", settings).start()

    def of(self, organization=None, client=None):
        return [e for e in self.events if organization in (None, e.org) and client in (None, e.client)]

    def days_ago(self, n):
        return day_text(self.today - n)


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    with shared_world(World, tmp_path_factory.mktemp("stats")) as made:
        yield made


# ---- series ----


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("unit, days", [("hour", 3), ("hour", 400), ("21600", 90), ("day", 400), ("month", 500), ("eternity", 45)])
def test_series(world, zone, unit, days):
    since, until = world.days_ago(days), world.days_ago(2)
    counted = Counted(world.of("acme"), since, f"{until} 23:59:59", unit, zone)
    answer = ask(world.api, "services/acme/usage.json", metric_name="hits", since=since, until=until, granularity=unit, timezone=zone)
    assert answer["values"] == counted.values and answer["total"] == counted.total == sum(counted.values)
    assert answer["period"] == counted.period()
    assert answer["metric"] == {"id": "hits", "name": "Hits", "system_name": "hits", "unit": "hit"}
    assert "previous_total" not in answer and "change" not in answer and "application" not in answer


@pytest.mark.parametrize("code", ["200", "404", "101", "418", "2XX", "4xx", "5XX", "599"])
def test_codes(world, code):
    since, until = world.days_ago(60), world.days_ago(1)
    for path, events in (("services/globex", world.of("globex")), ("applications/c-3", world.of(client="c-3"))):
        counted = Counted(events, since, f"{until} 23:59:59", "day", code=code)
        parameters = dict(response_code=code, since=since, until=until, granularity="day")
        answer = ask(world.api, f"{path}/usage_response_code.json", **parameters)
        assert answer["values"] == counted.values and answer["total"] == counted.total
        assert answer["response_code"] == {"code": code.upper()} and "metric" not in answer


def test_classes_are_sums_of_codes(world):
    parameters = dict(period="year", since=world.days_ago(300))

    def of(code):
        return ask(world.api, "services/acme/usage_response_code.json", response_code=code, **parameters)["total"]

    seen = {e.status for e in world.events}
    for first in "2345":
        assert of(f"{first}XX") == sum(of(status) for status in seen if status // 100 == int(first)) > 0


@pytest.mark.parametrize("period", ["day", "week", "month", "year"])
@pytest.mark.parametrize("zone", ZONES[:3])
def test_periods(world, period, zone):
    """From `since` on; the period before has as many dates, or months."""
    since = "2026-03-01 00:00:00" if period != "day" else "2026-03-08 00:00:00"  # New York's clock is put forward
    start = datetime.fromisoformat(since)
    last = {"day": timedelta(days=1), "week": timedelta(days=7), "month": timedelta(days=31), "year": timedelta(days=365)}[period]
    until = (start + last - timedelta(seconds=1)).isoformat(sep=" ")
    unit = {"day": "hour", "week": "21600", "month": "day", "year": "month"}[period]
    counted = Counted(world.of("acme"), since, until, unit, zone)
    before = Counted(world.of("acme"), (start - last).isoformat(), (start - timedelta(seconds=1)).isoformat(), "eternity", zone)
    parameters = dict(metric_name="hits", period=period, since=since, timezone=zone, skip_change="false")
    answer = ask(world.api, "services/acme/usage.json", **parameters)
    assert answer["values"] == counted.values and answer["period"] == counted.period(period)
    assert answer["previous_total"] == before.total
    change = Decimal(counted.total - before.total) * 100 / before.total if before.total else 100 if counted.total else 0
    assert abs(answer["change"] - change) <= Decimal("0.0005")


def test_a_period_without_beginning_ends_now(world):
    asked = time.time()
    answer = ask(world.api, "services/acme/usage.json", metric_name="hits", period="day")
    assert len(answer["values"]) in (24, 25)
    end = datetime.fromisoformat(answer["period"]["until"].replace("Z", "+00:00")).timestamp()
    assert asked < end + 1 and end < time.time() + 3600  # the end is the last second
    start = fixture.parse(answer["period"]["since"])
    assert answer["total"] == sum(start <= e.time < (end + 1) * 1000 for e in world.of("acme"))
    assert answer["provisional"] is True


def test_eternity(world):
    for path, events in (("services/acme", world.of("acme")), ("applications/c-3", world.of(client="c-3"))):
        answer = ask(world.api, f"{path}/usage.json", metric_name="hits", period="eternity", skip_change="false")
        assert answer["values"] == [len(events)] and answer["previous_total"] == 0 and answer["change"] == 100
        months = ask(world.api, f"{path}/usage.json", metric_name="hits", period="eternity", granularity="month")
        assert months["total"] == len(events) == sum(months["values"]) and months["values"][0] > 0
        since = world.days_ago(30)
        answer = ask(world.api, f"{path}/usage.json", metric_name="hits", period="eternity", until=since)
        assert answer["total"] == sum(e.time // DAY <= world.today - 30 for e in events)


def test_all_organizations_together(world):
    since, until = world.days_ago(40), world.days_ago(1)
    span = dict(since=since, until=until)
    counted = Counted(world.of(), since, f"{until} 23:59:59", "day")
    answer = ask(world.api, "services/*/usage.json", metric_name="hits", granularity="day", skip_change="false", **span)
    assert answer["values"] == counted.values and answer["total"] == counted.total
    codes = ask(world.api, "services/*/usage_response_code.json", response_code="4XX", granularity="day", **span)
    assert codes["values"] == Counted(world.of(), since, f"{until} 23:59:59", "day", code="4XX").values
    summary = ask(world.api, "services/*/summary.json", **span)
    assert summary["service"] == {"id": "*", "name": "All organizations"}
    assert summary["metrics"][0]["data"]["total"] == counted.total
    first, last = instant(datetime.fromisoformat(since), "UTC"), instant(datetime.fromisoformat(f"{until} 23:59:59"), "UTC") + 1000
    totals = Counter((e.org, e.client) for e in world.events if first <= e.time < last)
    top = ask(world.api, "services/*/top_applications.json", metric_name="hits", **span)["applications"]
    assert [one["value"] for one in top] == sorted(totals.values(), reverse=True)[:10]
    assert all(totals[one["service"]["id"], one["id"]] == one["value"] for one in top)
    rows = csv_rows(ask(world.api, "services/*/top_applications.csv", metric_name="hits", **span))
    assert [(row[5], row[1], int(row[6])) for row in rows[1:]] == [(one["service"]["id"], one["id"], one["value"]) for one in top]
    for name in ("daily_averages", "hourly_averages"):
        assert ask(world.api, f"services/*/{name}.json", **span)["total"] == counted.total
    token = make_token(world.client, organization="acme")
    until_known(world.client, world.api)
    assert failure(world.api, "services/*/usage.json", token=token, metric_name="hits", **span)[0] == 403


def test_organizations_that_were_counted_can_be_chosen(world):
    status, _, body = fetch(world.api, path="/session")
    recent = {e.org for e in world.events if e.time > world.now - 7 * DAY + HOUR}
    assert status == 200 and recent <= set(json.loads(body)["organizations"])


def test_what_cannot_have_been(world):
    answer = ask(world.api, "services/acme/usage.json", metric_name="hits", period="month", since="0150-12-01", skip_change="false")
    assert answer["values"] == [0] * 31 and answer["previous_total"] == 0 and answer["change"] == 0
    assert answer["period"]["since"] == "0150-12-01T00:00:00Z" and answer["period"]["until"] == "0150-12-31T23:59:59Z"
    answer = ask(world.api, "services/acme/usage.json", metric_name="hits", since="2500-01-01", until="2500-01-02", granularity="hour")
    assert answer["values"] == [0] * 48 and answer["provisional"] is True


def test_applications(world):
    make_client(world.client, "globex", "c-7", "The seventh", "gold")
    until_known(world.client, world.api)
    parameters = dict(metric_name="hits", since=world.days_ago(20), until=world.days_ago(1), granularity="day")
    answer = ask(world.api, "applications/c-7/usage.json", **parameters)
    assert answer["values"] == Counted(world.of(client="c-7"), parameters["since"], f"{parameters['until']} 23:59:59", "day").values
    application = answer["application"]
    assert application == {
        "id": "c-7",
        "name": "The seventh",
        "state": "live",
        "link": "/stats/applications/c-7/summary.json",
        "description": "",
        "plan": {"id": "gold", "name": "gold"},
        "account": {"id": "globex", "name": "globex"},
        "service": {"id": "globex"},
    }
    make_client(world.client, "globex", "never used")
    until_known(world.client, world.api)
    assert ask(world.api, "applications/never%20used/usage.json", **parameters)["total"] == 0


# ---- methods ----


def test_methods(world):
    assert administer(world.api, "PUT", "/orders", {"endpoints": ["ANY /v1/orders/**"], "title": "Orders"})[0] in (200, 201)
    assert administer(world.api, "PUT", "/users", {"endpoints": ["ANY /*/users/**"], "organization": "acme"})[0] in (200, 201)
    orders = [e for e in world.of("acme") if e.route.startswith("/v1/orders")]
    users = [e for e in world.of("acme") if "/users" in e.route]
    since, until = world.days_ago(90), world.days_ago(0)
    parameters = dict(since=since, until=until, granularity="day", timezone="Asia/Kathmandu")
    for name, events in (("orders", orders), ("users", users)):
        counted = Counted(events, since, f"{until} 23:59:59", "day", "Asia/Kathmandu")
        answer = ask(world.api, "services/acme/usage.json", metric_name=name, **parameters)
        assert answer["values"] == counted.values and answer["metric"]["system_name"] == name
        of_codes = ask(world.api, "services/acme/usage_response_code.json", metric_name=name, response_code="2XX", **parameters)
        assert of_codes["total"] == sum(e.status // 100 == 2 for e in counted.events)
    assert ask(world.api, "services/acme/usage.json", metric_name="orders", **parameters)["metric"]["name"] == "Orders"
    status, error = failure(world.api, "services/globex/usage.json", metric_name="users", **parameters)
    assert (status, error["error"]) == (400, "metric users not found") and "orders" in error["allowed"]

    assert any("METHOD" in text for text in error["allowed"])
    method, template = orders[0].method, orders[0].route
    route = f"{method} {template}"
    of_route = [e for e in orders if (e.method, e.route) == (method, template)]
    counted = Counted(of_route, since, f"{until} 23:59:59", "day", "Asia/Kathmandu")
    answer = ask(world.api, "services/acme/usage.json", metric_name=f"{method.lower()} {template}", **parameters)
    assert answer["values"] == counted.values and answer["metric"]["system_name"] == route and counted.total
    of_codes = ask(world.api, "services/acme/usage_response_code.json", metric_name=route, response_code="2XX", **parameters)
    assert of_codes["total"] == sum(e.status // 100 == 2 for e in counted.events)
    answer = ask(world.api, "services/acme/summary.json", metric_name=route, since=since, until=until, timezone="Asia/Kathmandu")
    assert [(row["system_name"], row["data"]["total"]) for row in answer["metrics"]] == [(route, counted.total)]
    assert {row["code"]: row["total"] for row in answer["response_codes"]} == Counter(str(e.status) for e in counted.events)
    assert ask(world.api, "services/acme/usage.json", metric_name="GET /never", **parameters)["total"] == 0

    answer = ask(world.api, "services/acme/summary.json", since=since, until=until, timezone="Asia/Kathmandu", skip_change="false")
    totals = {row["system_name"]: row["data"]["total"] for row in answer["metrics"]}
    all_of_it = Counted(world.of("acme"), since, f"{until} 23:59:59", "day", "Asia/Kathmandu")
    assert totals == {
        "hits": all_of_it.total,
        "orders": Counted(orders, since, f"{until} 23:59:59", "day", "Asia/Kathmandu").total,
        "users": Counted(users, since, f"{until} 23:59:59", "day", "Asia/Kathmandu").total,
    }
    assert {row["code"]: row["total"] for row in answer["response_codes"]} == Counter(str(e.status) for e in all_of_it.events)
    series = ask(world.api, "services/acme/usage.json", metric_name="orders", skip_change="false", **parameters)
    row = next(row for row in answer["metrics"] if row["system_name"] == "orders")
    assert row["data"] == {key: series[key] for key in ("total", "previous_total", "change")}
    assert answer["service"] == {"id": "acme", "name": "acme"}


# ---- top ----


def test_top(world):
    for organization in ("acme", "globex"):
        for since, until in ((world.days_ago(30), world.days_ago(0)), (f"{world.days_ago(1)} 03:00:00", f"{world.days_ago(0)} 09:59:59")):
            start, end = points(since, until if " " in until else f"{until} 23:59:59", "hour", "UTC")
            inside = [e for e in world.of(organization) if start[0] <= e.time < end]
            wanted = sorted(Counter(e.client for e in inside).items(), key=lambda row: (-row[1], row[0].encode()))[:10]
            answer = ask(world.api, f"services/{organization}/top_applications.json", metric_name="hits", since=since, until=until)
            assert [(row["id"], row["value"]) for row in answer["applications"]] == wanted
            assert all(type(row["value"]) is int and row["service"] == {"id": organization} for row in answer["applications"])
    answer = ask(world.api, "services/acme/top_applications.json", metric_name="hits", period="month", since="2026-10-20")
    assert answer["period"]["since"] == "2026-10-01T00:00:00Z" and answer["period"]["until"] == "2026-10-31T23:59:59Z"


# ---- averages ----


@pytest.mark.parametrize("zone", ZONES)
def test_averages(world, zone):
    since, until = "2025-12-10", world.days_ago(3)
    for path, unit in (("daily_averages", "day"), ("hourly_averages", "hour")):
        counted = Counted(world.of("acme"), since, f"{until} 23:59:59", unit, zone)
        sums, divisors = counted.averages()
        answer = ask(world.api, f"services/acme/{path}.json", since=since, until=until, timezone=zone)
        assert answer["totals"] == sums and answer["divisors"] == divisors and answer["period"] == counted.period()
        assert answer["total"] == counted.total
        for value, total, divisor in zip(answer["values"], sums, divisors):
            assert abs(value - Decimal(total) / divisor) <= Decimal("0.0005")


def ms(*parts):
    return int(datetime(*parts, tzinfo=timezone.utc).timestamp() * 1000)


# Thirty days from a date on, of 100 requests each, at any time of the zone's day: New York's have 23 and 25 hours in spring and autumn.
DAILY = {
    "daily": ("UTC", "2026-09-01"),
    "kathmandu": ("Asia/Kathmandu", "2026-09-01"),
    "spring": ("America/New_York", "2026-02-20"),
    "autumn": ("America/New_York", "2026-10-12"),
}


class Steady:
    """The same number of requests each hour, around both changes of New York's clock; and what DAILY says."""

    def __init__(self, directory):
        self.redis = Redis("redis", directory / "redis").start()
        events = every(10, ms(2026, 2, 20), ms(2026, 4, 1), HOUR, org="hourly")
        events += every(10, ms(2026, 10, 20), ms(2026, 11, 10), HOUR, org="hourly")
        events += every(5, ms(2026, 10, 20) + HOUR // 2, ms(2026, 11, 10), HOUR, org="half")
        events += every(5, ms(2026, 10, 20), ms(2026, 11, 10), HOUR, org="half")
        rng = random.Random(5)
        for name, (zone, first) in DAILY.items():
            for n in range(30):
                start, end = (instant(datetime.fromisoformat(first) + timedelta(days=day), zone) for day in (n, n + 1))
                times = [rng.randrange(start, end) for _ in range(100)]
                events += [every(1, at, at + 1, 1, org=name, route=rng.choice(["/x", "/y"]))[0] for at in times]
        fixture.write(self.redis.client(), events, PARTITIONS, int(time.time() * 1000))
        self.api = Api("api", "api", directory / "api", {"redis.url": self.redis.url, "auth.token": API_TOKEN}).start()


@pytest.fixture(scope="module")
def steady(tmp_path_factory):
    made = Steady(tmp_path_factory.mktemp("steady"))
    yield made
    made.api.kill()
    made.redis.kill()


@pytest.mark.parametrize("organization", DAILY)
def test_a_hundred_a_day(steady, organization):
    zone, since = DAILY[organization]
    until = (datetime.fromisoformat(since) + timedelta(days=29)).strftime("%Y-%m-%d")
    answer = ask(steady.api, f"services/{organization}/daily_averages.json", since=since, until=until, timezone=zone)
    assert answer["values"] == [100] * 7 and sorted(answer["divisors"]) == [4] * 5 + [5] * 2


@pytest.mark.parametrize("since, until", [("2026-02-22", "2026-03-28"), ("2026-10-22", "2026-11-05"), ("2026-03-08", "2026-03-08"), ("2026-11-01", "2026-11-01")])
@pytest.mark.parametrize("zone", ["UTC", "America/New_York"])
def test_ten_an_hour(steady, zone, since, until):
    answer = ask(steady.api, "services/hourly/hourly_averages.json", since=since, until=until, timezone=zone)
    days = (datetime.fromisoformat(until) - datetime.fromisoformat(since)).days + 1
    divisors = [days] * 24
    if zone != "UTC" and since <= "2026-03-08" <= until:
        divisors[2] -= 1
    if zone != "UTC" and since <= "2026-11-01" <= until:
        divisors[1] += 1
    assert answer["divisors"] == divisors
    assert answer["values"] == [10 if divisor else 0 for divisor in divisors]


def test_ten_an_hour_in_kathmandu(steady):
    answer = ask(steady.api, "services/half/hourly_averages.json", since="2026-10-22", until="2026-11-05", timezone="Asia/Kathmandu")
    assert answer["values"] == [10] * 24 and answer["divisors"] == [15] * 24


def test_what_is_to_come_is_no_day_without_requests(world):
    today = world.days_ago(0)
    answer = ask(world.api, "services/acme/daily_averages.json", since=world.days_ago(6), until=world.days_ago(-30))
    assert sum(answer["divisors"]) == 7 and answer["period"]["until"][:10] in (today, day_text(world.today + 1))


# ---- CSV ----


def test_csv(world):
    since, until = world.days_ago(10), world.days_ago(2)
    of_all = dict(since=since, until=until, timezone="America/New_York")
    parameters = dict(of_all, metric_name="hits", granularity="21600")
    answer = ask(world.api, "services/acme/usage.json", **parameters)
    rows = csv_rows(ask(world.api, "services/acme/usage.csv", **parameters))
    assert rows[0] == ["Metric System Name", "Metric Name", "Date", "Value"]
    assert [int(row[3]) for row in rows[1:]] == answer["values"] and rows[1][:3] == ["hits", "Hits", answer["period"]["since"]]

    parameters = dict(of_all, response_code="4XX", granularity="day")
    answer = ask(world.api, "applications/c-3/usage_response_code.json", **parameters)
    rows = csv_rows(ask(world.api, "applications/c-3/usage_response_code.csv", **parameters))
    assert rows[0] == ["Response Code", "Date", "Value"]
    assert [int(row[2]) for row in rows[1:]] == answer["values"] and {row[0] for row in rows[1:]} == {"4XX"}

    answer = ask(world.api, "services/acme/top_applications.json", **of_all, metric_name="hits")
    rows = csv_rows(ask(world.api, "services/acme/top_applications.csv", **of_all, metric_name="hits"))
    assert rows[0] == ["Application Name", "Application ID", "Plan Name", "Plan ID", "Account Name", "Account ID", "Total"]
    assert [(row[1], int(row[6])) for row in rows[1:]] == [(a["id"], a["value"]) for a in answer["applications"]]

    for name, first in (("daily_averages", "Sunday"), ("hourly_averages", "0")):
        answer = ask(world.api, f"services/acme/{name}.json", **of_all)
        rows = csv_rows(ask(world.api, f"services/acme/{name}.csv", **of_all))
        assert rows[1][0] == first
        columns = [[Decimal(row[i]) for row in rows[1:]] for i in (1, 2, 3)]
        assert columns == [answer["values"], answer["divisors"], answer["totals"]]

    answer = ask(world.api, "services/acme/summary.json", **of_all, skip_change="false")
    rows = csv_rows(ask(world.api, "services/acme/summary.csv", **of_all, skip_change="false"))
    assert rows[0] == ["Metric System Name", "Metric Name", "Total", "Previous Total", "Change"]
    for row, metric in zip(rows[1:], answer["metrics"], strict=True):
        data = metric["data"]
        assert row[:2] == [metric["system_name"], metric["name"]]
        assert [Decimal(text) for text in row[2:]] == [data["total"], data["previous_total"], data["change"]]
    status, headers, _ = fetch(world.api, path="/stats/services/acme/summary.csv")
    assert status == 200 and headers["Content-Type"].startswith("text/csv") and "summary.csv" in headers["Content-Disposition"]


# ---- agreement ----


def test_agrees_while_days_are_closed(tmp_path, redis):
    """Statistics, Get Usage and the report say the same of every window and zone that they share, before, during and after closing."""
    now = int(time.time() * 1000)
    today, seed = now // DAY, random.randrange(10**6)
    print(f"seed {seed}")
    events = [e for e in fixture.random_events(seed, now, n=1200) if e.time // DAY > today - 60 and e.time <= now]
    fixture.write(redis.client(), events, PARTITIONS, now)
    (tmp_path / "cache").mkdir()
    settings = {"redis.url": redis.url, "auth.token": API_TOKEN, "cache.directory": tmp_path / "cache"}
    api = Api("api", "api", tmp_path / "api", settings).start()
    books = closed_fixture.Books(redis.client(), events, PARTITIONS)
    books.first_day(today - 60)
    days = range(today - 60, today)

    def check(closed=()):
        for zone in ("UTC", "America/New_York", "Asia/Kathmandu"):
            live = usage(api, timeframe="30d", granularity="hour", timeZone=zone, organization="acme")
            since, until = (text.replace("T", " ")[:19] for text in (live["timeSeries"][1]["timestamp"], live["timeSeries"][-1]["timestamp"]))
            parameters = dict(metric_name="hits", since=since, until=until, granularity="hour", timezone=zone)
            series = ask(api, "services/acme/usage.json", **parameters)
            assert series["values"] == [point["requests"] for point in live["timeSeries"]][1:]
            assert series["provisional"] is True
            days_of = ask(api, "services/acme/usage.json", **{**parameters, "granularity": "day"})
            counted = Counted([e for e in events if e.org == "acme"], since, until, "day", zone)
            assert days_of["values"] == counted.values
            if closed:
                shown = dict(since=day_text(today - 50), until=day_text(today - 2), timezone=zone)
                token = make_token(redis.client(), "acme")
                interval = f"{shown['since']}/{shown['until']}"
                status, _, body = fetch(api, path="/api/v2/usage/report", token=token, interval=interval, timeZone=zone, dayBoundary="local")
                assert status == 200, body
                report = json.loads(body)
                final = ask(api, "services/acme/usage.json", metric_name="hits", granularity="day", **shown)
                assert final["total"] == report["totalRequests"] and final["provisional"] is False
                assert final["values"] == [day["requests"] for day in report["days"]]

    check()
    for day in days:  # sheets beside the buckets
        for partition in range(PARTITIONS):
            for revision in (1, 2):
                books.seal(partition, day, revision)
        if day == today - 30:
            check()
    books.remove_all_buckets(days[:40], 1)
    check()
    books.remove_all_buckets(days[:40], 2)
    for day in days:
        for revision in (1, 2):
            books.enter(day, revision)
    check(closed=days)
    api.kill()


# ---- who may, and what is wrong ----


def test_callers(world):
    acme = make_token(world.client, "acme")
    one = make_token(world.client, "acme", of_client="c-3")
    until_known(world.client, world.api)
    query = dict(metric_name="hits", period="year")
    whole = ask(world.api, "services/acme/usage.json", token=acme, **query)
    assert whole["total"] == ask(world.api, "services/acme/usage.json", token=None, access_token=acme, **query)["total"] > 0
    narrow = ask(world.api, "applications/c-3/usage.json", token=acme, **query)
    assert narrow["total"] == ask(world.api, "applications/c-3/usage.json", token=one, **query)["total"]
    start, end = (fixture.parse(narrow["period"][name]) for name in ("since", "until"))
    assert narrow["total"] == sum(start <= e.time < end + 1000 for e in world.of("acme", "c-3"))  # some are ahead of the clock
    assert narrow["application"]["account"]["id"] == "acme"
    assert ask(world.api, "applications/c-3/usage.json", organization="acme", **query)["total"] == narrow["total"]
    assert ask(world.api, "applications/c-3/usage.json", token=acme, organization="acme", **query)["total"] == narrow["total"]
    for token in (acme, one):
        assert failure(world.api, "applications/c-3/usage.json", token=token, organization="globex", **query)[0] == 403
    all_of_it = ask(world.api, "applications/c-3/usage.json", **query)["total"]
    theirs = ask(world.api, "applications/c-3/usage.json", organization="globex", **query)["total"]
    assert all_of_it == narrow["total"] + theirs and theirs > 0
    assert failure(world.api, "services/globex/usage.json", token=acme, **query)[0] == 403
    assert failure(world.api, "services/nobody/usage.json", token=acme, **query)[0] == 403
    for path in ("services/acme/usage", "services/acme/top_applications", "applications/c-4/usage", "services/acme/summary"):
        assert failure(world.api, f"{path}.json", token=one, **query)[0] == 403
    assert failure(world.api, "services/acme/usage.json", token="wrong" * 5, **query)[0] == 401
    assert failure(world.api, "services/acme/usage.json", token=None, access_token="wrong" * 5, **query)[0] == 401
    assert fetch(world.api, token=None, access_token=acme)[0] in (400, 401)  # of these routes only


def test_unknown(world):
    query = dict(metric_name="hits", period="year")
    assert failure(world.api, "services/nobody/usage.json", **query)[1]["error"] == "Service not found"
    assert failure(world.api, "applications/nobody/usage.json", **query)[1]["error"] == "Application not found"
    assert failure(world.api, "applications/nobody/usage.json", **query)[0] == 404
    assert failure(world.api, "services/acme/usage.xml", **query)[0] == 404
    assert failure(world.api, "services/acme/nonsense.json", **query)[0] == 404
    assert failure(world.api, "applications/c-3/top_applications.json", **query)[0] == 404
    assert failure(world.api, "services/acme/usage.json", method="POST", **query)[0] == 405


RANGE = {"since": "2026-10-01", "until": "2026-10-02", "granularity": "day"}


@pytest.mark.parametrize(
    "name, parameters, field",
    [
        ("usage", {"period": "day"}, "metric_name"),
        ("usage", {"metric_name": "nothing", "period": "day"}, "metric_name"),
        ("usage", {"metric_name": "hits"}, "period"),
        ("usage", {"metric_name": "hits", "since": "2026-10-01", "granularity": "day"}, "period"),
        ("usage", {"metric_name": "hits", "since": "2026-10-01", "until": "2026-10-02"}, "granularity"),
        ("usage", {"metric_name": "hits", "period": "decade"}, "period"),
        ("usage", {"metric_name": "hits", **RANGE, "granularity": "week"}, "granularity"),
        ("usage", {"metric_name": "hits", **RANGE, "since": "2026-02-30"}, "since"),
        ("usage", {"metric_name": "hits", **RANGE, "since": "2026-10-01 24:00:00"}, "since"),
        ("usage", {"metric_name": "hits", **RANGE, "until": "yesterday"}, "until"),
        ("usage", {"metric_name": "hits", **RANGE, "until": "2026-09-01"}, "until"),
        ("usage", {"metric_name": "hits", **RANGE, "since": "2020-01-01", "granularity": "hour"}, "granularity"),
        ("usage", {"metric_name": "hits", **RANGE, "timezone": "Europe/Berln"}, "timezone"),
        ("usage", {"metric_name": "hits", **RANGE, "skip_change": "perhaps"}, "skip_change"),
        ("usage", {"metric_name": "hits", **RANGE, "response_code": "200"}, "response_code"),
        ("usage", {"metric_name": "hits", **RANGE, "nonsense": "1"}, "nonsense"),
        ("usage_response_code", {"period": "day"}, "response_code"),
        ("usage_response_code", {"response_code": "99", **RANGE}, "response_code"),
        ("usage_response_code", {"response_code": "600", **RANGE}, "response_code"),
        ("usage_response_code", {"response_code": "1XX", **RANGE}, "response_code"),
        ("usage_response_code", {"response_code": "20X", **RANGE}, "response_code"),
        ("top_applications", {"period": "month"}, "metric_name"),
        ("top_applications", {"metric_name": "hits", **RANGE}, "granularity"),
        ("daily_averages", {"since": "2026-10-05", "until": "2026-10-01"}, "until"),
        ("hourly_averages", {"metric_name": "nothing"}, "metric_name"),
    ],
)
def test_wrong_parameters(world, name, parameters, field):
    status, error = failure(world.api, f"services/acme/{name}.json", **parameters)
    assert status == 400 and error["field"] == field and error["allowed"]
    if field == "timezone":
        assert error["allowed"][0] == "Europe/Berlin"
