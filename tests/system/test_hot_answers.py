"""What is asked for again and again is answered without Redis, and soon says what has changed."""

import concurrent.futures
import json
import random
import time

import closed_fixture
import live_fixture as fixture
import pytest
from harness import API_TOKEN, Api, send, wait_until
from test_usage_api import fetch

DAY = fixture.DAY
LIMITS = {"limits.enterprise_per_minute": 10**6}
PATHS = {
    "days": ("/api/v2/usage/days", {}),
    "usage": ("/v1/developer/usage", {"timeframe": "7d", "granularity": "day"}),
    "report": ("/api/v2/usage/report", {}),
}


class World:
    def __init__(self, redis, directory):
        rng = random.Random(8)
        self.today = int(time.time() * 1000) // DAY
        days = range(self.today - 6, self.today)
        self.events = [
            fixture.Event(day * DAY + rng.randrange(DAY), "acme", f"c-{rng.randrange(4)}", "", "", "GET", "/x", 200, 5, 1, 2, 1)
            for day in days
            for _ in range(40)
        ]
        fixture.write(redis.client(), self.events, 2, self.today * DAY)
        self.books = closed_fixture.Books(redis.client(), self.events, 2)
        self.books.first_day(days[0])
        for day in days[:-1]:
            self.books.close(day)
        settings = {"redis.url": redis.url, "auth.token": API_TOKEN, **LIMITS}
        self.api = Api("api", "api", directory / "api", settings).start()


@pytest.fixture
def world(tmp_path, redis):
    made = World(redis, tmp_path)
    yield made
    made.api.kill()


def ask_much(api, path, parameters, n):
    """n times, many at once; the different answers without what changes with the time."""

    def ask(_):
        status, _, body = fetch(api, path=path, **parameters)
        answer = json.loads(body)
        if "usage" in answer:
            answer = answer["usage"]["totalRequests"], answer["finalizedThrough"]
        return status, json.dumps(answer)

    with concurrent.futures.ThreadPoolExecutor(12) as pool:
        return set(pool.map(ask, range(n)))


@pytest.mark.parametrize("name", PATHS)
def test_asked_much(world, name):
    path, parameters = PATHS[name]
    first = ask_much(world.api, path, parameters, 1)
    each = commands_of(world.api, lambda: ask_much(world.api, path, parameters, 1))
    assert each > 0

    def is_cheap():  # a machine that is busy may not ask often enough at first
        return commands_of(world.api, lambda: found.update(ask_much(world.api, path, parameters, 500))) < each * 250

    found = set()
    wait_until(is_cheap, 60, "most is answered without Redis")
    assert found == first
    world.books.close(world.today - 1)
    wait_until(lambda: finalized(world.api, path, parameters) == iso_day(world.today - 1), 30, "the day is closed")
    assert len(ask_much(world.api, path, parameters, 200)) == 1


def commands_of(api, act):
    """They are counted when the answer is on its way already."""
    name = "daybook_api_redis_commands_total"
    before = api.metric(name)
    act()
    seen = [before]

    def is_still():
        seen.append(api.metric(name))
        return seen[-1] > before and seen[-1] == seen[-2]

    wait_until(is_still, 30, "the commands are counted", 0.1)
    return seen[-1] - before


def finalized(api, path, parameters):
    return json.loads(fetch(api, path=path, **parameters)[2])["finalizedThrough"][:10]


def iso_day(day):
    return fixture.iso(day * DAY)[:10]


def test_nobody_gets_the_answer_of_another(world):
    """Tokens of one client each, asking the same path at the same time as one that may see all."""
    asked = {}
    for client in ("c-0", "c-1"):
        body = {"name": client, "organization": "acme", "client": client, "permissions": ["usage:client:view"], "tier": "enterprise"}
        asked[client] = create_token(world.api, body)
    path, parameters = PATHS["usage"]

    def ask(number):
        who = (None, "c-0", "c-1")[number % 3]
        token = asked[who] if who else API_TOKEN
        status, _, body = fetch(world.api, path=path, token=token, **parameters)
        return who, status, json.loads(body)["usage"]["totalRequests"]

    with concurrent.futures.ThreadPoolExecutor(12) as pool:
        found = set(pool.map(ask, range(900)))
    counts = {who: sum(event.client == who for event in world.events if who) or len(world.events) for who in (None, "c-0", "c-1")}
    assert found == {(who, 200, count) for who, count in counts.items()}


def create_token(api, body):
    return json.loads(send(api, "POST", "/api/v2/admin/tokens", body)[2])["token"]
