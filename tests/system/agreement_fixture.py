"""Usage of every kind, a schedule by which its days are closed, and how it is counted by whoever wants to compare: from the events
themselves, with Python's own time zones. Nothing here is shared with the programs."""

import functools
import random
import time
from collections import Counter, defaultdict, namedtuple
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import closed_fixture
import live_fixture as fixture
from harness import API_TOKEN, Api
from live_fixture import DAY, MINUTE, SLOT
from registry_fixture import make_token
from stats_fixture import instant
from test_methods import ask as administer

PARTITIONS = 3
ZONES = ["UTC", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Apia", "Asia/Kolkata", "America/Santiago"]
ORGANIZATIONS = ["acme", "größe", '=org,"1"']
CLIENTS = ["c-1", "c-2", "-", "=cmd|'x'!A1", 'say "hi"', "Ünï 日本", "white space & *", "a,b", "c/7", "+1", "50%25"]
ROUTES = ["/v1/orders", "/v1/orders/{id}", "/v2/orders/{id}/lines", "/v1/größe/{id}", '/v1/a,b/"{c}"']
ROUTES += ["/", "v1/no-slash", "/v1/{id}.json"]
METHODS = ["GET", "GET", "GET", "POST", "PUT", "DELETE", "OPTIONS"]
PLATFORMS = ["", "", "web", "ios"]
STATUSES = [200] * 12 + [201, 204, 299, 100, 101, 199, 301, 304, 399, 400, 404, 404, 418, 429, 429, 499, 500, 503, 599]
COUNTS = ("status200", "status300", "status400", "status500", "status429", "requests")


def _is_read(event):
    return event.route[0] == "/" and (event.method == "GET" or (event.method == "OPTIONS" and event.route != "/"))


# Named groups of endpoints: of all, and of one organization.
GROUPS = {
    "orders": (None, ["ANY /*/orders/**"], lambda e: e.route.split("/")[2:3] == ["orders"]),
    "reading": ("acme", ["GET /**", "OPTIONS /*/**"], _is_read),
}
Scope = namedtuple("Scope", "organization client endpoint", defaults=(None, None, None))


def day_of(text):
    return (date.fromisoformat(text[:10]) - date(1970, 1, 1)).days


def iso(day):
    return (date(1970, 1, 1) + timedelta(days=day)).isoformat()


def slot_of(event):
    return event.time // SLOT * SLOT


def changes(zone, first, last):
    """Days in which the zone's clock is changed."""

    def offset(day):
        return datetime.fromtimestamp(day * DAY // 1000, ZoneInfo(zone)).utcoffset()

    return [day for day in range(first, last) if offset(day) != offset(day + 1)]


def period(ms, unit, zone):
    """What tells a zone's periods apart. It grows with the time, also in an hour that comes twice."""
    found = fixture.period_of(ms, unit, zone)
    return (*found[:2], -found[2]) if unit == "hour" else found


def counts_of(events):
    classes = Counter(event.status // 100 for event in events)
    limited = sum(event.status == 429 for event in events)
    return dict(zip(COUNTS, (classes[2], classes[3], classes[4], classes[5], limited, len(events))))


def has_code(status, code):
    return status // 100 == int(code[0]) if code.upper().endswith("XX") else status == int(code)


def touched_days(day, zone):
    """UTC days of a zone's date."""
    if zone is None:
        return [day]
    begin, end = (instant(datetime.fromisoformat(iso(n)), zone) for n in (day, day + 1))
    return range(begin // DAY, (end - 1) // DAY + 1) if begin < end else []


def shown_day(event, zone):
    return period(slot_of(event), "day", zone).isoformat() if zone else iso(event.time // DAY)


def bucket(event, granularity):
    """The day, week or month of a usage query, by its first day."""
    found = period(event.time, granularity.lower(), "UTC")
    return f"{found[0]}-{found[1]:02d}-01" if granularity == "Month" else found.isoformat()


# ---- what an answer about closed days says of itself ----


def days_in(intervals):
    """Numbers of the days of "2026-11-01/2026-11-03"."""
    return {day for text in intervals for day in range(day_of(text), day_of(text.split("/")[1]) + 1)}


def used(answer):
    """Revisions other than the first, by day."""
    return {day_of(row["day"]): row["revision"] for row in answer["revisions"]}


# ---- events ----


def random_days(rng, today):
    """Around every change of clocks of a year, a date that Apia left out, the last days, and some others."""
    zones = ("America/New_York", "Australia/Lord_Howe", "America/Santiago")
    turns = {day for zone in zones for day in changes(zone, today - 380, today - 1)}
    days = {turn + n for turn in turns for n in range(-2, 3)} | {today - n for n in range(9)}
    days |= {day_of("2011-12-30") + n for n in range(-2, 3)} | {today - rng.randrange(20, 900) for _ in range(8)}
    return sorted(day for day in days if day <= today)


def random_event(rng, day, now):
    at = rng.choice([rng.randrange(DAY), rng.randrange(96) * SLOT, rng.randrange(96) * SLOT - 1, rng.choice([0, DAY - 1])])
    when = min(day * DAY + max(at, 0), now)
    if rng.random() < 0.01:
        when = now + rng.randrange(9 * MINUTE)
    elif rng.random() < 0.1:
        when = now - rng.randrange(2 * DAY)
    client, route = (rng.choice(names[: rng.randrange(1, len(names) + 1)]) for names in (CLIENTS, ROUTES))
    late = when < now - 2 * DAY and rng.random() < 0.15
    user, latency = rng.choice(["", "", "u-1", "ü,2", f"u-{rng.randrange(40)}"]), int(rng.lognormvariate(9, 1.5))
    who = (rng.choice(ORGANIZATIONS), client, user, rng.choice(PLATFORMS))
    rest = (rng.choice(STATUSES), latency, rng.randrange(2000), rng.randrange(10**6), 1 + late)
    return fixture.Event(when, *who, rng.choice(METHODS), route, *rest)


# ---- the world ----


class World:
    """What is counted, and an API on it. Days are closed by steps, in a random order that keeps those of one day in theirs."""

    def __init__(self, redis, directory, seed, n=1500):
        self.seed, self.rng, self.client = seed, random.Random(seed), redis.client()
        self.now = int(time.time() * 1000)
        self.today = self.now // DAY
        days = random_days(self.rng, self.today)
        self.events = [random_event(self.rng, self.rng.choice(days), self.now) for _ in range(n)]
        self.events.sort(key=lambda event: (event.revision, event.time))
        fixture.write(self.client, self.events, PARTITIONS, self.now)
        for partition in range(PARTITIONS):  # an owner that stays: what was read of buckets may be kept
            self.client.hset(f"{{p{partition}}}:commit", "tok", f"{partition:032x}")
        self.books = closed_fixture.Books(self.client, self.events, PARTITIONS)
        self.books.first_day(self.today - 8)
        self.revisions = {}  # day -> its last one in the ledger
        self.last = {event.time // DAY: event.revision for event in self.events}
        self.last |= {day: self.last.get(day, 1) for day in range(self.today - 8, self.today)}  # also without events
        self.buckets = self._find_buckets()
        self.steps = self._plan()
        self.n_steps = len(self.steps)
        (directory / "cache").mkdir()
        settings = {"redis.url": redis.url, "auth.token": API_TOKEN, "cache.directory": directory / "cache"}
        self.api = Api("api", "api", directory / "api", {**settings, "limits.enterprise_per_minute": 10**6}).start()
        for name, (organization, endpoints, _) in GROUPS.items():
            assert administer(self.api, "PUT", f"/{name}", {"endpoints": endpoints, "organization": organization})[0] == 201
        self.tokens = {organization: make_token(self.client, organization) for organization in ORGANIZATIONS} | {None: API_TOKEN}

    # ---- closing ----

    def _find_buckets(self):
        found = defaultdict(list)
        for key in self.client.scan_iter(count=10000):
            parts = key.split(":")
            if parts[1] in ("t", "c", "r", "u", "s", "ss", "zs", "zr"):
                found[int(parts[0][2:-1]), parts[2]].append(key)
        return found

    def _plan(self):
        """[(function, arguments)]"""
        queues = []
        for day in sorted(day for day in self.last if day < self.today):
            steps = []
            for revision in range(1, self.last[day] + 1):
                seals = [(self._seal, (partition, day, revision)) for partition in range(PARTITIONS)]
                self.rng.shuffle(seals)
                steps += [*seals, (self._enter, (day, revision))]
            if self.rng.random() < 0.6:
                steps.append((self._remove, (day,)))
            queues.append(steps)
        plan = []
        while queues:
            some = self.rng.choice(queues)
            plan += [some.pop(0) for _ in range(min(len(some), self.rng.randrange(1, 5)))]
            queues = [steps for steps in queues if steps]
        return plan

    def _seal(self, partition, day, revision):
        reason = "requested" if day < self.today - 8 else "day_end"
        self.books.seal(partition, day, revision, reason if revision == 1 else "late")
        if self.rng.random() < 0.3:
            self._remove_generation(partition, f"{day}.{revision}")

    def _enter(self, day, revision):
        self.books.enter(day, revision, "day_end" if revision == 1 else "late")
        self.revisions[day] = revision

    def _remove(self, day):
        for revision in range(1, self.last[day] + 1):
            for partition in range(PARTITIONS):
                self._remove_generation(partition, f"{day}.{revision}")

    def _remove_generation(self, partition, generation):
        """Two days after its sheet: never while its minutes are kept."""
        if int(generation.split(".")[0]) > self.today - 3:
            return
        self.client.hdel(f"{{p{partition}}}:due", f"g:{generation}:0")
        self.client.hdel(f"{{p{partition}}}:meta", f"cnt:{generation}")
        keys = self.buckets.pop((partition, generation), None)
        if keys:
            self.client.unlink(*keys)

    def close(self, until=1.0):
        """Goes on to that part of all steps."""
        while self.steps and len(self.steps) > self.n_steps * (1 - until):
            step, arguments = self.steps.pop(0)
            step(*arguments)
        for key in self.client.scan_iter("{daybook}:same:*", count=10000):
            self.client.delete(key)  # the same query again is one of now

    def final_runs(self):
        """[(first, last)]: days in a row of which all that was counted is in the ledger."""
        final = sorted(day for day, revision in self.revisions.items() if revision == self.last[day])
        runs = []
        for day in final:
            if runs and runs[-1][1] == day - 1:
                runs[-1][1] = day
            else:
                runs.append([day, day])
        return runs

    # ---- counting ----

    def count(self, n):
        """So many more of today."""
        made = [random_event(self.rng, self.today, self.now) for _ in range(n)]
        self.events += [event for event in made if event.time // DAY == self.today and event.revision == 1]
        fixture.write(self.client, [e for e in self.events if e.time // DAY == self.today], PARTITIONS, self.now)
        World.periods.cache_clear()

    @functools.cache
    def periods(self, unit, zone):
        """Of each event, by its slot; minutes by its time."""
        return [period(e.time if unit == "minute" else slot_of(e), unit, zone) for e in self.events]

    def having(self, scope, more=lambda event: True):
        """Places of events."""
        group = GROUPS.get(scope.endpoint)
        for i, e in enumerate(self.events):
            if scope.organization not in (None, e.org) or scope.client not in (None, e.client):
                continue
            if scope.endpoint and not (group[2](e) if group else f"{e.method} {e.route}" == scope.endpoint):
                continue
            if more(e):
                yield i

    def between(self, places, low, high, unit, zone):
        """Those of the periods that hold the moments low to high, Unix ms; of the slots with unit "eternity"."""
        if unit == "eternity":
            return [i for i in places if low // SLOT <= self.events[i].time // SLOT <= high // SLOT]
        periods, first, last = self.periods(unit, zone), period(low, unit, zone), period(high, unit, zone)
        return [i for i in places if first <= periods[i] <= last]

    def by_period(self, places, unit, zone):
        periods = self.periods(unit, zone)
        return Counter(periods[i] for i in places)

    def closed(self, days, omitted, revisions, local_zone=None):
        """Places of what a report has of these days: days and omitted are dates of the zone, or UTC days."""
        wanted = {day for day in days if day not in omitted}
        for i, e in enumerate(self.events):
            day = day_of(period(slot_of(e), "day", local_zone).isoformat()) if local_zone else e.time // DAY
            if day in wanted and e.revision <= revisions.get(e.time // DAY, 1):
                yield i
