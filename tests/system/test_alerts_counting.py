"""Alerts of what a real aggregator counts: each level once, whatever is killed while it is reached."""

import random
import time

import pytest
from alert_fixture import end_lease
from harness import wait_until
from test_alerts import LEVELS, PATH, away_from_the_hour, call
from test_methods import ask as ask_methods


class World:
    def __init__(self, daybook, topic):
        self.collector = daybook.collector(topic)
        self.aggregator = daybook.aggregator(topic)
        self.apis = [daybook.api(settings={"alerts.check_s": 1}) for _ in range(2)]
        self.client = daybook.redis.client()
        self.sent = 0

    def post(self, n, client="c-1", route="/v1/orders"):
        event = {"method": "GET", "route": route, "status": 200, "organization": "acme", "client": client}
        assert self.collector.post([event] * n)[0] == 202
        self.sent += n

    def limit(self, name, value, **fields):
        body = {"organization": "acme", "client": "c-1", "metric": "hits", "period": "day", "value": value, **fields}
        status, made = call(self.apis[0], "PUT", f"/api/v2/admin/limits/{name}", body)
        assert status == 201, made

    def alerts(self, **parameters):
        status, answer = call(next(api for api in self.apis if api.alive()), "GET", PATH, pageSize=1000, **parameters)
        assert status == 200, answer
        return [alert for alert in reversed(answer["entities"]) if alert["kind"] != "system"]

    def levels(self, **parameters):
        return [alert["level"] for alert in self.alerts(**parameters)]

    def counted(self):
        status, answer = next(api for api in self.apis if api.alive()).ask("/v1/developer/usage", keyId="c-1")
        return answer["usage"]["totalRequests"] if status == 200 else 0

    def holder(self):
        found = [api for api in self.apis if api.alive() and api.metric("daybook_api_alerter_lease") == 1]
        return found[0] if found else None


@pytest.fixture
def world(daybook, topic):
    return World(daybook, topic)


@pytest.mark.timeout(900)
def test_each_level_once_through_kills(world):
    """The aggregator is killed while each level is reached, and every other time whoever looks at the limits, too."""
    away_from_the_hour(300)
    rng = random.Random()
    limit = 400
    world.limit("day", limit)
    world.limit("hour", 10 * limit, period="hour")
    latest = []
    for n, level in enumerate(LEVELS):
        world.post(limit * level // 100 - 1 - world.sent)
        wait_until(lambda: world.counted() == world.sent, 60, "all but one are counted")
        assert world.levels(period="day") == list(LEVELS[:n])
        world.post(1 + rng.randrange(5))
        begun = time.monotonic()
        time.sleep(rng.random() * 0.5)
        world.aggregator.kill()
        victim = world.holder() if n % 2 else None
        if victim:
            victim.kill()
            if n > 1:  # the first time it runs out
                end_lease(world.client)
        world.aggregator.start()
        wait_until(lambda: world.levels(period="day") == list(LEVELS[: n + 1]), 60, f"{level} is raised (now {world.levels()})")
        latest.append(time.monotonic() - begun)
        if victim:
            victim.start()
    time.sleep(3)
    alerts = world.alerts(period="day")
    assert [alert["level"] for alert in alerts] == list(LEVELS) and len({alert["id"] for alert in alerts}) == len(LEVELS)
    assert [alert["kind"] for alert in alerts] == 3 * ["alert"] + 5 * ["violation"]
    assert world.levels(period="hour") == []  # 30 % of it
    print("seconds from an event to its alert, through kills:", " ".join(f"{seconds:.1f}" for seconds in latest))


@pytest.mark.timeout(600)
def test_methods_minutes_and_jumps(world):
    away_from_the_hour(120)
    assert ask_methods(world.apis[0], "PUT", "/carts", {"endpoints": ["GET /v1/carts/**"], "organization": "acme"})[0] == 201
    world.limit("carts", 100, metric="carts")
    world.limit("minute", 1000, period="minute")
    while time.time() % 60 > 30:
        time.sleep(0.2)  # what follows is in one minute
    world.post(500)
    world.post(49, route="/v1/carts/{id}")
    wait_until(lambda: world.counted() == 549, 60, "all are counted")
    wait_until(lambda: world.levels(period="minute") == [50], 60, "half of the minute's are used")
    time.sleep(3)
    assert world.levels(period="day") == []
    world.post(260, route="/v1/carts/{id}")
    wait_until(lambda: world.levels(metric="carts") == [300], 60, "what is jumped over is not told")
    wait_until(lambda: world.levels(metric="hits") == [50, 80], 60, "nor is it of the minute")
    time.sleep(3)
    assert len(world.alerts()) == 3
