"""What is wrong is refused, and said: each parameter and each field of each body wrong in each way that api/openapi.yaml lets one
think of; bodies that are no JSON, or deep, or large; cursors of other queries; intervals of every form. Always a 400 that names
field, value and what is allowed, never a 5xx, and the server lives."""

import base64
import json
import random
import re
import time
import urllib.parse

import access
import pytest
from harness import Redis
from openapi_document import CLIENT, OPERATIONS, ORGANIZATION, POSTS, World, check_answer, flat, send

ALL = list(OPERATIONS.values())
# How often one may try to sign in is limited: test_session.py.
WITH_BODY = [one for one in ALL if one.body_schema() and one.path != "/session"]
CONTROL = ["a\nb", "\x7f", "a\x1f"]
BAD_INTERVALS = [
    "", "/", "2026", "2026-11-01", "2026/", "/2026", "2026-13/2026-14", "2026-00/2026-01", "2026-11-31/2026-12-01",
    "2026-02-29/2026-03-01", "2026-1-1/2026-1-2", "26/27", "2026-11-01/2026-11-02/2026-11-03", "2026-11-01 / 2026-11-02",
    " 2026/2027", "2026/2027 ", "2026_11/2026_12", "2026-11-01T25:00Z/2026-11-02", "2026-11-01T10:60Z/2026-11-02",
    "2026-11-01T10:00:61Z/2026-11-02", "2026-11-01T24:00:01Z/2026-11-02", "2026-11-01T10:00+25:00/2026-11-02",
    "2026-11-01T/2026-11-02", "2026-11T10:00Z/2026-12", "P1M/P1M", "P/2026", "2026/P", "PT/2026", "P1X/2026", "2026/P1", "2026/1M",
    "2026/P-1M", "2026/P1.5M", "2026/P1D1M", "2026/P1M1M", "2026/PT1D", "2026/P1H", "2026/P99999999D", "2026/P" + "9" * 40 + "Y",
    "２０２６/2027", "2026/2027\n", "now/2026", "2026-11-01--2026-11-02", "0000-00/0001", "-2026/2027", "+2026/2027",
    "2026-W01/2026-W02", "2026-001/2026-100",
]
ZERO = [
    "2026-11-20T00:00Z/2026-11-20T00:00Z", "2026-11-20T10:00:00.5Z/2026-11-20T10:00:00.5Z",
    "2026-11-20T10:00Z/2026-11-20T12:00+02:00", "2027/2026-12-31T24:00:00Z", "2026-11-20/P0D", "P0Y/2026-11-20T00:00Z",
    "2026-11-20T00:00Z/PT0S",
]
REVERSED = [
    "2026/2025", "2026-11/2026-10", "2026-11-20/2026-11-19", "2026-11-20T10:00Z/2026-11-20T09:59:59Z",
]
BEYOND = [
    "9999/P1Y1D", "P1Y1D/0000", "2026/P9999999Y", "P9999999Y/2026", "P9999999M/2026", "2026/P9999999W", "0000-01-01/P9999Y11M32D",
]
# As asked, and as it is said to have been used.
GOOD_INTERVALS = [
    ("2025/2025", "2025-01-01/2025-12-31"),
    ("2020/2021", "2020-01-01/2021-12-31"),
    ("2020-01/2020-06", "2020-01-01/2020-06-30"),
    ("2020-02-01/2020-02-28", "2020-02-01/2020-02-28"),
    ("2020-02/2020-02", "2020-02-01/2020-02-29"),
    ("2025-11-20/2025-11", "2025-11-20/2025-11-30"),
    ("2025/2025-03", "2025-01-01/2025-03-31"),
    ("2025-03/2025", "2025-03-01/2025-12-31"),
    ("2025-12-31/2025-12-31", "2025-12-31/2025-12-31"),
    ("2025-11-01T00:00:00Z/2025-11-20T00:00:00Z", "2025-11-01/2025-11-19"),
    ("2025-11-01T00:00:00.000Z/2025-11-20T00:00:00.001Z", "2025-11-01/2025-11-20"),
    ("2025-11-01T10:00Z/2025-11-01T10:00:00.1Z", "2025-11-01/2025-11-01"),
    ("2025-11-01T24:00Z/2025-11-02T24:00Z", "2025-11-02/2025-11-02"),
    ("2025-11-02T01:00+02:00/2025-11-03T02:00+0200", "2025-11-01/2025-11-02"),
    ("2025-11-01t10/2025-11-02t10z", "2025-11-01/2025-11-02"),
    ("2025-11-01T10:00:00,25/2025-11-02", "2025-11-01/2025-11-02"),
    ("2025-01-31/P1M", "2025-01-31/2025-02-27"),
    ("2024-01-31/P1M", "2024-01-31/2024-02-28"),
    ("P1M/2025-03-31", "2025-03-01/2025-03-31"),
    ("P7D/2025-11-20", "2025-11-14/2025-11-20"),
    ("2025-11/P2W", "2025-11-01/2025-11-14"),
    ("2025/P1Y", "2025-01-01/2025-12-31"),
    ("2025-11-01/P1Y2M3W4DT5H6M7S", "2025-11-01/2027-01-26"),
    ("2025-11-01T12:00Z/PT12H", "2025-11-01/2025-11-01"),
    ("2025-11-01T12:00Z/PT12H1S", "2025-11-01/2025-11-02"),
    ("p1y/2025", "2025-01-01/2025-12-31"),
    ("0000/0000", "0000-01-01/0000-12-31"),
    ("9999/9999", "9999-01-01/9999-12-31"),
    ("1026/2026", "1026-01-01/2026-12-31"),
    ("0000/9999", "0000-01-01/9999-12-31"),
]


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    redis = Redis("redis", tmp_path_factory.mktemp("redis"))
    redis.start()
    made = World(redis, tmp_path_factory.mktemp("api"))
    before = server_errors(made)  # it was asked whether it is ready before it was
    yield made
    after, log = server_errors(made), made.api.log_tail(100000)
    made.stop()
    redis.kill()
    assert after == before, [line for line in log.splitlines() if " refused " not in line and " login" not in line][-50:]


def server_errors(world):
    status, text = world.api.get("/metrics")
    assert status == 200
    return re.findall(r'.*requests_total\{[^}]*"5\d\d".*', text)


class Findings:
    """All that is wrong of an operation at once."""

    def __init__(self, operation):
        self.operation, self.found, self.n = operation, [], 0

    def expect(self, what, answer, fields=None, value=None, status=400):
        """fields: any of these is named; None: the body as a whole is wrong, or its path."""
        self.n += 1
        try:
            self.look(answer, fields, value, status)
        except AssertionError as error:
            self.found.append(f"{what}: {answer.status} {str(error)[:300]} {answer.body[:300]}")

    def look(self, answer, fields, value, status):
        assert answer.status == status
        check_answer(self.operation, answer)
        error = json.loads(answer.body)
        if fields is None:
            return
        assert error.get("field") in fields, error.get("field")
        assert error["allowed"] and all(error["allowed"]), error["allowed"]
        assert all(allowed in error.get("message", error["error"]) for allowed in error["allowed"])
        assert value is None or error["value"] == value, error["value"]

    def report(self, least):
        assert not self.found, f"{len(self.found)} of {self.n}:\n" + "\n".join(self.found)
        assert self.n >= least


# ---- parameters ----


def bad_texts(schema):
    """Texts that a parameter of this schema cannot be."""
    schema = flat(schema)
    if schema.get("type") == "array":
        return [text for text in bad_texts(schema["items"]) if text] + ["", "a,,b", ","]
    if schema.get("type") == "boolean":
        return ["", "yes", "1", "0", "truee", " true", "null"]
    if schema.get("type") == "integer":
        outside = [str(schema["minimum"] - 1), str(schema["maximum"] + 1)]
        return [*outside, "", "x", "-1", "1.0", "1.5", "0x10", " 1", "1 ", "+1", "1e2", "1,000", "9" * 30, "١", "null", "true"]
    if "enum" in schema:
        return ["", "nonsense", schema["enum"][0] + "x", " " + schema["enum"][0], schema["enum"][0][:-1], "|",
            "|".join(schema["enum"])]
    if "Interval" in str(schema.get("description")) or "ISO 8601" in str(schema.get("description")):
        return [*BAD_INTERVALS, *ZERO, *REVERSED, *BEYOND]
    if schema.get("format") == "date":
        return ["", "x", "2026-02-30", "2026-13-01", "2026-1-1", "2026-11", "99999-01-01", "2026-11-20T00:00:00Z", " 2026-11-20"]
    bad = [""] if schema.get("minLength") else []
    return bad + (["x" * (schema["maxLength"] + 1)] if "maxLength" in schema else []) + (CONTROL if "pattern" in schema else [])


@pytest.mark.parametrize("operation", [one for one in ALL if one.named("query")], ids=repr)
def test_parameters(world, operation):
    path = world.path(operation, **world.prepare(operation))
    findings = Findings(operation)
    for name, parameter in operation.named("query").items():
        for text in bad_texts(parameter["schema"]):
            answer = world.ask(operation, path=path, query={name: text})
            expected = text if len(text) <= 200 and text.isprintable() and parameter["schema"].get("type") != "array" else None
            findings.expect((name, text), answer, [name], expected)
        if parameter["schema"].get("type") != "array":
            good = {"timeZone": "UTC", "from": "2026-01-01", "to": "2026-01-01", "interval": "2025/2025"}.get(name, "1")
            answer = world.ask(operation, path=path, query=[(name, good), (name, good)])
            findings.expect((name, "twice"), answer, [name])
        for suffix in ("%ff", "%80", "%c3", "%ed%a0%80"):
            if parameter["schema"] != {"type": "string"}:  # a filter by what may be there: what is not, is nothing
                answer = world.ask(operation, path=path, query=f"{name}={suffix}")
                findings.expect((name, suffix), answer, [name])
        answer = world.ask(operation, path=path, query={name.upper(): "1"})
        findings.expect((name.upper(), "1"), answer, [name.upper()])
    findings.report(2)


@pytest.mark.parametrize("operation", [one for one in ALL if one.security != []], ids=repr)
def test_unknown_parameters(world, operation):
    """Also very many, long and strange ones."""
    path = world.path(operation, **world.prepare(operation))
    findings = Findings(operation)
    for query in ("nonsense=1", "nonsense", "=1", "%ff=1", "x" * 3000 + "=1", "&".join(f"p{i}=1" for i in range(100)), "a%00b=1",
        "%F0%9F%A6%94=1", "[]=1"):
        answer = world.ask(operation, path=path, query=query)
        if operation.path == "/oauth/token":
            assert answer.status == 400
            check_answer(operation, answer)
            findings.n += 1
        else:
            name = json.loads(answer.body).get("field") if answer.status == 400 else ""
            findings.expect(query[:40], answer, [name])
    findings.report(5)


def test_parts_of_paths(world):
    """A part that cannot be is a 400 that names it, or there is nothing there."""
    for operation in ALL:
        for name in operation.named("path"):
            findings = Findings(operation)
            for text in ("x" * 299, "x" * 300, "x" * 2000, "%", "..", "a b", "ü", "%ff", "\x7f", "\x00", "\n", "'\"<>\\",
                "2026-02-30", "0", "-1", "9" * 40):
                given = {**world.names(operation), name: text}
                path = re.sub(r"\{(\w+)\}", lambda match, given=given: urllib.parse.quote(given[match.group(1)], safe=""),
                    operation.path)
                path = path.replace("%25ff", "%ff")
                body, headers = world.body(operation)
                answer = send(world.api, operation.method, path, body=body, headers=headers, query=operation.needed())
                findings.n += 1
                if answer.status not in (200, 201, 202, 204, 400, 404):
                    findings.found.append((name, text, answer))
                if answer.status in operation.responses:
                    check_answer(operation, answer)
                if answer.status == 400 and b"field" in answer.body:
                    assert json.loads(answer.body)["field"] in (name, "organization"), answer
            findings.report(10)


# ---- bodies ----

OF_EVERY_TYPE = [0, 1.5, True, "nonsense", [], {}, ["nonsense"], [[]], [{}], [None], {"a": 1}, -(2**60), None]
TYPES = {"string": str, "integer": int, "number": (int, float), "boolean": bool, "array": list, "object": dict, "null": type(None)}


def bad_values(schema):
    """Values that a field of this schema cannot have."""
    schema = flat(schema)
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    for value in OF_EVERY_TYPE:
        if not any(isinstance(value, TYPES[kind]) for kind in kinds):
            yield value
    if "enum" in schema:
        first = schema["enum"][0]
        yield from ["", "nonsense", first + "x", " " + first, first[:-1]]
    elif "string" in kinds:
        yield from bad_strings(schema)
    if "array" in kinds:
        yield from bad_lists(schema)
    if "object" in kinds:
        yield {"nonsense": 1}


def bad_strings(schema):
    if "ISO 8601" in str(schema.get("description")):
        yield from [*BAD_INTERVALS, *ZERO, *REVERSED, *BEYOND]
    elif schema.get("format") == "date-time":
        yield from ["", "tomorrow", "2020-01-01T00:00:00Z", "2027-13-01T00:00:00Z", "2027-01-01", "1", "9" * 50]
    else:
        if schema.get("minLength"):
            yield ""
        yield "x" * (schema["maxLength"] + 2)
        yield from CONTROL


def bad_lists(schema):
    items = flat(schema["items"])
    if schema.get("minItems"):
        yield []
    for value in bad_values(items):
        yield [value]
    good = items["enum"][0] if "enum" in items else {"fieldName": "date"} if items["type"] == "object" else "x"
    yield [good] * (schema["maxItems"] + 1)
    yield [good, None]
    for name, inner in items.get("properties", {}).items():
        for value in bad_values(inner):
            if value is not None or "null" not in str(flat(inner)["type"]):
                yield [{**good, name: value}]


@pytest.mark.parametrize("operation", WITH_BODY, ids=repr)
def test_fields(world, operation):
    schema, example = operation.body_schema(), next(operation.examples())[1]
    path = world.path(operation)
    findings = Findings(operation)
    for name, inner in schema["properties"].items():
        for value in bad_values(inner):
            # Of a field that is there only for administrators of all, any name will do.
            body = json.dumps({**example, name: value}).encode()
            answer = send(world.api, operation.method, path, body=body, headers={"Content-Type": "application/json"})
            shown = value if isinstance(value, str) and len(value) <= 200 else None
            findings.expect((name, str(value)[:80]), answer, [name, f"{name}.fieldName", f"{name}.order"], shown)
    for name in schema.get("required", []):
        for body in ({key: value for key, value in example.items() if key != name}, {**example, name: None}):
            answer = send(world.api, operation.method, path, body=body)
            findings.expect((name, "missing"), answer, [name])
    for name in ("nonsense", "Interval", "x" * 2000, "", "🦔", "a\nb"):
        answer = send(world.api, operation.method, path, body={**example, name: 1})
        findings.expect(("unknown", name[:20]), answer, [json.loads(answer.body).get("field", "?")] if answer.status == 400 else [])
    # Of any type most values of others are wrong; what must be there is left out in two ways, and six names are unknown.
    findings.report(9 * len(schema["properties"]) + 2 * len(schema.get("required", [])) + 6)


def deep(depth, size, opening=b"[", closing=b"]", inner=b"1"):
    """size bytes of JSON, so deep"""
    text = opening * depth + inner + closing * depth
    return text + b" " * (size - len(text))


def broken_bodies(example):
    """Bodies that are no object of JSON."""
    good = json.dumps(example).encode()
    name = next(iter(example))
    yield from (b"", b" ", b"{", b"}", b"[]", b"null", b"1", b'"x"', b"true", b"{]", good[:-1], good + b"}", good + good,
        b"\xef\xbb\xbf" + good, b"\xff" + good)
    yield from (good.replace(b'"', b"'"), good.replace(b":", b"=", 1), b"[" + good + b"]", good.replace(b"{", b"{,", 1),
        good[:-1] + b",}", b"\x00" + good, good + b"\x00")
    yield b'{"%s": "x", "%s": "y"}' % (name.encode(), name.encode())
    yield from (b'{"%s": "\\ud800"}' % name.encode(), b'{"%s": "\xc3"}' % name.encode(), b'{"%s": "a\\u0000b"}' % name.encode(),
        b'{"%s": "\n"}' % name.encode())
    yield from (b'{"%s": NaN}' % name.encode(), b'{"%s": 1e999}' % name.encode(), b'{"%s": 0001}' % name.encode(),
        b'{"%s": -%d}' % (name.encode(), 2**70), b'{"\\u0000": 1}', b"// x\n" + good)
    megabyte = 1 << 20
    yield from (deep(10000, megabyte), deep(10000, megabyte, b'{"a":', b"}"), b"[" * megabyte, b'{"a":' * (megabyte // 5),
        deep(500000, megabyte + 1))
    yield b'{"%s": ' % name.encode() + deep(10000, megabyte - 100) + b"}"
    yield b'{"' + b"x" * megabyte + b'": 1}'
    yield b'{"%s": "' % name.encode() + b"x" * megabyte + b'"}'
    yield b"{" + b",".join(b'"k%d": 1' % i for i in range(70000)) + b"}"
    yield b'{"%s": [%s]}' % (name.encode(), b",".join([b'"a"'] * 200000))
    yield b'{"%s": %s}' % (name.encode(), b"9" * megabyte)


@pytest.mark.parametrize("operation", WITH_BODY, ids=repr)
def test_bodies_that_are_none(world, operation):
    path = world.path(operation)
    findings = Findings(operation)
    begin = time.monotonic()
    bodies = list(broken_bodies(next(operation.examples())[1]))
    for body in bodies:
        answer = send(world.api, operation.method, path, body=body, headers={"Content-Type": "application/json"})
        findings.expect((len(body), body[:40]), answer)
    findings.report(40)
    assert time.monotonic() - begin < 60
    for kind in ("text/plain", "application/json5", "application/xml", "multipart/form-data; boundary=x", "application", "json",
        "\xe4"):
        answer = send(world.api, operation.method, path, body=b"{}", headers={"Content-Type": kind})
        assert answer.status == 415, (kind, answer)
        check_answer(operation, answer)


def test_tables_that_are_wrong(world):
    operation = OPERATIONS["POST /api/v2/admin/clients.csv"]
    tables = [
        b"", b"\r\n", b"name\r\nx\r\n", b"id\r\nc-1\r\n", b"id,organization,id\r\na,b,c\r\n",
        b"id,organization,nonsense\r\na,b,c\r\n", b"ID,Organization\r\na,b\r\n",
        b"id,organization\r\na\r\n", b"id,organization\r\na,b,c\r\n", b"id,organization\r\n,b\r\n", b'id,organization\r\n"a,b\r\n',
        b"id,organization\r\na,b\r\na,b\r\n",
        b"id,organization,tier\r\na,b,gold\r\n", b"id,organization\r\n" + b"x" * 257 + b",b\r\n", b"id,organization\r\na\x00,b\r\n",
        b"id,organization\r\n\xff,b\r\n",
        b"id,organization\r\na\x01,b\r\n", b"\xff\xfe" + "id,organization\r\na,b\r\n".encode("utf-16-le"),
        b"PK\x03\x04" + bytes(range(256)) * 100, b"{}", b"," * 100000,
        b"id,organization\r\n" + b'"' * 100001, b"id,organization\r\n" + b"\r\n" * 100 + b"a,b,c\r\n",
    ]
    findings = Findings(operation)
    before = access.ask(world.api, "GET", "/api/v2/admin/clients")["total"]
    for table in tables:
        answer = send(world.api, "POST", operation.path, body=table, headers={"Content-Type": "text/csv"})
        findings.expect(table[:60], answer)
        if answer.status == 400 and not json.loads(answer.body)["lines"]:
            findings.found.append((table[:60], answer.body))
    findings.report(20)
    assert access.ask(world.api, "GET", "/api/v2/admin/clients")["total"] == before


def test_logins_that_are_wrong(world):
    operation = OPERATIONS["POST /oauth/token"]
    form = b"grant_type=client_credentials"
    good = base64.b64encode(f"{world.key['keyId']}:{world.key['secret']}".encode()).decode()
    bodies = [b"", b"x", b"grant_type=", b"grant_type=password", form + b"&" + form, form + b"&client_secret=x", b"%",
        b"grant_type=%ff", b"&" * 8000, b"a=1&" * 100 + form,
              b"x" * 100000, b"\x00", b'{"grant_type":"client_credentials"}']
    for body in bodies:
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Authorization": f"Basic {good}"}
        answer = send(world.api, "POST", operation.path, None, body, headers)
        assert answer.status == 400, (body[:50], answer)
        check_answer(operation, answer)
    wrong = [base64.b64encode(text).decode() for text in (b"", b":", b"a", b"a:b", b"\x00:\x00", b"\xff\xfe:\xff", b":" * 1000,
        b"k-1:" + b"x" * 5000)]
    for credentials in ["Basic", "Basic ", "Basic !", "Bearer x", "Digest x", *(f"Basic {text}" for text in wrong),
        f"Basic {good[:-4]}"]:
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Authorization": credentials}
        answer = send(world.api, "POST", operation.path, None, form, headers)
        assert answer.status == 401, (credentials, answer)
        check_answer(operation, answer)


def test_tokens_that_are_wrong(world):
    operation = OPERATIONS["GET /api/v2/usage/days"]
    secret = world.key["secret"]
    for token in ("", " ", "x", secret[:-1], secret + "x", secret.upper(), "dbk_" + "A" * 43, "a.b.c", "e30.e30.e30",
        "eyJhbGciOiJub25lIn0.e30.", "x" * 5000, "\xff\xfe", "'; --"):
        for headers in ({"Authorization": f"Bearer {token}"}, {"X-API-Key": token}, {"Authorization": token},
            {"Authorization": f"Basic {token}"}):
            answer = send(world.api, "GET", operation.path, None, headers=headers)
            assert answer.status == 401, (token, answer)
            check_answer(operation, answer)


# ---- cursors ----


def changed(cursor, rng):
    """The cursor with one thing wrong."""
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    for at in range(len(cursor)):
        yield cursor[:at] + rng.choice(letters.replace(cursor[at], "")) + cursor[at + 1 :]
    yield from (cursor[:-1], cursor[1:], cursor + "A", cursor + "=", cursor + cursor, "A" + cursor, cursor.swapcase(), cursor[::-1],
        cursor + "\n")
    plain = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    row, _, digest = plain.partition(b".")
    for other in (b"0", b"1", b"999999", b"-1", b"18446744073709551615", b"18446744073709551616", b"0" + row, b"", b" " + row):
        if other != row:
            yield base64.urlsafe_b64encode(other + b"." + digest).decode().rstrip("=")


def cursor_of(answer):
    made = json.loads(answer.body)
    return made["cursors"]["after"] if "cursors" in made else urllib.parse.parse_qs(made["nextUri"].partition("?")[2])["after"][0]


@pytest.mark.parametrize("name", ["/api/v2/usage/simplesearch/{executionId}/results", "/api/v2/usage/aggregates/query/jobs/{jobId}",
                                  "/api/v2/usage/client/{clientId}/aggregates/query/jobs/{jobId}"])
def test_cursors(world, name):
    """Of another query, or tampered with."""
    operation = OPERATIONS[f"GET {name}"]
    rng = random.Random(1)
    start = next(start for start in POSTS if name.startswith(start))
    fields = {} if "simplesearch" in name else {"groupBy": ["HttpMethod", "TemplateUri"], "granularity": "Day"}
    ids = [world.new_query(POSTS[start].format(clientId=CLIENT), **fields) for _ in range(2)]
    paths = [world.path(operation, executionId=one, jobId=one) for one in ids]
    first = world.ask(operation, path=paths[0], query={"pageSize": 1})
    cursor = cursor_of(first)
    assert world.ask(operation, path=paths[0], query={"after": cursor, "pageSize": 7}).status == 200
    assert world.ask(operation, path=paths[0], query=f"after={''.join(f'%{ord(c):02x}' for c in cursor)}").status == 200
    findings = Findings(operation)
    findings.expect("of another", world.ask(operation, path=paths[1], query={"after": cursor}), ["after"], cursor)
    for text in changed(cursor, rng):
        findings.expect(text, world.ask(operation, path=paths[0], query={"after": text}), ["after"], text
            if text.isprintable() else None)
    findings.report(40)


def test_cursors_of_the_ledger(world):
    operation = OPERATIONS["GET /api/v2/usage/days"]
    cursor = cursor_of(world.ask(operation, query={"pageSize": 1}))
    findings = Findings(operation)
    for text in ("x", "=", cursor + "=", cursor + "A", "A" * 65, base64.urlsafe_b64encode(b"1.1.1").decode(),
        base64.urlsafe_b64encode(b"x.1").decode().rstrip("="),
                 base64.urlsafe_b64encode(b"-99999999999999999999.1").decode().rstrip("="),
                 base64.urlsafe_b64encode(b"1.0").decode().rstrip("=")):
        findings.expect(text, world.ask(operation, query={"after": text}), ["after"], text)
    findings.report(9)


@pytest.mark.parametrize("path", ["/api/v2/admin/clients", "/api/v2/admin/tokens"])
def test_cursors_of_lists(world, path):
    """They say where to go on, and nothing that a caller may not see lies there."""
    operation = OPERATIONS[f"GET {path}"]
    findings = Findings(operation)
    for text in ("", "=", "%", "A", "a b", "ü", base64.urlsafe_b64encode(b"\xff\xfe").decode().rstrip("="),
        base64.urlsafe_b64encode(b"a\x00b").decode().rstrip("="), "A" * 2049):
        findings.expect(text, world.ask(operation, query={"after": text}), ["after"], text if 0 < len(text) < 200 else None)
    findings.report(9)
    token = world.token("admin", organization="nobody-else")
    for key in ("a", f"{ORGANIZATION}", "\x01", "0"):
        cursor = base64.urlsafe_b64encode(key.encode()).decode().rstrip("=")
        made = json.loads(world.ask(operation, token=token, query={"after": cursor}).body)
        assert {entity["organization"] for entity in made["entities"]} <= {"nobody-else"}


# ---- intervals ----


def test_intervals_of_every_form(world):
    """Those that are right, with the days that were used; the same on the report. A thousand years are no more work than others."""
    report = OPERATIONS["GET /api/v2/usage/report"]
    for asked, used in GOOD_INTERVALS:
        begin = time.monotonic()
        made = access.call(world.api, "POST", "/api/v2/usage/query", body={"interval": asked, "granularity": "Day", "groupBy": []})
        assert made.status == 200, (asked, made)
        result = access.ask(world.api, "GET", json.loads(made.text)["resultsUri"])
        assert (result["queryStatus"], result["interval"]) == ("Complete", used), asked
        shown = world.ask(report, query={"interval": asked})
        check_answer(report, shown)
        assert shown.status == 200 and time.monotonic() - begin < 20, asked


@pytest.mark.parametrize("interval, sentence", [(one, "zero length") for one in ZERO] + [(one, "ends before it begins")
    for one in REVERSED]
                         + [(one, "0000 to 9999") for one in BEYOND])
def test_intervals_say_what_is_wrong(world, interval, sentence):
    operation = OPERATIONS["POST /api/v2/usage/query"]
    answer = send(world.api, "POST", operation.path, body={"interval": interval})
    error = json.loads(answer.body)
    assert answer.status == 400 and sentence in error["message"], error
    assert (error["code"], error["field"], error["value"]) == ("invalid.date", "interval", interval)
    assert error["details"] == [{"errorCode": "invalid.date", "fieldName": "interval"}]
    assert error["contextId"] == answer.headers["ININ-Correlation-Id"]


def test_time_zones(world):
    operation = OPERATIONS["GET /api/v2/usage/report"]
    findings = Findings(operation)
    for name in ("", "Europe", "Europe/", "/Europe/Berlin", "../Europe/Berlin", "Europe/../Europe/Berlin", "/etc/passwd",
        "posixrules", "Europe/Berlin\x00", "x" * 256, "Europe/Berlni",
                 "zone.tab", "tzdata.zi", "+02:00", "UTC+1", ".", "localtime", "right/UTC", "%ff"):
        answer = world.ask(operation, query={"timeZone": name})
        findings.expect(name, answer, ["timeZone"], name if name.isprintable() and len(name) < 200 else None)
    findings.report(15)
    near = json.loads(world.ask(operation, query={"timeZone": "Europe/Berlni"}).body)["allowed"]
    assert "Europe/Berlin" in near
