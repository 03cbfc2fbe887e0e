"""The usage API's requests: what is refused and how it says so, executions on several replicas and over restarts, and cancelling."""

import concurrent.futures
import json
import random
import urllib.parse

import live_fixture as fixture
import pytest
from harness import shared_world, wait_until
from v2_fixture import METRICS, PARTITIONS, World, ask, failure, get, number, post, random_event

QUERY, SEARCH, JOBS = "/api/v2/usage/query", "/api/v2/usage/simplesearch", "/api/v2/usage/aggregates/query/jobs"
CLIENT_QUERY, CLIENT_JOBS = "/api/v2/oauth/clients/c-1/usage/query", "/api/v2/usage/client/c-1/aggregates/query/jobs"
POSTS = [QUERY, SEARCH, CLIENT_QUERY, JOBS, CLIENT_JOBS]
BODY = {"interval": "2024-10/2024-10"}
UNKNOWN = "7d444840-9dc0-11d1-b245-5ffdce74fad2"


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    with shared_world(World, tmp_path_factory.mktemp("v2")) as made:
        yield made


# ---- what is refused ----


@pytest.mark.parametrize("path", POSTS)
def test_intervals_that_are_none(world, path):
    for interval in ("", "2024", "2025/2024", "2024-10-02/2024-10-01", "2024-01-01T00:00Z/2024-01-01T00:00Z", "2024-13/2024-14",
                     "2024-02-30/2024-03-01", "yesterday/today", "P1D/P1D", "2024-10-01/P0D", "1/2", "2024-10-01 2024-10-02"):  # fmt: skip
        status, code, error = failure(ask(world.api, path, {"interval": interval}))
        assert (status, code, error["field"], error["value"]) == (400, "invalid.date", "interval", interval)
        assert error["details"] == [{"errorCode": "invalid.date", "fieldName": "interval"}]
        assert len(error["allowed"]) == 3
    assert "ends before it begins" in failure(ask(world.api, path, {"interval": "2025/2024"}))[2]["message"]
    for body in ({}, {"interval": None}, {"interval": 2024}, {"interval": ["2024/2024"]}):
        assert failure(ask(world.api, path, body))[1] == "invalid.date"


@pytest.mark.parametrize("path", POSTS)
def test_bodies_that_are_none(world, path):
    deep = b'{"interval":' + b"[" * 10000 + b" " * (1_000_000 - 20013) + b"]" * 10000 + b"}"
    for body in (b"", b"{", b"[]", b"5", b'"x"', b"null", b"interval=2024/2024", b'{"interval":"2024/2024"}}', b"\xff\xfe{}", deep,
                 b'{"interval":"2024/2024","interval":"2024/2024"}'):  # fmt: skip
        status, code, error = failure(ask(world.api, path, body, method="POST"))
        assert (status, code) == (400, "bad.request"), body[:40]
    status, code, error = failure(ask(world.api, path, b'{"interval":"' + b"2" * 1_600_000 + b'"}'))
    assert (status, code) == (413, "payload.too.large") and "1572864" in error["message"]


WRONG = [
    ("granularity", "Hour", POSTS[:1] + POSTS[2:]),
    ("granularity", ["Day"], POSTS[:1] + POSTS[2:]),
    ("metrics", "Requests", POSTS),
    ("metrics", ["Latency"], POSTS),
    ("metrics", [["Requests"]], POSTS),
    ("metrics", ["Date"], POSTS[:1] + POSTS[2:]),
    ("groupBy", ["Status"], POSTS[:1] + POSTS[2:]),
    ("groupBy", ["UserId"], [CLIENT_QUERY, CLIENT_JOBS]),
    ("groupBy", ["Platform"], [QUERY, CLIENT_QUERY]),
    ("groupBy", ["OrganizationId"], [JOBS]),
    ("groupBy", ["OAuthClientId"], [CLIENT_JOBS]),
    ("templateUris", "x", POSTS[1:2] + POSTS[3:]),
    ("httpMethods", [1], POSTS[1:2] + POSTS[3:]),
    ("httpMethods", ["x"] * 1001, POSTS[1:2] + POSTS[3:]),
    ("platforms", ["x" * 1025], POSTS[3:]),
    ("userIds", [""], [JOBS]),
    ("oauthClientIds", {}, [JOBS]),
    ("organizationIds", [None], [CLIENT_JOBS]),
    ("oauthClientNames", ["a\nb"], [SEARCH]),
    ("sortBy", "date", POSTS[3:]),
    ("sortBy", [{"fieldName": "size"}], POSTS[3:]),
    ("sortBy", [{"fieldName": "date", "order": "up"}], POSTS[3:]),
    ("sortBy", [{"fieldName": "date"}] * 17, POSTS[3:]),
]


@pytest.mark.parametrize("field, value, paths", WRONG)
def test_values_that_are_none(world, field, value, paths):
    for path in POSTS:
        answer = ask(world.api, path, BODY | {field: value})
        if path in paths:
            status, code, error = failure(answer)
            assert (status, code, error["field"].partition(".")[0]) == (400, "invalid.value", field), path
            assert error["allowed"] and error["value"] is not None
        elif answer[0] == 400:  # there it is no field, or for other reasons none; where it is right, it is accepted
            status, code, error = failure(answer)
            assert code == "bad.request" and error["field"] == field, path


@pytest.mark.parametrize("path", POSTS)
def test_unknown_names(world, path):
    status, code, error = failure(ask(world.api, path, BODY | {"grouping": ["x"]}))
    assert (status, code, error["field"], error["value"]) == (400, "bad.request", "grouping", '["x"]')
    assert "interval" in error["allowed"]
    status, code, error = failure(ask(world.api, path + "?interval=2024", BODY))
    assert (status, code, error["field"]) == (400, "bad.request", "interval")


@pytest.mark.parametrize("path", POSTS)
def test_content_types(world, path):
    for kind in ("text/plain", "application/x-www-form-urlencoded", "application/jsonx", "text/json; charset=utf-8"):
        status, code, _ = failure(ask(world.api, path, BODY, Content_Type=kind))
        assert (status, code) == (415, "unsupported.media.type")
    for kind in ("application/json; charset=UTF-8", "Application/JSON", " application/json ;x=y"):
        assert ask(world.api, path, BODY, Content_Type=kind)[0] in (200, 202)


def test_gets_with_a_content_type(world):
    made = post(world.api, QUERY, BODY)
    for kind in (None, "application/json", "text/plain"):
        assert ask(world.api, made["resultsUri"], Content_Type=kind)[0] == 200


@pytest.mark.parametrize("days", ["0", "366", "-1", "x", "7.5", "", "٧"])
def test_days_of_a_summary(world, days):
    path = f"/api/v2/oauth/clients/c-1/usage/summary?days={urllib.parse.quote(days)}"
    status, code, error = failure(ask(world.api, path))
    assert (status, code, error["field"]) == (400, "invalid.value", "days")


RESULTS = {
    QUERY: f"{QUERY}/%s/results",
    SEARCH: f"{SEARCH}/%s/results",
    CLIENT_QUERY: f"{CLIENT_QUERY}/results/%s",
    JOBS: f"{JOBS}/%s",
    CLIENT_JOBS: f"{CLIENT_JOBS}/%s",
}


@pytest.mark.parametrize("path", POSTS)
def test_ids_that_are_none(world, path):
    made = post(world.api, path, BODY)
    own = made.get("executionId") or made["id"]
    assert made["resultsUri"] == RESULTS[path] % own
    for other in (UNKNOWN, own.upper(), own[:-1], "x", "..", "%7Bdaybook%7D"):
        for method in ("GET", "DELETE"):
            status, code, _ = failure(ask(world.api, RESULTS[path] % other, method=method))
            assert (status, code) == (404, "not.found"), other
    for other in POSTS:  # an id is good for its own kind, and the client that it is about, only
        assert ask(world.api, RESULTS[other] % own)[0] == (200 if other == path else 404)
    if "c-1" in path:
        assert failure(ask(world.api, (RESULTS[path] % own).replace("c-1", "c-2")))[0] == 404


@pytest.mark.parametrize("path", [SEARCH, JOBS])
def test_cursors(world, path):
    body = {"interval": "2024/2024"} | ({} if path == SEARCH else {"granularity": "Day"})
    made = post(world.api, path, body)
    uri = made["resultsUri"]
    first = get(world.api, f"{uri}?pageSize=5")
    after = first["cursors"]["after"] if path == SEARCH else urllib.parse.parse_qs(urllib.parse.urlparse(first["nextUri"]).query)["after"][0]
    quoted = "".join(f"%{letter:02X}" for letter in after.encode())  # percent-encoded through and through
    assert get(world.api, f"{uri}?pageSize=5&after={quoted}") == get(world.api, f"{uri}?pageSize=5&after={after}")
    other = post(world.api, path, body | {"metrics": ["Requests"]})["resultsUri"]
    for wrong in (f"{uri}?after={after}x", f"{uri}?after={after[:-1]}", f"{uri}?after=10", f"{other}?after={after}"):
        status, code, error = failure(ask(world.api, wrong))
        assert (status, code, error["field"]) == (400, "invalid.value", "after")
    for size in ("0", "1001", "-5", "x", ""):
        status, code, error = failure(ask(world.api, f"{uri}?pageSize={size}"))
        assert (status, code, error["field"]) == (400, "invalid.value", "pageSize")
    assert failure(ask(world.api, f"{uri}?page=2"))[1] == "bad.request"


def test_results_of_a_query_are_whole(world):
    uri = post(world.api, QUERY, BODY)["resultsUri"]
    assert failure(ask(world.api, f"{uri}?pageSize=5"))[1] == "bad.request"
    assert failure(ask(world.api, f"{uri}.pdf"))[:2] == (404, "not.found")
    assert failure(ask(world.api, f"{uri}.csv?x=1"))[:2] == (400, "bad.request")


# ---- executions ----


def forget_the_same(world):
    """As if ten seconds had passed."""
    for key in world.client.scan_iter("{daybook}:same:*"):
        world.client.delete(key)


def test_the_same_question_again(world):
    """Within ten seconds: one execution for each caller and question."""
    token = world.make_token("acme")
    body = {"interval": "2024-10-01/2024-10-09", "metrics": ["Requests"]}
    mine = post(world.api, QUERY, body)
    assert post(world.api, QUERY, {"metrics": ["requests", "REQUESTS"], "interval": "2024-10-01/P9D"}) == mine
    assert post(world.api, QUERY, body | {"metrics": ["Status200"]}) != mine
    assert post(world.api, QUERY, body, token=token) != mine
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        fresh = body | {"groupBy": ["UserId"]}
        assert len({json.dumps(made) for made in pool.map(lambda _: post(world.api, QUERY, fresh), range(40))}) == 1
    assert all(0 < world.client.ttl(key) <= 86400 for key in world.client.scan_iter("{daybook}:execution:*"))
    assert all(world.client.ttl(key) <= 10 for key in world.client.scan_iter("{daybook}:same:*"))


def test_another_execution_later(world):
    body = {"interval": "2024-10-01/2024-10-08"}
    mine = post(world.api, QUERY, body)
    forget_the_same(world)
    again = post(world.api, QUERY, body)
    assert again != mine and get(world.api, again["resultsUri"]) == get(world.api, mine["resultsUri"])


@pytest.mark.parametrize("path", POSTS)
def test_others_see_nothing(world, path):
    """Only who asked, and an administrator who sees all."""
    owner, other = world.make_token("acme"), world.make_token("acme")
    foreign, admin = world.make_token("größe", permissions=["admin"]), world.make_token(permissions=["admin"])
    uri = post(world.api, path, BODY, token=owner)["resultsUri"]
    for token in (other, foreign):
        assert failure(ask(world.api, uri, token=token))[:2] == (404, "not.found")
        assert failure(ask(world.api, uri, token=token, method="DELETE"))[0] == 404
    assert get(world.api, uri, token=owner) == get(world.api, uri, token=admin) == get(world.api, uri)


def test_replicas_and_restarts(world):
    """Any replica answers for any execution, with the same bytes, also after everything was killed."""
    second = world.start_api("second")
    try:
        uris = [post(world.api, path, BODY)["resultsUri"] for path in POSTS]
        bodies = [ask(world.api, uri)[2] for uri in uris]
        assert [ask(second, uri)[2] for uri in uris] == bodies
        assert [json.loads(body)["queryStatus"] for body in bodies] == ["Complete"] * 3 + ["Succeeded"] * 2
        world.api.kill()
        assert post(second, QUERY, BODY)["resultsUri"] == uris[0]
        world.api.start()
        assert [ask(world.api, uri)[2] for uri in uris] == bodies
    finally:
        second.kill()
        if not world.api.alive():
            world.api.start()


def test_new_revisions_do_not_change_an_answer(world):
    """The execution keeps to the revisions that there were; a new one sees the new ones."""
    rng = random.Random(5)
    day = number("2024-11-10")
    body = {"interval": "2024-11-10/2024-11-11", "granularity": "Day"}
    uri = post(world.api, QUERY, body)["resultsUri"]
    before = ask(world.api, uri)[2]
    for event in [random_event(rng, day, 2) for _ in range(9)]:
        world.events.append(event)
        world.books.by_day[fixture.partition_of(event, PARTITIONS), day].append(event)
    world.books.close(day, 2, "late", complete=True)
    world.revisions[day] = 2
    world.incomplete.discard(day)
    third = world.start_api("third")
    try:
        assert ask(third, uri)[2] == before and ask(world.api, uri)[2] == before
    finally:
        third.kill()
    forget_the_same(world)
    answer = get(world.api, post(world.api, QUERY, body)["resultsUri"])
    rows = world.rows(world.counted(day, day + 1), {0}, "Day")
    assert answer["results"] == world.query_rows(rows, METRICS, True)
    assert answer["revisions"] == [{"day": "2024-11-10", "revision": 2}]


def test_an_erasure_ends_what_shows_the_day(world):
    """What is in memory may name who was erased: the execution has failed and says why; one of other days goes on."""
    day = number("2024-11-12")
    shown, other = ({"interval": f"2024-11-{d}/2024-11-{d}", "groupBy": ["UserId"]} for d in (12, 13))
    uris = [post(world.api, QUERY, body)["resultsUri"] for body in (shown, other)]
    before = [ask(world.api, uri)[2] for uri in uris]
    assert all(json.loads(body)["queryStatus"] == "Complete" for body in before)
    world.books.close(day, 2, "erasure", complete=day not in world.incomplete)
    world.revisions[day] = 2
    answer = get(world.api, uris[0])
    assert (answer["queryStatus"], "erased" in answer["failure"]) == ("Failed", True)
    assert ask(world.api, f"{uris[0]}.csv")[0] == 409
    assert ask(world.api, uris[1])[2] == before[1]
    again = post(world.api, QUERY, shown)["resultsUri"]
    assert again != uris[0] and get(world.api, again)["queryStatus"] == "Complete"


# ---- failing and cancelling ----


def test_a_sheet_that_is_gone(world):
    """The execution has failed, says why, and stays so on every replica."""
    day = number("2024-11-15")
    keys = [world.books.sheet_key(partition, day, 1) for partition in range(PARTITIONS)]
    for key in keys:
        world.client.rename(key, f"away:{key}")
    fresh = world.start_api("fourth")
    body = {"interval": "2024-11-14/2024-11-16"}
    try:
        query, job = post(fresh, QUERY, body), post(fresh, JOBS, body)
        failed = get(fresh, query["resultsUri"])
        assert failed["queryStatus"] == "Failed" and failed["results"] == [] and "2024-11-15" in failed["failure"]
        answer = get(fresh, job["selfUri"])
        assert answer["queryStatus"] == "Failed" and answer["entities"] == [] and "2024-11-15" in answer["errorBody"]["message"]
        assert failure(ask(fresh, query["resultsUri"] + ".csv"))[0] == 409
    finally:
        for key in keys:
            world.client.rename(f"away:{key}", key)
    assert get(world.api, query["resultsUri"]) == failed and get(fresh, query["resultsUri"]) == failed
    forget_the_same(world)
    assert get(fresh, post(fresh, QUERY, body)["resultsUri"])["queryStatus"] == "Complete"
    fresh.kill()


@pytest.mark.parametrize("path", POSTS)
def test_cancelled(world, path):
    body = {"interval": "2024-10-01/2024-10-11"}
    uri = post(world.api, path, body)["resultsUri"]
    assert get(world.api, uri)["queryStatus"] in ("Complete", "Succeeded")
    status, headers, answer = ask(world.api, uri, method="DELETE")
    assert (status, answer) == (204, b"")
    answer = get(world.api, uri)
    if "jobs" in path:
        assert answer["queryStatus"] == "Cancelled" and answer["entities"] == []
        reason = answer["errorBody"]["message"]
    else:
        assert answer["queryStatus"] == "Failed" and answer["results"] == []
        reason = answer["failure"]
    assert reason.startswith("Cancelled by configured token at 20")
    assert ask(world.api, uri, method="DELETE")[0] == 204
    second = world.start_api("fifth")
    assert get(second, uri) == answer == get(world.api, uri)
    second.kill()


def test_redis_that_is_away(world):
    """No answer is made up, nothing has failed for good, and it goes on by itself."""
    uri = post(world.api, QUERY, {"interval": "2024-10-01/2024-10-06"})["resultsUri"]
    body = ask(world.api, uri)[2]
    world.redis.kill()
    status, headers, _ = ask(world.api, uri)
    assert status == 503 and int(headers["Retry-After"]) > 0
    status, headers, answer = ask(world.api, QUERY, {"interval": "2024-10-01/2024-10-05"})
    assert status == 503 and json.loads(answer)["code"] == "service.unavailable"
    world.redis.start()
    wait_until(lambda: ask(world.api, uri)[0] == 200, 30, "Redis is back")
    assert ask(world.api, uri)[2] == body
