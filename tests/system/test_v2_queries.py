"""The usage API over closed days: every kind of query against what the test itself counts, its pages, exports, and what it says about days."""

import csv
import gzip
import io
import json
import random
import subprocess
import urllib.parse

import openpyxl
import pytest
from harness import csv_rows, shared_world
from v2_fixture import (
    ALL_PERMISSIONS,
    CLIENTS,
    METHODS,
    METRICS,
    NAMES,
    PLATFORMS,
    QUERY_NAMES,
    ROUTES,
    USERS,
    World,
    ask,
    get,
    iso,
    number,
    poll,
    post,
)

QUERY, SEARCH, JOBS = "/api/v2/usage/query", "/api/v2/usage/simplesearch", "/api/v2/usage/aggregates/query/jobs"
SPELLED = {"status200": "Status200", "status300": "Status300", "status400": "Status400", "status500": "Status500"}
SPELLED |= {"status429": "Status429", "requests": "Requests"}
INTERVALS = {
    "2024-10-01/2024-10-31": ("2024-10-01", "2024-10-31"),
    "2024-09/2024-11": ("2024-09-01", "2024-11-30"),
    "2024-10-10/P1D": ("2024-10-10", "2024-10-10"),
    "2024-10-02T00:00:00Z/2024-10-09T00:00:00.000Z": ("2024-10-02", "2024-10-08"),
    "2024-10-18T12:30:00Z/2024-10-22T01:00:00Z": ("2024-10-18", "2024-10-22"),
    "P45D/2024-11-15": ("2024-10-02", "2024-11-15"),
    "2000/2099": ("2000-01-01", "2099-12-31"),
    "2020-02/2020-02": ("2020-02-01", "2020-02-29"),
}


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    with shared_world(World, tmp_path_factory.mktemp("v2")) as made:
        yield made


@pytest.fixture
def rng(world):
    return random.Random(world.seed)


def some(rng, names, least=0):
    return rng.sample(names, rng.randrange(least, len(names) + 1))


def odd_case(rng, text):
    return "".join(rng.choice((letter.upper(), letter.lower())) for letter in text)


def choose(rng):
    """(interval, first, last, granularity or None, metrics)"""
    interval = rng.choice(list(INTERVALS))
    first, last = map(number, INTERVALS[interval])
    return interval, first, last, rng.choice([None, "Day", "Week", "Month"]), some(rng, METRICS, 1)


def client_path(before, client, after):
    return before + urllib.parse.quote(client, safe="") + after


# ---- queries ----


def query_body(rng, group):
    interval, first, last, granularity, metrics = choose(rng)
    body = {"interval": interval, "metrics": [odd_case(rng, SPELLED[metric]) for metric in metrics], "groupBy": group}
    if granularity:
        body["granularity"] = odd_case(rng, granularity)
    return body, first, last, granularity, metrics


GROUPS = {"OAuthClientId": 0, "OrganizationId": 1, "UserId": 2, "TemplateUri": 3, "HttpMethod": 4}


def test_organization_queries(world, rng):
    for _ in range(60):
        group = some(rng, list(GROUPS))
        body, first, last, granularity, metrics = query_body(rng, [odd_case(rng, name) for name in group])
        made = post(world.api, QUERY, body)
        assert made["resultsUri"] == f"{QUERY}/{made['executionId']}/results"
        answer = get(world.api, made["resultsUri"])  # small ones are there at once
        rows = world.rows(world.counted(first, last), {GROUPS[name] for name in group}, granularity)
        expected = {"results": world.query_rows(rows, metrics, granularity is not None), "queryStatus": "Complete"}
        assert answer == expected | world.about(first, last), body
        if answer["results"]:
            row = list(answer["results"][0])
            names = ["clientId", "clientName", *QUERY_NAMES[1:]]
            assert row == names + [m for m in METRICS if m in metrics] + (["date"] if granularity else [])


def test_defaults(world):
    first, last = number("2024-10-01"), number("2024-10-31")
    made = post(world.api, QUERY, {"interval": "2024-10/2024-10"})
    rows = world.query_rows(world.rows(world.counted(first, last), {0}, None), METRICS, False)
    assert get(world.api, made["resultsUri"])["results"] == rows


def test_client_queries(world, rng):
    for _ in range(30):
        client = rng.choice([name for name in CLIENTS if "/" not in name] + ["nobody"])
        group = some(rng, ["OAuthClientId", "OrganizationId", "TemplateUri", "HttpMethod"])
        body, first, last, granularity, metrics = query_body(rng, group)
        made = post(world.api, client_path("/api/v2/oauth/clients/", client, "/usage/query"), body)
        uri = client_path("/api/v2/oauth/clients/", client, f"/usage/query/results/{made['executionId']}")
        assert made["resultsUri"] == uri
        rows = world.rows(world.counted(first, last, client=client), {GROUPS[name] for name in group}, granularity)
        assert get(world.api, uri)["results"] == world.query_rows(rows, metrics, granularity is not None)


@pytest.mark.parametrize("days", [None, 1, 3, 7, 365])
def test_summary(world, days):
    path = "/api/v2/oauth/clients/c-1/usage/summary" + (f"?days={days}" if days else "")
    made = get(world.api, path)
    answer = get(world.api, made["resultsUri"])
    last = world.today - 1
    first = last - (days or 7) + 1
    rows = world.rows(world.counted(first, last, client="c-1"), {0}, "Day")
    expected = {"results": world.query_rows(rows, METRICS, True), "queryStatus": "Complete"}
    assert answer == expected | world.about(first, last)


# ---- simple search, in pages ----


def search_body(world, rng, organization=None):
    interval, first, last, _, metrics = choose(rng)
    shown = some(rng, ["Date", "ClientName", "HttpMethod", "TemplateUri"])
    body = {"interval": interval, "metrics": [odd_case(rng, name) for name in shown + [SPELLED[m] for m in metrics]]}
    events = list(world.counted(first, last, organization))
    if rng.random() < 0.5:
        names = rng.sample([*NAMES.values(), *CLIENTS], 3)
        body["oauthClientNames"] = names
        events = [e for e in events if world.client_name(organization, e.client) in names]
    if rng.random() < 0.3:
        body["httpMethods"] = some(rng, METHODS + ["PATCH"], 1)
        events = [e for e in events if e.method in body["httpMethods"]]
    if rng.random() < 0.3:
        body["templateUris"] = some(rng, ROUTES, 1)
        events = [e for e in events if e.route.strip("/") in [t.strip("/") for t in body["templateUris"]]]
    group = {{"ClientName": 0, "HttpMethod": 4, "TemplateUri": 3}[name] for name in shown if name != "Date"}
    granularity = "Day" if "Date" in shown else None
    return body, first, last, world.query_rows(world.rows(events, group, granularity), metrics, bool(granularity), organization)


def pages(api, uri, size, **options):
    """All rows, page by page, and then once backwards; what the pages say besides is the same on each."""
    rows, cursor, before = [], "", None
    about = None
    while True:
        answer = get(api, f"{uri}?pageSize={size}&after={urllib.parse.quote(cursor)}", **options)
        assert about in (None, {k: v for k, v in answer.items() if k not in ("results", "cursors")})
        about = {k: v for k, v in answer.items() if k not in ("results", "cursors")}
        rows += answer["results"]
        assert len(answer["results"]) <= size and ("before" in answer["cursors"]) == (cursor != "")
        if "after" not in answer["cursors"]:
            break
        assert len(answer["results"]) == size
        before, cursor = cursor, answer["cursors"]["after"]
    if cursor:
        back = get(api, f"{uri}?pageSize={size}&after={answer['cursors']['before']}", **options)
        assert back["results"] == rows[-len(answer["results"]) - size :][:size]
        assert before == "" or back["cursors"]["after"] == cursor
    return rows, about


def test_searches(world, rng):
    for _ in range(40):
        body, first, last, expected = search_body(world, rng)
        made = post(world.api, SEARCH, body)
        assert made["resultsUri"] == f"{SEARCH}/{made['executionId']}/results"
        size = rng.choice([1, 3, 10, 100, 1000])
        if size == 1:
            expected_pages = get(world.api, f"{made['resultsUri']}?pageSize=1")
            assert expected_pages["results"] == expected[:1]
            continue
        rows, about = pages(world.api, made["resultsUri"], size)
        assert rows == expected, body
        assert about == {"queryStatus": "Complete"} | world.about(first, last)


def test_search_of_an_organization(world, rng):
    """Names are those of the caller's own organization, and rows too."""
    for organization in ("acme", "größe"):
        token = world.make_token(organization)
        for _ in range(10):
            body, _, _, expected = search_body(world, rng, organization)
            made = post(world.api, SEARCH, body, token=token)
            assert pages(world.api, made["resultsUri"], 1000, token=token)[0] == expected, body


# ---- jobs ----

JOB_GROUPS = {"OauthClientName": 0, "OauthClientId": 0, "UserId": 2, "HttpMethod": 4, "TemplateUri": 3, "Platform": 5}
CLIENT_JOB_GROUPS = {"OrganizationId": 1, "HttpMethod": 4, "TemplateUri": 3, "Platform": 5}
SORTABLE = {
    "date": lambda row: row[0],
    "platform": lambda row: row[1][5].encode(),
    "httpMethod": lambda row: row[1][4].encode(),
    "templateUri": lambda row: row[1][3].encode(),
    "requestCount": lambda row: row[2]["requests"],
    **{name: lambda row, name=name: row[2][name] for name in METRICS[:5]},
    "oauthClient.id": lambda row: row[1][0].encode(),
    "user.id": lambda row: row[1][2].encode(),
}


def entity(world, row, group, granularity, metrics):
    day, names, counts = row
    made = {"date": iso(day)} if granularity else {}
    for name, at in (("platform", 5), ("httpMethod", 4), ("templateUri", 3)):
        made |= {name: names[at]} if at in group else {}
    made |= {"requestCount": counts["requests"]} if "requests" in metrics else {}
    made |= {metric: counts[metric] for metric in METRICS[:5] if metric in metrics}
    if 0 in group:
        uri = client_path("/api/v2/oauth/clients/", names[0], "")
        made["oauthClient"] = {"id": names[0], "name": world.client_name(None, names[0]), "selfUri": uri}
    made |= {"user": {"id": names[2]}} if 2 in group else {}
    return made | ({"organizationId": names[1]} if 1 in group else {})


def job_pages(api, made, size):
    answer = poll(api, f"{made['selfUri']}?pageSize={size}")
    entities, uris = list(answer["entities"]), set()
    while "nextUri" in answer:
        assert len(answer["entities"]) == size and answer["nextUri"] not in uris
        uris.add(answer["nextUri"])
        answer = get(api, answer["nextUri"])
        entities += answer["entities"]
    assert answer["queryStatus"] == "Succeeded" and answer["selfUri"] == made["selfUri"] == made["resultsUri"]
    return entities, answer


def narrowed(rng, body, events, filters):
    for name, values, attribute in filters:
        if rng.random() < 0.3:
            body[name] = some(rng, values, 1)
            events = [e for e in events if getattr(e, attribute).strip("/") in [value.strip("/") for value in body[name]]]
    return events


def check_job(world, rng, path, groups, events, filters):
    interval, first, last, granularity, metrics = choose(rng)
    group = some(rng, list(groups))
    body = {"interval": interval, "metrics": [SPELLED[m] for m in metrics], "groupBy": group}
    if granularity:
        body["granularity"] = granularity
    counted = narrowed(rng, body, [e for e in world.counted(first, last) if e in events], filters)
    rows = world.rows(counted, {groups[name] for name in group}, granularity)
    sorts = rng.sample([name for name in SORTABLE if path == JOBS or "." not in name], rng.randrange(3))
    body["sortBy"] = [{"fieldName": name, "order": rng.choice(["Asc", "desc"])} for name in sorts]
    for sort in reversed(body["sortBy"]):
        rows.sort(key=SORTABLE[sort["fieldName"]], reverse=sort["order"] == "desc")  # stable, in both directions
    made = post(world.api, path, body)
    assert made["selfUri"] == f"{path}/{made['id']}"
    entities, answer = job_pages(world.api, made, rng.choice([7, 100, 1000]))
    assert entities == [entity(world, row, {groups[name] for name in group}, granularity, metrics) for row in rows], body
    assert {name: answer[name] for name in world.about(first, last)} == world.about(first, last)


def test_organization_jobs(world, rng):
    filters = [("templateUris", ROUTES, "route"), ("httpMethods", METHODS, "method"), ("platforms", PLATFORMS[2:], "platform")]
    filters += [("userIds", USERS[2:], "user"), ("oauthClientIds", CLIENTS, "client")]
    for _ in range(40):
        check_job(world, rng, JOBS, JOB_GROUPS, set(world.events), filters)


def test_client_jobs(world, rng):
    filters = [("templateUris", ROUTES, "route"), ("platforms", PLATFORMS[2:], "platform"), ("organizationIds", ["acme", "x"], "org")]
    for client in ("c-1", "Ünï 日本", "nobody"):
        path = client_path("/api/v2/usage/client/", client, "/aggregates/query/jobs")
        for _ in range(8):
            check_job(world, rng, path, CLIENT_JOB_GROUPS, {e for e in world.events if e.client == client}, filters)


# ---- two ways to the same numbers ----


def test_totals_agree(world, rng):
    """By day, by group, by any road: the same sums."""
    for _ in range(10):
        interval = rng.choice(list(INTERVALS))
        totals = set()
        for granularity in (None, "Day", "Week", "Month"):
            body = {"interval": interval, "groupBy": some(rng, list(GROUPS))} | ({"granularity": granularity} if granularity else {})
            rows = get(world.api, post(world.api, QUERY, body)["resultsUri"])["results"]
            totals.add(tuple(sum(row[metric] for row in rows) for metric in METRICS))
            body["groupBy"] = some(rng, list(JOB_GROUPS))
            rows, _ = job_pages(world.api, post(world.api, JOBS, body), 1000)
            totals.add(tuple(sum(row["requestCount" if m == "requests" else m] for row in rows) for m in METRICS))
        rows, _ = pages(world.api, post(world.api, SEARCH, {"interval": interval})["resultsUri"], 1000)
        totals.add(tuple(sum(row[metric] for row in rows) for metric in METRICS))
        assert len(totals) == 1, interval


# ---- exports ----

WIDE = {"interval": "2024/2024", "granularity": "Day", "groupBy": list(GROUPS)}


def read_csv(body):
    names, *rows = csv_rows(body.decode())
    return [{name: int(value) if name in METRICS else value for name, value in zip(names, row, strict=True)} for row in rows]


def read_xlsx(body):
    rows = [[cell.value for cell in row] for row in openpyxl.load_workbook(io.BytesIO(body), read_only=True).active.iter_rows()]
    return [{name: "" if value is None else value for name, value in zip(rows[0], row)} for row in rows[1:]]


def test_exports(world):
    uri = post(world.api, QUERY, WIDE)["resultsUri"]
    whole = get(world.api, uri)["results"]
    assert len(whole) > 1000
    for suffix, read in (("csv", read_csv), ("jsonl", lambda b: [json.loads(x) for x in b.splitlines()]), ("xlsx", read_xlsx)):
        status, headers, body = ask(world.api, f"{uri}.{suffix}")
        assert status == 200 and read(body) == whole
        name = "usage-query_2024-01-01_2024-12-31_by-client-organization-user-template-method_day"
        assert f'filename="{name}.{suffix}"' in headers["Content-Disposition"]
        if suffix != "xlsx":
            same = ask(world.api, uri, Accept=headers["Content-Type"].partition(";")[0])
            assert same[2] == body and same[1]["ETag"] == headers["ETag"]
    assert json.loads(ask(world.api, f"{uri}.json")[2])["results"] == whole


def test_small_and_large_are_rendered_alike(world):
    """The page of a search that has all rows, and the file of the same query."""
    body = {"interval": "2024-10-01/2024-10-03"}
    uri = post(world.api, SEARCH, body)["resultsUri"]
    page, file = ask(world.api, f"{uri}?pageSize=1000")[2], ask(world.api, f"{uri}.json")[2]
    assert page.replace(b',"cursors":{}', b"") == file


def test_ranges_and_tags(world):
    uri = post(world.api, QUERY, WIDE)["resultsUri"] + ".csv"
    _, headers, whole = ask(world.api, uri)
    assert headers["Accept-Ranges"] == "bytes" and headers["ETag"].startswith('"')
    status, part, body = ask(world.api, uri, Range=f"bytes=1000-{len(whole) - 7}", If_Range=headers["ETag"])
    assert status == 206 and body == whole[1000 : len(whole) - 6]
    assert ask(world.api, uri, If_None_Match=headers["ETag"])[0] == 304
    status, packed, body = ask(world.api, uri, Accept_Encoding="gzip")
    assert status == 200 and packed["Content-Encoding"] == "gzip" and gzip.decompress(body) == whole
    assert packed["ETag"] != headers["ETag"]
    assert ask(world.api, uri, If_None_Match=packed["ETag"], Accept_Encoding="gzip")[0] == 304


def test_pages_have_tags(world):
    uri = post(world.api, QUERY, {"interval": "2024-10/2024-10"})["resultsUri"]
    _, headers, body = ask(world.api, uri)
    assert ask(world.api, uri, If_None_Match=headers["ETag"])[0] == 304
    assert ask(world.api, uri)[2] == body


def test_job_exports(world):
    body = {"interval": "2024-10/2024-10", "granularity": "Month", "groupBy": ["OauthClientId", "UserId", "Platform"]}
    made = post(world.api, JOBS, body)
    entities, _ = job_pages(world.api, made, 1000)
    rows = read_csv(ask(world.api, f"{made['selfUri']}/results.csv")[2])
    assert len(rows) == len(entities)
    for row, whole in zip(rows, entities):
        flat = {"date": whole["date"], "platform": whole["platform"], "requestCount": str(whole["requestCount"])}
        flat |= {"oauthClientId": whole["oauthClient"]["id"], "oauthClientName": whole["oauthClient"]["name"], "userId": whole["user"]["id"]}
        assert {name: str(row[name]) for name in flat} == flat


def test_the_pipeline_that_users_have(world):
    """api.md, the last point of section 1, as it is."""
    filter = (
        ".results|sort_by(.date,.clientName)|map([.date,.clientName,.templateUri,.requests,.status200,.status300,.status400,"
        ".status429,.status500])|.[]|@csv"
    )
    for path, body in ((SEARCH, {"interval": "2024-10-01/2024-10-07"}), (QUERY, WIDE)):
        uri = post(world.api, path, body)["resultsUri"]
        text = ask(world.api, uri + ("?pageSize=1000" if path == SEARCH else ""))[2]
        done = subprocess.run(["jq", "-r", filter], input=text, capture_output=True, check=True)
        rows = json.loads(text)["results"]
        rows.sort(key=lambda row: (row["date"], row["clientName"]))
        lines = list(csv.reader(io.StringIO(done.stdout.decode())))
        columns = ["date", "clientName", "templateUri", "requests", "status200", "status300", "status400", "status429", "status500"]
        assert lines == [[str(row[name]) for name in columns] for row in rows]


# ---- who sees what ----


def test_callers_see_their_own(world, rng):
    first, last = number("2024-10-01"), number("2024-10-31")
    for organization, client in (("acme", None), ("größe", None), ("acme", "c-1"), ("größe", "Ünï 日本"), ("nowhere", None)):
        token = world.make_token(organization, client)
        events = list(world.counted(first, last, organization, client))
        body = {"interval": "2024-10/2024-10", "groupBy": list(GROUPS)}
        rows = get(world.api, post(world.api, QUERY, body, token=token)["resultsUri"], token=token)["results"]
        assert rows == world.query_rows(world.rows(events, set(GROUPS.values()), None), METRICS, False, organization)
        body = {"interval": "2024-10/2024-10", "oauthClientIds": ["c-1", "c-2"], "groupBy": ["OauthClientId"]}
        made = post(world.api, JOBS, body, token=token)
        seen = {e["oauthClient"]["id"] for e in get(world.api, made["selfUri"], token=token)["entities"]}
        assert seen == {e.client for e in events} & {"c-1", "c-2"}


def test_a_client_sees_no_other(world):
    token = world.make_token("acme", "c-1")
    for path, body in (
        ("/api/v2/oauth/clients/c-2/usage/query", {"interval": "2024/2024"}),
        ("/api/v2/oauth/clients/c-2/usage/summary", None),
        ("/api/v2/usage/client/c-2/aggregates/query/jobs", {"interval": "2024/2024"}),
    ):
        status, _, answer = ask(world.api, path, body, token=token)
        assert status == 404 and json.loads(answer)["code"] == "not.found"
        status, _, answer = ask(world.api, path.replace("c-2", "c-1"), body, token=token)
        assert status in (200, 202), answer


def test_permissions(world):
    needs = {QUERY: (0, 1), SEARCH: (0, 3), "/api/v2/oauth/clients/c-1/usage/query": (0, 2), JOBS: (1,)}
    needs["/api/v2/usage/client/c-1/aggregates/query/jobs"] = (2,)
    for permission in range(4):
        token = world.make_token("acme", permissions=[ALL_PERMISSIONS[permission]])
        for path, any_of in needs.items():
            status, _, answer = ask(world.api, path, {"interval": "2024-10-01/2024-10-02"}, token=token)
            assert (status in (200, 202)) == (permission in any_of), (path, permission, answer)
            assert status in (200, 202) or json.loads(answer)["code"] == "missing.any.permissions"
