"""Every route with every kind of caller, compared with a table; and nobody of one organization is ever told a name of another.

Two organizations have the same kind of clients, users, routes and platforms; every name of the second holds a mark that must not be in
any answer to a caller of the first, and what they ask of the second is answered as if it were not there."""

import json
import random
import re
import subprocess
import time
from dataclasses import dataclass

import closed_fixture
import live_fixture as fixture
import pytest
from alert_fixture import make_alert
from access import PERMISSIONS, Issuer, ask, call, make_token, start_api
from harness import API_TOKEN, BIN, Redis, wait_until

PARTITIONS = 2
DAY = fixture.DAY
MARK = "geheim"
OURS, THEIRS = "acme", f"{MARK}-organization"
SHARED = "c-shared"  # a client id that both have
LIMIT = {"organization": OURS, "client": "c-1", "metric": "hits", "period": "day", "value": 1000}
CHANNELS = "/api/v2/admin/channels"
CHANNEL = {"kind": "webhook", "target": "https://127.0.0.1/", "organization": OURS}
NOWHERE = "keiner"  # the mark's stand-in for what there is not: as long as it
assert len(NOWHERE) == len(MARK)
VIEWS = PERMISSIONS[1:]


def event(rng, day, organization, client):
    mark = f"{MARK}-" if organization == THEIRS else ""
    time_ms = min(day * DAY + rng.randrange(DAY // 2), int(time.time() * 1000))  # today has perhaps just begun
    route = f"/v1/{mark}orders/{{{mark}id}}"
    return fixture.Event(
        time_ms, organization, client, f"{mark}user", f"{mark}platform", "GET", route, rng.choice([200, 404, 429]), 5, 1, 2, 1
    )


@dataclass
class Caller:
    """permissions: None where the token is none that is known."""

    name: str
    token: str
    organization: str | None = OURS
    client: str | None = None
    permissions: tuple | None = ()

    def may(self, any_of):
        return not any_of or "admin" in self.permissions or bool(set(any_of) & set(self.permissions))

    @property
    def sees_all(self):
        return self.organization is None


class World:
    def __init__(self, redis, directory):
        self.redis, self.client = redis, redis.client()
        self.today = int(time.time() * 1000) // DAY
        self.days = range(self.today - 3, self.today)
        rng = random.Random(11)
        clients = [(OURS, "c-1"), (OURS, "c-2"), (OURS, SHARED), (THEIRS, f"{MARK}-client"), (THEIRS, SHARED)]
        self.events = [event(rng, day, *client) for day in [*self.days, self.today] for client in clients for _ in range(3)]
        fixture.write(self.client, self.events, PARTITIONS, self.today * DAY)
        self.refuse(self.today)
        books = closed_fixture.Books(self.client, self.events, PARTITIONS)
        books.first_day(self.days[0])
        for day in self.days:
            books.close(day)
        self.issuer = Issuer(directory / "jwks.json")
        self.api = start_api(redis, directory, **self.issuer.settings())
        self.register()
        self.asset = re.search(r'src="/assets/([^"]+)"', call(self.api, "GET", "/").text).group(1)
        self.callers = [*self.strangers(), *self.tokens(), *self.web_tokens()]

    def refuse(self, day):
        """A collector of the others has refused something."""
        self.client.hset("{p0}:refusals", f"{day} too_old {MARK}-collector", 1)
        self.client.hset("{p0}:refused", "0", f"0 {day * DAY} 0 1 too_old {MARK}-collector\x1fIt is old.\x1f")

    def register(self):
        """Names of clients, and something of the others' to be found by who looks for it."""
        for organization, name in ((OURS, "checkout"), (THEIRS, f"{MARK}-plan")):
            body = {"currency": "EUR", "organization": organization}
            ask(self.api, "PUT", f"/api/v2/admin/plans/{name}", status=201, body=body)
        for organization, client, name in [
            (OURS, "c-1", "Shop"),
            (THEIRS, f"{MARK}-client", f"{MARK} name"),
            (THEIRS, SHARED, f"{MARK} shared"),
        ]:
            ask(
                self.api,
                "PUT",
                f"/api/v2/admin/clients/{client}",
                status=201,
                body={
                    "name": name,
                    "organization": organization,
                    "plan": f"{MARK}-plan" if organization == THEIRS else "",
                    "tier": "enterprise",
                },
            )
        for organization, name in ((OURS, "checkout"), (THEIRS, f"{MARK}-checkout")):
            ask(
                self.api,
                "PUT",
                f"/api/v2/admin/methods/{name}",
                status=201,
                body={"endpoints": ["GET /v1/**"], "organization": organization},
            )
        for organization, client in ((OURS, "c-1"), (THEIRS, f"{MARK}-client")):
            ask(self.api, "PUT", f"/api/v2/admin/organizations/{organization}", status=201, body={})
            limit = {**LIMIT, "organization": organization, "client": client}
            ask(self.api, "PUT", f"/api/v2/admin/limits/{client}", status=201, body=limit)
        hooks = [(OURS, "ours"), (THEIRS, f"{MARK} hook"), (None, f"{MARK} of all")]
        bodies = [{**CHANNEL, "organization": whose, "name": name} for whose, name in hooks]
        self.channel = [ask(self.api, "POST", CHANNELS, status=201, body=body)["id"] for body in bodies][0]
        self.theirs = make_token(self.api, organization=THEIRS, name=f"{MARK} token")
        self.everybodys = make_token(self.api, name="of all")
        self.ours = make_token(self.api, organization=OURS, name="ours")
        self.alert = make_alert(self.client, OURS, "c-1")
        make_alert(self.client, THEIRS, f"{MARK}-client")
        theirs = ask(self.api, "POST", CHANNELS, status=201, body={**CHANNEL, "organization": THEIRS})["id"]
        delivery = f"{self.alert}.raised.{theirs}"
        self.client.zadd("{daybook}:deliveries", {delivery: int(time.time() * 1000) + DAY})
        self.client.hset("{daybook}:deliveries:info", delivery, json.dumps({"attempts": 1, "lastError": f"The receiver is {MARK}."}))
        self.their_key = self.key(THEIRS, f"{MARK}-key")
        self.our_key = self.key(OURS, "c-1")

    def key(self, organization, client, **fields):
        body = {"keyId": client, "organization": organization, "tier": "enterprise", "permissions": ["usage:client:view"], **fields}
        return ask(self.api, "POST", "/v1/developer/keys", status=201, body=body)

    def expired(self, **fields):
        soon = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 2))
        token = make_token(self.api, expiresAt=soon, **fields)["token"]
        wait_until(lambda: call(self.api, "GET", "/api/v2/usage/days", token).status == 401, 30, "it has expired")
        return token

    def strangers(self):
        revoked = make_token(self.api)
        ask(self.api, "DELETE", f"/api/v2/admin/tokens/{revoked['id']}")
        token = self.issuer.token
        all_of_it = {"permissions": list(PERMISSIONS)}
        found = {
            "nobody": None,
            "a bad token": "dbk_" + "x" * 43,
            "a revoked token": revoked["token"],
            "an expired token": self.expired(),
            "an expired web token": token(**all_of_it, exp=int(time.time()) - 3600),
            "a web token for another service": token(**all_of_it, aud="another"),
            "a web token of another issuer": token(**all_of_it, iss="https://evil.example"),
            "a web token without an organization": token(**all_of_it, organization=None),
        }
        return [Caller(name, token, permissions=None) for name, token in found.items()]

    def tokens(self):
        yield Caller("auth.token", API_TOKEN, None, permissions=PERMISSIONS)
        for organization in (OURS, None):
            for permissions in [[one] for one in PERMISSIONS] + [list(VIEWS)]:
                token = make_token(self.api, organization=organization, permissions=permissions)["token"]
                yield Caller(
                    f"token of {organization or 'all'}: {', '.join(permissions)}", token, organization, None, tuple(permissions)
                )
        for client in ("c-1", SHARED):
            for permissions in [[one] for one in VIEWS] + [list(VIEWS)]:
                token = make_token(self.api, organization=OURS, client=client, permissions=permissions)["token"]
                yield Caller(f"token of {client}: {', '.join(permissions)}", token, OURS, client, tuple(permissions))
        yield Caller("key of c-1", self.our_key["secret"], OURS, "c-1", ("usage:client:view",))
        parent = make_token(self.api, organization=OURS, client="c-1", permissions=list(VIEWS))
        form = f"grant_type=client_credentials&client_id=c-1&client_secret={parent['token']}".encode()
        access = ask(self.api, "POST", "/oauth/token", None, body=form)["access_token"]
        yield Caller("access token", access, OURS, "c-1", VIEWS)

    def web_tokens(self):
        every, views = list(PERMISSIONS), list(VIEWS)
        for n, (name, kid, client, permissions, claims) in enumerate(
            [
                ("without permissions", "rs256", None, (), {}),
                ("that views", "es256", None, VIEWS, {"permissions": views}),
                ("that views, by scope", "eddsa", None, VIEWS, {"scope": " ".join(VIEWS)}),
                ("of an admin", "es256", None, PERMISSIONS, {"permissions": every}),
                ("of a client", "rs256", "c-1", PERMISSIONS, {"permissions": every, "client": "c-1"}),
            ]
        ):
            yield Caller(f"web token {name}", self.issuer.token(kid, sub=f"u-{n}", **claims), OURS, client, permissions)
        everybody = self.issuer.token(organization=None, daybook_all_organizations=True, permissions=every)
        yield Caller("web token for all", everybody, None, None, PERMISSIONS)

    def iso(self, day):
        return fixture.iso(day * DAY)[:10]

    @property
    def interval(self):
        return f"{self.iso(self.days[0])}/{self.iso(self.days[-1])}"


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    directory = tmp_path_factory.mktemp("access")
    server = Redis("redis", directory / "redis")
    server.start()
    made = World(server, directory)
    yield made
    made.api.kill()
    server.kill()


# ---- the table ----

ORGANIZATION, SEARCH, CLIENT = ("oauth:client:view", VIEWS[1]), ("oauth:client:view", VIEWS[3]), ("oauth:client:view", VIEWS[2])
ANY, ADMIN, JOB, CLIENT_JOB = VIEWS[:3], ("admin",), (VIEWS[1],), (VIEWS[2],)


@dataclass
class Route:
    """Who may ask, by permission; then what is answered: to all the same, or as `answers` says (caller -> status). A route about an
    execution is asked about one that the caller has made by `make`, where they may, or else another."""

    permissions: tuple | None = ()  # any one; (): every caller; None: everybody, also without a token
    status: int = 200
    body: object = None
    form: bytes | None = None
    make: str | None = None
    answers: object = None

    def expected(self, caller):
        if self.permissions is None:
            return self.status
        if caller.permissions is None:
            return 401
        if not caller.may(self.permissions) or (self.permissions == ADMIN and caller.client is not None):
            return 403
        return self.answers(caller) if self.answers else self.status


def ours_only(caller):
    return 200 if caller.sees_all else 403


def own_client(status):
    """The path names c-1; of whom another client's token is told nothing."""
    return lambda caller: status if caller.client in (None, "c-1") else 404


def service(caller):
    """The path names the caller's organization, which is more than a client may see."""
    return 200 if caller.client is None else 403


def application(caller):
    return 200 if caller.client in (None, "c-1") else 403


def body_of(world, fields):
    return {"interval": world.interval, **fields}


QUERY = {"groupBy": ["OAuthClientId", "OrganizationId", "UserId", "TemplateUri", "HttpMethod"]}
CLIENT_QUERY = {"groupBy": ["OAuthClientId", "OrganizationId", "TemplateUri", "HttpMethod"]}
SEARCH_QUERY = {"metrics": ["Date", "ClientName", "HttpMethod", "TemplateUri", "Status200"]}
JOB_QUERY = {"groupBy": ["OauthClientName", "OauthClientId", "UserId", "HttpMethod", "TemplateUri", "Platform"]}
CLIENT_JOB_QUERY = {"groupBy": ["OrganizationId", "HttpMethod", "TemplateUri", "Platform"]}
V2, OAUTH = "/api/v2/usage", "/api/v2/oauth/clients/{clientId}/usage"
POST_QUERY, POST_SEARCH, POST_CLIENT = f"POST {V2}/query", f"POST {V2}/simplesearch", f"POST {OAUTH}/query"
POST_JOB, POST_CLIENT_JOB = f"POST {V2}/aggregates/query/jobs", f"POST {V2}/client/{{clientId}}/aggregates/query/jobs"


def about(make, prefix, name, permissions):
    """The routes of one family: its results, exports, and its end."""
    path = f"{prefix}/{{{name}}}"
    results = f"{path}/results" if "query/results" not in prefix and name == "executionId" else path
    export = f"{path}/results.{{format}}" if "query/results" not in prefix else f"{path}.{{format}}"
    on_client = "{clientId}" in prefix
    routes = {}
    for method, where, status in (("GET", results, 200), ("GET", export, 200), ("DELETE", results, 204)):
        routes[f"{method} {where}"] = Route(permissions, status, make=make, answers=own_client(status) if on_client else None)
    return routes


STATS = ("usage", "usage_response_code", "summary")
SERVICE_STATS = (*STATS, "top_applications", "daily_averages", "hourly_averages")

ROUTES = {
    "GET /v1/developer/usage": Route(),
    "GET /api/v1/developer/usage": Route(),
    "GET /api/v2/usage/capacity": Route(),
    "GET /api/v2/usage/costs": Route(),
    "GET /api/v2/usage/costs.{format}": Route(),
    "GET /api/v2/usage/days": Route(),
    "GET /api/v2/usage/days/{day}": Route(),
    "GET /api/v2/usage/days/{day}/revisions/{revision}": Route(answers=ours_only),
    "GET /api/v2/usage/overview": Route(),
    "GET /api/v2/usage/integration-errors": Route(ORGANIZATION, answers=ours_only),
    "GET /api/v2/usage/integration-errors.{format}": Route(ORGANIZATION, answers=ours_only),
    "DELETE /api/v2/usage/integration-errors": Route(ADMIN, answers=ours_only),
    "GET /api/v2/usage/alerts": Route(ANY),
    "POST /api/v2/usage/alerts/read": Route(ANY),
    "GET /api/v2/usage/alerts/{alertId}": Route(ANY, answers=own_client(200)),
    "PATCH /api/v2/usage/alerts/{alertId}": Route(ANY, body={"state": "unread"}, answers=own_client(200)),
    "DELETE /api/v2/usage/alerts/{alertId}": Route(ANY, answers=own_client(200)),
    "GET /api/v2/usage/report": Route(ANY),
    "GET /api/v2/usage/report.{format}": Route(ANY),
    POST_QUERY: Route(ORGANIZATION, body=QUERY),
    **about(POST_QUERY, f"{V2}/query", "executionId", ORGANIZATION),
    POST_SEARCH: Route(SEARCH, body=SEARCH_QUERY),
    **about(POST_SEARCH, f"{V2}/simplesearch", "executionId", SEARCH),
    POST_CLIENT: Route(CLIENT, body=CLIENT_QUERY, answers=own_client(200)),
    **about(POST_CLIENT, f"{OAUTH}/query/results", "executionId", CLIENT),
    f"GET {OAUTH}/summary": Route(CLIENT, answers=own_client(200)),
    POST_JOB: Route(JOB, 202, body=JOB_QUERY),
    **about(POST_JOB, f"{V2}/aggregates/query/jobs", "jobId", JOB),
    POST_CLIENT_JOB: Route(CLIENT_JOB, 202, body=CLIENT_JOB_QUERY, answers=own_client(202)),
    **about(POST_CLIENT_JOB, f"{V2}/client/{{clientId}}/aggregates/query/jobs", "jobId", CLIENT_JOB),
    **{f"GET /stats/services/{{serviceId}}/{name}.{{format}}": Route(answers=service) for name in SERVICE_STATS},
    **{f"GET /stats/applications/{{applicationId}}/{name}.{{format}}": Route(answers=application) for name in STATS},
    "POST /oauth/token": Route(None, 401, form=b"grant_type=client_credentials&client_id=x&client_secret=y"),
    "GET /v1/developer/keys": Route(ADMIN),
    "POST /v1/developer/keys": Route(ADMIN, 409, body={"keyId": "c-1", "organization": OURS}),
    "DELETE /v1/developer/keys/{keyId}": Route(ADMIN, 404),
    "GET /api/v1/developer/keys": Route(ADMIN),
    "POST /api/v1/developer/keys": Route(ADMIN, 409, body={"keyId": "c-1", "organization": OURS}),
    "DELETE /api/v1/developer/keys/{keyId}": Route(ADMIN, 404),
    "GET /api/v2/admin/clients.csv": Route(ADMIN),
    "POST /api/v2/admin/clients.csv": Route(ADMIN, form=f"id,organization\nc-1,{OURS}\n".encode()),
    "GET /api/v2/admin/clients": Route(ADMIN),
    "GET /api/v2/admin/clients/{clientId}": Route(ADMIN),
    "PUT /api/v2/admin/clients/{clientId}": Route(ADMIN, body={"name": "Shop", "organization": OURS}),
    "DELETE /api/v2/admin/clients/{clientId}": Route(ADMIN, 404),
    "GET /api/v2/admin/methods": Route(ADMIN),
    "GET /api/v2/admin/methods/{name}": Route(ADMIN),
    "PUT /api/v2/admin/methods/{name}": Route(ADMIN, body={"endpoints": ["GET /v1/**"], "organization": OURS}),
    "DELETE /api/v2/admin/methods/{name}": Route(ADMIN, 404),
    "GET /api/v2/admin/plans": Route(ADMIN),
    "GET /api/v2/admin/plans/{name}": Route(ADMIN),
    "PUT /api/v2/admin/plans/{name}": Route(ADMIN, body={"currency": "EUR", "organization": OURS}, answers=ours_only),
    "DELETE /api/v2/admin/plans/{name}": Route(ADMIN, 404),
    "GET /api/v2/admin/organizations": Route(ADMIN),
    "GET /api/v2/admin/organizations/{organizationId}": Route(ADMIN),
    "PUT /api/v2/admin/organizations/{organizationId}": Route(ADMIN, body={"name": "Acme"}, answers=ours_only),
    "DELETE /api/v2/admin/organizations/{organizationId}": Route(ADMIN, 404),
    "GET /api/v2/admin/limits.csv": Route(ADMIN),
    "POST /api/v2/admin/limits.csv": Route(ADMIN, form=f"id,organization,client\nc-1,{OURS},c-1\n".encode()),
    "GET /api/v2/admin/limits": Route(ADMIN),
    "GET /api/v2/admin/limits/{limitId}": Route(ADMIN),
    "PUT /api/v2/admin/limits/{limitId}": Route(ADMIN, body=LIMIT),
    "DELETE /api/v2/admin/limits/{limitId}": Route(ADMIN, 404),
    "GET /api/v2/admin/channels": Route(ADMIN),
    "POST /api/v2/admin/channels": Route(ADMIN, 201, body=CHANNEL),
    "GET /api/v2/admin/channels/{channelId}": Route(ADMIN),
    "PUT /api/v2/admin/channels/{channelId}": Route(ADMIN, body=CHANNEL),
    "DELETE /api/v2/admin/channels/{channelId}": Route(ADMIN, 404),
    "POST /api/v2/admin/channels/{channelId}/secret": Route(ADMIN),
    "POST /api/v2/admin/channels/{channelId}/test": Route(ADMIN),
    "GET /api/v2/admin/deliveries": Route(ADMIN),
    "DELETE /api/v2/admin/deliveries/{deliveryId}": Route(ADMIN, 404),
    "POST /api/v2/admin/deliveries/{deliveryId}/retry": Route(ADMIN, 404),
    "GET /api/v2/admin/tokens": Route(ADMIN),
    "POST /api/v2/admin/tokens": Route(
        ADMIN, 201, body={"name": "made", "organization": OURS, "permissions": ["usage:client:view"]}
    ),
    "DELETE /api/v2/admin/tokens/{tokenId}": Route(ADMIN, 404),
    "POST /session": Route(None, 204, body={"token": API_TOKEN}),
    "GET /session": Route(),
    "DELETE /session": Route(None, 204),
    "POST /api/v2/admin/sign-in-links": Route(ADMIN, 201),
    "GET /": Route(None),
    "GET /{page}": Route(None),
    "GET /assets/{asset}": Route(None),
    "GET /api/v2/openapi.yaml": Route(None),
    "GET /api/v2/reference": Route(None),
    "GET /healthz": Route(None),
    "GET /readyz": Route(None),
    "GET /metrics": Route(None),
}


def test_the_table_has_every_route():
    listed = subprocess.run([BIN / "daybook-api", "--print-routes"], capture_output=True, text=True, check=True).stdout.split("\n")
    assert sorted(filter(None, listed)) == sorted(ROUTES)


# ---- asking ----


def path_of(world, path, execution=None):
    parts = {"clientId": "c-1", "day": world.iso(world.days[-1]), "revision": "1", "keyId": "nobody", "tokenId": "none"}
    parts |= {"format": "csv", "executionId": execution, "jobId": execution, "alertId": world.alert}
    parts |= {"organizationId": OURS, "limitId": "c-1", "channelId": world.channel, "deliveryId": "nobody"}
    parts |= {"page": "report", "asset": world.asset}
    parts |= {"serviceId": OURS, "applicationId": "c-1", "name": "checkout"}
    if path.startswith("/api/v2/admin/") and execution == "nobody":
        parts |= dict.fromkeys(("clientId", "name", "organizationId", "limitId", "channelId"), "nobody")
    for name, value in parts.items():
        path = path.replace(f"{{{name}}}", str(value))
    return path


def stats_parameters(template):
    """Those that it cannot do without."""
    name = template.split("/")[-1].split(".")[0]
    if name in ("daily_averages", "hourly_averages"):
        return {}
    needed = {"summary": {}, "usage_response_code": {"response_code": "2XX"}}.get(name, {"metric_name": "hits"})
    return {"period": "week", **needed}


def request(world, name, token, execution=None, path=None, **parameters):
    route, (method, template) = ROUTES[name], name.split(" ")
    body = body_of(world, route.body) if route.body is not None and "/usage/" in template and method == "POST" else route.body
    headers = {"Content-Type": "text/csv" if "csv" in template else "application/x-www-form-urlencoded"} if route.form else None
    headers = {"X-Daybook": "dashboard"} if template == "/session" else headers
    execution = execution or ("nobody" if name.startswith("DELETE") else None)
    if template.endswith("/{name}") and method == "GET":
        parameters = {"organization": OURS, **parameters}
    if template.startswith("/stats/"):
        parameters = {**stats_parameters(template), **parameters}
    if name == "DELETE /api/v2/usage/integration-errors":
        parameters = {"before": world.iso(world.days[0]), **parameters}
    if "/usage/report" in template:
        parameters = {"interval": world.interval, **({"section": "all"} if "format" in template else {}), **parameters}
    return call(
        world.api,
        method,
        path or path_of(world, template, execution),
        token,
        body=route.form or body,
        headers=headers,
        **parameters,
    )


def id_of(answer):
    made = json.loads(answer.text)
    return made.get("executionId") or made["id"]


def question(world, token):
    """The rows of an answer that no other test has asked for, or ended."""
    body = body_of(world, {"groupBy": ["OAuthClientId", "OrganizationId"]})
    execution = id_of(call(world.api, "POST", f"{V2}/query", token, body=body))
    return json.loads(finished(world, f"GET {V2}/query/{{executionId}}/results", token, execution).text)["results"]


def made_by(world, name, caller):
    """An execution of that caller, who may make one; else of the token that may do all."""
    route = ROUTES[name]
    may = route.expected(caller) in (200, 202)
    return id_of(request(world, name, caller.token if may else API_TOKEN))


def finished(world, name, token, execution, **parameters):
    """The answer about an execution that has come to its end."""

    def poll():
        answer = request(world, name, token, execution, **parameters)
        return answer if answer.text != '{"queryStatus":"Running"}' and '"queryStatus":"Queued"' not in answer.text else None

    return wait_until(poll, 30, f"{name} is finished")


def shown_to(world, name, caller):
    """What this caller gets of a route, with all of its pages. An execution is made for it; it comes to its end before it is shown."""
    route = ROUTES[name]
    if route.make and name.startswith("GET"):
        answer = finished(world, name, caller.token, made_by(world, route.make, caller))
    else:
        answer = request(world, name, caller.token, made_by(world, route.make, caller) if route.make else None)
    text, page = answer.text, answer
    while page.status == 200 and '"nextUri"' in page.text:
        page = call(world.api, "GET", json.loads(page.text)["nextUri"], caller.token)
        assert page.status == 200
        text += page.text
    return answer._replace(text=text)


# ---- the tests ----


def caller_names():
    """Known before there is a world: that of the table below."""
    return ["strangers", "auth.token", "token", "key", "access token", "web token"]


def check_all(world, callers):
    wrong = []
    for caller in callers:
        for name, route in ROUTES.items():
            answer = shown_to(world, name, caller)
            if answer.status != route.expected(caller):
                wrong.append(f"{name} for {caller.name}: {answer.status}, not {route.expected(caller)}: {answer.text[:200]}")
            if not caller.sees_all and MARK in (answer.text + str(answer.headers)).lower():
                wrong.append(f"{name} tells {caller.name} of the others: {answer.text}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("kind", caller_names())
def test_who_may_what(world, kind):
    strangers = [c for c in world.callers if c.permissions is None]
    callers = strangers if kind == "strangers" else [c for c in world.callers if c not in strangers and c.name.startswith(kind)]
    assert callers
    check_all(world, callers)


def test_every_caller_is_asked(world):
    known = [c for c in world.callers if c.permissions is not None]
    assert all(any(c.name.startswith(kind) for kind in caller_names()[1:]) for c in known) and len(world.callers) > 30


def test_who_sees_all_is_told(world):
    """Or the test above would prove nothing."""
    everybody = Caller("fresh", make_token(world.api)["token"], None, permissions=PERMISSIONS)
    silent = {name for name in ROUTES if MARK not in (shown_to(world, name, everybody).text).lower()}
    told = {name for name, route in ROUTES.items() if name.startswith("GET") and route.permissions is not None}
    told -= {"GET /api/v2/usage/days", "GET /api/v2/usage/days/{day}", "GET /api/v2/usage/capacity"}  # there are no names in them
    ours = r"\{(clientId|serviceId|applicationId|alertId|name|organizationId|limitId|channelId)\}"
    told -= {name for name in told if re.search(ours, name)}  # asked about one of ours
    assert sorted(silent & told) == []


@pytest.mark.parametrize("kind", ["theirs", "everybodys"])
def test_executions_of_others(world, kind):
    """Known by its id, an execution of another is none."""
    token = getattr(world, kind)["token"]
    for name, route in ROUTES.items():
        if not route.make:
            continue
        execution = id_of(request(world, route.make, token))
        for caller in world.callers:
            if caller.permissions is None or caller.sees_all or not caller.may(route.permissions):
                continue
            answer = request(world, name, caller.token, execution)
            assert answer.status == 404 and MARK not in answer.text.lower(), (name, caller.name, answer.text)
        assert finished(world, name.replace("DELETE", "GET"), token, execution).status == 200  # and nobody ended it


PROBES = [
    # (route, path or None, parameters, body): each holds MARK where something of theirs could be named
    ("GET /v1/developer/usage", None, {"organization": THEIRS}, None),
    ("GET /v1/developer/usage", None, {"keyId": f"{MARK}-client"}, None),
    ("GET /v1/developer/usage", None, {"endpoint": f"GET /v1/{MARK}-orders/{{{MARK}-id}}"}, None),
    ("GET /api/v2/usage/report", None, {"organization": THEIRS}, None),
    ("GET /api/v2/usage/report", None, {"clients": f"{MARK}-client"}, None),
    ("GET /api/v2/usage/report", None, {"templates": f"v1/{MARK}-orders/{{{MARK}-id}}"}, None),
    (POST_QUERY, None, {}, {}),
    (POST_SEARCH, None, {}, {"oauthClientNames": [f"{MARK} name"]}),
    (POST_SEARCH, None, {}, {"oauthClientNames": [f"{MARK} shared"]}),
    (POST_SEARCH, None, {}, {"templateUris": [f"v1/{MARK}-orders/{{{MARK}-id}}"]}),
    (POST_CLIENT, f"/api/v2/oauth/clients/{MARK}-client/usage/query", {}, {}),
    (f"GET {OAUTH}/summary", f"/api/v2/oauth/clients/{MARK}-client/usage/summary", {}, None),
    (POST_JOB, None, {}, {"oauthClientIds": [f"{MARK}-client"]}),
    (POST_JOB, None, {}, {"userIds": [f"{MARK}-user"]}),
    (POST_JOB, None, {}, {"platforms": [f"{MARK}-platform"]}),
    (POST_CLIENT_JOB, f"/api/v2/usage/client/{MARK}-client/aggregates/query/jobs", {}, {}),
    (POST_CLIENT_JOB, None, {}, {"organizationIds": [THEIRS]}),
    ("GET /v1/developer/keys", None, {"organization": THEIRS}, None),
    ("DELETE /v1/developer/keys/{keyId}", f"/v1/developer/keys/{MARK}-key", {}, None),
    ("DELETE /v1/developer/keys/{keyId}", f"/v1/developer/keys/{MARK}-key", {"organization": THEIRS}, None),
    ("POST /v1/developer/keys", None, {}, {"keyId": f"{MARK}-key", "organization": THEIRS}),
    ("GET /api/v2/admin/clients", None, {"organization": THEIRS}, None),
    ("GET /api/v2/admin/clients.csv", None, {"organization": THEIRS}, None),
    ("GET /api/v2/admin/clients/{clientId}", f"/api/v2/admin/clients/{MARK}-client", {}, None),
    ("GET /api/v2/admin/clients/{clientId}", f"/api/v2/admin/clients/{SHARED}", {"organization": THEIRS}, None),
    ("DELETE /api/v2/admin/clients/{clientId}", f"/api/v2/admin/clients/{MARK}-client", {"organization": THEIRS}, None),
    ("PUT /api/v2/admin/clients/{clientId}", f"/api/v2/admin/clients/{MARK}-client", {}, {"organization": THEIRS}),
    ("GET /api/v2/admin/tokens", None, {"organization": THEIRS}, None),
    ("POST /api/v2/admin/tokens", None, {}, {"name": "x", "organization": THEIRS, "permissions": ["admin"]}),
]


def elsewhere(value):
    """The same with the name of what there is not."""
    return json.loads(json.dumps(value).replace(MARK, NOWHERE))


def without_chance(answer):
    """What of an answer does not differ from one time to the next."""
    text = re.sub(r'[0-9a-f]{8}-[0-9a-f-]{27}|"[0-9a-f]{32}"|"\d{4}-\d\d-\d\dT[0-9:.]*Z"', "#", answer.text)
    return answer.status, text.replace(MARK, NOWHERE)


def results_of(world, token, answer):
    """The answer about an execution that was made, when it has come to its end."""
    made = json.loads(answer.text)
    where = made.get("selfUri") or made["resultsUri"]
    where = where[where.index("/api/") :]

    def poll():
        got = call(world.api, "GET", where, token)
        return None if '"Running"' in got.text or '"Queued"' in got.text else got

    return wait_until(poll, 30, f"{where} is finished")


def probe(world, caller, name, path, parameters, body):
    """The answer, and that about the execution which it made."""
    method, template = name.split(" ")
    given = body_of(world, body) if body is not None and "/usage/" in template else body
    parameters = {**parameters, **({"interval": world.interval} if "report" in template else {})}
    answer = call(world.api, method, path or path_of(world, template), caller.token, body=given, **parameters)
    made = answer.status in (200, 202) and "resultsUri" in answer.text
    return [answer, results_of(world, caller.token, answer)] if made else [answer]


def test_what_is_theirs_is_as_what_is_not(world):
    for caller in world.callers:
        if caller.permissions is None or caller.sees_all:
            continue
        for name, path, parameters, body in PROBES:
            theirs = probe(world, caller, name, path, parameters, body)
            nowhere = probe(world, caller, name, path and path.replace(MARK, NOWHERE), elsewhere(parameters), elsewhere(body))
            for one, other in zip(theirs, nowhere, strict=True):
                assert without_chance(one) == without_chance(other), (caller.name, name, path, parameters, body)


def test_nothing_of_theirs_was_changed(world):
    clients = ask(world.api, "GET", "/api/v2/admin/clients", world.theirs["token"])["entities"]
    assert sorted(one["name"] for one in clients) == sorted(["", f"{MARK} name", f"{MARK} shared"])
    assert ask(world.api, "GET", "/api/v2/admin/tokens", world.theirs["token"])["total"] == 2
    assert call(world.api, "GET", f"/api/v2/oauth/clients/{MARK}-key/usage/summary", world.their_key["secret"]).status == 200


def test_a_client_sees_itself_alone(world):
    """The rows that a client's token gets are those of that client and organization, counted from the events."""
    wanted = sum(e.org == OURS and e.client == SHARED and e.time // DAY in world.days for e in world.events)
    for caller in world.callers:
        if caller.permissions is None or caller.client != SHARED or not caller.may(ORGANIZATION):
            continue
        rows = question(world, caller.token)
        assert sum(row["requests"] for row in rows) == wanted > 0
        assert {(row["clientId"], row["organizationId"]) for row in rows} == {(SHARED, OURS)}
        live = json.loads(call(world.api, "GET", "/v1/developer/usage", caller.token, timeframe="7d").text)["usage"][
            "totalRequests"
        ]
        assert live == sum(e.org == OURS and e.client == SHARED for e in world.events)


def test_names_stay_in_their_organization(world):
    """Both have a client c-shared, but only the others have named it."""
    admin = next(c for c in world.callers if c.name == "token of acme: admin")
    rows = question(world, admin.token)
    assert {row["clientName"] for row in rows if row["clientId"] == SHARED} == {SHARED}
    assert {row["clientName"] for row in rows if row["clientId"] == "c-1"} == {"Shop"}
