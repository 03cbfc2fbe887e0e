"""GET /api/v2/usage/report: the page, every number of it against what the test itself counts from the events."""

import json
import random
import urllib.parse
from datetime import datetime

import pytest
from harness import csv_rows, shared_world, wait_until
from live_fixture import partition_of
from report_fixture import CLIENTS, COUNTS, PARTITIONS, ROUTES, World, iso, number
from test_usage_api import failure
from v2_fixture import poll, post

ZONES = ["UTC", "Asia/Kathmandu", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "America/St_Johns", "Europe/Dublin"]


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    with shared_world(World, tmp_path_factory.mktemp("report")) as made:
        yield made


INTERVALS = {
    "autumn": ("2024-10-01/2024-10-15", "2024-10-01", "2024-10-15"),  # Lord Howe's 23.5 hours, a revision
    "hole": ("2024-10-15/2024-11-10", "2024-10-15", "2024-11-10"),  # an open day, New York's 25 hours
    "turn": ("2011-12-25/2012-01-05", "2011-12-25", "2012-01-05"),  # Apia's skipped date
    "year": ("2024", "2024-01-01", "2024-12-31"),
    "one day": ("2024-11-03/2024-11-03", "2024-11-03", "2024-11-03"),
    "empty": ("2020-02/2020-02", "2020-02-01", "2020-02-29"),
}


def text_of(name):
    return INTERVALS[name][0] if "/" in INTERVALS[name][0] else f"{INTERVALS[name][0]}/{INTERVALS[name][0]}"


def span_of(name):
    return number(INTERVALS[name][1]), number(INTERVALS[name][2])


@pytest.mark.parametrize("interval", INTERVALS)
@pytest.mark.parametrize("zone", ZONES)
def test_every_number(world, zone, interval):
    for local in (False, True):
        asked = {"timeZone": zone, "dayBoundary": "local" if local else "utc"}
        page = world.page(interval=text_of(interval), **asked)
        assert page == world.expected(span_of(interval), zone, local).page(), f"seed {world.seed}"
        for name in COUNTS:
            assert sum(day[name] for day in page["days"]) == page["statuses"][name]


def test_lengths_of_days(world):
    def hours(zone, day):
        [found] = world.page(interval=f"{day}/{day}", timeZone=zone, dayBoundary="local")["days"]
        return (datetime.fromisoformat(found["end"]) - datetime.fromisoformat(found["begin"])).total_seconds() / 3600

    assert hours("America/New_York", "2024-11-03") == 25
    assert hours("Australia/Lord_Howe", "2024-10-06") == 23.5
    assert hours("Asia/Kathmandu", "2024-10-06") == 24


def test_filters_and_top(world):
    rng = random.Random(world.seed)
    for _ in range(12):
        clients = rng.sample(CLIENTS, rng.randrange(1, 4)) if rng.random() < 0.7 else None
        routes = rng.sample(ROUTES, rng.randrange(1, 4)) if rng.random() < 0.7 else None
        local, top = rng.random() < 0.5, rng.choice([1, 2, 5, 1000])
        asked = {"interval": text_of("hole"), "dayBoundary": "local" if local else "utc", "timeZone": "America/New_York", "top": top}
        if clients:
            asked["clients"] = ",".join(client.replace(",", "\\,") for client in clients)
        if routes:
            asked["templates"] = ",".join(route.replace(",", "\\,")[rng.randrange(2) :] for route in routes)
        expected = world.expected(span_of("hole"), "America/New_York", local, clients=clients, routes=routes, top=top)
        assert world.page(**asked) == expected.page(), f"seed {world.seed}: {asked}"


@pytest.mark.parametrize(
    "section, words, names",
    [
        ("clients", "C-", ["clientId", "clientName"]),
        ("clients", "first  the", ["clientId", "clientName"]),
        ("clients", "ZWEITER", ["clientId", "clientName"]),
        ("clients", "ünï", ["clientId", "clientName"]),
        ("clients", "nobody", ["clientId", "clientName"]),
        ("clients", "/", ["clientId", "clientName"]),  # of which there is none
        ("urls", "/API/ {userid}", ["templateUri"]),
        ("urls", "v1/größe", ["templateUri"]),
        ("clientUrls", "c-1 orders", ["clientId", "clientName", "templateUri"]),
    ],
)
def test_search(world, section, words, names):
    """What is found is what one finds oneself in the whole list, in its order; `top` counts what is found."""

    def rows(**asked):
        status, _, body = world.fetch(suffix=".jsonl", interval=text_of("year"), section=section, **asked)
        assert status == 200, body
        return [json.loads(line) for line in body.splitlines()]

    def is_searched(row):
        known = [("/" if name == "templateUri" else "") + row[name].casefold() for name in names]
        return all(any(word in one for one in known) for word in words.casefold().split())

    expected = [row for row in rows() if is_searched(row)]
    assert bool(expected) == (words not in ("nobody", "/"))
    assert rows(search=words) == expected
    assert rows(search=words, top=1) == expected[:1]


def test_repeated_lists(world):
    query = urllib.parse.urlencode([("interval", text_of("autumn")), ("clients", "c-1"), ("clients", "c-2"), ("clients", "c-1")])
    status, _, body = world.fetch(suffix=f"?{query}")
    assert status == 200, body
    assert json.loads(body) == world.expected(span_of("autumn"), clients=["c-1", "c-2"]).page()


def test_default_interval(world):
    through = world.through
    assert world.page() == world.expected((through - 6, through)).page()
    for zone, last in (("Asia/Kathmandu", through), ("America/New_York", through - 1)):
        page = world.page(timeZone=zone, dayBoundary="local")
        assert page == world.expected((last - 6, last), zone, True).page()
        assert page["omittedDays"] == [] and len(page["days"]) == 7


def test_days_that_are_not_closed(world):
    today = world.today
    page = world.page(interval=f"{iso(today - 2)}/{iso(today + 400)}")
    assert page["omittedDays"] == [{"interval": f"{iso(today)}/{iso(today + 400)}", "reason": "notEnded"}]
    assert [day["date"] for day in page["days"]] == [iso(today - 2), iso(today - 1)]
    page = world.page(interval=f"{iso(today + 1)}/{iso(today + 2)}")
    assert page["days"] == [] and page["totalRequests"] == 0 and page["clients"] == []
    page = world.page(interval="2024-10-18/2024-10-22")
    assert page["omittedDays"] == [{"interval": "2024-10-20/2024-10-20", "reason": "notClosed"}]
    page = world.page(interval="2024-10-18/2024-10-22", dayBoundary="local", timeZone="Asia/Kathmandu")
    assert page["omittedDays"] == [{"interval": "2024-10-20/2024-10-21", "reason": "notClosed"}]


def test_long_intervals(world):
    page = world.page(interval="1000/3000")
    assert page["interval"] == "2011-12-27/3000-12-31"
    closed = sum(event.revision <= world.revisions.get(event.time // 86400000, 0) for event in world.events)
    assert page["totalRequests"] == closed
    assert page["days"][0]["date"] == "2011-12-27" and page["omittedDays"][-1]["interval"].endswith("/3000-12-31")
    assert world.page(interval="1950-01/1955-12")["days"] == []
    page = world.page(interval="1969-12-30/1970-01-02", dayBoundary="local", timeZone="Asia/Kathmandu")
    assert page["totalRequests"] == 0


def refused(world, suffix="", **options):
    status, error, headers = failure(world.api, path="/api/v2/usage/report" + suffix, **options)
    assert error["contextId"] == headers["ININ-Correlation-Id"] == headers["X-Request-Id"] and error["status"] == status
    return status, error


@pytest.mark.parametrize(
    "name, value, allowed",
    [
        ("intervall", "2024", "interval"),
        ("interval", "2024-13/2024-14", None),
        ("interval", "2024-10-15/2024-10-01", None),
        ("timeZone", "Asia/Katmandoo", "Asia/Kathmandu"),
        ("timeZone", "", None),
        ("dayBoundary", "zone", "local"),
        ("organization", "", None),
        ("clients", "a,,b", None),
        ("templates", "", None),
        ("top", "0", None),
        ("top", "1001", None),
        ("section", "days", "top"),
        ("search", "c-1", "top"),
    ],
)
def test_bad_parameters(world, name, value, allowed):
    status, error = refused(world, **{name: value})
    assert status == 400 and error["field"] == name and error["allowed"]
    assert allowed is None or allowed in error["allowed"], error["allowed"]


def test_unknown_formats(world):
    for suffix in (".xls", ".pdf", ".csv.gz"):
        status, error = refused(world, suffix)
        assert status == 404 and suffix in error["message"], error


def test_who_sees_what(world):
    interval, span = text_of("hole"), span_of("hole")
    own = world.make_token("acme")
    client = world.make_token("größe", "c-1", ["oauth:client:view"])
    without = world.make_token("acme", permissions=["usage:simpleSearch:view"])

    def may():
        return world.fetch(token=without)[0] == 403 and world.fetch(token=own)[0] == world.fetch(token=client)[0] == 200

    wait_until(may, 30, "the tokens are known")
    page = world.page(token=own, interval=interval)
    assert page == world.expected(span, organization="acme").page()
    assert world.page(token=own, interval=interval, organization="acme") == page
    assert refused(world, token=own, interval=interval, organization="größe")[0] == 403
    page = world.page(interval=interval, organization="acme")
    assert page == world.expected(span, organization="acme").page()
    page = world.page(interval=interval, organization="größe", clients="c-1,c-2")
    assert page == world.expected(span, organization="größe", clients=["c-1", "c-2"]).page()
    page = world.page(interval=interval, organization="nobody")
    assert page == world.expected(span, organization="nobody").page() and page["totalRequests"] == 0
    page = world.page(token=client, interval=interval)
    assert page == world.expected(span, organization="größe", clients=["c-1"]).page()
    page = world.page(token=client, interval=interval, clients="c-1,c-2")
    assert page == world.expected(span, organization="größe", clients=["c-1"]).page()
    page = world.page(token=client, interval=interval, clients="c-2")
    assert page == world.expected(span, organization="größe", clients=[]).page()
    assert world.fetch(token=None)[0] == 401


def query(world, body):
    """The rows of a usage query."""
    return poll(world.api, post(world.api, "/api/v2/usage/query", body)["resultsUri"])["results"]


def test_queries_agree(world):
    page = world.page(interval=text_of("hole"), top=1000)

    def rows(*group, **options):
        return query(world, {"interval": text_of("hole"), "groupBy": group, **options})

    by_day = {row["date"][:10]: {name: row[name] for name in COUNTS} for row in rows(granularity="Day")}
    assert by_day == {day["date"]: {name: day[name] for name in COUNTS} for day in page["days"] if day["requests"]}
    names = ("clientId", "clientName", "organizationId", *COUNTS)
    clients = [tuple(row[name] for name in names) for row in rows("OAuthClientId", "OrganizationId")]
    assert clients == [tuple(row[name] for name in names) for row in page["clients"]]
    names = ("templateUri", *COUNTS)
    assert [tuple(row[name] for name in names) for row in rows("TemplateUri")] == [
        tuple(row[name] for name in names) for row in page["urls"]
    ]


def test_entity_tags(world):
    asked = {"interval": text_of("autumn"), "timeZone": "Asia/Kathmandu"}
    _, headers, body = world.fetch(**asked)
    tag = headers["ETag"]
    assert tag.startswith('"')
    status, again, nothing = world.fetch(headers={"If-None-Match": tag}, **asked)
    assert (status, nothing) == (304, b"") and again["ETag"] == tag
    status, packed, _ = world.fetch(headers={"Accept-Encoding": "gzip"}, **asked)
    assert packed["Content-Encoding"] == "gzip" and packed["ETag"] != tag
    assert world.fetch(headers={"Accept-Encoding": "gzip", "If-None-Match": packed["ETag"]}, **asked)[0] == 304
    status, head, nothing = world.fetch(method="HEAD", **asked)
    assert (status, nothing, head["Content-Length"]) == (200, b"", str(len(body)))


def test_a_long_question(world):
    """More rows than one worker looks at while others wait: it is handed on, and its answer is no other. Changes the world."""
    day, n = number("2023-07-01"), 130_000
    times = (day * 86400000 + i % 96 * 900000 for i in range(n))
    events = [world.events[0]._replace(time=time, org="acme", client=f"c-{i % 50}", user=f"u-{i}") for i, time in enumerate(times)]
    for event in events:
        world.books.by_day[partition_of(event, PARTITIONS), day].append(event)
    world.books.close(day, reason="requested")
    world.revisions[day] = 1
    world.events += events
    asked = {"interval": "2023-07-01/2023-07-01", "timeZone": "UTC"}
    handed_on = world.api.metrics()["daybook_api_queries_handed_on_total"]
    assert world.page(**asked) == world.expected((day, day)).page()
    assert world.api.metrics()["daybook_api_queries_handed_on_total"] == handed_on + 1
    names, *rows = csv_rows(world.fetch(suffix=".csv", section="clients", **asked)[2].decode())
    assert len(rows) == 50 and sum(int(row[names.index("requests")]) for row in rows) == n


def test_a_later_revision_is_seen(world):
    """Last: it changes the world."""
    asked = {"interval": "2024-11-05/2024-11-05"}
    before = world.fetch(**asked)[1]["ETag"]
    day = number("2024-11-05")
    world.books.close(day, 2, "requested")
    world.revisions[day] = 2
    _, headers, body = world.fetch(**asked)
    assert headers["ETag"] != before
    assert json.loads(body) == world.expected((day, day)).page()
    assert json.loads(body)["revisions"] == [{"day": "2024-11-05", "revision": 2}]
