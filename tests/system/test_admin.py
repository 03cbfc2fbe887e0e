"""Clients, tokens and keys: made, listed, changed and revoked; as CSV; by administrators of one organization and of all."""

import concurrent.futures
import http.client
import json
import random
import re
import urllib.parse

import pytest
from access import PERMISSIONS, ask, call, import_csv, make_token, refused, start_api
from harness import API_TOKEN, csv_rows

CLIENTS, TOKENS, KEYS, CSV = "/api/v2/admin/clients", "/api/v2/admin/tokens", "/v1/developer/keys", "/api/v2/admin/clients.csv"
COLUMNS = ["id", "name", "organization", "tier", "platform", "plan"]


class World:
    def __init__(self, redis, directory):
        self.redis, self.client, self.directory = redis, redis.client(), directory
        self.api = start_api(redis, directory)
        self.acme = make_token(self.api, organization="acme", tier="starter")["token"]
        self.globex = make_token(self.api, organization="globex")["token"]
        for plan in ("gold", "silver", "SECRET"):
            ask(self.api, "PUT", f"/api/v2/admin/plans/{plan}", status=201, body={"currency": "EUR"})

    def put(self, client, token=API_TOKEN, status=201, **fields):
        return ask(self.api, "PUT", f"{CLIENTS}/{client}", token, status=status, body=fields)

    def clients(self, token=API_TOKEN, **parameters):
        return ask(self.api, "GET", CLIENTS, token, **parameters)["entities"]

    def import_table(self, table, token=API_TOKEN, status=200, headers=None):
        return import_csv(self.api, CSV, table, token, status, headers)

    def refused(self, *what, **options):
        return refused(self.api, *what, **options)


@pytest.fixture
def world(redis, tmp_path):
    made = World(redis, tmp_path)
    yield made
    made.api.kill()


# ---- clients ----


def test_life_of_a_client(world):
    made = world.put("c-1", name="Shop", organization="acme", tier="Professional", platform="iOS", plan="gold")
    assert made == {"id": "c-1", "name": "Shop", "organization": "acme", "tier": "professional", "platform": "iOS", "plan": "gold"}
    assert ask(world.api, "GET", f"{CLIENTS}/c-1") == made
    changed = world.put("c-1", status=200, name="Läden & Co", organization="acme")
    assert changed == {"id": "c-1", "name": "Läden & Co", "organization": "acme", "tier": "free", "platform": "", "plan": ""}
    assert world.clients() == [changed]
    assert ask(world.api, "DELETE", f"{CLIENTS}/c-1") == changed
    ask(world.api, "GET", f"{CLIENTS}/c-1", status=404)
    ask(world.api, "DELETE", f"{CLIENTS}/c-1", status=404)
    assert world.clients() == []
    logs = world.api.log_tail(1000)
    assert all(event in logs for event in ("client_created", "client_changed", "client_removed"))


ODD_IDS = ["a/b", "/", "a//b/", "a?b=c#d", "100%", "a%2Fb", "a%252Fb", "a b+c", "Ünï 日本/🚀", "x/clients.csv", "ü" * 128, "a;b&c", "..a/../b"]


def in_path(name):
    return urllib.parse.quote(name, safe="")


@pytest.mark.parametrize("path", [CLIENTS, "/api/v2/admin/organizations"])
def test_ids_that_have_signs_of_addresses(world, path):
    """Each has an address of its own, and no other one's: an encoded slash is part of a name, and separates nothing."""
    columns = {"organization": "acme"} if path == CLIENTS else {}
    for name in ODD_IDS:
        made = ask(world.api, "PUT", f"{path}/{in_path(name)}", status=201, body={"name": f"It is {name[:9]}", **columns})
        assert made["id"] == name
    for name in ODD_IDS:
        found = ask(world.api, "GET", f"{path}/{in_path(name)}")
        assert (found["id"], found["name"]) == (name, f"It is {name[:9]}")
        small = re.sub("%..", lambda code: code[0].lower(), in_path(name))
        assert ask(world.api, "PUT", f"{path}/{small}", status=200, body={"name": "Again", **columns})["id"] == name
    listed = [entity["id"] for entity in ask(world.api, "GET", path, pageSize=100)["entities"]]
    assert sorted(listed) == sorted(ODD_IDS)
    for name in ODD_IDS:
        assert ask(world.api, "DELETE", f"{path}/{in_path(name)}")["id"] == name
        ask(world.api, "GET", f"{path}/{in_path(name)}", status=404)
    assert ask(world.api, "GET", path)["entities"] == []
    assert "There is nothing at this path" in call(world.api, "GET", f"{path}/a/b").text
    assert call(world.api, "GET", f"{path}%2Fa").status == 404  # no separator, so no such route
    assert call(world.api, "GET", f"{path[:-1]}%73").status == 200  # what needs no encoding may have it


def test_limits_and_keys_of_odd_ids(world):
    for n, name in enumerate(ODD_IDS):
        body = {"organization": "acme", "client": name, "metric": "hits", "period": "day", "value": 7}
        ask(world.api, "PUT", f"/api/v2/admin/limits/l-{n}", status=201, body=body)
        made = ask(world.api, "POST", KEYS, world.acme, status=201, body={"keyId": name})
        limits = ask(world.api, "GET", "/api/v2/admin/limits", clientId=name)["entities"]
        assert [(limit["id"], limit["client"]) for limit in limits] == [(f"l-{n}", name)]
        own = f"/api/v2/oauth/clients/{in_path(name)}/usage"
        day = {"interval": "2026-11-01/2026-11-02"}
        posted = call(world.api, "POST", f"{own}/query", made["secret"], body=day)
        assert posted.status == 200, posted.text
        assert call(world.api, "GET", json.loads(posted.text)["resultsUri"], made["secret"]).status == 200
        assert call(world.api, "GET", f"{own}/summary", made["secret"]).status == 200
        assert call(world.api, "GET", "/api/v2/oauth/clients/c-1/usage/summary", made["secret"]).status == 404
        assert ask(world.api, "DELETE", f"{KEYS}/{in_path(name)}", world.acme)["keyId"] == name


def test_clients_of_the_same_id(world):
    acme, globex = world.put("c-1", world.acme, name="Ours"), world.put("c-1", world.globex, name="Theirs")
    assert (acme["organization"], globex["organization"]) == ("acme", "globex")
    for token, own in ((world.acme, acme), (world.globex, globex)):
        assert world.clients(token) == [own]
        assert ask(world.api, "GET", f"{CLIENTS}/c-1", token) == own
    assert world.clients() == [acme, globex]
    assert set(world.refused("GET", f"{CLIENTS}/c-1", "organization")["allowed"]) == {"acme", "globex"}
    assert ask(world.api, "GET", f"{CLIENTS}/c-1", organization="globex") == globex
    ask(world.api, "GET", f"{CLIENTS}/c-1", organization="initech", status=404)
    world.refused("PUT", f"{CLIENTS}/c-1", "organization", body={})
    world.refused("PUT", f"{CLIENTS}/c-new", "organization", body={})
    ask(world.api, "DELETE", f"{CLIENTS}/c-1", organization="acme")
    assert world.clients() == [globex]
    assert world.put("c-1", status=200, name="Again")["organization"] == "globex"  # the only one


def test_an_organization_s_administrator(world):
    theirs = world.put("c-9", organization="globex", name="Theirs", plan="SECRET")
    api, acme = world.api, world.acme
    assert world.clients(acme) == [] and world.clients(acme, organization="globex") == []
    ask(api, "GET", f"{CLIENTS}/c-9", acme, status=404)
    ask(api, "GET", f"{CLIENTS}/c-9", acme, status=404, organization="globex")
    ask(api, "DELETE", f"{CLIENTS}/c-9", acme, status=404, organization="globex")
    ask(api, "DELETE", f"{CLIENTS}/c-9", acme, status=404)
    ask(api, "PUT", f"{CLIENTS}/c-9", acme, status=403, body={"organization": "globex", "name": "x"})
    assert (
        "SECRET" not in call(api, "GET", CSV, acme).text and "SECRET" not in call(api, "GET", CSV, acme, organization="globex").text
    )
    error = world.import_table([["id", "organization"], ["c-9", "globex"]], acme, 400)
    assert error["lines"][0]["field"] == "organization" and error["lines"][0]["allowed"] == ["acme"]
    # Their own tier is the highest that they can give, unless it was given by somebody higher.
    assert world.put("c-1", acme, tier="starter")["tier"] == "starter"
    ask(api, "PUT", f"{CLIENTS}/c-1", acme, status=403, body={"tier": "enterprise"})
    assert world.import_table([["id", "tier"], ["c-1", "professional"]], acme, 400)["lines"][0]["field"] == "tier"
    # Plans are given by administrators of all.
    ask(api, "PUT", f"{CLIENTS}/c-1", acme, status=403, body={"plan": "gold"})
    world.put("c-1", status=200, organization="acme", tier="enterprise", plan="gold")
    assert world.import_table([["id", "plan"], ["c-1", ""]], acme, 400)["lines"][0]["allowed"] == ["gold"]
    assert world.put("c-1", acme, status=200, tier="enterprise", name="named", plan="gold")["plan"] == "gold"
    world.put("c-1", status=200, organization="acme", tier="enterprise")
    assert world.put("c-1", acme, status=200, tier="enterprise", name="named")["tier"] == "enterprise"
    ask(api, "POST", TOKENS, acme, status=403, body={"name": "x", "permissions": ["admin"], "tier": "professional"})
    assert world.clients(world.globex) == [theirs]
    assert sum("refused" in line and "status=403" in line for line in api.log_tail(1000).splitlines()) == 4


def test_one_client_administers_nothing(world):
    token = make_token(world.api, organization="acme", client="c-1", permissions=["usage:client:view"])["token"]
    for method, path in [("GET", CLIENTS), ("GET", TOKENS), ("GET", KEYS), ("GET", CSV), ("POST", TOKENS)]:
        ask(world.api, method, path, token, status=403)
    world.refused(
        "POST", TOKENS, "permissions", body={"name": "x", "organization": "acme", "client": "c", "permissions": ["admin"]}
    )


def test_pages_of_clients(world):
    rng = random.Random(7)
    rows = sorted(
        {(rng.choice(["acme", "größe", ""]), rng.choice(["a", "ä", "Z z", "%2F", "日本"]) + str(n % 40)) for n in range(130)}
    )
    world.import_table([["organization", "id"], *rows])
    whole = world.clients(pageSize=1000)
    assert [(one["organization"], one["id"]) for one in whole] == sorted(rows, key=lambda r: (f"{r[0]}\x1f{r[1]}".encode()))
    for size, parameters in ((1, {"organization": "größe"}), (7, {}), (1000, {"organization": ""}), (len(rows), {})):
        found, uri = [], None
        while True:
            page = ask(world.api, "GET", uri or CLIENTS, **({} if uri else {"pageSize": size, **parameters}))
            wanted = [one for one in whole if one["organization"] == parameters.get("organization", one["organization"])]
            assert page["total"] == len(wanted) and len(page["entities"]) <= size
            found += page["entities"]
            uri = page.get("nextUri")
            if uri is None:
                break
            assert len(page["entities"]) == size
        assert found == wanted


@pytest.mark.parametrize("path", [CLIENTS, TOKENS])
def test_wrong_parameters(world, path):
    for name, value in [
        ("pageSize", "0"),
        ("pageSize", "1001"),
        ("pageSize", "x"),
        ("pageSize", ""),
        ("after", "!"),
        ("after", "Zh"),
        ("after", ""),
        ("limit", "5"),
        ("Organization", "acme"),
    ]:
        world.refused("GET", path, name, **{name: value})
    world.refused("GET", path + "?organization=a&organization=b", "organization")
    for name, value in [("limit", "0"), ("limit", "1001"), ("offset", "-1"), ("offset", "1e3"), ("pageSize", "5")]:
        world.refused("GET", KEYS, name, **{name: value})
    for method, wrong in [("DELETE", f"{TOKENS}/x"), ("PUT", f"{CLIENTS}/x"), ("POST", KEYS), ("POST", TOKENS), ("POST", CSV)]:
        world.refused(method, wrong, "pageSize", pageSize=5, **({} if method == "DELETE" else {"body": {}}))


# ---- bodies ----

GOOD = {
    (("PUT", f"{CLIENTS}/c-1")): {"organization": "acme"},
    (("POST", TOKENS)): {"name": "x", "organization": "acme", "permissions": ["usage:client:view"]},
    (("POST", KEYS)): {"organization": "acme"},
}
LONG = "x" * 257
WRONG = {
    "name": [7, [], {}, True, LONG, "a\nb", "\x7f"],
    "organization": [7, ["acme"], LONG, "a\tb"],
    "tier": ["gold", "", 1, []],
    "platform": [{}, LONG],
    "plan": [False, LONG],
    "client": ["", 7, LONG],
    "keyId": ["", 7, LONG, "a\nb"],
    "permissions": [[], {}, "admin", ["usage"], [7], [None], [["admin"]], list(PERMISSIONS) * 2],
    "expiresAt": ["tomorrow", 7, "2020-01-01T00:00:00Z", "2030-13-01T00:00:00Z", "2030-01-01", ""],
    "id": ["c-2", 7],
}
FIELDS = {
    CLIENTS: COLUMNS,
    TOKENS: ["name", "organization", "client", "permissions", "tier", "expiresAt"],
    KEYS: ["keyId", "name", "organization", "tier", "permissions", "expiresAt"],
}


@pytest.mark.parametrize("method,path", list(GOOD))
def test_wrong_fields(world, method, path):
    known = FIELDS[path.removesuffix("/c-1")]
    for field, values in WRONG.items():
        for value in values if field in known else ["x"]:
            error = world.refused(method, path, field, body={**GOOD[method, path], field: value})
            assert error["code"] == ("invalid.value" if field in known else "bad.request") if path != KEYS else True
            assert field in known or error["allowed"] == sorted(known, key=error["allowed"].index)
    assert not world.client.exists("{daybook}:clients")
    ask(
        world.api,
        method,
        path,
        status=201,
        body={**GOOD[method, path], **{field: None for field in known if field not in GOOD[method, path]}},
    )


@pytest.mark.parametrize("method,path", list(GOOD))
def test_wrong_bodies(world, method, path):
    deep = b'{"name":' + b"[" * 10_000 + b"]" * 10_000 + b"}"
    wide = b"[" * 1_000_000
    for body in (
        b"",
        b"{",
        b"[]",
        b"7",
        b"null",
        b'"x"',
        b'{"name":"a","name":"b"}',
        b"\xff\xfe",
        b'{"name":"\xc3("}',
        deep,
        wide,
        b'{"name":"a\\u0000b"}',
        b"{} {}",
        b"<xml/>",
    ):
        error = ask(world.api, method, path, status=400, body=body, headers={"Content-Type": "application/json"})
        assert error["message"]
    good = json.dumps(GOOD[method, path]).encode()
    for kind in (
        "text/plain",
        "text/csv",
        "application/x-www-form-urlencoded",
        "application/json2",
        "application/xml; x=application/json",
    ):
        error = ask(world.api, method, path, status=415, body=good, headers={"Content-Type": kind})
        assert error["error"] == "UNSUPPORTED_MEDIA_TYPE" and "application/json" in error["message"]
    connection = http.client.HTTPConnection("127.0.0.1", world.api.port, timeout=10)
    connection.request(method, path, good, {"Authorization": f"Bearer {API_TOKEN}"})  # it says nothing of the type
    assert connection.getresponse().status == 201
    connection.close()
    status = 200 if method == "PUT" else 201
    ask(world.api, method, path, status=status, body=good, headers={"Content-Type": "Application/JSON; charset=utf-8"})


# ---- tokens ----


def test_tokens(world):
    made = make_token(
        world.api,
        organization="acme",
        client="c-1",
        name="Jo",
        permissions=["USAGE:client:VIEW"],
        tier="free",
        expiresAt="2031-05-06T07:08:09+02:00",
    )
    assert {k: made[k] for k in ("name", "organization", "client", "permissions", "tier", "expiresAt")} == {
        "name": "Jo",
        "organization": "acme",
        "client": "c-1",
        "permissions": ["usage:client:view"],
        "tier": "free",
        "expiresAt": "2031-05-06T05:08:09Z",
    }
    listed = ask(world.api, "GET", TOKENS, world.acme)
    assert [one["name"] for one in listed["entities"]] == ["a test", "Jo"] and listed["total"] == 2
    assert all("token" not in one and "digest" not in one for one in listed["entities"])
    assert made["token"] not in json.dumps(listed)
    everybody = ask(world.api, "GET", TOKENS)
    assert everybody["total"] == 3 and ask(world.api, "GET", TOKENS, organization="globex")["total"] == 1
    ask(world.api, "DELETE", f"{TOKENS}/{made['id']}", world.globex, status=404)
    assert ask(world.api, "DELETE", f"{TOKENS}/{made['id']}", world.acme) == {"id": made["id"], "revoked": True}
    assert ask(world.api, "GET", TOKENS, world.acme)["total"] == 1
    for body in (
        {"organization": "acme", "permissions": ["admin"]},
        {"name": "", "organization": "acme", "permissions": ["admin"]},
    ):
        world.refused("POST", TOKENS, "name", body=body)
    world.refused("POST", TOKENS, "organization", body={"name": "x", "permissions": ["admin"]})
    world.refused("POST", TOKENS, "permissions", body={"name": "x", "organization": None})
    world.refused(
        "POST", TOKENS, "client", body={"name": "x", "organization": None, "client": "c", "permissions": ["usage:client:view"]}
    )
    # An organization's administrator makes tokens of that alone.
    own = ask(world.api, "POST", TOKENS, world.acme, status=201, body={"name": "x", "permissions": ["admin"]})
    assert own["organization"] == "acme"
    for organization in (None, "globex", ""):
        ask(
            world.api,
            "POST",
            TOKENS,
            world.acme,
            status=403,
            body={"name": "x", "organization": organization, "permissions": ["admin"]},
        )


def test_pages_of_tokens(world):
    made = [make_token(world.api, organization="initech", name=str(n))["id"] for n in range(12)]
    found, page = [], ask(world.api, "GET", TOKENS, organization="initech", pageSize=5)
    while True:
        found += [one["id"] for one in page["entities"]]
        if "nextUri" not in page:
            break
        page = ask(world.api, "GET", page["nextUri"])
    assert sorted(found) == sorted(made) and len(found) == 12


# ---- keys ----


@pytest.mark.parametrize("path", [KEYS, "/api" + KEYS])
def test_keys(world, path):
    api = world.api
    made = ask(api, "POST", path, world.acme, status=201, body={"keyId": "c-1", "name": "Shop", "tier": "starter"})
    assert made["success"] is True and made["secret"].startswith("dbk_")
    assert {k: made[k] for k in ("keyId", "name", "organization", "tier", "permissions", "expiresAt")} == {
        "keyId": "c-1",
        "name": "Shop",
        "organization": "acme",
        "tier": "starter",
        "permissions": ["usage:client:view"],
        "expiresAt": None,
    }
    assert world.clients() == [{"id": "c-1", "name": "Shop", "organization": "acme", "tier": "starter", "platform": "", "plan": ""}]
    error = ask(api, "POST", path, world.acme, status=409, body={"keyId": "c-1"})
    assert error["success"] is False and error["error"] == "CONFLICT"
    theirs = ask(api, "POST", path, world.globex, status=201, body={"keyId": "c-1"})
    assert theirs["name"] == "c-1" and theirs["secret"] != made["secret"]
    random_one = ask(api, "POST", path, world.acme, status=201, body={})
    assert random_one["keyId"].startswith("c-") and len(random_one["keyId"]) > 20
    listed = ask(api, "GET", path, world.acme)
    assert sorted(key["keyId"] for key in listed["keys"]) == sorted(["c-1", random_one["keyId"]])
    assert listed["pagination"] == {"total": 2, "limit": 100, "offset": 0, "hasMore": False}
    assert made["secret"] not in json.dumps(listed) and "digest" not in json.dumps(listed)
    assert ask(api, "GET", path, limit=2, offset=1)["pagination"] == {"total": 3, "limit": 2, "offset": 1, "hasMore": False}
    assert len(ask(api, "GET", path, offset=3)["keys"]) == 0 and len(ask(api, "GET", path, organization="globex")["keys"]) == 1
    summary = "/api/v2/oauth/clients/c-1/usage/summary"
    assert call(api, "GET", summary, made["secret"]).status != 401
    assert ask(api, "DELETE", f"{path}/c-1", status=400)["field"] == "organization"
    ask(api, "DELETE", f"{path}/nobody", world.acme, status=404)
    ask(api, "DELETE", f"{path}/c-1", world.acme, status=404, organization="globex")
    assert ask(api, "DELETE", f"{path}/c-1", world.acme)["revoked"] is True
    assert call(api, "GET", summary, made["secret"]).status == 401 and call(api, "GET", summary, theirs["secret"]).status != 401
    assert len(world.clients(world.acme)) == 2  # they stay
    ask(api, "DELETE", f"{path}/c-1", world.acme, status=404)
    ask(api, "DELETE", f"{path}/c-1")  # just one is left
    again = ask(api, "POST", path, world.acme, status=201, body={"keyId": "c-1"})
    assert again["name"] == "Shop" and again["tier"] == "starter"  # the client's


def test_keys_refused(world):
    api = world.api
    ask(api, "POST", KEYS, status=400, body={"keyId": "c-1"})
    ask(api, "POST", KEYS, world.acme, status=403, body={"organization": "globex"})
    ask(api, "POST", KEYS, world.acme, status=403, body={"tier": "enterprise"})
    world.refused("POST", KEYS, "permissions", body={"organization": "acme", "permissions": ["admin"]})
    assert world.client.hlen("{daybook}:clients") == 0


def test_a_key_has_the_tier_of_its_client(world):
    key = ask(world.api, "POST", KEYS, status=201, body={"keyId": "c-1", "organization": "acme", "tier": "free"})
    summary = "/api/v2/oauth/clients/c-1/usage/summary"

    def allowed():
        return call(world.api, "GET", summary, key["secret"]).headers["inin-ratelimit-allowed"]

    world.api.kill()
    world.api = start_api(
        world.redis, world.directory, "limited", **{"limits.free_per_minute": 77, "limits.starter_per_minute": 88}
    )
    assert allowed() == "77"
    world.import_table([["id", "organization", "tier"], ["c-1", "acme", "starter"]])
    assert allowed() == "88"
    assert ask(world.api, "GET", KEYS)["keys"][0]["tier"] == "starter"


# ---- CSV ----


def test_csv_round_trip(world):
    rng = random.Random(3)
    words = [
        "",
        "Shop",
        'a "quoted" one',
        "comma, it",
        "line\u2028end",
        "=1+1",
        "@SUM(A1)",
        "-x",
        "+y",
        "größe",
        "日本",
        "'single",
        "  blank ",
        ";",
    ]
    rows = [
        [
            f"{rng.choice(words)}{n}",
            rng.choice(words),
            rng.choice(["acme", "globex", "", "=org"]),
            rng.choice(["free", "starter", "professional", "enterprise"]),
            rng.choice(words),
            rng.choice(["", "gold", "silver"]),
        ]
        for n in range(300)
    ]
    assert world.import_table([COLUMNS, *rows]) == {"created": 300, "changed": 0, "unchanged": 0}
    answer = call(world.api, "GET", CSV)
    assert (
        answer.status == 200
        and answer.headers["Content-Type"].startswith("text/csv")
        and "attachment" in answer.headers["Content-Disposition"]
    )
    assert answer.text.count("\r\n") == 301
    names, *plain = csv_rows(answer.text)
    assert names == COLUMNS
    assert sorted(plain) == sorted(rows)
    assert [f"{row[2]}\x1f{row[0]}".encode() for row in plain] == sorted(f"{row[2]}\x1f{row[0]}".encode() for row in rows)
    assert world.import_table(answer.text) == {"created": 0, "changed": 0, "unchanged": 300}
    assert world.import_table("\ufeff" + answer.text.replace("\r\n", "\n")) == {"created": 0, "changed": 0, "unchanged": 300}
    assert call(world.api, "GET", CSV, organization="acme").text.count("\r\n") == 1 + sum(row[2] == "acme" for row in rows)


def test_csv_columns(world):
    world.put("c-1", name="Shop", organization="acme", tier="starter", platform="iOS", plan="gold")
    assert world.import_table([["plan", "id", "organization"], ["silver", "c-1", "acme"], ["gold", "c-2", "acme"]]) == {
        "created": 1,
        "changed": 1,
        "unchanged": 0,
    }
    assert world.clients() == [
        {"id": "c-1", "name": "Shop", "organization": "acme", "tier": "starter", "platform": "iOS", "plan": "silver"},
        {"id": "c-2", "name": "", "organization": "acme", "tier": "free", "platform": "", "plan": "gold"},
    ]
    assert world.import_table([["id", "tier", "name"], ["c-1", "", ""]], world.acme) == {"created": 0, "changed": 1, "unchanged": 0}
    assert world.clients(world.acme)[0]["name"] == "" and world.clients(world.acme)[0]["tier"] == "starter"


def test_csv_all_or_nothing(world):
    rows = [[f"c-{n}", f"name {n}", "acme", "free"] for n in range(50)]
    rows[10][3], rows[20][0], rows[30][0] = "gold", "", "c-1"
    rows[40] = ["c-40", "x"]
    rows[45][1], rows[45][3] = "a\x07b", "silver"
    error = world.import_table([["id", "name", "organization", "tier"], *rows], status=400)
    assert error["code"] == "invalid.value" and error["contextId"] == error["requestId"]
    told = [(line["line"], line.get("field"), line.get("value")) for line in error["lines"]]
    assert told == [
        (12, "tier", "gold"),
        (22, "id", ""),
        (32, "id", "c-1"),
        (42, None, None),
        (47, "name", "a\x07b"),
        (47, "tier", "silver"),
    ]
    assert error["lines"][0]["allowed"] == ["free", "starter", "professional", "enterprise"]
    assert "line 3" in error["lines"][2]["allowed"][0]
    assert world.clients() == [] and not world.client.exists("{daybook}:clients")
    many = world.import_table([["id", "organization", "tier"], *[[f"c{n}", "", "gold"] for n in range(3000)]], status=400)
    assert len(many["lines"]) == 1000 and "3000" in many["message"]


@pytest.mark.parametrize(
    "text,field",
    [
        ("", "header"),
        ("\n\n", "header"),
        ("id,organization,color\n", "header"),
        ("id,id,organization\n", "header"),
        ("name,organization\n", "header"),
        ("id,name\n", "header"),
        ('id,organization\n"c-1,acme\n', None),
        ("id,organization\nc\0,acme\n", None),
        ('id,organization\nc"1,acme\n', None),
        (b"id,organization\n\xff,acme\n", "id"),
        ('{"id":"c-1"}', None),
        ("id;organization\nc;acme\n", "header"),
    ],
)
def test_csv_refused(world, text, field):
    assert world.import_table(text, status=400)["lines"][0].get("field") == field
    assert world.clients() == []


def test_csv_type(world):
    for kind in ("application/json", "text/plain"):
        assert world.import_table("id,organization\n", status=415, headers={"Content-Type": kind})["code"] == "unsupported.media.type"
    assert (
        world.import_table("id,organization\n", headers={"Content-Type": "text/csv; charset=utf-8; header=present"})["created"] == 0
    )


def test_csv_large(world):
    rows = [[f"client-{n}", f"The client of number {n}", "acme", "starter", "web", "gold"] for n in range(60_000)]
    assert world.import_table([COLUMNS, *rows])["created"] == 60_000
    assert world.import_table([COLUMNS, *rows])["unchanged"] == 60_000
    rows = [[f"other-{n}", "", "globex", "", "", ""] for n in range(60_000)]
    error = world.import_table([COLUMNS, *rows], status=400)
    assert "100000" in error["lines"][-1]["allowed"][0] and world.client.hlen("{daybook}:clients") == 60_000
    assert len(call(world.api, "GET", CSV).text.splitlines()) == 60_001


# ---- at the same time ----


def test_two_replicas_at_once(world):
    """Of many that make one key, one does; nothing is lost of what many change."""
    other = start_api(world.redis, world.directory, "other")
    try:
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            tries = [
                pool.submit(call, api, "POST", KEYS, body={"keyId": "c-1", "organization": "acme"})
                for api in [world.api, other] * 4
            ]
            assert sorted(one.result().status for one in tries) == [201] + [409] * 7
            puts = [
                pool.submit(call, api, "PUT", f"{CLIENTS}/p-{n}", body={"organization": "acme"})
                for n, api in enumerate([world.api, other] * 10)
            ]
            assert {one.result().status for one in puts} == {201}
        assert len(world.clients()) == 21
        assert [one["id"] for one in ask(other, "GET", CLIENTS, pageSize=1000)["entities"]] == [
            one["id"] for one in world.clients()
        ]
    finally:
        other.kill()


def test_redis_is_away(world):
    world.redis.kill()
    for method, path, body in [
        ("GET", CLIENTS, None),
        ("PUT", f"{CLIENTS}/c", {"organization": "a"}),
        ("GET", CSV, None),
        ("GET", KEYS, None),
        ("POST", KEYS, {"organization": "a"}),
        ("DELETE", f"{TOKENS}/x", None),
    ]:
        answer = call(world.api, method, path, body=body)
        assert answer.status == 503 and answer.headers["Retry-After"], (method, path, answer)
