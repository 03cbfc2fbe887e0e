"""What the browser tests look at: a real Redis and the real daemon, with three weeks of closed days and a running one of which every
request is known. What a page must show is counted from the events themselves."""

import json
import random
import sys
import time
from collections import Counter
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

sys.path.insert(1, str(Path(__file__).resolve().parents[1] / "system"))

import closed_fixture
import live_fixture as fixture
from alert_fixture import make_system_alert
from harness import API_TOKEN, Api, Redis, send, wait_until
from live_fixture import DAY, HOUR, MINUTE, SLOT, Event
from registry_fixture import make_client, make_token

PARTITIONS = 3
DAYS = 24  # closed ones
SEED = 20778
TODAY_NEEDS_MS = 4 * MINUTE  # a test is over before midnight, or begins after it
BREAKS_BEFORE = 6  # days ago that exports began to fail

ACME, GLOBEX = "acme", "globex"
HTML = "<img src=x onerror=alert(1)>"
LONG = "nightly-batch-" + "of-a-very-long-name-" * 8
RTL = "متجر-الكتب"
EMOJI = "🚀 rocket & \"co\""
FORMULA = "=HYPERLINK(\"http://evil\")"
CLIENTS = [  # organization, id, weight, name
    (ACME, "web-shop", 30, "Web shop"),
    (ACME, "mobile-app", 20, "Mobile app"),
    (GLOBEX, "etl", 14, "Nightly ETL"),
    (GLOBEX, "web-shop", 8, "Globex shop"),
    (ACME, "partner-7", 6, ""),
    (ACME, HTML, 5, ""),
    (ACME, LONG, 4, ""),
    (GLOBEX, RTL, 4, ""),
    (GLOBEX, EMOJI, 3, ""),
    (ACME, FORMULA, 3, ""),
    (GLOBEX, "Ünï 日本", 2, "Ünï & Söhne"),
]
EXPORTS = "GET /v1/reports/export"
ENDPOINTS = [  # endpoint, weight, usual latency in ms
    ("GET /v1/orders", 24, 30),
    ("POST /v1/orders", 10, 90),
    ("GET /v1/orders/{id}", 18, 25),
    ("GET /v1/users/{id}", 12, 20),
    ("PUT /v1/users/{id}", 4, 60),
    ("GET /v1/search", 16, 140),
    (EXPORTS, 8, 900),
    ("GET /v1/größe/<b>{id}</b>", 3, 15),
    ("DELETE /v1/carts/{cartId}/" + "segments/" * 12 + "{lineId}", 3, 40),
]
STATUSES = [200] * 300 + [201] * 30 + [204] * 12 + [301] * 5 + [304] * 15 + [400] * 6 + [401] * 4 + [403] * 4 + [404] * 14 + [418] * 2
STATUSES += [422] * 3 + [429] * 9 + [500] * 4 + [503] * 3 + [504] * 2 + [299, 599, 101]
REFUSALS = [  # reason, collector, count, message, sample
    ("missing_field", "edge-1", 41, "client: it is missing", '{"method":"GET","route":"/v1/orders"}'),
    ("invalid_time", "edge-2", 7, "time: not RFC 3339", '{"time":"yesterday"}'),
    ("malformed", "edge-1", 3, "not JSON", f"{HTML} {{"),
]


def iso(day):
    return (date(1970, 1, 1) + timedelta(days=day)).isoformat()


def number(text):
    return (date.fromisoformat(text) - date(1970, 1, 1)).days


def _volume(day):
    """Requests of a day: fewer at weekends, more each week."""
    weekday = (day + 3) % 7
    return int((150 if weekday >= 5 else 330) * (1 + (day % 30) / 100))


def _moment(rng):
    """Of a day, in ms: more in working hours."""
    hour = rng.choices(range(24), [2, 1, 1, 1, 2, 3, 5, 8, 12, 14, 15, 14, 12, 13, 15, 14, 12, 10, 8, 7, 6, 5, 4, 3])[0]
    return hour * HOUR + rng.randrange(HOUR)


def random_event(rng, time_ms, fails, revision=1):
    organization, client, _, _ = rng.choices(CLIENTS, [each[2] for each in CLIENTS])[0]
    endpoint, _, latency = rng.choices(ENDPOINTS, [each[1] for each in ENDPOINTS])[0]
    method, _, route = endpoint.partition(" ")
    status = rng.choice(STATUSES)
    if endpoint == EXPORTS and status < 400:
        status = 504 if fails and rng.random() < 0.6 else 200
    latency_us = int(latency * 1000 * rng.lognormvariate(0, 0.5))
    sent, received = rng.randrange(100, 900), rng.randrange(300, 20000)
    user = rng.choice(["", "", f"u-{rng.randrange(40)}"])
    return Event(time_ms, organization, client, user, "web", method, route, status, latency_us, sent, received, revision)


class Kept:
    """One world for many tests, and another one for those after midnight: they know which day is today."""

    def __init__(self, kind, factory):
        self.kind, self.factory, self.world = kind, factory, None

    def get(self):
        left = DAY - int(time.time() * 1000) % DAY
        if left < TODAY_NEEDS_MS:
            time.sleep(left / 1000 + 1)
        if self.world and self.world.today != int(time.time() * 1000) // DAY:
            self.stop()
        self.world = self.world or self.kind(self.factory.mktemp(self.kind.__name__.lower()))
        return self.world

    def stop(self):
        if self.world:
            self.world.stop()
        self.world = None


class World:
    def __init__(self, directory):
        self.now = int(time.time() * 1000)
        self.today = self.now // DAY
        self.first = self.today - DAYS
        self.broken = self.today - BREAKS_BEFORE
        self.revised, self.incomplete = self.today - 4, self.today - 9
        self.events = self._make_events(random.Random(SEED))
        self.redis = Redis("redis", directory / "redis").start()
        self.client = self.redis.client()
        fixture.write(self.client, self.events, PARTITIONS, self.now)
        self.books = closed_fixture.Books(self.client, self.events, PARTITIONS)
        self._close()
        self._register()
        self._refuse()
        settings = {"redis.url": self.redis.url, "auth.token": API_TOKEN, "cache.directory": directory / "cache"}
        settings |= {f"limits.session_per_{window}": 10**8 for window in ("minute", "day")}
        (directory / "cache").mkdir()
        self.api = Api("api", "api", directory / "api", settings).start()
        self.url = f"http://127.0.0.1:{self.api.port}"
        self._configure()
        self.admin = API_TOKEN

    def _make_events(self, rng):
        events = []
        for day in range(self.first, self.today):
            moments = sorted(_moment(rng) for _ in range(_volume(day)))
            events += [random_event(rng, day * DAY + moment, day >= self.broken) for moment in moments]
        latest = self.now - self.today * DAY - 2 * MINUTE
        moments = [_moment(rng) for _ in range(_volume(self.today))]
        early = [rng.randrange(max(latest, 1)) for _ in range(20)]
        events += [random_event(rng, self.today * DAY + moment, True) for moment in sorted(moments + early) if moment <= max(latest, 0)]
        events += [random_event(rng, self.revised * DAY + _moment(rng), True, 2) for _ in range(23)]
        return events

    def _close(self):
        self.books.first_day(self.first)
        for day in range(self.first, self.today):
            self.books.close(day, complete=day != self.incomplete)
        self.books.close(self.revised, 2, "late")
        older = [day for day in range(self.first, self.today - 2) if day != self.revised]
        self.books.remove_all_buckets(older, 1)

    def _register(self):
        for organization, client, _, name in CLIENTS:
            if name:
                make_client(self.client, organization, client, name, "starter" if client == "etl" else "")
        self.viewer = self.token(ACME, permissions=("usage:organization:view", "usage:client:view", "oauth:client:view"))
        self.of_client = self.token(ACME, "mobile-app", permissions=("usage:client:view",))
        self.without = self.token(ACME, permissions=("usage:simpleSearch:view",))
        make_system_alert(self.client, "silent_collector", "edge-2", "Collector edge-2 has not been heard of for 10 minutes.")

    def token(self, organization, client=None, permissions=()):
        return make_token(self.client, organization, client, permissions)

    def _refuse(self):
        day = self.today - 1
        for n, (reason, collector, count, message, sample) in enumerate(REFUSALS):
            self.client.hset("{p0}:refusals", f"{day} {reason} {collector}", count)
            at = day * DAY + (8 + n) * HOUR
            text = f"{n} {at} {at} {count} {reason} {collector}\x1f{message}\x1f{sample}"
            self.client.hset("{p0}:refused", str(n), text)
        self.client.hset("{p0}:meta", mapping={"refused_samples": len(REFUSALS), "refused": sum(row[2] for row in REFUSALS)})

    # ---- what administrators configure, through the API ----

    def _configure(self):
        month = [e for e in self.events if iso(e.time // DAY)[:7] == iso(self.today)[:7]]
        used = Counter(e.org for e in month)
        etl = sum((e.org, e.client) == (GLOBEX, "etl") for e in month)
        self.included = {"team": max(1, used[ACME] * 3 // 4), "starter": etl + 1}
        self.shop_limit = max(1, len(self.of(day=self.today, org=ACME, client="web-shop")) * 100 // 92)
        plan = dict(currency="EUR", priceMicros=2_500_000, ceiling=0, organization=None)
        self.put("plans/team", {**plan, "title": "Team", "included": self.included["team"]})
        self.put("plans/starter", {**plan, "title": "Starter", "included": self.included["starter"]})
        self.put("organizations/acme", {"name": "Acme Ltd", "plan": "team"})
        self.put("organizations/globex", {"name": "Globex", "plan": None})
        self.put("methods/checkout", {"title": "Checkout", "organization": None, "endpoints": ["POST /v1/orders"]})
        self.put("methods/search", {"title": "Search", "organization": None, "endpoints": ["GET /v1/search"]})
        limit = dict(organization=ACME, client="web-shop", plan=None, metric="hits", levels=[])
        self.put("limits/shop-daily", {**limit, "period": "day", "value": self.shop_limit})
        self.put("limits/shop-monthly", {**limit, "period": "month", "value": 10**6})
        hook = dict(name="Pager", organization=None, kind="webhook", target="https://hooks.example/daybook", minLevel=100, system=True)
        self.send("POST", "channels", hook, 201)
        wait_until(lambda: self.ask("/api/v2/usage/alerts")["total"] > 1, 60, "the limit's alerts are raised")

    def send(self, method, path, body, status=200):
        code, _, answer = send(self.api, method, f"/api/v2/admin/{path}", body)
        assert code == status, (path, code, answer)
        return json.loads(answer)

    def put(self, path, body):
        code, _, answer = send(self.api, "PUT", f"/api/v2/admin/{path}", body)
        assert code in (200, 201), (path, code, answer)

    def ask(self, path, token=API_TOKEN, **parameters):
        status, answer = self.api.ask(path, token, **parameters)
        assert status == 200, (path, parameters, status, answer)
        return answer

    def code(self):
        """Of a one-time link."""
        return self.send("POST", "sign-in-links", None, 201)["url"].partition("#code=")[2]

    def session(self, token=API_TOKEN):
        """The cookie's value of a new session."""
        code, headers, body = send(self.api, "POST", "/session", {"token": token}, None, {"X-Daybook": "dashboard"})
        assert code == 204, (code, body)
        return headers["Set-Cookie"].partition("=")[2].partition(";")[0]

    # ---- while it runs ----

    def arrive(self, events):
        """More requests of today."""
        self.events += events
        today = [e for e in self.events if e.time // DAY == self.today]
        fixture.write(self.client, today, PARTITIONS, self.now, with_topic=False)

    # ---- what is right ----

    def of(self, days=None, day=None, **fields):
        """Events of (first, last) days of UTC, with these fields."""
        first, last = days or ((day, day) if day is not None else (0, 10**6))
        found = (e for e in self.events if first <= e.time // DAY <= last)
        return [e for e in found if all(getattr(e, name) == value for name, value in fields.items())]

    def local(self, first, last, zone):
        """Events between two local dates, both included; quarters of an hour are not divided."""
        clock = ZoneInfo(zone)
        dates = ((datetime.fromtimestamp(e.time // SLOT * SLOT // 1000, clock).date().isoformat(), e) for e in self.events)
        return [e for at, e in dates if first <= at <= last]

    def today_in(self, zone):
        return datetime.now(timezone.utc).astimezone(ZoneInfo(zone)).date()

    @property
    def last_week(self):
        """The last seven closed days."""
        return self.today - 7, self.today - 1

    def stop(self):
        self.api.kill()
        self.redis.kill()


NAMES = {(organization, client): name or client for organization, client, _, name in CLIENTS}


def ranked(events, key):
    """[(key, count)], most first, and as many by their names."""
    return sorted(Counter(map(key, events)).items(), key=lambda row: (-row[1], row[0]))
