"""GET /v1/developer/usage on a real Redis: every number against live_fixture's own calculation, and the rules of the contract.

The expected answer is computed for the moment that the answer itself names (`timestamp`), so the clock may run meanwhile.
"""

import gzip
import itertools
import json
import random
import threading
import time
from decimal import Decimal

import live_fixture as fixture
import pytest
from harness import API_TOKEN, Api, Redis, free_port, send, shared_world, wait_until

PATH = "/v1/developer/usage"
TIMEFRAMES = ["1h", "24h", "7d", "30d", "90d", "1y", "all"]
GRANULARITIES = ["minute", "hour", "day", "week", "month"]
PARTITIONS = 3


def fetch(api, path=PATH, method="GET", headers=None, token=API_TOKEN, **parameters):
    """(status, headers, body as bytes)"""
    return send(api, method, path, token=token, headers=headers, **parameters)


def usage(api, **parameters):
    status, _, body = fetch(api, **parameters)
    assert status == 200, (parameters, body)
    return json.loads(body, parse_float=Decimal)


def failure(api, **options):
    status, headers, body = fetch(api, **options)
    error = json.loads(body)
    assert error["success"] is False and error["message"] and error["timestamp"].endswith("Z")
    assert error["requestId"] == headers["X-Request-Id"]
    return status, error, headers


class World:
    """One Redis full of known events, and one API on it, for all tests that only read."""

    def __init__(self, redis, directory):
        self.now = int(time.time() * 1000)
        self.seed = random.randrange(10**6)
        self.events = fixture.random_events(self.seed, self.now)
        self.redis = redis
        fixture.write(self.redis.client(), self.events, PARTITIONS, self.now)
        self.api = Api("api", "api", directory / "api", {"redis.url": self.redis.url, "auth.token": API_TOKEN}).start()

    def check(self, **parameters):
        """Asks, and compares everything. The answer."""
        answer = usage(self.api, **parameters)
        now = fixture.parse(answer["timestamp"])
        assert abs(now - time.time() * 1000) < 20000
        for row in answer.get("errors", {}).get("byType", []):
            assert row.pop("description")
        seen = {key: value for key, value in answer.items() if key not in ("timestamp", "alerts")}
        assert seen == fixture.expected(self.events, now, parameters), f"seed {self.seed}, {parameters}"
        return answer


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    with shared_world(World, tmp_path_factory.mktemp("usage")) as made:
        yield made


SELECTIONS = {
    "everything": {},
    "key in two organizations": {"keyId": "c-3"},
    "key of one organization": {"keyId": "c-3", "organization": "acme"},
    "key that moved": {"keyId": "c-1"},
    "organization": {"organization": "globex"},
    "organization of pattern characters": {"organization": "[*?]\\^-org"},
    "key with a blank": {"keyId": "white space & *", "organization": "globex"},
    "endpoint": {"endpoint": "GET /v1/orders/{id}"},
    "endpoint of a key": {"endpoint": "patch /v1/größe", "keyId": "c-3"},
}


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kathmandu", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia"])
def test_zones(world, zone):
    """Points by the clock of the zone; totals do not depend on it."""
    for timeframe, granularity in [("1h", "minute"), ("24h", "hour"), ("30d", "hour"), ("1y", "day"), ("90d", "week"), ("all", "month")]:
        answer = world.check(timeframe=timeframe, granularity=granularity, timeZone=zone)
        assert sum(point["requests"] for point in answer["timeSeries"]) == answer["usage"]["totalRequests"]


@pytest.mark.parametrize("selection", SELECTIONS)
@pytest.mark.parametrize("timeframe", TIMEFRAMES)
def test_every_number(world, timeframe, selection):
    for granularity in GRANULARITIES:
        parameters = {**SELECTIONS[selection], "timeframe": timeframe, "granularity": granularity}
        if granularity == "minute" and (timeframe not in ("1h", "24h") or "endpoint" in parameters):
            continue
        if granularity == "hour" and timeframe == "all":
            continue  # 2,000 days
        if "endpoint" in parameters:
            method, _, route = parameters["endpoint"].partition(" ")
            world_parameters = {**parameters, "endpoint": f"{method.upper()} {route}"}
            answer = world.check(**world_parameters)
            lower = usage(world.api, **parameters)
            assert lower["usage"]["totalRequests"] >= answer["usage"]["totalRequests"]
        else:
            answer = world.check(**parameters)
        assert sum(point["requests"] for point in answer["timeSeries"]) == answer["usage"]["totalRequests"]


@pytest.mark.parametrize("sort", ["requests", "errors", "latency", "timestamp"])
@pytest.mark.parametrize("order", ["asc", "desc"])
def test_sorting(world, sort, order):
    world.check(timeframe="7d", granularity="day", sortBy=sort, sortOrder=order, limit=1000)


def test_pages_put_together_are_the_whole(world):
    whole = world.check(timeframe="7d", granularity="day", sortBy="latency", sortOrder="asc", limit=1000)
    lists = [("breakdown", name) for name in ("byEndpoint", "byMethod", "byStatusCode", "byKey")]
    lists += [("errors", name) for name in ("byEndpoint", "byStatusCode")]
    joined = {name: [] for name in lists}
    for offset in itertools.count(0, 4):
        page = world.check(timeframe="7d", granularity="day", sortBy="latency", sortOrder="asc", limit=4, offset=offset)
        assert page["usage"] == {**whole["usage"], **_rates(page)}
        assert [p["requests"] for p in page["timeSeries"]] == [p["requests"] for p in whole["timeSeries"]]
        for part, name in lists:
            joined[part, name] += page[part][name]
        if not page["pagination"]["hasMore"]:
            break
    assert page["pagination"]["total"] == max(len(whole["breakdown"][name]) for part, name in lists if part == "breakdown")
    for part, name in lists:
        assert joined[part, name] == whole[part][name], name


def _rates(answer):
    """What depends on the length of the window, which grows while we ask."""
    return {name: answer["usage"][name] for name in ("requestsPerMinute", "requestsPerHour", "requestsPerDay")}


def test_pages_beyond_the_end_are_empty(world):
    answer = world.check(offset=100000)
    assert answer["breakdown"]["byKey"] == [] and answer["pagination"]["hasMore"] is False


@pytest.mark.parametrize("flags", itertools.product(["true", "false"], repeat=3))
def test_parts_can_be_left_out(world, flags):
    names = ("includeEndpoints", "includeErrors", "includeLatency")
    world.check(timeframe="7d", granularity="day", **dict(zip(names, flags, strict=True)))


def test_granularities_agree(world):
    """The same window by every granularity: the same totals and breakdowns, and series that add up to them."""
    for attempt in range(3):  # a quarter of an hour may end between two questions
        answers = [usage(world.api, timeframe="24h", granularity=g, limit=1000) for g in GRANULARITIES]
        if len({answer["window"]["from"] for answer in answers}) == 1:
            break
    for answer in answers:
        assert {**answer["usage"], **_rates(answers[0])} == answers[0]["usage"]
        assert answer["breakdown"] == answers[0]["breakdown"] and answer["errors"] == answers[0]["errors"]
        for name in ("requests", "failedRequests", "dataTransferred"):
            total = {"requests": "totalRequests"}.get(name, name)
            assert sum(point[name] for point in answer["timeSeries"]) == answer["usage"][total], name
        for name in ("byEndpoint", "byMethod", "byStatusCode", "byKey"):
            assert sum(row["requests"] for row in answer["breakdown"][name]) == answer["usage"]["totalRequests"], name
        times = [fixture.parse(point["timestamp"]) for point in answer["timeSeries"]]
        assert times == sorted(set(times))


def test_aliases_and_case(world):
    options = {"sortBy": "errors", "sortOrder": "asc", "includeErrors": "false", "keyId": "c-2"}
    plain = usage(world.api, timeframe="7d", granularity="day", **options)
    for parameters in (
        {"sort": "errors", "order": "asc", "include_errors": "false", "key_id": "c-2"},
        {"sort_by": "ERRORS", "sort_order": "Asc", "includeErrors": "False", "keyId": "c-2"},
    ):
        other = usage(world.api, timeframe="7D", granularity="Day", **parameters)
        assert {**other, "usage": 0, "timestamp": 0, "window": 0} == {**plain, "usage": 0, "timestamp": 0, "window": 0}


def test_both_paths_and_both_headers(world):
    for path in (PATH, "/api" + PATH):
        assert fetch(world.api, path=path)[0] == 200
        assert fetch(world.api, path=path, token=None, headers={"X-API-Key": API_TOKEN})[0] == 200
        assert fetch(world.api, path=path, token=None, headers={"Authorization": f"bearer {API_TOKEN}"})[0] == 200


@pytest.mark.parametrize(
    "parameters, code, field, allowed",
    [
        ({"timeframe": "2h"}, "INVALID_TIMEFRAME", "timeframe", "1h"),
        ({"timeframe": ""}, "INVALID_TIMEFRAME", "timeframe", "all"),
        ({"granularity": "second"}, "INVALID_GRANULARITY", "granularity", "minute"),
        ({"timeframe": "7d", "granularity": "minute"}, "INVALID_GRANULARITY", "granularity", "hour"),
        ({"timeframe": "all", "granularity": "hour"}, "INVALID_GRANULARITY", "granularity", "day"),
        ({"endpoint": "GET /v1/orders", "granularity": "minute"}, "INVALID_GRANULARITY", "granularity", "hour"),
        ({"includeErrors": "yes"}, "INVALID_PARAMETER", "includeErrors", "true"),
        ({"sortBy": "name"}, "INVALID_PARAMETER", "sortBy", "latency"),
        ({"sortOrder": "up"}, "INVALID_PARAMETER", "sortOrder", "asc"),
        ({"limit": "0"}, "INVALID_PARAMETER", "limit", "an integer from 1 to 1000"),
        ({"limit": "1001"}, "INVALID_PARAMETER", "limit", "an integer from 1 to 1000"),
        ({"limit": "+5"}, "INVALID_PARAMETER", "limit", "an integer from 1 to 1000"),
        ({"limit": "99999999999999999999999"}, "INVALID_PARAMETER", "limit", "an integer from 1 to 1000"),
        ({"offset": "-1"}, "INVALID_PARAMETER", "offset", "an integer from 0 to 100000000"),
        ({"offset": "1.5"}, "INVALID_PARAMETER", "offset", "an integer from 0 to 100000000"),
        ({"keyId": ""}, "INVALID_PARAMETER", "keyId", None),
        ({"keyId": "a\x1fb"}, "INVALID_PARAMETER", "keyId", None),
        ({"keyId": "x" * 257}, "INVALID_PARAMETER", "keyId", None),
        ({"endpoint": "orders"}, "INVALID_PARAMETER", "endpoint", None),
        ({"endpoint": "G?T /orders"}, "INVALID_PARAMETER", "endpoint", None),
        ({"endpoint": "check-out"}, "INVALID_PARAMETER", "endpoint", None),
        ({"timeZone": "Europe/Pariss"}, "INVALID_PARAMETER", "timeZone", "Europe/Paris"),
        ({"time_zone": ""}, "INVALID_PARAMETER", "timeZone", None),
        ({"timezone": "Europe/Paris"}, "INVALID_PARAMETER", "timezone", "timeZone"),
        ({"keyid": "c-1"}, "INVALID_PARAMETER", "keyid", "keyId"),
        ({"sortBy": "errors", "sort": "errors"}, "INVALID_PARAMETER", "sortBy", None),
    ],
)
def test_wrong_parameters(world, parameters, code, field, allowed):
    status, error, _ = failure(world.api, **parameters)
    assert (status, error["error"], error["field"]) == (400, code, field)
    value = list(parameters.values())[-1] if field not in parameters else parameters[field]
    assert error["value"] == value if len(value) < 200 else value.startswith(error["value"][:-1])
    assert field in error["message"]
    assert allowed is None or allowed in error["allowed"]
    if code == "INVALID_GRANULARITY":
        assert error["message"].startswith("Invalid granularity") and "minute" not in set(error["allowed"]) - {"minute"}
    if code == "INVALID_TIMEFRAME":
        assert error["message"].startswith("Invalid timeframe")


def test_what_a_granularity_error_allows_works(world):
    for timeframe, granularity in [("7d", "minute"), ("1y", "minute"), ("all", "hour"), ("all", "minute")]:
        _, error, _ = failure(world.api, timeframe=timeframe, granularity=granularity)
        for allowed in error["allowed"]:
            usage(world.api, timeframe=timeframe, granularity=allowed)


def test_odd_query_strings(world):
    for query, status in [
        ("timeframe=24h&timeframe=24h", 400),
        ("timeframe", 400),
        ("keyId=%ff%fe", 400),
        ("keyId=%E2%82", 400),
        ("%00=1", 400),
        ("&".join(f"a{i}=1" for i in range(200)), 400),
        ("timeframe=%32%34h", 200),
        ("keyId=c-2&", 200),
    ]:
        seen, _, body = fetch(world.api, path=f"{PATH}?{query}")
        assert seen == status, (query, body)
        json.loads(body)


def test_who_may_not(world):
    for headers in (
        {},
        {"Authorization": "Bearer wrong"},
        {"Authorization": f"Bearer {API_TOKEN}x"},
        {"Authorization": f"Bearer {API_TOKEN[:-1]}"},
        {"Authorization": "Bearer "},
        {"Authorization": f"Basic {API_TOKEN}"},
        {"X-API-Key": ""},
    ):
        status, error, answered = failure(world.api, token=None, headers=headers)
        assert (status, error["error"]) == (401, "UNAUTHORIZED") and answered["WWW-Authenticate"].startswith("Bearer"), headers


def test_never_seen(world):
    nobody = ({"keyId": "nobody"}, {"organization": "nobody"}, {"keyId": "c-2", "organization": "nobody"}, {"keyId": "c-*"})
    for parameters in nobody:
        for timeframe in ("24h", "all"):
            status, error, _ = failure(world.api, timeframe=timeframe, granularity="week", **parameters)
            assert (status, error["error"]) == (404, "NO_USAGE_DATA")
            assert error["message"].startswith("No usage data found")


def test_paths_and_methods(world):
    status, error, _ = failure(world.api, path="/v1/developer/usages")
    assert (status, error["error"]) == (404, "NOT_FOUND")
    for method in ("POST", "PUT", "DELETE", "PATCH", "OPTIONS"):
        for path in (PATH, "/healthz"):
            status, error, headers = failure(world.api, path=path, method=method)
            assert (status, error["error"], headers["Allow"]) == (405, "METHOD_NOT_ALLOWED", "GET, HEAD")


def test_headers(world):
    status, headers, body = fetch(world.api, method="HEAD")
    assert (status, body) == (200, b"") and headers["Content-Type"] == "application/json"
    _, headers, _ = fetch(world.api, headers={"X-Request-Id": "mine-17"})
    assert headers["X-Request-Id"] == "mine-17" and headers["Cache-Control"] == "no-store"
    assert fetch(world.api, headers={"Content-Type": "application/json"})[0] == 200
    _, headers, body = fetch(world.api, headers={"Accept-Encoding": "gzip"})
    assert headers["Content-Encoding"] == "gzip" and json.loads(gzip.decompress(body))["success"]
    _, headers, _ = fetch(world.api, headers={"Accept-Encoding": "identity"})
    assert headers["Content-Encoding"] is None


def test_many_at_once(world):
    """More callers than workers, of all kinds, all answered right."""
    wrong = []

    def ask(number):
        rng = random.Random(number)
        try:
            for _ in range(6):
                selection = rng.choice(["everything", "key in two organizations", "key of one organization", "organization"])
                world.check(timeframe=rng.choice(["1h", "24h", "7d"]), granularity="hour", **SELECTIONS[selection])
        except BaseException as error:
            wrong.append(error)

    threads = [threading.Thread(target=ask, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong, wrong[0]


# ---- with a Redis of their own ----


@pytest.fixture
def api(tmp_path, redis):
    made = Api("api", "api", tmp_path / "api", {"redis.url": redis.url, "auth.token": API_TOKEN, "redis.timeout_ms": 2000}).start()
    yield made
    made.kill()


def test_nothing_counted_yet(api):
    status, error, _ = failure(api)
    assert (status, error["error"]) == (404, "NO_USAGE_DATA")


def test_a_window_without_events_is_all_zeros(api, redis):
    """A key that was seen, but not in the window, is no 404."""
    now = int(time.time() * 1000)
    event = fixture.Event(now - 50 * fixture.DAY, "acme", "long-ago", "", "", "GET", "/v1/x", 200, 1000, 1, 2, 1)
    fixture.write(redis.client(), [event, event._replace(time=now, client="today")], 1, now)
    for selection in ({"keyId": "long-ago", "organization": "acme"}, {"keyId": "long-ago"}):
        answer = usage(api, timeframe="1h", granularity="minute", **selection)
        assert answer["usage"]["totalRequests"] == 0 and answer["usage"]["successRate"] == 100
        assert answer["breakdown"] == {"byEndpoint": [], "byMethod": [], "byStatusCode": [], "byKey": []}
        assert 60 <= len(answer["timeSeries"]) <= 76 and answer["pagination"]["total"] == 0
        whole = usage(api, timeframe="all", granularity="day", **selection)
        assert whole["usage"]["totalRequests"] == 1 and len(whole["timeSeries"]) == 51


def test_partitions_without_a_topic(api, redis):
    """As long as the aggregator has not said how many there are, the setting (16) counts."""
    now = int(time.time() * 1000)
    events = fixture.random_events(3, now, n=500)
    fixture.write(redis.client(), events, 7, now, with_topic=False)
    answer = usage(api, timeframe="all", granularity="month")
    assert answer["usage"]["totalRequests"] == len(events)


def test_redis_goes_and_comes_back(api, redis):
    now = int(time.time() * 1000)
    fixture.write(redis.client(), fixture.random_events(4, now, n=500), PARTITIONS, now)
    before = usage(api, timeframe="all", granularity="month")["usage"]["totalRequests"]
    redis.kill()
    status, error, headers = failure(api)
    assert (status, error["error"]) == (503, "SERVICE_UNAVAILABLE") and int(headers["Retry-After"]) > 0
    wait_until(lambda: api.get("/readyz")[0] == 503, 30, "readiness says so")
    status, error, _ = failure(api, path="/readyz", token=None)
    assert error["down"] == ["redis"] and "Redis" in error["message"]
    assert api.get("/healthz")[0] == 200 and api.metric("daybook_api_redis_up") == 0
    redis.start()
    wait_until(lambda: api.get("/readyz")[0] == 200, 30, "ready again")
    assert usage(api, timeframe="all", granularity="month")["usage"]["totalRequests"] == before
    assert usage(api, timeframe="all", granularity="month")["usage"]["totalRequests"] == before


def test_a_restarted_redis_is_not_noticed(api, redis):
    """The connection that was open is dead: one new one, and the answer."""
    now = int(time.time() * 1000)
    fixture.write(redis.client(), fixture.random_events(5, now, n=300), PARTITIONS, now)
    for _ in range(12):  # all workers connect
        usage(api)
    redis.stop()
    redis.start()
    for _ in range(12):
        usage(api)
    assert api.metric("daybook_api_query_retries_total") > 0


def test_a_redis_that_hangs(api, redis):
    import signal

    now = int(time.time() * 1000)
    fixture.write(redis.client(), fixture.random_events(6, now, n=300), PARTITIONS, now)
    usage(api)
    redis.signal(signal.SIGSTOP)
    try:
        begin = time.monotonic()
        status, error, _ = failure(api)
        assert status == 503 and time.monotonic() - begin < 10
        assert api.get("/healthz")[0] == 200
    finally:
        redis.signal(signal.SIGCONT)
    wait_until(lambda: fetch(api)[0] == 200, 30, "answers again")


def test_damaged_counts_are_an_error_not_a_number(api, redis):
    now = int(time.time() * 1000)
    events = fixture.random_events(7, now, n=300)
    client = redis.client()
    fixture.write(client, events, 1, now)
    for key in client.keys("{p0}:s:*"):
        field = client.hkeys(key)[0]
        text = client.hget(key, field)
        client.hset(key, field, text.replace(" ", "  ", 1))
    status, error, _ = failure(api, timeframe="all", granularity="month")
    assert (status, error["error"]) == (500, "INTERNAL_ERROR")
    assert api.metric("daybook_api_query_failures_total") == 1


def test_a_route_without_a_name_is_still_counted(api, redis):
    now = int(time.time() * 1000)
    events = fixture.random_events(8, now, n=300)
    client = redis.client()
    fixture.write(client, events, 1, now)
    for key in client.keys("{p0}:r:*") + client.keys("{p0}:ss:*"):
        client.delete(key)
    answer = usage(api, timeframe="all", granularity="month")
    assert answer["usage"]["totalRequests"] == len(events)
    assert [row["endpoint"] for row in answer["breakdown"]["byEndpoint"]] == ["{unknown}"]


def test_many_clients(api, redis):
    """More clients in one partition than Redis shows in one reply of a scan."""
    now = int(time.time() * 1000)
    rng = random.Random(9)
    events = [
        fixture.Event(now - rng.randrange(30 * fixture.MINUTE), "acme", f"c-{i}", "", "", "GET", f"/v1/{i % 3}", 200, i, 1, 2, 1)
        for i in range(4000)
    ]
    fixture.write(redis.client(), events, 1, now)
    seen = []
    for offset in range(0, 4000, 1000):
        answer = usage(api, timeframe="1h", granularity="minute", limit=1000, offset=offset)
        assert answer["usage"]["totalRequests"] == 4000 and answer["pagination"]["total"] == 4000
        seen += [row["keyId"] for row in answer["breakdown"]["byKey"]]
    assert sorted(seen) == sorted(f"c-{i}" for i in range(4000))
    hourly = usage(api, timeframe="1h", granularity="hour")["usage"]
    per_minute = max(sum(1 for e in events if e.time // fixture.MINUTE == m) for m in {e.time // fixture.MINUTE for e in events})
    assert hourly["peakRequestsPerMinute"] == per_minute


def test_minutes_and_slots_written_apart(api, redis):
    """While a writer is always between the two, as the aggregator is: series, totals and breakdowns still agree."""
    client = redis.client()
    now = int(time.time() * 1000)
    event = fixture.Event(now, "acme", "c-1", "", "", "GET", "/v1/x", 200, 1000, 1, 2, 1)
    stop = threading.Event()
    made = [event]
    fixture.write(client, made, 1, now)

    def write():
        rng = random.Random(10)
        while not stop.is_set():
            moment = int(time.time() * 1000)
            changed = {"time": moment - rng.randrange(60000), "status": rng.choice([200, 200, 500]), "latency": rng.randrange(10**6)}
            made.append(event._replace(**changed))
            grown = made[-400:] if len(made) > 400 else made
            # Minutes and slots in either order, with a pause between them.
            parts = [("m", "zm"), ("s", "ss", "zs", "zr", "t", "c", "r", "cnt")]
            _write_parts(client, grown, moment, rng.sample(parts, 2))
            del made[:-400]

    thread = threading.Thread(target=write)
    thread.start()
    try:
        begin = time.monotonic()
        while (took := time.monotonic() - begin) < 4 or (took < 60 and api.metric("daybook_api_settled_slots_total") == 0):
            answer = usage(api, timeframe="1h", granularity="minute", keyId="c-1", organization="acme")
            total = answer["usage"]
            for name in ("requests", "failedRequests", "dataTransferred"):
                points = sum(point[name] for point in answer["timeSeries"])
                assert points == total[{"requests": "totalRequests"}.get(name, name)], name
            assert total["totalRequests"] == sum(row["requests"] for row in answer["breakdown"]["byEndpoint"])
            assert max(point["requests"] for point in answer["timeSeries"]) == total["peakRequestsPerMinute"]
            assert max(point["peakLatency"] for point in answer["timeSeries"]) == total["peakLatency"]
            hourly = usage(api, timeframe="1h", granularity="hour", keyId="c-1", organization="acme")["usage"]
            assert hourly["peakRequestsPerMinute"] <= hourly["peakRequestsPerHour"] <= hourly["totalRequests"]
    finally:
        stop.set()
        thread.join()
    assert api.metric("daybook_api_settled_slots_total") > 0, "the race was never met"


class _Only:
    """Lets through the writes to some kinds of keys."""

    def __init__(self, client, kinds):
        self.client, self.kinds = client, kinds

    def pipeline(self, **options):
        self.inner = self.client.pipeline(**options)
        return self

    def hset(self, key, *pair, mapping=None):
        kind = "cnt" if key.endswith(":meta") else key.split(":")[1]
        if kind in self.kinds:
            self.inner.hset(key, mapping=mapping)

    def zadd(self, key, mapping):
        if key.split(":")[1] in self.kinds:
            self.inner.zadd(key, mapping)

    def execute(self):
        self.inner.execute()


def _write_parts(client, events, now, parts):
    for kinds in parts:
        fixture.write(_Only(client, kinds), events, 1, now, with_topic=False)
        time.sleep(0.005)


def test_a_query_that_takes_too_long(tmp_path, redis):
    now = int(time.time() * 1000)
    fixture.write(redis.client(), fixture.random_events(11, now, n=6000), 16, now)
    settings = {"redis.url": redis.url, "auth.token": API_TOKEN, "query.timeout_ms": 100}
    api = Api("api", "api", tmp_path / "api", settings).start()
    try:
        redis.client().execute_command("CLIENT", "PAUSE", "300", "ALL")
        status, error, _ = failure(api, timeframe="1y", granularity="day")
        assert (status, error["error"]) == (503, "SERVICE_UNAVAILABLE") and "shorter timeframe" in error["message"]
        assert api.metrics()['daybook_api_query_failures_total{reason="deadline"}'] == 1
        wait_until(lambda: fetch(api, timeframe="1h")[0] == 200, 30, "later ones are answered")
    finally:
        api.kill()


def test_a_full_queue_is_said_and_drained_at_the_end(tmp_path, redis):
    now = int(time.time() * 1000)
    fixture.write(redis.client(), fixture.random_events(12, now, n=1000), PARTITIONS, now)
    settings = {"redis.url": redis.url, "auth.token": API_TOKEN, "query.workers": 1, "query.queue_max": 2}
    settings["redis.connect_timeout_ms"] = 10000  # longer than the pause
    api = Api("api", "api", tmp_path / "api", settings).start()
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(fetch(api))) for _ in range(8)]
    redis.client().execute_command("CLIENT", "PAUSE", "2000", "ALL")
    threads[0].start()
    time.sleep(0.3)  # the worker has it, and waits for Redis
    for thread in threads[1:]:
        thread.start()
    wait_until(lambda: len(answers) >= 5, 30, "those that did not fit are answered at once")
    api.signal(15)  # what was taken is answered all the same
    for thread in threads:
        thread.join()
    assert sorted(status for status, _, _ in answers) == [200] * 3 + [503] * 5
    assert all(headers["Retry-After"] for status, headers, _ in answers if status == 503)
    assert api.process.wait(10) == 0


def test_bad_settings(tmp_path, redis):
    for settings, word in [
        ({}, "auth.token"),
        ({"auth.token": "short"}, "auth.token"),
        ({"auth.token": API_TOKEN, "redis.url": "http://x"}, "redis"),
        ({"auth.token": API_TOKEN, "listen.port": redis.port}, "listen"),
        ({"auth.token": API_TOKEN, "query.workers": 0}, "query.workers"),
    ]:
        api = Api("api", "api", tmp_path / "bad", settings).start(wait_s=0)
        assert api.process.wait(10) == 2
        assert word in api.log_tail(30)  # threads that have begun may say something, too
        assert API_TOKEN not in api.log_text()
        (tmp_path / "bad" / "log").unlink()


def test_start_before_redis(tmp_path):
    port = free_port()
    settings = {"redis.url": f"redis://127.0.0.1:{port}", "auth.token": API_TOKEN}
    api = Api("api", "api", tmp_path / "api", settings).start(wait_s=0)
    redis = Redis("redis", tmp_path / "redis", port=port)
    try:
        wait_until(lambda: api.get("/healthz")[0] == 200, 30, "up without Redis")
        assert api.get("/readyz")[0] == 503
        redis.start()
        wait_until(lambda: api.get("/readyz")[0] == 200, 30, "ready with it")
        assert api.stop() == 0
    finally:
        api.kill()
        redis.kill()
