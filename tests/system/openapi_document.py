"""api/openapi.yaml for tests: what is in it, whether an answer fits it, and a world in which every route has something to answer."""

import base64
import gzip
import json
import re
import time
import urllib.error
import urllib.parse
import urllib.request
from collections import namedtuple

import access
import closed_fixture
import jsonschema
import live_fixture as fixture
import yaml
from alert_fixture import make_alert, make_system_alert
from harness import API_TOKEN, ROOT, wait_until

DOCUMENT = yaml.safe_load((ROOT / "api/openapi.yaml").read_text())
METHODS = ("get", "put", "post", "patch", "delete")
CLIENT, ORGANIZATION = "c-1", "acme"
# Where a query or job comes from whose id stands in a path that begins like this.
POSTS = {
    "/api/v2/usage/query/{executionId}": "/api/v2/usage/query",
    "/api/v2/usage/simplesearch/{executionId}": "/api/v2/usage/simplesearch",
    "/api/v2/oauth/clients/{clientId}/usage/query/results/{executionId}": "/api/v2/oauth/clients/{clientId}/usage/query",
    "/api/v2/usage/aggregates/query/jobs/{jobId}": "/api/v2/usage/aggregates/query/jobs",
    "/api/v2/usage/client/{clientId}/aggregates/query/jobs/{jobId}": "/api/v2/usage/client/{clientId}/aggregates/query/jobs",
}

LIMIT = {"organization": ORGANIZATION, "client": CLIENT, "metric": "hits", "period": "day", "value": 1000}
CHANNEL = {"kind": "webhook", "target": "https://hooks.example.com/usage", "organization": ORGANIZATION}
# What is made by a PUT: the name of its path's part, and a body.
NAMED = {
    "/api/v2/admin/plans": ("name", {"currency": "EUR"}),
    "/api/v2/admin/organizations": ("organizationId", {}),
    "/api/v2/admin/limits": ("limitId", LIMIT),
}

Answer = namedtuple("Answer", "status headers body")


# ---- the document ----


def resolve(node):
    """Follows references inside the document."""
    while "$ref" in node:
        target = DOCUMENT
        for part in node["$ref"].removeprefix("#/").split("/"):
            target = target[part.replace("~1", "/").replace("~0", "~")]
        node = target
    return node


class Operation:
    def __init__(self, method, path, node):
        self.method, self.path, self.node = method, path, node
        self.parameters = [resolve(parameter) for parameter in node.get("parameters", [])]
        self.responses = {int(status): resolve(response) for status, response in node["responses"].items()}
        self.tag = node["tags"][0]
        self.permissions = node.get("x-permissions", [])
        self.security = node.get("security", DOCUMENT["security"])
        self.needs_token = any("bearer" in way for way in self.security)
        self.body = resolve(node.get("requestBody", {})).get("content", {})

    def __repr__(self):
        return f"{self.method} {self.path}"

    def named(self, place):
        return {parameter["name"]: parameter for parameter in self.parameters if parameter["in"] == place}

    def needed(self):
        """Of the query what it cannot do without: of the statistics also a period."""
        needed = {name: parameter["example"] for name, parameter in self.named("query").items() if parameter.get("required")}
        return {**needed, "period": "week"} if self.tag == "statistics" else needed

    def examples(self):
        """(media type, value) of the body"""
        for media, content in self.body.items():
            for example in content["examples"].values():
                yield media, resolve(example)["value"]

    def body_schema(self):
        """The object that is sent as JSON, or None."""
        content = self.body.get("application/json")
        return resolve(content["schema"]) if content else None


def operations():
    for path, item in DOCUMENT["paths"].items():
        for method, node in resolve(item).items():
            assert method in METHODS, (path, method)
            yield Operation(method.upper(), path, node)


OPERATIONS = {repr(operation): operation for operation in operations()}


def flat(schema):
    """The schema itself, where it is a reference with something beside it."""
    return {**resolve(schema), **schema} if "$ref" in schema else schema


def check(schema, value):
    """The schema lies in the document, so that its references work."""
    whole = {"$schema": "https://json-schema.org/draft/2020-12/schema", "components": DOCUMENT["components"], **schema}
    jsonschema.Draft202012Validator(whole).validate(value)


def check_headers(described, headers):
    for name, header in described.get("headers", {}).items():
        header, value = resolve(header), headers[name]
        assert value is not None or not header.get("required"), name
        if value is not None:
            kind = header["schema"].get("type")
            check(header["schema"], int(value) if kind == "integer" else value)


def check_answer(operation, answer):
    """An answer is one of those that the operation describes."""
    assert answer.status in operation.responses, (operation, answer.status, answer.body[:500])
    described = operation.responses[answer.status]
    check_headers(described, answer.headers)
    if "content" not in described:
        assert answer.body == b"" and answer.headers["Content-Type"] is None
        return
    if answer.headers["Content-Encoding"] == "gzip":
        answer = answer._replace(body=gzip.decompress(answer.body))
    kind = answer.headers["Content-Type"].partition(";")[0]
    assert kind in described["content"], (operation, answer.status, kind)
    if kind == "application/json" and answer.status != 206:
        made = json.loads(answer.body)
        check(described["content"][kind]["schema"], made)
        if answer.status >= 400:
            assert made["requestId"] == answer.headers["X-Request-Id"]
            assert made.get("contextId") == answer.headers["ININ-Correlation-Id"]


# ---- asking ----


def send(api, method, path, token=API_TOKEN, body=None, headers=None, query=""):
    """body: bytes, or what is sent as JSON. query: text, or anything that urlencode takes."""
    headers = {**({"Authorization": f"Bearer {token}"} if token else {}), **(headers or {})}
    if body is not None and not isinstance(body, bytes):
        body, headers = json.dumps(body).encode(), {"Content-Type": "application/json", **headers}
    query = query if isinstance(query, str) else urllib.parse.urlencode(query)
    url = f"http://127.0.0.1:{api.port}{path}" + (f"?{query}" if query else "")
    request = urllib.request.Request(url, body, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return Answer(answer.status, answer.headers, answer.read())
    except urllib.error.HTTPError as error:
        return Answer(error.code, error.headers, error.read())


def encoded(media, value):
    """(bytes, headers) of an example of a body"""
    headers = {"Content-Type": media}
    if media == "application/x-www-form-urlencoded":
        return urllib.parse.urlencode(value).encode(), headers
    return (value if isinstance(value, str) else json.dumps(value)).encode(), headers


class World:
    """Closed days with some usage in them, and an API over it whose limits are out of the way."""

    def __init__(self, redis, directory, **settings):
        self.redis = redis
        now = int(time.time() * 1000)
        events = fixture.random_events(1, now, n=1500)
        fixture.write(redis.client(), events, 4, now)
        books = closed_fixture.Books(redis.client(), events, 4)
        for day in range(now // fixture.DAY - 6, now // fixture.DAY):
            for revision in (1, 2):
                books.close(day, revision)
        self.yesterday = fixture.iso(now - fixture.DAY)[:10]
        self.api = access.start_api(redis, directory, **settings)
        self.key = access.ask(self.api, "POST", "/v1/developer/keys", status=201, body={"keyId": "k-1",
            "organization": ORGANIZATION})
        access.ask(self.api, "PUT", f"/api/v2/admin/clients/{CLIENT}", status=201, body={"name": "One",
            "organization": ORGANIZATION})
        access.ask(self.api, "PUT", "/api/v2/admin/methods/orders", status=201, body={"endpoints": ["ANY /*/orders/**"]})
        for name in ("orders", "gold"):
            access.ask(self.api, "PUT", f"/api/v2/admin/plans/{name}", status=201, body={"currency": "EUR"})
        access.ask(self.api, "PUT", f"/api/v2/admin/organizations/{ORGANIZATION}", status=201, body={})
        access.ask(self.api, "PUT", "/api/v2/admin/limits/limit", status=201, body=LIMIT)
        self.channel = self.new_channel()
        self.alert = make_alert(redis.client(), ORGANIZATION, CLIENT)
        make_system_alert(redis.client())
        self.asset = re.search(r'src="/assets/([^"]+)"', send(self.api, "GET", "/").body.decode()).group(1)
        self.serial = 0

    def stop(self):
        self.api.kill()

    def token(self, *permissions, **fields):
        return access.make_token(self.api, permissions=list(permissions), **fields)["token"]

    def new_query(self, path, **fields):
        """The id of one that nobody else asks within the seconds in which the same is the same; complete."""
        self.serial += 1
        interval = f"P{7 + self.serial}D/{self.yesterday}"
        answer = access.call(self.api, "POST", path, body={"interval": interval, **fields})
        assert answer.status in (200, 202), answer
        made = json.loads(answer.text)
        results = made["resultsUri"]
        wait_until(lambda: access.ask(self.api, "GET", results)["queryStatus"] in ("Complete", "Succeeded"), 30, "it is complete")
        return made.get("executionId") or made["id"]

    def new_channel(self, **fields):
        return access.ask(self.api, "POST", "/api/v2/admin/channels", status=201, body={**CHANNEL, **fields})["id"]

    def names(self, operation, **given):
        """What the parts of its path are, so that there is something."""
        names = {"day": self.yesterday, "revision": "1", "clientId": CLIENT, "format": "csv", "keyId": "k-1", "tokenId": "none"}
        names |= {"serviceId": ORGANIZATION, "applicationId": CLIENT, "name": "orders", "alertId": self.alert}
        names |= {"page": "report", "asset": self.asset}
        names |= {"organizationId": ORGANIZATION, "limitId": "limit", "channelId": self.channel, "deliveryId": "none", **given}
        start = next((start for start in POSTS if operation.path.startswith(start)), None)
        if start and not given.keys() & {"executionId", "jobId"}:
            made = self.new_query(POSTS[start].format(**names))
            names |= {"executionId": made, "jobId": made}
        return names

    def path(self, operation, **given):
        names = self.names(operation, **given)
        return re.sub(r"\{(\w+)\}", lambda match: urllib.parse.quote(names[match.group(1)], safe=""), operation.path)

    def prepare(self, operation):
        """Whatever a DELETE takes away, or a POST cannot have twice; what is different in its path."""
        if operation.path.endswith("/developer/keys/{keyId}"):
            self.serial += 1
            body = {"keyId": f"k-gone-{self.serial}", "organization": ORGANIZATION}
            access.ask(self.api, "POST", "/v1/developer/keys", status=201, body=body)
            return {"keyId": body["keyId"]}
        if operation.path == "/api/v2/admin/tokens/{tokenId}":
            return {"tokenId": access.make_token(self.api)["id"]}
        if operation.path == "/api/v2/admin/clients/{clientId}":
            self.serial += 1
            body = {"organization": ORGANIZATION}
            access.ask(self.api, "PUT", f"/api/v2/admin/clients/gone-{self.serial}", status=201, body=body)
            return {"clientId": f"gone-{self.serial}"}
        if operation.path == "/api/v2/admin/methods/{name}":
            self.serial += 1
            access.ask(self.api, "PUT", f"/api/v2/admin/methods/gone-{self.serial}", status=201, body={"endpoints": ["GET /x"]})
            return {"name": f"gone-{self.serial}"}
        for path, (name, body) in NAMED.items():
            if operation.path == f"{path}/{{{name}}}":
                self.serial += 1
                access.ask(self.api, "PUT", f"{path}/gone-{self.serial}", status=201, body=body)
                return {name: f"gone-{self.serial}"}
        if operation.path.startswith("/api/v2/admin/channels/"):
            return {"channelId": self.new_channel(target="https://127.0.0.1/")}  # where nothing is sent
        if operation.path.startswith("/api/v2/admin/deliveries/"):
            made = f"{self.alert}.raised.{self.new_channel()}"
            self.redis.client().zadd("{daybook}:deliveries", {made: int(time.time() * 1000) + 10**8})
            return {"deliveryId": made}
        return {}

    def credentials(self, operation):
        if operation.path == "/session" and operation.method != "GET":
            return {"X-Daybook": "dashboard"}
        if any("basic" in way for way in operation.security):
            pair = f"{self.key['keyId']}:{self.key['secret']}".encode()
            return {"Authorization": "Basic " + base64.b64encode(pair).decode()}
        return {}

    def body(self, operation, value=None):
        """(bytes, headers): the first example, made fresh where it cannot be taken twice."""
        if not operation.body:
            return None, {}
        media, example = next(operation.examples())
        value = example if value is None else value
        if operation.path.endswith("/developer/keys"):
            self.serial += 1
            value = {**value, "keyId": f"k-new-{self.serial}"}
        if operation.path == "/session":
            value = {**value, **({"token": API_TOKEN} if "token" in value else {"code": self.new_code()})}
        return encoded(media, value)

    def new_code(self):
        return access.ask(self.api, "POST", "/api/v2/admin/sign-in-links", status=201)["url"].partition("#code=")[2]

    def ask(self, operation, given=None, token=API_TOKEN, headers=None, query="", value=None, method=None, path=None):
        """As the description says, but for what is given."""
        given = self.prepare(operation) if given is None and path is None else given or {}
        path = path or self.path(operation, **given)
        body, more = self.body(operation, value)
        token = None if any("basic" in way for way in operation.security) else token
        headers = {**more, **self.credentials(operation), **(headers or {})}
        pairs = list(query.items()) if isinstance(query, dict) else query
        text = pairs if isinstance(pairs, str) else urllib.parse.urlencode(pairs)
        given = {name for name, _ in urllib.parse.parse_qsl(text, keep_blank_values=True, errors="replace")}
        needed = {name: value for name, value in operation.needed().items() if name not in given}
        query = "&".join(filter(None, (urllib.parse.urlencode(needed), text)))
        return send(self.api, method or operation.method, path, token, body, headers, query)
