"""Queries of the usage API that take long: they run in the background, once, are the same after kill -9, and can be stopped."""

import concurrent.futures
import json
import random
import time
from collections import Counter

import closed_fixture
import live_fixture as fixture
import pytest
from harness import API_TOKEN, Api, csv_rows, shared_world
from v2_fixture import ask, get, iso, poll, post

QUERY, JOBS = "/api/v2/usage/query", "/api/v2/usage/aggregates/query/jobs"
USERS, DAYS, PARTITIONS = 60_000, 2, 3
RUNNING = {"queryStatus": "Running"}


class World:
    """Two days with very many users, so that no question about them is short."""

    def __init__(self, redis, directory):
        self.redis, self.client, self.directory = redis, redis.client(), directory
        self.last = int(time.time()) // 86400 - 1
        self.days = range(self.last - DAYS + 1, self.last + 1)
        rng = random.Random(7)
        events = []
        for day in self.days:
            for user in range(USERS):
                time_ms = day * fixture.DAY + rng.randrange(fixture.DAY)
                status = rng.choice((200, 200, 201, 404, 429, 500))
                who = ("acme", f"c-{user % 5}", f"u-{user}", "")
                events.append(fixture.Event(time_ms, *who, "GET", "/v1/orders/{id}", status, 5, 1, 2, 1))
        self.requests = Counter((event.time // fixture.DAY, event.user) for event in events)
        self.errors = sum(event.status == 500 for event in events)
        self.client.hset("daybook:topic", mapping={"topic": "usage.events", "partitions": PARTITIONS})
        books = closed_fixture.Books(self.client, events, PARTITIONS)
        books.first_day(self.days[0])
        for day in self.days:
            books.close(day)
        self.interval = f"{iso(self.days[0])}/{iso(self.last)}"
        self.api = self.start_api("api")

    def start_api(self, name):
        (self.directory / "cache").mkdir(exist_ok=True)
        settings = {"redis.url": self.redis.url, "auth.token": API_TOKEN, "cache.directory": self.directory / "cache"}
        return Api(name, "api", self.directory / name, {**settings, "limits.enterprise_per_minute": 1000000}).start()

    def body(self, **more):
        """A question that was not asked before."""
        for key in self.client.scan_iter("{daybook}:same:*"):
            self.client.delete(key)
        return {"interval": self.interval, "granularity": "Day", "groupBy": ["UserId"], **more}


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    with shared_world(World, tmp_path_factory.mktemp("large")) as made:
        yield made


@pytest.fixture(scope="module")
def whole(world):
    """The answer, checked."""
    answer = poll(world.api, post(world.api, QUERY, world.body())["resultsUri"])
    assert answer["queryStatus"] == "Complete"
    rows = answer["results"]
    assert Counter((row["date"][:10], row["userId"], row["requests"]) for row in rows) == Counter(
        (iso(day), user, n) for (day, user), n in world.requests.items()
    )
    assert sum(row["status500"] for row in rows) == world.errors
    assert [row["date"] for row in rows] == sorted(row["date"] for row in rows)
    return rows


def test_running_and_then_complete(world, whole):
    uri = post(world.api, QUERY, world.body())["resultsUri"]
    answers = [get(world.api, uri) for _ in range(3)]
    while answers[-1]["queryStatus"] != "Complete":
        assert answers[-1] == RUNNING
        answers.append(get(world.api, uri))
    assert answers[-1]["results"] == whole
    _, headers, body = ask(world.api, uri)
    assert ask(world.api, uri, If_None_Match=headers["ETag"])[0] == 304
    status, _, part = ask(world.api, uri, Range="bytes=100-199")
    assert status == 206 and part == body[100:200]


def test_many_who_wait(world, whole):
    """All are told the same, and nobody is kept waiting."""
    uri = post(world.api, QUERY, world.body(metrics=["Requests"]))["resultsUri"]
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        found = list(pool.map(lambda _: poll(world.api, uri)["results"], range(16)))
    assert all(rows == found[0] for rows in found)
    assert [row["requests"] for row in found[0]] == [row["requests"] for row in whole]


def test_a_job_in_pages(world, whole):
    made = post(world.api, JOBS, world.body(sortBy=[{"fieldName": "user.id", "order": "Desc"}]))
    states = set()
    while "Succeeded" not in states:
        answer = get(world.api, made["selfUri"] + "?pageSize=1000")
        states.add(answer["queryStatus"])
        assert answer["selfUri"] == made["selfUri"] and states <= {"Queued", "Running", "Succeeded"}
    entities = answer["entities"]
    while "nextUri" in answer:
        answer = get(world.api, answer["nextUri"])
        entities += answer["entities"]
    assert len(entities) == len(whole)
    expected = sorted(whole, key=lambda row: row["userId"], reverse=True)
    assert [(e["date"], e["user"]["id"], e["requestCount"]) for e in entities] == [
        (row["date"][:10], row["userId"], row["requests"]) for row in expected
    ]


def test_exports(world, whole):
    """More rows than are rendered at once."""
    uri = post(world.api, QUERY, world.body())["resultsUri"]
    while ask(world.api, uri + ".csv")[0] == 202:
        time.sleep(0.02)
    names, *rows = csv_rows(ask(world.api, uri + ".csv")[2].decode())
    columns = [names.index(name) for name in ("date", "userId", "requests")]
    assert [[row[i] for i in columns] for row in rows] == [[row["date"], row["userId"], str(row["requests"])] for row in whole]
    lines = ask(world.api, uri + ".jsonl")[2].splitlines()
    assert [json.loads(line) for line in lines] == whole


@pytest.mark.parametrize("after_ms", [0, 20, 60, 150])
def test_killed_while_it_runs(world, whole, after_ms):
    uri = post(world.api, QUERY, world.body())["resultsUri"]
    time.sleep(after_ms / 1000)
    world.api.kill()
    world.api.start()
    assert poll(world.api, uri)["results"] == whole


def test_another_replica_meanwhile(world, whole):
    uri = post(world.api, QUERY, world.body())["resultsUri"]
    second = world.start_api("second")
    try:
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            one, other = pool.map(lambda api: poll(api, uri)["results"], (world.api, second))
        assert one == other == whole
        assert ask(world.api, uri)[2] == ask(second, uri)[2]
    finally:
        second.kill()


@pytest.mark.parametrize("path", [QUERY, JOBS])
def test_stopped_while_it_runs(world, path):
    uri = post(world.api, path, world.body(groupBy=["UserId"], metrics=["Status200"]))["resultsUri"]
    assert ask(world.api, uri, method="DELETE")[0] == 204
    answer = get(world.api, uri)
    assert answer["queryStatus"] == ("Failed" if path == QUERY else "Cancelled")
    time.sleep(0.3)
    assert get(world.api, uri) == answer


def test_it_ends_in_time_while_queries_wait(world):
    """SIGTERM with questions in the background: they are dropped, and computed where they are asked for next."""
    uris = []
    for number in range(8):
        body = world.body(groupBy=["UserId", "TemplateUri"], interval=f"{2000 + number}-01-01/{iso(world.last)}")
        uris.append(post(world.api, QUERY, body)["resultsUri"])
    begin = time.monotonic()
    assert world.api.stop() == 0
    assert time.monotonic() - begin < 18
    world.api.start()
    assert {len(poll(world.api, uri)["results"]) for uri in uris} == {USERS * DAYS}
