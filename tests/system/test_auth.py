"""Who one is: the token of the configuration, tokens, logins with client credentials, JSON web tokens; on two replicas, across
crashes of the API and of Redis."""

import base64
import json
import re
import signal
import time
import urllib.parse

import jwt
import pytest
from access import AUDIENCE, ISSUER, Issuer, ask, call, make_token, start_api
from harness import API_TOKEN, run_program, wait_until
from test_cluster import Cluster

WHO = "/api/v2/admin/clients"  # asks for a token, and for permission admin
LOOK = "/api/v2/usage/days?wrong=1"  # asks for a token, and is 400 before Redis is asked for anything


class World:
    def __init__(self, redis, directory):
        self.redis, self.directory = redis, directory
        self.issuer = Issuer(directory / "jwks.json")
        self.apis = []

    def api(self, **options):
        api = start_api(self.redis, self.directory, f"api{len(self.apis)}", **self.issuer.settings(), **options)
        self.apis.append(api)
        return api

    def logs(self):
        return "".join(api.log_tail(10**6) for api in self.apis)


@pytest.fixture
def world(redis, tmp_path):
    made = World(redis, tmp_path)
    yield made
    for api in made.apis:
        api.kill()


def kill_redis(world):
    """When it has written what it acknowledged: while a sync goes on in the background it may hold that back for two seconds."""

    def written():
        state = world.redis.client().info("persistence")
        return state["aof_buffer_length"] == 0 and state["aof_pending_bio_fsync"] == 0

    wait_until(written, 30, "the append-only file is written")
    world.redis.kill()


def status_of(api, token, path=WHO, **options):
    return call(api, "GET", path, token, **options).status


def refused(api, token, code, status=401, **options):
    """The error body that the usage API's clients know."""
    answer = call(api, "GET", WHO, token, **options)
    error = json.loads(answer.text)
    assert (answer.status, error["code"]) == (status, code), error
    assert error["contextId"] == answer.headers["ININ-Correlation-Id"] == answer.headers["X-Request-Id"]
    if status == 401:
        assert [value for name, value in answer.headers.items() if name == "WWW-Authenticate"][0].startswith("Bearer")
        assert len(answer.headers.get_all("WWW-Authenticate")) == 1
    return error


# ---- how a token is sent ----


def test_how_it_is_sent(world):
    api = world.api()
    assert status_of(api, API_TOKEN) == 200
    assert status_of(api, None, headers={"X-API-Key": API_TOKEN}) == 200
    assert status_of(api, None, headers={"Authorization": f"bearer {API_TOKEN}"}) == 200
    assert status_of(api, None, headers={"Authorization": f"Bearer   {API_TOKEN}"}) == 200
    refused(api, None, "authentication.required")
    refused(api, None, "authentication.required", headers={"Authorization": "Basic eDp5"})
    refused(api, None, "authentication.required", headers={"Authorization": "Bearer "})
    refused(api, None, "authentication.required", headers={"X-API-Key": ""})
    refused(api, None, "authentication.required", access_token=API_TOKEN)  # not in the query
    for wrong in ("x", API_TOKEN[:-1], API_TOKEN + "x", API_TOKEN.upper() + "y", "dbk_" + "A" * 43, "a" * 9000, "a.b.c"):
        refused(api, wrong, "bad.credentials")
    refused(api, "wrong", "bad.credentials", headers={"X-API-Key": API_TOKEN})  # the first word counts


# ---- the life of a token ----


def test_life_of_a_token(world):
    one, two = world.api(), world.api()
    made = make_token(one, organization="acme", name="Jörg's laptop")
    assert re.fullmatch(r"dbk_[A-Za-z0-9_-]{43}", made["token"])
    assert len(set(made["token"])) > 15
    assert status_of(one, made["token"]) == 200
    assert status_of(two, made["token"]) == 200  # at once: a replica asks before it refuses what it does not know
    keys = world.redis.client().hgetall("{daybook}:tokens")
    assert made["token"] not in repr(keys)
    ask(one, "DELETE", f"/api/v2/admin/tokens/{made['id']}")
    refused(one, made["token"], "bad.credentials")
    wait_until(lambda: status_of(two, made["token"], LOOK) == 401, 10, "the revocation is in force on the other replica")
    refused(two, made["token"], "bad.credentials")
    ask(one, "DELETE", f"/api/v2/admin/tokens/{made['id']}", status=404)
    assert made["token"] not in world.logs() and "token_revoked" in world.logs()


def test_revocation_takes_about_a_second(world):
    one, two = world.api(), world.api()
    slowest = 0
    for _ in range(3):
        made = make_token(one)
        assert status_of(two, made["token"], LOOK) == 400
        begun = time.monotonic()
        ask(one, "DELETE", f"/api/v2/admin/tokens/{made['id']}")
        wait_until(lambda: status_of(two, made["token"], LOOK) == 401, 10, "revoked")
        slowest = max(slowest, time.monotonic() - begun)
    print(f"slowest revocation on another replica: {slowest:.2f} s")


def test_crashes(world):
    one, two = world.api(), world.api()
    kept, gone = make_token(one), make_token(one)
    ask(one, "DELETE", f"/api/v2/admin/tokens/{gone['id']}")
    one.kill()
    one.start()
    assert status_of(one, kept["token"]) == 200
    refused(one, gone["token"], "bad.credentials")
    kill_redis(world)
    assert call(one, "GET", LOOK, kept["token"]).status == 400  # known, though Redis is away
    assert call(one, "GET", LOOK, gone["token"]).status == 503  # it may have been made a moment ago
    assert call(one, "GET", LOOK, "nothing of ours").status == 401
    world.redis.start()
    wait_until(lambda: status_of(one, kept["token"]) == 200, 30, "Redis is back")
    refused(one, gone["token"], "bad.credentials")
    another = make_token(two)
    assert status_of(one, another["token"]) == 200


def test_started_without_redis(world):
    token = make_token(world.api())["token"]
    kill_redis(world)
    api = world.api(ready=False)
    assert status_of(api, token, LOOK) == 503  # it may well be one
    assert status_of(api, "not one", LOOK) == 401
    assert status_of(api, API_TOKEN, LOOK) == 400
    assert status_of(api, world.issuer.token(), LOOK) == 400
    world.redis.start()
    wait_until(lambda: status_of(api, token) == 200, 30, "Redis is back")


def test_expiry(world):
    api = world.api()
    soon = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 8))
    made = make_token(api, expiresAt=soon)
    assert made["expiresAt"] == soon and status_of(api, made["token"]) == 200
    wait_until(lambda: status_of(api, made["token"]) == 401, 30, "it has expired")
    refused(api, made["token"], "credentials.expired")
    listed = [one for one in ask(api, "GET", "/api/v2/admin/tokens")["entities"] if one["id"] == made["id"]]
    assert listed[0]["expired"] is True
    ask(
        api,
        "POST",
        "/api/v2/admin/tokens",
        status=400,
        body={"name": "x", "organization": None, "permissions": ["admin"], "expiresAt": soon},
    )


def test_last_use(world):
    one, two = world.api(), world.api()
    made, idle = make_token(one), make_token(one)

    def used(api, token):
        return next(
            t["lastUsedAt"] for t in ask(api, "GET", "/api/v2/admin/tokens", pageSize=1000)["entities"] if t["id"] == token["id"]
        )

    assert used(one, made) is None
    before = time.strftime("%Y-%m-%dT%H:%M:00Z", time.gmtime())
    assert status_of(two, made["token"]) == 200
    wait_until(lambda: used(one, made) is not None, 30, "the other replica says so")
    assert before <= used(one, made) <= time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()) and used(one, idle) is None
    ask(one, "DELETE", f"/api/v2/admin/tokens/{made['id']}")
    assert made["id"] not in {key.decode() for key in world.redis.client().hkeys("{daybook}:used")}


# ---- client credentials ----


def log_in(api, basic=None, headers=None, status=200, **form):
    form = {"grant_type": "client_credentials", **form}
    body = urllib.parse.urlencode({k: v for k, v in form.items() if v is not None}).encode()
    headers = {"Content-Type": "application/x-www-form-urlencoded", **(headers or {})}
    if basic is not None:
        headers["Authorization"] = "Basic " + base64.b64encode(":".join(basic).encode()).decode()
    answer = call(api, "POST", "/oauth/token", None, body=body, headers=headers)
    assert answer.status == status, (answer.status, answer.text)
    assert answer.headers["Cache-Control"] == "no-store"
    if status == 401:
        assert answer.headers["WWW-Authenticate"].startswith("Basic")
    return json.loads(answer.text)


def test_log_in(world):
    one, two = world.api(), world.api()
    key = ask(one, "POST", "/v1/developer/keys", status=201, body={"keyId": "c:17 ü", "organization": "acme"})
    usage = "/api/v2/oauth/clients/c%3A17%20%C3%BC/usage/summary"
    for api, given in [
        (one, {"basic": ("c:17 ü", key["secret"])}),
        (two, {"client_id": "c:17 ü", "client_secret": key["secret"]}),
        (two, {"basic": ("c:17 ü", key["secret"]), "client_id": "c:17 ü", "scope": "passed over"}),
    ]:
        granted = log_in(api, **given)
        assert set(granted) == {"access_token", "token_type", "expires_in"} and granted["token_type"] == "bearer"
        assert 86000 < granted["expires_in"] <= 86400
        assert call(one, "GET", usage, granted["access_token"]).status != 401
        assert call(two, "GET", usage, granted["access_token"]).status != 401
        assert status_of(two, granted["access_token"]) == 403  # what the parent may not
    assert key["secret"] not in world.logs() and granted["access_token"] not in world.logs()
    ask(one, "DELETE", "/v1/developer/keys/c%3A17%20%C3%BC")
    assert call(one, "GET", usage, granted["access_token"]).status == 401
    wait_until(lambda: call(two, "GET", usage, granted["access_token"]).status == 401, 10, "it ends with its parent")
    assert log_in(one, basic=("c:17 ü", key["secret"]), status=401)["error"] == "invalid_client"
    # The same key, made again, revives nothing.
    again = ask(one, "POST", "/v1/developer/keys", status=201, body={"keyId": "c:17 ü", "organization": "acme"})
    assert again["secret"] != key["secret"]
    assert call(one, "GET", usage, granted["access_token"]).status == 401
    log_in(two, basic=("c:17 ü", again["secret"]))


def test_log_in_refused(world):
    api = world.api()
    token = make_token(api, organization="acme")
    key = ask(api, "POST", "/v1/developer/keys", status=201, body={"keyId": "c-1", "organization": "acme"})
    assert log_in(api, basic=(token["id"], token["token"]))["access_token"]
    for basic in [
        ("c-1", token["token"]),
        ("c-2", key["secret"]),
        ("c-1", ""),
        ("", key["secret"]),
        ("c-1", key["secret"] + "x"),
        ("x", API_TOKEN),
    ]:
        error = log_in(api, basic=basic, status=401)
        assert error["error"] == "invalid_client" and error["description"]
    access = log_in(api, basic=("c-1", key["secret"]))["access_token"]
    assert log_in(api, basic=("c-1", access), status=401)["error"] == "invalid_client"  # no token of a token
    assert log_in(api, status=401)["error"] == "invalid_client"
    assert log_in(api, headers={"Authorization": "Basic !!"}, status=401)["error"] == "invalid_client"
    good = {"basic": ("c-1", key["secret"])}
    assert log_in(api, **good, grant_type="password", status=400)["error"] == "unsupported_grant_type"
    assert log_in(api, **good, grant_type=None, status=400)["error"] == "invalid_request"
    assert log_in(api, **good, client_secret=key["secret"], status=400)["error"] == "invalid_request"
    assert log_in(api, **good, headers={"Content-Type": "application/json"}, status=400)["error"] == "invalid_request"
    for body in (b"grant_type=client_credentials&grant_type=client_credentials", b"grant_type=%zz", b"x" * 9000):
        assert call(api, "POST", "/oauth/token", None, body=body).status == 400
    assert call(api, "POST", "/oauth/token", None, body=b"", grant_type="client_credentials").status == 400
    assert call(api, "GET", "/oauth/token", None).status == 405


def test_access_tokens_are_bounded(world):
    api, client = world.api(), world.redis.client()
    key = ask(api, "POST", "/v1/developer/keys", status=201, body={"keyId": "c-1", "organization": "acme"})
    good = {"client_id": "c-1", "client_secret": key["secret"]}
    made = [log_in(api, **good)["access_token"] for _ in range(64)]
    form = urllib.parse.urlencode({"grant_type": "client_credentials", **good}).encode()
    answer = call(api, "POST", "/oauth/token", None, body=form)  # one that is a moment old is not pushed out
    assert answer.status == 429 and 1 <= int(answer.headers["Retry-After"]) <= 60
    assert json.loads(answer.text)["error"] == "RATE_LIMIT_EXCEEDED"
    for name, text in client.hgetall("{daybook}:tokens").items():
        token = json.loads(text)
        client.hset("{daybook}:tokens", name, json.dumps({**token, "created": token["created"] - 61_000}))
    client.incr("{daybook}:version")
    made += [log_in(api, **good)["access_token"] for _ in range(2)]
    usage = "/api/v2/oauth/clients/c-1/usage/summary"
    states = [call(api, "GET", usage, token).status != 401 for token in made]
    assert states == [False, False] + [True] * 64
    assert client.hlen("{daybook}:tokens") == 65
    listed = ask(api, "GET", "/api/v2/admin/tokens")
    assert listed["total"] == 1 and len(ask(api, "GET", "/v1/developer/keys")["keys"]) == 1


def test_an_access_token_ends_with_its_parent_s_time(world):
    api = world.api()
    soon = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 8))
    parent = make_token(api, expiresAt=soon)
    granted = log_in(api, basic=(parent["id"], parent["token"]))
    assert granted["expires_in"] <= 8
    wait_until(lambda: status_of(api, granted["access_token"]) == 401, 30, "it has expired")
    refused(api, granted["access_token"], "credentials.expired")
    assert log_in(api, basic=(parent["id"], parent["token"]), status=401)["error"] == "invalid_client"


# ---- JSON web tokens ----


def test_jwt(world):
    api, issuer = world.api(), world.issuer
    for kid in ("rs256", "es256", "eddsa"):
        assert status_of(api, issuer.token(kid, permissions=["admin"])) == 200
        assert status_of(api, issuer.token(kid, scope="openid admin")) == 200
        refused(api, issuer.token(kid), "missing.any.permissions", status=403)
    admin = {"permissions": ["admin"]}
    assert status_of(api, issuer.token(**admin, aud=["x", AUDIENCE])) == 200
    assert status_of(api, issuer.token(**admin, organization=None, daybook_all_organizations=True)) == 200
    now = int(time.time())
    for claims in (
        {"aud": "another"},
        {"aud": None},
        {"iss": ISSUER + "/"},
        {"iss": None},
        {"exp": None},
        {"nbf": now + 3600},
        {"iat": now + 3600},
        {"sub": None},
        {"organization": None},
        {"daybook_all_organizations": True},
        {"tier": "gold"},
    ):
        refused(api, issuer.token(**{**admin, **claims}), "bad.credentials")
    refused(api, issuer.token(**admin, exp=now - 3600), "credentials.expired")
    refused(api, issuer.token(**admin, headers={"kid": "gone"}), "bad.credentials")
    refused(api, issuer.token(**admin)[:-4], "bad.credentials")
    refused(api, issuer.token(**admin, name="x" * 9000), "bad.credentials")


def test_jwt_of_other_makers(world):
    """alg none, and symmetric ones whose secret is what everybody knows."""
    api, issuer = world.api(), world.issuer
    claims = jwt.decode(issuer.token(permissions=["admin"]), options={"verify_signature": False})
    refused(api, jwt.encode(claims, None, algorithm="none"), "bad.credentials")
    for secret in (issuer.path.read_bytes(), b"", API_TOKEN.encode()):
        for algorithm in ("HS256", "HS512"):
            refused(api, jwt.encode(claims, secret, algorithm=algorithm, headers={"kid": "rs256"}), "bad.credentials")
    kind, key = issuer.keys["rs256"]
    for algorithm in ("RS512", "PS256"):
        refused(api, jwt.encode(claims, key, algorithm=algorithm, headers={"kid": "rs256"}), "bad.credentials")


def test_jwt_keys_are_rotated(world):
    api, issuer = world.api(), world.issuer
    old = issuer.token("es256", permissions=["admin"])
    issuer.add("ES256", "new")
    new = issuer.token("new", permissions=["admin"])
    assert status_of(api, old) == 200
    refused(api, new, "bad.credentials")
    api.signal(signal.SIGHUP)
    wait_until(lambda: status_of(api, new) == 200, 30, "the file was read again")
    assert status_of(api, old) == 200
    good = issuer.path.read_text()
    issuer.path.write_text(good[:-20])
    api.signal(signal.SIGHUP)
    wait_until(lambda: str(issuer.path) in api.log_tail(50), 30, "the damage is told")
    assert status_of(api, old) == status_of(api, new) == 200  # the keys before stay in force
    del issuer.keys["es256"]
    issuer.write()
    api.signal(signal.SIGHUP)
    wait_until(lambda: status_of(api, old) == 401, 30, "the file was read again")
    assert status_of(api, new) == 200


@pytest.mark.parametrize("damage", ["missing", "no_issuer", "private"])
def test_jwt_settings(world, damage):
    settings = world.issuer.settings()
    if damage == "missing":
        world.issuer.path.unlink()
    elif damage == "no_issuer":
        settings["auth.jwt_issuer"] = ""
    else:
        kind, key = world.issuer.keys["es256"]
        world.issuer.path.write_text(json.dumps({"keys": [jwt.get_algorithm_by_name(kind).to_jwk(key, as_dict=True)]}))
    settings = {"redis.url": world.redis.url, "auth.token": API_TOKEN, "listen.port": 0, **settings}
    arguments = [f"--set={name}={value}" for name, value in settings.items()]
    done = run_program("daybook-api", *arguments, timeout_s=20)
    assert done.returncode == 2 and "auth.jwks_file" in done.stderr and done.stderr.count("\n") == 1, done.stderr


# ---- the log ----


def test_refusals_are_logged(world):
    api = world.api()
    made = make_token(api, organization="acme", permissions=["usage:client:view"])
    refused(api, made["token"], "missing.any.permissions", status=403)
    refused(api, "dbk_" + "x" * 43, "bad.credentials")
    log_in(api, basic=("nobody", "dbk_" + "y" * 43), status=401)
    lines = [line for line in api.log_tail(10**6).splitlines() if "refused" in line]
    assert any(made["id"] in line and "403" in line and WHO in line for line in lines), lines
    assert any("401" in line and "BAD_CREDENTIALS" in line for line in lines)
    assert any("login_refused" in line and "nobody" in line for line in lines)
    assert made["token"] not in world.logs() and "xxxxx" not in world.logs() and "yyyyy" not in world.logs()
    assert API_TOKEN not in world.logs()
    metrics = call(api, "GET", "/metrics", None).text
    assert 'daybook_api_refused_total{code="BAD_CREDENTIALS"} 1' in metrics


# ---- on a cluster ----


def test_cluster(tmp_path):
    """All that changes the registry lies in one slot."""
    cluster = Cluster(tmp_path)
    made = World(cluster, tmp_path)
    try:
        one, two = made.api(), made.api()
        token = make_token(one, organization="acme")
        assert status_of(two, token["token"]) == 200
        key = ask(one, "POST", "/v1/developer/keys", status=201, body={"keyId": "c-1", "organization": "acme"})
        access = log_in(two, basic=("c-1", key["secret"]))["access_token"]
        assert status_of(one, access, LOOK) == 400
        ask(two, "DELETE", "/v1/developer/keys/c-1", token["token"])
        assert status_of(two, access, LOOK) == 401
        assert ask(one, "GET", "/api/v2/admin/tokens", token["token"])["total"] == 1
    finally:
        for api in made.apis:
            api.kill()
        cluster.kill()
