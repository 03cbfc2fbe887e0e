"""Limits of requests, on two replicas with one Redis: what passes, what is refused, what the headers say, and what Redis' absence changes."""

import concurrent.futures
import json
import re
import time

import live_fixture as fixture
import pytest
from harness import API_TOKEN, Api
from test_usage_api import fetch

PATH = "/api/v2/usage/days"
PER_MINUTE = 200
SHARE = PER_MINUTE * 5 // 100
KEY = "{daybook}:limit:configured"
# Everything that was taken is so many ms older.
AGE = """
local value = cmsgpack.unpack(redis.call('GET', KEYS[1]))
value[1] = value[1] - tonumber(ARGV[1])
redis.call('SET', KEYS[1], cmsgpack.pack(value), 'KEEPTTL')
"""


@pytest.fixture
def make(tmp_path, redis):
    made = []

    def start(name, per_minute=PER_MINUTE, **settings):
        limits = {"limits.enterprise_per_minute": per_minute, "redis.url": redis.url, "auth.token": API_TOKEN}
        made.append(Api(name, "api", tmp_path / name, {**limits, **settings}).start())
        return made[-1]

    events = [fixture.Event(int(time.time() * 1000), "acme", "c-1", "", "", "GET", "/x", 200, 5, 1, 2, 1)]
    fixture.write(redis.client(), events, 2, int(time.time() * 1000))
    yield start
    for api in made:
        api.kill()


def statuses(api, n, at_once=4):
    with concurrent.futures.ThreadPoolExecutor(at_once) as pool:
        return [status for status, _, _ in pool.map(lambda _: fetch(api, PATH), range(n))]


def check_families(headers, refused=False):
    """Both families of headers, and that they agree; the seconds left."""
    limit, remaining = int(headers["X-RateLimit-Limit"]), int(headers["X-RateLimit-Remaining"])
    reset_s = int(headers["inin-ratelimit-reset"])
    assert int(headers["inin-ratelimit-allowed"]) == limit == PER_MINUTE
    assert int(headers["inin-ratelimit-count"]) + remaining == limit
    assert abs(int(headers["X-RateLimit-Reset"]) - time.time() - reset_s) < 5
    assert 0 < reset_s <= 61
    policy, now = headers["RateLimit-Policy"], headers["RateLimit"]
    assert policy == f'"minute";q={limit};w=60, "day";q=10000000;w=86400'
    assert now == f'"minute";r={remaining};t={reset_s}'
    assert headers["Retry-After"] == (str(reset_s) if refused else None)
    return reset_s


def test_a_page_of_charts_passes_and_polling_does_not(make):
    one, other = make("one"), make("other")
    assert statuses(one, 20, at_once=20) == [200] * 20
    _, headers, _ = fetch(other, PATH)
    check_families(headers)
    assert int(headers["inin-ratelimit-count"]) >= 21
    passed = 21
    for number in range(2 * PER_MINUTE):
        status, headers, body = fetch((one, other)[number % 2], PATH)
        if status == 429:
            break
        assert status == 200
        passed += 1
        time.sleep(0.02)
    assert status == 429, "polling every 20 ms was never refused"
    assert PER_MINUTE - SHARE <= passed <= PER_MINUTE
    retry_s = check_families(headers, refused=True)
    error = json.loads(body)
    assert f"[{retry_s}] seconds" in error["message"] and re.search(rf"\b{PER_MINUTE} requests a minute", error["message"])


def test_who_is_refused_costs_redis_nothing(make, redis):
    api = make("one")
    assert statuses(api, PER_MINUTE) == [200] * PER_MINUTE  # exactly, with one replica
    assert statuses(api, 1) == [429]
    redis.client().delete(KEY)  # it would be granted, if it asked
    assert statuses(api, 100) == [429] * 100


def test_retry_after_is_true_across_a_restart(make, redis):
    api = make("one")
    assert 429 in statuses(api, PER_MINUTE + 1)
    redis.client().eval(AGE, 1, KEY, 50000)
    api.stop()
    api.start()
    status, headers, _ = fetch(api, PATH)
    assert status == 429
    wait_s = int(headers["Retry-After"])
    assert 0 < wait_s <= 11
    time.sleep(wait_s)
    assert fetch(api, PATH)[0] == 200


def test_it_outlives_the_append_only_file(make, redis):
    api = make("one")
    statuses(api, PER_MINUTE)
    redis.kill()
    redis.start()
    fresh = make("fresh")
    assert statuses(fresh, 2 * SHARE + 1).count(429) > 0


def test_each_replica_keeps_the_limit_while_redis_is_away(make, redis):
    api = make("one")
    redis.kill()
    found = statuses(api, PER_MINUTE + 20, at_once=8)
    assert set(found) == {503, 429}  # nothing can be read; but limits are kept
    assert found.count(429) == 20
    redis.start()
