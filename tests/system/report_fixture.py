"""A year's days that are closed, and what the report must say of them: counted from the events themselves, with Python's own time
zones. Nothing here is shared with the programs."""

import json
import random
import time
from collections import Counter
from datetime import date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import closed_fixture
import live_fixture as fixture
from harness import API_TOKEN, Api
from registry_fixture import make_client, make_token
from test_usage_api import fetch

PATH = "/api/v2/usage/report"
PARTITIONS = 3
COUNTS = ("status200", "status300", "status400", "status500", "status429", "requests")
DAY_S, SLOT_S = 86400, 900

ORGANIZATIONS = ["acme", "größe"]
CLIENTS = ["c-1", "c-2", "-", '=HYPERLINK("x")', "@sum,1", "Ünï 日本", "c-7"]
ROUTES = ["/api/v2/users/{userId}", "/api/v2/users", '/v1/a,b/"{c}"', "/v1/größe", "/v1/orders/{id}", "/v1/orders"]
STATUSES = [200] * 8 + [201, 204, 301, 304, 400, 404, 429, 429, 500, 503, 101]
NAMES = {("acme", "c-1"): "First, \"the\" client", ("größe", "c-1"): "+Zweiter", ("acme", "c-7"): "Siebter"}


def number(text):
    return (date.fromisoformat(text) - date(1970, 1, 1)).days


def iso(day):
    return (date(1970, 1, 1) + timedelta(days=day)).isoformat()


def random_event(rng, day, revision=1):
    time_ms = day * fixture.DAY + rng.randrange(fixture.DAY)
    organization = rng.choice(ORGANIZATIONS)
    client = rng.choice(CLIENTS[: rng.randrange(1, len(CLIENTS) + 1)])
    route, status = rng.choice(ROUTES[: rng.randrange(1, len(ROUTES) + 1)]), rng.choice(STATUSES)
    return fixture.Event(time_ms, organization, client, "", "", "GET", route, status, 5, 1, 2, revision)


class World:
    """Days of 2024, one of them open, the turn of 2011 to 2012, and the days up to yesterday; late events in some."""

    def __init__(self, redis, directory, seed=None):
        self.seed = seed or random.randrange(10**6)
        rng = random.Random(self.seed)
        self.redis, self.client, self.directory = redis, redis.client(), directory
        self.today = int(time.time()) // DAY_S
        self.open = number("2024-10-20")
        self.late = {number("2024-10-05"): 2, number("2024-11-02"): 3}
        self.first = self.today - 12
        self.old = [*range(number("2011-12-27"), number("2012-01-03")), *range(number("2024-09-25"), number("2024-11-20"))]
        self.days = [*self.old, *range(self.first, self.today)]
        empty = {self.today - 3}
        self.events = [random_event(rng, day) for day in self.days for _ in range(rng.randrange(5, 60)) if day not in empty]
        self.events += [random_event(rng, day, 2) for day in self.late for _ in range(7)]
        self.events += [random_event(rng, self.today) for _ in range(5)]
        fixture.write(self.client, self.events, PARTITIONS, self.today * fixture.DAY)
        self.books = closed_fixture.Books(self.client, self.events, PARTITIONS)
        self.books.first_day(self.first)
        self.close_all(empty)
        self.revisions = dict.fromkeys([day for day in self.days if day not in (self.open, *empty)], 1) | self.late
        self.name_clients()
        self.api = self.start_api("api")

    def close_all(self, empty):
        for day in self.days:
            if day != self.open and day not in empty:
                self.books.close(day, reason="requested" if day < self.first else "day_end", complete=day % 5 > 0)
        for revision in (2, 3):
            for day, last in self.late.items():
                if last >= revision:
                    self.books.close(day, revision, "late", complete=True)

    def start_api(self, name, **settings):
        defaults = {"redis.url": self.redis.url, "auth.token": API_TOKEN, "cache.directory": self.directory / "cache"}
        (self.directory / "cache").mkdir(exist_ok=True)
        return Api(name, "api", self.directory / name, {**defaults, **settings}).start()

    # ---- the registry ----

    def name_clients(self):
        for (organization, client), name in NAMES.items():
            make_client(self.client, organization, client, name)

    def make_token(self, organization, client=None, permissions=("usage:organization:view",)):
        return make_token(self.client, organization, client, permissions)

    # ---- asking ----

    def fetch(self, suffix="", **options):
        return fetch(self.api, path=PATH + suffix, **options)

    def page(self, **options):
        status, headers, body = self.fetch(**options)
        assert status == 200, body
        assert headers["Content-Type"] == "application/json" and headers["Cache-Control"] == "private, no-cache"
        return json.loads(body)

    # ---- what is right ----

    @property
    def through(self):
        return self.open - 1

    def is_closed(self, day):
        return day in self.revisions or day <= self.through

    def expected(self, interval, zone="UTC", local=False, **options):
        return Expected(self, interval, zone, local, **options)


def instant(day, zone):
    """When the wall clock first shows that date or a later one."""
    midnight = datetime.combine(date(1970, 1, 1) + timedelta(days=day), datetime.min.time(), zone)
    return int(midnight.astimezone(timezone.utc).timestamp())


def shown(utc_s, zone):
    text = datetime.fromtimestamp(utc_s, zone).isoformat()
    return text.replace("+00:00", "Z") if zone.key == "UTC" else text


def counts_of(events):
    classes = Counter(event.status // 100 for event in events)
    limited = sum(event.status == 429 for event in events)
    return dict(zip(COUNTS, (classes[2], classes[3], classes[4], classes[5], limited, len(events))))


def ranges(days):
    found = []
    for day in sorted(days):
        if found and found[-1][1] == day - 1:
            found[-1][1] = day
        else:
            found.append([day, day])
    return [f"{iso(first)}/{iso(last)}" for first, last in found]


class Expected:
    """interval: (first, last) as days. clients, routes: lists; organization: what the caller sees."""

    def __init__(self, world, interval, zone, local, clients=None, routes=None, organization=None, top=5):
        self.world, self.interval, self.zone, self.local, self.top = world, interval, ZoneInfo(zone), local, top
        first, last = interval
        spans = [(day, *self.span(day)) for day in range(first, last + 1)]
        self.skipped = [day for day, begin, end in spans if begin == end]
        spans = [span for span in spans if span[1] < span[2]]
        self.days = [span for span in spans if all(map(world.is_closed, self.touched(span)))]
        self.omitted = [span for span in spans if span not in self.days]
        self.utc_days = sorted({day for span in self.days for day in self.touched(span)})
        self.by_day = {day: [] for day, _, _ in self.days}
        for event in world.events:
            wanted = clients is None or event.client in clients
            wanted = wanted and (routes is None or event.route in routes) and organization in (None, event.org)
            if wanted and event.revision <= world.revisions.get(event.time // fixture.DAY, 0):
                self.place(event)
        self.events = [event for events in self.by_day.values() for event in events]

    def span(self, day):
        if self.local:
            return instant(day, self.zone), instant(day + 1, self.zone)
        return day * DAY_S, (day + 1) * DAY_S

    @staticmethod
    def touched(span):
        return range(span[1] // DAY_S, (span[2] - 1) // DAY_S + 1)

    def place(self, event):
        slot_s = event.time // fixture.SLOT * SLOT_S
        day = slot_s // DAY_S
        if self.local:
            day = (datetime.fromtimestamp(slot_s, self.zone).date() - date(1970, 1, 1)).days
        if day in self.by_day:
            self.by_day[day].append(event)

    def groups(self, key):
        groups = {}
        for event in self.events:
            groups.setdefault(key(event), []).append(event)
        rows = [(names, counts_of(events)) for names, events in groups.items()]
        return sorted(rows, key=lambda row: (-row[1]["requests"], *(name.encode() for name in row[0])))

    # ---- rows of sections; names are told apart, and sorted, in the order client, organization, template ----

    def day_rows(self):
        return [
            {"date": iso(day), "begin": shown(begin, self.zone), "end": shown(end, self.zone), **counts_of(self.by_day[day])}
            for day, begin, end in self.days
        ]

    @staticmethod
    def _client(client, organization):
        name = NAMES.get((organization, client), client)
        return {"clientId": client, "clientName": name, "organizationId": organization}

    def client_rows(self):
        return [{**self._client(*names), **counts} for names, counts in self.groups(lambda e: (e.client, e.org))]

    def url_rows(self):
        return [{"templateUri": names[0], **counts} for names, counts in self.groups(lambda e: (e.route[1:],))]

    def client_url_rows(self):
        rows = self.groups(lambda e: (e.client, e.org, e.route[1:]))
        return [{**self._client(*names[:2]), "templateUri": names[2], **counts} for names, counts in rows]

    def sections(self):
        made = (self.day_rows, self.client_rows, self.url_rows, self.client_url_rows)
        return {name: rows() for name, rows in zip(("days", "clients", "urls", "clientUrls"), made)}

    # ---- the page ----

    def _clients(self):
        urls = {}
        for row in self.client_url_rows():
            url = {"templateUri": row["templateUri"], **{name: row[name] for name in COUNTS}}
            urls.setdefault((row["clientId"], row["organizationId"]), []).append(url)
        return [
            {**row, "totalUrls": len(own), "urls": own[: self.top]}
            for row in self.client_rows()[: self.top]
            for own in [urls[row["clientId"], row["organizationId"]]]
        ]

    def _omitted(self):
        now = time.time()
        found = []
        for reason, ended in (("notClosed", True), ("notEnded", False)):
            days = [day for day, _, end in self.omitted if (end <= now) == ended]
            found += [{"interval": interval, "reason": reason} for interval in ranges(days)]
        return sorted(found, key=lambda entry: entry["interval"])

    def page(self):
        revisions, books = self.world.revisions, self.world.books
        revised = [day for day in self.utc_days if revisions.get(day, 1) > 1]
        complete = {(entry.day, entry.revision): entry.complete for entry in map(books.entry, range(1, len(books.records) + 1))}
        total = counts_of(self.events)
        return {
            "interval": f"{iso(self.interval[0])}/{iso(self.interval[1])}",
            "timeZone": self.zone.key,
            "dayBoundary": "local" if self.local else "utc",
            "finalizedThrough": iso(self.world.through),
            "omittedDays": self._omitted(),
            "revisions": [{"day": iso(day), "revision": revisions[day]} for day in revised],
            "incompleteDays": ranges([d for d in self.utc_days if d in revisions and not complete[d, revisions[d]]]),
            "skippedDates": [iso(day) for day in self.skipped] if self.local else [],
            "totalRequests": total["requests"],
            "totalClients": len(self.client_rows()),
            "totalUrls": len(self.url_rows()),
            "statuses": total,
            "clients": self._clients(),
            "urls": self.url_rows()[: self.top],
            "days": self.day_rows(),
        }
