"""Closed days with users, methods and platforms, and what the usage API must say of them, counted from the events themselves. Nothing
here is shared with the programs."""

import hashlib
import json
import random
import secrets
import time
from collections import Counter, defaultdict
from datetime import date, timedelta

import closed_fixture
import live_fixture as fixture
from harness import API_TOKEN, Api, send

PARTITIONS = 3
ORGANIZATIONS = ["acme", "größe"]
CLIENTS = ["c-1", "c-2", "-", "=cmd", 'say "hi"', "Ünï 日本", "c/7"]
USERS = ["", "", "u-1", "u-2", "ü"]
METHODS = ["GET", "GET", "POST", "DELETE", "OPTIONS"]
PLATFORMS = ["", "", "web", "ios"]
ROUTES = ["/api/v2/users/{userId}", "/api/v2/users", '/v1/a,b/"{c}"', "/v1/größe", "v1/no-slash", "/"]
STATUSES = [200] * 8 + [201, 204, 301, 304, 400, 404, 429, 429, 500, 503, 101]
NAMES = {("acme", "c-1"): 'First, "the" client', ("größe", "c-1"): "+Zweiter", ("acme", "c-2"): "Twice", ("acme", "c/7"): "Twice"}
METRICS = ["status200", "status300", "status400", "status500", "status429", "requests"]
QUERY_NAMES = ["clientId", "organizationId", "userId", "templateUri", "httpMethod"]
GROUPS = {"client": 0, "organization": 1, "user": 2, "template": 3, "method": 4, "platform": 5}
ALL_PERMISSIONS = ("oauth:client:view", "usage:organization:view", "usage:client:view", "usage:simpleSearch:view")


def number(text):
    return (date.fromisoformat(text) - date(1970, 1, 1)).days


def iso(day):
    return (date(1970, 1, 1) + timedelta(days=day)).isoformat()


def random_event(rng, day, revision=1):
    client = rng.choice(CLIENTS[: rng.randrange(1, len(CLIENTS) + 1)])
    route, status = rng.choice(ROUTES[: rng.randrange(1, len(ROUTES) + 1)]), rng.choice(STATUSES)
    who = (rng.choice(ORGANIZATIONS), client, rng.choice(USERS), rng.choice(PLATFORMS))
    return fixture.Event(day * fixture.DAY + rng.randrange(fixture.DAY), *who, rng.choice(METHODS), route, status, 5, 1, 2, revision)


class World:
    """Autumn 2024, one day of it open and some with late events, and the last days up to yesterday, one of them without events."""

    def __init__(self, redis, directory, seed=None):
        self.seed = seed or random.randrange(10**6)
        rng = random.Random(self.seed)
        self.redis, self.client, self.directory = redis, redis.client(), directory
        self.today = int(time.time()) // 86400
        self.open = number("2024-10-20")
        self.late = {number("2024-10-05"): 2, number("2024-11-02"): 3}
        self.recent = range(self.today - 9, self.today)
        self.days = [*range(number("2024-09-25"), number("2024-11-20")), *self.recent]
        self.empty = self.today - 3
        self.events = [random_event(rng, day) for day in self.days for _ in range(rng.randrange(5, 70)) if day != self.empty]
        self.events += [random_event(rng, day, 2) for day in self.late for _ in range(7)]
        self.events += [random_event(rng, self.today) for _ in range(5)]
        fixture.write(self.client, self.events, PARTITIONS, self.today * fixture.DAY)
        self.books = closed_fixture.Books(self.client, self.events, PARTITIONS)
        self.books.first_day(self.recent[0])
        self.close_all()
        self.revisions = {day: self.late.get(day, 1) for day in self.days if day not in (self.open, self.empty)}
        self.incomplete = {day for day in self.revisions if day % 5 == 0 and day not in self.late}
        for (organization, client), name in NAMES.items():
            entry = dict(id=client, name=name, organization=organization, tier="free", platform="", plan="")
            self.client.hset("{daybook}:clients", f"{organization}\x1f{client}", json.dumps(entry))
        self.client.incr("{daybook}:version")
        self.api = self.start_api("api")

    def close_all(self):
        for day in self.days:
            if day not in (self.open, self.empty):
                self.books.close(day, reason="requested" if day < self.recent[0] else "day_end", complete=day % 5 > 0)
        for revision in (2, 3):
            for day, last in self.late.items():
                if last >= revision:
                    self.books.close(day, revision, "late", complete=True)

    def start_api(self, name, **settings):
        defaults = {"redis.url": self.redis.url, "auth.token": API_TOKEN, "cache.directory": self.directory / "cache"}
        defaults |= {"limits.enterprise_per_minute": 1000000}
        (self.directory / "cache").mkdir(exist_ok=True)
        return Api(name, "api", self.directory / name, {**defaults, **settings}).start()

    def make_token(self, organization=None, client=None, permissions=ALL_PERMISSIONS, **entry):
        """A token, as api/registry_text.h says."""
        token, identity = f"dbk_{secrets.token_urlsafe(32)}", f"t-{secrets.token_hex(16)}"
        entry = dict(name="test", digest=hashlib.sha256(token.encode()).hexdigest(), organization=organization, client=client) | entry
        entry |= dict(permissions=list(permissions), tier=entry.get("tier", "enterprise"), created=int(time.time() * 1000), expires=0)
        self.client.hset("{daybook}:tokens", identity, json.dumps(entry))
        self.client.incr("{daybook}:version")
        self.token_id = identity
        return token

    # ---- what is right ----

    @property
    def through(self):
        return self.open - 1

    def state(self, day):
        """"closed", "empty" or "open"."""
        if day in self.revisions:
            return "closed"
        return "empty" if day <= self.through else "open"

    def about(self, first, last):
        days = range(first, last + 1)
        return {
            "interval": f"{iso(first)}/{iso(last)}",
            "finalizedThrough": iso(self.through),
            "omittedDays": ranges(day for day in days if self.state(day) == "open"),
            "revisions": [{"day": iso(day), "revision": self.revisions[day]} for day in days if self.revisions.get(day, 1) > 1],
            "incompleteDays": ranges(day for day in days if day in self.incomplete),
        }

    def counted(self, first, last, organization=None, client=None):
        for event in self.events:
            day = event.time // fixture.DAY
            if first <= day <= last and event.revision <= self.revisions.get(day, 0):
                if organization in (None, event.org) and client in (None, event.client):
                    yield event

    def rows(self, events, group, granularity):
        """[(date, six names, counts)], in the order of the answers: by date, requests descending, then the names."""
        sums = defaultdict(Counter)
        for event in events:
            names = (event.client, event.org, event.user, event.route.removeprefix("/"), event.method, event.platform)
            key = tuple(name if i in group else "" for i, name in enumerate(names))
            sums[bucket(event.time // fixture.DAY, granularity), key].update(classes(event.status))
        order = sorted(sums, key=lambda k: (k[0], -sums[k]["requests"], [name.encode() for name in k[1]]))
        return [(day, names, {metric: sums[day, names][metric] for metric in METRICS}) for day, names in order]

    def client_name(self, organization, client):
        if organization is not None:
            return NAMES.get((organization, client), client)
        named = [name for (_, registered), name in NAMES.items() if registered == client]
        return named[0] if len(named) == 1 else client

    def query_rows(self, rows, metrics, dated, organization=None):
        """The same as rows of a QueryResult."""
        return [
            {
                "clientId": names[0],
                "clientName": self.client_name(names[1] or organization, names[0]),
                **dict(zip(QUERY_NAMES[1:], names[1:5])),
                **{metric: counts[metric] for metric in METRICS if metric in metrics},
                **({"date": f"{iso(day)}T00:00:00Z"} if dated else {}),
            }
            for day, names, counts in rows
        ]


def classes(status):
    kinds = ["requests"]
    if 200 <= status < 600:
        kinds.append(f"status{status // 100}00")
    return [*kinds, "status429"] if status == 429 else kinds


def bucket(day, granularity):
    first = date(1970, 1, 1) + timedelta(days=day)
    if granularity == "Week":
        return day - first.weekday()
    if granularity == "Month":
        return day - first.day + 1
    return day if granularity == "Day" else 0


def ranges(days):
    found = []
    for day in days:
        if found and found[-1][1] == day - 1:
            found[-1][1] = day
        else:
            found.append([day, day])
    return [f"{iso(first)}/{iso(last)}" for first, last in found]


# ---- asking ----


def ask(api, path, body=None, token=API_TOKEN, method=None, **headers):
    """(status, headers, body as bytes). body: bytes, or anything that json.dumps takes; None: a GET."""
    sent = {"Content-Type": "application/json", **{name.replace("_", "-"): value for name, value in headers.items()}}
    sent = {name: value for name, value in sent.items() if value is not None}
    return send(api, method or ("GET" if body is None else "POST"), path, body, token, sent)


def get(api, path, **options):
    status, _, body = ask(api, path, **options)
    assert status == 200, (status, body)
    return json.loads(body)


def post(api, path, body, **options):
    """The answer of a POST that is accepted."""
    status, _, answer = ask(api, path, body, **options)
    assert status in (200, 202), (status, answer)
    return json.loads(answer)


def poll(api, path, timeout_s=30, **options):
    """The answer when it is no longer queued or running."""
    end = time.monotonic() + timeout_s
    while True:
        answer = get(api, path, **options)
        if answer["queryStatus"] not in ("Queued", "Running"):
            return answer
        assert time.monotonic() < end, answer
        time.sleep(0.02)


def failure(answer):
    """The usage API's error body of (status, headers, body), checked: (status, code, body)."""
    status, headers, body = answer
    error = json.loads(body)
    assert error["status"] == status and error["contextId"] == headers["ININ-Correlation-Id"] == headers["X-Request-Id"]
    assert isinstance(error["message"], str) and isinstance(error["details"], list) and error["errors"] == []
    return status, error["code"], error
