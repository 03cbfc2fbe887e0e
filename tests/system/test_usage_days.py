"""GET /api/v2/usage/days and the paths below it: the ledger as it is, proved, in pages, with entity tags."""

import gzip
import hashlib
import json
import random
import time

import closed_fixture
import live_fixture as fixture
import pytest
from harness import API_TOKEN, Api
from test_usage_api import failure, fetch

PATH = "/api/v2/usage/days"
PARTITIONS = 2
DAY = fixture.DAY
REASONS = {number: name for name, number in closed_fixture.REASONS.items()}


def iso_day(day):
    return fixture.iso(day * DAY)[:10]


class World:
    """Forty days that are closed, the newest yesterday; an import of two days long before; some late, one erased."""

    def __init__(self, redis, directory):
        self.client = redis.client()
        self.today = int(time.time() * 1000) // DAY
        self.first = self.today - 40
        self.imported = [self.today - 3000, self.today - 2998]
        rng = random.Random(4)
        days = [*self.imported, *range(self.first, self.today)]
        self.events = [self.event(rng, day) for day in days for _ in range(rng.randrange(1, 9))]
        self.events += [self.event(rng, self.first + 5)._replace(revision=2), self.event(rng, self.today)]
        fixture.write(self.client, self.events, PARTITIONS, self.today * DAY)
        self.books = closed_fixture.Books(self.client, self.events, PARTITIONS)
        self.books.first_day(self.first)
        self.close_all()
        self.directory = directory / "archive"
        self.directory.mkdir()
        settings = {"redis.url": redis.url, "auth.token": API_TOKEN, "archive.directory": self.directory}
        self.api = Api("api", "api", directory / "api", settings).start()

    @staticmethod
    def event(rng, day):
        client = rng.choice(["c-1", "c-2", 'c-"3"'])
        return fixture.Event(day * DAY + rng.randrange(DAY), rng.choice(["acme", "größe", ""]), client, "", "", "GET", "/x", 200, 5, 1, 2, 1)

    def close_all(self):
        books, first = self.books, self.first
        for day in range(first, self.today):
            books.close(day, complete=day % 3 > 0)
            if day == first + 10:  # long after: late events, an import, an erasure
                books.close(first + 5, 2, "late")
                for day in self.imported:
                    books.close(day, 1, "requested")
                books.close(first + 6, 2, "erasure")
                books.close(first + 6, 3, "requested")
                books.close(first + 5, 3, "erasure")

    def entries(self):
        """Day and revision in the order of the answers, with the number of the entry."""
        entries = [self.books.entry(n) for n in range(1, len(self.books.records) + 1)]
        return sorted((entry.day, entry.revision, entry.n) for entry in entries)

    def short(self, n):
        """What a list says of an entry."""
        entry = self.books.entry(n)
        erased = any(
            later.day == entry.day and later.revision > entry.revision and REASONS[later.reason] == "erasure"
            for later in map(self.books.entry, range(1, len(self.books.records) + 1))
        )
        return {
            "day": iso_day(entry.day),
            "revision": entry.revision,
            "events": entry.events,
            "closedAt": fixture.iso_ms(entry.closed_at_ms),
            "reason": REASONS[entry.reason],
            "late": entry.late,
            "gaps": entry.gaps,
            "complete": entry.complete,
            "checksum": self.books.checksum(n).hex(),
            "previousChecksum": self.books.checksum(n - 1).hex() if n > 1 else None,
            "n": n,
            "duplicates": entry.duplicates,
            "quarantined": entry.quarantined,
            **({"erased": True} if erased else {}),
            "selfUri": f"{PATH}/{iso_day(entry.day)}/revisions/{entry.revision}",
        }

    def get(self, path="", **parameters):
        status, headers, body = fetch(self.api, path=PATH + path, **parameters)
        assert status == 200, body
        assert headers["Content-Type"] == "application/json" and headers["ETag"].startswith('"')
        return json.loads(body)

    def refused(self, path="", **options):
        status, error, headers = failure(self.api, path=PATH + path, **options)
        assert error["contextId"] == error["requestId"] == headers["ININ-Correlation-Id"] == headers["X-Request-Id"]
        assert error["status"] == status and error["code"] and error["details"] is not None and error["errors"] == []
        return status, error


@pytest.fixture
def world(tmp_path, redis):
    made = World(redis, tmp_path)
    yield made
    made.api.kill()


def test_the_list(world):
    answer = world.get()
    assert answer["entities"] == [world.short(n) for _, _, n in world.entries()]
    assert answer["finalizedThrough"] == iso_day(world.today - 1) and "nextUri" not in answer
    assert sum(entity.get("erased", False) for entity in answer["entities"]) == 3


def test_ranges_and_pages(world):
    for first, last in [(0, 0), (0, 3), (5, 6), (39, 45), (-3005, -2000), (-2990, -100), (60, 90)]:
        first, last = world.first + first, world.first + last
        wanted = [world.short(n) for day, _, n in world.entries() if first <= day <= last]
        limits = {"from": iso_day(first), "to": iso_day(last)}
        assert world.get(**limits)["entities"] == wanted
        assert world.get(**{"from": limits["from"]})["entities"][: len(wanted)] == wanted
        for size in (1, 2, 7, 1000):
            answer, seen = world.get(pageSize=size, **limits), []
            seen += answer["entities"]
            while "nextUri" in answer:
                assert len(answer["entities"]) == size and answer["nextUri"].startswith(PATH + "?")
                answer = world.get(answer["nextUri"].removeprefix(PATH))
                seen += answer["entities"]
            assert seen == wanted


def test_one_day(world):
    for day in (world.first, world.first + 5, world.first + 6, world.imported[0]):
        wanted = [world.short(n) for entered, _, n in world.entries() if entered == day]
        assert world.get(f"/{iso_day(day)}") == {"day": iso_day(day), "entities": wanted}


def test_one_revision_in_full(world):
    stream = dict(stream_id=bytes(range(16)), collector="side-1", first_sequence=3, last_sequence=9, high_water=12)
    stream.update(heard_ms=world.today * DAY + 7, announced=[5, 12])
    silent = dict(stream_id=b"\xff" * 16, last_sequence=0, high_water=4)
    silent["import"] = True
    day = world.first + 5
    for partition in range(PARTITIONS):
        world.books.seal(partition, day, 4, "late", streams=[stream, silent])
        world.books.parts[partition, day, 4].gaps, world.books.parts[partition, day, 4].gap_batches = 1, 3
    world.books.parts[1, day, 4].incomplete = True
    world.books.enter(day, 4, "late", complete=False)
    n = len(world.books.records)
    entry, answer = world.books.entry(n), world.get(f"/{iso_day(day)}/revisions/4")
    partitions = [
        {
            "partition": part.partition,
            "sealOffset": part.seal_offset,
            "sealedAt": fixture.iso_ms(part.sealed_at_ms),
            "reason": "late",
            "firstOffset": part.first_offset,
            "endOffset": part.end_offset,
            "events": part.events,
            "late": part.late,
            "duplicates": 0,
            "gaps": 1,
            "gapBatches": 3,
            "quarantined": 0,
            "rows": part.rows,
            "incomplete": part.partition == 1,
            "sheetChecksum": part.sheet_checksum.hex(),
            "streams": [
                {
                    "stream": bytes(range(16)).hex(),
                    "collector": "side-1",
                    "import": False,
                    "firstSequence": 3,
                    "lastSequence": 9,
                    "highWater": 12,
                    "heardAt": fixture.iso_ms(world.today * DAY + 7),
                    "reachedEndOfDay": True,
                    "announcedSequence": [5, 12][part.partition],
                },
                {
                    "stream": "ff" * 16,
                    "collector": "",
                    "import": True,
                    "firstSequence": 0,
                    "lastSequence": 0,
                    "highWater": 4,
                    "heardAt": None,
                    "reachedEndOfDay": False,
                },
            ],
        }
        for part in entry.partition
    ]
    assert answer == {
        **world.short(n),
        "gapBatches": 6,
        "partitions": partitions,
        "organizations": [{"organization": o.organization, "requests": o.requests} for o in entry.organization],
        "organizationsLeftOut": {"organizations": 0, "requests": 0},
        "differences": [{"organization": d.organization, "client": d.client, "requests": d.requests} for d in entry.difference],
        "differencesLeftOut": {"clients": 0, "requests": 0},
    }
    late = world.get(f"/{iso_day(day)}/revisions/2")
    assert [row["requests"] for row in late["differences"]] == [1] and late["late"] == 1 and late["erased"] is True
    assert sum(row["requests"] for row in late["organizations"]) == late["events"]


def test_what_is_not_there(world):
    for path, word in [
        (f"/{iso_day(world.today)}", "not closed yet"),
        (f"/{iso_day(world.today)}/revisions/1", "not closed yet"),
        (f"/{iso_day(world.today + 400)}", "not closed yet"),
        (f"/{iso_day(world.first - 1)}", "closed and empty"),
        (f"/{iso_day(world.first)}/revisions/2", "last one that is closed is 1"),
        ("/0000-01-01", "closed and empty"),
    ]:
        status, error = world.refused(path)
        assert (status, error["error"], error["code"]) == (404, "NOT_FOUND", "not.found") and word in error["message"], error
    world.client.hset("{p0}:meta", "first_ms", (world.first - 2) * DAY)
    status, error = world.refused(f"/{iso_day(world.first - 1)}")
    assert status == 404 and "not closed yet" in error["message"] and iso_day(world.first - 1) in error["message"]
    for path in ("/", "//", f"/{iso_day(world.first)}/", f"/{iso_day(world.first)}/revisions", f"/{iso_day(world.first)}/revisions/1/x"):
        assert world.refused(path)[0] == 404
    for method in ("POST", "DELETE"):
        assert world.refused(method=method)[0] == 405
    assert world.refused(token="no" * 20)[0] == 401
    assert world.refused(f"/{iso_day(world.first)}", token=None)[1]["code"] == "authentication.required"


@pytest.mark.parametrize(
    "path, parameters, field, code",
    [
        ("", {"from": "2026-13-01"}, "from", "invalid.date"),
        ("", {"from": "2026-02-29"}, "from", "invalid.date"),
        ("", {"to": "yesterday"}, "to", "invalid.date"),
        ("", {"to": "2026-1-1"}, "to", "invalid.date"),
        ("", {"to": ""}, "to", "invalid.date"),
        ("", {"from": "2026-11-02", "to": "2026-11-01"}, "to", "invalid.date"),
        ("", {"pageSize": "0"}, "pageSize", "invalid.value"),
        ("", {"pageSize": "1001"}, "pageSize", "invalid.value"),
        ("", {"pageSize": "-1"}, "pageSize", "invalid.value"),
        ("", {"after": "x"}, "after", "invalid.value"),
        ("", {"after": ""}, "after", "invalid.value"),
        ("", {"after": "a" * 2000}, "after", "invalid.value"),
        ("", {"size": "5"}, "size", "bad.request"),
        ("", {"From": "2026-11-02"}, "From", "bad.request"),
        ("/2026-11-31", {}, "day", "invalid.date"),
        ("/today", {}, "day", "invalid.date"),
        ("/2026-11-01/revisions/0", {}, "revision", "invalid.value"),
        ("/2026-11-01/revisions/x", {}, "revision", "invalid.value"),
        ("/2026-11-01", {"pageSize": "5"}, "pageSize", "bad.request"),
    ],
)
def test_wrong_parameters(world, path, parameters, field, code):
    status, error = world.refused(path, **parameters)
    assert (status, error["field"], error["code"]) == (400, field, code), error
    assert error["value"] in (parameters.get(field) or path.rpartition("/")[2], error["value"]) and error["allowed"]
    assert field in error["message"] and error["details"] == [{"errorCode": code, "fieldName": field}]
    assert world.refused("?from=2026-11-01&from=2026-11-02")[1]["field"] == "from"


def test_entity_tags(world):
    """They change exactly when the content does, and each form has its own."""
    paths = ["", "?pageSize=3", f"/{iso_day(world.first + 3)}", f"/{iso_day(world.first + 3)}/revisions/1"]
    before = {}
    for path in paths:
        status, headers, body = fetch(world.api, path=PATH + path)
        again = fetch(world.api, path=PATH + path)
        assert again[1]["ETag"] == headers["ETag"] and again[2] == body and not headers["ETag"].startswith("W/")
        before[path] = headers["ETag"]
        for sent in (headers["ETag"], f'"x", {headers["ETag"]}', "W/" + headers["ETag"], "*"):
            status, answered, nothing = fetch(world.api, path=PATH + path, headers={"If-None-Match": sent})
            assert (status, nothing, answered["ETag"]) == (304, b"", headers["ETag"]), sent
            assert answered["X-Request-Id"] and answered["Cache-Control"] == headers["Cache-Control"]
            assert answered["Content-Type"] is None
        for sent in ('"x"', headers["ETag"].strip('"'), "", '"' + headers["ETag"][1:-2] + '"'):
            assert fetch(world.api, path=PATH + path, headers={"If-None-Match": sent})[0] == 200
        status, answered, nothing = fetch(world.api, path=PATH + path, method="HEAD")
        assert (status, nothing, answered["ETag"]) == (200, b"", headers["ETag"])
        _, packed, bytes_ = fetch(world.api, path=PATH + path, headers={"Accept-Encoding": "gzip"})
        if packed["Content-Encoding"] == "gzip":
            assert packed["ETag"] != headers["ETag"] and gzip.decompress(bytes_) == body and packed["Vary"] == "Accept-Encoding"
            sent = {"Accept-Encoding": "gzip", "If-None-Match": packed["ETag"]}
            assert fetch(world.api, path=PATH + path, headers=sent)[0] == 304
        else:
            assert packed["ETag"] == headers["ETag"]
    assert len(set(before.values())) == len(paths)
    world.books.close(world.first + 4, 2, "late")  # of another day: this day's answers stay
    now = {path: fetch(world.api, path=PATH + path)[1]["ETag"] for path in paths}
    assert [now[path] == before[path] for path in paths] == [False, True, True, True]
    world.books.close(world.first + 3, 2, "erasure")
    now = {path: fetch(world.api, path=PATH + path)[1]["ETag"] for path in paths}
    assert [now[path] == before[path] for path in paths] == [False, True, False, False]
    assert world.get(paths[-1])["erased"] is True


def test_finalized_through(world):
    def through():
        return world.get(pageSize=1)["finalizedThrough"]

    assert through() == iso_day(world.today - 1)
    day = world.imported[0] + 1  # an import brings an event of a day long ago
    extra = World.event(random.Random(1), day)
    fixture.write(world.client, [extra], PARTITIONS, world.today * DAY)
    assert through() == iso_day(world.imported[0])
    world.books.by_day[fixture.partition_of(extra, PARTITIONS), day].append(extra)
    for partition in range(PARTITIONS):
        world.books.seal(partition, day, 1)
        world.books.remove_buckets(partition, day, 1)
    assert through() == iso_day(world.imported[0])  # in sheets, but not yet in the ledger
    world.books.enter(day, 1)
    assert through() == iso_day(world.today - 1)
    for partition in range(PARTITIONS):
        world.client.hset(f"{{p{partition}}}:meta", "first_ms", (world.first - 1) * DAY + 3)
    assert through() == iso_day(world.first - 2)  # the log's first day is not closed
    usage = json.loads(fetch(world.api, timeframe="1h")[2])
    assert usage["finalizedThrough"] == iso_day(world.first - 2)


def test_an_empty_ledger(tmp_path, redis):
    api = Api("api", "api", tmp_path / "api", {"redis.url": redis.url, "auth.token": API_TOKEN}).start()
    try:
        assert json.loads(fetch(api, path=PATH)[2]) == {"entities": [], "finalizedThrough": None}
        assert failure(api, path=PATH + "/2015-05-17")[0] == 404
        redis.client().hset("{p3}:meta", "first_ms", 20000 * DAY + 77)
        assert json.loads(fetch(api, path=PATH)[2]) == {"entities": [], "finalizedThrough": iso_day(19999)}
    finally:
        api.kill()


# ---- damage ----


def damage(world, n, how):
    record = bytearray(world.books.records[n - 1])
    if how == "missing":
        world.client.hdel("{p0}:ledger", n)
        return None
    if how == "another":
        record = bytearray(world.books.records[n % len(world.books.records)])
    if how == "cut":
        del record[-3:]
    if how == "number":
        record = bytearray(_changed(world, n, lambda entry: setattr(entry, "events", entry.events + 1)))
    if how == "garbage":
        record = bytearray(b"hello")
    world.client.hset("{p0}:ledger", n, bytes(record))
    return hashlib.sha256(record).hexdigest()


def _changed(world, n, change):
    entry = world.books.usage.LedgerEntry()
    entry.CopyFrom(world.books.entry(n))
    change(entry)
    return world.books.usage.Record(ledger=entry).SerializeToString()


@pytest.mark.parametrize("how", ["missing", "another", "cut", "number", "garbage"])
def test_a_damaged_entry_is_refused(world, how):
    """With its key and both checksums; the last one too, and after it was read in good state. The others are served."""
    assert world.get()["entities"]
    lines = world.entries()
    for n in (7, len(world.books.records)):
        found = damage(world, n, how)
        day, revision = next((day, revision) for day, revision, number in lines if number == n)
        status, error = world.refused(f"/{iso_day(day)}/revisions/{revision}")
        assert (status, error["error"], error["code"]) == (503, "SERVICE_UNAVAILABLE", "service.unavailable")
        assert "{p0}:ledger" in error["message"] and world.books.checksum(n).hex() in error["message"], error
        assert found is None or found in error["message"]
        world.client.hset("{p0}:ledger", n, world.books.records[n - 1])
        world.get(f"/{iso_day(day)}/revisions/{revision}")


def test_a_damaged_entry_is_refused_in_lists(world):
    found = damage(world, 9, "number")
    day = next(day for day, _, number in world.entries() if number == 9)
    for path in ("", f"/{iso_day(day)}"):
        status, error = world.refused(path)
        assert status == 503 and found in error["message"] and world.books.checksum(9).hex() in error["message"]
    assert world.get(**{"from": iso_day(day + 1)})["entities"]
    assert world.get(f"/{iso_day(day + 1)}")["entities"]
    assert world.get(f"/{iso_day(day - 1)}")["entities"]  # entry 8, whose checksum the damaged one still names


def test_the_archive_has_another_copy(world):
    world.books.archive(world.directory)
    whole = world.get()
    for n, how in [(1, "missing"), (5, "cut"), (6, "number"), (len(world.books.records), "garbage")]:
        damage(world, n, how)
    world.books.close(world.first + 7, 2, "late")  # nothing is remembered across entries
    world.client.hdel("{p0}:ledger", len(world.books.records) - 1)
    answer = world.get()
    assert [e for e in answer["entities"] if e["n"] < len(world.books.records)] == whole["entities"]
    assert world.get(f"/{iso_day(world.first + 5)}/revisions/1")["events"] > 0
    path = world.directory / "ledger/000000000005.record"
    path.write_bytes(world.books.records[5])
    world.books.close(world.first + 8, 2, "late")
    status, error = world.refused()
    assert status == 503 and world.books.checksum(5).hex() in error["message"] and path.name in error["message"]


def test_a_damaged_index(world):
    world.client.hdel("{p0}:entries", f"{world.first}.1")
    world.books.close(world.first + 7, 2, "late")  # what was known of the index before is known no longer
    status, error = world.refused()
    assert status == 503 and "{p0}:entries" in error["message"] and "{p0}:meta" in error["message"]
    world.client.hset("{p0}:entries", f"{world.first}.1", 3)
    assert world.refused()[0] == 503
    world.client.hset("{p0}:entries", f"{world.first}.1", 1)
    assert world.get()["entities"]
    world.client.hset("{p0}:meta", "ledger_checksum", "00" * 32)
    status, error = world.refused()
    assert status == 503 and "00" * 32 in error["message"] and world.books.checksum(len(world.books.records)).hex() in error["message"]


def test_redis_is_away(world, redis):
    redis.kill()
    status, error = world.refused()
    assert (status, error["code"]) == (503, "service.unavailable")
