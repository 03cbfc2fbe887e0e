"""What takes long is found out on the way, and done where nobody waits behind it; the answer is the same."""

import concurrent.futures
import json
import time

import live_fixture as fixture
import pytest
from harness import API_TOKEN, Api, shared_world
from stats_fixture import ask as statistics
from test_usage_api import fetch, usage

CLIENTS, PARTITIONS = 2600, 2  # one bucket each: more than are read while others wait
HANDED_ON = "daybook_api_queries_handed_on_total"


class World:
    def __init__(self, redis, directory):
        now = int(time.time() * 1000)
        self.events = [
            fixture.Event(now - 3_600_000 - i, "acme", f"c-{i}", "", "", "GET", "/x", 200 + 204 * (i % 3 == 0), 5, 1, 2, 1)
            for i in range(CLIENTS)
        ]
        fixture.write(redis.client(), self.events, PARTITIONS, now)
        self.redis, self.directory, self.started = redis, directory, 0
        self.api = self.start()

    def start(self):
        """One that has nothing in memory."""
        self.started += 1
        settings = {"redis.url": self.redis.url, "auth.token": API_TOKEN, "cache.warm": "false"}
        return Api("api", "api", self.directory / f"api-{self.started}", settings).start()


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    with shared_world(World, tmp_path_factory.mktemp("long")) as made:
        yield made


def of_usage(api, **parameters):
    answer = usage(api, timeframe="24h", **parameters)["usage"]
    return answer["totalRequests"], answer["failedRequests"]


def of_overview(api):
    status, _, body = fetch(api, path="/api/v2/usage/overview", timeframe="24h")
    assert status == 200, body
    answer = json.loads(body)["usage"]
    return answer["totalRequests"], answer["failedRequests"]


def of_statistics(api):
    summary = statistics(api, "services/acme/summary.json", period="day", skip_change="true")
    return summary["metrics"][0]["data"]["total"], sum(row["total"] for row in summary["response_codes"] if row["code"] == "404")


def of_capacity(api):
    status, _, body = fetch(api, path="/api/v2/usage/capacity", timeframe="24h")
    assert status == 200 and 0 < json.loads(body)["peakRequestsPerHour"]["value"] <= CLIENTS, body
    return None


@pytest.mark.parametrize("ask", [of_usage, of_overview, of_statistics, of_capacity])
def test_of_all_keys(world, ask):
    counted = CLIENTS, sum(event.status == 404 for event in world.events)
    api = world.start()
    try:
        assert ask(api) in (counted, None)
        assert api.metrics()[HANDED_ON] == 1
    finally:
        api.kill()


def test_of_one_key(world):
    assert of_usage(world.api, keyId="c-3") == (1, 1)
    assert world.api.metrics()[HANDED_ON] == 0


def test_by_many_at_once(world):
    """Those that are handed on and those that are not, whichever worker has them."""
    counted = CLIENTS, sum(event.status == 404 for event in world.events)
    api = world.start()
    try:
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            whole = [pool.submit(of_usage, api) for _ in range(8)]
            one = [pool.submit(of_usage, api, keyId=f"c-{i}") for i in range(24)]
            assert {each.result() for each in whole} == {counted}
            assert [each.result() for each in one] == [(1, int(i % 3 == 0)) for i in range(24)]
        assert api.metrics()[HANDED_ON] >= 1
    finally:
        api.kill()
