"""Alerts of limits: raised once for each level, by whoever holds the lease, and shown to whoever may see them. What is counted is laid
into Redis by live_fixture; tests with a real aggregator are in test_alerts_counting.py."""

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
        wait_until(lambda: api.metric("daybook_api_alert_checks_total") >= begun + n, 30, "limits are checked")


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
    for more, expected in ((1, [50]), (29, [50]), (1, [50, 80]), (25, [50, 80, 100]), (60, [50, 80, 100, 150]), (900, [50, 80, 100, 150, 300])):
        world.count(more, "c-1")
        world.write()
        wait_until(lambda: world.levels() == expected, 30, f"{expected} are raised (now {world.levels()})")
        world.checks()
        assert world.levels() == expected
    newest = world.alerts()[0]
    assert newest["value"] == len(world.events) == api.usage(keyId="c-1")["usage"]["totalRequests"]
    wanted = dict(kind="violation", organization="acme", clientId="c-1", limitId="day", metric="hits", period="day", level=300, limit=100)
    assert {name: newest[name] for name in wanted} == wanted
    assert newest["window"] == window_json("day", int(time.time() * 1000)) and newest["active"] and newest["state"] == "unread"
    assert [alert["kind"] for alert in reversed(world.alerts())] == ["alert", "alert"] + 3 * ["violation"]
