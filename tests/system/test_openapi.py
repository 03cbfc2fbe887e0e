"""api/openapi.yaml is kept true, both ways: every route in it answers as it says and every route that answers is in it; the same
holds for parameters, fields of bodies, values, permissions, methods and kinds of answers."""

import itertools
import json
import re
import subprocess
import zlib

import access
import jsonschema
import pytest
from harness import API_TOKEN, BIN, ROOT, Redis, wait_until
from openapi_document import CLIENT, DOCUMENT, LIMIT, OPERATIONS, ORGANIZATION, World, check, check_answer, flat, resolve, send

ALL = list(OPERATIONS.values())
PERMISSIONS = DOCUMENT["components"]["schemas"]["Permission"]["enum"]
ALIASES = [path for path, item in DOCUMENT["paths"].items() if "$ref" in item]
WITH_PERMISSIONS = [operation for operation in ALL if operation.permissions]
WITH_JSON = [operation for operation in ALL if operation.body_schema()]


def each(operations):
    return pytest.mark.parametrize("operation", operations, ids=repr)


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    redis = Redis("redis", tmp_path_factory.mktemp("redis"))
    redis.start()
    made = World(redis, tmp_path_factory.mktemp("api"))
    yield made
    made.stop()
    redis.kill()


# ---- the document by itself ----


def test_schemas_are_schemas():
    for name, schema in DOCUMENT["components"]["schemas"].items():
        jsonschema.Draft202012Validator.check_schema(schema)
        assert "type" in schema or "$ref" in schema or schema.keys() <= {"description", "const"}, name


def test_references_lead_somewhere_and_nothing_is_left_over():
    text = (ROOT / "api/openapi.yaml").read_text()

    def walk(node):
        if isinstance(node, dict):
            if isinstance(node.get("$ref"), str):
                resolve(node)
            node = list(node.values())
        for child in node if isinstance(node, list) else []:
            walk(child)

    walk(DOCUMENT)
    for kind, parts in DOCUMENT["components"].items():
        for name in parts if kind != "securitySchemes" else []:
            assert f'#/components/{kind}/{name}"' in text, (kind, name)


def test_operations_have_what_people_look_for():
    ids = [operation.node["operationId"] for operation in ALL]
    assert len(set(ids)) == len(ids) - sum(operation.path in ALIASES for operation in ALL)
    tags = {tag["name"] for tag in DOCUMENT["tags"]}
    for operation in ALL:
        assert operation.node["summary"] and set(operation.node["tags"]) <= tags
        assert set(re.findall(r"\{(\w+)\}", operation.path)) == set(operation.named("path")), operation
        for parameter in operation.parameters:
            assert parameter["description"], (operation, parameter["name"])
        for permission in operation.permissions:
            assert f"`{permission}`" in operation.node["description"], operation
        assert 405 in operation.responses and (401 in operation.responses) == (operation.security != [])
        assert (429 in operation.responses) == (operation.security != [] or operation.path == "/session")


def test_examples_are_true():
    seen = 0
    for operation in ALL:
        contents = [content for response in operation.responses.values() for content in response.get("content", {}).values()]
        for content in [*contents, *operation.body.values()]:
            for example in content.get("examples", {}).values():
                check(content["schema"], resolve(example)["value"])
                seen += 1
        for parameter in operation.parameters:
            if "example" in parameter:
                value = parameter["example"]
                check(parameter["schema"], value)
        assert all(content.get("examples") for content in operation.body.values()), operation
    assert seen >= 60


# ---- routes ----


def test_the_same_routes():
    printed = subprocess.run([BIN / "daybook-api", "--print-routes"], capture_output=True, text=True, check=True).stdout
    assert sorted(printed.split("\n")[:-1]) == sorted(OPERATIONS)


def test_the_document_itself_is_served(world):
    answer = send(world.api, "GET", "/api/v2/openapi.yaml", token=None)
    assert answer.body == (ROOT / "api/openapi.yaml").read_bytes()
    answer = send(world.api, "GET", "/api/v2/reference", token=None)
    assert answer.body == (ROOT / "api/reference.html").read_bytes()
    assert "script" not in answer.headers["Content-Security-Policy"] and "unsafe" not in answer.headers["Content-Security-Policy"]


def pattern_of(path):
    """What fits a path; a part with values has just those."""
    given = {name: schema for one in ALL if one.path == path for name, schema in one.named("path").items()}
    parts = re.split(r"\{(\w+)\}", path)
    for n in range(1, len(parts), 2):
        values = given[parts[n]]["schema"].get("enum") if given else None
        parts[n] = "|".join(map(re.escape, values)) if parts[n] == "page" else "[^/]+"
    return "".join(f"({part})" if n % 2 else re.escape(part) for n, part in enumerate(parts))


def test_no_other_route_answers(world):
    words = ["", "v1", "v2", "api", "developer", "usage", "days", "keys", "stats", "docs", "openapi.yaml", "admin", "tokens",
        "clients"]
    words += ["oauth", "token", "query", "jobs", "report", "report.csv", "reference", "healthz", "health", "readyz", "metrics"]
    patterns = [re.compile(pattern_of(path)) for path in DOCUMENT["paths"]]
    for n in (1, 2, 3, 4):
        for parts in itertools.permutations(words, n):
            path = "/" + "/".join(parts)
            if n > 2 and zlib.crc32(path.encode()) % (48 if n == 3 else 1500):
                continue  # some of the many
            answer = send(world.api, "GET", path)
            known = any(pattern.fullmatch(path) for pattern in patterns)
            assert (answer.status == 404 and b"There is nothing at this path" in answer.body) == (not known), (path, answer)
            if not known:
                forms = {"/api/v2/": "V2Error", "/stats/": "StatsError"}
                form = next((form for start, form in forms.items() if path.startswith(start)), "Error")
                check({"$ref": f"#/components/schemas/{form}"}, json.loads(answer.body))


@each(ALL)
def test_it_answers(world, operation):
    """With its example, without a token, by other methods, as HEAD."""
    given = world.prepare(operation)
    path = world.path(operation, **given)
    answer = world.ask(operation, token=None, path=path)
    assert (answer.status == 401) == operation.needs_token
    check_answer(operation, answer)
    methods = {one.method for one in ALL if one.path == operation.path}
    for other in {"POST", "PUT", "DELETE", "PATCH", "GET"} - methods:
        answer = send(world.api, other, path)
        assert answer.status == 405
        assert sorted(answer.headers["Allow"].split(", ")) == sorted(methods | ({"HEAD"} if "GET" in methods else set()))
        check_answer(operation, answer)
    answer = world.ask(operation, given)
    assert answer.status in (200, 201, 202, 204), answer
    check_answer(operation, answer)
    if operation.method == "GET":  # SDKs say of what type their bodies are, also where they have none
        assert world.ask(operation, path=path, headers={"Content-Type": "application/json"}).status == answer.status
        head = send(world.api, "HEAD", path, query=operation.needed())
        assert head.status == answer.status and head.body == b""
        assert head.headers["Content-Type"] == answer.headers["Content-Type"]


@each([operation for operation in ALL if operation.body])
def test_examples_are_taken(world, operation):
    given = world.prepare(operation)
    for _, value in operation.examples():
        answer = world.ask(operation, given, value=value)
        assert answer.status in (200, 201, 202, 204), answer
        check_answer(operation, answer)


# ---- who may ----


@each(WITH_PERMISSIONS)
def test_the_same_permissions(world, operation):
    """The 403 names those that are needed; each of them is enough."""
    path = world.path(operation, **world.prepare(operation))
    others = [name for name in PERMISSIONS if name != "admin" and name not in operation.permissions]
    answer = world.ask(operation, token=world.token(*others), path=path)
    assert answer.status == 403
    check_answer(operation, answer)
    named = json.loads(answer.body)["message"].partition("permissions: ")[2].rstrip(".").split(", ")
    assert sorted(named) == sorted(operation.permissions)
    for permission in operation.permissions:
        answer = world.ask(operation, token=world.token(permission), path=path)
        assert answer.status != 403, (permission, answer)
        check_answer(operation, answer)


@each([operation for operation in ALL if operation.needs_token and not operation.permissions])
def test_any_token_will_do(world, operation):
    answer = world.ask(operation, token=world.token("usage:simpleSearch:view"))
    assert answer.status == 200, answer
    check_answer(operation, answer)


# ---- parameters ----


def values_of(schema):
    schema = flat(schema)
    if schema.get("type") == "boolean":
        return ["true", "false", "TRUE"]
    if "enum" in schema:
        return [value for word in schema["enum"] for value in (word, word.upper(), word.lower())]
    if schema.get("type") == "integer":
        return [schema["minimum"], schema["maximum"]]
    return schema.get("examples", [])


@each(ALL)
def test_the_same_parameters(world, operation):
    """An unknown one is answered with the names of those that there are; each value that is described is taken."""
    path = world.path(operation, **world.prepare(operation))
    answer = world.ask(operation, path=path, query={"nonsense": "1"})
    if operation.path in ("/healthz", "/readyz", "/metrics", "/", "/{page}", "/assets/{asset}"):
        assert answer.status == 200 and not operation.named("query")
        return
    assert answer.status == 400
    check_answer(operation, answer)
    if operation.path != "/oauth/token":
        error = json.loads(answer.body)
        assert error["field"] == "nonsense"
        assert error["error"] in ("UNKNOWN_PARAMETER", "INVALID_PARAMETER") or operation.tag == "statistics"
        assert sorted(error["allowed"]) == sorted(operation.named("query")) or (error["allowed"],
            operation.named("query")) == (["no parameter"], {})
    for name, parameter in operation.named("query").items():
        for value in values_of(parameter["schema"]) if operation.path not in ALIASES else []:
            answer = world.ask(operation, path=path, query={name: value})
            works = answer.status == 200 or json.loads(answer.body)["error"] == "INVALID_GRANULARITY"
            assert works, (name, value, answer)
            check_answer(operation, answer)


def comparable(answer):
    """Without what changes from one moment to the next. The same question is the same query, so ids are the same, too."""
    if answer.headers["Content-Type"] != "application/json":
        return answer.body
    made = json.loads(answer.body)
    if "timeSeries" in made:
        return made["breakdown"], made.get("errors"), len(made["timeSeries"])
    for entity in made.get("entities", []):
        entity.pop("projected", None)  # it is another one each minute
    passing = {"timestamp", "window", "average", "peakToAverage", "total" if "month" in made else "timestamp"}
    return {name: value for name, value in made.items() if name not in passing}


@each([operation for operation in ALL if operation.method == "GET" and operation.path not in ALIASES])
def test_defaults_are_what_they_say(world, operation):
    path = world.path(operation)
    for name, parameter in operation.named("query").items():
        if "default" in parameter["schema"]:
            value = json.dumps(parameter["schema"]["default"]).strip('"')
            without, given = (world.ask(operation, path=path, query=query) for query in ({}, {name: value}))
            assert comparable(without) == comparable(given), name


# ---- bodies ----


@each(WITH_JSON)
def test_the_same_fields(world, operation):
    given = world.prepare(operation)
    schema = operation.body_schema()
    answer = world.ask(operation, given, value={**next(operation.examples())[1], "nonsense": 1})
    assert answer.status == 400
    check_answer(operation, answer)
    error = json.loads(answer.body)
    assert error["error"] == "UNKNOWN_PARAMETER" and error["field"] == "nonsense"
    assert sorted(error["allowed"]) == sorted(schema["properties"])


def enums_of(schema, *where):
    """(where it stands, values): where = names of fields, and 0 for the items of a list"""
    schema = flat(schema)
    if "enum" in schema:
        yield where, [value for value in schema["enum"] if value is not None]
    for name, one in schema.get("properties", {}).items():
        yield from enums_of(one, *where, name)
    if "items" in schema:
        yield from enums_of(schema["items"], *where, 0)


def with_value(where, value, beside):
    """The body in which this value stands there."""
    name, rest = where[0], where[1:]
    inner = value if not rest else with_value(rest, value, {"fieldName": "date"} if name == 0 else {})
    return [inner] if name == 0 else {**beside, name: inner}


@each([operation for operation in WITH_JSON if any(enums_of(operation.body_schema()))])
def test_the_same_values(world, operation):
    """Each value that is described is taken, in any case; another is answered with all of them."""
    given = world.prepare(operation)
    examples = [value for _, value in operation.examples()]
    found = list(enums_of(operation.body_schema()))
    for where, values in found:
        if not any(permission for permission in values if permission == "admin"):
            for value in values:
                if operation.path.endswith("/{channelId}") and value != "webhook":
                    continue  # what it is cannot be changed
                beside = next((one for one in examples if one.get(where[0]) == value), examples[0])
                for written in {value, value.lower(), value.upper()} if "permissions" not in where else {value}:
                    answer = world.ask(operation, given, value=with_value(where, written, beside))
                    assert answer.status in (200, 201, 202), (where, written, answer)
        answer = world.ask(operation, given, value=with_value(where, "nonsense", examples[0]))
        assert answer.status == 400
        error = json.loads(answer.body)
        assert error["value"] == "nonsense" and sorted(error["allowed"]) == sorted(values), (where, error)


# ---- every kind of answer ----


def wrong_part(operation):
    """A path that names what is not there; None if the path names nothing."""
    for name, value in (("executionId", "7d444840-9dc0-41d1-b245-5ffdce74fad2"), ("jobId", "7d444840-9dc0-41d1-b245-5ffdce74fad2")):
        if name in operation.named("path"):
            return {name: value}
    if operation.path.endswith(("/report.{format}", "/costs.{format}", "/integration-errors.{format}")):
        return {"format": "pdf"}
    nobody = ("keyId", "tokenId", "clientId", "serviceId", "applicationId", "alertId", "name", "organizationId",
        "limitId", "channelId", "page", "asset")
    return {"day": "2999-01-01", **dict.fromkeys(nobody, "nobody")}


def answer_404(world, operation):
    if operation.path == "/v1/developer/usage" or operation.path == "/api/v1/developer/usage":
        return world.ask(operation, query={"keyId": "nobody"})
    if operation.path == "/api/v2/usage/capacity":
        return world.ask(operation, query={"clientId": "nobody"})
    if operation.path == "/api/v2/usage/overview":
        return world.ask(operation, query={"organization": "nobody"})
    if operation.method in ("POST", "GET") and operation.path.endswith(("/usage/query", "/query/jobs", "/summary")):
        token = world.token("usage:client:view", organization=ORGANIZATION, client="c-other")
        return world.ask(operation, token=token)
    return world.ask(operation, path=world.path(operation, **wrong_part(operation)))


def answer_403(world, operation):
    if operation.permissions:
        one = next(name for name in PERMISSIONS if name not in ("admin", *operation.permissions))
        return world.ask(operation, token=world.token(one))
    if operation.path == "/session":
        return world.ask(operation, headers={"X-Daybook": "another"})
    token = world.token("usage:client:view", organization=ORGANIZATION)
    if operation.tag == "statistics":
        one = world.token("usage:client:view", organization=ORGANIZATION, client="c-other")
        return world.ask(operation, token=one)
    asks = "organization" in operation.named("query")
    return world.ask(operation, token=token, query={"organization": "another"} if asks else "")


def answer_409(world, operation):
    if "keys" in operation.path:
        body = {"keyId": "k-1", "organization": ORGANIZATION}
        return send(world.api, "POST", operation.path, body=body)
    if operation.path.endswith("/secret"):
        return world.ask(operation, {"channelId": world.new_channel(kind="email", target="ops@example.com")})
    if operation.path.startswith("/api/v2/admin/"):  # it is in use
        use = {"metric": "hits", "plan": "orders", "period": "day", "value": 1} if "plans" in operation.path else LIMIT | {"metric":
            "orders"}
        access.call(world.api, "PUT", "/api/v2/admin/limits/use", body=use)
        return world.ask(operation, {"name": "orders"})
    path = world.path(operation)
    start = re.match(r".*[0-9a-f]{12}(/results(?=$|\.csv)(?!.*jobs))?", path).group()
    start = start.removesuffix("/results") if "jobs" in start else start
    assert send(world.api, "DELETE", start).status == 204
    return send(world.api, "GET", path, headers={"Accept": "text/csv"})


def tagged(world, operation, headers):
    path = world.path(operation)
    more = {"Accept": "text/csv"} if "application/x-ndjson" in operation.responses[200]["content"] else {}
    query = {"month": "2000-01"} if "month" in operation.named("query") else ""  # one that is over
    tag = world.ask(operation, path=path, headers=more, query=query).headers["ETag"] or '"none"'
    more |= {name: value.format(tag=tag) for name, value in headers.items()}
    return world.ask(operation, path=path, headers=more, query=query)


def answer_201(world, operation):
    new = {name: f"new-{world.serial}" for name in ("clientId", "name", "organizationId", "limitId") if name in operation.named("path")}
    return world.ask(operation, new or None)


def answer_401(world, operation):
    if repr(operation) == "POST /session":
        return send(world.api, "POST", "/session", None, {"token": "dbk_wrong"}, world.credentials(operation))
    return world.ask(operation, token="dbk_wrong", headers={} if operation.needs_token else {"Authorization": "Basic eDp5"})


RECIPES = {
    200: lambda world, operation: world.ask(operation),
    201: answer_201,
    202: lambda world, operation: world.ask(operation),
    204: lambda world, operation: world.ask(operation),
    206: lambda world, operation: tagged(world, operation, {"Range": "bytes=0-9", "If-Range": "{tag}"}),
    304: lambda world, operation: tagged(world, operation, {"If-None-Match": "{tag}"}),
    400: lambda world, operation: world.ask(operation, query={"nonsense": "1"}),
    401: answer_401,
    403: answer_403,
    404: answer_404,
    405: lambda world, operation: world.ask(operation, method="PUT" if "alerts" in operation.path else "PATCH"),
    409: answer_409,
    413: lambda world, operation: send(world.api, operation.method, world.path(operation), body=b"{" * (17 << 20)),
    415: lambda world, operation: world.ask(operation, headers={"Content-Type": "application/pdf"}),
    416: lambda world, operation: tagged(world, operation, {"Range": "bytes=99999999-"}),
}
def applies(operation, status):
    """Whether it is worth while to ask for it: it is described, or nothing but the description says that it cannot be."""
    rows = operation.method == "GET" and operation.permissions != ["admin"] and operation.tag != "operation"
    return status in operation.responses or status in (400, 401, 405) or (status in (206, 304, 416) and rows) or (status == 415
        and operation.body)


KINDS = [(operation, status) for operation in ALL for status in RECIPES if applies(operation, status)]


@pytest.mark.parametrize("operation, status", KINDS, ids=lambda one: str(one))
def test_every_kind_of_answer(world, operation, status):
    """Each that is described can be had, and fits; where it is not described, what comes instead is."""
    full = operation.path.startswith("/api/v2/admin/") and operation.method != "DELETE" and not operation.path.endswith("/secret")
    if status == 202 and operation.method == "GET" or status == 409 and full:
        pytest.skip("only while a long query runs, or when there are 100,000")
    answer = RECIPES[status](world, operation)
    assert (answer.status == status) == (status in operation.responses), answer
    check_answer(operation, answer)


def test_the_middle_size_of_a_body(world):
    """Above the usage API's own limit, below the server's: an error in the API's own form."""
    operation = OPERATIONS["POST /api/v2/usage/query"]
    answer = send(world.api, "POST", operation.path, body=b" " * (3 << 19) + b"{}", headers={"Content-Type": "application/json"})
    assert answer.status == 413 and json.loads(answer.body)["code"] == "payload.too.large"
    check_answer(operation, answer)


def test_results_of_every_type(world):
    """By the end of the path, and by Accept."""
    for operation in ALL:
        types = operation.responses.get(200, {}).get("content", {})
        if "application/x-ndjson" not in types:
            continue
        path = world.path(operation)
        for kind in types:
            ending = {"text/csv": "csv", "application/x-ndjson": "jsonl", "application/json": "json"}.get(kind, "xlsx")
            path = re.sub(r"\.\w+$", f".{ending}", path)
            for encoding in ("identity", "gzip"):
                answer = world.ask(operation, path=path, headers={"Accept": kind, "Accept-Encoding": encoding})
                assert answer.status == 200 and answer.headers["Content-Type"].partition(";")[0] == kind
                check_answer(operation, answer)


def test_too_many_requests(world, tmp_path):
    """A token of tier free, where one request a minute is free."""
    limits = {"limits.free_per_minute": 1}
    api = access.start_api(world.redis, tmp_path, "limited", **limits)
    try:
        token = world.token("admin", tier="free")
        wait_until(lambda: send(api, "GET", "/api/v2/usage/days", token).status == 429, 30, "the limit is used up")
        for operation in ALL:
            if operation.needs_token:
                path = re.sub(r"\{\w+\}", "x", operation.path)
                answer = send(api, operation.method, path, token)
                assert answer.status == 429
                check_answer(operation, answer)
    finally:
        api.kill()


def test_without_redis(tmp_path, redis):
    world = World(redis, tmp_path)
    paths = {repr(operation): world.path(operation) for operation in ALL if 503 in operation.responses and repr(operation) != "DELETE /session"}
    redis.kill()
    wait_until(lambda: send(world.api, "GET", "/readyz", None).status == 503, 30, "readiness")
    seen = 0
    for name, path in paths.items():
        operation = OPERATIONS[name]
        body, headers = world.body(operation)
        token = API_TOKEN if operation.needs_token else None
        answer = send(world.api, operation.method, path, token, body, {**headers, **world.credentials(operation)}, operation.needed())
        assert answer.status == 503, (operation, answer)
        check_answer(operation, answer)
        seen += 1
    assert seen >= 30
    world.stop()


# ---- what only some routes have ----


def test_usage_of_all_kinds(world):
    operation = OPERATIONS["GET /v1/developer/usage"]
    values = {name: flat(parameter["schema"]) for name, parameter in operation.named("query").items()}
    flags = ("includeEndpoints", "includeErrors", "includeLatency")
    for given in itertools.product(["true", "false"], repeat=3):
        check_answer(operation, world.ask(operation, query=dict(zip(flags, given, strict=True))))
    for timeframe, granularity in itertools.product(values["timeframe"]["enum"], values["granularity"]["enum"]):
        answer = world.ask(operation, query={"timeframe": timeframe, "granularity": granularity, "limit": 3})
        assert answer.status in (200, 400)
        check_answer(operation, answer)
    for query in ({"endpoint": "GET /v1/orders"}, {"keyId": CLIENT, "organization": ORGANIZATION}, {"limit": 1, "offset": 5}):
        check_answer(operation, world.ask(operation, query=query))


def test_statistics_of_all_kinds(world):
    """As JSON and as CSV: each value that a parameter may have, its example, and a wrong one."""
    for operation in ALL:
        if operation.tag != "statistics":
            continue
        for ending in ("json", "csv"):
            path = world.path(operation, format=ending)
            for name, parameter in operation.named("query").items():
                schema = parameter["schema"]
                examples = [parameter["example"]] if "example" in parameter else []
                for value in [*values_of(schema), *examples]:
                    answer = world.ask(operation, path=path, query={name: value})
                    assert answer.status == 200, (operation, name, value, answer)
                    check_answer(operation, answer)
                if name != "access_token":
                    answer = world.ask(operation, path=path, query={name: "zzz"})
                    if name == "organization":
                        assert answer.status == 404
                    else:
                        assert answer.status == 400 and json.loads(answer.body)["field"] == name
                    check_answer(operation, answer)


def test_callers_of_an_organization_get_answers_that_fit(world):
    token = world.token(*PERMISSIONS[1:], organization=ORGANIZATION)
    client = world.token(*PERMISSIONS[1:], organization=ORGANIZATION, client=CLIENT)
    for operation in ALL:
        if operation.needs_token and operation.method == "GET":
            path = world.path(operation)
            for one in (token, client):
                check_answer(operation, world.ask(operation, token=one, path=path))


def test_the_page_is_current(tmp_path):
    made = tmp_path / "reference.html"
    subprocess.run([ROOT / "build/venv/bin/python", ROOT / "tests/reference.py", made], check=True)
    assert made.read_bytes() == (ROOT / "api/reference.html").read_bytes(), "make docs"


def test_the_page_leads_nowhere_else():
    text = (ROOT / "api/reference.html").read_text()
    ids = re.findall(r' id="([^"]+)"', text)
    assert len(ids) == len(set(ids))
    links = set(re.findall(r'href="([^"]+)"', text))
    assert {link[1:] for link in links if link.startswith("#")} <= set(ids)
    assert {link for link in links if not link.startswith("#")} == {"openapi.yaml"}
    assert not re.search(r"<(script|link|img|iframe)\b|\bsrc=|style=|\bon\w+=", text)
    for operation in ALL:
        assert f'id="{operation.node["operationId"]}"' in text
