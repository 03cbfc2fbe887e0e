"""Days are closed under GET /v1/developer/usage: no number changes, whatever of them is in sheets and whatever in buckets."""

import itertools
import json
import random
import threading
import time
from decimal import Decimal

import closed_fixture
import live_fixture as fixture
import pytest
from harness import API_TOKEN, Api, wait_until
from test_usage_api import SELECTIONS, failure, fetch, usage

PARTITIONS = 3
DAY = fixture.DAY


class World:
    def __init__(self, client, api, seed, n=1500):
        self.now = int(time.time() * 1000)
        self.today = self.now // DAY
        self.events = fixture.random_events(seed, self.now, n=n)
        self.days = sorted({e.time // DAY for e in self.events if e.time // DAY < self.today})
        self.client, self.api, self.seed = client, api, seed
        fixture.write(client, self.events, PARTITIONS, self.now)
        self.books = closed_fixture.Books(client, self.events, PARTITIONS)
        self.through, self.closed = None, set()

    def check(self, **parameters):
        answer = usage(self.api, **parameters)
        now = fixture.parse(answer.pop("timestamp"))
        for row in answer.get("errors", {}).get("byType", []):
            row.pop("description")
        wanted = fixture.expected(self.events, now, parameters, self.through, self.closed)
        answer.pop("alerts")
        assert answer == wanted, f"seed {self.seed}, {parameters}"

    def check_all(self):
        for parameters in SELECTIONS.values():
            if "endpoint" in parameters:
                method, _, route = parameters["endpoint"].partition(" ")
                parameters = {**parameters, "endpoint": f"{method.upper()} {route}"}
            for timeframe, granularity in [("1h", "hour"), ("24h", "hour"), ("7d", "hour"), ("30d", "day"), ("1y", "week"), ("all", "month")]:
                self.check(timeframe=timeframe, granularity=granularity, **parameters)
            if "endpoint" not in parameters:
                self.check(timeframe="24h", granularity="minute", **parameters)


@pytest.fixture
def api(tmp_path, redis):
    settings = {"redis.url": redis.url, "auth.token": API_TOKEN, "archive.directory": tmp_path / "archive"}
    settings["cache.sheets_max_bytes"] = "300k"  # much less than there is
    made = Api("api", "api", tmp_path / "api", settings).start()
    yield made
    made.kill()


def test_no_number_changes_when_days_are_closed(api, redis):
    world = World(redis.client(), api, random.randrange(10**6))
    print(f"seed {world.seed}")
    books, client, old = world.books, world.client, [day for day in world.days if day < world.today - 3]
    world.check_all()
    for day in world.days:  # revision 1, beside its buckets
        for partition in range(PARTITIONS):
            books.seal(partition, day, 1)
    world.check_all()
    books.remove_all_buckets(old, 1)
    world.check_all()
    books.first_day(world.today - 2)
    for day in range(min(world.days), world.today):  # the ledger; also days without events
        if day in world.days or day >= world.today - 2:
            if day not in world.days:
                for partition in range(PARTITIONS):
                    books.seal(partition, day, 1)
            books.enter(day, 1)
    late = {e.time // DAY for e in world.events if e.revision == 2}
    world.through = world.today - 1
    world.closed = set(range(0, world.today)) - late
    world.check_all()
    for number, day in enumerate(sorted(late)):  # some late events in sheets, some of those in the ledger
        for partition in range(PARTITIONS):
            if number % 3 != 0 or partition == 1:
                books.seal(partition, day, 2, "late")
        if number % 3 == 1:
            books.enter(day, 2, "late")
            world.closed.add(day)
    world.check_all()
    for number, day in enumerate(sorted(late)):
        if number % 3 == 1 and day in old:
            for partition in range(PARTITIONS):
                books.remove_buckets(partition, day, 2)
    world.check_all()
    assert api.metric("daybook_api_sheets_bytes") <= 300_000
    assert api.metrics()['daybook_api_sheets_read_total{source="redis"}'] > len(world.days)
    assert client.exists(books.sheet_key(0, world.days[0], 1))


def test_closed_days_alone(api, redis):
    """All buckets of a key are long gone: it is found in the sheets, or nowhere."""
    world = World(redis.client(), api, random.randrange(10**6), n=400)
    world.events = [e for e in world.events if e.time < (world.today - 20) * DAY]
    redis.client().flushall()
    fixture.write(redis.client(), world.events, PARTITIONS, world.now)
    world.days = sorted({e.time // DAY for e in world.events})
    for day in world.days:
        for revision in (1, 2):
            world.books.close(day, revision, "day_end" if revision == 1 else "late")
    world.books.remove_all_buckets(world.days, 1)
    world.books.remove_all_buckets(world.days, 2)
    run = world.days[0]
    while run + 1 in world.days:
        run += 1
    world.through, world.closed = run, set(world.days)
    for selection in ({}, {"keyId": "c-3"}, {"keyId": "c-2", "organization": "globex"}):
        if fixture.select(world.events, selection):
            for timeframe in ("24h", "90d", "all"):
                world.check(timeframe=timeframe, granularity="day", **selection)
    for selection in ({"keyId": "nobody"}, {"organization": "nobody"}, {"keyId": "c-2", "organization": "nobody"}):
        status, error, _ = failure(api, timeframe="24h", **selection)
        assert (status, error["error"]) == (404, "NO_USAGE_DATA")


def _ask_until(world, stop, wrong, answered):
    """Totals and lists of what never changes, as fast as they come."""
    rng = random.Random()
    while not stop.is_set() and not wrong:
        timeframe, granularity = rng.choice([("7d", "day"), ("30d", "day"), ("all", "month")])
        parameters = {"timeframe": timeframe, "granularity": granularity, "limit": 1000, **rng.choice([{}, {"keyId": "c-3"}])}
        try:
            status, _, body = fetch(world.api, **parameters)
            if status == 503 and b"being closed" in body:
                continue  # faster than it can be read: said, not guessed
            answer = json.loads(body, parse_float=Decimal)
            wanted = fixture.expected(world.events, fixture.parse(answer["timestamp"]), parameters)
            assert answer["usage"] == wanted["usage"] and answer["breakdown"] == wanted["breakdown"], (world.seed, parameters)
            answered.append(timeframe)
        except BaseException as error:
            wrong.append(error)


@pytest.mark.parametrize("removed", [True, False])
def test_days_are_closed_while_they_are_read(api, redis, removed):
    """Nothing is left out or counted twice: generations go from their buckets to their sheets under the eyes of readers. Some lose
    their buckets at once, as when a log of many days is counted again."""
    world = World(redis.client(), api, random.randrange(10**6), n=900)
    days = [day for day in world.days if world.today - 40 < day < world.today - 3]
    wrong, answered, stop = [], [], threading.Event()
    threads = [threading.Thread(target=_ask_until, args=(world, stop, wrong, answered)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for revision, day in itertools.product((1, 2), days):
        for partition in range(PARTITIONS):
            world.books.seal(partition, day, revision)
            if removed:
                world.books.remove_buckets(partition, day, revision)
        if removed:
            n = len(answered)
            wait_until(lambda: len(answered) > n or wrong, 30, "an answer")
    wait_until(lambda: {"7d", "30d", "all"} == set(answered) or wrong, 60, "an answer of each kind")
    stop.set()
    for thread in threads:
        thread.join()
    assert not wrong, wrong[0]


def test_a_damaged_or_missing_sheet(api, redis, tmp_path):
    """The archive's copy takes its place; without one the answer is an error that names the sheet, never a part of the sum."""
    client, now = redis.client(), int(time.time() * 1000)
    day = now // DAY - 5
    events = [e for e in fixture.random_events(5, now, n=900) if e.time // DAY == day]
    events += [fixture.Event(day * DAY + 5, "acme", "c-1", "", "", "GET", "/v1/x", 200, 1000, 1, 2, 1)] * 3
    fixture.write(client, events, 1, now)
    books = closed_fixture.Books(client, events, 1)
    books.close(day)
    books.close(day, 2, "late")
    for revision in (1, 2):
        books.remove_buckets(0, day, revision)
    key = books.sheet_key(0, day, 2)

    def total():
        return usage(api, timeframe="7d", granularity="day")["usage"]["totalRequests"]

    def refused():
        status, error, headers = failure(api, timeframe="7d", granularity="day")
        assert (status, error["error"]) == (503, "SERVICE_UNAVAILABLE") and key in error["message"] and headers["Retry-After"]
        return error["message"]

    assert fetch(api, timeframe="1h", endpoint="GET /v1/x")[0] == 200  # no sheet is needed
    kept = closed_fixture.packed(closed_fixture.sheet(events, 0, day, 2)[0])
    client.delete(key)
    refused()
    assert usage(api, timeframe="1h")["alerts"] == []  # that nobody knows which keys were active does not keep the rest back
    other = closed_fixture.sheet(events[1:], 0, day, 2)[0]
    client.set(key, closed_fixture.packed(other))
    message = refused()
    assert books.parts[0, day, 2].sheet_checksum.hex() in message  # and that of what is there
    client.set(key, kept[:-7])
    refused()
    client.set(key, kept)
    (tmp_path / "archive/sheets").rmdir()
    (tmp_path / "archive/ledger").rmdir()
    books.archive(tmp_path / "archive")
    client.set(key, closed_fixture.packed(other))
    assert total() == len(events)
    assert api.metrics()['daybook_api_sheets_read_total{source="archive"}'] == 1
    client.delete(key)
    for _ in range(3):
        assert total() == len(events)  # from memory
    assert api.metrics()['daybook_api_sheets_read_total{source="archive"}'] == 1


def test_what_is_announced_but_not_there(api, redis):
    """{pN}:days may be a moment ahead of {pN}:closed; if it stays so, that is an error."""
    client, now = redis.client(), int(time.time() * 1000)
    day = now // DAY - 5
    events = [fixture.Event(day * DAY + 5, "acme", "c-1", "", "", "GET", "/v1/x", 200, 1000, 1, 2, 1)] * 3
    fixture.write(client, events, 1, now)
    books = closed_fixture.Books(client, events, 1)
    books.seal(0, day, 1)
    client.delete("{p0}:closed")
    status, error, _ = failure(api, timeframe="7d", granularity="day")
    assert status == 503 and "{p0}:closed" in error["message"]
    threading.Timer(0.2, lambda: books._write_state(0, day) or client.hset("{p0}:closed", mapping=_raw(books))).start()
    assert usage(api, timeframe="7d", granularity="day")["usage"]["totalRequests"] == 3


def _raw(books):
    return {f"{day}.{revision}": part.SerializeToString() for (_, day, revision), part in books.parts.items()}
