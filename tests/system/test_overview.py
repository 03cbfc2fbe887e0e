"""GET /api/v2/usage/overview on a real Redis: every number against Get Usage and against the events themselves; alerts, newest clients
and health as they were written; and what of it whom is shown."""

import hashlib
import json
import random
import time
from collections import Counter
from decimal import Decimal

import live_fixture as fixture
import pytest
from access import ask as administer
from harness import API_TOKEN, Api, Redis, shared_world, wait_until
from live_fixture import DAY, HOUR, SLOT
from registry_fixture import make_client, make_token
from test_usage_api import fetch, usage

PARTITIONS = 3
TIMEFRAMES = {"1h": HOUR, "24h": DAY, "7d": 7 * DAY, "30d": 30 * DAY, "90d": 90 * DAY, "1y": None}
PATH = "/api/v2/usage/overview"
STREAM = "00" * 15 + "01"


def ask(api, **parameters):
    status, _, body = fetch(api, path=PATH, **parameters)
    assert status == 200, (parameters, body)
    return json.loads(body, parse_float=Decimal)


def refused(api, **parameters):
    status, headers, body = fetch(api, path=PATH, **parameters)
    error = json.loads(body)
    assert error["success"] is False and error["requestId"] == headers["X-Request-Id"]
    return status, error


class World:
    def __init__(self, redis, directory):
        self.now = int(time.time() * 1000)
        self.seed = random.randrange(10**6)
        self.events = fixture.random_events(self.seed, self.now, n=3000)
        self.redis = redis
        self.client = self.redis.client()
        fixture.write(self.client, self.events, PARTITIONS, self.now)
        make_client(self.client, "acme", "c-0", name="Shop")
        settings = {"redis.url": self.redis.url, "auth.token": API_TOKEN, "system.lag_s": 100}
        self.api = Api("api", "api", directory / "api", settings).start()
        wait_until(lambda: ask(self.api)["success"], 30, "it answers")

    def between(self, window, organization):
        start, end = fixture.parse(window["from"]), fixture.parse(window["to"])
        return [e for e in self.events if start <= e.time // SLOT * SLOT < end and organization in (None, e.org)]

    def raise_alert(self, **fields):
        """A record as api/alert.c keeps it; its id."""
        s = "\x1f"
        if "type" in fields:
            essence = f"system{s}{fields['type']}{s}{fields['subject']}{s}{fields['since']}"
        else:
            names = ("organization", "client", "metric", "period", "from", "limit", "level")
            essence = s.join(["limit", *(str(fields[name]) for name in names)])
        identity = hashlib.sha256(essence.encode()).hexdigest()[:32]
        self.client.hset("{daybook}:alerts", identity, json.dumps({"created": self.now, **fields}))
        self.client.incr("{daybook}:alerts:version")
        return identity

    def raise_limit(self, level, organization="acme", client="c-0", metric="hits", **fields):
        day = self.now // DAY * DAY
        known = {"rule": "r", "period": "day", "from": day, "to": day + DAY, "limit": 1000, "value": level * 10}
        return self.raise_alert(organization=organization, client=client, metric=metric, level=level, **{**known, **fields})


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    with shared_world(World, tmp_path_factory.mktemp("overview")) as made:
        yield made


def both(world, **parameters):
    """The overview and Get Usage of the same slots."""
    while True:
        overview, answer = ask(world.api, **parameters), usage(world.api, limit=10, **parameters)
        if overview["window"]["from"] == answer["window"]["from"]:
            return overview, answer


@pytest.mark.parametrize("organization", [None, "acme", "[*?]\\^-org"])
@pytest.mark.parametrize("timeframe", TIMEFRAMES)
def test_numbers_are_those_of_get_usage(world, timeframe, organization):
    of = {"organization": organization} if organization else {}
    overview, answer = both(world, timeframe=timeframe, **of)
    mine, theirs = overview["usage"], answer["usage"]
    names = ("totalRequests", "successfulRequests", "failedRequests", "successRate", "averageLatency", "dataTransferred")
    assert {name: mine[name] for name in names} == {name: theirs[name] for name in names}
    assert mine["p95Latency"] == answer["latency"]["p95"]
    assert overview["organization"] == organization and overview["timeframe"] == timeframe
    breakdown = answer["breakdown"]
    keys = [(row["organization"], row["keyId"], row["requests"], row["failedRequests"], row["lastSeen"]) for row in breakdown["byKey"]]
    shown = [(row["organization"], row["clientId"], row["requests"], row["failedRequests"], row["lastSeen"]) for row in overview["topClients"]]
    assert shown == keys
    routes = [(row["endpoint"], row["requests"], row["latency"]["p95"]) for row in breakdown["byEndpoint"]]
    assert [(row["endpoint"], row["requests"], row["p95Latency"]) for row in overview["topEndpoints"]] == routes
    for row in overview["topClients"]:
        assert row["name"] == ("Shop" if (row["organization"], row["clientId"]) == ("acme", "c-0") else row["clientId"])
        assert row["share"] == fixture.ratio(row["requests"] * 100, mine["totalRequests"])
    assert overview["finality"]["finalizedThrough"] == answer["finalizedThrough"]
    assert overview["finality"]["provisionalDays"][-1] == overview["timestamp"][:10]


@pytest.mark.parametrize("organization", [None, "globex"])
@pytest.mark.parametrize("timeframe", TIMEFRAMES)
def test_the_period_before(world, timeframe, organization):
    of = {"organization": organization} if organization else {}
    overview = ask(world.api, timeframe=timeframe, **of)
    window, before = overview["window"], overview["windowBefore"]
    start, now = fixture.parse(window["from"]), fixture.parse(overview["timestamp"])
    length = start - fixture.parse(before["from"])
    assert before["to"] == window["from"] and length % SLOT == 0
    assert abs(length - (now - start)) <= SLOT // 2
    if TIMEFRAMES[timeframe]:
        assert 0 <= now - start - TIMEFRAMES[timeframe] < SLOT
    events = world.between(before, organization)
    total = fixture.Sum()
    for event in events:
        total.add(event)
    assert overview["usageBefore"]["totalRequests"] == len(events)
    assert overview["usageBefore"]["failedRequests"] == total.failed
    assert overview["usageBefore"]["dataTransferred"] == total.bytes
    assert overview["usageBefore"]["activeClients"] == len({(e.org, e.client) for e in events})
    for name, value in (("totalRequests", len(events)), ("failedRequests", total.failed)):
        same = value * ((now - start) // 1000) // (length // 1000)  # of as long a window
        mine = overview["usage"][name]
        change = Decimal(mine - same) * 100 / same if same else Decimal(100 if mine else 0)
        assert abs(overview["change"][name] - change) <= Decimal("0.0005"), name


def test_clients_that_appeared(world):
    overview = ask(world.api, timeframe="24h")
    end = {"from": overview["window"]["from"], "to": "2200-01-01T00:00:00Z"}
    now = Counter((e.org, e.client) for e in world.between(end, None))
    before = {(e.org, e.client) for e in world.between(overview["windowBefore"], None)}
    new = {who: n for who, n in now.items() if who not in before}
    listed = {(row["organization"], row["clientId"]): row["requests"] for row in overview["newestClients"]["appeared"]}
    assert overview["newestClients"]["appearedCount"] == len(new)
    assert all(new[who] == n for who, n in listed.items()) and len(listed) == min(len(new), 10)


def test_clients_by_their_keys(world):
    for i in range(12):
        body = {"keyId": f"k-{i}", "organization": "acme" if i % 2 else "globex", "name": f"Key {i}"}
        administer(world.api, "POST", "/v1/developer/keys", status=201, body=body)
        time.sleep(0.002)
    wait_until(lambda: len(ask(world.api)["newestClients"]["registered"]) == 10, 30, "they are known")
    rows = ask(world.api)["newestClients"]["registered"]
    assert [row["clientId"] for row in rows] == [f"k-{i}" for i in range(11, 1, -1)]
    assert all(row["requests"] == 0 and row["name"] == f"Key {row['clientId'][2:]}" for row in rows)
    rows = ask(world.api, organization="acme")["newestClients"]["registered"]
    assert [row["clientId"] for row in rows] == [f"k-{i}" for i in range(11, 0, -2)]


def test_alerts(world):
    low, high = world.raise_limit(50), world.raise_limit(120)
    other = world.raise_limit(80, organization="globex", client="c-1", metric="checkout", period="month")
    over = world.raise_limit(300, client="c-2")
    system = world.raise_alert(type="silent_collector", subject="web-1", message="It is silent.", since=5)
    world.client.hset("{daybook}:alerts:recovered", over, world.now)
    world.client.hset("{daybook}:alerts:state", low, "read")
    world.client.incr("{daybook}:alerts:version")
    overview = ask(world.api)
    rows = overview["reachingLimits"]
    assert [(row["level"], row["clientId"], row["metric"], row["alertId"]) for row in rows] == [(120, "c-0", "hits", high), (80, "c-1", "checkout", other)]
    assert overview["reachingLimitsCount"] == 2
    assert rows[0]["name"] == "Shop" and rows[0]["limit"] == 1000 and rows[0]["value"] == 1200
    assert overview["alerts"]["unread"] == 4 and {row["id"] for row in overview["alerts"]["newest"]} == {high, other, over, system}
    token = make_token(world.client, "acme")
    wait_until(lambda: fetch(world.api, path=PATH, token=token)[0] == 200, 30, "the token is known")
    ours = ask(world.api, token=token)
    assert [row["alertId"] for row in ours["reachingLimits"]] == [high]
    assert {row["id"] for row in ours["alerts"]["newest"]} == {high, over}


def test_health(world):
    now = int(time.time() * 1000)
    health = ask(world.api)["health"]
    assert {row["state"] for row in health["partitions"]} == {"unknown"} and health["workers"] == []
    world.client.hset("{daybook}:workers", mapping={"since": now, "0": f"5 9 {now} {now - 101_000} one", "1": f"9 9 {now} 0 one", "2": f"3 7 {now} {now} two"})
    world.client.hset("{p1}:hb", STREAM, f"web%201 {now - 500_000} 77 {now - 600_000} 10 9 1 0 1,1,1")
    world.client.hset("{p0}:gaps", "0", f"0 17 {STREAM} 4 6 {now // DAY}")
    try:
        health = ask(world.api)["health"]
        assert health["status"] == "attention"
        assert [row["state"] for row in health["partitions"]] == ["standing", "counting", "counting"]
        assert [row["lag"] for row in health["partitions"]] == [4, 0, 4]
        assert [(row["worker"], row["partitions"]) for row in health["workers"]] == [("one", 2), ("two", 1)]
        assert [(row["name"], row["silent"], row["journalBytes"], row["received"]) for row in health["collectors"]] == [("web 1", True, 77, 10)]
        found = {(row["type"], row["subject"]) for row in health["conditions"]}
        date = time.strftime("%Y-%m-%d", time.gmtime(now / 1000))
        assert {("lag_without_progress", "partition 0"), ("silent_collector", "web 1"), ("sequence_gap", f"stream {STREAM} on {date}")} <= found
        assert all(row["message"] for row in health["conditions"])
    finally:
        world.client.delete("{daybook}:workers", "{p1}:hb", "{p0}:gaps")


def test_who_sees_what(world):
    ours = make_token(world.client, "acme", permissions=())
    client = make_token(world.client, "acme", of_client="c-0", permissions=())
    wait_until(lambda: fetch(world.api, path=PATH, token=client)[0] == 200, 30, "the tokens are known")
    answer = ask(world.api, token=ours)
    assert answer["health"] is None and answer["organization"] == "acme"
    assert answer["usage"]["totalRequests"] == ask(world.api, organization="acme")["usage"]["totalRequests"]
    assert {row["organization"] for row in answer["topClients"]} == {"acme"}
    assert refused(world.api, token=ours, organization="globex")[0] == 403
    answer = ask(world.api, token=client)
    assert [row["clientId"] for row in answer["topClients"]] == ["c-0"]
    assert answer["usage"]["totalRequests"] == usage(world.api, keyId="c-0", organization="acme")["usage"]["totalRequests"]
    assert {row["clientId"] for row in answer["newestClients"]["registered"]} <= {"c-0"}
    assert refused(world.api, token=None)[0] == 401


def test_parameters(world):
    status, error = refused(world.api, timeframe="all")
    assert (status, error["error"], error["field"], error["value"]) == (400, "INVALID_TIMEFRAME", "timeframe", "all")
    assert error["allowed"] == ["1h", "24h", "7d", "30d", "90d", "1y"]
    status, error = refused(world.api, granularity="hour")
    assert (status, error["error"], error["field"]) == (400, "UNKNOWN_PARAMETER", "granularity")
    assert error["allowed"] == ["timeframe", "organization", "timeZone"]
    status, error = refused(world.api, timeZone="Asia/Katmandoo")
    assert (status, error["field"]) == (400, "timeZone")
    status, error = refused(world.api, organization="never-heard-of")
    assert (status, error["error"]) == (404, "NO_USAGE_DATA")
    assert ask(world.api, timeZone="Asia/Kathmandu")["window"]["from"].endswith("+05:45")


def test_of_nothing(tmp_path):
    redis = Redis("redis", tmp_path / "redis").start()
    api = Api("api", "api", tmp_path / "api", {"redis.url": redis.url, "auth.token": API_TOKEN}).start()
    try:
        answer = ask(api)
        assert answer["usage"]["totalRequests"] == answer["usageBefore"]["totalRequests"] == 0
        assert answer["usage"]["successRate"] == 100 and answer["change"]["totalRequests"] == 0
        assert answer["topClients"] == answer["topEndpoints"] == answer["reachingLimits"] == []
        assert answer["health"]["status"] == "ok" and answer["finality"]["finalizedThrough"] is None
    finally:
        api.kill()
        redis.kill()
