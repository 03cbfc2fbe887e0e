"""Alerts of limits: raised once for each level, by whoever holds the lease, and shown to whoever may see them. What is counted is
laid into Redis by live_fixture; tests with a real aggregator are in test_alerts_counting.py."""

import json
import random
import time
import urllib.error
import urllib.parse
import urllib.request
from collections import Counter
from datetime import datetime, timedelta, timezone

import live_fixture as fixture
import pytest
from alert_fixture import end_lease, make_alert, make_system_alert
from harness import API_TOKEN, Api, wait_until
from registry_fixture import make_client, make_token

MINUTE, HOUR, DAY = fixture.MINUTE, fixture.HOUR, fixture.DAY
LEVELS = (50, 80, 90, 100, 120, 150, 200, 300)
PATH = "/api/v2/usage/alerts"


def call(api, method, path, body=None, token=API_TOKEN, **parameters):
    """(status, decoded body)"""
    query = f"?{urllib.parse.urlencode(parameters)}" if parameters else ""
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    data = json.dumps(body).encode() if body is not None else None
    request = urllib.request.Request(f"http://127.0.0.1:{api.port}{path}{query}", data=data, headers=headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())


def window_of(period, ms):
    """UTC, weeks from Monday: [from, to)."""
    moment = datetime.fromtimestamp(ms // 1000, timezone.utc).replace(microsecond=0)
    if period == "minute":
        start = moment.replace(second=0)
        return start, start + timedelta(minutes=1)
    if period == "hour":
        start = moment.replace(second=0, minute=0)
        return start, start + timedelta(hours=1)
    midnight = moment.replace(second=0, minute=0, hour=0)
    if period == "day":
        return midnight, midnight + timedelta(days=1)
    if period == "week":
        monday = midnight - timedelta(days=midnight.weekday())
        return monday, monday + timedelta(days=7)
    first = midnight.replace(day=1)
    return first, (first + timedelta(days=32)).replace(day=1)


def window_json(period, ms):
    start, end = window_of(period, ms)
    return {"from": start.strftime("%Y-%m-%dT%H:%M:%SZ"), "to": end.strftime("%Y-%m-%dT%H:%M:%SZ")}


def reached(limit, value, levels=LEVELS):
    return max((level for level in levels if value * 100 >= limit * level), default=0)


class World:
    def __init__(self, redis, directory):
        self.redis, self.directory = redis, directory
        self.client = redis.client()
        self.events, self.apis = [], []

    def limit(self, name, value, client=None, organization="acme", plan=None, metric="hits", period="day", levels=()):
        entry = dict(id=name, organization=organization, client=client, plan=plan, metric=metric, period=period, value=value)
        self.client.hset("{daybook}:limits", name, json.dumps({**entry, "levels": list(levels)}))
        self.client.incr("{daybook}:version")

    def method(self, name, *endpoints):
        entry = dict(name=name, title="", organization=None, endpoints=endpoints)
        self.client.hset("{daybook}:methods", name, json.dumps(entry))
        self.client.incr("{daybook}:version")

    def count(self, n, client, organization="acme", at=None, method="GET", route="/v1/orders", revision=1):
        """n requests, each at `at` (now)."""
        at = int(time.time() * 1000) if at is None else at
        event = fixture.Event(at, organization, client, "", "", method, route, 200, 100, 1, 1, revision)
        self.events += [event] * n

    def write(self):
        fixture.write(self.client, self.events, 3, int(time.time() * 1000))

    def api(self, **settings):
        given = {"redis.url": self.redis.url, "auth.token": API_TOKEN, "alerts.check_s": 1, **settings}
        name = f"api{len(self.apis)}"
        self.apis.append(Api(name, "api", self.directory / name, given).start())
        return self.apis[-1]

    def alerts(self, api=None, **parameters):
        """Of limits, newest first."""
        status, answer = call(api or self.apis[0], "GET", PATH, **{"pageSize": 1000, **parameters})
        assert status == 200, answer
        assert len(answer["entities"]) == answer["total"]
        return [alert for alert in answer["entities"] if alert["kind"] != "system"]

    def levels(self, client=None, **parameters):
        """In the order in which they were raised."""
        parameters |= {"clientId": client} if client else {}
        return [alert["level"] for alert in reversed(self.alerts(**parameters))]

    def checks(self, n=3, api=None):
        """Waits for so many checks that begin from now on."""
        api = api or self.apis[0]
        begun = api.metric("daybook_api_alert_checks_total")
        wait_until(lambda: api.metric("daybook_api_alert_checks_total") >= begun + n, 60, "limits are checked")


@pytest.fixture
def world(redis, tmp_path):
    made = World(redis, tmp_path)
    yield made
    for api in made.apis:
        api.kill()


def test_levels(world):
    """Each level once, a level jumped over never; what the alert says is what Get Usage says."""
    world.limit("day", 100, client="c-1")
    world.count(49, "c-1")
    world.write()
    api = world.api()
    world.checks()
    assert world.alerts() == []
    told = []
    for more, level in ((1, 50), (29, None), (1, 80), (25, 100), (60, 150), (900, 300)):
        told += [level] if level else []
        world.count(more, "c-1")
        world.write()
        wait_until(lambda: world.levels() == told, 60, f"{told} are raised (now {world.levels()})")
        world.checks()
        assert world.levels() == told
    newest = world.alerts()[0]
    assert newest["value"] == len(world.events) == api.usage(keyId="c-1")["usage"]["totalRequests"]
    wanted = dict(kind="violation", organization="acme", clientId="c-1", limitId="day", metric="hits", period="day")
    wanted |= dict(level=300, limit=100)
    assert {name: newest[name] for name in wanted} == wanted
    assert newest["window"] == window_json("day", int(time.time() * 1000)) and newest["active"] and newest["state"] == "unread"
    assert [alert["kind"] for alert in reversed(world.alerts())] == ["alert", "alert"] + 3 * ["violation"]


def away_from_the_hour(seconds=100):
    """So that no window ends while a test looks at it."""
    left = 3600 - time.time() % 3600
    if left < seconds:
        time.sleep(left + 1)


@pytest.mark.timeout(600)
def test_periods_and_metrics(world):
    """Every kind of window, for hits and for a method; each is told of what Get Usage has for it."""
    away_from_the_hour()
    now = int(time.time() * 1000)
    world.method("carts", "ANY /v1/carts/**")
    expected = {}
    for period in ("minute", "hour", "day", "week", "month"):
        start, _ = window_of(period, now)
        first = max(int(start.timestamp() * 1000), now - 45 * MINUTE)
        for metric in ("hits", "carts"):
            if (period, metric) == ("minute", "carts"):
                continue
            client = f"{period}-{metric}"
            world.limit(client, 10, client=client, metric=metric, period=period)
            world.limit(f"{client}-idle", 10, client=f"{client}-idle", metric=metric, period=period)
            world.count(5 if metric == "carts" else 9, client, at=first, method="PUT", route="/v1/carts/{id}")
            world.count(100 if metric == "carts" else 0, client, at=first, method="GET", route="/v1/orders")
            if period != "month":  # just before it begins
                world.count(100, client, at=int(start.timestamp() * 1000) - 1, route="/v1/carts")
            expected[client, metric, period] = (50 if metric == "carts" else 90, 5 if metric == "carts" else 9)
    world.write()
    world.api()
    world.checks()

    def found():
        # A minute, and an hour, before theirs have alerts of their own.
        return {
            (a["clientId"], a["metric"], a["period"]): (a["level"], a["value"])
            for a in world.alerts()
            if a["window"] == window_json(a["period"], now)
        }

    wait_until(lambda: found() == expected, 60, f"all are raised: {found()}")
    world.checks()
    assert found() == expected


def test_plans(world):
    """A rule of a plan is for each client that has it, by itself; the organization's plan is for those without one; a client's own
    rule goes before."""
    for client, plan in (("gold-1", "gold"), ("gold-2", "gold"), ("none", "")):
        make_client(world.client, "acme", client, plan=plan)
    for client, plan in (("gold-3", "gold"), ("heir", "")):
        make_client(world.client, "globex", client, plan=plan)
    world.client.hset("{daybook}:organizations", "globex", json.dumps(dict(id="globex", name="", plan="gold")))
    world.limit("all", 100, plan="gold", organization=None)
    world.limit("globex", 50, plan="gold", organization="globex")
    world.limit("own", 1000, client="gold-2")
    for client in ("gold-1", "gold-2", "none", "heir"):
        world.count(55, client, "acme")
    for client in ("gold-3", "heir"):
        world.count(55, client, "globex")
    world.write()
    world.api()
    expected = {("acme", "gold-1", "all", 50), ("globex", "gold-3", "globex", 100), ("globex", "heir", "globex", 100)}

    def found():
        return {(a["organization"], a["clientId"], a["limitId"], a["level"]) for a in world.alerts()}

    wait_until(lambda: found() == expected, 60, f"all are raised: {found()}")
    world.limit("own", 110, client="gold-2")
    wait_until(lambda: found() == expected | {("acme", "gold-2", "own", 50)}, 60, "a new limit is checked")
    world.checks()
    assert len(world.alerts()) == 4


@pytest.mark.timeout(600)
def test_late_events(world):
    """Of this day, of earlier days of the month, and of the hour before."""
    away_from_the_hour()
    now = int(time.time() * 1000)
    month, _ = window_of("month", now)
    first = int(month.timestamp() * 1000)
    hour = now // HOUR * HOUR
    for client, period in (("today", "day"), ("earlier", "month"), ("before", "hour")):
        world.limit(client, 100, client=client, period=period)
        world.count(60, client, at={"before": hour - 1}.get(client, now))
    for day in range((now - first) // DAY):
        world.count(1, "other", at=first + day * DAY)
    world.write()
    world.api(**{"redis.partitions": 3})
    wait_until(lambda: len(world.alerts()) == 3, 60, "all are raised")
    world.count(45, "today", at=max(now - 5 * HOUR, now // DAY * DAY))
    world.count(45, "earlier", at=first + HOUR)
    world.count(45, "before", at=hour - 20 * MINUTE)
    world.write()
    for client in ("today", "earlier", "before"):
        wait_until(lambda: world.levels(client) == [50, 100], 60, f"late events of {client} count (now {world.levels(client)})")
    assert [alert["value"] for alert in world.alerts()] == 3 * [105] + 3 * [60]


def test_replicas_and_kills(world):
    """Whoever goes on raises nothing again, and nothing that was jumped over. The lease of the first that is killed runs out."""
    world.limit("day", 100, client="c-1")
    world.count(60, "c-1")
    world.write()
    apis = [world.api(), world.api()]
    expected = [50]
    for more, level in ((45, 100), (20, 120), (0, None), (30, 150)):
        wait_until(lambda: world.levels() == expected, 60, f"{expected} (now {world.levels()})")
        holders = wait_until(lambda: [api for api in apis if api.metric("daybook_api_alerter_lease") == 1], 60, "one looks")
        assert len(holders) == 1
        holders[0].kill()
        world.count(more, "c-1")
        world.write()
        expected += [level] if level else []
        other = next(api for api in apis if api is not holders[0])
        if expected != [50, 100]:
            end_lease(world.client)
        wait_until(lambda: other.metric("daybook_api_alerter_lease") == 1, 60, "another takes over")
        holders[0].start()
        world.checks(api=other)
        world.apis.remove(other)
        world.apis.insert(0, other)
    assert world.levels() == expected
    assert len({alert["id"] for alert in world.alerts()}) == len(expected)


def test_redis_is_away_and_comes_back_older(world):
    """Alerts that are gone with what was lost are raised again, under the same ids."""
    world.client.config_set("appendfsync", "always")  # what was written must be there when Redis comes back
    world.limit("day", 100, client="c-1")
    world.count(60, "c-1")
    world.write()
    world.api()
    wait_until(lambda: world.levels() == [50], 60, "it is raised")
    before = world.alerts()
    world.redis.kill()
    time.sleep(2.5)
    world.redis.start()
    wait_until(lambda: world.alerts() == before, 60, "it is still there")
    world.checks()
    assert world.alerts() == before
    world.redis.kill()
    time.sleep(1.5)
    world.redis.start()
    world.client = world.redis.client()
    for key in world.client.keys("{daybook}:alerts*"):
        world.client.delete(key)  # before the API has seen it
    wait_until(lambda: world.levels() == [50], 60, "it is raised again")
    assert world.alerts()[0]["id"] == before[0]["id"]


def test_recovery_and_removal(world):
    """What is over recovers; what is old, or too much, goes."""
    now = int(time.time() * 1000)
    over = make_alert(world.client, "acme", "c-1", begin=now // DAY * DAY - 3 * DAY)
    lasting = make_alert(world.client, "acme", "c-1", begin=now // DAY * DAY)
    for n in range(12):
        make_alert(world.client, "acme", f"old-{n}", begin=0, created=now - (100 * DAY if n < 3 else DAY))
    api = world.api(**{"alerts.max": 10})
    wait_until(lambda: not call(api, "GET", f"{PATH}/{over}")[1]["active"], 60, "it has recovered")
    status, alert = call(api, "GET", f"{PATH}/{over}")
    assert status == 200 and fixture.parse(alert["recoveredAt"]) >= now
    assert call(api, "GET", f"{PATH}/{lasting}")[1]["active"]
    wait_until(lambda: len(world.alerts()) == 10, 60, "the oldest are removed")
    wait_until(lambda: api.metric("daybook_api_alerts_removed_total") == 4, 60, "they are counted")
    assert world.client.zcard("{daybook}:alerts:time") == 10 and world.client.hlen("{daybook}:alerts:recovered") == 9


def test_system_alerts(world):
    """Raised when a condition begins, recovered when it ends, and another when it comes again."""
    api = world.api(**{"system.lag_s": 10})

    def board(standing_s):
        now = int(time.time() * 1000)
        at, since = (5, now - standing_s * 1000) if standing_s else (10, 0)
        world.client.hset("{daybook}:workers", "0", f"{at} 10 {now} {since} worker-1")

    def found():
        answer = call(api, "GET", PATH, kind="system")[1]
        return [(alert["type"], alert["subject"], alert["active"]) for alert in answer["entities"]]

    board(120)
    lag = ("lag_without_progress", "partition 0")
    wait_until(lambda: (*lag, True) in found(), 60, f"it is raised: {found()}")
    token = make_token(world.client, "acme", permissions=["usage:client:view"])
    wait_until(lambda: call(api, "GET", PATH, token=token)[0] == 200, 60, "the token is known")
    assert call(api, "GET", PATH, token=token)[1]["total"] == 0
    world.checks()
    assert found().count((*lag, True)) == 1
    board(0)
    wait_until(lambda: (*lag, False) in found(), 60, "it has recovered")
    board(100)
    wait_until(lambda: (*lag, True) in found() and (*lag, False) in found(), 60, "it is another one")


def test_routes(world):
    """Filters, pages, states, and who sees what."""
    now = int(time.time() * 1000)
    rng = random.Random(3)
    wanted = []
    for n in range(60):
        fields = dict(level=rng.choice([50, 80, 100, 150]), period=rng.choice(["day", "month"]))
        fields |= dict(metric=rng.choice(["hits", "orders"]))
        organization, client = rng.choice(["acme", "globex"]), f"c-{rng.randrange(3)}"
        created = now - rng.randrange(20) * HOUR
        begin, end = (int(moment.timestamp() * 1000) for moment in window_of(fields["period"], now))
        identity = make_alert(world.client, organization, client, begin=begin, end=end, limit=1000 + n, created=created, **fields)
        kind = "violation" if fields["level"] >= 100 else "alert"
        wanted.append(dict(fields, id=identity, organization=organization, clientId=client, kind=kind, created=created))
    system = make_system_alert(world.client)
    wanted.sort(key=lambda alert: (alert["created"], alert["id"]), reverse=True)
    api = world.api(**{"alerts.check_s": 60})

    def listed(token=API_TOKEN, **parameters):
        found, path, query = [], PATH, parameters
        while path:
            status, page = call(api, "GET", path, token=token, **query)
            assert status == 200, page
            found += [alert["id"] for alert in page["entities"]]
            path, query = page.get("nextUri"), {}
        assert page["total"] == len(found)
        return found

    def matching(test):
        return [alert["id"] for alert in wanted if test(alert)]

    assert [one for one in listed(pageSize=7) if one != system] == matching(lambda a: True)
    assert listed(kind="system") == [system]
    assert listed(kind="Violation", pageSize=3) == matching(lambda a: a["kind"] == "violation")
    assert listed(level=80, organization="acme") == matching(lambda a: (a["level"], a["organization"]) == (80, "acme"))
    some = {"clientId": "c-1", "metric": "orders", "period": "month"}
    assert listed(**some) == matching(lambda a: some.items() <= a.items())
    since = now - 10 * HOUR
    assert listed(**{"from": fixture.iso_ms(since)}) == [system] + matching(lambda a: a["created"] >= since)
    assert listed(to=fixture.iso_ms(since)) == matching(lambda a: a["created"] < since)
    wait_until(lambda: listed(active="false") == [system], 60, "the condition is none, so that is over")
    assert listed(active="true") == matching(lambda a: True)

    ours = make_token(world.client, "acme", permissions=["usage:client:view"])
    theirs = make_token(world.client, "globex", of_client="c-2", permissions=["usage:client:view"])
    wait_until(lambda: call(api, "GET", PATH, token=theirs)[0] == 200, 60, "tokens are known")
    assert listed(ours) == matching(lambda a: a["organization"] == "acme")
    assert listed(theirs) == matching(lambda a: (a["organization"], a["clientId"]) == ("globex", "c-2"))
    assert call(api, "GET", PATH, token=ours, organization="globex")[0] == 403
    other = matching(lambda a: a["organization"] == "globex")[0]
    for identity in (other, system, "0" * 32, "x"):
        for method, body in (("GET", None), ("PATCH", {"state": "read"}), ("DELETE", None)):
            assert call(api, method, f"{PATH}/{identity}", body, token=ours)[0] == 404

    one = matching(lambda a: a["organization"] == "acme")[0]
    for state in ("read", "unread", "DELETED", "read"):
        status, alert = call(api, "PATCH", f"{PATH}/{one}", {"state": state}, token=ours)
        assert status == 200 and alert["state"] == state.lower() and alert["id"] == one
        assert (one in listed(ours)) == (state != "DELETED") and one in listed(ours, state="all")
        assert call(api, "GET", f"{PATH}/{one}")[1]["state"] == state.lower()
    assert call(api, "DELETE", f"{PATH}/{one}", token=ours)[1]["state"] == "deleted"
    assert listed(ours, state="deleted") == [one]
    unread = matching(lambda a: a["organization"] == "acme" and a["level"] == 50 and a["id"] != one)
    assert call(api, "POST", f"{PATH}/read", level=50, token=ours) == (200, {"changed": len(unread)})
    assert listed(ours, state="read") == unread
    assert call(api, "GET", PATH, token=ours, pageSize=1)[1]["unread"] == len(listed(ours)) - len(unread)
    for body in ({"state": "gone"}, {"state": 1}, {}, {"status": "read"}, [], "x", None):
        status, error = call(api, "PATCH", f"{PATH}/{one}", body)
        assert status == 400, error
    wrong = dict(kind="x", state="x", level=0, period="year", active="1", to="x", pageSize=1001, after="x", x=1)
    for name, value in wrong.items():
        status, error = call(api, "GET", PATH, **{name: value})
        assert status == 400 and error["field"] == name and error["allowed"], error


@pytest.mark.timeout(900)
@pytest.mark.parametrize("seed", [1])
def test_random(world, seed):
    """Requests of this month in any order, replicas that are killed: of each window the levels are told in order, each once, and
    the last is what the count has reached."""
    away_from_the_hour(200)
    rng = random.Random(seed)
    now = int(time.time() * 1000)
    world.method("carts", "ANY /v1/carts/**")
    clients = [f"c-{n}" for n in range(60)]
    limits = {}
    for n in range(150):
        client, period = rng.choice(clients), rng.choice(["hour", "day", "week", "month"])
        metric = rng.choice(["hits", "hits", "carts"])
        if (client, metric, period) not in limits:
            limits[client, metric, period] = value = rng.choice([1, 7, 20, 33, 100])
            world.limit(f"limit-{n}", value, client=client, metric=metric, period=period)
    apis = [world.api(), world.api()]
    month = int(window_of("month", now)[0].timestamp() * 1000)
    floors = {}

    def values():
        """(client, metric, period, from) -> requests, of windows that run, or ended within the hour"""
        counts = Counter()
        for event in world.events:
            for (client, metric, period), _ in limits.items():
                start, end = window_of(period, event.time)
                is_late = int(end.timestamp() * 1000) + HOUR <= now
                if event.client == client and not is_late and (metric == "hits" or event.route.startswith("/v1/carts/")):
                    counts[client, metric, period, window_json(period, event.time)["from"]] += 1
        return counts

    def told_so_far():
        found = {}
        for alert in reversed(world.alerts()):
            window = alert["clientId"], alert["metric"], alert["period"], alert["window"]["from"]
            found.setdefault(window, []).append(alert["level"])
        return found

    for step in range(5):
        for _ in range(rng.randrange(300)):
            at = rng.choice([now, now - rng.randrange(HOUR), rng.randrange(month, now), rng.randrange(now // DAY * DAY, now)])
            route = rng.choice(["/v1/orders", "/v1/carts/{id}", "/v1/cart"])
            world.count(rng.choice([1, 1, 5]), rng.choice(clients), at=at, route=route)
        world.write()
        if rng.random() < 0.5:
            victim = rng.choice(apis)
            has_lease = victim.metric("daybook_api_alerter_lease") == 1
            victim.kill()
            if has_lease:
                end_lease(world.client)
            victim.start()
        levels = {window: reached(limits[window[:3]], value) for window, value in values().items()}
        wanted = {window: level for window, level in levels.items() if level}
        wait_until(lambda: {window: told[-1] for window, told in told_so_far().items()} == wanted, 90, f"step {step}")
        for window, levels in told_so_far().items():
            assert levels == sorted(set(levels)), (window, levels)
            assert levels[: len(floors.get(window, []))] == floors.get(window, []), (window, levels)
            floors[window] = levels
