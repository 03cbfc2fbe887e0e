"""Whatever is asked, and in whatever zone: Get Usage, the statistics, the report, its exports and usage queries say the same of a
stretch of time that they share, and it is what was counted: before, while and after days are closed.

AGREEMENT_SEED=n repeats a run; AGREEMENT_QUESTIONS=n asks so many of each kind at each stage (6)."""

import json
import os
import random
import threading
import time
from collections import Counter
from datetime import datetime, timedelta
from decimal import Decimal
from urllib.parse import quote
from zoneinfo import ZoneInfo

import live_fixture as fixture
import pytest
from agreement_fixture import (
    COUNTS,
    GROUPS,
    ORGANIZATIONS,
    ZONES,
    Scope,
    World,
    bucket,
    counts_of,
    day_of,
    days_in,
    has_code,
    iso,
    period,
    shown_day,
    touched_days,
    used,
)
from harness import csv_rows, send, wait_until
from live_fixture import DAY, SLOT
from stats_fixture import instant
from test_export import read_csv, read_jsonl
from test_usage_api import fetch

KINDS = ("live", "statistics", "report", "query", "totals", "everything")
QUESTIONS = int(os.environ.get("AGREEMENT_QUESTIONS") or 6)
UNITS = {"21600": 21600}
QUERY_GROUPS = {
    "OAuthClientId": ("clientId", lambda e: e.client),
    "OrganizationId": ("organizationId", lambda e: e.org),
    "UserId": ("userId", lambda e: e.user),
    "TemplateUri": ("templateUri", lambda e: e.route.removeprefix("/")),
    "HttpMethod": ("httpMethod", lambda e: e.method),
}
PATH = {"query": "/api/v2/usage/query", "search": "/api/v2/usage/simplesearch", "job": "/api/v2/usage/aggregates/query/jobs"}


def seed():
    made = int(os.environ.get("AGREEMENT_SEED") or random.SystemRandom().randrange(1_000_000))
    print(f"AGREEMENT_SEED={made}")
    return made


class Asker:
    """Asks one World at random. Every method is a question, and compares the answers."""

    def __init__(self, world, rng, quiet=True):
        """quiet: nothing is closed meanwhile."""
        self.world, self.rng, self.api, self.quiet = world, rng, world.api, quiet

    def fetch(self, path, token=None, **parameters):
        """Its text. Faster than it can be read is an error that is said (live.h); it is asked again."""
        while True:
            status, _, body = fetch(self.api, path=path, token=token or self.world.tokens[None], **parameters)
            if status != 503 or b"being closed" not in body:
                assert status == 200, (path, parameters, body)
                return body.decode()

    def get(self, path, **parameters):
        return json.loads(self.fetch(path, **parameters), parse_float=Decimal)

    def event(self):
        return self.rng.choice(self.world.events)

    # ---- what is asked about ----

    def scope(self):
        event, rng = self.event(), self.rng
        organization, client = rng.choice([(None, None), (event.org, None), (None, event.client), (event.org, event.client)])
        endpoint = rng.choice([None, None, f"{event.method} {event.route}", "orders"])
        return Scope(organization, client, rng.choice([endpoint, "reading"]) if organization == "acme" else endpoint)

    def moment(self, zone):
        """By the clock of the zone, near events: (text, Unix ms of its first second, of its last)."""
        local = datetime.fromtimestamp(self.event().time // 1000, ZoneInfo(zone)).replace(tzinfo=None)
        local += timedelta(hours=self.rng.choice([0, 0, -24, 3, 30]))
        if self.rng.random() < 0.5:
            last = local.replace(hour=23, minute=59, second=59)
            first = local.replace(hour=0, minute=0, second=0)
            return local.strftime("%Y-%m-%d"), instant(first, zone), instant(last, zone, last=True)
        if self.rng.random() < 0.5:
            local = local.replace(minute=self.rng.choice([0, 29, 30]), second=0)
        return local.strftime("%Y-%m-%d %H:%M:%S"), instant(local, zone), instant(local, zone, last=True)

    def range(self, zone):
        """(since, until, first and last moment in Unix ms)"""
        while True:
            (since, low, _), (until, _, high) = sorted((self.moment(zone) for _ in range(2)), key=lambda moment: moment[1])
            if low <= high:
                return since, until, low, high

    def say(self, *what):
        return f"AGREEMENT_SEED={self.world.seed}: {what}"

    # ---- live ----

    def live(self):
        """Get Usage: its total, its points and each of its lists."""
        rng, world, scope, zone = self.rng, self.world, self.scope(), self.rng.choice(ZONES)
        asked, span = self.live_range(zone) if rng.random() < 0.4 else (self.live_timeframe(), None)
        if asked["granularity"] == "minute" and scope.endpoint:
            asked["granularity"] = "hour"
        asked |= {"timeZone": zone, "limit": 1000}
        asked |= {name: value for name, value in zip(("organization", "keyId", "endpoint"), scope) if value}
        answer = self.get("/v1/developer/usage", **asked)
        start, end = span or self.live_window(scope, answer, asked)
        places = world.between(world.having(scope), start, end * SLOT - 1, "eternity", None)
        assert answer["usage"]["totalRequests"] == len(places), self.say(asked)
        self.check_points(answer["timeSeries"], places, asked["granularity"], asked)
        self.check_lists(answer, [world.events[i] for i in places], asked)
        self.live_as_statistics(answer, scope, start, end * SLOT - 1000, asked)

    def live_timeframe(self):
        timeframe, granularity = self.rng.choice(
            [("1h", "minute"), ("24h", "minute"), ("24h", "hour"), ("7d", "hour"), ("30d", "hour"), ("30d", "week"), ("90d", "day")]
            + [("1y", "hour"), ("1y", "day"), ("1y", "month"), ("all", "day"), ("all", "week"), ("all", "month")]
        )
        return {"timeframe": timeframe, "granularity": granularity}

    def live_range(self, zone):
        """With the beginning of its first slot, and the slot after its last."""
        since, until, low, high = self.range(zone)
        granularity = self.rng.choice(["day", "week", "month", *(["hour"] if high - low < 300 * DAY else [])])
        return {"since": since, "until": until, "granularity": granularity}, (low // SLOT * SLOT, high // SLOT + 1)

    def live_window(self, scope, answer, asked):
        """The same of a timeframe, once it is answered."""
        whole = [self.world.events[i] for i in self.world.having(scope._replace(endpoint=None))]
        start, _, end = fixture.window_of(whole, fixture.parse(answer["timestamp"]), asked["timeframe"])
        return start, end

    def check_points(self, points, places, unit, asked):
        zone = asked["timeZone"]
        starts = [fixture.parse(point["timestamp"]) for point in points]
        assert starts == sorted(set(starts)), self.say(asked)
        found = {period(at, unit, zone): point["requests"] for at, point in zip(starts, points)}
        assert {key: n for key, n in found.items() if n} == self.world.by_period(places, unit, zone), self.say(asked)
        assert len(found) == len(points), self.say(asked)

    def check_lists(self, answer, events, asked):
        lists = {
            "byEndpoint": ("endpoint", lambda e: f"{e.method} {e.route}"),
            "byMethod": ("method", lambda e: e.method),
            "byStatusCode": ("statusCode", lambda e: e.status),
            "byKey": ("keyId", lambda e: e.client),
        }
        for name, (field, key) in lists.items():
            found = Counter()
            for row in answer["breakdown"][name]:
                found[row[field]] += row["requests"]
            assert found == Counter(map(key, events)), self.say(name, asked)
        failed = sum(e.status >= 400 for e in events)
        assert answer["errors"]["totalErrors"] == answer["usage"]["failedRequests"] == failed, self.say(asked)

    def live_as_statistics(self, answer, scope, low, high, asked):
        """The same slots as one value."""
        one = (scope.organization is None) != (scope.client is None)
        if not one or "/" in (scope.client or "") or scope.endpoint not in (None, *GROUPS):
            return
        path = f"services/{quote(scope.organization)}" if scope.client is None else f"applications/{quote(scope.client)}"
        since, until = (fixture.iso(ms)[:19].replace("T", " ") for ms in (low, high))
        whole = dict(since=since, until=until, granularity="eternity", metric_name=scope.endpoint or "hits")
        same = self.get(f"/stats/{path}/usage.json", **whole)
        assert same["total"] == answer["usage"]["totalRequests"], self.say(asked, whole)

    # ---- statistics ----

    def subject(self):
        """(path, token, metric, scope): a service, an application of all, or one of an organization."""
        event, rng = self.event(), self.rng
        while "/" in event.client:
            event = self.event()
        token = rng.choice([None, event.org])
        scope = Scope(event.org, None) if rng.random() < 0.5 else Scope(token, event.client)
        metric = rng.choice(["hits", "orders", "reading" if scope.organization == "acme" else "hits"])
        path = f"services/{quote(event.org)}" if scope.client is None else f"applications/{quote(event.client)}"
        return f"/stats/{path}", self.world.tokens[token], metric, scope._replace(endpoint=None if metric == "hits" else metric)

    def statistics(self):
        """A series, of all requests or of codes, as JSON and CSV, and what else is about the same range."""
        rng, world = self.rng, self.world
        (path, token, metric, scope), zone = self.subject(), rng.choice(ZONES)
        since, until, low, high = self.range(zone)
        unit = rng.choice(["eternity", "month", "day", *(["hour", "21600"] if high - low < 60 * DAY else [])])
        asked = dict(token=token, since=since, until=until, timezone=zone, metric_name=metric)
        places = world.between(world.having(scope), low, high, UNITS.get(unit, unit), zone)
        self.series(f"{path}/usage", places, unit, {**asked, "granularity": unit})
        code = rng.choice([str(self.event().status), "2XX", "4xx", "5XX"])
        of_code = [i for i in places if has_code(world.events[i].status, code)]
        self.series(f"{path}/usage_response_code", of_code, unit, {**asked, "granularity": unit, "response_code": code})
        self.ranged(path, scope, (low, high, zone, "hour" if ":" in since + until else "day"), asked)
        if scope.client is None:
            self.averages(path, scope, (low, high, zone), asked)

    def series(self, path, places, unit, asked):
        answer, rows = self.get(f"{path}.json", **asked), csv_rows(self.fetch(f"{path}.csv", **asked))
        dates, values = [row[-2] for row in rows[1:]], [int(row[-1]) for row in rows[1:]]
        assert answer["values"] == values and answer["total"] == sum(values) == len(places), self.say(path, asked)
        if unit != "eternity":
            unit, zone = UNITS.get(unit, unit), asked["timezone"]
            found = {period(fixture.parse(at), unit, zone): n for at, n in zip(dates, values) if n}
            assert found == self.world.by_period(places, unit, zone), self.say(path, asked)

    def ranged(self, path, scope, span, asked):
        """What has no granularity: it goes by whole days, or hours."""
        low, high, zone, unit = span
        whole = self.world.between(self.world.having(scope._replace(endpoint=None)), low, high, unit, zone)
        mine = [self.world.events[i] for i in self.world.between(self.world.having(scope), low, high, unit, zone)]
        summary = self.get(f"{path}/summary.json", **{name: value for name, value in asked.items() if name != "metric_name"})
        totals = {row["system_name"]: row["data"]["total"] for row in summary["metrics"]}
        assert totals[asked["metric_name"]] == len(mine) and totals["hits"] == len(whole), self.say(path, asked)
        codes = Counter(str(self.world.events[i].status) for i in whole)
        assert {row["code"]: row["total"] for row in summary["response_codes"]} == codes, self.say(path, asked)
        if scope.client is not None:
            return
        top = [(row["id"], row["value"]) for row in self.get(f"{path}/top_applications.json", **asked)["applications"]]
        clients = Counter(event.client for event in mine).items()
        assert top == sorted(clients, key=lambda item: (-item[1], item[0].encode()))[:10], self.say(path, asked)

    def averages(self, path, scope, span, asked):
        """Of a range that reaches beyond now, up to the running day, or hour."""
        low, high, zone = span
        for name, unit, share in (("daily", "day", lambda key: key.isoweekday() % 7), ("hourly", "hour", lambda key: key[1])):
            now = int(time.time() * 1000)
            if low > now or (high - low > 300 * DAY and unit == "hour"):
                continue
            answer = self.get(f"{path}/{name}_averages.json", **asked)
            if period(now, unit, zone) != period(int(time.time() * 1000), unit, zone):
                continue
            places = self.world.between(self.world.having(scope), low, min(high, now), unit, zone)
            sums = Counter(share(key) for key in map(self.world.periods(unit, zone).__getitem__, places))
            assert {i: n for i, n in enumerate(answer["totals"]) if n} == sums, self.say(name, asked)
            for total, divisor, value in zip(answer["totals"], answer["divisors"], answer["values"]):
                assert abs(value - (Decimal(total) / divisor if divisor else 0)) <= Decimal("0.0005"), self.say(name, asked)

    # ---- closed days ----

    def interval(self, longest=70):
        first = self.event().time // DAY - self.rng.randrange(3)
        return first, first + self.rng.choice([0, 1, 5, longest])

    def report(self):
        """The page, and its sections as rows."""
        rng, world, token = self.rng, self.world, self.rng.choice([None, *ORGANIZATIONS])
        zone, (first, last), local = rng.choice(ZONES), self.interval(), rng.random() < 0.6
        asked = {"token": world.tokens[token], "interval": f"{iso(first)}/{iso(last)}", "timeZone": zone, "top": 1000}
        asked["dayBoundary"] = "local" if local else "utc"
        client = rng.choice([None, None, self.event().client])
        if client is not None:
            asked["clients"] = client.replace(",", "\\,")
        page = self.get("/api/v2/usage/report", **asked)
        omitted = days_in(entry["interval"] for entry in page["omittedDays"])
        places = world.closed(range(first, last + 1), omitted, used(page), zone if local else None)
        if self.quiet:
            self.check_closed(page, first, last, zone if local else None, omitted)
        events = [e for e in map(world.events.__getitem__, places) if token in (None, e.org) and client in (None, e.client)]
        assert page["statuses"] == counts_of(events) and page["totalRequests"] == len(events), self.say(asked)
        sections = {
            "days": (("date",), lambda e: (shown_day(e, zone if local else None),)),
            "clients": (("clientId", "organizationId"), lambda e: (e.client, e.org)),
            "urls": (("templateUri",), lambda e: (e.route.removeprefix("/"),)),
            "clientUrls": (("clientId", "templateUri"), lambda e: (e.client, e.route.removeprefix("/"))),
        }
        for name in ("days", "clients", "urls"):
            self.check_rows(page[name], events, *sections[name], asked)
        name, suffix = rng.choice(list(sections)), rng.choice(["csv", "jsonl"])
        body = self.fetch(f"/api/v2/usage/report.{suffix}", section=name, **asked).encode()
        if page == self.get("/api/v2/usage/report", **asked):  # no day was closed meanwhile
            self.check_rows({"csv": read_csv, "jsonl": read_jsonl}[suffix](body), events, *sections[name], asked)

    def check_rows(self, rows, events, names, key, asked):
        found, wanted = {}, {}
        for row in rows:
            found.setdefault(tuple(row[name] for name in names), Counter()).update({name: row[name] for name in COUNTS})
        for event in events:
            wanted.setdefault(key(event), Counter()).update(counts_of([event]))
        assert {k: c for k, c in found.items() if c["requests"]} == wanted, self.say(names, asked)

    def check_closed(self, answer, first, last, zone, omitted):
        """It has every day that is closed, at its last revision, and no other."""
        world, through = self.world, day_of(answer["finalizedThrough"] or "1969-12-31")
        assert all(e.time // DAY in world.revisions for e in world.events if e.time // DAY <= through), self.say(through)

        def is_closed(day):
            return day in world.revisions or day <= through

        touched = {day: touched_days(day, zone) for day in range(first, last + 1)}
        assert omitted == {day for day, days in touched.items() if not all(map(is_closed, days))}, self.say(first, last, zone)
        shown = {day for date, days in touched.items() if date not in omitted for day in days}
        assert used(answer) == {day: world.revisions[day] for day in shown if world.revisions.get(day, 1) > 1}, self.say(first, last)

    def query(self):
        """Rows of a usage query, and its export."""
        rng, world, token = self.rng, self.world, self.rng.choice([None, *ORGANIZATIONS])
        (first, last), groups = self.interval(300), rng.sample(list(QUERY_GROUPS), rng.randrange(4))
        granularity = rng.choice([None, "Day", "Week", "Month"])
        body = {"interval": f"{iso(first)}/{iso(last)}", "groupBy": groups, **({"granularity": granularity} if granularity else {})}
        answer, uri = self.run("query", body, token)
        omitted = days_in(answer["omittedDays"])
        if self.quiet:
            self.check_closed(answer, first, last, None, omitted)
        places = world.closed(range(first, last + 1), omitted, used(answer))
        events = [event for event in map(world.events.__getitem__, places) if token in (None, event.org)]
        fields, keys = zip(*(QUERY_GROUPS[group] for group in groups)) if groups else ((), ())

        def key(event):
            return (*(key(event) for key in keys), *((f"{bucket(event, granularity)}T00:00:00Z",) if granularity else ()))

        names = (*fields, *(("date",) if granularity else ()))
        self.check_rows(answer["results"], events, names, key, body)
        rows = read_csv(self.fetch(f"{uri}.csv", token=world.tokens[token]).encode())
        self.check_rows(rows, events, names, key, body)

    def totals(self):
        """A search and a job, of which the sum is wanted."""
        first, last = self.interval(300)
        interval = f"{iso(first)}/{iso(last)}"
        for kind, body in {
            "search": {"interval": interval, "metrics": ["ClientName", "Status200", "Requests"]},
            "job": {"interval": interval, "groupBy": [self.rng.choice(["OauthClientId", "UserId", "Platform"])]},
        }.items():
            answer, _ = self.run(kind, body, None)
            places = self.world.closed(range(first, last + 1), days_in(answer["omittedDays"]), used(answer))
            counted = counts_of([self.world.events[i] for i in places])
            rows = answer["entities" if kind == "job" else "results"]
            assert "nextUri" not in answer and "after" not in answer.get("cursors", {})
            assert sum(row["requestCount" if kind == "job" else "requests"] for row in rows) == counted["requests"], self.say(body)
            assert sum(row["status200"] for row in rows) == counted["status200"], self.say(body)

    def run(self, kind, body, token):
        """(the answer, its path)"""
        token = self.world.tokens[token]
        status, _, made = send(self.api, "POST", PATH[kind], body, token)
        assert status in (200, 202), (body, made)
        uri = json.loads(made)["resultsUri"]

        def ended():
            answer = self.get(uri, token=token, **({} if kind == "query" else {"pageSize": 1000}))
            return answer if answer["queryStatus"] in ("Complete", "Succeeded") else None

        return wait_until(ended, 30, f"{uri} has ended"), uri

    # ---- all of one range ----

    def everything(self):
        """Closed days of an organization in a zone: every way to ask for their number of requests."""
        runs = [run for run in self.world.final_runs() if run[1] - run[0] > 1]
        if not runs:
            return
        (first, last), zone, organization = self.rng.choice(runs), self.rng.choice(ZONES), self.rng.choice(ORGANIZATIONS)
        first, last = (first + 1, last - 1) if zone != "UTC" else (first, last)
        since, until, token = iso(first), iso(last), self.world.tokens[organization]
        days = [instant(datetime.fromisoformat(iso(day)), zone) for day in (first, last + 1)]
        if days[0] == days[1]:
            return  # a date that was left out
        scope = Scope(organization)
        counted = len(self.world.between(self.world.having(scope), days[0], days[1] - 1, "day", zone))
        path, span = f"/stats/services/{quote(organization)}", dict(since=since, until=until, timezone=zone)
        statistics = {
            unit: self.get(f"{path}/usage.json", metric_name="hits", granularity=unit, **span)["total"] for unit in ("hour", "day")
        }
        summary = self.get(f"{path}/summary.json", **span)
        statistics["summary"] = {row["system_name"]: row["data"]["total"] for row in summary["metrics"]}["hits"]
        statistics["codes"] = sum(row["total"] for row in summary["response_codes"])
        for name in ("daily", "hourly"):
            statistics[name] = sum(self.get(f"{path}/{name}_averages.json", **span)["totals"])
        asked = {"token": token, "interval": f"{since}/{until}", "timeZone": zone, "dayBoundary": "local"}
        report = self.get("/api/v2/usage/report", **asked)
        statistics["report"] = report["totalRequests"]
        rows = read_csv(self.fetch("/api/v2/usage/report.csv", section="clientUrls", **asked).encode())
        statistics["export"] = sum(row["requests"] for row in rows)
        live = self.get("/v1/developer/usage", token=token, timeframe="all", granularity="day", timeZone=zone)
        at = [(fixture.parse(point["timestamp"]), point["requests"]) for point in live["timeSeries"]]
        statistics["live"] = sum(n for ms, n in at if days[0] <= ms < days[1])
        if zone == "UTC":
            answer, _ = self.run("query", {"interval": f"{since}/{until}", "groupBy": ["TemplateUri"]}, organization)
            statistics["query"] = sum(row["requests"] for row in answer["results"])
        assert set(statistics.values()) == {counted}, self.say(counted, statistics, span, organization)



@pytest.fixture
def world(redis, tmp_path):
    made = World(redis, tmp_path, seed())
    yield made
    made.api.kill()


def test_before_while_and_after_days_are_closed(world):
    asker = Asker(world, world.rng)
    for stage in (0, 0.3, 0.7, 1):
        world.close(stage)
        world.count(30)
        for kind in KINDS:
            for _ in range(QUESTIONS):
                getattr(asker, kind)()
    assert not world.steps and world.final_runs()


def test_while_days_are_being_closed(world):
    """Sheets are written and buckets removed under the eyes of those who ask."""
    wrong, asked, stop = [], Counter(), threading.Event()

    def ask(number):
        asker = Asker(world, random.Random(world.seed + number), quiet=False)
        while not stop.is_set() and not wrong:
            kind = asker.rng.choice(KINDS[:-1])
            try:
                getattr(asker, kind)()
                asked[kind] += 1
            except BaseException as error:
                wrong.append(error)

    threads = [threading.Thread(target=ask, args=(n,)) for n in range(3)]
    for thread in threads:
        thread.start()
    for part in range(1, 26):
        world.close(part / 25)
        n = sum(asked.values())
        wait_until(lambda: wrong or sum(asked.values()) > n, 30, "an answer")
    stop.set()
    for thread in threads:
        thread.join()
    if wrong:
        raise wrong[0]
    Asker(world, world.rng).everything()
    print(dict(asked))
