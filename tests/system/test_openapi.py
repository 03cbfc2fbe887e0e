"""api/openapi.yaml is kept true: every route in it answers as it says, every route that answers is in it, also the parameters."""

import itertools
import json
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
import zlib

import closed_fixture
import jsonschema
import live_fixture as fixture
import pytest
import yaml
from harness import API_TOKEN, BIN, ROOT, Api, wait_until

SPEC = yaml.safe_load((ROOT / "api/openapi.yaml").read_text())
OPERATION_KEYS = {"get", "put", "post", "delete", "options", "head", "patch", "trace"}


def resolve(node):
    """Follows references inside the document."""
    while "$ref" in node:
        target = SPEC
        for part in node["$ref"].removeprefix("#/").split("/"):
            target = target[part.replace("~1", "/").replace("~0", "~")]
        node = target
    return node


def operations():
    """(method, path, operation)"""
    for path, item in SPEC["paths"].items():
        for method, operation in resolve(item).items():
            assert method in OPERATION_KEYS
            yield method.upper(), path, operation


def parameters_of(operation):
    return [resolve(parameter) for parameter in operation.get("parameters", [])]


def filled_in(path):
    """A path whose parameters name what is there."""
    yesterday = fixture.iso(time.time() * 1000 - fixture.DAY)[:10]
    examples = {p["name"]: p["example"] for o in resolve(SPEC["paths"][path]).values() for p in parameters_of(o) if p["in"] == "path"}
    for name, example in {**examples, "day": yesterday}.items():
        path = path.replace(f"{{{name}}}", str(example))
    return path


def needed(operation):
    """The parameters of the query that it cannot do without; of the statistics one of those that make a range, too."""
    query = {p["name"]: p["example"] for p in parameters_of(operation) if p["in"] == "query" and p.get("required")}
    return {**query, "period": "week"} if "statistics" in operation["tags"] else query


def check(schema, value):
    """The schema lies in the document, so that its references work."""
    whole = {"$schema": "https://json-schema.org/draft/2020-12/schema", "components": SPEC["components"], **schema}
    jsonschema.Draft202012Validator(whole).validate(value)


def fetch(api, method, path, headers=None, token=API_TOKEN, **parameters):
    query = f"?{urllib.parse.urlencode(parameters)}" if parameters else ""
    headers = {**({"Authorization": f"Bearer {token}"} if token else {}), **(headers or {})}
    request = urllib.request.Request(f"http://127.0.0.1:{api.port}{path}{query}", headers=headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


def check_answer(operation, answer):
    """An answer is one of those that the operation describes."""
    status, headers, body = answer
    described = resolve(operation["responses"][str(status)])
    for name in described.get("headers", {}):
        assert headers[name] is not None, name
    if "content" not in described:
        assert body == b"" and headers["Content-Type"] is None
        return
    kind = headers["Content-Type"].partition(";")[0]
    assert kind in described["content"], (status, kind)
    if kind == "application/json":
        check(described["content"][kind]["schema"], json.loads(body))


@pytest.fixture
def api(tmp_path, redis):
    now = int(time.time() * 1000)
    events = fixture.random_events(1, now, n=1500)
    fixture.write(redis.client(), events, 4, now)
    books = closed_fixture.Books(redis.client(), events, 4)
    for day in range(now // fixture.DAY - 6, now // fixture.DAY):
        for revision in (1, 2):
            books.close(day, revision)
    method = {"name": "orders", "title": "", "organization": None, "endpoints": ["ANY /*/orders/**"]}
    redis.client().hset("{daybook}:methods", "orders", json.dumps(method))
    made = Api("api", "api", tmp_path / "api", {"redis.url": redis.url, "auth.token": API_TOKEN}).start()
    yield made
    made.kill()


def test_schemas_are_schemas():
    for name, schema in SPEC["components"]["schemas"].items():
        jsonschema.Draft202012Validator.check_schema(schema)
        assert "type" in schema or "$ref" in schema, name


def test_references_lead_somewhere():
    def walk(node):
        if isinstance(node, dict):
            if "$ref" in node:
                resolve(node)
            node = list(node.values())
        for child in node if isinstance(node, list) else []:
            walk(child)

    walk(SPEC)


def test_examples_are_true():
    seen = 0
    for _, _, operation in operations():
        for response in operation["responses"].values():
            for media in resolve(response).get("content", {}).values():
                for example in media.get("examples", {}).values():
                    check(media["schema"], resolve(example)["value"])
                    seen += 1
    assert seen >= 6


def test_the_same_routes():
    printed = subprocess.run([BIN / "daybook-api", "--print-routes"], capture_output=True, text=True, check=True).stdout
    assert sorted(printed.split("\n")[:-1]) == sorted(f"{method} {path}" for method, path, _ in operations())


def test_every_route_answers(api):
    for method, pattern, operation in operations():
        if method != "GET":
            continue  # changes have tests of their own
        path, query = filled_in(pattern), needed(operation)
        answer = fetch(api, method, path, **query)
        assert answer[0] == 200, (path, answer)
        check_answer(operation, answer)
        open_to_all = operation.get("security") == []
        answer = fetch(api, method, path, token=None, **query)
        assert answer[0] == (200 if open_to_all else 401), path
        check_answer(operation, answer)
        for other in {"POST", "PUT", "DELETE", "PATCH"} - {name.upper() for name in resolve(SPEC["paths"][pattern])}:
            answer = fetch(api, other, path)
            assert answer[0] == 405
            check_answer(operation, answer)
        assert fetch(api, "HEAD", path, **query)[0] == 200
        if "304" in operation["responses"]:
            answer = fetch(api, method, path, headers={"If-None-Match": answer_tag(api, path)})
            assert answer[0] == 304
            check_answer(operation, answer)


def test_answers_of_the_statistics(api):
    """Each form of an answer, and each parameter with its values and with wrong ones."""
    statistics = [(path, operation) for _, path, operation in operations() if "statistics" in operation["tags"]]
    assert len(statistics) == 9
    for pattern, operation in statistics:
        path, query = filled_in(pattern), needed(operation)
        for other in (path.replace(".json", ".csv"), path.replace(".json", ".xml"), path.replace("/acme/", "/nobody/")):
            check_answer(operation, fetch(api, "GET", other, **query))
        status, _, body = fetch(api, "GET", path, nonsense="1", **query)
        names = [p["name"] for p in parameters_of(operation) if p["in"] == "query"]
        assert status == 400 and sorted(json.loads(body)["allowed"]) == sorted(names)
        for parameter in parameters_of(operation):
            if parameter["in"] == "path" or parameter["name"] == "access_token":
                continue
            schema, name = parameter["schema"], parameter["name"]
            good = ["true", "false"] if schema["type"] == "boolean" else schema.get("enum", [parameter.get("example")])
            for value in good:
                answer = fetch(api, "GET", path, **{**query, name: value})
                assert answer[0] == 200, (path, name, value, answer)
                check_answer(operation, answer)
            answer = fetch(api, "GET", path, **{**query, name: "zzz"})
            assert answer[0] == 400 and json.loads(answer[2])["field"] == name
            check_answer(operation, answer)


def answer_tag(api, path):
    return fetch(api, "GET", path)[1]["ETag"]


def test_no_other_route_answers(api):
    words = ["", "v1", "v2", "api", "developer", "usage", "days", "keys", "stats", "docs", "openapi.yaml"]
    words += ["healthz", "health", "readyz", "metrics"]
    known = {path for _, path, _ in operations()}
    for n in (1, 2, 3):
        for parts in itertools.permutations(words, n):
            path = "/" + "/".join(parts)
            if n == 3 and zlib.crc32(path.encode()) % 8:
                continue  # some of the many
            status, _, body = fetch(api, "GET", path)
            assert (status == 200) == (path in known), path
            if path not in known:
                assert status == 404
                form = "StatsError" if path.startswith("/stats/") else "Error"
                check({"$ref": f"#/components/schemas/{form}"}, json.loads(body))


def test_answers_of_all_kinds(api, redis):
    operation = resolve(SPEC["paths"]["/v1/developer/usage"])["get"]
    values = {p["name"]: p["schema"] for p in operation["parameters"]}
    for flags in itertools.product(["true", "false"], repeat=3):
        names = ("includeEndpoints", "includeErrors", "includeLatency")
        check_answer(operation, fetch(api, "GET", "/v1/developer/usage", **dict(zip(names, flags, strict=True))))
    for timeframe, granularity in itertools.product(values["timeframe"]["enum"], values["granularity"]["enum"]):
        answer = fetch(api, "GET", "/v1/developer/usage", timeframe=timeframe, granularity=granularity, limit=3)
        assert answer[0] in (200, 400)
        check_answer(operation, answer)
    others = ({"endpoint": "GET /v1/orders"}, {"keyId": "nobody"}, {"limit": "x"}, {"nonsense": "1"}, {"limit": 1, "offset": 5})
    for parameters in others:
        check_answer(operation, fetch(api, "GET", "/v1/developer/usage", **parameters))
    redis.kill()
    answer = fetch(api, "GET", "/v1/developer/usage")
    assert answer[0] == 503
    check_answer(operation, answer)
    ready = SPEC["paths"]["/readyz"]["get"]
    wait_until(lambda: fetch(api, "GET", "/readyz")[0] == 503, 5, "readiness")
    check_answer(ready, fetch(api, "GET", "/readyz"))


def test_answers_of_the_ledger(api, redis):
    paths = [path for path in SPEC["paths"] if path.startswith("/api/v2/usage/days")]
    assert len(paths) == 3
    for path in paths:
        operation = SPEC["paths"][path]["get"]
        good = filled_in(path)
        tried = [(good, {}), (good, {"nonsense": "1"}), (good, {"pageSize": "2"}), (good, {"from": "x"}), (good, {"after": "x"})]
        tried += [(path.replace("{day}", "2026-02-30").replace("{revision}", "1"), {})]
        tried += [(path.replace("{day}", "2999-01-01").replace("{revision}", "1"), {})]
        tried += [(good.replace("revisions/1", "revisions/77"), {})]
        for one, parameters in tried:
            check_answer(operation, fetch(api, "GET", one, **parameters))
    redis.kill()
    for path in paths:
        answer = fetch(api, "GET", filled_in(path))
        assert answer[0] == 503
        check_answer(SPEC["paths"][path]["get"], answer)


def test_the_same_parameters_of_the_ledger(api):
    operation = SPEC["paths"]["/api/v2/usage/days"]["get"]
    status, _, body = fetch(api, "GET", "/api/v2/usage/days", nonsense="1")
    assert status == 400 and sorted(json.loads(body)["allowed"]) == sorted(p["name"] for p in parameters_of(operation))
    size = next(p["schema"] for p in parameters_of(operation) if p["name"] == "pageSize")
    for value, wanted in [(size["minimum"], 200), (size["maximum"], 200), (size["minimum"] - 1, 400), (size["maximum"] + 1, 400)]:
        assert fetch(api, "GET", "/api/v2/usage/days", pageSize=value)[0] == wanted


def test_the_same_parameters(api):
    """The API names its parameters when it meets an unknown one; each documented value is taken, its neighbours are not."""
    operation = resolve(SPEC["paths"]["/v1/developer/usage"])["get"]
    status, _, body = fetch(api, "GET", "/v1/developer/usage", nonsense="1")
    assert status == 400 and sorted(json.loads(body)["allowed"]) == sorted(p["name"] for p in operation["parameters"])
    for parameter in operation["parameters"]:
        schema, name = parameter["schema"], parameter["name"]
        good = list(schema.get("enum", []))
        if schema["type"] == "boolean":
            good = ["true", "false"]
        if schema["type"] == "integer":
            good = [schema["minimum"], schema["maximum"]]
        for value in good:
            status, _, body = fetch(api, "GET", "/v1/developer/usage", **{name: value})
            assert status == 200 or json.loads(body)["error"] == "INVALID_GRANULARITY", (name, value)
        bad = ["zzz"] if good else []
        if schema["type"] == "integer":
            bad += [schema["minimum"] - 1, schema["maximum"] + 1]
        if "maxLength" in schema:
            bad += ["", "x" * (schema["maxLength"] + 1)]
        for value in bad:
            status, _, body = fetch(api, "GET", "/v1/developer/usage", **{name: value})
            assert status == 400 and json.loads(body)["field"] == name, (name, value)
        if "default" in schema:
            default = json.dumps(schema["default"]).strip('"')
            one, two = (json.loads(fetch(api, "GET", "/v1/developer/usage", **p)[2]) for p in ({}, {name: default}))
            assert one["breakdown"] == two["breakdown"] and one.get("errors") == two.get("errors"), name
            assert len(one["timeSeries"]) == len(two["timeSeries"])
